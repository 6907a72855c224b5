"""Planning and school terms."""

WHO_MAY: dict = {}
REFUSED: list = []
