"""The chat front end in a real browser: people talk by mouse and keyboard, on bad lines, without JavaScript."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import AXE_RULES as RULES
from tests.browser.chromium import CHROMIUM, FLAGS
from tests.fakes.chat_server import INTERFACE, WEB, FakeChat

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
Browser, BrowserContext, Page, expect = sync_api.Browser, sync_api.BrowserContext, sync_api.Page, sync_api.expect

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
ELSEWHERE = re.compile("^https:")
"""Nothing there is ever asked for: the browser is answered by the test and resolves loopback names only."""
WAIT_MS = 8_000
LOG = "document.querySelector('firstline-chat').shadowRoot.querySelector('.log')"
MOST_BYTES = 10 * 1024

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
Opener = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def server() -> Iterator[FakeChat]:
    fake = FakeChat()
    yield fake
    fake.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console said about broken policies and scripts."""
    return []


@pytest.fixture
def open_page(browser: Any, server: FakeChat, complaints: list[str]) -> Iterator[Opener]:
    contexts = []

    def opened(path: str = "/chat", origin: str | None = None, **settings: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 375, "height": 812}, **settings})
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        context.route(ELSEWHERE, lambda route: route.fulfill(body="<title>Elsewhere</title>", content_type="text/html"))
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if is_complaint(message.text) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((origin or server.url) + path)
        return page

    yield opened
    for context in contexts:
        context.close()


def is_complaint(words: str) -> bool:
    return "Content Security Policy" in words or "Uncaught" in words


def choice(page: Any, title: str) -> Any:
    return page.get_by_role("group", name="Choose an answer").get_by_role("button", name=title, exact=True)


def say(page: Any, words: str) -> None:
    page.get_by_label("Your message").fill(words)
    page.keyboard.press("Enter")


def to_last_question(page: Any) -> None:
    choice(page, "No").click()
    choice(page, "Something else").click()
    say(page, "They copied our page")
    expect(choice(page, "Yes, thank you")).to_be_visible(timeout=WAIT_MS)


def focused(page: Any) -> str:
    words: str = page.evaluate(
        "() => { let at = document.activeElement;"
        " while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;"
        " return (at.getAttribute('aria-label') || at.innerText || at.id || at.tagName).trim(); }"
    )
    return words


def tab_to(page: Any, name: str) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if focused(page).startswith(name):
            return
    raise AssertionError(f"Tab never came to {name!r}; it is at {focused(page)!r}")


def violations(page: Any) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found["violations"]]


def texts_sent(server: FakeChat) -> list[str]:
    return [body["text"] for body in server.talk.bodies if "text" in body]


# --- conversations


@needs_browser
def test_a_whole_conversation_by_mouse(open_page: Opener, complaints: list[str]) -> None:
    page = open_page()
    to_last_question(page)
    choice(page, "Yes, thank you").click()
    expect(page.get_by_text("Thank you.", exact=True)).to_be_visible()
    assert complaints == []


@needs_browser
def test_a_whole_conversation_by_keyboard_alone(open_page: Opener) -> None:
    page = open_page()
    expect(choice(page, "No")).to_be_visible()
    for answer in ("No", "Something else"):
        tab_to(page, answer)
        page.keyboard.press("Enter")
        expect(page.locator("li.you .said", has_text=answer)).to_be_visible()
    expect(page.get_by_text("in your own words")).to_be_visible()
    tab_to(page, "field")
    page.keyboard.type("First line")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    page.keyboard.press("Enter")
    expect(choice(page, "Yes, thank you")).to_be_visible()
    assert focused(page) == "field"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="More")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("group", name="More")).to_be_hidden()


@needs_browser
def test_the_choice_made_takes_the_place_of_the_choices_and_own_lines_show_what_was_kept(open_page: Opener) -> None:
    page = open_page()
    expect(choice(page, "I do not know")).to_be_visible()
    choice(page, "No").click()
    expect(choice(page, "Something else")).to_be_visible()
    expect(choice(page, "I do not know")).to_have_count(0)
    expect(page.locator("li.you")).to_have_text(["You said: No"])
    say(page, "Jo Smith did it")
    expect(page.locator("li.you .said")).to_have_text(["No", "[name] did it"])


