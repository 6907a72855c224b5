"""Figures in detail: counted right from facts and open cases, silent below five, and the facts as CSV."""

import csv
import io
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from math import ceil
from pathlib import Path
from statistics import median

import pytest
from aiohttp.test_utils import TestServer

from handoff import figures
from handoff.domain import AdviserId, NewCase, Role
from handoff.figures import Share
from handoff.hours import OpeningHours
from handoff.periods import Days
from tests.demo_desk import Clock, DemoDesk, desk_in
from tests.test_console import Visitor, visiting

LONDON = OpeningHours().local


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


@pytest.fixture
async def server(desk: DemoDesk) -> AsyncIterator[TestServer]:
    running = TestServer(desk.app())
    await running.start_server()
    yield running
    await running.close()


@pytest.fixture
async def visitor(server: TestServer, desk: DemoDesk) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, desk.adviser("Carys Lewis", Role.LEAD, capacity=20)) as visiting_desk:
        yield visiting_desk


def test_today_is_the_service_s_own_day_and_the_week_begins_on_monday() -> None:
    late = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)  # 00:30 on 1 July in London
    assert figures.today(LONDON, late) == Days(date(2026, 7, 1), date(2026, 7, 2))
    assert figures.this_week(LONDON, late) == Days(date(2026, 6, 29), date(2026, 7, 2))
    sunday = datetime(2026, 10, 25, 23, 30, tzinfo=UTC)  # a day of 25 hours
    assert figures.today(LONDON, sunday).first == date(2026, 10, 25)
    assert figures.this_week(LONDON, sunday) == Days(date(2026, 10, 19), date(2026, 10, 26))


def test_the_figures_equal_an_independent_count(desk: DemoDesk, clock: Clock) -> None:
    """Random days of cases, counted once by the code and once here from what was done."""
    chance, conversations = random.Random(7), count(1)
    amira = desk.adviser("Amira Khan", capacity=20)
    done = []
    for _ in range(60):
        clock.pass_(timedelta(minutes=chance.randint(1, 40)))
        conversation = next(conversations) * chance.choice((1, 1, 1, -1))
        concern, channel = chance.choice(("hate", "nudes", None)), chance.choice(("web", "telegram"))
        new = NewCase(conversation, chance.choice((1, 2, 3)), "asked", channel, "v1", concern=concern)
        case_id = desk.ledger.write_now(lambda conn, new=new: desk.queue.open_case(conn, new, clock())).id  # type: ignore[misc]
        opened, due = clock(), desk.ledger.reader().execute(
            'SELECT due_at, lane FROM queue_item WHERE "case" = ?', [case_id]
        ).fetchone()  # fmt: skip
        what = chance.choice(("waits", "leaves", *["answers"] * 3)) if conversation > 0 else "leaves"
        clock.pass_(timedelta(minutes=chance.randint(1, 30)))
        if what == "leaves":
            desk.ledger.write_now(lambda conn, it=conversation: desk.queue.abandon(conn, it, clock()))  # type: ignore[misc]
        elif what == "answers":
            desk.claim(case_id, amira)
            desk.say(case_id, amira, "Hello")
            desk.ledger.write_now(lambda conn, it=case_id: desk.queue.give_back(conn, it, amira, "hate", clock()))  # type: ignore[misc]
        answered = clock() if what == "answers" else None
        shown = "hate" if what == "answers" else concern or "not_said"
        done.append(
            (
                conversation > 0,
                opened,
                answered,
                datetime.fromtimestamp(due[0] / 1000, UTC),
                what,
                shown,
                channel,
                due[1],
            )
        )
    days = figures.this_week(LONDON, clock())
    found = figures.of(desk.ledger.reader(), days, clock())
    real = [each for each in done if each[0] and days.first <= LONDON(each[1]).date() < days.end]
    assert figures.totals(desk.ledger.reader(), [days], clock()) == (found.total,)

    def expected(cases: list) -> tuple:
        waits = sorted(each[2] - each[1] for each in cases if each[2])
        judged = [each for each in cases if each[2] or (each[4] == "waits" and each[3] <= clock())]
        said = len(waits) >= 5
        half = timedelta(seconds=median(each.total_seconds() for each in waits)) if said else None
        most = waits[ceil(0.9 * len(waits)) - 1] if said else None
        left = sum(each[4] == "leaves" for each in cases)
        met = sum(each[2] is not None and each[2] <= each[3] for each in judged)
        return len(cases), len(waits), left, half, most, met, len(judged)

    def shown(each: figures.Count) -> tuple:
        waits, in_time = each.waits, each.in_time
        return each.opened, each.answered, each.abandoned, waits.half, waits.most, in_time.met, in_time.n

    assert shown(found.total) == expected(real)
    for counts, place in ((found.concerns, 5), (found.channels, 6), (found.lanes, 7)):
        assert {each.code for each in counts} == {each[place] for each in real}
        for each in counts:
            assert shown(each) == expected([case for case in real if case[place] == each.code]), each.code
        assert [each.opened for each in counts] == sorted((each.opened for each in counts), reverse=True)
    assert {each[0] for each in done} == {True, False}


