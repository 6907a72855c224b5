"""The queue board: what waits and why it stands there, claiming, who is on duty."""

from aiohttp import web

from handoff.advisers import set_available
from handoff.console.area import CASE, HOLDERS, Area, Place, Route
from handoff.console.asking import case_id_of, make_move, notice_of, see
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs
from handoff.console.render import page
from handoff.desk import Case, last_event
from handoff.domain import MAY_HOLD, Adviser, CaseId, State
from handoff.errors import AlreadyClaimed, AtCapacity, NoSuchCase, Refused
from handoff.queue import Queue


async def board(request: web.Request) -> web.Response:
    """The queue: what is mine, what waits and why it stands there, call-backs, what colleagues have."""
    parts, me = parts_of(request), session_of(request).adviser
    reader, now = parts.ledger.reader(), parts.now()
    held = parts.desk.held(reader, now)
    return page(
        request,
        "board.html",
        seq=last_event(reader),
        waiting=parts.desk.board(reader, now),
        scheduled=parts.desk.scheduled(reader, now),
        elsewhere=tuple(row for row in held if not is_theirs(me, row)),
        on_duty=parts.desk.on_duty(reader, now),
        light=parts.desk.light(reader, now),
        is_open=parts.hours.is_open(now),
        lost=_lost(request, me),
        notice=notice_of(request),
        reference=request.query.get("ref", "")[:12],
    )


async def claim(request: web.Request) -> web.Response:
    """Somebody faster is no error: the queue says who has it."""
    case_id = case_id_of(request)
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
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    try:
        case_id = await parts.ledger.write(lambda conn: parts.queue.next_please(conn, me.id, now))
    except AtCapacity:
        return see(request, "board", notice="full")
    return see(request, "board", notice="nothing_waits") if case_id is None else see(request, "case", case=case_id)


async def presence(request: web.Request) -> web.Response:
    form = await form_of(request)
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    available = form.get("available") == "yes"
    await parts.ledger.write(lambda conn: set_available(conn, me.id, available, now))
    return see(request, "board")


def _lost(request: web.Request, me: Adviser) -> Case | None:
    """The case somebody else was faster to claim, for the line that says by whom."""
    number = request.query.get("lost", "")
    if not (number.isascii() and number.isdigit() and len(number) <= 12):
        return None
    parts = parts_of(request)
    try:
        found = parts.desk.case(parts.ledger.reader(), CaseId(int(number)), parts.now())
    except NoSuchCase:
        return None
    return None if found.row.state is State.WAITING or is_theirs(me, found.row) else found


AREA = Area(
    routes=(
        Route("GET", "/", "board", board, HOLDERS),
        Route("POST", "/next", "next", next_please, HOLDERS),
        Route("POST", f"{CASE}/claim", "claim", claim, HOLDERS),
        Route("POST", "/presence", "presence", presence, HOLDERS),
    ),
    places=(Place("board", "Queue", MAY_HOLD),),
    tells=("case", "adviser.available", "adviser.away", "adviser.capacity_changed", "adviser.disabled"),
)
