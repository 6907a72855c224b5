"""Tells the advisers' group that a case waits, and that it no longer does. No content: a reference, a tier, a count."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import structlog

from bot.errors import DeliveryError
from bot.waiting import rung
from handoff import desk, handles
from handoff.board import TIER_WORDS
from handoff.desk import Standing
from handoff.domain import CaseId, State
from handoff.errors import AlreadyClaimed, AtCapacity, HandoffError, LedgerError, NotAllowed
from handoff.ledger import Ledger
from handoff.queue import Queue

log = structlog.get_logger()

TELEGRAM = "telegram"
"""The channel in which advisers' accounts are linked."""
GATHER_S = 0.02
LOOK_AGAIN_S = 1.0
"""Another process may have written without waking this one."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
"""Between tries while the group cannot be told; doubled each time."""
BATCH = 200
LARGEST_ID = 2**63 - 1
POPUP = 200
"""Characters that Telegram shows whoever pressed a button (core.telegram.org/bots/api#answercallbackquery)."""

NO_LONGER = "{reference} is no longer waiting."
TAKEN_BY = "{reference} was taken by {name}."
MORE_URGENT = "{reference} is more urgent now: see the newer message."
YOURS = "{reference} is yours. Open it now, or it goes back to the queue: {place}"
YOURS_ALREADY = "{reference} is yours already. Open it: {place}"
FULL = "You hold as many conversations as you may. Wrap one up or pause one first."
NOT_ALLOWED = "Your account may not take cases: it is disabled, or of another kind. Ask your lead."
NOT_LINKED = (
    "This Telegram account is not linked to an adviser. "
    "Ask your lead to run: firstline adviser link YOUR-EMAIL --telegram {user}"
)
NOT_NOW = "That could not be done just now, and nothing was changed. Try again, or use the desk."


class Door(Protocol):
    """Where the group is told. With a case, the message has a button that accepts it.

    Both raise: DeliveryError (without `retry_after_s` when trying again would change nothing).
    """

    async def post(self, text: str, case: int | None) -> int:
        """Returns the number by which the message can be amended."""

    async def amend(self, message_id: int, text: str, case: int | None) -> None: ...


class Alerts:
    """Follows events, but says what is true when it looks: a case that was taken meanwhile is not announced.

    A row in `alert` is a message whose button is live: at most one for a case. When the process dies between a post and
    its row, or no answer to a post comes, the case is posted once more; the earlier button then only says who has it.
    """

    def __init__(
        self,
        ledger: Ledger,
        queue: Queue,
        now: Callable[[], datetime],
        door: Door,
        first_wait_s: float = FIRST_WAIT_S,
        *,
        public_url: str = "",
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._now = now
        self._door = door
        self._first_wait_s = first_wait_s
        self._public_url = public_url.rstrip("/")
        self._woken = asyncio.Event()
        self._seen = 0

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        while True:
            self._woken.clear()
            try:
                await self.follow()
            except (DeliveryError, LedgerError) as error:
                failures += 1
                log.warning("alerts.failed", failures=failures, reason=_reason(error))
                await asyncio.sleep(wait_after(failures, error, self._first_wait_s))
                continue
            failures = 0
            if await rung(self._woken, LOOK_AGAIN_S):
                await asyncio.sleep(GATHER_S)

    async def follow(self) -> None:
        """Tells what has changed since the last time; on the very first, what waits now.

        The place is kept after the group was told, so nothing is passed over. Raises: DeliveryError, LedgerError.
        """
        db = self._ledger.reader()
        kept = db.execute("SELECT seq FROM alert_cursor").fetchone()
        if kept is None:
            await self._begin(db)
            return
        self._seen = max(self._seen, kept[0])
        while events := desk.events_after(db, self._seen, BATCH):
            moved = [event.case_id for event in events if event.case_id and event.kind.startswith("case.")]
            for case in dict.fromkeys(moved):
                await self._tell(case)
            if moved:
                await self._keep_place(events[-1].seq)
            self._seen = events[-1].seq

    async def accept(self, telegram_user: int, case: int) -> str:
        """Claims the case for the adviser whose account pressed the button. Returns what to tell them, refusals too."""
        seal, case_id = self._ledger.seal, CaseId(min(case, LARGEST_ID))
        adviser = handles.adviser_of(self._ledger.reader(), seal, TELEGRAM, str(telegram_user))
        if adviser is None:
            return NOT_LINKED.format(user=telegram_user)
        try:
            await self._ledger.write(lambda db: self._queue.claim(db, case_id, adviser, self._now()))
        except HandoffError as error:
            return self._refusal(case_id, error)
        return self._with_place(YOURS, self._reference(case_id), case_id)

    # --- within ------------------------------------------------------------------------------------------------------

    async def _begin(self, db: sqlite3.Connection) -> None:
        newest = desk.last_event(db)
        begun = [CaseId(row[0]) for row in db.execute('SELECT "case" FROM alert')]  # a first run that broke off
        for case in dict.fromkeys((*begun, *desk.waiting(db))):
            await self._tell(case)
        await self._keep_place(newest)
        self._seen = newest

    async def _tell(self, case: CaseId) -> None:
        """Makes what stands in the group about a case true again. One that became graver is announced anew."""
        db = self._ledger.reader()
        now = desk.standing(db, case)
        text = announced(now)
        live = db.execute('SELECT message_id, said FROM alert WHERE "case" = ?', [case]).fetchone()
        if live is not None and live[1] == text:
            return
        if live is not None:
            await self._end(case, live[0], ended(now))
        if text is not None:
            await self._announce(case, text)

    async def _end(self, case: CaseId, message_id: int, text: str) -> None:
        try:
            await self._door.amend(message_id, text, None)
        except DeliveryError as error:
            if error.retry_after_s is not None:
                raise
            log.warning("alerts.gone", case=case, reason=error.reason)  # somebody deleted it from the group
        await self._ledger.write(lambda db: db.execute('DELETE FROM alert WHERE "case" = ?', [case]).rowcount)

    async def _announce(self, case: CaseId, text: str) -> None:
        count = len(desk.waiting(self._ledger.reader()))
        message_id = await self._door.post(f"{text} Now waiting: {count}.", case)
        values = [case, message_id, text]
        await self._ledger.write(lambda db: db.execute("INSERT INTO alert VALUES (?, ?, ?)", values).rowcount)

    async def _keep_place(self, seq: int) -> None:
        statement = "INSERT OR REPLACE INTO alert_cursor VALUES (1, ?)"
        await self._ledger.write(lambda db: db.execute(statement, [seq]).rowcount)

    def _reference(self, case: CaseId) -> str:
        now = desk.standing(self._ledger.reader(), case)
        return "That case" if now is None else now.reference

    def _with_place(self, words: str, reference: str, case: CaseId) -> str:
        """Where the case is: the whole address where one is set and it fits, else its path at the desk."""
        path = f"/desk/cases/{case}"
        whole = words.format(reference=reference, place=self._public_url + path)
        return whole if len(whole) <= POPUP else words.format(reference=reference, place=path)

    def _refusal(self, case: CaseId, error: HandoffError) -> str:
        now = desk.standing(self._ledger.reader(), case)
        match error:
            case LedgerError():
                return NOT_NOW
            case AtCapacity():
                return FULL
            case NotAllowed():
                return NOT_ALLOWED
            case AlreadyClaimed():
                return ended(now)
        if now is not None and now.holder is not None:
            return self._with_place(YOURS_ALREADY, now.reference, case)
        return ended(now)


def announced(now: Standing | None) -> str | None:
    """What is said of a case while it waits; the count that follows is true only for a moment."""
    if now is None or now.state is not State.WAITING:
        return None
    return f"A case is waiting: {now.reference}. {TIER_WORDS[now.tier].capitalize()}."


def ended(now: Standing | None) -> str:
    """What is said where a case was announced that cannot be accepted there any more."""
    if now is None:
        return NO_LONGER.format(reference="That case")
    if now.holder is not None:
        return TAKEN_BY.format(reference=now.reference, name=now.holder)
    return (MORE_URGENT if now.state is State.WAITING else NO_LONGER).format(reference=now.reference)


def wait_after(failures: int, error: DeliveryError | LedgerError, first_s: float = FIRST_WAIT_S) -> float:
    """Seconds until the next try: longer each time, and at once the longest where only people can mend it."""
    wait = min(LONGEST_WAIT_S, first_s * 2.0 ** min(failures - 1, 16))
    if not isinstance(error, DeliveryError):
        return wait
    return LONGEST_WAIT_S if error.retry_after_s is None else max(wait, error.retry_after_s)


def _reason(error: DeliveryError | LedgerError) -> str:
    return error.reason if isinstance(error, DeliveryError) else type(error).__name__
