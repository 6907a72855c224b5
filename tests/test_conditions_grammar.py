"""The language of conditions: what can be read, what cannot, and what is wrong although it can be read."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.library.condition_check import check
from bot.library.conditions import (
    And,
    Collection,
    Compare,
    ConditionError,
    Contains,
    Empty,
    Literal,
    Matches,
    Name,
    Not,
    Op,
    Or,
    Truth,
    parse,
)
from bot.library.model import Slot, SlotType, Where

HERE = Where("flows/x.yml", 1)
SLOTS = {
    "urgent": Slot("urgent", SlotType.BOOL, HERE),
    "mood": Slot("mood", SlotType.CATEGORICAL, HERE, values=("glad", "Sad")),
    "answer": Slot("answer", SlotType.CATEGORICAL, HERE, values=("yes", "no")),
    "age": Slot("age", SlotType.FLOAT, HERE),
    "tries": Slot("tries", SlotType.FLOAT, HERE, initial_value=0.0),
    "words": Slot("words", SlotType.TEXT, HERE),
    "thing": Slot("thing", SlotType.ANY, HERE),
}


def tree(source):
    return parse(source, HERE).tree


def codes(source, **kwargs):
    return [problem.code for problem in check(parse(source, HERE), SLOTS, **kwargs)]


def offsets(source):
    """Where the complaints about any text stand."""
    try:
        condition = parse(source, HERE)
    except ConditionError as error:
        return [error.offset]
    return [problem.offset for problem in check(condition, SLOTS)]


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("slots.urgent", Truth),
        ("not slots.urgent", Not),
        ("TRUE", Truth),
        ("False", Truth),
        ("slots.mood is 'glad'", Compare),
        ('slots.mood is not "glad"', Compare),
        ("slots.age >= -1.5", Compare),
        ("{'glad' 'Sad'} contains slots.mood", Contains),
        ("slots.words contains 'x'", Contains),
        ("slots.words matches '^a.b$'", Matches),
        ("slots.urgent AND slots.words", And),
        ("slots.urgent or slots.words or slots.age", Or),
        ("(slots.urgent and slots.words) or slots.age", Or),
        ("slots.words is empty", Compare),
    ],
)
def test_each_form_is_read(source, kind):
    assert isinstance(tree(source), kind)


@pytest.mark.parametrize(
    ("written", "op"),
    [("=", Op.IS), ("==", Op.IS), ("is", Op.IS), ("!=", Op.IS_NOT), ("is not", Op.IS_NOT), ("IS NOT", Op.IS_NOT)],
)
def test_equality_has_many_spellings(written, op):
    found = tree(f"slots.age {written} 3")
    assert isinstance(found, Compare)
    assert found.op is op
    assert isinstance(found.left, Name)
    assert found.right == Literal(3.0, found.right.offset)


def test_not_takes_the_whole_comparison_after_it():
    found = tree("not slots.mood is 'glad'")
    assert isinstance(found, Not)
    assert isinstance(found.item, Compare)


def test_undefined_is_read_as_null_and_empty_is_its_own_word():
    assert tree("slots.words is undefined").right.value is None
    assert isinstance(tree("slots.words is empty").right, Empty)


def test_a_set_holds_words_and_numbers():
    assert tree("{'a' 2} contains slots.thing").whole == Collection(frozenset({"a", 2.0}), 0)


def test_a_condition_knows_the_slots_it_reads():
    assert parse("slots.age is not null and slots.age < 3 or context.x".replace(" or context.x", ""), HERE).slots == {
        "age"
    }
    assert parse("slots.urgent or {'a'} contains slots.words", HERE).slots == {"urgent", "words"}


@pytest.mark.parametrize(
    ("source", "offset"),
    [
        ("", 0),
        ("slots.mood is", 13),
        ("slots.mood is 'glad", 14),
        ("{'a', 'b'} contains slots.mood", 4),
        ("(slots.urgent", 13),
        ("slots.urgent)", 12),
        ("slots.urgent slots.words", 13),
        ("slots.urgent && slots.words", 13),
        ("slots.mood in 'glad'", 11),
        ("slots.words matches slots.mood", 20),
        ("slots.words matches '('", 20),
        ("slots.age + 1", 10),
        ("slots.urgent and", 16),
        ("slots.mood is or", 14),
        ("3abc", 0),
    ],
)
def test_what_cannot_be_read_says_where(source, offset):
    with pytest.raises(ConditionError) as error:
        parse(source, HERE)
    assert error.value.offset == offset
    assert error.value.message


@pytest.mark.parametrize("source", ["slots.a and slots.b or slots.c", "(slots.a or slots.b or slots.c and slots.d)"])
def test_and_beside_or_without_parentheses_is_refused(source):
    with pytest.raises(ConditionError) as error:
        parse(source, HERE)
    assert error.value.code == "condition-mixed"


def test_and_beside_or_with_parentheses_is_read():
    assert isinstance(tree("slots.a and (slots.b or slots.c)"), And)


WORDS = [
    "slots.age",
    "slots.mood",
    "context.x",
    "not",
    "and",
    "or",
    "(",
    ")",
    "{",
    "}",
    "'a'",
    '"',
    "<",
    ">=",
    "is",
    "null",
    "3",
    "matches",
    "contains",
    "empty",
    "word",
]


@given(st.text(max_size=80) | st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
@example("(" * 5000)
@example("not " * 5000)
@example("slots.words matches '[[a'")
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_and_never_breaks(source):
    assert all(0 <= offset <= len(source) for offset in offsets(source))


# --- checking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "slots.urgent",
        "slots.urgent is true",
        "slots.mood is 'glad'",
        "slots.mood is null",
        "slots.age is 3",
        "slots.age is not null and slots.age < 3",
        "slots.age < 3 and slots.age is not null",
        "slots.age and slots.age < 3",
        "slots.age is null or slots.age < 3",
        "not slots.age or slots.age < 3",
        "slots.age is not null and (slots.age < 3 or slots.age > 60)",
        "slots.tries > 2",
        "slots.thing is 3 or slots.thing is 'x'",
        "{'glad' 'Sad'} contains slots.mood",
        "slots.words matches 'x'",
        "slots.words is slots.mood",
        "true",
    ],
)
def test_a_sound_condition_has_no_problems(source):
    assert codes(source) == []


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("slots.missing", "no-slot"),
        ("slots.mood is glad", "condition-unquoted"),
        ("urgent", "condition-unquoted"),
        ("context.reason is 'x'", "condition-context"),
        ("slots.age < 3", "condition-null"),
        ("3 > slots.age", "condition-null"),
        ("slots.age is not null or slots.age < 3", "condition-null"),
        ("slots.age is null and slots.age < 3", "condition-null"),
        ("slots.age is '3'", "condition-type"),
        ("slots.words is 3", "condition-type"),
        ("slots.urgent is 'true'", "condition-type"),
        ("slots.words < 'b'", "condition-type"),
        ("slots.age < null", "condition-type"),
        ("slots.words < 3", "condition-type"),
        ("'yes'", "condition-type"),
        ("slots.age matches 'x'", "condition-type"),
        ("slots.urgent contains 'x'", "condition-type"),
        ("slots.mood is 'sad'", "condition-value"),
        ("'happy' is slots.mood", "condition-value"),
        ("{'happy' 'glad'} contains slots.mood", "condition-value"),
        ("slots.answer", "condition-truth"),
    ],
)
def test_an_unsound_condition_has_its_problem(source, code):
    assert codes(source) == [code]


def test_patterns_may_read_their_context():
    assert codes("context.reason is 'x'", context=True) == []


def test_every_problem_is_told_with_its_place():
    problems = check(parse("slots.missing and slots.mood is 'sad' and slots.age < 3", HERE), SLOTS)
    assert [problem.offset for problem in problems] == [0, 32, 42]
