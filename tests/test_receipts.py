"""Receipts: how far a message got, whatever order and however often a provider says it. Forward only."""

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as rules
from hypothesis import strategies as st

from bot import courier as couriers
from bot.channels.contract import TELEGRAM, WHATSAPP, Reach, Receipt
from bot.config import Settings
from bot.errors import DeliveryError
from bot.receipts import KEPT
from bot.reply_window import WINDOW_CLOSED
from handoff.domain import AdviserId, CaseId
from tests.delivering import Delivering
from tests.small_house import Clock, Ready

RANK = {Reach.SENT: 1, Reach.DELIVERED: 2, Reach.READ: 3}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(couriers, "LOOK_AGAIN_S", 0.05)


@pytest.fixture
async def delivering(settings: Settings, clock: Clock) -> AsyncIterator[Delivering]:
    made = Delivering(settings, clock, WHATSAPP)
    made.provider.names_messages = True
    async with made.at_work():
        yield made
    made.ledger.close()


@pytest.fixture
async def case(delivering: Delivering) -> tuple[CaseId, AdviserId]:
    return await delivering.case()


Case = tuple[CaseId, AdviserId]


async def sent(delivering: Delivering, case: Case, text: str = "Please ring.") -> tuple[int, str]:
    """An adviser's message, taken by the provider, and the provider's id of it."""
    message = delivering.house.answers(*case, text)
    await delivering.until(lambda: delivering.told_desk(message) == "sent")
    return message, f"id-{len(delivering.provider.taken)}"


def where(delivering: Delivering, message: int) -> tuple[str, tuple[str, str | None]]:
    """What the outbox and the desk say of it."""
    row = delivering.house.one("SELECT state FROM outbox WHERE message = ?", message)
    return row, delivering.on_desk(message)


# --- forward only ----------------------------------------------------------------------------------------------------


async def test_a_message_goes_from_sent_to_read_and_never_back(delivering: Delivering, case: Case) -> None:
    message, id_ = await sent(delivering, case)
    for reach in (Reach.DELIVERED, Reach.SENT, Reach.READ, Reach.DELIVERED, Reach.SENT):
        await delivering.heard_back(Receipt(reach, provider_id=id_))
    assert where(delivering, message) == ("read", ("read", None))


async def test_what_the_provider_could_not_deliver_has_failed_with_its_reason(
    delivering: Delivering, case: Case
) -> None:
    message, id_ = await sent(delivering, case)
    await delivering.heard_back(Receipt(Reach.FAILED, provider_id=id_, reason="131026"))
    assert where(delivering, message) == ("failed", ("failed", "131026"))
    await delivering.heard_back(Receipt(Reach.SENT, provider_id=id_))
    assert where(delivering, message) == ("failed", ("failed", "131026"))


async def test_what_was_read_has_not_failed(delivering: Delivering, case: Case) -> None:
    message, id_ = await sent(delivering, case)
    await delivering.heard_back(Receipt(Reach.READ, provider_id=id_))
    await delivering.heard_back(Receipt(Reach.FAILED, provider_id=id_, reason="131026"))
    assert where(delivering, message) == ("read", ("read", None))


async def test_several_of_several_messages_in_one_post_are_each_noted(delivering: Delivering, case: Case) -> None:
    (one, first), (two, second) = await sent(delivering, case, "One."), await sent(delivering, case, "Two.")
    reports = [Receipt(Reach.READ, provider_id=second), Receipt(Reach.DELIVERED, provider_id=first)]
    await delivering.heard_back(*reports, *reports)
    assert (delivering.told_desk(one), delivering.told_desk(two)) == ("delivered", "read")


async def test_a_bots_reply_has_its_state_too_and_no_desk_hears_of_it(delivering: Delivering) -> None:
    await delivering.say("hello")
    await delivering.until(lambda: delivering.states() == ["sent", "sent"])
    await delivering.heard_back(Receipt(Reach.READ, provider_id="id-2"))
    assert "read" in delivering.states()
    assert delivering.house.counts("delivery") == (0,)


