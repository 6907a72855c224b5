"""Taking an answer: the slot is filled, checked and remembered, or the question is asked again."""

from bot.domain import Answered, Offer, SlotValue
from bot.engine import commands, handing_over, offers, speech, stack, steps, undo
from bot.engine.conditions import holds
from bot.engine.walk import Walk
from bot.library.model import CollectStep, SlotType

_LIST_ATTEMPTS = 3
"""How often a list that is no question (answers to change) is shown again."""


def take(walk: Walk, offer: Offer) -> None:
    """Do what a choice stands for; the walk then goes on."""
    asked = walk.asked
    walk.waiting = False
    walk.offers = []
    if offer.command:
        commands.begin(walk, offer.command)
    elif offer.flow:
        walk.intents = ()
        _start(walk, offer.flow)
    elif offer.back_to is not None:
        if not undo.back_to(walk, offer.back_to):
            speech.put(walk, "utter_nothing_to_go_back_to")
    elif offer.sets:
        _fill(walk, asked, offer)
    else:
        _none_of_these(walk, asked)


def _start(walk: Walk, flow_id: str) -> None:
    """Start a flow whose guard holds; nothing changes for another, and a person is offered."""
    flow = walk.library.flows.get(flow_id)
    _is_dealt_with(walk, flow.concern if flow else None)
    if flow and flow.guard and not holds(flow.guard, walk.slots):
        stack.interrupt(walk, commands.CANNOT_HANDLE)
    else:
        stack.begin_flow(walk, flow_id)


def not_understood(walk: Walk) -> None:
    """Say so and ask again; after the last attempt go where the step says."""
    asked = walk.asked
    speech.put(walk, "utter_not_understood")
    walk.waiting = False
    if asked:
        _failed(walk, asked)
    elif not walk.stack:
        stack.interrupt(walk, commands.CANNOT_HANDLE)
    else:
        walk.attempts += 1
        if walk.attempts >= _LIST_ATTEMPTS:
            stack.drop_top(walk)


def _fill(walk: Walk, asked: CollectStep | None, offer: Offer) -> None:
    before = undo.checkpoint(walk)
    for name, value in offer.sets:
        walk.set(name, value)
    if asked is None or asked.slot not in dict(offer.sets):
        return
    if steps.rejected(walk, asked) or walk.slots.get(asked.slot) is None:
        _failed(walk, asked)
        return
    frame = walk.stack[-1]
    if not walk.is_pattern(frame):
        undo.remember(walk, before)
        value = _kept(walk, asked, offer)
        title = offer.title or None
        walk.answers += (Answered(frame.flow, asked.id, asked.slot, value, title, walk.at, offer.dont_know),)
    if asked.free_text:
        walk.intents = ()
        _is_dealt_with(walk, walk.slots.get(asked.slot))
    walk.follow(asked.next)


def _is_dealt_with(walk: Walk, concern: SlotValue) -> None:
    walk.also = tuple(other for other in walk.also if other != concern)


def _kept(walk: Walk, asked: CollectStep, offer: Offer) -> SlotValue:
    """The value as an answer keeps it: typed words are not kept there."""
    slot = walk.library.slots.get(asked.slot)
    typed_words = not offer.title and slot is not None and slot.type in (SlotType.TEXT, SlotType.ANY)
    return None if typed_words else walk.slots.get(asked.slot)


def _failed(walk: Walk, asked: CollectStep) -> None:
    walk.attempts += 1
    if walk.attempts < asked.max_attempts:
        return
    walk.attempts = 0
    target = asked.on_exhausted
    if target is None:
        if walk.stack[-1].flow != commands.CANNOT_HANDLE:
            stack.interrupt(walk, commands.CANNOT_HANDLE)
    elif target in walk.flow.steps:
        walk.goto(target)
    else:
        prepared = handing_over.for_giving_up(walk, asked) if target == stack.HAND_OVER else None
        stack.leave_for(walk, target)
        walk.handing_over = prepared or walk.handing_over


def _none_of_these(walk: Walk, asked: CollectStep | None) -> None:
    if asked:
        walk.intents = ()
    elif walk.stack and not asked:
        stack.drop_top(walk)
    if not walk.stack:
        stack.interrupt(walk, commands.CANNOT_HANDLE)


def is_clarifying(walk: Walk) -> bool:
    return any(offers.is_none_of_these(offer) for offer in walk.offered_before)
