"""Filling a slot: by button, number, word, near miss; rejected, exhausted, confirmed."""

import pytest

from bot.domain import MAX_SLOT_CHARACTERS, Pressed
from bot.engine.words import is_near, normal
from tests.builders import NOON, Talk, at_concern, at_fake_of, helpline

GIVING_UP = """
flows:
  giving_up:
    description: Gives up to people.
    nlu_trigger: [{intent: giving_up}]
    metadata: {firstline: {examples: [give up]}}
    steps:
      - collect: puzzle
        metadata: {firstline: {max_attempts: 1, on_exhausted: pattern_human_handoff}}
slots:
  puzzle: {type: categorical, values: [a, b]}
responses:
  utter_ask_puzzle:
    - text: A or B?
      buttons:
        - {title: Alpha, payload: /SetSlots(puzzle=a)}
        - {title: Beta, payload: /SetSlots(puzzle=b)}
"""


@pytest.mark.parametrize(
    "typed",
    ["2", "2.", "2)", "option 2", "number 2", "A member of staff", "a MEMBER of staff!", "staff", "a membre of staff"],
)
def test_a_typed_answer_fills_the_slot_when_one_choice_fits(typed: str) -> None:
    talk = at_fake_of().say(typed)
    assert talk.slots["fake_of"] == "staff"
    assert talk.said == ["utter_ask_contacting"]


@pytest.mark.parametrize(
    "typed", ["9", "0", "year 2", "a", "banana", "not a member of staff", "/SetSlots(fake_of=staff)", "?"]
)
def test_words_that_fit_no_choice_show_the_choices_again(typed: str) -> None:
    talk = at_fake_of().say(typed)
    assert "fake_of" not in talk.slots
    assert talk.said == ["utter_not_understood", "utter_ask_fake_of"]
    assert talk.choices == ["Our setting", "A member of staff", "A child"]


def test_a_number_that_stands_in_another_title_is_not_taken_as_a_place_in_the_list() -> None:
    extra = """
flows:
  counting:
    description: Counts.
    nlu_trigger: [{intent: counting}]
    metadata: {firstline: {examples: [count]}}
    steps:
      - collect: band
slots:
  band: {type: categorical, values: [one, few]}
responses:
  utter_ask_band:
    - text: How many?
      buttons:
        - {title: 2 or 3, payload: /SetSlots(band=few)}
        - {title: Just 1, payload: /SetSlots(band=one)}
"""
    library = helpline(extra)
    talk = Talk(library).open().says("no", "Wales").say("count these please", "counting").press("counting")
    assert talk.say("2").said == ["utter_not_understood", "utter_ask_band"]
    assert talk.say("just 1").slots.get("band") is None, "the flow ended, its slot is reset"


@pytest.mark.parametrize("typed", ["yes", "Y", "yeah!", "ie", "Oes"])
def test_yes_words_of_every_language_fill_a_bool(typed: str) -> None:
    assert at_fake_of().says("staff", typed).slots["contacting"] is True


@pytest.mark.parametrize("typed", ["no", "nope", "na", "Nac oes"])
def test_no_words_of_every_language_fill_a_bool(typed: str) -> None:
    assert at_fake_of().says("staff", typed).slots["contacting"] is False


@pytest.mark.parametrize("typed", ["no idea", "yes but no", "now"])
def test_a_sentence_that_only_begins_with_no_is_not_a_no(typed: str) -> None:
    assert "contacting" not in at_fake_of().says("staff", typed).slots


@pytest.mark.parametrize("typed", ["Don't know", "dont know", "not sure", "dunno", "3"])
def test_dont_know_counts_as_the_risky_answer_and_is_remembered_as_such(typed: str) -> None:
    talk = at_fake_of().says("staff", typed)
    assert talk.slots["contacting"] is True
    assert talk.said[0] == "utter_page_tell_lead_now"
    assert talk.conversation is not None
    assert talk.conversation.answers[-1].dont_know
    assert talk.conversation.answers[-1].title == "Don't know"


def test_yes_itself_is_not_remembered_as_dont_know() -> None:
    talk = at_fake_of().says("staff", "yes")
    assert talk.conversation is not None
    assert not talk.conversation.answers[-1].dont_know


@pytest.mark.parametrize(("typed", "value"), [("3", 3.0), (" 2.5 ", 2.5), ("2,5", 2.5), ("100", 100.0)])
def test_a_number_fills_a_number_slot(typed: str, value: float) -> None:
    assert at_fake_of().says("staff", "no", typed).slots["how_many"] == value


@pytest.mark.parametrize("typed", ["0", "101", "many", "-3", "1e9"])
def test_a_number_out_of_bounds_is_asked_again(typed: str) -> None:
    assert at_fake_of().says("staff", "no", typed).said[-1] == "utter_ask_how_many"


def test_a_rejection_may_read_every_slot() -> None:
    talk = at_fake_of().says("child", "no", "6")
    assert talk.said == ["utter_too_many", "utter_ask_how_many"]
    assert "how_many" not in talk.slots
    assert at_fake_of().says("staff", "no", "6").said == ["utter_ask_reported"]


def test_a_text_slot_takes_words_and_cuts_them() -> None:
    talk = at_concern().press("Bad words about us").says("TikTok", "many", "x" * 3000)
    assert talk.slots["what_happened"] == "x" * MAX_SLOT_CHARACTERS


def test_after_the_last_attempt_a_person_and_the_same_question_are_offered() -> None:
    talk = at_fake_of().says("what", "what", "what")
    assert talk.said == ["utter_not_understood", "utter_offer_person", "utter_ask_fake_of"]
    assert talk.press("Talk to a person").said == ["utter_ask_consent"]


