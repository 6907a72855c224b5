"""A report made by hand, shaped like the published figures of 2021 to 2022, for what renders one. Not counted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from handoff.periods import Compare, Days
from handoff.reports.model import (
    HIDDEN,
    Basis,
    Chart,
    ChartKind,
    Column,
    Headline,
    Report,
    Row,
    Section,
    Shade,
    Table,
    Unit,
    Value,
)

DAYS = Days(date(2021, 11, 1), date(2022, 11, 1))
BEFORE = Days(date(2020, 11, 1), date(2021, 11, 1))
MADE_AT = datetime(2022, 11, 8, 9, 30, tzinfo=UTC)
SERVICE = "Professionals’ Online Helpline"
N = 4078
CASES = Column("cases", "Cases", Unit.COUNT)
SHARE = Column("share", "Share", Unit.PERCENT)
BEFORE_CASES = Column("before", "Year before", Unit.COUNT)
CHANGE = Column("change", "Change", Unit.CHANGE)
CONCERNS = (
    ("reputation", "Online reputation", 2244, 251),
    ("cyberbullying", "Cyberbullying", 571, 110),
    ("impersonation", "Impersonation and fake accounts", 449, 61),
    ("staff_abuse", "Abuse of staff", 326, 55),
    ("harmful_content", "Potentially harmful content", 163, 74),
    ("media_literacy", "Media literacy and education", 122, 88),
    ("nudes", "Sharing of nudes and semi-nudes", 98, 21),
    ("grooming", "Grooming", 41, 9),
    ("hate", "Online hate", 33, 6),
    ("scams", "Scams and sextortion for money", 27, HIDDEN),
    ("extremism", "Extremism", HIDDEN, 0),
    ("gambling", "Gambling", HIDDEN, HIDDEN),
)
MONTHS = (
    ("2021-11", 702, 48),
    ("2021-12", 331, 39),
    ("2022-01", 402, 51),
    ("2022-02", 298, 44),
    ("2022-03", 377, 60),
    ("2022-04", 201, 41),
    ("2022-05", 388, 62),
    ("2022-06", 412, 66),
    ("2022-07", 271, 58),
    ("2022-08", HIDDEN, 12),
    ("2022-09", 327, 98),
    ("2022-10", 321, 101),
)
TERMS = (
    Shade("Autumn", date(2021, 9, 1), date(2021, 12, 17)),
    Shade("Spring", date(2022, 1, 4), date(2022, 4, 8)),
    Shade("Summer", date(2022, 4, 25), date(2022, 7, 22)),
    Shade("Autumn", date(2022, 9, 1), date(2022, 12, 16)),
)
PLATFORMS = ("TikTok", "Instagram", "Snapchat", "Facebook", "X (Twitter)", "YouTube", "WhatsApp", "Not said")
GRID = (
    ("Online reputation", (1480, 210, 96, 188, 66, 71, 48, 85)),
    ("Cyberbullying", (188, 96, 131, 30, 9, 14, 66, 37)),
    ("Impersonation and fake accounts", (301, 88, 12, 26, 8, HIDDEN, HIDDEN, 7)),
    ("Abuse of staff", (144, 31, 20, 77, 21, 12, 6, 15)),
    ("Potentially harmful content", (61, 14, 11, 9, 6, 41, 5, 16)),
    ("Sharing of nudes and semi-nudes", (HIDDEN, 22, 55, 0, 0, 0, 11, HIDDEN)),
    ("Online hate", (9, 5, 0, 8, 6, HIDDEN, 0, HIDDEN)),
)


def made() -> Report:
    """Every kind of chart, column, note and value; passed on to nobody."""
    return Report(
        service=SERVICE,
        days=DAYS,
        compare=Compare.YEAR,
        compared=BEFORE,
        made_at=MADE_AT,
        headline=Headline(
            "4,078",
            "cases in one year, six times as many as the year before",
            (
                "55 in 100 cases were about somebody’s reputation online.",
                "In 38 of 100, the question was whether something had to be passed on at all.",
                "6 in 10 had not known the tools for blocking and reporting.",
            ),
        ),
        sections=(_concerns(), _months(), _who(), _grid(), _escalation(), _takedowns(), _waits()),
        notes=(
            "A case is one question that was handed to an adviser. A contact is one conversation with the bot. "
            "Cases and contacts are never added together.",
            "Practice conversations are not counted.",
        ),
        hidden=14,
    )


def passed_on() -> Report:
    return replace(made(), release=3)


def bare(values: Sequence[Value], kind: ChartKind = ChartKind.BARS, unit: Unit = Unit.COUNT) -> tuple[Table, Chart]:
    """A table with one column and a row for each value, and its chart."""
    column = Column("n", "Number", unit)
    codes = [
        f"{2000 + at // 12}-{at % 12 + 1:02}" if kind is ChartKind.COLUMNS else f"c{at}" for at in range(len(values))
    ]
    rows = tuple(Row(code, f"Row {code}", (value,)) for code, value in zip(codes, values, strict=True))
    return Table("bare", "Bare", "Row", (column,), rows, Basis("cases", 1, 1)), Chart(kind, ("n",))


def empty() -> Report:
    """Of a period in which nothing happened."""
    table, chart = bare(())
    section = Section("concerns", "What it was about", "Concerns", "No case was opened in this period.", table, chart)
    return replace(made(), headline=Headline("0", "cases"), sections=(section,), notes=(), compare=None, compared=None)


def _row(code: str, label: str, cases: Value, before: Value, of: int = N) -> Row:
    told = isinstance(cases, int)
    share = round(100 * cases / of, 1) if told else HIDDEN
    both = told and isinstance(before, int)
    change = HIDDEN if not both else round(100 * (cases - before) / before, 1) if before else None
    return Row(code, label, (cases, share, before, change))


def _concerns() -> Section:
    rows = tuple(_row(*each) for each in CONCERNS)
    table = Table(
        "concern",
        "Cases by main concern",
        "Concern",
        (CASES, SHARE, BEFORE_CASES, CHANGE),
        rows,
        Basis("cases", N, N, taxonomy=3),
        _row("total", "All cases", N, 679),
        ("Each case is counted once, under what it was mainly about.",),
    )
    reading = "More than half of all cases (55.0%) were about reputation: nine times as many as the year before."
    return Section(
        "concern", "What it was about", "Main concern", reading, table, Chart(ChartKind.BARS, ("cases", "before"))
    )


def _months() -> Section:
    names = [f"{datetime.strptime(code, '%Y-%m').replace(tzinfo=UTC):%B %Y}" for code, *_ in MONTHS]
    rows = tuple(Row(code, name, (now, then)) for (code, now, then), name in zip(MONTHS, names, strict=True))
    table = Table(
        "month",
        "Cases by month",
        "Month",
        (CASES, BEFORE_CASES),
        rows,
        Basis("cases", N, N),
        Row("total", "All months", (N, 679)),
        ("School terms are those of most schools in England.",),
    )
    reading = "November was by far the busiest month, with 702 cases; numbers fall in every school holiday."
    return Section(
        "month",
        "What it was about",
        "Through the year",
        reading,
        table,
        Chart(ChartKind.COLUMNS, ("cases", "before"), TERMS),
    )


def _who() -> Section:
    found = (
        ("teacher", "Teacher", 1917, 320),
        ("head", "Head or senior leader", 812, 120),
        ("safeguarding_lead", "Safeguarding lead", 651, 99),
        ("school_staff", "Other school staff", 241, 40),
        ("police", "Police", 240, 40),
        ("parent", "Parent or carer", 217, 60),
    )
    rows = tuple(replace(_row(*each), group="In a school" if at < 4 else "Elsewhere") for at, each in enumerate(found))
    table = Table(
        "role",
        "Cases by role",
        "Role",
        (CASES, SHARE, BEFORE_CASES, CHANGE),
        rows,
        Basis("cases", N, N),
        _row("total", "All cases", N, 679),
    )
    reading = "Teachers asked most often (47.0%); with other staff, nine in ten cases came from a school."
    return Section("role", "Who asked", "Role", reading, table, Chart(ChartKind.BARS, ("share",)))


def _grid() -> Section:
    columns = tuple(Column(f"p{at}", label, Unit.COUNT) for at, label in enumerate(PLATFORMS))
    rows = tuple(Row(f"g{at}", label, values) for at, (label, values) in enumerate(GRID))
    table = Table(
        "platform-concern",
        "Cases by concern and platform",
        "Concern",
        columns,
        rows,
        Basis("cases", 3891, N, taxonomy=3),
        notes=("TikTok is the only platform whose route the service promotes to schools: its figure is too large.",),
    )
    reading = "Reputation on TikTok is the largest single combination: 1,480 cases, more than a third of all."
    return Section(
        "platform-concern",
        "Where it happened",
        "Platform and concern",
        reading,
        table,
        Chart(ChartKind.GRID, tuple(c.key for c in columns)),
    )


def _escalation() -> Section:
    rows = (
        Row("needed", "Had to be passed on", (1223, 30.0)),
        Row("clarified", "Clarified: need not be passed on", (1549, 38.0)),
        Row("not_needed", "No question of it", (1180, 28.9)),
        Row("not_said", "Not asked", (126, 3.1)),
    )
    table = Table(
        "escalation",
        "Cases by escalation",
        "Answer",
        (CASES, SHARE),
        rows,
        Basis("cases", 3952, N),
        Row("total", "All cases", (N, 100.0)),
    )
    reading = (
        "Three in ten cases had to be passed on; in nearly four of ten the question itself was what needed an answer."
    )
    return Section(
        "escalation", "What was needed", "Whether to escalate", reading, table, Chart(ChartKind.BARS, ("cases",))
    )


def _takedowns() -> Section:
    columns = (
        Column("made", "Reported", Unit.COUNT),
        Column("removed", "Removed", Unit.COUNT),
        Column("share", "Removed", Unit.PERCENT),
        Column("median", "Half within", Unit.HOURS),
        Column("in72", "Within 72 h", Unit.PERCENT),
    )
    rows = (
        Row("tiktok", "TikTok", (3110, 2988, 96.1, 14.5, 91.2)),
        Row("instagram", "Instagram", (522, 471, 90.2, 40.0, 71.0)),
        Row("facebook", "Facebook", (301, 259, 86.0, 51.5, 66.4)),
        Row("other", "Others", (131, HIDDEN, HIDDEN, None, None)),
    )
    table = Table(
        "takedowns",
        "Reports to platforms",
        "Platform",
        columns,
        rows,
        Basis("reports to platforms", 4064, 4064),
        Row("total", "All platforms", (4064, 3828, 94.2, 18.0, 86.9)),
    )
    reading = "Platforms removed 94.2% of what was reported to them, half of it within 18 hours."
    return Section("takedowns", "What was needed", "Reports to platforms", reading, table)


def _waits() -> Section:
    columns = (
        Column("n", "Answered", Unit.COUNT),
        Column("median", "Half waited", Unit.SECONDS),
        Column("p90", "9 of 10 waited", Unit.SECONDS),
        Column("times", "As expected", Unit.RATIO),
    )
    rows = (
        Row("live", "Live now", (1904, 212, 840, 1.0)),
        Row("message", "Messages", (1866, 6300, 21_960, 3.2)),
        Row("call", "Call-backs", (HIDDEN, HIDDEN, HIDDEN, None)),
    )
    table = Table("waits", "Waiting for the first answer", "Lane", columns, rows, Basis("cases", 3774, N))
    return Section(
        "waits", "How the service did", "Waiting", "Half of those who came live were answered within 4 minutes.", table
    )
