"""Backups: a whole, consistent copy while the service runs, and putting one back where nothing is."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.config import Settings
from bot.errors import FirstlineError

LOGS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database; put back next to another one it would spoil it."""


class BackupRefused(FirstlineError):
    """The backup cannot be made or put back; nothing was changed."""


def back_up(settings: Settings, target: Path) -> str:
    """Copies the database with SQLite's backup API, into a new file that appears only when it is whole.

    Raises: BackupRefused.
    """
    if not settings.database.exists():
        raise BackupRefused(f"There is no database at {settings.database}.")
    if target.exists():
        raise BackupRefused(f"{target} exists already. Name a new file.")
    if not target.parent.is_dir():
        raise BackupRefused(f"There is no folder {target.parent}. Make it first.")
    _copy(settings.database, target)
    return (
        f"Copied to {target}. The key is not in it: keep {settings.key_file.name} somewhere else, and safe. "
        f"What is forgotten stays in this copy: delete it within {settings.keep_cases_days} days."
    )


def put_back(settings: Settings, source: Path) -> str:
    """Raises: BackupRefused while a database is in place, or when `source` is not a whole database of Firstline."""
    database = settings.database
    for there in (database, *_logs(database)):
        if there.exists():
            raise BackupRefused(f"{there} is in place. Stop the service and move {database.name}* away first.")
    if not source.is_file():
        raise BackupRefused(f"There is no file {source}.")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    _copy(source, database)
    return f"Put back to {database}. It opens only with the key it was sealed with."


def _copy(source: Path, target: Path) -> None:
    """`target` appears only once it is whole; a failure leaves nothing behind. Raises: BackupRefused."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        part.touch(mode=0o600, exist_ok=False)  # like the database itself
        _copy_whole(source, part)
        os.replace(part, target)
    except sqlite3.DatabaseError as error:
        raise BackupRefused(f"{source} could not be copied ({error}).") from None
    finally:
        for each in (part, *_logs(part)):
            each.unlink(missing_ok=True)


def _copy_whole(source: Path, target: Path) -> None:
    """Raises: BackupRefused; sqlite3.DatabaseError, also when it is no database at all."""
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as read,
        closing(sqlite3.connect(target)) as write,
    ):
        read.backup(write)
        whole = write.execute("PRAGMA integrity_check").fetchone()[0]
        if whole != "ok":
            raise BackupRefused(f"{source} is damaged: {whole}")
        if not write.execute("SELECT 1 FROM sqlite_master WHERE name = 'seal_mark'").fetchone():
            raise BackupRefused(f"{source} is not a database of Firstline.")


def _logs(database: Path) -> list[Path]:
    return [database.with_name(database.name + each) for each in LOGS]
