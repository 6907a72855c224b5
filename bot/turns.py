"""Taking a Turn in: read, think, write once. Nothing is answered before what it says is on disk."""

import asyncio
import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import takewhile
from weakref import WeakValueDictionary

from bot import contacts
from bot.courtesy import TOO_FAST, Courtesy, is_late
from bot.domain import (
    CaseEnded,
    ChannelName,
    Conversation,
    ConversationId,
    Gate,
    HandOver,
    Heard,
    MediaRefused,
    Outcome,
    Reminder,
    Reply,
    Said,
    Turn,
)
from bot.errors import ConversationMoved, StateUnreadable
from bot.outbox import Delivery, Outbox
from bot.pack import pack_of
from bot.parting import KEPT, Parting
from bot.prospects import Prospects
from bot.reminding import Reminding
from bot.reply_window import ReplyWindow
from bot.returning import Returning
from bot.shelf import Shelf
from bot.store import Store, Stored
from bot.thinking import RunAction, Thinking, Thought, is_grave
from handoff.domain import DANGER_TIER, NewCase, OpenedCase
from handoff.errors import KeyMissing
from handoff.hours import Hours
from handoff.ledger import Ledger
from handoff.queue import Queue
from handoff.reminders import ReminderId
from handoff.takedowns import Takedowns
from handoff.waits import Waits

