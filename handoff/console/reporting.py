"""The report of a period: made at the desk, looked at, printed, taken out, passed on."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from sqlite3 import Connection
from typing import Any, Final, TypeVar

from aiohttp import web

from handoff import pdf
from handoff.advisers import witness
from handoff.console.area import Area, Group, Place, Route
from handoff.console.asking import see
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import names
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import Role
from handoff.periods import Compare, Days, WrongPeriod
from handoff.reports import asked, making, releases, rendering
from handoff.reports.asked import Often
from handoff.reports.files import KINDS, OF_FIGURE, OF_REPORT, Format, name_of, written
from handoff.reports.making import NoSuchRelease, Order
from handoff.reports.model import Report
from handoff.reports.releases import PassedOnMeanwhile

LOOKERS: Final = frozenset({Role.SENIOR, Role.LEAD, Role.AUDITOR})
LEADS: Final = frozenset({Role.LEAD})
TAKEN_OUT: Final = "report.exported"
"""The event of a report that left the desk as a file."""
OWN: Final = "own"
"""The period of somebody's own choice, from a first to a last day."""
MAX_CHARACTERS: Final = 20
NAMELESS: Final = "Firstline"
_MAKING: Final = ThreadPoolExecutor(1, thread_name_prefix="report")
"""One at a time: years are counted in seconds, and no conversation waits for that."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A period and what it is compared with, as they were chosen and typed."""

    period: str = Often.LAST_REPORTING_YEAR
    first: str = ""
    last: str = ""
    compare: str = Compare.YEAR

    def query(self) -> dict[str, str]:
        return {"period": self.period, "first": self.first, "last": self.last, "compare": self.compare}


# --- to look at ------------------------------------------------------------------------------------------------------


async def reports(request: web.Request) -> web.Response:
    """The form; and, once a period is chosen, its report below."""
    if "period" not in request.query:
        return _show(request, Chosen())
    chosen = _chosen(request.query)
    try:
        made = await _apart(partial(making.made, parts_of(request).ledger, _order(request, chosen), _now(request)))
    except WrongPeriod as wrong:
        return _show(request, chosen, 422, fault=str(wrong))
    return _show(request, chosen, report=made)


async def kept(request: web.Request) -> web.Response:
    """A report that was passed on, as it was."""
    return page(request, "report_kept.html", seq=last_event(_reader(request)), **_sheet(_kept(request)))


# --- to take out -----------------------------------------------------------------------------------------------------


async def file(request: web.Request) -> web.StreamResponse:
    return await _made_file(request, figure=False)


async def figure(request: web.Request) -> web.StreamResponse:
    return await _made_file(request, figure=True)


async def kept_file(request: web.Request) -> web.StreamResponse:
    return await _handed_out(request, _kept(request), figure=False)


async def kept_figure(request: web.Request) -> web.StreamResponse:
    return await _handed_out(request, _kept(request), figure=True)


async def pass_on(request: web.Request) -> web.StreamResponse:
    """Makes the report anew, held against all that was passed on before, and keeps it under the number the form was
    made for: a second click finds that taken, and goes to what the first one made."""
    form = await form_of(request)
    chosen, wanted = _chosen(form), form.get("number", "")
    parts, me, now = parts_of(request), session_of(request).adviser, _now(request)
    try:
        order = _order(request, chosen)
        built = await _apart(partial(making.to_pass_on, parts.ledger, order, now))
        if str(built.number) != wanted:
            raise PassedOnMeanwhile
        await parts.ledger.write(lambda conn: making.remember(conn, built, me.id, now))
    except WrongPeriod as wrong:
        return _show(request, chosen, 422, fault=str(wrong))
    except PassedOnMeanwhile as meanwhile:
        if not _is_mine(request, wanted, order):
            return _show(request, chosen, 409, fault=str(meanwhile))
    place = request.app.router["report_kept"].url_for(number=wanted)
    return web.Response(status=303, headers={"Location": str(place)})


# --- within ----------------------------------------------------------------------------------------------------------


async def _made_file(request: web.Request, *, figure: bool) -> web.StreamResponse:
    chosen = _chosen(request.query)
    _format(request, figure=figure)
    try:
        made = await _apart(partial(making.made, parts_of(request).ledger, _order(request, chosen), _now(request)))
    except WrongPeriod as wrong:
        return _show(request, chosen, 422, fault=str(wrong))
    return await _handed_out(request, made, figure=figure)


