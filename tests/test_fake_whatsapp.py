"""The fake WhatsApp keeps Meta's rules, so that what passes against it may pass at Meta."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.fakes.whatsapp import FakeWhatsApp
from tests.fakes.whatsapp_faults import (
    DROPPED,
    SILENT,
    TAKEN_DROPPED,
    TAKEN_GARBLED,
    TAKEN_SILENT,
    Pace,
    broken,
    failed_later,
    refused,
    slow,
)
from tests.fakes.whatsapp_people import Person
from tests.fakes.whatsapp_rules import Template
from tests.fakes.whatsapp_webhooks import By, Signing
from tests.small_house import Clock

Json = dict[str, Any]


class Hook:
    """Our side of the webhook: keeps what came, answers as told."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.signatures: list[str | None] = []
        self.answers: list[int] = []
        """What to answer first; 200 after these."""
        self.url = ""

    def values(self, key: str) -> list[Json]:
        told = [json.loads(body)["entry"] for body in self.bodies]
        changes = [change["value"] for entries in told for entry in entries for change in entry["changes"]]
        return [each for value in changes for each in value.get(key, [])]

    async def take(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            right = request.query["hub.verify_token"] == "open sesame" and request.query["hub.mode"] == "subscribe"
            return web.Response(text=request.query["hub.challenge"], status=200 if right else 403)
        self.bodies.append(await request.read())
        self.signatures.append(request.headers.get("X-Hub-Signature-256"))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


class Client:
    """The plainest client there could be."""

    def __init__(self, fake: FakeWhatsApp, session: aiohttp.ClientSession) -> None:
        self.fake = fake
        self.session = session
        self.headers = {"Authorization": f"Bearer {fake.token}"}
        self.patience_s = 30.0

    async def post(self, body: object, path: str = "") -> tuple[int, Json]:
        url = self.fake.url + (path or f"/v26.0/{self.fake.phone_id}/messages")
        patience = aiohttp.ClientTimeout(total=self.patience_s)
        async with self.session.post(url, json=body, headers=self.headers, timeout=patience) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str) -> tuple[int, Json]:
        async with self.session.get(self.fake.url + path, headers=self.headers) as answer:
            return answer.status, await answer.json()

    async def send(self, person: Person, **more: object) -> tuple[int, int | None]:
        """HTTP status and Meta's code."""
        status, body = await self.post(message(person, **more))
        return status, body.get("error", {}).get("code")


@pytest.fixture
async def fake() -> AsyncIterator[FakeWhatsApp]:
    async with FakeWhatsApp() as made:
        made.webhooks.retry_s = 0.01
        yield made


@pytest.fixture
async def client(fake: FakeWhatsApp) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(fake, session)


