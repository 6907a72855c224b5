"""I15: whatever the desk writes, an event says so in the same transaction; whatever needs none is named here, with why.

Every post of the desk is made as somebody makes it who means it, every page is opened, the clocks run: after each
commit the whole database is compared with the one before.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from handoff import notifications, practice, watching
from handoff.domain import DeliveryState
from handoff.ledger import Ledger
from tests.areas import gathered_who_may
from tests.busy_desk import Busy, Form, busy_desk, copied, dump, pages, seeds, served, visiting_as
from tests.demo_desk import PASSWORD
from tests.test_desk_posts import Trial, forms_in, happy

TOLD_BY = {
    "access_request": ("access.exported",),
    "adviser": ("adviser.", "account."),
    "adviser_load": ("case.closed", "case.given_back"),
    "adviser_session": (),
    "case_facts": ("case.",),
    "case_link": ("link.",),
    "case_term": ("case.closed", "case.given_back"),
    "cases": ("case.opened",),
    "closing": ("case.closed", "case.given_back"),
    "contact": ("contact.",),
    "content_gap": ("gap.",),
    "debrief": ("care.",),
    "decision": ("decision.",),
    "delivery": ("delivery.", "message.said"),
    "erasure_request": ("erasure.",),
    "forgotten": ("erasure.",),
    "hours_version": ("hours.",),
    "identity_reveal": ("identity.",),
    "insertion": ("message.said",),
    "legal_hold": ("hold.",),
    "message": ("message.",),
    "note": ("note.",),
    "notification": ("",),
    "one_time_password": ("account.", "adviser."),
    "practice": ("case.opened",),
    "queue_item": ("case.",),
    "released": ("report.passed_on",),
    "released_cell": ("report.passed_on",),
    "released_report": ("report.passed_on",),
    "released_split": ("report.passed_on",),
    "reminder": ("reminder.", "case."),
    "review": ("review.",),
    "school_term": ("terms.",),
    "second_reading": ("decision.",),
    "takedown": ("takedown.",),
    "takedown_facts": ("takedown.", "case."),
    "takedown_step": ("takedown.",),
    "task": ("task.",),
    "taxonomy": ("taxonomy.",),
    "taxonomy_term": ("taxonomy.",),
    "voice": ("case.",),
    "watch": ("watch.", "case."),
}
"""What tells of a change in a table: the beginnings of the kinds, one of which must be among the new events. A
notification is made or settled by what happened: by any event."""
FORGOTTEN = "erasure.done"
"""What tells of all that goes with a case."""
NEEDS_NONE = {
    "adviser_session": "who is logged in; logging in and out are events of their own where they are made",
    "login_attempt": "counts wrong passwords for a quarter of an hour",
    "known_address": "where somebody logged in lately",
    "notification_step": "which rung of the ladder was told; the notification itself is the event",
    "event": "the trail itself",
    "event_chain": "the trail itself",
    "event_head": "the trail itself",
    "sqlite_sequence": "SQLite's own",
}
QUIET = {
    "adviser": {"heartbeat_at": "a console is alive"},
    "queue_item": {"lease_until": "a console is alive"},
    "watch": {"seen_at": "a page that is watched from was shown again"},
}
"""Columns that change without an event, and why."""

Rows = dict[str, list[tuple[object, ...]]]


class Witnessed:
    """Compares the whole database at every commit with the one before; what changed untold is in `untold`."""

    def __init__(self, ledger: Ledger) -> None:
        self._db = sqlite3.connect(ledger.path)
        self._before = self._rows()
        self.untold: list[str] = []
        self.changed: set[str] = set()
        ledger.on_commit(self.look)

    def look(self) -> None:
        before, self._before = self._before, self._rows()
        kinds = [str(row[1]) for row in self._before["event"][len(before["event"]) :]]
        for table in self._before.keys() - NEEDS_NONE.keys():
            if before[table] != self._before[table]:
                self.changed.add(table)
                told = TOLD_BY.get(table)
                if told is None or not any(kind.startswith((*told, FORGOTTEN)) for kind in kinds):
                    self.untold.append(f"{table} changed beside {kinds}")

    def _rows(self) -> Rows:
        found = dump(self._db)
        for table, columns in QUIET.items():
            names = [row[1] for row in self._db.execute(f"PRAGMA table_info({table})")]
            keep = [at for at, name in enumerate(names) if name not in columns]
            found[table] = [tuple(row[at] for at in keep) for row in found[table]]
        return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Busy:
    return busy_desk(tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="module")
def forms(made: Busy, tmp_path_factory: pytest.TempPathFactory) -> tuple[Form, ...]:
    found = asyncio.run(forms_in(made, tmp_path_factory.mktemp("crawled")))
    return tuple({(form.route, form.names): form for form in reversed(found)}.values())


class Copies:
    def __init__(self, made: Busy, folder: Path) -> None:
        self._made, self._folder, self._count = made, folder, 0

    @asynccontextmanager
    async def trial(self, who: str, *, untold: bool = False) -> AsyncIterator[tuple[Trial, Witnessed]]:
        """A fresh desk for one of them. `untold`: one whose triggers tell nothing any more."""
        self._count += 1
        with copied(self._made, self._folder / str(self._count)) as busy:
            if untold:
                busy.desk.ledger.write_now(tell_nothing)
            async with served(busy) as server, visiting_as(server, busy, who) as visitor:
                trial = Trial(busy, server, {who: visitor}, {who: await visitor.csrf()})
                yield trial, Witnessed(busy.desk.ledger)


@pytest.fixture
def copies(made: Busy, tmp_path: Path) -> Copies:
    return Copies(made, tmp_path)


WRITES_NOTHING = {"insert": "the draft goes on to another page"}


async def test_every_post_writes_and_an_event_tells_of_it(forms: tuple[Form, ...], copies: Copies) -> None:
    changed: dict[str, set[str]] = {}
    for form in forms:
        async with copies.trial(form.who) as (trial, seen):
            fresh = await trial.found(form)
            seen.changed.clear()
            status, _ = await trial.post(form, happy(fresh))
            assert status in {200, 303}, form.route
            assert seen.untold == [], form.route
            assert trial.wrote_events() or form.route in WRITES_NOTHING, form.route
            changed.setdefault(form.route, set()).update(seen.changed)
    posts = {name for method, name in gathered_who_may() if method == "POST"}
    assert posts - changed.keys() == {"log_in", "heartbeat", "typing"}
    assert set().union(*changed.values()) == TOLD_BY.keys() - BY_OTHERS


BY_OTHERS = {"adviser_session", "insertion"}
"""Changed by what is no form alone: see below."""


async def test_logging_in_the_page_s_own_signs_and_a_message_with_a_page(copies: Copies) -> None:
    """The three posts that no form makes, and a reply that carries a page of the library."""
    async with copies.trial("amira") as (trial, seen):
        visitor, case = trial.visitors["amira"], trial.busy.cases["active"]
        assert (await visitor.post("/heartbeat", trial.csrf["amira"])).status == 204
        assert (await visitor.post(f"/cases/{case}/typing", trial.csrf["amira"])).status == 204
        assert seen.changed == set()
        carrying = {"page-report-fake-account": "v1-0123456789abcdef"}
        said = {"text": "Report a fake account", "seen_seq": "99", "client_id": "carried", **carrying}
        assert (await visitor.post(f"/cases/{case}/say", trial.csrf["amira"], **said)).status == 303
        assert "insertion" in seen.changed
        await visitor.post("/log-out", trial.csrf["amira"])
        assert (await visitor.log_in("amira@example.org", PASSWORD)).status == 303
        assert seen.untold == []


@pytest.mark.parametrize("who", ["amira", "carys", "elin", "adi"])
async def test_opening_every_page_writes_nothing_untold(copies: Copies, who: str) -> None:
    async with copies.trial(who) as (trial, seen):
        opened = [at async for at, _ in pages(trial.visitors[who], seeds(trial.busy))]
        assert len(opened) > 5
        assert seen.untold == []
        assert seen.changed <= {"notification", "watch"}


async def test_what_time_brings_and_what_the_bot_writes_is_told_too(copies: Copies) -> None:
    async with copies.trial("amira") as (trial, seen):
        busy, desk = trial.busy, trial.busy.desk
        write, queue, case = desk.ledger.write_now, desk.queue, busy.cases
        conversation = desk._conversation(case["active"])
        queued = desk.ledger.reader().execute("SELECT max(message) FROM delivery WHERE state = 'queued'").fetchone()[0]
        for minutes in (1, 3, 120, 60 * 24 * 3):
            busy.clock.pass_(timedelta(minutes=minutes))
            now = busy.clock()
            write(lambda db, now=now: queue.lapse(db, now))  # type: ignore[misc]
            write(lambda db, now=now: notifications.sweep(db, now))  # type: ignore[misc]
            write(lambda db, now=now: watching.end_left(db, now))  # type: ignore[misc]
        write(lambda db: practice.answer(db, seal=desk.ledger.seal, case_id=case["practising"], now=now))
        write(lambda db: queue.record_delivery(db, queued, DeliveryState.UNKNOWN, now, "timeout"))
        write(lambda db: queue.hear(db, conversation, "Hello?", now))
        write(lambda db: queue.flag(db, conversation, "danger_words", now, 0))
        write(lambda db: queue.abandon(db, conversation, now))
        assert seen.untold == []
        assert {"queue_item", "notification", "delivery", "message", "voice"} <= seen.changed


TOLD_BY_TRIGGERS = {"note", "say", "claim", "decide", "add_task", "report_gap", "takedown_step", "review", "contact"}
TOLD_BY_HAND = {"person_capacity", "person_role", "person_disable"}


async def test_a_change_that_is_told_by_nothing_is_noticed(
    forms: tuple[Form, ...], copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the database's own triggers, and without the witness in the code, each of these is found."""
    for module in ("advisers", "accounts"):
        monkeypatch.setattr(f"handoff.{module}.witness", lambda *_: None)
    found = set()
    for form in forms:
        if form.route in TOLD_BY_TRIGGERS | TOLD_BY_HAND:
            async with copies.trial(form.who, untold=True) as (trial, seen):
                status, _ = await trial.post(form, happy(await trial.found(form)))
                assert status == 303, form.route
                found |= {form.route} if seen.untold else set()
    assert found == TOLD_BY_TRIGGERS | TOLD_BY_HAND


def tell_nothing(db: sqlite3.Connection) -> None:
    """Takes away every trigger that writes an event."""
    told = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%INSERT INTO event (%'"
    for row in db.execute(told).fetchall():
        db.execute(f"DROP TRIGGER {row[0]}")
