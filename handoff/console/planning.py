"""How many advisers are needed, and what a surge would do; the school terms."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite
from typing import Final

from aiohttp import web

from handoff import arrivals, planning, terms
from handoff.arrivals import Arrivals, Team, Times
from handoff.console.area import Area, Group, Place, Route
from handoff.console.asking import see
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import Role
from handoff.errors import Refused
from handoff.hours import DAYS, SUBDIVISIONS
from handoff.planning import MOST_AT_ONCE, Answer, Missing, Question
from handoff.terms import NewTerm, TermId, TermKnown, WrongTerm

LEADS: Final = frozenset({Role.LEAD})
MAX_CHARACTERS = 20
SHADES = 5
TERM_FIELDS: Final = ("name", "nation", "first", "last", "source")
ALL: Final = "all"
"""The nation of a term of all nations."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question as it was typed; empty for what is taken as measured."""

    day: str = "mon"
    begins: str = "9"
    ends: str = "11"
    percent: str = "80"
    minutes: str = "5"
    factor: str = "1"
    handling: str = ""
    at_once: str = ""
    until: str = ""
    """The last day that is measured; empty: yesterday."""


@dataclass(frozen=True, slots=True)
class Measured:
    newest: date | None
    arrivals: Arrivals
    times: Times
    team: Team


async def planned(request: web.Request) -> web.Response:
    return await _show(request)


async def add_term(request: web.Request) -> web.Response:
    form = await form_of(request)
    parts, me, now = parts_of(request), session_of(request).adviser.id, parts_of(request).now()
    typed = {name: form.get(name, "").strip() for name in TERM_FIELDS}
    term, wrong = term_of(typed)
    if term is None:
        return await _show(request, 422, typed=typed, wrong=wrong)
    try:
        await parts.ledger.write(lambda conn: terms.add(conn, term, me, now))
    except TermKnown:
        return await _show(request, 422, typed=typed, wrong={"first": "There is a term of these days already."})
    except Refused as error:
        return await _show(request, 409, typed=typed, wrong={"name": str(error)})
    return see(request, "planning", fragment="terms")


async def remove_term(request: web.Request) -> web.Response:
    """One that somebody else has removed is removed: nothing is said about it."""
    await form_of(request)
    parts, me, now = parts_of(request), session_of(request).adviser.id, parts_of(request).now()
    term = TermId(int(request.match_info["term"]))
    with suppress(terms.NoSuchTerm):
        await parts.ledger.write(lambda conn: terms.remove(conn, term, me, now))
    return see(request, "planning", fragment="terms")


# --- reading what was typed ------------------------------------------------------------------------------------------


def question_of(asked: Asked) -> tuple[Question | None, dict[str, str]]:
    """The question that was meant, or what is wrong with which field."""
    wrong: dict[str, str] = {}
    if asked.day not in DAYS:
        wrong["day"] = "Choose a day of the week."
    begins, ends = _whole(asked.begins, 0, 23), _whole(asked.ends, 1, 24)
    if begins is None:
        wrong["begins"] = "Write a full hour from 0 to 23."
    if ends is None or (begins is not None and ends <= begins):
        wrong["ends"] = "Write a full hour after the first one, up to 24."
    percent, minutes, factor = _whole(asked.percent, 1, 99), _number(asked.minutes, 240), _number(asked.factor, 100)
    if percent is None:
        wrong["percent"] = "Write a whole number from 1 to 99."
    if minutes is None:
        wrong["minutes"] = "Write minutes, more than 0 and up to 240."
    if factor is None:
        wrong["factor"] = "Write how many times as many: more than 0 and up to 100. 1 is as now, 6 is 500 % more."
    handling = _number(asked.handling, 240) if asked.handling else None
    if asked.handling and handling is None:
        wrong["handling"] = "Write minutes, more than 0 and up to 240, or leave it empty."
    at_once = _whole(asked.at_once, 1, MOST_AT_ONCE) if asked.at_once else None
    if asked.at_once and at_once is None:
        wrong["at_once"] = f"Write a whole number from 1 to {MOST_AT_ONCE}, or leave it empty."
    if wrong or begins is None or ends is None or percent is None or minutes is None or factor is None:
        return None, wrong
    takes = timedelta(minutes=handling) if handling else None
    weekday = DAYS.index(asked.day)
    return Question(weekday, begins, ends, percent, timedelta(minutes=minutes), factor, takes, at_once), {}


def term_of(typed: Mapping[str, str]) -> tuple[NewTerm | None, dict[str, str]]:
    """The term that was meant, or what is wrong with which field."""
    days: dict[str, date] = {}
    wrong: dict[str, str] = {}
    for name in ("first", "last"):
        try:
            days[name] = date.fromisoformat(typed[name])
        except ValueError:
            wrong[name] = "Choose a day."
    if wrong:
        return None, wrong
    nation = None if typed["nation"] == ALL else typed["nation"]
    try:
        return NewTerm(typed["name"], nation, days["first"], days["last"], typed["source"]), {}
    except WrongTerm as error:
        return None, {error.field: str(error)}


