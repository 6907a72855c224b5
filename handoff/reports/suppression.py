"""Which numbers of a report are not told: small ones, and those that would give a small one away.

A number from 1 to 4 may point at somebody and is hidden (primary suppression); 0 is told. As the numbers of a report
add up, some others must be hidden with it (secondary, or complementary, cell suppression: Hundepool and others,
"Statistical Disclosure Control", Wiley 2012, chapter 4, and the "Handbook on Statistical Disclosure Control" of
Eurostat's ESSNet; the ONS, "Policy on protecting confidentiality in tables of birth and death statistics", hides in
the same way).

What is promised, to a reader who knows the rule, every sum, that all are whole numbers and that what is hidden is at
least 1: no hidden number is pinned to one value, nor is one from 1 to 4 that follows from told ones: of a group of
hidden numbers, of some days between two ends of periods, of what is left of a total beside a `yes` count. Each has a
proof, other numbers that would be told in the same way (exchanges.py). With reports that were passed on before, the
proofs hold for all of them together.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from handoff.periods import Days
from handoff.reports import exchanges
from handoff.reports.counts import Cell, Codes, Counted, Split
from handoff.reports.exchanges import Exchange, Place
from handoff.reports.model import ENOUGH
from handoff.reports.sheets import MONTH, YES, Sheet, Table, all_cells, days_of, ends_of, table, timeless
from handoff.reports.sheets import yes_cell as yes_cell

Where = tuple[str, bool, Cell]
"""The kind of fact, whether it is of the compared period, and the cell."""


@dataclass(frozen=True, slots=True)
class ReleasedBefore:
    """What reports that were passed on mean for this one (releases.py)."""

    sheets: Mapping[str, tuple[Sheet, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """By kind: what was told of days that this one tells of too, and of days that share days with those."""
    counts: Mapping[Days, Mapping[str, Counted]] = field(default_factory=lambda: MappingProxyType({}))
    """All kinds, in each stretch between two ends of periods or months, whichever report they are of."""
    withheld: frozenset[Where] = frozenset()
    """Not to be told again: it has changed by less than ENOUGH."""


NONE: Final = ReleasedBefore()


@dataclass(frozen=True, slots=True)
class Hidden:
    cells: frozenset[Where]
    """Every one that is not told. One that counts nothing (0) is told."""
    left_out: frozenset[tuple[str, bool, Split]] = frozenset()
    """Splits with so little in them that nothing of them is told, not even what counts nothing."""

    def __contains__(self, where: Where) -> bool:
        kind, is_compared, cell = where
        return where in self.cells or (kind, is_compared, cell.split) in self.left_out

    def __len__(self) -> int:
        return len(self.cells)


def hidden(
    kinds: Mapping[str, Counted], compared: Mapping[str, Counted] = MappingProxyType({}), told: ReleasedBefore = NONE
) -> Hidden:
    """The cells that are not told. The two periods share no day. Pure: the same in, the same out.

    Raises: ValueError when the counts of a split do not add up to those of a split with a name less.
    """
    found: set[Where] = set()
    left_out: set[tuple[str, bool, Split]] = set()
    for kind in kinds:
        both = [counted for counted in (kinds[kind], compared.get(kind)) if counted is not None]
        groups = [both] if told.sheets.get(kind) else [[each] for each in both]
        for group in groups:
            cells, splits = _hidden_of(kind, group, told, compared.get(kind))
            found |= cells
            left_out |= splits
    return Hidden(frozenset(found), frozenset(left_out))


# --- within ----------------------------------------------------------------------------------------------------------

_Found = tuple[set[Where], set[tuple[str, bool, Split]]]


def _hidden_of(kind: str, group: Sequence[Counted], told: ReleasedBefore, compared: Counted | None) -> _Found:
    """Splits are left out so that the rest can be told: those with the most in them first, at last all."""
    for out in _left_out(group, bool(told.sheets.get(kind))):
        found = _with(kind, group, told, compared, out)
        if found is not None:
            return found
    everything = {(kind, each is compared, cell) for each in group for cell, value in all_cells(each) if value}
    return everything, {(kind, each is compared, split) for each in group for split in _splits(each)}


def _left_out(group: Sequence[Counted], beside_others: bool) -> Iterator[frozenset[Split]]:
    """One by one; beside other reports, where a try takes longer, all that is crossed, then all but total, months."""
    size = {split: len(counts) for each in group for split, counts in each.splits.items()}
    crossed = sorted((split for split in size if len(split) > 1), key=lambda each: (-len(each), -size[each], each))
    if beside_others:
        sets = {split for each in group for split in _splits(each) if split[:1] == (YES,)}
        yield frozenset()
        yield frozenset({*crossed, *sets})
        yield frozenset({*crossed, *sets, *size} - {(), (MONTH,)})
    else:
        yield from (frozenset(crossed[:out]) for out in range(len(crossed) + 1))


def _with(
    kind: str, group: Sequence[Counted], told: ReleasedBefore, compared: Counted | None, out: frozenset[Split]
) -> _Found | None:
    earlier = told.sheets.get(kind, ())
    sheets = [Sheet(each.days, _splits(each) - out) for each in group]
    sheets += [replace(sheet, splits=sheet.splits - out) for sheet in earlier]
    made = table(sheets, *(_joint(kind, sheets, told) if earlier else _alone(group[0], out)))
    for place, names in made.told_as.items():
        if any((kind, group[at] is compared, cell) in told.withheld for at, cell in names):
            made.kept.add(place)
    for place in made.kept:
        made.hide(place)
    if not (_prove_each(made) and _prove_groups(made)):
        return None
    cells = {(kind, group[at] is compared, cell) for place in made.hidden for at, cell in made.told_as.get(place, ())}
    left = {
        (each is compared, cell) for each in group for cell, value in all_cells(each) if value and cell.split in out
    }
    return cells | {(kind, *each) for each in left}, {
        (kind, each is compared, split) for each in group for split in out
    }


def _splits(counted: Counted) -> frozenset[Split]:
    return frozenset({*counted.splits, *((YES, name) for name in counted.yes)})


# --- how many there were, stretch by stretch -------------------------------------------------------------------------

_Stretches = tuple[Mapping[Days, Counted], Mapping[Days, Counted]]


def _alone(counted: Counted, out: frozenset[Split]) -> _Stretches:
    """One report beside no other: its own counts are enough."""
    whole = {split: counts for split, counts in counted.splits.items() if split not in out}
    monthly = {split: whole.pop(split) for split in list(whole) if MONTH in split}
    by_month: dict[str, dict[Split, dict[Codes, int]]] = {}
    for split, counts in monthly.items():
        at = split.index(MONTH)
        for codes, value in counts.items():
            of = by_month.setdefault(codes[at], {}).setdefault(timeless(split), {})
            of[codes[:at] + codes[at + 1 :]] = value
    days = {_month(month, counted.days): Counted(_month(month, counted.days), by_month[month]) for month in by_month}
    return {counted.days: Counted(counted.days, {**_summed(monthly), **whole}, counted.yes)}, days


def _month(month: str, days: Days) -> Days:
    found = days_of(Cell((MONTH,), (month,)), days)
    if found is None:
        raise ValueError(f"{month} is not in the period from {days.first} to {days.last}.")
    return found


def _summed(monthly: Mapping[Split, Mapping[Codes, int]]) -> Mapping[Split, Mapping[Codes, int]]:
    """What is told by month only, over all months."""
    found: dict[Split, Counter[Codes]] = {}
    for split, counts in monthly.items():
        at, of = split.index(MONTH), found.setdefault(timeless(split), Counter())
        for codes, value in counts.items():
            of[codes[:at] + codes[at + 1 :]] += value
    return found


def _joint(kind: str, sheets: Sequence[Sheet], told: ReleasedBefore) -> _Stretches:
    whole, monthly = ends_of(sheets)
    pieces = {days: counts[kind] for days, counts in told.counts.items()}
    return _merged(whole, pieces), _merged(monthly, pieces)


def _merged(ends: Sequence[date], pieces: Mapping[Days, Counted]) -> Mapping[Days, Counted]:
    """Stretches between `ends` that were counted, put together from those that lie within."""
    spans = [Days(first, end) for first, end in pairwise(ends)]
    found = {span: [pieces[days] for days in pieces if span.first <= days.first < span.end] for span in spans}
    return {span: _added(span, parts) for span, parts in found.items() if parts}


def _added(days: Days, parts: Sequence[Counted]) -> Counted:
    splits: dict[Split, Counter[Codes]] = {}
    yes: dict[str, Counter[Codes]] = {}
    for part in parts:
        whole = {split: counts for split, counts in part.splits.items() if MONTH not in split}
        by_month = {split: counts for split, counts in part.splits.items() if timeless(split) not in whole}
        for split, counts in {**_summed(by_month), **whole}.items():
            splits.setdefault(split, Counter()).update(counts)
        for name, counts in part.yes.items():
            yes.setdefault(name, Counter()).update(counts)
    return Counted(days, splits, yes)


# --- proofs ----------------------------------------------------------------------------------------------------------


def _prove_each(made: Table) -> bool:
    """The hardest first, margins before details: what they need hidden serves others. False when one has no proof."""
    sums = made.sums
    order = sorted(made.kept, key=lambda place: (-len(sums.sums_of[place]), sums.value[place], place))
    return all(place in made.proofs_of or _prove(made, place) for place in order)


def _prove_groups(made: Table) -> bool:
    """A group of hidden numbers is small only if it has two or three of 1 to 3, and is pinned only if every proof
    that changes one of them changes another back. (All ones: each alone would be pinned.)"""
    small = {place for place in made.kept if 0 < made.sums.value[place] < ENOUGH - 1}
    for place in sorted(small):
        for group in _pinned_groups(made, place, small):
            if not any(_prove(made, each, [other for other in group if other != each]) for each in group):
                return False
    return True


def _pinned_groups(made: Table, place: Place, small: set[Place]) -> Iterator[tuple[Place, ...]]:
    proof = made.proofs[made.proofs_of[place][0]]
    for other in sorted(small.intersection(proof) - {place}):
        if proof[other] == proof[place] or made.sums.value[place] + made.sums.value[other] >= ENOUGH:
            continue
        apart = _told_apart(made, (place, other))
        if apart is None:
            yield place, other
        else:
            for third in sorted(small.intersection(apart) - {place, other}):
                group = (place, other, third)
                if sum(made.sums.value[each] for each in group) < ENOUGH and _told_apart(made, group) is None:
                    yield group


def _told_apart(made: Table, group: tuple[Place, ...]) -> Exchange | None:
    """A proof that the sum of the group is not known."""
    about = sorted({at for place in group for at in made.proofs_of[place]})
    proofs = (made.proofs[at] for at in about)
    return next((proof for proof in proofs if sum(proof.get(place, 0) for place in group)), None)


def _prove(made: Table, place: Place, still: Sequence[Place] = ()) -> bool:
    exchange = exchanges.found(made.sums, place, still)
    if exchange is None:
        return False
    for each in exchange:
        made.proofs_of.setdefault(each, []).append(len(made.proofs))
        made.hide(each)
    made.proofs.append(exchange)
    return True
