"""Content gaps: what advisers miss, for editors; pages that are due for review."""

from handoff.console.area import Area

AREA = Area(routes=())
