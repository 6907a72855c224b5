"""More than usual of something: a concern on a platform in a nation, in seven days held against the eight weeks before.

The weeks before say how many to expect, and how certainly. If cases come independently at an unknown steady rate, the
number of the next week has a negative binomial distribution (the predictive distribution of a Poisson number; Gelman
and others, "Bayesian Data Analysis", 3rd ed., section 2.6). Cases come in clusters, too: where the weeks before vary
more than that, the tail is widened as far, as in the surveillance of outbreaks (Farrington and others, "A statistical
algorithm for the early detection of outbreaks of infectious disease", J. R. Stat. Soc. A 159, 1996).

Many combinations are looked at, so a small chance each would give false alarms every day. Benjamini and Hochberg's
procedure (J. R. Stat. Soc. B 57, 1995) with WRONGLY = 0.01: in a hundred looks at a quiet service about one says
something; where something spreads over many platforms or nations at once, it asks for less of each than a fixed limit.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from math import exp, lgamma, log, log1p
from typing import Final, NamedTuple

from handoff.figures import LIVE
from handoff.periods import Days
from handoff.reports import carried
from handoff.reports.counts import UNSAID
from handoff.reports.model import ENOUGH
from handoff.reports.sweeping import Kind, by_stretch

RECENT: Final = 7
"""Days that are held against those before; whole weeks, so that weekends weigh the same."""
WEEKS: Final = 8
"""Weeks before. With less history nothing is said."""
WRONGLY: Final = 0.01
"""How often it may say something when there is nothing."""


class What(NamedTuple):
    """Codes; UNSAID where one is not known. (A tuple is hashed many times as fast, and there are many.)"""

    concern: str
    platform: str
    nation: str


@dataclass(frozen=True, slots=True)
class Surge:
    what: What
    seen: int
    """In the seven days up to `last`; never fewer than ENOUGH."""
    expected: float
    """In seven days, from the weeks before."""
    since: date
    """The day from which on there was most more than expected."""
    last: date

    @property
    def ratio(self) -> float | None:
        """How many times as many as expected; None when none was seen in the weeks before."""
        return self.seen / self.expected if self.expected else None


@dataclass(frozen=True, slots=True)
class Look:
    """`is_enough`: whether there was enough history to say anything; without it `surges` is empty."""

    surges: tuple[Surge, ...]
    is_enough: bool


Daily = Mapping[date, Mapping[What, int]]


def found(by_day: Daily, last: date) -> tuple[Surge, ...]:
    """What there was more of than usual in the seven days up to and with `last`, the least likely first. Pure.

    Days after `last` and before the eight weeks are passed over. There must have been as much history: see `read`.
    """
    return _found(_weeks(by_day, last, {}), by_day, last)


def read(conn: sqlite3.Connection, today: date) -> Look:
    """The seven days up to today, as it is now: cases that have ended, and those that are still open."""
    days = Days(today - timedelta(days=RECENT * (WEEKS + 1) - 1), today + timedelta(days=1))
    if not _has_history(conn, days.first):
        return Look((), False)
    return Look(found(_daily(conn, days), today), True)


def in_weeks(conn: sqlite3.Connection, days: Days) -> Look:
    """The surges of a period, by weeks that lie wholly in it and end on Sunday: what surged the week before too is not
    told again. Counted from facts alone, so that what is said of a past period stays what it was; by whole weeks, so
    that `since` is the last day of each."""
    sundays = [day for day in _days_of(days) if day.weekday() == 6 and day - timedelta(days=RECENT - 1) >= days.first]
    first = min(sundays, default=days.last) - timedelta(days=RECENT * (WEEKS + 1) - 1)
    sundays = [day for day in sundays if _has_history(conn, day - timedelta(days=RECENT * (WEEKS + 1) - 1))]
    by_day = _weekly(conn, Days(first, days.end)) if sundays else {}
    surges: list[Surge] = []
    before: set[What] = set()
    added_up: dict[date, Counter[What]] = {}
    for sunday in sundays:
        these = _found(_weeks(by_day, sunday, added_up), by_day, sunday)
        surges += [surge for surge in these if surge.what not in before]
        before = {surge.what for surge in these}
    return Look(tuple(surges), bool(sundays))


# --- within ----------------------------------------------------------------------------------------------------------

_FACTS: Final = Kind(
    "case_facts",
    {"concern": "coalesce(issue, concern)", "platform": "platform", "nation": "nation"},
    together=(("concern", "platform", "nation"),),
    splits=(),
)
_ENDED = """
SELECT period, coalesce(issue, concern), platform, nation, count(*) FROM case_facts
 WHERE period >= :first AND period < :end GROUP BY period, issue, concern, platform, nation
"""
"""In the order of an index that holds all of it: a third of the time of a sweep, where days are asked for."""
_OPEN = f"""
SELECT cases.opened_on, coalesce(queue_item.issue, cases.concern), cases.platform, cases.nation, count(*)
  FROM queue_item JOIN cases ON cases.id = queue_item."case"
 WHERE queue_item."case" IN ({LIVE}) AND cases.opened_on >= :first AND cases.opened_on < :end
 GROUP BY 1, 2, 3, 4
