"""One part of what is held about an enquirer, as the desk and the bot tell it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]


@dataclass(frozen=True, slots=True)
class Part:
    """`what`, `why` and `until` in plain words. `review`: may name or quote others; a person reads it first."""

    code: str
    title: str
    what: str
    why: str
    until: str
    rows: tuple[Mapping[str, Value], ...]
    review: bool = False
