"""Several worries in one message: the graver first, the other kept; one worry told in two halves is one."""

from pathlib import Path

import pytest

from bot.domain import Intent
from bot.library.load import load
from bot.library.model import Library
from bot.triage.several import heard

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def library() -> Library:
    found = load(ROOT).library
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "concerns"),
    [
        ("boys are posting racist comments about a girl and a nude of her is going round", ("nudes", "hate")),
        (
            "someone made a fake account of our head and parents are leaving nasty reviews of our school",
            None,
        ),
        ("kids are gambling on skins in form time. also a year 8 has been sent nudes by an adult", ("nudes", "scams")),
    ],
)
def test_two_worries_are_both_heard_the_graver_first(
    library: Library, text: str, concerns: tuple[str, ...] | None
) -> None:
    intents, told = heard(text, library)
    assert len(told) == 2
    assert concerns in (None, told)
    assert [intent.name for intent in intents[:2]] == list(told)


@pytest.mark.parametrize(
    "text",
    [
        "how do i report a tiktok and block the account",
        "a pupil was bullied in a group chat, and now she is upset and will not come in",
        "hello",
        "",
        "and and and also plus",
    ],
)
def test_one_worry_in_two_halves_is_one(library: Library, text: str) -> None:
    assert heard(text, library)[1] == ()


def test_what_only_resembles_it_comes_after_what_was_told(library: Library) -> None:
    intents, told = heard("kids are gambling on skins in form time. also a year 8 has been sent nudes", library)
    assert all(isinstance(intent, Intent) for intent in intents)
    assert {intent.name for intent in intents[:2]} == set(told)
