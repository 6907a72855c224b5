"""States that count as one can do the same: the merged walk is compared, edge by edge, with one that merges nothing."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from bot.checking.proofs import Proofs
from bot.domain import Slots
from bot.engine.liveness import Place
from bot.engine.path_counts import together
from bot.engine.paths import ROOT, Edge, Ways, walk_every_path
from bot.engine.sameness import Filled, Key, Sameness
from bot.library.complaints import Complaints
from bot.library.model import Library
from tests.builders import TODAY
from tests.made import libraries, library_of

QUICKLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class EveryValueCounts(Sameness):
    """Takes no two states for one whose slots differ in anything."""

    def mattering(self, places: tuple[Place, ...], slots: Slots) -> Filled:
        return tuple(sorted((name, value) for name, value in slots.items() if value is not None))

    def key(self, places: tuple[Place, ...], slots: Slots) -> Key:
        return self.mattering(places, slots)


def both(made: dict[str, Any]) -> tuple[Library, Ways, Ways]:
    library = library_of(made)
    return library, walk_every_path(library), walk_every_path(library, EveryValueCounts(library))


def told(edge: Edge) -> object:
    """What can be told of an edge without going on."""
    return replace(edge, to=None), edge.to and (edge.to.kind, edge.to.stack, edge.to.with_people)


def complaints(library: Library, ways: Ways) -> set[str]:
    found = Complaints()
    Proofs(library, ways, found, TODAY).check()
    return {str(complaint) for complaint in found.sorted()}


@given(libraries())
@settings(QUICKLY, max_examples=30)
def test_states_that_count_as_one_can_do_the_same(made: dict[str, Any]) -> None:
    assert_can_do_the_same(*both(made)[1:])


def assert_can_do_the_same(merged: Ways, apart: Ways) -> None:
    pairs = {(apart.entries[ROOT][0], merged.entries[ROOT][0])}
    waiting = list(pairs)
    while waiting:
        one, like = waiting.pop()
        assert [told(edge) for edge in apart.edges[one]] == [told(edge) for edge in merged.edges[like]]
        ways = zip(apart.edges[one], merged.edges[like], strict=True)
        new = {(edge.to, other.to) for edge, other in ways if edge.to and other.to} - pairs
        pairs |= new
        waiting.extend(new)


@given(libraries(forwards=True))
@settings(QUICKLY, max_examples=20)
def test_the_merged_walk_counts_reaches_and_complains_the_same(made: dict[str, Any]) -> None:
    library, merged, apart = both(made)
    few, many = together(merged), together(apart)
    assert few.paths(merged.entries[ROOT]) == many.paths(apart.entries[ROOT])
    assert few.most_answers_before_advice()[few.order[0]] == many.most_answers_before_advice()[many.order[0]]
    assert merged.walked == apart.walked
    assert complaints(library, merged) == complaints(library, apart)


# --- each way a difference can come to matter ------------------------------------------------------------------------

SLOTS = ("s0", "s1", "s2")
ASKS = {name: {"collect": name, "ask_before_filling": True} for name in SLOTS}
PAGE = {"text": "", "metadata": {"firstline": {"page": "danger-now"}}}
PLAIN = {"text": "Which?"}
YES = {"buttons": [{"title": "Yes", "payload": "/SetSlots(s1=a)"}]}
IF_BOTH = 'slots.s0 is "a" and slots.s1 is "a"'
ASKED = {f"utter_ask_{name}": [{"text": "Which?"}] for name in SLOTS}


def made_of(start: list[dict[str, Any]], responses: dict[str, Any] | None = None, **flows: Any) -> dict[str, Any]:
    """Ends with words, or with a page where both slots are "a"."""
    last = {"id": "last", "noop": True, "next": [{"if": IF_BOTH, "then": "paged"}, {"else": "END"}]}
    paged = {"id": "paged", "action": "utter_page_danger_now", "next": "END"}
    return {
        "flows": {"start": {"description": "Asks.", "steps": [*start, last, paged]}, **flows},
        "slots": {
            **{name: {"type": "categorical", "values": ["a", "b", "c"]} for name in SLOTS},
            "service_open": {"type": "bool"},
        },
        "responses": {"utter_plain": [{"text": "Plain."}], **ASKED, **(responses or {})},
    }


def flow(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"description": "Made for a test.", "steps": list(steps), **more}


def exhausted(to: str) -> dict[str, Any]:
    return {**ASKS["s2"], "metadata": {"firstline": {"on_exhausted": to}}}


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(
            made_of(
                [ASKS["s0"], {"call": "sub"}], sub=flow({"call": "deep"}), deep=flow(ASKS["s1"], persisted_slots=["s1"])
            ),
            id="kept by a flow that a called flow calls",
        ),
        pytest.param(
            made_of(
                [
                    ASKS["s0"],
                    {
                        "call": "sub",
                        "next": [{"if": "slots.service_open and slots.s0 is 'a'", "then": "paged"}, {"else": "last"}],
                    },
                ],
                sub=flow({"action": "action_opening_hours"}),
            ),
            id="found by an action of a called flow",
        ),
        pytest.param(
            made_of([ASKS["s0"], {"call": "sub"}], sub=flow(exhausted("other")), other=flow(ASKS["s1"])),
            id="asked by the flow that comes back instead of the called one",
        ),
        pytest.param(
            made_of(
                [
                    {
                        **ASKS["s0"],
                        "next": [{"if": "slots.s0 is 'c'", "then": [{"link": "other"}]}, {"else": "called"}],
                    },
                    {"id": "called", "call": "sub"},
                ],
                sub=flow(ASKS["s0"], exhausted("other")),
                other=flow(
                    {
                        "noop": True,
                        "next": [
                            {"if": "slots.s0 is 'b'", "then": [{"action": "utter_page_danger_now", "next": "END"}]},
                            {"else": "END"},
                        ],
                    }
                ),
            ),
            id="not forgotten by a called flow that another takes the place of",
        ),
        pytest.param(
            made_of(
                [
                    ASKS["s0"],
                    ASKS["s2"],
                    {"set_slots": [{"s1": "b"}]},
                    {"collect": "s1", "rejections": [{"if": "slots.s1 is 'b'", "utter": "utter_no"}]},
                ],
                {"utter_no": [{**PAGE, "condition": "slots.s0 is 'b'"}, {"text": "No."}]},
            ),
            id="read by what a rejection says",
        ),
        pytest.param(
            made_of(
                [
                    ASKS["s0"],
                    ASKS["s1"],
                    ASKS["s2"],
                    {
                        "collect": "s1",
                        "utter": "utter_anew",
                        "rejections": [{"if": "slots.s1 is 'a'", "utter": "utter_no"}],
                    },
                ],
                {
                    "utter_anew": [{**PLAIN, **YES, "condition": "slots.s1 is null and slots.s0 is 'b'"}, PLAIN],
                    "utter_no": [{"text": "No."}],
                },
            ),
            id="read of a slot that is emptied by a rejection",
        ),
        pytest.param(
            made_of(
                [ASKS["s0"], ASKS["s2"], {"action": "utter_some"}],
                {"utter_some": [{**PAGE, "condition": "slots.s0 is 'b'"}]},
            ),
            id="read by a response that may have nothing that fits",
        ),
        pytest.param(
            made_of(
                [ASKS["s0"], ASKS["s1"]],
                {
                    "utter_ask_s1": [
                        {"text": "Which?", "buttons": [{"title": "Go", "payload": f"/{intent}"}], **condition}
                        for intent, condition in (("one", {"condition": "slots.s0 is 'b'"}), ("two", {}))
                    ]
                },
                one=flow({"action": "utter_plain"}, nlu_trigger=[{"intent": "one"}]),
                two=flow({"action": "utter_plain"}, nlu_trigger=[{"intent": "two"}]),
            ),
            id="read by buttons that start other flows",
        ),
    ],
)
def test_what_can_come_to_matter_keeps_states_apart(made: dict[str, Any]) -> None:
    assert_can_do_the_same(*both(made)[1:])
