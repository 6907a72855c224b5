"""A report is ordered and made; one that is passed on is held against what was before, remembered and kept."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from handoff.domain import AdviserId
from handoff.errors import HandoffError
from handoff.ledger import Ledger
from handoff.moments import from_ms
from handoff.periods import Compare, Days
from handoff.reports import building, releases
from handoff.reports.as_json import as_json
from handoff.reports.building import Built
from handoff.reports.from_json import report_from
from handoff.reports.model import Report


class NoSuchRelease(HandoffError):
    """No report was passed on under that number."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a report is to be about. `local` takes a moment to the service's own clock."""

    days: Days
    compare: Compare | None
    service: str
    local: Callable[[datetime], datetime]


@dataclass(frozen=True, slots=True)
class PassedOn:
    """A report that left the service. `by` None: with the command."""

    number: int
    days: Days
    compared: Days | None
    by: AdviserId | None
    at: datetime


def made(ledger: Ledger, order: Order, now: datetime) -> Report:
    """For use inside. Counts on the calling thread's own connection: seconds for a million cases.

    Raises: WrongPeriod.
    """
    return _built(ledger, order, now, pass_on=False).report


def to_pass_on(ledger: Ledger, order: Order, now: datetime) -> Built:
    """Counted and held against what was passed on before; not passed on yet, see `remember`. Raises: WrongPeriod."""
    return _built(ledger, order, now, pass_on=True)


def remember(conn: sqlite3.Connection, built: Built, by: AdviserId | None, now: datetime) -> Report:
    """Passes it on: in one write it gets its number, what it tells is remembered, and it is kept as it is.

    Raises: PassedOnMeanwhile when another report came between; nothing was written, make it anew.
    """
    report = replace(built.report, release=built.number)
    compared = built.then.kinds if built.then else {}
    releases.remember(conn, built.number, built.facts.kinds, compared, built.hidden, by, now)
    conn.execute("INSERT INTO released_report VALUES (?, ?)", [built.number, as_json(report)])
    return report


def passed_on(conn: sqlite3.Connection) -> tuple[PassedOn, ...]:
    """Every report that left the service, the newest first."""
    rows = conn.execute(
        "SELECT number, first, end, compared_first, compared_end, made_by, at FROM released ORDER BY number DESC"
    )
    return tuple(
        PassedOn(number, _days(first, end), _days(then, to) if then else None, by, from_ms(at))
        for number, first, end, then, to, by, at in map(tuple, rows)
    )


def kept(conn: sqlite3.Connection, number: int) -> Report:
    """The report as it was passed on. Raises: NoSuchRelease."""
    row = conn.execute("SELECT body FROM released_report WHERE release = ?", [number]).fetchone()
    if row is None:
        raise NoSuchRelease
    return report_from(row[0])


def _built(ledger: Ledger, order: Order, now: datetime, *, pass_on: bool) -> Built:
    conn, days, compare = ledger.reader(), order.days, order.compare
    return building.built(conn, days, compare, service=order.service, local=order.local, now=now, pass_on=pass_on)


def _days(first: str, end: str) -> Days:
    return Days(date.fromisoformat(first), date.fromisoformat(end))
