"""Practice: scripts with a scripted enquirer, in the same pages; nothing of it is sent, counted or shown to others."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator
from functools import partial

from aiohttp import web

from handoff import decisions, practice
from handoff.console.area import CASE, HOLDERS, Area, Group, Place, Route
from handoff.console.asking import case_id_of, see
from handoff.console.auth import form_of
from handoff.console.parts import PARTS, Parts, parts_of, session_of
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import MAY_HOLD, Author, CaseId
from handoff.errors import AtCapacity, HandoffError, NoSuchCase
from handoff.practice import Script

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""How soon a scripted answer that is due is said."""


async def scripts(request: web.Request) -> web.StreamResponse:
    """What can be practised, and what one has begun."""
    return _show_scripts(request)


async def start(request: web.Request) -> web.StreamResponse:
    """Begins a script; one that was begun and not answered yet is gone on with: a second click begins nothing."""
    form = await form_of(request)
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    script = next((each for each in _scripts(request) if each.id == form.get("script")), None)
    if script is None:
        return _show_scripts(request, 422, unknown=True)
    seal, queue = parts.ledger.seal, parts.queue

    def work(conn: sqlite3.Connection) -> CaseId:
        begun = practice.just_begun(conn, me.id, script.id)
        return begun or practice.begin(conn, queue, seal, script, me.id, now)

    try:
        case_id = await parts.ledger.write(work)
    except AtCapacity:
        return _show_scripts(request, 409, full=True)
    return see(request, "case", case=case_id)


async def take_up(request: web.Request) -> web.StreamResponse:
    """One's own practice that went back, because one was away for a while."""
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    case_id = case_id_of(request)
    if practice.run_of(parts.ledger.reader(), parts.ledger.seal, case_id, me.id) is None:
        raise NoSuchCase
    try:
        await parts.ledger.write(lambda conn: parts.queue.claim(conn, case_id, me.id, now))
    except AtCapacity:
        return _show_scripts(request, 409, full=True)
    return see(request, "case", case=case_id)


async def looked_back(request: web.Request) -> web.StreamResponse:
    """What good looks like, beside what was said."""
    parts, me, case_id = parts_of(request), session_of(request).adviser, case_id_of(request)
    reader, seal = parts.ledger.reader(), parts.ledger.seal
    run = practice.run_of(reader, seal, case_id, me.id)
    if run is None:
        raise NoSuchCase
    if not run.has_ended:
        return see(request, "practice")
    return page(
        request,
        "practice_end.html",
        seq=last_event(reader),
        run=run,
        lines=[line for line in parts.desk.thread(reader, case_id) if line.author is not Author.SYSTEM],
        decided=decisions.of_case(reader, seal, case_id),
    )


# --- the scripted enquirer -------------------------------------------------------------------------------------------


async def running(app: web.Application) -> AsyncIterator[None]:
    """Answers what advisers write in practice, for as long as the application lives."""
    playing = asyncio.create_task(_play(app[PARTS]))
    yield
    playing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await playing


async def answer_due(parts: Parts) -> None:
    """Says what is due. All of it is read from what was said, so that nothing is lost or said twice by a restart."""
    for case_id in practice.anything_to_say(parts.ledger.reader(), parts.now()):
        work = partial(practice.answer, seal=parts.ledger.seal, case_id=case_id, now=parts.now())
        await parts.ledger.write(work)


async def _play(parts: Parts) -> None:
    while True:
        try:
            await answer_due(parts)
        except (HandoffError, sqlite3.Error) as error:  # closed meanwhile, or the disk is full: it is tried again
            log.warning("practice waits: %s", type(error).__name__)
        await asyncio.sleep(LOOK_EVERY_S)


# --- within ----------------------------------------------------------------------------------------------------------


def _scripts(request: web.Request) -> tuple[Script, ...]:
    door = parts_of(request).doors.practice
    return door.scripts() if door else ()


def _show_scripts(
    request: web.Request, status: int = 200, *, unknown: bool = False, full: bool = False
) -> web.Response:
    parts, me = parts_of(request), session_of(request).adviser
    reader = parts.ledger.reader()
    return page(
        request,
        "practice.html",
        status,
        seq=last_event(reader),
        scripts=_scripts(request),
        is_open=parts.doors.practice is not None,
        runs=practice.runs_of(reader, parts.ledger.seal, me.id),
        unknown=unknown,
        full=full,
    )


AREA = Area(
    routes=(
        Route("GET", "/practice", "practice", scripts, HOLDERS),
        Route("POST", "/practice", "start_practice", start, HOLDERS),
        Route("POST", f"{CASE}/practice", "take_up_practice", take_up, HOLDERS),
        Route("GET", f"{CASE}/practice", "practice_end", looked_back, HOLDERS),
    ),
    places=(Place("practice", "Practice", MAY_HOLD, Group.YOU),),
)
