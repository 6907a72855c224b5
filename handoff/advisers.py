"""The people who work the queue: accounts, logging in, sessions. Hashing is slow and happens outside of any write."""

import secrets
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from handoff.domain import Adviser, AdviserId, Role
from handoff.errors import HandoffError
from handoff.moments import from_ms, to_ms
from handoff.seal import Seal

MIN_PASSWORD_CHARACTERS = 12
MAX_PASSWORD_CHARACTERS = 256
MAX_FAILURES = 5
FAILURE_WINDOW = timedelta(minutes=15)
TOUCH_EVERY = timedelta(minutes=1)
"""A session's idle time is written anew only this often, so that looking at pages hardly writes."""
DEFAULT_CAPACITY = 3

_HASHER: Final = PasswordHasher()
"""argon2id with argon2-cffi's defaults, which follow RFC 9106's low-memory recommendation (64 MiB, 3 passes)."""
_NOBODYS_HASH: Final = _HASHER.hash(secrets.token_urlsafe(32))
"""Checked for names that do not exist, so that they take as long as those that do."""


class WeakPassword(HandoffError):
    """The password is too short or too long."""


class EmailTaken(HandoffError):
    """An adviser with that e-mail address exists."""


class NoSuchAdviser(HandoffError):
    """There is no adviser with that number."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a log-in is checked against; read first, then `verify`, then `log_in`."""

    adviser_id: AdviserId | None
    password_hash: str = field(repr=False)
    name_mark: bytes = field(repr=False)
    address_mark: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in of one adviser. `csrf` must come back with every form."""

    token_hash: bytes = field(repr=False)
    adviser: Adviser
    csrf: str = field(repr=False)
    idle_until: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """`token` goes into the cookie and is kept nowhere; the database has its hash."""

    token: str = field(repr=False)
    session: Session


@dataclass(frozen=True, slots=True)
class WrongPassword:
    """No such name, or not its password, or the account is disabled: which of them is not told."""


@dataclass(frozen=True, slots=True)
class TooManyAttempts:
    """Too many failures for this name or from this address; not even the right password is taken for now."""

    until: datetime


def hash_password(password: str) -> str:
    """Slow on purpose (tens of milliseconds): call it on a thread. Raises: WeakPassword."""
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise WeakPassword(f"A password needs {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters.")
    return _HASHER.hash(password)


def verify(credentials: Credentials, password: str) -> bool:
    """As slow for a name that does not exist. Call it on a thread, outside of any write."""
    try:
        return _HASHER.verify(credentials.password_hash, password) and credentials.adviser_id is not None
    except (VerificationError, InvalidHashError):
        return False


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
    row = conn.execute(f"{_ADVISER} FROM adviser a WHERE a.id = ?", [adviser_id]).fetchone()
    if row is None:
        raise NoSuchAdviser
    return _adviser(tuple(row))


def everyone(conn: sqlite3.Connection) -> tuple[Adviser, ...]:
    return tuple(_adviser(tuple(row)) for row in conn.execute(f"{_ADVISER} FROM adviser a ORDER BY a.name, a.id"))


def set_available(conn: sqlite3.Connection, adviser_id: AdviserId, available: bool, now: datetime) -> None:
    """On duty or away. Being away puts nothing back: what one holds stays one's own."""
    _change(conn, adviser_id, "available = :value, heartbeat_at = :now", available, now)
    witness(conn, "adviser.available" if available else "adviser.away", adviser_id, now)


def set_password(conn: sqlite3.Connection, adviser_id: AdviserId, password_hash: str, now: datetime) -> None:
    """Ends every session of theirs."""
    _change(conn, adviser_id, "password = :value", password_hash, now)
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
    witness(conn, "adviser.disabled", adviser_id, now)


def witness(
    conn: sqlite3.Connection, kind: str, adviser_id: AdviserId | None, now: datetime, case_id: int | None = None
) -> None:
    """Writes an event that is not a move: who did or saw what, when. `kind` is a code like `identity.revealed`."""
    conn.execute(
        'INSERT INTO event (kind, "case", adviser, at) VALUES (?, ?, ?, ?)', [kind, case_id, adviser_id, to_ms(now)]
    )


# --- logging in ------------------------------------------------------------------------------------------------------


