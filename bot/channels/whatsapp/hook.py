"""What a webhook body of WhatsApp's says, as values: turns, changes of identity, receipts. Pure.

Source: developers.facebook.com/documentation/business-messaging/whatsapp, "Webhooks" and "Business-scoped user IDs",
as of August 2026. Bodies come in any order, again up to 7 days later, and may hold many entries and changes.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.channels import slash
from bot.channels.contract import WHATSAPP, Reach, Receipt
from bot.channels.whatsapp.people import NOBODY, Change, Contacts, told_as_field, told_in_chat
from bot.channels.whatsapp.reading import Ignored, Json, inner, items, moment, needed, text
from bot.channels.whatsapp.sending import policy_of
from bot.domain import MediaKind, MediaRefused, Opened, Pressed, Said, Token, Turn

KNOCK, APOLOGY = "knock", "apology"
"""What is noted with what is no message of the outbox."""
WINDOW_CLOSED = 131047
FIELDS = ("messages", "user_id_update")
MEDIA = {
    "image": MediaKind.PHOTO,
    "video": MediaKind.VIDEO,
    "audio": MediaKind.VOICE,
    "voice": MediaKind.VOICE,
    "document": MediaKind.DOCUMENT,
    "sticker": MediaKind.STICKER,
    "contacts": MediaKind.CONTACT,
    "location": MediaKind.LOCATION,
    "unsupported": MediaKind.OTHER,
}
IGNORED = {"reaction": "reaction", "revoke": "revoked"}
"""Kinds of message that mean nothing to us -> what they are counted as."""

_OURS = re.compile(r"[0-9a-f]{1,12}\.[0-9a-f]{1,12}|![a-z_]{1,64}")
_ID = re.compile(r"[!-~]{1,512}")
_SEQ = re.compile(r"[0-9]{1,18}")
_KNOCK = re.compile(rf"{KNOCK}\.([0-9]{{1,18}})")


@dataclass(frozen=True, slots=True)
class Post:
    """One body. Turns and changes are in order of time; `ignored` counts by kind what leads to nothing."""

    turns: tuple[Turn, ...] = ()
    changes: tuple[Change, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    ignored: Counter[str] = field(default_factory=Counter)


def read(body: Any, phone_id: str, now: datetime) -> Post:
    """Everything in one body that is about our number; `now` is when it came. Never raises."""
    ignored: Counter[str] = Counter()
    events = [event for value in _values(body, phone_id, ignored) for event in _events(value, now, ignored)]
    turns = [event for event in events if isinstance(event, Turn)]
    changes = [event for event in events if isinstance(event, Change)]
    return Post(
        tuple(sorted(turns, key=lambda turn: turn.sent_at or now)),
        tuple(sorted(changes, key=lambda change: change.at)),
        tuple(event for event in events if isinstance(event, Receipt)),
        ignored,
    )


def _values(body: Any, phone_id: str, ignored: Counter[str]) -> Iterator[Json]:
    """What each change that is about our number says."""
    if not isinstance(body, dict) or body.get("object") != "whatsapp_business_account":
        ignored["other_object"] += 1
        return
    for change in (change for entry in items(body, "entry") for change in items(entry, "changes")):
        value = inner(change, "value")
        if text(change, "field") not in FIELDS:
            ignored["other_field"] += 1
        elif text(inner(value, "metadata"), "phone_number_id") != phone_id:
            ignored["other_number"] += 1
        else:
            yield value


def _events(value: Json, now: datetime, ignored: Counter[str]) -> Iterator[Turn | Change | Receipt]:
    """Each message, status or change of identity, read by itself."""
    contacts = Contacts.of(value)
    ignored["error_report"] += len(items(value, "errors"))
    readings: tuple[tuple[str, Callable[[Json], Turn | Change | Receipt]], ...] = (
        ("messages", lambda message: _message(message, contacts, now)),
        ("statuses", _receipt),
        ("user_id_update", lambda update: told_as_field(update, now)),
    )
    for each, reading in ((each, reading) for key, reading in readings for each in items(value, key)):
        try:
            yield reading(each)
        except Ignored as kind:
            ignored[str(kind)] += 1


# --- messages --------------------------------------------------------------------------------------------------------


def _message(message: Json, contacts: Contacts, now: datetime) -> Turn | Change:
    """Raises: Ignored."""
    kind, id_ = text(message, "type"), text(message, "id")
    if text(message, "group_id"):
        raise Ignored("group")
    if kind == "system":
        return told_in_chat(message, now)
    heard, person = _heard(kind, message, now), contacts.sender(message)
    if not _ID.fullmatch(id_) or person == NOBODY:
        raise Ignored("bad_message")
    return Turn(WHATSAPP, person.address, id_, heard, person, moment(message))


def _heard(kind: str, message: Json, now: datetime) -> Said | Pressed | Opened | MediaRefused:
    """Raises: Ignored."""
    content = inner(message, kind)
    match kind:
        case "text":
            return slash.heard(needed(content, "body"), now)
        case "button":
            return Said(needed(content, "text"), now)
        case "interactive":
            return _chosen(content, now)
        case "edit":
            return Said(_changed_words(content), now, edited=True)
        case "unsupported" if text(content, "type") == "edit":
            return Said("", now, edited=True)  # we are told that it was changed, not to what
        case "request_welcome":
            return Opened(now)
        case _ if kind in MEDIA:
            return MediaRefused(MEDIA[kind], now, text(content, "caption"), left_in_chat=True)
        case _:
            raise Ignored(IGNORED.get(kind, "unknown_type" if kind else "bad_message"))


def _chosen(content: Json, now: datetime) -> Said | Pressed:
    """A button or row of ours is pressed; of one that is not, the words on it are said."""
    kind = text(content, "type")
    if kind not in ("button_reply", "list_reply"):
        raise Ignored("unknown_type")
    reply = inner(content, kind)
    id_ = text(reply, "id")
    return Pressed(Token(id_), now) if _OURS.fullmatch(id_) else Said(needed(reply, "title"), now)


def _changed_words(content: Json) -> str:
    """What a message says after it was changed: its text, or the words beside what it shows."""
    message = inner(content, "message")
    shown = inner(message, text(message, "type"))
    return text(shown, "body") or text(shown, "caption")


# --- receipts --------------------------------------------------------------------------------------------------------


def knock_note(seq: int) -> str:
    """What a knock carries: which message waits behind it."""
    return f"{KNOCK}.{seq}"


def _receipt(status: Json) -> Receipt:
    """Raises: Ignored."""
    reach, id_, ours = text(status, "status"), text(status, "id"), text(status, "biz_opaque_callback_data")
    if reach not in tuple(Reach):
        raise Ignored("unknown_status")
    knock = _KNOCK.fullmatch(ours)
    if ours == APOLOGY or (knock and reach != Reach.FAILED):
        raise Ignored(f"{KNOCK if knock else APOLOGY}_{reach}")
    if not _ID.fullmatch(id_):
        raise Ignored("bad_status")
    if knock:
        return Receipt(Reach.FAILED, None, id_, "knock_failed", knock_of=int(knock[1]))
    seq = int(ours) if _SEQ.fullmatch(ours) else None
    if reach != Reach.FAILED:
        return Receipt(Reach(reach), seq, id_)
    code = next((error["code"] for error in items(status, "errors") if isinstance(error.get("code"), int)), None)
    reason = policy_of(400, code).reason if code is not None else "unknown"
    return Receipt(Reach.FAILED, seq, id_, reason, window_closed=code == WINDOW_CLOSED)
