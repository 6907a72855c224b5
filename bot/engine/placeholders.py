"""The {placeholders} of editors' texts: which there are, and how they are filled."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w.-]*)\}")


@lru_cache(maxsize=4096)
def parts(text: str) -> tuple[str, ...]:
    """The text cut at its placeholders: words, name, words, name, words …"""
    return tuple(_PLACEHOLDER.split(text))


def names_in(text: str) -> Iterable[str]:
    return parts(text)[1::2]


def fill(text: str, value_of: Callable[[str], str]) -> str:
    """The text with each placeholder replaced by what `value_of` gives for its name."""
    if "{" not in text:
        return text
    return "".join(value_of(part) if odd % 2 else part for odd, part in enumerate(parts(text)))
