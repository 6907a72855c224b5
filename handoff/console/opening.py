"""Opening hours at the desk: a lead sets the week, bank holidays and closed days, and sees what follows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from aiohttp import web

from handoff.console.accounts import LEADS
from handoff.console.area import Route
from handoff.console.asking import number_of
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import names
from handoff.console.render import page
from handoff.desk import last_event
from handoff.hours import DAYS, SUBDIVISIONS, Span, bank_holidays, week_from
from handoff.timetable import HoursChanged, Reason, Version, set_hours, spans_written

PREVIEW_DAYS = 14
MOST_ROWS = 30
SPARE_ROWS = 3
MAX_CHARACTERS = 100
YEARS_AHEAD = 3
DROPPED_AFTER = timedelta(days=7)
"""A closed day so long past is left out of the next version."""
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?")
_SPLIT = re.compile(r"\s*,\s*|\s+and\s+")
_TO = re.compile(r"\s*(?:-|–|—|\bto\b)\s*")


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it was filled in."""

    days: Mapping[str, str]
    nation: str
    closed: tuple[tuple[str, str], ...]
    seen: int


async def hours(request: web.Request) -> web.Response:
    parts = parts_of(request)
    version = parts.hours.version(parts.ledger.reader())
    return _show(request, typed_from(version), version)


async def change(request: web.Request) -> web.Response:
    """`do=preview` shows what would follow, `do=save` makes it so, at once and everywhere."""
    form = await form_of(request)
    typed = _typed(form)
    version, wrong = read(typed, parts_of(request).hours.local(parts_of(request).now()).date())
    if version is None:
        return _show(request, typed, None, 422, wrong=wrong)
    if form.get("do") != "save":
        return _show(request, typed, version, is_preview=True)
    parts, me, now = parts_of(request), session_of(request).adviser.id, parts_of(request).now()
    try:
        await parts.ledger.write(lambda conn: set_hours(conn, version, me, typed.seen, now))
    except HoursChanged:
        newest = parts.hours.version(parts.ledger.reader())
        return _show(request, Typed(typed.days, typed.nation, typed.closed, newest.number), version, 409, is_late=True)
    place = request.app.router["hours"].url_for().with_query(said="saved")
    return web.Response(status=303, headers={"Location": str(place)})


# --- reading what was typed ------------------------------------------------------------------------------------------


def typed_from(version: Version) -> Typed:
    days = {name: spans_written(version.week.get(number, ())) for number, name in enumerate(DAYS)}
    closed = tuple((day.isoformat(), reason.value) for day, reason in sorted(version.closed.items()))
    return Typed(days, version.nation or "", closed, version.number)


def read(typed: Typed, today: date) -> tuple[Version | None, dict[str, str]]:
    """The version that was meant, or what is wrong with which field, in words. Days long past are left out."""
    wrong: dict[str, str] = {}
    week = {}
    for number, name in enumerate(DAYS):
        try:
            week[number] = spans_from(typed.days[name])
        except ValueError as error:
            wrong[name] = str(error)
    closed: dict[date, Reason] = {}
    for row, (day, reason) in enumerate(typed.closed):
        try:
            closed[_day(day, today)] = Reason(reason)
        except ValueError as error:
            wrong[f"closed-{row}"] = str(error)
    if wrong:
        return None, wrong
    open_days = {day: spans for day, spans in week.items() if spans}
    ahead = {day: reason for day, reason in closed.items() if day >= today - DROPPED_AFTER}
    return Version(typed.seen, open_days, typed.nation or None, ahead), {}


