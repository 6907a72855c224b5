""" "Delete my conversation": all of one's own goes, what stays is said, and the reply that says so still arrives."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.channels.contract import REST
from bot.domain import Address
from bot.errors import DeliveryError
from handoff import chain, holds
from handoff.domain import CaseId
from handoff.holds import HoldReason
from tests import test_erasure
from tests.delivering import Delivering
from tests.glass import Glass
from tests.small_house import (
    Clock,
    Ready,
    SmallHouse,
    opened_house,
    ready_in,
    settings_in,
    small_library,
    write_library,
)
from tests.test_erasure import facts, found, neighbours, planted

FLOWS = """
version: "3.1"
flows:
  pattern_delete:
    description: Asks once.
    nlu_trigger: [{intent: delete_conversation}]
    metadata: {firstline: {examples: [delete my conversation]}}
    steps:
      - id: ask
        collect: delete_sure
        ask_before_filling: true
        metadata: {firstline: {max_attempts: 2, on_exhausted: not_deleted}}
        next:
          - {if: slots.delete_sure is "delete", then: delete_it}
          - {else: not_deleted}
      - {id: delete_it, action: action_delete}
      - {id: deleted, action: utter_deleted, next: END}
      - {id: not_deleted, action: utter_not_deleted}
  pattern_delete_sure:
    description: Asked and agreed to.
    nlu_trigger: [{intent: delete_conversation_sure}]
    metadata: {firstline: {examples: [yes delete my conversation]}}
    steps:
      - action: action_delete
      - action: utter_deleted
slots:
  delete_sure: {type: categorical, values: [delete, keep], mappings: [{type: controlled}]}
responses:
  utter_ask_delete_sure:
    - text: Sure?
      buttons:
        - {title: "Yes, delete it", payload: /SetSlots(delete_sure=delete)}
        - {title: "No, keep it", payload: /SetSlots(delete_sure=keep)}
  utter_deleted: [{text: Deleted.}]
  utter_not_deleted: [{text: Nothing was deleted.}]
  utter_delete_kept:
    - {text: The case is open., condition: context.kept is "open"}
    - {text: Part of it is kept.}
  utter_delete_with_adviser: [{text: Type it all.}]
"""
ASK, SURE, BOTH = "delete my conversation", "yes, delete it", "yes, delete my conversation"


@pytest.fixture(scope="module")
def deleting(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    library = {**small_library(), "flows/delete.yml": FLOWS.encode()}
    folder = write_library(tmp_path_factory.mktemp("delete-library"), library)
    return ready_in(tmp_path_factory.mktemp("delete"), folder)


@pytest.fixture
def house(tmp_path: Path, deleting: Ready, clock: Clock) -> Iterator[SmallHouse]:
    made = opened_house(deleting.copied_to(tmp_path), clock)
    yield made
    made.firstline.ledger.close()


@pytest.fixture
def pushing(tmp_path: Path, deleting: Ready, clock: Clock) -> Iterator[Delivering]:
    made = Delivering(deleting.copied_to(tmp_path), clock)
    yield made
    made.ledger.close()


async def deletes(house: SmallHouse, who: str = "ann") -> list[str]:
    assert (await house.say(ASK, who))[-1] == "Sure?"
    return await house.say(SURE, who)


async def later(house: SmallHouse, **passed: float) -> int:
    house.clock.passes(**passed)
    return await house.firstline.farewell.follow()


def is_there(house: SmallHouse, conversation: int = 1) -> bool:
    return bool(house.one("SELECT length(address) FROM conversation WHERE id = ?", conversation))


def state_of(house: SmallHouse, case: CaseId) -> str:
    return str(house.one('SELECT state FROM queue_item WHERE "case" = ?', case))


# --- what goes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed", "glass"])
async def test_nothing_of_it_is_left_in_the_raw_files(
    tmp_path: Path, deleting: Ready, clock: Clock, is_sealed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_sealed:
        monkeypatch.setattr("bot.app.Seal", Glass)
    house = opened_house(deleting.copied_to(tmp_path), clock)
    case, words = await planted(house)
    await neighbours(house)
    before, ann = facts(house)["case_facts"], test_erasure.PLANTED["address"]
    assert (await deletes(house, ann))[-1] == "Deleted."
    assert not house.one("SELECT count(*) FROM cases WHERE id = ?", case), "an ended case goes with the answer"
    history = await house.firstline.rooms.history(REST, Address(ann))
    assert [line.rendered.text for line in history] == ["Deleted."]
    assert await later(house, seconds=30) == 0
    assert is_there(house), "who asks again for the page still gets the answer"
    assert await later(house, seconds=31) == 1
    assert house.firstline.ledger.rewrite()
    assert found(house, words) == []
    assert facts(house)["case_facts"] == before
    assert house.counts("cases", "parting", "return_code") == (6, 0, 0)
    assert house.one("SELECT count(*) FROM event WHERE kind IN ('erasure.asked', 'erasure.done')") == 2
    assert chain.verify(house.firstline.ledger.reader(), house.firstline.ledger.seal).is_whole
    house.firstline.ledger.close()


async def test_the_raw_files_still_have_it_before(
    tmp_path: Path, deleting: Ready, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: asked, and not agreed to."""
    monkeypatch.setattr("bot.app.Seal", Glass)
    house = opened_house(deleting.copied_to(tmp_path), clock)
    _, words = await planted(house)
    ann = test_erasure.PLANTED["address"]
    await house.say(ASK, ann)
    assert (await house.say("no, keep it", ann))[0] == "Nothing was deleted."
    assert await later(house, hours=1) == 0
    assert house.firstline.ledger.rewrite()
    assert set(words[:-1]) - set(found(house, words)) == set(), "all but the code itself, which is never kept"
    house.firstline.ledger.close()


