"""The dashboard in a real browser: it shows itself again, fits and passes axe; a diagram is reached by keyboard."""

from datetime import timedelta
from typing import Any

import pytest

from handoff.domain import AdviserId, Role
from handoff.doors import Doors
from tests.browser.desk_side import Opener, Served, complaints, expect
from tests.demo_desk import Clock, DemoDesk
from tests.test_dashboard import CASE, CONTACT, MISS, PAGE, STEP, TODAY, case, contact, write
from tests.test_desk_dashboard import FakeReviews, LiveFlows, Shelf
from tests.test_desk_deciding import shipped_library


class DoorsOpen(DemoDesk):
    """A desk that can draw its flows."""

    __slots__ = ()

    def app(self, *_: object, **__: object) -> Any:
        flows = LiveFlows(Shelf(shipped_library()))  # type: ignore[arg-type]
        return DemoDesk.app(self, doors=Doors(flows=flows, reviews=FakeReviews()))


@pytest.fixture
def desk(desk: DemoDesk) -> DemoDesk:
    return DoorsOpen(desk.ledger, desk.queue, desk.now, desk.conversations)


@pytest.fixture
def carys(desk: DemoDesk) -> AdviserId:
    adviser = desk.adviser("Carys Lewis", Role.LEAD)
    for back in range(10):
        day = TODAY - timedelta(weeks=back)
        write(desk, CONTACT, *[contact(day)] * (20 + back))
        write(desk, CASE, *[case(day)] * 5)
    write(desk, STEP, (f"{TODAY}", "impersonation", "b1_who", 1234, 56), (f"{TODAY}", "start", "ask_role", 900, 80))
    write(desk, PAGE, (f"{TODAY}", "fake-page", 40, 10, 2, 8))
    write(desk, MISS, (f"{TODAY}", "not_understood", "hate", "tiktok", "start/ask_role", 7))
    return adviser


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (320, "light")])
def test_the_dashboard_passes_axe_and_fits(
    desk: DemoDesk, carys: AdviserId, opened: Opener, served: Served, width: int, scheme: str
) -> None:
    desk.case(0)
    page = opened("/now", viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in ("/now", "/now/flows/impersonation", "/figures"):
        page.goto(f"{served.url}{path}")
        assert complaints(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_what_happens_is_shown_without_asking(desk: DemoDesk, clock: Clock, carys: AdviserId, opened: Opener) -> None:
    page = opened("/now")
    expect(page.get_by_role("heading", name="Today is all right")).to_be_visible()
    desk.case(0)
    expect(page.get_by_role("link", name="Somebody in danger waits.")).to_be_visible()
    page.get_by_role("button", name="Pass on").click()
    expect(page.locator("#misses")).to_contain_text("passed on")


def test_a_diagram_begins_with_its_first_step_and_is_moved_by_keyboard(carys: AdviserId, opened: Opener) -> None:
    page = opened("/now/flows/impersonation", viewport={"width": 320, "height": 700})
    assert page.evaluate("document.querySelector('.diagram').scrollLeft") > 0
    first = page.locator(".diagram text", has_text="1,234 reached · 56 left (5%)")
    first.scroll_into_view_if_needed()
    box, shown = first.bounding_box(), page.locator(".diagram").bounding_box()
    assert shown["x"] <= box["x"]
    assert box["x"] + box["width"] <= shown["x"] + shown["width"]
    page.locator(".diagram").focus()
    before = page.evaluate("document.querySelector('.diagram').scrollTop")
    page.keyboard.press("End")
    page.wait_for_function("(top) => document.querySelector('.diagram').scrollTop > top", arg=before)
