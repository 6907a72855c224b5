"""Somebody outside has a report that was passed on, as JSON, and tries every number in it: what is hidden stays so."""

import json
import random
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from itertools import product
from typing import Any

import pytest

from handoff.domain import NewCase
from handoff.hours import OpeningHours
from handoff.periods import Days
from handoff.queue import Queue
from handoff.reports import building, making, sheets
from handoff.reports.as_json import as_data
from handoff.reports.chapters import service, surging
from handoff.seal import Seal
from tests.attacker import Attacker, Paper, Span
from tests.reports_facts import NOW, advisers, case, opened

MARCH = Days(date(2026, 3, 1), date(2026, 5, 1))
SINGLE = {
    "concern": "concern", "platform": "platform", "role": "role", "setting": "setting", "nation": "nation",
    "channel": "channel", "language": "language", "came": "came", "escalation": "escalation",
    "knew-tools": "knew_tools", "scope": "scope", "outcome": "outcome", "route": "route", "answers": "answer",
}  # fmt: skip
"""Tables of cases by one name."""
CROSSED = {"platform-concern": ("concern", "platform"), "escalation-concern": ("concern", "escalation"),
           "waits": ("lane", "answer"), "waits-month": ("month", "answer")}  # fmt: skip
LEFT, BACK = (("outcome",), ("left",)), (("outcome",), ("given_back",))
Data = Mapping[str, Any]


