"""The dashboard at the desk: an empty, a bad and a busy day; passing a miss on; a flow with its counts."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from bot.doors.flows import LiveFlows
from bot.library.model import Library
from handoff import gaps
from handoff.domain import AdviserId, DeliveryState, Role
from handoff.doors import Doors, FlowCard, HouseFacts, StalePage, StepCaption
from tests.builders import files, loaded
from tests.demo_desk import Clock, DemoDesk, desk_in
from tests.test_console import Visitor, visiting
from tests.test_dashboard import CASE, CONTACT, MISS, PAGE, STEP, TODAY, case, contact, write
from tests.test_desk_deciding import shipped_library

CARDS = {
    "fake": FlowCard(
        "fake", "Fake account", {"ask": "Who does it pretend to be?", "told": "Report it"}, frozenset({"told"})
    ),
    "start": FlowCard("start", "Start", {"role": "What best describes you?"}, frozenset()),
}


class FakeFlows:
    def __init__(self) -> None:
        self.captions: Mapping[str, StepCaption] = {}

    def listed(self) -> Mapping[str, FlowCard]:
        return CARDS

    def diagram(self, flow: str, captions: Mapping[str, StepCaption]) -> str | None:
        self.captions = captions
        return f'<svg role="img"><title>{flow}</title></svg>' if flow in CARDS else None


class FakeReviews:
    def stale(self, today: date) -> tuple[StalePage, ...]:
        return (StalePage("fake-page", "guidance", "Report it", "team", today, True, True, True),)

    def pages(self) -> tuple[tuple[str, str], ...]:
        return (("fake-page", "Report a fake account"),)


class FakeHouse:
    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def facts(self) -> HouseFacts:
        raise NotImplementedError

    def stuck(self) -> dict[str, int]:
        return self.counts


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


@pytest.fixture
def flows() -> FakeFlows:
    return FakeFlows()


@pytest.fixture
def house() -> FakeHouse:
    return FakeHouse()


@pytest.fixture
async def server(desk: DemoDesk, flows: FakeFlows, house: FakeHouse) -> AsyncIterator[TestServer]:
    running = TestServer(desk.app(doors=Doors(flows=flows, reviews=FakeReviews(), house=house)))
    await running.start_server()
    yield running
    await running.close()


@pytest.fixture
def carys(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Carys Lewis", Role.LEAD)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as open_visits:
        yield open_visits


@pytest.fixture
async def lead(stack: AsyncExitStack, server: TestServer, desk: DemoDesk, carys: AdviserId) -> Visitor:
    return await stack.enter_async_context(visiting(server, desk, carys))


def words(page: str, id_: str = "main") -> str:
    """What one part of a page says, without its marks."""
    part = re.search(rf'<(section|div|main)[^>]* id="{id_}".*?</\1>', page, re.DOTALL)
    assert part, f"there is no {id_}"
    return " ".join(unescape(re.sub("<[^>]+>", " ", part[0])).split())


# --- what it says ----------------------------------------------------------------------------------------------------


async def test_an_empty_service_is_all_right(lead: Visitor) -> None:
    page = await lead.page("/now")
    assert "Today is all right" in words(page, "verdict")
    assert 'class="light verdict light-green"' in page
    for said in (
        "Not enough weeks to compare",
        "Nothing is overdue, in doubt or stuck.",
        "Nine weeks of cases are needed to say what is usual.",
        "Nothing was missed.",
        "Nobody broke off.",
        "No page was shown.",
    ):
        assert said in words(page)


async def test_one_contact_is_told_without_a_share(desk: DemoDesk, lead: Visitor) -> None:
    write(desk, CONTACT, contact(TODAY))
    page = words(await lead.page("/now"), "today")
    assert "not enough to say of contacts; 1 of 1" in page
    assert "%" not in page


async def test_a_bad_morning_says_what_to_look_at_and_where(
    desk: DemoDesk, clock: Clock, house: FakeHouse, lead: Visitor, carys: AdviserId
) -> None:
    held = desk.case(2)
    desk.claim(held, carys)
    desk.say(held, carys, "Hello", DeliveryState.UNKNOWN)
    desk.case(0)
    house.counts = {"message_queued": 1}
    page = await lead.page("/now")
    seen = words(page, "verdict")
    assert 'class="light verdict light-red"' in page
    told = re.findall(r"Somebody[^.]*\.|1 message[^.]*\.|1 thing[^.]*\.", seen)
    assert told == ["Somebody in danger waits.", "1 message may not have arrived.", "1 thing is stuck."]
    assert "a message that has not gone out for 10 minutes" in words(page, "queue")
    links = re.findall('href="([^"]+)"', page[page.index('id="verdict"') : page.index('id="stretches"')])
    assert links[0] == "/desk/"
    assert "/desk/wall" in links


async def test_amber_is_not_red(
    stack: AsyncExitStack, server: TestServer, desk: DemoDesk, clock: Clock, carys: AdviserId
) -> None:
    desk.case(2)
    clock.pass_(timedelta(hours=3))
    lead = await stack.enter_async_context(visiting(server, desk, carys))
    page = await lead.page("/now")
    assert 'class="light verdict light-amber"' in page
    assert "1 case is overdue." in words(page, "verdict")
    assert "is-danger" not in page[page.index('id="verdict"') : page.index('id="stretches"')]


async def test_today_stands_beside_what_is_usual_with_the_weeks_in_words(desk: DemoDesk, lead: Visitor) -> None:
    for back in range(1, 6):
        write(desk, CONTACT, *[contact(TODAY - timedelta(weeks=back))] * 1200)
        write(desk, CASE, *[case(TODAY - timedelta(weeks=back))] * 3)
    write(desk, CONTACT, *[contact(TODAY)] * 2300)
    page = await lead.page("/now")
    today = words(page, "today")
    assert "2,300 2,300 by 10:00; usually 1,200" in today
    assert "Cases 0 0 by 10:00; usually 3" in today
    assert 'aria-label="Mondays by 10:00: 19 Oct 1,200, 26 Oct 1,200, ' in page
    assert "now 2,300" in page


async def test_on_a_monday_the_week_is_today_and_on_a_tuesday_its_own(
    stack: AsyncExitStack, server: TestServer, desk: DemoDesk, clock: Clock, carys: AdviserId
) -> None:
    write(desk, CONTACT, contact(TODAY))
    monday = await stack.enter_async_context(visiting(server, desk, carys))
    page = await monday.page("/now")
    assert 'id="week"' not in page
    assert words(page, "today").startswith("Today and the week so far Contacts 1")
    clock.pass_(timedelta(days=1))
    tuesday = await stack.enter_async_context(visiting(server, desk, carys))
    assert words(await tuesday.page("/now"), "week").startswith("This week since Monday 23 November Contacts 1")


SURGE = """INSERT INTO case_facts (period, hour, channel, language, library, reason, tier, issue, outcome, put_back,
    platform, nation) VALUES (?, 9, 'web', 'en', 'v1', 'asked', 2, 'hate', 'advised', 0, ?, ?)"""


async def test_a_surge_is_told_in_words_with_what_was_seen_and_what_is_usual(desk: DemoDesk, lead: Visitor) -> None:
    for back in range(10):
        write(desk, SURGE, *[(f"{TODAY - timedelta(weeks=back, days=2)}", "tiktok", "wales")] * 3)
    page = await lead.page("/now")
    assert words(page, "surges").endswith("Nothing is above what is usual.")
    assert "and nothing is above what is usual" in words(page, "verdict")
    write(desk, SURGE, *[(f"{TODAY}", "tiktok", "wales")] * 21)
    page = await lead.page("/now")
    assert (
        "Hate or prejudice · TikTok · Wales 24 cases where 3 are usual: 8.0 times as many."
        " Above usual since Saturday 21 November."
    ) in words(page, "surges")
    assert "1 subject is above what is usual." in words(page, "verdict")


async def test_what_is_new_and_not_known_in_full_is_told_too(desk: DemoDesk, lead: Visitor) -> None:
    write(desk, CASE, *[case(TODAY - timedelta(weeks=back)) for back in range(10)])
    write(desk, SURGE, *[(f"{TODAY}", None, "wales")] * 12)
    told = words(await lead.page("/now"), "surges")
    assert "Hate or prejudice · Wales 12 cases where none had come in the weeks before. Above usual since" in told


async def test_every_part_that_grows_old_is_live(lead: Visitor) -> None:
    page = await lead.page("/now")
    live = set(re.findall(r'<\w+[^>]* id="([a-z-]+)" data-live', page))
    assert {"now-at", "verdict", "stretches", "queue", "surges", "misses", "stops", "pages"} <= live


async def test_pages_are_told_with_their_n_and_what_is_overdue(desk: DemoDesk, lead: Visitor) -> None:
    write(desk, PAGE, (f"{TODAY}", "fake-page", 12, 3, 1, 4), (f"{TODAY}", "gone-page", 40, 0, 0, 0))
    told = words(await lead.page("/now"), "pages")
    assert "Report a fake account review overdue 12 38% 50% n 8" in told
    assert "gone-page 40 – not enough to say – not enough to say n 0" in told


async def test_the_detailed_figures_are_reached_from_here_and_count_the_same(desk: DemoDesk, lead: Visitor) -> None:
    desk.case(2)
    write(desk, CASE, *[case(TODAY)] * 6)
    page = await lead.page("/now")
    assert 'href="/desk/figures"' in page
    assert page.count('href="/desk/figures"') == 1
    assert "Cases 7" in words(page, "today")
    assert "All 7 6 0" in words(await lead.page("/figures"), "today")


# --- passing a miss on -----------------------------------------------------------------------------------------------


async def test_a_miss_is_passed_on_to_the_editors_in_words_made_of_codes(
    desk: DemoDesk, lead: Visitor, carys: AdviserId
) -> None:
    write(desk, MISS, (f"{TODAY}", "not_understood", "hate", "tiktok", "start/role", 7))
    page = await lead.page("/now")
    told = words(page, "misses")
    assert "Hate or prejudice · TikTok What best describes you?" in told
    mark = re.search('name="mark" value="([0-9a-f]+)"', page)
    assert mark
    for _ in range(2):
        answer = await lead.post("/now/gaps", mark=mark[1])
        assert (answer.status, answer.headers["Location"]) == (303, "/desk/now#misses")
    (gap,) = gaps.listed(desk.ledger.reader(), desk.ledger.seal)
    assert gap.words == (
        "Not understood, 7 times in four weeks. Subject: Hate or prejudice. Platform: TikTok."
        " Asked there: “What best describes you?” (step start/role)"
    )
    assert (gap.concern, gap.adviser) == ("hate", carys)
    told = words(await lead.page("/now"), "misses")
    assert "passed on" in told
    assert "1 gap open" in told
    events = desk.ledger.reader().execute("SELECT adviser FROM event WHERE kind = 'gap.reported'").fetchall()
    assert [row[0] for row in events] == [carys]


@pytest.mark.parametrize("mark", ["", "x", "0" * 16, "9" * 4000])
async def test_a_mark_that_names_nothing_changes_nothing(desk: DemoDesk, lead: Visitor, mark: str) -> None:
    write(desk, MISS, (f"{TODAY}", "not_understood", "hate", "tiktok", "start/role", 7))
    assert (await lead.post("/now/gaps", mark=mark)).status == 303
    assert gaps.listed(desk.ledger.reader(), desk.ledger.seal) == ()


async def test_an_auditor_looks_and_changes_nothing(stack: AsyncExitStack, server: TestServer, desk: DemoDesk) -> None:
    write(desk, MISS, (f"{TODAY}", "not_understood", "hate", "tiktok", "start/role", 7))
    desk.case(0)
    auditor = await stack.enter_async_context(visiting(server, desk, desk.adviser("Edward Quayle", Role.AUDITOR)))
    page = await auditor.page("/now")
    main = page[page.index('id="main"') : page.index("</main>")]
    assert "<form" not in main
    for place in re.findall('href="(/desk[^"#]*)"', main):
        assert (await auditor.get(place.removeprefix("/desk"))).status == 200, place
    assert (await auditor.post("/now/gaps", mark="x")).status == 403


# --- a flow ----------------------------------------------------------------------------------------------------------


async def test_a_flow_has_its_counts_on_the_diagram_and_as_a_table(
    desk: DemoDesk, flows: FakeFlows, lead: Visitor
) -> None:
    write(desk, STEP, (f"{TODAY}", "fake", "ask", 1200, 60), (f"{TODAY}", "fake", "told", 900, 300))
    page = await lead.page("/now/flows/fake")
    assert '<svg role="img">' in page
    assert flows.captions == {
        "ask": StepCaption("1,200 reached · 60 left (5%)", 0.05),
        "told": StepCaption("900 reached · 300 ended", None),
    }
    told = words(page)
    assert "Who does it pretend to be? ask 1,200 60 5%" in told
    assert "300 ended here: nothing more is asked" in told
    assert 'aria-labelledby="diagram-title" tabindex="0"' in page


@pytest.mark.parametrize(
    ("query", "reached"), [("", "30"), ("?over=week", "10"), ("?over=all", "60"), ("?over=ever", "30")]
)
async def test_a_flow_is_counted_over_the_days_that_were_chosen(
    desk: DemoDesk, lead: Visitor, query: str, reached: str
) -> None:
    days = ((0, 10), (7, 20), (28, 30))
    write(desk, STEP, *((f"{TODAY - timedelta(days=back)}", "fake", "ask", times, 1) for back, times in days))
    page = words(await lead.page(f"/now/flows/fake{query}"))
    assert f"ask {reached} " in page


async def test_a_flow_nobody_knows_is_not_found_and_one_that_was_withdrawn_keeps_its_table(
    desk: DemoDesk, lead: Visitor
) -> None:
    assert (await lead.get("/now/flows/nowhere")).status == 404
    write(desk, STEP, (f"{TODAY}", "old_flow", "asked", 20, 5))
    page = words(await lead.page("/now/flows/old_flow"))
    assert "old flow" in page
    assert "it is not in the library any more" in page
    assert "20 5 25%" in page


async def test_with_shut_doors_there_is_everything_but_the_diagram(
    stack: AsyncExitStack, desk: DemoDesk, carys: AdviserId
) -> None:
    write(desk, STEP, (f"{TODAY}", "fake", "ask", 20, 5))
    async with TestServer(desk.app()) as running:
        lead = await stack.enter_async_context(visiting(running, desk, carys))
        assert "ask" in words(await lead.page("/now"), "stops")
        page = await lead.page("/now/flows/fake")
        assert "<svg" not in page
        assert "the library cannot be read at the moment" in page
        assert "20 5 25%" in words(page)


# --- the live library's flows ----------------------------------------------------------------------------------------


class Shelf:
    def __init__(self, library: Library) -> None:
        self.library = library

    def live(self) -> "Shelf":
        return self


FLOW = """
flows:
  fork:
    description: Asks, shows, and asks again or ends.
    steps:
      - id: ask
        collect: seen_by
        next: [{if: slots.seen_by is "few", then: shown}, {else: shown_last}]
      - {id: shown, action: utter_done, next: ask_again}
      - {id: ask_again, collect: seen_by, next: shown_last}
      - {id: shown_last, action: utter_done, next: forget}
      - {id: forget, set_slots: [{seen_by: null}], next: END}
  passes_on:
    description: Shows, then goes on elsewhere.
    steps:
      - {id: shown, action: utter_done, next: on}
      - {id: on, link: fork}
