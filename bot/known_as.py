"""Who is who, where a provider names people in two ways that may each be missing or change (bot.domain.Person).

A person keeps one mark, the first they were known by; every other name leads to it. Names are kept as keyed hashes.
Nobody may ever be taken for another: a telephone number is given to other people in time, so it counts for less than
the provider's own id, for a while only, and no longer once its owner has shown another.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.domain import ChannelName, Person
from handoff.moments import to_ms
from handoff.seal import Seal

USER, NUMBER = "user", "number"
MAX_MS = 2**62
OUT_OF_ORDER = timedelta(days=1)
"""So much older than the last may a message be and still come from whoever has the number now."""
NUMBER_LEADS_FOR = timedelta(days=45)
"""How long after it was last shown a number alone leads to a person: a choice on the safe side, because nobody tells us
when a number is given to somebody else."""


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
        around = (at - NUMBER_LEADS_FOR, at + OUT_OF_ORDER)
        by_number = self._person(db, names[NUMBER], *around) if NUMBER in names else None
        if by_number and not (USER in names and self._has_user(db, by_number)):
            return by_number
        return self._new(db, names.get(USER) or names[NUMBER])

    def remember(
        self, db: sqlite3.Connection, channel: ChannelName, person: Person, mark: bytes, at: datetime
    ) -> list[bytes]:
        """All names lead to this mark from now on. Returns the marks of those whose names they were.

        A number they had before is theirs no more.
        """
        others = []
        for kind, name in self._names(channel, person):
            before = self._person(db, name)
            db.execute(_REMEMBER, [name, mark, kind, to_ms(at)])
            others += [before] if before and before != mark else []
            if kind == NUMBER:
                db.execute(_RETIRE_NUMBERS, [mark, name])
        return others

    def changed(self, db: sqlite3.Connection, channel: ChannelName, before: Person, at: datetime) -> bytes | None:
        """Whose names changed then. None where that is not certain: by a number alone it is only while nobody has shown
        it since."""
        names = dict(self._names(channel, before))
        if USER in names:
            return self._person(db, names[USER])
        return self._person(db, names[NUMBER], until=at) if NUMBER in names else None

    def rename(
        self, db: sqlite3.Connection, channel: ChannelName, mark: bytes, now: Person, at: datetime
    ) -> list[bytes]:
        """These are all their names from now on. Returns the marks of those whose names they were.

        What they were called before leads to nobody yet: whoever is given it next is somebody else.
        """
        kept = [name for _, name in self._names(channel, now)]
        others = self.remember(db, channel, now, mark, at)
        for (name,) in db.execute("SELECT mark FROM known_as WHERE person = ?", [mark]).fetchall():
            if name not in kept:
                db.execute("UPDATE known_as SET person = ? WHERE mark = ?", [secrets.token_bytes(16), name])
        return others

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

    def _person(
        self, db: sqlite3.Connection, name: bytes, since: datetime | None = None, until: datetime | None = None
    ) -> bytes | None:
        """Whom a name leads to, where it was last shown in that time."""
        times = [to_ms(since) if since else 0, to_ms(until) if until else MAX_MS]
        row = db.execute(_PERSON, [name, *times]).fetchone()
        return row[0] if row else None

    def _has_user(self, db: sqlite3.Connection, mark: bytes) -> bool:
        row = db.execute("SELECT 1 FROM known_as WHERE person = ? AND kind = 'user'", [mark]).fetchone()
        return row is not None


_PERSON = "SELECT person FROM known_as WHERE mark = ? AND since BETWEEN ? AND ?"
_RETIRE_NUMBERS = "UPDATE known_as SET person = randomblob(16) WHERE person = ? AND kind = 'number' AND mark <> ?"
_STILL_ANOTHERS = """
UPDATE known_as SET person = randomblob(16) WHERE person = ? AND mark IN (SELECT mark FROM conversation)"""
_REMEMBER = """
INSERT INTO known_as (mark, person, kind, since) VALUES (?, ?, ?, ?)
    ON CONFLICT (mark) DO UPDATE SET person = excluded.person, since = max(since, excluded.since)"""
