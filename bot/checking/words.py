"""What can be wrong with words: too long for a button, hard to read, a number or link nobody stands behind."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from bot.checking.reading_age import Reading, reading_of, words_of
from bot.library.complaints import Complaints
from bot.library.model import CollectStep, Flow, Library, Page, Response, Where
from bot.library.taxonomy import SPLIT

MAX_WORDS, TOO_MANY_WORDS = 20, 25
"""In a sentence: more is a warning, more is an error."""
MAX_AGE, TOO_OLD = 11.0, 13.0
"""Reading age in years: above the first a warning, a page above the second an error."""
FEWEST_WORDS = 12
"""Shorter texts have no reading age worth the name."""
FEW_CHOICES, FEW_TITLE = 3, 20
"""As reply buttons (WhatsApp): so many, of so many characters."""
MOST_CHOICES, LIST_TITLE = 10, 24
"""As a list (WhatsApp)."""
ALWAYS_ALLOWED = frozenset({"999", "101", "55", "111"})
_TELEPHONE = re.compile(
    r"(?<![\w/.,=?&-])(?:\+\d{1,3}[\d ()-]{6,}\d|\(?0\d[\d ()-]{6,}\d|116[ ]?\d{3}|\d{5,6})(?![\w/]|[.,]\d)"
)
_INSECURE = re.compile(r"http://[^\s)>\"']+")
_ADDRESS = re.compile(r"https?://[^\s)>\"']+")
_WHERE_FROM = "content/services/"


@dataclass(frozen=True, slots=True)
class Text:
    """Words an enquirer reads, and about where they stand; `page` is given for a page's."""

    words: str
    where: Where
    page: Page | None = None


