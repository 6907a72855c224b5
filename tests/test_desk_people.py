"""Who is behind a case: sealed, opened only after the look and its reason are on disk, and nowhere else (P7)."""

import logging
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.channels.contract import TELEGRAM, WEB, WHATSAPP
from bot.domain import Person, Said, Turn
from bot.doors import doors_of
from handoff import people
from handoff.console.looks import NOT_THEIRS
from handoff.domain import AdviserId, CaseId, Role
from handoff.errors import NotYours, Refused
from handoff.people import Contact, RevealReason
from tests.demo_desk import Clock, DemoDesk, desk_in
from tests.recorded import (
    ADDRESS,
    CONTACT,
    EMAIL,
    IDENTITY,
    NAME,
    PHONE,
    FakePeople,
    FakeRecords,
    close,
    events_of,
    full_case,
    held,
    serving,
    team,
)
from tests.small_house import SmallHouse
from tests.test_console import Visitor, visiting

WHY = {"reason": "call_back", "words": "Ringing back as agreed"}
LONG = "x" * 20_000
PAGES = ("", "/record", "/contact", "/record/advice", "/record/advice?rationale=yes", "/record/advice.pdf")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


def reveals(desk: DemoDesk) -> list[tuple[int, int]]:
    rows = desk.ledger.reader().execute('SELECT "case", adviser FROM identity_reveal ORDER BY id')
    return [(row[0], row[1]) for row in rows]


def shown_in(text: str) -> list[str]:
    return [each for each in IDENTITY if each in text]


# --- P7: every look at an identity is recorded -----------------------------------------------------------------------


def unexplained(answers: list[tuple[AdviserId, str]], looks: list[tuple[int, int]]) -> int:
    """How many answers showed who somebody is without a look of that adviser's being on record."""
    left = [adviser for _, adviser in looks]
    wrong = 0
    for adviser, text in answers:
        if shown_in(text) and adviser in left:
            left.remove(adviser)
        elif shown_in(text):
            wrong += 1
    return wrong


async def everything_tried(visitor: Visitor, adviser: AdviserId, case_id: CaseId) -> list[tuple[AdviserId, str]]:
    """Every page of a case, and a look with and without a reason."""
    answers = [await visitor.get(f"/cases/{case_id}{path}") for path in PAGES]
    answers += [await visitor.post(f"/cases/{case_id}/contact/reveal", **fields) for fields in (WHY, {}, WHY)]
    answers += [await visitor.get("/"), await visitor.get("/search?ref=FL"), await visitor.get("/search?state=claimed")]
    return [(adviser, (await answer.read()).decode("latin-1")) for answer in answers]


async def test_whatever_is_tried_by_whomever_an_identity_is_shown_only_with_a_look_on_record(desk: DemoDesk) -> None:
    amira, ben, sian = team(desk)
    carys = desk.adviser("Carys Lewis", Role.LEAD)
    case_id = full_case(desk, amira)
    tried = []
    async with serving(desk, FakePeople(), FakeRecords()) as server:
        for adviser in (amira, ben, sian, carys):
            async with visiting(server, desk, adviser) as visitor:
                tried += await everything_tried(visitor, adviser, case_id)
    assert unexplained(tried, reveals(desk)) == 0
    assert sum(bool(shown_in(text)) for _, text in tried) == 6  # twice each by the holder, the senior and the lead
    assert reveals(desk) == [(case_id, each) for each in (amira, amira, sian, sian, carys, carys)]
    assert events_of(desk, "identity.revealed") == reveals(desk)
    assert (case_id, ben) in events_of(desk, NOT_THEIRS)


def test_a_look_that_is_on_no_record_is_noticed() -> None:
    """The control of the test above."""
    assert unexplained([(AdviserId(1), f"<dd>{PHONE}</dd>")], []) == 1
    assert unexplained([(AdviserId(1), PHONE), (AdviserId(1), PHONE)], [(7, 1)]) == 1


