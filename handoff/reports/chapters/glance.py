"""The period in figures: the few numbers a report begins with, and the one it is known by."""

from typing import Final

from handoff.periods import Days
from handoff.reports import saying, wording
from handoff.reports.arithmetic import change, number, total
from handoff.reports.counting import Facts
from handoff.reports.model import ENOUGH, HIDDEN, Basis, Column, Headline, Row, Section, Table, Unit, Value
from handoff.reports.telling import CHANGE, Telling

CHAPTER: Final = "At a glance"
ADDRESSES: Final = "Addresses reported to platforms, as advisers wrote them down"


def sections(telling: Telling) -> tuple[Section, ...]:
    return (_figures(telling),)


def headline(telling: Telling, days: Days) -> Headline:
    """One number for sharing: how many cases, and what most of them were about."""
    cases = number(telling.n("cases"))
    if cases is None:
        return Headline("Too few to tell", f"cases from {saying.days(days)}")
    says = f"{'case' if cases == 1 else 'cases'} from {saying.days(days)}"
    more = wording.than(change(cases, telling.n("cases", then=True)), telling.before).removeprefix(", ")
    return Headline(f"{cases:,}", says, tuple(filter(None, (more and f"{more[0].upper()}{more[1:]}.",))))


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
        ("addresses", ADDRESSES, "Platforms", _addresses(telling.now), _addresses(telling.then)),
    ]  # fmt: skip


def _addresses(facts: Facts | None) -> Value:
    """A sum; of fewer than five cases it is not told."""
    if facts is None:
        return None
    return HIDDEN if 0 < facts.with_urls < ENOUGH else facts.urls


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
