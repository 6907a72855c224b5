"""The threshold clarifier: one question a page, a route with its rule, a rationale for good, and a second reader."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aiohttp import web

from handoff import decisions
from handoff.console.area import CASE, HOLDERS, Area, Group, Panel, Place, Route, Tab
from handoff.console.asking import client_id_of, denied, found_case, is_seen, see, who, words_of
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs, names
from handoff.console.render import error_page, page
from handoff.decisions import Decision, Made
from handoff.desk import Case, last_event
from handoff.domain import MAY_HOLD, MAY_TAKE_OVER, Adviser
from handoff.errors import NoSuchCase, Refused
from handoff.hours import SUBDIVISIONS
from handoff.thresholds import Answer, Threshold, counts_as_yes, next_rule, verdict

MAX_RATIONALE_CHARACTERS = 2_000
MAX_REASON_CHARACTERS = 500
PAGE = r"{page:[a-z0-9_-]{1,80}}"
READING = r"/second-readings/{decision:[0-9]{1,12}}"
BOT_PAGE = "threshold-"
"""How the ids of pages begin that a flow decides by."""
_ANSWERS = re.compile("[ynd]{0,60}")


@dataclass(frozen=True, slots=True)
class Way:
    """Where in the clarifier one is: all of it stands in the page's address, so that nothing is lost."""

    threshold: Threshold
    nation: str | None
    answers: tuple[Answer, ...]

    @property
    def so_far(self) -> str:
        return "".join(self.answers)


async def choose(request: web.Request) -> web.StreamResponse:
    """Which page to decide by, and where: suggested from what the case is about."""
    found = _held(request)
    if found is None:
        return see(request, "case", fragment="panel-threshold", case=request.match_info["case"])
    thresholds, query = parts_of(request).doors.thresholds, request.query
    nation = query.get("nation", found.row.nation or "")
    chosen = query.get("page", "")
    problems: tuple[str, ...] = ()
    if thresholds is not None and "go" in query:
        known = nation in SUBDIVISIONS or nation == "unknown"
        threshold = thresholds.one(chosen, _nation(nation)) if known and chosen else None
        if threshold is not None:
            return _to(request, found, Way(threshold, _nation(nation), ()))
        problems = tuple(name for name, good in (("page", chosen), ("nation", known)) if not good) or ("page",)
    listed = () if thresholds is None else thresholds.all(_nation(nation))
    fits = tuple(each for each in listed if found.row.concern in each.concerns)
    return page(
        request,
        "threshold_choose.html",
        422 if problems else 200,
        seq=last_event(parts_of(request).ledger.reader()),
        row=found.row,
        is_open=thresholds is not None,
        fits=fits,
        others=tuple(each for each in listed if each not in fits),
        chosen=chosen or (fits[0].id if fits else ""),
        nation=nation,
        problems=problems,
        changed="changed" in query,
    )


async def ask(request: web.Request) -> web.StreamResponse:
    """The next question, or what was decided and the box for why."""
    found = _held(request)
    if found is None:
        return see(request, "case", fragment="panel-threshold", case=request.match_info["case"])
    way = _way(request, request.query)
    if way is None:
        return see(request, "threshold", case=found.row.id, changed=1)
    if next_rule(way.threshold, way.answers) is None:
        return _show_decided(request, found, way)
    given = request.query.get("answer", "")
    if given in set(Answer):
        return _to(request, found, Way(way.threshold, way.nation, (*way.answers, Answer(given))))
    return _show_question(request, found, way, problem="go" in request.query)


async def decide(request: web.Request) -> web.StreamResponse:
    """Keeps the decision and why. Nothing of it can be changed afterwards."""
    form = await form_of(request)
    rationale, kinds = parts_of(request).mask(words_of(form, "rationale").strip())
    client_id = client_id_of(form, "client_id")
    if not is_seen(request):
        return error_page(request, 404, draft=rationale)
    found, way = found_case(request), _way(request, form)
    if way is None:
        return error_page(request, 409, draft=rationale)
    if next_rule(way.threshold, way.answers) is not None:
        return _to(request, found, way)
    problem = _problem(rationale, MAX_RATIONALE_CHARACTERS, kinds)
    if problem:
        return _show_decided(request, found, way, 422, client_id, rationale or words_of(form, "rationale"), problem)
    parts, case_id, me, now = who(request)
    made = Made(way.threshold, way.nation, way.answers, verdict(way.threshold, way.answers), rationale, client_id)
    seal = parts.ledger.seal
    try:
        await parts.ledger.write(lambda conn: decisions.decide(conn, seal, case_id, me, made, now))
    except Refused:
        return _show_decided(request, found, way, 409, client_id, rationale, "not_yours")
    return see(request, "case", fragment="panel-threshold", case=case_id, masked=",".join(kinds))


