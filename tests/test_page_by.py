"""A page chosen by a slot's value: one response for all platforms, and the general page where there is none."""

import pytest

from bot.engine.conditions import holds
from bot.library.conditions import parse
from bot.library.export_rasa import _variations
from bot.library.load import load_files
from bot.library.model import Where
from tests.builders import Talk, files, loaded, page

PLATFORM = """---
id: {id}
kind: platform
title: {title}
min_age: "13"
help_url: "https://example.org/{id}"
sources: []
status: unverified
verify: [check it]
review_by: 2027-01-31
owner: content-team
---
## Block
How to block on {title}.

## Report a post
How to report on {title}.

## Report an account
x

## No account
x

## A child's intimate image
x

## Under age
x

## Family controls
x
"""
FLOW = """
flows:
  tools:
    name: Tools
    description: Tools.
    nlu_trigger: [{intent: tools}]
    metadata: {firstline: {examples: [how to block]}}
    steps:
      - collect: app
      - action: utter_steps
slots:
  app: {type: categorical, values: [chat_one, tell_lead_now, other]}
responses:
  utter_ask_app:
    - text: Which?
      buttons:
        - {title: One, payload: /SetSlots(app=chat_one)}
        - {title: Two, payload: /SetSlots(app=tell_lead_now)}
        - {title: Other, payload: /SetSlots(app=other)}
  utter_steps:
    - text: "The steps:"
      metadata: {firstline: {page: other-app, page_by: app, section: Block}}
"""
OWN = {
    f"content/platforms/{name}.md": PLATFORM.format(id=name, title=title).encode()
    for name, title in (("chat-one", "Chat One"), ("other-app", "any app"))
}


def told(choice: str) -> Talk:
    library = loaded({**files(FLOW), **OWN})
    return Talk(library).open().says("no", "Wales").say("how to block", "tools").press("Tools").press(choice)


def said(talk: Talk) -> str:
    return talk.words(next(reply for reply in talk.outcome.replies if reply.response == "utter_steps"))


def complaints(flow: str = FLOW, own: dict[str, bytes] = OWN) -> list[str]:
    return [each.code for each in load_files({**files(flow), **own}).complaints]


def test_the_page_of_the_slots_value_is_shown_and_noted() -> None:
    talk = told("One")
    assert "How to block on Chat One." in said(talk)
    assert "report" not in said(talk)
    assert talk.conversation is not None
    assert talk.conversation.advised[-1].page == "chat-one"


@pytest.mark.parametrize("choice", ["Other", "Two"])
def test_a_value_without_a_page_of_that_kind_shows_the_general_one(choice: str) -> None:
    talk = told(choice)
    assert "How to block on any app." in said(talk)
    assert talk.conversation is not None
    assert talk.conversation.advised[-1].page == "other-app"


def test_a_page_that_lacks_the_heading_is_refused() -> None:
    short = {
        **OWN,
        "content/platforms/chat-one.md": OWN["content/platforms/chat-one.md"].replace(b"## Block", b"## Bloc"),
    }
    assert "no-section" in complaints(own=short)


def test_it_goes_by_a_slot_of_closed_values_and_needs_a_page_to_fall_back_on() -> None:
    assert "no-slot" in complaints(FLOW.replace("page_by: app", "page_by: apps"))
    assert "no-page" in complaints(FLOW.replace("page: other-app, ", "").replace(", section: Block", ""))


def test_rasa_gets_one_variation_for_each_page() -> None:
    library = loaded({**files(FLOW), **OWN, "content/guidance/calm.md": page("calm", "Calm", "Wait.")})
    written = list(_variations(library, library.responses["utter_steps"], None))
    assert [each.get("condition") for each in written] == ['slots.app is "chat_one"', None]
    assert "Chat One" in written[0]["text"]


def test_rasa_never_has_the_general_page_to_choose_beside_the_slots_own() -> None:
    """Rasa says any one of the variations whose conditions hold."""
    under = FLOW.replace('    - text: "The steps:"', '    - condition: slots.danger is "no"\n      text: "The steps:"')
    library = loaded({**files(f"{under}    - text: None.\n"), **OWN})
    conditions = [
        parse(each["condition"], Where("test", 1))
        for each in _variations(library, library.responses["utter_steps"], None)
        if "condition" in each
    ]
    for app in ("chat_one", "other", None):
        assert sum(holds(each, {"danger": "no", "app": app}) for each in conditions) == 1
        assert not any(holds(each, {"danger": "yes", "app": app}) for each in conditions)
