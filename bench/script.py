"""The conversation that is measured: the real start frame and the real reputation flow, answered like a person."""

from datetime import UTC, datetime, timedelta

from bot.domain import Conversation, Heard, Opened, Outcome, Said
from bot.engine import advance, begin
from bot.library.model import Library

FIRST = datetime(2026, 1, 5, 9, tzinfo=UTC)
LIKED = ("No", "Teacher or school staff", "England", "Parent or carer", "Under 48 hours ago")
TURNS = 12


def script(library: Library) -> list[str]:
    """What is typed, turn after turn: the labels of choices."""
    conversation = step(library, begin(library), Opened(FIRST)).conversation
    typed: list[str] = []
    while len(typed) < TURNS and conversation.offers and not conversation.ended:
        words = _next(conversation)
        typed.append(words)
        said = Said(words, FIRST + timedelta(minutes=len(typed)))
        conversation = step(library, conversation, said).conversation
    return typed


def step(library: Library, conversation: Conversation, heard: Heard) -> Outcome:
    """One advance; custom actions are left aside (they wait in `Outcome.action`)."""
    return advance(library, conversation, heard)


def _next(conversation: Conversation) -> str:
    titles = [offer.title for offer in conversation.offers]
    liked = next((title for title in LIKED if title in titles), titles[0])
    at_concern = any(title.startswith("Posts about") for title in titles)
    return "Posts about us or staff" if at_concern else liked
