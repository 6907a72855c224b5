"""The Telegram server our channel is tested against is as strict as the real one: asked with the real library."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    MaybeInaccessibleMessage,
    Message,
    ReplyKeyboardRemove,
    ReplyParameters,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from tests.fakes import telegram_faults as faults
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram_rules import Refused, formatted, keyboard, units
from tests.fakes.telegram_updates import AT_ONCE, BY_CHAT, IN_ORDER

NO_TLS = ssl.create_default_context()
"""Made once: the library would read all certificates again for each bot."""
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


def bot_of(fake: FakeTelegram, token: str = TOKEN) -> Bot:
    one, other = (HTTPXRequest(connection_pool_size=16, httpx_kwargs={"verify": NO_TLS}) for _ in range(2))
    return Bot(token, base_url=f"{fake.url}/bot", request=one, get_updates_request=other)


async def raw(fake: FakeTelegram, method: str, **given: Any) -> dict[str, Any]:
    say = f"{fake.url}/bot{TOKEN}/{method}"
    async with aiohttp.ClientSession() as session, session.post(say, json=given) as answer:
        return {"status": answer.status, **await answer.json()}


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as made:
        yield made


@pytest.fixture
async def bot(fake: FakeTelegram) -> AsyncIterator[Bot]:
    async with bot_of(fake) as made:
        yield made


def keys(*titles: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(title, callback_data=f"d.{title}")] for title in titles])


async def refused(call: Awaitable[Any], words: str, kind: type[TelegramError] = BadRequest) -> TelegramError:
    with pytest.raises(kind) as caught:
        await call
    assert words.lower() in str(caught.value).lower()
    return caught.value


# --- the door


async def test_the_library_learns_who_the_bot_is(fake: FakeTelegram, bot: Bot) -> None:
    assert (bot.id, bot.username) == (fake.bot_id, fake.username)


async def test_a_wrong_token_and_an_unknown_method_are_told_apart(fake: FakeTelegram, bot: Bot) -> None:
    another = bot_of(fake, "123456:another")
    with pytest.raises(InvalidToken):
        await another.initialize()
    await another.shutdown()
    unknown = await raw(fake, "sendPigeon")
    assert unknown == {"status": 404, "ok": False, "error_code": 404, "description": "Not Found"}
    async with aiohttp.ClientSession() as session, session.get(f"{fake.url}/bot1:no/getMe") as answer:
        assert answer.status == 401
        assert await answer.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}


async def test_parameters_come_as_query_form_json_or_multipart(fake: FakeTelegram) -> None:
    fake.user(7).is_known()
    say = f"{fake.url}/bot{TOKEN}/sendMessage"
    parts = aiohttp.FormData({"chat_id": "7", "text": "multipart"}, default_to_multipart=True)
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    async with aiohttp.ClientSession() as session:
        for given in (
            {"params": {"chat_id": "7", "text": "query"}},
            {"data": {"chat_id": "7", "text": "form", "reply_markup": json.dumps(markup)}},
            {"json": {"chat_id": 7, "text": "json", "reply_markup": markup}},
            {"data": parts},
        ):
            async with session.post(say, **given) as answer:
                assert (await answer.json())["ok"]
    assert fake.sent(7) == ["query", "form", "json", "multipart"]
    assert [message.buttons for message in fake.chat(7).messages] == [[], ["Yes"], ["Yes"], []]


# --- updates that are fetched


async def test_an_update_comes_again_until_a_higher_offset_is_asked_for(fake: FakeTelegram, bot: Bot) -> None:
    ann = fake.user(7)
    ann.says("one")
    ann.says("two")
    first, second = await bot.get_updates()
    assert (await bot.get_updates())[0].update_id == first.update_id
    assert [update.update_id for update in await bot.get_updates(offset=second.update_id)] == [second.update_id]
    assert len(fake.pending) == 1
    assert await bot.get_updates(offset=second.update_id + 1) == ()
    assert fake.pending == []


async def test_a_negative_offset_forgets_all_but_the_last(fake: FakeTelegram, bot: Bot) -> None:
    for text in ("one", "two", "three"):
        fake.user(7).says(text)
    assert [update.message.text for update in await bot.get_updates(offset=-1) if update.message] == ["three"]
    assert len(fake.pending) == 1


async def test_at_most_as_many_updates_come_as_asked_for_and_never_over_100(fake: FakeTelegram, bot: Bot) -> None:
    for _ in range(120):
        fake.user(7).says("hello")
    assert len(await bot.get_updates(limit=3)) == 3
    assert len(await bot.get_updates(limit=500)) == 100


async def test_long_polling_ends_with_the_first_update(fake: FakeTelegram, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await fake.until(lambda: fake.calls_of("getUpdates"))
    fake.user(7).says("hello")
    assert len(await poll) == 1


async def test_a_second_poller_ends_the_first_one(fake: FakeTelegram, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await fake.until(lambda: fake.calls_of("getUpdates"))
    async with bot_of(fake) as other:
        assert await other.get_updates() == ()
    await refused(first, "terminated by other getUpdates request", Conflict)


async def test_polling_and_a_webhook_exclude_each_other(fake: FakeTelegram, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await fake.until(lambda: fake.calls_of("getUpdates"))
    await bot.set_webhook(f"{fake.url}/nowhere")
    await refused(poll, "terminated by setWebhook request", Conflict)
    await refused(bot.get_updates(), "can't use getUpdates method while webhook is active", Conflict)
    await bot.delete_webhook()
    assert await bot.get_updates() == ()


async def test_only_the_kinds_of_update_asked_for_are_kept(fake: FakeTelegram, bot: Bot) -> None:
    await bot.get_updates(allowed_updates=["message"])
    fake.user(7).says("hello")
    fake.user(7).blocks()
    assert len(await bot.get_updates()) == 1, "what is not given again stays as it was"
    await bot.get_updates(allowed_updates=[])
    fake.user(8).blocks()
    assert fake.push({"chat_member": {}}) is None
    assert len(fake.pending) == 2


async def test_updates_are_forgotten_after_a_day(fake: FakeTelegram, bot: Bot) -> None:
    fake.user(7).says("hello")
    fake.later(timedelta(hours=25))
    fake.user(7).says("still there?")
    assert [update.message.text for update in await bot.get_updates() if update.message] == ["still there?"]


async def test_updates_can_be_doubled_repeated_and_out_of_order(fake: FakeTelegram, bot: Bot) -> None:
    fake.updates.doubles = 1
    fake.user(7).says("one")
    fake.user(7).says("two")
    one, again, two = [update.update_id for update in await bot.get_updates()]
    assert one == again
    fake.updates.reorder = True
    assert [update.update_id for update in await bot.get_updates()] == [two, one, one]
    await bot.get_updates(offset=two + 1)
    fake.repeat(one)
    assert [update.update_id for update in await bot.get_updates(offset=two + 1)] == [one]
    assert await bot.get_updates(offset=two + 1) == ()


# --- what people do


async def test_everything_people_send_is_what_the_library_understands(fake: FakeTelegram, bot: Bot) -> None:
    ann = fake.user(7, "Ann", "cy")
    ann.starts("reputation-school42")
    ann.sends_photo("Look", album="a1")
    for send in (ann.sends_photo, ann.sends_voice, ann.sends_video, ann.sends_document, ann.sends_sticker,
                 ann.sends_animation, ann.sends_contact, ann.sends_location, ann.sends_poll,
                 ann.sends_dice):  # fmt: skip
        send()
    for kind in ("audio", "video_note", "venue", "story"):
        ann.sends(kind)
    messages = [update.message for update in await bot.get_updates()]
    start, photo = messages[0], messages[1]
    assert start is not None
    assert start.text == "/start reputation-school42"
    assert start.parse_entities() == {start.entities[0]: "/start"}
    assert start.from_user is not None
    assert start.from_user.language_code == "cy"
    assert photo is not None
    assert (photo.caption, photo.media_group_id, len(photo.photo)) == ("Look", "a1", 3)
    names = ("photo", "voice", "video", "document", "sticker", "animation", "contact", "location", "poll", "dice",
             "audio", "video_note", "venue", "story")  # fmt: skip
    assert [bool(getattr(message, name)) for message, name in zip(messages[2:], names, strict=True)] == [True] * 14


async def test_an_edited_message_is_told_and_a_reply_carries_what_it_answers(fake: FakeTelegram, bot: Bot) -> None:
    ann = fake.user(7)
    first = ann.says("hallo")
    ann.edits(first, "hello")
    ann.says("yes", reply_to=first)
    _, edit, reply = await bot.get_updates()
    assert edit.edited_message is not None
    assert (edit.edited_message.message_id, edit.edited_message.text) == (first, "hello")
    assert edit.edited_message.edit_date is not None
    assert reply.message is not None
    assert reply.message.reply_to_message is not None


async def test_a_pressed_button_carries_its_message_and_data(fake: FakeTelegram, bot: Bot) -> None:
    ann = fake.user(7).is_known()
    sent = await bot.send_message(7, "Well?", reply_markup=keys("Yes", "No"))
    query = ann.presses("No")
    (update,) = await bot.get_updates()
    assert update.callback_query is not None
    assert (update.callback_query.id, update.callback_query.data) == (query, "d.No")
    assert isinstance(update.callback_query.message, Message)
    assert update.callback_query.message.message_id == sent.message_id
    with pytest.raises(AssertionError, match="no button"):
        ann.presses("Perhaps")


async def test_an_old_button_can_be_pressed_after_its_keyboard_or_message_is_gone(fake: FakeTelegram, bot: Bot) -> None:
    ann = fake.user(7).is_known()
    sent = await bot.send_message(7, "Well?", reply_markup=keys("Yes"))
    await bot.edit_message_reply_markup(7, sent.message_id)
    ann.presses_old(sent.message_id, "Yes")
    await bot.delete_message(7, sent.message_id)
    ann.presses_old(sent.message_id, "Yes")
    with_message, without = await bot.get_updates()
    assert with_message.callback_query is not None
    assert isinstance(with_message.callback_query.message, Message)
    assert without.callback_query is not None
    assert isinstance(without.callback_query.message, MaybeInaccessibleMessage)
    assert not without.callback_query.message.is_accessible


async def test_a_callback_query_is_answered_once_and_in_time(fake: FakeTelegram, bot: Bot) -> None:
    ann = fake.user(7).is_known()
    await bot.send_message(7, "Well?", reply_markup=keys("Yes"))
    query = ann.presses("Yes")
    await refused(bot.answer_callback_query(query, "x" * 201), "MESSAGE_TOO_LONG")
    assert await bot.answer_callback_query(query, "x" * 200)
    assert fake.queries[query].answer == {"text": "x" * 200, "show_alert": False}
    await refused(bot.answer_callback_query(query), "query is too old")
    late = ann.presses("Yes")
    fake.later(timedelta(minutes=2))
    await refused(bot.answer_callback_query(late), "query is too old and response timeout expired")
    await refused(bot.answer_callback_query("1"), "query ID is invalid")


# --- texts


def test_html_is_read_as_telegram_reads_it() -> None:
    made = formatted(
        '👍 <b>Bold <i>both</i></b> <a href="https://example.org/?a=1&amp;b=2">here</a> &lt;3 &#233;', "HTML"
    )
    assert made.text == "👍 Bold both here <3 é"
    assert [(one["type"], one["offset"], one["length"]) for one in made.entities] == [
        ("bold", 3, 9), ("italic", 8, 4), ("text_link", 13, 4),
    ]  # fmt: skip
    assert made.entities[2]["url"] == "https://example.org/?a=1&b=2"
    assert formatted("<blockquote expandable>x</blockquote>", "HTML").entities[0]["type"] == "expandable_blockquote"
    assert formatted('<a href="example">no link</a>', "HTML").entities == (), "shown, but nothing opens"
    assert formatted("<b>not markup</b>", "").text == "<b>not markup</b>"


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<b>open", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<p>no such</p>", 'Unsupported start tag "p" at byte offset 0'),
        ("é < 3", 'Unsupported start tag "" at byte offset 3'),
        ("line<br/>", 'Unsupported start tag "br/" at byte offset 4'),
        ("<b>x</i>", "Unmatched end tag"),
        ("<b><i>x</b></i>", "Unmatched end tag"),
        ("x</b>", "Unexpected end tag"),
        ("<span>x</span>", "must have class"),
        ("<a href>x</a>", "Expected equal sign"),
        ('<a href="x"', "Unclosed start tag"),
        ("<b>x</b", "Unclosed end tag"),
    ],
)
def test_html_that_telegram_does_not_read_is_refused(html: str, words: str) -> None:
    with pytest.raises(Refused) as caught:
        formatted(html, "HTML")
    assert caught.value.description.startswith("Bad Request: can't parse entities: ")
    assert words in caught.value.description


async def test_the_4096_characters_are_what_is_read_in_utf_16(fake: FakeTelegram, bot: Bot) -> None:
    fake.user(7).is_known()
    longest = "👍" * 2048
    assert units(longest) == 4096
    sent = await bot.send_message(7, f"<b>{longest}</b>", parse_mode="HTML")
    assert sent.text == longest
    await refused(bot.send_message(7, longest + "."), "message is too long")
    await refused(bot.send_message(7, "<b> </b>", parse_mode="HTML"), "text must be non-empty")
    await refused(bot.send_message(7, ""), "message text is empty")
    assert fake.sent(7) == [longest]


def test_entities_past_the_hundredth_are_dropped() -> None:
    assert len(formatted("<b>x</b> " * 130, "HTML").entities) == 100


async def test_a_view_shows_what_stands_in_the_chat(fake: FakeTelegram, bot: Bot) -> None:
    fake.user(7).says("hello")
    await bot.send_message(
        7, "<b>Hi</b> ", parse_mode="HTML", reply_markup=keys("Yes"), link_preview_options=LinkPreviewOptions(True)
    )
    theirs, ours = fake.chat(7).messages
    assert (theirs.from_bot, theirs.text) == (False, "hello")
    assert (ours.from_bot, ours.text, ours.sent_as, ours.buttons) == (True, "Hi", "<b>Hi</b> ", ["Yes"])
    assert ours.entities == ({"type": "bold", "offset": 0, "length": 2},)
    assert not ours.preview
    assert [call.method for call in fake.calls] == ["getMe", "sendMessage"]
    assert fake.calls_of("sendMessage", chat=7)[0].params["text"] == "<b>Hi</b> "


# --- keyboards


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[{"text": "é", "callback_data": "é" * 33}]], "BUTTON_DATA_INVALID"),
        ([[{"text": "x", "callback_data": ""}]], "Text buttons are unallowed"),
        ([[{"text": "x"}]], "Text buttons are unallowed"),
        ([[{"text": " ", "callback_data": "d"}]], "must be non-empty"),
        ([[{"callback_data": "d"}]], 'Field "text" must be of type String'),
        ([[{"text": "x", "callback_data": "d", "url": "https://example.org"}]], "exactly one"),
        ([[{"text": "x", "url": "example"}]], "Wrong HTTP URL"),
        ([[{"text": "x", "callback_data": "d"}] * 9], "reply markup is too long"),
        ([[{"text": "x", "callback_data": "d"}]] * 101, "reply markup is too long"),
        ([[{"text": "x" * 600, "callback_data": "d"}]] * 20, "reply markup is too long"),
    ],
)
def test_a_keyboard_that_telegram_does_not_take_is_refused(rows: list[list[Any]], words: str) -> None:
    with pytest.raises(Refused) as caught:
        keyboard({"inline_keyboard": rows})
    assert words in caught.value.description


async def test_64_bytes_of_data_and_100_buttons_of_8_in_a_row_are_taken(fake: FakeTelegram, bot: Bot) -> None:
    fake.user(7).is_known()
    rows = [[InlineKeyboardButton("x", callback_data="d" * 16)] * 8] * 12
    await bot.send_message(7, "Many", reply_markup=InlineKeyboardMarkup(rows))
    await bot.send_message(7, "One", reply_markup=InlineKeyboardMarkup.from_button(
        InlineKeyboardButton("x", callback_data="é" * 32)))  # fmt: skip
    too_much = InlineKeyboardMarkup.from_button(InlineKeyboardButton("x", callback_data="é" * 32 + "."))
    await refused(bot.send_message(7, "One", reply_markup=too_much), "button_data_invalid")


# --- edits and deletions


async def test_an_edit_without_a_keyboard_drops_it(fake: FakeTelegram, bot: Bot) -> None:
    fake.user(7).is_known()
    sent = await bot.send_message(7, "Well?", reply_markup=keys("Yes"))
    await bot.edit_message_text("Well? Do say.", 7, sent.message_id, reply_markup=keys("Yes"))
    assert fake.chat(7).last.buttons == ["Yes"]
    await bot.edit_message_text("Well? Yes.", 7, sent.message_id)
    assert (fake.chat(7).last.text, fake.chat(7).last.buttons) == ("Well? Yes.", [])
    assert fake.sent(7) == ["Well?"], "an edit is not a message"


async def test_an_edit_that_changes_nothing_is_refused(fake: FakeTelegram, bot: Bot) -> None:
    fake.user(7).is_known()
    sent = await bot.send_message(7, "Well?", reply_markup=keys("Yes"))
    same = bot.edit_message_text(" Well?\n", 7, sent.message_id, reply_markup=keys("Yes"))
    await refused(same, "message is not modified")
    await refused(bot.edit_message_reply_markup(7, sent.message_id, reply_markup=keys("Yes")), "not modified")
    await bot.edit_message_reply_markup(7, sent.message_id)
    await refused(bot.edit_message_reply_markup(7, sent.message_id), "message is not modified")
    await bot.edit_message_text("<b>Well?</b>", 7, sent.message_id, parse_mode="HTML")


async def test_only_the_bots_own_standing_messages_can_be_edited(fake: FakeTelegram, bot: Bot) -> None:
    theirs = fake.user(7).says("hello")
    await refused(bot.edit_message_text("x", 7, theirs), "message can't be edited")
    await refused(bot.edit_message_text("x", 7, 1), "message to edit not found")
    sent = await bot.send_message(7, "x")
    wrong = bot.edit_message_text("y", 7, sent.message_id, reply_markup=ReplyKeyboardRemove())  # type: ignore[arg-type]
    await refused(wrong, "inline keyboard expected")
    await refused(bot.send_message(7, "y", reply_parameters=ReplyParameters(1)), "message to be replied not found")


async def test_a_message_can_be_deleted_for_two_days(fake: FakeTelegram, bot: Bot) -> None:
    ann = fake.user(7)
    photo, second = ann.sends_photo(), ann.sends_photo()
    assert await bot.delete_message(7, photo)
    await refused(bot.delete_message(7, photo), "message to delete not found")
    fake.chat(7).undeletable = True
    await refused(bot.delete_message(7, second), "message can't be deleted")
    fake.chat(7).undeletable = False
    fake.later(timedelta(hours=49))
    await refused(bot.delete_message(7, second), "message can't be deleted")
    assert [message.id for message in fake.chat(7).messages] == [second]


# --- who can be written to


async def test_a_chat_is_found_once_somebody_wrote(fake: FakeTelegram, bot: Bot) -> None:
    fake.user(7)
    await refused(bot.send_message(7, "x"), "chat not found")
    await refused(bot.send_message(404, "x"), "chat not found")
    fake.user(7).says("hello")
    await bot.send_message(7, "x")
    assert await bot.send_chat_action(7, "typing")
    assert fake.chat(7).actions == ["typing"]
    await refused(bot.send_chat_action(7, "sleeping"), "wrong parameter action")
    assert (await bot.get_chat(7)).username == "person7"


async def test_a_blocked_bot_is_told_and_cannot_write(fake: FakeTelegram, bot: Bot) -> None:
    ann = fake.user(7)
    ann.starts()
    ann.blocks()
    await refused(bot.send_message(7, "x"), "bot was blocked by the user", Forbidden)
    with pytest.raises(AssertionError, match="unblocks"):
        ann.says("hello")
    ann.unblocks()
    await bot.send_message(7, "x")
    _, blocked, unblocked = [update.my_chat_member for update in await bot.get_updates()]
    assert blocked is not None
    assert (blocked.old_chat_member.status, blocked.new_chat_member.status) == ("member", "kicked")
    assert unblocked is not None
    assert unblocked.new_chat_member.status == "member"


async def test_a_group_has_the_bot_until_it_leaves(fake: FakeTelegram, bot: Bot) -> None:
    ann, group = fake.user(7), fake.group(-50, "Staff room")
    group.says(ann, "Shall we ask a bot?")
    assert fake.pending == []
    await refused(bot.send_message(-50, "x"), "chat not found")
    group.adds_bot(ann)
    group.says(ann, "hello")
    sent = await bot.send_message(-50, "Take it?", reply_markup=keys("Accept"))
    group.presses(ann, "Accept")
    added, joined, said, pressed = await bot.get_updates()
    assert added.my_chat_member is not None
    assert joined.message is not None
    assert joined.message.new_chat_members[0].id == bot.id
    assert said.effective_chat is not None
    assert (said.effective_chat.type, said.effective_chat.title) == ("group", "Staff room")
    assert pressed.effective_user is not None
    assert pressed.effective_user.id == 7
    await refused(bot.delete_message(-50, group.says(ann, "mine")), "message can't be deleted")
    assert await bot.delete_message(-50, sent.message_id)
    assert await bot.leave_chat(-50)
    await refused(bot.send_message(-50, "x"), "bot is not a member", Forbidden)


async def test_a_group_that_migrated_tells_its_new_number(fake: FakeTelegram, bot: Bot) -> None:
    ann, group = fake.user(7), fake.group(-50)
    group.adds_bot(ann)
    new = group.migrates()
    with pytest.raises(ChatMigrated) as caught:
        await bot.send_message(-50, "x")
    assert caught.value.new_chat_id == new.id
    assert (await bot.send_message(new.id, "x")).chat.type == "supergroup"
    told = [update.message for update in await bot.get_updates()][-2:]
    assert [(one.migrate_to_chat_id, one.migrate_from_chat_id) for one in told if one] == [(new.id, None), (None, -50)]


async def test_a_bot_in_privacy_mode_hears_only_commands_in_a_group() -> None:
    async with FakeTelegram(privacy=True) as fake:
        ann, group = fake.user(7), fake.group(-50)
        group.adds_bot(ann)
        group.says(ann, "not for a bot")
        group.says(ann, "/help")
        assert [update["message"]["text"] for update in fake.pending[2:]] == ["/help"]


# --- pace


async def test_one_message_a_second_in_a_chat_with_a_small_burst() -> None:
    async with FakeTelegram(limits=True) as fake, bot_of(fake) as bot:
        for number in (7, 8):
            fake.user(number).is_known()
        await bot.send_message(7, "1")
        await bot.send_message(7, "2")
        error = await refused(bot.send_message(7, "3"), "retry in 1 second", RetryAfter)
        assert isinstance(error, RetryAfter)
        await bot.send_message(8, "another chat is not slowed")
        fake.later(timedelta(seconds=1))
        await bot.send_message(7, "3")
        assert fake.sent(7) == ["1", "2", "3"]


async def test_so_many_messages_a_second_over_all_chats() -> None:
    async with FakeTelegram(limits=True, overall_per_s=0.5, overall_burst=3) as fake, bot_of(fake) as bot:
        for number in range(1, 5):
            fake.user(number).is_known()
        for number in range(1, 4):
            await bot.send_message(number, "x")
        with pytest.raises(RetryAfter):
            await bot.send_message(4, "x")
        assert fake.calls[-1].description.startswith("Too Many Requests: retry after ")


async def test_without_limits_nothing_is_too_fast_but_a_held_chat_waits(fake: FakeTelegram, bot: Bot) -> None:
    fake.user(7).is_known()
    for _ in range(40):
        await bot.send_message(7, "x")
    fake.holds(7, 30)
    with pytest.raises(RetryAfter):
        await bot.send_message(7, "x")
    fake.later(timedelta(seconds=31))
    await bot.send_message(7, "x")


# --- about the bot


async def test_commands_are_kept_by_scope_and_language(fake: FakeTelegram, bot: Bot) -> None:
    await bot.set_my_commands([("help", "Help"), ("stop", "Stop")])
    await bot.set_my_commands([BotCommand("help", "Cymorth")], language_code="cy")
    await bot.set_my_commands([("back", "Back")], scope=BotCommandScopeAllPrivateChats())
    assert [one.command for one in await bot.get_my_commands()] == ["help", "stop"]
    assert [one.description for one in await bot.get_my_commands(language_code="cy")] == ["Cymorth"]
    await bot.delete_my_commands()
    assert await bot.get_my_commands() == ()
    assert len(await bot.get_my_commands(scope=BotCommandScopeAllPrivateChats())) == 1


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        ([("Help", "x")], "BOT_COMMAND_INVALID"),
        ([("talk-to", "x")], "BOT_COMMAND_INVALID"),
        ([("x" * 33, "x")], "BOT_COMMAND_INVALID"),
        ([("help", "")], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([("help", "x" * 257)], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([("help", "x")] * 101, "BOT_COMMANDS_TOO_MUCH"),
    ],
)
async def test_commands_that_telegram_does_not_take_are_refused(
    bot: Bot, commands: list[tuple[str, str]], words: str
) -> None:
    await refused(bot.set_my_commands(commands), words)


async def test_descriptions_have_their_limits_and_languages_two_letters(fake: FakeTelegram, bot: Bot) -> None:
    assert await bot.set_my_description("x" * 512)
    await refused(bot.set_my_description("x" * 513), "too long")
    assert await bot.set_my_short_description("x" * 120, language_code="cy")
    await refused(bot.set_my_short_description("x" * 121), "too long")
    await refused(bot.set_my_commands([("help", "x")], language_code="cym"), "invalid language code")


async def test_a_fetched_file_is_noted_and_refused(fake: FakeTelegram, bot: Bot) -> None:
    assert fake.get_file_calls == []
    await refused(bot.get_file("AgAC1"), "must not fetch files")
    async with aiohttp.ClientSession() as session, session.get(f"{fake.url}/file/bot{TOKEN}/photos/1.jpg") as answer:
        assert answer.status == 404
    assert fake.get_file_calls == ["AgAC1", "1.jpg"]


# --- the webhook


class Hook:
    """A bot's own web server: what it got, and what it answers."""

    def __init__(self) -> None:
        self.got: list[tuple[str | None, dict[str, Any]]] = []
        self.answers: list[int] = []
        self.gate: asyncio.Event | None = None
        self.url = ""

    @property
    def texts(self) -> list[str]:
        return [update["message"]["text"] for _, update in self.got]

    async def taken(self, request: web.Request) -> web.Response:
        self.got.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token"), await request.json()))
        if self.gate:
            await self.gate.wait()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    made = Hook()
    app = web.Application()
    app.router.add_post("/hook", made.taken)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()


