"""A strict Telegram Bot API server on this computer, with people who write to the bot and faults on demand.

    async with FakeTelegram() as fake:
        ann = fake.user(7)
        ann.starts()                                   # the bot fetches it, or it is posted to the webhook
        await fake.until(lambda: fake.sent(7))
        ann.presses("Yes")
        fake.fault("sendMessage", drop(), chat=7)      # taken, but the answer is lost

What stands in it outlives the bot: a bot that was killed and started again meets the same server. What Telegram
refuses is refused in `telegram_rules` and `telegram_methods`, in Telegram's words; faults are in `telegram_faults`.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Self

from tests.fakes.telegram_chats import Chat, Message, Query, message_payload
from tests.fakes.telegram_door import Call, Door
from tests.fakes.telegram_faults import Fault, Faults
from tests.fakes.telegram_people import Group, User
from tests.fakes.telegram_rules import Bucket, Json, too_many
from tests.fakes.telegram_updates import BY_CHAT, Updates

TOKEN = "123456:TEST-token_of_nobody"


class FakeTelegram:
    """The server. `limits` turns the pace of messages on; `clock` is what time it has; `posting` is one of
    `telegram_updates.IN_ORDER`, `BY_CHAT`, `AT_ONCE`; with `privacy` the bot hears only commands in groups."""

    def __init__(
        self, token: str = TOKEN, *, limits: bool = False, overall_per_s: float = 30, overall_burst: float = 30,
        chat_per_s: float = 1, chat_burst: float = 2, group_per_min: float = 20, privacy: bool = False,
        clock: Callable[[], datetime] | None = None, posting: str = BY_CHAT, retry_s: float = 0.05,
        query_life: timedelta = timedelta(minutes=1),
    ) -> None:  # fmt: skip
        self.token = token
        self.bot_id = int(token.partition(":")[0])
        self.username = "firstline_test_bot"
        self.limits, self.privacy, self.query_life = limits, privacy, query_life
        self.chat_pace, self.group_pace = (chat_per_s, chat_burst), (group_per_min / 60, group_per_min)
        self.calls: list[Call] = []
        self.get_file_calls: list[str] = []
        self.chats: dict[int, Chat] = {}
        self.every_message: dict[int, Message] = {}
        self.queries: dict[str, Query] = {}
        self.sent_texts: list[tuple[int, str]] = []
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.descriptions: dict[tuple[str, str], str] = {}
        self.updates = Updates(self.now, self.changed, posting, retry_s)
        self.before: Callable[[Call], object] | None = None
        """Told of each call when it arrives; it must not wait. A test kills the bot here."""
        self.after: Callable[[Call], object] | None = None
        """Told of each call that had its effect, before the bot hears of it."""
        self.history: list[Json] = []
        """Every update that was ever pushed."""
        self.faults = Faults()
        self._overall = Bucket(overall_per_s, overall_burst)
        self._buckets: dict[int, Bucket] = {}
        self._people: dict[int, User] = {}
        self._groups: dict[int, Group] = {}
        self._clock = clock or (lambda: datetime.now(UTC))
        self._moved = timedelta()
        self._numbers = count(101)
        self._changed = asyncio.Event()
        self._door = Door(self)

    # --- the server

    @property
    def url(self) -> str:
        return self._door.url

    async def __aenter__(self) -> Self:
        await self._door.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._door.close()

    async def down(self, refuse: bool = True) -> None:
        """Nobody can reach the provider: connections are refused, or else every call gets 502. No webhook is called."""
        await self._door.down(refuse)

    async def up(self) -> None:
        await self._door.up()

    # --- what a test does

    def user(self, number: int, first_name: str = "Sam", language: str = "en") -> User:
        """The same person each time; the bot finds their chat once they wrote."""
        if number not in self._people:
            about = {"first_name": first_name, "username": f"person{number}"}
            self.chats[number] = Chat(number, "private", about)
            self._people[number] = User(self, self.chats[number], language)
        return self._people[number]

    def group(self, number: int, title: str = "A group", kind: str = "group") -> Group:
        """Group numbers are below zero. The bot is in it after `adds_bot`."""
        if number not in self._groups:
            self.chats[number] = Chat(number, kind, {"title": title}, member=False)
            self._groups[number] = Group(self, self.chats[number])
        return self._groups[number]

    def push(self, update: Json) -> int | None:
        """Sends a raw update, without `update_id`. Its number; None when the bot does not want its kind."""
        content = json.loads(json.dumps({key: value for key, value in update.items() if key != "update_id"}))
        number = self.updates.push(content)
        if number is not None:
            self.history.append({"update_id": number, **content})
        return number

    def repeat(self, number: int) -> None:
        """Delivers an update once more, though it was confirmed."""
        self.updates.repeat(next(update for update in self.history if update["update_id"] == number))

    def fault(self, method: str, fault: Fault, times: int | None = 1, chat: int | None = None) -> None:
        """The next `times` calls (None: all) of this method ("*": any), in this chat, go wrong."""
        self.faults.plan(method, fault, times, chat)

    def heal(self) -> None:
        """No more faults."""
        self.faults.heal()

    def holds(self, chat: int, seconds: float) -> None:
        """That chat answers 429 until so much time has passed."""
        self.chats[chat].held_until = self._seconds() + seconds

    def later(self, by: timedelta) -> None:
        """Moves the server's clock on."""
        self._moved += by

    # --- what a test looks at

    def chat(self, number: int) -> Chat:
        return self.chats[number]

    def sent(self, chat: int | None = None) -> list[str]:
        """The texts the bot sent, in order, as people read them; edits are not among them."""
        return [text for where, text in self.sent_texts if chat in (None, where)]

    def calls_of(self, method: str, chat: int | None = None) -> list[Call]:
        return [call for call in self.calls if call.method.lower() == method.lower() and chat in (None, call.chat)]

    @property
    def pending(self) -> list[Json]:
        """Updates that the bot has not confirmed."""
        return [one.update for one in self.updates.waiting]

    async def until(self, predicate: Callable[[], object], timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Returns once the predicate holds. Raises: AssertionError when it does not in time."""
        end = time.monotonic() + timeout
        while not predicate():
            if time.monotonic() > end:
                recent = [f"{call.method} {call.status or 'unanswered'}" for call in self.calls[-8:]]
                raise AssertionError(f"not within {timeout} s; last calls: {recent}; pending: {len(self.pending)}")
            self._changed.clear()
            try:
                async with asyncio.timeout(0.05):
                    await self._changed.wait()
            except TimeoutError:
                continue

    # --- for the other parts of the server

    def now(self) -> datetime:
        return self._clock() + self._moved

    def _seconds(self) -> float:
        return time.monotonic() + self._moved.total_seconds()

    def changed(self) -> None:
        self._changed.set()

    def number(self) -> int:
        return next(self._numbers)

    def bot_user(self) -> Json:
        return {"id": self.bot_id, "is_bot": True, "first_name": "Firstline", "username": self.username}

    def payload(self, message: Message) -> Json:
        author = self.bot_user() if message.from_bot else self.user(message.author).payload()
        self.every_message[message.id] = message
        return message_payload(message, self.chats[message.chat_id], author)

    def pace(self, chat: Chat) -> None:
        """Raises: Refused with 429 when a message comes too soon."""
        now = self._seconds()
        waits = [chat.held_until - now]
        buckets = [self._overall, self._bucket(chat)] if self.limits else []
        waits += [bucket.wait(now) for bucket in buckets]
        if max(waits) > 0:
            raise too_many(max(1, math.ceil(max(waits))))
        for bucket in buckets:
            bucket.take()

    def _bucket(self, chat: Chat) -> Bucket:
        pace = self.chat_pace if chat.kind == "private" else self.group_pace
        return self._buckets.setdefault(chat.id, Bucket(*pace))
