"""Data out: views without personal data, files that are whole, and every example of docs/data.md."""

import csv
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database
from structlog.testing import capture_logs

from bot.cli import main
from bot.config import read_settings
from bot.exporting import NightlyExport
from handoff import exports, taxonomy
from handoff.chain import teach
from handoff.data_views import VIEWS
from handoff.domain import AdviserId
from handoff.hours import OpeningHours
from handoff.migrations import migrations
from handoff.seal import Seal
from handoff.taxonomy import Term
from tests.two_years import two_years_in

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
NIGHT = datetime(2026, 11, 23, 4, tzinfo=UTC)
LONDON = OpeningHours().local
EVERY = frozenset({"*"})
MAY_BE_READ = {
    "case_facts": EVERY,
    "contact_facts": EVERY,
    "takedown_facts": EVERY,
    "adviser_load": frozenset({"month", "closed", "handled_s"}),
    "step_count": EVERY,
    "page_count": EVERY,
    "miss_count": EVERY,
    "taxonomy": frozenset({"version"}),
    "taxonomy_term": EVERY,
}
LEADS_BACK = {("case_facts", "id"), ("contact_facts", "id"), ("takedown_facts", "id"), ("takedown_facts", "takedown")}
"""Numbers of rows say in which order cases ended, which the audit trail knows too."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two years of facts in data/firstline.db, and what was taken out of it in facts/."""
    folder = tmp_path_factory.mktemp("house")
    exports.write(two_years_in(folder / "data"), folder / "facts", NIGHT)
    return folder


@pytest.fixture
def conn(house: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(house / "data" / "firstline.db", isolation_level=None)) as opened:
        yield opened


# --- nothing of a person ---------------------------------------------------------------------------------------------