async def test_without_a_case_words_go_at_once_and_the_rest_a_minute_later(house: SmallHouse) -> None:
    await house.say("hello")
    await house.say("they pretend to be our school")
    await house.say("hello", "bob")
    await deletes(house)
    assert house.one("SELECT count(*) FROM turn WHERE conversation = 1 AND words IS NOT NULL") == 0
    assert house.one("SELECT count(*) FROM outbox WHERE conversation = 1 AND body IS NOT NULL") == 1, "only the answer"
    assert await later(house, minutes=2) == 1
    assert (is_there(house, 1), is_there(house, 2)) == (False, True)
    assert house.one("SELECT count(*) FROM turn WHERE conversation = 2 AND words IS NOT NULL") == 1


async def test_a_return_code_leads_nowhere_at_once(house: SmallHouse) -> None:
    await house.say("hello")
    turns = house.firstline.turns
    code = house.firstline.ledger.write_now(lambda db: turns._returning.new_code(db, 1, house.clock()))  # type: ignore[arg-type]
    await deletes(house)
    assert house.firstline.forgetting.by_code(house.firstline.ledger.reader(), code, house.clock()) is None


# --- the answer arrives ----------------------------------------------------------------------------------------------


async def test_it_is_delivered_before_it_is_forgotten(pushing: Delivering) -> None:
    house = pushing.house
    async with pushing.at_work():
        await pushing.say("hello")
        await pushing.say(ASK)
        await pushing.until(lambda: set(pushing.states()) == {"sent"})
        pushing.provider.always["ann"] = DeliveryError("busy", retry_after_s=60)
        await pushing.say(SURE)
        await pushing.settled()
        assert await later(house, minutes=5) == 0, "it was not delivered yet"
        del pushing.provider.always["ann"]
        await pushing.later(minutes=2)
        await pushing.until(lambda: "Deleted." in pushing.provider.texts("ann"))
        await pushing.until(lambda: pushing.states()[-1] == "sent")
        assert await later(house, minutes=0) == 1
    assert not is_there(house)


