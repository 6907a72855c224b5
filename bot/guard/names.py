"""Finds names that are given as names: after "my name is", "called", "Mr", "pupil:", and first and last name together.

A word with a capital counts as a name after any lead; in small letters only after the plainest leads, or when the
editors' lists know it. Words that stand where a name could ("I'm a …", "called the police") are never names.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.triage.lexicon import KnownWords

MAX_WORDS = 4
"""Words one name may have."""

_WORD = re.compile(r"(?:[^\W\d_]\.[ \t]?)?[^\W\d_]+(?:['’-][^\W\d_]+)*")
_GAP = re.compile(r"[ \t]+")
_OWNING = re.compile(r"['’]s$")
_AFTER_NAME = re.compile(r"\s*(?:$|[.,;:!?)\n]|(?:and|from|i|im|i'm|i’m|the|at|who|is|was|a|ac|o)\b)", re.IGNORECASE)


class _Lead(Enum):
    """How plainly what comes next is a name."""

    PLAIN = "plain"
    """Any word that is not one of the words that are no names."""
    CAPITAL = "capital"
    """A word with a capital, or a known first name."""
    LISTED = "listed"
    """A known first name only."""


_PLAIN = re.compile(
    r"\b(?:my|his|her|hers|their|your|the|a|child|boy|girl|pupil|student|teacher|parent|mum|dad|carer|staff|person|man|woman)"
    r"(?:['’]?s)? (?:full |first |last |real |sur|user'?s |actual |middle |family )?name(?:['’]?s| is| was|:| =| -)? (?:is |was )?"
    r"|\b(?:my|his|her|their|the) (?:full |first |last |real |sur)?names? (?:are|is|was)\s"
    r"|(?<![\w-])(?:full |first |last |sur)?name\s?[:=]\s?"
    r"|\b(?:fy )?enw i (?:yw|ydi|ydy) |\b(?:ei|fy) (?:h?enw) (?:yw|ydi|ydy) |\benw\s?[:=]\s?|\bo['’]r enw ",
    re.IGNORECASE,
)
_CAPITAL = re.compile(
    r"\b(?:i['’]?m|i am|this is|it['’]?s|named|known as|goes by|nicknamed|regards,?|sincerely,?|faithfully,?|signed,?)\s+"
    r"|\b(?:pupil|student|child|learner|young person|yp|boy|girl|victim|suspect|perpetrator|offender|parent|mother|father|mum|"
    r"dad|carer|teacher|staff member|staff|colleague|dsl|contact|head|headteacher|disgybl|rhiant|athro|athrawes)\s?[:=]\s?"
    r"|\b(?:thanks|thank you|cheers|diolch),?[ \t]*\n+\s*",
    re.IGNORECASE,
)
_CALLED = re.compile(r"(?:\b(?P<what>[^\W\d_]{1,30})\s+)?(?:(?:is|was|are|that['’]?s|who['’]?s)\s+)?\bcalled\s+", re.IGNORECASE)
_TITLE = re.compile(r"\b(?:(?P<plain>mrs?|mx|prof|professor)|(?P<also_word>ms|dr|miss|rev|sir|dame))\b\.?\s+", re.IGNORECASE)
_LISTED = re.compile(
    r"\b(?:pupil|student|colleague|teacher|headteacher|boy|girl|child|son|daughter|partner|carer|tutor|brother|sister|"
    r"friend|husband|wife|mum|dad|ex|about|with|from|by|and|hi|hello|dear|that|told|is|was|does|ask|tell|contact|speak to)\s+",
    re.IGNORECASE,
)

_THINGS = frozenset(
    "account accounts ai alert app apps article audio blog board book bot brand business campaign challenge channel "
    "character charity chat club college community company content course craze document drama event fanfic file film forum "
    "game games gc group groups guidance hashtag image it item lesson level library link list magazine map meme mode movie "
    "music one organisation page pages place platform playlist podcast policy post practice procedure profile programme "
    "project report room school schools scheme series server service set show site sites software something song sound story "
    "stream subreddit system team template thing things thread toy trend tool town training trust tune tv video videos "
    "website websites whats word".split()
)
"""What can be "called" something that is no person's name; then only a known first name counts."""

