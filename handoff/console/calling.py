"""Agreeing a time to call back: what fits a school's day and the service's hours, or another time typed."""

from collections.abc import Mapping
from itertools import groupby

from aiohttp import web

from handoff.board import Row
from handoff.console.area import CASE, HOLDERS, Area, Panel, Route, Tab
from handoff.console.asking import found_case, see, who
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs
from handoff.console.render import page
from handoff.desk import Case, last_event
from handoff.domain import Adviser, State
from handoff.errors import Refused
from handoff.slots import NoSuchTime, agreed, proposed

MAX_FIELD_CHARACTERS = 40
_FIELDS = ("slot", "day", "at")


async def call_back(request: web.Request) -> web.Response:
    return _form(request, found_case(request))


async def agree(request: web.Request) -> web.Response:
    """Puts the case off until then; one that the adviser holds is let go first."""
    form = await form_of(request)
    found = found_case(request)
    typed = {name: form.get(name, "").strip()[:MAX_FIELD_CHARACTERS] for name in _FIELDS}
    parts, case_id, me, now = who(request)
    try:
        at = agreed(parts.hours, now, typed["slot"], typed["day"], typed["at"])
    except NoSuchTime as error:
        return _form(request, found, 422, typed, str(error))
    if found.row.state is State.SCHEDULED and found.row.wake_at == at:  # the same form, sent twice
        return see(request, "board", notice="agreed", ref=found.row.reference)
    if found.row.left:
        raise Refused("They have left, and cannot be called back. Wrap up.")
    await parts.ledger.write(lambda conn: parts.queue.schedule(conn, case_id, me, at, now))
    return see(request, "board", notice="agreed", ref=found.row.reference)


def _form(
    request: web.Request, found: Case, status: int = 200, typed: Mapping[str, str] | None = None, problem: str = ""
) -> web.Response:
    parts = parts_of(request)
    slots = proposed(parts.hours, found.row.nation, parts.now())
    return page(
        request,
        "call_back.html",
        status,
        seq=last_event(parts.ledger.reader()),
        row=found.row,
        may_agree=_may_agree(session_of(request).adviser, found.row),
        days=[
            (day, list(of_day)) for day, of_day in groupby(slots, lambda slot: parts.hours.local(slot.begins).date())
        ],
        typed=typed or dict.fromkeys(_FIELDS, ""),
        problem=problem,
    )


def _may_agree(me: Adviser, row: Row) -> bool:
    """What waits, anybody who sees it; what is held, its holder. One who left cannot be called back."""
    return not row.left and (row.state is State.WAITING or is_theirs(me, row))


def _panel(request: web.Request, found: Case) -> Mapping[str, object]:
    return {"may_agree": _may_agree(session_of(request).adviser, found.row)}


AREA = Area(
    routes=(
        Route("GET", f"{CASE}/call-back", "call_back", call_back, HOLDERS),
        Route("POST", f"{CASE}/call-back", "agree_call_back", agree, HOLDERS),
    ),
    panels=(Panel("call_back", "Call-back", _panel, Tab.TASKS),),
)
