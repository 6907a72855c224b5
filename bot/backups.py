"""Backups: a whole, consistent copy while the service runs, and putting one back where nothing is."""

import os
import sqlite3
from pathlib import Path

from bot.config import Settings
from bot.errors import FirstlineError


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
    part = target.with_name(target.name + ".part")
    _copy(settings.database, part)
    os.replace(part, target)
    return f"Copied to {target}. The key is not in it: keep {settings.key_file.name} somewhere else, and safe."


def put_back(settings: Settings, source: Path) -> str:
    """Raises: BackupRefused while a database is in place, or when `source` is not a whole database."""
    if settings.database.exists():
        raise BackupRefused(f"{settings.database} is in place. Stop the service and move it away first.")
    if not source.exists():
        raise BackupRefused(f"There is no file {source}.")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    part = settings.database.with_name(settings.database.name + ".part")
    _copy(source, part)
    os.replace(part, settings.database)
    return f"Put back to {settings.database}. It opens only with the key it was sealed with."


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    read = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    write = sqlite3.connect(target)
    try:
        read.backup(write)
        whole = write.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise BackupRefused(f"{source} is not a database that can be read ({error}).") from None
    finally:
        read.close()
        write.close()
    if whole != "ok":
        target.unlink()
        raise BackupRefused(f"{source} is damaged: {whole}")
