"""The dashboard's numbers: against the weeks before, over midnights and clock changes, and never two ways."""

import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from handoff import figures, gaps
from handoff.dashboard import misses
from handoff.dashboard.dropoff import dropoff, of_flow
from handoff.dashboard.health import Health, Look, health, sights
from handoff.dashboard.pages import pages
from handoff.dashboard.pulse import Course, Point, Pulse, pulse
from handoff.desk import Desk
from handoff.domain import AdviserId, DeliveryState, Lane, Role
from handoff.figures import Share
from handoff.hours import OpeningHours
from handoff.periods import Days
from tests.demo_desk import MONDAY, Clock, DemoDesk, desk_in

LONDON = OpeningHours().local
CONTACT = """INSERT INTO contact_facts (period, hour, channel, language, library, is_return, danger, stood)
    VALUES (?, ?, 'web', 'en', 'v1', 0, ?, ?)"""
CASE = """INSERT INTO case_facts (period, hour, channel, language, library, reason, tier, issue, outcome, answer_wait_s,
    answered_in_time, put_back, lane) VALUES (?, ?, 'web', 'en', 'v1', 'asked', ?, 'hate', ?, ?, ?, 0, 'live')"""
STEP = "INSERT INTO step_count VALUES (?, ?, ?, ?, ?)"
MISS = "INSERT INTO miss_count VALUES (?, ?, ?, ?, ?, ?)"
PAGE = "INSERT INTO page_count VALUES (?, ?, ?, ?, ?, ?)"
TODAY = MONDAY.date()
NOTHING = Share(0, 0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


def write(desk: DemoDesk, statement: str, *rows: tuple) -> None:
    desk.ledger.write_now(lambda conn: conn.executemany(statement, rows))


def contact(day: date, hour: int = 9, danger: int = 0, stood: str = "finished") -> tuple:
    return f"{day}", hour, danger, stood


def case(
    day: date, hour: int = 9, tier: int = 2, outcome: str = "advised", wait: int | None = 60, met: int | None = 1
) -> tuple:
    return f"{day}", hour, tier, outcome, wait, met


def beat(desk: DemoDesk, at: datetime) -> Pulse:
    return pulse(desk.ledger.reader(), LONDON, at)


# --- today and this week ---------------------------------------------------------------------------------------------


def test_an_empty_service_has_nothing_and_says_nothing_of_what_is_usual(desk: DemoDesk) -> None:
    found = beat(desk, MONDAY)
    for stretch in (found.today, found.week):
        assert (stretch.contacts.begun, stretch.cases.opened, stretch.contacts.without_adviser) == (0, 0, Share(0, 0))
        assert stretch.contact_course == stretch.case_course == Course(0, ())
        assert stretch.contact_course.usual is None


def test_contacts_and_cases_stand_side_by_side(desk: DemoDesk) -> None:
    write(desk, CONTACT, contact(TODAY), contact(TODAY, stood="handed_over", danger=1), contact(TODAY, stood="begun"))
    desk.ledger.write_now(
        lambda conn: conn.execute("INSERT INTO contact_now (conversation, fact, since, at) VALUES (1, 3, 0, 0)")
    )
    write(desk, CASE, case(TODAY))
    desk.case(0)
    desk.ledger.write_now(lambda conn: None)
    today = beat(desk, MONDAY).today
    assert (today.contacts.begun, today.contacts.going_on, today.contacts.danger) == (3, 1, 1)
    assert today.contacts.without_adviser == Share(2, 3)
    assert (today.cases.opened, today.cases.danger) == (2, 1)


def test_today_is_held_against_the_same_hours_of_the_same_weekday(desk: DemoDesk) -> None:
    """10:00 on a Monday: what came at 10 or later in the weeks before is no part of it, nor what came on a Tuesday."""
    for back in range(1, 10):
        monday = TODAY - timedelta(weeks=back)
        rows = [contact(monday, 9)] * back + [contact(monday, 10)] * 50 + [contact(monday + timedelta(days=1), 9)] * 50
        write(desk, CONTACT, *rows)
    write(desk, CONTACT, contact(TODAY, 8), contact(TODAY, 9), contact(TODAY, 10))
    found = beat(desk, MONDAY).today
    assert [point.count for point in found.contact_course.before] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert found.contact_course.before[0].day == TODAY - timedelta(weeks=8)
    assert (found.contact_course.now, found.contacts.begun) == (2, 3)
    assert found.contact_course.usual == 4.5


def test_the_week_is_held_against_whole_days_and_the_hours_of_today(desk: DemoDesk) -> None:
    wednesday = TODAY + timedelta(days=2)
    for back in range(6):
        monday = TODAY - timedelta(weeks=back)
        days = [monday + timedelta(days=day) for day in range(7) if monday + timedelta(days=day) <= wednesday]
        write(desk, CASE, *[case(day, hour) for day in days for hour in (8, 23)])
    both = beat(desk, datetime(wednesday.year, wednesday.month, wednesday.day, 12, 30, tzinfo=UTC))
    found = both.week
    assert (both.today.cases.opened, both.today.case_course.now) == (2, 1)
    assert found.days == Days(TODAY, wednesday + timedelta(days=1))
    assert {point.count for point in found.case_course.before} == {5}
    assert (found.case_course.now, found.cases.opened, found.case_course.usual) == (5, 6, 5)


def test_weeks_before_the_first_fact_are_not_none(desk: DemoDesk) -> None:
    write(desk, CONTACT, contact(TODAY - timedelta(weeks=3)), contact(TODAY))
    course = beat(desk, MONDAY).today.contact_course
    assert [point.count for point in course.before] == [1, 0, 0]
    assert course.usual is None


def test_just_after_midnight_a_day_is_not_compared_and_a_week_is_with_whole_days(desk: DemoDesk) -> None:
    tuesday = TODAY + timedelta(days=1)
    for back in range(6):
        write(desk, CONTACT, contact(TODAY - timedelta(weeks=back), 23), contact(tuesday - timedelta(weeks=back), 0))
    found = beat(desk, datetime(tuesday.year, tuesday.month, tuesday.day, 0, 20, tzinfo=UTC))
    assert found.hour == 0
    assert (found.today.contacts.begun, found.today.contact_course.now) == (1, 0)
    assert (found.week.contact_course.now, found.week.contact_course.usual) == (1, 1)


@pytest.mark.parametrize(
    ("at", "today", "monday"),
    [
        (datetime(2026, 6, 30, 23, 30, tzinfo=UTC), date(2026, 7, 1), date(2026, 6, 29)),  # 00:30 in London
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), date(2026, 10, 25), date(2026, 10, 19)),  # 01:30 for the first time
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), date(2026, 10, 25), date(2026, 10, 19)),  # and for the second
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), date(2026, 3, 29), date(2026, 3, 23)),  # 02:30; there is no 01:30
        (datetime(2026, 11, 29, 23, 59, tzinfo=UTC), date(2026, 11, 29), date(2026, 11, 23)),  # Sunday
        (datetime(2026, 11, 30, 0, 0, tzinfo=UTC), date(2026, 11, 30), date(2026, 11, 30)),  # Monday
    ],
)
def test_the_day_and_the_week_are_the_service_s_own(desk: DemoDesk, at: datetime, today: date, monday: date) -> None:
    write(desk, CONTACT, contact(today, 1), contact(monday, 0), contact(monday - timedelta(days=1), 23))
    found = beat(desk, at)
    assert (found.today.days, found.week.days) == (
        Days(today, today + timedelta(days=1)),
        Days(monday, today + timedelta(days=1)),
    )
    assert found.week.contacts.begun == 2
    assert found.hour == LONDON(at).hour


