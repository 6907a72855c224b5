"""What triage heard is confirmed: one guess, a question that tells two apart, or a choice; and nothing told is lost."""

from dataclasses import replace
from functools import lru_cache

import msgspec
import pytest

from bot.domain import Conversation, Gate, Intent, Said
from bot.library.load import load_files
from bot.library.model import Library
from tests.builders import NOON, PATTERNS, Talk, files, helpline, loaded

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


def test_words_that_no_example_has_are_never_said_nor_kept() -> None:
    """A name may look like a word of an example; only editors' words are shown and stored."""
    talk = heard(at_concern(), ("impersonation", 0.5), because="Pickering, fake, Fakenham")
    assert talk.words(talk.outcome.replies[0]) == "You wrote fake."
    assert "Pickering" not in repr(talk.outcome)
    talk = heard(at_concern(), ("impersonation", 0.5), because="Pickering")
    assert talk.said == ["utter_ask_clarification"]
    assert "Pickering" not in repr(heard(Talk(helpline(EXTRA)), ("impersonation", 0.5), because="Pickering").outcome)


def test_the_words_it_went_by_are_those_of_what_is_offered() -> None:
    intents = (Intent("guarded", 0.9, "something"), Intent("impersonation", 0.5, "fake"))
    talk = Talk(helpline(EXTRA)).open().says("no", "England").hear(Said("what happened", NOON, intents=intents))
    assert talk.choices == ["Fake account", "None of these"]
    assert talk.words(talk.outcome.replies[0]) == "You wrote fake."


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


def test_a_conversation_kept_before_this_was_noted_goes_on() -> None:
    conversation = heard(at_concern(), ("impersonation", 0.5), also=ALSO).conversation
    state = msgspec.to_builtins(conversation)
    del state["also"]
    for intent in state["intents"]:
        del intent["because"]
    before = Talk(helpline(EXTRA), msgspec.convert(state, Conversation))
    assert before.press("Fake account").said == ["utter_ask_fake_of"]
    assert before.conversation is not None
    assert before.conversation.also == ()


def test_what_is_told_first_is_kept_over_the_first_questions() -> None:
    talk = heard(Talk(helpline(EXTRA)), ("impersonation", 0.5), also=("impersonation", "threats")).says("no", "Wales")
    assert talk.conversation is not None
    assert talk.conversation.also == ("impersonation", "threats")


ALSO = ("impersonation", "threats")
PATTERNS_THAT_ASK = PATTERNS.replace(
    "      - action: utter_anything_else",
    "      - {collect: more, ask_before_filling: true, next: [{if: slots.more, then: again}, {else: END}]}\n"
    "      - {id: again, link: start}",
)
MORE = """  {concern}:
    name: About {concern}
    description: More.
    nlu_trigger: [{{intent: {concern}}}]
    metadata: {{firstline: {{concern: {concern}, examples: [something about {concern}]}}}}
    steps: [{{action: utter_done}}]
"""
ASKS_MORE = """
slots: {more: {type: bool}}
responses:
  utter_ask_more: [{text: Anything else?}]
"""


@lru_cache
def that_asks() -> Library:
    """The small helpline; what has ended is followed by a question."""
    return loaded({**files(EXTRA, patterns=PATTERNS_THAT_ASK), "flows/more.yml": ASKS_MORE.encode()})


def done_with_first(also: tuple[str, ...] = ALSO) -> Talk:
    """A fake account was looked at to its end; other worries were told beside it."""
    talk = heard(Talk(that_asks()).open().says("no", "Wales"), ("impersonation", 0.5), also=also)
    return talk.press("Fake account").says("staff", "no", "3", "No")


def test_what_else_was_told_stands_above_the_choices_of_the_last_question() -> None:
    talk = done_with_first()
    assert talk.said[-2:] == ["utter_also_told", "utter_ask_more"]
    assert talk.choices == ["Fights", "Yes", "No"]


@pytest.mark.parametrize("words", ["1", "fights", "FIGHTS!"])
def test_what_else_was_told_can_be_typed(words: str) -> None:
    talk = done_with_first().say(words)
    assert ("flow_started", "fights") in talk.outcome.events
    assert talk.choices == ["Yes", "No"]
    assert talk.conversation is not None
    assert talk.conversation.also == ()


