"""A lead's day in one go: four people chat, one case is closed, the figures are read, a report is passed on, a case is
held, and forgotten; and nothing that was counted changes.

The service runs in a process of its own, with a seal that hides nothing: words that are left in its files are found
there. It is killed once, as a machine dies.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import CHROMIUM
from tests.browser.clocked import OF_GLASS
from tests.browser.desk_side import sync_api
from tests.browser.morning_people import Adviser, ByApi
from tests.browser.morning_side import PATIENCE_S, House, until

expect = sync_api.expect
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

TYPED, LEFT, MISSED = "plant-typed-qzxv", "plant-left-qzxv", "plant-missed-qzxv"
SAID, ANSWERED, HELD = "plant-said-qzxv", "plant-answered-qzxv", "plant-held-qzxv"
WORDS = (TYPED, LEFT, MISSED, SAID, ANSWERED, HELD)
FIRST, LAST = "2026-11-01", "2026-11-23"
NEW = f"/reports/report.json?period=own&first={FIRST}&last={LAST}&compare=none"
PAGES = (
    "/", "/now", "/now/flows/start", f"/reports?period=own&first={FIRST}&last={LAST}&compare=none", "/reports/1",
    "/forgetting", "/figures", "/gaps", "/audit", "/search?since=2026-11-01", "/notices", "/planning", "/tasks",
)  # fmt: skip
MADE_ANEW = ("made_at", "release")
"""What differs between two reports of the same days, made on the same day: when each was made, and its number."""


class GlassHouse(House):
    """Whose files can be read, and where an hour without a word ends a contact."""

    command = OF_GLASS

    def _settings(self) -> dict[str, object]:
        return {**super()._settings(), "idle_hours_until_words_go": 1}


@dataclass
class Day:
    house: GlassHouse
    amira: Adviser
    carys: Adviser
    case: int = 0
    reference: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    """The reports as they were before anybody was forgotten."""


@pytest.fixture
def day(browser: Any, tmp_path: Path) -> Iterator[Day]:
    expect.set_options(timeout=PATIENCE_S * 1000)
    house = GlassHouse(tmp_path, browser)
    try:
        yield Day(house, Adviser(house, "Amira Khan"), Adviser(house, "Carys Lewis"))
    finally:
        house.close()
        expect.set_options(timeout=5_000)


def test_a_leads_day_from_the_first_contact_to_what_is_forgotten(day: Day) -> None:
    four_people_chat_and_one_of_them_asks_for_a_person(day)
    an_adviser_closes_the_case_with_its_scope_and_route(day)
    an_hour_later_the_lead_sees_them_by_keyboard(day)
    where_one_of_them_left_stands_on_the_diagram(day)
    a_report_is_made_passed_on_and_taken_out(day)
    a_held_case_is_not_forgotten_and_the_page_says_why(day)
    killed_and_started_again_the_figures_are_the_same(day)
    released_it_is_forgotten_by_its_reference(day)
    no_word_is_left_in_any_file_page_event_or_log(day)
    what_was_reported_is_what_it_was(day)


# --- people come -----------------------------------------------------------------------------------------------------


def four_people_chat_and_one_of_them_asks_for_a_person(day: Day) -> None:
    helped, left, missed, asks = (ByApi(day.house, name) for name in ("Helped", "Left", "Missed", "Asks"))
    to_the_concern = ("hello", "No", "Teacher or school staff", "England")
    not_about_this = ("Something else", "Something else", "None of these", "Not about safety")
    for text in (*to_the_concern, *not_about_this, "Finish", "Yes"):
        helped.says(text)
    for text in ("hello", "No", f"it is {LEFT}"):
        left.says(text)
    left.hears("What best describes you?")
    for text in (*to_the_concern, f"{MISSED} grobnitz"):
        missed.says(text)
    missed.hears("we did not follow that")
    day.case = asks.asks_for_people(f"someone made a fake account of our school {TYPED}")
    asks.says(f"It has grown since. {SAID}")
    day.reference = day.house.one("SELECT reference FROM cases WHERE id = ?", day.case)


def an_adviser_closes_the_case_with_its_scope_and_route(day: Day) -> None:
    amira = day.amira
    amira.logs_in()
    page = amira.claims(day.case)
    expect(page.locator("#lines")).to_contain_text(SAID)
    amira.replies(f"Report it in the app. {ANSWERED}")
    page.get_by_role("button", name="Wrap up").click()
    page.locator("#issue").select_option("impersonation")
    page.locator("#setting").select_option(index=1)
    for name in ("role", "nation"):
        if page.locator(f"#closing #{name}:visible").count():
            page.locator(f"#{name}").select_option(index=1)
    for choice in ("#outcome-advised", "#route-setting", "#scope-in_scope"):
        page.locator(choice).check()
    page.locator("#close").click()
    expect(page.locator(".notice").first).to_contain_text("is closed")
    assert day.house.rows("SELECT issue, outcome, route, scope FROM case_facts") == [
        ("impersonation", "advised", "setting", "in_scope")
    ]


# --- the lead looks --------------------------------------------------------------------------------------------------


def an_hour_later_the_lead_sees_them_by_keyboard(day: Day) -> None:
    house, carys = day.house, day.carys
    house.clock.passes(hours=1, minutes=15)
    until(lambda: house.one("SELECT count(*) FROM contact_now") == 0, "the contacts go on")
    carys.logs_in()
    page, keys = carys.page, carys.page.keyboard
    keys.press("Control+k")
    expect(page.locator("#go-to")).to_be_focused()
    keys.type("now")
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("Now")
    today = page.locator("#today")
    expect(today.locator(".tile", has_text="Contacts").locator(".big")).to_have_text("4")
    expect(today.locator(".tile", has_text="Cases").locator(".big")).to_have_text("1")
    expect(page.locator("#misses")).to_contain_text("Not understood")
    expect(page.locator("#stops")).to_contain_text("What best describes you?")


def where_one_of_them_left_stands_on_the_diagram(day: Day) -> None:
    page = day.carys.page
    link = page.locator("#stops tr", has_text="What best describes you?").get_by_role("link")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Start")
    [left] = day.house.rows("SELECT reached, last FROM step_count WHERE flow = 'start' AND step = 'ask_role'")
    assert left == (3, 1)
    expect(page.locator(".diagram text", has_text="3 reached · 1 left")).to_have_count(1)


# --- the report ------------------------------------------------------------------------------------------------------


def a_report_is_made_passed_on_and_taken_out(day: Day) -> None:
    page = day.carys.goes("/reports")
    page.locator("#period").select_option("own")
    page.locator("#first").fill(FIRST)
    page.locator("#last").fill(LAST)
    page.locator("#compare").select_option("none")
    page.get_by_role("button", name="Show the report").click()
    expect(page.locator(".report-sheet")).to_contain_text("For use inside")
    page.locator(".report-pass-on summary").click()
    page.get_by_role("button", name="Make the version to pass on").click()
    expect(page.get_by_role("heading", name="Report number 1", exact=True)).to_be_visible()
    expect(page.locator(".report-sheet")).not_to_contain_text("For use inside")
    for label in ("JSON", "CSV"):
        with page.expect_download() as taken:
            page.get_by_role("link", name=label, exact=True).click()
        day.told[label] = taken.value.path().read_bytes().decode()
    assert json.loads(day.told["JSON"])["release"] == 1
    day.told["new"] = made_anew(day)


def made_anew(day: Day) -> dict[str, Any]:
    return apart_from_its_making(fetched(day, NEW))


def apart_from_its_making(text: str) -> dict[str, Any]:
    return {name: value for name, value in json.loads(text).items() if name not in MADE_ANEW}


def fetched(day: Day, path: str) -> str:
    answer = day.carys.page.request.get(f"{day.house.url}/desk{path}")
    assert answer.ok, path
    return str(answer.text())


# --- forgetting ------------------------------------------------------------------------------------------------------


def a_held_case_is_not_forgotten_and_the_page_says_why(day: Day) -> None:
    page = looks_up(day)
    page.locator("#hold_reason-complaint").check()
    page.locator("#words").fill(f"The head has complained. {HELD}")
    page.locator("#review_by").fill("2026-12-24")
    page.get_by_role("button", name="Hold this case").click()
    expect(page.locator(".notice")).to_contain_text("The case is held.")
    asks_to_forget(looks_up(day), "Write down")
    expect(page.locator(".notice")).to_contain_text("The case is held: it is forgotten in the night after")
    expect(page.locator("[aria-labelledby=asked]")).to_contain_text(f"Waits {day.reference}")
    assert day.house.one("SELECT count(*) FROM cases WHERE id = ?", day.case) == 1


def looks_up(day: Day) -> Any:
    page = day.carys.goes("/forgetting")
    page.locator("#reference").fill(day.reference.lower())
    page.get_by_role("button", name="Look it up").click()
    expect(page.locator("h1")).to_contain_text(day.reference)
    return page


def asks_to_forget(page: Any, button: str) -> None:
    for choice in ("#asker-enquirer", "#why-withdrawn", "#sure-yes"):
        page.locator(choice).check()
    page.get_by_role("button", name=button).click()


def killed_and_started_again_the_figures_are_the_same(day: Day) -> None:
    day.house.kill()
    day.house.start()
    assert made_anew(day) == day.told["new"]
    assert found(day) == {SAID, ANSWERED, HELD, TYPED}, "control: words of the case can be found; the others are gone"


def found(day: Day) -> set[str]:
    """The planted words that stand in any file."""
    raw = day.house.raw()
    return {word for word in WORDS if word.encode() in raw}


def released_it_is_forgotten_by_its_reference(day: Day) -> None:
    page = looks_up(day)
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.locator(".notice")).to_contain_text("Released.")
    asks_to_forget(looks_up(day), "Forget this case")
    expect(page.locator(".notice")).to_contain_text("Forgotten.")
    expect(looks_up(day).locator("main")).to_contain_text("Forgotten on 23")
    assert day.house.rows("SELECT 1 FROM cases WHERE id = ?", day.case) == []
    assert made_anew(day) == day.told["new"]


def no_word_is_left_in_any_file_page_event_or_log(day: Day) -> None:
    house, carys = day.house, day.carys
    shown = [carys.goes(path).content() for path in PAGES]
    events = str(house.rows("SELECT * FROM event"))
    log = "\n".join(house.served.log)
    sent = "\n".join([*house.group(), *(mail.as_string() for mail in house.mail.taken)])
    for each in (*shown, events, log, sent, day.told["JSON"], day.told["CSV"]):
        assert [word for word in WORDS if word in each] == []
    assert [each for each in (*shown, events, log) if day.reference in each] == []
    house.clock.passes(hours=17)
    until(lambda: house.one("SELECT count(*) FROM forgetting_run WHERE rewritten_at IS NOT NULL"), "no night came")
    assert found(day) == set()
    assert day.reference.encode() not in house.raw()


def what_was_reported_is_what_it_was(day: Day) -> None:
    carys = day.carys
    carys.logs_in()
    assert fetched(day, "/reports/1/report.json") == day.told["JSON"]
    assert fetched(day, "/reports/1/report.csv") == day.told["CSV"]
    assert made_anew(day)["sections"] == day.told["new"]["sections"]
    carys.passes_a_report_on(FIRST, LAST)
    expect(carys.page.get_by_role("heading", name="Report number 2", exact=True)).to_be_visible()
    again, before = json.loads(fetched(day, "/reports/2/report.json")), json.loads(day.told["JSON"])
    assert (again["release"], again["sections"]) == (2, before["sections"])
    assert again["headline"] == before["headline"]
