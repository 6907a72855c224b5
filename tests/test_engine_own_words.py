"""Words the engine reads as people type them: requests with lead-ins, roles by other names, what a case passes on."""

from pathlib import Path

import pytest

from bot.domain import ChannelName, Conversation, ConversationId, HandOver, Intent, Said
from bot.engine import clarifying
from bot.engine.commands import asked_for
from bot.engine.index import index_of
from bot.engine.walk import Walk
from bot.engine.words import normal, without
from bot.hearing import words_of
from bot.library.load import load
from bot.library.model import Library
from bot.pack import pack_of
from tests.builders import NOON, at_concern, at_fake_of

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def library() -> Library:
    found = load(ROOT).library
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("can i just speak to a human please", "speak to a human"),
        ("please please stop", "stop"),
        ("please", "please"),
        ("pleased to meet you", "pleased to meet you"),
    ],
)
def test_lead_ins_are_taken_from_both_ends_only_as_whole_words(text: str, left: str) -> None:
    assert without(text, ("can i", "please", "just")) == left


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("get me a human being", "pattern_human_handoff"),
        ("Call me", "pattern_human_handoff"),
        ("could i please go back", "pattern_back"),
        ("what can i do about a fake account", None),
        ("please can i ask why pupils go back online", None),
        ("a stranger asked her to call me", None),
        ("i need a person who knows how tiktok reports work in schools", None),
    ],
)
def test_a_command_stands_in_a_short_request(library: Library, text: str, pattern: str | None) -> None:
    assert asked_for(index_of(library), normal(text)) == pattern


def test_commands_are_no_words_of_a_case_and_words_of_danger_are(library: Library) -> None:
    told = ["a fake tiktok of a teacher", "why do you ask?", "Can I go back please", "a child is in danger"]
    hand_over = HandOver(2, "asked", "start", "ask_role", (), None)
    case = pack_of(library, ConversationId(1), ChannelName("web"), Conversation(library.version), hand_over, told)
    assert case.pack.words == (told[0], told[3])


def test_out_of_scope_is_offered_only_when_nothing_else_was_heard(library: Library) -> None:
    walk = Walk(library, Conversation(library.version), NOON)
    fake, other = Intent("impersonation", 0.9), Intent("out_of_scope", 0.8)
    walk.intents = (fake, other)
    assert [each.flow.id for each in clarifying.heard_flows(walk)] == ["impersonation"]
    walk.intents = (other,)
    assert [each.flow.id for each in clarifying.heard_flows(walk)] == ["wrong_place"]


def test_answers_to_change_show_the_question_up_to_its_mark() -> None:
    talk = at_fake_of().say("staff").say("change an answer")
    assert all("?" not in choice.partition("? ")[2] for choice in talk.choices[:-1])
    assert talk.choices[1] == "Where are you? Wales"


def test_a_child_s_later_words_are_not_kept_and_an_adult_s_are(library: Library) -> None:
    said = Said("they wont stop", NOON)
    assert words_of(said, library, Conversation(library.version, slots={"child_writing": True})) is None
    assert words_of(said, library, Conversation(library.version)) == "they wont stop"


@pytest.mark.parametrize(("answer", "question"), [("yes", "utter_ask_fake_of"), ("no", "utter_ask_concern")])
def test_yes_takes_the_only_guess_and_no_refuses_it(answer: str, question: str) -> None:
    talk = at_concern().hear(Said("someone copied us", NOON, intents=(Intent("impersonation", 0.9),)))
    assert talk.said == ["utter_ask_clarification"]
    assert talk.say(answer).said == [question]
