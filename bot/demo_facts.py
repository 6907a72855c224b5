"""Invented facts by the weights of `demo_history`: rows of cases, contacts and takedowns, alike for the same seed."""

import random
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import chain
from operator import itemgetter
from typing import Final

from bot import demo_history as shape
from bot.demo_history import BY_CODE, CONCERNS, YEARS, Weights, Year
from handoff import advisers, terms
from handoff.domain import AdviserId, Role
from handoff.periods import Days
from handoff.terms import NewTerm

Fact = dict[str, int | str | None]
"""A row by the names of its columns."""
HOUR_S: Final = 3600
DAY: Final = timedelta(days=1)
SATURDAY: Final = 5


def fill(conn: sqlite3.Connection, lead: AdviserId, password_hash: str, now: datetime, seed: int = shape.SEED) -> None:
    """Writes both years, their school terms (set by `lead`) and who worked then, in the caller's transaction. Those
    who worked then have left: nobody logs in as one of them."""
    dice = random.Random(seed)
    people = [_former(conn, name, password_hash, now) for name in shape.FORMER]
    for name, first, last in shape.TERMS:
        terms.add(conn, NewTerm(name, None, first, last, shape.TERMS_FROM), lead, now)
    for year in YEARS:
        cases = list(cases_of(dice, year, days_of(dice, year)))
        insert(conn, "case_facts", cases)
        insert(conn, "contact_facts", contacts_of(dice, cases))
        insert(conn, "takedown_facts", takedowns_of(dice, cases))
        insert(conn, "adviser_load", load_of(cases, dice.choices(people, [*shape.FORMER.values()], k=len(cases))))


def insert(conn: sqlite3.Connection, table: str, rows: Iterable[Fact]) -> None:
    """All rows have the columns of the first."""
    rest = iter(rows)
    first = next(rest, None)
    if first is None:
        return
    statement = f"INSERT INTO {table} ({', '.join(first)}) VALUES ({', '.join('?' * len(first))})"
    conn.executemany(statement, map(itemgetter(*first), chain([first], rest)))


def days_of(dice: random.Random, year: Year) -> list[date]:
    """The day of each case, in order; one comes on the very first."""
    weights = [_busy(year, day) for day in _each(year.days)]
    return [year.days.first, *spread(dice, year.days, weights, year.cases - 1)]


def spread(dice: random.Random, days: Days, weights: Sequence[float], count: int) -> list[date]:
    """`count` days, in order; `weights`: how likely each day is."""
    return sorted(dice.choices(list(_each(days)), weights, k=count))


def cases_of(dice: random.Random, year: Year, days: Iterable[date]) -> Iterator[Fact]:
    """One fact for each of `days`."""
    concerns = Wheel(dice, {concern.code: concern.years[year.number] for concern in CONCERNS})
    platforms, wheels = Wheel(dice, year.platforms), _Wheels(dice)
    for day in days:
        yield wheels.case(day, concerns.spin() or "", platforms.spin())


def contacts_of(
    dice: random.Random, cases: Iterable[Fact], alone: float = shape.CONTACTS_TO_A_CASE - 1
) -> Iterator[Fact]:
    """The contact that led to each case, and `alone` times as often one like it for which the bot was enough."""
    wheels = _Wheels(dice)
    for case in cases:
        yield wheels.contact(case, handed_over=True)
        if dice.random() < alone:
            yield wheels.contact(case, handed_over=False)


def takedowns_of(dice: random.Random, cases: Iterable[Fact]) -> Iterator[Fact]:
    """As many for each case as it says addresses were reported."""
    wheels = _Wheels(dice)
    return (wheels.takedown(case) for case in cases for _ in range(int(case["urls"] or 0)))


def load_of(cases: Iterable[Fact], holders: Sequence[AdviserId]) -> Iterator[Fact]:
    """How many of a month's cases each has closed, and how long they had them. `holders`: of each case."""
    found: dict[tuple[str, AdviserId], list[int]] = {}
    for adviser, case in zip(holders, cases, strict=True):
        if case["handling_s"] is not None:
            found.setdefault((str(case["period"])[:7], adviser), []).append(int(case["handling_s"]))
    for (month, adviser), handled in found.items():
        yield {"month": month, "adviser": adviser, "closed": len(handled), "handled_s": sum(handled)}


