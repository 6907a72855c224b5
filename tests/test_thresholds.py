"""Threshold pages: a decision is recorded with its route, its rule, and the framework with its version."""

import json
from pathlib import Path

import pytest
from test_load import GOOD

from bot.channels.contract import WEB
from bot.domain import ConversationId, HandOver
from bot.engine.record import as_markdown, decisions_of, record_of
from bot.library.load import load_files
from bot.pack import pack_of
from tests.builders import NOON, TERM, Talk, files, loaded

PAGE = """---
id: threshold-pictures
kind: threshold
title: Who must be told of a picture
concerns: [nudes]
nations: [england, wales, scotland, northern_ireland]
framework: framework_pictures
routes:
  An adult is involved: refer_today
  None of these: tell_lead
sources: []
status: unverified
verify: [check it]
review_by: 2027-01-31
owner: content-team
---

## An adult is involved

Tell the police today. This comes from {term.framework_pictures}.

## None of these

Tell your lead today.
"""
FRAMEWORK = (
    TERM.replace("safeguarding_lead", "framework_pictures")
    .replace("england: designated safeguarding lead", "england: Pictures guidance (March 2024)")
    .replace("wales: designated safeguarding person", "wales: Welsh pictures guidance (2021)")
)
FLOW = """
flows:
  pictures:
    name: Pictures
    description: A picture of a child.
    nlu_trigger: [{intent: pictures}]
    metadata: {firstline: {examples: [a picture of a child]}}
    steps:
      - call: threshold_pictures
      - action: utter_done
  threshold_pictures:
    description: Who must be told.
    if: false
    steps:
      - collect: adult
        next:
          - if: slots.adult
            then:
              - action: utter_adult
                next: END
          - else:
              - action: utter_none
                next: END
slots:
  adult: {type: bool}
  kind: {type: categorical, values: [one, two]}
responses:
  utter_ask_adult:
    - text: Is an adult involved?
      buttons:
        - {title: "Yes", payload: /SetSlots(adult=true)}
        - {title: "No", payload: /SetSlots(adult=false)}
  utter_adult:
    - text: "Who must be told"
      metadata: {firstline: {page: threshold-pictures, section: An adult is involved}}
  utter_none:
    - text: "Who must be told"
      metadata: {firstline: {page: threshold-pictures, section: None of these}}
"""
OWN = {
    "content/thresholds/threshold-pictures.md": PAGE.encode(),
    "content/terms/framework_pictures.md": FRAMEWORK.encode(),
}
LIBRARY = loaded({**files(FLOW), **OWN})
WORDS = json.loads(Path("content/interface/en.json").read_text())


def decided(answer: str, nation: str = "Wales") -> Talk:
    return Talk(LIBRARY).open().says("no", nation).say("a picture of a child", "pictures").press("Pictures").say(answer)


def complaints(page: str = PAGE, flow: str = FLOW) -> list[str]:
    own = {**OWN, "content/thresholds/threshold-pictures.md": page.encode(), "flows/extra.yml": flow.encode()}
    return [complaint.code for complaint in load_files({**GOOD, **files(), **own}).complaints]


def test_a_decision_names_the_rule_the_route_and_the_nations_framework() -> None:
    talk = decided("yes")
    assert talk.conversation is not None
    (made,) = decisions_of(LIBRARY, talk.conversation)
    assert (made.decided_by, made.route, made.framework) == (
        "An adult is involved",
        "refer_today",
        "Welsh pictures guidance (2021)",
    )


def test_the_framework_is_the_one_of_the_nation() -> None:
    talk = decided("yes", "England")
    assert talk.conversation is not None
    assert decisions_of(LIBRARY, talk.conversation)[0].framework == "Pictures guidance (March 2024)"


def test_the_record_of_advice_holds_the_decision_in_words() -> None:
    talk = decided("no")
    assert talk.conversation is not None
    written = as_markdown(record_of(LIBRARY, talk.conversation, "FL-1", NOON), WORDS)
    assert "**Tell the safeguarding lead today; they decide**. None of these. Framework: Welsh" in written


