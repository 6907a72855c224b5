"""Trying again: longer and longer pauses with some chance in them, and one log line at each end of an outage."""

import asyncio
import random

import structlog

from bot.channels.telegram.request import Flood, Lost, NoConnection

log = structlog.get_logger()

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0


class Retrying:
    """How long to wait between tries, and when to say so. `part` is what tries, for the log."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._failures = 0

    async def failed(self, error: Exception) -> None:
        """Notes a failure and waits before the next try."""
        if not self._failures:
            reason = error.message if isinstance(error, (Lost, NoConnection)) else None
            log.warning("telegram.outage", part=self._part, error=type(error).__name__, reason=reason)
        self._failures += 1
        await asyncio.sleep(self._pause_s(error))

    def worked(self) -> None:
        if self._failures:
            log.info("telegram.outage_over", part=self._part, count=self._failures)
        self._failures = 0

    def _pause_s(self, error: Exception) -> float:
        if isinstance(error, Flood):
            return error.retry_after_s
        grown: float = FIRST_PAUSE_S * 2 ** min(self._failures - 1, 10)
        return min(grown, LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)
