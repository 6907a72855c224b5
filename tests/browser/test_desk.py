"""The advisers' desk in a real browser: by keyboard alone, live, on a broken line, without JavaScript, for axe."""

import re
from datetime import timedelta
from typing import Any

import pytest

from handoff import advisers
from handoff.desk import Desk
from handoff.domain import AdviserId, CaseId, DeliveryState, Role
from tests.browser.chromium import CHROMIUM
from tests.browser.desk_side import LIVE, WAIT_MS, Opener, Served, complaints, regions, sync_api
from tests.demo_desk import PASSWORD, Clock, DemoDesk, fill

expect = sync_api.expect

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def thread_of(desk: DemoDesk, case_id: CaseId) -> list[str]:
    return [line.text for line in Desk(desk.ledger.seal).thread(desk.ledger.reader(), case_id)]


def test_a_case_is_claimed_answered_noted_and_closed_by_keyboard_alone(
    desk: DemoDesk, amira: AdviserId, opened: Opener
) -> None:
    desk.case(3, "age_controls")
    case_id = desk.case(1, "impersonation")
    page = opened()
    keys = page.keyboard
    for key in ("j", "j", "k"):
        keys.press(key)
    expect(page.locator(f"#case-{case_id} .row-link")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#peek")).to_contain_text("you are only looking")
    keys.press("c")
    expect(page.locator("#speaker")).to_contain_text("You are speaking. The bot is silent.")
    page.wait_for_selector(LIVE)
    keys.press("r")
    keys.type("First line")
    keys.press("Shift+Enter")
    keys.type("second line")
    keys.press("Enter")
    expect(page.locator("#line-1")).to_contain_text("Waiting to be sent")
    expect(page.locator("#reply")).to_have_value("")
    expect(page.locator("#reply")).to_be_focused()
    keys.press("Escape")
    keys.press("n")
    keys.type("ring after assembly")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator("#notes-in")).to_contain_text("ring after assembly")
    keys.press("w")
    expect(page.locator("#issue")).to_be_focused()
    keys.press("Tab")
    keys.type("Sec")
    keys.press("1")
    keys.press("Enter")
    expect(page.locator(".notice")).to_contain_text("is closed")
    assert thread_of(desk, case_id) == ["First line\nsecond line"]
    row = desk.ledger.reader().execute('SELECT issue, outcome FROM queue_item WHERE "case" = ?', [case_id]).fetchone()
    assert tuple(row) == ("impersonation", "advised")


def test_keys_are_listed_and_can_be_turned_off(desk: DemoDesk, amira: AdviserId, opened: Opener) -> None:
    desk.case()
    page = opened()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert complaints(page) == []
    page.get_by_role("button", name="Turn single keys off").click()
    page.keyboard.press("x")
    page.wait_for_timeout(200)
    assert page.url.endswith("/desk/")
    page.keyboard.press("?")
    page.get_by_role("button", name="Turn single keys on").click()
    page.keyboard.press("x")
    expect(page.locator("#speaker")).to_contain_text("You are speaking")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (320, "light")])
