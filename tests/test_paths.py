"""Every way through the flows: counted as by trying each, and proved to lead somewhere."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain import Conversation, Pressed
from bot.engine import advance
from bot.engine.path_counts import alone, together
from bot.engine.paths import ROOT, walk_every_path
from bot.library.model import Library
from tests.builders import FLOWS, NOON, PATTERNS, Talk, files, helpline, loaded
from tests.checking import codes, of_code, quickly_read, report

# --- counting --------------------------------------------------------------------------------------------------------


def tried(library: Library, conversation: Conversation) -> int:
    """How many ways there are, found by pressing every choice of every question."""
    if not (conversation.waiting and conversation.stack):
        return 1
    ways = 0
    for offer in conversation.offers:
        outcome = advance(library, conversation, Pressed(offer.token, NOON))
        assert outcome.trouble is None
        ways += tried(library, outcome.conversation)
    return ways


def counted(library: Library) -> int:
    ways = walk_every_path(library)
    assert not ways.broken
    return together(ways).paths(ways.entries[ROOT])


@st.composite
def flows(draw: st.DrawFn) -> dict[str, Any]:
    """A `start` that may call `sub` and link to `other`: questions, conditions, slots set, all forwards."""
    slots = {f"s{number}": ["a", "b", "c"][: draw(st.integers(2, 3))] for number in range(draw(st.integers(1, 4)))}
    made = {
        "start": _flow(draw, slots, draw(st.integers(1, 5)), links=True, calls=True),
        "other": _flow(draw, slots, draw(st.integers(1, 3))),
        "sub": _flow(draw, slots, draw(st.integers(1, 2))),
    }
    declared = {
        name: {"type": "categorical", "values": values, "mappings": [{"type": "controlled"}]}
        for name, values in slots.items()
    }
    asked = {f"utter_ask_{name}": [{"text": f"Which {name}?"}] for name in slots}
    return {"flows": made, "slots": declared, "responses": asked}


def _flow(
    draw: st.DrawFn, slots: dict[str, list[str]], size: int, *, links: bool = False, calls: bool = False
) -> dict[str, Any]:
    steps = [_step(draw, slots, number, size, links, calls) for number in range(size)]
    kept = sorted({step["collect"] for step in steps if "collect" in step and draw(st.booleans())})
    return {"description": "Made by chance.", "steps": steps, **({"persisted_slots": kept} if kept else {})}


def _step(
    draw: st.DrawFn, slots: dict[str, list[str]], number: int, size: int, links: bool, calls: bool
) -> dict[str, Any]:
    name = draw(st.sampled_from(sorted(slots)))
    kinds = ["collect", "collect", "noop", "set_slots", *(["call"] if calls else [])]
    step: dict[str, Any] = {"id": f"step{number}"}
    match draw(st.sampled_from(kinds)):
        case "collect":
            step |= {"collect": name, "ask_before_filling": draw(st.booleans())}
        case "noop":
            step["noop"] = True
        case "set_slots":
            step["set_slots"] = [{name: draw(st.sampled_from([*slots[name], None]))}]
        case _:
            step["call"] = "sub"
    after = "END" if number + 1 == size else f"step{number + 1}"
    step["next"] = after
    if draw(st.booleans()):
        read = draw(st.sampled_from(sorted(slots)))
        value = draw(st.sampled_from(slots[read]))
        later: Any = draw(st.sampled_from(["END", *(f"step{other}" for other in range(number + 1, size))]))
        if links and draw(st.booleans()):
            later = [{"id": f"link{number}", "link": "other"}]
        condition = draw(st.sampled_from([f'slots.{read} is "{value}"', f'slots.{read} is not "{value}"']))
        step["next"] = [{"if": condition, "then": later}, {"else": after}]
    return step


@given(flows())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_as_many_ways_are_counted_as_trying_every_choice_finds(made: dict[str, Any]) -> None:
    library = loaded({**files(flows=json.dumps(made)), "flows/patterns.yml": quickly_read(PATTERNS.encode())})
    talk = Talk(library).open()
    assert talk.conversation is not None
    assert counted(library) == tried(library, talk.conversation)


def test_the_small_helpline_has_as_many_ways_as_answers_allow() -> None:
    """3 x 4 to the concern; then 3 x 3 x 5 x 3 fake accounts (too many of a child are asked again) or 2 x 2 x 2."""
    ways = walk_every_path(helpline())
    assert alone(ways, "start").paths(ways.entries["start"][:1]) == 3 * 4 * 2
    assert alone(ways, "platform_picker").paths(ways.entries["platform_picker"][:1]) == 2 * 2


def test_a_question_that_comes_round_again_is_counted_once() -> None:
    again = """
flows:
  start:
    description: Asks until it is enough.
    steps:
      - id: ask
        collect: more
        ask_before_filling: true
        next:
          - if: slots.more
            then: ask
          - else: END
