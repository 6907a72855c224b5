"""What is left of a condition when some of its slots are known and others may still be filled."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache

from bot.domain import Slots
from bot.engine.conditions import test_of
from bot.library.conditions import And, Not, Or, Tree, names


@dataclass(frozen=True, slots=True, eq=False)
class Open:
    """A part that cannot be decided yet, and the slots it reads."""

    slots: frozenset[str]


def residual(tree: Tree, filled: frozenset[str]) -> Callable[[Slots], Hashable]:
    """Decides what can be decided: True, False, or what is left."""
    match tree:
        case And(items=items):
            return _joined("and", [residual(item, filled) for item in items], decided=False)
        case Or(items=items):
            return _joined("or", [residual(item, filled) for item in items], decided=True)
        case Not(item=item):
            return _denied(residual(item, filled))
    read = frozenset(name.name for name in names(tree))
    if read & filled:
        left = Open(read)
        return lambda _slots: left
    test = test_of(tree)
    return lambda slots: test(slots, {})


def _joined(word: str, parts: list[Callable[[Slots], Hashable]], *, decided: bool) -> Callable[[Slots], Hashable]:
    def joined(slots: Slots) -> Hashable:
        left = []
        for part in parts:
            found = part(slots)
            if found is decided:
                return decided
            if found is not (not decided):
                left.append(found)
        return (word, *left) if left else not decided

    return joined


def _denied(part: Callable[[Slots], Hashable]) -> Callable[[Slots], Hashable]:
    def denied(slots: Slots) -> Hashable:
        found = part(slots)
        return not found if isinstance(found, bool) else ("not", found)

    return denied


@lru_cache(maxsize=65_536)
def names_in(left: Hashable) -> frozenset[str]:
    """The slots that what is left still reads."""
    match left:
        case Open(slots=slots):
            return slots
        case tuple():
            return frozenset().union(*(names_in(part) for part in left))
        case _:
            return frozenset()