def test_every_page_passes_axe_and_fits(
    desk: DemoDesk, clock: Clock, opened: Opener, width: int, scheme: str, browser: Any, served: Served
) -> None:
    fill(desk, clock)
    page = opened(viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in ("/", "/cases/1", "/cases/1/wrap-up", "/account", "/cases/999"):
        page.goto(f"{served.url}{path}")
        assert complaints(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.get_by_role("button", name="Log out").click()
    page.locator("#email").fill("amira@example.org")
    page.locator("#password").fill("not this one, no")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_be_focused()
    assert complaints(page) == []
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(LIVE)


def test_the_axe_check_sees_a_fault(desk: DemoDesk, amira: AdviserId, opened: Opener) -> None:
    page = opened()
    page.evaluate("document.querySelector('#next button').replaceChildren()")
    assert any(found.startswith("button-name") for found in complaints(page))


def test_an_arrival_is_seen_and_told_and_moves_no_focus(desk: DemoDesk, amira: AdviserId, opened: Opener) -> None:
    first = desk.case(3)
    page = opened()
    page.keyboard.press("j")
    expect(page.locator(f"#case-{first} .row-link")).to_be_focused()
    danger = desk.case(0, "immediate_danger")
    expect(page.locator(".is-queue > li").first).to_have_id(f"case-{danger}", timeout=1_000)
    expect(page.locator("#news")).to_have_text("1 new case")
    expect(page).to_have_title(re.compile(r"\(2\) Queue – Firstline desk$"))
    expect(page.locator(f"#case-{first} .row-link")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_case_that_turns_into_danger_is_red_at_once_on_its_page_and_on_the_queue(
    desk: DemoDesk, amira: AdviserId, opened: Opener, scheme: str
) -> None:
    case_id = desk.case(3, "age_controls")
    desk.claim(case_id, amira)
    page, board = opened(f"/cases/{case_id}", color_scheme=scheme), opened(color_scheme=scheme)
    red = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--danger')")
    for each in (page, board):
        expect(each.locator(".tier-0")).to_have_count(0)
    desk.flag(case_id, "danger_words", 0)
    expect(page.locator("#case-head.is-danger h1")).to_contain_text("Danger", timeout=1_000)
    expect(page.locator("#line-1")).to_contain_text("The enquirer’s words may mean danger now")
    expect(board.locator(f"#case-{case_id}.row-tier-0 .row-tier")).to_have_text("Danger", timeout=1_000)
    expect(board.locator(f"#mine-{case_id} .tier-0")).to_have_text("Danger")
    for each in (page, board):
        shown = each.locator(".tier-0").first.evaluate(
            """(mark, red) => {
            const probe = document.body.appendChild(document.createElement("i"));
            probe.style.color = red;
            const wanted = getComputedStyle(probe).color;
            probe.remove();
            return [getComputedStyle(mark).backgroundColor, wanted];
        }""",
            red,
        )
        assert shown[0] == shown[1]
        assert complaints(each) == []


def test_a_row_that_a_colleague_takes_says_who_has_it(desk: DemoDesk, amira: AdviserId, opened: Opener) -> None:
    case_id, ben = desk.case(), desk.adviser("Ben Okafor")
    page = opened()
    page.keyboard.press("j")
    desk.claim(case_id, ben)
    taken = page.locator(".row.is-taken")
    expect(taken).to_contain_text("taken by Ben Okafor")
    expect(taken.locator("p")).to_be_focused()
    expect(page.locator(f"#rows-elsewhere #case-{case_id}")).to_contain_text("With Ben Okafor")


def test_after_a_broken_line_the_page_is_as_a_fresh_one_and_sending_was_held(
    desk: DemoDesk, clock: Clock, amira: AdviserId, served: Served, opened: Opener
) -> None:
    case_id, waiting = desk.case(), desk.case(3)
    desk.claim(case_id, amira)
    page, board = opened(f"/cases/{case_id}"), opened()
    served.stop()
    for each in (page, board):
        expect(each.locator("#feed")).to_have_text("Reconnecting – sending is held")
    page.locator("#reply").fill("Do report it")
    page.keyboard.press("Enter")
    desk.hear(case_id, "it is gone now")
    desk.say(case_id, amira, "From my other window", DeliveryState.DELIVERED)
    desk.claim(waiting, desk.adviser("Ben Okafor"))
    desk.case(0, "immediate_danger")
    assert "Do report it" not in thread_of(desk, case_id)
    served.start()
    for each in (page, board):
        each.wait_for_selector(LIVE)
    expect(page.locator("#line-1")).to_contain_text("it is gone now")
    expect(page.locator("#reply")).to_have_value("Do report it")
    expect(board.locator(".is-taken")).to_have_count(0, timeout=WAIT_MS)
    for each in (page, board):
        mended = regions(each)
        each.reload()
        each.wait_for_selector(LIVE)
        assert mended == regions(each)


def test_a_reply_in_the_same_breath_as_news_is_stopped_and_kept(
    desk: DemoDesk, amira: AdviserId, opened: Opener
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    page = opened(f"/cases/{case_id}")
    page.locator("#reply").fill("Do report it")
    desk.hear(case_id, "it is gone now")
    expect(page.locator("#line-1")).to_be_visible()
    page.locator("#reply").press("Enter")
    expect(page.locator("#composer-said")).to_contain_text("Not sent: something new was said")
    expect(page.locator("#line-1")).to_have_class("line by-enquirer is-news")
    expect(page.locator("#reply")).to_have_value("Do report it")
    assert complaints(page) == []
    page.locator("#reply").press("Enter")
    expect(page.locator("#line-2")).to_contain_text("Do report it")
    expect(page.locator("#composer-said")).to_have_text("")


def test_a_lost_case_locks_the_composer_and_keeps_the_words(
    desk: DemoDesk, clock: Clock, amira: AdviserId, opened: Opener
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    page = opened(f"/cases/{case_id}")
    page.locator("#reply").fill("My long answer")
    clock.pass_(timedelta(minutes=2))
    desk.ledger.write_now(lambda conn: desk.queue.lapse(conn, clock()))
    expect(page.locator("#composer-said")).to_contain_text("not yours any more")
    desk.claim(case_id, desk.adviser("Ben Okafor"))
    page.locator("#reply").press("Enter")
    expect(page.locator("#reply")).to_have_value("My long answer")
    assert thread_of(desk, case_id) == []


def test_a_draft_survives_leaving_the_page_and_goes_with_the_log_out(
    desk: DemoDesk, amira: AdviserId, opened: Opener
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    page = opened(f"/cases/{case_id}")
    page.locator("#reply").press_sequentially("half an ans")
    page.reload()
    expect(page.locator("#reply")).to_have_value("half an ans")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("status").filter(has_text="You are logged out")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_session_that_ended_elsewhere_is_told_and_the_words_stay(
    desk: DemoDesk, amira: AdviserId, opened: Opener
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    page = opened(f"/cases/{case_id}")
    page.locator("#reply").fill("half an answer")
    desk.ledger.write_now(lambda conn: advisers.log_out_everywhere(conn, amira))
    desk.hear(case_id, "hello?")
    expect(page.locator("#feed")).to_contain_text("You are logged out")
    page.locator("#reply").press("Enter")
    expect(page.locator("#reply")).to_have_value("half an answer")
    page.get_by_role("link", name="Log in again").click()
    expect(page.locator("#email")).to_be_visible()
    assert thread_of(desk, case_id) == ["hello?"]


def test_the_delivery_of_an_answer_is_followed(desk: DemoDesk, amira: AdviserId, opened: Opener) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    page = opened(f"/cases/{case_id}")
    desk.say(case_id, amira, "Hello", DeliveryState.UNKNOWN)
    expect(page.locator("#line-1")).to_contain_text("May not have arrived")
    page.get_by_role("button", name="Send it again?").click()
    expect(page.locator("#line-2")).to_contain_text("Waiting to be sent")


def test_everything_works_without_javascript(desk: DemoDesk, amira: AdviserId, opened: Opener) -> None:
    desk.case()
    page = opened(java_script_enabled=False)
    page.get_by_role("button", name="Claim").click()
    expect(page.locator("#speaker")).to_contain_text("You are speaking")
    page.locator("#reply").fill("Hello there")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#line-1")).to_contain_text("Hello there")
    page.locator("#note").fill("a note")
    page.get_by_role("button", name="Keep note").click()
    expect(page.locator("#notes-in")).to_contain_text("a note")
    expect(page.frame_locator(".pulse").locator("p")).to_contain_text("Connected")
    page.get_by_role("button", name="Wrap up").click()
    page.get_by_label("Advice given").check()
    page.get_by_label("In what setting?").select_option(index=1)
    page.get_by_label("They deal with it themselves").check()
    page.get_by_role("button", name="Close the case").click()
    expect(page.locator(".notice")).to_contain_text("is closed")


def test_scripts_in_what_people_type_do_not_run(desk: DemoDesk, amira: AdviserId, opened: Opener) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    page = opened(f"/cases/{case_id}")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    nasty = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
    desk.hear(case_id, nasty)
    expect(page.locator("#line-1 .line-text")).to_have_text(nasty)
    page.reload()
    expect(page.locator("#line-1 .line-text")).to_have_text(nasty)
    assert said == []


def test_a_lead_takes_over_from_an_adviser(desk: DemoDesk, amira: AdviserId, opened: Opener) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    page = opened(f"/cases/{case_id}", adviser=desk.adviser("Carys Lewis", Role.LEAD))
    expect(page.locator("#speaker")).to_contain_text("Amira Khan is speaking")
    page.get_by_role("link", name="Take over from Amira Khan").click()
    page.get_by_label("Why?").fill("Amira has gone home")
    page.get_by_role("button", name="Take over").click()
    expect(page.locator("#speaker")).to_contain_text("You are speaking")
