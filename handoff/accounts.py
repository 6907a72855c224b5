"""What a lead does to the accounts of others, and everybody to their own. Hashing happens outside of any write."""

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from handoff import advisers, moves
from handoff.advisers import find, log_out_everywhere, witness
from handoff.domain import HELD, MAY_TAKE_OVER, REFERENCE_ALPHABET, Adviser, AdviserId, CaseId, Move, Role
from handoff.errors import HandoffError, NotAllowed, Refused
from handoff.moments import from_ms, to_ms

ONE_TIME_FOR = timedelta(days=3)
"""So long somebody may log in with a password that another chose for them."""
MAX_NAME_CHARACTERS = 80
MAX_EMAIL_CHARACTERS = 254
MAX_CAPACITY = 20
_GROUPS, _GROUP = 4, 4

Change = Callable[[sqlite3.Connection, AdviserId], object]


class LastLead(HandoffError):
    """This is the only lead who can log in. Make somebody else a lead first."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One log-in that has not ended. `handle` names it in a form, and lets nobody in."""

    handle: str
    began_at: datetime
    idle_until: datetime
    ends_at: datetime
    is_this_one: bool


@dataclass(frozen=True, slots=True)
class HeldCase:
    """A case in somebody's hands, with nothing of what it is about."""

    id: CaseId
    reference: str
    tier: int
    state: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """An adviser's account as a lead sees it."""

    adviser: Adviser
    sessions: int
    last_log_in: datetime | None
    has_one_time_password: bool
    held: int


def one_time_password() -> str:
    """About 72 bits, easy to read out: groups of four without look-alikes."""
    alphabet = REFERENCE_ALPHABET.lower()
    return "-".join("".join(secrets.choice(alphabet) for _ in range(_GROUP)) for _ in range(_GROUPS))


# --- a lead, about others --------------------------------------------------------------------------------------------


def add(
    conn: sqlite3.Connection,
    lead: AdviserId,
    name: str,
    email: str,
    password_hash: str,
    role: Role,
    capacity: int,
    now: datetime,
) -> AdviserId:
    """With a one-time password. Raises: EmailTaken, NotAllowed, Refused."""
    _refuse_but_leads(conn, lead)
    email = email.strip()
    if not 1 <= len(name.strip()) <= MAX_NAME_CHARACTERS or not is_email(email) or not 0 <= capacity <= MAX_CAPACITY:
        raise Refused
    added = advisers.add(conn, name, email, password_hash, role, now, capacity)
    _once(conn, added, now)
    witness(conn, "account.changed_by", lead, now)
    return added


def reset_password(
    conn: sqlite3.Connection, lead: AdviserId, adviser: AdviserId, password_hash: str, now: datetime
) -> None:
    """A one-time password; every session of theirs ends. Raises: NoSuchAdviser, NotAllowed."""
    _refuse_but_leads(conn, lead)
    advisers.set_password(conn, adviser, password_hash, now)
    _once(conn, adviser, now)
    witness(conn, "account.changed_by", lead, now)


def change(conn: sqlite3.Connection, lead: AdviserId, adviser: AdviserId, work: Change, now: datetime) -> None:
    """Does `work` to the account and says in the trail who did it. Raises: LastLead, NoSuchAdviser, NotAllowed,
    Refused."""
    _refuse_but_leads(conn, lead)
    with _a_lead_remains():
        work(conn, adviser)
    witness(conn, "account.changed_by", lead, now)


def set_role(conn: sqlite3.Connection, adviser: AdviserId, role: Role, now: datetime) -> None:
    """What they may do changes with their next click. Raises: LastLead, NoSuchAdviser."""
    with _a_lead_remains():
        advisers.set_role(conn, adviser, role, now)


def disable(conn: sqlite3.Connection, adviser: AdviserId, now: datetime) -> None:
    """Raises: LastLead, NoSuchAdviser."""
    with _a_lead_remains():
        advisers.disable(conn, adviser, now)


def enable(conn: sqlite3.Connection, adviser: AdviserId, now: datetime) -> None:
    """They may log in again, with the password they had. Raises: NoSuchAdviser."""
    find(conn, adviser)
    conn.execute("UPDATE adviser SET disabled_at = NULL WHERE id = ?", [adviser])
    witness(conn, "adviser.enabled", adviser, now)


def end_sessions(conn: sqlite3.Connection, adviser: AdviserId, now: datetime) -> None:
    """Raises: NoSuchAdviser."""
    find(conn, adviser)
    log_out_everywhere(conn, adviser)
    witness(conn, "adviser.sessions_ended", adviser, now)


def held_by(conn: sqlite3.Connection, adviser: AdviserId) -> tuple[HeldCase, ...]:
    rows = conn.execute(_HELD_BY, [adviser])
    return tuple(HeldCase(CaseId(row[0]), row[1], row[2], row[3], from_ms(row[4])) for row in rows)


def give_back(conn: sqlite3.Connection, lead: AdviserId, holder: AdviserId, case_id: CaseId, now: datetime) -> None:
    """A case of somebody who cannot work it goes back to its old place in the queue. Raises: NotAllowed, Refused,
    NoSuchCase."""
    by, whose = find(conn, lead), find(conn, holder)
    if by.role not in MAY_TAKE_OVER or not is_out(whose):
        raise NotAllowed
    if all(case.id != case_id for case in held_by(conn, holder)):
        moves.refuse(conn, Move.RELEASED, case_id, holder)
    conn.execute(moves.SEIZE, {"case": case_id, "by": lead, "now": to_ms(now)}).fetchone()


