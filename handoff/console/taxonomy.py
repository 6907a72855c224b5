"""The taxonomy's versions and what leads from one to the next."""

from handoff.console.area import Area

AREA = Area(routes=())
