"""Learns from labelled examples how much each feature speaks for each label: counting first, then passes that mend.

A linear model. It begins with the centre of each label's examples (TF-IDF; Rocchio 1971). Then every example that lies
less than MARGIN nearer to its own label than to the best other one moves both a little (passive-aggressive, Crammer et
al. 2006, jmlr.org/papers/v7/crammer06a.html), and the mean over all steps is kept (Freund and Schapire 1999). No chance
is in it: the same examples give the same weights.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PASSES = 2
MARGIN = 0.2
RATE = 0.5
"""How far a step goes towards the margin. These three are from cross-validation (docs/decisions/0015-triage.md)."""

Row = list[float]
"""A number for each label: what one feature adds to each one's score, before the text's length is divided out."""


@dataclass(frozen=True, slots=True)
class Example:
    label: int
    features: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Part:
    """A feature's share of a row that it has in common with others."""

    row: Row
    share: float


@dataclass(frozen=True, slots=True)
class _Taught:
    """An example with the rows it reads and moves, and the square of each one's rarity; `unit` is 1 / its length."""

    label: int
    unit: float
    rows: Sequence[Row]
    squares: Sequence[float]

    def scores(self) -> Row:
        return list(map(sum, zip(*self.rows, strict=True)))

    def move(self, label: int, step: float) -> None:
        for row, square in zip(self.rows, self.squares, strict=True):
            row[label] += step * square


class Weights:
    """What was learned. Made once, then without change."""

    def __init__(self, examples: Sequence[Example], labels: int) -> None:
        self._labels = labels
        self._unseen = _square(len(examples), 0)
        having: dict[str, list[int]] = defaultdict(list)
        for place, example in enumerate(examples):
            for feature in example.features:
                having[feature].append(place)
        self._squares = {feature: _square(len(examples), len(places)) for feature, places in having.items()}
        self._rows, taught = self._taught(examples, _always_together(having))
        _begin(taught, labels)
        _mend(_in_turn(taught))

    def scores(self, features: Sequence[str]) -> Row:
        """About the cosine of a text with each label's examples: what no example has counts for the length."""
        length = self.length(features)
        rows = [row for feature in features if (row := self.row(feature))]
        return [sum(column) / length for column in zip(*rows, strict=True)] if rows else [0.0] * self._labels

    def length(self, features: Sequence[str]) -> float:
        """What the rows of these features, added up, are divided by."""
        return math.sqrt(sum(self._squares.get(feature, self._unseen) for feature in features)) or 1.0

    def row(self, feature: str) -> Row | None:
        """What this feature adds to each label's score, or None when no example has it."""
        found = self._rows.get(feature)
        return [found.share * weight for weight in found.row] if found else None

    def _taught(
        self, examples: Sequence[Example], groups: Mapping[tuple[int, ...], Sequence[str]]
    ) -> tuple[dict[str, _Part], list[_Taught]]:
        """A row for each group of features, and each example with the rows of its groups."""
        parts: dict[str, _Part] = {}
        rows: list[list[Row]] = [[] for _ in examples]
        squares: list[list[float]] = [[] for _ in examples]
        for places, features in groups.items():
            row, square = [0.0] * self._labels, sum(self._squares[feature] for feature in features)
            parts |= {feature: _Part(row, self._squares[feature] / square) for feature in features}
            for place in places:
                rows[place].append(row)
                squares[place].append(square)
        taught = [
            _Taught(example.label, 1 / math.sqrt(sum(own)), moved, own)
            for example, moved, own in zip(examples, rows, squares, strict=True)
            if own
        ]
        return parts, taught


def _always_together(having: Mapping[str, Sequence[int]]) -> Mapping[tuple[int, ...], Sequence[str]]:
    """Features by the examples that have them: those of the same examples move together, so one row does for all."""
    groups: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for feature, places in having.items():
        groups[tuple(places)].append(feature)
    return groups


def _square(examples: int, having: int) -> float:
    """The square of a feature's rarity: the fewer examples have it, the more it tells."""
    return float((math.log((1 + examples) / (1 + having)) + 1) ** 2)


def _begin(taught: Sequence[_Taught], labels: int) -> None:
    """Every label's weights become the sum of its examples, made one long."""
    for one in taught:
        one.move(one.label, one.unit)
    square_of = {id(row): square for one in taught for row, square in zip(one.rows, one.squares, strict=True)}
    rows = {id(row): row for one in taught for row in one.rows}
    lengths = [0.0] * labels
    for key, row in rows.items():
        lengths = [length + weight * weight / square_of[key] for length, weight in zip(lengths, row, strict=True)]
    units = [1 / math.sqrt(length) if length else 0.0 for length in lengths]
    for row in rows.values():
        row[:] = [weight and weight * unit for weight, unit in zip(row, units, strict=True)]  # keeps the one 0.0


def _mend(taught: Sequence[_Taught]) -> None:
    """The passes; then all that was moved late is taken back in part, which leaves the mean over all steps."""
    steps: list[tuple[_Taught, int, float]] = []
    for at in range(PASSES * len(taught)):
        one = taught[at % len(taught)]
        scores = one.scores()
        own, scores[one.label] = scores[one.label], -math.inf
        best = max(scores)
        short = MARGIN - (own - best) * one.unit
        if short > 0:
            other, step = scores.index(best), RATE * short * one.unit
            one.move(one.label, step)
            one.move(other, -step)
            steps.append((one, other, step * at / (PASSES * len(taught))))
    for one, other, late in steps:
        one.move(one.label, -late)
        one.move(other, late)


def _in_turn(taught: Sequence[_Taught]) -> list[_Taught]:
    """The first example of each label, then the second of each, so that no label has the last word."""
    seen: Counter[int] = Counter()
    turns = []
    for place, one in enumerate(taught):
        turns.append((seen[one.label], one.label, place))
        seen[one.label] += 1
    return [taught[place] for _, _, place in sorted(turns)]
