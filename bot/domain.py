"""The words of the house as values: what is said, where a conversation stands, what comes of a turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

ChannelName = NewType("ChannelName", str)
Address = NewType("Address", str)
"""Where a channel finds one enquirer (a chat id, a web token). Personal data: sealed at rest, never logged."""
ConversationId = NewType("ConversationId", int)
LibraryVersion = NewType("LibraryVersion", str)
Token = NewType("Token", str)
"""What a button carries: short, opaque, only good in the conversation that was offered it."""

SlotValue = str | bool | float | None
Slots = Mapping[str, SlotValue]

MAX_STEPS_WITHOUT_INPUT = 250
MAX_CALL_DEPTH = 20
MAX_TEXT_CHARACTERS = 4_000
MAX_SLOT_CHARACTERS = 1_000
IDLE_DAYS_UNTIL_END = 14
MAX_TURNS_IN_WINDOW = 200
TURN_WINDOW_MINUTES = 10
MAX_CHECKPOINTS = 60
LATE_HOURS = 24
"""A message that took longer to reach us is answered with an apology first."""


class Nation(StrEnum):
    ENGLAND = "england"
    WALES = "wales"
    SCOTLAND = "scotland"
    NORTHERN_IRELAND = "northern_ireland"


class MediaKind(StrEnum):
    """Kinds of thing that are refused without being looked at (FACTS section 5, rule 3)."""

    PHOTO = "photo"
    VIDEO = "video"
    VOICE = "voice"
    DOCUMENT = "document"
    STICKER = "sticker"
    CONTACT = "contact"
    LOCATION = "location"
    POLL = "poll"
    OTHER = "other"


class Gate(StrEnum):
    """What the gate saw in a message; it errs towards showing."""

    NONE = "none"
    DANGER = "danger"
    CHILD = "child"


# --- what comes in ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing a message may be about; `name` is an `nlu_trigger` intent, `score` 0 to 1, `because` words it used."""

    name: str
    score: float
    because: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """Words an enquirer typed, already masked; `masked` names the kinds of personal data that were taken out."""

    text: str
    at: datetime
    masked: tuple[str, ...] = ()
    cut: bool = False
    gate: Gate = Gate.NONE
    intents: tuple[Intent, ...] = ()
    also: tuple[str, ...] = ()
    """Concerns that different parts of the words are about, the graver first; () when they are about one."""
    beside: "MediaRefused | None" = None
    """The picture or file these words stood beside: then what the gate saw in them is all that is left."""
    edited: bool = False
    """True for a message changed after it was sent: it answers no question, but the gate and advisers see it."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button was pressed. A token `!<intent>` is a standing command's button and is always good."""

    token: Token
    at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """The enquirer arrived without words (page opened, /start); `flow` from a deep link, `language` from the page,
    `referrer` the code of whoever pointed here (see REFERRER)."""

    at: datetime
    flow: str | None = None
    language: str | None = None
    referrer: str | None = None


@dataclass(frozen=True, slots=True)
class MediaRefused:
    """A picture, film, voice or file was sent; nothing of it was fetched.

    `words` stood beside it: only the gate looks at them, and they are not kept. Where it stands in a chat of the
    provider's, it was either `taken_out` of it or, because that could not be done, `left_in_chat`.
    """

    kind: MediaKind
    at: datetime
    words: str = ""
    left_in_chat: bool = False
    taken_out: bool = False


