"""The export, read again by a strict reader of Rasa's format that shares no code with ours."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.errors import LibraryInvalid
from bot.library.export_rasa import TargetNotEmptyError, export
from tests.builders import FLOWS, files
from tests.checking import written

ROOT = Path(__file__).parent.parent
FLOW_KEYS = {"name", "description", "steps", "if", "nlu_trigger", "persisted_slots", "run_pattern_completed"} | {
    "always_include_in_prompt",
    "translation",
    "on_activate",
    "metadata",
    "file_path",
}
STEP_KEYS = {
    "action": {"action", "id", "next", "metadata"},
    "collect": {"collect", "id", "next", "metadata", "description", "utter", "ask_before_filling", "rejections"}
    | {"reset_after_flow_ends", "force_slot_filling"},
    "link": {"link", "id", "metadata"},
    "call": {"call", "id", "next", "metadata"},
    "set_slots": {"set_slots", "id", "next", "metadata"},
    "noop": {"noop", "id", "next", "metadata"},
}
LINKABLE = {"pattern_human_handoff", "pattern_search", "pattern_customer_satisfaction"}
SLOT_TYPES = {"text", "bool", "categorical", "float", "list", "any"}
VARIATION_KEYS = {"text", "buttons", "condition", "channel", "id", "metadata", "translation", "custom"}


class Reader:
    """Rasa's rules as FLOWS B.1 to B.5 has them; every breach is a line in `wrong`."""

    def __init__(self, folder: Path) -> None:
        self.wrong: list[str] = []
        self.flows: dict[str, dict[str, Any]] = {}
        for file in sorted((folder / "data").rglob("*.yml")):
            document = self.load(file)
            self.expect(set(document) <= {"version", "flows"}, f"{file.name}: keys {set(document)}")
            for flow, body in document["flows"].items():
                self.expect(flow not in self.flows, f"{flow} twice")
                self.flows[flow] = body
        self.domain = self.load(folder / "domain.yml")
        self.check_domain()
        for flow, body in self.flows.items():
            self.check_flow(flow, body)
        intents = [trigger["intent"] for body in self.flows.values() for trigger in body.get("nlu_trigger", [])]
        self.expect(len(intents) == len(set(intents)), "an intent in two flows")

    def load(self, file: Path) -> dict[str, Any]:
        text = file.read_text(encoding="utf-8")
        self.expect("${" not in text, f"{file.name}: an environment variable")
        loaded: dict[str, Any] = YAML(typ="safe").load(text)
        return loaded

    def expect(self, good: bool, what: str) -> None:
        if not good:
            self.wrong.append(what)

    # --- domain ------------------------------------------------------------------------------------------------------

    def check_domain(self) -> None:
        domain = self.domain
        known = {"version", "slots", "responses", "actions", "intents", "entities", "forms", "session_config", "config"}
        self.expect(set(domain) <= known, f"domain keys {set(domain)}")
        for name, slot in domain["slots"].items():
            self.expect(slot["type"] in SLOT_TYPES, f"{name}: type")
            self.expect((slot["type"] == "categorical") == ("values" in slot), f"{name}: values")
            self.expect(
                all(isinstance(value, str) for value in slot.get("values", [])), f"{name}: {slot.get('values')}"
            )
            self.expect(slot.get("mappings") == [{"type": "controlled"}], f"{name}: mappings")
        for name, variations in domain["responses"].items():
            self.expect(name.startswith("utter_") and bool(variations), name)
            for variation in variations:
                self.check_variation(name, variation)

    def check_variation(self, name: str, variation: dict[str, Any]) -> None:
        self.expect(set(variation) <= VARIATION_KEYS, f"{name}: {set(variation)}")
        self.expect(isinstance(variation.get("text"), str) and bool(variation["text"].strip()), f"{name}: no text")
        for text in (variation.get("text") or "", *variation.get("translation", {}).values()):
            self.expect(not re.search(r"\{(?:term|service)\.", text), f"{name}: a placeholder Rasa does not fill")
        self.check_condition(name, variation.get("condition"))
        for button in variation.get("buttons", []):
            self.expect(set(button) <= {"title", "payload", "translation"}, f"{name}: button {set(button)}")
            self.check_payload(name, button["payload"])

    def check_payload(self, name: str, payload: str) -> None:
        sets = re.fullmatch(r"/SetSlots\((.*)\)", payload)
        if sets is None:
            self.expect(bool(re.fullmatch(r"/[A-Za-z_]\w*", payload)), f"{name}: {payload}")
            return
        for pair in sets[1].split(","):
            slot, _, value = pair.strip().partition("=")
            self.expect(slot in self.domain["slots"] and bool(value), f"{name}: {payload}")
            values = self.domain["slots"].get(slot, {}).get("values")
            self.expect(values is None or value in values, f"{name}: {payload} is not among {values}")

    def check_condition(self, where: str, condition: object) -> None:
        if condition is None or isinstance(condition, bool):
            return
        self.expect(isinstance(condition, str), f"{where}: condition {condition}")
        for slot in re.findall(r"slots\.(\w+)", str(condition)):
            self.expect(slot in self.domain["slots"], f"{where}: slot {slot}")
        self.expect(not re.search(r"\bin\b|[+*/]|,", re.sub(r"'[^']*'|\"[^\"]*\"", "", str(condition))), str(condition))

    # --- flows -------------------------------------------------------------------------------------------------------

    def check_flow(self, flow: str, body: dict[str, Any]) -> None:
        self.expect(bool(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", flow)), f"{flow}: id")
        self.expect(set(body) <= FLOW_KEYS, f"{flow}: keys {set(body) - FLOW_KEYS}")
        self.expect(isinstance(body.get("description"), str) and bool(body["description"]), f"{flow}: description")
        self.check_condition(flow, body.get("if"))
        steps = list(every_step(body["steps"]))
        ids = [step["id"] for step in steps if "id" in step]
        self.expect(len(ids) == len(set(ids)), f"{flow}: a step id twice")
        self.expect(all(isinstance(id_, str) and id_ not in ("END", "START") for id_ in ids), f"{flow}: ids")
        self.check_list(flow, body["steps"], set(ids), is_root=True)
        filled = {step["collect"] for step in steps if "collect" in step}
        filled |= {name for step in steps if "set_slots" in step for pair in step["set_slots"] for name in pair}
        called = any("call" in step for step in steps)
        self.expect(called or set(body.get("persisted_slots", [])) <= filled, f"{flow}: persisted_slots")

    def check_list(self, flow: str, steps: list[dict[str, Any]], ids: set[str], *, is_root: bool) -> None:
        self.expect(bool(steps), f"{flow}: an empty list of steps")
        for number, step in enumerate(steps):
            kinds = set(step) & set(STEP_KEYS)
            self.expect(len(kinds) == 1, f"{flow}: {step}")
            kind = min(kinds, default="noop")
            self.expect(set(step) <= STEP_KEYS[kind], f"{flow}: {kind} with {set(step) - STEP_KEYS[kind]}")
            is_last = number + 1 == len(steps)
            self.expect(kind != "link" or is_last, f"{flow}: link is not last")
            self.expect(is_root or not is_last or kind == "link" or "next" in step, f"{flow}: an open branch")
            self.expect(kind != "noop" or "next" in step, f"{flow}: noop without next")
            self.check_kind(flow, kind, step)
            self.check_next(flow, step.get("next"), ids)

    def check_kind(self, flow: str, kind: str, step: dict[str, Any]) -> None:
        responses, actions, slots = self.domain["responses"], self.domain["actions"], self.domain["slots"]
        match kind:
            case "action":
                name = step["action"]
                self.expect(name in (responses if name.startswith("utter_") else actions), f"{flow}: action {name}")
            case "collect":
                self.expect(step["collect"] in slots, f"{flow}: slot {step['collect']}")
                self.expect(step.get("utter", f"utter_ask_{step['collect']}") in responses, f"{flow}: {step}")
                for rejection in step.get("rejections", []):
                    self.expect(
                        set(rejection) == {"if", "utter"} and rejection["utter"] in responses, f"{flow}: {step}"
                    )
            case "link":
                target = step["link"]
                allowed = not target.startswith("pattern_") or target in LINKABLE or flow.startswith("pattern_")
                self.expect(target in self.flows and target != flow and allowed, f"{flow}: link {target}")
            case "call":
                body = self.flows.get(step["call"], {"steps": [{"link": "missing"}]})
                self.expect(not any("link" in each for each in every_step(body["steps"])), f"{flow}: {step}")
            case "set_slots":
                self.expect(isinstance(step["set_slots"], list), f"{flow}: {step}")
                names = [name for pair in step["set_slots"] for name in pair]
                self.expect(set(names) <= set(slots), f"{flow}: {step}")

    def check_next(self, flow: str, following: Any, ids: set[str]) -> None:
        if following is None or isinstance(following, str):
            self.expect(following is None or following == "END" or following in ids, f"{flow}: next {following}")
            return
        self.expect(any("else" in branch for branch in following), f"{flow}: if without else")
        for branch in following:
            self.expect(set(branch) in ({"if", "then"}, {"else"}), f"{flow}: {branch}")
            self.check_condition(flow, branch.get("if"))
            target = branch.get("then", branch.get("else"))
            if isinstance(target, list):
                self.check_list(flow, target, ids, is_root=False)
            else:
                self.check_next(flow, target, ids)


def every_step(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        for branch in step["next"] if isinstance(step.get("next"), list) else []:
            for target in branch.values():
                if isinstance(target, list):
                    yield from every_step(target)


def exported(tmp_path: Path) -> Path:
    export(written(tmp_path / "library", files()), tmp_path / "rasa")
    return tmp_path / "rasa"


def test_what_is_exported_obeys_every_rule_of_rasas_reader(tmp_path: Path) -> None:
    assert Reader(exported(tmp_path)).wrong == []


def test_the_shipped_library_obeys_them_too(tmp_path: Path) -> None:
    written_files = export(ROOT, tmp_path)
    reader = Reader(tmp_path)
    assert reader.wrong == []
    assert {"start", "impersonation", "pattern_human_handoff", "firstline_danger"} <= set(reader.flows)
    assert "pattern_danger" not in reader.flows
    assert set(tmp_path.rglob("*.yml")) == set(written_files)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("description:", "describtion:"),
        ("collect:", "colect:"),
        ("- else:", "- otherwise:"),
        ("link: impersonation", "link: nowhere"),
        ("action: utter_done", "action: utter_dne"),
        ("next: advise", "next: advize"),
        ("persisted_slots:", "kept_slots:"),
    ],
)
def test_the_strict_reader_sees_what_is_wrong(tmp_path: Path, right: str, wrong: str) -> None:
    file = exported(tmp_path) / "data" / "flows" / "flows.yml"
    text = file.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong, 1))
    assert wrongs(tmp_path / "rasa")


