"""Deep links: one short code that says where to begin and who pointed here, in the form every channel can carry.

`impersonation-school42` opens the flow `impersonation` for someone sent by `school42`; either half may be missing
(`impersonation`, `-school42`). Telegram allows 64 characters of A-Z a-z 0-9 _ - in `?start=`.
"""

import re
from datetime import datetime

from bot.domain import Opened

MAX_CHARACTERS = 64
_REFERRER = re.compile(r"[a-z0-9_-]{1,40}", re.ASCII | re.IGNORECASE)
_CODE = re.compile(r"(?P<flow>[a-z0-9_]*)(?:-(?P<referrer>[a-z0-9_-]{1,40}))?", re.ASCII | re.IGNORECASE)


def opened(code: str, now: datetime, language: str | None = None) -> Opened:
    """What a link's code asks for; one that is none of ours opens at the beginning."""
    found = _CODE.fullmatch(code[:MAX_CHARACTERS])
    if found is None:
        return Opened(now, language=language)
    flow, referrer = found["flow"].lower(), found["referrer"]
    return Opened(now, flow or None, language, referrer.lower() if referrer else None)


def referrer(code: str) -> str | None:
    """The code of whoever pointed here, alone; None when it is none."""
    return code.lower() if _REFERRER.fullmatch(code) else None


def code_of(flow: str | None, referrer: str | None) -> str:
    """The code that `opened` reads.

    Raises: ValueError when a part has other signs than links can carry, or the whole is too long.
    """
    code = f"{flow or ''}{f'-{referrer}' if referrer else ''}"
    if not code or len(code) > MAX_CHARACTERS or not _CODE.fullmatch(code):
        raise ValueError(f"A link carries 1 to {MAX_CHARACTERS} of a-z 0-9 _ and - (the code of who points, 40).")
    return code
