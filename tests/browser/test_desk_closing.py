"""Wrapping up in a real browser: by keyboard alone, with what is suggested; and axe on the pages about closing."""

import json
from typing import Any

import pytest

from handoff import care
from handoff.domain import AdviserId, CaseId
from tests.browser.chromium import CHROMIUM
from tests.browser.desk_side import Opener, Served, complaints, sync_api
from tests.demo_desk import Clock, DemoDesk, fill

expect = sync_api.expect
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def fact(desk: DemoDesk) -> dict[str, Any]:
    return dict(desk.ledger.reader().execute("SELECT * FROM case_facts").fetchone())


def wrapping(desk: DemoDesk, amira: AdviserId, opened: Opener) -> Any:
    case_id = desk.case(1, "impersonation", platform="tiktok")
    desk.claim(case_id, amira)
    page = opened(f"/cases/{case_id}")
    page.keyboard.press("w")
    expect(page.locator("#issue")).to_be_focused()
    return page


def test_what_the_bot_heard_is_confirmed_with_a_handful_of_keys(
    desk: DemoDesk, amira: AdviserId, opened: Opener
) -> None:
    """The setting, how it ended, Enter: where it went is suggested by how it ended."""
    page = wrapping(desk, amira, opened)
    for key in ("Tab", "S", "e", "2"):
        page.keyboard.press(key)
    expect(page.locator("#route-lead")).to_be_checked()
    expect(page.locator("#route-lead")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".notice", has_text="is closed")).to_be_visible()
    found = fact(desk)
    assert (found["issue"], found["setting"], found["outcome"]) == ("impersonation", "secondary", "tell_lead")
    assert (found["route"], found["role"], found["escalation"]) == ("lead", "teacher", None)


def test_all_of_it_is_filled_in_by_keyboard_alone(desk: DemoDesk, amira: AdviserId, opened: Opener) -> None:
    page = wrapping(desk, amira, opened)
    keys = page.keyboard
    keys.type("Abuse")
    keys.press("Tab")
    keys.type("Pri")
    keys.press("Tab")
    keys.press("Enter")  # opens what else it was about
    keys.press("Tab")
    keys.press("Space")
    keys.press("4")  # from a box that is ticked, a digit goes to the first group that is open: how it ended
    expect(page.locator("#route-platform")).to_be_focused()
    for digit in (
        "4",
        "2",
        "1",
        "2",
        "3",
    ):  # another route than suggested, not escalated, they knew, no law, some weight
        keys.press(digit)
    expect(page.locator("#wants_talk")).to_be_focused()
    keys.press("Space")
    keys.press("Tab")
    keys.press("Enter")  # opens addresses and signposts
    keys.press("Tab")
    keys.type("12")
    keys.press("Tab")
    keys.press("Space")
    keys.press("Enter")
    expect(page.locator(".notice", has_text="is closed")).to_be_visible()
    found = fact(desk)
    assert json.loads(found["concerns"]) == ["staff_abuse", "reputation"]
    assert (found["setting"], found["outcome"], found["route"]) == ("primary", "reported", "police")
    assert (found["escalation"], found["knew_tools"], found["urls"]) == ("clarified", "yes", 12)
    assert (found["scope"], json.loads(found["signposts"])) == ("out_of_scope", ["posh"])
    row = desk.ledger.reader().execute('SELECT "case", weight, wants_talk FROM debrief').fetchone()
    assert tuple(row) == (1, 3, 1)


def test_what_is_missing_is_told_first_and_what_was_chosen_stays(
    desk: DemoDesk, amira: AdviserId, opened: Opener
) -> None:
    page = wrapping(desk, amira, opened)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator(".problem")).to_be_focused()
    expect(page.locator("#outcome-advised")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#setting")).to_be_focused()
    page.keyboard.type("Not k")
    page.keyboard.press("Enter")
    expect(page.locator(".notice", has_text="is closed")).to_be_visible()


def test_the_pages_about_closing_pass_axe_and_fit(desk: DemoDesk, clock: Clock, opened: Opener, served: Served) -> None:
    fill(desk, clock)
    lead = AdviserId(3)  # Carys
    desk.ledger.write_now(lambda conn: care.ask(conn, AdviserId(1), clock()))
    case_id: CaseId = desk.case(2, "hate")
    desk.claim(case_id, lead)
    for width, scheme in ((320, "dark"), (1280, "light")):
        page = opened("/care", adviser=lead, viewport={"width": width, "height": 900}, color_scheme=scheme)
        for path in ("/care", "/figures", "/taxonomy", "/taxonomy/new", f"/cases/{case_id}/wrap-up"):
            page.goto(f"{served.url}{path}")
            page.evaluate("document.querySelectorAll('main details').forEach((fold) => fold.open = true)")
            assert complaints(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
