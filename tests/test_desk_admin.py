"""People and roles, one's own password and sessions, opening hours, what the desk says of privacy."""

import re
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestServer

from handoff import accounts, advisers
from handoff.accounts import LastLead
from handoff.console import statement
from handoff.domain import AdviserId, Role
from handoff.doorkeeper import Credentials, Doorkeeper, LoggedIn, WrongPassword, verify
from handoff.doors import Doors, HouseFacts, Provider
from tests.demo_desk import PASSWORD, Clock, DemoDesk
from tests.test_console import Visitor, amira, clock, desk, found, row_of, server, visiting, visitor

__all__ = ["amira", "clock", "desk", "server", "visitor"]
OWN = "four quiet green bicycles"


@pytest.fixture
def carys(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Carys Lewis", Role.LEAD)


def kinds(desk: DemoDesk) -> list[str]:
    return [row[0] for row in desk.ledger.reader().execute("SELECT kind FROM event ORDER BY seq")]


def about(desk: DemoDesk, adviser: AdviserId) -> advisers.Adviser:
    return advisers.find(desk.ledger.reader(), adviser)


async def add(visitor: Visitor, **fields: object) -> str:
    given = {"name": "Dewi Morgan", "email": "dewi@example.org", "role": "adviser", "capacity": 2, **fields}
    answer = await visitor.post("/people", **given)
    return await answer.text()


# --- people ----------------------------------------------------------------------------------------------------------


async def test_a_lead_adds_somebody_who_logs_in_once_and_chooses_their_own_password(
    server: TestServer, desk: DemoDesk, carys: AdviserId
) -> None:
    async with visiting(server, desk, carys) as lead:
        password = found('id="one-time">([^<]+)<', await add(lead))
        assert password not in await lead.page("/people/2")
    case_id = desk.case()
    async with visiting(server, desk) as dewi:
        assert (await dewi.log_in("dewi@example.org", password)).status == 303
        for path in ("/", f"/cases/{case_id}", "/account", "/privacy"):
            answer = await dewi.get(path)
            assert (answer.status, answer.headers["Location"]) == (303, "/desk/account/password"), path
        assert (await dewi.get("/events")).status in {303, 403}
        page = await dewi.page("/account/password")
        csrf = found('name="csrf" value="([^"]+)"', page)
        assert (await dewi.post(f"/cases/{case_id}/claim", csrf)).status == 403
        wrong = await dewi.post("/account/password", csrf, old="not it at all", new=OWN, again=OWN)
        assert wrong.status == 422
        done = await dewi.post("/account/password", csrf, old=password, new=OWN, again=OWN)
        assert (done.status, done.headers["Location"]) == (303, "/desk/account?said=password")
        assert (await dewi.get("/")).status == 200
    async with visiting(server, desk) as again:
        assert (await again.log_in("dewi@example.org", password)).status == 422
        assert (await again.log_in("dewi@example.org", OWN)).status == 303
    assert kinds(desk).count("account.changed_by") == 1


async def test_a_one_time_password_is_good_for_three_days(
    server: TestServer, desk: DemoDesk, carys: AdviserId, clock: Clock
) -> None:
    async with visiting(server, desk, carys) as lead:
        password = found('id="one-time">([^<]+)<', await add(lead))
    clock.pass_(accounts.ONE_TIME_FOR)
    async with visiting(server, desk) as dewi:
        assert (await dewi.log_in("dewi@example.org", password)).status == 422


@pytest.mark.parametrize(("wrong", "said"), [
    ({"name": ""}, "Write a name"),
    ({"name": "x" * 20_000}, "Write a name"),
    ({"name": "Dewi\u202eMorgan"}, "Write a name"),
    ({"email": "dewi"}, "Write an e-mail address"),
    ({"email": "dewi @example.org"}, "Write an e-mail address"),
    ({"email": "CARYS@example.org"}, "has an account already"),
    ({"role": "root"}, "Choose a role"),
    ({"capacity": "99"}, "0 to 20"),
    ({"capacity": "00000000000000000099"}, "0 to 20"),
    ({"capacity": "-1"}, "0 to 20"),
])  # fmt: skip
async def test_a_form_that_is_wrong_says_how_and_keeps_what_was_typed(
    server: TestServer, desk: DemoDesk, carys: AdviserId, wrong: dict[str, str], said: str
) -> None:
    async with visiting(server, desk, carys) as lead:
        fields = {"name": "Dewi <b>Morgan</b>", "email": "dewi@example.org", "role": "senior", "capacity": "2", **wrong}
        answer = await lead.post("/people", **fields)
        page = await answer.text()
    assert answer.status == 422
    assert said in page
    assert "<b>Morgan" not in page
    assert 'value="senior" selected' in page or "role" in wrong
    assert len(advisers.everyone(desk.ledger.reader())) == 1


async def test_role_and_capacity_change_and_count_with_the_next_click(
    server: TestServer, desk: DemoDesk, carys: AdviserId, visitor: Visitor, amira: AdviserId
) -> None:
    assert (await visitor.get("/")).status == 200
    async with visiting(server, desk, carys) as lead:
        assert (await lead.post(f"/people/{amira}/capacity", capacity=7)).status == 303
        assert (await lead.post(f"/people/{amira}/role", role="auditor")).status == 303
        assert "Role changed" in await lead.page(f"/people/{amira}?said=role")
        assert (await lead.post(f"/people/{amira}/role", role="root")).status == 400
        assert (await lead.post(f"/people/{amira}/capacity", capacity=21)).status == 400
        assert (await lead.post("/people/999/role", role="lead")).status == 404
    assert (about(desk, amira).capacity, about(desk, amira).role) == (7, Role.AUDITOR)
    assert (await visitor.get("/")).status == 403
    assert (await visitor.get("/audit")).status == 200


async def test_the_last_lead_stays_until_there_is_another(
    server: TestServer, desk: DemoDesk, carys: AdviserId, amira: AdviserId
) -> None:
    async with visiting(server, desk, carys) as lead:
        for path, fields in ((f"/people/{carys}/disable", {}), (f"/people/{carys}/role", {"role": "adviser"})):
            answer = await lead.post(path, **fields)
            assert answer.status == 409
            assert "the only lead" in await answer.text()
        await lead.post(f"/people/{amira}/role", role="lead")
        gone = await lead.post(f"/people/{carys}/role", role="adviser")
        assert gone.headers["Location"].startswith("/desk/account")
        assert (await lead.get("/people")).status == 403
    assert about(desk, carys).role is Role.ADVISER
    with pytest.raises(LastLead):
        desk.ledger.write_now(lambda conn: accounts.disable(conn, amira, desk.now()))


async def test_a_disabled_adviser_is_out_at_once_and_what_they_held_is_given_back(
    server: TestServer, desk: DemoDesk, carys: AdviserId, visitor: Visitor, amira: AdviserId
) -> None:
    first, second = desk.case(), desk.case(1)
    desk.claim(first, amira)
    desk.claim(second, amira)
    async with visiting(server, desk, carys) as lead:
        assert (await lead.post(f"/people/{amira}/give-back", case=first)).status == 409  # she can work it herself
        assert (await lead.post(f"/people/{amira}/disable")).status == 303
        assert (await visitor.get("/")).status == 303
        page = await lead.page(f"/people/{amira}")
        assert page.count("Give back<") == 2
        assert (await lead.post(f"/people/{amira}/give-back", case=first)).status == 303
        assert (await lead.post(f"/people/{amira}/give-back", case=first)).status == 409
        assert (await lead.post(f"/people/{amira}/give-back", case=999)).status == 409
        assert (await lead.post(f"/people/{amira}/enable")).status == 303
    assert row_of(desk, first) == ("waiting", None)
    assert row_of(desk, second) == ("claimed", amira)
    assert not about(desk, amira).disabled
    moved = desk.ledger.reader().execute("SELECT adviser FROM event WHERE kind = 'case.released'").fetchone()[0]
    assert moved == carys


async def test_a_new_password_and_ended_sessions_log_somebody_out(
    server: TestServer, desk: DemoDesk, carys: AdviserId, visitor: Visitor, amira: AdviserId
) -> None:
    async with visiting(server, desk, carys) as lead:
        assert (await lead.post(f"/people/{amira}/sessions")).status == 303
        assert (await visitor.get("/account")).status == 303
        password = found('id="one-time">([^<]+)<', await (await lead.post(f"/people/{amira}/password")).text())
        own = await lead.post(f"/people/{carys}/password")
        assert own.headers["Location"] == "/desk/account/password"  # nobody makes a one-time password for themselves
    assert re.fullmatch("[a-z0-9]{4}(-[a-z0-9]{4}){3}", password)
    async with visiting(server, desk) as back:
        assert (await back.log_in("amira@example.org")).status == 422
        assert (await back.log_in("amira@example.org", password)).status == 303


# --- one's own account -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fields", "said"), [
    ({"old": "wrong wrong wrong"}, "not your old password"),
    ({"new": "short", "again": "short"}, "too short"),
    ({"new": "x" * 300, "again": "x" * 300}, "too long"),
    ({"new": "aaaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaaa"}, "too easy"),
    ({"new": PASSWORD, "again": PASSWORD}, "the same as the old one"),
    ({"again": "something else here"}, "not the same"),
])  # fmt: skip
async def test_a_password_is_not_changed_unless_all_is_right(
    visitor: Visitor, fields: dict[str, str], said: str
) -> None:
    answer = await visitor.post("/account/password", **{"old": PASSWORD, "new": OWN, "again": OWN, **fields})
    assert answer.status == 422
    assert said in await answer.text()


