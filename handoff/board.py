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
    MESSAGE = "message"
    """It came out of hours or was left for later: nobody sits and waits. Number: 0."""
    CALL_BACK = "call_back"
    """The agreed time to call back has come; it keeps its old place. Number: minutes since then."""


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
    """Since it was opened; since the agreed time, when that has come."""
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
    closed_by: AdviserId | None = None
    """Who closed it, for as long as its words are kept."""


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
    """Adds what can only be seen beside the row above in its lane: the same deadline, asked later."""
    told: list[Row] = []
    above: dict[Lane | None, datetime] = {}
    for row in found:
        group = None if row.tier == DANGER_TIER else row.lane
        same = row.agreed_for is None and above.get(group) == row.due_at
        told.append(replace(row, why_here=(*row.why_here, Reason(Why.SAME_DEADLINE))) if same else row)
        above[group] = row.due_at
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
    q.lease_until, q.left_at, q.moved_by, q.forget_at,
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
        waited=now - _waits_since(row),
        due_at=due_at,
        due_in=due_at - now,
        version=row["version"],
        moved_at=from_ms(row["moved_at"]),
        holder=_holder(row["holder"], row["holder_name"]),
        offered_to=_holder(row["offered_to"], row["offered_name"]),
        wake_at=_moment(row["wake_at"]),
        unreachable=row["lease_until"] is not None and row["lease_until"] <= silent_ms,
        left=row["left_at"] is not None,
        why_here=_why(row, now, due_at - now),
        last_seq=row["last_seq"],
        lane=Lane(row["lane"]),
        agreed_for=_moment(row["agreed_for"]),
        practice=bool(row["practice"]),
        reply_until=_moment(row["reply_until"]),
        closed_by=_closed_by(row, now),
    )


def _waits_since(row: sqlite3.Row) -> datetime:
    is_woken = row["agreed_for"] is not None and row["wake_at"] is None
    return from_ms(row["agreed_for"] if is_woken else row["opened_at"])


def _closed_by(row: sqlite3.Row, now: datetime) -> AdviserId | None:
    is_kept = row["state"] == State.DONE and row["moved_by"] is not None and row["forget_at"] > to_ms(now)
    return AdviserId(row["moved_by"]) if is_kept else None


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else from_ms(at_ms)


def _holder(id_: int | None, name: str) -> Holder | None:
    return None if id_ is None else Holder(AdviserId(id_), name)


def _why(row: sqlite3.Row, now: datetime, due_in: timedelta) -> tuple[Reason, ...]:
    left = (Reason(Why.LEFT),) if row["left_at"] is not None else ()
    if row["tier"] == DANGER_TIER:
        return (Reason(Why.DANGER), *_put_back(row), *left)
    if row["agreed_for"] is not None:
        return (Reason(Why.CALL_BACK, _minutes(now - from_ms(row["agreed_for"]))), *left)
    due = Reason(Why.OVERDUE if due_in < timedelta() else Why.DUE, _minutes(abs(due_in)))
    message = (Reason(Why.MESSAGE),) if row["lane"] == Lane.MESSAGES else ()
    return (due, *message, *_put_back(row), *left)


def _put_back(row: sqlite3.Row) -> tuple[Reason, ...]:
    return (Reason(Why.PUT_BACK, row["put_back"]),) if row["put_back"] else ()


def _minutes(length: timedelta) -> int:
    return max(0, int(length / timedelta(minutes=1)))
