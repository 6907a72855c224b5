"""A case's page: what the bot passed on, the conversation, what an adviser says and notes there."""

import secrets
from dataclasses import replace
from sqlite3 import Connection
from typing import Final

from aiohttp import web

from handoff import insertions, transfers
from handoff.console.area import CASE, HOLDERS, Area, Panel, Route, Tab
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
from handoff.console.attending import SHOWN, looked
from handoff.console.auth import form_of
from handoff.console.carrying import OWN_SIGN, cards_of, carried_in, changed, introducing, masked
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs, names
from handoff.console.render import error_page, page
from handoff.console.transfer_form import BLANK_TRANSFER, TransferForm
from handoff.desk import Case, conversation_of, last_event, standing
from handoff.domain import HELD, MAY_TAKE_OVER, Adviser, Author, MessageId
from handoff.errors import NoSuchCase, NotYours, Refused, Stale
from handoff.queue import Queue

PANELS: Final = web.AppKey("panels", tuple[Panel, ...])


async def case(request: web.Request) -> web.Response:
    """Whoever had the case within a day is told who has it now; for all others it does not exist."""
    try:
        found = found_case(request)
    except NoSuchCase:
        return _passed_on(request)
    await looked(request, found)
    taken_out = tuple(kind for kind in request.query.get("masked", "").split(",") if kind)
    return show_case(request, found, draft=Draft(masked=taken_out))


async def say(request: web.Request) -> web.Response:
    """Sends a reply. What stops it comes back with the words: news, a page withdrawn or changed, too long."""
    form = await form_of(request)
    words, pages = words_of(form, "text"), carried_in(form)
    client_id, seen = client_id_of(form, "client_id"), number_of(form, "seen_seq")
    parts, case_id, me, now = who(request)
    if not is_seen(request):
        return error_page(request, 404, draft=words)
    found = found_case(request)
    cards = cards_of(parts.doors.content, found.row, pages)
    mask = introducing(parts.mask, session_of(request).adviser.name)
    text, kinds = masked(mask, words.replace(OWN_SIGN, ""), cards)
    draft = Draft(text, client_id=client_id, masked=kinds, carried=cards)
    if unfit := tuple(card for card in cards if card.withdrawn) + changed(cards, pages, words):
        fit = tuple(card for card in cards if card not in unfit)
        return show_case(request, found, 409, Draft(words, client_id=client_id, carried=fit, unfit=unfit))

    def work(conn: Connection) -> None:
        message = parts.queue.say(conn, case_id, me, text, client_id, seen, now)
        insertions.remember(conn, message, cards, now)

    try:
        await parts.ledger.write(work)
    except Stale as error:
        news = frozenset(message.seq for message in error.news)
        return show_case(request, found_case(request), 409, replace(draft, news=news))
    except Refused as error:
        return _kept(request, replace(draft, client_id="", refused=str(error)), error)
    if conversation := conversation_of(parts.ledger.reader(), case_id):
        parts.typing.stop(conversation, Author.ADVISER)
    return see(request, "case", "talk", case=case_id, masked=",".join(kinds))


async def types(request: web.Request) -> web.Response:
    """The holder types: whoever has the enquirer's page open sees three dots. Nothing is kept."""
    parts, found = parts_of(request), found_case(request)
    conversation = conversation_of(parts.ledger.reader(), found.row.id)
    if conversation and is_theirs(session_of(request).adviser, found.row) and not found.row.left:
        parts.typing.tell(conversation, Author.ADVISER, parts.now())
    return web.Response(status=204)


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


def show_case(
    request: web.Request,
    found: Case,
    status: int = 200,
    draft: Draft = BLANK,
    transfer: TransferForm = BLANK_TRANSFER,
) -> web.Response:
    parts, me = parts_of(request), session_of(request).adviser
    reader, row = parts.ledger.reader(), found.row
    seq = last_event(reader)
    lines = parts.desk.thread(reader, row.id)
    request[SHOWN] = found
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
        transfer=transfer,
        transfer_id=secrets.token_urlsafe(12),
        colleagues=tuple(each for each in parts.desk.on_duty(reader, parts.now()) if each.id != me.id),
        reasons=transfers.reasons(reader, row.id),
        not_taken=transfers.not_taken(reader, row.id, parts.now()),
        carried_by=insertions.of_case(reader, row.id),
        can_insert=parts.doors.content is not None,
        panels={panel.name: panel.of(request, found) for panel in request.app[PANELS]},
        tabs={tab: [panel for panel in request.app[PANELS] if panel.tab is tab] for tab in Tab},
    )


def _kept(request: web.Request, draft: Draft, error: Refused) -> web.Response:
    """What was refused comes back with the words that were written, to be changed or copied."""
    if isinstance(error, NotYours):
        return error_page(request, 404, draft=draft.reply or draft.note)
    return show_case(request, found_case(request), 409, draft)


def _passed_on(request: web.Request) -> web.Response:
    """Raises: NoSuchCase for those in whose hands it never was."""
    parts, case_id, me, now = who(request)
    reader = parts.ledger.reader()
    stands = standing(reader, case_id)
    if stands is None or not transfers.has_held(reader, case_id, me, now):
        raise NoSuchCase
    return page(request, "passed_on.html", 410, stands=stands, case_id=case_id)


def _may_take_over(me: Adviser, found: Case) -> bool:
    return me.role in MAY_TAKE_OVER and found.row.state in HELD and not is_theirs(me, found.row)


AREA = Area(
    routes=(
        Route("GET", CASE, "case", case, HOLDERS),
        Route("POST", f"{CASE}/say", "say", say, HOLDERS),
        Route("POST", f"{CASE}/typing", "typing", types, HOLDERS),
        Route("POST", f"{CASE}/again", "again", say_again, HOLDERS),
        Route("POST", f"{CASE}/note", "note", note, HOLDERS),
        Route("POST", f"{CASE}/pause", "pause", moving(Queue.pause, "case"), HOLDERS),
        Route("POST", f"{CASE}/resume", "resume", moving(Queue.resume, "case"), HOLDERS),
        Route("POST", f"{CASE}/release", "release", moving(Queue.release, "board", notice="released"), HOLDERS),
    ),
    tells=("message", "delivery", "note"),
)
