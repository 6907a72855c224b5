"""What the queue may refuse, one class for each thing a caller may do about it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handoff.domain import AdviserId, Message


class HandoffError(Exception):
    """The queue refused."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class LedgerError(HandoffError):
    """The database cannot be used as it is; nothing was changed."""


class KeyMissing(LedgerError):
    """The database is sealed, and its key is missing or is another one."""


class DatabaseFromTheFuture(LedgerError):
    """The database was written by a newer Firstline. Install that version, or restore a backup."""


class DiskFull(LedgerError):
    """The disk is full; nothing was written."""


class Refused(HandoffError):
    """That move is not allowed from here."""


class AlreadyClaimed(Refused):
    """Another adviser has this case."""

    def __init__(self, holder: "AdviserId | None" = None) -> None:
        super().__init__()
        self.holder = holder


class NotYours(Refused):
    """Only the adviser who holds this case may do that."""


class Stale(Refused):
    """Something new was said since this page was loaded."""

    def __init__(self, news: "tuple[Message, ...]" = ()) -> None:
        super().__init__()
        self.news = news


class AtCapacity(Refused):
    """You hold as many conversations as you may."""


class NotAllowed(HandoffError):
    """You may not do that."""


class NoSuchCase(HandoffError):
    """There is no case with that number."""
