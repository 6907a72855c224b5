"""A server of canned answers that keeps the web channel's HTTP contract, for tests of the front end only."""

import asyncio
import json
import re
import secrets
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from jinja2 import Environment, FileSystemLoader

ROOT = Path(__file__).parents[2]
WEB = ROOT / "bot" / "web"
INTERFACE = ROOT / "content" / "interface"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
AT = "2026-03-02T10:15:00+00:00"
SERVICE = {"name": "Example Helpline"}
COMMANDS = (
    ("back", "Back"),
    ("danger_now", "999 In danger now"),
    ("talk_to_person", "Talk to a person"),
    ("change_answer", "Change an answer"),
    ("restart", "Start again"),
    ("why", "Why do you ask?"),
    ("record", "Record of advice"),
    ("stop", "Stop and delete"),
    ("switch_language", "Cymraeg"),
)
ADVICE = """<h3>Do now</h3><ul><li>Write down the date, the time and the address of the post.</li>
<li>Do <strong>not</strong> reply from a school account.</li></ul><h3>Tell</h3><p>Tell your safeguarding lead today.</p>
<details><summary>Tools</summary><p>Use the platform’s own report form. See <a href="https://example.org/report">how to
report</a>.</p></details><p><em>Source: an example page, checked 1 March 2026.</em></p>"""
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("<p>Hello. I ask a few short questions. Then I give you the next step.</p>", ()),
    ("<p>Is a child or an adult in danger right now?</p>", ("Yes", "No", "I do not know")),
    ("<p>What has happened?</p>", ("A fake account in our name", "Abuse of a member of staff", "Something else")),
    ("<p>Tell me a little more, in your own words.</p>", ()),
    (ADVICE, ()),
    ("<p>Was this useful?</p>", ("Yes, thank you", "No")),
    ("<p>Thank you.</p>", ()),
)
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
T = TypeVar("T")
Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Talk:
    """One canned conversation."""

    token: str
    lines: list[Json] = field(default_factory=list)
    answers: dict[str, list[Json]] = field(default_factory=dict)
    """What each client id was answered: the same id twice gets the same messages."""
    bodies: list[Json] = field(default_factory=list)
    step: int = 0
    seq: int = 0
    lang: str = "en"
    speaker: str = "bot"
    reference: str | None = None
    ended: bool = False
    listeners: set["asyncio.Queue[tuple[str, Json]]"] = field(default_factory=set)

    def state(self) -> Json:
        commands = [{"intent": intent, "title": title} for intent, title in COMMANDS]
        return {"speaker": self.speaker, "reference": self.reference, "commands": commands, "ended": self.ended,
                "service": SERVICE, "lang": self.lang}  # fmt: skip

    def add(self, origin: str, html: str, choices: tuple[str, ...] = ()) -> Json:
        self.seq += 1
        offered = [{"token": f"{self.seq}.{index}", "title": title} for index, title in enumerate(choices)]
        line = {
            "seq": self.seq,
            "from": origin,
            "html": html,
            "text": html,
            "choices": offered,
            "lang": self.lang,
            "at": AT,
        }
        self.lines.append(line)
        for listener in self.listeners:
            listener.put_nowait(("message", line))
        return line

    def ask(self) -> None:
        html, choices = STEPS[min(self.step, len(STEPS) - 1)]
        self.add("firstline", html, choices)
        self.step += 1
        if not choices and html not in (STEPS[3][0], STEPS[-1][0]):
            self.ask()

    def title_of(self, token: str) -> str:
        return next(
            (str(choice["title"]) for line in self.lines for choice in line["choices"] if choice["token"] == token), "?"
        )

    def take(self, body: Json) -> list[Json]:
        """The lines that one message leads to, its own line first."""
        if body["id"] in self.answers:
            return self.answers[body["id"]]
        self.bodies.append(body)
        before = self.seq
        self._take(body)
        self.answers[body["id"]] = self.after(before)
        return self.answers[body["id"]]

    def after(self, seq: int) -> list[Json]:
        return [line for line in self.lines if line["seq"] > seq]

    def _take(self, body: Json) -> None:
        if "open" in body:
            return self.ask()
        if "media" in body:
            self.add("firstline", f"<p>We never take images or files ({escape(body['media'])}).</p>")
            return None
        if "command" in body:
            self.add("you", escape(dict(COMMANDS)[body["command"]]))
            return self.obey(body["command"])
        words = self.title_of(body["token"]) if "token" in body else str(body["text"]).replace("Jo Smith", "[name]")
        self.add("you", escape(words))
        if self.speaker == "bot":
            self.ask()
        return None

    def obey(self, command: str) -> None:
        if command == "danger_now":
            self.add("firstline", "<p><strong>Call 999 now.</strong> Then tell your safeguarding lead.</p>")
        elif command == "talk_to_person":
            self.speaker, self.reference = "waiting", "FL-0001"
            self.add("firstline", "<p>An adviser will answer here.</p>")
        elif command in ("back", "restart"):
            self.step = 0 if command == "restart" else max(1, self.step - 2)
            self.ask()
        elif command == "stop":
            self.ended = True
            self.lines.clear()
            self.add("firstline", "<p>Your words are deleted.</p>")
        elif command == "switch_language":
            self.lang = "cy"
            self.add("firstline", "<p>Iawn. Cymraeg.</p>")
        else:
            self.add("firstline", "<p>We ask so that we can give you the right next step.</p>")


