"""A desk that is joined to a small bot: for what the record, contact details and the record of advice ask of it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from handoff import decisions, insertions
from handoff.console.app import console
from handoff.decisions import Made
from handoff.domain import AdviserId, CaseId, Role
from handoff.doors import (
    AdviceOfBot,
    AdviceShown,
    AnswerShown,
    DecisionShown,
    Doors,
    PageCard,
    SourceCard,
)
from handoff.people import Contact, keep
from handoff.thresholds import Answer, Rule, Threshold, Verdict
from tests.demo_desk import MONDAY, OPEN, DemoDesk
from tests.test_console import _mask

INTERFACE = Path(__file__).parent.parent / "content/interface/en.json"
SOURCE = SourceCard("Report a fake account", "https://example.org/report", date(2026, 9, 1))
NAME, PHONE, EMAIL, WHEN = "Philippa Canaryworth", "020 7946 0123", "canary.mail@example.org", "after canary assembly"
CONTACT = Contact(NAME, PHONE, EMAIL, WHEN)
ADDRESS = "canary-address-5577"
IDENTITY = (NAME, "Canaryworth", PHONE, EMAIL, WHEN, ADDRESS)
NOTE, TALK, RATIONALE = "canary-note-ovxq", "canary-talk-zkwv", "canary-rationale-pplm"


@dataclass
class FakePeople:
    """Who shares an address with whom; every address is the canary. `asked` counts who was looked up."""

    same: dict[int, tuple[int, ...]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)

    def same_person(self, conversation: int) -> tuple[int, ...]:
        return self.same.get(conversation, ())

    def address(self, conversation: int) -> tuple[str, str] | None:
        self.asked.append(conversation)
        return "telegram", ADDRESS


@dataclass
class FakeRecords:
    """One question, one page, one decision; forgotten when `forgotten`."""

    forgotten: bool = False

    def of(self, conversation: int) -> AdviceOfBot | None:
        if self.forgotten:
            return None
        at = MONDAY - timedelta(minutes=5)
        late = AnswerShown("Asked long after?", "canary-late", MONDAY + timedelta(days=30))
        return AdviceOfBot(
            "2026-11-20.1",
            (AnswerShown("Where is it?", "TikTok", at), late),
            (_page("keep-evidence", "Keep evidence before you report or block", "impersonation/keep", at),),
            (DecisionShown("Who must be told", "threshold-x", "A child is named", "tell_lead", "KCSIE 2026", at),),
        )

    def page(self, page: str, library: str, at: datetime | None) -> AdviceShown | None:
        return None if page == "unknown" else _page(page, f"The page {page}", "", at, library)

    def labels(self) -> Mapping[str, str]:
        labels: Mapping[str, str] = json.loads(INTERFACE.read_text())
        return labels


def _page(page: str, title: str, rule: str, at: datetime | None, library: str = "2026-11-20.1") -> AdviceShown:
    return AdviceShown(title, page, rule, library, "unverified", (SOURCE,), at)


@asynccontextmanager
async def serving(
    desk: DemoDesk, people: FakePeople | None = None, records: FakeRecords | None = None
) -> AsyncIterator[TestServer]:
    app = web.Application()
    doors = Doors(people=people, records=records)
    app.add_subapp("/desk", console(desk.ledger, desk.queue, OPEN, desk.now, False, _mask, doors=doors))
    async with TestServer(app) as running:
        yield running


# --- a case with something of everything -----------------------------------------------------------------------------


def held(desk: DemoDesk, adviser: AdviserId, **more: str) -> CaseId:
    case_id = desk.case(**more)
    desk.claim(case_id, adviser)
    return case_id


def full_case(desk: DemoDesk, adviser: AdviserId) -> CaseId:
    """Held, answered, with a note, contact details, a page sent, and a decision with its rationale."""
    case_id = held(desk, adviser)
    desk.say(case_id, adviser, TALK)
    desk.hear(case_id, f"{TALK} and from them")
    now, seal = desk.now(), desk.ledger.seal
    desk.ledger.write_now(lambda conn: desk.queue.note(conn, case_id, adviser, NOTE, now))
    desk.ledger.write_now(lambda conn: keep(conn, seal, case_id, adviser, CONTACT, now))
    send_page(desk, case_id, "report-fake-account")
    decide(desk, case_id, adviser)
    return case_id


def send_page(desk: DemoDesk, case_id: CaseId, page: str) -> None:
    """As if their first message had carried it."""
    sql = 'SELECT id FROM message WHERE "case" = ? AND author = ?'
    message = desk.ledger.reader().execute(sql, [case_id, "adviser"]).fetchone()[0]
    card = PageCard(page, page, "advice", "2026-11-21.2", "verified", date(2027, 1, 1), False, False, "text")
    desk.ledger.write_now(lambda conn: insertions.remember(conn, message, [card], desk.now()))


def decide(desk: DemoDesk, case_id: CaseId, adviser: AdviserId) -> None:
    rules = (Rule("A child is in danger", "refer_today", "Today."),)
    threshold = Threshold(
        "threshold-nudes", "A sexual image of a child", (), "Sharing nudes 2024", "2026-11-20.1", True,
        date(2027, 1, 1), False, rules,
    )  # fmt: skip
    made = Made(threshold, "england", (Answer.YES,), Verdict("refer_today", rules[0].name), RATIONALE, "mark-d")
    seal = desk.ledger.seal
    desk.ledger.write_now(lambda conn: decisions.decide(conn, seal, case_id, adviser, made, desk.now()))


def close(desk: DemoDesk, case_id: CaseId, adviser: AdviserId) -> None:
    desk.ledger.write_now(lambda conn: desk.queue.wrap_up(conn, case_id, adviser, desk.now()))
    desk.ledger.write_now(lambda conn: desk.queue.close(conn, case_id, adviser, "impersonation", "advised", desk.now()))


def conversation_of(desk: DemoDesk, case_id: CaseId) -> int:
    return int(desk.ledger.reader().execute("SELECT conversation FROM cases WHERE id = ?", [case_id]).fetchone()[0])


def reference_of(desk: DemoDesk, case_id: CaseId) -> str:
    return str(desk.ledger.reader().execute("SELECT reference FROM cases WHERE id = ?", [case_id]).fetchone()[0])


def events_of(desk: DemoDesk, kind: str) -> list[tuple[int | None, int | None]]:
    """(case, adviser) of every event of a kind, in order."""
    rows = desk.ledger.reader().execute('SELECT "case", adviser FROM event WHERE kind = ? ORDER BY seq', [kind])
    return [(row[0], row[1]) for row in rows]


def team(desk: DemoDesk) -> tuple[AdviserId, AdviserId, AdviserId]:
    """An adviser, another one, and a senior."""
    return desk.adviser("Amira Khan"), desk.adviser("Ben Okafor"), desk.adviser("Sian Rees", Role.SENIOR)
