"""Killed at any moment under load, nothing that was acknowledged is missing and nothing was taken twice (P2, P9).

The process is killed, not the power: what synchronous=FULL adds is counted in test_ledger.
"""

import asyncio
import os
import random
import secrets
import signal
import sqlite3
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout

from bot.app import open_ledger
from bot.channels.contract import WEB
from bot.domain import Address, Said, Turn
from bot.store import Store
from tests.small_house import NOON, ROOT, settings_in

CONVERSATIONS = 24
WALK = ("hello", "no", "wales", "A fake account", "Our setting", "yes", "back", "no", "talk to a person", "yes")

# Everything is imported once; each line on standard input forks a fresh server, which says its pid and port.
SERVER = """
import asyncio, os, signal, sqlite3, sys
from pathlib import Path
from aiohttp import web
import bot.app
from bot.logs import quiet_logs
from bot.server import application
from handoff import ledger as ledgers
from tests.small_house import settings_in

class Careless(ledgers.Ledger):
    '''Answers before it commits: what the checker must catch.'''

    def _group(self, works, *, wait):
        with self._lock:
            self._writer.row_factory = sqlite3.Row
            if not self._writer.in_transaction:
                self._writer.execute("BEGIN IMMEDIATE")
            return [ledgers._attempt(self._writer, work, alone=False) for work in works]

    def reader(self):
        return self._writer

async def serve(folder, library, careless):
    quiet_logs()
    firstline = bot.app.assemble(settings_in(Path(folder), Path(library)))
    async with firstline.running():
        runner = web.AppRunner(application(firstline), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(os.getpid(), runner.addresses[0][1], flush=True)
        while True:
            await asyncio.sleep(0.2)
            if careless and firstline.ledger._writer.in_transaction:
                firstline.ledger._writer.execute("COMMIT")

careless = sys.argv[3] == "careless"
if careless:
    bot.app.Ledger = Careless
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in sys.stdin:
    if os.fork() == 0:
        asyncio.run(serve(sys.argv[1], sys.argv[2], careless))
"""


@dataclass
class Enquirer:
    """One conversation as its own side knows it: what was asked, and what the answers said."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    acknowledged: dict[str, list[int]] = field(default_factory=dict)
    """The turn's id -> the numbers of the replies that were read."""
    asked: list[str] = field(default_factory=list)


@dataclass
class Server:
    process: asyncio.subprocess.Process
    pid: int = 0
    port: int = 0
    up: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(b"go\n")
        line = await asyncio.wait_for(self.process.stdout.readline(), 20)
        self.pid, self.port = map(int, line.split())
        self.up.set()

    def kill(self) -> None:
        self.up.clear()
        os.kill(self.pid, signal.SIGKILL)


@asynccontextmanager
async def servers(folder: Path, library: Path, kind: str) -> AsyncIterator[Server]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        textwrap.dedent(SERVER),
        str(folder),
        str(library),
        kind,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    server = Server(process)
    try:
        await server.start()
        yield server
    finally:
        server.kill()
        assert process.stdin
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 10)


async def talk(session: ClientSession, server: Server, me: Enquirer, stop: asyncio.Event) -> None:
    """Says one thing after another; a turn without an answer is repeated with the same id until it has one."""
    while not stop.is_set():
        id_ = f"{len(me.asked)}-{secrets.token_hex(4)}"
        me.asked.append(id_)
        body = {"id": id_, "text": WALK[(len(me.asked) - 1) % len(WALK)]}
        while id_ not in me.acknowledged:
            await server.up.wait()
            await once(session, server, me, body)
        await asyncio.sleep(random.uniform(0, 0.02))


