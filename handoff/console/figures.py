"""Figures in detail: today and this week by lane, concern and channel; and the facts of a period as CSV."""

import csv
import io
from datetime import date, timedelta
from typing import Final

from aiohttp import web

from handoff import figures
from handoff.advisers import witness
from handoff.console.area import Area, Route
from handoff.console.parts import parts_of, session_of
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import Role
from handoff.periods import Days, WrongPeriod

LOOKERS: Final = frozenset({Role.SENIOR, Role.LEAD, Role.AUDITOR})
FIRST_YEAR, LAST_YEAR = 2000, 2100


async def figures_page(request: web.Request) -> web.Response:
    return _show(request)


async def facts(request: web.Request) -> web.Response:
    """The facts of cases opened from one day to another, as CSV. That they were taken out is written down."""
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    first, last = request.query.get("from", ""), request.query.get("to", "")
    days = _days(first, last)
    if days is None:
        return _show(request, 422, first=first[:10], last=last[:10], is_wrong=True)
    body = io.StringIO()
    writer = csv.writer(body)
    writer.writerow(figures.FACT_COLUMNS)
    writer.writerows(figures.facts(parts.ledger.reader(), days))
    await parts.ledger.write(lambda conn: witness(conn, "figures.exported", me.id, now))
    name = f"facts-{days.first}-to-{days.last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(text=body.getvalue(), content_type="text/csv", charset="utf-8", headers=headers)


def _show(
    request: web.Request, status: int = 200, *, first: str = "", last: str = "", is_wrong: bool = False
) -> web.Response:
    parts, now = parts_of(request), parts_of(request).now()
    reader, local = parts.ledger.reader(), parts.hours.local
    week = figures.this_week(local, now)
    return page(
        request,
        "figures.html",
        status,
        seq=last_event(reader),
        today=figures.of(reader, figures.today(local, now), now),
        week=figures.of(reader, week, now),
        enough=figures.ENOUGH,
        first=first or week.first.replace(day=1).isoformat(),
        last=last or week.last.isoformat(),
        is_wrong=is_wrong,
    )


def _days(first: str, last: str) -> Days | None:
    """Both counted. None when they cannot be read, or end before they begin."""
    try:
        days = Days(date.fromisoformat(first), date.fromisoformat(last) + timedelta(days=1))
    except (ValueError, OverflowError, WrongPeriod):
        return None
    return days if days.first.year >= FIRST_YEAR and days.last.year <= LAST_YEAR else None


AREA = Area(
    routes=(
        Route("GET", "/figures", "figures", figures_page, LOOKERS),
        Route("GET", "/figures/facts.csv", "facts", facts, LOOKERS),
    ),
)
