"""The report as values: whole whatever there is, honest about what it does not tell, its sentences true."""

import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff import taxonomy, terms
from handoff.domain import AdviserId, NewCase
from handoff.hours import OpeningHours
from handoff.periods import Compare, Days, WrongPeriod
from handoff.queue import Queue
from handoff.reports import saying, wording
from handoff.reports.arithmetic import change, percent, shares
from handoff.reports.building import report
from handoff.reports.model import HIDDEN, Basis, Column, Headline, Report, Row, Section, Table, Unit, Value
from handoff.seal import Seal
from handoff.taxonomy import Term
from handoff.terms import NewTerm
from tests.reports_facts import NOW, advisers, case, contact, opened, takedown

MARCH = Days(date(2026, 3, 1), date(2026, 4, 1))
LONDON = OpeningHours().local


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    made = opened()
    yield made
    made.close()


def made(conn: sqlite3.Connection, days: Days = MARCH, compare: Compare | None = None, now: datetime = NOW) -> Report:
    return report(conn, days, compare, service="Helpline", local=LONDON, now=now)


def section(of: Report, name: str) -> Section:
    return next(each for each in of.sections if each.id == name)


def table(of: Report, name: str) -> dict[str, tuple[Value, ...]]:
    found = section(of, name).table
    return {row.code: row.values for row in (*found.rows, *filter(None, (found.total,)))}


def rows(of: Section) -> list[Row]:
    return [*of.table.rows, *filter(None, (of.table.total,))]


def a_year(conn: sqlite3.Connection, times: int = 30) -> None:
    """Enough of everything for numbers to be told, in two years."""
    for year, more in ((2025, 1), (2026, 2)):
        for month in (3, 4):
            period = f"{year}-{month:02}-10"
            for issue, platform, number in (("reputation", "tiktok", 3), ("hate", "x", 2), ("scams", None, 1)):
                for escalation, knew, scope in (("needed", "no", "in_scope"), ("clarified", "yes", "out_of_scope")):
                    case(
                        conn, times * number * more, period=period, issue=issue, platform=platform, role="teacher",
                        concerns=f'["{issue}","nudes"]', escalation=escalation, knew_tools=knew, scope=scope,
                        signposts='["training"]', setting="primary", nation="wales", urls=2, route="lead",
                    )  # fmt: skip
            contact(conn, 20 * more, period=period, concern="hate", helped="yes", knew_tools="no", stood="finished")
            contact(conn, 10 * more, period=period, concern="hate", stood="handed_over")
            takedown(conn, 12 * more, period=period, stage="removed", hours=9, within_72=1)
            takedown(conn, 8 * more, period=period, stage="not_removed")


# --- whatever there is -----------------------------------------------------------------------------------------------


def honest(of: Report) -> None:
    """What holds of every report: no small number, nothing worked out from a hidden one, sentences that are whole."""
    assert len({each.id for each in of.sections}) == len(of.sections)
    for each in of.sections:
        assert re.fullmatch(r"[“A-Z0-9].*[.]", each.reading), each.reading
        assert "  " not in each.reading
        for row in rows(each):
            assert len(row.values) == len(each.table.columns), each.id
            told = dict(zip((column.key for column in each.table.columns), row.values, strict=True))
            for column in each.table.columns:
                if column.unit is Unit.COUNT and each.id not in {"load"}:
                    assert told[column.key] not in {1, 2, 3, 4}, (each.id, row)
            if told.get("n") is HIDDEN:
                assert all(told[key] is HIDDEN for key in ("share", "change") if key in told), (each.id, row)
            if told.get("before") is HIDDEN:
                assert told["change"] is HIDDEN
        for value in (each.table.basis.n, each.table.basis.of):
            assert value not in {1, 2, 3, 4} or each.id == "load", each.id
        for name in each.chart.columns if each.chart else ():
            assert name in {column.key for column in each.table.columns}


