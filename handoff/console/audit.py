"""The audit trail, whether its chain is whole, who looked at whose identity."""

from handoff.console.area import Area

AREA = Area(routes=())