"""


_Counted = tuple[date, str | None, str | None, str | None, int]
"""A day, what, and how many."""


def _has_history(conn: sqlite3.Connection, first: date) -> bool:
    row = conn.execute("SELECT min(period) FROM case_facts").fetchone()
    return row[0] is not None and date.fromisoformat(row[0]) <= first


def _daily(conn: sqlite3.Connection, days: Days) -> Daily:
    """By day, with what is still open."""
    return _told(conn, chain(_counted(conn, _ENDED, days), _counted(conn, _OPEN, days)))


def _weekly(conn: sqlite3.Connection, days: Days) -> Daily:
    """Whole weeks, by their last day: a third of the work where the days are not asked for."""
    return _told(conn, _ended(conn, days, RECENT))


def _told(conn: sqlite3.Connection, counted: Iterable[_Counted]) -> Daily:
    now = carried.read(conn)
    whats: dict[tuple[str | None, str | None, str | None], What] = {}
    told: dict[date, dict[What, int]] = {}
    for day, concern, platform, nation, number in counted:
        codes = concern, platform, nation
        if codes not in whats:
            code = now.told(concern) if concern else UNSAID
            whats[codes] = What(code, platform or UNSAID, nation or UNSAID)
        what, of_day = whats[codes], told.setdefault(day, {})
        of_day[what] = of_day.get(what, 0) + number
    return told


def _ended(conn: sqlite3.Connection, days: Days, length: int) -> Iterator[_Counted]:
    return (
        (day, concern, platform, nation, number)
        for day, tally in by_stretch(conn, _FACTS, days, length)
        for (concern, platform, nation), number in tally.items()
    )


def _counted(conn: sqlite3.Connection, query: str, days: Days) -> Iterator[_Counted]:
    rows = conn.execute(query, {"first": days.first.isoformat(), "end": days.end.isoformat()})
    return ((date.fromisoformat(row[0]), row[1], row[2], row[3], row[4]) for row in rows)


def _days_of(days: Days) -> Iterable[date]:
    return (days.first + timedelta(days=each) for each in range(days.count))


def _weeks(by_day: Daily, last: date, added_up: dict[date, Counter[What]]) -> list[Counter[What]]:
    """The eight weeks before, the oldest first, and then the recent one. `added_up` keeps weeks for the next time."""
    ends = [last - timedelta(days=RECENT * ago) for ago in range(WEEKS, -1, -1)]
    for end in ends:
        if end not in added_up:
            added_up[end] = Counter()
            for ago in range(RECENT):
                added_up[end].update(by_day.get(end - timedelta(days=ago), {}))
    return [added_up[end] for end in ends]


def _found(weeks: Sequence[Counter[What]], by_day: Daily, last: date) -> tuple[Surge, ...]:
    """Of fewer than ENOUGH nothing is said, but they were looked at as well."""
    looked_at = len(set[What]().union(*weeks))
    enough = [what for what, seen in weeks[-1].items() if seen >= ENOUGH]
    chances = sorted((_chance([week[what] for week in weeks]), what) for what in enough)
    few = [chance for at, (chance, _) in enumerate(chances, 1) if chance <= WRONGLY * at / looked_at]
    limit = max(few, default=-1.0)
    return tuple(
        _surge(what, [week[what] for week in weeks], by_day, last) for chance, what in chances if chance <= limit
    )


def _chance(weeks: Sequence[int]) -> float:
    """That there would be as many as in the last week, or more, if it were a week like the others."""
    *before, seen = weeks
    mean = sum(before) / WEEKS
    if seen <= mean:
        return 1.0
    spread = sum((week - mean) ** 2 for week in before) / (WEEKS - 1)
    clustered = max(1.0, spread / mean) if mean else 1.0
    expected = (sum(before) + 0.5) / WEEKS
    return _tail(seen, expected, expected / (clustered * (1 + 1 / WEEKS) - 1))


def _tail(seen: int, mean: float, size: float) -> float:
    """The chance of `seen` or more in a negative binomial distribution of variance mean + mean²/size."""
    if seen <= mean:
        return 1.0
    term = exp(
        lgamma(seen + size)
        - lgamma(size)
        - lgamma(seen + 1)
        - size * log1p(mean / size)
        + seen * log(mean / (size + mean))
    )
    total, number = 0.0, seen
    while term > total * 1e-9:
        total += term
        term *= (number + size) / (number + 1) * mean / (size + mean)
        number += 1
    return total


def _surge(what: What, weeks: Sequence[int], by_day: Daily, last: date) -> Surge:
    *before, seen = weeks
    expected = sum(before) / WEEKS
    over, most, since = 0.0, 0.0, last
    for day in (last - timedelta(days=ago) for ago in range(RECENT)):
        over += by_day.get(day, {}).get(what, 0) - expected / RECENT
        if over > most:
            most, since = over, day
    return Surge(what, seen, expected, since, last)
