"""An area of the desk: its routes with who may use each, its place in the rail, what it adds to a case's page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web
from aiohttp.typedefs import Handler

from handoff.desk import Case
from handoff.domain import MAY_HOLD, Role

Access = frozenset[Role] | None
"""The roles that may use a route; None: whoever comes, logged in or not."""
ANYONE: Access = None
LOGGED_IN: Access = frozenset(Role)
HOLDERS: Access = MAY_HOLD
NOBODY: Access = frozenset()
CASE = r"/cases/{case:[0-9]{1,12}}"


class Group(StrEnum):
    """The parts of the rail, in their order; `words.html` has their names."""

    WORK = "work"
    OVERSIGHT = "oversight"
    SERVICE = "service"
    YOU = "you"


class Tab(StrEnum):
    """The tabs beside a conversation after its notes, in their order; `words.html` has their names."""

    DECIDING = "deciding"
    TASKS = "tasks"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    name: str
    handler: Handler
    allowed: Access


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the rail: the route it leads to, what it is called, who sees it, in which part it stands."""

    route: str
    label: str
    seen_by: frozenset[Role]
    group: Group


@dataclass(frozen=True, slots=True)
class Panel:
    """What an area adds to a case's page, under one of its tabs.

    Its template is `_<name>.html`, and finds `panels.<name>`.
    `of` is called for whoever may see the case, with the request and the case.
    """

    name: str
    label: str
    of: Callable[[web.Request, Case], Mapping[str, object]]
    tab: Tab


@dataclass(frozen=True, slots=True)
class Area:
    routes: tuple[Route, ...]
    places: tuple[Place, ...] = ()
    panels: tuple[Panel, ...] = ()
    tells: tuple[str, ...] = ()
    """Events that open pages must hear of: a whole kind like `adviser.away`, or its first part like `case`."""
