"""Ranks what a message may be about, by the example phrases editors wrote in the flows.

How: docs/decisions/0015-triage.md. Nothing here knows a concern by name; of two that are close the graver goes first.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bot.domain import Intent
from bot.library.model import Flow, Library
from bot.library.uncollected import uncollected
from bot.triage.features import Known, Word, features_of, words_of
from bot.triage.urgency import graver_first
from bot.triage.weights import Example, Weights

MOST = 3
THRESHOLD = 0.05
"""How like the examples of the likeliest concern a message must be. Below it nothing was heard: better to ask."""
SHARPNESS = 0.08
"""How far behind (on the scale of the weights) makes a score e times smaller."""
BECAUSE = 3
KEPT_LIBRARIES = 4

_TAG = re.compile(r"\[[a-z_]+\]")


class Ranker:
    """Knows the examples of one library; made once, then without change."""

    @uncollected()
    def __init__(self, flows: Iterable[Flow]) -> None:
        meant = sorted((flow for flow in flows if _can_be_meant(flow)), key=lambda flow: flow.intents[0])
        self._names = tuple(flow.intents[0] for flow in meant)
        self._concerns: Mapping[str, str] = {flow.intents[0]: flow.concern or flow.intents[0] for flow in meant}
        self._weights = Weights(list(_examples(meant)), len(meant))

    def rank(self, text: str) -> tuple[Intent, ...]:
        """The likeliest intents, best first, each with a score from 0 to 1; () when nothing comes near.

        Scores of all intents add up to 1, so two of nearly the same score are nearly as likely.
        """
        words = words_of(_TAG.sub(" ", text))
        if not any(word.telling and any(map(self._weights.row, word.features)) for word in words):
            return ()
        scores = self._weights.scores(list(dict.fromkeys(feature for word in words for feature in word.features)))
        best = max(scores)
        if best < THRESHOLD:
            return ()
        shares = [math.exp((score - best) / SHARPNESS) for score in scores]
        order = sorted(range(len(shares)), key=lambda place: (-shares[place], place))[:MOST]
        ranked = [
            Intent(self._names[place], round(shares[place] / sum(shares), 4), self._because(words, place))
            for place in order
        ]
        return graver_first(ranked, self._concerns)

    def _because(self, words: Sequence[Word], place: int) -> str:
        """The words, as they were written, that counted most for this intent."""
        counted: dict[str, float] = {}
        for word in words:
            if word.telling:
                rows = (row for feature in word.features if (row := self._weights.row(feature)))
                counted[word.written] = counted.get(word.written, 0.0) + sum(row[place] for row in rows)
        telling = [written for written in counted if counted[written] > 0]
        return ", ".join(sorted(telling, key=lambda written: (-counted[written], written))[:BECAUSE])


_kept: list[tuple[Library, Ranker]] = []


def rank(text: str, library: Library) -> tuple[Intent, ...]:
    """The likeliest intents of a masked text in this library, at most three. A library's ranker is made once."""
    return ranker_of(library).rank(text)


def ranker_of(library: Library) -> Ranker:
    """The ranker of this very library, made at its first use."""
    for kept, ranker in _kept:
        if kept is library:
            return ranker
    ranker = Ranker(library.flows.values())
    _kept.append((library, ranker))
    del _kept[:-KEPT_LIBRARIES]
    return ranker


def concern_of(library: Library, intent: Intent) -> str:
    """The concern an intent's flow is about; the intent's own name where it has none."""
    flow = library.flows.get(library.by_intent.get(intent.name, ""))
    return flow.concern if flow and flow.concern else intent.name


def _can_be_meant(flow: Flow) -> bool:
    return bool(flow.intents) and not flow.is_pattern and any(flow.examples.values())


def _examples(flows: Sequence[Flow]) -> Iterator[Example]:
    known: Known = {}
    for place, flow in enumerate(flows):
        for texts in flow.examples.values():
            for text in texts:
                yield Example(place, features_of(text, known))
