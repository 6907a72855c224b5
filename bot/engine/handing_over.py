"""What a hand-over will say to people: prepared before the flow that asks for it forgets its slots."""

from bot.domain import Answered, Frame, HandOver
from bot.engine.walk import Walk
from bot.library.model import CollectStep, LinkStep

ASKED_TIER = 3
RISKY_ANSWERS = frozenset({"yes", "not_sure"})
"""Answers to the first question, about danger, after which whoever asks for a person is not kept waiting."""
RISKY_TIER = 1
ASKED_REASON = "asked for a person"
GIVEN_UP_REASON = "answer not understood"
UNSAID_TIER = 1
"""How grave a hand-over is when its flow does not say."""


def for_link(walk: Walk, step: LinkStep) -> HandOver:
    """The hand-over a flow asks for; `summary_slots` limit what is passed on."""
    frame = walk.stack[-1]
    answers = walk.answers
    if step.summary_slots:
        answers = tuple(answer for answer in answers if answer.slot in step.summary_slots)
    tier = UNSAID_TIER if step.tier is None else step.tier
    return HandOver(tier, step.reason or step.id, frame.flow, step.id, answers, concern(walk, frame))


def for_asking(walk: Walk) -> HandOver:
    """The enquirer asked for a person, wherever they were."""
    frame = walk.topic() or _last_answered(walk.answers)
    about = concern(walk, frame)
    return HandOver(_tier(walk, frame, about), ASKED_REASON, frame.flow, frame.step, walk.answers, about)


def _tier(walk: Walk, frame: Frame, about: str | None) -> int:
    """As grave as what they were asking about: the open flow's tier, or that of the flow for their concern."""
    flows = [
        walk.library.flows.get(frame.flow),
        *(f for f in walk.library.flows.values() if about and f.concern == about),
    ]
    tiers = [flow.tier for flow in flows if flow and flow.tier is not None]
    if walk.slots.get("danger") in RISKY_ANSWERS:
        tiers.append(RISKY_TIER)
    return min(tiers, default=ASKED_TIER)


def for_giving_up(walk: Walk, step: CollectStep) -> HandOver:
    """The bot could not make out an answer, and the step says that people should."""
    frame = walk.stack[-1]
    return HandOver(UNSAID_TIER, GIVEN_UP_REASON, frame.flow, step.id, walk.answers, concern(walk, frame))


def concern(walk: Walk, frame: Frame) -> str | None:
    known = walk.slots.get("concern")
    flow = walk.library.flows.get(frame.flow)
    return known if isinstance(known, str) else flow.concern if flow else None


def _last_answered(answers: tuple[Answered, ...]) -> Frame:
    return Frame(answers[-1].flow, answers[-1].step) if answers else Frame("", "")
