"""The language of conditions (`if`, `rejections`, response `condition`): text to a checked tree. No evaluation here.

Strict where Rasa's reader is not: `and` beside `or` needs parentheses, words need quotes, orderings need a null guard.
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, assert_never

from bot.errors import FirstlineError
from bot.library.model import Where

MAX_DEPTH = 40
"""How deep parentheses and `not` may be nested."""
MAX_CHARACTERS = 2_000


class ConditionError(FirstlineError):
    """The condition cannot be read."""

    def __init__(self, message: str, offset: int, code: str = "condition-syntax") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.code = code


# --- the tree --------------------------------------------------------------------------------------------------------


class Scope(StrEnum):
    SLOTS = "slots"
    CONTEXT = "context"
    NONE = ""
    """A word without quotes: parsed, and then complained about by `check`."""


class Op(StrEnum):
    IS = "is"
    IS_NOT = "is not"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


ORDERINGS = frozenset({Op.LESS, Op.AT_MOST, Op.MORE, Op.AT_LEAST})


@dataclass(frozen=True, slots=True)
class Literal:
    """`true`, `null`, a number or quoted text. `undefined` is read as null."""

    value: str | bool | float | None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Empty:
    """The word `empty`: equal to "" only (null is not empty)."""

    offset: int = 0


@dataclass(frozen=True, slots=True)
class Collection:
    """`{'a' 'b'}`."""

    values: frozenset[str | bool | float | None]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Name:
    """`slots.x` or `context.x`; `name` is what follows the first dot."""

    scope: Scope
    name: str
    offset: int = 0


Operand = Literal | Empty | Collection | Name


@dataclass(frozen=True, slots=True)
class Compare:
    op: Op
    left: Operand
    right: Operand
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Contains:
    """`{'a' 'b'} contains slots.x`, or `slots.text contains 'part'`."""

    whole: Operand
    part: Operand
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Matches:
    """The regular expression is found somewhere in the text."""

    subject: Operand
    pattern: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Truth:
    """An operand on its own: true unless null, false, 0 or ""."""

    operand: Operand
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Not:
    item: "Tree"
    offset: int = 0


@dataclass(frozen=True, slots=True)
class And:
    items: tuple["Tree", ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple["Tree", ...]
    offset: int = 0


Tree = Compare | Contains | Matches | Truth | Not | And | Or


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as written, where it stands, and what it means; `slots` are the slots it reads."""

    source: str
    where: Where
    tree: Tree
    slots: frozenset[str]


# --- reading ---------------------------------------------------------------------------------------------------------


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int