def test_of_nothing_it_is_a_whole_report_that_says_so(conn: sqlite3.Connection) -> None:
    of = made(conn, compare=Compare.YEAR)
    honest(of)
    assert of.headline.figure == "0"
    assert section(of, "figures").reading == "There were no cases."
    assert section(of, "concern").reading == "There were no cases in this period."
    assert section(of, "escalation").reading == "There were no cases in which this was noted."
    assert section(of, "takedowns").reading == "There were no reports to platforms in this period."
    assert of.hidden == 0
    assert any("nothing to compare with" in note for note in of.notes)
    assert "No number had to be hidden." in of.notes


def test_of_one_case_nothing_is_told(conn: sqlite3.Connection) -> None:
    case(conn, platform="tiktok", escalation="needed")
    of = made(conn)
    honest(of)
    assert of.headline == Headline("Too few to tell", "how many cases there were")
    assert table(of, "figures")["cases"] == (HIDDEN,)
    assert section(of, "concern").reading == wording.TOO_SMALL
    assert section(of, "waits").reading == wording.TOO_SMALL
    assert of.hidden > 5


def test_beside_the_headline_nothing_stands_that_a_table_hides(conn: sqlite3.Connection) -> None:
    case(conn, 6, issue="reputation", escalation="clarified", knew_tools="yes")
    case(conn, 2, issue="hate", escalation="needed", knew_tools="no")
    assert made(conn).headline == Headline("8", "cases")


def test_of_two_main_concerns_alike_neither_stands_beside_the_headline(conn: sqlite3.Connection) -> None:
    case(conn, 6, issue="reputation")
    case(conn, 6, issue="hate")
    assert made(conn).headline == Headline("12", "cases")


def test_of_enough_everything_is_told(conn: sqlite3.Connection) -> None:
    a_year(conn)
    of = made(conn, Days(date(2026, 1, 1), date(2026, 11, 1)), Compare.YEAR)
    honest(of)
    assert of.headline.figure == "1,440"
    assert of.headline.says == "cases, 100% more than in the same days a year earlier"
    assert of.headline.beside == (
        "50.0% were mainly about “Posts criticising our staff or setting” (720).",
        "50.0% had to be escalated: 720 of the 1,440 in which this was noted.",
        "50.0% did not know the tools to block and report: 720 of the 1,440 in which this was noted.",
    )
    assert table(of, "figures")["cases"] == (1440, 720, 100.0)
    assert table(of, "figures")["contacts"] == (120, 60, 100.0)
    assert table(of, "figures")["addresses"] == (2880, 1440, 100.0)
    assert table(of, "concern")["reputation"] == (720, 50.0, 360, 100.0)
    assert table(of, "involved")["nudes"] == (1440, 100.0, 720, 100.0)
    assert table(of, "together")["nudes+reputation"] == (720, 50.0)
    assert table(of, "platform-concern")["hate"] == (0, 480)
    assert table(of, "takedowns")["tiktok"] == (80, 48, 0, 32, 0, 0, 60.0, 9.0)
    assert table(of, "knew-tools")["no"][:2] == (720, 50.0)
    assert table(of, "contacts-knew-tools")["no"][:2] == (80, 66.7)
    said = {each.id: each.reading for each in of.sections}
    assert said["figures"] == "There were 1,440 cases, 100% more than in the same days a year earlier."
    assert said["escalation"] == (
        "Of the 1,440 cases in which this was noted, 720 (50.0%) had to be escalated and 720 (50.0%) only needed to "
        "know that it need not be."
    )
    assert said["takedowns"] == "Of 80 reports to platforms, 60.0% were removed, 48 of them within 72 hours."
    assert said["month"] == "The busiest months were March 2026 and April 2026, with 720 cases each."
    assert section(of, "concern").table.basis == Basis("cases", 1440, 1440, 1)
    assert section(of, "platform").table.basis == Basis("cases", 1200, 1440)


