"""The gate by numbers: what it misses, what it shows for nothing, and that it hangs on its words and examples.

`python -m bench.gate` prints the figures behind these limits; docs/decisions/0016-danger-gate.md says why they are so.
"""

from dataclasses import replace

from bench.gate import WORDS as FOLDER
from bench.gate import half, lines
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
NEEDLESS_IN_FLOWS = 450
"""Of 2,976: many newer examples tell of blackmail, threats or a child at risk, where the screen does least harm."""