async def once(session: ClientSession, server: Server, me: Enquirer, body: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {me.token}"}
    try:
        async with session.post(f"http://127.0.0.1:{server.port}/api/chat", json=body, headers=headers) as answer:
            if answer.status == 200:
                messages = (await answer.json())["messages"]
                me.acknowledged[body["id"]] = [each["seq"] for each in messages if each["seq"] is not None]
    except (ClientError, TimeoutError, OSError):
        await asyncio.sleep(0.02)


async def some(everyone: list[Enquirer], turns: int) -> None:
    """Until so many more turns were acknowledged, or a second has passed."""
    aim = sum(len(each.acknowledged) for each in everyone) + turns
    for _ in range(100):
        if sum(len(each.acknowledged) for each in everyone) >= aim:
            return
        await asyncio.sleep(0.01)


async def driven(folder: Path, library: Path, kind: str, kills: int) -> list[Enquirer]:
    """The load, with so many kills at random moments; every turn is acknowledged in the end, then one more kill."""
    everyone = [Enquirer() for _ in range(CONVERSATIONS)]
    stop = asyncio.Event()
    async with servers(folder, library, kind) as server, ClientSession(timeout=ClientTimeout(5)) as session:
        talking = [asyncio.create_task(talk(session, server, each, stop)) for each in everyone]
        for _ in range(kills):
            await some(everyone, random.randint(1, 60))
            await asyncio.sleep(random.uniform(0, 0.1))
            server.kill()
            await server.start()
        await asyncio.sleep(0.2)
        stop.set()
        await asyncio.wait_for(asyncio.gather(*talking), 20)
    return everyone


def faults(folder: Path, everyone: list[Enquirer]) -> list[str]:
    """What is wrong between what enquirers saw and what the database holds; nothing is right."""
    ledger = open_ledger(settings_in(folder, folder))
    db, store = ledger.reader(), Store(ledger.seal)
    found: list[str] = []
    for me in everyone:
        rows = [_taken(db, store, me, id_) for id_ in me.asked]
        found += [f"acknowledged, but missing: {id_}" for id_, row in zip(me.asked, rows, strict=True) if row is None]
        numbers = [row for row in rows if row is not None]
        found += ["out of order"] if numbers != sorted(numbers) else []
        for id_, row in zip(me.asked, rows, strict=True):
            kept = {each[0] for each in db.execute(_REPLIES, row or (0, 0))}
            seen = set(me.acknowledged.get(id_, []))
            found += [f"reply seen, but not in the outbox of its turn: {id_}"] if seen - kept else []
            found += [f"reply in the outbox, but not in the answer: {id_}"] if kept - seen else []
    asked = sum(len(me.asked) for me in everyone)
    taken = db.execute("SELECT count(*) FROM turn").fetchone()[0]
    found += [f"{taken} turns were kept of {asked}"] if taken != asked else []
    found += [f"moved more often than turned: {row[0]}" for row in db.execute(_MOVED)]
    found += [f"a reply without its turn: {row[0]}" for row in db.execute(_LOOSE)]
    found += [str(row[0]) for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
    ledger.close()
    return found


def _taken(db: sqlite3.Connection, store: Store, me: Enquirer, id_: str) -> tuple[int, int] | None:
    """The conversation and number this turn was kept under."""
    external = store.external(Turn(WEB, Address(me.token), id_, Said("", NOON)))
    return store.turn_already_taken(db, external)


_MOVED = """
SELECT c.id FROM conversation c WHERE c.version <> (SELECT count(*) FROM turn WHERE turn.conversation = c.id)"""
_LOOSE = """
SELECT o.id FROM outbox o LEFT JOIN turn t ON t.number = o.turn AND t.conversation = o.conversation
 WHERE o.author = 'bot' AND t.number IS NULL"""
_REPLIES = "SELECT id FROM outbox WHERE conversation = ? AND turn = ?"


async def test_killed_a_dozen_times_under_load_nothing_acknowledged_is_missing(
    tmp_path: Path, library_folder: Path
) -> None:
    everyone = await driven(tmp_path, library_folder, "careful", kills=12)
    asked = sum(len(each.asked) for each in everyone)
    assert asked > 3 * CONVERSATIONS, "there was load"
    assert faults(tmp_path, everyone) == []


async def test_a_writer_that_answers_before_it_commits_is_caught(tmp_path: Path, library_folder: Path) -> None:
    """Negative control: the same driver and the same checker, on a careless ledger."""
    everyone = await driven(tmp_path, library_folder, "careless", kills=2)
    assert any(fault.startswith("acknowledged, but missing") for fault in faults(tmp_path, everyone))
