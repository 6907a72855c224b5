"""Subject access: everything that is held about one enquirer, found by a reference or a return code.

Nothing is left out and nothing is blacked out: what names somebody else is marked, and a person decides. What the bot
keeps comes through a door.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from handoff.domain import AdviserId, CaseId
from handoff.doors import Access
from handoff.erasing import Asker, Way
from handoff.errors import NotAllowed
from handoff.moments import from_ms, to_ms
from handoff.retention import REMAINS, Found, Standing
from handoff.seal import Seal
from handoff.subject_parts import Part, Value

Row = Mapping[str, Value]
WITH_THE_CASE: Final = "until the case goes: 30 days after it ended, unless this service has set it otherwise"
KEPT: Final = "kept as the audit trail; it leads to nobody once the case is gone"


@dataclass(frozen=True, slots=True)
class OfCase:
    """One case. `goes_at` None while it is open or once it has gone; a held one stays longer."""

    reference: str
    standing: Standing
    goes_at: datetime | None
    forgotten_on: date | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """All that is held. `remains`: what is left of a forgotten case, as codes."""

    made_at: datetime
    cases: tuple[OfCase, ...]
    conversation: tuple[Part, ...]
    remains: tuple[str, ...] = REMAINS

    @property
    def is_empty(self) -> bool:
        return not self.conversation and not any(case.parts for case in self.cases)


@dataclass(frozen=True, slots=True)
class _Sort:
    """A table: its words, and how its rows of a case are found and opened."""

    table: str
    title: str
    what: str
    why: str
    until: str = WITH_THE_CASE
    review: bool = False
    where: str = '"case" = :case'
    sealed: Mapping[str, Callable[[Row, str], str]] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()


def note_request(
    conn: sqlite3.Connection, case_id: CaseId | None, way: Way, asker: Asker, lead: AdviserId | None, now: datetime
) -> None:
    """To be written before anything is handed out. Raises: NotAllowed (no lead)."""
    try:
        conn.execute(_NOTE, [case_id, way, asker, lead, to_ms(now)])
    except sqlite3.IntegrityError as error:
        if str(error) != "access_by_a_lead":
            raise
        raise NotAllowed from error


def held(
    conn: sqlite3.Connection,
    seal: Seal,
    door: Access | None,
    cases: Sequence[Found],
    conversation: int | None,
    now: datetime,
) -> Held:
    """`cases`: all of one conversation's, or one that was forgotten."""
    told = tuple(_case(conn, seal, found) for found in cases)
    if conversation is None:
        return Held(now, told, ())
    beside = _parts(conn, seal, _OF_CONVERSATION, {"conversation": conversation}, "")
    return Held(now, told, (*(door.known(conversation) if door else ()), *beside))


def as_json(held: Held) -> str:
    """The same as the page says, for a program. Times are ISO 8601 in UTC."""
    cases = [
        {
            "reference": case.reference,
            "standing": case.standing,
            "goes_at": case.goes_at and case.goes_at.isoformat(),
            "forgotten_on": case.forgotten_on and case.forgotten_on.isoformat(),
            "parts": [_plain(part) for part in case.parts],
        }
        for case in held.cases
    ]
    told = {
        "schema": "firstline.subject-access.1",
        "made_at": held.made_at.isoformat(),
        "review": "Parts with review=true may name or quote other people. A person must read them, and black out "
        "what is not the enquirer's to have, before this is handed over. Nothing was blacked out.",
        "cases": cases,
        "conversation": [_plain(part) for part in held.conversation],
        "remains_after_forgetting": held.remains,
    }
    return json.dumps(told, ensure_ascii=False, indent=2)


def _plain(part: Part) -> dict[str, object]:
    return {
        "code": part.code,
        "title": part.title,
        "what": part.what,
        "why": part.why,
        "until": part.until,
        "review": part.review,
        "rows": [dict(row) for row in part.rows],
    }


