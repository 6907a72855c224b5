"""Every way through the flows, walked with the engine's own steps: a graph of what can be asked in which state.

A state is where the stack stands and the values of the slots that still matter there; ways that differ only in what
nobody reads again meet, and so do ways whose values no condition tells apart from there on. Not walked: "back" and
other commands, answers asked again, and what interrupts a flow.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import product
from math import prod

from bot.domain import Conversation, Frame, Offer, SlotValue, Token
from bot.engine import commands, filling, offers, speech, stack, steps
from bot.engine.liveness import Place
from bot.engine.sameness import Filled, Sameness
from bot.engine.walk import Walk, WalkError, shown
from bot.library.actions import ACTION_OUTCOMES
from bot.library.conditions import Compare, Condition, Literal
from bot.library.model import (
    END,
    ActionStep,
    CallStep,
    CollectStep,
    Flow,
    Library,
    LinkStep,
    SlotType,
)
from bot.library.uncollected import uncollected

ROOT = stack.SESSION_START
ADVICE_KINDS = frozenset({"guidance", "platform", "service", "template"})
"""Kinds of page that tell someone what to do."""
SAFETY_RESPONSES = frozenset({"utter_danger", "utter_child"})
"""What to do in danger, and what a child is told: advice without a page."""
MAX_TOGETHER = 16
"""Combinations of values with which a pattern is begun; above it, each slot takes its values while the others stay."""
AT = datetime(2026, 7, 6, 12, 0, tzinfo=UTC)
ANY_WORDS = "words"


class Kind(StrEnum):
    ENTRY = "entry"
    """A flow begins."""
    QUESTION = "question"
    ACTION = "action"
    """A custom action runs; what it finds decides."""


class End(StrEnum):
    """How a way ends, or NONE when it goes on."""

    NONE = ""
    OVER = "over"
    """Nothing is left to do: the flow ended where nothing lies below."""
    STOPPED = "stopped"
    """The conversation ended."""
    PEOPLE = "people"
    """People have the word."""
    ELSEWHERE = "elsewhere"
    """A button that is no answer: a command, or a flow that interrupts."""
    CALLER = "caller"
    """A flow that is only called is back where it was called, which is walked there."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class State:
    kind: Kind
    stack: tuple[Frame, ...]
    slots: Filled
    with_people: bool = False

    @property
    def flow(self) -> str:
        """The flow whose ways these are: the lowest; those it calls are above."""
        return self.stack[0].flow

    @property
    def place(self) -> Place:
        return self.stack[-1].flow, self.stack[-1].step


@dataclass(frozen=True, slots=True)
class Edge:
    """One way on from a state. `answer`: the enquirer chose it; `counted`: False where an answer was not understood for
    the last time; `advised`: what to do was said."""

    label: str
    to: State | None
    end: End = End.NONE
    answer: bool = False
    counted: bool = True
    advised: bool = False
    elsewhere: str = ""
    silent: bool = False
    """Nothing at all was said on the way."""


@dataclass(slots=True)
class Ways:
    """Everything found: `roots` are where each flow is entered."""

    edges: dict[State, tuple[Edge, ...]] = field(default_factory=dict)
    entries: dict[str, list[State]] = field(default_factory=dict)
    walked: set[Place] = field(default_factory=set)
    said: dict[tuple[str, Filled], Place] = field(default_factory=dict)
    broken: dict[Place, str] = field(default_factory=dict)
    rejected_all: dict[Place, None] = field(default_factory=dict)
    """Questions at which, in some state, no answer is taken."""


@uncollected()
def walk_every_path(library: Library, sameness: Sameness | None = None) -> Ways:
    """Walks from the greeting, from every pattern, and from every flow that something leads to.

    `sameness` says which states are one; None: those that nobody can tell apart.
    """
    explorer = _Explorer(library, sameness or Sameness(library))
    waiting = list(explorer.roots())
    while waiting:
        while waiting:
            state = waiting.pop()
            if state not in explorer.ways.edges:
                edges = explorer.edges(state)
                explorer.ways.edges[state] = edges
                waiting.extend(edge.to for edge in edges if edge.to)
        waiting.extend(explorer.started_directly())
    return explorer.ways


