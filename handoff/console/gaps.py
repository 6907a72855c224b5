"""What is missing, wrong or old in the content: from advisers, to editors; and what is due for review."""

import secrets
from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter

from aiohttp import web

from handoff import gaps
from handoff.console.area import CASE, HOLDERS, Area, Group, Panel, Place, Route, Tab
from handoff.console.asking import client_id_of, found_case, is_seen, see, words_of
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import names
from handoff.console.render import error_page, page
from handoff.desk import Case, last_event
from handoff.domain import Role
from handoff.errors import Refused
from handoff.gaps import GapKind, NewGap

MAX_CHARACTERS = 1_000
READERS = frozenset({Role.EDITOR, Role.SENIOR, Role.LEAD})
GAP = r"/gaps/{gap:[0-9]{1,12}}"


async def gap(request: web.Request) -> web.StreamResponse:
    return _show_form(request, found_case(request))


async def report(request: web.Request) -> web.StreamResponse:
    """Keeps what was said, and of the case only what it is about."""
    form = await form_of(request)
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    words, kinds = parts.mask(words_of(form, "words").strip())
    client_id = client_id_of(form, "client_id")
    if not is_seen(request):
        return error_page(request, 404, draft=words)
    found, kind, about = found_case(request), form.get("kind", ""), form.get("page", "")
    if not _is_about(request, found, about):
        about = ""
    problems = tuple(name for name, wrong in (("kind", kind not in set(GapKind)), ("words", not words)) if wrong)
    if len(words) > MAX_CHARACTERS:
        problems = (*problems, "long")
    if problems:
        typed = {"kind": kind, "about": about, "typed": words or words_of(form, "words")}
        return _show_form(request, found, 422, client_id=client_id, problems=problems, **typed)
    new = NewGap(GapKind(kind), about or None, found.row.concern, words, client_id)
    await parts.ledger.write(lambda conn: gaps.report(conn, parts.ledger.seal, me.id, new, now))
    return see(request, "case", fragment="panel-gap", case=found.row.id, masked=",".join(kinds))


async def listed(request: web.Request) -> web.StreamResponse:
    return _show_list(request)


async def take_up(request: web.Request) -> web.StreamResponse:
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    try:
        await parts.ledger.write(lambda conn: gaps.take_up(conn, _gap_of(request), me.id, now))
    except Refused as error:
        return _show_list(request, 409, refused=str(error))
    return see(request, "gaps", fragment=f"gap-{_gap_of(request)}")


async def finish(request: web.Request) -> web.StreamResponse:
    """Done, with a line about what was done."""
    form = await form_of(request)
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    answer, _ = parts.mask(words_of(form, "answer").strip())
    typed = answer or words_of(form, "answer")
    if not answer or len(answer) > MAX_CHARACTERS:
        return _show_list(request, 422, gap=_gap_of(request), typed=typed)
    try:
        await parts.ledger.write(
            lambda conn: gaps.finish(conn, parts.ledger.seal, _gap_of(request), me.id, answer, now)
        )
    except Refused as error:
        return _show_list(request, 409, gap=_gap_of(request), typed=typed, refused=str(error))
    return see(request, "gaps", fragment=f"gap-{_gap_of(request)}")


def panel(_: web.Request, __: Case) -> Mapping[str, object]:
    return {}


# --- within ----------------------------------------------------------------------------------------------------------


def _show_form(
    request: web.Request,
    found: Case,
    status: int = 200,
    *,
    client_id: str = "",
    problems: tuple[str, ...] = (),
    kind: str = "",
    about: str = "",
    typed: str = "",
) -> web.Response:
    parts = parts_of(request)
    return page(
        request,
        "gap.html",
        status,
        seq=last_event(parts.ledger.reader()),
        row=found.row,
        shown=_shown(found),
        pages=parts.doors.reviews.pages() if parts.doors.reviews else (),
        client_id=client_id or secrets.token_urlsafe(12),
        problems=problems,
        kind=kind,
        about=about,
        typed=typed,
        most=MAX_CHARACTERS,
    )


def _show_list(
    request: web.Request, status: int = 200, *, gap: int = 0, typed: str = "", refused: str = ""
) -> web.Response:
    """`typed` comes back to the line of `gap` that was not kept."""
    parts = parts_of(request)
    reader, door = parts.ledger.reader(), parts.doors.reviews
    stale = door.stale(parts.hours.local(parts.now()).date()) if door else ()
    due = [each for each in stale if each.due]
    return page(
        request,
        "gaps.html",
        status,
        seq=last_event(reader),
        gaps=gaps.listed(reader, parts.ledger.seal),
        titles=dict(door.pages()) if door else {},
        names=names(reader),
        is_open=door is not None,
        overdue=sum(each.overdue for each in due),
        due=tuple((owner, tuple(owned)) for owner, owned in groupby(due, attrgetter("owner"))),
        unverified=tuple(
            (owner, tuple(owned))
            for owner, owned in groupby((each for each in stale if not each.verified), attrgetter("owner"))
        ),
        gap=gap,
        typed=typed,
        too_long=len(typed) > MAX_CHARACTERS,
        refused=refused,
    )


def _shown(found: Case) -> tuple[tuple[str, str], ...]:
    """(id, title) of what the bot showed in this case."""
    return tuple((each.page, each.title) for each in found.pack.advice) if found.pack else ()


def _is_about(request: web.Request, found: Case, about: str) -> bool:
    door = parts_of(request).doors.reviews
    return about in dict(_shown(found)) or (door is not None and about in dict(door.pages()))


def _gap_of(request: web.Request) -> int:
    return int(request.match_info["gap"])


AREA = Area(
    routes=(
        Route("GET", f"{CASE}/gap", "gap", gap, HOLDERS),
        Route("POST", f"{CASE}/gap", "report_gap", report, HOLDERS),
        Route("GET", "/gaps", "gaps", listed, READERS),
        Route("POST", f"{GAP}/take-up", "take_up_gap", take_up, READERS),
        Route("POST", f"{GAP}/done", "finish_gap", finish, READERS),
    ),
    places=(Place("gaps", "Content", READERS, Group.SERVICE),),
    panels=(Panel("gap", "Content", panel, Tab.CASE),),
    tells=("gap",),
)
