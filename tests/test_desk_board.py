"""The queue board: its lanes and why each row stands there, looking without claiming, going elsewhere, call-backs."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from handoff.domain import AdviserId, CaseId, Lane, NewCase, Role, State
from handoff.reach import note_window
from tests.demo_desk import PACK, Clock, DemoDesk, desk_in
from tests.test_console import Visitor, found, row_of, visiting

HOUR = timedelta(hours=1)


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
    running = TestServer(desk.app())
    await running.start_server()
    yield running
    await running.close()


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


@pytest.fixture
async def visitor(server: TestServer, desk: DemoDesk, amira: AdviserId) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, amira) as visiting_desk:
        yield visiting_desk


def message(desk: DemoDesk, tier: int = 2, **more: str) -> CaseId:
    new = NewCase(next(desk.conversations), tier, "asked", "telegram", "2026-11-20.1", pack=PACK, lane=Lane.MESSAGES)
    return desk.ledger.write_now(lambda conn: desk.queue.open_case(conn, new, desk.now())).id


def put_off(desk: DemoDesk, case_id: CaseId, adviser: AdviserId, until: datetime) -> None:
    desk.ledger.write_now(lambda conn: desk.queue.schedule(conn, case_id, adviser, until, desk.now()))


def wake(desk: DemoDesk) -> None:
    desk.ledger.write_now(lambda conn: desk.queue.lapse(conn, desk.now()))


def offer(desk: DemoDesk, case_id: CaseId, sender: AdviserId, to: AdviserId) -> None:
    desk.say(case_id, sender, "Hello")
    desk.ledger.write_now(lambda conn: desk.queue.offer(conn, case_id, sender, to, desk.now()))


async def board_of(server: TestServer, desk: DemoDesk, adviser: AdviserId) -> str:
    """The board as it is now, to somebody who has just logged in: hours may have passed."""
    async with visiting(server, desk, adviser) as somebody:
        return await somebody.page("/")


def lists_of(page: str) -> dict[str, list[int]]:
    """Which cases stand in which list of the board, in their order."""
    return {
        name: [int(id_) for id_ in re.findall(r'<li id="case-(\d+)"', rows)]
        for name, rows in re.findall(r'<ol class="rows[^"]*" id="rows-(\w+)">(.*?)</ol>', page, re.DOTALL)
    }


def row(page: str, case_id: CaseId) -> str:
    """A row's text, without its tags."""
    inside = found(rf'(?s)<li id="case-{case_id}"(.*?)</li>', page)
    return " ".join(re.sub(r"<[^>]+>", " ", inside.partition(">")[2]).split())


# --- lanes -----------------------------------------------------------------------------------------------------------


async def test_each_case_stands_once_in_its_lane_in_the_order_of_the_queue(
    desk: DemoDesk, clock: Clock, visitor: Visitor, amira: AdviserId
) -> None:
    live_later, letter = desk.case(3), message(desk)
    agreed, come = desk.case(2), desk.case(2)
    put_off(desk, agreed, amira, clock() + 5 * HOUR)
    put_off(desk, come, amira, clock() + timedelta(minutes=1))
    clock.pass_(timedelta(minutes=2))
    wake(desk)
    live_first, danger = desk.case(1), desk.case(0, "immediate_danger")
    assert lists_of(await visitor.page("/")) == {
        "danger": [danger],
        "live": [live_first, live_later],
        "messages": [letter],
        "call_backs": [come, agreed],
    }


async def test_a_message_that_is_danger_is_pinned_above_all_lanes_once(desk: DemoDesk, visitor: Visitor) -> None:
    letter = message(desk)
    desk.flag(letter, "danger_words", 0)
    page = await visitor.page("/")
    assert lists_of(page) == {"danger": [letter], "live": [], "messages": [], "call_backs": []}
    assert page.index("lane-danger-title") < page.index("lane-live-title")


