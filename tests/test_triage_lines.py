"""`firstline triage`: one JSON line for each message."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.library.load import load
from bot.library.taxonomy import CONCERNS
from bot.triage.urgency import USUAL
from bot.triage_lines import BadLineError, lines_about
from tests.builders import files
from tests.checking import written

ROOT = Path(__file__).parent.parent


TEXTS = {
    "fake": "someone made a fake instagram account of our headteacher",
    "danger": "she says she will kill herself tonight",
    "child": "hi im 13",
    "nudes": "nude photo of a year 9 girl going round",
    "dull": "term dates please",
    "report": "how do i report this",
    "now": "she is on the roof of the multi storey and says she will jump",
    "mention": "a pupil wrote a story in which someone says she will kill herself",
    "both": "im 13 and i want to die",
    "strange": "xqzv wklj",
}


@pytest.fixture(scope="module")
def about() -> dict[str, dict[str, Any]]:
    lines = lines_about(ROOT, [json.dumps({"text": text}) for text in TEXTS.values()])
    return dict(zip(TEXTS, map(json.loads, lines), strict=True))


def test_each_message_gets_its_gate_concerns_platform_and_urgency(about: dict[str, dict[str, Any]]) -> None:
    line = about["fake"]
    assert set(line) == {"text", "gate", "ranked", "platform", "urgent"}
    assert (line["gate"], line["platform"], line["urgent"]) == ("none", "instagram", False)
    assert line["ranked"][0]["concern"] == "impersonation"
    assert line["ranked"] == sorted(line["ranked"], key=lambda each: -each["score"])


def test_danger_a_child_and_grave_concerns_are_urgent(about: dict[str, dict[str, Any]]) -> None:
    assert (about["danger"]["gate"], about["danger"]["urgent"]) == ("danger", True)
    assert (about["child"]["gate"], about["child"]["urgent"]) == ("child", True)
    assert about["nudes"]["urgent"]
    assert not about["dull"]["urgent"]


def test_danger_at_this_moment_goes_before_its_topic_and_a_mention_does_not(about: dict[str, dict[str, Any]]) -> None:
    assert about["now"]["gate"] == about["mention"]["gate"] == "danger"
    assert about["now"]["ranked"][0] == {"concern": "immediate_danger", "score": 1.0}
    assert about["mention"]["ranked"][0]["concern"] != "immediate_danger"


def test_a_child_who_writes_goes_before_the_topic(about: dict[str, dict[str, Any]]) -> None:
    assert about["child"]["ranked"][0] == {"concern": "child_contact", "score": 1.0}
    assert about["both"]["gate"] == "danger"
    assert about["both"]["ranked"][0] == {"concern": "child_contact", "score": 1.0}


def test_words_like_nothing_of_ours_are_out_of_scope(about: dict[str, dict[str, Any]]) -> None:
    assert about["strange"]["ranked"] == [{"concern": "out_of_scope", "score": 0.0}]


def test_ranked_concerns_are_of_the_taxonomy(about: dict[str, dict[str, Any]]) -> None:
    assert {each["concern"] for line in about.values() for each in line["ranked"]} <= set(CONCERNS)


def test_every_concern_has_its_usual_urgency() -> None:
    assert set(USUAL) == set(CONCERNS)
    library = load(ROOT).library
    assert library is not None
    assert {flow.concern for flow in library.flows.values() if flow.concern} <= set(USUAL)


@pytest.mark.parametrize("wrong", ["not json", '{"txt": "x"}', '["text"]', '{"text": 3}'])
def test_a_line_that_is_not_a_message_is_told_with_its_number(wrong: str, tmp_path: Path) -> None:
    lines = lines_about(written(tmp_path, files()), ['{"text": "fake account"}', "", wrong])
    assert json.loads(next(lines))["text"] == "fake account"
    with pytest.raises(BadLineError, match="line 3"):
        next(lines)
