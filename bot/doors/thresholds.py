"""The live library's threshold pages for the desk's clarifier: each rule with its route and words, by nation."""

import re
from collections.abc import Callable
from datetime import date

from bot.channels.markup import to_text
from bot.domain import LibraryVersion
from bot.engine.render import filled
from bot.errors import UnknownVersion
from bot.library.model import Library, Page, PageStatus
from bot.library.thresholds import THRESHOLD
from bot.shelf import Shelf
from handoff.thresholds import Rule, Threshold

NATION_NAMES = {
    "England": "england",
    "Wales": "wales",
    "Scotland": "scotland",
    "Northern Ireland": "northern_ireland",
}
_OF_A_NATION = re.compile(rf"In ({'|'.join(NATION_NAMES)})\b")
_OTHERWISE = re.compile(r"None of\b")
"""How the headings of rules begin that are not asked about: they hold where no other does, in a nation or in all. A
rule in other words is asked about, and a "don't know" to it lowers nothing."""


class LiveThresholds:
    def __init__(self, shelf: Shelf, today: Callable[[], date]) -> None:
        self._shelf = shelf
        self._today = today

    def all(self, nation: str | None) -> tuple[Threshold, ...]:
        library = self._shelf.live().library
        pages = (page for page in library.pages.values() if page.kind == THRESHOLD and page.language == "en")
        return tuple(_threshold(library, page, nation, self._today()) for page in pages if _holds_in(page, nation))

    def one(self, page: str, nation: str | None, library: str | None = None) -> Threshold | None:
        try:
            kept = self._shelf.pinned(LibraryVersion(library)) if library else self._shelf.live()
        except UnknownVersion:
            return None
        found = kept.library.pages.get(page)
        if found is None or found.kind != THRESHOLD or not _holds_in(found, nation):
            return None
        return _threshold(kept.library, found, nation, self._today())


def _holds_in(page: Page, nation: str | None) -> bool:
    return nation is None or nation in page.nations


def _threshold(library: Library, page: Page, nation: str | None, today: date) -> Threshold:
    rules = (_rule(library, page, section.heading, section.markdown, nation) for section in page.sections)
    return Threshold(
        page.id,
        page.title,
        page.concerns,
        filled(library, f"{{term.{page.framework}}}", {"nation": nation}),
        library.version,
        page.status is PageStatus.VERIFIED,
        page.review_by,
        page.review_by < today,
        tuple(rule for rule in rules if rule is not None),
    )


def _rule(library: Library, page: Page, heading: str, markdown: str, nation: str | None) -> Rule | None:
    """None for what only another nation says; where the nation is not known, everything is said."""
    of_a_nation = _OF_A_NATION.match(heading)
    if of_a_nation and nation not in {None, NATION_NAMES[of_a_nation.group(1)]}:
        return None
    words = to_text(filled(library, markdown, {"nation": nation}))
    return Rule(heading, page.routes[heading], words, stands=bool(of_a_nation or _OTHERWISE.match(heading)))
