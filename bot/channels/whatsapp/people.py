"""Who wrote, and who is now somebody else: by business-scoped user id first, by number second or not at all. Pure.

Source: "Business-scoped user IDs" and "System messages webhook reference" at developers.facebook.com/documentation/
business-messaging/whatsapp, as of August 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.channels.whatsapp.reading import Ignored, Json, inner, items, moment, number, text, user
from bot.domain import Person

NOBODY = Person(None, None)
CHANGES = ("user_changed_number", "user_changed_user_id", "customer_changed_number")


@dataclass(frozen=True, slots=True)
class Change:
    """A person's number or id changed."""

    before: Person
    now: Person
    """All that they are known by from then on."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Contacts:
    """The contacts that one value names beside its messages."""

    by_user: Mapping[str, Json]
    by_number: Mapping[str, Json]
    only: Json | None
    """The one contact of the one person who writes."""

    @classmethod
    def of(cls, value: Json) -> "Contacts":
        named = items(value, "contacts")
        writers = {(user(each, "from_user_id"), number(each, "from")) for each in items(value, "messages")}
        return cls(
            {id_: each for each in named if (id_ := user(each, "user_id"))},
            {digits: each for each in named if (digits := number(each, "wa_id"))},
            named[0] if len(named) == len(writers) == 1 else None,
        )

    def sender(self, message: Json) -> Person:
        """Whoever sent the message: what it says of them itself, and what their contact adds."""
        id_, digits = user(message, "from_user_id"), number(message, "from")
        contact = self._contact(id_, digits)
        return Person(id_ or user(contact, "user_id"), digits or number(contact, "wa_id"))

    def _contact(self, id_: str | None, digits: str | None) -> Json:
        """A number may differ from the `wa_id` of its contact, so an only contact is the writer's; but a contact with
        another user id is somebody else."""
        known = self.by_user.get(id_ or "")
        if known:
            return known
        found = self.by_number.get(digits or "") or self.only or {}
        return {} if id_ and user(found, "user_id") else found


def told_in_chat(message: Json, now: datetime) -> Change:
    """`from` is the number before. `previous_user_id` came in August 2026: until then only the new id was told.

    Raises: Ignored.
    """
    system = inner(message, "system")
    if text(system, "type") not in CHANGES:
        raise Ignored("unknown_type")
    id_, before = user(system, "user_id"), user(system, "previous_user_id") or user(message, "from_user_id")
    digits = number(system, "wa_id") or number(system, "new_wa_id")
    old = Person(before if before != id_ else None, number(message, "from"))
    return _change(old, Person(id_, digits), moment(message) or now)


def told_as_field(update: Json, now: datetime) -> Change:
    """As Meta announced it in 2025, and some who pass webhooks on still send it. Raises: Ignored."""
    ids = inner(update, "user_id")
    new = Person(user(ids, "current"), number(update, "wa_id"))
    return _change(Person(user(ids, "previous"), None), new, moment(update) or now)


def _change(before: Person, now: Person, at: datetime) -> Change:
    """`now` is what Meta says, and nothing of what was before: it makes a new user id for a new number, so a name that
    it does not repeat is theirs no more. Raises: Ignored."""
    if NOBODY in (before, now):
        raise Ignored("bad_change")
    if now.with_names_of(before) == before:
        raise Ignored("no_change")
    return Change(before, now, at)
