"""The queue board: what waits and why it stands there, claiming, who is on duty."""

from collections.abc import Sequence
from sqlite3 import Connection

from aiohttp import web

from handoff.advisers import set_available
from handoff.board import Row
from handoff.console.area import CASE, HOLDERS, LOGGED_IN, Area, Group, Place, Route
from handoff.console.asking import case_id_of, found_case, make_move, notice_of, number_of, see
from handoff.console.auth import form_of
from handoff.console.lanes import NEWEST, Alike, Drawer, Drawn, alike
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs, may_see
from handoff.console.render import page, places_of
from handoff.desk import Case, claimed_since, last_event, standing
from handoff.domain import HELD, MAY_HOLD, MAY_TAKE_OVER, Adviser, CaseId, State
from handoff.errors import AlreadyClaimed, AtCapacity, NoSuchCase, Refused
from handoff.queue import Queue
from handoff.taxonomy import labels

MAX_WANTED_CHARACTERS = 80


async def board(request: web.Request) -> web.Response:
    """The queue: danger, what is offered to me, what is mine, the three lanes, what colleagues have."""
    parts, me = parts_of(request), session_of(request).adviser
    reader, now = parts.ledger.reader(), parts.now()
    seq = last_event(reader)  # before all else: what comes after it is told to the page
    found = request.app[NEWEST].board(reader, now, lambda: alike(parts.desk, reader, _drawer(request)))
    return page(
        request,
        "board.html",
        seq=seq,
        waiting=found.waiting,
        on_duty=found.on_duty,
        light=found.light,
        is_open=parts.hours.is_open(now),
        lost=_lost(request, me),
        notice=notice_of(request),
        reference=request.query.get("ref", "")[:12],
        lists={**found.lists, **_own_lists(found, parts.desk.held(reader, now, me.id), me)},
    )


def _drawer(request: web.Request) -> Drawer:
    parts = parts_of(request)
    cases = f"{request.app.router['board'].url_for()}cases/"
    return Drawer(labels(parts.ledger.reader()), cases, parts.hours, parts.now())


def _own_lists(found: Alike, mine: Sequence[Row], me: Adviser) -> dict[str, Drawn]:
    """The lists that differ from adviser to adviser; no case stands in two."""
    near = {row.id for row in mine}
    lines = found.drawer.lines
    return {
        "own": lines((row for row in mine if is_theirs(me, row)), "mine"),
        "offered": lines((row for row in mine if not is_theirs(me, row)), "offered"),
        "elsewhere": lines((row for row in found.held if row.id not in near), "elsewhere", me.role in MAY_TAKE_OVER),
    }


async def peek(request: web.Request) -> web.Response:
    """What was handed over, to look at without claiming: beside the board, or as a page of its own."""
    found, reader = found_case(request), parts_of(request).ledger.reader()
    return page(request, "peek.html", seq=last_event(reader), case=found, row=found.row)


async def claim(request: web.Request) -> web.Response:
    """Somebody faster is no error: the queue says who has it."""
    case_id = case_id_of(request)
    if standing(parts_of(request).ledger.reader(), case_id) is None:  # practice is its beginner's to take up, elsewhere
        raise NoSuchCase
    try:
        await make_move(request, Queue.claim)
    except AlreadyClaimed:
        return see(request, "board", lost=case_id)
    except AtCapacity:
        return see(request, "board", notice="full")
    except Refused:  # it ended or was put off meanwhile
        return see(request, "board", notice="gone")
    return see(request, "case", case=case_id)


async def next_please(request: web.Request) -> web.Response:
    """One case for one page: a second click leads to what the first has taken."""
    form = await form_of(request)
    seen = number_of(form, "seen") if "seen" in form else None
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()

    def work(conn: Connection) -> CaseId | None:
        taken = None if seen is None else claimed_since(conn, me.id, seen)
        return taken or parts.queue.next_please(conn, me.id, now)

    try:
        case_id = await parts.ledger.write(work)
    except AtCapacity:
        return see(request, "board", notice="full")
    return see(request, "board", notice="nothing_waits") if case_id is None else see(request, "case", case=case_id)


async def presence(request: web.Request) -> web.Response:
    form = await form_of(request)
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    available = form.get("available") == "yes"
    await parts.ledger.write(lambda conn: set_available(conn, me.id, available, now))
    return see(request, "board")


async def go(request: web.Request) -> web.Response:
    """A reference leads to its case, the name of a screen to that screen; what is not found may be searched for."""
    wanted = request.query.get("q", "").strip()[:MAX_WANTED_CHARACTERS]
    me, case_id = session_of(request).adviser, _referred(request, wanted)
    if case_id is not None:
        return see(request, "case", case=case_id)
    named = [place for place in places_of(request) if place.label.casefold() == wanted.casefold()]
    if named:
        return see(request, named[0].route)
    may_search = me.role in MAY_HOLD and "search" in request.app.router
    return page(request, "go.html", wanted=wanted, may_search=may_search)


def _referred(request: web.Request, wanted: str) -> CaseId | None:
    """The case with that reference, if this adviser may see it."""
    parts, me = parts_of(request), session_of(request).adviser
    found = None if me.role not in MAY_HOLD else parts.desk.referred(parts.ledger.reader(), wanted.upper(), parts.now())
    return found.id if found is not None and may_see(me, found) else None


def _lost(request: web.Request, me: Adviser) -> Case | None:
    """The case somebody else was faster to claim, for the line that says by whom: nothing the board does not show."""
    number = request.query.get("lost", "")
    if not (number.isascii() and number.isdigit() and len(number) <= 12):
        return None
    parts = parts_of(request)
    try:
        found = parts.desk.case(parts.ledger.reader(), CaseId(int(number)), parts.now())
    except NoSuchCase:
        return None
    is_told = may_see(me, found.row) or (found.row.state in HELD and not found.row.practice)
    return found if is_told and found.row.state is not State.WAITING and not is_theirs(me, found.row) else None


AREA = Area(
    routes=(
        Route("GET", "/", "board", board, HOLDERS),
        Route("GET", f"{CASE}/peek", "peek", peek, HOLDERS),
        Route("GET", "/go", "go", go, LOGGED_IN),
        Route("POST", "/next", "next", next_please, HOLDERS),
        Route("POST", f"{CASE}/claim", "claim", claim, HOLDERS),
        Route("POST", "/presence", "presence", presence, HOLDERS),
    ),
    places=(Place("board", "Queue", MAY_HOLD, Group.WORK),),
    tells=("case", "adviser.available", "adviser.away", "adviser.capacity_changed", "adviser.disabled"),
)
