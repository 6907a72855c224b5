"""The audit trail, whether its chain is whole, who looked at whose identity. No word of a case is on these pages."""

import asyncio
import csv
import io
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from aiohttp import web

from handoff import chain
from handoff.advisers import everyone, witness
from handoff.console.area import Access, Area, Group, Place, Route
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import names
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import Role
from handoff.moments import from_ms, to_ms

READERS: Access = frozenset({Role.LEAD, Role.AUDITOR})
PAGE = 100
CSV_AT_ONCE = 1_000
FIRST_YEAR, LAST_YEAR = 2000, 2100
_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events are looked for. Empty strings and None: any."""

    since: date | None = None
    until: date | None = None
    kind: str = ""
    adviser: int | None = None
    reference: str = ""

    def query(self) -> dict[str, str]:
        """What leads to the same list again."""
        fields = {"since": self.since, "until": self.until, "kind": self.kind, "adviser": self.adviser,
                  "reference": self.reference}  # fmt: skip
        return {name: str(value) for name, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class Line:
    seq: int
    kind: str
    at: datetime
    adviser: int | None
    reference: str | None
    case: int | None


@dataclass(frozen=True, slots=True)
class Reveal:
    """That somebody looked at an identity. `reason` is a code; the words beside it are sealed and not shown here."""

    at: datetime
    adviser: int
    case: int
    reference: str | None
    reason: str


async def audit(request: web.Request) -> web.Response:
    """The newest first, a hundred at a time. That somebody looked is itself an event."""
    parts = parts_of(request)
    asked, wrong = _asked(request.query)
    below = _number(request.query.get("below", ""))
    is_looking = not _refreshes_itself(request)
    if is_looking:
        await _looked(request, "audit.looked")
    reader = parts.ledger.reader()
    lines = _lines(request, reader, asked, below, PAGE + 1) if is_looking and not wrong else ()
    return page(
        request,
        "audit.html",
        422 if wrong else 200,
        seq=last_event(reader),
        asked=asked,
        typed={name: request.query.get(name, "") for name in ("since", "until", "kind", "adviser", "reference")},
        wrong=wrong,
        lines=lines[:PAGE],
        older=lines[PAGE - 1].seq if len(lines) > PAGE else None,
        is_first=below is None,
        kinds=(kinds := [row[0] for row in reader.execute("SELECT DISTINCT kind FROM event ORDER BY kind")]),
        groups=sorted({kind.split(".")[0] for kind in kinds}),
        advisers=everyone(reader),
        names=names(reader),
        query=asked.query(),
    )


async def as_csv(request: web.Request) -> web.StreamResponse:
    """What was asked for, all of it, oldest last; written as it is read."""
    asked, wrong = _asked(request.query)
    if wrong:
        raise web.HTTPBadRequest
    await _looked(request, "audit.exported")
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="firstline-audit.csv"',
        }
    )
    await response.prepare(request)
    async for part in _csv(request, asked):
        await response.write(part)
    return response


async def verify(request: web.Request) -> web.Response:
    """Walks the whole chain on a thread; the desk goes on meanwhile."""
    parts = parts_of(request)
    verdict = await asyncio.to_thread(lambda: chain.verify(parts.ledger.reader(), parts.ledger.seal))
    await _looked(request, "chain.verified" if verdict.is_whole else "chain.broken")
    seq = last_event(parts.ledger.reader())
    return page(request, "chain.html", seq=seq, verdict=verdict, said=chain.in_words(verdict))


async def reveals(request: web.Request) -> web.Response:
    """Who looked at whose identity, newest first."""
    parts = parts_of(request)
    below = _number(request.query.get("below", ""))
    is_looking = not _refreshes_itself(request)
    if is_looking:
        await _looked(request, "audit.looked_at_reveals")
    reader = parts.ledger.reader()
    rows = reader.execute(_REVEALS, {"below": below, "limit": PAGE + 1}).fetchall() if is_looking else []
    found = [Reveal(from_ms(row[1]), row[2], row[3], row[4], row[5]) for row in rows[:PAGE]]
    older = rows[PAGE - 1][0] if len(rows) > PAGE else None
    return page(
        request,
        "reveals.html",
        seq=last_event(reader),
        reveals=found,
        older=older,
        is_first=below is None,
        names=names(reader),
    )


# --- within ----------------------------------------------------------------------------------------------------------

_LINES = """
SELECT e.seq, e.kind, e.at, e.adviser, c.reference, e."case" FROM event e LEFT JOIN cases c ON c.id = e."case"
 WHERE (:below IS NULL OR e.seq < :below) AND (:since IS NULL OR e.at >= :since) AND (:until IS NULL OR e.at < :until)
   AND (:kind = '' OR e.kind = :kind OR e.kind GLOB :kind || '.*') AND (:adviser IS NULL OR e.adviser = :adviser)
   AND (:case IS NULL OR e."case" = :case)
 ORDER BY e.seq DESC LIMIT :limit
