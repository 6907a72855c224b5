"""What reports tell, and what adds up to what in them: over codes, over days, and over several reports."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from handoff.periods import Days
from handoff.reports.counts import TOTAL, UNSAID, Cell, Codes, Counted, Split
from handoff.reports.exchanges import Exchange, Place, Sums
from handoff.reports.model import ENOUGH

YES: Final = "yes"
"""Begins the split of a `yes` count's cell, see `yes_cell`."""
INVOLVES: Final = "involves"
"""The `yes` whose codes hold a split's: a case whose one concern is this involves it (PRIMARY)."""
PRIMARY: Final = "concern"
PAIR: Final = "pair"
"""The `yes` whose two codes are both among those of INVOLVES."""
LEFT: Final = ("outcome", "left")
GIVEN_BACK: Final = ("outcome", "given_back")
SAME: Final = (
    (("answer", "left"), (LEFT,)),
    *((each, whole) for each in (("route", UNSAID), ("setting", UNSAID)) for whole in ((LEFT,), (LEFT, GIVEN_BACK))),
)
"""What the same cases have, as whoever knows the desk knows: who is gone before an answer is wrapped up by nobody, and
of who is given back to the bot nothing need be noted. Where the numbers agree, one that is told tells the other."""
MONTH: Final = "month"
"""A name whose codes are stretches of time: a cell that has it is the same cell without it, in fewer days."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one report tells of one kind in one period. `hidden`: None while it is not decided."""

    days: Days
    splits: frozenset[Split]
    """Of each of them every number is told or hidden; those of a `yes` are there as (YES, its name)."""
    hidden: frozenset[Cell] | None = None
    passed_over: frozenset[Cell] = frozenset()
    """Not to be reckoned with: what was told of it once is no longer so."""


@dataclass(slots=True)
class Table:
    """All numbers of one kind, told or not; those that must be `kept` from a reader, and the proofs that they are."""

    sums: Sums = field(default_factory=Sums)
    told_as: dict[Place, list[tuple[int, Cell]]] = field(default_factory=dict)
    """Those of sheets that are not decided: which sheet, which cell. The others follow, or were told or hidden once."""
    kept: set[Place] = field(default_factory=set)
    hidden: set[Place] = field(default_factory=set)
    proofs: list[Exchange] = field(default_factory=list)
    proofs_of: dict[Place, list[int]] = field(default_factory=dict)

    def hide(self, place: Place) -> None:
        self.hidden.add(place)
        self.sums.price[place] = 0


def yes_cell(name: str, *codes: str) -> Cell:
    """The cell of `Counted.yes[name][codes]`."""
    return Cell((YES, name), codes)


def all_cells(counted: Counted) -> Iterator[tuple[Cell, int]]:
    for split, counts in counted.splits.items():
        for codes, value in counts.items():
            yield Cell(split, codes), value
    for name, counts in counted.yes.items():
        for codes, value in counts.items():
            yield yes_cell(name, *codes), value


def timeless(split: Split) -> Split:
    return tuple(name for name in split if name != MONTH)


def days_of(cell: Cell, days: Days) -> Days | None:
    """Of a month only the days that are in the period; None for a month it does not touch."""
    if MONTH not in cell.split:
        return days
    first = date.fromisoformat(cell.codes[cell.split.index(MONTH)] + "-01")
    begins, ends = max(first, days.first), min((first + timedelta(days=32)).replace(day=1), days.end)
    return Days(begins, ends) if begins < ends else None


def ends_of(sheets: Iterable[Sheet]) -> tuple[list[date], list[date]]:
    """The days on which periods begin or end; and with those on which months do, of which something is told."""
    whole, monthly = set[date](), set[date]()
    for sheet in sheets:
        whole |= {sheet.days.first, sheet.days.end}
        if any(MONTH in split for split in sheet.splits):
            monthly |= {date.fromisoformat(f"{month}-01") for month in sheet.days.months()[1:]}
    return sorted(whole), sorted(whole | monthly)


