"""The gate: sees danger and children in a message before anything else does. It errs towards showing.

Whether someone is safe is never concluded here: a denial or a drill shows the screen as well (FACTS section 5, rules
1, 2 and 14).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain import Gate
from bot.triage.lexicon import ChildWords, DangerWords, Words
from bot.triage.phrases import Found, PhraseBook, tokens


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen and the editors' phrase that showed it; `also_child` when there is danger and a child writes."""

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

    def sees(self, said: Sequence[str]) -> str | None:
        """The phrase, or the two together, that show danger."""
        sayings = list(self._unless.find(said))
        for found in self._phrases.find(said):
            if not any(_overlap(found, saying) for saying in sayings):
                return found.phrase
        for now in self._now.find(said):
            for harm in self._harm.find(said):
                if any(_overlap(harm, saying) for saying in sayings):
                    continue
                return f"{now.phrase} + {harm.phrase}"
        return None


class _ChildSense:
    def __init__(self, child: ChildWords, words: Words) -> None:
        self._certain = PhraseBook(child.certain, words.spellings)
        self._likely = PhraseBook(child.likely, words.spellings)
        self._unless = PhraseBook(child.unless, words.spellings)
        self._adult = PhraseBook(child.adult, words.spellings)
        self._perhaps_adult = PhraseBook(child.perhaps_adult, words.spellings)

    def sees(self, said: Sequence[str]) -> str | None:
        """The phrase that a child wrote, unless an adult speaks of one."""
        found = [*self._certain.find(said), *self._likely.find(said)]
        if not found or any(self._adult.find(said)):
            return None
        found = self._not_called_off(found, said)
        if any(self._perhaps_adult.find(said)):
            certain = {each.phrase for each in self._certain.find(said)}
            found = [each for each in found if each.phrase in certain]
        return found[0].phrase if found else None

    def _not_called_off(self, found: Sequence[Found], said: Sequence[str]) -> list[Found]:
        called_off = list(self._unless.find(said))
        return [each for each in found if not any(_overlap(each, other) for other in called_off)]


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end
