"""The report of a period: counted once, small numbers hidden, then put into chapters, tables and sentences."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

from handoff import terms
from handoff.periods import Compare, Days, WrongPeriod
from handoff.reports import carried, counting, releases, saying, suppression, surges, wording
from handoff.reports.chapters import about, contacts, glance, needs, platforms, service, surging, where, who
from handoff.reports.counting import Facts
from handoff.reports.counts import TOTAL, Counted
from handoff.reports.model import ENOUGH, HIDDEN, Report, Section, Shade
from handoff.reports.suppression import NONE, Hidden, ReleasedBefore
from handoff.reports.surges import Look
from handoff.reports.telling import COUNTED, Telling

FIRST_YEAR: Final = 2000
"""No service of this kind is older; an earlier year is a slip of the hand."""
DEMO: Final = "demo"
"""Stands as the version of flows and content where a demonstration invented the fact."""
Local = Callable[[datetime], datetime]
"""Takes a moment to the service's own clock."""


@dataclass(frozen=True, slots=True)
class Built:
    """A report with what it was made of, which `releases.remember` asks of one that is passed on."""

    report: Report
    facts: Facts
    then: Facts | None
    hidden: Hidden
    number: int
    """Under which it can be passed on, as long as no other was meanwhile."""


def report(
    conn: sqlite3.Connection,
    days: Days,
    compare: Compare | None,
    *,
    service: str,
    local: Local,
    now: datetime,
    pass_on: bool = False,
) -> Report:
    """Everything is read from one snapshot. `pass_on`: what was passed on before is taken into account.

    Raises: WrongPeriod (see `checked`).
    """
    return built(conn, days, compare, service=service, local=local, now=now, pass_on=pass_on).report


def built(
    conn: sqlite3.Connection,
    days: Days,
    compare: Compare | None,
    *,
    service: str,
    local: Local,
    now: datetime,
    pass_on: bool,
) -> Built:
    """The same, with what it was made of. It has no number yet: that is given as it is remembered.

    Raises: WrongPeriod.
    """
    checked(days, local(now).date())
    with counting.snapshot(conn):
        began = counting.first_days(conn)
        compared = days.compared(compare) if compare else None
        facts = counting.count(conn, days)
        then = _counted_beside(conn, compared, began)
        told, addresses = _told(conn, facts, then) if pass_on else (NONE, True)
        telling = _telling(conn, facts, then, compare, told, addresses)
        shades, look = _shades(conn, days), surges.in_weeks(conn, days)
        number, invented = releases.last(conn) + 1, _is_invented(conn, days)
    sections = _sections(telling, shades, look)
    hidden = _not_told(sections)
    made = Report(
        service,
        days,
        compare,
        compared,
        now,
        glance.headline(telling, sections),
        sections,
        (*((saying.INVENTED,) if invented else ()), *_notes(telling, compared, began, local(now), hidden, pass_on)),
        hidden,
    )
    return Built(made, facts, then, telling.hidden, number)


def checked(days: Days, today: date) -> None:
    """Raises: WrongPeriod for days that are still to come, or before any service of this kind."""
    if days.first > today:
        raise WrongPeriod(f"The period begins on {days.first}, which is still to come. Today is {today}.")
    if days.end > today + timedelta(days=1):
        raise WrongPeriod(
            f"The period ends after {days.last}, which is still to come. The last day that can be counted is today: "
            f"write {today + timedelta(days=1)} as the first day that is not counted."
        )
    if days.first.year < FIRST_YEAR:
        raise WrongPeriod(f"The period begins in {days.first.year}. Choose a day from the year {FIRST_YEAR} on.")


# --- within ----------------------------------------------------------------------------------------------------------


def _counted_beside(conn: sqlite3.Connection, compared: Days | None, began: Mapping[str, date]) -> Facts | None:
    """None where there is nothing to compare with: before the service's first fact, nothing was counted."""
    if compared is None or not began or compared.end <= min(began.values()):
        return None
    return counting.beside(counting.count(conn, compared))


def _told(conn: sqlite3.Connection, facts: Facts, then: Facts | None) -> tuple[ReleasedBefore, bool]:
    """What earlier reports that were passed on gave away already; and whether, beside them, addresses may be told."""
    compared = then.kinds if then else {}
    pieces: dict[Days, Facts] = {}

    def recount(days: Days) -> Mapping[str, Counted]:
        pieces[days] = counting.count(conn, days)
        return pieces[days].kinds

    told = releases.before(conn, facts.kinds, compared, recount)
    mine = [each.days for each in (facts, then) if each]
    return told, _may_tell_addresses(told, mine, pieces)


