"""What goes with a hand-over: the enquirer's own words, and not what is said by their answers already."""

from datetime import UTC, datetime

import pytest

from bot.channels.contract import WEB
from bot.domain import Answered, Conversation, ConversationId, HandOver
from bot.engine.index import index_of
from bot.pack import pack_of
from tests.builders import helpline

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def packed(words: list[str]) -> tuple[str, ...]:
    library = helpline()
    answer = Answered("start", "role", "role", "head", "Head or senior leader", NOON)
    conversation = Conversation(library.version, answers=(answer,))
    case = pack_of(library, ConversationId(1), WEB, conversation, HandOver(3, "asked", "start", "role"), words)
    return case.pack.words


@pytest.mark.parametrize("said", ["yes", "No", "2", "head or senior leader", "don't know"])
def test_an_answer_is_not_repeated_among_own_words(said: str) -> None:
    assert packed([said, "a fake page about our head"]) == ("a fake page about our head",)


@pytest.mark.parametrize("said", ["he has a knife", "no, it was yesterday", "danger now"])
def test_words_that_tell_something_are_kept(said: str) -> None:
    assert packed([said]) == (said,)


def test_our_own_labels_around_a_topic_are_no_own_words() -> None:
    library = helpline()
    flows = {flow for flow, _ in index_of(library).labels if library.flows[flow].is_pattern}
    assert flows, "the small helpline asks nothing in its patterns"
    label = next(label for (flow, _), labels in index_of(library).labels.items() if flow in flows for label in labels)
    assert packed([label, "a fake page about our head"]) == ("a fake page about our head",)
