"""A desk with one of everything on it, and every form of its pages as a browser would send it.

For tests that walk all posts: `busy_desk` fills it once, `copied` gives each walk its own, `crawled` finds the
forms of everybody's pages, `Form.filled` fills one as somebody would who means it.
"""

import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.migrations import migrations as bot_migrations
from handoff import accounts, care, gaps, holds, practice, terms, transfers, watching
from handoff.console.app import console
from handoff.domain import AdviserId, CaseId, DeliveryState, NewCase, Role
from handoff.doors import Doors
from handoff.gaps import GapKind, NewGap
from handoff.holds import HoldReason
from handoff.ledger import Ledger
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.seal import Seal
from handoff.takedowns import NewStep, NewTakedown, Stage, Takedowns, What, Who
from handoff.tasks import NewTask, TaskKind, Tasks
from handoff.timetable import Timetable
from tests.demo_desk import OPEN, PACK, Clock, DemoDesk
from tests.recorded import FakePeople, FakeRecords, close, decide, full_case
from tests.test_console import Visitor, _mask, routes_of, visiting
from tests.test_desk_deciding import FakeThresholds
from tests.test_desk_gaps import FakeReviews
from tests.test_desk_practice import SCRIPT, FakePractice
from tests.test_desk_talk import FakeContent

SEAL = Seal(b"k" * 32)
DOORS = Doors(
    content=FakeContent(),
    people=FakePeople(),
    records=FakeRecords(),
    thresholds=FakeThresholds(),
    practice=FakePractice(),
    reviews=FakeReviews(),
)
WORDS = "Please ask the platform again"
NOT_PAGES = (".pdf", ".csv", ".css", ".js")
OF_EACH_KIND = 3


# --- the desk --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Busy:
    """The desk, who works at it, and its cases by what is special about them."""

    desk: DemoDesk
    clock: Clock
    people: dict[str, AdviserId]
    cases: dict[str, CaseId]
    tokens: dict[str, str] = field(default_factory=dict)

    def dump(self) -> dict[str, list[tuple[object, ...]]]:
        return dump(self.desk.ledger.reader())


@contextmanager
def opened(folder: Path, clock: Clock) -> Iterator[DemoDesk]:
    """With the bot's tables too: what an adviser says goes into the outbox."""
    ledger = Ledger(folder / "desk.db", SEAL, [migrations, bot_migrations])
    yield DemoDesk(ledger, Queue(SEAL, Timetable(ledger, OPEN)), clock, count(100))
    ledger.close()


def busy_desk(folder: Path) -> Busy:
    """Fills a desk in that folder and closes it again: `copied` opens copies."""
    clock = Clock()
    with opened(folder, clock) as desk:
        made = Busy(desk, clock, _people(desk), {})
        _cases(made)
        _work(made)
        made.tokens = {name: desk.token(adviser) for name, adviser in made.people.items() if name != "gone"}
        desk.token(made.people["amira"])  # and once more, on another device
    return made


