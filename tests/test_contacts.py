"""Facts of contacts: what turns through the shipped flows leave in them, once, and apart from people."""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.contract import REST, WEB
from bot.domain import Address, Conversation, Opened, Turn
from bot.errors import ConversationMoved
from handoff import contacts
from handoff.contacts import Known, Place, Seen, Stood, Then, grown, standing
from tests.small_house import ROOT, Clock, Ready, SmallHouse, opened_house, ready_in, running_house

START = ("hello", "No", "Teacher or school staff", "England")
TOOLS = (*START, "Block, report or remove", "Block or report", "TikTok", "Report a post")
NOT_SAFETY = (*START, "Something else", "Something else", "None of these", "Not about safety")
DAY = timedelta(hours=24)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    return ready_in(tmp_path_factory.mktemp("shipped"), ROOT)


@pytest.fixture
def house(tmp_path: Path, shipped: Ready, clock: Clock) -> Iterator[SmallHouse]:
    made = opened_house(shipped.copied_to(tmp_path, opening_hours="mon-sun 00:00-24:00"), clock)
    yield made
    made.firstline.ledger.close()


async def says(house: SmallHouse, *words: str, who: str = "ann") -> list[str]:
    said: list[str] = []
    for text in words:
        house.clock.passes(seconds=20)
        said = await house.say(text, who)
    return said


async def facts(house: SmallHouse) -> list[Mapping[str, Any]]:
    """Every contact, oldest first, once what was kept is counted."""
    await house.firstline.upkeep.count_contacts()
    rows = house.firstline.ledger.reader().execute("SELECT * FROM contact_facts ORDER BY id").fetchall()
    return [dict(row) for row in rows]


async def fact(house: SmallHouse) -> Mapping[str, Any]:
    (only,) = await facts(house)
    return only


async def counted(house: SmallHouse, table: str) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """Codes, without the day, to counts."""
    await house.firstline.upkeep.count_contacts()
    rows = house.firstline.ledger.reader().execute(f"SELECT * FROM {table}").fetchall()
    keys = {"step_count": 3, "page_count": 2, "miss_count": 5}[table]
    return {tuple(row[1:keys]): tuple(row[keys:]) for row in rows}


def open_contacts(house: SmallHouse) -> int:
    return house.one("SELECT count(*) FROM contact_now")


# --- one contact -----------------------------------------------------------------------------------------------------


async def test_a_contact_says_who_about_what_where_and_how_it_ended(house: SmallHouse) -> None:
    await says(house, *TOOLS, "That is all", "No", "Finish", "Partly")
    found = await fact(house)
    assert {name: found[name] for name in ("role", "nation", "concern", "platform", "knew_tools", "helped")} == {
        "role": "teacher",
        "nation": "england",
        "concern": "reporting_help",
        "platform": "tiktok",
        "knew_tools": "no",
        "helped": "partly",
    }
    assert (found["stood"], found["turns"], found["misses"], found["danger"]) == ("finished", 12, 0, 0)
    assert (found["is_return"], found["channel"], found["language"]) == (0, REST, "en")
    assert json.loads(found["concerns"]) == ["reporting_help"]
    assert found["advised"] == "handle"
    assert open_contacts(house) == 0


async def test_the_day_and_hour_are_those_of_the_service(house: SmallHouse) -> None:
    house.clock.at = datetime(2026, 7, 6, 23, 30, tzinfo=UTC)  # half past midnight in London
    await says(house, "hello")
    found = await fact(house)
    assert (found["period"], found["hour"]) == ("2026-07-07", 0)


async def test_steps_that_wait_or_show_a_page_are_counted_and_no_others(house: SmallHouse) -> None:
    await says(house, *TOOLS)
    steps = await counted(house, "step_count")
    assert steps == {
        ("start", "ask_danger"): (1, 0),
        ("start", "ask_role"): (1, 0),
        ("start", "ask_nation"): (1, 0),
        ("start", "ask_concern"): (1, 0),
        ("reporting_help", "evidence_page"): (1, 0),
        ("reporting_help", "ask_help"): (1, 0),
        ("which_platform", "ask_platform"): (1, 0),
        ("tool_picker", "ask_tool"): (1, 0),
        ("tool_picker", "steps"): (1, 0),
        ("tool_picker", "ask_again"): (1, 0),
    }