FACTS = st.lists(
    st.fixed_dictionaries({
        "period": st.sampled_from(["2026-03-05", "2026-03-30", "2025-03-05"]),
        "issue": st.sampled_from(["hate", "scams", None]), "platform": st.sampled_from(["tiktok", "x", None]),
        "escalation": st.sampled_from(["needed", "clarified", None]), "nation": st.sampled_from(["wales", None]),
        "lane": st.sampled_from(["live", "messages"]), "answered_in_time": st.sampled_from([0, 1]),
        "times": st.integers(1, 9),
    }),
    max_size=6,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(FACTS, st.sampled_from([None, *Compare]))
def test_whatever_there_is_the_report_is_honest(facts: list[dict[str, Any]], compare: Compare | None) -> None:
    conn = opened()
    for fact in facts:
        case(conn, **fact)
        contact(conn, fact["times"], period=fact["period"], concern=fact["issue"])
        takedown(conn, fact["times"], period=fact["period"], platform=fact["platform"] or "other")
    of = made(conn, compare=compare)
    honest(of)
    for each in of.sections:
        _says_only_what_its_table_says(each)
    conn.close()


def _says_only_what_its_table_says(each: Section) -> None:
    """Every number of cases a sentence says stands in the table, or is its n; years and lengths aside."""
    values = [value for row in rows(each) for value in row.values]
    known = {
        f"{value:,.0f}"
        for value in (*values, each.table.basis.n, each.table.basis.of)
        if isinstance(value, int | float)
    }
    sentence = re.sub(
        r"“[^”]*”|\([\d.]+%\)|[\d.,]+%|\d+ hours|\b20\d\d\b|[\d.]+ ×|\d+ (s|min|h|days)\b", "", each.reading
    )
    said = {number.strip(",") for number in re.findall(r"\d[\d,]*", sentence)}
    assert each.id == "surges" or said <= known, (each.reading, said - known)


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=30), st.sets(st.integers(0, 29)))
def test_shares_add_up_to_exactly_a_hundred(counts: list[int], hidden: set[int]) -> None:
    whole = sum(counts)
    told = shares(counts, whole)
    if not whole:
        assert set(told) == {None}
        return
    assert round(sum(each for each in told if isinstance(each, float)), 6) == 100.0
    for count, each in zip(counts, told, strict=True):
        assert isinstance(each, float)
        assert abs(each - 100 * count / whole) < 0.1
    parts: list[Value] = [HIDDEN if at in hidden else count for at, count in enumerate(counts)]
    assert [each is HIDDEN for each in shares(parts, whole)] == [part is HIDDEN for part in parts]


def test_what_comes_of_a_hidden_number_is_hidden() -> None:
    assert change(HIDDEN, 5) is change(5, HIDDEN) is percent(HIDDEN, 9) is percent(5, HIDDEN) is HIDDEN
    assert shares([5, 6], HIDDEN) == (HIDDEN, HIDDEN)
    assert (change(5, 0), change(5, None), change(15, 10), change(0, 8), percent(1, 0)) == (
        None,
        None,
        50.0,
        -100.0,
        None,
    )


# --- periods ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "end", "says"),
    [
        (date(2026, 11, 24), date(2026, 11, 25), "which is still to come. Today is 2026-11-23."),
        (date(2026, 11, 1), date(2026, 11, 25), "write 2026-11-24 as the first day that is not counted"),
        (date(1999, 12, 31), date(2026, 1, 1), "Choose a day from the year 2000 on"),
    ],
)
def test_a_period_that_cannot_be_is_refused(conn: sqlite3.Connection, first: date, end: date, says: str) -> None:
    with pytest.raises(WrongPeriod, match=re.escape(says)):
        made(conn, Days(first, end))


def test_today_may_be_counted_and_is_said_not_to_be_over(conn: sqlite3.Connection) -> None:
    case(conn, 7, period="2026-11-23")
    today = Days(date(2026, 11, 23), date(2026, 11, 24))
    of = made(conn, today)
    assert table(of, "figures")["cases"] == (7,)
    assert any(note.startswith("23 November 2026 was not over") for note in of.notes)
    late = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)  # in London it is 1 July
    assert not any("not over" in note for note in made(conn, MARCH, now=late).notes)
    made(conn, Days(date(2026, 7, 1), date(2026, 7, 2)), now=late)