@contextmanager
def copied(made: Busy, folder: Path) -> Iterator[Busy]:
    """The same desk in a file of its own, at the time when it was filled."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(made.desk.ledger.path, folder / "desk.db")
    clock = Clock(made.clock.at)
    with opened(folder, clock) as desk:
        desk.conversations = count(900)
        yield replace(made, desk=desk, clock=clock)


@asynccontextmanager
async def served(busy: Busy) -> AsyncIterator[TestServer]:
    root = web.Application()
    desk = busy.desk
    root.add_subapp("/desk", console(desk.ledger, desk.queue, OPEN, desk.now, False, _mask, doors=DOORS))
    async with TestServer(root) as server:
        yield server


@asynccontextmanager
async def visiting_as(server: TestServer, busy: Busy, name: str) -> AsyncIterator[Visitor]:
    """Somebody who logged in before: nothing is written for it."""
    async with visiting(server, busy.desk) as visitor:
        visitor.client.session.cookie_jar.update_cookies({"desk": busy.tokens[name]}, server.make_url("/"))
        yield visitor


def dump(db: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {table: [tuple(row) for row in db.execute(f'SELECT * FROM "{table}"')] for table in tables}


def changed(before: Mapping[str, list[tuple[object, ...]]], after: Mapping[str, list[tuple[object, ...]]]) -> set[str]:
    return {table for table in after if before.get(table) != after[table]}


def _people(desk: DemoDesk) -> dict[str, AdviserId]:
    roles = {"amira": Role.ADVISER, "ben": Role.ADVISER, "sian": Role.SENIOR, "carys": Role.LEAD}
    roles |= {"dee": Role.LEAD, "elin": Role.EDITOR, "adi": Role.AUDITOR, "gone": Role.ADVISER}
    names = {"amira": "Amira Khan", "ben": "Ben Okafor", "sian": "Sian Rees", "carys": "Carys Lewis"}
    names |= {"dee": "Dee Moss", "elin": "Elin Hart", "adi": "Adi Rao", "gone": "Gone Away"}
    holders = {"amira", "ben", "sian", "carys"}
    return {name: desk.adviser(names[name], role, 12, available=name in holders) for name, role in roles.items()}


def _cases(busy: Busy) -> None:
    desk, amira, ben = busy.desk, busy.people["amira"], busy.people["ben"]
    held = {"claimed": amira, "active": amira, "paused": amira, "mine_offered": amira, "wrap_up": amira, "left": amira}
    held |= {"offered": ben, "bens": ben, "done": amira, "bens_done": ben, "of_gone": busy.people["gone"]}
    for name in ("waiting", "urgent", *held, "scheduled"):
        busy.cases[name] = desk.case({"urgent": 1, "bens": 1, "active": 1}.get(name, 2), channel="web")
        if name in held:
            desk.claim(busy.cases[name], held[name])
            if name != "claimed":
                desk.say(busy.cases[name], held[name], "Hello, I am here now", DeliveryState.SENT)
    write, queue, now = desk.ledger.write_now, desk.queue, desk.now
    at, case = now() + timedelta(hours=2), busy.cases
    write(lambda db: queue.pause(db, case["paused"], amira, now()))
    write(lambda db: transfers.offer(queue, db, case["mine_offered"], amira, ben, "I go at noon", "t-1", now()))
    write(lambda db: transfers.offer(queue, db, case["offered"], ben, amira, "You know Wales", "t-2", now()))
    write(lambda db: queue.wrap_up(db, case["wrap_up"], amira, now()))
    write(lambda db: queue.abandon(db, desk._conversation(case["left"]), now()))
    write(lambda db: queue.schedule(db, case["scheduled"], amira, at, now()))
    close(desk, case["done"], amira)
    close(desk, case["bens_done"], ben)
    why, until, carys = "They asked for the record", (now() + timedelta(days=60)).date(), busy.people["carys"]
    write(lambda db: holds.place(db, SEAL, case["bens_done"], carys, HoldReason.COURT, why, until, now()))
    again = NewCase(desk._conversation(case["done"]), 2, "asked", "web", "2026-11-20.1", "impersonation", pack=PACK)
    case["return"] = write(lambda db: queue.open_case(db, again, now())).id
    write(lambda db: accounts.disable(db, busy.people["gone"], now()))


def _work(busy: Busy) -> None:
    """What is done in and around the cases: words, tasks, takedowns, decisions, gaps, a talk asked for."""
    desk, amira, ben, case = busy.desk, busy.people["amira"], busy.people["ben"], busy.cases
    write, queue, now = desk.ledger.write_now, desk.queue, desk.now
    case["full"] = full_case(desk, amira)
    desk.say(case["active"], amira, "Did this arrive?", DeliveryState.UNKNOWN)
    desk.hear(case["active"], "It is still there")
    decide(desk, case["bens"], ben)
    tasks, takedowns = Tasks(SEAL), Takedowns(SEAL, Timetable(desk.ledger, OPEN))
    new = NewTask(case["active"], TaskKind.FOLLOW_UP, now() + timedelta(hours=1), WORDS, amira, client_id="task-1")
    write(lambda db: tasks.add(db, new, amira, now()))
    write(lambda db: tasks.add(db, replace(new, client_id="task-2", assignee=None), amira, now()))
    done = write(lambda db: tasks.add(db, replace(new, client_id="task-3"), amira, now()))
    write(lambda db: tasks.done(db, done, 0, amira, now()))
    reported = NewTakedown(case["active"], "tiktok", What.ACCOUNT, "down-1", "https://example.org/an-account")
    first = NewStep(Stage.REPORTED, Who.ENQUIRER)
    write(lambda db: takedowns.add(db, reported, first, amira, now()))
    script = replace(SCRIPT, id="left-overnight")
    case["practice"] = write(lambda db: practice.begin(db, queue, SEAL, script, amira, now()))
    write(lambda db: queue.release(db, case["practice"], amira, now()))
    case["practising"] = write(lambda db: practice.begin(db, queue, SEAL, SCRIPT, amira, now()))
    for mark in ("gap-1", "gap-2"):
        gap = NewGap(GapKind.WRONG, "old-page", None, WORDS, mark)
        write(lambda db, gap=gap: gaps.report(db, SEAL, amira, gap, now()))  # type: ignore[misc]
    miss = [now().date().isoformat(), "not_understood", "hate", "tiktok", "start/ask_role", 3]
    write(lambda db: db.execute("INSERT INTO miss_count VALUES (?, ?, ?, ?, ?, ?)", miss))
    write(lambda db: gaps.take_up(db, 2, busy.people["elin"], now()))
    write(lambda db: care.ask(db, amira, now()))
    write(lambda db: watching.whisper(db, queue, case["active"], busy.people["carys"], WORDS, now(), "w-1"))
    term = terms.NewTerm("Made-up term", "wales", date(2027, 1, 4), date(2027, 3, 26), "a made-up calendar")
    write(lambda db: terms.add(db, term, busy.people["carys"], now()))


# --- its forms -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Input:
    """A field of a form; `choices` of a select or a group of radio buttons."""

    name: str
    kind: str
    value: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form that posts: which route it leads to, the page it stands on and whose page that is."""

    route: str
    action: str
    page: str
    who: str
    inputs: tuple[Input, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.inputs)

    @property
    def typed(self) -> tuple[Input, ...]:
        """What words are typed into."""
        return tuple(each for each in self.inputs if each.kind in {"text", "textarea", "email"})

    def filled(self) -> dict[str, str]:
        """As somebody fills it who means it: what must be said is said, choices are made, ticks are left."""
        filled: dict[str, str] = {}
        for each in self.inputs:
            if each.kind in {"checkbox"} or each.name in filled:
                continue
            filled[each.name] = each.value or _meant(each)
        return filled


