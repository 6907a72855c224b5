"""The real `firstline serve` in a process of its own, and an adviser at its desk in a browser without JavaScript.

async with serving(folder, telegram_token=fake.token, telegram_api=fake.url) as served:
    await served.kill()
    await served.start()                     # the same data, the same port
async with desk_of(served, await add_adviser(folder)) as desk:
    case = (await desk.waiting())[0]
    await desk.claim(case)
    await desk.says(case, "Hello")
"""

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

from aiohttp import ClientConnectionError, ClientSession, ClientTimeout, CookieJar

from tests.small_house import ROOT

PATIENCE_S = 20.0
PASSWORD = "a long demo password"
EMAIL = "alex@example.org"
ALWAYS_OPEN = {"opening_hours": "mon-sun 00:00-24:00", "holidays_nation": ""}


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def environment(folder: Path, settings: Mapping[str, object]) -> dict[str, str]:
    """What the process finds: nothing of Firstline's but what is given."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTLINE_")}
    given = {"data_dir": folder, **settings}
    return ours | {f"FIRSTLINE_{name.upper()}": str(value) for name, value in given.items()} | {"PYTHONPATH": str(ROOT)}


COMMAND = ("-m", "bot")
NONE: Mapping[str, object] = {}


async def firstline(
    folder: Path, *arguments: str, command: Sequence[str] = COMMAND, typed: str = "", given: Mapping[str, object] = NONE
) -> asyncio.subprocess.Process:
    """The command, begun in a folder of its own, so that no .env of anybody's is read. `given`: settings."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command, *arguments),
        cwd=folder,
        env=environment(folder, given),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    assert process.stdin
    process.stdin.write(typed.encode())
    process.stdin.close()
    return process


class Served:
    """One server, as often as it is started: always on the same data and port."""

    def __init__(
        self, folder: Path, port: int, settings: Mapping[str, object], command: Sequence[str] = COMMAND
    ) -> None:
        self.folder, self.port, self.settings, self.command = folder, port, settings, command
        self.url = f"http://127.0.0.1:{port}"
        self.log: list[str] = []
        """What it wrote on stderr, in lines."""
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns once it is ready. Raises: AssertionError with its last words."""
        self.process = await firstline(
            self.folder, "serve", command=self.command, given={"port": self.port, **ALWAYS_OPEN, **self.settings}
        )
        self._reading = asyncio.create_task(self._read(self.process))
        try:
            async with asyncio.timeout(PATIENCE_S), ClientSession() as session:
                while not await self._is_ready(session):
                    assert self.process.returncode is None, self.log[-5:]
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not ready: {self.log[-5:]}") from None

    async def _is_ready(self, session: ClientSession) -> bool:
        try:
            async with session.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except ClientConnectionError:
            return False

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr
        async for line in process.stderr:
            self.log.append(line.decode().rstrip())

    async def ended(self) -> int:
        """The exit code, once it ends by itself."""
        assert self.process
        code = await asyncio.wait_for(self.process.wait(), PATIENCE_S)
        await self._reading
        return code

    async def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> None:
        if self.process and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            await self.ended()

    def logged(self, event: str) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.log if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]

    def counted(self, sql: str) -> int:
        """One number out of the database, which is only read."""
        with closing(sqlite3.connect(f"file:{self.folder}/firstline.db?mode=ro", uri=True)) as db:
            found: int = db.execute(sql).fetchone()[0]
            return found

    async def metrics(self) -> str:
        async with ClientSession() as session, session.get(f"{self.url}/metrics") as answer:
            return await answer.text()


@asynccontextmanager
async def serving(folder: Path, port: int = 0, **settings: object) -> AsyncIterator[Served]:
    """With the shipped library, always open. Settings by their names, without FIRSTLINE_."""
    served = Served(folder, port or free_port(), settings)
    try:
        await served.start()
        yield served
    finally:
        await served.stop()


async def add_adviser(folder: Path) -> str:
    """By the command line. Their e-mail address."""
    adding = await firstline(folder, "adviser", "add", "Alex Demo", EMAIL, "--password-stdin", typed=PASSWORD + "\n")
    try:
        _, complaint = await asyncio.wait_for(adding.communicate(), PATIENCE_S)
    finally:
        if adding.returncode is None:
            adding.kill()
            await adding.wait()
    assert adding.returncode == 0, complaint.decode()
    return EMAIL


# --- the adviser's browser -------------------------------------------------------------------------------------------


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What a browser makes of a page: its forms with what stands in them, and its words."""

    def __init__(self, status: int, html: str) -> None:
        super().__init__()
        self.status, self.html = status, html
        self.forms: list[Form] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif tag == "input" and given.get("type") == "hidden" and self.forms:
            self.forms[-1].fields[given["name"]] = given.get("value", "")

    @property
    def text(self) -> str:
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.html)).split())

    @property
    def lines(self) -> list[str]:
        """What was said in a case, in order: "who, what, and what became of it"."""
        log = re.search(r'<ol id="lines">(.*?)</ol>', self.html, re.DOTALL)
        items = re.findall(r"<li .*?</li>", log[1], re.DOTALL) if log else []
        return [" ".join(unescape(re.sub(r"<[^>]+>", " ", each)).split()) for each in items]

    def form(self, ending: str) -> Form:
        found = [form for form in self.forms if form.action.endswith(ending)]
        assert found, f"no form {ending}, only {[form.action for form in self.forms]}: {self.text[:300]}"
        return found[0]