def test_what_else_was_told_can_be_pressed_and_stays_pressable_after_an_aside() -> None:
    talk = done_with_first()
    token = talk.token("Fights")
    assert talk.say("why").choices == ["Fights", "Yes", "No"]
    assert talk.token("Fights") == token
    assert ("flow_started", "fights") in talk.press("Fights").outcome.events


def test_another_worry_first_does_not_lose_what_else_was_told() -> None:
    talk = done_with_first().say("yes")
    assert ("flow_started", "start") in talk.outcome.events
    assert talk.conversation is not None
    assert talk.conversation.also == ("threats",)


def test_what_else_was_told_is_offered_after_people_have_finished() -> None:
    talk = done_with_first().says("talk to a person", "yes").people_end(closed=True)
    assert talk.choices == ["Fights", "Yes", "No"]


def test_what_is_told_to_people_is_not_offered_by_the_bot_afterwards() -> None:
    talk = done_with_first(()).says("talk to a person", "yes")
    assert heard(talk, also=ALSO).people_end(closed=True).choices == ["Yes", "No"]


def test_nothing_a_child_tells_is_kept() -> None:
    again = "flows: {pattern_child_again: {description: Childline., steps: [{action: utter_child}]}}"
    library = loaded({**files(EXTRA), "flows/again.yml": again.encode()})
    talk = heard(Talk(library).open().says("no", "Wales"), also=ALSO).say("i am 12", gate=Gate.CHILD)
    assert talk.conversation is not None
    assert talk.conversation.also == ()
    child = replace(talk.conversation, stack=(), waiting=False, slots={**talk.slots, "child_writing": True})
    talk = heard(Talk(library, child), ("impersonation", 0.5), also=ALSO)
    assert talk.said == ["utter_child"]
    assert talk.conversation is not None
    assert talk.conversation.also == ()


def test_what_an_edited_message_tells_is_not_offered() -> None:
    talk = Talk(that_asks()).open().says("no", "Wales").hear(Said("changed", NOON, also=ALSO, edited=True))
    assert talk.conversation is not None
    assert talk.conversation.also == ()


def test_what_was_told_before_is_kept_when_more_is_told() -> None:
    talk = heard(at_concern(), ("impersonation", 0.5), also=ALSO)
    talk = heard(talk, ("reputation", 0.5), also=("reputation", "threats"))
    assert talk.conversation is not None
    assert talk.conversation.also == ("impersonation", "threats", "reputation")


def test_what_the_enquirer_is_busy_with_is_not_told_besides() -> None:
    talk = heard(at_concern().press("A fake account"), also=ALSO)
    assert talk.conversation is not None
    assert talk.conversation.also == ("threats",)


def test_no_more_than_three_worries_are_offered_at_once_and_only_those_that_may_start() -> None:
    more = "".join(MORE.format(concern=concern) for concern in ("hate", "privacy", "scams", "hacking"))
    shut = EXTRA.replace("  fights:\n", '  fights:\n    if: slots.nation is "england"\n')
    assert shut != EXTRA
    library = loaded(
        {**files(shut, patterns=PATTERNS_THAT_ASK), "flows/more.yml": f"{ASKS_MORE}flows:\n{more}".encode()}
    )
    also = ("impersonation", "threats", "hate", "privacy", "scams", "hacking")
    talk = heard(Talk(library).open().says("no", "Wales"), ("impersonation", 0.5), also=also)
    talk.press("Fake account").says("staff", "no", "3", "No")
    assert talk.choices == ["About hate", "About privacy", "About scams", "Yes", "No"]


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


def test_a_deep_link_never_takes_the_place_of_the_danger_screen() -> None:
    talk = at_concern().press("Bad words about us").say("danger now").open("impersonation")
    assert talk.said[-1] == "utter_ask_danger_seen"
    assert talk.press("Carry on").said == ["utter_ask_platform"]


def test_a_deep_link_that_may_not_start_here_asks_nothing_else() -> None:
    talk = Talk(helpline(EXTRA)).open().says("no", "England").press("Bad words about us").open("guarded")
    assert talk.said == ["utter_ask_platform"]


def test_a_split_question_must_tell_concerns_apart() -> None:
    same = EXTRA.replace("concern=reputation", "concern=impersonation")
    assert "split" in [each.code for each in load_files(files(same)).complaints]
