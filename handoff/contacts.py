"""Facts of contacts: what a turn shows of one is kept in the turn's own write, in codes, and counted seconds later.

A contact is what one enquirer said until nothing was said for as long as words are kept. Its fact is changed only while
it goes on (`contact_now`); then nothing leads from it to a conversation any more.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from handoff.domain import code
from handoff.moments import from_ms, to_ms

NATIONS = frozenset({"england", "wales", "scotland", "northern_ireland"})
GRAVEST_FIRST = ("emergency", "refer_today", "tell_lead", "handle", "information")
"""What a page may advise."""
AT_ONCE = 500
"""How many turns one write counts, and how many contacts it closes, at most: turns are taken in between."""

QUARTER_MS = 900_000
"""A day begins on a quarter of an hour, in every time zone there is."""


class Stood(StrEnum):
    """How a contact stands, or ended."""

    BEGUN = "begun"
    ADVISED = "advised"
    """A page was shown."""
    HANDED_OVER = "handed_over"
    FINISHED = "finished"
    """The enquirer said that this was all."""
    STOPPED = "stopped"
    """They stopped in the middle and had their words deleted."""
    CHILD = "child"
    """A child wrote: nothing else is kept of them."""
    WRONG_PLACE = "wrong_place"
    """They were sent to another service."""


class MissKind(StrEnum):
    """Why no flow took what was asked."""

    NOT_UNDERSTOOD = "not_understood"
    NO_PAGE = "no_page"
    """There is no page about the platform."""
    OUT_OF_SCOPE = "out_of_scope"


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A step that waits, or shows a page."""

    flow: str
    step: str


class Miss(msgspec.Struct, frozen=True, array_like=True):
    """Codes; `about` and `platform` are "" where nothing is known of them, `step` is "flow/step" or ""."""

    kind: MissKind
    about: str = ""
    platform: str = ""
    step: str = ""


class Then(msgspec.Struct, frozen=True, array_like=True):
    """Something that was answered or shown, as a code, and when (unix ms)."""

    code: str
    at: int


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one turn shows. Codes; None: not told, or not asked."""

    channel: str
    library: str
    language: str
    is_return: bool = False
    """Whoever speaks has been here before, should this be the first turn of a contact."""
    is_beside: bool = False
    """An adviser speaks: the bot stands still."""
    leaves: bool = False
    """The enquirer goes for good: the contact is over."""
    role: str | None = None
    nation: str | None = None
    about: str | None = None
    """The concern the conversation is about now; `platform` belongs to it."""
    platform: str | None = None
    concerns: tuple[Then, ...] = ()
    """What it is or was about, as answered."""
    undone: tuple[str, ...] = ()
    """Concerns whose answer was taken back."""
    danger: bool = False
    outcomes: tuple[str, ...] = ()
    """What the pages advise that were shown."""
    pages: tuple[str, ...] = ()
    passed: tuple[Place, ...] = ()
    """Steps that showed a page."""
    place: Place | None = None
    """Where the enquirer is left."""
    missed: tuple[Miss, ...] = ()
    knew_tools: str | None = None
    helped: str | None = None
    helped_by: tuple[Then, ...] = ()
    """The pages that `helped` is said of."""
    stood: Stood | None = None
    """What changed in how the contact stands."""


class Known(msgspec.Struct, frozen=True):
    """What a contact's fact says."""

    language: str = "en"
    role: str | None = None
    nation: str | None = None
    concerns: tuple[str, ...] = ()
    """The primary first: what they came with."""
    platform: str | None = None
    misses: int = 0
    danger: bool = False
    advised: str | None = None
    knew_tools: str | None = None
    helped: str | None = None
    stood: Stood = Stood.BEGUN


class Going(msgspec.Struct, frozen=True):
    """A contact that goes on: its fact, what that says, and the step at which the enquirer was left."""

    fact: int
    since: int
    """Its first turn, and its latest, in unix ms."""
    at: int
    place: Place | None
    day: str | None
    """When they came there, on the service's own calendar."""
    turns: int
    known: Known


# --- what it comes to ------------------------------------------------------------------------------------------------