class Desk:
    """An adviser who is logged in."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def get(self, path: str) -> Page:
        async with self._session.get(f"{self._url}{path}") as answer:
            return Page(answer.status, await answer.text())

    async def submit(self, form: Form, **typed: str) -> Page:
        async with self._session.post(f"{self._url}{form.action}", data={**form.fields, **typed}) as answer:
            return Page(answer.status, await answer.text())

    async def log_in(self, email: str) -> None:
        form = (await self.get("/desk/log-in")).form("/log-in")
        page = await self.submit(form, email=email, password=PASSWORD)
        assert page.status == 200, page.text
        assert "Queue" in page.text, page.text

    async def waiting(self) -> list[int]:
        """The cases on the board that can be claimed."""
        board = await self.get("/desk/")
        return [int(number) for number in re.findall(r'formaction="[^"]*/cases/(\d+)/claim"', board.html)]

    async def next_waiting(self) -> int:
        """The first case, once there is one."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := await self.waiting()):  # noqa: ASYNC110 - as a person who looks again
                await asyncio.sleep(0.1)
        return found[0]

    async def case(self, case: int) -> Page:
        return await self.get(f"/desk/cases/{case}")

    async def shows(self, case: int, *words: str) -> Page:
        """The case's page, once all of the words stand among its lines. Raises: AssertionError."""
        page = await self.case(case)
        for _ in range(int(PATIENCE_S / 0.1)):
            if all(any(word in line for line in page.lines) for word in words):
                return page
            await asyncio.sleep(0.1)
            page = await self.case(case)
        raise AssertionError(f"{words} not all in {page.lines}")

    async def claim(self, case: int) -> None:
        page = await self.submit((await self.case(case)).form(f"/cases/{case}/claim"))
        assert "You are speaking." in page.text, page.text

    async def says(self, case: int, text: str) -> Page:
        page = await self.submit((await self.case(case)).form("/say"), text=text)
        assert any(text in line for line in page.lines), page.text
        return page

    async def gives_back(self, case: int) -> None:
        form = (await self.get(f"/desk/cases/{case}/wrap-up?give=1")).form("/close")
        page = await self.submit(form, issue="reputation", outcome="given_back")
        assert page.status == 200, page.text
        assert "Queue" in page.text, page.text


@asynccontextmanager
async def desk_of(served: Served, email: str) -> AsyncIterator[Desk]:
    jar = CookieJar(unsafe=True)  # addresses in numbers have cookies too
    async with ClientSession(cookie_jar=jar, timeout=ClientTimeout(PATIENCE_S)) as session:
        desk = Desk(session, served.url)
        await desk.log_in(email)
        yield desk
