"""The columns of a table that a chart draws, each with its rows' values; what all kinds of chart ask of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from handoff.reports.charts import marks
from handoff.reports.charts.marks import SERIES
from handoff.reports.model import Chart, Column, Hidden, Row, Table, Value

LEGEND_HEIGHT = 26.0
LEGEND_LINE = 17.0
KEY = 17.0
"""From the left of a colour to its words."""


@dataclass(frozen=True, slots=True)
class Series:
    """One column of the table; `kind` is its colour."""

    column: Column
    place: int
    kind: str

    def of(self, row: Row) -> Value:
        return row.values[self.place]


def series_of(table: Table, chart: Chart) -> tuple[Series, ...]:
    """In the order the chart names them. Raises: ValueError for a column the table has not."""
    keys = [column.key for column in table.columns]
    places = [keys.index(key) for key in chart.columns]
    return tuple(Series(table.columns[place], place, SERIES[at % len(SERIES)]) for at, place in enumerate(places))


def numbers(rows: Sequence[Row], series: Sequence[Series]) -> tuple[float, ...]:
    """All that are told."""
    return tuple(number for row in rows for each in series if (number := told(each.of(row))) is not None)


def told(value: Value) -> float | None:
    return None if value is None or isinstance(value, Hidden) else float(value)


def legend(entries: Sequence[tuple[str, str]], x: float, width: float) -> list[str]:
    """(colour, words) side by side, on as many lines as they need."""
    parts: list[str] = []
    for (kind, said), (place, line) in zip(entries, _places(entries, width), strict=True):
        label = marks.fitted(said, width - place - KEY)
        parts.append(marks.box(x + place, 3 + LEGEND_LINE * line, 11, 11, kind))
        parts.append(marks.text(x + place + KEY, 13 + LEGEND_LINE * line, label, "quiet"))
    return parts


def legend_height(entries: Sequence[tuple[str, str]], width: float) -> float:
    """What stays free above a chart; 0 without entries."""
    return LEGEND_HEIGHT + LEGEND_LINE * _places(entries, width)[-1][1] if entries else 0.0


def _places(entries: Sequence[tuple[str, str]], width: float) -> list[tuple[float, int]]:
    """How far along, and on which line, each entry begins."""
    found, place, line = [], 0.0, 0
    for _, said in entries:
        wide = KEY + marks.width_of(said)
        if place and place + wide > width:
            place, line = 0.0, line + 1
        found.append((place, line))
        place += wide + 18
    return found


def nothing(width: float, words: str) -> tuple[marks.Frame, list[str]]:
    """For a table without a row: an empty picture would look like a fault."""
    return marks.Frame(width, 48), [marks.text(0, 28, words, "quiet", size=13)]
