"""Who is typing at this moment: in memory only, without a word of what they type, and forgotten after seconds."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from handoff.domain import Author

LASTS = timedelta(seconds=6)
"""A sign of typing counts for so long; whoever types on gives another one before."""


class Typing:
    """One for the whole service: the enquirer's channel and the adviser's page both tell it and both listen to it."""

    def __init__(self) -> None:
        self._until: dict[tuple[int, Author], datetime] = {}
        self._listening: defaultdict[int, set[asyncio.Event]] = defaultdict(set)

    def tell(self, conversation: int, who: Author, now: datetime) -> None:
        """Somebody types in this conversation. Called on the service's own loop."""
        self._until = {key: until for key, until in self._until.items() if until > now}
        self._until[conversation, who] = now + LASTS
        for ring in self._listening.get(conversation, ()):
            ring.set()

    def stop(self, conversation: int, who: Author) -> None:
        """What they typed was sent: they type no more."""
        self._until.pop((conversation, who), None)

    def until(self, conversation: int, who: Author, now: datetime) -> datetime | None:
        """Until when somebody counts as typing; None when nobody does."""
        until = self._until.get((conversation, who))
        return until if until is not None and until > now else None

    @contextmanager
    def listening(self, conversation: int, ring: asyncio.Event) -> Iterator[None]:
        """`ring` is set each time somebody types in this conversation."""
        self._listening[conversation].add(ring)
        try:
            yield
        finally:
            self._listening[conversation].discard(ring)
            if not self._listening[conversation]:
                del self._listening[conversation]

    def __len__(self) -> int:
        """How many signs are remembered."""
        return len(self._until)
