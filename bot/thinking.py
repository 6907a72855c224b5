"""A turn thought through, before anything of it is written: what was heard, and what it leads to."""

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from bot.courtesy import Towards
from bot.domain import (
    ActionDone,
    ActionWanted,
    CaseEnded,
    Conversation,
    Deletion,
    Gate,
    HandOver,
    Heard,
    MediaRefused,
    Outcome,
    Pressed,
    Reminder,
    Reply,
    Said,
    Turn,
)
from bot.engine.advance import advance, begin
from bot.engine.commands import DELETE_SURE
from bot.hearing import prepared, words_of
from bot.shelf import Kept, Shelf
from bot.store import Store, Stored
from handoff import desk
from handoff.queue import Queue

log = structlog.get_logger()

MAX_ACTIONS_IN_A_TURN = 10
TROUBLE_TIER = 2

RunAction = Callable[[ActionWanted, Kept, Conversation, datetime], Awaitable[ActionDone]]
"""Runs a custom action; a failure is a value (`ActionDone.failed`), never an exception."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A turn thought through, ready to be written in one go."""

    outcome: Outcome
    heard: Heard
    words: str | None
    broken: bool = False
    """Something failed on our side: a person must look, whether or not the enquirer asks."""
    passed_over: bool = False
    """Too much came at once: it was not listened to."""

    @property
    def leaves(self) -> bool:
        """The enquirer goes for good, or wants their words forgotten."""
        return self.outcome.conversation.ended or self.outcome.delete is Deletion.WORDS

    @property
    def forgets(self) -> bool:
        """The enquirer wants all of the conversation forgotten, and was asked whether they are sure."""
        return self.outcome.delete is Deletion.ALL

    def going_on(self, has_case: bool) -> "Thought":
        """One that forgets all: the conversation goes on for as long as people have a case of it."""
        outcome = self.outcome
        return replace(self, outcome=replace(outcome, conversation=replace(outcome.conversation, ended=not has_case)))

    @property
    def is_of_old_button(self) -> bool:
        return isinstance(self.heard, Pressed) and self.words is None and not (self.broken or self.passed_over)

    @property
    def trouble(self) -> HandOver | None:
        """Something broke on our side: a person must look, whether or not the enquirer asks."""
        trouble, answers = self.outcome.trouble, self.outcome.conversation.answers
        if trouble:
            return HandOver(TROUBLE_TIER, trouble.reason, trouble.flow, trouble.step, answers)
        return HandOver(TROUBLE_TIER, "internal_error", "", "", answers) if self.broken else None

    def kept_state(self, before: Stored | None) -> Conversation:
        """While an adviser speaks the bot stands still: what it did not get to say must not be answered. Only leaving
        counts."""
        after = self.outcome.conversation
        stands = before is not None and before.speaker == "adviser" and not (after.ended or self.forgets)
        return before.conversation if before and stands else after


class Thinking:
    def __init__(
        self,
        reader: Callable[[], sqlite3.Connection],
        shelf: Shelf,
        store: Store,
        queue: Queue,
        run_action: RunAction,
    ) -> None:
        self._reader = reader
        self._shelf = shelf
        self._store = store
        self._queue = queue
        self._run_action = run_action

    async def of(self, turn: Turn, mark: bytes, before: Stored | None, towards: Towards) -> Thought:
        """Never raises for what a turn holds: whatever goes wrong is an apology, and a case for people."""
        kept, conversation = self._where(mark, before)
        is_too_fast = towards.is_too_fast()
        try:
            heard = prepared(turn.heard, kept.library, kept.keeper, kept.words.known, conversation)
            words = words_of(heard, kept.library, conversation)
        except Exception as error:  # what cannot be made safe is not kept at all
            log.error("turn.not_prepared", error=type(error).__name__)
            return Thought(_apology(conversation), turn.heard, None, broken=True)
        if is_too_fast and not is_grave(heard):
            return Thought(Outcome(conversation, towards.told_too_fast()), heard, None, passed_over=True)
        if isinstance(heard, MediaRefused) and towards.was_just_refused(heard):
            return Thought(Outcome(conversation), heard, None, passed_over=True)
        try:
            outcome = await self._advance_from_here(kept, before, conversation, heard)
        except Exception as error:
            log.error("turn.failed", error=type(error).__name__)  # no traceback: its values could be words
            return Thought(_apology(conversation), heard, words, broken=True)
        if before and before.speaker == "adviser" and not _may_forget(heard, outcome):
            outcome = Outcome(conversation)
        stranded = before is not None and before.conversation.library != conversation.library
        return Thought(towards.with_apology(kept.library, outcome), heard, words, broken=stranded)

    async def unasked(self, before: Stored, heard: CaseEnded | Reminder) -> Outcome:
        """Advisers gave back or closed, or it is time to ask about something: the enquirer has said nothing."""
        return await self._advance(self._shelf.pinned(before.conversation.library), before.conversation, heard)

    def _where(self, mark: bytes, before: Stored | None) -> tuple[Kept, Conversation]:
        """The pinned library of a running conversation; the live one where something new begins, in the language of
        the conversation before, and where the pinned one cannot be loaded any more."""
        if before:
            try:
                return self._shelf.pinned(before.conversation.library), before.conversation
            except Exception as error:
                log.error("library.not_loaded", version=before.conversation.library, error=type(error).__name__)
        kept, last = self._shelf.live(), before or self._store.latest(self._reader(), mark)
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
        db = self._reader()
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


def _may_forget(heard: Heard, outcome: Outcome) -> bool:
    """While an adviser speaks, a "yes" is theirs: only a button, or the whole of the words, has anything deleted."""
    is_plain = isinstance(heard, Pressed) or ("flow_started", DELETE_SURE) in outcome.events
    return outcome.delete is not Deletion.ALL or is_plain


def is_grave(heard: Heard) -> bool:
    """The gate saw something: it is listened to whatever else is the matter."""
    return isinstance(heard, Said) and heard.gate is not Gate.NONE


def _apology(conversation: Conversation) -> Outcome:
    return Outcome(conversation, (Reply("utter_internal_error", language=conversation.language),))


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
