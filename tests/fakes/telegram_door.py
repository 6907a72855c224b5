"""The Telegram server's door: how calls come in over HTTP, are answered, and go wrong when a test wants it."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from datetime import datetime
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes import telegram_faults as faults
from tests.fakes.telegram_faults import Fault
from tests.fakes.telegram_methods import METHODS, Params
from tests.fakes.telegram_rules import Json, Refused

if TYPE_CHECKING:
    from tests.fakes.telegram import FakeTelegram

HERE = "127.0.0.1"


@dataclass(slots=True)
class Call:
    """One call of the bot's. `status` is None until it was answered, and for ever when it never is."""

    method: str
    params: Json
    at: datetime
    chat: int | None
    status: int | None = None
    description: str = ""
    taken: bool = False
    """It had its effect."""


class Door:
    """One port of this computer; the same one after the server was down."""

    def __init__(self, fake: FakeTelegram) -> None:
        self.fake = fake
        self.port = 0
        self._closing = asyncio.Event()
        self._broken = False
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        return f"http://{HERE}:{self.port}"

    async def open(self) -> None:
        # A second socket keeps the port ours while the server is down.
        self._port_kept = socket.socket()
        self._port_kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._port_kept.bind((HERE, 0))
        self.port = self._port_kept.getsockname()[1]
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._called)
        app.router.add_get("/file/{path:.*}", self._file_asked_for)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        self.fake.updates.open()
        await self._listen()

    async def close(self) -> None:
        self._closing.set()
        self.fake.updates.end_poll("the server closes")
        await self.fake.updates.close()
        assert self._runner
        await self._runner.cleanup()
        self._port_kept.close()

    async def _listen(self) -> None:
        assert self._runner
        self._site = web.TCPSite(self._runner, HERE, self.port, reuse_port=True)
        await self._site.start()

    async def down(self, refuse: bool = True) -> None:
        """Nobody can reach the provider: connections are refused, or else every call gets 502. No webhook is called."""
        self._broken = self.fake.updates.down = True
        self.fake.updates.end_poll("the server goes down")
        if refuse and self._site and self._runner and self._runner.server:
            await self._site.stop()
            self._site = None
            for connection in self._runner.server.connections:
                connection.force_close()
                if connection.transport:
                    connection.transport.abort()

    async def up(self) -> None:
        self._broken = self.fake.updates.down = False
        if self._site is None:
            await self._listen()
        self.fake.updates.wake()

    async def _file_asked_for(self, request: web.Request) -> web.StreamResponse:
        self.fake.get_file_calls.append(request.match_info["path"].rpartition("/")[2])
        return web.json_response({"ok": False, "error_code": 404, "description": "Not Found"}, status=404)

    async def _called(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        params = await _params(request)
        chat = _int(params.given.get("chat_id"))
        call = Call(method, params.given, self.fake.now(), chat)
        self.fake.calls.append(call)
        if request.match_info["token"] != self.fake.token:
            return self._say(call, Refused(401, "Unauthorized"))
        if self.fake.before:
            self.fake.before(call)
        self.fake.changed()
        if self._broken:
            return self._fail(call, faults.server_error(502))
        fault = self.fake.faults.next(method, chat)
        if fault is None:
            return await self._take(call, params)
        return await self._go_wrong(request, call, params, fault)

    async def _take(self, call: Call, params: Params) -> web.StreamResponse:
        """The call does what it should, or is refused as Telegram would."""
        try:
            if call.method.lower() not in METHODS:
                raise Refused(404, "Not Found")
            result = METHODS[call.method.lower()](self.fake, params)
            call.taken = True
            if isawaitable(result):
                result = await result
        except Refused as refusal:
            return self._fail(call, faults.server_error(502)) if self._broken else self._say(call, refusal)
        if self.fake.after:
            self.fake.after(call)
        call.status = 200
        self.fake.changed()
        return web.json_response({"ok": True, "result": result})

    def _say(self, call: Call, refusal: Refused) -> web.Response:
        call.status, call.description = refusal.status, refusal.description
        self.fake.changed()
        body = {"ok": False, "error_code": refusal.status, "description": refusal.description}
        if refusal.parameters:
            body["parameters"] = refusal.parameters
        return web.json_response(body, status=refusal.status)

    async def _go_wrong(self, request: web.Request, call: Call, params: Params, fault: Fault) -> web.StreamResponse:
        answer = await self._take(call, params) if fault.taken else None
        if fault.delay_s:
            await self._sleep(fault.delay_s)
        if fault.ending == faults.SILENCE:
            call.status = None
            await self._sleep(3600)
        if fault.ending in (faults.SILENCE, faults.DROP):
            call.status = None
            if request.transport:
                request.transport.abort()
            return web.Response()
        if fault.ending == faults.GARBAGE:
            return web.Response(text='{"ok":true,"resu', content_type="application/json")
        return answer if answer and fault.status == 200 else self._fail(call, fault)

    def _fail(self, call: Call, fault: Fault) -> web.Response:
        call.status, call.description = fault.status, fault.description
        self.fake.changed()
        if fault.status >= 500:
            page = f"<html><head><title>{fault.status} Bad Gateway</title></head><body>nginx</body></html>"
            return web.Response(text=page, status=fault.status, content_type="text/html")
        body: Json = {"ok": False, "error_code": fault.status, "description": fault.description}
        if fault.retry_after is not None:
            body["parameters"] = {"retry_after": fault.retry_after}
        return web.json_response(body, status=fault.status)

    async def _sleep(self, seconds: float) -> None:
        """Ends early when the server closes; a bot that gives up cancels it."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return


async def _params(request: web.Request) -> Params:
    """From the address, and from a body of JSON, form or multipart."""
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        given |= await request.json() if request.can_read_body else {}
    elif request.method == "POST":
        given |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return Params(given)


def _int(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None
