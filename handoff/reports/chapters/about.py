"""What cases were about, alone and together, month by month, and on which platforms."""

from typing import Final

from handoff.periods import Days
from handoff.reports import wording
from handoff.reports.arithmetic import change, number, percent
from handoff.reports.model import Basis, Chart, ChartKind, Column, Row, Section, Shade, Table, Unit, Value
from handoff.reports.telling import CHANGE, SHARE, Asked, Telling, by_one, ranked

ABOUT: Final = "What it was about"
PAIRS_NOTE: Final = (
    "Only the most frequent pairs are shown, and none of fewer than five cases. A case with three concerns is in "
    "three pairs."
)
OVERLAP: Final = (
    "A case may involve several concerns and is counted under each: these shares overlap and add up to more than 100%."
)


def sections(telling: Telling, terms: tuple[Shade, ...]) -> tuple[Section, ...]:
    return (_main(telling), _involved(telling), _together(telling), _months(telling, terms))


def _main(telling: Telling) -> Section:
    name = wording.concern(telling.carried)
    note = (
        "Each case is counted once, under what it was mainly about: as the adviser closed it, else as the bot heard it."
    )
    asked = Asked("cases", "concern", "concern", "Cases by main concern", "Main concern", name,
                  taxonomy=telling.carried.version, notes=(note, *_carried(telling)))  # fmt: skip
    table = by_one(telling, asked)
    reading = wording.leading(table, "cases", "main concern", telling.before)
    return Section("concern", ABOUT, "The main concern", reading, table, Chart(ChartKind.BARS, ("n",)))


def _involved(telling: Telling) -> Section:
    """All concerns of a case: these overlap."""
    name = wording.concern(telling.carried)
    found = [
        (code, telling.yes("cases", "concern", code), telling.yes("cases", "concern", code, then=True))
        for code in telling.named("cases", "concern")
    ]
    labels = {code: name(code) for code, _, _ in found}
    whole = telling.n("cases")
    rows = tuple(
        _overlapping(telling, code, labels[code], now, then, whole) for code, now, then in ranked(found, labels)
    )
    columns = (Column("n", "Cases", Unit.COUNT), SHARE, Column("before", telling.column, Unit.COUNT), CHANGE)
    n, of = telling.told("cases", "concern")
    table = Table(
        "involved",
        "Cases by everything they involved",
        "Concern",
        columns if telling.then is not None else columns[:2],
        rows,
        Basis("cases", n, of, telling.carried.version),
        notes=(OVERLAP,),
    )
    return Section(
        "involved", ABOUT, "Everything it involved", _involving(table, whole), table, Chart(ChartKind.BARS, ("n",))
    )


def _overlapping(telling: Telling, code: str, label: str, now: Value, then: Value, whole: Value) -> Row:
    values = (now, percent(now, whole))
    return Row(code, label, values if telling.then is None else (*values, then, change(now, then)))


def _involving(table: Table, whole: Value) -> str:
    if nothing := wording.none_of(whole, "cases"):
        return nothing
    told = [(row.label, n) for row in table.rows if (n := number(row.values[0]))]
    if not told:
        return wording.TOO_SMALL if table.rows else "What they were about is known of none of the cases."
    label, n = told[0]
    of = f"{n:,} of {wording.many(number(whole) or 0, 'cases')}{wording.share(percent(n, whole))}"
    return f"“{label}” was involved in {of}, alone or with other concerns."


