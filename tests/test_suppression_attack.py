"""What a report does not tell cannot be found out from it, nor from several of them together: tried by attacking."""

import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handoff.periods import Compare, Days
from handoff.reports import releases, suppression
from handoff.reports.counts import Cell, Counted, Split
from handoff.reports.model import ENOUGH
from handoff.reports.suppression import NONE, Hidden, ReleasedBefore
from tests.attacker import Attacker, Paper, Series, Span
from tests.test_handoff_schema import migrated

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
START = date(2021, 11, 1)
CODES: Mapping[str, tuple[str, ...]] = {
    "concern": ("grooming", "hate", "reputation"),
    "platform": ("instagram", "tiktok", "youtube"),
    "answer": ("in_time", "late"),
}
SPLITS: tuple[Split, ...] = (
    *((), ("concern",), ("platform",), ("answer",), ("concern", "platform")),
    *(("month",), ("month", "answer")),
)


Hide = Callable[[Mapping[str, Counted], Mapping[str, Counted], ReleasedBefore], Hidden]


@dataclass(frozen=True)
class Fact:
    day: date
    codes: Mapping[str, str]


def fact(day: int, *codes: str) -> Fact:
    return Fact(START + timedelta(days=day), dict(zip(CODES, codes, strict=True)))


def counted(facts: Sequence[Fact], days: Days, splits: Sequence[Split] = SPLITS) -> Counted:
    here = [each for each in facts if days.first <= each.day < days.end]

    def codes(each: Fact, split: Split) -> tuple[str, ...]:
        return tuple(f"{each.day:%Y-%m}" if name == "month" else each.codes[name] for name in split)

    return Counted(days, {split: dict(Counter(codes(each, split) for each in here)) for split in splits})


def primary_only(kinds: Mapping[str, Counted], compared: Mapping[str, Counted], *_: object) -> Hidden:
    """The negative control: what hides the small numbers and nothing else."""
    return Hidden(
        frozenset(
            (kind, then, Cell(split, codes))
            for then, each in ((False, kinds), (True, compared))
            for kind, counts in each.items()
            for split, numbers in counts.splits.items()
            for codes, value in numbers.items()
            if 0 < value < ENOUGH
        )
    )


def printed(kinds: Mapping[str, Counted], compared: Mapping[str, Counted], hidden: Hidden) -> Paper:
    paper = Paper()
    for then, counts in ((False, kinds["cases"]), *((True, each) for each in compared.values())):
        for split in counts.splits:
            months = counts.days.months() if "month" in split else ("",)
            rest = tuple(name for name in split if name != "month")
            for month, codes in product(months, product(*(CODES[name] for name in rest))):
                where = "cases", then, Cell(split, (month, *codes) if month else codes)
                if (*where[:2], split) not in hidden.left_out:
                    value = None if where in hidden else counts.of(split, *where[2].codes)
                    paper.put(rest, codes, span(counts.days, month), value)
    return paper


def span(days: Days, month: str) -> Span:
    if not month:
        return days.first, days.end
    first = date.fromisoformat(f"{month}-01")
    return max(first, days.first), min((first + timedelta(days=32)).replace(day=1), days.end)


def truth(facts: Sequence[Fact], series: Series, days: Span) -> int:
    return sum(
        days[0] <= each.day < days[1] and all(each.codes[name] == code for name, code in zip(*series, strict=True))
        for each in facts
    )


def found_out(facts: Sequence[Fact], papers: Sequence[Paper]) -> list[object]:
    """What was hidden and is known, and every number from 1 to 4 that is known of any days."""
    attacker = Attacker(CODES, papers)
    hidden = {number for paper in papers for number, value in paper.numbers.items() if value is None}
    # what one report told and another, of the same days, did not: told is told
    hidden -= {number for paper in papers for number, value in paper.numbers.items() if value is not None}
    # beside other reports a 0 may be left out too; an attacker who counts on "at least 1" is then led astray
    sure = all(truth(facts, *each) for each in hidden)

    def known(*numbers: tuple[Series, Span]) -> int | None:
        value, is_so = attacker.sum_of(numbers), sum(truth(facts, *each) for each in numbers)
        assert not sure or value in {None, is_so}, "the attacker reckons wrongly"
        return value if value == is_so else None

    recovered: list[object] = [each for each in sorted(hidden) if known(each) is not None]
    everything = {series for paper in papers for series, _ in paper.numbers}
    for number in product(sorted(everything), attacker.spans()):
        if known(number) in range(1, ENOUGH):
            recovered.append(number)
    small = [each for each in sorted(hidden) if 0 < truth(facts, *each) < ENOUGH]
    for one, other in combinations(small, 2):
        if one[1] == other[1] and known(one, other) in range(1, ENOUGH):
            recovered.append((one, other))
    return recovered


