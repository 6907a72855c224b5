"""The way in and out: log-in, one's own account, the signs that a console is alive, the files of the pages."""

from aiohttp import web

from handoff.console import accounts, auth, feed, own_account, render
from handoff.console.area import ANYONE, HOLDERS, LOGGED_IN, Area, Group, Place, Route
from handoff.console.parts import parts_of, session_of
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import Role


async def account(request: web.Request) -> web.Response:
    seq = last_event(parts_of(request).ledger.reader())
    sessions, said = own_account.own_sessions(request), accounts.said_of(request)
    return page(request, "account.html", seq=seq, sessions=sessions, said=said)


async def heartbeat(request: web.Request) -> web.Response:
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    await parts.ledger.write(lambda conn: parts.queue.heartbeat(conn, me.id, now))
    return web.Response(status=204)


async def pulse(request: web.Request) -> web.Response:
    """A small frame that keeps leases alive and tells what is new where there is no JavaScript."""
    parts, me = parts_of(request), session_of(request).adviser
    now = parts.now()
    await parts.ledger.write(lambda conn: parts.queue.heartbeat(conn, me.id, now))
    seen = request.query.get("seen", "0")
    current = last_event(parts.ledger.reader())
    is_behind = seen.isascii() and seen.isdigit() and current > int(seen[:15])
    return page(request, "pulse.html", is_behind=is_behind, seen=seen if seen.isdigit() else "0")


AREA = Area(
    routes=(
        Route("GET", "/log-in", "log_in", auth.log_in_page, ANYONE),
        Route("POST", "/log-in", "log_in", auth.log_in, ANYONE),
        Route("POST", "/log-out", "log_out", auth.log_out_now, LOGGED_IN),
        Route("GET", "/account", "account", account, LOGGED_IN),
        Route("POST", "/heartbeat", "heartbeat", heartbeat, HOLDERS),
        Route("GET", "/pulse", "pulse", pulse, HOLDERS),
        Route("GET", "/events", "events", feed.stream, HOLDERS),
        Route("GET", "/static/{name:[a-z.-]+}", "static", render.static, ANYONE),
    ),
    places=(Place("account", "Your account", frozenset(Role), Group.YOU),),
)
