"""The figure of the year on one square, to be shared: the number, what it counts, a few sentences, the year's shape."""

from collections.abc import Sequence
from typing import Final

from handoff.reports import saying
from handoff.reports.charts import marks
from handoff.reports.charts.marks import Frame
from handoff.reports.charts.scales import scale
from handoff.reports.charts.series import Series, numbers, series_of, told
from handoff.reports.model import ChartKind, Report, Section, Unit

SIDE: Final = 1080.0
EDGE: Final = 84.0
INNER: Final = SIDE - 2 * EDGE
SERIF: Final = (
    "'Iowan Old Style', 'Palatino Linotype', Palatino, P052, Georgia, 'Noto Serif', 'Liberation Serif', serif"
)
DEEP, PALE, GOLD, WHITE, DIM = "#0b4450", "#cfe5e8", "#e3c27e", "#ffffff", "#4f97a3"
SIZES: Final = {1: (36.0, 30.0, 24.0), 2: (29.0, 26.0, 23.0), 3: (24.0, 22.5, 21.0)}
"""Of the sentences beside the figure, by how many there are: the largest in which all of them have room."""
LARGEST: Final = 280.0
SHAPE_TOP, SHAPE_BOTTOM = 830.0, 930.0


def figure_of(report: Report) -> str:
    """SVG, a thousand units square; all its words are in its title too, for whoever does not see it."""
    head, below = _number(report)
    parts = [
        f'<rect x="0" y="0" width="{SIDE:g}" height="{SIDE:g}" fill="{DEEP}"/>',
        _said(EDGE, EDGE + 30, marks.fitted(report.service, INNER, 30), 30, PALE, weight=600),
        _said(EDGE, EDGE + 74, saying.days(report.days), 26, PALE),
        *head,
        *_beside(report, below),
        *_shape(report),
        _said(EDGE, SIDE - EDGE + 34, _foot(report), 22, PALE),
    ]
    return marks.drawing(Frame(SIDE, SIDE), _alone(report), "The figure of this report, for sharing.", parts)


def _number(report: Report) -> tuple[list[str], float]:
    """The figure as large as it may be, what it counts, and where that ends."""
    headline = report.headline
    size = min(LARGEST, INNER / max(marks.width_of(headline.figure, 1.0), 0.1))
    line = EDGE + 120 + 0.72 * size
    below = line + 0.14 * size + 66  # clear of a comma's tail
    lines = marks.wrapped(headline.says, INNER, 2, 44)
    parts = [_said(EDGE - 4, line, marks.fitted(headline.figure, INNER, size), size, WHITE, SERIF, 600)]
    parts += [_said(EDGE, below + 54 * at, each, 44, WHITE, SERIF) for at, each in enumerate(lines)]
    return parts, below + 54 * (len(lines) - 1)


def _beside(report: Report, above: float) -> list[str]:
    """Sentences in columns, each under a line, as many lines as there is room for."""
    sentences = report.headline.beside[:3]
    if not sentences:
        return []
    gap, top = 36.0, above + 62
    wide = (INNER - gap * (len(sentences) - 1)) / len(sentences)
    size, wraps = _set(sentences, wide, SHAPE_TOP - 36 - top)
    parts = []
    for at, lines in enumerate(wraps):
        x = EDGE + at * (wide + gap)
        parts.append(f'<rect x="{x:.1f}" y="{top:.1f}" width="{wide:.1f}" height="3" fill="{GOLD}"/>')
        parts += [_said(x, top + 16 + 1.25 * size * (line + 1), each, size, WHITE) for line, each in enumerate(lines)]
    return parts


def _set(sentences: Sequence[str], wide: float, high: float) -> tuple[float, list[tuple[str, ...]]]:
    """How large they are set, and their lines; in the smallest size, what has no room is cut."""
    for size in SIZES[len(sentences)]:
        lines = max(int(high / (1.25 * size)), 1)
        found = [marks.wrapped(each, wide, lines, size) for each in sentences]
        if " ".join(each for lines_of in found for each in lines_of) == " ".join(" ".join(sentences).split()):
            break
    return size, found


def _shape(report: Report) -> list[str]:
    """The first chart over time, as columns without an axis; nothing where there is none, or nothing is told."""
    found = next((each for each in report.sections if each.chart and each.chart.kind is ChartKind.COLUMNS), None)
    if found is None or found.chart is None:
        return []
    series = series_of(found.table, found.chart)[:1]
    if not numbers(found.table.rows, series):
        return []
    return [*_columns(found, series[0]), *_ends(found)]


def _columns(section: Section, series: Series) -> list[str]:
    rows = section.table.rows
    up = scale(numbers(rows, (series,)), SHAPE_BOTTOM, SHAPE_TOP, Unit.COUNT)
    slot, most = INNER / len(rows), max(numbers(rows, (series,)))
    parts = [f'<rect x="{EDGE:g}" y="{SHAPE_BOTTOM:g}" width="{INNER:g}" height="2" fill="{DIM}"/>']
    for at, row in enumerate(rows):
        number = told(series.of(row))
        if number is None:  # nothing would say that there was nothing
            parts.append(_said(EDGE + (at + 0.5) * slot, SHAPE_BOTTOM - 8, saying.NOT_TOLD, 20, PALE, anchor="middle"))
        elif number > 0:
            fill = GOLD if number == most else DIM
            parts.append(_column(EDGE + (at + 0.1) * slot, up.at(number), 0.8 * slot, fill))
    return parts


def _column(x: float, y: float, width: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{SHAPE_BOTTOM - y:.1f}" fill="{fill}"/>'


def _ends(section: Section) -> list[str]:
    """What the columns are: the first row's name and the last's, and the table's between them."""
    rows = section.table.rows
    first, middle, last = (
        marks.fitted(each, INNER / 3 - 10, 20) for each in (rows[0].label, section.table.title, rows[-1].label)
    )
    return [
        _said(EDGE, SHAPE_BOTTOM + 30, first, 20, PALE),
        _said(SIDE / 2, SHAPE_BOTTOM + 30, middle, 20, PALE, anchor="middle"),
        _said(SIDE - EDGE, SHAPE_BOTTOM + 30, last, 20, PALE, anchor="end"),
    ]


def _foot(report: Report) -> str:
    standing = "For use inside" if report.release is None else f"From report number {report.release}"
    return f"{standing} · Demonstration: every number is invented" if saying.INVENTED in report.notes else standing


def _alone(report: Report) -> str:
    said = (f"{report.headline.figure} {report.headline.says}.", *report.headline.beside)
    return f"{report.service}, {saying.days(report.days)}: {' '.join(said)}"


def _said(
    x: float,
    y: float,
    words: str,
    size: float,
    fill: str,
    font: str = marks.SANS,
    weight: int = 400,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="{font}" font-size="{size:.1f}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{fill}">{marks.words(words)}</text>'
    )
