"""Finding cases by what is not sealed: reference, category, date, holder, state. Practice is never found."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime

from handoff.domain import MAY_TAKE_OVER, REFERENCE_ALPHABET, Adviser, AdviserId, CaseId, State
from handoff.moments import from_ms, to_ms

PAGE_OF = 25
FAR_ENOUGH = 10_000
"""How many hits are counted; beyond it a search says "more than"."""
LEAST_PART = 2
"""Characters of a reference that are worth looking for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; None where it does not matter. `reference` is a part, in capitals. Days are the desk's."""

    reference: str = ""
    category: str | None = None
    since: date | None = None
    until: date | None = None
    holder: AdviserId | None = None
    state: State | None = None

    @property
    def is_nothing(self) -> bool:
        return self == Wanted()


@dataclass(frozen=True, slots=True)
class Hit:
    """A case as search shows it: codes and a reference, nothing of what was said."""

    id: CaseId
    reference: str
    category: str | None
    state: State
    tier: int
    channel: str
    opened_at: datetime
    holder: str | None
    """Who holds it, or who closed it."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of hits, newest first. `total` is exact up to FAR_ENOUGH."""

    hits: tuple[Hit, ...]
    total: int


def reference_part(text: str) -> str:
    """As references are written, whatever was typed or pasted: `fl 7k2p-xm` is FL-7K2P-XM. "" when it cannot be one."""
    bare = "".join(text.upper().replace("-", " ").split()).removeprefix("FL")
    if not LEAST_PART <= len(bare) <= 6 or any(sign not in REFERENCE_ALPHABET for sign in bare):
        return ""
    return f"FL-{bare[:4]}-{bare[4:]}" if len(bare) == 6 else bare


def find(conn: sqlite3.Connection, wanted: Wanted, adviser: Adviser, now: datetime, page: int = 1) -> Found:
    """What this adviser may see and what fits, newest first."""
    where, values = _where(wanted, adviser, now)
    paging = {"limit": PAGE_OF, "skip": (page - 1) * PAGE_OF, "far": FAR_ENOUGH + 1}
    total = conn.execute(_COUNT.format(where=where), {**values, **paging}).fetchone()[0]
    rows = conn.execute(_HITS.format(where=where), {**values, **paging}).fetchall() if total else []
    return Found(tuple(_hit(row) for row in rows), int(total))


# --- within ----------------------------------------------------------------------------------------------------------

_FROM = 'FROM cases c CROSS JOIN queue_item q ON q."case" = c.id'
_COUNT = f"SELECT count(*) FROM (SELECT 1 {_FROM} WHERE {{where}} LIMIT :far)"
_HITS = f"""
SELECT c.id, c.reference, coalesce(q.issue, c.concern), q.state, q.tier, c.channel, c.opened_at, a.name
  {_FROM} LEFT JOIN adviser a ON a.id = coalesce(q.holder, iif(q.state = 'done', q.moved_by, NULL))
 WHERE {{where}} ORDER BY c.id DESC LIMIT :limit OFFSET :skip
"""
_MAY_SEE = """c.id IN (
    SELECT "case" FROM queue_item WHERE state = 'waiting' AND conversation > 0
    UNION SELECT "case" FROM queue_item WHERE wake_at IS NOT NULL
    UNION SELECT "case" FROM queue_item WHERE holder IS NOT NULL AND :me IN (holder, offered_to)
    UNION SELECT "case" FROM queue_item WHERE forget_at > :now AND state = 'done' AND moved_by = :me)"""
"""Each part by its own index: an adviser's search looks at what is live or lately closed, however much was before."""
_PART = "c.id IN (SELECT id FROM cases WHERE instr(substr(reference, 4, 4) || substr(reference, 9), :reference))"
"""Read from the index of references alone."""


def _where(wanted: Wanted, adviser: Adviser, now: datetime) -> tuple[str, dict[str, int | str]]:
    """The conditions that matter. What one may find is what one may see (`reading.may_see`)."""
    where = ["c.conversation > 0"]
    values: dict[str, int | str] = {}
    if adviser.role not in MAY_TAKE_OVER:
        where.append(_MAY_SEE)
        values |= {"me": adviser.id, "now": to_ms(now)}
    if wanted.reference:
        whole = wanted.reference.startswith("FL-")
        where.append("c.reference = :reference" if whole else _PART)
        values["reference"] = wanted.reference
    if wanted.category:
        where.append("coalesce(q.issue, c.concern) = :category")
        values["category"] = wanted.category
    if wanted.since:
        where.append("c.opened_on >= :since")
        values["since"] = wanted.since.isoformat()
    if wanted.until:
        where.append("c.opened_on <= :until")
        values["until"] = wanted.until.isoformat()
    if wanted.holder:
        where.append("coalesce(q.holder, iif(q.state = 'done', q.moved_by, NULL)) = :holder")
        values["holder"] = wanted.holder
    if wanted.state:
        where.append("q.state = :state")
        values["state"] = wanted.state
    return " AND ".join(where), values


def _hit(row: tuple[int, str, str | None, str, int, str, int, str | None]) -> Hit:
    return Hit(CaseId(row[0]), row[1], row[2], State(row[3]), row[4], row[5], from_ms(row[6]), row[7])
