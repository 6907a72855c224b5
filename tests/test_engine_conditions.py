"""Conditions: what holds for which slots."""

import pytest

from bot.domain import SlotValue
from bot.engine.conditions import holds
from bot.library.conditions import parse
from bot.library.model import Where

HERE = Where("flows/x.yml", 1)


def check(source: str, **slots: SlotValue) -> bool:
    return holds(parse(source, HERE), slots, {"reason": "default"})


@pytest.mark.parametrize(
    ("source", "slots", "expected"),
    [
        ("slots.a", {"a": True}, True),
        ("slots.a", {"a": ""}, False),
        ("slots.a", {}, False),
        ("not slots.a", {}, True),
        ('slots.a is "x"', {"a": "x"}, True),
        ('slots.a is "x"', {"a": "X"}, False),
        ('slots.a is not "x"', {}, True),
        ("slots.a is null", {}, True),
        ("slots.a is not null", {"a": False}, True),
        ("slots.a is empty", {"a": ""}, True),
        ("slots.a is empty", {}, False),
        ("slots.a is true", {"a": True}, True),
        ("slots.a is 1", {"a": True}, False),
        ("slots.a > 2", {"a": 3.0}, True),
        ("slots.a > 2", {"a": "3"}, False),
        ("slots.a >= 2", {"a": 2.0}, True),
        ("slots.a < 2", {}, False),
        ("slots.a <= 2", {"a": True}, False),
        ("slots.a < 12 or slots.b", {"b": True}, True),
        ("{'x' 'y'} contains slots.a", {"a": "y"}, True),
        ("{'x' 'y'} contains slots.a", {}, False),
        ("slots.a contains 'ell'", {"a": "hello"}, True),
        ("slots.a contains 'ell'", {}, False),
        ("slots.a matches '^h.l'", {"a": "hello"}, True),
        ("slots.a matches 'x'", {}, False),
        ("slots.a and (slots.b or slots.c)", {"a": True, "c": True}, True),
        ("(slots.b and slots.c) or slots.a", {"a": True}, True),
        ("slots.a and slots.b", {"a": True}, False),
        ('context.reason is "default"', {}, True),
        ('context.other is "default"', {}, False),
    ],
)
def test_a_condition_holds_for_these_slots(source: str, slots: dict[str, SlotValue], expected: bool) -> None:
    assert check(source, **slots) is expected


def test_each_condition_is_its_own_although_it_reads_alike() -> None:
    first, second = parse("slots.a", HERE), parse("not slots.a", HERE)
    assert [holds(first, {"a": True}), holds(second, {"a": True}), holds(first, {})] == [True, False, False]
