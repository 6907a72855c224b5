"""The loader: a valid library becomes values, a broken one becomes complaints an editor can act on."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.library.complaints import CODES
from bot.library.load import load, load_files, version_of
from bot.library.model import END, ActionStep, CallStep, CollectStep, LinkStep

BROKEN = Path(__file__).parent / "broken_flows"
CASES = sorted(folder.name for folder in BROKEN.iterdir() if not folder.name.startswith("_"))


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file but what is expected of them."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "expected.txt"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


GOOD = files_in(BROKEN / "_good")


def complaints_of(case: str) -> list[str]:
    """The case's files laid over the good library; an empty file takes a good one away."""
    files = {**GOOD, **files_in(BROKEN / case)}
    result = load_files({name: data for name, data in files.items() if data})
    return [f"{complaint.severity} {complaint.code} {complaint}" for complaint in result.complaints]


def loaded(flows: str, **more: str):
    result = load_files({**GOOD, "flows/more.yml": flows.encode(), **{k: v.encode() for k, v in more.items()}})
    assert result.library is not None, [str(complaint) for complaint in result.complaints]
    return result.library


# --- complaints ------------------------------------------------------------------------------------------------------


def test_the_good_library_has_no_complaints():
    assert load(BROKEN / "_good").complaints == ()


@pytest.mark.parametrize("case", CASES)
def test_a_broken_library_is_complained_about_as_written_beside_it(case):
    assert complaints_of(case) == (BROKEN / case / "expected.txt").read_text("utf-8").splitlines()


def test_every_complaint_code_has_a_broken_library():
    seen = {line.split()[1] for case in CASES for line in (BROKEN / case / "expected.txt").read_text().splitlines()}
    assert seen == set(CODES)


@pytest.mark.parametrize("case", CASES)
def test_the_complaint_a_case_is_named_after_is_its_own(case):
    code = max((code for code in CODES if case.startswith(code)), key=len)
    assert any(line.split()[1] == code for line in complaints_of(case))


def test_all_errors_of_all_files_are_told_in_one_go():
    files = {
        **GOOD,
        "flows/one.yml": (BROKEN / "no-step/flows/broken.yml").read_bytes(),
        "flows/two.yml": (BROKEN / "jinja/flows/broken.yml").read_bytes(),
    }
    assert {complaint.file for complaint in load_files(files).complaints} == {"flows/one.yml", "flows/two.yml"}


def test_a_warning_alone_leaves_the_library_usable():
    files = {**GOOD, **files_in(BROKEN / "ignored-key")}
    result = load_files(files)
    assert result.library is not None
    assert not result.errors
    assert result.complaints


# --- what is read ----------------------------------------------------------------------------------------------------

NESTED = """
flows:
  parent:
    description: Steps inside steps.
    nlu_trigger: [{intent: {name: parent_intent, confidence_threshold: 0.5}}]
    persisted_slots: [mood]
    metadata:
      firstline: {concern: reputation, examples: {en: [one, two], cy: [un]}, menu: {under: concerns, order: 20}}
    steps:
      - collect: mood
        metadata: {firstline: {dont_know: sad, why: {en: Because., cy: Achos.}, sensitive: true, on_exhausted: done}}
        next:
          - else: called
          - if: slots.mood is "sad"
            then:
              - set_slots: [{words: true}, {age: 3}, {answer: no}, {urgent: no}]
              - action: utter_bye
                next: END
      - id: called
        call: helper
      - noop: true
        next: done
      - id: done
        action: action_restart
"""


def test_default_ids_count_steps_depth_first_as_rasa_does():
    assert list(loaded(NESTED).flows["parent"].steps) == [
        "parent_0_collect_mood",
        "parent_1_set_slots",
        "parent_2_utter_bye",
        "called",
        "parent_4_noop",
        "done",
    ]


def test_else_is_tried_last_wherever_it_stands():
    step = loaded(NESTED).flows["parent"].steps["parent_0_collect_mood"]
    assert isinstance(step, CollectStep)
    assert [branch.target for branch in step.next.branches] == ["parent_1_set_slots", "called"]
    assert step.next.branches[-1].condition is None


def test_a_step_without_next_goes_to_the_one_below_and_the_last_to_the_end():
    steps = loaded(NESTED).flows["parent"].steps
    called, done = steps["called"], steps["done"]
    assert isinstance(called, CallStep)
    assert isinstance(done, ActionStep)
    assert called.next.branches[0].target == "parent_4_noop"
    assert done.next.branches[0].target == END


def test_values_are_read_by_the_slots_type_and_no_is_text():
    step = loaded(NESTED).flows["parent"].steps["parent_1_set_slots"]
    assert step.values == (("words", "true"), ("age", 3.0), ("answer", "no"), ("urgent", False))


def test_a_collect_step_keeps_its_extensions():
    step = loaded(NESTED).flows["parent"].steps["parent_0_collect_mood"]
    assert isinstance(step, CollectStep)
    assert (step.dont_know, step.dont_know_value, step.sensitive, step.on_exhausted) == (True, "sad", True, "done")
    assert step.why == {"en": "Because.", "cy": "Achos."}


