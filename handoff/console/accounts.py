"""People and roles: what a lead does to the accounts of others."""

from collections.abc import Callable, Mapping
from functools import partial
from sqlite3 import Connection

from aiohttp import web
from aiohttp.typedefs import Handler

from handoff import accounts
from handoff.accounts import LastLead
from handoff.advisers import (
    DEFAULT_CAPACITY,
    EmailTaken,
    NoSuchAdviser,
    find,
    hash_password,
    set_capacity,
)
from handoff.console.area import Route
from handoff.console.asking import number_of
from handoff.console.auth import form_of, slowly
from handoff.console.parts import parts_of, session_of
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import AdviserId, CaseId, Role
from handoff.errors import HandoffError, Refused

LEADS = frozenset({Role.LEAD})
PERSON = r"/people/{adviser:[0-9]{1,9}}"
SAID = frozenset(
    {"role", "capacity", "disabled", "enabled", "sessions", "given_back", "last_lead", "password", "ended", "not_given"}
)
"""What a page may be asked to say at its top after a redirect; the words are the template's."""
Work = Callable[[Connection, AdviserId, AdviserId], object]


# --- the lead's pages ------------------------------------------------------------------------------------------------


async def people(request: web.Request) -> web.Response:
    return _show_people(request)


async def add(request: web.Request) -> web.Response:
    """The password is shown on this answer and nowhere else: it is not kept."""
    form = await form_of(request)
    typed = {name: form.get(name, "").strip() for name in ("name", "email", "role", "capacity")}
    wrong = _wrong_with(typed)
    if wrong:
        return _show_people(request, 422, typed, wrong)
    password = accounts.one_time_password()
    hashed = await slowly(partial(hash_password, password))
    lead, now = session_of(request).adviser.id, parts_of(request).now()

    def work(conn: Connection) -> AdviserId:
        capacity = int(typed["capacity"])
        return accounts.add(conn, lead, typed["name"], typed["email"], hashed, Role(typed["role"]), capacity, now)

    try:
        added = await parts_of(request).ledger.write(work)
    except EmailTaken:
        return _show_people(request, 422, typed, {"email": "taken"})
    return _show_person(request, added, password=password, is_new=True)


async def person(request: web.Request) -> web.Response:
    return _show_person(request, _who(request))


async def reset(request: web.Request) -> web.Response:
    """A new one-time password, shown once; whoever is logged in as them is logged out."""
    password = accounts.one_time_password()
    hashed = await slowly(partial(hash_password, password))
    parts, lead, whose, now = parts_of(request), session_of(request).adviser.id, _who(request), parts_of(request).now()
    if whose == lead:
        return _go(request, "password")
    await parts.ledger.write(lambda conn: accounts.reset_password(conn, lead, whose, hashed, now))
    return _show_person(request, whose, password=password)


async def give_back(request: web.Request) -> web.Response:
    case_id = CaseId(number_of(await form_of(request), "case"))
    parts, lead, whose, now = parts_of(request), session_of(request).adviser.id, _who(request), parts_of(request).now()
    try:
        await parts.ledger.write(lambda conn: accounts.give_back(conn, lead, whose, case_id, now))
    except (Refused, HandoffError):
        return _show_person(request, whose, 409, said="not_given")
    return _go(request, "person", "given_back", adviser=whose)


async def end_theirs(request: web.Request) -> web.Response:
    """Every session of somebody's; of one's own, all but this one."""
    parts, session, whose, now = parts_of(request), session_of(request), _who(request), parts_of(request).now()

    def work(conn: Connection) -> None:
        if whose == session.adviser.id:
            accounts.end_own_sessions(conn, whose, session.token_hash, now)
        else:
            accounts.change(conn, session.adviser.id, whose, lambda db, who: accounts.end_sessions(db, who, now), now)

    await parts.ledger.write(work)
    return _go(request, "person", "sessions", adviser=whose)


def changing(said: str, work_of: Callable[[Mapping[str, str]], Callable[..., object]]) -> Handler:
    """A post that changes one account and goes back to it. `work_of` reads the form."""

    async def post(request: web.Request) -> web.Response:
        parts, lead, whose = parts_of(request), session_of(request).adviser.id, _who(request)
        change, now = work_of(await form_of(request)), parts.now()

        def work(conn: Connection) -> None:
            accounts.change(conn, lead, whose, lambda db, adviser: change(db, adviser, now=now), now)

        try:
            await parts.ledger.write(work)
        except LastLead:
            return _show_person(request, whose, 409, said="last_lead")
        return _go(request, "person" if _still_leads(request) else "account", said, adviser=whose)

    return post


