"""Takedowns step by step: what may follow what, what the clock does, what an answer leads to, what is counted."""

import itertools
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings as limits
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlite_utils import Database

from handoff import advisers, reminders
from handoff.chain import teach
from handoff.domain import AdviserId, CaseId, NewCase, Role
from handoff.errors import Refused
from handoff.hours import OpeningHours
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.reminders import Answer, Drop, ReminderKind
from handoff.seal import Seal
from handoff.takedowns import (
    ASKS,
    NEXT,
    OUTCOMES,
    NewStep,
    NewTakedown,
    Stage,
    Takedown,
    TakedownId,
    Takedowns,
    What,
    Who,
)
from handoff.tasks import TaskKind, Tasks, TaskState
from tests.demo_desk import OPEN, Clock, DemoDesk, desk_in

FRIDAY = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
SUNDAY, MONDAY_NINE = FRIDAY + timedelta(days=2), datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    made.adviser("Amira Khan")
    yield made
    made.ledger.close()


AMIRA = AdviserId(1)
MARKS = itertools.count(1)


def kept(desk: DemoDesk) -> Takedowns:
    return Takedowns(desk.ledger.seal, OPEN)


def down(desk: DemoDesk, case: CaseId, *, at: datetime | None = None, ask_them: bool = True, link: str = "",
         platform: str = "tiktok") -> TakedownId:  # fmt: skip
    new = NewTakedown(case, platform, What.ACCOUNT, f"mark-{next(MARKS)}", link)
    first = NewStep(Stage.REPORTED, Who.ENQUIRER, at, "8812", ask_them=ask_them)
    return desk.ledger.write_now(lambda conn: kept(desk).add(conn, new, first, AMIRA, desk.now()))


def step(desk: DemoDesk, takedown: TakedownId, stage: Stage, who: Who = Who.ADVISER, **more: object) -> None:
    by = None if who is Who.CLOCK else AMIRA
    new = NewStep(stage, who, **more)  # type: ignore[arg-type]
    desk.ledger.write_now(lambda conn: kept(desk).step(conn, takedown, new, by, desk.now()))


def found(desk: DemoDesk, takedown: TakedownId) -> Takedown:
    return kept(desk).find(desk.ledger.reader(), takedown, opened=True)


def due(desk: DemoDesk) -> tuple[reminders.Planned, ...]:
    return reminders.due(desk.ledger.reader(), desk.now())


def said(desk: DemoDesk) -> reminders.Planned:
    """The one thing that is due, said."""
    (planned,) = due(desk)
    assert desk.ledger.write_now(lambda conn: kept(desk).sent(conn, planned.id, desk.now()))
    return planned


def answered(desk: DemoDesk, planned: reminders.Planned, answer: Answer) -> bool:
    return desk.ledger.write_now(lambda conn: kept(desk).answered(conn, planned.id, answer, desk.now()))


def todo(desk: DemoDesk, case: CaseId) -> list[tuple[TaskKind, TaskState]]:
    return [(task.kind, task.state) for task in Tasks(desk.ledger.seal).of_case(desk.ledger.reader(), case)]


def kinds(desk: DemoDesk) -> list[str]:
    return [row[0] for row in desk.ledger.reader().execute("SELECT kind FROM event ORDER BY seq")]


# --- the clock -------------------------------------------------------------------------------------------------------


def test_the_check_is_due_48_hours_on_the_wall_later_and_offered_in_opening_hours(desk: DemoDesk, clock: Clock) -> None:
    clock.at = FRIDAY
    takedown = down(desk, desk.case())
    assert found(desk, takedown).reminder.due_at == MONDAY_NINE  # type: ignore[union-attr]
    clock.at = SUNDAY + timedelta(hours=1)
    assert due(desk) == ()
    clock.at = MONDAY_NINE
    assert len(due(desk)) == 1


def test_where_it_never_opens_the_check_is_due_when_the_time_has_passed(desk: DemoDesk, clock: Clock) -> None:
    never = Takedowns(desk.ledger.seal, OpeningHours())
    new = NewTakedown(desk.case(), "x", What.POST, "mark")
    first = NewStep(Stage.REPORTED, Who.ENQUIRER)
    takedown = desk.ledger.write_now(lambda conn: never.add(conn, new, first, AMIRA, clock()))
    assert found(desk, takedown).reminder.due_at == clock() + timedelta(hours=48)  # type: ignore[union-attr]


def test_what_was_reported_long_ago_is_asked_about_at_once(desk: DemoDesk, clock: Clock) -> None:
    down(desk, desk.case(), at=clock() - timedelta(days=5))
    assert [planned.due_at for planned in due(desk)] == [clock()]


