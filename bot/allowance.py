"""How much one enquirer or network address may ask for: kept in memory, only for as long as it counts."""

from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from bot.errors import FirstlineError


class NoPlaceLeft(FirstlineError):
    """Every place is taken."""


class Allowance:
    """So many times in a window of time, for each key; a key that is quiet for a window is forgotten."""

    def __init__(self, times: int, window: timedelta) -> None:
        self._times = times
        self._window = window
        self._seen: OrderedDict[Hashable, list[datetime]] = OrderedDict()
        """Lists, not deques: an empty deque takes ten times their memory, and most keys come once."""

    def allows(self, key: Hashable, now: datetime) -> bool:
        """Counts this time, when it is allowed."""
        since = now - self._window
        self._forget_before(since)
        seen = self._seen.setdefault(key, [])
        if seen and seen[0] < since:
            del seen[: bisect_left(seen, since)]
        if len(seen) >= self._times:
            return False
        seen.append(now)
        self._seen.move_to_end(key)
        return True

    def take_back(self, key: Hashable) -> None:
        """The last time that was counted did not happen."""
        if self._seen.get(key):
            self._seen[key].pop()

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._seen)

    def _forget_before(self, since: datetime) -> None:
        """Who came last stands last, so only the first need looking at."""
        while self._seen:
            key, seen = next(iter(self._seen.items()))
            if seen and seen[-1] >= since:
                return
            del self._seen[key]


class Places:
    """So many at the same time, for each key."""

    def __init__(self) -> None:
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def taking(self, key: Hashable, most: int) -> Iterator[None]:
        """Raises: NoPlaceLeft when every place of this key is taken."""
        if self._taken[key] >= most:
            raise NoPlaceLeft()
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
