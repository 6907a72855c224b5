"""The moves of the queue as SQL: each one compare-and-set statement that either did it or did nothing."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import NoReturn

from handoff.domain import HELD, AdviserId, CaseId, Move, State
from handoff.errors import AlreadyClaimed, AtCapacity, HandoffError, NoSuchCase, NotAllowed, NotYours, Refused

Parameters = Mapping[str, int | str | None]

_LET_GO = "holder = NULL, lease_until = NULL, offered_to = NULL, offer_until = NULL"
_BACK = f"state = 'waiting', put_back = put_back + 1, {_LET_GO}"
_OFFER_OVER = "state = 'active', offered_to = NULL, offer_until = NULL"
_MINE = '"case" = :case AND holder = :by'
_HELD = "state IN ('claimed', 'active', 'paused', 'offered', 'wrap_up')"
_TAKE = (
    "state = 'claimed', holder = :by, lease_until = :lease,"
    " first_claimed_at = coalesce(first_claimed_at, :now), wake_at = NULL"
)


def _sql(move: Move, change: str, where: str, by: str = ":by") -> str:
    return (
        f"UPDATE queue_item SET {change}, move = '{move}', moved_by = {by}, moved_at = :now, version = version + 1"
        f' WHERE {where} RETURNING "case"'
    )


_NEXT = """"case" = (SELECT "case" FROM queue_item WHERE state = 'waiting' AND conversation > 0
    ORDER BY tier > 0, due_at, "case" LIMIT 1)"""
_ANSWER = "state = 'active', first_answer_at = coalesce(first_answer_at, :now)"

STATEMENTS: Mapping[Move, str] = MappingProxyType(
    {
        Move.CLAIMED: _sql(Move.CLAIMED, _TAKE, "\"case\" = :case AND state = 'waiting'"),
        Move.SCHEDULED: _sql(
            Move.SCHEDULED,
            "state = 'scheduled', wake_at = :wake, agreed_for = :wake, lane = 'call_backs'",
            "\"case\" = :case AND state = 'waiting'",
        ),
        Move.ABANDONED: _sql(
            Move.ABANDONED,
            f"state = 'abandoned', forget_at = :forget, wake_at = NULL, {_LET_GO}",
            "\"case\" = :case AND state IN ('waiting', 'scheduled', 'claimed')",
        ),
        Move.ANSWERED: _sql(Move.ANSWERED, _ANSWER, f"{_MINE} AND state = 'claimed'"),
        Move.RELEASED: _sql(Move.RELEASED, _BACK, f"{_MINE} AND {_HELD}"),
        Move.PAUSED: _sql(Move.PAUSED, "state = 'paused'", f"{_MINE} AND state = 'active'"),
        Move.RESUMED: _sql(Move.RESUMED, "state = 'active'", f"{_MINE} AND state = 'paused'"),
        Move.OFFERED: _sql(
            Move.OFFERED, "state = 'offered', offered_to = :to, offer_until = :until", f"{_MINE} AND state = 'active'"
        ),
        Move.ACCEPTED: _sql(
            Move.ACCEPTED,
            f"{_OFFER_OVER}, holder = :by, lease_until = :lease",
            "\"case\" = :case AND state = 'offered' AND offered_to = :by",
        ),
        Move.DECLINED: _sql(
            Move.DECLINED, _OFFER_OVER, "\"case\" = :case AND state = 'offered' AND :by IN (offered_to, holder)"
        ),
        Move.WRAPPING_UP: _sql(
            Move.WRAPPING_UP,
            "state = 'wrap_up', offered_to = NULL, offer_until = NULL",
            f"{_MINE} AND state IN ('claimed', 'active', 'paused', 'offered')",
        ),
        Move.REOPENED: _sql(Move.REOPENED, _ANSWER, f"{_MINE} AND state = 'wrap_up' AND left_at IS NULL"),
        Move.CLOSED: _sql(
            Move.CLOSED,
            f"state = 'done', issue = :issue, outcome = :outcome, forget_at = :forget, {_LET_GO}",
            f"{_MINE} AND state = 'wrap_up'",
        ),
        Move.GIVEN_BACK: _sql(
            Move.GIVEN_BACK,
            f"state = 'done', issue = :issue, outcome = 'given_back', forget_at = :forget, {_LET_GO}",
            f"{_MINE} AND state = 'wrap_up' AND left_at IS NULL",
        ),
    }
)
"""The moves one person makes on one case."""

CLAIM_NEXT = _sql(Move.CLAIMED, _TAKE, _NEXT)
SEIZE = _sql(Move.RELEASED, _BACK, f'"case" = :case AND {_HELD}')
LEAVE = _sql(
    Move.WRAPPING_UP,
    "state = 'wrap_up', left_at = :now, offered_to = NULL, offer_until = NULL",
    "\"case\" = :case AND state IN ('active', 'paused', 'offered')",
    by="NULL",
)
"""The enquirer left while an adviser was speaking: the holder has only to wrap up."""
LEAVE_WRAP_UP = 'UPDATE queue_item SET left_at = :now WHERE "case" = :case AND state = \'wrap_up\' RETURNING "case"'
LAPSE = _sql(Move.LAPSED, _BACK, "state = 'claimed' AND holder IS NOT NULL AND lease_until <= :now", by="holder")
WAKE = _sql(Move.WOKEN, "state = 'waiting', wake_at = NULL", "wake_at <= :now", by="NULL")
OFFERS_LAPSE = _sql(
    Move.OFFER_LAPSED, _OFFER_OVER, "state = 'offered' AND holder IS NOT NULL AND offer_until <= :now", by="NULL"
)
ANYTHING_LAPSES = """
SELECT 1 FROM queue_item WHERE holder IS NOT NULL
   AND (state = 'claimed' AND lease_until <= :now OR state = 'offered' AND offer_until <= :now)
UNION ALL SELECT 1 FROM queue_item WHERE wake_at <= :now LIMIT 1
"""

REFUSALS: Mapping[str, type[HandoffError]] = MappingProxyType(
    {
        "queue_item_capacity": AtCapacity,
        "queue_item_may_hold": NotAllowed,
        "practice_is_its_beginners": NotAllowed,
        "message_only_from_the_holder": NotYours,
        "message_only_while_open": Refused,
    }
)
"""What the database's own refusals mean to a caller, by the name of the trigger."""


@contextmanager
def refusals() -> Iterator[None]:
    """Raises: the error that stands for the trigger which refused."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise REFUSALS.get(str(error), Refused)() from error


def make(conn: sqlite3.Connection, move: Move, case_id: CaseId, by: AdviserId | None, parameters: Parameters) -> None:
    """Makes the move, or says why not. Raises: NoSuchCase, AlreadyClaimed, NotYours, Refused, AtCapacity."""
    with refusals():
        done = conn.execute(STATEMENTS[move], {**parameters, "case": case_id, "by": by}).fetchone()
    if done is None:
        refuse(conn, move, case_id, by)


def refuse(conn: sqlite3.Connection, move: Move, case_id: CaseId, by: AdviserId | None) -> NoReturn:
    """Looks, after a statement that did nothing, why it did nothing."""
    row = conn.execute('SELECT state, holder FROM queue_item WHERE "case" = ?', [case_id]).fetchone()
    if row is None:
        raise NoSuchCase
    state, holder = State(row[0]), row[1]
    if state in HELD and holder != by:
        raise AlreadyClaimed(holder) if move is Move.CLAIMED else NotYours
    raise Refused(f"A case that is {state} cannot be {move}.")