# --- within ----------------------------------------------------------------------------------------------------------


def _case(conn: sqlite3.Connection, seal: Seal, found: Found) -> OfCase:
    parts = () if found.case_id is None else _parts(conn, seal, _OF_CASE, {"case": found.case_id}, found.reference)
    return OfCase(found.reference, found.standing, found.goes_at, found.forgotten_on, parts)


def _parts(
    conn: sqlite3.Connection, seal: Seal, sorts: Sequence[_Sort], about: Mapping[str, int], reference: str
) -> tuple[Part, ...]:
    parts = []
    for sort in sorts:
        rows = tuple(_row(seal, sort, row, reference) for row in _read(conn, sort, about))
        if rows:
            parts.append(Part(sort.table, sort.title, sort.what, sort.why, sort.until, rows, sort.review))
    return tuple(parts)


def _read(conn: sqlite3.Connection, sort: _Sort, about: Mapping[str, int]) -> list[dict[str, object]]:
    cursor = conn.execute(f"SELECT * FROM {sort.table} WHERE {sort.where} ORDER BY 1, 2", about)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _row(seal: Seal, sort: _Sort, row: Mapping[str, object], reference: str) -> Row:
    read = {name: value for name, value in row.items() if name not in sort.hidden}
    codes = {name: value for name, value in read.items() if isinstance(value, str | int | None)}
    return {name: _value(seal, sort, name, value, codes, reference) for name, value in read.items()}


def _value(seal: Seal, sort: _Sort, name: str, value: object, row: Row, reference: str) -> Value:
    if isinstance(value, bytes):
        opened = seal.open(value, sort.sealed[name](row, reference))
        return opened if opened[:1] not in "[{" else _read_json(opened)
    if isinstance(value, int) and (name == "at" or name.endswith(("_at", "_until", "_for", "since"))):
        return from_ms(value).isoformat()
    return value if isinstance(value, str | int | None) else str(value)


def _read_json(text: str) -> Value:
    """Words that only begin like JSON are words."""
    try:
        found: Value = json.loads(text)
    except ValueError:
        return text
    return found


