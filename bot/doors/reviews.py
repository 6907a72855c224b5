"""What of the live library is to be looked at again, for the desk's list: the reviews of `firstline reviews`."""

from datetime import date

from bot.checking.reviews import Review, reviews_of
from bot.library.model import Library, PageStatus
from bot.shelf import Shelf
from handoff.doors import StalePage

FLOW = "flow"
"""A flow has a date, but nobody verifies it."""


class LiveReviews:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def stale(self, today: date) -> tuple[StalePage, ...]:
        library = self._shelf.live().library
        found = (_stale(library, review, today) for review in reviews_of(library))
        return tuple(each for each in found if each.due or not each.verified)

    def pages(self) -> tuple[tuple[str, str], ...]:
        pages = self._shelf.live().library.pages
        return tuple(sorted(((page.id, page.title) for key, page in pages.items() if key == page.id), key=_by_title))


def _by_title(page: tuple[str, str]) -> str:
    return page[1].lower()


def _stale(library: Library, review: Review, today: date) -> StalePage:
    page = library.pages.get(review.id) or library.terms.get(review.id)
    verified = review.kind == FLOW or page is None or page.status is PageStatus.VERIFIED
    overdue, due = review.is_passed(today), review.is_due(today)
    return StalePage(review.id, review.kind, review.title, review.owner, review.review_by, overdue, due, verified)
