"""How old a reader must be for a text, by the Flesch-Kincaid grade (Kincaid and others 1975, US Navy) plus five years.

Everything here works on plain words; `plain` makes them from Markdown. Measured on this project's own pages; see
docs/decisions/0007-reading-age.md.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

YEARS_FROM_GRADE = 5.0
HOUSE_WORDS = frozenset(
    """adviser allegation authority childline colleague designated evidence facebook helpline impersonation instagram
    internet officer platform police professional safeguarding samaritans snapchat supervising tiktok whatsapp
    youtube""".split()  # noqa: SIM905
)
"""Words of the trade that our readers use daily: counted as two syllables, since no plainer word says the same."""
_VOWELS = re.compile(r"[aeiouy]+")
_TWO_VOWELS = re.compile(
    r"i[ao](?!n)|[^tscg]io|eo(?!n)|ua(?!r)|ui(?=n[^s])|ying|creat|react|science|quie|diet|video|idea|real(?=i)"
)
"""Neighbouring vowels that are spoken apart."""
_WORD = re.compile(r"[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ'’]*")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)*_]*\s+(?=[\"'“‘(*_]*[A-Z0-9])")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(r"<?https?://[^\s>)]+>?|\b[\w-]+(?:\.[\w-]+)+(?:/\S*)?")
_MARKS = re.compile(r"\*\*|__|[*_`~]|<[^>]+>")
_BLOCK = re.compile(r"^\s*(?:[-*+]\s+|\d+[.)]\s+|#{1,6}\s+|>\s+|\|)", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w.-]*)\}")


@dataclass(frozen=True, slots=True)
class Reading:
    """`age` in years; 0 when there are no words."""

    age: float
    words: int
    sentences: tuple[str, ...]


def reading_of(markdown: str, fill: Callable[[str], str] = lambda _name: "it") -> Reading:
    """Measures a text; `fill` gives the words that stand for a placeholder."""
    sentences = tuple(sentences_of(markdown, fill))
    words = [word for sentence in sentences for word in words_of(sentence)]
    if not words:
        return Reading(0.0, 0, sentences)
    spoken = [sentence for sentence in sentences if words_of(sentence)]
    grade = 0.39 * len(words) / len(spoken) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59
    return Reading(max(grade + YEARS_FROM_GRADE, 0.0), len(words), sentences)


def sentences_of(markdown: str, fill: Callable[[str], str]) -> Iterator[str]:
    """Each sentence in plain words; a list's item or a heading is one of its own."""
    for block in _blocks(markdown):
        filled = _PLACEHOLDER.sub(lambda found: fill(found.group(1)), block)
        text = _ADDRESS.sub(" ", _MARKS.sub("", _LINK.sub(r"\1", filled)))
        yield from (sentence.strip() for sentence in _SENTENCE_END.split(" ".join(text.split())) if sentence.strip())


def words_of(sentence: str) -> list[str]:
    return _WORD.findall(sentence)


@lru_cache(maxsize=8192)
def syllables(word: str) -> int:
    """Spoken parts of a word, by its letters; right for about nine words in ten, and never far off."""
    letters = word.lower().replace("’", "'").removesuffix("'s")
    if letters in HOUSE_WORDS or letters.removesuffix("s") in HOUSE_WORDS:
        return 2
    letters = letters.replace("'", "")
    count = len(_VOWELS.findall(letters)) + len(_TWO_VOWELS.findall(letters))
    if count > 1 and _is_silent(letters):
        count -= 1
    return max(count, 1)


def _is_silent(letters: str) -> bool:
    """Whether the last e is not spoken: "share", "likes", "called"; but "table", "posted", "pages"."""
    if letters.endswith("le") and len(letters) > 2 and letters[-3] not in "aeiouy":
        return False
    if letters.endswith("es"):
        return letters[-3] not in "sxzcgh" if len(letters) > 3 else False
    if letters.endswith("ed"):
        return letters[-3] not in "td" if len(letters) > 3 else False
    return letters.endswith("e") and letters[-2] not in "aeiouy"


def _blocks(markdown: str) -> Iterator[str]:
    """Paragraphs, list items and headings; lines inside one belong together."""
    block: list[str] = []
    for line in [*markdown.split("\n"), ""]:
        if (not line.strip() or _BLOCK.match(line)) and block:
            yield " ".join(block)
            block = []
        if line.strip():
            block.append(_BLOCK.sub("", line).strip())
