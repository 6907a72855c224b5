"""The columns of a table that a chart draws, each with its rows' values; what all kinds of chart ask of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from handoff.reports.charts import marks
from handoff.reports.charts.marks import SERIES
from handoff.reports.model import Chart, Column, Hidden, Row, Table, Value

LEGEND_HEIGHT = 26.0


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
    """(colour, words) side by side, as far as there is room."""
    parts: list[str] = []
    place = x
    for kind, said in entries:
        room = x + width - place - 17
        if room < 30:
            break
        label = marks.fitted(said, room)
        parts += [marks.box(place, 3, 11, 11, kind), marks.text(place + 17, 13, label, "quiet")]
        place += 17 + marks.width_of(label) + 18
    return parts


def nothing(width: float, words: str) -> tuple[marks.Frame, list[str]]:
    """For a table without a row: an empty picture would look like a fault."""
    return marks.Frame(width, 48), [marks.text(0, 28, words, "quiet", size=13)]
