"""The record, contact details, the record of advice and search in a real browser: accessible, narrow, on paper."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from handoff.console.app import console
from handoff.console.parts import Mask, unmasked
from handoff.domain import AdviserId
from handoff.doors import Doors
from tests.browser.desk_side import Opener, complaints
from tests.demo_desk import OPEN, Clock, DemoDesk, desk_in
from tests.recorded import NAME, FakePeople, FakeRecords, close, conversation_of, full_case, held

PAGES = ("/record", "/contact", "/record/advice?rationale=yes")


class Joined(DemoDesk):
    """A desk whose doors are open."""

    people = FakePeople()

    def app(self, mask: Mask = unmasked) -> web.Application:
        app, doors = web.Application(), Doors(people=self.people, records=FakeRecords())
        app.add_subapp("/desk", console(self.ledger, self.queue, OPEN, self.now, False, mask, doors=doors))
        return app


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield Joined(made.ledger, made.queue, made.now, made.conversations)
    made.ledger.close()


def test_the_pages_of_a_record_are_accessible_at_every_width_and_print_alone(
    opened: Opener, desk: Joined, amira: AdviserId
) -> None:
    before = held(desk, amira, concern="hacking")
    close(desk, before, amira)
    case_id = full_case(desk, amira)
    desk.people.same[conversation_of(desk, case_id)] = (conversation_of(desk, before),)
    page = opened(f"/cases/{case_id}/record")
    paths = [*(f"/cases/{case_id}{path}" for path in PAGES), "/search?since=2026-11-01", "/search?ref=Smith"]
    for path in paths:
        page.goto(page.url.partition("/desk")[0] + "/desk" + path)
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 800})
            assert complaints(page) == [], (path, width)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
    page.goto(page.url.partition("/desk")[0] + f"/desk/cases/{case_id}/record/advice")
    page.emulate_media(media="print")
    shown = page.evaluate("document.body.innerText")
    assert shown.startswith("Record of advice")
    assert "Save as PDF" not in shown


def test_a_look_by_keyboard_shows_once_and_news_do_not_show_it_again(
    opened: Opener, desk: Joined, amira: AdviserId, wait: Callable[[Any, str], None]
) -> None:
    case_id = full_case(desk, amira)
    page = opened(f"/cases/{case_id}/contact")
    page.focus("#reason-call_back")
    page.keyboard.press("Space")
    page.focus("#why")
    page.keyboard.type("Ringing back as agreed")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".opened")
    assert NAME in page.inner_text("main")
    desk.hear(case_id, "Are you there?")
    wait(page, "document.querySelector('#mine .new-mark:not([hidden])')")
    page.reload()
    page.goto(page.url)
    assert NAME not in page.inner_text("main")


@pytest.fixture
def wait() -> Callable[[Any, str], None]:
    return lambda page, what: page.wait_for_function(what)
