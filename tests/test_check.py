"""`firstline check`: labels, reading age, sentences, numbers, links, reviews, translations, and how it is told."""

import json
from datetime import date
from pathlib import Path

import pytest

from bot.checking.reading_age import reading_of, sentences_of, syllables
from bot.checking.report import report_on
from tests.builders import FLOWS, files
from tests.checking import TODAY, codes, of_code, report, written

ROOT = Path(__file__).parent.parent
LONG = " ".join(["word"] * 26)
HARD = (
    "Notwithstanding organisational considerations, practitioners administering institutional accountability "
    "arrangements habitually characterise reputational deterioration as administratively consequential."
)


def said(text: str) -> str:
    """A flow that says this."""
    return f"""
flows:
  says:
    name: Says
    description: Says it.
    nlu_trigger: [{{intent: says}}]
    metadata: {{firstline: {{examples: [say it]}}}}
    steps: [{{action: utter_it}}]
responses:
  utter_it:
    - text: {json.dumps(text)}
"""


def choices(*titles: str) -> str:
    values = [f"v{number}" for number in range(len(titles))]
    buttons = [{"title": title, "payload": f"/SetSlots(pick={v})"} for title, v in zip(titles, values, strict=True)]
    return f"""
flows:
  asks:
    name: Asks
    description: Asks it.
    nlu_trigger: [{{intent: asks}}]
    metadata: {{firstline: {{examples: [ask it]}}}}
    steps: [{{collect: pick}}]
slots: {{pick: {{type: categorical, values: {json.dumps(values)}, mappings: [{{type: controlled}}]}}}}
responses:
  utter_ask_pick:
    - text: Which?
      buttons: {json.dumps(buttons)}
"""


# --- labels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "length", "fits"), [(3, 20, True), (3, 21, False), (4, 24, True), (4, 25, False)])
def test_a_label_is_as_long_as_its_buttons_allow(tmp_path: Path, count: int, length: int, fits: bool) -> None:
    told = of_code(report(tmp_path, choices("x" * length, *"abc"[: count - 1])), "label")
    assert any("extra.yml" in each for each in told) is not fits


@pytest.mark.parametrize(("count", "fits"), [(10, True), (11, False)])
def test_a_list_holds_ten_choices(tmp_path: Path, count: int, fits: bool) -> None:
    told = of_code(report(tmp_path, choices(*(f"choice {n}" for n in range(count)))), "choices")
    assert bool(told) is not fits


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "severity"), [(20, None), (21, "warning"), (25, "warning"), (26, "error")])
def test_a_long_sentence_is_a_warning_and_a_very_long_one_an_error(
    tmp_path: Path, words: int, severity: str | None
) -> None:
    told = report(tmp_path, said("Short. " + " ".join(["Word"] * words) + "."))
    found = [each.severity for each in told.complaints if each.code == "long-sentence"]
    assert found == ([severity] if severity else [])


def test_a_long_sentence_is_told_with_its_line(tmp_path: Path) -> None:
    page = files()["content/guidance/tell-lead-now.md"].replace(b"Tell someone now.", f"Short.\n\n{LONG}.".encode())
    folder = written(tmp_path, {**files(), "content/guidance/tell-lead-now.md": page})
    (complaint,) = [c for c in report_on(folder, today=TODAY).complaints if c.code == "long-sentence"]
    lines = (folder / complaint.file).read_text().split("\n")
    assert lines[complaint.line - 1].startswith("word word")


def test_hard_words_are_a_warning_in_a_text_and_an_error_in_a_page(tmp_path: Path) -> None:
    page = files()["content/guidance/tell-lead-now.md"].replace(b"Tell someone now.", (HARD + " " + HARD).encode())
    folder = written(tmp_path, {**files(said(HARD)), "content/guidance/tell-lead-now.md": page})
    told = {c.file: c.severity for c in report_on(folder, today=TODAY).complaints if c.code == "reading-age"}
    assert told["flows/extra.yml"] == "warning"
    assert told["content/guidance/tell-lead-now.md"] == "error"


def test_plain_words_are_not_complained_about(tmp_path: Path) -> None:
    told = report(tmp_path, said("Tell your lead today. Keep a note of what you saw. Do not reply to the post yet."))
    assert not {"reading-age", "long-sentence"} & codes(told)


