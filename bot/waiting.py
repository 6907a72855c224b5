"""Waiting for a bell with a time limit."""

import asyncio


async def rung(bell: asyncio.Event, limit_s: float) -> bool:
    """True when the bell rang, False when the time was up. Unlike `asyncio.wait_for` on Python 3.11, being cancelled at
    the very moment the bell rings is not lost."""
    try:
        async with asyncio.timeout(limit_s):
            await bell.wait()
    except TimeoutError:
        return False
    return True
