"""Assertions and plain expectations of a test file as values, their names looked up in the library."""

import re
from collections.abc import Collection, Iterator

from bot.conversation_tests.script import (
    ActionExecuted,
    ButtonSeen,
    CaseOpened,
    Expectation,
    FlowEnded,
    FlowStarted,
    SlotSet,
    Uttered,
)
from bot.domain import SlotValue
from bot.library.actions import BUILTIN_ACTIONS, CUSTOM_ACTIONS
from bot.library.complaints import Complaints, did_you_mean, one_of
from bot.library.form import Form, items_of, table_of
from bot.library.marked import Entry, Listing, Marked, Scalar, Table
from bot.library.model import END, Library, Where
from bot.library.slot_values import value_of

ASSERTIONS = (
    "flow_started",
    "flow_completed",
    "flow_cancelled",
    "action_executed",
    "slot_was_set",
    "slot_was_not_set",
    "bot_uttered",
    "bot_did_not_utter",
    "case_opened",
    "case_not_opened",
)
MAX_TIER = 3


def slot_value(
    library: Library, name: str, scalar: Scalar, where: Where, complaints: Complaints
) -> tuple[bool, SlotValue]:
    """(good, value of that slot); not good after a complaint."""
    slot = library.slots.get(name)
    if slot is None:
        complaints.error(where, "no-slot", f"no slot '{name}'", did_you_mean(name, library.slots))
        return False, None
    if scalar.is_null:
        return True, None
    try:
        return True, value_of(slot, scalar.text)
    except ValueError as error:
        message, fix = error.args
        complaints.error(scalar.where, "slot-value", message, fix)
        return False, None


