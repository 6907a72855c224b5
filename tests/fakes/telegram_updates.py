"""Updates on their way to the bot: kept until confirmed, fetched by getUpdates or posted to the webhook."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import aiohttp

from tests.fakes.telegram_rules import Json, Refused

KEPT_FOR = timedelta(hours=24)
LONGEST_POLL_S = 50
HOOKED = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
POLLED = "terminated by other getUpdates request; make sure that only one bot instance is running"
ONLY_IF_ASKED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
IN_ORDER, BY_CHAT, AT_ONCE = "in order", "by chat", "at once"
"""How updates are posted: one after another; one after another in each chat, as Telegram does; all at the same time."""


@dataclass(slots=True, eq=False)
class Waiting:
    """An update that the bot has not confirmed."""

    update: Json
    since: datetime
    in_flight: bool = False
    tries: int = 0
    not_before: float = 0.0

    @property
    def number(self) -> int:
        return int(self.update["update_id"])

    @property
    def chat(self) -> object:
        """What it is about: updates of one chat are posted in order."""
        content: object = next((value for key, value in self.update.items() if key != "update_id"), {})
        if not isinstance(content, dict):
            return None
        return (content.get("chat") or content.get("message", {}).get("chat") or {}).get("id")


@dataclass(slots=True)
class Hook:
    """The webhook as it is set; without a URL there is none."""

    url: str = ""
    secret: str = ""
    connections: int = 40
    failed_at: int | None = None
    failed_with: str = ""


@dataclass(slots=True)
class Updates:
    """The queue, as strict as Telegram's."""

    now: Callable[[], datetime]
    changed: Callable[[], None]
    posting: str = BY_CHAT
    retry_s: float = 0.05
    patience_s: float = 60.0
    """For how long a webhook may take to answer."""
    waiting: list[Waiting] = field(default_factory=list)
    hook: Hook = field(default_factory=Hook)
    allowed: frozenset[str] = frozenset()
    reorder: bool = False
    """Newer updates come before older ones."""
    doubles: int = 0
    """So many of the next updates come twice."""
    down: bool = False
    _flying: int = 0
    _again: list[Json] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(700_000_001))
    _poll: "asyncio.Future[str] | None" = None
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)
    _session: aiohttp.ClientSession | None = None

    def push(self, content: Json) -> int | None:
        """Its number, None when the bot did not ask for updates of this kind."""
        kind = next(key for key in content if key != "update_id")
        if (self.allowed and kind not in self.allowed) or (not self.allowed and kind in ONLY_IF_ASKED):
            return None
        update = {"update_id": next(self._numbers), **content}
        for _ in range(2 if self.doubles else 1):
            self.waiting.append(Waiting(update, self.now()))
        self.doubles = max(0, self.doubles - 1)
        self.wake()
        return int(update["update_id"])

    def repeat(self, update: Json) -> None:
        """Delivers a confirmed update once more."""
        if self.hook.url:
            self.waiting.insert(0, Waiting(update, self.now()))
        else:
            self._again.append(update)
        self.wake()

    def wake(self) -> None:
        self.changed()
        self.end_poll("")
        self._post_all()

    def end_poll(self, conflict: str) -> None:
        """Wakes who waits for updates; with words, they are refused."""
        if self._poll and not self._poll.done():
            self._poll.set_result(conflict)

    def _expire(self) -> None:
        while self.waiting and self.now() - self.waiting[0].since >= KEPT_FOR:
            self.waiting.pop(0)

    # --- fetched

    async def get(self, offset: int, limit: int, timeout_s: int) -> list[Json]:
        """Long polling. Raises: Refused with 409 when another one polls, or a webhook is set."""
        if self.hook.url:
            raise Refused(409, HOOKED)
        self.confirm(offset)
        self.end_poll(POLLED)
        until = asyncio.get_running_loop().time() + max(0, min(timeout_s, LONGEST_POLL_S))
        while not (batch := self._batch(min(max(limit, 1), 100))):
            if not await self._wait(until):
                return []
        return batch

    async def _wait(self, until: float) -> bool:
        """False when the time is over."""
        loop = asyncio.get_running_loop()
        mine = self._poll = loop.create_future()
        try:
            async with asyncio.timeout_at(until):
                conflict = await mine
        except TimeoutError:
            return False
        finally:
            if self._poll is mine:
                self._poll = None
        if conflict:
            raise Refused(409, conflict)
        return True

    def confirm(self, offset: int) -> None:
        """Forgets every update before `offset`; a negative one counts from the end."""
        self._expire()
        if offset < 0:
            self.waiting = self.waiting[offset:]
        else:
            self.waiting = [one for one in self.waiting if one.number >= offset]
        self.changed()

    def _batch(self, limit: int) -> list[Json]:
        self._expire()
        batch = (self._again + [one.update for one in self.waiting])[:limit]
        self._again = self._again[limit:]
        return batch[::-1] if self.reorder else batch

    # --- posted

    def set_hook(self, hook: Hook) -> None:
        self.hook = hook
        if hook.url:
            self.end_poll("terminated by setWebhook request")
        self._post_all()

    def _post_all(self) -> None:
        """Starts what may start now."""
        if not self.hook.url or self.down or self._session is None:
            return
        self._expire()
        time = asyncio.get_running_loop().time()
        earlier: set[object] = set()
        for one in self.waiting[::-1] if self.reorder else list(self.waiting):
            if self._flying >= self.hook.connections:
                return
            queue = self._queue(one)
            if not one.in_flight and one.not_before <= time and queue not in earlier:
                one.in_flight = True
                self._flying += 1
                self._start(one)
            earlier.add(queue)

    def _queue(self, one: Waiting) -> object:
        """Of the updates with the same answer, the next one is posted when the one before has been taken."""
        if self.posting == AT_ONCE or self.reorder:
            return one
        return None if self.posting == IN_ORDER else one.chat

    def _start(self, one: Waiting) -> None:
        task = asyncio.get_running_loop().create_task(self._post(one))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, one: Waiting) -> None:
        one.tries += 1
        failed = await self._answer_to(one)
        one.in_flight = False
        self._flying -= 1
        if not failed:
            self.waiting = [other for other in self.waiting if other is not one]
        else:
            self.hook.failed_at, self.hook.failed_with = int(self.now().timestamp()), failed
            loop = asyncio.get_running_loop()
            one.not_before = loop.time() + self.retry_s
            loop.call_later(self.retry_s + 0.001, self._post_all)
        self.changed()
        self._post_all()

    async def _answer_to(self, one: Waiting) -> str:
        """What went wrong, nothing when the bot took it."""
        assert self._session
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.hook.secret} if self.hook.secret else {}
        patience = aiohttp.ClientTimeout(total=self.patience_s)
        try:
            async with self._session.post(self.hook.url, json=one.update, headers=headers, timeout=patience) as answer:
                await answer.read()
                return "" if 200 <= answer.status < 300 else f"Wrong response from the webhook: {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError):
            return "Connection refused or timed out"

    def open(self) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def close(self) -> None:
        session, self._session = self._session, None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if session:
            await session.close()