@pytest.fixture
async def hook(fake: FakeWhatsApp) -> AsyncIterator[Hook]:
    made = Hook()
    app = web.Application(client_max_size=4_000_000)
    app.router.add_route("*", "/hook", made.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = fake.webhook_url = "http://{}:{}/hook".format(*runner.addresses[0][:2])
    yield made
    await runner.cleanup()


@pytest.fixture
async def sam(fake: FakeWhatsApp) -> Person:
    """Wrote just now, so that the window is open."""
    person = fake.person()
    person.heard_at = fake.now()
    return person


def message(person: Person, **more: object) -> Json:
    who = {"to": person.number} if person.number else {"recipient": person.user_id}
    return {"messaging_product": "whatsapp", **({} if "type" in more else text("hello")), **who, **more}


def interactive(kind: str, action: object, **more: object) -> Json:
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": "Which?"}, "action": action, **more}}


def buttons(*titles: str, ids: tuple[str, ...] = (), **more: object) -> Json:
    made = [{"type": "reply", "reply": {"id": i, "title": t}} for i, t in zip(ids or titles, titles, strict=True)]
    return interactive("button", {"buttons": made}, **more)


def rows(*titles: str, **more: object) -> list[Json]:
    return [{"id": f"r{index}", "title": title, **more} for index, title in enumerate(titles)]


def listed(*sections: Json, label: str = "Choose", **more: object) -> Json:
    return interactive("list", {"button": label, "sections": list(sections)}, **more)


def template(name: str = "answer_waiting", language: str = "en_GB", **more: object) -> Json:
    return {"type": "template", "template": {"name": name, "language": {"code": language}, **more}}


def text(body: object) -> Json:
    return {"type": "text", "text": {"body": body}}


LAST = {"id": "z", "title": "z"}
TAKEN = {
    "the longest text": text("x" * 4096),
    "a text with a preview": {"text": {"body": "x", "preview_url": False}},
    "one button": buttons("Yes"),
    "three buttons at their limits": buttons("a" * 20, "b" * 20, "c" * 20, ids=("1" * 256, "2", "3")),
    "header and footer": buttons("Yes", header={"type": "text", "text": "h" * 60}, footer={"text": "f" * 60}),
    "ten rows at their limits": listed({"rows": rows(*("t" * 24 for _ in range(10)), description="d" * 72)}),
    "two named sections": listed({"title": "a", "rows": rows("x")}, {"title": "b", "rows": [LAST]}),
    "our own note of 512 characters": {"biz_opaque_callback_data": "n" * 512},
    "a template": template(),
    "a template with parameters": template("named", components=[
        {"type": "body", "parameters": [{"type": "text", "text": "Monday"}]}]),
    "an individual": {"recipient_type": "individual"},
}  # fmt: skip

REFUSED = {
    "an empty text": (text(""), 131009),
    "a text of blanks": (text(" \n"), 131009),
    "a text too long": (text("x" * 4097), 131009),
    "a text that is none": (text(7), 100),
    "a text without a body": ({"text": {}}, 100),
    "another product": ({"messaging_product": "messenger"}, 100),
    "a group": ({"recipient_type": "group"}, 131009),
    "an unknown type": ({"type": "image", "image": {"id": "1"}}, 100),
    "an unknown field": ({"ttl": 3}, 100),
    "an unknown field inside": ({"text": {"body": "x", "colour": "red"}}, 100),
    "a note too long": ({"biz_opaque_callback_data": "n" * 513}, 131009),
    "an answer to nothing": ({"context": {"message_id": "wamid.none"}}, 131009),
    "no buttons": (buttons(), 131009),
    "four buttons": (buttons("a", "b", "c", "d"), 131009),
    "a button's title too long": (buttons("a" * 21), 131009),
    "a button without a title": (buttons(""), 131009),
    "two buttons of one title": (buttons("a", "a", ids=("1", "2")), 131009),
    "two buttons of one id": (buttons("a", "b", ids=("1", "1")), 131009),
    "a button's id too long": (buttons("a", ids=("1" * 257,)), 131009),
    "a body too long beside buttons": (buttons("a", body={"text": "x" * 1025}), 131009),
    "a header too long": (buttons("a", header={"type": "text", "text": "h" * 61}), 131009),
    "a footer too long": (buttons("a", footer={"text": "f" * 61}), 131009),
    "an unknown interactive": (interactive("flow", {}), 100),
    "no sections": (listed(), 131009),
    "no rows": (listed({"rows": []}), 131009),
    "eleven rows": (listed({"rows": rows(*"abcdefghijk")}), 131009),
    "eleven rows in two sections": (
        listed({"title": "a", "rows": rows(*"abcdefghij")}, {"title": "b", "rows": [LAST]}), 131009),
    "eleven sections": (listed(*({"title": "s", "rows": [{"id": f"{i}", "title": "t"}]} for i in range(11))), 131009),
    "two sections without names": (listed({"rows": rows("a")}, {"rows": [LAST]}), 100),
    "a section's title too long": (listed({"title": "s" * 25, "rows": rows("a")}), 131009),
    "a row's title too long": (listed({"rows": rows("t" * 25)}), 131009),
    "a description too long": (listed({"rows": rows("a", description="d" * 73)}), 131009),
    "a row's id too long": (listed({"rows": [{"id": "i" * 201, "title": "t"}]}), 131009),
    "two rows of one id": (listed({"rows": [{"id": "i", "title": "a"}, {"id": "i", "title": "b"}]}), 131009),
    "a list's label too long": (listed({"rows": rows("a")}, label="l" * 21), 131009),
    "a list without a label": (interactive("list", {"sections": [{"rows": rows("a")}]}), 100),
    "a body too long beside a list": (listed({"rows": rows("a")}, body={"text": "x" * 1025}), 131009),
    "a template nobody approved": (template("other"), 132001),
    "a template in another language": (template(language="cy"), 132001),
    "a template without its parameter": (template("named"), 132000),
}  # fmt: skip


@pytest.fixture
def approved(fake: FakeWhatsApp) -> None:
    fake.templates[("answer_waiting", "en_GB")] = Template(buttons=("Open",))
    fake.templates[("named", "en_GB")] = Template("Until {{1}}.")


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize("label", TAKEN)
async def test_what_keeps_the_limits_is_taken(fake: FakeWhatsApp, client: Client, sam: Person, label: str) -> None:
    assert await client.send(sam, **TAKEN[label]) == (200, None)
    assert len(fake.sent(sam)) == 1


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize("label", REFUSED)
async def test_what_breaks_a_rule_is_refused(fake: FakeWhatsApp, client: Client, sam: Person, label: str) -> None:
    given, code = REFUSED[label]
    assert await client.send(sam, **given) == (404 if code == 132001 else 400, code)
    assert not fake.sent()


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ({}, 100),
        ({"to": 447700900100}, 100),
        ({"to": "07700 900100"}, 131009),
        ({"recipient": "abc"}, 131009),
        ({"recipient": "GB." + "a" * 129}, 131009),
        ({"to": "447700900999"}, 131026),
        ({"recipient": "GB.nobody"}, 131026),
    ],
)
async def test_a_recipient_is_a_number_or_a_user_id_that_exists(
    client: Client, sam: Person, who: Json, code: int
) -> None:
    status, body = await client.post({"messaging_product": "whatsapp", **text("x"), **who})
    assert (status, body["error"]["code"]) == (400, code)


