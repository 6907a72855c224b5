"""Somebody who has only what reports tell, and tries to find out what they do not tell. Shares no code with them.

Knows: the lists of codes; that all numbers are whole and not negative; that what is hidden is at least 1; that parts
add up to their total and days to their period. Reckons with exact fractions, then narrows whole numbers down.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import combinations, pairwise, product
from math import ceil, floor

Span = tuple[date, date]
Series = tuple[tuple[str, ...], tuple[str, ...]]
"""Names in order, and a code for each."""
Row = dict[object, Fraction]
"""How often each unknown is in a sum; under "" the negative of the sum."""
NO_END = 10**6


@dataclass
class Paper:
    """What was published: numbers, None where one is hidden. What is not in it was not printed at all."""

    numbers: dict[tuple[Series, Span], int | None] = field(default_factory=dict)

    def put(self, names: tuple[str, ...], codes: tuple[str, ...], span: Span, value: int | None) -> None:
        pairs = sorted(zip(names, codes, strict=True))
        self.numbers[(tuple(n for n, _ in pairs), tuple(c for _, c in pairs)), span] = value


class Attacker:
    """Reads what was published; then ask it what any numbers are together."""

    def __init__(self, codes: Mapping[str, Collection[str]], papers: Iterable[Paper]) -> None:
        self.codes = codes
        self.published = [number for paper in papers for number in paper.numbers.items()]
        days = sorted({day for (_, span), _ in self.published for day in span})
        self.stretches = list(pairwise(days))
        self.rows: dict[object, Row] = {}
        self.low: dict[object, int] = {}
        self.high: dict[object, int] = {}
        self._nothing: set[object] = set()
        self._learn()

    def sum_of(self, numbers: Iterable[tuple[Series, Span]]) -> int | None:
        """What these are together, if it can be nothing else."""
        row: Row = {}
        for series, span in numbers:
            for unknown in self._unknowns(series, span):
                row[unknown] = row.get(unknown, Fraction(0)) + 1
        left = self._reduced(row)
        known = left.pop("", Fraction(0))
        return None if left else int(known)

    def same(self, one: Series, *others: Series) -> None:
        """Whoever knows the desk knows that these are together the same cases as that one."""
        for stretch in self.stretches:
            row = {unknown: Fraction(1) for other in others for unknown in self._unknowns(other, stretch)}
            for unknown in self._unknowns(one, stretch):
                row[unknown] = row.get(unknown, Fraction(0)) - 1
            self._take(row)
        self._narrow()

    def spans(self) -> Iterator[Span]:
        yield from combinations(sorted({day for stretch in self.stretches for day in stretch}), 2)

    # --- within

    def _unknowns(self, series: Series, span: Span) -> list[object]:
        return [
            (series, stretch)
            for stretch in self.stretches
            if span[0] <= stretch[0] and stretch[1] <= span[1] and (series, stretch) not in self._nothing
        ]

    def _names(self) -> set[tuple[str, ...]]:
        found = {series[0] for (series, _), _ in self.published} | {()}
        while True:
            more = {tuple(sorted(set(one) & set(other))) for one in found for other in found} - found
            if not more:
                return found
            found |= more

    def _learn(self) -> None:
        names = self._names()
        for (series, span), value in self.published:
            if value == 0:
                self._nothing.update(self._finer(series, span, names))
        for (series, span), value in self.published:
            if value:
                self._equal(self._unknowns(series, span), value)
        for coarse, fine in product(names, names):
            if set(coarse) < set(fine):
                self._add_up(coarse, fine)
        self._narrow()

    def _finer(self, series: Series, span: Span, names: set[tuple[str, ...]]) -> Iterator[object]:
        """Where there is nothing there is nothing of any part."""
        fixed = dict(zip(*series, strict=True))
        for each in names:
            if set(series[0]) <= set(each):
                for codes in product(*((fixed[n],) if n in fixed else self.codes[n] for n in each)):
                    yield from self._unknowns((each, codes), span)

    def _add_up(self, coarse: tuple[str, ...], fine: tuple[str, ...]) -> None:
        for codes in product(*(self.codes[name] for name in coarse)):
            fixed = dict(zip(coarse, codes, strict=True))
            for stretch in self.stretches:
                parts = [
                    unknown
                    for each in product(*((fixed[n],) if n in fixed else self.codes[n] for n in fine))
                    for unknown in self._unknowns((fine, each), stretch)
                ]
                row = dict.fromkeys(parts, Fraction(1))
                for unknown in self._unknowns((coarse, codes), stretch):
                    row[unknown] = Fraction(-1)
                self._take(row)

    def _equal(self, unknowns: list[object], value: int) -> None:
        self._take({**dict.fromkeys(unknowns, Fraction(1)), "": Fraction(-value)})

    def _take(self, row: Row) -> None:
        left = self._reduced(row)
        pivot = next((unknown for unknown in left if unknown != ""), None)
        if pivot is None:
            return
        new = {unknown: amount / left[pivot] for unknown, amount in left.items()}
        for at, old in self.rows.items():
            if pivot in old:
                self.rows[at] = _minus(old, new, old[pivot])
        self.rows[pivot] = new

    def _reduced(self, row: Row) -> Row:
        left = dict(row)
        for unknown in [each for each in row if each in self.rows]:
            if unknown in left:
                left = _minus(left, self.rows[unknown], left[unknown])
        return left

    def _narrow(self) -> None:
        """Bounds of whole numbers, from sum to sum, until nothing more follows; what is pinned is known."""
        hidden = [self._unknowns(series, span) for (series, span), value in self.published if value is None]
        for at, unknowns in enumerate(hidden):
            self._take({**dict.fromkeys(unknowns, Fraction(1)), ("hidden", at): Fraction(-1)})
            self.low["hidden", at] = 1
        given = [*self.rows.values(), *self._as_published(hidden)]
        for _ in range(60):
            if not sum(self._tighten(row) for row in [*given, *self.rows.values()]):
                break
        for unknown, low in list(self.low.items()):
            if self.high.get(unknown, NO_END) == low:
                self._equal([unknown], low)

    def _as_published(self, hidden: list[list[object]]) -> Iterator[Row]:
        for (series, span), value in self.published:
            if value:
                yield {**dict.fromkeys(self._unknowns(series, span), Fraction(1)), "": Fraction(-value)}
        for at, unknowns in enumerate(hidden):
            yield {**dict.fromkeys(unknowns, Fraction(1)), ("hidden", at): Fraction(-1)}

    def _tighten(self, row: Row) -> bool:
        """sum of a*x + c = 0, so each x is what the others at their least and most leave."""
        constant = row.get("", Fraction(0))
        ends = {each: self._ends(each, amount) for each, amount in row.items() if each != ""}
        least, most = sum(low for low, _ in ends.values()), sum(high for _, high in ends.values())
        changed = False
        for unknown, amount in row.items():
            if unknown == "":
                continue
            low, high = ends[unknown]
            one, other = (-constant - (most - high)) / amount, (-constant - (least - low)) / amount
            changed |= self._between(unknown, ceil(min(one, other)), floor(max(one, other)))
        return changed

    def _ends(self, unknown: object, amount: Fraction) -> tuple[Fraction, Fraction]:
        ends = amount * self.low.get(unknown, 0), amount * self.high.get(unknown, NO_END)
        return min(ends), max(ends)

    def _between(self, unknown: object, low: int, high: int) -> bool:
        before = self.low.get(unknown, 0), self.high.get(unknown, NO_END)
        after = max(before[0], low), min(before[1], high)
        self.low[unknown], self.high[unknown] = after
        return after != before


def _minus(row: Row, other: Row, times: Fraction) -> Row:
    left = dict(row)
    for unknown, amount in other.items():
        rest = left.get(unknown, Fraction(0)) - times * amount
        if rest:
            left[unknown] = rest
        else:
            left.pop(unknown, None)
    return left