def test_both_periods_are_spelled_out_with_their_lengths(conn: sqlite3.Connection) -> None:
    case(conn, 9, period="2022-05-05")
    case(conn, 9, period="2024-05-05")
    of = made(conn, Days(date(2024, 1, 1), date(2025, 1, 1)), Compare.YEAR)
    notes = " ".join(of.notes)
    assert "from 1 January 2024 to 31 December 2024 (366 days)" in notes
    assert "Compared with 1 January 2023 to 31 December 2023 (365 days)." in notes
    assert "not equally long: 366 and 365 days" in notes


def test_figures_that_begin_late_are_said_to(conn: sqlite3.Connection) -> None:
    case(conn, 9, period="2025-03-20")
    case(conn, 9, period="2026-03-05")
    contact(conn, 9, period="2026-03-01")
    notes = " ".join(made(conn, compare=Compare.YEAR).notes)
    assert "figures of cases from 20 March 2025 and contacts from 1 March 2026 on" in notes
    assert table(made(conn, compare=Compare.YEAR), "figures")["cases"] == (9, 9, 0.0)
    assert "nothing to compare with" in " ".join(
        made(conn, Days(date(2025, 3, 1), date(2025, 4, 1)), Compare.YEAR).notes
    )


def test_months_stand_beside_those_in_the_same_place(conn: sqlite3.Connection) -> None:
    case(conn, 5, period="2026-02-03")
    case(conn, 8, period="2026-03-03")
    case(conn, 6, period="2025-02-03")
    found = table(made(conn, Days(date(2026, 2, 1), date(2026, 4, 1)), Compare.YEAR), "month")
    assert found == {"2026-02": (5, 6, -16.7), "2026-03": (8, 0, None), "total": (13, 6, 116.7)}


# --- what must be said -----------------------------------------------------------------------------------------------


def test_a_change_of_categories_is_said(conn: sqlite3.Connection) -> None:
    (lead,) = advisers(conn, 1)
    case(conn, 6, issue="scams")
    case(conn, 7, issue="ai_chatbots")
    before = taxonomy.newest(conn)
    becomes = {"scams": "hacking", "ai_chatbots": None}
    kept = [Term(term.code, term.label, becomes.get(term.code, term.code)) for term in before.terms]
    taxonomy.make(conn, 1, kept, "Fewer.", AdviserId(lead), NOW)
    of = made(conn)
    found = section(of, "concern").table
    assert {row.label: row.values for row in found.rows} == {
        "AI chatbots and companions (no longer used)": (7, 53.8), "Hacked account or pupil hacking": (6, 46.2),
    }  # fmt: skip
    assert found.basis.taxonomy == 2
    assert any("carried over to version 2" in note for note in found.notes)


def test_school_terms_are_shaded(conn: sqlite3.Connection) -> None:
    (lead,) = advisers(conn, 1)
    for nation, last in ((None, date(2026, 3, 20)), ("wales", date(2026, 3, 27))):
        terms.add(conn, NewTerm("Spring", nation, date(2026, 1, 5), last, "the council"), AdviserId(lead), NOW)
    chart = section(made(conn), "month").chart
    assert chart is not None
    assert [(shade.label, shade.last.day) for shade in chart.shades] == [("Spring", 20), ("Spring (Wales)", 27)]


def test_nothing_is_told_of_a_month_with_fewer_than_five_advisers(conn: sqlite3.Connection) -> None:
    for each in advisers(conn, 6):
        conn.execute("INSERT INTO adviser_load VALUES ('2026-02', ?, ?, 600)", [each, 10 + each])
        if each < 5:
            conn.execute("INSERT INTO adviser_load VALUES ('2026-03', ?, 9, 600)", [each])
    of = made(conn, Days(date(2026, 2, 1), date(2026, 4, 1)))
    found = table(of, "load")
    assert found["2026-03"] == (HIDDEN,) * 4
    assert found["2026-02"][:3] == (6, 13.5, 16)
    assert "2026-03" not in section(of, "load").reading
    assert section(of, "load").table.basis == Basis("months", 1, 2)


