"""What people must be told: the list in the frame of every page, the page of notices, acknowledging."""

from aiohttp import web

from handoff import notifications
from handoff.console.area import HOLDERS, Area, Place, Route
from handoff.console.asking import number_of, see
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import MAY_HOLD


async def notices(request: web.Request) -> web.Response:
    """What waits for somebody's eyes, and what was seen lately and by whom."""
    reader = parts_of(request).ledger.reader()
    me = session_of(request).adviser
    return page(
        request,
        "notices.html",
        seq=last_event(reader),
        open_notices=notifications.open_for(reader, me),
        lately=notifications.lately_for(reader, me),
    )


async def acknowledge(request: web.Request) -> web.Response:
    """One, or all that the page showed: `upto` keeps what came meanwhile."""
    form = await form_of(request)
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    if "upto" in form:
        upto = number_of(form, "upto")
        ids = [each.id for each in notifications.open_for(parts.ledger.reader(), me) if each.id <= upto]
    else:
        ids = [number_of(form, "notice")]
    await parts.ledger.write(lambda conn: notifications.acknowledge(conn, ids, me, now))
    return see(request, "notices")


AREA = Area(
    routes=(
        Route("GET", "/notices", "notices", notices, HOLDERS),
        Route("POST", "/notices", "acknowledge", acknowledge, HOLDERS),
    ),
    places=(Place("notices", "Notices", MAY_HOLD),),
    tells=("notification",),
)
