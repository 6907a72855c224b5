"""The record of advice: what was asked, what was advised, from which page and version, when, by which rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain import Advised, Answered, Conversation, Slots
from bot.engine.conditions import holds
from bot.engine.render import filled
from bot.library.model import ActionStep, CollectStep, Library, PageStatus, Source, Variation
from bot.library.thresholds import decision_of

HIDDEN = "•••"


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    question: str
    answer: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordedAdvice:
    """`rule` is the flow and step that showed the page: `impersonation/rule_r9`."""

    title: str
    page: str
    rule: str
    version: str
    status: PageStatus
    sources: tuple[Source, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """What a threshold was decided by: the rule, the route it leads to (an outcome), the framework with its version."""

    title: str
    page: str
    decided_by: str
    route: str
    framework: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    reference: str
    made_at: datetime
    library: str
    answers: tuple[RecordedAnswer, ...]
    advice: tuple[RecordedAdvice, ...]
    decisions: tuple[RecordedDecision, ...] = ()


def record_of(library: Library, conversation: Conversation, reference: str, now: datetime) -> Record:
    """Pages shown twice are listed once, as they were first shown."""
    first = {advised.page: advised for advised in reversed(conversation.advised)}
    return Record(
        reference,
        now,
        conversation.library,
        tuple(_answer(library, each, conversation.slots) for each in conversation.answers),
        tuple(_advice(library, each) for each in sorted(first.values(), key=lambda each: each.at)),
        decisions_of(library, conversation),
    )


def decisions_of(library: Library, conversation: Conversation) -> tuple[RecordedDecision, ...]:
    """The last decision on each threshold: an answer that was changed has decided anew."""
    made = [_decision(library, each, conversation.slots) for each in conversation.advised]
    last = {decision.page: decision for decision in made if decision}
    return tuple(last.values())


def as_markdown(record: Record, words: Mapping[str, str]) -> str:
    """`words`: the interface's labels, by id: record_…, and route_<outcome> for decisions."""
    head = [f"**{words['record_title']}**"]
    if record.reference:
        head.append(f"{words['record_reference']}: {record.reference}")
    head.append(f"{words['record_made']}: {_moment(record.made_at)}")
    head.append(f"{words['record_library']}: {record.library}")
    asked = [f"- {_escaped(each.question)} **{_escaped(each.answer)}**" for each in record.answers]
    advised = [f"- {each.title} ({each.page}, {each.rule}, {_moment(each.at)})" for each in record.advice]
    parts = ["  \n".join(head), f"**{words['record_asked']}**", "\n".join(asked)]
    if record.decisions:
        decided = [_decided(each, words) for each in record.decisions]
        parts += [f"**{words['record_decided']}**", "\n".join(decided)]
    return "\n\n".join([*parts, f"**{words['record_advised']}**", "\n".join(advised)])


def question_of(library: Library, answered: Answered, slots: Slots) -> str:
    """The question as it was asked, in plain English, up to its question mark; the slot's name where the step is no
    more."""
    step = _step(library, answered.flow, answered.step)
    response = library.responses.get(step.utter) if step else None
    fitting = [each for each in (response.variations if response else ()) if _fits(each, slots)]
    asked = fitting[0].text.get("en", answered.slot) if fitting else answered.slot
    question, mark, _ = filled(library, asked, slots).replace("**", "").partition("?")
    return question + mark


def _fits(variation: Variation, slots: Slots) -> bool:
    return variation.condition is None or holds(variation.condition, slots)


def answer_of(library: Library, answered: Answered) -> str:
    """The label that was chosen; a sensitive answer, and words typed freely, are hidden."""
    step = _step(library, answered.flow, answered.step)
    shown = answered.title or ("" if answered.value is None else str(answered.value))
    return HIDDEN if step is None or step.sensitive or not shown else shown


def _step(library: Library, flow_id: str, step_id: str) -> CollectStep | None:
    flow = library.flows.get(flow_id)
    step = flow.steps.get(step_id) if flow else None
    return step if isinstance(step, CollectStep) else None


def _answer(library: Library, answered: Answered, slots: Slots) -> RecordedAnswer:
    return RecordedAnswer(question_of(library, answered, slots), answer_of(library, answered), answered.at)


def _advice(library: Library, advised: Advised) -> RecordedAdvice:
    page = library.pages.get(advised.page)
    title = page.title if page else advised.page
    status = page.status if page else PageStatus.UNVERIFIED
    rule = f"{advised.flow}/{advised.step}"
    return RecordedAdvice(title, advised.page, rule, library.version, status, page.sources if page else (), advised.at)


def _decision(library: Library, advised: Advised, slots: Slots) -> RecordedDecision | None:
    flow = library.flows.get(advised.flow)
    step = flow.steps.get(advised.step) if flow else None
    shown = decision_of(library, step.action) if isinstance(step, ActionStep) else None
    page = library.pages.get(advised.page)
    if page is None or shown is None or shown.page != page.id or shown.section is None:
        return None
    framework = filled(library, f"{{term.{page.framework}}}", slots)
    return RecordedDecision(page.title, page.id, shown.section, page.routes[shown.section], framework, advised.at)


def _decided(decision: RecordedDecision, words: Mapping[str, str]) -> str:
    route = words[f"route_{decision.route}"]
    framework = f"{words['record_framework']}: {decision.framework}"
    return f"- {decision.title}: **{route}**. {decision.decided_by}. {framework} ({_moment(decision.at)})"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _escaped(text: str) -> str:
    return " ".join(text.replace("*", r"\*").split())