@needs_browser
def test_a_command_leaves_the_open_question_open(open_page: Opener) -> None:
    page = open_page()
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Why do you ask?").click()
    expect(page.get_by_text("We ask so that")).to_be_visible()
    choice(page, "No").click()
    expect(page.get_by_text("What has happened?")).to_be_visible()


@needs_browser
def test_danger_is_the_first_command_and_always_in_view(open_page: Opener) -> None:
    page = open_page(viewport={"width": 320, "height": 640})
    to_last_question(page)
    first = page.get_by_role("group", name="Help and controls").get_by_role("button").first
    expect(first).to_have_text("999 In danger now")
    expect(first).to_be_in_viewport(ratio=1)
    first.click()
    expect(page.get_by_text("Call 999 now.")).to_be_visible()


@needs_browser
def test_a_reload_resumes_the_conversation(open_page: Opener, server: FakeChat) -> None:
    page = open_page()
    choice(page, "No").click()
    expect(choice(page, "Something else")).to_be_visible()
    before = page.locator(".log > ol > li").all_inner_texts()
    page.reload()
    expect(choice(page, "Something else")).to_be_visible()
    assert page.locator(".log > ol > li").all_inner_texts() == before
    assert len(server.talks) == 1
    assert page.evaluate("localStorage.length") == 0


@needs_browser
@pytest.mark.parametrize("how", ["unknown", "empty"])
def test_a_conversation_the_server_forgot_starts_anew(open_page: Opener, server: FakeChat, how: str) -> None:
    page = open_page()
    choice(page, "No").click()
    expect(choice(page, "Something else")).to_be_visible()
    if how == "unknown":
        server.talks.clear()
    else:
        server.talk.lines.clear()
    page.reload()
    expect(page.get_by_text("This is a new one.")).to_be_visible()
    expect(choice(page, "I do not know")).to_be_visible()


def to_question_below_advice(page: Any) -> None:
    """To a question that long advice pushed off a small screen."""
    to_last_question(page)
    expect(page.get_by_role("button", name="New message below")).to_be_visible()


@needs_browser
def test_a_question_below_long_advice_is_pointed_to_until_it_is_in_view(open_page: Opener) -> None:
    page = open_page(viewport={"width": 320, "height": 568})
    expect(choice(page, "No")).to_be_visible()
    below = page.get_by_role("button", name="New message below")
    expect(below).to_be_hidden()
    to_question_below_advice(page)
    expect(choice(page, "Yes, thank you")).not_to_be_in_viewport()
    below.click()
    expect(choice(page, "Yes, thank you")).to_be_in_viewport(ratio=1)
    expect(page.get_by_text("Was this useful?")).to_be_in_viewport(ratio=1)
    expect(below).to_be_hidden()
    assert focused(page) == "Yes, thank you"
    page.get_by_role("log").evaluate("log => log.scrollTop = 0")
    expect(below).to_be_visible()


@needs_browser
def test_on_a_low_window_the_pointer_to_what_is_below_is_in_view_too(open_page: Opener) -> None:
    page = open_page(viewport={"width": 640, "height": 300})
    to_question_below_advice(page)
    page.evaluate("scrollTo(0, 0)")
    below = page.get_by_role("button", name="New message below")
    expect(below).to_be_in_viewport(ratio=1)
    below.click()
    expect(choice(page, "Yes, thank you")).to_be_in_viewport(ratio=1)
    expect(below).to_be_hidden()


@needs_browser
def test_a_reload_shows_the_start_of_the_last_message(open_page: Opener) -> None:
    page = open_page(viewport={"width": 320, "height": 480})
    choice(page, "No").click()
    question = page.get_by_text("What has happened?")
    expect(question).to_be_visible()
    page.reload()
    expect(question).to_be_in_viewport(ratio=1)


