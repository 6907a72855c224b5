"""Killed between any two requests, every enquirer is answered and no adviser's message is doubled.

EVERY_KILL=1 pytest tests/test_serve_killed.py     kills at every moment in turn, which takes minutes
SEED=… pytest tests/test_serve_killed.py           takes the same sample once more
"""

import asyncio
import os
import random
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout, CookieJar

from bot.app import clock
from bot.channels.contract import TELEGRAM, WHATSAPP
from bot.domain import Address, ChannelName, Person, Said, Turn
from handoff import advisers
from handoff.domain import Role
from handoff.doorkeeper import Doorkeeper, LoggedIn
from tests.fakes.telegram import FakeTelegram
from tests.fakes.whatsapp import FakeWhatsApp
from tests.fakes.whatsapp_people import Person as Phone
from tests.killable import Between, Killing, Parent, data_in, parent
from tests.served import EMAIL, Desk, Page
from tests.small_house import HASH, Ready, SmallHouse, opened_house

ANN, BOB, CAROL = "ann", "bob", "carol"
NUMBERS = {ANN: "447700900101", BOB: "447700900102", CAROL: "447700900103"}
PRESSED = ("No", "Wales", "A fake account", "Our setting", "No")
TYPED = ("hello", "no", "wales", "A fake account", "Our setting", "help")
BY_CAROL = ("It is on a local page.", "Nobody so far.")
BY_THE_ADVISER = ("Who has seen it?", "Ring them today.")
MODES = ("polling", "webhook", "whatsapp")
TOLD = {"polling": "api getUpdates came", "webhook": "door telegram answered", "whatsapp": "door whatsapp answered"}
"""When a provider hears that we have something."""
SAMPLE = 3
STEP = 11
PATIENCE_S, LITTLE_PATIENCE_S = 20.0, 1.5
CALM = 3
"""So often in a row nothing is under way when all is over."""
SEED = int(os.environ.get("SEED") or random.randrange(10**6))
EVERY = bool(os.environ.get("EVERY_KILL"))


class Side(Protocol):
    """Three people and their provider."""

    channel: ChannelName
    hook: str

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    @property
    def url(self) -> str: ...
    def settings(self, api: str, door: str) -> dict[str, object]: ...
    def says(self, who: str, text: str) -> None: ...
    def shows(self, who: str, title: str) -> bool: ...
    def presses(self, who: str, title: str) -> None: ...
    def seen(self, who: str) -> list[str]: ...
    def lost(self) -> list[str]: ...
    def is_quiet(self) -> bool: ...


class OnTelegram:
    channel = TELEGRAM
    hook = ""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.fake = FakeTelegram(retry_s=0.02)
        self.people = {who: self.fake.user(int(number)).is_known() for who, number in NUMBERS.items()}

    async def open(self) -> None:
        await self.fake.__aenter__()

    async def close(self) -> None:
        await self.fake.__aexit__()

    @property
    def url(self) -> str:
        return self.fake.url

    def settings(self, api: str, door: str) -> dict[str, object]:
        given: dict[str, object] = {"telegram_token": self.fake.token, "telegram_api": api}
        return given | {"telegram_mode": self.mode, "public_url": door if self.mode == "webhook" else ""}

    def says(self, who: str, text: str) -> None:
        self.people[who].says(text)

    def shows(self, who: str, title: str) -> bool:
        shown = [message for message in self.people[who].chat.messages if message.from_bot and message.keyboard]
        return bool(shown) and title in shown[-1].buttons

    def presses(self, who: str, title: str) -> None:
        self.people[who].presses(title)

    def seen(self, who: str) -> list[str]:
        return self.fake.sent(self.people[who].id)

    def lost(self) -> list[str]:
        return []

    def is_quiet(self) -> bool:
        return not self.fake.pending


