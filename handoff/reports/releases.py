"""Reports that were passed on: what a later one must reckon with, and how one is remembered.

A number told is told for good, so a report that is passed on is held against all that were, as far as their days touch
its own, or those of one that does: suppression.py then proves of all of them together that nothing hidden follows.
See docs/decisions/0026-small-numbers.md, also for what this does not do.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Final

from handoff.domain import AdviserId
from handoff.errors import Refused
from handoff.moments import to_ms
from handoff.periods import Days
from handoff.reports.counts import Cell, Counted, Split
from handoff.reports.model import ENOUGH
from handoff.reports.sheets import MONTH, YES, Sheet, all_cells, days_of, ends_of, timeless
from handoff.reports.suppression import NONE, Hidden, ReleasedBefore

Kinds = Mapping[str, Counted]
Recount = Callable[[Days], Kinds]
"""Counts the facts of other days, in the same snapshot."""


class PassedOnMeanwhile(Refused):
    """Another report was passed on a moment ago. Nothing was written. Please look at the report again."""


def last(conn: sqlite3.Connection) -> int:
    """The number of the last report that was passed on; 0 for none."""
    return int(conn.execute("SELECT coalesce(max(number), 0) FROM released").fetchone()[0])


def before(conn: sqlite3.Connection, kinds: Kinds, compared: Kinds, recount: Recount) -> ReleasedBefore:
    """What a report with these counts must reckon with once it is passed on.

    Where its days touch those of earlier ones, all days of both are counted once more, stretch by stretch, as they are
    now: about as much work as the reports themselves.
    """
    told_now = [
        (is_then, kind, each) for is_then, by in ((False, kinds), (True, compared)) for kind, each in by.items()
    ]
    mine = [counted.days for _, _, counted in told_now]
    earlier = _touching(mine, _read(conn))
    if not earlier:
        return NONE
    counts = _counted_between(recount, mine, [old.sheet for old in earlier])
    sheets: dict[str, dict[Sheet, None]] = {}
    believed: dict[tuple[str, Cell, Days], int] = {}
    for old in earlier:
        sheets.setdefault(old.kind, {})[replace(old.sheet, passed_over=old.out_of_date(counts))] = None
        believed = {**{(old.kind, *number): value for number, value in old.by_days()}, **believed}
    withheld = frozenset(
        (kind, is_then, cell)
        for is_then, kind, counted in told_now
        for cell, value in all_cells(counted)
        if 0 < abs(value - believed.get((kind, cell, days_of(cell, counted.days) or counted.days), value)) < ENOUGH
    )
    return ReleasedBefore({kind: tuple(each) for kind, each in sheets.items()}, counts, withheld)


def remember(
    conn: sqlite3.Connection,
    number: int,
    kinds: Kinds,
    compared: Kinds,
    hidden: Hidden,
    by: AdviserId | None,
    now: datetime,
) -> None:
    """Writes what the report tells. `number` is `last(conn) + 1` as it was in the snapshot that `before` read.

    Raises: PassedOnMeanwhile when it is taken.
    """
    if number != last(conn) + 1:
        raise PassedOnMeanwhile
    days = next(iter(kinds.values())).days
    then = next((counted.days for counted in compared.values()), None)
    for is_compared, by_kind in ((False, kinds), (True, compared)):
        for kind, counted in by_kind.items():
            conn.executemany(_SPLIT, [(number, *row) for row in _splits(kind, is_compared, counted, hidden)])
            conn.executemany(_CELL, [(number, *row) for row in _cells(kind, is_compared, counted, hidden)])
    then_days = (None, None) if then is None else (then.first.isoformat(), then.end.isoformat())
    conn.execute(
        "INSERT INTO released VALUES (?, ?, ?, ?, ?, ?, ?)",
        [number, days.first.isoformat(), days.end.isoformat(), *then_days, by, to_ms(now)],
    )


# --- what was told before --------------------------------------------------------------------------------------------

_SPLITS: Final = "SELECT release, first, end, kind, split FROM released_split ORDER BY release DESC, first, kind, split"
_CELLS: Final = "SELECT release, kind, split, codes, first, end, value FROM released_cell"


@dataclass(frozen=True, slots=True)
class _Old:
    """One kind in one period of a report that was passed on; `told` is what is not 0 and not hidden."""

    kind: str
    sheet: Sheet
    told: Mapping[Cell, int]

    def by_days(self) -> Iterator[tuple[tuple[Cell, Days], int]]:
        return (((cell, days_of(cell, self.sheet.days) or self.sheet.days), value) for cell, value in self.told.items())

    def out_of_date(self, counts: Mapping[Days, Kinds]) -> frozenset[Cell]:
        """What has changed since it was told: cases that ended late."""
        now: dict[Cell, int] = dict.fromkeys(self.told, 0)
        for days, kinds in counts.items():
            if _share(days, self.sheet.days):
                for cell, value in self._cells_of(days, kinds[self.kind]):
                    now[cell] = now.get(cell, 0) + value
        told = self.told
        hidden = self.sheet.hidden or frozenset()
        return frozenset(cell for cell, value in now.items() if cell not in hidden and value != told.get(cell, 0))

    def _cells_of(self, days: Days, counted: Counted) -> Iterator[tuple[Cell, int]]:
        """The same numbers, under the names they have in this sheet: of the whole period, and of the month."""
        whole = [(cell, value) for cell, value in all_cells(counted) if MONTH not in cell.split]
        for cell, value in whole:
            if cell.split in self.sheet.splits:
                yield cell, value
        for split in self.sheet.splits:
            if MONTH in split:
                at, month = split.index(MONTH), f"{days.first:%Y-%m}"
                for cell, value in whole:
                    if cell.split == timeless(split):
                        yield Cell(split, (*cell.codes[:at], month, *cell.codes[at:])), value


def _read(conn: sqlite3.Connection) -> list[_Old]:
    """The newest first."""
    splits: dict[tuple[int, Days, str], set[Split]] = {}
    for release, first, end, kind, names in conn.execute(_SPLITS):
        splits.setdefault((release, _days(first, end), kind), set()).add(_list(names))
    cells: dict[tuple[int, str], list[tuple[Cell, Days, int | None]]] = {}
    for release, kind, names, codes, first, end, value in conn.execute(_CELLS):
        cells.setdefault((release, kind), []).append((Cell(_list(names), _list(codes)), _days(first, end), value))
    return [
        _old(kind, days, frozenset(names), cells.get((release, kind), []))
        for (release, days, kind), names in splits.items()
    ]


def _old(kind: str, days: Days, names: frozenset[Split], cells: list[tuple[Cell, Days, int | None]]) -> _Old:
    mine = [(cell, value) for cell, of, value in cells if days_of(cell, days) == of and cell.split in names]
    hidden = frozenset(cell for cell, value in mine if value is None)
    return _Old(kind, Sheet(days, names, hidden), {cell: value for cell, value in mine if value is not None})


def _touching(mine: list[Days], all_old: list[_Old]) -> list[_Old]:
    """Those that share days with the new report, or with one that does, and so on."""
    spans, found = list(mine), list[_Old]()
    rest = all_old
    while True:
        more = [old for old in rest if any(_share(old.sheet.days, span) for span in spans)]
        if not more:
            return [old for old in all_old if old in found]
        rest = [old for old in rest if old not in more]
        found += more
        spans += [old.sheet.days for old in more]


def _share(one: Days, other: Days) -> bool:
    return one.first < other.end and other.first < one.end


def _counted_between(recount: Recount, mine: list[Days], sheets: list[Sheet]) -> Mapping[Days, Kinds]:
    """Every stretch of the periods between two days on which one of them, or a month of one, begins or ends."""
    spans = [*mine, *(sheet.days for sheet in sheets)]
    _, ends = ends_of([*sheets, *(Sheet(days, frozenset({(MONTH,)})) for days in mine)])
    pieces = (Days(first, end) for first, end in pairwise(ends))
    return {piece: recount(piece) for piece in pieces if any(_share(piece, span) for span in spans)}


def _days(first: str, end: str) -> Days:
    return Days(date.fromisoformat(first), date.fromisoformat(end))


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


# --- what is told now ------------------------------------------------------------------------------------------------

_SPLIT: Final = "INSERT INTO released_split VALUES (?, ?, ?, ?, ?)"
_CELL: Final = "INSERT INTO released_cell VALUES (?, ?, ?, ?, ?, ?, ?)"


def _splits(kind: str, is_compared: bool, counted: Counted, hidden: Hidden) -> Iterator[tuple[str, ...]]:
    days = (counted.days.first.isoformat(), counted.days.end.isoformat())
    for split in (*counted.splits, *((YES, name) for name in counted.yes)):
        if (kind, is_compared, split) not in hidden.left_out:
            yield kind, ",".join(split), *days


def _cells(
    kind: str, is_compared: bool, counted: Counted, hidden: Hidden
) -> Iterator[tuple[str, str, str, str, str, int | None]]:
    for cell, value in all_cells(counted):
        days = days_of(cell, counted.days)
        if days is not None and value and (kind, is_compared, cell.split) not in hidden.left_out:
            told = None if (kind, is_compared, cell) in hidden else value
            yield kind, ",".join(cell.split), ",".join(cell.codes), days.first.isoformat(), days.end.isoformat(), told
