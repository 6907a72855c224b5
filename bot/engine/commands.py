"""What stands at every step: the actions behind "back", "start again", "why do you ask?", and how they are begun."""

from collections.abc import Callable, Mapping

from bot.domain import Conversation, Deletion, FrameKind, Slots
from bot.engine import handing_over, offers, speech, stack, undo
from bot.engine.index import Index
from bot.engine.walk import CHILD_WRITING, Walk
from bot.engine.words import is_near, without
from bot.library.model import ActionStep, CollectStep, Library

RESTART = "pattern_restart"
CANNOT_HANDLE = "pattern_cannot_handle"
CHANGE_ANSWER = "action_change_answer"
DELETE = "pattern_delete"
DELETE_SURE = "pattern_delete_sure"
"""Asked for and agreed to in the same words: for where the bot cannot ask, because an adviser speaks."""
WHILE_WITH_PEOPLE = frozenset(
    {"pattern_danger", "pattern_stop", DELETE, DELETE_SURE, "pattern_record", "pattern_help", "pattern_language"}
)
"""The commands that are still the bot's while a case waits for people."""


FOR_CHILDREN_TOO = frozenset({"pattern_danger", RESTART, "pattern_stop", DELETE, DELETE_SURE, "pattern_language"})
MAX_WORDS_IN_SENTENCE = 8
_MIN_WORDS_TO_BEGIN_WITH = 3


def is_for_child(walk: Walk) -> bool:
    """True when whoever writes here is taken for a child: there is no adult case for them."""
    return walk.slots.get(CHILD_WRITING) is True and not walk.with_people and stack.CHILD_AGAIN in walk.library.flows


def when_idle(walk: Walk) -> str:
    """The pattern that speaks when nothing is open and nothing fits."""
    return stack.CHILD_AGAIN if is_for_child(walk) else CANNOT_HANDLE


def begin(walk: Walk, pattern: str) -> None:
    """Interrupt with a command's pattern; a child who asks for a person is told who is there for them."""
    if pattern not in FOR_CHILDREN_TOO and is_for_child(walk):
        pattern = stack.CHILD_AGAIN
    if pattern == stack.CANCEL:
        stack.interrupt(walk, pattern, stack.cancel_topic(walk))
        return
    if pattern == stack.HAND_OVER and not any(frame.flow == stack.HAND_OVER for frame in walk.stack):
        walk.handing_over = handing_over.for_asking(walk)
    stack.interrupt(walk, pattern)


def typed(walk: Walk, words: str) -> str | None:
    """The pattern that these normalised words ask for."""
    return asked_for(walk.index, words)


def exactly_asked_for(index: Index, words: str) -> str | None:
    """The pattern whose example the words are, or are but for lead-ins: "can i just go back please"."""
    found = index.commands.get(words)
    if found or len(words.split()) > MAX_WORDS_IN_SENTENCE:
        return found
    return index.commands.get(without(words, index.lead_in))


def asked_for(index: Index, words: str) -> str | None:
    """The pattern of `exactly_asked_for`; a person is also asked for by words that only begin so ("... about this")."""
    found = exactly_asked_for(index, words)
    if found or len(words.split()) > MAX_WORDS_IN_SENTENCE:
        return found
    parts = without(words, index.lead_in).split()
    begins = (" ".join(parts[:end]) for end in range(_MIN_WORDS_TO_BEGIN_WITH, len(parts)))
    return stack.HAND_OVER if any(index.commands.get(begun) == stack.HAND_OVER for begun in begins) else None


def mistyped(walk: Walk, words: str) -> str | None:
    """The one pattern an example of which these words nearly are."""
    if len(words.split()) <= MAX_WORDS_IN_SENTENCE:
        words = without(words, walk.index.lead_in)
    near = {pattern for example, pattern in walk.index.long_commands if is_near(words, example)}
    return near.pop() if len(near) == 1 else None


def perform(walk: Walk, step: ActionStep) -> None:
    """Do a built-in action; the walk then goes on from wherever that leads."""
    _ACTIONS[step.action](walk, step)


def initial_slots(library: Library) -> Slots:
    return {slot.name: slot.initial_value for slot in library.slots.values() if slot.initial_value is not None}


def start_session(walk: Walk) -> None:
    """Forget where the conversation stood; greet. Language and tokens go on."""
    fresh = Conversation(
        walk.library.version,
        slots=initial_slots(walk.library),
        offers=walk.offered_before,
        intents=walk.intents,
        also=walk.also,
        language=walk.language,
        offered=walk.offered,
    )
    walk.take_up(fresh)
    walk.fresh = False
    walk.push(stack.SESSION_START, FrameKind.REGULAR)


