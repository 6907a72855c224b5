"""Taking a Turn in: read, think, write once. Nothing is answered before what it says is on disk."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import takewhile
from weakref import WeakValueDictionary

import structlog

from bot.courtesy import TOO_FAST, Courtesy, is_late
from bot.domain import (
    ActionDone,
    ActionWanted,
    CaseEnded,
    ChannelName,
    Conversation,
    ConversationId,
    Deletion,
    Gate,
    HandOver,
    Heard,
    MediaRefused,
    Outcome,
    Reply,
    Said,
    Turn,
)
from bot.engine.advance import advance, begin
from bot.errors import ConversationMoved
from bot.hearing import prepared, words_of
from bot.outbox import Delivery, Outbox
from bot.pack import pack_of
from bot.reply_window import ReplyWindow
from bot.shelf import Kept, Shelf
from bot.store import Store, Stored
from handoff import desk
from handoff.domain import DANGER_TIER, NewCase
from handoff.ledger import Ledger
from handoff.queue import Queue

log = structlog.get_logger()

MAX_ACTIONS_IN_A_TURN = 10
MAX_TRIES = 5
"""How often a turn is thought through again because another process moved the conversation meanwhile."""
TROUBLE_TIER = 2
CHILD_TIER = 1
NOTICES = frozenset({"utter_masked", "utter_cut", TOO_FAST})
"""Said whoever speaks, beside the safety screens: what was taken out, cut off, or came too fast."""
ADDED = "utter_added_to_case"
REFERENCE_SLOT = "case_reference"
"""What a reply's words may show of the case that was just opened."""

