"""The lead's dashboard, and the facts of contacts."""

WHO_MAY: dict = {}
REFUSED: list = []