def test_after_the_last_attempt_the_step_may_say_where_to_go() -> None:
    talk = at_fake_of().say("staff").say("what")
    assert talk.said[-1] == "utter_ask_contacting"
    talk.say("what")
    assert talk.said == ["utter_not_understood", "utter_page_report_fake_account", "utter_ask_how_many"]


def test_after_the_last_attempt_the_step_may_hand_over() -> None:
    talk = Talk(helpline(GIVING_UP)).open().says("no", "Wales").say("give this up", "giving_up").press("giving up")
    assert talk.say("gamma").said == ["utter_not_understood", "utter_ask_consent"]
    talk.say("yes")
    assert talk.outcome.hand_over is not None
    assert (talk.outcome.hand_over.flow, talk.outcome.hand_over.reason) == ("giving_up", "answer not understood")


def test_an_answer_sets_the_attempts_back() -> None:
    talk = at_fake_of().says("what", "what", "staff")
    assert talk.conversation is not None
    assert talk.conversation.attempts == 0


# --- buttons ---------------------------------------------------------------------------------------------------------


def test_a_button_fills_the_slot() -> None:
    assert at_fake_of().press("A child").slots["fake_of"] == "child"


def test_an_old_button_is_answered_and_the_question_repeated() -> None:
    talk = Talk().open()
    old = talk.token("Yes")
    talk.press("No")
    assert talk.token("England") != old
    talk.hear(Pressed(old, NOON))
    assert talk.said == ["utter_old_button", "utter_ask_nation"]
    assert talk.slots["danger"] == "no"


def test_asking_again_spoils_no_button_and_tokens_are_short_and_never_used_twice() -> None:
    talk = at_fake_of()
    before = talk.token("A child")
    assert talk.say("what").token("A child") == before
    seen = {before}
    talk.press("A child")
    for title in ("Yes", "No"):
        assert talk.token(title) not in seen
        seen.add(talk.token(title))
    assert all(len(token) <= 20 for token in seen)


# --- what triage heard -----------------------------------------------------------------------------------------------


def test_free_words_are_confirmed_before_they_count() -> None:
    talk = at_concern().say("they copied our head's account", "impersonation", "reputation", "guarded", "help")
    assert talk.said == ["utter_ask_clarification"]
    assert talk.choices == ["Fake account", "Harm to a reputation", "guarded", "None of these"]
    assert "concern" not in talk.slots
    talk.press("Fake account")
    assert talk.slots["concern"] == "impersonation"
    assert talk.said == ["utter_ask_fake_of"]


def test_at_most_three_are_offered_and_only_flows_whose_guard_holds() -> None:
    talk = Talk().open().says("no", "England").say("words", "guarded", "reputation", "impersonation")
    assert talk.choices == ["Harm to a reputation", "Fake account", "None of these"]


def test_none_of_these_asks_the_question_with_its_menu() -> None:
    talk = at_concern().say("they copied it", "impersonation").say("none of these")
    assert talk.said == ["utter_ask_concern"]
    assert talk.choices == ["A fake account", "Bad words about us"]


def test_a_choice_of_the_menu_may_be_typed_while_something_else_is_confirmed() -> None:
    talk = at_concern().say("they copied it", "impersonation").say("bad words about us")
    assert talk.slots["concern"] == "reputation"


def test_the_first_words_are_kept_until_the_question_they_answer() -> None:
    talk = Talk().say("someone pretends to be our head", "impersonation").says("no", "Wales")
    assert talk.said == ["utter_ask_clarification"]
    assert talk.choices == ["Fake account", "None of these"]
    assert talk.press("Fake account").said == ["utter_ask_fake_of"]
    assert talk.conversation is not None
    assert talk.conversation.intents == ()


def test_words_told_before_their_question_are_kept_too() -> None:
    talk = Talk().open().say("someone pretends to be our head", "impersonation")
    assert talk.said == ["utter_not_understood", "utter_ask_danger"]
    assert talk.says("no", "Wales").said == ["utter_ask_clarification"]


def test_a_deep_link_is_confirmed_after_the_first_questions() -> None:
    talk = Talk().open("impersonation").says("no", "Wales")
    assert talk.said == ["utter_ask_clarification"]
    assert talk.choices == ["Fake account", "None of these"]


@pytest.mark.parametrize("flow", ["guarded", "pattern_stop", "nonsense"])
def test_a_deep_link_to_what_may_not_start_is_ignored(flow: str) -> None:
    assert Talk().open(flow).says("no", "Wales").said == ["utter_ask_concern"]


def test_one_word_of_a_title_does_not_decide_what_triage_should_confirm() -> None:
    assert at_concern().say("account", "reputation").said == ["utter_ask_clarification"]
    assert at_concern().say("account").slots["concern"] == "impersonation"


def test_without_triage_the_menu_is_shown_again() -> None:
    assert at_concern().say("blah").said == ["utter_not_understood", "utter_ask_concern"]


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("staff", "staf", True),
        ("yes", "yep", False),
        ("no", "know", False),
        ("setting", "settnig", True),
        ("refused", "accused", False),
        ("northern ireland", "nothern irland", True),
    ],
)
def test_near_is_a_slip_of_the_finger_and_no_more(one: str, other: str, near: bool) -> None:
    assert is_near(one, other) is near


def test_case_and_marks_do_not_matter() -> None:
    assert normal("  Don’t — KNOW!? ") == "dont know"
    assert normal("/help") == "help"
    assert normal("…?!") == ""
