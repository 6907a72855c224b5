"""A whole house on a Monday morning: its process, Telegram, the mail, who works there, and its twelve promises."""

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
from handoff.desk import Desk
from handoff.domain import Author, CaseId, Role
from handoff.seal import Seal, key_in
from tests.browser.clocked import CLOCK, COMMAND, SharedClock
from tests.browser.desk_side import complaints, sync_api
from tests.fakes.smtp import MailServer
from tests.fakes.telegram import FakeTelegram
from tests.served import Served, free_port

expect = sync_api.expect
T = TypeVar("T")

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PASSWORD = "a long demo password"
GROUP = -500
"""Where advisers are told in Telegram."""
OPEN = "mon-fri 09:00-17:00"
PATIENCE_S = 20.0
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


# --- what is kept in mind --------------------------------------------------------------------------------------------


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


WITHOUT_A_PAGE = {
    "content", "events", "static", "facts", "audit_csv", "advice_pdf", "reveal",
    "report_file", "report_figure", "report_kept_file", "report_kept_figure",
}  # fmt: skip
"""GET routes that show no page of their own: lists for scripts, streams, files; `reveal` only leads back."""
SCREENS = {
    route.name: re.compile("/desk" + re.sub(r"{\w+:((?:[^{}]|{[^}]*})+)}", r"(?:\1)", route.path))
    for area in AREAS
    for route in area.routes
    if route.method == "GET" and route.name not in WITHOUT_A_PAGE
}
"""Everything that has a page: the name of its route and what its address looks like."""
KNOWN = {"pulse": ("meta-refresh", "page-has-heading-one")}
"""`pulse` is a line in a frame, where no script runs: asking again keeps the lease. It is no page of its own."""


@dataclass
class Audited:
    """The screens axe has seen, and what it found wrong."""

    screens: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def __call__(self, page: Any, part: str = "") -> None:
        """`part`: the route of what the page has opened within itself."""
        path = re.sub(r"^https?://[^/]+|[?#].*$", "", page.url)
        names = [name for name, shape in SCREENS.items() if shape.fullmatch(path)]
        page.evaluate("document.querySelectorAll('main details').forEach((fold) => fold.open = true)")
        known = [rule for name in names for rule in KNOWN.get(name, ())]
        found = [each for each in complaints(page) if each.partition(":")[0] not in known]
        self.faults += [f"{path}: {each}" for each in found]
        assert found == [], path
        self.screens |= {*names, part}


# --- the house -------------------------------------------------------------------------------------------------------


class House:
    """The service in a process of its own, with everybody it speaks to."""

    command = COMMAND

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
        self.served = Served(folder, free_port(), self._settings(), self.command)
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
        made.set_default_timeout(PATIENCE_S * 1000)
        self.contexts.append(made)
        return made

    # --- what is kept, which is only read

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(self._reader()) as db:
            return list(map(tuple, db.execute(sql, values)))

    def writes(self, statement: str, keep: bool = True) -> None:
        """As somebody with their hands in the file does. Raises: sqlite3.IntegrityError when it is refused."""
        with closing(sqlite3.connect(self.folder / "firstline.db", isolation_level=None, timeout=PATIENCE_S)) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                db.execute(statement)
            finally:
                db.execute("COMMIT" if keep and db.in_transaction else "ROLLBACK")

    def _reader(self) -> sqlite3.Connection:
        made = sqlite3.connect(f"file:{self.folder}/firstline.db?mode=ro", uri=True)
        made.row_factory = sqlite3.Row
        return made

    def one(self, sql: str, *values: object) -> Any:
        return self.rows(sql, *values)[0][0]

    def case_of_reference(self, text: str) -> int:
        reference = re.findall(r"FL-[A-Z0-9]{4}-[A-Z0-9]{2}", text)[-1]
        return int(self.one("SELECT id FROM cases WHERE reference = ?", reference))

    def state(self, case: int) -> tuple[str, int | None]:
        [(state, holder)] = self.rows('SELECT state, holder FROM queue_item WHERE "case" = ?', case)
        return state, holder

    def thread(self, case: int, author: Author = Author.ENQUIRER) -> list[str]:
        """What was said in a case by one side, in order."""
        with closing(self._reader()) as db:
            return [line.text for line in Desk(self._seal).thread(db, CaseId(case)) if line.author is author]

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

    def group(self) -> list[str]:
        """What advisers were told in Telegram."""
        return self.beside.do(lambda: self.telegram.sent(GROUP))

    def everything_sent(self) -> str:
        """All that left the house: to Telegram, to the advisers' group, by mail, over the web, and what it logged."""
        calls = self.beside.do(lambda: [f"{call.method} {call.params}" for call in self.telegram.calls])
        mails = [f"{mail['Subject']} {mail.get_content()}" for mail in self.mail.taken]
        return "\n".join([*calls, *mails, *self.outgoing, *self.served.log])


def email_of(name: str) -> str:
    return f"{name.split()[0].lower()}@example.org"
