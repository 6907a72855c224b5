"""Tasks and takedowns: due today, overdue, waiting for a platform; what is to be done for one case, and by whom."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Connection
from types import MappingProxyType
from typing import Final

from aiohttp import web

from handoff.advisers import everyone
from handoff.console import takedowns as takedown_pages
from handoff.console.area import CASE, HOLDERS, Area, Group, Panel, Place, Route, Tab
from handoff.console.asking import client_id_of, denied, found_case, number_of, see, words_of
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs, may_see
from handoff.console.render import page
from handoff.desk import Case, last_event
from handoff.domain import MAY_HOLD, MAY_TAKE_OVER, Adviser, AdviserId
from handoff.errors import NotAllowed, Refused
from handoff.takedowns import NO_LINKS, Takedowns, What
from handoff.tasks import FOR_ADVISERS, FOR_ENQUIRERS, NewTask, Task, TaskId, TaskKind, Tasks, may_do, may_read

TASK = r"/tasks/{task:[0-9]{1,12}}"
SOON: Final[Mapping[str, int]] = MappingProxyType({"today": 0, "tomorrow": 1, "two_days": 2, "week": 7})
"""When something is due, in days from today; else the time that was written."""
ANYBODY: Final = "anybody"


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into a form that was refused, and why."""

    fields: Mapping[str, str]
    form: str = ""
    problem: str = ""
    masked: tuple[str, ...] = ()


NOTHING: Final = Typed(MappingProxyType({}))


# --- the page of all tasks -------------------------------------------------------------------------------------------


async def tasks(request: web.Request) -> web.Response:
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    reader, kept = parts.ledger.reader(), Tasks(parts.ledger.seal)
    takedowns = Takedowns(parts.ledger.seal, parts.hours)
    today = parts.hours.local(now).date()
    found = kept.open_for(reader, me)
    return page(
        request,
        "tasks.html",
        seq=last_event(reader),
        overdue=[each for each in found if each.due_at < now],
        today=[each for each in found if each.due_at >= now and parts.hours.local(each.due_at).date() == today],
        later=[each for each in found if each.due_at >= now and parts.hours.local(each.due_at).date() > today],
        platforms=(platforms := takedowns.with_platforms(reader)),
        opens=frozenset(each.id for each in platforms if takedown_pages.may_open(request, each)),
        lately=kept.done_lately(reader, me, now),
        figures=takedowns.figures(reader) if me.role in MAY_TAKE_OVER else (),
    )


async def task(request: web.Request) -> web.Response:
    return _show_task(request, _found_task(request))


async def move_task(request: web.Request) -> web.Response:
    """One thing done to a task: done, not needed, put off, given to somebody, taken up again."""
    form = await form_of(request)
    found, version = _found_task(request), number_of(form, "version")
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    kept, move = Tasks(parts.ledger.seal), form.get("move", "")

    def work(conn: Connection) -> None:
        match move:
            case "done":
                kept.done(conn, found.id, version, me.id, now)
            case "drop":
                kept.drop(conn, found.id, version, me.id, now)
            case "reopen":
                kept.reopen(conn, found.id, version, me.id, now)
            case "put_off":
                kept.put_off(conn, found.id, version, _due(request, form), me.id, now)
            case "take":
                kept.assign(conn, found.id, version, me.id, me.id, now)
            case "assign":
                kept.assign(conn, found.id, version, _assignee(form, me, practice=found.practice), me.id, now)
            case _:
                raise web.HTTPBadRequest

    try:
        await parts.ledger.write(work)
    except (Refused, NotAllowed) as error:
        typed = Typed(form, move, str(error))
        return _show_task(request, _found_task(request), 409, typed)
    return see(request, "tasks") if form.get("then") == "tasks" else _after_move(request, found.id)


def _after_move(request: web.Request, task_id: TaskId) -> web.Response:
    """Back to the task; to the list, when it is no longer theirs to see."""
    parts, me = parts_of(request), session_of(request).adviser
    if not may_do(me, Tasks(parts.ledger.seal).find(parts.ledger.reader(), task_id)):
        return see(request, "tasks")
    place = request.app.router["task"].url_for(task=str(task_id))
    return web.Response(status=303, headers={"Location": str(place)})


def _found_task(request: web.Request) -> Task:
    """Raises: NoSuchTask, NoSuchCase when it is somebody else's."""
    parts, me = parts_of(request), session_of(request).adviser
    found = Tasks(parts.ledger.seal).find(parts.ledger.reader(), TaskId(int(request.match_info["task"])))
    if not may_do(me, found) or (found.practice and found.assignee != me.id):
        raise denied(request, found.case_id)
    return found


def _show_task(request: web.Request, found: Task, status: int = 200, typed: Typed = NOTHING) -> web.Response:
    parts, me = parts_of(request), session_of(request).adviser
    reader = parts.ledger.reader()
    sees = _sees_case(request, found)
    return page(
        request,
        "task.html",
        status,
        seq=last_event(reader),
        task=found,
        reads=sees or may_read(me, found),
        sees=sees,
        colleagues=_colleagues(reader, me),
        soon=tuple(SOON)[1:],
        typed=typed,
    )


# --- the tasks of one case -------------------------------------------------------------------------------------------


async def case_tasks(request: web.Request) -> web.Response:
    return show_case_tasks(request, found_case(request))


