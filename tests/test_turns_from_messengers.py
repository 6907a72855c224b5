"""Turns as messengers bring them: late, changed, in floods, repeated days later, with words beside pictures."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.app import HOUSE_DOWN
from bot.channels.contract import TELEGRAM, WHATSAPP
from bot.config import Settings
from bot.domain import (
    LATE_HOURS,
    MAX_TURNS_IN_WINDOW,
    Address,
    ChannelName,
    Heard,
    MediaKind,
    MediaRefused,
    Opened,
    Person,
    Said,
    Turn,
)
from bot.errors import ConversationMoved, StateUnreadable
from bot.store import REPEATED_FOR
from handoff.errors import DiskFull
from tests.small_house import Clock, SmallHouse, opened_house

DANGER = "he has a knife and is outside now"
CHILD = "im 13 and somebody from my school is bullying me, canary-child"
TOO_FAST = "Too fast."
LATE = "That reached us late."


class Messenger:
    """Says things on a channel that pushes, and reads what waits to be delivered for it."""

    def __init__(self, house: SmallHouse, channel: ChannelName = TELEGRAM) -> None:
        self.house = house
        self.channel = channel
        self._seen = 0

    async def hear(
        self, heard: Heard, who: str = "ann", id_: str | None = None, late: timedelta | None = None
    ) -> list[str]:
        sent_at = heard.at - late if late is not None else None
        id_ = id_ or f"m{next(self.house.count)}"
        turn = Turn(self.channel, Address(who), id_, heard, sent_at=sent_at)  # type: ignore[arg-type]
        await self.house.firstline.rooms.take(turn)
        return await self.new(who)

    async def say(
        self, text: str, who: str = "ann", id_: str | None = None, late: timedelta | None = None, edited: bool = False
    ) -> list[str]:
        return await self.hear(Said(text, self.house.clock(), edited=edited), who, id_, late)

    async def new(self, who: str = "ann") -> list[str]:
        lines = await self.house.firstline.rooms.since(self.channel, Address(who), self._seen)
        self._seen = max([self._seen, *(line.seq or 0 for line in lines)])
        return [line.rendered.text for line in lines]

    async def case(self, who: str = "ann") -> int:
        for text in ("hello", "talk to a person", "yes"):
            await self.say(text, who)
        return int(self.house.one("SELECT max(id) FROM cases"))

    def flags(self, case: int) -> list[str]:
        db, queue = self.house.firstline.ledger.reader(), self.house.firstline.queue
        rows = db.execute("SELECT id FROM message WHERE \"case\" = ? AND author = 'system' ORDER BY seq", [case])
        found = [queue.message(db, row[0]) for row in rows.fetchall()]
        return [each.text for each in found if each]


@pytest.fixture
def house(settings: Settings, clock: Clock) -> Iterator[SmallHouse]:
    made = opened_house(settings, clock)
    yield made
    made.firstline.ledger.close()


@pytest.fixture
def messenger(house: SmallHouse) -> Messenger:
    return Messenger(house)


def kept_words(house: SmallHouse) -> list[str]:
    db, seal = house.firstline.ledger.reader(), house.firstline.ledger.seal
    return [seal.open(row[0], "turn") for row in db.execute("SELECT words FROM turn WHERE words IS NOT NULL")]


# --- late ------------------------------------------------------------------------------------------------------------

DAY = timedelta(hours=LATE_HOURS)


async def test_what_reaches_us_after_a_day_is_answered_with_an_apology_first(messenger: Messenger) -> None:
    assert await messenger.say("hello", late=DAY + timedelta(minutes=1)) == [
        LATE,
        "Hello.",
        "Is anyone in danger right now?",
    ]
    assert await messenger.say("no", late=timedelta()) == ["Where are you?"]


@pytest.mark.parametrize("late", [DAY, timedelta(), timedelta(hours=-1), None])
async def test_nobody_apologises_for_less_nor_for_a_clock_ahead_of_ours(
    messenger: Messenger, late: timedelta | None
) -> None:
    assert (await messenger.say("hello", late=late))[0] == "Hello."


async def test_for_a_batch_that_comes_late_one_apology_is_enough_and_everything_is_answered(
    messenger: Messenger, clock: Clock
) -> None:
    said = [await messenger.say(text, late=2 * DAY) for text in ("hello", "no", "wales")]
    assert [LATE in each for each in said] == [True, False, False]
    assert said[-1] == ["What is it about?"]
    assert LATE in await messenger.say("hello", "bea", late=2 * DAY)
    clock.passes(minutes=11)
    assert LATE in await messenger.say("help", late=2 * DAY)


async def test_late_words_reach_an_adviser_and_the_bot_promises_no_answer_of_its_own(messenger: Messenger) -> None:
    case, amira = await messenger.case(), messenger.house.adviser()
    messenger.house.claim(case, amira)  # type: ignore[arg-type]
    assert await messenger.say("It is getting worse", late=2 * DAY) == []
    assert messenger.flags(case) == ["late_message"]
    assert messenger.house.thread(case) == ["It is getting worse"]  # type: ignore[arg-type]


async def test_late_words_of_danger_still_show_the_screen(messenger: Messenger) -> None:
    said = await messenger.say(DANGER, late=2 * DAY)
    assert said[0] == LATE
    assert said[-1] == "Carry on?"


# --- changed after they were sent ------------------------------------------------------------------------------------


async def test_a_changed_message_answers_no_question(messenger: Messenger) -> None:
    await messenger.say("hello")
    assert await messenger.say("no", edited=True) == ["You changed that message. Please send it anew."]
    assert await messenger.say("no") == ["Where are you?"]


async def test_danger_in_a_changed_message_is_seen(messenger: Messenger) -> None:
    await messenger.say("hello")
    assert (await messenger.say(DANGER, edited=True))[-1] == "Carry on?"


async def test_advisers_read_the_new_words_and_that_they_were_changed(messenger: Messenger) -> None:
    case, amira = await messenger.case(), messenger.house.adviser()
    await messenger.say("My name is on it", edited=True)
    messenger.house.claim(case, amira)  # type: ignore[arg-type]
    await messenger.say("and my school", edited=True)
    assert messenger.house.thread(case) == ["My name is on it", "and my school"]  # type: ignore[arg-type]
    assert messenger.flags(case).count("edited_message") == 2
    await messenger.say("and more")  # the control: what was not changed is not said to be
    assert messenger.flags(case).count("edited_message") == 2


async def test_whoever_begins_with_a_changed_message_is_greeted(messenger: Messenger) -> None:
    assert (await messenger.say("hello", edited=True))[0] == "Hello."


# --- floods ----------------------------------------------------------------------------------------------------------


async def flood(messenger: Messenger, times: int) -> list[str]:
    said = []
    for number in range(times):
        said += await messenger.say("help", id_=f"flood-{messenger.house.clock()}-{number}")
    return said


async def test_a_flood_is_answered_with_one_polite_line_and_nobody_else_is_slowed(
    messenger: Messenger, clock: Clock
) -> None:
    await messenger.say("hello")
    said = await flood(messenger, MAX_TURNS_IN_WINDOW + 50)
    assert said.count(TOO_FAST) == 1
    assert said[-1] == TOO_FAST
    assert await Messenger(messenger.house).say("hello", "bea") == ["Hello.", "Is anyone in danger right now?"]
    clock.passes(minutes=11)
    assert await messenger.say("no") == ["Where are you?"]
    assert (await flood(messenger, MAX_TURNS_IN_WINDOW)).count(TOO_FAST) == 1


async def test_a_side_that_fetches_is_told_each_time(house: SmallHouse) -> None:
    """The control: an answer that nobody waits for is one thing, a request without an answer another."""
    for number in range(MAX_TURNS_IN_WINDOW):
        await house.say("help", id_=f"quick-{number}")
    assert [await house.say("no") for _ in range(3)] == [[TOO_FAST]] * 3


async def test_danger_is_heard_in_the_middle_of_a_flood(messenger: Messenger) -> None:
    # Once a defect: bot/turns.py _think: who was too fast was not listened to at all, not even by the gate.
    await flood(messenger, MAX_TURNS_IN_WINDOW + 5)
    assert (await messenger.say(DANGER))[-1] == "Carry on?"


async def test_what_was_not_written_was_not_said(messenger: Messenger) -> None:
    # Once a defect: bot/courtesy.py: the apology counted as said while it was thought of; where the write failed and
    # the turn came again, nobody was told.
    ledger = messenger.house.firstline.ledger
    write, failing = ledger.write, [True]

    async def fails_once(work: Any) -> Any:
        if failing.pop() if failing else False:
            raise DiskFull
        return await write(work)

    ledger.write = fails_once  # type: ignore[method-assign]
    with pytest.raises(DiskFull):
        await messenger.say("hello", id_="late", late=2 * DAY)
    assert (await messenger.say("hello", id_="late", late=2 * DAY))[0] == LATE


# --- words beside pictures -------------------------------------------------------------------------------------------


async def picture(messenger: Messenger, words: str) -> list[str]:
    return await messenger.hear(MediaRefused(MediaKind.PHOTO, messenger.house.clock(), words=words))


async def test_danger_beside_a_picture_shows_the_screen_and_raises_the_case(messenger: Messenger) -> None:
    case = await messenger.case()
    assert (await picture(messenger, DANGER))[-1] == "Carry on?"
    assert messenger.house.one('SELECT tier FROM queue_item WHERE "case" = ?', case) == 0
    assert "danger_words" in messenger.flags(case)


async def test_a_child_beside_a_picture_is_shown_childline(messenger: Messenger) -> None:
    assert (await picture(messenger, CHILD))[-1] == "Childline is there for you."
    assert kept_words(messenger.house) == []


async def test_other_words_beside_a_picture_are_refused_with_it_and_kept_nowhere(
    messenger: Messenger, settings: Settings
) -> None:
    case = await messenger.case()
    assert (await picture(messenger, "canary words of no danger"))[0] == "We cannot take a photo."
    assert messenger.flags(case)[-1] == "refused_media"
    assert kept_words(messenger.house) == ["hello", "talk to a person", "yes"]
    assert messenger.house.thread(case) == []  # type: ignore[arg-type]


async def test_words_of_danger_beside_a_picture_are_kept_nowhere_either(messenger: Messenger) -> None:
    await picture(messenger, DANGER)
    assert kept_words(messenger.house) == []


async def test_a_picture_without_words_is_refused(messenger: Messenger) -> None:
    await messenger.say("hello")
    assert (await picture(messenger, ""))[0] == "We cannot take a photo."


async def test_several_pictures_at_once_are_refused_once(messenger: Messenger, clock: Clock) -> None:
    case = await messenger.case()
    said = [await picture(messenger, "") for _ in range(10)]
    assert [bool(each) for each in said] == [True] + [False] * 9
    assert messenger.flags(case) == ["refused_media"]
    clock.passes(seconds=11)
    assert await picture(messenger, "") != []


async def test_one_of_several_pictures_that_stays_in_the_chat_is_told_of(messenger: Messenger, clock: Clock) -> None:
    await messenger.say("hello")
    await messenger.hear(MediaRefused(MediaKind.PHOTO, clock(), taken_out=True))
    assert await messenger.hear(MediaRefused(MediaKind.PHOTO, clock(), left_in_chat=True)) != []


async def test_danger_beside_the_second_of_two_pictures_is_seen(messenger: Messenger) -> None:
    await picture(messenger, "")
    assert (await picture(messenger, DANGER))[-1] == "Carry on?"


# --- who sent them ---------------------------------------------------------------------------------------------------


async def test_the_code_of_whoever_pointed_here_is_kept(messenger: Messenger) -> None:
    at = messenger.house.clock()
    await messenger.hear(Opened(at, flow="impersonation", referrer="school42"))
    assert messenger.house.one("SELECT referrer FROM conversation") == "school42"
    await messenger.hear(Opened(at))
    assert messenger.house.one("SELECT referrer FROM conversation") == "school42"
    await messenger.hear(Opened(at, referrer="school43"))
    assert messenger.house.one("SELECT referrer FROM conversation") == "school43"
    counted = messenger.house.firstline.ledger.reader().execute("SELECT channel, code, times FROM referral").fetchall()
    assert [tuple(row) for row in counted] == [("telegram", "school42", 1), ("telegram", "school43", 1)]


# --- copies ----------------------------------------------------------------------------------------------------------


async def test_a_copy_a_week_later_is_not_taken_again_though_its_conversation_is_gone(
    messenger: Messenger, clock: Clock
) -> None:
    house = messenger.house
    await messenger.say("hello", id_="first")
    await messenger.say("stop and delete")
    clock.passes(hours=25)
    await house.firstline.upkeep.forget()
    assert house.one("SELECT length(state) FROM conversation") == 0
    clock.passes(days=5, hours=22)
    await house.firstline.upkeep.forget_repeats()
    before = house.counts("conversation", "turn", "outbox")
    await messenger.say("hello", id_="first", late=timedelta(days=7))
    assert house.counts("conversation", "turn", "outbox") == before
    await messenger.say("hello", id_="another")  # the control
    assert house.counts("conversation") == (2,)


async def test_that_a_turn_was_taken_is_forgotten_once_nobody_repeats_it(messenger: Messenger, clock: Clock) -> None:
    house = messenger.house
    await messenger.say("hello", id_="first")
    await messenger.say("stop and delete")
    await messenger.say("hello", "bea")
    clock.passes(hours=25)
    await house.firstline.upkeep.forget()
    clock.passes(days=REPEATED_FOR.days)
    await house.firstline.upkeep.forget_repeats()
    assert house.counts("turn", "taken_until") == (1, 0)
    await messenger.say("hello", "bea", id_="more")
    assert house.counts("turn") == (2,)


async def test_a_copy_under_another_of_a_persons_names_is_the_same_turn(house: SmallHouse, clock: Clock) -> None:
    """Meta may repeat a message after the number was hidden or changed."""
    for person in (Person(None, "111"), Person("U1", "111"), Person("U1", None)):
        turn = Turn(WHATSAPP, person.address, "wamid.1", Said("hello", clock()), person, clock())
        await house.firstline.rooms.take(turn)
    assert house.counts("conversation", "turn") == (1, 1)
    other = Person("U2", None)
    await house.firstline.rooms.take(Turn(WHATSAPP, other.address, "wamid.2", Said("hello", clock()), other, clock()))
    assert house.counts("conversation", "turn") == (2, 2)


async def test_fifty_copies_at_once_on_a_messenger_are_one_turn(messenger: Messenger) -> None:
    await asyncio.gather(*[messenger.say("hello", id_="same") for _ in range(50)])
    assert messenger.house.counts("conversation", "turn", "outbox") == (1, 1, 2)


async def test_a_thousand_turns_in_one_batch_are_taken_each_in_its_order(messenger: Messenger) -> None:
    names = [f"ann-{number}" for number in range(250)]
    turns = [messenger.say(text, who) for text in ("hello", "no", "wales", "help") for who in names]
    await asyncio.gather(*turns)
    assert messenger.house.counts("conversation", "turn") == (250, 1000)
    assert messenger.house.one("SELECT count(*) FROM outbox WHERE pushed = 0 OR state <> 'queued'") == 0


async def test_what_cannot_be_kept_is_not_taken(messenger: Messenger) -> None:
    """The channel must not say to the provider that it has it."""
    ledger = messenger.house.firstline.ledger
    ledger.write_now(
        lambda db: db.execute("CREATE TRIGGER refuse BEFORE INSERT ON outbox BEGIN SELECT RAISE(FAIL, 'broken'); END")
    )
    with pytest.raises(ConversationMoved):
        await messenger.say("hello")
    assert messenger.house.counts("conversation", "turn", "outbox") == (0, 0, 0)


async def test_one_damaged_conversation_is_not_taken_for_a_damaged_house(messenger: Messenger) -> None:
    # Once a defect: bot/app.py HOUSE_DOWN: a state that could not be opened counted as "nothing can be kept", and the
    # update was asked for again for ever.
    await messenger.say("hello")
    await messenger.say("hello", "bea")
    ledger, store = messenger.house.firstline.ledger, messenger.house.firstline.turns.store
    ledger.write_now(lambda db: db.execute("UPDATE conversation SET state = randomblob(60) WHERE id = 1"))
    store._recent.clear()
    with pytest.raises(StateUnreadable) as caught:
        await messenger.say("no")
    assert not isinstance(caught.value, HOUSE_DOWN)
    assert issubclass(DiskFull, HOUSE_DOWN)
    assert await messenger.say("no", "bea") != []