slots: {more: {type: bool}}
responses: {utter_ask_more: [{text: More?}]}
"""
    library = loaded(files(flows=again))
    assert counted(library) == 2


# --- proofs, each with something broken that is seen -----------------------------------------------------------------

LINKED = """
flows:
  {id}:
    name: Made for a test
    description: Made for a test.
    nlu_trigger: [{{intent: {id}}}]
    metadata: {{firstline: {{examples: [made for a test]}}}}
{body}
"""


def extra(body: str, more: str = "") -> str:
    return LINKED.format(id="broken", body=body) + more


def test_the_small_helpline_has_no_dead_end_and_no_circle(tmp_path: Path) -> None:
    told = codes(report(tmp_path))
    assert not told & {"dead-end", "endless", "late-advice", "no-person", "no-words", "no-pattern", "unreached-step"}


def test_a_flow_that_ends_without_a_word_is_a_dead_end(tmp_path: Path) -> None:
    told = report(tmp_path, extra("    run_pattern_completed: false\n    steps: [{noop: true, next: END}]"))
    assert "flows/extra.yml:" in of_code(told, "dead-end")[0]
    assert told.has_errors


def test_a_question_that_takes_no_answer_is_a_dead_end(tmp_path: Path) -> None:
    body = """
    steps:
      - collect: seen_by
        rejections: [{if: slots.seen_by is not null, utter: utter_too_many}]
"""
    assert "nobody gets past" in of_code(report(tmp_path, extra(body)), "dead-end")[0]


def test_a_step_that_no_answers_reach_is_told_with_the_reason(tmp_path: Path) -> None:
    body = """
    steps:
      - collect: seen_by
        next:
          - if: slots.seen_by is "few"
            then: rest
          - else: rest
      - id: rest
        noop: true
        next:
          - if: slots.seen_by is "few" and slots.seen_by is "many"
            then: [{id: never, action: utter_done, next: END}]
          - else: END
"""
    (told,) = of_code(report(tmp_path, extra(body)), "unreached-step")
    assert "'never'" in told
    assert 'slots.seen_by is "few" and slots.seen_by is "many"' in told


def test_a_circle_of_steps_without_a_question_is_told(tmp_path: Path) -> None:
    body = "    steps:\n      - {id: one, noop: true, next: two}\n      - {id: two, noop: true, next: one}"
    assert "too many steps" in of_code(report(tmp_path, extra(body)), "endless")[0]


def test_a_circle_of_flows_without_a_question_is_told(tmp_path: Path) -> None:
    other = "  other:\n    description: Goes back.\n    steps: [{link: broken}]\n"
    told = of_code(report(tmp_path, extra("    steps: [{link: other}]", other)), "endless")
    assert "broken > other > broken" in told[0] or "other > broken > other" in told[0]


def test_a_circle_with_a_question_in_it_is_fine(tmp_path: Path) -> None:
    asks = "\n".join(
        (
            "    steps:",
            "      - {id: ask, collect: seen_by, ask_before_filling: true, next: [",
            '          {if: slots.seen_by is "few", then: ask}, {else: END}]}',
        )
    )
    assert "endless" not in codes(report(tmp_path, extra(asks)))


def test_a_seventh_question_before_advice_is_late(tmp_path: Path) -> None:
    questions = "".join(f"      - collect: late{number}\n" for number in range(6))
    slots = "".join(f"  late{number}: {{type: bool}}\n" for number in range(6))
    asked = "".join(f"  utter_ask_late{number}: [{{text: Late?}}]\n" for number in range(6))
    late = FLOWS.replace("    steps:\n      - collect: fake_of\n", f"    steps:\n{questions}      - collect: fake_of\n")
    assert late != FLOWS
    told = report(tmp_path, f"slots:\n{slots}responses:\n{asked}", flows=late)
    assert any("number 7" in each for each in of_code(told, "late-advice"))
    assert told.answers_to_advice is not None
    assert told.answers_to_advice > 6


def test_a_way_that_ends_without_advice_is_told(tmp_path: Path) -> None:
    """The small helpline's `reputation` shows no page; with one, there is nothing to tell."""
    assert of_code(report(tmp_path), "no-advice")
    better = FLOWS.replace(
        "      - call: platform_picker", "      - action: utter_page_tell_lead_now\n      - call: platform_picker"
    )
    assert not of_code(report(tmp_path, flows=better), "no-advice")


def test_a_person_who_is_never_reached_is_told(tmp_path: Path) -> None:
    silent = PATTERNS.replace("              - action: action_hand_over\n", "")
    assert silent != PATTERNS
    assert "hands over" in of_code(report(tmp_path, patterns=silent), "no-person")[0]


