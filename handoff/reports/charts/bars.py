"""Bars: one for each row of a table, lying, with its value at its end. Where it is narrow, labels stand above."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from handoff.reports.charts import marks
from handoff.reports.charts.marks import Frame
from handoff.reports.charts.scales import Scale, scale
from handoff.reports.charts.series import Series, legend, legend_height, nothing, numbers, series_of, told
from handoff.reports.model import Chart, Row, Table
from handoff.reports.saying import on_axis, said

NARROW: Final = 480
"""Below so many units, a label has no room beside its bar."""
BARS: Final = (15.0, 10.0, 7.0)
"""How thick the bars of the first, second and third column are."""
MANY: Final = 12
"""From more rows on, they stand closer: a chart and its table go on one page as long as they can."""
AXIS: Final = 24.0
GROUP: Final = 27.0
LABEL: Final = 17.0
INDENT: Final = 5.0
SECOND_LINE: Final = 7.0
SMALL: Final = 600
LEFT_PART: Final = 0.46
LEFT_PART_WIDE: Final = 0.38
"""How much of a drawing labels may take beside their bars: more where it is small."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where everything stands: the labels' width, the scale, each row's upper edge, the lower edge of them all."""

    left: float
    across: Scale
    tops: tuple[float, ...]
    bottom: float
    stacked: bool


def bars(table: Table, chart: Chart, width: float) -> tuple[Frame, list[str]]:
    if not table.rows:
        return nothing(width, "Nothing was counted.")
    series = series_of(table, chart)
    plan = _plan(table.rows, series, width)
    parts = legend(_entries(series), 0, width)
    if numbers(table.rows, series):
        parts += _axis(plan, series)
    for at, row in enumerate(table.rows):
        parts += _row(row, series, plan, at, table.rows[at - 1].group if at else "", width)
    return Frame(width, plan.bottom + AXIS), parts


def _plan(rows: Sequence[Row], series: Sequence[Series], width: float) -> _Plan:
    stacked = width < NARROW
    part = LEFT_PART if width < SMALL else LEFT_PART_WIDE
    left = 0.0 if stacked else min(part * width, max(marks.width_of(row.label) for row in rows) + 12)
    ends = max(marks.width_of(said(each.of(row), each.column.unit)) for row in rows for each in series) + 10
    found = numbers(rows, series)
    before = ends if min((0.0, *found)) < 0 else 1.0
    across = scale(found, left + before, width - ends, series[0].column.unit, 3 if stacked else 5)
    gap = 9.0 if len(rows) <= MANY else 4.0
    labels = [_room_for(row.label, width, left) for row in rows]
    heights = [
        labels[at] + _height(row, rows[at - 1].group if at else "", len(series), gap) for at, row in enumerate(rows)
    ]
    begin = legend_height(_entries(series), width) or 4.0
    edges = tuple(accumulate(heights, initial=begin))
    return _Plan(left, across, edges[:-1], edges[-1] + 2, stacked)


def _entries(series: Sequence[Series]) -> list[tuple[str, str]]:
    return [(each.kind, each.column.label) for each in series] if len(series) > 1 else []


def _room_for(label: str, width: float, left: float) -> float:
    """What a label adds to the height of its row: its lines above the bars, or its second line beside them."""
    if not left:
        return LABEL * len(marks.wrapped(label, width - INDENT, 2))
    return SECOND_LINE if marks.width_of(label) > left - 10 and len(marks.wrapped(label, left - 10, 2, 11)) > 1 else 0.0


def _height(row: Row, before: str, series: int, gap: float) -> float:
    own = sum(BARS[at % 3] + 1 for at in range(series)) + (gap if series == 1 else gap + 2)
    return own + (GROUP if row.group and row.group != before else 0)


def _axis(plan: _Plan, series: Sequence[Series]) -> list[str]:
    unit, parts = series[0].column.unit, []
    for tick in plan.across.ticks:
        x = plan.across.at(tick)
        kind, stroke = ("axis", marks.QUIET) if tick == 0 else ("line", marks.LINE)
        parts.append(marks.line(x, plan.tops[0], x, plan.bottom, kind, stroke))
    shown = _apart(plan, [on_axis(tick, unit) for tick in plan.across.ticks])
    for tick in shown:
        label, x = on_axis(tick, unit), plan.across.at(tick)
        anchor = "start" if x - marks.width_of(label, 11) / 2 < 0 else "middle"
        parts.append(marks.text(x, plan.bottom + 15, label, "quiet", anchor, 11))
    return parts


def _apart(plan: _Plan, labels: Sequence[str]) -> list[float]:
    """As many of the ticks as stand clear of each other."""
    ticks = plan.across.ticks
    room = abs(plan.across.at(ticks[1]) - plan.across.at(ticks[0]))
    every = 1
    while every < len(ticks) and max(marks.width_of(each, 11) for each in labels) + 6 > room * every:
        every += 1
    return [tick for at, tick in enumerate(ticks) if at % every == 0]


def _row(row: Row, series: Sequence[Series], plan: _Plan, at: int, before: str, width: float) -> list[str]:
    y, parts = plan.tops[at], []
    if row.group and row.group != before:
        parts.append(marks.text(0, y + 18, marks.fitted(row.group, width, 12), "quiet", more=' font-weight="600"'))
        y += GROUP
    if plan.stacked:
        for line in marks.wrapped(row.label, width - INDENT, 2):
            parts.append(marks.text(INDENT, y + 13, line))
            y += LABEL
    else:
        parts += _label(row.label, y, plan)
    y += 3
    for place, each in enumerate(series):
        thick = BARS[place % 3]
        parts += _bar(row, each, plan.across, y, thick)
        y += thick + 1
    return parts


def _label(label: str, y: float, plan: _Plan) -> list[str]:
    """Beside the first bar, on two lines where it is long."""
    if marks.width_of(label) <= plan.left - 10:
        return [marks.text(plan.left - 8, y + 15, label, anchor="end")]
    found = marks.wrapped(label, plan.left - 10, 2, 11)
    return [
        marks.text(plan.left - 8, y + (9 if len(found) > 1 else 15) + 11.5 * line, each, anchor="end", size=11)
        for line, each in enumerate(found)
    ]


def _bar(row: Row, series: Series, across: Scale, y: float, thick: float) -> list[str]:
    value, unit = series.of(row), series.column.unit
    number, zero = told(value), across.at(0)
    size = 12 if thick > 12 else 11
    line = y + thick / 2 + size * 0.36
    if number is None:
        return [marks.text(zero + 6, line, said(value, unit), "quiet", size=size)]
    end = across.at(number)
    label = marks.text(
        end + (6 if number >= 0 else -6), line, said(value, unit), "ink" if thick > 12 else "quiet",
        "start" if number >= 0 else "end", size,
    )  # fmt: skip
    return [marks.box(min(zero, end), y, abs(end - zero), thick, series.kind), label]
