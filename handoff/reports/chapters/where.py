"""On which platforms it happened, and what on which."""

from collections.abc import Callable
from typing import Final

from handoff.reports import wording
from handoff.reports.arithmetic import number
from handoff.reports.model import Basis, Chart, ChartKind, Column, Hidden, Row, Section, Table, Unit
from handoff.reports.telling import Asked, Telling, by_one, ranked

WHERE: Final = "Where it happened"
GRID_PLATFORMS: Final = 8
ROUTE: Final = (
    "Some platforms give the service a route of its own for reports, and schools hear of it: those platforms are "
    "told to us more often than others. Their figures do not say that more happens there."
)


def sections(telling: Telling) -> tuple[Section, ...]:
    return (_platforms(telling), _grid(telling))


def _platforms(telling: Telling) -> Section:
    asked = Asked("cases", "platform", "platform", "Cases by platform", "Platform", wording.label("platforms"),
                  unsaid="None, or not known", notes=(ROUTE,))  # fmt: skip
    table = by_one(telling, asked)
    reading = wording.leading(table, "cases", "platform", telling.before)
    return Section("platform", WHERE, "Platforms", reading, table, Chart(ChartKind.BARS, ("n",)))


def _grid(telling: Telling) -> Section:
    """The platforms named most across, the concerns down; every number is a case's one platform and main concern."""
    platform, concern = wording.label("platforms"), wording.concern(telling.carried)
    across = _most(telling, "platform", platform)[:GRID_PLATFORMS]
    down = _most(telling, "concern", concern)
    columns = tuple(Column(code, platform(code), Unit.COUNT) for code in across)
    rows = tuple(
        Row(code, concern(code), tuple(telling.n("cases", ("concern", "platform"), code, each) for each in across))
        for code in down
        if across
    )
    n, of = telling.told("cases", "platform")
    left_out = "Only the platforms named most often are shown; those of which nothing can be told are left out."
    table = Table("platform-concern", "Cases by main concern and platform", "Main concern", columns, rows,
                  Basis("cases", n, of, telling.carried.version), notes=(left_out, ROUTE))  # fmt: skip
    chart = Chart(ChartKind.GRID, across) if across else None
    return Section("platform-concern", WHERE, "Concerns on platforms", _largest(table), table, chart)


def _most(telling: Telling, name: str, label: Callable[[str], str]) -> tuple[str, ...]:
    found = [(code, telling.n("cases", (name,), code), None) for code in telling.codes("cases", name)]
    told = [each for each in found if not isinstance(each[1], Hidden) and each[1]]
    return tuple(code for code, _, _ in ranked(told, {code: label(code) for code, _, _ in told}))


def _largest(table: Table) -> str:
    cells = [
        (n, row.label, column.label)
        for row in table.rows
        for column, value in zip(table.columns, row.values, strict=True)
        if (n := number(value))
    ]
    if not cells:
        return "No concern can be told on any one platform."
    n, concern, platform = max(cells, key=lambda cell: cell[0])
    return f"The largest number that can be told is “{concern}” on {platform}: {wording.many(n, 'cases')}."
