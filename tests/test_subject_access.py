"""Whoever asks what is held about them: all of it, nothing of anybody else, and what remains when it was forgotten."""

import html
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from typer.testing import CliRunner

from bot import forgetting as bots
from bot.cli import app
from bot.config import read_settings
from bot.doors.access import AccessDoor
from handoff import erasing, people, retention
from handoff.domain import AdviserId, CaseId, Role
from handoff.erasing import Asker, Request, Way
from handoff.errors import NotAllowed
from handoff.retention import Keep
from handoff.subject_access import _OF_CASE, LEFT_OUT, TABLES, Held, as_json, held, note_request
from handoff.subject_page import as_html
from tests.demo_desk import Clock as DeskClock
from tests.demo_desk import DemoDesk, desk_in
from tests.small_house import Clock as HouseClock
from tests.small_house import Ready, SmallHouse, opened_house
from tests.test_console import Visitor, visiting
from tests.test_erasure import PLANTED, neighbours, planted
from tests.test_forgetting import closed, reference_of


def everything(house: SmallHouse, reference: str) -> Held:
    parts, db = house.firstline, house.firstline.ledger.reader()
    found = retention.by_reference(db, parts.ledger.seal, reference, Keep(), house.clock())
    assert found is not None
    here = found.conversation
    cases = (found,) if here is None else retention.of_conversation(db, here, Keep(), house.clock())
    door = AccessDoor(parts.ledger, parts.shelf, parts.queue, parts.now)
    return held(db, parts.ledger.seal, door, cases, here, house.clock())


# --- what is in it ---------------------------------------------------------------------------------------------------


async def test_every_planted_word_is_in_both_files_and_nothing_of_anothers(house: SmallHouse) -> None:
    _, words = await planted(house)
    await neighbours(house)
    *words, code = words
    told = everything(house, words[-1])
    for text in (as_json(told), html.unescape(as_html(told))):
        assert [each for each in words if each not in text] == []
        assert code not in text, "a code is kept as a mark only"
        others = [row[0] for row in house.firstline.ledger.reader().execute("SELECT reference FROM cases")]
        strange = [*("to be kept", "other-0", "We have read it."), *(each for each in others if each != words[-1])]
        assert [each for each in strange if each in text] == []
    assert "020 7946 0123" in as_json(told)


async def test_words_of_advisers_are_marked_for_a_person_to_read(house: SmallHouse) -> None:
    _, words = await planted(house)
    told = json.loads(as_json(everything(house, words[-2])))
    marked = {part["code"] for case in told["cases"] for part in case["parts"] if part["review"]}
    assert {"message", "note", "contact", "decision", "second_reading", "review", "identity_reveal"} <= marked
    assert "Nothing was blacked out" in told["review"]
    for part in (*told["conversation"], *(part for case in told["cases"] for part in case["parts"])):
        assert all(part[name] for name in ("title", "what", "why", "until", "rows")), part["code"]


def test_every_table_that_forgetting_knows_is_in_it_or_said_to_be_left_out(house: SmallHouse) -> None:
    db = house.firstline.ledger.reader()
    kinds = {kind.code: set(kind.rows) for kind in retention.KINDS}
    of_cases = {
        table
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        if any(row[1] == "case" for row in db.execute(f'PRAGMA table_info("{table}")'))
    }
    assert (kinds["case"] | kinds["contact"] | of_cases) - TABLES - set(LEFT_OUT) - {"alert"} == set()
    of_bot = {table for kind in bots.KINDS for table in kind.rows}
    shown = {"turn", "known_as", "reply_window", "return_code"}
    assert of_bot - shown == {"receipt", "taken_until", "came_back", "parting"}, "marks and numbers"


@pytest.mark.parametrize("sort", _OF_CASE, ids=lambda sort: sort.table)
def test_every_sealed_column_of_it_can_be_opened(house: SmallHouse, sort: Any) -> None:
    columns = house.firstline.ledger.reader().execute(f"PRAGMA table_info({sort.table})").fetchall()
    assert {row[1] for row in columns if row[2] == "BLOB"} == set(sort.sealed)


