"""How many advisers are needed, and what a surge would do; the school terms."""

from handoff.console.area import Area

AREA = Area(routes=())