def test_nothing_changes_when_a_case_is_forgotten(desk: DemoDesk, clock: Clock) -> None:
    amira = desk.adviser("Amira Khan")
    for _ in range(5):
        case_id = desk.case(2, "hate")
        desk.claim(case_id, amira)
        desk.say(case_id, amira, "Hello")
        desk.ledger.write_now(lambda conn, it=case_id: desk.queue.give_back(conn, it, amira, "hate", clock()))  # type: ignore[misc]
    days = figures.today(LONDON, clock())
    before = figures.of(desk.ledger.reader(), days, clock())

    def forgotten(conn: sqlite3.Connection) -> None:
        for table in ("delivery", "message", "note", "queue_item", "cases"):
            where = "message IN (SELECT id FROM message)" if table == "delivery" else '"case" IN (SELECT id FROM cases)'
            conn.execute(f"DELETE FROM {table}" + (f" WHERE {where}" if table != "cases" else ""))

    desk.ledger.write_now(forgotten)
    assert figures.of(desk.ledger.reader(), days, clock()) == before
    assert before.total.opened == 5


def test_below_five_nothing_is_said() -> None:
    assert [Share(met, n).percent for met, n in ((4, 4), (5, 5), (0, 0), (1, 6))] == [None, 100, None, 17]


async def test_the_page_says_so_and_shows_each_n(desk: DemoDesk, clock: Clock, visitor: Visitor) -> None:
    assert "Nothing was opened." in await visitor.page("/figures")
    lead = AdviserId(1)
    for number in range(6):
        case_id = desk.case(2, "nudes" if number else "hate")
        desk.claim(case_id, lead)
        clock.pass_(timedelta(minutes=3))
        desk.say(case_id, lead, "Hello")
    desk.case(3, "scams")
    page = " ".join((await visitor.page("/figures")).split())
    assert "3 min" in page
    assert "not enough to say" in page
    assert '100% <span class="n">n 6</span>' in page


async def test_the_facts_of_a_period_are_taken_out_as_csv(desk: DemoDesk, clock: Clock, server: TestServer) -> None:
    lead = desk.adviser("Carys Lewis", Role.LEAD)
    for _ in range(3):
        case_id = desk.case(2, "hate")
        desk.claim(case_id, lead)
        desk.ledger.write_now(lambda conn, it=case_id: desk.queue.give_back(conn, it, lead, "hate", clock()))  # type: ignore[misc]
        clock.pass_(timedelta(days=1))
    async with visiting(server, desk, lead) as visitor:
        answer = await visitor.get("/figures/facts.csv?from=2026-11-23&to=2026-11-24")
        text = await answer.text()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="facts-2026-11-23-to-2026-11-24.csv"'
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["period"] for row in rows] == ["2026-11-23", "2026-11-24"]
    assert rows[0]["concerns"] == '["hate"]'
    assert tuple(rows[0]) == figures.FACT_COLUMNS
    columns = {row[1] for row in desk.ledger.reader().execute("PRAGMA table_info(case_facts)")}
    assert set(figures.FACT_COLUMNS) == columns - {"id"}
    kinds = [row[0] for row in desk.ledger.reader().execute("SELECT kind FROM event WHERE adviser = 1")]
    assert kinds.count("figures.exported") == 1


@pytest.mark.parametrize(
    "query", ["", "from=2026-11-24&to=2026-11-23", "from=2026-02-30&to=2026-03-01", "from=x&to=y",
        "from=0001-01-01&to=2026-01-01", "from=2026-01-01&to=9999-12-31", f"from={'9' * 3000}&to=2026-01-01"],
)  # fmt: skip
async def test_a_period_that_is_none_is_asked_again(desk: DemoDesk, visitor: Visitor, query: str) -> None:
    answer = await visitor.get(f"/figures/facts.csv?{query}")
    assert answer.status == 422
    assert "There is something to correct" in await answer.text()
    kinds = {row[0] for row in desk.ledger.reader().execute("SELECT kind FROM event")}
    assert "figures.exported" not in kinds
