"""Forgetting: legal holds, requests, what remains."""

WHO_MAY: dict = {}
REFUSED: list = []
