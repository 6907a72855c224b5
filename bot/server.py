"""The web server: every HTTP route of the house in one aiohttp application, and errors that tell no tales."""

from collections.abc import Callable, Mapping
from functools import partial

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.app import Firstline
from bot.channels.rest import RestChannel
from bot.channels.web import WebChannel
from bot.doors import doors_of, stuck_now
from bot.forgetting import keep_of
from bot.guard.media import has_media
from bot.guard.personal_data import mask
from bot.metrics import Metrics
from bot.shelf import Shelf
from handoff.console.app import console
from handoff.domain import Rules
from handoff.errors import LedgerError

log = structlog.get_logger()

MAX_BODY_BYTES = 1024 * 1024
API = ("/api/", "/webhooks/", "/healthz", "/readyz", "/metrics")


def application(firstline: Firstline) -> web.Application:
    """All channels over HTTP, the desk, and the probes."""
    settings, rooms, now = firstline.settings, firstline.rooms, firstline.now
    metrics = Metrics(firstline.ledger, firstline.courier, firstline.channels.pushing, partial(stuck_now, firstline))
    app = web.Application(
        client_max_size=MAX_BODY_BYTES,
        middlewares=[metrics.middleware, errors(rooms.apology()), behind(settings.proxies)],
    )
    origins = frozenset(filter(None, (each.strip() for each in settings.embed_origins.split(","))))
    secure = settings.public_url.startswith("https://")
    app.add_routes(WebChannel(rooms, now, origins, secure).routes())
    app.add_routes(RestChannel(rooms, now).routes())
    channels = firstline.channels
    for channel in (channels.callback, channels.telegram, channels.whatsapp):
        app.add_routes(channel.routes() if channel else [])
    app.add_routes([web.get("/healthz", _healthy), web.get("/metrics", metrics.page)])
    app.router.add_get("/readyz", _ready(firstline))
    mask_of, keep = _mask(firstline.shelf), keep_of(settings)
    desk = console(
        firstline.ledger,
        firstline.queue,
        firstline.hours,
        now,
        secure,
        mask_of,
        doors=doors_of(firstline),
        rules=Rules(keep=keep.cases),
        keep=keep,
        typing=firstline.typing,
    )
    app.add_subapp("/desk", desk)
    app.on_response_prepare.append(_secured)
    return app


def _mask(shelf: Shelf) -> Callable[[str], tuple[str, tuple[str, ...]]]:
    def masking(text: str) -> tuple[str, tuple[str, ...]]:
        """What advisers write passes the same guard as what enquirers write."""
        if has_media(text):
            return "", ("media",)
        masked = mask(text, shelf.live().words.known)
        return masked.text, masked.kinds

    return masking


async def _healthy(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def _ready(firstline: Firstline) -> Handler:
    async def ready(_: web.Request) -> web.Response:
        """Ready when the database answers and a library is live."""
        version = firstline.shelf.live().library.version
        return web.json_response({"status": "ready", "library": version})

    return ready


async def _secured(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    response.headers["Server"] = "Firstline"


def errors(apology: str) -> Middleware:
    """Every refusal becomes JSON for programs and a plain page for people; nothing of the inside shows.

    `apology` was read at the start, when everything worked.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPRedirection:
            raise
        except web.HTTPException as error:
            return _refusal(request, error.status, _said(error), _kept(error.headers))
        except LedgerError as error:
            log.error("ledger.failed", error=type(error).__name__)
            return _refusal(request, 503, apology)
        except Exception as error:  # the last guard: whatever happened, an answer and no stack trace
            log.error("request.failed", error=type(error).__name__, route=_route(request))
            return _refusal(request, 500, apology)

    return middleware


def behind(proxies: int) -> Middleware:
    """The enquirer's or adviser's own address, as the outermost proxy we trust wrote it (RFC 7239's older sibling)."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        written = ",".join(request.headers.getall("X-Forwarded-For", []))
        hops = [hop.strip() for hop in written.split(",") if hop.strip()]
        if proxies and len(hops) >= proxies:
            request = request.clone(remote=hops[-proxies])
        return await handler(request)

    return middleware


def _refusal(request: web.Request, status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    if request.path.startswith(API):
        return web.json_response({"error": {"code": status, "message": text}}, status=status, headers=headers)
    return web.Response(text=f"{status}: {text}\n", status=status, content_type="text/plain", headers=headers)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """What a refusal says beside its words: what is allowed instead, when to come back."""
    return {name: headers[name] for name in ("Allow", "Retry-After") if name in headers}


def _said(error: web.HTTPException) -> str:
    """What we said ourselves; aiohttp's own text only repeats the number."""
    text = error.text or ""
    return error.reason if text.startswith(str(error.status)) else text


def _route(request: web.Request) -> str:
    """The route's pattern, never the path: a path could hold somebody's words."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"