def panel(request: web.Request, found: Case) -> Mapping[str, object]:
    """What the bot and advisers have decided in a case."""
    parts, me = parts_of(request), session_of(request).adviser
    reader = parts.ledger.reader()
    advice = found.pack.advice if found.pack else ()
    return {
        "bot": tuple(each for each in advice if each.page.startswith(BOT_PAGE)),
        "made": decisions.of_case(reader, parts.ledger.seal, found.row.id),
        "names": names(reader),
        "may_decide": is_theirs(me, found.row),
        "is_open": parts.doors.thresholds is not None,
    }


# --- the second reader -----------------------------------------------------------------------------------------------


async def readings(request: web.Request) -> web.StreamResponse:
    """What waits for somebody else to read it."""
    parts, me = parts_of(request), session_of(request).adviser
    reader, now = parts.ledger.reader(), parts.now()
    waiting = decisions.waiting(reader, parts.ledger.seal)
    return page(
        request,
        "second_readings.html",
        seq=last_event(reader),
        yours=tuple(each for each in waiting if decisions.waits_for(reader, each, me.id, now)),
        later=tuple(each for each in waiting if not decisions.waits_for(reader, each, me.id, now)),
        senior_first=decisions.SENIOR_FIRST,
        names=names(reader),
        read="read" in request.query,
    )


async def reading(request: web.Request) -> web.StreamResponse:
    return _show_reading(request, _decision(request))


async def read(request: web.Request) -> web.StreamResponse:
    """Agrees or disagrees, with a line of reason; once."""
    form = await form_of(request)
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    decision = _decision(request)
    reason, kinds = parts.mask(words_of(form, "reason").strip())
    agrees, problem = form.get("agrees", ""), _problem(reason, MAX_REASON_CHARACTERS, kinds)
    draft = _Reading(reason or words_of(form, "reason"), agrees)
    if not decisions.waits_for(parts.ledger.reader(), decision, me.id, now):
        return _show_reading(request, decision, 409, replace(draft, refused=True))
    if problem or agrees not in {"yes", "no"}:
        wrong = replace(draft, problem=problem, unchosen=agrees not in {"yes", "no"})
        return _show_reading(request, decision, 422, wrong)
    seal = parts.ledger.seal
    try:
        await parts.ledger.write(
            lambda conn: decisions.read_again(conn, seal, decision.id, me.id, agrees == "yes", reason, now)
        )
    except Refused:  # somebody was faster
        return _show_reading(request, _decision(request), 409, replace(draft, refused=True))
    return see(request, "second_readings", read=1)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was filled in, and what is wrong with it: a code of `problems`, nothing chosen, or not theirs to give."""

    reason: str = ""
    agrees: str = ""
    problem: str = ""
    unchosen: bool = False
    refused: bool = False


def _show_reading(
    request: web.Request, decision: Decision, status: int = 200, draft: _Reading = _Reading()
) -> web.Response:
    parts, me = parts_of(request), session_of(request).adviser
    reader = parts.ledger.reader()
    return page(
        request,
        "second_reading.html",
        status,
        seq=last_event(reader),
        decision=decision,
        names=names(reader),
        may_read=decisions.waits_for(reader, decision, me.id, parts.now()),
        draft=draft,
        most=MAX_REASON_CHARACTERS,
    )


def _decision(request: web.Request) -> Decision:
    """Raises: NoSuchCase where there is none, or it is nobody's business to see it."""
    parts, me = parts_of(request), session_of(request).adviser
    reader = parts.ledger.reader()
    try:
        decision = decisions.one(reader, parts.ledger.seal, int(request.match_info["decision"]))
    except decisions.NoSuchDecision as error:
        raise NoSuchCase from error
    is_shown = _took_part(me, decision) or decisions.waits_for(reader, decision, me.id, parts.now())
    if not (decision.second_wanted and is_shown):
        raise denied(request, decision.case_id)
    return decision


def _took_part(me: Adviser, decision: Decision) -> bool:
    second = decision.second.adviser if decision.second else None
    return me.role in MAY_TAKE_OVER or me.id in {decision.adviser, second}


# --- within ----------------------------------------------------------------------------------------------------------


