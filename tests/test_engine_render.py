"""Replies in words: variation, language, nation, page, and the numbers an expired page hides."""

from datetime import date

import pytest

from bot.domain import Reply, Token
from bot.engine.render import render, without_numbers
from tests.builders import TODAY, Talk, at_fake_of, files, helpline, loaded, page

LATER = date(2027, 2, 1)

EXTRA = """
responses:
  utter_varied:
    - text: On Telegram.
      channel: telegram
    - text: In Wales.
      condition: slots.nation is "wales"
      translation: {cy: Yng Nghymru.}
    - text: "Elsewhere: {nation}, {nobody}, {term.nothing}, {service.nothing}."
  utter_section:
    - text: See this.
      metadata: {firstline: {page: tell-lead-now, section: Do now}}
flows:
  varied:
    description: Says them.
    nlu_trigger: [{intent: varied}]
    metadata: {firstline: {examples: [say it in many ways]}}
    steps:
      - action: utter_section
"""


ECHO = """
flows:
  echo:
    description: Says it back.
    nlu_trigger: [{intent: echo}]
    metadata: {firstline: {examples: [say it back]}}
    steps:
      - action: utter_echo
"""


def words(response: str, channel: str = "web", language: str = "en", today: date = TODAY, **slots: str) -> str:
    library = helpline(EXTRA.replace(", {nobody}, {term.nothing}, {service.nothing}", ""))
    return render(library, Reply(response, tuple(slots.items()), language=language), channel, today).text


def test_the_first_variation_that_fits_slots_and_channel_is_said() -> None:
    assert words("utter_varied", "telegram", nation="wales") == "On Telegram."
    assert words("utter_varied", nation="wales") == "In Wales."
    assert words("utter_varied", nation="england") == "Elsewhere: england."


def test_a_missing_translation_falls_back_to_english_and_says_so() -> None:
    assert words("utter_varied", language="cy", nation="wales") == "Yng Nghymru."
    rendered = render(helpline(), Reply("utter_child", language="cy"), "web", TODAY)
    assert (rendered.text, rendered.language) == ("Childline is there for you.", "en")
    assert render(helpline(), Reply("utter_hello", language="cy"), "web", TODAY).language == "cy"


@pytest.mark.parametrize(
    ("nation", "lead"),
    [("england", "designated safeguarding lead"), ("scotland", "child protection lead"), ("", "safeguarding lead")],
)
def test_terms_change_with_the_nation(nation: str, lead: str) -> None:
    assert words("utter_done", nation=nation) == f"Done, {nation}. Tell your {lead}."


def test_what_the_enquirer_typed_is_not_read_as_markup() -> None:
    library = helpline('responses:\n  utter_echo: [{text: "You said {what_happened}"}]\n' + ECHO)
    reply = Reply("utter_echo", (("what_happened", "*a* [b](c) <b>"),))
    assert render(library, reply, "web", TODAY).text == r"You said \*a\* \[b\]\(c\) \<b\>"


def test_a_translated_page_is_shown_in_its_language() -> None:
    translated = page("danger-now", "Perygl", "Ffoniwch 999.")
    library = loaded({**files(), "content/guidance/danger-now.cy.md": translated})
    rendered = render(library, Reply("utter_page_danger_now", language="cy"), "web", TODAY)
    assert "Ffoniwch 999." in rendered.text
    assert "Call 999." in render(library, Reply("utter_page_danger_now"), "web", TODAY).text


def test_what_nobody_knows_is_left_empty_and_never_raises() -> None:
    assert words("utter_done") == "Done, . Tell your safeguarding lead."
    assert words("utter_nowhere") == ""


def test_choices_are_carried_over() -> None:
    reply = Reply("utter_hello", choices=((Token("1.a"), "Yes"),))
    assert render(helpline(), reply, "web", TODAY).choices == ((Token("1.a"), "Yes"),)


def test_a_page_shows_its_source_and_when_that_was_checked() -> None:
    text = words("utter_page_report_fake_account", today=date(2026, 6, 30), nation="wales")
    assert text.startswith("### Report it\n\n#### Do now\n\nRing 0344 381 4772")
    assert "Tell your designated safeguarding person." in text
    assert text.endswith("Source: Example, checked 1/6/2026")


def test_an_expired_page_hides_its_telephone_numbers_but_not_those_for_emergencies() -> None:
    text = words("utter_page_report_fake_account")
    assert "0344" not in text
    assert "Ring …, Childline 0800 1111 or 101." in text
    assert "Out of date since 1/7/2026: <https://example.org/report-fake-account>" in text


def test_a_page_in_date_hides_none() -> None:
    assert "0344 381 4772" in words("utter_page_danger_now")
    assert "0344" not in words("utter_page_danger_now", today=LATER)


def test_one_section_of_a_page_can_be_shown_with_words() -> None:
    text = words("utter_section")
    assert text.startswith("See this.\n\n#### Do now\n\nTell someone now.\n\nSource:")
    assert "Wait." not in text


def test_the_page_of_a_response_is_noted_as_advice() -> None:
    talk = Talk(helpline(EXTRA.replace(", {nobody}, {term.nothing}, {service.nothing}", "")))
    talk.open().says("no", "Wales").say("many ways, say them", "varied").press("varied")
    assert talk.conversation is not None
    assert [each.page for each in talk.conversation.advised] == ["tell-lead-now"]


def test_the_slots_a_reply_needs_travel_with_it_and_no_others() -> None:
    talk = at_fake_of().says("staff", "no", "3", "no")
    assert talk.outcome.replies[0].slots == (("nation", "wales"),)
    assert talk.outcome.replies[1].slots == ()


@pytest.mark.parametrize(
    "number",
    [
        "0344 381 4772",
        "0808 800 5000",
        "+44 20 7946 0000",
        "(020) 7340 7264",
        "116 123",
        "85258",
        "0300-123-2040",
        "111",
        "7726",
    ],
)
def test_telephone_numbers_are_hidden(number: str) -> None:
    assert without_numbers(f"Ring {number}. Now") == "Ring …. Now"


@pytest.mark.parametrize(
    "text",
    [
        "Call 999.",
        "Ring 101 now",
        "Childline 0800 1111 24 hours",
        "on 1 Sept 2026",
        "48 hours",
        "ages 13–15",
        "16-17",
        "1,000 people",
        "https://x.org/03443814772/page",
        "1/6/2026",
        "2.5",
    ],
)
def test_what_is_no_telephone_number_stays(text: str) -> None:
    assert without_numbers(text) == text
