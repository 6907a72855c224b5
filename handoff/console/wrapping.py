"""The form that closes a case."""

from collections.abc import Sequence
from sqlite3 import Connection

from aiohttp import web

from handoff.console.area import CASE, HOLDERS, Area, Route
from handoff.console.asking import case_id_of, found_case, make_move, number_of, see, who
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs
from handoff.console.render import issues, outcomes, page
from handoff.desk import Case, last_event
from handoff.domain import Message, State
from handoff.errors import Stale
from handoff.queue import Queue

GIVEN_BACK = "given_back"


async def wrap_up_page(request: web.Request) -> web.Response:
    found = found_case(request)
    if not is_theirs(session_of(request).adviser, found.row):
        return see(request, "case", case=found.row.id)
    outcome = "given_back" if "give" in request.query else ""
    return show_wrap_up(request, found, issue=found.row.concern or "", outcome=outcome)


async def wrap_up(request: web.Request) -> web.Response:
    if found_case(request).row.state is not State.WRAP_UP:
        await make_move(request, Queue.wrap_up)
    return see(request, "wrap_up", case=case_id_of(request))


async def close(request: web.Request) -> web.Response:
    """Closes with an issue and an outcome; the outcome `given_back` hands the conversation back to the bot."""
    form = await form_of(request)
    issue, outcome, seen = form.get("issue", ""), form.get("outcome", ""), number_of(form, "seen_seq")
    found = found_case(request)
    if issue not in issues() or outcome not in outcomes():
        return show_wrap_up(request, found, 422, issue=issue, outcome=outcome)
    parts, case_id, me, now = who(request)

    def work(conn: Connection) -> None:
        if outcome == GIVEN_BACK:
            parts.queue.give_back(conn, case_id, me, issue, now, seen)
            return
        if found.row.state is not State.WRAP_UP:
            parts.queue.wrap_up(conn, case_id, me, now)
        parts.queue.close(conn, case_id, me, issue, outcome, now, seen)

    try:
        await parts.ledger.write(work)
    except Stale:
        return show_wrap_up(request, found_case(request), 409, issue=issue, outcome=outcome, unread_after=seen)
    notice = "given_back" if outcome == GIVEN_BACK else "closed"
    return see(request, "board", notice=notice, ref=found.row.reference)


def show_wrap_up(
    request: web.Request,
    found: Case,
    status: int = 200,
    *,
    issue: str = "",
    outcome: str = "",
    unread_after: int | None = None,
) -> web.Response:
    """`unread_after`: the last line that was seen before others stopped the closing."""
    parts, row = parts_of(request), found.row
    reader = parts.ledger.reader()
    seq = last_event(reader)
    lines = parts.desk.thread(reader, row.id)
    stale = unread_after is not None
    return page(
        request,
        "wrap_up.html",
        status,
        seq=seq,
        case=found,
        row=row,
        news=_unread(request, lines, unread_after),
        seen=lines[-1].seq if lines else 0,
        issues=issues(),
        outcomes=outcomes(),
        issue=issue,
        outcome=outcome,
        missing=_missing(status, stale, issue, outcome),
        stale=stale,
    )


def _unread(request: web.Request, lines: Sequence[Message], after: int | None) -> tuple[Message, ...]:
    me = session_of(request).adviser
    return tuple(line for line in lines if after is not None and line.seq > after and line.adviser_id != me.id)


def _missing(status: int, stale: bool, issue: str, outcome: str) -> tuple[str, ...]:
    if status == 200 or stale:
        return ()
    known = (("issue", issue in issues()), ("outcome", outcome in outcomes()))
    return tuple(name for name, is_known in known if not is_known)


AREA = Area(
    routes=(
        Route("GET", f"{CASE}/wrap-up", "wrap_up", wrap_up_page, HOLDERS),
        Route("POST", f"{CASE}/wrap-up", "wrap_up", wrap_up, HOLDERS),
        Route("POST", f"{CASE}/close", "close", close, HOLDERS),
    ),
)
