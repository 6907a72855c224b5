"""What a Turn says, made safe before anything is kept: cleaned, masked, looked at by the gate, heard by triage."""

from dataclasses import replace

from bot.domain import Conversation, Gate, Heard, MediaKind, MediaRefused, Pressed, Said
from bot.engine.advance import START
from bot.engine.walk import CHILD_WRITING
from bot.guard.media import has_media
from bot.guard.personal_data import mask
from bot.guard.text import clean
from bot.library.model import CollectStep, Library
from bot.triage import several
from bot.triage.gate import GateKeeper
from bot.triage.lexicon import KnownWords

MAX_NUMBER_DIGITS = 2


def prepared(
    heard: Heard, library: Library, keeper: GateKeeper, known: KnownWords, conversation: Conversation
) -> Heard:
    """Words as the rest of the house may see them; anything else as it came."""
    if isinstance(heard, MediaRefused):
        return _beside_media(heard, keeper, known)
    if not isinstance(heard, Said) or _are_ours(heard.text, conversation):
        return heard
    cleaned = clean(heard.text)
    masked = mask(cleaned.text, known)
    gate = keeper.look(masked.text).gate
    if has_media(heard.text):
        return _media(heard, gate)
    is_listening = gate is Gate.NONE and _listening(library, conversation)
    intents, also = several.heard(masked.text, library) if is_listening else ((), ())
    return replace(heard, text=masked.text, masked=masked.kinds, cut=cleaned.cut, gate=gate, intents=intents, also=also)


def _beside_media(refused: MediaRefused, keeper: GateKeeper, known: KnownWords) -> Heard:
    """Words beside a picture are read for danger and for a child writing, and not kept."""
    gate = keeper.look(mask(clean(refused.words).text, known).text).gate if refused.words else Gate.NONE
    bare = replace(refused, words="")
    return bare if gate is Gate.NONE else Said("", refused.at, gate=gate, beside=bare)


def _are_ours(text: str, conversation: Conversation) -> bool:
    """A label we offered, or its number: words of our own hide nobody's name."""
    if text.isdecimal() and len(text) <= MAX_NUMBER_DIGITS:
        return True
    return any(offer.title == text for offer in conversation.offers)


def _media(heard: Said, gate: Gate) -> Heard:
    """A pasted picture is refused and nothing of the text is kept; danger words beside it are still acted on."""
    if gate is Gate.NONE:
        return MediaRefused(MediaKind.OTHER, heard.at)
    return replace(heard, text="", gate=gate, beside=MediaRefused(MediaKind.OTHER, heard.at))


def _listening(library: Library, conversation: Conversation) -> bool:
    """Triage is asked where its answer can be used: until the concern is known, at questions that take free text, and
    when no topic is open."""
    if not conversation.waiting or not conversation.stack or not _has_left_start(conversation):
        return True
    top = conversation.stack[-1]
    flow = library.flows.get(top.flow)
    step = flow.steps.get(top.step) if flow else None
    only_patterns = all(frame.flow.startswith("pattern_") for frame in conversation.stack)
    return only_patterns or (isinstance(step, CollectStep) and step.free_text)


def _has_left_start(conversation: Conversation) -> bool:
    """True once the concern is known, or a question of its flow was answered."""
    return "concern" in conversation.slots or any(each.flow != START for each in conversation.answers)


def words_of(heard: Heard, library: Library, conversation: Conversation) -> str | None:
    """What the transcript keeps, sealed: masked words, or the label pressed. A child's words are not kept at all."""
    match heard:
        case Said(gate=Gate.CHILD):
            return None
        case Said() if conversation.slots.get(CHILD_WRITING) is True and not conversation.with_people:
            return None
        case Said(text=text):
            return text or None
        case Pressed(token=token) if token.startswith("!"):
            flow = library.flows.get(library.by_intent.get(token[1:], ""))
            return flow.names.get(conversation.language, flow.name) if flow else None
        case Pressed(token=token):
            return next((offer.title for offer in conversation.offers if offer.token == token), None)
        case _:
            return None