async def test_updates_are_posted_with_the_secret_until_they_are_taken(
    fake: FakeTelegram, bot: Bot, hook: Hook
) -> None:
    hook.answers = [500, 503]
    fake.user(7).says("before")
    await bot.set_webhook(hook.url, secret_token="s3cret_-", max_connections=5)
    await fake.until(lambda: not fake.pending)
    assert [secret for secret, _ in hook.got] == ["s3cret_-"] * 3
    assert hook.texts == ["before"] * 3
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count, info.max_connections) == (hook.url, 0, 5)
    assert info.last_error_message == "Wrong response from the webhook: 503"


async def test_a_webhook_must_be_a_good_address_and_secret(fake: FakeTelegram, bot: Bot) -> None:
    await refused(bot.set_webhook("http://example.org/hook"), "HTTPS URL must be provided")
    await refused(bot.set_webhook("https://example.org/hook", secret_token="not allowed"), "unallowed characters")
    assert (await raw(fake, "setWebhook"))["description"] == "Bad Request: bad webhook: url must be given"
    assert (await bot.get_webhook_info()).url == ""


async def test_the_webhook_waits_for_a_bot_that_is_down(fake: FakeTelegram, bot: Bot, hook: Hook) -> None:
    await bot.set_webhook(f"{hook.url.rpartition(':')[0]}:1/hook")
    fake.user(7).says("hello")
    await fake.until(lambda: fake.updates.hook.failed_at is not None)
    assert len(fake.pending) == 1
    await bot.set_webhook(hook.url)
    await fake.until(lambda: not fake.pending)
    assert hook.texts[-1] == "hello"


