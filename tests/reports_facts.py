"""Facts written by hand into a migrated database: what the report's tests count."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from handoff.chain import teach
from handoff.migrations import migrations
from handoff.seal import Seal

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
CASE: dict[str, Any] = {
    "period": "2026-03-02", "hour": 10, "channel": "web", "language": "en", "library": "v1", "reason": "asked",
    "tier": 2, "issue": "reputation", "outcome": "advised", "put_back": 0, "taxonomy": 1, "lane": "live",
    "answered_in_time": 1, "answer_wait_s": 60, "is_return": 0,
}  # fmt: skip
CONTACT: dict[str, Any] = {
    "period": "2026-03-02", "hour": 10, "channel": "web", "language": "en", "library": "v1", "is_return": 0,
}  # fmt: skip
TAKEDOWN: dict[str, Any] = {
    "period": "2026-03-02", "platform": "tiktok", "what": "post", "stage": "reported", "reported": 1, "on_behalf": 0,
}  # fmt: skip


def opened(path: Path | str = ":memory:") -> sqlite3.Connection:
    """Migrated, and empty."""
    conn = sqlite3.connect(path, isolation_level=None)
    _migrated().backup(conn)
    conn.execute("PRAGMA journal_mode = WAL")
    teach(conn, Seal(b"k" * 32))
    return conn


@cache
def _migrated() -> sqlite3.Connection:
    conn = sqlite3.connect(":memory:", isolation_level=None)
    teach(conn, Seal(b"k" * 32))
    migrations.apply(Database(conn))
    return conn


def case(conn: sqlite3.Connection, times: int = 1, **more: Any) -> None:
    _add(conn, "case_facts", times, {**CASE, **more})


def contact(conn: sqlite3.Connection, times: int = 1, **more: Any) -> None:
    _add(conn, "contact_facts", times, {**CONTACT, **more})


def takedown(conn: sqlite3.Connection, times: int = 1, **more: Any) -> None:
    _add(conn, "takedown_facts", times, {**TAKEDOWN, **more})


def advisers(conn: sqlite3.Connection, number: int) -> Iterable[int]:
    for each in range(1, number + 1):
        conn.execute(
            "INSERT INTO adviser (name, email, password, role, capacity, added_at)"
            " VALUES (?, ?, '$argon2id$x', 'lead', 3, 0)",
            [f"Adviser {each}", f"a{each}@example.org"],
        )
        yield each


def _add(conn: sqlite3.Connection, table: str, times: int, values: dict[str, Any]) -> None:
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    conn.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", [list(values.values())] * times)