class Outsider:
    """Lays all that is printed of cases into one paper, and says what follows of what is not."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.tables = {each["table"]["id"]: each["table"] for each in data["sections"]}
        self.paper = Paper()
        self.found: list[object] = []
        self.days = date.fromisoformat(data["period"]["first"]), _after(data["period"]["last"])
        self.whole = self.tables["month"]["total"]["values"]["n"]
        self.paper.put((), (), self.days, self.whole)
        self.codes = {name: [row["code"] for row in self.tables[id_]["rows"]] for id_, name in SINGLE.items()}
        self.codes["lane"] = [row["code"] for row in self.tables["waits"]["rows"]]
        for id_, name in SINGLE.items():
            for row in self.tables[id_]["rows"]:
                self.paper.put((name,), (row["code"],), self.days, self.number(row))
        for id_, names in CROSSED.items():
            self._crossed(id_, names)
        for row in self.tables["month"]["rows"]:
            self.paper.put((), (), self.span(row["code"]), row["values"]["n"])
        for row in self.tables["waits"]["rows"]:
            self.paper.put(("lane",), (row["code"],), self.days, row["values"]["n"])
        for row in self.tables["waits-month"]["rows"]:
            self.paper.put((), (), self.span(row["code"]), row["values"]["n"])

    def number(self, row: Data) -> int | None:
        """As told; else from its share, or from its change, where only one number has those."""
        told, values = row["values"]["n"], row["values"]
        share, change, before = values.get("share"), values.get("change"), values.get("before")
        fits = [
            n
            for n in range(1, (self.whole or 0) + 1)
            if (share is not None and round(100 * n / self.whole, 1) == share)
            or (change is not None and before and round(100 * (n - before) / before, 1) == change)
        ]
        return fits[0] if told is None and len(fits) == 1 else told

    def span(self, month: str) -> Span:
        first = date.fromisoformat(f"{month}-01")
        return max(first, self.days[0]), min((first + timedelta(days=32)).replace(day=1), self.days[1])

    def known(self) -> list[object]:
        """Every hidden number that is known, and every number from 1 to 4."""
        reader = Attacker(self.codes, [self.paper])
        value = {(names, codes): n for (((names, codes), span), n) in self.paper.numbers.items() if span == self.days}
        reader.same((("answer",), ("left",)), LEFT)
        for name in ("route", "setting"):
            for parts in ((LEFT,), (LEFT, BACK)):
                if self._agree(name, parts):
                    reader.same(((name,), ("not_said",)), *parts)
        for number, n in self.paper.numbers.items():
            if n is None and reader.sum_of([number]) is not None:
                self.found.append(number)
        for series, span in product(value, reader.spans()):
            if reader.sum_of([(series, span)]) in range(1, 5):
                self.found.append((series, span))
        self._loads(reader)
        self._surges()
        return self.found

    # --- within

    def _agree(self, name: str, parts: tuple[Any, ...]) -> bool:
        """Cases of this test are wrapped up whole: so it is known which of the two it is."""
        return parts == (LEFT,) and name == "route" and "given_back" not in self.codes["outcome"]

    def _crossed(self, id_: str, names: tuple[str, str]) -> None:
        for row, column in product(self.tables[id_]["rows"], self.codes[names[1]]):
            if column in row["values"]:
                told = row["values"][column]
                if names[0] == "month":
                    self.paper.put(names[1:], (column,), self.span(row["code"]), told)
                else:
                    self.paper.put(names, (row["code"], column), self.days, told)

    def _loads(self, reader: Attacker) -> None:
        """An average with a fraction says how many it is of: those that were closed. The rest of the month left."""
        for row in self.tables["load"]["rows"]:
            handled = row["values"]["handled"]
            month = reader.sum_of([(((), ()), self.span(row["code"]))])
            if handled is None or month is None:
                continue
            closed = Fraction(handled).limit_denominator(month).denominator
            if closed * 2 > month and 0 < month - closed < 5:
                self.found.append(("left", row["code"], month - closed))
            most, n = row["values"]["most"], row["values"]["advisers"]
            if most is not None and n + most - 1 == month:  # each closed one at least
                self.found.append(("load", row["code"]))

    def _surges(self) -> None:
        """`seen` of a week and `before` of the eight before it, both in the period, and no more than there are."""
        steps = surging.STEPS
        for row in self.tables["surges"]["rows"]:
            concern, platform = row["code"].split(".")[:2]
            number = ((("concern", "platform"), (concern, platform)), self.days)
            whole, ratio = self.paper.numbers.get(number), row["values"]["ratio"]
            if whole is None or ratio is None:
                continue
            above = min((step for step in steps if step > ratio), default=None)
            fits = {
                (seen, before, whole - seen - before)
                for seen in range(5, whole + 1)
                for before in range(whole - seen + 1)
                if (8 * seen >= ratio * before and (above is None or 8 * seen < above * before)
                    if ratio in steps else before and abs(8 * seen / before - ratio) < 1e-9)
            }  # fmt: skip
            pinned = [set(each) for each in zip(*fits, strict=True)]
            self.found += [(row["code"], each) for each in pinned if len(each) == 1 and each & {1, 2, 3, 4}]


def _after(day: str) -> date:
    return date.fromisoformat(day) + timedelta(days=1)


def told_outside(conn: sqlite3.Connection, days: Days = MARCH) -> Data:
    made = building.report(
        conn, days, None, service="Helpline", local=OpeningHours().local, now=NOW, pass_on=True
    )  # fmt: skip
    return json.loads(json.dumps(as_data(made)))  # type: ignore[no-any-return]


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    made = opened()
    yield made
    made.close()


def believable(conn: sqlite3.Connection, seed: int, number: int = 90) -> None:
    chance = random.Random(seed)
    for _ in range(number):
        is_left = chance.random() < 0.08
        closed: dict[str, Any] = {"setting": chance.choice(["primary", "secondary"]), "route": "lead",
                  "outcome": chance.choices(["advised", "signposted"], (8, 1))[0],
                  "answered_in_time": chance.choices([1, 0, None], (12, 6, 1))[0]}  # fmt: skip
        left = {"setting": None, "route": None, "outcome": "left", "answered_in_time": None}
        case(
            conn,
            period=(MARCH.first + timedelta(days=chance.randrange(61))).isoformat(),
            issue=chance.choices(["hate", "scams", "nudes"], (6, 3, 1))[0],
            platform=chance.choices(["tiktok", "x", None], (6, 2, 2))[0],
            nation=chance.choices(["england", "wales"], (9, 1))[0],
            lane=chance.choices(["live", "messages"], (3, 1))[0],
            **(left if is_left else closed),
        )


@pytest.mark.parametrize("seed", range(8))
def test_nothing_hidden_follows_from_all_that_is_printed(conn: sqlite3.Connection, seed: int) -> None:
    believable(conn, seed)
    assert Outsider(told_outside(conn)).known() == []


def test_who_left_is_not_known_from_another_table(conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who left before an answer stands in two tables. Once that was not reckoned with."""
    case(conn, 8, outcome="left", answered_in_time=None, route=None, setting=None)
    case(conn, 30, answered_in_time=1, route="lead", setting="primary")
    case(conn, 20, answered_in_time=0, route="lead", setting="primary")
    case(conn, 2, answered_in_time=None, route="lead", setting="primary")
    assert Outsider(told_outside(conn)).known() == []
    monkeypatch.setattr(sheets, "SAME", ())
    assert Outsider(told_outside(conn)).known()