def read_by(conn: sqlite3.Connection, view: str) -> set[tuple[str, str]]:
    """Every column of a table that a view reads, as SQLite itself asks for leave to read it."""
    views = {row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'view'")}
    asked: set[tuple[str, str]] = set()

    def leave(action: int, table: str | None, column: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_READ and table and column:
            asked.add((table, column))
        return sqlite3.SQLITE_OK

    conn.set_authorizer(leave)
    try:
        conn.execute(f"SELECT * FROM {view}").fetchone()
    finally:
        conn.set_authorizer(None)
    tables = {row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return {(table, column) for table, column in asked if table in tables - views}


def wrongly_read(conn: sqlite3.Connection, view: str) -> set[tuple[str, str]]:
    return {
        (table, column)
        for table, column in read_by(conn, view)
        if (table, column) in LEADS_BACK or not MAY_BE_READ.get(table, frozenset()) & {"*", column}
    }


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_reads_nothing_that_may_be_of_a_person(conn: sqlite3.Connection, view: str) -> None:
    assert wrongly_read(conn, view) == set()


def test_that_check_sees_what_each_view_is_made_of(conn: sqlite3.Connection) -> None:
    assert {table for view in VIEWS for table, _ in read_by(conn, view)} == MAY_BE_READ.keys()


@pytest.mark.parametrize(
    ("body", "caught"),
    [
        ("SELECT body AS day FROM message", ("message", "body")),
        ("SELECT id AS day FROM case_facts", ("case_facts", "id")),
        ("SELECT takedown AS day FROM takedown_facts", ("takedown_facts", "takedown")),
        ("SELECT count(*) AS day FROM adviser_load GROUP BY adviser", ("adviser_load", "adviser")),
        ("SELECT why AS day FROM taxonomy", ("taxonomy", "why")),
        ("SELECT 1 AS day FROM cases JOIN case_facts ON period = opened_on", ("cases", "opened_on")),
    ],
)
def test_a_view_that_reads_more_would_be_noticed(tmp_path: Path, body: str, caught: tuple[str, str]) -> None:
    """The negative control."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as trial:
        migrated(trial)
        trial.execute("DROP VIEW data_steps")
        trial.execute(f"CREATE VIEW data_steps AS {body}")
        assert caught in wrongly_read(trial, "data_steps")


def test_every_view_is_described_column_by_column_and_no_other(conn: sqlite3.Connection) -> None:
    there = [
        row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'view' AND name GLOB 'data_*'")
    ]
    assert sorted(there) == sorted(VIEWS)
    columns = {view: [row[1] for row in conn.execute(f"PRAGMA table_info({view})")] for view in VIEWS}
    assert columns == {name: list(view.columns) for name, view in VIEWS.items()}


def test_the_page_describes_them_in_the_same_words() -> None:
    for name, view in VIEWS.items():
        section = DOCS.split(f"### `{name}`\n", 1)[1].partition("\n### ")[0]
        assert view.says in section
        assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)) == dict(view.columns), name


# --- the views are right ---------------------------------------------------------------------------------------------


def test_the_months_equal_a_count_of_their_own(conn: sqlite3.Connection) -> None:
    conn.row_factory = sqlite3.Row
    facts = conn.execute("SELECT * FROM case_facts").fetchall()
    shown = {row["month"]: dict(row) for row in conn.execute("SELECT * FROM data_cases_by_month")}
    assert sum(row["cases"] for row in shown.values()) == len(facts) == 4758
    november = [fact for fact in facts if fact["period"].startswith("2021-11")]
    assert shown["2021-11"] == {
        "month": "2021-11",
        "cases": len(november),
        "answered": sum(fact["answer_wait_s"] is not None for fact in november),
        "left_before_answer": sum(fact["outcome"] == "left" for fact in november),
        "returned": sum(fact["is_return"] for fact in november),
        "escalation_needed": sum(fact["escalation"] == "needed" for fact in november),
        "escalation_clarified": sum(fact["escalation"] == "clarified" for fact in november),
        "did_not_know_tools": sum(fact["knew_tools"] == "no" for fact in november),
        "in_scope": sum(fact["scope"] == "in_scope" for fact in november),
        "out_of_scope": sum(fact["scope"] == "out_of_scope" for fact in november),
    }


def test_main_concerns_add_up_and_involved_ones_overlap(conn: sqlite3.Connection) -> None:
    main_ones: Counter[tuple[str, str]] = Counter()
    involved: Counter[tuple[str, str]] = Counter()
    for period, issue, heard, listed in conn.execute("SELECT period, issue, concern, concerns FROM case_facts"):
        primary = issue or heard
        main_ones[period[:7], primary] += 1
        involved.update((period[:7], code) for code in {primary, *json.loads(listed or "[]")})
    rows = conn.execute("SELECT month, concern, main, involved FROM data_cases_by_concern").fetchall()
    assert {(month, code): n for month, code, n, _ in rows if n} == dict(main_ones)
    assert {(month, code): n for month, code, _, n in rows} == dict(involved)
    assert sum(row[3] for row in rows) > sum(row[2] for row in rows) == 4758


def test_waits_are_the_median_and_the_nearest_rank(conn: sqlite3.Connection) -> None:
    waits: dict[tuple[str, str], list[int]] = {}
    for period, lane, wait in conn.execute("SELECT period, lane, answer_wait_s FROM case_facts"):
        if wait is not None:
            waits.setdefault((period[:7], lane), []).append(wait)
    expected = {key: (len(of), median(of), sorted(of)[ceil(0.9 * len(of)) - 1], max(of)) for key, of in waits.items()}
    rows = conn.execute("SELECT month, lane, answered, median_s, nine_of_ten_s, longest_s FROM data_waits")
    assert {(month, lane): tuple(rest) for month, lane, *rest in rows} == expected
    assert len(expected) > 20


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_category_counts_as_what_the_crosswalk_says(data: st.DataObject) -> None:
    """Over any history of merging, retiring and adding."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        migrated(conn)
        conn.execute("INSERT INTO adviser (name, email, password, role, capacity, added_at)"
                     " VALUES ('L', 'l@example.org', '$argon2id$x', 'lead', 0, 0)")  # fmt: skip
        for number in range(data.draw(st.integers(0, 3))):
            change(conn, data, number)
        rows = conn.execute("SELECT code, counts_as, counts_as_label, lives FROM data_terms").fetchall()
        labels, living = taxonomy.labels(conn), taxonomy.living(conn)
        assert {row[0] for row in rows} == set(labels)
        for code, now, label, lives in rows:
            assert now == taxonomy.as_of_now(conn, code)
            assert label == (living[now] if now else None)
            assert lives == (code in living)


def change(conn: sqlite3.Connection, data: st.DataObject, number: int) -> None:
    """Makes the next version: some terms are merged, some retired for nothing, one is new."""
    before = taxonomy.newest(conn)
    codes = [term.code for term in before.living]
    gone = data.draw(st.sets(st.sampled_from(codes), max_size=min(3, len(codes) - 1)))
    stay = [code for code in codes if code not in gone]
    terms = [Term(code, f"{code} {number}", code) for code in stay]
    terms.append(Term(f"new_{number}", "New", f"new_{number}"))
    terms += [Term(code, "Gone", data.draw(st.sampled_from([None, *stay]))) for code in sorted(gone)]
    taxonomy.make(conn, before.number, terms, "trial", AdviserId(1), NIGHT)


def test_an_empty_database_has_empty_views(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "empty.db", isolation_level=None)) as conn:
        migrated(conn)
    written = {each.name: each.rows for each in exports.write(tmp_path / "empty.db", tmp_path / "out", NIGHT)}
    assert {name for name, rows in written.items() if rows} == {"data_terms.csv"}
    assert (tmp_path / "out" / "data_cases.csv").read_text("utf-8-sig").split(",")[:2] == ["day", "hour"]


# --- as their users expect -------------------------------------------------------------------------------------------


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)


EXAMPLES = [block for block in blocks("sh") if not block.startswith("datasette ")]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda block: block.split()[1])
def test_every_example_of_the_page_runs(house: Path, example: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", example],
        cwd=house,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 50


def test_the_example_in_python_prints_the_concerns(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(house)
    (example,) = blocks("python")
    exec(example, {})
    assert capsys.readouterr().out.startswith("Posts criticising our staff or setting ")


def test_sqlite_utils_reads_every_view_and_every_table_of_the_copy(house: Path) -> None:
    live, copy = Database(house / "data" / "firstline.db"), Database(house / "facts" / "facts.db")
    assert set(VIEWS) <= set(live.view_names())
    assert copy.table_names() == list(VIEWS)
    for name in VIEWS:
        assert live[name].count == copy[name].count
        assert list(copy[name].rows) == list(live[name].rows)
    live.close()
    copy.close()


def test_datasette_is_told_what_everything_is(house: Path) -> None:
    told = json.loads((house / "facts" / "metadata.json").read_text("utf-8"))
    tables = told["databases"]["facts"]["tables"]
    assert {name: table["columns"] for name, table in tables.items()} == {
        name: dict(view.columns) for name, view in VIEWS.items()
    }


# --- the files -------------------------------------------------------------------------------------------------------


def test_each_csv_holds_its_view(house: Path) -> None:
    with closing(sqlite3.connect(house / "facts" / "facts.db")) as copy:
        for name, view in VIEWS.items():
            body = (house / "facts" / f"{name}.csv").read_bytes()
            assert body.startswith(b"\xef\xbb\xbf")
            header, *rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
            assert header == list(view.columns)
            expected = [
                ["" if cell is None else str(cell) for cell in row] for row in copy.execute(f"SELECT * FROM {name}")
            ]
            assert rows == expected


def test_what_was_written_is_told_with_its_hash(house: Path) -> None:
    told = json.loads((house / "facts" / "exported.json").read_text("utf-8"))
    assert exports.last_export(house / "facts") == datetime.fromisoformat(told["at"])
    files = {each["name"]: each for each in told["files"]}
    visible = {file.name for file in (house / "facts").iterdir() if not file.name.startswith(".")}
    assert (
        files.keys() == visible - {"exported.json"} == {*(f"{view}.csv" for view in VIEWS), "facts.db", "metadata.json"}
    )
    for name, each in files.items():
        body = (house / "facts" / name).read_bytes()
        assert (len(body), hashlib.sha256(body).hexdigest()) == (each["bytes"], each["sha256"])


def test_nothing_of_a_person_is_in_the_files(tmp_path: Path, house: Path) -> None:
    """Names and addresses of advisers are in the database, and in nothing that was taken out."""
    for word in (b"Alex Demo", b"example.org", b"Gwen Pritchard"):
        assert word in (house / "data" / "firstline.db").read_bytes()
        for file in (house / "facts").iterdir():
            assert word not in file.read_bytes(), file.name


def test_no_cell_is_taken_for_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "small.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        migrated(conn)
        conn.execute("INSERT INTO page_count (day, page, shown) VALUES ('2026-03-02', '=HYPERLINK(1)', 3)")
        conn.execute("INSERT INTO step_count (day, flow, step) VALUES ('2026-03-02', '-flow', '@step')")
    exports.write(path, tmp_path / "out", NIGHT)
    assert "2026-03-02,'=HYPERLINK(1),3" in (tmp_path / "out" / "data_pages.csv").read_text("utf-8-sig")
    assert "2026-03-02,'-flow,'@step" in (tmp_path / "out" / "data_steps.csv").read_text("utf-8-sig")


def test_other_files_stay_and_what_a_kill_left_goes(tmp_path: Path, house: Path) -> None:
    folder = tmp_path / "out"
    (folder / exports.PART).mkdir(parents=True)
    (folder / exports.PART / "half.csv").write_text("half")
    (folder / "our own.xlsx").write_text("ours")
    exports.write(house / "data" / "firstline.db", folder, NIGHT)
    assert (folder / "our own.xlsx").read_text() == "ours"
    assert not (folder / exports.PART).exists()


def test_two_do_not_write_at_once(tmp_path: Path, house: Path) -> None:
    with exports._alone(house / "facts"), pytest.raises(exports.ExportUnderWay):
        exports.write(house / "data" / "firstline.db", house / "facts", NIGHT)


def test_a_link_in_the_folder_leads_nowhere(tmp_path: Path, house: Path) -> None:
    """Whoever can write to the folder must not get at what the service can write to."""
    folder = tmp_path / "out"
    folder.mkdir()
    theirs = tmp_path / "theirs"
    theirs.write_text("whole")
    (folder / exports.LOCK).symlink_to(theirs)
    with pytest.raises(OSError):
        exports.write(house / "data" / "firstline.db", folder, NIGHT)
    (folder / exports.LOCK).unlink()
    for name in (exports.DATABASE, exports.EXPORTED, "data_cases.csv"):
        (folder / name).symlink_to(theirs)
    exports.write(house / "data" / "firstline.db", folder, NIGHT)
    assert theirs.read_text() == "whole"
    assert not (folder / exports.DATABASE).is_symlink()


def test_nobody_else_on_the_machine_reads_them(tmp_path: Path, house: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir(mode=0o755)
    exports.write(house / "data" / "firstline.db", folder, NIGHT)
    assert {file.stat().st_mode & 0o077 for file in folder.iterdir()} == {0}


def test_the_service_s_own_database_is_not_written_over(tmp_path: Path, house: Path) -> None:
    own = tmp_path / exports.DATABASE
    own.write_bytes((house / "data" / "firstline.db").read_bytes())
    before = own.read_bytes()
    with pytest.raises(exports.OverTheDatabase):
        exports.write(own, tmp_path, NIGHT)
    assert own.read_bytes() == before


def test_a_failure_leaves_the_files_before_it(tmp_path: Path, house: Path) -> None:
    folder = tmp_path / "out"
    exports.write(house / "data" / "firstline.db", folder, NIGHT)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    (tmp_path / "broken.db").write_bytes(b"no database" * 400)
    with pytest.raises(sqlite3.DatabaseError):
        exports.write(tmp_path / "broken.db", folder, NIGHT)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_all_files_are_of_one_moment(tmp_path: Path) -> None:
    """While somebody writes a step and a page in each transaction, every copy has as many of one as of the other."""
    path = tmp_path / "busy.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
        migrated(conn)
    stop, written = threading.Event(), [0]

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as conn:
            while not stop.is_set():
                number = f"{written[0]:05}"
                conn.execute("BEGIN IMMEDIATE")
                conn.execute("INSERT INTO step_count (day, flow, step) VALUES ('2026-03-02', 'f', ?)", [number])
                conn.execute("INSERT INTO page_count (day, page) VALUES ('2026-03-02', ?)", [number])
                conn.execute("COMMIT")
                written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    try:
        for _ in range(12):
            rows = {each.name: each.rows for each in exports.write(path, tmp_path / "out", NIGHT)}
            seen.append((rows["data_steps.csv"], rows["data_pages.csv"]))
    finally:
        stop.set()
        writer.join()
    assert all(steps == pages for steps, pages in seen)
    assert seen[0] != seen[-1]


# --- killed at any moment --------------------------------------------------------------------------------------------

# Exports two databases to one folder by turns, until it is killed. The careless one writes each file in its place.
CHILD = """
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from handoff import exports

one, two, folder = map(Path, sys.argv[1:4])
copy = exports.copy_views

def copy_in_place(database, target):
    target.unlink(missing_ok=True)
    copy(database, target)

if sys.argv[4] == "careless":
    exports._part_of = contextmanager(lambda folder: iter([folder]))
    exports.copy_views = copy_in_place
print("ready", flush=True)
while True:
    for database in (one, two):
        exports.write(database, folder, datetime.now(UTC))
        print("ready", flush=True)
"""


@contextmanager
def exporting(one: Path, two: Path, folder: Path, how: str, exports_first: int) -> Iterator[None]:
    """It has done so many whole ones as the block begins, and is killed as it ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, one, two, folder, how], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        for _ in range(exports_first + 1):
            assert child.stdout.readline() == "ready\n"
        yield
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()


def torn(folder: Path, wholes: list[dict[str, bytes]]) -> list[str]:
    """The files that are neither of one whole export nor of the other."""
    found = []
    for file in sorted(folder.glob("[!.]*")):
        if file.name == "exported.json":
            json.loads(file.read_text("utf-8"))
        elif file.read_bytes() not in [whole[file.name] for whole in wholes]:
            found.append(file.name)
    return found


def test_a_kill_at_any_moment_leaves_whole_files(tmp_path: Path, house: Path) -> None:
    """And its negative control: an export that writes in place is caught."""
    one, two = house / "data" / "firstline.db", tmp_path / "two.db"
    with closing(sqlite3.connect(two, isolation_level=None)) as conn:
        migrated(conn)
        conn.execute("INSERT INTO page_count (day, page, shown) VALUES ('2026-03-02', 'a-page', 3)")
    wholes = []
    for number, database in enumerate((one, two)):
        exports.write(database, tmp_path / str(number), NIGHT)
        wholes.append({file.name: file.read_bytes() for file in (tmp_path / str(number)).iterdir() if file.is_file()})
    dice = random.Random(7)
    for exports_first in (0, 1, 2, 1, 0):
        with exporting(one, two, tmp_path / "careful", "careful", exports_first):
            time.sleep(dice.uniform(0.02, 0.3))
        assert torn(tmp_path / "careful", wholes) == []
    assert exports.last_export(tmp_path / "careful")
    exports.write(two, tmp_path / "careful", NIGHT)
    assert {file.name for file in (tmp_path / "careful").glob("*.csv")} == {f"{view}.csv" for view in VIEWS}
    assert any(_is_torn_when_careless(one, two, tmp_path / "careless", wholes, dice) for _ in range(12))


def _is_torn_when_careless(
    one: Path, two: Path, folder: Path, wholes: list[dict[str, bytes]], dice: random.Random
) -> bool:
    with exporting(one, two, folder, "careless", 2):  # the longer one has begun
        time.sleep(dice.uniform(0.02, 0.2))
    return bool(torn(folder, wholes))


# --- every night -----------------------------------------------------------------------------------------------------


class Nights:
    """A service whose clock the test sets, and how often it exported."""

    def __init__(self, database: Path, folder: Path | None) -> None:
        self.at = NIGHT
        self.folder = folder
        self.export = NightlyExport(database, folder, LONDON, lambda: self.at)

    async def come(self, *moment: int) -> bool:
        """Whether it exported at that moment (UTC)."""
        self.at = datetime(*moment, tzinfo=UTC)  # type: ignore[misc,arg-type]
        await self.export.run_when_due()
        return self.folder is not None and exports.last_export(self.folder) == self.at


@pytest.fixture
def small(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "small.db", isolation_level=None)) as conn:
        migrated(conn)
    return tmp_path / "small.db"


async def test_it_is_done_once_a_night_by_the_service_s_own_clock(small: Path, tmp_path: Path) -> None:
    nights = Nights(small, tmp_path / "out")
    assert [await nights.come(2026, 7, 6, hour, minute) for hour, minute in ((1, 59), (2, 0), (2, 10), (23, 30))] == [
        False, True, False, False  # 3 o'clock of summer is 2 in UTC; 23:30 is past midnight, and not yet night
    ]  # fmt: skip
    assert await nights.come(2026, 7, 7, 2)
    assert [await nights.come(2026, 10, 25, hour) for hour in (1, 2, 3)] == [False, False, True]  # the clocks go back


async def test_a_service_that_slept_catches_up(small: Path, tmp_path: Path) -> None:
    nights = Nights(small, tmp_path / "out")
    assert await nights.come(2026, 7, 6, 14)
    assert await nights.come(2026, 7, 9, 11)


async def test_without_a_folder_nothing_is_written(small: Path, tmp_path: Path) -> None:
    before = set(os.listdir(tmp_path))
    assert not await Nights(small, None).come(2026, 7, 6, 14)
    assert set(os.listdir(tmp_path)) == before


async def test_what_fails_is_logged_and_tried_again(small: Path, tmp_path: Path) -> None:
    nights = Nights(tmp_path / "not.db", tmp_path / "out")
    (tmp_path / "not.db").write_bytes(b"no database" * 400)
    with capture_logs() as logs:
        assert not await nights.come(2026, 7, 6, 14)
    assert [(each["event"], each["error"]) for each in logs] == [("export.failed", "DatabaseError")]
    shutil.copy(small, tmp_path / "not.db")
    assert await nights.come(2026, 7, 6, 14, 10)


def test_the_setting_is_off_unless_a_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().export_dir is None
    monkeypatch.setenv("FIRSTLINE_EXPORT_DIR", "")
    assert read_settings().export_dir is None
    monkeypatch.setenv("FIRSTLINE_EXPORT_DIR", "/srv/facts")
    assert read_settings().export_dir == Path("/srv/facts")


def test_a_folder_that_cannot_be_made_is_one_plain_line(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FIRSTLINE_DATA_DIR", str(house / "data"))
    with pytest.raises(SystemExit) as left:
        main(["export", "facts", str(tmp_path / "file" / "facts")])
    assert left.value.code == 1
    assert capsys.readouterr().err.startswith("firstline: ")


# --- within ----------------------------------------------------------------------------------------------------------


def migrated(conn: sqlite3.Connection) -> None:
    teach(conn, Seal(bytes(32)))
    migrations.apply(Database(conn))
