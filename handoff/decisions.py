"""Decisions by a framework, as they were made and why; and what a second reader said of them."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from handoff.advisers import find
from handoff.domain import MAY_TAKE_OVER, AdviserId, CaseId
from handoff.errors import HandoffError
from handoff.moments import from_ms, to_ms
from handoff.moves import refusals
from handoff.seal import Seal
from handoff.thresholds import Answer, Threshold, Verdict

SECOND_FOR = frozenset({0, 1})
"""The tiers at which somebody else reads a decision too."""
SENIOR_FIRST = timedelta(minutes=15)
"""For so long a second reading is kept for seniors; after that any colleague may do it."""


class NoSuchDecision(HandoffError):
    """There is no decision with that number."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One rule that was asked about, and what was answered."""

    rule: str
    answer: str


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a decision rests on, in words. Sealed at rest."""

    title: str
    rule: str
    """"" where no rule held."""
    framework: str
    answers: tuple[Asked, ...]
    rationale: str


@dataclass(frozen=True, slots=True)
class SecondReading:
    adviser: AdviserId
    agrees: bool
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision, and its second reading when there is one."""

    id: int
    case_id: CaseId
    reference: str
    concern: str | None
    adviser: AdviserId
    page: str
    route: str
    nation: str | None
    library: str
    tier: int
    second_wanted: bool
    grounds: Grounds
    at: datetime
    second: SecondReading | None

    @property
    def waits_for_second(self) -> bool:
        return self.second_wanted and self.second is None


@dataclass(frozen=True, slots=True)
class Made:
    """A decision about to be written."""

    threshold: Threshold
    nation: str | None
    answers: tuple[Answer, ...]
    verdict: Verdict
    rationale: str
    client_id: str


def decide(conn: sqlite3.Connection, seal: Seal, case_id: CaseId, adviser: AdviserId, made: Made, now: datetime) -> int:
    """Keeps a decision for good; the same `client_id` again returns the same one. Raises: NotYours, Refused."""
    kept = conn.execute(
        'SELECT id FROM decision WHERE "case" = ? AND client_id = ? AND adviser = ?', [case_id, made.client_id, adviser]
    ).fetchone()
    if kept is not None:
        return int(kept[0])
    threshold = made.threshold
    asked = tuple(Asked(rule.name, given) for rule, given in zip(threshold.asked, made.answers, strict=False))
    grounds = Grounds(threshold.title, made.verdict.rule, threshold.framework, asked, made.rationale)
    row = {
        "case": case_id,
        "adviser": adviser,
        "page": threshold.id,
        "route": made.verdict.route,
        "nation": made.nation,
        "library": threshold.library,
        "body": seal.seal(json.dumps(asdict(grounds), ensure_ascii=False), _about(case_id, made.client_id)),
        "client": made.client_id,
        "at": to_ms(now),
    }
    with refusals():
        return int(conn.execute(_DECIDE, row).fetchone()[0])


def of_case(conn: sqlite3.Connection, seal: Seal, case_id: CaseId) -> tuple[Decision, ...]:
    """Every decision made in a case by advisers, in order."""
    return _found(conn, seal, 'WHERE d."case" = ? ORDER BY d.id', [case_id])


def one(conn: sqlite3.Connection, seal: Seal, decision: int) -> Decision:
    """Raises: NoSuchDecision."""
    found = _found(conn, seal, "WHERE d.id = ?", [decision])
    if not found:
        raise NoSuchDecision
    return found[0]


def waiting(conn: sqlite3.Connection, seal: Seal) -> tuple[Decision, ...]:
    """What waits for a second reader, the gravest and oldest first."""
    return _found(conn, seal, "WHERE d.second_wanted = 1 AND s.decision IS NULL ORDER BY d.tier, d.at", [])


def waits_for(conn: sqlite3.Connection, decision: Decision, adviser: AdviserId, now: datetime) -> bool:
    """Whether this adviser may give the second reading now: never the one who decided; seniors first, others once no
    senior is on duty or `SENIOR_FIRST` has passed."""
    if not decision.waits_for_second or decision.adviser == adviser:
        return False
    if find(conn, adviser).role in MAY_TAKE_OVER or now >= decision.at + SENIOR_FIRST:
        return True
    return conn.execute(_SENIOR_ON_DUTY, [decision.adviser]).fetchone() is None


def read_again(
    conn: sqlite3.Connection, seal: Seal, decision: int, adviser: AdviserId, agrees: bool, reason: str, now: datetime
) -> None:
    """Keeps the second reading, once and for good. Raises: Refused when it was given, or is not theirs to give."""
    body = seal.seal(reason, _about_second(decision))
    with refusals():
        conn.execute(
            "INSERT INTO second_reading VALUES (?, ?, ?, ?, ?)", [decision, adviser, int(agrees), body, to_ms(now)]
        )


# --- within ----------------------------------------------------------------------------------------------------------

_DECIDE = f"""
INSERT INTO decision ("case", adviser, page, route, nation, library, tier, second_wanted, body, client_id, at)
SELECT :case, :adviser, :page, :route, :nation, :library, q.tier,
    q.conversation > 0 AND q.tier IN ({", ".join(str(tier) for tier in sorted(SECOND_FOR))}), :body, :client, :at
  FROM queue_item q WHERE q."case" = :case RETURNING id
"""
"""Nobody is asked to read a practice again."""
_FOUND = """
SELECT d.id, d."case", c.reference, c.concern, d.adviser, d.page, d.route, d.nation, d.library, d.tier,
    d.second_wanted, d.body, d.client_id, d.at, s.adviser AS reader, s.agrees, s.body AS reason, s.at AS read_at
  FROM decision d JOIN cases c ON c.id = d."case" LEFT JOIN second_reading s ON s.decision = d.id
"""
_SENIOR_ON_DUTY = """
SELECT 1 FROM adviser WHERE role IN ('senior', 'lead') AND available AND disabled_at IS NULL AND id <> ? LIMIT 1
"""


def _found(conn: sqlite3.Connection, seal: Seal, where: str, values: list[int]) -> tuple[Decision, ...]:
    cursor = conn.cursor()
    cursor.row_factory = sqlite3.Row
    return tuple(_decision(seal, row) for row in cursor.execute(_FOUND + where, values).fetchall())


def _decision(seal: Seal, row: sqlite3.Row) -> Decision:
    case_id = CaseId(row["case"])
    return Decision(
        row["id"],
        case_id,
        row["reference"],
        row["concern"],
        AdviserId(row["adviser"]),
        row["page"],
        row["route"],
        row["nation"],
        row["library"],
        row["tier"],
        bool(row["second_wanted"]),
        _grounds(json.loads(seal.open(row["body"], _about(case_id, row["client_id"])))),
        from_ms(row["at"]),
        None if row["reader"] is None else _second(seal, row),
    )


def _grounds(plain: Mapping[str, object]) -> Grounds:
    answers = plain["answers"]
    assert isinstance(answers, list)
    words = {name: str(plain[name]) for name in ("title", "rule", "framework", "rationale")}
    return Grounds(**words, answers=tuple(Asked(each["rule"], each["answer"]) for each in answers))


def _second(seal: Seal, row: sqlite3.Row) -> SecondReading:
    reason = seal.open(row["reason"], _about_second(row["id"]))
    return SecondReading(AdviserId(row["reader"]), bool(row["agrees"]), reason, from_ms(row["read_at"]))


def _about(case_id: CaseId, client_id: str) -> str:
    return f"case:{case_id}:decision:{client_id}"


def _about_second(decision: int) -> str:
    return f"decision:{decision}:second"
