"""A code resumes a conversation on another channel, once; nothing of the past is repeated there."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.contract import REST, TELEGRAM, WEB, WHATSAPP
from bot.domain import Address, ChannelName, Person, Said, Turn
from bot.doors.records import RecordsDoor
from bot.returning import GOOD_FOR, TRIES, TRIES_OF_ALL, code_in
from handoff.domain import REFERENCE_ALPHABET
from tests.small_house import Clock, Ready, SmallHouse, opened_house, ready_in, small_library, write_library

WORDS = """
responses:
  utter_return_code: [{text: "Your code: {context.code}"}]
  utter_wait:
    - {text: You are next., condition: context.wait is "next"}
    - {text: "{context.low} to {context.high} minutes.", condition: context.wait is "between"}
    - {text: "Open {context.opens}, {context.opens_on}, {context.opens_at}.", condition: context.wait is "closed"}
    - {text: We cannot say.}
  utter_code:
    - {text: Back with people., condition: context.reception is "back" and context.with_people is true}
    - {text: Back., condition: context.reception is "back"}
    - {text: Busy here., condition: context.reception is "busy"}
    - {text: Too often., condition: context.reception is "too_often"}
    - {text: Not known.}
"""
CANARY = "canary-past-words"


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    library = {**small_library(), "flows/codes.yml": WORDS.encode()}
    folder = write_library(tmp_path_factory.mktemp("coded-library"), library)
    return ready_in(tmp_path_factory.mktemp("coded"), folder)


@pytest.fixture
def house(tmp_path: Path, coded: Ready, clock: Clock) -> Iterator[SmallHouse]:
    made = opened_house(coded.copied_to(tmp_path, opening_hours="mon-sun 00:00-24:00"), clock)
    yield made
    made.firstline.ledger.close()


async def handed_over(house: SmallHouse, who: str = "ann", channel: ChannelName = WEB) -> str:
    """A conversation that was passed to people; returns its code."""
    said: list[str] = []
    for text in ("hello", "talk to a person", "yes"):
        said = await house.say(text, who, channel=channel)
    found = re.search(r"Your code: (\S+)", "\n".join(said))
    assert found, said
    return found[1]


async def seen(house: SmallHouse, who: str, channel: ChannelName) -> str:
    return "\n".join(line.rendered.text for line in await house.firstline.rooms.history(channel, Address(who)))


async def test_a_code_takes_the_conversation_along_and_repeats_nothing(house: SmallHouse) -> None:
    await house.say("hello", "ann", channel=WEB)
    await house.say("no", "ann", channel=WEB)
    code = await handed_over(house)
    await house.say(CANARY, "ann", channel=WEB)
    asked_before = house.firstline.rooms.record(WEB, Address("ann"))
    assert asked_before is not None
    case = house.one("SELECT max(id) FROM cases")
    assert await house.say(code.lower(), "mobile", channel=REST) == ["Back with people."]
    await house.say("I am on my phone now", "mobile", channel=REST)
    assert house.thread(case) == [CANARY, "I am on my phone now"]
    assert CANARY not in await seen(house, "mobile", REST)
    assert await seen(house, "ann", WEB) == ""
    record = house.firstline.rooms.record(REST, Address("mobile"))
    assert record is not None
    assert (record.answers, record.advice) == ((), ())
    kept = RecordsDoor(house.firstline.ledger, house.firstline.shelf, house.clock).of(1)
    assert kept is not None
    assert len(kept.answers) == len(asked_before.answers) > 0


async def test_what_an_adviser_wrote_meanwhile_is_no_past(house: SmallHouse) -> None:
    code, case = await handed_over(house), house.one("SELECT max(id) FROM cases")
    amira = house.adviser()
    house.claim(case, amira)
    house.answers(case, amira, "Ring your lead today.")
    assert await house.say(code, "mobile", channel=REST) == ["Ring your lead today.", "Back with people."]
    assert "Ring your lead" in await seen(house, "mobile", REST)
    house.answers(case, amira, "And write it down.")
    assert "And write it down." in await seen(house, "mobile", REST)
    flags = house.one("SELECT count(*) FROM message WHERE author = 'system'")
    assert flags == 1


async def test_on_a_pushed_channel_the_courier_takes_them_there(house: SmallHouse) -> None:
    code, case = await handed_over(house), house.one("SELECT max(id) FROM cases")
    amira = house.adviser()
    house.claim(case, amira)
    house.answers(case, amira, "Ring your lead today.")
    await house.say(code, "4711", channel=TELEGRAM)
    assert house.one("SELECT pushed FROM outbox WHERE author = 'adviser'") == 1
    assert house.one("SELECT channel FROM conversation WHERE id = 1") == "telegram"


async def test_a_code_works_once_and_for_a_while(house: SmallHouse, clock: Clock) -> None:
    code = await handed_over(house)
    assert await house.say(code, "one", channel=REST, id_="t1") == ["Back with people."]
    assert (await house.say(code, "other", channel=REST))[0] == "Not known."
    assert await house.say(code, "one", channel=REST, id_="t1") == ["Back with people."]
    assert await house.say(code, "one", channel=REST) == ["Back with people."]
    late = await handed_over(house, "ben")
    clock.passes(days=GOOD_FOR.days, seconds=1)
    assert (await house.say(late, "mobile", channel=REST))[0] == "Not known."


async def test_a_conversation_that_ended_is_not_resumed(house: SmallHouse) -> None:
    code = await handed_over(house)
    await house.say("stop", "ann", channel=WEB)
    assert house.one("SELECT ended_at FROM conversation WHERE id = 1") is not None
    assert (await house.say(code, "mobile", channel=REST))[0] == "Not known."


async def test_who_has_an_open_case_there_finishes_that_first(house: SmallHouse) -> None:
    code = await handed_over(house)
    await handed_over(house, "mobile", REST)
    assert (await house.say(code, "mobile", channel=REST))[-1] == "Busy here."
    assert await house.say(code, "third", channel=REST) == ["Back with people."]


async def test_guessing_is_stopped(house: SmallHouse, clock: Clock) -> None:
    code = await handed_over(house)
    for number in range(TRIES):
        assert (await house.say(f"BCDF-GH{'BCDFG'[number]}K", "eve", channel=REST))[0] == "Not known."
    assert (await house.say("BCDF-GHJK", "eve", channel=REST))[0] == "Too often."
    clock.passes(hours=2)
    for number in range(TRIES_OF_ALL):
        await house.say("BCDF-GHJK", f"eve-{number}", channel=REST)
    assert (await house.say("BCDF-GHJK", "fresh", channel=REST))[0] == "Too often."
    assert await house.say(code, "mobile", channel=REST) == ["Back with people."]


async def test_who_has_tried_too_often_is_not_let_in_by_the_right_code_either(house: SmallHouse, clock: Clock) -> None:
    code = await handed_over(house)
    for _ in range(TRIES):
        await house.say("BCDF-GHJK", "eve", channel=REST)
    assert (await house.say(code, "eve", channel=REST))[0] == "Too often."
    assert await house.say(code, "mobile", channel=REST) == ["Back with people."]
    other = await handed_over(house, "ben")
    clock.passes(hours=2)
    assert await house.say(other, "eve", channel=REST) == ["Back with people."]


async def test_what_the_bot_had_still_to_say_is_not_said_on_the_new_device(house: SmallHouse) -> None:
    code, case = await handed_over(house), house.one("SELECT max(id) FROM cases")
    amira = house.adviser()
    house.claim(case, amira)
    house.answers(case, amira, "Ring your lead today.")
    house.closes(case, amira)
    await house.firstline.relay.follow()
    waiting = house.one("SELECT count(*) FROM outbox WHERE author = 'bot' AND state = 'queued'")
    assert waiting > 0  # the control: on the old device it would have been read
    answer = await house.say(code, "mobile", channel=REST)
    assert answer[0] == "Ring your lead today."
    assert await seen(house, "mobile", REST) == "\n".join(answer)


async def test_the_names_of_a_channel_that_was_left_lead_nowhere_any_more(house: SmallHouse) -> None:
    db = house.firstline.ledger.reader()
    person = Person("user-1", "447700900123")
    said: list[str] = []
    for number, text in enumerate(("hello", "talk to a person", "yes")):
        turn = Turn(WHATSAPP, person.address, f"w{number}", Said(text, house.clock()), person=person)
        answer = await house.firstline.rooms.answer(turn)
        said += [line.rendered.text for line in answer.lines]
    code = re.search(r"Your code: (\S+)", "\n".join(said))
    assert code
    assert db.execute("SELECT count(*) FROM known_as").fetchone()[0] == 2
    assert await house.say(code[1], "mobile", channel=REST) == ["Back with people."]
    assert db.execute("SELECT count(*) FROM known_as").fetchone()[0] == 0


async def test_the_code_is_nowhere_in_the_file(house: SmallHouse) -> None:
    code = await handed_over(house)
    await house.say(code, "mobile", channel=REST)
    house.firstline.ledger.write_now(lambda db: db.execute("SELECT 1"))
    raw = b"".join(path.read_bytes() for path in house.firstline.settings.data_dir.glob("firstline.db*"))
    assert code.encode() not in raw
    assert code.replace("-", "").encode() not in raw


async def test_the_wait_is_told_beside_the_reference(house: SmallHouse) -> None:
    amira = house.adviser()
    house.firstline.ledger.write_now(
        lambda db: db.execute("UPDATE adviser SET available = 1, heartbeat_at = ? WHERE id = ?",
                              [round(house.clock().timestamp() * 1000), amira])
    )  # fmt: skip
    said: list[str] = []
    for text in ("hello", "talk to a person", "yes"):
        said = await house.say(text)
    assert said[-2] == "You are next."
    again = await house.say("talk to a person")
    assert not any("Your code" in each or "next" in each for each in again)


async def test_closed_is_told_with_the_day_and_time(tmp_path: Path, coded: Ready, clock: Clock) -> None:
    made = opened_house(coded.copied_to(tmp_path, opening_hours="mon-fri 09:00-10:00"), clock)
    for text in ("hello", "talk to a person", "yes"):
        said = await made.say(text)
    opens = made.firstline.hours.next_opening(clock())
    assert opens is not None
    local = made.firstline.hours.local(opens)
    assert f"{local.day}/{local.month}/{local.year}, 09:00." in said[-2]
    assert opens - clock() < timedelta(days=4)
    made.firstline.ledger.close()


@given(st.text(alphabet=REFERENCE_ALPHABET, min_size=8, max_size=8), st.sampled_from(["", " ", "-", "–"]))
def test_a_code_is_heard_however_it_is_typed(signs: str, between: str) -> None:
    typed = f" {signs[:4]}{between}{signs[4:]}. ".lower()
    turn = Turn(REST, Address("a"), "1", Said(typed, Clock()()))
    assert code_in(turn) == f"{signs[:4]}-{signs[4:]}"


@pytest.mark.parametrize("typed", ["FL-7K3Q-2M", "my code is BCDF-GHJK", "BCDF-GHJ", "PLAY-STOP", "999", ""])
def test_other_words_are_no_code(typed: str) -> None:
    assert code_in(Turn(REST, Address("a"), "1", Said(typed, Clock()()))) is None
