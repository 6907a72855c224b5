"""Live figures: today and this week, from the facts."""

from handoff.console.area import Area

AREA = Area(routes=())
