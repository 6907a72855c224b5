"""What an adviser looks at: the queue, a case with its conversation, the form that closes it, their own page."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aiohttp import web

from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs, may_see, names
from handoff.console.render import issues, outcomes, page
from handoff.desk import Case, last_event
from handoff.domain import HELD, MAY_TAKE_OVER, Adviser, CaseId, Message, State
from handoff.errors import NoSuchCase

NOTICES = frozenset({"lost", "full", "closed", "given_back", "released", "nothing_waits", "gone"})
"""What a page may be asked to say at its top after a redirect; the words are the template's."""


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
        notice=_notice(request),
        reference=request.query.get("ref", "")[:12],
    )


async def case(request: web.Request) -> web.Response:
    masked = tuple(request.query.get("masked", "").split(",")) if request.query.get("masked") else ()
    return show_case(request, found_case(request), draft=Draft(masked=masked))


async def wrap_up(request: web.Request) -> web.Response:
    found = found_case(request)
    if not is_theirs(session_of(request).adviser, found.row):
        return _to_case(request, found.row.id)
    outcome = "given_back" if "give" in request.query else ""
    return show_wrap_up(request, found, issue=found.row.concern or "", outcome=outcome)


async def pulse(request: web.Request) -> web.Response:
    """A small frame that keeps leases alive and tells what is new where there is no JavaScript."""
    parts, me = parts_of(request), session_of(request).adviser
    now = parts.now()
    await parts.ledger.write(lambda conn: parts.queue.heartbeat(conn, me.id, now))
    seen = request.query.get("seen", "0")
    current = last_event(parts.ledger.reader())
    is_behind = seen.isascii() and seen.isdigit() and current > int(seen[:15])
    return page(request, "pulse.html", is_behind=is_behind, seen=seen if seen.isdigit() else "0")


async def account(request: web.Request) -> web.Response:
    return page(request, "account.html", seq=last_event(parts_of(request).ledger.reader()))


# --- what other pages need too ---------------------------------------------------------------------------------------


def case_id_of(request: web.Request) -> CaseId:
    return CaseId(int(request.match_info["case"]))


def found_case(request: web.Request) -> Case:
    """The case the address names, if this adviser may see it. Raises: NoSuchCase, for both."""
    parts, me = parts_of(request), session_of(request).adviser
    found = parts.desk.case(parts.ledger.reader(), case_id_of(request), parts.now())
    if not may_see(me, found.row):
        raise NoSuchCase
    return found


@dataclass(frozen=True, slots=True)
class Draft:
    """What an adviser wrote on a case's page, and what became of it: words that were refused come back to it."""

    reply: str = ""
    note: str = ""
    client_id: str = ""
    """The reply's, when it is the same one that will be tried again."""
    news: Collection[int] = ()
    """The lines, by seq, that stopped it."""
    masked: Collection[str] = ()
    """The kinds of what was taken out of it."""
    refused: str = ""
    """Why what was asked was not done."""


BLANK = Draft()


def show_case(request: web.Request, found: Case, status: int = 200, draft: Draft = BLANK) -> web.Response:
    parts, me = parts_of(request), session_of(request).adviser
    reader, row = parts.ledger.reader(), found.row
    seq = last_event(reader)
    lines = parts.desk.thread(reader, row.id)
    return page(
        request,
        "case.html",
        status,
        seq=seq,
        case=found,
        row=row,
        lines=lines,
        seen=lines[-1].seq if lines else 0,
        notes=parts.desk.notes(reader, row.id),
        names=names(reader),
        is_mine=is_theirs(me, row),
        may_write=is_theirs(me, row) and not row.left,
        may_take_over=_may_take_over(me, found),
        draft=draft,
        client_id=draft.client_id or secrets.token_urlsafe(12),
        note_id=secrets.token_urlsafe(12),
    )


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


def _may_take_over(me: Adviser, found: Case) -> bool:
    return me.role in MAY_TAKE_OVER and found.row.state in HELD and not is_theirs(me, found.row)


def _notice(request: web.Request) -> str:
    notice = request.query.get("notice", "")
    return notice if notice in NOTICES else ""


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


def _to_case(request: web.Request, case_id: CaseId) -> web.Response:
    place = request.app.router["case"].url_for(case=str(case_id))
    return web.Response(status=303, headers={"Location": str(place)})
