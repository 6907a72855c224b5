"""Until when an enquirer can be written to, where a provider limits that (WhatsApp: 24 h after their last words)."""

import sqlite3
from datetime import datetime

from handoff.moments import from_ms, to_ms

_NOTE = """
INSERT INTO reply_window (conversation, closes_at) VALUES (:conversation, :closes_at)
ON CONFLICT (conversation) DO UPDATE SET closes_at = excluded.closes_at WHERE :shut OR excluded.closes_at > closes_at
"""


def note_window(conn: sqlite3.Connection, conversation: int, closes_at: datetime, *, shut: bool = False) -> None:
    """Words that arrive late or twice never make the window shorter; only `shut`, the provider's own word, does."""
    conn.execute(_NOTE, {"conversation": conversation, "closes_at": to_ms(closes_at), "shut": shut})


def forget_window(conn: sqlite3.Connection, conversation: int) -> None:
    """The conversation is forgotten."""
    conn.execute("DELETE FROM reply_window WHERE conversation = ?", [conversation])


def window_of(conn: sqlite3.Connection, conversation: int) -> datetime | None:
    """When it closes or closed; None where the channel has no window."""
    row = conn.execute("SELECT closes_at FROM reply_window WHERE conversation = ?", [conversation]).fetchone()
    return None if row is None else from_ms(row[0])
