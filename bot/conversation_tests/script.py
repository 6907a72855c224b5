"""A conversation test as values: what the enquirer does, and what must come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from bot.domain import MediaKind, SlotValue
from bot.library.model import Where

REMINDERS: Mapping[str, tuple[str, tuple[tuple[str, SlotValue], ...]]] = MappingProxyType(
    {
        "still_up": ("pattern_still_up", (("days", 2.0),)),
        "on_behalf": ("pattern_still_up", (("days", 3.0), ("on_behalf", True))),
        "do_not_look": ("pattern_still_up", (("days", 2.0), ("do_not_look", True))),
        "report_it": ("pattern_reminder", (("task", "report_it"),)),
        "keep_evidence": ("pattern_reminder", (("task", "keep_evidence"),)),
        "tell_lead": ("pattern_reminder", (("task", "tell_lead"),)),
    }
)
"""What a script may be reminded of -> the pattern that asks, and what it knows."""


@dataclass(frozen=True, slots=True)
class FlowStarted:
    flows: tuple[str, ...]
    any: bool
    where: Where


@dataclass(frozen=True, slots=True)
class FlowEnded:
    """`how` is the engine's event: flow_completed or flow_cancelled; `step`: the last step it stood at."""

    how: str
    flow: str
    step: str | None
    where: Where


@dataclass(frozen=True, slots=True)
class ActionExecuted:
    action: str
    where: Where


@dataclass(frozen=True, slots=True)
class SlotSet:
    """`wanted`: whether it must have been set, or must not; without a value, any value but null is meant."""

    slot: str
    value: SlotValue
    has_value: bool
    wanted: bool
    where: Where


@dataclass(frozen=True, slots=True)
class ButtonSeen:
    title: str | None
    payload: str | None


@dataclass(frozen=True, slots=True)
class Uttered:
    """One reply that is all of this; `wanted` False: there must be none. Its buttons hold these, in this order."""

    response: str | None
    matches: str | None
    exactly: str | None
    buttons: tuple[ButtonSeen, ...]
    wanted: bool
    where: Where


@dataclass(frozen=True, slots=True)
class CaseOpened:
    """Ours: the conversation was handed over to people. `wanted` False: it was not."""

    tier: int | None
    reason: str | None
    wanted: bool
    where: Where


Expectation = FlowStarted | FlowEnded | ActionExecuted | SlotSet | Uttered | CaseOpened


@dataclass(frozen=True, slots=True)
class UserStep:
    """What the enquirer does, and everything expected up to the next time; `ordered`: in the order written."""

    text: str
    where: Where
    media: MediaKind | None = None
    case: str | None = None
    """`closed` or `given_back`: not the enquirer, but the adviser ends the case."""
    reminder: str | None = None
    """Not the enquirer, but the clock: the time has come to ask about this."""
    flow: str | None = None
    """The deep link they came by (only with /session_start)."""
    ordered: bool = False
    expects: tuple[Expectation, ...] = ()
    chat: str | None = None
    """Only with media: it was `left` in the provider's chat, or `taken_out` of it."""


@dataclass(frozen=True, slots=True)
class Stub:
    """What a custom action is made to do."""

    slots: tuple[tuple[str, SlotValue], ...] = ()
    responses: tuple[tuple[str, tuple[tuple[str, SlotValue], ...]], ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    name: str
    where: Where
    steps: tuple[UserStep, ...]
    slots: tuple[tuple[str, SlotValue], ...] = ()
    """Filled before the enquirer says anything."""
    now: datetime | None = None
    stubs: Mapping[str, Stub] = field(default_factory=dict)
