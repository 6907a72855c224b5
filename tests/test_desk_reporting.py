"""Reports at the desk: choosing a period, looking at it, taking it out, passing it on."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from handoff import pdf
from handoff.domain import AdviserId, Role
from handoff.periods import Days
from handoff.reports import making
from handoff.reports.making import NoSuchRelease, Order
from handoff.reports.releases import PassedOnMeanwhile
from tests.demo_desk import OPEN, Clock, DemoDesk, desk_in
from tests.test_console import Visitor, visiting

OCTOBER = "period=own&first=2026-10-01&last=2026-10-31&compare=none"
FIELDS = {"number": "1", "period": "own", "first": "2026-10-01", "last": "2026-10-31", "compare": "none"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    """Seven cases that ended in October; it is 23 November 2026."""
    made = desk_in(tmp_path, clock)
    clock.at = datetime(2026, 10, 5, 10, tzinfo=UTC)
    lead = made.adviser("Carys Lewis", Role.LEAD, capacity=20)
    for _ in range(7):
        case_id = made.case(2, "hate")
        made.claim(case_id, lead)
        clock.pass_(timedelta(minutes=3))
        made.ledger.write_now(lambda conn, it=case_id: made.queue.give_back(conn, it, lead, "hate", clock()))  # type: ignore[misc]
    clock.at = datetime(2026, 11, 23, 10, tzinfo=UTC)
    yield made
    made.ledger.close()


@pytest.fixture
async def server(desk: DemoDesk) -> AsyncIterator[TestServer]:
    running = TestServer(desk.app())
    await running.start_server()
    yield running
    await running.close()


@pytest.fixture
async def lead(server: TestServer, desk: DemoDesk) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, AdviserId(1)) as visitor:
        yield visitor


def events(desk: DemoDesk, kind: str) -> list[tuple[int, int | None]]:
    rows = desk.ledger.reader().execute('SELECT adviser, "case" FROM event WHERE kind = ?', [kind])
    return [tuple(row) for row in rows]


def said(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html).split())


# --- choosing and looking --------------------------------------------------------------------------------------------


async def test_the_page_offers_the_periods_with_their_days_and_counts_nothing_yet(lead: Visitor) -> None:
    text = said(await lead.page("/reports"))
    for words in (
        "Last month: 1 Oct 2026 to 31 Oct 2026",
        "Last quarter: 1 Jul 2026 to 30 Sep 2026",
        "This reporting year so far: 1 Nov 2026 to 23 Nov 2026",
        "Last reporting year: 1 Nov 2025 to 31 Oct 2026",
        "Last calendar year: 1 Jan 2025 to 31 Dec 2025",
        "No report was passed on yet.",
    ):
        assert words in text, words
    assert 'id="report"' not in await lead.page("/reports")


async def test_a_chosen_period_is_shown_below_the_form_that_keeps_what_was_chosen(lead: Visitor) -> None:
    page = await lead.page(f"/reports?{OCTOBER}")
    assert "<strong>7</strong>" in page
    assert "For use inside" in page
    assert 'value="2026-10-01"' in page
    assert '<option value="own" selected>' in page
    assert '<option value="none" selected>' in page
    assert "1 October 2026 to 31 October 2026" in said(page)
    assert said(await lead.page("/reports?period=last_month&compare=none")).count("1 October 2026 to 31 October 2026")


async def test_the_page_keeps_the_desk_s_policy(lead: Visitor) -> None:
    answer = await lead.get(f"/reports?{OCTOBER}")
    assert "style-src 'self'" in answer.headers["Content-Security-Policy"]
    html = await answer.text()
    assert not re.search(r"<style|\sstyle=|<script>|\son[a-z]+=", html)
    assert html.count("<svg") > 5
    assert len(re.findall("<h1", html)) == 1
    css = re.search(r'href="(/desk/static/report\.css\?v=\w+)"', html)
    assert css
    assert (await lead.get(css[1].removeprefix("/desk"))).status == 200


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("period=own&first=2026-10-31&last=2026-10-01", "is before the first"),
        ("period=own&first=2026-02-30&last=2026-03-01", "is not a date"),
        ("period=own&first=&last=", "A day is missing"),
        ("period=own&first=2026-11-01&last=2026-12-01", "has not come yet"),
        ("period=own&first=0001-01-01&last=2026-01-01", "the year 1"),
        (f"period=own&first={'9' * 3000}&last=2026-01-01", "is not a date"),
        ("period=own&first=%00&last=<b>", "A day is missing"),
        ("period=own&first=2024-01-01&last=2026-01-01&compare=year", "overlaps"),
        ("period=last_month&compare=decade", "compared with previous, year or none"),
        ("period=last_week", "Choose one of the periods"),
    ],
)
async def test_what_cannot_be_is_said_on_the_page_and_what_was_typed_is_kept(
    lead: Visitor, desk: DemoDesk, query: str, words: str
) -> None:
    for place in ("/reports", "/reports/report.csv", "/reports/figure.svg"):
        answer = await lead.get(f"{place}?{query}")
        html = await answer.text()
        assert answer.status == 422, place
        assert "There is something to correct" in html
        assert words in said(html), place
        assert "<b>" not in html
    if "first=2026-10-31" in query:
        assert 'value="2026-10-31"' in html
        assert 'value="2026-10-01"' in html
    assert events(desk, "report.exported") == []


async def test_nothing_counted_is_a_report_too(lead: Visitor) -> None:
    text = said(await lead.page("/reports?period=own&first=2020-01-01&last=2020-12-31&compare=year"))
    assert "1 January 2020 to 31 December 2020" in text


# --- taking out ------------------------------------------------------------------------------------------------------


async def test_a_report_is_taken_out_as_a_file_and_that_is_written_down(lead: Visitor, desk: DemoDesk) -> None:
    for as_, kind in (("html", "text/html"), ("csv", "text/csv"), ("json", "application/json"), ("text", "text/plain")):
        answer = await lead.get(f"/reports/report.{as_}?{OCTOBER}")
        assert (answer.status, answer.content_type, answer.charset) == (200, kind, "utf-8")
        ending = "txt" if as_ == "text" else as_
        name = f"report-2026-10-01-to-2026-10-31.{ending}"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        body = await answer.text()
        if as_ == "csv":
            lines = list(csv.DictReader(io.StringIO(body)))
            assert any(line["row"] == "total" and line["value"] == "7" for line in lines)
        if as_ == "json":
            assert json.loads(body)["release"] is None
    assert events(desk, "report.exported") == [(1, None)] * 4


async def test_the_figure_is_taken_out_alone(lead: Visitor) -> None:
    answer = await lead.get(f"/reports/figure.svg?{OCTOBER}")
    assert answer.content_type == "image/svg+xml"
    assert (await answer.text()).startswith("<svg")
    assert (await lead.get(f"/reports/figure.csv?{OCTOBER}")).status == 404
    assert (await lead.get(f"/reports/report.docx?{OCTOBER}")).status == 404


@pytest.mark.skipif(not pdf.is_installed(), reason="the extra pdf, or Pango, is not installed")
async def test_the_figure_is_taken_out_as_a_pdf(lead: Visitor) -> None:
    answer = await lead.get(f"/reports/figure.pdf?{OCTOBER}")
    assert (await answer.read()).startswith(b"%PDF-")
    assert answer.content_type == "application/pdf"


async def test_without_the_extra_there_is_no_button_for_a_pdf_and_the_page_says_why(
    lead: Visitor, desk: DemoDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "is_installed", lambda: False)
    page = await lead.page(f"/reports?{OCTOBER}")
    assert ".pdf" not in page
    assert "firstline[pdf]" in page
    assert (await lead.get(f"/reports/report.pdf?{OCTOBER}")).status == 303
    assert events(desk, "report.exported") == []


# --- passing on ------------------------------------------------------------------------------------------------------


async def test_a_lead_makes_a_version_to_pass_on_which_is_kept_as_it_was(
    lead: Visitor, desk: DemoDesk, clock: Clock
) -> None:
    answer = await lead.post("/reports/pass-on", **FIELDS)
    assert (answer.status, answer.headers["Location"]) == (303, "/desk/reports/1")
    assert events(desk, "report.passed_on") == [(1, None)]
    kept = await lead.page("/reports/1")
    assert "Passed on as number 1" in kept
    assert "For use inside" not in kept
    before = await (await lead.get("/reports/1/report.json")).text()
    clock.at = datetime(2026, 10, 6, 10, tzinfo=UTC)  # six more cases of October turn up late
    for _ in range(6):
        case_id = desk.case(2, "hate")
        desk.claim(case_id, AdviserId(1))
        desk.ledger.write_now(lambda conn, it=case_id: desk.queue.give_back(conn, it, AdviserId(1), "hate", clock()))  # type: ignore[misc]
    clock.at = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
    assert "<strong>13</strong>" in await lead.page(f"/reports?{OCTOBER}")
    assert await (await lead.get("/reports/1/report.json")).text() == before
    assert json.loads(before)["release"] == 1
    page = said(await lead.page("/reports"))
    assert "Number 1: 1 Oct 2026 to 31 Oct 2026" in page
    assert "You , 23 Nov 2026, 10:00" in page
    assert (await lead.get("/reports/1/figure.svg")).status == 200
    assert (await lead.get("/reports/2")).status == 404
    assert (await lead.get("/reports/2/report.json")).status == 404


async def test_a_second_click_goes_to_what_the_first_made_and_another_report_is_refused(
    lead: Visitor, desk: DemoDesk
) -> None:
    for _ in range(2):
        answer = await lead.post("/reports/pass-on", **FIELDS)
        assert (answer.status, answer.headers["Location"]) == (303, "/desk/reports/1")
    other = await lead.post("/reports/pass-on", **{**FIELDS, "first": "2026-10-02"})
    assert other.status == 409
    assert "Another report was passed on a moment ago" in await other.text()
    assert len(events(desk, "report.passed_on")) == 1
    assert 'name="number" value="2"' in await lead.page(f"/reports?{OCTOBER}")


async def test_a_period_that_is_none_is_not_passed_on(lead: Visitor, desk: DemoDesk) -> None:
    answer = await lead.post("/reports/pass-on", **{**FIELDS, "last": "2027-01-01"})
    assert answer.status == 422
    assert 'value="2027-01-01"' in await answer.text()
    assert events(desk, "report.passed_on") == []


async def test_a_forged_post_passes_nothing_on(lead: Visitor, desk: DemoDesk) -> None:
    assert (await lead.post("/reports/pass-on", csrf="x", **FIELDS)).status == 403
    assert events(desk, "report.passed_on") == []


async def test_others_look_but_pass_nothing_on(server: TestServer, desk: DemoDesk) -> None:
    for name, role in (("Sam Jones", Role.SENIOR), ("Olga Reid", Role.AUDITOR)):
        async with visiting(server, desk, desk.adviser(name, role, available=False)) as visitor:
            page = await visitor.page(f"/reports?{OCTOBER}")
            assert "<strong>7</strong>" in page
            assert "Make a version to pass on" not in said(page).partition("How to read it")[0]
            assert (await visitor.post("/reports/pass-on", **FIELDS)).status == 403


def test_of_two_made_at_once_only_the_first_is_passed_on(desk: DemoDesk, clock: Clock) -> None:
    days = Days(date(2026, 10, 1), date(2026, 11, 1))
    order = Order(days, None, "Demo", OPEN.local)
    one, other = (making.to_pass_on(desk.ledger, order, clock()) for _ in range(2))
    desk.ledger.write_now(lambda conn: making.remember(conn, one, None, clock()))
    with pytest.raises(PassedOnMeanwhile):
        desk.ledger.write_now(lambda conn: making.remember(conn, other, None, clock()))
    assert [each.number for each in making.passed_on(desk.ledger.reader())] == [1]
    assert making.kept(desk.ledger.reader(), 1) == replace(one.report, release=1)
    with pytest.raises(NoSuchRelease):
        making.kept(desk.ledger.reader(), 2)