async def add_task(request: web.Request) -> web.Response:
    """For an adviser; or, with `enquirer`, something the bot reminds the enquirer of."""
    form = await form_of(request)
    found, client_id = found_case(request), client_id_of(form, "client_id")
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    words, masked = parts.mask(words_of(form, "words"))
    for_enquirer = "enquirer" in form
    typed = Typed({**form, "words": words}, "remind" if for_enquirer else "task", "", masked)
    try:
        kind = _kind(form, FOR_ENQUIRERS if for_enquirer else FOR_ADVISERS)
        to = me.id if for_enquirer else _assignee(form, me, practice=found.row.practice)
        new = NewTask(found.row.id, kind, _due(request, form), words, to, client_id=client_id)
        kept = Tasks(parts.ledger.seal)
        add = kept.remind if for_enquirer else kept.add
        await parts.ledger.write(lambda conn: add(conn, new, me.id, now))
    except (Refused, NotAllowed) as error:
        refused = Typed(typed.fields, typed.form, str(error), masked)
        return show_case_tasks(request, found_case(request), 422, refused)
    return see(request, "case_tasks", case=found.row.id, masked=",".join(masked))


def show_case_tasks(request: web.Request, found: Case, status: int = 200, typed: Typed = NOTHING) -> web.Response:
    parts, me, row = parts_of(request), session_of(request).adviser, found.row
    reader = parts.ledger.reader()
    kept, takedowns = Tasks(parts.ledger.seal), Takedowns(parts.ledger.seal, parts.hours)
    masked = tuple(kind for kind in request.query.get("masked", "").split(",") if kind)
    return page(
        request,
        "case_tasks.html",
        status,
        seq=last_event(reader),
        row=row,
        case=found,
        tasks=kept.of_case(reader, row.id),
        takedowns=takedowns.of_case(reader, row.id),
        colleagues=_colleagues(reader, me),
        kinds=FOR_ADVISERS,
        enquirer_kinds=FOR_ENQUIRERS,
        things=tuple(What),
        soon=tuple(SOON),
        no_links=row.concern in NO_LINKS or found.issue in NO_LINKS,
        reached=not row.practice and not row.left,
        typed=typed,
        masked=typed.masked or masked,
        client_id=secrets.token_urlsafe(12),
    )


async def add_takedown(request: web.Request) -> web.Response:
    form = await form_of(request)
    found = found_case(request)
    try:
        await takedown_pages.add(request, found, form)
    except Refused as error:
        typed = Typed(form, "takedown", str(error))
        return show_case_tasks(request, found_case(request), 422, typed)
    return see(request, "case_tasks", "takedowns", case=found.row.id)


def _panel(request: web.Request, found: Case) -> Mapping[str, object]:
    parts, reader = parts_of(request), parts_of(request).ledger.reader()
    tasks_of = Tasks(parts.ledger.seal).of_case(reader, found.row.id)
    return {
        "open": tuple(each for each in tasks_of if each.state == "open"),
        "done": sum(each.state != "open" for each in tasks_of),
        "takedowns": Takedowns(parts.ledger.seal, parts.hours).of_case(reader, found.row.id),
        "may_add": is_theirs(session_of(request).adviser, found.row),
    }


# --- within ----------------------------------------------------------------------------------------------------------


def _sees_case(request: web.Request, task_: Task) -> bool:
    parts = parts_of(request)
    case = parts.desk.case(parts.ledger.reader(), task_.case_id, parts.now())
    return may_see(session_of(request).adviser, case.row)


def _colleagues(reader: Connection, me: Adviser) -> tuple[Adviser, ...]:
    return tuple(each for each in everyone(reader) if each.role in MAY_HOLD and not each.disabled and each.id != me.id)


def _kind(form: Mapping[str, str], known: tuple[TaskKind, ...]) -> TaskKind:
    """Raises: Refused."""
    kind = form.get("kind", "")
    if kind not in known:
        raise Refused("Choose what is to be done.")
    return TaskKind(kind)


def _assignee(form: Mapping[str, str], me: Adviser, *, practice: bool) -> AdviserId | None:
    """Who is to do it: oneself unless another was chosen; None for anybody. Raises: Refused."""
    to = form.get("assignee", "") or str(me.id)
    if practice and to != str(me.id):
        raise Refused("This is practice: its tasks are yours alone.")
    return None if to == ANYBODY else AdviserId(number_of({"assignee": to}, "assignee"))


def _due(request: web.Request, form: Mapping[str, str]) -> datetime:
    """The time that was written; else the end of today, or the opening of a later day. Raises: Refused."""
    parts = parts_of(request)
    now = parts.now()
    local = parts.hours.local(now)
    if form.get("at"):
        at = takedown_pages.local_time(form["at"], local)
        if at <= now:
            raise Refused("Choose a time that is still to come.")
        return at
    days = SOON.get(form.get("due", ""))
    if days is None:
        raise Refused("Choose when it is due.")
    if days == 0:
        return local.replace(hour=23, minute=59, second=0, microsecond=0)
    morning = (local + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
    return parts.hours.next_opening(morning) or morning


AREA = Area(
    routes=(
        Route("GET", "/tasks", "tasks", tasks, HOLDERS),
        Route("GET", TASK, "task", task, HOLDERS),
        Route("POST", TASK, "move_task", move_task, HOLDERS),
        Route("GET", f"{CASE}/tasks", "case_tasks", case_tasks, HOLDERS),
        Route("POST", f"{CASE}/tasks", "add_task", add_task, HOLDERS),
        Route("POST", f"{CASE}/takedowns", "add_takedown", add_takedown, HOLDERS),
        *takedown_pages.ROUTES,
    ),
    places=(Place("tasks", "Tasks", MAY_HOLD, Group.WORK),),
    panels=(Panel("tasks", "Tasks", _panel, Tab.TASKS),),
    tells=("task", "takedown", "reminder"),
)
