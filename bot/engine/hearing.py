"""What the enquirer typed or pressed: the gate first, then choices, commands, values, and what triage heard."""

from dataclasses import replace

from bot.domain import Gate, Intent, MediaRefused, Offer, Said, Token
from bot.engine import answers, clarifying, commands, filling, offers, speech, stack, steps
from bot.engine.walk import Walk
from bot.engine.words import normal
from bot.library.model import CollectStep, SlotType

DANGER = "pattern_danger"
CHILD = "pattern_child"
PEOPLE_NOTE = "pattern_with_people_note"
_IDLE = frozenset({stack.COMPLETED, commands.CANNOT_HANDLE, "pattern_help"})
ADDED = "utter_added_to_case"
MEDIA_REFUSED = "utter_media_refused"
LEFT_IN_CHAT = "utter_media_left_in_chat"
TAKEN_OUT = "utter_media_taken_out"
EDITED = "utter_edited"
HEARD_FIRST = "utter_heard_first"
MIN_WORDS_TO_TELL = 4
NOTHING_TO_END = frozenset({commands.RESTART, stack.SESSION_START, stack.CANCEL})
"""Commands that only greet where nothing has started."""


def words(walk: Walk, said: Said) -> None:
    """Take typed words, once masked and through the gate."""
    if said.gate is Gate.CHILD:
        _child(walk)
        return
    said = replace(said, intents=clarifying.in_editors_words(walk, said.intents))
    first = walk.fresh
    if not (walk.with_people or commands.is_for_child(walk) or (said.edited and not first)):
        clarifying.keep_what_else(walk, said)
    if first:
        walk.intents = said.intents
    if said.gate is Gate.DANGER:
        _danger(walk, said)
        return
    if commands.is_for_child(walk) and not walk.stack:
        _child_says(walk, said)
        return
    if said.edited and not first and not walk.with_people:
        speech.put(walk, EDITED)
        keep_offers(walk)
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
            stack.interrupt(walk, commands.when_idle(walk))
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
    for response in _of_refused(said.beside) if said.beside else ():
        if response in walk.library.responses:
            speech.put(walk, response)
    _say_what_was_taken_out(walk, said)
    walk.replies[1:] = [*walk.replies[shown:], *walk.replies[1:shown]]


def _of_refused(refused: MediaRefused) -> list[str]:
    """What is said of a picture that came with words of danger."""
    said = [MEDIA_REFUSED]
    if refused.left_in_chat or refused.taken_out:
        said.append(LEFT_IN_CHAT if refused.left_in_chat else TAKEN_OUT)
    return said


def _child(walk: Walk) -> None:
    """A child is writing: everything else ends, and nothing of what they wrote is kept or passed on."""
    stack.cancel_all(walk)
    walk.intents, walk.also = (), ()
    stack.interrupt(walk, CHILD)
    steps.run(walk)


def _child_says(walk: Walk, said: Said) -> None:
    """What a child types next stays with Childline, but for the few commands that are theirs too."""
    pattern = commands.typed(walk, normal(said.text))
    if pattern in commands.FOR_CHILDREN_TOO:
        commands.begin(walk, pattern)
        steps.run(walk)
    else:
        child_again(walk)


def child_again(walk: Walk) -> None:
    walk.intents = ()
    stack.interrupt(walk, stack.CHILD_AGAIN)
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
    elif pattern and pattern not in NOTHING_TO_END:
        walk.intents = ()
        commands.begin(walk, pattern)
    elif walk.asked and _describes(said) and HEARD_FIRST in walk.library.responses:
        speech.put(walk, HEARD_FIRST)
        walk.replies[-2:] = reversed(walk.replies[-2:])


def _take_words(walk: Walk, said: Said) -> None:
    heard = normal(said.text)
    offer = answers.titled(walk.offered_before, heard)
    pattern = None if offer else commands.typed(walk, heard)
    if not (offer or pattern):
        offer = _meant(walk, said)
    if not (offer or pattern) and not _takes_any_words(walk):
        pattern = commands.mistyped(walk, heard)
    if pattern == stack.HAND_OVER:
        offer = answers.titled(walk.offered_before, _title_of(walk, pattern))
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
    if found is None and asked:
        found = _called_elsewhere(walk, asked, heard)
    if found is None and heard and asked and filling.is_clarifying(walk):
        found = _of_guesses(walk, heard)
    if found is None and heard:
        found = answers.called(walk.index, on_offer, heard) or answers.nearly(on_offer, heard)
    if found is None and heard and not (asked and asked.free_text and said.intents):
        found = answers.named_in_part(walk.index, on_offer, heard)
    if found is None and asked and filling.is_clarifying(walk):
        return _from_menu(walk, asked, heard)
    return found


def _called_elsewhere(walk: Walk, asked: CollectStep, heard: str) -> Offer | None:
    """The label of a choice on another list by which the same flow asks for the same slot; the name of a concern."""
    labels = walk.index.labels.get((walk.stack[-1].flow, asked.slot), {})
    value = labels.get(heard)
    if value is None:
        meant = {each for each in labels.values() if heard in walk.index.meanings.get((asked.slot, str(each)), ())}
        value = meant.pop() if len(meant) == 1 else None
    slot = walk.library.slots.get(asked.slot)
    if value is None or slot is None or value not in slot.values:
        return None
    return Offer(Token(""), heard, sets=((asked.slot, value),))


def _of_guesses(walk: Walk, heard: str) -> Offer | None:
    """ "Yes" to one guess takes it; "no" takes none of them."""
    none = [offer for offer in walk.offered_before if offers.is_none_of_these(offer)]
    guesses = [offer for offer in walk.offered_before if offer not in none]
    if heard in walk.index.yes and len(guesses) == 1:
        return guesses[0]
    return none[0] if heard in walk.index.no else None


def _title_of(walk: Walk, pattern: str) -> str:
    flow = walk.library.flows[pattern]
    return normal(flow.names.get(walk.language, flow.name))


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
    if asked and asked.free_text and filling.is_clarifying(walk) and normal(said.text) in walk.index.yes:
        walk.waiting = False
        return
    if said.intents and ((asked and asked.free_text) or _is_idle(walk)):
        walk.intents = said.intents
        if clarifying.clarify(walk):
            walk.waiting = bool(walk.stack)
            return
    elif said.intents and not _has_told(walk):
        is_news = not walk.intents
        walk.intents = max(walk.intents, said.intents, key=_clearest)
        if asked and is_news and _describes(said) and HEARD_FIRST in walk.library.responses:
            speech.put(walk, HEARD_FIRST)
            walk.waiting = False
            return
    filling.not_understood(walk)


def _clearest(intents: tuple[Intent, ...]) -> float:
    return max((intent.score for intent in intents), default=0.0)


def _describes(said: Said) -> bool:
    """True for words that tell what is the matter, more than an answer would."""
    return bool(said.intents) and len(said.text.split()) >= MIN_WORDS_TO_TELL


def _is_idle(walk: Walk) -> bool:
    """True when the enquirer is busy with nothing: only "anything else?" or an offer of help may stand open."""
    return walk.topic() is None and all(frame.flow in _IDLE for frame in walk.stack)


def _command(walk: Walk, pattern: str) -> None:
    if walk.with_people and pattern not in commands.WHILE_WITH_PEOPLE:
        note_with_people(walk)
        return
    only_greets = walk.fresh and pattern in NOTHING_TO_END
    greet_below(walk)
    if not only_greets:
        commands.begin(walk, pattern)
