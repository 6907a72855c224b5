"""The advisers' group: told once that a case waits, once that it no longer does, and never what it is about."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot import alerts as alerts_module
from bot.alerts import LONGEST_WAIT_S, Alerts, Door, wait_after
from bot.errors import DeliveryError
from bot.migrations import migrations as bot_migrations
from handoff import advisers
from handoff.console.render import _words
from handoff.desk import last_event
from handoff.domain import AdviserId, CaseId, Pack, Role
from handoff.errors import LedgerError
from handoff.handles import link
from handoff.ledger import Ledger
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.seal import Seal
from tests.demo_desk import OPEN, Clock, DemoDesk

DOWN = DeliveryError("http_502", 0.001, provider_down=True)


@dataclass
class Group:
    """The group as it looks: its messages by number, and which of them have a button. Fails as often as it is told."""

    messages: dict[int, tuple[str, int | None]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    failures: list[Exception | None] = field(default_factory=list)
    """What the next calls come to; None: they succeed."""
    number: "itertools.count[int]" = field(default_factory=lambda: itertools.count(101))
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def post(self, text: str, case: int | None) -> int:
        await self._try("post", text)
        number = next(self.number)
        self._show(number, text, case)
        return number

    async def amend(self, message_id: int, text: str, case: int | None) -> None:
        await self._try("amend", text)
        if message_id not in self.messages:
            raise DeliveryError("bad_value")
        self._show(message_id, text, case)

    def _show(self, number: int, text: str, case: int | None) -> None:
        self.messages[number] = (text, case)
        self.changed.set()

    async def changes(self) -> None:
        self.changed.clear()
        async with asyncio.timeout(5):
            await self.changed.wait()

    async def _try(self, what: str, text: str) -> None:
        self.calls.append((what, text))
        await asyncio.sleep(0)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure

    @property
    def texts(self) -> list[str]:
        return [text for text, _ in self.messages.values()]

    @property
    def live(self) -> list[int]:
        """The cases that have a button, once for each."""
        return [case for _, case in self.messages.values() if case is not None]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    seal = Seal(b"k" * 32)
    ledger = Ledger(tmp_path / "desk.db", seal, [migrations, bot_migrations])
    references = (f"FL-7K3Q-{a}M" for a in "2346")
    yield DemoDesk(ledger, Queue(seal, OPEN, reference=references.__next__), clock, itertools.count(1))
    ledger.close()


@pytest.fixture
def group() -> Group:
    return Group()


@pytest.fixture
def alerts(desk: DemoDesk, group: Group) -> Alerts:
    return following(desk, group)


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan", capacity=2)


def following(desk: DemoDesk, door: Door) -> Alerts:
    return Alerts(desk.ledger, desk.queue, desk.now, door)


def case(desk: DemoDesk, tier: int = 2) -> CaseId:
    """A case of a conversation the bot's tables know nothing of: no adviser answers in these tests."""
    return desk.case(tier)


def released(desk: DemoDesk, case_id: CaseId, adviser: AdviserId) -> None:
    desk.ledger.write_now(lambda conn: desk.queue.release(conn, case_id, adviser, desk.now()))


# --- what the group is told ------------------------------------------------------------------------------------------


async def test_a_case_that_waits_is_announced_with_its_tier_and_how_many_wait(
    desk: DemoDesk, group: Group, alerts: Alerts
) -> None:
    await alerts.follow()
    first = case(desk, 0)
    await alerts.follow()
    assert group.messages == {101: ("A case is waiting: FL-7K3Q-2M. Danger. Now waiting: 1.", first)}
    second = case(desk, 3)
    await alerts.follow()
    assert group.messages[102] == ("A case is waiting: FL-7K3Q-3M. Routine. Now waiting: 2.", second)


def test_tiers_are_called_as_on_the_desk() -> None:
    assert [word.capitalize() for word in alerts_module.TIER_WORDS] == _words().tiers


async def test_nothing_of_what_a_case_is_about_reaches_the_group(desk: DemoDesk, group: Group, alerts: Alerts) -> None:
    pack = Pack(words=("canary-words",))
    details = {"role": "canary_role", "platform": "canary_platform", "reason": "canary_reason", "nation": "wales"}
    case_id = desk.case(1, "canary_concern", pack, **details)
    desk.hear(case_id, "canary-words")
    await alerts.follow()
    said = " ".join(text for _, text in group.calls).lower()
    assert "fl-7k3q-2m" in said
    assert not [word for word in ("canary", "wales", "telegram") if word in said]


