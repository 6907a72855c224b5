"""What is kept how long, and the privacy statement: both written from the settings and rules as they are now."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from handoff import holds
from handoff.accounts import ONE_TIME_FOR
from handoff.console.area import LOGGED_IN, Route
from handoff.console.parts import Parts, parts_of
from handoff.console.render import page
from handoff.desk import last_event
from handoff.doorkeeper import FAILURE_WINDOW, KNOWN_FOR
from handoff.moments import from_ms, to_ms


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of thing that is kept. `what` and `until` are codes; the words are the template's."""

    what: str
    is_sealed: bool
    until: str
    length: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Overdue:
    """Ended cases, and those whose time is over."""

    ended: int
    past: int
    oldest: datetime | None


async def retention(request: web.Request) -> web.Response:
    return _show(request, "retention.html")


async def statement(request: web.Request) -> web.Response:
    return _show(request, "statement.html")


def kept(parts: Parts) -> tuple[Kept, ...]:
    """Everything that is kept about people, in the order in which it comes to us; of the bot's only while its door is
    open."""
    facts = parts.doors.house.facts() if parts.doors.house else None
    of_bot = () if facts is None else (
        Kept("typed", True, "idle", facts.words_idle),
        Kept("conversation", True, "conversation_idle", facts.conversation_idle),
        Kept("repeats", True, "repeats", facts.repeats),
    )  # fmt: skip
    return (
        *of_bot,
        Kept("case", True, "case_ended", parts.desk.rules.keep),
        Kept("contact", True, "case_ended", parts.desk.rules.keep),
        Kept("marks", True, "forgotten", parts.keep.marks),
        Kept("facts", False, "statistics"),
        Kept("events", False, "audit"),
        Kept("adviser", False, "account"),
        Kept("sessions", True, "log_out"),
        Kept("addresses", True, "unused", KNOWN_FOR),
        Kept("attempts", True, "attempts", FAILURE_WINDOW),
        Kept("one_time", True, "chosen", ONE_TIME_FOR),
        Kept("notices", False, "settled", parts.keep.notices),
        Kept("gaps", True, "answered", parts.keep.gaps),
        Kept("care", False, "written", parts.keep.care),
    )


def overdue(conn: sqlite3.Connection, now: datetime) -> Overdue:
    ended, past, oldest = conn.execute(_OVERDUE, {"now": to_ms(now)}).fetchone()
    return Overdue(ended, past, None if oldest is None else from_ms(oldest))


def _show(request: web.Request, template: str) -> web.Response:
    parts = parts_of(request)
    reader, now = parts.ledger.reader(), parts.now()
    return page(
        request,
        template,
        seq=last_event(reader),
        kept=kept(parts),
        overdue=overdue(reader, now),
        facts=parts.doors.house.facts() if parts.doors.house else None,
        keep=parts.desk.rules.keep,
        held=len(holds.standing(reader, parts.ledger.seal)),
    )


_OVERDUE = """
SELECT count(*), coalesce(sum(forget_at <= :now), 0), min(forget_at) FROM queue_item
 WHERE forget_at IS NOT NULL AND conversation > 0
"""

ROUTES = (
    Route("GET", "/retention", "retention", retention, LOGGED_IN),
    Route("GET", "/privacy", "privacy", statement, LOGGED_IN),
)
