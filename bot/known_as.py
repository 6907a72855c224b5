"""Who is who, where a provider names people in two ways that may each be missing or change (bot.domain.Person).

A person keeps one mark, the first they were known by; every other name leads to it. Names are kept as keyed hashes.
"""

import secrets
import sqlite3
from collections.abc import Iterator

from bot.domain import ChannelName, Person
from handoff.seal import Seal

USER, NUMBER = "user", "number"


class KnownAs:
    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def mark(self, db: sqlite3.Connection, channel: ChannelName, person: Person) -> bytes:
        """By the provider's own id first. A number leads on only while nobody else has come with an id and that number:
        numbers are given to other people in time."""
        names = dict(self._names(channel, person))
        known = {kind: self._person(db, name) for kind, name in names.items()}
        if known.get(USER):
            return known[USER] or b""
        by_number = known.get(NUMBER)
        if by_number and not (USER in names and self._has_user(db, by_number)):
            return by_number
        return names.get(USER) or names[NUMBER]

    def remember(self, db: sqlite3.Connection, channel: ChannelName, person: Person, mark: bytes) -> list[bytes]:
        """All names lead to this mark from now on. Returns the marks of those whose names they were."""
        others = []
        for kind, name in self._names(channel, person):
            before = self._person(db, name)
            if before != mark:
                db.execute(_REMEMBER, [name, mark, kind])
                others += [before] if before else []
        return others

    def follow(self, db: sqlite3.Connection, channel: ChannelName, before: Person, now: Person) -> list[bytes]:
        """A name changed: the new one leads where the old one led. Returns the marks of those whose names they were.

        The old one leads to nobody yet: whoever is given it next is somebody else.
        """
        mark = self.mark(db, channel, before)
        others = self.remember(db, channel, now, mark)
        kept = {name for _, name in self._names(channel, now)}
        for kind, name in self._names(channel, before):
            if name not in kept and self._person(db, name) in (mark, None):
                db.execute(_REMEMBER, [name, secrets.token_bytes(len(mark)), kind])
        return others

    def forget(self, db: sqlite3.Connection, mark: bytes) -> None:
        """This person's names lead nowhere any more; least of all to somebody who was first known by one of them."""
        db.execute(_STILL_ANOTHERS, [mark])
        db.execute("DELETE FROM known_as WHERE person = ?", [mark])

    def _names(self, channel: ChannelName, person: Person) -> Iterator[tuple[str, bytes]]:
        if person.user:
            yield USER, self._seal.mark(f"user|{channel}|{person.user}")
        if person.number:
            yield NUMBER, self._seal.mark(f"number|{channel}|{person.number}")

    def _person(self, db: sqlite3.Connection, name: bytes) -> bytes | None:
        row = db.execute("SELECT person FROM known_as WHERE mark = ?", [name]).fetchone()
        return row[0] if row else None

    def _has_user(self, db: sqlite3.Connection, mark: bytes) -> bool:
        row = db.execute("SELECT 1 FROM known_as WHERE person = ? AND kind = 'user'", [mark]).fetchone()
        return row is not None


_STILL_ANOTHERS = """
UPDATE known_as SET person = randomblob(16) WHERE person = ? AND mark IN (SELECT mark FROM conversation)"""
_REMEMBER = """
INSERT INTO known_as (mark, person, kind) VALUES (?, ?, ?)
    ON CONFLICT (mark) DO UPDATE SET person = excluded.person"""