@pytest.mark.parametrize("sort", _OF_CASE, ids=lambda sort: sort.table)
def test_rows_are_found_by_a_column_that_is_there(house: SmallHouse, sort: Any) -> None:
    """SQLite reads a name in double quotes that no column has as a text, and finds nothing."""
    columns = {row[1] for row in house.firstline.ledger.reader().execute(f"PRAGMA table_info({sort.table})")}
    assert sort.where.split(" ")[0].strip('"') in columns


async def test_what_was_passed_on_is_in_it_when_the_bot_has_forgotten_it(house: SmallHouse) -> None:
    _, words = await planted(house)
    house.clock.passes(days=3)
    await house.firstline.upkeep.forget()
    told = json.loads(as_json(everything(house, words[-2])))
    assert all(row["words"] is None for part in told["conversation"] if part["code"] == "turn" for row in part["rows"])
    (passed_on,) = [part for part in told["cases"][0]["parts"] if part["code"] == "cases"]
    assert PLANTED["typed"] in json.dumps(passed_on["rows"][0]["pack"])
    assert passed_on["review"]


async def test_the_key_to_a_web_conversation_is_in_no_file(house: SmallHouse) -> None:
    key = "a-random-token-qzxv"
    await house.asks_for_people(key, channel="web")  # type: ignore[arg-type]
    reference = house.one("SELECT reference FROM cases")
    assert key not in as_json(everything(house, reference))


async def test_what_is_typed_is_no_markup(house: SmallHouse) -> None:
    await house.say("hello")
    await house.say("they wrote <script>alert(1)</script> about us")
    await house.asks_for_people()
    page = as_html(everything(house, house.one("SELECT reference FROM cases")))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


async def test_a_return_is_told_of_and_the_other_case_is_not_named(house: SmallHouse) -> None:
    first, second, third = [await house.asks_for_people(who) for who in ("ann", "bob", "cai")]
    adviser, write = house.adviser(), house.firstline.ledger.write_now
    write(lambda db: people.judge(db, second, third, adviser, people.Verdict.CONFIRMED, house.clock()))
    references = [house.one("SELECT reference FROM cases WHERE id = ?", case) for case in (first, second, third)]
    told = [as_json(everything(house, reference)) for reference in references]
    assert ["case_link" in each for each in told] == [False, True, True]
    assert all(sum(reference in each for reference in references) == 1 for each in told)


# --- gone ------------------------------------------------------------------------------------------------------------


async def test_after_erasing_it_is_empty_and_says_what_remains(house: SmallHouse) -> None:
    case, words = await planted(house)
    reference, ledger, now = words[-2], house.firstline.ledger, house.clock()
    door = house.firstline.forgetting
    ledger.write_now(lambda db: erasing.ask(db, ledger.seal, door, case, Request(Way.CHAT), now.date(), now))
    told = everything(house, reference)
    assert told.is_empty
    page, data = as_html(told), json.loads(as_json(told))
    assert "Nothing is held any more." in page
    assert "Forgotten on 6 July 2026" in page
    assert data["remains_after_forgetting"] == ["facts", "events", "mark", "backups"]
    assert [each for each in words if each in page] == [reference]


# --- by command ------------------------------------------------------------------------------------------------------


def command(*arguments: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["export", "person", *arguments])
    return ran.exit_code, ran.output + str(ran.exception or "")


