"""What a channel is, and what it may ask of the house. One contract test runs over every channel."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from bot.domain import Address, ChannelName, Person, Turn
from bot.engine.record import Record
from bot.engine.render import Rendered

WEB = ChannelName("web")
REST = ChannelName("rest")
CALLBACK = ChannelName("callback")
TERMINAL = ChannelName("terminal")
TELEGRAM = ChannelName("telegram")
WHATSAPP = ChannelName("whatsapp")
PULLED = frozenset({WEB, REST, TERMINAL})
"""Channels whose side fetches what waits; all others push."""
NAMED = frozenset({WHATSAPP})
"""Channels whose provider names a person in two ways (bot.domain.Person)."""
WINDOWS = {WHATSAPP: timedelta(hours=24)}
"""Channels that take our words only for so long after the enquirer's last ones (Meta's customer service window)."""
BLOCKED = "blocked"
"""Why an enquirer cannot be written to: they do not want us to."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message can carry: characters of text, buttons, characters of a button's title, rows of a list."""

    text: int
    buttons: int
    title: int
    rows: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line to show. `seq` numbers what was said to the enquirer; None for their own lines."""

    seq: int | None
    author: str
    """'firstline', 'adviser' or 'you'."""
    rendered: Rendered
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What a turn led to: `own` is the enquirer's line as it was kept (masked), None when nothing of it was."""

    own: Line | None
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class State:
    """How a conversation stands, for the enquirer's side."""

    speaker: str
    """'bot', 'waiting' (for an adviser) or 'adviser'."""
    reference: str | None
    commands: tuple[tuple[str, str], ...]
    """The always-there commands: (intent, title)."""
    ended: bool
    service: str
    language: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What a turn came to: `kept` is what stays of it (masked words, the title of the button pressed), None when
    nothing does. `old_button`: what was pressed is no longer on offer."""

    kept: str | None
    old_button: bool = False


class Reach(StrEnum):
    """How far a provider says a message got."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One report of a provider about something we sent, found by our outbox number or by the provider's id."""

    reach: Reach
    seq: int | None = None
    provider_id: str | None = None
    reason: str | None = None
    window_closed: bool = False
    knock_of: int | None = None
    """The outbox number of what waits behind a knock, where it is the knock that failed."""


class House(Protocol):
    """What a channel may ask. Addresses are personal: they are sealed inside and come back in no answer."""

    async def take(self, turn: Turn) -> Taken:
        """For channels that push: the courier delivers what it led to. Returns once the turn is on disk.

        Raises: LedgerError (handoff) and kin when nothing could be kept: do not acknowledge, let the provider repeat.
        """

    async def answer(self, turn: Turn) -> Answer:
        """For channels that are pulled: the turn's replies, and anything that was still waiting."""

    async def since(self, channel: ChannelName, address: Address, after: int) -> list[Line]:
        """Everything said to this enquirer after number `after`."""

    async def history(self, channel: ChannelName, address: Address) -> list[Line]:
        """The whole conversation, their own lines too, in order."""

    async def follow(self, channel: ChannelName, before: Person, now: Person, at: datetime) -> None:
        """The provider says that a person's number or id changed then: their conversation goes with them.

        `now` names all they are known by from then on: a name it does not give is theirs no more. Told twice, or late,
        it changes nothing that was learnt since.
        """

    async def heard_back(self, channel: ChannelName, receipts: Sequence[Receipt]) -> None:
        """Notes how far messages got; forward only. One nobody knows is kept until its message is known."""

    async def lost(self, channel: ChannelName, address: Address, reason: str) -> None:
        """The enquirer can no longer be written to (`blocked`): what waits has failed, and advisers are told."""

    async def regained(self, channel: ChannelName, address: Address) -> None:
        """They can be written to again: what the bot had to say and could not is said now."""

    def words(self, response: str, language: str = "en") -> str:
        """A response's words (Markdown) outside any conversation."""

    def commands(self, language: str = "en") -> tuple[tuple[str, str], ...]:
        """The always-there commands: (intent, title)."""

    def knows(self, channel: ChannelName, address: Address) -> bool:
        """Whether anything was ever said from this address."""

    def state(self, channel: ChannelName, address: Address) -> State: ...

    def record(self, channel: ChannelName, address: Address) -> Record | None: ...

    def listening(self, channel: ChannelName, address: Address) -> AbstractContextManager[asyncio.Event]:
        """An event set whenever there may be something new for this enquirer."""

    def types(self, channel: ChannelName, address: Address) -> None:
        """The enquirer types at this moment; told to the adviser who speaks with them, kept nowhere."""

    def adviser_types(self, channel: ChannelName, address: Address) -> datetime | None:
        """Until when the adviser counts as typing; None when nobody does."""

    def interface(self, language: str) -> Mapping[str, str]:
        """The front end's own words."""

    def apology(self) -> str:
        """What is said (Markdown) when nothing could be kept, so nothing was taken in."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is delivered together: all that one turn led to, or one message of an adviser's.

    `seq` is the first outbox number: the same when a delivery is repeated. Only the last message has choices.
    """

    seq: int
    messages: tuple[Rendered, ...]


P = TypeVar("P")
"""What a channel sends at a time: one message of its own kind."""


class Pushing(Protocol[P]):
    """A channel that sends: the courier calls it. A class that is one inherits from it."""

    name: ChannelName
    limits: Limits
    counts: Counter[str]
    """What came in and was refused or passed over, by kind."""
    up: bool = True
    """Whether it works as far as the channel itself can tell."""

    async def admit(self, address: Address) -> None:
        """Returns when the channel's pace allows the next message to this recipient. Nothing is sent here."""
        return

    def parts(self, parcel: Parcel) -> Sequence[P]:
        """The parcel as the channel's own messages, as few as it can. The same parcel gives as many each time.

        Raises: DeliveryError when there is nothing to send.
        """
        raise NotImplementedError

    async def deliver(self, address: Address, seq: int, part: P) -> str | None:
        """Sends one part of the parcel `seq`. Returns once the provider has it: its id for what was sent, where
        receipts will follow.

        Raises: DeliveryError.
        """
        raise NotImplementedError

    async def knock(self, address: Address, language: str, seq: int) -> bool:
        """Past the window: asks the enquirer to write, so that parcel `seq` can follow. False where that is not set up.

        Raises: DeliveryError.
        """
        return False

    async def probe(self) -> None:
        """Asks the provider whether it works at all.

        Raises: DeliveryError while it does not.
        """
        return

    async def close(self) -> None:
        """Lets go of connections."""
        return
