"""Likeness to examples: learnt by counting, the same each time, never less for a sentence more."""

from hypothesis import given
from hypothesis import strategies as st

from bot.triage.phrases import tokens
from bot.triage.resemblance import Resemblance

ALARMING = ("she is on the bridge", "he is on the roof", "she ran out of the gate", "he ran off to the bridge")
CALM = ("she is on snapchat", "he is on the phone to a parent", "a parent posted on the page", "he posted a review")
KINDS = {"height": ("bridge", "roof", "ledge")}
LIKE = Resemblance(ALARMING, CALM, KINDS, {})
WORDS = st.sampled_from(
    [
        "she",
        "he",
        "is",
        "on",
        "the",
        "bridge",
        "roof",
        "ledge",
        "snapchat",
        "parent",
        "posted",
        "a",
        "review",
        "gate",
        "ran",
        "page",
        ".",
    ]
)


def _score(text: str) -> float:
    return LIKE.of(tokens(text, {})).score


def test_what_is_like_danger_scores_higher_than_what_is_like_everyday_worries() -> None:
    assert _score("he is on the bridge") > 0 > _score("a parent posted a review")


def test_a_kind_carries_what_was_learnt_to_a_word_never_seen() -> None:
    assert _score("the ledge") > _score("the edge")
    assert LIKE.of(("the", "ledge")).because[0] == "<height>"


def test_no_examples_on_one_side_means_no_opinion() -> None:
    assert Resemblance(ALARMING, (), KINDS, {}).of(("bridge",)).score == 0


def test_nothing_said_is_like_nothing() -> None:
    assert LIKE.of(()).score < 0
    assert LIKE.of(()).because == ()


def test_the_same_examples_teach_the_same() -> None:
    again = Resemblance(ALARMING, CALM, KINDS, {})
    assert again.of(("on", "the", "roof")) == LIKE.of(("on", "the", "roof"))


@given(st.lists(WORDS, max_size=90), st.lists(WORDS, max_size=90))
def test_a_sentence_more_never_lowers_the_likeness(said: list[str], more: list[str]) -> None:
    assert LIKE.of([*said, ".", *more]).score >= max(LIKE.of(said).score, LIKE.of(more).score)


def test_a_danger_in_the_middle_of_a_long_story_is_found() -> None:
    story = "a parent posted a review on the page. " * 20
    assert _score(f"{story} he is on the bridge. {story}") == _score("he is on the bridge")
