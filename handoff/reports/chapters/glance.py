"""The period in figures: the few numbers a report begins with, and the one it is known by."""

from collections.abc import Iterable
from typing import Final

from handoff.reports import saying, wording
from handoff.reports.arithmetic import change, number, shares, total
from handoff.reports.counting import Facts
from handoff.reports.counts import UNSAID
from handoff.reports.model import ENOUGH, HIDDEN, Basis, Column, Headline, Row, Section, Table, Unit, Value
from handoff.reports.telling import CHANGE, Telling

CHAPTER: Final = "At a glance"
ADDRESSES: Final = "Addresses reported to platforms, as advisers wrote them down"
NOTED: Final = (
    ("escalation", "needed", "had to be escalated"),
    ("knew-tools", "no", "did not know the tools to block and report"),
)
"""Tables of which one answer is said beside the headline: the table, the answer, and what is said of it."""


def sections(telling: Telling) -> tuple[Section, ...]:
    return (_figures(telling),)


def headline(telling: Telling, sections: Iterable[Section]) -> Headline:
    """One number for sharing, and what stands beside it. It is read from the tables: what they hide is hidden here."""
    cases = number(telling.n("cases"))
    if cases is None:
        return Headline("Too few to tell", "how many cases there were")
    more = wording.than(change(cases, telling.n("cases", then=True)), telling.before)
    tables = {each.table.id: each.table for each in sections}
    beside = (_most(tables["concern"]), *(_noted(tables[name], code, said) for name, code, said in NOTED))
    return Headline(f"{cases:,}", f"{'case' if cases == 1 else 'cases'}{more}", tuple(filter(None, beside)))


def _most(table: Table) -> str:
    """The main concern that most cases had; empty where it is not one alone, or what is hidden may be more."""
    told = [(n, row) for row in table.rows if (n := number(row.values[0]))]
    known = [each for each in told if each[1].code != UNSAID]
    most = max((n for n, _ in known), default=0)
    first = [row for n, row in known if n == most]
    whole = number(table.total.values[0]) if table.total else None
    if len(first) != 1 or whole is None or whole - sum(n for n, _ in told) >= most:
        return ""
    return f"{saying.said(first[0].values[1], Unit.PERCENT)} were mainly about “{first[0].label}” ({most:,})."


def _noted(table: Table, code: str, said: str) -> str:
    """How many gave this answer, of those of whom one is known; empty where that is nobody, or not told."""
    answers = {row.code: row.values[0] for row in table.rows if row.code != UNSAID}
    part, noted = number(answers.get(code)), number(table.basis.n)
    if not part or not noted:
        return ""
    share = dict(zip(answers, shares([*answers.values()], noted), strict=True))[code]
    return f"{saying.said(share, Unit.PERCENT)} {said}: {part:,} of the {noted:,} in which this was noted."


def _figures(telling: Telling) -> Section:
    rows = tuple(_row(telling, *each) for each in _numbers(telling))
    table = Table(
        "figures",
        "The period in figures",
        "What is counted",
        _columns(telling),
        rows,
        Basis("cases", telling.n("cases"), telling.n("cases")),
        notes=(
            "A case is one question that came to an adviser. A contact is one enquirer’s talk with the bot. "
            "A contact may become a case, so the two are never added together.",
        ),
    )
    return Section("figures", CHAPTER, "The period in figures", _reading(telling), table)


def _numbers(telling: Telling) -> list[tuple[str, str, str, Value, Value]]:
    def both(kind: str, name: str = "", *codes: str) -> tuple[Value, Value]:
        if not name:
            return telling.n(kind), telling.n(kind, then=True)
        parts = [(telling.n(kind, (name,), code), telling.n(kind, (name,), code, then=True)) for code in codes]
        then = total(*(part[1] for part in parts)) if telling.then is not None else None
        return total(*(part[0] for part in parts)), then

    return [
        ("cases", "Cases", "Cases", *both("cases")),
        ("answered", "Cases that an adviser answered", "Cases", *both("cases", "answer", "in_time", "late")),
        ("contacts", "Contacts", "Contacts with the bot", *both("contacts")),
        ("bot", "Contacts that the bot alone dealt with", "Contacts with the bot", *both("contacts", "met", "bot")),
        ("adviser", "Contacts that were handed to an adviser", "Contacts with the bot",
         *both("contacts", "met", "adviser")),
        ("takedowns", "Posts, accounts and others reported to platforms, each followed up", "Platforms",
         *both("takedowns")),
        ("removed", "Of these, removed", "Platforms", *both("takedowns", "result", "within_72", "later")),
        ("addresses", ADDRESSES, "Platforms", _addresses(telling, telling.now),
         _addresses(telling, telling.then)),
    ]  # fmt: skip


def _addresses(telling: Telling, facts: Facts | None) -> Value:
    """A sum; of fewer than five cases it is not told. Five would say of how many: each has one."""
    if facts is None:
        return None
    is_told = telling.addresses and facts.with_urls >= ENOUGH and facts.urls > ENOUGH
    return facts.urls if is_told or not facts.urls else HIDDEN


def _row(telling: Telling, code: str, label: str, group: str, now: Value, then: Value) -> Row:
    values = (now,) if telling.then is None else (now, then, change(now, then))
    return Row(code, label, values, group)


def _columns(telling: Telling) -> tuple[Column, ...]:
    now = Column("n", "Number", Unit.COUNT)
    return (now,) if telling.then is None else (now, Column("before", telling.column, Unit.COUNT), CHANGE)


def _reading(telling: Telling) -> str:
    cases = number(telling.n("cases"))
    if cases is None:
        return wording.TOO_SMALL
    more = wording.than(change(cases, telling.n("cases", then=True)), telling.before)
    return f"There {wording.was(cases)} {wording.many(cases, 'cases')}{more}."