async def test_a_question_that_is_asked_again_was_reached_once(house: SmallHouse) -> None:
    await says(house, "hello", "why do you ask", "help", "zzz")
    assert (await counted(house, "step_count"))["start", "ask_danger"] == (1, 0)


async def test_whoever_leaves_in_the_middle_left_where_they_stood(house: SmallHouse) -> None:
    await says(house, *START)
    house.clock.passes(hours=25)
    assert (await counted(house, "step_count"))["start", "ask_concern"] == (1, 1)
    assert open_contacts(house) == 0
    assert (await fact(house))["stood"] == "begun"


@pytest.mark.parametrize(("last", "left"), [("stop", 1), ("Finish", 0)])
async def test_who_was_sent_elsewhere_was_in_the_wrong_place_however_they_left(
    house: SmallHouse, last: str, left: int
) -> None:
    await says(house, *NOT_SAFETY, last)
    house.clock.passes(hours=25)
    assert (await fact(house))["stood"] == "wrong_place"
    steps = await counted(house, "step_count")
    assert steps["pattern_completed", "ask_next"] == (1, left)
    assert sum(gone for _, gone in steps.values()) == left


async def test_stopping_and_finishing_after_advice_are_told_apart(house: SmallHouse) -> None:
    await says(house, *TOOLS, "That is all", "Skip this", "Finish", "Skip this")
    await says(house, *TOOLS, "stop", who="bea")
    await says(house, *TOOLS, who="cat")
    found = await facts(house)
    assert [each["stood"] for each in found] == ["finished", "stopped", "advised"]
    assert [each["helped"] for each in found] == [None, None, None]
    assert [each["knew_tools"] for each in found] == [None, None, None]
    steps = await counted(house, "step_count")
    assert {step for step, (_, left) in steps.items() if left} == {("tool_picker", "ask_again")}
    assert open_contacts(house) == 1


async def test_pages_are_counted_and_what_was_said_of_them(house: SmallHouse) -> None:
    await says(house, *TOOLS, "That is all", "Yes", "Finish", "Yes")
    await says(house, *TOOLS, who="bea")
    pages = await counted(house, "page_count")
    assert pages["keep-evidence",] == (2, 1, 0, 0)
    assert pages["tiktok",] == (2, 1, 0, 0)


async def test_what_is_said_of_a_page_is_counted_on_the_day_it_was_shown(house: SmallHouse) -> None:
    house.clock.at = datetime(2026, 7, 6, 22, 50, tzinfo=UTC)
    await says(house, *TOOLS)
    house.clock.passes(minutes=40)
    await says(house, "That is all", "No", "Finish", "No")
    await house.firstline.upkeep.count_contacts()
    rows = house.firstline.ledger.reader().execute("SELECT day, page, shown, not_helped FROM page_count").fetchall()
    assert {tuple(row) for row in rows} >= {("2026-07-06", "keep-evidence", 1, 1), ("2026-07-06", "tiktok", 1, 1)}


async def test_pages_of_an_earlier_contact_are_not_what_helped(house: SmallHouse) -> None:
    await says(house, *TOOLS)
    house.clock.passes(hours=25)
    await says(house, "That is all", "No", "Finish", "Yes")
    assert [each["helped"] for each in await facts(house)] == [None, "yes"]
    assert set((await counted(house, "page_count")).values()) == {(1, 0, 0, 0)}


# --- back, again, another --------------------------------------------------------------------------------------------


