"""Danger, children, pictures and numbers of turns: what must happen whoever has the word, and that nothing is lost."""

import sqlite3

import pytest

from bot.channels.contract import REST
from bot.domain import MAX_TURNS_IN_WINDOW, Address, LibraryVersion, MediaKind, MediaRefused
from bot.shelf import Kept
from handoff.domain import AdviserId, CaseId
from tests.small_house import Clock, SmallHouse, small_library

ONE_MORE = b"responses:\n  utter_one_more: [{text: One more.}]\n"


async def spoken_to(house: SmallHouse) -> tuple[CaseId, AdviserId]:
    """A case an adviser has claimed and answered."""
    case, amira = await house.asks_for_people(), house.adviser()
    house.claim(case, amira)
    house.answers(case, amira, "Hello, how can I help?")
    await house.say("thank you")
    return case, amira


def system_lines(house: SmallHouse, case: CaseId) -> list[str]:
    reader = house.firstline.ledger.reader()
    rows = reader.execute("SELECT id FROM message WHERE \"case\" = ? AND author = 'system' ORDER BY seq", [case])
    found = [house.firstline.queue.message(reader, row[0]) for row in rows.fetchall()]
    return [each.text for each in found if each]


def tier(house: SmallHouse, case: CaseId) -> int:
    return int(house.one('SELECT tier FROM queue_item WHERE "case" = ?', case))


async def test_danger_words_to_a_waiting_case_put_it_first(house: SmallHouse) -> None:
    case = await house.asks_for_people()
    assert tier(house, case) == 3
    await house.say("he has a knife")
    assert tier(house, case) == 0
    assert "danger_words" in system_lines(house, case)
    assert "he has a knife" in house.thread(case)


async def test_danger_words_to_an_adviser_show_999_and_raise_the_case(house: SmallHouse) -> None:
    case, _ = await spoken_to(house)
    said = await house.say("he has a knife")
    assert any("Call 999" in line for line in said)
    assert tier(house, case) == 0
    assert "he has a knife" in house.thread(case)


async def test_the_999_screen_beside_an_adviser_asks_nothing_and_moves_nothing(house: SmallHouse) -> None:
    case, _ = await spoken_to(house)
    before = house.firstline.turns.store.find(house.firstline.ledger.reader(), mark(house))
    await house.say("he has a knife")
    after = house.firstline.turns.store.find(house.firstline.ledger.reader(), mark(house))
    assert before
    assert after
    assert after.conversation == before.conversation
    assert await house.say("2") == []
    assert house.thread(case)[-1] == "2"


async def test_a_picture_to_an_adviser_is_refused_in_words_and_they_are_told(house: SmallHouse) -> None:
    case, _ = await spoken_to(house)
    heard = await house.hear(MediaRefused(MediaKind.PHOTO, house.clock()))
    assert heard
    assert "refused_media" in system_lines(house, case)


async def test_a_child_who_writes_to_an_adviser_is_met_with_childline_and_they_are_told(house: SmallHouse) -> None:
    case, _ = await spoken_to(house)
    said = await house.say("im 13 and someone has my pictures")
    assert said == ["Childline is there for you."]
    assert "child_writing" in system_lines(house, case)
    assert not any("13" in line for line in house.thread(case))


async def test_only_notices_pass_while_an_adviser_speaks(house: SmallHouse) -> None:
    """Negative control of the trigger: the same words as the bot's are refused by the database."""
    await spoken_to(house)
    row = "INSERT INTO outbox (conversation, author, epoch, body, state, at) VALUES (1, '{}', 0, x'00', 'sent', 0)"
    house.firstline.ledger.write_now(lambda db: db.execute(row.format("notice")))
    with pytest.raises(sqlite3.IntegrityError, match="outbox_one_voice"):
        house.firstline.ledger.write_now(lambda db: db.execute(row.format("bot")))


async def test_an_adviser_who_takes_the_word_meanwhile_is_not_talked_over(house: SmallHouse) -> None:
    """The turn is thought again when the voice changed between reading and writing."""
    case, amira = await house.asks_for_people(), house.adviser()
    thinking = house.firstline.turns._thinking
    think = thinking.of
    claimed = []

    async def claims_meanwhile(*arguments: object) -> object:
        thought = await think(*arguments)  # type: ignore[arg-type]
        if not claimed:
            claimed.append(True)
            house.claim(case, amira)
        return thought

    thinking.of = claims_meanwhile  # type: ignore[method-assign, assignment]
    assert await house.say("are you there?") == []
    assert house.thread(case)[-1] == "are you there?"


async def test_the_words_of_a_second_hand_over_reach_the_open_case(house: SmallHouse) -> None:
    case = await house.asks_for_people()
    house.firstline.turns._thinking._run_action = broken  # type: ignore[assignment]
    await house.say("this must not be lost")
    assert "this must not be lost" in house.thread(case)


async def broken(*_: object) -> None:
    raise ValueError("a fault of ours")


async def test_too_many_turns_are_told_even_beside_an_adviser(house: SmallHouse, clock: Clock) -> None:
    await spoken_to(house)
    for number in range(MAX_TURNS_IN_WINDOW):
        last = await house.say(f"line {number}")
    assert last == ["Too fast."]


async def test_a_library_that_cannot_be_loaded_any_more_strands_nobody(house: SmallHouse) -> None:
    """They go on with the live one, and people are told that something broke."""
    await house.say("hello")
    old = house.one("SELECT library FROM conversation")
    shelf = house.firstline.shelf
    shelf.publish({**small_library(), "flows/one_more.yml": ONE_MORE}, "next", house.clock())
    pinned = shelf.pinned

    def spoiled(version: LibraryVersion) -> Kept:
        if version == old:
            raise ValueError("spoiled")
        return pinned(version)

    shelf.pinned = spoiled  # type: ignore[method-assign]
    assert await house.say("are you there?")
    assert house.one("SELECT library FROM conversation") != old
    assert house.one("SELECT reason FROM cases") == "internal_error"


def mark(house: SmallHouse) -> bytes:
    return house.firstline.turns.store.mark(REST, Address("ann"))
