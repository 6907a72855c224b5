"""Who is who, where a provider names people in two ways that change, go missing, and pass to other people."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bot.channels.contract import WHATSAPP
from bot.config import Settings
from bot.domain import Person, Said, Turn
from tests.small_house import Clock, Ready, SmallHouse, opened_house


@dataclass
class People:
    """Enquirers of WhatsApp, told apart by what the database makes of them."""

    house: SmallHouse
    turns: int = field(default=0)

    async def writes(self, user: str | None, number: str | None, text: str = "hello") -> int:
        """The number of the conversation their words came to."""
        self.turns += 1
        person, at = Person(user, number), self.house.clock()
        turn = Turn(WHATSAPP, person.address, f"wamid.{self.turns}", Said(text, at), person, at)
        return (await self.house.firstline.turns.handle(turn)).conversation

    async def changes(self, before: Person, now: Person, at: datetime | None = None) -> None:
        await self.house.firstline.rooms.follow(WHATSAPP, before, now, at or self.house.clock())

    def address(self, conversation: int) -> Person:
        db, store = self.house.firstline.ledger.reader(), self.house.firstline.turns.store
        return Person.of(store.address(db, conversation)[1])  # type: ignore[arg-type]

    async def leaves(self, user: str | None, number: str | None) -> None:
        """Stops, and is scrubbed a day later."""
        await self.writes(user, number, "stop and delete")
        self.house.clock.passes(days=2)
        await self.house.firstline.upkeep.forget()

    def known(self) -> int:
        return int(self.house.one("SELECT count(*) FROM known_as"))


@pytest.fixture
def people(house: SmallHouse) -> People:
    return People(house)


async def test_a_users_id_finds_the_conversation_with_a_number_and_without(people: People) -> None:
    first = await people.writes("U1", "111")
    assert await people.writes("U1", None) == first
    assert await people.writes("U1", "999") == first
    assert await people.writes("U2", "222") != first  # the control


async def test_a_number_finds_it_before_and_after_the_id_is_known(people: People) -> None:
    first = await people.writes(None, "111")
    assert await people.writes("U1", "111") == first
    assert await people.writes("U1", None) == first
    assert await people.writes(None, "111") == first
    assert people.address(first) == Person("U1", "111")


async def test_a_name_without_a_number_is_enough(people: People) -> None:
    first = await people.writes("U1", None)
    assert await people.writes("U1", None) == first
    assert people.address(first) == Person("U1", None)
    assert await people.writes("U2", None) != first


async def test_a_number_given_to_somebody_else_does_not_lead_to_whoever_had_it(people: People) -> None:
    first = await people.writes("U1", "111")
    second = await people.writes("U2", "111")
    assert second != first
    assert await people.writes(None, "111") == second
    assert await people.writes("U1", None) == first


async def test_whoever_lost_a_number_is_not_written_to_by_it(people: People) -> None:
    # Once a defect: bot/store.py know: the first person's address kept the number, and `to` is the number where one is
    # known: an adviser's answer would have reached whoever has that telephone now.
    first = await people.writes("U1", "111")
    assert people.address(first) == Person("U1", "111")
    second = await people.writes("U2", "111")
    assert (people.address(first), people.address(second)) == (Person("U1", None), Person("U2", "111"))


async def test_a_change_of_number_is_followed_and_the_old_ones_next_owner_is_somebody_else(people: People) -> None:
    first = await people.writes(None, "111")
    await people.changes(Person(None, "111"), Person(None, "222"))
    assert people.address(first) == Person(None, "222")
    assert await people.writes(None, "222") == first
    second = await people.writes(None, "111")
    assert second != first
    assert await people.writes(None, "222") == first


async def test_a_change_of_id_is_followed(people: People) -> None:
    first = await people.writes("U1", "111")
    await people.changes(Person("U1", "111"), Person("U9", None))
    assert await people.writes("U9", "333") == first
    assert await people.writes("U1", None) != first


async def test_a_change_that_is_told_again_changes_nothing(people: People) -> None:
    # Once a defect: bot/known_as.py follow: told twice, the new number was led to whoever has the old one now.
    first = await people.writes(None, "111")
    changed_at = people.house.clock()
    for _ in range(2):
        await people.changes(Person(None, "111"), Person(None, "222"), changed_at)
    people.house.clock.passes(minutes=5)
    assert await people.writes(None, "222") == first
    second = await people.writes(None, "111")
    await people.changes(Person(None, "111"), Person(None, "222"), changed_at)
    assert await people.writes(None, "222") == first
    assert await people.writes(None, "111") == second


async def test_a_change_told_again_with_the_id_leaves_the_old_numbers_next_owner_alone(people: People) -> None:
    first = await people.writes("U1", "111")
    change = Person("U1", "111"), Person("U1", "222")
    await people.changes(*change)
    second = await people.writes(None, "111")
    await people.changes(*change)
    assert await people.writes(None, "111") == second != first


async def test_a_change_told_late_does_not_touch_whoever_has_shown_the_number_since(people: People) -> None:
    # Once a defect: bot/store.py follow: a change named by its number alone was applied to whoever had the number when
    # it arrived, and the first person's next words came into the second person's conversation.
    await people.writes("U1", "111")
    changed_at = people.house.clock()
    people.house.clock.passes(minutes=5)
    second = await people.writes("U9", "111")
    await people.changes(Person(None, "111"), Person("U2", "222"), changed_at)
    assert people.address(second) == Person("U9", "111")
    assert await people.writes("U2", "222") != second
    assert await people.writes("U9", None) == second


async def test_after_a_change_nobody_is_written_to_by_what_they_were_called_before(people: People) -> None:
    # Once a defect: bot/store.py _readdress kept the old number where a change named no new one.
    first = await people.writes("U1", "111")
    await people.changes(Person("U1", None), Person("U2", None))
    assert people.address(first) == Person("U2", None)
    await people.changes(Person("U2", None), Person(None, "333"))
    assert people.address(first) == Person(None, "333")


async def test_a_number_that_was_not_shown_for_long_leads_to_nobody(people: People) -> None:
    # Once a defect: known by the number alone, with a case that stays open: whoever was given it next was them.
    first = await people.writes(None, "111")
    people.house.clock.passes(days=40)
    assert await people.writes(None, "111") == first  # the control
    people.house.clock.passes(days=50)
    assert await people.writes("U2", "111") != first


async def test_a_number_somebody_had_before_leads_to_them_no_more(people: People) -> None:
    # Once a defect: bot/known_as.py remember: whoever showed a second number kept the first.
    first = await people.writes("U1", "111")
    await people.writes("U1", "222")
    second = await people.writes(None, "111")
    assert second != first
    assert people.address(first) == Person("U1", "222")


async def test_words_that_arrive_late_do_not_come_to_whoever_has_the_number_now(people: People) -> None:
    await people.writes("U1", "111")
    sent = people.house.clock()
    people.house.clock.passes(days=3)
    second = await people.writes("U2", "111")
    late = Turn(
        WHATSAPP,
        Person(None, "111").address,
        "wamid.late",
        Said("hello", people.house.clock()),
        Person(None, "111"),
        sent,
    )
    third = (await people.house.firstline.turns.handle(late)).conversation
    assert third != second
    assert people.address(third) == Person(None, None)  # the telephone is U2's by now
    assert await people.writes(None, "111") == second


async def test_words_that_arrive_late_come_to_whoever_had_the_number_all_along(people: People) -> None:
    # Once a defect: the late words began a conversation of their own, and the number led there from then on.
    first = await people.writes(None, "111")
    sent = people.house.clock()
    people.house.clock.passes(days=3)
    assert await people.writes(None, "111") == first
    words = Said("hello", people.house.clock())
    person = Person(None, "111")
    late = Turn(WHATSAPP, person.address, "wamid.late", words, person, sent)
    assert (await people.house.firstline.turns.handle(late)).conversation == first
    assert await people.writes(None, "111") == first


async def test_a_late_message_takes_no_number_back(people: People) -> None:
    # Once a defect: bot/known_as.py remember: a message from before led the number back to whoever had it then.
    first = await people.writes("U1", "111")
    sent = people.house.clock()
    people.house.clock.passes(days=2)
    second = await people.writes("U2", "111")
    words, person = Said("hello", people.house.clock()), Person("U1", "111")
    late = Turn(WHATSAPP, person.address, "wamid.late", words, person, sent)
    assert (await people.house.firstline.turns.handle(late)).conversation == first
    assert people.address(first) == Person("U1", None)
    assert await people.writes(None, "111") == second


async def test_whoever_is_first_heard_of_by_number_is_followed_though_the_change_names_an_id(people: People) -> None:
    # Once a defect: bot/known_as.py changed: an id nobody knew meant that nobody was meant.
    first = await people.writes(None, "111")
    await people.changes(Person("U1", "111"), Person("U2", "222"))
    assert await people.writes("U2", "222") == first
    assert await people.writes("U9", "111") != first


async def test_a_new_number_that_was_somebodys_before_is_taken_from_them(people: People) -> None:
    # Once a defect: bot/store.py follow: an old owner of the number was taken for the person themselves.
    first = await people.writes("U1", "111")
    other = await people.writes(None, "222")
    people.house.clock.passes(days=1)
    await people.changes(Person("U1", "111"), Person("U2", "222"))
    assert await people.writes("U2", "222") == first != other
    assert people.address(other) == Person(None, None)


async def test_a_change_of_somebody_nobody_knows_is_not_kept(people: People) -> None:
    await people.changes(Person("U1", "111"), Person("U1", "222"))
    assert people.known() == 0
    await people.writes("U1", "222")
    assert people.known() == 2


async def test_names_are_forgotten_with_the_conversation(people: People) -> None:
    await people.writes("U1", "111")
    await people.leaves("U1", "111")
    assert people.known() == 0


async def test_names_stay_while_a_newer_conversation_has_them(people: People) -> None:
    first = await people.writes("U1", "111")
    await people.writes("U1", "111", "stop and delete")
    people.house.clock.passes(hours=23)
    second = await people.writes("U1", None)
    people.house.clock.passes(hours=2)
    await people.house.firstline.upkeep.forget()
    assert people.house.one("SELECT length(address) FROM conversation WHERE id = ?", first) == 0
    assert people.known() == 2
    assert await people.writes(None, "111") == second


async def test_a_stranger_who_was_forgotten_is_not_taken_for_whoever_had_the_number_first(people: People) -> None:
    # Once a defect: bot/known_as.py forget: the number led nowhere again, and so to the mark made of it: that of the
    # person who had been known by it first, and whose conversation goes on under a new number.
    first = await people.writes(None, "111")
    await people.changes(Person(None, "111"), Person(None, "222"))
    await people.writes(None, "111")
    await people.leaves(None, "111")
    assert await people.writes(None, "111") != first
    assert await people.writes(None, "222") == first


async def test_names_cannot_be_read_in_the_file(people: People, settings: Settings) -> None:
    await people.writes("canary-user", "447700900123")
    raw = b"".join(path.read_bytes() for path in settings.data_dir.glob("firstline.db*"))
    assert b"whatsapp" in raw  # the control: this search finds what is there
    assert b"canary-user" not in raw
    assert b"447700900123" not in raw


async def test_two_who_write_at_once_are_told_apart(people: People) -> None:
    found = await asyncio.gather(
        people.writes(None, "111"), people.writes("U1", "111"), people.writes("U1", None), people.writes("U2", "222")
    )
    assert len(set(found[:2])) == 1
    assert found[3] not in found[:3]
    assert await people.writes("U1", "111") == await people.writes("U1", None)


# --- a model ---------------------------------------------------------------------------------------------------------

T = TypeVar("T")
USERS = ("U1", "U2", "U3")
NUMBERS = ("111", "222", "333")


class TheProvider(RuleBasedStateMachine):
    """Everybody has an id; numbers pass from one to the next, and the provider tells us of it or does not. Whoever
    writes with their id gets their own conversation, and nobody ever that of another."""

    make: Callable[[], SmallHouse]

    def __init__(self) -> None:
        super().__init__()
        self.people = People(type(self).make())
        self.number: dict[str, str] = {}
        """What each has now."""
        self.last_seen: dict[str, str] = {}
        """number -> whose it is by the last that we heard: they wrote with it, or the provider told us."""
        self.conversation: dict[str, int] = {}

    def teardown(self) -> None:
        self.people.house.firstline.ledger.close()

    @initialize()
    def numbers_are_given(self) -> None:
        self.number = dict(zip(USERS, NUMBERS, strict=True))

    @rule(user=st.sampled_from(USERS), with_number=st.booleans())
    def writes(self, user: str, with_number: bool) -> None:
        number = self.number.get(user) if with_number else None
        self._is_theirs(user, run(self.people.writes(user, number)))
        if number:
            self._shows(user, number)

    def _shows(self, user: str, number: str) -> None:
        """What they had before is theirs no more."""
        self.last_seen = {each: whose for each, whose in self.last_seen.items() if whose != user}
        self.last_seen[number] = user

    @rule(user=st.sampled_from(USERS))
    def writes_by_number_alone(self, user: str) -> None:
        """Only where we can know whose it is: they wrote with both names before, and nobody else since."""
        number = self.number.get(user)
        if number and self.last_seen.get(number) == user:
            self._is_theirs(user, run(self.people.writes(None, number)))

    def _is_theirs(self, user: str, found: int) -> None:
        others = {each for whose, each in self.conversation.items() if whose != user}
        assert found not in others
        assert self.conversation.setdefault(user, found) == found

    @rule(user=st.sampled_from(USERS), number=st.sampled_from(NUMBERS), told=st.booleans(), twice=st.booleans())
    def gets_another_number(self, user: str, number: str, told: bool, twice: bool) -> None:
        if number in self.number.values():
            return
        before = self.number.pop(user, None)
        self.number[user] = number
        if told and before:
            for _ in range(1 + twice):
                run(self.people.changes(Person(user, before), Person(user, number)))
            if user in self.conversation:
                self._shows(user, number)

    @rule(user=st.sampled_from(USERS))
    def gives_a_number_up(self, user: str) -> None:
        self.number.pop(user, None)

    @rule(user=st.sampled_from(USERS))
    def leaves_and_is_forgotten(self, user: str) -> None:
        if user not in self.conversation:
            return
        run(self.people.leaves(user, None))
        del self.conversation[user]
        self.last_seen = {number: who for number, who in self.last_seen.items() if who != user}

    @invariant()
    def nobody_is_written_to_by_a_number_that_somebody_else_wrote_with_last(self) -> None:
        for user, conversation in self.conversation.items():
            address = self.people.address(conversation)
            assert address.user == user
            assert address.number is None or self.last_seen.get(address.number, user) == user


def run(waiting: Coroutine[object, object, T]) -> T:
    return asyncio.run(waiting)


def test_a_model_of_people_and_numbers(tmp_path_factory: pytest.TempPathFactory, ready: Ready) -> None:
    def make() -> SmallHouse:
        return opened_house(ready.copied_to(tmp_path_factory.mktemp("people")), Clock())

    machine = type("Machine", (TheProvider,), {"make": staticmethod(make)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=timedelta(seconds=20),
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
