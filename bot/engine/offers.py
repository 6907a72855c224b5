"""The choices that stand beside a question, and the tokens by which they are pressed."""

from collections.abc import Iterable

from bot.domain import Offer, Token
from bot.engine.render import filled
from bot.engine.walk import Walk
from bot.library.model import Button, CollectStep, SlotType, Variation

MAX_ANSWERS_LISTED = 10
MAX_QUESTION_CHARACTERS = 60
_STAMP = 36**4
"""The time stamp in a token comes round after 19 days: a forgotten conversation's buttons have scrolled away."""
_PLAIN = Token("")


def choices(walk: Walk, variation: Variation) -> tuple[tuple[Token, str], ...]:
    """Offer the buttons of a response that is not a question."""
    return _offer(walk, _drafts(walk, variation, None), question=False)


def ask(
    walk: Walk, step: CollectStep, variation: Variation | None, first: tuple[Offer, ...] = ()
) -> tuple[tuple[Token, str], ...]:
    """Offer the choices of a question; they come before what else was offered, so that "2" is its second.

    `first`: choices that stand above its own; they carry no token yet.
    """
    return _offer(walk, (*first, *_drafts(walk, variation, step)), question=True)


def confirm(walk: Walk, drafts: Iterable[Offer]) -> tuple[tuple[Token, str], ...]:
    """Offer what seems to be meant, and "none of these"."""
    return _offer(walk, (*drafts, none_of_these(walk)), question=True)


def drafts_of(walk: Walk, step: CollectStep, variation: Variation | None) -> tuple[Offer, ...]:
    """The choices a question would have, not offered: they carry no token."""
    return _drafts(walk, variation, step)


def list_answers(walk: Walk) -> tuple[tuple[Token, str], ...]:
    """Offer the questions that can be answered anew, latest last, and "none of these"."""
    open_again = {checkpoint.answered for checkpoint in walk.checkpoints}
    numbers = [number for number in range(len(walk.answers)) if number in open_again][-MAX_ANSWERS_LISTED:]
    if not numbers:
        return ()
    drafts = [Offer(_PLAIN, _answer_title(walk, number), back_to=number) for number in numbers]
    return _offer(walk, (*drafts, none_of_these(walk)), question=True)


def is_none_of_these(offer: Offer) -> bool:
    return not (offer.sets or offer.command or offer.flow) and offer.back_to is None


def none_of_these(walk: Walk) -> Offer:
    return Offer(_PLAIN, label(walk, "utter_none_of_these"))


def label(walk: Walk, response_id: str) -> str:
    """A response used as a label: its text in the conversation's language."""
    response = walk.library.responses.get(response_id)
    text = response.variations[0].text if response and response.variations else {}
    return text.get(walk.language) or text.get("en") or ""


def _answer_title(walk: Walk, number: int) -> str:
    answer = walk.answers[number]
    flow = walk.library.flows.get(answer.flow)
    step = flow.steps.get(answer.step) if flow else None
    question = label(walk, step.utter) if isinstance(step, CollectStep) else ""
    question, mark, _ = filled(walk.library, question, walk.slots).strip("*_# \n").partition("?")
    question = f"{question}{mark}".partition("\n")[0]
    if len(question) > MAX_QUESTION_CHARACTERS:
        question = question[: MAX_QUESTION_CHARACTERS - 1].rstrip() + "…"
    return f"{question} {answer.title}" if answer.title else question


# --- drafts and tokens -----------------------------------------------------------------------------------------------


def _drafts(walk: Walk, variation: Variation | None, step: CollectStep | None) -> tuple[Offer, ...]:
    key = (id(variation), id(step), walk.language)
    found = walk.index.drafts.get(key)
    if found is None:
        buttons = [_button(walk, button) for button in variation.buttons] if variation else []
        drafts = buttons if step is None else _question(walk, step, buttons)
        found = walk.index.drafts[key] = tuple(draft for draft in drafts if draft is not None)
    return found


def _button(walk: Walk, button: Button) -> Offer | None:
    title = button.title.get(walk.language) or button.title.get("en") or ""
    if button.intent is None:
        return Offer(_PLAIN, title, sets=button.sets)
    flow = walk.index.by_intent.get(button.intent) or button.intent
    if flow not in walk.library.flows:
        return None
    return Offer(_PLAIN, title, command=flow) if flow.startswith("pattern_") else Offer(_PLAIN, title, flow=flow)


def _question(walk: Walk, step: CollectStep, buttons: list[Offer | None]) -> list[Offer | None]:
    slot = walk.library.slots.get(step.slot)
    if slot and not any(draft and draft.sets for draft in buttons):
        if slot.type is SlotType.CATEGORICAL:
            buttons = [*(Offer(_PLAIN, value, sets=((slot.name, value),)) for value in slot.values), *buttons]
        elif slot.type is SlotType.BOOL:
            both = ((True, "utter_words_yes"), (False, "utter_words_no"))
            buttons = [*(Offer(_PLAIN, _first_word(walk, w), sets=((slot.name, v),)) for v, w in both), *buttons]
    if step.dont_know:
        sets = ((step.slot, step.dont_know_value),)
        buttons = [*buttons, Offer(_PLAIN, label(walk, "utter_dont_know"), sets=sets, dont_know=True)]
    return buttons


def _first_word(walk: Walk, response_id: str) -> str:
    return label(walk, response_id).partition(",")[0].strip().capitalize()


def _offer(walk: Walk, drafts: tuple[Offer, ...], *, question: bool) -> tuple[tuple[Token, str], ...]:
    """Give each choice a token: the one it had when it was already on offer, so that asking again spoils no button."""
    titles = {draft.title for draft in drafts}
    before = [offer for offer in (*walk.offered_before, *walk.minted) if offer.title in titles]
    known = {_meaning(offer): offer for offer in before}
    stamp = f"{int(walk.at.timestamp()) % _STAMP:x}"
    made = [(known and known.get(_meaning(draft))) or _minted(walk, draft, stamp) for draft in drafts]
    walk.minted += made
    if question:
        walk.offers = made
    else:
        walk.asides += [offer for offer in made if offer not in walk.asides]
    return tuple([(offer.token, offer.title) for offer in made])


def _meaning(offer: Offer) -> tuple[object, ...]:
    return (offer.title, offer.sets, offer.command, offer.flow, offer.back_to, offer.dont_know)


def _minted(walk: Walk, draft: Offer, stamp: str) -> Offer:
    walk.offered += 1
    token = Token(f"{walk.offered:x}.{stamp}")
    return Offer(token, draft.title, draft.sets, draft.command, draft.flow, draft.back_to, draft.dont_know)
