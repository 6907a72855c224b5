"""Delivery: in order for each recipient, nobody waits for another, nothing lost, nothing an adviser said sent twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from bot import courier as couriers
from bot.channels.contract import CALLBACK, Limits
from bot.config import Settings
from bot.courier import Courier
from bot.domain import Address, ChannelName, Said, Turn
from bot.engine.render import Rendered
from bot.errors import DeliveryError
from bot.speech import Speech
from handoff.domain import AdviserId, CaseId, MessageId
from tests.small_house import Clock, opened_house

Answer = Callable[[str, int], Awaitable[None]]


class FakeProvider:
    """A pushing channel: notes what it was given, and fails as it is told."""

    name = CALLBACK
    limits = Limits(text=4096, buttons=10, title=100, rows=10)

    def __init__(self) -> None:
        self.taken: list[tuple[str, int, str]] = []
        self.tried: list[tuple[str, int]] = []
        self.failing: dict[str, list[BaseException]] = {}
        self.slow: dict[str, asyncio.Event] = {}

    async def deliver(self, address: Address, seq: int, message: Rendered) -> None:
        self.tried.append((address, seq))
        if address in self.slow:
            await self.slow[address].wait()
        if self.failing.get(address):
            error = self.failing[address].pop(0)
            if isinstance(error, DeliveryError) and error.in_doubt:
                self.taken.append((address, seq, message.text))
            raise error
        self.taken.append((address, seq, message.text))

    def texts(self, address: str) -> list[str]:
        return [text for to, _, text in self.taken if to == address]


class Delivering:
    """The house with a courier on a fake provider, on a clock that can be moved."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.house = opened_house(settings, clock)
        self.provider = FakeProvider()
        parts = self.house.firstline
        speech = Speech(parts.shelf, parts.queue)
        self.courier = Courier(parts.ledger, {CALLBACK: self.provider}, speech, parts.queue, clock)
        parts.ledger.on_commit(self.courier.wake)

    async def say(self, text: str, who: str) -> None:
        turn = Turn(CALLBACK, Address(who), f"t{next(self.house.count)}", Said(text, self.house.clock()))
        await self.house.firstline.rooms.take(turn)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.courier.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, true: Callable[[], bool], limit_s: float = 3) -> None:
        async with asyncio.timeout(limit_s):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def later(self, **passed: float) -> None:
        self.house.clock.passes(**passed)
        self.courier.wake()
        await asyncio.sleep(0.05)

    def states(self, who: str) -> list[str]:
        mark = self.house.firstline.turns.store.mark(CALLBACK, Address(who))
        rows = self.house.firstline.ledger.reader().execute(
            "SELECT o.state FROM outbox o JOIN conversation c ON c.id = o.conversation WHERE c.mark = ? ORDER BY o.id",
            [mark],
        )
        return [row[0] for row in rows]

    async def case(self, who: str = "ann") -> tuple[CaseId, AdviserId]:
        """Handed over and claimed; everything the bot said is delivered."""
        for text in ("hello", "talk to a person", "yes"):
            await self.say(text, who)
        await self.until(lambda: set(self.states(who)) == {"sent"})
        adviser = self.house.adviser()
        case = CaseId(self.house.one("SELECT max(id) FROM cases"))
        self.house.claim(case, adviser)
        return case, adviser

    def told_desk(self, message: int) -> str:
        return str(self.house.one("SELECT state FROM delivery WHERE message = ?", message))


@pytest.fixture
def clock() -> Clock:
    return Clock()


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
        assert delivering.states("ann") == ["sending", "queued"]
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
        await delivering.until(lambda: delivering.states("ann") == ["failed", "sent"])
    assert delivering.house.one("SELECT reason FROM outbox WHERE state = 'failed'") == "http_403"


async def test_a_bot_reply_in_doubt_is_repeated_with_the_same_number(delivering: Delivering) -> None:
    delivering.provider.failing["ann"] = [DeliveryError("reset", retry_after_s=0, in_doubt=True)]
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
        delivering.provider.failing["ann"] = [DeliveryError("reset", retry_after_s=0, in_doubt=True)]
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

        def dies(*_: object) -> None:
            raise RuntimeError

        dying.courier._tell_desk = dies  # type: ignore[method-assign]
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
    monkeypatch.setattr(couriers, "DELIVERY_TIMEOUT_S", 0.05)
    delivering.provider.slow["ann"] = asyncio.Event()
    async with delivering.at_work():
        await delivering.say("hello", "ann")
        await delivering.until(lambda: delivering.house.one("SELECT reason FROM outbox WHERE id = 1") == "timeout")
        delivering.provider.slow["ann"].set()
        await delivering.later(seconds=60)
        await delivering.until(lambda: delivering.states("ann") == ["sent", "sent"])


def test_the_fake_provider_can_see_a_double() -> None:
    """Negative control: a message taken twice is there twice."""
    provider = FakeProvider()
    for _ in range(2):
        asyncio.run(provider.deliver(Address("ann"), 1, Rendered("x")))
    assert provider.texts("ann") == ["x", "x"]


def test_the_channel_is_the_callbacks() -> None:
    assert ChannelName("callback") == FakeProvider.name
    assert datetime.now(UTC) + timedelta(0)
