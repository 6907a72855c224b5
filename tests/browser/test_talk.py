"""The conversation in a real browser: tabs, a transfer between two advisers, pages by `/`, drafts that survive."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from handoff import advisers, insertions
from handoff.console.app import console
from handoff.console.parts import Mask, unmasked
from handoff.domain import AdviserId, Author, CaseId, Role
from handoff.doors import SHUT, Doors
from handoff.typing import Typing
from tests.browser.chromium import CHROMIUM
from tests.browser.desk_side import LIVE, Opener, Served, complaints, sync_api
from tests.browser.test_desk import thread_of
from tests.demo_desk import OPEN, PASSWORD, Clock, DemoDesk, desk_in, fill
from tests.test_desk_talk import CARD, FakeContent

expect = sync_api.expect

TYPING = Typing()

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


class DeskWithPages(DemoDesk):
    """A desk whose door to the library is open, and where somebody may be told to type."""

    def app(self, mask: Mask = unmasked, doors: Doors = SHUT) -> web.Application:
        doors = Doors(content=FakeContent())
        app = web.Application()
        desk = console(self.ledger, self.queue, OPEN, self.now, False, mask, doors=doors, typing=TYPING)
        app.add_subapp("/desk", desk)
        return app


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield DeskWithPages(made.ledger, made.queue, made.now, made.conversations)
    made.ledger.close()


@pytest.fixture
def held(desk: DemoDesk, amira: AdviserId) -> CaseId:
    case_id = desk.case(channel="web")
    desk.claim(case_id, amira)
    desk.say(case_id, amira, "Hello")
    return case_id


def test_the_tabs_work_by_keyboard_and_the_open_one_is_remembered(desk: DemoDesk, held: CaseId, opened: Opener) -> None:
    page = opened(f"/cases/{held}")
    tabs = page.get_by_role("tab")
    expect(tabs.first).to_have_attribute("aria-selected", "true")
    expect(page.locator("#notes")).to_be_visible()
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tabs.nth(1)).to_be_focused()
    expect(page.locator("#notes")).to_be_hidden()
    expect(page.get_by_role("tabpanel")).to_have_count(1)
    page.reload()
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    page.wait_for_selector(LIVE)
    page.keyboard.press("n")
    expect(page.locator("#note")).to_be_focused()
    page.keyboard.press("Escape")
    tabs.first.focus()
    page.keyboard.press("End")
    expect(tabs.last).to_be_focused()
    page.keyboard.press("Home")
    expect(tabs.first).to_be_focused()


def test_without_javascript_every_panel_is_shown_one_under_another(
    desk: DemoDesk, held: CaseId, opened: Opener
) -> None:
    page = opened(f"/cases/{held}", java_script_enabled=False)
    expect(page.locator("#tabs")).to_be_hidden()
    for panel in page.locator("#side > section").all():
        expect(panel).to_be_visible()


def test_a_case_is_passed_on_by_keyboard_and_the_senders_draft_is_not_lost(
    desk: DemoDesk, held: CaseId, opened: Opener
) -> None:
    ben = desk.adviser("Ben Okafor")
    mine, theirs = opened(f"/cases/{held}"), opened("/", adviser=ben)
    mine.locator("#reply").fill("words that were not sent")
    mine.keyboard.press("Escape")
    mine.keyboard.press("t")
    expect(mine.locator(f"#transfer-to-{ben}")).to_be_focused()
    mine.keyboard.press("Space")
    mine.keyboard.press("Tab")
    mine.keyboard.type("The head is ringing me")
    mine.keyboard.press("Enter")
    expect(mine.locator("#speaker")).to_contain_text("Offered to Ben Okafor, waiting.")
    expect(mine.locator("#reply")).to_have_value("words that were not sent")
    expect(theirs.locator(f"#offer-{held}")).to_have_text("offered to you")
    theirs.locator(f"#mine-{held} a").click()
    expect(theirs.locator(".offer")).to_contain_text("Amira Khan offers you this conversation.")
    expect(theirs.locator(".offer blockquote")).to_have_text("The head is ringing me")
    theirs.get_by_role("button", name="Accept").click()
    expect(theirs.locator("#speaker")).to_contain_text("You are speaking.")
    expect(mine.locator("#speaker")).to_contain_text("Ben Okafor has it now.")
    expect(mine.locator("#composer-said")).to_contain_text("Ben Okafor has it now.")
    expect(mine.locator("#reply")).to_have_value("words that were not sent")
    mine.reload()
    expect(mine.locator("#kept-words")).to_have_value("words that were not sent")
    mine.get_by_role("button", name="Delete it").click()
    mine.reload()
    expect(mine.locator("#kept-draft")).to_be_hidden()


def test_a_page_is_put_in_by_a_stroke_and_remembered_with_the_message(
    desk: DemoDesk, held: CaseId, opened: Opener
) -> None:
    page = opened(f"/cases/{held}")
    keys = page.keyboard
    page.locator("#reply").focus()
    keys.type("and/or ")
    expect(page.locator("#finder")).to_be_hidden()
    keys.press("/")
    expect(page.locator("#finder-words")).to_be_focused()
    keys.press("Escape")
    expect(page.locator("#reply")).to_have_value("and/or /")
    page.locator("#reply").fill("See this. ")
    keys.press("/")
    keys.type("fake")
    expect(page.locator("#finder-list [aria-selected=true]")).to_contain_text("Report a fake account")
    assert complaints(page) == []
    keys.press("Enter")
    expect(page.locator("#reply")).to_be_focused()
    expect(page.locator("#carries")).to_contain_text("review by 22 May 2027")
    page.reload()  # the page comes back with the words
    page.wait_for_selector(LIVE)
    expect(page.locator("#carries")).to_contain_text("Report a fake account")
    page.locator("#reply").press("Enter")
    expect(page.locator("#line-2")).to_contain_text("report-fake-account · version v1-012345678")
    expect(page.locator("#carries > li")).to_have_count(0)
    assert thread_of(desk, held)[-1] == f"See this. \n\n{CARD.text}"
    assert len(insertions.told(desk.ledger.reader(), CARD.id)) == 1


def test_drafts_survive_a_closed_window_and_a_restart_and_go_when_they_are_sent(
    desk: DemoDesk, held: CaseId, served: Served, opened: Opener
) -> None:
    page = opened(f"/cases/{held}")
    page.locator("#reply").press_sequentially("half an ans")
    page.locator("#note").press_sequentially("half a no")
    context = page.context
    page.close()
    served.stop()
    served.start()
    first, second = context.new_page(), context.new_page()
    for each in (first, second):
        each.goto(f"{served.url}/cases/{held}")
        each.wait_for_selector(LIVE)
        expect(each.locator("#reply")).to_have_value("half an ans")
        expect(each.locator("#note")).to_have_value("half a no")
    second.bring_to_front()
    second.locator("#reply").press("Enter")
    expect(second.locator("#line-2")).to_contain_text("half an ans")
    expect(first.locator("#reply")).to_have_value("")  # the other window does not send it again
    assert thread_of(desk, held) == ["Hello", "half an ans"]
    second.get_by_role("button", name="Log out").click()
    second.wait_for_url("**/log-in?out=1")
    assert second.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft-'))") == []


def test_a_browser_that_slept_for_a_day_keeps_its_words_through_the_log_in(
    desk: DemoDesk, clock: Clock, held: CaseId, amira: AdviserId, opened: Opener
) -> None:
    page = opened(f"/cases/{held}")
    page.locator("#reply").fill("an answer from yesterday")
    clock.pass_(timedelta(days=1))
    desk.ledger.write_now(lambda conn: advisers.log_out_everywhere(conn, amira))
    desk.hear(held, "are you there?")
    expect(page.locator("#feed")).to_contain_text("You are logged out")
    page.locator("#reply").press("Enter")
    page.get_by_role("link", name="Log in again").click()
    page.locator("#email").fill("amira@example.org")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(LIVE)
    expect(page.locator("#reply")).to_have_value("an answer from yesterday")
    assert thread_of(desk, held) == ["Hello", "are you there?"]


def test_a_long_paste_is_told_before_it_is_lost(desk: DemoDesk, held: CaseId, opened: Opener) -> None:
    page = opened(f"/cases/{held}")
    page.locator("#reply").focus()
    page.keyboard.insert_text("x" * 20_000)
    expect(page.locator("#reply-long")).to_contain_text("20,000 characters. 4,000 fit")
    page.keyboard.press("Enter")
    assert len(page.locator("#reply").input_value()) == 20_000
    assert thread_of(desk, held) == ["Hello"]
    assert complaints(page) == []


@pytest.mark.parametrize("width", [320, 1280])
def test_the_conversation_passes_axe_and_fits_in_each_of_its_states(
    desk: DemoDesk, clock: Clock, opened: Opener, served: Served, width: int
) -> None:
    fill(desk, clock)
    size = {"width": width, "height": 800}
    page, other = opened("/cases/1", viewport=size), opened("/cases/1", adviser=3, viewport=size)
    page.locator("#transfer summary").click()
    for each in (page, other):
        assert complaints(each) == []
        assert each.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#transfer-to-2").check()
    page.locator("#transfer-reason").fill("A danger case came in")
    page.get_by_role("button", name="Offer it").click()
    expect(page.locator(".offer-waits")).to_be_visible()
    offered = opened("/cases/1", adviser=2, viewport=size)
    pages = [page, offered]
    for path in ("/cases/1/insert?q=fake", "/content/told?page=old-rule"):
        pages.append(opened("/", adviser=3, viewport=size))
        pages[-1].goto(f"{served.url}{path}")
    for each in pages:
        assert complaints(each) == []
        assert each.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_senior_sees_who_holds_it_and_no_composer(desk: DemoDesk, held: CaseId, opened: Opener) -> None:
    senior = desk.adviser("Sian Rees", Role.SENIOR)
    page: Any = opened(f"/cases/{held}", adviser=senior)
    expect(page.locator("#speaker")).to_contain_text("Amira Khan is speaking.")
    expect(page.locator("#composer")).to_have_count(0)
    expect(page.locator("#transfer")).to_have_count(0)


def test_three_dots_show_while_the_enquirer_types_and_go_with_their_words(
    desk: DemoDesk, held: CaseId, served: Served, opened: Opener
) -> None:
    page = opened(f"/cases/{held}")
    expect(page.locator("#dots .dots-in")).to_be_hidden()
    served.on_its_loop(lambda: TYPING.tell(1, Author.ENQUIRER, desk.now()))
    expect(page.locator("#dots .dots-in")).to_be_visible()
    desk.hear(held, "it is gone now")
    expect(page.locator("#line-2")).to_be_visible()
    expect(page.locator("#dots .dots-in")).to_be_hidden()
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.querySelector('#dots i')).animationName") == "none"