YEAR = Days(START, START + timedelta(days=201))
FACTS = st.lists(
    st.builds(fact, st.integers(0, 200), *(st.sampled_from(codes + codes[-1:] * 2) for codes in CODES.values())),
    max_size=120,
)
SOME = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def believable(seed: int, number: int = 150) -> list[Fact]:
    """Some concerns and platforms are heard of often, others hardly ever."""
    chance = random.Random(seed)
    codes = list(CODES.values())
    return [
        fact(chance.randrange(201), *(chance.choices(each, (1, 3, 9)[-len(each) :])[0] for each in codes))
        for _ in range(number)
    ]


def only_rows(kinds: Mapping[str, Counted], compared: Mapping[str, Counted], *told: object) -> Hidden:
    """Another negative control: the least of the row is hidden beside each, and nobody looks at the columns."""
    found = set(primary_only(kinds, compared).cells)
    for kind, then, cell in list(found):
        counts = (compared if then else kinds)[kind].splits[cell.split]
        row = {codes: n for codes, n in counts.items() if codes[:-1] == cell.codes[:-1] and n >= ENOUGH}
        if row:
            found.add((kind, then, Cell(cell.split, min(row, key=lambda codes: (row[codes], codes)))))
    return Hidden(frozenset(found))


def attack_one(facts: Sequence[Fact], hide: Hide = suppression.hidden) -> list[object]:
    kinds = {"cases": counted(facts, YEAR)}
    return found_out(facts, [printed(kinds, {}, hide(kinds, {}, NONE))])


@given(FACTS)
@SOME
def test_nothing_hidden_is_found_out_from_one_report(facts: list[Fact]) -> None:
    assert attack_one(facts) == []


@pytest.mark.parametrize("hide", [primary_only, only_rows])
def test_the_attack_succeeds_where_too_little_is_hidden(hide: Hide) -> None:
    """The negative control of the attack itself."""
    assert sum(bool(attack_one(believable(seed), hide)) for seed in range(5)) >= 3


@given(st.dictionaries(st.tuples(*map(st.sampled_from, list(CODES.values())[:2])), st.integers(1, 4), max_size=5))
@SOME
def test_no_table_of_whole_numbers_contradicts_a_guess(counts: dict[tuple[str, str], int]) -> None:
    """Every table there could be, written out: no hidden number, and no small group, is the same in all."""
    facts = [fact(0, *codes, "late") for codes, times in counts.items() for _ in range(times)]
    splits: tuple[Split, ...] = ((), ("concern",), ("platform",), ("concern", "platform"))
    whole = counted(facts, YEAR, splits)
    hidden = suppression.hidden({"cases": whole})
    if hidden.left_out:
        return
    cells = [where[2] for where in sorted(hidden.cells, key=repr)]
    tables = list(tables_like(whole, hidden, counts))
    for many in (1, 2, 3):
        for group in combinations(cells, many):
            if many == 1 or sum(whole.of(cell.split, *cell.codes) for cell in group) < ENOUGH:
                could_be = {sum(table[cell] for cell in group) for table in tables}
                assert len(could_be) > 1, group


def tables_like(whole: Counted, hidden: Hidden, counts: Mapping[tuple[str, str], int]) -> Iterator[Mapping[Cell, int]]:
    """Only those with up to two more of anything: enough to tell numbers apart."""
    ranges = [
        range(1, times + 3) if ("cases", False, Cell(("concern", "platform"), codes)) in hidden else (times,)
        for codes, times in counts.items()
    ]
    for numbers in product(*ranges):
        table: Counter[Cell] = Counter()
        for (concern, platform), number in zip(counts, numbers, strict=True):
            for cell in (
                *(Cell((), ()), Cell(("concern",), (concern,)), Cell(("platform",), (platform,))),
                Cell(("concern", "platform"), (concern, platform)),
            ):
                table[cell] += number
        told = (cell for cell in table if ("cases", False, cell) not in hidden)
        if all(table[cell] == whole.of(cell.split, *cell.codes) for cell in told):
            yield table


# --- several reports -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = migrated()
    yield connection
    connection.close()


@dataclass
class Desk:
    """Passes reports on, with the database's memory of what it passed on before or without."""

    conn: sqlite3.Connection
    remembers: bool = True
    hide: Hide = suppression.hidden

    def pass_on(self, facts: Sequence[Fact], days: Days, compare: Compare | None = None) -> Paper:
        kinds, compared = {"cases": counted(facts, days)}, {}
        if compare is not None:
            compared = {"cases": counted(facts, days.compared(compare))}
        told = NONE
        if self.remembers:
            told = releases.before(self.conn, kinds, compared, lambda other: {"cases": counted(facts, other)})
        hidden = self.hide(kinds, compared, told)
        if self.remembers:
            releases.remember(self.conn, releases.last(self.conn) + 1, kinds, compared, hidden, None, NOW)
        return printed(kinds, compared, hidden)


