"""Runs one custom action through rasa-sdk's executor and gives back what it asked for, checked."""

import asyncio
import copy
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import structlog

from bot.domain import ActionDone, ActionWanted, Answered, Conversation, SlotValue
from bot.engine.record import answer_of, as_markdown, question_of, record_of
from bot.library.model import Library
from handoff.hours import Hours

log = structlog.get_logger()

ACTION_TIMEOUT_S = 5.0
DOMAIN_DIGEST = "firstline"
PLAIN_KEYS = frozenset({"text", "buttons", "elements", "custom", "template", "response", "image", "attachment"})
"""What rasa-sdk puts in every response; other keys are the response's own arguments."""


class ActionRunner:
    """rasa_sdk is imported when the first action runs: it takes half a second and most turns need none."""

    def __init__(self, hours: Hours, limit_s: float = ACTION_TIMEOUT_S) -> None:
        self._hours = hours
        self._limit_s = limit_s

    def register(self, action: object) -> None:
        """Adds an action (a rasa-sdk `Action`, made already), or puts it in the place of the one with its name."""
        self._executor.register_action(action)

    @cached_property
    def _executor(self) -> Any:
        from bot.actions.actions import executor

        return executor(self._hours)

    def warm(self) -> None:
        """Imports what the first action needs, so that no enquirer waits for it."""
        _ = self._executor

    async def run(
        self,
        wanted: ActionWanted,
        library: Library,
        words: Mapping[str, str],
        conversation: Conversation,
        now: datetime,
    ) -> ActionDone:
        """Never raises: a failed action is an ActionDone that says so."""
        try:
            call = call_of(wanted, tracker_of(library, words, conversation, now))
            async with asyncio.timeout(self._limit_s):
                result = await self._executor.run(copy.deepcopy(call))
            return ActionDone(wanted.action, now, _slots(result.events), _responses(result.responses))
        except Exception as error:
            log.error("action.failed", action=wanted.action, error=type(error).__name__)
            return ActionDone(wanted.action, now, failed=True)


def call_of(wanted: ActionWanted, tracker: dict[str, Any]) -> dict[str, Any]:
    """What is asked of rasa-sdk, here and over HTTP alike."""
    return {
        "next_action": wanted.action,
        "sender_id": "enquirer",
        "tracker": tracker,
        "domain": {},
        "domain_digest": DOMAIN_DIGEST,
    }


def tracker_of(library: Library, words: Mapping[str, str], conversation: Conversation, now: datetime) -> dict[str, Any]:
    """A Rasa tracker of codes and labels: no text an enquirer typed is in it."""
    answers = [
        {
            "event": "user",
            "timestamp": each.at.timestamp(),
            "metadata": {
                "question": question_of(library, each, conversation.slots),
                "answer": answer_of(library, each),
            },
        }
        for each in _passed_on(conversation)
    ]
    record = as_markdown(record_of(library, conversation, "", now), words)
    return {
        "sender_id": "enquirer",
        "slots": dict(conversation.slots),
        "latest_message": {"timestamp": now.timestamp()},
        "latest_event_time": now.timestamp(),
        "events": [*answers, {"event": "bot", "timestamp": now.timestamp(), "metadata": {"record": record}}],
    }


def _passed_on(conversation: Conversation) -> tuple[Answered, ...]:
    """Exactly the answers that a hand-over would carry: the enquirer agrees to these and no others."""
    handing_over = conversation.handing_over
    return (handing_over.answers if handing_over else ()) or conversation.answers


def _slots(events: list[dict[str, Any]]) -> tuple[tuple[str, SlotValue], ...]:
    """Only slots may be set; any other event is a fault of the action. Raises: ValueError."""
    wrong = [event.get("event") for event in events if event.get("event") != "slot"]
    if wrong:
        raise ValueError(f"an action may only set slots, not {wrong}")
    return tuple((event["name"], _plain(event["value"])) for event in events)


def _responses(responses: list[dict[str, Any]]) -> tuple[tuple[str, tuple[tuple[str, SlotValue], ...]], ...]:
    """Only responses by name: words live in flows. Raises: ValueError."""
    if any(not each.get("response") for each in responses):
        raise ValueError("an action must name a response; words live in flows/")
    return tuple((each["response"], _arguments(each)) for each in responses)


def _arguments(response: dict[str, Any]) -> tuple[tuple[str, SlotValue], ...]:
    return tuple((key, _plain(value)) for key, value in response.items() if key not in PLAIN_KEYS)


def _plain(value: Any) -> SlotValue:
    """A slot holds nothing else: it must be read back from the database. Raises: ValueError."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise ValueError(f"a slot or an argument cannot hold a {type(value).__name__}")
