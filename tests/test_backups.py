"""Backups: whole although the service goes on writing, and put back only where nothing is."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.app import open_ledger
from bot.backups import BackupRefused, back_up, put_back
from bot.config import Settings
from handoff.errors import KeyMissing
from handoff.ledger import Ledger
from tests.small_house import SmallHouse, settings_in

PAIRS = "CREATE TABLE pair (number INTEGER, side TEXT)"


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    with closing(open_ledger(settings)) as made:
        made.write_now(lambda db: db.execute(PAIRS))
        yield made


def pairs(ledger: Ledger, numbers: range) -> None:
    """Each write keeps two rows or none."""
    for number in numbers:
        ledger.write_now(
            lambda db, n=number: db.executemany("INSERT INTO pair VALUES (?, ?)", [(n, "a"), (n, "b" * 500)])
        )  # type: ignore[misc]


def left(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_nobody_else_on_the_machine_reads_a_backup(ledger: Ledger, settings: Settings, tmp_path: Path) -> None:
    back_up(settings, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0


def test_a_backup_made_while_writes_go_on_is_whole(ledger: Ledger, settings: Settings, tmp_path: Path) -> None:
    pairs(ledger, range(50))
    stop = threading.Event()

    def write_on() -> None:
        number = 50
        while not stop.is_set():
            pairs(ledger, range(number, number + 1))
            number += 1

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for copy in range(5):
            back_up(settings, tmp_path / f"{copy}.db")
    finally:
        stop.set()
        writer.join()
    for copy in range(5):
        with closing(sqlite3.connect(tmp_path / f"{copy}.db")) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            rows, numbers, last = db.execute(
                "SELECT count(*), count(DISTINCT number), max(number) FROM pair"
            ).fetchone()
            assert rows == 2 * numbers == 2 * (last + 1)
            assert numbers >= 50


async def test_a_conversation_goes_on_from_a_backup(house: SmallHouse, settings: Settings, tmp_path: Path) -> None:
    await house.say("hello")
    back_up(settings, tmp_path / "monday.db")
    elsewhere = settings_in(tmp_path / "new", tmp_path)
    put_back(elsewhere, tmp_path / "monday.db")
    elsewhere.key_file.write_bytes(settings.key_file.read_bytes())
    with closing(open_ledger(elsewhere)) as ledger:
        count = ledger.reader().execute("SELECT count(*) FROM conversation").fetchone()[0]
        assert count == 1


def test_a_backup_opens_with_its_own_key_only(ledger: Ledger, settings: Settings, tmp_path: Path) -> None:
    back_up(settings, tmp_path / "monday.db")
    elsewhere = settings_in(tmp_path / "new", tmp_path)
    put_back(elsewhere, tmp_path / "monday.db")
    with pytest.raises(KeyMissing, match="Restore the key"):
        open_ledger(elsewhere)
    assert left(elsewhere.data_dir) == {"firstline.db"}


def test_the_key_is_not_in_a_backup(ledger: Ledger, settings: Settings, tmp_path: Path) -> None:
    back_up(settings, tmp_path / "monday.db")
    assert settings.key_file.read_bytes().strip() not in (tmp_path / "monday.db").read_bytes()


def test_a_backup_replaces_nothing_and_leaves_nothing_half_done(
    ledger: Ledger, settings: Settings, tmp_path: Path
) -> None:
    target = tmp_path / "monday.db"
    target.write_text("last week's")
    with pytest.raises(BackupRefused, match="exists already"):
        back_up(settings, target)
    assert target.read_text() == "last week's"
    with pytest.raises(BackupRefused, match="Make it first"):
        back_up(settings, tmp_path / "nowhere" / "monday.db")
    back_up(settings, tmp_path / "odd name # %41?.db")
    assert not [name for name in left(tmp_path) if ".part" in name]


def test_without_a_database_there_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="no database"):
        back_up(settings_in(tmp_path / "new", tmp_path), tmp_path / "monday.db")
    assert not (tmp_path / "monday.db").exists()


@pytest.mark.parametrize("there", ["firstline.db", "firstline.db-wal", "firstline.db-shm", "firstline.db-journal"])
def test_nothing_is_put_back_over_a_database_or_its_log(
    there: str, ledger: Ledger, settings: Settings, tmp_path: Path
) -> None:
    back_up(settings, tmp_path / "monday.db")
    elsewhere = settings_in(tmp_path / "new", tmp_path)
    elsewhere.data_dir.mkdir()
    (elsewhere.data_dir / there).write_text("precious")
    with pytest.raises(BackupRefused, match="Stop the service"):
        put_back(elsewhere, tmp_path / "monday.db")
    assert left(elsewhere.data_dir) == {there}
    assert (elsewhere.data_dir / there).read_text() == "precious"


def spoilt(folder: Path) -> dict[str, Path]:
    """Files that are no whole database of Firstline."""
    made = {name: folder / f"{name}.db" for name in ("missing", "text", "empty", "another")}
    made["text"].write_text("not a database, though long enough to look at" * 50)
    made["empty"].touch()
    with closing(sqlite3.connect(made["another"])) as db:
        db.execute(PAIRS)
    return made


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "another"])
def test_only_a_whole_database_of_firstline_is_put_back(kind: str, settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings_in(tmp_path / "new", tmp_path)
    with pytest.raises(BackupRefused):
        put_back(elsewhere, spoilt(tmp_path)[kind])
    assert not elsewhere.data_dir.exists() or left(elsewhere.data_dir) == set()


def test_a_damaged_backup_is_refused(ledger: Ledger, settings: Settings, tmp_path: Path) -> None:
    pairs(ledger, range(200))
    back_up(settings, tmp_path / "monday.db")
    data = bytearray((tmp_path / "monday.db").read_bytes())
    data[len(data) // 2 :] = b"\x07" * (len(data) - len(data) // 2)
    (tmp_path / "monday.db").write_bytes(data)
    elsewhere = settings_in(tmp_path / "new", tmp_path)
    with pytest.raises(BackupRefused):
        put_back(elsewhere, tmp_path / "monday.db")
    assert left(elsewhere.data_dir) == set()