_NO_NAMES = frozenset(
    "a about above absolutely abuse abusive account actually acting adult adviser advisor afraid after again age aged alert "
    "all almost already also always am an and angry anonymous another anxious any anyone anything appalled are aren't around "
    "as asap asking assistant at available aware away back bad based be because been before being below best between blank "
    "blocked both boy british but by calling calls came can can't cannot case catholic chair child children christian "
    "class clear college coming completely concerned confused contacting could council cymraeg dad daily data daughter "
    "deeply deleted deputy desperate devastated did different disgusted dismissed disabled do does doing don't done dr "
    "dsl due during each early either else emailing emergency english enquiring even ever every everyone everything "
    "exactly executive facing family fake far father feeling female fed fine first following for former foster fostering "
    "four free friday friend from frightened fully furious gay get getting girl given giving glad go going gone good got governor "
    "grateful had happy hard has hate have having he head headteacher help helping her here hers hi hidden him his home hoping how "
    "however i i'd i'll i'm i've if ill im in independent inclusion interested into irish is isn't it it's its jewish job just "
    "keen known last late lead leader leading learning leaving left less let like listed local looking lost lots mad made "
    "male manager many married me mentioned mental mentor mid missing monday more most mostly mother mr mrs ms much mum "
    "muslim my name named names near need needing nervous never new news next no nobody non none not nothing now nqt nurse of "
    "off offensive ofsted ok okay old on once one only open or other our out outraged over own parent parents part pastoral "
    "people perfectly person phoning place planning please pleased police possible posting practice pregnant pretty "
    "primary principal private probably public pupil pupils put quite rather ready really receiving reception recently "
    "referring regarding registered relevant reporting retired right ringing running sad safe safeguarding same saturday "
    "saying scared school scottish second secondary secretary see seeing seeking senco senior several she shocked should "
    "shown sick similar since single sir so social some someone something somewhere son soon sorry special specialist staff still stressed "
    "struggling stuck student students stunned subject such sunday supply supporting supposed sure tagged teacher teachers team "
    "tell telling ten terrified than that that's the their them then there there's these they they're thinking third this those "
    "three thursday tired to today together told tomorrow tonight too totally training trans trainee transgender trying tuesday "
    "two ugly unable uncertain under unknown unsure until up upset urgent us used user using usually very victim volunteer waiting "
    "want wanting was wasn't we wednesday week welsh went were what when where whether which while who whole whose why will wales "
    "with within without woman wondering work worker working worried would writing wrong yes yesterday yet you young your "
    "year years youth "
    "january february march april may june july august september october november december england scotland ireland uk london "
    "cardiff swansea belfast edinburgh glasgow manchester birmingham bristol leeds liverpool york "
    "appointment appointments referral surgery office teams word excel access universe world lessons class "
    "dangos yn n y yr a ac am ar ei fy mae mewn o oherwydd poeni gofyn ddim "
    "abused accused added affected allowed angry annoyed arrested asked assaulted attached attacked banned beaten bullied "
    "called changed circulated copied cut deleted discussed disclosed distressed embarrassed excluded exposed filmed groomed "
    "hacked harassed horrified hurt identified impersonated included involved leaked linked mentioned misspelled misused mocked "
    "overwhelmed panicking plastered posted printed published questioned raised recorded redacted removed reported required "
    "said seen sent shared spread stolen suspended targeted threatened tagged trolled withheld written mud everywhere visible "
    "999 101 111 ambulance bitch slag slut nonce paedo pedo racist liar idiot fat names stupid useless weird perv creep loser "
    "mate bro babe hun love sir miss everybody forever dead dying suicidal bleeding "
    "mummy daddy nan grandma god jesus christmas easter monday".split()
)


