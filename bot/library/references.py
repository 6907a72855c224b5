"""Names looked up once everything is read: flows, actions, responses, pages, intents, and what buttons may set."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.library.actions import BUILTIN_ACTIONS, CUSTOM_ACTIONS
from bot.library.complaints import Complaints, did_you_mean
from bot.library.loading import Loading, Names, Reference
from bot.library.model import ActionStep, CollectStep, Flow, LinkStep, Page, Response, Where
from bot.library.taxonomy import CONCERN, SPLIT

LINKABLE_PATTERNS = frozenset({"pattern_human_handoff", "pattern_search", "pattern_customer_satisfaction"})
"""What ordinary flows may link to (Rasa's rule)."""
SAFETY_PATTERNS = frozenset({"pattern_danger", "pattern_child"})
"""Ours: what ordinary flows may link to besides."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Everything that was defined."""

    flows: Mapping[str, Flow]
    responses: Mapping[str, Response]
    pages: Mapping[str, Page]
    page_of_response: Mapping[str, str]
    intents: Mapping[str, str]
    complaints: Complaints

    def check(self, loading: Loading) -> None:
        for reference in loading.references:
            self.check_reference(reference)
        for cycle, flow in _call_cycles(self.flows):
            message = f"flows call each other in a circle: {' > '.join(cycle)}"
            self.complaints.error(flow.where, "call-cycle", message, "make one of the calls a link")
        self.check_buttons()
        self.check_context(loading)

    def check_reference(self, reference: Reference) -> None:
        match reference.kind:
            case Names.FLOW:
                self.exists(reference, self.flows, "no-flow", "step or flow")
            case Names.LINKED | Names.CALLED:
                self.check_flow(reference)
            case Names.ACTION:
                self.check_action(reference)
            case Names.RESPONSE:
                self.exists(reference, {**self.responses, **self.page_of_response}, "no-response", "response")
            case Names.PAGE:
                self.check_page(reference)
            case Names.INTENT:
                self.exists(reference, self.intents, "payload-intent", "nlu_trigger intent")

    def check_flow(self, reference: Reference) -> None:
        if not self.exists(reference, self.flows, "no-flow", "flow"):
            return
        if reference.kind is Names.LINKED:
            self.check_link(reference)
        else:
            self.check_call(reference)

    def exists(self, reference: Reference, known: Mapping[str, object], code: str, what: str) -> bool:
        if reference.name in known:
            return True
        message = f"no {what} '{reference.name}'"
        self.complaints.error(reference.where, code, message, did_you_mean(reference.name, known))
        return False

    def check_action(self, reference: Reference) -> None:
        said = reference.name.startswith("utter_")
        if said:
            self.exists(reference, {**self.responses, **self.page_of_response}, "no-response", "response")
        else:
            actions = dict.fromkeys(sorted(BUILTIN_ACTIONS | CUSTOM_ACTIONS))
            self.exists(reference, actions, "no-action", "action")

    def check_link(self, reference: Reference) -> None:
        is_pattern = reference.name.startswith("pattern_")
        allowed = reference.name in LINKABLE_PATTERNS | SAFETY_PATTERNS or reference.by.startswith("pattern_")
        if reference.name == reference.by:
            message = "a flow that links to itself"
            self.complaints.error(reference.where, "link-target", message, "write next: <its first step>")
        elif is_pattern and not allowed:
            message = f"a flow may not link to '{reference.name}'"
            self.complaints.error(reference.where, "link-target", message, "link to pattern_human_handoff or a flow")

    def check_call(self, reference: Reference) -> None:
        called = self.flows[reference.name]
        if called.is_pattern:
            message = f"a pattern ('{called.id}') may not be called"
            self.complaints.error(reference.where, "call-target", message, "use link")
        elif any(isinstance(step, LinkStep) for step in called.steps.values()):
            message = f"'{called.id}' has a link, so it may not be called"
            self.complaints.error(reference.where, "call-target", message, "use link here, or take the link out")

    def check_page(self, reference: Reference) -> None:
        if not self.exists(reference, self.pages, "no-page", "page"):
            return
        section = reference.section
        headings = {part.heading: part for part in self.pages[reference.name].sections}
        if section and section.text not in headings:
            message = f"page '{reference.name}' has no heading '{section.text}'"
            fix = did_you_mean(section.text, headings)
            self.complaints.error(section.where, "no-section", message, fix)

    # --- buttons and context -----------------------------------------------------------------------------------------

    def check_buttons(self) -> None:
        """A button sets only the slot that every step asking with its response asks for."""
        asked = self.slots_asked()
        for response in self.responses.values():
            slots = asked.get(response.id, set())
            for variation in response.variations:
                for button in variation.buttons:
                    for name, _ in button.sets:
                        if slots != {name}:
                            self.complain_of_button(name, slots, button.where)
            if response.id.startswith(SPLIT):
                self.check_split(response)

    def check_split(self, response: Response) -> None:
        """Every button stands for another concern, and there are two at least."""
        for variation in response.variations:
            concerns = {value for button in variation.buttons for _, value in button.sets}
            if len(concerns) < 2 or len(concerns) != len(variation.buttons):
                message = f"'{response.id}' does not tell concerns apart"
                self.complaints.error(variation.where, "split", message, "two buttons or more, each its own concern")

    def complain_of_button(self, name: str, slots: set[str], where: Where) -> None:
        if not slots:
            message, fix = (
                f"a button sets '{name}', but no step asks with this response",
                "collect it with this response",
            )
        elif len(slots) > 1:
            names = ", ".join(sorted(slots))
            message, fix = f"this response asks for several slots ({names})", "give each its own response"
        else:
            message, fix = f"a button sets '{name}', but its step asks for '{min(slots)}'", f"set {min(slots)}"
        self.complaints.error(where, "payload-slot", message, fix)

    def slots_asked(self) -> Mapping[str, set[str]]:
        """Response id -> the slots of the steps that ask or reject with it."""
        asked: dict[str, set[str]] = {response: {CONCERN} for response in self.responses if response.startswith(SPLIT)}
        for flow in self.flows.values():
            for step in flow.steps.values():
                if isinstance(step, CollectStep):
                    for response in (step.utter, *(rejection.utter for rejection in step.rejections)):
                        asked.setdefault(response, set()).add(step.slot)
        return asked

    def check_context(self, loading: Loading) -> None:
        """`context` is filled only for what patterns say."""
        said = {name: flow.id for flow in self.flows.values() if not flow.is_pattern for name in says(flow)}
        for response, where in loading.context_uses:
            if response in said or not response:
                by = f"flow '{said[response]}'" if response else "a page"
                message = f"context is known only in patterns, and this is said by {by}"
                self.complaints.error(where, "condition-context", message, "use a slot")


def says(flow: Flow) -> Iterator[str]:
    """The responses (and actions) its steps say."""
    for step in flow.steps.values():
        match step:
            case ActionStep(action=action):
                yield action
            case CollectStep(utter=utter, rejections=rejections):
                yield utter
                yield from (rejection.utter for rejection in rejections)
            case _:
                pass


def _call_cycles(flows: Mapping[str, Flow]) -> Iterator[tuple[tuple[str, ...], Flow]]:
    """Each circle of calls once, from its first flow back to it."""
    told: set[frozenset[str]] = set()
    for start in flows.values():
        waiting: list[tuple[str, ...]] = [(start.id,)]
        seen: set[str] = set()
        while waiting:
            path = waiting.pop()
            for called in flows[path[-1]].calls:
                if called == start.id and frozenset(path) not in told:
                    told.add(frozenset(path))
                    yield (*path, called), start
                elif called in flows and called not in seen:
                    seen.add(called)
                    waiting.append((*path, called))
