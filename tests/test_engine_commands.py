"""What may be said at every step: back, start again, why, stop, help, the other language."""

import pytest

from tests.builders import PATTERNS, Talk, at_concern, at_fake_of, files, loaded


def test_back_asks_the_last_answered_question_again() -> None:
    talk = at_fake_of().say("staff").say("back")
    assert talk.said == ["utter_ask_fake_of"]
    assert "fake_of" not in talk.slots
    assert talk.conversation is not None
    assert [answer.slot for answer in talk.conversation.answers] == ["danger", "nation", "concern"]


def test_back_crosses_into_the_flow_that_linked_here() -> None:
    talk = at_fake_of().say("go back")
    assert talk.said == ["utter_ask_concern"]
    assert talk.at.startswith("start/")


def test_back_again_and_again_ends_at_the_first_question() -> None:
    talk = at_fake_of().says("back", "back", "back")
    assert talk.said == ["utter_ask_danger"]
    assert talk.say("back").said == ["utter_nothing_to_go_back_to", "utter_ask_danger"]


def test_back_leaves_a_hand_over_that_interrupted() -> None:
    talk = at_fake_of().say("talk to a person").say("back")
    assert talk.said == ["utter_ask_fake_of"]
    assert talk.conversation is not None
    assert talk.conversation.handing_over is None


def test_an_answer_can_be_changed_and_is_asked_again() -> None:
    talk = at_fake_of().say("staff").say("change an answer")
    assert talk.said == ["utter_ask_change_answer"]
    assert talk.choices[1:3] == ["Where are you? Wales", "What is it about? A fake account"]
    talk.press("Where are you? Wales")
    assert talk.said == ["utter_ask_nation"]
    assert "nation" not in talk.slots
    assert "concern" not in talk.slots
    assert talk.say("England").said == ["utter_ask_concern"]


def test_none_of_the_answers_leads_back_to_the_question() -> None:
    assert at_fake_of().says("change an answer", "none of these").said == ["utter_ask_fake_of"]


def test_the_list_of_answers_is_shown_again_when_the_words_fit_none_and_then_given_up() -> None:
    talk = at_fake_of().says("change an answer", "zzz")
    assert talk.said == ["utter_not_understood", "utter_ask_change_answer"]
    assert talk.says("zzz", "zzz").said == ["utter_not_understood", "utter_ask_fake_of"]


def test_with_no_answers_there_is_none_to_change() -> None:
    assert Talk().open().say("change an answer").said == ["utter_nothing_to_go_back_to", "utter_ask_danger"]


def test_start_again_forgets_the_answers_and_greets() -> None:
    talk = at_fake_of().say("start again")
    assert talk.said == ["utter_hello", "utter_ask_danger"]
    assert talk.slots == {"service_open": False}
    assert talk.conversation is not None
    assert talk.conversation.answers == ()
    assert talk.conversation.checkpoints == ()


def test_why_says_the_reason_and_asks_again() -> None:
    talk = at_fake_of().say("why do you ask?")
    assert talk.said == ["utter_why", "utter_ask_fake_of"]
    assert talk.words(talk.outcome.replies[0]) == "Because: It changes who can report it."


def test_stop_ends_and_asks_for_the_words_to_be_forgotten() -> None:
    talk = at_fake_of().say("stop")
    assert talk.said == ["utter_stopped"]
    assert talk.deletes
    assert talk.conversation is not None
    assert talk.conversation.ended
    assert (talk.conversation.stack, talk.conversation.slots, talk.conversation.answers) == ((), {}, ())


def test_only_stop_deletes() -> None:
    assert not at_fake_of().say("help").deletes


def test_after_stop_new_words_begin_a_new_conversation_whose_tokens_are_new() -> None:
    talk = at_fake_of()
    old = talk.token("A child")
    talk.say("stop").say("hello")
    assert talk.said == ["utter_hello", "utter_ask_danger"]
    assert talk.conversation is not None
    assert not talk.conversation.ended
    assert old not in {offer.token for offer in talk.conversation.offers}


