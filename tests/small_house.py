"""A whole Firstline on a small library, for tests of the durable middle, with shortcuts for enquirers and advisers."""

import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.app import Firstline, assemble
from bot.channels.contract import REST, Line
from bot.config import Settings
from bot.domain import Address, ChannelName, Heard, LibraryVersion, Pressed, Said, Token, Turn
from bot.shelf import Kept
from handoff import advisers
from handoff.domain import AdviserId, CaseId, Role
from tests.builders import NOON, PATTERNS, files

ROOT = Path(__file__).parent.parent
HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$none"
MORE_WORDS = """
responses:
  utter_too_fast: [{text: Too fast.}]
  utter_not_kept: [{text: Nothing was kept. Try again.}]
  utter_heard_first: [{text: Thank you. First a question.}]
  utter_call_back: [{text: "We call back {context.opens}, {context.opens_on}, at {context.opens_at}."}]
"""


class Clock:
    """The time, as the test says."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def passes(self, **passed: float) -> None:
        self.at += timedelta(**passed)


def small_library() -> dict[str, bytes]:
    """The small helpline of builders.py with the shipped word lists: loads in a blink."""
    made = files(patterns=PATTERNS)
    made["flows/more.yml"] = MORE_WORDS.encode()
    for shipped in (*(ROOT / "content/words").glob("*.yml"), *(ROOT / "content/interface").glob("*.json")):
        made[shipped.relative_to(ROOT).as_posix()] = shipped.read_bytes()
    return made


def write_library(folder: Path, library: dict[str, bytes]) -> Path:
    for name, data in library.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@dataclass
class SmallHouse:
    """A whole Firstline on the small library, with shortcuts to say things and to do what advisers do."""

    firstline: Firstline
    clock: Clock
    count: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    # --- an enquirer -------------------------------------------------------------------------------------------------

    async def hear(
        self, heard: Heard, who: str = "ann", id_: str | None = None, channel: ChannelName = REST
    ) -> list[Line]:
        turn = Turn(channel, Address(who), id_ or f"turn-{next(self.count)}", heard)  # type: ignore[arg-type]
        return list((await self.firstline.rooms.answer(turn)).lines)

    async def say(self, text: str, who: str = "ann", id_: str | None = None, channel: ChannelName = REST) -> list[str]:
        return [line.rendered.text for line in await self.hear(Said(text, self.clock()), who, id_, channel)]

    async def press(self, token: str, who: str = "ann") -> list[str]:
        return [line.rendered.text for line in await self.hear(Pressed(Token(token), self.clock()), who)]

    async def asks_for_people(self, who: str = "ann", channel: ChannelName = REST) -> CaseId:
        """Greeted, asked for a person, agreed: the newest case."""
        for text in ("hello", "talk to a person", "yes"):
            await self.say(text, who, channel=channel)
        return CaseId(self.one("SELECT max(id) FROM cases"))

    # --- an adviser --------------------------------------------------------------------------------------------------

    def adviser(self, name: str = "Amira", capacity: int = 9) -> AdviserId:
        return self.firstline.ledger.write_now(
            lambda db: advisers.add(db, name, f"{name}@example.org", HASH, Role.LEAD, self.clock(), capacity)
        )

    def claim(self, case: CaseId, adviser: AdviserId) -> None:
        queue = self.firstline.queue
        self.firstline.ledger.write_now(lambda db: queue.claim(db, case, adviser, self.clock()))

    def answers(self, case: CaseId, adviser: AdviserId, text: str) -> int:
        queue, mark = self.firstline.queue, f"mark-{next(self.count)}"
        return self.firstline.ledger.write_now(lambda db: queue.say(db, case, adviser, text, mark, 10**6, self.clock()))

    def gives_back(self, case: CaseId, adviser: AdviserId) -> None:
        queue = self.firstline.queue
        self.firstline.ledger.write_now(lambda db: queue.give_back(db, case, adviser, "impersonation", self.clock()))

    def closes(self, case: CaseId, adviser: AdviserId) -> None:
        queue, ledger = self.firstline.queue, self.firstline.ledger
        ledger.write_now(lambda db: queue.wrap_up(db, case, adviser, self.clock()))
        ledger.write_now(lambda db: queue.close(db, case, adviser, "impersonation", "advice_given", self.clock()))

    def thread(self, case: CaseId) -> list[str]:
        """The enquirer's and advisers' lines in a case, in order."""
        rows = self.firstline.ledger.reader().execute('SELECT id FROM message WHERE "case" = ? ORDER BY seq', [case])
        found = [self.firstline.queue.message(self.firstline.ledger.reader(), row[0]) for row in rows.fetchall()]
        return [each.text for each in found if each and each.author != "system"]

    # --- the database ------------------------------------------------------------------------------------------------

    def one(self, sql: str, *values: object) -> Any:
        return self.firstline.ledger.reader().execute(sql, values).fetchone()[0]

    def counts(self, *tables: str) -> tuple[int, ...]:
        return tuple(self.one(f"SELECT count(*) FROM {table}") for table in tables)


def settings_in(folder: Path, library: Path, **more: Any) -> Settings:
    return Settings(data_dir=folder, library_dir=library, host="127.0.0.1", port=0, **more)


@dataclass(frozen=True)
class Ready:
    """A database with the small library published, and that library loaded: made once, copied for each test."""

    folder: Path
    library: Path
    kept: Kept

    def copied_to(self, folder: Path, **more: Any) -> Settings:
        for name in ("firstline.db", "firstline.key"):
            shutil.copy(self.folder / name, folder / name)
        return settings_in(folder, self.library, **more)


def ready_in(folder: Path, library: Path) -> Ready:
    made = assemble(settings_in(folder, library), Clock())
    kept = made.shelf.live()
    made.ledger.close()
    ready = Ready(folder, library, kept)
    LOADED[kept.library.version] = kept
    return ready


LOADED: dict[LibraryVersion, Kept] = {}
"""Libraries that were loaded before: loading takes longer than most tests."""


def opened_house(settings: Settings, clock: Clock) -> SmallHouse:
    made = assemble(settings, clock)
    made.shelf._kept.update(LOADED)
    return SmallHouse(made, clock)


@asynccontextmanager
async def running_house(settings: Settings, clock: Clock) -> AsyncIterator[SmallHouse]:
    """Assembled and running: courier, relay, bell and upkeep work by themselves."""
    made = opened_house(settings, clock)
    async with made.firstline.running():
        yield made
