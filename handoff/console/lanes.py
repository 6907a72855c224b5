"""The lanes of the board: each row as what it shows, so that equal rows are drawn once for all who look."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from aiohttp import web
from markupsafe import Markup

from handoff.board import Light, Reason, Row
from handoff.console.render import in_minutes, macros
from handoff.desk import Desk, OnDuty
from handoff.domain import DANGER_TIER, Lane, State
from handoff.hours import Hours

DRAWN_LINES = 4_000
"""How many rows are kept as they were drawn: some minutes of a full board."""


@dataclass(frozen=True, slots=True)
class Line:
    """All that one row shows, to the minute. Two lines that are equal look alike, whoever looks and whenever."""

    id: int
    place: str
    """Which list of the board it stands in."""
    reference: str
    state: State
    tier: int
    issue: str
    """What it is about, in words: they may change while the code stays."""
    role: str | None
    nation: str | None
    platform: str | None
    language: str
    channel: str
    waited: int
    due: int
    """Minutes; below zero when overdue."""
    why: tuple[Reason, ...]
    is_first: bool
    is_next: bool
    """It is what "Next please" takes."""
    agreed: str
    """When a call-back was agreed for; "" without one."""
    since: str
    holder: str
    offered_to: str
    unreachable: bool
    left: bool
    practice: bool
    window: int | None
    """For how many minutes the channel still takes an answer; 0 or less: its window is closed."""
    is_seen: bool
    """Whether this adviser may open it."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One list of the board: how many rows it has, and the rows."""

    count: int
    rows: Markup


@dataclass(frozen=True, slots=True)
class Drawer:
    """Draws rows for one page: what things are called, where the cases' pages are, what time it is and where."""

    labels: Mapping[str, str]
    """What the issues are called."""
    cases: str
    """The address of the cases' pages, up to the number."""
    hours: Hours
    now: datetime

    def lines(self, rows: Iterable[Row], place: str, is_seen: bool = True, next_up: int = 0) -> Drawn:
        """The rows, drawn, in their order. `next_up` is the case that is taken next."""
        drawn = [
            _drawn(self.cases, self._line(row, place, at == 0, is_seen, row.id == next_up))
            for at, row in enumerate(rows)
        ]
        return Drawn(len(drawn), Markup("").join(drawn))

    def _line(self, row: Row, place: str, is_first: bool, is_seen: bool, is_next: bool) -> Line:
        return Line(
            row.id,
            place,
            row.reference,
            row.state,
            row.tier,
            self._issue(row.concern),
            row.role,
            row.nation,
            row.platform,
            row.language,
            row.channel,
            in_minutes(row.waited),
            int(row.due_in / timedelta(minutes=1)) - (row.due_in < timedelta()),
            row.why_here,
            is_first,
            is_next,
            self._at(row.agreed_for),
            self._at(row.moved_at) if row.holder else "",
            row.holder.name if row.holder else "",
            row.offered_to.name if row.offered_to else "",
            row.unreachable,
            row.left,
            row.practice,
            None if row.reply_until is None else int((row.reply_until - self.now) / timedelta(minutes=1)),
            is_seen,
        )

    def _issue(self, concern: str | None) -> str:
        return self.labels.get(concern, concern.replace("_", " ").capitalize()) if concern else "Not said yet"

    def _at(self, moment: datetime | None) -> str:
        """The time of today, the day and time of another day."""
        if moment is None:
            return ""
        local = self.hours.local(moment)
        is_today = local.date() == self.hours.local(self.now).date()
        return local.strftime("%H:%M" if is_today else "%a %d %b, %H:%M")


@dataclass(frozen=True, slots=True)
class Alike:
    """What every adviser's board shows alike, as of one moment."""

    waiting: tuple[Row, ...]
    held: tuple[Row, ...]
    on_duty: tuple[OnDuty, ...]
    light: Light
    drawer: Drawer
    lists: Mapping[str, Drawn]
    """What waits or is agreed, each case once: `danger` above all lanes, then `live`, `messages`, `call_backs`."""


class Newest:
    """Keeps what all boards show alike until a commit or the next second: what happens is looked up and drawn once,
    however many boards it opens anew."""

    def __init__(self) -> None:
        self._key: tuple[int, int, datetime] | None = None
        self._kept: Alike | None = None

    def board(self, conn: sqlite3.Connection, now: datetime, look: Callable[[], Alike]) -> Alike:
        """As `look` gives it. The connection sees by `data_version` whether anybody else has written since."""
        version = int(conn.execute("PRAGMA data_version").fetchone()[0])
        key = (id(conn), version, now.replace(microsecond=0))
        if self._kept is None or key != self._key:
            self._key, self._kept = key, look()
        return self._kept


NEWEST: Final = web.AppKey("newest", Newest)


def alike(desk: Desk, conn: sqlite3.Connection, drawer: Drawer) -> Alike:
    """Reads and draws it anew."""
    now = drawer.now
    waiting, on_duty = desk.board(conn, now), desk.on_duty(conn, now)
    return Alike(
        waiting,
        desk.held(conn, now),
        on_duty,
        desk.light(conn, now, on_duty),
        drawer,
        _lists(drawer, waiting, desk.scheduled(conn, now)),
    )


def _lists(drawer: Drawer, waiting: tuple[Row, ...], scheduled: tuple[Row, ...]) -> Mapping[str, Drawn]:
    lists: dict[str, list[Row]] = {"danger": [], **{lane: [] for lane in Lane}}
    for row in waiting:
        lists["danger" if row.tier == DANGER_TIER else row.lane].append(row)
    lists[Lane.CALL_BACKS].extend(scheduled)
    next_up = waiting[0].id if waiting else 0
    return {str(place): drawer.lines(rows, str(place), next_up=next_up) for place, rows in lists.items()}


@lru_cache(maxsize=DRAWN_LINES)
def _drawn(cases: str, line: Line) -> Markup:
    return Markup(macros("line.html").line(line, cases))  # noqa: S704 - a template of ours made it, with autoescape
