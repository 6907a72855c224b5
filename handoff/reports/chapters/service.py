"""How the service did: waits, answers in time, and how much an adviser had to do."""

from statistics import median
from typing import Final

from handoff.reports import saying, wording
from handoff.reports.arithmetic import number, shares, total
from handoff.reports.counting import Lengths
from handoff.reports.counts import UNSAID
from handoff.reports.measures import Load, together
from handoff.reports.model import (
    ENOUGH,
    HIDDEN,
    Basis,
    Chart,
    ChartKind,
    Column,
    Row,
    Section,
    Table,
    Unit,
    Value,
)
from handoff.reports.telling import Asked, Telling, answers, by_one, middle_and_most

CHAPTER: Final = "How the service did"
LANES: Final = {
    "live": "Live, in opening hours",
    "messages": "Messages, mostly out of hours",
    "call_backs": "Call-backs, at an agreed time",
    UNSAID: "Not known",
}
ANSWERS: Final = {
    "in_time": "Answered in time",
    "late": "Answered late",
    "left": "Left before an answer",
    "no_answer": "Closed without an answer",
}
COLUMNS: Final = (
    Column("n", "Cases", Unit.COUNT),
    *(Column(code, label, Unit.COUNT) for code, label in ANSWERS.items()),
    Column("in_time_share", "In time", Unit.PERCENT),
    Column("middle", "Half waited up to", Unit.SECONDS),
    Column("most", "9 of 10 waited up to", Unit.SECONDS),
)
CLOCK: Final = (
    "Waits are time on the wall until an adviser’s first answer, nights and weekends included, of those who were "
    "answered."
)
SHUT: Final = (
    "A case that comes outside opening hours is left as a message, unless somebody may be in danger: messages are the "
    "cases that came out of hours, and those whose enquirer chose to leave one."
)
BEFORE_LANES: Final = "“Not known” are cases from before the service kept this."


def sections(telling: Telling) -> tuple[Section, ...]:
    return (_lanes(telling), _months(telling), _answers(telling), _load(telling))


def _lanes(telling: Telling) -> Section:
    found = {lane: telling.n("cases", ("lane",), lane) for lane in LANES}
    rows = tuple(
        Row(lane, LANES[lane], _values(telling, n, ("lane", "answer"), lane, _of(telling, 1, lane)))
        for lane, n in found.items()
        if n != 0
    )
    notes = (CLOCK, SHUT, BEFORE_LANES) if found[UNSAID] != 0 else (CLOCK, SHUT)
    title = "How long they waited for an adviser"
    table = Table("waits", title, "Came as", COLUMNS, rows, _basis(telling), _all(telling), notes)
    return Section("waits", CHAPTER, "Waiting", _waited(rows, table), table)


def _months(telling: Telling) -> Section:
    rows = tuple(
        Row(code, wording.month(code), _values(
            telling, telling.n("cases", ("month",), code), ("month", "answer"), code, _of(telling, 0, code)))
        for code in telling.now.days.months()
    )  # fmt: skip
    table = Table("waits-month", "Waits by month", "Month", COLUMNS, rows, _basis(telling), _all(telling), (CLOCK,))
    chart = Chart(ChartKind.COLUMNS, ("middle",))
    return Section("waits-month", CHAPTER, "Waiting, month by month", _longest(rows), table, chart)


def _longest(rows: tuple[Row, ...]) -> str:
    told = [(value, row.label) for row in rows if isinstance(value := row.values[-2], int | float)]
    if not told:
        return "No month’s waits can be told."
    longest, label = max(told)
    begin = "Waits" if len(told) == len(rows) else "Of the months that can be told, waits"
    return f"{begin} were longest in {label}: half of those who were answered waited up to {saying.length(longest)}."


def _answers(telling: Telling) -> Section:
    note = "In time: by the deadline the case was given as it came, in working time, by how urgent it was."
    asked = Asked("cases", "answer", "answers", "Cases by whether they were answered in time", "Answer",
                  ANSWERS.__getitem__, tuple(ANSWERS), notes=(note,))  # fmt: skip
    said = {"in_time": "were answered in time", "left": "left before an answer"}
    reading = answers(telling, asked, "cases", said)
    return Section(
        "answers", CHAPTER, "Answered in time", reading, by_one(telling, asked), Chart(ChartKind.BARS, ("n",))
    )


