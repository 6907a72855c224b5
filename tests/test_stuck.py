"""The probe for things that ought not to be: each kind is made and seen, and a desk that is well has none."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from handoff import advisers, stuck
from handoff.domain import AdviserId
from handoff.notifications import AFTER, Rung
from tests.demo_desk import Clock, DemoDesk, desk_in

MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


def beat(desk: DemoDesk, adviser: AdviserId) -> None:
    desk.ledger.write_now(lambda conn: desk.queue.heartbeat(conn, adviser, desk.now()))


def counted(desk: DemoDesk) -> dict[str, int]:
    """Only what is not zero."""
    found = stuck.counts(desk.ledger.reader(), desk.now(), list(Rung))
    return {kind: count for kind, count in found.items() if count}


def held(desk: DemoDesk, adviser: AdviserId) -> int:
    case_id = desk.case(2)
    desk.claim(case_id, adviser)
    return case_id


def answered(desk: DemoDesk, adviser: AdviserId) -> int:
    case_id = held(desk, adviser)
    desk.say(case_id, adviser, "Hello")
    message = desk.ledger.reader().execute("SELECT max(id) FROM message").fetchone()[0]
    desk.ledger.write_now(lambda conn: desk.queue.record_delivery(conn, message, "sent", desk.now()))
    return case_id


def lease_over(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    held(desk, amira)
    clock.pass_(3 * MINUTE)


def offer_over(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    case_id, ben = answered(desk, amira), desk.adviser("Ben Okafor")
    desk.ledger.write_now(lambda conn: desk.queue.offer(conn, case_id, amira, ben, clock()))
    clock.pass_(3 * MINUTE)


def call_back_asleep(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    case_id = desk.case(2)
    desk.ledger.write_now(lambda conn: desk.queue.schedule(conn, case_id, amira, clock() + MINUTE, clock()))
    clock.pass_(2 * MINUTE)


def overdue_unseen(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    desk.case(2)
    desk.ledger.write_now(lambda conn: advisers.set_available(conn, amira, False, clock()))
    clock.pass_(32 * MINUTE)


def voice_without_holder(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    desk.case(2)

    def breaks(conn: object) -> None:
        conn.execute("DROP TRIGGER voice_follows_the_holder")  # type: ignore[attr-defined]
        conn.execute("UPDATE voice SET speaker = 'adviser', epoch = epoch + 1")  # type: ignore[attr-defined]

    desk.ledger.write_now(breaks)


def message_queued(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    case_id = held(desk, amira)
    desk.say(case_id, amira, "Hello")
    clock.pass_(10 * MINUTE)


def notification_unsent(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    desk.case(1)
    clock.pass_(AFTER[Rung.EMAIL] + stuck.UNSENT_FOR)


def held_by_disabled(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    ben = desk.adviser("Ben Okafor")
    answered(desk, ben)
    desk.ledger.write_now(lambda conn: advisers.disable(conn, ben, clock()))


EACH = (
    lease_over,
    offer_over,
    call_back_asleep,
    overdue_unseen,
    voice_without_holder,
    message_queued,
    notification_unsent,
    held_by_disabled,
)


@pytest.mark.parametrize("make", EACH, ids=lambda make: make.__name__)
def test_each_kind_is_seen_and_alone(
    desk: DemoDesk, clock: Clock, amira: AdviserId, make: Callable[[DemoDesk, Clock, AdviserId], None]
) -> None:
    make(desk, clock, amira)
    if make is not lease_over:
        beat(desk, amira)
    assert counted(desk) == {make.__name__: 1}


def test_what_waits_on_the_web_to_be_read_is_not_stuck(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    """Whoever closed their browser may come back in an hour or never."""
    message_queued(desk, clock, amira)
    channel = desk.ledger.reader().execute("SELECT channel FROM cases").fetchone()[0]
    found = [stuck.counts(desk.ledger.reader(), desk.now(), fetched=each) for each in ({channel}, {"other"})]
    assert [each["message_queued"] for each in found] == [0, 1]


def test_every_kind_is_made_above(desk: DemoDesk) -> None:
    assert set(stuck.counts(desk.ledger.reader(), desk.now())) == {make.__name__ for make in EACH}


def test_a_desk_that_is_well_has_none(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    answered(desk, amira)
    held(desk, amira)
    desk.case(0)
    desk.case(3)
    case_id = desk.case(2)
    desk.ledger.write_now(lambda conn: desk.queue.schedule(conn, case_id, amira, clock() + timedelta(hours=1), clock()))
    clock.pass_(timedelta(seconds=50))
    beat(desk, amira)
    assert counted(desk) == {}
