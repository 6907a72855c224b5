"""Who is who, where a provider names people in two ways that may each be missing or change (bot.domain.Person).

A person keeps one mark, the first they were known by; every other name leads to it. Names are kept as keyed hashes.
Nobody may ever be taken for another: a telephone number is given to other people in time, so it counts for less than
the provider's own id, for a while only, and no longer once its owner has shown another.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain import ChannelName, Person
from handoff.moments import to_ms
from handoff.seal import Seal

USER, NUMBER = "user", "number"
NUMBER_LEADS_FOR = timedelta(days=45)
"""How long after it was last shown a number alone leads to a person: a choice on the safe side, because nobody tells us
when a number is given to somebody else."""
OUT_OF_ORDER = timedelta(days=1)
"""So much older than the first with its number may a message be and still come from the same person."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a message told of names: which are really this person's, and who else had them before."""

    person: Person
    others: tuple[bytes, ...]


class KnownAs:
    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def mark(self, db: sqlite3.Connection, channel: ChannelName, person: Person, at: datetime) -> bytes:
        """Of whoever was so named then: by the provider's own id first. A number leads on only while nobody with
        another id has come with it."""
        names = dict(self._names(channel, person))
        by_user = self._person(db, names[USER]) if USER in names else None
        if by_user:
            return by_user
        by_number = self._person(db, names[NUMBER], at) if NUMBER in names else None
        if by_number and not (USER in names and self._has_user(db, by_number)):
            return by_number
        return self._new(db, names.get(USER) or names[NUMBER])

    def remember(
        self, db: sqlite3.Connection, channel: ChannelName, person: Person, mark: bytes, at: datetime
    ) -> Learnt:
        """All names lead to this mark from now on, but those somebody else has first shown since. A number they had
        before is theirs no more."""
        others, kept = [], dict[str, str]()
        for (kind, name), said in zip(self._names(channel, person), _said(person), strict=True):
            before, first_at = db.execute(_WHOSE, [name]).fetchone() or (None, 0)
            if before not in (None, mark) and first_at > to_ms(at):
                continue
            kept[kind] = said
            others += [before] if before not in (None, mark) else []
            db.execute(_REMEMBER, {"name": name, "mark": mark, "kind": kind, "at": to_ms(at)})
            if kind == NUMBER:
                db.execute(_RETIRE_NUMBERS, [mark, name])
        return Learnt(Person(kept.get(USER), kept.get(NUMBER)), tuple(others))

    def changed(self, db: sqlite3.Connection, channel: ChannelName, before: Person, at: datetime) -> bytes | None:
        """Whose names changed then. None where that is not certain: by a number alone it is only while nobody has shown
        it since, and nobody with another id has it."""
        names = dict(self._names(channel, before))
        by_user = self._person(db, names[USER]) if USER in names else None
        if by_user or NUMBER not in names:
            return by_user
        row = db.execute(_SHOWN_UNTIL, [names[NUMBER], to_ms(at)]).fetchone()
        return row[0] if row and not (USER in names and self._has_user(db, row[0])) else None

    def is_anothers(
        self, db: sqlite3.Connection, channel: ChannelName, person: Person, mark: bytes, since: datetime
    ) -> bool:
        """Whether somebody else has first shown one of these names since then."""
        rows = [db.execute(_WHOSE, [name]).fetchone() for _, name in self._names(channel, person)]
        return any(row and row[0] != mark and row[1] > to_ms(since) for row in rows)

    def rename(self, db: sqlite3.Connection, channel: ChannelName, mark: bytes, now: Person, at: datetime) -> Learnt:
        """These are all their names from now on. What they were called before leads to nobody yet: whoever is given it
        next is somebody else."""
        kept = [name for _, name in self._names(channel, now)]
        learnt = self.remember(db, channel, now, mark, at)
        for (name,) in db.execute("SELECT mark FROM known_as WHERE person = ?", [mark]).fetchall():
            if name not in kept:
                db.execute("UPDATE known_as SET person = ? WHERE mark = ?", [secrets.token_bytes(16), name])
        return learnt

    def forget(self, db: sqlite3.Connection, mark: bytes) -> None:
        """This person's names lead nowhere any more; least of all to somebody who was first known by one of them."""
        db.execute(_STILL_ANOTHERS, [mark])
        db.execute("DELETE FROM known_as WHERE person = ?", [mark])

    def _new(self, db: sqlite3.Connection, name: bytes) -> bytes:
        """A name nobody has keeps itself as mark, but where somebody was known by it before, who may still be here."""
        taken = db.execute("SELECT 1 FROM known_as WHERE person = ? LIMIT 1", [name]).fetchone()
        known = self._person(db, name)
        if taken is None and known is None:
            return name
        return self._seal.mark(f"again|{name.hex()}|{known.hex() if known else ''}")

    def _names(self, channel: ChannelName, person: Person) -> Iterator[tuple[str, bytes]]:
        if person.user:
            yield USER, self._seal.mark(f"user|{channel}|{person.user}")
        if person.number:
            yield NUMBER, self._seal.mark(f"number|{channel}|{person.number}")

    def _person(self, db: sqlite3.Connection, name: bytes, at: datetime | None = None) -> bytes | None:
        """Whom a name leads to; with a time, only where it was shown by them about then."""
        shown = [to_ms(at + OUT_OF_ORDER), to_ms(at - NUMBER_LEADS_FOR)] if at else [FOR_EVER, 0]
        row = db.execute(_PERSON, [name, *shown]).fetchone()
        return row[0] if row else None

    def _has_user(self, db: sqlite3.Connection, mark: bytes) -> bool:
        row = db.execute("SELECT 1 FROM known_as WHERE person = ? AND kind = 'user'", [mark]).fetchone()
        return row is not None


FOR_EVER = 2**62
_PERSON = "SELECT person FROM known_as WHERE mark = ? AND first_at <= ? AND last_at >= ?"
_WHOSE = "SELECT person, first_at FROM known_as WHERE mark = ?"
_SHOWN_UNTIL = "SELECT person FROM known_as WHERE mark = ? AND last_at <= ?"
_RETIRE_NUMBERS = "UPDATE known_as SET person = randomblob(16) WHERE person = ? AND kind = 'number' AND mark <> ?"
_STILL_ANOTHERS = """
UPDATE known_as SET person = randomblob(16)
 WHERE person = ? AND EXISTS (SELECT 1 FROM conversation WHERE conversation.mark = known_as.mark)"""
_REMEMBER = """
INSERT INTO known_as (mark, person, kind, first_at, last_at) VALUES (:name, :mark, :kind, :at, :at)
    ON CONFLICT (mark) DO UPDATE SET
        first_at = iif(person = excluded.person, min(first_at, excluded.first_at), excluded.first_at),
        last_at = iif(person = excluded.person, max(last_at, excluded.last_at), excluded.last_at),
        person = excluded.person"""


def _said(person: Person) -> list[str]:
    return [name for name in (person.user, person.number) if name]
