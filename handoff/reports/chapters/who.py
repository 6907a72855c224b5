"""Who asked, from where, how, and whether for the first time."""

from typing import Final

from handoff.reports import wording
from handoff.reports.model import Chart, ChartKind, Section
from handoff.reports.telling import Asked, Telling, answers, by_one

CHAPTER: Final = "Who asked"
ORIGIN: Final = "As they said in the conversation, confirmed or corrected by the adviser."
TABLES: Final = (
    ("role", "Role", "roles", "role", (ORIGIN,)),
    ("setting", "Setting", "settings", "setting", ("Noted by the adviser who closed the case.",)),
    ("nation", "Nation", "nations", "nation", (ORIGIN,)),
    ("channel", "Channel", "channels", "channel", ()),
    ("language", "Language", "languages", "language", ("The language of the conversation with the bot.",)),
)


def sections(telling: Telling) -> tuple[Section, ...]:
    return (*(_by(telling, *each) for each in TABLES), _came(telling))


def _by(telling: Telling, name: str, title: str, listed: str, noun: str, notes: tuple[str, ...]) -> Section:
    asked = Asked("cases", name, name, f"Cases by {noun}", title, wording.label(listed), notes=notes)
    table = by_one(telling, asked)
    reading = wording.leading(table, "cases", noun, telling.before)
    return Section(name, CHAPTER, title, reading, table, Chart(ChartKind.BARS, ("n",)))


def _came(telling: Telling) -> Section:
    labels = {"first": "First case of this conversation", "again": "They came back with another"}
    note = (
        "Somebody who begins anew, or after their conversation was forgotten, counts as new: "
        "the true number of those who came back is higher."
    )
    asked = Asked("cases", "came", "came", "Cases by first or later contact", "Came", labels.__getitem__,
                  order=("first", "again"), notes=(note,))  # fmt: skip
    table = by_one(telling, asked)
    said = {"again": "came from somebody who had asked before"}
    reading = answers(telling, asked, "cases of which this is known", said)
    return Section("came", CHAPTER, "First time or again", reading, table)
