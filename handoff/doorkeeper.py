"""Lets advisers in: what a log-in is checked against, how guessing is slowed, sessions."""

import secrets
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from typing import Final

from argon2.exceptions import InvalidHashError, VerificationError

from handoff.advisers import COLUMNS, HASHER, find, from_row, witness
from handoff.domain import Adviser, AdviserId
from handoff.moments import from_ms, to_ms
from handoff.seal import Seal

MAX_FAILURES = 5
"""For one name from one address."""
MAX_FAILURES_OF_NAME = 50
"""For one name from all addresses but those it has logged in from lately: there no stranger can lock an adviser out."""
MAX_FAILURES_FROM_ADDRESS = 20
"""From one address for all names but those that have logged in from it lately."""
FAILURE_WINDOW = timedelta(minutes=15)
KNOWN_FOR = timedelta(days=30)
TOUCH_EVERY = timedelta(minutes=1)
"""A session's idle time is written anew only this often, so that looking at pages hardly writes."""

_NOBODYS_HASH: Final = HASHER.hash(secrets.token_urlsafe(32))
"""Checked for names that do not exist, so that they take as long as those that do."""


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
    must_choose: bool = False
    """Their password was chosen by somebody else: until they choose their own, nothing else is open to them."""


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


def verify(credentials: Credentials, password: str) -> bool:
    """As slow for a name that does not exist. Call it on a thread, outside of any write."""
    try:
        return HASHER.verify(credentials.password_hash, password) and credentials.adviser_id is not None
    except (VerificationError, InvalidHashError):
        return False


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
        row = conn.execute(
            "SELECT id, password FROM adviser WHERE email = ? AND disabled_at IS NULL", [email.strip()]
        ).fetchone()
        adviser_id, password = (None, _NOBODYS_HASH) if row is None else (AdviserId(row[0]), str(row[1]))
        name_mark = self._seal.mark("login:" + email.strip().casefold())
        address_mark = self._seal.mark("address:" + _place(address))
        found = Credentials(adviser_id, password, name_mark, address_mark)
        locked = _locked_until(conn, found, now)
        return TooManyAttempts(locked) if locked else found

    def log_in(
        self, conn: sqlite3.Connection, credentials: Credentials, passed: bool, now: datetime
    ) -> LoggedIn | WrongPassword | TooManyAttempts:
        """Records the attempt and, when it passed, begins a session.

        Returned, not raised: a raise would undo the record. The limit is asked again here, so that many attempts side
        by side are no way round it.
        """
        locked = _locked_until(conn, credentials, now)
        if locked:
            return TooManyAttempts(locked)
        if not passed or credentials.adviser_id is None:
            _record_failure(conn, credentials, now)
            return WrongPassword()
        row = conn.execute(
            "SELECT 1 FROM adviser a WHERE id = ? AND password = ? AND disabled_at IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM one_time_password o WHERE o.adviser = a.id AND o.good_until <= ?)",
            [credentials.adviser_id, credentials.password_hash, to_ms(now)],
        ).fetchone()
        if row is None:
            return WrongPassword()
        _remember_address(conn, credentials, now)
        return self._begin(conn, credentials.adviser_id, now)

    def session(self, conn: sqlite3.Connection, token: str, now: datetime) -> Session | None:
        """The session a cookie stands for; None when unknown, idle for too long, over, or the account disabled."""
        row = conn.execute(
            f"{COLUMNS}, s.token_hash, s.csrf, s.idle_until, s.ends_at,"
            " EXISTS (SELECT 1 FROM one_time_password o WHERE o.adviser = a.id) FROM adviser_session s"
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


def csrf_matches(session: Session, given: str) -> bool:
    return secrets.compare_digest(session.csrf.encode(), given.encode())


# --- within ----------------------------------------------------------------------------------------------------------

_LIMITS: Final = (
    ("name_mark = :name AND address_mark = :address", MAX_FAILURES),
    ("name_mark = :name", MAX_FAILURES_OF_NAME),
    ("address_mark = :address", MAX_FAILURES_FROM_ADDRESS),
)
_KNOWN = "SELECT 1 FROM known_address WHERE adviser = ? AND address_mark = ? AND at > ?"
_REMEMBER = """
INSERT INTO known_address VALUES (?, ?, ?) ON CONFLICT (adviser, address_mark) DO UPDATE SET at = excluded.at
"""


def _session(row: tuple[int, str, str, str, int, int, int, bytes, str, int, int, int]) -> Session:
    *_, token_hash, csrf, idle_until, ends_at, must_choose = row
    return Session(token_hash, from_row(row[:7]), csrf, from_ms(idle_until), from_ms(ends_at), bool(must_choose))


def _place(address: str) -> str:
    """What a place on the network has to itself: all of an IPv4 address, the first half of an IPv6 one (RFC 4291)."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    return str(found.ipv4_mapped or f"{int(found) >> 64:x}::/64")


def _locked_until(conn: sqlite3.Connection, credentials: Credentials, now: datetime) -> datetime | None:
    """When the failure that filled an allowance will have grown old; None while there is room."""
    values = {"name": credentials.name_mark, "address": credentials.address_mark, "since": to_ms(now - FAILURE_WINDOW)}
    times = []
    for where, most in _LIMITS[:1] if _is_known(conn, credentials, now) else _LIMITS:
        statement = f"SELECT at FROM login_attempt WHERE {where} AND at > :since ORDER BY at DESC LIMIT 1 OFFSET :room"
        row = conn.execute(statement, {**values, "room": most - 1}).fetchone()
        times += [] if row is None else [row[0]]
    return from_ms(max(times)) + FAILURE_WINDOW if times else None


def _is_known(conn: sqlite3.Connection, credentials: Credentials, now: datetime) -> bool:
    """True when this adviser has logged in from this address lately."""
    asked = [credentials.adviser_id, credentials.address_mark, to_ms(now - KNOWN_FOR)]
    return conn.execute(_KNOWN, asked).fetchone() is not None


def _remember_address(conn: sqlite3.Connection, credentials: Credentials, now: datetime) -> None:
    conn.execute("DELETE FROM known_address WHERE at <= ?", [to_ms(now - KNOWN_FOR)])
    conn.execute(_REMEMBER, [credentials.adviser_id, credentials.address_mark, to_ms(now)])


def _record_failure(conn: sqlite3.Connection, credentials: Credentials, now: datetime) -> None:
    conn.execute("DELETE FROM login_attempt WHERE at <= ?", [to_ms(now - FAILURE_WINDOW)])
    conn.execute(
        "INSERT INTO login_attempt (name_mark, address_mark, at) VALUES (?, ?, ?)",
        [credentials.name_mark, credentials.address_mark, to_ms(now)],
    )
    witness(conn, "adviser.log_in_refused", credentials.adviser_id, now)


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
