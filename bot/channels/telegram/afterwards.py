"""Requests that are courtesy: tried once, beside what matters, and only counted when they fail."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

COURTESY_S = 5.0
"""How long one may take."""
AT_ONCE = 50

Request = Callable[[], Coroutine[Any, Any, object]]


class Afterwards:
    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._tasks: set[asyncio.Task[bool]] = set()
        self._room = asyncio.Semaphore(AT_ONCE)

    def do(self, request: Request) -> None:
        """Starts it and does not wait."""
        task = asyncio.create_task(self.tried(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def tried(self, request: Request) -> bool:
        """Whether it worked. Never raises."""
        try:
            async with self._room, asyncio.timeout(COURTESY_S):
                await request()
        except Exception as error:  # whatever it was, nothing depends on it
            self._counts[f"courtesy_{type(error).__name__}"] += 1
            return False
        return True

    async def close(self) -> None:
        """Waits a moment for those under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=COURTESY_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
