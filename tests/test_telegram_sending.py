"""What the Telegram channel sends, what a failure means, and what becomes of buttons that were pressed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext

import pytest

from bot.channels.contract import Parcel
from bot.channels.telegram import afterwards, request
from bot.channels.telegram.messages import bare, cut, letters_of
from bot.domain import Said, Token
from bot.engine.render import Rendered
from bot.errors import DeliveryError
from tests.builders import NOON
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram_faults import Fault, bad_request, drop, forbidden, garbage, server_error, silence, too_many
from tests.telegram_side import (
    ANN,
    BOB,
    GROUP,
    PERSON,
    FakeHouse,
    fetched,
    offered,
    quick_telegram,
    running,
    sending,
    sent,
)


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeTelegram]:
    async with quick_telegram(monkeypatch) as server:
        yield server


# --- sending ---------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("fault", "is_down"),
    [
        (too_many(17), False),
        (bad_request("nonsense"), False),
        (forbidden(), False),
        (Fault(status=409, description="Conflict: nonsense"), False),
        (Fault(status=413, description="Request Entity Too Large"), False),
        (Fault(status=401, description="Unauthorized"), True),
        (server_error(502), True),
        (drop(), True),
        (garbage(), True),
    ],
)
async def test_a_provider_that_answers_anything_sensible_lives(fake: FakeTelegram, fault: Fault, is_down: bool) -> None:
    fake.fault("getMe", fault)
    async with sending(fake) as channel:
        with pytest.raises(DeliveryError) if is_down else nullcontext():
            await channel.probe()


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


# --- courtesies ------------------------------------------------------------------------------------------------------


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
    async with running(fake, FakeHouse(kept=None, old_button=True)) as channel:
        await sent(channel, offered("Yes", "No"))
        query = fake.user(ANN).presses("Yes")
        await fake.until(fetched(fake))
    assert (fake.chat(ANN).last.text, fake.chat(ANN).last.buttons) == ("Which one?", [])
    assert fake.queries[query].answer


async def test_a_press_that_was_not_taken_in_leaves_the_question_as_it_is(fake: FakeTelegram) -> None:
    """Too fast, or a fault of ours: the question is still to be answered."""
    fake.user(ANN).is_known()
    async with running(fake, FakeHouse(kept=None)) as channel:
        await sent(channel, offered("Yes", "No"))
        query = fake.user(ANN).presses("Yes")
        await fake.until(fetched(fake))
    assert (fake.chat(ANN).last.text, fake.chat(ANN).last.buttons) == ("Which one?", ["Yes", "No", PERSON])
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
