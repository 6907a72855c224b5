"""Whether a condition holds for these slots: each tree is compiled to closures once."""

import re
from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt
from typing import assert_never

from bot.domain import Slots, SlotValue
from bot.library.conditions import (
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
)

Value = SlotValue | frozenset[SlotValue]
Test = Callable[[Slots, Slots], bool]
Read = Callable[[Slots, Slots], Value]

_NOTHING: Mapping[str, SlotValue] = {}
_ORDER: Mapping[Op, Callable[[float, float], bool]] = {Op.LESS: lt, Op.AT_MOST: le, Op.MORE: gt, Op.AT_LEAST: ge}
_MAX_COMPILED = 20_000
_compiled: dict[int, tuple[Tree, Test]] = {}


def test_of(tree: Tree) -> Test:
    """The test that a tree, or part of one, stands for."""
    return _test(tree)


def holds(condition: Condition, slots: Slots, context: Slots = _NOTHING) -> bool:
    """True when the condition is true; a comparison that makes no sense (null, other type) is false on its own."""
    found = _compiled.get(id(condition.tree))
    if found is None or found[0] is not condition.tree:
        found = (condition.tree, _test(condition.tree))
        if len(_compiled) >= _MAX_COMPILED:
            _compiled.clear()
        _compiled[id(condition.tree)] = found
    return found[1](slots, context)


def _test(tree: Tree) -> Test:
    match tree:
        case Compare():
            return _compare(tree)
        case Contains(whole=whole, part=part):
            return _contains(_read(whole), _read(part))
        case Matches(subject=subject, pattern=pattern):
            return _matches(_read(subject), re.compile(pattern))
        case Truth(operand=operand):
            read = _read(operand)
            return lambda slots, context: bool(read(slots, context))
        case Not(item=item):
            test = _test(item)
            return lambda slots, context: not test(slots, context)
        case And(items=items):
            tests = tuple(_test(item) for item in items)
            return lambda slots, context: all(test(slots, context) for test in tests)
        case Or(items=items):
            tests = tuple(_test(item) for item in items)
            return lambda slots, context: any(test(slots, context) for test in tests)
        case _:
            assert_never(tree)


def _read(operand: Operand) -> Read:
    match operand:
        case Name(scope=Scope.SLOTS, name=name):
            return lambda slots, _context: slots.get(name)
        case Name(scope=Scope.CONTEXT, name=name):
            return lambda _slots, context: context.get(name)
        case Name():
            return lambda _slots, _context: None
        case Literal(value=value):
            return lambda _slots, _context: value
        case Collection(values=values):
            return lambda _slots, _context: values
        case Empty():
            return lambda _slots, _context: ""
        case _:
            assert_never(operand)


def _compare(tree: Compare) -> Test:
    left, right, op = _read(tree.left), _read(tree.right), tree.op
    if op is Op.IS:
        return lambda slots, context: _same(left(slots, context), right(slots, context))
    if op is Op.IS_NOT:
        return lambda slots, context: not _same(left(slots, context), right(slots, context))
    order = _ORDER[op]

    def ordered(slots: Slots, context: Slots) -> bool:
        a, b = left(slots, context), right(slots, context)
        return _is_number(a) and _is_number(b) and order(a, b)  # type: ignore[arg-type]

    return ordered


def _same(a: Value, b: Value) -> bool:
    return a == b and isinstance(a, bool) is isinstance(b, bool)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _contains(whole: Read, part: Read) -> Test:
    def contains(slots: Slots, context: Slots) -> bool:
        container, item = whole(slots, context), part(slots, context)
        if isinstance(container, frozenset):
            return any(_same(each, item) for each in container)
        return isinstance(container, str) and isinstance(item, str) and item in container

    return contains


def _matches(subject: Read, pattern: re.Pattern[str]) -> Test:
    def matches(slots: Slots, context: Slots) -> bool:
        text = subject(slots, context)
        return isinstance(text, str) and pattern.search(text) is not None

    return matches
