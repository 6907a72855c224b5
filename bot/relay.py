"""Follows what advisers did: gives the bot its voice back and tells of call-backs, exactly once for each time."""

import asyncio

import structlog

from bot.domain import CaseEnded, ConversationId
from bot.turns import Turns
from bot.waiting import whenever
from handoff import desk
from handoff.domain import Event
from handoff.errors import KeyMissing, LedgerError
from handoff.ledger import Ledger

log = structlog.get_logger()

GATHER_S = 0.02
"""Commits that follow each other this quickly are looked at together."""
LOOK_AGAIN_S = 1.0
"""Another process may have written without waking this one."""
ENDINGS = {"case.closed": True, "case.given_back": False}
"""Events after which the bot speaks again -> whether the case was closed."""
SCHEDULED = "case.scheduled"
TAKEN_UP = frozenset({*ENDINGS, SCHEDULED})
"""Events the enquirer is told of."""
BATCH = 200


class Relay:
    def __init__(self, ledger: Ledger, turns: Turns) -> None:
        self._ledger = ledger
        self._turns = turns
        self._woken = asyncio.Event()
        self._seen = 0

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        await whenever(self._woken, self.follow, LOOK_AGAIN_S, GATHER_S)

    async def follow(self) -> None:
        """Takes up every event since the last one that was taken up. The place is kept with each ending, in the write
        that answers it; what was only passed over is passed over again after a restart."""
        db = self._ledger.reader()
        while events := desk.events_after(db, self._passed(), BATCH):
            for event in events:
                if event.kind in TAKEN_UP and event.conversation is not None:
                    await self._take_up(event, ConversationId(event.conversation))
                self._seen = event.seq

    async def _take_up(self, event: Event, conversation: ConversationId) -> None:
        """One that cannot be taken up holds up no other; the enquirer's own next words find the case ended.

        Raises: LedgerError while nothing can be written; the same ending is then taken up again.
        """
        try:
            await self._tell(event, conversation)
        except LedgerError as error:
            if not isinstance(error, KeyMissing):
                raise
            log.error("relay.sealed_otherwise", seq=event.seq)
        except Exception as error:
            log.error("relay.failed", seq=event.seq, error=type(error).__name__)

    async def _tell(self, event: Event, conversation: ConversationId) -> None:
        if event.kind in ENDINGS:
            ended = CaseEnded(event.at, ENDINGS[event.kind], event.reference or "")
            await self._turns.case_ended(conversation, ended, event.seq)
            return
        agreed_for = desk.agreed_for(self._ledger.reader(), event.case_id, event.seq) if event.case_id else None
        if agreed_for is not None:
            await self._turns.call_back_agreed(conversation, agreed_for, event.at, event.seq)

    def _passed(self) -> int:
        kept: int = self._ledger.reader().execute("SELECT seq FROM relay_cursor").fetchone()[0]
        return max(kept, self._seen)
