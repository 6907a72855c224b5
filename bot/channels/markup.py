"""One Markdown, one renderer for each kind of channel, all from the same tokens. Raw HTML is never let through."""

from collections.abc import Sequence
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

SAFE_LINKS = ("https://", "tel:", "mailto:")


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).disable(["image", "html_block", "html_inline"])


def to_html(markdown: str) -> str:
    """Safe HTML: paragraphs, lists, emphasis, links and headings (which become h3 and h4)."""
    return "".join(_html(token) for token in _tokens(markdown))


def to_text(markdown: str) -> str:
    """Plain text for a terminal or a REST client: links as "words (address)", list items with a dash or number."""
    lines: list[str] = []
    numbers: list[int | None] = []
    prefix = ""
    for token in _tokens(markdown):
        match token.type:
            case "ordered_list_open":
                numbers.append(int(token.attrGet("start") or 1))
            case "bullet_list_open":
                numbers.append(None)
            case "ordered_list_close" | "bullet_list_close":
                numbers.pop()
                lines.append("")
            case "list_item_open":
                prefix, numbers = _item(numbers)
            case "inline":
                lines.append(prefix + _inline_text(token.children or []))
                prefix = ""
            case "paragraph_close" | "heading_close" if not numbers:
                lines.append("")
            case _:
                pass
    return "\n".join(lines).strip()


def plain_to_html(text: str) -> str:
    """Words of a person: nothing in them is markup."""
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in text.split("\n\n") if part.strip())


def _item(numbers: list[int | None]) -> tuple[str, list[int | None]]:
    number = numbers[-1]
    if number is None:
        return "- ", numbers
    return f"{number}. ", [*numbers[:-1], number + 1]


def _tokens(markdown: str) -> Sequence[Token]:
    return _parser().parse(markdown)


_TAGS = {
    "paragraph": "p",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "strong": "strong",
    "em": "em",
    "blockquote": "blockquote",
}


def _html(token: Token) -> str:
    kind, _, end = token.type.rpartition("_")
    if token.type == "inline":
        return "".join(_html(child) for child in token.children or [])
    if token.hidden:
        return ""
    if kind == "heading":
        tag = "h3" if token.tag in ("h1", "h2", "h3") else "h4"
        return f"<{tag}>" if end == "open" else f"</{tag}>"
    if kind == "link":
        return _link_html(token) if end == "open" else "</a>"
    if kind in _TAGS and end in ("open", "close"):
        return f"<{'/' if end == 'close' else ''}{_TAGS[kind]}>"
    return _leaf_html(token)


def _link_html(token: Token) -> str:
    target = str(token.attrGet("href") or "")
    if not target.startswith(SAFE_LINKS):
        return "<a>"
    return f'<a href="{escape(target)}" target="_blank" rel="noopener noreferrer">'


def _leaf_html(token: Token) -> str:
    match token.type:
        case "softbreak":
            return " "
        case "hardbreak":
            return "<br>"
        case "code_inline" | "text" | "code_block" | "fence":
            return escape(token.content)
        case _:
            return ""


def _inline_text(children: Sequence[Token]) -> str:
    parts: list[str] = []
    targets: list[str] = []
    for child in children:
        match child.type:
            case "link_open":
                targets.append(str(child.attrGet("href") or ""))
                parts.append("")
            case "link_close":
                target = targets.pop()
                shown = target.removeprefix("mailto:").removeprefix("tel:")
                if shown and shown not in "".join(parts[-2:]):
                    parts.append(f" ({shown})")
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case _:
                parts.append(child.content)
    return "".join(parts)
