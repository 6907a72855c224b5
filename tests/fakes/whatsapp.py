"""A strict fake of Meta's WhatsApp Cloud API on loopback. Everything it knows stays when its client is killed.

    async with FakeWhatsApp() as fake:
        fake.webhook_url = "http://127.0.0.1:5005/webhooks/whatsapp"
        sam = fake.person()
        await sam.says("hello")
        await fake.until(lambda: fake.sent(sam))
        sam.presses(fake.sent(sam)[-1].titles[0])

Ways of going wrong: `fake.faults.put(refused(131026), sam)` and the others in `whatsapp_faults`; `fake.pace = Pace()`;
`fake.webhooks.signing`, `.copies`, `.together(...)`, `.again(push)`; `await fake.down()`.
"""

import asyncio
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.fakes.whatsapp_graph import WINDOW, Graph
from tests.fakes.whatsapp_people import Person, Sent, status_value
from tests.fakes.whatsapp_rules import Json
from tests.fakes.whatsapp_webhooks import Change, Push, Signing, Webhooks

DRAMA = re.compile(r"447700900\d{3}")
"""Ofcom's numbers for drama: nobody has one."""


class FakeWhatsApp(Graph):
    """One business number at Meta."""

    def __init__(
        self,
        token: str = "EAAFakeToken",
        phone_id: str = "106540352242922",
        app_secret: str = "fake-app-secret",
        now: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(token, phone_id)
        self.app_secret = app_secret
        self.webhooks = Webhooks("102290129340398", app_secret)
        self.failures_name_contact = False
        """Meta names no contact in a `failed` webhook; pywa needs one."""
        self._now = now or (lambda: datetime.now(UTC))
        self._moved = timedelta()

    # --- its own life ------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self.recorded])
        app.router.add_route("*", "/{tail:.*}", self.route)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._listen(0)
        self.url = "http://{}:{}".format(*self._runner.addresses[0][:2])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._let_go.set()
        for task in self._tasks:
            task.cancel()
        await self.webhooks.close()
        await self._runner.cleanup()

    async def down(self, status: int | None = None) -> None:
        """No connection can be made; with a status, every request gets that one instead."""
        self._answers_only = status
        if status is None:
            await self._site.stop()
            self._let_go.set()
            for connection in self._runner.server.connections if self._runner.server else ():
                if connection.transport:
                    connection.transport.abort()
            await asyncio.sleep(0.01)  # a client in this process sees it before its next request

    async def up(self) -> None:
        if self._answers_only is None:
            self._let_go = asyncio.Event()
            await self._listen(int(self.url.rsplit(":", 1)[1]))
        self._answers_only = None

    async def _listen(self, port: int) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True)
        await self._site.start()

    def now(self) -> datetime:
        return self._now() + self._moved

    def passes(self, **passed: float) -> None:
        """Moves this server's clock: `fake.passes(hours=25)`."""
        self._moved += timedelta(**passed)

    # --- people, and what they see -----------------------------------------------------------------------------------

    def person(
        self, number: str | None = None, user_id: str | None = None, username: str | None = None, name: str = "Sam"
    ) -> Person:
        """What is given is what Meta tells of them; nothing given: a number and a user id are made up."""
        if number is None and username is None and user_id is None:
            number = f"4477009001{len(self.people):02}"
            user_id = made_up()
        if number is not None and not DRAMA.fullmatch(number):
            raise ValueError("only numbers of Ofcom's drama range: 447700900000 to 447700900999")
        if number is None and user_id is None:
            user_id = made_up()
        made = Person(self, name, number, user_id, username)
        self.people.append(made)
        return made

    def sent(self, person: Person | None = None) -> list[Sent]:
        """Our messages that were taken, in order; to one person, or all."""
        return [sent for sent in self._sent if person is None or sent.person is person]

    def closes_window(self, person: Person) -> None:
        """As if they had last written a day and a minute ago."""
        person.heard_at = self.now() - WINDOW - timedelta(minutes=1)

    def reads(self, person: Person) -> list[Push]:
        """They open the chat: `read` for all that they had not read."""
        return [self.reports(sent, "read") for sent in self.sent(person) if "read" not in sent.reached]

    def reports(self, sent: Sent, status: str, error: int | None = None) -> Push:
        """One status webhook, at once, out of any order."""
        sent.reached += (status,)
        sent.failed = error or sent.failed
        named = error is None or self.failures_name_contact
        told = status_value(sent, status, self.now(), error, named)
        return self.webhooks.push(Change("messages", self._headed(told)), queued=False)

    async def until(self, true: Callable[[], object], timeout: float = 10.0) -> None:  # noqa: ASYNC109 - a test's own word
        """Returns once it is true. Raises: AssertionError with what was sent so far."""
        try:
            async with asyncio.timeout(timeout):
                while not true():  # noqa: ASYNC110 - it may ask about anything
                    await asyncio.sleep(0.01)
        except TimeoutError:
            seen = [(sent.kind, sent.text[:60]) for sent in self._sent]
            raise AssertionError(f"still not so after {timeout} s; sent: {seen}") from None

    # --- webhooks ----------------------------------------------------------------------------------------------------

    @property
    def webhook_url(self) -> str | None:
        return self.webhooks.url

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self.webhooks.url = url

    async def verify(self, token: str) -> tuple[int, str]:
        """The handshake: our answer's status and text; `fake.webhooks.challenge` is what the text should be."""
        return await self.webhooks.verify(token)

    def heard(self, person: Person, message: Json, named: bool = True) -> Push:
        """A message of a person, as a webhook."""
        self._heard.add(message["id"])
        self._known.add(message["id"])
        contacts = {"contacts": [person.contact()]} if named else {}
        value = self._headed(contacts | {"messages": [message]})
        return self.webhooks.push(Change("messages", value), message["id"])

    def changed(self, field: str, value: Json) -> Push:
        return self.webhooks.push(Change(field, self._headed(value)))

    def push_raw(self, value: Json, field: str = "messages") -> Push:
        """One change with this value as it stands."""
        return self.webhooks.push(Change(field, value))

    def push_bytes(self, body: bytes, signing: Signing | None = None) -> Push:
        """Any body, signed; tried once."""
        push = Push()
        self.webhooks.deliver(body, [push], signing, queued=False, tries=1)
        return push

    def push_too_big(self, size: int = 1_100_000) -> Push:
        """A well-formed, well-signed message padded to this many bytes."""
        value = self._headed({"messages": [], "padding": "x" * size})
        return self.push_bytes(self.webhooks.serialised([Change("messages", value)]))

    def _headed(self, value: Json) -> Json:
        metadata = {"display_phone_number": self.display_number, "phone_number_id": self.phone_id}
        return {"messaging_product": "whatsapp", "metadata": metadata} | value


def made_up() -> str:
    """A user id as Meta makes them today: digits, though letters are allowed."""
    return f"GB.{secrets.randbelow(10**20):020}"