def test_usual_is_the_middle_and_one_odd_week_does_not_move_it() -> None:
    points = [Point(TODAY, count) for count in (10, 11, 9, 10, 500)]
    assert Course(10, tuple(points)).usual == 10
    assert Course(10, tuple(points[:3])).usual is None


def test_what_the_course_and_the_figures_say_of_cases_is_one_number(desk: DemoDesk, clock: Clock) -> None:
    """Ended and open cases, by day: counted for the course, and for the tables."""
    chance = random.Random(4)
    for _ in range(40):
        clock.pass_(timedelta(minutes=chance.randint(10, 400)))
        made = desk.case(chance.choice((0, 2, 3)))
        if chance.random() < 0.5:
            conversation = int(
                desk.ledger.reader().execute("SELECT conversation FROM cases WHERE id = ?", [made]).fetchone()[0]
            )
            desk.ledger.write_now(lambda conn, it=conversation: desk.queue.abandon(conn, it, clock()))  # type: ignore[misc]
    reader = desk.ledger.reader()
    last = LONDON(clock()).date()
    days = [last - timedelta(days=back) for back in range(14)]
    by_day = figures.opened(reader, days)
    for day in days:
        total = figures.totals(reader, [Days(day, day + timedelta(days=1))], clock())[0].opened
        assert by_day.get(day, 0) == total == figures.opened(reader, [day], 24).get(day, 0)
        halves = figures.opened(reader, [day], 12).get(day, 0)
        assert halves <= total
    assert sum(by_day.values()) == 40


