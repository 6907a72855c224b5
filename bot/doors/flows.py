"""The live library's flows for the desk: what their steps ask, where they end, and their diagrams."""

from collections.abc import Mapping

from bot.engine.stack import COMPLETED
from bot.library.draw import CannotDrawError, drawing_of, drawn
from bot.library.draw_svg import Caption
from bot.library.model import ActionStep, CallStep, CollectStep, Flow, Library, LinkStep
from bot.shelf import Shelf
from handoff.doors import FlowCard, StepCaption


class LiveFlows:
    """Implements handoff.doors.Flows. Cards are made once for each version of the library."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._known: tuple[str, Mapping[str, FlowCard]] = ("", {})

    def listed(self) -> Mapping[str, FlowCard]:
        library = self._shelf.live().library
        if self._known[0] != library.version:
            flows = sorted(library.flows.values(), key=lambda flow: flow.name.lower())
            self._known = (library.version, {flow.id: _card(library, flow) for flow in flows})
        return self._known[1]

    def diagram(self, flow: str, captions: Mapping[str, StepCaption]) -> str | None:
        said = {step: Caption(caption.text, caption.share) for step, caption in captions.items()}
        try:
            return drawn(self._shelf.live().library, flow, "svg", said)
        except CannotDrawError:
            return None


def _card(library: Library, flow: Flow) -> FlowCard:
    boxes = {box.id: box for box in drawing_of(library, flow).boxes}
    steps = {step: boxes[step].lines[1] if len(boxes[step].lines) > 1 else "" for step in flow.steps}
    return FlowCard(flow.id, flow.name, steps, frozenset(step for step in flow.steps if _is_end(flow, step)))


def _is_end(flow: Flow, step: str) -> bool:
    """What is asked when a flow has ended is an end; so is what is shown when nothing is asked after it."""
    if flow.id == COMPLETED:
        return True
    return isinstance(flow.steps[step], ActionStep) and not _asks_after(flow, step)


def _asks_after(flow: Flow, step: str) -> bool:
    """Whether a question, or another flow that may ask one, can follow."""
    todo, seen = [step], {step}
    while todo:
        here = flow.steps[todo.pop()]
        if here.id != step and isinstance(here, CollectStep | CallStep | LinkStep):
            return True
        following = () if isinstance(here, LinkStep) else here.next.branches
        new = {branch.target for branch in following if branch.target in flow.steps} - seen
        seen |= new
        todo += new
    return False
