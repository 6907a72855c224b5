"""The people of the Telegram server: what a test makes them do becomes updates."""

from __future__ import annotations

from datetime import datetime
from functools import partialmethod
from typing import TYPE_CHECKING

from tests.fakes.telegram_chats import Chat, Message, Query, commands_in, medium
from tests.fakes.telegram_rules import Json

if TYPE_CHECKING:
    from tests.fakes.telegram import FakeTelegram


class Place:
    """What both kinds of chat can do; `User` and `Group` name it for a test."""

    def __init__(self, fake: FakeTelegram, chat: Chat) -> None:
        self.fake, self.chat, self.id = fake, chat, chat.id

    def _sends(self, who: User, content: Json, kind: str = "text", at: datetime | None = None) -> int:
        if self.chat.blocked:
            raise AssertionError("they blocked the bot: unblocks() first")
        self.chat.found |= self.chat.member
        sent = int((at or self.fake.now()).timestamp())
        message = Message(self.fake.number(), self.id, who.id, False, sent, kind=kind, content=content,
                          text=str(content.get("text", content.get("caption", ""))))  # fmt: skip
        self.chat.standing[message.id] = message
        if self._reaches_the_bot(content.get("text", "")):
            self.fake.push({"message": self.fake.payload(message)})
        return message.id

    def _reaches_the_bot(self, text: str) -> bool:
        return True

    def _says(self, who: User, text: str, at: datetime | None, reply_to: int | None) -> int:
        content: Json = {"text": text}
        if commands_in(text):
            content["entities"] = commands_in(text)
        if reply_to is not None:
            content["reply_to_message"] = self.fake.payload(self.chat.standing[reply_to])
        return self._sends(who, content, at=at)

    def _medium(self, who: User, kind: str, caption: str | None, album: str | None) -> int:
        content = dict(medium(kind, self.fake.number()))
        if caption is not None:
            content["caption"] = caption
        if album is not None:
            content["media_group_id"] = album
        return self._sends(who, content, kind)

    def _presses(self, who: User, title: str) -> str:
        shown = [message for message in self.chat.messages if message.keyboard]
        assert shown, f"no keyboard stands in chat {self.id}"
        found = [one for row in shown[-1].keyboard for one in row if title in (one["text"], one.get("callback_data"))]
        assert found, f"no button {title!r}, only {shown[-1].buttons}"
        return self._press(who, self.fake.payload(shown[-1]), found[0])

    def _presses_old(self, who: User, message_id: int, title: str) -> str:
        """A phone that has not heard of an edit still shows the keyboard that was."""
        message = self.fake.every_message[message_id]
        found = message.button(title)
        assert found, f"message {message_id} never had a button {title!r}"
        gone = {"chat": self.chat.payload(), "message_id": message_id, "date": 0}
        return self._press(who, self.fake.payload(message) if message_id in self.chat.standing else gone, found)

    def _press(self, who: User, message: Json, button: Json) -> str:
        assert "callback_data" in button, "a button that opens a page tells the bot nothing"
        query = Query(str(4_000_000_000_000_000 + self.fake.number()), self.fake.now(), button["callback_data"])
        self.fake.queries[query.id] = query
        chat_instance = str(self.id * 7919)
        self.fake.push({"callback_query": {"id": query.id, "from": who.payload(), "message": message,
                                           "chat_instance": chat_instance, "data": query.data}})  # fmt: skip
        return query.id

    def _membership(self, who: User, before: str, after: str) -> None:
        def member(status: str) -> Json:
            return {"user": self.fake.bot_user(), "status": status, **({"until_date": 0} if status == "kicked" else {})}

        self.fake.push({"my_chat_member": {
            "chat": self.chat.payload(), "from": who.payload(), "date": int(self.fake.now().timestamp()),
            "old_chat_member": member(before), "new_chat_member": member(after)}})  # fmt: skip


