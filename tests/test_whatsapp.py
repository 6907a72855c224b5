"""WhatsApp: what its webhooks say, what we send, and what each refusal means, against the strict fake."""

import asyncio
import hashlib
import hmac
import io
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.contract import WHATSAPP, Parcel, Reach, Receipt, Taken
from bot.channels.whatsapp import channel as channel_module
from bot.channels.whatsapp import messages, receiving, sending
from bot.channels.whatsapp.channel import WhatsAppChannel
from bot.domain import Address, ChannelName, MediaKind, MediaRefused, Opened, Person, Pressed, Said, Token, Turn
from bot.engine.render import Rendered
from bot.errors import DeliveryError
from bot.server import MAX_BODY_BYTES, errors
from handoff.errors import LedgerError
from tests.fakes import whatsapp_rules as rules
from tests.fakes.whatsapp import FakeWhatsApp
from tests.fakes.whatsapp_faults import (
    DROPPED,
    SILENT,
    TAKEN_GARBLED,
    TAKEN_SILENT,
    Fault,
    broken,
    failed_later,
    refused,
)
from tests.fakes.whatsapp_people import Person as Enquirer
from tests.fakes.whatsapp_webhooks import By, Signing

Json = dict[str, Any]

NOW = datetime(2026, 11, 22, 11, tzinfo=UTC)
STAMP = 1_795_345_000
SENT_AT = datetime.fromtimestamp(STAMP, UTC)
PHONE_ID = "106540352242922"
SECRET, VERIFY, TOKEN = "fake-app-secret", "fake-verify", "EAAFakeToken"
SAM = Person("GB.40b5c3", "447700900123")
KIM = Person("GB.99aa", "447700900124")
SAM_AT = Address("GB.40b5c3|447700900123")
PACKAGE = Path(sending.__file__).parent


# --- a house, and a channel in front of it ---------------------------------------------------------------------------


@dataclass
class FakeHouse:
    """Keeps what it is told. A message is kept once, however often it comes, as the real house does."""

    turns: list[Turn] = field(default_factory=list)
    follows: list[tuple[Person, Person]] = field(default_factory=list)
    followed_at: list[datetime] = field(default_factory=list)
    receipts: list[Sequence[Receipt]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    breaks_on: set[str] = field(default_factory=set)
    """Ids of messages that cannot be kept."""
    stumbles_on: set[str] = field(default_factory=set)
    """Ids of messages at which a fault of ours shows."""
    words_fail: bool = False
    slow: dict[str | None, asyncio.Event] = field(default_factory=dict)
    """User id -> what their turns wait for."""

    async def take(self, turn: Turn) -> Taken:
        person = turn.person or Person(None, None)
        if person.user in self.slow:
            await self.slow[person.user].wait()
        await asyncio.sleep(0)
        if turn.external_id in self.breaks_on:
            raise LedgerError("full")
        if turn.external_id in self.stumbles_on:
            raise ValueError("a fault of ours")
        if turn.external_id not in {each.external_id for each in self.turns}:
            self.turns.append(turn)
            self.order.append(turn.external_id)
        return Taken(None)

    async def follow(self, channel: ChannelName, before: Person, now: Person, at: datetime) -> None:
        assert channel == WHATSAPP
        self.follows.append((before, now))
        self.followed_at.append(at)
        self.order.append("follow")

    async def heard_back(self, channel: ChannelName, receipts: Sequence[Receipt]) -> None:
        assert channel == WHATSAPP
        self.receipts.append(tuple(receipts))

    def apology(self) -> str:
        if self.words_fail:
            raise KeyError("utter_not_kept")
        return "That was **not** kept."

    def interface(self, language: str) -> Mapping[str, str]:
        return {"en": {"choices": "Choose an answer"}, "cy": {"choices": "Dewiswch ateb"}}.get(language, {})


@dataclass
class Line:
    """The channel behind its real middleware, and the fake it talks to."""

    fake: FakeWhatsApp
    house: FakeHouse
    channel: WhatsAppChannel
    url: str

    async def post(self, body: bytes, signature: str | None) -> int:
        headers = {"Content-Type": "application/json"} | ({"X-Hub-Signature-256": signature} if signature else {})
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=io.BytesIO(body), headers=headers) as answer,
        ):
            return answer.status

    async def says(self, *values: Json, field: str = "messages") -> int:
        body = json.dumps(body_of(*values, field=field)).encode()
        return await self.post(body, signed(body))


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Line]:
    async with FakeWhatsApp(TOKEN, PHONE_ID, SECRET) as fake:
        house = FakeHouse()
        given: Any = {"api_version": "v26.0", "template": "answer_waits", "template_language": "en_GB"}
        given |= {"house_down": (LedgerError,), **options}
        fake.templates[("answer_waits", "en_GB")] = rules.Template()
        channel = WhatsAppChannel(
            given.pop("token", TOKEN), PHONE_ID, SECRET, VERIFY, fake.url, house=house, now=lambda: NOW, **given
        )
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[errors("sorry")])
        app.add_routes(channel.routes())
        async with TestServer(app) as server:
            fake.webhook_url = str(server.make_url("/webhooks/whatsapp"))
            yield Line(fake, house, channel, fake.webhook_url)
        await channel.close()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with opened() as made:
        yield made


def signed(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def body_of(*values: Json, field: str = "messages") -> Json:
    changes = [{"field": field, "value": value} for value in values]
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}


def value_of(phone_id: str = PHONE_ID, **parts: Any) -> Json:
    metadata = {"display_phone_number": "447700900000", "phone_number_id": phone_id}
    return {"messaging_product": "whatsapp", "metadata": metadata, **parts}


def message(
    kind: str, content: object, of: Person = SAM, id_: str = "wamid.1", at: int = STAMP, **more: object
) -> Json:
    who = {"from": of.number, "from_user_id": of.user}
    return {k: v for k, v in who.items() if v} | {"id": id_, "timestamp": str(at), "type": kind, kind: content, **more}


def says(text: str, of: Person = SAM, id_: str = "wamid.1", at: int = STAMP) -> Json:
    return message("text", {"body": text}, of, id_, at)


def from_sam(kind: str, content: object, **more: object) -> Json:
    return value_of(messages=[message(kind, content, **more)])


def status(reach: str, data: str | None = "7", id_: str = "wamid.o", codes: Sequence[int] = ()) -> Json:
    told: Json = {"id": id_, "status": reach, "timestamp": str(STAMP), "recipient_id": SAM.number}
    told |= {"biz_opaque_callback_data": data} if data is not None else {}
    return told | ({"errors": [{"code": code, "title": "x"} for code in codes]} if codes else {})


def turn(heard: Any, of: Person = SAM, id_: str = "wamid.1") -> Turn:
    return Turn(WHATSAPP, of.address, id_, heard, of, SENT_AT)


def parcel(text: str, *titles: str, seq: int = 7, language: str = "en", plain: bool = False) -> Parcel:
    choices = tuple((Token(f"1.{number:x}"), title) for number, title in enumerate(titles, start=1))
    return Parcel(seq, (Rendered(text, choices, language=language, plain=plain),))