async def test_pending_updates_are_dropped_when_asked(fake: FakeTelegram, bot: Bot) -> None:
    fake.user(7).says("old")
    await bot.delete_webhook(drop_pending_updates=True)
    assert fake.pending == []


@pytest.mark.parametrize(
    ("posting", "at_first"),
    [(IN_ORDER, ["a1"]), (BY_CHAT, ["a1", "b1"]), (AT_ONCE, ["a1", "a2", "b1", "b2"])],
)
async def test_updates_are_posted_side_by_side_as_far_as_set(
    fake: FakeTelegram, bot: Bot, hook: Hook, posting: str, at_first: list[str]
) -> None:
    fake.updates.posting, hook.gate = posting, asyncio.Event()
    for number, name in ((7, "a"), (8, "b")):
        fake.user(number).says(f"{name}1")
        fake.user(number).says(f"{name}2")
    await bot.set_webhook(hook.url)
    await fake.until(lambda: len(hook.got) == len(at_first))
    await asyncio.sleep(0.05)
    assert sorted(hook.texts) == at_first
    hook.gate.set()
    await fake.until(lambda: not fake.pending)
    assert sorted(hook.texts) == ["a1", "a2", "b1", "b2"]


async def test_a_thousand_updates_reach_the_webhook(fake: FakeTelegram, bot: Bot, hook: Hook) -> None:
    await bot.set_webhook(hook.url)
    for number in range(1000):
        fake.user(number % 50).says(str(number))
    await fake.until(lambda: not fake.pending)
    assert sorted(map(int, hook.texts)) == list(range(1000))


