"""The desk under load: `python -m bench.desk [--minutes 10]`.

200 cases wait, 20 advisers work, 60 conversations are live. A real server is a process of its own. Advisers are what
their browsers would be: each keeps the page it looks at up to date by the event stream as desk.js does, claims,
answers, and closes; enquirers are real conversations over HTTP. A tenth of the claims is for a case that somebody else
goes for at the same moment.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, CookieJar, TCPConnector

from bench.ours import resident_mb
from bot.app import assemble, clock
from bot.config import read_settings
from handoff import advisers
from handoff.domain import Role
from handoff.doorkeeper import Credentials, Doorkeeper, LoggedIn
from handoff.seal import Seal

WAITING, ADVISERS, CAPACITY = 200, 20, 3
ALWAYS = "mon-sun 00:00-24:00"
SAYS_EVERY_S = 8.0
"""How often something is said in each live conversation, by either side."""
LINES_UNTIL_CLOSED = 10
LATER_S = 3.0
"""As LATER_MS of desk.js."""
OPENING = ("hello", "talk to a person", "yes")
LOOKS_AT_BOARD = ADVISERS // 4
"""So many advisers have the board open; the others look at one of their conversations."""
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass
class Seen:
    """What was measured: seconds each."""

    claims: list[float] = field(default_factory=list)
    screens: list[float] = field(default_factory=list)
    says: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    memory_mb: list[float] = field(default_factory=list)
    live: list[int] = field(default_factory=list)
    stuck: float = 0.0
    begun: dict[tuple[str, int], float] = field(default_factory=dict)
    """(event, case) -> when what leads to it was asked for."""


class Console:
    """One adviser's browser: its log-in, its page, its event stream."""

    def __init__(self, session: ClientSession, number: int, seen: Seen, dice: random.Random) -> None:
        self.session = session
        self.number = number
        self.seen = seen
        self.dice = dice
        self.path = "/desk/"
        self.csrf = ""
        self.mine: dict[int, int] = {}
        """case -> lines said in it."""
        self._stale = asyncio.Event()
        self._news: list[tuple[str, int]] = []
        self._later: asyncio.TimerHandle | None = None

    async def page(self, path: str) -> str:
        started = time.perf_counter()
        async with self.session.get(path) as answer:
            text = await answer.text()
            self.seen.outcomes[f"page {answer.status}"] += 1
        self.seen.pages.append(time.perf_counter() - started)
        found = CSRF.search(text)
        self.csrf = found[1] if found else self.csrf
        return text

    async def post(self, path: str, **fields: object) -> tuple[int, str]:
        body = {"csrf": self.csrf, **{name: str(value) for name, value in fields.items()}}
        async with self.session.post(path, data=body, allow_redirects=False) as answer:
            await answer.read()
            return answer.status, answer.headers.get("Location", "")

    # --- keeping its page up to date ---------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Reads the stream and loads the page again, one load at a time, as desk.js does."""
        keeper = asyncio.create_task(self._keep())
        try:
            async with self.session.get("/desk/events?after=0", timeout=ClientTimeout(total=None)) as stream:
                event = ""
                async for raw in stream.content:
                    line = raw.decode().rstrip("\n")
                    if line.startswith("event: "):
                        event = line[7:]
                    elif line.startswith("data: ") and event == "news":
                        told = json.loads(line[6:])
                        if told["case"] and self._cares(told["kind"], told["case"]):
                            self._news.append((told["kind"], told["case"]))
                            self._stale.set()
                        elif self._later is None:
                            self._later = asyncio.get_running_loop().call_later(LATER_S, self._look_later)
        finally:
            keeper.cancel()

    def _cares(self, kind: str, case: int) -> bool:
        if self.path == "/desk/":
            return kind.startswith("case.")
        return case in self.mine

    def _look_later(self) -> None:
        self._later = None
        self._stale.set()

    async def _keep(self) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            news, self._news = self._news, []
            await self.page(self.path)
            shown = time.perf_counter()
            for each in news:
                asked = self.seen.begun.get(each)
                if asked is not None:
                    self.seen.screens.append(shown - asked)

    # --- working -----------------------------------------------------------------------------------------------------

    async def work(self, claims: "asyncio.Queue[int]", until: float) -> None:
        await asyncio.sleep(SAYS_EVERY_S * self.dice.random())  # a shift does not begin in one millisecond
        while time.perf_counter() < until:
            if len(self.mine) < CAPACITY:
                await self._claim(claims)
            for case in list(self.mine):
                await self._say(case)
            await asyncio.sleep(SAYS_EVERY_S * self.dice.uniform(0.6, 1.4))

    async def _claim(self, claims: "asyncio.Queue[int]") -> None:
        case = await claims.get()
        if self.dice.random() < 0.1:
            claims.put_nowait(case)  # a colleague goes for the same one
        started = time.perf_counter()
        self.seen.begun["case.claimed", case] = started
        status, place = await self.post(f"/desk/cases/{case}/claim")
        self.seen.claims.append(time.perf_counter() - started)
        won = status == 303 and place.endswith(f"/cases/{case}")
        self.seen.outcomes["claimed" if won else "somebody was faster"] += 1
        if won:
            self.mine[case] = 0
            if self.number >= LOOKS_AT_BOARD:
                self.path = f"/desk/cases/{case}"

    async def _say(self, case: int) -> None:
        lines = self.mine[case] = self.mine[case] + 1
        if lines > LINES_UNTIL_CLOSED:
            await self._close(case)
            return
        mark = f"bench-{self.number}-{case}-{lines}"
        started = time.perf_counter()
        self.seen.begun["message.said", case] = started
        status, _ = await self.post(
            f"/desk/cases/{case}/say", text=f"Line {lines} of ours.", client_id=mark, seen_seq=10**6
        )
        self.seen.says.append(time.perf_counter() - started)
        self.seen.outcomes[f"say {status}"] += 1

    async def _close(self, case: int) -> None:
        await self.post(f"/desk/cases/{case}/wrap-up")
        status, _ = await self.post(f"/desk/cases/{case}/close", seen_seq=10**6, **CLOSING)
        self.seen.outcomes[f"close {status}"] += 1
        del self.mine[case]
        self.path = f"/desk/cases/{next(iter(self.mine))}" if self.mine and self.number >= LOOKS_AT_BOARD else "/desk/"


