"""One thing reported to a platform, step by step: guided, reported, still up after 48 hours, asked on behalf, outcome.

48 and 72 hours are time on the wall. The check itself is offered in opening hours, when somebody can act on the answer.
"""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from types import MappingProxyType
from typing import Any, NewType

from handoff import reminders
from handoff.domain import AdviserId, CaseId
from handoff.errors import NoSuchCase, Refused
from handoff.hours import Hours
from handoff.moments import from_ms, to_ms
from handoff.reminders import Answer, Drop, Planned, ReminderId, ReminderKind
from handoff.seal import Seal
from handoff.tasks import NewTask, TaskId, TaskKind, Tasks, TaskState

TakedownId = NewType("TakedownId", int)

STILL_UP_AFTER = timedelta(hours=48)
"""The platform has had its time (POSH's rule: FACTS section 1.1)."""
ASK_AGAIN_AFTER = timedelta(hours=72)
"""After we asked the platform ourselves."""
HASTE: Mapping[TaskKind, timedelta] = MappingProxyType(
    {
        TaskKind.ASK_PLATFORM: timedelta(hours=3),
        TaskKind.DECIDE: timedelta(hours=3),
        TaskKind.LOOK_AGAIN: timedelta(hours=8),
    }
)
"""Working time until a task that came of an answer is due."""
NO_LINKS = frozenset({"nudes", "ai_imagery", "illegal_content"})
"""Concerns under which no link is kept: it may lead to an indecent image of a child."""
DO_NOT_LOOK = NO_LINKS | {"sextortion", "sexual_harassment"}
"""Concerns under which nobody is asked to look for themselves."""
FEWEST = 5
"""Under so many, a median says nothing."""
MAX_LINK_CHARACTERS = 500
MAX_REFERENCE_CHARACTERS = 60
_LINK = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)


class NoSuchTakedown(NoSuchCase):
    """There is no takedown with that number."""


class What(StrEnum):
    """What was reported."""

    POST = "post"
    ACCOUNT = "account"
    VIDEO = "video"
    COMMENT = "comment"
    IMAGE = "image"
    GROUP = "group"
    OTHER = "other"


class Stage(StrEnum):
    """What happened to it. Which may follow which, the database knows (trigger `takedown_step_follows`)."""

    GUIDED = "guided"
    REPORTED = "reported"
    ASKED = "asked"
    """48 hours later: they were asked whether it is still up."""
    STILL_UP = "still_up"
    UNSURE = "unsure"
    ON_BEHALF = "on_behalf"
    ASKED_AGAIN = "asked_again"
    """72 hours after we asked the platform: they were asked once more."""
    REMOVED = "removed"
    PARTLY = "partly"
    NOT_REMOVED = "not_removed"
    WITHDRAWN = "withdrawn"
    NOT_KNOWN = "not_known"


_SETTLED = (Stage.REMOVED, Stage.PARTLY, Stage.NOT_REMOVED, Stage.WITHDRAWN, Stage.NOT_KNOWN)
OUTCOMES = frozenset(_SETTLED)
WITH_PLATFORM = frozenset(Stage) - OUTCOMES - {Stage.GUIDED}
ASKS = frozenset({Stage.ASKED, Stage.ASKED_AGAIN})

NEXT: Mapping[Stage | None, tuple[Stage, ...]] = MappingProxyType(
    {
        None: (Stage.GUIDED, Stage.REPORTED),
        Stage.GUIDED: (Stage.REPORTED, Stage.REMOVED, Stage.WITHDRAWN, Stage.NOT_KNOWN),
        Stage.REPORTED: (Stage.ASKED, Stage.STILL_UP, Stage.ON_BEHALF, *_SETTLED),
        Stage.ASKED: (Stage.ASKED, Stage.STILL_UP, Stage.UNSURE, Stage.ON_BEHALF, *_SETTLED),
        Stage.STILL_UP: (Stage.ASKED, Stage.ASKED_AGAIN, Stage.ON_BEHALF, *_SETTLED),
        Stage.UNSURE: (Stage.ASKED, Stage.ASKED_AGAIN, Stage.STILL_UP, Stage.ON_BEHALF, *_SETTLED),
        Stage.ON_BEHALF: (Stage.ASKED_AGAIN, Stage.STILL_UP, *_SETTLED),
        Stage.ASKED_AGAIN: (Stage.ASKED_AGAIN, Stage.STILL_UP, Stage.UNSURE, Stage.ON_BEHALF, *_SETTLED),
        Stage.REMOVED: (Stage.STILL_UP,),
        Stage.PARTLY: (Stage.STILL_UP, Stage.REMOVED),
        Stage.NOT_REMOVED: (Stage.STILL_UP, Stage.REMOVED, Stage.PARTLY),
        Stage.WITHDRAWN: (Stage.STILL_UP,),
        Stage.NOT_KNOWN: (Stage.STILL_UP, Stage.REMOVED, Stage.PARTLY, Stage.NOT_REMOVED),
    }
)
"""What may be written next; the same as in the database. An outcome is corrected by one more step."""


