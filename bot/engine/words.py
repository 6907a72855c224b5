"""Typed words made comparable: what they are without case and marks, and whether two are nearly the same."""

import re
import unicodedata
from collections.abc import Sequence

_APOSTROPHES = str.maketrans("", "", "'’‘`´")
_MARKS = re.compile(r"[\W_]+")


def normal(text: str) -> str:
    """Case, apostrophes and punctuation gone, one space between words: "Don't know!" is "dont know"."""
    composed = text if text.isascii() else unicodedata.normalize("NFC", text)
    return _MARKS.sub(" ", composed.translate(_APOSTROPHES).casefold()).strip()


def without(text: str, lead_ins: Sequence[str]) -> str:
    """Normalised words without what people begin and end a request with: "can i just stop please" is "stop"."""
    while True:
        shorter = text
        for lead_in in lead_ins:
            shorter = shorter.removeprefix(f"{lead_in} ").removesuffix(f" {lead_in}")
        if shorter == text:
            return text
        text = shorter


def is_near(one: str, other: str) -> bool:
    """True when few slips of the finger lie between them: none under 4 letters, 1 under 8, 2 under 16, else 3."""
    shorter = min(len(one), len(other))
    allowed = 0 if shorter < 4 else 1 if shorter < 8 else 2 if shorter < 16 else 3
    if abs(len(one) - len(other)) > allowed:
        return False
    return one == other or (allowed > 0 and _slips(one, other, allowed) <= allowed)


def _slips(one: str, other: str, most: int) -> int:
    """Letters added, lost, changed or swapped (optimal string alignment); counting stops above `most`."""
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before_last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before_last, last = last, row
    return last[-1]
