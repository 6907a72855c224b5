"""Which flow is on top: interrupting, linking, ending, cancelling, and going back to what was interrupted."""

from bot.domain import Frame, FrameKind, SlotValue
from bot.engine import handing_over
from bot.engine.walk import CHILD_WRITING, Walk, WalkError
from bot.library.model import CallStep, LinkStep

COMPLETED = "pattern_completed"
CONTINUE = "pattern_continue_interrupted"
CANCEL = "pattern_cancel_flow"
HAND_OVER = "pattern_human_handoff"
SESSION_START = "pattern_session_start"
CHILD_AGAIN = "pattern_child_again"
_LEAD_TO_COMPLETED = frozenset({HAND_OVER, CANCEL, "pattern_given_back", "pattern_case_closed"})
"""Patterns after which an empty stack asks whether there is anything else."""

Context = tuple[tuple[str, SlotValue], ...]


def interrupt(walk: Walk, pattern: str, context: Context = ()) -> None:
    """Run a pattern now; what is open waits below. A pattern that is already among those on top begins anew.

    Raises: WalkError when there is no such pattern.
    """
    for depth in range(len(walk.stack) - 1, -1, -1):
        if not walk.is_pattern(walk.stack[depth]):
            break
        if walk.stack[depth].flow == pattern:
            del walk.stack[depth:]
            break
    topic = walk.topic()
    flow = walk.library.flows.get(topic.flow) if topic else None
    if flow:
        context += (("interrupted_flow_name", flow.names.get(walk.language, flow.name)),)
    if pattern not in walk.library.flows:
        raise WalkError("no such pattern", pattern, "")
    walk.waiting = False
    walk.offers = []
    walk.push(pattern, FrameKind.INTERRUPT if walk.stack else FrameKind.REGULAR, context)


def begin_flow(walk: Walk, flow_id: str) -> None:
    """The enquirer chose a flow: it interrupts what they were busy with; patterns on top are done."""
    leave_patterns(walk)
    _leave_earlier(walk, flow_id)
    walk.waiting = False
    walk.offers = []
    walk.push(flow_id, FrameKind.INTERRUPT if walk.stack else FrameKind.REGULAR)


def leave_patterns(walk: Walk) -> None:
    """End the patterns on top, down to what the enquirer was busy with."""
    while walk.stack and walk.is_pattern(walk.stack[-1]):
        _drop(walk, "flow_completed")


def link(walk: Walk, step: LinkStep) -> None:
    """End the flow on top and begin another in its place; a child is not led to the adult service."""
    if step.flow == HAND_OVER and walk.slots.get(CHILD_WRITING) is True and CHILD_AGAIN in walk.library.flows:
        leave_for(walk, CHILD_AGAIN)
        return
    prepared = handing_over.for_link(walk, step) if step.flow == HAND_OVER else None
    leave_for(walk, step.flow)
    walk.handing_over = prepared or walk.handing_over


def leave_for(walk: Walk, flow_id: str) -> None:
    frame = walk.stack[-1]
    _drop(walk, "flow_completed")
    if flow_id == CANCEL:
        context = cancel_topic(walk)
        walk.push(CANCEL, FrameKind.LINK, context)
    else:
        _leave_earlier(walk, flow_id)
        walk.push(flow_id, _kind_after(walk, frame, flow_id), frame.context if flow_id.startswith("pattern_") else ())


def _kind_after(walk: Walk, frame: Frame, flow_id: str) -> FrameKind:
    """A link is a link, but what interrupted or was called stays so."""
    if frame.kind is FrameKind.INTERRUPT and walk.is_pattern(frame) and flow_id.startswith("pattern_"):
        return FrameKind.INTERRUPT
    return FrameKind.CALL if frame.kind is FrameKind.CALL else FrameKind.LINK


def _leave_earlier(walk: Walk, flow_id: str) -> None:
    """A flow that begins anew is not gone back to where it stood before: it and what is above it are dropped."""
    places = [depth for depth, frame in enumerate(walk.stack) if frame.flow == flow_id]
    while places and len(walk.stack) > places[0]:
        _drop(walk, "flow_cancelled")


def finish(walk: Walk) -> None:
    """The flow on top has reached its end: go back to the caller, to what was interrupted, or to "anything else?"."""
    frame = walk.stack[-1]
    _drop(walk, "flow_completed")
    if frame.kind is FrameKind.CALL and walk.stack:
        step = walk.step
        if isinstance(step, CallStep):
            walk.follow(step.next)
        return
    _after(walk, frame)


def cancel_topic(walk: Walk) -> Context:
    """Drop the flow the enquirer was busy with and those that called it; gives its name as pattern context."""
    leave_patterns(walk)
    name: Context = ()
    while walk.stack and not walk.is_pattern(walk.stack[-1]):
        frame = walk.stack[-1]
        flow = walk.library.flows.get(frame.flow)
        if flow:
            name = (("canceled_name", flow.names.get(walk.language, flow.name)),)
        _drop(walk, "flow_cancelled")
        if frame.kind is not FrameKind.CALL:
            break
    return name


def cancel_all(walk: Walk) -> None:
    while walk.stack:
        _drop(walk, "flow_cancelled")


def cancel_top(walk: Walk) -> None:
    """Drop the flow on top and those that called it."""
    while walk.stack:
        frame = walk.stack[-1]
        _drop(walk, "flow_cancelled")
        if frame.kind is not FrameKind.CALL:
            break


def drop_top(walk: Walk) -> None:
    """End the flow on top without a word."""
    _drop(walk, "flow_completed")


def rest(walk: Walk) -> bool:
    """True when nothing on the stack may go on now: it is empty, or people have the word and only a topic lies open, or
    a greeting that danger came before."""
    if not walk.stack:
        return True
    top = walk.stack[-1]
    return walk.with_people and (not walk.is_pattern(top) or top.flow == SESSION_START)


def _drop(walk: Walk, event: str) -> None:
    """Take the top frame off, and its flow's own slots; those of a called flow stay, for its caller to read."""
    frame = walk.stack.pop()
    walk.note(event, frame.flow)
    flow = walk.library.flows.get(frame.flow)
    if flow and (frame.kind is not FrameKind.CALL or not walk.stack):
        walk.reset(flow.own_slots)
    walk.attempts = 0
    if frame.flow == HAND_OVER and not walk.with_people:
        walk.handing_over = None


def _after(walk: Walk, ended: Frame) -> None:
    if walk.stack:
        below = walk.stack[-1]
        if _was_another_topic(walk, ended, below) and not rest(walk) and CONTINUE in walk.library.flows:
            interrupt(walk, CONTINUE)
        elif not rest(walk):
            walk.note("flow_resumed", below.flow)
    elif not (walk.with_people or walk.ended) and _leads_to_completed(walk, ended):
        flow = walk.library.flows.get(ended.flow)
        walk.push(COMPLETED, FrameKind.REGULAR, (("previous_flow_name", flow.name if flow else ""),))


def _was_another_topic(walk: Walk, ended: Frame, below: Frame) -> bool:
    return not walk.is_pattern(below) and (not walk.is_pattern(ended) or ended.kind is FrameKind.LINK)


def _leads_to_completed(walk: Walk, ended: Frame) -> bool:
    flow = walk.library.flows.get(ended.flow)
    if flow is None or COMPLETED not in walk.library.flows:
        return False
    return ended.flow in _LEAD_TO_COMPLETED if flow.is_pattern else flow.run_pattern_completed
