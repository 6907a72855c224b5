"""Carries what nobody has acknowledged up the ladder: after the desk, the advisers' group, then e-mail. No content.

A notification is kept before anybody is told, and a step after a rung was told: a restart repeats and loses nothing.
Only when the process dies in the moment between is a rung told twice, by e-mail under the same Message-ID.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from types import MappingProxyType
from typing import Protocol

import structlog

from bot.alerts import FIRST_WAIT_S, Door, wait_after
from bot.errors import DeliveryError
from bot.mail import Post
from handoff import notifications, watching
from handoff.board import TIER_WORDS
from handoff.errors import LedgerError
from handoff.ledger import Ledger
from handoff.notifications import Kind, Notification, Rung

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
SWEEP_EVERY_S = 5.0
AT_ONCE = 20
"""Notifications in one message; the rest follow in the next."""

SAID: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.CASE_WAITS: "is waiting",
        Kind.CALL_BACK_DUE: "waits for its agreed call-back",
        Kind.CASE_RAISED: "became more urgent",
        Kind.CASE_OVERDUE: "is overdue and nobody has it",
        Kind.TRANSFER_OFFERED: "is offered to a colleague",
        Kind.HOLDER_UNREACHABLE: "has a holder who cannot be reached",
        Kind.MESSAGE_UNKNOWN: "has a message that may not have arrived",
        Kind.MESSAGE_FAILED: "has a message that was not delivered",
        Kind.SECOND_READING: "waits for a second reading",
        Kind.TASK_DUE: "has a task that is due",
    }
)
"""What advisers read where it leaves the desk."""
DONE_AT: Mapping[Kind, str] = MappingProxyType({Kind.SECOND_READING: "second-readings", Kind.TASK_DUE: "tasks"})
"""The page of the desk for what is not done at its case, which may be somebody else's."""


class Teller(Protocol):
    """A rung: tells people lines that nobody has acknowledged. Raises: DeliveryError."""

    async def tell(self, told: Sequence[Notification], lines: Sequence[str], now: datetime) -> None: ...


class Group:
    """The advisers' group in Telegram. Waiting cases are announced there by `bot.alerts`, with a button."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def tell(self, told: Sequence[Notification], lines: Sequence[str], now: datetime) -> None:  # noqa: ARG002
        await self._door.post("\n".join(lines), None)


class Letters:
    """E-mail, all that is due in one message."""

    def __init__(self, post: Post) -> None:
        self._post = post

    async def tell(self, told: Sequence[Notification], lines: Sequence[str], now: datetime) -> None:
        gravest = TIER_WORDS[min(each.tier for each in told)].capitalize()
        count = "1 notice" if len(told) == 1 else f"{len(told)} notices"
        mark = sha256(" ".join(str(each.id) for each in told).encode()).hexdigest()[:24]
        text = "\n".join([*lines, "", "Nobody has acknowledged this at the desk yet."])
        await self._post.send(f"Firstline: {gravest}, {count}", text, mark, now)


class Ladder:
    """Makes what time alone brings about (cases overdue, holders unreachable, watches left), and climbs."""

    def __init__(
        self,
        ledger: Ledger,
        now: Callable[[], datetime],
        tellers: Mapping[Rung, Teller],
        public_url: str = "",
        first_wait_s: float = FIRST_WAIT_S,
    ) -> None:
        self._ledger = ledger
        self._now = now
        self._tellers = tellers
        self._desk = public_url.rstrip("/") + "/desk"
        self._first_wait_s = first_wait_s

    @property
    def rungs(self) -> frozenset[Rung]:
        """Those that are set up."""
        return frozenset(self._tellers)

    async def run(self) -> None:
        """Until cancelled. Each rung goes on by itself: one that fails or hangs holds no other up."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._again("sweep", self.sweep, SWEEP_EVERY_S))
            for rung in sorted(self._tellers):
                group.create_task(self._again(rung, partial(self.climb, rung), LOOK_EVERY_S))

    async def sweep(self) -> None:
        """Nothing is written while nothing is due."""
        db, now = self._ledger.reader(), self._now()
        if notifications.anything_to_sweep(db, now):
            await self._ledger.write(lambda conn: notifications.sweep(conn, now))
        if watching.any_left(db, now):
            await self._ledger.write(lambda conn: watching.end_left(conn, now))

    async def climb(self, rung: Rung) -> None:
        """Tells one rung what is due there, and keeps that it was told. Raises: DeliveryError, LedgerError."""
        while due := notifications.due(self._ledger.reader(), rung, self._now(), AT_ONCE):
            await self._tellers[rung].tell(due, [self.line(each) for each in due], self._now())
            await self._ledger.write(partial(_told, rung, due, self._now()))

    def line(self, each: Notification) -> str:
        """A tier word, a reference and a link: all that ever leaves."""
        tier = TIER_WORDS[each.tier].capitalize()
        own = "notices" if each.case_id is None else f"cases/{each.case_id}"
        place = f"{self._desk}/{DONE_AT.get(each.kind, own)}"
        return f"{tier}: {each.reference or 'something'} {SAID.get(each.kind, 'needs a look')}. {place}"

    async def _again(self, part: str, work: Callable[[], Awaitable[None]], every_s: float) -> None:
        failures, me = 0, asyncio.current_task()
        while (
            me is None or not me.cancelling()
        ):  # on Python 3.11 a wait that ends as it is cancelled forgets the latter
            try:
                await work()
                failures = 0
                await asyncio.sleep(0 if me and me.cancelling() else every_s)
            except (DeliveryError, LedgerError) as error:
                failures += 1
                reason = error.reason if isinstance(error, DeliveryError) else type(error).__name__
                log.warning("ladder.failed", part=part, count=failures, reason=reason)
                await asyncio.sleep(wait_after(failures, error, self._first_wait_s))


def _told(rung: Rung, due: Sequence[Notification], now: datetime, conn: sqlite3.Connection) -> None:
    notifications.told(conn, rung, [each.id for each in due], now)
