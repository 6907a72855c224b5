"""Forgetting at the desk and by command; a night that is killed in the middle; what would be forgotten."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from typer.testing import CliRunner

from bot.cli import app
from bot.config import read_settings
from bot.domain import ConversationId
from bot.forget_lines import KINDS, PASSED_OVER
from bot.migrations import migrations as bot_migrations
from handoff import chain, holds
from handoff.console import forgetting as forgetting_page
from handoff.console.parts import Parts
from handoff.domain import AdviserId, CaseId, Role
from handoff.erasing import Request, Way, ask
from handoff.errors import NoSuchCase, NotAllowed, Refused
from handoff.holds import HoldReason
from handoff.ledger import Ledger
from handoff.migrations import migrations
from handoff.seal import Seal, key_in
from tests.demo_desk import Clock, DemoDesk, desk_in
from tests.small_house import ROOT, Ready, opened_house
from tests.small_house import Clock as HouseClock
from tests.test_console import Visitor, visiting

DAY = timedelta(days=1)


@pytest.fixture
def desk_clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, desk_clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, desk_clock)
    yield made
    made.ledger.close()


@pytest.fixture
def carys(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Carys Lewis", Role.LEAD, 20)


@pytest.fixture
async def lead(desk: DemoDesk, carys: AdviserId) -> AsyncIterator[Visitor]:
    async with TestServer(desk.app()) as server, visiting(server, desk, carys) as visitor:
        yield visitor


def closed(desk: DemoDesk, adviser: AdviserId) -> CaseId:
    case = desk.case()
    desk.claim(case, adviser)
    desk.say(case, adviser, "Hello")
    desk.ledger.write_now(lambda db: desk.queue.wrap_up(db, case, adviser, desk.now()))
    desk.ledger.write_now(lambda db: desk.queue.close(db, case, adviser, "scams", "advised", desk.now()))
    return case


def reference_of(desk: DemoDesk, case: CaseId) -> str:
    row = desk.ledger.reader().execute("SELECT reference FROM cases WHERE id = ?", [case]).fetchone()
    return str(row[0])


def is_there(desk: DemoDesk, case: CaseId) -> bool:
    return desk.ledger.reader().execute("SELECT 1 FROM cases WHERE id = ?", [case]).fetchone() is not None


def counted(page: str, kind: str) -> int:
    """The number beside a kind in "What would go tonight"."""
    found = re.search(rf"{kind}\s*<span.*?is-number\">(\d+)<", page, re.DOTALL)
    assert found, kind
    return int(found[1])


# --- at the desk -----------------------------------------------------------------------------------------------------


async def test_a_lead_forgets_a_case_that_somebody_asked_about(desk: DemoDesk, carys: AdviserId, lead: Visitor) -> None:
    case = closed(desk, carys)
    reference = reference_of(desk, case)
    page = await lead.page(f"/forgetting/case?reference={reference.lower()}")
    assert "What would remain, and why" in page
    assert "Forget this case" in page
    answer = await lead.post("/forgetting/erase", reference=reference, asker="enquirer", why="withdrawn")
    assert answer.status == 422, "not sure"
    assert "Say that you are sure" in await answer.text()
    assert is_there(desk, case)
    answer = await lead.post("/forgetting/erase", reference=reference, asker="enquirer", why="withdrawn", sure="yes")
    assert answer.status == 303
    assert not is_there(desk, case)
    page = await lead.page("/forgetting?said=erased")
    assert "They take back that it was passed on" in page
    assert "Carys Lewis" in page
    again = await lead.page(f"/forgetting/case?reference={reference}")
    assert "Forgotten on 23 November 2026, because somebody asked" in again


async def test_an_open_case_is_not_forgotten_and_it_is_said_what_to_do(
    desk: DemoDesk, carys: AdviserId, lead: Visitor
) -> None:
    case = desk.case()
    reference = reference_of(desk, case)
    answer = await lead.post("/forgetting/erase", reference=reference, asker="enquirer", why="objects", sure="yes")
    assert answer.status == 409
    assert "Close it first" in await answer.text()
    assert is_there(desk, case)
    assert desk.ledger.reader().execute("SELECT count(*) FROM erasure_request").fetchone()[0] == 0


async def test_a_held_case_stays_the_request_waits_and_all_of_it_is_said(
    desk: DemoDesk, carys: AdviserId, lead: Visitor, desk_clock: Clock
) -> None:
    case = closed(desk, carys)
    reference = reference_of(desk, case)
    wrong = await lead.post("/forgetting/hold", reference=reference, hold_reason="police", words="Ask Sergeant Example")
    assert wrong.status == 422
    assert "Ask Sergeant Example" in await wrong.text(), "what was typed comes back"
    held = await lead.post("/forgetting/hold", reference=reference, hold_reason="police", review_by="2026-12-01")
    assert held.status == 303
    answer = await lead.post("/forgetting/erase", reference=reference, asker="enquirer", why="withdrawn", sure="yes")
    assert answer.headers["Location"].endswith("said=waits")
    assert is_there(desk, case)
    desk_clock.pass_(31 * DAY)
    async with TestServer(desk.app()) as server, visiting(server, desk, carys) as later:
        page = await later.page("/forgetting")
        assert counted(page, "Ended cases") == 0
        for words in ("stays: held by a lead", "overdue", "Waits"):
            assert words in page
        await later.post("/forgetting/holds/1/review", review_by="2027-01-31")
        assert "To be looked at again by 31 January 2027" in await later.page("/forgetting")
        assert (await later.post("/forgetting/holds/1/review", review_by="2029-01-31")).status == 409
        await later.post("/forgetting/holds/1/release")
        assert counted(await later.page("/forgetting"), "Ended cases") == 1
        assert (await later.post("/forgetting/holds/1/release")).status == 409


async def test_a_hold_that_comes_between_looking_and_forgetting_holds(
    desk: DemoDesk, carys: AdviserId, lead: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, asked = closed(desk, carys), forgetting_page._ask

    def meanwhile(conn: sqlite3.Connection, parts: Parts, case_id: CaseId, wanted: Request) -> bool:
        day = parts.now().date() + timedelta(days=9)
        holds.place(conn, parts.ledger.seal, case_id, carys, HoldReason.POLICE, "", day, parts.now())
        return asked(conn, parts, case_id, wanted)

    monkeypatch.setattr(forgetting_page, "_ask", meanwhile)
    reference = reference_of(desk, case)
    answer = await lead.post("/forgetting/erase", reference=reference, asker="enquirer", why="withdrawn", sure="yes")
    assert answer.headers["Location"].endswith("said=waits")
    assert is_there(desk, case)


async def test_a_case_page_says_how_long_it_is_kept_and_only_a_lead_may_change_that(
    desk: DemoDesk, carys: AdviserId, lead: Visitor
) -> None:
    case = desk.case()
    desk.claim(case, carys)
    page = await lead.page(f"/cases/{case}")
    assert "Goes 30 days after it ends" in page
    assert "Hold or forget it" in page


@pytest.mark.parametrize("reference", ["", "x", "FL-2222-22", "'; DROP TABLE cases", "\x00", "FL-" + "2" * 5000])
async def test_a_reference_nobody_has_is_said_to_be_unknown(lead: Visitor, reference: str) -> None:
    answer = await lead.client.get("/desk/forgetting/case", params={"reference": reference})
    assert answer.status == 404
    assert await lead.post("/forgetting/erase", reference=reference, asker="enquirer", why="objects", sure="yes")


async def test_an_auditor_sees_the_lists_but_no_words_and_no_way_to_change_them(
    desk: DemoDesk, carys: AdviserId
) -> None:
    case, adi = closed(desk, carys), desk.adviser("Adi Rao", Role.AUDITOR, available=False)
    until, seal = (desk.now() + 9 * DAY).date(), desk.ledger.seal
    words = "Asked for by the school"
    desk.ledger.write_now(lambda db: holds.place(db, seal, case, carys, HoldReason.COMPLAINT, words, until, desk.now()))
    async with TestServer(desk.app()) as server, visiting(server, desk, adi) as visitor:
        page = await visitor.page("/forgetting")
    assert "A complaint" in page
    assert words not in page
    assert '<form method="post"' not in page.split("<main")[1]


# --- what is refused -------------------------------------------------------------------------------------------------


def test_only_a_lead_holds_releases_and_writes_requests_down(desk: DemoDesk, carys: AdviserId) -> None:
    amira, case, seal = desk.adviser("Amira Khan"), closed(desk, carys), desk.ledger.seal
    write, now, until = desk.ledger.write_now, desk.now(), (desk.now() + 9 * DAY).date()
    with pytest.raises(NotAllowed):
        write(lambda db: holds.place(db, seal, case, amira, HoldReason.COURT, "", until, now))
    hold = write(lambda db: holds.place(db, seal, case, carys, HoldReason.COURT, "", until, now))
    with pytest.raises(NotAllowed):
        write(lambda db: holds.release(db, hold, amira, now))
    with pytest.raises(NotAllowed):
        write(lambda db: ask(db, seal, None, case, Request(Way.DESK, lead=amira), now.date(), now))
    with pytest.raises(NoSuchCase):
        write(lambda db: ask(db, seal, None, CaseId(99), Request(Way.CHAT), now.date(), now))
    for day in ((now - DAY).date(), (now + 400 * DAY).date()):
        with pytest.raises(Refused):
            write(lambda db, day=day: holds.review(db, hold, carys, day, now))  # type: ignore[misc]


# --- by command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def data(ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    ready.copied_to(tmp_path)
    monkeypatch.setenv("FIRSTLINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("FIRSTLINE_LIBRARY_DIR", str(ready.library))
    return tmp_path


async def _a_closed_case(ready: Ready, data: Path, *, days_ago: int) -> tuple[str, str]:
    """(reference, return code) of a case that was closed so long ago; the code is new."""
    clock = HouseClock(datetime.now(UTC) - days_ago * DAY)
    house = opened_house(read_settings(), clock)
    case, adviser = await house.asks_for_people(), house.adviser()
    house.claim(case, adviser)
    house.answers(case, adviser, "Hello")
    house.closes(case, adviser)
    returning = house.firstline.turns._returning
    code = house.firstline.ledger.write_now(
        lambda db: returning.new_code(db, ConversationId(1), datetime.now(UTC) - DAY / 24)
    )
    reference = house.one("SELECT reference FROM cases")
    house.firstline.ledger.close()
    return reference, code


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["forget", *arguments])
    said = result.output if result.exception is None or isinstance(result.exception, SystemExit) else ""
    return result.exit_code, said or str(result.exception)


def test_the_command_says_what_would_go_and_then_does_it(ready: Ready, data: Path) -> None:
    reference, _ = asyncio.run(_a_closed_case(ready, data, days_ago=31))
    code, said = run("--preview", "--json")
    told = json.loads(said)
    assert (code, told["goes"]["case"], told["passed_over"]) == (0, 1, {"held": 0, "work_left": 0})
    assert told["goes"].keys() == KINDS.keys()
    assert told["passed_over"].keys() == PASSED_OVER.keys()
    assert "1  ended cases, whole" in run("--preview")[1]
    assert json.loads(run("--json")[1]) | {"others": 0} == {
        "conversations": 1, "cases": 1, "others": 0, "left": 0, "rewritten": True,
    }  # fmt: skip
    assert json.loads(run("--preview", "--json")[1])["goes"]["case"] == 0
    assert "was forgotten on" in run("--reference", reference)[1]


def test_the_command_forgets_by_reference_and_by_return_code(ready: Ready, data: Path) -> None:
    reference, code = asyncio.run(_a_closed_case(ready, data, days_ago=2))
    assert "leads to nothing" in run("--code", "2222-2222")[1]
    exit_code, said = run("--code", code.lower(), "--asker", "enquirer", "--reason", "objects")
    assert exit_code == 0
    assert f"{reference} was forgotten." in said
    assert "The conversation was forgotten." in said
    assert "backups" in said
    assert "leads to nothing" in run("--code", code)[1]
    assert "No case has the reference" in run("--reference", "FL-2222-22")[1]


@pytest.mark.parametrize(
    "wrong",
    [("--asker", "mum"), ("--reason", "whim"), ("--preview", "--code", "x"), ("--code", "x", "--reference", "y")],
)
def test_wrong_usage_forgets_nothing(data: Path, wrong: tuple[str, ...]) -> None:
    assert run(*wrong)[0] == 2


# --- killed in the middle --------------------------------------------------------------------------------------------

PROGRAM = """
import asyncio, sys, time
from datetime import UTC, datetime
import bot.night as night
from bot.app import assemble
from bot.config import read_settings

