"""Forgetting at night: what is due goes in small writes between turns, then nothing of it is left in the file.

The words go at once, with `secure_delete`. Stale copies that SQLite leaves in its pages go when the file is rewritten:
that gives way to whoever writes, and is tried again until it is done.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from bot.forgetting import Forgetting
from handoff import retention
from handoff.domain import CaseId
from handoff.erasing import forget
from handoff.errors import DiskFull, HandoffError
from handoff.ledger import REWRITE_S, Ledger
from handoff.moments import from_ms, to_ms
from handoff.retention import Keep

log = structlog.get_logger()

LOOK_EVERY_S: Final = 30.0
AT_ONCE: Final = 200
"""How many due cases are looked up at a time."""
WRITE_S: Final = 0.006
"""A write takes no further case after this long: turns wait for one write at most."""
PAUSE_S: Final = 0.003
"""Between two writes, for the turns that came meanwhile."""
OTHERS_AT_ONCE: Final = 200
QUIET_LOOKS: Final = 2
"""The file is rewritten when nothing was written between so many looks."""


@dataclass(slots=True)
class Done:
    """What a night forgot."""

    cases: int = 0
    others: int = 0
    left: set[CaseId] = field(default_factory=set)
    """Cases that could not be forgotten; they are tried again the next night."""


class Night:
    def __init__(
        self,
        ledger: Ledger,
        forgetting: Forgetting,
        keep: Keep,
        hour: int,
        local: Callable[[datetime], datetime],
        now: Callable[[], datetime],
    ) -> None:
        """`hour`: of the service's own clock, from which on the night's work is done; later, if it did not run."""
        self._ledger = ledger
        self._forgetting = forgetting
        self._keep = keep
        self._hour = hour
        self._local = local
        self._now = now
        self._looked: date | None = None
        self._commits = -1
        self._quiet = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if self.is_due():
                await self.work()
            elif self._is_quiet() and self._is_to_rewrite():
                await self.leave_nothing()
            await asyncio.sleep(LOOK_EVERY_S)

    def is_due(self) -> bool:
        """This night's work was not done yet."""
        last, night = self._last(), self._night(self._now())
        return night != self._looked and (last is None or last[0] < night)

    async def work(self) -> Done:
        """Forgets what is due now. Stopped in the middle, it goes on where it was: each case is forgotten or not."""
        began, last, done = self._now(), self._last(), Done()
        self._looked = self._night(began)
        while due := self._due(done):
            while due:
                due = due[await self._some(due, done) :]
                await asyncio.sleep(PAUSE_S)
        while self._has_others():
            done.others += await self._ledger.write(self._others)
            await asyncio.sleep(PAUSE_S)
        if done.cases or done.others or self._has_gone_since(last):
            await self._ledger.write(lambda db: self._note(db, began, done))
            await asyncio.to_thread(self._ledger.empty_log)
        return done

    async def leave_nothing(self, patience_s: float = REWRITE_S) -> bool:
        """Rewrites the file and notes it; False when somebody wrote meanwhile, or it took too long."""
        try:
            was_rewritten = await asyncio.to_thread(self._ledger.rewrite, patience_s)
        except DiskFull:
            log.error("night.no_room")
            return False
        if was_rewritten:
            await self._ledger.write(self._note_rewritten)
            self._commits = self._ledger.commits
        return was_rewritten

    # --- inside ------------------------------------------------------------------------------------------------------

    def _night(self, now: datetime) -> date:
        """The day whose night's work is due by now."""
        local = self._local(now)
        return local.date() if local.hour >= self._hour else local.date() - timedelta(days=1)

    def _last(self) -> tuple[date, datetime] | None:
        """The night that was last worked for, and when that began."""
        row = self._ledger.reader().execute(_LAST).fetchone()
        return None if row is None else (date.fromisoformat(row[0]), from_ms(row[1]))

    def _has_gone_since(self, last: tuple[date, datetime] | None) -> bool:
        """Something was forgotten by day, at somebody's request or for its age: copies of it may be in the file."""
        since = last[1] if last else from_ms(0)
        db = self._ledger.reader()
        asked = db.execute("SELECT 1 FROM erasure_request WHERE done_at >= ? LIMIT 1", [to_ms(since)]).fetchone()
        return asked is not None or self._forgetting.has_forgotten(db, since)

    def _has_others(self) -> bool:
        db, now = self._ledger.reader(), self._now()
        return bool(retention.any_others(db, self._keep, now) or self._forgetting.preview(db, now)["codes"])

    def _due(self, done: Done) -> list[CaseId]:
        limit = AT_ONCE + len(done.left)
        found = retention.due(self._ledger.reader(), self._keep, self._now(), limit)
        return [case for case in found if case not in done.left]

    async def _some(self, due: list[CaseId], done: Done) -> int:
        """As many of them as fit into one short write; returns how many were looked at."""

        def some(db: sqlite3.Connection) -> dict[CaseId, bool]:
            until, went = time.perf_counter() + WRITE_S, dict[CaseId, bool]()
            for case in due:
                went[case] = self._one(db, case)
                if time.perf_counter() > until:
                    break
            return went

        went = await self._ledger.write(some)
        done.cases += sum(went.values())
        done.left |= {case for case, has_gone in went.items() if not has_gone}
        return len(went)

    def _one(self, db: sqlite3.Connection, case: CaseId) -> bool:
        """Whole or not at all; False when it could not be forgotten."""
        db.execute("SAVEPOINT one_case")
        try:
            forget(db, self._ledger.seal, self._forgetting, case, self._today(), self._now())
        except Exception as error:  # one case that cannot be forgotten keeps back no other
            db.execute("ROLLBACK TO one_case")
            if not isinstance(error, HandoffError):
                log.error("night.left", error=type(error).__name__, number=case)
            return False
        finally:
            db.execute("RELEASE one_case")
        return True

    def _today(self) -> date:
        return self._local(self._now()).date()

    def _others(self, db: sqlite3.Connection) -> int:
        now = self._now()
        gone = retention.forget_others(db, self._keep, now, OTHERS_AT_ONCE)
        return gone + self._forgetting.forget_codes(db, now)

    def _note(self, db: sqlite3.Connection, began: datetime, done: Done) -> None:
        row = [self._night(began).isoformat(), to_ms(began), to_ms(self._now())]
        db.execute(_NOTE, [*row, done.cases, done.others])

    def _note_rewritten(self, db: sqlite3.Connection) -> None:
        db.execute(_NOTE_REWRITTEN, [to_ms(self._now())])

    def _is_to_rewrite(self) -> bool:
        sql = "SELECT 1 FROM forgetting_run WHERE rewritten_at IS NULL LIMIT 1"
        return self._ledger.reader().execute(sql).fetchone() is not None

    def _is_quiet(self) -> bool:
        self._quiet = self._quiet + 1 if self._ledger.commits == self._commits else 0
        self._commits = self._ledger.commits
        return self._quiet >= QUIET_LOOKS


_LAST = "SELECT day, began_at FROM forgetting_run ORDER BY id DESC LIMIT 1"
_NOTE = "INSERT INTO forgetting_run (day, began_at, ended_at, cases, others) VALUES (?, ?, ?, ?, ?)"
_NOTE_REWRITTEN = "UPDATE forgetting_run SET rewritten_at = max(ended_at, ?) WHERE rewritten_at IS NULL"
