"""The people who work the queue and their accounts. Hashing is slow and happens outside of any write."""

import sqlite3
from datetime import datetime
from typing import Final

from argon2 import PasswordHasher

from handoff.domain import Adviser, AdviserId, Role
from handoff.errors import HandoffError
from handoff.moments import to_ms

MIN_PASSWORD_CHARACTERS = 12
MAX_PASSWORD_CHARACTERS = 256
DEFAULT_CAPACITY = 3

HASHER: Final = PasswordHasher()
"""argon2id with argon2-cffi's defaults, which follow RFC 9106's low-memory recommendation (64 MiB, 3 passes)."""
COLUMNS: Final = "SELECT a.id, a.name, a.email, a.role, a.capacity, a.available, a.disabled_at IS NOT NULL"
"""What `from_row` takes; the adviser is `a`."""


class WeakPassword(HandoffError):
    """The password is too short or too long."""


class EmailTaken(HandoffError):
    """An adviser with that e-mail address exists."""


class NoSuchAdviser(HandoffError):
    """There is no adviser with that number."""


def hash_password(password: str) -> str:
    """Slow on purpose (tens of milliseconds): call it on a thread. Raises: WeakPassword."""
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise WeakPassword(f"A password needs {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters.")
    return HASHER.hash(password)


# --- accounts --------------------------------------------------------------------------------------------------------


def add(
    conn: sqlite3.Connection,
    name: str,
    email: str,
    password_hash: str,
    role: Role,
    now: datetime,
    capacity: int = DEFAULT_CAPACITY,
) -> AdviserId:
    """`password_hash` is from `hash_password`, called before the write. Raises: EmailTaken."""
    try:
        row = conn.execute(
            "INSERT INTO adviser (name, email, password, role, capacity, added_at)"
            " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            [name.strip(), email.strip(), password_hash, role, capacity, to_ms(now)],
        ).fetchone()
    except sqlite3.IntegrityError as error:
        if "adviser.email" in str(error):
            raise EmailTaken from error
        raise
    adviser_id = AdviserId(row[0])
    witness(conn, "adviser.added", adviser_id, now)
    return adviser_id


def find(conn: sqlite3.Connection, adviser_id: AdviserId) -> Adviser:
    """Raises: NoSuchAdviser."""
    row = conn.execute(f"{COLUMNS} FROM adviser a WHERE a.id = ?", [adviser_id]).fetchone()
    if row is None:
        raise NoSuchAdviser
    return from_row(tuple(row))


def named(conn: sqlite3.Connection, email: str) -> Adviser:
    """Raises: NoSuchAdviser."""
    row = conn.execute(f"{COLUMNS} FROM adviser a WHERE a.email = ?", [email.strip()]).fetchone()
    if row is None:
        raise NoSuchAdviser("There is no adviser with that e-mail address. Add them first: firstline adviser add.")
    return from_row(tuple(row))


def from_row(row: tuple[int, str, str, str, int, int, int]) -> Adviser:
    """An adviser from `COLUMNS`."""
    id_, name, email, role, capacity, available, disabled = row
    return Adviser(AdviserId(id_), name, email, Role(role), capacity, bool(available), bool(disabled))


def everyone(conn: sqlite3.Connection) -> tuple[Adviser, ...]:
    return tuple(from_row(tuple(row)) for row in conn.execute(f"{COLUMNS} FROM adviser a ORDER BY a.name, a.id"))


def set_available(conn: sqlite3.Connection, adviser_id: AdviserId, available: bool, now: datetime) -> None:
    """On duty or away. Being away puts nothing back: what one holds stays one's own."""
    _change(conn, adviser_id, "available = :value, heartbeat_at = :now", available, now)
    witness(conn, "adviser.available" if available else "adviser.away", adviser_id, now)


def set_password(conn: sqlite3.Connection, adviser_id: AdviserId, password_hash: str, now: datetime) -> None:
    """Ends every session of theirs; a one-time password counts no more."""
    _change(conn, adviser_id, "password = :value", password_hash, now)
    conn.execute("DELETE FROM one_time_password WHERE adviser = ?", [adviser_id])
    log_out_everywhere(conn, adviser_id)
    witness(conn, "adviser.password_changed", adviser_id, now)


def set_role(conn: sqlite3.Connection, adviser_id: AdviserId, role: Role, now: datetime) -> None:
    _change(conn, adviser_id, "role = :value", role, now)
    witness(conn, "adviser.role_changed", adviser_id, now)


def set_capacity(conn: sqlite3.Connection, adviser_id: AdviserId, capacity: int, now: datetime) -> None:
    """How many conversations at once; paused ones and wrap-ups do not count."""
    _change(conn, adviser_id, "capacity = :value", capacity, now)
    witness(conn, "adviser.capacity_changed", adviser_id, now)


def disable(conn: sqlite3.Connection, adviser_id: AdviserId, now: datetime) -> None:
    """Ends the account and its sessions; cases it holds are taken over by a senior or lead."""
    _change(conn, adviser_id, "available = 0, disabled_at = :value", to_ms(now), now)
    log_out_everywhere(conn, adviser_id)
    conn.execute("DELETE FROM known_address WHERE adviser = ?", [adviser_id])
    witness(conn, "adviser.disabled", adviser_id, now)


def witness(
    conn: sqlite3.Connection, kind: str, adviser_id: AdviserId | None, now: datetime, case_id: int | None = None
) -> None:
    """Writes an event that is not a move: who did or saw what, when. `kind` is a code like `identity.revealed`."""
    conn.execute(
        'INSERT INTO event (kind, "case", adviser, at) VALUES (?, ?, ?, ?)', [kind, case_id, adviser_id, to_ms(now)]
    )


def log_out_everywhere(conn: sqlite3.Connection, adviser_id: AdviserId) -> None:
    conn.execute("DELETE FROM adviser_session WHERE adviser = ?", [adviser_id])


# --- within ----------------------------------------------------------------------------------------------------------


def _change(conn: sqlite3.Connection, adviser_id: AdviserId, change: str, value: int | str, now: datetime) -> None:
    values = {"id": adviser_id, "value": value, "now": to_ms(now)}
    if conn.execute(f"UPDATE adviser SET {change} WHERE id = :id", values).rowcount != 1:
        raise NoSuchAdviser