async def test_the_one_that_is_taken_next_is_marked_wherever_it_stands(
    desk: DemoDesk, clock: Clock, visitor: Visitor
) -> None:
    letter = message(desk, 1)
    clock.pass_(timedelta(minutes=5))
    live = desk.case(3)
    page = await visitor.page("/")
    assert " next " in row(page, letter)
    assert " next " not in row(page, live)
    assert (await visitor.post("/next")).headers["Location"] == f"/desk/cases/{letter}"


async def test_each_lane_says_why_its_first_is_first_and_of_a_message_that_nobody_sits_and_waits(
    desk: DemoDesk, visitor: Visitor
) -> None:
    live, other, letter = desk.case(2), desk.case(2), message(desk)
    page = await visitor.page("/")
    assert "Why is this first? The earliest deadline goes first: 30 min left." in row(page, live)
    assert "Why here? The earliest deadline goes first: 30 min left. Same deadline as the one above" in row(page, other)
    assert "left. A message: nobody sits and waits for it." in row(page, letter)
    assert "Same deadline" not in row(page, letter)


async def test_the_same_deadline_as_a_row_of_another_lane_is_no_reason(desk: DemoDesk, visitor: Visitor) -> None:
    live, letter = desk.case(1), message(desk, 1)
    page = await visitor.page("/")
    assert "10 min left" in row(page, live)
    assert "10 min left" in row(page, letter)
    assert "Same deadline" not in row(page, letter)


async def test_a_call_back_shows_the_agreed_time_and_says_so_when_it_has_come(
    server: TestServer, desk: DemoDesk, clock: Clock, amira: AdviserId
) -> None:
    case_id, tomorrow = desk.case(2), desk.case(2)
    put_off(desk, case_id, amira, clock() + 5 * HOUR + timedelta(minutes=30))
    put_off(desk, tomorrow, amira, clock() + 24 * HOUR)
    page = await board_of(server, desk, amira)
    assert row(page, case_id).endswith("A call-back is agreed. It waits for its time. Agreed 15:30")
    assert row(page, tomorrow).endswith("Agreed Tue 24 Nov, 10:00")
    assert "Nobody waits." in page
    clock.pass_(5 * HOUR + timedelta(minutes=34))
    wake(desk)
    page = await board_of(server, desk, amira)
    shown = row(page, case_id)
    assert "Why is this first? A call-back was agreed for 15:30." in shown
    assert "Waited 4 min Agreed 15:30" in shown
    assert "overdue" not in shown
    assert "came back" not in shown.lower()
    assert "A case is overdue" in page  # the light: the agreed time is past
    assert "Longest wait</dt><dd>4 min" in page


async def test_a_row_shows_channel_and_reply_window_and_changes_with_the_clock(
    server: TestServer, desk: DemoDesk, clock: Clock, amira: AdviserId
) -> None:
    case_id = desk.case(2, channel="whatsapp")
    desk.ledger.write_now(lambda conn: note_window(conn, desk._conversation(case_id), clock() + 3 * HOUR))
    assert "WhatsApp WhatsApp: you can answer for 3 h Why" in row(await board_of(server, desk, amira), case_id)
    clock.pass_(2 * HOUR)
    page = await board_of(server, desk, amira)
    assert "WhatsApp: you can answer for 1 h" in row(page, case_id)
    assert 'class="window is-closing"' in page
    clock.pass_(HOUR)
    assert "reply window is closed. What you write waits" in row(await board_of(server, desk, amira), case_id)


async def test_what_changes_without_an_event_shows_at_once(
    desk: DemoDesk, clock: Clock, visitor: Visitor, amira: AdviserId
) -> None:
    """What all boards show alike is kept until the next commit, and a commit need not bring an event."""
    case_id = desk.case(2, channel="whatsapp")
    assert "can answer for" not in row(await visitor.page("/"), case_id)
    desk.ledger.write_now(lambda conn: note_window(conn, desk._conversation(case_id), clock() + 3 * HOUR))
    assert "you can answer for 3 h" in row(await visitor.page("/"), case_id)
    clock.pass_(timedelta(minutes=2))
    assert "(not connected)" in await visitor.page("/")
    desk.ledger.write_now(lambda conn: desk.queue.heartbeat(conn, amira, clock()))
    assert "(not connected)" not in await visitor.page("/")


