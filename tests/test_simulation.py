"""The real queue under made-up enquirers: it does what a plain line would, and the formula says how many are needed."""

from collections import Counter, deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handoff import erlang, simulation
from handoff.domain import CaseId, OpenedCase
from handoff.erlang import Load
from handoff.ledger import Ledger
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.seal import Seal
from handoff.simulation import ALWAYS, Chance, Plan, Seen

SEAL = Seal(b"k" * 32)
WITHIN = 5 / 60
TARGET = 0.8
LOADS = [
    pytest.param(Load(12, 0.45, 0.35), 2, 70, id="a morning"),
    pytest.param(Load(12, 0.3), 1, 70, id="nobody leaves"),
    pytest.param(Load(60, 0.4, 0.3), 3, 30, id="the 500 % year"),
]


class PlainLine:
    """First come, first served, in a list: what the real queue must amount to when all cases are of one tier."""

    def __init__(self) -> None:
        self.waiting: dict[int, CaseId] = {}

    def open_case(self, _: Any, case: Any, __: Any) -> OpenedCase:
        self.waiting[case.conversation] = CaseId(case.conversation)
        return OpenedCase(CaseId(case.conversation), "")

    def next_please(self, *_: Any) -> CaseId | None:
        return self.waiting.pop(next(iter(self.waiting))) if self.waiting else None

    def abandon(self, _: Any, conversation: int, __: Any) -> None:
        del self.waiting[conversation]

    def done(self, *_: Any) -> None: ...

    say = wrap_up = close = done


class NoLedger:
    def write_now(self, work: Any) -> Any:
        return work(None)


