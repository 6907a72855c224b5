"""What a reminder says and what its answer means: the desk's codes on one side, the bot's patterns on the other."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from bot.domain import Conversation, Outcome, Reminder
from handoff.reminders import Answer, ReminderId, ReminderKind
from handoff.takedowns import Asking, Takedowns

PATTERNS: Final[Mapping[ReminderKind, str]] = MappingProxyType(
    {ReminderKind.STILL_UP: "pattern_still_up", ReminderKind.TASK: "pattern_reminder"}
)
ANSWER_SLOTS: Final = frozenset({"still_up_answer", "reminder_answer"})
"""The slots whose values are the desk's answers."""
NUMBER: Final = "reminder"
"""What a pattern's context calls the number of its reminder."""


def to_hear(asking: Asking, now: datetime) -> Reminder:
    about = (
        (NUMBER, str(asking.reminder)),
        ("reference", asking.reference),
        ("task", asking.task),
        ("on_behalf", asking.on_behalf),
        ("do_not_look", asking.do_not_look),
        ("days", float(asking.days)),
    )
    return Reminder(now, PATTERNS[asking.kind], about, asking.platform)


class Reminding:
    def __init__(self, takedowns: Takedowns) -> None:
        self._takedowns = takedowns

    def sent(self, db: sqlite3.Connection, reminder: ReminderId, now: datetime) -> bool:
        """False when it was said before, or is not to be said any more."""
        return self._takedowns.sent(db, reminder, now)

    def note_answer(self, db: sqlite3.Connection, before: Conversation, outcome: Outcome, now: datetime) -> None:
        """Where the question of a reminder stood open and this turn answered it, the desk gets the answer."""
        answer, reminder = _answer_in(outcome), _reminder_asked(before)
        if answer and reminder is not None:
            self._takedowns.answered(db, reminder, answer, now)


def _answer_in(outcome: Outcome) -> Answer | None:
    set_to = (what.partition("=") for kind, what in outcome.events if kind == "slot_set")
    values = [value for name, _, value in set_to if name in ANSWER_SLOTS and value in set(Answer)]
    return Answer(values[0]) if values else None


def _reminder_asked(conversation: Conversation) -> ReminderId | None:
    """The number of the reminder whose question is open."""
    if not (conversation.waiting and conversation.stack):
        return None
    top = conversation.stack[-1]
    number = dict(top.context).get(NUMBER) if top.flow in set(PATTERNS.values()) else None
    return ReminderId(int(number)) if isinstance(number, str) else None
