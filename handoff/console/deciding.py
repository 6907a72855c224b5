"""The threshold clarifier: one question a page, a rationale nobody edits, a second reader."""

from handoff.console.area import Area

AREA = Area(routes=())
