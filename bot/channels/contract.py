"""What a channel is, and what it may ask of the house. One contract test runs over every channel."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain import Address, ChannelName, Turn
from bot.engine.record import Record
from bot.engine.render import Rendered

WEB = ChannelName("web")
REST = ChannelName("rest")
CALLBACK = ChannelName("callback")
TERMINAL = ChannelName("terminal")
PULLED = frozenset({WEB, REST, TERMINAL})
"""Channels whose side fetches what waits; all others push."""


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


class House(Protocol):
    """What a channel may ask. Addresses are personal: they are sealed inside and come back in no answer."""

    async def take(self, turn: Turn) -> None:
        """For channels that push: the courier delivers what it led to."""

    async def answer(self, turn: Turn) -> Answer:
        """For channels that are pulled: the turn's replies, and anything that was still waiting."""

    async def since(self, channel: ChannelName, address: Address, after: int) -> list[Line]:
        """Everything said to this enquirer after number `after`."""

    async def history(self, channel: ChannelName, address: Address) -> list[Line]:
        """The whole conversation, their own lines too, in order."""

    def knows(self, channel: ChannelName, address: Address) -> bool:
        """Whether anything was ever said from this address."""

    def state(self, channel: ChannelName, address: Address) -> State: ...

    def record(self, channel: ChannelName, address: Address) -> Record | None: ...

    def listening(self, channel: ChannelName, address: Address) -> AbstractContextManager[asyncio.Event]:
        """An event set whenever there may be something new for this enquirer."""

    def interface(self, language: str) -> Mapping[str, str]:
        """The front end's own words."""

    def apology(self) -> str:
        """What is said (Markdown) when nothing could be kept, so nothing was taken in."""


class Pushing(Protocol):
    """A channel that sends: the courier calls it."""

    @property
    def name(self) -> ChannelName: ...

    @property
    def limits(self) -> Limits: ...

    async def deliver(self, address: Address, seq: int, message: Rendered) -> None:
        """Returns once the provider has it. `seq` is the same when a delivery is repeated.

        Raises: DeliveryError.
        """