# --- the built-in actions --------------------------------------------------------------------------------------------


def _hand_over(walk: Walk, step: ActionStep) -> None:
    if walk.handing_over is None:
        walk.handing_over = handing_over.for_asking(walk)
    if not walk.with_people:
        walk.hand_over = walk.handing_over
    walk.with_people = True
    walk.follow(step.next)


def _back(walk: Walk, step: ActionStep) -> None:
    """Leave a pattern that had interrupted; else return to before the last answer."""
    below = walk.stack[-2] if len(walk.stack) > 1 else None
    if below and walk.is_pattern(below) and below.kind is FrameKind.INTERRUPT and walk.topic():
        stack.leave_patterns(walk)
    elif not undo.back(walk):
        speech.put(walk, "utter_nothing_to_go_back_to")
        walk.follow(step.next)


def _change_answer(walk: Walk, step: ActionStep) -> None:
    listed = offers.list_answers(walk)
    if listed:
        speech.put(walk, "utter_ask_change_answer", (), listed)
        walk.waiting = True
    else:
        speech.put(walk, "utter_nothing_to_go_back_to")
        walk.follow(step.next)


def _restart(walk: Walk, _step: ActionStep) -> None:
    for frame in reversed(walk.stack[:-1]):
        walk.note("flow_cancelled", frame.flow)
    walk.intents, walk.also = (), ()
    start_session(walk)


def _why(walk: Walk, step: ActionStep) -> None:
    asked = next(iter(_questions_below(walk)), None)
    reason = (asked.why.get(walk.language) or asked.why.get("en") or "") if asked else ""
    if reason or "utter_why_unknown" not in walk.library.responses:
        speech.put(walk, "utter_why", (("why", reason),))
    else:
        speech.put(walk, "utter_why_unknown")
    walk.follow(step.next)


def _questions_below(walk: Walk) -> list[CollectStep]:
    """The questions that stand open below the pattern on top, nearest first."""
    flows = walk.library.flows
    below = [flows[frame.flow].steps.get(frame.step) for frame in reversed(walk.stack[:-1]) if frame.flow in flows]
    return [step for step in below if isinstance(step, CollectStep)]


def _stop(walk: Walk, step: ActionStep) -> None:
    """End the conversation and ask for its words to be forgotten; what the pattern still says is said."""
    for frame in reversed(walk.stack[:-1]):
        walk.note("flow_cancelled", frame.flow)
    walk.stack = walk.stack[-1:]
    walk.with_people = False
    walk.ended = True
    walk.delete = Deletion.WORDS
    walk.follow(step.next)


def _delete(walk: Walk, step: ActionStep) -> None:
    """Nothing that was said here is left, and all else that is kept of it is asked to be forgotten. While people have
    the case it goes on with them; else it ends. What the pattern still says is said."""
    for frame in reversed(walk.stack[:-1]):
        walk.note("flow_cancelled", frame.flow)
    own, with_people = walk.stack[-1], walk.with_people
    slots = initial_slots(walk.library)
    walk.take_up(Conversation(walk.library.version, slots=slots, language=walk.language, offered=walk.offered))
    walk.stack, walk.with_people, walk.ended = [own], with_people, not with_people
    walk.delete = Deletion.ALL
    walk.follow(step.next)


def _repeat(walk: Walk, _step: ActionStep) -> None:
    """Leave this pattern: what is below asks again."""
    stack.drop_top(walk)
    if not (walk.stack or walk.with_people or walk.ended):
        stack.interrupt(walk, when_idle(walk))


def _carry_on(walk: Walk, _step: ActionStep) -> None:
    """Leave this pattern and go on with what it interrupted, or ask whether there is anything else."""
    stack.drop_top(walk)
    if walk.stack:
        walk.note("flow_resumed", walk.stack[-1].flow)
    elif not (walk.with_people or walk.ended):
        asks_more = stack.COMPLETED in walk.library.flows and not is_for_child(walk)
        stack.interrupt(walk, stack.COMPLETED if asks_more else when_idle(walk))


def _switch_language(walk: Walk, step: ActionStep) -> None:
    languages = walk.library.languages or (walk.language,)
    here = languages.index(walk.language) if walk.language in languages else -1
    walk.language = languages[(here + 1) % len(languages)]
    walk.follow(step.next)


_ACTIONS: Mapping[str, Callable[[Walk, ActionStep], None]] = {
    "action_hand_over": _hand_over,
    "action_back": _back,
    CHANGE_ANSWER: _change_answer,
    "action_restart": _restart,
    "action_why": _why,
    "action_stop": _stop,
    "action_delete": _delete,
    "action_repeat": _repeat,
    "action_carry_on": _carry_on,
    "action_switch_language": _switch_language,
}