class _Explorer:
    def __init__(self, library: Library, sameness: Sameness) -> None:
        self.library = library
        self.sameness = sameness
        self.first: dict[Hashable, State] = {}
        """By the key of states that nobody can tell apart, the one that was found first."""
        self.same: dict[State, State] = {}
        """Each state -> the one that stands for it."""
        self.ways = Ways()
        self.literals = _literals(library)
        self.only_called = only_called(library)
        self.kept = frozenset().union(*(flow.persisted_slots for flow in library.flows.values()))

    # --- where ways begin --------------------------------------------------------------------------------------------

    def roots(self) -> Iterator[State]:
        if ROOT in self.library.flows:
            yield self.entry(ROOT, commands.initial_slots(self.library))
        for flow in self.library.flows.values():
            if flow.is_pattern and flow.id != ROOT:
                yield from (self.entry(flow.id, slots) for slots in self.any_slots(flow))

    def started_directly(self) -> Iterator[State]:
        """Flows that nothing walked so far leads to, but that words start or other flows call."""
        for flow in self.library.flows.values():
            if flow.id in self.ways.entries or not (flow.intents or flow.id in self.called()):
                continue
            if flow.id in self.only_called:
                yield self.entry(flow.id, commands.initial_slots(self.library))
            else:
                yield from (self.entry(flow.id, slots) for slots in self.any_slots(flow))

    def called(self) -> set[str]:
        return {place[0] for place in self.ways.walked}

    def any_slots(self, flow: Flow) -> Iterator[Mapping[str, SlotValue]]:
        """A pattern may begin at any time: with every value of what is kept and it reads."""
        initial = commands.initial_slots(self.library)
        kept = self.kept if flow.is_pattern else frozenset(self.library.slots)
        names = sorted((self.sameness.live(((flow.id, flow.first),)).keys() & kept) - flow.own_slots)
        values = [(None, *self.values(name)) for name in names]
        combinations = product(*values) if prod(map(len, values)) <= MAX_TOGETHER else _one_at_a_time(values)
        for combination in combinations:
            filled = dict(zip(names, combination, strict=True))
            yield {**initial, **{name: value for name, value in filled.items() if value is not None}}

    def entry(self, flow: str, slots: Mapping[str, SlotValue], *, with_people: bool = False) -> State:
        frame = Frame(flow, self.library.flows[flow].first)
        state = self.state(Kind.ENTRY, (frame,), slots, with_people)
        known = self.ways.entries.setdefault(flow, [])
        if state not in known:
            known.append(state)
        return state

    def state(self, kind: Kind, frames: tuple[Frame, ...], slots: Mapping[str, SlotValue], with_people: bool) -> State:
        places = tuple((frame.flow, frame.step) for frame in frames)
        made = State(kind, frames, self.sameness.mattering(places, slots), with_people)
        if made not in self.same:
            key = (kind, frames, with_people, self.sameness.key(places, dict(made.slots)))
            self.same[made] = self.first.setdefault(key, made)
        return self.same[made]

    # --- one state ---------------------------------------------------------------------------------------------------

    def edges(self, state: State) -> tuple[Edge, ...]:
        match state.kind:
            case Kind.ENTRY:
                return (self.after(self.walk(state), state, ""),)
            case Kind.ACTION:
                return tuple(self.action(state))
            case Kind.QUESTION:
                edges = tuple(self.answers(state))
                if not any(edge.answer for edge in edges):
                    self.ways.rejected_all[state.place] = None
                return edges

    def walk(self, state: State) -> Walk:
        conversation = Conversation(
            self.library.version, state.stack, dict(state.slots), waiting=state.kind is Kind.QUESTION
        )
        walk = Walk(self.library, conversation, AT)
        walk.with_people = state.with_people
        return walk

    def action(self, state: State) -> Iterator[Edge]:
        step = self.library.flows[state.place[0]].steps[state.place[1]]
        assert isinstance(step, ActionStep)
        for found in ACTION_OUTCOMES.get(step.action, ({},)):
            walk = self.walk(state)
            for name, value in found.items():
                if name in self.library.slots:
                    walk.set(name, value)
            label = ", ".join(f"{name} {shown(value)}" for name, value in found.items())
            yield self.after(walk, state, label, follow=step)

    def answers(self, state: State) -> Iterator[Edge]:
        walk = self.walk(state)
        asked = walk.asked
        if asked is None:
            yield Edge("", None, End.ELSEWHERE, answer=True)
            return
        response = self.library.responses.get(asked.utter)
        variation = speech.variation_of(walk, response) if response else None
        choices = offers.drafts_of(walk, asked, variation)
        for choice in choices:
            if choice.command or choice.flow:
                yield Edge(
                    choice.title, None, End.ELSEWHERE, answer=True, elsewhere=choice.command or choice.flow or ""
                )
            else:
                yield from self.answer(state, choice)
        yield from self.typed(state, asked, choices)
        if asked.on_exhausted:
            yield self.exhausted(state, asked)

    def answer(self, state: State, choice: Offer) -> Iterator[Edge]:
        """Nothing when the answer is not taken: then the question stands as before."""
        walk = self.walk(state)
        walk.attempts = _NEVER_EXHAUSTED
        filling.take(walk, choice)
        if walk.attempts <= _NEVER_EXHAUSTED + 1 and walk.stack and walk.stack[-1] == state.stack[-1]:
            return
        label = choice.title or shown(choice.sets[0][1])
        yield self.after(walk, state, label, answer=True)

    def typed(self, state: State, asked: CollectStep, choices: tuple[Offer, ...]) -> Iterator[Edge]:
        """Values that are typed, not chosen; and the concerns that words may be taken for."""
        slot = self.library.slots.get(asked.slot)
        if slot and slot.type in (SlotType.TEXT, SlotType.ANY, SlotType.FLOAT):
            for value in self.values(asked.slot):
                yield from self.answer(state, Offer(Token(""), "", sets=((asked.slot, value),)))
        if asked.free_text and slot:
            known = {value for choice in choices for _, value in choice.sets}
            meant = {flow.concern for flow in self.library.flows.values() if flow.concern and not flow.is_pattern}
            for concern in sorted(meant & set(slot.values) - known):
                yield from self.answer(state, Offer(Token(""), concern, sets=((asked.slot, concern),)))

    def exhausted(self, state: State, asked: CollectStep) -> Edge:
        walk = self.walk(state)
        walk.attempts = asked.max_attempts - 1
        filling.not_understood(walk)
        return self.after(walk, state, "(not understood)", counted=False)

    # --- from one state to the next ----------------------------------------------------------------------------------

    def after(
        self,
        walk: Walk,
        state: State,
        label: str,
        *,
        follow: ActionStep | None = None,
        answer: bool = False,
        counted: bool = True,
    ) -> Edge:
        place = state.place
        try:
            if follow:
                walk.follow(follow.next)
            to, end = self.run(walk, state.flow)
        except WalkError as broken:
            place = (broken.trouble.flow, broken.trouble.step)
            self.ways.broken.setdefault(place, broken.trouble.reason)
            to, end = None, End.BROKEN
        self.ways.walked.update(_places(walk))
        for reply in walk.replies:
            self.ways.said.setdefault((reply.response, reply.slots), place)
        return Edge(label, to, end, answer, counted, self.advised(walk), silent=not walk.replies)

    def run(self, walk: Walk, base: str) -> tuple[State | None, End]:
        """Take the engine's steps until someone must act, or another flow takes this one's place. Raises: WalkError."""
        while True:
            if not walk.stack:
                return None, End.STOPPED if walk.ended else End.PEOPLE if walk.with_people else End.OVER
            if walk.stack[0].flow != base:
                if base in self.only_called:
                    return None, End.CALLER
                return self.entry(walk.stack[0].flow, walk.slots, with_people=walk.with_people), End.NONE
            if walk.waiting:
                return self.standing(walk, Kind.QUESTION), End.NONE
            if walk.wanted:
                return self.standing(walk, Kind.ACTION), End.NONE
            if stack.rest(walk):
                return None, End.PEOPLE
            if walk.stack[-1].step == END:
                stack.finish(walk)
            else:
                walk.count_step()
                steps._take(walk, walk.step)

    def standing(self, walk: Walk, kind: Kind) -> State:
        frames = tuple(Frame(frame.flow, frame.step, frame.kind) for frame in walk.stack)
        frames = (Frame(frames[0].flow, frames[0].step), *frames[1:])
        return self.state(kind, frames, walk.slots, walk.with_people)

    def advised(self, walk: Walk) -> bool:
        if any(reply.response in SAFETY_RESPONSES for reply in walk.replies):
            return True
        pages = (self.library.pages.get(advised.page) for advised in walk.advised)
        return any(page and page.kind in ADVICE_KINDS for page in pages)

    # --- values ------------------------------------------------------------------------------------------------------

    def values(self, name: str) -> tuple[SlotValue, ...]:
        """Every value of a slot of few values; for words and numbers one of each kind that conditions tell apart."""
        slot = self.library.slots[name]
        literals = self.literals.get(name, ())
        match slot.type:
            case SlotType.BOOL:
                return (True, False)
            case SlotType.CATEGORICAL:
                return slot.values
            case SlotType.FLOAT:
                numbers = [float(each) for each in literals if isinstance(each, int | float)] or [1.0]
                low, high = slot.min_value, slot.max_value
                near = sorted({value for number in numbers for value in (number - 1, number, number + 1)})
                return tuple(v for v in near if (low is None or v >= low) and (high is None or v <= high))
            case SlotType.TEXT | SlotType.ANY:
                return (ANY_WORDS, *dict.fromkeys(each for each in literals if isinstance(each, str)))


