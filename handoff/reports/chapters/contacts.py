"""Talks with the bot: what they were about, who ended them, and whether they helped. Never added to cases."""

from typing import Final

from handoff.reports import wording
from handoff.reports.chapters.needs import KNEW
from handoff.reports.model import Chart, ChartKind, Section
from handoff.reports.telling import Asked, Telling, answers, by_one

CHAPTER: Final = "Contacts with the bot"
NOT_ASKED: Final = "Not asked, or no answer"
HELPED: Final = {"yes": "It helped", "partly": "It helped partly", "no": "It did not help"}
MET: Final = {"bot": "The bot alone", "adviser": "Handed to an adviser"}


def sections(telling: Telling) -> tuple[Section, ...]:
    return (_met(telling), _about(telling), _helped(telling), _knew(telling))


def _met(telling: Telling) -> Section:
    note = "A contact ends when nothing is said for as long as words are kept. It is counted by its first day."
    asked = Asked("contacts", "met", "contacts-met", "Contacts by who dealt with them", "Dealt with by",
                  MET.__getitem__, tuple(MET), notes=(note,))  # fmt: skip
    said = {"bot": "were dealt with by the bot alone", "adviser": "were handed to an adviser"}
    reading = answers(telling, asked, "contacts", said)
    return Section("contacts-met", CHAPTER, "Bot and advisers", reading, by_one(telling, asked))


def _about(telling: Telling) -> Section:
    asked = Asked("contacts", "concern", "contacts-concern", "Contacts by concern, as the bot heard it", "Concern",
                  wording.concern(telling.carried), taxonomy=telling.carried.version)  # fmt: skip
    table = by_one(telling, asked)
    reading = wording.leading(table, "contacts", "concern", telling.before)
    return Section(
        "contacts-concern", CHAPTER, "What contacts were about", reading, table, Chart(ChartKind.BARS, ("n",))
    )


def _helped(telling: Telling) -> Section:
    note = "Asked in the chat after advice. Those who answer may not be like those who do not."
    asked = Asked("contacts", "helped", "helped", "Contacts by whether it helped", "Answer", HELPED.__getitem__,
                  tuple(HELPED), NOT_ASKED, notes=(note,))  # fmt: skip
    said = {"yes": "said that it helped", "partly": "that it helped partly", "no": "that it did not"}
    reading = answers(telling, asked, "contacts that answered", said)
    return Section(
        "helped", CHAPTER, "Whether it helped", reading, by_one(telling, asked), Chart(ChartKind.BARS, ("n",))
    )


def _knew(telling: Telling) -> Section:
    note = "Asked in the chat. What advisers noted of cases is another table; the two are never added."
    asked = Asked("contacts", "knew_tools", "contacts-knew-tools", "Contacts by knowledge of the tool", "Knowledge",
                  KNEW.__getitem__, tuple(KNEW), NOT_ASKED, notes=(note,))  # fmt: skip
    said = {"no": "did not know of the tool that they were told of"}
    reading = answers(telling, asked, "contacts that answered", said)
    return Section("contacts-knew-tools", CHAPTER, "Tools, as contacts said", reading, by_one(telling, asked))
