"""The reply window: some providers take our words only for so long after the enquirer's last ones.

The bot's side of it (`conversation.heard_at`) decides what is sent; the desk's (`handoff.reach`) shows it to advisers.
"""

import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.domain import ChannelName, ConversationId
from handoff import delivery, reach
from handoff.moments import from_ms, to_ms

WINDOW_CLOSED = delivery.WINDOW_CLOSED
"""Why a message waits: the provider would not take it, and they are to be asked to write."""
ASKED = "asked_to_reply"
"""Why a message waits: they were asked to write, and it follows when they do."""
CANNOT_ASK = "window_closed_no_template"
"""Why a message waits: the window is closed, and nothing is set up to ask them with."""


class ReplyWindow:
    def __init__(self, lengths: Mapping[ChannelName, timedelta]) -> None:
        """`lengths`: of the channels that have a window."""
        self._lengths = lengths

    def heard(
        self,
        db: sqlite3.Connection,
        channel: ChannelName,
        conversation: ConversationId,
        heard_at: datetime,
        now: datetime,
    ) -> bool:
        """The provider took words from the enquirer then. True where that opened a window, and it is still open."""
        length = self._lengths.get(channel)
        if length is None:
            return False
        db.execute(_HEARD, [to_ms(heard_at), conversation])
        reach.note_window(db, conversation, heard_at + length)
        return now < heard_at + length

    def is_closed(
        self, db: sqlite3.Connection, channel: ChannelName, conversation: ConversationId, now: datetime
    ) -> bool:
        length = self._lengths.get(channel)
        row = db.execute("SELECT heard_at FROM conversation WHERE id = ?", [conversation]).fetchone()
        return length is not None and row[0] is not None and now >= from_ms(row[0]) + length

    def shut(self, db: sqlite3.Connection, conversation: ConversationId, sent_at: datetime) -> None:
        """The provider says of something sent then that it was closed, whatever we had counted. Words that came since
        have opened it again."""
        if db.execute(_SHUT, [conversation, to_ms(sent_at)]).rowcount:
            reach.note_window(db, conversation, sent_at, shut=True)


_HEARD = """
UPDATE conversation SET heard_at = max(coalesce(heard_at, 0), ?)
 WHERE mark = (SELECT mark FROM conversation WHERE id = ?)"""
"""In an earlier conversation of theirs an answer may still wait."""
_SHUT = "UPDATE conversation SET heard_at = 0 WHERE id = ? AND coalesce(heard_at, 0) <= ?"
