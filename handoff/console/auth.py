"""Who may use what: deny by default, log-in, sessions, and posts that must come from our own pages."""

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from handoff.console.area import NOBODY, Access
from handoff.console.parts import SESSION, parts_of, session_of
from handoff.console.render import PLACES, page
from handoff.doorkeeper import LoggedIn, Session, TooManyAttempts, csrf_matches, log_out, verify

RULES: Final = web.AppKey("rules", dict[web.AbstractRoute, Access])

MAX_FORM_BYTES = 256 * 1024
"""20,000 characters of any script, as a form writes them: what is too long to send comes back, nothing is cut."""
FORM_COOKIE = "desk_form"
FORM_COOKIE_S = 3600
QUIET = frozenset({"events", "heartbeat", "pulse", "static"})
"""Routes a page uses by itself: using them does not mean that somebody is there."""
FIRST = frozenset({"password", "change_password", "log_in", "log_out", "static"})
"""All that is open to somebody who must choose their own password first."""
ACTIVE = "X-Active"
"""Set on a heartbeat when the adviser has typed or pointed lately."""

T = TypeVar("T")

_HASHING = ThreadPoolExecutor(2, thread_name_prefix="log-in")
"""Each hash takes 64 MiB for a moment: two at a time, whoever knocks."""
_OWN_PAGE = re.compile(r"(/[A-Za-z0-9_-]+)+/?")


@web.middleware
async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets a request in when the rule of its route says so; a route without a rule is for nobody."""
    route = request.match_info.route
    if request.match_info.http_exception is not None:
        return await handler(request)
    allowed = request.app[RULES].get(route, NOBODY)
    session = current(request)
    if session is not None:
        request[SESSION] = session
    if allowed is not None:
        if session is None:
            return _to_log_in(request)
        if session.adviser.role not in allowed:
            raise web.HTTPForbidden
        if session.must_choose and _route_name(request) not in FIRST:
            return _to_choose(request)
    if request.method == "POST":
        await _refuse_forged(request, session)
    if session is not None and _shows_presence(request):
        await _touch(request, session)
    return await handler(request)


def current(request: web.Request) -> Session | None:
    """The session the request's cookie stands for."""
    parts = parts_of(request)
    token = request.cookies.get(cookie_name(parts.secure_cookies))
    return parts.doorkeeper.session(parts.ledger.reader(), token, parts.now()) if token else None


def cookie_name(secure: bool) -> str:
    """`__Host-` binds the cookie to this host, and browsers take it only over https."""
    return "__Host-desk" if secure else "desk"


async def form_of(request: web.Request) -> Mapping[str, str]:
    """The fields of a plain form, without the sign NUL; nothing that could carry a file is read."""
    if request.content_type not in {"application/x-www-form-urlencoded", "application/octet-stream"}:
        raise web.HTTPUnsupportedMediaType
    if (request.content_length or 0) > MAX_FORM_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_FORM_BYTES, request.content_length or 0)
    try:
        form = await request.post()
    except (ValueError, LookupError) as error:  # not text, or in an encoding nobody has heard of
        raise web.HTTPBadRequest from error
    return {name: value.replace("\x00", "") for name, value in form.items() if isinstance(value, str)}


async def _refuse_forged(request: web.Request, session: Session | None) -> None:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise web.HTTPForbidden
    given = (await form_of(request)).get("csrf", "") or request.headers.get("X-CSRF", "")
    if not (csrf_matches(session, given) if session else _matches_form_cookie(request, given)):
        raise web.HTTPForbidden


def _matches_form_cookie(request: web.Request, given: str) -> bool:
    """Before anybody is logged in there is no session: the form must carry what its own cookie carries."""
    expected = request.cookies.get(FORM_COOKIE, "")
    return bool(expected) and secrets.compare_digest(expected.encode(), given.encode())


def _to_log_in(request: web.Request) -> web.Response:
    """People are shown where to log in, and come back; what a page asks for by itself is only told no."""
    if request.method != "GET" or (request.match_info.route.resource and _is_quiet(request)):
        raise web.HTTPUnauthorized
    place = request.app.router["log_in"].url_for()
    return web.Response(status=303, headers={"Location": f"{place}?next={quote(request.path)}"})