def request(kind: str, content: Json, to: Json | None = None, seq: str = "7") -> Json:
    envelope = {"messaging_product": "whatsapp", "recipient_type": "individual", **(to or {"recipient": SAM.user})}
    return {**envelope, "type": kind, kind: content, "biz_opaque_callback_data": seq}


def text_of(words: str) -> Json:
    return {"body": words, "preview_url": False}


def button(id_: str, title: str) -> Json:
    return {"type": "reply", "reply": {"id": id_, "title": title}}


# --- one table: label, raw payload, expected turn, expected requests -------------------------------------------------


@dataclass(frozen=True)
class Row:
    label: str
    raw: Json
    turns: tuple[Turn, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    follows: tuple[tuple[Person, Person], ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    field: str = "messages"
    answer: Parcel | None = None
    requests: tuple[Json, ...] = ()


def left(kind: MediaKind, words: str = "") -> MediaRefused:
    return MediaRefused(kind, NOW, words, left_in_chat=True)


FILE = {"id": "275485", "mime_type": "image/jpeg", "sha256": "x", "url": "http://127.0.0.1:1/media/275485"}
REPLY = {"button_reply": {"id": "3f.1", "title": "Yes"}, "type": "button_reply"}
ROW_REPLY = {"list_reply": {"id": "3f.a", "title": "An image…", "description": "d"}, "type": "list_reply"}
FOREIGN = {"button_reply": {"id": "some other id", "title": "Call me"}, "type": "button_reply"}
NEW_NUMBER = {"type": "user_changed_number", "wa_id": "447700900199", "body": "User A changed from B to C"}
NEW_ID = {"type": "user_changed_user_id", "user_id": "GB.new", "previous_user_id": SAM.user, "body": "x"}
USERNAME_ONLY = Person("GB.40b5c3", None)
NUMBER_ONLY = Person(None, "447700900123")
CONTACTS = [
    {"profile": {"name": "Kim"}, "wa_id": KIM.number, "user_id": KIM.user},
    {"profile": {"name": "Sam"}, "wa_id": SAM.number, "user_id": SAM.user},
]
UPDATE = {"wa_id": SAM.number, "user_id": {"previous": SAM.user, "current": "GB.new"}, "timestamp": str(STAMP)}

TABLE = [
    Row("words", from_sam("text", {"body": "hi *there*"}), (turn(Said("hi *there*", NOW)),)),
    Row(
        "words, answered with buttons",
        from_sam("text", {"body": "hello"}),
        (turn(Said("hello", NOW)),),
        answer=parcel("Is anyone in **danger**?", "Yes", "No"),
        requests=(
            request(
                "interactive",
                {
                    "type": "button",
                    "action": {"buttons": [button("1.1", "Yes"), button("1.2", "No")]},
                    "body": {"text": "Is anyone in *danger*?"},
                },
            ),
        ),
    ),
    Row(
        "words, answered with a list",
        from_sam("text", {"body": "hello"}),
        (turn(Said("hello", NOW)),),
        answer=parcel("Ble?", "Cymru", "Lloegr", "Yr Alban", "Somewhere else in the world", language="cy"),
        requests=(
            request(
                "interactive",
                {
                    "type": "list",
                    "action": {
                        "button": "Dewiswch ateb",
                        "sections": [
                            {
                                "rows": [
                                    {"id": "1.1", "title": "Cymru"},
                                    {"id": "1.2", "title": "Lloegr"},
                                    {"id": "1.3", "title": "Yr Alban"},
                                    {
                                        "id": "1.4",
                                        "title": "Somewhere else in the…",
                                        "description": "Somewhere else in the world",
                                    },
                                ]
                            }
                        ],
                    },
                    "body": {"text": "Ble?"},
                },
            ),
        ),
    ),
    Row(
        "words, answered with numbered words",
        from_sam("text", {"body": "hello"}),
        (turn(Said("hello", NOW)),),
        answer=parcel("Which?", *(f"Choice {number}" for number in range(1, 12))),
        requests=(request("text", text_of("Which?\n\n" + "\n".join(f"{n}. Choice {n}" for n in range(1, 12)))),),
    ),
    Row(
        "an adviser's words are one message, as typed",
        from_sam("text", {"body": "hello"}),
        (turn(Said("hello", NOW)),),
        answer=parcel("x" * 3_999 + "*", plain=True),
        requests=(request("text", text_of("x" * 3_999 + "*")),),
    ),
    Row(
        "a link that names a flow",
        from_sam("text", {"body": "/start impersonation"}),
        (turn(Opened(NOW, "impersonation")),),
    ),
    Row(
        "a link that names who sent them",
        from_sam("text", {"body": "/START impersonation-school42"}),
        (turn(Opened(NOW, "impersonation", referrer="school42")),),
    ),
    Row(
        "words that look like a link's code",
        from_sam("text", {"body": "start self-harming"}),
        (turn(Said("start self-harming", NOW)),),
    ),
    Row(
        "words after the command that begins",
        from_sam("text", {"body": "/start they are self-harming"}),
        (turn(Said("they are self-harming", NOW)),),
    ),
    Row("a word after it", from_sam("text", {"body": "/start help!"}), (turn(Said("help!", NOW)),)),
    Row("only begun", from_sam("text", {"body": "/start"}), (turn(Opened(NOW)),)),
    Row("words that begin like a link", from_sam("text", {"body": "start again"}), (turn(Said("start again", NOW)),)),
    Row("a command", from_sam("text", {"body": " /Person "}), (turn(Pressed(Token("!talk_to_person"), NOW)),)),
    Row("language", from_sam("text", {"body": "/language"}), (turn(Pressed(Token("!switch_language"), NOW)),)),
    Row("danger", from_sam("text", {"body": "/danger"}), (turn(Pressed(Token("!danger_now"), NOW)),)),
    Row("why", from_sam("text", {"body": "/why"}), (turn(Pressed(Token("!why"), NOW)),)),
    Row("words after a command", from_sam("text", {"body": "/why me"}), (turn(Said("/why me", NOW)),)),
    Row("a button", from_sam("interactive", REPLY), (turn(Pressed(Token("3f.1"), NOW)),)),
    Row("a row", from_sam("interactive", ROW_REPLY), (turn(Pressed(Token("3f.a"), NOW)),)),
    Row("a button that is not ours", from_sam("interactive", FOREIGN), (turn(Said("Call me", NOW)),)),
    Row("a form", from_sam("interactive", {"type": "nfm_reply", "nfm_reply": {}}), ignored={"unknown_type": 1}),
    Row("a template's button", from_sam("button", {"payload": "x", "text": "OPEN"}), (turn(Said("OPEN", NOW)),)),
    Row("a picture", from_sam("image", {**FILE, "caption": "look"}), (turn(left(MediaKind.PHOTO, "look")),)),
    Row("a film", from_sam("video", FILE), (turn(left(MediaKind.VIDEO)),)),
    Row("a voice", from_sam("audio", {**FILE, "voice": True}), (turn(left(MediaKind.VOICE)),)),
    Row("a document", from_sam("document", {**FILE, "filename": "name.pdf"}), (turn(left(MediaKind.DOCUMENT)),)),
    Row("a sticker", from_sam("sticker", FILE), (turn(left(MediaKind.STICKER)),)),
    Row("contacts", from_sam("contacts", [{"name": {"formatted_name": "K"}}]), (turn(left(MediaKind.CONTACT)),)),
    Row("a place", from_sam("location", {"latitude": 51.5, "longitude": 0}), (turn(left(MediaKind.LOCATION)),)),
    Row("a poll", from_sam("unsupported", {"type": "poll"}, errors=[{"code": 131051}]), (turn(left(MediaKind.OTHER)),)),
    Row("a reaction", from_sam("reaction", {"message_id": "wamid.o", "emoji": "👍"}), ignored={"reaction": 1}),
    Row("an order", from_sam("order", {"product_items": []}), ignored={"unknown_type": 1}),
    Row("a kind of tomorrow", from_sam("hologram", {}), ignored={"unknown_type": 1}),
    Row(
        "a change of words",
        from_sam("edit", {"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "new"}}}),
        (turn(Said("new", NOW, edited=True)),),
    ),
    Row("a change we are not shown", from_sam("unsupported", {"type": "edit"}), (turn(Said("", NOW, edited=True)),)),
    Row("taken back", from_sam("revoke", {"original_message_id": "wamid.0"}), ignored={"revoked": 1}),
    Row("from a group", from_sam("text", {"body": "hi"}, group_id="g1"), ignored={"group": 1}),
    Row("the chat was opened", from_sam("request_welcome", {}), (turn(Opened(NOW)),)),
    Row(
        "someone with a username only",
        value_of(messages=[says("hi", USERNAME_ONLY)], contacts=[{"profile": {}, "user_id": SAM.user}]),
        (turn(Said("hi", NOW), USERNAME_ONLY),),
        answer=parcel("Hello."),
        requests=(request("text", text_of("Hello."), {"recipient": "GB.40b5c3"}),),
    ),
    Row(
        "before user ids",
        value_of(messages=[says("hi", NUMBER_ONLY)]),
        (turn(Said("hi", NOW), NUMBER_ONLY),),
        answer=parcel("Hello."),
        requests=(request("text", text_of("Hello."), {"to": SAM.number}),),
    ),
    Row(
        "the contact tells the user id, not another's",
        value_of(messages=[says("hi", NUMBER_ONLY)], contacts=CONTACTS),
        (turn(Said("hi", NOW)),),
    ),
    Row(
        "the contact tells the number",
        value_of(messages=[says("hi", USERNAME_ONLY)], contacts=CONTACTS),
        (turn(Said("hi", NOW)),),
    ),
    Row(
        "the only contact may have another number",
        value_of(messages=[says("hi", NUMBER_ONLY)], contacts=[{"wa_id": "5215512345678", "user_id": SAM.user}]),
        (turn(Said("hi", NOW)),),
    ),
    Row(
        "an only contact that is somebody else",
        value_of(messages=[says("hi", USERNAME_ONLY)], contacts=CONTACTS[:1]),
        (turn(Said("hi", NOW), USERNAME_ONLY),),
    ),
    Row("nobody said it", value_of(messages=[says("hi", Person(None, None))]), ignored={"bad_message": 1}),
    Row(
        "one bad message among good ones",
        value_of(messages=[says("a"), {"type": "text"}, "no", 5, None, says("b", id_="wamid.2")]),
        (turn(Said("a", NOW)), turn(Said("b", NOW), id_="wamid.2")),
        ignored={"bad_message": 4},
    ),
    Row(
        "a new number",
        value_of(messages=[message("system", NEW_NUMBER, NUMBER_ONLY)]),
        follows=((NUMBER_ONLY, Person(None, "447700900199")),),
    ),
    Row(
        "a new number and user id",
        value_of(
            messages=[message("system", {**NEW_NUMBER, "user_id": "GB.new", "previous_user_id": SAM.user}, NUMBER_ONLY)]
        ),
        follows=((SAM, Person("GB.new", "447700900199")),),
    ),
    Row(
        "a new number whose new user id is not told",
        value_of(messages=[message("system", NEW_NUMBER, SAM)]),
        follows=((SAM, Person(None, "447700900199")),),
    ),
    Row(
        "a new user id, told from the number that may not be theirs any more",
        value_of(messages=[message("system", NEW_ID, NUMBER_ONLY)]),
        follows=((SAM, Person("GB.new", None)),),
    ),
    Row(
        "a change to what they were known by already",
        value_of(messages=[message("system", {**NEW_NUMBER, "wa_id": SAM.number}, SAM)]),
        ignored={"no_change": 1},
    ),
    Row(
        "a new user id",
        value_of(messages=[message("system", NEW_ID, Person(None, None))]),
        follows=((USERNAME_ONLY, Person("GB.new", None)),),
    ),
    Row(
        "a new user id, as a field",
        value_of(user_id_update=[UPDATE]),
        follows=((USERNAME_ONLY, Person("GB.new", SAM.number)),),
        field="user_id_update",
    ),
    Row(
        "a change from nobody",
        value_of(messages=[message("system", {"type": "user_changed_user_id", "user_id": "GB.n"}, Person(None, None))]),
        ignored={"bad_change": 1},
    ),
    Row("another event", from_sam("system", {"type": "customer_identity_changed"}), ignored={"unknown_type": 1}),
    Row(
        "receipts, in one call",
        value_of(statuses=[status("sent"), status("delivered"), status("read", None)]),
        receipts=(
            Receipt(Reach.SENT, 7, "wamid.o"),
            Receipt(Reach.DELIVERED, 7, "wamid.o"),
            Receipt(Reach.READ, None, "wamid.o"),
        ),
    ),
    Row(
        "failures",
        value_of(statuses=[status("failed", codes=[131026]), status("failed", codes=[131047]), status("failed")]),
        receipts=(
            Receipt(Reach.FAILED, 7, "wamid.o", "undeliverable"),
            Receipt(Reach.FAILED, 7, "wamid.o", "window_closed", window_closed=True),
            Receipt(Reach.FAILED, 7, "wamid.o", "unknown"),
        ),
    ),
    Row(
        "a number that is none of ours",
        value_of(statuses=[status("sent", "x7")]),
        receipts=(Receipt(Reach.SENT, None, "wamid.o"),),
    ),
    Row("receipts of a knock", value_of(statuses=[status("delivered", "knock.7")]), ignored={"knock_delivered": 1}),
    Row(
        "a knock that failed",
        value_of(statuses=[status("failed", "knock.7", codes=[131049])]),
        receipts=(Receipt(Reach.FAILED, None, "wamid.o", "knock_failed", knock_of=7),),
    ),
    Row("receipts of an apology", value_of(statuses=[status("failed", "apology")]), ignored={"apology_failed": 1}),
    Row("a status of tomorrow", value_of(statuses=[status("pondered")]), ignored={"unknown_status": 1}),
    Row("another number's", value_of("999", messages=[says("hi")]), ignored={"other_number": 1}),
    Row("a report of errors", value_of(errors=[{"code": 130429}]), ignored={"error_report": 1}),
    Row("another field", {"event": "DISABLED"}, field="account_alerts", ignored={"other_field": 1}),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.label)
async def test_what_comes_in_and_what_goes_out(row: Row, line: Line) -> None:
    sam = line.fake.person(SAM.number, SAM.user)
    sam.heard_at = line.fake.now()

    assert await line.says(row.raw, field=row.field) == 200

    assert tuple(line.house.turns) == row.turns
    assert tuple(line.house.follows) == row.follows
    assert line.house.followed_at == [SENT_AT] * len(row.follows)
    assert line.house.receipts == ([row.receipts] if row.receipts else [])
    assert +line.channel.counts == Counter(row.ignored)
    if row.answer:
        for part in line.channel.parts(row.answer):
            assert await line.channel.deliver(line.house.turns[0].address, row.answer.seq, part)
    assert tuple(call.body for call in line.fake.calls) == row.requests
    assert line.fake.media_calls == []


# --- who may speak to us ---------------------------------------------------------------------------------------------

BODY = json.dumps(body_of(value_of(messages=[says("café")]))).encode()


async def test_a_right_signature_opens_the_door(line: Line) -> None:
    assert await line.post(BODY, signed(BODY)) == 200
    assert len(line.house.turns) == 1


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        signed(BODY, "another secret"),
        signed(BODY).removeprefix("sha256="),
        signed(BODY).upper(),
        "sha1=" + signed(BODY)[7:],
        signed(BODY)[:-1],
        signed(BODY) + " x",
        "sha256=é",
    ],
)
async def test_without_a_right_signature_nothing_is_read(signature: str | None, line: Line) -> None:
    assert await line.post(BODY, signature) == 401
    assert await line.post(b"{ not even JSON", signature) == 401
    assert line.house.turns == []
    assert line.channel.counts == Counter(unsigned=2)


async def test_the_signature_is_over_the_bytes_not_over_what_they_mean(line: Line) -> None:
    same = json.dumps(json.loads(BODY), ensure_ascii=False).encode()
    assert json.loads(same) == json.loads(BODY)
    assert await line.post(same, signed(BODY)) == 401
    assert await line.post(same, signed(same)) == 200


@pytest.mark.parametrize("signing", [Signing.NONE, Signing.WRONG, Signing.RESERIALISED])
async def test_a_forged_webhook_of_the_provider_s_is_refused(signing: Signing, line: Line) -> None:
    line.fake.webhooks.signing = signing
    push = await line.fake.person(name="Zoë").says("hello")
    assert push.answers == [401]
    assert line.house.turns == []


async def test_without_an_app_secret_nobody_is_let_in(line: Line) -> None:
    channel = WhatsAppChannel(
        TOKEN,
        PHONE_ID,
        "",
        "",
        line.fake.url,
        "v26.0",
        "",
        "",
        line.house,
        lambda: NOW,
    )
    app = web.Application()
    app.add_routes(channel.routes())
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        url = server.make_url("/webhooks/whatsapp")
        async with session.post(url, data=BODY, headers={"X-Hub-Signature-256": signed(BODY, "")}) as answer:
            assert answer.status == 401
        asked = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
        async with session.get(url, params=asked) as answer:
            assert answer.status == 403


async def test_the_handshake_answers_the_challenge_as_plain_text(line: Line) -> None:
    assert await line.fake.verify(VERIFY) == (200, line.fake.webhooks.challenge)
    status, text = await line.fake.verify("guessed")
    assert (status, line.fake.webhooks.challenge in text) == (403, False)
    assert line.channel.counts == Counter(handshake_refused=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hub.mode": "unsubscribe"},
        {"hub.verify_token": "é"},
        {"hub.challenge": "<script>alert(1)</script>"},
        {"hub.challenge": "1" * 200},
        {"hub.challenge": ""},
    ],
)
async def test_a_handshake_that_is_wrong_in_one_thing_is_refused(wrong: dict[str, str], line: Line) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444"}
    async with aiohttp.ClientSession() as session:
        async with session.get(line.url, params=asked) as answer:
            assert (answer.status, answer.content_type) == (200, "text/plain")
        async with session.get(line.url, params=asked | wrong) as answer:
            assert answer.status == 403


@pytest.mark.parametrize("raw", [b"{", b"", b"\xff\xfe", b'{"a": "\xed\xa0\x80"}', b"[" * 50_000, b"null null"])
async def test_what_is_not_json_is_refused_and_counted(raw: bytes, line: Line) -> None:
    assert await line.post(raw, signed(raw)) == 400
    assert line.channel.counts == Counter(malformed=1)


@pytest.mark.parametrize(
    "body",
    [
        None,
        5,
        [],
        {},
        {"object": "page", "entry": []},
        {"object": "whatsapp_business_account"},
        {"object": "whatsapp_business_account", "entry": 5},
        {"object": "whatsapp_business_account", "entry": [None, {"changes": {"a": 1}}, {"changes": [5, {"field": 1}]}]},
        body_of({"metadata": 5, "messages": "x"}),
        body_of(value_of(messages=5, statuses={}, contacts="x", errors="x")),
        body_of(value_of(messages=[{"type": ["text"], "id": 5, "text": 5, "timestamp": []}])),
        body_of(value_of(messages=[message("text", {"body": 5}), message("text", None, id_="a b")])),
        body_of(value_of(messages=[message("interactive", {"type": "button_reply", "button_reply": 5})])),
        body_of(value_of(messages=[message("system", 5)], statuses=[{"status": "failed", "errors": [5, {}]}])),
        body_of(value_of(user_id_update=[5, {"user_id": 5}]), field="user_id_update"),
    ],
)
async def test_any_shape_of_json_is_answered_and_leads_to_nothing(body: object, line: Line) -> None:
    raw = json.dumps(body).encode()
    assert await line.post(raw, signed(raw)) == 200
    assert line.house.turns == []
    assert line.house.receipts == []


async def test_a_body_over_a_megabyte_is_refused_and_counted(line: Line) -> None:
    raw = b'"' + b"x" * MAX_BODY_BYTES + b'"'
    assert await line.post(raw, signed(raw)) == 413
    assert line.channel.counts == Counter(too_large=1)


# --- order, copies, several people -----------------------------------------------------------------------------------


async def test_copies_and_any_order_lead_to_each_message_once_in_order(line: Line) -> None:
    sam = line.fake.person()
    line.fake.webhooks.copies = 3
    for by in By:
        with line.fake.webhooks.together(by, backwards=True):
            pushes = [sam.says(f"{by} {n}", at=datetime.fromtimestamp(STAMP + n, UTC)) for n in range(3)]
        await pushes[-1]
    said = [each.heard.text for each in line.house.turns if isinstance(each.heard, Said)]
    assert said == [f"{by} {n}" for by in By for n in range(3)]


async def test_people_do_not_wait_for_each_other_but_the_answer_waits_for_all(line: Line) -> None:
    line.house.slow[KIM.user] = asyncio.Event()
    value = value_of(messages=[says("1", KIM, "k1"), says("2", KIM, "k2", STAMP + 1), says("1", SAM, "s1")])
    posted = asyncio.create_task(line.says(value))
    await line.fake.until(lambda: line.house.order == ["s1"])
    assert not posted.done()
    line.house.slow[KIM.user].set()
    assert await posted == 200
    assert line.house.order == ["s1", "k1", "k2"]


async def test_what_cannot_be_kept_is_not_acknowledged_and_is_kept_when_it_comes_again(line: Line) -> None:
    line.house.breaks_on = {"s1"}
    value = value_of(
        messages=[says("1", SAM, "s1"), says("2", SAM, "s2", STAMP + 1), says("1", KIM, "k1")],
        statuses=[status("read")],
    )
    assert await line.says(value) == 503
    assert line.house.order == ["k1"]
    line.house.breaks_on = set()
    assert await line.says(value) == 200
    assert line.house.order == ["k1", "s1", "s2"]


async def test_a_number_change_is_followed_between_what_was_said_before_and_after(line: Line) -> None:
    new = Person(None, "447700900199")
    change = message("system", NEW_NUMBER, NUMBER_ONLY, "c", STAMP + 5)
    early, late = says("before", NUMBER_ONLY, "s1", STAMP), says("after", new, "s2", STAMP + 9)
    assert await line.says(value_of(messages=[late, change, early])) == 200
    assert line.house.order == ["s1", "follow", "s2"]
    assert line.house.followed_at == [datetime.fromtimestamp(STAMP + 5, UTC)]


async def test_a_person_who_changes_number_and_user_id_is_followed(line: Line) -> None:
    sam = line.fake.person(SAM.number, SAM.user)
    await sam.changes_number("447700900199", "GB.new1")
    await sam.changes_user_id("GB.new2")
    await sam.changes_user_id("GB.new3", as_message=True)
    assert line.house.follows == [
        (SAM, Person("GB.new1", "447700900199")),
        (Person("GB.new1", None), Person("GB.new2", "447700900199")),
        (Person("GB.new2", None), Person("GB.new3", None)),
    ]


async def test_a_thousand_messages_in_one_body(line: Line) -> None:
    people = [Person(f"GB.{n:04}", None) for n in range(100)]
    many = [says("x", people[n % 100], f"m{n:04}", STAMP + n) for n in range(1_000)]
    assert await line.says(value_of(messages=many[::-1])) == 200
    assert len(line.house.turns) == 1_000
    for person in people:
        assert (ids := [each.external_id for each in line.house.turns if each.person == person]) == sorted(ids)


@pytest.mark.parametrize("stamp", ["", "yesterday", "-5", "9" * 30, 1_795_345_000])
async def test_an_odd_time_loses_no_message(stamp: object, line: Line) -> None:
    assert await line.says(value_of(messages=[{**says("hi"), "timestamp": stamp}])) == 200
    assert line.house.turns[0].sent_at == (SENT_AT if stamp == STAMP else None)


# --- what fails, and what does not because of it ---------------------------------------------------------------------


CHANGE_OF_SAM = message("system", {**NEW_NUMBER, "user_id": "GB.new"}, SAM, "c", STAMP + 5)
CHANGE_OF_KIM = message("system", {**NEW_NUMBER, "user_id": "GB.kim"}, KIM, "c", STAMP + 5)
SAM_ANEW = Person("GB.new", "447700900199")


@pytest.mark.parametrize("broken", ["breaks_on", "stumbles_on"])
@pytest.mark.parametrize(("change", "author"), [(CHANGE_OF_SAM, SAM_ANEW), (CHANGE_OF_KIM, SAM)], ids=["own", "other"])
async def test_a_message_that_fails_holds_up_its_author_alone(
    line: Line, broken: str, change: Json, author: Person
) -> None:
    setattr(line.house, broken, {"s1"})
    spoken = [says("1", SAM, "s1"), says("2", author, "s2", STAMP + 9), says("1", KIM, "k1")]
    assert await line.says(value_of(messages=[*spoken, change], statuses=[status("read")])) >= 500
    followed = [] if change is CHANGE_OF_SAM else ["follow"]  # a change waits for what was said before it
    assert line.house.order == ["k1", *followed], "negative control: s2 comes after s1"
    assert line.house.receipts == [(Receipt(Reach.READ, 7, "wamid.o"),)]


async def test_a_message_that_always_fails_is_left_out_after_five_tries_with_an_apology(line: Line) -> None:
    sam = reached(line)
    line.house.stumbles_on = {"s1"}
    value = value_of(messages=[says("secret", SAM, "s1"), says("2", SAM, "s2", STAMP + 1)])
    with structlog.testing.capture_logs() as logs:
        assert [await line.says(value) for _ in range(5)] == [500] * 4 + [200]
    assert line.house.order == ["s2"]
    assert [(each.text, each.by_user_id) for each in line.fake.sent(sam)] == [("That was *not* kept.", True)]
    assert [log for log in logs if log["event"] == "whatsapp.poison"] == [
        {"event": "whatsapp.poison", "log_level": "error", "error": "ValueError"}
    ]
    assert "secret" not in repr(logs)
    await line.fake.until(lambda: line.channel.counts["apology_delivered"])
    assert line.channel.counts == Counter(poison=1, apology_sent=1, apology_delivered=1)
    assert line.house.receipts == []


async def test_what_was_left_out_is_neither_tried_nor_apologised_for_again(line: Line) -> None:
    sam = reached(line)
    line.house.stumbles_on = {"s1"}
    assert {await line.says(value_of(messages=[says("1", SAM, "s1")])) for _ in range(5)} == {500, 200}
    line.house.stumbles_on = {"k1"}
    value = value_of(messages=[says("1", SAM, "s1"), says("1", KIM, "k1")])
    assert await line.says(value) == 500
    assert line.house.order == []
    assert len(line.fake.sent(sam)) == 1


async def test_copies_that_fail_at_the_same_time_are_apologised_for_once(line: Line) -> None:
    sam = reached(line)
    line.house.stumbles_on = {"s1"}
    value = value_of(messages=[says("1", SAM, "s1")])
    assert {500, 200} >= set(await asyncio.gather(*(line.says(value) for _ in range(9))))
    assert len(line.fake.sent(sam)) == 1
    assert line.channel.counts["poison"] == 1


async def test_a_message_that_fails_now_and_then_is_never_left_out(line: Line) -> None:
    for n in range(3):
        line.house.stumbles_on = {"s1"}
        assert [await line.says(value_of(messages=[says("1", SAM, "s1")])) for _ in range(4)] == [500] * 4, n
        line.house.stumbles_on = set()
        assert await line.says(value_of(messages=[says("1", SAM, "s1")])) == 200
    assert line.channel.counts["poison"] == 0


async def test_nothing_is_left_out_while_the_house_is_down(line: Line) -> None:
    line.house.breaks_on = {"s1"}
    assert [await line.says(value_of(messages=[says("1", SAM, "s1")])) for _ in range(9)] == [503] * 9
    line.house.breaks_on = set()
    assert await line.says(value_of(messages=[says("1", SAM, "s1")])) == 200
    assert line.house.order == ["s1"]


async def test_nothing_is_left_out_as_long_as_nobody_says_which_errors_are_the_house_s() -> None:
    async with opened(house_down=(Exception,)) as line:
        line.house.stumbles_on = {"s1"}
        assert [await line.says(value_of(messages=[says("1", SAM, "s1")])) for _ in range(7)] == [500] * 7


@pytest.mark.parametrize("words_fail", [True, False])
async def test_an_apology_that_fails_too_harms_nothing(line: Line, words_fail: bool) -> None:
    line.house.words_fail = words_fail
    await line.fake.down(503)
    line.house.stumbles_on = {"s1"}
    value = value_of(messages=[says("1", SAM, "s1"), says("2", SAM, "s2", STAMP + 1)])
    assert [await line.says(value) for _ in range(5)] == [500] * 4 + [200]
    assert line.house.order == ["s2"]
    assert line.channel.counts == Counter(poison=1, apology_failed=1)


async def test_only_so_many_failing_messages_are_remembered(line: Line) -> None:
    line.house.stumbles_on = {f"m{n}" for n in range(receiving.MAX_FAILING + 5)}
    many = [says("x", Person(f"GB.{n:04}", None), f"m{n}") for n in range(receiving.MAX_FAILING + 5)]
    assert await line.says(value_of(messages=many)) == 500
    assert len(line.channel._receiving._failing) == receiving.MAX_FAILING


# --- media -----------------------------------------------------------------------------------------------------------


async def test_no_picture_voice_or_file_is_ever_fetched(line: Line) -> None:
    sam = line.fake.person()
    pushes = [*sam.sends_album(3, "look"), sam.sends_video(), sam.sends_voice(), sam.sends_audio(), sam.sends_sticker()]
    pushes += [sam.sends_document("a list"), sam.sends_contacts(), sam.sends_location(), sam.sends_unsupported()]
    for push in pushes:
        await push
    heard = [each.heard for each in line.house.turns]
    assert len(heard) == len(pushes)
    assert all(isinstance(each, MediaRefused) and each.left_in_chat for each in heard)
    assert line.fake.calls == []
    assert line.fake.media_calls == []


WHERE_MEDIA_ARE = re.compile(r"""lookaside|/media|media_(?:id|url)|["'](?:url|link|sha256|mime_type)["']|download""")


def test_no_code_knows_where_a_picture_could_be_fetched() -> None:
    assert WHERE_MEDIA_ARE.search('response = await session.get(message["image"]["url"])')
    found = [path.name for path in PACKAGE.glob("*.py") if WHERE_MEDIA_ARE.search(path.read_text())]
    assert found == []


def test_only_two_addresses_are_ever_asked() -> None:
    source = "".join(path.read_text() for path in PACKAGE.glob("*.py"))
    assert re.findall(r"\.(get|post)\((self\._number|f\"\{self\._number\}/messages\")", source) == [
        ("get", "self._number"),
        ("post", 'f"{self._number}/messages"'),
    ]
    assert len(re.findall(r"self\._number\b", source)) == 3
    assert source.count("self._opened().") == 2


# --- what a parcel looks like ----------------------------------------------------------------------------------------


def shown(parcel: Parcel, choose: str = "Choose an answer") -> list[rules.Shown]:
    """As the recipient sees it. Raises: rules.Refused where the provider would not take it."""
    return [as_seen(content) for content in messages.contents(parcel, messages.Labels(choose))]


def as_seen(content: messages.Content) -> rules.Shown:
    whole = {"messaging_product": "whatsapp", "to": SAM.number, "biz_opaque_callback_data": "7", **content.shown}
    return rules.shown(json.loads(json.dumps(whole)), {}, ())


@pytest.mark.parametrize(
    ("titles", "kind"),
    [
        (["x" * 20], "button"),
        (["Yes", "No", "I do not know"], "button"),
        (["x" * 21, "No"], "list"),
        (["Yes", "No", "Maybe", "Other"], "list"),
        (["Yes", "yes"], "list"),
        (["x" * 72] * 10, "list"),
        (["x" * 73, "No"], "text"),
        ([f"{n}" for n in range(11)], "text"),
        (["", "No"], "text"),
    ],
)
def test_choices_are_buttons_then_a_list_then_numbered(titles: list[str], kind: str) -> None:
    assert [each.kind for each in shown(parcel("Which?", *titles))] == [kind]


def test_a_long_label_is_cut_at_a_word_and_stands_below_in_full() -> None:
    titles = ["A nude image of a child was shared", "A nude image of an adult was shared", "Short one", "Another"]
    assert [(row.title, row.description) for row in shown(parcel("?", *titles))[0].rows] == [
        ("A nude image of a child…", titles[0]),
        ("A nude image of an…", titles[1]),
        ("Short one", ""),
        ("Another", ""),
    ]


def test_rows_that_begin_alike_are_told_apart() -> None:
    titles = [f"Something long that begins alike {end}" for end in "abc"]
    rows = shown(parcel("?", *titles))[0].rows
    assert len({row.title for row in rows}) == 3
    assert [row.description for row in rows] == titles


def test_what_does_not_fit_above_buttons_goes_before_them() -> None:
    page = "\n\n".join(f"Paragraph {n} " + "word " * 60 for n in range(12))
    *before, last = shown(parcel(f"{page}\n\nDid that help?", "Yes", "No"))
    assert [each.kind for each in before] == ["text"]
    assert last.text.startswith("Paragraph 9 ")
    assert last.text.endswith("Did that help?")
    assert "Paragraph 8" in before[-1].text


def test_one_endless_paragraph_still_has_its_buttons() -> None:
    seen = shown(parcel("word " * 2_000, "Yes", "No"))
    assert [each.kind for each in seen] == ["text", "text", "text", "button"]
    assert "".join(each.text for each in seen).replace(" ", "") == "word" * 2_000


def test_numbers_go_on_over_pages() -> None:
    titles = [f"Choice {number} " + "x" * 200 for number in range(1, 24)]
    seen = shown(parcel("Which?", *titles))
    assert seen[0].text == "Which?"
    lines = [line for each in seen[1:] for line in each.text.splitlines()]
    assert lines == [f"{number}. {title}" for number, title in enumerate(titles, start=1)]
    assert [len(each.text.splitlines()) for each in seen[1:]] == [10, 10, 3]


def test_endless_labels_are_cut_so_that_ten_fit_one_message() -> None:
    seen = shown(parcel("Which?", *(f"{number} " + "word " * 200 for number in range(120))))
    assert [len(each.text.splitlines()) for each in seen] == [1] + [10] * 12
    assert all(line.endswith("word…") for each in seen[1:] for line in each.text.splitlines())


@pytest.mark.parametrize(
    ("length", "titles", "kinds"),
    [
        (1_024, ["Yes"], ["button"]),
        (1_025, ["Yes"], ["text", "button"]),
        (1_024, ["x" * 21], ["list"]),
        (1_025, ["x" * 21], ["text", "list"]),
        (4_096, [], ["text"]),
        (4_097, [], ["text", "text"]),
        (4_018, ["x" * 73], ["text"]),
        (4_019, ["x" * 73], ["text", "text"]),
    ],
)
def test_each_limit_of_length_is_kept_to_the_character(length: int, titles: list[str], kinds: list[str]) -> None:
    assert [each.kind for each in shown(parcel("x" * length, *titles, plain=True))] == kinds


def test_all_that_one_turn_led_to_is_one_message() -> None:
    several = Parcel(7, (Rendered("One."), Rendered(""), Rendered("Two?", ((Token("1.1"), "Yes"),))))
    assert [(each.kind, each.text) for each in shown(several)] == [("button", "One.\n\nTwo?")]


def test_there_is_always_something_to_send() -> None:
    assert [each.text for each in shown(parcel(""))] == ["…"]
    assert [each.text for each in shown(parcel("", "Yes"))] == ["Choose an answer"]
    assert [each.text for each in shown(parcel("", "Yes"), choose="")] == ["…"]


LABELS = st.lists(
    st.one_of(
        st.text(st.characters(codec="utf-8"), max_size=90),
        st.text("ab -", min_size=15, max_size=30),
        st.sampled_from(["Yes", "yes", "No", "Rwy'n ansicr am hyn", "👍🏽" * 12, "x" * 500]),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(text=st.text(st.sampled_from("ab .\n*_👍"), max_size=9_000) | st.text(max_size=200), titles=LABELS)
def test_whatever_is_said_the_provider_takes_it(text: str, titles: list[str]) -> None:
    said = parcel(text, *titles, plain=True)
    made = messages.contents(said, messages.Labels("Choose an answer", "Type more."))
    assert made == messages.contents(said, messages.Labels("Choose an answer", "Type more."))
    assert len(made) == len(messages.contents(said, messages.Labels()))
    seen = [as_seen(each) for each in made]
    plainer = [as_seen(each.plainer) for each in made if each.plainer]
    choices = len(seen[-1].buttons) + len(seen[-1].rows)
    assert choices == len(titles) or "".join(each.text for each in seen).count(". ") >= len(titles)
    assert len(plainer) == (1 if choices else 0)
    assert all(each.kind == "text" for each in plainer)


NOTHING = st.sampled_from(["", " ", "\n\n", "** **", "\u00a0", "&nbsp;", "<!-- a -->", "[](x)", "***", "#", "-", "> "])


@settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(NOTHING, min_size=1, max_size=4),
    plain=st.booleans(),
    titles=LABELS.filter(bool),
    labels=st.builds(messages.Labels, NOTHING | st.just("Choose"), NOTHING | st.just("Type more.")),
)
def test_choices_without_words_are_something_the_provider_takes(
    parts: list[str], plain: bool, titles: list[str], labels: messages.Labels
) -> None:
    choices = tuple((Token(f"1.{number:x}"), title) for number, title in enumerate(titles, start=1))
    said = [Rendered(text, plain=plain) for text in parts]
    made = messages.contents(Parcel(7, (*said[:-1], replace(said[-1], choices=choices))), labels)
    assert [as_seen(each) for each in made]
    assert all(as_seen(each.plainer).text for each in made if each.plainer)


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.sampled_from("ab .\n"), max_size=9_000))
def test_nothing_that_is_said_is_lost(text: str) -> None:
    seen = shown(parcel(text, "Yes", "No", plain=True))
    assert "".join("".join(each.text for each in seen).split()) == ("".join(text.split()) or "Chooseananswer")