async def test_a_case_that_was_taken_loses_its_button_and_says_by_whom(
    desk: DemoDesk, group: Group, alerts: Alerts, amira: AdviserId
) -> None:
    case_id = case(desk)
    await alerts.follow()
    desk.claim(case_id, amira)
    await alerts.follow()
    assert group.messages == {101: ("FL-7K3Q-2M was taken by Amira Khan.", None)}
    await alerts.follow()
    assert len(group.calls) == 2


async def test_a_case_whose_enquirer_left_is_no_longer_waiting(desk: DemoDesk, group: Group, alerts: Alerts) -> None:
    case(desk)
    await alerts.follow()
    desk.ledger.write_now(lambda conn: desk.queue.abandon(conn, 1, desk.now()))
    await alerts.follow()
    assert group.messages == {101: ("FL-7K3Q-2M is no longer waiting.", None)}


async def test_a_case_that_comes_back_is_announced_anew(
    desk: DemoDesk, clock: Clock, group: Group, alerts: Alerts, amira: AdviserId
) -> None:
    case_id = case(desk)
    await alerts.follow()
    desk.claim(case_id, amira)
    await alerts.follow()
    released(desk, case_id, amira)
    await alerts.follow()
    desk.claim(case_id, amira)
    clock.pass_(timedelta(seconds=100))
    desk.ledger.write_now(lambda conn: desk.queue.lapse(conn, clock()))
    await alerts.follow()
    assert [what for what, _ in group.calls] == ["post", "amend", "post"]
    assert group.live == [case_id]


async def test_an_agreed_call_back_is_announced_when_its_time_comes(
    desk: DemoDesk, clock: Clock, group: Group, alerts: Alerts, amira: AdviserId
) -> None:
    case_id, wake_at = case(desk), clock() + timedelta(hours=1)
    await alerts.follow()
    desk.ledger.write_now(lambda conn: desk.queue.schedule(conn, case_id, amira, wake_at, clock()))
    await alerts.follow()
    assert group.texts == ["FL-7K3Q-2M is no longer waiting."]
    clock.pass_(timedelta(hours=2))
    desk.ledger.write_now(lambda conn: desk.queue.lapse(conn, clock()))
    await alerts.follow()
    assert group.live == [case_id]


async def test_a_case_raised_to_danger_is_announced_again_with_one_live_button(
    desk: DemoDesk, group: Group, alerts: Alerts
) -> None:
    case_id = case(desk, 3)
    await alerts.follow()
    desk.flag(case_id, "danger_words", 0)
    await alerts.follow()
    assert group.texts == [
        "FL-7K3Q-2M is more urgent now: see the newer message.",
        "A case is waiting: FL-7K3Q-2M. Danger. Now waiting: 1.",
    ]
    assert group.live == [case_id]


async def test_words_that_move_nothing_say_nothing(desk: DemoDesk, group: Group, alerts: Alerts) -> None:
    case_id = case(desk)
    await alerts.follow()
    for words in ("hello", "are you there"):
        desk.hear(case_id, words)
    await alerts.follow()
    assert len(group.calls) == 1


# --- beginning, stopping, failing ------------------------------------------------------------------------------------


async def test_the_first_run_tells_what_waits_now_and_nothing_of_the_past(
    desk: DemoDesk, group: Group, alerts: Alerts, amira: AdviserId
) -> None:
    taken, waits = case(desk), case(desk)
    desk.claim(taken, amira)
    await alerts.follow()
    assert group.live == [waits]
    assert len(group.calls) == 1


async def test_a_first_run_that_breaks_off_is_made_good_by_the_next(
    desk: DemoDesk, group: Group, alerts: Alerts, amira: AdviserId
) -> None:
    taken, waits = case(desk), case(desk)
    group.failures = [None, DOWN]
    with pytest.raises(DeliveryError):
        await alerts.follow()
    desk.claim(taken, amira)
    await following(desk, group).follow()
    assert group.live == [waits]
    assert len(group.messages) == 2


async def test_after_a_restart_only_what_still_waits_is_told(desk: DemoDesk, group: Group, amira: AdviserId) -> None:
    await following(desk, group).follow()
    taken, waits = case(desk), case(desk)
    desk.claim(taken, amira)
    for _ in range(2):
        await following(desk, group).follow()
    assert group.live == [waits]
    assert len(group.calls) == 1
    reader = desk.ledger.reader()
    assert reader.execute("SELECT seq FROM alert_cursor").fetchone()[0] == last_event(reader)  # nor looked at again


