"""Values become pages: the templates, what they may call, the files beside them, the headers of every answer."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from handoff import notifications, taxonomy
from handoff.console.area import Group, Place
from handoff.console.parts import SESSION, parts_of, session_of
from handoff.console.reading import used_places
from handoff.domain import MAY_HOLD
from handoff.reports.rendering import STATIC

HERE: Final = Path(__file__).parent
KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}
PLACES: Final = web.AppKey("places", tuple[Place, ...])
_LABELS: Final[ContextVar[Mapping[str, str]]] = ContextVar("labels", default=MappingProxyType({}))
"""The taxonomy's, for the page that is being made."""
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")


class Issues(Mapping[str, str]):
    """`words.issues` of every template: what each code that ever was is called, as the database says on this page."""

    def __getitem__(self, code: str) -> str:
        return _LABELS.get()[code]

    def __iter__(self) -> Iterator[str]:
        return iter(_LABELS.get())

    def __len__(self) -> int:
        return len(_LABELS.get())


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    kind: str
    mark: str
    """Changes with the content, so that a browser may keep the file for ever."""


def page(request: web.Request, template: str, status: int = 200, **values: object) -> web.Response:
    """A whole page; what the frame around it needs is added here."""
    frame = _frame(request) if status < 500 else _bare_frame(request)
    text = _environment().get_template(template).render({**frame, **values})
    return web.Response(text=text, status=status, content_type="text/html")


def alone(request: web.Request, template: str, **values: object) -> str:
    """A page that stands alone, with its style inside: `style` gives what an asset holds."""
    _know_the_labels(request)
    style = {"style": lambda name: _assets()[name].body.decode()}
    return _environment().get_template(template).render({**_bare_frame(request), **style, **values})


def error_page(request: web.Request, status: int, **values: object) -> web.Response:
    return page(request, "error.html", status, code=status, phrase=HTTPStatus(status).phrase, **{"draft": "", **values})


def issues(request: web.Request) -> Mapping[str, str]:
    """The issues a case may be closed with: the newest taxonomy's labels by code, in its order."""
    return taxonomy.living(parts_of(request).ledger.reader())


def outcomes() -> Mapping[str, str]:
    return words("outcomes")


def words(name: str) -> Mapping[str, str]:
    """One of the lists of `words.html`, by code: what may be chosen, and what it is called."""
    return dict(getattr(_words(), name))


def said_by(template: str, macro: str, *values: object) -> str:
    """What a macro of a file of words makes of these values, in one line: words for what is no page."""
    return " ".join(str(getattr(_environment().get_template(template).make_module({}), macro)(*values)).split())


async def static(request: web.Request) -> web.Response:
    asset = _assets().get(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    fresh = request.query.get("v") == asset.mark
    kept = "public, max-age=31536000, immutable" if fresh else "no-cache"
    response = web.Response(body=asset.body, content_type=asset.kind, charset="utf-8", headers={"Cache-Control": kept})
    response.enable_compression()
    return response


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """They hold over what the house around the desk says; only a file says itself how long it may be kept."""
    kept = response.headers.get("Cache-Control") if request.match_info.route.name == "static" else None
    response.headers.update(HEADERS)
    if kept:
        response.headers["Cache-Control"] = kept


def _know_the_labels(request: web.Request) -> None:
    _LABELS.set(taxonomy.labels(parts_of(request).ledger.reader()))


def _frame(request: web.Request) -> dict[str, object]:
    _know_the_labels(request)
    return _bare_frame(request) | (_frame_of_adviser(request) if SESSION in request else {})


def _bare_frame(request: web.Request) -> dict[str, object]:
    """What needs no database: an error page must not fail as its page did."""
    parts = parts_of(request)
    return {
        "url": _url_of(request),
        "asset": lambda name: _url_of(request)("static", name=name) + f"?v={_assets()[name].mark}",
        "has_asset": lambda name: name in _assets(),
        "local": parts.hours.local,
        "now": parts.now(),
        "me": None,
    }


def _frame_of_adviser(request: web.Request) -> dict[str, object]:
    parts, session = parts_of(request), session_of(request)
    role = session.adviser.role
    frame: dict[str, object] = {"me": session.adviser, "csrf": session.csrf, "holds": role in MAY_HOLD}
    frame["places"] = places_of(request)
    if session.adviser.role in MAY_HOLD:
        held = parts.desk.held(parts.ledger.reader(), parts.now(), session.adviser.id)
        heard = parts.desk.is_heard(parts.ledger.reader(), parts.now(), session.adviser.id)
        frame |= {"mine": held, "used": used_places(session.adviser, held), "heard": heard}
        frame["glance"] = notifications.glance(parts.ledger.reader(), session.adviser)
    return frame


def places_of(request: web.Request) -> list[Place]:
    """The entries of the rail that this adviser sees, in its order."""
    seen = [place for place in request.app[PLACES] if session_of(request).adviser.role in place.seen_by]
    return sorted(seen, key=lambda place: list(Group).index(place.group))


def _url_of(request: web.Request) -> Any:
    def url(name: str, /, **values: object) -> str:
        filled = {key: str(value) for key, value in values.items()}
        return str(request.app.router[name].url_for(**filled))

    return url


# --- the templates' own tools ----------------------------------------------------------------------------------------


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # pages and the code that fills them change together, at a restart
    )
    environment.globals["taxonomy_labels"] = Issues()
    environment.filters |= {"span": span, "of_minutes": of_minutes, "plain": plain, "clock": _clock}
    return environment


@cache
def macros(template: str) -> Any:
    """The macros of a template, callable; they find nothing of a page's own values."""
    return _environment().get_template(template).make_module({})


def _words() -> Any:
    return macros("words.html")


@cache
def _assets() -> Mapping[str, Asset]:
    files = (path for folder in (HERE / "static", STATIC) for path in folder.rglob("*") if path.suffix in KINDS)
    return {path.name: _asset(path) for path in files}


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(body, KINDS[path.suffix], hashlib.sha256(body).hexdigest()[:12])


def in_minutes(length: timedelta) -> int:
    """Whole minutes, rounded down, never below zero."""
    return max(0, int(length / timedelta(minutes=1)))


def span(length: timedelta) -> str:
    """How long, shortly: "under 1 min", "4 min", "2 h 5 min", "3 days"."""
    minutes = in_minutes(abs(length))
    if minutes < 1:
        return "under 1 min"
    if minutes < 60:
        return f"{minutes} min"
    hours, left = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {left} min" if left else f"{hours} h"
    return f"{hours // 24} days"


def of_minutes(minutes: int) -> str:
    return span(timedelta(minutes=minutes))


def plain(text: str) -> str:
    """Signs that turn the direction of what follows are shown as what they are; the rest stays as it was typed."""
    return _TURNING.sub(lambda found: f"‹U+{ord(found.group()):04X}›", text)


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M")
