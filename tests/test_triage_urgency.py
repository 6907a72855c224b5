"""What is close, what is graver, and what cannot wait."""

from pathlib import Path

import pytest

from bot.domain import Gate, Intent
from bot.triage.lexicon import UrgentWords, Words
from bot.triage.urgency import CLOSE, WARY, UrgentSense, graver_first, is_urgent
from bot.triage.words import load_words, words_in

WORDS = Path(__file__).parent.parent / "content" / "words"


def _ranked(*scores: tuple[str, float]) -> list[Intent]:
    return [Intent(name, score) for name, score in scores]


def test_of_two_close_concerns_the_graver_goes_first_with_the_better_score() -> None:
    ranked = graver_first(_ranked(("cyberbullying", 0.5), ("nudes", CLOSE * 0.5), ("hate", 0.1)), {})
    assert [(each.name, each.score) for each in ranked] == [("nudes", 0.5), ("cyberbullying", 0.5), ("hate", 0.1)]


def test_one_that_is_not_close_stays_behind() -> None:
    ranked = _ranked(("cyberbullying", 0.5), ("nudes", CLOSE * 0.5 - 0.01))
    assert graver_first(ranked, {}) == tuple(ranked)


def test_of_two_as_grave_the_likelier_stays_first() -> None:
    ranked = _ranked(("nudes", 0.5), ("sextortion", 0.49))
    assert graver_first(ranked, {}) == tuple(ranked)
    assert graver_first([], {}) == ()


def test_gravity_is_the_concerns_not_the_names() -> None:
    ranked = graver_first(_ranked(("hate", 0.5), ("pictures", 0.49)), {"pictures": "nudes"})
    assert ranked[0].name == "pictures"


def test_a_grave_concern_not_far_behind_makes_a_message_urgent() -> None:
    assert is_urgent(Gate.NONE, [("hate", 0.5), ("threats", WARY * 0.5)])
    assert not is_urgent(Gate.NONE, [("hate", 0.5), ("threats", WARY * 0.5 - 0.01)])
    assert not is_urgent(Gate.NONE, [])


@pytest.mark.parametrize("gate", [Gate.DANGER, Gate.CHILD])
def test_the_gate_and_the_editors_phrases_make_it_urgent_whatever_the_topic(gate: Gate) -> None:
    assert is_urgent(gate, [("age_controls", 0.9)])
    assert is_urgent(Gate.NONE, [("age_controls", 0.9)], "blackmail*")
    assert not is_urgent(Gate.NONE, [("age_controls", 0.9)])


@pytest.mark.parametrize(
    "text",
    [
        "they have worked out where she lives",
        "he is planning to meet someone",
        "she says it is blackmail",
        "he fainted and went to hospital",
        "mae hi mewn perygl heno",
    ],
)
def test_what_cannot_wait_is_seen_by_the_editors_words(text: str) -> None:
    assert UrgentSense(load_words(WORDS)).today(text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("she is on the roof and wont come down", True),
        ("he has swallowed a load of tablets", True),
        ("she is on the roof in the photo from last week", False),
        ("a lad has a picture of a roof", False),
    ],
)
def test_what_is_happening_is_told_from_what_is_past(text: str, seen: bool) -> None:
    assert bool(UrgentSense(load_words(WORDS)).happening(text)) is seen


def test_without_words_nothing_is_seen() -> None:
    sense = UrgentSense(Words())
    assert sense.today("blackmail") is None
    assert sense.happening("on the roof") is None


def test_a_library_from_before_the_list_is_read_without_it() -> None:
    files = {f"content/words/{file.name}": file.read_bytes() for file in WORDS.glob("*.yml")}
    assert words_in(files).urgent.today
    del files["content/words/urgent.yml"]
    assert words_in(files).urgent == UrgentWords()
