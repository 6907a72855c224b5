"""Opening hours, clock changes, bank holidays, and deadlines in working time."""

from datetime import UTC, date, datetime, timedelta

import pytest

from handoff.hours import OpeningHours, week_from

OFFICE = OpeningHours(week=week_from("mon-fri 10:00-16:00"), nation="england")
HOUR = timedelta(hours=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-03-02T09:59", False),
        ("2026-03-02T10:00", True),
        ("2026-03-02T15:59", True),
        ("2026-03-02T16:00", False),
        ("2026-03-07T12:00", False),  # a Saturday
        ("2026-07-01T09:00", True),  # summer: ten o'clock in London
        ("2026-07-01T15:00", False),
        ("2026-12-25T12:00", False),  # Christmas Day, a Friday
        ("2026-12-28T12:00", False),  # Boxing Day, made up for on Monday
    ],
)
def test_a_service_is_open_in_its_own_local_hours(at: str, is_open: bool) -> None:
    assert OFFICE.is_open(utc(at)) is is_open


def test_missing_hours_mean_closed() -> None:
    nothing = OpeningHours()
    assert not nothing.is_open(utc("2026-03-02T12:00"))
    assert nothing.next_opening(utc("2026-03-02T12:00")) is None


def test_without_any_hours_a_deadline_is_plain_time() -> None:
    assert OpeningHours().add(utc("2026-03-02T12:00"), HOUR) == utc("2026-03-02T13:00")


@pytest.mark.parametrize(
    ("at", "working", "due"),
    [
        ("2026-03-02T10:00", HOUR, "2026-03-02T11:00"),
        ("2026-03-02T15:30", HOUR, "2026-03-03T10:30"),
        ("2026-03-02T15:30", HOUR / 2, "2026-03-02T16:00"),
        ("2026-03-02T20:00", HOUR, "2026-03-03T11:00"),
        ("2026-03-06T15:30", HOUR, "2026-03-09T10:30"),  # over a weekend
        ("2026-04-02T14:30", HOUR, "2026-04-07T09:30"),  # over Easter, Good Friday to Monday
        ("2026-03-27T15:30", HOUR, "2026-03-30T09:30"),  # the clocks went forward on Sunday the 29th
        ("2026-10-23T14:30", HOUR, "2026-10-26T10:30"),  # and back on Sunday the 25th
    ],
)
def test_a_deadline_counts_only_opening_time(at: str, working: timedelta, due: str) -> None:
    assert OFFICE.add(utc(at), working) == utc(due)


def test_a_night_on_which_the_clocks_change_is_as_long_as_it_is() -> None:
    always = OpeningHours(week=week_from("mon-sun 00:00-24:00"))
    spring, autumn = utc("2026-03-29T00:00"), utc("2026-10-24T23:00")
    assert always.add(spring, timedelta(hours=30)) == spring + timedelta(hours=30)
    assert always.add(autumn, timedelta(hours=30)) == autumn + timedelta(hours=30)
    nights = OpeningHours(week=week_from("sun 00:00-04:00"))
    assert nights.add(spring, timedelta(hours=3)) == utc("2026-03-29T03:00")
    assert nights.add(spring, timedelta(hours=3, minutes=1)) > utc("2026-04-01T00:00")
    assert nights.add(autumn, timedelta(hours=5)) == utc("2026-10-25T04:00")


@pytest.mark.parametrize(
    ("nation", "is_open"),
    [("england", True), ("wales", True), ("scotland", True), ("northern_ireland", False), (None, True)],
)
def test_saint_patrick_s_day_closes_northern_ireland_alone(nation: str | None, is_open: bool) -> None:
    hours = OpeningHours(week=week_from("mon-fri 10:00-16:00"), nation=nation)
    assert hours.is_open(utc("2026-03-17T12:00")) is is_open


@pytest.mark.parametrize(("nation", "is_open"), [("england", True), ("scotland", False)])
def test_the_second_of_january_closes_scotland_alone(nation: str, is_open: bool) -> None:
    assert OpeningHours(week=OFFICE.week, nation=nation).is_open(utc("2026-01-02T12:00")) is is_open


def test_a_service_may_name_its_own_closed_days() -> None:
    hours = OpeningHours(week=OFFICE.week, closed_on=frozenset({date(2026, 3, 2)}))
    assert hours.next_opening(utc("2026-03-02T12:00")) == utc("2026-03-03T10:00")


def test_the_next_opening_is_now_when_it_is_open() -> None:
    assert OFFICE.next_opening(utc("2026-03-02T12:00")) == utc("2026-03-02T12:00")
    assert OFFICE.next_opening(utc("2026-12-24T17:00")) == utc("2026-12-29T10:00")


def test_a_lunch_break_is_no_opening_time() -> None:
    hours = OpeningHours(week=week_from("mon 13:00-15:00, 10:00-12:00"))
    assert hours.add(utc("2026-03-02T11:30"), HOUR) == utc("2026-03-02T13:30")
    assert not hours.is_open(utc("2026-03-02T12:30"))


@pytest.mark.parametrize(
    "text", ["mon", "mon 10-four", "noday 10:00-16:00", "mon 16:00-10:00", "mon 10:00", "mon 9:00-10:00"]
)
def test_hours_that_cannot_be_read_are_named(text: str) -> None:
    with pytest.raises(ValueError, match="opening hours"):
        week_from(text)


def test_days_go_on_over_the_end_of_the_week() -> None:
    assert set(week_from("fri-mon 10:00-16:00")) == {4, 5, 6, 0}
    assert set(week_from("wed 10:00-16:00")) == {2}
    assert week_from(" ") == {}


def test_an_unknown_nation_or_timezone_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="narnia"):
        OpeningHours(nation="narnia")
    with pytest.raises(Exception, match="Mars"):
        OpeningHours(timezone="Mars/Olympus")