@pytest.mark.parametrize(("slot", "risky"), [("urgent", True), ("answer", "yes")])
def test_dont_know_counts_as_the_risky_answer(slot, risky):
    flow = f"""
flows:
  risk:
    description: A risk.
    steps:
      - collect: {slot}
        metadata: {{firstline: {{dont_know: true}}}}
"""
    step = loaded(flow).flows["risk"].steps[f"risk_0_collect_{slot}"]
    assert step.dont_know_value == risky


def test_what_a_called_flow_fills_is_reset_when_its_caller_ends():
    flow = loaded(NESTED).flows["parent"]
    assert flow.own_slots == {"words", "age", "answer", "urgent"}
    assert flow.persisted_slots == {"mood"}


def test_intents_lead_to_their_flows():
    assert loaded(NESTED).by_intent == {"good_intent": "good", "parent_intent": "parent"}


def test_a_flow_keeps_its_examples_by_language():
    assert loaded(NESTED).flows["parent"].examples == {"en": ("one", "two"), "cy": ("un",)}


def test_a_hand_over_link_keeps_its_tier_and_reason():
    link = loaded(NESTED).flows["good"].steps["good_1_link_pattern_human_handoff"]
    assert isinstance(link, LinkStep)
    assert (link.tier, link.reason, link.summary_slots) == (2, "Sad", ("mood",))


def test_an_aliased_list_is_read_as_if_written_out():
    flow = """
flows:
  aliased:
    description: Says the same twice.
    steps:
      - collect: urgent
        next:
          - if: slots.urgent
            then: [{link: pattern_human_handoff, metadata: {firstline: {tier: 1, summary_slots: &same [urgent]}}}]
          - else: [{id: b, link: pattern_human_handoff, metadata: {firstline: {tier: 2, summary_slots: *same}}}]
"""
    link = loaded(flow).flows["aliased"].steps["b"]
    assert isinstance(link, LinkStep)
    assert link.summary_slots == ("urgent",)


def test_a_pattern_may_read_its_context_in_conditions_and_words():
    flow = """
flows:
  pattern_cancel_flow:
    description: Stopped.
    steps:
      - noop: true
        next:
          - if: context.canceled_name is not null
            then: said
          - else: END
      - {id: said, action: utter_cancelled}
responses:
  utter_cancelled:
    - text: We stopped {context.canceled_name}.
"""
    assert "pattern_cancel_flow" in loaded(flow).flows


def test_buttons_set_values_of_the_slots_type_and_keep_their_translations():
    flow = """
flows:
  asks:
    description: Asks.
    steps: [{collect: tired}]
slots:
  tired: {type: bool, mappings: [{type: controlled}]}
responses:
  utter_ask_tired:
    - text: Tired?
      translation: {cy: Wedi blino?}
      buttons:
        - {title: "Yes", payload: /SetSlots(tired=YES), translation: {cy: {title: Ydw}}}
        - {title: Start, payload: /good_intent}
"""
    said = loaded(flow).responses["utter_ask_tired"].variations[0]
    assert said.text == {"en": "Tired?", "cy": "Wedi blino?"}
    assert [(button.sets, button.intent) for button in said.buttons] == [
        ((("tired", True),), None),
        ((), "good_intent"),
    ]
    assert said.buttons[0].title == {"en": "Yes", "cy": "Ydw"}


# --- version ---------------------------------------------------------------------------------------------------------


def test_the_version_changes_with_every_byte_and_every_name():
    versions = {version_of(files) for files in ({"a": b"xy"}, {"a": b"x"}, {"ax": b"y"}, {"b": b"xy"}, {})}
    assert len(versions) == 5


def test_the_version_does_not_depend_on_the_order_of_files():
    assert version_of({"a": b"1", "b": b"2"}) == version_of({"b": b"2", "a": b"1"})


# --- whatever is written ---------------------------------------------------------------------------------------------

PIECES = [
    "flows:",
    "steps",
    "collect",
    "next",
    "if",
    "then",
    "else",
    "responses:",
    "slots:",
    "utter_x",
    "text",
    "type",
    "bool",
    "null",
    "/SetSlots(",
    "[",
    "]",
    "{",
    "}",
    "&a",
    "*a",
    "!x",
    "é",
    "- ",
    "  ",
    "\n",
    ": ",
    "'",
    '"',
    "|",
    "#",
]
YAMLISH = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@given(st.binary(max_size=300) | YAMLISH.map(str.encode))
@settings(max_examples=150, deadline=None)
def test_any_bytes_as_a_flow_file_become_complaints_never_exceptions(data):
    load_files({**GOOD, "flows/any.yml": data})


@given(st.binary(max_size=300) | YAMLISH.map(lambda text: f"---\n{text}\n---\n## x\ny".encode()))
@settings(max_examples=100, deadline=None)
def test_any_bytes_as_a_page_become_complaints_never_exceptions(data):
    load_files({**GOOD, "content/guidance/any.md": data})
