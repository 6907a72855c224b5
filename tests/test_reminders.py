"""Reminders through the whole house: asked once, never across anybody who speaks, and the answer reaches the desk."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.channels.contract import REST, WHATSAPP
from bot.config import Settings
from bot.domain import Address
from bot.reply_window import ASKED
from handoff.domain import AdviserId, CaseId
from handoff.errors import LedgerError
from handoff.reminders import Drop
from handoff.takedowns import NewStep, NewTakedown, Stage, Takedown, TakedownId, Takedowns, What, Who
from handoff.tasks import NewTask, TaskKind, Tasks, TaskState
from tests.delivering import Delivering
from tests.small_house import Clock, Ready, SmallHouse, opened_house, ready_in, small_library, write_library

WORDS = """
version: "3.1"
flows:
  pattern_still_up:
    description: Is it still up?
    steps:
      - collect: still_up_answer
        ask_before_filling: true
        next:
          - if: slots.still_up_answer is "gone"
            then:
              - action: utter_noted
                next: END
          - else:
              - action: utter_seen
                next: END
  pattern_reminder:
    description: A reminder.
    steps:
      - collect: reminder_answer
        ask_before_filling: true
      - action: utter_noted
slots:
  still_up_answer: {type: categorical, values: [gone, still_up, not_sure]}
  reminder_answer: {type: categorical, values: [done, not_yet]}
responses:
  utter_ask_still_up_answer:
    - text: Is it still up? {context.reference}
      buttons:
        - {title: Gone, payload: /SetSlots(still_up_answer=gone)}
        - {title: Still up, payload: /SetSlots(still_up_answer=still_up)}
        - {title: Not sure, payload: /SetSlots(still_up_answer=not_sure)}
  utter_ask_reminder_answer:
    - text: Have you done it?
      buttons:
        - {title: Done, payload: /SetSlots(reminder_answer=done)}
        - {title: Not yet, payload: /SetSlots(reminder_answer=not_yet)}
  utter_noted: [{text: Noted.}]
  utter_seen: [{text: An adviser will see it.}]
