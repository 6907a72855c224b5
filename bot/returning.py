"""Coming back: a code resumes a conversation on any channel, once; nothing of the past is repeated there."""

import re
import secrets
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta

from bot.allowance import Allowance
from bot.domain import ChannelName, CodeTyped, ConversationId, Reception, Said, Turn
from bot.engine.forgetting import without_past
from bot.store import Store
from handoff import reach
from handoff.domain import REFERENCE_ALPHABET
from handoff.ledger import Ledger
from handoff.moments import to_ms
from handoff.queue import Queue
from handoff.seal import Seal

GOOD_FOR = timedelta(days=30)
SIGNS = 8
TRIES, TRIES_OF_ALL, WINDOW = 5, 60, timedelta(hours=1)
"""Wrong codes of one address, and of all together: guessing 23^8 codes is not worth beginning. Whoever has used up
their own is not let in by the right one either; what others tried keeps nobody out."""
_FOUR = f"([{REFERENCE_ALPHABET}]{{4}})"
_CODE = re.compile(rf"(?:/?resume\s+)?{_FOUR}[-\s–]?{_FOUR}\.?", re.IGNORECASE)


def code_in(turn: Turn) -> str | None:
    """The code, when the message is nothing else."""
    if not isinstance(turn.heard, Said):
        return None
    found = _CODE.fullmatch(turn.heard.text.strip())
    return f"{found[1]}-{found[2]}".upper() if found else None


def marked(seal: Seal, code: str) -> bytes:
    """What is kept of a code."""
    return seal.mark(f"return:{code}")


class Returning:
    def __init__(self, ledger: Ledger, store: Store, queue: Queue, pulled: frozenset[ChannelName]) -> None:
        self._ledger = ledger
        self._seal = ledger.seal
        self._store = store
        self._queue = queue
        self._pulled = pulled
        self._tries = Allowance(TRIES, WINDOW)
        self._tries_of_all = Allowance(TRIES_OF_ALL, WINDOW)

    def new_code(self, db: sqlite3.Connection, conversation: ConversationId, now: datetime) -> str:
        """Takes the place of the code this conversation had. Kept as a keyed hash only."""
        signs = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(SIGNS))
        code = f"{signs[:4]}-{signs[4:]}"
        db.execute("DELETE FROM return_code WHERE conversation = ?", [conversation])
        db.execute("INSERT INTO return_code VALUES (?, ?, ?, NULL)", [self._mark(code), conversation, to_ms(now)])
        return code

    async def received(self, turn: Turn, mark: bytes) -> Turn:
        """The turn as it is to be heard: a code becomes what came of it, and anything else stays as it was.

        A copy of a turn whose code was used from the same address finds itself back, as the first did.
        """
        code = code_in(turn)
        if code is None:
            return turn
        now = turn.heard.at
        if not self._tries.allows(mark, now):
            return replace(turn, heard=CodeTyped(now, Reception.TOO_OFTEN))
        reception = await self._ledger.write(lambda db: self._receive(db, turn, mark, code))
        if reception is not Reception.UNKNOWN:
            self._tries.take_back(mark)
        elif not self._tries_of_all.allows("all", now):
            reception = Reception.TOO_OFTEN
        return replace(turn, heard=CodeTyped(now, reception))

    def _receive(self, db: sqlite3.Connection, turn: Turn, mark: bytes, code: str) -> Reception:
        row = db.execute(_FIND, [self._mark(code), to_ms(turn.heard.at - GOOD_FOR)]).fetchone()
        if row is None or row[1] not in (None, mark):
            return Reception.UNKNOWN
        conversation, used_by, there = ConversationId(row[0]), row[1], row[2]
        if used_by == mark or there == mark:
            return Reception.BACK
        other = self._store.find(db, mark)
        if other is not None and self._queue.live_case(db, other.id):
            return Reception.BUSY
        self._move(db, conversation, turn, mark)
        db.execute("UPDATE return_code SET used_by = ? WHERE mark = ?", [mark, self._mark(code)])
        return Reception.BACK

    def _move(self, db: sqlite3.Connection, conversation: ConversationId, turn: Turn, mark: bytes) -> None:
        """What waits of an adviser's words goes where they are now; what the bot had still to say is not said."""
        now = turn.heard.at
        self._store.take_place(db, conversation, turn, mark)
        reach.forget_window(db, conversation)
        db.execute(_REDIRECT, [turn.channel not in self._pulled, conversation])
        db.execute(_DROP, [conversation])
        db.execute(_FLOOR, {"here": conversation, "at": to_ms(now)})
        here = self._store.get(db, conversation)
        if here is not None:
            self._store.put_aside(db, here, without_past(here.conversation))
        self._queue.flag(db, conversation, f"came_back_on_{turn.channel}", now)

    def _mark(self, code: str) -> bytes:
        return marked(self._seal, code)


_FIND = """
SELECT r.conversation, r.used_by, c.mark FROM return_code r JOIN conversation c ON c.id = r.conversation
 WHERE r.mark = ? AND r.made_at > ? AND c.ended_at IS NULL
"""
_REDIRECT = """
UPDATE outbox SET pushed = ?, not_before = 0, reason = NULL
 WHERE conversation = ? AND author = 'adviser' AND state = 'queued'
"""
_DROP = """
UPDATE outbox SET state = 'failed', reason = 'moved' WHERE conversation = ? AND author <> 'adviser' AND state = 'queued'
"""
_FLOOR = """
INSERT OR REPLACE INTO came_back (conversation, at, turn, seq) SELECT :here, :at,
    (SELECT coalesce(max(number), 0) FROM turn WHERE conversation = :here),
    coalesce((SELECT min(id) - 1 FROM outbox WHERE conversation = :here AND author = 'adviser' AND state = 'queued'),
             (SELECT max(id) FROM outbox WHERE conversation = :here), 0)
"""
"""An adviser's words they have not read yet are no past."""
