"""The planning page: questions answered, what is missing said, terms kept, bad input asked again."""

import html
import re
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from handoff import terms
from handoff.domain import Role
from tests.arrivals_made import busy_weeks
from tests.demo_desk import Clock, DemoDesk, desk_in
from tests.test_console import Visitor, visiting

FIRST, LAST = date(2026, 8, 31), date(2026, 11, 22)
A_TERM = {
    "name": "Made-up term",
    "nation": "wales",
    "first": "2026-09-01",
    "last": "2026-12-18",
    "source": "made up for this test",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, Clock())
    yield made
    made.ledger.close()


@pytest.fixture
async def visitor(desk: DemoDesk) -> AsyncIterator[Visitor]:
    server = TestServer(desk.app())
    await server.start_server()
    async with visiting(server, desk, desk.adviser("Carys Lewis", Role.LEAD, capacity=2)) as visiting_desk:
        yield visiting_desk
    await server.close()


def plain(page: str) -> str:
    """What is read on a page, without its marks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])).split())


async def test_an_empty_desk_says_what_is_missing(visitor: Visitor) -> None:
    page = plain(await visitor.page("/planning"))
    assert "No answer yet" in page
    assert "No live case came" in page
    assert "No terms are set. Charts have no shading, and say so." in page


async def test_the_question_is_answered_with_its_arithmetic(desk: DemoDesk, visitor: Visitor) -> None:
    desk.ledger.write_now(lambda conn: busy_weeks(conn, FIRST, LAST))
    page = plain(await visitor.page("/planning?day=mon&from=10&to=12&percent=80&minutes=5&factor=1"))
    needed = int(re.search(r"(\d+) advisers on Monday from 10 to 12", page)[1])  # type: ignore[index]
    assert 2 <= needed <= 12
    for said in ("80% are answered within 5 minutes", "the mean of 12 Mondays", "With one fewer it would be"):
        assert said in page, said
    more = plain(await visitor.page("/planning?day=mon&from=10&to=12&percent=80&minutes=5&factor=6"))
    surge = int(re.search(r"(\d+) advisers on Monday", more)[1])  # type: ignore[index]
    assert 3 * needed < surge < 6 * needed
    assert re.search(rf"6× 500% more [\d.]+ {surge} ", page), "the what-if table knows it too"
    assert "500% more" in page


async def test_weeks_of_long_ago_are_found_and_measured(desk: DemoDesk, visitor: Visitor) -> None:
    desk.ledger.write_now(lambda conn: busy_weeks(conn, date(2022, 8, 8), date(2022, 10, 31)))
    page = await visitor.page("/planning")
    assert "The newest ended case is of 31 October 2022" in plain(page)
    place = re.search(r'href="/desk(/planning\?until=[^"]+)"', page)
    assert place
    there = plain(await visitor.page(place[1] + "&from=10&to=12"))
    assert "mean of 12 weeks, 9 August 2022 to 31 October 2022" in there
    assert "advisers on Monday from 10 to 12" in there


async def test_a_handling_time_and_a_number_at_once_may_be_said(desk: DemoDesk, visitor: Visitor) -> None:
    desk.ledger.write_now(lambda conn: busy_weeks(conn, FIRST, LAST))
    answers = {
        more: int(
            re.search(r"(\d+) advisers? on Monday", plain(await visitor.page(f"/planning?from=10&to=12{more}")))[1]
        )  # type: ignore[index]
        for more in ("", "&handling=60", "&at_once=1")
    }
    assert answers["&handling=60"] > answers[""] < answers["&at_once=1"]


WRONG_QUESTIONS = [
    ("day=someday", "Choose a day of the week"),
    ("from=11&to=11", "full hour after the first"),
    ("from=25", "full hour from 0 to 23"),
    ("from=%D9%A9", "full hour from 0 to 23"),
    ("percent=100", "from 1 to 99"),
    ("minutes=0", "more than 0 and up to 240"),
    ("minutes=nan", "more than 0 and up to 240"),
    ("factor=-6", "how many times as many"),
    ("factor=1e9", "how many times as many"),
    ("handling=soon", "leave it empty"),
    ("at_once=21", "from 1 to 20"),
    ("until=soon", "Choose a day"),
    ("until=2026-11-23", "to yesterday"),
    ("until=0001-01-01", "to yesterday"),
    ("percent=" + "9" * 3000, "from 1 to 99"),
]
WRONG_TERMS = [
    ("name", ""),
    ("name", "x" * 500),
    ("nation", "france"),
    ("first", "soon"),
    ("last", "2026-08-31"),
    ("last", "2027-08-31"),
    ("source", ""),
]


async def test_what_cannot_be_asked_is_asked_again(visitor: Visitor) -> None:
    for query, said in WRONG_QUESTIONS:
        answer = await visitor.get(f"/planning?{query}")
        page = await answer.text()
        assert answer.status == 422, query
        assert "There is something to correct" in page
        assert said in plain(page), query
        name, _, value = query.partition("=")
        if name in {"percent", "minutes", "factor", "handling", "at_once"}:
            assert f'value="{value[:20]}"' in page, "what was typed is still there"


async def test_terms_are_added_and_removed(desk: DemoDesk, visitor: Visitor) -> None:
    assert (await visitor.post("/planning/terms", **A_TERM)).status == 303
    page = await visitor.page("/planning")
    assert "1 September 2026" in page
    assert "Wales" in page
    (term,) = terms.listed(desk.ledger.reader())
    again = await visitor.post("/planning/terms", **A_TERM)
    assert again.status == 422
    assert "There is a term of these days already" in await again.text()
    for _ in range(2):
        assert (await visitor.post(f"/planning/terms/{term.id}/remove")).status == 303
    assert terms.listed(desk.ledger.reader()) == ()
    kinds = [row[0] for row in desk.ledger.reader().execute("SELECT kind FROM event WHERE kind LIKE 'terms.%'")]
    assert kinds == ["terms.added", "terms.removed"]


async def test_a_wrong_term_comes_back_as_it_was_typed(desk: DemoDesk, visitor: Visitor) -> None:
    for field, value in WRONG_TERMS:
        answer = await visitor.post("/planning/terms", **{**A_TERM, field: value})
        page = await answer.text()
        assert answer.status == 422, field
        assert f'id="term-{field}-problem"' in page
        assert f'value="{A_TERM["source"]}"' in page or field == "source"
        assert terms.listed(desk.ledger.reader()) == ()


async def test_a_term_s_words_stay_words(visitor: Visitor) -> None:
    await visitor.post("/planning/terms", **{**A_TERM, "name": "<b>Autumn</b>", "nation": "all"})
    page = await visitor.page("/planning")
    assert "&lt;b&gt;Autumn" in page
    assert "<b>Autumn" not in page
