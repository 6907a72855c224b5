"""The gate by numbers: what it misses, what it shows for nothing, and that it hangs on its words and examples.

`python -m bench.gate` prints the figures behind these limits; docs/decisions/0016-danger-gate.md says why they are so.
"""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.gate import WORDS as FOLDER
from bench.gate import child_seen, flow_examples, half, lines, look, shown, ten_fold
from bot.domain import Gate
from bot.triage.gate import GateKeeper
from bot.triage.words import load_words

WORDS = load_words(FOLDER)
KEEPER = GateKeeper(WORDS)
NO_EXAMPLES = GateKeeper(replace(WORDS, danger=replace(WORDS.danger, alarming=(), calm=())))
NO_PHRASES = GateKeeper(replace(WORDS, danger=replace(WORDS.danger, phrases=(), now=(), harm=())))
DANGER, CHILD = lines("danger"), lines("child")
TUNED = half(DANGER, held_back=False, label=True)
HELD_BACK = half(DANGER, held_back=True, label=True)

# A missed emergency may cost a life, a needless screen costs one press: so the first kind is held near nothing, and the
# second only below what would teach people to press it away. Each limit is what was measured and a little room.
MISSED_TEN_FOLD = 1
MISSED_HELD_BACK = 5
NEEDLESS_TEN_FOLD = 48
NEEDLESS_HELD_BACK = 50
NEEDLESS_IN_FLOWS = 140
CHILDREN_MISSED_HELD_BACK = 10
ADULTS_TAKEN_FOR_CHILDREN_HELD_BACK = 10

DENIALS = (
    "no knife involved",
    "it is only a drill",
    "she says she is fine now",
    "probably nothing",
    "he was only joking",
    "nobody is hurt",
    "not an emergency",
    "mum says it is banter",
    "we think it is a hoax",
    "thanks, goodbye",
    "does not want to die",
    "mae hi'n iawn",
)
EVERYDAY = (
    "They did not answer.",
    "she isn't replying to my emails",
    "No reply yet.",
    "The parent won't answer my calls.",
    "He is not answering the complaint.",
    "we can't get hold of the parent",
    "I can't find her profile any more, I think she deleted it",
    "the page has gone missing",
    "He's waiting outside my office to talk about the fake account",
    "we've taken in all the school tablets for updates",
    "Do you have a template bomb threat procedure for a primary school",
    "our open day video blew up, 40k views",
    "The wifi is dying every five minutes",
    "She's 14.",
    "I don't know",
    "can you help me",
    "tonight",
    "thank you, goodbye",
    "Nid yw'r rhiant wedi ateb",
)
SILENCE_AND_HARM = (
    "She is not answering and she posted goodbye",
    "he isn't replying, his last message was sorry mum",
    "they did not answer the door and we can hear screaming",
    "she's missing and isn't answering her phone",
    "no answer from him since he said he wants to die",
    "She won't answer. I'm worried for her safety",
    "his phone goes straight to voicemail and he said he might hurt himself",
    "nobody has heard from her since she went to meet him",
)
WELSH = (
    "mae disgybl yn dweud ei fod eisiau marw heno",
    "mae hi ar y bont nawr",
    "mae bachgen ar goll ers neithiwr",
    "mae rhywun efo cyllell yn yr ysgol",
    "dydy hi ddim wedi dod adref",
    "mae tân yn yr ysgol",
    "aeth hi efo dyn mewn car",
    "mae o'n bygwth lladd ei hun",
    "dyw hi ddim yn anadlu",
    "mae dyn wrth giât yr ysgol yn aros amdani",
)
WELSH_EVERYDAY = (
    "sut mae newid gosodiadau instagram",
    "oes gennych chi bolisi ffonau symudol",
    "mae rhiant wedi gadael adolygiad gwael",
    "beth yw oedran tiktok",
    "hyfforddiant i staff am seiberfwlio",
)


@pytest.mark.parametrize("line", TUNED, ids=lambda line: line.text)
def test_every_danger_line_that_may_be_read_shows_the_screen(line) -> None:
    assert shown(KEEPER, WORDS, line.text)


def test_danger_lines_never_seen_show_the_screen() -> None:
    assert sum(not shown(KEEPER, WORDS, line.text) for line in HELD_BACK) <= MISSED_HELD_BACK


def test_everyday_lines_never_seen_seldom_show_the_screen() -> None:
    calm = half(DANGER, held_back=True, label=False)
    assert sum(shown(KEEPER, WORDS, line.text) for line in calm) <= NEEDLESS_HELD_BACK


