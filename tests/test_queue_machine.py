"""A random walk over everything the queue can be asked, against a model that is only a dict."""

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlite_utils import Database

from handoff.chain import teach
from handoff.domain import COUNTED, ENDED, HELD, MOVES, AdviserId, CaseId, Move, NewCase, Rules, Speaker, State
from handoff.errors import HandoffError, NoSuchCase
from handoff.hours import OpeningHours, week_from
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.seal import Seal

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SEAL = Seal(b"k" * 32)
CAPACITY = {1: 1, 2: 2, 3: 2}
LEAD = 3
RULES = Rules()

TEMPLATE = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
teach(TEMPLATE, SEAL)
migrations.apply(Database(TEMPLATE))
for _id, _capacity in CAPACITY.items():
    TEMPLATE.execute(
        "INSERT INTO adviser (name, email, password, role, capacity, added_at) VALUES (?, ?, '$argon2id$x', ?, ?, 0)",
        [f"A{_id}", f"a{_id}", "lead" if _id == LEAD else "adviser", _capacity],
    )

ADVISERS = st.sampled_from([AdviserId(id_) for id_ in CAPACITY])
CONVERSATIONS = st.integers(1, 4)
LIKELY = st.integers(0, 3)
"""Mostly a live case, and mostly the one whom it concerns; else any, so that the refusals are walked too."""


@dataclass(frozen=True)
class Item:
    """A case as the model knows it."""

    conversation: int
    tier: int
    due: datetime
    state: State = State.WAITING
    holder: int | None = None
    lease: datetime = START
    to: int | None = None
    until: datetime = START
    wake: datetime = START
    left: bool = False

    def back(self) -> "Item":
        return replace(self, state=State.WAITING, holder=None, to=None)


