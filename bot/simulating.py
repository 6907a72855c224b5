"""`firstline simulate`: made-up enquirers at the real queue, beside what the formula says of them."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite

from bot.app import clock, open_ledger
from bot.config import Settings
from bot.errors import FirstlineError
from handoff import arrivals, planning, simulation
from handoff.erlang import Load
from handoff.hours import DAYS
from handoff.planning import Answer, Fare, Hour, Missing, Question
from handoff.simulation import Chance, Plan, Seen
from handoff.timetable import Timetable

ENOUGH = 4_000
"""So many enquirers are played unless it is said for how long."""
MISSING = {
    Missing.CLOSED: "The service was never open in that window. "
    "Choose other hours, or set when it is open: FIRSTLINE_OPENING_HOURS, or the desk's Opening hours.",
    Missing.NOBODY: "Nobody came in that window in the last weeks.",
    Missing.HANDLING: "Too few conversations have ended to say how long one takes. Say it: --handling 25",
    Missing.TEAM: "Nobody can hold a conversation. Say how many one adviser holds at once: --capacity 2",
    Missing.TOO_MANY: f"More than {planning.MOST_ADVISERS} advisers would be needed.",
}


Tiers = tuple[float, float, float, float]


class NothingToSimulate(FirstlineError):
    """There is nothing to simulate: write --per-hour and --handling, or --weekday, --from and --to."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed. Times in minutes."""

    question: Question
    per_hour: float | None
    patience: float | None
    advisers: int | None
    hours: float | None
    seed: int
    apart: bool
    chance: Chance
    tiers: Tiers
    lost: float
    """0 to 1."""
    until: date | None = None
    """The last day that is measured; None: yesterday."""


@dataclass(frozen=True, slots=True)
class Told:
    """Both sides, as data and in words."""

    data: dict[str, object]
    words: str


def asked(
    weekday: str,
    window: tuple[int, int],
    percent: int,
    minutes: float,
    factor: float,
    handling: float | None,
    at_once: int | None,
) -> Question:
    """The question as it was typed; times in minutes. Raises: ValueError, in words."""
    if weekday not in DAYS:
        raise ValueError(f"--weekday is one of {', '.join(DAYS)}")
    if window[0] >= window[1]:
        raise ValueError("--to is a full hour after --from")
    takes = timedelta(minutes=handling) if handling else None
    return Question(DAYS.index(weekday), *window, percent, timedelta(minutes=minutes), factor, takes, at_once)


def chances(spread: str, tiers: str, lost: int) -> tuple[Chance, Tiers, float]:
    """What is left to chance; `lost` in per cent. Raises: ValueError, in words."""
    if spread not in {each.value for each in Chance}:
        raise ValueError(f"--spread is one of {', '.join(each.value for each in Chance)}")
    try:
        first, second, third, fourth = (float(each) for each in tiers.split(","))
    except ValueError:
        raise ValueError("--tiers are four numbers, such as 2,10,58,30") from None
    found = (first, second, third, fourth)
    if not all(isfinite(each) and each >= 0 for each in found) or not any(found):
        raise ValueError("--tiers are four numbers of 0 or more, not all of them 0")
    return Chance(spread), found, lost / 100


