"""The advisers' web: who may use what, forged posts, log-in, claiming, answering, closing, the live feed."""

import asyncio
import io
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientResponse, CookieJar, FormData, web
from aiohttp.test_utils import TestClient, TestServer

from bot.channels.whatsapp.sending import POLICIES
from handoff.console import feed
from handoff.console.app import console
from handoff.console.area import LOGGED_IN, NOBODY
from handoff.console.auth import RULES
from handoff.console.render import _words, plain, words
from handoff.desk import Desk, events_after
from handoff.domain import AdviserId, CaseId, DeliveryState, Role, State, code
from handoff.reach import note_window
from tests.areas import gathered_who_may
from tests.demo_desk import OPEN, PACK, PASSWORD, Clock, DemoDesk, desk_in
from tools.vendor import LIST, differences

WHO_MAY = gathered_who_may()

Browser = TestClient[web.Request, web.Application]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


@pytest.fixture
async def server(desk: DemoDesk) -> AsyncIterator[TestServer]:
    running = TestServer(desk.app(mask=_mask))
    await running.start_server()
    yield running
    await running.close()


def _mask(text: str) -> tuple[str, tuple[str, ...]]:
    masked = text.replace("Jane", "[name]")
    return masked, ("name",) if masked != text else ()


class Visitor:
    """One browser: keeps its cookies, finds the token that its forms carry, follows nothing by itself."""

    def __init__(self, client: Browser) -> None:
        self.client = client

    async def get(self, path: str, **more: object) -> ClientResponse:
        return await self.client.get(f"/desk{path}", allow_redirects=False, **more)  # type: ignore[arg-type]

    async def page(self, path: str) -> str:
        answer = await self.get(path)
        assert answer.status == 200, (path, answer.status)
        return await answer.text()

    async def post(self, path: str, csrf: str | None = None, **fields: object) -> ClientResponse:
        form = {"csrf": await self.csrf() if csrf is None else csrf, **{key: str(each) for key, each in fields.items()}}
        return await self.client.post(f"/desk{path}", data=form, allow_redirects=False)

    async def csrf(self) -> str:
        answer = await self.get("/account")
        if answer.status != 200:
            answer = await self.get("/log-in")
        return found('name="csrf" value="([^"]+)"', await answer.text())

    async def log_in(self, email: str, password: str = PASSWORD, **fields: str) -> ClientResponse:
        return await self.post("/log-in", email=email, password=password, **fields)

    async def say(self, case_id: CaseId, text: str, seen: int = 0, mark: str = "mark-1") -> ClientResponse:
        return await self.post(f"/cases/{case_id}/say", text=text, seen_seq=seen, client_id=mark)


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, f"{pattern} is nowhere in the page"
    return match.group(1)


@asynccontextmanager
async def visiting(server: TestServer, desk: DemoDesk, adviser: AdviserId | None = None) -> AsyncIterator[Visitor]:
    """A visitor of the desk, logged in as `adviser`."""
    client: Browser = TestClient(server, cookie_jar=CookieJar(unsafe=True))
    await client.start_server()
    if adviser is not None:
        client.session.cookie_jar.update_cookies({"desk": desk.token(adviser)}, server.make_url("/"))
    try:
        yield Visitor(client)
    finally:
        await client.session.close()


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


@pytest.fixture
async def visitor(server: TestServer, desk: DemoDesk, amira: AdviserId) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, amira) as visiting_desk:
        yield visiting_desk


def row_of(desk: DemoDesk, case_id: CaseId) -> tuple[State, int | None]:
    row = desk.ledger.reader().execute('SELECT state, holder FROM queue_item WHERE "case" = ?', [case_id]).fetchone()
    return State(row[0]), row[1]


def thread_of(desk: DemoDesk, case_id: CaseId) -> list[str]:
    return [line.text for line in Desk(desk.ledger.seal).thread(desk.ledger.reader(), case_id)]


# --- who may ---------------------------------------------------------------------------------------------------------