@dataclass(frozen=True, slots=True)
class _Said:
    """One word and where it stands."""

    text: str
    start: int
    end: int

    @property
    def plain(self) -> str:
        return _OWNING.sub("", self.text).casefold().replace("’", "'")

    @property
    def has_capital(self) -> bool:
        bare = self.text.split(".")[-1].strip()
        return bare[:1].isupper() and not (len(bare) > 1 and bare.isupper())


def spans(text: str, known: KnownWords) -> Iterator[tuple[int, int]]:
    """Where names stand, in order; a title or lead before a name is left."""
    found = {name for start, lead, title in _leads(text) if (name := _name_at(text, start, lead, known, title=title))}
    yield from sorted(found | set(_first_and_last(text, known)))


def _leads(text: str) -> Iterator[tuple[int, _Lead, bool]]:
    for pattern, lead in ((_PLAIN, _Lead.PLAIN), (_CAPITAL, _Lead.CAPITAL), (_LISTED, _Lead.LISTED)):
        for found in pattern.finditer(text):
            yield found.end(), lead, False
    for found in _CALLED.finditer(text):
        a_thing = (found["what"] or "").casefold() in _THINGS
        yield found.end(), _Lead.LISTED if a_thing else _Lead.CAPITAL, False
    for found in _TITLE.finditer(text):
        yield found.end(), _Lead.PLAIN if found["plain"] else _Lead.CAPITAL, True


def _name_at(text: str, start: int, lead: _Lead, known: KnownWords, *, title: bool) -> tuple[int, int] | None:
    words = _words_from(text, start)
    if not words or not _may_begin(words[0], lead, known, title=title):
        return None
    last = words[0]
    for word in words[1:]:
        if not _may_go_on(text, last, word, lead, known):
            break
        last = word
    owning = _OWNING.search(text[last.start : last.end])
    return words[0].start, last.end - (len(owning[0]) if owning else 0)


def _words_from(text: str, start: int) -> Sequence[_Said]:
    words: list[_Said] = []
    at = start
    while len(words) < MAX_WORDS and (found := _WORD.match(text, at)):
        words.append(_Said(found[0], found.start(), found.end()))
        if _OWNING.search(found[0]) or not (gap := _GAP.match(text, found.end())):
            break
        at = gap.end()
    return words


def _may_begin(word: _Said, lead: _Lead, known: KnownWords, *, title: bool) -> bool:
    if word.plain in known.first_names:
        return True
    if len(word.plain) < 2 or _is_no_name(word, known):
        return False
    if lead is _Lead.LISTED:
        return False
    if title and word.plain in known.last_names:
        return True
    return word.has_capital or lead is _Lead.PLAIN


def _may_go_on(text: str, last: _Said, word: _Said, lead: _Lead, known: KnownWords) -> bool:
    if word.plain in known.last_names or (word.plain in known.first_names and lead is not _Lead.LISTED):
        return True
    if len(word.plain) < 2 or _is_no_name(word, known):
        return False
    if word.has_capital:
        return True
    same_case = last.text.isupper() == word.text.isupper()
    return lead is _Lead.PLAIN and not last.has_capital and same_case and _AFTER_NAME.match(text, word.end) is not None


def _is_no_name(word: _Said, known: KnownWords) -> bool:
    return word.plain in _NO_NAMES or word.plain in known.not_names


def _first_and_last(text: str, known: KnownWords) -> Iterator[tuple[int, int]]:
    """A known first name and, next to it, a known last name or a word with a capital."""
    before: _Said | None = None
    for found in _WORD.finditer(text):
        word = _Said(found[0], found.start(), found.end())
        if before and before.plain in known.first_names and _GAP.fullmatch(text, before.end, word.start):
            both_capital = before.has_capital and word.has_capital and not _is_no_name(word, known)
            if (word.plain in known.last_names or both_capital) and len(word.plain) > 1:
                owning = _OWNING.search(word.text)
                yield before.start, word.end - (len(owning[0]) if owning else 0)
        before = word
