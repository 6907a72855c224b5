"""Turns what waits in the outbox into words: the pinned library's for the bot, the thread's for an adviser."""

import sqlite3
from datetime import datetime

from bot.domain import LibraryVersion
from bot.engine.render import Rendered, render
from bot.outbox import Waiting
from bot.shelf import Shelf
from handoff.domain import MessageId
from handoff.queue import Queue


class Speech:
    def __init__(self, shelf: Shelf, queue: Queue) -> None:
        self._shelf = shelf
        self._queue = queue

    def rendered(self, db: sqlite3.Connection, waiting: Waiting, now: datetime) -> Rendered:
        """An adviser's message is plain text: it is not read as Markdown by any channel (`Rendered.plain`)."""
        if waiting.reply is None:
            message = self._queue.message(db, MessageId(waiting.message or 0))
            return Rendered.of_plain_text(message.text if message else "")
        version = db.execute(_LIBRARY, [waiting.conversation]).fetchone()[0]
        library = self._shelf.pinned(LibraryVersion(version)).library
        return render(library, waiting.reply, waiting.channel, now.date())


_LIBRARY = "SELECT library FROM conversation WHERE id = ?"
