"""Conversations and turns as rows: read before thinking, written once after."""

import sqlite3
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import msgspec

from bot.channels.contract import NAMED
from bot.domain import (
    Address,
    ChannelName,
    CodeTyped,
    Conversation,
    ConversationId,
    Heard,
    MediaRefused,
    Opened,
    Person,
    Pressed,
    Said,
    Turn,
)
from bot.errors import ConversationMoved
from bot.known_as import KnownAs, Learnt
from handoff import reach
from handoff.moments import from_ms, to_ms
from handoff.seal import Seal

# `conversation` seals are not bound to a row number: the row gets its number from the insert that carries the seal.
REPEATED_FOR = timedelta(days=8)
"""Meta repeats what was not acknowledged for up to seven days, counted from the message; a scrub comes later still."""
RECENT_CONVERSATIONS = 250
"""How many opened states are kept in memory, so that a lively conversation is not unsealed at every turn."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Conversation).decode


@dataclass(frozen=True, slots=True)
class Stored:
    """A conversation as it was read; `version` must still be the same when it is written."""

    id: ConversationId
    version: int
    conversation: Conversation
    speaker: str
    """'bot' or 'adviser'."""
    epoch: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """One thing an enquirer said, read back for a transcript; `words` None once they are forgotten."""

    number: int
    kind: str
    at: datetime
    words: str | None


class Store:
    """The bot's own tables; each method takes the connection it works on."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._known_as = KnownAs(seal)
        self._recent: OrderedDict[ConversationId, tuple[int, Conversation]] = OrderedDict()

    def mark(self, channel: ChannelName, address: Address) -> bytes:
        return self._seal.mark(f"address|{channel}|{address}")

    def mark_of(self, db: sqlite3.Connection, turn: Turn) -> bytes:
        """What finds the conversation of whoever said this."""
        if turn.person is None:
            return self.mark(turn.channel, turn.address)
        return self._known_as.mark(db, turn.channel, turn.person, _sent_at(turn))

    def mark_at(self, db: sqlite3.Connection, channel: ChannelName, address: Address, now: datetime) -> bytes:
        """What finds the conversation at an address, where the provider's names for a person may have changed."""
        if channel not in NAMED:
            return self.mark(channel, address)
        return self._known_as.mark(db, channel, Person.of(address), now)

    def external(self, turn: Turn) -> bytes:
        """A person's address may change between two copies of a turn; their provider's ids are good by themselves."""
        address = "" if turn.person else turn.address
        return self._seal.mark(f"turn|{turn.channel}|{address}|{turn.external_id}")

    def turn_already_taken(self, db: sqlite3.Connection, external: bytes) -> tuple[ConversationId, int] | None:
        """The conversation and turn of an earlier copy, if there was one."""
        row = db.execute("SELECT conversation, number FROM turn WHERE external = ?", [external]).fetchone()
        return (ConversationId(row[0]), row[1]) if row else None

    def find(self, db: sqlite3.Connection, mark: bytes) -> Stored | None:
        """The live conversation at an address."""
        return self._stored(db, db.execute(_FIND + "mark = ? AND ended_at IS NULL", [mark]).fetchone())

    def latest(self, db: sqlite3.Connection, mark: bytes) -> Stored | None:
        """The newest conversation at an address, even one that has ended: what an open page still shows."""
        return self._stored(db, db.execute(_FIND + _LATEST, [mark]).fetchone())

    def knows(self, db: sqlite3.Connection, mark: bytes) -> bool:
        return db.execute("SELECT 1 FROM conversation WHERE mark = ? LIMIT 1", [mark]).fetchone() is not None

    def get(self, db: sqlite3.Connection, conversation: ConversationId) -> Stored | None:
        return self._stored(db, db.execute(_FIND + "c.id = ?", [conversation]).fetchone())

    def _stored(self, db: sqlite3.Connection, row: sqlite3.Row | None) -> Stored | None:
        if row is None:
            return None
        conversation, version = ConversationId(row[0]), row[1]
        return Stored(conversation, version, self._state_of(db, conversation, version), row[2] or "bot", row[3] or 0)

    def _state_of(self, db: sqlite3.Connection, conversation: ConversationId, version: int) -> Conversation:
        """Opened once for each version; the version that was just read says whether that is still the one."""
        recent = self._recent.get(conversation)
        if recent and recent[0] == version:
            return recent[1]
        row = db.execute("SELECT version, state FROM conversation WHERE id = ?", [conversation]).fetchone()
        state = _decode(self._seal.open_bytes(row[1], "conversation"))
        self.remember(conversation, row[0], state)
        return state

    def remember(self, conversation: ConversationId, version: int, state: Conversation) -> None:
        """To be called only once this version is on disk: until then the same number may come to mean another state."""
        self._recent[conversation] = (version, state)
        self._recent.move_to_end(conversation)
        if len(self._recent) > RECENT_CONVERSATIONS:
            self._recent.popitem(last=False)

    def address(self, db: sqlite3.Connection, conversation: ConversationId) -> tuple[ChannelName, Address]:
        row = db.execute("SELECT channel, address FROM conversation WHERE id = ?", [conversation]).fetchone()
        return ChannelName(row[0]), Address(self._seal.open(row[1], "address"))

    def last_heard(self, db: sqlite3.Connection, conversation: ConversationId) -> datetime | None:
        """When something was last said there; None once it has ended, or there never was such a conversation."""
        row = db.execute(_LAST_HEARD, [conversation]).fetchone()
        return None if row is None else from_ms(row[0])

    def kept_address(self, db: sqlite3.Connection, conversation: ConversationId) -> tuple[ChannelName, Address] | None:
        """None once it was forgotten, or there never was such a conversation."""
        row = db.execute(_HAS_ADDRESS, [conversation]).fetchone()
        return None if row is None else self.address(db, conversation)

    def from_same_address(self, db: sqlite3.Connection, conversation: ConversationId) -> list[ConversationId]:
        """Other conversations of whoever this is, as far as their names and this file know; oldest first."""
        return [ConversationId(row[0]) for row in db.execute(_SAME_ADDRESS, [conversation])]

    def start(
        self, db: sqlite3.Connection, turn: Turn, mark: bytes, conversation: Conversation, now: datetime
    ) -> Stored:
        """Raises: ConversationMoved when another turn of this address started one first."""
        row = [turn.channel, mark, self._seal.seal(turn.address, "address"), *self._state(conversation, now)]
        try:
            cursor = db.execute(_START, [*row, to_ms(now)])
        except sqlite3.IntegrityError as error:
            raise ConversationMoved() from error
        return Stored(ConversationId(cursor.lastrowid or 0), 1, conversation, "bot", 0)

    def take_place(self, db: sqlite3.Connection, here: ConversationId, turn: Turn, mark: bytes) -> None:
        """A conversation is at the turn's address from now on. One that was begun there ends, and is found no more.
        The names of whoever has nothing left at the old address lead nowhere any more."""
        left = db.execute("SELECT mark FROM conversation WHERE id = ?", [here]).fetchone()[0]
        db.execute(_MAKE_ROOM, [to_ms(turn.heard.at), mark])
        address = self._seal.seal(turn.address, "address")
        db.execute(_MOVE_TO, [turn.channel, mark, address, here])
        if not self.knows(db, left):
            self._known_as.forget(db, left)

    def came_back(self, db: sqlite3.Connection, here: ConversationId) -> tuple[int, int]:
        """The last turn and the last outbox number before an enquirer came back by a code: what is past, and is not
        repeated. (0, 0) where they never did."""
        row = db.execute("SELECT turn, seq FROM came_back WHERE conversation = ?", [here]).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def know(self, db: sqlite3.Connection, turn: Turn, mark: bytes, here: ConversationId) -> None:
        """What a turn says of who they are: their other name, a new address, who sent them.

        Raises: ConversationMoved when they turn out to be somebody else than was thought.
        """
        if turn.person is not None:
            if self.mark_of(db, turn) != mark:
                raise ConversationMoved()
            learnt = self._known_as.remember(db, turn.channel, turn.person, mark, _sent_at(turn))
            self._take_number(db, learnt)
            before = Person.of(self.address(db, here)[1])
            number = None if before.number == turn.person.number else before.number
            self._readdress(db, here, learnt.person.with_names_of(Person(before.user, number)))
        if isinstance(turn.heard, Opened) and turn.heard.referrer:
            db.execute("UPDATE conversation SET referrer = ? WHERE id = ?", [turn.heard.referrer, here])
            db.execute(_REFERRED, [turn.heard.at.date().isoformat(), turn.channel, turn.heard.referrer])

    def follow(self, db: sqlite3.Connection, channel: ChannelName, before: Person, now: Person, at: datetime) -> None:
        """A person's names changed then: their conversation goes with them, and is written to by the new ones alone.

        Told again, or told of somebody who has already written under the new name, it changes nothing.
        """
        mark = self._known_as.changed(db, channel, before, at)
        here = self._newest(db, mark) if mark else None
        if mark and here and not self._known_as.is_anothers(db, channel, now, mark, at):
            learnt = self._known_as.rename(db, channel, mark, now, at)
            self._take_number(db, learnt)
            self._readdress(db, here, learnt.person)

    def _newest(self, db: sqlite3.Connection, mark: bytes) -> ConversationId | None:
        row = db.execute("SELECT max(id) FROM conversation WHERE mark = ?", [mark]).fetchone()
        return ConversationId(row[0]) if row[0] else None

    def _take_number(self, db: sqlite3.Connection, learnt: Learnt) -> None:
        """Whose number this was is written to by their other name from now on, or not at all: the telephone is somebody
        else's."""
        for other in learnt.others:
            for (here,) in db.execute("SELECT id FROM conversation WHERE mark = ?", [other]).fetchall():
                theirs = Person.of(self.address(db, here)[1])
                if theirs.number == learnt.person.number:
                    self._readdress(db, here, Person(theirs.user, None))

    def _readdress(self, db: sqlite3.Connection, here: ConversationId, person: Person) -> None:
        if self.address(db, here)[1] != person.address:
            address = self._seal.seal(person.address, "address")
            db.execute("UPDATE conversation SET address = ? WHERE id = ?", [address, here])

    def save(self, db: sqlite3.Connection, before: Stored, conversation: Conversation, now: datetime) -> None:
        """Raises: ConversationMoved when it is no longer the version that was read, or the word has passed to or from
        an adviser since (a new epoch)."""
        saved = db.execute(_SAVE, [*self._state(conversation, now), before.id, before.version, before.epoch])
        if saved.rowcount != 1:
            raise ConversationMoved()

    def put_aside(self, db: sqlite3.Connection, before: Stored, conversation: Conversation) -> None:
        """Saves a state that was emptied of words, without a turn: when it was last spoken in stays as it was.

        Raises: ConversationMoved.
        """
        state = self._seal.seal_bytes(_encode(conversation), "conversation")
        if db.execute(_PUT_ASIDE, [state, before.id, before.version]).rowcount != 1:
            raise ConversationMoved()
        self._recent.pop(before.id, None)

    def _state(self, conversation: Conversation, now: datetime) -> list[object]:
        ended = to_ms(now) if conversation.ended else None
        return [conversation.library, self._seal.seal_bytes(_encode(conversation), "conversation"), to_ms(now), ended]

    def add_turn(
        self,
        db: sqlite3.Connection,
        here: ConversationId,
        number: int,
        external: bytes,
        heard: Heard,
        words: str | None,
    ) -> None:
        """Raises: sqlite3.IntegrityError when this turn was taken before (turn_is_taken_once)."""
        sealed = self._seal.seal(words, "turn") if words else None
        db.execute(_ADD_TURN, [here, number, external, kind_of(heard), to_ms(heard.at), sealed])

    def spoken(self, db: sqlite3.Connection, conversation: ConversationId, after: int = 0) -> list[Spoken]:
        """What the enquirer said, in order, from the turn after `after` on."""
        rows = db.execute(_SPOKEN, [conversation, after])
        open_words = partial(self._seal.open, about="turn")
        return [Spoken(row[0], row[1], from_ms(row[2]), open_words(row[3]) if row[3] else None) for row in rows]

    def forget_words(self, db: sqlite3.Connection, conversation: ConversationId, now: datetime) -> None:
        """What was typed is gone from this file; that a turn was taken, and when, remains."""
        db.execute("PRAGMA secure_delete = ON")
        db.execute("UPDATE turn SET words = NULL WHERE conversation = ?", [conversation])
        db.execute("UPDATE conversation SET words_gone_at = ? WHERE id = ?", [to_ms(now), conversation])
        db.execute("PRAGMA secure_delete = FAST")

    def forget_code(self, db: sqlite3.Connection, conversation: ConversationId) -> None:
        """The conversation's return code, if it had one, leads nowhere any more."""
        db.execute("DELETE FROM return_code WHERE conversation = ?", [conversation])

    def idle_with_words(self, db: sqlite3.Connection, before: datetime, limit: int = 200) -> list[ConversationId]:
        """Conversations without an open case whose last turn is older than `before` and whose words are still kept."""
        return [ConversationId(row[0]) for row in db.execute(_IDLE, [to_ms(before), limit])]

    def any_ended(self, db: sqlite3.Connection, before: datetime) -> bool:
        return db.execute("SELECT 1 " + _ENDED, [to_ms(before)]).fetchone() is not None

    def scrub_ended(self, db: sqlite3.Connection, before: datetime, limit: int = -1) -> list[int]:
        """Of conversations that ended before then, and have no open case, nothing is left but that they were. Returns
        the advisers' messages (handoff ids) that still waited, and will not be delivered now.

        That their turns were taken is known for as long as a provider may repeat them (REPEATED_FOR).
        """
        ended = db.execute(f"SELECT id, mark {_ENDED} LIMIT ?", [to_ms(before), limit]).fetchall()
        return [message for row in ended for message in self._scrub(db, ConversationId(row[0]), row[1], before)]

    def scrub(self, db: sqlite3.Connection, here: ConversationId, now: datetime) -> list[int]:
        """The same for one conversation, which ends now if it has not ended. Nothing happens where it was done."""
        row = db.execute("SELECT mark FROM conversation WHERE id = ? AND length(address) > 0", [here]).fetchone()
        if row is None:
            return []
        db.execute("UPDATE conversation SET ended_at = coalesce(ended_at, ?) WHERE id = ?", [to_ms(now), here])
        return self._scrub(db, here, row[0], now)

    def _scrub(self, db: sqlite3.Connection, here: ConversationId, mark: bytes, since: datetime) -> list[int]:
        db.execute("PRAGMA secure_delete = ON")
        db.execute("UPDATE turn SET words = NULL WHERE conversation = ?", [here])
        db.execute("INSERT OR IGNORE INTO taken_until VALUES (?, ?)", [here, to_ms(since + REPEATED_FOR)])
        waiting = [row[0] for row in db.execute(_STILL_WAITING, [here]) if row[0] is not None]
        db.execute(_SCRUB_REPLIES, [here])
        db.execute(_SCRUB, [here])
        reach.forget_window(db, here)
        db.execute("DELETE FROM return_code WHERE conversation = ?", [here])
        db.execute("DELETE FROM came_back WHERE conversation = ?", [here])
        if not self.knows(db, mark):
            self._known_as.forget(db, mark)
        db.execute("PRAGMA secure_delete = FAST")
        self._recent.pop(here, None)
        return waiting

    def count_ended(self, db: sqlite3.Connection, before: datetime) -> int:
        """How many conversations ended before then and are not yet emptied."""
        return int(db.execute("SELECT count(*) " + _ENDED, [to_ms(before)]).fetchone()[0])

    def count_with_words(self, db: sqlite3.Connection, before: datetime) -> int:
        """How many conversations without an open case have words, and nothing was said in them since then."""
        return int(db.execute("SELECT count(*) " + _WITH_WORDS, [to_ms(before)]).fetchone()[0])

    def forget_taken(self, db: sqlite3.Connection, now: datetime, limit: int = -1) -> bool:
        """Turns nobody will repeat any more, of conversations that were scrubbed. True while there may be more."""
        found = db.execute(_NOT_REPEATED, [to_ms(now), limit]).fetchall()
        for (conversation,) in found:
            db.execute("DELETE FROM turn WHERE conversation = ?", [conversation])
            db.execute("DELETE FROM taken_until WHERE conversation = ?", [conversation])
        return len(found) == limit

    def any_idle(self, db: sqlite3.Connection, before: datetime) -> bool:
        return db.execute("SELECT 1 " + _ABANDONED, [to_ms(before)]).fetchone() is not None

    def end_idle(self, db: sqlite3.Connection, before: datetime, now: datetime) -> None:
        """Ends conversations whose last turn is older than `before`; one whose case is still open stays."""
        db.execute(
            f"UPDATE conversation SET ended_at = ? WHERE id IN (SELECT id {_ABANDONED})", [to_ms(now), to_ms(before)]
        )


