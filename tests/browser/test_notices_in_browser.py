"""Notices in a real browser: the count in the title, and a permission that is asked for only on a press."""

import re

from handoff.domain import AdviserId
from tests.browser.desk_side import Opener, expect
from tests.demo_desk import DemoDesk


def test_the_title_counts_notices_and_nothing_is_asked_before_a_press(
    desk: DemoDesk, amira: AdviserId, opened: Opener
) -> None:
    page = opened("/account", permissions=["notifications"])
    expect(page.locator("#notices-state")).to_have_text("Off.")
    assert page.evaluate("localStorage.getItem('notices-allow')") is None
    desk.case(0)
    expect(page).to_have_title(re.compile(r"^\[1\] Your account"))
    page.get_by_role("button", name="Show notices outside this page").click()
    expect(page.locator("#notices-state")).to_have_text(re.compile("^On"))
    assert not page.get_by_label("Make a short sound").is_checked()
    desk.claim(desk.case(1), amira)
    desk.claim(1, amira)  # type: ignore[arg-type]
    expect(page).to_have_title(re.compile("^Your account"))