async def test_an_answer_and_an_error_have_metas_shape(fake: FakeWhatsApp, client: Client, sam: Person) -> None:
    status, taken = await client.post(message(sam, to="+" + str(sam.number)))
    assert status == 200
    assert taken["messaging_product"] == "whatsapp"
    assert taken["contacts"] == [{"input": f"+{sam.number}", "wa_id": sam.number}]
    assert taken["messages"][0]["id"] == fake.sent(sam)[0].id
    assert taken["messages"][0]["id"].startswith("wamid.")
    _, wrong = await client.post(message(sam, ttl=1))
    assert set(wrong["error"]) == {"message", "type", "code", "error_data", "fbtrace_id"}
    assert wrong["error"]["type"] == "OAuthException"
    assert set(wrong["error"]["error_data"]) == {"messaging_product", "details"}


async def test_a_person_without_a_number_is_written_to_by_user_id(fake: FakeWhatsApp, client: Client) -> None:
    kim = fake.person(username="@kim")
    kim.heard_at = fake.now()
    status, body = await client.post(message(kim))
    assert (status, body["contacts"]) == (200, [{"input": kim.user_id, "user_id": kim.user_id}])
    assert fake.sent(kim)[0].by_user_id


async def test_a_wrong_token_or_number_or_body_is_refused(fake: FakeWhatsApp, client: Client, sam: Person) -> None:
    assert (await client.post([1]))[1]["error"]["code"] == 100
    assert (await client.post(message(sam), "/v26.0/1/messages"))[0] == 400
    assert (await client.post(message(sam), f"/{fake.phone_id}/messages"))[0] == 400
    client.headers = {"Authorization": "Bearer other"}
    assert await client.send(sam) == (401, 190)
    assert not fake.sent()


async def test_the_number_tells_about_itself(fake: FakeWhatsApp, client: Client) -> None:
    status, body = await client.get(f"/v26.0/{fake.phone_id}")
    assert (status, set(body)) == (200, {"id", "display_phone_number", "verified_name"})
    assert not fake.media_calls


async def test_every_call_for_a_file_is_noted(fake: FakeWhatsApp, client: Client, sam: Person) -> None:
    image = value_of(sam.sends_image("look").body)["messages"][0]["image"]
    await client.get(f"/v26.0/{image['id']}")
    async with client.session.get(image["url"]) as answer:
        assert answer.status == 200
    assert [call.path for call in fake.media_calls] == [f"/v26.0/{image['id']}", f"/media/{image['id']}"]


