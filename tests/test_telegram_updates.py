"""What each update of Telegram's means, and what is asked of Telegram for it."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.channels.contract import TELEGRAM
from bot.channels.telegram.updates import AcceptPress, Blocked, Decline, Ignored, Moved, Unblocked, read, turn_from
from bot.domain import Address, MediaKind, MediaRefused, Opened, Pressed, Said, Token, Turn
from tests.builders import NOON
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_people import medium
from tests.telegram_side import (
    ADVISERS,
    ANN,
    DATE,
    GROUP,
    SENT,
    FakeHouse,
    edited,
    fetched,
    in_group,
    membership,
    message,
    press,
    private,
    quick_telegram,
    running,
)


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeTelegram]:
    async with quick_telegram(monkeypatch) as server:
        yield server


# --- what an update comes to -----------------------------------------------------------------------------------------


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
    ("photo of an album, with words", private(**medium("photo", 1), media_group_id="9", caption="Look at him"),
        refused(KINDS.PHOTO, "Look at him"), DELETES),
    ("words put below a photo of an album", edited(**medium("photo", 1), media_group_id="9", caption="Look at him"),
        turn(MediaRefused(KINDS.PHOTO, NOON, "Look at him"), sent_at=SENT + timedelta(minutes=1)), DELETES),
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
    assert turn_from(update, NOON, {ADVISERS}) == expected


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
