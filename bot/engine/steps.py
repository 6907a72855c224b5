"""The walk itself: from step to step until someone must act."""

from typing import assert_never

from bot.domain import ActionWanted, FrameKind
from bot.engine import clarifying, commands, offers, speech, stack
from bot.engine.conditions import holds
from bot.engine.walk import Walk, WalkError
from bot.library.actions import BUILTIN_ACTIONS
from bot.library.model import (
    END,
    ActionStep,
    CallStep,
    CollectStep,
    LinkStep,
    NoopStep,
    SetSlotsStep,
    Step,
)

INTERNAL_ERROR = "pattern_internal_error"
LAST_WORDS = "utter_internal_error"
"""Said when even the pattern for errors is broken."""


def run(walk: Walk) -> None:
    """Walk on until a question is asked, an action is wanted, or nothing is left to do. Never raises WalkError."""
    try:
        _run(walk)
    except WalkError as broken:
        recover(walk, broken)


def recover(walk: Walk, broken: WalkError) -> None:
    """Something in the library is wrong: drop what is broken, tell the enquirer, open a case (FLOWS A.3)."""
    walk.trouble = walk.trouble or broken.trouble
    walk.waiting = False
    if broken.everything or any(frame.flow == INTERNAL_ERROR for frame in walk.stack):
        stack.cancel_all(walk)
    elif walk.stack and walk.stack[-1].flow == broken.trouble.flow:
        stack.cancel_top(walk)
    apologise(walk, broken.trouble.reason)


def apologise(walk: Walk, error_type: str) -> None:
    """Run the pattern for errors, and go on below it; if that breaks too, say its bare response."""
    walk.steps_walked = 0
    try:
        stack.interrupt(walk, INTERNAL_ERROR, (("error_type", error_type),))
        _run(walk)
    except WalkError:
        stack.cancel_all(walk)
        walk.waiting = False
        speech.put(walk, LAST_WORDS)


def _run(walk: Walk) -> None:
    while not walk.waiting and walk.wanted is None and not stack.rest(walk):
        if walk.stack[-1].step == END:
            stack.finish(walk)
        else:
            walk.count_step()
            _take(walk, walk.step)


def _take(walk: Walk, step: Step) -> None:
    match step:
        case ActionStep():
            _act(walk, step)
        case CollectStep():
            _collect(walk, step)
        case LinkStep():
            stack.link(walk, step)
        case CallStep(flow=flow):
            walk.push(flow, FrameKind.CALL)
        case SetSlotsStep(values=values):
            for name, value in values:
                walk.set(name, value)
            walk.follow(step.next)
        case NoopStep():
            walk.follow(step.next)
        case _:
            assert_never(step)


def _act(walk: Walk, step: ActionStep) -> None:
    name = step.action
    if name.startswith("utter_"):
        walk.note("action_executed", name)
        speech.say(walk, name)
        walk.follow(step.next)
    elif name in BUILTIN_ACTIONS:
        walk.note("action_executed", name)
        commands.perform(walk, step)
    else:
        walk.wanted = ActionWanted(name)


def _collect(walk: Walk, step: CollectStep) -> None:
    """Pass when the slot is filled and not rejected; else ask (FLOWS B.3)."""
    if step.ask_before_filling and walk.slots.get(step.slot) is not None:
        walk.set(step.slot, None)
    if walk.slots.get(step.slot) is not None and not rejected(walk, step):
        walk.follow(step.next)
    else:
        ask(walk, step)


def rejected(walk: Walk, step: CollectStep) -> bool:
    """True when a rejection fits: it was said, and the slot is empty again. Rejections may read every slot."""
    if not step.rejections:
        return False
    context = walk.context
    for rejection in step.rejections:
        if holds(rejection.condition, walk.slots, context):
            walk.set(step.slot, None)
            speech.say(walk, rejection.utter)
            return True
    return False


def ask(walk: Walk, step: CollectStep) -> None:
    """Ask, or first offer to confirm what the enquirer's own words seemed to be about."""
    walk.waiting = True
    if step.free_text and walk.intents and clarifying.clarify(walk):
        return
    response = walk.library.responses.get(step.utter)
    if response is None:
        frame = walk.stack[-1]
        raise WalkError(f"no response {step.utter}", frame.flow, frame.step)
    variation = speech.variation_of(walk, response)
    first = clarifying.also_told(walk) if walk.stack[-1].flow == stack.COMPLETED else ()
    speech.put(walk, step.utter, (), offers.ask(walk, step, variation, first))