async def _handed_out(request: web.Request, report: Report, *, figure: bool) -> web.StreamResponse:
    """As a file; that it was taken out is written down first."""
    as_ = _format(request, figure=figure)
    if as_ is Format.PDF and not pdf.is_installed():
        return see(request, "reports")
    body = await _apart(partial(written, report, as_, figure=figure))
    me, now = session_of(request).adviser, _now(request)
    await parts_of(request).ledger.write(lambda conn: witness(conn, TAKEN_OUT, me.id, now))
    headers = {"Content-Disposition": f'attachment; filename="{name_of(report, as_, figure=figure)}"'}
    is_text = as_ is not Format.PDF
    return web.Response(body=body, content_type=KINDS[as_], charset="utf-8" if is_text else None, headers=headers)


def _show(
    request: web.Request, chosen: Chosen, status: int = 200, *, report: Report | None = None, fault: str = ""
) -> web.Response:
    reader = _reader(request)
    return page(
        request,
        "reports.html",
        status,
        seq=last_event(reader),
        chosen=chosen,
        fault=fault,
        examples=_examples(request),
        today=_today(request),
        passed_on=making.passed_on(reader),
        next_number=releases.last(reader) + 1,
        names=names(reader),
        may_pass_on=session_of(request).adviser.role in LEADS,
        **_sheet(report),
    )


def _sheet(report: Report | None) -> dict[str, Any]:
    return {
        "report": report,
        "sheet": rendering.body(report) if report else "",
        "kind": rendering.kind_of(report.days) if report else "",
        "pdf_installed": pdf.is_installed(),
    }


def _examples(request: web.Request) -> Mapping[str, Days]:
    """Which days each of the periods is at this moment."""
    return {which: asked.often(which, _today(request)) for which in Often}


def _chosen(fields: Mapping[str, str]) -> Chosen:
    """From a query or a form; what is too long to be a date is cut."""
    given = Chosen()
    period, first, last, compare = (
        fields.get(name, default).replace("\x00", "")[:MAX_CHARACTERS].strip()
        for name, default in given.query().items()
    )
    return Chosen(period, first, last, compare)


def _order(request: web.Request, chosen: Chosen) -> Order:
    """Raises: WrongPeriod."""
    days = _days(chosen, _today(request))
    house = parts_of(request).doors.house
    service = (house.facts().service if house else "") or NAMELESS
    return Order(days, asked.compare_from(chosen.compare), service, parts_of(request).hours.local)


def _days(chosen: Chosen, today: date) -> Days:
    """Raises: WrongPeriod."""
    if chosen.period == OWN:
        return asked.from_to(chosen.first, chosen.last, today)
    if chosen.period not in set(Often):
        raise WrongPeriod("Choose one of the periods, or a first and a last day.")
    return asked.often(Often(chosen.period), today)


def _format(request: web.Request, *, figure: bool) -> Format:
    """Raises: HTTPNotFound for one there is not."""
    named = request.match_info["format"]
    if named not in (OF_FIGURE if figure else OF_REPORT):
        raise web.HTTPNotFound
    return Format(named)


def _is_mine(request: web.Request, number: str, order: Order) -> bool:
    """Whether what has that number by now is this report, passed on by the same person."""
    me = session_of(request).adviser.id
    found = (each for each in making.passed_on(_reader(request)) if str(each.number) == number)
    return any((each.by, each.days) == (me, order.days) for each in found)


def _kept(request: web.Request) -> Report:
    """Raises: HTTPNotFound."""
    try:
        return making.kept(_reader(request), int(request.match_info["number"]))
    except NoSuchRelease:
        raise web.HTTPNotFound from None


def _reader(request: web.Request) -> Connection:
    return parts_of(request).ledger.reader()


def _now(request: web.Request) -> datetime:
    return parts_of(request).now()


def _today(request: web.Request) -> date:
    return parts_of(request).hours.local(_now(request)).date()


async def _apart(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_MAKING, work)


REPORT: Final = "report.{format}"
FIGURE: Final = "figure.{format}"
KEPT: Final = "/reports/{number:[0-9]{1,9}}"
AREA = Area(
    routes=(
        Route("GET", "/reports", "reports", reports, LOOKERS),
        Route("GET", f"/reports/{REPORT}", "report_file", file, LOOKERS),
        Route("GET", f"/reports/{FIGURE}", "report_figure", figure, LOOKERS),
        Route("POST", "/reports/pass-on", "report_pass_on", pass_on, LEADS),
        Route("GET", KEPT, "report_kept", kept, LOOKERS),
        Route("GET", f"{KEPT}/{REPORT}", "report_kept_file", kept_file, LOOKERS),
        Route("GET", f"{KEPT}/{FIGURE}", "report_kept_figure", kept_figure, LOOKERS),
    ),
    places=(Place("reports", "Reports", LOOKERS, Group.OVERSIGHT),),
)
