"""Amira's part of the morning: she uses no mouse."""

from typing import Any

from tests.browser.desk_side import sync_api
from tests.browser.morning_people import Adviser, Morning
from tests.browser.morning_side import PEOPLE

expect = sync_api.expect

NOTE = "canary-note-ovxq: the head is on leave"


def claims_answers_and_notes_by_keys(morning: Morning) -> None:
    amira, ruth = morning.amira, morning.ruth
    page, keys = amira.page, amira.page.keyboard
    amira.goes("/")
    amira.is_live()
    with morning.promise("P12", "a conversation by keyboard alone"):
        to_row(page, ruth.case)
        keys.press("Enter")
        expect(page.locator("#peek")).to_contain_text("you are only looking")
        morning.audited(page, part="peek")
        keys.press("c")
        expect(page.locator("#speaker")).to_contain_text("You are speaking. The bot is silent.")
        amira.is_live()
        puts_in_a_page_by_keys(morning)
        keys.press("Escape")
        keys.press("n")
        keys.type(NOTE)
        keys.press("Tab")
        keys.press("Enter")
        expect(page.locator("#notes-in")).to_contain_text(NOTE)


def puts_in_a_page_by_keys(morning: Morning) -> None:
    page, keys = morning.amira.page, morning.amira.page.keyboard
    keys.press("r")
    keys.type("Hello from the helpline. This is how: ")
    keys.press("/")
    keys.type("fake account")
    expect(page.locator("#finder-list [aria-selected=true]")).to_contain_text("Report a fake account")
    keys.press("Enter")
    expect(page.locator("#carries")).to_contain_text("Report a fake account")
    keys.press("Enter")
    expect(page.locator("#lines .by-adviser .line-carried")).to_contain_text("report-fake-account")
    morning.ruth.hears("Hello from the helpline")


def passes_it_on_by_keys(morning: Morning) -> None:
    """The one transfer: the sender holds it until it is taken."""
    amira, ben, case = morning.amira, morning.ben, morning.ruth.case
    page, keys = amira.page, amira.page.keyboard
    ben.goes("/")
    ben.is_live()
    with morning.promise("P12", "a transfer by keyboard alone"):
        keys.press("Escape")
        keys.press("t")
        expect(page.locator("#transfer-form")).to_be_visible()
        tab_to(page, "[name=to]")
        keys.press("Space")
        for _ in range(len(PEOPLE)):
            if not page.locator(f"#transfer-to-{ben.id}").is_checked():
                keys.press("ArrowDown")
        tab_to(page, "#transfer-reason")
        keys.type("The head is ringing me")
        keys.press("Enter")
        expect(page.locator("#speaker")).to_contain_text("Offered to Ben Okafor, waiting.")
    with morning.promise("P1", "one holder while it is offered, and after"):
        assert morning.house.state(case) == ("offered", amira.id)
        ben.page.locator(f"#mine-{case} a").click()
        morning.audited(ben.page)
        ben.page.get_by_role("button", name="Accept").click()
        expect(ben.page.locator("#speaker")).to_contain_text("You are speaking")
        assert morning.house.state(case) == ("active", ben.id)
    expect(page.locator("#speaker")).to_contain_text("Ben Okafor has it now.")
    expect(ben.page.locator("#notes-in")).to_contain_text(NOTE)
    ben.replies("A colleague of hers here. I was told all of it.")
    morning.ruth.hears("A colleague of hers here.")


def takes_the_next_and_wraps_up_by_keys(morning: Morning) -> None:
    amira = morning.amira
    page, keys = amira.page, amira.page.keyboard
    with morning.promise("P12", "the next case, a pause and the wrap-up by keyboard alone"):
        keys.press("Control+k")
        expect(page.locator("#go-to")).to_be_focused()
        keys.type("queue")
        keys.press("Enter")
        expect(page.locator("h1")).to_have_text("Queue")
        amira.is_live()
        keys.press("x")
        expect(page.locator("#speaker")).to_contain_text("You are speaking")
        amira.is_live()
        keys.press("r")
        keys.type("Hello, I have read what you told the bot.")
        keys.press("Enter")
        expect(page.locator("#lines .by-adviser")).to_have_count(1)
        for pressed, shown in (("p", "Paused."), ("p", "You are speaking.")):
            keys.press("Escape")
            keys.press(pressed)
            expect(page.locator("#speaker")).to_contain_text(shown)
            amira.is_live()
        keys.press("w")
        expect(page.locator("#issue")).to_be_focused()
        morning.audited(page)
        page.locator("#issue").focus()
        wraps_up_by_keys(page)
        expect(page.locator(".notice").first).to_contain_text("is closed")


def wraps_up_by_keys(page: Any) -> None:
    keys = page.keyboard
    if page.locator("#issue").input_value() == "":
        keys.type("Fake")
    tab_to(page, "#setting")
    keys.type("Sec")
    for name in ("role", "nation"):
        if page.locator(f"#closing .wrap > .who-asks #{name}, #closing > .who-asks #{name}").count():
            tab_to(page, f"#{name}")
            keys.press("ArrowDown")
    tab_to(page, "input[name=outcome]")
    keys.press("1")
    if not page.locator("input[name=route]:checked").count():
        tab_to(page, "input[name=route]")
        keys.press("Space")
    keys.press("Enter")


def to_row(page: Any, case: int) -> None:
    for _ in range(40):
        page.keyboard.press("j")
        if page.evaluate("document.activeElement?.closest('.row')?.id") == f"case-{case}":
            return
    raise AssertionError(f"case {case} is not reached by j")


def tab_to(page: Any, selector: str) -> None:
    for _ in range(90):
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by Tab")


def by_keys(adviser: Adviser, selector: str) -> None:
    tab_to(adviser.page, selector)
    adviser.page.keyboard.press("Enter")
