"""The runner of conversation tests: what it takes, what it plays, and that each expectation can fail."""

import json
from pathlib import Path

import pytest

from bot.conversation_tests import run_tests
from bot.conversation_tests.run import Result
from bot.errors import LibraryInvalid
from tests.builders import files
from tests.checking import written

TO_FAKE = """
test_cases:
  - test_case: a fake account
    steps:
      - user: /session_start
      - utter: utter_ask_danger
      - user: "No"
      - user: Wales
      - user: A fake account
"""


def run(folder: Path, script: str, *, name: str = "one.yml") -> Result:
    tests = written(folder, files()) / "flows" / "tests"
    tests.mkdir(parents=True, exist_ok=True)
    (tests / name).write_text(script, encoding="utf-8")
    return run_tests(folder, [tests])


def after_fake(folder: Path, *lines: str) -> Result:
    """Run with these lines after the choice of "A fake account"."""
    return run(folder, TO_FAKE + "".join(f"        {line}\n" for line in lines))


def asserting(folder: Path, *assertions: str, ordered: bool = False) -> Result:
    order = ["assertion_order_enabled: true"] if ordered else []
    return after_fake(folder, *order, "assertions:", *(f"  - {each}" for each in assertions))


def test_a_script_that_is_followed_passes(tmp_path: Path) -> None:
    result = asserting(tmp_path, "flow_started: impersonation", "slot_was_set: [{name: concern, value: impersonation}]")
    assert not result.failed, result.as_text()
    assert result.passed == 1


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("flow_started: impersonation", "flow_started: reputation"),
        (
            "flow_started: {operator: any, flow_ids: [impersonation, reputation]}",
            "flow_started: {operator: all, flow_ids: [impersonation, reputation]}",
        ),
        ("flow_completed: start", "flow_completed: impersonation"),
        (
            "flow_completed: {flow_id: start, flow_step_id: start_4_link_impersonation}",
            "flow_completed: {flow_id: start, flow_step_id: nation}",
        ),
        ("slot_was_set: [concern]", "slot_was_set: [fake_of]"),
        ("slot_was_set: [{concern: impersonation}]", "slot_was_set: [{concern: reputation}]"),
        ("slot_was_not_set: [fake_of]", "slot_was_not_set: [concern]"),
        (
            "slot_was_not_set: [{name: concern, value: reputation}]",
            "slot_was_not_set: [{name: concern, value: impersonation}]",
        ),
        ("bot_uttered: {utter_name: utter_ask_fake_of}", "bot_uttered: {utter_name: utter_done}"),
        ("bot_uttered: {text_matches: 'pretend(s)? to be'}", "bot_uttered: {text_matches: '^pretend'}"),
        ("bot_uttered: {buttons: [{title: A child}]}", "bot_uttered: {buttons: [{title: A cat}]}"),
        (
            "bot_uttered: {buttons: [{title: A child, payload: /SetSlots(fake_of=child)}]}",
            "bot_uttered: {buttons: [{title: A child, payload: /SetSlots(fake_of=staff)}]}",
        ),
        (
            "bot_uttered: {buttons: [{title: Our setting}, {title: A child}]}",
            "bot_uttered: {buttons: [{title: A child}, {title: Our setting}]}",
        ),
        ("bot_did_not_utter: {utter_name: utter_done}", "bot_did_not_utter: {utter_name: utter_ask_fake_of}"),
        ("case_not_opened: true", "case_opened: true"),
    ],
)
def test_each_assertion_holds_when_true_and_fails_when_not(tmp_path: Path, right: str, wrong: str) -> None:
    assert not asserting(tmp_path, right).failed, asserting(tmp_path, right).as_text()
    assert asserting(tmp_path, wrong).failed


def test_assertions_in_order_are_held_to_their_order(tmp_path: Path) -> None:
    rightly = ("slot_was_set: [concern]", "flow_completed: start", "flow_started: impersonation")
    assert not asserting(tmp_path, *rightly, ordered=True).failed
    assert asserting(tmp_path, *reversed(rightly), ordered=True).failed
    assert not asserting(tmp_path, *reversed(rightly)).failed


def test_a_failure_names_its_line_what_was_expected_and_what_came_instead(tmp_path: Path) -> None:
    result = asserting(tmp_path, "bot_uttered: {utter_name: utter_done}")
    (failure,) = result.failures
    assert (failure.where.file, failure.where.line) == ("flows/tests/one.yml", 11)
    assert "utter_done" in failure.expected
    assert any("utter_ask_fake_of" in line for line in failure.happened)
    assert "flows/tests/one.yml:11" in result.as_text()
    assert json.loads(result.as_json())["failures"][0]["line"] == 11


