"""The Library as values: flows, steps, slots, responses, pages and terms. No I/O, no third-party package."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain import LibraryVersion, SlotValue

if TYPE_CHECKING:
    from bot.library.conditions import Condition

END = "END"
MAX_TIER = 3
"""The least grave hand-over; 0 is danger now."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place in an editor's file: path relative to the library's folder, 1-based line and column."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class SlotType(StrEnum):
    TEXT = "text"
    BOOL = "bool"
    CATEGORICAL = "categorical"
    FLOAT = "float"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Slot:
    name: str
    type: SlotType
    where: Where
    values: tuple[str, ...] = ()
    min_value: float | None = None
    max_value: float | None = None
    initial_value: SlotValue = None


# --- where a step goes next ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Branch:
    """`if condition then target`; `condition` None means else. `target` is a step id or END."""

    condition: "Condition | None"
    target: str
    where: Where


@dataclass(frozen=True, slots=True)
class Next:
    """Branches in order, the else last; a plain `next: x` is one branch without condition."""

    branches: tuple[Branch, ...]


# --- steps -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rejection:
    condition: "Condition"
    utter: str
    where: Where


@dataclass(frozen=True, slots=True)
class ActionStep:
    id: str
    action: str
    next: Next
    where: Where


@dataclass(frozen=True, slots=True)
class CollectStep:
    """Asks for a slot. `why`: response-less line of plain text shown by "Why do you ask?" (language -> text)."""

    id: str
    slot: str
    utter: str
    next: Next
    where: Where
    description: str | None = None
    ask_before_filling: bool = False
    force_slot_filling: bool = False
    rejections: tuple[Rejection, ...] = ()
    max_attempts: int = 3
    on_exhausted: str | None = None
    """A step id of the same flow, or a flow id; None: the engine says the choices again and offers a person."""
    dont_know: bool = False
    dont_know_value: SlotValue = None
    """What "Don't know" sets: the risky value; only read when `dont_know`."""
    sensitive: bool = False
    free_text: bool = False
    """Words that fit no choice are taken as a description: what triage heard in them is offered to confirm."""
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkStep:
    """Ends this flow and starts `flow`. `tier`, `reason`, `summary_slots` only for pattern_human_handoff."""

    id: str
    flow: str
    where: Where
    tier: int | None = None
    reason: str | None = None
    summary_slots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallStep:
    id: str
    flow: str
    next: Next
    where: Where


@dataclass(frozen=True, slots=True)
class SetSlotsStep:
    id: str
    values: tuple[tuple[str, SlotValue], ...]
    next: Next
    where: Where


@dataclass(frozen=True, slots=True)
class NoopStep:
    id: str
    next: Next
    where: Where


Step = ActionStep | CollectStep | LinkStep | CallStep | SetSlotsStep | NoopStep


@dataclass(frozen=True, slots=True)
class Menu:
    under: str
    order: int


@dataclass(frozen=True, slots=True)
class Flow:
    """`first` is the id of the step it begins with; `steps` every step by id, nested ones included, in file order."""

    id: str
    name: str
    description: str
    first: str
    steps: Mapping[str, Step]
    where: Where
    guard: "Condition | None" = None
    names: Mapping[str, str] = field(default_factory=dict)
    """language -> translated name."""
    intents: tuple[str, ...] = ()
    """The `nlu_trigger` intents that start it."""
    persisted_slots: frozenset[str] = frozenset()
    run_pattern_completed: bool = True
    concern: str | None = None
    tier: int | None = None
    """How grave it is to ask for a person from here, 0 to 3; None: an ordinary question."""
    owner: str | None = None
    review_by: date | None = None
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """language -> phrases people type."""
    nations: tuple[str, ...] = ()
    menu: Menu | None = None
    own_slots: frozenset[str] = frozenset()
    """Slots that are reset when the flow ends: collected or set here, not persisted."""

    @property
    def is_pattern(self) -> bool:
        return self.id.startswith("pattern_")

    @property
    def calls(self) -> tuple[str, ...]:
        """The flows it calls."""
        return tuple(step.flow for step in self.steps.values() if isinstance(step, CallStep))


