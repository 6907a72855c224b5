"""A random walk over everything the queue can be asked, against a model that is only a dict."""

import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlite_utils import Database

from handoff import chain, closing, notifications, practice, stuck
from handoff.chain import teach
from handoff.closing import Closing
from handoff.domain import (
    COUNTED,
    ENDED,
    HELD,
    MOVES,
    AdviserId,
    CaseId,
    DeliveryState,
    Lane,
    Move,
    NewCase,
    Rules,
    Speaker,
    State,
)
from handoff.errors import HandoffError, NoSuchCase
from handoff.hours import OpeningHours, week_from
from handoff.migrations import migrations
from handoff.moments import to_ms
from handoff.queue import Queue
from handoff.seal import Seal
from tests.test_desk_practice import SCRIPT

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
        "INSERT INTO adviser (name, email, password, role, capacity, available, added_at)"
        " VALUES (?, ?, '$argon2id$x', ?, ?, 1, 0)",
        [f"A{_id}", f"a{_id}", "lead" if _id == LEAD else "adviser", _capacity],
    )

ADVISERS = st.sampled_from([AdviserId(id_) for id_ in CAPACITY])
CONVERSATIONS = st.integers(1, 4)
LIKELY = st.integers(0, 3)
"""Mostly a live case, and mostly the one whom it concerns; else any, so that the refusals are walked too."""


Told = tuple[str, int | None]
"""A notice that nobody has acknowledged: its kind, and the adviser it is for; None: whoever is on duty, or a senior."""


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
    lane: Lane = Lane.LIVE
    trainee: int | None = None
    """Whose practice it is: nobody else may have it, and no figure or notice knows of it."""

    def back(self) -> "Item":
        return replace(self, state=State.WAITING, holder=None, to=None)


def settled_by(before: Item, after: Item) -> set[str]:
    """The kinds of notice that a move leaves nothing to say of."""
    has_ended, settled = after.state in ENDED, set[str]()
    if before.state is State.WAITING or has_ended:
        settled |= {"case_waits", "call_back_due", "case_overdue"}
    if before.state is State.OFFERED:
        settled |= {"transfer_offered"}
    if after.holder != before.holder:
        settled |= {"holder_unreachable", "case_raised"}
    return settled | ({"case_lapsed"} if has_ended else set())