@pytest.mark.parametrize(
    "script",
    [
        TO_FAKE + "        asertions: []\n",
        TO_FAKE + "      - uter: utter_done\n",
        TO_FAKE + "      - utter: utter_dne\n",
        TO_FAKE + "      - slot_was_set: [{concern: sailing}]\n",
        TO_FAKE + "      - slot_was_set: [{fake_off: child}]\n",
        TO_FAKE + "        assertions: [{flow_begun: start}]\n",
        TO_FAKE + "        assertions: [{flow_started: strt}]\n",
        TO_FAKE + "        assertions: [{bot_uttered: {utter_nme: utter_done}}]\n",
        TO_FAKE + "        assertions: [{case_opened: {teir: 2}}]\n",
        TO_FAKE + "    fixtures: [nobody]\n",
        TO_FAKE + "fixturs: []\n",
        "test_cases:\n  - test_case: begins with the bot\n    steps:\n      - bot: Hello.\n",
    ],
)
def test_what_is_not_known_in_a_test_file_is_an_error_with_its_place(tmp_path: Path, script: str) -> None:
    result = run(tmp_path, script)
    assert result.failed
    assert all(failure.where.file == "flows/tests/one.yml" and failure.where.line > 1 for failure in result.failures)
    assert result.passed == 0


def test_a_button_that_is_not_on_offer_cannot_be_pressed(tmp_path: Path) -> None:
    result = after_fake(tmp_path, "", "").failed
    assert not result
    pressed = run(tmp_path, TO_FAKE + "      - user: /SetSlots(reported=refused)\n")
    assert "no button on offer" in pressed.failures[0].expected


def test_a_fixture_answers_before_anything_is_said(tmp_path: Path) -> None:
    script = """
fixtures:
  - known: [{danger: "no"}, {nation: scotland}]
test_cases:
  - test_case: only the concern is asked
    fixtures: [known]
    steps:
      - user: A fake account
        assertions:
          - bot_uttered: {utter_name: utter_ask_fake_of}
"""
    assert not run(tmp_path, script).failed, run(tmp_path, script).as_text()


def test_an_action_is_stubbed_for_all_or_for_one_case(tmp_path: Path) -> None:
    script = """
stub_custom_actions:
  action_opening_hours: {events: [{event: slot, name: service_open, value: false}], responses: []}
  "open::action_opening_hours": {events: [{event: slot, name: service_open, value: true}], responses: []}
fixtures:
  - known: [{danger: "no"}, {nation: wales}, {platform: tiktok}, {seen_by: few}]
test_cases:
  - test_case: closed
    fixtures: [known]
    steps:
      - user: Bad words about us
      - user: words about a teacher
      - utter: utter_closed
  - test_case: open
    fixtures: [known]
    steps:
      - user: Bad words about us
      - user: words about a teacher
      - utter: utter_open
"""
    result = run(tmp_path, script)
    assert not result.failed, result.as_text()
    assert result.passed == 2


def test_a_case_is_opened_and_closed_by_an_adviser(tmp_path: Path) -> None:
    script = """
metadata:
  - closed: {case: closed}
  - photo: {media: photo}
test_cases:
  - test_case: a person
    steps:
      - user: /session_start
      - user: talk to a person
      - user: "Yes"
        assertions:
          - case_opened: {tier: 3}
          - action_executed: action_hand_over
      - user: ""
        metadata: closed
      - bot: Your case TEST is closed.
      - user: ""
        metadata: photo
      - utter: utter_no_media
"""
    result = run(tmp_path, script)
    assert not result.failed, result.as_text()
    assert run(tmp_path, script.replace("tier: 3", "tier: 1")).failed


def test_shared_fixtures_are_read_from_conftest(tmp_path: Path) -> None:
    written(tmp_path, {"flows/tests/conftest.yml": b'fixtures: [{known: [{danger: "no"}, {nation: wales}]}]\n'})
    script = TO_FAKE.replace("    steps:", "    fixtures: [known]\n    steps:").replace('      - user: "No"\n', "")
    assert not run(
        tmp_path, script.replace("      - utter: utter_ask_danger\n", "").replace("      - user: Wales\n", "")
    ).failed


def test_what_no_test_walks_is_listed(tmp_path: Path) -> None:
    result = run(tmp_path, TO_FAKE)
    missing = {(place.step, place.value) for place in result.coverage.missing}
    assert ("start/nation", "") not in missing
    assert ("start/nation", "wales") not in missing
    assert ("start/nation", "england") in missing
    assert ("impersonation/advise", "") in missing
    assert "start/nation: the choice england" in result.as_text(coverage=True)
    assert "start/nation: the choice england" not in result.as_text()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LibraryInvalid, match="no such test file"):
        run_tests(written(tmp_path, files()), [tmp_path / "nowhere.yml"])


def test_one_test_of_a_file_can_be_chosen(tmp_path: Path) -> None:
    run(tmp_path, TO_FAKE + "  - test_case: other\n    steps: [{user: hello}, {utter: utter_done}]\n")
    file = tmp_path / "flows" / "tests" / "one.yml"
    assert run_tests(tmp_path, [Path(f"{file}::a fake account")]).passed == 1
    assert run_tests(tmp_path, [Path(f"{file}::other")]).failed
