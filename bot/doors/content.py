"""The live library's pages as cards: found by words, plain and ready to be sent, with version and review date."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import lru_cache

from bot.channels.markup import to_text
from bot.domain import LibraryVersion, Slots
from bot.engine.render import page_text
from bot.library.model import Library, Page
from bot.library.versions import unpack
from bot.shelf import Shelf
from handoff.doors import PageCard
from handoff.ledger import Ledger

MOST_WORDS = 8
MOST_CARDS = 200
"""How many cards are kept ready: an open list is asked for again with every letter."""
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_WORD = re.compile(r"[^\W_]+")
_TITLE_COUNTS, _ID_COUNTS, _CONCERN_COUNTS, _BODY_COUNTS = 8, 6, 4, 1
_FRONT = r"^{}:\s*\"?([^\"\n]+?)\"?\s*$"


class ContentDoor:
    """Implements handoff.doors.Content."""

    def __init__(self, ledger: Ledger, shelf: Shelf, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._shelf = shelf
        self._now = now
        self._made = lru_cache(maxsize=MOST_CARDS)(self._make)
        self._gone = lru_cache(maxsize=MOST_CARDS)(self._look_back)

    def find(self, words: str, nation: str | None, language: str, limit: int = 8) -> tuple[PageCard, ...]:
        """Pages in which every word begins a word, those of another nation left out; the likeliest first. A withdrawn
        page is found by its whole id only."""
        library = self._shelf.live().library
        asked = tuple(_WORD.findall(words.casefold()))[:MOST_WORDS]
        ranked = sorted(
            (-score, page.title, page.id)
            for page in library.pages.values()
            if _is_for(page, nation) and (score := _score(library, page, language, asked))
        )
        by_id = words.strip().casefold()
        gone = [by_id] if _ID.fullmatch(by_id) and by_id not in library.pages else []
        found = (*gone, *(page_id for *_, page_id in ranked))
        cards = [self.card(page_id, nation, language) for page_id in found[:limit]]
        return tuple(card for card in cards if card)

    def card(self, page: str, nation: str | None, language: str) -> PageCard | None:
        library = self._shelf.live().library
        if page not in library.pages or "." in page:
            return self._gone(page, library.version) if "." not in page else None
        return self._made(page, nation, language, library.version, self._now().date())

    def _make(
        self, page_id: str, nation: str | None, language: str, version: LibraryVersion, today: date
    ) -> PageCard | None:
        library = self._shelf.pinned(version).library
        page = library.pages.get(f"{page_id}.{language}", library.pages[page_id])
        known: Slots = {} if nation is None else {"nation": nation}
        return PageCard(
            id=page_id,
            title=page.title,
            kind=page.kind,
            library=version,
            status=page.status.value,
            review_by=page.review_by,
            overdue=page.review_by < today,
            withdrawn=False,
            text=to_text(page_text(library, page, None, known, language, today)).strip(),
        )

    def _look_back(self, page_id: str, live: LibraryVersion) -> PageCard | None:
        """The last version that had the page, read as text: nothing is loaded for a page that is no more."""
        for version in dict.fromkeys(each.version for each in self._shelf.versions()):
            if version == live:
                continue
            for text in self._pages_of(version):
                if _front("id", text) == page_id:
                    return _withdrawn(page_id, text, version)
        return None

    def _pages_of(self, version: LibraryVersion) -> Iterable[str]:
        row = self._ledger.reader().execute("SELECT files FROM library_files WHERE version = ?", [version]).fetchone()
        files = unpack(row[0]) if row else {}
        return (data.decode("utf-8", "replace") for name, data in files.items() if name.endswith(".md"))


def _front(key: str, text: str) -> str:
    """One line of a page's front matter; empty when it has none."""
    found = re.search(_FRONT.format(key), text, re.MULTILINE)
    return found[1] if found else ""


def _withdrawn(page_id: str, text: str, version: LibraryVersion) -> PageCard:
    return PageCard(
        id=page_id,
        title=_front("title", text) or page_id,
        kind=_front("kind", text),
        library=version,
        status="withdrawn",
        review_by=None,
        overdue=False,
        withdrawn=True,
        text="",
    )


def _is_for(page: Page, nation: str | None) -> bool:
    return "." not in page.id and (nation is None or not page.nations or nation in page.nations)


def _score(library: Library, page: Page, language: str, asked: tuple[str, ...]) -> int:
    """0 when a word is nowhere in the page, in English or in the language of the case."""
    if not asked:
        return 0
    translated = library.pages.get(f"{page.id}.{language}")
    titles = f"{page.title} {translated.title if translated else ''}"
    scores = [
        _TITLE_COUNTS * _begins(word, titles)
        + _ID_COUNTS * _begins(word, page.id)
        + _CONCERN_COUNTS * _begins(word, " ".join(page.concerns))
        + _BODY_COUNTS * _begins(word, _body(page) + (_body(translated) if translated else ""))
        for word in asked
    ]
    return sum(scores) if all(scores) else 0


def _body(page: Page) -> str:
    return "\n".join(f"{section.heading}\n{section.markdown}" for section in page.sections)


def _begins(word: str, text: str) -> bool:
    """Whether a word of the text begins with this one."""
    at = -1
    text = text.casefold()
    while (at := text.find(word, at + 1)) >= 0:
        if at == 0 or not text[at - 1].isalnum():
            return True
    return False
