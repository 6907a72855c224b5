"""The values of a report as people read them: "4,078", "46.2%", "+500%", "2 h 5 min"; and the sign for a hidden one."""

from datetime import date
from typing import Final

from handoff.periods import Days
from handoff.reports.model import Hidden, Unit, Value

INVENTED: Final = "Demonstration data: every number of this report is invented. It must not be quoted."
"""The note by which a report of invented facts is known; it stands on the cover and on the figure as well."""
NOT_TOLD: Final = "–"
"""Stands where a number is hidden."""
NO_DATA: Final = "no data"
MINUS: Final = "\u2212"
MANY_PERCENT: Final = 100
"""From so many percent of change on, its decimals say nothing."""


def said(value: Value, unit: Unit) -> str:
    """`value` in its unit, with the unit's sign where it has one."""
    if isinstance(value, Hidden):
        return NOT_TOLD
    if value is None:
        return NO_DATA
    match unit:
        case Unit.COUNT:
            return f"{value:,.0f}".replace("-", MINUS)
        case Unit.PERCENT:
            return f"{value:.1f}%"
        case Unit.CHANGE:
            return _change(value)
        case Unit.SECONDS:
            return length(value)
        case Unit.HOURS:
            return f"{_short(value)} h"
        case Unit.RATIO:
            return f"{_short(value)} ×"


def on_axis(tick: float, unit: Unit) -> str:
    """The same, as short as an axis wants it."""
    match unit:
        case Unit.SECONDS | Unit.HOURS if tick == 0:
            return "0"
        case Unit.PERCENT | Unit.CHANGE:
            return f"{_short(tick)}%"
        case _:
            return said(tick, unit)


def length(seconds: float) -> str:
    """ "45 s", "4 min", "2 h 5 min", "3 days 4 h"; rounded to the smaller of the two."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, left = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {left} min" if left else f"{hours} h"
    days, left = divmod(round(minutes / 60), 24)
    return f"{days} days {left} h" if left else f"{days} days"


def day(of: date) -> str:
    return f"{of.day} {of:%B %Y}"


def days(of: Days) -> str:
    """First and last day, both counted."""
    return day(of.first) if of.count == 1 else f"{day(of.first)} to {day(of.last)}"


def coverage(n: Value, of: Value) -> str:
    """ "97%": how much of what there is could be told; empty where that cannot be said."""
    if isinstance(n, Hidden) or isinstance(of, Hidden) or n is None or not of:
        return ""
    return f"{_rounded(n, of)}%"


def _rounded(n: float, of: float) -> int:
    """Never 100 for less than all, never 0 for more than none."""
    percent = round(100 * n / of)
    if n < of:
        percent = min(percent, 99)
    return max(percent, 1) if n else percent


def _change(value: float) -> str:
    if value == 0:
        return "no change"
    words = f"{abs(value):,.0f}" if abs(value) >= MANY_PERCENT else f"{abs(value):.1f}"
    return f"{'+' if value > 0 else MINUS}{words}%"


def _short(value: float) -> str:
    """One decimal where there is one."""
    return f"{value:,.1f}".removesuffix(".0").replace("-", MINUS)