async def test_a_case_taken_while_nobody_looked_loses_its_button_after_the_restart(
    desk: DemoDesk, group: Group, alerts: Alerts, amira: AdviserId
) -> None:
    case_id = case(desk)
    await alerts.follow()
    desk.claim(case_id, amira)
    await following(desk, group).follow()
    assert group.texts == ["FL-7K3Q-2M was taken by Amira Khan."]


async def test_a_post_that_failed_is_tried_again_and_then_only_what_is_still_true_is_said(
    desk: DemoDesk, group: Group, alerts: Alerts, amira: AdviserId
) -> None:
    await alerts.follow()
    taken, waits = case(desk), case(desk)
    group.failures = [DOWN]
    with pytest.raises(DeliveryError):
        await alerts.follow()
    desk.claim(taken, amira)
    await following(desk, group).follow()
    assert group.live == [waits]
    assert group.texts == ["A case is waiting: FL-7K3Q-3M. Soon. Now waiting: 1."]


async def test_half_of_a_batch_that_was_told_is_not_told_again(desk: DemoDesk, group: Group, alerts: Alerts) -> None:
    await alerts.follow()
    cases = [case(desk), case(desk)]
    group.failures = [None, DOWN]
    with pytest.raises(DeliveryError):
        await alerts.follow()
    await following(desk, group).follow()
    assert group.live == cases


async def test_a_message_somebody_deleted_holds_nothing_up(
    desk: DemoDesk, group: Group, alerts: Alerts, amira: AdviserId
) -> None:
    case_id = case(desk)
    await alerts.follow()
    group.messages.clear()
    desk.claim(case_id, amira)
    later = case(desk)
    await alerts.follow()
    assert group.live == [later]


async def test_it_runs_by_itself_through_failures_until_it_is_stopped(
    desk: DemoDesk, group: Group, amira: AdviserId
) -> None:
    alerts = Alerts(desk.ledger, desk.queue, desk.now, group, first_wait_s=0.001)
    group.failures = [DOWN, DeliveryError("flood", 0.001), LedgerError()]
    desk.ledger.on_commit(alerts.wake)
    case_id = case(desk)
    running = asyncio.create_task(alerts.run())
    await group.changes()
    assert group.live == [case_id]
    await desk.ledger.write(lambda conn: desk.queue.claim(conn, case_id, amira, desk.now()))
    await group.changes()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert group.texts == ["FL-7K3Q-2M was taken by Amira Khan."]


def test_each_failure_is_waited_for_longer_and_one_only_people_can_mend_the_longest() -> None:
    waits = [wait_after(count, DOWN) for count in (1, 2, 3, 500)]
    assert waits == [1, 2, 4, LONGEST_WAIT_S]
    assert wait_after(1, DeliveryError("flood", 30)) == 30
    assert wait_after(1, DeliveryError("blocked")) == LONGEST_WAIT_S
    assert wait_after(2, LedgerError()) == 2


# --- accepting -------------------------------------------------------------------------------------------------------


def linked(desk: DemoDesk, name: str = "amira", user: int = 4711) -> None:
    email = f"{name}@example.org"
    desk.ledger.write_now(lambda conn: link(conn, desk.ledger.seal, email, "telegram", str(user), desk.now()))


def holder_of(desk: DemoDesk, case_id: CaseId) -> int | None:
    row = desk.ledger.reader().execute('SELECT holder FROM queue_item WHERE "case" = ?', [case_id]).fetchone()
    return row[0]  # type: ignore[no-any-return]


async def test_accepting_claims_the_case_as_the_desk_does_and_says_where_to_open_it(
    desk: DemoDesk, group: Group, alerts: Alerts, amira: AdviserId
) -> None:
    linked(desk)
    case_id = case(desk)
    await alerts.follow()
    words = await alerts.accept(4711, case_id)
    assert words == f"FL-7K3Q-2M is yours. Open it now, or it goes back to the queue: /desk/cases/{case_id}"
    assert holder_of(desk, case_id) == amira
    await alerts.follow()
    assert group.texts == ["FL-7K3Q-2M was taken by Amira Khan."]
    assert await alerts.accept(4711, case_id) == f"FL-7K3Q-2M is yours already. Open it: /desk/cases/{case_id}"


