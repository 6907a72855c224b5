"""What of a message is compared with the examples of the flows: its words' stems, runs of four letters, neighbours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.triage.phrases import STOP, surfaces, tokens

MAX_WORDS = 300
"""Words that are looked at; what a message is about is said sooner."""
RUN = 4
"""Letters of a run, so that slips of the finger and endings still meet."""
DENIED = 4
"""Words after "not" that are denied with it ("not a fake account"), at most."""

_ENDINGS = ("ings", "ing", "edly", "ers", "ed", "es", "er", "ly", "s")
_SHORTEST_STEM = 3
_DENIERS = frozenset(["no", "not", "never", "without", "isnt", "wasnt", "arent", "werent", "aint", "nor"])
_DEEDS = frozenset(
    """
    do does did dont didnt will wont would can cant could should shall may might has have had
    """.split()  # noqa: SIM905 - a list to read
)
"""After these, "not" is about a deed, and its words stay: "does not stop messaging", "could not remove the post"."""
_UNSURE = frozenset(["sure", "certain", "only", "just", "knowing", "known", "know", "idea", "one", "doubt", "longer"])
"""After "no" or "not" these deny nothing: "not sure if it is fake", "not only", "no one"."""
_TURNS = frozenset(["but", "and", "because", "so", "though", "although", "however", "yet", "or"])
"""Here what is denied ends: "not a fake account but a parody"."""
_DULL = frozenset(
    """
    a about after all also am an and any are as at be been before but by can could did do does dont for from get going
    got had has have he hello her hi him his how i if in into is isnt it its just me my no not now of off on once or
    our out over please she should so some than thank thanks that the their them then there these they this those to
    too up us want was wasnt we were what when where which who why will with would you your yr yn ar ac o mae wedi ei
    """.split()  # noqa: SIM905 - a list to read
)
"""They are compared too ("how do i", "my son"), but tell nobody why a concern was heard."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it was written, the features it gives, and whether it may be named as a reason."""

    written: str
    features: tuple[str, ...]
    telling: bool


Known = dict[str, tuple[str, tuple[str, ...]]]
"""Words already taken apart: word -> stem and own features. For learning, where the same words come again and again."""


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a message, each with its features and the pair it makes with the word before it."""
    said = tokens(text, {})
    written = surfaces(text)
    return tuple(_words(said, written if len(written) == len(said) else said, {}))


def features_of(text: str, known: Known) -> tuple[str, ...]:
    """The features of a text, each once, in order."""
    said = tokens(text, {})
    return tuple(dict.fromkeys(feature for word in _words(said, said, known) for feature in word.features))


def _words(said: Sequence[str], written: Sequence[str], known: Known) -> Iterator[Word]:
    before = "^"
    for place, denied in _places(said):
        word = said[place]
        stem, own = known.get(word) or known.setdefault(word, _own(word))
        if denied:
            stem = f"not-{stem}"
            own = (f"s {stem}",)
        yield Word(written[place], (*own, f"{before} {stem}"), not denied and word not in _DULL)
        before = stem


def _places(said: Sequence[str]) -> Iterator[tuple[int, bool]]:
    """Where the words are, and whether each is denied."""
    left = seen = 0
    for place, word in enumerate(said):
        if word == STOP or word in _TURNS or word in _UNSURE:
            left = 0
        if word == STOP:
            continue
        yield place, left > 0
        left = DENIED if _denies(said, place) else max(left - 1, 0)
        seen += 1
        if seen == MAX_WORDS:
            return


def _denies(said: Sequence[str], place: int) -> bool:
    if said[place] not in _DENIERS:
        return False
    return said[place] != "not" or place == 0 or said[place - 1] not in _DEEDS


def _own(word: str) -> tuple[str, tuple[str, ...]]:
    stem, padded = _stem(word), f"_{word}_"
    runs = (f"4 {padded[start : start + RUN]}" for start in range(len(padded) - RUN + 1))
    return stem, (f"s {stem}", *runs)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)]
    return word
