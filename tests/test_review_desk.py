"""What a second reader of the whole desk tried and found: each of these once went wrong."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from sqlite3 import Connection

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from handoff import accounts, decisions, notifications, practice
from handoff.closing import Closing, record
from handoff.console.app import console
from handoff.console.looks import NOT_THEIRS, RECORD_OPENED
from handoff.decisions import Made
from handoff.domain import AdviserId, CaseId, Lane, Pack, Role
from handoff.doorkeeper import Doorkeeper
from handoff.doors import Doors, PageCard
from handoff.errors import NotAllowed, Refused
from handoff.practice import Script
from handoff.takedowns import NewStep, NewTakedown, Stage, Takedowns, What, Who
from handoff.tasks import NewTask, TaskKind, Tasks
from handoff.thresholds import Answer, Rule, Threshold, Verdict
from tests.demo_desk import HASH, OPEN, Clock, DemoDesk, desk_in
from tests.recorded import close, events_of, held, reference_of
from tests.test_console import Visitor, _mask, visiting

SCRIPT = Script(
    "made-up", "Made up", "Nothing", 5, 2, "nudes", "teacher", "england", None, Lane.LIVE, "2026-11-20.1", Pack(),
    ("Yes",), ("Be kind",),
)  # fmt: skip


class FakeContent:
    """One page that fits everything."""

    def find(self, words: str, nation: str | None, language: str) -> tuple[PageCard, ...]:
        del words, nation, language
        return (self._card(),)

    def card(self, page: str, nation: str | None, language: str) -> PageCard | None:
        del nation, language
        return self._card() if page == "keep-evidence" else None

    def _card(self) -> PageCard:
        return PageCard(
            "keep-evidence", "Keep evidence", "advice", "v2", "verified", date(2027, 1, 1), False, False, "Keep it."
        )


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
    app = web.Application()
    doors = Doors(content=FakeContent())
    app.add_subapp("/desk", console(desk.ledger, desk.queue, OPEN, desk.now, False, _mask, doors=doors))
    async with TestServer(app) as running:
        yield running


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


@pytest.fixture
def ben(desk: DemoDesk, amira: AdviserId) -> AdviserId:
    return desk.adviser("Ben Okafor")


@pytest.fixture
async def prying(server: TestServer, desk: DemoDesk, ben: AdviserId) -> AsyncIterator[Visitor]:
    """Ben, who holds nothing of what he asks for."""
    async with visiting(server, desk, ben) as visitor:
        yield visitor


def practising(desk: DemoDesk, adviser: AdviserId) -> CaseId:
    return desk.ledger.write_now(
        lambda conn: practice.begin(conn, desk.queue, desk.ledger.seal, SCRIPT, adviser, desk.now())
    )


# --- other people's cases --------------------------------------------------------------------------------------------


async def test_the_board_names_no_case_that_was_only_guessed(desk: DemoDesk, prying: Visitor, amira: AdviserId) -> None:
    practised, ended, taken = practising(desk, amira), held(desk, amira), held(desk, amira)
    close(desk, ended, amira)
    for case_id in (practised, ended):
        assert reference_of(desk, case_id) not in await prying.page(f"/?lost={case_id}"), case_id
    assert "taken by" in await prying.page(f"/?lost={taken}")  # the control: this the board shows anyway


async def test_a_practice_case_cannot_be_claimed_or_even_found_by_another(
    desk: DemoDesk, prying: Visitor, amira: AdviserId, ben: AdviserId, clock: Clock
) -> None:
    case_id = practising(desk, amira)
    assert (await prying.post(f"/cases/{case_id}/claim")).status == 404
    clock.pass_(timedelta(minutes=5))
    desk.ledger.write_now(lambda conn: desk.queue.lapse(conn, clock()))
    assert (await prying.post(f"/cases/{case_id}/claim")).status == 404
    assert (await prying.post("/cases/99999/claim")).status == 404
    assert desk.ledger.reader().execute("SELECT holder FROM queue_item").fetchone()[0] is None


async def test_whatever_leads_to_another_s_case_is_a_404_and_written_down(
    desk: DemoDesk, prying: Visitor, amira: AdviserId, ben: AdviserId
) -> None:
    now, seal = desk.now(), desk.ledger.seal
    cases = [held(desk, desk.adviser(f"Holder{number} Smith"), concern="nudes") for number in range(4)]
    mine = held(desk, amira)
    task = desk.ledger.write_now(
        lambda conn: Tasks(seal).add(conn, NewTask(cases[0], TaskKind.OTHER, now, "x", amira), amira, now)
    )
    new, first = NewTakedown(cases[1], "tiktok", What.POST, "a"), NewStep(Stage.GUIDED, Who.ADVISER)
    takedown = desk.ledger.write_now(lambda conn: Takedowns(seal, OPEN).add(conn, new, first, amira, now))
    desk.adviser("Sian Rees", Role.SENIOR)
    holder = AdviserId(
        desk.ledger.reader().execute('SELECT holder FROM queue_item WHERE "case" = ?', [cases[2]]).fetchone()[0]
    )
    decision = desk.ledger.write_now(lambda conn: decisions.decide(conn, seal, cases[2], holder, _made(), now))
    tried = {
        f"/tasks/{task}": cases[0],
        f"/takedowns/{takedown}": cases[1],
        f"/second-readings/{decision}": cases[2],
        f"/content?case={cases[3]}": cases[3],
    }
    for path, case_id in tried.items():
        assert (await prying.get(path)).status == 404, path
        assert events_of(desk, NOT_THEIRS)[-1:] == [(case_id, ben)], path
    assert len(events_of(desk, NOT_THEIRS)) == len(tried)
    for path in ("/tasks/999", "/takedowns/999", "/second-readings/999", "/content?case=999", "/content?case=x"):
        assert (await prying.get(path)).status == 404, path
    assert len(events_of(desk, NOT_THEIRS)) == len(tried)
    assert mine not in tried.values()


def _made() -> Made:
    rules = (Rule("A child is in danger", "refer_today", "Today."),)
    threshold = Threshold(
        "threshold-nudes", "A sexual image", (), "Sharing nudes 2024", "2026-11-20.1", True, date(2027, 1, 1), False,
        rules,
    )  # fmt: skip
    return Made(threshold, "england", (Answer.YES,), Verdict("refer_today", rules[0].name), "Because.", "mark-d")


async def test_reading_what_was_said_in_a_closed_case_is_written_down(
    desk: DemoDesk, server: TestServer, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    desk.say(case_id, amira, "canary-said")
    close(desk, case_id, amira)
    sian = desk.adviser("Sian Rees", Role.SENIOR)
    async with visiting(server, desk, sian) as visitor:
        assert "canary-said" in await visitor.page(f"/cases/{case_id}")
        assert events_of(desk, RECORD_OPENED) == [(case_id, sian)]
        await visitor.page(f"/cases/{case_id}")
        assert len(events_of(desk, RECORD_OPENED)) == 1  # one look


async def test_reviewing_a_closed_case_is_written_down_as_a_look(
    desk: DemoDesk, server: TestServer, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    desk.say(case_id, amira, "canary-said")
    close(desk, case_id, amira)
    sian = desk.adviser("Sian Rees", Role.SENIOR)
    async with visiting(server, desk, sian) as visitor:
        assert "canary-said" in await visitor.page(f"/cases/{case_id}/review")
    assert events_of(desk, RECORD_OPENED) == [(case_id, sian)]


async def test_no_senior_sees_a_held_conversation_by_a_side_door_unseen(
    desk: DemoDesk, server: TestServer, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    desk.say(case_id, amira, "canary-said")
    sian = desk.adviser("Sian Rees", Role.SENIOR)
    async with visiting(server, desk, sian) as visitor:
        for path, fields in (
            ("insert", {"chosen": "keep-evidence", "client_id": "a"}),
            ("note", {"note": "", "note_id": "b"}),
            ("whisper", {"note": "", "whisper_id": "c"}),
        ):
            answer = await visitor.post(f"/cases/{case_id}/{path}", **fields)
            shown = "canary-said" in await answer.text()
            watched = bool(events_of(desk, "watch.began"))
            assert watched or not shown, path


def test_a_password_changed_in_a_session_that_was_ended_meanwhile_is_not_changed(
    desk: DemoDesk, amira: AdviserId
) -> None:
    """Hashing takes a while: a lead may have given them a one-time password in it."""
    door, carys = Doorkeeper(desk.ledger.seal), desk.adviser("Carys Lewis", Role.LEAD)
    session = door.session(desk.ledger.reader(), desk.token(amira), desk.now())
    assert session
    desk.ledger.write_now(lambda conn: accounts.reset_password(conn, carys, amira, HASH, desk.now()))
    with pytest.raises(NotAllowed):
        desk.ledger.write_now(
            lambda conn: accounts.change_own_password(conn, amira, HASH, session.token_hash, desk.now())
        )
    assert desk.ledger.reader().execute("SELECT adviser FROM one_time_password").fetchall()[0][0] == amira


def test_whoever_lost_the_lead_while_a_password_was_hashed_changes_no_account(desk: DemoDesk, amira: AdviserId) -> None:
    sian, now = desk.adviser("Sian Rees", Role.SENIOR), desk.now()
    works: tuple[Callable[[Connection], object], ...] = (
        lambda conn: accounts.add(conn, sian, "Eve", "eve@example.org", HASH, Role.LEAD, 3, now),
        lambda conn: accounts.reset_password(conn, sian, amira, HASH, now),
        lambda conn: accounts.change(conn, sian, sian, partial(accounts.set_role, role=Role.LEAD, now=now), now),
    )
    for work in works:
        with pytest.raises(NotAllowed):
            desk.ledger.write_now(work)
    roles = desk.ledger.reader().execute("SELECT role FROM adviser ORDER BY id").fetchall()
    assert [row[0] for row in roles] == ["adviser", "senior"]


async def test_no_notice_leads_to_where_one_may_not_look(
    desk: DemoDesk, prying: Visitor, amira: AdviserId, ben: AdviserId
) -> None:
    now, seal = desk.now(), desk.ledger.seal
    held(desk, amira, tier=1)  # type: ignore[arg-type]
    read = held(desk, amira, tier=1)  # type: ignore[arg-type]
    desk.ledger.write_now(lambda conn: decisions.decide(conn, seal, read, amira, _made(), now))
    soon = NewTask(read, TaskKind.OTHER, now, "x", ben)
    desk.ledger.write_now(lambda conn: Tasks(seal).add(conn, soon, amira, now))
    desk.ledger.write_now(lambda conn: notifications.sweep(conn, now))
    page = await prying.page("/notices")
    assert "second reading" in page
    assert "has a task" in page
    assert "is waiting" in page.partition("Seen lately")[2]  # and was taken by Amira
    places = {*re.findall(r'(?:data-)?href="/desk(/[^"]+)"', page.partition("<main")[2])}
    places |= {*re.findall(r'data-href="/desk(/[^"]+)"', page)}
    for place in places:
        assert (await prying.get(place)).status == 200, place
    assert events_of(desk, NOT_THEIRS) == []


# --- what is typed ---------------------------------------------------------------------------------------------------


async def test_of_two_steps_written_at_once_from_the_same_page_one_is_kept(
    desk: DemoDesk, server: TestServer, amira: AdviserId
) -> None:
    case_id, kept, now = held(desk, amira), Takedowns(desk.ledger.seal, OPEN), desk.now()
    new, first = NewTakedown(case_id, "tiktok", What.POST, "a"), NewStep(Stage.REPORTED, Who.ENQUIRER)
    number = desk.ledger.write_now(lambda conn: kept.add(conn, new, first, amira, now))
    async with visiting(server, desk, amira) as visitor:
        csrf = await visitor.csrf()
        posts = (visitor.post(f"/takedowns/{number}", csrf, seen=1, stage=stage) for stage in ("removed", "still_up"))
        statuses = [answer.status for answer in await asyncio.gather(*posts)]
    assert sorted(statuses) == [303, 409]
    assert len(kept.find(desk.ledger.reader(), number).steps) == 2


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "0026-11-23T10:00", "9999-12-31T23:59"])
async def test_an_impossible_year_is_refused_and_breaks_no_page(
    desk: DemoDesk, server: TestServer, amira: AdviserId, at: str
) -> None:
    case_id = held(desk, amira)
    async with visiting(server, desk, amira) as visitor:
        reported = {"platform": "tiktok", "what": "post", "stage": "reported", "at": at, "client_id": "a"}
        assert (await visitor.post(f"/cases/{case_id}/takedowns", **reported)).status == 422
        due = {"kind": "other", "words": "x", "at": at, "client_id": "b"}
        assert (await visitor.post(f"/cases/{case_id}/tasks", **due)).status == 422
        await visitor.page(f"/cases/{case_id}")
        await visitor.page("/tasks")


@pytest.mark.parametrize("query", ["since=0001-01-01", "until=9999-12-31", "since=0001-01-01&until=0001-01-01"])
async def test_the_audit_trail_can_be_asked_for_any_day(desk: DemoDesk, server: TestServer, query: str) -> None:
    async with visiting(server, desk, desk.adviser("Carys Lewis", Role.LEAD)) as visitor:
        for place in ("/audit", "/audit.csv"):
            assert (await visitor.get(f"{place}?{query}")).status in {200, 400, 422}, place


@pytest.mark.parametrize("label", ["Bully\u202eing", "Bully\ning", "Bully\u2066ing\u2069"])
async def test_no_label_turns_the_line_it_stands_in(desk: DemoDesk, server: TestServer, label: str) -> None:
    async with visiting(server, desk, desk.adviser("Carys Lewis", Role.LEAD)) as visitor:
        fields = {"base": 1, "why": "Plainer words.", "label.cyberbullying": label}
        codes = desk.ledger.reader().execute("SELECT code FROM taxonomy_term").fetchall()
        fields |= {f"fate.{row[0]}": "keep" for row in codes}
        answer = await visitor.post("/taxonomy/new", **fields)
        assert answer.status == 422
        fields["label.cyberbullying"] = "Bullying – “plain”"
        assert (await visitor.post("/taxonomy/new", **fields)).status == 303


@pytest.mark.parametrize(("issue", "also"), [("nudes", ""), ("cyberbullying", "illegal_content")])
def test_a_link_kept_before_the_concern_was_known_goes_when_it_is(
    desk: DemoDesk, amira: AdviserId, issue: str, also: str
) -> None:
    now, kept, first = desk.now(), Takedowns(desk.ledger.seal, OPEN), NewStep(Stage.GUIDED, Who.ADVISER)
    case_id = held(desk, amira, concern="cyberbullying")

    def add(mark: str) -> None:
        new = NewTakedown(case_id, "tiktok", What.POST, mark, "https://example.org/x")
        desk.ledger.write_now(lambda conn: kept.add(conn, new, first, amira, now))

    add("before")
    desk.ledger.write_now(lambda conn: desk.queue.wrap_up(conn, case_id, amira, now))
    if also:
        closing = Closing(issue, frozenset({also}))
        desk.ledger.write_now(lambda conn: record(conn, case_id, amira, closing, now))
    desk.ledger.write_now(lambda conn: desk.queue.close(conn, case_id, amira, issue, "advised", now))
    (down,) = kept.of_case(desk.ledger.reader(), case_id)
    assert (down.link, down.has_link) == (None, False)
    with pytest.raises(Refused):
        add("after")
