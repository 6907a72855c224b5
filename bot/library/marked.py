"""YAML 1.2 read with the place of every word: scalars, lists and maps as the editor wrote them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.main import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver

from bot.library.complaints import Complaints
from bot.library.model import Where

MAX_FILE_BYTES = 1_000_000
MAX_OPENED = 4_000
"""Brackets and braces in one file: the C parser's stack bears more than twice as many inside each other."""
MAX_INDENT = 200
"""Columns before the first word of a line."""
MAX_NODES = 200_000
"""Words, lists and maps in one file, repeated ones counted each time."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A word or text. `style` is its quote, `|` or `>`, or "" for plain (only there is `null` more than a word)."""

    text: str
    where: Where
    style: str = ""
    source: str = field(default="", repr=False)

    @property
    def is_null(self) -> bool:
        return not self.style and self.text in ("", "~", "null", "Null", "NULL")

    def at(self, offset: int) -> Where:
        """The place in the file of the text's character `offset`: quotes, escapes and folded lines are walked over."""
        lines = self.source.split("\n")
        row, column = self.where.line - 1, self.where.column - 1 + (self.style in ("'", '"') and bool(self.style))
        if self.style in ("|", ">"):
            row, column = row + 1, 0
        place = row, column
        for char in (char for char in self.text[: offset + 1] if not char.isspace()):
            place = row, column
            while row < len(lines) and lines[row][column : column + 1] != char:
                row, column = (row, column + 1) if column < len(lines[row]) else (row + 1, 0)
            if row < len(lines):
                place, column = (row, column), column + 1
        return Where(self.where.file, place[0] + 1, place[1] + 1)


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple["Marked", ...]
    where: Where


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a map with its value; `where` is the key's place."""

    key: str
    where: Where
    value: "Marked"


@dataclass(frozen=True, slots=True)
class Table:
    """A map in the order it was written; `where` is the place of its first key."""

    entries: Mapping[str, Entry]
    where: Where

    def get(self, key: str) -> "Marked | None":
        entry = self.entries.get(key)
        return entry.value if entry else None

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())


Marked = Scalar | Listing | Table


def text_of(file: str, data: bytes, complaints: Complaints) -> str | None:
    """The file as text with plain line ends; None after a complaint."""
    if len(data) > MAX_FILE_BYTES:
        complaints.error(Where(file, 1), "too-large", f"larger than {MAX_FILE_BYTES} bytes", "split the file")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        complaints.error(Where(file, line), "not-text", "not UTF-8 text", "save the file as UTF-8")
        return None
    return text.replace("\r\n", "\n")


def read(file: str, text: str, complaints: Complaints) -> Marked | None:
    """The file's one document; None when it is empty or, after a complaint, when it cannot be read."""
    if _would_overrun_the_parser(text):
        complaints.error(Where(file, 1), "too-large", "too many brackets or too deep an indent", "split the file")
        return None
    try:
        node = _composed(text)
        return None if node is None else _Marking(file, text, complaints).mark(node)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Where(file, mark.line + 1, mark.column + 1) if mark else Where(file, 1)
        problem = error.problem or error.context or ""
        complaints.error(where, "not-yaml", "this cannot be read as YAML", _hint(problem))
    except (YAMLError, RecursionError, ValueError, OverflowError) as error:
        complaints.error(Where(file, 1), "not-yaml", "this cannot be read as YAML", str(error).splitlines()[0])
    return None


def _composed(text: str) -> Any:
    """The root node, every value as text. The C parser, where it is installed, is three times faster but refuses some
    YAML 1.2 (`{cy: Pam?}`): the pure parser has the last word, so that both installations say the same."""
    try:
        return _parser(pure=False).compose(text)
    except YAMLError:
        return _parser(pure=True).compose(text)


def _parser(*, pure: bool) -> YAML:
    parser = YAML(typ="base", pure=pure)
    parser.Resolver = _AsText
    return parser


