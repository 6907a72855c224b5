"""`firstline report`: what it writes and says, what it refuses, and that a file appears whole or not at all."""

import csv
import io
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.app import open_ledger
from bot.cli import main
from bot.config import Settings, read_settings
from bot.reporting import Asked, ReportRefused, format_for, report_on
from handoff import pdf
from handoff.domain import Role
from handoff.periods import Compare, Days, WrongPeriod
from handoff.queue import Queue
from handoff.reports import asked
from handoff.reports.asked import Often
from handoff.reports.files import Format, PdfMissing, name_of, written
from handoff.reports.saving import save
from handoff.timetable import Timetable
from tests.demo_desk import OPEN, Clock, DemoDesk
from tests.report_made import made, passed_on

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
OCTOBER = Asked("2026-10-01", "2026-11-01", "none", Format.JSON)
ROOT = Path(__file__).parent.parent
KILLS = 12


def now() -> datetime:
    return NOW


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(data_dir=tmp_path / "data", timezone="Europe/London")


@pytest.fixture
def filled(settings: Settings) -> Settings:
    """Seven cases in October and six in September, all ended."""
    with closing(open_ledger(settings)) as ledger:
        clock = Clock(datetime(2026, 9, 3, 10, tzinfo=UTC))
        desk = DemoDesk(ledger, Queue(ledger.seal, Timetable(ledger, OPEN)), clock, itertools.count(1))
        lead = desk.adviser("Carys Lewis", Role.LEAD, capacity=20)
        for day in (*[3] * 6, *[33] * 7):
            clock.at = datetime(2026, 9, 1, 10, tzinfo=UTC) + timedelta(days=day)
            case_id = desk.case(2, "hate")
            desk.claim(case_id, lead)
            ledger.write_now(lambda conn, it=case_id: desk.queue.give_back(conn, it, lead, "hate", clock()))  # type: ignore[misc]
    return settings


@pytest.fixture
def told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., tuple[int, bytes, str]]:
    """Runs the command in this process: its exit code, what it wrote, what it complained of."""
    monkeypatch.setenv("FIRSTLINE_DATA_DIR", str(settings.data_dir))

    def run(*arguments: object) -> tuple[int, bytes, str]:
        code: object = 0
        try:
            main(["report", *map(str, arguments)])
        except SystemExit as stopped:
            code = stopped.code
        said = capsysbinary.readouterr()
        return int(str(code or 0)), said.out, said.err.decode()

    return run


# --- what it writes --------------------------------------------------------------------------------------------------


def test_without_a_file_the_report_goes_to_standard_output(filled: Settings, told: Callable) -> None:
    code, out, err = told("--from", "2021-11-01", "--to", "2022-11-01")
    assert (code, err) == (0, "")
    assert out.startswith(b"<!doctype html>")
    assert "1 November 2021 to 31 October 2022" in out.decode()
    _, out, _ = told("--from", "2021-11-01", "--to", "2022-11-01", "--format", "json")
    assert json.loads(out)["period"] == {"first": "2021-11-01", "last": "2022-10-31"}
    _, out, _ = told("--from", "2021-11-01", "--to", "2022-11-01", "--format", "text")
    assert "For use inside" in out.decode()


@pytest.mark.parametrize(
    ("named", "out", "on_terminal", "as_"),
    [
        ("", "r.pdf", True, "pdf"),
        ("", "r.TXT", False, "text"),
        ("", "r.htm", False, "html"),
        ("", "report", True, "html"),
        ("csv", "r.txt", True, "csv"),
        ("", None, True, "text"),
        ("", None, False, "html"),
    ],
)
def test_the_format_is_as_named_or_as_the_file_ends(named: str, out: str | None, on_terminal: bool, as_: str) -> None:
    assert format_for(named, out and Path(out), figure=False, on_terminal=on_terminal) == as_  # type: ignore[arg-type]


def test_into_a_file_it_says_what_it_wrote_and_for_whom(filled: Settings, tmp_path: Path, told: Callable) -> None:
    target = tmp_path / "report.csv"
    code, out, err = told("--from", "2021-11-01", "--to", "2022-11-01", "--format", "csv", "--out", target)
    assert (code, err) == (0, "")
    assert out.decode().startswith(f"Wrote {target}. For use inside. ")
    assert next(csv.reader(io.StringIO(target.read_text())))[0] == "first"


def test_it_counts_what_is_in_the_database_and_compares(filled: Settings) -> None:
    done = report_on(filled, replace(OCTOBER, compare="previous"), now)
    data = json.loads(done.body or b"")
    assert data["headline"]["figure"] == "7"
    assert data["compared"] == {"first": "2026-08-31", "last": "2026-09-30"}
    alone = json.loads(report_on(filled, OCTOBER, now).body or b"")
    assert alone["compared"] is None


