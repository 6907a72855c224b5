"""What the walk looks up again and again, worked out once for each library."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from bot.domain import Offer, SlotValue
from bot.engine.words import normal
from bot.library.model import CollectStep, Library
from bot.library.taxonomy import CONCERN, SPLIT

_MAX_LIBRARIES = 16
_LONG_ENOUGH_TO_MISTYPE = 6


@dataclass(frozen=True, slots=True)
class Index:
    """Derived from one library, never changed; `needs` and `drafts` fill as they are first asked for."""

    by_intent: Mapping[str, str]
    by_concern: Mapping[str, str]
    commands: Mapping[str, str]
    """What is typed, normalised -> the command pattern it starts."""
    long_commands: tuple[tuple[str, str], ...]
    """The typed commands that may be mistyped."""
    yes: frozenset[str]
    no: frozenset[str]
    dont_know: frozenset[str]
    option: frozenset[str]
    """Words that may stand before the number of a choice."""
    lead_in: tuple[str, ...]
    """How people begin or end a request ("can i", "please"), longest first."""
    meanings: Mapping[tuple[str, str], frozenset[str]]
    """(slot, value) -> other words for it, as editors list them."""
    example_words: frozenset[str]
    """Every word of the phrases by which editors say what a flow is about."""
    splits: Mapping[frozenset[str], str]
    """Two concerns that are easily confused -> the editors' question that tells them apart."""
    labels: Mapping[tuple[str, str], Mapping[str, SlotValue]]
    """(flow, slot) -> the labels of all its lists, normalised -> the value; what is called twice is left out."""
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Response -> the slot names its text and conditions read."""
    drafts: dict[tuple[int, int, str], tuple[Offer, ...]] = field(default_factory=dict)
    """(identity of a variation, of a step, language) -> its choices without tokens."""


_indexes: dict[int, tuple[Library, Index]] = {}


def index_of(library: Library) -> Index:
    found = _indexes.get(id(library))
    if found is not None and found[0] is library:
        return found[1]
    made = _index(library)
    while len(_indexes) >= _MAX_LIBRARIES:
        _indexes.pop(next(iter(_indexes)))
    _indexes[id(library)] = (library, made)
    return made


def _index(library: Library) -> Index:
    commands = _commands(library)
    long_commands = tuple((text, flow) for text, flow in commands.items() if len(text) >= _LONG_ENOUGH_TO_MISTYPE)
    own = {intent: flow.id for flow in library.flows.values() for intent in flow.intents}
    return Index(
        by_intent={**own, **library.by_intent},
        by_concern={flow.concern: flow.id for flow in reversed(tuple(library.flows.values())) if flow.concern},
        commands=commands,
        long_commands=long_commands,
        yes=_words(library, "utter_words_yes"),
        no=_words(library, "utter_words_no"),
        dont_know=_words(library, "utter_words_dont_know"),
        option=_words(library, "utter_words_option"),
        lead_in=tuple(sorted(_words(library, "utter_words_lead_in"), key=len, reverse=True)),
        meanings=_meanings(library),
        example_words=_example_words(library),
        splits=_splits(library),
        labels=_labels(library),
    )


def _example_words(library: Library) -> frozenset[str]:
    examples = (each for flow in library.flows.values() for listed in flow.examples.values() for each in listed)
    return frozenset(word for example in examples for word in normal(example).split())


def _splits(library: Library) -> dict[frozenset[str], str]:
    """Every response `utter_split_…`: each two of the values its buttons set."""
    found: dict[frozenset[str], str] = {}
    for response in library.responses.values():
        if response.id.startswith(SPLIT):
            values = {str(value) for each in response.variations for button in each.buttons for _, value in button.sets}
            found |= {frozenset(pair): response.id for pair in combinations(sorted(values), 2)}
    return found


def _labels(library: Library) -> dict[tuple[str, str], dict[str, SlotValue]]:
    """Labels of every list by which a flow asks for a slot, and what flows that may always start are called."""
    names = [
        (normal(name), flow.concern)
        for flow in library.flows.values()
        if flow.concern and flow.intents and flow.guard is None and not flow.is_pattern
        for name in (flow.name, *flow.names.values())
    ]
    called: dict[tuple[str, str], dict[str, set[SlotValue]]] = {}
    for flow in library.flows.values():
        for step in flow.steps.values():
            if isinstance(step, CollectStep):
                labels = called.setdefault((flow.id, step.slot), {})
                for label, value in (*_buttons(library, step), *(names if step.slot == CONCERN else ())):
                    labels.setdefault(label, set()).add(value)
    return {
        asked: {label: next(iter(values)) for label, values in labels.items() if len(values) == 1}
        for asked, labels in called.items()
    }


def _buttons(library: Library, step: CollectStep) -> Iterator[tuple[str, SlotValue]]:
    response = library.responses.get(step.utter)
    for button in (button for each in (response.variations if response else ()) for button in each.buttons):
        if len(button.sets) == 1:
            yield from ((normal(title), button.sets[0][1]) for title in button.title.values())


def _meanings(library: Library) -> dict[tuple[str, str], frozenset[str]]:
    """`utter_words_<slot>_<value>` of every categorical slot."""
    pairs = ((slot.name, value) for slot in library.slots.values() for value in slot.values)
    found = {(slot, value): _words(library, f"utter_words_{slot}_{value}") for slot, value in pairs}
    return {pair: words for pair, words in found.items() if words}


def _commands(library: Library) -> dict[str, str]:
    found: dict[str, str] = {}
    for flow in library.flows.values():
        if flow.is_pattern and flow.intents:
            for examples in flow.examples.values():
                for example in examples:
                    found.setdefault(normal(example), flow.id)
    found.pop("", None)
    return found


def _words(library: Library, response_id: str) -> frozenset[str]:
    """The comma-separated lists of a response, all languages together."""
    response = library.responses.get(response_id)
    variations = response.variations if response else ()
    lists = [text for variation in variations for text in variation.text.values()]
    return frozenset(normal(word) for words in lists for word in words.split(",")) - {""}
