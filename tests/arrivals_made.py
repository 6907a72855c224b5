"""Facts of weeks that never were: cases as they come and end, for planning. Everybody in them is made up."""

import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

FACT = """
INSERT INTO case_facts (period, hour, channel, language, library, reason, tier, outcome, claim_wait_s, answer_wait_s,
    handling_s, put_back, lane)
VALUES (?, ?, 'web', 'en', 'v1', 'asked', 2, ?, ?, ?, ?, ?, ?)
"""


def answered(
    conn: sqlite3.Connection,
    day: date,
    hour: int,
    wait_s: int = 60,
    handling_s: int = 1_500,
    lane: str | None = "live",
    put_back: int = 0,
) -> None:
    values = [day.isoformat(), hour, "advice", wait_s, wait_s, handling_s, put_back, lane]
    conn.execute(FACT, values)


def left(conn: sqlite3.Connection, day: date, hour: int, lane: str = "live") -> None:
    conn.execute(FACT, [day.isoformat(), hour, "left", None, None, None, 0, lane])


def weekdays(first: date, last: date) -> Iterator[date]:
    for step in range((last - first).days + 1):
        if (first + timedelta(days=step)).weekday() < 5:
            yield first + timedelta(days=step)


def busy_weeks(conn: sqlite3.Connection, first: date, last: date, seed: int = 1) -> None:
    """Mondays are busiest, the morning before the afternoon; one in twelve leaves; a quarter of an hour to an hour."""
    chance = Random(seed)
    for day in weekdays(first, last):
        for hour in range(10, 16):
            usual = (9 - day.weekday()) * (1.3 if hour < 12 else 0.7) * 0.8
            for _ in range(max(0, round(chance.gauss(usual, usual**0.5)))):
                if chance.random() < 1 / 12:
                    left(conn, day, hour)
                else:
                    wait = int(chance.expovariate(1 / 150))
                    answered(conn, day, hour, wait, int(chance.lognormvariate(7.3, 0.4)))
        answered(conn, day, 20, 40_000, 900, "messages")