def table(sheets: Collection[Sheet], coarse: Mapping[Days, Counted], fine: Mapping[Days, Counted]) -> Table:
    """`coarse` counts every stretch between two ends of periods, `fine` between two ends of months or periods, by what
    is told by month.

    Raises: ValueError when the counts of a split do not add up to those of a split with a name less.
    """
    made = Table()
    names = _closed({frozenset(timeless(split)) for sheet in sheets for split in sheet.splits if split[:1] != (YES,)})
    by_month = {frozenset(timeless(split)) for sheet in sheets for split in sheet.splits if MONTH in split}
    months = _closed(by_month) if by_month else []
    sets = {split[1] for sheet in sheets for split in sheet.splits if split[:1] == (YES,)}
    large = {days: _stretch(made, names, sets, counted) for days, counted in coarse.items()}
    small = {days: _stretch(made, months, set(), counted) for days, counted in fine.items()} if by_month else {}
    for days, stretch in large.items():
        within = [inside for part, inside in small.items() if days.first <= part.first < days.end]
        for key, place in stretch.items():
            if not key[0] and _names(key) in months:
                made.sums.add_up(place, [each[key] for each in within if key in each])
    for at, sheet in enumerate(sheets):
        _put(made, at, sheet, large, monthly=False)
        _put(made, at, sheet, small, monthly=True)
    for stretches in (large, small):
        _keep_small_spans(made, stretches)
    return made


# --- within ----------------------------------------------------------------------------------------------------------

_Names = frozenset[str]
_Key = tuple[Split, frozenset[tuple[str, str]], Codes]
"""A cell whatever the order of its names; or the split of a `yes` and its codes."""
_Stretch = Mapping[_Key, Place]
_PRICES: Final = ((2, 1_000, 999), (1, 100_000, 9_999), (0, 10_000_000, 0))
"""Names of a split, what hiding one of its cells costs, and at most how much more for its size: few are hidden rather
than many, details rather than margins, and of those the smallest: its readers lose least. The total comes last."""


def _names(key: _Key) -> _Names:
    return frozenset(name for name, _ in key[1])


def _key(cell: Cell) -> _Key:
    if cell.split[:1] == (YES,):
        return cell.split, frozenset(), cell.codes
    pairs = zip(cell.split, cell.codes, strict=True)
    return (), frozenset(pair for pair in pairs if pair[0] != MONTH), ()


def _closed(splits: Iterable[_Names]) -> list[_Names]:
    """With what two of them have in common: two splits give that away, told or not."""
    found = {frozenset[str](), *splits}
    fresh = found
    while fresh:
        fresh = {one & other for one in found for other in fresh} - found
        found = found | fresh
    return sorted(found, key=lambda names: (len(names), sorted(names)))


def _stretch(made: Table, splits: list[_Names], sets: Collection[str], counted: Counted) -> _Stretch:
    """Every number there is of a stretch of days, and its sums. None of them is told as such."""
    places: dict[_Key, Place] = {}
    by_names: dict[_Names, dict[_Key, Place]] = {}
    for names in splits:
        by_names[names] = {key: _follows(made, value) for key, value in _values(names, counted)}
        places |= by_names[names]
        within = [other for other in splits if other < names]
        for other in within:
            if not any(other < between for between in within):
                _add_up(made, by_names[other], by_names[names], other)
    _are_the_same(made, places)
    return {**places, **_yes(made, {name: counted.yes[name] for name in sets if name in counted.yes}, places)}


def _are_the_same(made: Table, places: _Stretch) -> None:
    for one, others in SAME:
        whole, *parts = (places.get(((), frozenset({each}), ())) for each in (one, *others))
        found = [part for part in parts if part is not None]
        if whole is None or len(found) < len(parts):
            continue
        if made.sums.value[whole] == sum(made.sums.value[part] for part in found):
            made.sums.add_up(whole, found)


def _values(names: _Names, counted: Counted) -> list[tuple[_Key, int]]:
    splits = sorted(
        (split for split in counted.splits if names <= frozenset(split)), key=lambda each: (len(each), each)
    )
    values: dict[_Key, int] = {}
    for codes, value in (counted.splits[splits[0]] if splits else {}).items():
        kept = ((name, code) for name, code in zip(splits[0], codes, strict=True) if name in names)
        key: _Key = ((), frozenset(kept), ())
        values[key] = values.get(key, 0) + value
    return sorted(((key, value) for key, value in values.items() if value), key=lambda each: sorted(each[0][1]))


def _follows(made: Table, value: int) -> Place:
    place = made.sums.number(value, 0, None, 0)
    if 0 < value < ENOUGH:
        made.kept.add(place)
    return place


def _add_up(made: Table, totals: Mapping[_Key, Place], parts: Mapping[_Key, Place], names: _Names) -> None:
    of: dict[_Key, list[Place]] = {key: [] for key in totals}
    for key, place in parts.items():
        total: _Key = ((), frozenset(pair for pair in key[1] if pair[0] in names), ())
        if total not in of:
            raise ValueError("The parts of a total do not add up to it.")
        of[total].append(place)
    for key, place in totals.items():
        made.sums.add_up(place, of[key])


