"""How fast a channel may send: so many messages a second to everybody, and a space between two to one recipient."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

IN_S = 1.0
LOOK_FOR_IDLE_AT = 1_000
"""So many recipients are remembered before those who may be written to at once are forgotten."""


class Pace:
    """Never more than `overall` messages in any second. Whoever waits for their own space holds nobody else up."""

    def __init__(
        self,
        overall: int,
        spacing_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._spacing_s = spacing_s
        self._last: deque[float] = deque(maxlen=overall)
        self._free: dict[str, float] = {}
        self._look_for_idle_at = LOOK_FOR_IDLE_AT

    @property
    def remembered(self) -> int:
        """How many recipients are kept in mind."""
        return len(self._free)

    async def admit(self, recipient: str) -> None:
        """Returns when the next message to this recipient may go: first asked, first served."""
        await self._until(self._own_place(recipient))
        await self._until(self._common_place())

    def _own_place(self, recipient: str) -> float:
        now = self._clock()
        place = max(now, self._free.get(recipient, now))
        self._free[recipient] = place + self._spacing_s
        self._forget_idle(now)
        return place

    def _common_place(self) -> float:
        """A place is taken only once the recipient's own space is over, so that nobody's waiting uses up a place."""
        now = self._clock()
        full = len(self._last) == self._last.maxlen
        place = max(now, self._last[0] + IN_S) if full else now
        self._last.append(place)
        return place

    def _forget_idle(self, now: float) -> None:
        if len(self._free) < self._look_for_idle_at:
            return
        self._free = {recipient: free for recipient, free in self._free.items() if free > now}
        self._look_for_idle_at = max(LOOK_FOR_IDLE_AT, 2 * len(self._free))

    async def _until(self, place: float) -> None:
        while (wait_s := place - self._clock()) > 0:
            await self._sleep(wait_s)
