"""What opening a case does by itself: a senior's look at a colleague's conversation is seen; what was told is known."""

from sqlite3 import Connection

from aiohttp import web

from handoff import notifications, watching
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs
from handoff.desk import Case
from handoff.domain import HELD, MAY_TAKE_OVER


async def looked(request: web.Request, found: Case) -> None:
    """Nobody is watched without seeing it: to open a held conversation is to watch it. Looking also acknowledges what
    was told of the case; a page that is only shown again writes little."""
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    reader, case_id = parts.ledger.reader(), found.row.id
    seen = notifications.to_acknowledge_by_opening(reader, case_id, me)
    watches = is_watched_by(request, found) and watching.is_to_be_watched(reader, case_id, me.id, now)
    if not seen and not watches:
        return

    def work(conn: Connection) -> None:
        notifications.acknowledge(conn, seen, me, now)
        if watches:
            watching.watch(conn, case_id, me.id, now)

    await parts.ledger.write(work)


def is_watched_by(request: web.Request, found: Case) -> bool:
    """Whether this adviser, by looking, watches: a senior at what a colleague holds. Practice is for looking at."""
    me, row = session_of(request).adviser, found.row
    is_offered = row.offered_to is not None and row.offered_to.id == me.id
    is_held = row.state in HELD and not row.practice
    return me.role in MAY_TAKE_OVER and is_held and not is_theirs(me, row) and not is_offered
