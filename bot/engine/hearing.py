"""What the enquirer typed or pressed: the gate first, then choices, commands, values, and what triage heard."""

from bot.domain import Gate, Offer, Said, Token
from bot.engine import answers, commands, filling, offers, speech, stack, steps
from bot.engine.walk import Walk
from bot.engine.words import normal
from bot.library.model import CollectStep, SlotType

DANGER = "pattern_danger"
CHILD = "pattern_child"
PEOPLE_NOTE = "pattern_with_people_note"
_IDLE = frozenset({stack.COMPLETED, commands.CANNOT_HANDLE, "pattern_help"})
ADDED = "utter_added_to_case"


def words(walk: Walk, said: Said) -> None:
    """Take typed words, once masked and through the gate."""
    if said.gate is Gate.CHILD:
        _child(walk)
        return
    first = walk.fresh
    if first:
        walk.intents = said.intents
    if said.gate is Gate.DANGER:
        _danger(walk, said)
        return
    _say_what_was_taken_out(walk, said)
    if first:
        _first_words(walk, said)
    else:
        _take_words(walk, said)
    steps.run(walk)


def press(walk: Walk, token: Token) -> None:
    """Take a pressed button; one that is no longer on offer is answered, and the question asked again."""
    known = next((offer for offer in walk.offered_before if offer.token == token), None)
    command = walk.index.by_intent.get(token[1:]) if token.startswith("!") else None
    if known:
        filling.take(walk, known)
    elif command and command.startswith("pattern_"):
        _command(walk, command)
    else:
        speech.put(walk, "utter_old_button")
        greet_below(walk)
        walk.waiting = False
        if not walk.stack and not walk.with_people:
            stack.interrupt(walk, commands.CANNOT_HANDLE)
        elif stack.rest(walk):
            keep_offers(walk)
    steps.run(walk)


def greet_below(walk: Walk) -> None:
    """When nothing has started, put the greeting under what comes now."""
    if walk.fresh:
        commands.start_session(walk)


def note_with_people(walk: Walk) -> None:
    """Tell that people have the word now; nothing else changes."""
    keep_offers(walk)
    if PEOPLE_NOTE in walk.library.flows:
        stack.interrupt(walk, PEOPLE_NOTE)
        steps.run(walk)
    else:
        speech.put(walk, ADDED)


def keep_offers(walk: Walk) -> None:
    walk.offers = list(walk.offered_before)


# --- the gate --------------------------------------------------------------------------------------------------------


def _danger(walk: Walk, said: Said) -> None:
    """The danger screen above everything; the words are not an answer too."""
    walk.to_people = walk.with_people
    greet_below(walk)
    stack.interrupt(walk, DANGER)
    steps.run(walk)
    shown = len(walk.replies)
    _say_what_was_taken_out(walk, said)
    walk.replies[1:] = [*walk.replies[shown:], *walk.replies[1:shown]]


def _child(walk: Walk) -> None:
    """A child is writing: everything else ends, and nothing of what they wrote is kept or passed on."""
    stack.cancel_all(walk)
    walk.intents = ()
    stack.interrupt(walk, CHILD)
    steps.run(walk)


def _say_what_was_taken_out(walk: Walk, said: Said) -> None:
    if said.masked:
        speech.put(walk, "utter_masked", (("kinds", ",".join(said.masked)),))
    if said.cut:
        speech.put(walk, "utter_cut")


# --- words -----------------------------------------------------------------------------------------------------------


def _has_told(walk: Walk) -> bool:
    """True when the question that takes free words was answered: what words are about is then settled."""
    flows = walk.library.flows
    answered = (flows[answer.flow].steps.get(answer.step) for answer in walk.answers if answer.flow in flows)
    return any(isinstance(step, CollectStep) and step.free_text for step in answered)


def _first_words(walk: Walk, said: Said) -> None:
    """Greet; the words answer the first question only when they are exactly one of its choices."""
    commands.start_session(walk)
    steps.run(walk)
    heard = normal(said.text)
    offer = answers.titled(walk.offers, heard) if walk.asked else None
    pattern = commands.typed(walk, heard)
    if offer:
        filling.take(walk, offer)
    elif pattern and pattern not in ("pattern_restart", commands.SESSION_START):
        commands.begin(walk, pattern)


def _take_words(walk: Walk, said: Said) -> None:
    heard = normal(said.text)
    offer = answers.titled(walk.offered_before, heard)
    pattern = None if offer else commands.typed(walk, heard)
    if not (offer or pattern):
        offer = _meant(walk, said)
    if not (offer or pattern) and not _takes_any_words(walk):
        pattern = commands.mistyped(walk, heard)
    if offer:
        filling.take(walk, offer)
    elif pattern and (not walk.with_people or pattern in commands.WHILE_WITH_PEOPLE):
        commands.begin(walk, pattern)
    elif walk.with_people:
        keep_offers(walk)
        walk.to_people = True
        speech.put(walk, ADDED)
    elif not (walk.stack and not walk.waiting):
        _not_a_choice(walk, said)


def _meant(walk: Walk, said: Said) -> Offer | None:
    """The choice or value these words mean for the open question."""
    text = said.text
    asked = walk.asked
    slot = walk.library.slots.get(asked.slot) if asked else None
    if walk.with_people and slot and slot.type in (SlotType.TEXT, SlotType.ANY):
        slot = None
    on_offer = walk.offered_before
    found = answers.fitting(walk.index, slot, on_offer, text)
    heard = normal(text)
    if found is None and heard:
        found = answers.nearly(on_offer, heard)
    if found is None and heard and not (asked and asked.free_text and said.intents):
        found = answers.named_in_part(walk.index, on_offer, heard)
    if found is None and asked and filling.is_clarifying(walk):
        return _from_menu(walk, asked, heard)
    return found


def _from_menu(walk: Walk, asked: CollectStep, heard: str) -> Offer | None:
    """A choice of the question's own menu, typed while something else was offered to confirm."""
    response = walk.library.responses.get(asked.utter)
    variation = speech.variation_of(walk, response) if response else None
    return answers.titled(offers.drafts_of(walk, asked, variation), heard)


def _takes_any_words(walk: Walk) -> bool:
    asked = walk.asked
    slot = walk.library.slots.get(asked.slot) if asked else None
    return slot is not None and slot.type in (SlotType.TEXT, SlotType.ANY)


def _not_a_choice(walk: Walk, said: Said) -> None:
    """Words that fit nothing on offer: confirm what triage heard where that may be told; else ask again."""
    asked = walk.asked
    if said.intents and ((asked and asked.free_text) or _is_idle(walk)):
        walk.intents = said.intents
        if steps.clarify(walk):
            walk.waiting = bool(walk.stack)
            return
    elif said.intents and not _has_told(walk):
        walk.intents = said.intents
    filling.not_understood(walk)


def _is_idle(walk: Walk) -> bool:
    """True when the enquirer is busy with nothing: only "anything else?" or an offer of help may stand open."""
    return walk.topic() is None and all(frame.flow in _IDLE for frame in walk.stack)


def _command(walk: Walk, pattern: str) -> None:
    if walk.with_people and pattern not in commands.WHILE_WITH_PEOPLE:
        note_with_people(walk)
    else:
        greet_below(walk)
        commands.begin(walk, pattern)
