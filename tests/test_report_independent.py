"""The report's figures, worked out a second time from the raw facts: plain Python that shares no code with the report.

Every number of every table is compared, digit for digit; what is hidden is held against what it hides.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import combinations
from math import ceil
from statistics import median
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from handoff.chain import teach
from handoff.hours import OpeningHours
from handoff.migrations import migrations
from handoff.periods import Compare, Days
from handoff.reports.as_json import as_json
from handoff.reports.building import report
from handoff.seal import Seal
from tests.two_years import two_years_in

Row = Mapping[str, Any]
Numbers = dict[str, dict[str, Any]]
"""Of one table: row, then column."""
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
YEAR = Days(date(2021, 11, 1), date(2022, 11, 1))
SMALL = range(1, 5)


class Wrong(AssertionError):
    """The report says something else than the facts."""


@dataclass
class Raw:
    """Everything of some days, as it lies in the tables. `now`: each category as it is called in the newest list."""

    first: date
    end: date
    cases: list[Row]
    contacts: list[Row]
    takedowns: list[Row]
    load: list[Row]
    ever: list[Row]
    """Every case there ever was."""
    now: Mapping[str, str]

    def concern(self, fact: Row) -> str:
        heard = fact.get("issue") or fact["concern"]
        return self.now.get(heard, heard) if heard else "not_said"

    def involved(self, fact: Row) -> set[str]:
        listed = json.loads(fact["concerns"] or "[]")
        return {self.now.get(code, code) for code in listed} | {self.concern(fact)} - {"not_said"}

    def months(self) -> list[str]:
        days = (self.first + timedelta(days=number) for number in range((self.end - self.first).days))
        return list(dict.fromkeys(f"{day:%Y-%m}" for day in days))


def raw(conn: sqlite3.Connection, first: date, end: date, now: Mapping[str, str]) -> Raw:
    def rows(query: str) -> list[Row]:
        cursor = conn.execute(query, [first.isoformat(), end.isoformat()] if "?" in query else [])
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    return Raw(
        first,
        end,
        rows("SELECT * FROM case_facts WHERE period >= ? AND period < ?"),
        rows("SELECT * FROM contact_facts WHERE period >= ? AND period < ?"),
        rows("SELECT * FROM takedown_facts WHERE period >= ? AND period < ? AND reported = 1"),
        rows("SELECT * FROM adviser_load WHERE month || '-01' >= ? AND date(month || '-01', '+1 month') <= ?"),
        rows("SELECT * FROM case_facts"),
        now,
    )


# --- what each table should say --------------------------------------------------------------------------------------


def named(name: str) -> Callable[[Raw, Row], str]:
    return lambda _, fact: fact[name] or "not_said"


def came(_: Raw, fact: Row) -> str:
    return {0: "first", 1: "again", None: "not_said"}[fact["is_return"]]


def answer(_: Raw, fact: Row) -> str:
    if fact["answered_in_time"] is None:
        return "left" if fact["outcome"] == "left" else "no_answer"
    return "in_time" if fact["answered_in_time"] else "late"


def result(_: Raw, fact: Row) -> str:
    if fact["stage"] == "removed":
        return "within_72" if fact["within_72"] else "later"
    ends = {"partly": "still_there", "not_removed": "still_there", "withdrawn": "not_known", "not_known": "not_known"}
    return ends.get(fact["stage"], "with_platform")


BY_ONE: dict[str, tuple[str, Callable[[Raw, Row], str]]] = {
    "concern": ("cases", Raw.concern),
    "platform": ("cases", named("platform")),
    "role": ("cases", named("role")),
    "setting": ("cases", named("setting")),
    "nation": ("cases", named("nation")),
    "channel": ("cases", named("channel")),
    "language": ("cases", named("language")),
    "came": ("cases", came),
    "escalation": ("cases", named("escalation")),
    "knew-tools": ("cases", named("knew_tools")),
    "scope": ("cases", named("scope")),
    "outcome": ("cases", named("outcome")),
    "route": ("cases", named("route")),
    "answers": ("cases", answer),
    "contacts-met": ("contacts", lambda _, fact: "adviser" if fact["stood"] == "handed_over" else "bot"),
    "contacts-concern": ("contacts", Raw.concern),
    "helped": ("contacts", named("helped")),
    "contacts-knew-tools": ("contacts", named("knew_tools")),
    "things": ("takedowns", named("what")),
    "on-behalf": ("takedowns", lambda _, fact: "yes" if fact["on_behalf"] else "no"),
}
"""Tables in which each fact is in one row: the facts, and the row of one."""
ANSWERS = ("in_time", "late", "left", "no_answer")


def count(facts: Iterable[Row], row_of: Callable[[Row], str]) -> Counter[str]:
    return Counter(map(row_of, facts))


def by_one(table: str, now: Raw, then: Raw | None) -> Numbers:
    kind, row_of = BY_ONE[table]
    counts = [count(getattr(each, kind), lambda fact, of=each: row_of(of, fact)) for each in (now, then) if each]
    whole = [sum(each.values()) for each in counts]
    codes = {code for each in counts for code in each}
    found = {code: compared([each[code] for each in counts]) for code in codes}
    return {**found, "total": {**compared(whole), "share": 100 if whole[0] else None}}


def compared(counts: Sequence[int]) -> dict[str, Any]:
    """A number of now, perhaps one of then, and how they differ."""
    if len(counts) == 1:
        return {"n": counts[0]}
    now, then = counts
    return {"n": now, "before": then, "change": Fraction(100 * (now - then), then) if then else None}


def figures(now: Raw, then: Raw | None) -> Numbers:
    def of(each: Raw) -> dict[str, int]:
        handed = sum(fact["stood"] == "handed_over" for fact in each.contacts)
        return {
            "cases": len(each.cases),
            "answered": sum(fact["answer_wait_s"] is not None for fact in each.cases),
            "contacts": len(each.contacts),
            "bot": len(each.contacts) - handed,
            "adviser": handed,
            "takedowns": len(each.takedowns),
            "removed": sum(fact["stage"] == "removed" for fact in each.takedowns),
            "addresses": sum(fact["urls"] or 0 for fact in each.cases),
        }

    both = [of(each) for each in (now, then) if each]
    return {code: compared([each[code] for each in both]) for code in both[0]}


def involved(now: Raw, then: Raw | None) -> Numbers:
    counts = [Counter(code for fact in each.cases for code in each.involved(fact)) for each in (now, then) if each]
    return {
        code: {**compared([each[code] for each in counts]), "share": percent(counts[0][code], len(now.cases))}
        for code in {code for each in counts for code in each}
    }


def together(now: Raw, _: Raw | None) -> Numbers:
    pairs = Counter(pair for fact in now.cases for pair in combinations(sorted(now.involved(fact)), 2))
    return {"+".join(pair): {"n": n, "share": percent(n, len(now.cases))} for pair, n in pairs.items()}


def months(now: Raw, then: Raw | None) -> Numbers:
    counts = [count(each.cases, lambda fact: fact["period"][:7]) for each in (now, then) if each]
    beside = then.months() if then else []
    found: Numbers = {"total": compared([sum(each.values()) for each in counts])}
    for place, month in enumerate(now.months()):
        if then is None:
            found[month] = {"n": counts[0][month]}
        elif place < len(beside):
            found[month] = compared([counts[0][month], counts[1][beside[place]]])
        else:
            found[month] = {"n": counts[0][month], "before": None, "change": None}
    return found


def crossed(across: Callable[[Raw, Row], str]) -> Callable[[Raw, Raw | None], Numbers]:
    def of(now: Raw, _: Raw | None) -> Numbers:
        cells = Counter((now.concern(fact), across(now, fact)) for fact in now.cases)
        rows, columns = ({cell[at] for cell in cells} for at in (0, 1))
        return {row: Zero({column: cells[row, column] for column in columns}) for row in rows}

    return of


class Zero(dict[str, Any]):
    """Of a row or column that no fact stands in: none, and nothing to measure."""

    def __missing__(self, column: str) -> int | None:
        return None if column in {"change", "middle", "most", "gone", "in_time_share"} else 0


def signposts(now: Raw, _: Raw | None) -> Numbers:
    counts = Counter(code for fact in now.cases for code in set(json.loads(fact["signposts"] or "[]")))
    return {code: {"n": n, "share": percent(n, len(now.cases))} for code, n in counts.items()}


def takedowns(now: Raw, _: Raw | None) -> Numbers:
    def of(facts: Sequence[Row]) -> dict[str, Any]:
        ends = count(facts, lambda fact: result(now, fact))
        gone = ends["within_72"] + ends["later"]
        hours = [fact["hours"] for fact in facts if fact["hours"] is not None]
        parts = {end: ends[end] for end in ("within_72", "later", "still_there", "with_platform", "not_known")}
        middle = median(hours) if hours else None
        return {"n": len(facts), **parts, "gone": percent(gone, len(facts)), "middle": middle}

    platforms = {fact["platform"] for fact in now.takedowns}
    found = {each: of([fact for fact in now.takedowns if fact["platform"] == each]) for each in platforms}
    return {**found, "total": of(now.takedowns)}


def waits(row_of: Callable[[Row], str]) -> Callable[[Raw, Raw | None], Numbers]:
    def of(now: Raw, facts: Sequence[Row]) -> dict[str, Any]:
        how = count(facts, lambda fact: answer(now, fact))
        lengths = sorted(fact["answer_wait_s"] for fact in facts if fact["answer_wait_s"] is not None)
        return {
            "n": len(facts),
            **{each: how[each] for each in ANSWERS},
            "in_time_share": percent(how["in_time"], len(facts)),
            "middle": median(lengths) if lengths else None,
            "most": lengths[ceil(len(lengths) * 9 / 10) - 1] if lengths else None,
        }

    def table(now: Raw, _: Raw | None) -> Numbers:
        rows = {row_of(fact) for fact in now.cases}
        found = {row: of(now, [fact for fact in now.cases if row_of(fact) == row]) for row in rows}
        return {**dict.fromkeys(now.months(), of(now, [])), **found, "total": of(now, now.cases)}

    return table


def load(now: Raw, _: Raw | None) -> Numbers:
    found: Numbers = {}
    for month in now.months():
        closed = sorted(row["closed"] for row in now.load if row["month"] == month)
        handled = sum(row["handled_s"] for row in now.load if row["month"] == month)
        found[month] = {
            "advisers": len(closed),
            "middle": median(closed) if closed else None,
            "most": max(closed, default=None),
            "handled": round(handled / sum(closed)) if closed else None,
        }
    return found


def surges(now: Raw, _: Raw | None) -> Numbers:
    """Of every week that ends on a Sunday in the period and holds five of something: how it compares with an eighth of
    the eight weeks before. Which of them is a surge is tried in the tests of surges."""
    by_what: dict[str, Counter[date]] = {}
    for fact in now.ever:
        what = ".".join([now.concern(fact), fact["platform"] or "not_said", fact["nation"] or "not_said"])
        by_what.setdefault(what, Counter())[date.fromisoformat(fact["period"])] += 1
    found: Numbers = {}
    for what, days in by_what.items():
        for last in {day + timedelta(days=6 - day.weekday()) for day in days}:
            ages = {(last - day).days: n for day, n in days.items()}
            seen = sum(n for age, n in ages.items() if 0 <= age < 7)
            expected = sum(n for age, n in ages.items() if 7 <= age < 63) / 8
            if seen >= 5 and now.first <= last - timedelta(days=6) and last < now.end:
                steps = (step for step in (10, 5, 3, 2, 1.5, 1.2, 1) if not expected or seen / expected >= step)
                found[f"{what}.{last}"] = {"ratio": next(steps, 1)}
    return found


TABLES: dict[str, Callable[[Raw, Raw | None], Numbers]] = {
    **{table: lambda now, then, of=table: by_one(of, now, then) for table in BY_ONE},  # type: ignore[misc]
    "figures": figures,
    "involved": involved,
    "together": together,
    "month": months,
    "platform-concern": crossed(named("platform")),
    "escalation-concern": crossed(named("escalation")),
    "signposts": signposts,
    "takedowns": takedowns,
    "waits": waits(lambda fact: fact["lane"] or "not_said"),
    "waits-month": waits(lambda fact: fact["period"][:7]),
    "load": load,
    "surges": surges,
}
SELECTED = {"together", "platform-concern", "surges"}
"""Tables that show the most frequent only."""


def basis(table: str, now: Raw) -> tuple[int, int] | None:
    """Of how many it could be told, of how many there are."""
    known = {"involved": "concern", "together": "concern", "platform-concern": "platform",
             "escalation-concern": "escalation"}.get(table, table)  # fmt: skip
    if known in BY_ONE:
        kind, row_of = BY_ONE[known]
        facts = getattr(now, kind)
        return sum(row_of(now, fact) != "not_said" for fact in facts), len(facts)
    if table in {"waits", "waits-month"}:
        return sum(fact["answer_wait_s"] is not None for fact in now.cases), len(now.cases)
    if table == "takedowns":
        return len(now.takedowns), len(now.takedowns)
    return None if table == "load" else (len(now.cases), len(now.cases))


# --- comparing -------------------------------------------------------------------------------------------------------


@dataclass
class Compared:
    """How many numbers were held against each other, how many were hidden, and by table how many were told."""

    told: int = 0
    hidden: int = 0
    tables: Counter[str] = field(default_factory=Counter)


def check(told: Mapping[str, Any], now: Raw, then: Raw | None) -> Compared:
    """Raises: Wrong, for the first number that is not what the facts say."""
    done = Compared()
    ids = [section["table"]["id"] for section in told["sections"]]
    if sorted(ids) != sorted(TABLES):
        raise Wrong(f"tables: {set(ids) ^ set(TABLES)}")
    for section in told["sections"]:
        table = section["table"]
        check_table(table, TABLES[table["id"]](now, then), now, done)
    whole = len(now.cases)
    figure = "Too few to tell" if whole in SMALL else f"{whole:,}"
    if told["headline"]["figure"] != figure:
        raise Wrong(f"headline: {told['headline']}, not {figure}")
    return done


def check_table(table: Mapping[str, Any], expected: Numbers, now: Raw, done: Compared) -> None:
    name = table["id"]
    rows = [*table["rows"], *([{**table["total"], "code": "total"}] if table["total"] else [])]
    shown = {row["code"] for row in rows}
    missing = {code for code, numbers in expected.items() if code not in shown and any(numbers.values())}
    if missing and name not in SELECTED and not (name in {"waits", "takedowns"} or missing <= {"total"}):
        raise Wrong(f"{name}: no row for {missing}")
    for row in rows:
        if name == "surges" and row["code"] not in expected:
            raise Wrong(f"{row['code']} is not five in a week of the period")
        check_row(name, row, expected.get(row["code"], Zero()), done)
    if name in BY_ONE:
        check_shares(name, table["rows"], sum(numbers["n"] for code, numbers in expected.items() if code != "total"))
    stands = basis(name, now)
    for key, truth in zip(("n", "of"), stands or (), strict=False):
        if key not in table["basis"]["hidden"] and table["basis"][key] != truth:
            raise Wrong(f"{name}: basis {key} is {table['basis'][key]}, not {truth}")


def check_row(name: str, row: Mapping[str, Any], expected: Mapping[str, Any], done: Compared) -> None:
    for column, value in row["values"].items():
        where = f"{name}/{row['code']}/{column}"
        if column == "share" and name in BY_ONE and row["code"] != "total":
            continue  # these add up: see check_shares
        truth = expected[column]
        if column in row["hidden"]:
            if value is not None:
                raise Wrong(f"{where} is called hidden, and told: {value}")
            done.hidden += 1
            continue
        if column == "in_time_share" and value is not None:  # as it stands in the table of answers
            answers = [row["values"][each] for each in ANSWERS if each not in row["hidden"]]
            truth = apportioned(answers, row["values"]["n"])[0]
        if isinstance(truth, int) and truth in SMALL and column not in {"middle", "most", "hours", "advisers"}:
            raise Wrong(f"{where} is small, {truth}, and told")
        if not same(value, truth):
            raise Wrong(f"{where} is {value}, not {truth}")
        done.told += 1
        done.tables[name] += 1


def same(value: float | None, truth: Any) -> bool:
    """A percentage has one decimal and is the nearest one; everything else is the same number."""
    if isinstance(truth, Fraction) and value is not None:
        return round(value, 1) == value and abs(Fraction(str(value)) - truth) <= Fraction(1, 20)
    return bool(value == truth)


def check_shares(name: str, rows: Sequence[Mapping[str, Any]], whole: int) -> None:
    """What is hidden shares what is left over."""
    told = [row for row in rows if "n" not in row["hidden"]]
    if not whole or any("share" in row["hidden"] for row in told):
        return
    right = apportioned([row["values"]["n"] for row in told], whole)
    shares = [row["values"]["share"] for row in told]
    if shares != right:
        raise Wrong(f"{name}: shares {shares}, not {right}")
    if len(told) == len(rows) and sum(round(10 * share) for share in shares) != 1000:
        raise Wrong(f"{name}: shares add up to {sum(shares)}")


def apportioned(parts: Sequence[int], whole: int) -> list[float]:
    """Largest remainder, worked out with fractions: percent with one decimal, with what is not in `parts` 100.0."""
    exact = [Fraction(1000 * part, whole) for part in [*parts, whole - sum(parts)]]
    tenths = [int(each) for each in exact]
    order = sorted(range(len(exact)), key=lambda at: exact[at] - tenths[at], reverse=True)
    for at in order[: 1000 - sum(tenths)]:
        tenths[at] += 1
    return [each / 10 for each in tenths[:-1]]


def percent(part: int, whole: int) -> Fraction | None:
    return Fraction(100 * part, whole) if whole else None


def told_of(conn: sqlite3.Connection, days: Days, compare: Compare | None) -> dict[str, Any]:
    made = report(conn, days, compare, service="Trial", local=OpeningHours().local, now=NOW)
    found: dict[str, Any] = json.loads(as_json(made))
    return found


def checked(conn: sqlite3.Connection, days: Days, compare: Compare | None, now: Mapping[str, str]) -> Compared:
    told = told_of(conn, days, compare)
    then = raw(conn, *before(days, compare), now) if compare else None
    if then and not any("before" in each for each in columns(told)):
        assert not [*then.cases, *then.contacts, *then.takedowns]
        then = None
    return check(told, raw(conn, days.first, days.end, now), then)


def columns(told: Mapping[str, Any]) -> Iterator[set[str]]:
    return ({column["key"] for column in section["table"]["columns"]} for section in told["sections"])


def before(days: Days, compare: Compare) -> tuple[date, date]:
    if compare is Compare.PREVIOUS:
        return days.first - (days.end - days.first), days.first
    return days.first.replace(year=days.first.year - 1), days.end.replace(year=days.end.year - 1)


# --- the invented years ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    database = two_years_in(tmp_path_factory.mktemp("years"))
    with closing(sqlite3.connect(database, isolation_level=None)) as opened:
        yield opened


def test_every_figure_of_the_published_year_is_what_the_facts_say(conn: sqlite3.Connection) -> None:
    done = checked(conn, YEAR, Compare.YEAR, {})
    assert set(done.tables) == set(TABLES)
    assert done.told > 700
    assert done.hidden > 50


@pytest.mark.parametrize(
    ("days", "compare"),
    [
        (YEAR, None),
        (Days(date(2021, 11, 1), date(2022, 2, 1)), Compare.PREVIOUS),
        (Days(date(2021, 11, 5), date(2022, 3, 20)), Compare.PREVIOUS),
        (Days(date(2021, 12, 25), date(2021, 12, 26)), Compare.YEAR),
        (Days(date(2020, 11, 1), date(2022, 11, 1)), None),
        (Days(date(2022, 11, 1), date(2023, 11, 1)), Compare.YEAR),
        (Days(date(2019, 11, 1), date(2020, 11, 1)), Compare.YEAR),
    ],
    ids=str,
)
def test_so_is_every_figure_of_other_periods(conn: sqlite3.Connection, days: Days, compare: Compare | None) -> None:
    checked(conn, days, compare, {})


def test_the_published_figures_are_met(conn: sqlite3.Connection) -> None:
    told = told_of(conn, YEAR, Compare.YEAR)
    tables = {section["table"]["id"]: section["table"] for section in told["sections"]}
    assert told["headline"]["figure"] == "4,078"
    assert tables["concern"]["total"]["values"]["before"] == 680
    assert round(tables["concern"]["total"]["values"]["change"], -1) == 500
    assert [row["code"] for row in tables["concern"]["rows"]][:3] == ["reputation", "impersonation", "cyberbullying"]
    assert tables["concern"]["rows"][0]["values"]["share"] > 50
    assert tables["platform"]["rows"][0]["code"] == "tiktok"
    assert tables["role"]["rows"][0]["code"] == "teacher"
    assert tables["setting"]["rows"][0]["code"] == "secondary"
    assert 93.5 < tables["takedowns"]["total"]["values"]["gone"] < 95


def test_one_number_that_is_wrong_would_be_noticed(conn: sqlite3.Connection) -> None:
    """The negative control: each number that is told is changed in turn, a few of each table."""
    told = told_of(conn, YEAR, Compare.YEAR)
    now, then = raw(conn, YEAR.first, YEAR.end, {}), raw(conn, *before(YEAR, Compare.YEAR), {})
    for section in told["sections"]:
        table = section["table"]
        expected = TABLES[table["id"]](now, then)
        check_table(table, expected, now, Compared())
        for at in {0, len(table["rows"]) // 2}:
            for column, value in table["rows"][at]["values"].items():
                if value is None:
                    continue
                changed = deepcopy(table)
                changed["rows"][at]["values"][column] = value + (0.1 if isinstance(value, float) else 1)
                with pytest.raises(Wrong):
                    check_table(changed, expected, now, Compared())


# --- any facts -------------------------------------------------------------------------------------------------------

CODES = {
    "channel": ["web", "telegram"], "role": ["teacher", "parent", None], "nation": ["england", "wales", None],
    "concern": ["reputation", "hate", "scams", None], "issue": ["reputation", "hate", "scams", None],
    "also": [(), ("threats",), ("reputation", "threats"), ("scams", "threats"), None],
    "platform": ["tiktok", "x", None], "language": ["en"], "library": ["v1"], "reason": ["asked"],
    "tier": [1], "outcome": ["advised", "left"], "answer_wait_s": [0, 1, 60, 3600, None], "put_back": [0],
    "answered_in_time": [0, 1], "taxonomy": [1, 2], "lane": ["live", "messages", None], "setting": ["primary", None],
    "route": ["police", None], "escalation": ["needed", "clarified", None], "knew_tools": ["yes", "no", None],
    "urls": [None, 0, 3], "signposts": ['["iwf"]', '["iwf","posh"]', "[]", None], "is_return": [0, 1, None],
    "scope": ["in_scope", "out_of_scope", "not_sure", None], "hour": [9],
}  # fmt: skip
CONTACTS = {
    **{name: CODES[name] for name in ("channel", "role", "nation", "concern", "platform", "language", "library",
       "knew_tools", "hour")},
    "is_return": [0, 1], "helped": ["yes", "no", None], "stood": ["advised", "handed_over", "begun"],
}  # fmt: skip
TAKEDOWNS = {
    "platform": ["tiktok", "x"], "what": ["post", "video"], "nation": ["wales", None], "concern": ["hate", None],
    "stage": ["reported", "removed", "partly", "not_known"], "reported": [0, 1], "on_behalf": [0, 1],
    "hours": [0, 71, 72, 300],
}  # fmt: skip
FIRST = date(2023, 12, 20)
"""Over two turns of the year and a leap day."""


def facts(of: Mapping[str, Sequence[Any]]) -> st.SearchStrategy[list[tuple[int, int, dict[str, Any]]]]:
    """So often, on such a day, with such codes: enough alike to be told, and some that are small."""
    codes = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in of.items()})
    return st.lists(st.tuples(st.sampled_from([1, 3, 5, 8]), st.integers(0, 800), codes), max_size=6)


def consistent(table: str, fact: dict[str, Any]) -> dict[str, Any]:
    """As a trigger would have written it; `also` is what else it was about."""
    if table == "case_facts":
        also = fact.pop("also")
        listed = None if also is None or fact["issue"] is None else json.dumps([*dict.fromkeys([fact["issue"], *also])])
        left = fact["answer_wait_s"] is None or fact["outcome"] == "left"
        return {**fact, "concerns": listed, **({"answer_wait_s": None, "answered_in_time": None} if left else {})}
    if table == "takedown_facts":
        hours = fact["hours"] if fact["stage"] == "removed" and fact["reported"] else None
        stage = fact["stage"] if fact["reported"] else None
        return {**fact, "stage": stage, "hours": hours, "within_72": None if hours is None else int(hours <= 72)}
    return fact


def put(conn: sqlite3.Connection, table: str, found: list[tuple[int, int, dict[str, Any]]]) -> None:
    for times, day, fact in found:
        row = {"period": (FIRST + timedelta(days=day)).isoformat(), **consistent(table, dict(fact))}
        marks = ", ".join("?" * len(row))
        conn.executemany(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", [list(row.values()) for _ in range(times)]
        )


def renewed(conn: sqlite3.Connection) -> Mapping[str, str]:
    """A second list: hate counts as threats, scams is retired for nothing. Returns what that makes of codes."""
    conn.execute("INSERT INTO adviser (name, email, password, role, capacity, added_at)"
                 " VALUES ('L', 'l@example.org', '$argon2id$x', 'lead', 0, 0)")  # fmt: skip
    conn.execute("INSERT INTO taxonomy_term SELECT 2, code, label, code, place FROM taxonomy_term"
                 " WHERE code NOT IN ('hate', 'scams')")  # fmt: skip
    conn.execute("INSERT INTO taxonomy_term VALUES (2, 'hate', 'Hate', 'threats', 90), (2, 'scams', 'Scams', NULL, 91)")
    conn.execute("INSERT INTO taxonomy VALUES (2, 0, 1, 'trial')")
    return {"hate": "threats"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    facts(CODES),
    facts(CONTACTS),
    facts(TAKEDOWNS),
    st.integers(366, 700),
    st.integers(1, 100),
    st.sampled_from([None, *Compare]),
    st.booleans(),
)
def test_so_is_every_figure_of_any_facts(
    cases: list[tuple[int, int, dict[str, Any]]],
    contacts: list[tuple[int, int, dict[str, Any]]],
    reported: list[tuple[int, int, dict[str, Any]]],
    first: int,
    length: int,
    compare: Compare | None,
    renew: bool,
) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        teach(conn, Seal(bytes(32)))
        migrations.apply(Database(conn))
        now = renewed(conn) if renew else {}
        for table, found in (("case_facts", cases), ("contact_facts", contacts), ("takedown_facts", reported)):
            put(conn, table, found)
        days = Days(FIRST + timedelta(days=first), FIRST + timedelta(days=first + length))
        if (days.first.month, days.first.day) != (2, 29) and (days.end.month, days.end.day) != (2, 29):
            checked(conn, days, compare, now)
