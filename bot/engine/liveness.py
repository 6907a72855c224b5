"""What can still matter at a step: what some condition, rejection, question or response reads later of which slot.

A condition that only asks whether a slot is one of a few values cannot tell the others apart: so not only which slots
are read is worked out, but which of their values make a difference.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from bot.domain import SlotValue
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
    Next,
    NoopStep,
    SetSlotsStep,
    Step,
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


def live_reads(library: Library) -> Mapping[Place, Reads]:
    """For each place, what is read of slots from there to the end of its flow, whichever way is taken; what is read
    when a called flow is back in its caller is `read_after_call`.

    It may name too many, never too few. A pattern may begin at any time, so it is walked with every value of what it
    reads; what leads to it need not remember.
    """
    live: dict[Place, Reads] = {(flow.id, END): NOTHING for flow in library.flows.values()}
    before: dict[Place, Reads] | None = None
    while live != before:
        before = dict(live)
        for flow in library.flows.values():
            for step in reversed(tuple(flow.steps.values())):
                live[flow.id, step.id] = _at(library, flow, step, live)
    return live


def read_after_call(library: Library, live: Mapping[Place, Reads]) -> Mapping[Place, Reads]:
    """For each step that calls, what its flow reads once the called flow is over."""
    steps = ((flow, step) for flow in library.flows.values() for step in flow.steps.values())
    return {(flow.id, step.id): _after(flow, step, live) for flow, step in steps if isinstance(step, CallStep)}


def _after(
    flow: Flow, step: ActionStep | CallStep | CollectStep | NoopStep | SetSlotsStep, live: Mapping[Place, Reads]
) -> Reads:
    return _reads(step.next) | _union(live.get((flow.id, target), NOTHING) for target in targets(step))


def of_response(library: Library, response_id: str) -> Reads:
    """What decides which variation of a response is said."""
    response = library.responses.get(response_id)
    conditions = [each.condition for each in response.variations] if response else []
    return _union(of_condition(condition) for condition in conditions if condition)


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


def _at(library: Library, flow: Flow, step: Step, live: Mapping[Place, Reads]) -> Reads:
    if isinstance(step, LinkStep):
        return _linked(library, flow, step.flow, live)
    after = _after(flow, step, live)
    match step:
        case CollectStep():
            return _collect(library, flow, step, after, live)
        case SetSlotsStep(values=values):
            return without(after, (name for name, _ in values))
        case CallStep(flow=called):
            return after | live.get((called, _first(library, called)), NOTHING)
        case ActionStep(action=action):
            return after | of_response(library, action)
        case _:
            return after


def _collect(library: Library, flow: Flow, step: CollectStep, after: Reads, live: Mapping[Place, Reads]) -> Reads:
    rejections = _union(of_condition(each.condition) | of_response(library, each.utter) for each in step.rejections)
    read = after | rejections | of_response(library, step.utter)
    if step.on_exhausted in flow.steps:
        read |= live.get((flow.id, str(step.on_exhausted)), NOTHING)
    elif step.on_exhausted:
        read |= _linked(library, flow, step.on_exhausted, live)
    return without(read, [step.slot]) if step.ask_before_filling else read | {(step.slot, None)}


def _linked(library: Library, flow: Flow, target: str, live: Mapping[Place, Reads]) -> Reads:
    """What the linked flow reads, less what this flow forgets when it ends and has no value to begin with."""
    if target.startswith("pattern_") and not flow.is_pattern:
        return NOTHING
    return without(live.get((target, _first(library, target)), NOTHING), flow.own_slots)


def _reads(way: Next) -> Reads:
    return _union(of_condition(branch.condition) for branch in way.branches if branch.condition)


def _first(library: Library, flow: str) -> str:
    found = library.flows.get(flow)
    return found.first if found else END


def _union(sets: Iterable[Reads]) -> Reads:
    return frozenset().union(*sets)