@needs_browser
@pytest.mark.parametrize(("width", "narrow"), [(320, True), (399, True), (800, False)])
def test_a_narrow_screen_has_one_row_of_controls_with_back_under_more(
    open_page: Opener, width: int, narrow: bool
) -> None:
    page = open_page(viewport={"width": width, "height": 667})
    expect(choice(page, "No")).to_be_visible()
    row = page.locator(".commands > button:visible")
    expect(row).to_have_count(3 if narrow else 4)
    assert len({round(box["y"]) for button in row.all() if (box := button.bounding_box())}) == 1
    assert page.locator(".purpose").is_visible() is not narrow
    page.get_by_role("button", name="More").click()
    expect(page.get_by_role("button", name="Back")).to_have_count(1)
    expect(page.locator(".menu").get_by_role("button", name="Back")).to_have_count(1 if narrow else 0)


@needs_browser
def test_the_first_questions_buttons_begin_to_show_on_a_small_phone(open_page: Opener) -> None:
    page = open_page(viewport={"width": 375, "height": 667})
    expect(choice(page, "Yes")).to_be_in_viewport(ratio=1)


# --- bad lines


@needs_browser
@pytest.mark.parametrize(("keeps_chosen_tokens", "begun"), [(True, 1), (False, 2)], ids=["guarded", "negative control"])
def test_a_first_message_whose_answer_was_lost_begins_one_conversation(
    open_page: Opener, server: FakeChat, keeps_chosen_tokens: bool, begun: int
) -> None:
    server.keeps_chosen_tokens = keeps_chosen_tokens
    server.lose_next_answer = True
    page = open_page()
    expect(choice(page, "No")).to_be_visible(timeout=WAIT_MS)
    assert len(server.talks) == begun


@needs_browser
@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/events"])
def test_an_unknown_token_reads_nothing(open_page: Opener, server: FakeChat, path: str) -> None:
    page = open_page()
    expect(choice(page, "No")).to_be_visible()
    statuses = [
        page.request.get(server.url + path, headers={"Authorization": f"Bearer {token}"}).status
        for token in ("x" * 43, "not a token")
    ]
    assert statuses == [404, 401]


@needs_browser
def test_a_message_sent_while_the_server_is_down_arrives_once(open_page: Opener, server: FakeChat) -> None:
    page = open_page()
    expect(choice(page, "No")).to_be_visible()
    server.stop()
    say(page, "Sent in the dark")
    expect(page.get_by_text("No connection. Trying to reconnect.")).to_be_visible()
    expect(page.get_by_text("Not sent yet.")).to_be_visible()
    server.start()
    expect(page.get_by_text("What has happened?")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("Not sent yet.")).to_have_count(0)
    expect(page.get_by_text("No connection.")).to_have_count(0, timeout=WAIT_MS)
    assert texts_sent(server) == ["Sent in the dark"]


@needs_browser
def test_a_message_kept_through_a_reload_arrives_once(open_page: Opener, server: FakeChat) -> None:
    page = open_page()
    expect(choice(page, "No")).to_be_visible()
    page.route("**/api/chat", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    say(page, "Kept in this tab")
    expect(page.get_by_text("Not sent yet.")).to_be_visible()
    page.unroute("**/api/chat")
    page.reload()
    expect(page.get_by_text("What has happened?")).to_be_visible()
    expect(page.locator("li.you .said")).to_have_text(["Kept in this tab"])
    assert texts_sent(server) == ["Kept in this tab"]


@needs_browser
@pytest.mark.parametrize(("knows_ids", "arrivals"), [(True, 1), (False, 2)], ids=["guarded", "negative control"])
def test_an_answer_lost_on_the_way_is_asked_for_again_with_the_same_id(
    open_page: Opener, server: FakeChat, knows_ids: bool, arrivals: int
) -> None:
    page = open_page()
    expect(choice(page, "No")).to_be_visible()
    server.knows_ids = knows_ids
    server.lose_next_answer = True
    say(page, "Did this arrive?")
    expect(page.locator("li.you.waiting")).to_have_count(0, timeout=WAIT_MS)
    expect(page.get_by_text("What has happened?")).to_be_visible()
    expect(page.get_by_text("Did this arrive?")).to_have_count(1)
    assert len(texts_sent(server)) == arrivals


@needs_browser
def test_a_refused_message_says_why_and_can_be_sent_again(open_page: Opener) -> None:
    page = open_page()
    say(page, "refuse me")
    expect(page.get_by_text("That is too long.")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


# --- people


@needs_browser
def test_an_advisers_message_appears_by_itself_and_does_not_take_the_focus(open_page: Opener, server: FakeChat) -> None:
    page = open_page()
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("You are waiting for an adviser. Your reference is FL-0001")).to_be_visible()
    page.get_by_label("Your message").fill("half a sen")
    server.adviser_says("Hello, is the account still up?")
    expect(page.locator("li.adviser")).to_contain_text("Hello, is the account still up?")
    expect(page.locator("li.adviser .who")).to_contain_text("An adviser said:")
    expect(page.get_by_text("You are talking to an adviser")).to_be_visible()
    assert focused(page) == "field"
    expect(page.get_by_label("Your message")).to_have_value("half a sen")


@needs_browser
def test_what_advisers_said_while_the_line_was_down_is_made_up(open_page: Opener, server: FakeChat) -> None:
    page = open_page()
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("You are waiting")).to_be_visible()
    server.stop()
    server.adviser_says("Said while you were away")
    server.start()
    expect(page.locator("li.adviser")).to_contain_text("Said while you were away", timeout=WAIT_MS)
    expect(page.locator("li.adviser")).to_have_count(1)


