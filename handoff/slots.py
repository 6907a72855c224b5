"""When an enquirer may be called back: times that fit a school's day and the service's hours. Decides only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from handoff.hours import Hours, bank_holidays

SATURDAY = 5
HORIZON = timedelta(days=60)
"""How far ahead a call-back may be agreed."""
NOTICE = timedelta(minutes=30)
LONG_ENOUGH = timedelta(minutes=10)
"""A window of which less is open is not proposed."""
WORKING_DAYS = 3


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the school day in which staff can be reached: local times, and a code that the desk has words for."""

    name: str
    begins: time
    ends: time


SCHOOL_DAY = (
    Window("before_school", time(8, 0), time(8, 40)),
    Window("morning_break", time(10, 30), time(10, 50)),
    Window("lunch", time(12, 15), time(13, 15)),
    Window("after_school", time(15, 30), time(17, 0)),
)
"""Ours, and only a beginning: no rule sets these times, and every school has its own. School holidays are not known."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that can be agreed, in UTC."""

    window: str
    begins: datetime
    ends: datetime


def proposed(
    hours: Hours,
    nation: str | None,
    now: datetime,
    windows: Sequence[Window] = SCHOOL_DAY,
    notice: timedelta = NOTICE,
    days: int = WORKING_DAYS,
) -> tuple[Slot, ...]:
    """The slots of the next `days` days that have any, in order; none when the service is never open.

    A slot lies within one window and one opening, begins at least `notice` from now, and never on a weekend or on a
    bank holiday of the enquirer's `nation` (None: not said, only the service's own closed days count).
    """
    found: list[Slot] = []
    used = 0
    for day in _school_days(hours.local(now).date(), nation):
        of_day = [slot for window in windows for slot in _within(hours, day, window, now + notice)]
        found += sorted(of_day, key=lambda slot: slot.begins)
        used += bool(of_day)
        if used == days:
            break
    return tuple(found)


def _school_days(first: date, nation: str | None) -> Iterator[date]:
    for ahead in range(HORIZON.days):
        day = first + timedelta(days=ahead)
        if day.weekday() < SATURDAY and not (nation and day in bank_holidays(nation, day.year)):
            yield day


def _within(hours: Hours, day: date, window: Window, earliest: datetime) -> Iterator[Slot]:
    begins, ends = (_utc(hours, day, at) for at in (window.begins, window.ends))
    for opens, closes in hours.openings_on(day):
        start, end = max(begins, opens, _whole_minutes(earliest)), min(ends, closes)
        if end - start >= LONG_ENOUGH:
            yield Slot(window.name, start, end)


def _whole_minutes(moment: datetime) -> datetime:
    """The next moment that a clock shows as a multiple of five minutes."""
    base = moment.astimezone(UTC).replace(second=0, microsecond=0)
    up = base if base == moment else base + timedelta(minutes=1)
    return up + timedelta(minutes=-up.minute % 5)


# --- a time somebody typed -------------------------------------------------------------------------------------------


class NoSuchTime(ValueError):
    """A time that cannot be agreed. Its text is a code: `nothing`, `day`, `time`, `past` or `far`."""


def agreed(hours: Hours, now: datetime, slot: str, day: str, at: str) -> datetime:
    """The time, in UTC, that a form asks for: a slot chosen (as it was proposed), or a local day and time typed.

    Of a time that comes twice, when the clocks go back, the first is meant. Raises: NoSuchTime.
    """
    if not (slot or day or at):
        raise NoSuchTime("nothing")
    moment = _typed(hours, day, at) if day or at else _chosen(slot)
    if moment <= now:
        raise NoSuchTime("past")
    if moment > now + HORIZON:
        raise NoSuchTime("far")
    return moment


def _chosen(slot: str) -> datetime:
    try:
        moment = datetime.fromisoformat(slot)
    except ValueError as error:
        raise NoSuchTime("nothing") from error
    if moment.utcoffset() != timedelta():
        raise NoSuchTime("nothing")
    return moment.astimezone(UTC)


def _typed(hours: Hours, day: str, at: str) -> datetime:
    try:
        date_ = date.fromisoformat(day)
    except ValueError as error:
        raise NoSuchTime("day") from error
    try:
        time_ = time.fromisoformat(at).replace(tzinfo=None)
        moment = _utc(hours, date_, time_)
    except OverflowError as error:
        raise NoSuchTime("day") from error
    except ValueError as error:
        raise NoSuchTime("time") from error
    if hours.local(moment).replace(tzinfo=None) != datetime.combine(date_, time_):
        raise NoSuchTime("time")  # the clocks skip it
    return moment


def _utc(hours: Hours, day: date, at: time) -> datetime:
    """The moment of a local time; of a time that comes twice, the first."""
    zone = hours.local(datetime.combine(day, at, UTC)).tzinfo
    return datetime.combine(day, at, zone).astimezone(UTC)
