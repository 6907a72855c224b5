"""Care for advisers: how heavy it was, how much one was exposed to, whom to talk to."""

from typing import Final

from aiohttp import web

from handoff import care
from handoff.console.area import HOLDERS, Area, Group, Place, Route
from handoff.console.asking import number_of, see
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import MAY_HOLD, AdviserId, Role
from handoff.doors import PageCard

LEADS: Final = frozenset({Role.LEAD})
SUPPORT_PAGE: Final = "care-for-advisers"
"""The page of the library on which a service says where its own advisers find help. Without it we say so."""


async def care_page(request: web.Request) -> web.Response:
    """One's own; a lead also sees who would like to talk, and how much each has taken on."""
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    reader, is_lead = parts.ledger.reader(), me.role in LEADS
    return page(
        request,
        "care.html",
        seq=last_event(reader),
        short=care.exposure(reader, me.id, now - care.SHORT),
        long=care.exposure(reader, me.id, now - care.LONG),
        asked=care.asked_since(reader, me.id),
        is_lead=is_lead,
        asking=care.asking(reader) if is_lead else (),
        team=care.team(reader, now) if is_lead else (),
        support=_support(request),
    )


async def ask(request: web.Request) -> web.Response:
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    await parts.ledger.write(lambda conn: care.ask(conn, me.id, now))
    return see(request, "care")


async def talked(request: web.Request) -> web.Response:
    """A lead has talked with somebody; what they ask afterwards is asked anew."""
    form = await form_of(request)
    adviser, newest = AdviserId(number_of(form, "adviser")), number_of(form, "newest")
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    await parts.ledger.write(lambda conn: care.talked(conn, adviser, newest, me.id, now))
    return see(request, "care")


def _support(request: web.Request) -> PageCard | None:
    content = parts_of(request).doors.content
    card = content.card(SUPPORT_PAGE, None, "en") if content else None
    return None if card is None or card.withdrawn else card


AREA = Area(
    routes=(
        Route("GET", "/care", "care", care_page, HOLDERS),
        Route("POST", "/care/ask", "care_ask", ask, HOLDERS),
        Route("POST", "/care/talked", "care_talked", talked, LEADS),
    ),
    places=(Place("care", "Care", MAY_HOLD, Group.YOU),),
    tells=("care",),
)
