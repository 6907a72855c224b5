"""Shares, sums and changes of numbers of which some are not told: what comes of a hidden one is hidden too."""

from collections.abc import Sequence
from typing import Final

from handoff.reports.model import HIDDEN, Hidden, Value

TENTHS: Final = 1000
"""A hundred percent, in the unit a share is rounded to."""


def number(value: Value) -> int | None:
    """The number where it is told."""
    return None if isinstance(value, Hidden) or value is None else int(value)


def total(*parts: Value) -> Value:
    if any(isinstance(part, Hidden) for part in parts):
        return HIDDEN
    return sum(part for part in parts if not isinstance(part, Hidden) and part is not None)


def without(whole: Value, part: Value) -> Value:
    told, less = number(whole), number(part)
    return HIDDEN if told is None or less is None else told - less


def change(now: Value, then: Value) -> Value:
    """Percent more or less, one decimal; None where there was nothing then."""
    if isinstance(now, Hidden) or isinstance(then, Hidden):
        return HIDDEN
    if now is None or not then:
        return None
    return round(100 * (now - then) / then, 1)


def percent(part: Value, whole: Value) -> Value:
    """One decimal; None of nothing."""
    if isinstance(part, Hidden) or isinstance(whole, Hidden):
        return HIDDEN
    if part is None or not whole:
        return None
    return round(100 * part / whole, 1)


def shares(parts: Sequence[Value], whole: Value) -> tuple[Value, ...]:
    """Percent of `whole`, one decimal, that add up to exactly 100.0 (largest remainder: H. F. Niemeyer and A. C.
    Niemeyer, "Apportionment methods", Mathematical Social Sciences 56, 2008). What is hidden takes part as one."""
    all_of_it = number(whole)
    if all_of_it is None:
        return (HIDDEN,) * len(parts)
    if not all_of_it:
        return tuple(HIDDEN if isinstance(part, Hidden) else None for part in parts)
    told = {at: int(part) for at, part in enumerate(parts) if not isinstance(part, Hidden) and part is not None}
    exact = {**told, len(parts): all_of_it - sum(told.values())}
    tenths = {at: count * TENTHS // all_of_it for at, count in exact.items()}
    left = TENTHS - sum(tenths.values())
    for at in sorted(exact, key=lambda at: (-(exact[at] * TENTHS % all_of_it), at))[:left]:
        tenths[at] += 1
    return tuple(tenths[at] / 10 if at in told else HIDDEN for at in range(len(parts)))
