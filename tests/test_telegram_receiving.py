"""The Telegram channel takes in what comes: fetched or posted, each once it is durable, and pictures."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from bot.channels.pace import Pace
from bot.channels.telegram import polling, receiving
from bot.domain import MediaKind, MediaRefused, Said, Turn
from bot.errors import AnotherPoller
from tests.builders import NOON
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram_faults import Fault, bad_request, drop, garbage, server_error, silence, too_many
from tests.telegram_side import (
    ADVISERS,
    ANN,
    BOB,
    PERSON,
    SECRET,
    FakeHouse,
    channel_of,
    failing,
    fetched,
    hooked,
    offered,
    private,
    quick_telegram,
    running,
    sent,
    started,
)

CONFLICT = Fault(status=409, description="Conflict: terminated by other getUpdates request")


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeTelegram]:
    async with quick_telegram(monkeypatch) as server:
        yield server


# --- fetching --------------------------------------------------------------------------------------------------------


async def test_an_update_is_confirmed_only_once_it_is_durable(fake: FakeTelegram) -> None:
    gate = asyncio.Event()
    house = FakeHouse(gate=lambda _: gate)
    fake.user(ANN).says("Help me")
    async with running(fake, house):
        await fake.until(lambda: house.asked)
        await asyncio.sleep(0.1)
        assert len(fake.pending) == 1
        gate.set()
        await fake.until(fetched(fake))
    assert house.said_by(ANN) == ["Help me"]


async def test_while_the_house_can_keep_nothing_nothing_is_lost_and_order_stays(fake: FakeTelegram) -> None:
    house = FakeHouse(fails=failing(6))
    for text in ("one", "two", "three"):
        fake.user(ANN).says(text)
        fake.user(BOB).says(text)
    async with running(fake, house) as channel:
        await fake.until(fetched(fake))
    assert house.said_by(ANN) == house.said_by(BOB) == ["one", "two", "three"]
    assert channel.counts == {"not_kept": 6}


async def test_what_was_kept_behind_a_failure_is_not_taken_twice(fake: FakeTelegram) -> None:
    house = FakeHouse(fails=failing(2))
    fake.user(ANN).says("one")
    fake.user(BOB).says("two")
    async with running(fake, house):
        await fake.until(fetched(fake))
    assert [turn.address for turn in house.asked] == [str(ANN), str(BOB), str(ANN), str(ANN)]


async def test_an_update_that_a_fault_of_ours_strikes_again_and_again_is_left_out(fake: FakeTelegram) -> None:
    house = FakeHouse(fails=lambda turn: ValueError("secret words") if turn.heard == Said("bad", NOON) else None)
    for text in ("bad", "good"):
        fake.user(ANN).says(text)
    with capture_logs() as logs:
        async with running(fake, house) as channel:
            await fake.until(fetched(fake))
    assert house.said_by(ANN) == ["good"]
    assert channel.counts["poison"] == 1
    assert len(house.asked) == receiving.POISON_TRIES + 1
    [poison] = [line for line in logs if line["event"] == "telegram.poison"]
    assert poison == {"event": "telegram.poison", "log_level": "error", "number": 700_000_001, "error": "ValueError"}
    assert "secret words" not in str(logs)


def striking(who: int, *words: str) -> Callable[[Turn], Exception | None]:
    """A fault of ours, whenever this person says one of these."""
    struck = [Said(each, NOON) for each in words]
    return lambda turn: ValueError() if turn.address == str(who) and turn.heard in struck else None


async def test_an_update_that_strikes_again_and_again_holds_nobody_else_up(fake: FakeTelegram) -> None:
    house = FakeHouse(fails=striking(ANN, "bad"))
    fake.user(ANN).says("bad")
    fake.user(BOB).says("one")
    async with running(fake, house) as channel:
        await fake.until(lambda: house.said_by(BOB))
        fake.user(9).says("two")
        await fake.until(lambda: house.said_by(9))
        assert channel.counts["poison"] == 0
        await fake.until(fetched(fake))
    assert channel.counts["poison"] == 1


async def test_whoever_was_left_out_is_told_so_once_until_something_is_kept(fake: FakeTelegram) -> None:
    house = FakeHouse(fails=striking(ANN, "bad", "worse", "worst"))
    for text in ("bad", "worse"):
        fake.user(ANN).says(text)
    fake.user(BOB).says("good")
    async with running(fake, house) as channel:
        await fake.until(lambda: channel.counts["poison"] == 2)
        await fake.until(lambda: fake.sent())
        assert fake.sent() == ["Nothing was kept."]
        for text in ("good", "worst"):
            fake.user(ANN).says(text)
        await fake.until(lambda: len(fake.sent()) == 2)
    assert fake.sent(ANN) == ["Nothing was kept."] * 2
    assert fake.sent(BOB) == []


async def test_a_press_that_was_left_out_is_let_go_of(fake: FakeTelegram) -> None:
    house = FakeHouse(fails=lambda turn: ValueError())
    fake.user(ANN).is_known()
    async with running(fake, house) as channel:
        await sent(channel, offered("Yes"))
        query = fake.user(ANN).presses("Yes")
        await fake.until(lambda: len(fake.sent(ANN)) == 2)
    assert fake.queries[query].answer
    assert fake.sent(ANN)[1] == "Nothing was kept."
    assert fake.chat(ANN).messages[0].buttons == ["Yes", PERSON]


async def test_nobody_is_told_in_a_group_or_after_they_blocked_us(fake: FakeTelegram) -> None:
    class Failing(FakeHouse):
        async def lost(self, channel: str, address: str, reason: str) -> None:
            raise ValueError

    async def accept(user: int, case: int) -> str:
        raise ValueError

    fake.user(ANN).blocks()
    async with running(fake, Failing(), pace=Pace(1_000, 0)) as channel:
        channel.accept = accept
        await channel.post("FL-1 waits", 12)
        fake.group(ADVISERS).presses(fake.user(BOB), "Accept")
        await fake.until(fetched(fake))
    assert channel.counts["poison"] == 2
    assert fake.sent() == ["FL-1 waits"]
    assert [call.chat for call in fake.calls_of("sendMessage")] == [ADVISERS]


async def test_an_apology_that_cannot_be_sent_holds_nothing_up(fake: FakeTelegram) -> None:
    house = FakeHouse(fails=striking(ANN, "bad"))
    fake.fault("sendMessage", server_error())
    for text in ("bad", "good"):
        fake.user(ANN).says(text)
    async with running(fake, house) as channel:
        await fake.until(fetched(fake))
    assert house.said_by(ANN) == ["good"]
    assert channel.counts["courtesy_Lost"] == 1


async def test_malformed_updates_are_passed_over_alone(fake: FakeTelegram) -> None:
    house = FakeHouse()
    fake.user(ANN).says("before")
    fake.push({"message": {"text": "no chat"}})
    fake.push({"message": 5})
    fake.user(ANN).says("after")
    async with running(fake, house) as channel:
        await fake.until(fetched(fake))
    assert house.said_by(ANN) == ["before", "after"]
    assert channel.counts["malformed"] == 2


async def test_a_flood_from_one_chat_holds_nobody_else_in_the_batch_up(fake: FakeTelegram) -> None:
    gate = asyncio.Event()
    house = FakeHouse(gate=lambda turn: gate if turn.address == str(ANN) else None)
    for number in range(90):
        fake.user(ANN).says(str(number))
    for person in range(100, 110):
        fake.user(person).says("Help me")
    async with running(fake, house):
        await fake.until(lambda: len(house.turns) == 10)
        assert {turn.address for turn in house.turns} == {str(person) for person in range(100, 110)}
        gate.set()
        await fake.until(fetched(fake))
    assert house.said_by(ANN) == [str(number) for number in range(90)]


async def test_what_is_behind_a_flood_is_reached_as_the_flood_becomes_durable(fake: FakeTelegram) -> None:
    """Telegram gives the oldest 100 that are not confirmed: more than that of one person hide what others write. Each
    of theirs that is durable uncovers one, long before all of them are."""
    gates = {str(number): asyncio.Event() for number in range(polling.BATCH)}
    house = FakeHouse(gate=lambda turn: gates.get(turn.heard.text) if isinstance(turn.heard, Said) else None)
    for text in gates:
        fake.user(ANN).says(text)
    fake.user(BOB).says("Help me")
    async with running(fake, house):
        await fake.until(lambda: house.asked)
        await asyncio.sleep(3 * polling.MOMENT_S)
        assert house.said_by(BOB) == []
        gates["0"].set()
        await fake.until(lambda: house.said_by(BOB))
        assert house.said_by(ANN) == ["0"]
        for gate in gates.values():
            gate.set()
        await fake.until(fetched(fake))
    assert house.said_by(ANN) == list(gates)


async def test_who_writes_after_a_flood_of_hundreds_is_answered_and_nothing_is_taken_twice(fake: FakeTelegram) -> None:
    house = FakeHouse()
    for number in range(350):
        fake.user(ANN).says(str(number))
    fake.user(BOB).says("Help me")
    async with running(fake, house):
        await fake.until(fetched(fake))
    assert house.said_by(BOB) == ["Help me"]
    assert house.said_by(ANN) == [str(number) for number in range(350)]
    assert len(house.asked) == 351


async def test_a_chat_that_takes_long_or_fails_holds_up_nobody_who_writes_later(fake: FakeTelegram) -> None:
    gate = asyncio.Event()
    house = FakeHouse(gate=lambda turn: gate if turn.address == str(ANN) else None, fails=failing(10**6, who=9))
    for text in ("one", "two"):
        fake.user(ANN).says(text)
        fake.user(9).says(text)
    async with running(fake, house):
        await fake.until(lambda: len(house.asked) >= 2)
        fake.user(BOB).says("Help me")
        fake.user(ANN).says("three")
        await fake.until(lambda: house.said_by(BOB))
        assert [turn.address for turn in house.asked].count(str(ANN)) == 1
        gate.set()
        house.fails = lambda _: None
        await fake.until(fetched(fake))
    assert (house.said_by(ANN), house.said_by(9)) == (["one", "two", "three"], ["one", "two"])


async def test_a_thousand_updates_in_one_batch_are_taken_in_the_order_of_each_chat(
    fake: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram sends 100 at most; the loop must not depend on it."""
    every = fake.updates._batch
    monkeypatch.setattr(fake.updates.__class__, "_batch", lambda self, limit: every(10_000))
    house = FakeHouse()
    for number in range(1_000):
        fake.user(100 + number % 7).says(str(number))
    async with running(fake, house):
        await fake.until(fetched(fake))
    for place in range(7):
        assert house.said_by(100 + place) == [str(number) for number in range(1_000) if number % 7 == place]


