"""The supervisor's wall: who holds what, watching, whispering, taking over, reviewing a sample."""

from handoff.console.area import Area

AREA = Area(routes=())