class OnWhatsApp:
    channel = WHATSAPP
    hook = "/webhooks/whatsapp"

    def __init__(self) -> None:
        self.fake = FakeWhatsApp()
        self.fake.webhooks.retry_s = 0.02
        self.people: dict[str, Phone] = {}
        for who, number in NUMBERS.items():
            self.people[who] = self.fake.person(number, f"GB.{who}")
            self.people[who].heard_at = self.fake.now()

    async def open(self) -> None:
        await self.fake.__aenter__()

    async def close(self) -> None:
        await self.fake.__aexit__(None, None, None)

    @property
    def url(self) -> str:
        return self.fake.url

    def settings(self, api: str, door: str) -> dict[str, object]:
        self.fake.webhook_url = door + self.hook
        given = {"token": self.fake.token, "phone_id": self.fake.phone_id, "app_secret": self.fake.app_secret}
        given |= {"verify_token": "verify", "api": api}
        return {f"whatsapp_{name}": value for name, value in given.items()}

    def says(self, who: str, text: str) -> None:
        self.people[who].says(text)

    def shows(self, who: str, title: str) -> bool:
        offered = [sent for sent in self.fake.sent(self.people[who]) if sent.titles]
        return bool(offered) and title in offered[-1].titles

    def presses(self, who: str, title: str) -> None:
        self.people[who].presses(title)

    def seen(self, who: str) -> list[str]:
        return [f"{sent.text} {sent.titles}" for sent in self.fake.sent(self.people[who])]

    def lost(self) -> list[str]:
        return [
            f"a webhook was refused or never answered: {push.answers[-1:]}"
            for push in self.fake.webhooks.pushed
            if push.answers[-1:] != [200]
        ]

    def is_quiet(self) -> bool:
        return all(push.done for push in self.fake.webhooks.pushed)


def side_of(mode: str) -> Side:
    return OnWhatsApp() if mode == "whatsapp" else OnTelegram(mode)


# --- the house as it is found: Carol talks to an adviser, the others are new -----------------------------------------


@dataclass(frozen=True)
class Begun:
    folder: Path
    case: int
    cookie: str


async def begun(folder: Path, ready: Ready, side: Side) -> Begun:
    house = opened_house(ready.copied_to(folder), clock)  # type: ignore[arg-type]
    try:
        for number, text in enumerate(("hello", "talk to a person", "yes")):
            await house.firstline.rooms.take(turn_of(side.channel, CAROL, f"before-{number}", text))
        case = house.one("SELECT max(id) FROM cases")
        adviser = house.firstline.ledger.write_now(
            lambda db: advisers.add(db, "Alex", EMAIL, HASH, Role.ADVISER, clock())
        )
        house.claim(case, adviser)
        house.firstline.ledger.write_now(lambda db: db.execute("UPDATE outbox SET state = 'sent'"))
        return Begun(folder, case, logged_in(house))
    finally:
        house.firstline.ledger.close()


def turn_of(channel: ChannelName, who: str, id_: str, text: str) -> Turn:
    heard = Said(text, clock())
    if channel == TELEGRAM:
        return Turn(channel, Address(NUMBERS[who]), id_, heard)
    return Turn(channel, Address(f"GB.{who}|{NUMBERS[who]}"), id_, heard, Person(f"GB.{who}", NUMBERS[who]))


def logged_in(house: SmallHouse) -> str:
    ledger = house.firstline.ledger
    doorkeeper = Doorkeeper(ledger.seal)
    credentials: Any = doorkeeper.credentials(ledger.reader(), EMAIL, "127.0.0.1", clock())
    made = ledger.write_now(lambda db: doorkeeper.log_in(db, credentials, True, clock()))
    assert isinstance(made, LoggedIn)
    return made.token


# --- one run ---------------------------------------------------------------------------------------------------------


@dataclass
class Ended:
    """What everybody saw, and what the database and the desk say, once all is quiet."""

    seen: dict[str, list[str]]
    lost: list[str]
    said: int
    """How much enquirers said and pressed."""
    turns: int
    thread: list[str]
    delivered: dict[str, str]
    """The adviser's messages: text -> what the desk says became of it."""
    moments: list[str] = field(default_factory=list)
    killed_at: list[str] = field(default_factory=list)