def is_out(adviser: Adviser) -> bool:
    """True when they cannot work the cases they hold: disabled, or in a role that holds none."""
    return adviser.disabled or adviser.role not in {Role.ADVISER, Role.SENIOR, Role.LEAD}


def accounts(conn: sqlite3.Connection, now: datetime) -> tuple[Account, ...]:
    """Everybody, those who may log in first."""
    found = {row[0]: row for row in conn.execute(_ABOUT, {"now": to_ms(now)})}
    made = (_account(adviser, found[adviser.id]) for adviser in advisers.everyone(conn))
    return tuple(sorted(made, key=lambda account: account.adviser.disabled))


def account(conn: sqlite3.Connection, adviser: AdviserId, now: datetime) -> Account:
    """Raises: NoSuchAdviser."""
    who = find(conn, adviser)
    return next(each for each in accounts(conn, now) if each.adviser.id == who.id)


def is_email(text: str) -> bool:
    """Has the shape of an address; that somebody reads it, nobody can tell."""
    local, at, domain = text.partition("@")
    plain = text.isprintable() and " " not in text and len(text) <= MAX_EMAIL_CHARACTERS
    return bool(plain and local and at and "." in domain.strip(".") and "@" not in domain)


# --- everybody, about themselves -------------------------------------------------------------------------------------


def change_own_password(
    conn: sqlite3.Connection, adviser: AdviserId, password_hash: str, keep: bytes, now: datetime
) -> None:
    """Every session of theirs ends but the one it was done in (`keep` is its token's hash). Raises: NotAllowed when
    that one was ended meanwhile: somebody else may have chosen a password for them."""
    session = "SELECT 1 FROM adviser_session WHERE adviser = ? AND token_hash = ?"
    if conn.execute(session, [adviser, keep]).fetchone() is None:
        raise NotAllowed
    conn.execute("UPDATE adviser SET password = ? WHERE id = ?", [password_hash, adviser])
    conn.execute("DELETE FROM one_time_password WHERE adviser = ?", [adviser])
    conn.execute("DELETE FROM adviser_session WHERE adviser = ? AND token_hash <> ?", [adviser, keep])
    witness(conn, "adviser.password_changed", adviser, now)


def sessions_of(conn: sqlite3.Connection, adviser: AdviserId, this: bytes, now: datetime) -> tuple[OpenSession, ...]:
    """Newest first."""
    rows = conn.execute(_SESSIONS, [adviser, to_ms(now)])
    return tuple(
        OpenSession(bytes(row[0]).hex(), from_ms(row[1]), from_ms(row[2]), from_ms(row[3]), bytes(row[0]) == this)
        for row in rows
    )


def end_own_sessions(
    conn: sqlite3.Connection, adviser: AdviserId, this: bytes, now: datetime, handle: str | None = None
) -> int:
    """One of theirs, or (None) all but this one. Returns how many; 0 when it had ended already."""
    which = "hex(token_hash) = upper(?)" if handle is not None else "token_hash <> ?"
    ended = conn.execute(
        f"DELETE FROM adviser_session WHERE adviser = ? AND {which}", [adviser, this if handle is None else handle]
    ).rowcount
    if ended:
        witness(conn, "adviser.sessions_ended", adviser, now)
    return ended


# --- within ----------------------------------------------------------------------------------------------------------

_IN_HAND: Final = ", ".join(f"'{state}'" for state in sorted(HELD))
_HELD_BY = f"""
SELECT q."case", c.reference, q.tier, q.state, q.moved_at FROM queue_item q JOIN cases c ON c.id = q."case"
 WHERE q.holder = ? AND q.state IN ({_IN_HAND}) AND q.conversation > 0 ORDER BY q.tier > 0, q.due_at, q."case"
"""
_ABOUT = """
SELECT a.id, (SELECT count(*) FROM adviser_session s WHERE s.adviser = a.id AND s.idle_until > :now),
       (SELECT max(s.began_at) FROM adviser_session s WHERE s.adviser = a.id),
       EXISTS (SELECT 1 FROM one_time_password o WHERE o.adviser = a.id),
       (SELECT count(*) FROM queue_item q WHERE q.holder = a.id AND q.conversation > 0)
  FROM adviser a
"""
_SESSIONS = """
SELECT token_hash, began_at, idle_until, ends_at FROM adviser_session WHERE adviser = ? AND idle_until > ?
 ORDER BY began_at DESC, token_hash
"""


def _account(adviser: Adviser, row: sqlite3.Row) -> Account:
    return Account(adviser, row[1], None if row[2] is None else from_ms(row[2]), bool(row[3]), row[4])


def _refuse_but_leads(conn: sqlite3.Connection, lead: AdviserId) -> None:
    """Asked in the write itself: between the click and it a password was hashed. Raises: NotAllowed."""
    by = find(conn, lead)
    if by.role is not Role.LEAD or by.disabled:
        raise NotAllowed


def _once(conn: sqlite3.Connection, adviser: AdviserId, now: datetime) -> None:
    conn.execute("INSERT OR REPLACE INTO one_time_password VALUES (?, ?)", [adviser, to_ms(now + ONE_TIME_FOR)])


@contextmanager
def _a_lead_remains() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        if str(error) == "a_lead_remains":
            raise LastLead from error
        raise