def test_an_answer_that_is_changed_decides_anew() -> None:
    talk = decided("no").say("back").say("yes")
    assert talk.conversation is not None
    assert [made.route for made in decisions_of(LIBRARY, talk.conversation)] == ["refer_today"]


def test_without_a_decision_the_record_says_nothing_of_one() -> None:
    talk = Talk(LIBRARY).open().say("no")
    assert talk.conversation is not None
    assert WORDS["record_decided"] not in as_markdown(record_of(LIBRARY, talk.conversation, "", NOON), WORDS)


def test_advisers_see_the_rule_in_the_pack() -> None:
    talk = decided("yes")
    assert talk.conversation is not None
    case = pack_of(LIBRARY, ConversationId(1), WEB, talk.conversation, HandOver(1, "asked", "pictures", "x"), [])
    assert "Who must be told of a picture: An adult is involved" in [each.title for each in case.pack.advice]


def test_a_good_threshold_has_no_complaints() -> None:
    assert not {"no-route", "heading", "no-term", "one-rule", "unused-rule"} & set(complaints())


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (PAGE.replace("  None of these: tell_lead\n", ""), "no-route"),
        (PAGE.replace("tell_lead", "hope"), "not-a-choice"),
        (PAGE.replace("## None of these", "## Another rule"), "heading"),
        (PAGE.replace("framework: framework_pictures", "framework: framework_picture"), "no-term"),
        (PAGE.replace("framework: framework_pictures\n", ""), "missing-key"),
        (PAGE.replace("routes:\n  An adult is involved: refer_today\n  None of these: tell_lead\n", ""), "missing-key"),
    ],
)
def test_a_threshold_that_is_not_whole_is_refused(page: str, code: str) -> None:
    assert code in complaints(page)


def test_a_response_shows_exactly_one_rule() -> None:
    two = FLOW.replace("  utter_none:\n", "  utter_none:\n    - text: Wait\n      condition: slots.adult\n")
    assert "one-rule" in complaints(flow=two)
    assert "one-rule" in complaints(flow=FLOW.replace(", section: None of these", ""))


def test_a_rule_is_said_whatever_holds_and_never_of_another_page() -> None:
    """What the enquirer reads and what the record says of it would differ."""
    assert "one-rule" in complaints(
        flow=FLOW.replace('    - text: "Who', '    - condition: slots.adult\n      text: "Who')
    )
    assert "one-rule" in complaints(
        flow=FLOW.replace("section: None of these", "section: None of these, page_by: kind")
    )


def test_a_threshold_page_is_not_shown_as_a_whole() -> None:
    whole = FLOW.replace("action: utter_done", "action: utter_page_threshold_pictures")
    assert "one-rule" in complaints(flow=whole)


def test_a_rule_that_nothing_decides_by_is_told() -> None:
    unused = FLOW.replace("action: utter_none", "action: utter_done")
    assert "unused-rule" in complaints(flow=unused)


BOLD = """    - text: "**Do not look.** Is an adult in Wales involved?"
      condition: slots.nation is "wales"
      buttons:
        - {title: "Yes", payload: /SetSlots(adult=true)}
        - {title: "No", payload: /SetSlots(adult=false)}
    - text: Is an adult involved?
"""


@pytest.mark.parametrize(
    ("nation", "question"),
    [("Wales", "Do not look. Is an adult in Wales involved?"), ("England", "Is an adult involved?")],
)
def test_a_question_is_recorded_in_plain_words_as_it_was_asked(nation: str, question: str) -> None:
    library = loaded({**files(FLOW.replace("    - text: Is an adult involved?\n", BOLD)), **OWN})
    talk = Talk(library).open().says("no", nation).say("a picture of a child", "pictures").press("Pictures").say("yes")
    assert talk.conversation is not None
    assert record_of(library, talk.conversation, "", NOON).answers[-1].question == question
