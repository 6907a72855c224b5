"""Ways to rank concerns that need nothing but Python, each taught with the same examples: for `bench.triage`."""

import math
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Protocol

from bot.triage.features import Known, features_of
from bot.triage.phrases import STOP, tokens
from bot.triage.weights import Example, Weights

Scores = Mapping[str, float]


class Method(Protocol):
    """Learns from texts and their concerns once; then gives each concern a score, the higher the likelier."""

    def learn(self, texts: Sequence[str], concerns: Sequence[str]) -> None: ...

    def scores(self, text: str) -> Scores: ...


class Ours:
    """What the bot does: bot/triage/weights.py, without threshold and without the graver going first."""

    def learn(self, texts: Sequence[str], concerns: Sequence[str]) -> None:
        known: Known = {}
        self._names = sorted(set(concerns))
        places = {name: place for place, name in enumerate(self._names)}
        examples = [Example(places[name], features_of(text, known)) for text, name in zip(texts, concerns, strict=True)]
        self._weights = Weights(examples, len(self._names))

    def scores(self, text: str) -> Scores:
        return dict(zip(self._names, self._weights.scores(features_of(text, {})), strict=True))


class Fts5:
    """SQLite's full-text search: each concern gets the BM25 score of its nearest example."""

    def learn(self, texts: Sequence[str], concerns: Sequence[str]) -> None:
        self._db = sqlite3.connect(":memory:")
        self._db.execute("CREATE VIRTUAL TABLE e USING fts5(text, concern UNINDEXED, tokenize = 'porter unicode61')")
        rows = [(" ".join(_words(text)), concern) for text, concern in zip(texts, concerns, strict=True)]
        self._db.executemany("INSERT INTO e VALUES (?, ?)", rows)

    def scores(self, text: str) -> Scores:
        query = " OR ".join(f'"{word}"' for word in dict.fromkeys(_words(text)))
        if not query:
            return {}
        found: dict[str, float] = {}
        for concern, rank in self._db.execute("SELECT concern, rank FROM e WHERE e MATCH ?", [query]):
            found[concern] = max(-rank, found.get(concern, 0.0))
        return found


class Counted:
    """Naive Bayes over the bot's own features: multinomial, or complement (Rennie et al. 2003) with normed weights."""

    def __init__(self, *, complement: bool, smooth: float) -> None:
        self._complement, self._smooth = complement, smooth

    def learn(self, texts: Sequence[str], concerns: Sequence[str]) -> None:
        known: Known = {}
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for text, concern in zip(texts, concerns, strict=True):
            counts[concern].update(features_of(text, known))
        total = sum(counts.values(), Counter())
        self._weights = {concern: self._weighed(own, total) for concern, own in counts.items()}

    def _weighed(self, own: Counter[str], total: Counter[str]) -> dict[str, float]:
        sign = -1 if self._complement else 1
        seen = {feature: total[feature] - own[feature] for feature in total} if self._complement else own
        mass = sum(seen.values()) + self._smooth * len(total)
        logs = {feature: sign * math.log((seen[feature] + self._smooth) / mass) for feature in total}
        norm = sum(map(abs, logs.values())) if self._complement else 1.0
        return {feature: weight / norm for feature, weight in logs.items()}

    def scores(self, text: str) -> Scores:
        features = features_of(text, {})
        return {c: sum(weights.get(f, 0.0) for f in features) for c, weights in self._weights.items()}


class Before:
    """The first triage (docs/decisions/0008): TF-IDF of words, pairs and runs, the centre and the nearest example."""

    nearest = 0.4
    dull = frozenset(
        """
        a about all also am an and any are as at be been but by can could did do does dont for from get got had has
        have he her hi hello him his how i if in is it its just me my of on or our please she should so some than
        thank thanks that the their them then there they this to us want was we were what when where which who why
        will with would you your y yr yn ar a ac am i o mae wedi ei
        """.split()  # noqa: SIM905 - a list to read
    )

    def learn(self, texts: Sequence[str], concerns: Sequence[str]) -> None:
        counted = [Counter(self._features(text)) for text in texts]
        having = Counter(feature for counts in counted for feature in counts)
        self._rarity = {f: math.log((1 + len(texts)) / (1 + n)) + 1 for f, n in having.items()}
        self._unseen = math.log(1 + len(texts)) + 1
        self._concerns = list(concerns)
        vectors = [self._weighed(counts) for counts in counted]
        self._single, self._together = defaultdict(list), defaultdict(list)
        sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for number, vector in enumerate(vectors):
            for feature, weight in vector.items():
                self._single[feature].append((number, weight))
                sums[concerns[number]][feature] += weight
        for concern, vector in sums.items():
            length = math.sqrt(sum(weight**2 for weight in vector.values()))
            for feature, weight in vector.items():
                self._together[feature].append((concern, weight / length))

    def scores(self, text: str) -> Scores:
        said = self._weighed(Counter(self._features(text)))
        centre: dict[str, float] = defaultdict(float)
        single: dict[int, float] = defaultdict(float)
        for feature, weight in said.items():
            for concern, theirs in self._together.get(feature, ()):
                centre[concern] += weight * theirs
            for number, theirs in self._single.get(feature, ()):
                single[number] += weight * theirs
        nearest: dict[str, float] = {}
        for number, score in single.items():
            nearest[self._concerns[number]] = max(score, nearest.get(self._concerns[number], 0.0))
        return {c: (1 - self.nearest) * score + self.nearest * nearest.get(c, 0.0) for c, score in centre.items()}

    def _weighed(self, counts: Counter[str]) -> dict[str, float]:
        kinds = {"1": 1.0, "2": 0.8, "3": 0.35}
        weights = {f: (1 + math.log(n)) * self._rarity.get(f, self._unseen) * kinds[f[0]] for f, n in counts.items()}
        length = math.sqrt(sum(weight**2 for weight in weights.values()))
        return {feature: weight / length for feature, weight in weights.items() if feature in self._rarity}

    def _features(self, text: str) -> list[str]:
        telling = [word for word in _words(text) if word not in self.dull]
        runs = [f"3 {padded[i : i + n]}" for padded in map("_{}_".format, telling) for n in (3, 4, 5)
                for i in range(len(padded) - n + 1)]  # fmt: skip
        return [*(f"1 {word}" for word in telling), *(f"2 {a} {b}" for a, b in pairwise(telling)), *runs]


class Together:
    """Two or more methods, each score put on one scale (mean 0, deviation 1), added up with weights."""

    def __init__(self, *parts: tuple[Method, float]) -> None:
        self._parts = parts

    def learn(self, texts: Sequence[str], concerns: Sequence[str]) -> None:
        for method, _ in self._parts:
            method.learn(texts, concerns)
        self._names = sorted(set(concerns))

    def scores(self, text: str) -> Scores:
        total = dict.fromkeys(self._names, 0.0)
        for method, weight in self._parts:
            scores = method.scores(text)
            values = [scores.get(name, 0.0) for name in self._names]
            mean = sum(values) / len(values)
            spread = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)) or 1.0
            for name, value in zip(self._names, values, strict=True):
                total[name] += weight * (value - mean) / spread
        return total


def _words(text: str) -> list[str]:
    return [word for word in tokens(re.sub(r"\[[a-z_]+\]", " ", text), {}) if word != STOP]