"""


def test_a_step_is_an_end_when_nothing_is_asked_after_it() -> None:
    cards = LiveFlows(Shelf(loaded(files(FLOW)))).listed()  # type: ignore[arg-type]
    assert cards["fork"].ends == {"shown_last"}
    assert cards["passes_on"].ends == frozenset()
    assert list(cards["fork"].steps) == ["ask", "shown", "ask_again", "shown_last", "forget"]


def test_every_shipped_flow_has_a_card_and_what_is_asked_at_its_end_is_an_end() -> None:
    shelf = Shelf(shipped_library())
    cards = LiveFlows(shelf).listed()  # type: ignore[arg-type]
    assert set(cards) == set(shelf.library.flows)
    assert "ask_next" in cards["pattern_completed"].ends
    assert not any("ask_next" in card.ends for id_, card in cards.items() if id_ != "pattern_completed")
    assert cards["start"].steps["ask_role"] == "What best describes you?"


def test_a_diagram_carries_captions_and_there_is_none_of_a_flow_that_went() -> None:
    door = LiveFlows(Shelf(loaded(files(FLOW))))  # type: ignore[arg-type]
    drawn = door.diagram("fork", {"ask": StepCaption("20 reached · 5 left (25%)", 0.25)})
    assert drawn
    assert "20 reached · 5 left (25%)" in drawn
    assert door.diagram("gone", {}) is None