def test_lines_judged_without_their_own_example_do_nearly_as_well() -> None:
    judged = [*ten_fold(WORDS, [line for line in DANGER if not line.held_back])]
    assert sum(not each.shown() for each in judged if each.line.label) <= MISSED_TEN_FOLD
    assert sum(each.shown() for each in judged if not each.line.label) <= NEEDLESS_TEN_FOLD


def test_most_examples_of_flows_show_no_screen() -> None:
    assert sum(shown(KEEPER, WORDS, line.text) for line in flow_examples()) <= NEEDLESS_IN_FLOWS


def test_children_never_seen_are_known_and_adults_are_not_taken_for_them() -> None:
    children, adults = (half(CHILD, held_back=True, label=label) for label in (True, False))
    missed = sum(not child_seen(KEEPER, WORDS, line.text) for line in children)
    assert missed <= CHILDREN_MISSED_HELD_BACK
    taken = sum(child_seen(KEEPER, WORDS, line.text) for line in adults)
    assert taken <= ADULTS_TAKEN_FOR_CHILDREN_HELD_BACK


def test_without_examples_or_without_phrases_far_more_is_missed() -> None:
    """The negative control of the two limits above: each half of the sense is needed."""
    for crippled in (NO_EXAMPLES, NO_PHRASES):
        assert sum(not shown(crippled, WORDS, line.text) for line in HELD_BACK) > MISSED_HELD_BACK


def test_the_lines_are_enough_and_the_halves_stay_as_they_are() -> None:
    assert sum(line.label for line in DANGER) >= 300
    assert sum(not line.label for line in DANGER) >= 300
    assert min(sum(line.label is label for line in CHILD) for label in (True, False)) >= 120
    assert (len(TUNED), len(HELD_BACK)) == (132, 179)


def test_nothing_held_back_is_an_example() -> None:
    known = {*WORDS.danger.alarming, *WORDS.danger.calm, *WORDS.child.children, *WORDS.child.adults}
    assert not [line.text for line in (*DANGER, *CHILD) if line.held_back and line.text in known]


@pytest.mark.parametrize("line", EVERYDAY)
def test_everyday_lines_to_an_adviser_show_no_screen(line: str) -> None:
    assert look(KEEPER, WORDS, line).gate is Gate.NONE, look(KEEPER, WORDS, line).because


@pytest.mark.parametrize("line", SILENCE_AND_HARM)
def test_silence_beside_words_of_harm_is_danger(line: str) -> None:
    assert shown(KEEPER, WORDS, line)


@pytest.mark.parametrize("line", WELSH)
def test_danger_in_welsh_is_seen(line: str) -> None:
    assert shown(KEEPER, WORDS, line)


@pytest.mark.parametrize("line", WELSH_EVERYDAY)
def test_everyday_welsh_shows_no_screen(line: str) -> None:
    assert look(KEEPER, WORDS, line).gate is Gate.NONE


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(TUNED), st.lists(st.sampled_from(DENIALS), min_size=1, max_size=3), st.booleans())
def test_a_denial_never_turns_the_screen_off(line, denials: list[str], first: bool) -> None:
    said = " ".join(f"{denial}." for denial in denials)
    assert shown(KEEPER, WORDS, f"{said} {line.text}" if first else f"{line.text}. {said}")


def test_no_denial_of_the_list_turns_a_danger_line_off_behind_a_comma() -> None:
    both = [f"{line.text}, {denial}" for line in TUNED for denial in DENIALS]
    assert not [text for text in both if not shown(KEEPER, WORDS, text)]


def test_what_was_seen_names_the_words_that_counted() -> None:
    because = NO_PHRASES.look("the girl is not in her room and the window is open").because
    assert because.startswith("like the examples (")
    assert "window" in because


def test_looking_is_quick() -> None:
    texts = [f"{one.text} {other.text}"[:300] for one, other in zip(DANGER, DANGER[::-1], strict=True)]
    took = sorted(_seconds(text) for text in texts)
    assert took[int(len(took) * 0.99)] < 0.012, "measured below 3 ms; four times that, for a busy machine"


@pytest.mark.parametrize(
    "hostile", ["a. " * 1300, "knife outside now. " * 210, "he has left the house with a man " * 120]
)
def test_the_longest_message_is_compared_quickly(hostile: str) -> None:
    assert _seconds(hostile[:4000]) < 0.5


def _seconds(text: str) -> float:
    began = time.thread_time()
    KEEPER.look(text)
    return time.thread_time() - began
