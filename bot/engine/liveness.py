"""Which slots can still matter at a step: what some condition, rejection, question or response reads later."""

from collections.abc import Iterable, Iterator, Mapping

from bot.library.model import (
    END,
    ActionStep,
    CallStep,
    CollectStep,
    Flow,
    Library,
    LinkStep,
    Next,
    SetSlotsStep,
    Step,
)

Slots = frozenset[str]
Place = tuple[str, str]
"""(flow, step or END)."""
NOTHING: Slots = frozenset()


def live_slots(library: Library) -> Mapping[Place, Slots]:
    """For each place, the slots that are read from there on, whichever way is taken, as far as the next pattern.

    It may name too many, never too few. A pattern may begin at any time, so it is walked with every value of what it
    reads; what leads to it need not remember.
    """
    callers = _callers(library)
    live: dict[Place, Slots] = {}
    before: dict[Place, Slots] | None = None
    while live != before:
        before = dict(live)
        for flow in library.flows.values():
            live[flow.id, END] = _at_end(callers.get(flow.id, ()), live)
            for step in reversed(tuple(flow.steps.values())):
                live[flow.id, step.id] = _at(library, flow, step, live)
    return live


def condition_slots(library: Library, response_id: str) -> Slots:
    """The slots that decide which variation of a response is said."""
    response = library.responses.get(response_id)
    conditions = [each.condition for each in response.variations] if response else []
    return _union(condition.slots for condition in conditions if condition)


def targets(step: Step) -> Iterator[str]:
    """The steps of the same flow that may come next, END among them."""
    if not isinstance(step, LinkStep):
        yield from (branch.target for branch in step.next.branches)


def _at(library: Library, flow: Flow, step: Step, live: Mapping[Place, Slots]) -> Slots:
    if isinstance(step, LinkStep):
        return _linked(library, flow, step.flow, live)
    after = _reads(step.next) | _union(live.get((flow.id, target), NOTHING) for target in targets(step))
    match step:
        case CollectStep():
            return _collect(library, flow, step, after, live)
        case SetSlotsStep(values=values):
            return after - {name for name, _ in values}
        case CallStep(flow=called):
            return after | live.get((called, _first(library, called)), NOTHING)
        case ActionStep(action=action):
            return after | condition_slots(library, action)
        case _:
            return after


def _collect(library: Library, flow: Flow, step: CollectStep, after: Slots, live: Mapping[Place, Slots]) -> Slots:
    rejections = _union(each.condition.slots | condition_slots(library, each.utter) for each in step.rejections)
    read = after | rejections | condition_slots(library, step.utter)
    if step.on_exhausted in flow.steps:
        read |= live.get((flow.id, str(step.on_exhausted)), NOTHING)
    elif step.on_exhausted:
        read |= _linked(library, flow, step.on_exhausted, live)
    return read - {step.slot} if step.ask_before_filling else read | {step.slot}


def _at_end(callers: Iterable[tuple[Flow, CallStep]], live: Mapping[Place, Slots]) -> Slots:
    """Back in the callers; else the flow is over."""
    back = [
        _reads(call.next) | _union(live.get((caller.id, target), NOTHING) for target in targets(call))
        for caller, call in callers
    ]
    return _union(back)


def _linked(library: Library, flow: Flow, target: str, live: Mapping[Place, Slots]) -> Slots:
    """What the linked flow reads, less what this flow forgets when it ends and has no value to begin with."""
    if target.startswith("pattern_") and not flow.is_pattern:
        return NOTHING
    return live.get((target, _first(library, target)), NOTHING) - flow.own_slots


def _reads(way: Next) -> Slots:
    return _union(branch.condition.slots for branch in way.branches if branch.condition)


def _first(library: Library, flow: str) -> str:
    found = library.flows.get(flow)
    return found.first if found else END


def _callers(library: Library) -> Mapping[str, list[tuple[Flow, CallStep]]]:
    callers: dict[str, list[tuple[Flow, CallStep]]] = {}
    for flow in library.flows.values():
        for step in flow.steps.values():
            if isinstance(step, CallStep):
                callers.setdefault(step.flow, []).append((flow, step))
    return callers


def _union(sets: Iterable[Slots]) -> Slots:
    return frozenset().union(*sets)
