"""What a report calls things, and the sentences it reads its tables with: every number in them is told in the table."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final

from handoff.console.render import words
from handoff.periods import Compare, Days
from handoff.reports import saying
from handoff.reports.arithmetic import number, shares
from handoff.reports.carried import Carried
from handoff.reports.counts import UNSAID
from handoff.reports.model import Hidden, Row, Table, Unit, Value

TOO_SMALL: Final = "The numbers are too small to be told."
ONE_OF: Final[Mapping[str, tuple[str, str]]] = {
    "cases": ("case", "cases"),
    "contacts": ("contact", "contacts"),
    "takedowns": ("report to a platform", "reports to platforms"),
}
A_YEAR: Final = 365
COLUMN: Final = {Compare.YEAR: "Year before", Compare.PREVIOUS: "Period before"}


def label(listed: str) -> Callable[[str], str]:
    """What the desk calls the codes of one of its lists of words."""
    return partial(_label, words(listed))


def concern(carried: Carried) -> Callable[[str], str]:
    """A category's own name; one that is used no more and has no successor says so."""

    def named(code: str) -> str:
        return _label(carried.labels, code) + (" (no longer used)" if code in carried.retired else "")

    return named


def before(days: Days, compare: Compare) -> str:
    """What the compared period is called in a sentence: "in the year before"."""
    if compare is Compare.YEAR:
        return "the year before" if days.count >= A_YEAR else "the same days a year earlier"
    return "the period before"


def month(code: str) -> str:
    return f"{date.fromisoformat(code + '-01'):%B %Y}"


def many(n: int, kind: str) -> str:
    """ "no cases", "1 case", "4,078 cases"."""
    one, more = ONE_OF[kind]
    return f"{n:,} {one if n == 1 else more}" if n else f"no {more}"


def was(n: int) -> str:
    return "was" if n == 1 else "were"


def joined(parts: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)


def share(value: Value) -> str:
    return f" ({saying.said(value, Unit.PERCENT)})" if isinstance(value, int | float) else ""


def than(change: Value, before: str) -> str:
    """ ", 501% more than the year before"; empty where that cannot be said."""
    if isinstance(change, Hidden) or change is None:
        return ""
    if not change:
        return f", as many as in {before}"
    size = saying.said(abs(change), Unit.CHANGE).removeprefix("+")
    return f", {size} {'more' if change > 0 else 'fewer'} than in {before}"


def none_of(total: Value, kind: str) -> str:
    """What is said where there is nothing to read; empty where there is."""
    if isinstance(total, Hidden):
        return TOO_SMALL
    return "" if total else f"There were {many(0, kind)} in this period."


def leading(table: Table, kind: str, noun: str, before: str) -> str:
    """The most frequent code of a table made by `by_one`; what is hidden may be more, and then that is said."""
    whole = table.total.values[0] if table.total else None
    said = [(row, told) for row in table.rows if row.code != UNSAID and (told := number(row.values[0]))]
    if nothing := none_of(whole, kind):
        return nothing
    of = number(whole) or 0
    hidden = [row for row in table.rows if isinstance(row.values[0], Hidden)]
    if not said:
        return TOO_SMALL if hidden else f"This is known of none of the {many(of, kind)}."
    most = max(told for _, told in said)
    first = [row for row, told in said if told == most]
    rest = of - sum(number(row.values[0]) or 0 for row in table.rows)
    begin = (
        f"Of those that can be told, the most frequent {noun}"
        if hidden and rest >= most
        else f"The most frequent {noun}"
    )
    if first[1:]:
        names = joined([f"“{row.label}”" for row in first])
        return f"{begin}s were {names}, with {most:,} of {many(of, kind)} each{share(first[0].values[1])}."
    part = f"{most:,} of {many(of, kind)}{share(first[0].values[1])}"
    return f"{begin} was “{first[0].label}”: {part}{_against(first[0], before)}."


def of_those(n: Value, asked: str, parts: Sequence[tuple[Value, str]]) -> str:
    """ "Of the 300 cases in which this was noted, 120 (40.0%) had to be escalated and 80 (26.7%) …".

    `parts`: every answer in the order of its table, so that the shares are rounded as they are there; one without
    words is not read out.
    """
    whole = number(n)
    if whole is None:
        return TOO_SMALL
    if not whole:
        return f"There were no {asked}."
    told = zip(parts, shares([part for part, _ in parts], n), strict=True)
    said = [f"{part:,}{share(of)} {phrase}" for (part, phrase), of in told if phrase and not isinstance(part, Hidden)]
    return f"Of the {whole:,} {asked}, {joined(said)}." if said else TOO_SMALL


def spelled(days: Days) -> str:
    """First and last day, both counted, and how many days that is."""
    return f"{saying.days(days)} ({days.count:,} {'day' if days.count == 1 else 'days'})"


# --- within ----------------------------------------------------------------------------------------------------------


def _label(known: Mapping[str, str], code: str) -> str:
    return known.get(code) or code.replace("_", " ").replace("-", " ").capitalize()


def _against(row: Row, before: str) -> str:
    then = number(row.values[2]) if len(row.values) > 2 else None
    return "" if then is None else f", against {then:,} in {before}"