def grown(known: Known, seen: Seen, since: int) -> Known:
    """What the fact of a contact that began at `since` says after this turn. A child's says nothing but that."""
    stood = standing(known.stood, seen.stood)
    language = known.language if seen.is_beside else seen.language
    if stood is Stood.CHILD:
        return Known(language, stood=stood)
    concerns = _concerns(known.concerns, seen, since)
    is_of_primary = seen.about in (None, *concerns[:1])
    return Known(
        language,
        _coded(seen.role) or known.role,
        seen.nation if seen.nation in NATIONS else known.nation,
        concerns,
        (_coded(seen.platform) if is_of_primary else None) or known.platform,
        known.misses + len(seen.missed),
        known.danger or seen.danger,
        _gravest(known.advised, *seen.outcomes) if seen.outcomes else known.advised,
        seen.knew_tools or known.knew_tools,
        seen.helped or known.helped,
        stood,
    )


def standing(stood: Stood, news: Stood | None) -> Stood:
    """Once a child, always a child; once handed over, always that; in the wrong place until something was advised."""
    match stood, news:
        case (_, None) | (Stood.CHILD, _):
            return stood
        case (_, Stood.CHILD):
            return Stood.CHILD
        case (Stood.HANDED_OVER, _) | (Stood.WRONG_PLACE, Stood.FINISHED | Stood.STOPPED):
            return stood
        case (Stood.ADVISED | Stood.FINISHED, Stood.WRONG_PLACE) | (Stood.FINISHED, Stood.STOPPED):
            return stood
        case _:
            return news or stood


def _concerns(before: tuple[str, ...], seen: Seen, since: int) -> tuple[str, ...]:
    """Answers from before the contact began are another's; what it is about now counts whenever it was said."""
    told = [code(each.code) for each in seen.concerns if each.at >= since]
    now = [code(seen.about)] if seen.about else []
    return tuple(dict.fromkeys((*(each for each in before if each not in seen.undone), *told, *now)))


def _gravest(*outcomes: str | None) -> str | None:
    return next((each for each in GRAVEST_FIRST if each in outcomes), None)


def _coded(text: str | None) -> str | None:
    return code(text) if text else None


# --- in the turn's own write -----------------------------------------------------------------------------------------


def keep(conn: sqlite3.Connection, conversation: int, at: datetime, seen: Seen) -> None:
    """One small row; `settle` counts it."""
    conn.execute(_KEEP, [conversation, to_ms(at), _encode(seen).decode()])


# --- counting --------------------------------------------------------------------------------------------------------


def any_kept(conn: sqlite3.Connection) -> bool:
    return conn.execute("SELECT 1 FROM contact_turn LIMIT 1").fetchone() is not None


