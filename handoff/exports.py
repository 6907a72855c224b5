"""The data views as files, all from one moment: CSV for spreadsheets, one SQLite file for Datasette.

A file appears only when it is whole. A kill between two of them leaves whole files of two nights, and `exported.json`,
which is written last, tells: it has the size and the SHA-256 of each.
"""

import csv
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from handoff.data_views import VIEWS
from handoff.errors import HandoffError
from handoff.reports.as_csv import safe

DATABASE: Final = "facts.db"
METADATA: Final = "metadata.json"
EXPORTED: Final = "exported.json"
PART, LOCK = ".firstline-part", ".firstline-lock"
CHUNK: Final = 2_000


class OverTheDatabase(HandoffError):
    """The service's own database is called facts.db in that folder. Name another folder. Nothing was changed."""


class ExportUnderWay(HandoffError):
    """Another process is writing to that folder. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Written:
    """One file: how many rows (None: it is no table), and what shows that it is this one."""

    name: str
    rows: int | None
    bytes: int
    sha256: str


def write(database: Path, folder: Path, now: datetime) -> tuple[Written, ...]:
    """Writes everything to `folder`, over what an earlier export left there; other files in it stay.

    What is written is the database as it was at one moment, whoever writes to it meanwhile; it is read for as long as
    the copy takes, and the CSVs are made from the copy. Nobody else on the machine can read the files.

    Raises: ExportUnderWay, OverTheDatabase; OSError and sqlite3.Error, and then no
    file was changed.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (folder / DATABASE).exists() and (folder / DATABASE).samefile(database):
        raise OverTheDatabase
    with _alone(folder), _part_of(folder) as part:
        copy_views(database, part / DATABASE)
        rows = _write_csvs(part)
        _write(part / METADATA, json.dumps(metadata(), ensure_ascii=False, indent=2))
        written = tuple(_written(file, rows.get(file.stem)) for file in sorted(part.iterdir()))
        _write(part / EXPORTED, _told(written, now))
        for name in (*(each.name for each in written), EXPORTED):
            (part / name).chmod(0o600)
            os.replace(part / name, folder / name)
        _sync(folder)
    return written


def last_export(folder: Path) -> datetime | None:
    """When it was last written, whole; None when it never was, or nobody can tell."""
    try:
        return datetime.fromisoformat(json.loads((folder / EXPORTED).read_text(encoding="utf-8"))["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def copy_views(database: Path, target: Path) -> None:
    """Every view becomes a table of a new database, all from one snapshot."""
    with closing(sqlite3.connect(database, isolation_level=None)) as conn:
        conn.execute("ATTACH ? AS copy", [str(target)])
        conn.execute("PRAGMA copy.journal_mode = OFF")
        conn.execute("BEGIN")
        for view in VIEWS:
            conn.execute(f"CREATE TABLE copy.{view} AS SELECT * FROM main.{view}")
        conn.execute("COMMIT")


def metadata() -> Mapping[str, Any]:
    """As Datasette reads it: what every table and column is."""
    tables = {name: {"description": view.says, "columns": dict(view.columns)} for name, view in VIEWS.items()}
    return {
        "title": "Facts of the helpline",
        "description": "Codes, days and counts. For use inside: a row, or a small number, may point at somebody.",
        "databases": {Path(DATABASE).stem: {"tables": tables}},
    }


# --- within ----------------------------------------------------------------------------------------------------------


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Raises: ExportUnderWay. A process that dies lets go by itself."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)  # no link leads elsewhere
    with open(handle, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ExportUnderWay from None
        yield


@contextmanager
def _part_of(folder: Path) -> Iterator[Path]:
    """Where files are made before they are moved into place; what a kill left there is thrown away first."""
    part = folder / PART
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_csvs(part: Path) -> dict[str, int]:
    """One for each view, from the copy. Returns how many rows each has, by name."""
    rows: dict[str, int] = {}
    with closing(sqlite3.connect(part / DATABASE)) as conn:
        for view in VIEWS:
            rows[view] = _write_csv(conn.execute(f"SELECT * FROM {view}"), part / f"{view}.csv")
    return rows


def _write_csv(cursor: sqlite3.Cursor, target: Path) -> int:
    """With the mark that makes Excel read UTF-8; empty cells for what is not known."""
    count = 0
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column[0] for column in cursor.description])
        while some := cursor.fetchmany(CHUNK):
            writer.writerows([safe(cell) if isinstance(cell, str) else cell for cell in row] for row in some)
            count += len(some)
    return count


def _write(target: Path, text: str) -> None:
    target.write_text(text + "\n", encoding="utf-8")
    _sync(target)


def _written(file: Path, rows: int | None) -> Written:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    _sync(file)
    return Written(file.name, rows if file.suffix == ".csv" else None, file.stat().st_size, digest)


def _told(written: Sequence[Written], now: datetime) -> str:
    return json.dumps({"at": now.astimezone(UTC).isoformat(), "files": [asdict(each) for each in written]}, indent=2)


def _sync(path: Path) -> None:
    """On disk, a folder as well as a file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