class Who(StrEnum):
    ENQUIRER = "enquirer"
    ADVISER = "adviser"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class NewTakedown:
    case_id: CaseId
    platform: str
    what: What
    client_id: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class NewStep:
    """`at`: when it happened; None: now. `reference`: the platform's own number of the report."""

    stage: Stage
    who: Who
    at: datetime | None = None
    reference: str = ""
    ask_them: bool = True
    """Let the bot ask the enquirer when the time has come; else a colleague looks."""


@dataclass(frozen=True, slots=True)
class Step:
    seq: int
    stage: Stage
    who: Who
    adviser: AdviserId | None
    reference: str | None
    at: datetime
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Takedown:
    """One takedown with all its steps. `link` and references are None where they are not asked for or forgotten."""

    id: TakedownId
    case_id: CaseId
    case_reference: str
    platform: str
    what: What
    link: str | None
    has_link: bool
    steps: tuple[Step, ...]
    reminder: Planned | None
    practice: bool

    @property
    def stage(self) -> Stage:
        return self.steps[-1].stage

    @property
    def since(self) -> datetime:
        return self.steps[-1].at

    def when(self, stage: Stage) -> datetime | None:
        """When it last came to this."""
        return next((step.at for step in reversed(self.steps) if step.stage is stage), None)

    @property
    def hours_to_removal(self) -> int | None:
        """Whole hours from the first report to when it was last seen to be gone."""
        reported = next((step.at for step in self.steps if step.stage is Stage.REPORTED), None)
        if reported is None or self.stage is not Stage.REMOVED:
            return None
        return int((self.since - reported) / timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Figure:
    """One platform: how many were reported, how many came down, and how long that took at the median."""

    platform: str
    reported: int
    removed: int
    median_hours: int | None
    """None: fewer than FEWEST came down."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What the bot needs to know to ask, in codes."""

    reminder: ReminderId
    kind: ReminderKind
    conversation: int
    reference: str
    platform: str | None
    task: str | None
    on_behalf: bool
    do_not_look: bool
    days: int
    """Whole days since it was reported, or since we asked the platform."""


class Takedowns:
    def __init__(self, seal: Seal, hours: Hours, tasks: Tasks | None = None) -> None:
        self._seal = seal
        self._hours = hours
        self._tasks = tasks or Tasks(seal)

    # --- what advisers write -----------------------------------------------------------------------------------------

    def add(
        self, conn: sqlite3.Connection, new: NewTakedown, first: NewStep, by: AdviserId, now: datetime
    ) -> TakedownId:
        """With its first step. The same `client_id` again gives the same takedown. Raises: Refused (a link under a
        concern of NO_LINKS, a link that is none, a step that cannot be first)."""
        known = conn.execute('SELECT id FROM takedown WHERE "case" = ? AND client_id = ?', [new.case_id, new.client_id])
        before = known.fetchone()
        if before is not None:
            return TakedownId(before[0])
        link = checked_link(new.link)
        seq = _next_seq(conn, "takedown", '"case"', new.case_id)
        sealed = self._seal.seal(link, _about_link(new.case_id, seq)) if link else None
        day = self._hours.local(now).date().isoformat()
        row = [new.case_id, seq, new.platform, new.what, sealed, by, to_ms(now), new.client_id, day]
        try:
            made = TakedownId(conn.execute(_ADD, row).fetchone()[0])
        except sqlite3.IntegrityError as error:
            raise Refused(_REFUSALS.get(str(error))) from error
        self.step(conn, made, first, by, now)
        return made

    def step(
        self, conn: sqlite3.Connection, takedown: TakedownId, new: NewStep, by: AdviserId | None, now: datetime
    ) -> None:
        """Writes what happened, and plans what must follow. Raises: Refused, NoSuchTakedown."""
        found = self.find(conn, takedown)
        at = new.at or now
        reference = new.reference.strip()
        if len(reference) > MAX_REFERENCE_CHARACTERS:
            raise Refused(f"A platform's number has at most {MAX_REFERENCE_CHARACTERS} characters.")
        seq = _next_seq(conn, "takedown_step", "takedown", takedown)
        sealed = self._seal.seal(reference, _about_step(takedown, seq)) if reference else None
        row = [takedown, seq, new.stage, new.who, by, sealed, to_ms(at), to_ms(now)]
        try:
            conn.execute(_STEP, row)
        except sqlite3.IntegrityError as error:
            raise Refused(_refusal(str(error))) from error
        self._follow(conn, found, new, at, by, now)

    def ask_now(self, conn: sqlite3.Connection, takedown: TakedownId, by: AdviserId, now: datetime) -> None:
        """The bot asks as soon as it may. Raises: Refused where nobody can be asked, or nothing is to be asked."""
        found = self.find(conn, takedown)
        if found.stage not in WITH_PLATFORM:
            raise Refused("There is nothing to ask about: it was not reported yet, or its outcome is known.")
        if not reminders.plan(conn, found.case_id, ReminderKind.STILL_UP, takedown, now, by, now):
            raise Refused("They cannot be asked: they have left, or this is practice.")

    def _follow(
        self,
        conn: sqlite3.Connection,
        found: Takedown,
        new: NewStep,
        at: datetime,
        by: AdviserId | None,
        now: datetime,
    ) -> None:
        """48 hours after a report and 72 after our own, it is asked; once it is settled, nothing more is."""
        match new.stage:
            case Stage.REPORTED:
                self._plan_check(conn, found, at + STILL_UP_AFTER, by, now, ask_them=new.ask_them)
            case Stage.ON_BEHALF:
                self._tasks.settle(conn, found.id, by, now)
                self._plan_check(conn, found, at + ASK_AGAIN_AFTER, by, now, ask_them=new.ask_them)
            case _ if new.stage in OUTCOMES:
                self._tasks.settle(conn, found.id, by, now)
                reminders.drop_about(conn, ReminderKind.STILL_UP, found.id, Drop.SETTLED, now)
            case _:
                pass

    def _plan_check(
        self,
        conn: sqlite3.Connection,
        found: Takedown,
        at: datetime,
        by: AdviserId | None,
        now: datetime,
        *,
        ask_them: bool,
    ) -> None:
        """Where they cannot be asked, or are not to be, a colleague is to look."""
        due = max(at, now)
        due = self._hours.next_opening(due) or due
        if ask_them and reminders.plan(conn, found.case_id, ReminderKind.STILL_UP, found.id, due, by, now):
            return
        reminders.drop_about(conn, ReminderKind.STILL_UP, found.id, Drop.REPLACED, now)
        task = NewTask(found.case_id, TaskKind.LOOK_AGAIN, due, assignee=by, takedown=found.id)
        self._tasks.add(conn, task, by, now)

    # --- what came of asking the enquirer ----------------------------------------------------------------------------

    def asking(self, conn: sqlite3.Connection, planned: Planned, now: datetime) -> Asking:
        row = conn.execute(_ASKING, [planned.id]).fetchone()
        reference, concern, issue, platform, task = row
        found = self.find(conn, TakedownId(planned.takedown)) if planned.takedown is not None else None
        asked_by_us = found.when(Stage.ON_BEHALF) if found else None
        began = asked_by_us or (found.when(Stage.REPORTED) if found else None) or now
        return Asking(
            planned.id,
            planned.kind,
            planned.conversation,
            reference,
            platform,
            task,
            asked_by_us is not None,
            concern in DO_NOT_LOOK or issue in DO_NOT_LOOK,
            int((now - began) / timedelta(days=1)),
        )

    def sent(self, conn: sqlite3.Connection, reminder: ReminderId, now: datetime) -> bool:
        """The bot says it, in this very write. False when that was done before or is no more to be done."""
        if not reminders.sent(conn, reminder, now):
            return False
        planned = reminders.one(conn, reminder)
        if planned and planned.takedown is not None:
            self._note_asked(conn, TakedownId(planned.takedown), now)
        return True

    def answered(self, conn: sqlite3.Connection, reminder: ReminderId, answer: Answer, now: datetime) -> bool:
        """What the enquirer says becomes a step, and where something is to be done, a task. False, and nothing
        changed, when nobody waits for that answer any more."""
        if not reminders.answered(conn, reminder, answer, now):
            return False
        planned = reminders.one(conn, reminder)
        if planned is None:
            return False
        if planned.takedown is not None:
            self._answered_about(conn, self.find(conn, TakedownId(planned.takedown)), answer, now)
        elif planned.task is not None and answer is Answer.DONE:
            task = self._tasks.find(conn, TaskId(planned.task))
            if task.state is TaskState.OPEN:
                self._tasks.done(conn, task.id, task.version, None, now)
        return True

    def unreached(self, conn: sqlite3.Connection, planned: Planned, reason: Drop, now: datetime) -> bool:
        """They cannot be asked any more: a colleague is to look instead. False when that was noted before."""
        if not reminders.drop(conn, planned.id, reason, now):
            return False
        if planned.takedown is not None:
            self._add(conn, self.find(conn, TakedownId(planned.takedown)), TaskKind.LOOK_AGAIN, now)
        return True

    def _note_asked(self, conn: sqlite3.Connection, takedown: TakedownId, now: datetime) -> None:
        """By the clock when its time had come; sooner only because an adviser wanted to know."""
        found = self.find(conn, takedown)
        again = found.when(Stage.ON_BEHALF)
        began, wait = (again, ASK_AGAIN_AFTER) if again else (found.when(Stage.REPORTED), STILL_UP_AFTER)
        planned = reminders.last_about(conn, ReminderKind.STILL_UP, takedown)
        row = conn.execute("SELECT made_by FROM reminder WHERE id = ?", [planned.id if planned else 0]).fetchone()
        early = began is None or now < began + wait
        stage = Stage.ASKED_AGAIN if again else Stage.ASKED
        by = AdviserId(row[0]) if early and row and row[0] is not None else None
        if stage in NEXT[found.stage] and (by or not early):
            self.step(conn, takedown, NewStep(stage, Who.ADVISER if by else Who.CLOCK), by, now)

    def _answered_about(self, conn: sqlite3.Connection, found: Takedown, answer: Answer, now: datetime) -> None:
        stage = _STAGE_OF_ANSWER.get(answer)
        if stage is None or (stage not in NEXT[found.stage] and stage is not found.stage):
            return
        if stage is not found.stage:
            self.step(conn, found.id, NewStep(stage, Who.ENQUIRER), None, now)
        if stage is Stage.STILL_UP:
            kind = TaskKind.DECIDE if found.when(Stage.ON_BEHALF) else TaskKind.ASK_PLATFORM
            self._add(conn, found, kind, now)
        elif stage is Stage.UNSURE:
            self._add(conn, found, TaskKind.LOOK_AGAIN, now)

    def _add(self, conn: sqlite3.Connection, found: Takedown, kind: TaskKind, now: datetime) -> None:
        due = self._hours.add(now, HASTE[kind])
        self._tasks.add(conn, NewTask(found.case_id, kind, due, takedown=found.id), None, now)

    # --- reading -----------------------------------------------------------------------------------------------------

    def find(self, conn: sqlite3.Connection, takedown: TakedownId, *, opened: bool = False) -> Takedown:
        """`opened`: with its link and the platform's numbers. Raises: NoSuchTakedown."""
        row = conn.execute(_SELECT + "t.id = ?", [takedown]).fetchone()
        if row is None:
            raise NoSuchTakedown
        return self._takedown(conn, row, opened)

    def of_case(self, conn: sqlite3.Connection, case_id: CaseId) -> tuple[Takedown, ...]:
        """With links and numbers, for whoever may see the case."""
        rows = conn.execute(_SELECT + 't."case" = ? ORDER BY t.id', [case_id]).fetchall()
        return tuple(self._takedown(conn, row, True) for row in rows)

    def with_platforms(self, conn: sqlite3.Connection) -> tuple[Takedown, ...]:
        """Whose outcome is still open, the oldest first: codes only, no practice."""
        rows = conn.execute(_SELECT + _WITH_PLATFORM, [_json(WITH_PLATFORM)]).fetchall()
        return tuple(self._takedown(conn, row, False) for row in rows)

    def figures(self, conn: sqlite3.Connection) -> tuple[Figure, ...]:
        """By platform, those with most reports first. Without practice."""
        hours: dict[str, list[int]] = {}
        reported: dict[str, int] = {}
        for row in conn.execute(_SELECT + "c.conversation > 0").fetchall():
            found = self._takedown(conn, row, False)
            if found.when(Stage.REPORTED) is None:
                continue
            reported[found.platform] = reported.get(found.platform, 0) + 1
            took = found.hours_to_removal
            hours.setdefault(found.platform, []).extend([] if took is None else [took])
        names = sorted(reported, key=lambda name: (-reported[name], name))
        return tuple(_figure(name, reported[name], hours[name]) for name in names)

    def _takedown(self, conn: sqlite3.Connection, row: Any, opened: bool) -> Takedown:
        id_, case_id, reference, seq, platform, what, link, practice = row
        steps = conn.execute(_STEPS, [id_]).fetchall()
        return Takedown(
            id_,
            case_id,
            reference,
            platform,
            What(what),
            self._seal.open(link, _about_link(case_id, seq)) if opened and link else None,
            link is not None,
            tuple(self._step(id_, each, opened) for each in steps),
            reminders.last_about(conn, ReminderKind.STILL_UP, id_),
            bool(practice),
        )

    def _step(self, takedown: TakedownId, row: Any, opened: bool) -> Step:
        seq, stage, who, adviser, reference, at, written_at = row
        number = self._seal.open(reference, _about_step(takedown, seq)) if opened and reference else None
        return Step(seq, Stage(stage), Who(who), adviser, number, from_ms(at), from_ms(written_at))


def checked_link(text: str) -> str:
    """A web address, or "". Raises: Refused."""
    link = text.strip()
    if link and not (len(link) <= MAX_LINK_CHARACTERS and _LINK.fullmatch(link)):
        raise Refused("That is no web address. Leave it empty, or write one that begins with https://.")
    return link


# --- within ----------------------------------------------------------------------------------------------------------

_STAGE_OF_ANSWER = MappingProxyType(
    {Answer.GONE: Stage.REMOVED, Answer.STILL_UP: Stage.STILL_UP, Answer.NOT_SURE: Stage.UNSURE}
)
_REFUSALS = MappingProxyType(
    {
        "takedown_no_link_to_an_image": (
            "No link is kept here: it may lead to an indecent image of a child, and to follow or pass on such a link "
            "can be an offence. Describe nothing of it; the police and the IWF take the address."
        ),
    }
)
_ADD = """
INSERT INTO takedown ("case", seq, platform, what, link, added_by, added_at, client_id, added_on)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
"""
_STEP = """
INSERT INTO takedown_step (takedown, seq, stage, who, adviser, reference, at, written_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_SELECT = """
SELECT t.id, t."case", c.reference, t.seq, t.platform, t.what, t.link, c.practice
  FROM takedown t JOIN cases c ON c.id = t."case" WHERE """
_STEPS = """
SELECT seq, stage, who, adviser, reference, at, written_at FROM takedown_step WHERE takedown = ? ORDER BY seq
"""
_WITH_PLATFORM = """c.conversation > 0 AND (SELECT stage FROM takedown_step s WHERE s.takedown = t.id
    ORDER BY s.seq DESC LIMIT 1) IN (SELECT value FROM json_each(?)) ORDER BY t.id"""
_ASKING = """
SELECT c.reference, c.concern, q.issue, t.platform, k.kind
  FROM reminder r JOIN cases c ON c.id = r."case" LEFT JOIN queue_item q ON q."case" = r."case"
  LEFT JOIN takedown t ON t.id = r.takedown LEFT JOIN task k ON k.id = r.task WHERE r.id = ?
"""


def _figure(platform: str, reported: int, hours: list[int]) -> Figure:
    return Figure(platform, reported, len(hours), int(median(hours)) if len(hours) >= FEWEST else None)


def _refusal(error: str) -> str:
    if "step_has_happened" in error:
        return "That is a time to come. Write down when it happened."
    return "That cannot come next. Look at what was written before, and at its time."


def _json(stages: frozenset[Stage]) -> str:
    return "[" + ",".join(f'"{stage}"' for stage in sorted(stages)) + "]"


def _about_link(case_id: CaseId, seq: int) -> str:
    return f"case:{case_id}:takedown:{seq}:link"


def _about_step(takedown: int, seq: int) -> str:
    return f"takedown:{takedown}:step:{seq}"


def _next_seq(conn: sqlite3.Connection, table: str, of: str, number: int) -> int:
    row = conn.execute(f"SELECT coalesce(max(seq), 0) + 1 FROM {table} WHERE {of} = ?", [number]).fetchone()
    return int(row[0])
