"""Live figures: today and this week, each with its n; and the facts of a period as CSV."""

import csv
import io
from datetime import date
from typing import Final

from aiohttp import web

from handoff import figures
from handoff.advisers import witness
from handoff.console.area import Area, Group, Place, Route
from handoff.console.parts import parts_of, session_of
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import Role
from handoff.periods import Period, period_of

LOOKERS: Final = frozenset({Role.SENIOR, Role.LEAD, Role.AUDITOR})
FIRST_YEAR, LAST_YEAR = 2000, 2100


async def figures_page(request: web.Request) -> web.Response:
    return _show(request)


async def facts(request: web.Request) -> web.Response:
    """The facts of cases opened from one day to another, as CSV. That they were taken out is written down."""
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    first, last = request.query.get("from", ""), request.query.get("to", "")
    period = _period(request, first, last)
    if period is None:
        return _show(request, 422, first=first[:10], last=last[:10], is_wrong=True)
    body = io.StringIO()
    writer = csv.writer(body)
    writer.writerow(figures.FACT_COLUMNS)
    writer.writerows(figures.facts(parts.ledger.reader(), period))
    await parts.ledger.write(lambda conn: witness(conn, "figures.exported", me.id, now))
    name = f"facts-{period.first}-to-{period.last}.csv"
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
        waiting=figures.waiting(reader),
        today=figures.of(reader, figures.today(local, now), now),
        week=figures.of(reader, week, now),
        enough=figures.ENOUGH,
        first=first or week.first.replace(day=1).isoformat(),
        last=last or week.last.isoformat(),
        is_wrong=is_wrong,
    )


def _period(request: web.Request, first: str, last: str) -> Period | None:
    """None when it cannot be read, or ends before it begins."""
    parts = parts_of(request)
    try:
        days = date.fromisoformat(first), date.fromisoformat(last)
        if not all(FIRST_YEAR <= day.year <= LAST_YEAR for day in days):
            return None
        return period_of(parts.hours.local, *days, parts.now())
    except ValueError:
        return None


AREA = Area(
    routes=(
        Route("GET", "/figures", "figures", figures_page, LOOKERS),
        Route("GET", "/figures/facts.csv", "facts", facts, LOOKERS),
    ),
    places=(Place("figures", "Figures", LOOKERS, Group.OVERSIGHT),),
)
