"""What opening a case does by itself: a senior's look at a colleague's conversation is seen; what was told is known."""

from sqlite3 import Connection
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from handoff import notifications, watching
from handoff.console.looks import RECORD_OPENED, write_down
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs
from handoff.desk import Case
from handoff.domain import ENDED, HELD, MAY_TAKE_OVER

SHOWN: Final = web.RequestKey("shown", Case)
"""The case whose conversation the answer shows."""


@web.middleware
async def attended(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whichever way a conversation came to be shown, whoever sees it has looked."""
    answer = await handler(request)
    await seen(request)
    return answer


async def seen(request: web.Request) -> None:
    """What the answer shows was looked at, when it shows a conversation."""
    if SHOWN in request:
        await looked(request, request[SHOWN])


async def looked(request: web.Request, found: Case) -> None:
    """Nobody is watched without seeing it: to open a held conversation is to watch it. To open a closed one is a look
    at its record. Looking also acknowledges what was told of the case; a page shown again writes little."""
    if found.row.state in ENDED and not found.row.practice:
        await write_down(request, RECORD_OPENED, found.row.id)
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    reader, case_id = parts.ledger.reader(), found.row.id
    told = notifications.to_acknowledge_by_opening(reader, case_id, me)
    watches = is_watched_by(request, found) and watching.is_to_be_watched(reader, case_id, me.id, now)
    if not told and not watches:
        return

    def work(conn: Connection) -> None:
        notifications.acknowledge(conn, told, me, now)
        if watches:
            watching.watch(conn, case_id, me.id, now)

    await parts.ledger.write(work)


def is_watched_by(request: web.Request, found: Case) -> bool:
    """Whether this adviser, by looking, watches: a senior at what a colleague holds. Practice is for looking at."""
    me, row = session_of(request).adviser, found.row
    is_offered = row.offered_to is not None and row.offered_to.id == me.id
    is_held = row.state in HELD and not row.practice
    return me.role in MAY_TAKE_OVER and is_held and not is_theirs(me, row) and not is_offered