class FakeChat:
    """The server on a loopback port, in its own thread; may be stopped and started again on the same port."""

    def __init__(self) -> None:
        self.talks: dict[str, Talk] = {}
        self.lose_next_answer = False
        """Take the next message, then hang up before answering: the client cannot know that it arrived."""
        self.knows_ids = True
        """False: a message that comes twice counts twice, as with a server that forgot the contract."""
        self.keeps_chosen_tokens = True
        """False: every message with a token the server does not know begins a conversation under a token of its own."""
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._pages = Environment(loader=FileSystemLoader(WEB), autoescape=True)
        self.start()

    # --- for tests

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def other_origin(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def talk(self) -> Talk:
        """The newest conversation."""
        return list(self.talks.values())[-1]

    def start(self) -> None:
        self._run(self._start())

    def stop(self) -> None:
        if self._runner:
            self._run(self._runner.cleanup())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def adviser_says(self, words: str) -> None:
        async def say() -> None:
            self.talk.speaker = "adviser"
            self.talk.add("adviser", f"<p>{escape(words)}</p>")
            for listener in self.talk.listeners:
                listener.put_nowait(("state", self.talk.state()))

        self._run(say())

    def raw_line(self, html: str) -> None:
        """A line of HTML that a good server would never send."""

        async def say() -> None:
            self.talk.add("adviser", html)

        self._run(say())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> None:
        app = web.Application(middlewares=[allow_other_origins])
        app.router.add_get("/chat", self.page)
        app.router.add_post("/chat", self.posted)
        app.router.add_post("/api/chat", self.said)
        app.router.add_get("/api/chat", self.recalled)
        app.router.add_get("/api/chat/events", self.events)
        app.router.add_get("/api/chat/record", self.record)
        app.router.add_get("/api/chat/strings", self.strings)
        app.router.add_get("/host", host_page)
        app.router.add_get("/widget.js", widget)
        app.router.add_static("/static", WEB / "static")
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    # --- the API

    def _talk(self, request: web.Request) -> Talk:
        token = bearer(request)
        if token not in self.talks:
            raise web.HTTPNotFound(
                text=json.dumps({"error": {"code": "not_found", "message": ""}}), content_type="application/json"
            )
        return self.talks[token]

    def _talk_or_new(self, token: str | None) -> Talk:
        """A token that the client chose begins a conversation under it."""
        if token in self.talks:
            return self.talks[token]
        talk = Talk(token if token and self.keeps_chosen_tokens else secrets.token_urlsafe(32))
        self.talks[talk.token] = talk
        return talk

    async def said(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        talk = self._talk_or_new(bearer(request) if "Authorization" in request.headers else None)
        if body.get("text") == "refuse me":
            return web.json_response({"error": {"code": "too_long", "message": "That is too long."}}, status=413)
        if not self.knows_ids:
            talk.answers.clear()
        messages = talk.take(body)
        if self.lose_next_answer:
            self.lose_next_answer = False
            assert request.transport
            request.transport.close()
        return web.json_response({"token": talk.token, "messages": messages, "state": talk.state()})

    async def recalled(self, request: web.Request) -> web.StreamResponse:
        talk = self._talk(request)
        messages = talk.after(int(request.query.get("after", 0)))
        return web.json_response({"token": talk.token, "messages": messages, "state": talk.state()})

    async def events(self, request: web.Request) -> web.StreamResponse:
        talk = self._talk(request)
        queue: asyncio.Queue[tuple[str, Json]] = asyncio.Queue()
        for line in talk.after(int(request.query.get("after", 0))):
            queue.put_nowait(("message", line))
        talk.listeners.add(queue)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Access-Control-Allow-Origin": "*"})
        await response.prepare(request)
        try:
            await response.write(b": here\n\n")
            while True:
                event, data = await queue.get()
                number = f"id: {data['seq']}\n" if event == "message" else ""
                await response.write(f"event: {event}\n{number}data: {json.dumps(data)}\n\n".encode())
        finally:
            talk.listeners.discard(queue)

    async def record(self, request: web.Request) -> web.StreamResponse:
        self._talk(request)
        return web.Response(text=self.record_page(), content_type="text/html")

    def record_page(self) -> str:
        """A record of advice with one answer and one page, as the template shows it."""
        source = {"title": "An example page", "url": "https://example.org/", "checked_on": "2026-03-01"}
        advice = {
            "title": "When someone copies your account",
            "page": "report-fake-account",
            "version": "a1b2c3",
            "at": "2 March 2026, 10:15",
            "rule": "impersonation / who_can_report",
            "status": "unverified",
            "sources": [source],
        }
        asked = {"question": "Is anyone in danger right now?", "answer": "No", "at": "2 March 2026, 10:14"}
        record = {
            "reference": "FL-0001",
            "made_at": "2 March 2026, 10:20",
            "library": "2026-03-01 a1b2c3",
            "answers": [asked],
            "advice": [advice],
        }
        template = self._pages.get_template("record.html")
        return template.render(service=SERVICE, strings=strings_of("en"), lang="en", record=record)

    async def strings(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(strings_of(request.query.get("lang", "en")))

    # --- the page, which works without JavaScript too

    async def page(self, request: web.Request) -> web.StreamResponse:
        talk = self.talks.get(request.cookies.get("talk", ""))
        lang = talk.lang if talk else "en"
        state = talk.state() if talk else {}
        html = self._pages.get_template("chat.html").render(
            service=SERVICE, messages=talk.lines if talk else [], commands=state.get("commands", []), state=state,
            csrf="canned", id=secrets.token_hex(16), strings=strings_of(lang), lang=lang, static="/static/",
        )  # fmt: skip
        return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": CSP})

    async def posted(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if form.get("csrf") != "canned":
            raise web.HTTPForbidden
        talk = self._talk_or_new(request.cookies.get("talk"))
        kinds = {"text": "text", "choice": "token", "command": "command"}
        said: Json = {kinds[name]: str(value) for name, value in form.items() if name in kinds}
        said = said or {"open": True}
        talk.take({"id": str(form["id"]), **said})
        response = web.Response(status=303, headers={"Location": "/chat"})
        response.set_cookie("talk", talk.token, httponly=True, samesite="Strict")
        return response


def bearer(request: web.Request) -> str:
    """Raises: HTTPUnauthorized when what came is not the shape of a conversation's token."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not TOKEN.fullmatch(token):
        raise web.HTTPUnauthorized
    return token


async def widget(_: web.Request) -> web.StreamResponse:
    return web.FileResponse(WEB / "static" / "widget.js")


async def host_page(request: web.Request) -> web.StreamResponse:
    """Somebody else's site, with a strict policy of its own and awkward styles."""
    widget = f"http://127.0.0.1:{request.url.port}"
    html = f"""<!doctype html><html lang="en"><title>A school</title><meta name="viewport" content="width=device-width">
<main><h1>A school’s own page</h1><p>Some words.</p><a href="#x" id="x">A link</a></main>
<script src="{widget}/widget.js" data-flow="reputation" data-lang="en" defer></script></html>"""
    policy = f"default-src 'none'; script-src {widget}; connect-src {widget}; img-src 'self' data:; base-uri 'none'"
    return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": policy})


@web.middleware
async def allow_other_origins(request: web.Request, handler: Handler) -> web.StreamResponse:
    allow = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "authorization, content-type"}
    if request.method == "OPTIONS":
        return web.Response(headers=allow)
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        refusal.headers.update(allow)
        raise
    if not response.prepared:
        response.headers.update(allow)
    return response


def strings_of(lang: str) -> Json:
    path = INTERFACE / f"{'cy' if lang == 'cy' else 'en'}.json"
    strings: Json = json.loads(path.read_text("utf-8"))
    return strings
