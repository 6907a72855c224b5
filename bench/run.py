"""`firstline bench`: every measure and its baseline in one run, as a table or as JSON lines."""

import asyncio
import json
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import ours, raw
from bench.script import script
from bot.app import Firstline
from bot.checking.report import report_on
from bot.config import shipped_library
from bot.logs import quiet_logs

ROUNDS = 5
"""Each measure is taken so often, in turn with its baseline; the median is the figure, the rest is spread."""
QUICK_ROUNDS = 2
"""Of what goes through channels, in quick mode."""
UNITS = {
    "raw_commits_per_s": "/s",
    "turns_per_s_sequential": "/s",
    "sequential_of_raw": "%",
    "raw_grouped_per_s": "/s",
    "turns_per_s_200": "/s",
    "at_200_of_raw_grouped": "%",
    "turn_p99_ms_at_200": "ms",
    "turn_p50_ms_at_1000": "ms",
    "turn_p99_ms_at_1000": "ms",
    "commits_per_turn_sequential": "",
    "commits_per_turn_200": "",
    "bytes_per_turn": "B",
    "engine_us_per_step": "µs",
    "start_ms": "ms",
    "serving_mb": "MB",
    "idle_10k_mb": "MB",
    "check_s": "s",
    "webhook_updates_per_s": "/s",
    "webhook_replied_per_s": "/s",
    "webhook_of_turns_200": "%",
    "webhook_added_ms_p50": "ms",
    "webhook_added_ms_p99": "ms",
    "reply_ms_p50": "ms",
    "reply_ms_p99": "ms",
    "others_p99_ms_without": "ms",
    "others_p99_ms_with_429": "ms",
    "others_with_of_without": "%",
    "kb_per_1000_waiting": "KB",
    "due_ms_10k": "ms",
}


@dataclass(slots=True)
class Figures:
    taken: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, measure: str, value: float) -> None:
        self.taken[measure].append(value)


def measure(*, as_json: bool, quick: bool) -> None:
    """Takes a few minutes; `quick` does a tenth of the work and is only good for a look."""
    quiet_logs()
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as folder:
        asyncio.run(_measure(Path(folder), figures, 10 if quick else 1))
    (_as_lines if as_json else _as_table)(figures)


