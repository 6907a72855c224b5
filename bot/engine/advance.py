"""The engine's door: a library, a conversation and what was heard give an outcome. Pure."""

from dataclasses import replace
from typing import assert_never

from bot.domain import (
    ActionDone,
    CaseEnded,
    CodeTyped,
    Conversation,
    Heard,
    Intent,
    MediaRefused,
    Opened,
    Outcome,
    Pressed,
    Reminder,
    Said,
    SlotValue,
    Trouble,
)
from bot.engine import clarifying, commands, hearing, speech, stack, steps
from bot.engine.walk import Walk, WalkError
from bot.library.model import ActionStep, Flow, Library

START = "start"
CODE = "utter_code"
"""The flow of the first questions: what a deep link is about waits for its question."""


def begin(library: Library) -> Conversation:
    """A conversation in which nothing was said yet."""
    return Conversation(library.version, slots=commands.initial_slots(library))


def advance(library: Library, conversation: Conversation, heard: Heard) -> Outcome:
    """Walk from what was heard to where someone must act next. Never raises; the time is `heard.at`."""
    walk = Walk(library, conversation, heard.at)
    try:
        _hear(walk, heard)
        return walk.outcome()
    except WalkError as broken:
        steps.recover(walk, broken)
        return walk.outcome()
    except Exception as error:  # the last guard: a fault of our own must still give an answer
        return _failed(library, conversation, heard, error)


def _failed(library: Library, conversation: Conversation, heard: Heard, error: Exception) -> Outcome:
    """Start from what the conversation keeps, without its stack, and say that something went wrong."""
    frame = conversation.stack[-1] if conversation.stack else None
    walk = Walk(library, conversation, heard.at)
    walk.stack, walk.waiting = [], False
    walk.trouble = Trouble(f"engine: {type(error).__name__}", frame.flow if frame else "", frame.step if frame else "")
    try:
        steps.apologise(walk, "engine")
    except Exception:  # nothing can be trusted any more; the bare response can
        walk.stack, walk.waiting, walk.replies, walk.offers = [], False, [], []
        speech.put(walk, steps.LAST_WORDS)
    return walk.outcome()


def _hear(walk: Walk, heard: Heard) -> None:
    match heard:
        case ActionDone():
            _action_done(walk, heard)
        case CaseEnded():
            _case_ended(walk, heard)
        case Reminder():
            _remind(walk, heard)
        case _:
            _hear_enquirer(walk, heard)


def _hear_enquirer(walk: Walk, heard: Said | Pressed | Opened | MediaRefused | CodeTyped) -> None:
    """What an enquirer does always gets an answer."""
    if walk.ended:
        walk.take_up(replace(begin(walk.library), language=walk.language, offered=walk.offered))
    match heard:
        case Said():
            hearing.words(walk, heard)
        case Pressed(token=token):
            hearing.press(walk, token)
        case Opened():
            _opened(walk, heard)
        case CodeTyped():
            _code_typed(walk, heard)
        case MediaRefused():
            hearing.greet_below(walk)
            stack.interrupt(walk, "pattern_media_refused", _about(heard))
            steps.run(walk)
        case _:
            assert_never(heard)
    if walk.replies or walk.wanted or walk.ended:
        return
    if walk.with_people:
        hearing.note_with_people(walk)
    else:
        stack.interrupt(walk, commands.CANNOT_HANDLE)
        steps.run(walk)


def _about(refused: MediaRefused) -> tuple[tuple[str, SlotValue], ...]:
    """What the pattern's conditions read of what was refused."""
    return (
        ("media", refused.kind.value),
        ("left_in_chat", refused.left_in_chat),
        ("taken_out", refused.taken_out),
    )


def _opened(walk: Walk, heard: Opened) -> None:
    """Greet; or, in the middle of something, ask the open question again. A deep link is kept to be confirmed."""
    if walk.with_people:
        hearing.note_with_people(walk)
        return
    if commands.is_for_child(walk):
        hearing.child_again(walk)
        return
    if not walk.stack and heard.language in walk.library.languages:
        walk.language = heard.language or walk.language
    flow = walk.library.flows.get(heard.flow) if heard.flow else None
    led_to = flow if flow and clarifying.may_start(walk, flow) else None
    if led_to:
        walk.intents = (Intent(led_to.concern or led_to.id, 1.0),)
    if not walk.stack:
        commands.start_session(walk)
    walk.waiting = False
    if led_to and _is_busy_with_another(walk, led_to) and clarifying.clarify(walk):
        walk.waiting = True
    steps.run(walk)


def _code_typed(walk: Walk, heard: CodeTyped) -> None:
    """Say whether they are back; then the open question again, or a greeting where nothing has begun. A library that
    has no words for it does not understand."""
    if CODE not in walk.library.responses:
        return
    about = (("context.reception", heard.reception.value), ("context.with_people", walk.with_people))
    speech.put(walk, CODE, about)
    if walk.with_people:
        return
    if not walk.stack:
        commands.start_session(walk)
    walk.waiting = False
    steps.run(walk)


def _is_busy_with_another(walk: Walk, flow: Flow) -> bool:
    """True when a deep link to a flow is followed in the middle of another's questions: that is asked about at once.

    Not while a pattern is open: nothing takes the place of the danger screen.
    """
    topic = walk.topic()
    if topic is None or topic is not walk.stack[-1]:
        return False
    return topic.flow not in (flow.id, START) and bool(walk.answers)


def _action_done(walk: Walk, heard: ActionDone) -> None:
    """Take what a custom action set and said, and walk on; the result of an action nobody waits for is dropped."""
    step = walk.step if walk.stack and not walk.waiting else None
    if not isinstance(step, ActionStep) or step.action != heard.action:
        hearing.keep_offers(walk)
        return
    frame = walk.stack[-1]
    walk.note("action_executed", heard.action)
    walk.asides = list(walk.offered_before)
    if heard.failed:
        walk.trouble = Trouble(f"{heard.action} failed", frame.flow, frame.step)
        walk.follow(step.next)
        steps.apologise(walk, heard.action)
        return
    for name, value in heard.slots:
        if name in walk.library.slots:
            walk.set(name, value)
    for response, arguments in heard.responses:
        speech.say(walk, response, arguments)
    walk.follow(step.next)
    steps.run(walk)


def _remind(walk: Walk, heard: Reminder) -> None:
    """Ask, above what lies open; nothing is said where the library has no words for it, or nobody is there."""
    if heard.pattern not in walk.library.flows or walk.with_people or walk.ended:
        hearing.keep_offers(walk)
        return
    page = walk.library.pages.get(f"{heard.platform}.{walk.language}") or walk.library.pages.get(heard.platform or "")
    named = (("platform", page.title),) if page else ()
    stack.interrupt(walk, heard.pattern, (*heard.about, *named))
    steps.run(walk)


def _case_ended(walk: Walk, heard: CaseEnded) -> None:
    """People have finished: say so, then go on with what was interrupted."""
    walk.with_people = False
    stack.leave_patterns(walk)
    walk.handing_over = None
    pattern = "pattern_case_closed" if heard.closed else "pattern_given_back"
    stack.interrupt(walk, pattern, (("reference", heard.reference),))
    steps.run(walk)
