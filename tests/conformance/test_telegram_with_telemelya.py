"""The same bot against a fake Telegram that somebody else wrote: we do not only agree with ourselves.

Telemelya counts no limits and knows no polling; those are tested with tests/fakes/telegram.py.
"""

import asyncio
import socket
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.channels.contract import TELEGRAM
from bot.channels.pace import Pace
from bot.server import application
from tests.small_house import Clock, Ready, SmallHouse, running_house

pytest.importorskip("telemelya", reason="telemelya is not installed: it is in the dependency group 'conformance'")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what others' packages warn of while they load is theirs to mend
    import telegram
    from telemelya.client.client import TelegramTestClient

    from tests.conformance.telemelya_server import Telemelya, running_telemelya

TOKEN = "123456:" + "A" * 35
CHAT = 7001
SOON_S = 10.0


@pytest.fixture
def telemelya() -> Iterator[Telemelya]:
    with running_telemelya() as running:
        yield running


class Enquirer:
    """Somebody with Telegram, through telemelya's own test client. What was heard before is not heard again."""

    def __init__(self, client: TelegramTestClient, chat: int) -> None:
        self._client = client
        self._chat = chat
        self._heard = 0

    async def says(self, text: str) -> None:
        await self._sent(self._client.send_message, text)

    async def sends_a_photo(self, file: Path, caption: str | None = None) -> None:
        await self._sent(self._client.send_photo, str(file), caption)

    async def presses(self, title: str) -> None:
        """The button of that title, under the newest message that has one."""
        for said in reversed(await self.records()):
            for button in buttons_of(said):
                if button["text"] == title:
                    await self._sent(self._client.send_callback_query, button["callback_data"], said["message_id"])
                    return
        pytest.fail(f"no button {title!r}")

    async def _sent(self, sending: Callable[..., Any], *what: Any) -> None:
        delivery = (await asyncio.to_thread(sending, self._chat, *what))["delivery"]
        assert (delivery["delivered"], delivery["status_code"]) == (True, 200)

    async def records(self, method: str | None = "sendMessage") -> list[dict[str, Any]]:
        found = await asyncio.to_thread(self._client.get_responses)
        return [each for each in found if method in (None, each["method"])]

    async def hears(self, words: str) -> dict[str, Any]:
        """The first new message with these words, once it comes."""
        async with asyncio.timeout(SOON_S):
            while True:
                records = await self.records()
                for place, said in enumerate(records[self._heard :], self._heard):
                    if words in said["text"]:
                        self._heard = place + 1
                        return said
                await asyncio.sleep(0.01)


def buttons_of(said: dict[str, Any]) -> list[dict[str, str]]:
    return [button for row in (said["reply_markup"] or {}).get("inline_keyboard", []) for button in row]


def titles_of(said: dict[str, Any]) -> list[str]:
    return [button["text"] for button in buttons_of(said)]