async def _measure(folder: Path, figures: Figures, share: int) -> None:
    (folder / "ours").mkdir()
    async with ours.running(folder / "ours") as firstline:
        library = firstline.shelf.live().library
        typed = script(library)
        await ours.together(firstline, typed, 2, "warm")
        figures.add("serving_mb", ours.resident_mb())
        for number in range(ROUNDS):
            await _round(folder, figures, share, number, firstline, library, typed)
        figures.add("idle_10k_mb", await ours.idle_mb(firstline, typed, 10_000 // share) * share)
        await _through_channels(folder / "channels", figures, share, firstline, typed)
    await _cold(folder, figures)


async def _round(folder: Path, figures: Figures, share: int, number: int, firstline, library, typed) -> None:  # type: ignore[no-untyped-def]
    here = folder / f"raw{number}"
    here.mkdir()
    bare = raw.commits_per_s(here, 3000 // share)
    one, commits_one = await ours.sequential(firstline, typed, 2000 // share, f"one{number}-")
    grouped = raw.grouped_per_s(here, library, typed, max(1, 5 // share))
    size = _bytes(folder / "ours")
    many, p99, commits_many = await ours.together(firstline, typed, max(2, 50 // share), f"many{number}-")
    grown = _bytes(folder / "ours") - size
    waits = await ours.offered(firstline, typed, 1000, 5 / share, f"offered{number}-")
    for name, value in (
        ("raw_commits_per_s", bare),
        ("turns_per_s_sequential", one),
        ("sequential_of_raw", 100 * one / bare),
        ("commits_per_turn_sequential", commits_one),
        ("raw_grouped_per_s", grouped),
        ("turns_per_s_200", many),
        ("at_200_of_raw_grouped", 100 * many / grouped),
        ("turn_p99_ms_at_200", p99),
        ("commits_per_turn_200", commits_many),
        ("bytes_per_turn", grown / (200 * max(2, 50 // share))),
        ("turn_p50_ms_at_1000", statistics.median(waits) * 1000),
        ("turn_p99_ms_at_1000", ours.p99_ms(waits)),
        ("engine_us_per_step", ours.engine_us_per_step(library, typed, max(5, 100 // share))),
    ):
        figures.add(name, value)


async def _through_channels(folder: Path, figures: Figures, share: int, firstline: Firstline, typed: list[str]) -> None:
    from bench import channels  # only now: Telegram's library would weigh on `serving_mb`

    channels.only_errors()
    async with (
        channels.provider_of_its_own() as provider,
        channels.served(folder / "served", provider) as served,
        channels.bursts(folder / "bursts", provider) as bursts,
    ):
        for number in range(ROUNDS if share == 1 else QUICK_ROUNDS):
            await _channel_round(figures, share, number, firstline, typed, served, bursts)
    kb, look_ms = await channels.waiting(folder / "waiting", 5_000 // share)
    figures.add("kb_per_1000_waiting", kb)
    figures.add("due_ms_10k", look_ms)


async def _channel_round(figures: Figures, share: int, number: int, firstline, typed, served, bursts) -> None:  # type: ignore[no-untyped-def]
    first, each, recipients = 1_000_000 * (number + 1), max(1, 2 // share), 1_000 // share
    turns, _, _ = await ours.together(firstline, typed, 10 * each, f"beside{number}-")
    taken, replied = await served.together(typed[:each], first)
    added, replies = await served.offered(typed[each : each + max(1, 3 // share)], first)
    others = {}
    for flooded in (False, True) if number % 2 else (True, False):  # in turn, or what is first would be favoured
        waited = await bursts.others_s(first + 500_000 + flooded * recipients, recipients, flooded=flooded)
        others[flooded] = ours.p99_ms(waited)
    for name, value in (
        ("webhook_updates_per_s", taken),
        ("webhook_replied_per_s", replied),
        ("webhook_of_turns_200", 100 * taken / turns),
        ("webhook_added_ms_p50", statistics.median(added) * 1000),
        ("webhook_added_ms_p99", ours.p99_ms(added)),
        ("reply_ms_p50", statistics.median(replies) * 1000),
        ("reply_ms_p99", ours.p99_ms(replies)),
        ("others_p99_ms_without", others[False]),
        ("others_p99_ms_with_429", others[True]),
        ("others_with_of_without", 100 * others[True] / others[False]),
    ):
        figures.add(name, value)


async def _cold(folder: Path, figures: Figures) -> None:
    for _ in range(ROUNDS):
        figures.add("start_ms", await asyncio.to_thread(ours.start_ms, folder / "ours"))
        started = time.perf_counter()
        report_on(shipped_library())
        figures.add("check_s", time.perf_counter() - started)


def _bytes(folder: Path) -> int:
    """What the turns of all conversations take in the database, after it was folded in."""
    db = sqlite3.connect(folder / "firstline.db")
    db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    pages, size, free = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size", "freelist_count")
    )
    db.close()
    return int((pages - free) * size)


def _as_lines(figures: Figures) -> None:
    for name, unit in UNITS.items():
        values = figures.taken[name]
        line = {"measure": name, "value": round(statistics.median(values), 3), "unit": unit, "n": len(values)}
        print(json.dumps({**line, "min": round(min(values), 3), "max": round(max(values), 3)}))


def _as_table(figures: Figures) -> None:
    table = Table(title=f"{_machine()}, {ROUNDS} rounds")
    for heading in ("measure", "median", "least", "most", "unit"):
        table.add_column(heading, justify="left" if heading in ("measure", "unit") else "right")
    for name, unit in UNITS.items():
        values = figures.taken[name]
        table.add_row(name, *(f"{each:,.2f}" for each in (statistics.median(values), min(values), max(values))), unit)
    Console(width=100).print(table)


def _machine() -> str:
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
