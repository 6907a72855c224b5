"""Markdown's tokens as lines of text, for channels that have no blocks: one walk, and what differs is a Dialect."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of channel writes, in lines of text, what the tokens say."""

    words: Callable[[str], str]
    """Ordinary words, so that nothing in them is read as markup."""
    link: Callable[[str, str], str]
    """A link, from its words as they are written and its target."""
    marks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What stands before and after `strong`, `em` and `code`; nothing when it is not here."""
    quote: Callable[[str], str] = str
    bullet: str = "- "


def in_lines(tokens: Iterable[Token], dialect: Dialect) -> str:
    lines = _Lines(dialect)
    for token in tokens:
        lines.take(token)
    return "\n".join(lines.lines).strip()


@dataclass(slots=True)
class _Lines:
    """The walk over blocks: each ends with an empty line, but items of a list follow each other."""

    dialect: Dialect
    lines: list[str] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)
    """For each list that is open, the number of its next item; None for bullets."""
    quotes: list[int] = field(default_factory=list)
    """Where each open quotation begins."""
    marker: str = ""
    heading: bool = False

    def take(self, token: Token) -> None:
        match token.type:
            case "inline":
                self.add(_Line(self.dialect, bool(self.quotes)).written(token.children or [], self.heading))
            case "fence" | "code_block":
                self.add(_Line(self.dialect, bool(self.quotes)).code(token.content.strip("\n")))
                self.gap()
            case "heading_open":
                self.heading = True
            case "paragraph_close" | "heading_close":
                self.heading = False
                self.gap()
            case "blockquote_open":
                self.quotes.append(len(self.lines))
            case "blockquote_close":
                self.end_quote(self.quotes.pop())
            case _:
                self.take_list(token)

    def take_list(self, token: Token) -> None:
        match token.type:
            case "ordered_list_open":
                self.numbers.append(int(token.attrGet("start") or 1))
            case "bullet_list_open":
                self.numbers.append(None)
            case "ordered_list_close" | "bullet_list_close":
                self.numbers.pop()
                self.gap()
            case "list_item_open":
                self.marker = self.next_marker()
            case "list_item_close":
                self.marker = ""
            case _:
                pass

    def next_marker(self) -> str:
        number = self.numbers[-1]
        if number is None:
            return self.dialect.bullet
        self.numbers[-1] = number + 1
        return f"{number}. "

    def add(self, line: str) -> None:
        indent = "  " * (len(self.numbers) - 1)
        self.lines.append(indent + self.marker + line)
        self.marker = ""

    def gap(self) -> None:
        if not self.numbers:
            self.lines.append("")

    def end_quote(self, start: int) -> None:
        """Only the outermost quotation is marked: Telegram takes none within another."""
        if not self.quotes:
            self.lines[start:] = [self.dialect.quote("\n".join(self.lines[start:]).strip())]
            self.gap()


@dataclass(slots=True)
class _Line:
    """The walk inside a block. A mark within itself is not repeated, and goes round a line break, not over it."""

    dialect: Dialect
    quoted: bool
    parts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    links: list[tuple[str, int]] = field(default_factory=list)
    """Targets of the links that are open, and where their words begin."""

    def written(self, children: Sequence[Token], heading: bool) -> str:
        if heading:
            self.begin("strong")
        for child in children:
            self.take(child)
        if heading:
            self.end("strong")
        return "".join(self.parts)

    def take(self, child: Token) -> None:
        match child.type:
            case "strong_open" | "em_open":
                self.begin(child.type.removesuffix("_open"))
            case "strong_close" | "em_close":
                self.end(child.type.removesuffix("_close"))
            case "link_open":
                self.links.append((str(child.attrGet("href") or ""), len(self.parts)))
            case "link_close":
                self.end_link(*self.links.pop())
            case "softbreak":
                self.parts.append(" ")
            case "hardbreak":
                self.break_line()
            case "code_inline":
                self.parts.append(self.code(child.content))
            case _:
                self.parts.append(self.dialect.words(child.content))

    def mark(self, kind: str, place: int) -> str:
        return self.dialect.marks.get(kind, ("", ""))[place]

    def begin(self, kind: str) -> None:
        if kind not in self.open:
            self.parts.append(self.mark(kind, 0))
        self.open.append(kind)

    def end(self, kind: str) -> None:
        self.open.pop()
        if kind not in self.open:
            self.parts.append(self.mark(kind, 1))

    def break_line(self) -> None:
        kinds = list(dict.fromkeys(self.open))
        closed = [self.mark(kind, 1) for kind in reversed(kinds)]
        self.parts += [*closed, "\n", *(self.mark(kind, 0) for kind in kinds)]

    def end_link(self, target: str, start: int) -> None:
        words = "".join(self.parts[start:])
        self.parts[start:] = [self.dialect.link(words, target)]

    def code(self, content: str) -> str:
        """Without its mark where something else is marked: Telegram's code stands alone."""
        words = self.dialect.words(content)
        alone = not (self.open or self.links or self.quoted)
        return self.mark("code", 0) + words + self.mark("code", 1) if alone else words