async def test_an_answer_that_was_taken_back_is_no_concern(house: SmallHouse) -> None:
    await says(house, *START, "Fake or cloned account")
    assert json.loads((await fact(house))["concerns"]) == ["impersonation"]
    await says(house, "back", "Posts about us or staff")
    found = await fact(house)
    assert (found["concern"], json.loads(found["concerns"])) == ("reputation", ["reputation"])


async def test_who_starts_again_goes_on_with_the_same_contact_and_takes_nothing_back(house: SmallHouse) -> None:
    await says(house, *START, "Fake or cloned account", "start again")
    await says(house, "No", "Social worker", "Wales", "Posts about us or staff")
    found = await fact(house)
    assert json.loads(found["concerns"]) == ["impersonation", "reputation"]
    assert (found["concern"], found["nation"], found["turns"]) == ("impersonation", "wales", 10)


async def test_a_platform_belongs_to_the_first_worry(house: SmallHouse) -> None:
    await says(house, *TOOLS, "That is all", "Skip this", "Another worry", "No", "Fake or cloned account")
    await says(house, "A member of staff", "Instagram")
    found = await fact(house)
    assert json.loads(found["concerns"]) == ["reporting_help", "impersonation"]
    assert found["platform"] == "tiktok"


# --- returning -------------------------------------------------------------------------------------------------------


async def test_after_a_day_of_silence_a_turn_begins_a_new_contact_that_is_a_return(house: SmallHouse) -> None:
    await says(house, *START)
    house.clock.passes(hours=24)
    await says(house, "Posts about us or staff")
    first, second = await facts(house)
    assert (first["is_return"], first["turns"], first["concern"]) == (0, 4, None)
    assert (second["is_return"], second["turns"], second["concern"]) == (1, 1, "reputation")
    assert (second["role"], second["nation"]) == ("teacher", "england")
    assert house.one("SELECT count(*) FROM conversation") == 1


async def test_within_the_day_it_is_the_same_contact(house: SmallHouse) -> None:
    await says(house, *START)
    house.clock.passes(hours=23, minutes=59)
    await says(house, "Posts about us or staff")
    assert (await fact(house))["turns"] == 5


async def test_what_was_answered_in_an_earlier_contact_is_that_ones(house: SmallHouse) -> None:
    await says(house, *TOOLS, "That is all", "No", "Another worry")
    house.clock.passes(hours=30)
    await says(house, "No", "Fake or cloned account")
    first, second = await facts(house)
    assert json.loads(first["concerns"]) == ["reporting_help"]
    assert json.loads(second["concerns"]) == ["impersonation"]
    assert (first["knew_tools"], second["knew_tools"]) == ("no", None)


async def test_who_comes_back_after_finishing_is_a_return(house: SmallHouse) -> None:
    await says(house, *NOT_SAFETY, "Finish", "Skip this")
    await says(house, "hello")
    assert [each["is_return"] for each in await facts(house)] == [0, 1]


async def test_a_code_typed_elsewhere_after_a_day_begins_a_return(house: SmallHouse) -> None:
    said = "\n".join(await says(house, *START, "talk to a person", "Yes"))
    code = next(word.strip("*.") for word in said.split() if contacts_code(word))
    house.clock.passes(hours=25)
    await house.say(code, "elsewhere", channel=WEB)
    first, second = await facts(house)
    assert (first["stood"], first["is_return"], first["channel"]) == ("handed_over", 0, REST)
    assert (second["is_return"], second["channel"], second["turns"]) == (1, WEB, 1)


def contacts_code(word: str) -> bool:
    word = word.strip("*.")
    return len(word) == 9 and word[4] == "-" and word.upper() == word


# --- people, children, danger ----------------------------------------------------------------------------------------


async def test_a_contact_that_hands_over_stands_so_and_the_case_keeps_its_own_fact(house: SmallHouse) -> None:
    await says(house, *START, "Fake or cloned account", "talk to a person", "Yes", "thank you")
    house.clock.passes(hours=25)
    found = await fact(house)
    assert (found["stood"], found["turns"]) == ("handed_over", 8)
    assert house.counts("cases", "case_facts") == (1, 0)
    assert sum(left for _, left in (await counted(house, "step_count")).values()) == 0


