"""How urgent a concern is before anything else is known: one table of defaults, and what raises them.

What two concerns "close" and "graver" mean is said here and nowhere else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from bot.domain import Gate, Intent
from bot.triage.lexicon import Words
from bot.triage.phrases import PhraseBook, tokens

CLOSE = 0.9
"""From this part of the first one's score on, a graver concern goes before it."""
WARY = 0.7
"""From this part on, a graver concern makes the message as urgent as itself, though it stays where it is."""


class Urgency(StrEnum):
    EMERGENCY = "E"
    SAME_DAY = "S"
    """Tell the safeguarding lead now."""
    TWO_DAYS = "2"
    ROUTINE = "R"


USUAL: Mapping[str, Urgency] = {
    "reputation": Urgency.TWO_DAYS,
    "impersonation": Urgency.TWO_DAYS,
    "staff_abuse": Urgency.TWO_DAYS,
    "cyberbullying": Urgency.TWO_DAYS,
    "nudes": Urgency.SAME_DAY,
    "ai_imagery": Urgency.SAME_DAY,
    "sextortion": Urgency.SAME_DAY,
    "grooming": Urgency.SAME_DAY,
    "sexual_harassment": Urgency.SAME_DAY,
    "harmful_content": Urgency.TWO_DAYS,
    "suicide_self_harm": Urgency.SAME_DAY,
    "challenges_hoaxes": Urgency.TWO_DAYS,
    "extremism": Urgency.SAME_DAY,
    "hate": Urgency.TWO_DAYS,
    "threats": Urgency.SAME_DAY,
    "hacking": Urgency.TWO_DAYS,
    "scams": Urgency.TWO_DAYS,
    "privacy": Urgency.TWO_DAYS,
    "age_controls": Urgency.ROUTINE,
    "ai_chatbots": Urgency.TWO_DAYS,
    "staff_conduct": Urgency.SAME_DAY,
    "policy_filtering": Urgency.ROUTINE,
    "reporting_help": Urgency.ROUTINE,
    "illegal_content": Urgency.SAME_DAY,
    "immediate_danger": Urgency.EMERGENCY,
    "child_contact": Urgency.SAME_DAY,
    "out_of_scope": Urgency.ROUTINE,
}
"""What the taxonomy gives where two are named (S/E, R/2) is the lower: answers to questions raise it, never words."""
_URGENT = frozenset({Urgency.EMERGENCY, Urgency.SAME_DAY})
_GRAVITY = (Urgency.EMERGENCY, Urgency.SAME_DAY, Urgency.TWO_DAYS, Urgency.ROUTINE)


def urgency_of(concern: str) -> Urgency:
    """What the taxonomy gives this concern; a concern it does not know can wait."""
    return USUAL.get(concern, Urgency.ROUTINE)


def graver_first(ranked: Sequence[Intent], concerns: Mapping[str, str]) -> tuple[Intent, ...]:
    """The gravest of those that are close to the first goes before it, with its score; the others keep their order.

    `ranked` is best first; `concerns` says which concern an intent's name stands for, where it is another.
    """
    close = [each for each in ranked if each.score >= CLOSE * ranked[0].score]
    if not close:
        return tuple(ranked)
    gravest = min(close, key=lambda each: _GRAVITY.index(urgency_of(concerns.get(each.name, each.name))))
    return (replace(gravest, score=ranked[0].score), *(each for each in ranked if each is not gravest))


def gravest_first(concerns: Iterable[str]) -> tuple[str, ...]:
    """The graver before the others; of two that are equally grave, the one told first."""
    return tuple(sorted(concerns, key=lambda concern: _GRAVITY.index(urgency_of(concern))))


class UrgentSense:
    """Knows the editors' words for what cannot wait (content/words/urgent.yml); made once per word list."""

    def __init__(self, words: Words) -> None:
        self._spellings = words.spellings
        self._today = PhraseBook(words.urgent.today, words.spellings)
        self._happening = PhraseBook(words.urgent.happening, words.spellings)
        self._over = PhraseBook(words.urgent.over, words.spellings)

    def today(self, text: str) -> str | None:
        """The phrase by which somebody must act today, whatever the topic."""
        return next((found.phrase for found in self._today.find(tokens(text, self._spellings))), None)

    def happening(self, text: str) -> str | None:
        """The phrase by which someone is in danger at this moment, unless the message says that it is over."""
        said = tokens(text, self._spellings)
        if any(self._over.find(said)):
            return None
        return next((found.phrase for found in self._happening.find(said)), None)


def is_urgent(gate: Gate, heard: Sequence[tuple[str, float]], phrase: str | None = None) -> bool:
    """Whether somebody must act today: danger words, a child writing, a phrase of urgent.yml, or a grave concern.

    `heard` is concerns with scores, best first: one of them that is not far behind counts too.
    """
    wary = [concern for concern, score in heard if score >= WARY * heard[0][1]]
    return gate is not Gate.NONE or phrase is not None or any(urgency_of(concern) in _URGENT for concern in wary)