def test_an_average_does_not_say_of_how_many_it_is(conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    case(conn, 3, outcome="left", answered_in_time=None)
    case(conn, 31, route="lead", setting="primary")
    for each in advisers(conn, 5):
        conn.execute("INSERT INTO adviser_load VALUES ('2026-03', ?, ?, ?)", [each, 5 + (each < 5) + (each < 3), 7001])
    assert Outsider(told_outside(conn)).known() == []
    monkeypatch.setattr(service, "round", float, raising=False)
    assert ("left", "2026-03", 3) in Outsider(told_outside(conn)).known()


def test_fewer_than_five_cases_of_an_adviser_are_not_told(conn: sqlite3.Connection) -> None:
    case(conn, 9)
    for each in advisers(conn, 5):
        conn.execute("INSERT INTO adviser_load VALUES ('2026-03', ?, 1, 60)", [each])
    data = told_outside(conn)
    row = next(each for each in data["sections"] if each["id"] == "load")["table"]["rows"][0]
    assert (row["values"]["advisers"], row["values"]["middle"], row["values"]["most"]) == (5, None, None)


def test_a_surge_does_not_say_of_what_it_is_a_quotient(
    conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    case(conn, 40, period="2025-12-01", nation="england", route="lead")
    case(conn, 3, period="2026-03-10", issue="scams", platform="x", nation="england", route="lead")
    case(conn, 8, period="2026-04-15", issue="scams", platform="x", nation="england", route="lead")
    case(conn, 60, period="2026-03-10", issue="hate", platform="tiktok", nation="england", route="lead")
    case(conn, 60, period="2026-04-20", issue="hate", platform="tiktok", nation="england", route="lead")
    data = told_outside(conn)
    rows = next(each for each in data["sections"] if each["id"] == "surges")["table"]["rows"]
    assert [(row["code"], row["values"]["ratio"]) for row in rows if "scams" in row["code"]] == [
        ("scams.x.england.2026-04-19", 10)
    ]
    assert Outsider(data).known() == []
    monkeypatch.setattr(surging, "_at_least", lambda surge: surge.ratio or 99.0)
    assert Outsider(told_outside(conn)).known()


def test_the_longest_wait_of_a_few_is_not_told(conn: sqlite3.Connection) -> None:
    for seconds in range(1, 10):
        case(conn, answer_wait_s=seconds)
    assert _waits(told_outside(conn)) == (5, None)
    case(conn, answer_wait_s=10)
    assert _waits(told_outside(conn)) == (5.5, 9)


def _waits(data: Data) -> tuple[float | None, float | None]:
    values = Outsider(data).tables["waits"]["total"]["values"]
    return values["middle"], values["most"]


# --- several reports -------------------------------------------------------------------------------------------------


def passed_on(conn: sqlite3.Connection, days: Days = MARCH) -> Data:
    built = building.built(
        conn, days, None, service="Helpline", local=OpeningHours().local, now=NOW, pass_on=True
    )  # fmt: skip
    return json.loads(json.dumps(as_data(making.remember(conn, built, None, NOW))))  # type: ignore[no-any-return]


def addresses(data: Data) -> int | None:
    rows = Outsider(data).tables["figures"]["rows"]
    return next(row["values"]["n"] for row in rows if row["code"] == "addresses")  # type: ignore[no-any-return]


def test_a_day_s_addresses_do_not_follow_from_two_reports(
    conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    case(conn, 20, period="2026-03-10", urls=2)
    case(conn, 2, period="2026-05-01", urls=3)
    a_day_more = Days(MARCH.first, MARCH.end + timedelta(days=1))
    assert addresses(passed_on(conn)) == 40
    assert addresses(passed_on(conn)) == 40
    assert addresses(told_outside(conn, a_day_more)) is None
    monkeypatch.setattr(building, "_may_tell_addresses", lambda *_: True)
    assert addresses(told_outside(conn, a_day_more)) == 46
    monkeypatch.undo()
    case(conn, 3, period="2026-05-01", urls=1)
    assert addresses(told_outside(conn, a_day_more)) == 49


def test_addresses_of_who_ended_late_do_not_follow(conn: sqlite3.Connection) -> None:
    case(conn, 20, period="2026-03-10", urls=2)
    assert addresses(passed_on(conn)) == 40
    case(conn, 1, period="2026-03-10", urls=3)
    assert addresses(told_outside(conn)) is None


def test_five_addresses_would_say_of_how_many_cases_they_are(conn: sqlite3.Connection) -> None:
    case(conn, 5, urls=1)
    case(conn, 2, urls=0)
    assert addresses(told_outside(conn)) is None


def test_how_many_are_still_open_is_not_passed_on(conn: sqlite3.Connection) -> None:
    """Of two reports of the same days it would say how many ended since, and of a day more how many it had."""
    queue, of_today = Queue(Seal(b"k" * 32), OpeningHours()), Days(NOW.date(), NOW.date() + timedelta(days=1))
    for number in range(1, 9):
        queue.open_case(conn, NewCase(number, 2, "asked", "web", "v1"), NOW)
    notes = passed_on(conn, of_today)["notes"]
    assert not any("8" in note for note in notes if "had not ended" in note)
    assert any("had not ended" in note for note in notes)