async def test_while_an_adviser_speaks_only_that_somebody_wrote_is_counted(house: SmallHouse) -> None:
    await says(house, *START, "talk to a person", "Yes")
    case, amira = house.one("SELECT max(id) FROM cases"), house.adviser()
    house.claim(case, amira)
    house.answers(case, amira, "Hello, this is Amira.")
    before = await fact(house), await counted(house, "step_count"), await counted(house, "miss_count")
    await says(house, "zzz qqq", "a child is in danger", "Posts about us or staff")
    after = await fact(house), await counted(house, "step_count"), await counted(house, "miss_count")
    assert after == ({**before[0], "turns": before[0]["turns"] + 3, "danger": 1}, *before[1:])


async def test_of_a_child_nothing_is_kept_but_that_one_wrote(house: SmallHouse) -> None:
    await says(house, *START, "Fake or cloned account", "zzz")
    await says(house, "im 13 and someone is sending me nudes")
    kept = json.loads(house.one("SELECT shows FROM contact_turn ORDER BY seq DESC LIMIT 1"))
    assert kept.keys() == {"channel", "library", "language", "is_return", "stood"}
    before = await counted(house, "step_count")
    await says(house, "he wont stop", "Posts about us or staff")
    found = await fact(house)
    nothing = ("role", "nation", "concern", "concerns", "platform", "advised", "knew_tools", "helped")
    assert {name: found[name] for name in nothing} == dict.fromkeys(nothing)
    assert (found["stood"], found["misses"], found["danger"], found["turns"]) == ("child", 0, 0, 9)
    house.clock.passes(hours=25)
    assert await counted(house, "step_count") == before
    assert sum(left for _, left in before.values()) == 0


async def test_who_says_that_they_are_a_child_is_taken_for_one(house: SmallHouse) -> None:
    await says(house, "hello", "No", "I'm under 18")
    found = await fact(house)
    assert (found["stood"], found["role"]) == ("child", None)


async def test_danger_is_noted_whatever_comes_after(house: SmallHouse) -> None:
    await says(house, *START, "a child is in danger", "Carry on", "Posts about us or staff")
    assert (await fact(house))["danger"] == 1


async def test_a_parent_is_in_the_wrong_place_and_is_no_gap(house: SmallHouse) -> None:
    await says(house, "hello", "No", "Parent")
    assert (await fact(house))["stood"] == "wrong_place"
    assert await counted(house, "miss_count") == {}


# --- what no flow took -----------------------------------------------------------------------------------------------


async def test_words_that_were_not_understood_are_counted_by_where_they_were_said(house: SmallHouse) -> None:
    await says(house, *START, "zzz qqq", "zzz qqq")
    found = await counted(house, "miss_count")
    assert found["not_understood", "", "", "start/ask_concern"] == (2,)
    assert (await fact(house))["misses"] == 2


async def test_a_platform_without_a_page_is_a_gap(house: SmallHouse) -> None:
    await says(house, *TOOLS[:-2], "Another one", "A game, chat app, other", "None of these")
    assert ("no_page", "reporting_help", "other", "which_platform/ask_last") in await counted(house, "miss_count")
    await says(house, *TOOLS, who="bea")
    assert sum(times for (times,) in (await counted(house, "miss_count")).values()) == 1


async def test_what_is_out_of_scope_is_a_gap(house: SmallHouse) -> None:
    await says(house, *NOT_SAFETY)
    assert [kind for kind, *_ in await counted(house, "miss_count")] == ["out_of_scope"]


