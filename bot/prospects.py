"""What is said beside a hand-over: the reference, how long it may take, and a code to come back elsewhere."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil, floor

from bot.domain import ConversationId, Reply, SlotValue
from bot.library.model import Library
from handoff.domain import OpenedCase
from handoff.hours import Hours, told
from handoff.waits import Outlook, Waits

REFERENCE_SLOT = "case_reference"
"""What a reply's words may show of the case that was just opened."""
WAIT, RETURN_CODE, CALL_BACK = "utter_wait", "utter_return_code", "utter_call_back"
STEP_MINUTES = 5
"""An estimate is told in steps of so many minutes: more would be a promise."""
NewCode = Callable[[sqlite3.Connection, ConversationId, datetime], str]
Known = tuple[tuple[str, SlotValue], ...]


class Prospects:
    """The words are the library's; here is only which of them are true."""

    def __init__(self, waits: Waits, hours: Hours, new_code: NewCode) -> None:
        self._waits = waits
        self._hours = hours
        self._new_code = new_code

    def beside(
        self,
        db: sqlite3.Connection,
        conversation: ConversationId,
        library: Library,
        opened: OpenedCase | None,
        replies: tuple[Reply, ...],
        now: datetime,
    ) -> tuple[Reply, ...]:
        """The replies of a turn that opened a case, with what there is to say of it; any others as they are.

        A case that was open before is only named: its enquirer has heard the rest.
        """
        if opened is None:
            return replies
        named = tuple(replace(reply, slots=(*reply.slots, (REFERENCE_SLOT, opened.reference))) for reply in replies)
        if opened.already_open or not replies:
            return named
        outlook = self._waits.outlook(db, opened.id, now)
        known = {WAIT: self._known(outlook, now)} if outlook else {}
        if RETURN_CODE in library.responses:
            known[RETURN_CODE] = (("context.code", self._new_code(db, conversation, now)),)
        said = [Reply(each, about, language=replies[-1].language) for each, about in known.items()]
        return (*named, *(reply for reply in said if reply.response in library.responses))

    def of_call_back(self, agreed_for: datetime, now: datetime, language: str) -> Reply:
        """What tells an enquirer when they will be called back."""
        return Reply(CALL_BACK, self._moment(agreed_for, now), language=language)

    def _known(self, outlook: Outlook, now: datetime) -> Known:
        if not outlook.is_open:
            return (("context.wait", "closed"), *self._opening(outlook.opens_at, now))
        if outlook.is_next:
            return (("context.wait", "next"),)
        if outlook.between is None:
            return (("context.wait", "unknown"),)
        low, high = outlook.between
        return (("context.wait", "between"), ("context.low", _at_least(low)), ("context.high", _at_most(high)))

    def _opening(self, opens_at: datetime | None, now: datetime) -> Known:
        return (("context.opens", "never"),) if opens_at is None else self._moment(opens_at, now)

    def _moment(self, then: datetime, now: datetime) -> Known:
        """Day and time in the service's own zone; which words say so is the library's."""
        moment = told(self._hours, then, now)
        return (("context.opens", moment.day), ("context.opens_on", moment.on), ("context.opens_at", moment.at))


def _at_least(wait: timedelta) -> int:
    return max(1, floor(wait / timedelta(minutes=STEP_MINUTES)) * STEP_MINUTES)


def _at_most(wait: timedelta) -> int:
    return max(STEP_MINUTES, ceil(wait / timedelta(minutes=STEP_MINUTES)) * STEP_MINUTES)