@needs_browser
def test_while_people_answer_only_the_commands_that_do_something_are_offered(
    open_page: Opener, server: FakeChat
) -> None:
    page = open_page()
    expect(page.get_by_role("button", name="Talk to a person")).to_be_visible()
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("You are waiting")).to_be_visible()
    page.get_by_role("button", name="More").click()
    offered = ["999 In danger now", "Record of advice", "Download the record", "Stop and delete", "Cymraeg", "More"]
    controls = page.get_by_role("group", name="Help and controls").get_by_role("button")
    assert sorted(controls.all_inner_texts()) == sorted(offered)
    server.adviser_says("Hello")
    expect(page.get_by_text("You are talking to an adviser")).to_be_visible()
    assert sorted(controls.all_inner_texts()) == sorted(offered)


# --- privacy and safety


@needs_browser
def test_a_dropped_picture_stays_on_the_device(open_page: Opener, server: FakeChat) -> None:
    page = open_page()
    expect(choice(page, "No")).to_be_visible()
    page.evaluate(
        "() => { const carried = new DataTransfer();"
        " carried.items.add(new File(['secret'], 'child.png', {type: 'image/png'}));"
        f" {LOG}.dispatchEvent("
        "new DragEvent('drop', {dataTransfer: carried, bubbles: true, composed: true, cancelable: true})); }"
    )
    expect(page.get_by_text("We never take images or files (photo)")).to_be_visible()
    body = server.talk.bodies[-1]
    assert {**body, "id": ""} == {"id": "", "media": "photo"}
    expect(page.locator("input[type=file]")).to_have_count(0)


@needs_browser
@pytest.mark.parametrize("how", ["link", "escape"])
def test_exit_leaves_at_once_and_the_tab_forgets_the_conversation(
    open_page: Opener, server: FakeChat, how: str
) -> None:
    page = open_page()
    choice(page, "No").click()
    expect(choice(page, "Something else")).to_be_visible()
    assert page.evaluate("sessionStorage.firstline")
    if how == "link":
        page.get_by_role("link", name="Exit this page").click()
    else:
        for _ in range(3):
            page.keyboard.press("Escape")
    page.wait_for_url(ELSEWHERE)
    page.goto(server.url + "/chat")
    expect(choice(page, "I do not know")).to_be_visible()
    expect(page.locator("li.you")).to_have_count(0)


@needs_browser
def test_stop_and_delete_clears_the_screen_and_the_tab(open_page: Opener) -> None:
    page = open_page()
    choice(page, "No").click()
    expect(choice(page, "Something else")).to_be_visible()
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Stop and delete").click()
    expect(page.get_by_text("Your words are deleted.")).to_be_visible()
    expect(page.locator(".log > ol > li")).to_have_count(1)
    assert "token" not in page.evaluate("sessionStorage.firstline ?? ''")
    page.get_by_role("button", name="Start a new conversation").click()
    expect(choice(page, "I do not know")).to_be_visible()


