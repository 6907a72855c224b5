"""One contract for every channel: what an enquirer may do, and what comes back, is the same through each door."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from rich.console import Console

from bot.channels.contract import CALLBACK, REST, TERMINAL, WEB
from bot.channels.terminal import TerminalChannel
from bot.config import Settings
from bot.domain import Address, ConversationId, Opened, Said
from bot.server import application
from handoff.domain import Author, CaseId
from tests.small_house import Clock, SmallHouse, running_house

Api = TestClient[web.Request, web.Application]
JSON = {"Content-Type": "application/json"}
DANGER, NATION, CONCERN = "Is anyone in danger right now?", "Where are you?", "What is it about?"
INSIDE = re.compile(r"Traceback|File \"|\.py\b|sqlite|Exception|site-packages")
ODD = {
    "a hundred thousand characters": "word " * 20_000,
    "one endless word": "x" * 100_000,
    "control characters": "\x00\x07\x1b[31mred\x1b[0m\x7f",
    "marks of direction": "\u202eevil\u202c \u2066txt\u2069 \u200f",
    "emoji": "😱👨‍👩‍👧‍👦🏴󠁧󠁢󠁷󠁬󠁳󠁿",
    "white space": " \t\n\u2003\u00a0 ",
    "nothing": "",
    "zero width": "\u200b\u200d\ufeff",
    "many accents": "a" + "\u0301" * 5_000,
    "markup": "<script>alert(1)</script> [x](javascript:alert(1)) **b**",
    "a template": "{nation} {{7*7}} ${x} %s",
}


@dataclass
class Shown:
    """What an enquirer's side saw after one turn."""

    texts: list[str] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=dict)
    """Title -> what to send back to press it."""

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


class Door(Protocol):
    """One channel, as an enquirer's side uses it."""

    repeats: bool
    """Whether its side can send the same turn twice."""
    buttons: bool

    async def open(self) -> Shown: ...
    async def say(self, text: str, id_: str | None = None) -> Shown: ...
    async def press(self, sent_back: str) -> Shown: ...
    async def news(self) -> Shown:
        """What came without anything being said, or with the next thing said."""


class WebDoor:
    repeats = buttons = True

    def __init__(self, house: SmallHouse, api: Api) -> None:
        self._api, self._house, self._token, self._seen = api, house, "", 0

    async def open(self) -> Shown:
        return await self._post({"open": True})

    async def say(self, text: str, id_: str | None = None) -> Shown:
        return await self._post({"text": text}, id_)

    async def press(self, sent_back: str) -> Shown:
        return await self._post({"token": sent_back})

    async def news(self) -> Shown:
        async with self._api.get(f"/api/chat?after={self._seen}", headers=self._headers()) as answer:
            return self._shown(await answer.json())

    async def _post(self, body: dict[str, Any], id_: str | None = None) -> Shown:
        body = {"id": id_ or f"w{next(self._house.count)}", **body}
        async with self._api.post("/api/chat", json=body, headers=self._headers()) as answer:
            assert answer.status == 200, await answer.text()
            return self._shown(await answer.json())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _shown(self, body: Any) -> Shown:
        self._token = body["token"]
        said = [each for each in body["messages"] if each["from"] != "you"]
        assert all("<script" not in each["html"] and 'href="java' not in each["html"] for each in body["messages"])
        self._seen = max([self._seen, *(each["seq"] for each in said)])
        choices = {each["title"]: each["token"] for each in said[-1]["choices"]} if said else {}
        return Shown([each["text"] for each in said], choices)


