"""One pass over the facts of a stretch of days: how often each combination of codes was, and every length there was.

Measured on a million cases: columns joined to texts in SQLite and counted as texts take a quarter of the time that rows
would, and most of it outside Python, which is free for the desk meanwhile.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from handoff.periods import Days
from handoff.reports.counts import Codes, Split

AT_ONCE: Final = timedelta(days=7)
"""Facts of so many days are held at once."""
Tally = Counter[Codes]
"""How often each combination was, as it stands in the table; "" where nothing stands there."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of fact is counted.

    `columns`: what each name is in the table, as a code or a number. `together`: which names are counted together,
    few combinations at a time. `splits`: what is wanted, each within one of `together`; `by_month`: those that are
    wanted for each month too. `lengths`: numbers of which each one is kept, by name. `folded`: one number of all the
    facts, as SQL and as what makes one of several.
    """

    table: str
    columns: Mapping[str, str]
    together: tuple[Split, ...]
    splits: tuple[Split, ...]
    by_month: tuple[Split, ...] = ()
    lengths: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    folded: Mapping[str, tuple[str, Callable[[Iterable[int]], int]]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    only: str = "true"
    """Which facts are counted at all."""

    @property
    def query(self) -> str:
        """No code has a tab or a line end in it."""
        joined = (" || '\t' || ".join(f"ifnull({self.columns[name]}, '')" for name in names) for names in self.together)
        codes = (f"group_concat({text}, '\n')" for text in joined)
        lengths = (f"group_concat({length}, '\n')" for length in self.lengths.values())
        selected = ", ".join(("count(*)", *codes, *lengths, *(sql for sql, _ in self.folded.values())))
        return f"SELECT {selected} FROM {self.table} WHERE {self.only} AND period >= ? AND period < ?"


@dataclass(frozen=True, slots=True)
class Swept:
    total: int
    tallies: Mapping[Split, Tally]
    """By split; those of `Kind.by_month` also with "month" before their names."""
    lengths: Mapping[tuple[str, str], Sequence[int]]
    """By month and name, the shortest first."""
    folded: Mapping[str, int]
    """Without those of which there is nothing."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A few days, or a month."""

    facts: int
    texts: Mapping[Split, Counter[str]]
    lengths: Mapping[str, list[int]]
    folded: Mapping[str, list[int]]


def sweep(conn: sqlite3.Connection, kind: Kind, days: Days) -> Swept:
    """A month at a time: what is told by month needs no counting of its own."""
    total = 0
    tallies: dict[Split, Tally] = {split: Counter() for split in (*kind.splits, *_monthly(kind))}
    lengths: dict[tuple[str, str], list[int]] = {}
    folded: dict[str, list[int]] = {name: [] for name in kind.folded}
    for first, end in months(days):
        month, part = f"{first:%Y-%m}", _month(conn, kind, first, end)
        total += part.facts
        for split, tally in _tallies(kind, part.texts).items():
            tallies[split].update(tally)
            if split in kind.by_month:
                tallies["month", *split].update({(month, *codes): times for codes, times in tally.items()})
        lengths |= {(month, name): sorted(found) for name, found in part.lengths.items() if found}
        for name, found in part.folded.items():
            folded[name] += found
    made_one = {name: kind.folded[name][1](found) for name, found in folded.items() if found}
    return Swept(total, tallies, lengths, made_one)


def by_stretch(conn: sqlite3.Connection, kind: Kind, days: Days, length: int) -> Iterator[tuple[date, Tally]]:
    """So many days at a time, from the first on: the last of them, and how often there was each combination of the
    first of `Kind.together`; without those of which there is no fact."""
    day = days.first
    while day < days.end:
        until = min(day + timedelta(days=length), days.end)
        facts, text, *_ = conn.execute(kind.query, [day.isoformat(), until.isoformat()]).fetchone()
        if facts:
            counted = Counter(text.split("\n"))
            yield until - timedelta(days=1), Counter({tuple(key.split("\t")): times for key, times in counted.items()})
        day = until


def months(days: Days) -> Iterator[tuple[date, date]]:
    """The days of each month a period touches; the second one is not counted."""
    day = days.first
    while day < days.end:
        end = min((day.replace(day=1) + timedelta(days=32)).replace(day=1), days.end)
        yield day, end
        day = end


# --- within ----------------------------------------------------------------------------------------------------------


def _month(conn: sqlite3.Connection, kind: Kind, first: date, end: date) -> _Part:
    texts: dict[Split, Counter[str]] = {names: Counter() for names in kind.together}
    lengths: dict[str, list[int]] = {name: [] for name in kind.lengths}
    folded: dict[str, list[int]] = {name: [] for name in kind.folded}
    facts, query, day = 0, kind.query, first
    while day < end:
        until = min(day + AT_ONCE, end)
        number, *values = conn.execute(query, [day.isoformat(), until.isoformat()]).fetchone()
        day = until
        if not number:
            continue
        facts += number
        found = dict(zip((*kind.together, *kind.lengths, *kind.folded), values, strict=True))
        for names, counter in texts.items():
            counter.update(found[names].split("\n"))
        for name, kept in lengths.items():
            kept += map(int, (found[name] or "").split())
        for name, parts in folded.items():
            parts += [found[name]] if found[name] is not None else []
    return _Part(facts, texts, lengths, folded)


def _tallies(kind: Kind, texts: Mapping[Split, Counter[str]]) -> Mapping[Split, Tally]:
    found: dict[Split, Tally] = {}
    for names, counter in texts.items():
        whole = Counter({tuple(text.split("\t")): times for text, times in counter.items()})
        for split in kind.splits:
            if names == next(each for each in kind.together if {*split} <= {*each}):  # counted once, not in each
                found[split] = whole if split == names else _summed(whole, [names.index(name) for name in split])
    return found


def _summed(whole: Tally, places: list[int]) -> Tally:
    """Only the codes at these places."""
    found: dict[Codes, int] = {}
    for codes, times in whole.items():
        key = tuple([codes[at] for at in places])
        found[key] = found.get(key, 0) + times
    return Counter(found)


def _monthly(kind: Kind) -> tuple[Split, ...]:
    return tuple(("month", *split) for split in kind.by_month)
