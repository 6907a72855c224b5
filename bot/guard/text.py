"""Cleans what was typed: one form for the same letters, nothing hidden, no more than fits."""

import re
import unicodedata
from dataclasses import dataclass

from bot.domain import MAX_TEXT_CHARACTERS

MAX_RAW_CHARACTERS = 16 * MAX_TEXT_CHARACTERS
"""Beyond this nothing is even looked at."""
MAX_MARKS = 4
"""Accents on one letter: Welsh and Vietnamese need two; long rows of them make normalising slow."""

_MARK = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_EXTRA_MARKS = re.compile(f"([{_MARK}]{{{MAX_MARKS}}})[{_MARK}]+")
_LINE_END = re.compile("\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_EMOJI = "\u2190-\u2bff\u3030\u303d\U0001f000-\U0001faff"
_KEPT = re.compile(
    f"(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"  # one emoji made of several
    "|\U0001f3f4[\U000e0061-\U000e007a]{1,6}\U000e007f"  # the flags of England, Scotland and Wales
    "|[\n\t]"
)
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
"""Control characters, marks of direction, zero-width characters, halves of characters."""
_LOOSE_END = re.compile("[\\s\u200d\U000e0061-\U000e007a]+$")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`cut`: something was left out because it was too long."""

    text: str
    cut: bool


def clean(text: str) -> Cleaned:
    """The text in NFC without hidden characters, at most MAX_TEXT_CHARACTERS long; only white space becomes ''."""
    looked_at = _LINE_END.sub("\n", text[:MAX_RAW_CHARACTERS])
    seen = _EXTRA_MARKS.sub(r"\1", _without_unseen(looked_at))
    whole = unicodedata.normalize("NFC", seen).strip()
    kept = whole[:MAX_TEXT_CHARACTERS]
    if len(whole) > len(kept):
        kept = _LOOSE_END.sub("", kept)
    return Cleaned(kept, cut=len(whole) > MAX_TEXT_CHARACTERS or len(text) > MAX_RAW_CHARACTERS)


def _without_unseen(text: str) -> str:
    pieces: list[str] = []
    at = 0
    for kept in _KEPT.finditer(text):
        pieces += [_visible(text[at : kept.start()]), kept[0]]
        at = kept.end()
    return "".join([*pieces, _visible(text[at:])])


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(letter for letter in text if unicodedata.category(letter) not in _UNSEEN)
