"""What the pages of the desk are made with, under one key of the application; and whose request it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from handoff.desk import Desk
from handoff.doorkeeper import Doorkeeper, Session
from handoff.doors import Doors
from handoff.ledger import Ledger
from handoff.queue import Queue
from handoff.retention import Keep
from handoff.timetable import Timetable
from handoff.typing import Typing

Mask = Callable[[str], tuple[str, tuple[str, ...]]]
"""Takes what identifies a person out of a text; returns it with the kinds of what was taken out."""


@dataclass(frozen=True, slots=True)
class Parts:
    ledger: Ledger
    queue: Queue
    desk: Desk
    doorkeeper: Doorkeeper
    hours: Timetable
    now: Callable[[], datetime]
    mask: Mask
    secure_cookies: bool
    doors: Doors
    typing: Typing
    keep: Keep


PARTS: Final = web.AppKey("parts", Parts)
SESSION: Final = web.RequestKey("session", Session)


def parts_of(request: web.Request) -> Parts:
    return request.app[PARTS]


def session_of(request: web.Request) -> Session:
    """Whose request this is; only for pages that ask for somebody who is logged in."""
    return request[SESSION]


def unmasked(text: str) -> tuple[str, tuple[str, ...]]:
    return text, ()
