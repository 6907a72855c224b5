"""Charts as SVG, drawn from the table beside them and from nothing else. Pure: values in, text out."""

from typing import Final, assert_never

from handoff.reports.charts.bars import bars
from handoff.reports.charts.columns import columns
from handoff.reports.charts.grid import grid
from handoff.reports.charts.marks import drawing
from handoff.reports.model import Chart, ChartKind, Table

WIDE: Final = 720.0
"""Paper, and a screen with room."""
MIDDLE: Final = 480.0
"""A tablet, or a desk with little room."""
NARROW: Final = 230.0
"""A phone: the same letters, fewer beside each other. No letter is smaller than 12 pixels where a drawing is shown."""
NAMES: Final = {
    ChartKind.BARS: "Bar chart",
    ChartKind.COLUMNS: "Column chart over time",
    ChartKind.GRID: "Grid of numbers, the darker the more",
}


def chart_of(table: Table, chart: Chart, reading: str, width: float = WIDE) -> str:
    """The picture, named by its table and told by the sentence that reads it."""
    match chart.kind:
        case ChartKind.BARS:
            frame, parts = bars(table, chart, width)
        case ChartKind.COLUMNS:
            frame, parts = columns(table, chart, width)
        case ChartKind.GRID:
            frame, parts = grid(table, chart, width)
        case _:
            assert_never(chart.kind)
    name = f"{NAMES[chart.kind]}: {table.title}. {reading}".rstrip()
    return drawing(frame, name, f"Drawn from the table “{table.title}” beside it, which has every number.", parts)