# --- what each refusal means -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Means:
    reason: str
    retry_after_s: float | None = None
    in_doubt: bool = False
    provider_down: bool = False
    window_closed: bool = False

    @classmethod
    def of(cls, error: DeliveryError) -> "Means":
        return cls(error.reason, error.retry_after_s, error.in_doubt, error.provider_down, error.window_closed)


NO_CONNECTION = Means("no_connection", 0, provider_down=True)
OUTAGE = Means("provider_error", 0, in_doubt=True, provider_down=True)
TOKEN_REFUSED = Means("token_refused", 60, provider_down=True)
RESTRICTED = Means("account_restricted", 300, provider_down=True)
THROUGHPUT = Means("throughput", 2)
FAULTS = [
    (refused(131047), Means("window_closed", window_closed=True)),
    (refused(131026), Means("undeliverable")),
    (refused(131051), Means("unsupported")),
    (refused(131056), Means("pair_rate", 6)),
    (refused(130429), THROUGHPUT),
    (refused(80007, 400), THROUGHPUT),
    (refused(999, 429), THROUGHPUT),
    (refused(131009), Means("bad_value")),
    (refused(100), Means("bad_value")),
    (refused(190), TOKEN_REFUSED),
    (refused(200, 400), TOKEN_REFUSED),
    (refused(999, 401), TOKEN_REFUSED),
    (refused(999, 403), TOKEN_REFUSED),
    (refused(131048), RESTRICTED),
    (refused(131031), RESTRICTED),
    (refused(368), RESTRICTED),
    (refused(131000), OUTAGE),
    (refused(131016), OUTAGE),
    (refused(999, 500), OUTAGE),
    (refused(999, 404), Means("code_999")),
    (broken(503), OUTAGE),
    (SILENT, Means("timed_out", 0, in_doubt=True, provider_down=True)),
    (DROPPED, Means("connection_lost", 0, in_doubt=True, provider_down=True)),
]


