"""Long text as messages within a channel's limit, cut where a reader would pause; Telegram's HTML too."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from math import ceil

from bot.channels.markup import plain_to_telegram

TELEGRAM_LIMIT = 4096
"""UTF-16 units of visible text (core.telegram.org/bots/api#sendmessage)."""
ZERO_WIDTH_JOINER = "\u200d"
_PAUSES = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"[.!?…][)\]\"'’”]*\s"),
    re.compile(r"\s"),
)
"""Where to cut, best first: after a paragraph, a line, a sentence, a word."""
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-z][a-z0-9-]*)[^<>]*>")
_SKIN_TONES = ("\U0001f3fb", "\U0001f3ff")
_FLAG_LETTERS = ("\U0001f1e6", "\U0001f1ff")
_FLAG_TAGS = ("\U000e0020", "\U000e007f")


def pieces(text: str, limit: int, length: Callable[[str], int] = len) -> list[str]:
    """The text in pieces of at most `limit` by `length`; nothing is lost but white space at the cuts.

    `length` counts at least 1 for each character. A piece is longer only where one single character is.
    """
    return [text[start:end] for start, end in _ranges(text, limit, length)]


def telegram_pieces(html: str, limit: int = TELEGRAM_LIMIT) -> list[str]:
    """The same for Telegram's HTML: what counts is what is seen; tags open at a cut are closed and opened again."""
    seen, spans = _read(html)
    return [_written(seen, spans, start, end) for start, end in _ranges(seen, limit, utf16_units)]


def utf16_units(text: str) -> int:
    """How long Telegram counts a text."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


# --- where to cut ----------------------------------------------------------------------------------------------------


def _ranges(text: str, limit: int, length: Callable[[str], int]) -> Iterator[tuple[int, int]]:
    """Start and end of each piece, without the white space around it."""
    rest = text.strip()
    start = len(text) - len(text.lstrip())
    while rest:
        fits = _most(rest[:limit], limit, length)
        cut = fits if fits == len(rest) else _cut(rest, fits, lambda left: ceil(length(left) / limit))
        yield start, start + len(rest[:cut].rstrip())
        left = rest[cut:].lstrip()
        start += len(rest) - len(left)
        rest = left


def _most(text: str, limit: int, length: Callable[[str], int]) -> int:
    """How many characters fit, at least one."""
    fits, too_many = 1, len(text) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if length(text[:middle]) <= limit:
            fits = middle
        else:
            too_many = middle
    return fits


def _cut(rest: str, fits: int, needed: Callable[[str], int]) -> int:
    """After the best kind of pause; but one in the first half that costs a message more gives way to a lesser one.

    The character after what fits is looked at too: white space there is not sent.
    """
    window = rest[: fits + 1]
    cuts = [max((found.end() for found in pause.finditer(window)), default=0) for pause in _PAUSES]
    cuts = [cut for cut in cuts if cut]
    if not cuts:
        return _between_characters(window)
    fewest = needed(rest[max(cuts) :])
    return next(cut for cut in cuts if 2 * cut > fits or needed(rest[cut:]) == fewest)


def _between_characters(window: str) -> int:
    """The last place before the extra character where no emoji or accented letter is cut in two, if there is one."""
    cut = len(window) - 1
    while cut > 0 and _is_joined(window, cut):
        cut -= 1
    return cut or len(window) - 1


def _is_joined(text: str, cut: int) -> bool:
    """Whether a reader sees what stands on both sides as one character (the usual cases of Unicode's annex 29)."""
    before, after = text[cut - 1], text[cut]
    if ZERO_WIDTH_JOINER in (before, after) or unicodedata.category(after).startswith("M"):
        return True
    if _is_within(after, _SKIN_TONES) or _is_within(after, _FLAG_TAGS):
        return True
    flags = len(text[:cut]) - len(text[:cut].rstrip(_ALL_FLAG_LETTERS))
    return _is_within(after, _FLAG_LETTERS) and flags % 2 == 1


def _is_within(character: str, first_and_last: tuple[str, str]) -> bool:
    first, last = first_and_last
    return first <= character <= last


_ALL_FLAG_LETTERS = "".join(map(chr, range(ord(_FLAG_LETTERS[0]), ord(_FLAG_LETTERS[1]) + 1)))


# --- Telegram's HTML -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Span:
    """A tag and what it surrounds, as places in the visible text."""

    opening: str
    name: str
    start: int
    end: int


def _read(html: str) -> tuple[str, list[_Span]]:
    """What is seen, and its tags, outer before inner. A tag never closed goes to the end."""
    seen, spans, open_spans, place = "", [], [], 0
    for tag in _TAG.finditer(html):
        seen += unescape(html[place : tag.start()])
        place = tag.end()
        if not tag["end"]:
            open_spans.append(_Span(tag[0], tag["name"], len(seen), -1))
            spans.append(open_spans[-1])
        elif open_spans and open_spans[-1].name == tag["name"]:
            open_spans.pop().end = len(seen)
    seen += unescape(html[place:])
    for span in open_spans:
        span.end = len(seen)
    return seen, spans


def _written(seen: str, spans: list[_Span], start: int, end: int) -> str:
    """What is seen from `start` to `end`, with the tags that surround any of it."""
    inside = [_Span(s.opening, s.name, max(s.start, start), min(s.end, end)) for s in spans]
    inside = [span for span in inside if span.start < span.end]
    places = sorted({start, end, *(s.start for s in inside), *(s.end for s in inside)})
    parts = []
    for place, after in zip(places, [*places[1:], end], strict=True):
        parts += [f"</{span.name}>" for span in reversed(inside) if span.end == place]
        parts += [span.opening for span in inside if span.start == place]
        parts.append(plain_to_telegram(seen[place:after]))
    return "".join(parts)
