"""Finds names that are given as names: after "my name is", "called", "Mr", "pupil:", and first and last name together.

A word with a capital counts as a name after any lead; in small letters only after the plainest leads, or when the
editors' lists know it. Words that stand where a name could ("I'm a …", "called the police") are never names.
"""

import re
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import NamedTuple

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
    r"\b(?:my|his|her|hers|their|your|the|a|child|boy|girl|pupil|student|teacher|parent|mum|dad|carer|staff|person|man)"
    r"(?:['’]?s)? (?:full |first |last |real |sur|actual |middle |family )?"
    r"name(?:['’]?s| is| was|:| =| -)? (?:is |was )?"
    r"|\b(?:my|his|her|their|the) (?:full |first |last |real |sur)?names? (?:are|is|was)\s"
    r"|(?<![\w-])(?:full |first |last |sur)?name\s?[:=]\s?"
    r"|\b(?:fy )?enw i (?:yw|ydi|ydy) |\b(?:ei|fy) (?:h?enw) (?:yw|ydi|ydy) |\benw\s?[:=]\s?|\bo['’]r enw ",
    re.IGNORECASE,
)
_CAPITAL = re.compile(
    r"\b(?:i['’]?m|i am|this is|it['’]?s|named|known as|goes by|nicknamed)\s+"
    r"|\b(?:regards|sincerely|faithfully|signed),?\s+"
    r"|\b(?:pupil|student|child|learner|young person|yp|boy|girl|victim|suspect|perpetrator|offender|parent|mother"
    r"|father|mum|dad|carer|teacher|staff member|staff|colleague|dsl|contact|head|headteacher"
    r"|disgybl|rhiant|athro|athrawes)"
    r"\s?[:=]\s?"
    r"|\b(?:thanks|thank you|cheers|diolch),?[ \t]*\n+\s*",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"(?:\b(?P<what>[^\W\d_]{1,30})\s+)?(?:(?:is|was|are|that['’]?s|who['’]?s)\s+)?\bcalled\s+", re.IGNORECASE
)
_TITLE = re.compile(r"\b(?:(?P<plain>mrs?|mx|prof|professor)|(?:ms|dr|miss|rev|sir|dame))\b\.?\s+", re.IGNORECASE)
_LISTED = re.compile(
    r"\b(?:pupil|student|colleague|teacher|headteacher|boy|girl|child|son|daughter|partner|carer|tutor|brother|sister|"
    r"friend|husband|wife|mum|dad|ex|about|with|from|by|and|hi|hello|dear|that|told|is|was|does"
    r"|ask|tell|contact|speak to)"
    r"\s+",
    re.IGNORECASE,
)

_THINGS = frozenset(
    """
    account accounts ai alert app apps article audio blog board book bot brand business campaign challenge channel
    character charity chat club college community company content course craze document drama event fanfic file film
    forum game games gc group groups guidance hashtag image it item lesson level library link list magazine map meme
    mode movie music one organisation page pages place platform playlist podcast policy post practice procedure
    profile programme project report room scheme school schools series server service set show site sites software
    something song sound story stream subreddit system team template thing things thread tool town toy training
    trend trust tune tv video videos website websites whats word
    """.split()  # noqa: SIM905 - a list to read, not to count
)
"""What can be "called" something that is no person's name; then only a known first name counts."""