def reached(line: Line, person: Person = SAM) -> Enquirer:
    """Somebody whose window is open."""
    sam = line.fake.person(person.number, person.user)
    sam.heard_at = line.fake.now()
    return sam


async def first_of(line: Line, said: Parcel) -> str | None:
    """Sends its first part."""
    return await line.channel.deliver(SAM_AT, said.seq, line.channel.parts(said)[0])


async def failing(line: Line, said: Parcel) -> Means:
    with pytest.raises(DeliveryError) as failed:
        await first_of(line, said)
    assert not re.search(rf"{TOKEN}|{SAM.number}|{SAM.user}|http", str(failed.value))
    return Means.of(failed.value)


@pytest.mark.parametrize(("fault", "means"), FAULTS, ids=str)
async def test_each_refusal_has_its_policy(fault: Fault, means: Means) -> None:
    async with opened(patience_s=0.5) as line:
        sam = reached(line)
        line.fake.faults.put(fault, sam, times=2)
        assert await failing(line, parcel("Hello.")) == means
        assert len(line.fake.calls) == 1
        assert line.fake.sent() == []


async def test_no_connection_is_not_in_doubt(line: Line) -> None:
    reached(line)
    await line.fake.down()
    assert await failing(line, parcel("Hello.")) == NO_CONNECTION


