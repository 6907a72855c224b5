"""Finding a case by reference, category, date or holder. Words are sealed: nobody can search them."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import partial
from typing import Final

from aiohttp import web

from handoff.advisers import everyone
from handoff.console.area import HOLDERS, Area, Group, Place, Route
from handoff.console.parts import Parts, parts_of, session_of
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import MAY_HOLD, Adviser, AdviserId, State, code
from handoff.finding import FAR_ENOUGH, PAGE_OF, Found, Wanted, find, reference_part

NAMES = ("ref", "category", "since", "until", "holder", "state")
MOST_PAGES = FAR_ENOUGH // PAGE_OF
_FINDING: Final = ThreadPoolExecutor(1, thread_name_prefix="search")


async def search(request: web.Request) -> web.Response:
    parts, me = parts_of(request), session_of(request).adviser
    reader = parts.ledger.reader()
    given = {name: request.query.get(name, "").strip() for name in NAMES}
    wanted, faults = wanted_from(given)
    number = _page(request.query.get("page", ""))
    asked = any(given.values())
    found = await _found(parts, wanted, me, number) if asked and not faults else None
    if found is not None and number > 1 and not found.hits:
        return _elsewhere(request, given, max(1, -(-found.total // PAGE_OF)))
    return page(
        request,
        "search.html",
        422 if faults else 200,
        seq=last_event(reader),
        given=given,
        faults=faults,
        found=found,
        number=number,
        pages=min(MOST_PAGES, -(-found.total // PAGE_OF)) if found else 0,
        far_enough=FAR_ENOUGH,
        first=(number - 1) * PAGE_OF + 1,
        turn=lambda to: _link(request, given, to),
        people=[each for each in everyone(reader) if each.role in MAY_HOLD],
        states=list(State),
    )


async def _found(parts: Parts, wanted: Wanted, me: Adviser, number: int) -> Found:
    """On a thread of its own: a search through years of cases keeps no conversation waiting."""
    now = parts.now()
    looking = partial(_look, parts, wanted, me, now, number)
    return await asyncio.get_running_loop().run_in_executor(_FINDING, looking)


def _look(parts: Parts, wanted: Wanted, me: Adviser, now: datetime, number: int) -> Found:
    return find(parts.ledger.reader(), wanted, me, now, number)


def wanted_from(given: Mapping[str, str]) -> tuple[Wanted, tuple[str, ...]]:
    """What is looked for, and the fields that say nothing that could be."""
    reference = reference_part(given["ref"])
    since, until = _day(given["since"]), _day(given["until"])
    holder, state = given["holder"], given["state"]
    faults = {
        "ref": given["ref"] and not reference,
        "since": given["since"] and since is None,
        "until": (given["until"] and until is None) or (since and until and until < since),
        "holder": holder and not _is_number(holder),
        "state": state and state not in set(State),
        "category": given["category"] and code(given["category"]) != given["category"],
    }
    wrong = tuple(name for name, fault in faults.items() if fault)
    if wrong:
        return Wanted(), wrong
    return (
        Wanted(
            reference,
            given["category"] or None,
            since,
            until,
            AdviserId(int(holder)) if holder else None,
            State(state) if state else None,
        ),
        (),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _page(text: str) -> int:
    return min(MOST_PAGES, max(1, int(text))) if _is_number(text) else 1


def _link(request: web.Request, given: Mapping[str, str], to: int) -> str:
    query = {name: text for name, text in given.items() if text}
    return str(request.app.router["search"].url_for().with_query({**query, "page": str(to)}))


def _elsewhere(request: web.Request, given: Mapping[str, str], to: int) -> web.Response:
    return web.Response(status=303, headers={"Location": _link(request, given, to)})


AREA = Area(
    routes=(Route("GET", "/search", "search", search, HOLDERS),),
    places=(Place("search", "Search", MAY_HOLD, Group.WORK),),
)