# --- faults


@pytest.mark.parametrize(
    ("fault", "kind", "stands"),
    [
        (faults.server_error(502), NetworkError, False),
        (faults.server_error(500, taken=True), NetworkError, True),
        (faults.too_many(9), RetryAfter, False),
        (faults.forbidden(), Forbidden, False),
        (faults.bad_request("PEER_ID_INVALID"), BadRequest, False),
        (faults.drop(), NetworkError, True),
        (faults.drop(taken=False), NetworkError, False),
        (faults.garbage(), TelegramError, True),
        (faults.silence(), TimedOut, False),
        (faults.silence(taken=True), TimedOut, True),
        (faults.slow(0.4), TimedOut, True),
    ],
)
async def test_a_fault_hits_the_calls_it_was_planned_for(
    fake: FakeTelegram, bot: Bot, fault: faults.Fault, kind: type[TelegramError], stands: bool
) -> None:
    for number in (7, 8):
        fake.user(number).is_known()
    fake.fault("sendMessage", fault, chat=7)
    await bot.send_message(8, "another chat")
    with pytest.raises(kind):
        await bot.send_message(7, "first", read_timeout=0.15)
    assert fake.sent(7) == (["first"] if stands else [])
    await bot.send_message(7, "second")
    assert fake.sent(7)[-1] == "second"