@asynccontextmanager
async def served(telemelya: Telemelya, ready: Ready, folder: Path) -> AsyncIterator[SmallHouse]:
    """A whole Firstline on a free port, set up as an Operator would, listening to telemelya by webhook."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        settings = ready.copied_to(
            folder,
            telegram_token=TOKEN,
            telegram_api=telemelya.url,
            telegram_mode="webhook",
            public_url=f"http://127.0.0.1:{door.getsockname()[1]}",
        )
        async with running_house(settings, Clock(datetime.now(UTC))) as house:
            house.firstline.channels.telegram._pace = Pace(1000, 0)  # one message a second would be slow to watch
            runner = web.AppRunner(application(house.firstline))
            await runner.setup()
            await web.SockSite(runner, door).start()
            listening = asyncio.create_task(house.firstline.listen())
            try:
                await until(lambda: {"setWebhook", "setMyCommands"} <= set(telemelya.called), listening)
                yield house
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
                await runner.cleanup()


async def until(is_so: Callable[[], bool], beside: "asyncio.Task[None] | None" = None) -> None:
    async with asyncio.timeout(SOON_S):
        while not is_so():
            if beside and beside.done():
                beside.result()
            await asyncio.sleep(0.01)


@pytest.fixture
async def house(telemelya: Telemelya, ready: Ready, tmp_path: Path) -> AsyncIterator[SmallHouse]:
    async with served(telemelya, ready, tmp_path) as running:
        yield running


@pytest.fixture
def ann(telemelya: Telemelya, house: SmallHouse) -> Iterator[Enquirer]:
    with TelegramTestClient(telemelya.url, "any", TOKEN, "ann") as client:
        yield Enquirer(client, CHAT)


# --- the launcher ----------------------------------------------------------------------------------------------------


async def test_the_launcher_answers_a_plain_bot(telemelya: Telemelya) -> None:
    """Telemelya works without Redis and MinIO, or the other tests here prove nothing."""
    async with telegram.Bot(TOKEN, base_url=f"{telemelya.url}/bot") as bot:
        sent = await bot.send_message(7, "hello")
        edited = await bot.edit_message_text("hello again", 7, sent.message_id)
    assert (sent.text, edited.text) == ("hello", "hello again")
    with TelegramTestClient(telemelya.url, "any", TOKEN, "default") as client:
        said = [each["text"] for each in await asyncio.to_thread(client.get_responses)]
    assert said == ["hello", "hello again"]
    assert telemelya.called == ["getMe", "sendMessage", "editMessageText"]


async def test_a_file_that_is_fetched_would_be_noticed(telemelya: Telemelya, photo: Path) -> None:
    with TelegramTestClient(telemelya.url, "any", TOKEN, "default") as client:
        file_id = await asyncio.to_thread(client.upload_media, str(photo))
    async with telegram.Bot(TOKEN, base_url=f"{telemelya.url}/bot", base_file_url=f"{telemelya.url}/file/bot") as bot:
        file = await bot.get_file(file_id)
        await file.download_as_bytearray()
    assert "getFile" in telemelya.called
    assert len(telemelya.files.fetched) == 1


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.jpg"
    file.write_bytes(b"\xff\xd8\xff\xe0 not much of a picture")
    return file


# --- what people do --------------------------------------------------------------------------------------------------


async def test_a_flow_is_walked_by_buttons_and_by_typing(telemelya: Telemelya, ann: Enquirer) -> None:
    await ann.says("/start")
    asked = await ann.hears("Is anyone in danger right now?")
    assert "Hello." in asked["text"], "one turn, one message"
    assert titles_of(asked)[:3] == ["Yes", "I am not sure", "No"]
    assert all(len(button["callback_data"].encode()) <= 64 for button in buttons_of(asked))
    await ann.presses("No")
    await ann.hears("Where are you?")
    await ann.says("england")
    await ann.hears("What is it about?")
    await ann.presses("Bad words about us")
    await ann.hears("Where is it?")
    await ann.says("2")
    await ann.hears("How many have seen it?")
    await ann.presses("Many")
    await ann.hears("What happened?")
    await ann.says("they write that we do not care")
    await ann.hears("Closed.")
    await until(lambda: telemelya.called.count("answerCallbackQuery") == 3)


async def test_a_deep_link_opens_its_flow_and_is_counted(house: SmallHouse, ann: Enquirer) -> None:
    await ann.says("/start reputation-school42")
    await ann.hears("Is anyone in danger right now?")
    assert house.one("SELECT referrer FROM conversation") == "school42"


async def test_an_old_button_is_answered_politely(ann: Enquirer) -> None:
    await ann.says("hello")
    await ann.hears("Is anyone in danger right now?")
    await ann.presses("No")
    await ann.hears("Where are you?")
    await ann.presses("I am not sure")
    await ann.hears("That button is old.")


async def test_a_photo_is_refused_and_never_fetched(telemelya: Telemelya, ann: Enquirer, photo: Path) -> None:
    await ann.says("hello")
    await ann.hears("Is anyone in danger right now?")
    await ann.sends_a_photo(photo, "look at this")
    await ann.hears("We cannot take a photo.")
    assert telemelya.called.count("deleteMessage") == 1
    assert "getFile" not in telemelya.called
    assert telemelya.files.fetched == []


async def test_an_adviser_answers_and_both_hear_each_other(house: SmallHouse, ann: Enquirer) -> None:
    await ann.says("hello")
    await ann.says("talk to a person")
    await ann.hears("May we pass this on?")
    await ann.presses("Yes")
    await ann.hears("A person will answer.")
    case, adviser = house.one("SELECT max(id) FROM cases"), house.adviser()
    house.claim(case, adviser)
    house.answers(case, adviser, "Good morning. Is <everybody> safe & well?")
    said = await ann.hears("Good morning.")
    assert said["raw"]["parse_mode"] == "HTML"
    assert said["text"] == "Good morning. Is &lt;everybody&gt; safe &amp; well?"
    await ann.says("yes, thank you")
    await until(lambda: "yes, thank you" in house.thread(case))
    assert house.one("SELECT count(*) FROM conversation WHERE channel = ?", TELEGRAM) == 1
    assert (await ann.records())[-1] == said, "beside an adviser the bot is silent"


async def test_what_was_posted_twice_is_answered_once(house: SmallHouse, ann: Enquirer) -> None:
    await ann.says("hello")
    await ann.hears("Is anyone in danger right now?")
    turns = house.counts("turn")
    sent = await asyncio.to_thread(ann._client.send_message, CHAT, "no")
    await ann.hears("Where are you?")
    again = await asyncio.to_thread(post_again, ann._client, sent["update"])
    assert again == 200
    assert house.counts("turn") == (turns[0] + 1,)


def post_again(client: TelegramTestClient, update: dict[str, Any]) -> int:
    """Telegram posts an update again when our answer was lost; telemelya's own delivery does it here."""
    from telemelya.server.webhook import deliver_update

    delivered: dict[str, Any] = asyncio.run(deliver_update(client.bot_token, update))
    return int(delivered["status_code"])