async def test_another_poller_ends_ours_once_patience_is_over(fake: FakeTelegram) -> None:
    fake.fault("getUpdates", CONFLICT, times=None)
    async with started(channel_of(fake, FakeHouse())) as task:
        with pytest.raises(AnotherPoller):
            await asyncio.wait_for(task, 5)


async def test_a_poller_that_was_just_stopped_is_waited_for(fake: FakeTelegram) -> None:
    fake.fault("getUpdates", CONFLICT, times=2)
    fake.user(ANN).says("Help me")
    house = FakeHouse()
    async with running(fake, house) as channel:
        await fake.until(fetched(fake))
        assert channel.up
    assert house.said_by(ANN) == ["Help me"]


async def test_two_pollers_that_both_get_updates_now_and_then_are_still_noticed(fake: FakeTelegram) -> None:
    for _ in range(40):
        fake.fault("getUpdates", CONFLICT, times=1)
        fake.fault("getUpdates", Fault(), times=1)
    channel = channel_of(fake, FakeHouse())
    async with started(channel) as task:
        for number in range(400):
            if task.done():
                break
            fake.user(ANN).says(str(number))
            await asyncio.sleep(0.01)
        with pytest.raises(AnotherPoller):
            await asyncio.wait_for(task, 5)


async def test_an_outage_is_sat_out_with_one_line_at_each_end(fake: FakeTelegram) -> None:
    house = FakeHouse()
    with capture_logs() as logs:
        async with running(fake, house) as channel:
            await fake.until(lambda: channel.up)
            await fake.down()
            await fake.until(lambda: not channel.up)
            await asyncio.sleep(0.1)
            await fake.up()
            fake.user(ANN).says("Help me")
            await fake.until(fetched(fake))
    assert house.said_by(ANN) == ["Help me"]
    assert [line["event"] for line in logs] == ["telegram.outage", "telegram.outage_over"]


