"""One's own account: a new password, and where one is logged in."""

from collections.abc import Collection
from functools import partial

from aiohttp import web

from handoff import accounts
from handoff.advisers import MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS, hash_password
from handoff.console.area import LOGGED_IN, Route
from handoff.console.asking import see
from handoff.console.auth import form_of, slowly
from handoff.console.parts import parts_of, session_of
from handoff.console.render import page
from handoff.desk import last_event
from handoff.doorkeeper import Credentials, TooManyAttempts, verify

LEAST_SIGNS = 4
"""A password of fewer different signs is too easy."""


async def password_page(request: web.Request) -> web.Response:
    return _show_password(request)


async def change_password(request: web.Request) -> web.Response:
    """The old one must be right, and guessing it is slowed as at the log-in."""
    form = await form_of(request)
    parts, session = parts_of(request), session_of(request)
    me, address = session.adviser, request.remote or ""
    credentials = parts.doorkeeper.credentials(parts.ledger.reader(), me.email, address, parts.now())
    if isinstance(credentials, TooManyAttempts):
        return _show_password(request, 429, ("locked",))
    old, new = form.get("old", ""), form.get("new", "")
    wrong = _wrong_with_new(old, new, form.get("again", ""), me.email)
    if wrong:
        return _show_password(request, 422, wrong)
    if not await slowly(partial(verify, credentials, old)):
        return await _refuse_old(request, credentials)
    hashed, now = await slowly(partial(hash_password, new)), parts.now()
    await parts.ledger.write(lambda conn: accounts.change_own_password(conn, me.id, hashed, session.token_hash, now))
    return see(request, "account", said="password")


async def end_sessions(request: web.Request) -> web.Response:
    """One by its handle, or all but this one."""
    handle = (await form_of(request)).get("handle") or None
    parts, session, now = parts_of(request), session_of(request), parts_of(request).now()
    await parts.ledger.write(
        lambda conn: accounts.end_own_sessions(conn, session.adviser.id, session.token_hash, now, handle)
    )
    if handle is not None and handle.lower() == session.token_hash.hex():
        return see(request, "log_in")
    return see(request, "account", said="ended")


def own_sessions(request: web.Request) -> tuple[accounts.OpenSession, ...]:
    parts, session = parts_of(request), session_of(request)
    return accounts.sessions_of(parts.ledger.reader(), session.adviser.id, session.token_hash, parts.now())


def _show_password(request: web.Request, status: int = 200, wrong: Collection[str] = ()) -> web.Response:
    seq = last_event(parts_of(request).ledger.reader())
    least, most = MIN_PASSWORD_CHARACTERS, MAX_PASSWORD_CHARACTERS
    must = session_of(request).must_choose
    return page(request, "password.html", status, seq=seq, wrong=wrong, least=least, most=most, must_choose=must)


async def _refuse_old(request: web.Request, credentials: Credentials) -> web.Response:
    parts, now = parts_of(request), parts_of(request).now()
    result = await parts.ledger.write(lambda conn: parts.doorkeeper.log_in(conn, credentials, False, now))
    return (
        _show_password(request, 429, ("locked",))
        if isinstance(result, TooManyAttempts)
        else _show_password(request, 422, ("old",))
    )


def _wrong_with_new(old: str, new: str, again: str, email: str) -> tuple[str, ...]:
    if not MIN_PASSWORD_CHARACTERS <= len(new) <= MAX_PASSWORD_CHARACTERS:
        return ("short" if len(new) < MIN_PASSWORD_CHARACTERS else "long",)
    if new == old:
        return ("same",)
    if new.casefold() == email.casefold() or len(set(new)) < LEAST_SIGNS:
        return ("easy",)
    return () if new == again else ("again",)


ROUTES = (
    Route("GET", "/account/password", "password", password_page, LOGGED_IN),
    Route("POST", "/account/password", "change_password", change_password, LOGGED_IN),
    Route("POST", "/account/sessions", "own_sessions", end_sessions, LOGGED_IN),
)