async def test_reading_and_typing_need_a_message_that_came(fake: FakeWhatsApp, client: Client, sam: Person) -> None:
    push = sam.says("hello")
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": push.id}
    assert await client.post(read) == (200, {"success": True})
    assert await client.post({**read, "typing_indicator": {"type": "text"}}) == (200, {"success": True})
    assert (fake.marked_read, fake.typing_at) == ([push.id, push.id], [push.id])
    assert (await client.post({**read, "message_id": "wamid.none"}))[1]["error"]["code"] == 131009
    assert (await client.post({**read, "typing_indicator": {"type": "audio"}}))[1]["error"]["code"] == 131009
    assert (await client.post({**read, "to": sam.number}))[1]["error"]["code"] == 100


# --- the window, the pace, what goes wrong ---------------------------------------------------------------------------


@pytest.mark.usefixtures("approved")
async def test_past_the_window_only_a_template_is_taken(client: Client, fake: FakeWhatsApp, sam: Person) -> None:
    fake.passes(hours=23.9)
    assert await client.send(sam) == (200, None)
    fake.passes(hours=0.2)
    assert await client.send(sam) == (400, 131047)
    assert await client.send(sam, **template()) == (200, None)
    sam.says("again")
    assert await client.send(sam) == (200, None)


async def test_who_never_wrote_has_no_window(client: Client, fake: FakeWhatsApp) -> None:
    assert await client.send(fake.person()) == (400, 131047)


async def test_a_closed_window_may_be_told_later(client: Client, fake: FakeWhatsApp, hook: Hook, sam: Person) -> None:
    fake.window_fails_later = True
    fake.closes_window(sam)
    assert await client.send(sam, biz_opaque_callback_data="17") == (200, None)
    await fake.until(lambda: hook.values("statuses"))
    (status,) = hook.values("statuses")
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131047)
    assert (status["id"], status["biz_opaque_callback_data"]) == (fake.sent(sam)[0].id, "17")
    assert fake.sent(sam)[0].failed == 131047
    assert not hook.values("contacts")


async def test_too_fast_to_one_person_stops_that_person_only() -> None:
    clock = Clock()
    async with FakeWhatsApp(now=clock) as fake, aiohttp.ClientSession() as session:
        client, sam, kim = Client(fake, session), fake.person(), fake.person()
        sam.heard_at = kim.heard_at = fake.now()
        fake.pace = Pace(burst=3)
        assert [await client.send(sam) for _ in range(4)] == [(200, None)] * 3 + [(400, 131056)]
        assert await client.send(kim) == (200, None)
        clock.passes(seconds=6)
        assert [await client.send(sam) for _ in range(2)] == [(200, None), (400, 131056)]


async def test_too_fast_overall_stops_everybody_for_a_second() -> None:
    clock = Clock()
    async with FakeWhatsApp(now=clock) as fake, aiohttp.ClientSession() as session:
        client, sam, kim = Client(fake, session), fake.person(), fake.person()
        sam.heard_at = kim.heard_at = fake.now()
        fake.pace = Pace(a_second=2)
        assert [await client.send(each) for each in (sam, sam, kim)] == [(200, None)] * 2 + [(429, 130429)]
        clock.passes(seconds=1)
        assert await client.send(kim) == (200, None)


@pytest.mark.parametrize("code", [131026, 131056, 130429, 131009, 131047, 131016])
async def test_an_error_can_be_put_in_the_way_of_one_person(
    fake: FakeWhatsApp, client: Client, sam: Person, code: int
) -> None:
    kim = fake.person()
    kim.heard_at = fake.now()
    fake.faults.put(refused(code), sam, times=2)
    status = {130429: 429, 131016: 503}.get(code, 400)
    assert await client.send(kim) == (200, None)
    assert [await client.send(sam) for _ in range(3)] == [(status, code), (status, code), (200, None)]


async def test_a_lasting_fault_lasts_until_it_is_healed(fake: FakeWhatsApp, client: Client, sam: Person) -> None:
    fake.faults.put(broken(502), times=None)
    assert [(await client.send(sam))[0] for _ in range(3)] == [502, 502, 502]
    fake.faults.heal()
    assert await client.send(sam) == (200, None)


