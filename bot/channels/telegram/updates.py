"""What an update of Telegram's means to us. Pure; nothing that could lead to a file is ever looked at."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from telegram import CallbackQuery, Chat, ChatMemberUpdated, Message, Update, User

from bot.channels import slash
from bot.channels.contract import TELEGRAM
from bot.domain import Address, MediaKind, MediaRefused, Opened, Pressed, Said, Token, Turn

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
ACCEPT = "accept:"
"""Before the case's number, in what the button in the advisers' group carries."""

_TOKEN = re.compile(r"[0-9a-f]{1,12}\.[0-9a-f]{1,12}|![a-z_]{1,40}")
_ACCEPT = re.compile(rf"{ACCEPT}([0-9]{{1,15}})", re.ASCII)
_MEDIA = {
    "animation": MediaKind.VIDEO,
    "venue": MediaKind.LOCATION,
    "live_photo": MediaKind.PHOTO,
    "photo": MediaKind.PHOTO,
    "video": MediaKind.VIDEO,
    "video_note": MediaKind.VIDEO,
    "voice": MediaKind.VOICE,
    "audio": MediaKind.VOICE,
    "document": MediaKind.DOCUMENT,
    "sticker": MediaKind.STICKER,
    "contact": MediaKind.CONTACT,
    "location": MediaKind.LOCATION,
    "story": MediaKind.OTHER,
    "paid_media": MediaKind.OTHER,
    "poll": MediaKind.POLL,
    "dice": MediaKind.POLL,
    "game": MediaKind.POLL,
    "invoice": MediaKind.OTHER,
    "checklist": MediaKind.POLL,
    "giveaway": MediaKind.OTHER,
    "gift": MediaKind.OTHER,
    "passport_data": MediaKind.OTHER,
}
"""What a message may hold, in the order to look: an animation is a document too, a venue a location."""
_GONE = frozenset({"left", "kicked"})


@dataclass(frozen=True, slots=True)
class Decline:
    """A group or a channel: we say why we do not work there, and leave."""

    chat: int


@dataclass(frozen=True, slots=True)
class AcceptPress:
    """An adviser pressed Accept in the advisers' group."""

    query: str
    presser: int
    case: int


@dataclass(frozen=True, slots=True)
class Blocked:
    """The enquirer blocked the bot."""

    address: Address


@dataclass(frozen=True, slots=True)
class Unblocked:
    """The enquirer lets the bot write again."""

    address: Address


