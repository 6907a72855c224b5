"""What is said of how messages come: too many in a short time, long after they were sent, several pictures at once."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.allowance import Allowance
from bot.domain import (
    LATE_HOURS,
    MAX_TURNS_IN_WINDOW,
    TURN_WINDOW_MINUTES,
    ChannelName,
    MediaKind,
    MediaRefused,
    Outcome,
    Reply,
    Turn,
)
from bot.library.model import Library

TOO_FAST = "utter_too_fast"
LATE = "utter_late"
ALBUM = timedelta(seconds=10)
"""Pictures that come within this time are refused together."""
IN_OTHER_WORDS = frozenset({MediaKind.CONTACT, MediaKind.LOCATION, MediaKind.STICKER, MediaKind.POLL})
"""What is refused in words of its own."""


def is_late(turn: Turn) -> bool:
    return turn.sent_at is not None and turn.heard.at - turn.sent_at > timedelta(hours=LATE_HOURS)


class Courtesy:
    """Remembers what was said to whom lately, in memory only."""

    def __init__(self, pulled: frozenset[ChannelName]) -> None:
        window = timedelta(minutes=TURN_WINDOW_MINUTES)
        self.pulled = pulled
        self.pace = Allowance(MAX_TURNS_IN_WINDOW, window)
        self.told_too_fast = Allowance(1, window)
        self.told_late = Allowance(1, window)
        self.refused = Allowance(1, ALBUM)

    @contextmanager
    def towards(self, turn: Turn, mark: bytes) -> Iterator["Towards"]:
        """For one turn. Where it comes to nothing, and so is thought through again, nothing counts as said."""
        towards = Towards(self, turn, mark)
        try:
            yield towards
        except BaseException:
            towards.take_back()
            raise


@dataclass(slots=True)
class Towards:
    """What one turn is told."""

    _courtesy: Courtesy
    _turn: Turn
    _mark: bytes
    _counted: list[tuple[Allowance, Hashable]] = field(default_factory=list)

    def is_too_fast(self) -> bool:
        return not self._allows(self._courtesy.pace, self._mark)

    def told_too_fast(self) -> tuple[Reply, ...]:
        """What to say instead of listening.

        Said once for as long as the pace counts where it would be pushed: a flood is not answered with a flood.
        """
        is_told = self._is_pushed() and not self._allows(self._courtesy.told_too_fast, self._mark)
        return () if is_told else (Reply(TOO_FAST),)

    def was_just_refused(self, refused: MediaRefused) -> bool:
        """One of several pictures: the first was answered. One that could not be taken out is told of all the same, and
        what is refused in other words too."""
        kind = refused.kind if refused.kind in IN_OTHER_WORDS else None
        return self._is_pushed() and not self._allows(self._courtesy.refused, (self._mark, refused.left_in_chat, kind))

    def with_apology(self, library: Library, outcome: Outcome) -> Outcome:
        """Whoever waited for more than LATE_HOURS is told so, once for all that comes in then."""
        must_be_told = is_late(self._turn) and LATE in library.responses
        if not (must_be_told and self._allows(self._courtesy.told_late, self._mark)):
            return outcome
        apology = Reply(LATE, language=outcome.conversation.language)
        return replace(outcome, replies=(apology, *outcome.replies))

    def take_back(self) -> None:
        for allowance, key in self._counted:
            allowance.take_back(key)

    def _allows(self, allowance: Allowance, key: Hashable) -> bool:
        if not allowance.allows(key, self._turn.heard.at):
            return False
        self._counted.append((allowance, key))
        return True

    def _is_pushed(self) -> bool:
        return self._turn.channel not in self._courtesy.pulled
