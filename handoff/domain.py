"""The words of the queue as values: cases, states and moves, messages, advisers."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

CaseId = NewType("CaseId", int)
AdviserId = NewType("AdviserId", int)
MessageId = NewType("MessageId", int)

DANGER_TIER = 0
MAX_MESSAGE_CHARACTERS = 4_000
REFERENCE_ALPHABET = "BCDFGHJKMNPQRTVWX234679"
"""No vowels (no words by accident) and one of each look-alike pair (0O 1IL 2Z 5S 8B)."""

_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,59}")
NOT_A_CODE = "other"


def code(text: str) -> str:
    """`text` when it has the shape of a code, else "other": free words never reach a column that is not sealed."""
    return text if _CODE.fullmatch(text) else NOT_A_CODE


class Role(StrEnum):
    """What an adviser's account is for."""

    ADVISER = "adviser"
    SENIOR = "senior"
    LEAD = "lead"
    EDITOR = "editor"
    AUDITOR = "auditor"


MAY_HOLD = frozenset({Role.ADVISER, Role.SENIOR, Role.LEAD})
MAY_TAKE_OVER = frozenset({Role.SENIOR, Role.LEAD})


class Speaker(StrEnum):
    BOT = "bot"
    ADVISER = "adviser"


class Author(StrEnum):
    ENQUIRER = "enquirer"
    ADVISER = "adviser"
    SYSTEM = "system"


class State(StrEnum):
    """Where a case stands in the queue."""

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    CLAIMED = "claimed"
    ACTIVE = "active"
    PAUSED = "paused"
    OFFERED = "offered"
    WRAP_UP = "wrap_up"
    DONE = "done"
    ABANDONED = "abandoned"


class Lane(StrEnum):
    """Where a case stands on the board. Order is one for all lanes."""

    LIVE = "live"
    """Somebody is there and waits."""
    MESSAGES = "messages"
    """It came out of hours, or was left for later: an answer is owed, nobody sits and waits."""
    CALL_BACKS = "call_backs"
    """A time was agreed."""


HELD = frozenset({State.CLAIMED, State.ACTIVE, State.PAUSED, State.OFFERED, State.WRAP_UP})
ENDED = frozenset({State.DONE, State.ABANDONED})
COUNTED = frozenset({State.CLAIMED, State.ACTIVE, State.OFFERED})
"""Held states that use up an adviser's capacity. A danger case (tier 0) is never refused for capacity, but counts."""


class Move(StrEnum):
    """What was done to a case; each writes the event `case.<move>`."""

    CLAIMED = "claimed"
    SCHEDULED = "scheduled"
    WOKEN = "woken"
    ABANDONED = "abandoned"
    ANSWERED = "answered"
    RELEASED = "released"
    LAPSED = "lapsed"
    PAUSED = "paused"
    RESUMED = "resumed"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    OFFER_LAPSED = "offer_lapsed"
    WRAPPING_UP = "wrapping_up"
    REOPENED = "reopened"
    CLOSED = "closed"
    GIVEN_BACK = "given_back"


def _from(*states: State, to: State, by: Move) -> frozenset[tuple[State, State, Move]]:
    return frozenset((state, to, by) for state in states)


