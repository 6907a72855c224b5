"""The report of a period: made at the desk, looked at, printed, taken out, passed on."""

from handoff.console.area import Area

AREA = Area(routes=())
