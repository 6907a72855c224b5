"""WhatsApp: Meta's webhooks in, parcels out. Nothing here or below it knows where a picture could be fetched."""

import hashlib
import hmac
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from aiohttp import web

from bot.channels.contract import WHATSAPP, House, Parcel, Pushing
from bot.channels.pace import Pace
from bot.channels.whatsapp import hook
from bot.channels.whatsapp.messages import LIMITS, Content, Labels, contents, knock
from bot.channels.whatsapp.receiving import Receiving
from bot.channels.whatsapp.sending import PATIENCE_S, CloudApi, Refused
from bot.domain import Address, Person

PATH = "/webhooks/whatsapp"
OVERALL_PER_S = 80
"""Messages a second that a business number may send (Meta, "Throughput", 2026)."""
SLOWED_PER_S = 20
SLOWED_FOR_S = 60.0
THINKING_S = 1.0
"""After so long an enquirer sees that an answer is being written."""
CHOOSE = "choices"
"""The interface's words that open a list."""
TYPED = "type_for"
"""The interface's words below a question: what can be typed at any time."""

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,128}")


class WhatsAppChannel(Pushing[Content]):
    """`counts` says by kind what was refused, ignored or done differently.

    `house_down` are the errors that say the house can keep nothing at the moment. Any other error is a fault of ours; a
    message it strikes 5 times is left out. As long as nobody says which is which, none is left out.
    """

    name = WHATSAPP
    limits = LIMITS

    def __init__(
        self,
        token: str,
        phone_id: str,
        app_secret: str,
        verify_token: str,
        api: str,
        api_version: str,
        template: str,
        template_language: str,
        house: House,
        now: Callable[[], datetime],
        *,
        thinking_s: float = THINKING_S,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
        house_down: tuple[type[Exception], ...] = (Exception,),
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._phone_id = phone_id
        self._app_secret = app_secret.encode()
        self._verify_token = verify_token.encode()
        self._template = template
        self._template_language = template_language
        self._house = house
        self._now = now
        self._clock = clock
        self._cloud = CloudApi(token, phone_id, api, api_version, patience_s)
        self._receiving = Receiving(house, self._cloud, self.counts, house_down, thinking_s)
        self._pace = Pace(OVERALL_PER_S, 0, clock)
        self._slow_pace = Pace(SLOWED_PER_S, 0, clock)
        self._slow_until = clock()

    # --- what comes in -----------------------------------------------------------------------------------------------

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self.verify), web.post(PATH, self.webhook)]

    async def verify(self, request: web.Request) -> web.Response:
        """The handshake: Meta asks whether this address is ours, and reads its challenge back."""
        asked, challenge = request.query, request.query.get("hub.challenge", "")
        known = _same(asked.get("hub.verify_token", ""), self._verify_token)
        if asked.get("hub.mode") != "subscribe" or not known or not _CHALLENGE.fullmatch(challenge):
            self.counts["handshake_refused"] += 1
            raise web.HTTPForbidden(text="This is not how the webhook is verified.")
        return web.Response(text=challenge, content_type="text/plain")

    async def webhook(self, request: web.Request) -> web.Response:
        """Answered once everything in the body is on disk, or left out; until then Meta repeats it.

        Raises: LedgerError and kin when something could not be kept.
        """
        raw = await self._body(request)
        if not self._is_signed(raw, request.headers.get("X-Hub-Signature-256", "")):
            self.counts["unsigned"] += 1
            raise web.HTTPUnauthorized(text="The signature is missing or wrong.")
        try:
            body = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.counts["malformed"] += 1
            raise web.HTTPBadRequest(text="The body is not JSON in UTF-8.") from None
        await self._receiving.take_in(hook.read(body, self._phone_id, self._now()))
        return web.Response(text="ok")

    async def _body(self, request: web.Request) -> bytes:
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge:
            self.counts["too_large"] += 1
            raise

    def _is_signed(self, raw: bytes, signature: str) -> bool:
        right = hmac.new(self._app_secret, raw, hashlib.sha256).hexdigest()
        return _same(signature, f"sha256={right}".encode()) and bool(self._app_secret)

    # --- what goes out -----------------------------------------------------------------------------------------------

    async def admit(self, address: Address) -> None:
        """One pace for all; what one person may get in a row the provider says itself (131056)."""
        del address
        await (self._slow_pace if self._clock() < self._slow_until else self._pace).admit("")

    def parts(self, parcel: Parcel) -> Sequence[Content]:
        return contents(parcel, self._labels(parcel))

    async def deliver(self, address: Address, seq: int, part: Content) -> str | None:
        """Raises: DeliveryError."""
        to, note = Person.of(address), str(seq)
        try:
            return await self._send(to, part, note)
        except Refused as refused:
            if not refused.policy.plainer or part.plainer is None:
                raise
        self.counts["sent_plainer"] += 1
        return await self._send(to, part.plainer, note)

    async def knock(self, address: Address, language: str, seq: int) -> bool:
        """Sends the template in the one language it was approved in. Raises: DeliveryError."""
        del language
        if not self._template:
            return False
        content = knock(self._template, self._template_language)
        await self._send(Person.of(address), content, hook.knock_note(seq))
        return True

    async def probe(self) -> None:
        """Raises: DeliveryError."""
        await self._cloud.probe()

    async def close(self) -> None:
        await self._cloud.close()

    def _labels(self, parcel: Parcel) -> Labels:
        words = self._house.interface(parcel.messages[-1].language)
        return Labels(words.get(CHOOSE, ""), words.get(TYPED, ""))

    async def _send(self, to: Person, content: Content, note: str) -> str | None:
        try:
            return await self._cloud.send(to, content, note)
        except Refused as refused:
            if refused.policy.slow_down:
                self._slow_until = self._clock() + SLOWED_FOR_S
                self.counts["slowed"] += 1
            raise


def _same(given: str, right: bytes) -> bool:
    """In constant time. Nothing is never right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right) and bool(right)
