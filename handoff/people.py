"""Who is at the other end of a case: details for a call-back, looks at them, cases that may be one enquirer's."""

import json
import re
import sqlite3
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from handoff.domain import AdviserId, CaseId
from handoff.errors import NoSuchCase, NotYours, Refused
from handoff.moments import from_ms, to_ms
from handoff.seal import Seal

MAX_NAME_CHARACTERS = 120
MAX_PHONE_CHARACTERS = 40
MAX_EMAIL_CHARACTERS = 254
MAX_BEST_TIME_CHARACTERS = 120
MAX_REASON_CHARACTERS = 500
_PHONE = re.compile(r"\+?[0-9 ()-]{5,}(\s*(ext\.?|x)\s*[0-9]{1,6})?", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """How somebody can be called back. The only place of the desk where a name, a number or an address may be."""

    name: str = ""
    phone: str = ""
    email: str = ""
    best_time: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.name or self.phone or self.email or self.best_time)

    def faults(self) -> tuple[str, ...]:
        """The fields that cannot be kept as they are."""
        limits = (MAX_NAME_CHARACTERS, MAX_PHONE_CHARACTERS, MAX_EMAIL_CHARACTERS, MAX_BEST_TIME_CHARACTERS)
        fields = zip(("name", "phone", "email", "best_time"), limits, strict=True)
        long = {field for field, limit in fields if len(getattr(self, field)) > limit}
        wrong = {"phone"} if self.phone and not _PHONE.fullmatch(self.phone) else set[str]()
        wrong |= {"email"} if self.email and not _EMAIL.fullmatch(self.email) else set()
        return tuple(field for field in ("name", "phone", "email", "best_time") if field in long | wrong)


@dataclass(frozen=True, slots=True)
class Kept:
    """That contact details are kept, since when and by whom; nothing of what they are."""

    version: int
    adviser_id: AdviserId
    at: datetime
    taken_out: bool


class RevealReason(StrEnum):
    """Why somebody's identity is looked at."""

    CALL_BACK = "call_back"
    DANGER = "danger"
    COURT_OR_POLICE = "court_or_police"
    THEIR_REQUEST = "their_request"
    MISTAKE = "mistake"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reveal:
    """One look at an identity. `words` None once they were forgotten."""

    adviser_id: AdviserId
    reason: RevealReason
    words: str | None
    at: datetime


class Verdict(StrEnum):
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Link:
    """The newest word on two cases that may be one enquirer's."""

    other: CaseId
    verdict: Verdict
    adviser_id: AdviserId
    at: datetime


# --- contact details -------------------------------------------------------------------------------------------------


def kept(conn: sqlite3.Connection, case_id: CaseId) -> Kept | None:
    """None when nothing ever was."""
    row = conn.execute(_NEWEST, [case_id]).fetchone()
    return None if row is None else Kept(row[0], AdviserId(row[1]), from_ms(row[2]), row[3] is None)


def keep(
    conn: sqlite3.Connection, seal: Seal, case_id: CaseId, adviser: AdviserId, contact: Contact, now: datetime
) -> None:
    """Replaces what was kept; an empty one takes it out. Raises: NotYours for everybody but the holder."""
    before = kept(conn, case_id)
    if contact.is_empty and (before is None or before.taken_out):
        return
    version = before.version + 1 if before else 1
    body = None if contact.is_empty else seal.seal(json.dumps(asdict(contact)), _about(case_id, version))
    try:
        conn.execute("INSERT INTO contact VALUES (?, ?, ?, ?, ?)", [case_id, version, body, adviser, to_ms(now)])
    except sqlite3.IntegrityError as error:
        if str(error) == "contact_from_the_holder":
            raise NotYours from error
        raise


def reveal(
    conn: sqlite3.Connection,
    seal: Seal,
    case_id: CaseId,
    adviser: AdviserId,
    reason: RevealReason,
    words: str,
    now: datetime,
) -> int:
    """Writes that this adviser looks, and why. Returns the look's number: only it opens anything (`looked_at`).

    Raises: NotYours for whoever neither holds the case nor is a senior or lead.
    """
    row = conn.execute("SELECT coalesce(max(id), 0) + 1 FROM identity_reveal").fetchone()
    number = int(row[0])
    sealed = seal.seal(words, f"reveal:{number}")
    values = [number, case_id, adviser, reason, sealed, to_ms(now)]
    try:
        conn.execute("INSERT INTO identity_reveal VALUES (?, ?, ?, ?, ?, ?)", values)
    except sqlite3.IntegrityError as error:
        if str(error) == "reveal_by_who_may":
            raise NotYours from error
        raise
    return number