def routes_of(app: web.Application) -> list[tuple[str, str, str]]:
    """Method, name and path of everything that can be asked for."""
    return [
        (route.method, route.resource.name or "", route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None
    ]


def path_of(canonical: str, case_id: CaseId) -> str:
    path = canonical.removeprefix("/desk").replace("{case}", str(case_id)).replace("{name}", "desk.css")
    return re.sub(r"{\w+}", "1", path)


async def mismatches(server: TestServer, desk: DemoDesk, role: Role | None) -> list[tuple[str, str]]:
    """The routes that let this role in against the list, or keep it out against it."""
    case_id = desk.case()
    somebody = None if role is None else desk.adviser("Somebody", role)
    routes = sorted(routes_of(server.app), key=lambda route: route[1] == "log_out")
    wrong = []
    async with visiting(server, desk, somebody) as visitor:
        csrf = await visitor.csrf()
        for method, name, canonical in routes:
            path = path_of(canonical, case_id)
            answer = await (visitor.get(path) if method == "GET" else visitor.post(path, csrf, email="", password=""))
            assert answer.status < 500, path
            was_let_in = answer.status not in {401, 403} and "log-in?next" not in answer.headers.get("Location", "")
            wrong += [(method, name)] * (was_let_in != (role in WHO_MAY[method, name]))
            answer.close()
    return wrong


@pytest.mark.parametrize("role", [*Role, None])
async def test_every_route_lets_in_those_it_names_and_nobody_else(
    server: TestServer, desk: DemoDesk, role: Role | None
) -> None:
    assert {(method, name) for method, name, _ in routes_of(server.app)} == set(WHO_MAY)
    assert await mismatches(server, desk, role) == []


async def test_a_rule_that_is_too_wide_or_too_narrow_is_noticed(desk: DemoDesk) -> None:
    """The control of the test above."""
    app = console(desk.ledger, desk.queue, OPEN, desk.now, secure_cookies=False)
    for route in app[RULES]:
        name = (route.method, route.resource.name if route.resource else None)
        if name == ("GET", "pulse"):
            app[RULES][route] = LOGGED_IN
        if name == ("GET", "static"):
            app[RULES][route] = NOBODY
    root = web.Application()
    root.add_subapp("/desk", app)
    async with TestServer(root) as server:
        assert set(await mismatches(server, desk, Role.EDITOR)) == {("GET", "pulse"), ("GET", "static")}


async def test_a_route_without_a_rule_is_for_nobody(desk: DemoDesk) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text="secret")

    app = console(desk.ledger, desk.queue, OPEN, desk.now, secure_cookies=False)
    app.router.add_get("/forgotten", handler)
    root = web.Application()
    root.add_subapp("/desk", app)
    async with TestServer(root) as server:
        lead = desk.adviser("Carys Lewis", Role.LEAD)
        for somebody in (lead, None):
            async with visiting(server, desk, somebody) as visitor:
                answer = await visitor.get("/forgotten")
                assert answer.status in {303, 403}
                assert "secret" not in await answer.text()


async def test_an_unknown_address_is_a_plain_404_for_everybody(
    server: TestServer, desk: DemoDesk, visitor: Visitor
) -> None:
    async with visiting(server, desk) as stranger:
        for each in (stranger, visitor):
            for path in ("/nowhere", "/cases/abc", "/static/../app.py", "/static/app.py"):
                answer = await each.get(path)
                assert answer.status == 404
                assert "Not found" in await answer.text()


async def test_a_held_case_is_seen_by_its_holder_and_by_seniors_only(
    server: TestServer, desk: DemoDesk, visitor: Visitor
) -> None:
    case_id, ben, senior = desk.case(), desk.adviser("Ben Okafor"), desk.adviser("Sian Rees", Role.SENIOR)
    assert (await visitor.get(f"/cases/{case_id}")).status == 200  # it waits: everybody may look
    desk.claim(case_id, ben)
    for path in (f"/cases/{case_id}", f"/cases/{case_id}/wrap-up", "/cases/999999"):
        answer = await visitor.get(path)
        assert answer.status == 404, path
        assert "tiktok" not in await answer.text()
    for action in ("say", "note", "release", "wrap-up", "close", "pause", "again"):
        answer = await visitor.post(
            f"/cases/{case_id}/{action}",
            text="x",
            note="x",
            seen_seq=0,
            client_id="m",
            note_id="n",
            message=1,
            issue="x",
            outcome="x",
        )
        assert answer.status == 404, action
    assert row_of(desk, case_id) == (State.CLAIMED, ben)
    async with visiting(server, desk, senior) as looking:
        assert "Take over from" in await looking.page(f"/cases/{case_id}")
        told = {"reason": "Amira has gone home", "client_id": "t"}
        assert (await looking.post(f"/cases/{case_id}/take-over", **told)).status == 303
    assert row_of(desk, case_id) == (State.CLAIMED, senior)


# --- logging in, forged posts ----------------------------------------------------------------------------------------


async def test_one_logs_in_comes_where_one_wanted_and_logs_out(
    server: TestServer, desk: DemoDesk, amira: AdviserId
) -> None:
    case_id = desk.case()
    async with visiting(server, desk) as stranger:
        asked = await stranger.get(f"/cases/{case_id}")
        assert asked.headers["Location"] == f"/desk/log-in?next=/desk/cases/{case_id}"
        answer = await stranger.log_in("Amira@example.org", next=f"/desk/cases/{case_id}")
        assert (answer.status, answer.headers["Location"]) == (303, f"/desk/cases/{case_id}")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        token = answer.cookies["desk"].value
        assert "Amira Khan" in await stranger.page("/")
        assert (await stranger.post("/log-out")).status == 303
        assert (await stranger.get("/", headers={"Cookie": f"desk={token}"})).status == 303


