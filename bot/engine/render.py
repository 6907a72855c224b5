"""A reply in words: which variation, which page, in which language, for one channel on one day. Pure, never raises."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from bot.domain import ChannelName, Reply, Slots, SlotValue, Token
from bot.engine.conditions import holds
from bot.engine.placeholders import fill
from bot.engine.walk import shown
from bot.library.model import Library, Page, PageStatus, Response, SlotType, Source, Variation

ENGLISH = "en"
HIDDEN = "…"
"""Stands where an expired page had a telephone number."""
_ALWAYS_SHOWN = frozenset({"999", "101", "08001111"})
_MARKUP = re.compile(r"[\\`*_{}\[\]()<>#+.!|~-]")
"""What an enquirer typed is shown as typed, never read as Markdown."""
_KEPT_WHOLE = re.compile(r"(https?://[^\s)]+)")
_TELEPHONE = re.compile(
    r"""(?<![\w/.,-])(?:
        0800[ ]?1111                          # Childline's, always shown
      | (?:\+44|0044|\(?0\d)[\d ()-]{5,}\d    # a number in full
      | 116[ ]?\d{3}                          # a European helpline
      | \d{5,6}                               # a short code
      | 7726 | 111 | 105
    )(?![\w/]|[.,]\d)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """`text` is Markdown; `language` the one it is really in (English where there is no translation)."""

    text: str
    choices: tuple[tuple[Token, str], ...] = ()
    page: Page | None = None
    section: str | None = None
    language: str = ENGLISH
    plain: bool = False
    """True for a person's own words: nothing in them is markup."""

    @classmethod
    def of_plain_text(cls, text: str) -> "Rendered":
        return cls(text, plain=True)


def render(library: Library, reply: Reply, channel: ChannelName | str, today: date) -> Rendered:
    """The words of a reply. A placeholder nobody knows is left empty."""
    known = dict(reply.slots)
    if "kinds" in known:
        known["kinds"] = _kinds(library, str(known["kinds"] or ""), reply.language)
    response = library.responses.get(reply.response)
    variation = _variation(response, known, channel) if response else None
    text, language = _text(variation.text if variation else {}, reply.language)
    words = filled(library, text, known).strip()
    shown = library.page_shown(variation, known) if variation else None
    page_id = shown or library.page_of_response.get(reply.response)
    page, section = _page(library, page_id or "", variation.section if variation else None, reply.language)
    if page:
        shown_page = page_text(library, page, section, known, reply.language, today)
        words = f"{words}\n\n{shown_page}" if words else shown_page
        language = language if text else page.language
    return Rendered(words, reply.choices, page, section, language)


def page_text(library: Library, page: Page, section: str | None, known: Slots, language: str, today: date) -> str:
    """A page as Markdown, with where it is from and when that was checked; expired, without telephone numbers."""
    shown_sections = [each for each in page.sections if section is None or each.heading == section] or page.sections
    blocks = [f"### {page.title}"] if section is None else []
    for each in shown_sections:
        blocks += [f"#### {each.heading}"] if each.heading else []
        blocks.append(each.markdown.strip())
    body = filled(library, "\n\n".join(block for block in blocks if block), {**known, **page.details})
    expired = page.review_by < today
    if expired:
        body = without_numbers(body)
    return "\n\n".join(part for part in (body, *_sources(library, page, language, expired)) if part)


def without_numbers(text: str) -> str:
    """The text without telephone numbers, save 999, 101 and Childline's (FACTS section 5, rule 24)."""
    pieces = _KEPT_WHOLE.split(text)
    return "".join(piece if odd % 2 else _TELEPHONE.sub(_hidden, piece) for odd, piece in enumerate(pieces))


def _hidden(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return match[0] if digits in _ALWAYS_SHOWN else HIDDEN


# --- words -----------------------------------------------------------------------------------------------------------


def _variation(response: Response, known: Slots, channel: str) -> Variation | None:
    """The first variation whose condition and channel fit; if none fits, the last that is for every channel."""
    context = {name.removeprefix("context."): value for name, value in known.items()}
    for variation in response.variations:
        fits = variation.channel is None or variation.channel == channel
        if fits and (variation.condition is None or holds(variation.condition, known, context)):
            return variation
    general = [variation for variation in response.variations if variation.channel is None]
    return general[-1] if general else None


def _page(library: Library, page_id: str, section: str | None, language: str) -> tuple[Page | None, str | None]:
    """The page in this language if it is translated; its section by place, since headings are translated too."""
    page = library.pages.get(page_id)
    translated = library.pages.get(f"{page_id}.{language}")
    if page is None or translated is None:
        return page, section
    place = next((number for number, each in enumerate(page.sections) if each.heading == section), -1)
    found = 0 <= place < len(translated.sections)
    return translated, translated.sections[place].heading if found else None


def _text(texts: Mapping[str, str], language: str) -> tuple[str, str]:
    if texts.get(language):
        return texts[language], language
    return texts.get(ENGLISH, ""), ENGLISH


def filled(library: Library, text: str, known: Slots) -> str:
    """The text with its placeholders filled; what nobody knows is left empty."""
    return fill(text, lambda name: _value(library, name, known))


def _value(library: Library, name: str, known: Slots) -> str:
    scope, _, rest = name.partition(".")
    if rest and scope == "term":
        term = library.terms.get(rest)
        return term.by_nation.get(str(known.get("nation")), term.default) if term else ""
    if rest and scope == "service":
        return library.service.get(rest, "")
    value: SlotValue = known.get(name)
    if value is None:
        value = known.get(rest if scope == "context" else f"context.{name}")
    if value is None:
        return ""
    slot = library.slots.get(name)
    typed = slot is not None and slot.type in (SlotType.TEXT, SlotType.ANY)
    return _MARKUP.sub(r"\\\g<0>", shown(value)) if typed else shown(value)


def _kinds(library: Library, kinds: str, language: str) -> str:
    """Ids of kinds of personal data, as the library's words for them."""
    words = [_label(library, f"utter_masked_{kind}", {}, language) for kind in kinds.split(",") if kind]
    return ", ".join(dict.fromkeys(word for word in words if word))


def _label(library: Library, response_id: str, known: Slots, language: str) -> str:
    response = library.responses.get(response_id)
    if response is None or not response.variations:
        return ""
    return filled(library, _text(response.variations[0].text, language)[0], known).strip()


def _sources(library: Library, page: Page, language: str, expired: bool) -> tuple[str, ...]:
    """The last lines of a page: a warning when it is past its date or unchecked, then each source."""
    official = page.sources[0] if page.sources else Source(page.details.get("url", ""), page.title, None)
    about: Slots = {"title": official.title, "url": _link(official.url), "date": _day(page.review_by)}
    lines = [_label(library, "utter_page_expired", about, language)] if expired else []
    unverified = page.status is PageStatus.UNVERIFIED or page.checked_on is None
    if unverified and not expired:
        lines.append(_label(library, "utter_page_unverified", about, language))
    if not unverified:
        lines.append("  \n".join(_source(library, source, language) for source in page.sources))
    return tuple(lines)


def _source(library: Library, source: Source, language: str) -> str:
    checked = _day(source.checked_on) if source.checked_on else ""
    known: Slots = {"title": source.title, "url": _link(source.url), "date": checked}
    return _label(library, "utter_page_source", known, language)


def _link(url: str) -> str:
    """A web address in Markdown, so that it can be pressed: bare ones are only text to the channels."""
    return f"<{url}>" if url else ""


def _day(day: date) -> str:
    """A date as the United Kingdom writes it in figures."""
    return f"{day.day}/{day.month}/{day.year}"
