"""Forgetting: what would go tonight, what a lead holds, who asked that a case be forgotten, and doing so."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from sqlite3 import Connection

from aiohttp import web

from handoff import holds, retention
from handoff.console.area import Area, Group, Panel, Place, Route, Tab
from handoff.console.asking import see, words_of
from handoff.console.auth import form_of
from handoff.console.parts import Parts, parts_of, session_of
from handoff.console.reading import names
from handoff.console.render import page
from handoff.desk import Case, last_event
from handoff.domain import AdviserId, CaseId, Role
from handoff.erasing import Asker, Reason, Request, StillOpen, Way, ask, asked
from handoff.errors import Refused
from handoff.finding import reference_part
from handoff.holds import MAX_WORDS_CHARACTERS, HoldReason
from handoff.moments import from_ms
from handoff.retention import Found, Standing
from handoff.subject_access import Held, as_json, held, note_request
from handoff.subject_page import as_html

LEADS = frozenset({Role.LEAD})
LOOKERS = LEADS | {Role.AUDITOR}
HOLD = r"/forgetting/holds/{hold:[0-9]{1,12}}"
SAID = frozenset({"erased", "waits", "held", "reviewed", "released"})
MOST_RUNS = 14
FILES = {"html": (as_html, "text/html"), "json": (as_json, "application/json")}


@dataclass(frozen=True, slots=True)
class Run:
    """What was forgotten in one go; `rewritten_at` None until nothing of it is left in the file either."""

    day: date
    cases: int
    others: int
    rewritten_at: datetime | None


async def overview(request: web.Request) -> web.Response:
    return _show(request)


async def case(request: web.Request) -> web.Response:
    """What there is of the case with this reference, what would go and what would stay."""
    text = request.query.get("reference", "")
    found = _found(request, text)
    if found is None:
        return _show(request, 404, missing=text)
    return _show_case(request, found)


async def erase(request: web.Request) -> web.StreamResponse:
    """Somebody asked: it is written down, and the case goes at once, or when a hold is released."""
    form = await form_of(request)
    found = _found(request, form.get("reference", ""))
    if found is None or found.case_id is None:
        return _show(request, 404, missing=form.get("reference", ""))
    if found.standing is Standing.OPEN:
        return _show_case(request, found, 409, refused=str(StillOpen()))
    chosen = form.get("asker", ""), form.get("why", "")
    problems = tuple(
        name
        for name, wrong in (
            ("asker", chosen[0] not in set(Asker)),
            ("why", chosen[1] not in set(Reason)),
            ("sure", form.get("sure") != "yes"),
        )
        if wrong
    )
    if problems:
        return _show_case(request, found, 422, problems=problems, form=form)
    parts, me = parts_of(request), session_of(request).adviser.id
    wanted = Request(Way.DESK, Asker(chosen[0]), Reason(chosen[1]), me)
    is_gone = await parts.ledger.write(lambda conn: _ask(conn, parts, CaseId(found.case_id or 0), wanted))
    await asyncio.to_thread(parts.ledger.empty_log)
    return see(request, "forgetting", said="erased" if is_gone else "waits")


async def access(request: web.Request) -> web.StreamResponse:
    """Everything that is held about whoever has this case, as a file. That somebody asked is written down first."""
    form = await form_of(request)
    found = _found(request, form.get("reference", ""))
    if found is None:
        return _show(request, 404, missing=form.get("reference", ""))
    asker, kind = form.get("access_asker", ""), form.get("as", "")
    if asker not in set(Asker) or kind not in FILES:
        return _show_case(request, found, 422, problems=("access_asker",), form=form)
    parts, me = parts_of(request), session_of(request).adviser.id
    cases = _same(parts, found) or (found,)
    await parts.ledger.write(lambda conn: _note_access(conn, parts, cases, Asker(asker), me))
    written, content_type = FILES[kind]
    body = await asyncio.to_thread(lambda: written(_held(parts, cases, found.conversation)))
    headers = {"Content-Disposition": f'attachment; filename="held-{found.reference}.{kind}"'}
    return web.Response(text=body, content_type=content_type, headers=headers)


async def hold(request: web.Request) -> web.StreamResponse:
    """A lead keeps the case as it is."""
    form = await form_of(request)
    found = _found(request, form.get("reference", ""))
    if found is None or found.case_id is None:
        return _show(request, 404, missing=form.get("reference", ""))
    day, reason = _day(form), form.get("hold_reason", "")
    words = parts_of(request).mask(words_of(form, "words").strip())[0]
    problems = tuple(
        name
        for name, wrong in (
            ("hold_reason", reason not in set(HoldReason)),
            ("words", len(words) > MAX_WORDS_CHARACTERS),
            ("review_by", day is None),
        )
        if wrong
    )
    if problems or day is None:
        return _show_case(request, found, 422, problems=problems, form=form)
    parts, me, case_id, now = parts_of(request), session_of(request).adviser.id, found.case_id, parts_of(request).now()
    try:
        await parts.ledger.write(
            lambda conn: holds.place(conn, parts.ledger.seal, case_id, me, HoldReason(reason), words, day, now)
        )
    except Refused as error:
        return _show_case(request, found, 409, refused=str(error), form=form)
    return see(request, "forgetting", said="held", fragment="holds")


async def review(request: web.Request) -> web.StreamResponse:
    form = await form_of(request)
    parts, me, day = parts_of(request), session_of(request).adviser.id, _day(form)
    if day is None:
        return _show(request, 422, refused="Choose a day on which the hold is looked at again.")
    try:
        await parts.ledger.write(lambda conn: holds.review(conn, _hold_of(request), me, day, parts.now()))
    except Refused as error:
        return _show(request, 409, refused=str(error))
    return see(request, "forgetting", said="reviewed", fragment="holds")


async def release(request: web.Request) -> web.StreamResponse:
    await form_of(request)
    parts, me = parts_of(request), session_of(request).adviser.id
    try:
        await parts.ledger.write(lambda conn: holds.release(conn, _hold_of(request), me, parts.now()))
    except Refused as error:
        return _show(request, 409, refused=str(error))
    return see(request, "forgetting", said="released", fragment="holds")


def panel(request: web.Request, found: Case) -> Mapping[str, object]:
    """When the case goes, beside its conversation; None is practice."""
    parts = parts_of(request)
    reader, seal, reference = parts.ledger.reader(), parts.ledger.seal, found.row.reference
    return {
        "found": retention.by_reference(reader, seal, reference, parts.keep, parts.now()),
        "kept": parts.desk.rules.keep,
    }


# --- within ----------------------------------------------------------------------------------------------------------


def _show(request: web.Request, status: int = 200, *, missing: str = "", refused: str = "") -> web.Response:
    parts = parts_of(request)
    reader, now = parts.ledger.reader(), parts.now()
    said = request.query.get("said", "")
    return page(
        request,
        "forgetting.html",
        status,
        seq=last_event(reader),
        tonight=_tonight(reader, parts, now),
        passed_over=retention.passed_over(reader, parts.keep, now),
        held=holds.standing(reader, parts.ledger.seal),
        asked=asked(reader),
        runs=_runs(reader),
        names=names(reader),
        today=parts.hours.local(now).date(),
        latest=(now + holds.LONGEST).date(),
        leads=session_of(request).adviser.role in LEADS,
        said=said if said in SAID and request.method == "GET" else "",
        missing=missing,
        refused=refused,
        kept=parts.keep,
    )


def _show_case(
    request: web.Request,
    found: Found,
    status: int = 200,
    *,
    problems: tuple[str, ...] = (),
    refused: str = "",
    form: Mapping[str, str] | None = None,
) -> web.Response:
    parts = parts_of(request)
    reader, now = parts.ledger.reader(), parts.now()
    same = _same(parts, found)
    return page(
        request,
        "forgetting_case.html",
        status,
        seq=last_event(reader),
        found=found,
        others=[each for each in same if each.case_id != found.case_id],
        hold=holds.of_case(reader, parts.ledger.seal, found.case_id) if found.case_id else None,
        remains=retention.REMAINS,
        problems=problems,
        refused=refused,
        typed=form or {},
        most=MAX_WORDS_CHARACTERS,
        today=parts.hours.local(now).date(),
        latest=(now + holds.LONGEST).date(),
    )


def _same(parts: Parts, found: Found) -> tuple[Found, ...]:
    """Every case of its conversation."""
    if found.conversation is None:
        return ()
    return retention.of_conversation(parts.ledger.reader(), found.conversation, parts.keep, parts.now())


def _note_access(conn: Connection, parts: Parts, cases: tuple[Found, ...], asker: Asker, lead: AdviserId) -> None:
    for each in cases:
        note_request(conn, each.case_id, Way.DESK, asker, lead, parts.now())


def _held(parts: Parts, cases: tuple[Found, ...], conversation: int | None) -> Held:
    return held(parts.ledger.reader(), parts.ledger.seal, parts.doors.access, cases, conversation, parts.now())


def _tonight(reader: Connection, parts: Parts, now: datetime) -> dict[str, int]:
    """How many of each kind, as things stand now."""
    door = parts.doors.forgetting
    return {**(door.preview(reader, now) if door else {}), **retention.preview(reader, parts.keep, now)}


def _runs(reader: Connection) -> tuple[Run, ...]:
    """The newest first."""
    return tuple(
        Run(date.fromisoformat(row[0]), row[1], row[2], None if row[3] is None else from_ms(row[3]))
        for row in reader.execute(_RUNS, [MOST_RUNS])
    )


_RUNS = "SELECT day, cases, others, rewritten_at FROM forgetting_run ORDER BY id DESC LIMIT ?"


def _found(request: web.Request, text: str) -> Found | None:
    parts, reference = parts_of(request), reference_part(text)
    if not reference.startswith("FL-"):
        return None
    return retention.by_reference(parts.ledger.reader(), parts.ledger.seal, reference, parts.keep, parts.now())


def _ask(conn: Connection, parts: Parts, case_id: CaseId, wanted: Request) -> bool:
    now = parts.now()
    today = parts.hours.local(now).date()
    return ask(conn, parts.ledger.seal, parts.doors.forgetting, case_id, wanted, today, now)


def _day(form: Mapping[str, str]) -> date | None:
    try:
        return date.fromisoformat(form.get("review_by", ""))
    except ValueError:
        return None


def _hold_of(request: web.Request) -> int:
    return int(request.match_info["hold"])


AREA = Area(
    routes=(
        Route("GET", "/forgetting", "forgetting", overview, LOOKERS),
        Route("GET", "/forgetting/case", "forgetting_case", case, LEADS),
        Route("POST", "/forgetting/erase", "erase", erase, LEADS),
        Route("POST", "/forgetting/access", "access", access, LEADS),
        Route("POST", "/forgetting/hold", "hold", hold, LEADS),
        Route("POST", f"{HOLD}/review", "review_hold", review, LEADS),
        Route("POST", f"{HOLD}/release", "release_hold", release, LEADS),
    ),
    panels=(Panel("forgetting", "How long it is kept", panel, Tab.CASE),),
    places=(Place("forgetting", "Forgetting", LOOKERS, Group.SERVICE),),
    tells=("hold", "erasure", "access", "retention.ran"),
)
