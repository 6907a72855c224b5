"""What goes with a hand-over, so that nobody has to tell it twice: answers, advice already shown, own words."""

import re
from collections.abc import Iterator

from bot.domain import Answered, ChannelName, Conversation, ConversationId, HandOver, Slots, SlotValue
from bot.engine.commands import exactly_asked_for
from bot.engine.index import index_of
from bot.engine.record import answer_of, decisions_of, question_of
from bot.engine.words import normal
from bot.library.model import Library
from handoff.domain import NewCase, Pack, PackAdvice, PackAnswer

DANGER = "pattern_danger"
_NOT_CODE = re.compile(r"[^a-z0-9_.-]+")


def pack_of(
    library: Library,
    conversation_id: ConversationId,
    channel: ChannelName,
    conversation: Conversation,
    hand_over: HandOver,
    words: list[str],
) -> NewCase:
    """`words`: what the enquirer typed, masked, oldest first."""
    slots = conversation.slots
    return NewCase(
        conversation=conversation_id,
        tier=hand_over.tier,
        reason=_code(hand_over.reason),
        channel=channel,
        library=conversation.library,
        concern=hand_over.concern or _text(slots.get("concern")),
        role=_text(slots.get("role")),
        nation=_text(slots.get("nation")),
        platform=_text(slots.get("platform")),
        language=conversation.language,
        pack=Pack(
            answers=tuple(_answer(library, each, slots) for each in hand_over.answers or conversation.answers),
            advice=tuple(_advice(library, conversation)),
            words=tuple(said for said in words if not _only_answers(library, conversation, said)),
        ),
    )


def _only_answers(library: Library, conversation: Conversation, words: str) -> bool:
    """True for words that say no more than an answer already listed, or that only steered the conversation."""
    index, said = index_of(library), normal(words)
    titles = {normal(answered.title) for answered in conversation.answers if answered.title}
    steered = titles | index.yes | index.no | index.dont_know | _steering(library)
    return said.isdecimal() or said in steered or is_command(library, words)


def _steering(library: Library) -> set[str]:
    """The labels of our own questions around a topic ("Yes, pass it on"): they tell nothing of it."""
    found = index_of(library).labels.items()
    return {label for (flow, _), labels in found if library.flows[flow].is_pattern for label in labels}


def is_command(library: Library, words: str) -> bool:
    """True for words that only steered the conversation ("why do you ask?"); words of danger tell something."""
    return exactly_asked_for(index_of(library), normal(words)) not in (None, DANGER)


def _answer(library: Library, answered: Answered, slots: Slots) -> PackAnswer:
    return PackAnswer(question_of(library, answered, slots), answer_of(library, answered), answered.dont_know)


def _advice(library: Library, conversation: Conversation) -> Iterator[PackAdvice]:
    """Pages by their titles; a threshold's with the rule that decided it."""
    decided = {decision.page: decision.decided_by for decision in decisions_of(library, conversation)}
    for page in _pages(conversation):
        title = _title(library, page)
        yield PackAdvice(page, f"{title}: {decided[page]}" if page in decided else title)


def _pages(conversation: Conversation) -> dict[str, None]:
    return dict.fromkeys(advised.page for advised in conversation.advised)


def _title(library: Library, page: str) -> str:
    found = library.pages.get(page)
    return found.title if found else page


def _text(value: SlotValue) -> str | None:
    return value if isinstance(value, str) else None


def _code(reason: str) -> str:
    return _NOT_CODE.sub("_", reason.lower()).strip("_")[:60] or "other"