def in_a_plain_line(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Seen:
    monkeypatch.setattr(simulation, "_hired", lambda _, it: deque(list(range(it.advisers)) * it.at_once))
    return simulation.play(plan, NoLedger(), PlainLine())  # type: ignore[arg-type]


@pytest.mark.parametrize("load", [Load(20, 0.4, 0.3), Load(10, 0.3)])
def test_the_real_queue_does_what_a_plain_line_does(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan((load,), 4, 2, 20, seed=3)
    real = simulation.simulate(plan)
    assert real == in_a_plain_line(plan, monkeypatch)
    assert real.came > 100
    assert 0 < len(real.waits) <= real.came


def fewest(plan: Plan, played: Seen) -> int:
    """With how many advisers the simulation first reaches the target, looked for from one that was played on."""
    count, is_enough = plan.advisers, played.in_time(WITHIN) >= TARGET
    step = -1 if is_enough else 1
    while count + step > 0:
        now = simulation.simulate(replace(plan, advisers=count + step)).in_time(WITHIN) >= TARGET
        if now != is_enough:
            return count if is_enough else count + step
        count += step
    return count


def by_formula(load: Load, at_once: int) -> int:
    return next(n for n in range(1, 200) if erlang.in_time(load, n * at_once, WITHIN) >= TARGET)


@pytest.mark.parametrize(("load", "at_once", "hours"), LOADS)
def test_the_staffing_answer_is_within_a_tenth_of_the_simulation(load: Load, at_once: int, hours: float) -> None:
    needed = by_formula(load, at_once)
    plan = Plan((load,), needed, at_once, hours)
    played = simulation.simulate(plan)
    assert played.in_time(WITHIN) == pytest.approx(erlang.in_time(load, needed * at_once, WITHIN), rel=0.1)
    assert abs(fewest(plan, played) - needed) <= max(1, needed / 10)


@pytest.mark.parametrize("load", [
    Load(12, 0.45, 0.35), Load(12, 0.3), Load(60, 0.4, 0.3), Load(3, 0.5, 0.2), Load(200, 0.25, 0.15)
])  # fmt: skip
def test_a_long_time_comes_near_the_formula(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 enquirers in the plain line, which the real queue was shown to equal."""
    needed = by_formula(load, 1)
    played = in_a_plain_line(Plan((load,), needed, 1, 20_000 / load.per_hour), monkeypatch)
    told = erlang.outlook(load, needed)
    assert played.in_time(WITHIN) == pytest.approx(erlang.in_time(load, needed, WITHIN), rel=0.03)
    assert played.left == pytest.approx(told.left, abs=0.015)
    assert played.busy == pytest.approx(told.busy, rel=0.03)


def test_an_answer_without_the_offered_load_would_be_seen() -> None:
    """The negative control: a formula that takes each adviser for one who is always free fails the test above."""
    load, at_once = Load(60, 0.4, 0.3), 3
    wrong = by_formula(replace(load, handling=load.handling / 1.25), at_once)
    played = simulation.simulate(Plan((load,), wrong, at_once, 12))
    assert played.in_time(WITHIN) != pytest.approx(TARGET, rel=0.1)
    assert played.in_time(WITHIN) < TARGET


def test_what_was_played_is_in_the_facts(tmp_path: Path) -> None:
    """Every case ran its whole way in the database, and its fact says the wait that was counted."""
    ledger = Ledger(tmp_path / "played.db", SEAL, [migrations])
    seen = simulation.play(Plan((Load(20, 0.4, 0.2),), 3, 2, 10), ledger, Queue(SEAL, ALWAYS))
    facts = ledger.reader().execute("SELECT outcome, lane, answer_wait_s FROM case_facts").fetchall()
    states = {row[0] for row in ledger.reader().execute("SELECT DISTINCT state FROM queue_item")}
    cases = ledger.reader().execute("SELECT count(*) FROM cases").fetchone()[0]
    ledger.close()
    assert states == {"done", "abandoned"}
    assert len(facts) == cases > seen.came > 100
    assert {(row["outcome"], row["lane"]) for row in facts} == {("simulated", "live"), ("left", "live")}
    told = Counter(row["answer_wait_s"] for row in facts)
    counted = Counter(None if wait is None else int(wait * 3600 + 1e-6) for wait in seen.answered)
    assert sum((counted - told).values()) <= 2  # a millisecond may fall into the next second


def test_a_claim_whose_line_is_lost_goes_back_and_is_answered_by_another() -> None:
    plan = Plan((Load(10, 0.2),), 4, 1, 10, lost=0.2)
    seen, whole = simulation.simulate(plan), simulation.simulate(replace(plan, lost=0))
    assert seen.lapsed > 10
    assert whole.lapsed == 0
    assert len(seen.waits) == seen.came == whole.came
    assert sum(seen.waits) > sum(whole.waits)


def test_graver_cases_are_answered_first_and_the_share_in_time_stays_near() -> None:
    """What the formula does not know: the queue's order is by danger and deadline."""
    load = Load(30, 0.4, 0.3)
    plan = Plan((load,), 12, 1, 16)
    mixed = simulation.simulate(replace(plan, tiers=(2, 10, 58, 30)))
    assert mixed.in_time(WITHIN) == pytest.approx(erlang.in_time(load, 12, WITHIN), rel=0.1)
    assert mixed != simulation.simulate(plan)


def test_a_window_that_begins_with_nobody_there_fares_better() -> None:
    loads = (Load(30, 0.4), Load(30, 0.4))
    lasting = simulation.simulate(Plan(loads, 13, 1, 20))
    window = simulation.simulate(Plan(simulation.apart(loads), 13, 1, 140))
    assert window.came == pytest.approx(lasting.came, rel=0.15)
    assert window.in_time(WITHIN) > lasting.in_time(WITHIN)


@pytest.mark.parametrize("handling", Chance)
def test_the_same_seed_plays_the_same_and_means_are_kept(handling: Chance, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan((Load(100, 0.25),), 60, 1, 80, seed=5, handling=handling)
    first, again = (in_a_plain_line(plan, monkeypatch) for _ in range(2))
    assert first == again
    assert first.busy == pytest.approx(100 * 0.25 / 60, rel=0.06)
    assert first != in_a_plain_line(replace(plan, seed=6), monkeypatch)


def test_nobody_comes() -> None:
    seen = simulation.simulate(Plan((Load(0, 0.4),), 1, 1, 5))
    assert (seen.came, seen.in_time(WITHIN), seen.percentile(0.5), seen.busy) == (0, 1.0, None, 0.0)
    assert (seen.margin(WITHIN), seen.left) == (None, 0.0)


def test_the_margin_holds_the_formula_s_share_nine_times_in_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Load(12, 0.45, 0.35)
    told = erlang.in_time(load, 8, WITHIN)
    played = [in_a_plain_line(Plan((load,), 8, 1, 200, seed), monkeypatch) for seed in range(20)]
    assert sum(abs(each.in_time(WITHIN) - told) <= (each.margin(WITHIN) or 0) for each in played) >= 16


@pytest.mark.parametrize(
    "wrong",
    [{"loads": ()}, {"advisers": 0}, {"at_once": 21}, {"hours": 0}, {"lost": 1}, {"tiers": (0, 0, 0, 0)}],
)
def test_a_plan_that_cannot_be_played_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="a plan has"):
        Plan(**{"loads": (Load(1, 1),), "advisers": 1, "at_once": 1, "hours": 1, **wrong})
