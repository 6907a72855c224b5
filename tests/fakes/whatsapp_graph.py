"""The HTTP side of the fake WhatsApp: the part of Meta's Graph API that one business number uses."""

import asyncio
import contextlib
import json
import re
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from tests.fakes import whatsapp_rules as rules
from tests.fakes.whatsapp_faults import Answered, Fault, Faults, Pace
from tests.fakes.whatsapp_people import Person, Sent, given, wamid
from tests.fakes.whatsapp_rules import Json, Refused, Template
from tests.fakes.whatsapp_webhooks import Push

WINDOW = timedelta(hours=24)
BAD_TOKEN = 190
UNDELIVERABLE = 131026
WINDOW_CLOSED = 131047


@dataclass(slots=True)
class Call:
    """One HTTP request that reached us; `status` None while it is unanswered, 0 when it never was answered."""

    method: str
    path: str
    body: Json | None
    at: datetime
    status: int | None = None


CALL = web.RequestKey("call", Call)


class Graph:
    """Takes or refuses what is sent, and remembers it."""

    def __init__(self, token: str, phone_id: str) -> None:
        self.token, self.phone_id = token, phone_id
        self.url = ""
        self.display_number = "447700900000"
        self.verified_name = "Firstline test"
        self.templates: dict[tuple[str, str], Template] = {}
        """By name and language code."""
        self.faults = Faults()
        self.pace: Pace | None = None
        """None: as fast as you like."""
        self.window_fails_later = False
        """Past the window: a normal answer and a `failed` webhook, as Meta often does, instead of 400."""
        self.statuses: tuple[str, ...] = ("sent", "delivered")
        """Reported by themselves, in this order, for each message taken; () to report by hand."""
        self.statuses_first = False
        """Whether they are with us before the HTTP answer is."""
        self.people: list[Person] = []
        self.calls: list[Call] = []
        self.media_calls: list[Call] = []
        """Every request for a file that somebody sent. There should be none."""
        self.marked_read: list[str] = []
        """Ids of people's messages that we showed as read, in order."""
        self.typing_at: list[str] = []
        """Those of them at which we showed that we were typing."""
        self._sent: list[Sent] = []
        self._taken: deque[tuple[datetime, Person]] = deque(maxlen=10_000)
        self._heard: set[str] = set()
        self._known: set[str] = set()
        self._answers_only: int | None = None
        self._let_go = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def now(self) -> datetime:
        raise NotImplementedError

    def reports(self, sent: Sent, status: str, error: int | None = None) -> Push:
        raise NotImplementedError

    @web.middleware
    async def recorded(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        body = None
        with contextlib.suppress(ValueError):
            body = json.loads(await request.read())
        call = Call(request.method, request.path, body if isinstance(body, dict) else None, self.now())
        self.calls.append(call)
        request[CALL] = call
        try:
            if self._answers_only is not None:
                raise Refused(131016, "Service unavailable", self._answers_only)
            answer = await handler(request)
        except Refused as refused:
            answer = web.json_response(refused.body(secrets.token_hex(8)), status=refused.status)
        call.status = answer.status if call.status is None else call.status
        return answer

    async def route(self, request: web.Request) -> web.StreamResponse:
        match request.path.strip("/").split("/"):
            case ["media", *_]:
                self.media_calls.append(request[CALL])
                return web.Response(body=b"\xff\xd8\xff\xe0 not a picture", content_type="image/jpeg")
            case [version, self.phone_id, "messages"] if _versioned(version) and request.method == "POST":
                self._let_in(request)
                return await self._message(request)
            case [version, self.phone_id] if _versioned(version) and request.method == "GET":
                self._let_in(request)
                told = {"display_phone_number": self.display_number, "verified_name": self.verified_name}
                return web.json_response({"id": self.phone_id} | told)
            case [version, media_id] if _versioned(version) and media_id.isdigit():
                self.media_calls.append(request[CALL])
                self._let_in(request)
                file = {"url": f"{self.url}/media/{media_id}", "mime_type": "image/jpeg", "sha256": "0"}
                return web.json_response({"messaging_product": "whatsapp", "id": media_id} | file)
        raise Refused(rules.WRONG_SHAPE, "Unsupported request. Object does not exist, or not for this method")

    def _let_in(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Refused(BAD_TOKEN, "The access token could not be decrypted")

    async def _message(self, request: web.Request) -> web.StreamResponse:
        body: Json | None = request[CALL].body
        if body is None or request.content_type != "application/json":
            raise Refused(rules.WRONG_SHAPE, "The body is not a JSON object")
        if "status" in body:
            return self._read(body)
        name, who = rules.recipient_of(body)
        person = self._whose(name, who)
        fault = self.faults.next(person) if person else Fault()
        if fault.taken:
            shown = rules.shown(body, self.templates, self._known)
            if person is None:
                raise Refused(UNDELIVERABLE, "Not a WhatsApp account")
            error = self._window(person, shown.kind) or (fault.code if fault.later else None)
            if self.pace:
                self.pace.allows(person, self._taken, self.now())
            sent = self._take(person, shown, body, name == "user")
            await self._report(sent, error)
        elif fault.code is not None:
            raise Refused(fault.code, rules.title_of(fault.code), fault.status)
        await asyncio.sleep(fault.delay_s)
        if fault.answered is not Answered.NORMALLY:
            return await self._badly_answered(request, fault)
        told = given(input=body.get("to", who), wa_id=who) if name == "number" else {"input": who, "user_id": who}
        message = {"id": sent.id} | ({"message_status": "accepted"} if shown.kind == "template" else {})
        return web.json_response({"messaging_product": "whatsapp", "contacts": [told], "messages": [message]})

    async def _badly_answered(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.answered is Answered.GARBLED:
            return web.Response(text="<html>{", content_type="text/html")
        if fault.answered is Answered.NEVER:
            await self._let_go.wait()
        request[CALL].status = 0
        if request.transport:
            request.transport.abort()
        return web.Response()

    def _read(self, body: Json) -> web.Response:
        message_id, typing = rules.receipt_of(body)
        if message_id not in self._heard:
            raise Refused(rules.BAD_VALUE, "message_id: no such message")
        self.marked_read.append(message_id)
        self.typing_at += [message_id] if typing else []
        return web.json_response({"success": True})

    def _whose(self, name: str, who: str) -> Person | None:
        named = (person for person in self.people if who == (person.number if name == "number" else person.user_id))
        return next(named, None)

    def _window(self, person: Person, kind: str) -> int | None:
        """None: it may be sent. Otherwise the code it will fail with later. Raises: Refused, unless later."""
        if kind == "template" or (person.heard_at and self.now() - person.heard_at < WINDOW):
            return None
        if self.window_fails_later:
            return WINDOW_CLOSED
        raise Refused(WINDOW_CLOSED, "More than 24 hours have passed since the customer last replied")

    def _take(self, person: Person, shown: rules.Shown, body: Json, by_user_id: bool) -> Sent:
        sent = Sent(wamid(), person, shown, self.now(), body.get("biz_opaque_callback_data"), body, by_user_id)
        self._sent.append(sent)
        self._known.add(sent.id)
        self._taken.append((sent.at, person))
        return sent

    async def _report(self, sent: Sent, error: int | None) -> None:
        task = asyncio.create_task(self._report_in_turn(sent, error))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.statuses_first:
            await asyncio.wait({task}, timeout=5)

    async def _report_in_turn(self, sent: Sent, error: int | None) -> None:
        for status in self.statuses if error is None else ("failed",):
            await self.reports(sent, status, error)


def _versioned(version: str) -> bool:
    return re.fullmatch(r"v\d+\.\d+", version) is not None