class QueueMachine(RuleBasedStateMachine):
    """Each rule predicts from the model whether the queue accepts; the invariants compare all of both."""

    @initialize()
    def begin(self) -> None:
        self.conn = sqlite3.connect(":memory:", isolation_level=None)
        self.conn.execute("PRAGMA foreign_keys = ON")
        teach(self.conn, SEAL)
        TEMPLATE.backup(self.conn)
        self.queue = Queue(SEAL, OpeningHours(week=week_from("mon-sun 00:00-24:00")), RULES)
        self.now = START
        self.items: dict[int, Item] = {}
        self.epochs: dict[int, int] = {}
        self.said = 0
        self.changes = 0

    def teardown(self) -> None:
        if hasattr(self, "conn"):
            self.conn.close()

    # --- rules -------------------------------------------------------------------------------------------------------

    @rule(conversation=CONVERSATIONS, tier=st.integers(0, 3))
    def open_case(self, conversation: int, tier: int) -> None:
        due = self.now + RULES.allowances[tier]
        opened = self.queue.open_case(self.conn, NewCase(conversation, tier, "asked", "web", "v1"), self.now)
        live = self.live(conversation)
        assert opened.already_open == (live is not None)
        self.epochs.setdefault(conversation, 0)
        if live is None:
            self.items[opened.id] = Item(conversation, tier, due)
            self.changes += 1
        else:
            assert opened.id == live
            self.raise_(CaseId(live), tier)

    @rule(conversation=CONVERSATIONS, tier=st.sampled_from([None, 0, 1, 2, 3]))
    def flag(self, conversation: int, tier: int | None) -> None:
        self.queue.flag(self.conn, conversation, "danger_words", self.now, tier)
        live = self.live(conversation)
        if live is not None and tier is not None:
            self.raise_(live, tier)

    def raise_(self, case: CaseId, tier: int) -> None:
        """The graver of the two; what has become danger sleeps no more."""
        old, due = self.items[case], self.now + RULES.allowances[tier]
        wake = min(old.wake, self.now) if tier == 0 else old.wake
        self.items[case] = replace(old, tier=min(tier, old.tier), due=min(due, old.due), wake=wake)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def claim(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        item = self.items.get(case)
        legal = item is not None and item.state is State.WAITING and self.has_room(adviser, item)
        if self.attempt(legal, lambda: self.queue.claim(self.conn, case, adviser, self.now)):
            self.take(case, adviser)

    @rule(adviser=ADVISERS)
    def next_please(self, adviser: AdviserId) -> None:
        waiting = [(item.tier > 0, item.due, id_) for id_, item in self.items.items() if item.state is State.WAITING]
        if not waiting:
            assert self.queue.next_please(self.conn, adviser, self.now) is None
            return
        first = CaseId(min(waiting)[2])
        legal = self.has_room(adviser, self.items[first])
        if self.attempt(legal, lambda: self.queue.next_please(self.conn, adviser, self.now)):
            self.take(first, adviser)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def release(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        legal = self.holds(adviser, case, HELD)
        if self.attempt(legal, lambda: self.queue.release(self.conn, case, adviser, self.now)):
            self.let_go(case, self.items[case].back())

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def take_over(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        item = self.items.get(case)
        legal = (
            adviser == LEAD and item is not None and item.state in HELD and self.has_room(adviser, item.back(), case)
        )
        if self.attempt(legal, lambda: self.queue.take_over(self.conn, case, adviser, self.now)):
            self.let_go(case, self.items[case].back())
            self.take(case, adviser)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def schedule(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        wake = self.now + timedelta(minutes=5)
        item = self.items.get(case)
        is_mine = self.holds(adviser, case, HELD)
        legal = item is not None and (item.state is State.WAITING or is_mine) and not item.left
        if self.attempt(legal, lambda: self.queue.schedule(self.conn, case, adviser, wake, self.now)):
            if is_mine:
                self.let_go(case, self.items[case].back())
            self.become(case, State.SCHEDULED, wake=wake)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def say(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        legal = self.holds(adviser, case, HELD) and not self.items[case].left
        legal = legal and (self.items[case].state in COUNTED or self.has_room(adviser, self.items[case]))
        self.said += 1
        client, seen = f"c{self.said}", 10_000
        spoke = self.attempt(legal, lambda: self.queue.say(self.conn, case, adviser, "Hi", client, seen, self.now))
        if spoke and self.items[case].state is not State.OFFERED:
            self.become(case, State.ACTIVE, counted=self.items[case].state is not State.ACTIVE)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def pause(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        if self.attempt(
            self.holds(adviser, case, {State.ACTIVE}), lambda: self.queue.pause(self.conn, case, adviser, self.now)
        ):
            self.become(case, State.PAUSED)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def resume(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        legal = self.holds(adviser, case, {State.PAUSED}) and self.has_room(adviser, self.items[case])
        if self.attempt(legal, lambda: self.queue.resume(self.conn, case, adviser, self.now)):
            self.become(case, State.ACTIVE)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS, to=ADVISERS)
    def offer(self, pick: int, likely: int, adviser: AdviserId, to: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        legal = self.holds(adviser, case, {State.ACTIVE}) and to != adviser
        if self.attempt(legal, lambda: self.queue.offer(self.conn, case, adviser, to, self.now)):
            self.become(case, State.OFFERED, to=to, until=self.now + RULES.offer)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def accept(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        item = self.items.get(case)
        legal = item is not None and item.to == adviser and self.has_room(adviser, item)
        if self.attempt(legal, lambda: self.queue.accept(self.conn, case, adviser, self.now)):
            self.become(case, State.ACTIVE, holder=adviser, to=None, lease=self.now + RULES.lease)
            self.epochs[self.items[case].conversation] += 1

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def decline(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        item = self.items.get(case)
        legal = item is not None and item.state is State.OFFERED and adviser in (item.to, item.holder)
        if self.attempt(legal, lambda: self.queue.decline(self.conn, case, adviser, self.now)):
            self.become(case, State.ACTIVE, to=None)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def wrap_up(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        legal = self.holds(adviser, case, HELD - {State.WRAP_UP})
        if self.attempt(legal, lambda: self.queue.wrap_up(self.conn, case, adviser, self.now)):
            self.become(case, State.WRAP_UP, to=None)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def close(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        legal = self.holds(adviser, case, {State.WRAP_UP})
        if self.attempt(legal, lambda: self.queue.close(self.conn, case, adviser, "issue", "outcome", self.now)):
            self.let_go(case, replace(self.items[case], state=State.DONE, holder=None))

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def give_back(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        legal = self.holds(adviser, case, HELD) and not self.items[case].left
        if self.attempt(legal, lambda: self.queue.give_back(self.conn, case, adviser, "issue", self.now)):
            self.changes += self.items[case].state is not State.WRAP_UP
            self.let_go(case, replace(self.items[case], state=State.DONE, holder=None, to=None))

    @rule(conversation=CONVERSATIONS)
    def abandon(self, conversation: int) -> None:
        live = self.live(conversation)
        assert self.queue.abandon(self.conn, conversation, self.now) == live
        if live is None:
            return
        item = self.items[live]
        if item.state in {State.WAITING, State.SCHEDULED, State.CLAIMED}:
            self.let_go(live, replace(item, state=State.ABANDONED, holder=None))
            return
        self.changes += item.state is not State.WRAP_UP
        self.epochs[conversation] += 1
        self.items[live] = replace(item, state=State.WRAP_UP, to=None, left=True)

    @rule(conversation=CONVERSATIONS)
    def hear(self, conversation: int) -> None:
        heard = self.queue.hear(self.conn, conversation, "Hello", self.now)
        assert (heard is not None) == (self.live(conversation) is not None)

    @rule(adviser=ADVISERS)
    def heartbeat(self, adviser: AdviserId) -> None:
        self.queue.heartbeat(self.conn, adviser, self.now)
        for id_, item in self.items.items():
            if item.holder == adviser:
                self.items[id_] = replace(item, lease=self.now + RULES.lease)

    @rule(seconds=st.sampled_from([1, 45, 89, 90, 121, 301]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        late = {id_: item for id_, item in self.items.items() if self.is_late(item)}
        assert self.queue.something_lapses(self.conn, self.now) == bool(late)
        back = self.queue.lapse(self.conn, self.now)
        assert set(back) == {id_ for id_, item in late.items() if item.state is not State.OFFERED}
        for id_, item in late.items():
            if item.state is State.OFFERED:
                self.become(id_, State.ACTIVE, to=None)
            else:
                self.let_go(id_, item.back())

    # --- invariants --------------------------------------------------------------------------------------------------

    @invariant()
    def the_database_says_what_the_model_says(self) -> None:
        rows = self.conn.execute('SELECT "case", state, holder, tier, offered_to, due_at FROM queue_item').fetchall()
        assert {row[0]: row[1:] for row in rows} == {
            id_: (item.state, item.holder, item.tier, item.to, round(item.due.timestamp() * 1000))
            for id_, item in self.items.items()
        }

    @invariant()
    def the_voice_is_the_holder_s_and_else_the_bot_s(self) -> None:
        for conversation, epoch in self.epochs.items():
            live = self.live(conversation)
            held = live is not None and self.items[live].state in HELD
            voice = self.queue.voice(self.conn, conversation)
            assert voice.speaker is (Speaker.ADVISER if held else Speaker.BOT)
            assert voice.epoch == epoch

    @invariant()
    def every_change_of_state_left_one_event_and_every_end_one_fact(self) -> None:
        moves = "SELECT count(*) FROM event WHERE kind GLOB 'case.*' AND kind NOT IN ('case.raised', 'case.left')"
        assert self.conn.execute(moves).fetchone()[0] == self.changes
        ended = sum(item.state in ENDED for item in self.items.values())
        assert self.conn.execute("SELECT count(*) FROM case_facts").fetchone()[0] == ended

    # --- choosing ----------------------------------------------------------------------------------------------------

    def chosen(self, pick: int, likely: int, adviser: AdviserId) -> tuple[CaseId, AdviserId]:
        alive = [id_ for id_, item in self.items.items() if item.state not in ENDED]
        ids = (alive if likely else list(self.items)) or [99]
        case = ids[pick % len(ids)]
        item = self.items.get(case)
        concerned = [] if item is None else [id_ for id_ in (item.to, item.holder) if id_ is not None]
        return CaseId(case), AdviserId(concerned[likely % len(concerned)]) if likely > 1 and concerned else adviser

    # --- the model ---------------------------------------------------------------------------------------------------

    def attempt(self, legal: bool, act: Callable[[], object]) -> bool:
        """As the ledger does it: in a savepoint, undone when refused."""
        self.conn.execute("SAVEPOINT work")
        try:
            act()
        except HandoffError:
            self.conn.execute("ROLLBACK TO work")
            accepted = False
        else:
            accepted = True
        self.conn.execute("RELEASE work")
        assert accepted == legal
        return accepted

    def live(self, conversation: int) -> CaseId | None:
        for id_, item in self.items.items():
            if item.conversation == conversation and item.state not in ENDED and not item.left:
                return CaseId(id_)
        return None

    def holds(self, adviser: int, case: int, states: "set[State] | frozenset[State]") -> bool:
        item = self.items.get(case)
        return item is not None and item.holder == adviser and item.state in states

    def has_room(self, adviser: int, item: Item, without: int | None = None) -> bool:
        held = [
            id_
            for id_, other in self.items.items()
            if other.holder == adviser and other.state in COUNTED and id_ != without
        ]
        return item.tier == 0 or len(held) < CAPACITY[adviser]

    def is_late(self, item: Item) -> bool:
        ends = {State.CLAIMED: item.lease, State.OFFERED: item.until, State.SCHEDULED: item.wake}
        return item.state in ends and ends[item.state] <= self.now

    def take(self, case: int, adviser: int) -> None:
        self.become(case, State.CLAIMED, holder=adviser, lease=self.now + RULES.lease)
        if not self.items[case].left:
            self.epochs[self.items[case].conversation] += 1

    def let_go(self, case: int, after: Item) -> None:
        if self.items[case].holder is not None and not after.left:
            self.epochs[after.conversation] += 1
        self.items[case] = after
        self.changes += 1

    def become(self, case: int, state: State, counted: bool = True, **more: object) -> None:
        self.items[case] = replace(self.items[case], state=state, **more)  # type: ignore[arg-type]
        self.changes += counted


QueueMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
TestQueueMachine = QueueMachine.TestCase


WALK_STEPS, WALKS = 300, 40


def test_a_long_walk_makes_every_legal_move_and_is_refused_every_other() -> None:
    """The same rules, drawn by a seeded die: hypothesis looks for short surprises, this for the whole ground."""
    dice = random.Random(22)
    made: set[tuple[str, str, str]] = set()
    for _ in range(WALKS):
        machine = QueueMachine()
        machine.begin()
        machine.conn.execute("CREATE TEMP TABLE made (old, new, by)")
        machine.conn.execute(
            "CREATE TEMP TRIGGER made AFTER UPDATE OF state ON main.queue_item WHEN NEW.state <> OLD.state"
            " BEGIN INSERT INTO made VALUES (OLD.state, NEW.state, NEW.move); END"
        )
        for _ in range(WALK_STEPS):
            step(machine, dice)
            machine.the_database_says_what_the_model_says()
            machine.the_voice_is_the_holder_s_and_else_the_bot_s()
        machine.every_change_of_state_left_one_event_and_every_end_one_fact()
        made.update(machine.conn.execute("SELECT DISTINCT old, new, by FROM made"))
        machine.teardown()
    assert {(State(old), State(new), Move(by)) for old, new, by in made} == MOVES


def step(machine: QueueMachine, dice: random.Random) -> None:
    pick, likely, adviser = dice.randrange(21), dice.randrange(4), AdviserId(dice.choice(list(CAPACITY)))
    conversation = dice.randrange(1, 5)
    others: list[Callable[[], None]] = [
        lambda: machine.open_case(conversation=conversation, tier=dice.randrange(4)),
        lambda: machine.next_please(adviser=adviser),
        lambda: machine.abandon(conversation=conversation),
        lambda: machine.hear(conversation=conversation),
        lambda: machine.heartbeat(adviser=adviser),
        lambda: machine.time_passes(seconds=dice.choice([1, 1, 1, 1, 1, 1, 45, 90, 121, 301])),
        *[lambda: machine.offer(pick=pick, likely=likely, adviser=adviser, to=AdviserId(dice.choice(list(CAPACITY))))]
        * 3,
    ]
    on_a_case = [
        machine.claim,
        machine.release,
        machine.take_over,
        machine.schedule,
        machine.say,
        machine.pause,
        machine.resume,
        machine.accept,
        machine.decline,
        machine.wrap_up,
        machine.close,
        machine.give_back,
    ]
    chosen = dice.randrange(len(others) + len(on_a_case))
    if chosen < len(others):
        others[chosen]()
    else:
        on_a_case[chosen - len(others)](pick=pick, likely=likely, adviser=adviser)


def test_a_case_nobody_opened_can_be_neither_held_nor_noted() -> None:
    """The walk above counts a missing case as refused; here is which refusal it is."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    teach(conn, SEAL)
    TEMPLATE.backup(conn)
    queue = Queue(SEAL, OpeningHours(week=week_from("mon-sun 00:00-24:00")))
    for act in (queue.claim, queue.release, queue.pause, queue.resume, queue.accept, queue.decline, queue.wrap_up):
        try:
            act(conn, CaseId(9), AdviserId(1), START)
        except NoSuchCase:
            continue
        raise AssertionError(act.__name__)