_NEVER_EXHAUSTED = -1_000


def only_called(library: Library) -> frozenset[str]:
    """Flows that begin by `call` alone."""
    steps = [step for flow in library.flows.values() for step in flow.steps.values()]
    called = {step.flow for step in steps if isinstance(step, CallStep)}
    linked = {step.flow for step in steps if isinstance(step, LinkStep)}
    return frozenset(flow for flow in called - linked if not library.flows[flow].intents)


def _one_at_a_time(values: Sequence[tuple[SlotValue, ...]]) -> Iterator[tuple[SlotValue, ...]]:
    """Nothing filled; then each value in turn, while the others have their first."""
    yield tuple(None for _ in values)
    first = [each[1] for each in values]
    for place, each in enumerate(values):
        yield from ((*first[:place], value, *first[place + 1 :]) for value in each)


def _places(walk: Walk) -> Iterator[Place]:
    for kind, what in walk.events:
        if kind == "step":
            flow, _, step = what.partition("/")
            yield flow, step


def _literals(library: Library) -> Mapping[str, tuple[SlotValue, ...]]:
    """Slot -> the values that conditions compare it with."""
    found: dict[str, dict[SlotValue, None]] = {}
    for condition in _conditions(library):
        literals = {each.value for each in _compared(condition.tree) if each.value is not None}
        for name in condition.slots:
            found.setdefault(name, {}).update(dict.fromkeys(sorted(literals, key=str)))
    return {name: tuple(values) for name, values in found.items()}


def _conditions(library: Library) -> Iterator[Condition]:
    for flow in library.flows.values():
        for step in flow.steps.values():
            if not isinstance(step, LinkStep):
                yield from (branch.condition for branch in step.next.branches if branch.condition)
            if isinstance(step, CollectStep):
                yield from (rejection.condition for rejection in step.rejections)


def _compared(tree: object) -> Iterator[Literal]:
    if isinstance(tree, Compare):
        yield from (each for each in (tree.left, tree.right) if isinstance(each, Literal))
    for part in _parts(tree):
        yield from _compared(part)


def _parts(tree: object) -> Iterable[object]:
    items = getattr(tree, "items", None)
    if isinstance(items, tuple):
        return items
    item = getattr(tree, "item", None)
    return (item,) if item is not None else ()
