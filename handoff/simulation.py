"""The real queue under made-up enquirers: every case is opened, claimed, answered, wrapped up and closed in a real
database, or left, at a clock of its own. What the formula says can so be held against what the queue does."""

import sqlite3
import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from heapq import heappop, heappush
from itertools import count
from math import ceil, sqrt
from pathlib import Path
from random import Random
from statistics import stdev
from typing import Final

from handoff import advisers
from handoff.domain import AdviserId, CaseId, NewCase, Role, Rules
from handoff.erlang import Load
from handoff.hours import OpeningHours, week_from
from handoff.ledger import Ledger
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.seal import Seal

ALWAYS: Final = OpeningHours("UTC", week_from("mon-sun 00:00-24:00"))
BEGINNING: Final = datetime(2024, 1, 1, tzinfo=UTC)
AT_ONCE_WRITTEN: Final = 500
"""So many happenings share one transaction: nothing reads between them."""
NOBODY_LOGS_IN: Final = "$argon2id$simulated"
WARM_UP: Final = 0.1
"""This share of those who come first is not counted: the queue begins empty."""
BATCHES: Final = 20
T_95: Final = 2.093
"""Student's t for 95 % and BATCHES - 1 degrees of freedom."""
APART: Final = 12
"""So many hours without enquirers between windows that begin with nobody there."""


class Chance(Enum):
    """How handling times and patience are drawn around their means."""

    EXPONENTIAL = "exponential"
    """As the formula thinks them."""
    LOGNORMAL = "lognormal"
    """As handling times of people are (L. Brown and others, J. Am. Stat. Assoc. 100, 2005); as wide as its mean."""
    FIXED = "fixed"
    """All the same."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`loads`: hour by hour, over and over again, for so many `hours`."""

    loads: Sequence[Load]
    advisers: int
    at_once: int
    hours: float
    seed: int = 1
    handling: Chance = Chance.EXPONENTIAL
    tiers: tuple[float, float, float, float] = (0, 0, 1, 0)
    """How often a case is of tier 0, 1, 2, 3, as weights. With one tier it is first come, first served."""
    lost: float = 0.0
    """The share (0 to 1) of claims after which the adviser's line is lost before the first word: the lease runs out
    and the case goes back."""

    def __post_init__(self) -> None:
        if not self.loads or self.advisers < 1 or not 1 <= self.at_once <= 20 or self.hours <= 0:
            raise ValueError("a plan has loads, advisers, one to twenty conversations at once, and hours")
        if not 0 <= self.lost < 1 or min(self.tiers) < 0 or not sum(self.tiers):
            raise ValueError("a plan has claims that are not all lost, and cases that have a tier")

    @property
    def first(self) -> float:
        """The hour from which on is counted."""
        return self.hours * WARM_UP

    @property
    def manned(self) -> float:
        """Hours, of those that are counted, in which enquirers come."""
        hours = [number for number in range(int(self.hours) + 1) if self.load(number).per_hour]
        return sum(max(0.0, min(number + 1, self.hours) - max(number, self.first)) for number in hours)

    def load(self, at: float) -> Load:
        return self.loads[int(at) % len(self.loads)]