@pytest.mark.parametrize(
    ("word", "count"),
    sorted(
        {"cat": 1, "share": 1, "likes": 1, "posted": 2, "table": 2, "pages": 2, "children": 2, "video": 3}.items()
        | {"evidence": 2, "safeguarding": 2, "photographs": 3, "called": 1, "idea": 3, "create": 2}.items()
    ),
)
def test_syllables_are_counted_as_spoken_and_house_words_as_short(word: str, count: int) -> None:
    assert syllables(word) == count


def test_marks_links_and_addresses_are_not_read() -> None:
    text = "## Do now\n\n1. Go to [the **page**](https://example.org/a-b).\n2. Ask {term.x}."
    assert list(sentences_of(text, lambda _: "your lead")) == ["Do now", "Go to the page.", "Ask your lead."]


def test_longer_words_and_sentences_need_an_older_reader() -> None:
    easy, hard = reading_of("The cat sat. The dog ran."), reading_of(HARD)
    assert easy.age < 6 < 18 < hard.age


# --- facts -----------------------------------------------------------------------------------------------------------


def test_a_number_no_service_page_gives_is_an_error(tmp_path: Path) -> None:
    assert "0800 123 4567" in of_code(report(tmp_path, said("Ring 0800 123 4567.")), "unknown-number")[-1]


def test_a_number_a_service_page_gives_is_fine(tmp_path: Path) -> None:
    service = (ROOT / "content/services/childline.md").read_bytes()
    folder = written(tmp_path, {**files(said("Ring 0800 1111 or 999.")), "content/services/childline.md": service})
    told = of_code(report_on(folder, today=TODAY), "unknown-number")
    assert not [each for each in told if "0800 1111" in each or "999" in each]


def test_a_date_or_a_web_address_is_no_number(tmp_path: Path) -> None:
    told = report(tmp_path, said("Since 31 January 2024, see https://example.org/0800123456/1 for 4,078 cases."))
    assert not [each for each in of_code(told, "unknown-number") if "extra" in each]


def test_an_insecure_link_is_an_error(tmp_path: Path) -> None:
    assert of_code(report(tmp_path, said("See http://example.org now.")), "insecure-link")
    assert not of_code(report(tmp_path, said("See https://example.org now.")), "insecure-link")


def test_a_review_that_has_passed_is_told(tmp_path: Path) -> None:
    folder = written(tmp_path, files())
    assert "review-passed" not in codes(report_on(folder, today=date(2026, 7, 1)))
    assert "review-passed" in codes(report_on(folder, today=date(2026, 7, 2)))


def test_what_has_no_welsh_is_told_when_asked(tmp_path: Path) -> None:
    told = of_code(report(tmp_path, translations=True), "no-translation")
    assert any("utter_done" in each for each in told)
    assert not any("utter_hello'" in each for each in told)
    assert "no-translation" not in codes(report(tmp_path))


# --- how it is told --------------------------------------------------------------------------------------------------


def test_the_report_is_one_json_object_of_complaints_and_flows(tmp_path: Path) -> None:
    told = json.loads(report(tmp_path).as_json())
    assert set(told) == {"complaints", "flows", "pages", "summary"}
    assert set(told["complaints"][0]) == {"file", "line", "column", "code", "message", "fix", "severity"}
    (start,) = [row for row in told["flows"] if row["flow"] == "start"]
    assert (start["steps"], start["paths"], start["answers_to_advice"]) == (6, 24, 5)


def test_the_report_in_words_names_file_line_and_every_flow(tmp_path: Path) -> None:
    text = report(tmp_path).as_text()
    assert "flows/flows.yml:" in text
    assert all(f"\n{flow} " in text for flow in ("start", "impersonation", "reputation", "pattern_danger"))
    assert text.endswith("warnings.")


def test_a_library_that_does_not_load_is_told_without_walking(tmp_path: Path) -> None:
    told = report(tmp_path, flows=FLOWS.replace("utter_page_report_fake_account", "utter_page_nowhere"))
    assert told.has_errors
    assert not told.flows
    assert json.loads(told.as_json())["flows"] == []