@pytest.mark.parametrize(
    "place", ["https://evil.example/", "//evil.example", "/desk/../x", "/other", "/desk//evil.example"]
)
async def test_logging_in_never_leads_elsewhere(
    server: TestServer, desk: DemoDesk, amira: AdviserId, place: str
) -> None:
    async with visiting(server, desk) as stranger:
        assert (await stranger.log_in("amira@example.org", next=place)).headers["Location"] == "/desk/"


async def test_too_many_wrong_passwords_close_the_door_for_a_while(
    server: TestServer, desk: DemoDesk, clock: Clock, amira: AdviserId
) -> None:
    async with visiting(server, desk) as stranger:
        wrong = [await stranger.log_in("amira@example.org", "not this one, no") for _ in range(5)]
        assert [each.status for each in wrong] == [422] * 5
        assert "did not match" in await wrong[0].text()
        shut = await stranger.log_in("amira@example.org")
        assert shut.status == 429
        assert int(shut.headers["Retry-After"]) > 60
        clock.pass_(timedelta(minutes=16))
        assert (await stranger.log_in("amira@example.org")).status == 303


async def test_every_post_needs_the_token_of_its_own_session(
    server: TestServer, desk: DemoDesk, visitor: Visitor
) -> None:
    case_id, ben = desk.case(), desk.adviser("Ben Okafor")
    async with visiting(server, desk, ben) as other:
        foreign = await other.csrf()
    genuine = await visitor.csrf()
    for method, _, canonical in routes_of(server.app):
        if method != "POST":
            continue
        path = path_of(canonical, case_id)
        for forged in ("", "x", foreign):
            answer = await visitor.post(path, forged)
            assert answer.status == 403, (path, forged)
            assert "may not do that" in await answer.text()
        from_elsewhere = await visitor.client.post(
            f"/desk{path}", data={"csrf": genuine}, headers={"Sec-Fetch-Site": "cross-site"}, allow_redirects=False
        )
        assert from_elsewhere.status == 403, path
    assert row_of(desk, case_id) == (State.WAITING, None)
    assert (await visitor.post(f"/cases/{case_id}/claim", genuine)).status == 303  # the control: the real one works


async def test_a_session_ends_when_nobody_is_there_and_a_page_that_refreshes_itself_is_nobody(
    desk: DemoDesk, clock: Clock, visitor: Visitor
) -> None:
    by_itself = {"Sec-Fetch-Dest": "empty"}
    for _ in range(4):
        clock.pass_(timedelta(minutes=9))
        await visitor.get("/", headers=by_itself)
    answer = await visitor.get("/", headers=by_itself)
    assert answer.status == 401


async def test_a_session_lasts_while_the_adviser_is_active(clock: Clock, visitor: Visitor) -> None:
    csrf = await visitor.csrf()
    for _ in range(4):
        clock.pass_(timedelta(minutes=9))
        beat = await visitor.client.post(
            "/desk/heartbeat",
            headers={"X-CSRF": csrf, "X-Active": "1", "Content-Type": "application/x-www-form-urlencoded"},
        )
        assert beat.status == 204
    assert (await visitor.get("/")).status == 200


async def test_files_and_floods_are_refused_before_they_are_read(desk: DemoDesk, visitor: Visitor) -> None:
    case_id = desk.case()
    form = FormData()
    form.add_field("text", io.BytesIO(b"GIF89a"), filename="photo.gif")
    with_file = await visitor.client.post(f"/desk/cases/{case_id}/say", data=form)
    assert with_file.status == 415
    flood = await visitor.post(f"/cases/{case_id}/say", text="x" * 300_000, seen_seq=0, client_id="m")
    assert flood.status == 413


async def test_every_answer_carries_the_policy_and_pages_are_not_kept(
    server: TestServer, desk: DemoDesk, visitor: Visitor
) -> None:
    for path in ("/", "/nowhere", "/account"):
        answer = await visitor.get(path)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert answer.headers["Cache-Control"] == "no-store"
    page = await visitor.page("/")
    assert not re.search(r"<script>|<style|style=|onclick|javascript:", page)


async def test_the_desk_s_own_policy_holds_whatever_the_house_around_it_says(desk: DemoDesk) -> None:
    async def stricter(_: web.Request, response: web.StreamResponse) -> None:
        for name in ("Content-Security-Policy", "Cache-Control", "X-Frame-Options"):
            response.headers.setdefault(name, "of the house")

    root = desk.app()
    root.on_response_prepare.append(stricter)
    async with TestServer(root) as server, visiting(server, desk) as stranger:
        page, file = await stranger.get("/log-in"), await stranger.get("/static/desk.css")
        for answer in (page, file):
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert (page.headers["Cache-Control"], file.headers["Cache-Control"]) == ("no-store", "no-cache")


