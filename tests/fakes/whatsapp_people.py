"""People on the other side of the fake WhatsApp: what they send, in the shapes in which Meta tells us.

Sources: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages and
.../business-scoped-user-ids, as of November 2026.
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tests.fakes.whatsapp_rules import Choice, Json, Shown, title_of
from tests.fakes.whatsapp_webhooks import Push


@dataclass(slots=True)
class Sent:
    """One message of ours that was taken."""

    id: str
    person: "Person"
    shown: Shown
    at: datetime
    data: str | None
    """biz_opaque_callback_data."""
    body: Json
    by_user_id: bool
    failed: int | None = None
    reached: tuple[str, ...] = ()
    """The statuses reported so far."""

    @property
    def kind(self) -> str:
        return self.shown.kind

    @property
    def text(self) -> str:
        return self.shown.text

    @property
    def buttons(self) -> tuple[Choice, ...]:
        return self.shown.buttons

    @property
    def rows(self) -> tuple[Choice, ...]:
        return self.shown.rows

    @property
    def titles(self) -> tuple[str, ...]:
        """What can be pressed."""
        return tuple(choice.title for choice in (*self.buttons, *self.rows))


class Phone(Protocol):
    """What a person's telephone needs of the server."""

    url: str
    display_number: str

    def now(self) -> datetime: ...
    def sent(self, person: "Person | None" = None) -> list[Sent]: ...
    def heard(self, person: "Person", message: Json, named: bool = True) -> Push: ...
    def changed(self, field: str, value: Json) -> Push: ...


def wamid() -> str:
    return "wamid." + base64.b64encode(b"FAKE" + secrets.token_bytes(20)).decode()


def stamp(at: datetime) -> str:
    return str(int(at.timestamp()))