def made_by(before: Item, after: Item, move: Move | None, by: int | None) -> list[Told]:
    """The notices that a move makes."""
    made: list[tuple[bool, Told]] = [
        (after.state is State.WAITING and move is Move.WOKEN, ("call_back_due", None)),
        (after.state is State.WAITING and move is not Move.WOKEN and after.tier <= 1, ("case_waits", None)),
        (move is Move.LAPSED, ("case_lapsed", before.holder)),
        (move is Move.RELEASED and by != before.holder, ("taken_over", before.holder)),
        (after.state is State.OFFERED, ("transfer_offered", after.to)),
    ]
    return [told for is_so, told in made if is_so]


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
        self.told: dict[int, Counter[Told]] = {}
        self.told_once: set[tuple[str, int, int]] = set()
        self.heard: dict[int, datetime] = {}

    def teardown(self) -> None:
        if hasattr(self, "conn"):
            assert chain.verify(self.conn, SEAL).is_whole
            self.conn.close()

    # --- rules -------------------------------------------------------------------------------------------------------

    @rule(conversation=CONVERSATIONS, tier=st.integers(0, 3), lane=st.sampled_from([None, Lane.LIVE, Lane.MESSAGES]))
    def open_case(self, conversation: int, tier: int, lane: Lane | None) -> None:
        where = Lane.LIVE if tier == 0 or lane is None else lane
        is_patient = where is Lane.MESSAGES and tier > 1
        due = self.now + (RULES.message if is_patient else RULES.allowances[tier])
        new = NewCase(conversation, tier, "asked", "web", "v1", lane=lane)
        opened = self.queue.open_case(self.conn, new, self.now)
        live = self.live(conversation)
        assert opened.already_open == (live is not None)
        self.epochs.setdefault(conversation, 0)
        if live is None:
            self.items[opened.id] = Item(conversation, tier, due, lane=where)
            self.told[opened.id] = Counter([("case_waits", None)] if tier <= 1 else [])
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
        sleeps = old.state is State.SCHEDULED and old.wake > self.now
        if not (old.tier > tier or (tier == 0 and sleeps)):
            return
        wake, lane = (min(old.wake, self.now), Lane.LIVE) if tier == 0 else (old.wake, old.lane)
        self.items[case] = replace(old, tier=tier, due=min(due, old.due), wake=wake, lane=lane)
        if tier < old.tier and tier <= 1:
            self.told[case][("case_waits", None) if old.holder is None else ("case_raised", old.holder)] += 1

    @rule(adviser=ADVISERS)
    def practise(self, adviser: AdviserId) -> None:
        """A case of nobody's, held by whoever began it, beside the real ones."""
        conversation = min([0, *(item.conversation for item in self.items.values())]) - 1
        item = Item(conversation, SCRIPT.tier, self.now + RULES.allowances[SCRIPT.tier], trainee=adviser)
        begun: list[CaseId] = []

        def begin() -> None:
            begun.append(practice.begin(self.conn, self.queue, SEAL, SCRIPT, adviser, self.now))

        if self.attempt(self.has_room(adviser, item), begin):
            self.items[begun[0]], self.told[begun[0]], self.epochs[conversation] = item, Counter(), 0
            self.changes += 1
            self.take(begun[0], adviser)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def claim(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        item = self.items.get(case)
        legal = item is not None and item.state is State.WAITING and self.has_room(adviser, item)
        legal = legal and self.may_have(adviser, case)
        if self.attempt(legal, lambda: self.queue.claim(self.conn, case, adviser, self.now)):
            self.take(case, adviser)

    @rule(adviser=ADVISERS)
    def next_please(self, adviser: AdviserId) -> None:
        waiting = [(item.tier > 0, item.due, id_) for id_, item in self.items.items() if self.waits(item)]
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
            self.let_go(case, self.items[case].back(), Move.RELEASED, adviser)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def take_over(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        item = self.items.get(case)
        legal = (
            adviser == LEAD and item is not None and item.state in HELD and self.has_room(adviser, item.back(), case)
        )
        legal = legal and self.may_have(adviser, case)
        if self.attempt(legal, lambda: self.queue.take_over(self.conn, case, adviser, self.now)):
            self.let_go(case, self.items[case].back(), Move.RELEASED, adviser)
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
                self.let_go(case, self.items[case].back(), Move.RELEASED, adviser)
            self.become(case, State.SCHEDULED, wake=wake, lane=Lane.CALL_BACKS)

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def say(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        legal = self.holds(adviser, case, HELD) and not self.items[case].left
        legal = legal and (self.items[case].state in COUNTED or self.has_room(adviser, self.items[case]))
        self.said += 1
        client, seen = f"c{self.said}", 10_000

        def say() -> None:
            message = self.queue.say(self.conn, case, adviser, "Hi", client, seen, self.now)
            self.queue.record_delivery(self.conn, message, DeliveryState.DELIVERED, self.now)

        spoke = self.attempt(legal, say)
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
        legal = self.holds(adviser, case, {State.ACTIVE}) and to != adviser and self.items[case].trainee is None
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

        def close() -> None:
            closing.record(self.conn, case, adviser, Closing("impersonation", frozenset({"hate"})), self.now)
            self.queue.close(self.conn, case, adviser, "impersonation", "advised", self.now)

        if self.attempt(legal, close):
            self.let_go(case, replace(self.items[case], state=State.DONE, holder=None))

    @rule(pick=st.integers(0, 20), likely=LIKELY, adviser=ADVISERS)
    def give_back(self, pick: int, likely: int, adviser: AdviserId) -> None:
        case, adviser = self.chosen(pick, likely, adviser)
        legal = self.holds(adviser, case, HELD) and not self.items[case].left
        if self.attempt(legal, lambda: self.queue.give_back(self.conn, case, adviser, "issue", self.now)):
            if self.items[case].state is not State.WRAP_UP:
                self.become(case, State.WRAP_UP, to=None)
            self.let_go(case, replace(self.items[case], state=State.DONE, holder=None))

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
        self.become(live, State.WRAP_UP, counted=item.state is not State.WRAP_UP, to=None, left=True)
        self.epochs[conversation] += 1

    @rule(conversation=CONVERSATIONS)
    def hear(self, conversation: int) -> None:
        heard = self.queue.hear(self.conn, conversation, "Hello", self.now)
        assert (heard is not None) == (self.live(conversation) is not None)

    @rule(adviser=ADVISERS)
    def heartbeat(self, adviser: AdviserId) -> None:
        self.queue.heartbeat(self.conn, adviser, self.now)
        self.heard[adviser] = self.now
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
                self.let_go(id_, item.back(), Move.WOKEN if item.state is State.SCHEDULED else Move.LAPSED)
        self.nothing_is_stuck()

    def nothing_is_stuck(self) -> None:
        """What `/metrics` counts: only what waits past its time while nobody's console is heard from."""
        counted = dict(stuck.counts(self.conn, self.now, (), RULES))
        is_heard = any(at > self.now - RULES.lease for at in self.heard.values())
        late = [item for item in self.items.values() if self.waits(item) and item.due <= self.now - stuck.GRACE]
        assert counted.pop("overdue_unseen") == (0 if is_heard else len(late))
        assert not any(counted.values()), counted

    @rule()
    def sweep(self) -> None:
        """What time alone brings: overdue, unreachable; and who is heard from again."""
        silent = self.now - RULES.unreachable + RULES.lease
        for id_, item in self.items.items():
            patience = notifications.DANGER_OVERDUE if item.tier == 0 else timedelta()
            if self.waits(item) and not item.left and item.due + patience <= self.now:
                self.tell_once("case_overdue", id_, to_ms(item.due))
            is_held = item.holder is not None and item.state is not State.CLAIMED and item.trainee is None
            if is_held and item.lease <= silent:
                self.tell_once("holder_unreachable", id_, to_ms(item.lease))
            if item.holder is not None and item.lease > silent:
                del self.told[id_][("holder_unreachable", None)]
        expected = notifications.anything_to_sweep(self.conn, self.now, RULES)
        assert bool(notifications.sweep(self.conn, self.now, RULES)) == expected

    # --- invariants --------------------------------------------------------------------------------------------------

    @invariant()
    def the_database_says_what_the_model_says(self) -> None:
        rows = self.conn.execute(
            'SELECT "case", state, holder, tier, offered_to, due_at, lane FROM queue_item'
        ).fetchall()
        assert {row[0]: row[1:] for row in rows} == {
            id_: (item.state, item.holder, item.tier, item.to, to_ms(item.due), item.lane)
            for id_, item in self.items.items()
        }

    @invariant()
    def for_each_case_the_notices_that_must_be_are_open_and_no_other(self) -> None:
        rows = self.conn.execute('SELECT "case", kind, adviser FROM notification WHERE acked_at IS NULL').fetchall()
        found: dict[int, Counter[Told]] = {id_: Counter() for id_ in self.items}
        for case, kind, adviser in rows:
            found[case][(kind, adviser)] += 1
        assert found == {id_: +told for id_, told in self.told.items()}

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
        ended = [item for item in self.items.values() if item.state in ENDED and item.trainee is None]
        assert self.conn.execute("SELECT count(*) FROM case_facts").fetchone()[0] == len(ended)

    # --- choosing ----------------------------------------------------------------------------------------------------

    def chosen(self, pick: int, likely: int, adviser: AdviserId) -> tuple[CaseId, AdviserId]:
        alive = [id_ for id_, item in self.items.items() if item.state not in ENDED]
        ids = (alive if likely else list(self.items)) or [99]
        case = ids[pick % len(ids)]
        item = self.items.get(case)
        concerned = [] if item is None else [id_ for id_ in (item.to, item.holder, item.trainee) if id_ is not None]
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

    def waits(self, item: Item) -> bool:
        """For everybody: practice waits for nobody else."""
        return item.state is State.WAITING and item.trainee is None

    def may_have(self, adviser: int, case: int) -> bool:
        return self.items[case].trainee in (None, adviser)

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

    def let_go(self, case: int, after: Item, move: Move | None = None, by: int | None = None) -> None:
        before = self.items[case]
        if before.holder is not None and not after.left:
            self.epochs[after.conversation] += 1
        self.items[case] = after
        self.changes += 1
        self.tell(case, before, after, move, by)

    def become(self, case: int, state: State, counted: bool = True, **more: object) -> None:
        before = self.items[case]
        self.items[case] = after = replace(before, state=state, **more)  # type: ignore[arg-type]
        self.changes += counted
        if counted:
            self.tell(case, before, after)

    def tell(self, case: int, before: Item, after: Item, move: Move | None = None, by: int | None = None) -> None:
        """What a move settles, and what it makes known. Of practice nobody is told."""
        if after.trainee is None:
            for each in [each for each in self.told[case] if each[0] in settled_by(before, after)]:
                del self.told[case][each]
            self.told[case].update(made_by(before, after, move, by))

    def tell_once(self, kind: str, case: int, about: int) -> None:
        if (kind, case, about) not in self.told_once:
            self.told_once.add((kind, case, about))
            self.told[case][(kind, None)] += 1


QueueMachine.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
TestQueueMachine = QueueMachine.TestCase


WALK_STEPS, WALKS = 300, 40
PRACTISED, LEAVES = 0.1, 0.4
"""Practice takes up what little capacity there is, and who leaves ends the walk's best cases: both are seldom."""


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
            machine.for_each_case_the_notices_that_must_be_are_open_and_no_other()
        machine.every_change_of_state_left_one_event_and_every_end_one_fact()
        made.update(machine.conn.execute("SELECT DISTINCT old, new, by FROM made"))
        machine.teardown()
    assert {(State(old), State(new), Move(by)) for old, new, by in made} == MOVES


def step(machine: QueueMachine, dice: random.Random) -> None:
    pick, likely, adviser = dice.randrange(21), dice.randrange(4), AdviserId(dice.choice(list(CAPACITY)))
    conversation = dice.randrange(1, 5)
    lane, to = dice.choice([None, Lane.LIVE, Lane.MESSAGES]), AdviserId(dice.choice(list(CAPACITY)))
    others: list[Callable[[], None]] = [
        *[lambda: machine.open_case(conversation=conversation, tier=dice.randrange(4), lane=lane)] * 3,
        lambda: machine.flag(conversation=conversation, tier=dice.choice([None, 1, 2, 3])),
        lambda: machine.practise(adviser=adviser) if dice.random() < PRACTISED else None,
        machine.sweep,
        lambda: machine.next_please(adviser=adviser),
        lambda: machine.abandon(conversation=conversation) if dice.random() < LEAVES else None,
        lambda: machine.hear(conversation=conversation),
        lambda: machine.heartbeat(adviser=adviser),
        *[lambda: machine.time_passes(seconds=dice.choice([1, 1, 1, 1, 1, 1, 45, 90, 121, 301]))] * 2,
        *[lambda: machine.offer(pick=pick, likely=likely, adviser=adviser, to=to)] * 4,
        *[lambda: machine.say(pick=pick, likely=likely, adviser=adviser)] * 3,
        *[lambda: machine.accept(pick=pick, likely=likely, adviser=adviser)] * 2,
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
