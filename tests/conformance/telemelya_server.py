"""Runs telemelya, an independent fake Telegram that others wrote, on a free port of this computer.

Telemelya wants Redis and MinIO: two small classes stand in for the calls it makes. Its routers are used as they are.
What Telegram does and telemelya lacks is added in `_server`: setMyCommands, and the secret in the header.
"""

import asyncio
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import uvicorn
from fastapi import FastAPI, Request
from telemelya.server import bot_api, control_api, media, state, webhook

START_S = 10.0


class MemoryInsteadOfRedis:
    """The dozen commands that telemelya gives to Redis."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.lists: dict[str, list[str]] = defaultdict(list)
        self.hashes: dict[str, dict[str, str]] = defaultdict(dict)

    async def set(self, key: str, value: str) -> None:
        self.values[key] = value

    async def get(self, key: str) -> str | None:
        return self.values.get(key)

    async def incr(self, key: str) -> int:
        self.values[key] = str(int(self.values.get(key, 0)) + 1)
        return int(self.values[key])

    async def delete(self, *keys: str) -> None:
        for key in keys:
            for kept in (self.values, self.lists, self.hashes):
                kept.pop(key, None)

    async def rpush(self, key: str, value: str) -> None:
        self.lists[key].append(value)

    async def lrange(self, key: str, first: int, last: int) -> list[str]:
        return self.lists[key][first:] if last == -1 else self.lists[key][first : last + 1]

    async def blpop(self, key: str, timeout: float) -> tuple[str, str] | None:  # noqa: ASYNC109 - Redis' own name
        ends = time.monotonic() + timeout
        while not self.lists[key] and time.monotonic() < ends:  # noqa: ASYNC110 - one thread, no event to wait for
            await asyncio.sleep(0.01)
        return (key, self.lists[key].pop(0)) if self.lists[key] else None

    async def hset(self, key: str, field: str, value: str) -> None:
        self.hashes[key][field] = value

    async def hget(self, key: str, field: str) -> str | None:
        return self.hashes[key].get(field)

    async def hgetall(self, key: str) -> dict[str, str]:
        return self.hashes[key]

    async def expire(self, key: str, seconds: int) -> None:
        """Nothing lives longer than the test."""

    async def ping(self) -> bool:
        return True


class MemoryInsteadOfMinio:
    """Takes files and counts who asks for them."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.fetched: list[str] = []

    async def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803
        self.objects[Key] = Body

    async def get_object(self, *, Bucket: str, Key: str) -> dict[str, "_Body"]:  # noqa: N803
        self.fetched.append(Key)
        return {"Body": _Body(self.objects[Key])}

    async def head_bucket(self, *, Bucket: str) -> None:  # noqa: N803
        """The one bucket is there."""


class _Body:
    def __init__(self, data: bytes) -> None:
        self._data = data

    async def __aenter__(self) -> "_Body":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing was opened."""

    async def read(self) -> bytes:
        return self._data


class Telemelya:
    """Where it runs, and every Bot API method that was called, in order."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.called: list[str] = []
        self.files = MemoryInsteadOfMinio()


@contextmanager
def running_telemelya() -> Iterator[Telemelya]:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        telemelya = Telemelya(door.getsockname()[1])
        server = _server(telemelya)
        thread = threading.Thread(target=server.run, args=([door],), daemon=True)
        thread.start()
        ends = time.monotonic() + START_S
        while not server.started and thread.is_alive() and time.monotonic() < ends:
            time.sleep(0.01)
        assert server.started, "telemelya did not start"
        try:
            yield telemelya
        finally:
            server.should_exit = True
            thread.join(START_S)


def _server(telemelya: Telemelya) -> uvicorn.Server:
    app = FastAPI()

    @app.middleware("http")
    async def note(request: Request, go_on: Any) -> Any:
        if request.url.path.startswith(("/bot", "/file/bot")):
            telemelya.called.append(request.url.path.rpartition("/")[2])
        return await go_on(request)

    @app.post("/bot{token}/setMyCommands")
    async def set_my_commands(token: str) -> dict[str, object]:
        return {"ok": True, "result": True}

    @app.post("/bot{token}/setWebhook")
    async def set_webhook(token: str, request: Request) -> Any:
        """Telemelya posts updates without the secret the bot asked for; Telegram sends it in a header."""
        body = await bot_api._parse_body(request)
        headers = {"X-Telegram-Bot-Api-Secret-Token": str(body.get("secret_token", ""))}
        webhook.aiohttp = SimpleNamespace(
            ClientSession=lambda: aiohttp.ClientSession(headers=headers), ClientTimeout=aiohttp.ClientTimeout
        )
        return await bot_api.set_webhook(token, request)

    app.include_router(bot_api.router)
    app.include_router(control_api.router)
    state.state_manager._redis = MemoryInsteadOfRedis()
    media.media_manager._client = telemelya.files
    return uvicorn.Server(uvicorn.Config(app, loop="asyncio", http="h11", lifespan="off", log_config=None))
