"""Surges: one that is there is found, chance finds almost none, and four are never one."""

import random
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from math import exp

import pytest

from handoff.domain import NewCase
from handoff.periods import Days
from handoff.reports import surges
from handoff.reports.surges import Daily, What
from tests.test_handoff_schema import NOW, QUEUE, migrated

TODAY = NOW.date()
HATE = What("hate", "tiktok", "wales")
FACT = """INSERT INTO case_facts (period, hour, channel, concern, platform, nation, language, library, reason,
    tier, outcome, put_back) VALUES (?, 9, 'web', ?, ?, ?, 'en', 'v1', 'asked', 2, 'advised', 0)"""


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    connection = migrated()
    yield connection
    connection.close()


def quiet(seed: int, weekly: float = 3.0, combinations: int = 60) -> dict[date, dict[What, int]]:
    """Sixty combinations, each at a steady rate of its own, on weekdays more than at weekends."""
    chance = random.Random(seed)
    rates = {What(f"concern_{each}", "tiktok", "wales"): chance.uniform(0, 2 * weekly) for each in range(combinations)}
    found: dict[date, dict[What, int]] = {}
    for ago in range(surges.RECENT * (surges.WEEKS + 1)):
        day = TODAY - timedelta(days=ago)
        weight = 0.3 if day.weekday() > 4 else 1.3
        for what, rate in rates.items():
            number = poisson(chance, rate * weight / surges.RECENT)
            if number:
                found.setdefault(day, {})[what] = number
    return found


def poisson(chance: random.Random, mean: float) -> int:
    """Knuth's way: as many as fit before the chances multiplied are less than e to the minus mean."""
    number, left = 0, chance.random()
    while left > exp(-mean):
        number, left = number + 1, left * chance.random()
    return number


def with_more(by_day: Daily, what: What, numbers: Mapping[int, int]) -> Daily:
    """`numbers`: how many more, so many days ago."""
    found = {day: dict(of_day) for day, of_day in by_day.items()}
    for ago, number in numbers.items():
        of_day = found.setdefault(TODAY - timedelta(days=ago), {})
        of_day[what] = of_day.get(what, 0) + number
    return found


def test_a_surge_is_found_with_what_was_expected_and_since_when() -> None:
    steady = dict.fromkeys(range(7, 63, 7), 1)
    (surge,) = surges.found(with_more(quiet(1), HATE, {**steady, 3: 4, 2: 6, 1: 2, 0: 3}), TODAY)
    assert (surge.what, surge.seen, surge.expected, surge.ratio) == (HATE, 15, 1.0, 15.0)
    assert (surge.since, surge.last) == (TODAY - timedelta(days=3), TODAY)


def test_chance_alone_finds_almost_nothing() -> None:
    """The control: a hundred quiet services, sixty combinations each; about one look of them may be wrong."""
    assert sum(bool(surges.found(quiet(seed), TODAY)) for seed in range(100)) <= 4


def test_the_same_cases_shuffled_over_the_days_are_no_surge() -> None:
    surging = with_more({}, HATE, dict.fromkeys(range(7), 5))
    assert surges.found(surging, TODAY)
    chance = random.Random(5)
    for _ in range(20):
        shuffled = with_more({}, HATE, dict.fromkeys(range(63), 0))
        for _ in range(35):
            shuffled = with_more(shuffled, HATE, {chance.randrange(63): 1})
        assert surges.found(shuffled, TODAY) == ()


@pytest.mark.parametrize("seen", range(8))
def test_four_are_never_a_surge(seen: int) -> None:
    """Not even where there was none before."""
    found = surges.found(with_more({}, HATE, {2: seen}), TODAY)
    assert bool(found) is (seen >= 5)
    assert all(surge.ratio is None for surge in found)


def test_what_comes_in_clusters_must_come_in_larger_ones() -> None:
    """Twelve in a week are many at a steady three, and nothing new where every other week brought ten."""
    steady = dict.fromkeys(range(8, 63, 7), 3)
    clustered = {ago: 10 * (ago % 2) for ago in range(8, 63, 7)}
    assert surges.found(with_more({}, HATE, {**steady, 0: 14}), TODAY)
    assert not surges.found(with_more({}, HATE, {**clustered, 0: 14}), TODAY)


def test_a_surge_among_very_many_combinations_must_be_a_larger_one() -> None:
    few = with_more({}, HATE, {0: 5})
    many = with_more(quiet(3, combinations=3_000, weekly=1), HATE, {0: 5})
    assert surges.found(few, TODAY)
    assert HATE not in {surge.what for surge in surges.found(many, TODAY)}


def test_with_too_little_history_nothing_is_said(conn: sqlite3.Connection) -> None:
    assert surges.read(conn, TODAY) == surges.Look((), False)
    for ago in (0,) * 9 + (61,):
        conn.execute(FACT, [(TODAY - timedelta(days=ago)).isoformat(), *("hate", "tiktok", "wales")])
    assert surges.read(conn, TODAY) == surges.Look((), False)
    conn.execute(FACT, [(TODAY - timedelta(days=62)).isoformat(), "nudes", None, None])
    look = surges.read(conn, TODAY)
    assert (look.is_enough, [surge.what for surge in look.surges]) == (True, [HATE])


def test_cases_that_are_still_open_count_as_they_come(conn: sqlite3.Connection) -> None:
    conn.execute(FACT, [(TODAY - timedelta(days=70)).isoformat(), "nudes", None, None])
    for number in range(1, 9):
        QUEUE.open_case(conn, NewCase(number, 2, "asked", "web", "v1", "hate", None, "wales", "tiktok"), NOW)
        QUEUE.open_case(conn, NewCase(-number, 2, "asked", "web", "v1", "nudes"), NOW)  # practice
    (surge,) = surges.read(conn, TODAY).surges
    assert (surge.what, surge.seen) == (HATE, 8)
    assert surges.in_weeks(conn, Days(TODAY - timedelta(days=6), TODAY + timedelta(days=7))).surges == ()


def test_a_report_tells_a_surge_once_in_the_week_it_began(conn: sqlite3.Connection) -> None:
    monday = date(2026, 1, 5)
    conn.execute(FACT, [(monday - timedelta(days=70)).isoformat(), "nudes", None, None])
    for day in range(14):
        for _ in range(3):
            conn.execute(FACT, [(monday + timedelta(days=day)).isoformat(), *("hate", "tiktok", "wales")])
    look = surges.in_weeks(conn, Days(date(2026, 1, 1), date(2026, 2, 1)))
    assert [(surge.what, surge.seen, surge.last) for surge in look.surges] == [(HATE, 21, date(2026, 1, 11))]
    assert look.is_enough
    assert not surges.in_weeks(conn, Days(date(2025, 10, 1), date(2025, 12, 1))).is_enough
