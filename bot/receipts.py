"""What providers report of messages they took: which of ours it was, and how far it got. Forward only.

A report may come before the answer to the very request that sent the message, or when that answer never came. So each
is kept under the provider's id (as a keyed hash) until the message is known, and looked at again when it is.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.channels.contract import Reach, Receipt
from bot.domain import ChannelName
from bot.outbox import Outbox, Waiting
from bot.reply_window import CANNOT_ASK, WINDOW_CLOSED, ReplyWindow
from handoff.domain import DeliveryState, MessageId
from handoff.moments import from_ms, to_ms
from handoff.queue import Queue
from handoff.seal import Seal

KEPT = timedelta(days=8)
"""Meta repeats what was not acknowledged for up to seven days."""
_SETTLED = ("sent", "delivered", "read", "unknown")
_RANK = {"unknown": 0, "sent": 1, "delivered": 2, "read": 3}


class Receipts:
    def __init__(self, seal: Seal, queue: Queue, window: ReplyWindow) -> None:
        self._seal = seal
        self._queue = queue
        self._window = window
        self._outbox = Outbox(seal)

    def sent_as(self, db: sqlite3.Connection, channel: ChannelName, provider_id: str, seq: int, now: datetime) -> None:
        """The provider took row `seq` under this id; what it reported of it already counts now. The row is settled."""
        db.execute(_KNOW, [self._mark(channel, provider_id), seq, to_ms(now)])
        for reach, reason in db.execute(_OF_ROW, [seq]).fetchall():  # of all its parts: one that failed fails it
            self._apply(db, channel, seq, Receipt(Reach(reach), reason=reason), now)

    def heard(self, db: sqlite3.Connection, channel: ChannelName, receipts: Sequence[Receipt], now: datetime) -> None:
        for each in sorted(receipts, key=lambda each: _RANK.get(each.reach, 9)):
            if each.knock_of is not None:
                self._knocked_in_vain(db, channel, each.knock_of, now)
                continue
            receipt = replace(each, reason=WINDOW_CLOSED) if each.window_closed else each
            is_repeated = self._gave_back(db, channel, receipt)
            seq = self._kept(db, channel, receipt, now)
            if seq is not None and not is_repeated:
                self._apply(db, channel, seq, receipt, now)

    def unanswered(self, db: sqlite3.Connection, channel: ChannelName, seq: int) -> Receipt | None:
        """What was reported of a row whose sending was never answered."""
        row = db.execute(
            "SELECT reach, reason FROM receipt WHERE mark = ?", [self._mark(channel, f"#{seq}")]
        ).fetchone()
        return Receipt(Reach(row[0]), reason=row[1]) if row else None

    def _kept(self, db: sqlite3.Connection, channel: ChannelName, receipt: Receipt, now: datetime) -> int | None:
        """The row it is about, as far as is known. What names only our number is kept under that."""
        seq = receipt.seq
        names = [receipt.provider_id] if receipt.provider_id else []
        names += [f"#{seq}"] if seq is not None and not self._is_known(db, channel, receipt) else []
        for name in names:
            row = [self._mark(channel, name), receipt.reach.value, receipt.reason, to_ms(now)]
            seq = db.execute(_HEARD, row).fetchone()[0] or seq
        return seq

    def _gave_back(self, db: sqlite3.Connection, channel: ChannelName, receipt: Receipt) -> bool:
        """A second copy must not give back what was sent again meanwhile."""
        if receipt.reason != WINDOW_CLOSED or not receipt.provider_id:
            return False
        mark = self._mark(channel, receipt.provider_id)
        row = db.execute("SELECT reach FROM receipt WHERE mark = ?", [mark]).fetchone()
        return row is not None and row[0] == Reach.FAILED

    def _is_known(self, db: sqlite3.Connection, channel: ChannelName, receipt: Receipt) -> bool:
        mark = self._mark(channel, receipt.provider_id or "")
        row = db.execute("SELECT 1 FROM receipt WHERE mark = ? AND seq IS NOT NULL", [mark]).fetchone()
        return row is not None

    def _apply(self, db: sqlite3.Connection, channel: ChannelName, seq: int, receipt: Receipt, now: datetime) -> None:
        row = self._outbox.one(db, seq)
        if row is None or row.channel != channel or row.state not in _SETTLED:
            return
        if receipt.reach is Reach.FAILED:
            self._failed(db, row, receipt, now)
        elif _RANK[receipt.reach] > _RANK[row.state]:
            self._note(db, row, receipt.reach.value, receipt.reason, now)

    def _failed(self, db: sqlite3.Connection, row: Waiting, receipt: Receipt, now: datetime) -> None:
        """Taken, and then not delivered. Where only the reply window had closed, it waits for the enquirer to write."""
        if row.state in ("delivered", "read"):
            return
        if row.state == "sent" and receipt.reason == WINDOW_CLOSED:
            self._window.shut(db, row.conversation, self._sent_at(db, row, now))
            self._outbox.give_back(db, row, WINDOW_CLOSED)
            self._undo(db, row)
            self._tell_desk(db, row, "queued", WINDOW_CLOSED, now)
        else:
            self._note(db, row, "failed", receipt.reason, now)

    def _sent_at(self, db: sqlite3.Connection, row: Waiting, now: datetime) -> datetime:
        """When the provider took it, as far as we know."""
        at = db.execute("SELECT max(at) FROM receipt WHERE seq = ?", [row.seq]).fetchone()[0]
        return from_ms(at) if at else now

    def _undo(self, db: sqlite3.Connection, row: Waiting) -> None:
        """What was reported of a sending that is undone says nothing of the next."""
        db.execute("UPDATE receipt SET seq = NULL WHERE seq = ?", [row.seq])
        db.execute("DELETE FROM receipt WHERE mark = ?", [self._mark(row.channel, f"#{row.seq}")])

    def _knocked_in_vain(self, db: sqlite3.Connection, channel: ChannelName, seq: int, now: datetime) -> None:
        """They were not asked to write after all: advisers must know that nothing will come of waiting."""
        row = self._outbox.now_waits_for(db, seq, CANNOT_ASK)
        if row is None or row.channel != channel:
            return
        for message in self._outbox.advisers_waiting(db, row.conversation):
            self._queue.record_delivery(db, MessageId(message), DeliveryState.QUEUED, now, CANNOT_ASK)

    def _note(self, db: sqlite3.Connection, row: Waiting, state: str, reason: str | None, now: datetime) -> None:
        self._outbox.settle(db, [row.seq], state, reason)
        self._tell_desk(db, row, state, reason, now)

    def _tell_desk(self, db: sqlite3.Connection, row: Waiting, state: str, reason: str | None, now: datetime) -> None:
        if row.message is not None:
            self._queue.record_delivery(db, MessageId(row.message), DeliveryState(state), now, reason)

    def _mark(self, channel: ChannelName, name: str) -> bytes:
        return self._seal.mark(f"receipt|{channel}|{name}")


def forget_old(db: sqlite3.Connection, now: datetime) -> None:
    """Reports so old that nothing more will be said of their messages."""
    db.execute("DELETE FROM receipt WHERE at < ?", [to_ms(now - KEPT)])


_KNOW = """
INSERT INTO receipt (mark, seq, at) VALUES (?, ?, ?)
    ON CONFLICT (mark) DO UPDATE SET seq = excluded.seq"""
_OF_ROW = """
SELECT reach, reason FROM receipt WHERE seq = ? AND reach IS NOT NULL ORDER BY reach = 'failed', reach = 'read'"""
_HEARD = """
INSERT INTO receipt (mark, reach, reason, at) VALUES (?, ?, ?, ?)
    ON CONFLICT (mark) DO UPDATE SET
        reason = iif(reach IS NULL OR reach = 'sent' OR excluded.reach IN ('read', 'failed'), excluded.reason, reason),
        reach = iif(reach IS NULL OR reach = 'sent' OR excluded.reach IN ('read', 'failed'), excluded.reach, reach)
RETURNING seq"""
"""Reports overtake each other: a later one that says less changes nothing."""
