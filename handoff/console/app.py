"""Joins the advisers' web: its routes and who may use each, what every request passes, what is said when one fails."""

import logging
import traceback
from collections.abc import Callable
from datetime import datetime
from itertools import chain
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from handoff.console import (
    admin,
    audit,
    board,
    calling,
    care,
    dashboard,
    deciding,
    entrance,
    feed,
    figures,
    forgetting,
    gaps,
    inserting,
    notices,
    planning,
    practising,
    record,
    render,
    reporting,
    search,
    talk,
    tasks,
    taxonomy,
    transferring,
    watching,
    wrapping,
)
from handoff.console.asking import IN_WORDS, Draft, found_case, words_of
from handoff.console.attending import attended, seen
from handoff.console.auth import RULES, admit, form_of
from handoff.console.lanes import NEWEST, Newest
from handoff.console.looks import watched
from handoff.console.parts import PARTS, SESSION, Mask, Parts, unmasked
from handoff.console.render import PLACES
from handoff.desk import Desk
from handoff.domain import Rules
from handoff.doorkeeper import Doorkeeper
from handoff.doors import SHUT, Doors
from handoff.errors import HandoffError, LedgerError, NoSuchCase, NotAllowed, NotYours, Refused
from handoff.hours import OpeningHours
from handoff.ledger import Ledger
from handoff.queue import Queue
from handoff.retention import Keep
from handoff.timetable import Timetable
from handoff.typing import Typing

log = logging.getLogger(__name__)

AREAS: Final = (
    board.AREA,
    talk.AREA,
    transferring.AREA,
    inserting.AREA,
    wrapping.AREA,
    record.AREA,
    deciding.AREA,
    tasks.AREA,
    calling.AREA,
    search.AREA,
    watching.AREA,
    notices.AREA,
    dashboard.AREA,
    figures.AREA,
    reporting.AREA,
    gaps.AREA,
    care.AREA,
    practising.AREA,
    taxonomy.AREA,
    planning.AREA,
    forgetting.AREA,
    admin.AREA,
    audit.AREA,
    entrance.AREA,
)
"""In the order of the rail."""


def console(
    ledger: Ledger,
    queue: Queue,
    hours: OpeningHours | Timetable,
    now: Callable[[], datetime],
    secure_cookies: bool,
    mask: Mask = unmasked,
    rules: Rules | None = None,
    doors: Doors = SHUT,
    typing: Typing | None = None,
    keep: Keep | None = None,
) -> web.Application:
    """The advisers' web, to be mounted with `add_subapp("/desk", …)`. `rules` are the queue's; `mask` hides what
    identifies people in what advisers write, before it is kept. `secure_cookies` is False only for plain loopback.
    `doors` are what the desk may ask of the bot; `typing` is the service's own: both sides see the other type.
    `keep`: how long what is kept; a case's time is `rules.keep`."""
    app = web.Application(middlewares=[plainly, admit, watched, attended])
    desk, doorkeeper = Desk(ledger.seal, rules), Doorkeeper(ledger.seal)
    times = hours if isinstance(hours, Timetable) else Timetable(ledger, hours)
    app[PARTS] = Parts(
        ledger,
        queue,
        desk,
        doorkeeper,
        times,
        now,
        mask,
        secure_cookies,
        doors,
        Typing() if typing is None else typing,
        Keep() if keep is None else keep,
    )
    app[RULES] = {}
    app[NEWEST] = Newest()
    app[talk.PANELS] = tuple(panel for area in AREAS for panel in area.panels)
    app[feed.TOLD] = frozenset(kind for area in AREAS for kind in area.tells)
    app[PLACES] = tuple(place for area in AREAS for place in area.places)
    for route in chain.from_iterable(area.routes for area in AREAS):
        added = app.router.add_resource(route.path, name=route.name).add_route(route.method, route.handler)
        app[RULES][added] = route.allowed
    app.cleanup_ctx.append(feed.running)
    app.cleanup_ctx.append(practising.running)
    app.on_shutdown.append(feed.close)
    app.on_response_prepare.append(render.add_headers)
    return app


@web.middleware
async def plainly(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What goes wrong becomes a plain page. The log gets kinds and places, never the words of an error."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return render.error_page(request, error.status, draft=await _words_posted(request))
    except HandoffError as error:
        refusal = _refusal(request, error, await _words_posted(request))
        await seen(request)
        return refusal
    except ConnectionResetError:
        raise
    except Exception as error:
        place = "".join(traceback.format_tb(error.__traceback__))
        log.error("%s on %s\n%s", type(error).__name__, request.match_info.route.name, place)
        return render.error_page(request, 500, draft=await _words_posted(request))


def _refusal(request: web.Request, error: HandoffError, draft: str) -> web.Response:
    match error:
        case NoSuchCase() | NotYours():
            return render.error_page(request, 404, draft=draft)
        case NotAllowed():
            return render.error_page(request, 403, draft=draft)
        case LedgerError():
            return render.error_page(request, 503, draft=draft)
        case Refused() if SESSION in request and "case" in request.match_info:
            return _refused_case(request, error)
        case _:
            return render.error_page(request, 409, draft=draft)


async def _words_posted(request: web.Request) -> str:
    """What an adviser wrote into a post that came to nothing: the page that says so gives it back."""
    if request.method != "POST" or request.content_type != "application/x-www-form-urlencoded":
        return ""
    try:
        form = await form_of(request)
    except (web.HTTPException, ConnectionError):
        return ""
    return "\n\n".join(words_of(form, name) for name in IN_WORDS if form.get(name))


def _refused_case(request: web.Request, error: Refused) -> web.Response:
    """The case as it is now, with what was not done; or nothing of it, when it is another's by now."""
    try:
        return talk.show_case(request, found_case(request), 409, Draft(refused=str(error)))
    except NoSuchCase:
        return render.error_page(request, 404)