def test_the_figure_is_written_alone(filled: Settings, tmp_path: Path) -> None:
    figure = replace(OCTOBER, as_=Format.SVG, figure=True, out=tmp_path / "figure.svg")
    report_on(filled, figure, now)
    assert (tmp_path / "figure.svg").read_text().startswith("<svg")


def test_a_version_to_pass_on_gets_the_next_number_and_is_kept(filled: Settings, tmp_path: Path) -> None:
    out = tmp_path / "r.json"
    first = report_on(filled, replace(OCTOBER, pass_on=True, out=out), now)
    assert first.words.startswith(f"Wrote {out}. Passed on as number 1. ")
    september = Asked("2026-09-01", "2026-10-01", "none", Format.JSON, pass_on=True)
    second = json.loads(report_on(filled, september, now).body or b"")
    assert second["release"] == 2
    with closing(open_ledger(filled)) as ledger:
        kept = ledger.reader().execute("SELECT body FROM released_report WHERE release = 1").fetchone()[0]
    assert kept == out.read_text()


@pytest.mark.skipif(not pdf.is_installed(), reason="the extra pdf, or Pango, is not installed")
def test_a_pdf_is_written(filled: Settings, tmp_path: Path) -> None:
    report_on(filled, replace(OCTOBER, as_=Format.PDF, out=tmp_path / "r.pdf"), now)
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF-")


def test_every_format_has_its_name_and_its_bytes() -> None:
    assert name_of(made(), Format.PDF) == "report-2021-11-01-to-2022-10-31.pdf"
    assert name_of(passed_on(), Format.TEXT) == "report-3-2021-11-01-to-2022-10-31.txt"
    assert name_of(passed_on(), Format.SVG, figure=True) == "figure-3-2021-11-01-to-2022-10-31.svg"
    assert written(made(), Format.HTML) != written(made(), Format.HTML, figure=True)


# --- what it refuses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "end", "words"),
    [
        ("2022-11-01", "2021-11-01", "has no day in it"),
        ("2021-11-01", "2021-11-01", "has no day in it"),
        ("2021-13-01", "2022-11-01", "“2021-13-01” is not a date"),
        ("2023-02-29", "2023-03-01", "is not a date"),
        ("last year", "2022-11-01", "is not a date"),
        (" ", "2022-11-01", "A day is missing"),
        ("20211101", "2022-11-01", "is not a date"),
        ("x" * 3000, "2022-11-01", "is not a date"),
        ("1999-11-01", "2022-11-01", "the year 1999"),
        ("2021-11-01", "9999-12-31", "the year 9999"),
        ("2026-01-01", "2026-11-25", "has not come yet"),
        ("2031-01-01", "2031-02-01", "has not come yet"),
    ],
)
def test_a_period_that_is_none_is_said_in_one_plain_line(filled: Settings, first: str, end: str, words: str) -> None:
    with pytest.raises(WrongPeriod) as wrong:
        report_on(filled, replace(OCTOBER, first=first, end=end), now)
    assert words in str(wrong.value)
    assert len(str(wrong.value)) < 250


def test_today_may_be_counted_and_so_may_a_leap_day(filled: Settings) -> None:
    assert report_on(filled, replace(OCTOBER, first="2026-11-23", end="2026-11-24"), now).body
    leap = replace(OCTOBER, first="2024-02-29", end="2024-03-01")
    assert json.loads(report_on(filled, leap, now).body or b"")["period"]["last"] == "2024-02-29"
    with pytest.raises(WrongPeriod, match="no 29 February a year before"):
        report_on(filled, replace(leap, compare="year"), now)


def test_more_than_a_year_is_not_held_against_a_year_before(filled: Settings) -> None:
    with pytest.raises(WrongPeriod, match="overlaps"):
        report_on(filled, replace(OCTOBER, first="2024-01-01", compare="year"), now)


