"""A case's page: what the bot passed on, the conversation, what an adviser says and notes there."""

import secrets
from typing import Final

from aiohttp import web

from handoff.console.area import CASE, HOLDERS, Area, Panel, Route
from handoff.console.asking import (
    BLANK,
    Draft,
    client_id_of,
    found_case,
    is_seen,
    moving,
    number_of,
    see,
    who,
    words_of,
)
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs, names
from handoff.console.render import error_page, page
from handoff.desk import Case, last_event
from handoff.domain import HELD, MAY_TAKE_OVER, Adviser, MessageId
from handoff.errors import NoSuchCase, NotYours, Refused, Stale
from handoff.queue import Queue

PANELS: Final = web.AppKey("panels", tuple[Panel, ...])


async def case(request: web.Request) -> web.Response:
    masked = tuple(request.query.get("masked", "").split(",")) if request.query.get("masked") else ()
    return show_case(request, found_case(request), draft=Draft(masked=masked))


async def say(request: web.Request) -> web.Response:
    form = await form_of(request)
    text, kinds = parts_of(request).mask(words_of(form, "text"))
    client_id, seen = client_id_of(form, "client_id"), number_of(form, "seen_seq")
    parts, case_id, me, now = who(request)
    if not is_seen(request):
        return error_page(request, 404, draft=text)
    try:
        await parts.ledger.write(lambda conn: parts.queue.say(conn, case_id, me, text, client_id, seen, now))
    except Stale as error:
        news = frozenset(message.seq for message in error.news)
        return show_case(request, found_case(request), 409, Draft(text, client_id=client_id, news=news, masked=kinds))
    except Refused as error:
        return _kept(request, Draft(text, masked=kinds, refused=str(error)), error)
    return see(request, "case", "talk", case=case_id, masked=",".join(kinds))


async def say_again(request: web.Request) -> web.Response:
    """Only a person sends a message in doubt once more."""
    form = await form_of(request)
    message_id, client_id = MessageId(number_of(form, "message")), client_id_of(form, "client_id")
    parts, case_id, me, now = who(request)
    if all(line.id != message_id for line in parts.desk.thread(parts.ledger.reader(), found_case(request).row.id)):
        raise NoSuchCase
    await parts.ledger.write(lambda conn: parts.queue.say_again(conn, message_id, me, client_id, now))
    return see(request, "case", "talk", case=case_id)


async def note(request: web.Request) -> web.Response:
    form = await form_of(request)
    text, kinds = parts_of(request).mask(words_of(form, "note"))
    client_id = client_id_of(form, "note_id")
    parts, case_id, me, now = who(request)
    if not is_seen(request):
        return error_page(request, 404, draft=text)
    try:
        await parts.ledger.write(lambda conn: parts.queue.note(conn, case_id, me, text, now, client_id))
    except Refused as error:
        return _kept(request, Draft(note=text, masked=kinds, refused=str(error)), error)
    return see(request, "case", "notes", case=case_id, masked=",".join(kinds))


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
        panels={panel.name: panel.of(request, found) for panel in request.app[PANELS]},
        panel_labels={panel.name: panel.label for panel in request.app[PANELS]},
    )


def _kept(request: web.Request, draft: Draft, error: Refused) -> web.Response:
    """What was refused comes back with the words that were written, to be changed or copied."""
    if isinstance(error, NotYours):
        return error_page(request, 404, draft=draft.reply or draft.note)
    return show_case(request, found_case(request), 409, draft)


def _may_take_over(me: Adviser, found: Case) -> bool:
    return me.role in MAY_TAKE_OVER and found.row.state in HELD and not is_theirs(me, found.row)


AREA = Area(
    routes=(
        Route("GET", CASE, "case", case, HOLDERS),
        Route("POST", f"{CASE}/take-over", "take_over", moving(Queue.take_over, "case"), MAY_TAKE_OVER),
        Route("POST", f"{CASE}/say", "say", say, HOLDERS),
        Route("POST", f"{CASE}/again", "again", say_again, HOLDERS),
        Route("POST", f"{CASE}/note", "note", note, HOLDERS),
        Route("POST", f"{CASE}/pause", "pause", moving(Queue.pause, "case"), HOLDERS),
        Route("POST", f"{CASE}/resume", "resume", moving(Queue.resume, "case"), HOLDERS),
        Route("POST", f"{CASE}/release", "release", moving(Queue.release, "board", notice="released"), HOLDERS),
    ),
    tells=("message", "delivery", "note"),
)