def test_a_person_nobody_can_ask_for_is_told(tmp_path: Path) -> None:
    unasked = PATTERNS.replace("    nlu_trigger: [{intent: talk_to_person}]\n", "").replace("/talk_to_person", "/help")
    assert "nobody can ask" in of_code(report(tmp_path, patterns=unasked), "no-person")[0]


def test_a_choice_that_promises_a_person_and_leads_elsewhere_is_told(tmp_path: Path) -> None:
    promised = FLOWS.replace("{title: A few, payload", "{title: Talk to a person, payload")
    assert "does not lead to one" in of_code(report(tmp_path, flows=promised), "no-person")[0]


def test_a_response_with_nothing_to_say_is_told(tmp_path: Path) -> None:
    body = "    steps: [{action: utter_only_there}]\nresponses:\n  utter_only_there: [{text: Hi., channel: telegram}]"
    assert "utter_only_there" in of_code(report(tmp_path, extra(body)), "no-words")[0]


def test_a_flow_nothing_leads_to_is_told(tmp_path: Path) -> None:
    lonely = "flows:\n  lonely:\n    description: Alone.\n    steps: [{action: utter_done}]\n"
    assert "lonely" in of_code(report(tmp_path, lonely), "unreached-flow")[0]


def test_a_pattern_the_engine_needs_is_missed(tmp_path: Path) -> None:
    without = PATTERNS.replace("pattern_child:", "pattern_child_elsewhere:")
    assert "pattern_child" in of_code(report(tmp_path, patterns=without), "no-pattern")[0]


@pytest.mark.parametrize("flow", ["start", "impersonation"])
def test_every_step_of_the_small_helpline_is_walked(flow: str) -> None:
    walked = walk_every_path(helpline()).walked
    assert {(flow, step) for step in helpline().flows[flow].steps} <= walked


# --- values no condition tells apart ---------------------------------------------------------------------------------

TOLD_APART = """
flows:
  asking:
    description: Asks who they are, then something else.
    nlu_trigger: [{intent: asking}]
    metadata: {firstline: {examples: [who am i]}}
    steps:
      - collect: who
      - collect: sure
        next:
          - if: >-
              CONDITION
            then:
              - id: for_some
                action: utter_page_tell_lead_now
                next: END
          - else:
              - id: for_others
                action: utter_page_report_fake_account
                next: END
slots:
  who: {type: categorical, values: [teacher, carer, police, head]}
  sure: {type: bool}
responses:
  utter_ask_who:
    - text: Who are you?
      buttons:
        - {title: Teacher, payload: /SetSlots(who=teacher)}
        - {title: Carer, payload: /SetSlots(who=carer)}
        - {title: Police, payload: /SetSlots(who=police)}
        - {title: Head, payload: /SetSlots(who=head)}
  utter_ask_sure: [{text: "Are you sure?"}]
"""


@pytest.mark.parametrize(
    ("condition", "states"),
    [
        ("slots.sure", 1),
        ('slots.who is "police"', 2),
        ('slots.who is not "police" and slots.sure', 2),
        ("{'police' 'head'} contains slots.who", 2),
        ("slots.who is not null", 1),
        ("slots.who matches 'ch'", 2),
        ("slots.who", 1),
    ],
)
def test_ways_meet_whose_values_no_condition_tells_apart(condition: str, states: int) -> None:
    library = loaded(files(TOLD_APART.replace("CONDITION", condition)))
    ways = walk_every_path(library)
    asked = {state for state in ways.edges if state.place == ("asking", "asking_1_collect_sure")}
    assert len(asked) == states
    reached = {place for place in ways.walked if place[0] == "asking"}
    assert ("asking", "for_some") in reached
    assert (("asking", "for_others") in reached) is (condition not in ("slots.who is not null", "slots.who"))


CALLED = """
flows:
  asking:
    description: Asks a called flow, then goes on.
    nlu_trigger: [{intent: asking}]
    metadata: {firstline: {examples: [who am i]}}
    steps:
      - call: person_or_not
        next:
          - if: slots.next is "person"
            then:
              - link: LINKED
          - else: END
  person_or_not:
    description: Asks.
    if: false
    steps:
      - action: utter_page_tell_lead_now
      - collect: next
slots:
  next: {type: categorical, values: [person, go_on]}
responses:
  utter_ask_next:
    - text: What next?
      buttons:
        - {title: Talk to a person, payload: /SetSlots(next=person)}
        - {title: Go on, payload: /SetSlots(next=go_on)}
"""


@pytest.mark.parametrize(("linked", "is_told"), [("pattern_human_handoff", False), ("reputation", True)])
def test_a_called_flow_may_ask_for_a_person_when_its_caller_leads_to_one(
    tmp_path: Path, linked: str, is_told: bool
) -> None:
    told = of_code(report(tmp_path, CALLED.replace("LINKED", linked)), "no-person")
    assert bool([each for each in told if "Talk to a person" in each]) is is_told
