"""What a turn shows of the contact it belongs to, read from where the conversation stood and where it stands now."""

import sqlite3
from collections.abc import Iterator

from msgspec.structs import replace

from bot.domain import (
    Advised,
    Answered,
    ChannelName,
    Conversation,
    ConversationId,
    FrameKind,
    Gate,
    Said,
    SlotValue,
)
from bot.engine import commands, stack
from bot.engine.advance import START
from bot.engine.walk import CHILD_WRITING
from bot.library.model import Library
from bot.library.taxonomy import CONCERN
from bot.store import Stored
from bot.thinking import Thought
from handoff import contacts
from handoff.contacts import Miss, MissKind, Place, Seen, Stood, Then
from handoff.moments import to_ms

DANGER_SCREEN = "utter_danger"
NOT_UNDERSTOOD = "utter_not_understood"
OUT_OF_SCOPE = "out_of_scope"
LONGER_LIST = "something_else"
LONGER_LIST_OF_PLATFORMS = "another"
NOT_THEIRS = frozenset({"child", "parent"})
"""Roles this service is not for: where they end up is no gap in it."""
CHILD_ROLE = "child"
WRONG_PLACE = "wrong_place"
NOT_ADVISING = frozenset({WRONG_PLACE, START})
"""Flows whose pages are for whoever is not advised here, or not yet."""
TO_WRONG_PLACE = ("flow_started", WRONG_PLACE)
CANNOT_HANDLE = ("flow_started", commands.CANNOT_HANDLE)
RESTARTS = ("action_executed", "action_restart")
FINISHES = ("slot_set", "completed_next=finish")
ANSWERS = {
    ("slot_set", f"{slot}={value}"): (slot, value)
    for slot, values in (("knew_tools", ("yes", "no")), ("helped", ("yes", "partly", "no")))
    for value in values
}
"""What the two optional questions may be answered; anything else says nothing."""
TELLING = frozenset({TO_WRONG_PLACE, CANNOT_HANDLE, RESTARTS, FINISHES, *ANSWERS})
"""Events of a walk that say something of the contact."""

Events = frozenset[tuple[str, str]]


def note(
    db: sqlite3.Connection,
    channel: ChannelName,
    library: Library,
    here: ConversationId,
    before: Stored | None,
    thought: Thought,
    *,
    is_return: bool,
) -> None:
    """Keeps what the turn shows, in the write that keeps the turn. `is_return`: whoever speaks has been here before."""
    by_adviser = before is not None and before.speaker == "adviser"
    stood = before.conversation if before else Conversation(thought.outcome.conversation.library)
    seen = _beside(channel, thought) if by_adviser else _seen(channel, library, stood, thought, is_return)
    contacts.keep(db, here, thought.heard.at, seen)


def _beside(channel: ChannelName, thought: Thought) -> Seen:
    """An adviser speaks, and the bot stands still: it is their case by now."""
    after, gate = thought.outcome.conversation, _gate(thought)
    return Seen(
        channel,
        after.library,
        after.language,
        is_return=True,
        is_beside=True,
        leaves=thought.leaves,
        danger=gate is Gate.DANGER,
        stood=Stood.CHILD if gate is Gate.CHILD else None,
    )


def _seen(channel: ChannelName, library: Library, before: Conversation, thought: Thought, is_return: bool) -> Seen:
    outcome, after = thought.outcome, thought.outcome.conversation
    events: Events = TELLING.intersection(outcome.events)
    said = {reply.response for reply in outcome.replies}
    shown = () if after.advised is before.advised else _shown(before, after)
    stood = _stood(thought, shown, events)
    if stood is Stood.CHILD:
        return Seen(channel, after.library, after.language, is_return=is_return, leaves=thought.leaves, stood=stood)
    seen = Seen(
        channel,
        after.library,
        after.language,
        is_return=is_return,
        leaves=thought.leaves,
        role=_text(after.slots.get("role")),
        nation=_text(after.slots.get("nation")),
        about=_about(after),
        platform=_named(after),
        concerns=_concerns(library, after),
        undone=_undone(library, before, after) if _went_back(before, after, events) else (),
        danger=DANGER_SCREEN in said or _gate(thought) is Gate.DANGER,
        place=_place(after),
        missed=tuple(_missed(library, before, thought, said, events)),
        stood=stood,
    )
    seen = _with_pages(seen, library, shown) if shown else seen
    return _with_answers(seen, before, events) if events else seen


def _with_pages(seen: Seen, library: Library, shown: tuple[Advised, ...]) -> Seen:
    pages = tuple(each.page for each in shown)
    return replace(
        seen,
        pages=pages,
        outcomes=tuple(library.pages[page].outcome or "" for page in pages if page in library.pages),
        passed=tuple(Place(each.flow, each.step) for each in shown if each.flow),
    )


def _with_answers(seen: Seen, before: Conversation, events: Events) -> Seen:
    """What the two optional questions were answered."""
    answers = dict(ANSWERS[event] for event in events if event in ANSWERS)
    helped_by = _so_far(before) if "helped" in answers else ()
    return replace(seen, knew_tools=answers.get("knew_tools"), helped=answers.get("helped"), helped_by=helped_by)


def _shown(before: Conversation, after: Conversation) -> tuple[Advised, ...]:
    """The pages this turn showed; those of before are gone where it began again."""
    earlier = len(before.advised)
    return after.advised[earlier:] if after.advised[:earlier] == before.advised else after.advised


