"""Triage ranks what a message is about by the editors' own examples."""

import pytest

from bot.domain import LibraryVersion
from bot.library.model import Flow, Library, Where
from bot.triage.concern import Ranker, rank, ranker_of

HERE = Where("flows/test.yml", 1)
EXAMPLES = {
    "impersonation": (
        "someone made a fake account in our school's name",
        "a fake profile is pretending to be one of our teachers",
        "cloned instagram account of a member of staff",
    ),
    "reputation": (
        "parents are criticising the head in a facebook group",
        "bad google reviews about our school",
        "negative comments and rumours about staff online",
    ),
    "scams": ("a pupil spent hundreds of pounds on robux", "money mule", "gambling and skins in games"),
    "policy_filtering": ("how often should we review filtering", "training for staff on online safety"),
}


def _flow(name: str, examples: tuple[str, ...], cy: tuple[str, ...] = (), prefix: str = "") -> Flow:
    return Flow(
        id=prefix + name, name=name, description=name, first="a", steps={}, where=HERE, intents=(name, f"{name}_too"),
        examples={"en": examples, "cy": cy},
    )  # fmt: skip


def _library(flows: list[Flow] | None = None) -> Library:
    flows = flows if flows is not None else [_flow(name, examples) for name, examples in EXAMPLES.items()]
    return Library(LibraryVersion("test"), {flow.id: flow for flow in flows}, {}, {}, {}, {})


LIBRARY = _library()


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Somebody has set up a fake tiktok account pretending to be me", "impersonation"),
        ("fakeaccount of our teacher", "impersonation"),
        ("parents criticise us on facebook", "reputation"),
        ("he spent £640 on Robux!!", "scams"),
        ("when do we reveiw our filterring?", "policy_filtering"),
    ],
)
def test_the_nearest_concern_comes_first(text: str, intent: str) -> None:
    assert rank(text, LIBRARY)[0].name == intent


def test_at_most_three_come_back_best_first_with_scores_from_0_to_1() -> None:
    ranked = rank("fake account with bad comments, training about games and money for staff", LIBRARY)
    assert len(ranked) == 3
    assert [each.score for each in ranked] == sorted((each.score for each in ranked), reverse=True)
    assert all(0 <= each.score <= 1 for each in ranked)


def test_an_example_itself_scores_high_and_says_why() -> None:
    (best, *_) = rank("money mule", LIBRARY)
    assert best.score > 0.5
    assert set(best.because.split(", ")) == {"money", "mule"}


def test_because_names_whole_words_as_they_were_written() -> None:
    (best, *_) = rank("Somebody CLONED our headteachers Insta-gram accounts!!", LIBRARY)
    assert best.name == "impersonation"
    assert set(best.because.split(", ")) <= {"Somebody", "CLONED", "headteachers", "Insta", "gram", "accounts"}
    assert "CLONED" in best.because


def test_because_names_no_dull_word_and_none_that_is_denied() -> None:
    said = rank("they are criticising the head in a group, it is not a fake account", LIBRARY)
    words = {word for each in said for word in each.because.split(", ")}
    assert not words & {"the", "in", "a", "it", "is", "not", "fake", "account"}


def test_what_is_denied_does_not_count_for_its_concern() -> None:
    assert rank("fake account and bad reviews", LIBRARY)[0].name == "impersonation"
    assert rank("not a fake account, bad reviews of our school", LIBRARY)[0].name == "reputation"


@pytest.mark.parametrize(("other", "first"), [("privacy", "cyberbullying"), ("nudes", "nudes")])
def test_of_two_close_concerns_the_graver_goes_first(other: str, first: str) -> None:
    """Each has one word of the message; only the graver may go before the one that is first by name."""
    library = _library([_flow("cyberbullying", ("lemon",)), _flow(other, ("grape",))])
    assert rank("about grape lemon", library)[0].name == first


@pytest.mark.parametrize("text", ["", "asdfgh qwerty", "!!!", "[name] [phone]", "the and of", "zzz " * 500])
def test_nothing_heard_is_nothing_guessed(text: str) -> None:
    assert rank(text, LIBRARY) == ()


def test_tags_of_masked_data_tell_nothing() -> None:
    assert rank("fake account [handle] [name]", LIBRARY) == rank("fake account", LIBRARY)


def test_patterns_and_flows_without_examples_or_intents_are_never_meant() -> None:
    silent = Flow(id="x", name="x", description="", first="a", steps={}, where=HERE, examples={"en": ("hello",)})
    library = _library([_flow("stop", ("stop",), prefix="pattern_"), _flow("empty", ()), silent])
    assert rank("stop hello empty", library) == ()


def test_examples_in_welsh_are_heard_too() -> None:
    library = _library(
        [_flow("impersonation", ("fake account",), ("cyfrif ffug yn enw'r ysgol",)), _flow("x", ("other",))]
    )
    assert rank("mae cyfrif ffug", library)[0].name == "impersonation"


def test_a_ranker_is_made_once_for_each_library_even_of_one_version() -> None:
    other = _library([_flow("impersonation", ("something else",))])
    assert ranker_of(LIBRARY) is ranker_of(LIBRARY)
    assert ranker_of(other) is not ranker_of(LIBRARY)


def test_ranking_is_always_the_same() -> None:
    assert rank("staff account online", LIBRARY) == Ranker(LIBRARY.flows.values()).rank("staff account online")
