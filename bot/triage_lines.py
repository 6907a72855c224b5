"""`firstline triage`: what each message of a file seems to be about, one JSON line each."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain import Gate
from bot.errors import FirstlineError
from bot.guard.personal_data import mask
from bot.guard.text import clean
from bot.library.load import load_flows
from bot.library.model import Library
from bot.library.versions import read_files
from bot.triage import several
from bot.triage.concern import concern_of
from bot.triage.gate import GateKeeper, Seen
from bot.triage.lexicon import Words
from bot.triage.platform import PlatformSpotter
from bot.triage.urgency import UrgentSense, is_urgent
from bot.triage.words import words_in


class BadLineError(FirstlineError):
    """A line that is not {"text": "…"}."""


def lines_about(folder: Path, lines: Iterable[str]) -> Iterator[str]:
    """For each `{"text": …}` its gate, concerns with scores, platform and urgency. Empty lines are passed over.

    Raises: LibraryInvalid; BadLineError with the number of the line, after the lines before it were answered.
    """
    ear = _Ear.of(read_files(folder))
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield json.dumps(ear.about(_text(number, line)), ensure_ascii=False)


def _text(number: int, line: str) -> str:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise BadLineError(f'line {number}: not JSON ({error}). Write {{"text": "…"}}.') from None
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        raise BadLineError(f'line {number}: no text. Write {{"text": "…"}}.')
    return str(found["text"])


@dataclass(frozen=True, slots=True)
class _Ear:
    """Everything that listens, made once. Pages are not read: triage asks nothing of them."""

    library: Library
    words: Words
    keeper: GateKeeper
    spotter: PlatformSpotter
    sense: UrgentSense

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> "_Ear":
        """Raises: LibraryInvalid."""
        words = words_in(files)
        return cls(load_flows(files).good(), words, GateKeeper(words), PlatformSpotter(words), UrgentSense(words))

    def about(self, text: str) -> dict[str, Any]:
        """The text itself is given back as it came, so that lines can be put side by side; nothing of it is kept."""
        cleaned = clean(text).text
        masked = mask(cleaned, self.words.known).text
        seen = self.keeper.look(masked)
        heard = [(concern_of(self.library, intent), intent.score) for intent in several.heard(masked, self.library)[0]]
        before = _before_topics(seen, bool(heard), self.sense.happening(masked))
        return {
            "text": text,
            "gate": seen.gate.value,
            "ranked": [{"concern": concern, "score": score} for concern, score in (*before, *heard)],
            "platform": self.spotter.platform_of(cleaned),
            "urgent": is_urgent(seen.gate, heard, self.sense.today(masked)),
        }


def _before_topics(seen: Seen, any_topic: bool, happening: str | None) -> list[tuple[str, float]]:
    """What is no topic of a flow: danger at this moment, a child who writes, and words like nothing of ours."""
    if seen.gate is Gate.DANGER and happening:
        return [("immediate_danger", 1.0)]
    if seen.gate is Gate.CHILD or seen.also_child:
        return [("child_contact", 1.0)]
    return [] if any_topic or seen.gate is Gate.DANGER else [("out_of_scope", 0.0)]