def settle(conn: sqlite3.Connection, local: Callable[[datetime], datetime], words_kept: timedelta) -> bool:
    """Counts the oldest turns that were kept, AT_ONCE of them: each once, in the order in which they were taken.
    False when it came to the end of them.

    `local` takes a moment to the service's own clock; `words_kept`: after such a silence a turn begins a new contact.
    """
    rows = conn.execute(_KEPT, [AT_ONCE]).fetchall()
    counting = _Counting(conn, local, words_kept // timedelta(milliseconds=1))
    for _, conversation, at, shows in rows:
        counting.turn(conversation, at, _decode(shows))
    counting.write()
    if rows:
        conn.execute(_COUNTED, [rows[-1][0]])
    return len(rows) == AT_ONCE


def any_over(conn: sqlite3.Connection, before: datetime) -> bool:
    """True when a contact goes on in which nothing was said since then."""
    return conn.execute(_ANY_OVER, [to_ms(before)]).fetchone() is not None


def close_over(conn: sqlite3.Connection, before: datetime) -> None:
    """Closes contacts in which nothing was said since then, AT_ONCE of them. To be settled before."""
    _close(conn, [row[0] for row in conn.execute(_OVER, [to_ms(before), AT_ONCE]).fetchall()])


def close(
    conn: sqlite3.Connection, conversation: int, local: Callable[[datetime], datetime], words_kept: timedelta
) -> None:
    """This conversation is to be forgotten: what it showed is counted, and nothing leads to it from its fact."""
    while conn.execute(_ANY_KEPT_OF, [conversation]).fetchone():
        settle(conn, local, words_kept)
    _close(conn, [conversation])


def _close(conn: sqlite3.Connection, conversations: Iterable[int]) -> None:
    """The step at which an enquirer left is counted, where they did leave in the middle."""
    each = [[conversation] for conversation in conversations]
    conn.executemany(_LEFT, each)
    conn.executemany(_OVER_NOW, each)


class _Counting:
    """Many turns in one go: a contact is read once and written once, and equal counts are added up first."""

    def __init__(self, conn: sqlite3.Connection, local: Callable[[datetime], datetime], kept_ms: int) -> None:
        self._conn = conn
        self._local = local
        self._kept_ms = kept_ms
        self._going: dict[int, Going] = {}
        self._days: dict[int, str] = {}
        self._counts: dict[str, Counter[tuple[str, ...]]] = {statement: Counter() for statement in _COUNTS}

    def turn(self, conversation: int, at: int, seen: Seen) -> None:
        going = self._going.get(conversation) or _read(self._conn, conversation)
        if going and at - going.at > self._kept_ms:
            self._close(conversation)
            going = None
        if going is None:
            going = _begin(self._conn, conversation, at, self._local(from_ms(at)), seen)
        self._going[conversation] = self._added(going, at, seen)
        if seen.leaves:
            self._close(conversation)

    def _added(self, going: Going, at: int, seen: Seen) -> Going:
        """Of a child nothing is counted, only that they wrote."""
        known, at = grown(going.known, seen, going.since), max(at, going.at)
        if known.stood is Stood.CHILD:
            return replace(going, at=at, place=None, day=None, turns=going.turns + 1, known=known)
        place = going.place if seen.leaves or seen.is_beside else seen.place
        came = place is not None and place != going.place
        day = self._day(at)
        self._count(day, seen, place if came else None, going.since)
        return Going(
            going.fact, going.since, at, place, day if came else going.day if place else None, going.turns + 1, known
        )

    def _count(self, day: str, seen: Seen, came_to: Place | None, since: int) -> None:
        for place in {*seen.passed, came_to} if came_to else set(seen.passed):
            self._counts[_REACHED][day, place.flow, place.step] += 1
        for page in seen.pages:
            self._counts[_SHOWN][day, page] += 1
        for miss in seen.missed:
            self._counts[_MISSED][day, miss.kind, *_codes(miss.about, miss.platform), miss.step] += 1
        if seen.helped in _HELPED:
            for shown in {each.code: each for each in seen.helped_by if each.at >= since}.values():
                self._counts[_HELPED[seen.helped]][self._day(shown.at), shown.code] += 1

    def _day(self, at: int) -> str:
        quarter = at // QUARTER_MS
        if quarter not in self._days:
            self._days[quarter] = self._local(from_ms(at)).date().isoformat()
        return self._days[quarter]

    def _close(self, conversation: int) -> None:
        self.write()
        _close(self._conn, [conversation])

    def write(self) -> None:
        self._conn.executemany(_FACT, [_row(going) for going in self._going.values()])
        self._conn.executemany(_STANDS, [_stand(going, here) for here, going in self._going.items()])
        self._going.clear()
        for statement, counts in self._counts.items():
            self._conn.executemany(statement, [[*key, times] for key, times in counts.items()])
            counts.clear()


def _read(conn: sqlite3.Connection, conversation: int) -> Going | None:
    row = conn.execute(_GOING, [conversation]).fetchone()
    if row is None:
        return None
    fact, since, at, flow, step, day, turns, language, role, nation, concerns, platform, misses, danger, *rest = row
    advised, knew_tools, helped, stood = rest
    told = tuple(json.loads(concerns)) if concerns else ()
    known = Known(
        language, role, nation, told, platform, misses, danger == 1, advised, knew_tools, helped, Stood(stood)
    )
    return Going(fact, since, at, Place(flow, step) if flow else None, day, turns, known)


def _begin(conn: sqlite3.Connection, conversation: int, at: int, local: datetime, seen: Seen) -> Going:
    first = [local.date().isoformat(), local.hour, seen.channel, seen.language, seen.library, int(seen.is_return)]
    fact = conn.execute(_BEGIN, first).lastrowid or 0
    conn.execute(_GOES_ON, [conversation, fact, at, at])
    return Going(fact, at, at, None, None, 0, Known(seen.language))


def _row(going: Going) -> Sequence[object]:
    known = going.known
    concerns = known.concerns
    as_json = json.dumps(concerns, separators=(",", ":")) if concerns else None
    told = [known.language, known.role, known.nation, concerns[0] if concerns else None, as_json, known.platform]
    came = [known.misses, int(known.danger), known.advised, known.knew_tools, known.helped, known.stood]
    return [going.turns, *told, *came, going.fact]


def _stand(going: Going, conversation: int) -> Sequence[object]:
    flow, step = (going.place.flow, going.place.step) if going.place else (None, None)
    return [going.at, flow, step, going.day, conversation]


def _codes(*texts: str) -> list[str]:
    return [code(text) if text else "" for text in texts]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Seen).decode