class Person:
    """Somebody with WhatsApp. Everything they do returns a Push; `at` is when they did it, now if not given."""

    def __init__(self, phone: Phone, name: str, number: str | None, user_id: str | None, username: str | None) -> None:
        self.phone = phone
        self.name = name
        self.number = number
        """Digits; None: Meta does not tell us."""
        self.user_id = user_id
        self.username = username
        self.heard_at: datetime | None = None
        """When they last wrote: opens the window."""

    def contact(self) -> Json:
        profile = {"name": self.name} | ({"username": self.username} if self.username else {})
        return {"profile": profile} | given(wa_id=self.number, user_id=self.user_id)

    def says(self, text: str, at: datetime | None = None) -> Push:
        return self.sends("text", {"body": text}, at)

    def presses(self, title: str, of: Sent | None = None, at: datetime | None = None) -> Push:
        """A button or row of the last message that had any, or of the message given."""
        offered = [sent for sent in self.phone.sent(self) if sent.titles and sent.failed is None]
        if not of and not offered:
            raise LookupError("nothing to press was ever sent to this person")
        sent = of or offered[-1]
        if title not in sent.titles:
            raise LookupError(f"no {title!r} among {sent.titles}")
        choice = next(choice for choice in (*sent.buttons, *sent.rows) if choice.title == title)
        context = {"from": self.phone.display_number, "id": sent.id}
        if sent.kind == "template":
            return self.sends("button", {"payload": choice.id, "text": title}, at, context=context)
        return self.sends("interactive", reply(sent.kind, choice), at, context=context)

    def sends_image(self, caption: str = "", at: datetime | None = None) -> Push:
        return self._sends_file("image", "image/jpeg", at, caption=caption or None)

    def sends_album(self, pictures: int, caption: str = "") -> list[Push]:
        """WhatsApp knows no albums: as many messages, the words beside the first."""
        return [self.sends_image(caption if index == 0 else "") for index in range(pictures)]

    def sends_video(self, caption: str = "", at: datetime | None = None) -> Push:
        return self._sends_file("video", "video/mp4", at, caption=caption or None)

    def sends_audio(self, voice: bool = False, at: datetime | None = None) -> Push:
        return self._sends_file("audio", "audio/ogg; codecs=opus", at, voice=voice)

    def sends_voice(self, at: datetime | None = None) -> Push:
        return self.sends_audio(voice=True, at=at)

    def sends_document(self, caption: str = "", filename: str = "report.pdf", at: datetime | None = None) -> Push:
        return self._sends_file("document", "application/pdf", at, caption=caption or None, filename=filename)

    def sends_sticker(self, at: datetime | None = None) -> Push:
        return self._sends_file("sticker", "image/webp", at, animated=False)

    def sends_contacts(self, at: datetime | None = None) -> Push:
        card = {"name": {"formatted_name": "Kim Doe", "first_name": "Kim"}, "phones": [{"phone": "+44 7700 900999"}]}
        return self.sends("contacts", [card], at)

    def sends_location(self, at: datetime | None = None) -> Push:
        return self.sends("location", {"latitude": 51.5, "longitude": -0.12, "name": "A place"}, at)

    def sends_order(self, at: datetime | None = None) -> Push:
        item = {"product_retailer_id": "di9ozbzfi4", "quantity": 1, "item_price": 30, "currency": "GBP"}
        return self.sends("order", {"catalog_id": "194836987003835", "product_items": [item]}, at)

    def sends_unsupported(self, kind: str = "poll", at: datetime | None = None) -> Push:
        details = {"details": "Message type is currently not supported."}
        error = {"code": 131051, "title": title_of(131051), "message": title_of(131051), "error_data": details}
        return self.sends("unsupported", {"type": kind}, at, errors=[error])

    def reacts(self, emoji: str = "👍", to: Sent | None = None, at: datetime | None = None) -> Push:
        sent = to or self.phone.sent(self)[-1]
        return self.sends("reaction", {"message_id": sent.id, "emoji": emoji}, at)

    def edits(self, earlier: Push, text: str, at: datetime | None = None) -> Push:
        changed = {"type": "text", "text": {"body": text}}
        return self.sends("edit", {"original_message_id": earlier.id, "message": changed}, at)

    def deletes(self, earlier: Push, at: datetime | None = None) -> Push:
        return self.sends("revoke", {"original_message_id": earlier.id}, at)

    def changes_number(self, new: str, new_user_id: str | None = None) -> Push:
        """The message comes from the old number. Meta makes a new user id then, too: give one to be told of it."""
        old, old_id = self.number, self.user_id
        told = given(wa_id=new, user_id=new_user_id, previous_user_id=old_id if new_user_id else None)
        system = {"body": f"User {self.name} changed from {old} to {new}", **told, "type": "user_changed_number"}
        push = self.phone.heard(self, self._message("system", system, None), named=False)
        self.number, self.user_id = new, new_user_id or old_id
        return push

    def changes_user_id(self, new: str, as_message: bool = False) -> Push:
        """Told as a change of the field `user_id_update`, or, as Meta documents since 11 August 2026, as a system
        message `user_changed_user_id` with `previous_user_id` and neither number nor contact."""
        old, self.user_id = self.user_id, new
        if as_message:
            body = f"User {self.name} changed their user id"
            told = {"body": body, "user_id": new, "previous_user_id": old, "type": "user_changed_user_id"}
            message = {"id": wamid(), "timestamp": stamp(self.phone.now()), "type": "system", "system": told}
            return self.phone.heard(self, message, named=False)
        update = given(wa_id=self.number) | {"detail": f"User id for {self.name} has been updated."}
        update |= {"user_id": {"previous": old, "current": new}, "timestamp": stamp(self.phone.now())}
        contact = {"profile": {"name": self.name}} | given(wa_id=self.number)
        return self.phone.changed("user_id_update", {"contacts": [contact], "user_id_update": [update]})

    def sends(self, kind: str, content: object, at: datetime | None = None, **more: object) -> Push:
        """A message of any type."""
        when = at or self.phone.now()
        self.heard_at = max(self.heard_at or when, when)
        return self.phone.heard(self, {**self._message(kind, content, at), **more})

    def _message(self, kind: str, content: object, at: datetime | None) -> Json:
        who = {"from": self.number, "from_user_id": self.user_id}
        when = stamp(at or self.phone.now())
        return given(**who) | {"id": wamid(), "timestamp": when, "type": kind, kind: content}

    def _sends_file(self, kind: str, mime: str, at: datetime | None, **more: object) -> Push:
        id_ = str(10**15 + secrets.randbelow(10**14))
        where = f"{self.phone.url}/media/{id_}?ext=1"
        file = {"mime_type": mime, "sha256": secrets.token_urlsafe(32), "id": id_, "url": where}
        return self.sends(kind, given(**more) | file, at)


def reply(kind: str, choice: Choice) -> Json:
    if kind == "button":
        return {"type": "button_reply", "button_reply": {"id": choice.id, "title": choice.title}}
    told = {"id": choice.id, "title": choice.title} | given(description=choice.description or None)
    return {"type": "list_reply", "list_reply": told}


def given(**values: object) -> Json:
    """Without what is None."""
    return {key: value for key, value in values.items() if value is not None}


def status_value(sent: Sent, status: str, at: datetime, error: int | None, named: bool) -> Json:
    """What a change of the field `messages` says about one status. A failure names no contact, as Meta's does not."""
    person = sent.person
    told: Json = {"id": sent.id, "status": status, "timestamp": stamp(at)}
    told |= given(recipient_id=person.number, biz_opaque_callback_data=sent.data)
    if error is None or sent.by_user_id:
        told |= given(recipient_user_id=person.user_id)
    if error is None:
        told["pricing"] = pricing(sent.kind)
    else:
        where = "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes/"
        title, details = title_of(error), {"details": title_of(error)}
        told["errors"] = [{"code": error, "title": title, "message": title, "error_data": details, "href": where}]
    return ({"contacts": [person.contact()]} if named else {}) | {"statuses": [told]}


def pricing(kind: str) -> Json:
    if kind == "template":
        return {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}
    return {"billable": False, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"}