def test_when_it_is_said_the_clock_has_asked(desk: DemoDesk, clock: Clock) -> None:
    takedown = down(desk, desk.case())
    clock.pass_(timedelta(hours=48))
    said(desk)
    assert [(each.stage, each.who) for each in found(desk, takedown).steps] == [
        (Stage.REPORTED, Who.ENQUIRER), (Stage.ASKED, Who.CLOCK)]  # fmt: skip
    assert {"takedown.reported", "reminder.planned", "reminder.sent", "takedown.asked"} <= set(kinds(desk))


def test_asked_sooner_it_was_an_adviser_who_wanted_to_know(desk: DemoDesk, clock: Clock) -> None:
    takedown = down(desk, desk.case())
    clock.pass_(timedelta(hours=1))
    desk.ledger.write_now(lambda conn: kept(desk).ask_now(conn, takedown, AMIRA, clock()))
    said(desk)
    assert [(each.stage, each.who) for each in found(desk, takedown).steps][-1] == (Stage.ASKED, Who.ADVISER)


def test_what_is_said_once_is_not_said_again(desk: DemoDesk, clock: Clock) -> None:
    down(desk, desk.case())
    clock.pass_(timedelta(hours=48))
    planned = said(desk)
    assert not desk.ledger.write_now(lambda conn: kept(desk).sent(conn, planned.id, clock()))
    assert due(desk) == ()


# --- answers ---------------------------------------------------------------------------------------------------------


def test_gone_is_an_outcome_with_its_hours_and_nothing_is_left_to_do(desk: DemoDesk, clock: Clock) -> None:
    case = desk.case()
    takedown = down(desk, case)
    clock.pass_(timedelta(hours=48))
    assert answered(desk, said(desk), Answer.GONE)
    now = found(desk, takedown)
    assert (now.stage, now.steps[-1].who, now.hours_to_removal) == (Stage.REMOVED, Who.ENQUIRER, 48)
    assert todo(desk, case) == []


def test_still_up_is_a_task_to_ask_the_platform_due_in_working_hours(desk: DemoDesk, clock: Clock) -> None:
    clock.at = FRIDAY
    case = desk.case()
    takedown = down(desk, case, at=FRIDAY - timedelta(hours=48))
    assert answered(desk, said(desk), Answer.STILL_UP)
    (task,) = Tasks(desk.ledger.seal).of_case(desk.ledger.reader(), case)
    assert (task.kind, task.assignee, task.takedown) == (TaskKind.ASK_PLATFORM, None, takedown)
    assert task.due_at == MONDAY_NINE + timedelta(hours=1)  # three working hours: two on Friday, one on Monday


def test_not_sure_is_a_task_of_lower_haste(desk: DemoDesk, clock: Clock) -> None:
    case = desk.case()
    down(desk, case, at=clock() - timedelta(hours=48))
    assert answered(desk, said(desk), Answer.NOT_SURE)
    (task,) = Tasks(desk.ledger.seal).of_case(desk.ledger.reader(), case)
    assert task.kind is TaskKind.LOOK_AGAIN
    assert task.due_at == OPEN.add(clock(), timedelta(hours=8))


def test_an_answer_counts_once_and_not_before_it_was_asked(desk: DemoDesk, clock: Clock) -> None:
    case = desk.case()
    down(desk, case)
    clock.pass_(timedelta(hours=48))
    (planned,) = due(desk)
    assert not answered(desk, planned, Answer.GONE)
    planned = said(desk)
    assert answered(desk, planned, Answer.STILL_UP)
    assert not answered(desk, planned, Answer.GONE)
    assert todo(desk, case) == [(TaskKind.ASK_PLATFORM, TaskState.OPEN)]


def test_asking_the_platform_settles_the_task_and_is_asked_about_72_hours_later(desk: DemoDesk, clock: Clock) -> None:
    case = desk.case()
    takedown = down(desk, case, at=clock() - timedelta(hours=48))
    answered(desk, said(desk), Answer.STILL_UP)
    step(desk, takedown, Stage.ON_BEHALF, reference="SC-118")
    assert todo(desk, case) == [(TaskKind.ASK_PLATFORM, TaskState.DROPPED)]
    clock.pass_(timedelta(hours=72))
    planned = said(desk)
    assert found(desk, takedown).stage is Stage.ASKED_AGAIN
    answered(desk, planned, Answer.STILL_UP)
    assert (TaskKind.DECIDE, TaskState.OPEN) in todo(desk, case)
    assert [each.reference for each in found(desk, takedown).steps if each.reference] == ["8812", "SC-118"]


