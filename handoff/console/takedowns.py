"""The page of one takedown: what happened so far, what happens next, and asking the enquirer through the bot."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from sqlite3 import Connection

from aiohttp import web

from handoff.console.area import HOLDERS, Route
from handoff.console.asking import client_id_of, denied
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import may_see, names
from handoff.console.render import page
from handoff.desk import Case, last_event
from handoff.domain import code
from handoff.errors import Refused
from handoff.takedowns import (
    ASKS,
    NEXT,
    WITH_PLATFORM,
    NewStep,
    NewTakedown,
    Stage,
    Takedown,
    TakedownId,
    Takedowns,
    What,
    Who,
)
from handoff.tasks import Tasks

TAKEDOWN = r"/takedowns/{takedown:[0-9]{1,12}}"
FARTHEST = timedelta(days=10 * 366)
"""A time further away than this was mistyped."""
WITH_NUMBER = frozenset({Stage.REPORTED, Stage.ON_BEHALF})
"""Steps after which a platform gives a number, and after which somebody is to ask again."""


async def takedown(request: web.Request) -> web.Response:
    return _show(request, _found(request))


async def step(request: web.Request) -> web.Response:
    """One thing that happened, written down by an adviser."""
    form = await form_of(request)
    found = _found(request)
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    try:
        _refuse_unseen(form, found)
        new, kept = _step_of(request, form, found), Takedowns(parts.ledger.seal, parts.hours)

        def work(conn: Connection) -> None:
            _refuse_unseen(form, kept.find(conn, found.id))  # two posts at once
            kept.step(conn, found.id, new, me.id, now)

        await parts.ledger.write(work)
    except Refused as error:
        return _show(request, _found(request), 409, form, str(error))
    return _to(request, found.id)


async def ask_again(request: web.Request) -> web.Response:
    """The bot asks the enquirer now, as soon as nobody else is speaking with them."""
    found = _found(request)
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    kept = Takedowns(parts.ledger.seal, parts.hours)

    def work(conn: Connection) -> None:
        kept.ask_now(conn, found.id, me.id, now)

    try:
        await parts.ledger.write(work)
    except Refused as error:
        return _show(request, _found(request), 409, {}, str(error))
    return _to(request, found.id)


async def add(request: web.Request, found: Case, form: Mapping[str, str]) -> None:
    """A new takedown of this case, with its first step. Raises: Refused."""
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    platform, what = form.get("platform", "").strip().lower().replace(" ", "_"), form.get("what", "")
    if not platform or code(platform) != platform or not platform.replace("_", "").isalnum():
        raise Refused("Name the platform in letters and figures.")
    if what not in set(What):
        raise Refused("Choose what was reported.")
    new = NewTakedown(found.row.id, platform, What(what), client_id_of(form, "client_id"), form.get("link", ""))
    first = _first(request, form)
    kept = Takedowns(parts.ledger.seal, parts.hours)
    await parts.ledger.write(lambda conn: kept.add(conn, new, first, me.id, now))


def _first(request: web.Request, form: Mapping[str, str]) -> NewStep:
    if form.get("stage") == Stage.GUIDED:
        _number(form, Stage.GUIDED)
        return NewStep(Stage.GUIDED, Who.ADVISER)
    if form.get("stage") != Stage.REPORTED:
        raise Refused("Choose how far it has got.")
    at = _when(request, form)
    return NewStep(Stage.REPORTED, Who.ENQUIRER, at, form.get("number", ""), ask_them="ask_them" in form)


def _refuse_unseen(form: Mapping[str, str], found: Takedown) -> None:
    """Raises: Refused when a step was written that the form's page did not show."""
    if form.get("seen", "") != str(len(found.steps)):
        raise Refused("Something was written down since this page was loaded. Look at it, then write yours.")


def _step_of(request: web.Request, form: Mapping[str, str], found: Takedown) -> NewStep:
    """Raises: Refused."""
    stage = form.get("stage", "")
    if stage not in set(Stage) or Stage(stage) in ASKS or Stage(stage) not in NEXT[found.stage]:
        raise Refused("Choose what happened.")
    who = Who.ENQUIRER if stage in (Stage.REPORTED, Stage.WITHDRAWN) else Who.ADVISER
    number = _number(form, Stage(stage))
    return NewStep(Stage(stage), who, _when(request, form), number, ask_them="ask_them" in form)


def _number(form: Mapping[str, str], stage: Stage) -> str:
    """The platform's own number: a report has one, nothing else. Raises: Refused, so that none is dropped unseen."""
    number = form.get("number", "").strip()
    if number and stage not in WITH_NUMBER:
        raise Refused("Only a report has a number of the platform’s. Choose that, or leave the number empty.")
    return number


def _when(request: web.Request, form: Mapping[str, str]) -> datetime | None:
    """When it happened; None: now. Raises: Refused."""
    text = form.get("at", "")
    if not text:
        return None
    return local_time(text, parts_of(request).hours.local(parts_of(request).now()))


def local_time(text: str, local: datetime) -> datetime:
    """What a field for date and time sends, in the service's own time zone. Raises: Refused."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("That is no date with a time. Write it like 2026-11-23 14:30.") from None
    at = at.replace(tzinfo=local.tzinfo) if at.tzinfo is None else at
    if abs(at - local) > FARTHEST:
        raise Refused("That year cannot be right. Write the date like 2026-11-23 14:30.")
    return at


def _found(request: web.Request) -> Takedown:
    """With its link, for whoever may see the case or has something to do about it. Raises: NoSuchCase."""
    parts = parts_of(request)
    reader, number = parts.ledger.reader(), TakedownId(int(request.match_info["takedown"]))
    kept = Takedowns(parts.ledger.seal, parts.hours)
    found = kept.find(reader, number)
    if not may_open(request, found):
        raise denied(request, found.case_id)
    return kept.find(reader, number, opened=True)


def may_open(request: web.Request, found: Takedown) -> bool:
    """Whoever may see its case, and whoever has something to do about it."""
    parts, me = parts_of(request), session_of(request).adviser
    reader = parts.ledger.reader()
    case = parts.desk.case(reader, found.case_id, parts.now())
    return may_see(me, case.row) or Tasks(parts.ledger.seal).is_about(reader, found.id, me.id)


def _show(
    request: web.Request,
    found: Takedown,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    problem: str = "",
) -> web.Response:
    parts, reader = parts_of(request), parts_of(request).ledger.reader()
    case = parts.desk.case(reader, found.case_id, parts.now())
    return page(
        request,
        "takedown.html",
        status,
        seq=last_event(reader),
        takedown=found,
        sees=may_see(session_of(request).adviser, case.row),
        names=names(reader),
        following=tuple(stage for stage in NEXT[found.stage] if stage not in ASKS),
        may_ask=found.stage in WITH_PLATFORM and not found.practice and not case.row.left,
        typed=typed or {},
        problem=problem,
    )


def _to(request: web.Request, number: TakedownId) -> web.Response:
    place = request.app.router["takedown"].url_for(takedown=str(number))
    return web.Response(status=303, headers={"Location": str(place)})


ROUTES = (
    Route("GET", TAKEDOWN, "takedown", takedown, HOLDERS),
    Route("POST", TAKEDOWN, "takedown_step", step, HOLDERS),
    Route("POST", f"{TAKEDOWN}/ask", "ask_again", ask_again, HOLDERS),
)