async def test_a_failure_shows_a_plain_page_and_logs_no_words(
    desk: DemoDesk, visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    case_id = desk.case()
    desk.ledger.write_now(lambda conn: conn.execute("ALTER TABLE note RENAME TO lost"))
    answer = await visitor.get(f"/cases/{case_id}")
    assert answer.status == 500
    text = await answer.text()
    assert "Something went wrong" in text
    assert "Traceback" not in text
    assert "no such table" not in text + caplog.text
    assert "OperationalError" in caplog.text


# --- the queue -------------------------------------------------------------------------------------------------------


async def test_the_queue_says_why_each_case_stands_where_it_stands(
    desk: DemoDesk, clock: Clock, visitor: Visitor
) -> None:
    desk.case(2, "reputation")
    clock.pass_(timedelta(minutes=5))
    desk.case(0, "immediate_danger", reason="danger")
    page = await visitor.page("/")
    assert page.index("Danger now") < page.index("Posts criticising our staff")
    assert "Why is this first?</span> Danger goes first, whenever it came." in page
    assert "The earliest deadline goes first: 25 min left." in page
    assert "Somebody in danger waits" in page


async def test_of_two_advisers_who_claim_at_once_one_has_it_and_the_other_reads_who(
    server: TestServer, desk: DemoDesk, amira: AdviserId
) -> None:
    names = {amira: "Amira Khan", desk.adviser("Ben Okafor"): "Ben Okafor"}
    for _ in range(3):
        case_id = desk.case()
        async with visiting(server, desk, amira) as one, visiting(server, desk, max(names)) as two:
            tokens = await asyncio.gather(one.csrf(), two.csrf())
            answers = await asyncio.gather(
                one.post(f"/cases/{case_id}/claim", tokens[0]), two.post(f"/cases/{case_id}/claim", tokens[1])
            )
            places = sorted(answer.headers["Location"] for answer in answers)
            assert places == [f"/desk/?lost={case_id}", f"/desk/cases/{case_id}"]
            state, holder = row_of(desk, case_id)
            assert (state, holder in names) == (State.CLAIMED, True)
            slower = two if holder == amira else one
            assert f"was taken by <strong><bdi>{names[AdviserId(holder or 0)]}</bdi>" in await slower.page(
                f"/?lost={case_id}"
            )
        desk.ledger.write_now(lambda conn, id_=case_id, by=holder: desk.queue.release(conn, id_, by, desk.now()))  # type: ignore[misc]
        desk.ledger.write_now(lambda conn, id_=case_id: desk.queue.abandon(conn, desk._conversation(id_), desk.now()))  # type: ignore[misc]


async def test_next_please_takes_the_first_and_capacity_is_said(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    later, first = desk.case(3), desk.case(1)
    for _ in range(2):
        desk.claim(desk.case(), amira)
    assert (await visitor.post("/next")).headers["Location"] == f"/desk/cases/{first}"
    assert (await visitor.post("/next")).headers["Location"] == "/desk/?notice=full"
    assert "as many conversations as you may" in await visitor.page("/?notice=full")
    assert (await visitor.post(f"/cases/{later}/claim")).headers["Location"] == "/desk/?notice=full"


async def test_away_is_said_and_can_be_changed(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    assert "Go away" in await visitor.page("/")
    await visitor.post("/presence", available="no")
    assert "Be available" in await visitor.page("/")
    assert desk.ledger.reader().execute("SELECT available FROM adviser").fetchone()[0] == 0


# --- a case ----------------------------------------------------------------------------------------------------------


async def test_the_hand_over_shows_answers_advice_with_version_and_own_words(desk: DemoDesk, visitor: Visitor) -> None:
    page = await visitor.page(f"/cases/{desk.case()}")
    for part in ("Does the account contact pupils?", "treat as yes", "after-48-hours", "2026-11-20.1", PACK.words[0]):
        assert part in page
    assert "Nobody has this case" in page
    assert 'id="composer"' not in page


NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)> \u202eevil"


async def test_what_people_typed_is_shown_as_text_whatever_it_looks_like(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    answers = (replace(PACK.answers[0], question=NASTY, answer=NASTY),)
    advice = (replace(PACK.advice[0], title=NASTY),)
    case_id = desk.case(pack=replace(PACK, words=(NASTY,), answers=answers, advice=advice))
    desk.claim(case_id, amira)
    desk.hear(case_id, NASTY)
    await visitor.say(case_id, NASTY, seen=1)
    await visitor.post(f"/cases/{case_id}/note", note=NASTY, note_id="n-1")
    page = await visitor.page(f"/cases/{case_id}")
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 7
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert page.count("‹U+202E›evil") == 7


def test_only_signs_that_turn_the_direction_are_replaced() -> None:
    assert plain("שלום\u200f \u202eabc\u2066") == "שלום\u200f ‹U+202E›abc‹U+2066›"


async def test_an_answer_goes_out_once_however_often_the_button_is_pressed(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    for _ in range(2):
        answer = await visitor.say(case_id, "Hello")
        assert answer.headers["Location"] == f"/desk/cases/{case_id}#talk"
    assert thread_of(desk, case_id) == ["Hello"]
    page = await visitor.page(f"/cases/{case_id}")
    assert "You are speaking.</strong> The bot is silent." in page
    assert "Waiting to be sent" in page


async def test_a_reply_to_an_old_page_is_stopped_shows_what_is_new_and_keeps_the_words(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    desk.hear(case_id, "wait, it was taken down")
    stopped = await visitor.say(case_id, "Report it again", seen=0, mark="mark-7")
    assert stopped.status == 409
    page = await stopped.text()
    assert "Not sent: something new was said" in page
    assert re.search(r'id="line-1" class="line by-enquirer is-news"', page)
    assert ">Report it again</textarea>" in page
    assert found('name="client_id" value="([^"]+)"', page) == "mark-7"
    seen = int(found('name="seen_seq" value="([0-9]+)"', page))
    assert (await visitor.say(case_id, "Good news", seen=seen, mark="mark-7")).status == 303
    assert thread_of(desk, case_id) == ["wait, it was taken down", "Good news"]


async def test_names_are_taken_out_of_replies_and_notes_before_they_are_kept(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    answer = await visitor.say(case_id, "Tell Jane")
    assert "Taken out before it was kept:</strong> a name" in await visitor.page(f"/cases/{case_id}?masked=name")
    assert "masked=name" in answer.headers["Location"]
    await visitor.post(f"/cases/{case_id}/note", note="Jane rang", note_id="n-1")
    assert thread_of(desk, case_id) == ["Tell [name]"]
    assert [note.text for note in Desk(desk.ledger.seal).notes(desk.ledger.reader(), case_id)] == ["[name] rang"]


async def test_a_note_is_never_in_the_conversation(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    await visitor.post(f"/cases/{case_id}/note", note="canary-9134", note_id="n-1")
    page = await visitor.page(f"/cases/{case_id}")
    log = page[page.index('id="log"') : page.index('id="composer"')]
    assert "canary-9134" in page
    assert "canary-9134" not in log + "".join(thread_of(desk, case_id))


async def test_a_note_is_kept_once_however_often_the_button_is_pressed(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    mark = found('name="note_id" value="([^"]+)"', await visitor.page(f"/cases/{case_id}"))
    for _ in range(2):
        assert (await visitor.post(f"/cases/{case_id}/note", note="careful", note_id=mark)).status == 303
    assert [note.text for note in Desk(desk.ledger.seal).notes(desk.ledger.reader(), case_id)] == ["careful"]
    assert found('name="note_id" value="([^"]+)"', await visitor.page(f"/cases/{case_id}")) != mark
    assert (await visitor.post(f"/cases/{case_id}/note", note="careful")).status == 400


async def test_what_the_bot_flagged_is_said_in_words_and_danger_is_shown_everywhere(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case(3)
    desk.claim(case_id, amira)
    for path in ("/", f"/cases/{case_id}"):
        assert "tier-0" not in await visitor.page(path)
    for flagged, tier in (("masked", None), ("danger_words", 0), ("refused_media", None), ("child_writing", 1)):
        desk.flag(case_id, flagged, tier)
    page = await visitor.page(f"/cases/{case_id}")
    for said in (
        "Names or numbers were taken out of their words",
        "The enquirer’s words may mean danger now",
        "A picture or file was refused; nothing of it was kept",
        "This may be a child writing; their words were not kept",
    ):
        assert said in page
    assert re.search(r'class="case-head is-danger"', page)
    assert re.search(r'<h1 class="desk-title"><span class="tier tier-0">Danger</span>', page)
    board = await visitor.page("/")
    assert re.search(r'id="case-1" class="row row-tier-0 is-mine"', board)
    for each in (page, board):
        assert re.search(r'id="mine-1">.*?<span class="tier tier-0">Danger</span>', each, re.DOTALL)


async def test_a_message_in_doubt_is_sent_again_only_by_a_person(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id, other = desk.case(), desk.case()
    for each in (case_id, other):
        desk.claim(each, amira)
    desk.say(case_id, amira, "Did this arrive?", DeliveryState.UNKNOWN)
    page = await visitor.page(f"/cases/{case_id}")
    assert "May not have arrived" in page
    message = found('name="message" value="([0-9]+)"', page)
    assert (await visitor.post(f"/cases/{other}/again", message=message, client_id="a")).status == 404
    assert (await visitor.post(f"/cases/{case_id}/again", message=message, client_id="a")).status == 303
    assert thread_of(desk, case_id) == ["Did this arrive?"] * 2


async def test_words_written_after_the_lease_was_lost_are_given_back_not_sent(
    desk: DemoDesk, clock: Clock, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    clock.pass_(timedelta(seconds=100))
    desk.ledger.write_now(lambda conn: desk.queue.lapse(conn, clock()))
    lost = await visitor.say(case_id, "My long answer")
    assert lost.status == 404
    assert "My long answer</textarea>" in await lost.text()
    desk.claim(case_id, desk.adviser("Ben Okafor"))
    taken = await visitor.say(case_id, "My long answer")
    assert taken.status == 404
    assert "My long answer</textarea>" in await taken.text()
    assert thread_of(desk, case_id) == []


async def test_closing_needs_an_issue_and_an_outcome(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    assert (await visitor.post(f"/cases/{case_id}/wrap-up")).headers["Location"] == f"/desk/cases/{case_id}/wrap-up"
    page = await visitor.page(f"/cases/{case_id}/wrap-up")
    assert '<option value="impersonation" selected>' in page
    said = {"issue": "impersonation", "setting": "secondary", "route": "setting", "seen_seq": 0}
    refused = await visitor.post(f"/cases/{case_id}/close", **said, outcome="")
    assert refused.status == 422
    text = await refused.text()
    assert "Choose how it ended" in text
    assert "Choose what it was about" not in text
    done = await visitor.post(f"/cases/{case_id}/close", **said, outcome="advised")
    assert done.headers["Location"].startswith("/desk/?notice=closed")
    assert row_of(desk, case_id)[0] is State.DONE


async def test_nothing_unread_is_closed_over(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    desk.hear(case_id, "one more thing")
    said = {"issue": "hate", "setting": "secondary", "route": "setting", "outcome": "advised", "seen_seq": 0}
    stopped = await visitor.post(f"/cases/{case_id}/close", **said)
    assert stopped.status == 409
    text = await stopped.text()
    assert "Not closed: something new was said" in text
    assert "one more thing" in text
    assert row_of(desk, case_id)[0] is State.CLAIMED


async def test_nothing_unread_is_handed_back_and_the_choice_is_kept(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    desk.say(case_id, amira, "my own words")
    for number in range(5):
        desk.hear(case_id, f"news number {number}")
    stopped = await visitor.post(f"/cases/{case_id}/close", issue="hate", outcome="given_back", seen_seq=2)
    assert stopped.status == 409
    text = await stopped.text()
    assert "Not closed: something new was said" in text
    assert [number for number in range(5) if f"news number {number}" in text] == [1, 2, 3, 4]
    assert "my own words" not in text
    assert re.search(r'<option value="hate" selected>', text)
    assert re.search(r'value="given_back" required checked', text)
    assert row_of(desk, case_id)[0] is State.ACTIVE
    seen = found('name="seen_seq" value="([0-9]+)"', text)
    again = await visitor.post(f"/cases/{case_id}/close", issue="hate", outcome="given_back", seen_seq=seen)
    assert again.headers["Location"].startswith("/desk/?notice=given_back")


async def test_a_conversation_is_given_back_to_the_bot(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    assert re.search(r'value="given_back" required checked', await visitor.page(f"/cases/{case_id}/wrap-up?give=1"))
    given = await visitor.post(f"/cases/{case_id}/close", issue="hate", outcome="given_back", seen_seq=0)
    assert given.headers["Location"].startswith("/desk/?notice=given_back")
    row = desk.ledger.reader().execute("SELECT outcome, (SELECT speaker FROM voice) FROM queue_item").fetchone()
    assert tuple(row) == ("given_back", "bot")


async def test_a_case_is_paused_resumed_and_released(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    too_early = await visitor.post(f"/cases/{case_id}/pause")
    assert too_early.status == 409
    assert "Not done." in await too_early.text()
    await visitor.say(case_id, "Hello")
    for action, state in (("pause", State.PAUSED), ("resume", State.ACTIVE), ("release", State.WAITING)):
        assert (await visitor.post(f"/cases/{case_id}/{action}")).status == 303
        assert row_of(desk, case_id)[0] is state


@pytest.mark.parametrize("name", ["outcomes", "routes", "settings", "roles", "platforms", "signposts", "escalations"])
def test_what_a_case_is_closed_with_are_codes_the_queue_takes(name: str) -> None:
    assert all(code(each) == each for each in words(name))


# --- the live feed ---------------------------------------------------------------------------------------------------


class Stream:
    """A feed as a page reads it."""

    def __init__(self, answer: ClientResponse) -> None:
        self.answer = answer
        self.seq = 0

    async def next(self) -> str:
        """The kind of the next news, or "beat"."""
        async with asyncio.timeout(5):
            while True:
                line = (await self.answer.content.readline()).decode().strip()
                if line.startswith("id: "):
                    self.seq = int(line.removeprefix("id: "))
                if line.startswith("data: "):
                    await self.answer.content.readline()
                    return found('"kind": "([^"]+)"', line) if "{" in line else "beat"

    async def until_beat(self) -> list[str]:
        kinds: list[str] = []
        while (kind := await self.next()) != "beat":
            kinds.append(kind)
        return kinds

    async def is_silent(self) -> bool:
        """True when nothing comes for a few of the feed's gatherings."""
        try:
            async with asyncio.timeout(4 * feed.GATHER_S):
                return not await self.answer.content.readline()
        except TimeoutError:
            return True


@asynccontextmanager
async def streaming(visitor: Visitor, after: int = 0, **headers: str) -> AsyncIterator[Stream]:
    answer = await visitor.get(
        f"/events?after={after}", headers={key.replace("_", "-"): headers[key] for key in headers}
    )
    try:
        yield Stream(answer)
    finally:
        answer.close()


async def test_a_feed_that_resumes_misses_nothing_and_repeats_nothing(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    async with streaming(visitor) as steady:
        first = await steady.until_beat()
        seq = steady.seq
        async with streaming(visitor) as dropped:
            assert (await dropped.until_beat(), dropped.seq) == (first, seq)
        desk.claim(case_id, amira)
        assert await steady.next() == "case.claimed"
        desk.hear(case_id, "hello?")
        assert await steady.next() == "message.heard"
        async with streaming(visitor, Last_Event_ID=str(seq)) as resumed:
            assert await resumed.until_beat() == ["case.claimed", "message.heard"]
            assert resumed.seq == events_after(desk.ledger.reader(), 0)[-1].seq


async def test_a_commit_that_is_no_event_of_the_queue_wakes_nobody(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    async with streaming(visitor) as stream:
        await stream.until_beat()
        await desk.ledger.write(lambda conn: desk.queue.heartbeat(conn, amira, desk.now()))
        assert await stream.is_silent()
        desk.claim(case_id, amira)  # the control: this one is news, and no beat follows it
        assert await stream.next() == "case.claimed"
        assert await stream.is_silent()


async def test_a_burst_of_commits_wakes_a_page_once() -> None:
    newest = iter([7, 7, 7, 9])
    woken_by = feed.Feed(asyncio.get_running_loop(), lambda: next(newest))
    with woken_by.listening() as woken:
        for _ in range(20):
            woken_by.wake()
        await asyncio.sleep(3 * feed.GATHER_S)
        assert not woken.is_set()  # 20 commits, one look, no news
        for seen in (False, True):
            woken_by.wake()
            await asyncio.sleep(3 * feed.GATHER_S)
            assert woken.is_set() is seen
    woken_by.close()


async def test_a_feed_carries_no_words(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    desk.hear(case_id, "canary-5521")
    answer = await visitor.get("/events?after=0")
    text = (await answer.content.read(2_000)).decode()
    assert "case.claimed" in text
    assert "canary-5521" not in text
    assert "example.org" not in text
    answer.close()


async def test_a_feed_ends_when_its_session_ends(desk: DemoDesk, visitor: Visitor) -> None:
    async with streaming(visitor) as stream:
        await stream.until_beat()
        await visitor.post("/log-out")
        async with asyncio.timeout(5):
            while await stream.answer.content.readline():
                pass


async def test_an_impossible_resume_number_is_refused(visitor: Visitor) -> None:
    for after in ("-1", "x", "9" * 40, "²"):
        assert (await visitor.get("/events", params={"after": after})).status == 400


async def test_a_heartbeat_keeps_the_lease_and_so_does_the_frame_without_javascript(
    desk: DemoDesk, clock: Clock, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    for beat in (visitor.post("/heartbeat"), visitor.get("/pulse?seen=0")):
        clock.pass_(timedelta(seconds=80))
        assert (await beat).status in {200, 204}
        assert not desk.ledger.write_now(lambda conn: desk.queue.lapse(conn, clock()))
    clock.pass_(timedelta(seconds=100))  # the control: without one it lapses
    assert desk.ledger.write_now(lambda conn: desk.queue.lapse(conn, clock())) == (case_id,)


def test_vendored_files_are_what_the_list_says(tmp_path: Path) -> None:
    assert differences() == ()
    (tmp_path / "vendor.toml").write_text(LIST.read_text())
    (tmp_path / "govuk-frontend.css").write_text("something else")
    assert len(differences(tmp_path / "vendor.toml")) == 1


# --- what a provider lets us say, and what became of what we said -----------------------------------------------------


def closes_in(desk: DemoDesk, case_id: CaseId, left: timedelta, shut: bool = False) -> None:
    row = desk.ledger.reader().execute("SELECT conversation FROM cases WHERE id = ?", [case_id]).fetchone()
    desk.ledger.write_now(lambda conn: note_window(conn, row[0], desk.now() + left, shut=shut))


def element(page: str, id_: str) -> str:
    """The words in an element, up to where a block in it or itself ends."""
    return " ".join(re.sub("<[^>]+>", " ", found(rf'(?s)id="{id_}"[^>]*>(.*?)</(?:div|li)>', page)).split())


async def test_the_queue_and_the_case_say_for_how_long_an_answer_is_taken(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id, other = desk.case(channel="whatsapp"), desk.case(channel="web")
    closes_in(desk, case_id, timedelta(hours=3, minutes=12))
    left = "WhatsApp: you can answer for 3 h 12 min"
    assert left in (await visitor.page("/"))
    desk.claim(case_id, amira)
    page = await visitor.page(f"/cases/{case_id}")
    assert left not in element(page, "case-head")  # once is enough
    assert element(page, "composer-window") == left
    assert element(page, "composer-shut") == ""
    assert "is-closing" not in page
    closes_in(desk, case_id, timedelta(hours=1, minutes=59), shut=True)
    page = await visitor.page(f"/cases/{case_id}")
    assert 'class="window is-closing">WhatsApp: you can answer for 1 h 59 min' in page
    assert 'class="window' not in await visitor.page(f"/cases/{other}")


async def test_a_closed_window_is_said_before_anything_is_written_and_holds_nobody_back(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case(channel="whatsapp")
    closes_in(desk, case_id, timedelta(seconds=0))
    shut = "WhatsApp’s reply window is closed. What you write waits, and goes when they write again."
    assert shut in await visitor.page("/")
    assert shut in element(await visitor.page(f"/cases/{case_id}"), "case-head")
    desk.claim(case_id, amira)
    page = await visitor.page(f"/cases/{case_id}")
    assert element(page, "composer-shut") == shut
    assert element(page, "composer-window") == ""
    assert (await visitor.say(case_id, "Hello")).status == 303
    closes_in(desk, case_id, timedelta(hours=24))
    assert "reply window is closed" not in await visitor.page(f"/cases/{case_id}")


async def test_nobody_is_told_to_hurry_where_nobody_can_be_answered(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case(channel="whatsapp")
    closes_in(desk, case_id, timedelta(hours=1))
    desk.claim(case_id, amira)
    desk.say(case_id, amira, "Hello")
    assert "you can answer for" in await visitor.page(f"/cases/{case_id}")
    desk.ledger.write_now(lambda conn: desk.queue.abandon(conn, 1, desk.now()))
    assert "you can answer for" not in await visitor.page(f"/cases/{case_id}")


ASKED = "Waiting: we asked them to reply; it follows when they do"
SAID_OF_A_DELIVERY = [
    (DeliveryState.QUEUED, "", "Waiting to be sent", False),
    (DeliveryState.QUEUED, "asked_to_reply", ASKED, False),
    (DeliveryState.QUEUED, "window_closed", "Waiting: the reply window is closed; it follows when they write", False),
    (DeliveryState.QUEUED, "window_closed_no_template", "they could not be asked to reply; it follows", False),
    (DeliveryState.QUEUED, "http_502", "Waiting: the service had a fault of its own; it is tried again", False),
    (DeliveryState.SENDING, "", "Being sent", False),
    (DeliveryState.SENT, "", "Sent", False),
    (DeliveryState.DELIVERED, "", "Delivered", False),
    (DeliveryState.READ, "", "Read", False),
    (DeliveryState.FAILED, "blocked", "Not delivered: they have blocked us", True),
    (DeliveryState.FAILED, "window_closed", "Not delivered: the reply window is closed", True),
    (DeliveryState.FAILED, "http_400", "Not delivered: the service refused it", True),
    (DeliveryState.FAILED, "nobody_knows", "Not delivered: nobody knows", True),
    (DeliveryState.FAILED, "ValueError", "Not delivered: something went wrong while it was being sent", True),
    (DeliveryState.UNKNOWN, "timeout", "the service did not answer in time. They may have it already.", True),
    (DeliveryState.UNKNOWN, "", "May not have arrived. They may have it already.", True),
]


@pytest.mark.parametrize(("state", "reason", "words", "again"), SAID_OF_A_DELIVERY)
async def test_each_line_says_in_words_how_far_it_got(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId, state: DeliveryState, reason: str, words: str, again: bool
) -> None:
    case_id = desk.case(channel="whatsapp")
    desk.claim(case_id, amira)
    desk.say(case_id, amira, "Hello")
    message = Desk(desk.ledger.seal).thread(desk.ledger.reader(), case_id)[0].id
    if reason or state is not DeliveryState.QUEUED:
        assert desk.ledger.write_now(
            lambda conn: desk.queue.record_delivery(conn, message, state, desk.now(), reason or None)
        )
    line = element(await visitor.page(f"/cases/{case_id}"), "line-1")
    assert words in line
    assert ("Send it again?" in line) is again
    assert "_" not in line
    assert ("They may have it already" in line) is (state is DeliveryState.UNKNOWN)


async def test_how_far_a_message_got_is_news_to_an_open_page(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case(channel="whatsapp")
    desk.claim(case_id, amira)
    desk.say(case_id, amira, "Hello")
    message = Desk(desk.ledger.seal).thread(desk.ledger.reader(), case_id)[0].id
    async with streaming(visitor) as stream:
        await stream.until_beat()
        for state in (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.READ):
            await desk.ledger.write(
                lambda conn, state=state: desk.queue.record_delivery(conn, message, state, desk.now())  # type: ignore[misc]
            )
            assert await stream.next() == f"delivery.{state}"


def test_every_reason_a_service_can_give_has_words() -> None:
    known = {policy.reason for policy in POLICIES.values()} | {"flood", "blocked", "interrupted", "timeout"}
    assert known <= _words().delivery_reasons.keys()
    assert "nobody_knows" not in _words().delivery_reasons  # the control
