"""A whole house on a Monday morning: its process, Telegram, the mail, thirty enquirers, four advisers, twelve promises."""

import asyncio
import itertools
import json
import re
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bot.app import open_ledger
from bot.config import read_settings
from handoff import advisers
from handoff.console.app import AREAS
from handoff.domain import Role
from handoff.seal import Seal, key_in
from tests.browser.clocked import CLOCK, COMMAND, SharedClock
from tests.browser.desk_side import LIVE, WAIT_MS, complaints, sync_api
from tests.fakes.smtp import MailServer
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_people import User
from tests.served import Served, free_port

expect = sync_api.expect
T = TypeVar("T")

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PASSWORD = "a long demo password"
GROUP = -500
"""Where advisers are told in Telegram."""
OPEN = "mon-fri 09:00-17:00"
PATIENCE_S = 10.0
PROMISES = tuple(f"P{number}" for number in range(1, 13))
CASE = re.compile(r"/cases/(\d+)")

PEOPLE = {
    "Amira Khan": Role.ADVISER,
    "Ben Okafor": Role.ADVISER,
    "Dewi Price": Role.ADVISER,
    "Carys Lewis": Role.LEAD,
    "Esther Bell": Role.EDITOR,
    "Farid Aziz": Role.AUDITOR,
    "Sian Rees": Role.SENIOR,
}
"""Four advisers of the morning; of the others one of each role, who only look."""


def until(holds: Callable[[], T], what: str = "") -> T:
    """What `holds` returns, once it is true of it. Raises: AssertionError."""
    end = time.monotonic() + PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < end, what or "it did not come true"
        time.sleep(0.02)
    return found


