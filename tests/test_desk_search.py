"""Search: codes and references only, what one may see and nothing else, paged, found by an index."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from handoff import advisers
from handoff.console.reading import may_see
from handoff.desk import Desk
from handoff.domain import AdviserId, CaseId, NewCase, Role, State
from handoff.finding import FAR_ENOUGH, PAGE_OF, Wanted, find, reference_part
from tests.demo_desk import MONDAY, Clock, DemoDesk, desk_in
from tests.recorded import NOTE, TALK, close, full_case, held, reference_of, serving, team
from tests.test_console import visiting


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


def hits(desk: DemoDesk, adviser: AdviserId, **wanted: object) -> list[CaseId]:
    reader = desk.ledger.reader()
    found = find(reader, Wanted(**wanted), advisers.find(reader, adviser), desk.now())  # type: ignore[arg-type]
    assert found.total == len(found.hits)
    return [hit.id for hit in found.hits]


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("FL-7K2P-XM", "FL-7K2P-XM"),
        (" fl-7k2p-xm ", "FL-7K2P-XM"),
        ("7k2pxm", "FL-7K2P-XM"),
        ("fl 7k2p xm", "FL-7K2P-XM"),
        ("7k2p", "7K2P"),
        ("2P-X", "2PX"),
        ("fl", ""),
        ("7", ""),
        ("Smith", ""),
        ("7k2pxm7", ""),
        ("' OR 1=1 --", ""),
        ("%%", ""),
        ("", ""),
        ("\u202efl", ""),
    ],
)
def test_a_reference_is_read_as_people_type_it(typed: str, part: str) -> None:
    assert reference_part(typed) == part


def test_each_field_narrows_what_is_found(desk: DemoDesk, clock: Clock) -> None:
    _, ben, sian = team(desk)
    first = held(desk, ben, concern="hacking")
    close(desk, first, ben)
    clock.pass_(timedelta(days=3))
    second = held(desk, ben, concern="hacking")
    third = desk.case(1, "scams")
    monday, thursday = MONDAY.date(), MONDAY.date() + timedelta(days=3)
    assert hits(desk, sian) == [third, second, first]
    assert hits(desk, sian, reference=reference_of(desk, second)) == [second]
    assert second in hits(desk, sian, reference=reference_of(desk, second)[5:7])
    assert hits(desk, sian, category="hacking") == [second]
    assert hits(desk, sian, category="impersonation") == [first]  # what it was closed as counts
    assert hits(desk, sian, until=monday) == [first]
    assert hits(desk, sian, since=thursday) == [third, second]
    assert hits(desk, sian, since=monday, until=monday + timedelta(days=1)) == [first]
    assert hits(desk, sian, holder=ben) == [second, first]
    assert hits(desk, sian, state=State.DONE) == [first]
    assert hits(desk, sian, state=State.WAITING, category="scams", since=thursday) == [third]


def test_what_one_finds_is_what_one_may_see(desk: DemoDesk, clock: Clock) -> None:
    """Every case in every state against the one rule of who may see what; so the SQL and the rule cannot drift."""
    amira, ben, sian = team(desk)
    everybody = [amira, ben, sian, desk.adviser("Carys Lewis", Role.LEAD)]
    made = [desk.case(), held(desk, amira), held(desk, ben)]
    for holder in (amira, ben):
        made.append(held(desk, holder))
        close(desk, made[-1], holder)
    offered = held(desk, ben)
    desk.say(offered, ben, "Hello")
    desk.ledger.write_now(lambda conn: desk.queue.offer(conn, offered, ben, amira, desk.now()))
    left = desk.case()
    sql = "SELECT conversation FROM cases WHERE id = ?"
    conversation = desk.ledger.reader().execute(sql, [left]).fetchone()[0]
    desk.ledger.write_now(lambda conn: desk.queue.abandon(conn, conversation, desk.now()))
    made += [offered, left]
    for later in (timedelta(), timedelta(days=91)):
        clock.pass_(later)
        reader, shown = desk.ledger.reader(), Desk(desk.ledger.seal)
        for each in everybody:
            adviser = advisers.find(reader, each)
            seen = {case_id for case_id in made if may_see(adviser, shown.case(reader, case_id, desk.now()).row)}
            assert set(hits(desk, each)) == seen, adviser.name


def test_practice_is_never_found(desk: DemoDesk) -> None:
    _, _, sian = team(desk)
    new = NewCase(-1, 2, "asked", "web", "v1")
    desk.ledger.write_now(lambda conn: desk.queue.open_case(conn, new, desk.now()))
    assert hits(desk, sian) == []


async def test_the_page_says_what_cannot_be_searched_and_shows_no_words(desk: DemoDesk) -> None:
    amira, _, _ = team(desk)
    case_id = full_case(desk, amira)
    async with serving(desk) as server, visiting(server, desk, amira) as visitor:
        empty = await visitor.page("/search")
        assert "sealed and cannot be searched" in empty
        assert reference_of(desk, case_id) not in empty.partition("<main")[2]  # nothing asked, nothing listed
        text = await visitor.page(f"/search?ref={reference_of(desk, case_id).lower()}")
        assert f"/cases/{case_id}/record" in text
        assert "1 case" in text
        assert not any(each in text for each in (NOTE, TALK, "someone made a tiktok"))
        assert "No case that you may see fits" in await visitor.page("/search?ref=2222")


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("ref=Smith", "Write a reference"),
        ("ref=" + "9" * 20_000, None),
        ("since=yesterday", "first day"),
        ("since=2026-13-01", "first day"),
        ("since=2026-11-02&until=2026-11-01", "last day"),
        ("holder=amira", "somebody from the list"),
        ("state=lost", "state from the list"),
        ("category=Mr%20Smith", "category from the list"),
        ("ref=%3Cscript%3E", "Write a reference"),
    ],
)
async def test_what_cannot_be_searched_for_is_said_and_kept(desk: DemoDesk, query: str, problem: str | None) -> None:
    amira, _, _ = team(desk)
    async with serving(desk) as server, visiting(server, desk, amira) as visitor:
        answer = await visitor.get(f"/search?{query}")
        assert answer.status in {422, 400, 414}
        text = await answer.text()
    assert problem is None or problem in text
    assert "<script>" not in text


async def test_hits_come_page_by_page_newest_first(desk: DemoDesk) -> None:
    amira, _, _ = team(desk)
    made = [desk.case() for _ in range(PAGE_OF + 3)]
    async with serving(desk) as server, visiting(server, desk, amira) as visitor:
        first = await visitor.page("/search?state=waiting")
        assert f"{len(made)} cases, 1 to {PAGE_OF} shown" in first
        assert f'id="hit-{made[-1]}"' in first
        assert f'id="hit-{made[0]}"' not in first
        second = await visitor.page("/search?state=waiting&page=2")
        assert f'id="hit-{made[0]}"' in second
        assert "Older" not in second
        beyond = await visitor.get("/search?state=waiting&page=99")
        assert beyond.status == 303
        assert "page=2" in beyond.headers["Location"]
        for odd in ("0", "-1", "x", "9" * 400):
            assert (await visitor.get(f"/search?state=waiting&page={odd}")).status in {200, 303}


def test_days_are_counted_as_they_were_kept(desk: DemoDesk) -> None:
    _, _, sian = team(desk)
    case_id = desk.case()
    assert hits(desk, sian, since=date(2026, 11, 23), until=date(2026, 11, 23)) == [case_id]
    assert FAR_ENOUGH % PAGE_OF == 0
