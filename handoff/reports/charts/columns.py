"""Columns over time: one for each row, in order, with stretches of time such as school terms shaded behind them."""

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from handoff.reports.charts import marks
from handoff.reports.charts.marks import Frame
from handoff.reports.charts.scales import Scale, scale
from handoff.reports.charts.series import Series, legend, legend_height, nothing, numbers, series_of, told
from handoff.reports.model import Chart, Row, Shade, Table
from handoff.reports.saying import on_axis, said

PLOT: Final = 210.0
"""How high the columns may be."""
HEAD: Final = 20.0
"""Above them: for the names of shades, and the value over the highest; the legend above that, where there is one."""
FOOT: Final = 38.0
CODE: Final = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?")


@dataclass(frozen=True, slots=True)
class _Plan:
    left: float
    right: float
    slot: float
    up: Scale
    top: float
    bottom: float

    def middle(self, at: int) -> float:
        return self.left + (at + 0.5) * self.slot


def columns(table: Table, chart: Chart, width: float) -> tuple[Frame, list[str]]:
    if not table.rows:
        return nothing(width, "Nothing was counted.")
    series = series_of(table, chart)
    entries = [(each.kind, each.column.label) for each in series] if len(series) > 1 or chart.shades else []
    entries += [("term", "School term")] if chart.shades else []
    plan = _plan(table.rows, series, width, legend_height(entries, width))
    shades = _shades(table.rows, chart.shades, plan)
    shown = entries if shades else entries[: len(series)] if len(series) > 1 else []
    parts = [*legend(shown, 0, width), *shades]
    if numbers(table.rows, series):
        parts += _axis(plan, series)
    for at, row in enumerate(table.rows):
        parts += _columns(row, series, plan, at)
    return Frame(width, plan.bottom + FOOT), [*parts, *_names(table.rows, plan)]


def _plan(rows: Sequence[Row], series: Sequence[Series], width: float, head: float) -> _Plan:
    top = head + HEAD
    up = scale(numbers(rows, series), top + PLOT, top, series[0].column.unit, 4)
    left = max(marks.width_of(on_axis(tick, series[0].column.unit), 11) for tick in up.ticks) + 8
    return _Plan(left, width - 2, (width - 2 - left) / len(rows), up, head, top + PLOT)


def _axis(plan: _Plan, series: Sequence[Series]) -> list[str]:
    parts = []
    for tick in plan.up.ticks:
        y = plan.up.at(tick)
        kind, stroke = ("axis", marks.QUIET) if tick == 0 else ("line", marks.LINE)
        parts.append(marks.line(plan.left, y, plan.right, y, kind, stroke))
        parts.append(marks.text(plan.left - 6, y + 4, on_axis(tick, series[0].column.unit), "quiet", "end", 11))
    return parts


def _columns(row: Row, series: Sequence[Series], plan: _Plan, at: int) -> list[str]:
    """Beside each other; the value above the first, and above the others where there is room."""
    thick = min(plan.slot * 0.76 / len(series), 46)
    x = plan.middle(at) - thick * len(series) / 2
    parts = []
    for place, each in enumerate(series):
        parts += _column(row, each, plan, x + place * thick, thick, room=plan.slot if place == 0 else 0)
    return parts


def _column(row: Row, series: Series, plan: _Plan, x: float, thick: float, room: float) -> list[str]:
    value, number, zero = series.of(row), told(series.of(row)), plan.up.at(0)
    label, size = said(value, series.column.unit), 11
    if number is None:
        shown = label if marks.width_of(label, size) <= thick + 4 else "·"
        return [marks.centred(x + thick / 2, zero - 5, shown, 0, plan.right, "quiet", size)]
    end = plan.up.at(number)
    parts = [marks.box(x, min(zero, end), thick - 1, abs(zero - end), series.kind)]
    if marks.width_of(label, size) <= max(room, thick):
        above = end - 4 if number >= 0 else end + 12
        parts.append(marks.centred(x + thick / 2, above, label, 0, plan.right, "ink", size))
    return parts


# --- names along the foot --------------------------------------------------------------------------------------------


def _names(rows: Sequence[Row], plan: _Plan) -> list[str]:
    """Each row's, as many as stand clear; a month is named shortly, its year below the first and below each January."""
    short = [_short(row) for row in rows]
    every = 1
    while every < len(rows) and max(marks.width_of(each, 11) for each in short) + 4 > plan.slot * every:
        every += 1
    parts = []
    room = plan.slot * every
    for at in range(0, len(rows), every):
        name = marks.fitted(short[at], room, 11)
        parts.append(marks.centred(plan.middle(at), plan.bottom + 15, name, 0, plan.right, "ink", 11))
    parts += [
        marks.centred(plan.middle(at), plan.bottom + 30, f"{first:%Y}", 0, plan.right, "quiet", 11)
        for at, row in enumerate(rows)
        if (first := _first(row)) and (at == 0 or first.month == 1) and at % every == 0 and room >= 26
    ]
    return parts


def _short(row: Row) -> str:
    first = _first(row)
    if first is None:
        return row.label
    return f"{first.day} {first:%b}" if _is_day(row) else f"{first:%b}"


def _first(row: Row) -> date | None:
    """The first day of a row that is a month ("2026-11") or a day ("2026-11-23"); None for any other."""
    found = CODE.fullmatch(row.code)
    try:
        return date(int(found[1]), int(found[2]), int(found[3] or 1)) if found else None
    except ValueError:
        return None


def _is_day(row: Row) -> bool:
    return len(row.code) > len("2026-11")


# --- what is shaded --------------------------------------------------------------------------------------------------


def _shades(rows: Sequence[Row], shades: Sequence[Shade], plan: _Plan) -> list[str]:
    parts = []
    for shade in shades:
        begin, end = _place(rows, shade.first, plan), _place(rows, shade.last + timedelta(days=1), plan)
        if begin is None or end is None or end <= begin:
            continue
        parts.append(marks.box(begin, plan.top, end - begin, plan.bottom - plan.top, "term"))
        if marks.width_of(shade.label, 11) + 8 <= end - begin:
            parts.append(marks.text(begin + 5, plan.top + 13, shade.label, "quiet", size=11))
    return parts


def _place(rows: Sequence[Row], day: date, plan: _Plan) -> float | None:
    """Where a day begins; days before the first row and after the last stand at its edge."""
    firsts = [_first(row) for row in rows]
    starts = [each for each in firsts if each is not None]
    if len(starts) != len(rows) or starts != sorted(starts):
        return None
    before = [at for at, start in enumerate(starts) if start <= day]
    if not before:
        return plan.left
    at = before[-1]
    return plan.left + plan.slot * min(at + (day - starts[at]).days / _days(rows[at], starts[at]), len(rows))


def _days(row: Row, first: date) -> int:
    return 1 if _is_day(row) else monthrange(first.year, first.month)[1]