MAX_TRIES = 5
"""How often a turn is thought through again because another process moved the conversation meanwhile."""
CHILD_TIER = 1
DELETE_WITH_ADVISER = "utter_delete_with_adviser"
NOTICES = frozenset({"utter_masked", "utter_cut", TOO_FAST, "utter_code", "utter_deleted", KEPT, DELETE_WITH_ADVISER})
"""Said whoever speaks, beside the safety screens: what was taken out, cut off, or came too fast; that one is back; what
is deleted."""
ASKS_DELETE = "utter_ask_delete_sure"
ADDED = "utter_added_to_case"


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a turn: the outbox numbers of its replies, or those of its first copy."""

    conversation: ConversationId
    turn: int
    replies: tuple[int, ...]
    kept: str | None
    """What stays of it: masked words, or the title of the button pressed."""
    old_button: bool = False
    """What was pressed is no longer on offer."""


class Turns:
    """The one way in, for every channel. One turn at a time for each conversation; as many conversations as come."""

    def __init__(
        self,
        ledger: Ledger,
        shelf: Shelf,
        queue: Queue,
        run_action: RunAction,
        pulled: frozenset[ChannelName],
        reply_window: ReplyWindow,
        waits: Waits,
        hours: Hours,
    ) -> None:
        self._ledger = ledger
        self._shelf = shelf
        self._queue = queue
        self._pulled = pulled
        self._reply_window = reply_window
        self.store = Store(ledger.seal)
        self.outbox = Outbox(ledger.seal)
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._thinking = Thinking(ledger.reader, shelf, self.store, queue, run_action)
        self._courtesy = Courtesy(pulled)
        self._returning = Returning(ledger, self.store, queue, pulled)
        self._prospects = Prospects(waits, hours, self._returning.new_code)
        self._reminding = Reminding(Takedowns(ledger.seal, hours))
        self._parting = Parting(ledger.seal, self.store, self.outbox, queue, hours)

    async def handle(self, turn: Turn) -> Handled:
        """Raises: DiskFull, LedgerError when nothing could be kept; then nothing is answered either."""
        for number in range(MAX_TRIES):
            mark = self.store.mark_of(self._ledger.reader(), turn)
            async with self._locks.setdefault(mark, asyncio.Lock()):
                try:
                    return await self._once(turn, mark, copies_likely=number > 0)
                except ConversationMoved:
                    continue
        raise ConversationMoved()

    async def _once(self, turn: Turn, mark: bytes, *, copies_likely: bool) -> Handled:
        """That a turn is taken once is the database's to see (turn_is_taken_once); only when it refuses is an earlier
        copy looked for."""
        external = self.store.external(turn)
        db = self._ledger.reader()
        taken = self.store.turn_already_taken(db, external) if copies_likely else None
        if taken:
            return self._handled_before(db, *taken)
        turn = await self._returning.received(turn, mark)
        before = self._found(db, mark)
        with self._courtesy.towards(turn, mark) as towards:
            thought = await self._thinking.of(turn, mark, before, towards)
            if thought.forgets:
                thought = thought.going_on(self._has_live_case(db, before))
            handled = await self._ledger.write(lambda db: self._record(db, turn, mark, external, before, thought))
        self.store.remember(handled.conversation, handled.turn, thought.kept_state(before))
        return handled

    def _found(self, db: sqlite3.Connection, mark: bytes) -> Stored | None:
        """Raises: StateUnreadable. That one state is damaged does not mean that nothing can be kept."""
        try:
            return self.store.find(db, mark)
        except KeyMissing:
            raise StateUnreadable() from None

    def _handled_before(self, db: sqlite3.Connection, conversation: ConversationId, number: int) -> Handled:
        replies = tuple(row.seq for row in self.outbox.of_turn(db, conversation, number))
        own = self.store.spoken(db, conversation, after=number - 1)[:1]
        return Handled(conversation, number, replies, own[0].words if own else None)

    # --- writing -----------------------------------------------------------------------------------------------------

    def _record(
        self, db: sqlite3.Connection, turn: Turn, mark: bytes, external: bytes, before: Stored | None, thought: Thought
    ) -> Handled:
        """Everything the turn says, or nothing of it.

        Raises: ConversationMoved when somebody else spoke, took or left the word since it was thought.
        """
        now, outcome = thought.heard.at, thought.outcome
        is_return = before is not None or self.store.knows(db, mark)
        here = self._saved(db, turn, mark, before, thought.kept_state(before), now)
        number = before.version + 1 if before else 1
        try:
            self.store.add_turn(db, here.id, number, external, thought.heard, thought.words)
        except sqlite3.IntegrityError as error:
            raise ConversationMoved() from error  # a second copy won meanwhile: read again and answer as it did
        self.store.know(db, turn, mark, here.id)
        if self._reply_window.heard(db, turn.channel, here.id, min(now, turn.sent_at or now), now):
            self.outbox.release(db, here.id)
        opened = self._pass_on(db, turn.channel, here, thought)
        if before and before.speaker == "bot":
            self._reminding.note_answer(db, before.conversation, outcome, now)
        if is_late(turn):
            self._queue.flag(db, here.id, "late_message", now)
        if thought.leaves:
            self.store.forget_words(db, here.id, now)
            here = self._with_voice(db, here)  # leaving a case gives the bot its voice back
        replies = outcome.replies if here.speaker == "bot" else _notices(thought.heard, outcome.replies)
        delivery = Delivery.WITH_THE_ANSWER if turn.channel in self._pulled else Delivery.PUSHED
        library = self._shelf.pinned(outcome.conversation.library).library
        contacts.note(db, turn.channel, library, here.id, before, thought, is_return=is_return)
        replies = self._prospects.beside(db, here.id, library, opened, replies, now)
        if thought.forgets:
            replies += self._part(db, here.id, thought)
        said = self._say(db, here, number, replies, now, delivery)
        return Handled(here.id, number, tuple(said), thought.words, thought.is_of_old_button)

    def _has_live_case(self, db: sqlite3.Connection, before: Stored | None) -> bool:
        return before is not None and self._queue.live_case(db, before.id) is not None

    def _part(self, db: sqlite3.Connection, here: ConversationId, thought: Thought) -> tuple[Reply, ...]:
        """Raises: ConversationMoved when a case was opened or ended since it was thought."""
        after = thought.outcome.conversation
        if after.ended == (self._queue.live_case(db, here) is not None):
            raise ConversationMoved()
        return self._parting.begin(db, here, after.language, thought.heard.at)

    def _with_voice(self, db: sqlite3.Connection, here: Stored) -> Stored:
        voice = self._queue.voice(db, here.id)
        return replace(here, speaker=voice.speaker.value, epoch=voice.epoch)

    def _saved(
        self, db: sqlite3.Connection, turn: Turn, mark: bytes, before: Stored | None, after: Conversation, now: datetime
    ) -> Stored:
        if before is None:
            return self.store.start(db, turn, mark, after, now)
        self.store.save(db, before, after, now)
        return before

    def _say(
        self,
        db: sqlite3.Connection,
        here: Stored,
        number: int | None,
        replies: tuple[Reply, ...],
        now: datetime,
        delivery: Delivery,
    ) -> list[int]:
        notice = here.speaker == "adviser"
        try:
            return self.outbox.put(
                db, here.id, number, replies, now, epoch=here.epoch, delivery=delivery, notice=notice
            )
        except sqlite3.IntegrityError as error:
            raise ConversationMoved() from error  # an adviser took the word meanwhile

    def _pass_on(
        self, db: sqlite3.Connection, channel: ChannelName, here: Stored, thought: Thought
    ) -> OpenedCase | None:
        """What people must see: a new case, words for an open one, trouble, an enquirer who left.

        Returns the case that was opened.
        """
        now, outcome = thought.heard.at, thought.outcome
        hand_over = outcome.hand_over or thought.trouble
        case = self._case(db, channel, here, outcome, hand_over) if hand_over else None
        opened = self._queue.open_case(db, case, now) if case else None
        to_thread = opened.already_open if opened else outcome.to_people or here.speaker == "adviser"
        if thought.words and to_thread:  # the pack of a new case has them already
            self._hear(db, here, thought.words, now)
        self._flag(db, here, thought)
        if thought.leaves and not thought.forgets:
            self._queue.abandon(db, here.id, now)
        return opened

    def _flag(self, db: sqlite3.Connection, here: Stored, thought: Thought) -> None:
        """What people must know of a turn although its words say nothing of it, or are not kept."""
        if thought.passed_over:
            return
        if isinstance(thought.heard, Said) and thought.heard.beside:
            self._queue.flag(db, here.id, "refused_media", thought.heard.at)
        match thought.heard:
            case Said(gate=Gate.DANGER):
                self._queue.flag(db, here.id, "danger_words", thought.heard.at, tier=DANGER_TIER)
            case Said(gate=Gate.CHILD):
                self._queue.flag(db, here.id, "child_writing", thought.heard.at, tier=CHILD_TIER)
            case Said(edited=True):
                self._queue.flag(db, here.id, "edited_message", thought.heard.at)
            case MediaRefused():
                self._queue.flag(db, here.id, "refused_media", thought.heard.at)
            case _:
                pass

    def _hear(self, db: sqlite3.Connection, here: Stored, words: str, now: datetime) -> None:
        """Raises: ConversationMoved when the case ended meanwhile: it is thought again, and said."""
        if self._queue.hear(db, here.id, words, now) is None:
            raise ConversationMoved()

    def _case(
        self, db: sqlite3.Connection, channel: ChannelName, here: Stored, outcome: Outcome, hand_over: HandOver
    ) -> NewCase:
        said = [spoken.words for spoken in self.store.spoken(db, here.id) if spoken.kind == "said" and spoken.words]
        kept = self._shelf.pinned(outcome.conversation.library)
        return pack_of(kept.library, here.id, channel, outcome.conversation, hand_over, said)

    # --- what advisers did -------------------------------------------------------------------------------------------

    async def case_ended(self, conversation: ConversationId, ended: CaseEnded, cursor: int) -> None:
        """An adviser gave back or closed: the bot speaks again. `cursor` is the event's number, kept in the same
        write, so that it happens once."""
        for _ in range(MAX_TRIES):
            before = self.store.get(self._ledger.reader(), conversation)
            outcome = await self._after_case(before, ended)
            note = partial(self._note_ended, before, outcome, ended.at, cursor)
            try:
                return await self._ledger.write(note)
            except ConversationMoved:
                continue
        raise ConversationMoved()

    async def call_back_agreed(
        self, conversation: ConversationId, agreed_for: datetime, at: datetime, cursor: int
    ) -> None:
        """An adviser agreed to call back: the enquirer is told when, once. `cursor` as for `case_ended`."""
        before = self.store.get(self._ledger.reader(), conversation)
        note = partial(self._note_call_back, before, agreed_for, at, cursor)
        await self._ledger.write(note)

    def _note_call_back(
        self, before: Stored | None, agreed_for: datetime, now: datetime, cursor: int, db: sqlite3.Connection
    ) -> None:
        """Somebody who took the case up meanwhile says it themselves."""
        if not self._passes(db, cursor) or before is None:
            return
        here = self._with_voice(db, before)
        said = self._prospects.of_call_back(agreed_for, now, before.conversation.language)
        library = self._shelf.pinned(before.conversation.library).library
        if here.speaker == "bot" and said.response in library.responses:
            self._say(db, here, None, (said,), now, self._delivery_to(db, before.id))

    async def remind(self, before: Stored, reminder: ReminderId, heard: Reminder) -> bool:
        """It is time to ask about something: said, and noted as said, in one write. False where the library has no
        words for it.

        Raises: ConversationMoved when somebody spoke meanwhile; nothing was said then.
        """
        outcome = await self._thinking.unasked(before, heard)
        if not outcome.replies:
            return False
        await self._ledger.write(lambda db: self._note_reminded(db, before, outcome, reminder, heard.at))
        return True

    def _note_reminded(
        self, db: sqlite3.Connection, before: Stored, outcome: Outcome, reminder: ReminderId, now: datetime
    ) -> None:
        """Raises: ConversationMoved. What was said before, or is not to be said any more, is left."""
        if not self._reminding.sent(db, reminder, now):
            return
        self.store.save(db, before, outcome.conversation, now)
        self._say(db, before, None, outcome.replies, now, self._delivery_to(db, before.id))
        self.outbox.look_again(db, before.id)

    def _passes(self, db: sqlite3.Connection, cursor: int) -> bool:
        """False when the relay was here before."""
        return db.execute("UPDATE relay_cursor SET seq = ? WHERE seq < ?", [cursor, cursor]).rowcount == 1

    def _delivery_to(self, db: sqlite3.Connection, conversation: ConversationId) -> Delivery:
        channel, _ = self.store.address(db, conversation)
        return Delivery.FETCHED if channel in self._pulled else Delivery.PUSHED

    async def _after_case(self, before: Stored | None, ended: CaseEnded) -> Outcome | None:
        if (
            before is None
            or not before.conversation.with_people
            or self._queue.live_case(self._ledger.reader(), before.id)
        ):
            return None  # nothing to give back, or people have it again meanwhile
        return await self._thinking.unasked(before, ended)

    def _note_ended(
        self, before: Stored | None, outcome: Outcome | None, now: datetime, cursor: int, db: sqlite3.Connection
    ) -> None:
        if not self._passes(db, cursor) or before is None or outcome is None:
            return
        self.store.save(db, before, outcome.conversation, now)
        self._say(db, self._with_voice(db, before), None, outcome.replies, now, self._delivery_to(db, before.id))


def _notices(heard: Heard, replies: tuple[Reply, ...]) -> tuple[Reply, ...]:
    """Of what the bot would have said, what may be shown while an adviser speaks: fixed screens that ask nothing."""
    if any(reply.response == ASKS_DELETE for reply in replies):
        replies = (*replies, Reply(DELETE_WITH_ADVISER, language=replies[-1].language))
    if _is_for_safety(heard):
        return tuple(takewhile(lambda reply: not reply.choices and reply.response != ADDED, replies))
    return tuple(reply for reply in replies if reply.response in NOTICES)


def _is_for_safety(heard: Heard) -> bool:
    return isinstance(heard, MediaRefused) or is_grave(heard)