_KEEP = "INSERT INTO contact_turn (conversation, at, shows) VALUES (?, ?, ?)"
_KEPT = "SELECT seq, conversation, at, shows FROM contact_turn ORDER BY seq LIMIT ?"
_ANY_KEPT_OF = "SELECT 1 FROM contact_turn WHERE conversation = ?"
_COUNTED = "DELETE FROM contact_turn WHERE seq <= ?"
_GOING = """
SELECT n.fact, n.since, n.at, n.flow, n.step, n.day, f.turns, f.language, f.role, f.nation, f.concerns, f.platform,
       f.misses, f.danger, f.advised, f.knew_tools, f.helped, f.stood
  FROM contact_now n JOIN contact_facts f ON f.id = n.fact WHERE n.conversation = ?"""
_BEGIN = """
INSERT INTO contact_facts (period, hour, channel, language, library, is_return) VALUES (?, ?, ?, ?, ?, ?)"""
_GOES_ON = "INSERT INTO contact_now (conversation, fact, since, at) VALUES (?, ?, ?, ?)"
_FACT = """
UPDATE contact_facts SET turns = ?, language = ?, role = ?, nation = ?, concern = ?, concerns = ?, platform = ?,
       misses = ?, danger = ?, advised = ?, knew_tools = ?, helped = ?, stood = ? WHERE id = ?"""
_STANDS = "UPDATE contact_now SET at = ?, flow = ?, step = ?, day = ? WHERE conversation = ?"
_REACHED = """
INSERT INTO step_count (day, flow, step, reached) VALUES (?, ?, ?, ?)
    ON CONFLICT (day, flow, step) DO UPDATE SET reached = reached + excluded.reached"""
_SHOWN = """
INSERT INTO page_count (day, page, shown) VALUES (?, ?, ?)
    ON CONFLICT (day, page) DO UPDATE SET shown = shown + excluded.shown"""
_MISSED = """
INSERT INTO miss_count (day, kind, about, platform, step, times) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (day, kind, about, platform, step) DO UPDATE SET times = times + excluded.times"""
_HELPED = {
    "yes": "UPDATE page_count SET helped = helped + ?3 WHERE day = ?1 AND page = ?2",
    "partly": "UPDATE page_count SET partly = partly + ?3 WHERE day = ?1 AND page = ?2",
    "no": "UPDATE page_count SET not_helped = not_helped + ?3 WHERE day = ?1 AND page = ?2",
}
_COUNTS = (_REACHED, _SHOWN, _MISSED, *_HELPED.values())
"""In this order: what is said of a page comes after that it was shown."""
_ANY_OVER = "SELECT 1 FROM contact_now WHERE at < ? LIMIT 1"
_OVER = "SELECT conversation FROM contact_now WHERE at < ? LIMIT ?"
_LEFT = """
UPDATE step_count SET last = last + 1
 WHERE (day, flow, step) = (SELECT n.day, n.flow, n.step FROM contact_now n JOIN contact_facts f ON f.id = n.fact
                             WHERE n.conversation = ? AND f.stood NOT IN ('handed_over', 'finished', 'child'))"""
_OVER_NOW = "DELETE FROM contact_now WHERE conversation = ?"