Kills = Callable[[Side, int, str], bool]
"""(who to look at, the moment's number and name) -> whether to kill then."""


class Run:
    """The script of one run, with kills at some moments."""

    def __init__(self, house: Begun, side: Side, forks: Parent, kills: Kills, careless: str) -> None:
        self.house, self.side, self.forks, self.careless = house, side, forks, careless
        self.patience_s = LITTLE_PATIENCE_S if careless == "taking" else PATIENCE_S
        self.said = 0
        self.lost: list[str] = []
        self.killing = Killing(lambda number, what: kills(side, number, what), forks.kill)
        self.api = Between("api", self.killing)
        self.door = Between("door", self.killing)

    async def played(self) -> Ended:
        async with AsyncExitStack() as opened:
            await self.side.open()
            opened.push_async_callback(self.side.close)
            for between in (self.api, self.door):
                await between.open()
                opened.push_async_callback(between.close)
            opened.callback(self.forks.kill)
            self.api.target = self.side.url
            await self._start()
            restarting = asyncio.create_task(self._restarts())
            opened.callback(restarting.cancel)
            desk = await opened.enter_async_context(self._desk())
            try:
                async with asyncio.timeout(self.patience_s):
                    await self._everybody(desk)
                    await self._quiet()
            except TimeoutError:
                self.lost.append("somebody waits for ever")
            return await self._ended(desk)

    async def _everybody(self, desk: Desk) -> None:
        async with asyncio.TaskGroup() as people:
            people.create_task(self._presses())
            people.create_task(self._types())
            people.create_task(self._talks_to_the_adviser(desk))

    async def _start(self) -> None:
        settings = {**data_in(self.house.folder), **self.side.settings(self.api.url, self.door.url)}
        self.door.target = f"http://127.0.0.1:{await self.forks.start(settings, self.careless)}"

    async def _restarts(self) -> None:
        while True:
            await self.killing.dead.wait()
            await self._start()
            self.killing.dead.clear()

    @asynccontextmanager
    async def _desk(self) -> AsyncIterator[Desk]:
        async with ClientSession(
            cookie_jar=CookieJar(unsafe=True), cookies={"desk": self.house.cookie}, timeout=ClientTimeout(PATIENCE_S)
        ) as session:
            yield Desk(session, self.door.url)

    # --- what people do

    async def _until(self, true: Callable[[], object]) -> None:
        while not true():  # noqa: ASYNC110 - it asks about the provider, which tells nobody
            await asyncio.sleep(0.01)

    async def _presses(self) -> None:
        """Reads each question before answering it."""
        self._says(ANN, "hello")
        for number, title in enumerate(PRESSED):
            await self._until(lambda n=number, t=title: len(set(self.side.seen(ANN))) > n and self.side.shows(ANN, t))  # type: ignore[misc]
            self.said += 1
            self.side.presses(ANN, title)

    def _says(self, who: str, text: str) -> None:
        self.said += 1
        self.side.says(who, text)

    async def _types(self) -> None:
        """Writes everything without reading."""
        for text in TYPED:
            self._says(BOB, text)
            await asyncio.sleep(0)

    async def _talks_to_the_adviser(self, desk: Desk) -> None:
        for theirs, ours in zip(BY_CAROL, BY_THE_ADVISER, strict=True):
            self._says(CAROL, theirs)
            await self._answers(desk, ours)

    async def _answers(self, desk: Desk, text: str) -> None:
        """As a browser that shows the form again until it got through: the same form is the same message."""
        client_id = ""
        while True:
            try:
                page = await desk.case(self.house.case)
                form = page.form("/say")
                client_id = form.fields["client_id"] = client_id or form.fields["client_id"]
                page = await desk.submit(form, text=text)
                if page.status == 200:
                    return
            except (ClientError, TimeoutError, OSError):
                await asyncio.sleep(0.02)

    # --- the end

    async def _case(self, desk: Desk) -> Page:
        while True:
            try:
                return await desk.case(self.house.case)
            except (ClientError, OSError):
                await asyncio.sleep(0.02)

    async def _quiet(self) -> None:
        calm = 0
        while calm < CALM:
            calm = calm + 1 if self._is_quiet() else 0
            await asyncio.sleep(0.03)

    def _is_quiet(self) -> bool:
        return not self.killing.dead.is_set() and self.side.is_quiet() and not self._one(_WAITING)

    def _one(self, sql: str) -> int:
        with closing(sqlite3.connect(f"file:{self.house.folder}/firstline.db?mode=ro", uri=True)) as db:
            found: int = db.execute(sql).fetchone()[0]
            return found

    async def _ended(self, desk: Desk) -> Ended:
        page = await self._case(desk)
        theirs = [text for line in page.lines for text in BY_CAROL if text in line]
        delivered = {text: _became(line) for line in page.lines for text in BY_THE_ADVISER if text in line}
        seen = {who: self.side.seen(who) for who in NUMBERS}
        turns = self._one("SELECT count(*) FROM turn") - 3
        lost = self.lost + self.side.lost()
        killing = self.killing
        return Ended(seen, lost, self.said, turns, theirs, delivered, killing.seen, killing.killed_at)


