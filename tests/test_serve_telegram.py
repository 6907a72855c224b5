"""`firstline serve` as people in Telegram and an adviser at the desk use it, by polling and by webhook."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession

from bot.domain import MAX_TURNS_IN_WINDOW
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_people import User
from tests.served import Desk, Served, add_adviser, desk_of, free_port, serving

WEBHOOK = "/webhooks/telegram"
MODES = ("polling", "webhook")
TOO_BIG = b'{"update_id": 1, "x": "' + b"x" * 1_100_000 + b'"}'
IMPATIENT = """
from bot.channels.telegram import polling
from bot.cli import main
polling.CONFLICT_PATIENCE_S = 2.0
main()
"""


@asynccontextmanager
async def served_with(fake: FakeTelegram, folder: Path, mode: str = "polling") -> AsyncIterator[Served]:
    port = free_port()
    settings: dict[str, object] = {"telegram_token": fake.token, "telegram_api": fake.url, "telegram_mode": mode}
    if mode == "webhook":
        settings["public_url"] = f"http://127.0.0.1:{port}"
    async with serving(folder, port, **settings) as served:
        yield served


@dataclass
class Talk:
    """Somebody in a private chat, who waits for what the bot says before going on."""

    fake: FakeTelegram
    me: User

    @property
    def heard(self) -> list[str]:
        return self.fake.sent(self.me.id)

    async def hears(self, words: str, act: Callable[[], object]) -> str:
        """What the bot says next, up to the message with these words."""
        before = len(self.heard)
        act()
        try:
            await self.fake.until(lambda: any(words in text for text in self.heard[before:]), 15)
        except AssertionError as error:
            raise AssertionError(f"{words!r} is not in {self.heard[before:]}; {error}") from None
        return "\n".join(self.heard[before:])

    async def presses(self, title: str, words: str) -> str:
        return await self.hears(words, lambda: self.me.presses(title))

    async def says(self, text: str, words: str) -> str:
        return await self.hears(words, lambda: self.me.says(text))


# --- the whole walk --------------------------------------------------------------------------------------------------


async def test_enquirers_and_an_adviser_are_served_by_polling_and_by_webhook(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as both:
        for mode in MODES:
            (tmp_path / mode).mkdir()
            both.create_task(everybody(tmp_path / mode, mode), name=mode)


async def everybody(folder: Path, mode: str) -> None:
    """Telegram's real limits hold, and are never reached."""
    async with FakeTelegram(limits=True) as fake, served_with(fake, folder, mode) as served:
        async with desk_of(served, await add_adviser(folder)) as desk, asyncio.TaskGroup() as people:
            people.create_task(walks_by_buttons(Talk(fake, fake.user(7))))
            people.create_task(types_and_meets_an_adviser(Talk(fake, fake.user(8)), desk))
            people.create_task(sends_pictures(Talk(fake, fake.user(9))))
            people.create_task(sends_other_things(Talk(fake, fake.user(10))))
            people.create_task(adds_it_to_a_group(fake))
            people.create_task(floods(fake, 500 if mode == "polling" else 50))
        await fake.until(lambda: not fake.pending)
        assert fake.get_file_calls == []
        assert fake.calls_of("getFile") == []
        assert [call for call in fake.calls if call.status == 429] == []
        assert fake.token not in "\n".join(served.log)
        assert served.counted("SELECT count(*) FROM conversation WHERE referrer = 'school42'") == 2


async def walks_by_buttons(ann: Talk) -> None:
    await ann.hears("in danger", lambda: ann.me.starts("reputation-school42"))
    first = ann.fake.chat(ann.me.id).last.id
    await ann.presses("No", "What best describes you?")
    await ann.presses("Teacher or school staff", "Where do you work?")
    await ann.presses("England", "Is it about this")
    await ann.presses("Posts about us or staff", "a threat, a home address")
    assert "Do now" in await ann.presses("No", "Keep evidence")
    chat = ann.fake.chat(ann.me.id)
    assert "No" in chat.standing[first].text.splitlines()[-1], "the choice made stands where the buttons were"
    assert chat.standing[first].buttons == []
    record = await ann.says("/record", "Record of advice")
    assert "Teacher or school staff" in record
    assert "Keep evidence" in record
    await an_old_button_is_answered_politely(ann, first)


async def an_old_button_is_answered_politely(ann: Talk, first: int) -> None:
    said = len(ann.heard)
    query = ann.me.presses_old(first, "Yes")
    await ann.fake.until(lambda: ann.fake.queries[query].answer is not None)
    await ann.fake.until(lambda: len(ann.heard) > said)


async def types_and_meets_an_adviser(bob: Talk, desk: Desk) -> None:
    await bob.hears("in danger", lambda: bob.me.starts("reputation-school42"))
    await bob.says("no", "What best describes you?")
    await bob.says("1", "Where do you work?")
    await bob.says("england", "Is it about this")
    await bob.says("1", "a threat, a home address")
    assert "Do now" in await bob.says("2", "Keep evidence")
    await bob.says("talk to a person", "Shall we pass this to an adviser?")
    await bob.says("yes", "in the queue")
    await meets_an_adviser(bob, desk)


async def meets_an_adviser(bob: Talk, desk: Desk) -> None:
    case = await desk.next_waiting()
    assert "Posts criticising our staff" in (await desk.case(case)).text
    await desk.claim(case)
    await bob.hears("Which page is it on?", lambda: asyncio.create_task(desk.says(case, "Which page is it on?")))
    await desk.shows(case, "Which page is it on? Sent")
    said = len(bob.heard)
    bob.me.says("The post is on a local page")
    await desk.shows(case, "The post is on a local page")
    assert len(bob.heard) == said, "the bot is silent while an adviser speaks"
    await bob.hears("back with the bot", lambda: asyncio.create_task(desk.gives_back(case)))
    await bob.says("/help", "")


