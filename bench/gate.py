"""How many danger lines the gate misses, and how often it shows its screen for nothing: `python -m bench.gate`.

`--show` prints the wrongly judged lines of the tuning half, `--threshold` what other thresholds would do to it,
`--flows` the flows' examples that show the screen, `--held-back` the counts of the held-back half: once, when done.

The lines (tests/messages) were written before anybody looked at the word lists, and are parted by a hash of their text:
the tuning half may be read, tuned to and used as examples, so it is judged ten-fold: each line by a gate that has not
seen it. The held-back half is only counted.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ruamel.yaml import YAML

from bot.domain import Gate
from bot.guard.personal_data import mask
from bot.guard.text import clean
from bot.triage.gate import LIKE_DANGER, GateKeeper, Seen
from bot.triage.lexicon import Words
from bot.triage.phrases import tokens
from bot.triage.resemblance import Resemblance
from bot.triage.words import load_words

HOUSE = Path(__file__).parents[1]
LINES = HOUSE / "tests" / "messages"
WORDS = HOUSE / "content" / "words"
FOLDS = 10
THRESHOLDS = tuple(tenth / 10 for tenth in range(10, 62, 2))


@dataclass(frozen=True, slots=True)
class Line:
    """A message and its label; `held_back` by the hash of its text, which no later line changes."""

    text: str
    label: bool
    about: str

    @property
    def held_back(self) -> bool:
        return _digest(self.text)[0] % 2 == 1


@dataclass(frozen=True, slots=True)
class Judged:
    """A line, whether a phrase shows the screen for it, and how like the examples it is."""

    line: Line
    phrase: str
    likeness: float
    because: tuple[str, ...]

    def shown(self, threshold: float = LIKE_DANGER) -> bool:
        return bool(self.phrase) or self.likeness >= threshold


def lines(name: str) -> tuple[Line, ...]:
    """The labelled lines about `danger` or about a `child` who writes."""
    rows = map(json.loads, (LINES / f"gate-{name}.jsonl").read_text(encoding="utf-8").splitlines())
    return tuple(Line(row["text"], row[name], row["about"]) for row in rows)


def half(of: Sequence[Line], *, held_back: bool, label: bool) -> list[Line]:
    return [line for line in of if line.held_back is held_back and line.label is label]


def look(keeper: GateKeeper, words: Words, text: str) -> Seen:
    """What the gate sees in a message as it comes to it: cleaned and masked."""
    return keeper.look(mask(clean(text).text, words.known).text)


def shown(keeper: GateKeeper, words: Words, text: str) -> bool:
    return look(keeper, words, text).gate is Gate.DANGER


def child_seen(keeper: GateKeeper, words: Words, text: str) -> bool:
    seen = look(keeper, words, text)
    return seen.gate is Gate.CHILD or seen.also_child


def ten_fold(words: Words, of: Sequence[Line]) -> Iterator[Judged]:
    """Each line judged by examples without it and without its tenth."""
    phrases = GateKeeper(replace(words, danger=replace(words.danger, alarming=(), calm=())))
    for fold in range(FOLDS):
        alarming, calm = (
            [text for text in texts if _digest(text)[1] % FOLDS != fold]
            for texts in (words.danger.alarming, words.danger.calm)
        )
        like = Resemblance(alarming, (*calm, *words.child.children), words.danger.kinds, words.spellings)
        for line in of:
            if _digest(line.text)[1] % FOLDS == fold:
                seen = look(phrases, words, line.text)
                likeness = like.of(tokens(mask(clean(line.text).text, words.known).text, words.spellings))
                phrase = seen.because if seen.gate is Gate.DANGER else ""
                yield Judged(line, phrase, likeness.score, likeness.because)


def child_ten_fold(words: Words, of: Sequence[Line]) -> Iterator[tuple[Line, bool]]:
    """The same for a child writing: each line and whether a child is seen in it."""
    for fold in range(FOLDS):
        children, adults = (
            tuple(text for text in texts if _digest(text)[1] % FOLDS != fold)
            for texts in (words.child.children, words.child.adults)
        )
        keeper = GateKeeper(replace(words, child=replace(words.child, children=children, adults=adults)))
        for line in of:
            if _digest(line.text)[1] % FOLDS == fold:
                yield line, child_seen(keeper, words, line.text)


def flow_examples() -> Iterator[Line]:
    """The examples of all flows; most are everyday worries, and some are danger."""
    for file in sorted((HOUSE / "flows").glob("*.yml")):
        for name, flow in (YAML(typ="safe", pure=True).load(file.read_bytes()).get("flows") or {}).items():
            for example in flow.get("metadata", {}).get("firstline", {}).get("examples", ()):
                yield Line(str(example), False, name)


def main(options: Sequence[str]) -> None:
    """Counts for all; the wrongly judged lines themselves only of the half that may be read."""
    words = load_words(WORDS)
    keeper = GateKeeper(words)
    judged = [*ten_fold(words, [line for line in lines("danger") if not line.held_back])]
    wrong = [each for each in judged if each.shown() is not each.line.label]
    _print_halves("danger", "tuning, ten-fold", judged, lambda each: each not in wrong, lambda each: each.line.label)
    children = [*child_ten_fold(words, [line for line in lines("child") if not line.held_back])]
    _print_halves(
        "child", "tuning, ten-fold", children, lambda each: each[1] is each[0].label, lambda each: each[0].label
    )
    for name, sees in (("danger", shown), ("child", child_seen)):
        for held_back in (False, True) if "--held-back" in options else (False,):
            part = [line for line in lines(name) if line.held_back is held_back]
            right = {line.text for line in part if sees(keeper, words, line.text) is line.label}
            title = "held back" if held_back else "tuning"
            _print_halves(name, title, part, lambda line, right=right: line.text in right, lambda line: line.label)
    examples = [*flow_examples()]
    needless = [line for line in examples if shown(keeper, words, line.text)]
    print(f"flow examples that show the screen: {len(needless)} of {len(examples)}")
    if "--threshold" in options:
        _print_thresholds(judged)
    if "--show" in options:
        for each in sorted(wrong, key=lambda each: each.line.label):
            print(f"    {each.line.label!s:5} {each.likeness:5.2f} {each.line.text}  <{each.phrase or each.because}>")
        for line, seen in children:
            if seen is not line.label:
                print(f"    {line.label!s:5} {line.text}")
    if "--flows" in options:
        for line in needless:
            print(f"    {line.about:20} {line.text}  <{look(keeper, words, line.text).because}>")


T = TypeVar("T")


def _print_halves(
    name: str, title: str, all_: Sequence[T], right: Callable[[T], bool], label: Callable[[T], bool]
) -> None:
    for wanted in (True, False):
        those = [each for each in all_ if label(each) is wanted]
        wrong = sum(not right(each) for each in those)
        print(f"{title:17} {name if wanted else f'no {name}':10} wrong: {wrong:3} of {len(those)}")


def _print_thresholds(judged: Sequence[Judged]) -> None:
    for threshold in THRESHOLDS:
        missed, needless = (
            sum(each.shown(threshold) is not label for each in judged if each.line.label is label)
            for label in (True, False)
        )
        print(f"    threshold {threshold:.1f}: {missed:3} missed, {needless:3} needless")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


if __name__ == "__main__":
    main(sys.argv[1:])