def _so_far(before: Conversation) -> tuple[Then, ...]:
    past: tuple[Advised, ...] = before.past.advised if before.past else ()
    return tuple(Then(each.page, to_ms(each.at)) for each in (*past, *before.advised))


def _place(after: Conversation) -> Place | None:
    """The question that stands open; who has finished may leave the last one open."""
    if not (after.waiting and after.stack) or after.slots.get("completed_next") == "finish":
        return None
    return Place(after.stack[-1].flow, after.stack[-1].step)


# --- what it is about ------------------------------------------------------------------------------------------------


def _about(conversation: Conversation) -> str | None:
    concern = _text(conversation.slots.get(CONCERN))
    return None if concern == LONGER_LIST else concern


def _concerns(library: Library, conversation: Conversation) -> tuple[Then, ...]:
    """What it is about, and was about: as answered, or by a flow that was chosen beside that."""
    past: tuple[Answered, ...] = conversation.past.answers if conversation.past else ()
    answers = past + conversation.answers if past else conversation.answers
    told = [(each.value, each.at) for each in answers if each.slot == CONCERN and each.value != LONGER_LIST]
    found = [Then(value, to_ms(at)) for value, at in told if isinstance(value, str)]
    for frame in conversation.stack:
        flow = library.flows.get(frame.flow) if frame.kind in CHOSEN else None
        if flow and flow.concern:
            found.append(Then(flow.concern, ALWAYS))
    return tuple(found)


CHOSEN = (FrameKind.REGULAR, FrameKind.INTERRUPT)
ALWAYS = 2**62
"""Later than any beginning of a contact: what stands open counts whenever it was opened."""


def _went_back(before: Conversation, after: Conversation, events: Events) -> bool:
    """True when answers were taken back. Who starts again, or leaves, takes nothing back."""
    return len(after.answers) < len(before.answers) and not after.ended and RESTARTS not in events


def _undone(library: Library, before: Conversation, after: Conversation) -> tuple[str, ...]:
    left = {each.code for each in _concerns(library, after)} | {_about(after)}
    had = [_about(before), *(each.code for each in _concerns(library, before))]
    return tuple(dict.fromkeys(each for each in had if each and each not in left))


def _named(after: Conversation) -> str | None:
    platform = _text(after.slots.get("platform"))
    return None if platform == LONGER_LIST_OF_PLATFORMS else platform


# --- how it stands ---------------------------------------------------------------------------------------------------


def _stood(thought: Thought, shown: tuple[Advised, ...], events: Events) -> Stood | None:
    outcome, slots = thought.outcome, thought.outcome.conversation.slots
    if _gate(thought) is Gate.CHILD or slots.get(CHILD_WRITING) is True or slots.get("role") == CHILD_ROLE:
        return Stood.CHILD
    if outcome.hand_over or thought.trouble:
        return Stood.HANDED_OVER
    if FINISHES in events or (outcome.conversation.ended and _walked_last(thought) == stack.COMPLETED):
        return Stood.FINISHED
    if thought.leaves:
        return Stood.STOPPED
    if any(each.flow not in NOT_ADVISING for each in shown):
        return Stood.ADVISED
    return Stood.WRONG_PLACE if TO_WRONG_PLACE in events else None


def _walked_last(thought: Thought) -> str:
    walked = (what for kind, what in reversed(thought.outcome.events) if kind == "step")
    return next(walked, "").partition("/")[0]


# --- what no flow took -----------------------------------------------------------------------------------------------


def _missed(library: Library, before: Conversation, thought: Thought, said: set[str], events: Events) -> Iterator[Miss]:
    """What no flow took; `step` is the question that stood open."""
    after, heard = thought.outcome.conversation, thought.heard
    platform = _named(after)
    if isinstance(heard, Said) and (NOT_UNDERSTOOD in said or CANNOT_HANDLE in events):
        yield Miss(MissKind.NOT_UNDERSTOOD, _seemed_about(library, heard), platform or "", _where(before))
    if platform and platform != before.slots.get("platform") and not _has_page(library, platform):
        yield Miss(MissKind.NO_PAGE, _about(after) or "", platform, _where(before))
    if TO_WRONG_PLACE in events and after.slots.get("role") not in NOT_THEIRS:
        about = _seemed_about(library, heard) if isinstance(heard, Said) else ""
        yield Miss(MissKind.OUT_OF_SCOPE, "" if about == OUT_OF_SCOPE else about, platform or "", _where(before))


def _where(before: Conversation) -> str:
    place = _place(before)
    return f"{place.flow}/{place.step}" if place else ""


def _seemed_about(library: Library, heard: Said) -> str:
    best = max(heard.intents, key=lambda intent: intent.score, default=None)
    if best is None:
        return ""
    flow = library.flows.get(library.by_intent.get(best.name, ""))
    return (flow.concern if flow else None) or best.name


def _has_page(library: Library, platform: str) -> bool:
    page = library.pages.get(platform.replace("_", "-"))
    return page is not None and page.kind == "platform"


def _gate(thought: Thought) -> Gate:
    return thought.heard.gate if isinstance(thought.heard, Said) else Gate.NONE


def _text(value: SlotValue) -> str | None:
    return value if isinstance(value, str) else None
