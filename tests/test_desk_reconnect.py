"""P10: a console whose line breaks, again and again, resumes by number and shows what a fresh one shows.

A storm of moves runs while consoles read the real feed, lose it in the middle, and come back from the last number they
heard. Each shows its pages again when the feed says so, and only then, as desk.js does; in the end every part that is
kept live must be the same on a page that is opened now. The same in a real browser: tests/browser/test_desk.py.
"""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
from aiohttp import ClientError
from aiohttp.test_utils import TestServer

from handoff import notifications
from handoff.console import feed
from handoff.domain import AdviserId, CaseId, DeliveryState, Role
from handoff.errors import HandoffError
from tests.demo_desk import Clock, DemoDesk, desk_in
from tests.test_console import Visitor, visiting

SEEDS = (1, 2, 3)
MOVES = 120
BREAKS = 12
QUIET_S = 5.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


# --- a console -------------------------------------------------------------------------------------------------------


class _Live(HTMLParser):
    """The parts of a page that are kept live, as text and tags, without the marks by which a form counts once."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, list[str]] = {}
        self._open: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        live = given["id"] if "data-live" in given and "data-live-once" not in given else None
        if live:
            self.parts[live] = []
        if tag == "input" and (given.get("name") or "").endswith("_id"):
            given.pop("value", None)
        self._say(f"<{tag} {sorted(given.items(), key=str)}>")
        if tag not in {"input", "br", "hr", "img", "meta", "link"}:
            self._open.append((tag, live))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        self._say(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self._say(" ".join(data.split()))

    def _say(self, what: str) -> None:
        for _, live in self._open:
            if live:
                self.parts[live].append(what)


def live_parts(page: str) -> dict[str, list[str]]:
    reader = _Live()
    reader.feed(page)
    assert reader.parts
    return reader.parts


@dataclass
class Console:
    """One open page: what it shows, the number it has heard up to, and the line that may break at any moment."""

    visitor: Visitor
    path: str
    shows: dict[str, list[str]] = field(default_factory=dict)
    seq: int = 0
    heard: list[int] = field(default_factory=list)
    breaks: int = 0
    resumes_by_number: bool = True
    is_steady: bool = False
    since: int = 0

    async def open(self) -> None:
        page = await self.visitor.page(self.path)
        self.seq = self.since = int(re.search(r'data-seq="([0-9]+)"', page)[1])  # type: ignore[index]
        self.shows = live_parts(page)

    async def listen(self, may_break: Callable[[], bool]) -> None:
        """Until it is cancelled: reads the feed, line by line; breaks it off; comes back."""
        while True:
            after = self.seq if self.resumes_by_number else await self._newest()
            answer = await self.visitor.get(f"/events?after={after}")
            try:
                await self._read(answer.content, may_break)
            except (ClientError, asyncio.IncompleteReadError, ValueError):
                pass
            finally:
                answer.close()
            self.breaks += 1
            await asyncio.sleep(0.005)

    async def _newest(self) -> int:
        """What a careless console does: begins with now, and never hears of what was meanwhile."""
        page = await self.visitor.page("/account")
        return int(re.search(r'data-seq="([0-9]+)"', page)[1])  # type: ignore[index]

    async def _read(self, lines: asyncio.StreamReader, may_break: Callable[[], bool]) -> None:
        kind, number = "", 0
        while line := (await lines.readline()).decode():
            name, _, value = line.rstrip().partition(": ")
            if name == "event":
                kind = value
            if name == "id":
                number = int(value)
            if name == "data" and kind == "news":
                self.heard.append(number)
                assert json.loads(value).keys() == {"kind", "case", "by"}
                self.seq = number
                self.shows = live_parts(await self.visitor.page(self.path))
            elif name == "data" and kind == "beat":
                self.seq = number
            if name == "data" and not self.is_steady and may_break():
                return


# --- the storm -------------------------------------------------------------------------------------------------------


@dataclass
class Storm:
    """Moves of everybody's, drawn by a seeded die; what is refused is part of it."""

    desk: DemoDesk
    dice: random.Random
    advisers: list[AdviserId]
    cases: list[CaseId]
    said: int = 0

    async def blow(self, moves: int) -> None:
        for _ in range(moves):
            with suppress(HandoffError):
                await self.desk.ledger.write(self._one())
            await asyncio.sleep(self.dice.choice([0, 0, 0.004, 0.012]))

    def _one(self) -> Callable[..., object]:
        queue, now, dice = self.desk.queue, self.desk.now(), self.dice
        case, who, other = dice.choice(self.cases), dice.choice(self.advisers), dice.choice(self.advisers)
        conversation = self.desk._conversation(case)
        self.said += 1
        mark = f"storm-{self.said}"
        moves: list[Callable[..., object]] = [
            lambda db: queue.claim(db, case, who, now),
            lambda db: queue.next_please(db, who, now),
            lambda db: queue.say(db, case, who, f"words {mark}", mark, 10**6, now),
            lambda db: queue.say(db, case, who, f"words {mark}", mark, 10**6, now),
            lambda db: queue.hear(db, conversation, f"heard {mark}", now),
            lambda db: queue.hear(db, conversation, f"heard {mark}", now),
            lambda db: queue.note(db, case, who, f"note {mark}", now, mark),
            lambda db: queue.flag(db, conversation, "danger_words", now, dice.choice([None, 1])),
            lambda db: queue.pause(db, case, who, now),
            lambda db: queue.resume(db, case, who, now),
            lambda db: queue.offer(db, case, who, other, now),
            lambda db: queue.accept(db, case, who, now),
            lambda db: queue.release(db, case, who, now),
            lambda db: self._arrives(db),
            lambda db: notifications.sweep(db, now),
        ]
        return dice.choice(moves)

    def _arrives(self, db: object) -> None:
        row = db.execute("SELECT message FROM delivery WHERE state = 'queued' LIMIT 1").fetchone()  # type: ignore[attr-defined]
        if row:
            state = self.dice.choice([DeliveryState.SENT, DeliveryState.UNKNOWN])
            self.desk.queue.record_delivery(db, row[0], state, self.desk.now())  # type: ignore[arg-type]


