"""A report in every form: what it says, what it hides, what it may not do, and what each form promises."""

import csv
import hashlib
import io
import json
import re
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff import pdf
from handoff.periods import Days
from handoff.reports import as_csv, rendering, saying
from handoff.reports.as_json import as_data, as_json
from handoff.reports.as_text import as_text
from handoff.reports.figure import figure_of
from handoff.reports.from_json import OtherSchema, report_from
from handoff.reports.model import HIDDEN, Headline, Report, Row, Unit, Value
from tests.report_made import N, empty, made, passed_on
from tests.test_reports_charts import outside

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())
EVIL = "</style><script>alert(1)</script>\"'\\"
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """What a page is made of: tags with their attributes, in order, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.said = ""
        self.wrong: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.said += data

    @property
    def headings(self) -> list[int]:
        return [int(tag[1]) for tag, _ in self.tags if re.fullmatch("h[1-6]", tag)]


def evil() -> Report:
    """Every word of it tries to be something else."""
    report = made()
    section = report.sections[0]
    rows = (Row("=cmd", EVIL, (12, 100.0, 6, 100.0)), *section.table.rows)
    table = replace(section.table, title=EVIL, rows=rows, notes=(EVIL,))
    bad = replace(section, title=EVIL, chapter=EVIL, reading=EVIL, table=table)
    return replace(report, service=EVIL, sections=(bad,), notes=(EVIL,), headline=Headline(EVIL, EVIL, (EVIL,)))


# --- words of values -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (4078, Unit.COUNT, "4,078"), (0, Unit.COUNT, "0"), (HIDDEN, Unit.COUNT, "–"), (None, Unit.PERCENT, "no data"),
        (46.25, Unit.PERCENT, "46.2%"), (100, Unit.PERCENT, "100.0%"), (500.6, Unit.CHANGE, "+501%"),
        (-12.5, Unit.CHANGE, "−12.5%"), (0.0, Unit.CHANGE, "no change"), (44, Unit.SECONDS, "44 s"),
        (59.9, Unit.SECONDS, "60 s"), (212, Unit.SECONDS, "4 min"), (7500, Unit.SECONDS, "2 h 5 min"),
        (3570, Unit.SECONDS, "1 h"), (172_800, Unit.SECONDS, "2 days"), (180_000, Unit.SECONDS, "2 days 2 h"),
        (14.5, Unit.HOURS, "14.5 h"), (18.0, Unit.HOURS, "18 h"), (3.2, Unit.RATIO, "3.2 ×"),
        (1234.0, Unit.HOURS, "1,234 h"),
    ],
)  # fmt: skip
def test_a_value_is_said_in_its_unit(value: Value, unit: Unit, words: str) -> None:
    assert saying.said(value, unit) == words


def test_coverage_is_never_all_while_one_is_missing_and_never_nothing_while_one_is_there() -> None:
    found = [
        saying.coverage(*pair)
        for pair in ((4078, 4078), (4077, 4078), (1, 4078), (0, 9), (HIDDEN, 9), (5, 0), (5, None))
    ]
    assert found == ["100%", "99%", "1%", "0%", "", "", ""]


def test_a_period_is_told_by_first_and_last_day_and_named_by_its_length() -> None:
    year = Days(date(2021, 11, 1), date(2022, 11, 1))
    assert saying.days(year) == "1 November 2021 to 31 October 2022"
    assert saying.days(Days(date(2024, 2, 29), date(2024, 3, 1))) == "29 February 2024"
    named = [
        rendering.kind_of(Days(date(2024, 1, 1), end))
        for end in (date(2025, 1, 1), date(2024, 4, 1), date(2024, 2, 1), date(2024, 1, 31))
    ]
    assert named == ["Annual report", "Quarterly report", "Monthly report", "Report"]


# --- HTML ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("report", [made(), passed_on(), empty(), evil()], ids=["made", "passed on", "empty", "evil"])
def test_the_file_stands_alone_and_is_well_formed(report: Report) -> None:
    html = rendering.html(report)
    page = Page(html)
    assert page.wrong == page.open == []
    assert {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "object", "form"} == set()
    for _, attributes in page.tags:
        assert not any(name.startswith("on") or name in {"style", "src", "srcset"} for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"@import|url\(|@font-face", html)
    assert "script-src" not in html
    assert "default-src 'none'; style-src 'sha256-" in html


def test_the_style_is_the_one_its_own_policy_allows() -> None:
    html = rendering.html(evil())
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]  # type: ignore[index]
    mark = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{mark}'" in html.replace("&#39;", "'").replace("&#43;", "+")
    assert "alert" in style  # it runs in the head of each page, and ends nothing there
    assert "<" not in style.replace("/* ", "")


def test_headings_go_down_one_by_one_and_every_link_leads_somewhere() -> None:
    page = Page(rendering.html(made()))
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(page.headings))
    ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    wanted = {(attributes["href"] or "")[1:] for tag, attributes in page.tags if tag == "a"}
    wanted |= {attributes["aria-labelledby"] or "" for _, attributes in page.tags if "aria-labelledby" in attributes}
    assert wanted <= set(ids)
    assert Page(rendering.body(made(), top=2)).headings[0] == 2


def test_every_table_says_what_it_stands_on_and_every_chapter_and_note_is_there() -> None:
    report = made()
    said = " ".join(Page(rendering.html(report)).said.split())
    for section in report.sections:
        basis = section.table.basis
        for words in (section.title, section.reading, section.table.title, section.chapter, *section.table.notes):
            assert words in said, words
        assert f"n = {basis.n:,} of {basis.of:,} {basis.counts}" in said
    assert said.count("coverage ") >= len(report.sections)
    assert "categories version 3" in said
    for note in report.notes:
        assert note in said
    assert "1 November 2021 to 31 October 2022" in said
    assert "1 November 2020 to 31 October 2021" in said


def test_what_is_hidden_is_a_sign_with_words_for_those_who_hear_it_and_no_data_is_another() -> None:
    report = made()
    html = rendering.html(report)
    untold = sum(value is HIDDEN for each in report.sections for row in each.table.rows for value in row.values)
    assert (
        html.count('<span class="untold"><span aria-hidden="true">–</span><span class="heard">not told</span>')
        == untold
    )
    assert html.count('<span class="untold is-none">no data</span>') == sum(
        value is None for each in report.sections for row in each.table.rows for value in row.values
    )
    assert html.count("fewer than 5, or a number that would give such a one away") == 1
    assert "14 numbers are not told" in html


def test_a_report_for_use_inside_says_so_on_every_page_and_one_passed_on_says_its_number() -> None:
    inside, outside_ = rendering.html(made()), rendering.html(passed_on())
    assert 'content: "For use inside"' in inside
    assert "For use inside" in Page(inside).said
    assert 'class="report is-inside"' in inside
    assert "For use inside" not in Page(outside_).said
    assert "is-inside" not in Page(outside_).said + "".join(str(tag) for tag in Page(outside_).tags)
    assert 'content: "Passed on as number 3"' in outside_


def test_a_report_on_nothing_is_still_a_report() -> None:
    said = Page(rendering.html(empty())).said
    assert "Nothing was counted." in said
    assert "n = 1" in " ".join(said.split())


def test_charts_are_drawn_for_wide_and_narrow_and_a_table_without_one_has_none() -> None:
    report = made()
    html = rendering.html(report)
    drawn = sum(each.chart is not None for each in report.sections)
    assert html.count('class="picture is-wide"') == drawn - 1
    assert html.count('class="picture is-narrow"') == drawn - 1
    assert html.count('class="picture is-all"') == 1


# --- the figure ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("report", [made(), passed_on(), empty(), evil()], ids=["made", "passed on", "empty", "evil"])
def test_the_figure_of_the_year_stands_in_its_square_and_says_all_in_its_title(report: Report) -> None:
    root = ET.fromstring(figure_of(report))
    assert root.get("viewBox") == "0 0 1080 1080"
    assert outside(root) == []
    assert report.headline.figure in (root[0].text or "")
    page = Page(rendering.figure_html(report))
    assert page.wrong == page.open == []


@given(st.text(max_size=30), st.text(max_size=200), st.lists(st.text(max_size=200), max_size=5))
def test_any_headline_stands_in_the_square(figure: str, says: str, beside: list[str]) -> None:
    drawn = figure_of(replace(made(), headline=Headline(figure, says, tuple(beside))))
    assert outside(ET.fromstring(drawn)) == []


def test_invented_figures_say_so_on_the_cover_on_every_page_and_on_the_figure() -> None:
    invented = replace(made(), notes=(saying.INVENTED, *made().notes))
    for report, says in ((invented, True), (made(), False)):
        html = rendering.html(report)
        assert (saying.INVENTED in html.split('class="contents"')[0]) is says
        assert ("every number is invented" in html.split("</style>")[0]) is says
        assert ("every number is invented" in figure_of(report)) is says


def test_a_name_keeps_its_spaces_at_the_head_of_every_page() -> None:
    head = rendering.html(replace(made(), service="Care & Co: help"))
    assert "Care \\000026  Co\\00003a  help" in head


def test_a_month_that_is_not_told_is_no_empty_month_in_the_figure() -> None:
    assert [each.text for each in ET.fromstring(figure_of(made())).iter() if each.text == "–"] == ["–"]


# --- CSV, JSON, text -------------------------------------------------------------------------------------------------


def test_the_csv_has_each_number_once_with_all_that_it_needs() -> None:
    report = passed_on()
    lines = list(csv.DictReader(io.StringIO(as_csv.as_csv(report))))
    numbers = sum(len(each.table.columns) * (len(each.table.rows) + bool(each.table.total)) for each in report.sections)
    assert len(lines) == numbers
    assert tuple(lines[0]) == as_csv.COLUMNS
    first = lines[0]
    assert (first["first"], first["last"], first["release"]) == ("2021-11-01", "2022-10-31", "3")
    assert (first["section"], first["row"], first["column"], first["value"], first["hidden"]) == (
        "concern",
        "reputation",
        "cases",
        "2244",
        "0",
    )
    assert (first["counts"], first["n"], first["of"], first["taxonomy"]) == ("cases", str(N), str(N), "3")
    told = {(each["table"], each["row"], each["column"]): (each["value"], each["hidden"]) for each in lines}
    assert told["concern", "extremism", "cases"] == ("", "1")
    assert told["concern", "extremism", "before"] == ("0", "0")
    assert told["takedowns", "other", "median"] == ("", "0")
    assert told["concern", "total", "cases"] == (str(N), "0")
    assert {each["release"] for each in csv.DictReader(io.StringIO(as_csv.as_csv(made())))} == {""}


@pytest.mark.parametrize("sign", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
def test_words_of_a_csv_are_never_a_formula(sign: str) -> None:
    section = made().sections[0]
    table = replace(section.table, rows=(Row("c", sign, (12, 1.0, -3, -50.0)),))
    text = as_csv.as_csv(replace(made(), sections=(replace(section, table=table),)))
    cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
    dangerous = [cell for cell in cells if cell.lstrip(" ")[:1] in {"=", "+", "-", "@", "\t", "\r", "＝"}]
    assert [float(cell) for cell in dangerous] == [-3, -50.0]  # numbers stay numbers
    assert f"'{sign}" in cells


def faults(data: Any, schema: Mapping[str, Any], at: str = "$") -> Iterator[str]:
    """What of the data is not as the schema says: as much of JSON Schema 2020-12 as ours uses, and no more."""
    known = {"$schema", "$defs", "title", "$ref", "type", "const", "enum", "anyOf", "required", "properties"}
    known |= {"additionalProperties", "items", "pattern", "minimum"}
    assert set(schema) <= known, set(schema) - known
    if "$ref" in schema:
        yield from faults(data, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], at)
    if "anyOf" in schema and not any(not list(faults(data, each, at)) for each in schema["anyOf"]):
        yield f"{at}: is none of those it may be"
    if ("const" in schema and data != schema["const"]) or ("enum" in schema and data not in schema["enum"]):
        yield f"{at}: {data!r}"
    if (
        "type" in schema
        and not any(_is(data, each) for each in [schema["type"]] if isinstance(each, str))
        and not any(_is(data, each) for each in schema["type"] if isinstance(schema["type"], list))
    ):
        yield f"{at}: {type(data).__name__} is not {schema['type']}"
        return
    if isinstance(data, str) and not re.search(schema.get("pattern", ""), data):
        yield f"{at}: {data!r}"
    if isinstance(data, int | float) and data < schema.get("minimum", data):
        yield f"{at}: {data}"
    if isinstance(data, list) and "items" in schema:
        for place, each in enumerate(data):
            yield from faults(each, schema["items"], f"{at}[{place}]")
    if isinstance(data, dict):
        yield from _faults_of_object(data, schema, at)


def _faults_of_object(data: dict[str, Any], schema: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from (f"{at}: no {each}" for each in schema.get("required", ()) if each not in data)
    others = schema.get("additionalProperties", True)
    for key, value in data.items():
        if key in schema.get("properties", {}):
            yield from faults(value, schema["properties"][key], f"{at}.{key}")
        elif others is False:
            yield f"{at}: {key} is not known"
        elif isinstance(others, dict):
            yield from faults(value, others, f"{at}.{key}")


def _is(data: object, kind: str) -> bool:
    kinds = {"string": str, "object": dict, "array": list, "integer": int, "number": (int, float), "null": type(None)}
    return isinstance(data, kinds[kind]) and not isinstance(data, bool)


@pytest.mark.parametrize("report", [made(), passed_on(), empty(), evil()], ids=["made", "passed on", "empty", "evil"])
def test_the_json_is_what_its_schema_says(report: Report) -> None:
    assert list(faults(json.loads(as_json(report)), SCHEMA)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2}, {"service": None}, {"more": 1}, {"compare": "month"}, {"release": 0}, {"release": "3"},
        {"sections": [{}]},
        {"made_at": "yesterday"}, {"period": {"first": "2021-11-01"}}, {"hidden": True},
        {"compared": {"first": 1, "last": 2}},
    ],
)  # fmt: skip
def test_what_the_schema_forbids_is_noticed(change: dict[str, Any]) -> None:
    assert list(faults({**as_data(made()), **change}, SCHEMA)) != []


def test_in_json_what_is_not_told_is_named_and_what_has_no_data_is_not() -> None:
    data = json.loads(as_json(made()))
    takedowns = next(each for each in data["sections"] if each["id"] == "takedowns")
    other = takedowns["table"]["rows"][-1]
    assert other["values"] == {"made": 131, "removed": None, "share": None, "median": None, "in72": None}
    assert other["hidden"] == ["removed", "share"]
    assert data["period"] == {"first": "2021-11-01", "last": "2022-10-31"}


@pytest.mark.parametrize("report", [made(), passed_on(), empty(), evil()], ids=["made", "passed on", "empty", "evil"])
def test_a_report_kept_as_json_is_the_same_report_again(report: Report) -> None:
    assert report_from(as_json(report)) == report


def test_a_report_of_another_schema_is_refused() -> None:
    with pytest.raises(OtherSchema):
        report_from(as_json(made()).replace('"schema": 1', '"schema": 2', 1))


def test_the_text_for_a_terminal_says_the_same() -> None:
    text = as_text(made())
    for words in (
        "4,078 cases in one year",
        "For use inside",
        "Online reputation",
        "2,244",
        "55.0%",
        "+794%",
        "n = 3,891 of 4,078 cases",
    ):
        assert words in text, words
    assert "Nothing" not in as_text(empty())


# --- PDF -------------------------------------------------------------------------------------------------------------

needs_pdf = pytest.mark.skipif(not pdf.is_installed(), reason="the extra pdf, or Pango, is not installed")


@pytest.fixture(scope="module")
def printed() -> Any:
    pypdf = pytest.importorskip("pypdf")
    return pypdf.PdfReader(io.BytesIO(pdf.made(rendering.html(made()))))


def bookmarks(found: Any) -> list[str]:
    return [title for each in found for title in (bookmarks(each) if isinstance(each, list) else [each.title])]


def kinds_of_tags(element: Any) -> Iterator[str]:
    element = element.get_object()
    if isinstance(element, list):
        for each in element:
            yield from kinds_of_tags(each)
    elif hasattr(element, "get"):
        if element.get("/S"):
            yield element["/S"]
        if element.get("/K") is not None:
            yield from kinds_of_tags(element["/K"])


@needs_pdf
def test_the_pdf_is_tagged_and_has_language_title_and_bookmarks(printed: Any) -> None:
    root = printed.root_object
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "Annual report" in printed.metadata.title
    marked = bookmarks(printed.outline)
    assert [each.title for each in made().sections if each.title not in marked] == []
    assert any("What it was about" in each for each in marked)


@needs_pdf
def test_the_pdf_s_tags_are_headings_tables_and_pictures_with_words(printed: Any) -> None:
    kinds = list(kinds_of_tags(printed.root_object["/StructTreeRoot"]["/K"]))
    assert kinds.count("/H1") == 1
    assert kinds.count("/Table") >= len(made().sections)  # one for each page it stands on
    assert {"/H2", "/H3", "/TH", "/TD"} <= set(kinds)
    assert kinds.count("/Figure") == sum(each.chart is not None for each in made().sections)


@needs_pdf
def test_every_page_but_the_cover_says_whose_it_is_which_period_for_whom_and_its_number(printed: Any) -> None:
    pages = [" ".join(page.extract_text().split()) for page in printed.pages]
    assert "4,078" in pages[0]
    assert "For use inside" in pages[0]
    for number, text in enumerate(pages[1:], 2):
        assert "Professionals’ Online Helpline · 1 November 2021 to 31 October 2022" in text, number
        assert "For use inside" in text, number
        assert f"{number} / {len(pages)}" in text, number
    assert {tuple(map(round, page.mediabox[2:])) for page in printed.pages} == {(595, 842)}


@needs_pdf
def test_the_figure_prints_on_one_square_page() -> None:
    pypdf = pytest.importorskip("pypdf")
    reader = pypdf.PdfReader(io.BytesIO(pdf.made(rendering.figure_html(passed_on()))))
    assert len(reader.pages) == 1
    assert [round(float(each)) for each in reader.pages[0].mediabox[2:]] == [595, 595]
    assert reader.root_object["/MarkInfo"]["/Marked"]