async def test_no_word_of_the_enquirers_is_in_any_of_it(house: SmallHouse) -> None:
    await says(house, *START, "canaryword about a pupil called Canary", "Canary canaryword", "Mr Canaryword")
    kept = house.firstline.ledger.reader().execute("SELECT shows FROM contact_turn").fetchall()
    assert kept
    assert not any("canary" in row[0].lower() for row in kept)
    await facts(house)
    for table in ("contact_facts", "contact_now", "step_count", "page_count", "miss_count"):
        rows = house.firstline.ledger.reader().execute(f"SELECT * FROM {table}").fetchall()
        assert not any("canary" in str(value).lower() for row in rows for value in tuple(row))


# --- one write -------------------------------------------------------------------------------------------------------


BROKEN = "CREATE TRIGGER broken BEFORE {} BEGIN SELECT RAISE(ABORT, 'broken'); END"


@pytest.mark.parametrize("table", ["outbox", "contact_turn"])
async def test_the_turn_and_what_it_shows_are_kept_together_or_not_at_all(house: SmallHouse, table: str) -> None:
    house.firstline.ledger.write_now(lambda db: db.execute(BROKEN.format(f"INSERT ON {table}")))
    with pytest.raises((ConversationMoved, sqlite3.IntegrityError)):
        await house.firstline.turns.handle(turn_of(house))
    assert house.counts("turn", "contact_turn", "conversation") == (0, 0, 0)
    house.firstline.ledger.write_now(lambda db: db.execute("DROP TRIGGER broken"))
    await house.firstline.turns.handle(turn_of(house))
    assert house.counts("turn", "contact_turn", "conversation") == (1, 1, 1)


def turn_of(house: SmallHouse) -> Turn:
    return Turn(REST, Address("ann"), "first", Opened(house.clock()))


async def test_counting_that_breaks_off_has_counted_nothing_and_begins_anew(house: SmallHouse) -> None:
    await says(house, *TOOLS)
    house.firstline.ledger.write_now(lambda db: db.execute(BROKEN.format("INSERT ON page_count")))
    with pytest.raises(sqlite3.IntegrityError, match="broken"):
        await house.firstline.upkeep.count_contacts()
    assert house.counts("contact_turn", "contact_facts", "step_count") == (8, 0, 0)
    await says(house, "That is all")  # a turn is taken all the same
    house.firstline.ledger.write_now(lambda db: db.execute("DROP TRIGGER broken"))
    assert (await fact(house))["turns"] == 9
    assert house.counts("contact_turn") == (0,)
    await house.firstline.upkeep.count_contacts()
    assert (await fact(house))["turns"] == 9


async def test_a_second_copy_of_a_turn_is_counted_once(house: SmallHouse) -> None:
    await house.say("hello")
    for _ in range(3):
        await house.say("No", id_="same")
    assert (await fact(house))["turns"] == 2


async def test_what_was_kept_before_the_end_of_a_process_is_counted_by_the_next(
    tmp_path: Path, shipped: Ready, clock: Clock
) -> None:
    settings = shipped.copied_to(tmp_path)
    first = opened_house(settings, clock)
    await says(first, *START)
    assert first.counts("contact_turn", "contact_facts") == (4, 0)
    first.firstline.ledger.close()
    async with running_house(settings, clock) as then:
        for _ in range(1000):
            if then.counts("contact_turn") == (0,):
                break
            await asyncio.sleep(0.01)
        assert then.one("SELECT turns FROM contact_facts") == 4


async def test_a_fact_is_frozen_once_its_contact_is_over(house: SmallHouse) -> None:
    await says(house, *START)
    house.clock.passes(hours=25)
    over = await fact(house)
    with pytest.raises(sqlite3.IntegrityError, match="contact_fact_is_kept"):
        house.firstline.ledger.write_now(lambda db: db.execute("UPDATE contact_facts SET role = 'police'"))
    with pytest.raises(sqlite3.IntegrityError, match="contact_is_over"):
        house.firstline.ledger.write_now(
            lambda db: db.execute("INSERT INTO contact_now (conversation, fact, since, at) VALUES (1, 1, 0, 0)")
        )
    await says(house, "Posts about us or staff")
    assert (await facts(house))[0] == over


