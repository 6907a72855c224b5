"""Who is there on that Monday morning: thirty enquirers on two channels, four advisers, and who only tries doors."""

import re
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

from handoff.console.app import AREAS
from handoff.console.area import Route
from handoff.domain import Role
from tests.areas import gathered_who_may
from tests.browser.desk_side import LIVE, sync_api
from tests.browser.morning_side import PASSWORD, PATIENCE_S, PEOPLE, Audited, House, Promises, email_of, until
from tests.fakes.telegram_people import User

expect = sync_api.expect


# --- who writes ------------------------------------------------------------------------------------------------------


@dataclass
class Enquirer:
    """One of the thirty."""

    house: House
    name: str
    said: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """What they wrote to people, after the hand-over."""
    case: int = 0

    def says(self, text: str) -> None:
        self.said.append(text)
        self._send(text)

    def tells_people(self, text: str) -> None:
        self.told.append(text)
        self.says(text)

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

    def __post_init__(self) -> None:
        self.page = self.house.context(viewport={"width": 375, "height": 812}).new_page()
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
    number: int = 0

    def __post_init__(self) -> None:
        self.me: User = self.house.beside.do(lambda: self.house.telegram.user(self.number, self.name))

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


# --- who answers -----------------------------------------------------------------------------------------------------


class Adviser:
    """At the desk, in a browser of their own."""

    def __init__(self, house: House, name: str, script: bool = True) -> None:
        self.house, self.name, self.script = house, name, script
        self.id = list(PEOPLE).index(name) + 1
        self.page = house.context(java_script_enabled=script).new_page()

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
        expect(self.page.locator("#presence-menu")).to_be_visible()
        self.is_live()

    def is_live(self) -> None:
        if self.script:
            self.page.wait_for_selector(LIVE)

    def is_available(self) -> None:
        self.page.locator("#presence-menu summary").click()
        self.page.get_by_role("button", name="Be available").click()
        expect(self.page.locator("#presence-menu summary")).to_contain_text("Available")
        self.is_live()

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

    def closes(self, case: int = 0) -> None:
        if case:
            self.goes(f"/cases/{case}")
        self.wraps_up("impersonation")
        expect(self.page.locator(".notice").first).to_contain_text("is closed")

    def wraps_up(self, issue: str, outcome: str = "advised") -> None:
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

    def passes_a_report_on(self, first: str, last: str) -> None:
        """One of these days, both counted."""
        page = self.goes(f"/reports?period=own&first={first}&last={last}&compare=none")
        page.locator(".report-pass-on summary").click()
        page.get_by_role("button", name="Make the version to pass on").click()


@dataclass
class Morning:
    """Who is there. Amira uses no mouse; Dewi's browser runs no script; Carys leads."""

    house: House
    promise: Promises
    audited: Audited
    amira: Adviser
    ben: Adviser
    dewi: Adviser
    carys: Adviser
    by_api: list[ByApi]
    by_telegram: list[ByTelegram]
    ruth: ByPage
    priya: ByPage
    tom: ByApi

    @property
    def everybody(self) -> list[Enquirer]:
        return [*self.by_api, *self.by_telegram, self.ruth, self.priya, self.tom]

    def all_come_back(self) -> None:
        """Hours have passed: sessions have ended."""
        for each in (self.ben, self.dewi, self.carys):
            each.logs_in()


# --- who may ---------------------------------------------------------------------------------------------------------


def let_in(house: House) -> list[tuple[str, str, str | None]]:
    """The routes that let a role in against the lists of `tests.areas`, or keep it out against them."""
    may, wrong = gathered_who_may(), []
    for role in (*Role, None):
        visitor = Visitor(house, None if role is None else next(name for name, each in PEOPLE.items() if each is role))
        for area_route in sorted(all_routes(), key=lambda route: route.name == "log_out"):
            key = (area_route.method, area_route.name)
            if visitor.is_let_in(area_route) != (role in may[key]):
                wrong.append((*key, role and role.value))
    return wrong


def all_routes() -> list[Route]:
    return [route for area in AREAS for route in area.routes]


WRITTEN = {"name": "desk.css", "format": "json"}
"""What stands for a part of an address; for every other part "1"."""


class Visitor:
    """Asks for addresses as a program does, and reads only whether they let it in."""

    def __init__(self, house: House, name: str | None) -> None:
        self._port, self._cookies = house.served.port, ""
        if name:
            self._log_in(name)
        self._csrf = self._form("/account" if name else "/log-in")

    def is_let_in(self, route: Route) -> bool:
        path = re.sub(r"{(\w+)(?::(?:[^{}]|{[^}]*})+)?}", lambda found: WRITTEN.get(found[1], "1"), route.path)
        answer = self._ask(route.method, path, csrf=self._csrf, email="", password="")
        assert answer.status < 500, (route.method, path)
        return answer.status not in {401, 403} and "log-in?next" not in answer.headers.get("Location", "")

    def _log_in(self, name: str) -> None:
        csrf = self._form("/log-in")
        answer = self._ask("POST", "/log-in", csrf=csrf, email=email_of(name), password=PASSWORD)
        assert answer.status == 303, answer.status

    def _form(self, path: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self._ask("GET", path, read=True).text)
        assert found
        return found[1]

    def _ask(self, method: str, path: str, read: bool = False, **form: str) -> "Answered":
        headers = {"Cookie": self._cookies, "Content-Type": "application/x-www-form-urlencoded"}
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)) as line:
            line.request(method, f"/desk{path}", urlencode(form) if method == "POST" else None, headers)
            answer = line.getresponse()
            cookies = [each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie", [])]
            if cookies and path == "/log-in":
                self._cookies = "; ".join([*filter(None, [self._cookies]), *cookies])
            return Answered(answer.status, answer.headers, answer.read().decode() if read else "")


@dataclass(frozen=True)
class Answered:
    status: int
    headers: Any
    text: str