def test_nothing_opens_details_but_a_look_that_was_written(desk: DemoDesk) -> None:
    amira, ben, _ = team(desk)
    case_id = full_case(desk, amira)
    seal, reader = desk.ledger.seal, desk.ledger.reader()
    with pytest.raises(Refused):
        people.looked_at(reader, seal, 1)
    with pytest.raises(NotYours):
        desk.ledger.write_now(
            lambda conn: people.reveal(conn, seal, case_id, ben, RevealReason.OTHER, "x" * 20, desk.now())
        )
    with pytest.raises(Refused):
        people.looked_at(desk.ledger.reader(), seal, 1)


async def test_nothing_is_opened_when_the_look_cannot_be_written(desk: DemoDesk) -> None:
    """The disk says no after the form was sent: no details, no address, and a plain page."""
    amira, _, _ = team(desk)
    case_id = full_case(desk, amira)
    bot = FakePeople()
    async with serving(desk, bot) as server, visiting(server, desk, amira) as visitor:
        await visitor.page(f"/cases/{case_id}/contact")
        desk.ledger.write_now(
            lambda conn: conn.execute(
                "CREATE TRIGGER broken BEFORE INSERT ON identity_reveal BEGIN SELECT RAISE(ABORT, 'broken'); END"
            )
        )
        answer = await visitor.post(f"/cases/{case_id}/contact/reveal", **WHY)
        assert answer.status == 500
        assert shown_in(await answer.text()) == []
    assert bot.asked == []
    assert reveals(desk) == []


@pytest.mark.parametrize(
    "fields",
    [{}, {"reason": "call_back"}, {"words": WHY["words"]}, {**WHY, "reason": "curious"}, {**WHY, "words": "  short  "}],
)
async def test_without_a_reason_nothing_is_shown_and_what_was_typed_stays(
    desk: DemoDesk, fields: dict[str, str]
) -> None:
    amira, _, _ = team(desk)
    case_id = full_case(desk, amira)
    async with serving(desk, FakePeople()) as server, visiting(server, desk, amira) as visitor:
        answer = await visitor.post(f"/cases/{case_id}/contact/reveal", **fields)
        text = await answer.text()
        assert answer.status == 422
        assert "There is something to put right" in text
        assert fields.get("words", "").strip() in text
        assert shown_in(text) == []
        assert (await visitor.post(f"/cases/{case_id}/contact/reveal", csrf="forged", **WHY)).status == 403
        assert (await visitor.get(f"/cases/{case_id}/contact/reveal")).status == 303
    assert reveals(desk) == []


async def test_a_look_shows_details_and_address_once_and_is_kept_nowhere(
    desk: DemoDesk, caplog: pytest.LogCaptureFixture
) -> None:
    amira, _, _ = team(desk)
    case_id = full_case(desk, amira)
    caplog.set_level(logging.DEBUG)
    async with serving(desk, FakePeople()) as server, visiting(server, desk, amira) as visitor:
        answer = await visitor.post(
            f"/cases/{case_id}/contact/reveal", reason="danger", words="Jane is <b>not</b> answering \u202e"
        )
        text = await answer.text()
        assert set(shown_in(text)) == set(IDENTITY)
        assert answer.headers["Cache-Control"] == "no-store"
        assert not any(each in str(answer.url) for each in IDENTITY)
        later = await visitor.page(f"/cases/{case_id}/contact")
    assert shown_in(later) == []
    assert "[name] is &lt;b&gt;not&lt;/b&gt; answering ‹U+202E›" in later  # the reason, masked, for everybody to read
    assert "a name" in text
    assert not any(each in caplog.text for each in IDENTITY)


async def test_a_practice_case_has_no_address_and_a_forgotten_one_says_so(desk: DemoDesk) -> None:
    amira, _, _ = team(desk)
    case_id = held(desk, amira)
    async with serving(desk) as server, visiting(server, desk, amira) as visitor:
        text = await (await visitor.post(f"/cases/{case_id}/contact/reveal", **WHY)).text()
    assert "No contact details are kept" in text
    assert "There is no address to show" in text


# --- keeping them ----------------------------------------------------------------------------------------------------