@pytest.fixture
async def kept(tmp_path: Path, ready: Ready, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], Path]:
    """A closed house with everything planted; the settings find it."""
    settings = ready.copied_to(tmp_path)
    house = opened_house(settings, HouseClock(read_clock()))
    _, words = await planted(house)
    house.firstline.ledger.close()
    monkeypatch.setenv("FIRSTLINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("FIRSTLINE_LIBRARY_DIR", str(settings.library_dir))
    assert read_settings().database == settings.database
    return words, tmp_path / "out"


def read_clock() -> Any:
    from bot.app import clock

    return clock()


async def test_by_reference_and_by_code_the_same_is_written_for_this_account_only(
    kept: tuple[list[str], Path],
) -> None:
    words, out = kept
    *_, reference, code = words
    assert command("--reference", reference.lower(), "--out", str(out))[0] == 0
    assert oct(out.stat().st_mode)[-3:] == "700"
    first = json.loads((out / "held.json").read_text())
    assert sorted(each.name for each in out.iterdir()) == ["held.html", "held.json"]
    assert command("--code", code, "--out", str(out))[0] == 1, "what others put there is not laid beside it, nor locked"
    done, said = command("--code", code, "--out", str(out.with_name("again")))
    assert done == 0
    assert "a person must read the marked parts first" in said
    again = json.loads((out.with_name("again") / "held.json").read_text())
    assert [case["reference"] for case in again["cases"]] == [case["reference"] for case in first["cases"]]
    events = next(part for part in again["cases"][0]["parts"] if part["code"] == "event")["rows"]
    assert [row["kind"] for row in events][-2:] == ["access.exported"] * 2, "written down before it is handed out"


async def test_what_leads_nowhere_is_said_and_nothing_is_written(kept: tuple[list[str], Path]) -> None:
    _, out = kept
    for wrong in (("--reference", "FL-2222-22"), ("--code", "2222-2222"), ("--reference", "x")):
        done, said = command(*wrong, "--out", str(out))
        assert done == 1
        assert "leads to nothing" in said or "No case has" in said
    assert command("--out", str(out))[0] == 2
    assert command("--reference", "FL-2222-22", "--asker", "me", "--out", str(out))[0] == 2
    assert not out.exists()


# --- at the desk -----------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, DeskClock())
    yield made
    made.ledger.close()


@pytest.fixture
def carys(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Carys Lewis", Role.LEAD, 20)


@pytest.fixture
async def lead(desk: DemoDesk, carys: AdviserId) -> AsyncIterator[Visitor]:
    async with TestServer(desk.app()) as server, visiting(server, desk, carys) as visitor:
        yield visitor


async def test_a_lead_takes_the_file_and_that_is_written_down(desk: DemoDesk, carys: AdviserId, lead: Visitor) -> None:
    case = closed(desk, carys)
    reference = reference_of(desk, case)
    desk.ledger.write_now(lambda db: desk.queue.note(db, case, carys, "Asked about Mr Example.", desk.now(), "note-1"))
    assert "Everything that is held about them" in await lead.page(f"/forgetting/case?reference={reference}")
    refused = await lead.post("/forgetting/access", reference=reference, **{"as": "html"})
    assert refused.status == 422
    assert "Say who asked" in await refused.text()
    assert _exports(desk) == []
    for kind, content in (("html", "text/html"), ("json", "application/json")):
        answer = await lead.post("/forgetting/access", reference=reference, access_asker="enquirer", **{"as": kind})
        assert (answer.status, answer.content_type) == (200, content)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="held-{reference}.{kind}"'
        assert "Asked about Mr Example." in await answer.text()
    assert _exports(desk) == [(case, carys)] * 2
    unknown = await lead.post("/forgetting/access", reference="FL-2222-22", access_asker="enquirer", **{"as": "html"})
    assert unknown.status == 404


async def test_nothing_is_handed_out_that_was_not_written_down(
    desk: DemoDesk, carys: AdviserId, lead: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = reference_of(desk, closed(desk, carys))

    def fails(*_: object) -> None:
        raise NotAllowed

    monkeypatch.setattr("handoff.console.forgetting.note_request", fails)
    answer = await lead.post("/forgetting/access", reference=reference, access_asker="enquirer", **{"as": "json"})
    assert answer.status >= 400
    assert "Content-Disposition" not in answer.headers


def test_only_a_lead_may_at_the_desk(desk: DemoDesk) -> None:
    senior = desk.adviser("Ben Okafor", Role.SENIOR, 20)
    with pytest.raises(NotAllowed):
        desk.ledger.write_now(lambda db: note_request(db, CaseId(1), Way.DESK, Asker.ENQUIRER, senior, desk.now()))


def _exports(desk: DemoDesk) -> list[tuple[int, int]]:
    rows = desk.ledger.reader().execute(
        'SELECT "case", adviser FROM event WHERE kind = ? ORDER BY seq', ["access.exported"]
    )
    return [(row[0], row[1]) for row in rows]
