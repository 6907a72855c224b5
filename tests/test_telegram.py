"""The Telegram channel against a strict server: what each update comes to, and what is sent."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.channels.contract import TELEGRAM, Parcel, Taken
from bot.channels.pace import Pace
from bot.channels.telegram import afterwards, outage, polling, receiving, request
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.messages import bare, cut, letters_of
from bot.channels.telegram.updates import AcceptPress, Blocked, Decline, Ignored, Moved, Unblocked, read, turn_from
from bot.channels.telegram.webhook import PATH
from bot.domain import Address, MediaKind, MediaRefused, Opened, Pressed, Said, Token, Turn
from bot.engine.render import Rendered
from bot.errors import AnotherPoller, DeliveryError
from tests.builders import NOON
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram_faults import Fault, bad_request, drop, forbidden, garbage, server_error, silence, too_many
from tests.fakes.telegram_people import medium

SECRET = "secret_of-nobody"
ANN, BOB = 7, 8
ADVISERS, GROUP = -500, -600
SENT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DATE = int(SENT.timestamp())
CONFLICT = Fault(status=409, description="Conflict: terminated by other getUpdates request")


class HouseDown(Exception):
    """Nothing can be kept."""


PERSON = "Talk to a person en"
"""Below every question."""


@dataclass
class FakeHouse:
    """Takes turns and remembers them; a test makes it slow or lets it fail."""

    kept: str | None = "kept"
    fails: Callable[[Turn], Exception | None] = lambda _: None
    gate: Callable[[Turn], asyncio.Event | None] = lambda _: None
    turns: list[Turn] = field(default_factory=list)
    asked: list[Turn] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)

    async def take(self, turn: Turn) -> Taken:
        self.asked.append(turn)
        if gate := self.gate(turn):
            await gate.wait()
        if error := self.fails(turn):
            raise error
        self.turns.append(turn)
        return Taken(self.kept)

    async def lost(self, channel: str, address: str, reason: str) -> None:
        self.told.append((f"lost {reason}", address))

    async def regained(self, channel: str, address: str) -> None:
        self.told.append(("regained", address))

    def words(self, response: str, language: str = "en") -> str:
        return f"Not **here** ({response})."

    def commands(self, language: str = "en") -> tuple[tuple[str, str], ...]:
        titles = {"talk_to_person": "Talk to a person", "stop": "x" * 300, "change_answer": "Not on the menu"}
        return tuple((intent, f"{title} {language}") for intent, title in titles.items())

    def said_by(self, who: int) -> list[str]:
        return [turn.heard.text for turn in self.turns if turn.address == str(who) and isinstance(turn.heard, Said)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of a second take a moment."""
    monkeypatch.setattr(polling, "NOT_KEPT_PAUSE_S", 0.01)
    monkeypatch.setattr(polling, "MOMENT_S", 0.05)
    monkeypatch.setattr(polling, "CONFLICT_PATIENCE_S", 0.3)
    monkeypatch.setattr(outage, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(receiving, "TYPING_AFTER_S", 0.05)


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server
        assert server.get_file_calls == []


def channel_of(fake: FakeTelegram, house: Any, mode: str = "polling", public_url: str = "", **more: Any) -> Any:
    given = {"token": fake.token, "advisers": ADVISERS, "house_down": (HouseDown,), **more}
    token = given.pop("token")
    return TelegramChannel(token, fake.url, mode, public_url, SECRET, house, lambda: NOON, **given)


@asynccontextmanager
async def started(channel: TelegramChannel) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(channel.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await channel.close()


@asynccontextmanager
async def running(fake: FakeTelegram, house: Any, **more: Any) -> AsyncIterator[TelegramChannel]:
    """Polls from the beginning; what the fake is told before is fetched too."""
    channel = channel_of(fake, house, **more)
    async with started(channel):
        yield channel


@asynccontextmanager
async def sending(fake: FakeTelegram, *people: int, **more: Any) -> AsyncIterator[TelegramChannel]:
    """Only sends."""
    for person in people or (ANN,):
        fake.user(person).is_known()
    channel = channel_of(fake, FakeHouse(), **more)
    try:
        yield channel
    finally:
        await channel.close()


def fetched(fake: FakeTelegram) -> Callable[[], bool]:
    """All updates were confirmed."""
    return lambda: not fake.pending


# --- what an update comes to -----------------------------------------------------------------------------------------


def private(**content: Any) -> dict[str, Any]:
    return {"message": message(ANN, "private", **content)}


def edited(**content: Any) -> dict[str, Any]:
    return {"edited_message": message(ANN, "private", edit_date=DATE + 60, **content)}


def in_group(chat: int = GROUP, **content: Any) -> dict[str, Any]:
    return {"message": message(chat, "group", **content)}


def message(chat: int, kind: str, **content: Any) -> dict[str, Any]:
    about = {"first_name": "Ann"} if kind == "private" else {"title": "A group"}
    who = {"id": ANN, "is_bot": False, "first_name": "Ann", "language_code": content.pop("language", "en")}
    return {"message_id": 5, "date": DATE, "chat": {"id": chat, "type": kind, **about}, "from": who, **content}


def press(data: str, chat: int = ANN, kind: str = "private", date: int = DATE) -> dict[str, Any]:
    shown = message(chat, kind, date=date, **({"text": "Which?"} if date else {}))
    who = {"id": ANN, "is_bot": False, "first_name": "Ann"}
    return {"callback_query": {"id": "77", "from": who, "chat_instance": "1", "data": data, "message": shown}}


def membership(status: str, chat: int = ANN, kind: str = "private") -> dict[str, Any]:
    bot = {"id": 1, "is_bot": True, "first_name": "Firstline"}
    new = {"user": bot, "status": status, **({"until_date": 0} if status == "kicked" else {})}
    old = {"user": bot, "status": "left"}
    given = message(chat, kind)
    return {
        "my_chat_member": {
            "chat": given["chat"], "from": given["from"], "date": DATE, "old_chat_member": old, "new_chat_member": new,
        }
    }  # fmt: skip


def turn(heard: Any, external: str = "u1", sent_at: datetime | None = SENT) -> Turn:
    return Turn(TELEGRAM, Address(str(ANN)), external, heard, sent_at=sent_at)


def said(text: str, **more: Any) -> Turn:
    return turn(Said(text, NOON, **more))


def command(intent: str) -> Turn:
    return turn(Pressed(Token(f"!{intent}"), NOON))


def refused(kind: MediaKind, words: str = "", external: str = "u1") -> Turn:
    return turn(MediaRefused(kind, NOON, words), external)


def arrived(*given: Any, **more: Any) -> Turn:
    return turn(Opened(NOON, *given, **more))


NOTHING: tuple[str, ...] = ()
DELETES = ("deleteMessage",)
LEAVES = ("leaveChat", "sendMessage")
ANSWERS = ("answerCallbackQuery",)
SETTLES = ("answerCallbackQuery", "editMessageText")
KINDS = MediaKind
ROWS: list[tuple[str, dict[str, Any], Any, tuple[str, ...]]] = [
    ("text", private(text="Help me"), said("Help me"), NOTHING),
    ("text with half a character", private(text="a\ud83d"), said("a\ufffd"), NOTHING),
    ("forwarded text", private(text="Look", forward_origin={"type": "hidden_user", "sender_user_name": "X",
        "date": DATE}), said("Look"), NOTHING),
    ("edited text", edited(text="Help us"), turn(Said("Help us", NOON, edited=True), sent_at=SENT +
        timedelta(minutes=1)), NOTHING),
    ("an edited command is words", edited(text="/stop"), turn(Said("/stop", NOON, edited=True), sent_at=SENT +
        timedelta(minutes=1)), NOTHING),
    ("start", private(text="/start"), arrived(), NOTHING),
    ("start from a link", private(text="/start impersonation-school42"), arrived("impersonation", None, "school42"),
        NOTHING),
    ("start in Welsh", private(text="/start", language="cy"), arrived(language="cy"), NOTHING),
    ("start with words", private(text="/start he hurts me"), said("he hurts me"), NOTHING),
    ("help", private(text="/help"), command("help"), NOTHING),
    ("person, to this bot", private(text="/person@firstline_test_bot"), command("talk_to_person"), NOTHING),
    ("back", private(text="/back"), command("back"), NOTHING),
    ("restart", private(text="/Restart "), command("restart"), NOTHING),
    ("stop", private(text="/stop"), command("stop"), NOTHING),
    ("record", private(text="/record"), command("record"), NOTHING),
    ("language", private(text="/language"), command("switch_language"), NOTHING),
    ("danger", private(text="/danger"), command("danger_now"), NOTHING),
    ("why", private(text="/why"), command("why"), NOTHING),
    ("a command with words is words", private(text="/help he hurts me"), said("/help he hurts me"), NOTHING),
    ("an unknown command is words", private(text="/settings"), said("/settings"), NOTHING),
    ("a button", press("1a.2f"), turn(Pressed(Token("1a.2f"), NOON), sent_at=None), SETTLES),
    ("a button under a message that is gone", press("1a.2f", date=0), turn(Pressed(Token("1a.2f"), NOON),
        sent_at=None), ANSWERS),
    ("a button that is none of ours", press("stop!"), Ignored("foreign_button"), ANSWERS),
    ("photo", private(**medium("photo", 1), caption="Look at him"), refused(KINDS.PHOTO, "Look at him"), DELETES),
    ("photo of an album", private(**medium("photo", 1), media_group_id="9"), refused(KINDS.PHOTO, external="album:9"),
        DELETES),
    ("video", private(**medium("video", 1)), refused(KINDS.VIDEO), DELETES),
    ("round video", private(**medium("video_note", 1)), refused(KINDS.VIDEO), DELETES),
    ("animation, a document too", private(**medium("animation", 1)), refused(KINDS.VIDEO), DELETES),
    ("voice", private(**medium("voice", 1)), refused(KINDS.VOICE), DELETES),
    ("audio", private(**medium("audio", 1)), refused(KINDS.VOICE), DELETES),
    ("document", private(**medium("document", 1)), refused(KINDS.DOCUMENT), DELETES),
    ("sticker", private(**medium("sticker", 1)), refused(KINDS.STICKER), DELETES),
    ("contact", private(**medium("contact", 1)), refused(KINDS.CONTACT), DELETES),
    ("location", private(**medium("location", 1)), refused(KINDS.LOCATION, external="place:5"), DELETES),
    ("live location, a step on", edited(**medium("location", 1)), turn(MediaRefused(KINDS.LOCATION, NOON), "place:5",
        SENT + timedelta(minutes=1)), DELETES),
    ("venue", private(**medium("venue", 1)), refused(KINDS.LOCATION, external="place:5"), DELETES),
    ("poll", private(**medium("poll", 1)), refused(KINDS.POLL), DELETES),
    ("dice", private(**medium("dice", 1)), refused(KINDS.POLL), DELETES),
    ("story", private(**medium("story", 1)), refused(KINDS.OTHER), DELETES),
    ("game", private(game={"title": "G", "description": "D", "photo": []}), refused(KINDS.POLL), DELETES),
    ("invoice", private(invoice={"title": "T", "description": "D", "start_parameter": "s", "currency": "GBP",
        "total_amount": 5}), refused(KINDS.OTHER), DELETES),
    ("paid media", private(paid_media={"star_count": 1, "paid_media": [{"type": "preview"}]}), refused(KINDS.OTHER),
        DELETES),
    ("service message", private(pinned_message=message(ANN, "private", text="x")), Ignored("unknown_type"), NOTHING),
    ("a kind nobody knows", private(hologram={"file_id": "x"}), Ignored("unknown_type"), NOTHING),
    ("blocked", membership("kicked"), Blocked(Address(str(ANN))), NOTHING),
    ("unblocked", membership("member"), Unblocked(Address(str(ANN))), NOTHING),
    ("text in a group", in_group(text="Hello"), Decline(GROUP), LEAVES),
    ("photo in a group", in_group(**medium("photo", 1)), Decline(GROUP), LEAVES),
    ("a button in a group", press("1a.2f", GROUP, "group"), Decline(GROUP), LEAVES),
    ("accept in any other group", press("accept:12", GROUP, "group"), Decline(GROUP), LEAVES),
    ("added to a group", membership("member", GROUP, "supergroup"), Decline(GROUP), LEAVES),
    ("out of a group again", membership("left", GROUP, "supergroup"), Ignored("left_group"), NOTHING),
    ("taken out of a group", in_group(left_chat_member={"id": 1, "is_bot": True, "first_name": "F"}),
        Ignored("left_group"), NOTHING),
    ("a group that moves", in_group(migrate_to_chat_id=-1001), Moved(GROUP, -1001), NOTHING),
    ("a group that moved here", in_group(-1001, migrate_from_chat_id=GROUP), Moved(GROUP, -1001), NOTHING),
    ("advisers talk", in_group(ADVISERS, text="Who takes it?"), Ignored("advisers_group"), NOTHING),
    ("advisers' photo", in_group(ADVISERS, **medium("photo", 1)), Ignored("advisers_group"), NOTHING),
    ("added to the advisers' group", membership("member", ADVISERS, "group"), Ignored("advisers_group"), NOTHING),
    ("accept", press("accept:12", ADVISERS, "group"), AcceptPress("77", ANN, 12), ANSWERS),
    ("another button there", press("1a.2f", ADVISERS, "group"), Ignored("foreign_button"), ANSWERS),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "expected"), [row[1:3] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_an_update_means(raw: dict[str, Any], expected: Any) -> None:
    update = read({"update_id": 1, **raw})
    assert update is not None
    assert turn_from(update, NOON, ADVISERS) == expected


@pytest.mark.parametrize(("raw", "requests"), [row[1::2] for row in ROWS], ids=[row[0] for row in ROWS])
async def test_what_is_asked_of_telegram_for_an_update(
    fake: FakeTelegram, raw: dict[str, Any], requests: tuple[str, ...]
) -> None:
    fake.user(ANN).is_known()
    for number in (GROUP, ADVISERS):
        group = fake.group(number).chat
        group.found = group.member = True
    async with running(fake, FakeHouse()) as channel:
        channel.accept = _accepts
        await fake.until(lambda: len(fake.calls_of("getUpdates")) > 0)
        before = len(fake.calls)
        fake.push(raw)
        await fake.until(fetched(fake))
    asked = sorted({call.method for call in fake.calls[before:]} - {"getUpdates", "editMessageReplyMarkup"})
    assert tuple(asked) == requests


async def _accepts(user: int, case: int) -> str:
    return f"{user} takes {case}"


@pytest.mark.parametrize(
    "raw",
    [None, 5, [], {}, {"update_id": "1"}, {"update_id": True}, {"update_id": 1, "message": 5},
     {"update_id": 1, "message": {"text": "x"}}, {"update_id": 1, "callback_query": {"id": 1}},
     {"update_id": 1, "message": {**message(ANN, "private"), "photo": "x"}}],
)  # fmt: skip
def test_what_is_no_update_is_not_read(raw: object) -> None:
    assert read(raw) is None


async def test_other_updates_are_counted_by_kind(fake: FakeTelegram) -> None:
    async with running(fake, FakeHouse()) as channel:
        await fake.until(lambda: len(fake.calls_of("getUpdates")) > 0)
        fake.updates.allowed = frozenset()
        fake.push({"inline_query": {"id": "1", "from": message(ANN, "private")["from"], "query": "", "offset": ""}})
        fake.push({"channel_post": message(-900, "channel", text="News")})
        await fake.until(fetched(fake))
    assert (channel.counts["unknown_type"], channel.counts["declined_group"]) == (1, 1)


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


def failing(times: int, who: int = ANN) -> Callable[[Turn], Exception | None]:
    """Nothing this person says can be kept the first so many times."""
    failures = iter([HouseDown()] * times)
    return lambda turn: next(failures, None) if turn.address == str(who) else None


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


@asynccontextmanager
async def hooked(fake: FakeTelegram, house: FakeHouse) -> AsyncIterator[tuple[TelegramChannel, str]]:
    """The channel behind a server of its own."""
    app = web.Application(client_max_size=1024**2)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    channel: TelegramChannel | None = None

    async def post(given: web.Request) -> web.StreamResponse:
        assert channel
        [route] = channel.routes()
        try:
            return await route.handler(given)  # type: ignore[arg-type, return-value, misc, call-arg]
        except HouseDown:
            return web.Response(status=503)

    app.router.add_post(PATH, post)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    channel = channel_of(fake, house, "webhook", url + "/")
    async with started(channel):
        await fake.until(lambda: channel.up)
        yield channel, url + PATH
    await runner.cleanup()


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


# --- courtesies ------------------------------------------------------------------------------------------------------


def offered(*titles: str, text: str = "Which **one**?") -> Parcel:
    choices = tuple((Token(f"{number:x}.2f"), title) for number, title in enumerate(titles, 1))
    return Parcel(1, (Rendered(text, choices),))


async def test_a_pressed_keyboard_is_replaced_by_the_choice_made(fake: FakeTelegram) -> None:
    house = FakeHouse(kept="Yes & no")
    fake.user(ANN).is_known()
    async with running(fake, house) as channel:
        await sent(channel, offered("Yes & no", "Perhaps", text="See <it> [here](https://a.example/)"))
        query = fake.user(ANN).presses("Yes & no")
        await fake.until(fetched(fake))
    shown = fake.chat(ANN).last
    assert shown.text == "See <it> here\n\n✓ Yes & no"
    assert [entity["type"] for entity in shown.entities] == ["text_link", "bold"]
    assert shown.buttons == []
    assert not shown.preview
    assert fake.queries[query].answer == {"text": "", "show_alert": False}


async def test_an_old_button_only_loses_its_keyboard(fake: FakeTelegram) -> None:
    fake.user(ANN).is_known()
    async with running(fake, FakeHouse(kept=None)) as channel:
        await sent(channel, offered("Yes", "No"))
        query = fake.user(ANN).presses("Yes")
        await fake.until(fetched(fake))
    assert (fake.chat(ANN).last.text, fake.chat(ANN).last.buttons) == ("Which one?", [])
    assert fake.queries[query].answer


async def test_a_choice_without_room_for_it_still_takes_the_keyboard_away(fake: FakeTelegram) -> None:
    fake.user(ANN).is_known()
    async with running(fake, FakeHouse(kept="Yes")) as channel:
        await sent(channel, offered("Yes", text="x" * 4096))
        fake.user(ANN).presses("Yes")
        await fake.until(fetched(fake))
    assert (len(fake.chat(ANN).last.text), fake.chat(ANN).last.buttons) == (4096, [])


async def test_a_failing_courtesy_holds_nothing_up_and_is_counted(fake: FakeTelegram) -> None:
    fake.user(ANN).is_known()
    fake.fault("answerCallbackQuery", server_error())
    fake.fault("editMessageText", forbidden())
    house = FakeHouse()
    async with running(fake, house) as channel:
        await sent(channel, offered("Yes"))
        fake.user(ANN).presses("Yes")
        await fake.until(fetched(fake))
    assert len(house.turns) == 1
    assert channel.counts == {"courtesy_Lost": 1, "courtesy_Forbidden": 1}


async def test_a_slow_courtesy_does_not_delay_what_comes_next(
    fake: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwards, "COURTESY_S", 0.3)
    fake.user(ANN).is_known()
    fake.fault("answerCallbackQuery", silence())
    house = FakeHouse()
    async with running(fake, house) as channel:
        await sent(channel, offered("Yes"))
        fake.user(ANN).presses("Yes")
        fake.user(ANN).says("Next")
        await fake.until(fetched(fake))
        assert channel.counts["courtesy_TimeoutError"] == 0
    assert channel.counts["courtesy_TimeoutError"] == 1


async def test_only_a_long_thought_shows_typing(fake: FakeTelegram) -> None:
    gate = asyncio.Event()
    house = FakeHouse(gate=lambda turn: gate if turn.heard == Said("slow", NOON) else None)
    async with running(fake, house):
        fake.user(BOB).says("quick")
        fake.user(ANN).says("slow")
        await fake.until(lambda: fake.chat(ANN).actions)
        gate.set()
        await fake.until(fetched(fake))
    assert (fake.chat(ANN).actions, fake.chat(BOB).actions) == (["typing"], [])


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


# --- groups ----------------------------------------------------------------------------------------------------------


async def test_a_group_is_declined_once_and_left(fake: FakeTelegram) -> None:
    house = FakeHouse()
    group = fake.group(GROUP)
    group.adds_bot(fake.user(ANN))
    group.says(fake.user(ANN), "Hello bot")
    async with running(fake, house) as channel:
        await fake.until(fetched(fake))
    assert fake.sent(GROUP) == ["Not here (utter_no_groups).\n\nhttps://t.me/firstline_test_bot"]
    assert not fake.chat(GROUP).member
    assert house.turns == []
    assert channel.counts["declined_group"] == 3


async def test_a_group_that_adds_the_bot_again_is_left_again(fake: FakeTelegram) -> None:
    group = fake.group(GROUP)
    async with running(fake, FakeHouse()):
        for times in (1, 2):
            await fake.until(lambda: len(fake.calls_of("getUpdates")) > 0)
            group.adds_bot(fake.user(ANN))
            await fake.until(lambda times=times: len(fake.calls_of("leaveChat")) >= times and not group.chat.member)
            await fake.until(fetched(fake))
    assert not fake.chat(GROUP).member


async def test_advisers_are_told_accept_and_see_who_has_it(fake: FakeTelegram) -> None:
    pressed: list[tuple[int, int]] = []

    async def accept(user: int, case: int) -> str:
        pressed.append((user, case))
        return "Yours. " + "x" * 300

    fake.group(ADVISERS).adds_bot(fake.user(BOB))
    async with running(fake, FakeHouse(), pace=Pace(1_000, 0)) as channel:
        channel.accept = accept
        await fake.until(fetched(fake))
        number = await channel.post("FL-1 <waits>", 12)
        query = fake.group(ADVISERS).presses(fake.user(BOB), "Accept")
        await fake.until(fetched(fake))
        await channel.amend(number, "FL-1 was taken.", None)
        await channel.amend(number, "FL-1 was taken.", None)
    assert pressed == [(BOB, 12)]
    answer = fake.queries[query].answer
    assert answer
    assert (len(answer["text"]), answer["show_alert"]) == (200, True)
    assert (fake.chat(ADVISERS).last.text, fake.chat(ADVISERS).last.buttons) == ("FL-1 was taken.", [])


async def test_the_advisers_group_is_followed_when_it_moves(fake: FakeTelegram) -> None:
    fake.group(ADVISERS).adds_bot(fake.user(BOB))
    with capture_logs() as logs:
        async with sending(fake) as channel:
            new = fake.group(ADVISERS).migrates()
            await channel.post("FL-1 waits", 12)
            await channel.post("FL-2 waits", 13)
    assert fake.sent(new.id) == ["FL-1 waits", "FL-2 waits"]
    assert [line["reason"] for line in logs] == ["change_FIRSTLINE_TELEGRAM_ADVISERS"]


async def test_the_advisers_new_group_is_not_left(fake: FakeTelegram) -> None:
    group = fake.group(ADVISERS)
    group.adds_bot(fake.user(BOB))
    new = group.migrates()
    new.says(fake.user(BOB), "Are we here now?")
    async with running(fake, FakeHouse()):
        await fake.until(fetched(fake))
    assert fake.calls_of("leaveChat") == []


async def test_without_an_advisers_group_nothing_can_be_posted_there(fake: FakeTelegram) -> None:
    async with sending(fake, advisers=None) as channel:
        with pytest.raises(DeliveryError, match="no_group"):
            await channel.post("FL-1 waits", 12)


# --- sending ---------------------------------------------------------------------------------------------------------


async def sent(channel: TelegramChannel, parcel: Parcel, to: int = ANN) -> int:
    """How many messages it became."""
    parts = channel.parts(parcel)
    for part in parts:
        await channel.deliver(Address(str(to)), parcel.seq, part)
    return len(parts)


async def test_the_messages_of_a_parcel_are_joined_and_choices_stand_below(fake: FakeTelegram) -> None:
    parcel = Parcel(1, (Rendered("**Hello** <you>"), Rendered("Which?", ((Token("1.2f"), "Yes"), (Token("2.2f"), "No"),
        (Token("3.2f"), "Something else"), (Token("4.2f"), "Back")))))  # fmt: skip
    async with sending(fake) as channel:
        assert await sent(channel, parcel) == 1
    shown = fake.chat(ANN).last
    assert shown.text == "Hello <you>\n\nWhich?"
    assert [[button["text"] for button in row] for row in shown.keyboard] == [
        ["Yes", "No"],
        ["Something else"],
        ["Back"],
        [PERSON],
    ]
    assert [button["callback_data"] for row in shown.keyboard for button in row] == [
        "1.2f",
        "2.2f",
        "3.2f",
        "4.2f",
        "!talk_to_person",
    ]
    assert not shown.preview


async def test_long_text_is_split_at_paragraphs_and_only_the_last_piece_has_buttons(fake: FakeTelegram) -> None:
    text = "\n\n".join(f"{number} " + "word " * 300 for number in range(9))
    async with sending(fake) as channel:
        count = await sent(channel, offered("Yes", text=text))
    pieces = fake.chat(ANN).messages
    assert count == len(pieces) > 2
    assert all(len(piece.text) <= 4096 and piece.text.endswith("word") for piece in pieces)
    assert [piece.buttons for piece in pieces] == [[]] * (len(pieces) - 1) + [["Yes", PERSON]]
    assert "".join(piece.text for piece in pieces).split() == text.split() or len(" ".join(
        piece.text for piece in pieces).split()) == len(text.split())  # fmt: skip


async def test_a_persons_own_words_are_one_message_as_they_were_typed(fake: FakeTelegram) -> None:
    words = "**not bold** <b> & " * 210
    async with sending(fake) as channel:
        assert await sent(channel, Parcel(1, (Rendered.of_plain_text(words[:4000]),))) == 1
    assert fake.sent(ANN) == [words[:4000].strip()]


@pytest.mark.parametrize(
    ("titles", "listed"),
    [(["Yes", "No"], False), (["x" * 60], False), (["x" * 61, "No"], True), ([f"Choice number {n}" for n in range(20)],
     False), ([f"Choice number {n}" for n in range(21)], True), ([f"Choice number {n}" for n in range(150)], True)],
)  # fmt: skip
async def test_many_or_long_choices_are_listed_too(fake: FakeTelegram, titles: list[str], listed: bool) -> None:
    async with sending(fake) as channel:
        await sent(channel, offered(*titles))
    shown = fake.chat(ANN).last
    numbered = [f"{number}. {title}" for number, title in enumerate(titles, 1)]
    assert all((line in shown.text) is listed for line in numbered)
    assert shown.buttons == [*(numbered if listed else titles)[:99], PERSON]


async def test_nothing_to_say_sends_nothing(fake: FakeTelegram) -> None:
    async with sending(fake) as channel:
        with pytest.raises(DeliveryError, match="empty"):
            channel.parts(Parcel(1, (Rendered(""),)))
        await sent(channel, offered("Yes", text=""))
    assert fake.sent(ANN) == ["…"]


DOWN = {"provider_down": True}
IN_DOUBT = {"in_doubt": True, "provider_down": True}


@pytest.mark.parametrize(
    ("fault", "reason", "retry_after_s", "flags"),
    [
        (too_many(17), "flood", 17, {}),
        (Fault(status=429, description="Too Many Requests"), "flood", 5, {}),
        (forbidden(), "blocked", None, {}),
        (forbidden("user is deactivated"), "deactivated", None, {}),
        (forbidden("bot can't initiate conversation with a user"), "blocked", None, {}),
        (bad_request("chat not found"), "chat_not_found", None, {}),
        (bad_request("message is too long"), "too_long", None, {}),
        (bad_request("BUTTON_DATA_INVALID"), "bad_request", None, {}),
        (Fault(status=401, description="Unauthorized"), "token_refused", 60, DOWN),
        (Fault(status=404, description="Not Found"), "token_refused", 60, DOWN),
        (Fault(status=413, description="Request Entity Too Large"), "unexpected_answer", 60, {"in_doubt": True}),
        (server_error(502), "http_502", 0, IN_DOUBT),
        (server_error(500, taken=True), "http_500", 0, IN_DOUBT),
        (drop(), "connection_lost", 0, IN_DOUBT),
        (garbage(), "unreadable", 0, IN_DOUBT),
        (silence(), "timeout", 0, IN_DOUBT),
    ],
)
async def test_what_a_failed_delivery_means(
    fake: FakeTelegram, monkeypatch: pytest.MonkeyPatch, fault: Fault, reason: str, retry_after_s: float | None,
    flags: dict[str, bool],
) -> None:  # fmt: skip
    monkeypatch.setattr(request, "CALL_S", 0.2)
    fake.fault("sendMessage", fault)
    async with sending(fake) as channel:
        with pytest.raises(DeliveryError) as caught:
            await sent(channel, offered())
        await channel.probe()
    error = caught.value
    assert (error.reason, error.retry_after_s) == (reason, retry_after_s)
    assert {"in_doubt": error.in_doubt, "provider_down": error.provider_down} == {
        "in_doubt": False, "provider_down": False, **flags,
    }  # fmt: skip
    assert len(fake.calls_of("sendMessage")) == 1


async def test_without_a_connection_nothing_is_in_doubt(fake: FakeTelegram) -> None:
    async with sending(fake) as channel:
        await fake.down()
        with pytest.raises(DeliveryError, match="no_connection") as caught:
            await sent(channel, offered())
        with pytest.raises(DeliveryError, match="no_connection"):
            await channel.probe()
    assert (caught.value.in_doubt, caught.value.provider_down, caught.value.retry_after_s) == (False, True, 0)


async def test_no_error_holds_the_token(fake: FakeTelegram) -> None:
    async with sending(fake) as channel:
        await fake.down()
        with pytest.raises(DeliveryError) as caught:
            await sent(channel, offered())
    error: BaseException | None = caught.value
    while error:
        assert TOKEN not in repr(error) + str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


async def test_markup_that_telegram_cannot_read_goes_without_once(fake: FakeTelegram) -> None:
    fake.fault("sendMessage", bad_request("can't parse entities: unsupported start tag"))
    async with sending(fake) as channel:
        await sent(channel, offered("Yes", text="**Look** at [this](https://a.example/) & that"))
    assert fake.sent(ANN) == ["Look at this (https://a.example/) & that"]
    assert fake.chat(ANN).last.buttons == ["Yes", PERSON]
    assert channel.counts == {"cannot_parse": 1}


async def test_a_blocked_chat_says_so_and_a_moved_one_too(fake: FakeTelegram) -> None:
    group = fake.group(GROUP)
    group.adds_bot(fake.user(BOB))
    async with sending(fake) as channel:
        fake.user(ANN).blocks()
        with pytest.raises(DeliveryError, match="blocked"):
            await sent(channel, offered())
        group.migrates()
        with pytest.raises(DeliveryError, match="chat_migrated"):
            await sent(channel, offered(), GROUP)


async def test_the_house_hears_of_block_and_unblock(fake: FakeTelegram) -> None:
    house = FakeHouse()
    fake.user(ANN).blocks()
    fake.user(ANN).unblocks()
    async with running(fake, house):
        await fake.until(fetched(fake))
    assert house.told == [("lost blocked", str(ANN)), ("regained", str(ANN))]


async def test_a_slow_recipient_holds_no_other_up(fake: FakeTelegram) -> None:
    everybody = range(100, 260)
    async with sending(fake, ANN, *everybody) as channel:
        fake.fault("sendMessage", silence(), times=None, chat=ANN)
        stuck = [asyncio.create_task(sent(channel, offered())) for _ in range(150)]
        await asyncio.wait_for(asyncio.gather(*(sent(channel, offered(), person) for person in everybody)), 5)
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)


def test_the_same_parcel_always_has_the_same_parts() -> None:
    parcel = offered("Yes", text="para " * 900 + "\n\n" + "graph " * 900)
    assert [letter.html for letter in letters_of(parcel)] == [letter.html for letter in letters_of(parcel)]


def test_cutting_counts_as_telegram_does_and_breaks_no_character() -> None:
    assert cut("x" * 200, 200) == "x" * 200
    assert cut("😀" * 101, 200) == "😀" * 99 + "…"


def test_bare_words_leave_addresses_out_where_there_is_no_room() -> None:
    assert bare('<a href="https://a.example/">x</a> &amp; <b>y</b>') == "x (https://a.example/) & y"
    long = "z" * 4090
    assert bare(f'<a href="https://a.example/">{long}</a>') == long