class Beside:
    """A loop on a thread, for Telegram, the mail and the watch over the service's process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Awaitable[T]) -> T:
        async def done() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(30)

    def do(self, act: Callable[[], T]) -> T:
        async def done() -> T:
            return act()

        return self.run(done())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


# --- what is kept in mind ------------------------------------------------------------------------------------------------


@dataclass
class Promises:
    """Which of the twelve were asserted, and in which words."""

    kept: dict[str, list[str]] = field(default_factory=dict)

    @contextmanager
    def __call__(self, number: str, words: str) -> Iterator[None]:
        """What the block asserts is this promise, where it shows; it counts once the block came to its end."""
        assert number in PROMISES
        yield
        self.kept.setdefault(number, []).append(words)


WITHOUT_A_PAGE = {"content", "events", "static", "facts", "audit_csv", "advice_pdf", "reveal"}
"""GET routes that show no page of their own: lists for scripts, streams, files; `reveal` only leads back."""
SCREENS = {
    route.name: re.compile("/desk" + re.sub(r"{\w+:((?:[^{}]|{[^}]*})+)}", r"(?:\1)", route.path))
    for area in AREAS
    for route in area.routes
    if route.method == "GET" and route.name not in WITHOUT_A_PAGE
}
"""Everything that has a page: the name of its route and what its address looks like."""


@dataclass
class Audited:
    """The screens axe has seen, and what it found wrong."""

    screens: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def __call__(self, page: Any) -> None:
        path = re.sub(r"^https?://[^/]+|[?#].*$", "", page.url)
        names = [name for name, shape in SCREENS.items() if shape.fullmatch(path)]
        page.evaluate("document.querySelectorAll('main details').forEach((fold) => fold.open = true)")
        found = complaints(page)
        self.faults += [f"{path}: {each}" for each in found]
        assert found == [], path
        self.screens |= set(names) or {path}


# --- who writes ----------------------------------------------------------------------------------------------------------


@dataclass
class Enquirer:
    """One of the thirty. `said` is what they wrote, in order."""

    house: "House"
    name: str
    said: list[str] = field(default_factory=list)
    case: int = 0

    def says(self, text: str) -> None:
        self.said.append(text)
        self._send(text)

    def hears(self, words: str) -> str:
        """Waits until they read this. All that they can read."""
        until(lambda: words in self.heard(), f"{self.name} does not read {words!r}: {self.heard()[-400:]}")
        return self.heard()

    def asks_for_people(self, opening: str = "hello") -> int:
        """Writes, asks for a person, agrees. Returns the case."""
        for text in (opening, "talk to a person", "yes"):
            self.says(text)
        self.hears("is in the queue")
        self.case = self.house.case_of_reference(self.heard())
        return self.case

    def heard(self) -> str:
        raise NotImplementedError

    def _send(self, text: str) -> None:
        raise NotImplementedError


@dataclass
class ByApi(Enquirer):
    """Over the web API, as the widget speaks it."""

    token: str = ""

    def _send(self, text: str) -> None:
        self.posts(text=text)

    def posts(self, **given: Any) -> None:
        body = {"id": f"{self.name}-{next(self.house.numbers)}", **given}
        answer = self.house.api.post("/api/chat", data=body, headers=self._headers())
        assert answer.ok, answer.text()
        self.token = answer.json()["token"]
        self.house.outgoing.append(answer.text())

    def heard(self) -> str:
        answer = self.house.api.get("/api/chat", headers=self._headers())
        self.house.outgoing.append(answer.text())
        return "\n".join(each["text"] for each in answer.json()["messages"] if each["from"] != "you")

    def record(self) -> str:
        answer = self.house.api.get("/api/chat/record?format=html", headers=self._headers())
        self.house.outgoing.append(answer.text())
        return str(answer.text())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass
class ByPage(Enquirer):
    """With the real chat page, in Chromium."""

    page: Any = None

    def opens(self, context: Any) -> None:
        self.page = context.new_page()
        self.page.goto(f"{self.house.url}/chat")
        expect(self.page.get_by_role("log").get_by_role("button", name="No", exact=True)).to_be_visible()

    def presses(self, title: str) -> None:
        self.page.get_by_role("log").get_by_role("button", name=title, exact=True).last.click()

    def asks_for_people(self, opening: str = "") -> int:
        if opening:
            self.says(opening)
        for title in ("Talk to a person", "Yes, pass it on"):
            self.page.get_by_role("button", name=title).last.click()
        self.hears("is in the queue")
        self.case = self.house.case_of_reference(self.heard())
        return self.case

    def _send(self, text: str) -> None:
        self.page.get_by_label("Your message").fill(text)
        self.page.get_by_role("button", name="Send", exact=True).click()
        expect(self.page.get_by_role("log").locator("li.you:not(.waiting)").last).to_contain_text(text)

    def hears(self, words: str) -> str:
        expect(self.page.get_by_role("log")).to_contain_text(words)
        return self.heard()

    def heard(self) -> str:
        return "\n".join(self.page.get_by_role("log").locator("li:not(.you)").all_inner_texts())


@dataclass
class ByTelegram(Enquirer):
    me: User = None  # type: ignore[assignment]

    def asks_for_people(self, opening: str = "/start") -> int:
        self.says(opening)
        self.hears("in danger")
        for text, answer in (("talk to a person", "pass this to an adviser?"), ("yes", "is in the queue")):
            self.says(text)
            self.hears(answer)
        self.case = self.house.case_of_reference(self.heard())
        return self.case

    def presses(self, title: str) -> None:
        self.house.beside.do(lambda: self.me.presses(title))

    def _send(self, text: str) -> None:
        self.house.beside.do(lambda: self.me.says(text))

    def heard(self) -> str:
        return "\n".join(self.texts)

    @property
    def texts(self) -> list[str]:
        return self.house.beside.do(lambda: self.house.telegram.sent(self.me.id))


# --- the house -----------------------------------------------------------------------------------------------------------


class House:
    """The service in a process of its own, with everybody it speaks to."""

    def __init__(self, folder: Path, browser: Any) -> None:
        self.folder, self.browser = folder, browser
        self.clock = SharedClock(folder / CLOCK, MONDAY)
        self.beside = Beside()
        self.telegram = self.beside.run(FakeTelegram(clock=self.clock).__aenter__())
        self._make_group()
        self.mail = MailServer()
        self._mail = self.beside.run(asyncio.start_server(self.mail.serve, "127.0.0.1", 0))
        self.mail.port = self._mail.sockets[0].getsockname()[1]
        self._hire()
        self.served = Served(folder, free_port(), self._settings(), COMMAND)
        self.beside.run(self.served.start())
        self.numbers = itertools.count(1)
        self.outgoing: list[str] = []
        """What the web API answered and the chat's pages showed, and everything else that leaves by the web."""
        self.contexts: list[Any] = []
        self.api = self.context(base_url=self.url).request

    def _make_group(self) -> None:
        group = self.telegram.group(GROUP).chat
        group.found = group.member = True

    def _settings(self) -> dict[str, object]:
        return {
            "opening_hours": OPEN, "telegram_token": self.telegram.token, "telegram_api": self.telegram.url,
            "telegram_advisers": GROUP, "alert_emails": "rota@example.org", "smtp_host": "127.0.0.1",
            "smtp_port": self.mail.port, "smtp_from": "desk@example.org", "smtp_starttls": "false",
        }  # fmt: skip

    def _hire(self) -> None:
        ledger, hashed = open_ledger(read_settings(data_dir=self.folder)), advisers.hash_password(PASSWORD)
        for name, role in PEOPLE.items():
            ledger.write_now(
                lambda conn, name=name, role=role: advisers.add(  # type: ignore[misc]
                    conn, name, email_of(name), hashed, role, self.clock(), capacity=4
                )
            )
        ledger.close()

    @property
    def url(self) -> str:
        return self.served.url

    def kill(self) -> None:
        self.beside.run(self.served.kill())

    def start(self) -> None:
        self.beside.run(self.served.start())

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        self.beside.run(self.served.stop())
        self._mail.close()
        self.beside.run(self._mail.wait_closed())
        self.beside.run(self.telegram.__aexit__())
        self.beside.close()
        self.clock.close()

    def context(self, **settings: Any) -> Any:
        made = self.browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
        made.set_default_timeout(WAIT_MS)
        self.contexts.append(made)
        return made

    # --- people

    def by_api(self, name: str) -> ByApi:
        return ByApi(self, name)

    def by_page(self, name: str) -> ByPage:
        made = ByPage(self, name)
        made.opens(self.context(viewport={"width": 375, "height": 812}))
        return made

    def by_telegram(self, name: str, number: int) -> ByTelegram:
        return ByTelegram(self, name, me=self.beside.do(lambda: self.telegram.user(number, name)))

    # --- what is kept, which is only read

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.folder}/firstline.db?mode=ro", uri=True)) as db:
            return list(db.execute(sql, values).fetchall())

    def one(self, sql: str, *values: object) -> Any:
        return self.rows(sql, *values)[0][0]

    def case_of_reference(self, text: str) -> int:
        reference = re.findall(r"FL-[A-Z0-9]{4}-[A-Z0-9]{2}", text)[-1]
        return int(self.one("SELECT id FROM cases WHERE reference = ?", reference))

    def state(self, case: int) -> tuple[str, int | None]:
        [(state, holder)] = self.rows('SELECT state, holder FROM queue_item WHERE "case" = ?', case)
        return state, holder

    def thread(self, case: int, author: str = "enquirer") -> list[str]:
        sql = 'SELECT body FROM message WHERE "case" = ? AND author = ? ORDER BY seq'
        return [self._seal.open(body, "message") for (body,) in self.rows(sql, case, author)]

    @property
    def _seal(self) -> Seal:
        return Seal(key_in(self.folder / "firstline.key", may_make=False))

    def unsealed(self) -> str:
        """What the bot's own tables hold, as whoever has the key reads it."""
        seal = self._seal
        found = [seal.open(row[0], "turn") for row in self.rows("SELECT words FROM turn WHERE words IS NOT NULL")]
        for about, sql in (("conversation", "SELECT state FROM conversation"), ("reply", "SELECT body FROM outbox")):
            rows = [row[0] for row in self.rows(sql) if row[0]]
            found += [json.dumps(msgspec.msgpack.decode(seal.open_bytes(row, about)), default=str) for row in rows]
        return "\n".join(found)

    def raw(self) -> bytes:
        return b"\n".join(each.read_bytes() for each in self.folder.rglob("*") if each.is_file())

    def everything_sent(self) -> str:
        """All that left the house: to Telegram, to the advisers' group, by mail, over the web, and what it logged."""
        calls = self.beside.do(lambda: [f"{call.method} {call.params}" for call in self.telegram.calls])
        mails = [f"{mail['Subject']} {mail.get_content()}" for mail in self.mail.taken]
        return "\n".join([*calls, *mails, *self.outgoing, *self.served.log])