async def test_only_the_holder_keeps_details_and_a_new_version_empties_the_old_one(desk: DemoDesk) -> None:
    amira, ben, sian = team(desk)
    case_id = held(desk, amira)
    async with serving(desk) as server:
        async with visiting(server, desk, amira) as visitor:
            for phone in (PHONE, "07700 900456"):
                answer = await visitor.post(f"/cases/{case_id}/contact", name=NAME, phone=phone)
                assert answer.status == 303
                assert NAME not in answer.headers["Location"]
            text = await visitor.page(f"/cases/{case_id}/contact")
            assert NAME not in text
            assert "written by you" in text
        for other in (ben, sian):
            async with visiting(server, desk, other) as visitor:
                assert (await visitor.post(f"/cases/{case_id}/contact", name="Somebody")).status == 404
    rows = desk.ledger.reader().execute("SELECT version, body IS NULL FROM contact ORDER BY version").fetchall()
    assert [tuple(row) for row in rows] == [(1, 1), (2, 0)]
    assert events_of(desk, "contact.kept") == [(case_id, amira)] * 2


async def test_details_are_taken_out_and_were_sealed_all_the_time(desk: DemoDesk) -> None:
    amira, _, _ = team(desk)
    case_id = full_case(desk, amira)
    raw = b"".join(path.read_bytes() for path in desk.ledger.path.parent.glob("desk.db*"))
    assert not any(each.encode() in raw for each in (NAME, PHONE, EMAIL))
    async with serving(desk, FakePeople()) as server, visiting(server, desk, amira) as visitor:
        for _ in range(2):
            assert (await visitor.post(f"/cases/{case_id}/contact", take_out="yes")).status == 303
        text = await (await visitor.post(f"/cases/{case_id}/contact/reveal", **WHY)).text()
    assert shown_in(text) == [ADDRESS]
    assert events_of(desk, "contact.taken_out") == [(case_id, amira)]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "Write at least one of the details"),
        ({"phone": "my number"}, "with digits"),
        ({"email": "philippa at example"}, "in full"),
        ({"name": LONG}, "too long"),
        ({"name": "Philippa", "best_time": LONG}, "too long"),
    ],
)
async def test_details_that_cannot_be_kept_are_given_back(desk: DemoDesk, fields: dict[str, str], problem: str) -> None:
    amira, _, _ = team(desk)
    case_id = held(desk, amira)
    async with serving(desk) as server, visiting(server, desk, amira) as visitor:
        answer = await visitor.post(f"/cases/{case_id}/contact", **fields)
        text = await answer.text()
    assert answer.status == 422
    assert problem in text
    assert all(value in text for value in fields.values())
    assert people.kept(desk.ledger.reader(), case_id) is None


@pytest.mark.parametrize("phone", ["020 7946 0123", "+44 7700 900123", "(020) 7946 0123 ext 12", "07700-900123"])
def test_telephone_numbers_as_people_write_them_are_taken(phone: str) -> None:
    assert Contact(phone=phone).faults() == ()


async def test_once_closed_only_seniors_look_and_nobody_adds(desk: DemoDesk) -> None:
    amira, _, sian = team(desk)
    case_id = full_case(desk, amira)
    close(desk, case_id, amira)
    async with serving(desk, FakePeople()) as server:
        async with visiting(server, desk, amira) as visitor:
            assert "Show them to me" not in await visitor.page(f"/cases/{case_id}/contact")
            answer = await visitor.post(f"/cases/{case_id}/contact/reveal", **WHY)
            assert (answer.status, shown_in(await answer.text())) == (404, [])
        async with visiting(server, desk, sian) as visitor:
            assert shown_in(await (await visitor.post(f"/cases/{case_id}/contact/reveal", **WHY)).text())


