"""Custom actions: the same in this process and behind rasa-sdk's own server, and kept on a short lead."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rasa_sdk import Action
from rasa_sdk.events import FollowupAction, SlotSet

from bot.actions.runner import ActionRunner, call_of, tracker_of
from bot.domain import ActionDone, ActionWanted, Answered, Conversation, LibraryVersion
from bot.library.actions import CUSTOM_ACTIONS
from bot.library.model import CollectStep
from handoff.hours import OpeningHours, week_from
from tests.builders import NOON, helpline

ROOT = Path(__file__).parent.parent
HOURS = "mon-fri 10:00-16:00"
NIGHT = datetime(2026, 7, 6, 23, 0, tzinfo=UTC)
WORDS: dict[str, str] = json.loads((ROOT / "content/interface/en.json").read_text())


def answered(flow: str, slot: str, value: str, title: str) -> Answered:
    steps = helpline().flows[flow].steps.values()
    step = next(each.id for each in steps if isinstance(each, CollectStep) and each.slot == slot)
    return Answered(flow, step, slot, value, title, NOON)


ANSWERED = Conversation(
    LibraryVersion("small"),
    slots={"nation": "wales", "fake_of": "staff"},
    answers=(
        answered("start", "nation", "wales", "Wales"),
        answered("impersonation", "fake_of", "staff", "A member of *staff*"),
    ),
)


def hours() -> OpeningHours:
    return OpeningHours(week=week_from(HOURS))


async def run(runner: ActionRunner, name: str, at: datetime = NOON, of: Conversation = ANSWERED) -> ActionDone:
    return await runner.run(ActionWanted(name), helpline(), WORDS, of, at)


class Does(Action):
    """An action that does what a test says."""

    def __init__(self, does: Any = lambda *_: []) -> None:
        self._does = does

    def name(self) -> str:
        return "action_test"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        made = self._does(dispatcher, tracker)
        return await made if asyncio.iscoroutine(made) else made


async def done(does: Any, limit_s: float = 5, of: Conversation = ANSWERED) -> ActionDone:
    runner = ActionRunner(hours(), limit_s)
    runner.register(Does(does))
    return await run(runner, "action_test", of=of)


# --- in this process -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "is_open"), [(NOON, True), (NIGHT, False), (NOON - timedelta(days=1), False)])
async def test_opening_hours_are_those_at_the_time_of_the_turn(at: datetime, is_open: bool) -> None:
    assert dict((await run(ActionRunner(hours()), "action_opening_hours", at)).slots)["service_open"] is is_open


@pytest.mark.parametrize(("at", "opens", "on", "clock"), [
    (datetime(2026, 3, 2, 12, 0, tzinfo=UTC), "now", None, None),
    (datetime(2026, 3, 2, 7, 0, tzinfo=UTC), "today", "2/3/2026", "10:00"),
    (datetime(2026, 3, 2, 20, 0, tzinfo=UTC), "tomorrow", "3/3/2026", "10:00"),
    (datetime(2026, 3, 6, 20, 0, tzinfo=UTC), "mon", "9/3/2026", "10:00"),
    (datetime(2026, 4, 2, 20, 0, tzinfo=UTC), "tue", "7/4/2026", "10:00"),  # after Easter Monday, in summer time
])  # fmt: skip
async def test_the_true_next_opening_can_be_said(at: datetime, opens: str, on: str | None, clock: str | None) -> None:
    week = OpeningHours(week=week_from("mon-fri 10:00-16:00"), nation="england")
    slots = dict((await run(ActionRunner(week), "action_opening_hours", at)).slots)
    assert (slots["service_opens"], slots["service_opens_on"], slots["service_opens_at"]) == (opens, on, clock)


async def test_no_hours_at_all_are_never() -> None:
    slots = dict((await run(ActionRunner(OpeningHours()), "action_opening_hours", NOON)).slots)
    assert (slots["service_open"], slots["service_opens"]) == (False, "never")


async def test_the_summary_lists_questions_and_labels_and_nothing_typed() -> None:
    (response,) = (await run(ActionRunner(hours()), "action_handover_summary")).responses
    assert response[0] == "utter_handover_summary"
    summary = str(dict(response[1])["summary"])
    assert "- Where are you? **Wales**" in summary
    assert r"A member of \*staff\*" in summary


async def test_without_answers_the_summary_says_so() -> None:
    (response,) = (
        await run(ActionRunner(hours()), "action_handover_summary", of=Conversation(LibraryVersion("x")))
    ).responses
    assert dict(response[1]) == {"summary": "–"}


async def test_the_record_of_advice_is_handed_over_whole() -> None:
    (response,) = (await run(ActionRunner(hours()), "action_record_of_advice")).responses
    assert response[0] == "utter_record_of_advice"
    assert "Wales" in str(dict(response[1])["record"])


async def test_every_action_a_flow_may_name_is_there() -> None:
    for name in CUSTOM_ACTIONS:
        assert not (await run(ActionRunner(hours()), name)).failed, name


# --- on a short lead -------------------------------------------------------------------------------------------------


async def test_slots_and_named_responses_come_through() -> None:
    def does(dispatcher: Any, tracker: Any) -> Any:
        dispatcher.utter_message(response="utter_done", count=3)
        return [SlotSet("seen_by", "few")]

    ran = await done(does)
    assert ran == ActionDone("action_test", NOON, (("seen_by", "few"),), (("utter_done", (("count", 3),)),))


@pytest.mark.parametrize("events", [[FollowupAction("action_other")], [SlotSet("a", 1), {"event": "restart"}]])
async def test_an_action_may_only_set_slots(events: Any) -> None:
    assert await done(lambda *_: events) == ActionDone("action_test", NOON, failed=True)


@pytest.mark.parametrize("value", [["a", "b"], {"a": 1}])
async def test_a_slot_takes_no_value_that_could_not_be_read_back(value: Any) -> None:
    assert (await done(lambda *_: [SlotSet("fake_of", value)])).failed
    assert not (await done(lambda *_: [SlotSet("fake_of", "staff")])).failed


async def test_words_without_a_name_are_refused() -> None:
    def does(dispatcher: Any, tracker: Any) -> Any:
        dispatcher.utter_message(text="Words that belong in a flow.")
        return []

    assert (await done(does)).failed


async def test_an_action_that_takes_too_long_is_given_up() -> None:
    started = time.monotonic()
    assert (await done(lambda *_: asyncio.sleep(60), limit_s=0.05)).failed
    assert time.monotonic() - started < 5


async def test_an_action_that_fails_or_does_not_exist_is_a_value() -> None:
    def does(*_: Any) -> Any:
        raise RuntimeError("words of somebody")

    assert (await done(does)).failed
    assert (await run(ActionRunner(hours()), "action_nobody_wrote")).failed


async def test_the_log_of_a_failed_action_has_no_words(capfd: pytest.CaptureFixture[str]) -> None:
    def does(*_: Any) -> Any:
        raise RuntimeError("words of somebody")

    await done(does)
    said = "".join(capfd.readouterr())
    assert "RuntimeError" in said
    assert "somebody" not in said


async def test_an_action_cannot_change_the_conversation_it_is_shown() -> None:
    slots = {"nation": "wales"}

    def does(dispatcher: Any, tracker: Any) -> Any:
        tracker.slots["nation"] = "england"
        tracker.events.clear()
        return []

    conversation = Conversation(LibraryVersion("small"), slots=slots, answers=ANSWERED.answers)
    ran = await done(does, of=conversation)
    assert not ran.failed
    assert slots == {"nation": "wales"}
    assert conversation.answers == ANSWERED.answers


# --- behind rasa-sdk's own server ------------------------------------------------------------------------------------


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def fetched(url: str, body: Any = None) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def answers_on(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """`firstline actions`, with an environment that would have it listen to everybody."""
    port = free_port()
    environment = {**os.environ, "SANIC_HOST": "0.0.0.0", "FIRSTLINE_OPENING_HOURS": HOURS, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        [sys.executable, "-m", "bot", "actions", "--port", str(port)],
        cwd=tmp_path_factory.mktemp("actions"),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 30
        while not answers_on("127.0.0.1", port):
            assert time.monotonic() < until, "the action server did not start"
            assert server.poll() is None, "the action server ended"
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        try:
            server.wait(10)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)


@pytest.fixture
def asked(served: int) -> Callable[[str], Awaitable[Any]]:
    async def ask(name: str) -> Any:
        body = call_of(ActionWanted(name), tracker_of(helpline(), WORDS, ANSWERED, NOON)) | {"version": "3.21.0"}
        return await asyncio.to_thread(fetched, f"http://127.0.0.1:{served}/webhook", body)

    return ask


@pytest.mark.parametrize("name", sorted(CUSTOM_ACTIONS))
async def test_an_action_answers_the_same_here_and_served(name: str, asked: Any) -> None:
    here, there = await run(ActionRunner(hours()), name), await asked(name)
    assert [(each["name"], each["value"]) for each in there["events"]] == list(here.slots)
    assert all(each["event"] == "slot" for each in there["events"])
    assert [each["response"] for each in there["responses"]] == [response for response, _ in here.responses]
    for said, (_, arguments) in zip(there["responses"], here.responses, strict=True):
        assert said.items() >= dict(arguments).items()
    assert here.slots or here.responses


def test_the_server_lists_every_action_and_no_other(served: int) -> None:
    assert {each["name"] for each in fetched(f"http://127.0.0.1:{served}/actions")} == CUSTOM_ACTIONS
    assert fetched(f"http://127.0.0.1:{served}/health") == {"status": "ok"}


async def test_the_server_knows_no_other_action(asked: Any) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        await asked("action_nobody_wrote")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is not an address of this computer")
def test_the_server_listens_on_loopback_alone_whatever_the_environment_says(served: int) -> None:
    assert not answers_on("127.0.0.2", served)
    with closing(socket.socket()) as anywhere:  # what the environment asked for would be seen
        anywhere.bind(("0.0.0.0", 0))
        anywhere.listen()
        assert answers_on("127.0.0.2", anywhere.getsockname()[1])