def _held(request: web.Request) -> Case | None:
    """The case, when it is this adviser's to decide; None when they may only look. Raises: NoSuchCase."""
    found = found_case(request)
    return found if is_theirs(session_of(request).adviser, found.row) else None


def _way(request: web.Request, said: Mapping[str, str]) -> Way | None:
    """How far one is, from the address or the form. The version it was begun with is kept to the end; None when the
    page is in none that can be found."""
    thresholds = parts_of(request).doors.thresholds
    nation, text = _nation(said.get("nation", "")), said.get("so_far", "")
    if thresholds is None or not _ANSWERS.fullmatch(text):
        return None
    threshold = thresholds.one(request.match_info["page"], nation, said.get("library") or None)
    if threshold is None:
        return None
    answers: tuple[Answer, ...] = ()
    for letter in text:
        if next_rule(threshold, answers) is None:
            break
        answers = (*answers, Answer(letter))
    return Way(threshold, nation, answers)


def _nation(text: str) -> str | None:
    return text if text in SUBDIVISIONS else None


def _to(request: web.Request, found: Case, way: Way) -> web.Response:
    return web.Response(status=303, headers={"Location": _place(request, found, way)})


def _place(request: web.Request, found: Case, way: Way, **more: str) -> str:
    """`more` must be short codes."""
    route = request.app.router["threshold_ask"]
    query = {"nation": way.nation or "unknown", "library": way.threshold.library, "so_far": way.so_far, **more}
    return str(route.url_for(case=str(found.row.id), page=way.threshold.id).with_query(query))


def _back(request: web.Request, found: Case, way: Way) -> str:
    """The question before this one, with its answer as it was; before the first, the choice of the page."""
    if way.answers:
        earlier = Way(way.threshold, way.nation, way.answers[:-1])
        return _place(request, found, earlier, was=way.answers[-1])
    choice = request.app.router["threshold"].url_for(case=str(found.row.id))
    return str(choice.with_query({"page": way.threshold.id, "nation": way.nation or "unknown"}))


def _show_question(request: web.Request, found: Case, way: Way, *, problem: bool) -> web.Response:
    rule = next_rule(way.threshold, way.answers)
    assert rule is not None
    return page(
        request,
        "threshold_ask.html",
        422 if problem else 200,
        seq=last_event(parts_of(request).ledger.reader()),
        row=found.row,
        way=way,
        rule=rule,
        counts=counts_as_yes(way.threshold, rule),
        number=len(way.answers) + 1,
        most=len(way.threshold.asked),
        was=request.query.get("was", ""),
        back=_back(request, found, way),
        problem=problem,
    )


def _show_decided(
    request: web.Request,
    found: Case,
    way: Way,
    status: int = 200,
    client_id: str = "",
    rationale: str = "",
    problem: str = "",
) -> web.Response:
    decided = verdict(way.threshold, way.answers)
    rules = {rule.name: rule for rule in way.threshold.rules}
    return page(
        request,
        "threshold_decided.html",
        status,
        seq=last_event(parts_of(request).ledger.reader()),
        row=found.row,
        way=way,
        decided=decided,
        rule_words=rules[decided.rule].words if decided.rule else "",
        asked=tuple(zip(way.threshold.asked, way.answers, strict=False)),
        second=found.row.tier in decisions.SECOND_FOR and not found.row.practice,
        back=_back(request, found, way),
        client_id=client_id or secrets.token_urlsafe(12),
        rationale=rationale,
        problem=problem,
        most=MAX_RATIONALE_CHARACTERS,
    )


def _problem(text: str, most: int, kinds: tuple[str, ...]) -> str:
    if not text:
        return "media" if "media" in kinds else "empty"
    return "long" if len(text) > most else ""


AREA = Area(
    routes=(
        Route("GET", f"{CASE}/threshold", "threshold", choose, HOLDERS),
        Route("GET", f"{CASE}/threshold/{PAGE}", "threshold_ask", ask, HOLDERS),
        Route("POST", f"{CASE}/threshold/{PAGE}", "decide", decide, HOLDERS),
        Route("GET", "/second-readings", "second_readings", readings, HOLDERS),
        Route("GET", READING, "second_reading", reading, HOLDERS),
        Route("POST", READING, "read_again", read, HOLDERS),
    ),
    places=(Place("second_readings", "Second readings", MAY_HOLD, Group.WORK),),
    panels=(Panel("threshold", "Who must be told", panel, Tab.DECIDING),),
    tells=("decision",),
)