def test_exit_codes_and_words_of_what_goes_wrong(told: Callable, settings: Settings, tmp_path: Path) -> None:
    period = ("--from", "2021-11-01", "--to", "2022-11-01")
    for arguments, code, words in (
        (("--from", "2021-11-01"), 2, "--to"),
        ((*period, "--format", "docx"), 2, "--format is one of html"),
        ((*period, "--format", "svg"), 2, "--format is one of html"),
        ((*period, "--figure", "--format", "csv"), 2, "--format is one of html, svg, pdf"),
        ((*period, "--format", "pdf"), 2, "--out"),
        ((*period, "--out", "report.doc"), 2, "not “.doc”"),
        ((*period, "--compare", "decade"), 1, "previous, year or none"),
        (("--from", "yesterday", "--to", "2022-11-01"), 1, "is not a date"),
        (period, 1, "There is no database at"),
    ):
        got, out, err = told(*arguments)
        assert (got, out) == (code, b""), arguments
        assert words in " ".join(err.replace("│", " ").split()), (arguments, err)
        if code == 1:
            assert err.count("\n") == 1
    assert not settings.database.exists()  # and none was made


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_passed_on(
    filled: Settings, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    for out, words in ((tmp_path / "folder", "is a folder"), (tmp_path / "nowhere" / "r.html", "There is no folder")):
        with pytest.raises(ReportRefused, match=words):
            report_on(filled, replace(OCTOBER, out=out, pass_on=True), now)
    (tmp_path / "link.html").symlink_to(filled.database)
    for out in (filled.database, tmp_path / "link.html"):
        with pytest.raises(ReportRefused, match="is the database"):
            report_on(filled, replace(OCTOBER, out=out, pass_on=True), now)
    with closing(open_ledger(filled)) as ledger:
        assert ledger.reader().execute("SELECT count(*) FROM released").fetchone()[0] == 0


def test_without_the_extra_it_says_what_to_install(
    filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "is_installed", lambda: False)
    with pytest.raises(PdfMissing, match=r"Install firstline\[pdf\]"):
        report_on(filled, replace(OCTOBER, as_=Format.PDF, out=tmp_path / "r.pdf"), now)
    assert not (tmp_path / "r.pdf").exists()


# --- whole or not at all ---------------------------------------------------------------------------------------------


def test_a_file_replaces_the_one_before_and_leaves_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    for body in (b"old", b"new"):
        save(target, body)
        assert target.read_bytes() == body
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_write_that_fails_midway_leaves_what_was_there(tmp_path: Path) -> None:
    """The operating system stops the file at a thousand bytes, as a full disk would."""
    target = tmp_path / "report.html"
    save(target, b"old")
    script = (
        "import resource, sys; from pathlib import Path; from handoff.reports.saving import save\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "save(Path(sys.argv[1]), b'x' * 5000)"
    )
    done = subprocess.run([sys.executable, "-c", script, target], cwd=ROOT, capture_output=True, timeout=30)
    assert done.returncode == 1
    assert b"OSError" in done.stderr
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["report.html"]


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Writes whole files of one letter, of changing letters, one after the other, until it is killed."""
    script = (
        "import itertools, sys; from pathlib import Path; from handoff.reports.saving import save\n"
        "for letter in itertools.cycle(b'abcdef'): save(Path(sys.argv[1]), bytes([letter]) * 400_000)"
    )
    running: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        running.append(subprocess.Popen([sys.executable, "-c", script, tmp_path / "report.html"], cwd=ROOT))
        return running[-1]

    yield begin
    for each in running:
        each.kill()
        each.wait()


def test_whoever_is_killed_while_writing_leaves_a_whole_file(
    writing: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    target, chance = tmp_path / "report.html", random.Random(7)
    target.write_bytes(b"z" * 400_000)
    for _ in range(KILLS):
        process = writing()
        before = target.stat().st_mtime_ns
        while target.stat().st_mtime_ns == before:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        body = target.read_bytes()
        assert (len(body), len(set(body))) == (400_000, 1)


# --- periods that are asked for often --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "which", "first", "last"),
    [
        (date(2026, 11, 23), Often.LAST_MONTH, "2026-10-01", "2026-10-31"),
        (date(2026, 1, 1), Often.LAST_MONTH, "2025-12-01", "2025-12-31"),
        (date(2024, 3, 31), Often.LAST_MONTH, "2024-02-01", "2024-02-29"),
        (date(2026, 2, 10), Often.LAST_QUARTER, "2025-10-01", "2025-12-31"),
        (date(2026, 12, 31), Often.LAST_QUARTER, "2026-07-01", "2026-09-30"),
        (date(2026, 10, 31), Often.THIS_REPORTING_YEAR, "2025-11-01", "2026-10-31"),
        (date(2026, 11, 1), Often.THIS_REPORTING_YEAR, "2026-11-01", "2026-11-01"),
        (date(2026, 10, 31), Often.LAST_REPORTING_YEAR, "2024-11-01", "2025-10-31"),
        (date(2026, 11, 1), Often.LAST_REPORTING_YEAR, "2025-11-01", "2026-10-31"),
        (date(2026, 6, 1), Often.LAST_CALENDAR_YEAR, "2025-01-01", "2025-12-31"),
    ],
)
def test_periods_that_need_no_dates(today: date, which: Often, first: str, last: str) -> None:
    found = asked.often(which, today)
    assert (found.first.isoformat(), found.last.isoformat()) == (first, last)
    assert found.last <= today


def test_first_and_last_day_are_both_counted_at_the_desk() -> None:
    today = date(2026, 11, 23)
    assert asked.from_to("2026-11-01", "2026-11-23", today) == Days(date(2026, 11, 1), date(2026, 11, 24))
    with pytest.raises(WrongPeriod, match="before the first"):
        asked.from_to("2026-11-02", "2026-11-01", today)
    with pytest.raises(WrongPeriod, match="not come yet"):
        asked.from_to("2026-11-02", "2026-11-24", today)
    assert [asked.compare_from(each) for each in ("", "none", "year", "previous")] == [
        None,
        None,
        Compare.YEAR,
        Compare.PREVIOUS,
    ]