# --- the queue -------------------------------------------------------------------------------------------------------


def seen(desk: DemoDesk, clock: Clock, stuck: dict[str, int] | None = None) -> Health:
    return health(desk.ledger.reader(), Desk(desk.ledger.seal), clock(), stuck or {})


def looks(found: Health, in_time: Share = NOTHING) -> dict[Look, int]:
    return {each.look: each.number for each in sights(found, in_time, 0)}


def there(desk: DemoDesk, clock: Clock, adviser: AdviserId) -> None:
    desk.ledger.write_now(lambda conn: desk.queue.heartbeat(conn, adviser, clock()))


def test_a_quiet_queue_shows_nothing_to_look_at(desk: DemoDesk, clock: Clock) -> None:
    found = seen(desk, clock)
    assert looks(found) == {}
    assert [(lane.lane, lane.waiting, lane.longest) for lane in found.lanes] == [
        (lane, 0, timedelta()) for lane in Lane
    ]


def test_each_lane_says_how_many_wait_and_how_long(desk: DemoDesk, clock: Clock) -> None:
    amira = desk.adviser("Amira Khan")
    desk.case(2)
    clock.pass_(timedelta(minutes=7))
    desk.case(2)
    there(desk, clock, amira)
    live = seen(desk, clock).lanes[0]
    assert (live.lane, live.waiting, live.overdue, live.longest) == (Lane.LIVE, 2, 0, timedelta(minutes=7))
    clock.pass_(timedelta(hours=2))
    there(desk, clock, amira)
    found = seen(desk, clock)
    assert found.lanes[0].overdue == found.light.overdue == 2
    assert looks(found) == {Look.OVERDUE: 2}


def test_what_is_not_all_right_comes_gravest_first(desk: DemoDesk, clock: Clock) -> None:
    amira = desk.adviser("Amira Khan", capacity=1)
    held = desk.case(2)
    desk.claim(held, amira)
    desk.say(held, amira, "Hello", DeliveryState.UNKNOWN)
    desk.case(0)
    desk.case(2)
    clock.pass_(timedelta(minutes=3))
    found = seen(desk, clock, {"lease_over": 2, "offer_over": 0})
    assert found.stuck == {"lease_over": 2}
    assert found.doubts == 1
    assert [(each.look, each.number) for each in sights(found, Share(3, 5), 1)] == [
        (Look.DANGER, 1), (Look.NOBODY, 2), (Look.OVERDUE, 1), (Look.LATE_TODAY, 2),
        (Look.DOUBTS, 1), (Look.STUCK, 2), (Look.SURGES, 1),
    ]  # fmt: skip
    there(desk, clock, amira)
    assert looks(seen(desk, clock)) == {Look.DANGER: 1, Look.OVERDUE: 1, Look.MORE_THAN_PLACES: 2, Look.DOUBTS: 1}