def attack_several(
    conn: sqlite3.Connection,
    facts: Sequence[Fact],
    reports: Sequence[tuple[Days, Compare | None]],
    remembers: bool = True,
) -> list[object]:
    conn.execute("SAVEPOINT attack")
    try:
        passing = Desk(conn, remembers)
        return found_out(facts, [passing.pass_on(facts, *report) for report in reports])
    finally:
        conn.execute("ROLLBACK TO attack")
        conn.execute("RELEASE attack")


def days(first: str, end: str) -> Days:
    return Days(date.fromisoformat(first), date.fromisoformat(end))


HALF_YEAR = days("2021-11-01", "2022-05-01")
OVERLAPPING = [
    (HALF_YEAR, None),
    (days("2021-11-01", "2022-05-02"), None),  # one day longer
    (days("2021-12-01", "2022-05-21"), None),
    (days("2021-11-01", "2022-03-15"), None),
    (days("2022-02-01", "2022-05-01"), Compare.PREVIOUS),
    (HALF_YEAR, None),  # again
]


@given(FACTS, st.permutations(OVERLAPPING).map(lambda reports: reports[:2]))
@SOME
def test_nothing_is_found_out_from_several_reports(
    database: sqlite3.Connection, facts: list[Fact], reports: list[tuple[Days, Compare | None]]
) -> None:
    assert attack_several(database, facts, reports) == []


def test_a_report_one_day_longer_gives_nothing_away_and_without_memory_would(database: sqlite3.Connection) -> None:
    tried = [believable(seed) for seed in range(6)]
    assert [attack_several(database, facts, OVERLAPPING[:2]) for facts in tried] == [[]] * 6
    assert sum(bool(attack_several(database, facts, OVERLAPPING[:2], remembers=False)) for facts in tried) >= 2


def test_the_same_report_is_passed_on_twice_as_it_was(database: sqlite3.Connection) -> None:
    database.execute("SAVEPOINT twice")
    facts, desk = believable(1, 300), Desk(database)
    first, other = (desk.pass_on(facts, days("2022-02-01", "2022-05-01"), Compare.PREVIOUS) for _ in range(2))
    assert first.numbers == other.numbers
    assert None in first.numbers.values()
    assert releases.last(database) == 2
    database.execute("ROLLBACK TO twice")


def test_a_number_that_grew_by_a_few_is_not_told_again(database: sqlite3.Connection) -> None:
    database.execute("SAVEPOINT late")
    facts, desk = believable(1, 300), Desk(database)
    first = desk.pass_on(facts, HALF_YEAR)
    later = desk.pass_on([*facts, fact(3, "reputation", "youtube", "late")], HALF_YEAR)
    total = ((), ()), (HALF_YEAR.first, HALF_YEAR.end)
    assert (first.numbers[total] is None, later.numbers[total]) == (False, None)
    database.execute("ROLLBACK TO late")


def test_two_reports_cannot_take_the_same_number(database: sqlite3.Connection) -> None:
    kinds = {"cases": counted(believable(1), HALF_YEAR)}
    with pytest.raises(releases.PassedOnMeanwhile):
        releases.remember(database, releases.last(database) + 2, kinds, {}, suppression.hidden(kinds), None, NOW)
    assert releases.last(database) == 0


def test_a_believable_year_keeps_nearly_all_it_may() -> None:
    """Of what is not small itself, few are hidden."""
    kinds = {"cases": counted(believable(3, 2_000), YEAR)}
    hidden, small = suppression.hidden(kinds), primary_only(kinds, {})
    assert small.cells <= hidden.cells
    assert len(hidden) <= len(small) + 8
    assert hidden == suppression.hidden(kinds)


def test_an_empty_period_hides_nothing_and_a_few_cases_hide_themselves() -> None:
    assert len(suppression.hidden({"cases": counted([], YEAR)})) == 0
    few = counted([fact(1, "hate", "tiktok", "late")] * 3, YEAR)
    hidden = suppression.hidden({"cases": few})
    assert ("cases", False, Cell((), ())) in hidden
    assert ("cases", False, Cell(("concern",), ("hate",))) in hidden


def test_parts_that_do_not_add_up_are_refused() -> None:
    wrong = Counted(YEAR, {(): {(): 9}, ("concern",): {("hate",): 8}})
    with pytest.raises(ValueError, match="add up"):
        suppression.hidden({"cases": wrong})


def test_what_is_left_of_a_total_beside_a_yes_is_kept_too() -> None:
    """20 cases, 18 involve it: that 2 do not must not be read off."""
    splits: Mapping[Split, Mapping[tuple[str, ...], int]] = {(): {(): 20}, ("concern",): {("hate",): 12, ("nudes",): 8}}
    yes = {"involves": {("hate",): 18, ("nudes",): 10}, "pair": {("hate", "nudes"): 8}}
    hidden = suppression.hidden({"cases": Counted(YEAR, splits, yes)})
    assert ("cases", False, suppression.yes_cell("involves", "hate")) in hidden
    assert ("cases", False, Cell((), ())) not in hidden
    assert ("cases", False, suppression.yes_cell("involves", "nudes")) in hidden  # 10 beside a primary 8 are 2
