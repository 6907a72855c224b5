"""The lines of the board: a case at a glance, why it stands where it stands, the light. Codes, not words."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from handoff.domain import DANGER_TIER, AdviserId, CaseId, Lane, State
from handoff.moments import from_ms, to_ms


class TierWord(StrEnum):
    """What a tier is called; the console has the words."""

    DANGER = "danger"
    URGENT = "urgent"
    SOON = "soon"
    ROUTINE = "routine"


TIER_WORDS = (TierWord.DANGER, TierWord.URGENT, TierWord.SOON, TierWord.ROUTINE)


class Why(StrEnum):
    """Why a case stands where it stands; each comes with one number."""

    DANGER = "danger"
    """Danger goes first. Number: 0."""
    OVERDUE = "overdue"
    """Its deadline passed. Number: minutes ago."""
    DUE = "due"
    """The earliest deadline goes first. Number: minutes left."""
    SAME_DEADLINE = "same_deadline"
    """As the row above, and asked later. Number: 0."""
    PUT_BACK = "put_back"
    """It was claimed before and kept its place. Number: how often."""
    LEFT = "left"
    """The enquirer left; it has only to be wrapped up. Number: 0."""


@dataclass(frozen=True, slots=True)
class Reason:
    why: Why
    number: int = 0


@dataclass(frozen=True, slots=True)
class Holder:
    id: AdviserId
    name: str


@dataclass(frozen=True, slots=True)
class Row:
    """One case as a line of the board."""

    id: CaseId
    reference: str
    state: State
    tier: int
    tier_word: TierWord
    reason: str
    concern: str | None
    role: str | None
    nation: str | None
    platform: str | None
    channel: str
    language: str
    opened_at: datetime
    waited: timedelta
    due_at: datetime
    due_in: timedelta
    """Negative when overdue."""
    version: int
    moved_at: datetime
    holder: Holder | None
    offered_to: Holder | None
    wake_at: datetime | None
    unreachable: bool
    """Its holder's console has been silent for so long that a senior or lead should look."""
    left: bool
    why_here: tuple[Reason, ...]
    last_seq: int
    lane: Lane
    agreed_for: datetime | None
    """The time of an agreed call-back, kept when it has come."""
    practice: bool
    reply_until: datetime | None
    """When the channel stops taking what we write, or stopped; None: it never does, or nobody is there to answer."""


class Colour(StrEnum):
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class LightRule(StrEnum):
    """The rule that set the light, to be shown beside it."""

    DANGER_WAITS = "danger_waits"
    OVERDUE = "overdue"
    MORE_WAITING_THAN_PLACES = "more_waiting_than_places"
    ALL_WELL = "all_well"


@dataclass(frozen=True, slots=True)
class Light:
    """The state of the queue at a glance."""

    colour: Colour
    rule: LightRule
    waiting: int
    overdue: int
    free_places: int
    longest_wait: timedelta


def rows(
    conn: sqlite3.Connection,
    now: datetime,
    silent_since: datetime,
    where: str,
    values: Mapping[str, int | str | None],
) -> Iterator[Row]:
    """The cases `where` names (of `q` queue_item, `c` cases). A lease over by `silent_since` makes one unreachable."""
    cursor = conn.cursor()
    cursor.row_factory = sqlite3.Row
    silent_ms = to_ms(silent_since)
    return (_row(row, now, silent_ms) for row in cursor.execute(_ROWS + where, values))


def explained(found: Iterable[Row]) -> tuple[Row, ...]:
    """Adds what can only be seen beside the row above: the same deadline, asked later."""
    told: list[Row] = []
    for row in found:
        above = told[-1] if told else None
        same = above is not None and (above.tier == DANGER_TIER, above.due_at) == (row.tier == DANGER_TIER, row.due_at)
        told.append(replace(row, why_here=(*row.why_here, Reason(Why.SAME_DEADLINE))) if same else row)
    return tuple(told)


def ruled(danger: int, overdue: int, waiting: int, free: int) -> tuple[Colour, LightRule]:
    """Red only for danger; amber when something is overdue or more wait than can be taken; else green."""
    if danger:
        return Colour.RED, LightRule.DANGER_WAITS
    if overdue:
        return Colour.AMBER, LightRule.OVERDUE
    if waiting > free:
        return Colour.AMBER, LightRule.MORE_WAITING_THAN_PLACES
    return Colour.GREEN, LightRule.ALL_WELL


# --- within ----------------------------------------------------------------------------------------------------------

_ROWS = """
SELECT q."case" AS id, q.state, q.tier, q.due_at, q.version, q.moved_at, q.wake_at, q.lane, q.agreed_for,
    q.lease_until, q.left_at,
    q.put_back, q.holder, h.name AS holder_name, q.offered_to, o.name AS offered_name, c.reference, c.reason,
    c.concern, c.role, c.nation, c.platform, c.channel, c.language, c.opened_at, c.practice,
    (SELECT coalesce(max(m.seq), 0) FROM message m WHERE m."case" = q."case") AS last_seq,
    CASE WHEN q.left_at IS NULL AND q.state NOT IN ('done', 'abandoned') THEN w.closes_at END AS reply_until
  FROM queue_item q JOIN cases c ON c.id = q."case"
  LEFT JOIN adviser h ON h.id = q.holder LEFT JOIN adviser o ON o.id = q.offered_to
  LEFT JOIN reply_window w ON w.conversation = q.conversation
 WHERE """


def _row(row: sqlite3.Row, now: datetime, silent_ms: int) -> Row:
    due_at, opened_at = from_ms(row["due_at"]), from_ms(row["opened_at"])
    return Row(
        id=CaseId(row["id"]),
        reference=row["reference"],
        state=State(row["state"]),
        tier=row["tier"],
        tier_word=TIER_WORDS[row["tier"]],
        reason=row["reason"],
        concern=row["concern"],
        role=row["role"],
        nation=row["nation"],
        platform=row["platform"],
        channel=row["channel"],
        language=row["language"],
        opened_at=opened_at,
        waited=now - opened_at,
        due_at=due_at,
        due_in=due_at - now,
        version=row["version"],
        moved_at=from_ms(row["moved_at"]),
        holder=_holder(row["holder"], row["holder_name"]),
        offered_to=_holder(row["offered_to"], row["offered_name"]),
        wake_at=_moment(row["wake_at"]),
        unreachable=row["lease_until"] is not None and row["lease_until"] <= silent_ms,
        left=row["left_at"] is not None,
        why_here=_why(row, due_at - now),
        last_seq=row["last_seq"],
        lane=Lane(row["lane"]),
        agreed_for=_moment(row["agreed_for"]),
        practice=bool(row["practice"]),
        reply_until=_moment(row["reply_until"]),
    )


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else from_ms(at_ms)


def _holder(id_: int | None, name: str) -> Holder | None:
    return None if id_ is None else Holder(AdviserId(id_), name)


def _why(row: sqlite3.Row, due_in: timedelta) -> tuple[Reason, ...]:
    minutes = int(abs(due_in) / timedelta(minutes=1))
    if row["tier"] == DANGER_TIER:
        first = Reason(Why.DANGER)
    else:
        first = Reason(Why.OVERDUE if due_in < timedelta() else Why.DUE, minutes)
    back = (Reason(Why.PUT_BACK, row["put_back"]),) if row["put_back"] else ()
    left = (Reason(Why.LEFT),) if row["left_at"] is not None else ()
    return (first, *back, *left)