async def test_what_cannot_be_delivered_is_not_waited_for_for_ever(pushing: Delivering) -> None:
    async with pushing.at_work():
        await pushing.say("hello")
        pushing.provider.always["ann"] = DeliveryError("busy", retry_after_s=60)
        await pushing.say(BOTH)
        await pushing.settled()
        assert await later(pushing.house, minutes=29) == 0
        assert await later(pushing.house, minutes=1) == 1
    assert not is_there(pushing.house)


async def test_stopped_in_the_middle_of_forgetting_the_next_start_does_all_of_it(
    tmp_path: Path, deleting: Ready, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = deleting.copied_to(tmp_path)
    house = opened_house(settings, clock)
    await house.asks_for_people()
    adviser = house.adviser()
    await deletes(house)
    house.claim(CaseId(1), adviser)
    house.closes(CaseId(1), adviser)
    clock.passes(minutes=15)

    def killed(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(house.firstline.forgetting, "conversation", killed)
    assert await house.firstline.farewell.follow() == 0
    assert house.counts("cases", "parting") == (1, 1), "whole or not at all"
    house.firstline.ledger.close()
    again = opened_house(settings, clock)
    assert await again.firstline.farewell.follow() == 1
    assert again.counts("cases", "parting") == (0, 0)
    assert not is_there(again)
    again.firstline.ledger.close()


async def test_killed_after_the_answer_it_is_forgotten_all_the_same(
    house: SmallHouse, deleting: Ready, tmp_path: Path, clock: Clock
) -> None:
    """The files as a kill leaves them: the log not folded in, nothing closed."""
    await house.say("hello")
    await deletes(house)
    killed, path = tmp_path / "killed", house.firstline.ledger.path
    killed.mkdir()
    for name in (path.name, f"{path.name}-wal", "firstline.key"):
        shutil.copy(path.with_name(name), killed / name)
    again = opened_house(settings_in(killed, deleting.library), clock)
    assert is_there(again)
    assert await later(again, minutes=2) == 1
    assert not is_there(again)
    again.firstline.ledger.close()


async def test_one_that_cannot_be_forgotten_keeps_back_no_other(
    house: SmallHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for who in ("ann", "bob"):
        await house.say("hello", who)
        await deletes(house, who)
    door = house.firstline.forgetting.conversation
    monkeypatch.setattr(
        house.firstline.forgetting, "conversation", lambda db, here, now: 1 / 0 if here == 1 else door(db, here, now)
    )
    assert await later(house, minutes=2) == 1
    assert (is_there(house, 1), is_there(house, 2)) == (True, False)
    assert house.counts("parting") == (1,)


# --- twice, and others -----------------------------------------------------------------------------------------------


async def test_a_second_press_and_a_copy_delete_nothing_more(house: SmallHouse) -> None:
    await house.say("hello")
    await house.say(ASK)
    first = await house.say(SURE, id_="the-same")
    assert await house.say(SURE, id_="the-same") == first, "a copy is answered as the first was"
    assert "Deleted." not in await house.say(SURE), "who comes again begins anew, and nothing is asked there"
    assert house.counts("parting", "conversation") == (1, 2)
    assert await later(house, minutes=2) == 1
    assert (is_there(house, 1), is_there(house, 2)) == (False, True)
    assert "".join(await house.say(SURE, id_="the-same")) == "", "a repeat after all was forgotten begins nothing"
    assert house.counts("conversation") == (2,)


# --- an open case ----------------------------------------------------------------------------------------------------


async def test_an_open_case_stays_and_goes_as_soon_as_it_is_closed(house: SmallHouse) -> None:
    await house.say("something about us")
    case, adviser = await house.asks_for_people(), house.adviser()
    other = await house.asks_for_people("bob")
    said = await deletes(house)
    assert said[-2:] == ["Deleted.", "The case is open."]
    assert state_of(house, case) == "waiting", "it is not abandoned: a child's safety may hang on it"
    assert house.one("SELECT count(*) FROM turn WHERE conversation = 1 AND words IS NOT NULL") == 0
    assert await later(house, days=2) == 0
    house.claim(case, adviser)
    house.answers(case, adviser, "We can help.")
    assert "We can help." in [line.rendered.text for line in await house.firstline.rooms.since(REST, Address("ann"), 0)]
    await house.say("thank you")
    assert house.thread(case)[-1] == "thank you"
    house.closes(case, adviser)
    await house.firstline.relay.follow()
    assert await later(house, minutes=9) == 0, "they may still be reading"
    assert await later(house, minutes=2) == 1
    assert not is_there(house)
    assert house.one("SELECT min(id) FROM cases") == other
    assert house.one("SELECT count(*) FROM erasure_request WHERE done_at IS NOT NULL AND way = 'chat'") == 1
    assert house.one("SELECT why FROM forgotten") == "asked"


async def test_while_an_adviser_speaks_only_the_whole_words_delete(house: SmallHouse) -> None:
    case, adviser = await house.asks_for_people(), house.adviser()
    await house.say(ASK)
    house.claim(case, adviser)
    house.answers(case, adviser, "Is it still up?")
    for words in ("yes", SURE):
        assert "Deleted." not in await house.say(words), "that was for the adviser"
    assert house.thread(case)[-2:] == ["yes", SURE]
    assert house.counts("parting") == (0,)
    assert await house.say(ASK) == ["Type it all."]
    assert (await house.say(BOTH))[-2:] == ["Deleted.", "The case is open."]
    assert house.counts("parting") == (1,)
    assert state_of(house, case) == "active"
    assert house.thread(case)[-1] == BOTH
    assert "asked_to_be_forgotten" in _flags(house, case)
    await house.say("are you there")
    assert house.thread(case)[-1] == "are you there"


async def test_a_case_that_ends_meanwhile_is_seen(house: SmallHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thought while the case was open, written when it has ended: thought again."""
    case, adviser = await house.asks_for_people(), house.adviser()
    await house.say(ASK)
    of = house.firstline.turns._thinking.of
    ended: list[int] = []

    async def slowly(*arguments: object) -> object:
        thought = await of(*arguments)  # type: ignore[arg-type]
        if not ended:
            ended.append(1)
            house.claim(case, adviser)
            house.closes(case, adviser)
        return thought

    monkeypatch.setattr(house.firstline.turns._thinking, "of", slowly)
    said = await house.say(BOTH)
    assert "The case is open." not in said
    assert said[-1] == "Deleted."
    assert house.counts("cases") == (0,)


async def test_what_was_thought_of_a_case_must_still_be_so_when_it_is_written(
    house: SmallHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a conversation would end whose case is open, and the adviser could not reach them."""
    await house.asks_for_people()
    turns, looks = house.firstline.turns, [False]
    there_is = turns._has_live_case
    monkeypatch.setattr(turns, "_has_live_case", lambda *of: looks.pop() if looks else there_is(*of))
    assert (await house.say(BOTH))[-1] == "The case is open."
    assert looks == []
    assert house.one("SELECT ended_at IS NULL FROM conversation")


async def test_a_held_case_is_kept_said_so_and_goes_when_it_is_released(house: SmallHouse) -> None:
    case, lead = await house.asks_for_people(), house.adviser()
    house.claim(case, lead)
    write, seal, now = house.firstline.ledger.write_now, house.firstline.ledger.seal, house.clock
    until = now().date() + timedelta(days=30)
    hold = write(lambda db: holds.place(db, seal, case, lead, HoldReason.POLICE, "", until, now()))
    house.closes(case, lead)
    assert (await deletes(house))[-2:] == ["Deleted.", "Part of it is kept."]
    assert await later(house, minutes=2) == 1
    assert not is_there(house), "what the bot keeps goes all the same"
    assert house.counts("cases", "parting") == (1, 0)
    write(lambda db: holds.release(db, hold, lead, now()))
    assert (await house.firstline.night.work()).cases == 1


def _flags(house: SmallHouse, case: CaseId) -> list[str]:
    rows = house.firstline.ledger.reader().execute('SELECT id FROM message WHERE "case" = ?', [case]).fetchall()
    found = [house.firstline.queue.message(house.firstline.ledger.reader(), row[0]) for row in rows]
    return [each.text for each in found if each and each.author == "system"]
