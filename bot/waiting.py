"""Waiting for a bell with a time limit."""

import asyncio
from collections.abc import Awaitable, Callable


async def rung(bell: asyncio.Event, limit_s: float) -> bool:
    """True when the bell rang, False when the time was up. Unlike `asyncio.wait_for` on Python 3.11, being cancelled at
    the very moment the bell rings is not lost."""
    try:
        async with asyncio.timeout(limit_s):
            await bell.wait()
    except TimeoutError:
        return False
    return True


async def whenever(bell: asyncio.Event, follow: Callable[[], Awaitable[None]], again_s: float, gather_s: float) -> None:
    """Calls `follow` now, whenever the bell rings, and after `again_s` without it; rings that come within `gather_s` of
    one are followed together. Until cancelled."""
    while True:
        bell.clear()
        await follow()
        if await rung(bell, again_s):
            await asyncio.sleep(gather_s)
