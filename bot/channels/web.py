"""The web channel: the /chat page (with and without JavaScript), the API the widget speaks, and its event stream."""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, select_autoescape

from bot.allowance import Allowance, NoPlaceLeft, Places
from bot.channels import links
from bot.channels.bodies import Unusable, json_of
from bot.channels.contract import WEB, House, Line, State
from bot.channels.markup import plain_to_html, to_html, to_text
from bot.domain import Address, MediaKind, MediaRefused, Opened, Pressed, Said, Token, Turn
from bot.engine.record import Record, as_markdown
from bot.waiting import rung

FOLDER = Path(__file__).parent.parent / "web"
HEARTBEAT_S = 15.0
COOKIE = "firstline"
COOKIE_AGE_S = 24 * 3600
MAX_ID_CHARACTERS = 100
LANGUAGES = frozenset({"en", "cy"})
NEW_IN_WINDOW = 120
"""New conversations that one network address may begin in NEW_WINDOW: a whole school may share one address."""
NEW_WINDOW = timedelta(minutes=10)
SIGNS_OF_TYPING = 30
"""Signs of typing that one conversation may give in SIGNS_WINDOW; the widget gives one in three seconds."""
SIGNS_WINDOW = timedelta(minutes=1)
STREAMS_OF_A_TOKEN = 6
STREAMS_OF_AN_ADDRESS = 200
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_CODE = re.compile(r"[a-z0-9_.-]{1,60}", re.IGNORECASE)
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {frames}"
)


R = TypeVar("R", bound=web.StreamResponse)


@dataclass(frozen=True, slots=True)
class Came:
    """One request of the widget, read: its id (a copy has the same) and what was heard."""

    id: str
    heard: Said | Pressed | Opened | MediaRefused


