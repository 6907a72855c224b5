"""Care for advisers: how heavy it was, how much one was exposed to, whom to talk to."""

from handoff.console.area import Area

AREA = Area(routes=())
