"""Where people stop: how often each step was reached and was the last, by flow."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from handoff.figures import Share
from handoff.periods import Days

SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class StepCount:
    """One step of one flow: how often it was reached, and how often a contact ended there."""

    flow: str
    step: str
    reached: int
    last: int
    is_end: bool
    """Nothing is asked after it: a contact that ended here was not broken off."""

    @property
    def left(self) -> int:
        """How many broke off here."""
        return 0 if self.is_end else self.last

    @property
    def share(self) -> Share:
        """Of those who reached it, who broke off here."""
        return Share(self.left, self.reached)


@dataclass(frozen=True, slots=True)
class FlowCount:
    flow: str
    reached: int
    """The most that any of its steps was reached: its first one, as a rule."""
    left: int


@dataclass(frozen=True, slots=True)
class Dropoff:
    flows: tuple[FlowCount, ...]
    """Where most broke off first."""
    worst: tuple[StepCount, ...]
    """At most SHOWN steps of all flows at which somebody broke off."""


Ends = Mapping[str, frozenset[str]]
"""By flow the steps after which nothing is asked."""


def dropoff(conn: sqlite3.Connection, days: Days, ends: Ends) -> Dropoff:
    steps = _steps(conn.execute(_STEPS.format("day >= ? AND day < ?"), [f"{days.first}", f"{days.end}"]), ends)
    flows: dict[str, list[StepCount]] = {}
    for step in steps:
        flows.setdefault(step.flow, []).append(step)
    counts = [
        FlowCount(flow, max(step.reached for step in found), sum(step.left for step in found))
        for flow, found in flows.items()
    ]
    by_left = sorted(counts, key=lambda count: (-count.left, -count.reached, count.flow))
    return Dropoff(tuple(by_left), tuple(step for step in worst_first(steps) if step.left)[:SHOWN])


def of_flow(conn: sqlite3.Connection, flow: str, days: Days | None, ends: Ends) -> tuple[StepCount, ...]:
    """Worst first. `days` None: ever since steps are counted."""
    first, end = (days.first, days.end) if days else (date.min, date.max)
    rows = conn.execute(_STEPS.format("day >= ? AND day < ? AND flow = ?"), [f"{first}", f"{end}", flow])
    return worst_first(_steps(rows, ends))


def worst_first(steps: Iterable[StepCount]) -> tuple[StepCount, ...]:
    """By how many broke off; where that is alike, by their share; then by how often it was reached."""
    return tuple(sorted(steps, key=_order))


# --- within ----------------------------------------------------------------------------------------------------------

_STEPS = "SELECT flow, step, sum(reached), sum(last) FROM step_count WHERE {} GROUP BY flow, step"


def _order(step: StepCount) -> tuple[int, float, int, str]:
    return -step.left, -step.left / max(1, step.reached), -step.reached, step.step


def _steps(rows: Iterable[tuple[str, str, int, int]], ends: Ends) -> tuple[StepCount, ...]:
    nothing: frozenset[str] = frozenset()
    return tuple(StepCount(*row, is_end=row[1] in ends.get(row[0], nothing)) for row in rows)
