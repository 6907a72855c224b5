"""What must be true of every way through the flows; each thing that is not is a complaint with its place and a fix."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from bot.domain import Nation, Reply
from bot.engine.liveness import targets
from bot.engine.path_counts import HAND_OVER, Graph, helps, silent_circles, together
from bot.engine.paths import ROOT, Edge, End, Kind, State, Ways, only_called
from bot.engine.render import render
from bot.engine.words import normal
from bot.library.complaints import Complaints
from bot.library.model import CollectStep, Flow, Library, LinkStep, Step, Where

MAX_ANSWERS_TO_ADVICE = 6
CHANNEL = "web"
CONTEXT = "context."
COMPLETED = "pattern_completed"
PATTERNS_FILE = "flows/patterns.yml"
ENGINE_PATTERNS = (
    ROOT,
    COMPLETED,
    HAND_OVER,
    "pattern_danger",
    "pattern_child",
    "pattern_media_refused",
    "pattern_cannot_handle",
    "pattern_continue_interrupted",
    "pattern_internal_error",
    "pattern_given_back",
    "pattern_case_closed",
)
"""Patterns the engine begins by name."""
REMINDERS = ("pattern_still_up", "pattern_reminder")
"""Patterns that ask what an adviser wants to know."""
ENGINE_RESPONSES = (
    "utter_added_to_case",
    "utter_ask_change_answer",
    "utter_ask_clarification",
    "utter_cut",
    "utter_dont_know",
    "utter_edited",
    "utter_heard_first",
    "utter_internal_error",
    "utter_late",
    "utter_masked",
    "utter_no_groups",
    "utter_none_of_these",
    "utter_not_kept",
    "utter_not_understood",
    "utter_nothing_to_go_back_to",
    "utter_old_button",
    "utter_page_expired",
    "utter_page_source",
    "utter_page_unverified",
    "utter_too_fast",
    "utter_why",
)
"""Responses the engine says by name."""
BESIDE_A_CASE = {
    "utter_call_back": "nobody is told when they will be called back",
    "utter_code": "a return code is not understood",
    "utter_return_code": "nobody is given a code to come back by",
    "utter_wait": "nobody is told how long it may take",
}
"""Responses that are said of a case, where the library has them -> what it means that it does not."""


@dataclass(frozen=True, slots=True)
class Proofs:
    library: Library
    ways: Ways
    complaints: Complaints
    today: date

    def check(self) -> None:
        graph = together(self.ways)
        self.needed()
        self.dead_ends()
        self.unreached()
        self.person()
        self.advice(graph)
        self.circles()
        self.words()

    def where(self, place: tuple[str, str]) -> Where:
        flow = self.library.flows.get(place[0])
        step = flow.steps.get(place[1]) if flow else None
        return step.where if step else flow.where if flow else Where(PATTERNS_FILE, 1)

    # --- what the engine relies on -----------------------------------------------------------------------------------

    def needed(self) -> None:
        for pattern in ENGINE_PATTERNS:
            if pattern not in self.library.flows:
                self.missing("no-pattern", f"there is no {pattern}, which the engine begins by itself")
        for pattern in REMINDERS:
            if pattern not in self.library.flows:
                message = f"there is no {pattern}: enquirers are reminded of nothing, and a colleague has to look"
                self.complaints.warning(Where(PATTERNS_FILE, 1), "no-reminder", message, f"write it in {PATTERNS_FILE}")
        for response, without in BESIDE_A_CASE.items():
            if response not in self.library.responses:
                message = f"there is no {response}: {without}"
                self.complaints.warning(Where(PATTERNS_FILE, 1), "no-word", message, f"write it in {PATTERNS_FILE}")
        for response in ENGINE_RESPONSES:
            if response not in self.library.responses:
                self.missing("no-response", f"there is no {response}, which the engine says by itself")

    def missing(self, code: str, message: str) -> None:
        self.complaints.error(Where(PATTERNS_FILE, 1), code, message, f"write it in {PATTERNS_FILE}")

    # --- ends --------------------------------------------------------------------------------------------------------

    def dead_ends(self) -> None:
        for place, reason in self.ways.broken.items():
            message = f"a way breaks off at '{place[1]}': {reason}"
            code = "endless" if "too many steps" in reason else "dead-end"
            self.complaints.error(self.where(place), code, message, "give every way a next step that can be taken")
        for place in self.ways.rejected_all:
            message = f"no answer to '{place[1]}' is taken, so nobody gets past it"
            self.complaints.error(self.where(place), "dead-end", message, "let at least one choice pass the rejections")
        for state, edge in self.edges():
            if edge.end is End.OVER and not self.may_end(state, edge):
                message = f"flow '{state.flow}' ends after '{state.place[1]}' and nothing is asked or said next"
                fix = "link to a flow, or leave out run_pattern_completed: false"
                self.complaints.error(self.where(state.place), "dead-end", message, fix)

    def edges(self) -> Iterator[tuple[State, Edge]]:
        return ((state, edge) for state, edges in self.ways.edges.items() for edge in edges)

    def may_end(self, state: State, edge: Edge) -> bool:
        """A pattern gives way to what it interrupted; a flow may end by saying something, if it says it ends there."""
        flow = self.library.flows[state.flow]
        if flow.id == ROOT:
            return False
        return flow.is_pattern or not (flow.run_pattern_completed or edge.silent)

    # --- what nobody reaches -----------------------------------------------------------------------------------------

    def unreached(self) -> None:
        for flow in self.library.flows.values():
            if flow.id not in self.ways.entries and not self.is_called(flow):
                message = f"nothing leads to flow '{flow.id}'"
                fix = "link to it, or give it nlu_trigger and examples"
                self.complaints.warning(flow.where, "unreached-flow", message, fix)
                continue
            if self.reads_context(flow):
                continue
            for step in flow.steps.values():
                if (flow.id, step.id) not in self.ways.walked:
                    message = f"no combination of answers reaches '{step.id}': {self.reason(flow, step)}"
                    fix = "correct the condition, or remove the step"
                    self.complaints.warning(step.where, "unreached-step", message, fix)

    def is_called(self, flow: Flow) -> bool:
        return any(place[0] == flow.id for place in self.ways.walked)

    def reads_context(self, flow: Flow) -> bool:
        steps = (step for step in flow.steps.values() if not isinstance(step, LinkStep))
        branches = (branch for step in steps for branch in step.next.branches)
        return any(branch.condition and CONTEXT in branch.condition.source for branch in branches)

    def reason(self, flow: Flow, step: Step) -> str:
        """What stands between: the conditions that never hold where people come, or the step before it."""
        before = [each for each in flow.steps.values() if step.id in targets(each) or _exhausted(each) == step.id]
        come = [each for each in before if (flow.id, each.id) in self.ways.walked]
        if not come:
            names = ", ".join(f"'{each.id}'" for each in before)
            return f"nobody comes to {names} before it" if names else "nothing leads there"
        told = [self.untaken(each, step.id) for each in come]
        return "; ".join(told)

    @staticmethod
    def untaken(before: Step, target: str) -> str:
        if isinstance(before, LinkStep):
            return ""
        branches = before.next.branches
        conditions = [b.condition.source for b in branches if b.target == target and b.condition]
        if conditions:
            return f"where '{before.id}' is passed, {' or '.join(f'`{each}`' for each in conditions)} is never true"
        if len(branches) == 1:
            return f"no way goes on after '{before.id}'"
        return f"where '{before.id}' is passed, one of the conditions above the else is always true"

    # --- a person ----------------------------------------------------------------------------------------------------

    def person(self) -> None:
        flow = self.library.flows.get(HAND_OVER)
        if flow is None:
            return
        if not flow.intents or not any(flow.examples.values()):
            message = "nobody can ask for a person: it has no intent or no examples"
            self.complaints.error(flow.where, "no-person", message, "add nlu_trigger and metadata.firstline.examples")
        handed = any(edge.end is End.PEOPLE for state, edge in self.edges() if state.flow == HAND_OVER)
        if not handed:
            message = "no way through it hands over to people"
            self.complaints.error(flow.where, "no-person", message, "let one way reach action_hand_over")
        asking = {normal(example) for examples in flow.examples.values() for example in examples}
        alone = {HAND_OVER, *only_called(self.library)}
        for state, edge in self.edges():
            if edge.answer and normal(edge.label) in asking and state.flow not in alone and not self.is_person(edge):
                message = f"the choice '{edge.label}' is how one asks for a person, but does not lead to one"
                self.complaints.error(self.where(state.place), "no-person", message, f"link it to {HAND_OVER}")

    def is_person(self, edge: Edge) -> bool:
        if edge.elsewhere == HAND_OVER:
            return True
        to = edge.to
        while to and to.kind is Kind.ENTRY and to.flow != HAND_OVER:
            to = self.ways.edges[to][0].to
        return to is not None and to.flow == HAND_OVER

    # --- advice ------------------------------------------------------------------------------------------------------

    def advice(self, graph: Graph) -> None:
        roots = self.ways.entries.get(ROOT, [])
        if not roots:
            return
        most = graph.most_answers_without_advice(roots[0])
        late: dict[tuple[str, str], int] = {}
        for state, answers in most.items():
            if state.kind is Kind.QUESTION and answers >= MAX_ANSWERS_TO_ADVICE:
                late[state.place] = max(late.get(state.place, 0), answers + 1)
            for edge, goes_on in graph.edges[state]:
                if self.ends_unadvised(edge, goes_on):
                    self.unadvised(state, edge)
        for place, answer in late.items():
            message = f"the question '{place[1]}' may be number {answer} before anything is advised"
            fix = f"show a page earlier: at most {MAX_ANSWERS_TO_ADVICE} answers come before the first advice"
            self.complaints.error(self.where(place), "late-advice", message, fix)

    def ends_unadvised(self, edge: Edge, goes_on: bool) -> bool:
        if goes_on or helps(edge) or edge.end in (End.ELSEWHERE, End.BROKEN, End.CALLER):
            return False
        return edge.to is None or edge.to.flow.startswith("pattern_")

    def unadvised(self, state: State, edge: Edge) -> None:
        after = f" after the answer '{edge.label}'" if edge.label else ""
        message = f"a way ends at '{state.place[1]}'{after} and nothing was advised"
        fix = "show a page or hand over to a person before it ends"
        self.complaints.error(self.where(state.place), "no-advice", message, fix)

    # --- circles and words -------------------------------------------------------------------------------------------

    def circles(self) -> None:
        for circle in silent_circles(self.ways):
            flows = list(dict.fromkeys(state.flow for state in circle))
            message = f"goes round without a question: {' > '.join([*flows, flows[0]])}"
            self.complaints.error(self.where(circle[0].place), "endless", message, "ask something on the way")

    def words(self) -> None:
        """Every reply of every way, rendered as each nation would read it."""
        for (response, slots), place in self.ways.said.items():
            for nation in _nations(slots):
                reply = Reply(response, (*(pair for pair in slots if pair[0] != "nation"), ("nation", nation)))
                if not (
                    self.has_placeholder(response) or render(self.library, reply, CHANNEL, self.today).text.strip()
                ):
                    message = f"'{response}' has nothing to say where '{place[1]}' says it"
                    self.complaints.error(
                        self.where(place), "no-words", message, "give it a last variation without condition"
                    )
                    break

    def has_placeholder(self, response_id: str) -> bool:
        """What fills it may be forgotten in the states walked here, since no way depends on it."""
        response = self.library.responses.get(response_id)
        return any("{" in text for each in (response.variations if response else ()) for text in each.text.values())


def _exhausted(step: Step) -> str | None:
    return step.on_exhausted if isinstance(step, CollectStep) else None


def _nations(slots: Iterable[tuple[str, object]]) -> tuple[str | None, ...]:
    known = dict(slots).get("nation")
    return (str(known),) if known else (None, *(nation.value for nation in Nation))
