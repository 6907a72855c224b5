"""The desk is killed (kill -9) in the middle of a post, before and after its commit: all or nothing, and never twice.

Whoever clicked sees a broken line, and clicks again once the desk is back: the same form, as their browser kept it.
What an adviser says and how it leaves the house is killed at every moment in test_serve_killed.py; drafts live in the
browser (tests/browser/test_talk.py).
"""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout, CookieJar

from handoff import chain
from tests.busy_desk import SEAL, Busy, Form, busy_desk, copied, dump, served, visiting_as
from tests.small_house import ROOT
from tests.test_desk_posts import Trial, forms_in, happy

PROGRAM = """
import asyncio, ctypes, json, os, signal, sys
from datetime import datetime
from pathlib import Path
from aiohttp import web
from handoff.ledger import Ledger
from tests.busy_desk import opened, DOORS
from tests.demo_desk import OPEN, Clock
from handoff.console.app import console

def die():
    os.kill(os.getpid(), signal.SIGKILL)

commit = Ledger._commit

def killed(at):
    def _commit(self, connection, results):
        if at == "before":
            die()
        done = commit(self, connection, results)
        if at == "after":
            die()
        return done
    return _commit

async def serve(desk):
    root = web.Application()
    root.add_subapp("/desk", console(desk.ledger, desk.queue, OPEN, desk.now, False, doors=DOORS))
    runner = web.AppRunner(root)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(os.getpid(), runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()

print("ready", flush=True)
for line in sys.stdin:
    wanted = json.loads(line)
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        with opened(Path(wanted["folder"]), Clock(datetime.fromisoformat(wanted["now"]))) as desk:
            Ledger._commit = killed(wanted["at"])
            asyncio.run(serve(desk))
    os.wait()
"""
ONCE = (
    *("accept", "add_takedown", "add_task", "again", "agree_call_back", "care_ask", "change_hours", "claim", "close"),
    *("decide", "decline", "next", "note", "pause", "person_role", "read_again", "release", "report_gap", "resume"),
    *("review", "say", "start_practice", "take_over", "take_up_practice", "takedown_step", "transfer", "whisper"),
    "wrap_up",
)
"""The posts that must happen once."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Busy:
    return busy_desk(tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="module")
def forms(made: Busy, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Form]:
    """One form of each route, as it stands before anybody clicked."""
    folder = tmp_path_factory.mktemp("crawled")
    found = {form.route: form for form in reversed(asyncio.run(forms_in(made, folder)))}
    return asyncio.run(_fresh(made, folder / "fresh", {route: found[route] for route in ONCE}))


async def _fresh(made: Busy, folder: Path, forms: dict[str, Form]) -> dict[str, Form]:
    with copied(made, folder) as busy:
        async with served(busy) as server:
            fresh = {}
            for route, form in sorted(forms.items(), key=lambda each: each[0] != "next"):  # before any page is a look
                async with visiting_as(server, busy, form.who) as visitor:
                    fresh[route] = await Trial(busy, server, {form.who: visitor}, {}).found(form)
            return fresh


class Desks:
    """Desks in processes of their own: one at a time, on the file of a folder."""

    def __init__(self, process: "subprocess.Popen[str]", now: str) -> None:
        self._process, self._now = process, now

    async def start(self, folder: Path, at: str = "") -> int:
        """The port. `at`: where in its first commit it is killed, "before" or "after" it."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps({"folder": str(folder), "at": at, "now": self._now}), file=self._process.stdin, flush=True)
        line = await asyncio.wait_for(asyncio.to_thread(self._process.stdout.readline), 20)
        self._pid, port = map(int, line.split())
        return port

    def stop(self) -> None:
        os.kill(self._pid, signal.SIGKILL)


@contextmanager
def desks_in_processes(made: Busy) -> Iterator[Desks]:
    program = (sys.executable, "-c", textwrap.dedent(PROGRAM))
    with subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        try:
            yield Desks(process, made.clock.at.isoformat())
        finally:
            process.kill()


