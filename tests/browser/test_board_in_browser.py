"""The queue board in a real browser: looking without claiming, going by Ctrl-K, three lanes by keyboard, axe."""

from datetime import timedelta
from typing import Any

import pytest

from handoff.domain import AdviserId, CaseId, Lane, NewCase
from tests.browser.chromium import CHROMIUM
from tests.browser.desk_side import LIVE, Opener, complaints, sync_api
from tests.demo_desk import PACK, Clock, DemoDesk, fill

expect = sync_api.expect

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def message(desk: DemoDesk) -> CaseId:
    new = NewCase(next(desk.conversations), 2, "asked", "telegram", "2026-11-20.1", pack=PACK, lane=Lane.MESSAGES)
    return desk.ledger.write_now(lambda conn: desk.queue.open_case(conn, new, desk.now())).id


def put_off(desk: DemoDesk, case_id: CaseId, adviser: AdviserId, by: timedelta) -> None:
    until = desk.now() + by
    desk.ledger.write_now(lambda conn: desk.queue.schedule(conn, case_id, adviser, until, desk.now()))


def is_on(page: Any, case_id: CaseId) -> None:
    expect(page.locator(f"#case-{case_id} .row-link")).to_be_focused()


def test_the_keys_lead_through_all_lanes_and_back(desk: DemoDesk, amira: AdviserId, opened: Opener) -> None:
    letter, agreed, live = message(desk), desk.case(2), desk.case(2)
    danger = desk.case(0, "immediate_danger")
    put_off(desk, agreed, amira, timedelta(hours=3))
    page = opened()
    for case_id in (danger, live, letter, agreed, agreed):
        page.keyboard.press("j")
        is_on(page, case_id)
    for case_id in (letter, live):
        page.keyboard.press("k")
        is_on(page, case_id)
    page.keyboard.press("c")
    expect(page.locator("#speaker")).to_contain_text("You are speaking")


def test_a_look_opens_beside_the_board_moves_on_and_gives_the_focus_back(
    desk: DemoDesk, amira: AdviserId, opened: Opener
) -> None:
    first, second = desk.case(1, "staff_abuse"), message(desk)
    page = opened()
    peek = page.locator("#peek")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(peek).to_contain_text("Abuse or harassment of staff")
    expect(peek).to_contain_text("you are only looking")
    expect(page.locator("#peek-title")).to_be_focused()
    assert complaints(page) == []
    page.keyboard.press("j")
    expect(peek).to_contain_text("Not said yet")
    page.keyboard.press("Escape")
    expect(peek).to_be_hidden()
    is_on(page, second)
    page.locator(f"#case-{first} .row-link").click()
    expect(peek).to_contain_text("Abuse or harassment of staff")
    desk.claim(first, desk.adviser("Ben Okafor"))
    expect(peek).to_contain_text("Taken by Ben Okafor")
    page.keyboard.press("Escape")
    expect(peek).to_be_hidden()


def test_a_row_that_changes_its_lane_keeps_the_focus(
    desk: DemoDesk, clock: Clock, amira: AdviserId, opened: Opener
) -> None:
    other, case_id = desk.case(1), desk.case(3)
    page = opened()
    page.keyboard.press("j")
    page.keyboard.press("j")
    is_on(page, case_id)
    desk.flag(case_id, "danger_words", 0)
    expect(page.locator(f"#rows-danger > #case-{case_id}")).to_be_visible()
    is_on(page, case_id)
    expect(page.locator(".is-taken")).to_have_count(0)
    expect(page.locator(f"#rows-live > #case-{other}")).to_be_visible()


def test_one_goes_by_control_k_to_a_screen_a_conversation_or_a_reference(
    desk: DemoDesk, amira: AdviserId, opened: Opener
) -> None:
    mine, waiting = desk.case(2), desk.case(1, "hacking")
    desk.claim(mine, amira)
    reference = page_reference(desk, waiting)
    page = opened()
    keys = page.keyboard
    keys.press("Control+k")
    expect(page.locator("#go-to")).to_be_focused()
    keys.type("fake")
    expect(page.get_by_role("option", selected=True)).to_contain_text("Fake or cloned account")
    assert complaints(page) == []
    keys.press("Enter")
    expect(page.locator("#speaker")).to_contain_text("You are speaking")
    page.wait_for_selector(LIVE)
    page.locator("#reply").click()
    keys.press("Control+k")  # also from within a field
    keys.type(reference.lower())
    keys.press("Enter")
    expect(page.locator("h1")).to_contain_text("Hacked account")
    keys.press("Control+k")
    keys.type("que")
    keys.press("ArrowDown")
    keys.press("ArrowUp")
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("Queue")
    keys.press("Control+k")
    keys.press("Escape")
    expect(page.locator("#go")).to_be_hidden()


def page_reference(desk: DemoDesk, case_id: CaseId) -> str:
    row = desk.ledger.reader().execute("SELECT reference FROM cases WHERE id = ?", [case_id]).fetchone()
    return str(row[0])


def test_being_away_is_said_without_leaving_the_page(desk: DemoDesk, amira: AdviserId, opened: Opener) -> None:
    case_id = desk.case()
    page = opened(f"/cases/{case_id}/call-back")
    page.locator("#presence-menu summary").click()
    page.get_by_role("button", name="Go away").click()
    expect(page.locator("#presence-menu summary")).to_contain_text("Away")
    assert page.url.endswith("/call-back")
    expect(page.locator("#line-sign")).to_have_text("connected")


def test_a_call_back_is_agreed_by_keyboard_and_stands_on_the_board(
    desk: DemoDesk, amira: AdviserId, opened: Opener
) -> None:
    case_id = desk.case()
    page = opened(f"/cases/{case_id}/call-back")
    assert complaints(page) == []
    page.locator("input[name=slot]").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator(f"#rows-call_backs > #case-{case_id}")).to_contain_text("10:30")


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (320, "dark"), (1280, "light"), (1280, "dark")])
def test_the_board_passes_axe_and_fits(desk: DemoDesk, clock: Clock, opened: Opener, width: int, scheme: str) -> None:
    amira = fill(desk, clock)
    message(desk)
    put_off(desk, desk.case(2), amira, timedelta(hours=3))
    page = opened(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert complaints(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if width == 320:
        page.get_by_role("button", name="Menu").click()
        expect(page.get_by_role("navigation", name="Desk").get_by_role("link", name="Queue")).to_be_visible()
        assert complaints(page) == []


def test_without_a_script_the_rail_the_look_and_the_call_back_work(
    desk: DemoDesk, amira: AdviserId, opened: Opener
) -> None:
    desk.case()
    page = opened(java_script_enabled=False, viewport={"width": 320, "height": 800})
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("navigation", name="Desk").get_by_role("link", name="Queue").click()
    page.get_by_role("link", name="Fake or cloned account").click()
    expect(page.locator("#speaker")).to_contain_text("Nobody has this case")
    page.get_by_role("link", name="Go to").click()
    expect(page.locator("h1")).to_have_text("Go to")