class ExpectationReader:
    def __init__(self, library: Library, complaints: Complaints) -> None:
        self.library = library
        self.complaints = complaints

    def assertions(self, value: Marked | None) -> tuple[Expectation, ...]:
        found: list[Expectation] = []
        for item in items_of(value, "'assertions'", self.complaints):
            for entry in table_of(item, "an assertion", self.complaints) or ():
                found += self.assertion(entry)
        return tuple(found)

    def plain(self, kind: str, form: Form) -> tuple[Expectation, ...]:
        """`bot: text`, `utter: id`, `slot_was_set: […]`, `slot_was_not_set: […]`."""
        value = form.value(kind)
        match kind:
            case "bot":
                text = form.text(kind)
                return (Uttered(None, None, text, (), True, form.where),) if text else ()
            case "utter":
                scalar = form.scalar(kind)
                return (Uttered(self.response(scalar), None, None, (), True, form.where),) if scalar else ()
            case _:
                return tuple(self.slots(value, wanted=kind == "slot_was_set"))

    def assertion(self, entry: Entry) -> tuple[Expectation, ...]:
        value, where = entry.value, entry.where
        match entry.key:
            case "flow_started":
                return self.flow_started(value, where)
            case "flow_completed" | "flow_cancelled":
                return self.flow_ended(entry.key, value, where)
            case "action_executed":
                return (ActionExecuted(self.action(value), where),) if isinstance(value, Scalar) else self.wrong(entry)
            case "slot_was_set" | "slot_was_not_set":
                return tuple(self.slots(value, wanted=entry.key == "slot_was_set"))
            case "bot_uttered" | "bot_did_not_utter":
                return self.uttered(entry, wanted=entry.key == "bot_uttered")
            case "case_opened" | "case_not_opened":
                return self.case_opened(entry, wanted=entry.key == "case_opened")
            case unknown:
                fix = did_you_mean(unknown, ASSERTIONS, one_of(ASSERTIONS))
                self.complaints.error(where, "unknown-key", f"no assertion '{unknown}'", fix)
                return ()

    def wrong(self, entry: Entry) -> tuple[Expectation, ...]:
        self.complaints.error(entry.where, "wrong-kind", f"'{entry.key}' is not written like this", "see the examples")
        return ()

    # --- flows and actions -------------------------------------------------------------------------------------------

    def flow_started(self, value: Marked, where: Where) -> tuple[Expectation, ...]:
        if isinstance(value, Scalar):
            return (FlowStarted((self.flow(value),), False, where),)
        table = table_of(value, "'flow_started'", self.complaints)
        if table is None:
            return ()
        form = Form(table, "flow_started", self.complaints)
        operator = form.choice("operator", ("all", "any")) or "all"
        flows = tuple(self.flow(scalar) for scalar in form.scalars("flow_ids", required=True))
        form.close()
        return (FlowStarted(flows, operator == "any", where),)

    def flow_ended(self, how: str, value: Marked, where: Where) -> tuple[Expectation, ...]:
        if isinstance(value, Scalar):
            return (FlowEnded(how, self.flow(value), None, where),)
        table = table_of(value, f"'{how}'", self.complaints)
        if table is None:
            return ()
        form = Form(table, how, self.complaints)
        flow, step = form.scalar("flow_id", required=True), form.scalar("flow_step_id")
        form.close()
        if flow and step and self.flow(flow) in self.library.flows:
            steps = {**self.library.flows[flow.text].steps, END: None}
            if step.text not in steps:
                message = f"flow '{flow.text}' has no step '{step.text}'"
                self.complaints.error(step.where, "no-step", message, did_you_mean(step.text, steps))
        return (FlowEnded(how, flow.text, step.text if step else None, where),) if flow else ()

    def flow(self, scalar: Scalar) -> str:
        self.known(scalar, self.library.flows, "no-flow", "flow")
        return scalar.text

    def action(self, scalar: Scalar) -> str:
        responses = {**self.library.responses, **self.library.page_of_response}
        actions = dict.fromkeys(BUILTIN_ACTIONS | CUSTOM_ACTIONS)
        is_response = scalar.text.startswith("utter_")
        self.known(scalar, responses if is_response else actions, "no-action", "action")
        return scalar.text

    def response(self, scalar: Scalar) -> str:
        responses = {**self.library.responses, **self.library.page_of_response}
        self.known(scalar, responses, "no-response", "response")
        return scalar.text

    def known(self, scalar: Scalar, names: Collection[str], code: str, what: str) -> None:
        if scalar.text not in names:
            fix = did_you_mean(scalar.text, names)
            self.complaints.error(scalar.where, code, f"no {what} '{scalar.text}'", fix)

    # --- slots -------------------------------------------------------------------------------------------------------

    def slots(self, value: Marked | None, *, wanted: bool) -> Iterator[Expectation]:
        """`[s]`, `[{s: v}]` or `[{name: s, value: v}]`."""
        for item in items_of(value, "slot_was_set", self.complaints):
            if isinstance(item, Scalar):
                self.known(item, self.library.slots, "no-slot", "slot")
                yield SlotSet(item.text, None, False, wanted, item.where)
            elif isinstance(item, Table):
                yield from self.slot(item, wanted)
            else:
                self.complaints.error(item.where, "wrong-kind", "a slot is written s, s: value or {name: s, value: v}")

    def slot(self, table: Table, wanted: bool) -> Iterator[Expectation]:
        if "name" in table and table.entries.keys() <= {"name", "value"}:
            form = Form(table, "slot_was_set", self.complaints)
            name, value = form.scalar("name"), form.value("value")
            if name:
                yield from self.filled(name.text, value, wanted, name.where)
            return
        for entry in table:
            yield from self.filled(entry.key, entry.value, wanted, entry.where)

    def filled(self, name: str, value: Marked | None, wanted: bool, where: Where) -> Iterator[Expectation]:
        if value is None:
            self.known(Scalar(name, where), self.library.slots, "no-slot", "slot")
            yield SlotSet(name, None, False, wanted, where)
        elif isinstance(value, Scalar):
            good, filled = slot_value(self.library, name, value, where, self.complaints)
            if good:
                yield SlotSet(name, filled, True, wanted, where)
        else:
            self.complaints.error(where, "wrong-kind", f"slot '{name}' needs one value")

    # --- words and cases ---------------------------------------------------------------------------------------------

    def uttered(self, entry: Entry, *, wanted: bool) -> tuple[Expectation, ...]:
        table = table_of(entry.value, f"'{entry.key}'", self.complaints)
        if table is None:
            return ()
        form = Form(table, entry.key, self.complaints)
        name, pattern = form.scalar("utter_name"), form.scalar("text_matches")
        buttons = tuple(self.buttons(form.value("buttons"))) if "buttons" in table else ()
        form.close()
        if not (name or pattern or buttons):
            message = f"'{entry.key}' needs utter_name, text_matches or buttons"
            self.complaints.error(entry.where, "missing-key", message)
            return ()
        if pattern:
            self.check_pattern(pattern)
        response = self.response(name) if name else None
        return (Uttered(response, pattern.text if pattern else None, None, buttons, wanted, entry.where),)

    def check_pattern(self, pattern: Scalar) -> None:
        try:
            re.compile(pattern.text)
        except re.error as error:
            message = f"not a regular expression: {error}"
            self.complaints.error(pattern.where, "bad-value", message, "write a backslash before special characters")

    def buttons(self, value: Marked | None) -> Iterator[ButtonSeen]:
        if isinstance(value, Listing) and not value.items:
            return
        for item in items_of(value, "'buttons'", self.complaints):
            table = table_of(item, "a button", self.complaints)
            if table:
                form = Form(table, "a button", self.complaints)
                yield ButtonSeen(form.text("title"), form.text("payload"))
                form.close()

    def case_opened(self, entry: Entry, *, wanted: bool) -> tuple[Expectation, ...]:
        """`case_opened: true`, or `{tier: 2, reason: words}`."""
        if isinstance(entry.value, Scalar):
            if entry.value.text.lower() != "true":
                return self.wrong(entry)
            return (CaseOpened(None, None, wanted, entry.where),)
        table = table_of(entry.value, f"'{entry.key}'", self.complaints)
        if table is None:
            return ()
        form = Form(table, entry.key, self.complaints)
        tier, reason = form.whole_number("tier", 0, MAX_TIER), form.text("reason")
        form.close()
        return (CaseOpened(tier, reason, wanted, entry.where),)