CLOSING = {
    "issue": "reputation",
    "primary": "reputation",
    "outcome": "advised",
    "role": "teacher",
    "setting": "primary",
    "nation": "england",
    "route": "setting",
}


@dataclass
class Enquirers:
    """Real conversations over the REST channel; new ones come as others are claimed, and those in hand write back."""

    session: ClientSession
    seen: Seen
    dice: random.Random
    count: int = 0

    async def come(self) -> None:
        self.count += 1
        sender = f"bench-{self.count}"
        for number, text in enumerate(OPENING):
            await self.write(sender, text, f"{sender}-{number}")

    async def write(self, sender: str, text: str, mark: str) -> None:
        body = {"sender": sender, "message": text, "metadata": {"message_id": mark}}
        async with self.session.post("/webhooks/rest/webhook", json=body) as answer:
            self.seen.outcomes[f"turn {answer.status}"] += 1
            await answer.read()

    async def keep_coming(self, claims: "asyncio.Queue[int]", until: float) -> None:
        """As many come as are taken, so that WAITING wait all the time; the oldest are taken first."""
        offered = 0
        while time.perf_counter() < until:
            while claims.qsize() < ADVISERS:
                offered += 1
                claims.put_nowait(offered)
                if self.count < WAITING + offered - claims.qsize():
                    await self.come()
            await asyncio.sleep(0.2)

    async def keep_writing(self, held: Callable[[], list[int]], until: float) -> None:
        """The case's number is the enquirer's: each opened one, in order."""
        number = 0
        while time.perf_counter() < until:
            await asyncio.sleep(SAYS_EVERY_S / (ADVISERS * CAPACITY) * self.dice.uniform(0.6, 1.4))
            cases = held()
            if cases:
                number += 1
                case = self.dice.choice(cases)
                self.seen.begun["message.heard", case] = time.perf_counter()
                await self.write(f"bench-{case}", "And they are still writing.", f"again-{number}")


# --- the run ---------------------------------------------------------------------------------------------------------


def prepared(folder: Path) -> list[str]:
    """A database with the advisers in it; returns a session's token for each."""
    settings = read_settings(data_dir=folder, opening_hours=ALWAYS, holidays_nation="")
    made = assemble(settings)
    tokens = [
        made.ledger.write_now(lambda db, number=number: _hired(db, made.ledger.seal, number))
        for number in range(ADVISERS)
    ]
    made.ledger.close()
    return tokens


