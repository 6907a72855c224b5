"""How long somebody may have to wait: next, a range from what really happened, when we open, or no estimate."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlite_utils import Database

from handoff import advisers, chain
from handoff.domain import AdviserId, CaseId, NewCase, Role
from handoff.hours import OpeningHours, week_from
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.seal import Seal
from handoff.waits import LEAST_SAMPLES, Outlook, Waits

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
OPEN = OpeningHours(week=week_from("mon-fri 09:00-17:00"))
SEAL = Seal(b"k" * 32)
QUEUE, WAITS = Queue(SEAL, OPEN), Waits(OPEN)


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    chain.teach(connection, SEAL)
    migrations.apply(Database(connection))
    yield connection
    connection.close()


def on_duty(conn: sqlite3.Connection, name: str = "Amira", capacity: int = 2, heard: datetime = NOW) -> AdviserId:
    made = advisers.add(conn, name, f"{name}@example.org", "$argon2id$x", Role.ADVISER, NOW, capacity)
    advisers.set_available(conn, made, True, heard)
    return made


def waiting(conn: sqlite3.Connection, number: int, tier: int = 2) -> CaseId:
    return QUEUE.open_case(conn, NewCase(number, tier, "asked", "web", "v1"), NOW + timedelta(seconds=number)).id


def handled(
    conn: sqlite3.Connection, seconds: list[int], day: str = "2026-02-20", hour: int = 10, lane: str = "live"
) -> None:
    for each in seconds:
        conn.execute(
            "INSERT INTO case_facts (period, hour, channel, language, library, reason, tier, outcome, handling_s,"
            " put_back, lane) VALUES (?, ?, 'web', 'en', 'v1', 'asked', 2, 'advised', ?, 0, ?)",
            [day, hour, each, lane],
        )


def outlook(conn: sqlite3.Connection, case: CaseId, at: datetime = NOW) -> Outlook:
    found = WAITS.outlook(conn, case, at)
    assert found is not None
    return found


def test_who_finds_a_free_place_is_next(conn: sqlite3.Connection) -> None:
    on_duty(conn)
    first, second, third = (waiting(conn, number) for number in (1, 2, 3))
    assert [outlook(conn, each).is_next for each in (first, second, third)] == [True, True, False]


def test_danger_is_before_everybody(conn: sqlite3.Connection) -> None:
    on_duty(conn, capacity=1)
    waiting(conn, 1)
    assert outlook(conn, waiting(conn, 2, tier=0)).is_next


def test_the_range_comes_from_what_cases_of_these_hours_took(conn: sqlite3.Connection) -> None:
    """20 cases of 1 to 20 minutes: half took 10.5 or less, four in five 16.2; two places and two ahead of the last."""
    on_duty(conn)
    handled(conn, [minute * 60 for minute in range(1, LEAST_SAMPLES + 1)])
    cases = [waiting(conn, number) for number in range(1, 6)]
    assert outlook(conn, cases[2]).between == (timedelta(minutes=10.5), timedelta(minutes=16.2))
    assert outlook(conn, cases[4]).between == (timedelta(minutes=21), timedelta(minutes=32.4))


def test_a_call_back_that_rested_for_days_says_nothing_of_how_long_talks_take(conn: sqlite3.Connection) -> None:
    on_duty(conn, capacity=1)
    handled(conn, [600] * LEAST_SAMPLES)
    handled(conn, [3 * 86_400] * LEAST_SAMPLES, lane="call_backs")
    waiting(conn, 1)
    assert outlook(conn, waiting(conn, 2)).between == (timedelta(minutes=10), timedelta(minutes=10))


@pytest.mark.parametrize(
    ("count", "day", "hour"),
    [(LEAST_SAMPLES - 1, "2026-02-20", 10), (LEAST_SAMPLES, "2026-02-01", 10), (LEAST_SAMPLES, "2026-02-20", 13)],
    ids=["too few", "too long ago", "other hours"],
)
def test_without_enough_cases_there_is_no_estimate(conn: sqlite3.Connection, count: int, day: str, hour: int) -> None:
    on_duty(conn, capacity=1)
    handled(conn, [600] * count, day, hour)
    waiting(conn, 1)
    assert outlook(conn, waiting(conn, 2)) == Outlook(True, NOW)


def test_nobody_on_duty_means_no_estimate(conn: sqlite3.Connection) -> None:
    """Declared available, and not heard from since: a place that is not there."""
    on_duty(conn, heard=NOW - timedelta(minutes=5))
    handled(conn, [600] * LEAST_SAMPLES)
    assert outlook(conn, waiting(conn, 1)) == Outlook(True, NOW)


def test_held_conversations_take_places_and_paused_ones_do_not(conn: sqlite3.Connection) -> None:
    amira = on_duty(conn, capacity=1)
    held, next_one = waiting(conn, 1), waiting(conn, 2)
    QUEUE.claim(conn, held, amira, NOW)
    assert not outlook(conn, next_one).is_next
    QUEUE.say(conn, held, amira, "Hello", "a", 0, NOW)
    QUEUE.pause(conn, held, amira, NOW)
    assert outlook(conn, next_one).is_next


def test_practice_is_not_before_anybody(conn: sqlite3.Connection) -> None:
    on_duty(conn, capacity=1)
    waiting(conn, -1)
    assert outlook(conn, waiting(conn, 2)).is_next


def test_closed_says_when_somebody_is_there(conn: sqlite3.Connection) -> None:
    on_duty(conn)
    case = waiting(conn, 1)
    saturday = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
    assert outlook(conn, case, saturday) == Outlook(False, datetime(2026, 3, 9, 9, 0, tzinfo=UTC))
    assert Waits(OpeningHours()).outlook(conn, case, NOW) == Outlook(False, None)


def test_a_case_that_does_not_wait_has_no_outlook(conn: sqlite3.Connection) -> None:
    amira = on_duty(conn)
    case = waiting(conn, 1)
    QUEUE.claim(conn, case, amira, NOW)
    assert WAITS.outlook(conn, case, NOW) is None
    assert WAITS.outlook(conn, CaseId(99), NOW) is None
