"""Practice: a scripted enquirer in the same pages; nothing of it is sent, counted, announced or seen by others."""

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.alerts import Alerts
from bot.doors.practice import LivePractice
from bot.library.complaints import Complaints
from bot.library.load import load_files
from bot.library.loading import Loading
from bot.library.practice import read_practice
from bot.library.versions import read_files
from bot.metrics import Metrics
from bot.migrations import migrations as bot_migrations
from handoff import decisions
from handoff.console import practising
from handoff.console.app import console
from handoff.console.parts import PARTS, Parts
from handoff.console.practising import answer_due
from handoff.desk import Desk, events_after, standing, waiting
from handoff.domain import AdviserId, CaseId, DeliveryState, Lane, MessageId, Pack, PackAnswer, Role, State
from handoff.doors import Doors
from handoff.errors import DiskFull, NotAllowed
from handoff.ledger import Ledger
from handoff.migrations import migrations
from handoff.practice import ANSWERS_AFTER, Script
from handoff.queue import Queue
from handoff.seal import Seal
from handoff.thresholds import Rule, Threshold
from tests.builders import files as library_files
from tests.demo_desk import OPEN, Clock, DemoDesk
from tests.test_alerts import Group
from tests.test_console import Visitor, _mask, row_of, thread_of, visiting
from tests.test_desk_deciding import shipped_library

TRAIL = ("/desk/events", "/desk/audit")
"""The trail of what happened is whole: it says that there was a case, and nothing of what was in it."""
ROOT = Path(__file__).parent.parent
REAL = 700
"""The number of a conversation that there is."""
SCRIPT = Script(
    id="made-up",
    title="A made-up case",
    about="Nobody is in danger.",
    minutes=5,
    tier=1,
    concern="nudes",
    role="teacher",
    nation="wales",
    platform="tiktok",
    lane=Lane.LIVE,
    library="v1",
    pack=Pack(answers=(PackAnswer("Is it a marmot?", "I don’t know", dont_know=True),), words=("canary-marmot",)),
    replies=("First answer, canary-one", "Second answer, canary-two"),
    good=("Says canary-good early",),
)


class FakePractice:
    def scripts(self) -> tuple[Script, ...]:
        return (SCRIPT, replace(SCRIPT, id="left-overnight", lane=Lane.MESSAGES, tier=3))


class FakeThresholds:
    page = Threshold(
        "threshold-nudes",
        "A sexual image",
        ("nudes",),
        "The framework",
        "v1",
        True,
        OPEN.local(Clock()()).date(),
        False,
        (Rule("An adult is involved", "refer_today", "Told today."),),
    )

    def all(self, nation: str | None) -> tuple[Threshold, ...]:
        return (self.page,)

    def one(self, page: str, nation: str | None, library: str | None = None) -> Threshold | None:
        return self.page


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    """With the bot's tables too: what an adviser writes there goes into the outbox."""
    seal = Seal(b"k" * 32)
    ledger = Ledger(tmp_path / "desk.db", seal, [migrations, bot_migrations])
    yield DemoDesk(ledger, Queue(seal, OPEN), clock, itertools.count(1))
    ledger.close()


@pytest.fixture
def app(desk: DemoDesk) -> web.Application:
    doors = Doors(practice=FakePractice(), thresholds=FakeThresholds())
    return console(desk.ledger, desk.queue, OPEN, desk.now, False, _mask, doors=doors)


@pytest.fixture
def parts(app: web.Application) -> Parts:
    return app[PARTS]


@pytest.fixture
async def server(app: web.Application) -> AsyncIterator[TestServer]:
    root = web.Application()
    root.add_subapp("/desk", app)
    async with TestServer(root) as running:
        yield running


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan", capacity=1)


@pytest.fixture
async def visitor(server: TestServer, desk: DemoDesk, amira: AdviserId) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, amira) as visiting_desk:
        yield visiting_desk


async def begun(visitor: Visitor, script: str = "made-up") -> CaseId:
    answer = await visitor.post("/practice", script=script)
    assert answer.status == 303
    return CaseId(int(answer.headers["Location"].rsplit("/", 1)[1]))