MOVES: frozenset[tuple[State, State, Move]] = frozenset().union(
    _from(State.WAITING, to=State.CLAIMED, by=Move.CLAIMED),
    _from(State.WAITING, to=State.SCHEDULED, by=Move.SCHEDULED),
    _from(State.SCHEDULED, to=State.WAITING, by=Move.WOKEN),
    _from(State.WAITING, State.SCHEDULED, State.CLAIMED, to=State.ABANDONED, by=Move.ABANDONED),
    _from(State.CLAIMED, to=State.ACTIVE, by=Move.ANSWERED),
    _from(*HELD, to=State.WAITING, by=Move.RELEASED),
    _from(State.CLAIMED, to=State.WAITING, by=Move.LAPSED),
    _from(State.ACTIVE, to=State.PAUSED, by=Move.PAUSED),
    _from(State.PAUSED, to=State.ACTIVE, by=Move.RESUMED),
    _from(State.ACTIVE, to=State.OFFERED, by=Move.OFFERED),
    _from(State.OFFERED, to=State.ACTIVE, by=Move.ACCEPTED),
    _from(State.OFFERED, to=State.ACTIVE, by=Move.DECLINED),
    _from(State.OFFERED, to=State.ACTIVE, by=Move.OFFER_LAPSED),
    _from(State.CLAIMED, State.ACTIVE, State.PAUSED, State.OFFERED, to=State.WRAP_UP, by=Move.WRAPPING_UP),
    _from(State.WRAP_UP, to=State.ACTIVE, by=Move.REOPENED),
    _from(State.WRAP_UP, to=State.DONE, by=Move.CLOSED),
    _from(State.WRAP_UP, to=State.DONE, by=Move.GIVEN_BACK),
)
"""Every legal (from, to, by): 22 pairs of states. All else the database refuses (trigger `queue_item_moves`)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How long things may take; the Lead sets them."""

    allowances: tuple[timedelta, timedelta, timedelta, timedelta] = (
        timedelta(),
        timedelta(minutes=10),
        timedelta(minutes=30),
        timedelta(minutes=60),
    )
    """Working time until a case of tier 0, 1, 2, 3 is due. Tier 0 is due at once, in or out of hours."""
    message: timedelta = timedelta(hours=3)
    """Working time until a message is due; one of tier 0 or 1 keeps its own allowance (POSH's aim of 2013)."""
    lease: timedelta = timedelta(seconds=90)
    """A claimed case whose adviser was not heard from for so long goes back; an answered one is marked unreachable."""
    unreachable: timedelta = timedelta(minutes=3)
    offer: timedelta = timedelta(minutes=2)
    keep: timedelta = timedelta(days=30)
    """After so long an ended case is forgotten. FACTS rule 19: a short fixed period; 30 days are suggested."""


class DeliveryState(StrEnum):
    """How far an adviser's message got. Goes forward only; FAILED and READ are final."""

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PackAnswer:
    """One question the bot asked and its answer, in the words the enquirer saw."""

    question: str
    answer: str
    dont_know: bool = False


@dataclass(frozen=True, slots=True)
class PackAdvice:
    """One page the bot showed: its id and title; its version is the case's library version."""

    page: str
    title: str


@dataclass(frozen=True, slots=True)
class Pack:
    """What is passed on at hand-over, so that nobody has to tell it twice. Sealed at rest."""

    answers: tuple[PackAnswer, ...] = ()
    advice: tuple[PackAdvice, ...] = ()
    words: tuple[str, ...] = ()
    """What the enquirer typed, masked."""


@dataclass(frozen=True, slots=True)
class NewCase:
    """What the bot hands over. All strings but the pack's are codes (see `code`)."""

    conversation: int
    tier: int
    reason: str
    channel: str
    library: str
    concern: str | None = None
    role: str | None = None
    nation: str | None = None
    platform: str | None = None
    language: str = "en"
    pack: Pack = Pack()
    lane: Lane | None = None
    """None: live in opening hours and when in danger, else a message."""

    @property
    def practice(self) -> bool:
        """A practice case belongs to no conversation: its number is negative, and nothing it says leaves the desk."""
        return self.conversation < 0


@dataclass(frozen=True, slots=True)
class OpenedCase:
    id: CaseId
    reference: str
    already_open: bool = False


@dataclass(frozen=True, slots=True)
class Voice:
    """Who may speak in a conversation; a change of speaker takes a new epoch."""

    speaker: Speaker = Speaker.BOT
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a case's thread, opened. `delivery` and `delivery_reason` only for an adviser's."""

    id: MessageId
    case_id: CaseId
    seq: int
    author: Author
    adviser_id: AdviserId | None
    text: str
    at: datetime
    delivery: DeliveryState | None = None
    delivery_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What advisers write for each other. Never sent."""

    seq: int
    adviser_id: AdviserId
    text: str
    at: datetime
    to: AdviserId | None = None
    """Whoever held the case when a senior whispered it to them; None: for everybody."""


@dataclass(frozen=True, slots=True)
class Event:
    """That something happened: the console's feed and the audit trail. `conversation` is None once forgotten."""

    seq: int
    kind: str
    case_id: CaseId | None
    conversation: int | None
    adviser_id: AdviserId | None
    at: datetime
    reference: str | None = None
    """The case's, while it is not forgotten."""


@dataclass(frozen=True, slots=True)
class Adviser:
    id: AdviserId
    name: str
    email: str
    role: Role
    capacity: int
    available: bool
    disabled: bool