def stories() -> st.SearchStrategy[tuple[list[Receipt], int, bool]]:
    """What a provider may truly say of one message, shuffled and repeated; how much of it comes before the answer to
    the send; and whether reports carry our number."""
    told = st.sampled_from(
        [
            (Reach.SENT,),
            (Reach.SENT, Reach.DELIVERED),
            (Reach.SENT, Reach.DELIVERED, Reach.READ),
            (Reach.DELIVERED, Reach.READ),
            (Reach.READ,),
            (Reach.SENT, Reach.FAILED),
            (Reach.FAILED,),
        ]
    )
    repeated = told.flatmap(
        lambda reaches: st.lists(st.sampled_from(reaches), max_size=4).map(lambda more: [*reaches, *more])
    )
    shuffled = repeated.flatmap(st.permutations)
    reports = shuffled.map(
        lambda reaches: [Receipt(each, reason="131026" if each is Reach.FAILED else None) for each in reaches]
    )
    return st.tuples(reports, st.integers(0, 8), st.booleans())


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, ready: Ready) -> Delivering:
    """One house for all stories: each is told of another row."""
    return Delivering(ready.copied_to(tmp_path_factory.mktemp("receipts")), Clock(), WHATSAPP)


@pytest.mark.parametrize("in_one_post", [True, False])
@rules(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories())
def test_any_order_ends_where_the_right_order_does(
    told: Delivering, in_one_post: bool, story: tuple[list[Receipt], int, bool]
) -> None:
    reports, before, by_number = story
    furthest = max((RANK.get(each.reach, 9), each.reach) for each in reports)[1]
    seq = told.ledger.write_now(new_row)
    id_ = f"story-{in_one_post}-{seq}"
    named = [Receipt(each.reach, seq if by_number else None, id_, each.reason) for each in reports]
    receipts, now = told.courier._waybill._receipts, told.house.clock()

    def heard(db: sqlite3.Connection, some: Sequence[Receipt]) -> None:
        for post in [some] if in_one_post else [[each] for each in some]:
            receipts.heard(db, WHATSAPP, post, now)

    def answered(db: sqlite3.Connection) -> None:
        told.courier._outbox.settle(db, [seq], "sent")
        receipts.sent_as(db, WHATSAPP, id_, seq, now)

    def all_of_it(db: sqlite3.Connection) -> None:
        heard(db, named[:before])
        answered(db)
        heard(db, named[before:])

    told.ledger.write_now(all_of_it)
    assert told.house.one("SELECT state FROM outbox WHERE id = ?", seq) == furthest


def new_row(db: sqlite3.Connection) -> int:
    """A bot's row in hand, in a conversation of its own."""
    columns = "channel, mark, address, version, library, state, started_at, last_turn_at"
    here = db.execute(
        f"INSERT INTO conversation ({columns}) VALUES ('whatsapp', randomblob(16), x'', 1, '', x'', 0, 0)"
    ).lastrowid
    row = "(conversation, turn, author, epoch, state, at)"
    made = db.execute(f"INSERT INTO outbox {row} VALUES (?, 1, 'bot', 0, 'sending', 0)", [here])
    return made.lastrowid or 0


# --- before the answer, and without one ------------------------------------------------------------------------------


@pytest.mark.parametrize("by_number", [True, False])
async def test_a_report_may_come_before_the_answer_to_the_send(
    delivering: Delivering, case: Case, by_number: bool
) -> None:
    stuck(delivering)
    message = delivering.house.answers(*case, "Please ring.")
    await delivering.until(lambda: delivering.told_desk(message) == "sending")
    id_ = f"id-{len(delivering.provider.taken) + 1}"
    await delivering.heard_back(Receipt(Reach.DELIVERED, delivering.seq(message) if by_number else None, id_))
    assert where(delivering, message) == ("sending", ("sending", None))
    delivering.provider.slow["ann"].set()
    await delivering.until(lambda: where(delivering, message) == ("delivered", ("delivered", None)))


def stuck(delivering: Delivering) -> None:
    delivering.provider.slow["ann"] = asyncio.Event()