@needs_browser
def test_html_outside_the_contract_never_gets_in(open_page: Opener, server: FakeChat) -> None:
    page = open_page()
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("You are waiting")).to_be_visible()
    server.raw_line(
        '<p onclick="hacked=1">Kept</p><img src=x onerror="hacked=1"><form></form>'
        '<a href="javascript:hacked=1">bad link</a> <a href="https://example.org/">good link</a>'
    )
    expect(page.get_by_text("Kept")).to_be_visible()
    assert page.evaluate(f"{LOG}.querySelectorAll('img, form, [onclick]').length") == 0
    assert page.evaluate(f"[...{LOG}.querySelectorAll('a[href]')].map((link) => link.href)") == ["https://example.org/"]
    assert page.evaluate("window.hacked") is None


@needs_browser
def test_an_address_in_full_is_shown_as_its_site(open_page: Opener, server: FakeChat) -> None:
    page = open_page()
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("You are waiting")).to_be_visible()
    address = "https://www.example.org/a-long-way/to-the-page"
    server.raw_line(f'<p>From: <a href="{address}">{address}</a></p>')
    link = page.get_by_role("link", name="example.org (opens in a new tab)", exact=True)
    expect(link).to_have_attribute("href", address)


@needs_browser
def test_steps_are_told_to_the_page_without_words(open_page: Opener) -> None:
    page = open_page()
    page.evaluate("steps = []; addEventListener('firstline:step', (event) => steps.push(event.detail))")
    choice(page, "No").click()
    expect(choice(page, "Something else")).to_be_visible()
    steps = page.evaluate("steps")
    assert steps
    assert all(set(step) == {"seq", "from", "speaker", "reference", "ended"} for step in steps)


# --- the record, languages


@needs_browser
def test_the_record_of_advice_is_saved(open_page: Opener) -> None:
    page = open_page()
    choice(page, "No").click()
    page.get_by_role("button", name="More").click()
    menu = page.locator(".menu button:visible").all_inner_texts()
    assert menu[menu.index("Record of advice") + 1] == "Download the record"
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the record").click()
    assert download.value.suggested_filename == "record-of-advice.html"
    assert "report-fake-account" in Path(download.value.path()).read_text("utf-8")


@needs_browser
def test_the_interface_changes_language_and_keeps_the_conversation(open_page: Opener) -> None:
    page = open_page()
    page.get_by_label("Your message").fill("half")
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Cymraeg").click()
    expect(page.get_by_label("Eich neges")).to_have_value("half")
    expect(page.get_by_text("Iawn. Cymraeg.")).to_be_visible()
    expect(page.get_by_text("Hello. I ask")).to_be_visible()


# --- embedded


