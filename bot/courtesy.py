"""What is said of how messages come: too many in a short time, or long after they were sent."""

from dataclasses import replace
from datetime import timedelta

from bot.allowance import Allowance
from bot.domain import LATE_HOURS, MAX_TURNS_IN_WINDOW, TURN_WINDOW_MINUTES, ChannelName, Outcome, Reply, Turn
from bot.library.model import Library

TOO_FAST = "utter_too_fast"
LATE = "utter_late"


def is_late(turn: Turn) -> bool:
    return turn.sent_at is not None and turn.heard.at - turn.sent_at > timedelta(hours=LATE_HOURS)


class Courtesy:
    def __init__(self, pulled: frozenset[ChannelName]) -> None:
        window = timedelta(minutes=TURN_WINDOW_MINUTES)
        self._pulled = pulled
        self._pace = Allowance(MAX_TURNS_IN_WINDOW, window)
        self._told_too_fast = Allowance(1, window)
        self._told_late = Allowance(1, window)

    def too_fast(self, turn: Turn, mark: bytes) -> tuple[Reply, ...] | None:
        """What to say instead of listening; None when they may go on.

        Said once for as long as the pace counts where it would be pushed: a flood is not answered with a flood.
        """
        if self._pace.allows(mark, turn.heard.at):
            return None
        told = turn.channel not in self._pulled and not self._told_too_fast.allows(mark, turn.heard.at)
        return () if told else (Reply(TOO_FAST),)

    def with_apology(self, turn: Turn, mark: bytes, library: Library, outcome: Outcome) -> Outcome:
        """Whoever waited for more than LATE_HOURS is told so, once for all that comes in then."""
        if not (is_late(turn) and LATE in library.responses and self._told_late.allows(mark, turn.heard.at)):
            return outcome
        apology = Reply(LATE, language=outcome.conversation.language)
        return replace(outcome, replies=(apology, *outcome.replies))