def last_day(text: str) -> date | None:
    """None when nothing was typed. Raises: ValueError, in words."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError("--until is a day, such as 2022-10-31") from None


def simulate(settings: Settings, wish: Wish) -> Told:
    """Plays it. Raises: NothingToSimulate."""
    hours, at_once = _said(wish) if wish.per_hour is not None else _measured(settings, wish)
    needed = planning.advisers_needed(hours, at_once, wish.question)
    advisers = wish.advisers or needed
    if advisers is None:
        raise NothingToSimulate(MISSING[Missing.TOO_MANY])
    loads = tuple(each.load for each in hours)
    lasting = wish.hours or ENOUGH / planning.mean_rate(hours)
    if wish.apart:
        loads, lasting = simulation.apart(loads), lasting * (len(loads) + simulation.APART) / len(loads)
    plan = Plan(loads, advisers, at_once, lasting, wish.seed, wish.chance, wish.tiers, wish.lost)
    return _told(wish.question, hours, plan, simulation.simulate(plan), needed)


# --- within ----------------------------------------------------------------------------------------------------------


def _said(wish: Wish) -> tuple[tuple[Hour, ...], int]:
    if not wish.per_hour or wish.question.handling is None:
        raise NothingToSimulate
    patience = wish.patience / 60 if wish.patience else None
    rate = wish.per_hour * wish.question.factor
    load = Load(rate, wish.question.handling / timedelta(hours=1), patience)
    return (Hour(0, load, rate),), wish.question.at_once or 1


def _measured(settings: Settings, wish: Wish) -> tuple[tuple[Hour, ...], int]:
    with closing(open_ledger(settings)) as ledger:
        reader, hours = ledger.reader(), Timetable(ledger, settings.opening)
        came = arrivals.read(reader, hours, wish.until or arrivals.yesterday(hours, clock()))
        times, team = arrivals.times(reader, came.first, came.last), arrivals.team(reader)
    found = planning.answer(wish.question, came, times, team)
    if not isinstance(found, Answer):
        raise NothingToSimulate(MISSING[found])
    return found.hours, found.at_once


def _told(question: Question, hours: Sequence[Hour], plan: Plan, seen: Seen, needed: int | None) -> Told:
    within = question.within / timedelta(hours=1)
    fare, places = planning.fare(hours, plan.advisers, plan.at_once, question.within), plan.advisers * plan.at_once
    median, most = (planning.percentile(hours, places, share) for share in (0.5, 0.9))
    margin = seen.margin(within)
    data: dict[str, object] = {
        "advisers": plan.advisers,
        "capacity": plan.at_once,
        "per_hour": planning.mean_rate(hours),
        "came": seen.came,
        "seed": plan.seed,
        "needed_by_formula": needed,
        "simulation": {
            "in_time": seen.in_time(within),
            "margin": margin,
            "left": seen.left,
            "median_min": _minutes(seen.percentile(0.5)),
            "p90_min": _minutes(seen.percentile(0.9)),
            "busy": seen.busy,
            "lapsed": seen.lapsed,
        },
        "formula": {
            "in_time": fare.in_time,
            "left": fare.left,
            "median_min": None if median is None else median / timedelta(minutes=1),
            "p90_min": None if most is None else most / timedelta(minutes=1),
            "busy": fare.busy,
        },
    }
    return Told(data, "\n".join(_lines(question, plan, seen, fare, (median, most), needed)))


def _lines(
    question: Question,
    plan: Plan,
    seen: Seen,
    fare: Fare,
    waits: tuple[timedelta | None, timedelta | None],
    needed: int | None,
) -> list[str]:
    within = question.within / timedelta(hours=1)
    margin = seen.margin(within)
    minutes = [None if wait is None else wait / timedelta(minutes=1) for wait in waits]
    rows = [
        (f"answered within {within * 60:g} min", _percent(seen.in_time(within)), _percent(fare.in_time)),
        ("left before an answer", _percent(seen.left), _percent(fare.left)),
        ("half waited at most", _wait(_minutes(seen.percentile(0.5))), _wait(minutes[0])),
        ("9 of 10 waited at most", _wait(_minutes(seen.percentile(0.9))), _wait(minutes[1])),
        ("places in use", _percent(seen.busy), _percent(fare.busy)),
    ]
    aims = "more advisers than can be told" if needed is None else f"{needed}"
    said = [
        f"{seen.came} made-up enquirers at the real queue. Advisers: {plan.advisers}; each holds: {plan.at_once}.",
        f"{'':<26}{'simulation':>12}{'formula':>12}",
        *(f"{name:<26}{played:>12}{told:>12}" for name, played, told in rows),
        f"By the formula, {question.percent} % in time need advisers: {aims}.",
    ]
    if margin is not None:
        said.append(f"The simulated share may be off by {100 * margin:.1f} points (95 %); a longer run is nearer.")
    if seen.lapsed:
        said.append(f"Claims that went back when their lease ran out: {seen.lapsed}.")
    return said


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _minutes(hours: float | None) -> float | None:
    return None if hours is None else hours * 60


def _wait(minutes: float | None) -> str:
    return "–" if minutes is None else f"{minutes:.1f} min"
