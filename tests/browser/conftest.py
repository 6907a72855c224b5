"""A desk with an adviser, served, and a browser that opens it; for every test of the desk in a browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handoff.domain import AdviserId
from tests.browser.chromium import CHROMIUM, FLAGS
from tests.browser.desk_side import LIVE, WAIT_MS, Opener, Served, sync_api
from tests.demo_desk import Clock, DemoDesk, desk_in


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


@pytest.fixture
def served(desk: DemoDesk) -> Iterator[Served]:
    running = Served(desk)
    yield running
    running.close()


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


@pytest.fixture
def opened(browser: Any, served: Served, desk: DemoDesk) -> Iterator[Opener]:
    """Opens a page of the desk for somebody who has logged in; the first adviser unless another is named."""
    contexts = []

    def open_page(path: str = "/", adviser: int = 1, **settings: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **settings})
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        context.add_cookies([{"name": "desk", "value": desk.token(AdviserId(adviser)), "url": served.url}])
        page = context.new_page()
        page.goto(f"{served.url}{path}")
        if settings.get("java_script_enabled", True):
            page.wait_for_selector(LIVE)
        return page

    yield open_page
    for context in contexts:
        context.close()
