"""What the form of a transfer was filled with, and what is wrong with it."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from handoff.domain import AdviserId


@dataclass(frozen=True, slots=True)
class TransferForm:
    to: AdviserId | None = None
    reason: str = ""
    masked: Collection[str] = ()
    """The kinds of what was taken out of the reason."""
    is_open: bool = False
    problems: Collection[str] = ()
    """Fields that must be filled in or changed: `to`, `reason`, `reason_long`."""
    refused: str = ""
    """Why the offer was not made."""

    def missing(self, longest: int) -> "TransferForm":
        """With what is missing or too long named; `longest` in characters."""
        found = {"to": self.to is None, "reason": not self.reason, "reason_long": len(self.reason) > longest}
        return replace(self, problems=tuple(name for name, is_wrong in found.items() if is_wrong))

    def refused_for(self, why: str) -> "TransferForm":
        return replace(self, refused=why)


BLANK_TRANSFER = TransferForm()