def spans_from(text: str) -> tuple[Span, ...]:
    """ "10:00-12:00, 13:30-16:00", "9am to 5pm", or nothing for closed. Raises: ValueError, in words."""
    spans = []
    for part in filter(None, _SPLIT.split(text.strip().casefold())):
        try:
            opens, closes = _TO.split(part)
            spans.append(week_from(f"mon {_time(opens)}-{_time(closes, is_end=True)}")[0][0])
        except ValueError:
            raise ValueError(f"“{part[:30]}” is not a time from and a time to. Write it like 10:00-16:00.") from None
    spans.sort(key=lambda span: span.opens)
    for earlier, later in pairwise(spans):
        if later.opens < earlier.closes or earlier.closes.hour == earlier.closes.minute == 0:
            raise ValueError("Two of the times overlap.")
    return tuple(spans)


def _time(text: str, *, is_end: bool = False) -> str:
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise ValueError
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    if half:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half == "pm" else 0)
    if (hour, minute) == (24, 0) and is_end:
        return "24:00"
    if hour > 23 or minute > 59:
        raise ValueError
    return f"{hour:02}:{minute:02}"


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("That is not a date. Choose one, or write it like 2026-12-24.") from None
    if day > today.replace(month=1, day=1) + timedelta(days=366 * YEARS_AHEAD):
        raise ValueError(f"That is more than {YEARS_AHEAD} years ahead.")
    return day


def _typed(form: Mapping[str, str]) -> Typed:
    days = {name: form.get(name, "")[:MAX_CHARACTERS].strip() for name in DAYS}
    nation = form.get("nation", "")
    if nation and nation not in SUBDIVISIONS:
        raise web.HTTPBadRequest
    rows = [(form.get(f"closed-{row}", "").strip()[:20], form.get(f"reason-{row}", "")) for row in range(MOST_ROWS)]
    closed = tuple((day, reason) for day, reason in rows if day)
    if any(reason not in set(Reason) for _, reason in closed):
        raise web.HTTPBadRequest
    return Typed(days, nation, closed, number_of(form, "seen"))


# --- showing it ------------------------------------------------------------------------------------------------------


def _show(
    request: web.Request,
    typed: Typed,
    version: Version | None,
    status: int = 200,
    wrong: Mapping[str, str] | None = None,
    is_preview: bool = False,
    is_late: bool = False,
) -> web.Response:
    parts = parts_of(request)
    reader, now = parts.ledger.reader(), parts.now()
    today = parts.hours.local(now).date()
    shown = version and version.opening(parts.hours.opening.timezone)
    return page(
        request,
        "hours.html",
        status,
        seq=last_event(reader),
        typed=typed,
        blanks=max(0, min(SPARE_ROWS, MOST_ROWS - len(typed.closed))),
        wrong=wrong or {},
        version=parts.hours.version(reader),
        earlier=parts.hours.versions(reader),
        shown=version,
        days=shown.days(today, PREVIEW_DAYS) if shown else (),
        elsewhere=_elsewhere(today, version.nation if version else None),
        is_open=parts.hours.is_open(now),
        opens_at=parts.hours.next_opening(now),
        is_preview=is_preview,
        is_late=is_late,
        is_saved=request.query.get("said") == "saved",
        names=names(reader),
        weekdays=DAYS,
        nations=tuple(SUBDIVISIONS),
        reasons=tuple(Reason),
        timezone=parts.hours.opening.timezone,
    )


def _elsewhere(today: date, kept: str | None) -> Mapping[date, tuple[tuple[str, str], ...]]:
    """Bank holidays in the days of the preview that the service does not keep: the day, the nation and the name."""
    days = [today + timedelta(days=step) for step in range(PREVIEW_DAYS)]
    found = {
        day: tuple((nation, names[day]) for nation in SUBDIVISIONS if day in (names := bank_holidays(nation, day.year)))
        for day in days
    }
    kept_days = {day for day in days if kept and day in bank_holidays(kept, day.year)}
    return {day: nations for day, nations in found.items() if nations and day not in kept_days}


ROUTES = (
    Route("GET", "/hours", "hours", hours, LEADS),
    Route("POST", "/hours", "change_hours", change, LEADS),
)
