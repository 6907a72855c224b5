"""The form that closes a case: what the bot heard is suggested, the adviser confirms it, one write keeps it all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Final

from aiohttp import web

from handoff import care, closing, taxonomy
from handoff.board import Row
from handoff.closing import MAX_URLS, Closing, Escalation, Scope
from handoff.console.area import CASE, HOLDERS, Area, Route
from handoff.console.asking import case_id_of, found_case, make_move, number_of, see, who
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs
from handoff.console.render import issues, outcomes, page, words
from handoff.desk import Case, last_event
from handoff.domain import Message, State
from handoff.errors import Stale
from handoff.hours import SUBDIVISIONS
from handoff.queue import Queue

GIVEN_BACK: Final = "given_back"
NOT_KNOWN: Final = "not_known"
"""Chosen for who asks when nobody could tell: an answer too, kept as nothing."""
_ALSO, _SIGNPOST = "also.", "signpost."


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it was sent, or as it is suggested: codes as they came, checked by `wrong`."""

    issue: str = ""
    outcome: str = ""
    route: str = ""
    role: str = ""
    setting: str = ""
    nation: str = ""
    platform: str = ""
    also: frozenset[str] = frozenset()
    escalation: str = ""
    knew_tools: str = ""
    scope: str = ""
    urls: str = ""
    signposts: frozenset[str] = frozenset()
    follow_up: bool = False
    feedback: bool = False
    weight: str = ""
    wants_talk: bool = False

    @property
    def gives_back(self) -> bool:
        return self.outcome == GIVEN_BACK


async def wrap_up_page(request: web.Request) -> web.Response:
    found = found_case(request)
    if not is_theirs(session_of(request).adviser, found.row):
        return see(request, "case", case=found.row.id)
    return show_wrap_up(request, found, suggested(request, found.row))


async def wrap_up(request: web.Request) -> web.Response:
    if found_case(request).row.state is not State.WRAP_UP:
        await make_move(request, Queue.wrap_up)
    return see(request, "wrap_up", case=case_id_of(request))


async def close(request: web.Request) -> web.Response:
    """Closes with all the form says; the outcome `given_back` hands the conversation back to the bot."""
    form = await form_of(request)
    seen, found = number_of(form, "seen_seq"), found_case(request)
    filled = read(form, found.row)
    missing = wrong(request, filled, found.row)
    if missing:
        return show_wrap_up(request, found, filled, 422, missing=missing)
    parts, case_id, me, now = who(request)

    def work(conn: Connection) -> None:
        if found.row.state is not State.WRAP_UP:
            parts.queue.wrap_up(conn, case_id, me, now)
        closing.record(conn, case_id, me, _closing(filled), now)
        weight = int(filled.weight) if filled.weight and not found.row.practice else None
        care.note(conn, me, now, case_id, weight, filled.wants_talk)
        if filled.gives_back:
            parts.queue.give_back(conn, case_id, me, filled.issue, now, seen)
        else:
            parts.queue.close(conn, case_id, me, filled.issue, filled.outcome, now, seen)

    try:
        await parts.ledger.write(work)
    except Stale:
        return show_wrap_up(request, found_case(request), filled, 409, unread_after=seen)
    if found.row.practice:
        return see(request, "practice_end", case=case_id)
    notice = "given_back" if filled.gives_back else "closed"
    return see(request, "board", notice=notice, ref=found.row.reference)


def suggested(request: web.Request, row: Row) -> Filled:
    """What the bot heard, for the adviser to confirm; a concern that was retired, as what took its place."""
    heard = taxonomy.as_of_now(parts_of(request).ledger.reader(), row.concern) if row.concern else None
    return Filled(
        issue=heard or "",
        outcome=GIVEN_BACK if "give" in request.query else "",
        role=row.role or "",
        nation=row.nation or "",
        platform=row.platform or "",
    )


def read(form: Mapping[str, str], row: Row) -> Filled:
    """The form's fields; what it left out of what the bot heard stays as heard."""
    return Filled(
        issue=form.get("issue", ""),
        outcome=form.get("outcome", ""),
        route=form.get("route", ""),
        role=form.get("role", row.role or ""),
        setting=form.get("setting", ""),
        nation=form.get("nation", row.nation or ""),
        platform=form.get("platform", row.platform or ""),
        also=_ticked(form, _ALSO) - {form.get("issue", "")},
        escalation=form.get("escalation", ""),
        knew_tools=form.get("knew_tools", ""),
        scope=form.get("scope", ""),
        urls=form.get("urls", "").strip(),
        signposts=_ticked(form, _SIGNPOST),
        follow_up="follow_up" in form,
        feedback="feedback" in form,
        weight=form.get("weight", ""),
        wants_talk="wants_talk" in form,
    )


