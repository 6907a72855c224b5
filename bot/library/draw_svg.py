"""A layered drawing as SVG: a branch's words get a place of their own, so that nothing overlaps at a hundred steps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from textwrap import wrap
from types import MappingProxyType

BoxData = tuple[str, str, tuple[str, ...], str]
"""(id, kind, lines, file:line:column)."""
ArrowData = tuple[str, str, str]
"""(from, to, label)."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What is said at the foot of a step's box, over a bar of which `share` (0 to 1) is filled; None: no bar."""

    text: str
    share: float | None = None


NO_CAPTIONS: Mapping[str, Caption] = MappingProxyType({})

CHARACTERS = 30
LINE = 17
PADDING = 10
WIDTH = 240
GAP_ACROSS, GAP_DOWN = 24, 34
CAPTION, BAR = 22, 7
"""How high a caption is, and the bar under it."""
SWEEPS = 6
FILLS: Mapping[str, str] = {
    "collect": "#fff7bf",
    "action": "#ffffff",
    "link": "#d2e2f1",
    "call": "#d2e2f1",
    "set_slots": "#f3f2f1",
    "noop": "#f3f2f1",
    "end": "#cce2d8",
    "label": "none",
    "bend": "none",
}


@dataclass(slots=True)
class _Node:
    id: str
    kind: str
    lines: tuple[str, ...]
    about: str = ""
    caption: Caption | None = None
    layer: int = 0
    x: float = 0
    y: float = 0
    top: float = 0
    bottom: float = 0
    """Of its layer: lines between boxes run straight there."""

    @property
    def width(self) -> int:
        return 8 if self.kind == "bend" else WIDTH

    @property
    def height(self) -> int:
        if self.kind == "bend":
            return LINE
        return LINE * len(self.lines) + (PADDING * 2 if self.kind != "label" else 6) + self.foot

    @property
    def foot(self) -> int:
        """How high what stands under its words is."""
        if self.caption is None:
            return 0
        return CAPTION + (BAR if self.caption.share is not None else 0)


@dataclass(slots=True)
class _Layout:
    nodes: dict[str, _Node] = field(default_factory=dict)
    arrows: list[tuple[str, str]] = field(default_factory=list)
    """Between neighbouring layers, downwards."""
    upwards: set[tuple[str, str]] = field(default_factory=set)
    """Arrows that were turned round so that all point down."""
    heads: set[tuple[str, str]] = field(default_factory=set)
    """Arrows whose end is the step they lead to."""