async def test_a_fault_may_last_until_healed_and_hit_any_method(fake: FakeTelegram, bot: Bot) -> None:
    fake.user(7).is_known()
    fake.fault("*", faults.server_error(), times=None)
    for _ in range(3):
        with pytest.raises(NetworkError):
            await bot.get_me()
    fake.heal()
    await bot.send_message(7, "x")


async def test_a_test_hears_of_a_call_before_and_after_it_had_its_effect(fake: FakeTelegram, bot: Bot) -> None:
    fake.user(7).is_known()
    heard: list[tuple[str, str, int]] = []
    fake.before = lambda call: heard.append(("before", call.method, len(fake.sent(7))))
    fake.after = lambda call: heard.append(("after", call.method, len(fake.sent(7))))
    await bot.send_message(7, "x")
    with pytest.raises(BadRequest):
        await bot.send_message(8, "x")
    assert heard == [("before", "sendMessage", 0), ("after", "sendMessage", 1), ("before", "sendMessage", 1)]


async def test_an_update_whose_answer_was_lost_comes_again(fake: FakeTelegram, bot: Bot) -> None:
    fake.user(7).says("hello")
    fake.fault("getUpdates", faults.drop())
    with pytest.raises(NetworkError):
        await bot.get_updates()
    assert len(await bot.get_updates()) == 1


