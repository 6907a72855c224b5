"""Deciding by a framework, one rule after the other: who must be told. Pure; the rules are the library's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

GRAVEST_FIRST = ("emergency", "refer_today", "tell_lead", "handle", "information")
"""The routes a rule can lead to: the outcomes of the library."""
STANDS = "tell_lead"
"""What stands where no rule holds and the framework says nothing of that: the setting's lead decides."""


class Answer(StrEnum):
    """Each is kept as one letter, so that the answers so far are one short word in a page's address."""

    YES = "y"
    NO = "n"
    UNKNOWN = "d"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a framework. `words` is plain text."""

    name: str
    route: str
    words: str
    stands: bool = False
    """It is not asked about: it holds where no other does ("None of the reasons", or what a nation says of that)."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold page, as it holds in one nation; the rules in the framework's order."""

    id: str
    title: str
    concerns: tuple[str, ...]
    framework: str
    """By name, with its version."""
    library: str
    verified: bool
    review_by: date
    overdue: bool
    rules: tuple[Rule, ...]

    @property
    def asked(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if not rule.stands)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The route, and the rule that decided; `rule` is "" where no rule held and the framework says nothing of that."""

    route: str
    rule: str


def gravity(route: str) -> int:
    """0 is the gravest. An unknown route is as grave as any."""
    return GRAVEST_FIRST.index(route) if route in GRAVEST_FIRST else 0


def next_rule(threshold: Threshold, answers: Sequence[Answer]) -> Rule | None:
    """What is to be asked now; None when it is decided: no rule that is left could make it graver."""
    asked = threshold.asked
    left = asked[len(answers) :]
    held = [rule for rule in _holding(threshold, answers) if gravity(rule.route) < gravity(_standing(threshold).route)]
    so_far = min((gravity(rule.route) for rule in held), default=len(GRAVEST_FIRST))
    return left[0] if any(gravity(rule.route) < so_far for rule in left) else None


def verdict(threshold: Threshold, answers: Sequence[Answer]) -> Verdict:
    """The gravest route among the rules that hold, by the first of them; what stands, where none does.

    "Don't know" is a yes to a rule that makes it graver than what stands, and a no to one that does not: it never
    lowers anything.
    """
    holding = _holding(threshold, answers)
    decided = min(holding, key=lambda rule: gravity(rule.route), default=_standing(threshold))
    return Verdict(decided.route, decided.name)


def counts_as_yes(threshold: Threshold, rule: Rule) -> bool:
    """What "don't know" means to this rule."""
    return gravity(rule.route) < gravity(_standing(threshold).route)


def _holding(threshold: Threshold, answers: Sequence[Answer]) -> list[Rule]:
    given = zip(threshold.asked, answers, strict=False)
    return [
        rule
        for rule, answer in given
        if answer is Answer.YES or (answer is Answer.UNKNOWN and counts_as_yes(threshold, rule))
    ]


def _standing(threshold: Threshold) -> Rule:
    """The gravest of what holds where nothing else does."""
    standing = [rule for rule in threshold.rules if rule.stands]
    return min(standing, key=lambda rule: gravity(rule.route), default=Rule("", STANDS, ""))
