"""Telegram's side, in a process of its own: takes what is sent to chats, and posts what is typed in them.

It checks nothing (tests/fakes does); it only has to be quicker than what is measured. Moments are `time.monotonic()`,
which all processes of a machine share. It ends when its standard input does.
"""

import asyncio
import itertools
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

RETRY_AFTER_S = 30
PATIENCE_S = 60.0
"""How long what was asked for may take before the measurement is given up."""
LOOK_AGAIN_S = 0.02
Moments = tuple[int, float, float, float]
"""(number of the update, when it was posted, when its posting was answered, when its reply was here)."""


class Provider:
    def __init__(self, session: ClientSession) -> None:
        self._session = session
        self._numbers = itertools.count(1)
        self._arrived: defaultdict[int, list[float]] = defaultdict(list)
        self._flooded: frozenset[int] = frozenset()

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/bot{token}/{method}", self._called),
                web.post("/bench/say", self._say),
                web.post("/bench/flood", self._flood),
                web.post("/bench/arrivals", self._arrivals),
            ]
        )
        return app

    # --- the Bot API -------------------------------------------------------------------------------------------------

    async def _called(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        if method == "getMe":
            return _result({"id": 1, "is_bot": True, "first_name": "Bench", "username": "bench_bot"})
        if method != "sendMessage":
            return _result(True)
        form = parse_qs((await request.read()).decode())
        chat = int(form["chat_id"][0])
        if chat in self._flooded:
            return _too_many()
        self._arrived[chat].append(time.monotonic())
        where = {"id": chat, "type": "private", "first_name": "Sam"}
        return _result({"message_id": next(self._numbers), "date": 0, "chat": where, "text": form["text"][0]})

    # --- what the benchmark asks for ---------------------------------------------------------------------------------

    async def _flood(self, request: web.Request) -> web.Response:
        """From now on these chats, and no others, are answered "too many requests"."""
        self._flooded = frozenset(await request.json())
        return web.json_response(None)

    async def _arrivals(self, request: web.Request) -> web.Response:
        """When the first message for each of these chats was here; waits for all of them."""
        chats = await request.json()
        await self._until_arrived(dict.fromkeys(chats, 1))
        return web.json_response([self._arrived[chat][0] for chat in chats])

    async def _say(self, request: web.Request) -> web.Response:
        """Each chat says all the words. Without `a_second` it says the next as soon as the one before was taken; with
        it so many updates are posted a second, whether or not earlier ones were taken."""
        asked = await request.json()
        chats = range(asked["first"], asked["first"] + asked["chats"])
        before = {chat: len(self._arrived[chat]) for chat in chats}
        said = _Saying(self._session, asked["url"], asked["secret"], self._numbers)
        if asked["a_second"] is None:
            await asyncio.gather(*(said.all_by(chat, asked["words"]) for chat in chats))
        else:
            await said.offered(itertools.product(asked["words"], chats), asked["a_second"])
        await self._until_arrived({chat: before[chat] + len(asked["words"]) for chat in chats})
        return web.json_response([row for chat in chats for row in self._rows(chat, said.posted[chat], before[chat])])

    def _rows(self, chat: int, posted: list[tuple[int, float, float]], before: int) -> Iterable[Moments]:
        """One message answers one update here, in order; anything else would make every figure wrong."""
        arrived = self._arrived[chat][before:]
        assert len(arrived) == len(posted), "an update was not answered by exactly one message"
        return [(*each, moment) for each, moment in zip(sorted(posted), arrived, strict=True)]

    async def _until_arrived(self, due: dict[int, int]) -> None:
        """Raises: HTTPGatewayTimeout."""
        given_up = time.monotonic() + PATIENCE_S
        while any(len(self._arrived[chat]) < count for chat, count in due.items()):
            if time.monotonic() > given_up:
                raise web.HTTPGatewayTimeout(reason="Messages that were due did not come.")
            await asyncio.sleep(LOOK_AGAIN_S)


class _Saying:
    def __init__(self, session: ClientSession, url: str, secret: str, numbers: "itertools.count[int]") -> None:
        self._session = session
        self._url = url
        self._headers = {"X-Telegram-Bot-Api-Secret-Token": secret, "Content-Type": "application/json"}
        self._numbers = numbers
        self.posted: defaultdict[int, list[tuple[int, float, float]]] = defaultdict(list)

    async def all_by(self, chat: int, words: list[str]) -> None:
        for each in words:
            await self._post(chat, each)

    async def offered(self, said: Iterable[tuple[str, int]], a_second: float) -> None:
        started, tasks = time.monotonic(), []
        for place, (words, chat) in enumerate(said):
            await asyncio.sleep(max(0.0, started + place / a_second - time.monotonic()))
            tasks.append(asyncio.create_task(self._post(chat, words)))
        await asyncio.gather(*tasks)

    async def _post(self, chat: int, words: str) -> None:
        number = next(self._numbers)
        body = json.dumps(_update(number, chat, words)).encode()
        started = time.monotonic()
        async with self._session.post(self._url, data=body, headers=self._headers) as answer:
            assert answer.status == 200, f"an update was answered {answer.status}"
        self.posted[chat].append((number, started, time.monotonic()))


def _update(number: int, chat: int, words: str) -> dict[str, Any]:
    who = {"id": chat, "is_bot": False, "first_name": "Sam", "language_code": "en"}
    where = {"id": chat, "type": "private", "first_name": "Sam"}
    message = {"message_id": number, "date": int(time.time()), "from": who, "chat": where, "text": words}
    if words.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(words)}]
    return {"update_id": number, "message": message}


def _result(result: object) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _too_many() -> web.Response:
    said = {"ok": False, "error_code": 429, "description": f"Too Many Requests: retry after {RETRY_AFTER_S}"}
    return web.json_response({**said, "parameters": {"retry_after": RETRY_AFTER_S}}, status=429)


async def serve() -> None:
    """Prints its port once it listens."""
    async with ClientSession(connector=TCPConnector(limit=0), timeout=ClientTimeout(PATIENCE_S)) as session:
        runner = web.AppRunner(Provider(session).application(), access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