@dataclass(frozen=True, slots=True)
class Moved:
    """A group became a larger one and has another number now."""

    before: int
    now: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to do; counted under `kind`."""

    kind: str


Meaning = Turn | Decline | AcceptPress | Blocked | Unblocked | Moved | Ignored


def read(raw: object) -> Update | None:
    """An update as Telegram sent it (JSON); None when it cannot be read."""
    if number_of(raw) is None:
        return None
    assert isinstance(raw, Mapping)
    try:
        return Update.de_json(dict(raw), None)
    except Exception:  # the library says nothing of what it raises for what is no update: one must not spoil a batch
        return None


def number_of(raw: object) -> int | None:
    number = raw.get("update_id") if isinstance(raw, Mapping) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def turn_from(update: Update, now: datetime, advisers: Collection[int] = ()) -> Meaning:
    """`advisers` are the numbers that the group has or had where only Accept buttons count."""
    chat = chat_of(update)
    if chat is None:
        return Ignored("unknown_type")
    if chat.type != Chat.PRIVATE:
        return _in_group(update, chat, advisers)
    if update.my_chat_member:
        return _membership(update.my_chat_member, chat)
    if update.callback_query:
        return _press(update, update.callback_query, chat, now)
    message = update.message or update.edited_message
    return _message(update, message, chat, now) if message else Ignored("unknown_type")


def chat_of(update: Update) -> Chat | None:
    """The chat of all that we look at; None for what concerns no chat, or is none of ours."""
    if update.callback_query:
        return update.callback_query.message.chat if update.callback_query.message else None
    spoken = update.message or update.edited_message or update.channel_post or update.edited_channel_post
    if spoken:
        return spoken.chat
    return update.my_chat_member.chat if update.my_chat_member else None


def deleted(turn: Turn, *, out: bool) -> Turn:
    """The turn of something refused, once we know whether it could be taken out of the chat.

    The pictures of an album that come without words share one turn; should one of them have to stay, that is said
    once as well.
    """
    assert isinstance(turn.heard, MediaRefused)
    heard = replace(turn.heard, taken_out=out, left_in_chat=not out)
    left = not out and turn.external_id.startswith("album:")
    return replace(turn, heard=heard, external_id=turn.external_id + ":left" if left else turn.external_id)


# --- groups ----------------------------------------------------------------------------------------------------------


def _in_group(update: Update, chat: Chat, advisers: Collection[int]) -> Meaning:
    message = update.message
    if message and message.migrate_to_chat_id:
        return Moved(chat.id, message.migrate_to_chat_id)
    if message and message.migrate_from_chat_id:
        return Moved(message.migrate_from_chat_id, chat.id)
    if message and message.left_chat_member:
        return Ignored("left_group")
    if chat.id in advisers:
        return _accept(update.callback_query) if update.callback_query else Ignored("advisers_group")
    if update.my_chat_member and update.my_chat_member.new_chat_member.status in _GONE:
        return Ignored("left_group")
    return Decline(chat.id)


def _accept(query: CallbackQuery) -> Meaning:
    found = _ACCEPT.fullmatch(query.data or "")
    return AcceptPress(query.id, query.from_user.id, int(found[1])) if found else Ignored("foreign_button")


def _membership(change: ChatMemberUpdated, chat: Chat) -> Meaning:
    address = Address(str(chat.id))
    return Blocked(address) if change.new_chat_member.status in _GONE else Unblocked(address)


# --- one enquirer ----------------------------------------------------------------------------------------------------


def _press(update: Update, query: CallbackQuery, chat: Chat, now: datetime) -> Meaning:
    if not _TOKEN.fullmatch(query.data or ""):
        return Ignored("foreign_button")
    return Turn(TELEGRAM, Address(str(chat.id)), f"u{update.update_id}", Pressed(Token(query.data or ""), now))


def _message(update: Update, message: Message, chat: Chat, now: datetime) -> Meaning:
    edited = update.message is None
    heard = _heard(message, now, edited=edited)
    if heard is None:
        return Ignored("unknown_type")
    sent_at = (message.edit_date or message.date) if edited else message.date
    return Turn(TELEGRAM, Address(str(chat.id)), _external(update, message), heard, sent_at=sent_at)


def _external(update: Update, message: Message) -> str:
    """The pictures of an album are refused together, but for those with words: each one's must be looked at. A place
    that is shared live comes again, edited, at every step of the way: it is refused once."""
    if message.media_group_id and not message.caption:
        return f"album:{message.media_group_id}"
    if message.location:
        return f"place:{message.message_id}"
    return f"u{update.update_id}"


def _heard(message: Message, now: datetime, *, edited: bool) -> Said | Pressed | Opened | MediaRefused | None:
    kind = next((kind for name, kind in _MEDIA.items() if getattr(message, name, None)), None)
    if kind is not None:
        return MediaRefused(kind, now, words=_whole(message.caption or ""))
    if not message.text:
        return None
    text = _whole(message.text)
    return Said(text, now, edited=True) if edited else slash.heard(text, now, _language(message.from_user))


def _language(who: User | None) -> str | None:
    """Welsh where their app is in Welsh; else nothing is known of it."""
    return "cy" if who is not None and (who.language_code or "").lower().startswith("cy") else None


def _whole(text: str) -> str:
    """Half a character (JSON can hold one) could not be written down."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
