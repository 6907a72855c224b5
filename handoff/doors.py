"""What the desk may ask of the bot, as protocols: the bot implements them, and handoff never imports it.

A door that is shut (None) leaves the desk without that convenience, never without its queue.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from handoff.practice import Script
from handoff.subject_parts import Part
from handoff.thresholds import Threshold


@dataclass(frozen=True, slots=True)
class PageCard:
    """One page of the library, as an adviser may put it into a reply. `text` is plain and ready to be sent."""

    id: str
    title: str
    kind: str
    library: str
    """The version of the library it was read from."""
    status: str
    """verified or unverified."""
    review_by: date | None
    overdue: bool
    """Past its review date: may be sent, with a warning."""
    withdrawn: bool
    """Was in an earlier version and is no more: may not be sent."""
    text: str


class Content(Protocol):
    """The live library's pages."""

    def find(self, words: str, nation: str | None, language: str, limit: int = 8) -> tuple[PageCard, ...]: ...

    def card(self, page: str, nation: str | None, language: str) -> PageCard | None:
        """None when no version ever had it; withdrawn when only an earlier one had."""
        ...


class People(Protocol):
    """What the bot knows of who is at the other end."""

    def same_person(self, conversation: int) -> tuple[int, ...]:
        """Other conversations from the same address."""
        ...

    def address(self, conversation: int) -> tuple[str, str] | None:
        """(channel, address as the provider names it). Only after a reveal was written. None where there is none, or
        where it is no address but a key to their conversation."""
        ...


@dataclass(frozen=True, slots=True)
class SourceCard:
    """Where a page's advice comes from; `url` may be empty."""

    title: str
    url: str
    checked_on: date | None


@dataclass(frozen=True, slots=True)
class AnswerShown:
    """A question of the bot's and the answer chosen, as labels. `at` None: when is not known any more."""

    question: str
    answer: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class AdviceShown:
    """A page that was shown. `rule` is the flow and step that showed it, "" where that is not known any more. `status`
    is verified or unverified."""

    title: str
    page: str
    rule: str
    library: str
    status: str
    sources: tuple[SourceCard, ...]
    at: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionShown:
    """What the bot decided a threshold by. `route` is an outcome's code."""

    title: str
    page: str
    decided_by: str
    route: str
    framework: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AdviceOfBot:
    """What the bot asked and advised in one conversation."""

    library: str
    answers: tuple[AnswerShown, ...]
    advice: tuple[AdviceShown, ...]
    decisions: tuple[DecisionShown, ...]


class Records(Protocol):
    """What a record of advice is made of."""

    def of(self, conversation: int) -> AdviceOfBot | None:
        """None once the conversation was forgotten."""
        ...

    def page(self, page: str, library: str, at: datetime | None) -> AdviceShown | None:
        """A page as it was in one version of the library; None when that has no such page."""
        ...

    def labels(self) -> Mapping[str, str]:
        """The words of the record as enquirers have it: record_…, and route_<outcome>."""
        ...


class Thresholds(Protocol):
    """The live library's threshold pages, as they hold in a nation; None: in whichever it is, the graver way."""

    def all(self, nation: str | None) -> tuple[Threshold, ...]: ...

    def one(self, page: str, nation: str | None, library: str | None = None) -> Threshold | None:
        """`library`: the version a decision was begun with; None: what is live. None when it has no such page there."""
        ...


class Practice(Protocol):
    """The live library's practice scripts."""

    def scripts(self) -> tuple[Script, ...]: ...


@dataclass(frozen=True, slots=True)
class StalePage:
    """Something of the library that needs an editor: its review is due or overdue, or nobody has verified it."""

    id: str
    kind: str
    title: str
    owner: str
    review_by: date
    overdue: bool
    due: bool
    verified: bool


class Reviews(Protocol):
    """What of the live library is to be looked at again."""

    def stale(self, today: date) -> tuple[StalePage, ...]:
        """By owner and day."""
        ...

    def pages(self) -> tuple[tuple[str, str], ...]:
        """(id, title) of every page, by title: what a report can be about."""
        ...


@dataclass(frozen=True, slots=True)
class Provider:
    """A service of somebody else's through which a channel goes, and the host it is reached at."""

    channel: str
    host: str


@dataclass(frozen=True, slots=True)
class HouseFacts:
    """How the service is set up at this moment."""

    service: str
    contact: str
    channels: tuple[str, ...]
    providers: tuple[Provider, ...]
    advisers_group: bool
    """Advisers are told in a Telegram group that a case waits."""
    words_idle: timedelta
    """Typed words go when a conversation has been idle for so long."""
    conversation_idle: timedelta
    """An idle conversation ends after so long."""
    repeats: timedelta
    """So long marks are kept that tell a provider's repeats."""
    is_https: bool


class Forgetting(Protocol):
    """What the bot keeps of a conversation, and its end. What writes takes the connection of a ledger write."""

    def conversation(self, db: sqlite3.Connection, conversation: int, now: datetime) -> None:
        """It ends, and nothing is left of it but that it was. Where nothing is kept any more, nothing happens."""
        ...

    def case_gone(self, db: sqlite3.Connection, conversation: int, now: datetime) -> None:
        """A case of a conversation that may go on was forgotten: what was said there long ago goes too."""
        ...

    def preview(self, db: sqlite3.Connection, now: datetime) -> Mapping[str, int]:
        """How many of each of the bot's own kinds would be forgotten at that moment."""
        ...


class House(Protocol):
    """The service around the desk."""

    def facts(self) -> HouseFacts: ...

    def stuck(self) -> Mapping[str, int]:
        """Things that ought not to be, counted by kind (handoff.stuck)."""
        ...


@dataclass(frozen=True, slots=True)
class FlowCard:
    """A flow of the live library. `ends`: its steps after which nothing more is asked."""

    id: str
    name: str
    steps: Mapping[str, str]
    """By id what a step says or asks, in its first words; in the order of the file."""
    ends: frozenset[str]


@dataclass(frozen=True, slots=True)
class StepCaption:
    """What stands at the foot of a step in a diagram; `share` (0 to 1) of a bar under it is filled; None: no bar."""

    text: str
    share: float | None = None


class Flows(Protocol):
    """The live library's flows."""

    def listed(self) -> Mapping[str, FlowCard]:
        """Every flow by its id, by name."""
        ...

    def diagram(self, flow: str, captions: Mapping[str, StepCaption]) -> str | None:
        """The flow drawn as SVG, with captions by step; None when there is no such flow any more."""
        ...


class Access(Protocol):
    """What the bot keeps of one conversation, for whoever asks what is held about them."""

    def known(self, conversation: int) -> tuple[Part, ...]:
        """Empty once it was forgotten."""
        ...


@dataclass(frozen=True, slots=True)
class Doors:
    content: Content | None = None
    people: People | None = None
    records: Records | None = None
    thresholds: Thresholds | None = None
    practice: Practice | None = None
    reviews: Reviews | None = None
    house: House | None = None
    forgetting: Forgetting | None = None
    access: Access | None = None
    flows: Flows | None = None


SHUT = Doors()
