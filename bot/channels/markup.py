"""One Markdown, one renderer for each kind of channel, all from the same tokens. Raw HTML is never let through."""

import re
from collections.abc import Sequence
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.channels.lines import Dialect, in_lines

SAFE_LINKS = ("https://", "tel:", "mailto:")
WORD_JOINER = "\u2060"
"""Has no width and breaks no line."""


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).disable(["image", "html_block", "html_inline"])


def to_html(markdown: str) -> str:
    """Safe HTML: paragraphs, lists, emphasis, links and headings (which become h3 and h4)."""
    return "".join(_html(token) for token in _tokens(markdown))


def to_text(markdown: str) -> str:
    """Plain text for a terminal or a REST client: links as "words (address)", list items with a dash or number."""
    return in_lines(_tokens(markdown), _TEXT)


def to_telegram(markdown: str) -> str:
    """Telegram's HTML (core.telegram.org/bots/api#html-style): b, i, a, code and blockquote; headings are bold lines.

    Only https links are links. Telegram makes addresses and numbers in the text clickable by itself, but turns
    `mailto:` and `tel:` links into broken web addresses.
    """
    return in_lines(_tokens(markdown), _TELEGRAM)


def to_whatsapp(markdown: str) -> str:
    """WhatsApp's own marks: *bold*, _italic_, "> " for quotes; links as "words (address)", headings as bold lines."""
    return in_lines(_tokens(markdown), _WHATSAPP)


def plain_to_html(text: str) -> str:
    """Words of a person: nothing in them is markup."""
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in text.split("\n\n") if part.strip())


def plain_to_telegram(text: str) -> str:
    """The same for Telegram, which knows no other named entities than these four."""
    return escape(text, quote=False).replace('"', "&quot;")


def _tokens(markdown: str) -> Sequence[Token]:
    return _parser().parse(markdown)


# --- HTML ------------------------------------------------------------------------------------------------------------


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


# --- lines of text ---------------------------------------------------------------------------------------------------


def _address(target: str) -> str:
    return target.removeprefix("mailto:").removeprefix("tel:")


def _link_text(words: str, target: str) -> str:
    shown = _address(target)
    return f"{words} ({shown})" if shown and shown not in words else words


def _safe_link_text(words: str, target: str) -> str:
    """Only addresses that are safe to follow; a number is not said twice because it is written with spaces."""
    if not target.startswith(SAFE_LINKS) or _address(target) in words.replace(" ", ""):
        return words
    return _link_text(words, target)


def _link_telegram(words: str, target: str) -> str:
    address = plain_to_telegram(target)
    return f'<a href="{address}">{words}</a>' if target.startswith("https://") else _safe_link_text(words, address)


_SIGN = re.compile(r"(?P<harmless>https?://\S+|(?<=\s)[*_~](?=\s)|(?<=[^\W_])[*_~](?=[^\W_]))|[*_~`]")
"""A sign of WhatsApp's; harmless inside a word or an address and between two spaces, where it can mark nothing."""


def _words_whatsapp(text: str) -> str:
    """WhatsApp has no escape: a word joiner on both sides parts a sign from the word or the space that would make it
    a mark. How the apps take that is not published; where they ignore it, a pair of signs is a mark, and no more."""
    return _SIGN.sub(lambda at: at[0] if at["harmless"] else f"{WORD_JOINER}{at[0]}{WORD_JOINER}", text)


def _quote_whatsapp(text: str) -> str:
    return "\n".join(f"> {line}" if line else "" for line in text.split("\n"))


_TEXT = Dialect(words=str, link=_link_text)
_TELEGRAM = Dialect(
    words=plain_to_telegram,
    link=_link_telegram,
    marks={"strong": ("<b>", "</b>"), "em": ("<i>", "</i>"), "code": ("<code>", "</code>")},
    quote="<blockquote>{}</blockquote>".format,
    bullet="• ",
)
_WHATSAPP = Dialect(
    words=_words_whatsapp,
    link=_safe_link_text,
    marks={"strong": ("*", "*"), "em": ("_", "_")},
    quote=_quote_whatsapp,
)
