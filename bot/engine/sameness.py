"""Which states nobody can tell apart from here on: then one of them stands for all.

What can still happen depends on the conditions that lie ahead. Where no slot of a condition can be filled again before
it is read, only its outcome counts, not the values that make it; where some can, what is left of it counts, and the
values of the slots it still reads.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass

from bot.domain import Slots, SlotValue
from bot.engine.called import filled_when_back
from bot.engine.liveness import (
    NOTHING,
    Place,
    Reads,
    Whole,
    calls,
    deciding,
    first_of,
    live_reads,
    settled,
    targets,
)
from bot.engine.residuals import names_in, residual
from bot.library.actions import filled_by
from bot.library.conditions import Condition
from bot.library.model import (
    ActionStep,
    CallStep,
    CollectStep,
    Flow,
    Library,
    LinkStep,
    SetSlotsStep,
    SlotType,
    Step,
)

Compared = frozenset[SlotValue] | None
"""The values of a slot that are told apart; None: all of them."""
Key = tuple[Hashable, ...]
Filled = tuple[tuple[str, SlotValue], ...]
"""Slots that are filled, in the order of their names."""

_ANOTHER = "\x00"
"""Stands for every value that makes no difference."""

Ahead = Mapping[int, frozenset[str]]
"""Each condition that lies ahead (by the number it is known by) -> those of its slots that may be filled before it."""
NONE_AHEAD: Ahead = {}


class Sameness:
    """Worked out once for a library; `key` is the same for states that nobody can tell apart."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._conditions: dict[int, Condition] = {}
        self._filled_when_back = filled_when_back(library)
        self._ahead, self._after_call = self._worked_out()
        self._live, self._live_after_call = live_reads(library)
        self._other, self._other_after_call = live_reads(library, conditions=False)
        self._known: dict[tuple[Place, ...], _Here] = {}

    def live(self, places: tuple[Place, ...]) -> Mapping[str, Compared]:
        """The slots that are read from where the stack stands (the flow on top last), with the values told apart."""
        return self._here(places).live

    def mattering(self, places: tuple[Place, ...], slots: Slots) -> Filled:
        """The slots that are filled and still read."""
        live = self.live(places)
        return tuple(sorted((name, value) for name, value in slots.items() if name in live and value is not None))

    def key(self, places: tuple[Place, ...], slots: Slots) -> Key:
        here = self._here(places)
        left = tuple([left_of(slots) for left_of in here.residuals])
        open_ = here.always | names_in(left)
        values = [(name, self._stand_in(name, slots.get(name), here.live.get(name))) for name in sorted(open_)]
        return (left, *values)

    def _stand_in(self, name: str, value: SlotValue, compared: Compared) -> SlotValue:
        """The value itself where it makes a difference; else one and the same for all that make none."""
        slot = self._library.slots.get(name)
        if slot is None or slot.type is not SlotType.CATEGORICAL or compared is None or value in compared:
            return value
        return None if value is None else _ANOTHER

    def _here(self, places: tuple[Place, ...]) -> "_Here":
        if places not in self._known:
            *callers, top = places
            ahead = self._ahead.get(top, NONE_AHEAD)
            live, other = self._live.get(top, NOTHING), self._other.get(top, NOTHING)
            for place, above in zip(callers, places[1:], strict=True):
                back = self._after_call.get(place, NONE_AHEAD)
                ahead = _union(ahead, self._past(back, self._filled_when_back[above[0]]))
                live |= self._live_after_call.get(place, NOTHING)
                other |= self._other_after_call.get(place, NOTHING)
            self._known[places] = self._made(ahead, by_slot(live), frozenset(name for name, _ in other))
        return self._known[places]

    def _made(self, ahead: Ahead, live: Mapping[str, Compared], always: frozenset[str]) -> "_Here":
        """Conditions that say the same are one; of those of which nothing can be decided, only their slots count."""
        conditions = {(self._conditions[number].source, filled): number for number, filled in ahead.items()}
        closed = []
        for (_, filled), number in sorted(conditions.items(), key=lambda each: (each[0][0], sorted(each[0][1]))):
            condition = self._conditions[number]
            if condition.slots <= filled:
                always |= condition.slots & live.keys()
            else:
                closed.append(residual(condition.tree, filled))
        return _Here(tuple(closed), live, always)

    # --- what lies ahead ---------------------------------------------------------------------------------------------

    def _worked_out(self) -> tuple[Mapping[Place, Ahead], Mapping[Place, Ahead]]:
        ahead = settled(self._library, self._at)
        return ahead, {(flow.id, step.id): self._next(flow, step, ahead) for flow, step in calls(self._library)}

    def _at(self, flow: Flow, step: Step, ahead: Mapping[Place, Ahead]) -> Ahead:
        after = self._next(flow, step, ahead)
        match step:
            case CollectStep():
                return self._past(self._asked(flow, step, after, ahead), {step.slot})
            case SetSlotsStep(values=values):
                return self._past(after, {name for name, _ in values})
            case CallStep(flow=called):
                inside = ahead.get((called, first_of(self._library, called)), NONE_AHEAD)
                return _union(inside, self._past(after, self._filled_when_back[called]))
            case ActionStep(action=action):
                return _union(self._past(after, filled_by(action)), self._said(action))
            case _:
                return after

    def _asked(self, flow: Flow, step: CollectStep, after: Ahead, ahead: Mapping[Place, Ahead]) -> Ahead:
        """Its slot may be emptied first: to be asked anew, or because its value is rejected."""
        found = _union(after, self._numbered(each.condition for each in step.rejections))
        for response in (step.utter, *(each.utter for each in step.rejections)):
            found = _union(found, self._said(response))
        if step.on_exhausted in flow.steps:
            return _union(found, ahead.get((flow.id, str(step.on_exhausted)), NONE_AHEAD))
        return _union(found, self._linked(flow, step.on_exhausted, ahead)) if step.on_exhausted else found

    def _next(self, flow: Flow, step: Step, ahead: Mapping[Place, Ahead]) -> Ahead:
        if isinstance(step, LinkStep):
            return self._linked(flow, step.flow, ahead)
        found = self._numbered(branch.condition for branch in step.next.branches)
        for target in targets(step):
            found = _union(found, ahead.get((flow.id, target), NONE_AHEAD))
        return found

    def _linked(self, flow: Flow, target: str, ahead: Mapping[Place, Ahead]) -> Ahead:
        """The linked flow, at whose beginning this one's own slots are empty; patterns are walked by themselves.

        What a called flow leads to may drop its callers, and with them whatever they filled.
        """
        linked = ahead.get((target, first_of(self._library, target)), NONE_AHEAD)
        if flow.id in self._filled_when_back:
            return self._past(linked, self._library.slots)
        if target.startswith("pattern_") and not flow.is_pattern:
            return NONE_AHEAD
        return self._past(linked, flow.own_slots)

    def _past(self, ahead: Ahead, filled: Collection[str]) -> Ahead:
        """The same, seen from before these slots may be filled."""
        may_be_filled = frozenset(filled)
        return {number: had | (self._conditions[number].slots & may_be_filled) for number, had in ahead.items()}

    def _said(self, response_id: str) -> Ahead:
        return self._numbered(deciding(self._library, response_id))

    def _numbered(self, conditions: Iterable[Condition | None]) -> Ahead:
        found = [condition for condition in conditions if condition]
        self._conditions.update({id(condition): condition for condition in found})
        return {id(condition): frozenset() for condition in found}


def _union(one: Ahead, other: Ahead) -> Ahead:
    if not other or not one:
        return one or other
    return {number: one.get(number, NOTHING_FILLED) | other.get(number, NOTHING_FILLED) for number in {**one, **other}}


NOTHING_FILLED: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Here:
    """`residuals`: what is left of each condition ahead; `always`: slots that count whatever is left of the others."""

    residuals: tuple[Callable[[Slots], Hashable], ...]
    live: Mapping[str, Compared]
    always: frozenset[str]


def by_slot(reads: Reads) -> Mapping[str, Compared]:
    """Slot -> the values it is compared with, in the order of names."""
    found: dict[str, set[SlotValue | Whole]] = {}
    for name, value in reads:
        found.setdefault(name, set()).add(value)
    return {
        name: None if Whole.VALUE in values else frozenset(each for each in values if not isinstance(each, Whole))
        for name, values in sorted(found.items())
    }
