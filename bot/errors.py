"""What may go wrong in the bot, one class for each thing a caller may do about it."""


class FirstlineError(Exception):
    """Something went wrong in Firstline."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class SettingsError(FirstlineError):
    """A setting is missing or wrong."""


class LibraryInvalid(FirstlineError):
    """The flows or content have errors; the running library stays live."""


class UnknownVersion(FirstlineError):
    """No library version of that name was published."""


class ConversationMoved(FirstlineError):
    """Another turn changed this conversation since it was read."""


class DeliveryError(FirstlineError):
    """A channel could not deliver a reply.

    `retry_after_s`: seconds to wait before trying again; None: never again.
    `in_doubt`: True when the provider may have taken it although no answer came.
    """

    def __init__(self, reason: str, retry_after_s: float | None = None, *, in_doubt: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.in_doubt = in_doubt
