"""The clarifier in a real browser: by keyboard alone from the case to the kept decision, no loss on reload, axe."""

from collections.abc import Iterator
from typing import Any

import pytest

from handoff import decisions
from handoff.domain import AdviserId, Role
from handoff.doors import Doors
from tests.browser.chromium import CHROMIUM
from tests.browser.desk_side import Opener, Served, complaints, sync_api
from tests.demo_desk import DemoDesk
from tests.test_desk_deciding import FakeThresholds

expect = sync_api.expect

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


class WithRules:
    """A desk whose door to the rules is open."""

    def __init__(self, desk: DemoDesk) -> None:
        self.desk = desk

    def app(self) -> Any:
        return self.desk.app(doors=Doors(thresholds=FakeThresholds()))


@pytest.fixture
def served(desk: DemoDesk) -> Iterator[Served]:
    running = Served(WithRules(desk))  # type: ignore[arg-type]
    yield running
    running.close()


def tab_to(page: Any, selector: str) -> None:
    for _ in range(40):
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached")


def test_a_decision_is_made_by_keyboard_alone_and_survives_back_and_reload(
    desk: DemoDesk, amira: AdviserId, opened: Opener
) -> None:
    sian = desk.adviser("Sian Rees", Role.SENIOR)
    case_id = desk.case(1, "nudes")
    desk.claim(case_id, amira)
    page = opened(f"/cases/{case_id}/threshold")
    keys = page.keyboard
    assert complaints(page) == []
    expect(page.locator("#page-threshold-nudes")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("h1")).to_contain_text("An adult is involved")
    assert complaints(page) == []
    expect(page.locator("#answer-y")).to_be_focused()
    keys.press("Enter")
    expect(page.locator(".problem")).to_be_focused()
    tab_to(page, "#answer-y, #answer-d")
    keys.press("ArrowUp")  # "don't know", the last of the three
    keys.press("Enter")
    expect(page.locator("h1")).to_contain_text("Somebody is in danger")
    page.reload()
    expect(page.locator("h1")).to_contain_text("Somebody is in danger")
    page.go_back()
    expect(page.locator("h1")).to_contain_text("An adult is involved")
    page.go_forward()
    expect(page.locator("#answer-y")).to_be_focused()
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(page.locator("h1")).to_contain_text("Refer today")
    assert complaints(page) == []
    tab_to(page, "#rationale")
    keys.type("Nobody knows who it is")
    tab_to(page, "form[action*='threshold'] button")
    keys.press("Enter")
    expect(page.locator("#panel-threshold-in .decision")).to_contain_text("second reading asked for")
    (kept,) = decisions.of_case(desk.ledger.reader(), desk.ledger.seal, case_id)
    assert (kept.route, kept.grounds.rationale) == ("refer_today", "Nobody knows who it is")
    senior = opened(f"/second-readings/{kept.id}", adviser=sian)
    assert complaints(senior) == []
    tab_to(senior, "#agrees-yes")
    senior.keyboard.press("Space")
    tab_to(senior, "#reason")
    senior.keyboard.type("So would I")
    senior.keyboard.press("Tab")
    senior.keyboard.press("Enter")
    expect(senior.locator(".notice")).to_contain_text("Thank you for reading")
    assert complaints(senior) == []
