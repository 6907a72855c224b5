"""The numbers of a report as they may be told, and the tables that are made alike."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from handoff.reports import wording
from handoff.reports.arithmetic import change, number, shares, total, without
from handoff.reports.carried import Carried
from handoff.reports.counting import Facts, Lengths
from handoff.reports.counts import UNSAID, Cell, Split
from handoff.reports.measures import MOST_OF_TEN, Spread, spread
from handoff.reports.model import ENOUGH, HIDDEN, Basis, Column, Row, Table, Unit, Value
from handoff.reports.suppression import Hidden, yes_cell

SHARE: Final = Column("share", "Share", Unit.PERCENT)
CHANGE: Final = Column("change", "Change", Unit.CHANGE)
NOUNS: Final[Mapping[str, str]] = {"cases": "Cases", "contacts": "Contacts", "takedowns": "Reports"}
"""What each kind is called at the head of a column."""
COUNTED: Final[Mapping[str, str]] = {"cases": "cases", "contacts": "contacts", "takedowns": "reports to platforms"}


@dataclass(frozen=True, slots=True)
class Telling:
    """What was counted of both periods, and what of it is not told."""

    now: Facts
    then: Facts | None
    hidden: Hidden
    carried: Carried
    before: str
    """What the compared period is called in a sentence: "the year before"."""
    column: str
    """And at the head of a column."""
    addresses: bool = True
    """Whether sums of addresses may be told: between two reports they say how many a few days had."""

    def n(self, kind: str, split: Split = (), *codes: str, then: bool = False) -> Value:
        """How many have these codes; `then`: in the compared period. None when there is none to compare with."""
        facts = self.then if then else self.now
        if facts is None:
            return None
        cell = Cell(split, codes)
        return HIDDEN if (kind, then, cell) in self.hidden else facts.kinds[kind].of(split, *codes)

    def yes(self, kind: str, name: str, *codes: str, then: bool = False) -> Value:
        """In how many something holds that holds in others too."""
        facts = self.then if then else self.now
        if facts is None:
            return None
        cell = yes_cell(name, *codes)
        if (kind, then, cell) in self.hidden:
            return HIDDEN
        return facts.kinds[kind].yes.get(name, {}).get(codes, 0)

    def codes(self, kind: str, name: str) -> tuple[str, ...]:
        """Every code of either period, without UNSAID."""
        found = {codes[0] for facts in self._both for codes in facts.kinds[kind].splits.get((name,), {})}
        return tuple(sorted(found - {UNSAID}))

    def named(self, kind: str, name: str) -> tuple[str, ...]:
        """Every single code of what others may share."""
        found = {codes[0] for facts in self._both for codes in facts.kinds[kind].yes.get(name, {}) if len(codes) == 1}
        return tuple(sorted(found))

    def told(self, kind: str, name: str) -> tuple[Value, Value]:
        """Of how many the code is known, and of how many there are: the coverage."""
        return without(self.n(kind), self.n(kind, (name,), UNSAID)), self.n(kind)

    @property
    def _both(self) -> tuple[Facts, ...]:
        return (self.now,) if self.then is None else (self.now, self.then)


@dataclass(frozen=True, slots=True)
class Asked:
    """One table of a kind by one name. `order`: the codes it always has, in this order; else those found, the most
    frequent first. `unsaid`: what a missing code means here."""

    kind: str
    name: str
    id: str
    title: str
    rows_are: str
    label: Callable[[str], str]
    order: tuple[str, ...] = ()
    unsaid: str = "Not known"
    taxonomy: int | None = None
    notes: tuple[str, ...] = field(default=())


def by_one(telling: Telling, asked: Asked) -> Table:
    """Number, share, and the compared period beside them; the shares add up to 100.0."""
    split = (asked.name,)
    codes = [*(asked.order or telling.codes(asked.kind, asked.name)), UNSAID]
    found = [
        (code, telling.n(asked.kind, split, code), telling.n(asked.kind, split, code, then=True)) for code in codes
    ]
    labels = {code: asked.unsaid if code == UNSAID else asked.label(code) for code in codes}
    if not asked.order:
        found = [*ranked(found[:-1], labels), found[-1]]
    if found[-1][1] == 0 and found[-1][2] in {0, None}:
        found.pop()
    n, of = telling.told(asked.kind, asked.name)
    return Table(
        asked.id,
        asked.title,
        asked.rows_are,
        columns(telling, asked.kind),
        rows(telling, found, labels, of),
        Basis(COUNTED[asked.kind], n, of, asked.taxonomy),
        total_row(telling, asked.kind),
        asked.notes,
    )


def answers(telling: Telling, asked: Asked, of_what: str, said: Mapping[str, str]) -> str:
    """The sentence about a table's answers; `said`: what is said of some of them. `of_what`: whom they are of."""
    n, _ = telling.told(asked.kind, asked.name)
    read = [(telling.n(asked.kind, (asked.name,), code), said.get(code, "")) for code in asked.order]
    return wording.of_those(n, of_what, read)


def columns(telling: Telling, kind: str) -> tuple[Column, ...]:
    first = (Column("n", NOUNS[kind], Unit.COUNT), SHARE)
    return first if telling.then is None else (*first, Column("before", telling.column, Unit.COUNT), CHANGE)


def rows(
    telling: Telling, found: Sequence[tuple[str, Value, Value]], labels: Mapping[str, str], of: Value
) -> tuple[Row, ...]:
    of_all = shares([now for _, now, _ in found], of)
    return tuple(
        row(telling, code, labels[code], now, share, then)
        for (code, now, then), share in zip(found, of_all, strict=True)
    )


def row(telling: Telling, code: str, label: str, now: Value, share: Value, then: Value) -> Row:
    values = (now, share) if telling.then is None else (now, share, then, change(now, then))
    return Row(code, label, values)


def total_row(telling: Telling, kind: str) -> Row:
    now, then = telling.n(kind), telling.n(kind, then=True)
    share = HIDDEN if now is HIDDEN else (100.0 if now else None)
    return row(telling, "total", f"All {COUNTED[kind]}", now, share, then)


def ranked(found: Iterable[tuple[str, Value, Value]], labels: Mapping[str, str]) -> list[tuple[str, Value, Value]]:
    """The most first; what is hidden comes last, in the order of its name, so that its place gives nothing away."""

    def place(each: tuple[str, Value, Value]) -> tuple[bool, int, str]:
        told = number(each[1])
        return told is None, -(told or 0), labels[each[0]].casefold()

    return sorted(found, key=place)


def lengths(n: Value, times: Lengths) -> Spread | Value:
    """Median and long wait of `n` lengths; HIDDEN for fewer than ENOUGH, None for none."""
    told = number(n)
    if told is None or 0 < told < ENOUGH:
        return HIDDEN
    return spread(times)


def middle_and_most(n: Value, times: Lengths) -> tuple[Value, Value]:
    """Of fewer than ten the long wait would be the longest: one person's."""
    found = lengths(n, times)
    if isinstance(found, Spread):
        return found.middle, found.most if found.n > MOST_OF_TEN else HIDDEN
    return found, found


def answered(telling: Telling, split: Split, *codes: str) -> Value:
    """Cases that were answered, in time or late; `split` ends with how it was answered."""
    return total(*(telling.n("cases", split, *codes, how) for how in ("in_time", "late")))
