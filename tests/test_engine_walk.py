"""The walk: steps, branches, calls, links, interrupts, and what is kept when a flow ends."""

import pytest

from bot.domain import Frame, FrameKind
from bot.engine import begin
from bot.library.model import Library
from tests.builders import NOON, PATTERNS, Talk, at_concern, at_fake_of, files, helpline, loaded

CALLS = """
flows:
  caller:
    description: Calls twice.
    nlu_trigger: [{intent: caller}]
    metadata: {firstline: {examples: [call it]}}
    steps:
      - set_slots: [{marker: set}]
      - call: called
        next:
          - if: slots.inner is "right"
            then: good
          - else: bad
      - id: good
        action: utter_good
        next: END
      - id: bad
        action: utter_bad
  called:
    description: Asks.
    if: false
    steps:
      - collect: inner
slots:
  inner: {type: categorical, values: [right, wrong]}
  marker: {type: text, initial_value: untouched}
responses:
  utter_ask_inner:
    - text: Which?
      buttons:
        - {title: Right, payload: /SetSlots(inner=right)}
        - {title: Wrong, payload: /SetSlots(inner=wrong)}
  utter_good: [{text: "Good {inner}"}]
  utter_bad: [{text: Bad}]
"""


MENU = """
flows:
  menu:
    description: Shows choices.
    nlu_trigger: [{intent: menu}]
    metadata: {firstline: {examples: [menu please]}}
    steps:
      - action: utter_aside
      - collect: pick
slots:
  pick: {type: categorical, values: [one, two]}
responses:
  utter_aside: [{text: By the way, buttons: [{title: Help me, payload: /help}]}]
  utter_ask_pick:
    - text: Which?
      buttons:
        - {title: Wales only, payload: /guarded}
        - {title: One, payload: /SetSlots(pick=one)}
        - {title: Two, payload: /SetSlots(pick=two)}
"""


def in_caller() -> Talk:
    library = helpline(CALLS)
    talk = Talk(library, begin(library))
    return talk.open().says("no", "Wales").say("call that thing please", "caller").press("caller")


def test_opening_greets_and_asks_the_first_question() -> None:
    talk = Talk().open()
    assert talk.said == ["utter_hello", "utter_ask_danger"]
    assert talk.choices == ["Yes", "I am not sure", "No"]
    assert talk.at == "start/start_0_collect_danger"


def test_the_first_branch_that_holds_is_taken_and_else_otherwise() -> None:
    assert Talk().open().say("no").said == ["utter_ask_nation"]
    assert Talk().open().say("yes").said == ["utter_page_danger_now", "utter_ask_nation"]


def test_a_filled_slot_is_not_asked_again() -> None:
    talk = at_concern()
    conversation = talk.conversation
    assert conversation is not None
    assert talk.press("A fake account").said == ["utter_ask_fake_of"]
    assert dict(talk.slots)["concern"] == "impersonation"


def test_a_link_ends_one_flow_and_starts_the_other() -> None:
    talk = at_concern().press("A fake account")
    assert ("flow_completed", "start") in talk.outcome.events
    assert ("flow_started", "impersonation") in talk.outcome.events
    assert talk.conversation is not None
    assert talk.conversation.stack == (Frame("impersonation", "impersonation_0_collect_fake_of", FrameKind.LINK),)


def test_persisted_slots_outlive_their_flow_and_others_are_reset() -> None:
    talk = at_fake_of().says("staff", "no", "3", "less than 48 hours ago")
    assert talk.said == ["utter_done", "utter_anything_else"]
    assert talk.slots == {"danger": "no", "nation": "wales", "concern": "impersonation", "service_open": False}


def test_a_called_flow_leaves_its_slots_to_its_caller_until_that_ends() -> None:
    talk = in_caller()
    assert talk.at == "called/called_0_collect_inner"
    assert talk.slots["marker"] == "set"
    talk.say("right")
    assert talk.said[0] == "utter_good"
    assert ("inner", "right") in talk.outcome.replies[0].slots
    assert "inner" not in talk.slots
    assert talk.slots["marker"] == "untouched"


def test_the_caller_goes_on_by_what_the_called_flow_found() -> None:
    assert in_caller().say("wrong").said[0] == "utter_bad"


def test_a_called_flows_persisted_slots_are_kept() -> None:
    talk = at_concern().press("Bad words about us").says("TikTok", "many", "somebody wrote things")
    talk.action_done("action_opening_hours", ("service_open", True))
    assert talk.said == ["utter_open", "utter_anything_else"]
    assert talk.slots["platform"] == "tiktok"
    assert "seen_by" not in talk.slots
    assert talk.slots["service_open"] is True, "no flow collects it: it is kept until the conversation ends"


def test_a_flow_that_interrupts_another_leads_back_to_it() -> None:
    talk = in_caller()
    assert talk.conversation is not None
    kinds = [frame.kind for frame in talk.conversation.stack]
    assert kinds == [FrameKind.LINK, FrameKind.INTERRUPT, FrameKind.CALL]
    talk.say("right")
    assert talk.said == ["utter_good", "utter_we_go_on", "utter_ask_concern"]
    assert talk.words(talk.outcome.replies[1]) == "Back to start."
    assert ("flow_resumed", "start") in talk.outcome.events


def test_a_custom_action_is_wanted_and_the_walk_goes_on_with_its_result() -> None:
    talk = at_concern().press("Bad words about us").says("TikTok", "many", "words")
    assert talk.outcome.action is not None
    assert talk.outcome.action.action == "action_opening_hours"
    assert talk.said == []
    talk.action_done("action_opening_hours", ("service_open", False), ("undeclared", "x"))
    assert talk.said[0] == "utter_closed"
    assert "undeclared" not in talk.slots


