"""The two invented years: as published where something was published, the same each time, and said to be invented."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from bot.app import assemble
from bot.cli import main
from bot.config import read_settings
from bot.demo import KEPT
from bot.demo import _ready as ready
from bot.demo_history import AFTER, BEFORE, BY_CODE, CONCERNS, TERMS
from bot.demo_kept import report_command
from handoff import taxonomy
from handoff.console.render import words
from handoff.data_views import VIEWS
from handoff.hours import OpeningHours
from handoff.periods import Days
from handoff.reports.building import report
from tests.two_years import MADE_AT, make, two_years_in

ROOT = Path(__file__).parent.parent
FIRSTLINE = Path(sys.executable).with_name("firstline")


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    database = two_years_in(tmp_path_factory.mktemp("years"))
    with closing(sqlite3.connect(database, isolation_level=None)) as opened:
        opened.row_factory = sqlite3.Row
        yield opened


def of_year(conn: sqlite3.Connection, column: str) -> Counter[str | None]:
    days = [AFTER.days.first.isoformat(), AFTER.days.end.isoformat()]
    return Counter(
        row[0] for row in conn.execute(f"SELECT {column} FROM case_facts WHERE period >= ? AND period < ?", days)
    )


def test_there_are_as_many_cases_as_were_published(conn: sqlite3.Connection) -> None:
    assert sum(of_year(conn, "1").values()) == 4078 == AFTER.cases
    assert conn.execute("SELECT count(*) FROM case_facts").fetchone()[0] == 4078 + 680
    assert conn.execute("SELECT min(period), max(period) FROM case_facts").fetchone()[0] == "2020-11-01"
    assert round(100 * (AFTER.cases - BEFORE.cases) / BEFORE.cases, -1) == 500


def test_they_have_the_published_shape(conn: sqlite3.Connection) -> None:
    def share(column: str, *codes: str) -> float:
        counts = of_year(conn, column)
        return sum(counts[code] for code in codes) / 4078

    assert share("issue", "reputation") > 0.5
    assert [code for code, _ in of_year(conn, "issue").most_common(3)] == [
        "reputation",
        "impersonation",
        "cyberbullying",
    ]
    assert of_year(conn, "platform").most_common(1)[0][0] == "tiktok"
    assert of_year(conn, "setting").most_common(1)[0][0] == "secondary"
    assert share("role", "teacher", "head", "safeguarding_lead") > 0.7
    assert 0.02 < share("role", "parent") < 0.09
    assert share("escalation", "clarified") > 0.5 > share("escalation", "needed")
    assert share("knew_tools", "no") > 0.5
    assert share("scope", "out_of_scope") > 0.5
    assert share("json_array_length(concerns) > 1", 1) > 0.4  # type: ignore[arg-type]


def test_hundreds_a_week_came_in_the_autumn_of_2021_and_few_in_the_holidays(conn: sqlite3.Connection) -> None:
    weeks = of_year(conn, "strftime('%Y-%W', period)")
    assert max(weeks.values()) > 200
    assert weeks["2022-31"] + weeks["2022-32"] < 40  # August
    weekends = of_year(conn, "strftime('%w', period) IN ('0', '6')")[1]  # type: ignore[index]
    assert weekends < 4078 / 20


def test_most_of_what_was_reported_was_removed(conn: sqlite3.Connection) -> None:
    removed, reported = conn.execute(
        "SELECT sum(stage = 'removed'), count(*) FROM takedown_facts WHERE period >= '2021-11-01'"
    ).fetchone()
    assert 0.935 < removed / reported < 0.95
    assert reported == conn.execute("SELECT sum(urls) FROM case_facts WHERE period >= '2021-11-01'").fetchone()[0]


def test_each_case_had_a_contact_and_some_contacts_needed_no_case(conn: sqlite3.Connection) -> None:
    handed, alone = conn.execute(
        "SELECT sum(stood = 'handed_over'), sum(stood <> 'handed_over') FROM contact_facts"
    ).fetchone()
    assert handed == 4758
    assert 0.5 < alone / handed < 0.8


def test_the_same_seed_makes_the_same_facts_and_another_makes_others(tmp_path: Path, conn: sqlite3.Connection) -> None:
    def all_of(opened: sqlite3.Connection) -> list[tuple[object, ...]]:
        return [tuple(row) for view in sorted(VIEWS) for row in opened.execute(f"SELECT * FROM {view}")]

    for seed, is_same in ((4078, True), (1, False)):
        with closing(sqlite3.connect(make(tmp_path / str(seed), seed))) as again:
            assert (all_of(again) == all_of(conn)) is is_same


def test_every_row_says_that_it_is_invented(conn: sqlite3.Connection) -> None:
    for table in ("case_facts", "contact_facts"):
        assert {row[0] for row in conn.execute(f"SELECT DISTINCT library FROM {table}")} == {"demo"}


@pytest.mark.parametrize(("days", "is_said"), [(AFTER.days, True), (Days(date(2023, 1, 1), date(2024, 1, 1)), False)])
def test_a_report_of_them_says_that_they_are_invented(conn: sqlite3.Connection, days: Days, is_said: bool) -> None:
    made = report(conn, days, None, service="Trial", local=OpeningHours().local, now=MADE_AT)
    assert any("every number of this report is invented" in note for note in made.notes) is is_said


def test_there_is_no_case_behind_a_fact_and_nobody_to_log_in(conn: sqlite3.Connection) -> None:
    for table in ("cases", "queue_item", "message", "contact_now", "takedown"):
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0
    assert conn.execute("SELECT count(*) FROM adviser WHERE disabled_at IS NULL").fetchone()[0] == 1  # the lead


def test_its_weights_are_of_a_thousand_and_its_codes_are_the_desk_s(conn: sqlite3.Connection) -> None:
    for number in (0, 1):
        assert sum(concern.years[number] for concern in CONCERNS) == 1000
    living = taxonomy.living(conn).keys()
    assert BY_CODE.keys() <= living
    assert {code for concern in CONCERNS for code in concern.also} <= living
    for column, listed in (("role", "roles"), ("setting", "settings"), ("platform", "platforms"), ("route", "routes"),
                           ("outcome", "outcomes"), ("escalation", "escalations")):  # fmt: skip
        used = {row[0] for row in conn.execute(f"SELECT DISTINCT {column} FROM case_facts")} - {None, "left"}
        assert used <= words(listed).keys(), column
    signposts = {row[0] for row in conn.execute("SELECT DISTINCT value FROM case_facts, json_each(signposts)")}
    assert signposts <= words("signposts").keys()


def test_the_terms_are_set_and_said_to_be_made_up(conn: sqlite3.Connection) -> None:
    rows = conn.execute("SELECT name, first, last, source FROM school_term ORDER BY first").fetchall()
    assert [(row["name"], date.fromisoformat(row["first"]), date.fromisoformat(row["last"])) for row in rows] == list(
        TERMS
    )
    assert {row["source"] for row in rows} == {"made up for the demonstration"}


# --- the command -----------------------------------------------------------------------------------------------------


def test_it_is_written_to_a_new_folder_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main_ended(["demo", "--history", "--data", str(tmp_path / "years")])
    said = capsys.readouterr().out
    assert (
        f"FIRSTLINE_DATA_DIR={tmp_path}/years firstline report --from 2021-11-01 --to 2022-11-01 --compare year" in said
    )
    with closing(sqlite3.connect(tmp_path / "years" / "firstline.db")) as opened:
        assert opened.execute("SELECT count(*) FROM case_facts").fetchone()[0] == 4758


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "firstline.db").write_text("theirs")
    assert main_ended(["demo", "--history", "--data", str(tmp_path)]) == 1
    assert "There is something in that folder" in capsys.readouterr().err
    assert (tmp_path / "firstline.db").read_text() == "theirs"


def test_a_folder_without_history_is_wrong_usage(tmp_path: Path) -> None:
    assert main_ended(["demo", "--data", str(tmp_path / "years")]) == 2
    assert not (tmp_path / "years").exists()


async def test_the_command_it_prints_works_in_another_terminal_while_it_serves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a folder whose .env names a key of its own, which is not the demonstration's."""
    firstline = assemble(read_settings(data_dir=tmp_path / "data", opening_hours="mon-sun 00:00-24:00"))
    async with firstline.running():
        await ready(firstline, 8080, history=True)
        line = next(each for each in capsys.readouterr().out.splitlines() if "FIRSTLINE_DATA_DIR=" in each)
        env = {**os.environ, "PATH": f"{FIRSTLINE.parent}{os.pathsep}{os.environ['PATH']}"}
        (tmp_path / ".env").write_text(f"FIRSTLINE_KEY={'A' * 43}=\n")
        made = await asyncio.create_subprocess_shell(
            f"FIRSTLINE_KEY= {line}", cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        said, wrong = await made.communicate()
        for task in KEPT:
            task.cancel()
    assert made.returncode == 0, wrong.decode()
    assert b"4,078" in said
    assert re.search(rb"\b500\s?%", said)


def test_a_key_that_is_set_is_not_taken_for_the_demonstration_s(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = report_command(read_settings(data_dir=tmp_path))
    monkeypatch.setenv("FIRSTLINE_KEY", "A" * 43 + "=")
    assert report_command(read_settings(data_dir=tmp_path)).split() == ["FIRSTLINE_KEY=", *command.split()]


def main_ended(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)