def _meant(each: Input) -> str:
    if each.choices:
        return next((choice for choice in each.choices if choice), "")
    return WORDS if each.kind == "textarea" or (each.kind == "text" and each.required) else ""


class _Forms(HTMLParser):
    """Reads the forms and the links of a page. A field may name its form from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[dict[str, str | None]] = []
        self.fields: list[tuple[int | str, Input]] = []
        self._inside: int | str = ""
        self._area: Input | None = None
        self._select: Input | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        elif tag == "form":
            self.forms.append(given)
            self._inside = len(self.forms) - 1
        elif tag == "option" and self._select:
            self._options.append((given.get("value") or "", "selected" in given))
        elif tag in {"input", "textarea", "select", "button"} and "disabled" not in given:
            if tag == "button" and "formaction" in given:
                here = given.get("form") or self._inside
                self.forms.append({"method": given.get("formmethod") or "post", "action": given["formaction"]})
                self.fields += [(len(self.forms) - 1, each) for form, each in self.fields if form == here]
            self._field(tag, given)

    def _field(self, tag: str, given: Mapping[str, str | None]) -> None:
        name = given.get("name")
        if not name or name == "csrf" or (tag == "input" and given.get("type") in {"submit", "image"}):
            return
        kind = {"input": given.get("type") or "text", "button": "button"}.get(tag, tag)
        value = given.get("value") or ("on" if kind == "checkbox" else "")
        made = Input(name, kind, value, required="required" in given)
        if kind == "radio":
            made = replace(made, value=value if "checked" in given else "", choices=(value,))
        self._keep(given.get("form") or self._inside, made)
        self._area, self._select = (made if tag == "textarea" else None), (made if tag == "select" else None)
        self._options = []

    def _keep(self, form: int | str, made: Input) -> None:
        self.fields.append((form, made))

    def handle_data(self, data: str) -> None:
        if self._area:
            self._change(self._area, replace(self._area, value=self._area.value + data))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = ""
        elif tag == "textarea":
            self._area = None
        elif tag == "select" and self._select:
            chosen = next((value for value, is_chosen in self._options if is_chosen), "")
            self._change(self._select, replace(self._select, value=chosen, choices=tuple(v for v, _ in self._options)))
            self._select = None

    def _change(self, old: Input, new: Input) -> None:
        at = max(place for place, (_, each) in enumerate(self.fields) if each is old)
        self.fields[at] = (self.fields[at][0], new)
        if self._area is old:
            self._area = new

    def inputs_of(self, number: int) -> tuple[Input, ...]:
        id_ = self.forms[number].get("id")
        found: dict[tuple[str, str], Input] = {}
        for form, each in self.fields:
            if form != number and (id_ is None or form != id_):
                continue
            key = (each.name, each.kind)
            before = found.get(key)
            if before and each.kind == "radio":
                value, choices = before.value or each.value, (*before.choices, *each.choices)
                found[key] = replace(before, value=value, choices=choices)
            elif before is None:
                found[key] = each
        return tuple(found.values())


def forms_of(page: str, at: str, who: str, routes: Sequence[tuple[str, re.Pattern[str]]]) -> tuple[Form, ...]:
    """The posts of a page. `at`: its address below /desk."""
    reader = _Forms()
    reader.feed(page)
    found = []
    for number, form in enumerate(reader.forms):
        if (form.get("method") or "").lower() != "post":
            continue
        action = urljoin(f"/desk{at}", form.get("action") or "")
        route = next((name for name, pattern in routes if pattern.fullmatch(action)), "")
        found.append(Form(route, action.removeprefix("/desk"), at, who, reader.inputs_of(number)))
    return tuple(found)


def posts_of(app: web.Application) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(name, the shape of its address) of every route that takes a post."""
    return tuple(
        (name, re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(canonical))))
        for method, name, canonical in routes_of(app)
        if method == "POST"
    )