@pytest.mark.parametrize(
    ("fault", "error", "taken"),
    [
        (SILENT, TimeoutError, 0),
        (TAKEN_SILENT, TimeoutError, 1),
        (DROPPED, aiohttp.ClientError, 0),
        (TAKEN_DROPPED, aiohttp.ClientError, 1),
        (TAKEN_GARBLED, json.JSONDecodeError, 1),
        (slow(60), TimeoutError, 1),
    ],
)
async def test_an_answer_can_be_lost(
    fake: FakeWhatsApp, client: Client, sam: Person, fault: Any, error: type[Exception], taken: int
) -> None:
    fake.faults.put(fault, sam)
    client.patience_s = 0.2 if error is TimeoutError else 30
    with pytest.raises(error):
        await client.send(sam)
    await fake.until(lambda: fake.calls)
    client.patience_s = 30
    assert await client.send(sam) == (200, None)
    assert len(fake.sent(sam)) == taken + 1


async def test_a_message_can_fail_after_it_was_taken(
    fake: FakeWhatsApp, client: Client, hook: Hook, sam: Person
) -> None:
    fake.faults.put(failed_later(131026), sam)
    assert await client.send(sam) == (200, None)
    await fake.until(lambda: hook.values("statuses"))
    assert hook.values("statuses")[0]["errors"][0]["code"] == 131026


async def test_while_down_nobody_connects_and_nothing_is_forgotten(
    fake: FakeWhatsApp, client: Client, sam: Person
) -> None:
    await client.send(sam)
    await fake.down()
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.send(sam)
    await fake.up()
    assert await client.send(sam) == (200, None)
    await fake.down(status=500)
    assert (await client.send(sam))[0] == 500
    await fake.up()
    assert await client.send(sam) == (200, None)
    assert len(fake.sent(sam)) == 3


# --- what comes to us ------------------------------------------------------------------------------------------------


def value_of(body: bytes) -> Json:
    value: Json = json.loads(body)["entry"][0]["changes"][0]["value"]
    return value


async def test_the_handshake_asks_for_our_token(fake: FakeWhatsApp, hook: Hook) -> None:
    assert await fake.verify("open sesame") == (200, fake.webhooks.challenge)
    assert (await fake.verify("guess"))[0] == 403


async def test_a_webhook_is_signed_over_its_very_bytes(fake: FakeWhatsApp, hook: Hook, sam: Person) -> None:
    push = await sam.says("Tŷ / ☕")
    right = hmac.new(fake.app_secret.encode(), hook.bodies[0], hashlib.sha256).hexdigest()
    assert hook.signatures == ["sha256=" + right]
    assert b"\\/" in hook.bodies[0]
    assert hook.bodies[0].isascii()
    assert (push.answers, hook.values("messages")[0]["text"]) == ([200], {"body": "Tŷ / ☕"})


@pytest.mark.parametrize("signing", [Signing.NONE, Signing.WRONG, Signing.RESERIALISED])
async def test_a_forged_webhook_is_tried_once(fake: FakeWhatsApp, hook: Hook, sam: Person, signing: Signing) -> None:
    fake.webhooks.signing = signing
    hook.answers = [401]
    push = await sam.says("Tŷ / ☕")
    right = hmac.new(fake.app_secret.encode(), hook.bodies[0], hashlib.sha256).hexdigest()
    assert push.answers == [401]
    assert hook.signatures != ["sha256=" + right]


async def test_a_webhook_is_repeated_until_it_is_taken_and_those_after_wait(
    fake: FakeWhatsApp, hook: Hook, sam: Person
) -> None:
    hook.answers = [500, 404]
    first, second = sam.says("one"), sam.says("two")
    await second
    assert (first.answers, second.answers) == ([500, 404, 200], [200])
    assert [told["text"]["body"] for told in hook.values("messages")] == ["one", "one", "one", "two"]


async def test_a_webhook_waits_for_a_client_that_is_gone(fake: FakeWhatsApp, hook: Hook, sam: Person) -> None:
    fake.webhook_url = "http://127.0.0.1:1/hook"
    push = sam.says("are you there?")
    await fake.until(lambda: push.answers[:2] == [0, 0])
    fake.webhook_url = hook.url
    await push
    assert push.answers[-1] == 200


@pytest.mark.parametrize(("by", "entries", "changes"), [(By.ENTRIES, 2, 1), (By.CHANGES, 1, 2), (By.MESSAGES, 1, 1)])
async def test_one_body_may_carry_several(
    fake: FakeWhatsApp, hook: Hook, sam: Person, by: By, entries: int, changes: int
) -> None:
    with fake.webhooks.together(by, backwards=True):
        first, second = sam.says("one"), fake.person().says("two")
    await first
    assert (first.answers, second.answers, len(hook.bodies)) == ([200], [200], 1)
    told = json.loads(hook.bodies[0])["entry"]
    assert (len(told), len(told[0]["changes"])) == (entries, changes)
    assert [each["text"]["body"] for each in hook.values("messages")] == ["two", "one"]
    assert len(hook.values("contacts")) == 2