_WAITING = "SELECT count(*) FROM outbox WHERE pushed = 1 AND state IN ('queued', 'sending')"


def _became(line: str) -> str:
    if "May not have arrived" in line:
        assert "Send it again?" in line
        return "unknown"
    return "arrived" if any(word in line for word in ("Sent", "Delivered", "Read")) else line


# --- what must be true -----------------------------------------------------------------------------------------------


def faults(ended: Ended, right: Ended) -> list[str]:
    """What is wrong, beside a run in which nobody was killed. Each kill may repeat one reply of the bot's."""
    most = 1 + len(ended.killed_at)
    said, turns = ended.said, ended.turns
    found = [f"a turn was lost or taken twice: {turns} of {said}"] if turns != said else []
    found += ended.lost
    for who in (ANN, BOB):
        found += [f"{who}: {fault}" for fault in _unlike(ended.seen[who], right.seen[who], most)]
    found += [f"the thread: {ended.thread}"] if ended.thread != list(BY_CAROL) else []
    return found + _adviser_faults(ended)


def _unlike(seen: Sequence[str], right: Sequence[str], most: int) -> list[str]:
    """Each reply in its place, once or so often at most."""
    left = list(seen)
    for reply in right:
        times = 0
        while left and left[0] == reply:
            left.pop(0)
            times += 1
        if not 1 <= times <= most:
            return [f"{reply[:40]!r} came {times} times, before {left[:2]}"]
    return [f"too much: {left}"] if left else []


def _adviser_faults(ended: Ended) -> list[str]:
    found: list[str] = []
    for text in BY_THE_ADVISER:
        times = sum(text in seen for seen in ended.seen[CAROL])
        became = ended.delivered.get(text, "is not in the thread")
        if times > 1 or (became == "arrived" and times != 1) or became not in ("arrived", "unknown"):
            found.append(f"{text!r} came {times} times and is {became!r}")
    order = [text for seen in ended.seen[CAROL] for text in BY_THE_ADVISER if text in seen]
    return found + (
        ["the adviser's messages changed places"] if order != sorted(order, key=BY_THE_ADVISER.index) else []
    )


@dataclass
class Playing:
    """Runs of one kind, one after the other, each in a house of its own: an adviser's claim does not wait for long."""

    mode: str
    folder: Path
    ready: Ready
    forks: Parent
    count: int = 0

    async def run(self, *kills: int, careless: str = "") -> Ended:
        return await self.run_with(lambda _, number, what: number in kills, careless)

    async def run_with(self, kills: Kills, careless: str) -> Ended:
        self.count += 1
        folder, side = self.folder / str(self.count), side_of(self.mode)
        folder.mkdir()
        house = await begun(folder, self.ready, side)
        ended = await Run(house, side, self.forks, kills, careless).played()
        shutil.rmtree(folder)
        return ended


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory, ready: Ready) -> Iterator[Parent]:
    with parent(data_in(ready.copied_to(tmp_path_factory.mktemp("first")).data_dir)) as made:
        yield made


