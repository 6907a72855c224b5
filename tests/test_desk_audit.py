"""The audit trail at the desk: who may read it, what is found, what a download carries, the chain verified."""

import csv
import io
import re
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestServer

from handoff.advisers import witness
from handoff.domain import AdviserId, Role
from tests.demo_desk import Clock, DemoDesk
from tests.test_chain import WITHOUT_GUARDS
from tests.test_console import Visitor, amira, clock, desk, server, visiting

__all__ = ["amira", "clock", "desk", "server"]
ROW = re.compile(r'data-label="Number">(\d+)<')


@pytest.fixture
def olwen(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Olwen Price", Role.AUDITOR)


@pytest.fixture
async def auditor(server: TestServer, desk: DemoDesk, olwen: AdviserId):  # type: ignore[no-untyped-def]
    async with visiting(server, desk, olwen) as looking:
        yield looking


def kinds(desk: DemoDesk) -> list[str]:
    return [row[0] for row in desk.ledger.reader().execute("SELECT kind FROM event ORDER BY seq")]


async def numbers(auditor: Visitor, **query: object) -> list[int]:
    answer = await auditor.get("/audit", params={key: str(value) for key, value in query.items()})
    assert answer.status == 200
    return [int(number) for number in ROW.findall(await answer.text())]


async def test_no_word_of_a_case_is_in_the_trail(desk: DemoDesk, auditor: Visitor, amira: AdviserId) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    desk.say(case_id, amira, "The head is called Zebedee")
    page = await auditor.page("/audit")
    reference = desk.ledger.reader().execute("SELECT reference FROM cases").fetchone()[0]
    assert reference in page
    assert "Amira Khan" in page
    for word in ("Zebedee", "tiktok", "impersonation", "teacher"):
        assert word not in page


async def test_each_look_is_an_event_and_a_page_that_refreshes_itself_shows_nothing(
    desk: DemoDesk, auditor: Visitor
) -> None:
    await auditor.page("/audit")
    await auditor.page("/audit/reveals")
    assert kinds(desk)[-2:] == ["audit.looked", "audit.looked_at_reveals"]
    by_itself = await auditor.get("/audit", headers={"Sec-Fetch-Dest": "empty"})
    assert ROW.findall(await by_itself.text()) == []
    assert kinds(desk)[-1] == "audit.looked_at_reveals"


async def test_the_trail_is_searched_by_day_kind_adviser_and_reference(
    desk: DemoDesk, auditor: Visitor, amira: AdviserId, clock: Clock
) -> None:
    case_id = desk.case()
    yesterday, clock.at = clock.at, clock.at + timedelta(days=1)
    desk.claim(case_id, amira)
    clock.at = yesterday
    reference = desk.ledger.reader().execute("SELECT reference FROM cases").fetchone()[0]
    all_ = await numbers(auditor)
    assert all_ == sorted(all_, reverse=True)
    assert set(await numbers(auditor, since="2026-11-24", kind="case")) < set(all_)
    assert len(await numbers(auditor, until="2026-11-23", kind="case.opened")) == 1
    assert len(await numbers(auditor, kind="case")) == 2
    assert len(await numbers(auditor, kind="case", adviser=amira)) == 1
    assert len(await numbers(auditor, reference=f" {reference.lower()} ")) == 2
    assert await numbers(auditor, reference="FL-0000-00") == []
    assert await numbers(auditor, kind="case' OR 1=1 --") == []
    assert await numbers(auditor, adviser=999) == []


async def test_days_are_those_of_the_service_and_not_of_greenwich(
    desk: DemoDesk, auditor: Visitor, clock: Clock
) -> None:
    clock.at = clock.at.replace(month=6, day=10, hour=23, minute=30)  # half past midnight in London
    desk.case()
    assert len(await numbers(auditor, since="2026-06-11", until="2026-06-11", kind="case")) == 1
    assert await numbers(auditor, until="2026-06-10", kind="case") == []


@pytest.mark.parametrize(("query", "said"), [
    ({"since": "yesterday"}, "Write the day like"),
    ({"since": "2026-11-24", "until": "2026-11-23"}, "before the first"),
])  # fmt: skip
async def test_days_that_cannot_be_read_are_told(auditor: Visitor, query: dict[str, str], said: str) -> None:
    answer = await auditor.get("/audit", params=query)
    assert answer.status == 422
    assert said in await answer.text()
    assert (await auditor.get("/audit.csv", params=query)).status == 400


async def test_numbers_that_are_none_are_refused(auditor: Visitor) -> None:
    for query in ({"below": "x"}, {"adviser": "-1"}, {"below": "9" * 99}):
        assert (await auditor.get("/audit", params=query)).status == 400


async def test_the_trail_is_paged_without_gaps_while_it_grows(desk: DemoDesk, auditor: Visitor) -> None:
    def many(conn: sqlite3.Connection) -> None:
        for _ in range(250):
            witness(conn, "case.looked_at", None, desk.now())

    desk.ledger.write_now(many)
    seen, below = [], None
    for _ in range(3):
        seen += await numbers(auditor, kind="case.looked_at", **({"below": below} if below else {}))
        below = seen[-1]
        desk.ledger.write_now(many)
    assert seen == list(range(max(seen), max(seen) - 250, -1))


async def test_a_download_has_everything_that_was_asked_for_and_no_formula(
    desk: DemoDesk, auditor: Visitor, clock: Clock
) -> None:
    rogue = desk.adviser("=HYPERLINK(0) Rogue")
    desk.claim(desk.case(), rogue)
    answer = await auditor.get("/audit.csv", params={"kind": "case"})
    rows = list(csv.reader(io.StringIO(await answer.text())))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="firstline-audit.csv"'
    assert rows[0] == ["number", "when (UTC)", "what", "adviser", "case"]
    assert [row[2] for row in rows[1:]] == ["case.claimed", "case.opened"]
    assert rows[1][3] == "'=HYPERLINK(0) Rogue"
    assert kinds(desk)[-1] == "audit.exported"


async def test_a_whole_chain_is_said_to_be_whole(desk: DemoDesk, auditor: Visitor) -> None:
    desk.case()
    page = await (await auditor.post("/audit/verify")).text()
    assert "The chain is whole" in page
    assert kinds(desk)[-1] == "chain.verified"


async def test_a_changed_trail_is_said_to_be_changed(desk: DemoDesk, auditor: Visitor) -> None:
    desk.case()
    with closing(sqlite3.connect(desk.ledger.path, isolation_level=None)) as intruder:
        for statement in (*WITHOUT_GUARDS[:2], "UPDATE event SET adviser = 7 WHERE seq = 2"):
            intruder.execute(statement)
    page = await (await auditor.post("/audit/verify")).text()
    assert "Event 2 is not as it was written" in page
    assert kinds(desk)[-1] == "chain.broken"


async def test_looks_at_identities_are_listed_without_the_words_beside_the_reason(
    desk: DemoDesk, auditor: Visitor, amira: AdviserId
) -> None:
    assert "Nobody has looked at one" in await auditor.page("/audit/reveals")
    case_id = desk.case()
    desk.claim(case_id, amira)
    words = desk.ledger.seal.seal("Zebedee asked for it", "reveal")
    desk.ledger.write_now(
        lambda conn: conn.execute(
            'INSERT INTO identity_reveal ("case", adviser, reason, words, at) VALUES (?, ?, ?, ?, 0)',
            [case_id, amira, "call_back", words],
        )
    )
    page = await auditor.page("/audit/reveals")
    assert "To call them back" in page
    assert "Amira Khan" in page
    assert "Zebedee" not in page
