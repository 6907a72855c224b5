"""Reading JSON that may have any shape: what is not as it should be counts as nothing, and no reader raises for it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Json = Mapping[str, Any]

_USER = re.compile(r"[A-Za-z0-9._-]{1,200}")
_NUMBER = re.compile(r"[0-9]{5,20}")
_SECONDS = re.compile(r"[0-9]{1,11}")


class Ignored(Exception):
    """One message, status or change leads to nothing; its text is the kind to count. The rest is still read."""


def items(holder: Json, key: str) -> list[Json]:
    """The objects in a list; what is none counts as an empty one."""
    found = holder.get(key)
    return [each if isinstance(each, dict) else {} for each in found] if isinstance(found, list) else []


def inner(holder: Json, key: str) -> Json:
    found = holder.get(key)
    return found if isinstance(found, dict) else {}


def text(holder: Json, key: str) -> str:
    found = holder.get(key)
    return found if isinstance(found, str) else ""


def needed(holder: Json, key: str) -> str:
    """Text that may be empty but not missing. Raises: Ignored."""
    if not isinstance(holder.get(key), str):
        raise Ignored("bad_message")
    return text(holder, key)


def user(holder: Json, key: str) -> str | None:
    """A business-scoped user id."""
    found = text(holder, key)
    return found if _USER.fullmatch(found) else None


def number(holder: Json, key: str) -> str | None:
    """A telephone number, digits only."""
    found = text(holder, key).removeprefix("+")
    return found if _NUMBER.fullmatch(found) else None


def moment(holder: Json) -> datetime | None:
    """The `timestamp`, in seconds since 1970."""
    found = holder.get("timestamp")
    seconds = str(found) if isinstance(found, str | int) else ""
    return datetime.fromtimestamp(int(seconds), UTC) if _SECONDS.fullmatch(seconds) else None