async def test_what_was_taken_without_an_answer_is_in_doubt() -> None:
    async with opened(patience_s=0.5) as line:
        sam = reached(line)
        line.fake.faults.put(TAKEN_SILENT, sam)
        assert (await failing(line, parcel("Hello."))).in_doubt
        assert len(line.fake.sent(sam)) == 1


async def test_an_answer_that_cannot_be_read_still_says_that_it_was_taken(line: Line) -> None:
    line.fake.faults.put(TAKEN_GARBLED, reached(line))
    assert await first_of(line, parcel("Hello.")) is None


async def test_the_provider_s_id_and_our_number_come_back_with_receipts(line: Line) -> None:
    sam = reached(line)
    id_ = await first_of(line, parcel("Hello.", seq=41))
    assert id_ == line.fake.sent(sam)[0].id
    await line.fake.until(lambda: len(line.house.receipts) == 2)
    assert line.house.receipts == [(Receipt(Reach.SENT, 41, id_),), (Receipt(Reach.DELIVERED, 41, id_),)]


async def test_past_the_window_the_provider_takes_only_the_knock(line: Line) -> None:
    sam = line.fake.person(SAM.number, SAM.user)
    line.fake.closes_window(sam)
    assert (await failing(line, parcel("Hello."))).window_closed
    assert await line.channel.knock(SAM_AT, "cy", 7)
    assert [each.kind for each in line.fake.sent(sam)] == ["template"]
    await line.fake.until(lambda: line.channel.counts == Counter(knock_sent=1, knock_delivered=1))
    assert line.house.receipts == []