def wrong(request: web.Request, filled: Filled, row: Row) -> tuple[str, ...]:
    """The fields to look at again, in the order of the form. A case that is given back needs only what it is about."""
    known, may_skip = issues(request), filled.gives_back
    checks = (
        ("issue", filled.issue in known),
        ("also", filled.also <= set(known)),
        ("role", _is_one_of(filled.role, words("roles"), row.role, may_skip=may_skip)),
        ("setting", _is_one_of(filled.setting, words("settings"), None, may_skip=may_skip)),
        ("nation", _is_one_of(filled.nation, SUBDIVISIONS, row.nation, may_skip=may_skip)),
        ("platform", _is_one_of(filled.platform, words("platforms"), row.platform, may_skip=True)),
        ("outcome", filled.outcome in outcomes()),
        ("route", filled.route in words("routes") or (may_skip and not filled.route)),
        ("escalation", filled.escalation in {"", *Escalation}),
        ("knew_tools", filled.knew_tools in {"", "yes", "no"}),
        ("scope", filled.scope in {"", *Scope}),
        ("urls", not filled.urls or _is_small_number(filled.urls)),
        ("signposts", filled.signposts <= set(words("signposts"))),
        ("weight", not filled.weight or filled.weight in map(str, care.WEIGHTS)),
    )
    return tuple(name for name, is_right in checks if not is_right)


def show_wrap_up(
    request: web.Request,
    found: Case,
    filled: Filled,
    status: int = 200,
    *,
    missing: Sequence[str] = (),
    unread_after: int | None = None,
) -> web.Response:
    """`unread_after`: the last line that was seen before others stopped the closing."""
    parts, row = parts_of(request), found.row
    reader = parts.ledger.reader()
    seq = last_event(reader)
    lines = parts.desk.thread(reader, row.id)
    return page(
        request,
        "wrap_up.html",
        status,
        seq=seq,
        case=found,
        row=row,
        news=_unread(request, lines, unread_after),
        seen=lines[-1].seq if lines else 0,
        issues=issues(request),
        filled=filled,
        is_as_heard=filled.issue != "" and filled == suggested(request, row),
        missing=missing,
        stale=unread_after is not None,
        not_known=NOT_KNOWN,
        max_urls=MAX_URLS,
    )


def _closing(filled: Filled) -> Closing:
    return Closing(
        issue=filled.issue,
        also=filled.also,
        role=_known(filled.role),
        setting=_known(filled.setting),
        nation=_known(filled.nation),
        platform=_known(filled.platform),
        route=filled.route or None,
        escalation=Escalation(filled.escalation) if filled.escalation else None,
        knew_tools=filled.knew_tools == "yes" if filled.knew_tools else None,
        scope=Scope(filled.scope) if filled.scope else None,
        urls=int(filled.urls) if filled.urls else None,
        signposts=filled.signposts,
        follow_up=filled.follow_up,
        feedback=filled.feedback,
    )


def _known(choice: str) -> str | None:
    return None if choice in {"", NOT_KNOWN} else choice


def _ticked(form: Mapping[str, str], prefix: str) -> frozenset[str]:
    return frozenset(name.removeprefix(prefix) for name in form if name.startswith(prefix))


def _is_one_of(choice: str, known: Mapping[str, str], heard: str | None, *, may_skip: bool) -> bool:
    """What the bot heard is always right; else a known code, or "not known"; nothing only where it may be skipped."""
    return choice in known or choice == NOT_KNOWN or (choice != "" and choice == heard) or (may_skip and choice == "")


def _is_small_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(MAX_URLS)) and int(text) <= MAX_URLS


def _unread(request: web.Request, lines: Sequence[Message], after: int | None) -> tuple[Message, ...]:
    me = session_of(request).adviser
    return tuple(line for line in lines if after is not None and line.seq > after and line.adviser_id != me.id)


AREA = Area(
    routes=(
        Route("GET", f"{CASE}/wrap-up", "wrap_up", wrap_up_page, HOLDERS),
        Route("POST", f"{CASE}/wrap-up", "wrap_up", wrap_up, HOLDERS),
        Route("POST", f"{CASE}/close", "close", close, HOLDERS),
    ),
)