@pytest.mark.parametrize("fault", [server_error(), garbage(taken=False), drop(taken=False), too_many(0)])
async def test_one_failed_request_for_updates_loses_nothing(fake: FakeTelegram, fault: Fault) -> None:
    house = FakeHouse()
    fake.fault("getUpdates", fault)
    fake.user(ANN).says("Help me")
    async with running(fake, house):
        await fake.until(fetched(fake))
    assert house.said_by(ANN) == ["Help me"]


# --- starting --------------------------------------------------------------------------------------------------------


async def test_a_refused_token_is_said_once_and_the_others_go_on(fake: FakeTelegram) -> None:
    channel = channel_of(fake, FakeHouse(), token="123:wrong-token")
    with capture_logs() as logs:
        await asyncio.wait_for(channel.run(), 5)
    await channel.close()
    assert not channel.up
    assert [line["event"] for line in logs] == ["telegram.refused"]
    assert "FIRSTLINE_TELEGRAM_TOKEN" in str(logs)
    assert "wrong-token" not in str(logs)


async def test_an_empty_token_is_a_refused_token(fake: FakeTelegram) -> None:
    channel = channel_of(fake, FakeHouse(), token=" ")
    await asyncio.wait_for(channel.run(), 5)
    await channel.close()
    assert channel.counts["token_refused"] == 1


