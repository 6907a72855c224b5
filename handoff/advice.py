"""What a record of advice holds: what was asked, what bot and advisers advised, what was decided. No names, no talk."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from handoff import decisions
from handoff.desk import Case
from handoff.domain import ENDED, CaseId
from handoff.doors import AdviceOfBot, AdviceShown, AnswerShown, DecisionShown, Records
from handoff.moments import from_ms
from handoff.seal import Seal


@dataclass(frozen=True, slots=True)
class AdviserDecision:
    """What an adviser decided by a framework. `rationale` None: it is not for this print."""

    title: str
    page: str
    route: str
    rule: str
    """"" where no rule held."""
    framework: str
    library: str
    second: bool | None
    """Whether a second adviser agreed; None: nobody has read it."""
    rationale: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class AdviceRecord:
    """Everything the professional may keep. Codes stay codes: the templates have the words."""

    reference: str
    made_at: datetime
    opened_at: datetime
    closed_at: datetime | None
    concern: str | None
    nation: str | None
    outcome: str | None
    libraries: tuple[str, ...]
    answers: tuple[AnswerShown, ...]
    advice: tuple[AdviceShown, ...]
    """By the bot."""
    sent: tuple[AdviceShown, ...]
    """By advisers."""
    bot_decisions: tuple[DecisionShown, ...]
    decisions: tuple[AdviserDecision, ...]


def record_of(
    conn: sqlite3.Connection, seal: Seal, records: Records, found: Case, now: datetime, with_rationale: bool
) -> AdviceRecord:
    """Put together from what the bot still knows, or, once it has forgotten, from what it passed on."""
    row = found.row
    closed_at = row.moved_at if row.state in ENDED else None
    bot = _until(_of_bot(conn, records, found), closed_at)
    sent = _sent(conn, records, row.id)
    decided = tuple(
        AdviserDecision(
            each.grounds.title,
            each.page,
            each.route,
            each.grounds.rule,
            each.grounds.framework,
            each.library,
            each.second.agrees if each.second else None,
            each.grounds.rationale if with_rationale else None,
            each.at,
        )
        for each in decisions.of_case(conn, seal, row.id)
    )
    used = [bot.library, *(each.library for each in sent), *(each.library for each in decided)]
    return AdviceRecord(
        row.reference,
        now,
        row.opened_at,
        closed_at,
        found.issue or row.concern,
        row.nation,
        found.outcome,
        tuple(dict.fromkeys(used)),
        bot.answers,
        bot.advice,
        sent,
        bot.decisions,
        decided,
    )


def _of_bot(conn: sqlite3.Connection, records: Records, found: Case) -> AdviceOfBot:
    """What the bot knows, filled up from the hand-over: that stays what it was, whatever the enquirer did since."""
    row = conn.execute("SELECT conversation FROM cases WHERE id = ?", [found.row.id]).fetchone()
    known = records.of(row[0]) if row[0] > 0 else None
    known = known or AdviceOfBot(found.library, (), (), ())
    if found.pack is None:
        return known
    answers = known.answers or tuple(AnswerShown(each.question, each.answer, None) for each in found.pack.answers)
    pages = {each.page for each in known.advice}
    passed_on = tuple(
        records.page(each.page, found.library, None)
        or AdviceShown(each.title, each.page, "", found.library, "verified", (), None)
        for each in found.pack.advice
        if each.page not in pages
    )
    return AdviceOfBot(known.library, answers, (*passed_on, *known.advice), known.decisions)


def _until(bot: AdviceOfBot, closed_at: datetime | None) -> AdviceOfBot:
    """What the same conversation led to after the case had ended is no part of it."""
    if closed_at is None:
        return bot
    return AdviceOfBot(
        bot.library,
        tuple(each for each in bot.answers if each.at is None or each.at <= closed_at),
        tuple(each for each in bot.advice if each.at is None or each.at <= closed_at),
        tuple(each for each in bot.decisions if each.at <= closed_at),
    )


def _sent(conn: sqlite3.Connection, records: Records, case_id: CaseId) -> tuple[AdviceShown, ...]:
    """The pages advisers put into their messages; each version once, as it was first sent."""
    return tuple(
        records.page(page, library, from_ms(at)) or AdviceShown(page, page, "", library, "verified", (), from_ms(at))
        for page, library, at in conn.execute(_SENT, [case_id])
    )


_SENT = 'SELECT page, library, min(at) FROM insertion WHERE "case" = ? GROUP BY page, library ORDER BY min(at)'
