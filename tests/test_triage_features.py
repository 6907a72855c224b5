"""What of a message is compared: stems, runs of letters, neighbours; and nothing of what it denies."""

import pytest

from bot.triage.features import MAX_WORDS, features_of, words_of


def _stems(text: str) -> list[str]:
    return [feature[2:] for feature in features_of(text, {}) if feature.startswith("s ")]


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("no nudes involved", ["nud", "involv"]),
        ("it is not a fake account, it is their own", ["a", "fake", "account", "it"]),
        ("it is not an account in our name", ["an", "account", "in", "our"]),
        ("this isn't bullying", ["bully"]),
        ("sent without threats", ["threat"]),
    ],
)
def test_what_is_denied_is_marked_as_denied(text: str, denied: list[str]) -> None:
    assert [stem.removeprefix("not-") for stem in _stems(text) if stem.startswith("not-")] == denied


@pytest.mark.parametrize(
    "text",
    [
        "fake account of our head",
        "he will not stop messaging",
        "they could not remove the post",
        "we are not sure if it is fake",
        "no one will help with the nudes",
        "not only nudes",
        "she does not want nudes shared",
    ],
)
def test_what_is_said_of_a_deed_or_in_doubt_is_not_denied(text: str) -> None:
    marked = [stem for stem in _stems(text) if stem.startswith("not-")]
    assert not {"not-fake", "not-nud", "not-remov", "not-messag", "not-stop", "not-post"} & set(marked)


def test_a_denial_ends_with_its_sentence_and_at_a_turn() -> None:
    assert "fake" in _stems("it is not ours. fake account")
    assert "parody" in _stems("not fake but a parody")


def test_slips_and_endings_share_runs_of_letters() -> None:
    assert len(set(features_of("filterring", {})) & set(features_of("filters", {}))) >= 4


def test_words_keep_how_they_were_written() -> None:
    assert [word.written for word in words_of("FAKE Café acc!! it's our Head’s")] == [
        "FAKE", "Café", "acc", "it's", "our", "Head's",
    ]  # fmt: skip
    assert [word.written for word in words_of("fake it's") if word.telling] == ["fake"]


def test_a_long_message_is_read_up_to_a_limit() -> None:
    assert len(words_of("word " * (MAX_WORDS + 50))) == MAX_WORDS


def test_known_words_change_nothing() -> None:
    known: dict[str, tuple[str, tuple[str, ...]]] = {}
    assert (
        features_of("fake fakes fake", known)
        == features_of("fake fakes fake", known)
        == features_of("fake fakes fake", {})
    )
