"""What can still matter at a step: what some condition, rejection, question or response reads later of which slot.

A condition that only asks whether a slot is one of a few values cannot tell the others apart: so not only which slots
are read is worked out, but which of their values make a difference.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from enum import Enum
from typing import TypeVar

from bot.domain import SlotValue
from bot.engine.called import filled_when_back
from bot.library.conditions import (
    And,
    Collection,
    Compare,
    Condition,
    Contains,
    Literal,
    Name,
    Not,
    Op,
    Or,
    Scope,
    Tree,
    Truth,
)
from bot.library.model import (
    END,
    ActionStep,
    CallStep,
    CollectStep,
    Flow,
    Library,
    LinkStep,
    SetSlotsStep,
    Step,
    Variation,
)


class Whole(Enum):
    """Stands for a value: every value of the slot may make a difference."""

    VALUE = "value"


Read = tuple[str, SlotValue | Whole]
"""(slot, a value it is compared with); None: whether it is filled at all."""
Reads = frozenset[Read]
Place = tuple[str, str]
"""(flow, step or END)."""
NOTHING: Reads = frozenset()
Known = TypeVar("Known")


def live_reads(library: Library, *, conditions: bool = True) -> tuple[Mapping[Place, Reads], Mapping[Place, Reads]]:
    """For each place, what is read of slots from there to the end of its flow, whichever way is taken, and by flows it
    links to; and for each step that calls, what its flow reads once the called flow is over.

    Without `conditions` only what is read otherwise: whether a slot that will be asked for is filled. It may name too
    many, never too few. A pattern may begin at any time, so it is walked with every value of what it reads; what leads
    to it need not remember.
    """
    liveness = _Liveness(library, conditions=conditions)
    live = settled(library, liveness.at)
    return live, {(flow.id, step.id): liveness.after(flow, step, live) for flow, step in calls(library)}


def settled(library: Library, at: Callable[[Flow, Step, Mapping[Place, Known]], Known]) -> Mapping[Place, Known]:
    """What is known of each step from the steps that may come next, asked again until nothing new is learnt."""
    known: dict[Place, Known] = {}
    before: dict[Place, Known] | None = None
    while known != before:
        before = dict(known)
        for flow in library.flows.values():
            for step in reversed(tuple(flow.steps.values())):
                known[flow.id, step.id] = at(flow, step, known)
    return known


def calls(library: Library) -> Iterator[tuple[Flow, CallStep]]:
    steps = ((flow, step) for flow in library.flows.values() for step in flow.steps.values())
    return ((flow, step) for flow, step in steps if isinstance(step, CallStep))


def deciding(library: Library, response_id: str) -> list[Condition]:
    """The conditions of a response whose variations differ in more than their words: in what they offer, or advise."""
    response = library.responses.get(response_id)
    variations = response.variations if response else ()
    kinds: set[object] = {_kind(library, each) for each in variations}
    if all(each.condition for each in variations):
        kinds.add(None)  # it may be that none fits
    return [each.condition for each in variations if each.condition] if len(kinds) > 1 else []


def _kind(library: Library, variation: Variation) -> Hashable:
    page = library.pages.get(variation.page or "")
    offered = tuple((button.sets, button.intent, button.title.get("en")) for button in variation.buttons)
    return (offered, page.kind if page else "", bool(variation.text or variation.page))


def of_condition(condition: Condition) -> Reads:
    """Each slot with the values it is compared with; as a whole where it is read in any other way."""
    return frozenset(_of_tree(condition.tree))


def _of_tree(tree: Tree) -> Iterator[Read]:
    match tree:
        case And(items=items) | Or(items=items):
            for item in items:
                yield from _of_tree(item)
        case Not(item=item):
            yield from _of_tree(item)
        case Compare(op=Op.IS | Op.IS_NOT, left=Name(scope=Scope.SLOTS, name=name), right=Literal(value=value)):
            yield name, value
        case Contains(whole=Collection(values=values), part=Name(scope=Scope.SLOTS, name=name)):
            yield from ((name, value) for value in values)
        case Compare(left=left, right=right):
            yield from _whole(_named(left, right))
        case Contains(whole=whole, part=part):
            yield from _whole(_named(whole, part))
        case Truth(operand=operand):
            yield from _whole(_named(operand))
        case _:
            yield from _whole(_named(tree.subject))


def _named(*operands: object) -> Iterator[str]:
    return (each.name for each in operands if isinstance(each, Name) and each.scope is Scope.SLOTS)


def _whole(names: Iterable[str]) -> Reads:
    return frozenset((name, Whole.VALUE) for name in names)


def without(reads: Reads, names: Iterable[str]) -> Reads:
    """What is read, but for these slots."""
    gone = set(names)
    return frozenset(read for read in reads if read[0] not in gone)


def targets(step: Step) -> Iterator[str]:
    """The steps of the same flow that may come next, END among them."""
    if not isinstance(step, LinkStep):
        yield from (branch.target for branch in step.next.branches)


class _Liveness:
    def __init__(self, library: Library, *, conditions: bool = True) -> None:
        self._library = library
        self._conditions = conditions
        self._called = filled_when_back(library).keys()

    def at(self, flow: Flow, step: Step, live: Mapping[Place, Reads]) -> Reads:
        if isinstance(step, LinkStep):
            return self.linked(flow, step.flow, live)
        after = self.after(flow, step, live)
        match step:
            case CollectStep():
                return self.collect(flow, step, after, live)
            case SetSlotsStep(values=values):
                return without(after, (name for name, _ in values))
            case CallStep(flow=called):
                return after | live.get((called, first_of(self._library, called)), NOTHING)
            case ActionStep(action=action):
                return after | self.said(action)
            case _:
                return after

    def after(self, flow: Flow, step: Step, live: Mapping[Place, Reads]) -> Reads:
        branches = () if isinstance(step, LinkStep) else step.next.branches
        read = self.reads(branch.condition for branch in branches)
        return read | _union(live.get((flow.id, target), NOTHING) for target in targets(step))

    def collect(self, flow: Flow, step: CollectStep, after: Reads, live: Mapping[Place, Reads]) -> Reads:
        read = after | self.said(step.utter) | self.reads(each.condition for each in step.rejections)
        read |= _union(self.said(each.utter) for each in step.rejections)
        if step.on_exhausted in flow.steps:
            read |= live.get((flow.id, str(step.on_exhausted)), NOTHING)
        elif step.on_exhausted:
            read |= self.linked(flow, step.on_exhausted, live)
        return without(read, [step.slot]) if step.ask_before_filling else read | {(step.slot, None)}

    def linked(self, flow: Flow, target: str, live: Mapping[Place, Reads]) -> Reads:
        """What the linked flow reads, less what this flow forgets when it ends and has no value to begin with.

        A called flow forgets nothing, and what it leads to is walked in its caller, patterns too.
        """
        reads = live.get((target, first_of(self._library, target)), NOTHING)
        if flow.id in self._called:
            return reads
        if target.startswith("pattern_") and not flow.is_pattern:
            return NOTHING
        return without(reads, flow.own_slots)

    def said(self, response_id: str) -> Reads:
        return self.reads(deciding(self._library, response_id))

    def reads(self, conditions: Iterable[Condition | None]) -> Reads:
        found = conditions if self._conditions else ()
        return _union(of_condition(condition) for condition in found if condition)


def first_of(library: Library, flow: str) -> str:
    found = library.flows.get(flow)
    return found.first if found else END


def _union(sets: Iterable[Reads]) -> Reads:
    return frozenset().union(*sets)
