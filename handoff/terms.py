"""School terms: stretches of days behind charts over time. A lead sets them; none comes with the program."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NewType

from handoff.domain import AdviserId
from handoff.errors import Refused
from handoff.hours import SUBDIVISIONS
from handoff.moments import to_ms

TermId = NewType("TermId", int)
MAX_NAME, MAX_SOURCE, MAX_DAYS, MAX_TERMS = 60, 200, 200, 200
FIRST_YEAR, LAST_YEAR = 2000, 2100


class WrongTerm(Refused):
    """That is no school term. `field`: name, nation, first, last or source."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class TermKnown(Refused):
    """There is a term of these days already."""


class NoSuchTerm(Refused):
    """There is no such term; perhaps somebody has removed it."""


@dataclass(frozen=True, slots=True)
class NewTerm:
    """`nation` None: of all nations. `first` and `last` are both in it."""

    name: str
    nation: str | None
    first: date
    last: date
    source: str
    """Where the dates are from: a council's page, a school's calendar."""

    def __post_init__(self) -> None:
        """Raises: WrongTerm."""
        for field, text, most in (("name", self.name, MAX_NAME), ("source", self.source, MAX_SOURCE)):
            if not 1 <= len(text.strip()) <= most:
                raise WrongTerm(field, f"Write 1 to {most} characters.")
            if not text.isprintable():  # signs that turn or break a line would do so in reports
                raise WrongTerm(field, "Write it in one line, without signs that cannot be seen.")
        if self.nation is not None and self.nation not in SUBDIVISIONS:
            raise WrongTerm("nation", "Choose one of the four nations, or all.")
        for field, day in (("first", self.first), ("last", self.last)):
            if not FIRST_YEAR <= day.year <= LAST_YEAR:
                raise WrongTerm(field, f"Choose a day from {FIRST_YEAR} to {LAST_YEAR}.")
        if self.last < self.first:
            raise WrongTerm("last", "The last day is before the first day.")
        if (self.last - self.first).days >= MAX_DAYS:
            raise WrongTerm("last", f"A term has fewer than {MAX_DAYS} days. Add the year's terms one by one.")


@dataclass(frozen=True, slots=True)
class Term:
    """A term that counts. Both days are in it."""

    id: TermId
    name: str
    nation: str | None
    first: date
    last: date
    source: str


def add(conn: sqlite3.Connection, term: NewTerm, lead: AdviserId, now: datetime) -> TermId:
    """Raises: TermKnown when the same days of the same nation are there; Refused when there are too many, or by
    somebody who is no lead."""
    if conn.execute("SELECT count(*) FROM school_term WHERE removed_at IS NULL").fetchone()[0] >= MAX_TERMS:
        raise Refused(f"There are {MAX_TERMS} terms. Remove old ones first.")
    values = [term.name.strip(), term.nation, term.first.isoformat(), term.last.isoformat(), term.source.strip()]
    try:
        return TermId(conn.execute(_ADD, [*values, lead, to_ms(now)]).fetchone()[0])
    except sqlite3.IntegrityError as error:
        raise TermKnown if str(error) == "school_term_is_new" else Refused from error


def remove(conn: sqlite3.Connection, term: TermId, lead: AdviserId, now: datetime) -> None:
    """It shades nothing any more; that it was there stays written. Raises: NoSuchTerm; Refused for who is no lead."""
    try:
        done = conn.execute(_REMOVE, {"term": term, "lead": lead, "now": to_ms(now)}).rowcount
    except sqlite3.IntegrityError as error:
        raise Refused from error
    if done != 1:
        raise NoSuchTerm


def listed(conn: sqlite3.Connection) -> tuple[Term, ...]:
    """All that count, the newest first."""
    return tuple(map(_term, conn.execute(f"{_TERMS} ORDER BY first DESC, nation, id")))


def between(conn: sqlite3.Connection, first: date, last: date) -> tuple[Term, ...]:
    """The terms with a day from `first` to `last` (both counted), in order of time, with their own whole dates."""
    days = [last.isoformat(), first.isoformat()]
    return tuple(map(_term, conn.execute(f"{_TERMS} AND first <= ? AND last >= ? ORDER BY first, nation, id", days)))


# --- within ----------------------------------------------------------------------------------------------------------

_ADD: Final = """
INSERT INTO school_term (name, nation, first, last, source, added_by, added_at) VALUES (?, ?, ?, ?, ?, ?, ?)
RETURNING id
"""
_REMOVE: Final = """
UPDATE school_term SET removed_by = :lead, removed_at = :now WHERE id = :term AND removed_at IS NULL
"""
_TERMS: Final = "SELECT id, name, nation, first, last, source FROM school_term WHERE removed_at IS NULL"


def _term(row: sqlite3.Row) -> Term:
    id_, name, nation, first, last, source = row
    return Term(TermId(id_), name, nation, date.fromisoformat(first), date.fromisoformat(last), source)