def email_of(name: str) -> str:
    return f"{name.split()[0].lower()}@example.org"


# --- who answers ---------------------------------------------------------------------------------------------------------


class Adviser:
    """At the desk, in a browser of their own."""

    def __init__(self, house: House, name: str) -> None:
        self.house, self.name = house, name
        self.id = list(PEOPLE).index(name) + 1
        self.page = house.context().new_page()

    def goes(self, path: str) -> Any:
        self.page.goto(f"{self.house.url}/desk{path}")
        return self.page

    def logs_in(self) -> None:
        """By keyboard: the first field has the focus."""
        self.goes("/log-in")
        keys = self.page.keyboard
        self.page.locator("#email").focus()
        keys.type(email_of(self.name))
        keys.press("Tab")
        keys.type(PASSWORD)
        keys.press("Enter")

    def is_live(self) -> None:
        self.page.wait_for_selector(LIVE)

    def claims(self, case: int) -> Any:
        self.goes(f"/cases/{case}")
        self.page.get_by_role("button", name="Claim").click()
        expect(self.page.locator("#speaker")).to_contain_text("You are speaking")
        self.is_live()
        return self.page

    def replies(self, text: str) -> None:
        self.page.locator("#reply").fill(text)
        self.page.get_by_role("button", name="Send", exact=True).click()
        expect(self.page.locator("#lines .by-adviser").last).to_contain_text(text)

    def closes(self, issue: str = "impersonation", outcome: str = "advised", case: int = 0) -> None:
        if case:
            self.goes(f"/cases/{case}")
        self.page.get_by_role("button", name="Wrap up").click()
        self.page.locator("#issue").select_option(issue)
        self.page.locator("#setting").select_option(index=1)
        for field_ in ("role", "nation"):
            if self.page.locator(f"#closing #{field_}:visible").count():
                self.page.locator(f"#{field_}").select_option(index=1)
        self.page.locator(f"#outcome-{outcome}").check()
        if not self.page.locator("input[name=route]:checked").count():
            self.page.locator("input[name=route]").first.check()
        self.page.locator("#close").click()
        expect(self.page.locator(".notice").first).to_contain_text("is closed")
