"""What may go wrong in the bot, one class for each thing a caller may do about it."""


class FirstlineError(Exception):
    """Something went wrong in Firstline."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class SettingsError(FirstlineError):
    """A setting is missing or wrong."""


class NoDatabase(FirstlineError):
    """There is no database yet; one is made by the first start of the service, and by nothing that only reads."""


class LibraryInvalid(FirstlineError):
    """The flows or content have errors; the running library stays live."""


class UnknownVersion(FirstlineError):
    """No library version of that name was published."""


class ConversationMoved(FirstlineError):
    """Another turn changed this conversation since it was read."""


UNANSWERED = frozenset({"timeout", "timed_out", "connection_lost", "unreadable", "unexpected_answer"})
"""Reasons of deliveries that left, and of which nothing was ever heard that could be read."""


class StateUnreadable(FirstlineError):
    """What one conversation stood at cannot be opened; all others can."""


class DeliveryError(FirstlineError):
    """A channel could not deliver a reply.

    `retry_after_s`: seconds to wait before trying again; None: never again.
    `reason`: a code; one of UNANSWERED where nothing came back.
    `in_doubt`: True when the provider may have taken it although it did not say so.
    `provider_down`: the fault is not this recipient's: nobody else may get through either.
    `window_closed`: the provider takes nothing for this recipient until they write again.
    """

    def __init__(
        self,
        reason: str,
        retry_after_s: float | None = None,
        *,
        in_doubt: bool = False,
        provider_down: bool = False,
        window_closed: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.in_doubt = in_doubt
        self.provider_down = provider_down
        self.window_closed = window_closed

    @property
    def unanswered(self) -> bool:
        """True when it was sent and nothing came back at all: a repeat may well be a second copy."""
        return self.in_doubt and self.reason in UNANSWERED


class AnotherPoller(FirstlineError):
    """Another program fetches this bot's updates from Telegram. Stop it, or use another token, then start again."""
