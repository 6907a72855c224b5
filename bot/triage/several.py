"""Whether a message tells of several worries, one beside the other: then the graver comes first and none is lost."""

import re

from bot.domain import Intent
from bot.library.model import Library
from bot.triage.concern import concern_of, rank
from bot.triage.urgency import gravest_first

FEWEST_WORDS = 5
"""A part of fewer words says too little by itself; it belongs to the part before it."""
SURE = 0.17
"""The score a part must have for its concern: with it, none of 709 messages about one worry is taken for two."""
NO_WORRY = frozenset({"out_of_scope", "reporting_help"})
"""What a part may be about without telling a worry: "how do we report it?" belongs to the worry beside it."""
_PARTS = re.compile(r"[.;!?\n]+|,? (?:and )?(?:also|plus|as well as|on top of that|another thing)\b,?|,? and\b", re.I)


def heard(text: str, library: Library) -> tuple[tuple[Intent, ...], tuple[str, ...]]:
    """What a masked text may be about, best first, and the concerns it tells of one beside the other, the graver first.

    Where it tells of several they go before what only resembles it. () for the second unless there are two.
    """
    ranked, concerns = rank(text, library), _told(text, library)
    if not concerns:
        return ranked, ()
    by_concern = {concern_of(library, each): each for each in ranked}
    first = [Intent(concern, ranked[0].score, ranked[0].because) for concern in concerns]
    others = [each for concern, each in by_concern.items() if concern not in concerns]
    return (*first, *others), concerns


def _told(text: str, library: Library) -> tuple[str, ...]:
    parts = _parts(text)
    if len(parts) < 2:
        return ()
    likeliest = [ranked[0] for part in parts if (ranked := rank(part, library))]
    concerns = [concern_of(library, each) for each in likeliest if each.score >= SURE]
    sure = dict.fromkeys(concern for concern in concerns if concern not in NO_WORRY)
    return gravest_first(sure) if len(sure) > 1 else ()


def _parts(text: str) -> list[str]:
    parts: list[str] = []
    for piece in filter(None, (piece.strip() for piece in _PARTS.split(text))):
        if parts and len(piece.split()) < FEWEST_WORDS:
            parts[-1] += f" {piece}"
        else:
            parts.append(piece)
    return parts
