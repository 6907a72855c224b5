"""A server that can be killed between any two requests, and starts again at once on the same data.

Everything it and the world say to each other passes a `Between`, which knows each moment: a request comes, a request
has been answered. `Parent` imports once and forks a fresh server in a blink.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict

from tests.small_house import ROOT

OF_ONE_HOP = ("Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Host")

# Each line on standard input is {"settings": …, "careless": …}: a fresh server, which says its pid and port. The one
# before was killed. What goes to many people at once need not wait here: the provider's pace is taken off.
PROGRAM = """
import asyncio, ctypes, json, os, signal, sys
import bot.channels.telegram.channel as telegram
import bot.channels.whatsapp.channel
import bot.serving as serving
from bot.channels.contract import Taken
from bot.config import Settings
from bot.house import Rooms
from bot.outbox import Outbox
from bot.triage.concern import ranker_of

telegram.SPACING_S = 0
telegram.OVERALL_PER_S = 10_000
assemble, kept = serving.assemble, {}

def warm(settings):
    made = assemble(settings)
    made.shelf._kept.update(kept)
    return made

async def careless_take(self, turn):
    '''Says that it has it before it is on disk: what the checker must catch.'''
    async def later():
        await asyncio.sleep(0.05)
        await self._turns.handle(turn)
    self.__dict__.setdefault("later", []).append(asyncio.create_task(later()))
    return Taken(None)

def careless_sending(self, db, seqs):
    '''Does not note that something is under way.'''
    return True

async def say(_, port):
    print(os.getpid(), port, flush=True)

def end_with_the_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)

first = assemble(Settings(**json.loads(sys.argv[1])))
live = first.shelf.live()
kept[live.library.version] = live
first.warm()
first.ledger.close()
serving.assemble = warm
print("warm", flush=True)
for line in sys.stdin:
    wanted = json.loads(line)
    child = os.fork()
    if child == 0:
        end_with_the_parent()
        if wanted["careless"] == "taking":
            Rooms.take = careless_take
        if wanted["careless"] == "sending":
            Outbox.sending = careless_sending
        asyncio.run(serving.serve_until_stopped(Settings(**wanted["settings"]), say))
    os.waitpid(child, 0)
"""

Moment = Callable[[str], bool]
"""Hears of a moment; true: what was on its way is lost, because somebody was killed."""


class Parent:
    """Forks servers, one at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = 0

    async def start(self, settings: Mapping[str, object], careless: str) -> int:
        """The port, once it answers. `careless`: what it takes no care of, "taking" or "sending"."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"settings": settings, "careless": careless}).encode() + b"\n")
        self._process.stdin.flush()
        try:
            line = await asyncio.wait_for(asyncio.to_thread(self._process.stdout.readline), 10)
        except TimeoutError:
            self._process.kill()  # or the thread would read for ever, and the test never end
            raise
        assert line, "the server did not start"
        self.pid, port = map(int, line.split())
        return port

    def kill(self) -> bool:
        """Only what this parent started, and only while it runs: False when nothing does yet."""
        if not self.pid:
            return False
        os.kill(self.pid, signal.SIGKILL)
        self.pid = 0
        return True


@contextmanager
def parent(settings: Mapping[str, object]) -> Iterator[Parent]:
    """`settings`: of a house whose library all servers will have."""
    program = (sys.executable, "-c", textwrap.dedent(PROGRAM), json.dumps(settings))
    with subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"warm\n"
        try:
            yield Parent(process)
        finally:
            process.kill()


class Between:
    """Passes requests on to `target`. A moment is told of before it is too late: what is lost there is lost."""

    def __init__(self, name: str, moment: Moment, target: str = "") -> None:
        self.name, self.moment, self.target = name, moment, target
        self.url = ""

    async def open(self) -> None:
        connector = TCPConnector(force_close=True, limit=0)  # a connection to who was killed is of no use
        self._session = ClientSession(connector=connector, timeout=ClientTimeout(60), auto_decompress=False)
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/{tail:.*}", self._passed)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0][:2])

    async def close(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _passed(self, request: web.Request) -> web.StreamResponse:
        body, what = await request.read(), f"{self.name} {request.path.rpartition('/')[2]}"
        if self.moment(f"{what} came"):
            return _lost(request)
        try:
            answer = await self._asked(request, body)
        except (ClientError, TimeoutError, OSError):
            return _lost(request)
        return _lost(request) if self.moment(f"{what} answered") else answer

    async def _asked(self, request: web.Request, body: bytes) -> web.Response:
        headers, url = _kept(request.headers), f"{self.target}{request.path_qs}"
        async with self._session.request(
            request.method, url, data=body or None, headers=headers, allow_redirects=False
        ) as answer:
            return web.Response(status=answer.status, body=await answer.read(), headers=_kept(answer.headers))


def _kept(headers: Mapping[str, str]) -> CIMultiDict[str]:
    kept = CIMultiDict(headers)
    for name in OF_ONE_HOP:
        kept.popall(name, None)
    return kept


def _lost(request: web.Request) -> web.StreamResponse:
    if request.transport:
        request.transport.abort()
    return web.Response()


class Killing:
    """Counts the moments, and kills at those that were chosen."""

    def __init__(self, at: Callable[[int, str], bool], kill: Callable[[], bool]) -> None:
        self._at, self._kill = at, kill
        self.seen: list[str] = []
        self.killed_at: list[str] = []
        self.dead = asyncio.Event()

    def __call__(self, what: str) -> bool:
        if self.dead.is_set():
            return False
        self.seen.append(what)
        if not (self._at(len(self.seen) - 1, what) and self._kill()):
            return False
        self.killed_at.append(what)
        self.dead.set()
        return True


def data_in(folder: Path) -> Mapping[str, object]:
    """The settings of a house on a port of its own choosing."""
    return {"data_dir": str(folder), "host": "127.0.0.1", "port": 0}