async def test_a_knock_that_fails_names_what_waits_behind_it(line: Line) -> None:
    sam = line.fake.person(SAM.number, SAM.user)
    line.fake.faults.put(failed_later(131049), sam)
    assert await line.channel.knock(SAM_AT, "cy", 41)
    await line.fake.until(lambda: line.house.receipts)
    knock = line.fake.sent(sam)[0].id
    assert line.house.receipts == [(Receipt(Reach.FAILED, None, knock, "knock_failed", knock_of=41),)]


async def test_without_a_template_nobody_is_knocked_at() -> None:
    async with opened(template="") as line:
        assert not await line.channel.knock(SAM_AT, "en", 7)
        assert line.fake.calls == []


async def test_a_template_nobody_approved_fails(line: Line) -> None:
    reached(line)
    line.fake.templates.clear()
    with pytest.raises(DeliveryError, match="template"):
        await line.channel.knock(SAM_AT, "en", 7)


@pytest.mark.parametrize("titles", [("Yes", "No"), tuple(f"Choice {n}" for n in range(9))])
async def test_refused_buttons_are_sent_at_once_as_numbered_words(titles: tuple[str, ...], line: Line) -> None:
    sam = reached(line)
    line.fake.faults.put(refused(131009), sam)
    assert await first_of(line, parcel("Which?", *titles))
    expected = "Which?\n\n" + "\n".join(f"{number}. {title}" for number, title in enumerate(titles, start=1))
    assert [(each.kind, each.text, each.data) for each in line.fake.sent(sam)] == [("text", expected, "7")]
    assert line.channel.counts["sent_plainer"] == 1


