"""Finds editors' phrases in what people type, text-speak, slips of the finger and all.

A phrase is plain words, and: `(knife|gun)` either word · `overdos*` any ending · `a?` may be left out · `...` up to
five other words of the same sentence · `<8-17>` a number in that range.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.errors import LibraryInvalid

MAX_GAP = 5
FUZZY_FROM = 6
"""Letters a word must have before one slip in it is forgiven."""
STOP = "."
"""The token between two sentences."""

_APOSTROPHE = re.compile("['’‘ʼ`´]")
_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|[.!?;]+")
_PIECE = re.compile(r"\([^)]*\)\??|\S+")
_RANGE = re.compile(r"<(\d{1,2})-(\d{1,2})>")
_DRAWN_OUT = re.compile(r"([^\W\d_])\1{2,}")
_NUMBERS = {
    "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase as the editor wrote it, and the tokens it covers (end not included)."""

    phrase: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Part:
    """One place in a phrase: any of `words`, a beginning, a number, several words in a row, or a gap."""

    words: frozenset[str] = frozenset()
    beginnings: tuple[str, ...] = ()
    numbers: tuple[range, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    optional: bool = False
    gap: bool = False

    def ends(self, said: Sequence[str], place: int) -> Iterator[int]:
        """Where this part can end when it begins at `place`."""
        if place < len(said) and self._fits(said[place]):
            yield place + 1
        for row in self.rows:
            if tuple(said[place : place + len(row)]) == row:
                yield place + len(row)

    def _fits(self, token: str) -> bool:
        if token in self.words or (self.beginnings and token.startswith(self.beginnings)):
            return True
        return bool(self.numbers) and any(_number(token) in numbers for numbers in self.numbers)


@dataclass(frozen=True, slots=True)
class _Phrase:
    written: str
    parts: tuple[_Part, ...]


def tokens(text: str, spellings: Mapping[str, str]) -> tuple[str, ...]:
    """The words of a text in one form: small letters, no accents, text-speak written out, sentences parted by STOP."""
    plain = _APOSTROPHE.sub("'", _without_accents(text.casefold()))
    return tuple(_spelled(_TOKEN.findall(_DRAWN_OUT.sub(r"\1\1", plain)), spellings))


def surfaces(text: str) -> tuple[str, ...]:
    """The same words and ends of sentences as they were written: one for each that `tokens` gives without spellings."""
    return tuple(_TOKEN.findall(_APOSTROPHE.sub("'", text)))


class PhraseBook:
    """Phrases, made ready once; finding them takes time in proportion to the text."""

    def __init__(self, phrases: Iterable[str], spellings: Mapping[str, str], *, forgiving: bool = False) -> None:
        self._by_word: dict[str, list[_Phrase]] = {}
        self._by_beginning: dict[str, list[_Phrase]] = {}
        self._by_number: list[_Phrase] = []
        vocabulary: set[str] = set()
        for written in phrases:
            phrase = _Phrase(written, _parts(written, spellings))
            self._index(phrase)
            vocabulary.update(
                *(part.words for part in phrase.parts), *(row for part in phrase.parts for row in part.rows)
            )
        self._vocabulary = frozenset(vocabulary)
        self._slips = _slips(self._vocabulary) if forgiving else {}

    def find(self, said: Sequence[str]) -> Iterator[Found]:
        """Every place where a phrase begins, with the shortest text that fits it there."""
        heard = [self._forgiven(token) for token in said] if self._slips else said
        for start, token in enumerate(heard):
            for phrase in self._beginning_with(token):
                end = _end(phrase.parts, heard, start)
                if end is not None:
                    yield Found(phrase.written, start, end)

    def _index(self, phrase: _Phrase) -> None:
        first = phrase.parts[0]
        for word in first.words | {row[0] for row in first.rows}:
            self._by_word.setdefault(word, []).append(phrase)
        for beginning in first.beginnings:
            self._by_beginning.setdefault(beginning, []).append(phrase)
        if first.numbers:
            self._by_number.append(phrase)

    def _beginning_with(self, token: str) -> Iterator[_Phrase]:
        yield from self._by_word.get(token, ())
        for length in range(2, len(token) + 1) if self._by_beginning else ():
            yield from self._by_beginning.get(token[:length], ())
        if self._by_number and _number(token) is not None:
            yield from self._by_number

    def _forgiven(self, token: str) -> str:
        """The word that was meant, if this is none of ours but one slip away from one."""
        if len(token) < FUZZY_FROM - 1 or token in self._vocabulary:
            return token
        for short in (token, *_one_letter_less(token)):
            for meant in self._slips.get(short, ()):
                if meant[0] == token[0] and _one_slip_apart(token, meant):
                    return meant
        return token


def _parts(written: str, spellings: Mapping[str, str]) -> tuple[_Part, ...]:
    parts = tuple(part for piece in _PIECE.findall(written) for part in _part(piece, spellings))
    if not parts or parts[0].gap or parts[0].optional:
        raise LibraryInvalid(f"content/words: a phrase must begin with a word: {written!r}")
    return parts


def _part(piece: str, spellings: Mapping[str, str]) -> Iterator[_Part]:
    plain = piece.removesuffix("?")
    if plain == "...":
        yield _Part(gap=True)
    else:
        choices = plain[1:-1].split("|") if plain.startswith("(") else [plain]
        yield _choice([choice.strip() for choice in choices], spellings, optional=piece != plain)


def _choice(choices: Sequence[str], spellings: Mapping[str, str], *, optional: bool) -> _Part:
    words: set[str] = set()
    beginnings: list[str] = []
    numbers: list[range] = []
    rows: list[tuple[str, ...]] = []
    for choice in choices:
        if found := _RANGE.fullmatch(choice):
            numbers.append(range(int(found[1]), int(found[2]) + 1))
        elif choice.endswith("*"):
            beginnings += tokens(choice, {})
        elif len(row := tokens(choice, spellings)) == 1:
            words.add(row[0])
        else:
            rows.append(row)
    if not all([*beginnings, *rows]):
        raise LibraryInvalid(f"content/words: an empty choice in {choices!r}")
    return _Part(frozenset(words), tuple(beginnings), tuple(numbers), tuple(rows), optional=optional)


def _end(parts: Sequence[_Part], said: Sequence[str], start: int) -> int | None:
    """Where the shortest fit ends, or None. Follows all possibilities at once, so nothing is tried twice."""
    at = {start}
    for part in parts:
        if part.gap:
            at = {reached for place in at for reached in _across(said, place)}
        else:
            further = {end for place in at for end in part.ends(said, place)}
            at = further | at if part.optional else further
        if not at:
            return None
    return min(at)


def _across(said: Sequence[str], place: int) -> Iterator[int]:
    yield place
    for reached in range(place, min(place + MAX_GAP, len(said))):
        if said[reached] == STOP:
            return
        yield reached + 1


def _spelled(found: Iterable[str], spellings: Mapping[str, str]) -> Iterator[str]:
    for token in found:
        if token[0] in ".!?;":
            yield STOP
            continue
        plain = token.replace("'", "")
        meant = spellings.get(token) or spellings.get(plain)
        yield from meant.split() if meant else (plain,)


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _number(token: str) -> int | None:
    if token.isdecimal() and len(token) <= 3:
        return int(token)
    return _NUMBERS.get(token)


def _slips(vocabulary: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Each long word under itself and under itself less one letter: two words one slip apart meet in one of these."""
    found: dict[str, tuple[str, ...]] = {}
    for word in sorted(vocabulary):
        if len(word) >= FUZZY_FROM:
            for short in {word, *_one_letter_less(word)}:
                found[short] = (*found.get(short, ()), word)
    return found


def _one_letter_less(word: str) -> Iterator[str]:
    return (word[:place] + word[place + 1 :] for place in range(len(word)))


def _one_slip_apart(one: str, other: str) -> bool:
    """A letter more, less, or other, or two neighbours exchanged."""
    place = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest, meant = one[place:], other[place:]
    swapped = len(rest) > 1 and len(meant) > 1 and rest[1] + rest[0] + rest[2:] == meant
    return swapped or rest[1:] == meant or rest == meant[1:] or rest[1:] == meant[1:]