def _hired(db: sqlite3.Connection, seal: Seal, number: int) -> str:
    email = f"bench-{number}@example.org"
    made = advisers.add(db, f"Adviser {number}", email, "$argon2id$bench", Role.ADVISER, clock(), CAPACITY)
    advisers.set_available(db, made, True, clock())
    door = Doorkeeper(seal)
    credentials = door.credentials(db, email, "127.0.0.1", clock())
    assert isinstance(credentials, Credentials)
    logged_in = door.log_in(db, credentials, True, clock())
    assert isinstance(logged_in, LoggedIn)
    return logged_in.token


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[str, int]]:
    """A server of its own process: its address and process number."""
    port = _free_port()
    named = {"DATA_DIR": folder, "PORT": port, "OPENING_HOURS": ALWAYS, "HOLIDAYS_NATION": ""}
    env = {**os.environ, **{f"FIRSTLINE_{name}": str(value) for name, value in named.items()}}
    server = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "serve", env=env, stdout=DEVNULL)
    try:
        await _until_ready(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until_ready(url: str) -> None:
    async with ClientSession() as session:
        for _ in range(200):
            with contextlib.suppress(OSError, ClientError):
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
    raise RuntimeError("the server did not start")


async def run(minutes: float) -> Seen:
    seen, dice = Seen(), random.Random(5)
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as folder:
        tokens = await asyncio.to_thread(prepared, Path(folder))
        async with serving(Path(folder)) as (url, pid), contextlib.AsyncExitStack() as stack:
            sessions = [await stack.enter_async_context(_browser(url, token)) for token in tokens]
            plain = await stack.enter_async_context(ClientSession(url, connector=TCPConnector(limit=0)))
            consoles = [Console(session, number, seen, dice) for number, session in enumerate(sessions)]
            enquirers = Enquirers(plain, seen, dice)
            while enquirers.count < WAITING:
                await enquirers.come()
            await _work(consoles, enquirers, pid, minutes * 60)
    return seen


async def _work(consoles: list["Console"], enquirers: Enquirers, pid: int, length_s: float) -> None:
    claims: asyncio.Queue[int] = asyncio.Queue()
    until = time.perf_counter() + length_s

    def held() -> list[int]:
        return [case for console in consoles for case in console.mine]

    for console in consoles:
        await console.page(console.path)
    parts = [asyncio.create_task(console.follow()) for console in consoles]
    parts += [asyncio.create_task(console.work(claims, until)) for console in consoles]
    parts.append(asyncio.create_task(enquirers.keep_coming(claims, until)))
    parts.append(asyncio.create_task(enquirers.keep_writing(held, until)))
    parts.append(asyncio.create_task(_beat(consoles, until)))
    while time.perf_counter() < until:
        await asyncio.sleep(min(10.0, length_s / 10))
        enquirers.seen.memory_mb.append(resident_mb(pid))
        enquirers.seen.live.append(len(held()))
        enquirers.seen.stuck = max(enquirers.seen.stuck, await _stuck(enquirers.session))
    for part in parts:
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)


async def _beat(consoles: list["Console"], until: float) -> None:
    while time.perf_counter() < until:
        for console in consoles:
            await console.post("/desk/heartbeat")
        await asyncio.sleep(20)


async def _stuck(session: ClientSession) -> float:
    async with session.get("/metrics") as answer:
        text = await answer.text()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("firstline_stuck{"))


def _browser(url: str, token: str) -> ClientSession:
    return ClientSession(
        url, cookie_jar=CookieJar(unsafe=True), cookies={"desk": token}, connector=TCPConnector(limit=6)
    )


def lines_of(seen: Seen) -> list[tuple[str, str]]:
    half = seen.memory_mb[len(seen.memory_mb) // 2 :]
    return [
        ("claim", _spread(seen.claims)),
        ("said", _spread(seen.says)),
        ("page loaded", _spread(seen.pages)),
        ("claimed or heard, on another screen", _spread(seen.screens)),
        ("live conversations", f"median {statistics.median(seen.live):.0f}, most {max(seen.live)}"),
        ("memory", f"{seen.memory_mb[0]:.0f} MB at first, {half[0]:.0f} half-way, {half[-1]:.0f} at the end"),
        ("stuck, at most", f"{seen.stuck:.0f}"),
        ("what happened", ", ".join(f"{name} {count}" for name, count in sorted(seen.outcomes.items()))),
    ]


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds) or [0.0]
    p50, p95, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 for part in (0.5, 0.95, 0.99))
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, most {ordered[-1] * 1000:.0f} ms (n {len(seconds)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    for name, figures in lines_of(asyncio.run(run(parser.parse_args().minutes))):
        print(f"{name:38} {figures}")


if __name__ == "__main__":
    main()