async def test_words_refused_after_buttons_have_failed(line: Line) -> None:
    line.fake.faults.put(refused(131009), reached(line), times=2)
    assert await failing(line, parcel("Which?", "Yes", "No")) == Means("bad_value")
    assert len(line.fake.calls) == 2


async def test_too_fast_for_the_provider_slows_the_whole_channel_for_a_while() -> None:
    moment = [0.0]
    async with opened(clock=lambda: moment[0]) as line:
        line.fake.faults.put(refused(130429), reached(line))
        await admitted(line, channel_module.OVERALL_PER_S)
        await failing(line, parcel("Hello."))
        moment[0] += 5
        await admitted(line, channel_module.SLOWED_PER_S)
        waiting = asyncio.create_task(line.channel.admit(SAM_AT))
        assert not (await asyncio.wait({waiting}, timeout=0.05))[0]
        waiting.cancel()
        moment[0] += channel_module.SLOWED_FOR_S
        await admitted(line, channel_module.OVERALL_PER_S)
        assert line.channel.counts["slowed"] == 1


async def admitted(line: Line, times: int) -> None:
    async with asyncio.timeout(5):
        for _ in range(times):
            await line.channel.admit(SAM_AT)


async def test_a_refused_token_is_told_once_by_the_setting_s_name() -> None:
    async with opened(token="EAAExpired") as line:
        reached(line)
        with structlog.testing.capture_logs() as logs:
            for _ in range(3):
                assert await failing(line, parcel("Hello.")) == TOKEN_REFUSED
            with pytest.raises(DeliveryError):
                await line.channel.probe()
        assert len(logs) == 1
        assert "FIRSTLINE_WHATSAPP_TOKEN" in logs[0].values()
        assert "EAAExpired" not in repr(logs)


