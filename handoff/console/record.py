"""A case's record: its timeline, contacts that belong together, contact details, the record of advice to print."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from handoff import advice, pdf, people, timeline
from handoff.console.area import CASE, HOLDERS, Area, Panel, Route, Tab
from handoff.console.asking import found_case, number_of, see, who, words_of
from handoff.console.auth import form_of
from handoff.console.looks import LOOKS, RECORD_OPENED, RECORD_PRINTED, refused, write_down
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs, may_see, names
from handoff.console.render import alone, page
from handoff.desk import Case, last_event
from handoff.domain import MAY_TAKE_OVER, AdviserId, CaseId
from handoff.errors import NoSuchCase
from handoff.moments import from_ms
from handoff.people import Contact, Link, RevealReason, Verdict
from handoff.timeline import LinkedCase

LEAST_REASON_CHARACTERS: Final = 10
_PRINTING: Final = ThreadPoolExecutor(1, thread_name_prefix="print")
"""One at a time: a print takes a good part of a second and is never urgent."""


@dataclass(frozen=True, slots=True)
class Return:
    """A case that may be, or was said to be or not to be, the same enquirer's. `may_open`: by who looks."""

    case: LinkedCase
    link: Link | None
    may_open: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """What a look showed. Its text is shown once, in the answer to the post that asked for it."""

    contact: Contact | None
    address: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Look:
    """Who opened or printed the record, or asked for the case while it was not theirs."""

    kind: str
    adviser_id: AdviserId
    at: datetime


# --- the record ------------------------------------------------------------------------------------------------------


async def record(request: web.Request) -> web.Response:
    found = found_case(request)
    await write_down(request, RECORD_OPENED, found.row.id)
    parts, reader = parts_of(request), parts_of(request).ledger.reader()
    case_id = found.row.id
    return page(
        request,
        "record.html",
        seq=last_event(reader),
        case=found,
        row=found.row,
        entries=timeline.of_case(reader, parts.ledger.seal, case_id),
        closing=timeline.closing_of(reader, case_id),
        returns=_returns(request, case_id),
        kept=people.kept(reader, case_id),
        looks=_looks(request, case_id),
        names=names(reader),
        is_mine=is_theirs(session_of(request).adviser, found.row),
    )


async def link(request: web.Request) -> web.StreamResponse:
    """An adviser says whether two cases are one enquirer's. Only of cases that were suggested."""
    form = await form_of(request)
    found = found_case(request)
    other, verdict = CaseId(number_of(form, "other")), form.get("verdict", "")
    if verdict not in set(Verdict):
        raise web.HTTPBadRequest
    if all(each.case.id != other for each in _returns(request, found.row.id)):
        await refused(request, other)
        raise NoSuchCase
    parts, case_id, me, now = who(request)
    await parts.ledger.write(lambda conn: people.judge(conn, case_id, other, me, Verdict(verdict), now))
    return see(request, "record", "returns", case=case_id)


# --- who is behind it ------------------------------------------------------------------------------------------------


async def contact_page(request: web.Request) -> web.Response:
    return _contact(request, found_case(request))


async def keep(request: web.Request) -> web.StreamResponse:
    """The holder writes down how somebody can be called back; empty fields take the details out."""
    form = await form_of(request)
    found = found_case(request)
    contact = Contact(*(words_of(form, name).strip() for name in ("name", "phone", "email", "best_time")))
    faults = contact.faults()
    if not faults and contact.is_empty and form.get("take_out") != "yes":
        faults = ("empty",)
    if faults:
        return _contact(request, found, 422, contact=contact, faults=faults)
    parts, case_id, me, now = who(request)
    seal = parts.ledger.seal
    await parts.ledger.write(lambda conn: people.keep(conn, seal, case_id, me, contact, now))
    return see(request, "contact", case=case_id)


async def reveal(request: web.Request) -> web.Response:
    """The look is on disk before anything is opened; nothing else opens it."""
    form = await form_of(request)
    found = found_case(request)
    words, masked = parts_of(request).mask(words_of(form, "words").strip())
    reason = form.get("reason", "")
    faults = tuple(
        name
        for name, good in (
            ("reason", reason in set(RevealReason)),
            ("words", len(words) >= LEAST_REASON_CHARACTERS),
            ("long", len(words) <= people.MAX_REASON_CHARACTERS),
        )
        if not good
    )
    if faults:
        return _contact(request, found, 422, faults=faults, reason=reason, words_given=words, masked=masked)
    parts, case_id, me, now = who(request)
    seal = parts.ledger.seal
    look = await parts.ledger.write(
        lambda conn: people.reveal(conn, seal, case_id, me, RevealReason(reason), words, now)
    )
    reader = parts.ledger.reader()
    opened = Opened(people.looked_at(reader, seal, look), _address(request, found))
    return _contact(request, found, opened=opened, masked=masked)


async def after_reveal(request: web.Request) -> web.Response:
    """What was shown is shown once: asked for again without a reason, its address leads back."""
    return see(request, "contact", case=found_case(request).row.id)


# --- the record of advice --------------------------------------------------------------------------------------------


async def advice_page(request: web.Request) -> web.Response:
    found = found_case(request)
    record = _advice(request, found)
    if record is not None:
        await write_down(request, RECORD_PRINTED, found.row.id)
    values = _advice_values(request, record)
    return page(request, "advice.html", 200, row=found.row, pdf_installed=pdf.is_installed(), **values)


