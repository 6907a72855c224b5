"""The conversation: transfer, pages put into a reply, drafts that come back, who types."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.doors.content import ContentDoor
from bot.library.versions import read_files
from bot.migrations import migrations as bot_migrations
from bot.shelf import Shelf
from handoff import advisers, insertions
from handoff.console.app import console
from handoff.console.carrying import introducing
from handoff.desk import Desk
from handoff.domain import AdviserId, Author, CaseId, NewCase, Role, State
from handoff.doors import Doors, PageCard
from handoff.errors import LedgerError
from handoff.ledger import Ledger
from handoff.migrations import migrations
from handoff.seal import Seal
from handoff.typing import LASTS, Typing
from tests.demo_desk import OPEN, PACK, Clock, DemoDesk, desk_in
from tests.test_console import Visitor, found, row_of, thread_of, visiting

ROOT = Path(__file__).parent.parent
MARCH = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
CARD = PageCard(
    id="report-fake-account",
    title="Report a fake account",
    kind="guidance",
    library="v1-0123456789abcdef",
    status="verified",
    review_by=date(2027, 5, 22),
    overdue=False,
    withdrawn=False,
    text="Report a fake account\n\n1. Keep the link.\n2. Report it: https://example.org/report\n\nRing 0800 0000.",
)
OLD = replace(
    CARD, id="old-rule", title="The old rule", review_by=date(2026, 1, 1), overdue=True, text="Wait 48 hours."
)
GONE = replace(CARD, id="gone-page", title="A page that was", status="withdrawn", withdrawn=True, text="")


class FakeContent:
    """Three pages; a test publishes anew by changing them."""

    def __init__(self) -> None:
        self.cards = {card.id: card for card in (CARD, OLD, GONE)}

    def find(self, words: str, nation: str | None, language: str, limit: int = 8) -> tuple[PageCard, ...]:
        return tuple(card for card in self.cards.values() if words.casefold() in f"{card.id} {card.title}".casefold())

    def card(self, page: str, nation: str | None, language: str) -> PageCard | None:
        return self.cards.get(page)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


@pytest.fixture
def content() -> FakeContent:
    return FakeContent()


@pytest.fixture
def typing() -> Typing:
    return Typing()


@pytest.fixture
async def server(desk: DemoDesk, content: FakeContent, typing: Typing) -> AsyncIterator[TestServer]:
    app = web.Application()
    doors = Doors(content=content)
    app.add_subapp(
        "/desk",
        console(desk.ledger, desk.queue, OPEN, desk.now, secure_cookies=False, mask=_mask, doors=doors, typing=typing),
    )
    running = TestServer(app)
    await running.start_server()
    yield running
    await running.close()


def _mask(text: str) -> tuple[str, tuple[str, ...]]:
    """Takes a name and every link out, as the guard does."""
    masked, kinds = text, []
    for word, kind in (("Jane", "name"), ("https://example.org/report", "link")):
        kinds += [kind] * (word in masked)
        masked = masked.replace(word, f"[{kind}]")
    return masked, tuple(kinds)


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


@pytest.fixture
def ben(desk: DemoDesk, amira: AdviserId) -> AdviserId:
    return desk.adviser("Ben Okafor")


@pytest.fixture
async def visitor(server: TestServer, desk: DemoDesk, amira: AdviserId) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, amira) as visiting_desk:
        yield visiting_desk


@pytest.fixture
def held(desk: DemoDesk, amira: AdviserId) -> CaseId:
    """A conversation that Amira has answered."""
    case_id = desk.case()
    desk.claim(case_id, amira)
    desk.say(case_id, amira, "Hello")
    return case_id


def notes_of(desk: DemoDesk, case_id: CaseId) -> list[str]:
    return [note.text for note in Desk(desk.ledger.seal).notes(desk.ledger.reader(), case_id)]


def kinds_of(desk: DemoDesk, case_id: CaseId) -> list[str]:
    return [row[0] for row in desk.ledger.reader().execute('SELECT kind FROM event WHERE "case" = ?', [case_id])]


async def offer(visitor: Visitor, case_id: CaseId, to: int, reason: str = "I have to ring the police", mark: str = "t"):
    return await visitor.post(f"/cases/{case_id}/transfer", to=to, reason=reason, transfer_id=mark)


# --- transfer --------------------------------------------------------------------------------------------------------


async def test_a_case_is_offered_with_a_reason_and_its_sender_holds_it_until_it_is_accepted(
    server: TestServer, desk: DemoDesk, visitor: Visitor, held: CaseId, amira: AdviserId, ben: AdviserId
) -> None:
    assert (await offer(visitor, held, ben)).status == 303
    assert row_of(desk, held) == (State.OFFERED, amira)
    assert notes_of(desk, held) == ["I have to ring the police"]
    page = await visitor.page(f"/cases/{held}")
    assert "Offered to <bdi>Ben Okafor</bdi>, waiting." in page
    assert "Take it back" in page
    assert (await visitor.say(held, "Still here", seen=1)).status == 303  # the sender still speaks
    async with visiting(server, desk, ben) as other:
        offered = await other.page(f"/cases/{held}")
        assert "<bdi>Amira Khan</bdi> offers you this conversation." in offered
        assert "I have to ring the police</blockquote>" in offered
        assert "offered to you" in await other.page("/")
        assert (await other.say(held, "me too", seen=9)).status == 404
        assert (await other.post(f"/cases/{held}/accept")).headers["Location"] == f"/desk/cases/{held}"
        assert row_of(desk, held) == (State.ACTIVE, ben)
        assert (await other.say(held, "Ben here", seen=9, mark="ben")).status == 303
    gone = await visitor.get(f"/cases/{held}")
    assert gone.status == 410
    assert "Ben Okafor" in await gone.text()
    late = await visitor.say(held, "my unsent words", seen=9, mark="late")
    assert late.status == 404
    assert "my unsent words" in await late.text()
    assert thread_of(desk, held) == ["Hello", "Still here", "Ben here"]


async def test_a_colleague_declines_and_the_sender_is_told(
    server: TestServer, desk: DemoDesk, visitor: Visitor, held: CaseId, amira: AdviserId, ben: AdviserId
) -> None:
    await offer(visitor, held, ben)
    async with visiting(server, desk, ben) as other:
        answer = await other.post(f"/cases/{held}/decline")
        assert answer.headers["Location"].startswith("/desk/?notice=declined")
        assert "You declined" in await other.page(answer.headers["Location"].removeprefix("/desk"))
        assert (await other.get(f"/cases/{held}")).status == 404
    assert row_of(desk, held) == (State.ACTIVE, amira)
    assert "could not take it" in await visitor.page(f"/cases/{held}")


async def test_an_offer_is_taken_back_or_lapses_and_answering_it_late_says_so(
    server: TestServer, desk: DemoDesk, clock: Clock, visitor: Visitor, held: CaseId, amira: AdviserId, ben: AdviserId
) -> None:
    await offer(visitor, held, ben)
    assert (await visitor.post(f"/cases/{held}/decline")).headers["Location"] == f"/desk/cases/{held}"
    await offer(visitor, held, ben, mark="u")
    clock.pass_(timedelta(minutes=2, seconds=1))
    desk.ledger.write_now(lambda conn: desk.queue.lapse(conn, clock()))
    assert row_of(desk, held) == (State.ACTIVE, amira)
    assert "Nobody took the offer within two minutes" in await visitor.page(f"/cases/{held}")
    async with visiting(server, desk, ben) as other:
        for answer in ("accept", "decline"):
            late = await other.post(f"/cases/{held}/{answer}")
            assert late.status == 404
            assert "That offer is over" in await late.text()
    clock.pass_(timedelta(minutes=6))
    assert "Nobody took the offer" not in await visitor.page(f"/cases/{held}")


async def test_a_transfer_says_what_is_missing_and_keeps_what_was_typed(
    desk: DemoDesk, visitor: Visitor, held: CaseId, amira: AdviserId, ben: AdviserId
) -> None:
    for to, reason, said in (
        (ben, "  ", "Say why in a line"),
        (99, "a reason", "Choose who it goes to"),
        (amira, "a reason", "Choose who it goes to"),
        (ben, "x" * 20_000, "longer than 300 characters"),
    ):
        answer = await offer(visitor, held, to, reason)
        assert answer.status == 422
        page = await answer.text()
        assert said in page
        assert reason.strip() in page
    assert row_of(desk, held) == (State.ACTIVE, amira)
    assert notes_of(desk, held) == []
    masked = await offer(visitor, held, ben, "Jane \u202e<b>cries</b>")
    assert masked.status == 303
    assert notes_of(desk, held) == ["[name] \u202e<b>cries</b>"]
    assert "‹U+202E›&lt;b&gt;cries" in await visitor.page(f"/cases/{held}")


async def test_a_colleague_without_a_free_place_is_refused_in_words_unless_it_is_danger(
    desk: DemoDesk, visitor: Visitor, held: CaseId, amira: AdviserId, ben: AdviserId
) -> None:
    for _ in range(3):
        desk.claim(desk.case(), ben)
    assert "no place free" in await visitor.page(f"/cases/{held}")
    answer = await offer(visitor, held, ben)
    assert answer.status == 409
    assert "holds as many conversations as they may" in await answer.text()
    assert notes_of(desk, held) == []
    desk.flag(held, "danger_words", 0)
    assert (await offer(visitor, held, ben)).status == 303


async def test_accepting_without_a_free_place_says_what_to_do_and_the_offer_stands(
    server: TestServer, desk: DemoDesk, visitor: Visitor, held: CaseId, amira: AdviserId, ben: AdviserId
) -> None:
    await offer(visitor, held, ben)
    for _ in range(3):
        desk.claim(desk.case(), ben)
    async with visiting(server, desk, ben) as other:
        answer = await other.post(f"/cases/{held}/accept")
        assert answer.status == 409
        assert "Wrap one up or pause one, then accept." in await answer.text()
    assert row_of(desk, held) == (State.OFFERED, amira)


async def test_a_double_click_on_a_transfer_keeps_one_note_and_one_offer(
    desk: DemoDesk, visitor: Visitor, held: CaseId, ben: AdviserId
) -> None:
    answers = await asyncio.gather(*(offer(visitor, held, ben) for _ in range(4)))
    assert [answer.status for answer in answers] == [303] * 4
    assert notes_of(desk, held) == ["I have to ring the police"]
    assert kinds_of(desk, held).count("case.offered") == 1


async def test_an_unanswered_case_is_not_transferred_and_a_paused_one_is(
    desk: DemoDesk, visitor: Visitor, held: CaseId, amira: AdviserId, ben: AdviserId
) -> None:
    fresh = desk.case()
    desk.claim(fresh, amira)
    answer = await offer(visitor, fresh, ben)
    assert answer.status == 409
    assert "Answer once, then transfer" in await answer.text()
    await visitor.post(f"/cases/{held}/pause")
    assert (await offer(visitor, held, ben)).status == 303
    assert row_of(desk, held) == (State.OFFERED, amira)


async def test_only_the_holder_offers_and_only_the_one_it_was_offered_to_accepts(
    server: TestServer, desk: DemoDesk, visitor: Visitor, held: CaseId, amira: AdviserId, ben: AdviserId
) -> None:
    senior = desk.adviser("Sian Rees", Role.SENIOR)
    async with visiting(server, desk, senior) as looking:
        assert (await offer(looking, held, ben)).status == 404
    await offer(visitor, held, ben)
    async with visiting(server, desk, senior) as looking:
        assert (await looking.post(f"/cases/{held}/accept")).status == 404
        assert (await looking.post(f"/cases/{held}/decline")).status == 404
    assert (await visitor.post(f"/cases/{held}/accept")).status == 409
    assert row_of(desk, held) == (State.OFFERED, amira)


async def test_who_never_had_a_case_is_not_told_who_has_it(
    server: TestServer, desk: DemoDesk, visitor: Visitor, held: CaseId, ben: AdviserId
) -> None:
    async with visiting(server, desk, ben) as stranger:
        answer = await stranger.get(f"/cases/{held}")
        assert answer.status == 404
        assert "Amira" not in await answer.text()


# --- pages of the library --------------------------------------------------------------------------------------------


async def reply(visitor: Visitor, case_id: CaseId, text: str, mark: str = "m", **pages: str):
    fields = {f"page-{page.replace('_', '-')}": version for page, version in pages.items()}
    return await visitor.post(f"/cases/{case_id}/say", text=text, seen_seq=9, client_id=mark, **fields)


async def test_pages_are_found_for_the_case_by_whoever_may_see_it(
    server: TestServer, desk: DemoDesk, visitor: Visitor, held: CaseId, ben: AdviserId
) -> None:
    answer = await (await visitor.get(f"/content?q=FAKE&case={held}")).json()
    (card,) = answer["pages"]
    assert (card["id"], card["version"], card["text"]) == (CARD.id, CARD.library, CARD.text)
    assert card["said"] == "Guidance · review by 22 May 2027 · version v1-012345678"
    (old,) = (await (await visitor.get(f"/content?q=old&case={held}")).json())["pages"]
    assert old["overdue"]
    assert "past its review date, 1 Jan 2026: check before you send" in old["said"]
    (gone,) = (await (await visitor.get(f"/content?q=gone&case={held}")).json())["pages"]
    assert gone["withdrawn"]
    assert "may not be sent" in gone["said"]
    for case in ("", "999", "x", "1" * 30):
        assert (await visitor.get(f"/content?q=fake&case={case}")).status == 404
    async with visiting(server, desk, ben) as other:
        assert (await other.get(f"/content?q=fake&case={held}")).status == 404


async def test_a_message_remembers_its_pages_and_their_own_links_pass_the_guard(
    desk: DemoDesk, clock: Clock, visitor: Visitor, held: CaseId, amira: AdviserId
) -> None:
    text = f"Jane, see https://example.org/report\n\n{CARD.text}\n{OLD.text}"
    answer = await reply(visitor, held, text, report_fake_account=CARD.library, old_rule=OLD.library)
    assert answer.headers["Location"] == f"/desk/cases/{held}?masked=name,link#talk"
    assert thread_of(desk, held)[-1] == f"[name], see [link]\n\n{CARD.text}\n{OLD.text}"
    page = await visitor.page(f"/cases/{held}")
    assert "report-fake-account · version v1-012345678 · review by 22 May 2027" in page
    assert "was past its review date 1 Jan 2026" in page
    reader = desk.ledger.reader()
    (told,) = insertions.told(reader, "old-rule")
    assert (told.case_id, told.adviser_id, told.carried.overdue, told.at) == (held, amira, True, clock())
    assert insertions.told(reader, "old-rule", "another version") == ()
    assert insertions.versions(reader, "old-rule") == (OLD.library,)


async def test_without_a_page_the_same_words_lose_their_link(desk: DemoDesk, visitor: Visitor, held: CaseId) -> None:
    """The control of the test above."""
    await reply(visitor, held, CARD.text)
    assert "https://" not in thread_of(desk, held)[-1]
    assert insertions.told(desk.ledger.reader(), CARD.id) == ()


async def test_a_page_withdrawn_before_it_was_sent_stops_the_reply_and_keeps_the_words(
    desk: DemoDesk, content: FakeContent, visitor: Visitor, held: CaseId
) -> None:
    content.cards[CARD.id] = replace(CARD, withdrawn=True, text="")
    answer = await reply(visitor, held, f"Hello\n{CARD.text}", report_fake_account=CARD.library)
    assert answer.status == 409
    page = await answer.text()
    assert "was withdrawn since you put it in" in page
    assert "2. Report it: https://example.org/report" in page
    assert thread_of(desk, held) == ["Hello"]
    assert insertions.told(desk.ledger.reader(), CARD.id) == ()


async def test_a_page_published_anew_with_other_words_stops_the_reply_and_with_the_same_words_does_not(
    desk: DemoDesk, content: FakeContent, visitor: Visitor, held: CaseId
) -> None:
    content.cards[CARD.id] = replace(CARD, library="v2", text="A new first step.")
    answer = await reply(visitor, held, CARD.text, report_fake_account=CARD.library)
    assert answer.status == 409
    assert "was changed since you put it in" in await answer.text()
    content.cards[CARD.id] = replace(CARD, library="v2")
    assert (await reply(visitor, held, CARD.text, report_fake_account=CARD.library)).status == 303
    (told,) = insertions.told(desk.ledger.reader(), CARD.id)
    assert told.carried.library == "v2"


async def test_a_reply_sent_twice_is_kept_once_with_its_pages(desk: DemoDesk, visitor: Visitor, held: CaseId) -> None:
    sent = [reply(visitor, held, OLD.text, mark="twice", old_rule=OLD.library) for _ in range(3)]
    assert [answer.status for answer in await asyncio.gather(*sent)] == [303] * 3
    assert thread_of(desk, held) == ["Hello", OLD.text]
    assert len(insertions.told(desk.ledger.reader(), OLD.id)) == 1


async def test_forged_pages_are_passed_over(desk: DemoDesk, visitor: Visitor, held: CaseId) -> None:
    fields = {"page-../../etc": "v1", "page-nowhere": "v1", "page-": "", f"page-{'x' * 500}": "v1"}
    answer = await visitor.post(f"/cases/{held}/say", text="Hi", seen_seq=9, client_id="f", **fields)
    assert answer.status == 303
    assert desk.ledger.reader().execute("SELECT count(*) FROM insertion").fetchone()[0] == 0


async def test_a_page_is_put_in_without_javascript_and_the_draft_comes_along(
    desk: DemoDesk, visitor: Visitor, held: CaseId
) -> None:
    draft = {"text": 'My <b>words</b> "so far"', "client_id": "abc"}
    chooser = await (await visitor.post(f"/cases/{held}/insert", q="fake", **draft)).text()
    assert 'value="My &lt;b&gt;words&lt;/b&gt; &#34;so far&#34;"' in chooser
    answer = await visitor.post(f"/cases/{held}/insert", q="fake", chosen=CARD.id, **draft)
    page = await answer.text()
    assert "so far&#34;\n\nReport a fake account" in page
    assert f'name="page-{CARD.id}" value="{CARD.library}" checked' in page
    assert 'name="client_id" value="abc"' in page
    gone = await visitor.post(f"/cases/{held}/insert", chosen=GONE.id, **draft)
    assert gone.status == 409
    assert thread_of(desk, held) == ["Hello"]


async def test_seniors_and_editors_ask_whom_we_told_and_only_seniors_are_led_to_the_case(
    server: TestServer, desk: DemoDesk, visitor: Visitor, held: CaseId
) -> None:
    await reply(visitor, held, OLD.text, old_rule=OLD.library)
    for name, role in (("Sian Rees", Role.SENIOR), ("Ed Price", Role.EDITOR)):
        async with visiting(server, desk, desk.adviser(name, role)) as asking:
            page = await asking.page("/content/told?page=old-rule")
            reference = found(r"(FL-[0-9A-Z-]+)", page)
            assert "1</strong> message carried" in page
            assert (f'href="/desk/cases/{held}"' in page) == (role is Role.SENIOR)
            assert reference in page
            assert "No message carried" in await asking.page("/content/told?page=<script>&version=\u202e")


async def test_whom_we_told_outlives_the_words_and_leads_then_to_nobody(
    desk: DemoDesk, clock: Clock, visitor: Visitor, held: CaseId, amira: AdviserId
) -> None:
    await reply(visitor, held, OLD.text, old_rule=OLD.library)

    def end(conn: object) -> None:
        desk.queue.wrap_up(conn, held, amira, clock())  # type: ignore[arg-type]
        desk.queue.close(conn, held, amira, "impersonation", "advised", clock())  # type: ignore[arg-type]

    desk.ledger.write_now(end)
    for words in ("delivery", "message"):
        desk.ledger.write_now(lambda conn, words=words: conn.execute(f"DELETE FROM {words}").rowcount)  # type: ignore[misc]
    (told,) = insertions.told(desk.ledger.reader(), OLD.id)
    assert (told.adviser_id, told.carried.library) == (None, OLD.library)


def test_practice_tells_nobody(desk: DemoDesk, clock: Clock, amira: AdviserId) -> None:
    new = NewCase(-1, 2, reason="asked", channel="web", library="v1", pack=PACK)
    begun = "INSERT INTO practice VALUES (?, ?, ?, 0, x'00', 0)"

    def work(conn: object) -> None:
        case_id = desk.queue.open_case(conn, new, clock()).id  # type: ignore[arg-type]
        conn.execute(begun, [case_id, amira, "a-script"])  # type: ignore[attr-defined]
        desk.queue.claim(conn, case_id, amira, clock())  # type: ignore[arg-type]
        message = desk.queue.say(conn, case_id, amira, OLD.text, "m", 9, clock())  # type: ignore[arg-type]
        insertions.remember(conn, message, [OLD], clock())  # type: ignore[arg-type]

    desk.ledger.write_now(work)
    assert insertions.told(desk.ledger.reader(), OLD.id) == ()


# --- the library itself ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shelf, Ledger]]:
    folder = tmp_path_factory.mktemp("shelf")
    ledger = Ledger(folder / "house.db", Seal(b"k" * 32), [migrations, bot_migrations])
    made = Shelf(ledger)
    made.publish(read_files(ROOT), "first", MARCH)
    yield made, ledger
    ledger.close()


def door(shelf: tuple[Shelf, Ledger], now: datetime = MARCH) -> ContentDoor:
    return ContentDoor(shelf[1], shelf[0], lambda: now)


def test_the_likeliest_page_comes_first_and_every_word_counts(shelf: tuple[Shelf, Ledger]) -> None:
    first = door(shelf).find("fake acc", "england", "en")[0]
    assert first.id == "report-fake-account"
    assert first.text.startswith("Report a fake account")
    assert "https://" in first.text.splitlines()[-1]
    assert door(shelf).find("fake zebra", "england", "en") == ()
    assert door(shelf).find("   ", "england", "en") == ()
    assert door(shelf).find("impersonation", None, "en")
    assert len(door(shelf).find("report", None, "en")) == 8


def test_a_page_of_another_nation_is_not_offered(shelf: tuple[Shelf, Ledger]) -> None:
    pages = shelf[0].live().library.pages.values()
    only = next(page for page in pages if page.nations and "wales" not in page.nations and "." not in page.id)
    assert only.id in {card.id for card in door(shelf).find(only.title, only.nations[0], "en")}
    assert only.id not in {card.id for card in door(shelf).find(only.title, "wales", "en")}


def test_a_page_past_its_review_date_says_so(shelf: tuple[Shelf, Ledger]) -> None:
    late = MARCH + timedelta(days=3_000)
    assert not door(shelf).find("fake acc", "england", "en")[0].overdue
    assert door(shelf, late).find("fake acc", "england", "en")[0].overdue


def test_a_page_that_only_an_earlier_version_had_is_withdrawn(shelf: tuple[Shelf, Ledger]) -> None:
    files = read_files(ROOT)
    name = "content/guidance/spare-page.md"
    model = files["content/guidance/after-48-hours.md"].decode()
    spare = model.replace("id: after-48-hours", "id: spare-page").replace("No answer after 48 hours", "A spare page")
    shelf[0].publish({**files, name: spare.encode()}, "with a spare page", MARCH)
    card = door(shelf).card("spare-page", "england", "en")
    assert card is not None
    assert not card.withdrawn
    shelf[0].publish(files, "without it", MARCH)
    gone = door(shelf).card("spare-page", "england", "en")
    assert gone is not None
    assert (gone.withdrawn, gone.title, gone.text) == (True, "A spare page", "")
    assert door(shelf).find("spare-page", "england", "en")[0] == gone
    assert door(shelf).card("never-was", "england", "en") is None


def test_every_page_of_the_library_fits_into_one_message(shelf: tuple[Shelf, Ledger]) -> None:
    content = door(shelf)
    for page in shelf[0].live().library.pages:
        card = content.card(page, "england", "en") if "." not in page else None
        assert card is None or 0 < len(card.text) <= 4_000, page


# --- words that come back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["x", "ش", "😱"])
async def test_twenty_thousand_characters_come_back_whole_and_say_that_they_are_too_long(
    desk: DemoDesk, visitor: Visitor, held: CaseId, letter: str
) -> None:
    pasted = letter * 20_000
    for path, field, mark in (("say", "text", "client_id"), ("note", "note", "note_id")):
        answer = await visitor.post(f"/cases/{held}/{path}", seen_seq=9, **{field: pasted, mark: "long"})
        assert answer.status == 409
        page = await answer.text()
        assert "longer than 4000 characters" in page
        assert pasted in page
    assert thread_of(desk, held) == ["Hello"]
    assert notes_of(desk, held) == []


async def test_words_sent_after_a_log_out_come_back_on_the_page_that_says_so(
    desk: DemoDesk, visitor: Visitor, held: CaseId, amira: AdviserId
) -> None:
    csrf = await visitor.csrf()
    desk.ledger.write_now(lambda conn: advisers.log_out_everywhere(conn, amira))
    for path, field in (("say", "text"), ("note", "note")):
        answer = await visitor.post(f"/cases/{held}/{path}", csrf, **{field: "half <i>an</i> answer"})
        assert answer.status == 401
        assert "half &lt;i&gt;an&lt;/i&gt; answer</textarea>" in await answer.text()


async def test_words_sent_with_a_form_of_an_earlier_log_in_come_back(visitor: Visitor, held: CaseId) -> None:
    answer = await visitor.post(f"/cases/{held}/say", "stale", text="half an answer", client_id="m", seen_seq=9)
    assert answer.status == 403
    assert "half an answer</textarea>" in await answer.text()


async def test_words_that_could_not_be_kept_come_back(
    desk: DemoDesk, visitor: Visitor, held: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    csrf = await visitor.csrf()

    async def full(_: Callable[..., object]) -> None:
        raise LedgerError

    monkeypatch.setattr(desk.ledger, "write", full)
    answer = await visitor.post(f"/cases/{held}/say", csrf, text="half an answer", client_id="m", seen_seq=9)
    assert answer.status == 503
    assert "half an answer</textarea>" in await answer.text()


# --- who types -------------------------------------------------------------------------------------------------------


def test_a_sign_of_typing_is_forgotten_and_never_grows(clock: Clock) -> None:
    typing = Typing()
    for conversation in range(500):
        typing.tell(conversation, Author.ENQUIRER, clock())
        clock.pass_(timedelta(seconds=1))
    assert len(typing) <= LASTS.seconds + 1
    assert typing.until(499, Author.ENQUIRER, clock()) is not None
    assert typing.until(499, Author.ADVISER, clock()) is None
    typing.stop(499, Author.ENQUIRER)
    assert typing.until(499, Author.ENQUIRER, clock()) is None


async def heard_while(visitor: Visitor, path: str, act: Callable[[], object]) -> str:
    """What the stream says between the first beat and the end of half a second after `act`."""
    async with visitor.client.get(f"/desk{path}") as stream:
        await stream.content.readuntil(b"event: beat")
        act()
        heard = b""
        try:
            async with asyncio.timeout(0.3):
                while chunk := await stream.content.readany():
                    heard += chunk
        except TimeoutError:
            return heard.decode()
    return heard.decode()


async def test_the_enquirers_typing_reaches_the_page_of_that_case_and_no_other(
    server: TestServer, desk: DemoDesk, typing: Typing, visitor: Visitor, held: CaseId, ben: AdviserId
) -> None:
    def types() -> None:
        typing.tell(1, Author.ENQUIRER, desk.now())

    assert "event: typing" in await heard_while(visitor, f"/events?after=0&case={held}", types)
    typing.stop(1, Author.ENQUIRER)
    for path in ("/events?after=0", "/events?after=0&case=999", "/events?after=0&case=x"):
        assert "event: typing" not in await heard_while(visitor, path, types)
        typing.stop(1, Author.ENQUIRER)
    async with visiting(server, desk, ben) as other:
        assert "event: typing" not in await heard_while(other, f"/events?after=0&case={held}", types)


async def test_the_advisers_typing_is_told_by_the_holder_alone_and_ends_with_the_message(
    server: TestServer, desk: DemoDesk, typing: Typing, visitor: Visitor, held: CaseId
) -> None:
    events = len(kinds_of(desk, held))
    assert (await visitor.post(f"/cases/{held}/typing")).status == 204
    assert typing.until(1, Author.ADVISER, desk.now()) is not None
    assert len(kinds_of(desk, held)) == events
    await visitor.say(held, "Here you are", seen=9)
    assert typing.until(1, Author.ADVISER, desk.now()) is None
    async with visiting(server, desk, desk.adviser("Sian Rees", Role.SENIOR)) as watching:
        assert (await watching.post(f"/cases/{held}/typing")).status == 204
        assert typing.until(1, Author.ADVISER, desk.now()) is None


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Hello, I am Jane. Jane is the pupil.", "Hello, I am Jane. [name] is the pupil."),
        ("I’m jane", "I’m jane"),
        ("I am Janet and this is Jane", "I am [name]t and this is Jane"),
    ],
)
def test_an_adviser_may_say_who_they_are(said: str, kept: str) -> None:
    def guard(text: str) -> tuple[str, tuple[str, ...]]:
        return re.sub("Jane", "[name]", text, flags=re.IGNORECASE), ("name",)

    assert introducing(guard, "Jane Doe")(said)[0] == kept