def _values(telling: Telling, n: Value, split: tuple[str, str], code: str, times: Lengths) -> tuple[Value, ...]:
    parts = tuple(telling.n("cases", split, code, each) for each in ANSWERS)
    return (n, *parts, shares(parts, n)[0], *middle_and_most(total(*parts[:2]), times))


def _all(telling: Telling) -> Row:
    parts = tuple(telling.n("cases", ("answer",), each) for each in ANSWERS)
    n, times = telling.n("cases"), together(telling.now.waits.values())
    return Row("total", "All cases", (n, *parts, shares(parts, n)[0], *middle_and_most(total(*parts[:2]), times)))


def _of(telling: Telling, at: int, code: str) -> Lengths:
    """The waits of one month (0) or lane (1)."""
    return together(times for codes, times in telling.now.waits.items() if codes[at] == code)


def _basis(telling: Telling) -> Basis:
    """Of whom a wait is known: those who were answered."""
    parts = [telling.n("cases", ("answer",), each) for each in ("in_time", "late")]
    return Basis("cases", total(*parts), telling.n("cases"))


def _waited(rows: tuple[Row, ...], table: Table) -> str:
    whole = table.total.values[0] if table.total else None
    if nothing := wording.none_of(whole, "cases"):
        return nothing
    for row in (*rows, *filter(None, (table.total,))):
        middle, most = row.values[-2:]
        if row.code in {"live", "total"} and isinstance(middle, int | float) and isinstance(most, int | float):
            who = "who came live" if row.code == "live" else "in whatever way they came"
            return (
                f"Half of those who were answered {who} waited up to {saying.length(middle)}, "
                f"and nine of ten up to {saying.length(most)}."
            )
    return "Too few were answered for their waits to be told."


def _load(telling: Telling) -> Section:
    """Nothing about fewer than ENOUGH advisers: it would be about persons."""
    loads = telling.now.loads
    rows = tuple(Row(load.month, wording.month(load.month), _of_month(load)) for load in loads)
    told = [row for row in rows if number(row.values[0])]
    columns = (
        Column("advisers", "Advisers", Unit.COUNT),
        Column("middle", "Cases closed by the adviser in the middle", Unit.COUNT),
        Column("most", "By the one who closed most", Unit.COUNT),
        Column("handled", "A case was open, on average", Unit.SECONDS),
    )
    notes = (
        "Advisers who closed a case in the month, without names. Nothing is told of a month with fewer than five, "
        "nor are fewer than five cases.",
        "Only months that lie wholly in the period. A case counts in the month it was opened in, for who closed it.",
        "A case is open from when it is first taken until it is closed, on the wall: not working time.",
    )
    table = Table(
        "load",
        "Cases per adviser and month",
        "Month",
        columns,
        rows,
        Basis("months", len(told), len(rows)),
        None,
        notes,
    )
    return Section("load", CHAPTER, "How much advisers did", _much(told, rows), table)


def _of_month(load: Load) -> tuple[Value, ...]:
    advisers = len(load.closed)
    if not advisers:
        return 0, None, None, None
    if advisers < ENOUGH:
        return (HIDDEN,) * 4
    middle, most = (each if each >= ENOUGH else HIDDEN for each in (median(load.closed), load.closed[-1]))
    return advisers, middle, most, round(load.handled_s / load.cases)  # a fraction would tell of how many cases


def _much(told: list[Row], rows: tuple[Row, ...]) -> str:
    if not rows:
        return "There is no whole month in this period."
    if not told:
        return "In no whole month were there enough advisers for this to be told."
    known = [row for row in told if number(row.values[1])]
    if not known:
        return "In no whole month did the adviser in the middle close enough cases for this to be told."
    busiest = max(known, key=lambda row: number(row.values[1]) or 0)
    middle, most = (saying.said(value, Unit.COUNT) for value in busiest.values[1:3])
    return (
        f"The busiest month for advisers was {busiest.label}: the one in the middle closed {middle} cases, "
        f"and the one with most {most}."
    )