_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
    | (?P<text>'[^']*'|"[^"]*")
    | (?P<word>[A-Za-z_][A-Za-z0-9_.\-]*)
    | (?P<op><=|>=|!=|==|=|<|>)
    | (?P<mark>[(){}])""",
    re.VERBOSE,
)
_OPERATORS = {"=": Op.IS, "==": Op.IS, "!=": Op.IS_NOT, "<": Op.LESS, "<=": Op.AT_MOST, ">": Op.MORE, ">=": Op.AT_LEAST}
_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "undefined": None}
_RESERVED = frozenset({"and", "or", "not", "is", "contains", "matches"})
_HINTS = {
    ",": "leave the comma out: sets are written {'a' 'b'}",
    "'": "the quote is not closed",
    '"': "the quote is not closed",
    "&": "write 'and'",
    "|": "write 'or'",
    "!": "write 'not' or '!='",
}


def _tokens(source: str) -> Iterator[_Token]:
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        if not found:
            hint = _HINTS.get(source[at], "see the list of operators in docs/writing-flows.md")
            raise ConditionError(f"unexpected {source[at]!r}: {hint}", at)
        kind = str(found.lastgroup)
        if kind == "word" and found.group().lower() in _RESERVED:
            kind = found.group().lower()
        if kind != "space":
            yield _Token(found.group() if kind in ("op", "mark") else kind, found.group(), at)
        at = found.end()


class _Parser:
    """Recursive descent over the tokens; every method reads one thing and moves past it."""

    def __init__(self, source: str) -> None:
        self.tokens = [*_tokens(source), _Token("end", "", len(source))]
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def take(self, *kinds: str) -> _Token | None:
        token = self.token
        if token.kind not in kinds:
            return None
        self.at += 1
        return token

    def need(self, kind: str, message: str) -> _Token:
        token = self.take(kind)
        if token is None:
            raise ConditionError(message, self.token.offset)
        return token

    def whole(self) -> Tree:
        tree = self.joined()
        if self.token.kind != "end":
            raise ConditionError(f"unexpected {self.token.text!r} after the condition", self.token.offset)
        return tree

    def joined(self) -> Tree:
        """Items joined by `and`, or by `or`, never by both."""
        first = self.token.offset
        items = [self.item()]
        word = self.token.kind
        while joiner := self.take("and", "or"):
            if joiner.kind != word:
                raise ConditionError(
                    "'and' and 'or' side by side: put parentheses round one of them", joiner.offset, "condition-mixed"
                )
            items.append(self.item())
        if len(items) == 1:
            return items[0]
        return And(tuple(items), first) if word == "and" else Or(tuple(items), first)

    def item(self) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ConditionError(f"nested more than {MAX_DEPTH} deep", self.token.offset)
        tree = self.negated_or_bracketed()
        self.depth -= 1
        return tree

    def negated_or_bracketed(self) -> Tree:
        if token := self.take("not"):
            return Not(self.item(), token.offset)
        if self.take("("):
            tree = self.joined()
            self.need(")", "the parenthesis is not closed")
            return tree
        return self.comparison()

    def comparison(self) -> Tree:
        left = self.operand()
        if token := self.take(*_OPERATORS):
            return Compare(_OPERATORS[token.text], left, self.operand(), left.offset)
        if self.take("is"):
            op = Op.IS_NOT if self.take("not") else Op.IS
            return Compare(op, left, self.operand(), left.offset)
        if self.take("contains"):
            return Contains(left, self.operand(), left.offset)
        if self.take("matches"):
            return Matches(left, self.pattern(), left.offset)
        return Truth(left, left.offset)

    def pattern(self) -> str:
        token = self.need("text", "after 'matches' comes a regular expression in quotes")
        pattern = token.text[1:-1]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise ConditionError(f"not a regular expression: {error}", token.offset) from error
        return pattern

    def operand(self) -> Operand:
        token = self.token
        if self.take("{"):
            return self.collection(token.offset)
        literal = self.literal()
        if literal:
            return literal
        if not self.take("word"):
            found = repr(token.text) if token.text else "the end"
            raise ConditionError(f"a slot or a value is missing before {found}", token.offset)
        if token.text.lower() == "empty":
            return Empty(token.offset)
        scope, dot, name = token.text.partition(".")
        if dot and name and scope in (Scope.SLOTS, Scope.CONTEXT):
            return Name(Scope(scope), name, token.offset)
        return Name(Scope.NONE, token.text, token.offset)

    def literal(self) -> Literal | None:
        token = self.token
        if self.take("number"):
            return Literal(float(token.text), token.offset)
        if self.take("text"):
            return Literal(token.text[1:-1], token.offset)
        if token.kind == "word" and token.text.lower() in _LITERALS:
            self.at += 1
            return Literal(_LITERALS[token.text.lower()], token.offset)
        return None

    def collection(self, offset: int) -> Collection:
        values = []
        while literal := self.literal():
            values.append(literal.value)
        self.need("}", "a set holds quoted words and numbers with spaces between: {'a' 'b'}")
        return Collection(frozenset(values), offset)


def parse(source: str, where: Where) -> Condition:
    """Read one condition. Raises: ConditionError, with the offset of the first thing that cannot be read."""
    if len(source) > MAX_CHARACTERS:
        raise ConditionError(f"longer than {MAX_CHARACTERS} characters", MAX_CHARACTERS)
    tree = _Parser(source).whole()
    read = frozenset(name.name for name in names(tree) if name.scope is Scope.SLOTS)
    return Condition(source, where, tree, read)


def names(tree: Tree) -> Iterator[Name]:
    """Every name the condition mentions, in order."""
    for operand in _operands(tree):
        if isinstance(operand, Name):
            yield operand


def _operands(tree: Tree) -> Iterator[Operand]:
    match tree:
        case Compare(left=left, right=right):
            yield from (left, right)
        case Contains(whole=whole, part=part):
            yield from (whole, part)
        case Matches(subject=subject):
            yield subject
        case Truth(operand=operand):
            yield operand
        case Not(item=item):
            yield from _operands(item)
        case And(items=items) | Or(items=items):
            for item in items:
                yield from _operands(item)
        case _:
            assert_never(tree)
