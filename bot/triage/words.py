"""Reads content/words: the only door from the editors' word lists to the code that uses them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.errors import LibraryInvalid
from bot.triage.lexicon import ChildWords, DangerWords, KnownWords, UrgentWords, Words

__all__ = ["Words", "load_words", "words_in"]

PLACE = "content/words/"


def load_words(folder: Path) -> Words:
    """The word lists in this folder (content/words). A language more is only a key more in each list.

    Raises: LibraryInvalid, if a file is missing or is not lists of words by language.
    """
    return words_in({f"{PLACE}{file.name}": file.read_bytes() for file in folder.glob("*.yml")})


def words_in(files: Mapping[str, bytes]) -> Words:
    """The same from a library's files (path -> bytes), as a published version keeps them."""
    danger, child, names = (_read(files, file) for file in ("danger.yml", "child.yml", "names.yml"))
    return Words(
        danger=DangerWords(
            **{part: _words(danger, part) for part in ("phrases", "now", "harm", "unless", "denials")},
            **{part: _lines(danger, part) for part in ("alarming", "calm")},
            kinds=_kinds(danger),
        ),
        child=ChildWords(
            **{part: _words(child, part) for part in ("certain", "likely", "unless", "adult", "perhaps_adult")},
            **{part: _lines(child, part) for part in ("children", "adults")},
            kinds=_kinds(child),
        ),
        known=KnownWords(
            first_names=frozenset(_words(names, "first_names")),
            last_names=frozenset(_words(names, "last_names")),
            not_names=frozenset(_words(names, "not_names")),
            helplines=frozenset(_digits(number) for number in _words(names, "helplines")),
        ),
        urgent=_urgent(files),
        platforms={slug: tuple(_texts(phrases)) for slug, phrases in _read(files, "platforms.yml").items()},
        spellings=_spellings(_read(files, "spellings.yml")),
    )


def _urgent(files: Mapping[str, bytes]) -> UrgentWords:
    """A library published before there was such a list is read without it."""
    if f"{PLACE}urgent.yml" not in files:
        return UrgentWords()
    urgent = _read(files, "urgent.yml")
    return UrgentWords(**{part: _words(urgent, part) for part in ("today", "happening", "over")})


def _read(files: Mapping[str, bytes], file: str) -> Mapping[str, Any]:
    try:
        content = _loaded(files[PLACE + file].decode("utf-8"))
    except KeyError:
        raise LibraryInvalid(f"{PLACE}{file} is missing. Put the list back.") from None
    except (UnicodeDecodeError, YAMLError) as error:
        raise LibraryInvalid(f"{PLACE}{file}: cannot be read ({error})") from error
    if not isinstance(content, Mapping):
        raise LibraryInvalid(f"{PLACE}{file}:1: must be lists of words under named keys")
    return content


def _loaded(text: str) -> Any:
    """The C parser is three times faster; the pure one has the last word (docs/decisions/0011-c-parser.md)."""
    try:
        return YAML(typ="safe").load(text)
    except YAMLError:
        return YAML(typ="safe", pure=True).load(text)


def _words(content: Mapping[str, Any], part: str) -> tuple[str, ...]:
    return tuple(_texts(content.get(part)))


def _lines(content: Mapping[str, Any], part: str) -> tuple[str, ...]:
    """Blocks of text, one example to a line: hundreds of them are read at once, and need no quotes."""
    return tuple(line.strip() for block in _words(content, part) for line in block.splitlines() if line.strip())


def _kinds(content: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {str(kind): tuple(_texts(words)) for kind, words in (content.get("kinds") or {}).items()}


def _texts(value: Any) -> Iterator[str]:
    """Every text below this value, whichever language it stands under."""
    match value:
        case None:
            return
        case Mapping():
            for below in value.values():
                yield from _texts(below)
        case list():
            for below in value:
                yield from _texts(below)
        case str() | int():
            yield str(value)
        case _:
            raise LibraryInvalid(f"content/words: {value!r} is not a word; put it in quotes")


def _spellings(content: Mapping[str, Any]) -> dict[str, str]:
    by_language = [languages for languages in content.values() if isinstance(languages, Mapping)]
    return {typed: meant for each in by_language for meant, spelled in each.items() for typed in _texts(spelled)}


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))