async def test_a_message_whose_sending_was_never_answered_is_known_by_our_number(
    delivering: Delivering, case: Case
) -> None:
    delivering.provider.failing["ann"] = [DeliveryError("timed_out", 0, in_doubt=True)]
    message = delivering.house.answers(*case, "Please ring.")
    await delivering.until(lambda: where(delivering, message) == ("unknown", ("unknown", "timed_out")))
    await delivering.heard_back(Receipt(Reach.DELIVERED, delivering.seq(message), "id-of-theirs"))
    assert where(delivering, message) == ("delivered", ("delivered", None))
    await delivering.heard_back(Receipt(Reach.READ, provider_id="id-of-theirs", seq=delivering.seq(message)))
    assert where(delivering, message) == ("read", ("read", None))
    assert delivering.provider.texts("ann").count("Please ring.") == 1


@pytest.mark.parametrize(
    ("receipt", "state"),
    [
        (Receipt(Reach.SENT), ("sent", ("sent", None))),
        (Receipt(Reach.READ), ("read", ("read", None))),
        (Receipt(Reach.FAILED, reason="131026"), ("failed", ("failed", "131026"))),
    ],
)
async def test_a_report_that_came_before_the_silence_counts(
    delivering: Delivering, case: Case, receipt: Receipt, state: object
) -> None:
    """Reported while it was being sent, and then the answer never came: there is no doubt to ask the adviser about."""
    stuck(delivering)
    delivering.provider.failing["ann"] = [DeliveryError("timed_out", 0, in_doubt=True)]
    message = delivering.house.answers(*case, "Please ring.")
    await delivering.until(lambda: delivering.told_desk(message) == "sending")
    named = Receipt(receipt.reach, delivering.seq(message), "id-of-theirs", receipt.reason)
    await delivering.heard_back(named)
    delivering.provider.slow["ann"].set()
    await delivering.until(lambda: where(delivering, message) == state)


async def test_a_report_at_the_very_moment_of_giving_up_counts(delivering: Delivering, case: Case) -> None:
    # Once a defect: bot/courier.py _doubt: the receipts were read before the write that said "unknown"; a report noted
    # between the two changed nothing, and nobody looked again.
    delivering.provider.failing["ann"] = [DeliveryError("timed_out", 0, in_doubt=True)]
    written = delivering.courier._waybill.written
    reported = False

    async def late(work: object) -> object:
        nonlocal reported
        if delivering.provider.texts("ann")[-1:] == ["Please ring."] and not reported:
            reported = True
            newest = int(delivering.house.one("SELECT max(id) FROM outbox"))
            await delivering.heard_back(Receipt(Reach.DELIVERED, newest, "id-of-theirs"))
        return await written(work)  # type: ignore[arg-type]

    delivering.courier._waybill.written = late  # type: ignore[method-assign, assignment]
    message = delivering.house.answers(*case, "Please ring.")
    await delivering.until(lambda: where(delivering, message) == ("delivered", ("delivered", None)))


# --- not ours --------------------------------------------------------------------------------------------------------


async def test_reports_of_messages_nobody_knows_are_kept_for_a_while_and_change_nothing(
    delivering: Delivering, case: Case, clock: Clock
) -> None:
    message, id_ = await sent(delivering, case)
    before = delivering.house.firstline.ledger.reader().execute("SELECT id, state FROM outbox").fetchall()
    await delivering.heard_back(
        Receipt(Reach.READ, provider_id="nobody's"), Receipt(Reach.READ, seq=10**9), Receipt(Reach.READ)
    )
    await delivering.rooms.heard_back(TELEGRAM, [Receipt(Reach.READ, delivering.seq(message), id_)])
    assert delivering.ledger.reader().execute("SELECT id, state FROM outbox").fetchall() == before
    await delivering.heard_back(Receipt(Reach.READ, provider_id=id_))  # the control: the same from its own channel
    assert delivering.told_desk(message) == "read"


async def test_what_was_reported_is_forgotten_once_nothing_more_can_come(
    delivering: Delivering, case: Case, clock: Clock
) -> None:
    await sent(delivering, case)
    clock.passes(days=KEPT.days - 1)
    await delivering.house.firstline.upkeep.forget_repeats()
    assert delivering.house.counts("receipt") != (0,)
    clock.passes(days=2)
    await delivering.house.firstline.upkeep.forget_repeats()
    assert delivering.house.counts("receipt") == (0,)
    assert timedelta(days=7) < KEPT


