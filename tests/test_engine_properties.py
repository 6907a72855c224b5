"""Whatever is typed and pressed in whatever order: an answer, no exception, the same every time."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import (
    ActionDone,
    CaseEnded,
    Conversation,
    Gate,
    Heard,
    Intent,
    MediaKind,
    MediaRefused,
    Opened,
    Pressed,
    Said,
    Token,
)
from bot.engine import advance, begin
from bot.engine.render import render
from tests.builders import NOON, TODAY, again, helpline

TYPED = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "yes",
            "no",
            "1",
            "2",
            "3",
            "not sure",
            "staff",
            "wales",
            "back",
            "help",
            "stop",
            "start again",
            "why",
            "talk to a person",
            "change an answer",
            "none of these",
            "cymraeg",
            "danger now",
            "repeat that",
            "my record",
            "no",
            "yes",
            "2",
            "they refused",
            "bad words about us",
            "a fake account",
            "carry on",
        ]
    ),
)
INTENTS = st.lists(
    st.builds(
        Intent,
        st.sampled_from(["impersonation", "reputation", "guarded", "help", "nonsense"]),
        st.floats(0, 1),
        st.sampled_from(["", "fake", "Pickering, fake"]),
    ),
    max_size=3,
).map(tuple)
SAID = st.builds(
    Said,
    TYPED,
    st.just(NOON),
    masked=st.sampled_from([(), ("name",)]),
    cut=st.booleans(),
    gate=st.sampled_from([Gate.NONE] * 8 + [Gate.DANGER, Gate.CHILD]),
    intents=INTENTS,
    also=st.sampled_from([(), ("impersonation", "reputation"), ("reputation", "threats", "impersonation")]),
)
PRESSED = st.one_of(
    st.integers(0, 8), st.text(max_size=6), st.sampled_from(["!help", "!talk_to_person", "!danger_now", "!back"])
)
MOVES = st.one_of(
    SAID,
    PRESSED,
    st.builds(Opened, st.just(NOON), st.sampled_from([None, "impersonation", "guarded", "x"])),
    st.builds(MediaRefused, st.sampled_from(MediaKind), st.just(NOON)),
    st.builds(CaseEnded, st.just(NOON), st.booleans(), st.just("FL-1")),
)


def heard_from(move: Heard | int | str, conversation: Conversation) -> Heard:
    """A number presses the button at that place among those on offer, a text one that may never have been."""
    if isinstance(move, int):
        offers = conversation.offers
        return Pressed(offers[move % len(offers)].token if offers else Token("none"), NOON)
    return Pressed(Token(move), NOON) if isinstance(move, str) else move


@settings(max_examples=120, deadline=None)
@given(st.lists(MOVES, min_size=1, max_size=25))
def test_any_walk_answers_and_repeats_itself_exactly(moves: list[Heard | int | str]) -> None:
    library = helpline()
    conversation = begin(library)
    for move in moves:
        heard = heard_from(move, conversation)
        outcome = advance(library, conversation, heard)
        assert outcome == advance(library, again(conversation), heard)
        assert outcome.trouble is None, outcome.trouble
        assert outcome.replies or outcome.action
        while outcome.action:
            outcome = advance(library, outcome.conversation, ActionDone(outcome.action.action, NOON))
        conversation = outcome.conversation
        assert again(conversation) == conversation
        assert "Pickering" not in repr((conversation.intents, outcome.replies))
        tokens = [offer.token for offer in conversation.offers]
        assert len(set(tokens)) == len(tokens)
        assert all(1 <= len(token) <= 20 for token in tokens)
        assert len(conversation.stack) <= 8
        for reply in outcome.replies:
            assert render(library, reply, "web", TODAY).text


def test_a_conversation_does_not_change_under_the_walk() -> None:
    library = helpline()
    before = advance(library, begin(library), Opened(NOON)).conversation
    kept = again(before)
    advance(library, before, Said("no", NOON))
    assert before == kept