@asynccontextmanager
async def consoles(
    desk: DemoDesk, server: TestServer, advisers: list[AdviserId], cases: list[CaseId]
) -> AsyncIterator[list[Console]]:
    """Amira's queue, her conversation, and the wall and the queue of the lead."""
    async with visiting(server, desk, advisers[0]) as amira, visiting(server, desk, advisers[-1]) as lead:
        made = [
            Console(amira, "/"),
            Console(lead, f"/cases/{cases[0]}"),
            Console(lead, f"/cases/{cases[1]}"),
            Console(lead, "/wall"),
            Console(lead, "/notices"),
            Console(amira, "/tasks", is_steady=True),
        ]
        for each in made:
            await each.open()
        yield made


async def stormed(desk: DemoDesk, seed: int, resumes_by_number: bool = True) -> tuple[list[Console], list[str]]:
    """The consoles when it is over, and what of them is not as on a fresh page."""
    dice = random.Random(seed)
    advisers = [desk.adviser(name, capacity=4) for name in ("Amira Khan", "Ben Okafor")]
    advisers.append(desk.adviser("Carys Lewis", Role.LEAD, 4))
    cases = [desk.case(dice.choice([1, 2, 3])) for _ in range(8)]
    async with TestServer(desk.app()) as server, consoles(desk, server, advisers, cases) as made:
        for each in made:
            each.resumes_by_number = resumes_by_number or each.is_steady
        breaking = [asyncio.create_task(each.listen(lambda: dice.random() < 0.4)) for each in made]
        await Storm(desk, dice, advisers, cases).blow(MOVES)
        await settled(desk, made)
        for task in breaking:
            task.cancel()
        await asyncio.gather(*breaking, return_exceptions=True)
        wrong = []
        for each in made:
            fresh = live_parts(await each.visitor.page(each.path))
            wrong += [f"{each.path}: {part}" for part in fresh if fresh[part] != each.shows.get(part)]
        return made, wrong


async def settled(desk: DemoDesk, made: list[Console]) -> None:
    """Until every console has heard all there is; the pages that they fetch may themselves be looks."""
    async with asyncio.timeout(QUIET_S):
        calm = 0
        while calm < 5:
            newest = feed.last_event(desk.ledger.reader())
            calm = calm + 1 if all(each.seq >= newest for each in made) else 0
            await asyncio.sleep(3 * feed.GATHER_S)


@pytest.mark.parametrize("seed", SEEDS)
async def test_after_a_storm_with_a_broken_line_every_page_is_as_a_fresh_one(
    desk: DemoDesk, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(feed, "BEAT_S", 0.2)
    made, wrong = await stormed(desk, seed)
    assert wrong == []
    assert missed(made) == 0
    for each in made[:-1]:
        assert each.breaks >= BREAKS
        assert each.heard == sorted(set(each.heard)), "a number was heard twice, or too late"


async def test_a_console_that_resumes_from_now_would_be_seen(desk: DemoDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what happened while the line was broken is not on its page."""
    monkeypatch.setattr(feed, "BEAT_S", 0.2)
    made, _ = await stormed(desk, 1, resumes_by_number=False)
    assert missed(made) > 0


def missed(made: list[Console]) -> int:
    """How much those whose line broke did not hear, of what the one heard whose line never did."""
    *broken, steady = made
    return sum(len({seq for seq in steady.heard if seq > each.since} - set(each.heard)) for each in broken)
