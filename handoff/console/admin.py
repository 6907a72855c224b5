"""Accounts, opening hours, what is kept how long, the privacy statement."""

from handoff.console.area import Area

AREA = Area(routes=())
