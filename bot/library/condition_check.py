"""What is wrong with a condition although it can be read: names, types and values against the declared slots."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import assert_never

from bot.library.conditions import (
    ORDERINGS,
    And,
    Collection,
    Compare,
    Condition,
    Contains,
    Empty,
    Literal,
    Matches,
    Name,
    Not,
    Op,
    Operand,
    Or,
    Scope,
    Tree,
    Truth,
    names,
)
from bot.library.model import Slot, SlotType

Slots = Mapping[str, Slot]
_SOUNDS_LIKE_NO = frozenset({"no", "none", "false", "never"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong; `offset` counts characters from the condition's start."""

    offset: int
    code: str
    message: str
    fix: str = ""
    warning: bool = False


def check(condition: Condition, slots: Slots, *, context: bool = False) -> list[Problem]:
    """All problems of a condition; `context`: True in a pattern, where `context.x` may be read."""
    named = [problem for name in names(condition.tree) for problem in _name_problems(name, slots, context)]
    return sorted([*named, *_problems(condition.tree, slots, frozenset())], key=lambda problem: problem.offset)


def _name_problems(name: Name, slots: Slots, context: bool) -> Iterator[Problem]:
    match name.scope:
        case Scope.SLOTS:
            if name.name not in slots:
                yield Problem(name.offset, "no-slot", f"no slot '{name.name}'", _did_you_mean(name.name, slots))
        case Scope.CONTEXT:
            if not context:
                yield Problem(
                    name.offset,
                    "condition-context",
                    f"'context.{name.name}' is known only in patterns",
                    "read a slot instead",
                )
        case Scope.NONE:
            yield _unquoted(name, slots)
        case _:
            assert_never(name.scope)


def _unquoted(name: Name, slots: Slots) -> Problem:
    fix = f"write slots.{name.name}" if name.name in slots else f'write "{name.name}" in quotes'
    return Problem(name.offset, "condition-unquoted", f"the word {name.name} has no quotes", fix)