@dataclass(frozen=True, slots=True)
class WordChecks:
    library: Library
    complaints: Complaints
    sources: Mapping[str, str]
    """file -> its text, to find the line."""
    today: date

    def check(self) -> None:
        texts = list(self.texts())
        for text in texts:
            self.sentences(text)
            self.links(text)
        for text in texts:
            if text.page is None:
                self.reading_age(text)
        for page in self.english_pages():
            self.page_reading_age(page)
            self.page_sources(page)
        self.numbers(texts)
        self.labels()
        self.reviews()

    def texts(self) -> Iterator[Text]:
        for response in self.library.responses.values():
            if response.id.startswith("utter_words_"):
                continue
            yield from (Text(each.text["en"], each.where) for each in response.variations if each.text.get("en"))
        for flow in self.library.flows.values():
            steps = (step for step in flow.steps.values() if isinstance(step, CollectStep))
            yield from (Text(step.why["en"], step.where) for step in steps if step.why.get("en"))
        for page in self.english_pages():
            yield from (Text(section.markdown, page.where, page) for section in page.sections)

    def english_pages(self) -> Iterator[Page]:
        return (page for page in self.library.pages.values() if page.language == "en")

    # --- easy to read ------------------------------------------------------------------------------------------------

    def sentences(self, text: Text) -> None:
        for sentence in reading_of(text.words, self.filled).sentences:
            count = len(words_of(sentence))
            if count > MAX_WORDS:
                complain = self.complaints.error if count > TOO_MANY_WORDS else self.complaints.warning
                message = f"a sentence of {count} words: '{_beginning(sentence)}'"
                fix = f"make it two: at most {MAX_WORDS} words a sentence"
                complain(self.line_of(text.where, sentence), "long-sentence", message, fix)

    def reading_age(self, text: Text) -> None:
        reading = reading_of(text.words, self.filled)
        if reading.words >= FEWEST_WORDS and reading.age > MAX_AGE:
            message = f"reading age {reading.age:.1f}: '{_beginning(reading.sentences[0])}'"
            self.complaints.warning(text.where, "reading-age", message, "use shorter words and sentences")

    def page_reading_age(self, page: Page) -> None:
        reading = self.page_reading(page)
        if reading.age > MAX_AGE:
            complain = self.complaints.error if reading.age > TOO_OLD else self.complaints.warning
            message = f"the page has a reading age of {reading.age:.1f}"
            fix = f"use shorter words and sentences: at most {MAX_AGE:.0f}"
            complain(page.where, "reading-age", message, fix)

    def page_reading(self, page: Page) -> Reading:
        return reading_of("\n\n".join(section.markdown for section in page.sections), self.filled)

    def filled(self, name: str) -> str:
        """What a reader sees for a placeholder, or a word like it."""
        scope, _, rest = name.partition(".")
        if scope == "term" and rest in self.library.terms:
            return self.library.terms[rest].default
        return self.library.service.get(rest, "it") if scope == "service" else "it"

    # --- true and safe -----------------------------------------------------------------------------------------------

    def links(self, text: Text) -> None:
        for found in _INSECURE.finditer(text.words):
            where = self.line_of(text.where, found.group())
            self.complaints.error(where, "insecure-link", f"the link is not secure: {found.group()}", "use https://")

    def page_sources(self, page: Page) -> None:
        addresses = [source.url for source in page.sources]
        addresses += [value for key, value in page.details.items() if key.endswith("url")]
        for address in addresses:
            if _INSECURE.match(address):
                message = f"the address is not secure: {address}"
                fix = "use https:// if the site has it"
                self.complaints.warning(self.line_of(page.where, address), "insecure-link", message, fix)

    def numbers(self, texts: list[Text]) -> None:
        """Every telephone number is one that a page about a service gives."""
        services = [page for page in self.library.pages.values() if page.where.file.startswith(_WHERE_FROM)]
        given = [section.markdown for page in services for section in page.sections]
        given += [value for page in services for value in page.details.values()]
        declared = {_digits(number) for text in given for number in _telephones(text)} | ALWAYS_ALLOWED
        for text in texts:
            for number in _telephones(text.words):
                if _digits(number) not in declared:
                    message = f"the number {number.strip()} is on no page in {_WHERE_FROM}"
                    fix = "put it on the service's page first, or remove it"
                    self.complaints.error(self.line_of(text.where, number), "unknown-number", message, fix)

    def reviews(self) -> None:
        for page in self.library.pages.values():
            self.review(page.review_by, page.where, f"page '{page.id}'")
        for flow in self.library.flows.values():
            if flow.review_by:
                self.review(flow.review_by, flow.where, f"flow '{flow.id}'")

    def review(self, review_by: date, where: Where, what: str) -> None:
        if review_by < self.today:
            message = f"the review of {what} was due by {review_by}"
            self.complaints.warning(
                self.line_of(where, "review_by"), "review-passed", message, "review it, set a new date"
            )

    # --- labels ------------------------------------------------------------------------------------------------------

    def labels(self) -> None:
        dont_know = self.library.responses.get("utter_dont_know")
        more = {step.utter: step.dont_know for flow in self.library.flows.values() for step in _questions(flow)}
        for response in self.library.responses.values():
            is_split = response.id.startswith(SPLIT)  # the engine adds "none of these"
            self.choices(response, int(is_split or bool(more.get(response.id) and dont_know)))
        for flow in self.library.flows.values():
            if flow.intents and not flow.is_pattern:
                for language, name in {"en": flow.name, **flow.names}.items():
                    if len(name) > LIST_TITLE:
                        message = f"the name '{name}' ({language}) has {len(name)} characters"
                        fix = f"it is offered as a choice: at most {LIST_TITLE}"
                        self.complaints.error(flow.where, "label", message, fix)

    def choices(self, response: Response, added: int) -> None:
        for variation in response.variations:
            count = len(variation.buttons) + (added if variation.buttons else 0)
            if count > MOST_CHOICES:
                message = f"'{response.id}' offers {count} choices"
                self.complaints.error(variation.where, "choices", message, f"at most {MOST_CHOICES}: ask in two steps")
            most = FEW_TITLE if count <= FEW_CHOICES else LIST_TITLE
            for button in variation.buttons:
                for language, title in button.title.items():
                    if len(title) > most:
                        message = f"the label '{title}' ({language}) has {len(title)} characters"
                        fix = f"at most {most} where there are {count} choices"
                        self.complaints.error(button.where, "label", message, fix)

    # --- where -------------------------------------------------------------------------------------------------------

    def line_of(self, where: Where, words: str) -> Where:
        """The line in which these words begin, looked for from `where` on; `where` itself when they are not found."""
        lines = self.sources.get(where.file, "").split("\n")
        start = " ".join(words.split()[:4])
        for shorter in (start, " ".join(words.split()[:2])):
            for number, line in enumerate(lines[where.line - 1 :], where.line):
                if shorter and shorter in line.replace("**", ""):
                    return Where(where.file, number, line.find(words.split()[0]) + 1 or 1)
        return where


def _questions(flow: Flow) -> Iterator[CollectStep]:
    return (step for step in flow.steps.values() if isinstance(step, CollectStep))


def _telephones(text: str) -> Iterator[str]:
    return (found.group() for found in _TELEPHONE.finditer(_ADDRESS.sub(" ", text)))


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))


def _beginning(sentence: str) -> str:
    words = sentence.split()
    return " ".join(words[:8]) + ("…" if len(words) > 8 else "")
