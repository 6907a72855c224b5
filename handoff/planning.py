"""How many advisers are needed so that so many in a hundred are answered in time; and what if more come.

Each adviser holds several conversations at once, each a place; a handling time is one of a conversation beside as many
others as were held when it was measured. Each hour of the window is judged by itself, as if it had lasted for long
(the "stationary independent period by period" way: L. Green, P. Kolesar, J. Soares, Operations Research 49(4), 2001),
and the window's share is the mean of its hours', each weighing what comes in it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from math import isfinite
from typing import Final

from handoff import erlang
from handoff.arrivals import Arrivals, Team, Times
from handoff.erlang import Load

MOST_ADVISERS: Final = 500
MOST_AT_ONCE: Final = 20
FACTORS: Final = (1.0, 2.0, 3.0, 6.0)
"""What if so many times as many come. 6 is the year in which cases rose by 500 %."""
FEW_DAYS: Final = 4
"""On fewer days than this a mean stands on too little to plan by."""
TOO_BUSY: Final = 0.85
"""Above this share of the time nobody can read up, write notes or breathe out."""
_HOUR: Final = timedelta(hours=1)


class Missing(StrEnum):
    """Why there is no answer."""

    CLOSED = "closed"
    """The service was never open in that window."""
    NOBODY = "nobody"
    """Nobody came in that window in all the weeks."""
    HANDLING = "handling"
    """Too few conversations have ended to say how long one takes, and nobody has said it."""
    TEAM = "team"
    """Nobody can hold a conversation, and nobody has said how many one adviser holds."""
    TOO_MANY = "too_many"
    """More than MOST_ADVISERS would be needed."""


@dataclass(frozen=True, slots=True)
class Question:
    """`weekday` 0 is Monday; the window is from the hour `begins` to the hour `ends`, which is not in it.

    `handling` and `at_once` None: as measured, and as the accounts say.
    """

    weekday: int
    begins: int
    ends: int
    percent: int
    within: timedelta
    factor: float = 1.0
    handling: timedelta | None = None
    at_once: int | None = None


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the window: so many cases an hour, and how much they weigh."""

    hour: int
    load: Load
    cases: float
    """Expected in that hour of one day, over the time it is open."""


@dataclass(frozen=True, slots=True)
class Fare:
    """How a window fares with so many advisers. Shares are 0 to 1, of those who come."""

    advisers: int
    in_time: float
    left: float
    busy: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    factor: float
    per_hour: float
    """The mean over the window."""
    fare: Fare | None
    """With as many as are needed; None when more than MOST_ADVISERS are."""
    now: Fare | None
    """With as many as the question itself needs."""


@dataclass(frozen=True, slots=True)
class Answer:
    question: Question
    hours: tuple[Hour, ...]
    days: int
    """How many such weekdays were measured."""
    at_once: int
    handling: timedelta
    patience: timedelta | None
    fare: Fare
    one_less: Fare | None
    """None when one is enough."""
    if_nobody_leaves: int | None
    """Advisers by Erlang C; None when nobody is known to leave, or too many are needed."""
    busiest: tuple[date, int, Fare | None]
    """The day on which most came in the window, how many, and what such a day needs (times the factor)."""
    what_ifs: tuple[WhatIf, ...]

    @property
    def per_hour(self) -> float:
        return mean_rate(self.hours)

    @property
    def offered(self) -> float:
        """Conversations under way at a time, if nobody left: erlangs."""
        return self.per_hour * (self.handling / _HOUR)


def answer(question: Question, arrivals: Arrivals, times: Times, team: Team) -> Answer | Missing:
    handling, at_once = question.handling or times.handling, question.at_once or _places_of(team)
    cells = [arrivals.cell(question.weekday, hour) for hour in range(question.begins, question.ends)]
    if not any(cells):
        return Missing.CLOSED
    if not any(cell.cases for cell in cells if cell):
        return Missing.NOBODY
    if handling is None:
        return Missing.HANDLING
    if at_once is None:
        return Missing.TEAM
    hours = window(question, arrivals, handling, times.patience)
    needed = advisers_needed(hours, at_once, question)
    if needed is None:
        return Missing.TOO_MANY
    return Answer(
        question,
        hours,
        len(arrivals.on(question.weekday)),
        at_once,
        handling,
        times.patience,
        fare(hours, needed, at_once, question.within),
        fare(hours, needed - 1, at_once, question.within) if needed > 1 else None,
        advisers_needed(_patient(hours), at_once, question) if times.patience else None,
        _busiest(question, arrivals, hours, at_once),
        tuple(_what_if(question, hours, factor, at_once, needed) for factor in FACTORS),
    )


