"""The main job in two real browsers: a professional is guided, reaches an adviser, and is given back to the bot."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.app import Firstline, assemble, clock
from bot.config import read_settings
from bot.server import application
from handoff import advisers
from handoff.domain import Role
from tests.browser.chromium import AXE_RULES, CHROMIUM, FLAGS

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
PASSWORD = "a long demo password"
PICTURES = os.environ.get("PICTURES")
"""A folder: each stage is kept there as a picture, to be looked at."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[str]:
    settings = read_settings(data_dir=tmp_path, opening_hours="mon-sun 00:00-24:00", holidays_nation="")
    firstline = assemble(settings)
    await _add_adviser(firstline)
    async with firstline.running():
        runner = web.AppRunner(application(firstline), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        server = web.TCPSite(runner, "127.0.0.1", 0)
        await server.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        await runner.cleanup()


async def _add_adviser(firstline: Firstline) -> None:
    hashed = advisers.hash_password(PASSWORD)
    await firstline.ledger.write(
        lambda db: advisers.add(db, "Alex Demo", "alex@example.org", hashed, Role.ADVISER, clock())
    )


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield running
        await running.close()


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/{name}.png")


async def choose(chat: Page, title: str) -> None:
    await chat.get_by_role("button", name=title, exact=True).last.click()


async def test_a_professional_is_guided_reaches_an_adviser_and_returns_to_the_bot(site: str, browser: Browser) -> None:
    desk = await (await browser.new_context(viewport={"width": 1280, "height": 900})).new_page()
    await _log_in(desk, site)
    chat = await (await browser.new_context(viewport={"width": 375, "height": 812}, accept_downloads=True)).new_page()
    await _guided_to_advice(chat, site)
    await _asks_for_a_person(chat)
    await _claims_the_case_that_arrived(desk)
    await _talk_both_ways(chat, desk)
    await _downloads_the_record(chat)
    await _closes(desk)
    await expect(chat.get_by_role("log")).to_contain_text("back with the bot")
    await picture(chat, "chat-5-back")


async def _log_in(desk: Page, site: str) -> None:
    await desk.goto(f"{site}/desk/")
    await desk.get_by_label("E-mail").fill("alex@example.org")
    await desk.get_by_label("Password").fill(PASSWORD)
    await desk.get_by_role("button", name="Log in").click()
    await expect(desk.get_by_role("heading", name="Queue")).to_be_visible()


async def _guided_to_advice(chat: Page, site: str) -> None:
    """Six answers at most from the first question to the first advice."""
    await chat.goto(f"{site}/chat")
    await expect(chat.get_by_role("button", name="No", exact=True)).to_be_visible()
    await picture(chat, "chat-1-start")
    answers = ["No", "Teacher or school staff", "England", "Posts about us or staff", "No", "No"]
    for number, answer in enumerate(answers, start=1):
        await chat.get_by_role("log").get_by_role("button", name=answer, exact=True).click()
        await expect(chat.get_by_role("log").locator("li.you:not(.waiting)")).to_have_count(number)
    await expect(chat.get_by_role("log").get_by_text("Do now").first).to_be_visible()
    await picture(chat, "chat-2-advice")


async def _asks_for_a_person(chat: Page) -> None:
    await chat.get_by_role("button", name="Talk to a person").click()
    await chat.get_by_role("button", name="Yes, pass it on").click()
    await expect(chat.get_by_role("log")).to_contain_text("It is in the queue")
    await picture(chat, "chat-3-waiting")


async def _claims_the_case_that_arrived(desk: Page) -> None:
    """It arrives without a reload."""
    await expect(desk.get_by_text(re.compile("FL-[A-Z0-9]{4}-[A-Z0-9]{2}")).first).to_be_visible()
    await picture(desk, "desk-1-queue")
    await desk.get_by_role("button", name=re.compile("^Claim")).first.click()
    await expect(desk.get_by_text("You are speaking.")).to_be_visible()


async def _talk_both_ways(chat: Page, desk: Page) -> None:
    await desk.get_by_label("Your reply").fill("Hello, I am an adviser. How can I help?")
    await desk.get_by_role("button", name="Send", exact=True).click()
    await expect(chat.get_by_role("log")).to_contain_text("I am an adviser")
    await chat.get_by_label("Your message").fill("Thank you. The post is still up.")
    await chat.get_by_role("button", name="Send", exact=True).click()
    await expect(desk.get_by_role("log")).to_contain_text("The post is still up")
    await picture(chat, "chat-4-adviser")
    await picture(desk, "desk-2-case")


async def _downloads_the_record(chat: Page) -> None:
    await chat.get_by_role("button", name="More").click()
    async with chat.expect_download() as waiting:
        await chat.get_by_text("Download the record").click()
    saved = await (await waiting.value).path()
    words = await asyncio.to_thread(Path(saved).read_text)
    assert "Record of advice" in words
    assert "Posts about us or staff" in words
    assert "still up" not in words, "a record holds codes and pages, not what was typed"


async def _closes(desk: Page) -> None:
    await desk.get_by_role("button", name="Wrap up").click()
    await desk.get_by_label("What was it mainly about?").select_option("reputation")
    await desk.locator("#setting").select_option("primary")
    await desk.locator("#outcome-advised").check()
    await desk.locator("#route-setting").check()
    await picture(desk, "desk-3-wrap-up")
    await desk.get_by_role("button", name="Close the case").click()
    await expect(desk.get_by_role("heading", name="Queue")).to_be_visible()


async def test_the_chat_works_without_javascript(site: str, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 375, "height": 812})
    chat = await context.new_page()
    await chat.goto(f"{site}/chat")
    await chat.get_by_role("button", name="Start").click()
    for answer in ("No", "Teacher or school staff", "England"):
        await chat.get_by_role("button", name=answer, exact=True).click()
    await chat.get_by_label("Your message").fill("someone made a fake insta of our head")
    await chat.get_by_role("button", name="Send").click()
    await expect(chat.get_by_text("someone made a fake insta of our head")).to_be_visible()
    await chat.get_by_role("button", name=re.compile("Fake or cloned account")).last.click()
    await expect(chat.get_by_text(re.compile("pretending to be")).last).to_be_visible()
    await picture(chat, "chat-no-script")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_real_pages_have_no_accessibility_faults(site: str, browser: Browser, scheme: str) -> None:
    context = await browser.new_context(color_scheme=scheme, viewport={"width": 320, "height": 700})
    page = await context.new_page()
    await _guided_to_advice(page, site)
    assert await faults(page) == []
    await _log_in(page, site)
    assert await faults(page) == []


async def faults(page: Page) -> list[str]:
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("rules => axe.run(document, {runOnly: rules})", list(AXE_RULES))
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found["violations"]]