class User(Place):
    """A person and their private chat with the bot. What they do is an update at once."""

    def __init__(self, fake: FakeTelegram, chat: Chat, language: str) -> None:
        super().__init__(fake, chat)
        self.language = language

    def payload(self) -> Json:
        about = {"first_name": self.chat.about["first_name"], "username": self.chat.about["username"]}
        return {"id": self.id, "is_bot": False, **about, "language_code": self.language}

    def is_known(self) -> User:
        """As if they had written to the bot long ago, without an update."""
        self.chat.found = True
        return self

    def says(self, text: str, at: datetime | None = None, reply_to: int | None = None) -> int:
        """The message's id. `at`: its date, now if not given."""
        return self._says(self, text, at, reply_to)

    def starts(self, payload: str = "") -> int:
        return self.says(f"/start {payload}".strip())

    def sends(self, kind: str, caption: str | None = None, album: str | None = None) -> int:
        """A message that is not text; several with the same `album` are one album."""
        return self._medium(self, kind, caption, album)

    sends_photo = partialmethod(sends, "photo")
    sends_voice = partialmethod(sends, "voice")
    sends_video = partialmethod(sends, "video")
    sends_document = partialmethod(sends, "document")
    sends_sticker = partialmethod(sends, "sticker")
    sends_animation = partialmethod(sends, "animation")
    sends_contact = partialmethod(sends, "contact")
    sends_location = partialmethod(sends, "location")
    sends_poll = partialmethod(sends, "poll")
    sends_dice = partialmethod(sends, "dice")

    def presses(self, title: str) -> str:
        """A button of the last keyboard, by title or data. The callback query's id."""
        return self._presses(self, title)

    def presses_old(self, message_id: int, title: str) -> str:
        """A button that this message has or once had."""
        return self._presses_old(self, message_id, title)

    def edits(self, message_id: int, text: str) -> None:
        message = self.chat.standing[message_id]
        assert message.author == self.id, "people edit their own messages only"
        message.text, message.edited = text, int(self.fake.now().timestamp())
        message.content = {**message.content, "text" if message.kind == "text" else "caption": text}
        self.fake.push({"edited_message": self.fake.payload(message)})

    def deletes(self, message_id: int) -> None:
        """Telegram tells a bot nothing of that."""
        del self.chat.standing[message_id]

    def blocks(self) -> None:
        self.chat.blocked = True
        self._membership(self, "member", "kicked")

    def unblocks(self) -> None:
        self.chat.blocked = False
        self._membership(self, "kicked", "member")


class Group(Place):
    """A group; the bot is in it once somebody added it."""

    def says(self, user: User, text: str, at: datetime | None = None, reply_to: int | None = None) -> int:
        return self._says(user, text, at, reply_to)

    def sends(self, user: User, kind: str, caption: str | None = None, album: str | None = None) -> int:
        return self._medium(user, kind, caption, album)

    def presses(self, user: User, title: str) -> str:
        return self._presses(user, title)

    def presses_old(self, user: User, message_id: int, title: str) -> str:
        return self._presses_old(user, message_id, title)

    def adds_bot(self, user: User) -> None:
        self.chat.found = self.chat.member = True
        self._membership(user, "left", "member")
        bot = self.fake.bot_user()
        self._service(user, {"new_chat_members": [bot], "new_chat_member": bot, "new_chat_participant": bot})

    def removes_bot(self, user: User) -> None:
        self._service(user, {"left_chat_member": self.fake.bot_user()})
        self.chat.member = False
        self._membership(user, "member", "kicked")

    def migrates(self, new_id: int | None = None) -> Group:
        """Becomes a supergroup with another id, which is given back."""
        new = self.fake.group(new_id or int(f"-100{abs(self.id)}"), self.chat.about["title"], "supergroup")
        new.chat.found, new.chat.member, new.chat.admin = self.chat.found, self.chat.member, self.chat.admin
        owner = self.fake.user(self.fake.bot_id + 1)
        self._service(owner, {"migrate_to_chat_id": new.id})
        self.chat.moved_to = new.id
        new._service(owner, {"migrate_from_chat_id": self.id})
        return new

    def _service(self, who: User, content: Json) -> None:
        self._sends(who, content, "service")

    def _reaches_the_bot(self, text: str) -> bool:
        """A bot in privacy mode hears commands, its own name and what Telegram itself says."""
        if not self.chat.member:
            return False
        return not self.fake.privacy or not text or text[0] == "/" or f"@{self.fake.username}" in text
