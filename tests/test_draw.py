"""Drawings of flows: every step and branch is there, nothing breaks the form, and a hundred steps stay readable."""

import json
import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bot.library.draw import CannotDrawError, drawn
from bot.library.draw_svg import Caption
from bot.library.load import load
from bot.library.model import Library
from tests.builders import files, helpline, loaded

SVG = "{http://www.w3.org/2000/svg}"
ROOT = Path(__file__).parent.parent


def svg(library: Library, flow: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawn(library, flow, "svg"))


def words(root: ElementTree.Element) -> str:
    return " ".join(text.text or "" for text in root.iter(f"{SVG}text"))


def hundred() -> Library:
    steps = [
        {"id": f"step{n}", "noop": True, "next": [{"if": 'slots.danger is "no"', "then": f"step{min(n + 7, 99)}"}]}
        for n in range(99)
    ]
    for number, step in enumerate(steps):
        step["next"] = [*step["next"], {"else": f"step{number + 1}"}]  # type: ignore[misc]
    steps.append({"id": "step99", "action": "utter_done"})
    return loaded(files(json.dumps({"flows": {"long": {"description": "Long.", "steps": steps}}})))


def test_every_step_and_every_branch_is_drawn() -> None:
    flow = helpline().flows["impersonation"]
    mermaid, picture = drawn(helpline(), "impersonation"), words(svg(helpline(), "impersonation"))
    for step in flow.steps:
        assert step in mermaid
        assert step[:28] in picture.replace(" ", "") or step in picture
    for text in (mermaid.replace("#quot;", '"'), picture):
        assert 'reported is "refused"' in text
        assert "not understood 2 times" in text
        assert "pattern_human_handoff" in text


def test_the_svg_can_be_read_without_being_seen() -> None:
    root = svg(helpline(), "start")
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "start"  # type: ignore[union-attr]
    described = root.find(f"{SVG}desc").text or ""  # type: ignore[union-attr]
    assert 'concern is "impersonation"' in described


def test_each_box_says_where_its_step_is_written() -> None:
    titles = [title.text or "" for title in svg(helpline(), "start").iter(f"{SVG}title")]
    steps = helpline().flows["start"].steps.values()
    assert {str(step.where) for step in steps} <= set(titles)


def test_words_cannot_break_out_of_the_drawing() -> None:
    text = '"]; click n0 "javascript:x" <script>|#'
    flow = {"description": "Odd.", "steps": [{"action": "utter_odd"}]}
    extra = json.dumps({"flows": {"odd": flow}, "responses": {"utter_odd": [{"text": text}]}})
    library = loaded(files(extra))
    line = next(line for line in drawn(library, "odd").split("\n") if "click" in line)
    assert line.count('"') == 2
    assert "<script" not in line.replace("<br>", "")
    assert "<script" not in drawn(library, "odd", "svg")
    svg(library, "odd")


def test_a_hundred_steps_do_not_lie_on_each_other() -> None:
    root = svg(hundred(), "long")
    boxes = [
        tuple(float(rect.get(key, 0)) for key in ("x", "y", "width", "height"))
        for group in root.iter(f"{SVG}g")
        for rect in group.iter(f"{SVG}rect")
    ]
    assert len(boxes) > 190
    for (x1, y1, w1, h1), (x2, y2, w2, h2) in combinations(boxes, 2):
        assert x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1
    width, height = (float(root.get(key, 0)) for key in ("width", "height"))
    assert all(min(x, y) >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)


def test_a_way_back_is_drawn_too() -> None:
    back = """
flows:
  back:
    description: Back.
    steps:
      - id: ask
        collect: seen_by
        next: [{if: slots.seen_by is "few", then: again}, {else: END}]
      - {id: again, set_slots: [{seen_by: null}], next: ask}
"""
    library = loaded(files(back))
    assert re.search(r"n1 --> n0\n", drawn(library, "back"))
    assert "stroke-dasharray" in drawn(library, "back", "svg")


def test_the_same_flow_is_drawn_the_same() -> None:
    assert drawn(helpline(), "start", "svg") == drawn(helpline(), "start", "svg")


def test_a_caption_stands_inside_the_box_of_its_step_with_its_share_as_a_bar() -> None:
    library = helpline()
    first, second = list(library.flows["impersonation"].steps)[:2]
    captions = {first: Caption("1,200 reached · 300 left (25 %) <b>", 0.25), second: Caption("900 reached")}
    root = ElementTree.fromstring(drawn(library, "impersonation", "svg", captions))
    groups = {list(group.iter(f"{SVG}text"))[-1].text: group for group in root.iter(f"{SVG}g")}
    box, track, filled = (
        {key: float(rect.get(key, 0)) for key in ("x", "y", "width", "height")}
        for rect in groups[captions[first].text].iter(f"{SVG}rect")
    )
    assert filled["width"] == track["width"] * 0.25
    *words_above, caption = [float(text.get("y", 0)) for text in groups[captions[first].text].iter(f"{SVG}text")]
    assert caption - max(words_above) > 15
    for each in (track, filled):
        assert box["x"] < each["x"]
        assert each["y"] + each["height"] < box["y"] + box["height"]
    assert len(list(groups["900 reached"].iter(f"{SVG}rect"))) == 1
    described = root.find(f"{SVG}desc").text or ""  # type: ignore[union-attr]
    assert "(900 reached)" in described
    assert "1,200 reached · 300 left (25 %) #lt;b#gt;" in drawn(library, "impersonation", captions=captions)


def test_captions_do_not_push_boxes_over_each_other() -> None:
    library = hundred()
    captions = {step: Caption("12,345 reached · 1,234 left (10 %)", 0.1) for step in library.flows["long"].steps}
    root = ElementTree.fromstring(drawn(library, "long", "svg", captions))
    boxes = [
        tuple(float(rect.get(key, 0)) for key in ("x", "y", "width", "height"))
        for group in root.iter(f"{SVG}g")
        for rect in list(group.iter(f"{SVG}rect"))[:1]
    ]
    for (x1, y1, w1, h1), (x2, y2, w2, h2) in combinations(boxes, 2):
        assert x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1


def test_without_captions_nothing_is_drawn_otherwise() -> None:
    assert drawn(helpline(), "start", "svg", {}) == drawn(helpline(), "start", "svg")
    assert drawn(helpline(), "start", "svg", {"nowhere": Caption("x", 1)}).count("<text") == drawn(
        helpline(), "start", "svg"
    ).count("<text")


def test_what_cannot_be_drawn_is_told() -> None:
    with pytest.raises(CannotDrawError, match="did you mean 'start'"):
        drawn(helpline(), "strat")
    with pytest.raises(CannotDrawError, match="mermaid or svg"):
        drawn(helpline(), "start", "png")


def test_every_shipped_flow_can_be_drawn() -> None:
    library = load(ROOT).library
    assert library is not None
    for flow in library.flows:
        svg(library, flow)
        assert drawn(library, flow).startswith("flowchart TD\n")
