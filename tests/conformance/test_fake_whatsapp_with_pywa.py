"""pywa, a WhatsApp client that other people wrote, understands our fake of Meta.

What it sends is taken, refusals become its exceptions, and webhooks become its updates.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

pywa = pytest.importorskip("pywa")

import httpx  # noqa: E402 - comes with pywa
from aiohttp import web  # noqa: E402
from pywa import errors  # noqa: E402
from pywa.types import Button, MessageStatusType, MessageType, Section, SectionList, SectionRow  # noqa: E402
from pywa.types.templates import TemplateLanguage  # noqa: E402
from pywa_async import WhatsApp, handlers  # noqa: E402

from tests.fakes.whatsapp import FakeWhatsApp  # noqa: E402
from tests.fakes.whatsapp_faults import TAKEN_GARBLED, Pace, broken, failed_later, refused  # noqa: E402
from tests.fakes.whatsapp_people import Person  # noqa: E402
from tests.fakes.whatsapp_rules import Template  # noqa: E402
from tests.fakes.whatsapp_webhooks import By, Signing  # noqa: E402

HANDLERS = (
    handlers.MessageHandler,
    handlers.EditedMessageHandler,
    handlers.DeletedMessageHandler,
    handlers.CallbackButtonHandler,
    handlers.CallbackSelectionHandler,
    handlers.MessageStatusHandler,
    handlers.PhoneNumberChangeHandler,
)


class Redirected(httpx.AsyncBaseTransport):
    """Whatever host is asked for, the fake is asked."""

    def __init__(self, fake: FakeWhatsApp) -> None:
        self.place = httpx.URL(fake.url)
        self.real = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self.place.host, port=self.place.port)
        return await self.real.handle_async_request(request)

    async def aclose(self) -> None:
        await self.real.aclose()


class Theirs:
    """pywa behind a webhook, and the updates that it made of what came."""

    def __init__(self, client: WhatsApp) -> None:
        self.client = client
        self.updates: list[Any] = []
        for handler in HANDLERS:
            client.add_handlers(handler(self._keep))

    async def _keep(self, _: WhatsApp, update: Any) -> None:
        self.updates.append(update)

    async def take(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            asked = request.query
            said = await self.client.webhook_challenge_handler(asked["hub.verify_token"], asked["hub.challenge"])
            return web.Response(text=said[0], status=said[1])
        body, signature = await request.read(), request.headers.get("X-Hub-Signature-256")
        said = await self.client.webhook_update_validator(body, signature) or (
            await self.client.webhook_update_handler(body)
        )
        return web.Response(text=said[0], status=said[1])


@pytest.fixture
async def fake() -> AsyncIterator[FakeWhatsApp]:
    async with FakeWhatsApp() as made:
        made.webhooks.retry_s = 0.01
        made.templates[("answer_waiting", "en_GB")] = Template(buttons=("Open",))
        yield made


@pytest.fixture
async def theirs(fake: FakeWhatsApp) -> AsyncIterator[Theirs]:
    async with httpx.AsyncClient(transport=Redirected(fake)) as session:
        client = WhatsApp(
            fake.phone_id, fake.token, session=session, app_secret=fake.app_secret, verify_token="open sesame"
        )
        made = Theirs(client)
        app = web.Application()
        app.router.add_route("*", "/hook", made.take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        fake.webhook_url = "http://{}:{}/hook".format(*runner.addresses[0][:2])
        yield made
        await runner.cleanup()


@pytest.fixture
def wa(theirs: Theirs) -> WhatsApp:
    return theirs.client


@pytest.fixture
async def sam(fake: FakeWhatsApp, theirs: Theirs) -> Person:
    person = fake.person()
    await person.says("hello")
    theirs.updates.clear()
    return person


async def test_the_number_is_known_to_pywa(fake: FakeWhatsApp, wa: WhatsApp) -> None:
    number = await wa.get_business_phone_number()
    assert (number.id, number.verified_name) == (fake.phone_id, fake.verified_name)


async def test_pywas_text_is_taken(fake: FakeWhatsApp, wa: WhatsApp, sam: Person) -> None:
    sent = await wa.send_message(sam.number or "", "hello *Sam*", tracker="17")
    taken = fake.sent(sam)[-1]
    assert (taken.id, taken.kind, taken.text, taken.data) == (sent.id, "text", "hello *Sam*", "17")
    assert sent.chat.id == sam.number
    by_id = await wa.send_message(sam.user_id or "", "hello again")
    assert (by_id.chat.id, fake.sent(sam)[-1].by_user_id) == (sam.user_id, True)


async def test_pywas_buttons_are_taken_and_pressed(fake: FakeWhatsApp, theirs: Theirs, sam: Person) -> None:
    sent = await theirs.client.send_message(
        sam.number or "", "Which?", "A header", "A footer", [Button("Yes", "y:1"), Button("No", "n:1")]
    )
    fake.statuses = ()
    taken = fake.sent(sam)[-1]
    assert (taken.kind, taken.titles, taken.shown.header, taken.shown.footer) == (
        "button", ("Yes", "No"), "A header", "A footer")  # fmt: skip
    await sam.presses("No")
    pressed = theirs.updates[-1]
    assert (pressed.data, pressed.title, pressed.reply_to_message.id) == ("n:1", "No", sent.id)
    assert (pressed.from_user.wa_id, pressed.from_user.bsuid) == (sam.number, sam.user_id)


async def test_pywas_list_is_taken_and_chosen_from(fake: FakeWhatsApp, theirs: Theirs, sam: Person) -> None:
    fake.statuses = ()
    rows = [SectionRow("An image was shared", "o:1", "of a pupil"), SectionRow("Something else", "o:2")]
    sent = await theirs.client.send_message(
        sam.number or "", "What?", buttons=SectionList("Choose", [Section("Kinds", rows)])
    )
    taken = fake.sent(sam)[-1]
    assert (taken.kind, taken.shown.label, taken.rows[0].description) == ("list", "Choose", "of a pupil")
    await sam.presses("An image was shared")
    chosen = theirs.updates[-1]
    assert (chosen.data, chosen.title, chosen.description) == ("o:1", "An image was shared", "of a pupil")
    assert chosen.reply_to_message.id == sent.id


async def test_pywas_template_is_taken_past_the_window(fake: FakeWhatsApp, theirs: Theirs, sam: Person) -> None:
    fake.statuses = ()
    fake.closes_window(sam)
    sent = await theirs.client.send_template(sam.number or "", "answer_waiting", TemplateLanguage.ENGLISH_UK)
    assert (sent.id, sent.status) == (fake.sent(sam)[-1].id, "accepted")
    await sam.presses("Open")
    pressed = theirs.updates[-1]
    assert (pressed.title, pressed.is_quick_reply) == ("Open", True)


async def test_pywa_reads_and_types(fake: FakeWhatsApp, theirs: Theirs, sam: Person) -> None:
    push = await sam.says("are you there?")
    await theirs.client.mark_message_as_read(push.id)
    await theirs.updates[-1].indicate_typing()
    assert (fake.marked_read, fake.typing_at) == ([push.id, push.id], [push.id])
    with pytest.raises(errors.InvalidParameter):
        await theirs.client.mark_message_as_read("wamid.none")


ERRORS = {
    130429: (429, errors.RateLimitHit),
    131056: (400, errors.TooManyMessages),
    131026: (400, errors.MessageUndeliverable),
    131047: (400, errors.ReEngagementMessage),
    131009: (400, errors.InvalidParameter),
    131016: (503, errors.ServiceUnavailable),
}


@pytest.mark.parametrize("code", ERRORS)
async def test_an_error_becomes_pywas_exception(fake: FakeWhatsApp, wa: WhatsApp, sam: Person, code: int) -> None:
    status, error = ERRORS[code]
    fake.faults.put(refused(code), sam)
    with pytest.raises(error) as caught:
        await wa.send_message(sam.number or "", "hello")
    assert (caught.value.code, caught.value.status_code) == (code, status)
    assert caught.value.details


BROKEN_RULES: dict[str, tuple[Callable[[WhatsApp, str], Any], type[Exception]]] = {
    "text": (lambda wa, to: wa.send_message(to, "x" * 4097), errors.InvalidParameter),
    "buttons": (
        lambda wa, to: wa.send_message(to, "x", buttons=[Button(t, t) for t in "abcd"]),
        errors.InvalidParameter,
    ),
    "title": (lambda wa, to: wa.send_message(to, "x", buttons=[Button("t" * 21, "t")]), errors.InvalidParameter),
    "template": (lambda wa, to: wa.send_template(to, "other", TemplateLanguage.ENGLISH_UK), errors.TemplateNotExists),
    "nobody": (lambda wa, _: wa.send_message("447700900999", "x"), errors.MessageUndeliverable),
}


@pytest.mark.parametrize("label", BROKEN_RULES)
async def test_a_broken_rule_becomes_pywas_exception(wa: WhatsApp, sam: Person, label: str) -> None:
    send, error = BROKEN_RULES[label]
    with pytest.raises(error):
        await send(wa, sam.number or "")


async def test_window_pace_and_token_become_pywas_exceptions(fake: FakeWhatsApp, wa: WhatsApp, sam: Person) -> None:
    to = sam.number or ""
    fake.pace = Pace(burst=0)
    with pytest.raises(errors.TooManyMessages):
        await wa.send_message(to, "hello")
    fake.closes_window(sam)
    with pytest.raises(errors.ReEngagementMessage):
        await wa.send_message(to, "hello")
    fake.token = "another"
    with pytest.raises(errors.ExpiredAccessToken):
        await wa.send_message(to, "hello")


async def test_a_fault_of_the_server_is_one_to_pywa_too(fake: FakeWhatsApp, wa: WhatsApp, sam: Person) -> None:
    fake.faults.put(broken(502), sam)
    with pytest.raises(errors.WhatsAppError) as caught:
        await wa.send_message(sam.number or "", "hello")
    assert caught.value.status_code == 502
    fake.faults.put(TAKEN_GARBLED, sam)
    with pytest.raises(ValueError, match="Expecting value"):
        await wa.send_message(sam.number or "", "hello")


async def test_pywa_passes_the_handshake_and_checks_signatures(fake: FakeWhatsApp, theirs: Theirs, sam: Person) -> None:
    assert await fake.verify("open sesame") == (200, fake.webhooks.challenge)
    assert (await fake.verify("guess"))[0] == 403
    assert (await sam.says("Tŷ / ☕")).answers == [200]
    assert theirs.updates.pop().text == "Tŷ / ☕"
    for signing, answer in ((Signing.NONE, 401), (Signing.WRONG, 403), (Signing.RESERIALISED, 403)):
        fake.webhooks.signing = signing
        assert (await sam.says("Tŷ / ☕")).answers == [answer]
    assert not theirs.updates


async def test_pywa_sees_the_same_body_twice(fake: FakeWhatsApp, theirs: Theirs, sam: Person) -> None:
    push = await sam.says("once")
    await fake.webhooks.again(push)
    assert [update.text for update in theirs.updates] == ["once"]


async def test_pywa_knows_who_writes(theirs: Theirs, fake: FakeWhatsApp, sam: Person) -> None:
    push = await sam.says("hello")
    said = theirs.updates[-1]
    assert (said.id, said.type, said.text) == (push.id, MessageType.TEXT, "hello")
    assert (said.from_user.wa_id, said.from_user.bsuid, said.from_user.name) == (sam.number, sam.user_id, "Sam")
    kim = fake.person(username="@kim")
    await kim.says("hello")
    user = theirs.updates[-1].from_user
    assert (user.wa_id, user.bsuid, user.username) == (None, kim.user_id, "@kim")
    fake.statuses = ()
    await theirs.updates[-1].reply("hello, whoever you are")
    assert fake.sent(kim)[-1].by_user_id


MEDIA: dict[str, Callable[[Person], Any]] = {
    "image": lambda person: person.sends_image("look"),
    "video": lambda person: person.sends_video("look"),
    "audio": lambda person: person.sends_audio(),
    "voice": lambda person: person.sends_voice(),
    "document": lambda person: person.sends_document("look"),
    "sticker": lambda person: person.sends_sticker(),
}


@pytest.mark.parametrize("kind", MEDIA)
async def test_pywa_knows_a_file_and_fetches_none(fake: FakeWhatsApp, theirs: Theirs, sam: Person, kind: str) -> None:
    await MEDIA[kind](sam)
    came = theirs.updates[-1]
    assert came.has_media
    assert getattr(came, kind).id
    assert came.caption == ("look" if kind in ("image", "video", "document") else None)
    assert not fake.media_calls
    await came.get_media_bytes()
    assert fake.media_calls


OTHERS: dict[str, Callable[[Person], Any]] = {
    "contacts": lambda person: person.sends_contacts(),
    "location": lambda person: person.sends_location(),
    "order": lambda person: person.sends_order(),
    "unsupported": lambda person: person.sends_unsupported(),
}


@pytest.mark.parametrize("kind", OTHERS)
async def test_pywa_knows_the_other_kinds(theirs: Theirs, sam: Person, kind: str) -> None:
    await OTHERS[kind](sam)
    assert theirs.updates[-1].type == kind


async def test_pywa_knows_edits_deletions_and_reactions(fake: FakeWhatsApp, theirs: Theirs, sam: Person) -> None:
    push = await sam.says("helo")
    await sam.edits(push, "hello")
    assert (type(theirs.updates[-1]).__name__, theirs.updates[-1].message.text) == ("EditedMessage", "hello")
    await sam.deletes(push)
    assert type(theirs.updates[-1]).__name__ == "DeletedMessage"
    fake.statuses = ()
    sent = await theirs.client.send_message(sam.number or "", "well?")
    await sam.reacts("👍")
    assert theirs.updates[-1].reaction.message_id == sent.id


async def test_pywa_follows_a_person_to_a_new_number_and_id(theirs: Theirs, sam: Person) -> None:
    old = sam.number
    await sam.changes_number("447700900555", new_user_id="GB.new")
    moved = theirs.updates[-1]
    assert (moved.old_wa_id, moved.new_wa_id, moved.new_user_id) == (old, "447700900555", "GB.new")


async def test_pywa_reads_statuses(fake: FakeWhatsApp, theirs: Theirs, sam: Person) -> None:
    sent = await theirs.client.send_message(sam.number or "", "hello", tracker="17")
    await fake.until(lambda: len(theirs.updates) == 2)
    fake.reads(sam)
    await fake.until(lambda: len(theirs.updates) == 3)
    told = [(update.status, update.id, update.tracker, update.from_user.wa_id) for update in theirs.updates]
    reached = (MessageStatusType.SENT, MessageStatusType.DELIVERED, MessageStatusType.READ)
    assert told == [(status, sent.id, "17", sam.number) for status in reached]


async def test_pywa_reads_a_failure(fake: FakeWhatsApp, theirs: Theirs, sam: Person) -> None:
    fake.failures_name_contact = True
    fake.faults.put(failed_later(131047), sam)
    await theirs.client.send_message(sam.number or "", "hello", tracker="17")
    await fake.until(lambda: theirs.updates)
    (failure,) = theirs.updates
    assert (failure.status, failure.tracker) == (MessageStatusType.FAILED, "17")
    assert isinstance(failure.error, errors.ReEngagementMessage)


async def test_of_several_in_one_body_pywa_reads_the_first(fake: FakeWhatsApp, theirs: Theirs, sam: Person) -> None:
    """So it proves nothing about the others: our own channel must read them all."""
    with fake.webhooks.together(By.ENTRIES):
        push = sam.says("one")
        sam.says("two")
    await push
    assert [update.text for update in theirs.updates] == ["one"]
