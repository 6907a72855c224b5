"""The steps of one flow: from an outline of ids to Steps that say where they go next."""

from collections.abc import Mapping

from bot.domain import SlotValue
from bot.library.complaints import did_you_mean
from bot.library.form import Form, items_of, table_of
from bot.library.loading import LANGUAGES, Loading, Names
from bot.library.marked import Listing, Marked, Scalar, Table
from bot.library.model import (
    END,
    MAX_TIER,
    ActionStep,
    Branch,
    CallStep,
    CollectStep,
    LinkStep,
    Next,
    NoopStep,
    Rejection,
    SetSlotsStep,
    Slot,
    SlotType,
    Step,
)
from bot.library.step_outline import Outline, Outlined

HAND_OVER = "pattern_human_handoff"
MAX_ATTEMPTS = 10
_REFUSED: Mapping[str, Mapping[str, str]] = {
    "collect": {
        "silence_timeout": "Firstline does not speak: leave it out",
        "dtmf": "Firstline does not speak: leave it out",
        "collect-tool-binding": "use a custom action",
        "exit_if": "use next with if",
    },
    "call": {
        "exit_if": "agents are not called: write a flow",
        "mcp_server": "tools are not called: write a custom action",
        "mapping": "tools are not called: write a custom action",
    },
}


