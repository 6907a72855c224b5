"""Telegram's side for tests: the channel before a strict server and a house that only remembers, and raw updates."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from bot.channels.contract import Parcel, Taken
from bot.channels.telegram import polling, receiving, retrying
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.webhook import PATH
from bot.domain import Address, Said, Token, Turn
from bot.engine.render import Rendered
from tests.builders import NOON
from tests.fakes.telegram import FakeTelegram

SECRET = "secret_of-nobody"
ANN, BOB = 7, 8
ADVISERS, GROUP = -500, -600
SENT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DATE = int(SENT.timestamp())
PERSON = "Talk to a person en"
"""Below every question."""


class HouseDown(Exception):
    """Nothing can be kept."""


@dataclass
class FakeHouse:
    """Takes turns and remembers them; a test makes it slow or lets it fail."""

    kept: str | None = "kept"
    old_button: bool = False
    fails: Callable[[Turn], Exception | None] = lambda _: None
    gate: Callable[[Turn], asyncio.Event | None] = lambda _: None
    turns: list[Turn] = field(default_factory=list)
    asked: list[Turn] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)

    async def take(self, turn: Turn) -> Taken:
        self.asked.append(turn)
        if gate := self.gate(turn):
            await gate.wait()
        if error := self.fails(turn):
            raise error
        self.turns.append(turn)
        return Taken(self.kept, self.old_button)

    async def lost(self, channel: str, address: str, reason: str) -> None:
        self.told.append((f"lost {reason}", address))

    async def regained(self, channel: str, address: str) -> None:
        self.told.append(("regained", address))

    def words(self, response: str, language: str = "en") -> str:
        return f"Not **here** ({response})."

    def apology(self) -> str:
        return "Nothing was **kept**."

    def commands(self, language: str = "en") -> tuple[tuple[str, str], ...]:
        titles = {"talk_to_person": "Talk to a person", "stop": "x" * 300, "change_answer": "Not on the menu"}
        return tuple((intent, f"{title} {language}") for intent, title in titles.items())

    def said_by(self, who: int) -> list[str]:
        return [turn.heard.text for turn in self.turns if turn.address == str(who) and isinstance(turn.heard, Said)]


@asynccontextmanager
async def quick_telegram(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeTelegram]:
    """Pauses of a second take a moment. The bot is in the advisers' group, and nobody fetches a file."""
    monkeypatch.setattr(polling, "NOT_KEPT_PAUSE_S", 0.01)
    monkeypatch.setattr(polling, "MOMENT_S", 0.05)
    monkeypatch.setattr(polling, "CONFLICT_PATIENCE_S", 0.3)
    monkeypatch.setattr(retrying, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(receiving, "TYPING_AFTER_S", 0.05)
    async with FakeTelegram() as server:
        group = server.group(ADVISERS).chat
        group.found = group.member = True
        yield server
        assert server.get_file_calls == []


def channel_of(fake: FakeTelegram, house: Any, mode: str = "polling", public_url: str = "", **more: Any) -> Any:
    given = {"token": fake.token, "advisers": ADVISERS, "house_down": (HouseDown,), **more}
    token = given.pop("token")
    return TelegramChannel(token, fake.url, mode, public_url, SECRET, house, lambda: NOON, **given)


@asynccontextmanager
async def started(channel: TelegramChannel) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(channel.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await channel.close()


@asynccontextmanager
async def running(fake: FakeTelegram, house: Any, **more: Any) -> AsyncIterator[TelegramChannel]:
    """Polls from the beginning; what the fake is told before is fetched too."""
    channel = channel_of(fake, house, **more)
    async with started(channel):
        yield channel


@asynccontextmanager
async def sending(fake: FakeTelegram, *people: int, **more: Any) -> AsyncIterator[TelegramChannel]:
    """Only sends."""
    for person in people or (ANN,):
        fake.user(person).is_known()
    channel = channel_of(fake, FakeHouse(), **more)
    try:
        yield channel
    finally:
        await channel.close()


@asynccontextmanager
async def hooked(fake: FakeTelegram, house: FakeHouse) -> AsyncIterator[tuple[TelegramChannel, str]]:
    """The channel behind a server of its own."""
    app = web.Application(client_max_size=1024**2)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    channel: TelegramChannel | None = None

    async def post(given: web.Request) -> web.StreamResponse:
        assert channel
        [route] = channel.routes()
        try:
            return await route.handler(given)  # type: ignore[arg-type, return-value, misc, call-arg]
        except HouseDown:
            return web.Response(status=503)

    app.router.add_post(PATH, post)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    channel = channel_of(fake, house, "webhook", url + "/")
    async with started(channel):
        await fake.until(lambda: channel.up)
        yield channel, url + PATH
    await runner.cleanup()


def fetched(fake: FakeTelegram) -> Callable[[], bool]:
    """All updates were confirmed."""
    return lambda: not fake.pending


def failing(times: int, who: int = ANN) -> Callable[[Turn], Exception | None]:
    """Nothing this person says can be kept the first so many times."""
    failures = iter([HouseDown()] * times)
    return lambda turn: next(failures, None) if turn.address == str(who) else None


# --- what is sent ----------------------------------------------------------------------------------------------------


def offered(*titles: str, text: str = "Which **one**?") -> Parcel:
    choices = tuple((Token(f"{number:x}.2f"), title) for number, title in enumerate(titles, 1))
    return Parcel(1, (Rendered(text, choices),))


async def sent(channel: TelegramChannel, parcel: Parcel, to: int = ANN) -> int:
    """How many messages it became."""
    parts = channel.parts(parcel)
    for part in parts:
        await channel.deliver(Address(str(to)), parcel.seq, part)
    return len(parts)


# --- raw updates -----------------------------------------------------------------------------------------------------


def private(**content: Any) -> dict[str, Any]:
    return {"message": message(ANN, "private", **content)}


def edited(**content: Any) -> dict[str, Any]:
    return {"edited_message": message(ANN, "private", edit_date=DATE + 60, **content)}


def in_group(chat: int = GROUP, **content: Any) -> dict[str, Any]:
    return {"message": message(chat, "group", **content)}


def message(chat: int, kind: str, **content: Any) -> dict[str, Any]:
    about = {"first_name": "Ann"} if kind == "private" else {"title": "A group"}
    who = {"id": ANN, "is_bot": False, "first_name": "Ann", "language_code": content.pop("language", "en")}
    return {"message_id": 5, "date": DATE, "chat": {"id": chat, "type": kind, **about}, "from": who, **content}


def press(data: str, chat: int = ANN, kind: str = "private", date: int = DATE) -> dict[str, Any]:
    shown = message(chat, kind, date=date, **({"text": "Which?"} if date else {}))
    who = {"id": ANN, "is_bot": False, "first_name": "Ann"}
    return {"callback_query": {"id": "77", "from": who, "chat_instance": "1", "data": data, "message": shown}}


def membership(status: str, chat: int = ANN, kind: str = "private") -> dict[str, Any]:
    bot = {"id": 1, "is_bot": True, "first_name": "Firstline"}
    new = {"user": bot, "status": status, **({"until_date": 0} if status == "kicked" else {})}
    old = {"user": bot, "status": "left"}
    given = message(chat, kind)
    return {
        "my_chat_member": {
            "chat": given["chat"], "from": given["from"], "date": DATE, "old_chat_member": old, "new_chat_member": new,
        }
    }  # fmt: skip
