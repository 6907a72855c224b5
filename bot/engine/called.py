"""Which flows come back to a caller, and what they may have filled by then, whichever way they took."""

from collections.abc import Iterator, Mapping

from bot.library.actions import filled_by
from bot.library.model import ActionStep, CollectStep, Flow, Library, LinkStep, SetSlotsStep


def filled_when_back(library: Library) -> Mapping[str, frozenset[str]]:
    """Flow that comes back to a caller -> the slots that may be filled or emptied until then.

    They are all slots where one flow leads to another: that one comes back instead, and may have dropped what stood
    below.
    """
    called = {name for flow in library.flows.values() for name in flow.calls}
    instead = _led_to(library, called)
    every = frozenset(library.slots)
    return {**dict.fromkeys(instead, every), **{name: _filled(library, name) for name in called - instead}}


def _led_to(library: Library, called: set[str]) -> set[str]:
    """The flows that may take the place of a called one, because a question of it was not understood."""
    found: set[str] = set()
    waiting = list(called)
    while waiting:
        new = {name for name in _leads_to(library.flows[waiting.pop()]) if name in library.flows} - found
        found |= new
        waiting.extend(new)
    return found


def _filled(library: Library, called: str) -> frozenset[str]:
    flows = list(_called_in_turn(library, called))
    if any(_leads_to(flow) for flow in flows):
        return frozenset(library.slots)
    return frozenset(name for flow in flows for name in _filled_by(flow))


def _called_in_turn(library: Library, called: str) -> Iterator[Flow]:
    """The flow and all it calls; calls never go in a circle (`call-cycle`)."""
    flow = library.flows[called]
    yield flow
    for name in flow.calls:
        yield from _called_in_turn(library, name)


def _leads_to(flow: Flow) -> set[str]:
    steps = flow.steps.values()
    linked = {step.flow for step in steps if isinstance(step, LinkStep)}
    exhausted = {step.on_exhausted for step in steps if isinstance(step, CollectStep) and step.on_exhausted}
    return linked | {name for name in exhausted if name not in flow.steps}


def _filled_by(flow: Flow) -> Iterator[str]:
    for step in flow.steps.values():
        match step:
            case CollectStep(slot=slot):
                yield slot
            case SetSlotsStep(values=values):
                yield from (name for name, _ in values)
            case ActionStep(action=action):
                yield from filled_by(action)
            case _:
                pass
