"""What the lead looks at every morning: today, this week, what goes up, what no flow took, where people stop."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from aiohttp import web

from handoff import taxonomy
from handoff.console.area import Area, Group, Place, Route
from handoff.console.asking import see
from handoff.console.auth import form_of
from handoff.console.parts import Parts, parts_of, session_of
from handoff.console.render import page, said_by
from handoff.dashboard import dropoff, misses, pages
from handoff.dashboard.dropoff import Dropoff, Ends, StepCount
from handoff.dashboard.health import Health, Sight, health, sights
from handoff.dashboard.misses import Misses
from handoff.dashboard.pages import PageCount
from handoff.dashboard.pulse import Pulse, pulse
from handoff.desk import last_event
from handoff.domain import MAY_TAKE_OVER, Role
from handoff.doors import FlowCard, StepCaption
from handoff.periods import Days
from handoff.reports import surges
from handoff.reports.counting import snapshot

LOOKERS: Final = frozenset({Role.SENIOR, Role.LEAD, Role.AUDITOR})
WORDS: Final = "words_dashboard.html"
FLOW: Final = r"/now/flows/{flow:[A-Za-z0-9_]{1,80}}"
MONTH: Final = timedelta(weeks=4)


class Over(StrEnum):
    """Which days a flow's page counts."""

    WEEK = "week"
    MONTH = "month"
    """Four weeks up to today: every weekday as often as the others."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Now:
    """The dashboard, read at one moment from one snapshot."""

    seq: int
    pulse: Pulse
    health: Health
    sights: tuple[Sight, ...]
    above: surges.Look
    """What surges."""
    misses: Misses
    dropoff: Dropoff
    pages: tuple[PageCount, ...]
    overdue: frozenset[str]
    """Pages whose review is overdue."""
    titles: Mapping[str, str]
    flows: Mapping[str, FlowCard]

    def asked(self, step: str) -> str:
        """What is asked at a step ("flow/step"); "" when that cannot be known."""
        return _asked(self.flows, step)


async def now(request: web.Request) -> web.Response:
    """Read on a thread: a morning's turns are not held up by it."""
    parts, at = parts_of(request), parts_of(request).now()
    found = await asyncio.to_thread(_read, parts, at)
    may_pass_on = session_of(request).adviser.role in MAY_TAKE_OVER
    return page(request, "now.html", found=found, seq=found.seq, may_pass_on=may_pass_on)


async def pass_on(request: web.Request) -> web.Response:
    """A miss becomes a gap for the editors, in words made of its codes."""
    form = await form_of(request)
    parts, me, at = parts_of(request), session_of(request).adviser, parts_of(request).now()
    listed = misses.misses(parts.ledger.reader(), parts.hours.local(at).date()).shown
    miss = next((each for each in listed if each.mark == form.get("mark")), None)
    if miss is not None:
        labels = taxonomy.labels(parts.ledger.reader())
        words = said_by(WORDS, "miss", miss, labels.get(miss.what.about, ""), _asked(_flows(parts), miss.what.step))
        await parts.ledger.write(lambda conn: misses.pass_on(conn, parts.ledger.seal, miss.what, words, me.id, at))
    return see(request, "now", "misses")


async def flow(request: web.Request) -> web.Response:
    """One flow: its diagram with counts, and the same as a table. Without the library the table is all there is."""
    parts, id_, over = parts_of(request), request.match_info["flow"], _over(request)
    flows = _flows(parts)
    days = _days(parts.hours.local(parts.now()).date(), over)
    reader = parts.ledger.reader()
    steps = dropoff.of_flow(reader, id_, days, _ends(flows))
    if not steps and id_ not in flows:
        raise web.HTTPNotFound
    captions = {each.step: _caption(each) for each in steps}
    door = parts.doors.flows
    return page(
        request,
        "flow.html",
        seq=last_event(reader),
        flow=id_,
        card=flows.get(id_),
        is_open=door is not None,
        steps=steps,
        worst=tuple(each for each in steps if each.left)[: dropoff.SHOWN],
        svg=door.diagram(id_, captions) if door else None,
        over=over,
        days=days,
    )


# --- within ----------------------------------------------------------------------------------------------------------


def _read(parts: Parts, at: datetime) -> Now:
    reader, today = parts.ledger.reader(), parts.hours.local(at).date()
    flows, reviews = _flows(parts), parts.doors.reviews
    stuck = parts.doors.house.stuck() if parts.doors.house else {}
    with snapshot(reader):
        beat = pulse(reader, parts.hours.local, at)
        queue = health(reader, parts.desk, at, stuck)
        above = surges.read(reader, today)
        return Now(
            last_event(reader),
            beat,
            queue,
            sights(queue, beat.today.cases.in_time, len(above.surges)),
            above,
            misses.misses(reader, today),
            dropoff.dropoff(reader, _month(today), _ends(flows)),
            pages.pages(reader, _month(today)),
            frozenset(each.id for each in reviews.stale(today) if each.overdue) if reviews else frozenset(),
            dict(reviews.pages()) if reviews else {},
            flows,
        )


def _flows(parts: Parts) -> Mapping[str, FlowCard]:
    return parts.doors.flows.listed() if parts.doors.flows else {}


def _ends(flows: Mapping[str, FlowCard]) -> Ends:
    return {id_: card.ends for id_, card in flows.items()}


def _asked(flows: Mapping[str, FlowCard], step: str) -> str:
    flow_id, _, step_id = step.partition("/")
    return flows[flow_id].steps.get(step_id, "") if flow_id in flows else ""


def _caption(step: StepCount) -> StepCaption:
    share = step.left / step.reached if step.left else None
    return StepCaption(said_by(WORDS, "caption", step), share)


def _over(request: web.Request) -> Over:
    wanted = request.query.get("over", "")
    return Over(wanted) if wanted in set(Over) else Over.MONTH


def _days(today: date, over: Over) -> Days | None:
    """None: ever since steps are counted."""
    end = today + timedelta(days=1)
    return {
        Over.WEEK: Days(today - timedelta(days=today.weekday()), end),
        Over.MONTH: _month(today),
        Over.ALL: None,
    }[over]


def _month(today: date) -> Days:
    end = today + timedelta(days=1)
    return Days(end - MONTH, end)


AREA = Area(
    routes=(
        Route("GET", "/now", "now", now, LOOKERS),
        Route("GET", FLOW, "now_flow", flow, LOOKERS),
        Route("POST", "/now/gaps", "pass_on_gap", pass_on, MAY_TAKE_OVER),
    ),
    places=(Place("now", "Now", LOOKERS, Group.OVERSIGHT),),
)
