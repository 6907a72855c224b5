"""Tasks and takedowns: due, overdue, waiting for a platform."""

from handoff.console.area import Area

AREA = Area(routes=())
