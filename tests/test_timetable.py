"""The hours that count: a lead's newest ones, else the settings'; at once, in every process, through clock changes."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from bot.domain import ActionWanted, Conversation
from bot.doors.house import HouseDoor
from handoff import advisers
from handoff.domain import AdviserId, NewCase, Role
from handoff.hours import OpeningHours, Span, week_from
from handoff.ledger import Ledger
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.seal import Seal
from handoff.timetable import HoursChanged, Reason, Timetable, Version, set_hours, written
from tests.small_house import Clock, Ready, opened_house, settings_in

SEAL = Seal(b"k" * 32)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OFFICE = OpeningHours(week=week_from("mon-fri 09:00-17:00"))
LEAD = AdviserId(1)
Set = Callable[..., int]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "desk.db", SEAL, [migrations])
    made.write_now(lambda conn: advisers.add(conn, "Carys", "carys@example.org", "$argon2id$x", Role.LEAD, NOON))
    yield made
    made.close()


@pytest.fixture
def set_(ledger: Ledger) -> Set:
    def setting(week: str, nation: str | None = None, seen: int | None = None, **closed: str) -> int:
        days = {date.fromisoformat(day.strip("d").replace("_", "-")): Reason(why) for day, why in closed.items()}
        newest = ledger.reader().execute("SELECT coalesce(max(number), 0) FROM hours_version").fetchone()[0]
        version = Version(0, week_from(week), nation, days)
        return ledger.write_now(lambda conn: set_hours(conn, version, LEAD, newest if seen is None else seen, NOON))

    return setting


def test_until_a_lead_sets_hours_the_settings_count(ledger: Ledger) -> None:
    assert Timetable(ledger, OFFICE).is_open(NOON)
    assert not Timetable(ledger, OpeningHours()).is_open(NOON)
    assert Timetable(ledger, OpeningHours()).next_opening(NOON) is None
    assert Timetable(ledger, OFFICE).version(ledger.reader()).number == 0


def test_what_a_lead_sets_counts_at_once_and_a_closed_week_is_closed(ledger: Ledger, set_: Set) -> None:
    hours = Timetable(ledger, OFFICE)
    set_("mon 08:00-11:00")
    assert not hours.is_open(NOON)
    assert hours.next_opening(NOON) == datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    set_("mon-sun 00:00-24:00")
    assert hours.is_open(NOON)
    set_("")
    assert not hours.is_open(NOON)
    assert hours.next_opening(NOON) is None


def test_what_another_process_sets_counts_here(ledger: Ledger, tmp_path: Path) -> None:
    hours = Timetable(ledger, OFFICE)
    assert hours.is_open(NOON)
    other = Ledger(tmp_path / "desk.db", SEAL, [migrations])
    other.write_now(lambda conn: set_hours(conn, Version(0, {}, None, {}), LEAD, 0, NOON))
    other.close()
    assert not hours.is_open(NOON)


def test_closed_days_and_bank_holidays_close_and_another_nations_do_not(ledger: Ledger, set_: Set) -> None:
    hours = Timetable(ledger, OFFICE)
    set_("mon-sun 09:00-17:00", "scotland", d2026_11_24="training")
    assert not hours.is_open(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
    assert not hours.is_open(datetime(2026, 11, 30, 12, 0, tzinfo=UTC))  # St Andrew's Day
    set_("mon-sun 09:00-17:00", "england")
    assert hours.is_open(datetime(2026, 11, 30, 12, 0, tzinfo=UTC))
    assert not hours.is_open(datetime(2026, 12, 25, 12, 0, tzinfo=UTC))


@pytest.mark.parametrize(("at", "is_open"), [
    (datetime(2027, 3, 28, 7, 59, tzinfo=UTC), False),
    (datetime(2027, 3, 28, 8, 0, tzinfo=UTC), True),  # 09:00 in summer time
    (datetime(2026, 10, 25, 8, 30, tzinfo=UTC), False),
    (datetime(2026, 10, 25, 9, 0, tzinfo=UTC), True),  # 09:00 in winter time
])  # fmt: skip
def test_hours_are_local_on_the_days_when_the_clocks_change(
    ledger: Ledger, set_: Set, at: datetime, is_open: bool
) -> None:
    set_("sun 09:00-17:00")
    assert Timetable(ledger, OpeningHours()).is_open(at) is is_open


def test_deadlines_of_new_cases_follow_the_newest_hours_and_old_ones_stay(ledger: Ledger, set_: Set) -> None:
    queue = Queue(SEAL, Timetable(ledger, OFFICE))
    opened = [ledger.write_now(lambda conn: queue.open_case(conn, NewCase(1, 2, "asked", "web", "v1"), NOON)).id]
    set_("mon 14:00-15:00")
    opened += [ledger.write_now(lambda conn: queue.open_case(conn, NewCase(2, 2, "asked", "web", "v1"), NOON)).id]
    rows = [row[0] for row in ledger.reader().execute('SELECT lane FROM queue_item ORDER BY "case"')]
    assert rows == ["live", "messages"]


def test_somebody_elses_change_is_not_overwritten(ledger: Ledger, set_: Set) -> None:
    set_("mon 09:00-10:00", seen=0)
    with pytest.raises(HoursChanged):
        set_("mon 09:00-11:00", seen=0)
    assert set_("mon 09:00-11:00", seen=1) == 2


@pytest.mark.parametrize("text", ["", "mon 09:00-12:00, 13:00-24:00; sun 00:00-24:00", "fri 18:30-19:00"])
def test_a_week_is_written_as_it_is_read(text: str) -> None:
    assert written(week_from(text)) == text


def test_all_versions_are_kept_newest_first(ledger: Ledger, set_: Set) -> None:
    set_("mon 09:00-10:00")
    set_("tue 09:00-10:00", "wales", d2026_12_24="holiday")
    newest, first = Timetable(ledger, OFFICE).versions(ledger.reader())
    assert (newest.number, newest.nation, newest.closed) == (2, "wales", {date(2026, 12, 24): Reason.HOLIDAY})
    assert first.week == {0: (Span(time(9), time(10)),)}
    assert (newest.adviser, newest.at) == (LEAD, NOON)


async def test_a_change_at_the_desk_reaches_queue_and_actions_without_a_restart(tmp_path: Path, ready: Ready) -> None:
    firstline = opened_house(ready.copied_to(tmp_path), Clock(NOON)).firstline
    assert not firstline.hours.is_open(NOON), "nothing is set: closed"
    firstline.ledger.write_now(
        lambda conn: advisers.add(conn, "Carys", "carys@example.org", "$argon2id$x", Role.LEAD, NOON)
    )
    always = Version(0, week_from("mon-sun 00:00-24:00"), None, {})
    firstline.ledger.write_now(lambda conn: set_hours(conn, always, LEAD, 0, NOON))
    case = firstline.ledger.write_now(
        lambda conn: firstline.queue.open_case(conn, NewCase(1, 2, "asked", "web", "v1"), NOON)
    )
    lane = firstline.ledger.reader().execute('SELECT lane FROM queue_item WHERE "case" = ?', [case.id]).fetchone()[0]
    assert (firstline.hours.is_open(NOON), lane) == (True, "live")
    wanted, kept = ActionWanted("action_opening_hours"), firstline.shelf.live()
    talk = Conversation(kept.library.version)
    done = await firstline.actions.run(wanted, kept.library, kept.strings("en"), talk, NOON)
    assert dict(done.slots)["service_open"] is True
    firstline.ledger.close()


def test_the_days_ahead_say_holidays_closed_days_and_clock_changes() -> None:
    hours = OpeningHours(
        week=week_from("mon-sat 09:00-17:00"), nation="england", closed_on=frozenset({date(2027, 3, 27)})
    )
    friday, saturday, sunday, monday = hours.days(date(2027, 3, 26), 4)
    assert (friday.holiday, friday.is_open) == ("Good Friday", False)
    assert (saturday.closed, saturday.is_open) == (True, False)
    assert (sunday.clocks, sunday.is_open) == (timedelta(hours=1), False)
    assert monday.holiday == "Easter Monday"
    assert hours.days(date(2026, 10, 25), 1)[0].clocks == -timedelta(hours=1)


def test_the_facts_for_the_privacy_statement_are_those_of_the_settings(tmp_path: Path, ready: Ready) -> None:
    plain = opened_house(ready.copied_to(tmp_path), Clock(NOON)).firstline
    facts = HouseDoor(plain.settings, plain.shelf, dict).facts()
    assert (facts.channels, facts.providers, facts.is_https) == (("web", "rest"), (), False)
    assert facts.words_idle == timedelta(hours=24)
    more = {
        "whatsapp_token": "t",
        "whatsapp_phone_id": "1",
        "whatsapp_app_secret": "s",
        "whatsapp_verify_token": "v",
        "callback_url": "https://case.example.org/in",
        "alert_emails": "lead@example.org",
        "smtp_host": "mail.example.org",
        "smtp_from": "desk@example.org",
        "public_url": "https://chat.example.org",
        "idle_hours_until_words_go": 6,
    }
    settings = settings_in(tmp_path, ready.library, **more)
    facts = HouseDoor(settings, plain.shelf, dict).facts()
    assert facts.channels == ("web", "rest", "whatsapp", "callback")
    assert [each.host for each in facts.providers] == ["graph.facebook.com", "case.example.org", "mail.example.org"]
    assert (facts.words_idle, facts.is_https) == (timedelta(hours=6), True)
    plain.ledger.close()