RunAction = Callable[[ActionWanted, Kept, Conversation, datetime], Awaitable[ActionDone]]
"""Runs a custom action; a failure is a value (`ActionDone.failed`), never an exception."""


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a turn: the outbox numbers of its replies, or those of its first copy."""

    conversation: ConversationId
    turn: int
    replies: tuple[int, ...]
    kept: str | None
    """What stays of it: masked words, or the title of the button pressed."""


@dataclass(frozen=True, slots=True)
class _Thought:
    """A turn thought through, ready to be written in one go."""

    outcome: Outcome
    heard: Heard
    words: str | None
    broken: bool = False
    """Something failed on our side: a person must look, whether or not the enquirer asks."""

    @property
    def leaves(self) -> bool:
        """The enquirer goes for good, or wants their words forgotten."""
        return self.outcome.conversation.ended or self.outcome.delete is Deletion.WORDS

    def kept_state(self, before: Stored | None) -> Conversation:
        """While an adviser speaks the bot stands still: what it did not get to say must not be answered. Only leaving
        counts."""
        after = self.outcome.conversation
        return before.conversation if before and before.speaker == "adviser" and not after.ended else after


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
    ) -> None:
        self._ledger = ledger
        self._shelf = shelf
        self._queue = queue
        self._run_action = run_action
        self._pulled = pulled
        self._reply_window = reply_window
        self.store = Store(ledger.seal)
        self.outbox = Outbox(ledger.seal)
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._courtesy = Courtesy(pulled)

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
        before = self.store.find(db, mark)
        thought = await self._think(turn, mark, before)
        handled = await self._ledger.write(lambda db: self._record(db, turn, mark, external, before, thought))
        self.store.remember(handled.conversation, handled.turn, thought.kept_state(before))
        return handled

    def _handled_before(self, db: sqlite3.Connection, conversation: ConversationId, number: int) -> Handled:
        replies = tuple(row.seq for row in self.outbox.of_turn(db, conversation, number))
        own = self.store.spoken(db, conversation, after=number - 1)[:1]
        return Handled(conversation, number, replies, own[0].words if own else None)

    # --- thinking ----------------------------------------------------------------------------------------------------

    async def _think(self, turn: Turn, mark: bytes, before: Stored | None) -> _Thought:
        kept, conversation = self._where(mark, before)
        too_fast = self._courtesy.too_fast(turn, mark)
        if too_fast is not None:
            return _Thought(Outcome(conversation, too_fast), turn.heard, None)
        try:
            heard = prepared(turn.heard, kept.library, kept.keeper, kept.words.known, conversation)
            words = words_of(heard, kept.library, conversation)
        except Exception as error:  # what cannot be made safe is not kept at all
            log.error("turn.not_prepared", error=type(error).__name__)
            return _Thought(_apology(conversation), turn.heard, None, broken=True)
        try:
            outcome = await self._advance_from_here(kept, before, conversation, heard)
        except Exception as error:
            log.error("turn.failed", error=type(error).__name__)  # no traceback: its values could be words
            return _Thought(_apology(conversation), heard, words, broken=True)
        stranded = before is not None and before.conversation.library != conversation.library
        outcome = self._courtesy.with_apology(turn, mark, kept.library, outcome)
        return _Thought(outcome, heard, words, broken=stranded)

    def _where(self, mark: bytes, before: Stored | None) -> tuple[Kept, Conversation]:
        """The pinned library of a running conversation; the live one where something new begins, in the language of
        the conversation before, and where the pinned one cannot be loaded any more."""
        if before:
            try:
                return self._shelf.pinned(before.conversation.library), before.conversation
            except Exception as error:
                log.error("library.not_loaded", version=before.conversation.library, error=type(error).__name__)
        kept, last = self._shelf.live(), before or self.store.latest(self._ledger.reader(), mark)
        new = begin(kept.library)
        return kept, replace(new, language=last.conversation.language) if last else new

    async def _advance_from_here(
        self, kept: Kept, before: Stored | None, conversation: Conversation, heard: Heard
    ) -> Outcome:
        """Where the case has ended and the relay has not yet said so, that is said first: no words go to a closed
        case, where nobody would read them."""
        ended = self._ended_unsaid(before, heard.at) if before and conversation.with_people else None
        if ended is None:
            return await self._advance(kept, conversation, heard)
        first = await self._advance(kept, conversation, ended)
        return _joined(first, await self._advance(kept, first.conversation, heard))

    def _ended_unsaid(self, before: Stored, at: datetime) -> CaseEnded | None:
        db = self._ledger.reader()
        if self._queue.live_case(db, before.id):
            return None
        last = desk.last_ending(db, before.id)
        return CaseEnded(at, closed=not (last and last.given_back), reference=last.reference if last else "")

    async def _advance(self, kept: Kept, conversation: Conversation, heard: Heard) -> Outcome:
        """Advances, running custom actions on the way, until someone must act."""
        outcome = advance(kept.library, conversation, heard)
        for _ in range(MAX_ACTIONS_IN_A_TURN):
            if outcome.action is None:
                return outcome
            done = await self._run_action(outcome.action, kept, outcome.conversation, heard.at)
            outcome = _joined(outcome, advance(kept.library, outcome.conversation, done))
        given_up = ActionDone(outcome.action.action if outcome.action else "", heard.at, failed=True)
        return _joined(outcome, advance(kept.library, outcome.conversation, given_up))

    # --- writing -----------------------------------------------------------------------------------------------------

    def _record(
        self, db: sqlite3.Connection, turn: Turn, mark: bytes, external: bytes, before: Stored | None, thought: _Thought
    ) -> Handled:
        """Everything the turn says, or nothing of it.

        Raises: ConversationMoved when somebody else spoke, took or left the word since it was thought.
        """
        now, outcome = thought.heard.at, thought.outcome
        here = self._saved(db, turn, mark, before, thought.kept_state(before), now)
        number = before.version + 1 if before else 1
        try:
            self.store.add_turn(db, here.id, number, external, thought.heard, thought.words)
        except sqlite3.IntegrityError as error:
            raise ConversationMoved() from error  # a second copy won meanwhile: read again and answer as it did
        self.store.know(db, turn, mark, here.id)
        if self._reply_window.heard(db, turn.channel, here.id, min(now, turn.sent_at or now)):
            self.outbox.release(db, here.id)
        reference = self._pass_on(db, turn.channel, here, thought)
        if is_late(turn):
            self._queue.flag(db, here.id, "late_message", now)
        if thought.leaves:
            self.store.forget_words(db, here.id, now)
            here = self._with_voice(db, here)  # leaving a case gives the bot its voice back
        replies = outcome.replies if here.speaker == "bot" else _notices(thought.heard, outcome.replies)
        delivery = Delivery.WITH_THE_ANSWER if turn.channel in self._pulled else Delivery.PUSHED
        said = self._say(db, here, number, _with_reference(replies, reference), now, delivery)
        return Handled(here.id, number, tuple(said), thought.words)

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

    def _pass_on(self, db: sqlite3.Connection, channel: ChannelName, here: Stored, thought: _Thought) -> str | None:
        """What people must see: a new case, words for an open one, trouble, an enquirer who left.

        Returns the reference of a case that was opened.
        """
        now, outcome = thought.heard.at, thought.outcome
        hand_over = outcome.hand_over or _trouble(thought)
        case = self._case(db, channel, here, outcome, hand_over) if hand_over else None
        opened = self._queue.open_case(db, case, now) if case else None
        to_thread = opened.already_open if opened else outcome.to_people or here.speaker == "adviser"
        if thought.words and to_thread:  # the pack of a new case has them already
            self._hear(db, here, thought.words, now)
        self._flag(db, here, thought)
        if thought.leaves:
            self._queue.abandon(db, here.id, now)
        return opened.reference if opened else None

    def _flag(self, db: sqlite3.Connection, here: Stored, thought: _Thought) -> None:
        """What people must know of a turn although its words say nothing of it, or are not kept."""
        if isinstance(thought.heard, Said) and thought.heard.beside_media:
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

    async def _after_case(self, before: Stored | None, ended: CaseEnded) -> Outcome | None:
        if (
            before is None
            or not before.conversation.with_people
            or self._queue.live_case(self._ledger.reader(), before.id)
        ):
            return None  # nothing to give back, or people have it again meanwhile
        return await self._advance(self._shelf.pinned(before.conversation.library), before.conversation, ended)

    def _note_ended(
        self, before: Stored | None, outcome: Outcome | None, now: datetime, cursor: int, db: sqlite3.Connection
    ) -> None:
        moved = db.execute("UPDATE relay_cursor SET seq = ? WHERE seq < ?", [cursor, cursor]).rowcount
        if not moved or before is None or outcome is None:
            return
        self.store.save(db, before, outcome.conversation, now)
        channel, _ = self.store.address(db, before.id)
        delivery = Delivery.FETCHED if channel in self._pulled else Delivery.PUSHED
        self._say(db, self._with_voice(db, before), None, outcome.replies, now, delivery)


def _with_reference(replies: tuple[Reply, ...], reference: str | None) -> tuple[Reply, ...]:
    """The case is opened in the same write as the replies that speak of it, so its reference comes in only here."""
    if reference is None:
        return replies
    return tuple(replace(reply, slots=(*reply.slots, (REFERENCE_SLOT, reference))) for reply in replies)


def _apology(conversation: Conversation) -> Outcome:
    return Outcome(conversation, (Reply("utter_internal_error", language=conversation.language),))


def _notices(heard: Heard, replies: tuple[Reply, ...]) -> tuple[Reply, ...]:
    """Of what the bot would have said, what may be shown while an adviser speaks: fixed screens that ask nothing."""
    if _is_for_safety(heard):
        return tuple(takewhile(lambda reply: not reply.choices and reply.response != ADDED, replies))
    return tuple(reply for reply in replies if reply.response in NOTICES)


def _is_for_safety(heard: Heard) -> bool:
    return isinstance(heard, MediaRefused) or (isinstance(heard, Said) and heard.gate is not Gate.NONE)


def _joined(first: Outcome, then: Outcome) -> Outcome:
    """Two stretches of one walk as one."""
    return replace(
        then,
        replies=first.replies + then.replies,
        hand_over=then.hand_over or first.hand_over,
        trouble=then.trouble or first.trouble,
        delete=then.delete if then.delete is not Deletion.NONE else first.delete,
        to_people=first.to_people or then.to_people,
        events=first.events + then.events,
    )


def _trouble(thought: _Thought) -> HandOver | None:
    """Something broke on our side: a person must look, whether or not the enquirer asks."""
    trouble = thought.outcome.trouble
    if trouble:
        return HandOver(TROUBLE_TIER, trouble.reason, trouble.flow, trouble.step, thought.outcome.conversation.answers)
    if thought.broken:
        return HandOver(TROUBLE_TIER, "internal_error", "", "", thought.outcome.conversation.answers)
    return None
