"""What every page asks of its request: which case, whose hands, the fields of a form, where to go on to."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from handoff.console.parts import Parts, parts_of, session_of
from handoff.console.reading import may_see
from handoff.desk import Case
from handoff.domain import AdviserId, CaseId
from handoff.doors import PageCard
from handoff.errors import NoSuchCase
from handoff.queue import Queue

MAX_CLIENT_ID_CHARACTERS = 64
NOTICES = frozenset({"lost", "full", "closed", "given_back", "released", "nothing_waits", "gone", "declined", "agreed"})
"""What a page may be asked to say at its top after a redirect; the words are the template's."""
DENIED: Final = web.RequestKey("denied", CaseId)
"""The case that was asked for and is not theirs, whatever it was asked by."""
IN_WORDS = ("text", "note", "reason", "words", "rationale", "answer", "why")
"""The fields of forms that hold sentences: when a post comes to nothing, they are given back."""
_DIGITS = 12
Move = Callable[[Queue, Connection, CaseId, AdviserId, datetime], None]


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
    carried: tuple[PageCard, ...] = ()
    """The pages of the library that the reply carries."""
    unfit: tuple[PageCard, ...] = ()
    """The pages, withdrawn or changed since they were put in, that stopped it."""


BLANK = Draft()


def case_id_of(request: web.Request) -> CaseId:
    return CaseId(int(request.match_info["case"]))


def found_case(request: web.Request, case_id: CaseId | None = None) -> Case:
    """The case the address names, or this one, if this adviser may see it. Raises: NoSuchCase, for both."""
    parts, me = parts_of(request), session_of(request).adviser
    found = parts.desk.case(parts.ledger.reader(), case_id or case_id_of(request), parts.now())
    if not may_see(me, found.row):
        raise denied(request, found.row.id)
    return found


def denied(request: web.Request, case_id: CaseId) -> NoSuchCase:
    """What to raise when somebody asks for what is not theirs: that they asked is written down (`looks.watched`)."""
    request[DENIED] = case_id
    return NoSuchCase()


def moving(move: Move, then: str, **query: str) -> Handler:
    """A post that makes one move and goes on to the page `then`."""

    async def post(request: web.Request) -> web.StreamResponse:
        found = found_case(request)
        await make_move(request, move)
        if then == "case":
            return see(request, then, case=found.row.id)
        return see(request, then, ref=found.row.reference, **query)

    return post


async def make_move(request: web.Request, move: Move) -> None:
    parts, case_id, me, now = who(request)
    await parts.ledger.write(lambda conn: move(parts.queue, conn, case_id, me, now))


def who(request: web.Request) -> tuple[Parts, CaseId, AdviserId, datetime]:
    parts = parts_of(request)
    return parts, case_id_of(request), session_of(request).adviser.id, parts.now()


def is_seen(request: web.Request) -> bool:
    try:
        found_case(request)
    except NoSuchCase:
        return False
    return True


def see(request: web.Request, name: str, fragment: str = "", **values: object) -> web.Response:
    """Goes on to another page: values the address has a place for go there, the rest into the query."""
    path = {"case": str(values.pop("case"))} if "case" in values else {}
    query = {key: str(value) for key, value in values.items() if value != ""}
    place = request.app.router[name].url_for(**path).with_query(query or None).with_fragment(fragment or None)
    return web.Response(status=303, headers={"Location": str(place)})


def words_of(form: Mapping[str, str], name: str) -> str:
    return form.get(name, "").replace("\r\n", "\n")


def client_id_of(form: Mapping[str, str], name: str) -> str:
    client_id = form.get(name, "")
    if not 1 <= len(client_id) <= MAX_CLIENT_ID_CHARACTERS:
        raise web.HTTPBadRequest
    return client_id


def number_of(form: Mapping[str, str], name: str) -> int:
    text = form.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise web.HTTPBadRequest
    return int(text)


def notice_of(request: web.Request) -> str:
    notice = request.query.get("notice", "")
    return notice if notice in NOTICES else ""
