"""The gate: sees danger and children in a message before anything else does. It errs towards showing.

Whether someone is safe is never concluded here: a denial or a drill shows the screen as well (FACTS section 5, rules
1, 2 and 14).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain import Gate
from bot.triage.lexicon import ChildWords, DangerWords, Words
from bot.triage.phrases import Found, PhraseBook, tokens
from bot.triage.resemblance import Likeness, Resemblance

LIKE_DANGER = 1.4
"""The likeness to the examples of danger from which the screen shows: see docs/decisions/0016-danger-gate.md."""
LIKE_A_CHILD = 2.4
"""The likeness to how children write from which a child is seen, unless an adult speaks of one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen and what showed it: a phrase, or a likeness to the examples.

    `also_child`: there is danger, and a child writes.
    """

    gate: Gate
    because: str = ""
    also_child: bool = False


class GateKeeper:
    """Knows the editors' words; made once per word list, then without change, so it may serve all at once."""

    def __init__(self, words: Words) -> None:
        self._spellings = words.spellings
        self._danger = _DangerSense(words.danger, words)
        self._child = _ChildSense(words.child, words)

    def look(self, text: str) -> Seen:
        """What there is to see in one message. Danger goes before a child, and then both are told."""
        said = tokens(text, self._spellings)
        danger, child = self._danger.sees(said), self._child.sees(said)
        if danger:
            return Seen(Gate.DANGER, danger, also_child=child is not None)
        if child:
            return Seen(Gate.CHILD, child)
        return Seen(Gate.NONE)


class _DangerSense:
    def __init__(self, danger: DangerWords, words: Words) -> None:
        self._phrases = PhraseBook(danger.phrases, words.spellings, forgiving=True)
        self._now = PhraseBook(danger.now, words.spellings)
        self._harm = PhraseBook(danger.harm, words.spellings, forgiving=True)
        self._unless = PhraseBook(danger.unless, words.spellings)
        self._denials = PhraseBook(danger.denials, words.spellings)
        calm = (*danger.calm, *words.child.children)
        self._examples = Resemblance(danger.alarming, calm, danger.kinds, words.spellings)

    def sees(self, said: Sequence[str]) -> str | None:
        """What shows danger: an editors' phrase, or a likeness to their examples."""
        sayings = list(self._unless.find(said))
        compared = _without(said, [*sayings, *self._denials.find(said)])
        return self._phrase(said, sayings) or _alike(self._examples.of(compared), LIKE_DANGER)

    def _phrase(self, said: Sequence[str], sayings: Sequence[Found]) -> str | None:
        """The phrase, or the two together, that show danger."""
        for found in self._phrases.find(said):
            if not _called_off(found, sayings):
                return found.phrase
        for now in self._now.find(said):
            for harm in self._harm.find(said):
                if not _called_off(harm, sayings):
                    return f"{now.phrase} + {harm.phrase}"
        return None


class _ChildSense:
    def __init__(self, child: ChildWords, words: Words) -> None:
        self._certain = PhraseBook(child.certain, words.spellings)
        self._likely = PhraseBook(child.likely, words.spellings)
        self._unless = PhraseBook(child.unless, words.spellings)
        self._adult = PhraseBook(child.adult, words.spellings)
        self._perhaps_adult = PhraseBook(child.perhaps_adult, words.spellings)
        self._examples = Resemblance(child.children, (*child.adults, *words.danger.calm), child.kinds, words.spellings)

    def sees(self, said: Sequence[str]) -> str | None:
        """What shows that a child wrote, unless an adult speaks of one."""
        if any(self._adult.find(said)):
            return None
        sayings = list(self._unless.find(said))
        perhaps_adult = any(self._perhaps_adult.find(said))
        for found in self._certain.find(said) if perhaps_adult else self._all(said):
            if not _called_off(found, sayings):
                return found.phrase
        return None if perhaps_adult else _alike(self._examples.of(_without(said, sayings)), LIKE_A_CHILD)

    def _all(self, said: Sequence[str]) -> Iterator[Found]:
        yield from self._certain.find(said)
        yield from self._likely.find(said)


def _called_off(found: Found, sayings: Sequence[Found]) -> bool:
    return any(found.start < saying.end and saying.start < found.end for saying in sayings)


def _without(said: Sequence[str], sayings: Sequence[Found]) -> Sequence[str]:
    """What is left to judge when sayings that mean nothing are taken out."""
    taken = {place for saying in sayings for place in range(saying.start, saying.end)}
    return [token for place, token in enumerate(said) if place not in taken] if taken else said


def _alike(likeness: Likeness, threshold: float) -> str | None:
    """Why, if it is like the examples, for whoever wonders."""
    if likeness.score < threshold:
        return None
    return f"like the examples ({likeness.score:.2f}): {', '.join(likeness.because)}"
