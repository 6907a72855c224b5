"""Tasks and takedowns through the web: who sees what, adding, giving, putting off, writing steps down, bad input."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from handoff import reminders
from handoff.domain import AdviserId, CaseId, Role
from handoff.reminders import ReminderKind
from handoff.takedowns import NewStep, NewTakedown, Stage, TakedownId, Takedowns, What, Who
from handoff.tasks import NewTask, Task, TaskId, TaskKind, Tasks, TaskState
from tests.demo_desk import OPEN, Clock, DemoDesk, desk_in
from tests.test_console import Visitor, _mask, found, visiting

RTL_AND_HTML = "\u202e<script>alert(1)</script> ring back"


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
    running = TestServer(desk.app(mask=_mask))
    await running.start_server()
    yield running
    await running.close()


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


@pytest.fixture
def ben(desk: DemoDesk, amira: AdviserId) -> AdviserId:
    return desk.adviser("Ben Okafor")


@pytest.fixture
async def visitor(server: TestServer, desk: DemoDesk, amira: AdviserId) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, amira) as visiting_desk:
        yield visiting_desk


@pytest.fixture
def case(desk: DemoDesk, amira: AdviserId) -> CaseId:
    made = desk.case()
    desk.claim(made, amira)
    return made


def close(desk: DemoDesk, case: CaseId, adviser: AdviserId) -> None:
    desk.say(case, adviser, "Hello.")
    desk.ledger.write_now(lambda conn: desk.queue.wrap_up(conn, case, adviser, desk.now()))
    desk.ledger.write_now(lambda conn: desk.queue.close(conn, case, adviser, "impersonation", "advised", desk.now()))


def task(desk: DemoDesk, number: int) -> Task:
    return Tasks(desk.ledger.seal).find(desk.ledger.reader(), TaskId(number))


def add(desk: DemoDesk, case: CaseId, to: AdviserId | None, words: str = "Ring the head back",
        kind: TaskKind = TaskKind.FOLLOW_UP, hours: float = 2) -> TaskId:  # fmt: skip
    new = NewTask(case, kind, desk.now() + timedelta(hours=hours), words, to)
    return desk.ledger.write_now(lambda conn: Tasks(desk.ledger.seal).add(conn, new, to, desk.now()))


def down(desk: DemoDesk, case: CaseId, by: AdviserId) -> TakedownId:
    new = NewTakedown(case, "tiktok", What.ACCOUNT, "mark", "https://example.org/@hillview")
    first = NewStep(Stage.REPORTED, Who.ENQUIRER, reference="8812")
    kept = Takedowns(desk.ledger.seal, OPEN)
    return desk.ledger.write_now(lambda conn: kept.add(conn, new, first, by, desk.now()))


def kinds(desk: DemoDesk) -> list[str]:
    return [row[0] for row in desk.ledger.reader().execute("SELECT kind FROM event ORDER BY seq")]


# --- tasks -----------------------------------------------------------------------------------------------------------


async def test_a_task_is_added_shown_and_done(visitor: Visitor, desk: DemoDesk, case: CaseId) -> None:
    answer = await visitor.post(f"/cases/{case}/tasks", kind="follow_up", words="Ring Jane back", due="tomorrow",
                                client_id="a")  # fmt: skip
    assert answer.status == 303
    assert "masked=name" in answer.headers["Location"]
    assert task(desk, 1).words == "Ring [name] back"
    page = await visitor.page("/tasks")
    assert "Get back to the enquirer" in page
    assert "Ring [name] back" in page
    assert "Ring [name] back" in await visitor.page(f"/cases/{case}")
    assert (await visitor.post("/tasks/1", version=0, move="done", then="tasks")).status == 303
    assert task(desk, 1).state is TaskState.DONE
    assert {"task.added", "task.done"} <= set(kinds(desk))
    assert "Open again" in await visitor.page("/tasks")


async def test_a_task_posted_twice_is_kept_once(visitor: Visitor, desk: DemoDesk, case: CaseId) -> None:
    for _ in range(2):
        await visitor.post(f"/cases/{case}/tasks", kind="other", words="", due="today", client_id="same")
    assert kinds(desk).count("task.added") == 1


async def test_a_task_is_due_when_the_service_opens(visitor: Visitor, desk: DemoDesk, case: CaseId) -> None:
    await visitor.post(f"/cases/{case}/tasks", kind="other", words="", due="week", client_id="a")
    assert f"{task(desk, 1).due_at:%a %H:%M}" == "Mon 09:00"
    await visitor.post(f"/cases/{case}/tasks", kind="other", words="", due="week", at="2026-11-25T14:30", client_id="b")
    assert f"{task(desk, 2).due_at:%d %H:%M}" == "25 14:30"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"kind": "party"}, "Choose what is to be done"),
        ({"kind": "tell_lead"}, "Choose what is to be done"),
        ({"due": "never"}, "Choose when it is due"),
        ({"at": "yesterday"}, "no date with a time"),
        ({"at": "2020-01-01T10:00"}, "still to come"),
        ({"words": "x" * 20_000}, "longer than 500"),
        ({"assignee": "999"}, "may not"),
    ],
)
async def test_what_cannot_be_kept_comes_back_with_what_was_typed(
    visitor: Visitor, desk: DemoDesk, case: CaseId, fields: dict[str, str], problem: str
) -> None:
    form = {"kind": "other", "words": "keep me", "due": "today", "client_id": "a", **fields}
    answer = await visitor.post(f"/cases/{case}/tasks", **form)
    text = await answer.text()
    assert (answer.status, problem in text) == (422, True)
    assert form["words"][:400] in text
    assert "task.added" not in kinds(desk)


async def test_words_are_shown_as_they_were_typed(visitor: Visitor, desk: DemoDesk, case: CaseId) -> None:
    await visitor.post(f"/cases/{case}/tasks", kind="other", words=RTL_AND_HTML, due="today", client_id="a")
    for path in ("/tasks", "/tasks/1", f"/cases/{case}/tasks", f"/cases/{case}"):
        page = await visitor.page(path)
        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert "‹U+202E›" in page


async def test_somebody_faster_is_told_with_the_task_as_it_is(
    visitor: Visitor, desk: DemoDesk, case: CaseId, amira: AdviserId
) -> None:
    add(desk, case, amira)
    await visitor.post("/tasks/1", version=0, move="put_off", due="tomorrow")
    answer = await visitor.post("/tasks/1", version=0, move="done")
    assert answer.status == 409
    assert "Somebody changed this task" in await answer.text()
    assert task(desk, 1).state is TaskState.OPEN


async def test_a_task_is_given_taken_and_opened_again(
    visitor: Visitor, desk: DemoDesk, case: CaseId, amira: AdviserId, ben: AdviserId
) -> None:
    add(desk, case, amira)
    answer = await visitor.post("/tasks/1", version=0, move="assign", assignee=ben)
    assert (answer.status, answer.headers["Location"]) == (303, "/desk/tasks")
    assert task(desk, 1).assignee == ben
    assert (await visitor.get("/tasks/1")).status == 404
    add(desk, case, None)
    assert (await visitor.post("/tasks/2", version=0, move="take")).status == 303
    assert task(desk, 2).assignee == amira
    await visitor.post("/tasks/2", version=1, move="drop")
    await visitor.post("/tasks/2", version=2, move="reopen")
    assert task(desk, 2).state is TaskState.OPEN


async def test_nobody_without_a_case_load_is_given_a_task(
    visitor: Visitor, desk: DemoDesk, case: CaseId, amira: AdviserId
) -> None:
    editor = desk.adviser("Ed Ito", Role.EDITOR)
    add(desk, case, amira)
    assert (await visitor.post("/tasks/1", version=0, move="assign", assignee=editor)).status == 409
    assert task(desk, 1).assignee == amira


@pytest.mark.parametrize(
    "fields", [{"move": "erase", "version": "0"}, {"move": "done"}, {"move": "done", "version": "x"}]
)
async def test_forged_moves_change_nothing(
    visitor: Visitor, desk: DemoDesk, case: CaseId, amira: AdviserId, fields: dict[str, str]
) -> None:
    add(desk, case, amira)
    assert (await visitor.post("/tasks/1", **fields)).status == 400
    assert (await visitor.post("/tasks/1", csrf="forged", version=0, move="done")).status == 403
    assert task(desk, 1).state is TaskState.OPEN


# --- who sees what ---------------------------------------------------------------------------------------------------


async def test_a_task_outlives_the_case_and_only_its_assignee_and_seniors_read_it(
    server: TestServer, desk: DemoDesk, case: CaseId, amira: AdviserId, ben: AdviserId
) -> None:
    carys = desk.adviser("Carys Lewis", Role.SENIOR)
    add(desk, case, amira, "Ring the head back")
    close(desk, case, amira)
    for who, status in ((amira, 200), (carys, 200), (ben, 404)):
        async with visiting(server, desk, who) as each:
            assert (await each.get("/tasks/1")).status == status
            assert ("Ring the head back" in await each.page("/tasks")) is (status == 200)


async def test_what_is_nobodys_is_seen_by_all_and_read_by_who_takes_it(
    server: TestServer, desk: DemoDesk, case: CaseId, ben: AdviserId
) -> None:
    add(desk, case, None, "Ring the head back")
    async with visiting(server, desk, ben) as each:
        page = await each.page("/tasks")
        assert "Get back to the enquirer" in page
        assert "Ring the head back" not in page
        assert "Ring the head back" not in await each.page("/tasks/1")
        await each.post("/tasks/1", version=0, move="take")
        assert "Ring the head back" in await each.page("/tasks/1")


async def test_a_link_is_for_who_may_see_the_case_or_has_something_to_do_about_it(
    server: TestServer, desk: DemoDesk, case: CaseId, amira: AdviserId, ben: AdviserId
) -> None:
    takedown = down(desk, case, amira)
    async with visiting(server, desk, amira) as holder:
        page = await holder.page(f"/takedowns/{takedown}")
        assert "hillview" in page
        assert "8812" in page
        assert "hillview" not in await holder.page("/tasks")
    async with visiting(server, desk, ben) as other:
        assert (await other.get(f"/takedowns/{takedown}")).status == 404
        assert (await other.post(f"/takedowns/{takedown}", stage="removed", seen=1)).status == 404
        page = await other.page("/tasks")
        assert "Account on TikTok" in page
        assert f"/takedowns/{takedown}" not in page
        new = NewTask(case, TaskKind.ASK_PLATFORM, desk.now(), assignee=ben, takedown=takedown)
        desk.ledger.write_now(lambda conn: Tasks(desk.ledger.seal).add(conn, new, None, desk.now()))
        assert "hillview" in await other.page(f"/takedowns/{takedown}")


async def test_figures_are_for_seniors(server: TestServer, desk: DemoDesk, case: CaseId, amira: AdviserId) -> None:
    down(desk, case, amira)
    carys = desk.adviser("Carys Lewis", Role.LEAD)
    for who, sees in ((amira, False), (carys, True)):
        async with visiting(server, desk, who) as each:
            page = await each.page("/tasks")
            assert ("How long platforms take" in page) is sees
            assert ("not enough to say" in page) is sees


async def test_a_case_of_anothers_has_no_tasks_page(
    server: TestServer, desk: DemoDesk, case: CaseId, ben: AdviserId
) -> None:
    async with visiting(server, desk, ben) as other:
        assert (await other.get(f"/cases/{case}/tasks")).status == 404
        form = {"kind": "other", "words": "", "due": "today", "client_id": "a"}
        assert (await other.post(f"/cases/{case}/tasks", **form)).status == 404
        assert (await other.post(f"/cases/{case}/takedowns", client_id="a")).status == 404
    assert "task.added" not in kinds(desk)


# --- takedowns -------------------------------------------------------------------------------------------------------


REPORT = {"platform": "tiktok", "what": "account", "stage": "reported", "number": "8812-33", "ask_them": "on",
          "link": "https://example.org/@hillview", "client_id": "a"}  # fmt: skip


async def test_what_was_reported_is_written_down_step_by_step(visitor: Visitor, desk: DemoDesk, case: CaseId) -> None:
    assert (await visitor.post(f"/cases/{case}/takedowns", **REPORT)).status == 303
    page = await visitor.page("/takedowns/1")
    assert "8812-33" in page
    assert "the bot asks them" in page
    assert "Wed 25 Nov, 10:00" in page
    answer = await visitor.post("/takedowns/1", stage="on_behalf", seen=1, number="T-9", ask_them="on")
    assert answer.status == 303
    await visitor.post("/takedowns/1", stage="removed", seen=2)
    assert "0 hours after the report" in await visitor.page("/takedowns/1")
    assert [kind for kind in kinds(desk) if kind.startswith("takedown.")] == [
        "takedown.reported", "takedown.on_behalf", "takedown.removed"]  # fmt: skip


async def test_when_it_was_reported_may_be_earlier(visitor: Visitor, desk: DemoDesk, case: CaseId) -> None:
    await visitor.post(f"/cases/{case}/takedowns", **{**REPORT, "at": "2026-11-20T16:00"})
    planned = reminders.last_about(desk.ledger.reader(), ReminderKind.STILL_UP, 1)
    assert planned
    assert planned.due_at == desk.now()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"platform": ""}, "Name the platform"),
        ({"platform": "Mr. Smith’s site"}, "Name the platform"),
        ({"what": "child"}, "Choose what was reported"),
        ({"stage": "removed"}, "Choose how far it has got"),
        ({"link": "javascript:alert(1)"}, "no web address"),
        ({"at": "2030-01-01T10:00"}, "a time to come"),
        ({"number": "9" * 20_000}, "at most 60"),
    ],
)
async def test_a_takedown_that_cannot_be_kept_says_why(
    visitor: Visitor, desk: DemoDesk, case: CaseId, fields: dict[str, str], problem: str
) -> None:
    answer = await visitor.post(f"/cases/{case}/takedowns", **{**REPORT, **fields})
    assert (answer.status, problem in await answer.text()) == (422, True)
    assert not [kind for kind in kinds(desk) if kind.startswith(("takedown", "reminder"))]


@pytest.mark.parametrize("concern", ["nudes", "ai_imagery", "illegal_content"])
async def test_no_link_where_it_may_lead_to_an_image_of_a_child(
    visitor: Visitor, desk: DemoDesk, amira: AdviserId, concern: str
) -> None:
    case = desk.case(concern=concern)
    desk.claim(case, amira)
    page = await visitor.page(f"/cases/{case}/tasks")
    assert "No link is kept here" in page
    assert 'name="link"' not in page
    answer = await visitor.post(f"/cases/{case}/takedowns", **REPORT)
    assert (answer.status, "indecent image of a child" in await answer.text()) == (422, True)
    assert (await visitor.post(f"/cases/{case}/takedowns", **{**REPORT, "link": ""})).status == 303


async def test_two_who_write_at_once_do_not_write_over_each_other(
    visitor: Visitor, desk: DemoDesk, case: CaseId, amira: AdviserId
) -> None:
    takedown = down(desk, case, amira)
    await visitor.post(f"/takedowns/{takedown}", stage="still_up", seen=1)
    answer = await visitor.post(f"/takedowns/{takedown}", stage="removed", seen=1)
    assert (answer.status, "since this page was loaded" in await answer.text()) == (409, True)


@pytest.mark.parametrize("stage", ["asked", "asked_again", "guided", "unsure", "gone", ""])
async def test_only_what_may_come_next_can_be_written(
    visitor: Visitor, desk: DemoDesk, case: CaseId, amira: AdviserId, stage: str
) -> None:
    takedown = down(desk, case, amira)
    assert (await visitor.post(f"/takedowns/{takedown}", stage=stage, seen=1)).status == 409
    assert kinds(desk).count("takedown.reported") == 1


async def test_ask_again_now(visitor: Visitor, desk: DemoDesk, case: CaseId, amira: AdviserId) -> None:
    takedown = down(desk, case, amira)
    assert "Ask again now" in await visitor.page(f"/takedowns/{takedown}")
    assert (await visitor.post(f"/takedowns/{takedown}/ask")).status == 303
    assert [each.due_at for each in reminders.due(desk.ledger.reader(), desk.now())] == [desk.now()]
    await visitor.post(f"/takedowns/{takedown}", stage="removed", seen=1)
    assert "Ask again now" not in await visitor.page(f"/takedowns/{takedown}")
    assert (await visitor.post(f"/takedowns/{takedown}/ask")).status == 409
    assert reminders.due(desk.ledger.reader(), desk.now()) == ()


# --- reminders of what they agreed -----------------------------------------------------------------------------------


async def test_the_enquirer_is_reminded_of_what_they_agreed(visitor: Visitor, desk: DemoDesk, case: CaseId) -> None:
    form = {"enquirer": "yes", "kind": "tell_lead", "due": "tomorrow", "client_id": "a"}
    assert (await visitor.post(f"/cases/{case}/tasks", **form)).status == 303
    planned = reminders.last_about(desk.ledger.reader(), ReminderKind.TASK, 1)
    assert planned
    assert planned.due_at == task(desk, 1).due_at
    await visitor.post("/tasks/1", version=0, move="put_off", due="week")
    later = reminders.last_about(desk.ledger.reader(), ReminderKind.TASK, 1)
    assert later
    assert later.due_at == task(desk, 1).due_at > planned.due_at
    await visitor.post("/tasks/1", version=1, move="done")
    assert reminders.due(desk.ledger.reader(), later.due_at) == ()


async def test_practice_has_tasks_and_no_reminders(visitor: Visitor, desk: DemoDesk, amira: AdviserId) -> None:
    desk.conversations = iter(range(-5, 0))  # type: ignore[assignment]
    case = desk.case()
    begun = "INSERT INTO practice VALUES (?, ?, 'a-fake-account', 0, x'00', 0)"
    desk.ledger.write_now(lambda conn: conn.execute(begun, [case, amira]))
    desk.claim(case, amira)
    page = await visitor.page(f"/cases/{case}/tasks")
    assert "Remind the enquirer" not in page
    form = {"enquirer": "yes", "kind": "tell_lead", "due": "tomorrow", "client_id": "a"}
    answer = await visitor.post(f"/cases/{case}/tasks", **form)
    assert (answer.status, "this is practice" in await answer.text()) == (422, True)
    assert (await visitor.post(f"/cases/{case}/takedowns", **REPORT)).status == 303
    assert "Account on TikTok" not in await visitor.page("/tasks")
    given = {"kind": "other", "words": "", "due": "today", "client_id": "b", "assignee": "anybody"}
    assert (await visitor.post(f"/cases/{case}/tasks", **given)).status == 422
    await visitor.post(f"/cases/{case}/tasks", **{**given, "assignee": ""})
    assert "practice" in await visitor.page("/tasks")
    assert (await visitor.post("/tasks/1", version=0, move="assign", assignee="anybody")).status == 409
    assert desk.ledger.reader().execute("SELECT count(*) FROM reminder").fetchone()[0] == 0


async def test_the_page_hears_of_changes(visitor: Visitor, desk: DemoDesk, case: CaseId, amira: AdviserId) -> None:
    page = await visitor.page("/tasks")
    seq = int(found('data-seq="([0-9]+)"', page))
    add(desk, case, amira)
    assert int(found('data-seq="([0-9]+)"', await visitor.page("/tasks"))) > seq
