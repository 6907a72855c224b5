"""What happens in the queue, streamed to the advisers' pages as it is committed; a page resumes by sequence number."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

from aiohttp import web

from handoff.console.auth import cookie_name, current
from handoff.console.parts import PARTS, parts_of, session_of
from handoff.console.reading import may_see
from handoff.desk import conversation_of, events_after, last_event
from handoff.domain import MAY_HOLD, Author, CaseId, Event
from handoff.errors import NoSuchCase

BEAT_S = 10
"""A page that has heard nothing for some time more than this knows that it is behind."""
GATHER_S = 0.03
"""Commits that come close together are looked at once."""
TOLD: Final = web.AppKey("told", frozenset[str])
"""What open pages hear of: see `Area.tells`."""
_DIGITS = 15


class Feed:
    """Wakes everybody who listens when commits have brought new events. `newest` is the number of the newest one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, newest: Callable[[], int]) -> None:
        self._loop = loop
        self._newest = newest
        self._seq = newest()
        self._look_later: asyncio.TimerHandle | None = None
        self._listening: set[asyncio.Event] = set()
        self.closed = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        woken = asyncio.Event()
        self._listening.add(woken)
        try:
            yield woken
        finally:
            self._listening.discard(woken)

    def wake(self) -> None:
        """May be called from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._gather)

    def close(self) -> None:
        self.closed = True
        if self._look_later is not None:
            self._look_later.cancel()
        self._wake_all()

    def _gather(self) -> None:
        if self._look_later is None and not self.closed:
            self._look_later = self._loop.call_later(GATHER_S, self._look)

    def _look(self) -> None:
        self._look_later = None
        newest = self._newest()
        if newest > self._seq:
            self._seq = newest
            self._wake_all()

    def _wake_all(self) -> None:
        for woken in self._listening:
            woken.set()


FEED: Final = web.AppKey("feed", Feed)


async def running(app: web.Application) -> AsyncIterator[None]:
    """The feed lives as long as the application."""
    ledger = app[PARTS].ledger
    app[FEED] = feed = Feed(asyncio.get_running_loop(), lambda: last_event(ledger.reader()))
    ledger.on_commit(feed.wake)
    yield
    feed.close()


async def close(app: web.Application) -> None:
    """Lets the streams end at once when the service stops."""
    app[FEED].close()


async def stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events after `Last-Event-ID` or `?after=`: what happened, and `beat` at first and every `BEAT_S`.
    With `?case=`, for whoever may see that case, `typing` while its enquirer types."""
    seq = _resume_from(request)
    feed = request.app[FEED]
    headers = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    loop = asyncio.get_running_loop()
    beat_at = loop.time()
    typing, conversation, shown = parts_of(request).typing, _conversation_of(request), None
    with (
        feed.listening() as woken,
        typing.listening(conversation, woken) if conversation else contextlib.nullcontext(),
        contextlib.suppress(ConnectionResetError),
    ):
        await response.write(b"retry: 1000\n\n")
        while not feed.closed and _is_still_let_in(request):
            woken.clear()
            seq = await _write_news(request, response, seq)
            until = conversation and typing.until(conversation, Author.ENQUIRER, parts_of(request).now())
            if until and until != shown:
                await response.write(b"event: typing\ndata: typing\n\n")
            shown = until
            if loop.time() >= beat_at:
                beat_at = loop.time() + BEAT_S
                await response.write(f"event: beat\nid: {seq}\ndata: {seq}\n\n".encode())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), beat_at - loop.time())
    return response


async def _write_news(request: web.Request, response: web.StreamResponse, seq: int) -> int:
    """Everything after `seq`; returns the number that was reached."""
    reader, told = parts_of(request).ledger.reader(), request.app[TOLD]
    while events := events_after(reader, seq):
        seq = events[-1].seq
        await response.write("".join(_line(event) for event in events if _is_told(event, told)).encode())
    return seq


def _line(event: Event) -> str:
    told = json.dumps({"kind": event.kind, "case": event.case_id, "by": event.adviser_id})
    return f"event: news\nid: {event.seq}\ndata: {told}\n\n"


def _is_told(event: Event, told: frozenset[str]) -> bool:
    return event.kind in told or event.kind.split(".")[0] in told


def _conversation_of(request: web.Request) -> int | None:
    """The conversation of the case whose page listens, when its adviser may see it."""
    text = request.query.get("case", "")
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        return None
    parts = parts_of(request)
    reader, case_id = parts.ledger.reader(), CaseId(int(text))
    try:
        found = parts.desk.case(reader, case_id, parts.now())
    except NoSuchCase:
        return None
    return conversation_of(reader, case_id) if may_see(session_of(request).adviser, found.row) else None


def _resume_from(request: web.Request) -> int:
    text = request.headers.get("Last-Event-ID") or request.query.get("after", "0")
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        raise web.HTTPBadRequest
    return int(text)


def _is_still_let_in(request: web.Request) -> bool:
    """A log-out, an expired session, a disabled account or a role that holds no cases ends the stream."""
    session = current(request) if cookie_name(parts_of(request).secure_cookies) in request.cookies else None
    return session is not None and session.adviser.role in MAY_HOLD
