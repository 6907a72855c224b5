"""Libraries made by chance: all that steps, conditions and responses may be, in a few small flows."""

import json
from typing import Any

from hypothesis import strategies as st

from bot.library.model import Library
from tests.builders import files, loaded

PATTERNS = """
flows:
  pattern_session_start:
    description: Greets.
    steps:
      - link: start
  pattern_completed:
    description: Anything else?
    steps:
      - action: utter_plain
"""
VALUES = ["a", "b", "c"]
SLOTS = ["s0", "s1", "s2", "s3"]


def library_of(made: dict[str, Any]) -> Library:
    return loaded(files(flows=json.dumps(made), patterns=PATTERNS))


@st.composite
def libraries(draw: st.DrawFn, *, forwards: bool = False) -> dict[str, Any]:
    """`start` links to `other` and `again`, calls `sub`, which calls `deep`; everything flows may have, by chance.

    `forwards`: no way comes round again, and no button starts a flow.
    """
    flows = {
        "start": _flow(draw, 4, links=("other", "again"), calls=("sub",)),
        "other": _flow(draw, 2, links=("again",), calls=("deep",)),
        "again": _flow(draw, 2, links=() if forwards else ("other",)),
        "sub": _flow(draw, 2, calls=("deep",), exhausted=() if forwards else ("other", "again")),
        "deep": _flow(draw, 2, exhausted=() if forwards else ("other",)),
    }
    flows["other"]["nlu_trigger"] = [{"intent": "other_started"}]
    slots: dict[str, Any] = {name: {"type": "categorical", "values": VALUES} for name in SLOTS}
    for name in draw(st.lists(st.sampled_from(SLOTS), max_size=1)):
        slots[name]["initial_value"] = draw(st.sampled_from(VALUES))
    slots["service_open"] = {"type": "bool"}
    responses: dict[str, Any] = {
        "utter_plain": [{"text": "Plain."}],
        "utter_by_slot": _by_condition(draw, [{"text": "Words."}, _paged("danger-now"), _paged("tell-lead-now")]),
        "utter_no": _by_condition(draw, [{"text": "No."}, {"text": "No, "}, _paged("danger-now")]),
    }
    for name in sorted({step["collect"] for flow in flows.values() for step in flow["steps"] if "collect" in step}):
        kinds = [{"text": "Which?"}, _buttons(name, VALUES), _buttons(name, VALUES[1:]), _buttons(name, VALUES, "!")]
        responses[f"utter_ask_{name}"] = _by_condition(draw, [*kinds, *([] if forwards else [_with_flow(name)])])
    return {"flows": flows, "slots": slots, "responses": responses}


def _paged(page: str) -> dict[str, Any]:
    return {"text": "", "metadata": {"firstline": {"page": page}}}


def _buttons(name: str, values: list[str], mark: str = "") -> dict[str, Any]:
    buttons = [{"title": value + mark, "payload": f"/SetSlots({name}={value})"} for value in values]
    return {"text": "Which?", "buttons": buttons}


def _with_flow(name: str) -> dict[str, Any]:
    asked = _buttons(name, VALUES[:2])
    return {**asked, "buttons": [*asked["buttons"], {"title": "Other", "payload": "/other_started"}]}


def _by_condition(draw: st.DrawFn, kinds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A variation or two under a condition, then perhaps one without."""
    chosen = draw(st.lists(st.sampled_from(kinds), max_size=2))
    conditional = [{**each, "condition": draw(conditions())} for each in chosen]
    return [*conditional, *([draw(st.sampled_from(kinds))] if not chosen or draw(st.booleans()) else [])]


def _flow(
    draw: st.DrawFn,
    most: int,
    *,
    links: tuple[str, ...] = (),
    calls: tuple[str, ...] = (),
    exhausted: tuple[str, ...] = (),
) -> dict[str, Any]:
    size = draw(st.integers(1, most))
    steps = [_step(draw, number, size, links, calls, exhausted or links) for number in range(size)]
    filled = {step["collect"] for step in steps if "collect" in step}
    filled |= {name for step in steps for each in step.get("set_slots", ()) for name in each}
    kept = [name for name in sorted(filled) if draw(st.booleans())]
    return {"description": "Made by chance.", "steps": steps, **({"persisted_slots": kept} if kept else {})}


def _step(
    draw: st.DrawFn, number: int, size: int, links: tuple[str, ...], calls: tuple[str, ...], exhausted: tuple[str, ...]
) -> dict[str, Any]:
    step: dict[str, Any] = {"id": f"step{number}"}
    after = "END" if number + 1 == size else f"step{number + 1}"
    kinds = ["collect", "collect", "collect", "set_slots", "said", "opening", *(["call"] * 3 if calls else [])]
    match draw(st.sampled_from(kinds)):
        case "collect":
            step |= _collect(draw, (*(f"step{each}" for each in range(number + 1, size)), *exhausted))
        case "set_slots":
            name = draw(st.sampled_from(SLOTS))
            step["set_slots"] = [{name: draw(st.sampled_from([*VALUES, None]))}]
        case "said":
            step["action"] = "utter_by_slot"
        case "opening":
            step["action"] = "action_opening_hours"
        case _:
            step["call"] = draw(st.sampled_from(calls))
    step["next"] = after
    if draw(st.booleans()):
        later: Any = draw(st.sampled_from(["END", *(f"step{each}" for each in range(number + 1, size))]))
        if links and draw(st.booleans()):
            later = [{"id": f"link{number}", "link": draw(st.sampled_from(links))}]
        step["next"] = [{"if": draw(conditions()), "then": later}, {"else": after}]
    return step


def _collect(draw: st.DrawFn, targets: tuple[str, ...]) -> dict[str, Any]:
    step: dict[str, Any] = {"collect": draw(st.sampled_from(SLOTS)), "ask_before_filling": draw(st.booleans())}
    if draw(st.integers(0, 3)) == 0:
        step["rejections"] = [{"if": draw(conditions()), "utter": "utter_no"}]
    if targets and draw(st.integers(0, 2)) == 0:
        step["metadata"] = {"firstline": {"on_exhausted": draw(st.sampled_from(targets))}}
    return step


@st.composite
def conditions(draw: st.DrawFn) -> str:
    parts = draw(st.lists(_tests(), min_size=1, max_size=3))
    if len(parts) == 1:
        return parts[0]
    inner = draw(st.sampled_from([" and ", " or "])).join(parts[:2])
    if len(parts) == 2:
        return inner
    return f"({inner}){draw(st.sampled_from([' and ', ' or ']))}{parts[2]}"


@st.composite
def _tests(draw: st.DrawFn) -> str:
    name, value = draw(st.sampled_from(SLOTS)), draw(st.sampled_from(VALUES))
    test = draw(
        st.sampled_from(
            [
                f'slots.{name} is "{value}"',
                f'slots.{name} is not "{value}"',
                f"slots.{name} is null",
                f"slots.{name} is not null",
                f"{{'a' 'b'}} contains slots.{name}",
                f"slots.{name} is slots.{draw(st.sampled_from(SLOTS))}",
                "slots.service_open",
            ]
        )
    )
    return f"not ({test})" if draw(st.integers(0, 3)) == 0 else test
