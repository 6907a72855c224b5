"""Links that begin a conversation at one flow, and their QR codes for posters."""

import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import segno

from bot.channels import links
from bot.channels.contract import TELEGRAM, WEB, WHATSAPP
from bot.config import Settings
from bot.domain import ChannelName
from bot.errors import FirstlineError
from bot.library.complaints import did_you_mean
from bot.library.model import Library

CHANNELS = (TELEGRAM, WHATSAPP, WEB)
PICTURES = (".svg", ".png")
PIXELS_A_MODULE = 12
"""Of a PNG: 33 modules and the white rim make about 500 pixels."""
_BOT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,31}")
_NUMBER = re.compile(r"[1-9][0-9]{6,14}")
"""E.164 without its plus: country code first, 15 digits at most."""


class CannotLink(FirstlineError):
    """This link cannot be made."""


@dataclass(frozen=True, slots=True)
class Aim:
    """Where a link leads, checked: a flow of the library or the beginning, and the code of whoever shows it."""

    flow: str | None
    referrer: str | None

    @property
    def code(self) -> str:
        """What the link carries; '' when it leads to the beginning and names nobody."""
        return links.code_of(self.flow, self.referrer) if self.flow or self.referrer else ""


def aimed(library: Library, flow: str | None, referrer: str | None) -> Aim:
    """Raises: CannotLink unless the link's code will be read as exactly this."""
    known = sorted(each.id for each in library.flows.values() if not each.is_pattern)
    if flow is not None and flow not in known:
        raise CannotLink(f"There is no flow {flow!r} ({did_you_mean(flow, known, 'one of: ' + ', '.join(known))})")
    aim = Aim(flow or None, referrer.lower() if referrer else None)
    try:
        read = links.opened(aim.code, datetime.now(UTC))
    except ValueError as error:
        raise CannotLink(f"{error} Choose a shorter or plainer --code.") from None
    if (read.flow, read.referrer) != (aim.flow, aim.referrer):
        raise CannotLink(f"The flow {flow!r} cannot stand in a link: only ids of a-z, 0-9 and _ can.")
    return aim


def telegram_link(name: str, aim: Aim) -> str:
    """Raises: CannotLink when this can be no bot's name."""
    bot = name.strip().removeprefix("@")
    if not _BOT_NAME.fullmatch(bot):
        raise CannotLink(f"{name!r} is no bot's name. Give what BotFather calls the username: --name our_help_bot")
    return f"https://t.me/{bot}" + (f"?start={aim.code}" if aim.code else "")


def whatsapp_link(number: str, aim: Aim) -> str:
    """Raises: CannotLink when this can be no number with its country code."""
    digits = re.sub(r"[\s().-]", "", number).removeprefix("+").removeprefix("00")
    if not _NUMBER.fullmatch(digits):
        raise CannotLink(f"{number!r} is no number with its country code. Write it like this: --number +441632960000")
    return f"https://wa.me/{digits}?text={quote(f'/start {aim.code}'.rstrip(), safe='')}"


def web_link(public_url: str, aim: Aim) -> str:
    """Raises: CannotLink when nobody said which address people use."""
    if not public_url.startswith(("https://", "http://")):
        raise CannotLink("Set FIRSTLINE_PUBLIC_URL to the address people use, such as https://chat.example.org")
    asked = urlencode({key: value for key, value in (("flow", aim.flow), ("ref", aim.referrer)) if value})
    return f"{public_url.rstrip('/')}/chat" + (f"?{asked}" if asked else "")


async def link_of(settings: Settings, channel: ChannelName, aim: Aim, name: str | None, number: str | None) -> str:
    """The link of one of CHANNELS. Without a `name`, Telegram is asked for the bot's.

    Raises: CannotLink; FirstlineError when Telegram does not answer.
    """
    if channel == WEB:
        return web_link(settings.public_url, aim)
    if channel == WHATSAPP:
        if not number:
            raise CannotLink("Give the service's number with its country code: --number +441632960000")
        return whatsapp_link(number, aim)
    return telegram_link(name or await _name_from_telegram(settings), aim)


async def _name_from_telegram(settings: Settings) -> str:
    if settings.telegram_token is None:
        raise CannotLink("Give the bot's name (--name our_help_bot), or set FIRSTLINE_TELEGRAM_TOKEN to look it up.")
    from bot.channels.telegram.naming import bot_name

    return await bot_name(settings.telegram_token.get_secret_value(), settings.telegram_api)


def drawn(link: str) -> str:
    """The code in characters, for a terminal with light letters on dark."""
    lines = io.StringIO()
    _code_of(link).terminal(lines, compact=True, border=2)
    return lines.getvalue().rstrip("\n")


def save(link: str, target: Path) -> None:
    """Writes the code as a picture; its name's ending says which kind.

    Raises: CannotLink; OSError.
    """
    if target.suffix.lower() not in PICTURES:
        raise CannotLink(f"{target} must end in {' or '.join(PICTURES)}.")
    _code_of(link).save(str(target), scale=PIXELS_A_MODULE, border=4)


def _code_of(link: str) -> segno.QRCode:
    """Readable with 15 % of it spoilt: posters get rain, thumbs and drawing pins (ISO/IEC 18004, level M)."""
    return segno.make_qr(link, error="m", boost_error=False)