@dataclass(frozen=True, slots=True)
class ActionDone:
    """A custom action ran: the slots it set and the responses it asked for (response id, arguments)."""

    action: str
    at: datetime
    slots: tuple[tuple[str, SlotValue], ...] = ()
    responses: tuple[tuple[str, tuple[tuple[str, SlotValue], ...]], ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class CaseEnded:
    """Advisers gave the conversation back (`closed=False`) or closed the case; the bot may speak again."""

    at: datetime
    closed: bool
    reference: str


class Reception(StrEnum):
    """What came of a return code."""

    BACK = "back"
    UNKNOWN = "unknown"
    """Nobody's, used before, or too old: which of them is not told."""
    TOO_OFTEN = "too_often"
    BUSY = "busy"
    """A case of theirs is open at this address already."""


@dataclass(frozen=True, slots=True)
class CodeTyped:
    """A return code was sent; what came of it was decided before the engine hears of it."""

    at: datetime
    reception: Reception


@dataclass(frozen=True, slots=True)
class Reminder:
    """The time has come to ask about something; `pattern` asks it, and reads `about` as its context."""

    at: datetime
    pattern: str
    about: tuple[tuple[str, SlotValue], ...] = ()
    platform: str | None = None
    """The id of a platform's page: its title is `context.platform`."""


Heard = Said | Pressed | Opened | MediaRefused | ActionDone | CaseEnded | CodeTyped | Reminder


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote, where a provider names people in two ways, either of which may be missing or change."""

    user: str | None
    """The provider's own lasting id."""
    number: str | None
    """A telephone number, digits only."""

    @property
    def address(self) -> Address:
        """Both names in one, so that whichever is known can be written to."""
        return Address(f"{self.user or ''}|{self.number or ''}")

    @classmethod
    def of(cls, address: Address) -> "Person":
        user, _, number = address.partition("|")
        return cls(user or None, number or None)

    def with_names_of(self, other: "Person") -> "Person":
        """Own names first, the other's where there is none."""
        return Person(self.user or other.user, self.number or other.number)


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing an enquirer said, as a channel received it; `external_id` makes a second copy harmless."""

    channel: ChannelName
    address: Address
    external_id: str
    heard: Said | Pressed | Opened | MediaRefused | CodeTyped
    person: Person | None = None
    """Finds the conversation instead of the address, where a provider's names for a person change."""
    sent_at: datetime | None = None
    """When the provider took it from the enquirer; None where that is now."""


# --- where a conversation stands -------------------------------------------------------------------------------------


class FrameKind(StrEnum):
    REGULAR = "regular"
    INTERRUPT = "interrupt"
    LINK = "link"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Frame:
    """One flow on the stack and the step it stands at."""

    flow: str
    step: str
    kind: FrameKind = FrameKind.REGULAR
    context: tuple[tuple[str, SlotValue], ...] = ()
    """What a pattern's conditions and texts read as `context.x`."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A choice that was offered and may be pressed or typed: what its token stands for.

    `sets` are the slots it fills; `command` is the id of a command pattern; `flow` a flow to start; `back_to` the
    number of answers to keep. One of the four is given, or none: that is "none of these".
    """

    token: Token
    title: str
    sets: tuple[tuple[str, SlotValue], ...] = ()
    command: str | None = None
    flow: str | None = None
    back_to: int | None = None
    dont_know: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """A question and its answer, as codes; `title` is the label chosen (None for words, which are not kept here)."""

    flow: str
    step: str
    slot: str
    value: SlotValue
    title: str | None
    at: datetime
    dont_know: bool = False


@dataclass(frozen=True, slots=True)
class Advised:
    """A page that was shown: which, from which step (the rule), when."""

    page: str
    flow: str
    step: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What "back" returns to: the state before one answer."""

    stack: tuple[Frame, ...]
    slots: tuple[tuple[str, SlotValue], ...]
    answered: int
    """How many answers there were then."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """A hand-over in preparation or made: how grave (0 to 3), why, and what the enquirer answered."""

    tier: int
    reason: str
    flow: str
    step: str
    answers: tuple[Answered, ...] = ()
    concern: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept of a conversation that was resumed elsewhere."""

    answers: tuple[Answered, ...] = ()
    advised: tuple[Advised, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where one enquirer has got to. Made new by `engine.advance`; never changed in place."""

    library: LibraryVersion
    stack: tuple[Frame, ...] = ()
    slots: Slots = field(default_factory=dict)
    waiting: bool = False
    """True while a question stands open at the top frame."""
    offers: tuple[Offer, ...] = ()
    attempts: int = 0
    checkpoints: tuple[Checkpoint, ...] = ()
    answers: tuple[Answered, ...] = ()
    advised: tuple[Advised, ...] = ()
    past: Past | None = None
    """What was asked and advised before the enquirer came back by a code: for advisers, never said again."""
    intents: tuple[Intent, ...] = ()
    """What the first words seemed to be about, kept until a question can use it."""
    also: tuple[str, ...] = ()
    """Concerns the enquirer wrote of besides the one they are busy with: offered when that is done."""
    handing_over: HandOver | None = None
    with_people: bool = False
    """True from hand-over until advisers give back or close: words go to the case's thread."""
    language: str = "en"
    offered: int = 0
    """Counts offers made, so that tokens are never used twice."""
    ended: bool = False


# --- what comes of a turn --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """One thing the bot says, by reference: words are looked up in the pinned library when it is delivered."""

    response: str
    """A response id (`utter_…`) or a page's response id (`utter_page_…`)."""
    slots: tuple[tuple[str, SlotValue], ...] = ()
    """The slot values its text and conditions use, as they were when it was said."""
    choices: tuple[tuple[Token, str], ...] = ()
    """(token, title) in order; empty when nothing is asked."""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class ActionWanted:
    """A custom action must run before the walk can go on."""

    action: str


class Deletion(StrEnum):
    """What the enquirer asked to be forgotten."""

    NONE = "none"
    WORDS = "words"
    ALL = "all"
    """All that is kept of the conversation, and its cases as soon as they have ended."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something went wrong in a flow: the enquirer got an answer, and a case is opened with this reason."""

    reason: str
    flow: str
    step: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that one event led to. The walk stopped because someone must act."""

    conversation: Conversation
    replies: tuple[Reply, ...] = ()
    action: ActionWanted | None = None
    hand_over: HandOver | None = None
    trouble: Trouble | None = None
    delete: Deletion = Deletion.NONE
    to_people: bool = False
    """The words belong in the case's thread as well."""
    events: tuple[tuple[str, str], ...] = ()
    """(kind, id) in order, for tests and statistics: flow_started, flow_completed, flow_cancelled, flow_resumed,
    action_executed, slot_set (id is `name=value`), step (id is `flow/step`)."""