async def played(visitor: Visitor, desk: DemoDesk, clock: Clock, parts: Parts, case_id: CaseId, *said: str) -> None:
    for text in said:
        mark = f"played-{next(desk.conversations)}"
        assert (await visitor.say(case_id, text, seen=10**6, mark=mark)).status == 303
        clock.pass_(ANSWERS_AFTER)
        await answer_due(parts)


def wrap_up(**more: str) -> dict[str, str]:
    chosen = {"issue": "nudes", "outcome": "advised", "route": "police", "role": "teacher", "setting": "secondary"}
    return {**chosen, "nation": "wales", "seen_seq": "1000000", **more}


# --- playing ---------------------------------------------------------------------------------------------------------


async def test_a_script_is_played_answer_by_answer_each_a_little_after_a_message(
    desk: DemoDesk, clock: Clock, parts: Parts, visitor: Visitor
) -> None:
    case_id = await begun(visitor)
    page = await visitor.page(f"/cases/{case_id}")
    assert "canary-marmot" in page
    assert "nobody is at the other end" in page
    await visitor.say(case_id, "Hello", mark="p0")
    await answer_due(parts)
    assert thread_of(desk, case_id) == ["Hello"]  # not at once
    clock.pass_(ANSWERS_AFTER)
    for _ in range(3):  # and once, however often it is looked at
        await answer_due(parts)
    assert thread_of(desk, case_id) == ["Hello", "First answer, canary-one"]
    await played(visitor, desk, clock, parts, case_id, "And then?", "More?", "More still?")
    assert thread_of(desk, case_id)[2:] == ["And then?", "Second answer, canary-two", "More?", "More still?"]
    assert "Delivered" in await visitor.page(f"/cases/{case_id}")


async def test_two_messages_at_once_are_answered_in_turn_and_a_restart_loses_nothing(
    desk: DemoDesk, clock: Clock, parts: Parts, visitor: Visitor
) -> None:
    case_id = await begun(visitor)
    await visitor.say(case_id, "One", mark="a")
    await visitor.say(case_id, "Two", seen=1, mark="b")
    clock.pass_(timedelta(hours=1))  # nothing ran meanwhile
    again = console(desk.ledger, desk.queue, OPEN, desk.now, False)[PARTS]
    await answer_due(again)
    await answer_due(again)
    await answer_due(again)
    assert thread_of(desk, case_id) == ["One", "Two", "First answer, canary-one", "Second answer, canary-two"]


async def test_it_ends_with_the_wrap_up_and_what_good_looks_like(
    desk: DemoDesk, clock: Clock, parts: Parts, visitor: Visitor
) -> None:
    case_id = await begun(visitor)
    await played(visitor, desk, clock, parts, case_id, "Hello", "And then?")
    assert (await visitor.get(f"/cases/{case_id}/practice")).status == 303  # not before the end
    await visitor.post(f"/cases/{case_id}/wrap-up")
    assert "nobody is at the other end" in await visitor.page(f"/cases/{case_id}/wrap-up")
    closed = await visitor.post(f"/cases/{case_id}/close", **wrap_up())
    assert closed.headers["Location"].endswith(f"/cases/{case_id}/practice")
    page = await visitor.page(f"/cases/{case_id}/practice")
    assert "Says canary-good early" in page
    assert "And then?" in page
    assert "Look back" in await visitor.page("/practice")


async def test_a_decision_in_practice_asks_nobody_to_read_it(desk: DemoDesk, visitor: Visitor) -> None:
    case_id = await begun(visitor)
    form = {"nation": "wales", "library": "v1", "so_far": "d", "rationale": "an adult, perhaps", "client_id": "m"}
    assert "nobody is at the other end" in await visitor.page(
        f"/cases/{case_id}/threshold/threshold-nudes?nation=wales&library=v1&so_far="
    )
    assert (await visitor.post(f"/cases/{case_id}/threshold/threshold-nudes", **form)).status == 303
    reader, seal = desk.ledger.reader(), desk.ledger.seal
    assert len(decisions.of_case(reader, seal, case_id)) == 1
    assert decisions.waiting(reader, seal) == ()


