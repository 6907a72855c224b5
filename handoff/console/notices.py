"""What one must be told: the list at the desk, and acknowledging."""

from handoff.console.area import Area

AREA = Area(routes=())
