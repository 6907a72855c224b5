"""Reports: facts of takedowns, reports that were passed on."""

WHO_MAY: dict = {}
REFUSED: list = []
