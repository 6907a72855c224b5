"""A case's record: its timeline, contacts that belong together, the record of advice to print."""

from handoff.console.area import Area

AREA = Area(routes=())