async def test_a_conversation_that_is_forgotten_at_once_is_counted_first(house: SmallHouse) -> None:
    await says(house, *START)
    local = house.firstline.hours.local
    house.firstline.ledger.write_now(lambda db: contacts.close(db, 1, local, DAY))
    assert house.counts("contact_turn", "contact_now") == (0, 0)
    assert (await counted(house, "step_count"))["start", "ask_concern"] == (1, 1)


def shows(house: SmallHouse, *turns: Seen) -> None:
    """Turns of one conversation, a second apart, counted; then its contact is over."""

    def kept(db: sqlite3.Connection) -> None:
        for number, each in enumerate(turns):
            contacts.keep(db, 7, house.clock() + timedelta(seconds=number), each)
        contacts.close(db, 7, house.firstline.hours.local, DAY)

    house.firstline.ledger.write_now(kept)


async def test_where_a_child_is_left_and_what_was_shown_to_one_is_not_counted(house: SmallHouse) -> None:
    shows(house, seen(stood=Stood.CHILD, place=Place("a", "b"), pages=("p",), passed=(Place("a", "c"),)))
    assert house.counts("contact_facts", "step_count", "page_count") == (1, 0, 0)


@pytest.mark.parametrize(
    ("stood", "left"), [(Stood.HANDED_OVER, 0), (Stood.FINISHED, 0), (Stood.STOPPED, 1), (None, 1)]
)
async def test_who_was_handed_over_or_has_finished_did_not_leave_in_the_middle(
    house: SmallHouse, stood: Stood | None, left: int
) -> None:
    shows(house, seen(stood=stood), seen(place=Place("a", "b")))
    assert await counted(house, "step_count") == {("a", "b"): (1, left)}


# --- what is decided -------------------------------------------------------------------------------------------------


def seen(**more: Any) -> Seen:
    return Seen("web", "v1", "en", **more)


def test_anything_that_is_no_code_is_kept_as_other() -> None:
    known = grown(
        Known(), seen(role="Mr Smith", nation="france", concerns=(Then("Ann!", 5),), platform="A B", about="C d"), 0
    )
    assert (known.role, known.nation, known.concerns, known.platform) == ("other", None, ("other",), None)


@pytest.mark.parametrize("later", list(Stood))
def test_once_a_child_always_a_child(later: Stood) -> None:
    assert standing(Stood.CHILD, later) is Stood.CHILD
    assert standing(later, Stood.CHILD) is Stood.CHILD


@pytest.mark.parametrize(
    ("stood", "news", "after"),
    [
        (Stood.BEGUN, None, Stood.BEGUN),
        (Stood.BEGUN, Stood.ADVISED, Stood.ADVISED),
        (Stood.WRONG_PLACE, Stood.ADVISED, Stood.ADVISED),
        (Stood.WRONG_PLACE, Stood.FINISHED, Stood.WRONG_PLACE),
        (Stood.ADVISED, Stood.WRONG_PLACE, Stood.ADVISED),
        (Stood.ADVISED, Stood.STOPPED, Stood.STOPPED),
        (Stood.FINISHED, Stood.STOPPED, Stood.FINISHED),
        (Stood.FINISHED, Stood.ADVISED, Stood.ADVISED),
        (Stood.HANDED_OVER, Stood.FINISHED, Stood.HANDED_OVER),
        (Stood.FINISHED, Stood.HANDED_OVER, Stood.HANDED_OVER),
    ],
)
def test_how_a_contact_stands_after_news(stood: Stood, news: Stood | None, after: Stood) -> None:
    assert standing(stood, news) is after


# --- whatever is done ------------------------------------------------------------------------------------------------