"""
QUESTION, DONE_YET = "Is it still up?", "Have you done it?"


@pytest.fixture(scope="module")
def with_words(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    library = {**small_library(), "flows/reminders.yml": WORDS.encode()}
    return ready_in(tmp_path_factory.mktemp("ready"), write_library(tmp_path_factory.mktemp("library"), library))


@pytest.fixture
def settings(tmp_path: Path, with_words: Ready) -> Settings:
    return with_words.copied_to(tmp_path)


@dataclass
class Helped:
    """An enquirer whose case an adviser holds, and what was reported of it."""

    house: SmallHouse
    case: CaseId
    amira: AdviserId
    takedown: TakedownId

    @property
    def kept(self) -> Takedowns:
        return Takedowns(self.house.firstline.ledger.seal, self.house.firstline.hours)

    @property
    def found(self) -> Takedown:
        return self.kept.find(self.house.firstline.ledger.reader(), self.takedown)

    def tasks(self) -> list[tuple[TaskKind, TaskState]]:
        kept = Tasks(self.house.firstline.ledger.seal)
        return [(task.kind, task.state) for task in kept.of_case(self.house.firstline.ledger.reader(), self.case)]

    def closes(self) -> None:
        self.house.closes(self.case, self.amira)

    async def looks(self, times: int = 1) -> None:
        for _ in range(times):
            await self.house.firstline.relay.follow()
            await self.house.firstline.reminders.follow()

    async def told(self, words: str = QUESTION, who: str = "ann") -> int:
        lines = await self.house.firstline.rooms.since(REST, Address(who), 0)
        return sum(words in line.rendered.text for line in lines)


async def helped(house: SmallHouse, who: str = "ann") -> Helped:
    """Handed over, answered, and something they had reported is written down."""
    case = await house.asks_for_people(who)
    amira = house.adviser(f"Amira {who}")
    house.claim(case, amira)
    house.answers(case, amira, "Hello.")
    return reported(house, case, amira)


def reported(house: SmallHouse, case: CaseId, amira: AdviserId, mark: str = "one") -> Helped:
    ledger = house.firstline.ledger
    kept = Takedowns(ledger.seal, house.firstline.hours)
    new = NewTakedown(case, "tiktok", What.ACCOUNT, mark)
    first = NewStep(Stage.REPORTED, Who.ENQUIRER)
    takedown = ledger.write_now(lambda conn: kept.add(conn, new, first, amira, house.clock()))
    return Helped(house, case, amira, takedown)


async def asked(house: SmallHouse) -> Helped:
    """Two days later, the case closed, the question stands open."""
    given = await helped(house)
    given.closes()
    house.clock.passes(hours=48)
    await given.looks()
    return given


# --- asked once ------------------------------------------------------------------------------------------------------


async def test_two_days_after_the_report_it_is_asked_once(house: SmallHouse) -> None:
    given = await helped(house)
    given.closes()
    house.clock.passes(hours=47, minutes=59)
    await given.looks()
    assert await given.told() == 0
    house.clock.passes(minutes=1)
    await given.looks(times=4)
    assert await given.told() == 1
    reference = house.one("SELECT reference FROM cases")
    assert await given.told(reference) >= 1
    assert given.found.stage is Stage.ASKED


async def test_gone_reaches_the_desk_with_the_answer(house: SmallHouse) -> None:
    given = await asked(house)
    assert "Noted." in await house.say("Gone")
    assert [(step.stage, step.who) for step in given.found.steps][-1] == (Stage.REMOVED, Who.ENQUIRER)
    assert given.tasks() == []


async def test_still_up_becomes_a_task(house: SmallHouse) -> None:
    given = await asked(house)
    assert "An adviser will see it." in await house.say("Still up")
    assert given.tasks() == [(TaskKind.ASK_PLATFORM, TaskState.OPEN)]


async def test_not_sure_becomes_a_task_too(house: SmallHouse) -> None:
    given = await asked(house)
    await house.say("Not sure")
    assert (given.found.stage, given.tasks()) == (Stage.UNSURE, [(TaskKind.LOOK_AGAIN, TaskState.OPEN)])


async def test_a_turn_sent_twice_is_one_answer(house: SmallHouse) -> None:
    given = await asked(house)
    for _ in range(2):
        await house.say("Still up", id_="same")
    assert given.tasks() == [(TaskKind.ASK_PLATFORM, TaskState.OPEN)]


async def test_words_that_answer_nothing_change_nothing(house: SmallHouse) -> None:
    """Negative control: only an answer to the question counts, and "gone" elsewhere is none."""
    given = await helped(house)
    given.closes()
    await given.looks()
    await house.say("gone")
    assert given.found.stage is Stage.REPORTED


async def test_ask_again_now_is_asked_as_soon_as_they_are_free(house: SmallHouse) -> None:
    given = await helped(house)
    ledger = house.firstline.ledger
    ledger.write_now(lambda conn: given.kept.ask_now(conn, given.takedown, given.amira, house.clock()))
    house.clock.passes(minutes=10)
    await given.looks()
    assert await given.told() == 0  # the adviser still speaks
    given.closes()
    await given.looks()
    house.clock.passes(minutes=5)
    await given.looks(times=2)
    assert await given.told() == 1
    assert given.found.steps[-1].who is Who.ADVISER


async def test_one_question_at_a_time(house: SmallHouse) -> None:
    given = await helped(house)
    reported(house, given.case, given.amira, "two")
    given.closes()
    house.clock.passes(hours=48)
    await given.looks(times=3)
    assert await given.told() == 1
    await house.say("Gone")
    house.clock.passes(minutes=5)
    await given.looks(times=3)
    assert await given.told() == 2


async def test_what_they_agreed_to_do_is_reminded_of_and_done(house: SmallHouse) -> None:
    given = await helped(house)
    ledger, kept = house.firstline.ledger, Tasks(house.firstline.ledger.seal)
    new = NewTask(given.case, TaskKind.TELL_LEAD, house.clock() + timedelta(hours=5), assignee=given.amira)
    ledger.write_now(lambda conn: kept.remind(conn, new, given.amira, house.clock()))
    given.closes()
    house.clock.passes(hours=5)
    await given.looks(times=2)
    assert await given.told(DONE_YET) == 1
    assert "Noted." in await house.say("Done")
    assert given.tasks() == [(TaskKind.TELL_LEAD, TaskState.DONE)]


# --- never across anybody --------------------------------------------------------------------------------------------


async def test_never_while_an_adviser_speaks(house: SmallHouse) -> None:
    given = await helped(house)
    house.clock.passes(days=3)
    await given.looks(times=2)
    assert await given.told() == 0
    given.closes()
    await given.looks()
    house.clock.passes(minutes=5)
    await given.looks()
    assert await given.told() == 1


async def test_not_while_they_wait_for_people(house: SmallHouse) -> None:
    given = await helped(house)
    given.closes()
    await given.looks()
    for text in ("talk to a person", "yes"):
        await house.say(text)
    assert house.one("SELECT count(*) FROM queue_item WHERE state = 'waiting'") == 1
    house.clock.passes(days=3)
    await given.looks(times=2)
    assert await given.told() == 0


async def test_not_above_a_danger_screen(house: SmallHouse) -> None:
    given = await helped(house)
    given.closes()
    await given.looks()
    await house.say("danger now")
    house.clock.passes(days=3)
    await given.looks(times=2)
    assert await given.told() == 0
    await house.say("Carry on")
    house.clock.passes(minutes=5)
    await given.looks()
    assert await given.told() == 1


async def test_not_in_the_middle_of_what_they_are_saying(house: SmallHouse) -> None:
    given = await helped(house)
    given.closes()
    await given.looks()
    house.clock.passes(hours=49)
    await house.say("hello")
    house.clock.passes(minutes=4)
    await given.looks()
    assert await given.told() == 0
    house.clock.passes(minutes=1)
    await given.looks()
    assert await given.told() == 1


async def test_never_to_somebody_who_stopped(house: SmallHouse) -> None:
    given = await helped(house)
    given.closes()
    await given.looks()
    await house.say("stop")
    house.clock.passes(hours=48)
    await given.looks(times=3)
    assert await given.told() == 0
    assert given.found.reminder.dropped_for is Drop.LEFT  # type: ignore[union-attr]
    assert given.tasks() == [(TaskKind.LOOK_AGAIN, TaskState.OPEN)]


async def test_never_to_somebody_who_stopped_and_was_forgotten_or_came_back(house: SmallHouse) -> None:
    given = await helped(house)
    given.closes()
    await given.looks()
    await house.say("stop")
    house.clock.passes(hours=30)
    await house.firstline.upkeep.forget()
    await house.say("hello")
    house.clock.passes(hours=20)
    await given.looks(times=3)
    assert await given.told() == 0
    assert given.found.reminder.dropped_for is Drop.LEFT  # type: ignore[union-attr]


async def test_not_where_a_child_may_be_writing(house: SmallHouse) -> None:
    given = await helped(house)
    given.closes()
    await given.looks()
    before = house.firstline.turns.store.get(house.firstline.ledger.reader(), 1)  # type: ignore[arg-type]
    assert before
    from dataclasses import replace

    child = replace(before.conversation, slots={**before.conversation.slots, "child_writing": True})
    house.firstline.ledger.write_now(lambda db: house.firstline.turns.store.save(db, before, child, house.clock()))
    house.clock.passes(hours=48)
    await given.looks(times=2)
    assert await given.told() == 0
    assert given.found.reminder.dropped_for is Drop.CHILD  # type: ignore[union-attr]


async def test_a_library_without_the_words_leaves_it_to_a_colleague(tmp_path: Path, ready: Ready, clock: Clock) -> None:
    house = opened_house(ready.copied_to(tmp_path), clock)
    given = await helped(house)
    given.closes()
    clock.passes(hours=48)
    await given.looks(times=2)
    assert given.found.reminder.dropped_for is Drop.CANNOT_ASK  # type: ignore[union-attr]
    assert given.tasks() == [(TaskKind.LOOK_AGAIN, TaskState.OPEN)]
    house.firstline.ledger.close()


# --- past the reply window -------------------------------------------------------------------------------------------


@pytest.fixture
async def delivering(settings: Settings, clock: Clock) -> AsyncIterator[Delivering]:
    made = Delivering(settings, clock, WHATSAPP)
    async with made.at_work():
        yield made
    made.ledger.close()


async def test_past_the_reply_window_they_are_asked_to_write_once_and_then_get_the_question(
    delivering: Delivering,
) -> None:
    case, amira = await delivering.case()
    house = delivering.house
    house.answers(case, amira, "Hello.")
    given = reported(house, case, amira)
    await delivering.until(lambda: set(delivering.states()) == {"sent"})
    house.clock.passes(hours=30)
    given.closes()
    await house.firstline.relay.follow()
    await delivering.until(lambda: delivering.states()[-1] == "queued")
    assert delivering.provider.knocked == []  # nobody is rung because a case was closed
    house.clock.passes(hours=18)
    await given.looks()
    await delivering.until(lambda: delivering.provider.knocked == [("ann", "en")])
    await delivering.until(lambda: {row["reason"] for row in delivering.rows() if row["state"] == "queued"} >= {ASKED})
    for _ in range(3):
        await delivering.later(minutes=10)
    assert len(delivering.provider.knocked) == 1
    assert not any(QUESTION in text for text in delivering.provider.texts("ann"))
    await delivering.say("Still up")
    await delivering.until(lambda: set(delivering.states()) == {"sent"})
    assert any(QUESTION in text for text in delivering.provider.texts("ann"))
    assert given.tasks() == [(TaskKind.ASK_PLATFORM, TaskState.OPEN)]


# --- when something breaks -------------------------------------------------------------------------------------------


async def test_what_could_not_be_written_is_asked_later_and_once(house: SmallHouse) -> None:
    """The last statement of the write fails: nothing of it is kept, nobody was asked."""
    given = await helped(house)
    given.closes()
    await given.looks()
    house.clock.passes(hours=48)
    ledger = house.firstline.ledger
    refuse = "CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'broken'); END"
    ledger.write_now(lambda db: db.execute(refuse))
    await given.looks()
    assert given.found.stage is Stage.REPORTED
    assert house.one("SELECT count(*) FROM reminder WHERE sent_at IS NOT NULL") == 0
    ledger.write_now(lambda db: db.execute("DROP TRIGGER broken"))
    await given.looks(times=3)
    assert await given.told() == 1


KILL_POINTS = ("UPDATE reminder SET sent_at", "INSERT INTO takedown_step", "UPDATE conversation", "INSERT INTO outbox",
               "COMMIT", "after the commit")  # fmt: skip


@pytest.mark.parametrize("point", KILL_POINTS)
def test_killed_at_any_moment_it_is_asked_exactly_once(settings: Settings, clock: Clock, point: str) -> None:
    def opened(work: object) -> None:
        house = opened_house(settings, clock)
        try:
            asyncio.run(work(house))  # type: ignore[operator]
        finally:
            house.firstline.ledger.close()

    async def prepare(house: SmallHouse) -> None:
        given = await helped(house)
        given.closes()
        await given.looks()

    async def dies(house: SmallHouse) -> None:
        def kill(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        if point == "after the commit":
            house.firstline.ledger.on_commit(kill)
        else:
            house.firstline.ledger._writer.set_trace_callback(lambda sql: kill() if point in sql else None)
        await house.firstline.reminders.follow()

    async def goes_on(house: SmallHouse) -> None:
        for _ in range(3):
            await house.firstline.reminders.follow()
        lines = await house.firstline.rooms.since(REST, Address("ann"), 0)
        assert sum(QUESTION in line.rendered.text for line in lines) == 1
        assert house.one("SELECT count(*) FROM takedown_step WHERE stage = 'asked'") == 1

    opened(prepare)
    clock.passes(hours=48)
    child = os.fork()
    if child == 0:
        opened(dies)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    opened(goes_on)


async def test_a_reminder_noted_apart_from_its_question_would_be_seen(house: SmallHouse) -> None:
    """Negative control: sent, but not noted as sent, it is said twice."""
    given = await asked(house)
    ledger = house.firstline.ledger
    for guard in ("reminder_goes_forward", "reminder_told"):
        ledger.write_now(lambda db, guard=guard: db.execute(f"DROP TRIGGER {guard}"))  # type: ignore[misc]
    ledger.write_now(lambda db: db.execute("UPDATE reminder SET sent_at = NULL"))
    house.clock.passes(days=1)
    await given.looks()
    assert await given.told() == 2


async def test_one_that_cannot_be_taken_up_holds_up_no_other(house: SmallHouse) -> None:
    first, second = await helped(house, "ann"), await helped(house, "bob")
    for each in (first, second):
        each.closes()
    house.clock.passes(hours=48)
    await house.firstline.relay.follow()
    house.firstline.ledger.write_now(lambda db: db.execute("UPDATE conversation SET state = x'00' WHERE id = 1"))
    house.firstline.turns.store._recent.clear()
    await house.firstline.reminders.follow()
    assert await second.told(who="bob") == 1


async def test_the_running_house_asks_by_itself(settings: Settings, clock: Clock) -> None:
    house = opened_house(settings, clock)
    async with house.firstline.running():
        given = await helped(house)
        given.closes()
        clock.passes(hours=48)
        house.firstline.reminders.wake()
        async with asyncio.timeout(5):
            while not await given.told():
                house.firstline.reminders.wake()
                await asyncio.sleep(0.02)
        assert await given.told() == 1


def test_a_ledger_that_cannot_be_written_is_not_passed_over(settings: Settings, clock: Clock) -> None:
    house = opened_house(settings, clock)

    async def work() -> None:
        given = await helped(house)
        given.closes()
        await given.looks()
        clock.passes(hours=48)
        house.firstline.ledger.close()
        with pytest.raises((LedgerError, sqlite3.Error)):
            await house.firstline.reminders.follow()

    asyncio.run(work())
