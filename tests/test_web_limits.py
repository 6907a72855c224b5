"""What the web channel refuses: floods, files, unknown tokens, forged hops. A lost first answer doubles nothing."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer

from bot.channels.web import NEW_IN_WINDOW
from bot.server import application, behind
from tests.small_house import SmallHouse

Api = TestClient[web.Request, web.Application]
TOKEN = "A" * 43


@pytest.fixture
async def api(house: SmallHouse) -> AsyncIterator[Api]:
    async with TestClient(TestServer(application(house.firstline))) as client:
        yield client


async def open_chat(api: Api, token: str | None, id_: str = "one") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with api.post("/api/chat", json={"id": id_, "open": True}, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_first_message_sent_again_is_the_same_enquirers(house: SmallHouse, api: Api) -> None:
    answers = [await open_chat(api, TOKEN) for _ in range(3)]
    assert house.counts("conversation", "turn") == (1, 1)
    assert [said["messages"] for _, said in answers] == [answers[0][1]["messages"]] * 3


async def test_one_address_cannot_begin_conversations_without_end(api: Api) -> None:
    statuses = [(await open_chat(api, None, f"id{number}"))[0] for number in range(NEW_IN_WINDOW + 1)]
    assert statuses[:-1] == [200] * NEW_IN_WINDOW
    assert statuses[-1] == 429
    assert (await open_chat(api, TOKEN, "later"))[0] == 429


async def test_a_refusal_says_when_to_come_back(api: Api) -> None:
    for number in range(NEW_IN_WINDOW):
        await open_chat(api, None, f"id{number}")
    async with api.post("/api/chat", json={"id": "x", "open": True}) as answer:
        assert answer.headers["Retry-After"].isdecimal()


async def test_a_stream_needs_a_conversation(api: Api) -> None:
    async with api.get("/api/chat/events", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        assert answer.status == 404


async def test_the_form_takes_no_files(house: SmallHouse, api: Api) -> None:
    async with api.get("/chat") as page:
        assert page.status == 200
    form = FormData()
    form.add_field("csrf", "anything")
    form.add_field("text", b"\x89PNG", filename="photo.png", content_type="image/png")
    async with api.post("/chat", data=form) as answer:
        assert answer.status == 415
    assert house.counts("turn") == (0,)


async def test_opening_the_page_begins_nothing(house: SmallHouse, api: Api) -> None:
    async with api.get("/chat") as page:
        assert page.status == 200
    assert house.counts("conversation") == (0,)


async def test_a_hashtag_is_a_word_and_passes_the_gate(api: Api) -> None:
    body = {"sender": "t1", "message": "#suicidal"}
    async with api.post("/webhooks/rest/webhook", json=body) as answer:
        assert "999" in (await answer.json())[0]["text"]


async def test_every_page_has_a_policy(api: Api) -> None:
    for path in ("/", "/chat", "/nowhere", "/healthz", "/api/chat", "/desk/log-in"):
        async with api.get(path, allow_redirects=False) as answer:
            assert "default-src" in answer.headers["Content-Security-Policy"], path


@pytest.mark.parametrize(("proxies", "seen"), [(0, "127.0.0.1"), (1, "203.0.113.9"), (2, "198.51.100.7")])
async def test_only_as_many_hops_are_believed_as_there_are_proxies(proxies: int, seen: str) -> None:
    async def who(request: web.Request) -> web.Response:
        return web.Response(text=request.remote or "")

    app = web.Application(middlewares=[behind(proxies)])
    app.router.add_get("/", who)
    headers = [("X-Forwarded-For", "192.0.2.66, 198.51.100.7"), ("X-Forwarded-For", "203.0.113.9")]
    async with TestClient(TestServer(app)) as client, client.get("/", headers=headers) as answer:
        assert await answer.text() == seen
