"""A database with a million cases, always the same: `python -m bench.history FOLDER [--cases 1000000]`.

Two years up to the end of October 2026, half of the cases in each, shaped like `firstline demo --history`
(bot/demo_history.py): invented facts of cases, as many of contacts, the takedowns, what advisers closed, and counts of
steps and pages. So the report of the second year, compared with the first, counts every row.
"""

import argparse
import random
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from bot import demo_facts
from bot.app import open_ledger
from bot.config import read_settings
from bot.demo_facts import Fact
from bot.demo_history import AFTER, WEEKDAYS
from handoff import advisers
from handoff.domain import AdviserId, Role
from handoff.ledger import Ledger
from handoff.periods import Days

SEED: Final = 1_000_000
CASES: Final = 1_000_000
DAYS: Final = Days(date(2024, 11, 1), date(2026, 11, 1))
YEAR: Final = Days(date(2025, 11, 1), date(2026, 11, 1))
NOW: Final = datetime(2026, 11, 1, 9, tzinfo=UTC)
ADVISERS: Final = 20
DAYS_COUNTED, STEPS, PAGES = 90, 600, 200
AT_ONCE: Final = 20_000


def make(folder: Path, cases: int = CASES, seed: int = SEED) -> None:
    """Raises: what opening a ledger raises. `folder` should be new."""
    with closing(open_ledger(read_settings(data_dir=folder, key=None))) as ledger:
        people = [_adviser(ledger, number) for number in range(ADVISERS)]
        made = _cases(random.Random(seed), cases)
        ledger.write_now(lambda conn: _fill(conn, made, people, random.Random(seed + 1)))


def _cases(dice: random.Random, count: int) -> Iterable[Fact]:
    weights = [WEEKDAYS[date.fromordinal(DAYS.first.toordinal() + day).weekday()] for day in range(DAYS.count)]
    half = DAYS.first.toordinal() + DAYS.count // 2
    assert date.fromordinal(half) == YEAR.first
    for days, part in ((Days(DAYS.first, YEAR.first), 0), (YEAR, 1)):
        share = weights[part * days.count : (part + 1) * days.count]
        yield from demo_facts.cases_of(dice, AFTER, demo_facts.spread(dice, days, share, count // 2))


def _fill(conn: sqlite3.Connection, cases: Iterable[Fact], people: list[AdviserId], dice: random.Random) -> None:
    rest = iter(cases)
    load: list[Fact] = []
    while some := list(islice(rest, AT_ONCE)):
        demo_facts.insert(conn, "case_facts", some)
        demo_facts.insert(conn, "contact_facts", demo_facts.contacts_of(dice, some[::2], alone=1))
        demo_facts.insert(conn, "takedown_facts", demo_facts.takedowns_of(dice, some))
        load += ({"period": case["period"], "handling_s": case["handling_s"]} for case in some)
    demo_facts.insert(
        conn, "step_count", _counts(dice, STEPS, {"flow": "flow_{}", "step": "step_{}"}, "reached", "last")
    )
    demo_facts.insert(conn, "page_count", _counts(dice, PAGES, {"page": "page-{}"}, "shown", "helped", "not_helped"))
    demo_facts.insert(conn, "adviser_load", demo_facts.load_of(load, dice.choices(people, k=len(load))))


def _counts(dice: random.Random, of: int, named: dict[str, str], most: str, *fewer: str) -> Iterable[Fact]:
    """What is counted by day: each of `of` things on each of the last DAYS_COUNTED days."""
    for ago in range(DAYS_COUNTED):
        day = date.fromordinal(DAYS.end.toordinal() - ago).isoformat()
        for number in range(of):
            times = dice.randrange(1, 400)
            names: Fact = {name: pattern.format(number) for name, pattern in named.items()}
            yield {"day": day, **names, most: times, **{name: dice.randrange(times) // len(fewer) for name in fewer}}


def _adviser(ledger: Ledger, number: int) -> AdviserId:
    hashed, email = "$argon2id$nobody logs in here", f"adviser{number}@example.org"
    return ledger.write_now(lambda conn: advisers.add(conn, f"Adviser {number}", email, hashed, Role.LEAD, NOW))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=CASES)
    given = parser.parse_args()
    started = time.perf_counter()
    make(given.folder, given.cases)
    print(f"{given.cases:,} cases in {time.perf_counter() - started:.0f} s: {given.folder / 'firstline.db'}")
