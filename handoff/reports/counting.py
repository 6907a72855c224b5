"""The facts of a stretch of days become the numbers of a report, all of them read from one snapshot."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations
from typing import Final

from handoff.periods import Days
from handoff.reports import carried
from handoff.reports.carried import Carried
from handoff.reports.counts import UNSAID, Codes, Counted, Split
from handoff.reports.measures import Load
from handoff.reports.model import ENOUGH
from handoff.reports.sweeping import Kind, Swept, Tally, months, sweep

PAIRS: Final = 10
"""So many pairs of concerns are told."""
CONCERNS: Final = frozenset({"concern"})
"""Names whose codes are categories, and are carried over to the newest version."""
Lengths = Sequence[int]
"""The shortest first."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything counted of one stretch of days. Cases, contacts and takedowns are never added together."""

    days: Days
    cases: Counted
    contacts: Counted
    takedowns: Counted
    waits: Mapping[tuple[str, str], Lengths]
    """Seconds until the first answer, by month and lane."""
    removals: Mapping[str, Lengths]
    """Whole hours from the first report to the removal, by platform."""
    urls: int
    """Addresses that advisers wrote down as reported, added up."""
    with_urls: int
    """In how many cases they wrote down any."""
    oldest_version: int | None
    """Of the categories that cases were recorded under."""
    loads: tuple[Load, ...]
    """Of the months that lie wholly in these days."""
    still_open: int
    """Cases of these days that have not ended: in none of the numbers."""

    @property
    def kinds(self) -> Mapping[str, Counted]:
        return {"cases": self.cases, "contacts": self.contacts, "takedowns": self.takedowns}


def count(conn: sqlite3.Connection, days: Days) -> Facts:
    """Reads everything from one snapshot: one of its own, unless a transaction goes on already."""
    with snapshot(conn):
        now = carried.read(conn)
        cases, takedowns = sweep(conn, _CASES, days), sweep(conn, _TAKEDOWNS, days)
        yes = {
            "concern": _concerns(cases.tallies[("concerns",)], now),
            "signpost": _listed(cases.tallies[("signposts",)]),
        }
        return Facts(
            days,
            _counted(_CASES, cases, days, now, yes),
            _counted(_CONTACTS, sweep(conn, _CONTACTS, days), days, now, {}),
            _counted(_TAKEDOWNS, takedowns, days, now, {}),
            cases.lengths,
            _by_platform(takedowns.tallies["platform", "hours"]),
            cases.folded.get("urls", 0),
            cases.folded.get("with_urls", 0),
            cases.folded.get("oldest_version"),
            _loads(conn, days),
            int(conn.execute(_OPEN, [days.first.isoformat(), days.end.isoformat()]).fetchone()[0]),
        )


def beside(facts: Facts) -> Facts:
    """Only what a report tells of a compared period: the rest need not be hidden there, nor hide anything else."""

    def narrowed(counted: Counted) -> Counted:
        splits = {split: found for split, found in counted.splits.items() if not split[1:] and split != ("lane",)}
        alone = {codes: times for codes, times in counted.yes.get("concern", {}).items() if not codes[1:]}
        return replace(counted, splits=splits, yes={"concern": alone} if alone else {})

    kinds = {name: narrowed(counted) for name, counted in facts.kinds.items()}
    return replace(facts, cases=kinds["cases"], contacts=kinds["contacts"], takedowns=kinds["takedowns"])


def first_days(conn: sqlite3.Connection) -> Mapping[str, date]:
    """The first day there is a fact of each kind of; without the kinds of which there is none."""
    found = {
        name: conn.execute(f"SELECT min(period) FROM {kind.table} WHERE {kind.only}").fetchone()[0]
        for name, kind in _KINDS.items()
    }
    return {name: date.fromisoformat(day) for name, day in found.items() if day is not None}


@contextmanager
def snapshot(conn: sqlite3.Connection) -> Iterator[None]:
    """What is read within is as it was at the first read, whatever is written meanwhile."""
    if conn.in_transaction:
        yield
        return
    conn.execute("BEGIN")
    try:
        yield
    finally:
        conn.execute("ROLLBACK")


# --- within ----------------------------------------------------------------------------------------------------------