class RestDoor:
    repeats = buttons = True
    path = "/webhooks/rest/webhook"

    def __init__(self, house: SmallHouse, api: Api) -> None:
        self._api, self._house = api, house

    async def open(self) -> Shown:
        return await self.say("/start")

    async def say(self, text: str, id_: str | None = None) -> Shown:
        body: dict[str, Any] = {"sender": "ann", "message": text}
        if id_:
            body["metadata"] = {"message_id": id_}
        async with self._api.post(self.path, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await self._shown(await answer.text())

    async def press(self, sent_back: str) -> Shown:
        return await self.say(sent_back)

    async def news(self) -> Shown:
        return await self.say("One more thing")

    async def _shown(self, text: str) -> Shown:
        return as_shown(json.loads(text))


def as_shown(messages: list[dict[str, Any]]) -> Shown:
    assert all(each["recipient_id"] == "ann" for each in messages)
    buttons = messages[-1].get("buttons", []) if messages else []
    choices = {each["title"]: each["payload"] for each in buttons}
    return Shown([each.get("text", "") for each in messages], choices)


class CallbackDoor(RestDoor):
    """Answers come to a server of the enquirer's side; `_shown` waits until all were delivered."""

    path = "/webhooks/callback/webhook"

    def __init__(self, house: SmallHouse, api: Api, posted: list[dict[str, Any]]) -> None:
        super().__init__(house, api)
        self._posted, self._read = posted, 0
        self._answers: dict[str, Shown] = {}

    async def news(self) -> Shown:
        return await self._shown("success")

    async def _shown(self, text: str) -> Shown:
        assert text == "success"
        async with asyncio.timeout(5):
            while self._house.one("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        new, self._read = self._posted[self._read :], len(self._posted)
        return as_shown(new)


class TerminalDoor:
    repeats = buttons = False

    def __init__(self, house: SmallHouse) -> None:
        self._page = io.StringIO()
        console = Console(file=self._page, width=200, highlight=False)
        self._house, self._channel = house, TerminalChannel(house.firstline.rooms, house.clock, console)

    async def open(self) -> Shown:
        await self._channel._say(Opened(self._house.clock()))
        return self._shown()

    async def say(self, text: str, id_: str | None = None) -> Shown:
        await self._channel._say(Said(text, self._house.clock()))
        return self._shown()

    async def press(self, sent_back: str) -> Shown:
        return await self.say(sent_back)

    async def news(self) -> Shown:
        return await self.say("One more thing")

    def _shown(self) -> Shown:
        lines = self._page.getvalue().splitlines()
        self._page.truncate(0)
        self._page.seek(0)
        numbered = [re.fullmatch(r"  (\d+)\. (.*)", line) for line in lines]
        choices = {each[2]: each[1] for each in numbered if each}
        return Shown([line for line in lines if line and not line.startswith("  ")], choices)


@pytest.fixture
async def posted() -> list[dict[str, Any]]:
    return []


@pytest.fixture
async def house(settings: Settings, clock: Clock, posted: list[dict[str, Any]]) -> AsyncIterator[SmallHouse]:
    async def take(request: web.Request) -> web.Response:
        posted.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    async with TestServer(app) as server:
        calling = settings.model_copy(update={"callback_url": str(server.make_url("/"))})
        async with running_house(calling, clock) as made:
            yield made


@pytest.fixture
async def api(house: SmallHouse) -> AsyncIterator[Api]:
    async with TestClient(TestServer(application(house.firstline))) as client:
        yield client


@pytest.fixture(params=[WEB, REST, CALLBACK, TERMINAL])
async def door(request: pytest.FixtureRequest, house: SmallHouse, api: Api, posted: list[dict[str, Any]]) -> Door:
    doors: dict[str, Door] = {
        WEB: WebDoor(house, api),
        REST: RestDoor(house, api),
        CALLBACK: CallbackDoor(house, api, posted),
        TERMINAL: TerminalDoor(house),
    }
    return doors[request.param]


# --- answering -------------------------------------------------------------------------------------------------------


async def test_one_is_greeted_and_asked_with_choices(door: Door) -> None:
    shown = await door.open()
    assert shown.texts == ["Hello.", DANGER]
    assert list(shown.choices) == ["Yes", "I am not sure", "No"]


async def test_a_first_word_begins_as_well(door: Door) -> None:
    assert (await door.say("hello")).texts == ["Hello.", DANGER]


@pytest.mark.parametrize("words", ["3", "no", "No", "  NO. "])
async def test_a_question_is_answered_by_number_or_by_words(door: Door, words: str) -> None:
    await door.open()
    assert (await door.say(words)).texts == [NATION]


async def test_a_question_is_answered_by_a_button(door: Door) -> None:
    shown = await door.open()
    assert (await door.press(shown.choices["No"])).texts == [NATION]


async def test_an_old_button_is_told_to_be_old_however_often_it_is_pressed(door: Door) -> None:
    if not door.buttons:
        pytest.skip("no buttons here")
    shown = await door.open()
    await door.press(shown.choices["No"])
    for _ in range(2):
        again = await door.press(shown.choices["Yes"])
        assert again.texts == ["That button is old.", NATION]
    assert (await door.say("wales")).texts == [CONCERN]


async def test_the_same_turn_twice_is_taken_once(door: Door, house: SmallHouse) -> None:
    if not door.repeats:
        pytest.skip("nothing is sent twice here")
    await door.open()
    first = await door.say("no", "same")
    turns = house.counts("turn", "outbox")
    second = await door.say("no", "same")
    assert house.counts("turn", "outbox") == turns
    assert second.texts in (first.texts, []), "answered the same; where answers are pushed, not pushed again"


# --- what is refused -------------------------------------------------------------------------------------------------


async def test_a_picture_written_as_text_is_refused(door: Door, house: SmallHouse) -> None:
    await door.open()
    shown = await door.say("data:image/png;base64,iVBORw0KGgo=")
    assert "We cannot take a" in shown.text
    assert DANGER in shown.text
    assert house.one("SELECT kind FROM turn ORDER BY number DESC LIMIT 1") == "refused_other"


@pytest.mark.parametrize(
    "typed", ["/SetSlots(danger=no)", "/SetSlots(danger=no, nation=wales)", '/slot{"danger":"no"}']
)
async def test_a_payload_that_is_typed_sets_nothing(door: Door, house: SmallHouse, typed: str) -> None:
    await door.open()
    shown = await door.say(typed)
    assert DANGER in shown.text
    assert NATION not in shown.text


@pytest.mark.parametrize("kind", ODD)
async def test_odd_text_is_answered_and_the_question_stands(door: Door, kind: str) -> None:
    await door.open()
    shown = await door.say(ODD[kind])
    assert DANGER in shown.text
    assert not INSIDE.search(shown.text)
    assert (await door.say("no")).texts == [NATION]


# --- people ----------------------------------------------------------------------------------------------------------


async def test_an_advisers_words_arrive_and_the_bot_is_silent(door: Door, house: SmallHouse) -> None:
    for text in ("hello", "talk to a person"):
        await door.say(text)
    assert "A person will answer." in (await door.say("yes")).text
    adviser, case = house.adviser(), CaseId(1)
    house.claim(case, adviser)
    message = house.answers(case, adviser, "I am **Ben** <b>here</b>.")
    shown = await door.news()
    assert shown.texts == ["I am **Ben** <b>here</b>."]
    assert house.one("SELECT state FROM delivery WHERE message = ?", message) == "sent"
    assert (await door.say("thank you")).texts == []
    assert "thank you" in house.thread(case)


async def test_the_bot_is_heard_again_after_the_case_was_closed(door: Door, house: SmallHouse) -> None:
    # Once a defect, on pulled channels without numbers (rest, terminal): see test_relay
    # test_an_enquirer_whose_side_fetches_reads_that_the_bot_is_back.
    for text in ("hello", "talk to a person", "yes"):
        await door.say(text)
    adviser, case = house.adviser(), CaseId(1)
    house.claim(case, adviser)
    house.answers(case, adviser, "Hello.")
    await door.news()
    house.closes(case, adviser)
    async with asyncio.timeout(3):
        while house.one("SELECT seq FROM relay_cursor") == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert "is closed." in (await door.news()).text


async def test_an_open_page_is_told_within_a_third_of_a_second(house: SmallHouse, api: Api) -> None:
    """DESIGN section 9: an event on another screen in under 300 ms; measured generously on a busy machine."""
    door = WebDoor(house, api)
    for text in ("hello", "talk to a person", "yes"):
        await door.say(text)
    adviser = house.adviser()
    house.claim(CaseId(1), adviser)
    async with AsyncExitStack() as stack:
        stream = await stack.enter_async_context(
            api.get(f"/api/chat/events?after={door._seen}", headers=door._headers())
        )
        assert (await asyncio.wait_for(stream.content.readline(), 2)).startswith(b"event: state")
        house.answers(CaseId(1), adviser, "canary-live")
        started = asyncio.get_running_loop().time()
        async with asyncio.timeout(3):
            while b"canary-live" not in await stream.content.readline():
                pass
        assert asyncio.get_running_loop().time() - started < 1.0


async def test_an_open_page_that_came_back_by_a_code_hears_the_conversation_it_is_in_now(
    house: SmallHouse, api: Api
) -> None:
    case, door, turns = await house.asks_for_people(), WebDoor(house, api), house.firstline.turns
    await door.say("hello")  # and so another conversation began here
    code = house.firstline.ledger.write_now(lambda db: turns._returning.new_code(db, ConversationId(1), house.clock()))
    async with AsyncExitStack() as stack:
        stream = await stack.enter_async_context(
            api.get(f"/api/chat/events?after={door._seen}", headers=door._headers())
        )
        await asyncio.wait_for(stream.content.readuntil(b"event: state"), 2)
        await door.say(code)
        adviser = house.adviser()
        house.claim(case, adviser)
        for said in ("canary-first", "canary-second", "canary-third"):
            house.answers(case, adviser, said)
            await asyncio.wait_for(stream.content.readuntil(said.encode()), 3)


async def test_each_side_sees_that_the_other_types_while_an_adviser_speaks(house: SmallHouse, api: Api) -> None:
    door, typing, now = WebDoor(house, api), house.firstline.typing, house.firstline.now
    for text in ("hello", "talk to a person", "yes"):
        await door.say(text)
    assert (await api.post("/api/chat/typing", headers=door._headers())).status == 204
    assert typing.until(1, Author.ENQUIRER, now()) is None  # nobody speaks with them yet: nobody is told
    house.claim(CaseId(1), house.adviser())
    async with AsyncExitStack() as stack:
        stream = await stack.enter_async_context(
            api.get(f"/api/chat/events?after={door._seen}", headers=door._headers())
        )
        await asyncio.wait_for(stream.content.readuntil(b"event: state"), 2)
        typing.tell(1, Author.ADVISER, now())
        await asyncio.wait_for(stream.content.readuntil(b"event: typing"), 2)
    answer = await api.post("/api/chat/typing", headers=door._headers(), data="canary-typed")
    assert answer.status == 204
    assert typing.until(1, Author.ENQUIRER, now()) is not None
    await door.say("here it is")
    assert typing.until(1, Author.ENQUIRER, now()) is None
    signs = [(await api.post("/api/chat/typing", headers=door._headers())).status for _ in range(40)]
    assert signs[0] == 204
    assert signs[-1] == 429


# --- refusals over HTTP ----------------------------------------------------------------------------------------------

BEARER = {"Authorization": "Bearer " + "a" * 43}
REFUSALS: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", "/api/nowhere", {}, 404),
    ("POST", "/webhooks/nowhere", {}, 404),
    ("GET", "/api/chat/record", {}, 404),
    ("DELETE", "/api/chat", {}, 405),
    ("GET", "/webhooks/rest/webhook", {}, 405),
    ("PUT", "/webhooks/callback/webhook", {}, 405),
    ("POST", "/api/chat", {"data": b"text"}, 415),
    ("POST", "/webhooks/rest/webhook", {"data": b"text"}, 415),
    ("POST", "/webhooks/callback/webhook", {"data": b"text"}, 415),
    ("POST", "/api/chat", {"data": io.BytesIO(b"x" * 1_100_000), "headers": JSON}, 413),
    ("POST", "/webhooks/rest/webhook", {"data": io.BytesIO(b"x" * 1_100_000), "headers": JSON}, 413),
    ("POST", "/api/chat", {"data": b"{", "headers": JSON}, 400),
    ("POST", "/api/chat", {"json": []}, 400),
    ("POST", "/api/chat", {"json": {"id": "x"}}, 400),
    ("POST", "/api/chat", {"json": {"id": "", "text": "x"}}, 400),
    ("POST", "/api/chat", {"json": {"id": "x" * 101, "text": "x"}}, 400),
    ("POST", "/api/chat", {"json": {"id": "x", "text": "x", "open": True}}, 400),
    ("POST", "/api/chat", {"json": {"id": "x", "text": 7}}, 400),
    ("POST", "/api/chat", {"json": {"id": "x", "token": "no such token!"}}, 400),
    ("POST", "/webhooks/rest/webhook", {"json": {"sender": "a"}}, 400),
    ("POST", "/webhooks/rest/webhook", {"json": {"sender": 7, "message": "x"}}, 400),
    ("POST", "/webhooks/callback/webhook", {"json": {"message": "x"}}, 400),
    ("GET", "/api/chat?after=-1", {"headers": BEARER}, 400),
    ("GET", "/api/chat?after=1e9", {"headers": BEARER}, 400),
    ("GET", "/api/chat", {}, 401),
    ("GET", "/api/chat/events", {}, 401),
    ("POST", "/api/chat/typing", {}, 401),
    ("POST", "/api/chat/typing", {"headers": BEARER}, 404),
    ("POST", "/api/chat", {"json": {"id": "x", "text": "x"}, "headers": {"Authorization": "Bearer short"}}, 401),
]


@pytest.mark.parametrize(("method", "path", "more", "status"), REFUSALS)
async def test_what_is_not_taken_is_refused_in_json_with_nothing_of_the_inside(
    api: Api, house: SmallHouse, method: str, path: str, more: dict[str, Any], status: int
) -> None:
    async with api.request(method, path, **more) as answer:
        assert (answer.status, answer.content_type) == (status, "application/json")
        body = await answer.json()
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"]
    assert not INSIDE.search(json.dumps(body))
    assert house.counts("turn") == (0,)


async def test_a_terminal_talks_until_there_is_nothing_to_read_or_the_end(house: SmallHouse) -> None:
    page = io.StringIO()
    channel = TerminalChannel(house.firstline.rooms, house.clock, Console(file=page, width=100))
    lines = iter(["3", "2", "stop and delete", "never read"])
    await channel.talk(lambda: next(lines, None))
    assert "Deleted." in page.getvalue()
    assert next(lines) == "never read"


async def test_a_web_conversation_is_only_its_own_tokens(house: SmallHouse, api: Api) -> None:
    await WebDoor(house, api).say("hello")
    async with api.get("/api/chat", headers=BEARER) as answer:
        assert answer.status == 404
    assert await house.firstline.rooms.since(WEB, Address("a" * 43), 0) == []