def test_cases_still_open_are_told_apart(conn: sqlite3.Connection) -> None:
    queue = Queue(Seal(b"k" * 32), OpeningHours())
    for number in range(1, 8):
        if number == 5:
            assert any(note.startswith("A few cases of this period had not ended") for note in _today(conn).notes)
        queue.open_case(conn, NewCase(number, 2, "asked", "web", "v1"), NOW)
    queue.open_case(conn, NewCase(-9, 2, "asked", "web", "v1"), NOW)
    assert any(note.startswith("7 cases of this period had not ended") for note in _today(conn).notes)


def _today(conn: sqlite3.Connection) -> Report:
    return made(conn, Days(NOW.date(), NOW.date() + timedelta(days=1)))


# --- sentences -------------------------------------------------------------------------------------------------------


def _table(values: list[Value], total: Value) -> Table:
    columns = (Column("n", "Cases", Unit.COUNT), Column("share", "Share", Unit.PERCENT))
    parts = shares(values, total)
    found = tuple(Row(f"c{at}", f"Row {at}", (n, parts[at])) for at, n in enumerate(values))
    return Table("t", "T", "R", columns, found, Basis("cases", total, total), Row("total", "All", (total, 100.0)))


@pytest.mark.parametrize(
    ("values", "total", "says"),
    [
        ([9, 5], 14, "The most frequent role was “Row 0”: 9 of 14 cases (64.3%)."),
        ([7, 7], 14, "The most frequent roles were “Row 0” and “Row 1”, with 7 of 14 cases each (50.0%)."),
        ([9, HIDDEN, HIDDEN], 14, "The most frequent role was “Row 0”: 9 of 14 cases (64.3%)."),
        (
            [9, HIDDEN, HIDDEN],
            40,
            "Of those that can be told, the most frequent role was “Row 0”: 9 of 40 cases (22.5%).",
        ),
        ([HIDDEN, HIDDEN], 14, wording.TOO_SMALL),
        ([HIDDEN], HIDDEN, wording.TOO_SMALL),
        ([], 6, "This is known of none of the 6 cases."),
        ([], 0, "There were no cases in this period."),
    ],
)
def test_the_most_frequent_is_named_as_far_as_it_can_be_told(values: list[Value], total: Value, says: str) -> None:
    assert wording.leading(_table(values, total), "cases", "role", "the year before") == says


def test_numbers_and_words_agree() -> None:
    assert [wording.many(n, "cases") for n in (0, 1, 4078)] == ["no cases", "1 case", "4,078 cases"]
    assert [wording.joined(parts) for parts in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert wording.than(500.6, "the year before") == ", 501% more than in the year before"
    assert wording.than(-2.5, "the year before") == ", 2.5% fewer than in the year before"
    assert wording.than(0.0, "the year before") == ", as many as in the year before"
    assert wording.than(HIDDEN, "x") == wording.than(None, "x") == ""
    read = wording.of_those(20, "cases in which this was noted", [(12, "had"), (HIDDEN, "hid"), (5, "and")])
    assert read == "Of the 20 cases in which this was noted, 12 (60.0%) had and 5 (25.0%) and."
    assert (
        wording.of_those(HIDDEN, "x", [(12, "had")])
        == wording.of_those(20, "x", [(HIDDEN, "had")])
        == wording.TOO_SMALL
    )
    assert saying.day(date(2026, 3, 1)) == "1 March 2026"


def test_a_report_is_the_same_however_often_it_is_made(conn: sqlite3.Connection) -> None:
    a_year(conn, 3)
    assert made(conn) == made(conn)


def test_cases_of_no_known_concern_are_in_the_table_of_escalation_too(conn: sqlite3.Connection) -> None:
    case(conn, 9, concern="hate", issue="hate", concerns='["hate"]', escalation="clarified")
    case(conn, 7, concern=None, issue=None, concerns=None, escalation="needed")
    found = section(made(conn), "escalation-concern")
    assert [row.code for row in found.table.rows] == ["hate", "not_said"]
    assert found.table.rows[-1].values[0] == 7
    assert found.reading.startswith("No concern can be told"), "nobody knows which concern it was"
