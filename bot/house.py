"""What channels ask of the house, answered: the one object a channel holds."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from bot.bell import Bell
from bot.channels.contract import BLOCKED, PULLED, Answer, Line, Receipt, State, Taken
from bot.domain import Address, ChannelName, ConversationId, Person, Reply, Turn
from bot.engine.record import Record, record_of
from bot.engine.render import Rendered, render
from bot.library.model import Library
from bot.outbox import Outbox, Waiting
from bot.receipts import Receipts
from bot.returning import code_in
from bot.shelf import Kept, Shelf
from bot.speech import Speech
from bot.store import Spoken, Store, Stored
from bot.turns import Turns
from handoff import desk
from handoff.domain import Author, DeliveryState, MessageId, Speaker
from handoff.ledger import Ledger
from handoff.queue import Queue
from handoff.typing import Typing

STANDING_COMMANDS = (
    "danger_now",
    "talk_to_person",
    "back",
    "change_answer",
    "why",
    "restart",
    "record",
    "switch_language",
    "stop",
)
"""In the order they are shown; those the library does not have are left out."""


class Rooms:
    """Implements bot.channels.contract.House."""

    def __init__(
        self,
        ledger: Ledger,
        shelf: Shelf,
        turns: Turns,
        queue: Queue,
        bell: Bell,
        receipts: Receipts,
        now: Callable[[], datetime],
        typing: Typing | None = None,
    ) -> None:
        self._ledger = ledger
        self._typing = Typing() if typing is None else typing
        self._shelf = shelf
        self._turns = turns
        self._queue = queue
        self._bell = bell
        self._receipts = receipts
        self._now = now
        self._store = Store(ledger.seal)
        self._outbox = Outbox(ledger.seal)
        self._speech = Speech(shelf, queue)

    # --- taking turns in ---------------------------------------------------------------------------------------------

    async def take(self, turn: Turn) -> Taken:
        handled = await self._turns.handle(turn)
        return Taken(handled.kept, handled.old_button)

    async def answer(self, turn: Turn) -> Answer:
        left = self._here(turn.channel, turn.address) if code_in(turn) else None
        handled = await self._turns.handle(turn)
        if left is not None and left.id != handled.conversation:
            self._bell.ring(left.id)  # an open page is in another conversation now
        self._typing.stop(handled.conversation, Author.ENQUIRER)
        db = self._ledger.reader()
        waiting = {row.seq: row for row in self._outbox.unfetched(db, handled.conversation)}
        if handled.replies:
            said = self._outbox.of_conversation(db, handled.conversation, after=min(handled.replies) - 1)
            waiting |= {row.seq: row for row in said if row.seq in handled.replies}
        own = self._store.spoken(db, handled.conversation, after=handled.turn - 1)[:1]
        lines = await self._lines([waiting[seq] for seq in sorted(waiting)])
        return Answer(_own_line(own[0]) if own else None, tuple(lines))

    # --- what providers report ---------------------------------------------------------------------------------------

    async def follow(self, channel: ChannelName, before: Person, now: Person, at: datetime) -> None:
        await self._ledger.write(lambda db: self._store.follow(db, channel, before, now, at))

    async def heard_back(self, channel: ChannelName, receipts: Sequence[Receipt]) -> None:
        if receipts:
            await self._ledger.write(lambda db: self._receipts.heard(db, channel, receipts, self._now()))

    async def lost(self, channel: ChannelName, address: Address, reason: str) -> None:
        here = self._here(channel, address)
        if here is not None:
            await self._ledger.write(lambda db: self._lost(db, here.id, reason))

    def _lost(self, db: sqlite3.Connection, here: ConversationId, reason: str) -> None:
        for message in self._outbox.lose(db, here, reason):
            self._queue.record_delivery(db, MessageId(message), DeliveryState.FAILED, self._now(), reason)
        self._queue.flag(db, here, f"enquirer_{reason}", self._now())

    async def regained(self, channel: ChannelName, address: Address) -> None:
        here = self._here(channel, address)
        if here is not None:
            await self._ledger.write(lambda db: self._regained(db, here.id))

    def _regained(self, db: sqlite3.Connection, here: ConversationId) -> None:
        """While an adviser speaks the bot does not repeat itself."""
        if self._queue.voice(db, here).speaker is Speaker.BOT:
            self._outbox.regain(db, here, BLOCKED)
        self._queue.flag(db, here, "enquirer_back", self._now())

    # --- reading -----------------------------------------------------------------------------------------------------

    async def since(self, channel: ChannelName, address: Address, after: int) -> list[Line]:
        here = self._here(channel, address)
        if here is None:
            return []
        db = self._ledger.reader()
        past = self._store.came_back(db, here.id)[1]
        return await self._lines(self._outbox.of_conversation(db, here.id, max(after, past)))

    async def history(self, channel: ChannelName, address: Address) -> list[Line]:
        here = self._here(channel, address)
        if here is None:
            return []
        db = self._ledger.reader()
        past = self._store.came_back(db, here.id)[0]
        own = [line for spoken in self._store.spoken(db, here.id, after=past) if (line := _own_line(spoken))]
        said = await self.since(channel, address, 0)
        return sorted([*own, *said], key=lambda line: line.at)  # stable: what was said first at one moment is theirs

    def knows(self, channel: ChannelName, address: Address) -> bool:
        db = self._ledger.reader()
        return self._store.knows(db, self._store.mark_at(db, channel, address, self._now()))

    def state(self, channel: ChannelName, address: Address) -> State:
        here = self._here(channel, address)
        kept = self._kept(here)
        language = here.conversation.language if here else "en"
        return State(
            speaker=_speaker(here),
            reference=self._reference(here),
            commands=_commands(kept.library, language),
            ended=bool(here and here.conversation.ended),
            service=kept.library.service.get("name", ""),
            language=language,
        )

    def record(self, channel: ChannelName, address: Address) -> Record | None:
        here = self._here(channel, address)
        if here is None:
            return None
        library = self._kept(here).library
        return record_of(library, here.conversation, self._reference(here) or "", self._now())

    @contextmanager
    def listening(self, channel: ChannelName, address: Address) -> Iterator[asyncio.Event]:
        here = self._here(channel, address)
        if here is None:
            yield asyncio.Event()
            return
        with self._bell.listening(here.id) as ring, self._typing.listening(here.id, ring):
            yield ring

    def types(self, channel: ChannelName, address: Address) -> None:
        here = self._here(channel, address)
        if here is not None and here.speaker == "adviser":
            self._typing.tell(here.id, Author.ENQUIRER, self._now())

    def adviser_types(self, channel: ChannelName, address: Address) -> datetime | None:
        here = self._here(channel, address)
        if here is None or here.speaker != "adviser":
            return None
        return self._typing.until(here.id, Author.ADVISER, self._now())

    def interface(self, language: str) -> Mapping[str, str]:
        return self._shelf.live().strings(language)

    def apology(self) -> str:
        return self.words("utter_not_kept")

    def words(self, response: str, language: str = "en") -> str:
        library = self._shelf.live().library
        return render(library, Reply(response, language=language), ChannelName("web"), self._now().date()).text

    def commands(self, language: str = "en") -> tuple[tuple[str, str], ...]:
        return _commands(self._shelf.live().library, language, (*STANDING_COMMANDS, "help"))

    # --- inside ------------------------------------------------------------------------------------------------------

    def _here(self, channel: ChannelName, address: Address) -> Stored | None:
        db = self._ledger.reader()
        return self._store.latest(db, self._store.mark_at(db, channel, address, self._now()))

    def _kept(self, here: Stored | None) -> Kept:
        return self._shelf.pinned(here.conversation.library) if here else self._shelf.live()

    def _reference(self, here: Stored | None) -> str | None:
        return desk.reference_of(self._ledger.reader(), here.id) if here else None

    async def _lines(self, rows: list[Waiting]) -> list[Line]:
        db = self._ledger.reader()
        now = self._now()
        lines = [Line(row.seq, _author(row), self._speech.rendered(db, row, now), row.at) for row in rows]
        fetched = [row for row in rows if row.state == "queued" and row.channel in PULLED]
        if fetched:
            await self._ledger.write(lambda db: self._fetched(db, fetched, now))
        return lines

    def _fetched(self, db: sqlite3.Connection, rows: list[Waiting], now: datetime) -> None:
        """An adviser's message that the enquirer's side fetched counts as sent; another page may have been first."""
        for row in rows:
            if self._outbox.fetched(db, row.seq) and row.message is not None:
                self._queue.record_delivery(db, MessageId(row.message), DeliveryState.SENT, now)


def _own_line(spoken: Spoken) -> Line | None:
    return Line(None, "you", Rendered.of_plain_text(spoken.words), spoken.at) if spoken.words else None


def _author(row: Waiting) -> str:
    return "firstline" if row.message is None else "adviser"


def _speaker(here: Stored | None) -> str:
    if here is None or not here.conversation.with_people:
        return "bot"
    return "adviser" if here.speaker == "adviser" else "waiting"


def _commands(
    library: Library, language: str, intents: Sequence[str] = STANDING_COMMANDS
) -> tuple[tuple[str, str], ...]:
    found = [(intent, library.flows[library.by_intent[intent]]) for intent in intents if intent in library.by_intent]
    return tuple((intent, flow.names.get(language, flow.name)) for intent, flow in found)
