"""The actions flows may call. They read the tracker they are given and return events and responses; nothing else.

Each can be made without arguments, so that the stock action server (`firstline actions`) can serve it too.
"""

from datetime import UTC, datetime
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher

from bot.config import read_settings
from handoff.hours import Hours, told

Events = list[dict[str, Any]]


class OpeningHoursAction(Action):
    """Sets `service_open`: whether advisers are there at the time of the turn; and when they are there next:
    `service_opens` (now, today, tomorrow, mon and so on, never), `service_opens_on` (30/11/2026) and `service_opens_at`
    (09:00), both None for now and never. A flow that wants to say it declares these slots."""

    def __init__(self, hours: Hours | None = None) -> None:
        self._hours = hours

    def name(self) -> str:
        return "action_opening_hours"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        hours, now = self._hours or read_settings().opening, _now(tracker)
        found = {"service_open": hours.is_open(now), **_opening(hours, now)}
        return [SlotSet(name, value) for name, value in found.items()]


class HandoverSummaryAction(Action):
    """Says what would be passed on: the answers so far, as questions and labels."""

    def name(self) -> str:
        return "action_handover_summary"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        answers = [_metadata(event) for event in tracker.events if event.get("event") == "user"]
        lines = [f"- {_line(each['question'])} **{_line(each['answer'])}**" for each in answers if "question" in each]
        dispatcher.utter_message(response="utter_handover_summary", summary="\n".join(lines) or "–")
        return []


class RecordOfAdviceAction(Action):
    """Says the record of advice, ready to copy. The tracker carries it, made by bot.engine.record."""

    def name(self) -> str:
        return "action_record_of_advice"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        record = next((_metadata(event)["record"] for event in tracker.events if "record" in _metadata(event)), "–")
        dispatcher.utter_message(response="utter_record_of_advice", record=record)
        return []


def executor(hours: Hours | None = None) -> ActionExecutor:
    """Every action, ready to run here or behind the stock server. `hours` None: the settings' own."""
    made = ActionExecutor()
    for action in (OpeningHoursAction(hours), HandoverSummaryAction(), RecordOfAdviceAction()):
        made.register_action(action)
    return made


def _opening(hours: Hours, now: datetime) -> dict[str, str | None]:
    opens_at = hours.next_opening(now)
    if opens_at is None or hours.is_open(now):
        opens = "never" if opens_at is None else "now"
        return {"service_opens": opens, "service_opens_on": None, "service_opens_at": None}
    moment = told(hours, opens_at, now)
    return {"service_opens": moment.day, "service_opens_on": moment.on, "service_opens_at": moment.at}


def _metadata(event: dict[str, Any]) -> dict[str, Any]:
    return event.get("metadata") or {}


def _now(tracker: Tracker) -> datetime:
    """The time of the turn, from the tracker; an event without a time means now."""
    at = (tracker.latest_message or {}).get("timestamp")
    return datetime.fromtimestamp(at, UTC) if at else datetime.now(UTC)


def _line(text: str) -> str:
    return " ".join(text.replace("*", r"\*").split())