async def test_practice_takes_a_place_and_starts_only_where_one_is_free(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    first = await begun(visitor)
    assert await begun(visitor) == first  # a second click begins nothing
    full = await visitor.post("/practice", script="left-overnight")
    assert full.status == 409
    assert "as many conversations as you may" in await full.text()
    (duty,) = Desk(desk.ledger.seal).on_duty(desk.ledger.reader(), desk.now())
    assert duty.holding == 1
    assert row_of(desk, first) == (State.CLAIMED, amira)
    assert (await visitor.post("/practice", script="' OR 1")).status == 422


async def test_one_that_went_back_is_taken_up_by_whoever_began_it_and_nobody_else(
    server: TestServer, desk: DemoDesk, clock: Clock, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = await begun(visitor)
    clock.pass_(timedelta(minutes=5))
    assert desk.ledger.write_now(lambda conn: desk.queue.lapse(conn, clock())) == (case_id,)
    lead = desk.adviser("Carys Lewis", Role.LEAD)
    with pytest.raises(NotAllowed):
        desk.claim(case_id, lead)
    async with visiting(server, desk, lead) as stranger:
        assert (await stranger.get(f"/cases/{case_id}")).status == 404
        assert (await stranger.post(f"/cases/{case_id}/practice")).status == 404
        assert (await stranger.get(f"/cases/{case_id}/practice")).status == 404
        assert (await stranger.post(f"/cases/{case_id}/claim")).status in {303, 403, 404}
        assert row_of(desk, case_id) == (State.WAITING, None)
    assert "Take it up again" in await visitor.page("/practice")
    assert (await visitor.post(f"/cases/{case_id}/practice")).status == 303
    assert row_of(desk, case_id) == (State.CLAIMED, amira)
    with pytest.raises(NotAllowed):
        desk.ledger.write_now(lambda conn: desk.queue.take_over(conn, case_id, lead, clock()))
    assert row_of(desk, case_id) == (State.CLAIMED, amira)


async def test_without_scripts_it_says_so(desk: DemoDesk, amira: AdviserId) -> None:
    async with TestServer(desk.app()) as shut, visiting(shut, desk, amira) as visitor:
        assert "The scripts cannot be read" in await visitor.page("/practice")
        assert (await visitor.post("/practice", script="made-up")).status == 422


# --- nowhere else ----------------------------------------------------------------------------------------------------


def told(desk: DemoDesk, table: str) -> int:
    return int(desk.ledger.reader().execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def cases_in_metrics(desk: DemoDesk) -> list[str]:
    courier = SimpleNamespace(failures={}, is_down=lambda _: False)
    metrics = Metrics(desk.ledger, courier, {})  # type: ignore[arg-type]
    metrics._read()
    return [sample.name for family in metrics._cases.collect() for sample in family.samples]


async def through_everything(visitor: Visitor, desk: DemoDesk, clock: Clock, parts: Parts) -> CaseId:
    """A practice that has been in every state: claimed, active, paused, back in the queue, closed."""
    case_id = await begun(visitor)
    await played(visitor, desk, clock, parts, case_id, "canary-sent one", "canary-sent two")
    await visitor.post(f"/cases/{case_id}/pause")
    await visitor.post(f"/cases/{case_id}/resume")
    await visitor.post(f"/cases/{case_id}/release")
    return case_id


async def test_nothing_of_it_reaches_the_outbox_and_it_is_delivered_here(
    desk: DemoDesk, clock: Clock, parts: Parts, visitor: Visitor
) -> None:
    await through_everything(visitor, desk, clock, parts)
    assert told(desk, "outbox") == 0
    states = desk.ledger.reader().execute("SELECT DISTINCT state FROM delivery").fetchall()
    assert [DeliveryState(row[0]) for row in states] == [DeliveryState.DELIVERED]
    # the control: a message of a conversation is in the outbox, and waits
    desk.conversations = itertools.count(REAL)
    desk.ledger.write_now(_a_conversation)
    real = desk.case()
    desk.claim(real, desk.adviser("Ben Okafor"))
    desk.say(real, AdviserId(2), "canary-real")
    assert told(desk, "outbox") == 1
    last = desk.ledger.reader().execute("SELECT max(id) FROM message").fetchone()[0]
    message = desk.queue.message(desk.ledger.reader(), MessageId(last))
    assert message is not None
    assert message.delivery is DeliveryState.QUEUED


def _a_conversation(conn: object) -> None:
    columns = [
        (row[1], row[2])
        for row in conn.execute("PRAGMA table_info(conversation)")  # type: ignore[attr-defined]
        if row[3] and row[4] is None and not row[5]
    ]
    values = {name: "zeroblob(16)" if kind == "BLOB" else "'web'" if kind == "TEXT" else "0" for name, kind in columns}
    names = ", ".join(values)
    conn.execute(  # type: ignore[attr-defined]
        f"INSERT INTO conversation (id, {names}) VALUES ({REAL}, {', '.join(values.values())})"
    )


async def test_it_is_on_no_board_in_no_light_alert_metric_or_fact(
    desk: DemoDesk, clock: Clock, parts: Parts, visitor: Visitor
) -> None:
    case_id = await through_everything(visitor, desk, clock, parts)
    reader, look = desk.ledger.reader(), Desk(desk.ledger.seal)
    assert row_of(desk, case_id) == (State.WAITING, None)
    assert look.board(reader, clock()) == look.held(reader, clock()) == look.scheduled(reader, clock()) == ()
    assert look.light(reader, clock()).waiting == 0
    assert waiting(reader) == ()
    assert standing(reader, case_id) is None
    assert cases_in_metrics(desk) == []
    group = Group()
    alerts = Alerts(desk.ledger, desk.queue, desk.now, group)
    await alerts.follow()
    await visitor.post(f"/cases/{case_id}/practice")
    await visitor.post(f"/cases/{case_id}/release")
    await alerts.follow()
    assert group.calls == []
    await visitor.post(f"/cases/{case_id}/practice")
    await visitor.post(f"/cases/{case_id}/wrap-up")
    await visitor.post(f"/cases/{case_id}/close", **wrap_up())
    assert row_of(desk, case_id) == (State.DONE, None)
    assert told(desk, "case_facts") == 0
    assert {event.conversation for event in events_after(reader, 0)} == {None}
    # the control: one real case, and all of them have something to say
    real = desk.case()
    assert len(look.board(reader, clock())) == 1
    assert standing(reader, real) is not None
    assert cases_in_metrics(desk) == ["firstline_cases"]
    await alerts.follow()
    assert len(group.calls) == 1


async def test_no_page_of_anybody_else_names_it(
    server: TestServer, desk: DemoDesk, clock: Clock, parts: Parts, visitor: Visitor
) -> None:
    case_id = await through_everything(visitor, desk, clock, parts)
    await visitor.post(f"/cases/{case_id}/practice")
    reference = desk.ledger.reader().execute("SELECT reference FROM cases").fetchone()[0]
    places = {route.resource.canonical for route in server.app.router.routes() if route.resource is not None}
    looked_at = 0
    async with visiting(server, desk, desk.adviser("Carys Lewis", Role.LEAD)) as lead:
        searched = [f"/search?q={reference}", f"/search?reference={reference}", "/search?concern=nudes"]
        plain = [place.removeprefix("/desk") for place in places if "{" not in place and not place.startswith(TRAIL)]
        for place in [*plain, *(each for each in searched if "/desk/search" in places)]:
            answer = await lead.get(place)
            page = await answer.text() if answer.status == 200 else ""
            looked_at += answer.status == 200
            assert f"/cases/{case_id}" not in page, place
            assert reference not in page.replace(f'value="{reference}"', ""), place
            assert "canary" not in page.replace("canary-good", ""), place
    assert looked_at >= 5
    assert reference in await visitor.page("/practice")  # the control


# --- scripts ---------------------------------------------------------------------------------------------------------


class _Shelf:
    def __init__(self, library: object, practice: tuple[object, ...]) -> None:
        self.library = library
        self.practice = practice

    def live(self) -> "_Shelf":
        return self


def test_the_scripts_we_ship_are_whole_and_plainly_made_up() -> None:
    files = {name: data for name, data in read_files(ROOT).items() if name.startswith("content/practice/")}
    loading = Loading()
    read = tuple(read_practice(name, data.decode(), loading) for name, data in files.items())
    assert loading.complaints.found == []
    scripts = LivePractice(_Shelf(shipped_library(), read)).scripts()  # type: ignore[arg-type]
    assert [each.concern for each in scripts] == ["impersonation", "nudes", "reputation"]
    assert [each.lane for each in scripts] == [Lane.MESSAGES, Lane.LIVE, Lane.LIVE]
    for each in scripts:
        assert len(each.replies) >= 4
        assert len(each.good) >= 5
        assert all(advice.title != advice.page for advice in each.pack.advice)
    assert all(b"made up" in data for data in files.values())


GOOD = """
title: T
about: A
tier: 2
concern: nudes
role: teacher
nation: wales
words: [hello]
replies: [one]
good: [this]
"""


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (GOOD.replace("title: T\n", ""), "needs 'title'"),
        (GOOD.replace("tier: 2\n", ""), "needs 'tier'"),
        (GOOD.replace("tier: 2", "tier: 7"), "whole number from 0 to 3"),
        (GOOD.replace("nudes", "nude"), "'nude' is not known here"),
        (GOOD.replace("wales", "france"), "'france' is not known here"),
        (GOOD.replace("teacher", "Mr Smith"), "is not a code"),
        (GOOD.replace("[one]", "[]"), "'replies' has nothing in it"),
        (GOOD + "lane: fast\n", "'fast' is not known here"),
        (GOOD + "replys: [x]\n", "no key 'replys'"),
        (GOOD + "advice: [no-such-page]\n", "no page 'no-such-page'"),
        (GOOD + "answers: [yes]\n", "must be a map"),
        (GOOD + "answers: [{question: q}]\n", "needs 'answer'"),
        ("- a list\n", "a practice script is a map"),
        ("", "a practice script is a map"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_what_is_wrong_with_a_script_is_said_where_it_stands(written: str, said: str) -> None:
    files = {**library_files(), "content/practice/x.yml": written.encode()}
    found = [each for each in load_files(files).errors if each.file == "content/practice/x.yml"]
    assert any(said in str(each) for each in found), found


def test_a_good_script_is_no_matter_for_complaints() -> None:
    loading = Loading(complaints=Complaints())
    script = read_practice("content/practice/x.yml", GOOD, loading)
    assert script is not None
    assert (script.tier, script.minutes, script.lane) == (2, 10, "live")
    assert loading.complaints.found == []


async def test_whoever_plays_goes_on_after_a_fault(
    desk: DemoDesk, clock: Clock, server: TestServer, monkeypatch: pytest.MonkeyPatch, visitor: Visitor
) -> None:
    """The one who answers is begun with the server, and a disk that is full for a moment does not end it."""
    monkeypatch.setattr(practising, "LOOK_EVERY_S", 0.001)
    faults = iter([sqlite3.OperationalError("database is locked"), DiskFull()])
    once = desk.ledger.write

    async def write(work: object) -> object:
        fault = next(faults, None)
        if fault is not None:
            raise fault
        return await once(work)  # type: ignore[arg-type]

    case_id = await begun(visitor)
    await visitor.say(case_id, "Hello", mark="p0")
    said = asyncio.Event()
    desk.ledger.on_commit(said.set)
    monkeypatch.setattr(desk.ledger, "write", write)
    clock.pass_(ANSWERS_AFTER)
    async with asyncio.timeout(10):
        while len(thread_of(desk, case_id)) < 2:
            said.clear()
            await said.wait()
    assert thread_of(desk, case_id) == ["Hello", "First answer, canary-one"]
