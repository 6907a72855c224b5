"""People, hours, privacy and the audit trail in a real browser: axe, narrow and wide; nothing looks by itself."""

from typing import Any

import pytest

from tests.browser.desk_side import LIVE, Opener, Served, complaints, expect
from tests.demo_desk import Clock, DemoDesk, fill

PATHS = ("/people", "/people/2", "/hours", "/privacy", "/retention", "/audit", "/audit/reveals", "/account/password")
LEAD = 3


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (320, "light")])
def test_every_page_of_the_lead_passes_axe_and_fits(
    desk: DemoDesk, clock: Clock, opened: Opener, served: Served, width: int, scheme: str
) -> None:
    fill(desk, clock)
    page = opened(adviser=LEAD, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in PATHS:
        page.goto(f"{served.url}{path}")
        assert complaints(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.goto(f"{served.url}/hours")
    page.get_by_label("Monday").fill("ten to four")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert complaints(page) == []
    page.goto(f"{served.url}/audit")
    page.get_by_role("button", name="Verify chain").click()
    expect(page.get_by_role("heading", name="The chain is whole")).to_be_visible()
    assert complaints(page) == []


def test_an_open_audit_page_looks_at_nothing_by_itself(
    desk: DemoDesk, clock: Clock, opened: Opener, served: Served
) -> None:
    fill(desk, clock)
    page: Any = opened("/audit", adviser=LEAD)
    shown = page.locator(".table tbody tr").count()
    desk.case()
    page.wait_for_selector(LIVE)
    page.wait_for_timeout(400)
    looked = "SELECT count(*) FROM event WHERE kind = 'audit.looked'"
    assert desk.ledger.reader().execute(looked).fetchone()[0] == 1
    assert page.locator(".table tbody tr").count() == shown
