"""What a parcel looks like in WhatsApp: texts, reply buttons, a list, or numbered words. Pure.

Limits: developers.facebook.com/documentation/business-messaging/whatsapp, "Interactive reply buttons messages" and
"Interactive list messages", as of November 2026; 1,024 characters of a list's text is what every gateway keeps to.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.channels.contract import Limits, Parcel
from bot.channels.markup import to_whatsapp
from bot.channels.splitting import pieces
from bot.domain import Token
from bot.engine.render import Rendered

LIMITS = Limits(text=4096, buttons=3, title=20, rows=10)
BODY = 1024
"""Characters of the text above buttons or a list."""
ROW_TITLE = 24
ROW_DESCRIPTION = 72
LIST_LABEL = 20
LONGEST_LINE = 400
"""Characters of one numbered choice, so that a page of ten always fits one message."""
NO_WORDS = "…"
"""Stands where there is nothing to say, as the provider takes no empty text."""

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")

FOOTER = 60

Choices = Sequence[tuple[Token, str]]


@dataclass(frozen=True, slots=True)
class Content:
    """One own message: `shown` is its part of the request; `plainer` the same in words, where buttons are refused."""

    shown: Mapping[str, object]
    plainer: "Content | None" = None


@dataclass(frozen=True, slots=True)
class Labels:
    """The interface's words around a question: what opens a list, and what can be typed instead."""

    choose: str = ""
    typed: str = ""


def contents(parcel: Parcel, labels: Labels) -> tuple[Content, ...]:
    """The parcel as own messages, at least one. How many there are does not depend on the labels."""
    words = "\n\n".join(filter(None, (_words(each) for each in parcel.messages)))
    choices = [(token, " ".join(title.split())) for token, title in parcel.messages[-1].choices]
    if not choices:
        return tuple(_text(piece) for piece in pieces(words or NO_WORDS, LIMITS.text))
    shown = _buttons(choices) or _list(choices, labels.choose)
    return _interactive(words, shown, choices, labels) if shown else tuple(_numbered(words, choices))


def knock(template: str, language: str) -> Content:
    """The approved template that asks an enquirer to write."""
    return Content({"type": "template", "template": {"name": template, "language": {"code": language}}})


def apology(words: str) -> Content:
    """What is said (Markdown) when something of theirs could not be taken in."""
    return _text(cut(to_whatsapp(words).strip() or NO_WORDS, LIMITS.text))


def _words(message: Rendered) -> str:
    return (message.text if message.plain else to_whatsapp(message.text)).strip()


def _text(words: str) -> Content:
    return Content({"type": "text", "text": {"body": words, "preview_url": False}})


# --- buttons and lists -----------------------------------------------------------------------------------------------


def _buttons(choices: Choices) -> dict[str, object] | None:
    """Up to three short titles that differ; None where they cannot be buttons."""
    titles = {title.casefold() for _, title in choices}
    fits = all(0 < len(title) <= LIMITS.title for _, title in choices)
    if not fits or len(choices) > LIMITS.buttons or len(titles) < len(choices):
        return None
    buttons = [{"type": "reply", "reply": {"id": token, "title": title}} for token, title in choices]
    return {"type": "button", "action": {"buttons": buttons}}


def _list(choices: Choices, choose: str) -> dict[str, object] | None:
    """Up to ten rows, the whole of a long label below its beginning; None where even that is too short."""
    fits = all(0 < len(title) <= ROW_DESCRIPTION for _, title in choices)
    if not fits or len(choices) > LIMITS.rows:
        return None
    rows: list[dict[str, object]] = []
    taken: set[str] = set()
    for token, label in choices:
        title = _row_title(label, taken)
        taken.add(title.casefold())
        row: dict[str, object] = {"id": token, "title": title}
        rows.append(row if title == label else {**row, "description": label})
    opens = cut(choose.strip() or NO_WORDS, LIST_LABEL)
    return {"type": "list", "action": {"button": opens, "sections": [{"rows": rows}]}}


def _row_title(label: str, taken: set[str]) -> str:
    """The label, cut where it is too long, numbered where another begins as it does."""
    title, number = cut(label, ROW_TITLE), 1
    while title.casefold() in taken:
        number += 1
        ending = f" ({number})"
        title = cut(label, ROW_TITLE - len(ending)) + ending
    return title


def cut(label: str, most: int) -> str:
    """The label in at most so many characters, cut after a word where one ends in its second half."""
    if len(label) <= most:
        return label
    begun = label[: most - 1]
    whole = begun if label[most - 1].isspace() else begun.rpartition(" ")[0]
    return (whole if len(whole) >= most // 2 else begun).rstrip(" ,;:–-") + "…"


def _interactive(words: str, shown: Mapping[str, object], choices: Choices, labels: Labels) -> tuple[Content, ...]:
    """The last paragraphs stand above the choices; what does not fit there goes before."""
    before, body = _parted(words)
    body = body or labels.choose.strip() or NO_WORDS
    typed = labels.typed.strip()
    footer = {"footer": {"text": cut(typed, FOOTER)}} if typed else {}
    plainer = _text("\n\n".join((body, "\n".join(_lines(choices)))))
    content = Content({"type": "interactive", "interactive": {**shown, "body": {"text": body}, **footer}}, plainer)
    return (*(_text(piece) for piece in before), content)


def _parted(words: str) -> tuple[list[str], str]:
    """(texts that go before, at most BODY characters of whole paragraphs from the end)."""
    if len(words) <= BODY:
        return [], words
    begins = [0, *(gap.end() for gap in _PARAGRAPH.finditer(words))]
    fitting = [begin for begin in begins if len(words) - begin <= BODY]
    if fitting:
        begin = fitting[0]
        return pieces(words[:begin].strip(), LIMITS.text), words[begin:].strip()
    last = pieces(words[begins[-1] :], BODY)[-1]
    return pieces(words.removesuffix(last).strip(), LIMITS.text), last


# --- numbered words --------------------------------------------------------------------------------------------------


def _numbered(words: str, choices: Choices) -> Iterator[Content]:
    """Everything in one message where it fits; else the words, then ten choices a message. Numbers go on."""
    lines = _lines(choices)
    whole = "\n\n".join(filter(None, (words, "\n".join(lines))))
    if len(whole) <= LIMITS.text:
        yield _text(whole)
        return
    for piece in pieces(words, LIMITS.text) if words else ():
        yield _text(piece)
    for first in range(0, len(lines), LIMITS.rows):
        yield _text("\n".join(lines[first : first + LIMITS.rows]))


def _lines(choices: Choices) -> list[str]:
    """Typed numbers are understood over all choices, so each keeps its own."""
    return [f"{number}. {cut(title, LONGEST_LINE)}" for number, (_, title) in enumerate(choices, start=1)]
