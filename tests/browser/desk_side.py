"""A desk served on loopback for a real browser, and what is looked for in its pages."""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.browser.chromium import AXE_RULES as RULES
from tests.demo_desk import DemoDesk

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
WAIT_MS = 8_000
LIVE = "body[data-feed=live]"

Opener = Callable[..., Any]


class Served:
    """A desk on loopback with its own loop on a thread; `stop` and `start` break and mend the line on the same port."""

    def __init__(self, desk: DemoDesk) -> None:
        self.desk = desk
        self.port = 0
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/desk"

    def start(self) -> None:
        self._run(self._start())

    def stop(self) -> None:
        self._run(self._runner.cleanup())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def on_its_loop(self, act: Callable[[], None]) -> None:
        """For what only the service itself may do."""
        self._loop.call_soon_threadsafe(act)

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> None:
        self._runner = web.AppRunner(self.desk.app(), shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]


def complaints(page: Any) -> list[str]:
    """What axe finds wrong with the page."""
    page.evaluate(AXE.read_text())
    result = page.evaluate(f"axe.run(document, {{runOnly: {json.dumps(RULES)}, resultTypes: ['violations']}})")
    return [f"{found['id']}: {found['nodes'][0]['target']}" for found in result["violations"]]


def regions(page: Any) -> dict[str, str]:
    """What the page shows, without what the script keeps there and the marks by which a form counts once."""
    gather = """() => Object.fromEntries([...document.querySelectorAll('[data-live]')].map((region) => {
        const copy = region.cloneNode(true);
        copy.querySelectorAll('.new-mark').forEach((mark) => mark.hidden = true);
        copy.querySelectorAll('input[type=hidden][name$=_id]').forEach((mark) => mark.removeAttribute('value'));
        return [region.id, copy.innerHTML.replace(/\\s+/g, ' ')];
    }))"""
    return dict(page.evaluate(gather))