async def test_no_log_line_holds_the_token(fake: FakeTelegram, caplog: pytest.LogCaptureFixture) -> None:
    fake.fault("getMe", drop())
    fake.fault("getUpdates", garbage())
    fake.fault("getUpdates", bad_request("nonsense"))
    fake.user(ANN).says("secret words")
    with capture_logs() as logs, caplog.at_level("INFO"):
        async with running(fake, FakeHouse()):
            await fake.until(fetched(fake))
    assert logs
    for hidden in (TOKEN, "secret words"):
        assert hidden not in str(logs) + caplog.text


async def test_a_provider_that_is_down_at_the_start_is_waited_for(fake: FakeTelegram) -> None:
    house = FakeHouse()
    await fake.down()
    async with running(fake, house) as channel:
        await asyncio.sleep(0.1)
        assert not channel.up
        await fake.up()
        fake.user(ANN).says("Help me")
        await fake.until(fetched(fake))
    assert house.said_by(ANN) == ["Help me"]


async def test_what_waited_while_we_were_away_is_kept_when_the_webhook_goes(fake: FakeTelegram) -> None:
    house = FakeHouse()
    fake.user(ANN).says("Help me")
    async with running(fake, house):
        await fake.until(fetched(fake))
    assert house.said_by(ANN) == ["Help me"]
    assert "drop_pending_updates" not in fake.calls_of("deleteWebhook")[0].params


async def test_the_menu_of_commands_is_set_in_both_languages(fake: FakeTelegram) -> None:
    async with running(fake, FakeHouse()) as channel:
        await fake.until(lambda: channel.up)
    menus = {language: {one["command"]: one["description"] for one in menu}
             for (_, language), menu in fake.commands.items()}  # fmt: skip
    assert set(menus) == {"", "cy"}
    assert menus["cy"]["person"] == "Talk to a person cy"
    assert set(menus[""]) == {"person", "stop"}
    assert len(menus[""]["stop"]) == 256


async def test_a_refused_menu_costs_no_more_than_the_menu(fake: FakeTelegram) -> None:
    fake.fault("setMyCommands", bad_request("BOT_COMMAND_INVALID"), times=None)
    async with running(fake, FakeHouse()) as channel:
        await fake.until(lambda: channel.up)
    assert channel.counts["commands_refused"] == 2


# --- the webhook -----------------------------------------------------------------------------------------------------


async def test_a_webhook_is_set_and_updates_are_confirmed_once_durable(fake: FakeTelegram) -> None:
    gate = asyncio.Event()
    house = FakeHouse(gate=lambda _: gate)
    fake.user(ANN).says("Help me")
    async with hooked(fake, house):
        await fake.until(lambda: house.asked)
        assert len(fake.pending) == 1
        gate.set()
        await fake.until(fetched(fake))
        asked = fake.calls_of("setWebhook")[0].params
    assert house.said_by(ANN) == ["Help me"]
    assert (asked["secret_token"], asked["max_connections"]) == (SECRET, "100")
    assert json.loads(asked["allowed_updates"]) == ["message", "edited_message", "callback_query", "my_chat_member"]
    assert "drop_pending_updates" not in asked


async def test_an_update_that_could_not_be_kept_is_posted_again(fake: FakeTelegram) -> None:
    house = FakeHouse(fails=failing(2))
    async with hooked(fake, house):
        fake.user(ANN).says("Help me")
        await fake.until(fetched(fake))
    assert (len(house.asked), house.said_by(ANN)) == (3, ["Help me"])


async def test_the_order_of_one_chat_stays_though_a_photo_takes_long_to_delete(fake: FakeTelegram) -> None:
    fake.updates.posting = "at once"
    fake.fault("deleteMessage", Fault(delay_s=0.2, taken=True))
    house = FakeHouse()
    async with hooked(fake, house):
        fake.user(ANN).sends_photo()
        await fake.until(lambda: fake.calls_of("deleteMessage"))
        fake.user(ANN).says("Sorry")
        await fake.until(fetched(fake))
    assert [type(turn.heard) for turn in house.turns] == [MediaRefused, Said]


ONE = json.dumps({"update_id": 1, **private(text="Help me")})


