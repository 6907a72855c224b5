"""The period somebody asks a report for: two dates as they were written, or one of those asked for often."""

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from handoff.periods import Compare, Days, WrongPeriod
from handoff.reports.building import FIRST_YEAR
from handoff.reports.saying import day

REPORTING_YEAR_BEGINS: Final = 11
"""November: the helpline's own reports run from 1 November to 31 October (FACTS 3.1)."""
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class Often(StrEnum):
    """Periods that need no dates."""

    LAST_MONTH = "last_month"
    LAST_QUARTER = "last_quarter"
    THIS_REPORTING_YEAR = "this_reporting_year"
    """Up to today."""
    LAST_REPORTING_YEAR = "last_reporting_year"
    LAST_CALENDAR_YEAR = "last_calendar_year"


def often(which: Often, today: date) -> Days:
    """The days of a period that is asked for often; whole ones are over."""
    month = today.replace(day=1)
    match which:
        case Often.LAST_MONTH:
            return Days(_months_on(month, -1), month)
        case Often.LAST_QUARTER:
            quarter = month.replace(month=3 * ((month.month - 1) // 3) + 1)
            return Days(_months_on(quarter, -3), quarter)
        case Often.THIS_REPORTING_YEAR:
            return Days(_reporting_year(today), today + timedelta(days=1))
        case Often.LAST_REPORTING_YEAR:
            return Days(_months_on(_reporting_year(today), -12), _reporting_year(today))
        case Often.LAST_CALENDAR_YEAR:
            return Days(date(today.year - 1, 1, 1), date(today.year, 1, 1))


def between(first: str, end: str, today: date) -> Days:
    """From the first day up to, and without, the second date. Raises: WrongPeriod, saying what to write instead."""
    return begun(Days(date_from(first), date_from(end)), today)


def from_to(first: str, last: str, today: date) -> Days:
    """From the first day to the last, both counted. Raises: WrongPeriod, saying what to write instead."""
    begins, ends = date_from(first), date_from(last)
    if ends < begins:
        raise WrongPeriod(f"The last day, {day(ends)}, is before the first, {day(begins)}.")
    return begun(Days(begins, ends + timedelta(days=1)), today)


def date_from(text: str) -> date:
    """Raises: WrongPeriod."""
    shown = text.strip()
    if not shown:
        raise WrongPeriod("A day is missing. Write the first and the last, such as 2021-11-01.")
    try:
        found = date.fromisoformat(shown) if _DATE.fullmatch(shown) else None
    except ValueError:
        found = None
    if found is None:
        raise WrongPeriod(f"“{shown[:20]}” is not a date. Write year, month and day, such as 2021-11-01.")
    if not FIRST_YEAR <= found.year < date.max.year:
        raise WrongPeriod(f"There is nothing to count in the year {found.year}. The first is {FIRST_YEAR}.")
    return found


def begun(days: Days, today: date) -> Days:
    """Raises: WrongPeriod for days that have not come yet: a report on them would look as if nothing had happened."""
    if days.last > today:
        raise WrongPeriod(f"The period ends on {day(days.last)}, which has not come yet. Today is {day(today)}.")
    return days


def compare_from(text: str) -> Compare | None:
    """ "none" or nothing: with no other period. Raises: WrongPeriod."""
    if text in {"", "none"}:
        return None
    if text not in set(Compare):
        raise WrongPeriod(f"A report is compared with {', '.join(Compare)} or none, not with “{text[:20]}”.")
    return Compare(text)


def _reporting_year(today: date) -> date:
    """Its first day."""
    return date(today.year - (today.month < REPORTING_YEAR_BEGINS), REPORTING_YEAR_BEGINS, 1)


def _months_on(month: date, many: int) -> date:
    at = 12 * month.year + month.month - 1 + many
    return date(at // 12, at % 12 + 1, 1)