_UNTOLD: Final = frozenset({("concerns",), ("signposts",), ("platform", "hours")})
"""Counted, but no split of a report."""
_CASES: Final = Kind(
    "case_facts",
    {
        "concern": "coalesce(issue, concern)", "concerns": "coalesce(concerns, issue, concern)",
        "platform": "platform", "role": "role", "setting": "setting", "nation": "nation", "channel": "channel",
        "language": "language", "came": "iif(is_return = 0, 'first', iif(is_return, 'again', NULL))",
        "lane": "lane", "escalation": "escalation", "knew_tools": "knew_tools", "scope": "scope",
        "outcome": "outcome", "route": "route", "signposts": "signposts",
        "answer": "iif(answered_in_time, 'in_time', iif(answered_in_time IS NOT NULL, 'late',"
        " iif(outcome = 'left', 'left', 'no_answer')))",
    },
    (("concern", "platform", "escalation"), ("lane", "answer", "channel", "language", "came"),
     ("role", "setting", "nation"), ("knew_tools", "scope", "outcome", "route"), ("concerns",), ("signposts",)),
    (("concern",), ("platform",), ("role",), ("setting",), ("nation",), ("channel",), ("language",), ("came",),
     ("lane",), ("escalation",), ("knew_tools",), ("scope",), ("outcome",), ("route",), ("answer",),
     ("concern", "platform"), ("concern", "escalation"), ("lane", "answer"), ("concerns",), ("signposts",)),
    by_month=(("answer",),),
    lengths={
        **{lane: f"iif(lane = '{lane}', answer_wait_s, NULL)" for lane in ("live", "messages", "call_backs")},
        UNSAID: "iif(lane IS NULL, answer_wait_s, NULL)",
    },
    folded={
        "urls": ("sum(urls)", sum), "with_urls": ("count(nullif(urls, 0))", sum),
        "oldest_version": ("min(taxonomy)", min),
    },
)  # fmt: skip
_CONTACTS: Final = Kind(
    "contact_facts",
    {
        "concern": "concern",
        "met": "iif(stood = 'handed_over', 'adviser', 'bot')",
        "helped": "helped",
        "knew_tools": "knew_tools",
    },
    (("concern",), ("met", "helped", "knew_tools")),
    (("concern",), ("met",), ("helped",), ("knew_tools",)),
)
_TAKEDOWNS: Final = Kind(
    "takedown_facts",
    {
        "platform": "platform", "what": "what", "on_behalf": "iif(on_behalf, 'yes', 'no')", "hours": "hours",
        "result": """CASE WHEN stage = 'removed' THEN iif(within_72, 'within_72', 'later')
            WHEN stage IN ('partly', 'not_removed') THEN 'still_there'
            WHEN stage IN ('withdrawn', 'not_known') THEN 'not_known' ELSE 'with_platform' END""",
    },
    (("platform", "result"), ("what", "on_behalf"), ("platform", "hours")),
    (("platform",), ("what",), ("result",), ("on_behalf",), ("platform", "result"), ("platform", "hours")),
    only="reported",
)  # fmt: skip
_KINDS: Final = {"cases": _CASES, "contacts": _CONTACTS, "takedowns": _TAKEDOWNS}
_OPEN = """
SELECT count(*) FROM queue_item JOIN cases ON cases.id = queue_item."case"
 WHERE state NOT IN ('done', 'abandoned') AND cases.conversation > 0 AND opened_on >= ? AND opened_on < ?
"""
_LOADS = "SELECT month, closed, handled_s FROM adviser_load WHERE month >= ? AND month < ? ORDER BY month, closed"


def _counted(kind: Kind, swept: Swept, days: Days, now: Carried, yes: Mapping[str, Mapping[Codes, int]]) -> Counted:
    """In the report's own codes; every month the period touches has a number."""
    splits: dict[Split, Mapping[Codes, int]] = {(): {(): swept.total}}
    splits |= {split: _coded(split, tally, now) for split, tally in swept.tallies.items() if split not in _UNTOLD}
    for split in kind.by_month:
        found: dict[Codes, int] = dict.fromkeys(((month,) for month in days.months()), 0)
        for codes, times in splits["month", *split].items():
            found[codes[:1]] += times
        splits[("month",)] = found
    return Counted(days, splits, yes)


def _coded(split: Split, found: Tally, now: Carried) -> Mapping[Codes, int]:
    coded: Counter[Codes] = Counter()
    for codes, times in found.items():
        coded[tuple(_code(name, code, now) for name, code in zip(split, codes, strict=True))] += times
    return dict(coded)


def _code(name: str, code: str, now: Carried) -> str:
    if not code:
        return UNSAID
    return now.told(code) if name in CONCERNS else code


def _concerns(found: Tally, now: Carried) -> Mapping[Codes, int]:
    """In how many cases a concern was the main one or another, and in how many two of them stood together: of the
    pairs, only those that may be told and are among the PAIRS most frequent."""
    involves: Counter[Codes] = Counter()
    pairs: Counter[Codes] = Counter()
    for (listed,), times in found.items():
        codes = {now.told(code) for code in _codes(listed)}
        involves.update(dict.fromkeys(((code,) for code in codes), times))
        pairs.update(dict.fromkeys(combinations(sorted(codes), 2), times))
    often = sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:PAIRS]
    return {**involves, **{pair: pairs[pair] for pair in often if pairs[pair] >= ENOUGH}}


def _listed(found: Tally) -> Mapping[Codes, int]:
    """In how many cases each code of a list stands; a case without a list is in none of them."""
    total: Counter[Codes] = Counter()
    for (listed,), times in found.items():
        total.update(dict.fromkeys(((code,) for code in _codes(listed)), times))
    return dict(total)


def _codes(listed: str) -> frozenset[str]:
    """Of a JSON array of codes, or of one code that stands alone."""
    if listed.startswith("["):
        return frozenset(json.loads(listed))
    return frozenset({listed} if listed else ())


def _by_platform(found: Tally) -> Mapping[str, Lengths]:
    hours: dict[str, list[int]] = {}
    for (platform, length), times in found.items():
        hours.setdefault(platform, []).extend([int(length)] * times if length else [])
    return {platform: sorted(lengths) for platform, lengths in hours.items()}


def _loads(conn: sqlite3.Connection, days: Days) -> tuple[Load, ...]:
    whole = [f"{first:%Y-%m}" for first, end in months(days) if first.day == end.day == 1]
    if not whole:
        return ()
    rows = conn.execute(_LOADS, [whole[0], whole[-1] + "~"]).fetchall()
    found = {month: [row for row in rows if row[0] == month] for month in whole}
    return tuple(
        Load(month, tuple(row[1] for row in each), sum(row[2] for row in each)) for month, each in found.items()
    )