@pytest.mark.parametrize(("met", "n", "late"), [(4, 5, 0), (3, 5, 2), (0, 4, 0), (79, 100, 21), (80, 100, 0)])
def test_late_answers_are_told_below_eight_of_ten_and_not_of_a_few(
    desk: DemoDesk, clock: Clock, met: int, n: int, late: int
) -> None:
    assert looks(seen(desk, clock), Share(met, n)).get(Look.LATE_TODAY, 0) == late


def test_practice_is_nowhere(desk: DemoDesk, clock: Clock) -> None:
    before = beat(desk, clock()), seen(desk, clock)
    practising = DemoDesk(desk.ledger, desk.queue, clock, iter(range(-5, 0)))  # type: ignore[arg-type]
    practising.case(0)
    assert (beat(desk, clock()), seen(desk, clock)) == before


# --- what no flow took, where people stop, what pages did ------------------------------------------------------------


def test_misses_are_told_by_week_the_most_frequent_first(desk: DemoDesk) -> None:
    write(
        desk,
        MISS,
        (f"{TODAY}", "not_understood", "hate", "tiktok", "start/ask", 2),
        (f"{TODAY - timedelta(days=1)}", "not_understood", "hate", "tiktok", "start/ask", 3),
        (f"{TODAY - timedelta(days=21)}", "no_page", "", "kik", "", 4),
        (f"{TODAY - timedelta(days=22)}", "no_page", "", "kik", "", 100),
        (f"{TODAY + timedelta(days=1)}", "no_page", "", "kik", "", 100),
    )
    found = misses.misses(desk.ledger.reader(), TODAY)
    assert found.mondays[0] == TODAY - timedelta(days=21)
    assert [(each.what.about, each.what.platform, each.by_week) for each in found.shown] == [
        ("hate", "tiktok", (0, 0, 3, 2)),
        ("", "kik", (4, 0, 0, 0)),
    ]
    assert found.kinds == {"not_understood": (0, 0, 3, 2), "no_page": (4, 0, 0, 0)}
    assert found.more == 0


def test_on_a_sunday_this_week_has_all_its_days(desk: DemoDesk) -> None:
    sunday = TODAY + timedelta(days=6)
    write(desk, MISS, *((f"{TODAY + timedelta(days=day)}", "no_page", "", "kik", "", 1) for day in range(7)))
    assert misses.misses(desk.ledger.reader(), sunday).shown[0].by_week == (0, 0, 0, 7)


def test_rare_misses_are_counted_and_not_shown(desk: DemoDesk) -> None:
    write(desk, MISS, *((f"{TODAY}", "no_page", "", f"p{number}", "", 1) for number in range(misses.SHOWN + 3)))
    found = misses.misses(desk.ledger.reader(), TODAY)
    assert (len(found.shown), found.more, found.kinds["no_page"][-1]) == (misses.SHOWN, 3, misses.SHOWN + 3)


def test_a_miss_is_passed_on_once_and_again_when_that_is_done(desk: DemoDesk, clock: Clock) -> None:
    carys = desk.adviser("Carys Lewis", Role.LEAD)
    write(desk, MISS, (f"{TODAY}", "not_understood", "hate", "tiktok", "start/ask", 2))

    def passing(conn: sqlite3.Connection) -> None:
        misses.pass_on(conn, desk.ledger.seal, miss.what, "Not understood, 2 times.", carys, clock())

    (miss,) = misses.misses(desk.ledger.reader(), TODAY).shown
    for _ in range(2):
        desk.ledger.write_now(passing)
    found = misses.misses(desk.ledger.reader(), TODAY)
    assert (found.shown[0].is_passed_on, found.shown[0].reported, found.open_gaps) == (True, 0, 1)
    (gap,) = gaps.listed(desk.ledger.reader(), desk.ledger.seal)
    assert (gap.concern, gap.words, gap.page) == ("hate", "Not understood, 2 times.", None)
    desk.ledger.write_now(lambda conn: gaps.finish(conn, desk.ledger.seal, gap.id, carys, "Wrote it.", clock()))
    assert not misses.misses(desk.ledger.reader(), TODAY).shown[0].is_passed_on
    desk.ledger.write_now(passing)
    assert len(gaps.listed(desk.ledger.reader(), desk.ledger.seal)) == 2


