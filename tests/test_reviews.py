"""Reviews by owner, as a calendar, and the state of every page."""

import json
from datetime import date
from pathlib import Path

from icalendar import Calendar

from bot.checking import reviews
from bot.checking.status import as_markdown
from bot.library.load import load
from bot.library.model import Library
from tests.builders import helpline

ROOT = Path(__file__).parent.parent
BEFORE = date(2026, 6, 1)


def shipped() -> Library:
    library = load(ROOT).library
    assert library is not None
    return library


def test_pages_terms_and_flows_are_listed_by_owner_and_day() -> None:
    listed = reviews.reviews_of(shipped())
    assert {each.kind for each in listed} >= {"guidance", "service", "term", "flow"}
    assert list(listed) == sorted(listed)


def test_what_is_due_within_sixty_days_stands_under_its_owner() -> None:
    told = reviews.as_text(reviews.reviews_of(helpline()), BEFORE)
    assert told.startswith("content-team:\n  2026-07-01 guidance report-fake-account: Report it")
    assert "1 of 4 due" in told
    assert "2027-01-31" in told.splitlines()[-1]


def test_what_is_far_off_is_not_due_and_what_has_passed_is() -> None:
    listed = reviews.reviews_of(helpline())
    assert reviews.as_text(listed, date(2026, 4, 1)).startswith("0 of 4 due")
    assert "2026-07-01 (passed)" in reviews.as_text(listed, date(2026, 7, 2))


def test_as_json_it_says_who_what_where_and_when() -> None:
    told = json.loads(reviews.as_json(reviews.reviews_of(helpline()), BEFORE))
    (due,) = told["reviews"]
    assert (due["owner"], due["review_by"], due["passed"]) == ("content-team", "2026-07-01", False)
    assert due["file"] == "content/guidance/report-fake-account.md"


def test_the_calendar_is_read_by_others_and_holds_every_review_on_its_day() -> None:
    listed = reviews.reviews_of(shipped())
    written = reviews.as_calendar(listed, BEFORE)
    events = Calendar.from_ical(written).walk("VEVENT")
    assert {event.decoded("dtstart") for event in events} == {each.review_by for each in listed}
    described = "\n".join(str(event["description"]) for event in events)
    assert all(f"{each.kind} {each.id}:" in described for each in listed)
    assert len({str(event["uid"]) for event in events}) == len(events)
    assert all(len(line.encode()) <= 75 for line in written.split("\r\n"))


def test_the_state_names_each_page_with_its_sources_and_open_points() -> None:
    told = as_markdown(helpline())
    assert "### Danger\n\n`danger-now` · verified · owner content-team · next review 2027-01-31" in told
    assert "* Source: [Example](https://example.org/danger-now), 2026-06-01" in told
    assert "* Open: check it" in told


def test_the_state_we_publish_is_the_state_of_what_we_ship() -> None:
    written = (ROOT / "docs" / "content-status.md").read_text()
    assert written == as_markdown(shipped()) + "\n", "run: firstline check --status > docs/content-status.md"