async def advice_pdf(request: web.Request) -> web.Response:
    found = found_case(request)
    record = _advice(request, found)
    if record is None or not pdf.is_installed():
        return see(request, "advice", case=found.row.id)
    await write_down(request, RECORD_PRINTED, found.row.id)
    html = alone(request, "advice_alone.html", **_advice_values(request, record))
    body = await asyncio.get_running_loop().run_in_executor(_PRINTING, pdf.made, html)
    name = f"record-of-advice-{found.row.reference}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, content_type="application/pdf", headers=headers)


# --- within ----------------------------------------------------------------------------------------------------------


def panel(request: web.Request, found: Case) -> Mapping[str, object]:
    """What the case's page says of the record: returns to look at, whether there is a number to ring."""
    reader = parts_of(request).ledger.reader()
    returns = _returns(request, found.row.id)
    return {
        "suggested": sum(each.link is None for each in returns),
        "linked": sum(each.link is not None and each.link.verdict is Verdict.CONFIRMED for each in returns),
        "kept": people.kept(reader, found.row.id),
    }


def _returns(request: web.Request, case_id: CaseId) -> tuple[Return, ...]:
    """Cases of the same conversation or the same address, and those that were ever said to belong or not to belong."""
    parts, reader = parts_of(request), parts_of(request).ledger.reader()
    said = {each.other: each for each in people.links(reader, case_id)}
    suggested = people.cases_of(reader, _same_person(request, case_id), case_id)
    found = [timeline.linked_case(reader, each) for each in sorted({*said, *suggested})]
    me, now = session_of(request).adviser, parts.now()
    return tuple(
        Return(each, said.get(each.id), may_see(me, parts.desk.case(reader, each.id, now).row))
        for each in found
        if each is not None
    )


def _same_person(request: web.Request, case_id: CaseId) -> tuple[int, ...]:
    """The conversations of whoever this is, as far as the bot knows. A practice case is nobody's."""
    parts = parts_of(request)
    conversation = people.conversation_of(parts.ledger.reader(), case_id)
    if conversation <= 0:
        return ()
    same = parts.doors.people.same_person(conversation) if parts.doors.people else ()
    return (conversation, *same)


def _address(request: web.Request, found: Case) -> tuple[str, str] | None:
    parts = parts_of(request)
    conversation = people.conversation_of(parts.ledger.reader(), found.row.id)
    return parts.doors.people.address(conversation) if parts.doors.people and conversation > 0 else None


def _looks(request: web.Request, case_id: CaseId) -> tuple[Look, ...]:
    marks = ", ".join("?" * len(LOOKS))
    sql = f'SELECT kind, adviser, at FROM event WHERE "case" = ? AND kind IN ({marks}) ORDER BY seq DESC LIMIT 50'
    rows = parts_of(request).ledger.reader().execute(sql, [case_id, *LOOKS])
    return tuple(Look(row[0], AdviserId(row[1]), from_ms(row[2])) for row in rows)


def _contact(request: web.Request, found: Case, status: int = 200, **values: object) -> web.Response:
    parts, me = parts_of(request), session_of(request).adviser
    reader = parts.ledger.reader()
    is_mine = is_theirs(me, found.row)
    blank: dict[str, object] = {"contact": Contact(), "faults": (), "reason": "", "words_given": "", "masked": ()}
    return page(
        request,
        "contact.html",
        status,
        seq=last_event(reader),
        row=found.row,
        kept=people.kept(reader, found.row.id),
        reveals=people.reveals(reader, parts.ledger.seal, found.row.id),
        names=names(reader),
        is_mine=is_mine,
        may_reveal=is_mine or me.role in MAY_TAKE_OVER,
        **{"opened": None, **blank, **values},
    )


def _advice(request: web.Request, found: Case) -> advice.AdviceRecord | None:
    """None where the desk is not joined to a library: the record is made of its pages and words."""
    parts = parts_of(request)
    if parts.doors.records is None:
        return None
    reader, seal = parts.ledger.reader(), parts.ledger.seal
    with_rationale = request.query.get("rationale") == "yes"
    return advice.record_of(reader, seal, parts.doors.records, found, parts.now(), with_rationale)


def _advice_values(request: web.Request, record: advice.AdviceRecord | None) -> dict[str, object]:
    records = parts_of(request).doors.records
    return {
        "record": record,
        "strings": records.labels() if records else {},
        "rationale": request.query.get("rationale") == "yes",
    }


AREA = Area(
    routes=(
        Route("GET", f"{CASE}/record", "record", record, HOLDERS),
        Route("POST", f"{CASE}/record/link", "record_link", link, HOLDERS),
        Route("GET", f"{CASE}/contact", "contact", contact_page, HOLDERS),
        Route("POST", f"{CASE}/contact", "contact", keep, HOLDERS),
        Route("GET", f"{CASE}/contact/reveal", "reveal", after_reveal, HOLDERS),
        Route("POST", f"{CASE}/contact/reveal", "reveal", reveal, HOLDERS),
        Route("GET", f"{CASE}/record/advice", "advice", advice_page, HOLDERS),
        Route("GET", f"{CASE}/record/advice.pdf", "advice_pdf", advice_pdf, HOLDERS),
    ),
    panels=(Panel("record", "Record", panel, Tab.CASE),),
    tells=("link", "contact", "identity"),
)
