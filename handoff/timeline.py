"""What happened in a case, in order: moves, talk in stretches, notes, decisions, its closing, cases linked to it."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handoff import decisions, people
from handoff.decisions import Decision
from handoff.domain import AdviserId, CaseId, Note
from handoff.moments import from_ms
from handoff.seal import Seal
from handoff.thread import notes

TALK, PAGE_SENT = "talk", "page.sent"
DECISION, NOTE, LINKED_OPENED, LINKED_ENDED = "decision", "note", "linked.opened", "linked.ended"
LINK_CONFIRMED, LINK_DISMISSED = "linked.confirmed", "linked.dismissed"
ONE_STRETCH = timedelta(minutes=30)
"""Lines of a conversation with less than so much between them are told as one stretch."""
_TOLD_ELSEWHERE = ("note", "decision", "link", "record", "access", "practice")
"""Events whose own tables say more, or that are no part of what happened."""
_LINES = frozenset({"message.heard", "message.said"})
_DELIVERIES_TOLD = frozenset({"delivery.failed", "delivery.unknown"})


@dataclass(frozen=True, slots=True)
class Stretch:
    """How much was said, by whom, until when."""

    heard: int
    said: int
    until: datetime


@dataclass(frozen=True, slots=True)
class LinkedCase:
    """A case that belongs, or was said not to belong, to the same enquirer: codes only."""

    id: CaseId
    reference: str
    concern: str | None
    outcome: str | None
    opened_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `kind` is an event's, or one of the names above; what belongs to it comes with it."""

    at: datetime
    kind: str
    adviser_id: AdviserId | None = None
    stretch: Stretch | None = None
    note: Note | None = None
    decision: Decision | None = None
    linked: LinkedCase | None = None
    page: str | None = None
    """The id of a page of the library."""


@dataclass(frozen=True, slots=True)
class Term:
    """What a case was about, as the taxonomy called it when it was closed."""

    code: str
    label: str
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Closing:
    """The facts a case was closed with, in codes."""

    adviser_id: AdviserId
    at: datetime
    terms: tuple[Term, ...]
    role: str | None
    setting: str | None
    nation: str | None
    platform: str | None
    route: str | None
    escalation: str | None
    urls: int | None
    signposts: tuple[str, ...]
    follow_up: bool


def of_case(conn: sqlite3.Connection, seal: Seal, case_id: CaseId) -> tuple[Entry, ...]:
    """Everything, oldest first; notes and rationales opened: only for whoever may see the case."""
    told = [*_events(conn, case_id), *_links(conn, case_id), *_pages(conn, case_id)]
    told += [Entry(each.at, NOTE, each.adviser_id, note=each) for each in notes(conn, seal, case_id)]
    told += [Entry(each.at, DECISION, each.adviser, decision=each) for each in decisions.of_case(conn, seal, case_id)]
    return tuple(_in_stretches(sorted(told, key=lambda entry: entry.at)))


def closing_of(conn: sqlite3.Connection, case_id: CaseId) -> Closing | None:
    """None while it is open, and where it ended by itself."""
    cursor = conn.cursor()
    cursor.row_factory = sqlite3.Row
    row = cursor.execute('SELECT * FROM closing WHERE "case" = ?', [case_id]).fetchone()
    if row is None:
        return None
    terms = tuple(Term(each[0], each[1], bool(each[2])) for each in conn.execute(_TERMS, [case_id]))
    facts = {name: row[name] for name in ("role", "setting", "nation", "platform", "route", "escalation", "urls")}
    signposts = tuple(json.loads(row["signposts"]))
    return Closing(
        AdviserId(row["adviser"]),
        from_ms(row["at"]),
        terms,
        signposts=signposts,
        follow_up=bool(row["follow_up"]),
        **facts,
    )


def linked_case(conn: sqlite3.Connection, case_id: CaseId) -> LinkedCase | None:
    """A case at a glance; None once it was forgotten."""
    row = conn.execute(_LINKED, [case_id]).fetchone()
    if row is None:
        return None
    return LinkedCase(CaseId(row[0]), row[1], row[2], row[3], from_ms(row[4]), row[5] and from_ms(row[5]))


# --- within ----------------------------------------------------------------------------------------------------------

_EVENTS = 'SELECT kind, adviser, at FROM event WHERE "case" = ? ORDER BY seq'
_PAGES = """
SELECT i.page, m.adviser, i.at FROM insertion i
  LEFT JOIN message m ON m."case" = i."case" AND m.seq = i.seq WHERE i."case" = ?
"""
_TERMS = """
SELECT t.term, x.label, t.is_primary FROM case_term t JOIN taxonomy_term x ON x.version = t.taxonomy AND x.code = t.term
 WHERE t."case" = ? ORDER BY t.is_primary DESC, x.place
"""
_LINKED = """
SELECT c.id, c.reference, c.concern, q.outcome, c.opened_at, iif(q.state IN ('done', 'abandoned'), q.moved_at, NULL)
  FROM cases c JOIN queue_item q ON q."case" = c.id WHERE c.id = ?
"""


def _events(conn: sqlite3.Connection, case_id: CaseId) -> Iterator[Entry]:
    for kind, adviser, at in conn.execute(_EVENTS, [case_id]):
        family = kind.partition(".")[0]
        if family in _TOLD_ELSEWHERE or (family == "delivery" and kind not in _DELIVERIES_TOLD):
            continue
        yield Entry(from_ms(at), kind, None if adviser is None else AdviserId(adviser))


def _links(conn: sqlite3.Connection, case_id: CaseId) -> Iterator[Entry]:
    """Who said what of another case; of those that belong to the same enquirer, when they began and ended."""
    for link in people.links(conn, case_id):
        linked = linked_case(conn, link.other)
        if linked is None:
            continue
        is_confirmed = link.verdict is people.Verdict.CONFIRMED
        yield Entry(link.at, LINK_CONFIRMED if is_confirmed else LINK_DISMISSED, link.adviser_id, linked=linked)
        if is_confirmed:
            yield Entry(linked.opened_at, LINKED_OPENED, linked=linked)
            if linked.ended_at:
                yield Entry(linked.ended_at, LINKED_ENDED, linked=linked)


def _pages(conn: sqlite3.Connection, case_id: CaseId) -> Iterator[Entry]:
    for page, adviser, at in conn.execute(_PAGES, [case_id]):
        yield Entry(from_ms(at), PAGE_SENT, None if adviser is None else AdviserId(adviser), page=page)


def _in_stretches(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Lines that follow each other closely become one entry: who said how much."""
    stretch: Entry | None = None
    for entry in entries:
        if entry.kind not in _LINES:
            if stretch:
                yield stretch
            stretch = None
            yield entry
            continue
        line = _line(entry)
        if stretch is not None and entry.at - _until(stretch) < ONE_STRETCH:
            stretch = _joined(stretch, line)
            continue
        if stretch:
            yield stretch
        stretch = line
    if stretch:
        yield stretch


def _line(entry: Entry) -> Entry:
    is_said = entry.kind == "message.said"
    return Entry(entry.at, TALK, entry.adviser_id, Stretch(int(not is_said), int(is_said), entry.at))


def _until(entry: Entry) -> datetime:
    assert entry.stretch
    return entry.stretch.until


def _joined(stretch: Entry, line: Entry) -> Entry:
    assert stretch.stretch
    assert line.stretch
    one, other = stretch.stretch, line.stretch
    return replace(stretch, stretch=Stretch(one.heard + other.heard, one.said + other.said, other.until))
