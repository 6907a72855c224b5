"""One walk in the making: a working copy of the conversation and what came of it, private to the engine."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.domain import (
    MAX_CALL_DEPTH,
    MAX_SLOT_CHARACTERS,
    MAX_STEPS_WITHOUT_INPUT,
    ActionWanted,
    Advised,
    Answered,
    Checkpoint,
    Conversation,
    Deletion,
    Frame,
    FrameKind,
    HandOver,
    Intent,
    Offer,
    Outcome,
    Reply,
    SlotValue,
    Trouble,
)
from bot.engine.conditions import holds
from bot.engine.index import index_of
from bot.library.model import CollectStep, Flow, Library, Next, Step

CHILD_WRITING = "child_writing"
"""The slot that is true once a child was seen to write; only starting again empties it."""


class WalkError(Exception):
    """The library cannot be walked here; `everything` means the whole stack is at fault, not one flow."""

    def __init__(self, reason: str, flow: str, step: str, *, everything: bool = False) -> None:
        super().__init__(reason)
        self.trouble = Trouble(reason, flow, step)
        self.everything = everything


class Walk:
    """Mutable while `advance` runs, so that a step copies nothing; `outcome` freezes it."""

    def __init__(self, library: Library, conversation: Conversation, at: datetime) -> None:
        self.library = library
        self.index = index_of(library)
        self.at = at
        self.replies: list[Reply] = []
        self.events: list[tuple[str, str]] = []
        self.wanted: ActionWanted | None = None
        self.hand_over: HandOver | None = None
        self.trouble: Trouble | None = None
        self.delete = Deletion.NONE
        self.to_people = False
        self.steps_walked = 0
        self.minted: list[Offer] = []
        """Every choice that got a new token in this walk."""
        self.fresh = _nothing_started(conversation)
        self.take_up(conversation)

    def take_up(self, conversation: Conversation) -> None:
        """Stand where this conversation stands."""
        self.version = conversation.library
        self.stack = list(conversation.stack)
        self.slots: dict[str, SlotValue] = dict(conversation.slots)
        self.waiting = conversation.waiting
        self.offered_before = conversation.offers
        self.offers: list[Offer] = []
        """The choices of the open question."""
        self.asides: list[Offer] = []
        """Choices beside it, offered by replies that ask nothing."""
        self.attempts = conversation.attempts
        self.checkpoints: tuple[Checkpoint, ...] = conversation.checkpoints
        self.answers: tuple[Answered, ...] = conversation.answers
        self.advised: tuple[Advised, ...] = conversation.advised
        self.past = conversation.past
        self.intents: tuple[Intent, ...] = conversation.intents
        self.also: tuple[str, ...] = conversation.also
        self.handing_over = conversation.handing_over
        self.with_people = conversation.with_people
        self.language = conversation.language
        self.offered = conversation.offered
        self.ended = conversation.ended

    # --- where it stands ---------------------------------------------------------------------------------------------

    @property
    def flow(self) -> Flow:
        """The flow on top. Raises: WalkError."""
        frame = self.stack[-1]
        found = self.library.flows.get(frame.flow)
        if found is None:
            raise WalkError("no such flow", frame.flow, frame.step)
        return found

    @property
    def step(self) -> Step:
        """The step on top. Raises: WalkError."""
        frame = self.stack[-1]
        found = self.flow.steps.get(frame.step)
        if found is None:
            raise WalkError("no such step", frame.flow, frame.step)
        return found

    @property
    def asked(self) -> CollectStep | None:
        """The question that stands open, if one does."""
        if not (self.waiting and self.stack):
            return None
        step = self.step
        return step if isinstance(step, CollectStep) else None

    @property
    def context(self) -> Mapping[str, SlotValue]:
        return dict(self.stack[-1].context) if self.stack and self.stack[-1].context else {}

    def is_pattern(self, frame: Frame) -> bool:
        return frame.flow.startswith("pattern_")

    def topic(self) -> Frame | None:
        """The topmost frame that is not a pattern's: what the enquirer is busy with."""
        return next((frame for frame in reversed(self.stack) if not self.is_pattern(frame)), None)

    # --- how it changes ----------------------------------------------------------------------------------------------

    def note(self, kind: str, what: str) -> None:
        self.events.append((kind, what))

    def set(self, name: str, value: SlotValue) -> None:
        """Fill or (None) empty a slot; long texts are cut."""
        if isinstance(value, str):
            value = value[:MAX_SLOT_CHARACTERS]
        if value is None:
            self.slots.pop(name, None)
        else:
            self.slots[name] = value
        self.note("slot_set", f"{name}={shown(value)}")

    def reset(self, names: Iterable[str]) -> None:
        """Give slots their initial value, without a word."""
        for name in names:
            slot = self.library.slots.get(name)
            if slot is None or slot.initial_value is None:
                self.slots.pop(name, None)
            else:
                self.slots[name] = slot.initial_value

    def goto(self, step: str) -> None:
        frame = self.stack[-1]
        self.stack[-1] = Frame(frame.flow, step, frame.kind, frame.context)
        self.attempts = 0

    def follow(self, way: Next) -> None:
        """Go on by the first branch that holds; without conditions that is the only one."""
        branches = way.branches
        if len(branches) > 1 or branches[0].condition is not None:
            context = self.context
            for branch in branches:
                if branch.condition is None or holds(branch.condition, self.slots, context):
                    return self.goto(branch.target)
            frame = self.stack[-1]
            raise WalkError("no branch holds", frame.flow, frame.step)
        return self.goto(branches[0].target)

    def push(self, flow_id: str, kind: FrameKind, context: tuple[tuple[str, SlotValue], ...] = ()) -> None:
        """Begin a flow on top. Raises: WalkError."""
        flow = self.library.flows.get(flow_id)
        if flow is None:
            at = self.stack[-1] if self.stack else Frame(flow_id, "")
            raise WalkError(f"no flow {flow_id}", at.flow, at.step)
        if kind is FrameKind.CALL and sum(frame.kind is FrameKind.CALL for frame in self.stack) >= MAX_CALL_DEPTH:
            raise WalkError("calls nested too deep", flow_id, flow.first, everything=True)
        self.stack.append(Frame(flow_id, flow.first, kind, context))
        self.attempts = 0
        self.note("flow_started", flow_id)

    def count_step(self) -> None:
        """Raises: WalkError when it has walked too far without input."""
        frame = self.stack[-1]
        self.steps_walked += 1
        if self.steps_walked > MAX_STEPS_WITHOUT_INPUT:
            raise WalkError("too many steps without input", frame.flow, frame.step, everything=True)
        self.events.append(("step", f"{frame.flow}/{frame.step}"))

    # --- what it comes to --------------------------------------------------------------------------------------------

    def conversation(self) -> Conversation:
        if self.ended:
            return Conversation(self.version, language=self.language, offered=self.offered, ended=True)
        return Conversation(
            library=self.version,
            stack=tuple(self.stack),
            slots=self.slots,
            waiting=self.waiting,
            offers=(*self.offers, *self.asides),
            attempts=self.attempts,
            checkpoints=self.checkpoints,
            answers=self.answers,
            advised=self.advised,
            past=self.past,
            intents=self.intents,
            also=self.also,
            handing_over=self.handing_over,
            with_people=self.with_people,
            language=self.language,
            offered=self.offered,
        )

    def outcome(self) -> Outcome:
        return Outcome(
            conversation=self.conversation(),
            replies=tuple(self.replies),
            action=self.wanted,
            hand_over=self.hand_over,
            trouble=self.trouble,
            delete=self.delete,
            to_people=self.to_people,
            events=tuple(self.events),
        )


def _nothing_started(conversation: Conversation) -> bool:
    if conversation.slots.get(CHILD_WRITING) is True:
        return conversation.ended
    started = conversation.stack or conversation.offered or conversation.answers or conversation.advised
    return conversation.ended or not (started or conversation.with_people)


def shown(value: SlotValue) -> str:
    """A slot value as editors write it: true, null, 3, over_48h."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() | int():
            return f"{value:g}"
        case str():
            return value