@pytest.mark.parametrize(("host", "is_whole"), [("help.example.org", True), ("h" * 92, True), ("h" * 192, False)])
async def test_who_accepted_is_given_the_whole_address_where_it_fits(
    desk: DemoDesk, group: Group, amira: AdviserId, host: str, is_whole: bool
) -> None:
    linked(desk)
    case_id = case(desk)
    alerts = Alerts(desk.ledger, desk.queue, desk.now, group, public_url=f"https://{host}/")
    place = f"https://{host}/desk/cases/{case_id}" if is_whole else f": /desk/cases/{case_id}"
    for words in [await alerts.accept(4711, case_id) for _ in range(2)]:
        assert words.endswith(place)
        assert len(words) <= alerts_module.POPUP


async def test_two_who_press_at_once_are_told_who_has_it(desk: DemoDesk, alerts: Alerts, amira: AdviserId) -> None:
    ben = desk.adviser("Ben Okafor")
    linked(desk)
    linked(desk, "ben", 4712)
    case_id = case(desk)
    told = await asyncio.gather(alerts.accept(4711, case_id), alerts.accept(4712, case_id))
    winner, name = (amira, "Amira Khan") if holder_of(desk, case_id) == amira else (ben, "Ben Okafor")
    assert holder_of(desk, case_id) == winner
    assert sorted("is yours" in words for words in told) == [False, True]
    assert f"FL-7K3Q-2M was taken by {name}." in told


async def test_a_stranger_in_the_group_takes_nothing(desk: DemoDesk, alerts: Alerts, amira: AdviserId) -> None:
    case_id = case(desk)
    assert await alerts.accept(1234567890, case_id) == (
        "This Telegram account is not linked to an adviser. "
        "Ask your lead to run: firstline adviser link YOUR-EMAIL --telegram 1234567890"
    )
    assert holder_of(desk, case_id) is None


async def test_one_who_holds_as_many_as_they_may_is_told_so(desk: DemoDesk, alerts: Alerts, amira: AdviserId) -> None:
    linked(desk)
    for _ in range(2):
        await alerts.accept(4711, case(desk))
    third = case(desk)
    assert await alerts.accept(4711, third) == alerts_module.FULL
    assert holder_of(desk, third) is None


async def test_a_disabled_adviser_and_an_editor_take_nothing(desk: DemoDesk, alerts: Alerts, amira: AdviserId) -> None:
    desk.adviser("Ed Ito", Role.EDITOR, available=False)
    linked(desk)
    linked(desk, "ed", 4712)
    desk.ledger.write_now(lambda conn: advisers.disable(conn, amira, desk.now()))
    case_id = case(desk)
    assert [await alerts.accept(user, case_id) for user in (4711, 4712)] == [alerts_module.NOT_ALLOWED] * 2
    assert holder_of(desk, case_id) is None


async def test_what_no_longer_waits_or_never_was_is_said_to_be_so(
    desk: DemoDesk, alerts: Alerts, amira: AdviserId
) -> None:
    linked(desk)
    case_id = case(desk)
    desk.ledger.write_now(lambda conn: desk.queue.abandon(conn, 1, desk.now()))
    assert await alerts.accept(4711, case_id) == "FL-7K3Q-2M is no longer waiting."
    for nonsense in (999, -1, 10**40):
        assert await alerts.accept(4711, nonsense) == "That case is no longer waiting."


async def test_when_nothing_can_be_written_that_is_said(desk: DemoDesk, alerts: Alerts, amira: AdviserId) -> None:
    linked(desk)
    case_id = case(desk)
    assert desk.ledger.reader()
    desk.ledger._closed = True
    assert await alerts.accept(4711, case_id) == alerts_module.NOT_NOW
    desk.ledger._closed = False
    assert "is yours" in await alerts.accept(4711, case_id)


def test_every_refusal_fits_into_telegrams_answer_to_a_button() -> None:
    """200 characters: https://core.telegram.org/bots/api#answercallbackquery."""
    longest = {"reference": "FL-7K3Q-2M", "user": 10**12, "place": f"/desk/cases/{10**9}", "name": "N" * 80}
    said = [getattr(alerts_module, name) for name in ("YOURS", "YOURS_ALREADY", "FULL", "NOT_ALLOWED", "NOT_LINKED")]
    said += [alerts_module.NOT_NOW, alerts_module.NO_LONGER, alerts_module.TAKEN_BY, alerts_module.MORE_URGENT]
    assert max(len(words.format(**longest)) for words in said) <= alerts_module.POPUP == 200