def window(question: Question, arrivals: Arrivals, handling: timedelta, patience: timedelta | None) -> tuple[Hour, ...]:
    """The hours of the window in which the service is open at all, with the question's factor."""
    found = []
    for hour in range(question.begins, question.ends):
        cell = arrivals.cell(question.weekday, hour)
        if cell is not None:
            rate = cell.per_hour * question.factor
            load = Load(rate, handling / _HOUR, patience / _HOUR if patience else None)
            found.append(Hour(hour, load, rate * cell.open_h / cell.days))
    return tuple(found)


def advisers_needed(hours: Sequence[Hour], at_once: int, question: Question) -> int | None:
    """The fewest with whom the share is reached; None when MOST_ADVISERS are not enough."""
    counts = range(1, MOST_ADVISERS + 1)
    found = bisect_left(
        counts, True, key=lambda count: share_in_time(hours, count * at_once, question.within) >= question.percent / 100
    )
    return counts[found] if found < len(counts) else None


def share_in_time(hours: Sequence[Hour], places: int, within: timedelta) -> float:
    return _mean(hours, [erlang.in_time(each.load, places, within / _HOUR) for each in hours])


def fare(hours: Sequence[Hour], advisers: int, at_once: int, within: timedelta) -> Fare:
    places = advisers * at_once
    outlooks = [erlang.outlook(each.load, places) for each in hours]
    left, busy = _mean(hours, [each.left for each in outlooks]), sum(each.busy for each in outlooks) / len(hours)
    return Fare(advisers, share_in_time(hours, places, within), left, busy)


def percentile(hours: Sequence[Hour], places: int, share: float) -> timedelta | None:
    """`share` (0 to 1) of those who are answered waited no longer; None where nobody ever is."""
    found = erlang.percentile(
        lambda within: _mean(hours, [erlang.in_time(each.load, places, within) for each in hours]), share
    )
    return timedelta(hours=found) if isfinite(found) else None


def mean_rate(hours: Sequence[Hour]) -> float:
    return sum(each.load.per_hour for each in hours) / len(hours)


# --- within ----------------------------------------------------------------------------------------------------------


def _places_of(team: Team) -> int | None:
    """Whole conversations at once, rounded down: half a place holds nobody."""
    return None if team.at_once is None else max(1, int(team.at_once))


def _mean(hours: Sequence[Hour], shares: Sequence[float]) -> float:
    """Each hour weighs what comes in it; where nobody comes, all weigh alike."""
    weights = [each.cases for each in hours] if any(each.cases for each in hours) else [1.0] * len(hours)
    return sum(weight * share for weight, share in zip(weights, shares, strict=True)) / sum(weights)


def _times(hours: Sequence[Hour], factor: float) -> tuple[Hour, ...]:
    return tuple(
        replace(each, load=replace(each.load, per_hour=each.load.per_hour * factor), cases=each.cases * factor)
        for each in hours
    )


def _patient(hours: Sequence[Hour]) -> tuple[Hour, ...]:
    return tuple(replace(each, load=replace(each.load, patience=None)) for each in hours)


def _what_if(question: Question, hours: Sequence[Hour], factor: float, at_once: int, now: int) -> WhatIf:
    more = _times(hours, factor / question.factor)
    needed = advisers_needed(more, at_once, question)
    found = None if needed is None else fare(more, needed, at_once, question.within)
    return WhatIf(factor, mean_rate(more), found, fare(more, now, at_once, question.within))


def _busiest(
    question: Question, arrivals: Arrivals, hours: Sequence[Hour], at_once: int
) -> tuple[date, int, Fare | None]:
    """The day with most in the window; its hours are thought to share it as the mean day's do."""
    inside = range(question.begins, question.ends)
    cases = {
        day: sum(stretch.cases for hour, stretch in arrivals.days[day].items() if hour in inside)
        for day in arrivals.on(question.weekday)
    }
    day = max(cases, key=lambda each: (cases[each], each))
    usual = sum(each.cases for each in hours) / question.factor
    such = _times(hours, cases[day] / usual if usual else 1)
    needed = advisers_needed(such, at_once, question)
    return day, cases[day], None if needed is None else fare(such, needed, at_once, question.within)
