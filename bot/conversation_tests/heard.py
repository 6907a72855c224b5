"""What came of one step of the enquirer, and whether it is what was expected."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from bot.conversation_tests.reading import pressed_slots
from bot.conversation_tests.script import (
    ActionExecuted,
    ButtonSeen,
    CaseOpened,
    Expectation,
    FlowEnded,
    FlowStarted,
    SlotSet,
    Uttered,
)
from bot.domain import HandOver, Offer, Trouble
from bot.engine.walk import shown

MAX_TEXT_SHOWN = 70


@dataclass(frozen=True, slots=True)
class Spoken:
    """One reply in words, with what its choices stand for."""

    response: str
    text: str
    choices: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """The events and replies between two things the enquirer did; `position` of an event orders what is expected."""

    events: tuple[tuple[str, str], ...] = ()
    spoken: tuple[Spoken, ...] = ()
    hand_over: HandOver | None = None
    trouble: Trouble | None = None

    def __add__(self, other: "Heard") -> "Heard":
        return Heard(
            self.events + other.events,
            self.spoken + other.spoken,
            other.hand_over or self.hand_over,
            other.trouble or self.trouble,
        )

    def lines(self) -> tuple[str, ...]:
        """What happened instead, for a failure."""
        said = [f"said {each.response}: {_first_line(each.text)}{_titles(each)}" for each in self.spoken]
        events = [f"{kind} {what}" for kind, what in self.events if kind != "step"]
        case = [f"case opened: tier {self.hand_over.tier}, {self.hand_over.reason}"] if self.hand_over else []
        trouble = [f"trouble: {self.trouble.reason} at {self.trouble.flow}/{self.trouble.step}"] if self.trouble else []
        return (*said, *events, *case, *trouble) or ("nothing",)


def unmet(expects: Sequence[Expectation], heard: Heard, *, ordered: bool) -> list[Expectation]:
    """Those expectations that did not come true; `ordered`: each must stand after the one before it."""
    missing: list[Expectation] = []
    least = 0
    for expected in expects:
        places = met_at(expected, heard)
        later = [place for place in places if place >= least] if ordered else places
        if not later:
            missing.append(expected)
        elif ordered and _is_placed(expected):
            least = later[0]
    return missing


def met_at(expected: Expectation, heard: Heard) -> list[int]:
    """Where it came true: places among the events (for words among the replies); empty when it did not."""
    match expected:
        case FlowStarted(flows=flows, any=any_):
            places = {flow: _events(heard, "flow_started", flow) for flow in flows}
            missing = not any(places.values()) if any_ else not all(places.values())
            return [] if missing else sorted(place for each in places.values() for place in each)
        case FlowEnded():
            return _ended(expected, heard)
        case ActionExecuted(action=action):
            return _events(heard, "action_executed", action)
        case SlotSet():
            return _slot_set(expected, heard)
        case Uttered(wanted=wanted):
            said = [place for place, each in enumerate(heard.spoken) if _is_said(expected, each)]
            return said if wanted else ([] if said else [0])
        case CaseOpened():
            return [0] if _opened(expected, heard.hand_over) else []
        case _:
            assert_never(expected)


def described(expected: Expectation) -> str:
    match expected:
        case FlowStarted(flows=flows, any=any_):
            return f"{'any of ' if any_ and len(flows) > 1 else ''}flow {', '.join(flows)} to start"
        case FlowEnded(how=how, flow=flow, step=step):
            end = "complete" if how == "flow_completed" else "be cancelled"
            return f"flow {flow} to {end}" + (f" at step {step}" if step else "")
        case ActionExecuted(action=action):
            return f"action {action}"
        case SlotSet(slot=slot, value=value, has_value=has_value, wanted=wanted):
            return f"slot {slot} {'' if wanted else 'not '}set" + (f" to {shown(value)}" if has_value else "")
        case Uttered():
            return _words(expected)
        case CaseOpened(tier=tier, reason=reason, wanted=wanted):
            tier_words = "" if tier is None else f" of tier {tier}"
            return f"{'a' if wanted else 'no'} case{tier_words} opened" + (f" because: {reason}" if reason else "")
        case _:
            assert_never(expected)


def fits_payload(payload: str, offer: Offer) -> bool:
    """Whether a button's payload as written stands for this choice."""
    pairs = pressed_slots(payload)
    if pairs is None:
        name = payload.strip().removeprefix("/")
        return name in (offer.command, offer.flow)
    written = {name: value.casefold() for name, value in pairs}
    return bool(offer.sets) and {name: shown(value).casefold() for name, value in offer.sets} == written


# --- each kind -------------------------------------------------------------------------------------------------------


def _events(heard: Heard, kind: str, what: str) -> list[int]:
    return [place for place, event in enumerate(heard.events) if event == (kind, what)]


def _ended(expected: FlowEnded, heard: Heard) -> list[int]:
    places = _events(heard, expected.how, expected.flow)
    if expected.step is None:
        return places
    return [place for place in places if _last_step(heard.events[:place], expected.flow) == expected.step]


def _last_step(events: Sequence[tuple[str, str]], flow: str) -> str | None:
    walked = [what.partition("/") for kind, what in events if kind == "step"]
    return next((step for name, _, step in reversed(walked) if name == flow), None)


def _slot_set(expected: SlotSet, heard: Heard) -> list[int]:
    found = []
    for place, (kind, what) in enumerate(heard.events):
        name, _, value = what.partition("=")
        if kind == "slot_set" and name == expected.slot:
            same = value == shown(expected.value) if expected.has_value else value != "null"
            found += [place] if same else []
    if expected.wanted:
        return found
    return [] if found else [0]


def _is_said(expected: Uttered, spoken: Spoken) -> bool:
    if expected.response and spoken.response != expected.response:
        return False
    if expected.exactly is not None and spoken.text.strip() != expected.exactly.strip():
        return False
    if expected.matches and not re.search(expected.matches, spoken.text):
        return False
    rest = iter(spoken.choices)
    return all(any(_is_button(button, offer) for offer in rest) for button in expected.buttons)


def _is_button(button: ButtonSeen, offer: Offer) -> bool:
    titled = button.title is None or button.title == offer.title
    return titled and (button.payload is None or fits_payload(button.payload, offer))


def _opened(expected: CaseOpened, hand_over: HandOver | None) -> bool:
    if hand_over is None:
        return not expected.wanted
    same = expected.tier in (None, hand_over.tier) and expected.reason in (None, hand_over.reason)
    return same is expected.wanted


def _is_placed(expected: Expectation) -> bool:
    """Whether its place is one among the events: words and cases are looked for anywhere."""
    match expected:
        case FlowStarted() | FlowEnded() | ActionExecuted():
            return True
        case SlotSet(wanted=wanted):
            return wanted
        case Uttered() | CaseOpened():
            return False


def _words(expected: Uttered) -> str:
    parts = [f"reply {expected.response}" if expected.response else "a reply"]
    parts += [f"with the words {expected.exactly!r}"] if expected.exactly else []
    parts += [f"that matches {expected.matches!r}"] if expected.matches else []
    named = [button.title or button.payload or "?" for button in expected.buttons]
    parts += [f"with the buttons {', '.join(named)}"] if named else []
    return ("" if expected.wanted else "no ") + " ".join(parts)


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= MAX_TEXT_SHOWN else line[: MAX_TEXT_SHOWN - 1] + "…"


def _titles(spoken: Spoken) -> str:
    return f" [{' | '.join(offer.title for offer in spoken.choices)}]" if spoken.choices else ""