def test_the_result_of_an_action_nobody_waits_for_changes_nothing() -> None:
    talk = at_concern()
    before = talk.conversation
    talk.action_done("action_opening_hours", ("service_open", True))
    assert talk.conversation == before


def test_a_page_that_is_shown_is_noted_with_its_rule() -> None:
    talk = at_fake_of().says("staff", "yes")
    assert talk.conversation is not None
    advised = [(each.page, each.flow, each.step, each.at) for each in talk.conversation.advised]
    assert advised[-1] == ("report-fake-account", "impersonation", "advise", NOON)
    assert [page for page, *_ in advised] == ["tell-lead-now", "report-fake-account"]


def test_answers_are_kept_as_codes_and_typed_words_are_not_kept_among_them() -> None:
    talk = at_concern().press("Bad words about us").says("TikTok", "many", "mum wrote it")
    assert talk.conversation is not None
    last = talk.conversation.answers[-1]
    assert (last.slot, last.value, last.title) == ("what_happened", None, None)
    assert talk.slots["what_happened"] == "mum wrote it"


def test_nothing_open_offers_a_person() -> None:
    talk = at_fake_of().says("staff", "no", "3", "no", "what now")
    assert "utter_offer_person" in talk.said
    assert talk.choices == ["Talk to a person"]


def test_nothing_open_offers_what_triage_heard() -> None:
    talk = at_fake_of().says("staff", "no", "3", "no").say("bad reviews now", "reputation")
    assert talk.said == ["utter_ask_clarification"]
    assert talk.choices == ["Harm to a reputation", "None of these"]
    assert talk.press("Harm to a reputation").said == ["utter_ask_platform"]


def test_opening_again_in_the_middle_asks_the_open_question_again() -> None:
    talk = at_fake_of()
    before = talk.conversation
    assert talk.open().said == ["utter_ask_fake_of"]
    assert talk.conversation == before


def test_opening_after_everything_ended_starts_afresh() -> None:
    talk = at_fake_of().says("staff", "no", "3", "no").open()
    assert talk.said == ["utter_hello", "utter_ask_danger"]
    assert talk.slots == {"service_open": False}


def completed_that_asks() -> Library:
    """The helpline whose "anything else?" is a question, from which the greeting's flow can be begun again."""
    asking = PATTERNS.replace(
        "      - action: utter_anything_else\n",
        """      - collect: what_next
        next:
          - if: slots.what_next is "another"
            then:
              - set_slots: [{concern: null}]
              - link: start
          - else: END
""",
    )
    buttons = "[{title: Something else, payload: /SetSlots(what_next=another)}]"
    asking += f"  utter_ask_what_next: [{{text: What next?, buttons: {buttons}}}]\n"
    asking = asking.replace("slots:\n", "slots:\n  what_next: {type: categorical, values: [another]}\n", 1)
    return loaded(files(patterns=asking))


def test_when_only_anything_else_stands_open_what_triage_hears_is_confirmed() -> None:
    talk = Talk(completed_that_asks()).open().says("no", "Wales", "a fake account", "staff", "no", "3", "no")
    assert talk.said == ["utter_done", "utter_ask_what_next"]
    talk.say("and there are bad reviews", "reputation")
    assert talk.said == ["utter_ask_clarification"]
    assert talk.press("Harm to a reputation").said == ["utter_ask_platform"]


def test_a_flow_begun_again_is_not_gone_back_to_where_it_stood_before() -> None:
    extra = """
flows:
  pattern_list:
    description: Back to the list.
    nlu_trigger: [{intent: list}]
    metadata: {firstline: {examples: [the list please]}}
    steps:
      - link: start
"""
    talk = Talk(helpline(extra)).open().says("no", "Wales").say("the list please")
    assert talk.at == "start/start_3_collect_concern"
    assert talk.conversation is not None
    assert [frame.flow for frame in talk.conversation.stack] == ["start"]
    talk.says("a fake account", "staff", "no", "3", "no")
    assert talk.said == ["utter_done", "utter_anything_else"]


def test_a_flow_whose_guard_does_not_hold_is_not_started_by_a_button() -> None:
    library = helpline(MENU)
    talk = Talk(library).open().says("no", "England").say("show the menu", "menu").press("menu")
    assert talk.press("Wales only").said == ["utter_offer_person", "utter_ask_pick"]
    talk = Talk(library).open().says("no", "Wales").say("show the menu", "menu").press("menu")
    assert talk.press("Wales only").said[0] == "utter_done"


def test_a_choice_beside_a_question_does_not_disturb_its_numbers() -> None:
    talk = Talk(helpline(MENU)).open().says("no", "England").say("show the menu", "menu").press("menu")
    assert talk.said == ["utter_aside", "utter_ask_pick"]
    assert talk.token("Help me")
    assert talk.say("1").said == ["utter_offer_person", "utter_ask_pick"], "the first of the question: Wales only"
    talk = Talk(helpline(MENU)).open().says("no", "England").say("show the menu", "menu").press("menu")
    assert talk.press("Help me").said[0] == "utter_help"


@pytest.mark.parametrize("word", ["hello", "something happened"])
def test_the_first_words_get_the_greeting_and_are_no_answer(word: str) -> None:
    assert Talk().say(word).said == ["utter_hello", "utter_ask_danger"]


def test_the_first_words_answer_when_they_are_exactly_a_choice() -> None:
    assert Talk().say("No").said == ["utter_hello", "utter_ask_danger", "utter_ask_nation"]


def test_a_command_as_first_words_follows_the_greeting() -> None:
    assert Talk().say("talk to a person").said == ["utter_hello", "utter_ask_danger", "utter_ask_consent"]
    assert Talk().say("/start").said == ["utter_hello", "utter_ask_danger"]