def _to_choose(request: web.Request) -> web.Response:
    if request.method != "GET" or _is_quiet(request):
        raise web.HTTPForbidden
    return web.Response(status=303, headers={"Location": str(request.app.router["password"].url_for())})


def _shows_presence(request: web.Request) -> bool:
    return not _is_quiet(request) or ACTIVE in request.headers


def _is_quiet(request: web.Request) -> bool:
    by_itself = request.headers.get("Sec-Fetch-Dest") == "empty" and request.method == "GET"
    return by_itself or _route_name(request) in QUIET


def _route_name(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return (resource.name if resource else None) or ""


async def _touch(request: web.Request, session: Session) -> None:
    parts = parts_of(request)
    now = parts.now()
    if parts.doorkeeper.is_to_be_touched(session, now):
        await parts.ledger.write(lambda conn: parts.doorkeeper.touch(conn, session, now))


# --- logging in and out ----------------------------------------------------------------------------------------------


async def slowly(work: Callable[[], T]) -> T:
    """Hashes and checks passwords on the two threads for it."""
    return await asyncio.get_running_loop().run_in_executor(_HASHING, work)


async def log_in_page(request: web.Request) -> web.Response:
    if SESSION in request:
        return web.Response(status=303, headers={"Location": _landing(request, session_of(request))})
    return _log_in_form(request)


async def log_in(request: web.Request) -> web.Response:
    parts = parts_of(request)
    form = await form_of(request)
    email, password, address = form.get("email", ""), form.get("password", ""), request.remote or ""
    credentials = parts.doorkeeper.credentials(parts.ledger.reader(), email, address, parts.now())
    if isinstance(credentials, TooManyAttempts):
        return _too_many(request, credentials)
    passed = await slowly(partial(verify, credentials, password))
    now = parts.now()
    result = await parts.ledger.write(lambda conn: parts.doorkeeper.log_in(conn, credentials, passed, now))
    if isinstance(result, LoggedIn):
        return _welcome(request, result, form.get("next", ""))
    if isinstance(result, TooManyAttempts):
        return _too_many(request, result)
    return _log_in_form(request, status=422, email=email, wrong=True, next=form.get("next", ""))


async def log_out_now(request: web.Request) -> web.Response:
    parts, session = parts_of(request), session_of(request)
    now = parts.now()
    await parts.ledger.write(lambda conn: log_out(conn, session, now))
    response = web.Response(status=303, headers={"Location": f"{request.app.router['log_in'].url_for()}?out=1"})
    response.del_cookie(cookie_name(parts.secure_cookies), path="/", secure=parts.secure_cookies, httponly=True)
    return response


def _log_in_form(request: web.Request, status: int = 200, **values: object) -> web.Response:
    token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
    csrf = session_of(request).csrf if SESSION in request else token
    back = request.query.get("next", "")
    values = {"csrf": csrf, "next": back, "out": "out" in request.query, **values}
    response = page(request, "log_in.html", status, **values)
    secure = parts_of(request).secure_cookies
    response.set_cookie(
        FORM_COOKIE, token, path="/", max_age=FORM_COOKIE_S, secure=secure, httponly=True, samesite="Strict"
    )
    return response


def _too_many(request: web.Request, attempts: TooManyAttempts) -> web.Response:
    left = attempts.until - parts_of(request).now()
    response = _log_in_form(request, status=429, minutes=max(1, round(left.total_seconds() / 60)))
    response.headers["Retry-After"] = str(max(1, int(left.total_seconds())))
    return response


def _welcome(request: web.Request, logged_in: LoggedIn, back: str) -> web.Response:
    place = _landing(request, logged_in.session)
    home = str(request.app.router["board"].url_for())
    if _OWN_PAGE.fullmatch(back) and back.startswith(home) and back != home:
        place = back
    response = web.Response(status=303, headers={"Location": place})
    secure = parts_of(request).secure_cookies
    response.set_cookie(cookie_name(secure), logged_in.token, path="/", secure=secure, httponly=True, samesite="Lax")
    response.del_cookie(FORM_COOKIE, path="/")
    return response


def _landing(request: web.Request, session: Session) -> str:
    """Where one's work is: the first place of the rail that this role may see."""
    role = session.adviser.role
    first = next((place.route for place in request.app[PLACES] if role in place.seen_by), "account")
    return str(request.app.router[first].url_for())
