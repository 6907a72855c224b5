"""Content in a reply: finding a page of the library, putting it in, and who was told which version of it."""

import secrets
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from handoff import insertions
from handoff.board import Row
from handoff.console.area import CASE, HOLDERS, Area, Route
from handoff.console.asking import Draft, client_id_of, found_case, words_of
from handoff.console.auth import form_of
from handoff.console.carrying import cards_of, carried_in
from handoff.console.parts import parts_of
from handoff.console.reading import names
from handoff.console.render import page, said_by
from handoff.console.talk import show_case
from handoff.domain import CaseId, Role
from handoff.doors import PageCard
from handoff.errors import NoSuchCase

MAX_QUERY_CHARACTERS = 100
_DIGITS = 12
_SEE_WHO_WAS_TOLD: Final = frozenset({Role.SENIOR, Role.LEAD, Role.EDITOR})


async def content(request: web.Request) -> web.Response:
    """GET /content?q=&case=: pages for this case, as JSON. Without words: what fits the concern of the case."""
    found = found_case_in_query(request)
    cards = _found(request, found, request.query.get("q", ""))
    return web.json_response({"pages": [_shown(card) for card in cards]})


def found_case_in_query(request: web.Request) -> Row:
    """Raises: NoSuchCase, also for a case that this adviser may not see."""
    text = request.query.get("case", "")
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise NoSuchCase
    return found_case(request, CaseId(int(text))).row


async def insert_page(request: web.Request) -> web.Response:
    """The same without JavaScript: a page to search on."""
    row = found_case(request).row
    return _insert_page(request, row, {}, request.query.get("q", ""))


async def insert(request: web.Request) -> web.Response:
    """The draft comes along. With a page chosen, back to the conversation with its words in the draft."""
    form = await form_of(request)
    found = found_case(request)
    chosen = form.get("chosen", "")
    if not chosen:
        return _insert_page(request, found.row, form, form.get("q", ""))
    door = parts_of(request).doors.content
    carried = cards_of(door, found.row, carried_in(form))
    card = next(iter(cards_of(door, found.row, [chosen])), None)
    if card is None or card.withdrawn:
        return _insert_page(request, found.row, form, form.get("q", ""), status=409)
    text = "\n\n".join(part for part in (words_of(form, "text").rstrip(), card.text) if part)
    others = tuple(each for each in carried if each.id != card.id)
    draft = Draft(text, client_id=client_id_of(form, "client_id"), carried=(*others, card))
    return show_case(request, found, draft=draft)


async def told(request: web.Request) -> web.Response:
    """GET /content/told?page=&version=: whom did we tell the old rule?"""
    reader = parts_of(request).ledger.reader()
    wanted, version = (request.query.get(name, "").strip()[:MAX_QUERY_CHARACTERS] for name in ("page", "version"))
    found = insertions.told(reader, wanted, version or None) if wanted else ()
    known = insertions.versions(reader, wanted) if wanted else ()
    return page(request, "told.html", wanted=wanted, version=version, told=found, versions=known, names=names(reader))


def _insert_page(
    request: web.Request, row: Row, form: Mapping[str, str], query: str, status: int = 200
) -> web.Response:
    carried = cards_of(parts_of(request).doors.content, row, carried_in(form))
    return page(
        request,
        "insert.html",
        status,
        row=row,
        query=query[:MAX_QUERY_CHARACTERS],
        cards=_found(request, row, query),
        text=words_of(form, "text"),
        client_id=form.get("client_id", "") or secrets.token_urlsafe(12),
        carried=carried,
    )


def _found(request: web.Request, row: Row, query: str) -> tuple[PageCard, ...]:
    door, words = parts_of(request).doors.content, query.strip()[:MAX_QUERY_CHARACTERS]
    return () if door is None else door.find(words or row.concern or "", row.nation, row.language)


def _shown(card: PageCard) -> dict[str, object]:
    return {
        "id": card.id,
        "title": card.title,
        "kind": card.kind,
        "version": card.library,
        "status": card.status,
        "review_by": card.review_by and card.review_by.isoformat(),
        "overdue": card.overdue,
        "withdrawn": card.withdrawn,
        "said": said_by("words_talk.html", "card", card),
        "text": card.text,
    }


AREA = Area(
    routes=(
        Route("GET", "/content", "content", content, HOLDERS),
        Route("GET", "/content/told", "told", told, _SEE_WHO_WAS_TOLD),
        Route("GET", f"{CASE}/insert", "insert", insert_page, HOLDERS),
        Route("POST", f"{CASE}/insert", "insert", insert, HOLDERS),
    ),
)
