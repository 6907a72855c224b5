"""Refuses pictures, films, voices and files by construction: there is no way from here to a download.

An indecent photograph or pseudo-photograph of a child may not be made (copying and downloading are making), shown or
possessed: Protection of Children Act 1978 s.1; Criminal Justice Act 1988 s.160. So a channel only says which kind
arrived, by its own name for it, and nothing of it is fetched "just to check" (FACTS section 5, rule 3).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from bot.domain import MediaKind

KINDS: Mapping[str, MediaKind] = MappingProxyType(
    {
        "photo": MediaKind.PHOTO,
        "image": MediaKind.PHOTO,
        "paid_media": MediaKind.PHOTO,
        "story": MediaKind.PHOTO,
        "video": MediaKind.VIDEO,
        "video_note": MediaKind.VIDEO,
        "animation": MediaKind.VIDEO,
        "gif": MediaKind.VIDEO,
        "voice": MediaKind.VOICE,
        "audio": MediaKind.VOICE,
        "document": MediaKind.DOCUMENT,
        "file": MediaKind.DOCUMENT,
        "attachment": MediaKind.DOCUMENT,
        "sticker": MediaKind.STICKER,
        "contact": MediaKind.CONTACT,
        "contacts": MediaKind.CONTACT,
        "location": MediaKind.LOCATION,
        "venue": MediaKind.LOCATION,
    }
)
"""What Telegram, WhatsApp and the web call each kind. A name that is not here is refused all the same, as OTHER."""

BASE64_BLOCK = 200
"""Characters of unbroken base64 that no sentence has."""
BASE64_LINE = 60

_WRITTEN = re.compile(
    r"data:[a-z0-9.+/-]{0,100}(?:;[a-z0-9=._-]{0,60}){0,4},"
    r"|!\[[^\]\n]{0,300}\]\s?[(\[]"
    r"|<(?:img|video|audio|picture|iframe|object|embed|svg)[\s>/]"
    r"|(?:https?://|www\.)\S{1,500}\.(?:jpe?g|png|gif|webp|heic|avif|bmp|mp4|mov|webm|avi|m4v)(?![a-z0-9])",
    re.IGNORECASE,
)
_BLOCK = re.compile(rf"(?<![A-Za-z0-9+/=_\r\n-])[A-Za-z0-9+/=_\r\n-]{{{BASE64_BLOCK},}}")


def kind_of(channels_name: str) -> MediaKind:
    """The kind a channel's own name stands for; a name nobody foresaw is OTHER, and refused too."""
    return KINDS.get(channels_name.casefold(), MediaKind.OTHER)


def has_media(text: str) -> bool:
    """Whether text carries a picture or file inside it, or is a link straight to one: to be treated as media."""
    return _WRITTEN.search(text) is not None or any(_is_base64(found[0]) for found in _BLOCK.finditer(text))


def _is_base64(block: str) -> bool:
    """Tells encoded bytes from a long row of one letter or a list of single words."""
    longest = max(block.split(), key=len, default="")
    kinds = (str.isupper, str.islower, str.isdigit)
    return len(longest) >= BASE64_LINE and all(any(is_kind(letter) for letter in block) for is_kind in kinds)