def _did_you_mean(word: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"did you mean '{close[0]}'?" if close else "declare it under slots:"


def _problems(tree: Tree, slots: Slots, guarded: frozenset[str]) -> Iterator[Problem]:
    """`guarded`: slots that cannot be null here, because the condition says so around this part."""
    match tree:
        case And(items=items) | Or(items=items):
            safe = guarded.union(*(_not_null_if(item, isinstance(tree, And)) for item in items))
            for item in items:
                yield from _problems(item, slots, safe)
        case Not(item=item):
            yield from _problems(item, slots, guarded)
        case Compare():
            yield from _comparison(tree, slots, guarded)
        case Contains():
            yield from _containment(tree, slots)
        case Matches(subject=subject):
            yield from _text_only(subject, slots, "'matches' needs a text slot")
        case Truth(operand=operand):
            yield from _truth(operand, slots)
        case _:
            assert_never(tree)


def _not_null_if(tree: Tree, outcome: bool) -> frozenset[str]:
    """The slots that surely have a value when the tree comes out as `outcome`."""
    match tree:
        case Compare(op=Op.IS_NOT, left=Name(scope=Scope.SLOTS, name=name), right=Literal(value=None)):
            return frozenset({name}) if outcome else frozenset()
        case Compare(op=Op.IS, left=Name(scope=Scope.SLOTS, name=name), right=Literal(value=None)):
            return frozenset() if outcome else frozenset({name})
        case Truth(operand=Name(scope=Scope.SLOTS, name=name)):
            return frozenset({name}) if outcome else frozenset()
        case Not(item=item):
            return _not_null_if(item, not outcome)
        case And(items=items) if outcome:
            return frozenset().union(*(_not_null_if(item, True) for item in items))
        case Or(items=items) if not outcome:
            return frozenset().union(*(_not_null_if(item, False) for item in items))
        case _:
            return frozenset()


def _kind(operand: Operand, slots: Slots) -> str | None:
    """text, number or bool; None where anything may stand (null, empty, context, `any` slots)."""
    match operand:
        case Literal(value=bool()):
            return "bool"
        case Literal(value=str()):
            return "text"
        case Literal(value=float()):
            return "number"
        case Collection():
            return "set"
        case Name(scope=Scope.SLOTS, name=name) if name in slots:
            return _SLOT_KINDS[slots[name].type]
        case Literal() | Empty() | Name():
            return None
        case _:
            assert_never(operand)


_SLOT_KINDS: Mapping[SlotType, str | None] = {
    SlotType.TEXT: "text",
    SlotType.CATEGORICAL: "text",
    SlotType.BOOL: "bool",
    SlotType.FLOAT: "number",
    SlotType.ANY: None,
}


def _comparison(tree: Compare, slots: Slots, guarded: frozenset[str]) -> Iterator[Problem]:
    left, right = _kind(tree.left, slots), _kind(tree.right, slots)
    if left and right and left != right:
        yield Problem(tree.offset, "condition-type", f"{left} compared with {right}", _type_fix(tree, slots))
        return
    if tree.op in ORDERINGS:
        yield from _ordering(tree, slots, guarded)
        return
    for name, other in ((tree.left, tree.right), (tree.right, tree.left)):
        if isinstance(other, Literal):
            yield from _value(name, other.value, other.offset, slots)


def _type_fix(tree: Compare, slots: Slots) -> str:
    for operand in (tree.left, tree.right):
        if isinstance(operand, Name) and operand.name in slots:
            match slots[operand.name].type:
                case SlotType.BOOL:
                    return f"write slots.{operand.name} or not slots.{operand.name}"
                case SlotType.FLOAT:
                    return "write the number without quotes"
                case SlotType.TEXT | SlotType.CATEGORICAL | SlotType.ANY:
                    return "write the value in quotes"
    return ""


def _ordering(tree: Compare, slots: Slots, guarded: frozenset[str]) -> Iterator[Problem]:
    operands = (tree.left, tree.right)
    for operand in operands:
        if _kind(operand, slots) not in ("number", None) or operand == Literal(None, operand.offset):
            yield Problem(operand.offset, "condition-type", f"'{tree.op}' compares numbers only")
            return
    for operand in operands:
        if isinstance(operand, Name) and operand.name not in guarded and _may_be_null(operand, slots):
            yield Problem(
                operand.offset,
                "condition-null",
                f"{operand.scope}.{operand.name} may have no value yet",
                f"write {operand.scope}.{operand.name} is not null and ...",
            )


def _may_be_null(name: Name, slots: Slots) -> bool:
    return name.scope is Scope.SLOTS and name.name in slots and slots[name.name].initial_value is None


def _value(operand: Operand, value: object, offset: int, slots: Slots) -> Iterator[Problem]:
    """A word that a categorical slot can never hold."""
    if not isinstance(operand, Name) or operand.scope is not Scope.SLOTS or not isinstance(value, str):
        return
    slot = slots.get(operand.name)
    if slot and slot.type is SlotType.CATEGORICAL and value not in slot.values:
        close = get_close_matches(value, slot.values, n=1, cutoff=0.5)
        fix = f"did you mean '{close[0]}'?" if close else "one of: " + ", ".join(slot.values)
        yield Problem(offset, "condition-value", f"slot '{slot.name}' is never '{value}'", fix)


def _containment(tree: Contains, slots: Slots) -> Iterator[Problem]:
    if isinstance(tree.whole, Collection):
        for value in sorted(tree.whole.values, key=str):
            yield from _value(tree.part, value, tree.whole.offset, slots)
    else:
        yield from _text_only(tree.whole, slots, "'contains' needs a set or a text on its left")


def _text_only(operand: Operand, slots: Slots, message: str) -> Iterator[Problem]:
    if _kind(operand, slots) not in ("text", None):
        yield Problem(operand.offset, "condition-type", message)


def _truth(operand: Operand, slots: Slots) -> Iterator[Problem]:
    if not isinstance(operand, Name):
        if not (isinstance(operand, Literal) and isinstance(operand.value, bool)):
            yield Problem(operand.offset, "condition-type", "a value on its own is not a condition", "compare a slot")
        return
    slot = slots.get(operand.name) if operand.scope is Scope.SLOTS else None
    if slot and slot.type is SlotType.CATEGORICAL and _SOUNDS_LIKE_NO & set(slot.values):
        message = f"slots.{slot.name} on its own is true for the answer 'no' too"
        yield Problem(operand.offset, "condition-truth", message, f'write slots.{slot.name} is "..."', warning=True)
