"""The Telegram channel in groups: declined and left, but for the advisers' own."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from bot.channels.pace import Pace
from bot.channels.telegram import advisers
from bot.errors import DeliveryError
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_faults import Fault, bad_request, drop, forbidden, server_error, too_many
from tests.fakes.telegram_people import Group
from tests.telegram_side import (
    ADVISERS,
    ANN,
    BOB,
    GROUP,
    FakeHouse,
    fetched,
    quick_telegram,
    running,
    sending,
)


async def _accepts(user: int, case: int) -> str:
    return f"{user} takes {case}"


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeTelegram]:
    async with quick_telegram(monkeypatch) as server:
        yield server


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


def moved_before_we_started(fake: FakeTelegram) -> Group:
    """The setting still has the old number, and the updates that told of the move are long gone."""
    new = fake.group(ADVISERS).migrates()
    fake.updates.waiting.clear()
    return new


async def test_an_advisers_group_that_moved_before_we_started_is_found(fake: FakeTelegram) -> None:
    new = moved_before_we_started(fake)
    with capture_logs() as logs:
        async with running(fake, FakeHouse(), pace=Pace(1_000, 0)) as channel:
            channel.accept = _accepts
            await fake.until(lambda: channel.up)
            new.says(fake.user(BOB), "Good morning")
            await channel.post("FL-1 waits", 12)
            query = new.presses(fake.user(BOB), "Accept")
            await fake.until(lambda: fake.queries[query].answer)
    assert fake.sent() == fake.sent(new.id) == ["FL-1 waits"]
    assert new.chat.member
    assert channel.counts == {"advisers_group": 1}
    assert [line["reason"] for line in logs] == ["change_FIRSTLINE_TELEGRAM_ADVISERS"]


async def test_a_button_from_before_the_move_is_still_theirs(fake: FakeTelegram) -> None:
    async with running(fake, FakeHouse(), pace=Pace(1_000, 0)) as channel:
        channel.accept = _accepts
        await channel.post("FL-1 waits", 12)
        old = fake.chat(ADVISERS).last.id
        fake.group(ADVISERS).migrates()
        query = fake.group(ADVISERS).presses_old(fake.user(BOB), old, "Accept")
        await fake.until(lambda: fake.queries[query].answer)
    assert fake.calls_of("leaveChat") == []


@pytest.mark.parametrize("fault", [server_error(), drop(), too_many(0), bad_request("chat not found"), forbidden()])
async def test_no_group_is_left_while_nobody_knows_where_the_advisers_are(
    fake: FakeTelegram, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr(advisers, "ASK_AGAIN_S", 0.0)
    new = moved_before_we_started(fake)
    fake.fault("sendChatAction", fault, times=None)
    async with running(fake, FakeHouse()) as channel:
        channel.accept = _accepts
        await fake.until(lambda: channel.up)
        new.says(fake.user(BOB), "Good morning")
        await fake.until(fetched(fake))
        assert (channel.counts["group_in_doubt"], channel.counts["declined_group"]) == (1, 0)
        assert new.chat.member
        assert fake.sent() == []
        fake.heal()
        fake.group(GROUP).adds_bot(fake.user(ANN))
        new.says(fake.user(BOB), "Still here?")
        await fake.until(lambda: not fake.chat(GROUP).member)
        await fake.until(fetched(fake))
    assert new.chat.member
    assert channel.counts["advisers_group"] == 1


async def test_a_press_of_accept_finds_the_group_that_was_not_found_at_the_start(
    fake: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisers, "ASK_AGAIN_S", 0.0)
    async with sending(fake) as channel:
        await channel.post("FL-1 waits", 12)
    message = fake.chat(ADVISERS).last
    new = moved_before_we_started(fake)
    fake.fault("sendChatAction", too_many(0))
    async with running(fake, FakeHouse()) as channel:
        channel.accept = _accepts
        await fake.until(lambda: channel.up)
        new.chat.standing[message.id] = message
        query = new.presses(fake.user(BOB), "Accept")
        await fake.until(lambda: fake.queries[query].answer)
    assert fake.queries[query].answer == {"text": f"{BOB} takes 12", "show_alert": True}


async def test_telegram_is_not_asked_where_the_advisers_are_for_every_word_in_a_group(fake: FakeTelegram) -> None:
    fake.chat(ADVISERS).found = False
    for number in range(20):
        fake.group(GROUP).chat.member = True
        fake.group(GROUP).says(fake.user(ANN), str(number))
    with capture_logs() as logs:
        async with running(fake, FakeHouse()) as channel:
            await fake.until(fetched(fake))
    assert len(fake.calls_of("sendChatAction")) == 1
    assert channel.counts == {"advisers_not_found": 1, "group_in_doubt": 20}
    assert [line["reason"] for line in logs] == ["check_FIRSTLINE_TELEGRAM_ADVISERS_and_add_the_bot"]


async def test_without_an_advisers_group_every_group_is_left(fake: FakeTelegram) -> None:
    fake.group(GROUP).adds_bot(fake.user(ANN))
    async with running(fake, FakeHouse(), advisers=None):
        await fake.until(lambda: not fake.chat(GROUP).member)
    assert fake.calls_of("sendChatAction") == []


async def test_without_an_advisers_group_nothing_can_be_posted_there(fake: FakeTelegram) -> None:
    async with sending(fake, advisers=None) as channel:
        with pytest.raises(DeliveryError, match="no_group"):
            await channel.post("FL-1 waits", 12)
