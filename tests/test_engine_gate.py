"""Danger first, children met kindly, nothing masked or refused in silence."""

from bot.domain import Gate, MediaKind, Said
from tests.builders import NOON, Talk, at_fake_of


def test_danger_words_show_the_screen_and_are_not_an_answer() -> None:
    talk = at_fake_of().say("A child", gate=Gate.DANGER)
    assert talk.said == ["utter_page_danger_now", "utter_ask_danger_seen"]
    assert "fake_of" not in talk.slots
    assert talk.press("Carry on").said == ["utter_ask_fake_of"]


def test_without_danger_the_same_words_are_an_answer() -> None:
    assert at_fake_of().say("A child").slots["fake_of"] == "child"


def test_danger_in_the_first_words_comes_before_the_greeting_and_keeps_what_they_were_about() -> None:
    talk = Talk().say("she is going to do it now", "impersonation", gate=Gate.DANGER)
    assert talk.said == ["utter_page_danger_now", "utter_ask_danger_seen"]
    assert talk.say("carry on").said == ["utter_hello", "utter_ask_danger"]
    assert talk.says("no", "Wales").said == ["utter_ask_clarification"]


def test_a_danger_word_on_the_danger_screen_shows_it_again() -> None:
    talk = at_fake_of().say("help him", gate=Gate.DANGER).say("he is here", gate=Gate.DANGER)
    assert talk.said == ["utter_page_danger_now", "utter_ask_danger_seen"]
    assert talk.say("carry on").said == ["utter_ask_fake_of"]


def test_what_was_masked_is_told_after_the_danger_screen_never_before() -> None:
    talk = at_fake_of().say("[name] will die", gate=Gate.DANGER, masked=("name",))
    assert talk.said == ["utter_page_danger_now", "utter_masked", "utter_ask_danger_seen"]


def test_danger_is_shown_when_nothing_is_open() -> None:
    talk = at_fake_of().says("staff", "no", "3", "no").say("now", gate=Gate.DANGER)
    assert talk.said[0] == "utter_page_danger_now"


def test_a_child_ends_everything_and_nothing_of_the_words_is_kept() -> None:
    talk = at_fake_of().say("im 12 A child", "impersonation", gate=Gate.CHILD, masked=("name",))
    assert talk.said == ["utter_child"]
    assert talk.at == ""
    assert not talk.outcome.to_people
    assert talk.conversation is not None
    assert talk.conversation.intents == ()
    assert "fake_of" not in talk.slots


def test_what_a_child_writes_to_waiting_people_is_not_passed_on() -> None:
    talk = at_fake_of().says("talk to a person", "yes")
    assert talk.say("more").outcome.to_people
    assert not talk.say("im 12", gate=Gate.CHILD).outcome.to_people


def test_a_picture_is_refused_and_the_question_repeated() -> None:
    talk = at_fake_of().send(MediaKind.PHOTO)
    assert talk.said == ["utter_no_media", "utter_ask_fake_of"]
    assert talk.words(talk.outcome.replies[0]) == "We cannot take a photo."


def test_a_picture_as_the_first_thing_is_refused_before_the_greeting() -> None:
    assert Talk().send(MediaKind.VIDEO).said == ["utter_no_media", "utter_hello", "utter_ask_danger"]


def test_what_was_masked_is_told_first_in_words() -> None:
    talk = at_fake_of().say("staff", masked=("name", "phone", "unknown_kind"))
    assert talk.said == ["utter_masked", "utter_ask_contacting"]
    assert talk.words(talk.outcome.replies[0]) == "We took out: names, phone numbers."


def test_a_cut_text_is_told() -> None:
    assert at_fake_of().hear(Said("staff", NOON, cut=True)).said == ["utter_cut", "utter_ask_contacting"]