"""
_REVEALS = """
SELECT r.id, r.at, r.adviser, r."case", c.reference, r.reason FROM identity_reveal r
  LEFT JOIN cases c ON c.id = r."case" WHERE :below IS NULL OR r.id < :below ORDER BY r.id DESC LIMIT :limit
"""
_NO_SUCH_CASE = -1


def _asked(query: Mapping[str, str]) -> tuple[Asked, dict[str, str]]:
    """What the form asks for, and which of its fields cannot be read."""
    wrong = {}
    days: dict[str, date | None] = {}
    for name in ("since", "until"):
        try:
            days[name] = _day(query[name]) if query.get(name) else None
        except ValueError:
            wrong[name], days[name] = "date", None
    if days["since"] and days["until"] and days["until"] < days["since"]:
        wrong["until"] = "order"
    kind = query.get("kind", "")[:40]
    adviser = query.get("adviser", "")
    reference = "".join(query.get("reference", "").upper().split())[:20]
    return Asked(days["since"], days["until"], kind, _number(adviser) if adviser else None, reference), wrong


def _day(text: str) -> date:
    """Raises: ValueError, for a year that no event can be of too."""
    day = date.fromisoformat(text)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(text)
    return day


def _lines(
    request: web.Request, conn: sqlite3.Connection, asked: Asked, below: int | None, limit: int
) -> tuple[Line, ...]:
    values = {
        "below": below,
        "since": _begins(request, asked.since),
        "until": _begins(request, asked.until and asked.until + timedelta(days=1)),
        "kind": asked.kind,
        "adviser": asked.adviser,
        "case": _case_of(conn, asked.reference),
        "limit": limit,
    }
    rows = conn.execute(_LINES, values)
    return tuple(Line(row[0], row[1], from_ms(row[2]), row[3], row[4], row[5]) for row in rows)


def _begins(request: web.Request, day: date | None) -> int | None:
    """When that day begins where the service is."""
    if day is None:
        return None
    noon = datetime.combine(day, time(12), UTC)
    zone = parts_of(request).hours.local(noon).tzinfo
    return to_ms(datetime.combine(day, time(), zone))


def _case_of(conn: sqlite3.Connection, reference: str) -> int | None:
    """None: any case was meant; a number no case has, when there is none with that reference."""
    if not reference:
        return None
    row = conn.execute("SELECT id FROM cases WHERE reference = ?", [reference]).fetchone()
    return int(row[0]) if row else _NO_SUCH_CASE


async def _csv(request: web.Request, asked: Asked) -> AsyncIterator[bytes]:
    parts = parts_of(request)
    known, below = names(parts.ledger.reader()), None
    yield _row("number", "when (UTC)", "what", "adviser", "case")
    while lines := _lines(request, parts.ledger.reader(), asked, below, CSV_AT_ONCE):
        below = lines[-1].seq
        cells = (
            (line.seq, line.at.isoformat(), line.kind, known.get(line.adviser, ""), line.reference or "")  # type: ignore[call-overload]
            for line in lines
        )
        yield b"".join(_row(*each) for each in cells)
        await asyncio.sleep(0)


def _row(*cells: object) -> bytes:
    """One line; a cell that a spreadsheet would take for a formula is made plain text."""
    out = io.StringIO()
    plain = (f"'{cell}" if str(cell).startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in cells)
    csv.writer(out).writerow(plain)
    return out.getvalue().encode()


def _refreshes_itself(request: web.Request) -> bool:
    """An open page asks for its frame again whenever something happens: then it gets the frame, and nothing of the
    trail, and nobody looked."""
    return request.headers.get("Sec-Fetch-Dest") == "empty"


async def _looked(request: web.Request, kind: str) -> None:
    parts, me, now = parts_of(request), session_of(request).adviser.id, parts_of(request).now()
    await parts.ledger.write(lambda conn: witness(conn, kind, me, now))


def _number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise web.HTTPBadRequest
    return int(text)


AREA = Area(
    routes=(
        Route("GET", "/audit", "audit", audit, READERS),
        Route("GET", "/audit.csv", "audit_csv", as_csv, READERS),
        Route("POST", "/audit/verify", "verify", verify, READERS),
        Route("GET", "/audit/reveals", "reveals", reveals, READERS),
    ),
    places=(Place("audit", "Audit", frozenset({Role.LEAD, Role.AUDITOR}), Group.SERVICE),),
)
