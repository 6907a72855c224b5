"""What a report counts: how many cases have each combination of codes, for one stretch of days."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from handoff.periods import Days

Split = tuple[str, ...]
"""The names of what cases are told apart by, in the order of `Codes`: ("concern", "platform"). () is the total."""
Codes = tuple[str, ...]
"""One code for each name of a split: ("reputation", "tiktok")."""
UNSAID: Final = "not_said"
"""Stands where a fact has no code, so that the parts of a split always add up to its total."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a report: the cases of a span that have these codes."""

    split: Split
    codes: Codes


TOTAL: Final = Cell((), ())


@dataclass(frozen=True, slots=True)
class Counted:
    """One kind of fact (cases, contacts, takedowns) in one stretch of days.

    `splits[split][codes]` is how many have these codes. Every fact has exactly one code for each name, so that the
    counts of a split add up to the total, and a split with a name less is the sum of one with it.
    `yes[name][code]` counts facts for which something holds that others may share ("involves"): they add up to nothing.
    """

    days: Days
    splits: Mapping[Split, Mapping[Codes, int]]
    yes: Mapping[str, Mapping[Codes, int]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def total(self) -> int:
        return self.splits.get((), {}).get((), 0)

    def of(self, split: Split, *codes: str) -> int:
        return self.splits.get(split, {}).get(codes, 0)
