"""What people must be told: the list in the frame of every page, the page of notices, acknowledging."""

from aiohttp import web

from handoff import notifications
from handoff.console.area import HOLDERS, Area, Group, Place, Route
from handoff.console.asking import number_of, see
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import may_see
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import MAY_HOLD, CaseId
from handoff.errors import NoSuchCase


async def notices(request: web.Request) -> web.Response:
    """What waits for somebody's eyes, and what was seen lately and by whom."""
    reader = parts_of(request).ledger.reader()
    me = session_of(request).adviser
    lately = notifications.lately_for(reader, me)
    return page(
        request,
        "notices.html",
        seq=last_event(reader),
        open_notices=notifications.open_for(reader, me),
        lately=lately,
        opens=frozenset(
            each.case_id for each in lately if each.case_id is not None and _may_open(request, each.case_id)
        ),
    )


def _may_open(request: web.Request, case_id: CaseId) -> bool:
    """What waited for everybody is in somebody's hands by now: nobody is led to where they may not look."""
    parts = parts_of(request)
    try:
        found = parts.desk.case(parts.ledger.reader(), case_id, parts.now())
    except NoSuchCase:
        return False
    return may_see(session_of(request).adviser, found.row)


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
    places=(Place("notices", "Notices", MAY_HOLD, Group.WORK),),
    tells=("notification",),
)