@pytest.mark.parametrize("refuse", [True, False])
async def test_a_provider_that_is_down_comes_back_as_it_was(fake: FakeTelegram, bot: Bot, refuse: bool) -> None:
    fake.user(7).says("hello")
    poll = asyncio.create_task(bot.get_updates(offset=fake.pending[0]["update_id"] + 1, timeout=20))
    await fake.until(lambda: fake.calls_of("getUpdates"))
    await fake.down(refuse)
    with pytest.raises(NetworkError):
        await poll
    with pytest.raises(NetworkError):
        await bot.send_message(7, "x")
    fake.user(7).says("during")
    await fake.up()
    await bot.send_message(7, "y")
    assert fake.sent(7) == ["y"]
    assert len(await bot.get_updates()) == 1


async def test_a_poller_that_died_leaves_nothing_behind(fake: FakeTelegram, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await fake.until(lambda: fake.calls_of("getUpdates"))
    poll.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poll
    again = asyncio.create_task(bot.get_updates(timeout=20))
    await fake.until(lambda: len(fake.calls_of("getUpdates")) == 2)
    fake.user(7).says("hello")
    assert len(await again) == 1


async def test_waiting_for_what_never_happens_says_what_did(fake: FakeTelegram, bot: Bot) -> None:
    never: Callable[[], bool] = lambda: False  # noqa: E731
    with pytest.raises(AssertionError, match=r"last calls: \['getMe 200'\]"):
        await fake.until(never, timeout=0.05)
