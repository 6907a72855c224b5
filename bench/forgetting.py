"""Forgetting at night beside turns: `python -m bench.forgetting [--conversations 10000] [--json]`.

Fills a database with conversations that have been idle for a month, each with words, replies and a closed case. Then
turns are offered at a steady pace: first with nothing beside them, then while the typed words go (`upkeep.forget`),
then while the cases go (`night.work`), then while the file is rewritten, which gives way to them.
"""

import argparse
import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.ours import Talker, p99_ms
from bench.script import script
from bot.app import Firstline, assemble
from bot.channels.contract import WEB
from bot.config import read_settings
from bot.domain import Address, ConversationId, Reply, Said
from bot.engine import begin
from bot.logs import quiet_logs
from bot.outbox import Delivery
from handoff import advisers
from handoff.domain import AdviserId, NewCase, Pack, PackAnswer, Role
from handoff.moments import to_ms

A_SECOND = 50
"""Turns offered, whether or not earlier ones are done."""
ALONE_S = 10.0
AT_ONCE = 50
PACK = Pack((PackAnswer("Where is it?", "TikTok"),) * 6, (), ("someone made an account in our name",) * 3)
SAID = "Please report each video, not only the account, and keep the numbers you are given. " * 2
TURNS, REPLIES, MESSAGES = 10, 12, 6


def fill(firstline: Firstline, conversations: int, at: datetime) -> None:
    ledger = firstline.ledger
    adviser = ledger.write_now(lambda db: advisers.add(db, "Amira", "a@example.org", HASH, Role.LEAD, at, 20))
    for first in range(1, conversations + 1, AT_ONCE):
        ledger.write_now(lambda db, first=first: _some(db, firstline, range(first, first + AT_ONCE), adviser, at))  # type: ignore[misc]


HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$none"


def _some(db: sqlite3.Connection, firstline: Firstline, numbers: range, adviser: AdviserId, at: datetime) -> None:
    for number in numbers:
        _conversation(db, firstline, number, at)
        _case(db, firstline, number, adviser, at)


def _conversation(db: sqlite3.Connection, firstline: Firstline, number: int, at: datetime) -> None:
    """As the store writes it, without the engine: it would take most of the time."""
    store, seal = firstline.turns.store, firstline.ledger.seal
    address = Address(f"idle-{number}")
    state = store._state(begin(firstline.shelf.live().library), at)
    row = [WEB, store.mark(WEB, address), seal.seal(address, "address"), *state, to_ms(at)]
    here = ConversationId(db.execute(_START, row).lastrowid or 0)
    for turn in range(1, TURNS + 1):
        store.add_turn(db, here, turn, seal.mark(f"{number}|{turn}"), Said("", at), SAID)
    replies = [Reply("utter_greet", (("words", SAID),))] * REPLIES
    firstline.turns.outbox.put(db, here, 1, replies, at, epoch=0, delivery=Delivery.WITH_THE_ANSWER)


def _case(db: sqlite3.Connection, firstline: Firstline, number: int, adviser: AdviserId, at: datetime) -> None:
    queue = firstline.queue
    version = firstline.shelf.live().library.version
    new = NewCase(number, 2, "asked", "web", version, "impersonation", "teacher", "england", "tiktok", pack=PACK)
    case = queue.open_case(db, new, at).id
    queue.claim(db, case, adviser, at)
    for line in range(MESSAGES // 2):
        queue.say(db, case, adviser, SAID, f"line-{line}", 10**6, at)
        queue.hear(db, number, SAID, at)
    queue.note(db, case, adviser, SAID, at)
    queue.wrap_up(db, case, adviser, at)
    queue.close(db, case, adviser, "impersonation", "advised", at)


_START = """
INSERT INTO conversation (channel, mark, address, version, library, state, last_turn_at, ended_at, started_at)
VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?)"""


@asynccontextmanager
async def offering(firstline: Firstline, typed: list[str], name: str) -> AsyncIterator[list[float]]:
    """Turns are offered while the block runs; the seconds each took."""
    talkers = [Talker(firstline, Address(f"{name}{n}"), typed) for n in range(4 * A_SECOND)]
    await asyncio.gather(*(talker.turn() for talker in talkers))
    seconds: list[float] = []
    tasks: set[asyncio.Task[None]] = set()

    async def one(talker: Talker) -> None:
        seconds.append(await talker.turn())

    async def offer() -> None:
        started, number = time.perf_counter(), 0
        while True:
            await asyncio.sleep(max(0.0, started + number / A_SECOND - time.perf_counter()))
            task = asyncio.create_task(one(talkers[number % len(talkers)]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1

    offered = asyncio.create_task(offer())
    try:
        yield seconds
    finally:
        offered.cancel()
        await asyncio.gather(*tasks)


async def beside(firstline: Firstline, typed: list[str], name: str, work: Awaitable[object]) -> dict[str, float]:
    async with offering(firstline, typed, name) as seconds:
        started = time.perf_counter()
        await work
        took = time.perf_counter() - started
    return {
        f"{name}_s": took,
        f"{name}_turns": len(seconds),
        f"{name}_turn_p50_ms": statistics.median(seconds) * 1000,
        f"{name}_turn_p99_ms": p99_ms(seconds),
        f"{name}_turn_max_ms": max(seconds) * 1000,
    }


async def measure(folder: Path, conversations: int) -> dict[str, float]:
    settings = read_settings(data_dir=folder, opening_hours="mon-sun 00:00-24:00", holidays_nation="", key=None)
    firstline = assemble(settings)
    started = time.perf_counter()
    fill(firstline, conversations, datetime.now(UTC) - timedelta(days=31))
    found = {"conversations": float(conversations), "fill_s": time.perf_counter() - started}
    firstline.ledger.empty_log()
    found["database_mb"] = settings.database.stat().st_size / 1e6
    typed = script(firstline.shelf.live().library)
    found |= await beside(firstline, typed, "alone", asyncio.sleep(ALONE_S))
    found |= await beside(firstline, typed, "words", firstline.upkeep.forget())
    found |= await beside(firstline, typed, "cases", firstline.night.work())
    found |= await beside(firstline, typed, "rewriting", asyncio.to_thread(firstline.ledger.rewrite))
    started = time.perf_counter()
    was_rewritten = await asyncio.to_thread(firstline.ledger.rewrite)
    found |= {"quiet_rewrite_s": time.perf_counter() - started, "was_rewritten": float(was_rewritten)}
    found["database_after_mb"] = settings.database.stat().st_size / 1e6
    found["cases_left"] = firstline.ledger.reader().execute("SELECT count(*) FROM cases").fetchone()[0]
    firstline.ledger.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    quiet_logs()
    with tempfile.TemporaryDirectory(prefix="firstline-forgetting-") as folder:
        found = asyncio.run(measure(Path(folder), given.conversations))
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        sys.stdout.writelines(f"{name:<26} {value:>12,.2f}\n" for name, value in found.items())


if __name__ == "__main__":
    main()