class Doorkeeper:
    """Lets advisers in: `credentials` (read), `verify` (slow, on a thread), `log_in` (write)."""

    def __init__(
        self, seal: Seal, idle: timedelta = timedelta(minutes=30), absolute: timedelta = timedelta(hours=12)
    ) -> None:
        self._seal = seal
        self._idle = idle
        self._absolute = absolute

    def credentials(
        self, conn: sqlite3.Connection, email: str, address: str, now: datetime
    ) -> Credentials | TooManyAttempts:
        """What to verify the password against; names and addresses are only ever kept as marks."""
        name = email.strip().casefold()
        row = conn.execute(
            "SELECT id, password FROM adviser WHERE email = ? AND disabled_at IS NULL", [email.strip()]
        ).fetchone()
        adviser_id, password = (None, _NOBODYS_HASH) if row is None else (AdviserId(row[0]), str(row[1]))
        marks = self._seal.mark("login:" + name), self._seal.mark("address:" + address)
        locked = _locked_until(conn, *marks, now)
        return TooManyAttempts(locked) if locked else Credentials(adviser_id, password, *marks)

    def log_in(
        self, conn: sqlite3.Connection, credentials: Credentials, passed: bool, now: datetime
    ) -> LoggedIn | WrongPassword | TooManyAttempts:
        """Records the attempt and, when it passed, begins a session.

        Returned, not raised: a raise would undo the record. The limit is asked again here, so that many attempts side
        by side are no way round it.
        """
        locked = _locked_until(conn, credentials.name_mark, credentials.address_mark, now)
        if locked:
            return TooManyAttempts(locked)
        if not passed or credentials.adviser_id is None:
            _record_failure(conn, credentials, now)
            return WrongPassword()
        row = conn.execute(
            "SELECT 1 FROM adviser WHERE id = ? AND password = ? AND disabled_at IS NULL",
            [credentials.adviser_id, credentials.password_hash],
        ).fetchone()
        return WrongPassword() if row is None else self._begin(conn, credentials.adviser_id, now)

    def session(self, conn: sqlite3.Connection, token: str, now: datetime) -> Session | None:
        """The session a cookie stands for; None when unknown, idle for too long, over, or the account disabled."""
        row = conn.execute(
            f"{_ADVISER}, s.token_hash, s.csrf, s.idle_until, s.ends_at FROM adviser_session s"
            " JOIN adviser a ON a.id = s.adviser WHERE s.token_hash = ? AND s.idle_until > ? AND a.disabled_at IS NULL",
            [_hash(token), to_ms(now)],
        ).fetchone()
        return None if row is None else _session(tuple(row))

    def is_to_be_touched(self, session: Session, now: datetime) -> bool:
        """True when enough time has passed for `touch` to be worth a write."""
        return session.idle_until < min(now + self._idle - TOUCH_EVERY, session.ends_at)

    def touch(self, conn: sqlite3.Connection, session: Session, now: datetime) -> None:
        """The adviser did something: idle time runs anew, never past the session's end, never for one that is over."""
        conn.execute(
            "UPDATE adviser_session SET idle_until = min(ends_at, ?) WHERE token_hash = ? AND idle_until > ?",
            [to_ms(now + self._idle), session.token_hash, to_ms(now)],
        )

    def _begin(self, conn: sqlite3.Connection, adviser_id: AdviserId, now: datetime) -> LoggedIn:
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        ends_at = now + self._absolute
        session = Session(_hash(token), find(conn, adviser_id), csrf, min(now + self._idle, ends_at), ends_at)
        conn.execute("DELETE FROM adviser_session WHERE idle_until <= ?", [to_ms(now)])
        conn.execute(
            "INSERT INTO adviser_session VALUES (?, ?, ?, ?, ?, ?)",
            [session.token_hash, adviser_id, csrf, to_ms(now), to_ms(session.idle_until), to_ms(ends_at)],
        )
        witness(conn, "adviser.logged_in", adviser_id, now)
        return LoggedIn(token, session)


def log_out(conn: sqlite3.Connection, session: Session, now: datetime) -> None:
    conn.execute("DELETE FROM adviser_session WHERE token_hash = ?", [session.token_hash])
    witness(conn, "adviser.logged_out", session.adviser.id, now)


def log_out_everywhere(conn: sqlite3.Connection, adviser_id: AdviserId) -> None:
    conn.execute("DELETE FROM adviser_session WHERE adviser = ?", [adviser_id])


def csrf_matches(session: Session, given: str) -> bool:
    return secrets.compare_digest(session.csrf.encode(), given.encode())


# --- within ----------------------------------------------------------------------------------------------------------

_ADVISER = "SELECT a.id, a.name, a.email, a.role, a.capacity, a.available, a.disabled_at IS NOT NULL"


def _adviser(row: tuple[int, str, str, str, int, int, int]) -> Adviser:
    id_, name, email, role, capacity, available, disabled = row
    return Adviser(AdviserId(id_), name, email, Role(role), capacity, bool(available), bool(disabled))


def _session(row: tuple[int, str, str, str, int, int, int, bytes, str, int, int]) -> Session:
    *_, token_hash, csrf, idle_until, ends_at = row
    return Session(token_hash, _adviser(row[:7]), csrf, from_ms(idle_until), from_ms(ends_at))


def _change(conn: sqlite3.Connection, adviser_id: AdviserId, change: str, value: int | str, now: datetime) -> None:
    values = {"id": adviser_id, "value": value, "now": to_ms(now)}
    if conn.execute(f"UPDATE adviser SET {change} WHERE id = :id", values).rowcount != 1:
        raise NoSuchAdviser


def _locked_until(conn: sqlite3.Connection, name_mark: bytes, address_mark: bytes, now: datetime) -> datetime | None:
    """When the failure that filled the allowance will have grown old; None while there is room."""
    since = to_ms(now - FAILURE_WINDOW)
    fifth_last = [
        conn.execute(
            f"SELECT at FROM login_attempt WHERE {column} = ? AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?",
            [mark, since, MAX_FAILURES - 1],
        ).fetchone()
        for column, mark in (("name_mark", name_mark), ("address_mark", address_mark))
    ]
    times = [row[0] for row in fifth_last if row is not None]
    return from_ms(max(times)) + FAILURE_WINDOW if times else None


def _record_failure(conn: sqlite3.Connection, credentials: Credentials, now: datetime) -> None:
    conn.execute("DELETE FROM login_attempt WHERE at <= ?", [to_ms(now - FAILURE_WINDOW)])
    conn.execute(
        "INSERT INTO login_attempt (name_mark, address_mark, at) VALUES (?, ?, ?)",
        [credentials.name_mark, credentials.address_mark, to_ms(now)],
    )
    witness(conn, "adviser.log_in_refused", credentials.adviser_id, now)


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