def apart(loads: Sequence[Load]) -> tuple[Load, ...]:
    """The same hours as a window of its own, before which nobody is there: a service that opens then."""
    return (*loads, *(Load(0, each.handling, each.patience) for each in (loads[-1],) * APART))


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of those who came after the warm-up. Times in hours."""

    answered: tuple[float | None, ...]
    """For each who came, in the order of coming: how long until the answer; None for who left before it."""
    busy: float
    """The handling times of those who were answered, for each hour of a place in which enquirers came."""
    lapsed: int
    """Claims that went back when their lease ran out, the warm-up included."""

    @property
    def came(self) -> int:
        return len(self.answered)

    @property
    def waits(self) -> tuple[float, ...]:
        """Of those who were answered, from short to long."""
        return tuple(sorted(wait for wait in self.answered if wait is not None))

    @property
    def left(self) -> float:
        """The share of those who came."""
        return sum(wait is None for wait in self.answered) / self.came if self.came else 0.0

    def in_time(self, within: float) -> float:
        """The share of those who came that was answered within so many hours."""
        return _share(self.answered, within)

    def margin(self, within: float) -> float | None:
        """How far the share may be off: half the 95 % interval, from the shares of BATCHES parts that follow each other
        (batch means: waits of neighbours are alike, so that they count for less). None when too few came."""
        size = self.came // BATCHES
        if size < BATCHES:
            return None
        shares = [_share(self.answered[size * number : size * (number + 1)], within) for number in range(BATCHES)]
        return T_95 * stdev(shares) / sqrt(BATCHES)

    def percentile(self, share: float) -> float | None:
        """Nearest rank, of those who were answered; None when nobody was."""
        waits = self.waits
        return waits[max(1, ceil(share * len(waits))) - 1] if waits else None


def simulate(plan: Plan) -> Seen:
    """Plays it in a database of its own, in a temporary folder that is taken away."""
    with tempfile.TemporaryDirectory(prefix="firstline-simulate-") as folder:
        seal = Seal(bytes(32))
        ledger = Ledger(Path(folder) / "simulated.db", seal, [migrations])
        try:
            return play(plan, ledger, Queue(seal, ALWAYS))
        finally:
            ledger.close()


def play(plan: Plan, ledger: Ledger, queue: Queue) -> Seen:
    """In this database, which must be empty and not be used for anything else."""
    floor = ledger.write_now(lambda conn: _Floor(plan, queue, _hired(conn, plan)))
    while floor.goes_on:
        ledger.write_now(floor.go_on)
    return floor.seen()


# --- within ----------------------------------------------------------------------------------------------------------


class _Kind(Enum):
    COMES = 1
    LEAVES = 2
    ENDS = 3
    LAPSES = 4


_Happening = tuple[float, int, _Kind, int, AdviserId]
"""When (hours), a number that keeps the order, what, which conversation, whose."""
NOBODY: Final = AdviserId(0)


@dataclass(slots=True)
class _Enquirer:
    at: float
    case: CaseId | None = None
    waited: float | None = None
    took: float = 0.0


class _Floor:
    """The advisers at work. Whoever has a place free takes the next case the queue gives; of several, the one who has
    been free for longest. A place is used from the claim to the close, the wrap-up included."""

    def __init__(self, plan: Plan, queue: Queue, free: deque[AdviserId]) -> None:
        """`free`: each adviser once for each conversation they may hold."""
        self._plan, self._queue, self._free = plan, queue, free
        self._enquirers: dict[int, _Enquirer] = {}
        self._of_case: dict[CaseId, int] = {}
        self._happenings: list[_Happening] = []
        self._numbers = count()
        self._lapsed = 0
        seeds = Random(plan.seed)
        self._coming, self._grading, self._staying = (Random(seeds.random()) for _ in range(3))
        self._losing, self._taking = (Random(seeds.random()) for _ in range(2))
        self._next_comes(0.0)

    @property
    def goes_on(self) -> bool:
        return bool(self._happenings)

    def go_on(self, conn: sqlite3.Connection) -> None:
        for _ in range(AT_ONCE_WRITTEN):
            if not self._happenings:
                return
            at, _, kind, conversation, adviser = heappop(self._happenings)
            match kind:
                case _Kind.COMES:
                    self._comes(conn, at, conversation)
                case _Kind.LEAVES:
                    self._leaves(conn, at, conversation)
                case _Kind.ENDS:
                    self._ends(conn, at, conversation, adviser)
                case _Kind.LAPSES:
                    self._lapses(conn, at, adviser)
            self._take(conn, at)

    def seen(self) -> Seen:
        counted = [each for each in self._enquirers.values() if each.at >= self._plan.first]
        hours = self._plan.advisers * self._plan.at_once * self._plan.manned
        busy = sum(each.took for each in counted) / hours if hours else 0.0
        return Seen(tuple(each.waited for each in counted), busy, self._lapsed)

    def _next_comes(self, after: float) -> None:
        """Poisson arrivals with each hour's own rate: what a rate of 1 would bring, drawn out or pressed together."""
        due, at = self._coming.expovariate(1), after
        while at < self._plan.hours:
            rate, ends = self._plan.load(at).per_hour, min(int(at) + 1, self._plan.hours)
            if due < rate * (ends - at):
                conversation = len(self._enquirers) + 1
                self._enquirers[conversation] = _Enquirer(at + due / rate)
                self._happens(at + due / rate, _Kind.COMES, conversation)
                return
            due, at = due - rate * (ends - at), ends

    def _comes(self, conn: sqlite3.Connection, at: float, conversation: int) -> None:
        tier = self._grading.choices(range(4), self._plan.tiers)[0]
        new = NewCase(conversation, tier, "simulated", "web", "simulated")
        case = self._queue.open_case(conn, new, _when(at)).id
        self._enquirers[conversation].case = case
        self._of_case[case] = conversation
        patience = self._plan.load(at).patience
        stays = self._staying.expovariate(1)
        if patience is not None:
            self._happens(at + stays * patience, _Kind.LEAVES, conversation)
        self._next_comes(at)

    def _leaves(self, conn: sqlite3.Connection, at: float, conversation: int) -> None:
        if self._enquirers[conversation].waited is None:
            self._queue.abandon(conn, conversation, _when(at))

    def _take(self, conn: sqlite3.Connection, at: float) -> None:
        while self._free:
            adviser = self._free[0]
            case = self._queue.next_please(conn, adviser, _when(at))
            if case is None:
                return
            self._free.popleft()
            if self._losing.random() < self._plan.lost:
                self._happens(at + _LEASE, _Kind.LAPSES, 0, adviser)
            else:
                self._answer(conn, at, case, adviser)

    def _answer(self, conn: sqlite3.Connection, at: float, case: CaseId, adviser: AdviserId) -> None:
        conversation = self._of_case[case]
        enquirer = self._enquirers[conversation]
        enquirer.waited = at - enquirer.at
        self._queue.say(conn, case, adviser, "Hello", f"hello-{case}", 0, _when(at))
        enquirer.took = self._takes(self._plan.load(enquirer.at).handling)
        self._happens(at + enquirer.took, _Kind.ENDS, conversation, adviser)

    def _ends(self, conn: sqlite3.Connection, at: float, conversation: int, adviser: AdviserId) -> None:
        case = self._enquirers[conversation].case
        assert case is not None
        self._queue.wrap_up(conn, case, adviser, _when(at))
        self._queue.close(conn, case, adviser, "simulated", "simulated", _when(at))
        self._free.append(adviser)

    def _lapses(self, conn: sqlite3.Connection, at: float, adviser: AdviserId) -> None:
        self._lapsed += len(self._queue.lapse(conn, _when(at)))
        self._free.append(adviser)

    def _happens(self, at: float, kind: _Kind, conversation: int, adviser: AdviserId = NOBODY) -> None:
        heappush(self._happenings, (at, next(self._numbers), kind, conversation, adviser))

    def _takes(self, mean: float) -> float:
        match self._plan.handling:
            case Chance.EXPONENTIAL:
                return self._taking.expovariate(1 / mean)
            case Chance.LOGNORMAL:
                return mean * self._taking.lognormvariate(-_WIDE / 2, _WIDE**0.5)
            case Chance.FIXED:
                return mean


_LEASE: Final = (Rules().lease + timedelta(milliseconds=1)) / timedelta(hours=1)
_WIDE: Final = 0.6931471805599453
"""log 2, the variance of the logarithm: the standard deviation is then the mean."""


def _share(answered: Sequence[float | None], within: float) -> float:
    return sum(wait is not None and wait <= within for wait in answered) / len(answered) if answered else 1.0


def _when(at: float) -> datetime:
    """Whole milliseconds, as the queue writes them."""
    return BEGINNING + timedelta(milliseconds=round(at * 3_600_000))


def _hired(conn: sqlite3.Connection, plan: Plan) -> deque[AdviserId]:
    """Each stands in the line once for each conversation they may hold; neighbours are different people."""
    hired = [
        advisers.add(
            conn, f"Adviser {number}", f"{number}@example.org", NOBODY_LOGS_IN, Role.ADVISER, BEGINNING, plan.at_once
        )
        for number in range(1, plan.advisers + 1)
    ]
    return deque(hired * plan.at_once)
