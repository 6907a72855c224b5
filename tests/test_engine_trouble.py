"""Whatever goes wrong, the enquirer gets an answer and people hear of it."""

from dataclasses import replace

import pytest

from bot.domain import Conversation, Frame, FrameKind, Opened
from bot.engine import advance, begin
from bot.library.model import ActionStep, Library
from tests.builders import NOON, Talk, again, at_concern, at_fake_of, helpline

LOOP = """
flows:
  looping:
    description: Goes round.
    nlu_trigger: [{intent: looping}]
    metadata: {firstline: {examples: [go round]}}
    steps:
      - collect: laps
      - id: lap
        noop: true
        next:
          - if: slots.laps is "{laps}"
            then: lap
          - else: END
slots:
  laps: {type: categorical, values: [once, endless]}
responses:
  utter_ask_laps: [{text: Laps?, buttons: [{title: Endless, payload: /SetSlots(laps=endless)}]}]
"""


def looping(laps: str) -> Talk:
    library = helpline(LOOP.replace("{laps}", laps))
    return Talk(library).open().says("no", "Wales").say("round we go", "looping").press("looping")


def deep(calls: int) -> Library:
    flows = ["flows:"]
    for number in range(calls + 1):
        step = f"call: deep_{number + 1}" if number < calls else "action: utter_done"
        trigger = (
            "    nlu_trigger: [{intent: deep}]\n    metadata: {firstline: {examples: [go deep]}}\n"
            if not number
            else ""
        )
        flows.append(f"  deep_{number}:\n    description: Down.\n{trigger}    steps:\n      - {step}")
    return helpline("\n".join(flows) + "\n")


def without(library: Library, *, flow: str = "", response: str = "", step: tuple[str, str] = ("", "")) -> Library:
    flows = {key: value for key, value in library.flows.items() if key != flow}
    if step[0]:
        steps = {key: value for key, value in flows[step[0]].steps.items() if key != step[1]}
        flows[step[0]] = replace(flows[step[0]], steps=steps)
    responses = {key: value for key, value in library.responses.items() if key != response}
    return replace(library, flows=flows, responses=responses)


def moved(talk: Talk, library: Library) -> Talk:
    assert talk.conversation is not None
    return Talk(library, talk.conversation)


def test_a_walk_without_end_is_broken_off() -> None:
    talk = looping("endless").press("Endless")
    assert talk.said == ["utter_internal_error"]
    assert talk.outcome.trouble is not None
    assert talk.outcome.trouble.reason == "too many steps without input"
    assert talk.outcome.trouble.flow == "looping"
    assert talk.at == ""


def test_a_walk_that_ends_is_not() -> None:
    talk = looping("once").press("Endless")
    assert talk.outcome.trouble is None
    assert talk.said == ["utter_we_go_on", "utter_ask_concern"]


def test_twenty_calls_deep_is_deep_enough() -> None:
    def dive(calls: int) -> Talk:
        return Talk(deep(calls)).open().says("no", "Wales").say("down we go", "deep").press("deep 0")

    assert dive(20).said[0] == "utter_done"
    assert dive(20).outcome.trouble is None
    deeper = dive(21)
    assert deeper.said == ["utter_internal_error"]
    assert deeper.outcome.trouble is not None


def test_a_missing_step_ends_its_flow_with_an_answer() -> None:
    library = without(helpline(), step=("impersonation", "advise"))
    talk = moved(at_fake_of().say("staff"), library).say("no")
    assert talk.said == ["utter_internal_error"]
    assert talk.outcome.trouble is not None
    assert (talk.outcome.trouble.flow, talk.outcome.trouble.step) == ("impersonation", "advise")
    assert talk.say("help").said == ["utter_help"]


def test_a_missing_flow_gives_an_answer() -> None:
    talk = moved(at_concern(), without(helpline(), flow="impersonation")).press("A fake account")
    assert talk.said == ["utter_internal_error"]
    assert talk.outcome.trouble is not None


def test_a_missing_response_gives_an_answer() -> None:
    talk = moved(at_fake_of(), without(helpline(), response="utter_ask_contacting")).say("staff")
    assert talk.said == ["utter_internal_error"]
    assert talk.outcome.trouble is not None


def test_a_missing_pattern_leaves_the_open_question_open() -> None:
    talk = moved(at_fake_of(), without(helpline(), flow="pattern_danger")).command("danger_now")
    assert talk.said == ["utter_old_button", "utter_ask_fake_of"] or talk.outcome.trouble is not None
    assert talk.at.startswith("impersonation/")


def test_without_even_the_pattern_for_errors_there_is_an_answer() -> None:
    library = without(without(helpline(), flow="pattern_internal_error"), flow="impersonation")
    talk = moved(at_concern(), library).press("A fake account")
    assert talk.said == ["utter_internal_error"]
    assert talk.outcome.trouble is not None


def test_an_action_that_fails_is_told_and_the_flow_goes_on() -> None:
    talk = at_concern().press("Bad words about us").says("TikTok", "many", "words")
    talk.action_done("action_opening_hours", failed=True)
    assert talk.said == ["utter_internal_error", "utter_closed", "utter_anything_else"]
    assert talk.outcome.trouble is not None
    assert talk.outcome.trouble.reason == "action_opening_hours failed"


def test_a_fault_of_the_engines_own_is_an_answer_too() -> None:
    library = helpline()
    start = library.flows["start"]
    rotten = replace(start.steps["nation"], next=None)  # type: ignore[arg-type]
    broken = replace(library, flows={**library.flows, "start": replace(start, steps={**start.steps, "nation": rotten})})
    talk = moved(Talk().open().say("no"), broken).say("Wales")
    assert talk.said == ["utter_internal_error"]
    assert talk.outcome.trouble is not None
    assert talk.outcome.trouble.reason.startswith("engine: ")


def test_a_conversation_that_stands_nowhere_is_answered() -> None:
    lost = Conversation(helpline().version, stack=(Frame("gone", "gone"),), waiting=True)
    talk = Talk(helpline(), lost).say("hello")
    assert talk.said == ["utter_internal_error"]
    assert talk.outcome.trouble is not None
    assert talk.say("hello").said == ["utter_hello", "utter_ask_danger"]


def test_a_loop_over_an_action_step_is_broken_off() -> None:
    library = helpline()
    hello = library.flows["pattern_session_start"]
    first = hello.steps[hello.first]
    assert isinstance(first, ActionStep)
    again = replace(first, next=replace(first.next, branches=(replace(first.next.branches[0], target=first.id),)))
    endless = replace(hello, steps={first.id: again})
    broken = replace(library, flows={**library.flows, hello.id: endless})
    outcome = advance(broken, begin(broken), Opened(NOON))
    assert outcome.trouble is not None


@pytest.mark.parametrize("kind", list(FrameKind))
def test_no_kind_of_frame_is_lost_in_storage(kind: FrameKind) -> None:
    conversation = Conversation(helpline().version, stack=(Frame("start", "nation", kind, (("media", "photo"),)),))
    assert again(conversation) == conversation