async def test_the_probe_asks_whether_anything_works(line: Line) -> None:
    await line.channel.probe()
    assert [(call.method, call.path) for call in line.fake.calls] == [("GET", f"/v26.0/{PHONE_ID}")]
    await line.fake.down(404)
    await line.channel.probe()
    for status in (401, 500, 503):
        await line.fake.down(status)
        with pytest.raises(DeliveryError) as failed:
            await line.channel.probe()
        assert failed.value.provider_down
    await line.fake.up()
    await line.fake.down()
    with pytest.raises(DeliveryError):
        await line.channel.probe()


async def test_whoever_waits_longer_than_a_moment_sees_that_an_answer_is_written() -> None:
    async with opened(thinking_s=0.01) as line:
        sam = line.fake.person(SAM.number, SAM.user)
        line.house.slow[SAM.user] = asyncio.Event()
        push = sam.says("hello")
        await line.fake.until(lambda: line.fake.typing_at == [push.id])
        line.house.slow[SAM.user].set()
        assert (await push).answers == [200]


async def test_that_nobody_sees_it_harms_nothing() -> None:
    async with opened(thinking_s=0.01, token="EAAExpired") as line:
        line.house.slow[SAM.user] = asyncio.Event()
        push = line.fake.person(SAM.number, SAM.user).says("hello")
        await line.fake.until(lambda: line.channel.counts["typing_failed"])
        line.house.slow[SAM.user].set()
        assert (await push).answers == [200]


async def test_a_quick_answer_needs_no_sign_of_typing(line: Line) -> None:
    await line.fake.person().says("hello")
    assert line.fake.calls == []
