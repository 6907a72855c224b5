"""Which steps and choices of the library the tests walked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.engine.walk import shown
from bot.library.model import CollectStep, Library, SlotType, Where


@dataclass(frozen=True, slots=True)
class Place:
    """A step (`value` is "") or one choice of a question."""

    step: str
    value: str
    where: Where

    def __str__(self) -> str:
        choice = f": the choice {self.value}" if self.value else ""
        return f"{self.where}: no test walks {self.step}{choice}"


@dataclass(frozen=True, slots=True)
class Coverage:
    steps: int
    choices: int
    missing: tuple[Place, ...]

    @property
    def missing_steps(self) -> tuple[Place, ...]:
        return tuple(place for place in self.missing if not place.value)

    @property
    def missing_choices(self) -> tuple[Place, ...]:
        return tuple(place for place in self.missing if place.value)

    @property
    def summary(self) -> str:
        steps, choices = self.steps - len(self.missing_steps), self.choices - len(self.missing_choices)
        return f"Walked {steps} of {self.steps} steps and {choices} of {self.choices} choices."

    def lines(self) -> Iterator[str]:
        return (str(place) for place in self.missing)

    def as_data(self) -> dict[str, object]:
        return {
            "steps": self.steps,
            "steps_walked": self.steps - len(self.missing_steps),
            "choices": self.choices,
            "choices_walked": self.choices - len(self.missing_choices),
            "missing": [
                {"step": place.step, "choice": place.value or None, "file": place.where.file, "line": place.where.line}
                for place in self.missing
            ],
        }


def coverage_of(library: Library, walked: set[tuple[str, str]]) -> Coverage:
    places = list(_places(library))
    missing = tuple(place for place in places if (place.step, place.value) not in walked)
    steps = sum(not place.value for place in places)
    return Coverage(steps, len(places) - steps, missing)


def _places(library: Library) -> Iterator[Place]:
    for flow in library.flows.values():
        for step in flow.steps.values():
            name = f"{flow.id}/{step.id}"
            yield Place(name, "", step.where)
            if isinstance(step, CollectStep):
                yield from (Place(name, value, step.where) for value in choices_of(library, step))


def choices_of(library: Library, step: CollectStep) -> Iterable[str]:
    """The values a question's buttons fill; all of the slot's where there are no buttons. Each once, in order."""
    response = library.responses.get(step.utter)
    buttons = [button for variation in (response.variations if response else ()) for button in variation.buttons]
    values = [shown(value) for button in buttons for name, value in button.sets if name == step.slot]
    slot = library.slots.get(step.slot)
    if not values and slot and slot.type is SlotType.CATEGORICAL:
        values = list(slot.values)
    if not values and slot and slot.type is SlotType.BOOL:
        values = ["true", "false"]
    values += [shown(step.dont_know_value)] if step.dont_know else []
    return dict.fromkeys(values)
