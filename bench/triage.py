"""How well a message's concern is heard, method beside method: `python -m bench.triage` (bench/README.md).

Five-fold over the flows' examples; then, taught with all of them, on files of labelled messages.

    --examples DIR    takes a flow's examples from DIR/<flow id>.txt where there is one, a line each
    --messages FILE   labelled messages (JSONL with text, concern, also_accept, urgent), as often as wanted
    --only WORDS      only methods whose name has these words
    --judge           the bot's own line (`firstline triage`) on the messages too, with its gate and its word lists
    --wrong           with --judge: the messages it hears wrongly
"""

import argparse
import hashlib
import json
import pickle
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.triage_methods import Before, Counted, Fts5, Method, Ours, Together
from bench.triage_models import available
from bot.domain import Gate
from bot.library.load import load
from bot.triage.features import features_of
from bot.triage.urgency import is_urgent
from bot.triage_lines import lines_about

HOUSE = Path(__file__).parents[1]
FOLDS = 5
ALIKE = 0.5
"""Examples of which this part of the words is shared stay in one fold, so that no near-copy is asked about its twin."""
NO_TOPIC = {"immediate_danger", "child_contact"}
"""The gate's, not the ranker's: judged only by --judge."""

PLAIN: Mapping[str, Callable[[], Method]] = {
    "OURS: centre, mended in two passes": Ours,
    "first triage (0008): centre + nearest": Before,
    "SQLite FTS5, BM25, nearest example": Fts5,
    "multinomial naive Bayes, our features": lambda: Counted(complement=False, smooth=0.1),
    "complement naive Bayes, our features": lambda: Counted(complement=True, smooth=0.3),
    "ours + complement NB": lambda: Together((Ours(), 1.0), (Counted(complement=True, smooth=0.3), 0.5)),
    "ours + nearest (FTS5)": lambda: Together((Ours(), 1.0), (Fts5(), 0.3)),
}


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    accepted: frozenset[str]
    urgent: bool | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Of `of` messages; `missed` of the `urgent` ones when the concern alone had to tell."""

    of: int
    first: int
    three: int
    urgent: int
    missed: int

    def __str__(self) -> str:
        part = 100 / max(self.of, 1)
        return f"{self.first * part:5.1f} {self.three * part:5.1f} {self.missed:4d}/{self.urgent}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=Path)
    parser.add_argument("--messages", type=Path, action="append", default=[])
    parser.add_argument("--only", default="")
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    asked = parser.parse_args(arguments)
    taught = examples(asked.examples)
    files = {file.stem: messages_in(file) for file in asked.messages}
    print(
        f"{len(taught)} examples, {len({concern for _, concern in taught})} concerns. Each: first %, in three %, missed"
    )
    heads = "".join(f"{name[:20]:>22}" for name in ("cross-validated", *files))
    print(f"{'method':44}{heads}{'learn s':>9}{'p50 ms':>8}{'p99 ms':>8}{'KB':>8}")
    for name, make in {**PLAIN, **available()}.items():
        if asked.only.lower() in name.lower():
            print(_line(name, make, taught, files), flush=True)
    if asked.judge:
        for name, file in zip(files, asked.messages, strict=True):
            print(f"firstline triage on {name}: {judged(file, show=asked.wrong)}")


def examples(folder: Path | None) -> list[tuple[str, str]]:
    """Every example with its flow's concern."""
    library = load(HOUSE).library
    assert library is not None, "the library has errors: firstline check"
    found = []
    for flow in library.flows.values():
        if flow.intents and not flow.is_pattern and any(flow.examples.values()):
            file = folder / f"{flow.id}.txt" if folder else None
            own = [text for texts in flow.examples.values() for text in texts]
            lines = file.read_text("utf-8").splitlines() if file and file.exists() else own
            found += [(line, flow.concern or flow.intents[0]) for line in lines if line.strip()]
    return found


def messages_in(file: Path) -> list[Message]:
    """Labelled messages, one JSON line each; those of the gate are left out."""
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    return [
        Message(line["text"], frozenset([line["concern"], *line.get("also_accept", [])]), line.get("urgent"))
        for line in lines
        if line["concern"] not in NO_TOPIC
    ]


