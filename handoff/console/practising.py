"""Practice: scripted enquirers on the same screens, in no figure."""

from handoff.console.area import Area

AREA = Area(routes=())
