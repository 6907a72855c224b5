"""The audit chain: what it refuses, what it finds, and that what it finds is found by the chain and nothing else."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from handoff import advisers
from handoff.advisers import witness
from handoff.chain import BEGAN, Break, in_words, teach, verify
from handoff.domain import AdviserId, CaseId, NewCase, Role
from handoff.hours import OpeningHours
from handoff.ledger import Ledger
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.seal import Seal

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SEAL, ANOTHER = Seal(b"k" * 32), Seal(b"K" * 32)
GUARDS = ("event_is_kept", "event_stays", "event_is_sealed", "event_is_next", "chain_is_kept", "chain_stays",
          "chain_goes_on", "head_goes_forward", "head_stays")  # fmt: skip
WITHOUT_GUARDS = tuple(f"DROP TRIGGER {guard}" for guard in GUARDS)


def trail(events: int = 10, seal: Seal = SEAL) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    teach(connection, seal)
    migrations.apply(Database(connection))
    for number in range(events):
        witness(connection, "case.looked_at", AdviserId(1 + number % 3), NOW + timedelta(seconds=number), number)
    return connection


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    connection = trail()
    yield connection
    connection.close()


def test_a_trail_nobody_touched_is_whole(conn: sqlite3.Connection) -> None:
    verdict = verify(conn, SEAL)
    assert verdict.is_whole
    assert (verdict.events, verdict.first_at, verdict.last_at) == (10, NOW, NOW + timedelta(seconds=9))
    assert in_words(verdict) == "The chain is whole: 10 events, each as it was written, none missing."


def test_a_trail_without_events_is_whole_and_says_so() -> None:
    verdict = verify(trail(0), SEAL)
    assert verdict.is_whole
    assert "nothing to verify" in in_words(verdict)


def test_with_another_key_nothing_fits(conn: sqlite3.Connection) -> None:
    assert verify(conn, ANOTHER).seq == 1


DAMAGE: list[tuple[str, tuple[str, ...], Break, int]] = [
    ("a time changed", ("UPDATE event SET at = at + 1 WHERE seq = 4",), Break.CHANGED, 4),
    ("another adviser", ("UPDATE event SET adviser = 9 WHERE seq = 4",), Break.CHANGED, 4),
    ("no adviser", ("UPDATE event SET adviser = NULL WHERE seq = 10",), Break.CHANGED, 10),
    ("another case", ('UPDATE event SET "case" = NULL WHERE seq = 1',), Break.CHANGED, 1),
    ("another kind", ("UPDATE event SET kind = 'case.closed' WHERE seq = 4",), Break.CHANGED, 4),
    ("one deleted", ("DELETE FROM event WHERE seq = 4",), Break.MISSING, 4),
    ("one deleted with its seal", ("DELETE FROM event WHERE seq = 4", "DELETE FROM event_chain WHERE seq = 4"),
        Break.MISSING, 4),
    ("the first deleted with its seal", ("DELETE FROM event WHERE seq = 1", "DELETE FROM event_chain WHERE seq = 1"),
        Break.MISSING, 1),
    ("one deleted, the rest moved up", ("DELETE FROM event WHERE seq = 4", "DELETE FROM event_chain WHERE seq = 4",
        "UPDATE event SET seq = seq - 1 WHERE seq > 4", "UPDATE event_chain SET seq = seq - 1 WHERE seq > 4"),
        Break.CHANGED, 4),
    ("two swapped", ("UPDATE event SET seq = 99 WHERE seq = 4", "UPDATE event SET seq = 4 WHERE seq = 5",
        "UPDATE event SET seq = 5 WHERE seq = 99"), Break.CHANGED, 4),
    ("two swapped with their seals", tuple(f"UPDATE {table} SET seq = {new} WHERE seq = {old}"
        for table in ("event", "event_chain") for old, new in ((4, 99), (5, 4), (99, 5))), Break.CHANGED, 4),
    ("a seal exchanged", ("UPDATE event_chain SET mark = zeroblob(16) WHERE seq = 4",), Break.CHANGED, 4),
    ("a seal taken away", ("DELETE FROM event_chain WHERE seq = 4",), Break.UNSEALED, 4),
    ("one written past the chain", ("INSERT INTO event (kind, at) VALUES ('case.closed', 0)",), Break.UNSEALED, 11),
    ("one written into a hole", ("INSERT INTO event (seq, kind, at) VALUES (14, 'case.closed', 0)",),
        Break.MISSING, 11),
    ("the tail cut off", ("DELETE FROM event WHERE seq > 7", "DELETE FROM event_chain WHERE seq > 7"), Break.CUT, 7),
    ("the tail's events cut off", ("DELETE FROM event WHERE seq > 7",), Break.MISSING, 8),
    ("the tail cut off, the counter set back", ("DELETE FROM event WHERE seq > 7",
        "DELETE FROM event_chain WHERE seq > 7", "UPDATE sqlite_sequence SET seq = 7 WHERE name = 'event'"),
        Break.CUT, 7),
    ("the tail cut off, counter and head set back", ("DELETE FROM event WHERE seq > 7",
        "DELETE FROM event_chain WHERE seq > 7", "UPDATE sqlite_sequence SET seq = 7 WHERE name = 'event'",
        "UPDATE event_head SET seq = 7"), Break.HEAD_CHANGED, 7),
    ("everything deleted", ("DELETE FROM event", "DELETE FROM event_chain", "DELETE FROM sqlite_sequence"),
        Break.CUT, 0),
    ("the head deleted", ("DELETE FROM event_head",), Break.HEAD_CHANGED, 10),
]  # fmt: skip


@pytest.mark.parametrize(("statements", "found", "seq"), [row[1:] for row in DAMAGE], ids=[row[0] for row in DAMAGE])
def test_whoever_has_the_file_and_not_the_key_is_found_out(
    conn: sqlite3.Connection, statements: tuple[str, ...], found: Break, seq: int
) -> None:
    for statement in (*WITHOUT_GUARDS, *statements):
        conn.execute(statement)
    verdict = verify(conn, SEAL)
    assert (verdict.found, verdict.seq) == (found, seq)
    assert str(seq) in in_words(verdict)


@pytest.mark.parametrize("statements", [row[1] for row in DAMAGE], ids=[row[0] for row in DAMAGE])
def test_while_the_guards_stand_none_of_it_can_be_done(conn: sqlite3.Connection, statements: tuple[str, ...]) -> None:
    before = verify(conn, SEAL)
    try:
        with conn:
            conn.execute("BEGIN")
            for statement in statements:
                conn.execute(statement)
    except sqlite3.IntegrityError:
        assert verify(conn, SEAL) == before
    else:
        assert statements[0].startswith("INSERT"), "only a new event may go through, and it is sealed"
        assert verify(conn, SEAL).found in {None, Break.MISSING}


def test_whoever_has_the_key_could_make_another_chain(conn: sqlite3.Connection) -> None:
    """The control of the test above: what is found there is found by the key alone."""
    for statement in (*WITHOUT_GUARDS, "UPDATE event SET at = 0 WHERE seq = 4"):
        conn.execute(statement)
    for seq in range(4, 11):
        conn.execute(
            "UPDATE event_chain SET mark = (SELECT event_mark((SELECT mark FROM event_chain WHERE seq = ?1 - 1), seq,"
            ' kind, "case", adviser, at) FROM event WHERE seq = ?1) WHERE seq = ?1',
            [seq],
        )
    conn.execute("UPDATE event_head SET mark = head_mark(10, (SELECT mark FROM event_chain WHERE seq = 10))")
    assert verify(conn, SEAL).is_whole


def test_several_missing_events_are_named_together(conn: sqlite3.Connection) -> None:
    for statement in (*WITHOUT_GUARDS, "DELETE FROM event WHERE seq BETWEEN 3 AND 6"):
        conn.execute(statement)
    assert "Events 3 to 6 are missing" in in_words(verify(conn, SEAL))
    conn.execute("DELETE FROM event_chain WHERE seq BETWEEN 3 AND 6")
    assert "Events 3 to 6 are missing" in in_words(verify(conn, SEAL))


def test_a_connection_that_was_not_taught_cannot_write_events(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "a.db", SEAL, [migrations])
    with (
        closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as stranger,
        pytest.raises(sqlite3.OperationalError, match="event_mark"),
    ):
        witness(stranger, "case.closed", None, NOW)
    assert verify(ledger.reader(), SEAL).events == 0
    ledger.close()


def test_what_is_undone_leaves_no_hole(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "a.db", SEAL, [migrations])

    def fails(conn: sqlite3.Connection) -> None:
        witness(conn, "case.looked_at", None, NOW)
        raise LookupError

    for _ in range(3):
        ledger.write_now(lambda conn: witness(conn, "case.looked_at", None, NOW))
        with pytest.raises(LookupError):
            ledger.write_now(fails)
    verdict = verify(ledger.reader(), SEAL)
    assert (verdict.is_whole, verdict.events) == (True, 3)
    ledger.close()


def test_two_processes_write_one_chain(tmp_path: Path) -> None:
    here, there = (Ledger(tmp_path / "a.db", SEAL, [migrations]) for _ in range(2))
    for _ in range(5):
        for each in (here, there):
            each.write_now(lambda conn: witness(conn, "case.looked_at", None, NOW))
    assert verify(here.reader(), SEAL).events == 10
    here.close()
    there.close()


def test_moves_of_cases_and_what_follows_them_are_sealed_too(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "a.db", SEAL, [migrations])
    queue = Queue(SEAL, OpeningHours())
    do: Callable[[Callable[[sqlite3.Connection], object]], object] = ledger.write_now
    do(lambda conn: advisers.add(conn, "Amira Khan", "amira@example.org", "$argon2id$x", Role.ADVISER, NOW))
    do(lambda conn: queue.open_case(conn, NewCase(1, 2, "asked", "web", "v1"), NOW))
    do(lambda conn: queue.claim(conn, CaseId(1), AdviserId(1), NOW))
    do(lambda conn: queue.say(conn, CaseId(1), AdviserId(1), "Hello", "a", 10**6, NOW))
    verdict = verify(ledger.reader(), SEAL)
    assert verdict.is_whole
    assert verdict.events == ledger.reader().execute("SELECT count(*) FROM event").fetchone()[0] >= 5
    ledger.close()


def test_an_older_trail_is_sealed_as_it_stands_and_says_where_the_chain_began(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "old.db", isolation_level=None)
    migrations.apply(Database(connection), stop_before="event_chain")
    for number in range(4):
        witness(connection, "case.looked_at", None, NOW + timedelta(minutes=number))
    connection.close()
    ledger = Ledger(tmp_path / "old.db", SEAL, [migrations])
    ledger.write_now(lambda conn: witness(conn, "case.looked_at", None, NOW))
    verdict = verify(ledger.reader(), SEAL)
    assert (verdict.is_whole, verdict.events, verdict.began_at) == (True, 6, 5)
    assert ledger.reader().execute("SELECT kind FROM event WHERE seq = 5").fetchone()[0] == BEGAN
    ledger.close()


def test_an_untouched_chain_says_no_word_and_names_no_person(conn: sqlite3.Connection) -> None:
    """Nothing in it has to be forgotten: numbers and keyed marks."""
    columns = [
        row[1:3] for table in ("event_chain", "event_head") for row in conn.execute(f"PRAGMA table_info({table})")
    ]
    assert columns == [("seq", "INTEGER"), ("mark", "BLOB"), ("one", "INTEGER"), ("seq", "INTEGER"), ("mark", "BLOB")]
