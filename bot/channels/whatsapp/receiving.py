"""Takes in what one webhook body says: everything in it, whatever becomes of each."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager

import structlog

from bot.channels.contract import WHATSAPP, House
from bot.channels.whatsapp.hook import APOLOGY, Post
from bot.channels.whatsapp.messages import apology
from bot.channels.whatsapp.people import Change
from bot.channels.whatsapp.sending import CloudApi
from bot.domain import Person, Turn
from bot.errors import DeliveryError

log = structlog.get_logger()

POISON_TRIES = 5
"""A message that a fault of ours lets fail so often is left out, so that the rest can go on."""
MAX_FAILING = 1_000
"""So many failing messages are counted at a time; the oldest are forgotten first."""


class Receiving:
    """`house_down` are the errors that say the house can keep nothing at the moment: Meta repeats what they struck for
    as long as it takes."""

    def __init__(
        self,
        house: House,
        cloud: CloudApi,
        counts: Counter[str],
        house_down: tuple[type[Exception], ...],
        thinking_s: float,
    ) -> None:
        self._house = house
        self._cloud = cloud
        self._counts = counts
        self._house_down = house_down
        self._thinking_s = thinking_s
        self._failing: Counter[str] = Counter()
        """By message id; what was left out stays, as its body may come again for another's sake."""

    async def take_in(self, post: Post) -> None:
        """What was said before a change of identity is taken before it, the rest after it.

        Raises: what the house raised when something could not be kept, once all else was taken in.
        """
        self._counts.update(post.ignored)
        left, stuck, failures = post.turns, set[str](), list[BaseException]()
        for change in post.changes:
            earlier = {turn.external_id for turn in left if turn.sent_at and turn.sent_at < change.at}
            failures += await self._take_all((turn for turn in left if turn.external_id in earlier), stuck)
            left = tuple(turn for turn in left if turn.external_id not in earlier)
            names = _names(change.before) | _names(change.now)
            failed = [] if stuck & _names(change.before) else await self._followed(change)
            stuck |= names if failed or stuck & names else set()
            failures += failed
        failures += await self._take_all(left, stuck)
        if post.receipts:
            failures += await _failures(self._house.heard_back(WHATSAPP, post.receipts))
        if failures:
            raise failures[0]

    async def _followed(self, change: Change) -> list[BaseException]:
        return await _failures(self._house.follow(WHATSAPP, change.before, change.now, change.at))

    async def _take_all(self, turns: Iterable[Turn], stuck: set[str]) -> list[BaseException]:
        """Each person's in order, different people's at the same time. Returns what failed.

        Those in `stuck` have a message that was not kept: their later ones wait for it. Whoever fails here joins them.
        """
        people: dict[str, list[Turn]] = {}
        for turn in turns:
            who = Person.of(turn.address)
            people.setdefault(who.user or who.number or "", []).append(turn)
        free = [theirs for who, theirs in people.items() if who not in stuck]
        ends = await asyncio.gather(*map(self._take_in_order, free), return_exceptions=True)
        for turn in (turn for theirs, end in zip(free, ends, strict=True) if end for turn in theirs):
            stuck |= _names(Person.of(turn.address))
        return [end for end in ends if end]

    async def _take_in_order(self, turns: list[Turn]) -> None:
        for turn in turns:
            if self._failing[turn.external_id] < POISON_TRIES:
                await self._take(turn)

    async def _take(self, turn: Turn) -> None:
        try:
            async with self._typing(turn.external_id):
                await self._house.take(turn)
        except self._house_down:
            raise
        except Exception as error:
            tries = self._failed(turn.external_id)
            if tries < POISON_TRIES:
                raise
            if tries == POISON_TRIES:  # a copy of it may fail at the same time
                await self._leave_out(turn, error)
        else:
            self._failing.pop(turn.external_id, None)

    def _failed(self, message_id: str) -> int:
        if message_id not in self._failing and len(self._failing) >= MAX_FAILING:
            del self._failing[next(iter(self._failing))]
        self._failing[message_id] += 1
        return self._failing[message_id]

    async def _leave_out(self, turn: Turn, error: Exception) -> None:
        """Said once, as well as we can: whatever is wrong with us may be wrong with the apology."""
        self._counts["poison"] += 1
        log.error("whatsapp.poison", error=type(error).__name__)
        try:
            words = apology(self._house.apology())
            await self._cloud.send(Person.of(turn.address), words, APOLOGY)
        except Exception as failed:
            self._counts["apology_failed"] += 1
            log.warning("whatsapp.apology_failed", error=type(failed).__name__)

    # --- typing ------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _typing(self, message_id: str) -> AsyncIterator[None]:
        """While the block takes longer than a moment, the enquirer sees that their message was read."""
        showing = asyncio.create_task(self._show_typing(message_id))
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def _show_typing(self, message_id: str) -> None:
        await asyncio.sleep(self._thinking_s)
        try:
            await self._cloud.show_typing(message_id)
        except DeliveryError:
            self._counts["typing_failed"] += 1


async def _failures(work: Awaitable[None]) -> list[BaseException]:
    (end,) = await asyncio.gather(work, return_exceptions=True)
    return [end] if end else []


def _names(person: Person) -> set[str]:
    return {name for name in (person.user, person.number) if name}
