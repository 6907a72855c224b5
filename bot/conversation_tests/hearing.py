"""Words as a turn prepares them for the engine: cleaned, masked, through the gate, heard by triage."""

from dataclasses import replace

from bot.domain import Conversation, Gate, Heard, MediaKind, MediaRefused, Said
from bot.guard.media import has_media
from bot.guard.personal_data import mask
from bot.guard.text import clean
from bot.library.model import CollectStep
from bot.shelf import Kept
from bot.triage.concern import rank


def prepared(heard: Heard, kept: Kept, conversation: Conversation) -> Heard:
    if not isinstance(heard, Said):
        return heard
    if has_media(heard.text):
        return MediaRefused(MediaKind.OTHER, heard.at)
    cleaned = clean(heard.text)
    masked = mask(cleaned.text, kept.words.known)
    gate = kept.keeper.look(masked.text).gate
    intents = rank(masked.text, kept.library) if gate is Gate.NONE and _listening(kept, conversation) else ()
    return replace(heard, text=masked.text, masked=masked.kinds, cut=cleaned.cut, gate=gate, intents=intents)


def _listening(kept: Kept, conversation: Conversation) -> bool:
    if not conversation.waiting or not conversation.stack:
        return True
    top = conversation.stack[-1]
    flow = kept.library.flows.get(top.flow)
    step = flow.steps.get(top.step) if flow else None
    return not conversation.answers or (isinstance(step, CollectStep) and step.free_text)
