"""What cases are about: the versions of the list, its terms, and what became of a term in a later version."""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from handoff.domain import AdviserId
from handoff.errors import HandoffError, Refused
from handoff.moments import from_ms, to_ms

MAX_LABEL_CHARACTERS = 80
MAX_WHY_CHARACTERS = 400
CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")


class NoSuchVersion(HandoffError):
    """There is no such version of the taxonomy."""


class NewerVersion(Refused):
    """Somebody made a newer version meanwhile."""


@dataclass(frozen=True, slots=True)
class Term:
    """One row of a version. A living term's `maps_to` is its own code; a retired one's is a living code, or None."""

    code: str
    label: str
    maps_to: str | None

    @property
    def is_living(self) -> bool:
        return self.maps_to == self.code


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the list. Its terms: the living ones in their order, then what it retired."""

    number: int
    made_at: datetime
    made_by: str | None
    """The adviser's name; None for the list the service began with."""
    why: str
    terms: tuple[Term, ...]

    @property
    def living(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if term.is_living)

    @property
    def retired(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if not term.is_living)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a version changed in the one before it."""

    added: tuple[Term, ...]
    renamed: tuple[tuple[str, str], ...]
    """The label before, and now."""
    retired: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why terms cannot become a version: the code it is about (or what stands for one), and what to do."""

    about: str
    says: str


def changes(before: Version, after: Version) -> Changes:
    was = {term.code: term.label for term in before.living}
    added = tuple(term for term in after.living if term.code not in was)
    renamed = tuple(
        (was[term.code], term.label) for term in after.living if term.code in was and was[term.code] != term.label
    )
    return Changes(added, renamed, after.retired)


def newest(conn: sqlite3.Connection) -> Version:
    return versions(conn, "WHERE t.version = (SELECT max(version) FROM taxonomy)")[0]


def living(conn: sqlite3.Connection) -> Mapping[str, str]:
    """The newest version's labels by code: what a case may be closed with."""
    return dict(conn.execute(_LIVING).fetchall())


def labels(conn: sqlite3.Connection) -> Mapping[str, str]:
    """What every code that ever was is called: living ones as now, retired ones as last."""
    return dict(conn.execute(_LABELS).fetchall())


def versions(conn: sqlite3.Connection, where: str = "") -> tuple[Version, ...]:
    """Every version, the newest first."""
    heads = conn.execute(f"{_VERSIONS} {where} ORDER BY t.version DESC").fetchall()
    return tuple(Version(row[0], from_ms(row[1]), row[2], row[3], _terms(conn, row[0])) for row in heads)


def crosswalk(conn: sqlite3.Connection, code: str, since: int, to: int) -> str | None:
    """What a term of version `since` is in version `to`; None when nothing took its place.

    Only forwards: what was merged cannot be told apart again. Raises: NoSuchVersion; Refused for a later `since`, or a
    code that did not live in it.
    """
    known = {row[0] for row in conn.execute("SELECT version FROM taxonomy")}
    if not {since, to} <= known:
        raise NoSuchVersion
    if since > to:
        raise Refused("A crosswalk leads from an older version to a newer one.")
    if conn.execute(_LIVED, [since, code]).fetchone() is None:
        raise Refused(f"Version {since} has no term {code}.")
    now: str | None = code
    for version in range(since + 1, to + 1):
        row = conn.execute(_MAPS_TO, [version, now]).fetchone()
        now = None if row is None else row[0]
    return now


def as_of_now(conn: sqlite3.Connection, code: str | None) -> str | None:
    """The living term for a code of any version, by the newest version it lived in; None when there is none."""
    if code is None:
        return None
    row = conn.execute(_LAST_LIVED, [code]).fetchone()
    if row[0] is None:
        return None
    return crosswalk(conn, code, row[0], row[1])


