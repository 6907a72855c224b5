"""What an adviser does: each post is one ledger write, then a redirect; what is refused brings its words back."""

from collections.abc import Callable, Mapping
from datetime import datetime
from sqlite3 import Connection

from aiohttp import web
from aiohttp.typedefs import Handler

from handoff.advisers import set_available
from handoff.console.auth import form_of
from handoff.console.parts import Parts, parts_of, session_of
from handoff.console.render import error_page, issues, outcomes
from handoff.console.views import Draft, case_id_of, found_case, show_case, show_wrap_up
from handoff.domain import AdviserId, CaseId, MessageId, State
from handoff.errors import AlreadyClaimed, AtCapacity, NoSuchCase, NotYours, Refused, Stale
from handoff.queue import Queue

GIVEN_BACK = "given_back"
MAX_CLIENT_ID_CHARACTERS = 64
_DIGITS = 12
Move = Callable[[Queue, Connection, CaseId, AdviserId, datetime], None]


async def claim(request: web.Request) -> web.Response:
    """Somebody faster is no error: the queue says who has it."""
    case_id = case_id_of(request)
    try:
        await _move(request, Queue.claim)
    except AlreadyClaimed:
        return _see(request, "board", lost=case_id)
    except AtCapacity:
        return _see(request, "board", notice="full")
    except Refused:  # it ended or was put off meanwhile
        return _see(request, "board", notice="gone")
    return _see(request, "case", case=case_id)


async def next_please(request: web.Request) -> web.Response:
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    try:
        case_id = await parts.ledger.write(lambda conn: parts.queue.next_please(conn, me.id, now))
    except AtCapacity:
        return _see(request, "board", notice="full")
    return _see(request, "board", notice="nothing_waits") if case_id is None else _see(request, "case", case=case_id)


async def say(request: web.Request) -> web.Response:
    form = await form_of(request)
    text, kinds = parts_of(request).mask(_words(form, "text"))
    client_id, seen = _client_id(form, "client_id"), _number(form, "seen_seq")
    parts, case_id, me, now = _who(request)
    if not _is_seen(request):
        return error_page(request, 404, draft=text)
    try:
        await parts.ledger.write(lambda conn: parts.queue.say(conn, case_id, me, text, client_id, seen, now))
    except Stale as error:
        news = frozenset(message.seq for message in error.news)
        return show_case(request, found_case(request), 409, Draft(text, client_id=client_id, news=news, masked=kinds))
    except Refused as error:
        return _kept(request, Draft(text, masked=kinds, refused=str(error)), error)
    return _see(request, "case", "talk", case=case_id, masked=",".join(kinds))


async def say_again(request: web.Request) -> web.Response:
    """Only a person sends a message in doubt once more."""
    form = await form_of(request)
    message_id, client_id = MessageId(_number(form, "message")), _client_id(form, "client_id")
    parts, case_id, me, now = _who(request)
    if all(line.id != message_id for line in parts.desk.thread(parts.ledger.reader(), found_case(request).row.id)):
        raise NoSuchCase
    await parts.ledger.write(lambda conn: parts.queue.say_again(conn, message_id, me, client_id, now))
    return _see(request, "case", "talk", case=case_id)


async def note(request: web.Request) -> web.Response:
    form = await form_of(request)
    text, kinds = parts_of(request).mask(_words(form, "note"))
    client_id = _client_id(form, "note_id")
    parts, case_id, me, now = _who(request)
    if not _is_seen(request):
        return error_page(request, 404, draft=text)
    try:
        await parts.ledger.write(lambda conn: parts.queue.note(conn, case_id, me, text, now, client_id))
    except Refused as error:
        return _kept(request, Draft(note=text, masked=kinds, refused=str(error)), error)
    return _see(request, "case", "notes", case=case_id, masked=",".join(kinds))


async def wrap_up(request: web.Request) -> web.Response:
    if found_case(request).row.state is not State.WRAP_UP:
        await _move(request, Queue.wrap_up)
    return _see(request, "wrap_up", case=case_id_of(request))


async def close(request: web.Request) -> web.Response:
    """Closes with an issue and an outcome; the outcome `given_back` hands the conversation back to the bot."""
    form = await form_of(request)
    issue, outcome, seen = form.get("issue", ""), form.get("outcome", ""), _number(form, "seen_seq")
    found = found_case(request)
    if issue not in issues() or outcome not in outcomes():
        return show_wrap_up(request, found, 422, issue=issue, outcome=outcome)
    parts, case_id, me, now = _who(request)

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
    return _see(request, "board", notice=notice, ref=found.row.reference)


def moving(move: Move, then: str, **query: str) -> Handler:
    """A post that makes one move and goes on to the page `then`."""

    async def post(request: web.Request) -> web.StreamResponse:
        found = found_case(request)
        await _move(request, move)
        if then == "case":
            return _see(request, then, case=found.row.id)
        return _see(request, then, ref=found.row.reference, **query)

    return post


async def presence(request: web.Request) -> web.Response:
    form = await form_of(request)
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    available = form.get("available") == "yes"
    await parts.ledger.write(lambda conn: set_available(conn, me.id, available, now))
    return _see(request, "board")


async def heartbeat(request: web.Request) -> web.Response:
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    await parts.ledger.write(lambda conn: parts.queue.heartbeat(conn, me.id, now))
    return web.Response(status=204)


# --- within ----------------------------------------------------------------------------------------------------------


async def _move(request: web.Request, move: Move) -> None:
    parts, case_id, me, now = _who(request)
    await parts.ledger.write(lambda conn: move(parts.queue, conn, case_id, me, now))


def _who(request: web.Request) -> tuple[Parts, CaseId, AdviserId, datetime]:
    parts = parts_of(request)
    return parts, case_id_of(request), session_of(request).adviser.id, parts.now()


def _is_seen(request: web.Request) -> bool:
    try:
        found_case(request)
    except NoSuchCase:
        return False
    return True


def _see(request: web.Request, name: str, fragment: str = "", **values: object) -> web.Response:
    """Goes on to another page: values the address has a place for go there, the rest into the query."""
    path = {"case": str(values.pop("case"))} if "case" in values else {}
    query = {key: str(value) for key, value in values.items() if value != ""}
    place = request.app.router[name].url_for(**path).with_query(query or None).with_fragment(fragment or None)
    return web.Response(status=303, headers={"Location": str(place)})


def _kept(request: web.Request, draft: Draft, error: Refused) -> web.Response:
    """What was refused comes back with the words that were written, to be changed or copied."""
    if isinstance(error, NotYours):
        return error_page(request, 404, draft=draft.reply or draft.note)
    return show_case(request, found_case(request), 409, draft)


def _words(form: Mapping[str, str], name: str) -> str:
    return form.get(name, "").replace("\r\n", "\n")


def _client_id(form: Mapping[str, str], name: str) -> str:
    client_id = form.get(name, "")
    if not 1 <= len(client_id) <= MAX_CLIENT_ID_CHARACTERS:
        raise web.HTTPBadRequest
    return client_id


def _number(form: Mapping[str, str], name: str) -> int:
    text = form.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise web.HTTPBadRequest
    return int(text)
