"""What every reader of one library shares: the complaints, the declared slots, and the names to look up at the end."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain import SlotValue
from bot.library.complaints import Complaints, did_you_mean
from bot.library.condition_check import check
from bot.library.conditions import Condition, ConditionError, parse
from bot.library.marked import Scalar
from bot.library.model import Slot, Where
from bot.library.slot_values import value_of

LANGUAGES = ("en", "cy")
"""Declared languages, the one that others fall back to first."""


class Names(StrEnum):
    """What kind of thing a name in a file stands for."""

    FLOW = "flow"
    CALLED = "called flow"
    LINKED = "linked flow"
    ACTION = "action"
    RESPONSE = "response"
    PAGE = "page"
    INTENT = "intent"


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that something else must define; `by` is the flow or response that uses it."""

    kind: Names
    name: str
    where: Where
    by: str
    section: Scalar | None = None


@dataclass(slots=True)
class Loading:
    complaints: Complaints = field(default_factory=Complaints)
    slots: dict[str, Slot] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    placeholders: list[tuple[str, Where, str]] = field(default_factory=list)
    """(what stands between the braces, place, response or "" for a page)."""
    context_uses: list[tuple[str, Where]] = field(default_factory=list)
    """(response, place) wherever a response reads `context`: fine only when no ordinary flow says it."""

    def refer(self, kind: Names, scalar: Scalar, by: str, section: Scalar | None = None) -> None:
        self.references.append(Reference(kind, scalar.text, scalar.where, by, section))

    def condition(self, scalar: Scalar | None, *, context: bool) -> Condition | None:
        """The condition read and checked; None when there is none or, after a complaint, when it cannot be read."""
        if scalar is None:
            return None
        try:
            condition = parse(scalar.text, scalar.where)
        except ConditionError as error:
            self.complaints.error(scalar.at(error.offset), error.code, error.message)
            return None
        for problem in check(condition, self.slots, context=context):
            complain = self.complaints.warning if problem.warning else self.complaints.error
            complain(scalar.at(problem.offset), problem.code, problem.message, problem.fix)
        return condition

    def slot(self, scalar: Scalar) -> Slot | None:
        """The declared slot of that name; None after a complaint."""
        slot = self.slots.get(scalar.text)
        if slot is None:
            fix = did_you_mean(scalar.text, self.slots, "declare it under slots:")
            self.complaints.error(scalar.where, "no-slot", f"no slot '{scalar.text}'", fix)
        return slot

    def slot_names(self, scalars: tuple[Scalar, ...]) -> Iterator[str]:
        return (slot.name for slot in map(self.slot, scalars) if slot)

    def value(self, slot: Slot, text: str, where: Where) -> tuple[bool, SlotValue]:
        """(good, value of the slot); not good after a complaint."""
        try:
            return True, value_of(slot, text)
        except ValueError as error:
            message, fix = error.args
            self.complaints.error(where, "slot-value", message, fix)
            return False, None
