"""Taking an enquirer's own words out of a conversation's state: codes stay, text goes."""

from dataclasses import replace

from bot.domain import Conversation, Past, SlotValue
from bot.library.model import Library, SlotType

OWN_WORDS = frozenset({SlotType.TEXT, SlotType.ANY})


def slots_with_words(library: Library) -> frozenset[str]:
    """The slots that can hold what somebody typed."""
    return frozenset(name for name, slot in library.slots.items() if slot.type in OWN_WORDS)


def without_words(conversation: Conversation, names: frozenset[str]) -> Conversation:
    """The same conversation with these slots empty, at every place it can go back to as well."""
    points = tuple(replace(each, slots=_kept(each.slots, names)) for each in conversation.checkpoints)
    slots = {name: value for name, value in conversation.slots.items() if name not in names}
    return replace(conversation, slots=slots, checkpoints=points, intents=())


def without_past(conversation: Conversation) -> Conversation:
    """The same conversation with its past put aside: nothing of it is repeated to somebody who came back by a code."""
    handing_over = conversation.handing_over and replace(conversation.handing_over, answers=())
    whole = with_past(conversation)
    past = Past(whole.answers, whole.advised)
    return replace(conversation, answers=(), advised=(), past=past, checkpoints=(), handing_over=handing_over)


def with_past(conversation: Conversation) -> Conversation:
    """The same conversation as advisers may see it: with what was asked and advised before a return."""
    past = conversation.past or Past()
    answers, advised = past.answers + conversation.answers, past.advised + conversation.advised
    return replace(conversation, answers=answers, advised=advised, past=None)


def _kept(slots: tuple[tuple[str, SlotValue], ...], names: frozenset[str]) -> tuple[tuple[str, SlotValue], ...]:
    return tuple((name, value) for name, value in slots if name not in names)
