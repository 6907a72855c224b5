"""Which pages of the library a reply carries: read from its form, checked against the library, let past the guard."""

import re
from collections.abc import Iterable, Mapping
from itertools import groupby

from handoff.board import Row
from handoff.console.parts import Mask
from handoff.doors import Content, PageCard

FIELD = "page-"
"""A reply's form names each page it carries: `page-<id>` is the version of the library it was read from."""
MOST_PAGES = 8
OWN_SIGN = "\uf8ff"
"""Stands for an adviser's introduction while the guard looks at the rest (a sign of no script, and of no use to us)."""
_ID = re.compile(r"[a-z0-9_-]{1,120}")


def carried_in(form: Mapping[str, str]) -> Mapping[str, str]:
    """Page id -> version, as the form says; names that no page can have are passed over."""
    named = {name.removeprefix(FIELD): version for name, version in form.items() if name.startswith(FIELD)}
    fitting = [page for page in named if _ID.fullmatch(page)]
    return {page: named[page] for page in fitting[:MOST_PAGES]}


def cards_of(content: Content | None, row: Row, pages: Iterable[str]) -> tuple[PageCard, ...]:
    """The pages as the library has them now; one that it never had is none."""
    if content is None:
        return ()
    cards = (content.card(page, row.nation, row.language) for page in pages)
    return tuple(card for card in cards if card is not None)


def changed(cards: Iterable[PageCard], carried: Mapping[str, str], text: str) -> tuple[PageCard, ...]:
    """The pages that were published anew, with other words, since they were put into the text."""
    lines = set(_lines(text))
    return tuple(
        card
        for card in cards
        if not card.withdrawn and carried.get(card.id) != card.library and not lines.issuperset(_lines(card.text))
    )


def introducing(mask: Mask, name: str) -> Mask:
    """The guard, for an adviser who says who they are: their own first name stays where they introduce themselves."""
    first = re.escape(name.split()[0])
    own = re.compile(rf"\b(I am|I['’]m|my name is|this is)( +){first}\b", re.IGNORECASE)

    def masking(text: str) -> tuple[str, tuple[str, ...]]:
        found = [match.group() for match in own.finditer(text)]
        words, kinds = mask(own.sub(OWN_SIGN, text))
        return re.sub(OWN_SIGN, lambda _: found.pop(0), words), kinds

    return masking if name.isprintable() else mask


def masked(mask: Mask, text: str, cards: Iterable[PageCard]) -> tuple[str, tuple[str, ...]]:
    """The text as the guard leaves it. Lines that are a carried page's own were reviewed and stay as they are: the
    guard would take their links and telephone numbers out."""
    reviewed = {line for card in cards for line in _lines(card.text)}
    pieces: list[str] = []
    kinds: dict[str, None] = {}
    for is_reviewed, lines in groupby(text.split("\n"), key=lambda line: line.strip() in reviewed):
        run = "\n".join(lines)
        words, found = (run, ()) if is_reviewed else mask(run)
        pieces.append(words)
        kinds |= dict.fromkeys(found)
    return "\n".join(pieces), tuple(kinds)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
