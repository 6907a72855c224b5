"""Handing over: what is prepared, what happens while people have the word, and how the bot gets it back."""

from bot.domain import Gate
from tests.builders import Talk, at_concern, at_fake_of


def waiting() -> Talk:
    return at_fake_of().says("staff", "talk to a person", "yes")


def test_asking_for_a_person_asks_for_consent_first() -> None:
    talk = at_fake_of().say("staff").say("talk to a person")
    assert talk.said == ["utter_ask_consent"]
    assert talk.outcome.hand_over is None
    assert talk.conversation is not None
    assert not talk.conversation.with_people


def test_consent_hands_over_with_every_answer() -> None:
    made = waiting().outcome.hand_over
    assert made is not None
    assert (made.tier, made.reason, made.concern) == (3, "asked for a person", "impersonation")
    assert (made.flow, made.step) == ("impersonation", "impersonation_1_collect_contacting")
    assert [answer.slot for answer in made.answers] == ["danger", "nation", "concern", "fake_of"]


def test_no_consent_hands_nothing_over_and_goes_on() -> None:
    talk = at_fake_of().says("talk to a person", "no")
    assert talk.said == ["utter_not_handed_over", "utter_ask_fake_of"]
    assert talk.outcome.hand_over is None
    assert talk.conversation is not None
    assert talk.conversation.handing_over is None


def test_a_flow_hands_over_the_answers_it_names() -> None:
    talk = at_fake_of().says("staff", "no", "3", "they refused")
    assert talk.said == ["utter_ask_consent"]
    made = talk.say("yes").outcome.hand_over
    assert made is not None
    assert (made.tier, made.reason, made.step) == (2, "Reported and still up", "to_people")
    assert [answer.slot for answer in made.answers] == ["fake_of", "reported"]


def test_asking_for_a_person_while_a_flow_hands_over_keeps_its_reason() -> None:
    talk = at_fake_of().says("staff", "no", "3", "they refused", "talk to a person", "yes")
    assert talk.outcome.hand_over is not None
    assert talk.outcome.hand_over.reason == "Reported and still up"


def test_back_from_a_flows_hand_over_asks_its_last_question_again() -> None:
    talk = at_fake_of().says("staff", "no", "3", "they refused", "back")
    assert talk.said == ["utter_ask_reported"]
    assert talk.conversation is not None
    assert talk.conversation.handing_over is None


def test_while_people_have_the_word_words_go_to_the_case() -> None:
    talk = waiting().say("it is getting worse")
    assert talk.outcome.to_people
    assert talk.said == ["utter_added_to_case"]
    assert not at_fake_of().say("it is getting worse").outcome.to_people


def test_the_interrupted_question_does_not_take_those_words() -> None:
    talk = waiting().say("yes")
    assert talk.outcome.to_people
    assert "contacting" not in talk.slots


def test_danger_is_still_shown_and_its_words_reach_the_people_too() -> None:
    talk = waiting().say("he is here", gate=Gate.DANGER)
    assert talk.said == ["utter_page_danger_now", "utter_ask_danger_seen"]
    assert talk.outcome.to_people
    assert talk.say("carry on").said in ([], ["utter_added_to_case"])


def test_stop_help_and_record_still_work() -> None:
    assert waiting().say("help").said == ["utter_help"]
    assert waiting().say("my record").outcome.action is not None
    stopped = waiting().say("stop")
    assert stopped.deletes
    assert stopped.conversation is not None
    assert not stopped.conversation.with_people


def test_other_commands_are_words_for_the_people() -> None:
    talk = waiting().say("start again")
    assert talk.outcome.to_people
    assert talk.command("restart").said == ["utter_added_to_case"]


def test_asking_twice_opens_one_case() -> None:
    assert waiting().say("talk to a person").outcome.hand_over is None


def test_a_conversation_given_back_goes_on_where_it_was() -> None:
    talk = waiting().people_end()
    assert talk.said == ["utter_given_back", "utter_ask_contacting"]
    assert talk.words(talk.outcome.replies[0]) == "Your case FL-7 came back."
    assert talk.conversation is not None
    assert not talk.conversation.with_people
    assert talk.say("no").said[0] == "utter_page_report_fake_account"


def test_a_closed_case_says_so_and_asks_for_anything_else() -> None:
    talk = at_fake_of().says("staff", "no", "3", "they refused", "yes").people_end(closed=True)
    assert talk.said == ["utter_case_closed", "utter_anything_else"]


def test_a_case_that_ends_after_stop_is_told_and_nothing_more() -> None:
    talk = waiting().say("stop").people_end(closed=True)
    assert talk.said == ["utter_case_closed"]
    assert talk.conversation is not None
    assert talk.conversation.ended


def test_a_person_can_be_had_when_nothing_is_open() -> None:
    talk = at_concern().press("A fake account").says("staff", "no", "3", "no", "talk to a person", "yes")
    assert talk.outcome.hand_over is not None
    assert talk.outcome.hand_over.flow == "impersonation"