def svg_of(
    title: str,
    about: str,
    boxes: Sequence[BoxData],
    arrows: Sequence[ArrowData],
    captions: Mapping[str, Caption] = NO_CAPTIONS,
) -> str:
    """`captions` by the ids of boxes."""
    layout = _layout(boxes, arrows, captions)
    layers = _ordered(layout)
    width, height = _place(layers)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="13">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(about)} {escape(_in_words(boxes, arrows, captions))}</desc>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="#505a5f"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
    ]
    parts += list(_lines(layout))
    parts += [_box(node) for node in layout.nodes.values() if node.kind != "bend"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _in_words(boxes: Sequence[BoxData], arrows: Sequence[ArrowData], captions: Mapping[str, Caption]) -> str:
    """The same for those who cannot see it: each step, then each way."""
    said = {id_: f" ({caption.text})" for id_, caption in captions.items()}
    steps = "; ".join(": ".join(lines[:2]) + said.get(id_, "") for id_, _, lines, _ in boxes)
    ways = "; ".join(f"{start} to {to}" + (f" if {label}" if label else "") for start, to, label in arrows)
    return f"{steps}. {ways}."


# --- layers ----------------------------------------------------------------------------------------------------------


def _layout(boxes: Sequence[BoxData], arrows: Sequence[ArrowData], captions: Mapping[str, Caption]) -> _Layout:
    layout = _Layout()
    for id_, kind, lines, about in boxes:
        wrapped = [part for line in lines for part in (wrap(line, CHARACTERS) or [""])]
        layout.nodes[id_] = _Node(id_, kind, tuple(wrapped), about, captions.get(id_))
    turned = _turned(boxes, arrows)
    layers = _layers(boxes, [(to, start) if (start, to) in turned else (start, to) for start, to, _ in arrows])
    for id_, layer in layers.items():
        layout.nodes[id_].layer = layer * 2
    for number, (start, to, label) in enumerate(arrows):
        if start != to:
            _connect(layout, number, start, to, label, is_turned=(start, to) in turned)
    return layout


def _turned(boxes: Sequence[BoxData], arrows: Sequence[ArrowData]) -> set[tuple[str, str]]:
    """Arrows back to a step that is still being walked from: found depth first, in the order of the file."""
    following: dict[str, list[str]] = {}
    for start, to, _ in arrows:
        following.setdefault(start, []).append(to)
    found: set[tuple[str, str]] = set()
    done: set[str] = set()
    for root, *_ in boxes:
        if root in done:
            continue
        work = [(root, iter(following.get(root, [])))]
        path = {root}
        while work:
            node, rest = work[-1]
            to = next(rest, "")
            if not to:
                work.pop()
                path.discard(node)
                done.add(node)
            elif to in path:
                found.add((node, to))
            elif to not in done:
                path.add(to)
                work.append((to, iter(following.get(to, []))))
    return found


def _layers(boxes: Sequence[BoxData], arrows: Sequence[tuple[str, str]]) -> Mapping[str, int]:
    """Each step one below the lowest that leads to it."""
    layers = {box[0]: 0 for box in boxes}
    for _ in boxes:
        changed = False
        for start, to in arrows:
            if start != to and layers[to] <= layers[start]:
                layers[to] = layers[start] + 1
                changed = True
        if not changed:
            break
    return layers


def _connect(layout: _Layout, number: int, start: str, to: str, label: str, *, is_turned: bool) -> None:
    """A chain of places from layer to layer; the first under the step that asks holds the branch's words."""
    upper, lower = (to, start) if is_turned else (start, to)
    first, last = layout.nodes[upper].layer, layout.nodes[lower].layer
    chain = [upper]
    at_label = last - 1 if is_turned else first + 1
    for layer in range(first + 1, last):
        id_ = f"bend {number} {layer}"
        lines = tuple(wrap(label, CHARACTERS)) if label and layer == at_label else ()
        layout.nodes[id_] = _Node(id_, "label" if lines else "bend", lines, layer=layer)
        chain.append(id_)
    chain.append(lower)
    pairs = list(pairwise(chain))
    layout.arrows += pairs
    layout.heads.add(pairs[0] if is_turned else pairs[-1])
    if is_turned:
        layout.upwards.update(pairs)


def _ordered(layout: _Layout) -> list[list[_Node]]:
    """Layers from the top, each ordered by the mean place of its neighbours, so that few arrows cross."""
    layers: list[list[_Node]] = [[] for _ in range(max(node.layer for node in layout.nodes.values()) + 1)]
    for node in layout.nodes.values():
        layers[node.layer].append(node)
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for start, to in layout.arrows:
        above.setdefault(to, []).append(start)
        below.setdefault(start, []).append(to)
    for sweep in range(SWEEPS):
        neighbours = below if sweep % 2 else above
        for layer in reversed(layers) if sweep % 2 else layers:
            place = {node.id: number for each in layers for number, node in enumerate(each)}
            layer.sort(key=lambda node: _mean([place[other] for other in neighbours.get(node.id, [])], place[node.id]))
    return layers


def _mean(places: list[int], own: int) -> float:
    return sum(places) / len(places) if places else float(own)


def _place(layers: list[list[_Node]]) -> tuple[float, float]:
    widths = [sum(node.width + GAP_ACROSS for node in layer) for layer in layers]
    widest, y = max(widths), float(PADDING)
    for layer, width in zip(layers, widths, strict=True):
        x = (widest - width) / 2 + GAP_ACROSS / 2
        tallest = max((node.height for node in layer), default=0)
        for node in layer:
            node.x, node.y = x, y + (tallest - node.height) / 2
            node.top, node.bottom = y, y + tallest
            x += node.width + GAP_ACROSS
        y += tallest + GAP_DOWN
    return widest + GAP_ACROSS, y


_BETWEEN = frozenset({"bend", "label"})


# --- drawing ---------------------------------------------------------------------------------------------------------


def _lines(layout: _Layout) -> Iterator[str]:
    for start, to in layout.arrows:
        upper, lower = layout.nodes[start], layout.nodes[to]
        x1, y1 = upper.x + upper.width / 2, upper.bottom if upper.kind in _BETWEEN else upper.y + upper.height
        x2, y2 = lower.x + lower.width / 2, lower.top if lower.kind in _BETWEEN else lower.y
        middle = (y1 + y2) / 2
        up = (start, to) in layout.upwards
        tip = f' marker-{"start" if up else "end"}="url(#tip)"' if (start, to) in layout.heads else ""
        dashes = ' stroke-dasharray="5 3"' if up else ""
        yield (
            f'<path d="M{x1:.0f} {y1:.0f}C{x1:.0f} {middle:.0f} {x2:.0f} {middle:.0f} {x2:.0f} {y2:.0f}" '
            f'fill="none" stroke="#505a5f"{dashes}{tip}/>'
        )
        if lower.kind in _BETWEEN:
            end = lower.bottom if lower.kind == "bend" else lower.y
            yield f'<path d="M{x2:.0f} {lower.top:.0f}V{end:.0f}" fill="none" stroke="#505a5f"{dashes}/>'
        if upper.kind == "label":
            start_y = upper.y + upper.height
            yield f'<path d="M{x1:.0f} {start_y:.0f}V{upper.bottom:.0f}" fill="none" stroke="#505a5f"{dashes}/>'


def _box(node: _Node) -> str:
    is_label = node.kind == "label"
    fill = "#ffffff" if is_label else FILLS[node.kind]
    stroke = "none" if is_label else "#0b0c0c"
    rounded = 14 if node.kind in ("collect", "end") else 2
    top = node.y + (3 if is_label else PADDING) + 12
    texts = []
    for number, line in enumerate(node.lines):
        bold = ' font-weight="bold"' if number == 0 and not is_label else ""
        slant = ' font-style="italic"' if is_label else ""
        texts.append(
            f'<text x="{node.x + node.width / 2:.0f}" y="{top + number * LINE:.0f}" text-anchor="middle"{bold}{slant}>'
            f"{escape(line)}</text>"
        )
    about = f"<title>{escape(node.about)}</title>" if node.about else ""
    return (
        f'<g>{about}<rect x="{node.x:.0f}" y="{node.y:.0f}" width="{node.width}" height="{node.height}" rx="{rounded}" '
        f'fill="{fill}" stroke="{stroke}"/>{"".join(texts)}{_foot(node)}</g>'
    )


def _foot(node: _Node) -> str:
    """The caption, under a line of its own, and its bar."""
    if node.caption is None:
        return ""
    top, middle, share = node.y + node.height - node.foot, node.x + node.width / 2, node.caption.share
    text = (
        f'<path d="M{node.x + 1:.0f} {top:.0f}h{node.width - 2}" stroke="#b1b4b6"/><text x="{middle:.0f}" '
        f'y="{top + 15:.0f}" text-anchor="middle" font-size="12" font-weight="bold">{escape(node.caption.text)}</text>'
    )
    if share is None:
        return text
    long, at = node.width - 2 * PADDING, (node.x + PADDING, top + CAPTION - 1)
    return (
        f'{text}<rect x="{at[0]:.0f}" y="{at[1]:.0f}" width="{long}" height="4" fill="#dcdedf"/>'
        f'<rect x="{at[0]:.0f}" y="{at[1]:.0f}" width="{long * min(1.0, share):.1f}" height="4" fill="#8a5a00"/>'
    )