def make(
    conn: sqlite3.Connection, base: int, terms: Sequence[Term], why: str, adviser: AdviserId, now: datetime
) -> int:
    """Makes the version after `base`. `terms` are its living ones in their order, and each code of `base` that it
    retires. Returns its number. Raises: NewerVersion; Refused, with everything that is wrong with it (see `problems`).
    """
    before = newest(conn)
    if before.number != base:
        raise NewerVersion
    wrong = problems(before, used(conn), terms, why)
    if wrong:
        raise Refused(" ".join(problem.says for problem in wrong))
    number = base + 1
    for place, term in enumerate(sorted(terms, key=lambda each: not each.is_living), 1):
        values = [number, term.code, term.label.strip(), term.maps_to, place]
        conn.execute("INSERT INTO taxonomy_term VALUES (?, ?, ?, ?, ?)", values)
    conn.execute("INSERT INTO taxonomy VALUES (?, ?, ?, ?)", [number, to_ms(now), adviser, why.strip()])
    return number


def used(conn: sqlite3.Connection) -> frozenset[str]:
    """Every code there ever was."""
    return frozenset(row[0] for row in conn.execute("SELECT code FROM taxonomy_term"))


def problems(before: Version, used: frozenset[str], terms: Sequence[Term], why: str) -> tuple[Problem, ...]:
    """Everything that keeps these terms from following `before`, in the order of the list."""
    living_before = {term.code for term in before.living}
    codes = [term.code for term in terms]
    alive = {term.code for term in terms if term.is_living}
    found = [
        Problem(code, f"The code {code} stands there twice.") for code in sorted(set(codes)) if codes.count(code) > 1
    ]
    found += [Problem(code, f"Say what becomes of {code}.") for code in sorted(living_before - set(codes))]
    found += [problem for term in terms for problem in _problems(term, alive, living_before, used)]
    if not alive:
        found.append(Problem(codes[0] if codes else "", "At least one term must live on."))
    if not 1 <= len(why.strip()) <= MAX_WHY_CHARACTERS:
        found.append(Problem("why", f"Say why, in {MAX_WHY_CHARACTERS} characters at most."))
    return tuple(found)


# --- within ----------------------------------------------------------------------------------------------------------

_LIVING = """
SELECT code, label FROM taxonomy_term WHERE version = (SELECT max(version) FROM taxonomy) AND maps_to = code
 ORDER BY place
"""
_LABELS = """
SELECT code, label FROM (SELECT code, label, place, max(version) AS last FROM taxonomy_term GROUP BY code)
 ORDER BY last DESC, place
"""
_VERSIONS = "SELECT t.version, t.made_at, a.name, t.why FROM taxonomy t LEFT JOIN adviser a ON a.id = t.made_by"
_TERMS = "SELECT code, label, maps_to FROM taxonomy_term WHERE version = ? ORDER BY place"
_LIVED = "SELECT 1 FROM taxonomy_term WHERE version = ? AND code = ? AND maps_to = code"
_MAPS_TO = "SELECT maps_to FROM taxonomy_term WHERE version = ? AND code = ?"
_LAST_LIVED = """
SELECT (SELECT max(version) FROM taxonomy_term WHERE code = ? AND maps_to = code), (SELECT max(version) FROM taxonomy)
"""


def _terms(conn: sqlite3.Connection, version: int) -> tuple[Term, ...]:
    return tuple(Term(row[0], row[1], row[2]) for row in conn.execute(_TERMS, [version]))


def _problems(term: Term, alive: set[str], living_before: set[str], used: frozenset[str]) -> list[Problem]:
    code, is_old = term.code, term.code in living_before
    shown, onto = code[:60], (term.maps_to or "")[:60]
    is_named = 1 <= len(term.label.strip()) <= MAX_LABEL_CHARACTERS
    is_plain = term.label.strip().isprintable()  # nothing that breaks or turns the line it stands in
    checks = (
        (CODE.fullmatch(code), f"“{shown}” is no code: small letters, digits and _, beginning with a letter."),
        (is_named, f"{shown} needs a name, {MAX_LABEL_CHARACTERS} characters at most."),
        (is_plain, f"The name of {shown} has signs in it that cannot be seen. Type it anew."),
        (is_old or code not in used, f"{shown} was used before and meant something else. Choose a new code."),
        (is_old or term.is_living, f"{shown} is not in the list, so it cannot be retired."),
        (
            term.maps_to is None or term.maps_to in alive,
            f"{shown} cannot be counted as “{onto}”, which is not in the new list.",
        ),
    )
    return [Problem(code, says) for is_right, says in checks if not is_right]
