"""Accounts, logging in, sessions: who gets to the desk, and how guessing is slowed."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlite_utils import Database

from handoff import advisers
from handoff.chain import teach
from handoff.desk import events_after
from handoff.domain import AdviserId, Role
from handoff.doorkeeper import (
    Credentials,
    Doorkeeper,
    LoggedIn,
    Session,
    TooManyAttempts,
    WrongPassword,
    csrf_matches,
    log_out,
    verify,
)
from handoff.migrations import migrations
from handoff.seal import Seal

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
HASH = advisers.hash_password(PASSWORD)
DOOR = Doorkeeper(Seal(b"k" * 32))


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    teach(connection, Seal(b"k" * 32))
    migrations.apply(Database(connection))
    advisers.add(connection, "Alice", "Alice@example.org", HASH, Role.ADVISER, NOW)
    yield connection
    connection.close()


def credentials(conn: sqlite3.Connection, email: str = "alice@example.org", address: str = "192.0.2.1") -> Credentials:
    found = DOOR.credentials(conn, email, address, NOW)
    assert isinstance(found, Credentials)
    return found


def log_in(conn: sqlite3.Connection) -> LoggedIn:
    logged_in = DOOR.log_in(conn, credentials(conn), True, NOW)
    assert isinstance(logged_in, LoggedIn)
    return logged_in


def fail(conn: sqlite3.Connection, times: int, email: str = "alice@example.org", address: str = "192.0.2.1") -> None:
    for _ in range(times):
        assert isinstance(DOOR.log_in(conn, credentials(conn, email, address), False, NOW), WrongPassword)


def test_the_right_password_lets_in_whatever_the_case_of_the_name(conn: sqlite3.Connection) -> None:
    found = credentials(conn, " ALICE@example.org ")
    assert verify(found, PASSWORD)
    assert not verify(found, PASSWORD + "x")
    logged_in = DOOR.log_in(conn, found, True, NOW)
    assert isinstance(logged_in, LoggedIn)
    session = DOOR.session(conn, logged_in.token, NOW)
    assert session == logged_in.session
    assert session is not None
    assert (session.adviser.name, session.adviser.role) == ("Alice", Role.ADVISER)


def test_neither_token_nor_name_nor_address_is_kept_readable(conn: sqlite3.Connection) -> None:
    logged_in = log_in(conn)
    fail(conn, 1, "mallory@example.org", "198.51.100.7")
    raw = conn.serialize()
    assert not any(
        secret in raw for secret in (logged_in.token.encode(), b"mallory", b"198.51.100.7", PASSWORD.encode())
    )
    assert logged_in.token not in repr(logged_in)
    assert HASH not in repr(credentials(conn))


def test_an_unknown_name_is_hashed_as_slowly_as_a_known_one_and_never_passes(conn: sqlite3.Connection) -> None:
    """The same algorithm at the same cost (the hash's own parameters): the clock tells nothing."""
    assert credentials(conn, "nobody@example.org").password_hash.split("$")[:4] == HASH.split("$")[:4]
    assert isinstance(DOOR.log_in(conn, credentials(conn, "nobody@example.org"), True, NOW), WrongPassword)


def test_after_five_failures_even_the_right_password_waits_at_that_address(conn: sqlite3.Connection) -> None:
    early = credentials(conn)
    fail(conn, 5)
    assert isinstance(DOOR.log_in(conn, early, True, NOW), TooManyAttempts)
    locked = DOOR.credentials(conn, "alice@example.org", "192.0.2.1", NOW)
    assert isinstance(locked, TooManyAttempts)
    assert locked.until == NOW + timedelta(minutes=15)
    assert isinstance(DOOR.credentials(conn, "alice@example.org", "192.0.2.1", locked.until), Credentials)


def test_a_stranger_s_failures_do_not_lock_an_adviser_out(conn: sqlite3.Connection) -> None:
    fail(conn, 5, address="198.51.100.7")
    assert isinstance(DOOR.credentials(conn, "alice@example.org", "198.51.100.7", NOW), TooManyAttempts)
    assert log_in(conn)


def test_failures_from_many_addresses_lock_a_name_wherever_it_has_not_logged_in(conn: sqlite3.Connection) -> None:
    log_in(conn)
    for number in range(50):
        fail(conn, 1, address=f"198.51.100.{number}")
    assert isinstance(DOOR.credentials(conn, "alice@example.org", "203.0.113.9", NOW), TooManyAttempts)
    assert isinstance(DOOR.credentials(conn, "bob@example.org", "203.0.113.9", NOW), Credentials)
    assert log_in(conn)  # her own address: the lock of the name does not hold there
    fail(conn, 5)  # the lock of the pair does
    assert isinstance(DOOR.credentials(conn, "alice@example.org", "192.0.2.1", NOW), TooManyAttempts)


def test_forty_nine_failures_from_many_addresses_do_not_lock_a_name(conn: sqlite3.Connection) -> None:
    for number in range(49):
        fail(conn, 1, address=f"198.51.100.{number}")
    assert isinstance(DOOR.credentials(conn, "alice@example.org", "203.0.113.9", NOW), Credentials)


def test_an_address_is_known_for_thirty_days_and_for_its_own_adviser_only(conn: sqlite3.Connection) -> None:
    advisers.add(conn, "Bob", "bob@example.org", HASH, Role.ADVISER, NOW)
    log_in(conn)
    for days, name, taken in ((29, "alice", True), (29, "bob", False), (31, "alice", False)):
        at = NOW + timedelta(days=days)
        for number in range(50):
            attempt = DOOR.credentials(conn, f"{name}@example.org", f"198.51.100.{number}", at)
            if isinstance(attempt, Credentials):
                DOOR.log_in(conn, attempt, False, at)
        found = DOOR.credentials(conn, f"{name}@example.org", "192.0.2.1", at)
        assert isinstance(found, Credentials) is taken, (days, name)


def test_addresses_known_of_old_are_not_kept(conn: sqlite3.Connection) -> None:
    log_in(conn)
    at = NOW + timedelta(days=31)
    elsewhere = DOOR.credentials(conn, "alice@example.org", "203.0.113.9", at)
    assert isinstance(elsewhere, Credentials)
    DOOR.log_in(conn, elsewhere, True, at)
    assert conn.execute("SELECT count(*) FROM known_address").fetchone() == (1,)


def test_one_who_changes_the_end_of_an_ipv6_address_comes_from_the_same_place(conn: sqlite3.Connection) -> None:
    for number in range(5):
        fail(conn, 1, address=f"2001:db8:1:2::{number}")
    assert isinstance(DOOR.credentials(conn, "alice@example.org", "2001:db8:1:2:ffff::9", NOW), TooManyAttempts)
    assert isinstance(DOOR.credentials(conn, "alice@example.org", "2001:db8:1:3::9", NOW), Credentials)


def test_four_failures_do_not_lock(conn: sqlite3.Connection) -> None:
    fail(conn, 4)
    assert log_in(conn)


def test_one_address_may_not_try_many_names(conn: sqlite3.Connection) -> None:
    log_in(conn)
    for number in range(20):
        for address in ("198.51.100.7", "192.0.2.1"):
            fail(conn, 1, f"name{number}@example.org", address)
    assert isinstance(DOOR.credentials(conn, "alice@example.org", "198.51.100.7", NOW), TooManyAttempts)
    assert isinstance(DOOR.credentials(conn, "bob@example.org", "192.0.2.1", NOW), TooManyAttempts)
    assert log_in(conn)  # who has logged in there lately is not held up by what others try there


def test_many_attempts_side_by_side_are_no_way_round_the_limit(conn: sqlite3.Connection) -> None:
    side_by_side = [credentials(conn) for _ in range(20)]
    results = [DOOR.log_in(conn, each, False, NOW) for each in side_by_side]
    assert sum(isinstance(each, WrongPassword) for each in results) == 5


def test_old_attempts_are_not_kept(conn: sqlite3.Connection) -> None:
    fail(conn, 3)
    found = credentials(conn)
    DOOR.log_in(conn, found, False, NOW + timedelta(minutes=20))
    assert conn.execute("SELECT count(*) FROM login_attempt").fetchone() == (1,)


def test_a_session_ends_when_idle_and_every_touch_renews_it(conn: sqlite3.Connection) -> None:
    token = log_in(conn).token
    assert session_at(conn, token, minutes=29)
    assert DOOR.session(conn, token, NOW + timedelta(minutes=30)) is None
    at = NOW + timedelta(minutes=29)
    session = session_at(conn, token, minutes=29)
    assert DOOR.is_to_be_touched(session, at)
    DOOR.touch(conn, session, at)
    renewed = session_at(conn, token, minutes=58)
    assert not DOOR.is_to_be_touched(renewed, at)


def test_no_touch_carries_a_session_past_its_end(conn: sqlite3.Connection) -> None:
    token = log_in(conn).token
    for minutes in range(20, 12 * 60, 20):
        DOOR.touch(conn, session_at(conn, token, minutes), NOW + timedelta(minutes=minutes))
    assert session_at(conn, token, 12 * 60 - 1)
    assert DOOR.session(conn, token, NOW + timedelta(hours=12)) is None


def test_a_session_that_is_over_is_not_brought_back(conn: sqlite3.Connection) -> None:
    logged_in = log_in(conn)
    DOOR.touch(conn, logged_in.session, NOW + timedelta(hours=1))
    assert DOOR.session(conn, logged_in.token, NOW + timedelta(hours=1)) is None


def test_logging_out_revokes_at_once(conn: sqlite3.Connection) -> None:
    first, second = log_in(conn), log_in(conn)
    log_out(conn, first.session, NOW)
    assert DOOR.session(conn, first.token, NOW) is None
    assert DOOR.session(conn, second.token, NOW) is not None


@pytest.mark.parametrize("way", ["disable", "new password"])
def test_a_disabled_account_and_a_new_password_end_every_session(conn: sqlite3.Connection, way: str) -> None:
    token = log_in(conn).token
    early = credentials(conn)
    if way == "disable":
        advisers.disable(conn, AdviserId(1), NOW)
    else:
        advisers.set_password(conn, AdviserId(1), advisers.hash_password("another password"), NOW)
    assert DOOR.session(conn, token, NOW) is None
    assert isinstance(DOOR.log_in(conn, early, True, NOW), WrongPassword)


def test_a_form_needs_the_session_s_own_csrf(conn: sqlite3.Connection) -> None:
    first, second = log_in(conn).session, log_in(conn).session
    assert csrf_matches(first, first.csrf)
    assert not csrf_matches(first, second.csrf)
    assert not csrf_matches(first, "")


def test_an_email_belongs_to_one_account(conn: sqlite3.Connection) -> None:
    with pytest.raises(advisers.EmailTaken):
        advisers.add(conn, "Other", "ALICE@EXAMPLE.ORG", HASH, Role.LEAD, NOW)


def test_passwords_too_short_or_too_long_are_refused() -> None:
    for password in ("short", "x" * 257):
        with pytest.raises(advisers.WeakPassword):
            advisers.hash_password(password)


def test_changes_to_accounts_leave_a_trace(conn: sqlite3.Connection) -> None:
    advisers.set_available(conn, AdviserId(1), True, NOW)
    advisers.set_role(conn, AdviserId(1), Role.LEAD, NOW)
    advisers.set_capacity(conn, AdviserId(1), 5, NOW)
    fail(conn, 1)
    assert [event.kind for event in events_after(conn, 0)] == [
        "adviser.added",
        "adviser.available",
        "adviser.role_changed",
        "adviser.capacity_changed",
        "adviser.log_in_refused",
    ]
    alice = advisers.find(conn, AdviserId(1))
    assert (alice.available, alice.role, alice.capacity) == (True, Role.LEAD, 5)
    assert advisers.everyone(conn) == (alice,)
    with pytest.raises(advisers.NoSuchAdviser):
        advisers.set_capacity(conn, AdviserId(9), 5, NOW)


def session_at(conn: sqlite3.Connection, token: str, minutes: float) -> Session:
    session = DOOR.session(conn, token, NOW + timedelta(minutes=minutes))
    assert session is not None
    return session
