"""Who looked at what is written down: opening a record, printing one, asking for a case that is somebody else's."""

from datetime import timedelta
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from handoff.advisers import witness
from handoff.console.asking import DENIED, case_id_of, is_seen
from handoff.console.parts import SESSION, parts_of, session_of
from handoff.desk import standing
from handoff.domain import CaseId
from handoff.errors import NoSuchCase, Refused
from handoff.moments import to_ms

ONE_LOOK: Final = timedelta(minutes=15)
"""A page that stays open asks again at every piece of news: within so long it is the same look."""
NOT_THEIRS: Final = "access.not_theirs"
RECORD_OPENED: Final = "record.opened"
RECORD_PRINTED: Final = "record.printed"
LOOKS: Final = (RECORD_OPENED, RECORD_PRINTED, NOT_THEIRS)


async def write_down(request: web.Request, kind: str, case_id: CaseId) -> None:
    """One event for each look: who, what, when."""
    parts, me, now = parts_of(request), session_of(request).adviser.id, parts_of(request).now()
    since = to_ms(now - ONE_LOOK)
    if parts.ledger.reader().execute(_LATELY, [case_id, kind, me, since]).fetchone() is None:
        await parts.ledger.write(lambda conn: witness(conn, kind, me, now, case_id))


@web.middleware
async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whoever asks for a case that is not theirs is told that there is none; that they asked is written down."""
    try:
        answer = await handler(request)
    except (NoSuchCase, Refused, web.HTTPNotFound):
        await _refused_case(request)
        raise
    if answer.status == 404:
        await _refused_case(request)
    return answer


async def refused(request: web.Request, case_id: CaseId) -> None:
    """Somebody asked for a case that is not theirs; where there is none, there is nothing to write down."""
    if standing(parts_of(request).ledger.reader(), case_id) is not None:
        await write_down(request, NOT_THEIRS, case_id)


async def _refused_case(request: web.Request) -> None:
    if SESSION not in request:
        return
    if DENIED in request:
        await refused(request, request[DENIED])
    elif "case" in request.match_info and not is_seen(request):
        await refused(request, case_id_of(request))


_LATELY = 'SELECT 1 FROM event WHERE "case" = ? AND kind = ? AND adviser = ? AND at > ? LIMIT 1'