@needs_browser
def test_on_another_origin_a_launcher_opens_an_accessible_dialog_and_escape_gives_the_focus_back(
    open_page: Opener, server: FakeChat, complaints: list[str]
) -> None:
    page = open_page("/host", origin=server.other_origin)
    launcher = page.get_by_role("button", name="Online safety help")
    expect(launcher).to_be_visible()
    assert server.talks == {}
    launcher.click()
    dialog = page.get_by_role("dialog", name="Example Helpline")
    expect(dialog).to_be_visible()
    choice(page, "No").click()
    expect(choice(page, "Something else")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert focused(page) == "Online safety help"
    assert server.talk.bodies[0]["flow"] == "reputation"
    launcher.click()
    page.reload()
    expect(choice(page, "Something else")).to_be_visible()
    assert len(server.talks) == 1
    assert complaints == []


@needs_browser
def test_the_embedded_widget_has_999_and_a_way_out_too(open_page: Opener, server: FakeChat) -> None:
    page = open_page("/host", origin=server.other_origin)
    page.get_by_role("button", name="Online safety help").click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_role("link", name="Call 999").get_attribute("href") == "tel:999"
    expect(dialog.get_by_text("In danger now?", exact=False).first).to_be_in_viewport()
    expect(choice(page, "No")).to_be_visible()
    dialog.get_by_role("link", name="Exit this page").click()
    page.wait_for_url(ELSEWHERE)
    page.goto(server.other_origin + "/host")
    assert page.evaluate("sessionStorage.firstline ?? null") is None


# --- the page


@needs_browser
@pytest.mark.parametrize(("width", "shown"), [(375, False), (1000, True)])
def test_the_record_on_a_phone_leaves_out_when_each_answer_came(
    open_page: Opener, server: FakeChat, width: int, shown: bool
) -> None:
    page = open_page(viewport={"width": width, "height": 800})
    page.goto("about:blank")
    page.set_content(server.record_page())
    assert page.get_by_role("columnheader", name="When").is_visible() is shown
    assert page.get_by_text("2 March 2026, 10:14").is_visible() is shown
    expect(page.get_by_role("banner").get_by_text("2 March 2026, 10:20")).to_be_visible()


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_page_has_no_accessibility_violations(open_page: Opener, server: FakeChat, scheme: str, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    to_last_question(page)
    assert violations(page) == []
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("You are waiting")).to_be_visible()
    server.adviser_says("Hello")
    expect(page.locator("li.adviser")).to_be_visible()
    page.get_by_role("button", name="More").click()
    assert violations(page) == []


@needs_browser
def test_the_accessibility_check_sees_a_fault(open_page: Opener) -> None:
    page = open_page()
    expect(choice(page, "No")).to_be_visible()
    page.evaluate(f"{LOG}.append(document.createElement('button'))")
    assert any(one.startswith("button-name") for one in violations(page))


@needs_browser
@pytest.mark.parametrize("size", [(320, 256), (320, 640)])
def test_nothing_is_cut_off_and_buttons_are_big_enough(open_page: Opener, size: tuple[int, int]) -> None:
    page = open_page(viewport={"width": size[0], "height": size[1]})
    to_last_question(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44, button.inner_text()


@needs_browser
def test_the_content_policy_check_sees_a_fault(open_page: Opener, complaints: list[str]) -> None:
    page = open_page()
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'hacked = 1'}))")
    page.wait_for_timeout(100)
    assert any("Content Security Policy" in one for one in complaints)


@needs_browser
def test_without_javascript_the_forms_carry_the_conversation(open_page: Opener, server: FakeChat) -> None:
    page = open_page(java_script_enabled=False)
    page.get_by_role("button", name="Start", exact=True).click()
    choice(page, "No").click()
    choice(page, "Something else").click()
    page.get_by_label("Your message").fill("They copied our page")
    page.get_by_role("button", name="Send").click()
    expect(choice(page, "Yes, thank you")).to_be_visible()
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("You are waiting for an adviser. Your reference is FL-0001")).to_be_visible()
    expect(page.get_by_role("button", name="Change an answer")).to_have_count(0)
    expect(page.get_by_role("button", name="Stop and delete")).to_be_visible()
    assert texts_sent(server) == ["They copied our page"]


# --- files


def test_the_widget_is_under_ten_kilobytes() -> None:
    assert len(gzip.compress((WEB / "static" / "widget.js").read_bytes(), 9)) < MOST_BYTES


def test_every_language_has_every_word_and_says_whether_it_was_reviewed() -> None:
    english = json.loads((INTERFACE / "en.json").read_text("utf-8"))
    for path in INTERFACE.glob("*.json"):
        words = json.loads(path.read_text("utf-8"))
        assert set(words) == set(english), path.name
        assert words["_meta"]["status"] in ("source", "unreviewed", "reviewed"), path.name


def test_every_word_the_front_end_asks_for_exists() -> None:
    english = json.loads((INTERFACE / "en.json").read_text("utf-8"))
    asked = set(re.findall(r'\bword(?:s)?\("(\w+)"', (WEB / "static" / "widget.js").read_text("utf-8")))
    for template in ("chat.html", "record.html"):
        asked |= set(re.findall(r"\bstrings\.(\w+)", (WEB / template).read_text("utf-8")))
    assert len(asked) > 50
    assert asked <= set(english)