async def crawled(server: TestServer, busy: Busy, names: Iterable[str]) -> tuple[Form, ...]:
    """The forms of everybody's pages: one of each route and shape for each person, the first that is found."""
    routes, found = posts_of(server.app), {}
    for name in names:
        async with visiting_as(server, busy, name) as visitor:
            async for at, page in pages(visitor, seeds(busy)):
                for form in forms_of(page, at, name, routes):
                    found.setdefault((form.who, form.route, _shape_of(form)), form)
    return tuple(form for form in found.values() if form.route)


def seeds(busy: Busy) -> list[str]:
    """Where one starts; and what one comes to only by answering questions first."""
    case = busy.cases
    decided = f"/cases/{case['full']}/threshold/threshold-nudes?nation=england&library=v2&so_far=yyy"
    row = busy.desk.ledger.reader().execute("SELECT reference FROM cases WHERE id = ?", [case["done"]]).fetchone()
    erasing = f"/forgetting/case?reference={row[0]}"
    report = "/reports?period=this_reporting_year&compare=none"
    special = (f"/cases/{case['active']}/insert?q=report", decided, f"/cases/{case['return']}/record", erasing, report)
    return ["/", "/account", f"/cases/{case['active']}", *special, f"/people/{busy.people['gone']}"]


async def pages(visitor: Visitor, places: list[str]) -> AsyncIterator[tuple[str, str]]:
    """Every page one comes to by links, once; of each kind of page below a case's own, three."""
    known, kinds = set(places), Counter[str]()
    while places:
        at = places.pop(0)
        answer = await visitor.get(at)
        assert answer.status < 500, at
        if answer.status != 200 or answer.content_type != "text/html":
            continue
        text = await answer.text()
        yield at, text
        for to in _links(text, at):
            kind = re.sub("[0-9]+", "1", urlsplit(to).path)
            is_wanted = kind == "/cases/1" or kinds[kind] < OF_EACH_KIND
            if to not in known and is_wanted and not kind.endswith(NOT_PAGES):
                known.add(to)
                kinds[kind] += 1
                places.append(to)


def _links(page: str, at: str) -> Iterator[str]:
    reader = _Forms()
    reader.feed(page)
    for link in reader.links:
        place = urlsplit(urljoin(f"/desk{at}", link))
        if not place.netloc and place.path.startswith("/desk/"):
            yield place.path.removeprefix("/desk") + (f"?{place.query}" if place.query else "")


def _shape_of(form: Form) -> tuple[tuple[str, str], ...]:
    return tuple((each.name, each.kind) for each in form.inputs if not each.name.startswith("also."))