@pytest.fixture(scope="module")
def desks(made: Busy) -> Iterator[Desks]:
    with desks_in_processes(made) as running:
        yield running


@pytest.fixture
def folder(made: Busy, tmp_path: Path) -> Path:
    shutil.copy(made.desk.ledger.path, tmp_path / "desk.db")
    return tmp_path


@pytest.fixture
def tokens(made: Busy) -> dict[str, tuple[str, str]]:
    """Each one's cookie and the token of their forms, which outlive the server."""
    with closing(sqlite3.connect(made.desk.ledger.path)) as db:
        kept = dict(db.execute("SELECT hex(token_hash), csrf FROM adviser_session"))
    return {name: (token, kept[_hash(token)]) for name, token in made.tokens.items()}


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest().upper()


async def clicked(port: int, form: Form, tokens: dict[str, tuple[str, str]]) -> int:
    """The status of the answer; 0 when the line broke."""
    cookie, csrf = tokens[form.who]
    jar, wait = CookieJar(unsafe=True), ClientTimeout(20)
    try:
        async with (
            ClientSession(cookie_jar=jar, cookies={"desk": cookie}, timeout=wait) as session,
            session.post(
                f"http://127.0.0.1:{port}/desk{form.action}", data={**happy(form), "csrf": csrf}, allow_redirects=False
            ) as answer,
        ):
            return answer.status
    except ClientError:
        return 0


def kept(folder: Path) -> dict[str, int]:
    """How many rows each table has, and how far cases and tasks have moved; the chain of events must be whole."""
    with closing(sqlite3.connect(folder / "desk.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert chain.verify(db, SEAL).is_whole
        found = {table: len(rows) for table, rows in dump(db).items()}
        moved = "SELECT (SELECT sum(version) FROM queue_item), (SELECT sum(version) FROM task)"
        return {**found, **dict(zip(("cases moved", "tasks moved"), db.execute(moved).fetchone(), strict=True))}


@pytest.mark.parametrize("route", ONCE)
async def test_a_post_that_was_killed_is_done_once_or_not_at_all_and_a_second_click_ends_it(
    forms: dict[str, Form], desks: Desks, folder: Path, tokens: dict[str, tuple[str, str]], made: Busy, route: str
) -> None:
    form, at_first = forms[route], kept(folder)
    right = folder / "right"
    right.mkdir()
    shutil.copy(folder / "desk.db", right)
    assert await clicked(await desks.start(right), form, tokens) in {200, 303}
    desks.stop()
    as_meant = kept(right)
    assert as_meant != at_first
    for at in ("before", "after"):
        begin_again(made, folder)
        assert await clicked(await desks.start(folder, at), form, tokens) == 0, at
        assert kept(folder) == (at_first if at == "before" else as_meant), at
        assert 0 < await clicked(await desks.start(folder), form, tokens) < 500
        desks.stop()
        again = kept(folder)
        assert {name: again[name] for name in again if name not in MAY_SAY_SO} == {
            name: as_meant[name] for name in as_meant if name not in MAY_SAY_SO
        }, at


def begin_again(made: Busy, folder: Path) -> None:
    for left in folder.glob("desk.db*"):
        left.unlink()
    shutil.copy(made.desk.ledger.path, folder / "desk.db")


MAY_SAY_SO = {"event", "event_chain", "sqlite_sequence"}
"""A second click may be told of in the trail."""


async def test_a_desk_that_answers_before_it_commits_would_be_seen(
    forms: dict[str, Form], desks: Desks, folder: Path, tokens: dict[str, tuple[str, str]]
) -> None:
    """The control: a click that is killed before its commit is gone, and this is noticed when nobody clicks again."""
    at_first = kept(folder)
    assert await clicked(await desks.start(folder, "before"), forms["note"], tokens) == 0
    assert kept(folder) == at_first
    assert await clicked(await desks.start(folder), forms["note"], tokens) == 303
    desks.stop()
    assert kept(folder)["note"] == at_first["note"] + 1
