"""Two connections count one report only when both see the very same facts."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handoff.reports import twins

TOTAL = "SELECT count(*) FROM fact"


class Meddled(sqlite3.Connection):
    """Somebody writes each time this connection has just taken its snapshot, `times` times."""

    writer: sqlite3.Connection
    times = 0

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        done = super().execute(sql, *values)
        if "sqlite_master" in sql and self.times:
            self.times -= 1
            done.fetchall()
            self.writer.execute("INSERT INTO fact DEFAULT VALUES")
        return done


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Meddled]:
    writer = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE fact (id INTEGER PRIMARY KEY)")
    meddled = sqlite3.connect(tmp_path / "x.db", isolation_level=None, factory=Meddled)
    meddled.writer = writer
    yield meddled
    meddled.close()
    writer.close()


def totals(conn: Meddled, twin: sqlite3.Connection | None) -> set[int]:
    return {each.execute(TOTAL).fetchone()[0] for each in (conn, twin) if each is not None}


@pytest.mark.parametrize("writes", [0, 1, 3])
def test_twins_see_the_same_whatever_is_written(conn: Meddled, writes: int) -> None:
    conn.times = writes
    with twins.snapshot(conn) as twin:
        assert twin is not None
        conn.writer.execute("INSERT INTO fact DEFAULT VALUES")
        assert totals(conn, twin) == {writes}
    assert not conn.in_transaction


def test_without_asking_whether_something_was_written_they_would_differ(
    conn: Meddled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twins, "_version", lambda _: 0)
    conn.times = 1
    with twins.snapshot(conn) as twin:
        assert totals(conn, twin) == {0, 1}


def test_where_somebody_always_writes_one_counts_alone(conn: Meddled) -> None:
    conn.times = 10**6
    with twins.snapshot(conn) as twin:
        assert twin is None
        assert len(totals(conn, twin)) == 1


def test_there_is_no_twin_in_memory_or_within_a_transaction(conn: Meddled) -> None:
    with twins.snapshot(sqlite3.connect(":memory:", isolation_level=None)) as twin:
        assert twin is None
    conn.execute("BEGIN")
    with twins.snapshot(conn) as twin:
        assert twin is None
    assert conn.in_transaction
