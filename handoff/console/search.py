"""Finding a case by reference, category, date or holder."""

from handoff.console.area import Area

AREA = Area(routes=())