class _AsText(VersionedResolver):
    """Every value is text here: working out which look like numbers or dates would take half of the reading."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode:
            return self.DEFAULT_SCALAR_TAG
        return super().resolve(kind, value, implicit)


_LEADING = re.compile(r"^(?:[-?:]? +)*(?:[-?:](?=$| ))?", re.MULTILINE)


def _would_overrun_the_parser(text: str) -> bool:
    if text.count("[") + text.count("{") > MAX_OPENED:
        return True
    return any(len(line) > MAX_INDENT and _LEADING.match(line).end() > MAX_INDENT for line in text.split("\n"))  # type: ignore[union-attr]


def _hint(problem: str) -> str:
    """What to do, in words that do not depend on which parser is installed; else the parser's own words."""
    if "mapping values are not allowed" in problem:
        return "put text that holds ': ' in quotes"
    if "cannot start any token" in problem:
        return "indent with spaces, and put text that begins with a sign in quotes"
    return problem


class _Marking:
    """Turns the parser's nodes into ours, each with its place; complains of what an editor's file may not hold."""

    def __init__(self, file: str, source: str, complaints: Complaints) -> None:
        self.file = file
        self.source = source
        self.complaints = complaints
        self.done: dict[int, tuple[Marked, int]] = {}
        """What an alias may repeat: the list or map, and how many nodes it holds."""
        self.open: set[int] = set()
        self.count = 0

    def place(self, node: Any) -> Where:
        return Where(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def mark(self, node: Any) -> Marked:
        self.count += 1
        if isinstance(node.value, str):
            return self.scalar(node)
        if id(node) in self.done or id(node) in self.open:
            return self.alias(node)
        self.refuse_tag(node)
        before = self.count
        self.open.add(id(node))
        marked = self.table(node) if node.id == "mapping" else self.listing(node)
        self.open.remove(id(node))
        self.done[id(node)] = marked, self.count - before
        return marked

    def alias(self, node: Any) -> Marked:
        """The list or map again, unless it holds itself or grows out of all proportion."""
        marked, size = self.done.get(id(node), (None, 0))
        self.count += size
        if marked and self.count <= MAX_NODES:
            return marked
        self.complaints.error(self.place(node), "yaml-extra", "an alias (*name) that never ends", "write it out")
        return Scalar("", self.place(node))

    def scalar(self, node: Any) -> Scalar:
        self.refuse_tag(node)
        text: str = node.value
        scalar = Scalar(text, self.place(node), node.style or "", self.source)
        if "${" in text:
            fix = "settings are read by the program, never by flows"
            self.complaints.error(scalar.at(text.index("${")), "environment", "${...} is not filled in", fix)
        return scalar

    def refuse_tag(self, node: Any) -> None:
        if node.tag not in _PLAIN_TAGS:
            self.complaints.error(self.place(node), "yaml-extra", f"the tag {node.tag} means nothing here", "remove it")

    def listing(self, node: Any) -> Listing:
        return Listing(tuple([self.mark(item) for item in node.value]), self.place(node))

    def table(self, node: Any) -> Table:
        entries: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            where = self.place(key_node)
            if not isinstance(key_node.value, str):
                fix = "put text that holds { } or [ ] in quotes"
                self.complaints.error(where, "wrong-kind", "a key must be a word", fix)
                continue
            key: str = key_node.value
            if key in entries:
                first = entries[key].where.line
                self.complaints.error(where, "duplicate-key", f"'{key}' is here twice (first in line {first})")
                continue
            value = self.mark(value_node)
            if isinstance(value, Scalar) and not value.text:
                value = Scalar("", where, value.style, self.source)
            entries[key] = Entry(key, where, value)
        return Table(entries, self.place(node))


_PLAIN_TAGS = {"!"} | {
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "seq", "map", "int", "float", "bool", "null", "timestamp", "merge", "value")
}
