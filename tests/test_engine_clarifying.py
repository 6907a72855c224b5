"""What triage heard is confirmed: one guess, a question that tells two apart, or a choice; and nothing told is lost."""

import pytest

from bot.domain import Intent, Said
from bot.library.load import load_files
from tests.builders import NOON, Talk, files, helpline

EXTRA = """
flows:
  fights:
    name: Fights
    description: Fights.
    nlu_trigger: [{intent: fights}]
    metadata: {firstline: {concern: threats, examples: [a fight]}}
    steps:
      - action: utter_done
responses:
  utter_because: [{text: "You wrote {because}."}]
  utter_also_told: [{text: You also wrote of something else.}]
  utter_split_pretending:
    - text: Does it pretend to be somebody?
      buttons:
        - {title: It pretends, payload: /SetSlots(concern=impersonation)}
        - {title: It only speaks, payload: /SetSlots(concern=reputation)}
"""


def heard(talk: Talk, *intents: tuple[str, float], because: str = "", also: tuple[str, ...] = ()) -> Talk:
    found = tuple(Intent(name, score, because) for name, score in intents)
    return talk.hear(Said("words that say what happened", NOON, intents=found, also=also))


def at_concern(extra: str = EXTRA) -> Talk:
    return Talk(helpline(extra)).open().says("no", "Wales")


def test_two_close_concerns_that_are_easily_confused_are_told_apart_by_one_question() -> None:
    talk = heard(at_concern(), ("impersonation", 0.5), ("reputation", 0.4))
    assert talk.said == ["utter_split_pretending"]
    assert talk.choices == ["It pretends", "It only speaks", "None of these"]
    assert talk.say("it only speaks").slots["concern"] == "reputation"


def test_none_of_a_split_question_asks_with_the_menu() -> None:
    talk = heard(at_concern(), ("impersonation", 0.5), ("reputation", 0.4)).say("none of these")
    assert talk.said == ["utter_ask_concern"]
    assert "concern" not in talk.slots


def test_two_that_are_not_close_are_offered_as_they_are() -> None:
    talk = heard(at_concern(), ("impersonation", 0.5), ("reputation", 0.25))
    assert talk.choices == ["Fake account", "Harm to a reputation", "None of these"]


def test_one_far_ahead_is_offered_alone() -> None:
    talk = heard(at_concern(), ("impersonation", 0.5), ("reputation", 0.15))
    assert talk.choices == ["Fake account", "None of these"]
    assert ("context.one_guess", True) in talk.outcome.replies[-1].slots


def test_triages_order_is_kept_so_that_the_graver_may_stand_first() -> None:
    talk = heard(at_concern(), ("fights", 0.4), ("impersonation", 0.5))
    assert talk.choices == ["Fights", "Fake account", "None of these"]


def test_it_says_which_words_it_went_by() -> None:
    talk = heard(at_concern(), ("impersonation", 0.5), because="fake, account")
    assert talk.said == ["utter_because", "utter_ask_clarification"]
    assert talk.words(talk.outcome.replies[0]) == "You wrote fake, account."


def test_a_library_without_words_for_it_says_nothing_of_why() -> None:
    talk = heard(at_concern(""), ("impersonation", 0.5), because="fake, account")
    assert talk.said == ["utter_ask_clarification"]


@pytest.mark.parametrize("label", ["Fake account", "fake account", "cyfrif ffug"])
def test_the_name_of_a_concern_is_taken_though_it_is_on_another_list(label: str) -> None:
    assert at_concern().say(label, "reputation").slots["concern"] == "impersonation"


def test_what_else_was_told_is_offered_when_the_first_is_done() -> None:
    talk = heard(at_concern(), ("impersonation", 0.5), also=("impersonation", "threats"))
    talk.press("Fake account").says("staff", "no", "3")
    talk.say("no")
    assert talk.conversation is not None
    assert talk.conversation.also == ("threats",)


def test_what_is_told_first_is_kept_over_the_first_questions() -> None:
    talk = heard(Talk(helpline(EXTRA)), ("impersonation", 0.5), also=("impersonation", "threats")).says("no", "Wales")
    assert talk.conversation is not None
    assert talk.conversation.also == ("impersonation", "threats")


def test_starting_again_forgets_what_else_was_told() -> None:
    talk = heard(at_concern(), ("impersonation", 0.5), also=("impersonation", "threats")).say("start again")
    assert talk.conversation is not None
    assert talk.conversation.also == ()


def test_a_deep_link_in_the_middle_of_another_flow_is_asked_about_at_once() -> None:
    talk = at_concern().press("Bad words about us").open("impersonation")
    assert talk.choices == ["Fake account", "None of these"]
    assert talk.press("Fake account").said == ["utter_ask_fake_of"]


def test_refusing_that_link_asks_the_open_question_again() -> None:
    talk = at_concern().press("Bad words about us").open("impersonation").say("none of these")
    assert talk.said == ["utter_ask_platform"]


def test_a_split_question_must_tell_concerns_apart() -> None:
    same = EXTRA.replace("concern=reputation", "concern=impersonation")
    assert "split" in [each.code for each in load_files(files(same)).complaints]