def looked_at(conn: sqlite3.Connection, seal: Seal, number: int) -> Contact | None:
    """The details of the case that look was written for; None when there are none.

    To be asked on a reader: it sees only what is on disk, so that nothing is opened before the look is.
    Raises: Refused when no such look was written.
    """
    look = conn.execute('SELECT "case" FROM identity_reveal WHERE id = ?', [number]).fetchone()
    if look is None:
        raise Refused("Nothing is opened before it is written down who looks, and why.")
    row = conn.execute(f"SELECT version, body FROM ({_NEWEST})", [look[0]]).fetchone()
    if row is None or row[1] is None:
        return None
    return Contact(**json.loads(seal.open(row[1], _about(CaseId(look[0]), row[0]))))


def reveals(conn: sqlite3.Connection, seal: Seal, case_id: CaseId) -> tuple[Reveal, ...]:
    """Every look at who is behind a case, newest first."""
    rows = conn.execute(_REVEALS, [case_id])
    return tuple(
        Reveal(AdviserId(adviser), RevealReason(reason), sealed and seal.open(sealed, f"reveal:{id_}"), from_ms(at))
        for id_, adviser, reason, sealed, at in rows
    )


# --- cases that may be one enquirer's --------------------------------------------------------------------------------


def links(conn: sqlite3.Connection, case_id: CaseId) -> tuple[Link, ...]:
    """What was said of this case and others, the newest word on each."""
    rows = conn.execute(_LINKS, {"case": case_id})
    return tuple(Link(CaseId(row[0]), Verdict(row[1]), AdviserId(row[2]), from_ms(row[3])) for row in rows)


def judge(
    conn: sqlite3.Connection, case_id: CaseId, other: CaseId, adviser: AdviserId, verdict: Verdict, now: datetime
) -> None:
    """Says whether two cases are one enquirer's. Said again, it changes nothing."""
    first, second = sorted((case_id, other))
    newest = conn.execute(_NEWEST_WORD, [first, second]).fetchone()
    if newest and newest[0] == verdict:
        return
    values = [first, second, verdict, adviser, to_ms(now)]
    conn.execute('INSERT INTO case_link ("case", other, verdict, adviser, at) VALUES (?, ?, ?, ?, ?)', values)


def conversation_of(conn: sqlite3.Connection, case_id: CaseId) -> int:
    """Negative for a practice case. Raises: NoSuchCase."""
    row = conn.execute("SELECT conversation FROM cases WHERE id = ?", [case_id]).fetchone()
    if row is None:
        raise NoSuchCase
    return int(row[0])


def cases_of(conn: sqlite3.Connection, conversations: tuple[int, ...], but: CaseId) -> tuple[CaseId, ...]:
    """All cases of these conversations but one, oldest first. Practice is nobody's, and so never among them."""
    marks = ", ".join("?" * len(conversations))
    sql = f"SELECT id FROM cases WHERE conversation IN ({marks}) AND conversation > 0 AND id <> ? ORDER BY id"
    return tuple(CaseId(row[0]) for row in conn.execute(sql, [*conversations, but]))


# --- within ----------------------------------------------------------------------------------------------------------

_NEWEST = 'SELECT version, adviser, at, body FROM contact WHERE "case" = ? ORDER BY version DESC LIMIT 1'
_REVEALS = 'SELECT id, adviser, reason, words, at FROM identity_reveal WHERE "case" = ? ORDER BY id DESC'
_NEWEST_WORD = 'SELECT verdict FROM case_link WHERE "case" = ? AND other = ? ORDER BY id DESC LIMIT 1'
_LINKS = """
SELECT iif("case" = :case, other, "case"), verdict, adviser, at FROM case_link
 WHERE id IN (SELECT max(id) FROM case_link WHERE "case" = :case OR other = :case GROUP BY "case", other) ORDER BY id
"""


def _about(case_id: CaseId, version: int) -> str:
    return f"case:{case_id}:contact:{version}"