@dataclass
class Model:
    """What should be counted, told from where the conversation stood after each turn and from nothing else."""

    turns: list[int] = field(default_factory=list)
    reached: Counter[Place] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)
    place: Place | None = None
    said_at: datetime | None = None
    ended: bool = False

    def turn(self, at: datetime, before: Conversation | None, after: Conversation) -> None:
        if self.said_at is None or self.ended or at - self.said_at > DAY:
            self.turns.append(0)
            self.place = None
        self.turns[-1] += 1
        advised = before.advised if before else ()
        shown = [each for each in after.advised if each not in advised]
        self.pages.update(each.page for each in shown)
        waits = after.waiting and after.stack and after.slots.get("completed_next") != "finish"
        top = after.stack[-1] if waits else None
        place = Place(top.flow, top.step) if top else None
        places = {Place(each.flow, each.step) for each in shown}
        if place and place != self.place:
            places.add(place)
        self.reached.update(places)
        if not after.ended:
            self.place = place
        self.said_at, self.ended = at, after.ended


MOVES = st.lists(
    st.one_of(
        st.integers(0, 5),
        st.sampled_from(["zzz", "back", "start again", "help", "stop", "999", "change an answer", "cancel"]),
        st.sampled_from([timedelta(hours=1), timedelta(hours=25), "count"]),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory, shipped: Ready) -> Iterator[SmallHouse]:
    folder = tmp_path_factory.mktemp("walked")
    made = opened_house(shipped.copied_to(folder), Clock())
    yield made
    made.firstline.ledger.close()


@settings(max_examples=25, deadline=None)
@given(moves=MOVES)
def test_whatever_is_done_the_counts_agree(walked: SmallHouse, moves: list[Any]) -> None:
    asyncio.run(_walk(walked, moves))


async def _walk(house: SmallHouse, moves: list[Any]) -> None:
    house.clock.passes(hours=30)
    await house.firstline.upkeep.count_contacts()
    before, model, who = await _totals(house), Model(), f"walker-{next(house.count)}"
    for move in ("hello", "No", *moves):
        match move:
            case "count":
                await house.firstline.upkeep.count_contacts()
            case timedelta():
                house.clock.at += move
            case int():
                await _take(house, model, who, move)
            case _:
                await _speak(house, model, who, move)
    house.clock.passes(hours=30)
    await house.firstline.upkeep.count_contacts()
    after = await _totals(house)
    gained = {name: after[name] - before[name] for name in after}
    left = gained.pop("left")
    assert gained == {
        "contacts": len(model.turns),
        "turns": sum(model.turns),
        "reached": model.reached.total(),
        "pages": model.pages.total(),
        "returns": len(model.turns) - 1,
    }
    assert 0 <= left <= len(model.turns)
    assert open_contacts(house) == 0


async def _take(house: SmallHouse, model: Model, who: str, number: int) -> None:
    """One of the choices on offer, or "No" where there is none."""
    here = _state(house, who)
    offers = here.offers if here else ()
    await _speak(house, model, who, offers[number % len(offers)].title if offers else "No")


async def _speak(house: SmallHouse, model: Model, who: str, words: str) -> None:
    house.clock.passes(seconds=20)
    before = _state(house, who)
    await house.say(words, who)
    after = _state(house, who)
    model.turn(house.clock(), before, after or Conversation(house.firstline.shelf.live().library.version, ended=True))


def _state(house: SmallHouse, who: str) -> Conversation | None:
    turns, db = house.firstline.turns, house.firstline.ledger.reader()
    found = turns.store.find(db, turns.store.mark(REST, Address(who)))
    return found.conversation if found else None


async def _totals(house: SmallHouse) -> dict[str, int]:
    return {
        "contacts": house.one("SELECT count(*) FROM contact_facts"),
        "turns": house.one("SELECT coalesce(sum(turns), 0) FROM contact_facts"),
        "reached": house.one("SELECT coalesce(sum(reached), 0) FROM step_count"),
        "left": house.one("SELECT coalesce(sum(last), 0) FROM step_count"),
        "pages": house.one("SELECT coalesce(sum(shown), 0) FROM page_count"),
        "returns": house.one("SELECT coalesce(sum(is_return), 0) FROM contact_facts"),
    }