def test_advisers_gaps_of_the_same_concern_stand_beside_a_miss(desk: DemoDesk, clock: Clock) -> None:
    amira = desk.adviser("Amira Khan")
    for number, concern in enumerate(("hate", "hate", "scams")):
        gap = gaps.NewGap(gaps.GapKind.MISSING, None, concern, "Words", f"own-{number}")
        desk.ledger.write_now(lambda conn, it=gap: gaps.report(conn, desk.ledger.seal, amira, it, clock()))  # type: ignore[misc]
    write(desk, MISS, (f"{TODAY}", "not_understood", "hate", "", "", 1), (f"{TODAY}", "no_page", "", "kik", "", 1))
    found = misses.misses(desk.ledger.reader(), TODAY)
    assert {each.what.kind: each.reported for each in found.shown} == {"not_understood": 2, "no_page": 0}
    assert found.open_gaps == 3


def test_steps_where_most_broke_off_come_first_and_an_end_is_no_breaking_off(desk: DemoDesk) -> None:
    write(
        desk,
        STEP,
        (f"{TODAY}", "fake", "ask", 40, 4),
        (f"{TODAY - timedelta(days=1)}", "fake", "ask", 10, 1),
        (f"{TODAY}", "fake", "where", 9, 5),
        (f"{TODAY}", "fake", "told", 40, 30),
        (f"{TODAY}", "start", "role", 100, 7),
        (f"{TODAY - timedelta(days=40)}", "start", "role", 100, 100),
    )
    month, ends = Days(TODAY - timedelta(days=27), TODAY + timedelta(days=1)), {"fake": frozenset({"told"})}
    found = dropoff(desk.ledger.reader(), month, ends)
    assert [(each.flow, each.step, each.reached, each.left) for each in found.worst] == [
        ("start", "role", 100, 7),
        ("fake", "where", 9, 5),
        ("fake", "ask", 50, 5),
    ]
    assert [(each.flow, each.reached, each.left) for each in found.flows] == [("fake", 50, 10), ("start", 100, 7)]
    steps = of_flow(desk.ledger.reader(), "fake", month, ends)
    assert [(each.step, each.share.percent, each.is_end) for each in steps] == [
        ("where", 56, False), ("ask", 10, False), ("told", 0, True),
    ]  # fmt: skip
    assert of_flow(desk.ledger.reader(), "start", None, ends)[0].reached == 200
    assert of_flow(desk.ledger.reader(), "nowhere", None, ends) == ()


def test_pages_that_helped_least_come_first_where_enough_said_so(desk: DemoDesk) -> None:
    write(
        desk,
        PAGE,
        (f"{TODAY}", "seldom", 3, 0, 0, 3),
        (f"{TODAY}", "often", 90, 10, 0, 0),
        (f"{TODAY}", "poor", 10, 2, 2, 4),
        (f"{TODAY - timedelta(days=1)}", "poor", 10, 2, 0, 0),
        (f"{TODAY}", "poorer", 10, 1, 0, 5),
        (f"{TODAY - timedelta(days=28)}", "often", 900, 0, 0, 900),
    )
    found = pages(desk.ledger.reader(), Days(TODAY - timedelta(days=27), TODAY + timedelta(days=1)))
    assert [(each.page, each.shown, each.help.percent, each.unhelpful.percent) for each in found] == [
        ("poorer", 10, 17, 83), ("poor", 20, 40, 40), ("often", 90, 100, 0), ("seldom", 3, None, None),
    ]  # fmt: skip
