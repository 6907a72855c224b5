"""Practice: a scripted enquirer, played in a case that is nobody's. What was said decides what is said next."""

import json
import sqlite3
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from handoff import thread
from handoff.domain import ENDED, AdviserId, Author, CaseId, Lane, NewCase, Pack, PackAdvice, PackAnswer, State
from handoff.moments import from_ms, to_ms
from handoff.queue import Queue
from handoff.seal import Seal

ANSWERS_AFTER = timedelta(seconds=4)
"""How long the scripted enquirer takes to answer."""
CHANNEL = "web"
REASON = "practice"


@dataclass(frozen=True, slots=True)
class Script:
    """One practice: what is passed on, what the enquirer answers to each message in turn, what good looks like."""

    id: str
    title: str
    about: str
    minutes: int
    tier: int
    concern: str
    role: str
    nation: str
    platform: str | None
    lane: Lane
    library: str
    pack: Pack
    replies: tuple[str, ...]
    good: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One practice of one adviser."""

    case_id: CaseId
    reference: str
    adviser: AdviserId
    script: Script
    state: State
    began_at: datetime

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


def begin(
    conn: sqlite3.Connection, queue: Queue, seal: Seal, script: Script, adviser: AdviserId, now: datetime
) -> CaseId:
    """Opens the case and gives it to the adviser. Raises: AtCapacity, NotAllowed."""
    conversation = conn.execute("SELECT min(0, coalesce(min(conversation), 0)) - 1 FROM voice").fetchone()[0]
    new = NewCase(
        conversation,
        script.tier,
        REASON,
        CHANNEL,
        script.library,
        script.concern,
        script.role,
        script.nation,
        script.platform,
        pack=script.pack,
        lane=script.lane,
    )
    case_id = queue.open_case(conn, new, now).id
    body = seal.seal(json.dumps(asdict(script), ensure_ascii=False), _about(case_id))
    row = [case_id, adviser, script.id, len(script.replies), body, to_ms(now)]
    conn.execute("INSERT INTO practice VALUES (?, ?, ?, ?, ?, ?)", row)
    queue.claim(conn, case_id, adviser, now)
    return case_id


def just_begun(conn: sqlite3.Connection, adviser: AdviserId, script: str) -> CaseId | None:
    """Their practice of that script in which they have not said a word yet."""
    row = conn.execute(_JUST_BEGUN, [adviser, script]).fetchone()
    return None if row is None else CaseId(row[0])


def run_of(conn: sqlite3.Connection, seal: Seal, case_id: CaseId, adviser: AdviserId) -> Run | None:
    """This adviser's practice of that case; None when there is none, or it is another's."""
    row = conn.execute(_RUNS + 'AND p."case" = ?', [adviser, case_id]).fetchone()
    return None if row is None else _run(seal, row)


def runs_of(conn: sqlite3.Connection, seal: Seal, adviser: AdviserId, limit: int = 20) -> tuple[Run, ...]:
    """An adviser's own practice, the newest first."""
    rows = conn.execute(_RUNS + 'ORDER BY p.at DESC, p."case" DESC LIMIT ?', [adviser, limit]).fetchall()
    return tuple(_run(seal, row) for row in rows)


def anything_to_say(conn: sqlite3.Connection, now: datetime) -> tuple[CaseId, ...]:
    """The cases in which somebody was written to a while ago and has not answered: perhaps their script has more."""
    latest = to_ms(now - ANSWERS_AFTER)
    return tuple(CaseId(row[0]) for row in conn.execute(_WAITING_FOR_ANSWERS, [latest]))


def answer(conn: sqlite3.Connection, *, seal: Seal, case_id: CaseId, now: datetime) -> bool:
    """Says what the script has for the adviser's next unanswered message, once its time has come. False: nothing."""
    row = conn.execute(_PLAYED, [case_id]).fetchone()
    if row is None:
        return False
    answered, replies = row[1], _script(seal, case_id, row[0]).replies
    if answered >= len(replies):
        return False
    asked = conn.execute(_ASKED, [case_id, answered]).fetchone()
    if asked is None or from_ms(asked[0]) + ANSWERS_AFTER > now:
        return False
    thread.add(conn, seal, case_id, Author.ENQUIRER, replies[answered], now)
    return True


def is_played_out(conn: sqlite3.Connection, seal: Seal, case_id: CaseId) -> bool:
    """The enquirer has nothing more to say."""
    row = conn.execute(_PLAYED, [case_id]).fetchone()
    return row is not None and row[1] >= len(_script(seal, case_id, row[0]).replies)


# --- within ----------------------------------------------------------------------------------------------------------

_RUNS = """
SELECT p."case", c.reference, p.adviser, p.body, q.state, p.at FROM practice p JOIN cases c ON c.id = p."case"
  JOIN queue_item q ON q."case" = p."case" WHERE p.adviser = ?
"""
_JUST_BEGUN = """
SELECT p."case" FROM practice p JOIN queue_item q ON q."case" = p."case"
 WHERE p.adviser = ? AND p.script = ? AND q.state = 'claimed' ORDER BY p."case" DESC LIMIT 1
"""
_COUNTED = '(SELECT count(*) FROM message WHERE "case" = p."case" AND author = \'{}\')'
_WAITING_FOR_ANSWERS = f"""
SELECT p."case" FROM practice p JOIN queue_item q ON q."case" = p."case"
 WHERE q.state IN ('active', 'paused') AND {_COUNTED.format("enquirer")} < min(p.replies, {_COUNTED.format("adviser")})
   AND EXISTS (SELECT 1 FROM message WHERE "case" = p."case" AND author = 'adviser' AND at <= ?)
"""
_PLAYED = f"""
SELECT p.body, {_COUNTED.format("enquirer")} FROM practice p JOIN queue_item q ON q."case" = p."case"
 WHERE p."case" = ? AND q.state NOT IN ('done', 'abandoned')
"""
_ASKED = """SELECT at FROM message WHERE "case" = ? AND author = 'adviser' ORDER BY seq LIMIT 1 OFFSET ?"""


def _run(seal: Seal, row: tuple[int, str, int, bytes, str, int]) -> Run:
    case_id = CaseId(row[0])
    return Run(case_id, row[1], AdviserId(row[2]), _script(seal, case_id, row[3]), State(row[4]), from_ms(row[5]))


def _script(seal: Seal, case_id: CaseId, body: bytes) -> Script:
    plain = json.loads(seal.open(body, _about(case_id)))
    pack = Pack(
        answers=tuple(PackAnswer(**each) for each in plain["pack"]["answers"]),
        advice=tuple(PackAdvice(**each) for each in plain["pack"]["advice"]),
        words=tuple(plain["pack"]["words"]),
    )
    lists = {"pack": pack, "replies": tuple(plain["replies"]), "good": tuple(plain["good"])}
    return Script(**{**plain, **lists, "lane": Lane(plain["lane"])})


def _about(case_id: CaseId) -> str:
    return f"case:{case_id}:practice"