def _sent_at(turn: Turn) -> datetime:
    return min(turn.sent_at or turn.heard.at, turn.heard.at)


def kind_of(heard: Heard) -> str:
    match heard:
        case Said():
            return "said"
        case Pressed():
            return "pressed"
        case Opened():
            return "opened"
        case MediaRefused(kind):
            return f"refused_{kind}"
        case CodeTyped():
            return "code"
        case _:
            return "noticed"


_FIND = """
SELECT c.id, c.version, voice.speaker, voice.epoch
  FROM conversation c LEFT JOIN voice ON voice.conversation = c.id WHERE """
_LAST_HEARD = "SELECT last_turn_at FROM conversation WHERE id = ? AND ended_at IS NULL"
_HAS_ADDRESS = "SELECT 1 FROM conversation WHERE id = ? AND length(address) > 0"
_SAME_ADDRESS = """
SELECT other.id FROM conversation c JOIN conversation other ON other.mark = c.mark AND other.id <> c.id
 WHERE c.id = ? ORDER BY other.id"""
_LATEST = "mark = ? ORDER BY c.ended_at IS NULL DESC, c.id DESC LIMIT 1"
_NOT_REPEATED = "SELECT conversation FROM taken_until WHERE until < ? LIMIT ?"
_REFERRED = """
INSERT INTO referral (day, channel, code, times) VALUES (?, ?, ?, 1)
    ON CONFLICT (day, channel, code) DO UPDATE SET times = times + 1"""