night.WRITE_S = 0
forget = night.forget

def slowly(*given):
    forget(*given)
    print("one", flush=True)
    time.sleep(0.002)

night.forget = slowly
firstline = assemble(read_settings())
print("begins", flush=True)
asyncio.run(firstline.night.work())
"""


def test_killed_in_the_middle_of_a_night_each_case_is_whole_or_gone(ready: Ready, data: Path) -> None:
    async def fill() -> None:
        house = opened_house(read_settings(), HouseClock(datetime.now(UTC) - 40 * DAY))
        adviser = house.adviser(capacity=20)
        for number in range(12):
            case = await house.asks_for_people(f"who-{number}")
            house.claim(case, adviser)
            house.answers(case, adviser, "Hello")
            house.closes(case, adviser)
        house.firstline.ledger.close()

    asyncio.run(fill())
    process = subprocess.Popen(
        (sys.executable, "-c", textwrap.dedent(PROGRAM)), cwd=ROOT, stdout=subprocess.PIPE, env=os.environ.copy()
    )
    assert process.stdout
    with process.stdout as said:
        assert said.readline() == b"begins\n"
        for _ in range(4):
            assert said.readline() == b"one\n"
        process.send_signal(signal.SIGKILL)
    process.wait()
    with_rows = whole_cases(data)
    assert 0 < len(with_rows) < 12
    assert json.loads(run("--json")[1])["cases"] == len(with_rows)
    assert whole_cases(data) == set()


def whole_cases(data: Path) -> set[int]:
    """The cases that are there, each with everything it had; of the others there is nothing."""
    ledger = Ledger(
        data / "firstline.db", Seal(key_in(data / "firstline.key", may_make=False)), [migrations, bot_migrations]
    )
    db = ledger.reader()
    tables = ("(SELECT id AS [case] FROM cases)", "queue_item", "message")
    found = [{row[0] for row in db.execute(f"SELECT DISTINCT [case] FROM {table}")} for table in tables]
    assert found[0] == found[1] == found[2]
    assert db.execute("SELECT count(*) FROM case_facts").fetchone()[0] == 12
    assert db.execute("SELECT count(*) FROM forgotten").fetchone()[0] == 12 - len(found[0])
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert chain.verify(db, ledger.seal).is_whole
    ledger.close()
    return found[0]
