"""What a record of advice is made of: what the bot asked and advised, the pages' sources, the record's own words."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bot.domain import ConversationId, LibraryVersion
from bot.engine.forgetting import with_past
from bot.engine.record import Record, record_of
from bot.errors import UnknownVersion
from bot.library.model import Source
from bot.shelf import Shelf
from bot.store import Store
from handoff.doors import AdviceOfBot, AdviceShown, AnswerShown, DecisionShown, SourceCard
from handoff.ledger import Ledger


class RecordsDoor:
    """Implements handoff.doors.Records."""

    def __init__(self, ledger: Ledger, shelf: Shelf, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._shelf = shelf
        self._now = now
        self._store = Store(ledger.seal)

    def of(self, conversation: int) -> AdviceOfBot | None:
        db, here = self._ledger.reader(), ConversationId(conversation)
        if self._store.kept_address(db, here) is None:
            return None
        stored = self._store.get(db, here)
        if stored is None:
            return None
        library = self._shelf.pinned(stored.conversation.library).library
        return _advice_of(record_of(library, with_past(stored.conversation), "", self._now()))

    def page(self, page: str, library: str, at: datetime | None) -> AdviceShown | None:
        try:
            found = self._shelf.pinned(LibraryVersion(library)).library.pages.get(page)
        except UnknownVersion:
            return None
        if found is None:
            return None
        return AdviceShown(found.title, page, "", library, found.status.value, _cards(found.sources), at)

    def labels(self) -> Mapping[str, str]:
        return self._shelf.live().strings("en")


def _advice_of(record: Record) -> AdviceOfBot:
    return AdviceOfBot(
        record.library,
        tuple(AnswerShown(each.question, each.answer, each.at) for each in record.answers),
        tuple(
            AdviceShown(
                each.title, each.page, each.rule, each.version, each.status.value, _cards(each.sources), each.at
            )
            for each in record.advice
        ),
        tuple(
            DecisionShown(each.title, each.page, each.decided_by, each.route, each.framework, each.at)
            for each in record.decisions
        ),
    )


def _cards(sources: Sequence[Source]) -> tuple[SourceCard, ...]:
    return tuple(SourceCard(each.title, each.url, each.checked_on) for each in sources)