_WORK = "so that the adviser could help, and another could go on"
_CHECK = "so that decisions about children can be looked at again"
_OF_CASE: Final = (
    _Sort("cases", "The case, as it was passed on", "Its reference, its codes, and in `pack` the answers, the pages "
          "shown and the words that were passed on.", "because a person was asked for, or something broke", review=True,
          where="id = :case", sealed={"pack": lambda _, reference: f"case:{reference}:pack"}),
    _Sort("queue_item", "Its way through the queue", "Codes and times.", "so that nobody waits unseen"),
    _Sort("message", "The conversation with advisers", "Every line of it, with its author.", _WORK, review=True,
          sealed={"body": lambda row, _: f"case:{row['case']}:message:{row['seq']}"}),
    _Sort("delivery", "How far messages got", "States and times.", "so that an adviser sees what did not arrive",
          where='message IN (SELECT id FROM message WHERE "case" = :case)'),
    _Sort("insertion", "Pages that advisers sent", "Which page, in which version.", _CHECK, KEPT),
    _Sort("note", "Advisers' notes", "What advisers wrote for each other.", _WORK, review=True,
          sealed={"body": lambda row, _: f"case:{row['case']}:note:{row['seq']}"}),
    _Sort("contact", "Contact details", "For a call-back: every version.", "because a call-back was agreed",
          review=True, sealed={"body": lambda row, _: f"case:{row['case']}:contact:{row['version']}"}),
    _Sort("identity_reveal", "Who looked at contact details", "Which adviser, when, and why in their words.",
          "so that nobody looks without a reason", "the words with the case; that somebody looked is kept", True,
          sealed={"words": lambda row, _: f"reveal:{row['id']}"}),
    _Sort("decision", "Decisions", "Which rule was looked at, the answers, the adviser's reason.", _CHECK, review=True,
          sealed={"body": lambda row, _: f"case:{row['case']}:decision:{row['client_id']}"}),
    _Sort("second_reading", "Second readings of decisions", "Whether another adviser agreed, and why.", _CHECK,
          review=True, where='decision IN (SELECT id FROM decision WHERE "case" = :case)',
          sealed={"body": lambda row, _: f"decision:{row['decision']}:second"}),
    _Sort("task", "Tasks", "What was still to be done.", _WORK, review=True,
          sealed={"words": lambda row, _: f"case:{row['case']}:task:{row['seq']}"}),
    _Sort("takedown", "Things to be taken down", "The platform, the kind of thing, a link.",
          "so that a report to a platform can be followed", review=True,
          sealed={"link": lambda row, _: f"case:{row['case']}:takedown:{row['seq']}:link"}),
    _Sort("takedown_step", "What became of them", "Each step, with the platform's number.",
          "so that a report to a platform can be followed", review=True,
          where='takedown IN (SELECT id FROM takedown WHERE "case" = :case)',
          sealed={"reference": lambda row, _: f"takedown:{row['takedown']}:step:{row['seq']}"}),
    _Sort("reminder", "Reminders", "What was to be asked later, and the answer as a code.", _WORK),
    _Sort("closing", "How the case was closed", "Codes.", "so that the service knows what it did"),
    _Sort("case_term", "What the case was about", "Codes.", "so that the service knows what it did"),
    _Sort("review", "What a reviewer wrote", "About how the case was handled.", "so that advice gets better",
          review=True, sealed={"body": lambda row, _: f"case:{row['case']}:review:{row['reviewer']}"}),
    _Sort("watch", "Seniors who watched", "Who, from when until when.", "so that new advisers are not alone"),
    _Sort("notification", "What advisers were told of", "Kinds and times.", "so that nobody waits unseen"),
    _Sort("case_link", "Returns", "That an adviser said this case and another are, or are not, one person's. The other "
          "is not named here: look it up by its own reference.", "so that nobody has to tell everything twice",
          review=True, where='"case" = :case OR other = :case', hidden=("case", "other")),
    _Sort("legal_hold", "Holds", "That a lead keeps the case longer, and why.", "because a lead must",
          "the words with the case; the rest is kept as the audit trail", True,
          sealed={"words": lambda row, _: f"hold:{row['case']}"}),
    _Sort("erasure_request", "Requests to forget it", "Codes for who and why, when, when it was done.",
          "so that it can be shown that it was done", KEPT),
    _Sort("access_request", "Requests for what is held", "Codes for who, when.",
          "so that it can be shown who asked", KEPT),
    _Sort("event", "What happened", "Each event: what, which adviser, when. No words.",
          "so that what was done can be proved", KEPT),
)  # fmt: skip
LEFT_OUT: Final[Mapping[str, str]] = {
    "practice": "It is about no enquirer.",
    "debrief": "How heavy an adviser found a case: it is the adviser's own, and seen by them and the leads alone.",
    "alert": "The number of a message in the advisers' group, while the case waits there.",
}
"""Tables of a case that an export does not hold, and why."""
_OF_CONVERSATION: Final = (
    _Sort("contact_now", "What is counted just now", "Where the conversation stands, in codes.",
          "so that the service knows what is asked", "24 hours after the last word",
          where="conversation = :conversation"),
    _Sort("contact_turn", "What is counted next", "What a turn showed, in codes.",
          "so that the service knows what is asked", "for some seconds", where="conversation = :conversation"),
    _Sort("voice", "Who speaks", "The bot or an adviser, as a number.", "so that never both speak",
          "kept; a number", where="conversation = :conversation"),
)  # fmt: skip
TABLES: Final = frozenset(sort.table for sort in (*_OF_CASE, *_OF_CONVERSATION))
_NOTE = 'INSERT INTO access_request ("case", way, asker, adviser, at) VALUES (?, ?, ?, ?, ?)'