async def test_a_webhook_may_come_twice_and_days_later(fake: FakeWhatsApp, hook: Hook, sam: Person) -> None:
    fake.webhooks.copies = 2
    push = await sam.says("one")
    fake.passes(days=5)
    await fake.webhooks.again(push)
    assert len(hook.bodies) == 4
    assert len(set(hook.bodies)) == 1


async def test_odd_bodies_can_be_sent(fake: FakeWhatsApp, hook: Hook, sam: Person) -> None:
    await fake.push_too_big()
    assert len(hook.bodies[0]) > 1_100_000
    await fake.push_bytes(b"{not json")
    await fake.push_raw({"surprise": True}, field="flows")
    assert hook.bodies[1] == b"{not json"
    assert value_of(hook.bodies[2]) == {"surprise": True}


def kinds() -> dict[str, Any]:
    return {
        "text": lambda person: person.says("hello"),
        "image": lambda person: person.sends_image("look"),
        "video": lambda person: person.sends_video(),
        "audio": lambda person: person.sends_voice(),
        "document": lambda person: person.sends_document("read"),
        "sticker": lambda person: person.sends_sticker(),
        "contacts": lambda person: person.sends_contacts(),
        "location": lambda person: person.sends_location(),
        "order": lambda person: person.sends_order(),
        "unsupported": lambda person: person.sends_unsupported(),
        "edit": lambda person: person.edits(person.says("helo"), "hello"),
        "revoke": lambda person: person.deletes(person.says("oh")),
    }


@pytest.mark.parametrize("kind", kinds())
async def test_people_send_things_of_many_kinds(fake: FakeWhatsApp, sam: Person, kind: str) -> None:
    value = value_of(kinds()[kind](sam).body)
    (told,) = value["messages"]
    assert value["metadata"]["phone_number_id"] == fake.phone_id
    assert value["contacts"] == [{"profile": {"name": "Sam"}, "wa_id": sam.number, "user_id": sam.user_id}]
    assert (told["from"], told["from_user_id"], told["type"]) == (sam.number, sam.user_id, kind)
    assert told[kind]


async def test_a_username_may_hide_the_number(fake: FakeWhatsApp) -> None:
    kim = fake.person(username="@kim")
    value = value_of(kim.says("hello").body)
    assert value["contacts"] == [{"profile": {"name": "Sam", "username": "@kim"}, "user_id": kim.user_id}]
    assert "from" not in value["messages"][0]
    assert value["messages"][0]["from_user_id"] == kim.user_id


def test_only_numbers_nobody_has_are_used() -> None:
    with pytest.raises(ValueError, match="Ofcom"):
        FakeWhatsApp().person(number="447911123456")


@pytest.mark.usefixtures("approved")
async def test_people_press_what_was_last_offered(fake: FakeWhatsApp, client: Client, sam: Person) -> None:
    with pytest.raises(LookupError):
        sam.presses("Yes")
    await client.send(sam, **buttons("Yes", "No", ids=("y", "n")))
    first = fake.sent(sam)[-1]
    told = value_of(sam.presses("No").body)["messages"][0]
    assert told["interactive"] == {"type": "button_reply", "button_reply": {"id": "n", "title": "No"}}
    assert told["context"] == {"from": fake.display_number, "id": first.id}
    await client.send(sam, **listed({"rows": rows("One", "Two", description="more")}))
    await client.send(sam)
    told = value_of(sam.presses("Two").body)["messages"][0]["interactive"]
    assert told == {"type": "list_reply", "list_reply": {"id": "r1", "title": "Two", "description": "more"}}
    with pytest.raises(LookupError):
        sam.presses("No")
    assert value_of(sam.presses("Yes", of=first).body)["messages"][0]["context"]["id"] == first.id
    await client.send(sam, **template())
    told = value_of(sam.presses("Open").body)["messages"][0]
    assert (told["type"], told["button"]) == ("button", {"payload": "Open", "text": "Open"})
    assert value_of(sam.reacts().body)["messages"][0]["reaction"]["message_id"] == fake.sent(sam)[-1].id


