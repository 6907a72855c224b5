"""Rasa's REST and callback channels: anything that can talk to a Rasa assistant can talk to Firstline.

REST: `POST /webhooks/rest/webhook {"sender", "message"}` answers a JSON list of messages.
Callback: `POST /webhooks/callback/webhook`, same body, answers "success"; messages are posted to the configured URL.
A button's payload is `#` and its token; sent back as the message it presses the button.
"""

import re
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, web

from bot.channels.bodies import Unusable, json_of
from bot.channels.contract import CALLBACK, REST, House, Limits, Parcel, Pushing
from bot.channels.markup import to_text
from bot.domain import Address, ChannelName, Opened, Pressed, Said, Token, Turn
from bot.engine.render import Rendered
from bot.errors import DeliveryError

MAX_SENDER_CHARACTERS = 200
BUTTON_MARK = "#"
_PAYLOAD = re.compile(r"#[0-9a-f]{1,12}\.[0-9a-f]{1,12}")
"""What a button of ours sends. Any other word with a # before it is a word: it passes guard and gate."""
STARTERS = frozenset({"/start", "/session_start", "/restart_session"})


def turn_from(body: Any, channel: ChannelName, now: datetime) -> Turn:
    """Raises: Unusable, saying what is wrong. `message_id` in `metadata` makes a repeated post harmless."""
    if not isinstance(body, dict):
        raise Unusable(text="The body must be a JSON object with sender and message.")
    sender, message = body.get("sender"), body.get("message")
    if not isinstance(sender, str) or not 0 < len(sender) <= MAX_SENDER_CHARACTERS:
        raise Unusable(text=f"sender must be text of 1 to {MAX_SENDER_CHARACTERS} characters.")
    if not isinstance(message, str):
        raise Unusable(text="message must be text.")
    metadata = body.get("metadata")
    external = metadata.get("message_id") if isinstance(metadata, dict) else None
    external = external if isinstance(external, str) and external else secrets.token_hex(16)
    return Turn(channel, Address(sender), external, _heard(message, now))


def _heard(message: str, now: datetime) -> Said | Pressed | Opened:
    if message in STARTERS:
        return Opened(now)
    if _PAYLOAD.fullmatch(message):
        return Pressed(Token(message[len(BUTTON_MARK) :]), now)
    return Said(message, now)


def as_rasa(sender: str, message: Rendered) -> dict[str, object]:
    shown: dict[str, object] = {
        "recipient_id": sender,
        "text": message.text if message.plain else to_text(message.text),
    }
    if message.choices:
        shown["buttons"] = [{"title": title, "payload": BUTTON_MARK + token} for token, title in message.choices]
    return shown


class RestChannel:
    def __init__(self, house: House, now: Callable[[], datetime]) -> None:
        self._house = house
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/webhooks/rest/", self.status),
            web.get("/webhooks/rest", self.status),
            web.post("/webhooks/rest/webhook", self.webhook),
        ]

    async def status(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def webhook(self, request: web.Request) -> web.StreamResponse:
        turn = turn_from(await json_of(request), REST, self._now())
        messages = [as_rasa(turn.address, each.rendered) for each in (await self._house.answer(turn)).lines]
        if request.query.get("stream") == "true":
            lines = "".join(f"{web.json_response(each).text}\n" for each in messages)
            return web.Response(text=lines, content_type="text/plain")
        return web.json_response(messages)


@dataclass(frozen=True, slots=True)
class Posted:
    """One message of a parcel; its number keeps two apart that are said together."""

    number: int
    message: Rendered


class CallbackChannel(Pushing[Posted]):
    """Posts each message to the configured URL; the courier sees to order and retries."""

    name = CALLBACK
    limits = Limits(text=4096, buttons=10, title=100, rows=10)

    def __init__(self, url: str, house: House, now: Callable[[], datetime]) -> None:
        self.counts: Counter[str] = Counter()
        self._url = url
        self._house = house
        self._now = now
        self._session: ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/webhooks/callback/", self.status), web.post("/webhooks/callback/webhook", self.webhook)]

    async def status(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def webhook(self, request: web.Request) -> web.Response:
        await self._house.take(turn_from(await json_of(request), CALLBACK, self._now()))
        return web.Response(text="success")

    def parts(self, parcel: Parcel) -> Sequence[Posted]:
        return [Posted(number, message) for number, message in enumerate(parcel.messages)]

    async def deliver(self, address: Address, seq: int, part: Posted) -> None:
        """Raises: DeliveryError."""
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=20))
        headers = {"Idempotency-Key": f"{seq}.{part.number}"}
        message = as_rasa(address, part.message)
        try:
            async with self._session.post(self._url, json=message, headers=headers) as response:
                status, pause = response.status, response.headers.get("Retry-After", "")
        except ClientConnectorError as error:
            raise DeliveryError("no_connection", retry_after_s=0) from error
        except ClientError as error:
            raise DeliveryError(type(error).__name__, retry_after_s=0, in_doubt=True) from error
        if status == 429 or status >= 500:
            wait = float(pause) if pause.isdecimal() and pause.isascii() else 0.0
            raise DeliveryError(f"http_{status}", retry_after_s=wait, in_doubt=status >= 500)
        if status >= 400:
            raise DeliveryError(f"http_{status}")

    async def close(self) -> None:
        if self._session:
            await self._session.close()