def _may_tell_addresses(told: ReleasedBefore, mine: Sequence[Days], pieces: Mapping[Days, Facts]) -> bool:
    """Sums of addresses are subtracted from each other like any: between two ends of periods there must be none, or
    ENOUGH cases with any; and no case or two that ended since the same days were told."""
    if any(("cases", is_then, TOTAL) in told.withheld for is_then in (False, True)):
        return False
    spans = {*mine, *(sheet.days for sheets in told.sheets.values() for sheet in sheets)}
    ends = sorted({day for span in spans for day in (span.first, span.end)})
    found = [sum(each.with_urls for days, each in pieces.items() if first <= days.first < end)
             for first, end in pairwise(ends)]  # fmt: skip
    return not any(0 < number < ENOUGH for number in found)


def _telling(
    conn: sqlite3.Connection,
    facts: Facts,
    then: Facts | None,
    compare: Compare | None,
    told: ReleasedBefore,
    addresses: bool,
) -> Telling:
    hidden = suppression.hidden(facts.kinds, then.kinds if then else {}, told)
    before = (wording.before(facts.days, compare), wording.COLUMN[compare]) if compare else ("", "")
    return Telling(facts, then, hidden, carried.read(conn), *before, addresses)


def _sections(telling: Telling, shades: tuple[Shade, ...], look: Look) -> tuple[Section, ...]:
    return (
        *glance.sections(telling),
        *about.sections(telling, shades),
        *where.sections(telling),
        *who.sections(telling),
        *needs.sections(telling),
        *platforms.sections(telling),
        *service.sections(telling),
        *surging.sections(telling, look),
        *contacts.sections(telling),
    )


def _not_told(sections: tuple[Section, ...]) -> int:
    rows = (row for section in sections for row in (*section.table.rows, section.table.total) if row)
    return sum(value is HIDDEN for row in rows for value in row.values)


def _shades(conn: sqlite3.Connection, days: Days) -> tuple[Shade, ...]:
    """School terms; one of a nation of its own says so."""
    nation = wording.label("nations")
    return tuple(
        Shade(f"{term.name} ({nation(term.nation)})" if term.nation else term.name, term.first, term.last)
        for term in terms.between(conn, days.first, days.last)
    )


def _is_invented(conn: sqlite3.Connection, days: Days) -> bool:
    """Whether the period begins with facts of `firstline demo --history`: they name no version of flows and content."""
    first = conn.execute(
        "SELECT library FROM case_facts WHERE period >= ? AND period < ? ORDER BY period LIMIT 1",
        [days.first.isoformat(), days.end.isoformat()],
    ).fetchone()
    return first is not None and first[0] == DEMO


def _notes(
    telling: Telling, compared: Days | None, began: Mapping[str, date], now: datetime, hidden: int, pass_on: bool
) -> tuple[str, ...]:
    return tuple(
        filter(
            None,
            (
                _what_is_counted(telling),
                _compared(telling, compared, began),
                _unlike(telling.now.days, telling.then.days if telling.then else None),
                _hidden(hidden),
                _open(telling.now.still_open, pass_on),
                _today(telling.now.days, now),
                f"Days and hours are those of the service’s own clock ({now.tzinfo}).",
            ),
        )
    )


def _what_is_counted(telling: Telling) -> str:
    return (
        "Counted are cases opened, contacts begun and reports to platforms added from "
        f"{wording.spelled(telling.now.days)}. Cases and contacts are never added together. Practice is not counted. "
        "When people are forgotten the figures stay as they are: they are kept apart from people."
    )


def _compared(telling: Telling, compared: Days | None, began: Mapping[str, date]) -> str:
    """What was not counted yet in the compared period makes a change look larger than it is."""
    if compared is None:
        return ""
    said = f"Compared with {wording.spelled(compared)}."
    if telling.then is None:
        return f"{said} The service has no figures of that time: there is nothing to compare with."
    late = [f"{COUNTED[kind]} from {saying.day(day)}" for kind, day in began.items() if day > compared.first]
    if not late:
        return said
    return (
        f"{said} The service has figures of {wording.joined(late)} on: where that is later, the change is overstated."
    )


def _unlike(days: Days, compared: Days | None) -> str:
    if compared is None or compared.count == days.count:
        return ""
    return (
        f"The two periods are not equally long: {days.count:,} and {compared.count:,} days. "
        "Nothing was adjusted for the difference."
    )


def _hidden(hidden: int) -> str:
    if not hidden:
        return "No number had to be hidden."
    return (
        f"Numbers from 1 to {ENOUGH - 1} are not told, because they may point at somebody, nor are others from which "
        "they could be worked out, nor shares and changes made of them. 0 is told."
    )


def _open(still_open: int, pass_on: bool) -> str:
    """How many is not passed on: between two reports it says how many ended, or came on a day."""
    if not still_open:
        return ""
    if pass_on:
        return "Cases of this period that had not ended when the report was made are in none of its numbers."
    how_many = "A few cases" if still_open < ENOUGH else f"{still_open:,} cases"
    return f"{how_many} of this period had not ended when the report was made, and are in none of its numbers."


def _today(days: Days, now: datetime) -> str:
    return f"{saying.day(days.last)} was not over when the report was made." if days.last >= now.date() else ""