async def test_a_new_number_is_told_from_the_old_one(fake: FakeWhatsApp, client: Client, sam: Person) -> None:
    old, old_id = sam.number, sam.user_id
    value = value_of(sam.changes_number("447700900555", new_user_id="GB.new").body)
    told = value["messages"][0]
    assert "contacts" not in value
    assert (told["from"], told["system"]["wa_id"], told["system"]["type"]) == (
        old,
        "447700900555",
        "user_changed_number",
    )
    assert (told["system"]["user_id"], told["system"]["previous_user_id"]) == ("GB.new", old_id)
    assert value_of(sam.says("me again").body)["messages"][0]["from"] == "447700900555"
    assert await client.send(sam) == (200, None)
    assert (await client.post(message(sam, to=old)))[1]["error"]["code"] == 131026


async def test_a_new_user_id_is_told_in_either_of_two_ways(fake: FakeWhatsApp, sam: Person) -> None:
    old = sam.user_id
    change = json.loads(sam.changes_user_id("GB.two").body)["entry"][0]["changes"][0]
    assert change["field"] == "user_id_update"
    assert change["value"]["user_id_update"][0]["user_id"] == {"previous": old, "current": "GB.two"}
    told = value_of(sam.changes_user_id("GB.three", as_message=True).body)["messages"][0]
    assert told["system"]["type"] == "user_changed_user_id"
    assert (told["system"]["previous_user_id"], told["system"]["user_id"]) == ("GB.two", "GB.three")
    assert value_of(sam.says("me").body)["messages"][0]["from_user_id"] == "GB.three"


# --- statuses --------------------------------------------------------------------------------------------------------


async def test_statuses_come_by_themselves_and_reading_by_hand(
    fake: FakeWhatsApp, client: Client, hook: Hook, sam: Person
) -> None:
    await client.send(sam, biz_opaque_callback_data="5")
    await fake.until(lambda: len(hook.values("statuses")) == 2)
    fake.reads(sam)
    assert fake.reads(sam) == []
    await fake.until(lambda: len(hook.values("statuses")) == 3)
    told = hook.values("statuses")
    assert [status["status"] for status in told] == ["sent", "delivered", "read"]
    assert {status["biz_opaque_callback_data"] for status in told} == {"5"}
    assert {(status["recipient_id"], status["recipient_user_id"]) for status in told} == {(sam.number, sam.user_id)}


async def test_statuses_may_come_before_the_answer_in_the_wrong_order_and_twice(
    fake: FakeWhatsApp, client: Client, hook: Hook, sam: Person
) -> None:
    fake.statuses, fake.statuses_first, fake.webhooks.copies = ("delivered", "sent"), True, 2
    seen: list[int | None] = []
    hook_take = fake.reports
    fake.reports = lambda *given: (seen.append(fake.calls[-1].status), hook_take(*given))[1]  # type: ignore[method-assign]
    await client.send(sam)
    assert [status["status"] for status in hook.values("statuses")] == ["delivered"] * 2 + ["sent"] * 2
    assert seen == [None, None]


async def test_statuses_can_all_be_given_by_hand(fake: FakeWhatsApp, client: Client, hook: Hook, sam: Person) -> None:
    fake.statuses = ()
    await client.send(sam)
    await fake.reports(fake.sent(sam)[0], "failed", 131026)
    assert [status["status"] for status in hook.values("statuses")] == ["failed"]


async def test_every_call_is_kept_with_its_answer(fake: FakeWhatsApp, client: Client, sam: Person) -> None:
    await client.send(sam)
    await client.send(sam, ttl=1)
    fake.faults.put(TAKEN_SILENT)
    client.patience_s = 0.2
    with pytest.raises(TimeoutError):
        await client.send(sam)
    await fake.until(lambda: len(fake.calls) == 3)
    assert [call.status for call in fake.calls] == [200, 400, None]
    assert fake.calls[0].body == message(sam)


async def test_waiting_in_vain_says_what_was_sent(fake: FakeWhatsApp, client: Client, sam: Person) -> None:
    waiting = asyncio.create_task(fake.until(lambda: len(fake.sent(sam)) == 1))
    await client.send(sam)
    await waiting
    with pytest.raises(AssertionError, match="hello"):
        await fake.until(lambda: False, timeout=0.05)