def test_an_outcome_that_is_known_is_not_asked_about(desk: DemoDesk, clock: Clock) -> None:
    takedown = down(desk, desk.case())
    step(desk, takedown, Stage.REMOVED)
    clock.pass_(timedelta(days=4))
    assert due(desk) == ()
    assert found(desk, takedown).reminder.dropped_for is Drop.SETTLED  # type: ignore[union-attr]


def test_who_cannot_be_asked_leaves_it_to_a_colleague(desk: DemoDesk, clock: Clock) -> None:
    case = desk.case()
    down(desk, case)
    clock.pass_(timedelta(hours=48))
    (planned,) = due(desk)
    for told in (True, False):
        work = desk.ledger.write_now(lambda conn: kept(desk).unreached(conn, planned, Drop.LEFT, clock()))
        assert work is told
    assert todo(desk, case) == [(TaskKind.LOOK_AGAIN, TaskState.OPEN)]


def test_without_the_bot_it_is_a_task_of_whoever_wrote_it_down(desk: DemoDesk) -> None:
    case = desk.case()
    down(desk, case, ask_them=False)
    (task,) = Tasks(desk.ledger.seal).of_case(desk.ledger.reader(), case)
    assert (task.kind, task.assignee) == (TaskKind.LOOK_AGAIN, AMIRA)


def test_practice_never_reaches_the_bot(desk: DemoDesk) -> None:
    desk.conversations = itertools.count(-9)
    case = desk.case()
    takedown = down(desk, case)
    assert found(desk, takedown).reminder is None
    with pytest.raises(Refused, match="practice"):
        desk.ledger.write_now(lambda conn: kept(desk).ask_now(conn, takedown, AMIRA, desk.now()))
    assert kept(desk).with_platforms(desk.ledger.reader()) == ()
    assert kept(desk).figures(desk.ledger.reader()) == ()
    assert desk.ledger.reader().execute("SELECT count(*) FROM reminder").fetchone()[0] == 0


# --- what is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concern", ["nudes", "ai_imagery", "illegal_content"])
def test_no_link_is_kept_where_it_may_lead_to_an_image_of_a_child(desk: DemoDesk, concern: str) -> None:
    case = desk.case(concern=concern)
    with pytest.raises(Refused, match="indecent image"):
        down(desk, case, link="https://example.org/post/1")
    assert down(desk, case)
    assert down(desk, desk.case(), link="https://example.org/post/1")  # the negative control


def test_links_and_numbers_are_sealed(desk: DemoDesk) -> None:
    takedown = down(desk, desk.case(), link="https://example.org/@hillview")
    assert found(desk, takedown).link == "https://example.org/@hillview"
    assert kept(desk).find(desk.ledger.reader(), takedown).link is None
    desk.ledger.write_now(lambda conn: conn.execute("SELECT 1"))
    files = b"".join(path.read_bytes() for path in desk.ledger.path.parent.glob("desk.db*"))
    assert b"hillview" not in files
    assert b"8812" not in files


@pytest.mark.parametrize("link", ["javascript:alert(1)", "hillview", "https://a b", "https://" + "x" * 20_000])
def test_what_is_no_web_address_is_no_link(desk: DemoDesk, link: str) -> None:
    with pytest.raises(Refused, match="web address"):
        down(desk, desk.case(), link=link)


def test_added_twice_it_is_kept_once(desk: DemoDesk) -> None:
    new = NewTakedown(desk.case(), "x", What.POST, "same")
    first = NewStep(Stage.GUIDED, Who.ADVISER)
    made = {desk.ledger.write_now(lambda conn: kept(desk).add(conn, new, first, AMIRA, desk.now())) for _ in range(3)}
    assert len(made) == 1
    assert len(found(desk, made.pop()).steps) == 1


def test_a_step_cannot_be_of_a_time_to_come_or_before_the_one_before(desk: DemoDesk, clock: Clock) -> None:
    takedown = down(desk, desk.case())
    for at in (clock() + timedelta(minutes=1), clock() - timedelta(days=1)):
        with pytest.raises(Refused):
            step(desk, takedown, Stage.STILL_UP, at=at)


def test_under_five_removals_there_is_not_enough_to_say(desk: DemoDesk, clock: Clock) -> None:
    case = desk.case()
    for number, hours in enumerate((10, 20, 30, 40, 100), 1):
        takedown = down(desk, case, at=clock() - timedelta(hours=hours))
        step(desk, takedown, Stage.REMOVED)
        (figure,) = kept(desk).figures(desk.ledger.reader())
        assert (figure.reported, figure.removed) == (number, number)
        assert figure.median_hours == (30 if number == 5 else None)


