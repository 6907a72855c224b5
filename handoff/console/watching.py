"""The supervisor's wall; watching a conversation, a word to its holder, taking it over; reviews of closed cases."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from aiohttp import web

from handoff import notifications, watching
from handoff.console import reviewing
from handoff.console.area import CASE, HOLDERS, Area, Group, Panel, Place, Route, Tab
from handoff.console.asking import Draft, client_id_of, found_case, see, who, words_of
from handoff.console.attending import is_watched_by
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs
from handoff.console.render import error_page, page
from handoff.console.talk import show_case
from handoff.desk import Case, last_event
from handoff.domain import HELD, MAY_HOLD, MAY_TAKE_OVER, State
from handoff.errors import NoSuchCase, Refused
from handoff.notifications import Kind

UNSEEN: Final = (Kind.CASE_WAITS, Kind.CASE_OVERDUE, Kind.CASE_RAISED)
"""What of a danger case somebody must have acknowledged."""
WHISPERED_FOR: Final = timedelta(minutes=15)
"""How long a whisper stays above the conversation; among the notes it stays."""


async def wall(request: web.Request) -> web.Response:
    """Everything a shift leader must see, at a glance; practice is no part of it."""
    parts, now = parts_of(request), parts_of(request).now()
    reader = parts.ledger.reader()
    held = parts.desk.held(reader, now)
    return page(
        request,
        "wall.html",
        seq=last_event(reader),
        light=parts.desk.light(reader, now),
        on_duty=parts.desk.on_duty(reader, now),
        held=held,
        silent=watching.silences(reader, now),
        doubts=watching.doubts(reader),
        danger=tuple(each for each in notifications.open_of(reader, UNSEEN) if each.tier == 0),
        unreachable=tuple(row for row in held if row.unreachable),
        offers=tuple(row for row in held if row.state is State.OFFERED),
        readings=watching.read_by_nobody(reader),
        watchers={row.id: watching.watchers(reader, row.id, now) for row in held},
    )


async def unwatch(request: web.Request) -> web.Response:
    found_case(request)
    parts, case_id, me, now = who(request)
    await parts.ledger.write(lambda conn: watching.stop(conn, case_id, me, now))
    return see(request, "wall")


async def whisper(request: web.Request) -> web.Response:
    """A note for the holder."""
    form = await form_of(request)
    text, kinds = parts_of(request).mask(words_of(form, "note"))
    client_id = client_id_of(form, "whisper_id")
    parts, case_id, me, now = who(request)
    found = found_case(request)
    try:
        await parts.ledger.write(lambda conn: watching.whisper(conn, parts.queue, case_id, me, text, now, client_id))
    except Refused as error:
        return show_case(request, found, 409, Draft(note=text, masked=kinds, refused=str(error)))
    return see(request, "case", "panel-watching", case=case_id, masked=",".join(kinds))


async def take_over_page(request: web.Request) -> web.Response:
    found = found_case(request)
    if found.row.state not in HELD or is_theirs(session_of(request).adviser, found.row):
        return see(request, "case", case=found.row.id)
    return _take_over_form(request, found)


async def take_over(request: web.Request) -> web.Response:
    """Out of a colleague's hands, with a reason that is kept as a note; they are told."""
    form = await form_of(request)
    reason, kinds = parts_of(request).mask(words_of(form, "reason"))
    parts, case_id, me, now = who(request)
    found = found_case(request)
    if is_theirs(session_of(request).adviser, found.row):
        return see(request, "case", case=case_id)
    if not reason.strip():
        return _take_over_form(request, found, 422, missing=True)
    client_id = client_id_of(form, "client_id")
    try:
        await parts.ledger.write(
            lambda conn: watching.take_over(conn, parts.queue, case_id, me, reason, now, client_id)
        )
    except Refused as error:
        return _kept(request, reason, str(error))
    return see(request, "case", case=case_id, masked=",".join(kinds))


def _kept(request: web.Request, reason: str, refused: str) -> web.Response:
    """The case as it is now, with the reason that was written; the case may be gone by now, the words are not."""
    try:
        return _take_over_form(request, found_case(request), 409, reason=reason, refused=refused)
    except NoSuchCase:
        return error_page(request, 404, draft=reason)


def _take_over_form(
    request: web.Request, found: Case, status: int = 200, *, reason: str = "", missing: bool = False, refused: str = ""
) -> web.Response:
    return page(
        request,
        "take_over.html",
        status,
        seq=last_event(parts_of(request).ledger.reader()),
        row=found.row,
        reason=reason,
        missing=missing,
        refused=refused,
        client_id=secrets.token_urlsafe(12),
    )


def _panel(request: web.Request, found: Case) -> Mapping[str, object]:
    """Who else looks at this conversation, and what was lately whispered to who holds it."""
    parts, me = parts_of(request), session_of(request).adviser
    reader, now = parts.ledger.reader(), parts.now()
    looking = watching.watchers(reader, found.row.id, now) if found.row.state in HELD else ()
    notes = parts.desk.notes(reader, found.row.id) if is_theirs(me, found.row) else ()
    return {
        "others": tuple(each for each in looking if each.adviser_id != me.id),
        "lately": tuple(note for note in notes if note.to == me.id and note.at > now - WHISPERED_FOR),
        "is_watching": is_watched_by(request, found),
        "whisper_id": secrets.token_urlsafe(12),
    }


AREA = Area(
    routes=(
        Route("GET", "/wall", "wall", wall, MAY_TAKE_OVER),
        Route("POST", f"{CASE}/unwatch", "unwatch", unwatch, MAY_TAKE_OVER),
        Route("POST", f"{CASE}/whisper", "whisper", whisper, MAY_TAKE_OVER),
        Route("GET", f"{CASE}/take-over", "take_over", take_over_page, MAY_TAKE_OVER),
        Route("POST", f"{CASE}/take-over", "take_over", take_over, MAY_TAKE_OVER),
        Route("GET", "/reviews", "reviews", reviewing.reviews, HOLDERS),
        Route("GET", f"{CASE}/review", "review", reviewing.review_page, MAY_TAKE_OVER),
        Route("POST", f"{CASE}/review", "review", reviewing.review, MAY_TAKE_OVER),
    ),
    places=(
        Place("wall", "Wall", MAY_TAKE_OVER, Group.OVERSIGHT),
        Place("reviews", "Reviews", MAY_HOLD, Group.OVERSIGHT),
    ),
    panels=(Panel("watching", "Watching", _panel, Tab.CASE),),
    tells=("watch", "review"),
)