_START = """
INSERT INTO conversation (channel, mark, address, version, library, state, last_turn_at, ended_at, started_at)
VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?)"""
_SAVE = """
UPDATE conversation SET library = ?, state = ?, last_turn_at = ?, ended_at = ?, words_gone_at = NULL,
       version = version + 1
 WHERE id = ? AND version = ?
   AND coalesce((SELECT v.epoch FROM voice v WHERE v.conversation = conversation.id), 0) = ?"""
_MAKE_ROOM = """
UPDATE conversation SET ended_at = ?, mark = randomblob(16) WHERE mark = ? AND ended_at IS NULL"""
_MOVE_TO = "UPDATE conversation SET channel = ?, mark = ?, address = ?, heard_at = NULL WHERE id = ?"
_PUT_ASIDE = "UPDATE conversation SET state = ?, version = version + 1 WHERE id = ? AND version = ?"
_ADD_TURN = "INSERT INTO turn (conversation, number, external, kind, at, words) VALUES (?, ?, ?, ?, ?, ?)"
_SPOKEN = "SELECT number, kind, at, words FROM turn WHERE conversation = ? AND number > ? ORDER BY number"
_NO_OPEN_CASE = """NOT EXISTS (
    SELECT 1 FROM queue_item q WHERE q.conversation = conversation.id AND q.state NOT IN ('done', 'abandoned'))"""
_WITH_WORDS = f"""
  FROM conversation WHERE words_gone_at IS NULL AND last_turn_at < ? AND {_NO_OPEN_CASE}"""
_IDLE = f"SELECT id {_WITH_WORDS} ORDER BY last_turn_at LIMIT ?"
_ABANDONED = f"""
  FROM conversation WHERE ended_at IS NULL AND last_turn_at < ? AND {_NO_OPEN_CASE}"""
_ENDED = f"""
  FROM conversation WHERE ended_at IS NOT NULL AND ended_at < ? AND length(address) > 0 AND {_NO_OPEN_CASE}"""
_STILL_WAITING = "SELECT message FROM outbox WHERE conversation = ? AND state IN ('queued', 'sending')"
_SCRUB_REPLIES = """
UPDATE outbox SET body = NULL, reason = CASE WHEN state IN ('queued', 'sending') THEN 'forgotten' ELSE reason END,
       state = CASE WHEN state IN ('queued', 'sending') THEN 'failed' ELSE state END
 WHERE conversation = ?"""
_SCRUB = """
UPDATE conversation SET address = x'', state = x'', mark = randomblob(16), referrer = NULL, heard_at = NULL
 WHERE id = ?"""
