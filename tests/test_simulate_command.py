"""`firstline simulate`: both sides printed, the same seed the same, and what cannot be played said plainly."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import clock, open_ledger
from bot.cli import main
from bot.config import read_settings
from tests.arrivals_made import busy_weeks

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("FIRSTLINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("FIRSTLINE_OPENING_HOURS", "mon-fri 10:00-16:00")
    monkeypatch.chdir(tmp_path)

    def simulate(*options: str) -> tuple[int, str, str]:
        code = 0
        try:
            main(["simulate", *options])
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        told = capsys.readouterr()
        return code, told.out, told.err

    return simulate


def test_both_sides_are_printed_and_the_same_seed_plays_the_same(run: Run) -> None:
    options = ("--per-hour", "12", "--handling", "25", "--patience", "20", "--capacity", "2", "--hours", "12")
    code, first, _ = run(*options)
    assert (code, first) == (0, run(*options)[1])
    assert "simulation     formula" in first
    assert "answered within 5 min" in first
    assert "By the formula, 80 % in time need advisers: 4." in first
    assert first != run(*options, "--seed", "2")[1]
    assert not list(Path().rglob("*.db")), "nothing is kept where the service keeps its data"


def test_as_data_it_says_the_same(run: Run) -> None:
    options = ("--per-hour", "10", "--handling", "20", "--factor", "2", "--hours", "20", "--json")
    told = json.loads(run(*options, "--tiers", "1,4,3,2", "--spread", "lognormal", "--lost", "5")[1])
    assert (told["per_hour"], told["capacity"]) == (20, 1)
    assert told["advisers"] == told["needed_by_formula"] >= 8
    assert told["simulation"]["lapsed"] > 0
    assert 0 < told["simulation"]["in_time"] <= 1
    assert told["formula"]["left"] == told["simulation"]["left"] == 0


def test_a_measured_window_is_played(run: Run) -> None:
    with closing(open_ledger(read_settings())) as ledger:
        yesterday = clock().date() - timedelta(days=1)
        ledger.write_now(lambda conn: busy_weeks(conn, yesterday - timedelta(days=83), yesterday))
    window = ("--weekday", "mon", "--from", "10", "--to", "12", "--hours", "20")
    assert "Say how many one adviser holds at once" in run(*window)[2]
    code, told, _ = run(*window, "--capacity", "2", "--apart", "--json")
    assert code == 0
    assert 5 < json.loads(told)["per_hour"] < 15
    again = json.loads(run(*window, "--capacity", "2", "--advisers", "2", "--json")[1])
    assert again["advisers"] == 2 < again["needed_by_formula"]
    before = (*window, "--capacity", "2", "--until", (yesterday - timedelta(days=200)).isoformat())
    assert "Nobody came" in run(*before)[2]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 2, "--per-hour, or --weekday"),
        (("--per-hour", "1", "--weekday", "mon"), 2, "--per-hour, or --weekday"),
        (("--weekday", "someday"), 2, "--weekday is one of"),
        (("--weekday", "mon", "--from", "11", "--to", "11"), 2, "--to is a full hour"),
        (("--per-hour", "5", "--handling", "9", "--tiers", "1,2"), 2, "four numbers"),
        (("--per-hour", "5", "--handling", "9", "--tiers", "0,0,0,nan"), 2, "four numbers"),
        (("--per-hour", "5", "--handling", "9", "--spread", "wide"), 2, "--spread is one of"),
        (("--weekday", "mon", "--until", "soon"), 2, "--until is a day"),
        (("--per-hour", "0", "--handling", "9"), 2, "per-hour"),
        (("--per-hour", "5"), 1, "write --per-hour and --handling"),
        (("--weekday", "sun"), 1, "never open in that window"),
        (("--weekday", "mon", "--from", "10"), 1, "Nobody came"),
        (("--per-hour", "5000", "--handling", "240"), 1, "More than 500 advisers"),
    ],
)
def test_what_cannot_be_played_is_said(run: Run, options: tuple[str, ...], code: int, said: str) -> None:
    found, _, error = run(*options)
    assert (found, said in " ".join(error.replace("│", " ").split())) == (code, True), error
