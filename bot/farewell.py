"""The end of a conversation whose enquirer wanted all of it deleted: once they were told, or a case of it has ended."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from bot.forgetting import Forgetting
from handoff.domain import CaseId
from handoff.erasing import IsHeld, forget
from handoff.ledger import Ledger
from handoff.moments import to_ms

log = structlog.get_logger()

LOOK_EVERY_S: Final = 5.0
SHOWN_FOR: Final = timedelta(minutes=1)
"""The last words stay for this long after they were delivered at the earliest: a page without JavaScript asks for them
with a second request."""
AT_LATEST: Final = timedelta(minutes=30)
"""Undelivered for so long, they are not waited for."""
QUIET: Final = timedelta(minutes=10)
"""Who talks with the bot again after their case has ended is not cut off in the middle."""


class Farewell:
    def __init__(
        self,
        ledger: Ledger,
        forgetting: Forgetting,
        local: Callable[[datetime], datetime],
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._forgetting = forgetting
        self._local = local
        self._now = now
        self._left: set[int] = set()
        """Those that could not be forgotten; they are tried again at the next start, their cases in the night."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.follow()
            await asyncio.sleep(LOOK_EVERY_S)

    async def follow(self) -> int:
        """Forgets what may go by now, each conversation whole or not at all. Returns how many went."""
        due = [here for here in self._due() if here not in self._left]
        gone = 0
        for here in due:
            gone += await self._one(here)
        if gone:
            await asyncio.to_thread(self._ledger.empty_log)
        return gone

    # --- within ------------------------------------------------------------------------------------------------------

    def _due(self) -> list[int]:
        values = {
            "now": to_ms(self._now()),
            "shown": SHOWN_FOR // timedelta(milliseconds=1),
            "latest": AT_LATEST // timedelta(milliseconds=1),
            "quiet": QUIET // timedelta(milliseconds=1),
        }
        return [row[0] for row in self._ledger.reader().execute(_DUE, values)]

    async def _one(self, here: int) -> bool:
        try:
            await self._ledger.write(partial(self._forget, here))
        except Exception as error:  # one that cannot be forgotten keeps back no other
            log.error("farewell.left", error=type(error).__name__)
            self._left.add(here)
            return False
        return True

    def _forget(self, here: int, db: sqlite3.Connection) -> None:
        """A held case stays, and its request with it; what the bot keeps goes all the same."""
        now = self._now()
        today = self._local(now).date()
        for (case,) in db.execute(_WAITING, [here]).fetchall():
            try:
                forget(db, self._ledger.seal, None, CaseId(case), today, now)
            except IsHeld:
                continue
        self._forgetting.conversation(db, here, now)
        db.execute("DELETE FROM parting WHERE conversation = ?", [here])


_SINCE = """
SELECT p.conversation AS here, max(
    p.asked_at,
    coalesce((SELECT max(q.moved_at) FROM queue_item q WHERE q.conversation = p.conversation), 0),
    iif(c.ended_at IS NULL, c.last_turn_at + :quiet - :shown, 0)) AS since
  FROM parting p JOIN conversation c ON c.id = p.conversation
 WHERE NOT EXISTS (SELECT 1 FROM queue_item q
                    WHERE q.conversation = p.conversation AND q.state NOT IN ('done', 'abandoned'))
"""
_DUE = f"""
SELECT here FROM ({_SINCE}) WHERE since <= :now - :latest OR (since <= :now - :shown AND NOT EXISTS
    (SELECT 1 FROM outbox WHERE conversation = here AND pushed = 1 AND state IN ('queued', 'sending')))
"""
_WAITING = """
SELECT r."case" FROM erasure_request r JOIN queue_item q ON q."case" = r."case"
 WHERE r.done_at IS NULL AND q.conversation = ?
"""