class StepReader:
    """Reads every step of one flow into `steps`; a step that cannot be read leaves a gap and complaints."""

    def __init__(self, flow: str, value: Marked, loading: Loading, *, is_pattern: bool) -> None:
        self.flow = flow
        self.loading = loading
        self.complaints = loading.complaints
        self.is_pattern = is_pattern
        self.outline = Outline(flow, value, loading.complaints)
        self.steps: dict[str, Step] = {}
        self.kept: set[str] = set()
        """Slots collected with `reset_after_flow_ends: false`: kept when the flow ends."""
        self.read_list(self.outline.root, is_root=True)

    @property
    def first(self) -> str | None:
        return self.outline.root[0].id if self.outline.root else None

    def read_list(self, outlined: list[Outlined], *, is_root: bool) -> None:
        for index, step in enumerate(outlined):
            after = outlined[index + 1].id if index + 1 < len(outlined) else END if is_root else None
            if step.kind:
                self.steps[step.id] = self.gap(step)
                self.steps[step.id] = self.read(step, after)
            else:
                self.steps[step.id] = self.gap(step)
                self.following(Form(step.table, "a step", self.complaints), step, after or END)
            if step.kind == "link" and index + 1 < len(outlined):
                message = "a link ends the flow: nothing can stand after it"
                self.complaints.error(outlined[index + 1].table.where, "link-not-last", message, "move it or remove it")

    @staticmethod
    def gap(step: Outlined) -> Step:
        return NoopStep(step.id, Next(()), step.table.where)

    # --- one step ----------------------------------------------------------------------------------------------------

    def read(self, step: Outlined, after: str | None) -> Step:
        form = Form(step.table, f"the {step.kind} step", self.complaints)
        form.scalar("id")
        match step.kind:
            case "action":
                read = self.action(form, step, after)
            case "collect":
                read = self.collect(form, step, after)
            case "link":
                read = self.link(form, step)
            case "call":
                read = self.call(form, step, after)
            case "set_slots":
                read = self.set_slots(form, step, after)
            case _:
                read = self.noop(form, step)
        if step.kind not in ("collect", "link"):
            self.no_extensions(form)
        form.close(refused=_REFUSED.get(step.kind))
        return read

    def extensions(self, form: Form) -> Form | None:
        """`metadata: {firstline: …}`; other metadata is free."""
        metadata = table_of(form.value("metadata"), "'metadata'", self.complaints)
        if metadata is None:
            return None
        table = table_of(metadata.get("firstline"), "'firstline'", self.complaints)
        return Form(table, "firstline", self.complaints) if table else None

    def no_extensions(self, form: Form) -> None:
        extensions = self.extensions(form)
        if extensions:
            extensions.close()

    def action(self, form: Form, step: Outlined, after: str | None) -> Step:
        scalar = form.scalar("action", required=True)
        if scalar:
            self.loading.refer(Names.ACTION, scalar, self.flow)
        return ActionStep(step.id, scalar.text if scalar else "", self.following(form, step, after), form.where)

    def call(self, form: Form, step: Outlined, after: str | None) -> Step:
        scalar = form.scalar("call", required=True)
        if scalar and "mcp_server" not in form.table:
            self.loading.refer(Names.CALLED, scalar, self.flow)
        return CallStep(step.id, scalar.text if scalar else "", self.following(form, step, after), form.where)

    def noop(self, form: Form, step: Outlined) -> Step:
        form.value("noop")
        form.value("next", required=True)
        return NoopStep(step.id, self.following(form, step, END), form.where)

    def set_slots(self, form: Form, step: Outlined, after: str | None) -> Step:
        values: list[tuple[str, SlotValue]] = []
        for item in items_of(form.value("set_slots"), "'set_slots'", self.complaints):
            for entry in table_of(item, "each of 'set_slots'", self.complaints) or ():
                slot = self.loading.slot(Scalar(entry.key, entry.where))
                if slot is None:
                    continue
                if not isinstance(entry.value, Scalar):
                    self.complaints.error(entry.value.where, "refused", "a slot holds one value", "write one value")
                elif entry.value.is_null:
                    values.append((slot.name, None))
                else:
                    good, value = self.loading.value(slot, entry.value.text, entry.value.where)
                    values.extend([(slot.name, value)] if good else [])
        return SetSlotsStep(step.id, tuple(values), self.following(form, step, after), form.where)

    def link(self, form: Form, step: Outlined) -> Step:
        scalar = form.scalar("link", required=True)
        if form.value("next"):
            message = "a link ends the flow: it has no 'next'"
            self.complaints.error(form.place("next"), "link-not-last", message, "remove it, or use call")
        if scalar:
            self.loading.refer(Names.LINKED, scalar, self.flow)
        flow = scalar.text if scalar else ""
        extensions = self.extensions(form)
        if extensions is None:
            return LinkStep(step.id, flow, form.where)
        tier = extensions.whole_number("tier", 0, MAX_TIER)
        reason = extensions.text("reason")
        summary = tuple(self.loading.slot_names(extensions.scalars("summary_slots")))
        extensions.close()
        if flow != HAND_OVER:
            message = f"these keys mean something only on a link to {HAND_OVER}"
            self.complaints.error(extensions.where, "hand-over", message, "remove them")
        return LinkStep(step.id, flow, form.where, tier, reason, summary)

    # --- collect -----------------------------------------------------------------------------------------------------

    def collect(self, form: Form, step: Outlined, after: str | None) -> Step:
        scalar = form.scalar("collect", required=True)
        slot = self.loading.slot(scalar) if scalar else None
        name = scalar.text if scalar else ""
        utter = form.scalar("utter") or Scalar(f"utter_ask_{name}", scalar.where if scalar else form.where)
        if scalar:
            self.loading.refer(Names.RESPONSE, utter, self.flow)
        if not form.flag("reset_after_flow_ends", True):
            self.kept.add(name)
        extensions = self.extensions(form)
        if extensions is None:
            extensions = Form(Table({}, form.where), "firstline", self.complaints)
        dont_know, risky = self.dont_know(extensions, slot)
        collect = CollectStep(
            step.id,
            name,
            utter.text,
            self.following(form, step, after),
            form.where,
            description=form.text("description"),
            ask_before_filling=form.flag("ask_before_filling"),
            force_slot_filling=form.flag("force_slot_filling"),
            rejections=self.rejections(form),
            max_attempts=extensions.whole_number("max_attempts", 1, MAX_ATTEMPTS) or 3,
            on_exhausted=self.on_exhausted(extensions),
            dont_know=dont_know,
            dont_know_value=risky,
            sensitive=extensions.flag("sensitive"),
            free_text=extensions.flag("free_text"),
            why=extensions.by_language("why", LANGUAGES),
        )
        extensions.close()
        return collect

    def rejections(self, form: Form) -> tuple[Rejection, ...]:
        read = []
        for item in items_of(form.value("rejections"), "'rejections'", self.complaints):
            table = table_of(item, "a rejection", self.complaints)
            if table is None:
                continue
            rejection = Form(table, "a rejection", self.complaints)
            condition = self.loading.condition(rejection.scalar("if", required=True), context=self.is_pattern)
            utter = rejection.scalar("utter", required=True)
            rejection.close()
            if utter:
                self.loading.refer(Names.RESPONSE, utter, self.flow)
            if condition and utter:
                read.append(Rejection(condition, utter.text, table.where))
        return tuple(read)

    def on_exhausted(self, extensions: Form) -> str | None:
        scalar = extensions.scalar("on_exhausted")
        if scalar is None:
            return None
        if scalar.text not in self.outline.ids:
            self.loading.refer(Names.FLOW, scalar, self.flow)
        return scalar.text

    def dont_know(self, extensions: Form, slot: Slot | None) -> tuple[bool, SlotValue]:
        """Whether "Don't know" is offered, and the risky value it stands for."""
        scalar = extensions.scalar("dont_know")
        if scalar is None or slot is None or scalar.text.lower() == "false":
            return False, None
        if slot.type is SlotType.BOOL and scalar.text.lower() == "true":
            return True, True
        if slot.type is SlotType.CATEGORICAL:
            return self.risky_answer(scalar, slot)
        message = f"\"Don't know\" stands for no answer of slot '{slot.name}' ({slot.type})"
        self.complaints.error(scalar.where, "dont-know", message, "use it on bool and categorical slots")
        return False, None

    def risky_answer(self, scalar: Scalar, slot: Slot) -> tuple[bool, SlotValue]:
        if scalar.text in slot.values:
            return True, scalar.text
        for risky in ("yes", "dont_know"):
            if scalar.text == "true" and risky in slot.values:
                return True, risky
        message = f"nobody can tell which answer of '{slot.name}' is the risky one"
        self.complaints.error(scalar.where, "dont-know", message, "write dont_know: <one of the slot's values>")
        return False, None

    # --- next --------------------------------------------------------------------------------------------------------

    def following(self, form: Form, step: Outlined, after: str | None) -> Next:
        """Where the step goes; `after` is the step below it, None at the end of a nested list."""
        value = form.value("next")
        if value is None:
            if after is None:
                message = "the branch ends here and does not say where to go on"
                self.complaints.error(form.where, "open-branch", message, "add next: <step> or next: END")
            return Next((Branch(None, after or END, form.where),))
        if isinstance(value, Scalar):
            target = self.target(value)
            return Next((Branch(None, target, value.where),))
        return self.branches(value, step)

    def branches(self, value: Marked, step: Outlined) -> Next:
        ifs: list[Branch] = []
        elses: list[Branch] = []
        for item in items_of(value, "'next'", self.complaints):
            table = table_of(item, "each of 'next'", self.complaints)
            if table is None:
                continue
            form = Form(table, "a branch", self.complaints)
            if "else" in table:
                elses.append(Branch(None, self.landing(form, "else", step), form.where))
            else:
                condition = self.loading.condition(form.scalar("if", required=True), context=self.is_pattern)
                target = self.landing(form, "then", step)
                ifs.extend([Branch(condition, target, form.place("if"))] if condition else [])
            form.close()
        if isinstance(value, Listing) and value.items and not elses:
            self.complaints.error(value.where, "if-without-else", "'if' without 'else'", "add - else: <step>")
        for extra in elses[1:]:
            self.complaints.error(extra.where, "if-without-else", "only the first 'else' counts", "remove this one")
        return Next((*ifs, *elses[:1]))

    def landing(self, form: Form, key: str, step: Outlined) -> str:
        """A step id, or the first step of a nested list, which is read here."""
        value = form.value(key, required=True)
        if isinstance(value, Scalar):
            scalar = form.scalar(key)
            return self.target(scalar) if scalar else END
        nested = step.branches.get(value.where, []) if value else []
        if isinstance(value, Table):
            self.complaints.error(value.where, "wrong-kind", f"'{key}' is a step's id or a list of steps")
        self.read_list(nested, is_root=False)
        return nested[0].id if nested else END

    def target(self, scalar: Scalar) -> str:
        if scalar.text == END or scalar.text in self.outline.ids:
            return scalar.text
        if scalar.is_null or not scalar.text.strip():
            self.complaints.error(scalar.where, "empty", "'next' is empty", "write a step's id or END")
            return END
        fix = did_you_mean(scalar.text, self.outline.ids, "write a step's id or END")
        self.complaints.error(scalar.where, "no-step", f"no step '{scalar.text}'", fix)
        return END