def _still_leads(request: web.Request) -> bool:
    """False once a lead has given up their own role or account."""
    me = find(parts_of(request).ledger.reader(), session_of(request).adviser.id)
    return me.role is Role.LEAD and not me.disabled


def _role(form: Mapping[str, str]) -> Callable[..., object]:
    if form.get("role") not in set(Role):
        raise web.HTTPBadRequest
    return partial(accounts.set_role, role=Role(form["role"]))


def _capacity(form: Mapping[str, str]) -> Callable[..., object]:
    capacity = number_of(form, "capacity")
    if capacity > accounts.MAX_CAPACITY:
        raise web.HTTPBadRequest
    return partial(set_capacity, capacity=capacity)


def _show_people(
    request: web.Request,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
) -> web.Response:
    parts = parts_of(request)
    reader = parts.ledger.reader()
    return page(
        request,
        "people.html",
        status,
        seq=last_event(reader),
        accounts=accounts.accounts(reader, parts.now()),
        typed=typed or {"name": "", "email": "", "role": Role.ADVISER, "capacity": str(DEFAULT_CAPACITY)},
        wrong=wrong or {},
        roles=tuple(Role),
        most=accounts.MAX_CAPACITY,
    )


def _show_person(
    request: web.Request,
    whose: AdviserId,
    status: int = 200,
    password: str = "",
    is_new: bool = False,
    said: str = "",
) -> web.Response:
    parts = parts_of(request)
    reader = parts.ledger.reader()
    try:
        account = accounts.account(reader, whose, parts.now())
    except NoSuchAdviser:
        raise web.HTTPNotFound from None
    return page(
        request,
        "person.html",
        status,
        seq=last_event(reader),
        account=account,
        person=account.adviser,
        held=accounts.held_by(reader, whose),
        is_out=accounts.is_out(account.adviser),
        is_me=whose == session_of(request).adviser.id,
        password=password,
        is_new=is_new,
        said=said or said_of(request),
        roles=tuple(Role),
        most=accounts.MAX_CAPACITY,
        days=accounts.ONE_TIME_FOR.days,
    )


def _wrong_with(typed: Mapping[str, str]) -> dict[str, str]:
    """What must be mended in the form for a new account: the field, and a code for what is wrong."""
    wrong = {}
    if not 1 <= len(typed["name"]) <= accounts.MAX_NAME_CHARACTERS or not typed["name"].isprintable():
        wrong["name"] = "name"
    if not accounts.is_email(typed["email"]):
        wrong["email"] = "email"
    if typed["role"] not in set(Role):
        wrong["role"] = "role"
    capacity = typed["capacity"]
    if not (
        capacity.isascii() and capacity.isdigit() and len(capacity) <= 2 and int(capacity) <= accounts.MAX_CAPACITY
    ):
        wrong["capacity"] = "capacity"
    return wrong


def said_of(request: web.Request) -> str:
    said = request.query.get("said", "")
    return said if said in SAID else ""


# --- within ----------------------------------------------------------------------------------------------------------


def _who(request: web.Request) -> AdviserId:
    """Raises: HTTPNotFound when there is no such account."""
    try:
        return find(parts_of(request).ledger.reader(), AdviserId(int(request.match_info["adviser"]))).id
    except NoSuchAdviser:
        raise web.HTTPNotFound from None


def _go(request: web.Request, name: str, said: str = "", **path: int) -> web.Response:
    filled = {key: str(value) for key, value in path.items() if name == "person"}
    place = request.app.router[name].url_for(**filled).with_query({"said": said} if said else None)
    return web.Response(status=303, headers={"Location": str(place)})


ROUTES = (
    Route("GET", "/people", "people", people, LEADS),
    Route("POST", "/people", "add_person", add, LEADS),
    Route("GET", PERSON, "person", person, LEADS),
    Route("POST", f"{PERSON}/role", "person_role", changing("role", _role), LEADS),
    Route("POST", f"{PERSON}/capacity", "person_capacity", changing("capacity", _capacity), LEADS),
    Route("POST", f"{PERSON}/disable", "person_disable", changing("disabled", lambda _: accounts.disable), LEADS),
    Route("POST", f"{PERSON}/enable", "person_enable", changing("enabled", lambda _: accounts.enable), LEADS),
    Route("POST", f"{PERSON}/sessions", "person_sessions", end_theirs, LEADS),
    Route("POST", f"{PERSON}/password", "person_password", reset, LEADS),
    Route("POST", f"{PERSON}/give-back", "person_give_back", give_back, LEADS),
)