async def test_no_id_of_a_providers_can_be_read_in_the_file(
    delivering: Delivering, case: Case, settings: Settings
) -> None:
    await delivering.heard_back(Receipt(Reach.READ, provider_id="wamid.canary"))
    files = [Path(path) for path in settings.data_dir.glob("firstline.db*")]
    assert files
    assert not any(b"wamid.canary" in path.read_bytes() for path in files)


# --- given back: the window had closed -------------------------------------------------------------------------------


def closed(id_: str, seq: int | None = None) -> Receipt:
    return Receipt(Reach.FAILED, seq, id_, "131047", window_closed=True)


async def test_a_message_given_back_is_asked_for_and_delivered_when_they_write(
    delivering: Delivering, case: Case
) -> None:
    message, id_ = await sent(delivering, case)
    await delivering.heard_back(closed(id_))
    await delivering.until(lambda: where(delivering, message) == ("queued", ("queued", "asked_to_reply")))
    assert delivering.provider.knocked == [("ann", "en")]
    await delivering.say("OPEN")
    await delivering.until(lambda: where(delivering, message)[0] == "sent")
    assert delivering.provider.texts("ann").count("Please ring.") == 2


async def test_a_second_copy_of_that_report_gives_back_nothing_that_was_sent_since(
    delivering: Delivering, case: Case
) -> None:
    # Once a defect: bot/receipts.py: Meta repeats reports for days; each copy took the message back again, and the
    # enquirer got it once more at every word of theirs.
    message, id_ = await sent(delivering, case)
    for _ in range(3):
        await delivering.heard_back(closed(id_, delivering.seq(message)))
        await delivering.say("OPEN")
        await delivering.until(lambda: where(delivering, message)[0] == "sent")
    assert delivering.provider.texts("ann").count("Please ring.") == 2
    again = f"id-{len(delivering.provider.taken)}"
    await delivering.heard_back(closed(again))  # the control: one of the second sending counts
    await delivering.until(lambda: where(delivering, message)[1] == ("queued", "asked_to_reply"))


async def test_a_parcel_given_back_is_delivered_whole(delivering: Delivering) -> None:
    # Once a defect: bot/outbox.py give_back: only the first row of a parcel waited again, and only from the part it had
    # got to: the question at its end was lost.
    await delivering.say("hello")
    await delivering.until(lambda: delivering.states() == ["sent", "sent"])
    for number in (1, 2):
        await delivering.heard_back(closed(f"id-{number}"))
    await delivering.until(lambda: [row["reason"] for row in delivering.rows()] == [WINDOW_CLOSED] * 2)
    await delivering.say("help")
    await delivering.until(lambda: set(delivering.states()) == {"sent"})
    texts = delivering.provider.texts("ann")
    assert texts[:4] == ["Hello.", "Is anyone in danger right now?"] * 2
    assert not delivering.provider.knocked


async def test_it_may_be_said_before_the_send_is_answered(delivering: Delivering, case: Case) -> None:
    stuck(delivering)
    message = delivering.house.answers(*case, "Please ring.")
    await delivering.until(lambda: delivering.told_desk(message) == "sending")
    await delivering.heard_back(closed(f"id-{len(delivering.provider.taken) + 1}"))
    delivering.provider.slow["ann"].set()
    await delivering.until(lambda: where(delivering, message) == ("queued", ("queued", "asked_to_reply")))


def test_every_reach_has_its_rank() -> None:
    assert set(itertools.chain(RANK, [Reach.FAILED])) == set(Reach)


async def test_an_earlier_part_that_failed_meanwhile_is_not_forgotten(delivering: Delivering, case: Case) -> None:
    # Once a defect: bot/receipts.py sent_as: of a parcel that was settled only the report of its last part counted.
    delivering.house.answers(*case, "Please ring.")
    await delivering.until(lambda: delivering.states("ann")[-1] == "sent")
    seq, now = delivering.house.one("SELECT max(id) FROM outbox"), delivering.house.clock()
    receipts = delivering.courier._waybill._receipts

    def parts(db: sqlite3.Connection) -> None:
        receipts.heard(db, WHATSAPP, [Receipt(Reach.FAILED, None, "part-one", "undeliverable")], now)
        receipts.sent_as(db, WHATSAPP, "part-one", seq, now)
        receipts.sent_as(db, WHATSAPP, "part-two", seq, now)

    await delivering.ledger.write(parts)
    assert delivering.states("ann")[-1] == "failed"
