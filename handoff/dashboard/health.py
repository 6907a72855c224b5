"""The queue at this moment: what waits in which lane, who is there, what is in doubt or stuck; and what to look at."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import starmap

from handoff.board import Colour, Light
from handoff.desk import Desk, OnDuty
from handoff.domain import Lane
from handoff.figures import Share
from handoff.moments import from_ms, to_ms


@dataclass(frozen=True, slots=True)
class LaneWaits:
    """What waits in one lane; practice is no part of it."""

    lane: Lane
    waiting: int
    overdue: int
    longest: timedelta
    """Since it was asked for, or since the agreed time."""


@dataclass(frozen=True, slots=True)
class Health:
    light: Light
    lanes: tuple[LaneWaits, ...]
    """Every lane, in the board's order."""
    on_duty: tuple[OnDuty, ...]
    held: int
    agreed: int
    """Call-backs whose time is still to come."""
    doubts: int
    """Messages of advisers that failed or may not have arrived, in conversations that are still held."""
    stuck: Mapping[str, int]
    """Things that ought not to be, by kind (handoff.stuck); only what there is."""

    @property
    def connected(self) -> int:
        return sum(each.connected for each in self.on_duty)


class Look(StrEnum):
    """Why somebody should look; each comes with one number."""

    DANGER = "danger"
    """Somebody in danger waits."""
    OVERDUE = "overdue"
    NOBODY = "nobody"
    """Something waits live, and no adviser's console is heard from. Number: how many wait."""
    MORE_THAN_PLACES = "more_than_places"
    """More wait than can be taken. Number: how many more."""
    DOUBTS = "doubts"
    STUCK = "stuck"
    LATE_TODAY = "late_today"
    """Too many of today's were answered late. Number: how many."""
    SURGES = "surges"


@dataclass(frozen=True, slots=True)
class Sight:
    look: Look
    number: int


def health(conn: sqlite3.Connection, desk: Desk, now: datetime, stuck: Mapping[str, int]) -> Health:
    """`stuck` as the house counts it; empty when it cannot be asked."""
    on_duty = desk.on_duty(conn, now)
    held, agreed, doubts = conn.execute(_COUNTS).fetchone()
    kinds = {kind: count for kind, count in stuck.items() if count}
    return Health(desk.light(conn, now, on_duty), _lanes(conn, now), on_duty, held, agreed, doubts, kinds)


def sights(found: Health, in_time: Share, surges: int) -> tuple[Sight, ...]:
    """What is not all right, the gravest first; nothing when all is well."""
    live = next((lane.waiting for lane in found.lanes if lane.lane is Lane.LIVE), 0)
    is_empty = found.connected == 0
    seen = (
        (Look.DANGER, int(found.light.colour is Colour.RED)),
        (Look.NOBODY, live if is_empty else 0),
        (Look.OVERDUE, found.light.overdue),
        (Look.MORE_THAN_PLACES, 0 if is_empty else max(0, found.light.waiting - found.light.free_places)),
        (Look.LATE_TODAY, _late(in_time)),
        (Look.DOUBTS, found.doubts),
        (Look.STUCK, sum(found.stuck.values())),
        (Look.SURGES, surges),
    )
    return tuple(starmap(Sight, (each for each in seen if each[1])))


# --- within ----------------------------------------------------------------------------------------------------------

IN_TIME_AIM = 80
"""Percent: as many live services say, eight of ten in time (what planning reckons with)."""

_LANES = """
SELECT q.lane, count(*), coalesce(sum(max(q.due_at, coalesce(q.agreed_for, 0)) < :now), 0),
    min(coalesce(q.agreed_for, c.opened_at))
  FROM queue_item q INDEXED BY queue_order JOIN cases c ON c.id = q."case"
 WHERE q.state = 'waiting' AND q.conversation > 0 GROUP BY q.lane
"""
_COUNTS = """
SELECT (SELECT count(*) FROM queue_item INDEXED BY queue_held WHERE holder IS NOT NULL AND conversation > 0),
    (SELECT count(*) FROM queue_item INDEXED BY queue_scheduled WHERE wake_at IS NOT NULL AND conversation > 0),
    (SELECT count(*) FROM queue_item q INDEXED BY queue_held CROSS JOIN message m ON m."case" = q."case"
        CROSS JOIN delivery d ON d.message = m.id
      WHERE q.holder IS NOT NULL AND q.conversation > 0 AND d.state IN ('unknown', 'failed'))
"""


def _lanes(conn: sqlite3.Connection, now: datetime) -> tuple[LaneWaits, ...]:
    found = {row[0]: row for row in conn.execute(_LANES, {"now": to_ms(now)})}
    return tuple(
        LaneWaits(lane, found[lane][1], found[lane][2], now - from_ms(found[lane][3]))
        if lane in found
        else LaneWaits(lane, 0, 0, timedelta())
        for lane in Lane
    )


def _late(in_time: Share) -> int:
    """How many were late, where that is worth a look."""
    return in_time.n - in_time.met if in_time.percent is not None and in_time.percent < IN_TIME_AIM else 0
