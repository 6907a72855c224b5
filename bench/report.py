"""Report and dashboard over a million cases: `python -m bench.report [--folder FOLDER] [--cases N] [--rounds 5]`.

Each measure is taken in a process of its own, by turns with its baseline, so that memory is its own and what else the
machine does falls on all. FOLDER: what `python -m bench.history` made; without it one is made and thrown away.
"""

import argparse
import asyncio
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from aiohttp.test_utils import TestClient, TestServer
from rich.console import Console
from rich.table import Table

from bench import history
from bot.app import assemble
from bot.config import Settings, read_settings
from bot.logs import quiet_logs
from bot.server import application
from handoff import advisers
from handoff.console.auth import cookie_name
from handoff.domain import Role
from handoff.doorkeeper import Credentials, Doorkeeper, LoggedIn
from handoff.ledger import Ledger
from handoff.periods import Compare
from handoff.reports import building, counting
from handoff.reports.files import Format, written
from handoff.reports.model import Report

ROUNDS: Final = 5
PAGES: Final = 9
"""How often the dashboard is asked for, once it is warm."""
FORMATS: Final = (Format.TEXT, Format.CSV, Format.JSON, Format.HTML, Format.PDF)
GROUPED: Final = """
SELECT coalesce(issue, concern), count(*) FROM case_facts WHERE period >= ? AND period < ? GROUP BY 1
"""
Taken = dict[str, float]
"""By measure: seconds on the wall (`s`) and of the processor (`cpu_s`), which another process's work does not lengthen
so much; `mb`: the most memory the process ever had."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--cases", type=int, default=history.CASES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--one", choices=MEASURES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    quiet_logs()
    if given.one:
        taken = MEASURES[given.one](given.folder)
        print(json.dumps({**taken, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
    elif given.folder:
        tell(given.folder, given.rounds)
    else:
        with tempfile.TemporaryDirectory(prefix="firstline-bench-") as folder:
            history.make(Path(folder), given.cases)
            tell(Path(folder), given.rounds)


def tell(folder: Path, rounds: int) -> None:
    figures: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name in MEASURES:
            for measure, value in in_a_process(name, folder).items():
                figures[f"{name}_{measure}"].append(value)
    table = Table("measure", "median", "least", "most")
    for measure, values in figures.items():
        unit = " MB" if measure.endswith("_mb") else " s"
        table.add_row(
            measure, *(f"{value:,.3f}{unit}" for value in (statistics.median(values), min(values), max(values)))
        )
    Console().print(table)


def in_a_process(name: str, folder: Path) -> Taken:
    command = [sys.executable, "-m", "bench.report", "--one", name, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    taken: Taken = json.loads(done.stdout.splitlines()[-1])
    return taken


# --- measures --------------------------------------------------------------------------------------------------------


def grouped(folder: Path) -> Taken:
    """The baseline: SQLite counts the same cases of both years by one column, and nothing else."""
    with closing(_opened(folder)) as conn:
        days = [history.DAYS.first.isoformat(), history.DAYS.end.isoformat()]
        return _timed(lambda: conn.execute(GROUPED, days).fetchall())


def count(folder: Path) -> Taken:
    """Both years counted, nothing hidden yet and nothing said."""
    with closing(_opened(folder)) as conn:
        before = history.YEAR.compared(Compare.YEAR)
        return _timed(lambda: (counting.count(conn, history.YEAR), counting.count(conn, before)))


def report(folder: Path) -> Taken:
    """The whole report as values: counted, hidden, said; then as each kind of file."""
    local = read_settings().opening.local
    with closing(_opened(folder)) as conn:
        made: list[Report] = []
        taken = _timed(lambda: made.append(
            building.report(conn, history.YEAR, Compare.YEAR, service="Bench", local=local, now=history.NOW)
        ))  # fmt: skip
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    files = {f"{as_}_s": _timed(lambda as_=as_: written(made[0], as_))["s"] for as_ in FORMATS}  # type: ignore[misc]
    return {**taken, "built_mb": memory, **files}


def dashboard(folder: Path) -> Taken:
    """The page Now as the lead's browser gets it: the first, and the median of those after it."""
    return asyncio.run(_dashboard(read_settings(data_dir=folder, key=None)))


MEASURES: Final[dict[str, Callable[[Path], Taken]]] = {
    "grouped": grouped,
    "count": count,
    "report": report,
    "dashboard": dashboard,
}


# --- within ----------------------------------------------------------------------------------------------------------


def _opened(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / "firstline.db", isolation_level=None)


def _timed(work: Callable[[], object]) -> Taken:
    started, worked = time.perf_counter(), time.process_time()
    work()
    return {"s": time.perf_counter() - started, "cpu_s": time.process_time() - worked}


async def _dashboard(settings: Settings) -> Taken:
    firstline = assemble(settings, lambda: history.NOW)
    token = _lead(firstline.ledger, history.NOW)
    async with firstline.running(), TestClient(TestServer(application(firstline))) as client:
        client.session.cookie_jar.update_cookies({cookie_name(False): token})
        taken = []
        for _ in range(PAGES + 1):
            started = time.perf_counter()
            async with client.get("/desk/now") as answer:
                await answer.read()
                assert answer.status == 200
            taken.append(time.perf_counter() - started)
    return {"first_s": taken[0], "s": statistics.median(taken[1:])}


def _lead(ledger: Ledger, now: datetime) -> str:
    """A lead of this run; returns the session's token."""

    def work(conn: sqlite3.Connection) -> str:
        email = f"lead-{time.monotonic_ns()}@example.org"
        advisers.add(conn, "Lead", email, "$argon2id$bench", Role.LEAD, now)
        door = Doorkeeper(ledger.seal)
        credentials = door.credentials(conn, email, "127.0.0.1", now)
        assert isinstance(credentials, Credentials)
        logged_in = door.log_in(conn, credentials, True, now)
        assert isinstance(logged_in, LoggedIn)
        return logged_in.token

    return ledger.write_now(work)


if __name__ == "__main__":
    main()
