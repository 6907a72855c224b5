"""The threshold clarifier: it never lowers, names its framework, keeps why for good, and asks somebody else."""

from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.doors.thresholds import LiveThresholds
from bot.errors import UnknownVersion
from bot.library.load import load
from bot.library.model import Library
from handoff import decisions
from handoff.console.app import console
from handoff.desk import events_after
from handoff.domain import AdviserId, CaseId, Role
from handoff.doors import Doors
from handoff.thresholds import Answer, Rule, Threshold, gravity, next_rule, verdict
from tests.demo_desk import OPEN, Clock, DemoDesk, desk_in
from tests.test_console import Visitor, _mask, found, visiting

ROOT = Path(__file__).parent.parent
TODAY = date(2026, 11, 23)
NATIONS = ("england", "wales", "scotland", "northern_ireland", None)
Y, N, D = Answer
RULES = (
    Rule("An adult is involved", "refer_today", "The police are told today."),
    Rule("Somebody is in danger", "emergency", "Call 999 now."),
    Rule("It has happened before", "tell_lead", "Your lead decides."),
    Rule("None of the reasons", "tell_lead", "Your lead decides today.", stands=True),
)


class FakeThresholds:
    """One page, at two versions; it does not hold in Wales."""

    def all(self, nation: str | None) -> tuple[Threshold, ...]:
        return () if nation == "wales" else (self._page("v2", nation),)

    def one(self, page: str, nation: str | None, library: str | None = None) -> Threshold | None:
        known = page == "threshold-nudes" and nation != "wales" and library in {None, "v1", "v2"}
        return self._page(library or "v2", nation) if known else None

    def _page(self, library: str, nation: str | None) -> Threshold:
        framework = f"Sharing nudes, 2024 ({nation})"
        rules = RULES if library == "v2" else RULES[1:]
        title = "A sexual image of a child"
        return Threshold("threshold-nudes", title, ("nudes",), framework, library, False, date(2026, 9, 1), True, rules)


class FakeShelf:
    def __init__(self, library: object) -> None:
        self.library = library

    def live(self) -> "FakeShelf":
        return self

    def pinned(self, version: str) -> "FakeShelf":
        if version != self.library.version:  # type: ignore[attr-defined]
            raise UnknownVersion(version)
        return self


@cache
def shipped_library() -> Library:
    return load(ROOT).good()


def shipped() -> LiveThresholds:
    return LiveThresholds(FakeShelf(shipped_library()), lambda: TODAY)  # type: ignore[arg-type]


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
    doors = Doors(thresholds=FakeThresholds())
    app = web.Application()
    app.add_subapp("/desk", console(desk.ledger, desk.queue, OPEN, desk.now, False, _mask, doors=doors))
    async with TestServer(app) as running:
        yield running


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


@pytest.fixture
async def visitor(server: TestServer, desk: DemoDesk, amira: AdviserId) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, amira) as visiting_desk:
        yield visiting_desk


def held(desk: DemoDesk, adviser: AdviserId, tier: int = 1) -> CaseId:
    case_id = desk.case(tier, "nudes")
    desk.claim(case_id, adviser)
    return case_id


def query(location: str) -> dict[str, str]:
    return {key: each[0] for key, each in parse_qs(urlsplit(location).query, keep_blank_values=True).items()}


async def walked(visitor: Visitor, case_id: CaseId, answers: str) -> tuple[str, str]:
    """Answers one question after the other by the form. Returns the address one came to, and its page."""
    at = (await visitor.get(f"/cases/{case_id}/threshold?go=1&page=threshold-nudes&nation=england")).headers["Location"]
    for letter in answers:
        answer = await visitor.get(at.removeprefix("/desk") + f"&go=1&answer={letter}")
        assert answer.status == 303
        at = answer.headers["Location"]
    return at, await visitor.page(at.removeprefix("/desk"))


async def decided(visitor: Visitor, case_id: CaseId, answers: str = "y", mark: str = "m1", **more: str) -> int:
    at, _ = await walked(visitor, case_id, answers)
    form = {"rationale": "The child named an adult", "client_id": mark, **query(at), **more}
    return (await visitor.post(f"/cases/{case_id}/threshold/threshold-nudes", **form)).status


# --- deciding --------------------------------------------------------------------------------------------------------


def ends(threshold: Threshold) -> dict[tuple[Answer, ...], int]:
    """How grave each way of answering every question ends."""
    ways = product(Answer, repeat=len(threshold.asked))
    return {way: gravity(verdict(threshold, way).route) for way in ways}