def wrongs(folder: Path) -> list[str]:
    """What the reader finds, were it only that it cannot go on."""
    try:
        return Reader(folder).wrong
    except (KeyError, TypeError) as error:
        return [repr(error)]


def test_pages_are_responses_with_their_text_in_the_words_of_each_nation(tmp_path: Path) -> None:
    responses = Reader(exported(tmp_path)).domain["responses"]
    variations = responses["utter_page_tell_lead_now"]
    by_nation = {variation.get("condition"): variation["text"] for variation in variations}
    assert "Tell your designated safeguarding person." in by_nation['slots.nation is "wales"']
    assert "Tell your safeguarding lead." in by_nation[None]
    assert variations[-1].get("condition") is None


def test_dont_know_is_a_button_that_sets_the_risky_answer(tmp_path: Path) -> None:
    (variation,) = Reader(exported(tmp_path)).domain["responses"]["utter_ask_contacting"]
    assert {"title": "Don't know", "payload": "/SetSlots(contacting=true)"}.items() <= variation["buttons"][-1].items()


def test_metadata_of_ours_stays(tmp_path: Path) -> None:
    flows = Reader(exported(tmp_path)).flows
    assert flows["impersonation"]["metadata"]["firstline"]["concern"] == "impersonation"


def test_conversation_tests_go_along(tmp_path: Path) -> None:
    test = b"test_cases: []\n"
    folder = written(tmp_path / "library", {**files(), "flows/tests/one.yml": test})
    export(folder, tmp_path / "rasa")
    assert (tmp_path / "rasa" / "e2e_tests" / "one.yml").read_bytes() == test


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "rasa"
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    with pytest.raises(TargetNotEmptyError):
        export(written(tmp_path / "library", files()), target)
    assert [file.name for file in target.iterdir()] == ["mine.txt"]


def test_a_library_with_errors_is_not_exported(tmp_path: Path) -> None:
    broken = files(flows=FLOWS.replace("utter_done", "utter_nowhere", 1))
    with pytest.raises(LibraryInvalid):
        export(written(tmp_path / "library", broken), tmp_path / "rasa")
    assert not (tmp_path / "rasa").exists()