_NO_NAMES = frozenset(
    """
    101 111 999 a about above absolutely abuse abused abusive ac access account accused acting actually added adult
    adviser advisor affected afraid after again age aged alert all allowed almost already also always am ambulance
    an and angry annoyed anonymous another anxious any anyone anything appalled appointment appointments april ar
    are aren't around arrested as asap asked asking assaulted assistant at attached attacked august available aware
    away babe back bad banned based be beaten because been before being belfast below best between birmingham bitch
    blank bleeding blocked both boy bristol british bro bullied but by called calling calls came can can't cannot
    cardiff case catholic chair changed child children christian christmas circulated class clear college coming
    completely concerned confused contacting copied could council creep cut cymraeg dad daddy daily dangos data
    daughter ddim dead december deeply deleted deputy desperate devastated did different disabled disclosed
    discussed disgusted dismissed distressed do does doing don't done dr dsl due during dying each early easter
    edinburgh ei either else emailing embarrassed emergency england english enquiring even ever every everybody
    everyone everything everywhere exactly excel excluded executive exposed facing fake family far fat father
    february fed feeling female filmed fine first following for forever former foster fostering four free friday
    friend frightened from fully furious fy gay get getting girl given giving glad glasgow go god gofyn going gone
    good got governor grandma grateful groomed hacked had happy harassed hard has hate have having he head
    headteacher help helping her here hers hi hidden him his home hoping horrified how however hun hurt i i'd i'll
    i'm i've identified idiot if ill im impersonated in included inclusion independent interested into involved
    ireland irish is isn't it it's its january jesus jewish job july june just keen known last late lead leader
    leading leaked learning leaving leeds left less lessons let liar like linked listed liverpool local london
    looking loser lost lots love mad made mae male manager manchester many march married mate may me mental
    mentioned mentor mewn mid miss missing misspelled misused mocked monday more most mostly mother mr mrs ms much
    mud mum mummy muslim my n name named names nan near need needing nervous never new news next no nobody non nonce
    none not nothing november now nqt nurse o october of off offensive office ofsted oherwydd ok okay old on once
    one only open or other our out outraged over overwhelmed own paedo panicking parent parents part pastoral pedo
    people perfectly person perv phoning place planning plastered please pleased poeni police possible posted
    posting practice pregnant pretty primary principal printed private probably public published pupil pupils put
    questioned quite racist raised rather ready really receiving recently reception recorded redacted referral
    referring regarding registered relevant removed reported reporting required retired right ringing running sad
    safe safeguarding said same saturday saying scared school scotland scottish second secondary secretary see
    seeing seeking seen senco senior sent september several shared she shocked should shown sick similar since
    single sir slag slut so social some someone something somewhere son soon sorry special specialist spread staff
    still stolen stressed struggling stuck student students stunned stupid subject such suicidal sunday supply
    supporting supposed sure surgery suspended swansea tagged targeted teacher teachers team teams tell telling ten
    terrified than that that's the their them then there there's these they they're thinking third this those
    threatened three thursday tired to today together told tomorrow tonight too totally trainee training trans
    transgender trolled trying tuesday two ugly uk unable uncertain under universe unknown unsure until up upset
    urgent us used useless user using usually very victim visible volunteer waiting wales want wanting was wasn't we
    wednesday week weird welsh went were what when where whether which while who whole whose why will with withheld
    within without woman wondering word work worker working world worried would writing written wrong y year years
    yes yesterday yet yn york you young your youth yr
    """.split()  # noqa: SIM905 - a list to read, not to count
)


class _Said(NamedTuple):
    """One word and where it stands."""

    text: str
    start: int
    end: int

    @property
    def plain(self) -> str:
        return _OWNING.sub("", self.text.casefold().replace("’", "'"))

    @property
    def end_of_name(self) -> int:
        owning = _OWNING.search(self.text)
        return self.end - (len(owning[0]) if owning else 0)

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
    if not (begins := _WORD.match(text, start)) or begins[0].casefold() in _NO_NAMES:
        return None
    words = _words_from(text, start)
    first = next(words, None)
    if first is None or not _may_begin(first, lead, known, title=title):
        return None
    last = first
    for word in words:
        if not _may_go_on(text, last, word, lead, known):
            break
        last = word
    return first.start, last.end_of_name


def _words_from(text: str, at: int) -> Iterator[_Said]:
    """The words from here on that one name could be: on one line, none after one that owns something."""
    for _ in range(MAX_WORDS):
        if not (found := _WORD.match(text, at)):
            return
        yield _Said(found[0], found.start(), found.end())
        if _OWNING.search(found[0]) or not (gap := _GAP.match(text, found.end())):
            return
        at = gap.end()


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
    for found in _WORD.finditer(text):
        if found[0].casefold() in known.first_names:
            first, *rest = islice(_words_from(text, found.start()), 2)
            for last in rest:
                if last.plain in known.last_names or _both_capital(first, last, known):
                    yield first.start, last.end_of_name


def _both_capital(first: _Said, last: _Said, known: KnownWords) -> bool:
    return first.has_capital and last.has_capital and len(last.plain) > 1 and not _is_no_name(last, known)