async def test_a_row_is_drawn_anew_when_anything_it_shows_has_changed(
    server: TestServer, desk: DemoDesk, clock: Clock, visitor: Visitor, amira: AdviserId
) -> None:
    """Rows are kept as they were drawn, for all advisers: what differs between them must be drawn apart."""
    case_id, lead = desk.case(2), desk.adviser("Carys Lewis", Role.LEAD)
    ben = desk.adviser("Ben Okafor")
    first = row(await visitor.page("/"), case_id)
    clock.pass_(timedelta(minutes=3))
    later = row(await visitor.page("/"), case_id)
    assert ("Waited under 1 min" in first, "Waited 3 min" in later) == (True, True)
    desk.claim(case_id, ben)
    page = await visitor.page("/")
    assert lists_of(page)["elsewhere"] == [case_id]
    assert f'href="/desk/cases/{case_id}"' not in page  # it is not hers to look at
    async with visiting(server, desk, lead) as looking:
        assert f'href="/desk/cases/{case_id}"' in await looking.page("/")
    assert f'href="/desk/cases/{case_id}"' not in await visitor.page("/")


async def test_what_is_offered_to_me_stands_on_top_with_who_offers_it(
    server: TestServer, desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    ben, case_id = desk.adviser("Ben Okafor"), desk.case(2)
    desk.claim(case_id, ben)
    offer(desk, case_id, ben, amira)
    page = await visitor.page("/")
    assert lists_of(page) == {"offered": [case_id], "live": [], "messages": [], "call_backs": []}
    assert "Ben Okafor offers it to you, and holds it until you accept." in row(page, case_id)
    async with visiting(server, desk, ben) as sender:
        assert "Offered to a colleague: Amira Khan" in row(await sender.page("/"), case_id)


async def test_practice_is_on_nobody_s_board_but_its_holder_s(
    server: TestServer, desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    new = NewCase(-7, 0, "asked", "web", "2026-11-20.1", pack=PACK)
    case_id = desk.ledger.write_now(lambda conn: desk.queue.open_case(conn, new, desk.now())).id
    assert str(case_id) not in found('data-waiting="([^"]*)"', await visitor.page("/")).split()
    begun = [case_id, amira, "first-day", 1, b"sealed", 0]
    desk.ledger.write_now(lambda conn: conn.execute("INSERT INTO practice VALUES (?, ?, ?, ?, ?, ?)", begun))
    desk.claim(case_id, amira)
    page = await visitor.page("/")
    assert lists_of(page)["mine"] == [case_id]
    assert "practice" in row(page, case_id)
    async with visiting(server, desk, desk.adviser("Carys Lewis", Role.LEAD)) as lead:
        assert "elsewhere" not in lists_of(await lead.page("/"))


async def test_the_rule_of_the_light_is_printed(visitor: Visitor) -> None:
    page = await visitor.page("/")
    assert "Red: somebody in danger waits. Amber: a case is overdue, or more wait than there are free places." in page


async def test_claiming_from_a_row_needs_the_token_and_no_field_of_its_own(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    page = await visitor.page("/")
    assert found(r'form="claims" formaction="([^"]+)"', page) == f"/desk/cases/{case_id}/claim"
    assert (await visitor.post(f"/cases/{case_id}/claim", "forged")).status == 403
    assert (await visitor.post(f"/cases/{case_id}/claim")).status == 303
    assert row_of(desk, case_id) == (State.CLAIMED, amira)


# --- the frame -------------------------------------------------------------------------------------------------------


async def test_available_is_shown_as_heard_only_after_a_heartbeat(
    desk: DemoDesk, clock: Clock, visitor: Visitor, amira: AdviserId
) -> None:
    assert found(r'id="line-sign">([^<]+)<', await visitor.page("/")) == "connected"  # said so just now
    clock.pass_(timedelta(minutes=2))
    assert found(r'id="line-sign">([^<]+)<', await visitor.page("/")) == "not heard from"
    desk.ledger.write_now(lambda conn: desk.queue.heartbeat(conn, amira, clock()))
    assert found(r'id="line-sign">([^<]+)<', await visitor.page("/")) == "connected"


@pytest.mark.parametrize(("role", "sees_queue"), [(Role.ADVISER, True), (Role.EDITOR, False), (Role.AUDITOR, False)])
async def test_the_rail_shows_only_where_one_may_go(
    server: TestServer, desk: DemoDesk, role: Role, sees_queue: bool
) -> None:
    async with visiting(server, desk, desk.adviser("Somebody", role)) as somebody:
        rail = found(r'(?s)<nav class="rail"(.*?)</nav>', await somebody.page("/account"))
        assert (">Queue<" in rail) is sees_queue
        for place in re.findall(r'href="/desk([^"]+)"', rail):
            assert (await somebody.get(place)).status == 200, place


# --- looking and going -----------------------------------------------------------------------------------------------


async def test_a_look_shows_the_hand_over_and_claims_nothing(desk: DemoDesk, visitor: Visitor) -> None:
    case_id = desk.case()
    page = await visitor.page(f"/cases/{case_id}/peek")
    for part in (PACK.words[0], "Does the account contact pupils?", "treat as yes", "When 48 hours have passed"):
        assert part in page
    assert "composer" not in page
    assert row_of(desk, case_id) == (State.WAITING, None)


async def test_what_a_colleague_holds_cannot_be_looked_at(
    server: TestServer, desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    desk.claim(case_id, desk.adviser("Ben Okafor"))
    for path in (f"/cases/{case_id}/peek", f"/cases/{case_id}/call-back", "/cases/999999/peek"):
        answer = await visitor.get(path)
        assert answer.status == 404
        assert "tiktok" not in await answer.text()


async def test_one_goes_by_reference_or_by_the_name_of_a_screen(
    server: TestServer, desk: DemoDesk, visitor: Visitor
) -> None:
    case_id = desk.case()
    reference = desk.ledger.reader().execute("SELECT reference FROM cases").fetchone()[0]
    for wanted in (reference, f" {reference.lower()} "):
        assert (await visitor.get(f"/go?q={wanted}")).headers["Location"] == f"/desk/cases/{case_id}"
    assert (await visitor.get("/go?q=queue")).headers["Location"] == "/desk/"
    assert "Screens" in await visitor.page("/go")


async def test_a_reference_that_is_not_one_s_to_see_looks_like_one_that_is_not_there(
    server: TestServer, desk: DemoDesk, visitor: Visitor
) -> None:
    case_id = desk.case()
    reference = desk.ledger.reader().execute("SELECT reference FROM cases").fetchone()[0]
    desk.claim(case_id, desk.adviser("Ben Okafor"))
    told = [await visitor.page(f"/go?q={wanted}") for wanted in (reference, "FL-BBBB-BB")]
    assert found("(?s)<main(.*?)</main>", told[0]).replace(reference, "FL-BBBB-BB") == found(
        "(?s)<main(.*?)</main>", told[1]
    )
    async with visiting(server, desk, desk.adviser("Edith Jones", Role.EDITOR)) as editor:
        assert "Nothing here is called" in await editor.page(f"/go?q={reference}")


@pytest.mark.parametrize("wanted", ["<script>alert(1)</script>", "x" * 5_000, "%E2%80%AEevil"])
async def test_whatever_is_looked_for_is_shown_as_text(visitor: Visitor, wanted: str) -> None:
    page = await visitor.page(f"/go?q={wanted}")
    assert "<script>alert" not in page
    assert "\u202e" not in re.sub(r'value="[^"]*"', "", page)
    assert "x" * 81 not in page


# --- call-backs ------------------------------------------------------------------------------------------------------


async def test_a_slot_is_chosen_and_the_case_rests_until_then(
    desk: DemoDesk, clock: Clock, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    page = await visitor.page(f"/cases/{case_id}/call-back")
    slots = re.findall(r'name="slot"[^>]+value="([^"]+)"', page)
    assert slots[0] == "2026-11-23T10:30:00+00:00"
    assert len(slots) == 9
    for _ in range(2):  # a double click
        answer = await visitor.post(f"/cases/{case_id}/call-back", slot=slots[1])
        assert answer.status == 303
        assert answer.headers["Location"].startswith("/desk/?notice=agreed")
    assert row_of(desk, case_id) == (State.SCHEDULED, None)
    board = await visitor.page(answer.headers["Location"].removeprefix("/desk"))
    assert "rests until the agreed time" in board
    assert row(board, case_id).endswith("Agreed 12:15")
    assert "Agreed for <strong>Monday 23 November, 12:15" in await visitor.page(f"/cases/{case_id}/call-back")


async def test_a_case_in_hand_is_let_go_when_a_call_back_is_agreed(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    desk.say(case_id, amira, "I shall ring you tomorrow")
    answer = await visitor.post(f"/cases/{case_id}/call-back", day="2026-11-24", at="16:45")
    assert answer.status == 303
    assert row_of(desk, case_id) == (State.SCHEDULED, None)
    wakes = desk.ledger.reader().execute("SELECT agreed_for FROM queue_item").fetchone()[0]
    assert datetime.fromtimestamp(wakes / 1000, UTC) == datetime(2026, 11, 24, 16, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Choose a time, or type a day and a time"),
        ({"day": "2026-11-22", "at": "10:00"}, "Choose a time that is still to come"),
        ({"day": "2027-02-22", "at": "10:00"}, "Choose a day within the next 60 days"),
        ({"day": "2026-11-24", "at": "soon"}, "Type a time that exists on that day"),
        ({"day": "<b>tomorrow</b>", "at": "10:00"}, "Type a day that exists"),
        ({"slot": "x" * 20_000}, "Choose a time, or type a day and a time"),
    ],
)
async def test_a_time_that_cannot_be_kept_comes_back_with_what_was_typed(
    desk: DemoDesk, visitor: Visitor, fields: dict[str, str], said: str
) -> None:
    case_id = desk.case()
    answer = await visitor.post(f"/cases/{case_id}/call-back", **fields)
    page = await answer.text()
    assert answer.status == 422
    assert said in page
    assert "<title>Error:" in page
    assert "<b>tomorrow" not in page
    if "day" in fields and "<" not in fields["day"]:
        assert f'value="{fields["day"]}"' in page
    assert row_of(desk, case_id) == (State.WAITING, None)


async def test_only_who_holds_a_case_agrees_its_call_back(
    server: TestServer, desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id, ben = desk.case(), desk.adviser("Ben Okafor")
    desk.claim(case_id, ben)
    chosen = {"day": "2026-11-24", "at": "10:00"}
    assert (await visitor.post(f"/cases/{case_id}/call-back", **chosen)).status == 404
    async with visiting(server, desk, desk.adviser("Carys Lewis", Role.LEAD)) as lead:
        assert "holds this case" in await lead.page(f"/cases/{case_id}/call-back")
        assert (await lead.post(f"/cases/{case_id}/call-back", **chosen)).status == 404
    assert row_of(desk, case_id) == (State.CLAIMED, ben)


async def test_who_has_left_cannot_be_called_back(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    desk.say(case_id, amira, "Hello")
    desk.ledger.write_now(lambda conn: desk.queue.abandon(conn, desk._conversation(case_id), desk.now()))
    assert "They have left, and cannot be called back." in await visitor.page(f"/cases/{case_id}/call-back")
    assert (await visitor.post(f"/cases/{case_id}/call-back", day="2026-11-24", at="10:00")).status == 409
    assert row_of(desk, case_id) == (State.WRAP_UP, amira)


async def test_an_agreed_call_back_cannot_be_moved_by_an_old_page(
    desk: DemoDesk, clock: Clock, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    put_off(desk, case_id, amira, clock() + 5 * HOUR)
    assert (await visitor.post(f"/cases/{case_id}/call-back", day="2026-11-24", at="10:00")).status == 409
    assert "another time can be agreed then" in await visitor.page(f"/cases/{case_id}/call-back")
