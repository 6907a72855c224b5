"""The `firstline` command: what each of its commands prints, keeps and answers with."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
import typer

from bot.app import clock, open_ledger
from bot.cli import app, main
from handoff.doorkeeper import Credentials, Doorkeeper, LoggedIn, verify
from tests.builders import FLOWS, files
from tests.checking import written
from tests.small_house import settings_in, small_library

ROOT = Path(__file__).parent.parent
PASSWORD = "correct horse battery"
SOON_S = 30.0
"""Longer, and it hangs: on a busy machine, too."""


@dataclass(frozen=True, slots=True)
class Told:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


ToldBy = Callable[..., Told]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> ToldBy:
    """Runs the command in this process with a data folder of its own."""
    monkeypatch.setenv("FIRSTLINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, stdin: str | bytes = "") -> Told:
        given = stdin if isinstance(stdin, bytes) else stdin.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        capsys.readouterr()
        code: object = 0
        try:
            main([str(each) for each in arguments])
        except SystemExit as stopped:
            code = stopped.code
        said = capsys.readouterr()
        return Told(int(str(code or 0)), said.out, said.err)

    return run


def good(folder: Path) -> Path:
    """The small helpline without what `check` would refuse."""
    flows = FLOWS.replace("Less than 48 hours ago", "Under 48 hours")
    for word in ("open", "closed"):
        flows = flows.replace(f"- action: utter_{word}\n", "- action: utter_page_tell_lead_now\n")
    library = {**small_library(), **files(flows=flows)}
    number = re.compile(rb"0\d{3} \d{3,4}( \d{4})?")
    return written(
        folder,
        {name: number.sub(b"the number", data) if name.endswith(".md") else data for name, data in library.items()},
    )


def broken(folder: Path) -> Path:
    file = good(folder) / "flows" / "broken.yml"
    file.write_text("flows:\n  odd:\n    description: Odd.\n    steps:\n      - link: nowhere\n")
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ("forget", "--preview"),
        ("forget",),
        ("forget", "--reference", "FL-2222-22"),
        ("export", "facts", "out"),
        ("export", "person", "--reference", "FL-2222-22", "--out", "out"),
        ("report", "--from", "2021-11-01", "--to", "2022-11-01"),
    ],
)
def test_what_reads_a_database_makes_none_where_a_folder_was_mistyped(
    told: ToldBy, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    said = told(*arguments)
    assert (said.code, said.out) == (1, "")
    assert "There is no database at" in said.err
    assert list(tmp_path.iterdir()) == []


# --- every command ---------------------------------------------------------------------------------------------------


def every_command() -> list[tuple[str, ...]]:
    def below(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
        yield path
        for name, each in getattr(command, "commands", {}).items():
            yield from below(each, *path, name)

    return list(below(typer.main.get_command(app)))


def test_all_commands_are_found() -> None:
    assert {"serve", "demo", "chat", "check", "publish", "restore"} <= {path[0] for path in every_command() if path}
    assert {("adviser", "add"), ("export", "rasa")} <= set(every_command())


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...], told: ToldBy) -> None:
    helped = told(*command, "--help")
    assert helped.code == 0
    assert "Usage:" in helped.out
    assert helped.err == ""


def test_every_command_is_in_the_docs() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    groups = {path[:-1] for path in every_command()}
    missing = [path for path in every_command() if path not in groups and f"`firstline {' '.join(path)}`" not in page]
    assert missing == []


@pytest.mark.parametrize("wrong", [["nonsense"], ["check", "--nonsense"], ["rollback"], ["check", "--library", "none"]])
def test_wrong_usage_is_two(wrong: list[str], told: ToldBy) -> None:
    assert told(*wrong).code == 2


# --- the library -----------------------------------------------------------------------------------------------------


def test_check_of_a_broken_folder_names_file_and_line(told: ToldBy, tmp_path: Path) -> None:
    checked = told("check", "--library", broken(tmp_path / "library"))
    assert checked.code == 1
    assert re.search(r"^error flows/broken\.yml:5:\d+: .*nowhere", checked.out, re.M)


def test_publishing_rolling_back_and_listing(told: ToldBy, tmp_path: Path) -> None:
    folder = good(tmp_path / "library")
    first = told("publish", "--library", folder, "--note", "first", "--json").data
    page = folder / "content" / "guidance" / "tell-lead-now.md"
    page.write_text(page.read_text().replace("Tell someone now.", "Tell someone today."))
    second = told("publish", "--library", folder, "--json").data
    assert (first["number"], second["number"]) == (1, 2)
    assert first["version"] != second["version"]

    listed = told("versions")
    assert listed.out.splitlines()[0].endswith("(live)")
    assert second["version"] in listed.out.splitlines()[0]

    assert told("rollback", first["version"]).out == f"{first['version']} is live.\n"
    rows = told("versions", "--json").data
    assert [row["version"] for row in rows] == [first["version"], second["version"], first["version"]]
    assert [row["note"] for row in rows] == [f"back to {first['version']}", "", "first"]


def test_a_broken_folder_is_not_published(told: ToldBy, tmp_path: Path) -> None:
    live = told("publish", "--library", good(tmp_path / "library"), "--json").data
    refused = told("publish", "--library", broken(tmp_path / "library"))
    assert refused.code == 1
    assert "flows/broken.yml:5:" in refused.out
    assert refused.err == "Nothing was published; the live library is unchanged.\n"
    assert told("publish", "--library", tmp_path / "library", "--json").data["summary"]["errors"] > 0
    assert [row["version"] for row in told("versions", "--json").data] == [live["version"]]


def test_an_unknown_version_is_not_rolled_back_to(told: ToldBy) -> None:
    refused = told("rollback", "0123456789ab")
    assert (refused.code, refused.err) == (1, "firstline: No library version 0123456789ab was published.\n")
    assert told("versions").out == "Nothing is published.\n"


def test_a_flow_is_drawn(told: ToldBy, tmp_path: Path) -> None:
    folder = good(tmp_path / "library")
    assert told("draw", "start", "--library", folder).out.startswith("flowchart TD\n")
    assert told("draw", "start", "--format", "svg", "--library", folder).out.startswith("<svg")
    misspelt = told("draw", "strat", "--library", folder)
    assert (misspelt.code, misspelt.err.count("\n")) == (1, 1)
    assert "did you mean 'start'" in misspelt.err


def test_the_export_fills_an_empty_folder_once(told: ToldBy, tmp_path: Path) -> None:
    folder = good(tmp_path / "library")
    assert told("export", "rasa", tmp_path / "out", "--library", folder).code == 0
    assert (tmp_path / "out" / "domain.yml").is_file()
    again = told("export", "rasa", tmp_path / "out", "--library", folder)
    assert (again.code, again.err.count("\n")) == (1, 1)


def test_conversation_tests_are_run(told: ToldBy, tmp_path: Path) -> None:
    folder = good(tmp_path / "library")
    test = folder / "flows" / "tests" / "greeting.yml"
    test.parent.mkdir()
    test.write_text("test_cases:\n- test_case: greets\n  steps:\n  - user: hello\n  - utter: utter_hello\n")
    passed = told("test", "--library", folder, "--json")
    assert (passed.code, passed.data["passed"], passed.data["failed"]) == (0, 1, 0)
    test.write_text(test.read_text().replace("utter: utter_hello", "utter: utter_done"))
    failed = told("test", "--library", folder)
    assert failed.code == 1
    assert "flows/tests/greeting.yml:5" in failed.out


def test_triage_reads_a_file_or_what_is_piped_in(told: ToldBy, tmp_path: Path) -> None:
    folder, lines = good(tmp_path / "library"), tmp_path / "lines.jsonl"
    lines.write_text('{"text": "someone made a fake account of our head"}\n', encoding="utf-8")
    from_file = told("triage", "--jsonl", lines, "--library", folder)
    assert from_file.data["ranked"][0]["concern"] == "impersonation"
    assert told("triage", "--jsonl", "-", "--library", folder, stdin=lines.read_bytes()).out == from_file.out


@pytest.mark.parametrize(("given", "said"), [(b'{"txt": 1}', "line 1: no text"), (b'{"text": "caf\xe9"}', "UTF-8")])
def test_lines_triage_cannot_read_are_told(given: bytes, said: str, told: ToldBy, tmp_path: Path) -> None:
    refused = told("triage", "--jsonl", "-", "--library", good(tmp_path / "library"), stdin=given)
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert said in refused.err


def test_a_file_that_is_not_there_is_one_line(told: ToldBy) -> None:
    refused = told("triage", "--jsonl", "none.jsonl")
    assert (refused.code, refused.err) == (1, "firstline: No such file or directory: none.jsonl\n")


# --- people and data -------------------------------------------------------------------------------------------------


def test_an_adviser_who_was_added_can_log_in(told: ToldBy, tmp_path: Path) -> None:
    added = told("adviser", "add", "Sam Jones", "sam@example.org", "--role", "lead", "--password-stdin", stdin=PASSWORD)
    assert (added.code, added.out) == (0, "Sam Jones can log in at /desk.\n")
    with closing(open_ledger(settings_in(tmp_path / "data", tmp_path))) as ledger:
        door = Doorkeeper(ledger.seal)
        found = door.credentials(ledger.reader(), "Sam@example.org", "127.0.0.1", clock())
        assert isinstance(found, Credentials)
        assert not verify(found, "another password")
        passed = verify(found, PASSWORD)
        entered = ledger.write_now(lambda db: door.log_in(db, found, passed, clock()))
        assert isinstance(entered, LoggedIn)
        assert (entered.session.adviser.name, entered.session.adviser.role) == ("Sam Jones", "lead")


def test_a_weak_password_and_a_second_account_are_refused_in_one_line(told: ToldBy) -> None:
    weak = told("adviser", "add", "Sam", "sam@example.org", "--password-stdin", stdin="short\n")
    assert (weak.code, weak.err) == (1, "firstline: A password needs 12 to 256 characters.\n")
    assert told("adviser", "add", "Sam", "sam@example.org", "--password-stdin", stdin=PASSWORD).code == 0
    second = told("adviser", "add", "Sue", "SAM@example.org", "--password-stdin", stdin=PASSWORD)
    assert (second.code, second.err) == (1, "firstline: An adviser with that e-mail address exists.\n")


@pytest.mark.parametrize(
    "wrong", [["Sam", "sam@example.org", "--role", "boss"], ["", "sam@example.org"], ["Sam", "sam"]]
)
def test_an_account_that_could_not_be_used_is_wrong_usage(wrong: list[str], told: ToldBy) -> None:
    assert told("adviser", "add", *wrong, "--password-stdin", stdin=PASSWORD).code == 2


def test_accounts_are_listed_and_looked_after(told: ToldBy, tmp_path: Path) -> None:
    assert told("adviser", "list").out.startswith("Nobody has an account.")
    for name, role in (("Sam", "lead"), ("Sue", "adviser")):
        told("adviser", "add", name, f"{name}@example.org", "--role", role, "--password-stdin", stdin=PASSWORD)
    changed = told("adviser", "password", "sue@example.org", "--password-stdin", stdin="another long password\n")
    assert (changed.code, changed.out) == (0, "Sue has a new password and is logged out everywhere.\n")
    with closing(open_ledger(settings_in(tmp_path / "data", tmp_path))) as ledger:
        found = Doorkeeper(ledger.seal).credentials(ledger.reader(), "sue@example.org", "127.0.0.1", clock())
        assert isinstance(found, Credentials)
        assert verify(found, "another long password")
    assert told("adviser", "role", "sue@example.org", "senior").out == "Sue is senior now.\n"
    assert told("adviser", "disable", "SUE@example.org").out == "Sue cannot log in any more.\n"
    listed = json.loads(told("adviser", "list", "--json").out)
    assert [(row["name"], row["role"], row["disabled"]) for row in listed] == [
        ("Sam", "lead", False),
        ("Sue", "senior", True),
    ]


def test_the_last_lead_and_somebody_unknown_are_one_line(told: ToldBy) -> None:
    told("adviser", "add", "Sam", "sam@example.org", "--role", "lead", "--password-stdin", stdin=PASSWORD)
    for command in (("role", "sam@example.org", "adviser"), ("disable", "sam@example.org")):
        refused = told("adviser", *command)
        assert (refused.code, refused.err.count("\n")) == (1, 1)
        assert "only lead" in refused.err
    for command in (("role", "no@example.org", "lead"), ("disable", "no@example.org"), ("password", "no@example.org")):
        assert "no adviser with that e-mail" in told("adviser", *command).err
    assert told("adviser", "role", "sam@example.org", "boss").code == 2


def test_a_backup_is_made_and_put_back(told: ToldBy, tmp_path: Path) -> None:
    told("adviser", "add", "Sam", "sam@example.org", "--password-stdin", stdin=PASSWORD)
    assert told("backup", tmp_path / "monday.db").code == 0
    in_place = told("restore", tmp_path / "monday.db")
    assert (in_place.code, in_place.err.count("\n")) == (1, 1)
    for file in (tmp_path / "data").glob("firstline.db*"):
        file.unlink()
    assert told("restore", tmp_path / "monday.db").code == 0
    assert told("adviser", "add", "Sam", "sam@example.org", "--password-stdin", stdin=PASSWORD).code == 1


def test_forgetting_tells_how_many(told: ToldBy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_LIBRARY_DIR", str(good(tmp_path / "library")))
    open_ledger(settings_in(tmp_path / "data", tmp_path)).close()
    assert told("forget").out == "The words of 0 conversations and 0 cases were forgotten.\n"


def test_settings_that_cannot_be_used_are_one_line(told: ToldBy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_PORT", "http")
    refused = told("versions")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "FIRSTLINE_PORT" in refused.err


# --- talking and serving, in processes of their own ------------------------------------------------------------------


def environment(folder: Path) -> dict[str, str]:
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTLINE_")}
    return {**kept, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "FIRSTLINE_DATA_DIR": str(folder / "data")}


def test_a_chat_walks_to_advice_and_ends_with_its_input(tmp_path: Path) -> None:
    library = good(tmp_path / "library")
    lines = "No\nEngland\nA fake account\nA member of staff\nYes\n"
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "chat", "--library", library],
        input=lines, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    asked = [
        "Is anyone in danger right now?",
        "  1. Yes",
        "Where are you?",
        "Does it contact children?",
        "Tell someone now.",
    ]
    places = [ran.stdout.index(words) for words in asked]
    assert places == sorted(places)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not (tmp_path / "data").exists()


@pytest.fixture(scope="module", autouse=True)
def checking() -> Iterator["subprocess.Popen[str]"]:
    """The check of the shipped library takes seconds: it runs beside the other tests."""
    command = [sys.executable, "-m", "bot", "check", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process


@dataclass(frozen=True, slots=True)
class Demo:
    process: "subprocess.Popen[str]"
    chat: str
    desk: str
    email: str
    password: str
    folder: Path

    @property
    def port(self) -> int:
        return urllib.parse.urlsplit(self.chat).port or 0

    @property
    def temporary(self) -> list[Path]:
        return list((self.folder / "temporary").iterdir())


def began(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "demo", "--port", "0"],
        cwd=folder, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    process = began(folder)
    try:
        assert process.stdout
        printed = ""
        while "password" not in printed:
            line = process.stdout.readline()
            assert line, "the demo ended without a word"
            printed += line
        words = dict(re.findall(r"^ +(Chat|Desk|e-mail|password)\b.* (\S+)$", printed, re.M))
        yield Demo(process, words["Chat"], words["Desk"], words["e-mail"], words["password"], folder)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_the_demo_answers_where_it_says(demo: Demo) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{demo.port}/healthz", timeout=60) as answer:
        assert json.load(answer) == {"status": "ok"}
    with urllib.request.urlopen(demo.chat, timeout=60) as answer:
        assert b"<form" in answer.read()


@pytest.mark.parametrize("is_right", [False, True])
def test_the_demo_s_log_in_works_and_no_other(demo: Demo, is_right: bool) -> None:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with browser.open(demo.desk, timeout=60) as page:
        address, form = page.url, page.read().decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    given = {**hidden, "email": demo.email, "password": demo.password if is_right else "wrong password"}
    post = urllib.request.Request(
        address, urllib.parse.urlencode(given).encode(), {"Origin": f"http://127.0.0.1:{demo.port}"}
    )
    try:
        with browser.open(post, timeout=60) as page:
            ended_at = page.url
    except urllib.error.HTTPError as refused:
        with refused:
            ended_at = refused.url
    assert (urllib.parse.urlsplit(ended_at).path == "/desk/") is is_right


def test_a_port_in_use_is_one_clear_line(demo: Demo, tmp_path: Path) -> None:
    settings = {"FIRSTLINE_PORT": str(demo.port), "FIRSTLINE_LIBRARY_DIR": str(good(tmp_path / "library"))}
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "serve"],
        cwd=tmp_path, env={**environment(tmp_path), **settings}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 1
    assert re.fullmatch(
        rf"firstline: Cannot listen on 127\.0\.0\.1, port {demo.port}: address already in use\. .*\n", ran.stderr
    )


def test_the_demo_stops_when_told_though_a_page_is_open_and_leaves_nothing(demo: Demo) -> None:
    """The last test of the demo: it is stopped here. What could not be read was noticed, and is not in its log."""
    assert len(demo.temporary) == 1
    with socket.create_connection(("127.0.0.1", demo.port), timeout=5) as line:
        line.sendall(b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: zz-a-secret-word\r\n\r\n")
        assert b"400" in line.recv(4096)
    opened = json.dumps({"id": "00000000-0000-4000-8000-000000000001", "open": True}).encode()
    post = urllib.request.Request(
        f"http://127.0.0.1:{demo.port}/api/chat", opened, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(post, timeout=60) as answer:
        token = json.load(answer)["token"]
    events = urllib.request.Request(
        f"http://127.0.0.1:{demo.port}/api/chat/events", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(events, timeout=60) as stream:
        assert stream.readline()
        started = time.monotonic()
        demo.process.send_signal(signal.SIGTERM)
        _, said = demo.process.communicate(timeout=SOON_S)
    assert time.monotonic() - started < SOON_S
    assert demo.process.returncode == 0
    assert demo.temporary == []
    assert "secret" not in said
    assert "library.log" in said
    assert demo.password not in said


def test_a_demo_stopped_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    process = began(tmp_path)
    try:
        until = time.monotonic() + 30
        while not list((tmp_path / "temporary").glob("*/firstline.db")):
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SOON_S)
        assert process.returncode == 0
        assert list((tmp_path / "temporary").iterdir()) == []
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_check_tells_of_the_shipped_library(checking: "subprocess.Popen[str]") -> None:
    printed, _ = checking.communicate(timeout=60)
    checked = json.loads(printed)
    assert [each for each in checked["complaints"] if each["severity"] == "error"] == []
    assert checking.returncode == 0
    assert {"start", "impersonation", "reputation"} <= {row["flow"] for row in checked["flows"]}
    assert checked["summary"]["paths"] > 1000
