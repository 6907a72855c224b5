"""Arrivals over bank holidays, clock changes and changed hours; how long people stay; the staffing answer."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from handoff import arrivals, erlang, planning
from handoff.arrivals import Arrivals, Stretch, Team, Times
from handoff.domain import AdviserId, Role
from handoff.erlang import Load
from handoff.hours import OpeningHours, week_from
from handoff.ledger import Ledger
from handoff.migrations import migrations
from handoff.planning import Answer, Missing, Question
from handoff.seal import Seal
from handoff.timetable import Reason, Timetable, Version, set_hours
from tests.arrivals_made import answered, busy_weeks, left

WEEKDAYS = OpeningHours(week=week_from("mon-fri 10:00-16:00"), nation="england")
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)
MONDAY = Question(0, 10, 12, 80, FIVE_MINUTES)
TIMES = Times(500, timedelta(minutes=24), 0, 500, 60, timedelta(minutes=20))
TWO_EACH = Team(4, 2.0)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "desk.db", Seal(b"k" * 32), [migrations])
    yield made
    made.close()


def measured(
    ledger: Ledger, work: object, hours: OpeningHours = WEEKDAYS, now: datetime = NOW, weeks: int = 12
) -> Arrivals:
    ledger.write_now(work)  # type: ignore[arg-type]
    timetable = Timetable(ledger, hours)
    return arrivals.read(ledger.reader(), timetable, arrivals.yesterday(timetable, now), weeks)


# --- arrivals --------------------------------------------------------------------------------------------------------


def test_the_mean_and_spread_of_an_hour_are_those_of_its_days(ledger: Ledger) -> None:
    def work(conn: sqlite3.Connection) -> None:
        for day, cases in ((2, 4), (9, 1), (16, 1)):
            for _ in range(cases):
                answered(conn, date(2026, 11, day), 10)

    found = measured(ledger, work, weeks=4)
    cell = found.cell(0, 10)
    assert (found.first, found.last, found.weeks) == (date(2026, 10, 26), date(2026, 11, 22), 4)
    assert cell is not None
    assert (cell.days, cell.cases, cell.open_h, cell.per_hour) == (4, 6, 4, 1.5)
    assert cell.spread == pytest.approx((((1.5 - 4) ** 2 + 2 * 0.5**2 + 1.5**2) / 3) ** 0.5)
    assert found.cell(5, 10) is None, "closed on Saturdays"
    assert found.cell(0, 16) is None
    assert found.hours == range(10, 16)


def test_messages_call_backs_and_what_comes_while_closed_are_no_arrivals(ledger: Ledger) -> None:
    def work(conn: sqlite3.Connection) -> None:
        answered(conn, date(2026, 11, 16), 10)
        answered(conn, date(2026, 11, 16), 10, lane=None)  # of before there were lanes
        answered(conn, date(2026, 11, 16), 10, lane="messages")
        answered(conn, date(2026, 11, 16), 11, lane="call_backs")
        answered(conn, date(2026, 11, 16), 3)
        answered(conn, date(2026, 11, 21), 10)
        answered(conn, date(2026, 11, 23), 10)  # today: not over

    found = measured(ledger, work)
    assert (found.cases, found.beside, found.outside) == (2, 2, 2)


def test_bank_holidays_and_closed_days_are_left_out_and_named(ledger: Ledger) -> None:
    """The August bank holiday of England, and a training day that the newest hours have dropped."""

    def work(conn: sqlite3.Connection) -> None:
        lead = conn.execute(
            "INSERT INTO adviser (name, email, password, role, capacity, added_at)"
            " VALUES ('Lee', 'l', '$argon2id$x', 'lead', 2, 0) RETURNING id"
        ).fetchone()[0]
        closed = {date(2026, 9, 7): Reason.TRAINING}
        first = Version(0, WEEKDAYS.week, "england", closed)
        number = set_hours(conn, first, AdviserId(lead), 0, datetime(2026, 8, 1, tzinfo=UTC))
        later = Version(number, WEEKDAYS.week, "england", {})
        set_hours(conn, later, AdviserId(lead), number, datetime(2026, 10, 1, tzinfo=UTC))
        answered(conn, date(2026, 8, 31), 10)
        answered(conn, date(2026, 9, 14), 10)

    found = measured(ledger, work, now=datetime(2026, 11, 16, 9, tzinfo=UTC))
    assert (found.holidays, found.closed) == ((date(2026, 8, 31),), (date(2026, 9, 7),))
    assert len(found.on(0)) == 10
    assert (found.cases, found.outside) == (1, 1)
    assert len(measured(ledger, lambda _: None, weeks=4).on(0)) == 4


@pytest.mark.parametrize(("day", "hour", "length"), [(date(2026, 10, 25), 1, 2.0), (date(2026, 3, 29), 1, None)])
def test_an_hour_the_clocks_repeat_is_two_and_one_they_take_is_none(
    ledger: Ledger, day: date, hour: int, length: float | None
) -> None:
    always = OpeningHours(week=week_from("mon-sun 00:00-24:00"))
    now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(days=1)
    found = measured(ledger, lambda _: None, always, now, weeks=1)
    stretch = found.days[day].get(hour)
    assert (stretch.open_h if stretch else None) == length
    assert sum(each.open_h for each in found.days[day].values()) == (25 if length else 23)


def test_half_an_hour_open_counts_as_half(ledger: Ledger) -> None:
    def work(conn: sqlite3.Connection) -> None:
        for _ in range(3):
            answered(conn, date(2026, 11, 16), 9)

    found = measured(ledger, work, OpeningHours(week=week_from("mon 09:30-12:15")), weeks=1)
    assert {hour: each.open_h for hour, each in found.days[date(2026, 11, 16)].items()} == {
        9: 0.5, 10: 1, 11: 1, 12: 0.25
    }  # fmt: skip
    cell = found.cell(0, 9)
    assert cell is not None
    assert (cell.per_hour, cell.spread) == (6, None)


def test_the_grid_equals_a_plain_count(ledger: Ledger) -> None:
    found = measured(ledger, lambda conn: busy_weeks(conn, date(2026, 8, 31), date(2026, 11, 22)))
    assert found.holidays == (date(2026, 8, 31),)
    query = "SELECT period, hour FROM case_facts WHERE lane = 'live' AND period > '2026-08-31'"
    rows = ledger.reader().execute(query).fetchall()
    counted = Counter((date.fromisoformat(row[0]).weekday(), row[1]) for row in rows)
    for weekday in range(5):
        for hour in found.hours:
            cell = found.cell(weekday, hour)
            assert cell is not None
            cases = counted[weekday, hour]
            assert (cell.cases, cell.per_hour) == (cases, cases / (12 if weekday else 11))


# --- times -----------------------------------------------------------------------------------------------------------


def test_handling_is_the_mean_of_what_was_done_in_one_go(ledger: Ledger) -> None:
    day = date(2026, 11, 16)

    def work(conn: sqlite3.Connection) -> None:
        for number in range(20):
            answered(conn, day, 10, handling_s=600 + 60 * number)
        answered(conn, day, 10, handling_s=90_000)
        answered(conn, day, 10, handling_s=9_000, put_back=1)
        answered(conn, day, 10, handling_s=9_000, lane="messages")
        left(conn, day, 10)

    ledger.write_now(work)
    found = arrivals.times(ledger.reader(), day, day)
    assert (found.handled, found.handling, found.too_long) == (20, timedelta(seconds=1170), 1)
    assert (found.answered, found.left, found.patience) == (22, 1, None)
    assert found.left_share == pytest.approx(1 / 23)
    empty = arrivals.times(ledger.reader(), date(2026, 1, 1), date(2026, 1, 2))
    assert (empty.handling, empty.patience, empty.left_share) == (None, None, None)


@pytest.mark.parametrize("patience_min", [6, 20, 45])
def test_patience_is_found_again_from_who_was_answered_and_how_many_left(patience_min: int) -> None:
    chance, waits, gone = Random(patience_min), Counter[int](), 0
    for _ in range(6_000):
        would_wait = 0 if chance.random() < 0.4 else int(chance.expovariate(1 / 400))
        if chance.expovariate(1 / (60 * patience_min)) < would_wait:
            gone += 1
        else:
            waits[would_wait] += 1
    found = arrivals.patience(waits, gone)
    assert found is not None
    assert found / timedelta(minutes=patience_min) == pytest.approx(1, abs=0.15)


def test_too_few_tell_no_patience() -> None:
    assert arrivals.patience({60: 500}, 19) is None
    assert arrivals.patience({60: 19}, 50) is None
    assert arrivals.patience({0: 500}, 50) is None, "nobody waited: nothing can be told"
    assert arrivals.patience({60: 20, 999_999: 1}, 10**6) is not None


def test_the_team_is_who_may_hold_conversations(ledger: Ledger) -> None:
    assert arrivals.team(ledger.reader()) == Team(0, None)

    def work(conn: sqlite3.Connection) -> None:
        people = [(Role.ADVISER, 2, None), (Role.LEAD, 3, None), (Role.EDITOR, 9, None), (Role.ADVISER, 9, 5)]
        for number, (role, capacity, disabled) in enumerate([*people, (Role.SENIOR, 0, None)]):
            conn.execute(
                "INSERT INTO adviser (name, email, password, role, capacity, added_at, disabled_at)"
                " VALUES ('x', ?, '$argon2id$x', ?, ?, 0, ?)",
                [str(number), role, capacity, disabled],
            )

    ledger.write_now(work)
    assert arrivals.team(ledger.reader()) == Team(2, 2.5)


# --- the answer ------------------------------------------------------------------------------------------------------


def mondays(*cases: tuple[int, int]) -> Arrivals:
    """Mondays with so many cases from 10 to 11 and from 11 to 12."""
    first = date(2026, 8, 31)
    days = {
        first + timedelta(weeks=week): {10: Stretch(1.0, ten), 11: Stretch(1.0, eleven)}
        for week, (ten, eleven) in enumerate(cases)
    }
    return Arrivals(first, first + timedelta(days=83), days, (), (), 0, 0)


def answered_question(question: Question, came: Arrivals, times: Times = TIMES, team: Team = TWO_EACH) -> Answer:
    found = planning.answer(question, came, times, team)
    assert isinstance(found, Answer), found
    return found


def test_the_answer_is_the_fewest_with_whom_the_share_is_reached() -> None:
    found = answered_question(MONDAY, mondays((10, 6), (14, 10), (12, 8), (12, 8)))
    loads = {10: Load(12, 0.4, 1 / 3), 11: Load(8, 0.4, 1 / 3)}
    assert {each.hour: (each.load, each.cases) for each in found.hours} == {10: (loads[10], 12), 11: (loads[11], 8)}

    def share(advisers: int) -> float:
        at = [erlang.in_time(load, 2 * advisers, 1 / 12) for load in loads.values()]
        return (12 * at[0] + 8 * at[1]) / 20

    assert found.fare.advisers == next(n for n in range(1, 99) if share(n) >= 0.8)
    assert found.fare.in_time == pytest.approx(share(found.fare.advisers))
    assert found.one_less is not None
    assert found.one_less.in_time < 0.8
    assert (found.per_hour, found.offered, found.days, found.at_once) == (10, 4, 4, 2)
    assert found.if_nobody_leaves is not None
    assert found.if_nobody_leaves >= found.fare.advisers
    on, cases, such = found.busiest
    assert (on, cases) == (date(2026, 9, 7), 24)
    assert such is not None
    assert such.advisers >= found.fare.advisers


def test_six_times_as_many_need_less_than_six_times_the_advisers() -> None:
    came = mondays((12, 12), (10, 10), (14, 14), (12, 12))
    usual, surge = answered_question(MONDAY, came), answered_question(replace(MONDAY, factor=6), came)
    by_factor = {each.factor: each for each in usual.what_ifs}
    assert by_factor[6].fare == surge.fare
    assert by_factor[1].fare == usual.fare == by_factor[1].now
    assert 3 * usual.fare.advisers < surge.fare.advisers < 6 * usual.fare.advisers
    assert by_factor[6].now is not None
    assert by_factor[6].now.in_time < 0.1
    assert [each.per_hour for each in surge.what_ifs] == [12, 24, 36, 72]


@pytest.mark.parametrize(
    ("more", "is_more"),
    [({"percent": 95}, True), ({"within": timedelta(minutes=1)}, True), ({"within": timedelta(minutes=20)}, False),
        ({"handling": timedelta(minutes=48)}, True), ({"at_once": 1}, True), ({"at_once": 6}, False)],
)  # fmt: skip
def test_a_harder_target_needs_more_and_an_easier_one_fewer(more: dict, is_more: bool) -> None:
    came = mondays((20, 20), (20, 20))
    usual, changed = answered_question(MONDAY, came), answered_question(replace(MONDAY, **more), came)
    assert (changed.fare.advisers > usual.fare.advisers) == is_more
    assert changed.fare.advisers != usual.fare.advisers


def test_what_is_missing_is_said() -> None:
    came, unknown = mondays((3, 3)), replace(TIMES, handled=3, handling=None)
    assert planning.answer(replace(MONDAY, weekday=6), came, TIMES, TWO_EACH) is Missing.CLOSED
    assert planning.answer(MONDAY, mondays((0, 0)), TIMES, TWO_EACH) is Missing.NOBODY
    assert planning.answer(MONDAY, came, unknown, TWO_EACH) is Missing.HANDLING
    assert planning.answer(MONDAY, came, TIMES, Team(0, None)) is Missing.TEAM
    assert planning.answer(replace(MONDAY, factor=90_000), came, TIMES, TWO_EACH) is Missing.TOO_MANY
    said = replace(MONDAY, handling=timedelta(minutes=30), at_once=1)
    assert isinstance(planning.answer(said, came, unknown, Team(0, None)), Answer)


def test_without_patience_it_is_erlang_c_and_asks_for_no_fewer() -> None:
    came = mondays((12, 12), (12, 12))
    patient = answered_question(MONDAY, came, replace(TIMES, patience=None))
    leaving = answered_question(MONDAY, came)
    assert patient.fare.left == 0
    assert patient.if_nobody_leaves is None
    assert patient.fare.advisers == leaving.if_nobody_leaves >= leaving.fare.advisers
