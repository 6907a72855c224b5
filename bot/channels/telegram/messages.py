"""What is delivered together, as Telegram messages: as few as its limits allow. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions

from bot.channels.contract import Limits, Parcel
from bot.channels.markup import plain_to_telegram, to_telegram
from bot.channels.splitting import telegram_pieces, utf16_units
from bot.domain import Token
from bot.engine.render import Rendered

LIMITS = Limits(text=4096, buttons=100, title=60, rows=100)
"""A longer title does not show on a button of a telephone's width: it is also given in the text."""
MAX_UNLISTED = 20
"""So many buttons are still found without a list in the text."""
SHORT_TITLE = 12
"""Two such titles share a row."""
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
"""Nobody's server is asked for a page because an enquirer was told of it."""

_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")

Choices = Sequence[tuple[Token, str]]


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of Telegram's."""

    html: str
    keyboard: InlineKeyboardMarkup | None = None


def letters_of(parcel: Parcel, always: Choices = ()) -> list[Letter]:
    """Always the same for the same parcel; the choices stand under the last, and `always` in a row below them. None
    when there is nothing to say."""
    choices = parcel.messages[-1].choices if parcel.messages else ()
    listed = _must_be_listed(choices)
    blocks = [_html(message) for message in parcel.messages]
    blocks += [_list(choices)] if listed else []
    pieces = telegram_pieces("\n\n".join(block for block in blocks if block), LIMITS.text)
    if not pieces and not choices:
        return []
    *before, last = pieces or ["…"]
    return [*map(Letter, before), Letter(last, keyboard(choices, always, numbered=listed))]


def keyboard(choices: Choices, always: Choices = (), *, numbered: bool = False) -> InlineKeyboardMarkup | None:
    """One choice to a row; two short ones share it."""
    rows: list[list[InlineKeyboardButton]] = []
    for number, (token, title) in enumerate(choices[: LIMITS.buttons - len(always)], 1):
        shown = (f"{number}. {title}" if numbered else title) or "…"
        button = InlineKeyboardButton(shown, callback_data=token)
        if rows and len(rows[-1]) == 1 and max(len(shown), len(rows[-1][0].text)) <= SHORT_TITLE:
            rows[-1].append(button)
        else:
            rows.append([button])
    if rows and always:
        rows.append([InlineKeyboardButton(title, callback_data=token) for token, title in always])
    return InlineKeyboardMarkup(rows) if rows else None


def chosen(html: str, title: str) -> str:
    """A question with the choice made in place of its buttons."""
    return f"{html}\n\n✓ <b>{escape(title)}</b>"


def bare(html: str) -> str:
    """The words without markup, for when Telegram cannot read ours; addresses are kept where there is room."""
    full = _without_tags(_LINK.sub(r"\2 (\1)", html))
    return full if utf16_units(full) <= LIMITS.text else _without_tags(html)


def cut(text: str, limit: int) -> str:
    """At most so many characters as Telegram counts them, ending in "…" where something was left out."""
    if utf16_units(text) <= limit:
        return text
    return text.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", "ignore") + "…"


def _without_tags(html: str) -> str:
    return unescape(_TAG.sub("", html))


def _html(message: Rendered) -> str:
    return (plain_to_telegram(message.text) if message.plain else to_telegram(message.text)).strip()


def _must_be_listed(choices: Choices) -> bool:
    return len(choices) > MAX_UNLISTED or any(len(title) > LIMITS.title for _, title in choices)


def _list(choices: Choices) -> str:
    return "\n".join(f"{number}. {escape(title)}" for number, (_, title) in enumerate(choices, 1))
