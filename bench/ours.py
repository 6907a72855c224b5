"""Firstline itself: the whole pipeline from `turns.handle` to the commit, on the real reputation flow."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench.script import FIRST, step
from bot.app import Firstline, assemble
from bot.channels.contract import WEB
from bot.config import read_settings
from bot.domain import Address, Opened, Said, Turn
from bot.engine import begin
from bot.library.model import Library

CONVERSATIONS = 200


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Firstline]:
    settings = read_settings(data_dir=folder, opening_hours="mon-sun 00:00-24:00", holidays_nation="", key=None)
    firstline = assemble(settings)
    async with firstline.running():
        yield firstline


@dataclass(slots=True)
class Talker:
    """One enquirer who says the script again and again; turns are a minute apart, so that nobody is too fast."""

    firstline: Firstline
    address: Address
    typed: list[str]
    said: int = 0

    async def turn(self) -> float:
        """Says the next thing. Returns the seconds until it was on disk."""
        place = self.said % (len(self.typed) + 1)
        at = FIRST + timedelta(minutes=self.said)
        heard = Said("/restart" if self.said else "hello", at) if place == 0 else Said(self.typed[place - 1], at)
        self.said += 1
        started = time.perf_counter()
        await self.firstline.turns.handle(Turn(WEB, self.address, str(self.said), heard))
        return time.perf_counter() - started


async def sequential(firstline: Firstline, typed: list[str], turns: int, name: str) -> tuple[float, float]:
    """(turns a second, commits a turn), one turn after another."""
    talker = Talker(firstline, Address(name), typed)
    await talker.turn()
    commits, started = firstline.ledger.commits, time.perf_counter()
    for _ in range(turns):
        await talker.turn()
    elapsed = time.perf_counter() - started
    return turns / elapsed, (firstline.ledger.commits - commits) / turns


async def together(firstline: Firstline, typed: list[str], each: int, name: str) -> tuple[float, float, float]:
    """(turns a second, p99 in ms, commits a turn) with 200 conversations, each saying its next thing when answered."""
    talkers = [Talker(firstline, Address(f"{name}{n}"), typed) for n in range(CONVERSATIONS)]
    await asyncio.gather(*(talker.turn() for talker in talkers))
    seconds: list[float] = []

    async def talk(talker: Talker) -> None:
        for _ in range(each):
            seconds.append(await talker.turn())

    commits, started = firstline.ledger.commits, time.perf_counter()
    await asyncio.gather(*map(talk, talkers))
    elapsed = time.perf_counter() - started
    return len(seconds) / elapsed, p99_ms(seconds), (firstline.ledger.commits - commits) / len(seconds)


async def offered(firstline: Firstline, typed: list[str], a_second: int, seconds: float, name: str) -> list[float]:
    """Seconds each turn took when so many are offered a second, whether or not earlier ones are done."""
    talkers = [Talker(firstline, Address(f"{name}{n}"), typed) for n in range(a_second)]
    await asyncio.gather(*(talker.turn() for talker in talkers))
    tasks: list[asyncio.Task[float]] = []
    started = time.perf_counter()
    for number in range(int(a_second * seconds)):
        wait = started + number / a_second - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(talkers[number % len(talkers)].turn()))
    return list(await asyncio.gather(*tasks))


def engine_us_per_step(library: Library, typed: list[str], rounds: int) -> float:
    """Microseconds the pure engine needs for one step walked (there are several steps in most turns)."""
    opened = step(library, begin(library), Opened(FIRST)).conversation
    steps, started = 0, time.perf_counter()
    for _ in range(rounds):
        conversation = opened
        for words in typed:
            outcome = step(library, conversation, Said(words, FIRST))
            conversation = outcome.conversation
            steps += sum(1 for kind, _ in outcome.events if kind == "step")
    return (time.perf_counter() - started) / max(steps, 1) * 1e6


def start_ms(folder: Path) -> float:
    """From starting a process with a published library to its first answer on disk."""
    environment = {**os.environ, "FIRSTLINE_DATA_DIR": str(folder)}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "bench.first_answer"], check=True, env=environment, capture_output=True)
    return (time.perf_counter() - started) * 1000


async def idle_mb(firstline: Firstline, typed: list[str], conversations: int) -> float:
    """Megabytes the process grows by when so many conversations have been begun and left."""
    before = resident_mb()
    for number in range(conversations):
        talker = Talker(firstline, Address(f"idle{number}"), typed)
        await talker.turn()
    return resident_mb() - before


def resident_mb(process: int | str = "self") -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def p99_ms(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)] * 1000
