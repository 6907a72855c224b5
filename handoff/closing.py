"""What a case is closed with: what it was about, who asked, where it went. Codes only; written once, by its holder."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handoff import taxonomy
from handoff.domain import AdviserId, CaseId, State, code
from handoff.errors import NoSuchCase, NotYours, Refused
from handoff.hours import SUBDIVISIONS
from handoff.moments import to_ms

MAX_URLS = 1000


class Escalation(StrEnum):
    """Whether it had to be escalated, which many enquirers only want to know."""

    NEEDED = "needed"
    CLARIFIED = "clarified"
    """They asked, and it need not be."""
    NOT_A_QUESTION = "not_a_question"


class Scope(StrEnum):
    """Whether the Online Safety Act's duties would reach the content, as the adviser judges it."""

    IN_SCOPE = "in_scope"
    OUT_OF_SCOPE = "out_of_scope"
    NOT_SURE = "not_sure"


@dataclass(frozen=True, slots=True)
class Closing:
    """All strings are codes; None: not known, or not asked."""

    issue: str
    """What it was mainly about."""
    also: frozenset[str] = frozenset()
    """What else it was about."""
    role: str | None = None
    setting: str | None = None
    nation: str | None = None
    platform: str | None = None
    route: str | None = None
    escalation: Escalation | None = None
    knew_tools: bool | None = None
    """Whether they knew of the tool for it: block, report, remove."""
    scope: Scope | None = None
    urls: int | None = None
    """How many addresses were reported to a platform."""
    signposts: frozenset[str] = frozenset()
    follow_up: bool = False
    feedback: bool = False
    """They were asked what they thought of the service."""


def record(conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, closing: Closing, now: datetime) -> None:
    """To be called in the write that closes the case, before it does, while the case is in wrap-up.

    Raises: NoSuchCase, NotYours, Refused (not in wrap-up, a term that does not live, something that is no code).
    """
    _refuse_others(conn, case_id, adviser)
    _refuse_words(closing)
    terms = taxonomy.living(conn)
    if not {closing.issue, *closing.also} <= set(terms):
        raise Refused("The list of issues has changed, or never had that one.")
    conn.execute(_CLOSING, _row(case_id, adviser, closing, now))
    for term in sorted({closing.issue, *closing.also}):
        conn.execute(_TERM, [case_id, term, term == closing.issue])


# --- within ----------------------------------------------------------------------------------------------------------

_TERM = """
INSERT INTO case_term ("case", term, is_primary, taxonomy) VALUES (?, ?, ?, (SELECT max(version) FROM taxonomy))
"""
_CLOSING = """
INSERT INTO closing ("case", adviser, role, setting, nation, platform, route, escalation, knew_tools, urls, signposts,
    follow_up, feedback, scope, at) VALUES (:case, :adviser, :role, :setting, :nation, :platform, :route, :escalation,
    :knew_tools, :urls, :signposts, :follow_up, :feedback, :scope, :at)
"""


def _refuse_others(conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId) -> None:
    row = conn.execute('SELECT state, holder FROM queue_item WHERE "case" = ?', [case_id]).fetchone()
    if row is None:
        raise NoSuchCase
    if row[1] != adviser:
        raise NotYours
    if row[0] != State.WRAP_UP:
        raise Refused


def _refuse_words(closing: Closing) -> None:
    codes = (closing.role, closing.setting, closing.platform, closing.route, *closing.signposts)
    if any(each is not None and code(each) != each for each in codes):
        raise Refused("What a case is closed with is codes, not words.")
    if closing.nation is not None and closing.nation not in SUBDIVISIONS:
        raise Refused("There is no such nation.")
    if closing.urls is not None and not 0 <= closing.urls <= MAX_URLS:
        raise Refused(f"The number of addresses goes from 0 to {MAX_URLS}.")


def _row(case_id: CaseId, adviser: AdviserId, closing: Closing, now: datetime) -> dict[str, int | str | None]:
    return {
        "case": case_id,
        "adviser": adviser,
        "role": closing.role,
        "setting": closing.setting,
        "nation": closing.nation,
        "platform": closing.platform,
        "route": closing.route,
        "escalation": closing.escalation,
        "knew_tools": None if closing.knew_tools is None else "yes" if closing.knew_tools else "no",
        "urls": closing.urls,
        "signposts": json.dumps(sorted(closing.signposts), separators=(",", ":")),
        "follow_up": closing.follow_up,
        "feedback": closing.feedback,
        "scope": closing.scope,
        "at": to_ms(now),
    }