def _together(telling: Telling) -> Section:
    name = wording.concern(telling.carried)
    pairs = [codes for codes in telling.now.cases.yes.get("concern", {}) if len(codes) == 2]
    told = [(codes, n) for codes in pairs if (n := number(telling.yes("cases", "concern", *codes))) is not None]
    labels = {codes: " and ".join(sorted((name(code) for code in codes), key=str.casefold)) for codes in pairs}
    rows = tuple(
        Row("+".join(codes), labels[codes], (n, percent(n, telling.n("cases"))))
        for codes, n in sorted(told, key=lambda each: (-each[1], labels[each[0]]))
    )
    known, of = telling.told("cases", "concern")
    table = Table(
        "together",
        "Concerns that came together most often",
        "Concerns",
        (Column("n", "Cases", Unit.COUNT), SHARE),
        rows,
        Basis("cases", known, of, telling.carried.version),
        notes=(PAIRS_NOTE,),
    )
    reading = "No two concerns came together in five cases or more."
    if rows:
        names = wording.joined([f"“{each}”" for each in sorted(map(name, rows[0].code.split("+")), key=str.casefold)])
        count, share = rows[0].values
        reading = (
            f"Most often {names} came together: in {wording.many(number(count) or 0, 'cases')}{wording.share(share)}."
        )
    return Section("together", ABOUT, "Concerns that came together", reading, table)


def _months(telling: Telling, terms: tuple[Shade, ...]) -> Section:
    found = [_month(telling, at, code) for at, code in enumerate(telling.now.days.months())]
    columns = (Column("n", "Cases", Unit.COUNT), Column("before", telling.column, Unit.COUNT), CHANGE)
    whole, then = telling.n("cases"), telling.n("cases", then=True)
    total = Row("total", "All months", (whole,) if telling.then is None else (whole, then, change(whole, then)))
    notes = _about_months(telling.now.days, telling.then.days if telling.then else None, terms)
    table = Table(
        "month",
        "Cases by month",
        "Month",
        columns if telling.then is not None else columns[:1],
        tuple(found),
        Basis("cases", whole, whole),
        total,
        notes,
    )
    shown = ("n",) if telling.then is None else ("n", "before")
    return Section(
        "month", ABOUT, "Month by month", _busiest(table, whole), table, Chart(ChartKind.COLUMNS, shown, terms)
    )


def _month(telling: Telling, at: int, code: str) -> Row:
    """The compared period's months stand beside it in their order."""
    now = telling.n("cases", ("month",), code)
    if telling.then is None:
        return Row(code, wording.month(code), (now,))
    months = telling.then.days.months()
    then = telling.n("cases", ("month",), months[at], then=True) if at < len(months) else None
    return Row(code, wording.month(code), (now, then, change(now, then)))


def _about_months(days: Days, compared: Days | None, terms: tuple[Shade, ...]) -> tuple[str, ...]:
    part = "The first or last month is counted only as far as it lies in the period."
    beside = "Each month stands beside the one in the same place of the compared period."
    shaded = "Shaded: school terms, as the service has set them."
    unshaded = "No school terms are set for these days, so none are shaded."
    return tuple(filter(None, (
        "A case belongs to the month in which it was opened, by the service’s own clock.",
        "" if days.is_of_whole_months else part,
        beside if compared else "",
        shaded if terms else unshaded,
    )))  # fmt: skip


def _busiest(table: Table, whole: Value) -> str:
    if nothing := wording.none_of(whole, "cases"):
        return nothing
    told = [(row, n) for row in table.rows if (n := number(row.values[0])) is not None]
    most = max((n for _, n in told), default=0)
    if not most:
        return wording.TOO_SMALL
    first = [row.label for row, n in told if n == most]
    of = "Of the months that can be told, the" if len(told) < len(table.rows) else "The"
    if len(table.rows) == 1:
        return f"All {wording.many(most, 'cases')} came in {first[0]}."
    cases = wording.many(most, "cases")
    if first[1:]:
        return f"{of} busiest months were {wording.joined(first)}, with {cases} each."
    return f"{of} busiest month was {first[0]}, with {cases}."


def _carried(telling: Telling) -> tuple[str, ...]:
    """What is said of the versions of the categories; nothing where all cases are of the newest."""
    facts = [telling.now] if telling.then is None else [telling.now, telling.then]
    oldest = min(
        (each.oldest_version for each in facts if each.oldest_version is not None), default=telling.carried.version
    )
    if oldest == telling.carried.version:
        return ()
    return (
        f"The categories have changed: cases recorded under older versions, from version {oldest} on, are carried over "
        f"to version {telling.carried.version}. One that is no longer used and has no successor keeps its old name.",
    )
