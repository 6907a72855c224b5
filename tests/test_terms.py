"""School terms: set and removed by a lead, found for a stretch of days, none made up."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from handoff import terms
from handoff.chain import teach
from handoff.desk import events_after
from handoff.domain import AdviserId
from handoff.errors import Refused
from handoff.migrations import migrations
from handoff.seal import Seal
from handoff.terms import NewTerm, NoSuchTerm, TermKnown, WrongTerm

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LEAD, ADVISER = AdviserId(1), AdviserId(2)


def a_database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    teach(connection, Seal(b"k" * 32))
    migrations.apply(Database(connection))
    for name, role in (("Lee", "lead"), ("Amy", "adviser")):
        connection.execute(
            "INSERT INTO adviser (name, email, password, role, capacity, added_at)"
            " VALUES (?, ?, '$argon2id$x', ?, 3, 0)",
            [name, name, role],
        )
    return connection


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    connection = a_database()
    yield connection
    connection.close()


def a_term(first: str = "2026-09-01", last: str = "2026-12-18", nation: str | None = "wales") -> NewTerm:
    return NewTerm("Autumn", nation, date.fromisoformat(first), date.fromisoformat(last), "made up for a test")


def test_none_comes_with_the_program(conn: sqlite3.Connection) -> None:
    assert terms.listed(conn) == ()
    assert terms.between(conn, date(2000, 1, 1), date(2100, 12, 31)) == ()


def test_a_term_is_found_by_any_day_it_shares_and_keeps_its_own_dates(conn: sqlite3.Connection) -> None:
    autumn = terms.add(conn, a_term(), LEAD, NOW)
    terms.add(conn, a_term("2027-01-04", "2027-03-24"), LEAD, NOW)
    for first, last in (("2026-12-18", "2027-01-03"), ("2026-01-01", "2026-09-01"), ("2026-10-01", "2026-10-01")):
        found = terms.between(conn, date.fromisoformat(first), date.fromisoformat(last))
        assert [(each.id, each.first, each.last) for each in found] == [(autumn, date(2026, 9, 1), date(2026, 12, 18))]
    assert terms.between(conn, date(2026, 12, 19), date(2027, 1, 3)) == ()
    assert [each.first.year for each in terms.between(conn, date(2026, 12, 1), date(2027, 2, 1))] == [2026, 2027]
    assert [each.first.year for each in terms.listed(conn)] == [2027, 2026]


def test_a_removed_term_shades_nothing_and_both_are_written_down(conn: sqlite3.Connection) -> None:
    term = terms.add(conn, a_term(), LEAD, NOW)
    with pytest.raises(TermKnown):
        terms.add(conn, a_term(), LEAD, NOW)
    terms.remove(conn, term, LEAD, NOW)
    assert terms.listed(conn) == ()
    with pytest.raises(NoSuchTerm):
        terms.remove(conn, term, LEAD, NOW)
    assert [(event.kind, event.adviser_id) for event in events_after(conn, 0)] == [
        ("terms.added", LEAD),
        ("terms.removed", LEAD),
    ]
    terms.add(conn, a_term(), LEAD, NOW)


def test_only_a_lead_sets_terms(conn: sqlite3.Connection) -> None:
    with pytest.raises(Refused):
        terms.add(conn, a_term(), ADVISER, NOW)
    term = terms.add(conn, a_term(nation=None), LEAD, NOW)
    with pytest.raises(Refused):
        terms.remove(conn, term, ADVISER, NOW)
    assert [each.nation for each in terms.listed(conn)] == [None]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", {"name": "  "}),
        ("name", {"name": "x" * 61}),
        ("name", {"name": "Autumn\u202e1"}),
        ("source", {"source": "a page\nof theirs"}),
        ("source", {"source": ""}),
        ("nation", {"nation": "france"}),
        ("first", {"first": date(1999, 12, 31)}),
        ("last", {"last": date(2101, 1, 1)}),
        ("last", {"last": date(2026, 8, 31)}),
        ("last", {"last": date(2027, 7, 31)}),
    ],
)
def test_what_is_no_term_says_what_is_wrong(field: str, wrong: dict) -> None:
    values = {
        "name": "Autumn",
        "nation": None,
        "first": date(2026, 9, 1),
        "last": date(2026, 12, 18),
        "source": "a page",
    }
    with pytest.raises(WrongTerm) as found:
        NewTerm(**{**values, **wrong})
    assert found.value.field == field


DAYS = st.dates(date(2020, 1, 1), date(2022, 12, 31))


EVERY: Final = a_database()
"""One for all the examples: each is undone."""


@given(st.lists(st.tuples(DAYS, st.integers(0, 199)), max_size=6, unique=True), DAYS, st.integers(0, 400))
def test_between_finds_what_a_walk_over_every_day_finds(made: list[tuple[date, int]], first: date, length: int) -> None:
    EVERY.execute("SAVEPOINT example")
    for begins, days in made:
        terms.add(EVERY, NewTerm("Term", None, begins, begins + timedelta(days=days), "made up"), LEAD, NOW)
    asked = {first + timedelta(days=step) for step in range(length + 1)}
    shared = {each for each in made if asked & {each[0] + timedelta(days=step) for step in range(each[1] + 1)}}
    found = terms.between(EVERY, first, max(asked))
    EVERY.execute("ROLLBACK TO example")
    EVERY.execute("RELEASE example")
    assert {(each.first, (each.last - each.first).days) for each in found} == shared
