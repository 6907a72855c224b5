"""Test files, in Rasa's end-to-end format, as Scripts. Every unknown key is a complaint with its place."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bot.conversation_tests.expecting import ExpectationReader, slot_value
from bot.conversation_tests.script import REMINDERS, Expectation, Script, Stub, UserStep
from bot.domain import MediaKind, SlotValue
from bot.library.complaints import Complaints, did_you_mean, one_of
from bot.library.form import Form, items_of, table_of
from bot.library.marked import Entry, Listing, Marked, Scalar, Table, read
from bot.library.model import Library, Where

MOCKED_TIME = "mocked_datetime"
_CASES = ("closed", "given_back")
_CHAT = ("left", "taken_out")
_PLAIN = ("bot", "utter", "slot_was_set", "slot_was_not_set")
_NOT_OURS = {"ordered_block_start": "use assertion_order_enabled", "ordered_block_end": "use assertion_order_enabled"}


@dataclass(frozen=True, slots=True)
class Fixture:
    slots: tuple[tuple[str, SlotValue], ...] = ()
    now: datetime | None = None


@dataclass(slots=True)
class TestFile:
    """Reads one test file; fixtures of conftest.yml files above it are known from the start."""

    library: Library
    complaints: Complaints
    fixtures: dict[str, Fixture] = field(default_factory=dict)
    metadata: dict[str, Mapping[str, str]] = field(default_factory=dict)
    stubs: dict[str, Stub] = field(default_factory=dict)

    def read(self, file: str, text: str) -> tuple[Script, ...]:
        document = read(file, text, self.complaints)
        table = table_of(document, "a test file", self.complaints)
        if table is None:
            return ()
        form = Form(table, "a test file", self.complaints)
        for name, entries in self.named(form, "fixtures"):
            self.fixtures[name] = self.fixture(entries)
        for name, value in self.named(form, "metadata"):
            self.metadata[name] = self.extras(value)
        self.read_stubs(form)
        cases = items_of(form.value("test_cases"), "'test_cases'", self.complaints) if "test_cases" in table else ()
        scripts = tuple(script for case in cases if (script := self.script(case)))
        form.close(ignored=("version",))
        self.check_names(scripts)
        return scripts

    def check_names(self, scripts: tuple[Script, ...]) -> None:
        seen: dict[str, Where] = {}
        for script in scripts:
            if script.name in seen:
                message = f"test '{script.name}' is here twice (first in line {seen[script.name].line})"
                self.complaints.error(script.where, "duplicate-test", message, "choose another name")
            seen.setdefault(script.name, script.where)

    # --- fixtures, metadata, stubs -----------------------------------------------------------------------------------

    def named(self, form: Form, key: str) -> Iterator[tuple[str, Marked]]:
        """(name, value) of a list of maps that have one key each."""
        if key not in form.table:
            return
        for item in items_of(form.value(key), f"'{key}'", self.complaints):
            table = table_of(item, f"each of '{key}'", self.complaints)
            yield from ((entry.key, entry.value) for entry in table or ())

    def fixture(self, value: Marked) -> Fixture:
        slots: list[tuple[str, SlotValue]] = []
        now: datetime | None = None
        for item in items_of(value, "a fixture", self.complaints):
            for entry in table_of(item, "each of a fixture", self.complaints) or ():
                if not isinstance(entry.value, Scalar):
                    self.complaints.error(entry.where, "wrong-kind", f"'{entry.key}' needs one value")
                elif entry.key == MOCKED_TIME:
                    now = self.moment(entry.value)
                else:
                    good, filled = slot_value(self.library, entry.key, entry.value, entry.where, self.complaints)
                    slots.extend([(entry.key, filled)] if good else [])
        return Fixture(tuple(slots), now)

    def moment(self, scalar: Scalar) -> datetime | None:
        try:
            moment = datetime.fromisoformat(scalar.text)
        except ValueError:
            self.complaints.error(scalar.where, "bad-value", f"'{scalar.text}' is no time", "2026-07-06T12:00:00+00:00")
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def extras(self, value: Marked) -> Mapping[str, str]:
        table = table_of(value, "metadata", self.complaints)
        found = {entry.key: entry.value for entry in table or () if self.is_extra(entry)}
        return {key: scalar.text for key, scalar in found.items() if isinstance(scalar, Scalar)}

    def is_extra(self, entry: Entry) -> bool:
        """`media: photo`, `chat: left`, `case: closed`, `reminder: still_up`, `flow: reputation`; else a complaint."""
        known: Mapping[str, Collection[str]] = {
            "media": list(MediaKind),
            "chat": _CHAT,
            "case": _CASES,
            "reminder": REMINDERS,
            "flow": self.library.flows,
        }
        if entry.key not in known:
            fix = did_you_mean(entry.key, known, one_of(known))
            self.complaints.error(entry.where, "unknown-key", f"metadata has no key '{entry.key}'", fix)
            return False
        names, text = known[entry.key], entry.value.text if isinstance(entry.value, Scalar) else ""
        if text not in names:
            fix = did_you_mean(text, names, one_of(names))
            self.complaints.error(entry.value.where, "not-a-choice", f"no {entry.key} '{text}'", fix)
        return text in names

    def read_stubs(self, form: Form) -> None:
        stubs = form.form("stub_custom_actions", "'stub_custom_actions'")
        for entry in stubs.table if stubs else ():
            table = table_of(entry.value, f"'{entry.key}'", self.complaints)
            if table:
                self.stubs[entry.key] = self.stub(Form(table, "a stub", self.complaints))

    def stub(self, form: Form) -> Stub:
        slots: list[tuple[str, SlotValue]] = []
        responses: list[tuple[str, tuple[tuple[str, SlotValue], ...]]] = []
        for table in self.tables(form, "events"):
            event = Form(table, "an event", self.complaints)
            event.choice("event", ("slot",), required=True)
            name, value = event.scalar("name", required=True), event.value("value", required=True)
            if name and isinstance(value, Scalar):
                good, filled = slot_value(self.library, name.text, value, name.where, self.complaints)
                slots.extend([(name.text, filled)] if good else [])
            event.close(ignored=("timestamp",))
        for table in self.tables(form, "responses"):
            response = Form(table, "a response", self.complaints).text("response", required=True)
            others = [(e.key, e.value.text) for e in table if e.key != "response" and isinstance(e.value, Scalar)]
            responses.extend([(response, tuple(others))] if response else [])
        failed = form.flag("fails")
        form.close()
        return Stub(tuple(slots), tuple(responses), failed)

    def tables(self, form: Form, key: str) -> Iterator[Table]:
        value = form.value(key)
        if isinstance(value, Listing) and not value.items:
            return
        for item in items_of(value, f"'{key}'", self.complaints):
            table = table_of(item, f"each of '{key}'", self.complaints)
            if table:
                yield table

    # --- cases -------------------------------------------------------------------------------------------------------

    def script(self, case: Marked) -> Script | None:
        table = table_of(case, "a test case", self.complaints)
        if table is None:
            return None
        form = Form(table, "a test case", self.complaints)
        name = form.text("test_case", required=True) or ""
        script = Script(name, form.where, (), stubs=self.stubs_for(name))
        for scalar in form.scalars("fixtures") if "fixtures" in table else ():
            fixture = self.fixtures.get(scalar.text)
            if fixture is None:
                fix = did_you_mean(scalar.text, self.fixtures, one_of(self.fixtures))
                self.complaints.error(scalar.where, "no-fixture", f"no fixture '{scalar.text}'", fix)
            else:
                script = replace(script, slots=script.slots + fixture.slots, now=fixture.now or script.now)
        extras = self.metadata_named(form)
        steps = self.steps(form.value("steps", required=True), extras)
        form.close()
        return replace(script, steps=steps)

    def stubs_for(self, name: str) -> Mapping[str, Stub]:
        """Stubs for every case, then those of this case alone (`case name::action`)."""
        own = {key.partition("::")[2]: stub for key, stub in self.stubs.items() if key.startswith(f"{name}::")}
        return {**{key: stub for key, stub in self.stubs.items() if "::" not in key}, **own}

    def metadata_named(self, form: Form) -> Mapping[str, str]:
        scalar = form.scalar("metadata")
        if scalar is None:
            return {}
        if scalar.text not in self.metadata:
            fix = did_you_mean(scalar.text, self.metadata, one_of(self.metadata))
            self.complaints.error(scalar.where, "no-metadata", f"no metadata '{scalar.text}'", fix)
        return self.metadata.get(scalar.text, {})

    def steps(self, value: Marked | None, extras: Mapping[str, str]) -> tuple[UserStep, ...]:
        steps: list[UserStep] = []
        for item in items_of(value, "'steps'", self.complaints):
            table = table_of(item, "a step", self.complaints)
            if table is None:
                continue
            form = Form(table, "a step", self.complaints)
            if "user" in table:
                steps.append(self.user(form, extras))
            elif steps:
                expects = self.plain(form, table)
                steps[-1] = replace(steps[-1], expects=steps[-1].expects + expects)
            else:
                self.complaints.error(table.where, "no-user", "a test begins with what the enquirer does", "user: …")
                continue
            form.close(refused=_NOT_OURS)
        return tuple(steps)

    def user(self, form: Form, extras: Mapping[str, str]) -> UserStep:
        value = form.value("user", required=True)
        text = value.text if isinstance(value, Scalar) else ""
        if not isinstance(value, Scalar):
            self.complaints.error(form.place("user"), "wrong-kind", "'user' must be a text", "put it in quotes")
        own = {**extras, **self.metadata_named(form)}
        expects: tuple[Expectation, ...] = ()
        if "assertions" in form.table:
            expects = ExpectationReader(self.library, self.complaints).assertions(form.value("assertions"))
        return UserStep(
            text,
            form.where,
            MediaKind(own["media"]) if "media" in own else None,
            own.get("case"),
            own.get("reminder"),
            own.get("flow"),
            form.flag("assertion_order_enabled"),
            expects,
            own.get("chat"),
        )

    def plain(self, form: Form, table: Table) -> tuple[Expectation, ...]:
        kinds = [key for key in _PLAIN if key in table]
        if len(kinds) != 1:
            close = [did_you_mean(entry.key, (*_PLAIN, "user")) for entry in table]
            fix = next(filter(None, close), one_of(("user", *_PLAIN)))
            self.complaints.error(table.where, "step-kind", "a step is one of user, bot, utter, slot_was_set …", fix)
            for entry in table:
                form.value(entry.key)
            return ()
        return ExpectationReader(self.library, self.complaints).plain(kinds[0], form)


_SET = re.compile(r"/SetSlots\((.*)\)", re.DOTALL)


def pressed_slots(text: str) -> tuple[tuple[str, str], ...] | None:
    """What `/SetSlots(a=b, c=d)` sets, as written; None when the text is no such thing."""
    found = _SET.fullmatch(text.strip())
    if not found:
        return None
    pairs = (pair.partition("=") for pair in found.group(1).split(","))
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)