async def sends_pictures(cat: Talk) -> None:
    """Three pictures are one thing, said once; what cannot be deleted is said, too."""
    await cat.hears("in danger", lambda: cat.me.starts())
    calm = await cat.hears("", lambda: [cat.me.sends("photo", album="1", caption="look") for _ in range(3)])
    await cat.fake.until(lambda: len(cat.fake.calls_of("deleteMessage", cat.me.id)) == 3)
    assert [each.kind for each in cat.fake.chat(cat.me.id).messages if each.kind == "photo"] == []
    assert "look" not in calm
    cat.fake.chat(cat.me.id).undeletable = True
    said = len(cat.heard)
    left = await cat.hears("", lambda: cat.me.sends_photo())
    assert len(cat.heard) == said + 1, "the album was one message"
    assert left != calm
    await cat.says("no", "What best describes you?")
    assert len(cat.fake.calls_of("deleteMessage", cat.me.id)) == 4


async def sends_other_things(dan: Talk) -> None:
    await dan.hears("in danger", lambda: dan.me.starts())
    await dan.hears("", lambda: dan.me.sends_sticker())
    dan.me.sends_location()
    await dan.fake.until(lambda: len(dan.fake.calls_of("deleteMessage", dan.me.id)) == 2)
    typed = dan.me.says("no")
    await dan.fake.until(lambda: "What best describes you?" in dan.heard[-1], 15)
    await dan.hears("", lambda: dan.me.edits(typed, "yes"))


async def adds_it_to_a_group(fake: FakeTelegram) -> None:
    group = fake.group(-77)
    group.adds_bot(fake.user(11))
    await fake.until(lambda: not group.chat.member, 15)
    assert len(fake.sent(-77)) == 1


async def floods(fake: FakeTelegram, size: int) -> None:
    """Everybody else gets their answers meanwhile."""
    flood = fake.user(66)
    for number in range(size):
        flood.says(f"message {number}")
    await fake.until(lambda: not fake.pending, 15)
    assert len(fake.sent(66)) <= MAX_TURNS_IN_WINDOW + 1, "a flood is not answered with a flood"


# --- what goes wrong -------------------------------------------------------------------------------------------------


async def test_with_a_wrong_token_the_web_chat_still_serves_and_the_log_says_why(tmp_path: Path) -> None:
    async with FakeTelegram() as fake:
        wrong = "999999:AAH-a-token-of-nobody"
        async with (
            serving(tmp_path, telegram_token=wrong, telegram_api=fake.url) as served,
            ClientSession() as session,
        ):
            await fake.until(lambda: served.logged("telegram.refused"))
            async with session.get(f"{served.url}/chat") as answer:
                assert answer.status == 200
            headers = {"Authorization": f"Bearer {'x' * 43}"}
            said = session.post(f"{served.url}/api/chat", json={"id": "1", "text": "hello"}, headers=headers)
            async with said as answer:
                assert answer.status == 200
                assert (await answer.json())["messages"]
        assert served.logged("telegram.refused")[0]["reason"] == "FIRSTLINE_TELEGRAM_TOKEN_was_refused_by_Telegram"
        assert "a-token-of-nobody" not in "\n".join(served.log)


async def test_another_poller_ends_the_server_with_a_plain_message(tmp_path: Path) -> None:
    async with FakeTelegram() as fake:
        settings = {"telegram_token": fake.token, "telegram_api": fake.url}
        served = Served(tmp_path, free_port(), settings, command=("-c", IMPATIENT))
        await served.start()
        stealing = asyncio.create_task(steals(fake))
        assert await served.ended() == 1
        stealing.cancel()
        message = served.log[-1]
        assert message.startswith("firstline: ")
        assert "another" in message.lower()
        assert fake.token not in "\n".join(served.log)
        assert not any("Traceback" in line for line in served.log)


async def steals(fake: FakeTelegram) -> None:
    """Another program with the same token, which fetches again and again."""
    async with ClientSession() as session:
        while True:
            async with session.get(f"{fake.url}/bot{fake.token}/getUpdates", params={"timeout": "1"}) as answer:
                await answer.read()


async def test_what_is_no_update_is_refused_at_the_webhook_and_counted(tmp_path: Path) -> None:
    async with FakeTelegram() as fake, served_with(fake, tmp_path, "webhook") as served, ClientSession() as session:
        await fake.until(lambda: fake.updates.hook.url)
        secret = {"X-Telegram-Bot-Api-Secret-Token": fake.updates.hook.secret, "Content-Type": "application/json"}
        posts: list[tuple[int, bytes, dict[str, str]]] = [
            (401, b'{"update_id": 1}', {"Content-Type": "application/json"}),
            (401, b'{"update_id": 1}', {**secret, "X-Telegram-Bot-Api-Secret-Token": "guessed"}),
            (400, b'{"update_id": 1', secret),
            (400, b"[1]", secret),
            (413, TOO_BIG, secret),
            (200, b'{"update_id": 1, "something_new": {}}', secret),
        ]
        for status, body, headers in posts:
            async with session.post(f"{served.url}{WEBHOOK}", data=io.BytesIO(body), headers=headers) as answer:
                assert answer.status == status, (status, body[:30])
        metrics = await served.metrics()
        for kind, count in (("unsigned", 2), ("malformed", 2), ("too_large", 1), ("unknown_type", 1)):
            assert f'firstline_channel_passed_over_total{{channel="telegram",kind="{kind}"}} {count}.0' in metrics