# --- words -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Button:
    """`payload` is what it sets, parsed; or `command`/`flow` when it is `/intent`."""

    title: Mapping[str, str]
    """language -> label."""
    sets: tuple[tuple[str, SlotValue], ...]
    intent: str | None
    where: Where


@dataclass(frozen=True, slots=True)
class Variation:
    text: Mapping[str, str]
    """language -> Markdown with {slot}, {term.x}, {service.x} placeholders."""
    where: Where
    buttons: tuple[Button, ...] = ()
    condition: "Condition | None" = None
    channel: str | None = None
    id: str | None = None
    page: str | None = None
    """Id of a page shown with the text, or instead of it when the text is empty."""
    section: str | None = None
    """Only this heading of the page."""
    page_by: str | None = None
    """A slot: its value names the page of the same kind that is shown; `page` where there is none."""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """The first variation whose condition and channel fit is said. Every page is also a response (Page.response_id)."""

    id: str
    variations: tuple[Variation, ...]
    where: Where


@dataclass(frozen=True, slots=True)
class Source:
    url: str
    title: str
    checked_on: date | None


class PageStatus(StrEnum):
    VERIFIED = "verified"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    markdown: str


@dataclass(frozen=True, slots=True)
class Page:
    """One reviewed piece of content. `sections` in file order; text before the first heading has heading ''."""

    id: str
    kind: str
    title: str
    sections: tuple[Section, ...]
    sources: tuple[Source, ...]
    status: PageStatus
    review_by: date
    owner: str
    where: Where
    concerns: tuple[str, ...] = ()
    nations: tuple[str, ...] = ()
    outcome: str | None = None
    verify: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    """What only some kinds have: phone, hours, url, who_for, min_age, help_url."""
    language: str = "en"
    framework: str | None = None
    """Thresholds only: the term that names the framework and its version, by nation."""
    routes: Mapping[str, str] = field(default_factory=dict)
    """Thresholds only: heading, which is the rule -> the outcome it leads to."""

    @property
    def response_id(self) -> str:
        return "utter_page_" + self.id.replace("-", "_")

    @property
    def checked_on(self) -> date | None:
        """The oldest check of its sources: a page is as fresh as its stalest fact."""
        checked = [source.checked_on for source in self.sources if source.checked_on]
        return min(checked) if checked and len(checked) == len(self.sources) else None


@dataclass(frozen=True, slots=True)
class Term:
    """A word that changes by nation; `by_nation` has every nation, `default` before the nation is known."""

    id: str
    default: str
    by_nation: Mapping[str, str]
    where: Where
    sources: tuple[Source, ...]
    status: PageStatus
    review_by: date
    owner: str
    verify: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Library:
    """Everything editors own, checked, at one version. Immutable."""

    version: LibraryVersion
    flows: Mapping[str, Flow]
    slots: Mapping[str, Slot]
    responses: Mapping[str, Response]
    pages: Mapping[str, Page]
    terms: Mapping[str, Term]
    languages: tuple[str, ...] = ("en",)
    service: Mapping[str, str] = field(default_factory=dict)
    """The service's own name, hours and contacts, from content/services/our-service.md."""
    by_intent: Mapping[str, str] = field(default_factory=dict)
    """nlu_trigger intent -> flow id."""
    page_of_response: Mapping[str, str] = field(default_factory=dict)
    """utter_page_… -> page id."""

    def page_shown(self, variation: Variation, slots: Mapping[str, SlotValue]) -> str | None:
        """The id of the page this variation shows, with these slots."""
        value = slots.get(variation.page_by) if variation.page_by else None
        return self.pages_by(variation).get(str(value), variation.page)

    def pages_by(self, variation: Variation) -> Mapping[str, str]:
        """Value of the slot it goes by -> the page of that name, where there is one of the same kind."""
        slot = self.slots.get(variation.page_by or "")
        fallback = self.pages.get(variation.page or "")
        kind = fallback.kind if fallback else None
        named = {value: value.replace("_", "-") for value in (slot.values if slot else ())}
        return {value: name for value, name in named.items() if name in self.pages and self.pages[name].kind == kind}
