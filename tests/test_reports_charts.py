"""Charts: everything drawn stands inside the picture, says what the table says, and can be read without colour."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.reports.charts import NARROW, WIDE, chart_of, marks
from handoff.reports.charts.grid import level_of
from handoff.reports.charts.scales import scale
from handoff.reports.model import HIDDEN, Basis, Chart, ChartKind, Column, Row, Shade, Table, Unit, Value
from handoff.reports.saying import NO_DATA, NOT_TOLD
from tests.report_made import TERMS, bare, made

SVG = "{http://www.w3.org/2000/svg}"
KINDS = list(ChartKind)
COUNTS = st.one_of(st.integers(0, 5_000_000), st.just(HIDDEN), st.none())
LABELS = st.text(st.characters(exclude_categories=()), max_size=60)


def picture(table: Table, chart: Chart, width: float = WIDE) -> ET.Element:
    return ET.fromstring(chart_of(table, chart, "What it shows.", width))


def words(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def outside(root: ET.Element) -> list[str]:
    """What stands outside the view box, wholly or in part; text by its estimated width."""
    wide, high = map(float, root.attrib["viewBox"].split()[2:])
    return [
        ET.tostring(each, "unicode")
        for each in root
        for x1, y1, x2, y2 in [_bounds(each)]
        if min(x1, y1) < -0.6 or x2 > wide + 0.6 or y2 > high + 0.6
    ]


def _bounds(mark: ET.Element) -> tuple[float, float, float, float]:
    def at(name: str) -> float:
        return float(mark.get(name, 0))

    if mark.tag == f"{SVG}rect":
        assert at("width") >= 0
        assert at("height") >= 0
        return at("x"), at("y"), at("x") + at("width"), at("y") + at("height")
    if mark.tag == f"{SVG}line":
        xs, ys = sorted((at("x1"), at("x2"))), sorted((at("y1"), at("y2")))
        return xs[0], ys[0], xs[1], ys[1]
    if mark.tag == f"{SVG}text":
        wide = marks.width_of(mark.text or "", at("font-size"))
        if mark.get("transform"):  # standing on end: from y upwards
            return at("x") - at("font-size"), at("y") - wide, at("x"), at("y")
        left = at("x") - {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.get("text-anchor", "start")] * wide
        return left, at("y") - at("font-size") * 0.8, left + wide, at("y")
    return 0, 0, 0, 0


def table_of(labels: list[str], names: list[str], values: list[list[Value]], unit: Unit = Unit.COUNT) -> Table:
    columns = tuple(Column(f"k{at}", name, unit) for at, name in enumerate(names))
    rows = tuple(
        Row(f"{2000 + at // 12}-{at % 12 + 1:02}", label, tuple(line))
        for at, (label, line) in enumerate(zip(labels, values, strict=True))
    )
    return Table("t", "Title", "Row", columns, rows, Basis("cases", 1, 1))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    names = draw(st.lists(LABELS, min_size=1, max_size=3))
    labels = draw(st.lists(LABELS, max_size=40))
    values = [draw(st.lists(COUNTS, min_size=len(names), max_size=len(names))) for _ in labels]
    table = table_of(labels, names, values, draw(st.sampled_from(Unit)))
    group = draw(LABELS)
    return replace(table, rows=tuple(replace(row, group=group if at % 3 else "") for at, row in enumerate(table.rows)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [WIDE, NARROW])
@given(table=tables())
@settings(max_examples=60, deadline=None)
def test_whatever_the_table_holds_everything_stands_inside(kind: ChartKind, width: float, table: Table) -> None:
    root = picture(table, Chart(kind, tuple(each.key for each in table.columns), TERMS), width)
    assert outside(root) == []


def test_a_mark_outside_would_be_noticed() -> None:
    frame = marks.Frame(100, 50)
    for mark in (marks.box(90, 0, 20, 5, "first"), marks.text(80, 20, "too long by far"), marks.line(0, 0, 0, 60)):
        assert outside(ET.fromstring(marks.drawing(frame, "n", "a", [mark])))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "values", [(), (7,), tuple(range(40)), (HIDDEN,) * 6, (None,) * 6, (0, 0, 0), (HIDDEN, 5, None, 0)],
    ids=["no row", "one", "forty", "all hidden", "no data", "zeros", "mixed"],
)  # fmt: skip
def test_few_many_and_hidden_rows(kind: ChartKind, values: tuple[Value, ...]) -> None:
    table, chart = bare(values, kind)
    root = picture(table, chart)
    assert outside(root) == []
    assert root.get("role") == "img"
    assert [each.tag for each in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert words(root) if values else words(root) == ["Nothing was counted."]
    bars = [each for each in root.iter(f"{SVG}rect") if each.get("class") == "c-first"]
    if kind is not ChartKind.GRID:
        assert len(bars) == sum(isinstance(each, int) and each is not HIDDEN for each in values)


def test_each_bar_is_as_long_as_its_value_and_bears_it() -> None:
    root = picture(*bare((100, 50, 0, HIDDEN, None)))
    lengths = [float(each.get("width", 0)) for each in root.iter(f"{SVG}rect")]
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=0.2)
    assert lengths[2] == 0
    for label in ("100", "50", "0", NOT_TOLD, NO_DATA):
        assert label in words(root)


def test_less_than_nothing_is_drawn_to_the_other_side() -> None:
    root = picture(*bare((-40.0, 80.0), unit=Unit.CHANGE))
    left, right = (float(each.get("x", 0)) for each in root.iter(f"{SVG}rect"))
    assert left < right
    assert outside(root) == []


def test_terms_are_shaded_where_they_are_and_not_where_there_are_no_months() -> None:
    table, chart = bare((10,) * 12, ChartKind.COLUMNS)  # 2000-01 to 2000-12
    term = Shade("Summer", date(2000, 4, 16), date(2000, 6, 30))
    root = picture(table, replace(chart, shades=(term, Shade("Long ago", date(1990, 1, 1), date(1990, 2, 1)))))
    shaded = [each for each in root.iter(f"{SVG}rect") if each.get("class") == "c-term"][-1:]
    columns = [each for each in root.iter(f"{SVG}rect") if each.get("class") == "c-first"]
    slot = (float(columns[-1].get("x", 0)) - float(columns[1].get("x", 0))) / 11  # the legend's swatch is before
    begin = float(shaded[0].get("x", 0))
    assert float(shaded[0].get("width", 0)) == pytest.approx(2.5 * slot, rel=0.02)
    april = float(columns[4].get("x", 0))
    assert april < begin < april + slot
    assert "School term" in words(root)
    assert "Long ago" not in words(root)
    nameless = replace(table, rows=tuple(replace(row, code="x") for row in table.rows))
    assert "Summer" not in words(picture(nameless, replace(chart, shades=(term,))))


def test_a_grid_says_each_number_and_grows_darker_with_it() -> None:
    values = [[1, 10, 100], [1000, 0, HIDDEN]]
    table = table_of(["a", "b"], ["x", "y", "z"], values)
    root = picture(table, Chart(ChartKind.GRID, ("k0", "k1", "k2")))
    for label in ("1", "10", "100", "1,000", "0", NOT_TOLD):
        assert label in words(root)
    levels = [level_of(each, 1000) for each in (0, 1, 10, 100, 500, 1000)]
    assert levels[0] is None
    assert levels[1:] == sorted(levels[1:], key=int)  # type: ignore[arg-type]
    assert levels[-1] == 4


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_numbers_can_be_read_on_their_cells_and_shades_stay_apart_in_grey() -> None:
    for level, fill in enumerate(marks.LEVELS):
        assert contrast(fill, marks.LETTERS[f"on-{level}"]) >= 4.5, level
    greys = [luminance(each) for each in marks.LEVELS]
    assert greys == sorted(greys, reverse=True)
    assert all(darker < lighter - 0.03 for lighter, darker in pairwise(greys))
    assert contrast(marks.FILLS["first"], marks.FILLS["second"]) > 3
    assert contrast(marks.QUIET, marks.FILLS["term"]) >= 4.5


def test_no_colour_is_red() -> None:
    drawn = "".join(chart_of(each.table, each.chart, "") for each in made().sections if each.chart)
    for colour in set(re.findall("#[0-9a-f]{6}", drawn)):
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        assert red < 1.6 * max(green, blue, 1), colour


def test_words_of_a_table_are_words_in_the_picture() -> None:
    table, chart = bare((5,))
    evil = replace(table, title='<script>alert("1")</script>', rows=(Row("c", "<b>&\x00\ud800 'x'", (5,)),))
    drawn = chart_of(evil, chart, '"><img src=x>')
    root = ET.fromstring(drawn)
    assert {each.tag for each in root.iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "title", "desc", "rect", "line", "text")
    }
    assert "<b>&\ufffd\ufffd 'x'" in words(root)


def test_a_column_the_table_has_not_is_a_fault() -> None:
    table, chart = bare((5,))
    with pytest.raises(ValueError, match="elsewhere"):
        chart_of(table, replace(chart, columns=("elsewhere",)), "")


@given(
    st.lists(st.floats(-1e6, 1e9).map(lambda value: round(value, 1)), max_size=20),
    st.sampled_from(Unit),
    st.integers(2, 8),
)
@settings(max_examples=200, deadline=None)
def test_an_axis_holds_its_values_and_zero_and_names_few_round_numbers(
    values: list[float], unit: Unit, about: int
) -> None:
    found = scale(tuple(values), 0, 100, unit, about)
    assert found.low <= min((0.0, *values))
    assert found.high >= max((0.0, *values)) * (1 - 1e-9)
    assert 0 in found.ticks
    assert 2 <= len(found.ticks) <= 3 * about + 2
    assert found.at(found.low) == 0
    assert found.at(found.high) == 100
    if unit is Unit.COUNT:
        assert all(tick == int(tick) for tick in found.ticks)


@given(LABELS, st.floats(1, 400), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_wrapped_words_keep_to_their_width_and_lines(text: str, width: float, lines: int) -> None:
    found = marks.wrapped(text, width, lines)
    assert 1 <= len(found) <= lines
    assert all(each == "…" or marks.width_of(each) <= width for each in found)
