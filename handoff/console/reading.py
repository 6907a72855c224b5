"""Who may see what of the queue, and a few things the desk's own reads do not tell."""

import sqlite3
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from handoff.advisers import everyone
from handoff.board import Row
from handoff.domain import COUNTED, ENDED, HELD, MAY_TAKE_OVER, Adviser, AdviserId


def may_see(adviser: Adviser, row: Row) -> bool:
    """What waits: everybody. What is held: its holder, whom it is offered to, and seniors. What ended: seniors, and who
    closed it for as long as its words are kept. Practice: who practises."""
    if row.practice:
        return is_theirs(adviser, row) or row.closed_by == adviser.id
    if adviser.role in MAY_TAKE_OVER:
        return True
    if row.state in HELD:
        return is_theirs(adviser, row) or (row.offered_to is not None and row.offered_to.id == adviser.id)
    return row.state not in ENDED or row.closed_by == adviser.id


def is_theirs(adviser: Adviser, row: Row) -> bool:
    return row.holder is not None and row.holder.id == adviser.id


def used_places(adviser: Adviser, held: Sequence[Row]) -> int:
    """How much of their capacity is in use."""
    return sum(is_theirs(adviser, row) and row.state in COUNTED for row in held)


def names(conn: sqlite3.Connection) -> Mapping[AdviserId, str]:
    return MappingProxyType({adviser.id: adviser.name for adviser in everyone(conn)})
