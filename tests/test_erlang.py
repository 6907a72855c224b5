"""The formulas against what is printed elsewhere, and against the states of the line one by one."""

from dataclasses import replace
from math import exp, inf, lgamma, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff import erlang
from handoff.erlang import Load

SECONDS = 1 / 3600


@pytest.mark.parametrize(
    ("load", "places", "within", "waits", "in_time", "mean_wait_s"),
    [
        # the R package ErlangC 0.1.0, its README
        (Load(200, 180 * SECONDS), 14, 20 * SECONDS, 0.1741319, 0.88835, 7.83593701),
        # the Python package call-center-tools 1.0.0, its README
        (Load(1000, 120 * SECONDS), 40, 20 * SECONDS, 0.1907, 0.9372, 3.43),
        # Garnett, Mandelbaum, Reiman 2002, introduction: 50 agents, 48 calls a minute of a minute each
        (Load(48 * 60, 60 * SECONDS), 50, 58.1 * SECONDS, 0.694, 0.9, 20.8),
    ],
)
def test_erlang_c_says_what_is_printed_elsewhere(
    load: Load, places: int, within: float, waits: float, in_time: float, mean_wait_s: float
) -> None:
    found = erlang.outlook(load, places)
    assert found.waits == pytest.approx(waits, rel=1e-3)
    assert erlang.in_time(load, places, within) == pytest.approx(in_time, rel=1e-3)
    assert found.mean_wait / SECONDS == pytest.approx(mean_wait_s, rel=2e-3)


def test_erlang_a_says_what_its_authors_print() -> None:
    """The same centre when callers have a patience of two minutes: 3.1 % leave, the wait falls to 3.7 s, 93 % busy."""
    found = erlang.outlook(Load(48 * 60, 60 * SECONDS, 120 * SECONDS), 50)
    assert (round(100 * found.left, 1), round(found.mean_wait / SECONDS, 1), round(100 * found.busy)) == (3.1, 3.7, 93)


LOADS = st.builds(Load, st.floats(0.5, 120), st.floats(0.05, 1.5), st.floats(0.05, 2.0))


@settings(deadline=None, max_examples=40)
@given(LOADS, st.integers(1, 60), st.floats(0, 0.5))
def test_erlang_a_is_what_the_states_of_the_line_give(load: Load, places: int, within: float) -> None:
    """Brute force: the chances of every length of the line, and for each the chance to come through it in time."""
    waits, left, in_time = by_states(load, places, within)
    found = erlang.outlook(load, places)
    assert found.waits == pytest.approx(waits, abs=1e-9)
    assert found.left == pytest.approx(left, abs=1e-9)
    assert erlang.in_time(load, places, within) == pytest.approx(in_time, abs=1e-7)


def test_with_endless_patience_erlang_a_becomes_erlang_c() -> None:
    for per_hour, places in ((10, 6), (100, 45), (1000, 420)):
        patient = Load(per_hour, 0.4)
        almost = replace(patient, patience=1e5)
        assert erlang.in_time(almost, places, 0.1) == pytest.approx(erlang.in_time(patient, places, 0.1), abs=1e-3)


@given(
    st.floats(0, 5000),
    st.floats(0.01, 4),
    st.one_of(st.none(), st.floats(0.005, 50)),
    st.integers(1, 900),
    st.floats(0, 2),
)
def test_shares_stay_shares_for_hundreds_of_places_and_any_overload(
    per_hour: float, handling: float, patience: float | None, places: int, within: float
) -> None:
    load = Load(per_hour, handling, patience)
    found = erlang.outlook(load, places)
    shares = (found.waits, found.left, found.busy, erlang.in_time(load, places, within))
    assert all(-1e-9 <= share <= 1 + 1e-9 for share in shares)
    assert erlang.in_time(load, places, within) <= erlang.in_time(load, places + 1, within) + 1e-9
    assert erlang.in_time(load, places, within) <= erlang.in_time(load, places, within + 0.1) + 1e-9
    if patience is not None:
        assert found.left >= 1 - places / load.offered - 1e-9 if load.offered else found.left == 0


def test_nobody_comes_and_everybody_comes() -> None:
    assert erlang.outlook(Load(0, 0.4), 1) == erlang.Outlook(0, 0, 0, 0)
    assert erlang.in_time(Load(0, 0.4, 0.5), 1, 0) == 1
    overrun = erlang.outlook(Load(100, 1), 50)
    assert (overrun.mean_wait, overrun.busy, erlang.in_time(Load(100, 1), 50, 1)) == (inf, 1, 0)
    assert erlang.percentile(lambda within: erlang.in_time(Load(100, 1), 50, within), 0.5) == inf
    for wrong in ((-1, 1, None), (1, 0, None), (1, 1, 0)):
        with pytest.raises(ValueError, match="times above 0"):
            Load(*wrong)


def test_a_percentile_is_the_wait_so_many_of_the_answered_stay_below() -> None:
    load = Load(60, 0.4, 0.4)

    def in_time(within: float) -> float:
        return erlang.in_time(load, 22, within)

    for share in (0.5, 0.9):
        assert in_time(erlang.percentile(in_time, share)) == pytest.approx(share * in_time(inf), rel=1e-5)
    assert erlang.percentile(lambda within: erlang.in_time(Load(1, 0.1), 10, within), 0.9) == 0


def by_states(load: Load, places: int, within: float) -> tuple[float, float, float]:
    assert load.patience is not None
    frees, leaves = 1 / load.handling, 1 / load.patience
    chances = [1.0]
    while len(chances) < places + 5 or chances[-1] > 1e-18 * max(chances):
        number = len(chances)
        chances.append(chances[-1] * load.per_hour / (min(number, places) * frees + max(0, number - places) * leaves))
    whole = sum(chances)
    chances = [each / whole for each in chances]
    left = sum(max(0, number - places) * leaves * chance for number, chance in enumerate(chances)) / load.per_hour
    through = come_through(len(chances) - places, places * frees, leaves, within)
    late = sum(chance * passed for chance, passed in zip(chances[places:], through, strict=True))
    return sum(chances[places:]), left, sum(chances[:places]) + late


def come_through(most: int, frees: float, leaves: float, within: float) -> list[float]:
    """For each number of people before one: the chance that a place is theirs within the time and they stayed. In
    steps of a uniform clock (Jensen, 1953): at each tick one place frees, or one of those before leaves, or oneself."""
    rate = frees + most * leaves
    ticks = int(rate * within + 12 * (rate * within) ** 0.5 + 30)
    there, answer = [0.0] * most, [0.0] * most
    for tick in range(ticks):
        chance = poisson(rate * within, tick)
        answer = [so_far + chance * now for so_far, now in zip(answer, there, strict=True)]
        there = [
            frees / rate * (there[ahead - 1] if ahead else 1.0)
            + ahead * leaves / rate * (there[ahead - 1] if ahead else 0.0)
            + (1 - (frees + (ahead + 1) * leaves) / rate) * there[ahead]
            for ahead in range(most)
        ]
    return answer


def poisson(mean: float, number: int) -> float:
    return exp(number * log(mean) - mean - lgamma(number + 1)) if mean else float(number == 0)
