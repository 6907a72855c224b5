"""Times to call back: a school's day, the service's hours, bank holidays by nation, nights when the clocks change."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.hours import SUBDIVISIONS, OpeningHours, bank_holidays, week_from
from handoff.slots import (
    HORIZON,
    LONG_ENOUGH,
    NOTICE,
    SCHOOL_DAY,
    WORKING_DAYS,
    NoSuchTime,
    Window,
    agreed,
    proposed,
)

OFFICE = OpeningHours(week=week_from("mon-fri 10:00-16:00"))
ALWAYS = OpeningHours(week=week_from("mon-sun 00:00-24:00"))
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(hours: OpeningHours, nation: str | None, at: str) -> list[str]:
    """The slots as an adviser reads them, in local time."""
    return [
        f"{hours.local(slot.begins):%a %d %H:%M}-{hours.local(slot.ends):%H:%M} {slot.window}"
        for slot in proposed(hours, nation, utc(at))
    ]


def days_of(hours: OpeningHours, nation: str | None, at: str) -> list[date]:
    return sorted({hours.local(slot.begins).date() for slot in proposed(hours, nation, utc(at))})


def test_slots_are_the_school_s_free_times_within_the_service_s_hours() -> None:
    assert shown(OFFICE, "england", "2026-11-23T08:00") == [
        "Mon 23 10:30-10:50 morning_break",
        "Mon 23 12:15-13:15 lunch",
        "Mon 23 15:30-16:00 after_school",
        "Tue 24 10:30-10:50 morning_break",
        "Tue 24 12:15-13:15 lunch",
        "Tue 24 15:30-16:00 after_school",
        "Wed 25 10:30-10:50 morning_break",
        "Wed 25 12:15-13:15 lunch",
        "Wed 25 15:30-16:00 after_school",
    ]


def test_a_slot_is_far_enough_ahead_to_be_prepared_and_begins_on_a_round_minute() -> None:
    assert shown(OFFICE, None, "2026-11-23T12:01:30")[0] == "Mon 23 12:35-13:15 lunch"
    assert shown(OFFICE, None, "2026-11-23T12:40")[0] == "Mon 23 15:30-16:00 after_school"


def test_a_friday_afternoon_leads_into_the_next_week() -> None:
    assert days_of(OFFICE, None, "2026-11-27T15:59") == [date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2)]


@pytest.mark.parametrize(
    ("nation", "at", "holiday", "is_skipped"),
    [
        ("scotland", "2026-11-29T12:00", date(2026, 11, 30), True),  # Saint Andrew's Day
        ("england", "2026-11-29T12:00", date(2026, 11, 30), False),
        ("northern_ireland", "2026-07-12T12:00", date(2026, 7, 13), True),  # the Twelfth, made up for on a Monday
        ("wales", "2026-07-12T12:00", date(2026, 7, 13), False),
        ("england", "2026-08-30T12:00", date(2026, 8, 31), True),  # the summer bank holiday
        ("scotland", "2026-08-30T12:00", date(2026, 8, 31), False),  # theirs was on the 3rd
        ("northern_ireland", "2026-03-16T18:00", date(2026, 3, 17), True),  # Saint Patrick's Day
        (None, "2026-03-16T18:00", date(2026, 3, 17), False),
    ],
)
def test_the_bank_holidays_are_those_of_the_enquirer_s_nation(
    nation: str | None, at: str, holiday: date, is_skipped: bool
) -> None:
    assert (holiday not in days_of(ALWAYS, nation, at)) is is_skipped


def test_the_service_s_own_closed_days_count_too() -> None:
    closed = OpeningHours(
        week=week_from("mon-fri 10:00-16:00"), nation="england", closed_on=frozenset({date(2026, 11, 24)})
    )
    assert date(2026, 11, 24) not in days_of(closed, "scotland", "2026-11-23T08:00")
    assert date(2026, 12, 25) not in days_of(closed, None, "2026-12-24T16:00")


@pytest.mark.parametrize("week", ["", "sat-sun 10:00-16:00", "mon-fri 18:00-20:00", "mon-fri 10:45-10:54"])
def test_where_school_and_service_do_not_meet_nothing_is_proposed(week: str) -> None:
    assert proposed(OpeningHours(week=week_from(week)), "england", NOW) == ()


@pytest.mark.parametrize(
    ("at", "day", "lunch"),
    [
        ("2026-03-27T18:00", date(2026, 3, 30), "2026-03-30T11:15"),  # Friday to Monday, the clocks went forward
        ("2026-10-23T18:00", date(2026, 10, 26), "2026-10-26T12:15"),  # and back
    ],
)
def test_over_a_weekend_when_the_clocks_change_lunch_is_still_at_a_quarter_past_twelve(
    at: str, day: date, lunch: str
) -> None:
    [slot] = [slot for slot in proposed(ALWAYS, None, utc(at), days=1) if slot.window == "lunch"]
    assert slot.begins == utc(lunch)
    assert ALWAYS.local(slot.begins).date() == day


@given(
    now=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    week=st.sampled_from(
        ["mon-fri 10:00-16:00", "mon-sun 00:00-24:00", "tue 09:00-11:00, 12:30-17:00", "wed 15:00-24:00"]
    ),
    closing=st.sampled_from([None, *SUBDIVISIONS]),
    nation=st.sampled_from([None, *SUBDIVISIONS]),
)
def test_every_slot_can_be_kept(now: datetime, week: str, closing: str | None, nation: str | None) -> None:
    hours = OpeningHours(week=week_from(week), nation=closing)
    slots = proposed(hours, nation, now)
    windows = {window.name: window for window in SCHOOL_DAY}
    assert slots
    assert list(slots) == sorted(slots, key=lambda slot: slot.begins)
    assert len({hours.local(slot.begins).date() for slot in slots}) <= WORKING_DAYS
    for slot in slots:
        begins, ends, window = hours.local(slot.begins), hours.local(slot.ends), windows[slot.window]
        assert now + NOTICE <= slot.begins < now + HORIZON
        assert slot.ends - slot.begins >= LONG_ENOUGH
        assert window.begins <= begins.time() < ends.time() <= window.ends
        assert begins.weekday() < 5
        assert nation is None or begins.date() not in bank_holidays(nation, begins.year)
        assert hours.is_open(slot.begins)
        assert hours.is_open(slot.ends - timedelta(seconds=1))


def test_a_school_s_own_times_can_be_given() -> None:
    slots = proposed(OFFICE, None, NOW, windows=(Window("assembly", time(11, 0), time(11, 20)),), days=1)
    assert [(slot.window, slot.begins) for slot in slots] == [("assembly", utc("2026-11-23T11:00"))]


# --- what a form asks for --------------------------------------------------------------------------------------------


def test_what_was_typed_counts_more_than_a_choice_and_is_local_time() -> None:
    summer = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
    assert agreed(OFFICE, summer, "2026-06-03T09:00+00:00", "2026-06-02", "15:30") == utc("2026-06-02T14:30")
    assert agreed(OFFICE, summer, "2026-06-03T09:00+00:00", "", "") == utc("2026-06-03T09:00")


def test_of_a_time_that_comes_twice_the_first_is_meant() -> None:
    assert agreed(OFFICE, utc("2026-10-24T12:00"), "", "2026-10-25", "01:30") == utc("2026-10-25T00:30")


@pytest.mark.parametrize(
    ("slot", "day", "at", "problem"),
    [
        ("", "", "", "nothing"),
        ("soon", "", "", "nothing"),
        ("2026-11-24T10:30", "", "", "nothing"),  # of no zone
        ("2026-11-24T10:30+05:00", "", "", "nothing"),
        ("2026-11-23T09:59+00:00", "", "", "past"),
        ("9999-12-31T23:59+00:00", "", "", "far"),
        ("", "2026-11-24", "", "time"),
        ("", "", "15:30", "day"),
        ("", "2026-11-31", "15:30", "day"),
        ("", "\u202e2026-11-24", "15:30", "day"),
        ("", "2026-11-24", "25:00", "time"),
        ("", "<b>", "15:30", "day"),
        ("", "0001-01-01", "00:00", "day"),
        ("", "9999-12-31", "23:59", "far"),
        ("", "2026-11-23", "10:00", "past"),
        ("", "2027-01-22", "10:01", "far"),
        ("", "2027-03-28", "01:30", "time"),  # the clocks skip it
    ],
)
def test_a_time_that_cannot_be_kept_is_refused_with_a_reason(slot: str, day: str, at: str, problem: str) -> None:
    with pytest.raises(NoSuchTime, match=f"^{problem}$"):
        agreed(OFFICE, NOW, slot, day, at)


def test_the_last_moment_of_sixty_days_can_be_agreed() -> None:
    assert agreed(OFFICE, NOW, "", "2027-01-22", "10:00") == NOW + timedelta(days=60)
