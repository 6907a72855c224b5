"""Draws a flow: as Mermaid text, or as an SVG with our own layered layout."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.errors import FirstlineError
from bot.library.complaints import did_you_mean
from bot.library.draw_svg import NO_CAPTIONS, Caption, svg_of
from bot.library.model import (
    END,
    ActionStep,
    CallStep,
    CollectStep,
    Flow,
    Library,
    LinkStep,
    NoopStep,
    SetSlotsStep,
    Step,
    Where,
)


class CannotDrawError(FirstlineError):
    """There is no such flow, or no such form of drawing."""


@dataclass(frozen=True, slots=True)
class Box:
    """One step, or where the flow ends or goes on elsewhere; `lines` are its words, the id first."""

    id: str
    kind: str
    lines: tuple[str, ...]
    where: Where | None


@dataclass(frozen=True, slots=True)
class Arrow:
    start: str
    to: str
    label: str


@dataclass(frozen=True, slots=True)
class Drawing:
    title: str
    about: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def drawn(library: Library, flow_id: str, form: str = "mermaid", captions: Mapping[str, Caption] = NO_CAPTIONS) -> str:
    """The flow as `mermaid` or `svg`; `captions` say something of steps, by id. Raises: CannotDrawError."""
    flow = library.flows.get(flow_id)
    if flow is None:
        raise CannotDrawError(f"There is no flow '{flow_id}'. {did_you_mean(flow_id, library.flows)}".strip())
    drawing = drawing_of(library, flow)
    match form:
        case "mermaid":
            return mermaid_of(drawing, captions)
        case "svg":
            places = {box.id: str(box.where) if box.where else "" for box in drawing.boxes}
            boxes = [(box.id, box.kind, box.lines, places[box.id]) for box in drawing.boxes]
            arrows = [(arrow.start, arrow.to, arrow.label) for arrow in drawing.arrows]
            return svg_of(drawing.title, drawing.about, boxes, arrows, captions)
        case _:
            raise CannotDrawError(f"There is no drawing as '{form}': choose mermaid or svg.")


def drawing_of(library: Library, flow: Flow) -> Drawing:
    boxes = [Box(step.id, _kind(step), tuple(_lines(library, step)), step.where) for step in flow.steps.values()]
    arrows = [arrow for step in flow.steps.values() for arrow in _arrows(flow, step)]
    ends = dict.fromkeys(arrow.to for arrow in arrows if arrow.to not in flow.steps)
    boxes += [Box(end, "end", (end.removeprefix(_FLOW),), None) for end in ends]
    return Drawing(flow.name, flow.description, tuple(boxes), tuple(arrows))


def mermaid_of(drawing: Drawing, captions: Mapping[str, Caption] = NO_CAPTIONS) -> str:
    names = {box.id: f"n{number}" for number, box in enumerate(drawing.boxes)}
    lines = ["flowchart TD", f"  accTitle: {_plain(drawing.title)}", f"  accDescr: {_plain(drawing.about)}"]
    for box in drawing.boxes:
        before, after = _SHAPES[box.kind]
        said = (*box.lines, captions[box.id].text) if box.id in captions else box.lines
        lines.append(f'  {names[box.id]}{before}"{"<br>".join(map(_escaped, said))}"{after}')
    for arrow in drawing.arrows:
        label = f'|"{_escaped(arrow.label)}"|' if arrow.label else ""
        lines.append(f"  {names[arrow.start]} -->{label} {names[arrow.to]}")
    return "\n".join(lines) + "\n"


_FLOW = "flow: "
_SHAPES = {
    "collect": ("{{", "}}"),
    "action": ("[", "]"),
    "link": ("[[", "]]"),
    "call": ("[[", "]]"),
    "set_slots": ("[/", "/]"),
    "noop": ("(", ")"),
    "end": ("([", "])"),
}
_SPECIAL = str.maketrans(
    {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "\n": " ", "|": "#124;"}
)


def _escaped(text: str) -> str:
    return text.translate(_SPECIAL)


def _plain(text: str) -> str:
    return " ".join(text.replace("{", "(").replace("}", ")").replace(";", ",").split())


def _kind(step: Step) -> str:
    match step:
        case CollectStep():
            return "collect"
        case ActionStep():
            return "action"
        case LinkStep():
            return "link"
        case CallStep():
            return "call"
        case SetSlotsStep():
            return "set_slots"
        case NoopStep():
            return "noop"


def _lines(library: Library, step: Step) -> Iterator[str]:
    yield step.id
    match step:
        case CollectStep(slot=slot, utter=utter):
            yield _first_words(library, utter)
            yield f"collect {slot}"
        case ActionStep(action=action):
            page = library.pages.get(library.page_of_response.get(action, ""))
            yield page.title if page else _first_words(library, action)
        case LinkStep(flow=flow, tier=tier, reason=reason):
            yield f"link {flow}" + (f" (tier {tier})" if tier is not None else "")
            if reason:
                yield reason
        case CallStep(flow=flow):
            yield f"call {flow}"
        case SetSlotsStep(values=values):
            yield "set " + ", ".join(f"{name} = {_value(value)}" for name, value in values)
        case NoopStep():
            pass


def _first_words(library: Library, response_id: str) -> str:
    """The first line of what is said; the page's title where only a page is shown; else the id."""
    response = library.responses.get(response_id)
    variation = response.variations[0] if response and response.variations else None
    text = variation.text.get("en", "") if variation else ""
    page = library.pages.get(variation.page or "") if variation else None
    return text.strip().partition("\n")[0].replace("**", "") or (page.title if page else response_id)


def _value(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _arrows(flow: Flow, step: Step) -> Iterator[Arrow]:
    if isinstance(step, LinkStep):
        yield Arrow(step.id, f"{_FLOW}{step.flow}", "")
        return
    branches = step.next.branches
    for branch in branches:
        if branch.condition:
            label = branch.condition.source.replace("slots.", "")
        else:
            label = "else" if len(branches) > 1 else ""
        yield Arrow(step.id, branch.target, label)
    if isinstance(step, CollectStep) and step.on_exhausted:
        inside = step.on_exhausted in flow.steps or step.on_exhausted == END
        to = step.on_exhausted if inside else f"{_FLOW}{step.on_exhausted}"
        yield Arrow(step.id, to, f"not understood {step.max_attempts} times")
