"""Masks personal data in what was typed, before anything is stored (FACTS section 5, rule 5).

Deterministic and offline: shapes, check digits and the words around a name; common names come from content/words.
A mask is a short tag such as `[name]`: a code, not prose. Masking what is masked changes nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bot.guard import names
from bot.triage.lexicon import KnownWords

MAX_PASSES = 6
"""Taking one thing out may lay another bare; two passes are the rule, a third is not known to happen."""

_TLDS = (
    "com|org|net|uk|co|io|me|tv|gg|app|info|ly|be|social|xyz|site|online|link|page|chat|live|video|fm|eu|us|ru|cn|de|"
    "fr|es|it|ie|scot|wales|cymru|gl|to|dev|ai|edu|gov|art|club|fans|shop|store|blog|cc|ws"
)
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    "nov(?:ember)?|dec(?:ember)?|ionawr|chwefror|mawrth|ebrill|mai|mehefin|gorffennaf|awst|medi|hydref|tachwedd|rhagfyr"
)
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:(?:19|20)\d\d|\d\d)"
_AREAS = (
    "AB|AL|B|BA|BB|BD|BF|BH|BL|BN|BR|BS|BT|BX|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT|DY|E|EC|EH|EN|EX|FK|"
    "FY|G|GL|GU|GY|HA|HD|HG|HP|HR|HS|HU|HX|IG|IM|IP|IV|JE|KA|KT|KW|KY|L|LA|LD|LE|LL|LN|LS|LU|M|ME|MK|ML|N|NE|NG|NN|NP|"
    "NR|NW|OL|OX|PA|PE|PH|PL|PO|PR|RG|RH|RM|S|SA|SE|SG|SK|SL|SM|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|TR|TS|TW|UB|W|"
    "WA|WC|WD|WF|WN|WR|WS|WV|YO|ZE"
)

_LINK = re.compile(
    rf"(?:https?://|www\.)[^\s\[\]]+"
    rf"|(?<![\w.@-])(?:[a-z0-9-]{{1,63}}\.){{1,5}}(?:{_TLDS})/[^\s\[\]]+"
    rf"|(?<![\w.@-])(?:[a-z0-9-]{{1,63}}\.){{1,5}}sch\.uk(?![\w-])",
    re.IGNORECASE,
)
_EMAIL = re.compile(
    r"(?<![\w.+%'-])[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+"
    rf"|(?<![\w.+%-])[\w.+%-]+\s?[(<]\s?at\s?[)>]\s?[\w-]{{1,63}}"
    rf"(?:\s?(?:\.|[(<]\s?dot\s?[)>]| dot )\s?[\w-]{{1,63}}){{1,4}}"
    rf"|(?<![\w.+%-])[\w.+%-]+ at [\w-]{{1,63}}(?: dot [\w-]{{1,63}}){{0,2}} dot (?:{_TLDS})\b",
    re.IGNORECASE,
)
_HANDLE = re.compile(
    r"(?<![\w@])@(?!\d{1,4}(?:[:.]\d\d)?\s?(?:am|pm)?(?![\w.]))(?!(?:everyone|here|all|channel)\b)\w(?:[\w.@-]*\w)?"
    r"|(?<![\w#])\w{2,32}#\d{4}(?!\w)",
    re.IGNORECASE,
)
_HANDLE_SAID = re.compile(
    r"\b(?:user ?name|gamer ?tag|handle|screen ?name|nickname|"
    r"(?:snap(?:chat)?|insta(?:gram)?|ig|tik ?tok|discord|roblox|xbox|psn|telegram|twitter|account|profile|page|kik)"
    r"(?: user ?name| handle| name| id| tag| account)?)"
    r"(?:\s?[:=]\s?|\s(?:is |was |it's |its )?(?:called |named |user ?name )?)[\"“'‘]?"
    r"(?P<it>(?![\w.-]*\d(?:st|nd|rd|th)\b)(?=[a-z0-9-]*(?:[_.][a-z0-9_]|[a-z-]\d))[a-z][\w.-]*\w)",
    re.IGNORECASE,
)
_NI = re.compile(
    r"(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
    r"[ .-]?\d\d[ .-]?\d\d[ .-]?\d\d[ .-]?[A-D](?!\w)",
    re.IGNORECASE,
)
_NHS = re.compile(r"(?<![\d+.])\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)")
_PHONE = re.compile(
    r"(?<![\d+])(?:\(?(?:\+|00)\s?44\)?[\s.-]{0,2}(?:\(0\))?[\s.-]{0,2}|\(?0)(?:[ ().\-‐-―]{0,2}\d){9,11}(?!\d)"
    r"|(?<![\d+])\+\d{1,3}(?:[ ().-]{0,2}\d){7,12}(?!\d)"
    r"|(?<![\d+.,£$])7\d{3}[ -]?\d{3}[ -]?\d{3}(?!\d)"
)
_PHONE_SAID = re.compile(
    r"\b(?:tel|telephone|phone|mobile|mob|whatsapp|landline)(?: ?(?:no|number|num))?\.?\s?(?:is|:|=)?\s?"
    r"(?P<it>\d{3,4}[ -]?\d{3,4})(?!\d)",
    re.IGNORECASE,
)
_BORN = re.compile(
    r"\b(?:d\.?o\.?b\.?|date of birth|birth ?date|birthday|b-?day|born|dyddiad geni|ganwyd|geni)"
    r"(?: date)?(?:\s(?:is|was|on|in|the|ar|yn|yw)){0,3}\s?[:=-]?\s?(?:the )?(?P<it>"
    rf"{_DAY}(?:st|nd|rd|th)?(?: of)?[ /.-]{{1,2}}(?:{_MONTHS})(?:[ ,/.-]{{1,2}}{_YEAR})?(?!\w)"
    rf"|(?:{_MONTHS})\.? {_DAY}(?:st|nd|rd|th)?(?:,? (?:19|20)\d\d)?(?!\w)"
    rf"|(?:{_MONTHS}),? (?:19|20)\d\d"
    rf"|{_DAY} ?[/.-] ?{_MONTH}(?: ?[/.-] ?{_YEAR})?(?!\d)"
    r"|\d{6}(?!\d)|\d{8}(?!\d)|(?:19|20)\d\d(?!\d))",
    re.IGNORECASE,
)
_DATE = re.compile(
    rf"(?<![\d/.-])(?:{_DAY}([/.-]){_MONTH}\1{_YEAR}|{_MONTH}([/.-]){_DAY}\2{_YEAR}|(?:19|20)\d\d([/.-]){_MONTH}\3{_DAY})"
    r"(?![\d/]|[.-]\d)"
)
_POSTCODE = re.compile(
    rf"(?<!\w)(?:GIR ?0AA|(?:{_AREAS})\d(?:\d|[A-Z])? ?\d[ABD-HJLNP-UW-Z]{{2}})(?!\w)", re.IGNORECASE
)
_ORDINAL = re.compile(r"(?:^|\D)(?:1st|2nd|3rd|[04-9]th)$")
_LINK_ENDS = ".,;:!?)'\"»”’*_"


@dataclass(frozen=True, slots=True)
class Masked:
    """The text without personal data, and the kinds that were taken out, each once, in the order below."""

    text: str
    kinds: tuple[str, ...]


Spans = Iterator[tuple[int, int]]


def mask(text: str, known: KnownWords = KnownWords()) -> Masked:  # noqa: B008 - immutable
    """Puts a tag in place of every piece of personal data that can be recognised.

    Kinds: link email handle ni_number nhs_number birth_date phone postcode name. Without `known`, names in small
    letters are only seen after the plainest leads ("my name is"). Time is in proportion to the length.
    """
    kinds: list[str] = []
    for _ in range(MAX_PASSES):
        before = text
        for kind, find in _FINDERS.items():
            text, found = _replaced(text, f"[{kind}]", find(text, known))
            if found and kind not in kinds:
                kinds.append(kind)
        if text == before:
            break
    return Masked(text, tuple(kind for kind in _FINDERS if kind in kinds))


def _replaced(text: str, tag: str, spans: Spans) -> tuple[str, bool]:
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        if start >= at:
            pieces += [text[at:start], tag]
            at = end
    return "".join([*pieces, text[at:]]), bool(pieces)


def _links(text: str, _: KnownWords) -> Spans:
    for found in _LINK.finditer(text):
        yield found.start(), found.start() + len(found[0].rstrip(_LINK_ENDS))


def _handles(text: str, _: KnownWords) -> Spans:
    spans = [found.span() for found in _HANDLE.finditer(text)]
    yield from sorted([*spans, *(found.span("it") for found in _HANDLE_SAID.finditer(text))])


def _nhs_numbers(text: str, _: KnownWords) -> Spans:
    for found in _NHS.finditer(text):
        digits = _digits(found[0])
        said = re.search(r"\b(?:nhs|chi|h&c|hsc)\b", text[max(0, found.start() - 30) : found.start()], re.IGNORECASE)
        if _fits_mod_11(digits) and (said or digits[0] != "0"):
            yield found.span()


def _fits_mod_11(digits: str) -> bool:
    """The check digit of an NHS number (NHS Data Dictionary: weights 10 to 2, 11 minus the remainder, 11 is 0)."""
    remainder = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return (11 - remainder) % 11 == int(digits[9])


def _phones(text: str, known: KnownWords) -> Spans:
    spans = [found.span() for found in _PHONE.finditer(text) if _digits(found[0]) not in known.helplines]
    said = (found.span("it") for found in _PHONE_SAID.finditer(text))
    yield from sorted([*spans, *(span for span in said if _digits(text[slice(*span)]) not in _SHORT_HELPLINES)])


_SHORT_HELPLINES = frozenset({"08001111", "116123"})


def _birth_dates(text: str, _: KnownWords) -> Spans:
    spans = [found.span("it") for found in _BORN.finditer(text)]
    yield from sorted([*spans, *(found.span() for found in _DATE.finditer(text))])


def _postcodes(text: str, _: KnownWords) -> Spans:
    return (found.span() for found in _POSTCODE.finditer(text) if not _ORDINAL.search(found[0]))


def _names(text: str, known: KnownWords) -> Spans:
    return names.spans(text, known)


def _all_of(pattern: re.Pattern[str]) -> Callable[[str, KnownWords], Spans]:
    return lambda text, _: (found.span() for found in pattern.finditer(text))


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


_FINDERS: Mapping[str, Callable[[str, KnownWords], Spans]] = {
    "link": _links,
    "email": _all_of(_EMAIL),
    "handle": _handles,
    "ni_number": _all_of(_NI),
    "nhs_number": _nhs_numbers,
    "birth_date": _birth_dates,
    "phone": _phones,
    "postcode": _postcodes,
    "name": _names,
}
