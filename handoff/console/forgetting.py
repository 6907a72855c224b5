"""What is forgotten tonight, on request, or held; what one enquirer may be shown."""

from handoff.console.area import Area

AREA = Area(routes=())
