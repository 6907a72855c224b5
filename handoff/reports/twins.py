"""Two connections that see one and the same snapshot, so that a report is counted on two processors."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Final

from handoff.reports import counting

TRIES: Final = 20
"""Somebody who writes all the time keeps the twins apart; then one connection counts alone."""


@contextmanager
def snapshot(conn: sqlite3.Connection) -> Iterator[sqlite3.Connection | None]:
    """`conn` sees one snapshot within, and so does the twin that is yielded.

    None where there can be no twin: a database in memory, a transaction that goes on already, or TRIES writes in a row
    between the beginnings of the two. SQLite tells a third connection whether anything was committed meanwhile (PRAGMA
    data_version): where nothing was, both begin with the same.
    """
    path = _path(conn)
    if conn.in_transaction or not path:
        with counting.snapshot(conn):
            yield None
        return
    with ExitStack() as stack:
        twin, witness = (stack.enter_context(closing(_reader(path))) for _ in range(2))
        is_twin = any(_begin_together(conn, twin, witness) for _ in range(TRIES))
        try:
            yield twin if is_twin else None
        finally:
            conn.execute("ROLLBACK")


def _begin_together(conn: sqlite3.Connection, twin: sqlite3.Connection, witness: sqlite3.Connection) -> bool:
    """Both have a snapshot afterwards; True when it is the same."""
    before = _version(witness)
    for each in (conn, twin):
        if each.in_transaction:
            each.execute("ROLLBACK")
        each.execute("BEGIN")
        each.execute("SELECT count(*) FROM sqlite_master").fetchone()  # a snapshot is taken at the first read
    return before == _version(witness)


def _version(witness: sqlite3.Connection) -> int:
    return int(witness.execute("PRAGMA data_version").fetchone()[0])


def _path(conn: sqlite3.Connection) -> str:
    return next((str(row[2]) for row in conn.execute("PRAGMA database_list") if row[1] == "main"), "")


def _reader(path: str) -> sqlite3.Connection:
    """Used by one thread at a time, not always the same."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    return connection
