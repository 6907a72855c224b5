"""What the lead looks at every morning: today, this week, what goes up, what no flow took, where people stop."""

from handoff.console.area import Area

AREA = Area(routes=())
