"""A grid of rows by columns: the darker the more, and the number stands in every cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final

from handoff.reports.charts import marks
from handoff.reports.charts.marks import LEVELS, Frame
from handoff.reports.charts.series import Series, nothing, numbers, series_of, told
from handoff.reports.model import Chart, Row, Table
from handoff.reports.saying import NOT_TOLD, said

CELL, CLOSE = 30.0, 24.0
"""How high a row is: with few of them, and with more than MANY."""
MANY: Final = 12
LEFT_PART: Final = 0.3
KEY: Final = 190.0
"""How wide the key is, from "fewer" to "more"."""


@dataclass(frozen=True, slots=True)
class Space:
    """What a cell has, with the gaps around it."""

    x: float
    y: float
    width: float
    height: float


def grid(table: Table, chart: Chart, width: float) -> tuple[Frame, list[str]]:
    if not table.rows or not chart.columns:
        return nothing(width, "Nothing was counted.")
    series = series_of(table, chart)
    left = min(LEFT_PART * width, max(marks.width_of(row.label) for row in table.rows) + 12)
    wide = (width - left) / len(series)
    head, parts = _heads(series, left, wide)
    high = CELL if len(table.rows) <= MANY else CLOSE
    most = max(numbers(table.rows, series), default=0.0)
    for at, row in enumerate(table.rows):
        y = head + at * high
        parts += _label(row.label, left, y + high / 2)
        for place, each in enumerate(series):
            parts += _cell(row, each, most, Space(left + place * wide, y, wide, high))
    bottom = head + len(table.rows) * high
    return Frame(width, bottom + 30), [*parts, *_key(left, bottom + 10, width)]


def level_of(value: float, most: float) -> int | None:
    """0 to 4, by the root of its part of the most: one large number leaves the others apart. None for nothing."""
    if value <= 0 or most <= 0:
        return None
    return min(ceil(len(LEVELS) * sqrt(value / most)), len(LEVELS)) - 1


def _heads(series: Sequence[Series], left: float, wide: float) -> tuple[float, list[str]]:
    """How high they stand, and they themselves: lying on up to three lines, or standing on end where it is narrow."""
    size = 11.0
    if all(marks.width_of(word, size) <= wide - 4 for each in series for word in each.column.label.split()):
        wraps = [marks.wrapped(each.column.label, wide - 4, 3, size) for each in series]
        high = max(len(each) for each in wraps) * 13.0 + 8
        parts = [
            marks.text(left + (place + 0.5) * wide, high - 8 - 13 * (len(found) - 1 - at), word, "ink", "middle", size)
            for place, found in enumerate(wraps)
            for at, word in enumerate(found)
        ]
        return high, parts
    high = min(max(marks.width_of(each.column.label, size) for each in series), 130) + 12
    return high, [
        _standing(marks.fitted(each.column.label, high - 10, size), left + (place + 0.5) * wide + 4, high - 6, size)
        for place, each in enumerate(series)
    ]


def _standing(label: str, x: float, y: float, size: float) -> str:
    return marks.text(x, y, label, size=size, more=f' transform="rotate(-90 {x:.1f} {y:.1f})"')


def _label(label: str, left: float, middle: float) -> list[str]:
    if marks.width_of(label) <= left - 10:
        return [marks.text(left - 8, middle + 4, label, anchor="end")]
    found = marks.wrapped(label, left - 10, 2, 11)
    top = middle + (4 if len(found) == 1 else -2)
    return [marks.text(left - 8, top + 12 * at, each, anchor="end", size=11) for at, each in enumerate(found)]


def _cell(row: Row, series: Series, most: float, space: Space) -> list[str]:
    value, number = series.of(row), told(series.of(row))
    level = None if number is None else level_of(number, most)
    kind, fill = ("cell-none", None) if level is None else (f"level-{level}", LEVELS[level])
    edge = f' stroke="{marks.LINE}" rx="2"' if level is None else ' rx="2"'
    label = said(value, series.column.unit) if value is not None else "·"
    room = space.width - 4
    size = 12.0 if marks.width_of(label) <= room else max(12.0 * room / marks.width_of(label), 5)
    return [
        marks.box(space.x + 1, space.y + 1, space.width - 2, space.height - 2, kind, fill, edge),
        marks.text(
            space.x + space.width / 2, space.y + space.height / 2 + size * 0.36, label,
            "quiet" if level is None else f"on-{level}", "middle", size,
        ),
    ]  # fmt: skip


def _key(left: float, y: float, width: float) -> list[str]:
    """Fewer to more, and what a sign means, as far as there is room."""
    left = max(0.0, min(left, width - KEY))
    parts = [marks.text(left, y + 10, "fewer", "quiet", size=11)]
    x = left + marks.width_of("fewer", 11) + 6
    for level, fill in enumerate(LEVELS):
        parts.append(marks.box(x + level * 20, y, 18, 12, f"level-{level}", fill, ' rx="2"'))
    x += len(LEVELS) * 20 + 6
    parts.append(marks.text(x, y + 10, "more", "quiet", size=11))
    x += marks.width_of("more", 11) + 18
    sign = f"{NOT_TOLD} not told"
    return [*parts, marks.text(x, y + 10, sign, "quiet", size=11)] if x + marks.width_of(sign, 11) <= width else parts
