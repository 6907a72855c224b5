"""What is typed after a stroke, where a messenger has commands: one list, read alike everywhere. Pure."""

import re
from datetime import datetime

from bot.channels.links import opened
from bot.domain import Opened, Pressed, Said, Token

COMMANDS = {
    "help": "help",
    "person": "talk_to_person",
    "back": "back",
    "restart": "restart",
    "stop": "stop",
    "record": "record",
    "language": "switch_language",
    "danger": "danger_now",
    "why": "why",
}
"""What is typed after the stroke -> the standing command's intent."""

_COMMAND = re.compile(r"/(?P<name>[A-Za-z0-9_]{1,32})(?:@\w+)?(?:\s+(?P<rest>.*))?", re.ASCII | re.DOTALL)
"""`@` names the bot it is meant for, as Telegram writes it."""
_LINK = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def heard(typed: str, now: datetime, language: str | None = None) -> Said | Pressed | Opened:
    """A command, the beginning of a link (in `language`, where it is known), or words: those the gate must see."""
    found = _COMMAND.fullmatch(typed.strip())
    name, rest = (found["name"].lower(), (found["rest"] or "").strip()) if found else ("", "")
    if name == "start":
        return opened(rest, now, language) if not rest or _LINK.fullmatch(rest) else Said(rest, now)
    if name in COMMANDS and not rest:
        return Pressed(Token(f"!{COMMANDS[name]}"), now)
    return Said(typed, now)