@pytest.fixture(params=MODES)
def play(request: pytest.FixtureRequest, tmp_path: Path, ready: Ready, forks: Parent) -> Playing:
    return Playing(request.param, tmp_path, ready, forks)


@dataclass
class Told:
    """What the runs were like, so that whoever reads it sees that something happened."""

    mode: str
    moments: int
    runs: int = 0
    repeated: int = 0
    in_doubt: int = 0
    wrong: dict[tuple[object, ...], list[str]] = field(default_factory=dict)

    def add(self, ended: Ended, right: Ended, kills: Sequence[int]) -> None:
        self.runs += 1
        self.repeated += any(len(ended.seen[who]) > len(right.seen[who]) for who in (ANN, BOB))
        self.in_doubt += "unknown" in ended.delivered.values()
        if found := faults(ended, right):
            self.wrong[*kills, *ended.killed_at] = found

    def __str__(self) -> str:
        runs = f"{self.runs} runs with kills, of {self.moments} moments"
        return f"{self.mode}: SEED={SEED}: {runs}; a reply repeated in {self.repeated}, in doubt in {self.in_doubt}"


async def test_killed_at_any_moment_everybody_is_answered_and_no_adviser_doubled(play: Playing) -> None:
    right = await play.run()
    assert faults(right, right) == []
    every = range(len(right.moments))
    told = Told(play.mode, len(every))
    for moment in every if EVERY else random.Random(SEED).sample(every, SAMPLE):
        told.add(await play.run(moment), right, [moment])
    print(told)  # noqa: T201 - the seed, for whoever must see it again
    assert told.wrong == {}


async def test_killed_again_and_again_nothing_is_lost(play: Playing) -> None:
    right = await play.run()
    told = Told(play.mode, len(right.moments))
    for begin in random.Random(SEED).sample(range(STEP), STEP if EVERY else 1):
        kills = range(begin, len(right.moments), STEP)
        told.add(await play.run(*kills), right, kills)
    print(told)  # noqa: T201
    assert told.wrong == {}


async def test_a_server_that_says_it_has_what_is_not_on_disk_is_caught(play: Playing) -> None:
    """Negative control: the same script and the same checker, on a careless house that is killed at the first thing
    that happens after it has told the provider that it has something."""
    right = await play.run()
    told = TOLD[play.mode]
    assert told in right.moments, sorted(set(right.moments))
    for nth in range(right.moments.count(told)):
        ended = await play.run_with(after_the(nth, told), careless="taking")
        if any("a turn was lost" in fault for fault in faults(ended, right)):
            return
    pytest.fail("a lost turn was never noticed")


def after_the(nth: int, moment: str) -> Kills:
    """Kills once: at what follows the moment, when that has happened so often before."""
    seen: list[str] = []

    def kills(side: Side, number: int, what: str) -> bool:
        seen.append(what)
        return seen[:-1].count(moment) == nth + 1 and seen[-2] == moment

    return kills


async def test_a_courier_that_repeats_an_advisers_message_is_caught(
    tmp_path: Path, ready: Ready, forks: Parent
) -> None:
    """Negative control: killed when the message has arrived and nobody has heard of it, again and again."""

    def when_it_arrived(side: Side, number: int, what: str) -> bool:
        return what == "api sendMessage answered" and side.seen(CAROL) == [BY_THE_ADVISER[0]]

    for careless, right in (("sending", False), ("", True)):
        ended = await Playing("webhook", tmp_path, ready, forks).run_with(when_it_arrived, careless)
        assert ended.killed_at != []
        assert (_adviser_faults(ended) == []) is right


async def test_who_is_not_there_yet_is_not_killed() -> None:
    # Once a defect: a request that came before the first server had said its number counted as its end; the next one
    # was then waited for in vain.
    killing = Killing(lambda number, what: True, lambda: False)
    assert not killing("api getMe came")
    assert not killing.dead.is_set()