# --- every way there is ----------------------------------------------------------------------------------------------


def test_the_steps_of_the_code_are_the_steps_of_the_database(desk: DemoDesk) -> None:
    conn = desk.ledger.reader()
    sql = conn.execute("SELECT sql FROM sqlite_master WHERE name = 'takedown_step_follows'").fetchone()[0]
    written = set(re.findall(r"'(\w*>\w+)'", sql))
    assert written == {f"{before or ''}>{after}" for before, all_after in NEXT.items() for after in all_after}


class Steps(RuleBasedStateMachine):
    """Anybody writes anything at any time: what the model allows is kept, all else is refused and changes nothing."""

    @initialize()
    def begin(self) -> None:
        self.conn = sqlite3.connect(":memory:", isolation_level=None)
        self.conn.execute("PRAGMA foreign_keys = ON")
        seal = Seal(b"k" * 32)
        teach(self.conn, seal)
        migrations.apply(Database(self.conn))
        self.now = FRIDAY
        advisers.add(self.conn, "Amira", "a@example.org", "$argon2id$x", Role.ADVISER, self.now)
        case = Queue(seal, OPEN).open_case(self.conn, NewCase(1, 2, "asked", "web", "v1"), self.now).id
        self.kept = Takedowns(seal, OPEN)
        new = NewTakedown(case, "tiktok", What.POST, "mark")
        self.takedown = self.kept.add(self.conn, new, NewStep(Stage.GUIDED, Who.ADVISER), AMIRA, self.now)
        self.stages: list[tuple[Stage, datetime]] = [(Stage.GUIDED, self.now)]

    @rule(hours=st.sampled_from([0, 1, 24, 48, 72, 100]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(stage=st.sampled_from(list(Stage)), who=st.sampled_from(list(Who)))
    def somebody_writes(self, stage: Stage, who: Who) -> None:
        by = None if who is Who.CLOCK else AMIRA
        allowed = self.may(stage, who)
        self.conn.execute("SAVEPOINT work")
        try:
            self.kept.step(self.conn, self.takedown, NewStep(stage, who), by, self.now)
            written = True
        except Refused:
            self.conn.execute("ROLLBACK TO work")
            written = False
        self.conn.execute("RELEASE work")
        assert written is allowed, (self.stages, stage, who)
        if written:
            self.stages.append((stage, self.now))

    @rule(answer=st.sampled_from([Answer.GONE, Answer.STILL_UP, Answer.NOT_SURE]))
    def the_bot_asks_and_is_answered(self, answer: Answer) -> None:
        for planned in reminders.due(self.conn, self.now):
            assert self.kept.sent(self.conn, planned.id, self.now)
            assert self.kept.answered(self.conn, planned.id, answer, self.now)
        self.stages = [(each.stage, each.at) for each in self.kept.find(self.conn, self.takedown).steps]

    def may(self, stage: Stage, who: Who) -> bool:
        ours = [at for each, at in self.stages if each is Stage.ON_BEHALF]
        reports = [at for each, at in self.stages if each is Stage.REPORTED]
        follows = stage in NEXT[self.stages[-1][0]]
        if stage in ASKS:
            follows = follows and (stage is Stage.ASKED_AGAIN) is bool(ours)
        if who is Who.CLOCK:
            began = ours if stage is Stage.ASKED_AGAIN else reports
            waited = timedelta(hours=72 if stage is Stage.ASKED_AGAIN else 48)
            return follows and stage in ASKS and bool(began) and self.now >= began[-1] + waited
        return follows and not (stage is Stage.ON_BEHALF and who is not Who.ADVISER)

    @invariant()
    def what_is_written_stays(self) -> None:
        if not hasattr(self, "stages"):
            return
        steps = self.kept.find(self.conn, self.takedown).steps
        assert [(each.stage, each.at) for each in steps] == self.stages
        assert [each.seq for each in steps] == list(range(1, len(steps) + 1))

    @invariant()
    def nothing_is_asked_once_it_is_settled(self) -> None:
        if hasattr(self, "stages") and self.stages[-1][0] in OUTCOMES:
            planned = reminders.last_about(self.conn, ReminderKind.STILL_UP, self.takedown)
            assert planned is None or planned.answer or planned.dropped_for


Steps.TestCase.settings = limits(max_examples=40, stateful_step_count=25, deadline=None)
TestSteps = Steps.TestCase