def folds(taught: Sequence[tuple[str, str]]) -> list[int]:
    """The fold of each example: always the same ones; near-copies together; groups dealt out by size."""
    words = [frozenset(feature for feature in features_of(text, {}) if feature[0] == "s") for text, _ in taught]
    leader = list(range(len(taught)))

    def of(place: int) -> int:
        while leader[place] != place:
            place = leader[place]
        return place

    having: dict[str, list[int]] = defaultdict(list)
    for place, own in enumerate(words):
        for other in {other for word in own for other in having[word]}:
            if len(own & words[other]) >= ALIKE * len(own | words[other]):
                leader[of(place)] = of(other)
        for word in own:
            having[word].append(place)
    groups: dict[int, list[int]] = defaultdict(list)
    for place in range(len(taught)):
        groups[of(place)].append(place)
    fold, size = [0] * len(taught), [0] * FOLDS
    for group in sorted(groups.values(), key=lambda group: (-len(group), _digest(taught[group[0]][0]))):
        least = size.index(min(size))
        size[least] += len(group)
        for place in group:
            fold[place] = least
    return fold


def _line(name: str, make: Callable[[], Method], taught: Sequence[tuple[str, str]], files: Mapping[str, Any]) -> str:
    crossed = _figures(_crossed(make, taught))
    method, began = make(), time.perf_counter()
    method.learn(*zip(*taught, strict=True))
    learned = time.perf_counter() - began
    took: list[float] = []
    columns = [_figures(_asked(method, messages, took)) for messages in files.values()]
    if not took:
        list(_asked(method, [Message(text, frozenset(), None) for text, _ in taught[::20]], took))
    took.sort()
    times = f"{1000 * took[len(took) // 2]:8.2f}{1000 * took[int(0.99 * (len(took) - 1))]:8.2f}"
    figures = "".join(f"{column!s:>22}" for column in (crossed, *columns))
    return f"{name:44}{figures}{learned:9.2f}{times}{_kilobytes(method):>8}"


def _crossed(make: Callable[[], Method], taught: Sequence[tuple[str, str]]) -> Iterator[tuple[Message, list[str]]]:
    fold = folds(taught)
    for held in range(FOLDS):
        method = make()
        method.learn(*zip(*(each for each, own in zip(taught, fold, strict=True) if own != held), strict=True))
        asked = [
            Message(text, frozenset([c]), None) for (text, c), own in zip(taught, fold, strict=True) if own == held
        ]
        yield from _asked(method, asked, [])


def _asked(method: Method, messages: Sequence[Message], took: list[float]) -> Iterator[tuple[Message, list[str]]]:
    for message in messages:
        began = time.perf_counter()
        scores = method.scores(message.text)
        ranked = sorted(scores, key=lambda concern: (-scores[concern], concern))[:3]
        took.append(time.perf_counter() - began)
        yield message, ranked


def _figures(answers: Iterator[tuple[Message, list[str]]]) -> Figures:
    of = first = three = urgent = missed = 0
    for message, ranked in answers:
        must = message.urgent if message.urgent is not None else is_urgent(Gate.NONE, [(min(message.accepted), 1.0)])
        of += 1
        first += bool(ranked) and ranked[0] in message.accepted
        three += bool(message.accepted & set(ranked))
        urgent += must
        missed += must and not is_urgent(Gate.NONE, [(concern, 1.0) for concern in ranked[:1]])
    return Figures(of, first, three, urgent, missed)


def _kilobytes(method: Method) -> str:
    try:
        return str(len(pickle.dumps(method)) // 1024)
    except Exception:  # what cannot be written down has no size here: a lambda, a database
        return "–"


def judged(file: Path, *, show: bool) -> str:
    """What `firstline triage` makes of these messages, all of them, with false urgency and platforms too."""
    labels = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    answers = list(map(json.loads, lines_about(HOUSE, map(json.dumps, labels))))
    totals: dict[str, int] = defaultdict(int)
    for label, answer in zip(labels, answers, strict=True):
        accepted = {label["concern"], *label.get("also_accept", [])}
        ranked = [each["concern"] for each in answer["ranked"]][:3]
        totals["first"] += bool(ranked) and ranked[0] in accepted
        totals["three"] += bool(accepted & set(ranked))
        urgent = label.get("urgent", answer["urgent"])  # what is not labelled counts as right
        totals["urgent"] += urgent
        totals["missed"] += urgent and not answer["urgent"]
        totals["false"] += answer["urgent"] and not urgent
        totals["platform"] += label.get("platform", answer["platform"]) == answer["platform"]
        if show and (not ranked or ranked[0] not in accepted or (label["urgent"] and not answer["urgent"])):
            print(f"  {label['concern']:18} {ranked} urgent {urgent}/{answer['urgent']} | {label['text'][:100]}")
    share, calm = 100 / len(labels), len(labels) - totals["urgent"]
    return (
        f"first {totals['first'] * share:.1f} %, in three {totals['three'] * share:.1f} %, "
        f"missed urgent {totals['missed']}/{totals['urgent']}, false urgent {totals['false']}/{calm}, "
        f"platform {totals['platform']}/{len(labels)}"
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