@pytest.mark.parametrize(
    ("secret", "body", "status", "counted"),
    [
        (None, ONE, 401, "unsigned"),
        ("", ONE, 401, "unsigned"),
        ("wrong", ONE, 401, "unsigned"),
        ("café", ONE, 401, "unsigned"),
        ("wrong", "x" * 2**21, 401, "unsigned"),
        (SECRET, "x" * 2**21, 413, "too_large"),
        (SECRET, '{"update', 400, "malformed"),
        (SECRET, "[]", 400, "malformed"),
        (SECRET, '{"message": {}}', 400, "malformed"),
        (SECRET, '{"update_id": 1, "message": {}}', 200, "malformed"),
        (SECRET, ONE, 200, None),
    ],
)
async def test_what_is_posted_to_the_webhook(
    fake: FakeTelegram, secret: str | None, body: str, status: int, counted: str | None
) -> None:
    house = FakeHouse()
    headers = {"Content-Type": "application/json"}
    if secret is not None:
        headers["X-Telegram-Bot-Api-Secret-Token"] = secret
    async with (
        hooked(fake, house) as (channel, url),
        aiohttp.ClientSession() as session,
        session.post(url, data=io.BytesIO(body.encode()), headers=headers) as answer,
    ):
        assert answer.status == status
    assert channel.counts == ({counted: 1} if counted else {})
    assert len(house.turns) == (counted is None)


def test_there_is_no_route_while_polling(fake: FakeTelegram) -> None:
    assert channel_of(fake, FakeHouse()).routes() == []


# --- pictures --------------------------------------------------------------------------------------------------------


async def test_an_album_is_one_thing_refused_and_each_picture_is_deleted(fake: FakeTelegram) -> None:
    house = FakeHouse()
    for _ in range(10):
        fake.user(ANN).sends_photo(album="12")
    async with running(fake, house):
        await fake.until(fetched(fake))
    assert {turn.external_id for turn in house.turns} == {"album:12"}
    assert all(turn.heard == MediaRefused(MediaKind.PHOTO, NOON, taken_out=True) for turn in house.turns)
    assert fake.chat(ANN).messages == []


async def test_the_words_below_each_picture_of_an_album_are_heard(fake: FakeTelegram) -> None:
    house = FakeHouse()
    for caption in ("Look", "He is going to kill himself now", None, None):
        fake.user(ANN).sends_photo(caption, album="12")
    fake.chat(ANN).undeletable = True
    async with running(fake, house):
        await fake.until(fetched(fake))
    assert [(turn.external_id, turn.heard.words) for turn in house.turns if isinstance(turn.heard, MediaRefused)] == [
        ("u700000001", "Look"),
        ("u700000002", "He is going to kill himself now"),
        ("album:12:left", ""),
        ("album:12:left", ""),
    ]


async def test_a_picture_that_cannot_be_deleted_is_said_to_be_left(fake: FakeTelegram) -> None:
    house = FakeHouse()
    fake.user(ANN).sends_photo(album="12")
    fake.user(ANN).sends_photo()
    fake.chat(ANN).undeletable = True
    async with running(fake, house) as channel:
        await fake.until(fetched(fake))
    assert [turn.external_id for turn in house.turns] == ["album:12:left", "u700000002"]
    assert all(turn.heard == MediaRefused(MediaKind.PHOTO, NOON, left_in_chat=True) for turn in house.turns)
    assert channel.counts["not_deleted"] == 2
    assert len(fake.calls_of("deleteMessage")) == 2


async def test_a_picture_the_enquirer_deleted_first_counts_as_taken_out(fake: FakeTelegram) -> None:
    house = FakeHouse()
    fake.user(ANN).deletes(fake.user(ANN).sends_photo())
    async with running(fake, house):
        await fake.until(fetched(fake))
    assert house.turns[0].heard == MediaRefused(MediaKind.PHOTO, NOON, taken_out=True)


async def test_deleting_gives_up_in_time(fake: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "COURTESY_S", 0.1)
    house = FakeHouse()
    fake.fault("deleteMessage", silence())
    fake.user(ANN).sends_photo()
    async with running(fake, house):
        await fake.until(fetched(fake))
    assert house.turns[0].heard == MediaRefused(MediaKind.PHOTO, NOON, left_in_chat=True)


def _python_of_the_channel() -> Iterator[tuple[str, str]]:
    for file in sorted((Path(__file__).parent.parent / "bot/channels/telegram").glob("*.py")):
        yield file.name, file.read_text()


FETCHES = re.compile(r"get_?file|file_id|file_path|download|effective_attachment", re.IGNORECASE)


def test_no_code_of_the_channel_fetches_a_file() -> None:
    """There is no other way in python-telegram-bot to come by one."""
    found = [name for name, code in _python_of_the_channel() if FETCHES.search(code)]
    assert found == []
    assert FETCHES.search("await bot.get_file(photo.file_id)")