class Wheel:
    """Gives codes as often as their weights say; quick, because a million rows spin it thirty times each."""

    def __init__(self, dice: random.Random, weights: Weights) -> None:
        self._random = dice.random
        self._slots = [code for code, weight in weights.items() for _ in range(weight)]
        self._count = len(self._slots)

    def spin(self) -> str | None:
        return self._slots[int(self._random() * self._count)]


# --- within ----------------------------------------------------------------------------------------------------------


def _former(conn: sqlite3.Connection, name: str, password_hash: str, now: datetime) -> AdviserId:
    email = f"{name.split()[0].lower()}@example.org"
    made = advisers.add(conn, name, email, password_hash, Role.ADVISER, now)
    advisers.disable(conn, made, now)
    return made


def _each(days: Days) -> Iterator[date]:
    return (days.first + DAY * number for number in range(days.count))


def _busy(year: Year, day: date) -> float:
    """How many cases such a day brings, against the others."""
    in_term = any(first <= day <= last for _, first, last in shape.TERMS)
    of_month = year.months[(day.month - 11) % 12]
    return of_month * shape.WEEKDAYS[day.weekday()] * (1 if in_term else shape.HOLIDAYS_OF_100 / 100)


class _Wheels:
    """What rows are made of."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._hours = Wheel(dice, {str(hour): weight for hour, weight in enumerate(shape.HOURS)})
        self._roles, self._settings = Wheel(dice, shape.ROLES), Wheel(dice, shape.SETTINGS)
        self._nations, self._channels = Wheel(dice, shape.NATIONS), Wheel(dice, shape.CHANNELS)
        self._languages, self._signposts = Wheel(dice, shape.LANGUAGES), Wheel(dice, shape.SIGNPOSTS)
        self._reasons, self._knew = Wheel(dice, shape.REASONS), Wheel(dice, shape.KNEW_TOOLS)
        self._tiers = Wheel(dice, shape.TIERS), Wheel(dice, shape.GRAVE_TIERS)
        self._outcomes = Wheel(dice, shape.OUTCOMES), Wheel(dice, shape.GRAVE_OUTCOMES)
        self._escalations = Wheel(dice, shape.ESCALATIONS)
        self._stood, self._advised = Wheel(dice, shape.STOOD), Wheel(dice, shape.ADVISED)
        self._helped, self._unsure = Wheel(dice, shape.HELPED), Wheel(dice, shape.UNSURE)
        self._things, self._not_removed = Wheel(dice, shape.THINGS), Wheel(dice, shape.NOT_REMOVED)

    def chance(self, of_100: float) -> bool:
        return self._dice.random() * 100 < of_100

    # --- cases -------------------------------------------------------------------------------------------------------

    def case(self, day: date, concern: str, platform: str | None) -> Fact:
        """One that was closed, or was left before anybody answered."""
        hour, role = int(self._hours.spin() or 0), self._roles.spin()
        needed = self.chance(BY_CODE[concern].needed)
        tier = int(self._tiers[needed].spin() or 3)
        fact: Fact = {
            "period": day.isoformat(),
            "hour": hour,
            "channel": self._channels.spin(),
            "language": self._languages.spin(),
            "library": shape.LIBRARY,
            "reason": "danger" if tier == 0 else self._reasons.spin(),
            "tier": tier,
            "lane": "live" if tier == 0 or _is_open(day, hour) else "messages",
            "role": role,
            "nation": self._nations.spin(),
            "concern": concern,
            "platform": None if concern in shape.NO_PLATFORM else platform,
            "taxonomy": 1,
            "put_back": int(self.chance(3)),
            "is_return": int(self.chance(17)),
        }
        left = self.chance(shape.LEFT_OF_100)
        return {**fact, **(_LEFT if left else self._closed(day, hour, tier, role, concern, needed=needed))}

    def _closed(self, day: date, hour: int, tier: int, role: str | None, concern: str, *, needed: bool) -> Fact:
        what = BY_CODE[concern]
        also = [code for code, of_100 in what.also.items() if self.chance(of_100)]
        outcome = self._outcomes[needed].spin() or ""
        handling = int(self._dice.lognormvariate(7.1, 0.6))
        return {
            "issue": concern,
            "concerns": _as_json(concern, *sorted(also)),
            "setting": shape.OWN_SETTING.get(role or "") or self._settings.spin(),
            "outcome": outcome,
            "route": shape.ROUTES[outcome],
            "escalation": "needed" if needed else self._escalations.spin(),
            "knew_tools": self._knew.spin(),
            "scope": self._scope(what.in_scope),
            "urls": self._reported(what.takedowns),
            "signposts": self._signposts.spin(),
            "follow_up": int(self.chance(24)),
            "feedback": int(self.chance(31)),
            "handling_s": handling,
            **self._waits(day, hour, tier),
        }

    def _scope(self, of_100: int) -> str | None:
        if self.chance(shape.UNSURE_OF_100):
            return self._unsure.spin()
        return "in_scope" if self.chance(of_100) else "out_of_scope"

    def _reported(self, of_100: int) -> int | None:
        """How many things: most often none, seldom many."""
        if not self.chance(min(60, of_100)):
            return None
        return max(1, int(self._dice.expovariate(1) * of_100 / 50 + 0.5))

    def _waits(self, day: date, hour: int, tier: int) -> Fact:
        """Danger is answered at any hour; the rest from the next opening on."""
        wait = int(shape.WAIT_S[tier] * self._dice.lognormvariate(0, 0.9)) + 20
        if tier and not _is_open(day, hour):
            wait += _hours_until_open(day, hour) * HOUR_S
        claimed = int(wait * 0.8)
        return {"claim_wait_s": claimed, "answer_wait_s": wait, "answered_in_time": int(self.chance(93))}

    # --- contacts ----------------------------------------------------------------------------------------------------

    def contact(self, case: Fact, *, handed_over: bool) -> Fact:
        """The same enquirer's, as the bot heard it."""
        stood = "handed_over" if handed_over else self._stood.spin()
        advised = self._advised.spin()
        return {
            **{name: case[name] for name in _SHARED},
            "concerns": _as_json(str(case["concern"])),
            "turns": 3 + int(self._dice.expovariate(0.12)),
            "misses": int(self._dice.expovariate(1.4)),
            "danger": int(case["tier"] == 0 and handed_over),
            "advised": None if stood in _UNADVISED else advised,
            "knew_tools": self._knew.spin() if self.chance(38) else None,
            "helped": None if stood in _UNADVISED else self._helped.spin(),
            "stood": stood,
        }

    # --- takedowns ---------------------------------------------------------------------------------------------------

    def takedown(self, case: Fact) -> Fact:
        """One thing that was reported for a case."""
        platform = case["platform"] or "other"
        removed = self.chance(shape.REMOVED_OF_100.get(str(platform), shape.REMOVED_ELSEWHERE_OF_100))
        hours = shape.HOURS_TO_REMOVAL * self._dice.lognormvariate(0, 1)
        return {
            "period": case["period"],
            "platform": platform,
            "what": self._things.spin(),
            "nation": case["nation"],
            "concern": case["issue"],
            "stage": "removed" if removed else self._not_removed.spin(),
            "reported": 1,
            "on_behalf": int(self.chance(shape.ON_BEHALF_OF_100)),
            "hours": int(hours) if removed else None,
            "within_72": int(hours <= 72) if removed else None,
        }


_SHARED = ("period", "hour", "channel", "language", "library", "is_return", "role", "nation", "concern", "platform")
_UNADVISED = frozenset({"begun", "child", "wrong_place"})
_LEFT: Final[Mapping[str, int | str | None]] = dict.fromkeys(
    ("issue", "concerns", "setting", "route", "escalation", "knew_tools", "scope", "urls", "signposts", "follow_up",
     "feedback", "handling_s", "claim_wait_s", "answer_wait_s", "answered_in_time")
) | {"outcome": "left"}  # fmt: skip


def _as_json(*codes: str) -> str:
    """As the database writes it."""
    return '["' + '","'.join(codes) + '"]'


def _is_open(day: date, hour: int) -> bool:
    return day.weekday() < SATURDAY and shape.OPENS <= hour < shape.CLOSES


def _hours_until_open(day: date, hour: int) -> int:
    if day.weekday() < SATURDAY and hour < shape.OPENS:
        return shape.OPENS - hour
    then = day + DAY
    while then.weekday() >= SATURDAY:
        then += DAY
    return (then - day).days * 24 - hour + shape.OPENS
