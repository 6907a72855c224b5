"""`flows:` of a file as Flows."""

import re
from collections.abc import Mapping
from dataclasses import replace

from bot.library.complaints import did_you_mean
from bot.library.form import Form, items_of, table_of
from bot.library.load_steps import StepReader
from bot.library.loading import LANGUAGES, Loading
from bot.library.marked import Entry, Marked, Scalar, Table
from bot.library.model import MAX_TIER, CallStep, CollectStep, Flow, LinkStep, Menu, SetSlotsStep, Step
from bot.library.taxonomy import CONCERNS, NATIONS

FLOW_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
MAX_ORDER = 9_999
_IGNORED = ("always_include_in_prompt", "on_activate", "file_path")
_REFUSED = {
    "agent": "agents are not called: write steps",
    "exit_if": "use next with if",
    "silence_timeout": "Firstline does not speak: leave it out",
}


class FlowReader:
    """Reads every flow of every file; `intents` says which flow an `nlu_trigger` intent starts."""

    def __init__(self, loading: Loading) -> None:
        self.loading = loading
        self.complaints = loading.complaints
        self.flows: dict[str, Flow] = {}
        self.intents: dict[str, str] = {}

    def read(self, value: Marked) -> None:
        """Adds every flow of one `flows:` map."""
        for entry in table_of(value, "flows:", self.complaints) or ():
            if not FLOW_ID.fullmatch(entry.key):
                message = f"'{entry.key}' cannot be a flow's id"
                self.complaints.error(entry.where, "flow-id", message, "use letters, digits, _ and -, no spaces")
            elif entry.key in self.flows:
                message = f"flow '{entry.key}' is here twice (first in {self.flows[entry.key].where})"
                self.complaints.error(entry.where, "duplicate-flow", message, "choose another id")
            elif table := table_of(entry.value, f"flow '{entry.key}'", self.complaints):
                self.flows[entry.key] = self.flow(entry, table)

    def flow(self, entry: Entry, table: Table) -> Flow:
        errors_before = self.complaints.errors
        form = Form(table, f"flow '{entry.key}'", self.complaints)
        is_pattern = entry.key.startswith("pattern_")
        description = form.text("description", required=True) or ""
        guard = self.loading.condition(form.scalar("if"), context=is_pattern)
        steps = form.value("steps", required=True)
        reader = StepReader(entry.key, steps, self.loading, is_pattern=is_pattern) if steps else None
        flow = Flow(
            id=entry.key,
            name=form.text("name") or entry.key.replace("_", " ").replace("-", " "),
            description=description,
            first=(reader and reader.first) or "",
            steps=dict(reader.steps) if reader else {},
            where=entry.where,
            guard=guard,
            names=self.names(form),
            intents=self.triggers(form, entry.key),
            run_pattern_completed=form.flag("run_pattern_completed", True),
        )
        flow = self.with_extensions(flow, form)
        flow = self.with_kept_slots(flow, form, reader.kept if reader else set())
        form.close(ignored=_IGNORED, refused=_REFUSED)
        if self.complaints.errors == errors_before and flow.first:
            self.check_reachable(flow)
        return flow

    def names(self, form: Form) -> Mapping[str, str]:
        translation = form.form("translation", "'translation'")
        if translation is None:
            return {}
        names: dict[str, str] = {}
        for entry in translation.table:
            if translation.language(entry.key, entry.where, LANGUAGES):
                translated = translation.form(entry.key, f"'{entry.key}'")
                name = translated.text("name", required=True) if translated else None
                if translated:
                    translated.close()
                if name:
                    names[entry.key] = name
        return names

    def triggers(self, form: Form, flow: str) -> tuple[str, ...]:
        intents = []
        for item in items_of(form.value("nlu_trigger"), "'nlu_trigger'", self.complaints):
            scalar = self.intent(item)
            if scalar is None:
                continue
            if scalar.text in self.intents:
                message = f"intent '{scalar.text}' already starts flow '{self.intents[scalar.text]}'"
                self.complaints.error(scalar.where, "intent-twice", message, "remove one of them")
                continue
            self.intents[scalar.text] = flow
            intents.append(scalar.text)
        return tuple(intents)

    def intent(self, item: Marked) -> Scalar | None:
        table = table_of(item, "each of 'nlu_trigger'", self.complaints)
        if table is None:
            return None
        form = Form(table, "nlu_trigger", self.complaints)
        if not isinstance(table.get("intent"), Table):
            scalar = form.scalar("intent", required=True)
        else:
            nested = form.form("intent", "'intent'")
            scalar = nested.scalar("name", required=True) if nested else None
            if nested:
                nested.close(ignored=("confidence_threshold",))
        form.close()
        return scalar

    # --- metadata: {firstline: …} ------------------------------------------------------------------------------------

    def with_extensions(self, flow: Flow, form: Form) -> Flow:
        metadata = table_of(form.value("metadata"), "'metadata'", self.complaints)
        table = table_of(metadata.get("firstline"), "'firstline'", self.complaints) if metadata else None
        if table is None:
            return flow
        firstline = Form(table, "firstline", self.complaints)
        flow = replace(
            flow,
            concern=firstline.choice("concern", CONCERNS),
            tier=firstline.whole_number("tier", 0, MAX_TIER),
            owner=firstline.text("owner"),
            review_by=firstline.day("review_by"),
            examples=self.examples(firstline),
            nations=firstline.choices("nations", NATIONS),
            menu=self.menu(firstline),
        )
        firstline.close()
        return flow

    def examples(self, firstline: Form) -> Mapping[str, tuple[str, ...]]:
        value = firstline.value("examples")
        if not isinstance(value, Table):
            examples = tuple(scalar.text for scalar in firstline.scalars("examples", empty=False))
            return {"en": examples} if examples else {}
        form = Form(value, "'examples'", self.complaints)
        return {
            entry.key: tuple(scalar.text for scalar in form.scalars(entry.key, empty=False))
            for entry in value
            if form.language(entry.key, entry.where, LANGUAGES)
        }

    def menu(self, firstline: Form) -> Menu | None:
        form = firstline.form("menu", "'menu'")
        if form is None:
            return None
        under = form.text("under", required=True)
        form.value("order", required=True)
        order = form.whole_number("order", 0, MAX_ORDER)
        form.close()
        return Menu(under, order) if under and order is not None else None

    # --- slots -------------------------------------------------------------------------------------------------------

    def with_kept_slots(self, flow: Flow, form: Form, kept: set[str]) -> Flow:
        """`persisted_slots` and the flow's own slots; those of called flows are added when all flows are known."""
        filled = _filled(flow)
        persisted = form.scalars("persisted_slots")
        called = any(isinstance(step, CallStep) for step in flow.steps.values())
        for scalar in persisted:
            slot = self.loading.slot(scalar)
            if slot and slot.name not in filled and not called:
                message = f"the flow never fills '{scalar.text}'"
                self.complaints.error(
                    scalar.where, "persisted-slot", message, did_you_mean(scalar.text, filled, "collect it or set it")
                )
        if persisted and kept:
            message = "'reset_after_flow_ends' and 'persisted_slots' together"
            self.complaints.error(form.place("persisted_slots"), "persisted-slot", message, "keep persisted_slots")
        names = frozenset(scalar.text for scalar in persisted) | kept
        return replace(flow, persisted_slots=names, own_slots=filled - names)

    def check_reachable(self, flow: Flow) -> None:
        found = reachable(flow.first, flow.steps)
        for step in flow.steps.values():
            if step.id not in found:
                fix = "name it in a next, or remove it"
                self.complaints.error(step.where, "unreachable-step", f"nothing leads to step '{step.id}'", fix)


def _filled(flow: Flow) -> frozenset[str]:
    filled: set[str] = set()
    for step in flow.steps.values():
        match step:
            case CollectStep(slot=slot):
                filled.add(slot)
            case SetSlotsStep(values=values):
                filled.update(name for name, _ in values)
            case _:
                pass
    return frozenset(filled)


def reachable(first: str, steps: Mapping[str, Step]) -> set[str]:
    """Every step something leads to, the first included."""
    seen, waiting = {first}, [first]
    while waiting:
        for target in _targets(steps[waiting.pop()]):
            if target in steps and target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def _targets(step: Step) -> list[str]:
    if isinstance(step, LinkStep):
        return []
    targets = [branch.target for branch in step.next.branches]
    if isinstance(step, CollectStep) and step.on_exhausted:
        targets.append(step.on_exhausted)
    return targets