def stopped(threshold: Threshold, way: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """As far as one is really asked."""
    lengths = (length for length in range(len(way) + 1) if next_rule(threshold, way[:length]) is None)
    return way[: next(lengths)]


@pytest.mark.parametrize("nation", NATIONS)
def test_a_yes_or_dont_know_to_a_grave_rule_never_ends_milder_than_a_no(nation: str | None) -> None:
    pages = shipped().all(nation)
    assert len(pages) == 5
    for threshold in pages:
        end = ends(threshold)
        stands = end[(N,) * len(threshold.asked)]
        for way, at in product(end, range(len(threshold.asked))):
            no = end[(*way[:at], N, *way[at + 1 :])]
            is_grave = gravity(threshold.asked[at].route) < stands
            if way[at] is D or (way[at] is Y and is_grave):
                assert end[way] <= no, (threshold.id, way)


def test_what_is_not_asked_any_more_could_not_have_made_it_graver() -> None:
    for threshold in shipped().all("england"):
        for way, route in ends(threshold).items():
            assert gravity(verdict(threshold, stopped(threshold, way)).route) <= route, (threshold.id, way)


def test_the_property_would_notice_a_dont_know_that_lowers() -> None:
    """The control: taken as a yes where that is milder, "don't know" would end milder than a no."""
    page = shipped().one("threshold-allegation", "england")
    assert page is not None
    relieving = [rule.name for rule in page.asked].index("It is not about children")
    nothing = [N] * len(page.asked)
    said = [*nothing[:relieving], Y, *nothing[relieving + 1 :]]
    assert gravity(verdict(page, said).route) > gravity(verdict(page, nothing).route)
    unsure = [*nothing[:relieving], D, *nothing[relieving + 1 :]]
    assert verdict(page, unsure) == verdict(page, nothing)


def test_no_way_ends_milder_than_the_gravest_rule_that_was_answered_yes() -> None:
    for threshold in shipped().all("england"):
        for way, route in ends(threshold).items():
            yes = [gravity(rule.route) for rule, given in zip(threshold.asked, way, strict=True) if given is Y]
            assert all(route <= each for each in yes), (threshold.id, way)


def test_what_a_nation_alone_says_is_said_there_and_where_the_nation_is_not_known() -> None:
    for nation, route in (("england", "tell_lead"), ("scotland", "refer_today"), (None, "refer_today")):
        page = shipped().one("threshold-nudes", nation)
        assert page is not None
        assert "In Scotland, others are normally told" not in [rule.name for rule in page.asked]
        assert verdict(page, [N] * len(page.asked)).route == route
    page = shipped().one("threshold-nudes", "england")
    assert page is not None
    assert "UK Council for Internet Safety, March 2024" in page.framework
    assert not any("{" in rule.words for rule in page.rules)


def test_a_page_of_no_version_is_no_page() -> None:
    assert shipped().one("threshold-nudes", "england", "000000000000") is None
    assert shipped().one("keep-evidence", "england") is None
    assert shipped().one("threshold-nothing", None) is None


def test_asking_ends_where_nothing_could_make_it_graver() -> None:
    page = FakeThresholds().one("threshold-nudes", "england")
    assert page is not None
    for answers, following in product([(Y,), (D,)], [1]):
        rule = next_rule(page, answers)
        assert rule is page.asked[following]
    assert next_rule(page, (Y, Y)) is None
    assert next_rule(page, (Y, N)) is None
    assert next_rule(page, (N, N)) is page.asked[2]


# --- the pages -------------------------------------------------------------------------------------------------------


async def test_one_question_a_page_names_framework_and_version_and_ends_in_route_rule_and_answers(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    choice = await visitor.page(f"/cases/{case_id}/threshold")
    assert 'value="threshold-nudes" checked' in choice
    assert '<option value="england" selected>' in choice
    at, page = await walked(visitor, case_id, "")
    for question, letter in (("An adult is involved", "d"), ("Somebody is in danger", "n")):
        assert page.count("<legend") == 1
        assert f"Does this hold?</span> {question}</h1>" in page
        assert "Sharing nudes, 2024 (england)" in page
        assert "<code>v2</code>" in page
        assert "review overdue since 1 September 2026" in page
        at = (await visitor.get(at.removeprefix("/desk") + f"&answer={letter}")).headers["Location"]
        page = await visitor.page(at.removeprefix("/desk"))
    assert "Refer today to the police" in page
    assert "An adult is involved" in page
    assert "<strong>Don’t know</strong>" in page
    assert "a senior first" in page


async def test_back_leads_to_the_question_before_with_its_answer_and_nothing_chosen_is_said(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    at, page = await walked(visitor, case_id, "n")
    assert await visitor.page(at.removeprefix("/desk")) == page  # a reload changes nothing
    back = found('class="back"><a href="([^"]+)"', page).replace("&amp;", "&").removeprefix("/desk")
    before = await visitor.page(back)
    assert "</span> An adult is involved</h1>" in before
    assert 'value="n" checked' in before
    first = found('class="back"><a href="([^"]+)"', before).replace("&amp;", "&").removeprefix("/desk")
    assert "What is to be decided?" in await visitor.page(first)
    nothing = await visitor.get(at.removeprefix("/desk") + "&go=1")
    assert nothing.status == 422
    assert "Choose yes, no or don’t know" in await nothing.text()


@pytest.mark.parametrize("said", ["page=&nation=england", "page=threshold-nudes&nation=", "page=x&nation=france"])
async def test_the_page_and_the_nation_must_be_chosen(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId, said: str
) -> None:
    case_id = held(desk, amira)
    answer = await visitor.get(f"/cases/{case_id}/threshold?go=1&{said}")
    assert answer.status == 422
    assert "There is something to choose" in await answer.text()


async def test_a_decision_begun_on_one_version_ends_on_it(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    case_id = held(desk, amira)
    old = f"/cases/{case_id}/threshold/threshold-nudes?nation=england&library=v1&so_far="
    assert "</span> Somebody is in danger</h1>" in await visitor.page(old)
    assert "<code>v1</code>" in await visitor.page(old)
    gone = await visitor.get(old.replace("v1", "v0"))
    assert "changed=1" in gone.headers["Location"]


@pytest.mark.parametrize("so_far", ["x", "n" * 100, "ynd;", "<b>"])
async def test_forged_answers_begin_again(desk: DemoDesk, visitor: Visitor, amira: AdviserId, so_far: str) -> None:
    case_id = held(desk, amira)
    answer = await visitor.get(f"/cases/{case_id}/threshold/threshold-nudes", params={"so_far": so_far})
    assert "changed=1" in answer.headers["Location"]
    form = {"so_far": so_far, "rationale": "because", "client_id": "m"}
    refused = await visitor.post(f"/cases/{case_id}/threshold/threshold-nudes", **form)
    assert refused.status == 409
    assert "because" in await refused.text()


async def test_nothing_is_decided_before_the_last_question(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    case_id = held(desk, amira)
    form = {"nation": "england", "library": "v2", "so_far": "n", "rationale": "because", "client_id": "m"}
    assert (await visitor.post(f"/cases/{case_id}/threshold/threshold-nudes", **form)).status == 303
    assert decisions.of_case(desk.ledger.reader(), desk.ledger.seal, case_id) == ()


# --- what is kept ----------------------------------------------------------------------------------------------------


async def test_why_is_kept_sealed_without_names_once_and_shown_on_the_case(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    why = "Jane says an adult asked for it <b>today</b>"
    assert await decided(visitor, case_id, "yn", rationale=why) == 303
    assert await decided(visitor, case_id, "yn", rationale=why) == 303  # pressed twice
    (kept,) = decisions.of_case(desk.ledger.reader(), desk.ledger.seal, case_id)
    assert kept.grounds.rationale == "[name] says an adult asked for it <b>today</b>"
    assert (kept.route, kept.grounds.rule, kept.nation, kept.library) == (
        "refer_today",
        "An adult is involved",
        "england",
        "v2",
    )
    page = await visitor.page(f"/cases/{case_id}?masked=name")
    assert "says an adult asked for it &lt;b&gt;today&lt;/b&gt;" in page
    assert "second reading asked for" in page
    raw = b"".join(path.read_bytes() for path in desk.ledger.path.parent.iterdir() if path.is_file())
    assert b"an adult asked for it" not in raw
    kinds = [event.kind for event in events_after(desk.ledger.reader(), 0)]
    assert kinds.count("decision.second_wanted") == 1


@pytest.mark.parametrize(("why", "said"), [("  ", "Write why"), ("x" * 20_000, "too long"), ("", "Write why")])
async def test_a_decision_needs_a_reason_and_what_was_typed_is_kept(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId, why: str, said: str
) -> None:
    case_id = held(desk, amira)
    at, _ = await walked(visitor, case_id, "yn")
    form = {"rationale": why, "client_id": "m", **query(at)}
    answer = await visitor.post(f"/cases/{case_id}/threshold/threshold-nudes", **form)
    assert answer.status == 422
    page = await answer.text()
    assert said in page
    assert f">{why.strip() or why}</textarea>" in page
    assert decisions.of_case(desk.ledger.reader(), desk.ledger.seal, case_id) == ()


async def test_only_the_holder_decides_and_words_that_came_too_late_are_given_back(
    server: TestServer, desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    at, _ = await walked(visitor, case_id, "yn")
    form = {"rationale": "because of the adult", "client_id": "m", **query(at)}
    lead, ben = desk.adviser("Carys Lewis", Role.LEAD), desk.adviser("Ben Okafor")
    async with visiting(server, desk, lead) as looking:
        assert (await looking.get(at.removeprefix("/desk"))).status == 303
        late = await looking.post(f"/cases/{case_id}/threshold/threshold-nudes", **form)
        assert late.status == 409
        assert "because of the adult" in await late.text()
    async with visiting(server, desk, ben) as stranger:
        refused = await stranger.post(f"/cases/{case_id}/threshold/threshold-nudes", **form)
        assert refused.status == 404
        assert "because of the adult" in await refused.text()
    assert decisions.of_case(desk.ledger.reader(), desk.ledger.seal, case_id) == ()


async def test_without_the_bot_s_content_it_says_so(desk: DemoDesk, amira: AdviserId) -> None:
    case_id = held(desk, amira)
    async with TestServer(desk.app()) as shut, visiting(shut, desk, amira) as visitor:
        assert "The rules cannot be read" in await visitor.page(f"/cases/{case_id}")
        assert "The rules cannot be read" in await visitor.page(f"/cases/{case_id}/threshold")


# --- the second reader -----------------------------------------------------------------------------------------------


async def test_an_urgent_decision_is_read_by_a_senior_first_once_and_for_good(
    server: TestServer, desk: DemoDesk, clock: Clock, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    ben, sian = desk.adviser("Ben Okafor"), desk.adviser("Sian Rees", Role.SENIOR)
    assert await decided(visitor, case_id, "yn") == 303
    (kept,) = decisions.of_case(desk.ledger.reader(), desk.ledger.seal, case_id)
    place = f"/second-readings/{kept.id}"
    assert "Nothing waits for you" in await visitor.page("/second-readings")
    assert (await visitor.post(place, agrees="yes", reason="I said so")).status == 409  # never one's own
    async with visiting(server, desk, ben) as colleague:
        assert (await colleague.get(place)).status == 404
        clock.pass_(timedelta(minutes=15))
        assert place in await colleague.page("/second-readings")
        assert "The child named an adult" in await colleague.page(place)
    async with visiting(server, desk, sian) as senior:
        assert (await senior.post(place, agrees="", reason="x")).status == 422
        wordless = await senior.post(place, agrees="no", reason=" ")
        assert wordless.status == 422
        assert 'value="no" checked' in await wordless.text()
        assert (await senior.post(place, agrees="no", reason="Jane may be 18: ask")).status == 303
        again = await senior.post(place, agrees="yes", reason="second thoughts")
        assert again.status == 409
        assert "second thoughts" in await again.text()
    assert "Sian Rees disagrees" in await visitor.page(f"/cases/{case_id}")
    (kept,) = decisions.of_case(desk.ledger.reader(), desk.ledger.seal, case_id)
    assert kept.second is not None
    assert kept.second.reason == "[name] may be 18: ask"
    assert "decision.disputed" in [event.kind for event in events_after(desk.ledger.reader(), 0)]
    assert decisions.waiting(desk.ledger.reader(), desk.ledger.seal) == ()


async def test_with_no_senior_on_duty_a_colleague_reads_at_once(
    server: TestServer, desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id, ben = held(desk, amira, tier=0), desk.adviser("Ben Okafor")
    desk.adviser("Sian Rees", Role.SENIOR, available=False)
    assert await decided(visitor, case_id, "yn") == 303
    async with visiting(server, desk, ben) as colleague:
        assert "/second-readings/1" in await colleague.page("/second-readings")


@pytest.mark.parametrize("tier", [2, 3])
async def test_nobody_is_asked_to_read_an_ordinary_decision(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId, tier: int
) -> None:
    case_id = held(desk, amira, tier)
    assert await decided(visitor, case_id, "nnn") == 303
    assert decisions.waiting(desk.ledger.reader(), desk.ledger.seal) == ()
    assert (await visitor.get("/second-readings/1")).status == 404
    assert "decision.made" in [event.kind for event in events_after(desk.ledger.reader(), 0)]
