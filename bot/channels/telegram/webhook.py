"""Telegram posts updates to us: 200 only once an update is durable; whoever does not know the secret is not read."""

import hmac
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from telegram import Update

from bot.channels.bodies import Unusable, json_of
from bot.channels.telegram.updates import number_of, read

PATH = "/webhooks/telegram"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 only its name
MAX_CONNECTIONS = 100


class Webhook:
    def __init__(self, secret: str, receive: Callable[[Update], Awaitable[None]], counts: Counter[str]) -> None:
        self._secret = secret.encode()
        self._receive = receive
        self._counts = counts

    async def post(self, request: web.Request) -> web.Response:
        """Raises: HTTPUnauthorized; HTTPBadRequest; HTTPRequestEntityTooLarge; what `receive` raises: then Telegram
        posts it again."""
        if not self._is_signed(request):
            self._counts["unsigned"] += 1
            raise web.HTTPUnauthorized(text="The secret is missing or wrong.")
        update = read(await self._body(request))
        if update is None:  # it would come again, and never be better
            self._counts["malformed"] += 1
        else:
            await self._receive(update)
        return web.Response()

    def _is_signed(self, request: web.Request) -> bool:
        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        return bool(self._secret) and hmac.compare_digest(given, self._secret)

    async def _body(self, request: web.Request) -> Any:
        try:
            body = await json_of(request)
            if number_of(body) is None:
                raise Unusable(text="This is no update.")
        except web.HTTPRequestEntityTooLarge:
            self._counts["too_large"] += 1
            raise
        except web.HTTPException:
            self._counts["malformed"] += 1
            raise
        return body
