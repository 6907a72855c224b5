"""Who is at the other end, as far as the bot knows: other conversations from one address, and the address itself."""

from bot.channels.contract import NAMED, TERMINAL, WEB
from bot.domain import Address, ChannelName, ConversationId, Person
from bot.store import Store
from handoff.ledger import Ledger

NO_ADDRESS = frozenset({WEB, TERMINAL})
"""What finds these conversations is the key to them, which only the enquirer may have."""


class PeopleDoor:
    """Implements handoff.doors.People."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._store = Store(ledger.seal)

    def same_person(self, conversation: int) -> tuple[int, ...]:
        return tuple(self._store.from_same_address(self._ledger.reader(), ConversationId(conversation)))

    def address(self, conversation: int) -> tuple[str, str] | None:
        found = self._store.kept_address(self._ledger.reader(), ConversationId(conversation))
        if found is None or found[0] in NO_ADDRESS:
            return None
        return found[0], _named(*found)


def _named(channel: ChannelName, address: Address) -> str:
    """Where a provider has two names for a person, the telephone number is the one that can be rung."""
    if channel not in NAMED:
        return address
    person = Person.of(address)
    return f"+{person.number}" if person.number else person.user or ""
