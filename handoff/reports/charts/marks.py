"""The marks a chart is drawn with, as SVG in text: they carry the colours of paper, and classes for a dark screen."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

SANS: Final = "'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', 'Helvetica Neue', Arial, sans-serif"
INK, QUIET, LINE, PAPER = "#14232b", "#4b5c65", "#d3dce0", "#ffffff"
FILLS: Final = {"first": "#0b5563", "second": "#9cc5cb", "third": "#c9a45c", "term": "#f2ecdd", "cell-none": PAPER}
LEVELS: Final = ("#e4f0f1", "#bfdde1", "#8cc0c7", "#2b7683", "#0b4450")
"""From little to much. On the last two, numbers are white; every pair has a contrast of 4.5 or more."""
FIRST_DARK: Final = 3
LETTERS: Final = {
    "ink": INK,
    "quiet": QUIET,
    **{f"on-{level}": PAPER if level >= FIRST_DARK else INK for level in range(len(LEVELS))},
}
SIZE: Final = 12
SERIES: Final = ("first", "second", "third")
_UNDRAWABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_WIDE, _NARROW, _FLAT = frozenset("mwMW@%—"), frozenset("iljI.,:;'’|!() "), frozenset("frt-–")


@dataclass(frozen=True, slots=True)
class Frame:
    """A drawing's size, in its own units; on paper 720 of them are as wide as the text."""

    width: float
    height: float


def words(text: str) -> str:
    """Safe inside SVG, as text or in an attribute."""
    return escape(_UNDRAWABLE.sub("\ufffd", text))


def width_of(text: str, size: float = SIZE) -> float:
    """About how wide it is set; rather too much than too little. No font is asked."""
    return size * sum(_part(each) for each in text)


def fitted(text: str, width: float, size: float = SIZE) -> str:
    """Cut with "…" where it would be wider."""
    if width_of(text, size) <= width:
        return text
    kept = text
    while kept and width_of(kept + "…", size) > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def wrapped(text: str, width: float, lines: int, size: float = SIZE) -> tuple[str, ...]:
    """At most so many lines of at most that width; what is left over is cut with "…"."""
    found: list[str] = []
    for word in text.split() or [""]:
        longer = f"{found[-1]} {word}" if found else word
        if found and (width_of(longer, size) <= width or len(found) == lines):
            found[-1] = longer
        else:
            found.append(word)
    return tuple(fitted(each, width, size) for each in found)


def text(
    x: float, y: float, said: str, kind: str = "ink", anchor: str = "start", size: float = SIZE, more: str = ""
) -> str:
    """`y` is the line the letters stand on. `kind` is ink, quiet, or on-0 to on-4 for a number on that level."""
    return (
        f'<text class="c-{kind}" x="{x:.1f}" y="{y:.1f}" font-family="{SANS}" font-size="{size:g}" '
        f'text-anchor="{anchor}" fill="{LETTERS[kind]}"{more}>{words(said)}</text>'
    )


def centred(x: float, y: float, said: str, left: float, right: float, kind: str = "ink", size: float = SIZE) -> str:
    """Its middle at `x`, or as near as it may be between `left` and `right`."""
    half = width_of(said, size) / 2
    return text(max(left + half, min(x, right - half)), y, said, kind, "middle", size)


def box(x: float, y: float, width: float, height: float, kind: str, fill: str | None = None, more: str = "") -> str:
    return (
        f'<rect class="c-{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" '
        f'fill="{fill or FILLS[kind]}"{more}/>'
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "line", stroke: str = LINE, more: str = "") -> str:
    return (
        f'<line class="c-{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" '
        f'stroke-width="1"{more}/>'
    )


def drawing(frame: Frame, name: str, about: str, parts: Iterable[str]) -> str:
    """One picture with what it is called and what it shows, for whoever does not see it."""
    size = f'viewBox="0 0 {frame.width:g} {frame.height:g}" width="{frame.width:g}" height="{frame.height:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" {size}>'
    return "\n".join((head, f"<title>{words(name)}</title>", f"<desc>{words(about)}</desc>", *parts, "</svg>"))


def _part(letter: str) -> float:
    if letter in _NARROW:
        return 0.3
    if letter in _FLAT:
        return 0.42
    if letter in _WIDE:
        return 0.92
    return 0.7 if letter.isupper() else 0.57 if 0x20 <= ord(letter) < 0x2E80 else 1.05
