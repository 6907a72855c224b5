"""What the desk may ask of the bot, as protocols: the bot implements them, and handoff never imports it.

A door that is shut (None) leaves the desk without that convenience, never without its queue.
"""

from dataclasses import dataclass
from datetime import date
from typing import Protocol


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
        """(channel, address as the provider names it). Only after a reveal was written."""
        ...


@dataclass(frozen=True, slots=True)
class Doors:
    content: Content | None = None
    people: People | None = None


SHUT = Doors()
