"""What stands in Telegram's chats, and the shapes in which its API shows it."""

from dataclasses import dataclass, field
from datetime import datetime

from tests.fakes.telegram_rules import Json, units

PHOTO_SIZES = ((90, 67), (320, 240), (800, 600))


@dataclass(slots=True)
class Message:
    """One message as it stands in a chat."""

    id: int
    chat_id: int
    author: int
    """Telegram's id of who wrote it."""
    from_bot: bool
    date: int
    text: str = ""
    """What is read, without markup."""
    entities: tuple[Json, ...] = ()
    keyboard: list[list[Json]] = field(default_factory=list)
    sent_as: str = ""
    """The text as the bot sent it, markup included."""
    preview: bool = True
    kind: str = "text"
    content: Json = field(default_factory=dict)
    """Fields of a message that is not only text."""
    edited: int | None = None
    offered: list[Json] = field(default_factory=list)
    """Every button it ever had."""

    @property
    def buttons(self) -> list[str]:
        return [str(button["text"]) for row in self.keyboard for button in row]

    def button(self, wanted: str) -> Json | None:
        """The button with this title or data, shown now or earlier."""
        return next((one for one in self.offered if wanted in (one["text"], one.get("callback_data"))), None)


@dataclass(slots=True)
class Chat:
    """A chat as the server knows it. A bot finds it once somebody wrote to the bot, or added it."""

    id: int
    kind: str
    about: Json
    found: bool = False
    blocked: bool = False
    member: bool = True
    admin: bool = False
    moved_to: int | None = None
    undeletable: bool = False
    """Messages in it can't be deleted, because the test says so."""
    held_until: float = 0.0
    actions: list[str] = field(default_factory=list)
    standing: dict[int, Message] = field(default_factory=dict)

    @property
    def messages(self) -> list[Message]:
        return [self.standing[number] for number in sorted(self.standing)]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    @property
    def last(self) -> Message:
        """The bot's newest message that stands."""
        return [message for message in self.messages if message.from_bot][-1]

    def payload(self) -> Json:
        return {"id": self.id, "type": self.kind, **self.about}


@dataclass(slots=True)
class Query:
    """A button somebody pressed, which the bot must answer."""

    id: str
    at: datetime
    data: str
    answer: Json | None = None


def medium(kind: str, number: int) -> Json:
    """The fields of a message of this kind, as Telegram sends them."""
    file: Json = {"file_id": f"AgACAgQAAxk{number:08d}", "file_unique_id": f"AQAD{number:08d}", "file_size": 51_200}
    video = {**file, "width": 640, "height": 480, "duration": 4, "file_name": "clip.mp4", "mime_type": "video/mp4"}
    sizes = [{**file, "file_id": f"{file['file_id']}{w}", "width": w, "height": h} for w, h in PHOTO_SIZES]
    sticker = {**file, "type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
    document = {**file, "file_name": "letter.pdf", "mime_type": "application/pdf"}
    place = {"latitude": 51.48, "longitude": -3.18}
    option = {"text": "Yes", "voter_count": 0, "persistent_id": "0"}
    poll = {"id": str(number), "question": "Which?", "options": [option, {**option, "text": "No"}], "type": "regular",
            "total_voter_count": 0, "is_closed": False, "is_anonymous": True, "allows_multiple_answers": False,
            "allows_revoting": False, "members_only": False}  # fmt: skip
    fields: dict[str, Json] = {
        "photo": {"photo": sizes},
        "voice": {"voice": {**file, "duration": 3, "mime_type": "audio/ogg"}},
        "audio": {"audio": {**file, "duration": 3, "mime_type": "audio/mpeg"}},
        "video": {"video": video},
        "video_note": {"video_note": {**file, "length": 240, "duration": 3}},
        "document": {"document": document},
        "sticker": {"sticker": {**sticker, "emoji": "👍"}},
        "animation": {"animation": video, "document": {**file, "file_name": "clip.mp4", "mime_type": "video/mp4"}},
        "contact": {"contact": {"phone_number": "+447700900123", "first_name": "Ann"}},
        "location": {"location": place},
        "venue": {"venue": {"location": place, "title": "A hall", "address": "1 Road"}, "location": place},
        "poll": {"poll": poll},
        "dice": {"dice": {"emoji": "🎲", "value": 3}},
        "story": {"story": {"chat": {"id": -1001, "type": "channel", "title": "A channel"}, "id": number}},
    }
    return fields[kind]


def commands_in(text: str) -> list[Json]:
    """The entity of a command that a text begins with."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    return [{"type": "bot_command", "offset": 0, "length": units(first)}] if first[:1] == "/" and first[1:] else []


def full(chat: Chat) -> Json:
    """What getChat tells."""
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return {**chat.payload(), "accent_color_id": 0, "max_reaction_count": 11,
            "accepted_gift_types": dict.fromkeys(gifts, True)}  # fmt: skip


def message_payload(message: Message, chat: Chat, author: Json) -> Json:
    """A message as updates and answers carry it."""
    made: Json = {"message_id": message.id, "from": author, "chat": chat.payload(), "date": message.date}
    if message.edited is not None:
        made["edit_date"] = message.edited
    if message.from_bot:
        made["text"] = message.text
        if message.entities:
            made["entities"] = list(message.entities)
    if message.keyboard:
        made["reply_markup"] = {"inline_keyboard": message.keyboard}
    if not message.preview:
        made["link_preview_options"] = {"is_disabled": True}
    return {**made, **message.content}
