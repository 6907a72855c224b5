"""How much a message is like the editors' examples of danger, and how little like those of everyday worries.

Naive Bayes with what a message has or has not: words, two words in a row, kinds of words, and two kinds near each
other ("weapon" near "arrive"). Kinds let one example teach what its neighbours say. Counting is all there is to
training, so it is the same each time, and a score is a sum of weights that can be shown.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.triage.phrases import STOP, tokens

NEAR = 12
"""How many words on another kind of word still counts as near."""
WINDOW = 32
"""Words judged together at most, so that a long story around it hides no danger."""
UNSEEN = 0.5
"""What a mark that one side never showed counts as; from 0.3 to 1 it made no difference."""
FEW = 32
"""Marks below which a message is too short to tell much: they count as if there were so many."""
HEARD = 3
"""Examples a mark must be in to count: what was said once may be chance."""
TOLD = 4
"""Marks named as the reason."""

Mark = str | tuple[str, str]
"""A word, or a `<kind>` of word; or two: words in a row, kinds near each other."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Above 0: rather like danger. `because`: the marks that count most for it, most telling first."""

    score: float
    because: tuple[str, ...] = ()


class Resemblance:
    """Learns from examples when made, in one pass; then without change."""

    def __init__(
        self,
        alarming: Iterable[str],
        calm: Iterable[str],
        kinds: Mapping[str, Sequence[str]],
        spellings: Mapping[str, str],
    ) -> None:
        self._kinds = _by_word(kinds, spellings)
        self._weights = _weights(*(self._counted(texts, spellings) for texts in (alarming, calm)))

    def of(self, said: Sequence[str]) -> Likeness:
        """The piece of the message most like danger. A sentence more only adds pieces, so it can never lower this."""
        best, why = -math.inf, frozenset[Mark]()
        for score, marks in self._scored(said):
            if score > best:
                best, why = score, frozenset(marks)
        return Likeness(best, tuple(self._most_telling(why)))

    def _scored(self, said: Sequence[str]) -> Iterator[tuple[float, set[Mark]]]:
        """Each run of whole sentences of up to WINDOW words, and the windows of a sentence that is longer."""
        sentences = [piece for sentence in _sentences(said) for piece in _windows(sentence)]
        for first in range(len(sentences)):
            marks, total, words = set[Mark](), 0.0, 0
            for sentence in sentences[first:]:
                words += len(sentence)
                if words > WINDOW and marks:
                    break
                new = self._marks(sentence) - marks
                total += sum(self._weights.get(mark, 0.0) for mark in new)
                marks |= new
                yield total / math.sqrt(max(len(marks), FEW)), marks

    def _most_telling(self, marks: Iterable[Mark]) -> Iterator[str]:
        known = sorted((-self._weights[mark], str(mark), mark) for mark in marks if self._weights.get(mark, 0.0) > 0)
        for _, _, mark in known[:TOLD]:
            yield mark if isinstance(mark, str) else " ".join(mark)

    def _counted(self, texts: Iterable[str], spellings: Mapping[str, str]) -> tuple[int, Counter[Mark]]:
        number, counts = 0, Counter[Mark]()
        for text in texts:
            number += 1
            counts.update({mark for each in _sentences(tokens(text, spellings)) for mark in self._marks(each)})
        return number, counts

    def _marks(self, sentence: Sequence[str]) -> set[Mark]:
        marks: set[Mark] = {*sentence, *pairwise(sentence)}
        recent: list[tuple[int, tuple[str, ...]]] = []
        for place, token in enumerate(sentence):
            if kinds := self._kinds.get(token):
                marks.update(kinds)
                recent = [each for each in recent if place - each[0] <= NEAR]
                for _, others in recent:
                    marks.update((one, other) if one < other else (other, one) for one in others for other in kinds)
                recent.append((place, kinds))
        return marks


def _by_word(kinds: Mapping[str, Sequence[str]], spellings: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for kind, words in kinds.items():
        for token in {token for word in words for token in tokens(word, spellings)}:
            found[token] = (*found.get(token, ()), f"<{kind}>")
    return found


def _weights(alarming: tuple[int, Counter[Mark]], calm: tuple[int, Counter[Mark]]) -> dict[Mark, float]:
    """For each mark, how many times likelier (as a logarithm) it is in danger than in everyday worries."""
    (bad, in_bad), (good, in_good) = alarming, calm
    if not bad or not good:
        return {}
    even = math.log((good + 2 * UNSEEN) / (bad + 2 * UNSEEN))
    return {
        mark: even + math.log((in_bad[mark] + UNSEEN) / (in_good[mark] + UNSEEN))
        for mark in in_bad.keys() | in_good.keys()
        if in_bad[mark] + in_good[mark] >= HEARD
    }


def _sentences(said: Sequence[str]) -> Iterator[Sequence[str]]:
    start = 0
    for place, token in enumerate([*said, STOP]):
        if token == STOP:
            if place > start:
                yield said[start:place]
            start = place + 1


def _windows(sentence: Sequence[str]) -> Iterator[Sequence[str]]:
    """The sentence, if it is short; otherwise windows that overlap by half."""
    if len(sentence) <= WINDOW:
        yield sentence
        return
    step = WINDOW // 2
    for start in range(0, len(sentence) - step, step):
        yield sentence[start : start + WINDOW]