def _whole(text: str, least: int, most: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and least <= int(text) <= most else None


def _number(text: str, most: int) -> float | None:
    """More than 0; "2,5" is understood."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if isfinite(value) and 0 < value <= most else None


# --- showing it ------------------------------------------------------------------------------------------------------


async def _show(
    request: web.Request,
    status: int = 200,
    *,
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
) -> web.Response:
    last, problems = _last_of(request)
    found = await asyncio.to_thread(_measured, request, last)
    asked = _asked(request, found.arrivals)
    question, others = question_of(asked)
    problems |= others
    answer = await asyncio.to_thread(planning.answer, question, *_of(found)) if question and not problems else None
    reader = parts_of(request).ledger.reader()
    return page(
        request,
        "planning.html",
        422 if problems and status == 200 else status,
        seq=last_event(reader),
        arrivals=found.arrivals,
        newest=found.newest,
        times=found.times,
        team=found.team,
        grid=_grid(found.arrivals),
        asked=asked,
        problems=problems,
        answer=answer if isinstance(answer, Answer) else None,
        missing=answer if isinstance(answer, Missing) else None,
        planning=planning,
        least=arrivals.LEAST,
        longest=arrivals.LONGEST,
        terms=terms.listed(reader),
        nations=tuple(SUBDIVISIONS),
        typed=typed or dict.fromkeys(TERM_FIELDS, ""),
        wrong=wrong or {},
    )


def _last_of(request: web.Request) -> tuple[date, dict[str, str]]:
    """The last day to measure; yesterday, and what is wrong, when it is none."""
    parts, text = parts_of(request), request.query.get("until", "").strip()[:MAX_CHARACTERS]
    yesterday = arrivals.yesterday(parts.hours, parts.now())
    try:
        day = date.fromisoformat(text) if text else yesterday
    except ValueError:
        return yesterday, {"until": "Choose a day."}
    if not date(terms.FIRST_YEAR, 1, 1) <= day <= yesterday:
        return yesterday, {"until": f"Choose a day from {terms.FIRST_YEAR} to yesterday."}
    return day, {}


def _measured(request: web.Request, last: date) -> Measured:
    parts = parts_of(request)
    reader = parts.ledger.reader()
    came = arrivals.read(reader, parts.hours, last)
    newest = arrivals.newest(reader)
    return Measured(newest, came, arrivals.times(reader, came.first, came.last), arrivals.team(reader))


def _of(found: Measured) -> tuple[Arrivals, Times, Team]:
    return found.arrivals, found.times, found.team


def _asked(request: web.Request, came: Arrivals) -> Asked:
    """What the address says; else the first two open hours of a Monday."""
    opens = came.hours.start if came.hours else 9
    usual = Asked(begins=str(opens), ends=str(min(24, opens + 2)))
    names = {"from": "begins", "to": "ends"}
    fields = set(Asked.__dataclass_fields__)
    typed = {names.get(name, name): value.strip()[:MAX_CHARACTERS] for name, value in request.query.items()}
    known = {name: value for name, value in typed.items() if name in fields}
    return Asked(**{**{name: getattr(usual, name) for name in fields}, **known})


@dataclass(frozen=True, slots=True)
class Square:
    """One hour of the grid; `shade` 0 (nobody) to SHADES (the busiest)."""

    cell: arrivals.Cell
    shade: int


def _grid(came: Arrivals) -> Mapping[int, Mapping[int, Square]]:
    """Hours from the first that is open to the last, by weekday; a weekday that was never open is left out."""
    weekdays = [weekday for weekday in range(7) if came.on(weekday)]
    cells = {(hour, weekday): came.cell(weekday, hour) for hour in came.hours for weekday in weekdays}
    most = max((cell.per_hour for cell in cells.values() if cell), default=0.0)
    return {
        hour: {
            weekday: Square(cell, _shade(cell.per_hour, most)) for weekday in weekdays if (cell := cells[hour, weekday])
        }
        for hour in came.hours
    }


def _shade(rate: float, most: float) -> int:
    return min(SHADES, 1 + int(SHADES * rate / most)) if rate else 0


TERM: Final = r"/planning/terms/{term:[0-9]{1,12}}"
AREA = Area(
    routes=(
        Route("GET", "/planning", "planning", planned, LEADS),
        Route("POST", "/planning/terms", "add_term", add_term, LEADS),
        Route("POST", f"{TERM}/remove", "remove_term", remove_term, LEADS),
    ),
    places=(Place("planning", "Planning", LEADS, Group.OVERSIGHT),),
)
