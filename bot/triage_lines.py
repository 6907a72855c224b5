"""`firstline triage`: what each message of a file seems to be about, one JSON line each."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bot.domain import Gate, Intent
from bot.errors import FirstlineError
from bot.guard.personal_data import mask
from bot.guard.text import clean
from bot.library.versions import read_files
from bot.shelf import Kept, opened
from bot.triage.concern import rank
from bot.triage.gate import Seen
from bot.triage.platform import PlatformSpotter
from bot.triage.urgency import UrgentSense, is_urgent


class BadLineError(FirstlineError):
    """A line that is not {"text": "…"}."""


def lines_about(folder: Path, lines: Iterable[str]) -> Iterator[str]:
    """For each `{"text": …}` its gate, concerns with scores, platform and urgency. Empty lines are passed over.

    Raises: LibraryInvalid; BadLineError with the number of the line, after the lines before it were answered.
    """
    kept = opened(read_files(folder))
    spotter, sense = PlatformSpotter(kept.words), UrgentSense(kept.words)
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield json.dumps(_about(kept, spotter, sense, _text(number, line)), ensure_ascii=False)


def _text(number: int, line: str) -> str:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise BadLineError(f'line {number}: not JSON ({error}). Write {{"text": "…"}}.') from None
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        raise BadLineError(f'line {number}: no text. Write {{"text": "…"}}.')
    return str(found["text"])


def _about(kept: Kept, spotter: PlatformSpotter, sense: UrgentSense, text: str) -> dict[str, Any]:
    """The text itself is given back as it came, so that lines can be put side by side; nothing of it is kept."""
    cleaned = clean(text).text
    masked = mask(cleaned, kept.words.known).text
    seen = kept.keeper.look(masked)
    heard = [(_concern(kept, intent), intent.score) for intent in _heard(kept, masked)]
    before = _before_topics(seen, bool(heard), sense.happening(masked))
    return {
        "text": text,
        "gate": seen.gate.value,
        "ranked": [{"concern": concern, "score": score} for concern, score in (*before, *heard)],
        "platform": spotter.platform_of(cleaned),
        "urgent": is_urgent(seen.gate, heard, sense.today(masked)),
    }


def _before_topics(seen: Seen, any_topic: bool, happening: str | None) -> list[tuple[str, float]]:
    """What is no topic of a flow: danger at this moment, a child who writes, and words like nothing of ours."""
    if seen.gate is Gate.DANGER and happening:
        return [("immediate_danger", 1.0)]
    if seen.gate is Gate.CHILD or seen.also_child:
        return [("child_contact", 1.0)]
    return [] if any_topic or seen.gate is Gate.DANGER else [("out_of_scope", 0.0)]


def _heard(kept: Kept, text: str) -> tuple[Intent, ...]:
    return rank(text, kept.library)


def _concern(kept: Kept, intent: Intent) -> str:
    flow = kept.library.flows.get(kept.library.by_intent.get(intent.name, ""))
    return flow.concern if flow and flow.concern else intent.name
