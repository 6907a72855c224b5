"""Delivery: in order for each recipient, nobody waits for another, nothing lost, nothing an adviser said sent twice."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable

import pytest

from bot import courier as couriers
from bot import delivering as deliveries
from bot import outage as outages
from bot.channels.contract import PULLED, Parcel
from bot.config import Settings
from bot.domain import Address, ConversationId
from bot.engine.render import Rendered
from bot.errors import DeliveryError
from handoff.domain import DeliveryState, MessageId
from tests.delivering import Delivering, FakeProvider
from tests.small_house import Clock

HELLO = ["Hello.", "Is anyone in danger right now?"]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test cannot move the clock over."""
    monkeypatch.setattr(couriers, "LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr(outages, "PAUSES_S", (0.005,))


@pytest.fixture
async def delivering(settings: Settings, clock: Clock) -> AsyncIterator[Delivering]:
    made = Delivering(settings, clock)
    yield made
    await asyncio.sleep(0.01)
    made.house.firstline.ledger.close()


async def test_each_recipient_gets_everything_in_order(delivering: Delivering) -> None:
    async with delivering.at_work():
        for text in ("hello", "no", "wales"):
            await asyncio.gather(*[delivering.say(text, who) for who in ("ann", "bea", "cat")])
        await delivering.until(lambda: all(delivering.states(who) == ["sent"] * 4 for who in ("ann", "bea", "cat")))
    expected = ["Hello.", "Is anyone in danger right now?", "Where are you?", "What is it about?"]
    for who in ("ann", "bea", "cat"):
        assert delivering.provider.texts(who) == expected
        assert delivering.states(who) == ["sent"] * 4


async def test_a_slow_recipient_delays_nobody_else(delivering: Delivering) -> None:
    gate = delivering.provider.slow["ann"] = asyncio.Event()
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await delivering.say("hello", "bea")
        await delivering.until(lambda: delivering.states("bea") == ["sent", "sent"])
        assert delivering.states("ann") == ["sending", "sending"]
        gate.set()
        await delivering.until(lambda: delivering.states("ann") == ["sent", "sent"])


async def test_a_429_pauses_that_recipient_for_as_long_as_it_says_and_no_other(delivering: Delivering) -> None:
    delivering.provider.failing["ann"] = [DeliveryError("http_429", retry_after_s=60)]
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await delivering.say("hello", "bea")
        await delivering.until(lambda: delivering.states("bea") == ["sent", "sent"])
        await delivering.later(seconds=59)
        assert delivering.provider.texts("ann") == []
        await delivering.later(seconds=2)
        await delivering.until(lambda: delivering.states("ann") == ["sent", "sent"])
    assert delivering.provider.texts("ann") == ["Hello.", "Is anyone in danger right now?"]


async def test_what_can_never_be_delivered_is_failed_and_the_next_goes_on(delivering: Delivering) -> None:
    delivering.provider.failing["ann"] = [DeliveryError("http_403")]
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await delivering.until(lambda: delivering.states("ann") == ["failed", "failed"])
        await delivering.say("no", "ann")
        await delivering.until(lambda: delivering.states("ann") == ["failed", "failed", "sent"])
    assert delivering.house.one("SELECT DISTINCT reason FROM outbox WHERE state = 'failed'") == "http_403"
    assert delivering.provider.texts("ann") == ["Where are you?"]


async def test_a_bot_reply_in_doubt_is_repeated_with_the_same_number(delivering: Delivering) -> None:
    delivering.provider.failing["ann"] = [DeliveryError("timed_out", retry_after_s=0, in_doubt=True)]
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await delivering.until(lambda: len(delivering.provider.tried) == 1)
        await asyncio.sleep(0.02)
        await delivering.later(seconds=600)
        await delivering.until(lambda: delivering.states("ann") == ["sent", "sent"])
    first = [seq for _, seq, text in delivering.provider.taken if text == "Hello."]
    assert len(first) == 2
    assert len(set(first)) == 1


async def test_an_advisers_message_in_doubt_is_unknown_and_never_sent_again_by_itself(delivering: Delivering) -> None:
    async with delivering.at_work():
        case, amira = await delivering.case()
        delivering.provider.failing["ann"] = [DeliveryError("timed_out", retry_after_s=0, in_doubt=True)]
        message = delivering.house.answers(case, amira, "Please ring the police.")
        await delivering.until(lambda: delivering.states("ann")[-1] == "unknown")
        await delivering.until(lambda: delivering.told_desk(message) == "unknown")
        await delivering.later(days=1)
        await asyncio.sleep(0.1)
        assert delivering.provider.texts("ann").count("Please ring the police.") == 1

        queue, ledger = delivering.house.firstline.queue, delivering.house.firstline.ledger
        again = ledger.write_now(
            lambda db: queue.say_again(db, MessageId(message), amira, "again-1", delivering.house.clock())
        )
        await delivering.until(lambda: delivering.told_desk(again) == "sent")
    assert delivering.provider.texts("ann").count("Please ring the police.") == 2
    assert delivering.told_desk(message) == "unknown"


async def test_an_advisers_message_that_failed_is_said_to_have_failed(delivering: Delivering) -> None:
    async with delivering.at_work():
        case, amira = await delivering.case()
        delivering.provider.failing["ann"] = [DeliveryError("blocked")]
        message = delivering.house.answers(case, amira, "Hello.")
        await delivering.until(lambda: delivering.told_desk(message) == "failed")


async def test_an_advisers_message_paused_by_a_429_is_sent_once_later(delivering: Delivering) -> None:
    async with delivering.at_work():
        case, amira = await delivering.case()
        delivering.provider.failing["ann"] = [DeliveryError("http_429", retry_after_s=5)]
        message = delivering.house.answers(case, amira, "Hello, I am here.")
        await delivering.until(lambda: len(delivering.provider.failing["ann"]) == 0)
        await asyncio.sleep(0.02)
        await delivering.later(seconds=10)
        await delivering.until(lambda: delivering.told_desk(message) == "sent")
    assert delivering.provider.texts("ann").count("Hello, I am here.") == 1


async def test_what_was_being_sent_at_a_crash_is_settled_by_who_said_it(settings: Settings, clock: Clock) -> None:
    """Between 'sending' and its result: the bot's reply is sent again, the adviser's message becomes unknown."""
    first = Delivering(settings, clock)
    async with first.at_work():
        case, amira = await first.case("ann")
        await first.say("hello", "bea")
        await first.until(lambda: first.states("bea") == ["sent", "sent"])
    message = first.house.answers(case, amira, "Please ring.")
    await first.say("no", "bea")
    first.house.firstline.ledger.write_now(
        lambda db: db.execute("UPDATE outbox SET state = 'sending', attempts = 1 WHERE state = 'queued'")
    )
    first.house.firstline.ledger.close()
    second = Delivering(settings, clock)
    async with second.at_work():
        await second.until(lambda: second.states("bea")[-1] == "sent")
        await second.until(lambda: second.told_desk(message) == "unknown")
    assert second.provider.texts("bea") == ["Where are you?"]
    assert second.provider.texts("ann") == []
    second.house.firstline.ledger.close()


async def test_the_outbox_and_the_desk_never_disagree(settings: Settings, clock: Clock) -> None:
    """A result is told to both in one write: when the desk cannot be told, the outbox is not either, and the next start
    calls both unknown."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    dying = Delivering(settings, clock)
    async with dying.at_work():
        case, amira = await dying.case()

        tell = dying.courier._waybill._tell_desk

        def dies(db: sqlite3.Connection, message: int | None, state: DeliveryState, reason: str | None = None) -> None:
            if state is not DeliveryState.SENDING:
                raise RuntimeError
            tell(db, message, state, reason)

        dying.courier._waybill._tell_desk = dies  # type: ignore[method-assign]
        message = dying.house.answers(case, amira, "Please ring.")
        await dying.until(lambda: "Please ring." in dying.provider.texts("ann"))
        await asyncio.sleep(0.05)
        assert dying.states("ann")[-1] == "sending"
    dying.house.firstline.ledger.close()
    second = Delivering(settings, clock)
    async with second.at_work():
        await second.until(lambda: second.told_desk(message) == second.states("ann")[-1] == "unknown")
        assert second.provider.texts("ann") == []
    second.house.firstline.ledger.close()


async def test_a_fault_nobody_foresaw_in_a_channel_does_not_stop_a_recipient_for_good(delivering: Delivering) -> None:
    # Once a defect: bot/courier.py _deliver: only DeliveryError and TimeoutError are caught. Anything else (a
    # ValueError in a
    # channel, a library version that is gone) ends the task unseen; the row stays 'sending' and blocks its recipient
    # until the next start.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    delivering.provider.failing["ann"] = [ValueError("unforeseen")]
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await delivering.until(lambda: len(delivering.provider.tried) == 1)
        await asyncio.sleep(0.05)
        await delivering.later(days=1)
        await delivering.until(lambda: delivering.states("ann")[-1] == "sent", 1)


async def test_no_delivery_is_under_way_once_the_courier_was_stopped(delivering: Delivering) -> None:
    # Once a defect: bot/courier.py run / bot/app.py running: the deliveries under way are neither awaited nor
    # cancelled before
    # the ledger is closed; what a provider takes in that moment is not recorded, and an adviser's message is 'unknown'.
    delivering.provider.slow["ann"] = asyncio.Event()
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await delivering.until(lambda: len(delivering.provider.tried) == 1)
    left = list(delivering.courier._under_way.values())
    delivering.provider.slow["ann"].set()
    await asyncio.gather(*left, return_exceptions=True)
    assert left == []


async def test_a_provider_that_never_answers_is_given_up(
    delivering: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "DELIVERY_TIMEOUT_S", 0.05)
    delivering.provider.slow["ann"] = asyncio.Event()
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await delivering.until(lambda: delivering.house.one("SELECT reason FROM outbox WHERE id = 1") == "timeout")
        delivering.provider.slow["ann"].set()
        await delivering.later(seconds=60)
        await delivering.until(lambda: delivering.states("ann") == ["sent", "sent"])


# --- parcels ---------------------------------------------------------------------------------------------------------


async def test_what_one_turn_led_to_is_one_parcel_up_to_a_question(delivering: Delivering) -> None:
    delivering.provider.joins = True
    async with delivering.at_work():
        await delivering.say("hello")
        await delivering.until(lambda: delivering.states() == ["sent", "sent"])
        await delivering.say("danger now")
        await delivering.until(lambda: set(delivering.states()) == {"sent"})
    first, *others = delivering.provider.parcels
    assert [message.text for message in first.messages] == HELLO
    assert first.seq == 1
    assert [len(parcel.messages) for parcel in others] == [len(delivering.states()) - 2]
    for parcel in delivering.provider.parcels:
        assert not any(message.choices for message in parcel.messages[:-1])
        assert parcel.messages[-1].choices


async def test_two_questions_of_one_turn_are_two_parcels(delivering: Delivering) -> None:
    """Only the last message of a parcel has choices, whatever a turn led to."""
    await delivering.say("hello")
    delivering.ledger.write_now(copy_of_the_question)
    async with delivering.at_work():
        await delivering.until(lambda: set(delivering.states()) == {"sent"})
    assert [len(parcel.messages) for parcel in delivering.provider.parcels[::2]] == [2, 1]
    assert [parcel.seq for parcel in delivering.provider.parcels] == [1, 1, 3]


def copy_of_the_question(db: sqlite3.Connection) -> None:
    db.execute(
        "INSERT INTO outbox (conversation, turn, author, epoch, body, state, at) "
        "SELECT conversation, turn, author, epoch, body, state, at FROM outbox WHERE id = 2"
    )


async def test_two_turns_are_two_parcels_even_in_one_moment(delivering: Delivering) -> None:
    for text in ("hello", "no"):
        await delivering.say(text)
    async with delivering.at_work():
        await delivering.until(lambda: set(delivering.states()) == {"sent"})
    assert sorted({parcel.seq: len(parcel.messages) for parcel in delivering.provider.parcels}.items()) == [
        (1, 2),
        (3, 1),
    ]


async def test_an_advisers_messages_go_one_by_one(delivering: Delivering) -> None:
    delivering.provider.joins = True
    async with delivering.at_work():
        case, amira = await delivering.case()
        delivering.provider.slow["ann"] = asyncio.Event()
        for text in ("One.", "Two.", "Three."):
            delivering.house.answers(case, amira, text)
        await delivering.settled()
        assert delivering.states()[-3:] == ["sending", "queued", "queued"]
        delivering.provider.slow["ann"].set()
        await delivering.until(lambda: set(delivering.states()) == {"sent"})
    assert delivering.provider.texts("ann")[-3:] == ["One.", "Two.", "Three."]


async def test_a_crash_between_two_parts_repeats_only_the_part_in_doubt(settings: Settings, clock: Clock) -> None:
    first = Delivering(settings, clock)
    async with first.at_work():
        first.provider.stuck_at["ann"] = 1
        await first.say("hello")
        await first.until(lambda: len(first.provider.tried) == 2)
    assert first.provider.texts("ann") == HELLO[:1]
    assert first.states() == ["sending", "sending"]
    first.ledger.close()
    second = Delivering(settings, clock)
    async with second.at_work():
        await second.until(lambda: second.states() == ["sent", "sent"])
    assert second.provider.texts("ann") == HELLO[1:]
    second.ledger.close()


async def test_a_failure_between_two_parts_repeats_only_the_one_that_failed(delivering: Delivering) -> None:
    delivering.provider.fails_at["ann"] = {1: [DeliveryError("http_429", retry_after_s=5)]}
    async with delivering.at_work():
        await delivering.say("hello")
        await delivering.until(lambda: len(delivering.provider.tried) == 2)
        await delivering.until(lambda: delivering.states() == ["queued", "queued"])
        assert delivering.provider.texts("ann") == HELLO[:1]
        await delivering.later(seconds=10)
        await delivering.until(lambda: delivering.states() == ["sent", "sent"])
    assert delivering.provider.texts("ann") == HELLO


# --- doubt -----------------------------------------------------------------------------------------------------------


async def test_a_bot_reply_that_is_never_answered_is_sent_twice_at_most_and_the_next_goes_on(
    delivering: Delivering,
) -> None:
    delivering.provider.joins = True
    delivering.provider.failing["ann"] = [DeliveryError("timed_out", 0, in_doubt=True) for _ in range(2)]
    async with delivering.at_work():
        await delivering.say("hello")
        await delivering.say("no")
        await later_until(delivering, lambda: delivering.states() == ["unknown", "unknown", "sent"])
    assert delivering.provider.texts("ann") == ["\n".join(HELLO)] * 2 + ["Where are you?"]


async def test_a_bot_reply_that_the_provider_refuses_with_its_own_fault_is_tried_without_limit(
    delivering: Delivering,
) -> None:
    """Control of the limit before: an answer, if only a 500, says that it was not a message lost on its way."""
    delivering.provider.always["ann"] = DeliveryError("http_500", 0, in_doubt=True)
    async with delivering.at_work():
        await delivering.say("hello")
        await later_until(delivering, lambda: len(delivering.provider.tried) >= 6)
        del delivering.provider.always["ann"]
        await later_until(delivering, lambda: delivering.states() == ["sent", "sent"])
    assert delivering.provider.texts("ann") == HELLO


async def test_a_fault_of_ours_after_sending_repeats_a_reply_once_and_not_for_ever(delivering: Delivering) -> None:
    # Once a defect: bot/courier.py: a channel that raises after the provider took it sent the same words every minute.
    delivering.provider.failing["ann"] = [KeyError("id") for _ in range(9)]
    async with delivering.at_work():
        await delivering.say("hello")
        await later_until(delivering, lambda: delivering.states() == ["unknown", "unknown"])
    assert len(delivering.provider.tried) == 2


async def test_a_delivery_of_which_nothing_can_be_noted_is_not_tried_again_at_once(delivering: Delivering) -> None:
    # Once a defect: bot/courier.py: a write that raises ended the task, which woke the courier, which began it again:
    # a processor at full load and a log without end.
    tries = 0

    def refuse(*_: object) -> None:
        nonlocal tries
        tries += 1
        raise RuntimeError

    delivering.courier._waybill._outbox.sending = refuse  # type: ignore[method-assign, assignment]
    async with delivering.at_work():
        await delivering.say("hello")
        await delivering.until(lambda: tries > 0)
        await delivering.settled()
    assert tries <= 2


# --- nobody waits for another ----------------------------------------------------------------------------------------


async def many_say_hello(delivering: Delivering, names: list[str]) -> None:
    """As many conversations as that, with what was said to them waiting."""
    await delivering.say("hello", names[0])

    def others(db: sqlite3.Connection) -> None:
        for name in names[1:]:
            another(delivering, db, name)

    delivering.ledger.write_now(others)


def another(delivering: Delivering, db: sqlite3.Connection, name: str) -> None:
    """A copy of the first conversation, with another address: a turn of its own takes ten times as long."""
    store, seal = delivering.house.firstline.turns.store, delivering.ledger.seal
    columns = "version, library, state, started_at, last_turn_at"
    row = [store.mark(delivering.channel, Address(name)), seal.seal(name, "address")]
    made = db.execute(
        f"INSERT INTO conversation (channel, mark, address, {columns}) "
        f"SELECT channel, ?, ?, {columns} FROM conversation WHERE id = 1",
        row,
    ).lastrowid
    db.execute(
        "INSERT INTO outbox (conversation, turn, author, epoch, body, state, at) "
        "SELECT ?, turn, author, epoch, body, state, at FROM outbox WHERE conversation = 1",
        [made],
    )


@pytest.mark.parametrize("hangs", ["slow", "waiting_for_pace"])
async def test_250_who_hang_do_not_keep_the_next_from_theirs(delivering: Delivering, hangs: str) -> None:
    # Once a defect: bot/courier.py _look: those who wait for their pace stay "queued", and the first 200 hid the rest.
    names = [f"slow-{number}" for number in range(250)]
    getattr(delivering.provider, hangs).update({name: asyncio.Event() for name in names})
    await many_say_hello(delivering, [*names, "bea"])
    async with delivering.at_work():
        await delivering.until(lambda: delivering.states("bea") == ["sent", "sent"])
    assert {address for address, _, _ in delivering.provider.taken} == {"bea"}


async def test_1000_recipients_of_whom_some_are_paused_all_get_theirs_in_order(delivering: Delivering) -> None:
    delivering.provider.joins = True
    names = [f"ann-{number}" for number in range(1000)]
    paused = names[::100]
    for name in paused:
        delivering.provider.failing[name] = [DeliveryError("http_429", retry_after_s=30)]
    await many_say_hello(delivering, names)
    count = "SELECT count(DISTINCT conversation) FROM outbox WHERE state = 'sent'"
    async with delivering.at_work():
        await delivering.until(lambda: delivering.house.one(count) == 990, 15)
        await delivering.say("no", paused[0])
        await delivering.later(seconds=29)
        assert not {name for name, _, _ in delivering.provider.taken} & set(paused)
        await delivering.later(seconds=2)
        await delivering.until(lambda: delivering.house.one(count) == 1000)
        await delivering.until(lambda: delivering.states(paused[0])[-1] == "sent")
    assert delivering.provider.texts(paused[0]) == ["\n".join(HELLO), "Where are you?"]
    assert all(len(delivering.provider.texts(name)) == 1 for name in names if name != paused[0])


# --- an outage -------------------------------------------------------------------------------------------------------

GONE = DeliveryError("no_connection", 0, provider_down=True)


async def later_until(delivering: Delivering, true: Callable[[], bool]) -> None:
    """Lets minutes pass until something is so."""
    for _ in range(60):
        if true():
            return
        await delivering.settled()
        delivering.house.clock.passes(minutes=6)
    assert true()


async def test_an_hour_without_the_provider_loses_and_doubles_nothing(delivering: Delivering) -> None:
    provider = delivering.provider
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await delivering.until(lambda: delivering.states("ann") == ["sent", "sent"])
        provider.down = GONE
        await delivering.say("no", "ann")
        await delivering.until(lambda: delivering.courier.is_down(delivering.channel))
        tried = len(provider.tried)
        for who in ("ann", "bea", "cat"):
            for text in ("hello", "help", "danger now"):
                await delivering.say(text, who)
        for _ in range(12):
            await delivering.later(minutes=5)
        assert len(provider.tried) == tried
        assert provider.probes > 5
        provider.down = None
        await later_until(
            delivering, lambda: all(set(delivering.states(who)) == {"sent"} for who in ("ann", "bea", "cat"))
        )
    assert not delivering.courier.is_down(delivering.channel)
    for who in ("ann", "bea", "cat"):
        numbers = [seq for to, seq, _ in provider.taken if to == who]
        assert numbers == sorted(set(numbers))
        assert len(numbers) == len(delivering.states(who))
    assert tried <= 3


async def test_while_a_probe_passes_everything_is_tried(delivering: Delivering) -> None:
    """Negative control: without a failing probe the same failures are no outage, and tries go on."""
    delivering.provider.down, delivering.provider.probe_passes = GONE, True
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await later_until(delivering, lambda: len(delivering.provider.tried) >= 5)
        assert not delivering.courier.is_down(delivering.channel)


async def test_one_recipient_the_provider_always_fails_on_delays_nobody(delivering: Delivering) -> None:
    delivering.provider.always["ann"] = DeliveryError("http_502", 0, in_doubt=True, provider_down=True)
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await later_until(delivering, lambda: len(delivering.provider.tried) >= 3)
        for number in range(20):
            await delivering.say("hello", f"bea-{number}")
        await delivering.until(lambda: all(delivering.states(f"bea-{n}") == ["sent", "sent"] for n in range(20)))
    assert delivering.states("ann") == ["queued", "queued"] or delivering.states("ann") == ["sending", "sending"]


async def test_a_reply_does_not_spend_its_last_try_on_an_outage(delivering: Delivering) -> None:
    # Once a defect: bot/courier.py _again: a provider that takes connections and says nothing was asked for longer than
    # the first pause lasted: the second and last try went into the same silence, and the reply was given up.
    delivering.provider.down = DeliveryError("timed_out", 0, in_doubt=True, provider_down=True)
    asked, answer = asyncio.Event(), asyncio.Event()
    probe = delivering.provider.probe

    async def slow_probe() -> None:
        asked.set()
        await answer.wait()
        await probe()

    delivering.courier._outages[delivering.channel]._probe = slow_probe
    delivering.provider.joins = True
    async with delivering.at_work():
        await delivering.say("hello")
        await asked.wait()
        for _ in range(5):
            await delivering.later(minutes=1)
        assert len(delivering.provider.tried) == 1
        answer.set()
        await delivering.until(lambda: delivering.courier.is_down(delivering.channel))
        delivering.provider.down = None
        await later_until(delivering, lambda: delivering.states() == ["sent", "sent"])
    assert len(delivering.provider.tried) == 2


async def test_an_advisers_message_that_never_left_waits_for_the_provider_and_is_sent_once(
    delivering: Delivering,
) -> None:
    async with delivering.at_work():
        case, amira = await delivering.case()
        delivering.provider.down = GONE
        message = delivering.house.answers(case, amira, "Please ring.")
        await delivering.until(lambda: delivering.on_desk(message) == ("queued", "no_connection"))
        await delivering.later(hours=1)
        delivering.provider.down = None
        await later_until(delivering, lambda: delivering.told_desk(message) == "sent")
    assert delivering.provider.texts("ann").count("Please ring.") == 1


# --- an enquirer who blocked us --------------------------------------------------------------------------------------


async def test_what_waits_for_somebody_who_blocked_us_has_failed_and_the_case_says_so(delivering: Delivering) -> None:
    async with delivering.at_work():
        case, amira = await delivering.case()
        delivering.provider.always["ann"] = DeliveryError("http_429", retry_after_s=600)
        messages = [delivering.house.answers(case, amira, text) for text in ("One.", "Two.")]
        await delivering.until(lambda: delivering.on_desk(messages[0]) == ("queued", "http_429"))
        await delivering.rooms.lost(delivering.channel, Address("ann"), "blocked")
        assert [delivering.on_desk(message) for message in messages] == [("failed", "blocked")] * 2
        assert flags(delivering, case)[-1] == "enquirer_blocked"
        del delivering.provider.always["ann"]
        await delivering.rooms.regained(delivering.channel, Address("ann"))
        await delivering.later(days=1)
        assert flags(delivering, case)[-1] == "enquirer_back"
        assert [delivering.on_desk(message) for message in messages] == [("failed", "blocked")] * 2
    assert not {"One.", "Two."} & set(delivering.provider.texts("ann"))


def flags(delivering: Delivering, case: int) -> list[str]:
    db, queue = delivering.ledger.reader(), delivering.queue
    rows = db.execute("SELECT id FROM message WHERE \"case\" = ? AND author = 'system' ORDER BY seq", [case]).fetchall()
    found = [queue.message(db, row[0]) for row in rows]
    return [each.text for each in found if each]


async def test_what_the_bot_could_not_say_is_said_when_they_are_back(delivering: Delivering) -> None:
    delivering.provider.always["ann"] = DeliveryError("blocked")
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await delivering.say("hello", "bea")
        await delivering.until(lambda: delivering.states("ann") == ["failed", "failed"])
        del delivering.provider.always["ann"]
        await delivering.rooms.regained(delivering.channel, Address("ann"))
        await delivering.until(lambda: delivering.states("ann") == ["sent", "sent"])
        await delivering.until(lambda: delivering.states("bea") == ["sent", "sent"])
        await delivering.rooms.regained(delivering.channel, Address("ann"))
        await delivering.rooms.lost(delivering.channel, Address("nobody"), "blocked")
    assert delivering.provider.texts("ann") == delivering.provider.texts("bea") == HELLO


async def test_what_failed_for_another_reason_is_not_said_again(delivering: Delivering) -> None:
    """Negative control."""
    delivering.provider.failing["ann"] = [DeliveryError("http_400")]
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await delivering.until(lambda: delivering.states("ann") == ["failed", "failed"])
        await delivering.rooms.regained(delivering.channel, Address("ann"))
        await delivering.settled()
    assert delivering.states("ann") == ["failed", "failed"]


# --- the tables ------------------------------------------------------------------------------------------------------


def test_the_channels_that_fetch_are_the_same_in_the_tables_and_in_the_contract(delivering: Delivering) -> None:
    """Migrations are never edited, so they cannot ask the contract."""
    sql = delivering.house.one("SELECT sql FROM sqlite_master WHERE name = 'message_to_outbox'")
    listed = re.search(r"NOT IN \(([^)]*)\)", sql)
    assert listed
    assert set(re.findall(r"'(\w+)'", listed[1])) == PULLED


@pytest.mark.parametrize("of", ["due", "interrupted", "release", "lose"])
async def test_waiting_rows_are_found_by_their_index(delivering: Delivering, of: str) -> None:
    """Else the courier would read every row there ever was, at each look."""
    asked = statements(delivering, of)
    assert asked
    for statement in asked:
        assert "outbox_waiting" in plan(delivering, statement), statement
        assert not re.search(r"SCAN (o|outbox)\b(?! USING)", plan(delivering, statement)), statement


async def test_a_statement_in_other_words_than_the_index_is_seen(delivering: Delivering) -> None:
    """Negative control: the same rows asked for without `pushed = 1`."""
    assert "outbox_waiting" not in plan(delivering, "SELECT count(*) FROM outbox WHERE state = 'queued'")


def statements(delivering: Delivering, of: str) -> list[str]:
    """What a method of the outbox asks of the database, with its values in it."""
    outbox, now = delivering.courier._outbox, delivering.house.clock()
    heard: list[str] = []
    asked: dict[str, Callable[[sqlite3.Connection], object]] = {
        "due": lambda db: outbox.due(db, delivering.channel, now),
        "interrupted": outbox.interrupted,
        "release": lambda db: outbox.release(db, ConversationId(1)),
        "lose": lambda db: outbox.lose(db, ConversationId(1), "blocked"),
    }
    db = sqlite3.connect(delivering.ledger.path)
    db.set_trace_callback(heard.append)
    asked[of](db)
    db.rollback()
    db.close()
    return [each for each in heard if "outbox" in each and not each.startswith("--")]


def plan(delivering: Delivering, statement: str) -> str:
    rows = delivering.ledger.reader().execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    return "\n".join(row[3] for row in rows)


# --- controls --------------------------------------------------------------------------------------------------------


def test_the_fake_provider_can_see_a_double() -> None:
    """Negative control: a message taken twice is there twice."""
    provider = FakeProvider()
    for _ in range(2):
        asyncio.run(provider.deliver(Address("ann"), 1, (Parcel(1, (Rendered("x"),)), 0, "x")))
    assert provider.texts("ann") == ["x", "x"]