def test_the_trail_of_looks_outlives_the_words(desk: DemoDesk) -> None:
    """What the reason said can be forgotten; that somebody looked, when and why in a code, cannot."""
    amira, _, _ = team(desk)
    case_id, seal = full_case(desk, amira), desk.ledger.seal
    desk.ledger.write_now(
        lambda conn: people.reveal(conn, seal, case_id, amira, RevealReason.MISTAKE, "Wrong digit", desk.now())
    )
    desk.ledger.write_now(lambda conn: conn.execute("UPDATE identity_reveal SET words = NULL"))
    assert [(each.reason, each.words) for each in people.reveals(desk.ledger.reader(), seal, case_id)] == [
        (RevealReason.MISTAKE, None)
    ]
    with pytest.raises(sqlite3.IntegrityError):
        desk.ledger.write_now(lambda conn: conn.execute("DELETE FROM identity_reveal"))


def test_contact_details_are_in_no_representation() -> None:
    assert not any(each in repr(CONTACT) for each in IDENTITY)


# --- the bot's door --------------------------------------------------------------------------------------------------


def heard(house: SmallHouse, person: Person, id_: str) -> Turn:
    return Turn(WHATSAPP, person.address, id_, Said("hello", house.clock()), person)


async def test_the_bot_knows_other_conversations_of_one_address_and_of_no_other(house: SmallHouse) -> None:
    door = doors_of(house.firstline).people
    assert door
    first = await house.asks_for_people("ann", TELEGRAM)
    ann = house.one("SELECT conversation FROM cases WHERE id = ?", first)
    await house.say("hello", "bob", channel=TELEGRAM)
    assert door.same_person(ann) == ()
    await house.say("stop", "ann", channel=TELEGRAM)
    house.firstline.ledger.write_now(
        lambda db: db.execute("UPDATE conversation SET ended_at = last_turn_at WHERE id = ?", [ann])
    )
    await house.say("hello again", "ann", channel=TELEGRAM)
    newest = house.one("SELECT max(id) FROM conversation")
    assert door.same_person(ann) == (newest,)
    assert door.same_person(newest) == (ann,)
    assert door.address(newest) == ("telegram", "ann")
    assert door.same_person(-1) == ()
    assert door.address(999) is None


async def test_the_key_to_a_web_chat_is_no_address(house: SmallHouse) -> None:
    door = doors_of(house.firstline).people
    assert door
    await house.say("hello", "k" * 43, channel=WEB)
    assert door.address(house.one("SELECT max(id) FROM conversation")) is None


async def test_a_number_is_shown_as_one_rings_it(house: SmallHouse) -> None:
    door = doors_of(house.firstline).people
    assert door
    for id_, person in (("a", Person("user-7", "447700900123")), ("b", Person("user-8", None))):
        await house.firstline.rooms.answer(heard(house, person, id_))
    assert door.address(1) == ("whatsapp", "+447700900123")
    assert door.address(2) == ("whatsapp", "user-8")


async def test_a_forgotten_conversation_has_no_address_and_no_record(house: SmallHouse) -> None:
    doors = doors_of(house.firstline)
    assert doors.people
    assert doors.records
    await house.say("hello", "ann")
    assert doors.records.of(1)
    house.firstline.ledger.write_now(lambda db: db.execute("UPDATE conversation SET ended_at = last_turn_at"))
    house.clock.at += timedelta(days=40)
    await house.firstline.upkeep.forget()
    assert doors.people.address(1) is None
    assert doors.records.of(1) is None


async def test_the_bot_gives_what_it_asked_and_advised_with_the_pages_as_they_were(house: SmallHouse) -> None:
    records = doors_of(house.firstline).records
    assert records
    case_id = await house.asks_for_people()
    known = records.of(house.one("SELECT conversation FROM cases WHERE id = ?", case_id))
    assert known
    library = house.firstline.shelf.live().library
    assert known.library == library.version
    page = next(iter(library.pages.values()))
    shown = records.page(page.id, library.version, house.clock())
    assert shown
    assert (shown.title, shown.status, shown.library) == (page.title, page.status.value, library.version)
    assert records.page("no-such-page", library.version, None) is None
    assert records.page(page.id, "no-such-version", None) is None
    assert records.labels()["record_title"] == "Record of advice"
