"""Pages and terms: front matter, headings, evidence and translations."""

from datetime import date

import pytest
from test_load import GOOD

from bot.library.load import load_files
from bot.library.model import Page, PageStatus

FRONT = """---
id: keep-calm
kind: law
title: Keep calm
nations: [wales]
sources:
  - {url: "https://example.org/a", title: A, checked_on: 2026-03-01}
  - {url: "https://example.org/b", title: B, checked_on: 2026-02-01}
status: verified
review_by: 2027-01-31
owner: content-team
---
"""
BODY = "Before the first heading.\n\n## One\n\nFirst.\n\n### Smaller\n\nStill one.\n\n## Two\n\nSecond.\n"


def result(text: str, name: str = "content/law/keep-calm.md", **more: str):
    return load_files({**GOOD, name: text.encode(), **{key: value.encode() for key, value in more.items()}})


def page(text: str) -> Page:
    loaded = result(text)
    assert loaded.library is not None, [str(complaint) for complaint in loaded.complaints]
    return loaded.library.pages["keep-calm"]


def codes(text: str, name: str = "content/law/keep-calm.md") -> list[str]:
    return [complaint.code for complaint in result(text, name).complaints]


def test_front_matter_becomes_the_pages_values():
    read = page(FRONT + BODY)
    assert (read.title, read.kind, read.nations, read.status) == ("Keep calm", "law", ("wales",), PageStatus.VERIFIED)
    assert read.review_by == date(2027, 1, 31)
    assert read.response_id == "utter_page_keep_calm"


def test_a_page_is_as_fresh_as_its_stalest_source():
    assert page(FRONT + BODY).checked_on == date(2026, 2, 1)


def test_sections_are_split_at_second_level_headings():
    assert [(part.heading, part.markdown) for part in page(FRONT + BODY).sections] == [
        ("", "Before the first heading."),
        ("One", "First.\n\n### Smaller\n\nStill one."),
        ("Two", "Second."),
    ]


def test_a_heading_inside_a_code_block_is_words():
    assert len(page(FRONT + "## One\n\n```\n## not a heading\n```\n").sections) == 1


def test_windows_line_ends_and_a_byte_order_mark_are_read_alike():
    data = b"\xef\xbb\xbf" + (FRONT + BODY).replace("\n", "\r\n").encode()
    read = load_files({**GOOD, "content/law/keep-calm.md": data}).library
    assert read is not None
    assert read.pages["keep-calm"] == page(FRONT + BODY)


def test_every_page_is_a_response():
    library = result(FRONT + BODY).library
    assert library is not None
    assert library.page_of_response == {
        "utter_page_keep_calm": "keep-calm",
        "utter_page_keep_evidence": "keep-evidence",
        "utter_page_our_service": "our-service",
    }


def test_a_welsh_page_is_kept_beside_the_english_one():
    loaded = result(FRONT + BODY, **{"content/law/keep-calm.cy.md": FRONT + BODY})
    assert loaded.library is not None
    assert loaded.library.pages["keep-calm.cy"].language == "cy"
    assert loaded.library.pages["keep-calm.cy"].id == "keep-calm"


def test_a_welsh_page_has_as_many_headings_as_the_english_one():
    loaded = result(FRONT + BODY, **{"content/law/keep-calm.cy.md": FRONT + "## Un\n\nDim ond un.\n"})
    assert [complaint.code for complaint in loaded.complaints] == ["heading"]


def test_a_page_in_an_undeclared_language_is_refused():
    assert "language" in codes(FRONT + BODY, "content/law/keep-calm.fr.md")


def test_the_service_is_known_by_its_own_page():
    library = load_files(GOOD).library
    assert library is not None
    assert library.service == {"name": "Firstline", "who_for": "People who work with children"}


def test_a_term_has_words_for_every_nation():
    library = load_files(GOOD).library
    assert library is not None
    assert library.terms["safeguarding_lead"].by_nation["wales"] == "designated safeguarding person"
    term = GOOD["content/terms/safeguarding_lead.md"].replace(b"wales: designated safeguarding person\n", b"")
    missing = load_files({**GOOD, "content/terms/safeguarding_lead.md": term})
    assert [complaint.code for complaint in missing.complaints] == ["missing-key"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("status: verified", "status: unverified", "verify"),
        ("checked_on: 2026-03-01", "checked_on: soon", "bad-value"),
        ("https://example.org/a", "example.org/a", "bad-value"),
        ("nations: [wales]", "nations: [walse]", "not-a-choice"),
        ("nations: [wales]\n", "", "missing-key"),
        ("title: Keep calm\n", "", "missing-key"),
        ("review_by: 2027-01-31", "review_by: 31/1/2027", "bad-value"),
        ("owner: content-team", "owner: content-team\nphone: 999", "unknown-key"),
        ("id: keep-calm", "id: keepcalm", "page-id"),
        ("kind: law", "kind: guidance", "page-kind"),
        ("## Two\n\nSecond.\n", "## Two\n", "no-text"),
        ("## Two", "# Two", "heading"),
        ("Second.", "Ask your {term.nobody}.", "placeholder"),
        ("Second.", "Hello {{ name }}.", "jinja"),
        ("Second.", "What {context.reason}?", "condition-context"),
    ],
)
def test_a_mistake_in_a_page_is_complained_about(old, new, code):
    good = FRONT + BODY
    assert old in good
    assert code in codes(good.replace(old, new))


def test_a_verified_page_without_sources_is_refused():
    start, end = FRONT.index("sources:"), FRONT.index("status:")
    assert codes(FRONT[:start] + "sources: []\n" + FRONT[end:] + BODY) == ["checked-on"]


def test_a_complaint_about_words_stands_at_its_line_and_column():
    complaint = result(FRONT + BODY.replace("Second.", "Ask {service.fax}.")).complaints[0]
    text = (FRONT + BODY).split("\n")
    assert (complaint.line, complaint.column) == (text.index("Second.") + 1, 5)