class WebChannel:
    def __init__(self, house: House, now: Callable[[], datetime], origins: frozenset[str], secure: bool) -> None:
        """`origins`: sites that may carry the widget; empty means any. `secure`: the cookie only goes over https."""
        self._house = house
        self._now = now
        self._origins = origins
        self._secure = secure
        self._beginnings = Allowance(NEW_IN_WINDOW, NEW_WINDOW)
        self._signs = Allowance(SIGNS_OF_TYPING, SIGNS_WINDOW)
        self._streams = Places()
        self._pages = Environment(loader=FileSystemLoader(FOLDER), autoescape=select_autoescape(default=True))

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/", self.to_chat),
            web.get("/chat", self.page),
            web.post("/chat", self.form),
            web.get("/widget.js", self.widget),
            web.get("/static/widget.js", self.widget),
            web.get("/static/widget.css", self.widget),
            web.post("/api/chat", self.say),
            web.get("/api/chat", self.read),
            web.options("/api/chat", self.preflight),
            web.get("/api/chat/events", self.events),
            web.options("/api/chat/events", self.preflight),
            web.post("/api/chat/typing", self.typing),
            web.options("/api/chat/typing", self.preflight),
            web.get("/api/chat/record", self.record),
            web.options("/api/chat/record", self.preflight),
            web.get("/api/chat/strings", self.strings),
            web.static("/static", FOLDER / "static"),
        ]

    # --- the API -----------------------------------------------------------------------------------------------------

    async def say(self, request: web.Request) -> web.Response:
        came = came_from(await json_of(request), self._now())
        address = _bearer(request) or Address(secrets.token_urlsafe(32))
        self._may_begin(request, address)
        answer = await self._house.answer(Turn(WEB, address, came.id, came.heard))
        own = [answer.own] if answer.own else []
        return self._shown(request, address, [*own, *answer.lines])

    async def read(self, request: web.Request) -> web.Response:
        after = _number(request.query.get("after"))
        address = self._known(request)
        if after is None:
            return self._shown(request, address, await self._house.history(WEB, address))
        return self._shown(request, address, await self._house.since(WEB, address, after))

    def _known(self, request: web.Request) -> Address:
        """Raises: HTTPUnauthorized without a token; HTTPNotFound when nothing was ever said with it."""
        address = _bearer(request)
        if address is None:
            raise web.HTTPUnauthorized(text="Send the conversation's token as: Authorization: Bearer …")
        if not self._house.knows(WEB, address):
            raise web.HTTPNotFound(text="There is no conversation with this token.")
        return address

    def _shown(self, request: web.Request, address: Address, lines: list[Line]) -> web.Response:
        body = {"token": address, "messages": [message(line) for line in lines], "state": self._state(address)}
        return self._open_to_embeds(request, web.json_response(body))

    def _state(self, address: Address) -> dict[str, Any]:
        return shown_state(self._house.state(WEB, address))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Resumes by number, never by time: whatever was said after `after` (or Last-Event-ID) comes first."""
        address = self._known(request)
        after = _number(request.headers.get("Last-Event-ID") or request.query.get("after")) or 0
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        stream = self._open_to_embeds(request, web.StreamResponse(headers=headers))
        try:
            with (
                self._streams.taking(address, STREAMS_OF_A_TOKEN),
                self._streams.taking(request.remote, STREAMS_OF_AN_ADDRESS),
            ):
                await stream.prepare(request)
                await self._follow(stream, address, after)
        except NoPlaceLeft:
            raise too_many("Too many pages of this conversation are open. Close one.", 15) from None
        except ConnectionResetError:
            return stream  # they closed the page: nothing is lost, it resumes by number
        return stream

    async def typing(self, request: web.Request) -> web.Response:
        """That the enquirer types, and nothing of what: a body is not read."""
        address = self._known(request)
        if not self._signs.allows(address, self._now()):
            raise too_many("Told often enough.", 10)
        self._house.types(WEB, address)
        return self._open_to_embeds(request, web.Response(status=204))

    def _may_begin(self, request: web.Request, address: Address) -> None:
        """Raises: HTTPTooManyRequests when this network address begins too many conversations."""
        if not self._house.knows(WEB, address) and not self._beginnings.allows(request.remote or "", self._now()):
            raise too_many("Too many new conversations from here. Try again in a few minutes.", 120)

    async def _follow(self, stream: web.StreamResponse, address: Address, after: int) -> None:
        shown: dict[str, Any] = {}
        typed: datetime | None = None
        while True:
            with self._house.listening(WEB, address) as ring:  # each time anew: a code may have led to another
                for line in await self._house.since(WEB, address, after):
                    after = line.seq or after
                    await stream.write(_event("message", message(line), after))
                state = self._state(address)
                if state != shown:
                    shown = state
                    await stream.write(_event("state", state))
                until = self._house.adviser_types(WEB, address)
                if until and until != typed:
                    await stream.write(_event("typing", {}))
                typed = until
                if not await rung(ring, HEARTBEAT_S):
                    await stream.write(b": still here\n\n")

    async def record(self, request: web.Request) -> web.Response:
        address = _bearer(request) or self._cookie_address(request)
        record = self._house.record(WEB, address) if address else None
        if address is None or record is None:
            raise web.HTTPNotFound(text="There is no conversation to make a record of.")
        as_text = request.query.get("format") == "txt"
        page = self._record_page(record, self._house.state(WEB, address))
        response = (
            web.Response(text=to_text_record(record, self._house.interface("en")), content_type="text/plain")
            if as_text
            else web.Response(text=page, content_type="text/html")
        )
        ending = "txt" if as_text else "html"
        response.headers["Content-Disposition"] = f'attachment; filename="record-of-advice.{ending}"'
        return self._open_to_embeds(request, response)

    async def strings(self, request: web.Request) -> web.Response:
        response = web.json_response(dict(self._house.interface(_language(request.query.get("lang")))))
        return self._open_to_embeds(request, response)

    async def widget(self, request: web.Request) -> web.StreamResponse:
        """The two files any site may load: the script, and the style sheet the script adopts."""
        name = "widget.css" if request.path.endswith(".css") else "widget.js"
        response = web.FileResponse(FOLDER / "static" / name, headers={"Cache-Control": "public, max-age=600"})
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return self._open_to_embeds(request, response)

    async def preflight(self, request: web.Request) -> web.Response:
        response = self._open_to_embeds(request, web.Response(status=204))
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Last-Event-ID"
        response.headers["Access-Control-Max-Age"] = "3600"
        return response

    def _open_to_embeds(self, request: web.Request, response: R) -> R:
        origin = request.headers.get("Origin")
        if origin and (not self._origins or origin in self._origins):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
            response.headers["Vary"] = "Origin"
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    # --- the page ----------------------------------------------------------------------------------------------------

    async def to_chat(self, _: web.Request) -> web.Response:
        raise web.HTTPFound("/chat")

    async def page(self, request: web.Request) -> web.Response:
        address = self._cookie_address(request) or Address(secrets.token_urlsafe(32))
        lines = await self._house.history(WEB, address)
        state = self._house.state(WEB, address)
        csrf = request.cookies.get(COOKIE + "-csrf") or secrets.token_urlsafe(24)
        language = _language(request.query.get("lang") or state.language)
        page = self._pages.get_template("chat.html").render(
            service={"name": state.service},
            messages=[message(line) for line in lines],
            commands=shown_state(state)["commands"],
            state=shown_state(state),
            csrf=csrf,
            id=secrets.token_hex(16),
            strings=self._house.interface(language),
            lang=language,
            static="/static/",
        )
        response = web.Response(text=page, content_type="text/html")
        response.headers["Content-Security-Policy"] = CSP.format(frames=" ".join(["'self'", *sorted(self._origins)]))
        response.headers["Cache-Control"] = "no-store"
        self._set(response, COOKIE + "-csrf", csrf)
        self._set(response, COOKIE, address)
        return response

    async def form(self, request: web.Request) -> web.Response:
        """Without JavaScript: one form field says what was done; the page is shown again."""
        if request.content_type != "application/x-www-form-urlencoded":
            raise web.HTTPUnsupportedMediaType(text="Send a plain form. Files are not taken.")
        fields = await _fields(request)
        expected = request.cookies.get(COOKIE + "-csrf", "").encode()
        if not expected or not secrets.compare_digest(str(fields.get("csrf", "")).encode(), expected):
            raise web.HTTPForbidden(text="This page was open for too long. Go back, load it again and repeat.")
        address = self._cookie_address(request) or Address(secrets.token_urlsafe(32))
        self._may_begin(request, address)
        heard = heard_in(_form_body(fields), self._now())
        await self._house.answer(Turn(WEB, address, str(fields.get("id") or secrets.token_hex(16)), heard))
        response = web.Response(status=303, headers={"Location": "/chat#latest"})
        self._set(response, COOKIE, address)
        return response

    def _cookie_address(self, request: web.Request) -> Address | None:
        token = request.cookies.get(COOKIE, "")
        return Address(token) if _TOKEN.fullmatch(token) else None

    def _set(self, response: web.Response, name: str, value: str) -> None:
        response.set_cookie(
            name, value, httponly=True, samesite="Strict", secure=self._secure, max_age=COOKIE_AGE_S, path="/"
        )

    def _record_page(self, record: Record, state: State) -> str:
        return self._pages.get_template("record.html").render(
            service={"name": state.service},
            strings=self._house.interface(state.language),
            lang=state.language,
            record=shown_record(record),
        )


# --- reading what came -----------------------------------------------------------------------------------------------


def came_from(body: Any, now: datetime) -> Came:
    """Raises: Unusable, saying what is wrong."""
    if not isinstance(body, Mapping):
        raise Unusable(text="The body must be a JSON object.")
    identity = body.get("id")
    if not isinstance(identity, str) or not 0 < len(identity) <= MAX_ID_CHARACTERS:
        raise Unusable(text=f"id must be text of 1 to {MAX_ID_CHARACTERS} characters, new for each thing said.")
    return Came(identity, heard_in(body, now))


def heard_in(body: Mapping[str, Any], now: datetime) -> Said | Pressed | Opened | MediaRefused:
    """Raises: Unusable when it is none, or more than one, of text, token, command, media and open."""
    given = [key for key in ("text", "token", "command", "media", "open") if body.get(key) not in (None, False)]
    if len(given) != 1:
        raise Unusable(text="Give exactly one of text, token, command, media and open.")
    value = body[given[0]]
    if given[0] == "open":
        return _opened(body, now)
    if not isinstance(value, str):
        raise Unusable(text=f"{given[0]} must be text.")
    if given[0] == "text":
        return Said(value, now)
    if given[0] == "media":
        return MediaRefused(MediaKind(value) if value in set(MediaKind) else MediaKind.OTHER, now)
    if not _CODE.fullmatch(value.removeprefix("!")):
        raise Unusable(text=f"{given[0]} must be one that was offered.")
    return Pressed(Token("!" + value if given[0] == "command" else value), now)


def _opened(body: Mapping[str, Any], now: datetime) -> Opened:
    """`flow` and `ref` are what a deep link carries; one that is none counts as not given."""
    flow, ref = body.get("flow"), body.get("ref")
    known = flow if isinstance(flow, str) and _CODE.fullmatch(flow) else None
    return Opened(now, known, _lang(body.get("lang")), links.referrer(ref) if isinstance(ref, str) else None)


def too_many(text: str, retry_after_s: int) -> web.HTTPTooManyRequests:
    return web.HTTPTooManyRequests(text=text, headers={"Retry-After": str(retry_after_s)})


async def _fields(request: web.Request) -> Mapping[str, Any]:
    """Raises: Unusable when the body is no form."""
    try:
        return await request.post()
    except (ValueError, LookupError, RuntimeError, AssertionError):
        raise Unusable(text="This form did not arrive whole. Go back, load the page again and repeat.") from None


def _form_body(fields: Mapping[str, Any]) -> dict[str, Any]:
    names = {"text": "text", "choice": "token", "command": "command"}
    given = {names[key]: str(value) for key, value in fields.items() if key in names}
    return given or {"open": True}


def _bearer(request: web.Request) -> Address | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return None
    if scheme != "Bearer" or not _TOKEN.fullmatch(token):
        raise web.HTTPUnauthorized(text="This is not a conversation's token.")
    return Address(token)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 15:
        raise Unusable(text="after must be a number that was given as seq.")
    return int(text)


def _language(text: str | None) -> str:
    return _lang(text) or "en"


def _lang(text: object) -> str | None:
    return text if isinstance(text, str) and text in LANGUAGES else None


# --- showing ---------------------------------------------------------------------------------------------------------


def message(line: Line) -> dict[str, Any]:
    """One line as the widget takes it. Its html comes from Markdown with HTML off, or is escaped."""
    shown = line.rendered
    return {
        "seq": line.seq,
        "from": line.author,
        "html": plain_to_html(shown.text) if shown.plain else to_html(shown.text),
        "text": shown.text if shown.plain else to_text(shown.text),
        "choices": [{"token": token, "title": title} for token, title in shown.choices],
        "lang": shown.language,
        "at": line.at.isoformat(),
    }


def shown_state(state: State) -> dict[str, Any]:
    return {
        "speaker": state.speaker,
        "reference": state.reference,
        "commands": [{"intent": intent, "title": title} for intent, title in state.commands],
        "ended": state.ended,
        "lang": state.language,
        "service": {"name": state.service},
    }


def shown_record(record: Record) -> dict[str, Any]:
    return {
        "reference": record.reference,
        "made_at": _moment(record.made_at),
        "library": record.library,
        "answers": [{"question": a.question, "answer": a.answer, "at": _moment(a.at)} for a in record.answers],
        "advice": [
            {
                "title": a.title,
                "page": a.page,
                "version": a.version,
                "at": _moment(a.at),
                "rule": a.rule,
                "status": a.status.value,
                "sources": [{"title": s.title, "url": s.url, "checked_on": s.checked_on} for s in a.sources],
            }
            for a in record.advice
        ],
        "decisions": [
            {
                "title": d.title,
                "page": d.page,
                "rule": d.decided_by,
                "route": d.route,
                "framework": d.framework,
                "at": _moment(d.at),
            }
            for d in record.decisions
        ],
    }


def to_text_record(record: Record, words: Mapping[str, str]) -> str:
    return to_text(as_markdown(record, words)) + "\n"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _event(kind: str, data: dict[str, Any], seq: int | None = None) -> bytes:
    number = f"id: {seq}\n" if seq is not None else ""
    return f"event: {kind}\n{number}data: {json.dumps(data)}\n\n".encode()
