"""Whether a provider works at all: while it does not, nobody's message is tried, and it is asked again and again."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from bot.domain import ChannelName
from bot.errors import DeliveryError

log = structlog.get_logger()

PAUSES_S = (0.5, 1, 2, 5, 10, 15)
PROBE_TIMEOUT_S = 10.0


class Outage:
    """Of one channel. One recipient's fault is none: an outage is when the provider does not answer us either."""

    def __init__(self, name: ChannelName, probe: Callable[[], Awaitable[None]], over: Callable[[], None]) -> None:
        self._name = name
        self._probe = probe
        self._over = over
        self._task: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()
        self.is_down = False

    def suspect(self) -> None:
        """Something failed that may not be this recipient's fault."""
        if self._task is None or self._task.done():
            self._asked.clear()
            self._task = asyncio.create_task(self._ask_until_it_works())

    async def verdict(self) -> None:
        """Returns once the provider was asked about the last suspicion: until then `is_down` says nothing of it."""
        if self._task and not self._task.done():
            await self._asked.wait()

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask_until_it_works(self) -> None:
        tries = 0
        while not await self._works():
            if not self.is_down:
                log.warning("provider.down", channel=self._name)
            self.is_down = True
            self._asked.set()
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)] * random.uniform(0.5, 1.0))
            tries += 1
        if self.is_down:
            log.warning("provider.back", channel=self._name)
        self.is_down = False
        self._asked.set()
        self._over()

    async def _works(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self._probe()
        except (DeliveryError, TimeoutError):
            return False
        except Exception as error:  # a fault of ours is no outage
            log.error("probe.failed", channel=self._name, error=type(error).__name__)
        return True