def test_repeat_asks_the_open_question_again() -> None:
    assert at_fake_of().say("repeat that").said == ["utter_ask_fake_of"]


def test_help_interrupts_and_the_question_follows() -> None:
    assert at_fake_of().command("help").said == ["utter_help", "utter_ask_fake_of"]


def test_a_standing_commands_button_is_good_at_once() -> None:
    assert Talk().command("help").said[:1] == ["utter_help"]


@pytest.mark.parametrize("intent", ["nonsense", "impersonation", ""])
def test_only_commands_have_standing_buttons(intent: str) -> None:
    assert at_fake_of().command(intent).said == ["utter_old_button", "utter_ask_fake_of"]


def test_a_mistyped_command_is_understood_when_it_is_long_enough() -> None:
    assert at_fake_of().say("start agian").said == ["utter_hello", "utter_ask_danger"]
    assert at_fake_of().say("hepl").said == ["utter_not_understood", "utter_ask_fake_of"]


def test_a_choice_with_a_commands_words_wins() -> None:
    talk = at_fake_of().say("danger now")
    assert talk.press("Carry on").said == ["utter_ask_fake_of"]


def test_a_text_question_takes_words_that_only_resemble_a_command() -> None:
    talk = at_concern().press("Bad words about us").says("TikTok", "many")
    assert talk.say("start agian").slots["what_happened"] == "start agian"


def test_the_other_language_is_spoken_from_then_on() -> None:
    talk = Talk().open().say("cymraeg")
    assert talk.said == ["utter_language", "utter_ask_danger"]
    assert talk.words() == "Oes rhywun mewn perygl?"
    assert talk.choices == ["Oes", "I am not sure", "Nac oes"]
    assert talk.say("nac oes").slots["danger"] == "no"
    assert talk.say("/language").outcome.replies[-1].language == "en"


def test_a_command_that_needs_an_action_comes_back_to_the_question() -> None:
    talk = at_fake_of().say("my record")
    assert talk.outcome.action is not None
    assert talk.action_done("action_record_of_advice").said == ["utter_ask_fake_of"]
    assert talk.say("staff").said == ["utter_ask_contacting"]


def test_patterns_do_not_pile_up() -> None:
    talk = at_fake_of()
    for _ in range(10):
        talk.say("talk to a person").say("danger now")
    assert talk.conversation is not None
    assert len(talk.conversation.stack) <= 3


CANCELS = PATTERNS.replace(
    "    description: Cancels.\n",
    "    description: Cancels.\n    nlu_trigger: [{intent: cancel}]\n    metadata: {firstline: {examples: [cancel]}}\n",
)


def that_cancels() -> Talk:
    return Talk(loaded(files(patterns=CANCELS)))


def test_nothing_is_cancelled_before_anything_has_started() -> None:
    """The greeting and the question about danger come first, whatever is typed or pressed."""
    assert that_cancels().say("cancel").said == ["utter_hello", "utter_ask_danger"]
    assert that_cancels().command("cancel").said == ["utter_hello", "utter_ask_danger"]


def test_cancelling_ends_what_people_were_asked_for_and_what_it_was_about() -> None:
    talk = that_cancels().open().says("no", "Wales", "A fake account", "talk to a person", "cancel")
    assert talk.said == ["utter_cancelled", "utter_anything_else"]
    assert talk.conversation is not None
    assert (talk.conversation.handing_over, talk.conversation.stack) == (None, ())


def test_nothing_is_cancelled_while_people_have_the_word() -> None:
    talk = that_cancels().open().says("no", "Wales", "A fake account", "talk to a person", "yes", "cancel")
    assert talk.said == ["utter_added_to_case"]
    assert talk.conversation is not None
    assert talk.conversation.with_people
