"""Pages that were shown, and what people said of them."""

import sqlite3
from dataclasses import dataclass
from typing import Final

from handoff.figures import Share
from handoff.periods import Days

SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class PageCount:
    page: str
    shown: int
    helped: int
    partly: int
    not_helped: int

    @property
    def answers(self) -> int:
        return self.helped + self.partly + self.not_helped

    @property
    def help(self) -> Share:
        """Helped, of those who said anything of it."""
        return Share(self.helped, self.answers)

    @property
    def unhelpful(self) -> Share:
        """Did not help, of those who said anything of it."""
        return Share(self.not_helped, self.answers)


def pages(conn: sqlite3.Connection, days: Days) -> tuple[PageCount, ...]:
    """Those that least often helped first, where enough have said so; then the others, by how often they were shown."""
    rows = conn.execute(_PAGES, [f"{days.first}", f"{days.end}"])
    return tuple(sorted((PageCount(*row) for row in rows), key=_order))


# --- within ----------------------------------------------------------------------------------------------------------

_PAGES = """
SELECT page, sum(shown), sum(helped), sum(partly), sum(not_helped) FROM page_count WHERE day >= ? AND day < ?
 GROUP BY page
"""


def _order(page: PageCount) -> tuple[float, int, str]:
    says_enough = page.unhelpful.percent is not None
    return -page.not_helped / page.answers if says_enough else 0.0, -page.shown, page.page
