"""How urgent a concern is before anything else is known: the defaults of the taxonomy, in one table."""

from collections.abc import Mapping
from enum import StrEnum

from bot.domain import Gate


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


def is_urgent(gate: Gate, concern: str | None) -> bool:
    """Whether somebody must act today: danger words, a child writing, or a concern that is always so."""
    return gate is not Gate.NONE or USUAL.get(concern or "", Urgency.ROUTINE) in _URGENT
