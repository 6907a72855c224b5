"""What people must be told: made with what it is about, once, for whom it is, and settled when it is no longer so."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from handoff import advisers, notifications
from handoff.domain import Adviser, AdviserId, CaseId, DeliveryState, NewCase, Role
from handoff.notifications import AFTER, Audience, Kind, Rung
from tests.demo_desk import PACK, Clock, DemoDesk, desk_in

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


@pytest.fixture
def ben(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Ben Okafor")


@pytest.fixture
def lead(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Carys Lewis", Role.LEAD, available=False)


def who(desk: DemoDesk, adviser: AdviserId) -> Adviser:
    return advisers.find(desk.ledger.reader(), adviser)


def told(desk: DemoDesk, adviser: AdviserId) -> list[Kind]:
    return [each.kind for each in notifications.open_for(desk.ledger.reader(), who(desk, adviser))]


def sweep(desk: DemoDesk) -> int:
    """As the service does it: only when a reader says that there is something to do."""
    if not notifications.anything_to_sweep(desk.ledger.reader(), desk.now()):
        return 0
    return desk.ledger.write_now(lambda conn: notifications.sweep(conn, desk.now()))


def answered(desk: DemoDesk, adviser: AdviserId, tier: int = 2) -> CaseId:
    case_id = desk.case(tier)
    desk.claim(case_id, adviser)
    desk.say(case_id, adviser, "Hello")
    return case_id


@pytest.mark.parametrize(("tier", "expected"), [(0, [Kind.CASE_WAITS]), (1, [Kind.CASE_WAITS]), (2, []), (3, [])])
def test_an_urgent_case_is_told_to_who_is_on_duty_until_it_is_claimed(
    desk: DemoDesk, amira: AdviserId, lead: AdviserId, tier: int, expected: list[Kind]
) -> None:
    case_id = desk.case(tier)
    assert told(desk, amira) == expected
    assert told(desk, lead) == []
    desk.claim(case_id, amira)
    assert told(desk, amira) == []


def test_it_is_kept_in_the_write_of_the_case_and_undone_with_it(desk: DemoDesk, amira: AdviserId) -> None:
    def breaks(conn: sqlite3.Connection) -> None:
        desk.queue.open_case(conn, NewCase(9, 0, "asked", "web", "v1"), desk.now())
        raise RuntimeError

    with pytest.raises(RuntimeError):
        desk.ledger.write_now(breaks)
    assert told(desk, amira) == []


def test_a_case_that_comes_back_is_told_again_and_its_claimer_that_it_lapsed(
    desk: DemoDesk, clock: Clock, amira: AdviserId, ben: AdviserId
) -> None:
    case_id = desk.case(1)
    desk.claim(case_id, amira)
    clock.pass_(2 * MINUTE)
    desk.ledger.write_now(lambda conn: desk.queue.lapse(conn, clock()))
    assert sorted(told(desk, amira)) == [Kind.CASE_LAPSED, Kind.CASE_WAITS]
    assert told(desk, ben) == [Kind.CASE_WAITS]


def test_a_call_back_whose_time_came_is_told_whatever_its_tier(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    case_id, at = desk.case(3), clock() + timedelta(hours=1)
    desk.ledger.write_now(lambda conn: desk.queue.schedule(conn, case_id, amira, at, clock()))
    clock.pass_(timedelta(hours=1))
    desk.ledger.write_now(lambda conn: desk.queue.lapse(conn, clock()))
    assert told(desk, amira) == [Kind.CALL_BACK_DUE]


def test_danger_of_somebody_who_leaves_before_they_were_called_back_is_told_no_more(
    desk: DemoDesk, clock: Clock, amira: AdviserId
) -> None:
    case_id, at = desk.case(2), clock() + timedelta(hours=1)
    desk.ledger.write_now(lambda conn: desk.queue.schedule(conn, case_id, amira, at, clock()))
    desk.flag(case_id, "danger_words", 0)
    assert told(desk, amira) == [Kind.CASE_WAITS]
    desk.ledger.write_now(lambda conn: desk.queue.abandon(conn, desk._conversation(case_id), clock()))
    assert told(desk, amira) == []


def test_an_offer_is_told_to_whom_it_is_made_until_it_is_answered(
    desk: DemoDesk, amira: AdviserId, ben: AdviserId
) -> None:
    case_id = answered(desk, amira)
    desk.ledger.write_now(lambda conn: desk.queue.offer(conn, case_id, amira, ben, desk.now()))
    assert (told(desk, amira), told(desk, ben)) == ([], [Kind.TRANSFER_OFFERED])
    desk.ledger.write_now(lambda conn: desk.queue.accept(conn, case_id, ben, desk.now()))
    assert told(desk, ben) == []


def test_a_message_in_trouble_is_told_to_the_holder_until_it_arrives(desk: DemoDesk, amira: AdviserId) -> None:
    case_id = desk.case(2)
    desk.claim(case_id, amira)
    desk.say(case_id, amira, "Hello", DeliveryState.UNKNOWN)
    assert told(desk, amira) == [Kind.MESSAGE_UNKNOWN]
    message = desk.ledger.reader().execute("SELECT id FROM message").fetchone()[0]
    desk.ledger.write_now(lambda conn: desk.queue.record_delivery(conn, message, DeliveryState.DELIVERED, desk.now()))
    assert told(desk, amira) == []


def test_danger_in_a_case_somebody_holds_is_told_to_them(desk: DemoDesk, amira: AdviserId, ben: AdviserId) -> None:
    case_id = answered(desk, amira)
    desk.flag(case_id, "danger_words", 0)
    assert (told(desk, amira), told(desk, ben)) == ([Kind.CASE_RAISED], [])


def test_what_is_overdue_is_told_once_and_no_more_once_somebody_has_it(
    desk: DemoDesk, clock: Clock, amira: AdviserId
) -> None:
    case_id = desk.case(2)
    clock.pass_(29 * MINUTE)
    assert sweep(desk) == 0
    clock.pass_(MINUTE)
    assert sweep(desk) == 1
    assert sweep(desk) == 0
    assert told(desk, amira) == [Kind.CASE_OVERDUE]
    desk.claim(case_id, amira)
    assert told(desk, amira) == []


def test_danger_that_waits_two_minutes_is_told_once_more(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    desk.case(0)
    clock.pass_(2 * MINUTE - timedelta(seconds=1))
    assert sweep(desk) == 0
    clock.pass_(timedelta(seconds=1))
    sweep(desk)
    assert told(desk, amira) == [Kind.CASE_WAITS, Kind.CASE_OVERDUE]


def test_a_holder_who_cannot_be_reached_is_told_to_seniors_until_they_are_heard_from(
    desk: DemoDesk, clock: Clock, amira: AdviserId, lead: AdviserId
) -> None:
    answered(desk, amira)
    clock.pass_(4 * MINUTE)
    sweep(desk)
    assert (told(desk, lead), told(desk, amira)) == ([Kind.HOLDER_UNREACHABLE], [])
    desk.ledger.write_now(lambda conn: desk.queue.heartbeat(conn, amira, clock()))
    sweep(desk)
    assert told(desk, lead) == []


def test_a_debrief_is_told_to_leads_alone_and_never_leaves_the_desk(
    desk: DemoDesk, clock: Clock, amira: AdviserId, lead: AdviserId
) -> None:
    senior = desk.adviser("Dafydd Rees", Role.SENIOR)
    asked = "INSERT INTO debrief (adviser, wants_talk, at) VALUES (?, 1, 5)"
    desk.ledger.write_now(lambda conn: conn.execute(asked, [amira]).rowcount)
    assert (told(desk, lead), told(desk, senior), told(desk, amira)) == ([Kind.DEBRIEF], [], [])
    clock.pass_(timedelta(days=1))
    assert [notifications.due(desk.ledger.reader(), rung, clock()) for rung in Rung] == [(), ()]


def test_practice_is_never_told_of(desk: DemoDesk, clock: Clock, amira: AdviserId, lead: AdviserId) -> None:
    new = NewCase(-1, 0, "asked", "web", "v1", pack=PACK)
    case_id = desk.ledger.write_now(lambda conn: desk.queue.open_case(conn, new, clock())).id
    clock.pass_(timedelta(hours=3))
    assert sweep(desk) == 0
    told_of = desk.ledger.write_now(
        lambda conn: notifications.notify(conn, Kind.WHISPERED, amira, clock(), case_id=case_id)
    )
    assert not told_of
    assert (told(desk, amira), told(desk, lead)) == ([], [])


def test_the_same_thing_is_told_once_and_settled_for_good(desk: DemoDesk, amira: AdviserId) -> None:
    case_id = desk.case(3)

    def make(conn: sqlite3.Connection) -> bool:
        return notifications.notify(conn, Kind.TASK_DUE, Audience.ON_DUTY, desk.now(), case_id=case_id, about=7)

    assert [desk.ledger.write_now(make) for _ in range(2)] == [True, False]
    assert told(desk, amira) == [Kind.TASK_DUE]
    desk.ledger.write_now(lambda conn: notifications.settle(conn, Kind.TASK_DUE, desk.now(), case_id=case_id, about=7))
    assert told(desk, amira) == []
    assert not desk.ledger.write_now(make)


def test_only_who_was_told_can_acknowledge(desk: DemoDesk, amira: AdviserId, ben: AdviserId) -> None:
    case_id = answered(desk, amira)
    desk.ledger.write_now(lambda conn: desk.queue.offer(conn, case_id, amira, ben, desk.now()))
    number = notifications.open_for(desk.ledger.reader(), who(desk, ben))[0].id
    for adviser, done in ((amira, 0), (ben, 1), (ben, 0)):
        me = who(desk, adviser)
        assert (
            desk.ledger.write_now(
                lambda conn, me=me: notifications.acknowledge(conn, [number, 999], me, desk.now())  # type: ignore[misc]
            )
            == done
        )


def test_a_rung_is_told_after_its_time_and_of_danger_at_once(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    urgent = desk.case(1)
    reader = desk.ledger.reader()
    assert notifications.due(reader, Rung.EMAIL, clock()) == ()
    clock.pass_(AFTER[Rung.EMAIL])
    assert [each.case_id for each in notifications.due(reader, Rung.EMAIL, clock())] == [urgent]
    danger = desk.case(0)
    due = notifications.due(reader, Rung.EMAIL, clock())
    assert [each.case_id for each in due] == [danger, urgent]
    desk.ledger.write_now(lambda conn: notifications.told(conn, Rung.EMAIL, [due[0].id], clock()))
    desk.claim(urgent, amira)
    assert notifications.due(reader, Rung.EMAIL, clock()) == ()


def test_the_group_is_not_told_twice_of_a_waiting_case(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    """`bot.alerts` announces those, with a button."""
    desk.case(0)
    assert notifications.due(desk.ledger.reader(), Rung.TELEGRAM, clock()) == ()
