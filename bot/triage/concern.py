"""Ranks what a message may be about, by the example phrases editors wrote in the flows. It never judges urgency.

TF-IDF over words, pairs of words and runs of three to five letters (so that slips and endings still meet), compared
with all of a flow's examples together and with the nearest single one.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.domain import Intent
from bot.library.model import Flow, Library
from bot.triage.phrases import STOP, tokens

MOST = 3
THRESHOLD = 0.12
"""Below it nothing was heard: better to ask than to guess."""
NEAREST = 0.4
"""How much the nearest example counts beside all of them together."""
BECAUSE = 3
MAX_WORDS = 300
"""Words that are looked at; what a message is about is said sooner."""
KEPT_LIBRARIES = 4

_TAG = re.compile(r"\[[a-z_]+\]")
_WEIGHTS = {1: 1.0, 2: 0.8, 3: 0.35}
"""By kind of feature: a word, a pair of words, a run of letters."""
_DULL = frozenset(
    """
    a about all also am an and any are as at be been but by can could did do does dont for from get got had has
    have he her hi hello him his how i if in is it its just me my of on or our please she should so some than
    thank thanks that the their them then there they this to us want was we were what when where which who why
    will with would you your y yr yn ar a ac am i o mae wedi ei
    """.split()  # noqa: SIM905 - a list to read
)

Vector = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Example:
    intent: int
    vector: Vector


class Ranker:
    """Knows the examples of one library; made once, then without change."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        taught = [(flow.intents[0], _said_in(flow)) for flow in flows if _can_be_meant(flow)]
        self._names = tuple(name for name, _ in taught)
        counted = [(place, Counter(_features(text))) for place, (_, texts) in enumerate(taught) for text in texts]
        self._rarity = _rarity([counts for _, counts in counted])
        examples = [_Example(place, self._weighed(counts)) for place, counts in counted]
        self._single = _index((number, example.vector) for number, example in enumerate(examples))
        self._intent_of = tuple(example.intent for example in examples)
        self._together = _index(_centres(examples))

    def rank(self, text: str) -> tuple[Intent, ...]:
        """The likeliest intents, best first, each with a score from 0 to 1; () when nothing comes near."""
        said = self._weighed(Counter(_features(text)))
        together, nearest = _products(said, self._together), self._nearest(said)
        scores = {place: (1 - NEAREST) * score + NEAREST * nearest.get(place, 0.0) for place, score in together.items()}
        best = sorted(scores, key=lambda place: (-scores[place], self._names[place]))[:MOST]
        return tuple(
            Intent(self._names[place], round(min(scores[place], 1.0), 4), self._because(said, place))
            for place in best
            if scores[place] >= THRESHOLD
        )

    def _weighed(self, counts: Counter[str]) -> Vector:
        """Of length one; features no example has count for the length, so that strange messages score low."""
        weights = {
            feature: (1 + math.log(count)) * self._rarity.get(feature, self._rarity[""]) * _weight(feature)
            for feature, count in counts.items()
        }
        length = math.sqrt(sum(weight * weight for weight in weights.values()))
        return {feature: weight / length for feature, weight in weights.items() if feature in self._rarity}

    def _nearest(self, said: Vector) -> dict[int, float]:
        nearest: dict[int, float] = {}
        for number, score in _products(said, self._single).items():
            place = self._intent_of[number]
            nearest[place] = max(score, nearest.get(place, 0.0))
        return nearest

    def _because(self, said: Vector, place: int) -> str:
        """The whole words that counted most for this intent."""
        counted = {
            feature[2:]: weight * dict(self._together.get(feature, ())).get(place, 0.0)
            for feature, weight in said.items()
            if feature.startswith("1 ")
        }
        words = sorted((word for word in counted if counted[word]), key=lambda word: (-counted[word], word))
        return ", ".join(words[:BECAUSE])


_kept: list[tuple[Library, Ranker]] = []


def rank(text: str, library: Library) -> tuple[Intent, ...]:
    """The likeliest intents of a masked text in this library, at most three. A library's ranker is made once."""
    return ranker_of(library).rank(text)


def ranker_of(library: Library) -> Ranker:
    """The ranker of this very library, made at its first use."""
    for kept, ranker in _kept:
        if kept is library:
            return ranker
    ranker = Ranker(library.flows.values())
    _kept.append((library, ranker))
    del _kept[:-KEPT_LIBRARIES]
    return ranker


def _can_be_meant(flow: Flow) -> bool:
    return bool(flow.intents) and not flow.is_pattern and any(flow.examples.values())


def _said_in(flow: Flow) -> Sequence[str]:
    return [text for texts in flow.examples.values() for text in texts]


def _features(text: str) -> Iterator[str]:
    words = [word for word in tokens(_TAG.sub(" ", text), {}) if word != STOP][:MAX_WORDS]
    telling = [word for word in words if word not in _DULL]
    for word in telling:
        yield f"1 {word}"
        padded = f"_{word}_"
        for length in (3, 4, 5):
            for start in range(len(padded) - length + 1):
                yield f"3 {padded[start : start + length]}"
    for one, other in pairwise(telling):
        yield f"2 {one} {other}"


def _weight(feature: str) -> float:
    return _WEIGHTS[int(feature[0])]


def _rarity(examples: Sequence[Counter[str]]) -> dict[str, float]:
    """How much a feature tells: the fewer examples have it, the more. Under "" what a feature nobody has would tell."""
    having = Counter(feature for counts in examples for feature in counts)
    rarity = {feature: math.log((1 + len(examples)) / (1 + number)) + 1 for feature, number in having.items()}
    return {**rarity, "": math.log(1 + len(examples)) + 1}


def _centres(examples: Iterable[_Example]) -> Iterator[tuple[int, Vector]]:
    sums: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for example in examples:
        for feature, weight in example.vector.items():
            sums[example.intent][feature] += weight
    for intent, total in sums.items():
        length = math.sqrt(sum(weight * weight for weight in total.values())) or 1.0
        yield intent, {feature: weight / length for feature, weight in total.items()}


Index = Mapping[str, Sequence[tuple[int, float]]]


def _index(vectors: Iterable[tuple[int, Vector]]) -> Index:
    index: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, vector in vectors:
        for feature, weight in vector.items():
            index[feature].append((number, weight))
    return dict(index)


def _products(said: Vector, index: Index) -> dict[int, float]:
    products: dict[int, float] = defaultdict(float)
    for feature, weight in said.items():
        for number, theirs in index.get(feature, ()):
            products[number] += weight * theirs
    return products