def _yes(made: Table, yes: Mapping[str, Mapping[Codes, int]], places: _Stretch) -> _Stretch:
    """Of every set what is outside it; of what is involved what is not the primary; of a pair what only one holds, and
    what neither holds."""
    sets: dict[_Key, Place] = {}
    outside: dict[_Key, Place] = {}
    for name, counts in sorted(yes.items()):
        for codes, value in sorted(counts.items()):
            if value:
                key = _key(yes_cell(name, *codes))
                sets[key] = _follows(made, value)
                outside[key] = _rest(made, places[_key(TOTAL)], sets[key])
    for key, whole in list(sets.items()):
        primary = places.get(_key(Cell((PRIMARY,), key[2]))) if key[0] == (YES, INVOLVES) else None
        if primary is not None:
            _rest(made, whole, primary)
        if key[0] == (YES, PAIR):
            one, other = (_key(yes_cell(INVOLVES, code)) for code in key[2])
            if one in sets and other in sets:
                _rest(made, sets[one], whole)
                _rest(made, outside[one], _rest(made, sets[other], whole))
    return sets


def _rest(made: Table, whole: Place, part: Place) -> Place:
    """What is in the whole and not in the part: in no report, and known from both."""
    rest = _follows(made, made.sums.value[whole] - made.sums.value[part])
    made.sums.add_up(whole, [part, rest])
    return rest


def _put(made: Table, at: int, sheet: Sheet, stretches: Mapping[Days, _Stretch], *, monthly: bool) -> None:
    """The numbers a sheet tells, or hides: each is the sum of what there was in the stretches of its days."""
    for cell, days in _told_of(sheet, stretches, monthly):
        key = _key(cell)
        parts = [each[key] for span, each in stretches.items() if days.first <= span.first < days.end and key in each]
        if parts and cell not in sheet.passed_over:
            place = parts[0] if len(parts) == 1 else _sum(made, parts)
            made.sums.low[place] = max(1, made.sums.low[place])
            if sheet.hidden is None:
                _offer(made, place, at, cell)
            elif cell in sheet.hidden:
                made.kept.add(place)
            else:
                made.sums.low[place] = made.sums.high[place] = made.sums.value[place]


def _offer(made: Table, place: Place, at: int, cell: Cell) -> None:
    """It will be told unless it is hidden."""
    value = made.sums.value[place]
    base, most = next((base, most) for least, base, most in _PRICES if len(cell.split) >= least)
    made.sums.price[place] = base + min(value, most)
    made.told_as.setdefault(place, []).append((at, cell))
    if value < ENOUGH:
        made.kept.add(place)


def _sum(made: Table, parts: list[Place]) -> Place:
    place = made.sums.number(sum(made.sums.value[part] for part in parts), 0, None, 0)
    made.sums.add_up(place, parts)
    return place


def _told_of(sheet: Sheet, stretches: Mapping[Days, _Stretch], monthly: bool) -> Iterator[tuple[Cell, Days]]:
    inside = [found for days, found in stretches.items() if sheet.days.first <= days.first < sheet.days.end]
    keys = sorted({key for found in inside for key in found}, key=lambda key: (key[0], sorted(key[1]), key[2]))
    for split in sorted(sheet.splits):
        if (MONTH in split) != monthly:
            continue
        if split[:1] == (YES,):
            yield from ((Cell(split, key[2]), sheet.days) for key in keys if key[0] == split)
            continue
        for key in keys:
            if not key[0] and _names(key) == frozenset(timeless(split)):
                yield from _cells_of(split, key, sheet.days)


def _cells_of(split: Split, key: _Key, days: Days) -> Iterator[tuple[Cell, Days]]:
    codes = dict(key[1])
    for month in days.months() if MONTH in split else ("",):
        cell = Cell(split, tuple(month if name == MONTH else codes[name] for name in split))
        within = days_of(cell, days)
        if within is not None:
            yield cell, within


def _keep_small_spans(made: Table, stretches: Mapping[Days, _Stretch]) -> None:
    """What there was of one cell in stretches that follow each other: a few cases of some weeks are a small number."""
    of: dict[_Key, list[Place]] = {}
    for days in sorted(stretches, key=lambda days: days.first):
        for key, place in stretches[days].items():
            of.setdefault(key, []).append(place)
    for places in of.values():
        for first, end in _small_spans([made.sums.value[place] for place in places]):
            made.kept.add(_sum(made, places[first:end]))


def _small_spans(values: list[int]) -> Iterator[tuple[int, int]]:
    """Of two or more, each of which is not 0."""
    for first in range(len(values)):
        total = values[first]
        for end in range(first + 1, len(values)):
            total += values[end]
            if total >= ENOUGH:
                break
            yield first, end + 1
