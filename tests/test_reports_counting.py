"""Facts are counted once and rightly: by day, by code, in the newest categories, from one snapshot."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from handoff import taxonomy
from handoff.chain import teach
from handoff.domain import AdviserId, NewCase
from handoff.hours import OpeningHours
from handoff.migrations import migrations
from handoff.periods import Compare, Days
from handoff.queue import Queue
from handoff.reports import counting
from handoff.reports.counting import count
from handoff.reports.counts import UNSAID
from handoff.reports.measures import spread, together
from handoff.seal import Seal
from handoff.takedowns import NewStep, NewTakedown, Stage, Takedowns, What, Who
from handoff.taxonomy import Term
from tests.reports_facts import NOW, advisers, case, contact, opened, takedown

MARCH = Days(date(2026, 3, 1), date(2026, 4, 1))
SEAL = Seal(b"k" * 32)
HOURS = OpeningHours()


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    made = opened()
    yield made
    made.close()


def codes(*some: str | None) -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, *some])


CASES = st.fixed_dictionaries({
    "period": st.sampled_from(["2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01"]),
    "issue": codes("reputation", "hate"), "concern": codes("reputation", "scams"), "platform": codes("tiktok", "x"),
    "escalation": codes("needed", "clarified"), "lane": codes("live", "messages"), "nation": codes("wales"),
    "answered_in_time": st.sampled_from([None, 0, 1]), "outcome": st.sampled_from(["left", "advised"]),
    "is_return": st.sampled_from([None, 0, 1]), "scope": codes("in_scope"), "urls": st.sampled_from([None, 0, 3]),
})  # fmt: skip
RAW = {"escalation": "escalation", "platform": "platform", "nation": "nation", "lane": "lane", "scope": "scope"}


@settings(max_examples=40, deadline=None)
@given(st.lists(CASES, max_size=12))
def test_the_counts_are_those_of_an_independent_count_and_add_up(facts: list[dict[str, Any]]) -> None:
    conn = opened()
    for fact in facts:
        case(conn, **fact)
    found = count(conn, MARCH)
    mine = [fact for fact in facts if "2026-03-01" <= fact["period"] <= "2026-03-31"]
    assert found.cases.total == len(mine)
    for name, column in RAW.items():
        expected = Counter((fact[column] or UNSAID,) for fact in mine)
        assert found.cases.splits[(name,)] == expected, name
    main = Counter((fact["issue"] or fact["concern"] or UNSAID, fact["platform"] or UNSAID) for fact in mine)
    assert found.cases.splits["concern", "platform"] == main
    came = Counter(({None: UNSAID, 0: "first", 1: "again"}[fact["is_return"]],) for fact in mine)
    assert found.cases.splits[("came",)] == came
    answer = {1: "in_time", 0: "late"}
    how = Counter(
        (answer.get(fact["answered_in_time"], "left" if fact["outcome"] == "left" else "no_answer"),) for fact in mine
    )
    assert found.cases.splits[("answer",)] == how
    assert found.urls == sum(fact["urls"] or 0 for fact in mine)
    for split, counts in found.cases.splits.items():
        assert sum(counts.values()) == len(mine), split
        for at, name in enumerate(split):
            alone: Counter[tuple[str, ...]] = Counter()
            for each, times in counts.items():
                alone[each[at],] += times
            assert +alone == +Counter(found.cases.splits[(name,)]), (split, name)
    conn.close()


def test_the_first_day_is_counted_and_the_end_is_not(conn: sqlite3.Connection) -> None:
    for each in ("2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01"):
        case(conn, period=each)
        contact(conn, period=each)
        takedown(conn, period=each)
    found = count(conn, MARCH)
    assert [counted.total for counted in found.kinds.values()] == [2, 2, 2]
    assert count(conn, Days(date(2026, 3, 31), date(2026, 4, 1))).cases.total == 1


def test_a_leap_day_is_a_day_and_no_two_years_share_one(conn: sqlite3.Connection) -> None:
    for each in ("2023-02-28", "2023-03-01", "2024-02-28", "2024-02-29", "2024-03-01"):
        case(conn, period=each)
    leap = Days(date(2024, 2, 29), date(2024, 3, 1))
    assert count(conn, leap).cases.total == 1
    year = Days(date(2024, 1, 1), date(2025, 1, 1))
    before = year.compared(Compare.YEAR)
    assert (year.count, before.count) == (366, 365)
    assert (count(conn, year).cases.total, count(conn, before).cases.total) == (3, 2)
    assert count(conn, year).cases.splits[("month",)]["2024-02",] == 2


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_on_which_the_clocks_change_has_all_its_hours(conn: sqlite3.Connection, day: date, hours: int) -> None:
    """One case opened every hour around it: each belongs to its own local day."""
    queue = Queue(SEAL, HOURS)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=5)
    for number in range(1, 40):
        at = begin + timedelta(hours=number)
        queue.open_case(conn, NewCase(number, 2, "asked", "web", "v1"), at)
        queue.abandon(conn, number, at)
    assert count(conn, Days(day, day + timedelta(days=1))).cases.total == hours


def test_what_is_not_said_has_a_place_of_its_own(conn: sqlite3.Connection) -> None:
    nothing = dict.fromkeys(("issue", "platform", "lane", "answered_in_time", "answer_wait_s", "is_return", "taxonomy"))
    case(conn, outcome="left", **nothing)
    found = count(conn, MARCH)
    for name in (
        "concern",
        "platform",
        "role",
        "setting",
        "nation",
        "lane",
        "escalation",
        "knew_tools",
        "scope",
        "came",
    ):
        assert found.cases.splits[(name,)] == {(UNSAID,): 1}, name
    assert found.cases.splits[("answer",)] == {("left",): 1}
    assert (found.cases.yes, found.waits, found.oldest_version) == ({"concern": {}, "signpost": {}}, {}, None)


def test_nothing_at_all_is_counted_too(conn: sqlite3.Connection) -> None:
    found = count(conn, Days(date(2026, 1, 15), date(2026, 3, 2)))
    assert found.cases.total == found.contacts.total == found.takedowns.total == found.urls == 0
    assert found.cases.splits[("month",)] == {("2026-01",): 0, ("2026-02",): 0, ("2026-03",): 0}
    assert [load.month for load in found.loads] == ["2026-02"]
    assert counting.first_days(conn) == {}


def test_old_categories_are_told_in_the_newest(conn: sqlite3.Connection) -> None:
    """In the middle of the period one is merged into another, and one retired without a successor."""
    (lead,) = advisers(conn, 1)
    case(conn, 3, issue="scams", concerns='["scams","hate"]')
    case(conn, 2, issue="ai_chatbots", concerns='["ai_chatbots"]')
    case(conn, issue="hate", concerns='["hate","hacking","scams"]')
    before = taxonomy.newest(conn)
    becomes = {"scams": "hacking", "ai_chatbots": None}
    terms = [Term(term.code, term.label, becomes.get(term.code, term.code)) for term in before.terms]
    taxonomy.make(conn, 1, terms, "Fewer.", AdviserId(lead), NOW)
    case(conn, 4, period="2026-03-20", issue="hacking", concerns='["hacking"]', taxonomy=2)
    found = count(conn, MARCH)
    assert found.cases.splits[("concern",)] == {("hacking",): 7, ("ai_chatbots",): 2, ("hate",): 1}
    involved = {codes: times for codes, times in found.cases.yes["concern"].items() if len(codes) == 1}
    assert involved == {("hacking",): 8, ("hate",): 4, ("ai_chatbots",): 2}
    assert found.oldest_version == 1


def test_pairs_are_those_that_may_be_told(conn: sqlite3.Connection) -> None:
    case(conn, 5, issue="hate", concerns='["hate","scams","threats"]')
    case(conn, 1, issue="scams", concerns='["scams","threats"]')
    case(conn, 4, issue="nudes", concerns='["nudes","privacy"]')
    pairs = {codes: n for codes, n in count(conn, MARCH).cases.yes["concern"].items() if len(codes) == 2}
    assert pairs == {("hate", "scams"): 5, ("hate", "threats"): 5, ("scams", "threats"): 6}


def test_waits_are_kept_by_month_and_lane(conn: sqlite3.Connection) -> None:
    for seconds, lane, period in ((90, "live", "2026-03-02"), (30, "live", "2026-03-30"), (7200, None, "2026-03-30")):
        case(conn, answer_wait_s=seconds, lane=lane, period=period)
    case(conn, answer_wait_s=None, lane="messages")
    assert count(conn, MARCH).waits == {("2026-03", "live"): [30, 90], ("2026-03", UNSAID): [7200]}


@given(st.lists(st.integers(0, 10**6)))
def test_the_middle_and_the_long_wait(lengths: list[int]) -> None:
    found = spread(together([sorted(lengths[::2]), sorted(lengths[1::2])]))
    if not lengths:
        assert found is None
        return
    assert found is not None
    assert (found.n, found.middle) == (len(lengths), median(lengths))
    assert found.most == sorted(lengths)[ceil(len(lengths) * 0.9 - 1e-9) - 1]


def test_only_what_was_reported_is_counted_as_reported(conn: sqlite3.Connection) -> None:
    takedown(conn, stage="removed", hours=5, within_72=1)
    takedown(conn, stage="removed", hours=90, within_72=0)
    takedown(conn, stage="guided", reported=0)
    takedown(conn, stage="partly", platform="x")
    takedown(conn, stage="not_known", platform="x", on_behalf=1)
    takedown(conn, stage="asked", platform="x")
    found = count(conn, MARCH)
    assert found.takedowns.splits["platform", "result"] == {
        ("tiktok", "within_72"): 1, ("tiktok", "later"): 1, ("x", "still_there"): 1, ("x", "not_known"): 1,
        ("x", "with_platform"): 1,
    }  # fmt: skip
    assert (found.takedowns.total, found.removals["tiktok"], found.removals["x"]) == (5, [5, 90], [])


class _Interrupted(sqlite3.Connection):
    """Somebody else writes, and commits, after each statement of this one."""

    other: sqlite3.Connection | None = None
    takes_snapshots = True

    def execute(self, *said: Any) -> sqlite3.Cursor:  # type: ignore[override]
        if said[0] in {"BEGIN", "ROLLBACK"} and not self.takes_snapshots:
            return self.cursor()
        done = super().execute(*said)
        if self.other is not None:
            case(self.other)
            contact(self.other)
        return done


@pytest.mark.parametrize("in_snapshot", [True, False])
def test_what_is_written_meanwhile_changes_nothing(tmp_path: Path, in_snapshot: bool) -> None:
    """As many contacts as cases are written, always. Without a snapshot (the control) they are counted apart."""
    writer = opened(tmp_path / "x.db")
    case(writer, 3)
    contact(writer, 3)
    reader = sqlite3.connect(tmp_path / "x.db", isolation_level=None, factory=_Interrupted)
    reader.other, reader.takes_snapshots = writer, in_snapshot
    found = count(reader, MARCH)
    assert (found.cases.total == found.contacts.total) is in_snapshot
    assert writer.execute("SELECT count(*) FROM case_facts").fetchone()[0] > found.cases.total
    reader.close()
    writer.close()


# --- what triggers write ---------------------------------------------------------------------------------------------


def _facts(conn: sqlite3.Connection, columns: str = "stage, reported, on_behalf, hours, within_72") -> list[Any]:
    return [tuple(row) for row in conn.execute(f"SELECT {columns} FROM takedown_facts ORDER BY id")]


def _reported(conn: sqlite3.Connection, conversation: int, at: datetime) -> tuple[Takedowns, Any]:
    takedowns = Takedowns(SEAL, HOURS)
    case_id = Queue(SEAL, HOURS).open_case(
        conn, NewCase(conversation, 2, "asked", "web", "v1", concern="hate", nation="wales"), at
    ).id  # fmt: skip
    new = NewTakedown(case_id, "tiktok", What.VIDEO, "a")
    return takedowns, takedowns.add(conn, new, NewStep(Stage.REPORTED, Who.ENQUIRER), AdviserId(1), at)


def test_a_takedown_s_fact_follows_its_steps_until_the_link_is_gone(conn: sqlite3.Connection) -> None:
    list(advisers(conn, 1))
    at = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)  # in London it is 1 July already
    takedowns, made = _reported(conn, 1, at)
    assert _facts(conn, "period, platform, what, nation, concern") == [
        ("2026-07-01", "tiktok", "video", "wales", "hate")
    ]
    assert _facts(conn) == [("reported", 1, 0, None, None)]
    by = AdviserId(1)
    takedowns.step(conn, made, NewStep(Stage.ON_BEHALF, Who.ADVISER), by, at + timedelta(hours=50))
    takedowns.step(conn, made, NewStep(Stage.REMOVED, Who.ENQUIRER), by, at + timedelta(hours=72))
    assert _facts(conn) == [("removed", 1, 1, 72, 1)]
    takedowns.step(conn, made, NewStep(Stage.STILL_UP, Who.ENQUIRER), by, at + timedelta(hours=73))
    assert _facts(conn) == [("still_up", 1, 1, None, None)]
    later = at + timedelta(hours=72, seconds=1)
    takedowns.step(conn, made, NewStep(Stage.REMOVED, Who.ENQUIRER), by, later + timedelta(hours=1))
    assert _facts(conn) == [("removed", 1, 1, 73, 0)]
    conn.execute("UPDATE takedown_facts SET takedown = NULL")
    takedowns.step(conn, made, NewStep(Stage.STILL_UP, Who.ENQUIRER), by, later + timedelta(hours=9))
    assert _facts(conn) == [("removed", 1, 1, 73, 0)]


def test_a_takedown_that_is_deleted_leaves_its_fact(conn: sqlite3.Connection) -> None:
    list(advisers(conn, 1))
    conn.execute("PRAGMA foreign_keys = ON")
    _reported(conn, 1, NOW)
    before = _facts(conn)
    conn.execute("DELETE FROM reminder")
    for guard in ("takedown_step_stays", "takedown_stays"):  # forgetting has its own tests of them
        conn.execute(f"DROP TRIGGER {guard}")
    conn.execute("DELETE FROM takedown_step")
    conn.execute("DELETE FROM takedown")
    assert _facts(conn) == before
    assert _facts(conn, "takedown") == [(None,)]


def test_practice_leaves_no_fact_of_a_takedown_and_no_load(conn: sqlite3.Connection) -> None:
    list(advisers(conn, 1))
    conn.execute("PRAGMA foreign_keys = ON")
    _reported(conn, -1, NOW)
    assert _facts(conn) == []
    assert conn.execute("SELECT count(*) FROM adviser_load").fetchone() == (0,)


def test_who_closes_is_counted_by_month(conn: sqlite3.Connection) -> None:
    queue = Queue(SEAL, HOURS)
    first, second = (AdviserId(each) for each in advisers(conn, 2))
    for number, by in enumerate((first, first, second), 1):
        case_id = queue.open_case(conn, NewCase(number, 2, "asked", "web", "v1"), NOW).id
        queue.claim(conn, case_id, by, NOW)
        queue.say(conn, case_id, by, "Hello", f"c{number}", 99, NOW)
        queue.give_back(conn, case_id, by, "hate", NOW + timedelta(seconds=60))
    rows = conn.execute("SELECT month, adviser, closed, handled_s FROM adviser_load").fetchall()
    assert rows == [("2026-11", 1, 2, 120), ("2026-11", 2, 1, 60)]
    loads = count(conn, Days(date(2026, 11, 1), date(2026, 12, 1))).loads
    assert [(load.closed, load.cases, load.handled_s) for load in loads] == [((1, 2), 3, 180)]
    assert count(conn, Days(date(2026, 11, 2), date(2026, 12, 1))).loads == ()


def test_rows_from_before_are_brought_over_as_the_triggers_would_have_written_them() -> None:
    conn = sqlite3.connect(":memory:", isolation_level=None)
    teach(conn, SEAL)
    migrations.apply(Database(conn), stop_before="takedown_facts")
    list(advisers(conn, 1))
    for number, conversation in enumerate((1, 2, -3), 1):
        conn.execute(
            "INSERT INTO cases (reference, conversation, reason, concern, nation, channel, language, library,"
            " opened_at, opened_on, opened_hour)"
            " VALUES (?, ?, 'asked', 'hate', 'wales', 'web', 'en', 'v1', 0, '2026-03-02', 9)",
            [f"FL-2222-2{'234'[number - 1]}", conversation],
        )
        conn.execute(
            'INSERT INTO takedown ("case", seq, platform, what, added_by, added_at, client_id)'
            f" VALUES ({number}, 1, 'tiktok', 'post', 1, 1772445600000, 'a')"
        )
    steps = [
        (1, 1, "guided", 0),
        (1, 2, "reported", 10),
        (1, 3, "removed", 83),
        (2, 1, "guided", 0),
        (3, 1, "reported", 0),
    ]
    for made, seq, stage, hours in steps:
        at = 1772445600000 + hours * 3_600_000
        conn.execute(
            "INSERT INTO takedown_step VALUES (?, ?, ?, 'enquirer', 1, NULL, ?, ?)", [made, seq, stage, at, at]
        )
    migrations.apply(Database(conn))
    assert _facts(conn) == [("removed", 1, 0, 73, 0), ("guided", 0, 0, None, None)]
    assert _facts(conn, "period, concern, nation, takedown")[0] == ("2026-03-02", "hate", "wales", 1)
    conn.close()
