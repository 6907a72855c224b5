"""The audit chain: every event is sealed onto the one before it, so that nobody without the key can change the trail.

A mark is a keyed hash over the mark before and the fields of the event: numbers, codes and a time, no words and no
name. So nothing in it ever has to be forgotten. The head is one more mark over the newest one: whoever cuts the tail
off cannot make the head of what is left.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from handoff.moments import from_ms
from handoff.seal import Seal

BEGAN = "chain.began"
"""The event that the migration leaves in a trail that is older than the chain."""


class Break(StrEnum):
    """What can be wrong with the chain."""

    CHANGED = "changed"
    MISSING = "missing"
    UNSEALED = "unsealed"
    HEAD_CHANGED = "head_changed"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk along the chain found. `seq` is the event where it first breaks, None when it is whole."""

    events: int
    """How many are in their place, from the first on."""
    first_at: datetime | None
    last_at: datetime | None
    began_at: int | None
    """The event at which the chain began, when the trail is older; those before it were sealed as they stood then."""
    found: Break | None = None
    seq: int | None = None
    until: int | None = None
    """The last of several missing events."""

    @property
    def is_whole(self) -> bool:
        return self.found is None


def teach(connection: sqlite3.Connection, seal: Seal) -> None:
    """Gives the connection the two functions that the triggers on `event` call; one that was not taught cannot write
    events at all."""
    connection.create_function("event_mark", 6, partial(_mark, seal), deterministic=True)
    connection.create_function("head_mark", 2, partial(_head, seal), deterministic=True)


def verify(connection: sqlite3.Connection, seal: Seal) -> Verdict:
    """Walks the whole chain, one event at a time, in one snapshot; says where it first breaks.

    Takes seconds for a million events: call it on a thread. It cannot see that the whole file was exchanged for an
    older copy of itself; compare the number of events with one you noted elsewhere.
    """
    outer = connection.in_transaction
    if not outer:
        connection.execute("BEGIN")
    try:
        return _verdict(connection, seal)
    finally:
        if not outer:
            connection.execute("COMMIT")


def in_words(verdict: Verdict) -> str:
    """One or two sentences for whoever asked."""
    seq, until = verdict.seq, verdict.until
    match verdict.found:
        case None if verdict.events == 0:
            return "Nothing has happened yet: there is nothing to verify."
        case None:
            return f"The chain is whole: {verdict.events:,} events, each as it was written, none missing."
        case Break.CHANGED:
            return f"Event {seq:,} is not as it was written. Everything before it is."
        case Break.MISSING if until == seq:
            return f"Event {seq:,} is missing. Everything before it is as it was written."
        case Break.MISSING:
            return f"Events {seq:,} to {until:,} are missing. Everything before them is as it was written."
        case Break.UNSEALED:
            return f"Event {seq:,} has no seal: it was not written by Firstline, or its seal was taken away."
        case Break.HEAD_CHANGED:
            return (
                f"The seal over the whole does not fit event {seq:,}: it was changed, or later events were cut off. "
                "The events that are there are as they were written."
            )
        case Break.CUT:
            return f"The end of the trail was cut off: events after {seq:,} were there and are gone."


# --- within ----------------------------------------------------------------------------------------------------------

_STEPS = """
SELECT c.seq, c.mark, e.kind, e."case", e.adviser, e.at FROM event_chain c LEFT JOIN event e ON e.seq = c.seq
 ORDER BY c.seq
"""
_NEWEST = """
SELECT coalesce((SELECT max(seq) FROM event), 0), coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)
"""
_FIRST_AFTER = "SELECT seq FROM event WHERE seq >= ? ORDER BY seq LIMIT 1"


@dataclass(slots=True)
class _Walk:
    """How far the walk came, and what it found."""

    seq: int = 0
    mark: bytes = b""
    first_at: int | None = None
    last_at: int | None = None
    began_at: int | None = None

    def verdict(self, found: Break | None = None, seq: int | None = None, until: int | None = None) -> Verdict:
        first, last = (None if at is None else from_ms(at) for at in (self.first_at, self.last_at))
        return Verdict(self.seq, first, last, self.began_at, found, seq, until)


def _verdict(connection: sqlite3.Connection, seal: Seal) -> Verdict:
    walk = _Walk()
    cursor = connection.cursor()
    cursor.row_factory = None
    for seq, mark, kind, case, adviser, at in cursor.execute(_STEPS):
        if seq != walk.seq + 1:
            return _hole(connection, walk, seq - 1)
        if kind is None:
            return walk.verdict(Break.MISSING, seq, _last_missing(connection, seq))
        if mark != _mark(seal, walk.mark, seq, kind, case, adviser, at):
            return walk.verdict(Break.CHANGED, seq)
        walk.seq, walk.mark, walk.last_at = seq, mark, at
        walk.first_at = at if walk.first_at is None else walk.first_at
        walk.began_at = seq if kind == BEGAN and walk.began_at is None else walk.began_at
    return _end(connection, seal, walk)


def _hole(connection: sqlite3.Connection, walk: _Walk, until: int) -> Verdict:
    """Seals are missing after `walk.seq`, up to `until`: with their events, or only they."""
    first = connection.execute(_FIRST_AFTER, [walk.seq + 1]).fetchone()
    if first is not None and first[0] == walk.seq + 1:
        return walk.verdict(Break.UNSEALED, walk.seq + 1)
    return walk.verdict(Break.MISSING, walk.seq + 1, until if first is None else min(until, first[0] - 1))


def _last_missing(connection: sqlite3.Connection, seq: int) -> int:
    """The last of the events that are missing from `seq` on while their seals are there."""
    first = connection.execute(_FIRST_AFTER, [seq]).fetchone()
    newest = connection.execute("SELECT max(seq) FROM event_chain").fetchone()[0]
    return int(newest if first is None else first[0] - 1)


def _end(connection: sqlite3.Connection, seal: Seal, walk: _Walk) -> Verdict:
    newest, counted = connection.execute(_NEWEST).fetchone()
    if newest > walk.seq:
        return _hole(connection, walk, newest - 1)
    head = connection.execute("SELECT seq, mark FROM event_head").fetchone()
    if counted > walk.seq or (head is not None and head[0] > walk.seq):
        return walk.verdict(Break.CUT, walk.seq)
    if head is None or bytes(head[1]) != _head(seal, walk.seq, walk.mark):
        return walk.verdict(Break.HEAD_CHANGED, walk.seq)
    return walk.verdict()


def _mark(
    seal: Seal, before: bytes | None, seq: int, kind: str, case: int | None, adviser: int | None, at: int
) -> bytes:
    return seal.mark(f"event|{(before or b'').hex()}|{seq}|{kind}|{case}|{adviser}|{at}")


def _head(seal: Seal, seq: int, mark: bytes) -> bytes:
    return seal.mark(f"head|{seq}|{mark.hex()}")
