"""What triage heard, offered to confirm: one concern, one question that tells two apart, or up to three to choose from.

Nothing triage heard is acted on before the enquirer has confirmed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain import Intent, Offer, Said, Token
from bot.engine import offers, speech
from bot.engine.conditions import holds
from bot.engine.walk import Walk
from bot.engine.words import normal
from bot.library.model import CollectStep, Flow, Response, SlotType
from bot.library.taxonomy import CONCERN

ASK, BECAUSE, ALSO = "utter_ask_clarification", "utter_because", "utter_also_told"
MAX_HEARD = 3
"""How many of the concerns that triage heard are offered at once."""
FAR_BEHIND = 0.4
"""When the second has less than this part of the first one's score, only the first is offered."""
CLOSE = 0.6
"""From this part of the first one's score on, two that are easily confused are told apart by one question."""
OUT_OF_SCOPE = "out_of_scope"
"""The concern that says no more than "none of these" does, beside others that were heard."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A flow that triage heard; `because` the editors' words it went by."""

    flow: Flow
    score: float
    because: str


def in_editors_words(walk: Walk, intents: tuple[Intent, ...]) -> tuple[Intent, ...]:
    """The intents without any reason that no example has: a name may look like a word of one, and is not kept."""
    known = walk.index.example_words
    return tuple(
        replace(intent, because=", ".join(word for word in intent.because.split(", ") if normal(word) in known))
        for intent in intents
    )


def keep_what_else(walk: Walk, said: Said) -> None:
    """Note the concerns told besides the one the enquirer is busy with; none is lost when more are told."""
    topic = walk.topic()
    flow = walk.library.flows.get(topic.flow) if topic else None
    busy_with = {walk.slots.get(CONCERN), flow.concern if flow else None}
    walk.also = tuple(dict.fromkeys((*walk.also, *(other for other in said.also if other not in busy_with))))


def clarify(walk: Walk) -> bool:
    """Offer the concerns that were heard; False when none of them may start here.

    A question that takes free words offers them again after an aside, until it is answered or they are refused.
    """
    heard = heard_flows(walk)
    because = next((each.because for each in heard if each.because), "")
    if not heard or not _takes_free_words(walk):
        walk.intents = ()
    if not heard:
        return False
    if because and BECAUSE in walk.library.responses:
        speech.put(walk, BECAUSE, (("because", because),))
    split = _split(walk, heard)
    if split:
        speech.put(walk, split.id, (), offers.confirm(walk, _choices_of(walk, split)))
        return True
    is_one = (("context.one_guess", len(heard) == 1),)
    speech.put(walk, ASK, is_one, offers.confirm(walk, [_choice(walk, each.flow) for each in heard]))
    return True


def also_told(walk: Walk) -> tuple[Offer, ...]:
    """What else the enquirer wrote of, as choices beside "anything else?"; said that they did."""
    flows = [walk.library.flows.get(walk.index.by_concern.get(concern, "")) for concern in walk.also]
    offered = [flow for flow in flows if flow and may_start(walk, flow)][:MAX_HEARD]
    drafts = tuple(Offer(Token(""), _name(walk, flow), flow=flow.id) for flow in offered)
    if drafts and ALSO in walk.library.responses:
        speech.put(walk, ALSO)
    return drafts


def heard_flows(walk: Walk) -> Sequence[Heard]:
    """The flows that were heard and may start here, in triage's order."""
    index, library = walk.index, walk.library
    found: dict[str, Heard] = {}
    for intent in walk.intents:
        flow_id = index.by_intent.get(intent.name) or index.by_concern.get(intent.name) or intent.name
        flow = library.flows.get(flow_id)
        if flow and may_start(walk, flow):
            found.setdefault(flow.id, Heard(flow, intent.score, intent.because))
    heard = tuple(found.values())[:MAX_HEARD]
    if len(heard) > 1:
        heard = tuple(each for each in heard if each.flow.concern != OUT_OF_SCOPE)
    best = max((each.score for each in heard), default=0.0)
    return [each for each in heard if each.score >= FAR_BEHIND * best]


def may_start(walk: Walk, flow: Flow) -> bool:
    """True for a flow that the enquirer may begin: no pattern, and its guard holds."""
    return not flow.is_pattern and (flow.guard is None or holds(flow.guard, walk.slots))


def _split(walk: Walk, heard: Sequence[Heard]) -> Response | None:
    """The editors' question that tells the first two apart, where they are close and the question can be answered."""
    if len(heard) < 2 or not _takes_free_words(walk):
        return None
    one, other = heard[:2]
    close = min(one.score, other.score) >= CLOSE * max(one.score, other.score)
    pair = frozenset({one.flow.concern or "", other.flow.concern or ""})
    named = walk.index.splits.get(pair) if close else None
    return walk.library.responses.get(named) if named else None


def _choices_of(walk: Walk, split: Response) -> Sequence[Offer]:
    variation = speech.variation_of(walk, split)
    return [
        Offer(Token(""), button.title.get(walk.language) or button.title.get("en") or "", sets=button.sets)
        for button in (variation.buttons if variation else ())
    ]


def _choice(walk: Walk, flow: Flow) -> Offer:
    """A flow as a choice: it answers the open question when its concern is one of the answers, else it starts."""
    step = walk.step if walk.stack else None
    if isinstance(step, CollectStep) and flow.concern:
        slot = walk.library.slots.get(step.slot)
        if slot and slot.type is SlotType.CATEGORICAL and flow.concern in slot.values:
            return Offer(Token(""), _name(walk, flow), sets=((step.slot, flow.concern),))
    return Offer(Token(""), _name(walk, flow), flow=flow.id)


def _name(walk: Walk, flow: Flow) -> str:
    return flow.names.get(walk.language, flow.name)


def _takes_free_words(walk: Walk) -> bool:
    return bool(walk.stack) and isinstance(walk.step, CollectStep) and walk.step.free_text