async def test_guessing_the_old_password_is_slowed_like_a_log_in(visitor: Visitor) -> None:
    csrf = await visitor.csrf()
    answers = [
        await visitor.post("/account/password", csrf, old=f"guess number {n}", new=OWN, again=OWN) for n in range(6)
    ]
    assert [answer.status for answer in answers] == [422] * 5 + [429]
    right = await visitor.post("/account/password", csrf, old=PASSWORD, new=OWN, again=OWN)
    assert right.status == 429


async def test_a_new_password_ends_the_other_sessions_and_not_this_one(
    server: TestServer, desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    async with visiting(server, desk, amira) as elsewhere:
        assert (await visitor.post("/account/password", old=PASSWORD, new=OWN, again=OWN)).status == 303
        assert (await visitor.get("/account")).status == 200
        assert (await elsewhere.get("/account")).status == 303


async def test_one_sees_and_ends_ones_own_sessions_and_nobody_elses(
    server: TestServer, desk: DemoDesk, visitor: Visitor, amira: AdviserId, carys: AdviserId
) -> None:
    async with visiting(server, desk, amira) as second, visiting(server, desk, carys) as lead:
        page = await visitor.page("/account")
        handles = re.findall('name="handle" value="([^"]+)"', page)
        assert len(handles) == 1
        assert page.count("This browser") == 1
        await lead.post("/account/sessions", handle=handles[0])
        assert (await second.get("/account")).status == 200
        await visitor.post("/account/sessions", handle=handles[0])
        assert (await second.get("/account")).status == 303
        assert (await visitor.post("/account/sessions", handle="%" * 20_000)).status in {303, 400, 413}
    async with visiting(server, desk, amira) as third:
        await visitor.post("/account/sessions")
        assert (await third.get("/account")).status == 303
        assert (await visitor.get("/account")).status == 200


def test_a_one_time_password_is_never_twice_the_same_and_hashed_at_rest(desk: DemoDesk, carys: AdviserId) -> None:
    assert len({accounts.one_time_password() for _ in range(200)}) == 200
    hashed = advisers.hash_password(password := accounts.one_time_password())
    amira = desk.adviser("Amira Khan")
    desk.ledger.write_now(lambda conn: accounts.reset_password(conn, carys, amira, hashed, desk.now()))
    door, reader = Doorkeeper(desk.ledger.seal), desk.ledger.reader()
    credentials = door.credentials(reader, "amira@example.org", "192.0.2.1", desk.now())
    assert isinstance(credentials, Credentials)
    assert verify(credentials, password)
    late = desk.now() + accounts.ONE_TIME_FOR
    assert isinstance(desk.ledger.write_now(lambda conn: door.log_in(conn, credentials, True, late)), WrongPassword)
    early = late - timedelta(seconds=1)
    assert isinstance(desk.ledger.write_now(lambda conn: door.log_in(conn, credentials, True, early)), LoggedIn)
    assert password.encode() not in desk.ledger.path.read_bytes()


# --- opening hours ---------------------------------------------------------------------------------------------------

WEEK = {"mon": "10:00-16:00", "tue": "10am to 4pm", "wed": "09:00-12:00, 13:00-17:00", "thu": "", "fri": "18:00-24:00"}


async def test_hours_are_previewed_then_saved_and_count_at_once(
    server: TestServer, desk: DemoDesk, carys: AdviserId, clock: Clock
) -> None:
    closed = {"closed-0": "2026-11-30", "reason-0": "training", "closed-1": "", "reason-1": "holiday"}
    async with visiting(server, desk, carys) as lead:
        assert "settings (FIRSTLINE_OPENING_HOURS" in await lead.page("/hours")
        preview = await (await lead.post("/hours", seen=0, nation="scotland", do="preview", **WEEK, **closed)).text()
        assert "Not saved yet" in preview
        assert "Closed: Training" in preview
        assert "Closed: Saint Andrew" not in preview  # the day is closed already, for a reason of ours
        assert desk.ledger.reader().execute("SELECT count(*) FROM hours_version").fetchone()[0] == 0
        saved = await lead.post("/hours", seen=0, nation="scotland", do="save", **WEEK, **closed)
        assert saved.headers["Location"] == "/desk/hours?said=saved"
        page = await lead.page("/hours?said=saved")
        assert 'value="09:00-12:00, 13:00-17:00"' in page
        assert 'value="10:00-16:00"' in page
        assert "18:00 to midnight" in page
    assert "hours.changed" in kinds(desk)
    thursday = clock.at + timedelta(days=3)
    assert desk.queue._intake._hours.is_open(clock.at)
    assert not desk.queue._intake._hours.is_open(thursday)


async def test_two_leads_at_once_do_not_overwrite_each_other(
    server: TestServer, desk: DemoDesk, carys: AdviserId
) -> None:
    async with visiting(server, desk, carys) as lead:
        assert (await lead.post("/hours", seen=0, nation="", do="save", mon="10:00-12:00")).status == 303
        late = await lead.post("/hours", seen=0, nation="", do="save", mon="11:00-12:00")
        page = await late.text()
        assert late.status == 409
        assert "somebody else has changed the hours" in page
        assert 'value="11:00-12:00"' in page
        again = await lead.post("/hours", seen=found('name="seen" value="([0-9]+)"', page), nation="", do="save")
        assert again.status == 303


@pytest.mark.parametrize(("fields", "said"), [
    ({"mon": "ten to four"}, "Monday: “ten to four” is not a time"),
    ({"mon": "16:00-10:00"}, "Write it like 10:00-16:00"),
    ({"tue": "10:00-13:00, 12:00-14:00"}, "overlap"),
    ({"tue": "10:00-24:00, 23:00-23:30"}, "overlap"),
    ({"wed": "25:00-26:00"}, "is not a time"),
    ({"wed": "<script>alert(1)</script>"}, "is not a time"),
    ({"wed": "9" * 20_000}, "is not a time"),
    ({"closed-0": "tomorrow", "reason-0": "other"}, "That is not a date"),
    ({"closed-0": "2099-01-01", "reason-0": "other"}, "years ahead"),
])  # fmt: skip
async def test_hours_that_cannot_be_read_are_told_in_words_and_nothing_is_saved(
    server: TestServer, desk: DemoDesk, carys: AdviserId, fields: dict[str, str], said: str
) -> None:
    async with visiting(server, desk, carys) as lead:
        answer = await lead.post("/hours", seen=0, nation="", do="save", **fields)
        page = await answer.text()
    assert answer.status == 422
    assert said in page
    assert "<script>alert" not in page
    assert desk.ledger.reader().execute("SELECT count(*) FROM hours_version").fetchone()[0] == 0


async def test_forged_hours_are_refused(server: TestServer, desk: DemoDesk, carys: AdviserId) -> None:
    async with visiting(server, desk, carys) as lead:
        assert (await lead.post("/hours", seen=0, nation="france", do="save")).status == 400
        assert (await lead.post("/hours", seen=0, **{"closed-0": "2026-12-01", "reason-0": "party"})).status == 400
        assert (await lead.post("/hours", seen="x")).status == 400
        assert (await lead.post("/hours", "forged", seen=0, do="save")).status == 403


# --- privacy ---------------------------------------------------------------------------------------------------------

FACTS = HouseFacts(
    service="Harbour Helpline",
    contact="hello@example.org",
    channels=("web", "telegram"),
    providers=(Provider("telegram", "api.telegram.org"),),
    advisers_group=True,
    words_idle=timedelta(hours=36),
    conversation_idle=timedelta(days=14),
    repeats=timedelta(days=8),
    is_https=True,
)


class FakeHouse:
    def facts(self) -> HouseFacts:
        return FACTS

    def stuck(self) -> dict[str, int]:
        return {}


async def test_the_statement_says_what_is_set_up_and_nothing_else(desk: DemoDesk, carys: AdviserId) -> None:
    async with TestServer(desk.app(doors=Doors(house=FakeHouse()))) as run, visiting(run, desk, carys) as lead:
        page = await lead.page("/privacy")
        figures = await lead.page("/retention")
    for words in ("Harbour Helpline", "Telegram", "api.telegram.org", "36 hours", "30 days", "hello@example.org"):
        assert words in page, words
    assert "WhatsApp" not in page
    assert "36 hours" in figures


async def test_a_desk_without_a_bot_says_so(visitor: Visitor) -> None:
    assert "no channel is set up" in await visitor.page("/privacy")
    assert "this desk runs without it" in await visitor.page("/retention")


async def test_cases_past_their_date_are_counted(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId, clock: Clock
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    desk.ledger.write_now(lambda conn: desk.queue.wrap_up(conn, case_id, amira, clock()))
    desk.ledger.write_now(lambda conn: desk.queue.close(conn, case_id, amira, "scams", "advised", clock()))
    assert statement.overdue(desk.ledger.reader(), clock()) == statement.Overdue(1, 0, clock() + timedelta(days=30))
    assert statement.overdue(desk.ledger.reader(), clock() + timedelta(days=31)).past == 1
    assert "They go by themselves, at night" in await visitor.page("/retention")
