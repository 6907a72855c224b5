"""Several processes claim the same case at the same moment: one wins. And the proof that this test could see two."""

import multiprocessing
import sqlite3
from collections import Counter
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from sqlite_utils import Database

from handoff.chain import teach
from handoff.domain import AdviserId, CaseId, NewCase
from handoff.errors import AlreadyClaimed
from handoff.hours import OpeningHours
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.seal import Seal

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SEAL = Seal(b"k" * 32)
QUEUE = Queue(SEAL, OpeningHours())
PROCESSES = 4
CASES = 40
SPAWN = multiprocessing.get_context("spawn")


def connected(path: Path) -> sqlite3.Connection:
    conn = sqlite3.connect(path, isolation_level=None, timeout=30)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = OFF")
    conn.execute("PRAGMA foreign_keys = ON")
    teach(conn, SEAL)
    return conn


def claim(conn: sqlite3.Connection, barrier: Barrier, case: int, me: int) -> bool:
    """The claim as it is: one statement decides."""
    barrier.wait()
    conn.execute("BEGIN IMMEDIATE")
    try:
        QUEUE.claim(conn, CaseId(case), AdviserId(me), NOW)
    except AlreadyClaimed:
        return False
    finally:
        conn.execute("COMMIT")
    return True


def claim_carelessly(conn: sqlite3.Connection, barrier: Barrier, case: int, me: int) -> bool:
    """The negative control: look, then leap. The barrier stands where the bug is, so that it shows every time."""
    barrier.wait()
    state = conn.execute('SELECT state FROM queue_item WHERE "case" = ?', [case]).fetchone()[0]
    barrier.wait()
    if state != "waiting":
        return False
    change = "UPDATE queue_item SET state = 'claimed', holder = ?, lease_until = 0, version = version + 1"
    conn.execute(change + ' WHERE "case" = ?', [me, case])
    return True


CLAIMS = {"claim": claim, "claim_carelessly": claim_carelessly}


def race(path: Path, barrier: Barrier, how: str, me: int, won: "multiprocessing.Queue[list[int]]") -> None:
    conn = connected(path)
    won.put([case for case in range(1, CASES + 1) if CLAIMS[how](conn, barrier, case, me)])
    conn.close()


def winners(path: Path, how: str) -> Counter[int]:
    """How many processes believe that they hold each case."""
    barrier, won = SPAWN.Barrier(PROCESSES, timeout=60), SPAWN.Queue()
    racers = [SPAWN.Process(target=race, args=(path, barrier, how, me, won)) for me in range(1, PROCESSES + 1)]
    for racer in racers:
        racer.start()
    held = Counter(case for _ in racers for case in won.get(timeout=60))
    for racer in racers:
        racer.join(60)
    return held


@pytest.fixture
def path(tmp_path: Path) -> Path:
    conn = connected(tmp_path / "race.db")
    migrations.apply(Database(conn))
    for me in range(1, PROCESSES + 1):
        conn.execute(
            "INSERT INTO adviser (name, email, password, role, capacity, added_at)"
            " VALUES (?, ?, '$argon2id$x', 'adviser', 20, 0)",
            [f"A{me}", f"a{me}"],
        )
    conn.execute("BEGIN")
    for conversation in range(1, CASES + 1):
        QUEUE.open_case(conn, NewCase(conversation, 0, "asked", "web", "v1"), NOW)
    conn.execute("COMMIT")
    conn.close()
    return tmp_path / "race.db"


def test_a_case_is_won_once_however_many_reach_for_it(path: Path) -> None:
    assert winners(path, "claim") == dict.fromkeys(range(1, CASES + 1), 1)
    conn = connected(path)
    assert conn.execute("SELECT count(*) FROM event WHERE kind = 'case.claimed'").fetchone() == (CASES,)
    assert conn.execute("SELECT count(*) FROM queue_item WHERE holder IS NULL").fetchone() == (0,)
    assert conn.execute("SELECT DISTINCT speaker, epoch FROM voice").fetchall() == [("adviser", 1)]
    conn.close()


def test_the_race_would_see_two_holders_if_there_were_two(path: Path) -> None:
    conn = connected(path)
    for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        conn.execute(f"DROP TRIGGER {name}")
    conn.close()
    assert sum(count > 1 for count in winners(path, "claim_carelessly").values()) >= CASES * 0.9


def test_the_triggers_stop_even_a_careless_claim(path: Path) -> None:
    """The same carelessness on the guarded database: the second leap is refused."""
    conn = connected(path)
    conn.execute("UPDATE queue_item SET state = 'claimed', move = 'claimed', holder = 1, lease_until = 0,"
                 " version = version + 1 WHERE \"case\" = 1")  # fmt: skip
    with pytest.raises(sqlite3.IntegrityError, match="queue_item_one_holder"):
        conn.execute('UPDATE queue_item SET holder = 2, version = version + 1 WHERE "case" = 1')
    conn.close()
