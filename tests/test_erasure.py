"""Planted words are gone from the raw files once they are forgotten; figures, facts and the audit trail stay whole.

Sealed words could not be found anyway. So everything is done a second time with a seal that hides nothing: then the
search would find what is left, and does, where nothing is overwritten (the negative controls).
"""

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from bot import forgetting as bots
from bot.config import Settings
from bot.domain import ConversationId
from bot.forgetting import keep_of
from handoff import chain, decisions, erasing, holds, people, retention, reviews
from handoff.domain import AdviserId, CaseId, Role
from handoff.erasing import Asker, Reason, Request, Way
from handoff.errors import Refused
from handoff.holds import HoldReason
from handoff.ledger import Ledger
from handoff.people import Contact, RevealReason
from handoff.periods import Days
from handoff.reports.building import report
from handoff.retention import Found, Keep, Standing
from handoff.seal import Seal
from handoff.takedowns import NewStep, NewTakedown, Stage, Takedowns, What, Who
from handoff.tasks import NewTask, TaskKind, Tasks, TaskState
from handoff.thresholds import Answer, Rule, Threshold, Verdict
from tests.demo_desk import Clock as DeskClock
from tests.demo_desk import desk_in
from tests.glass import Glass
from tests.small_house import Clock, Ready, SmallHouse, opened_house

WAYS = ("typed", "thread", "reply", "note", "name", "reveal", "rationale", "second", "task", "link", "report", "hold")
PLANTED = {way: f"plant-{way}-qzxv" for way in (*WAYS, "review", "address", "browser")}
FACTS = ("case_facts", "contact_facts", "adviser_load", "step_count", "page_count", "miss_count", "referral")


@pytest.fixture(params=[True, False], ids=["sealed", "glass"])
def is_sealed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def at_home(
    tmp_path: Path, ready: Ready, clock: Clock, is_sealed: bool, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SmallHouse]:
    if not is_sealed:
        monkeypatch.setattr("bot.app.Seal", Glass)
    made = opened_house(ready.copied_to(tmp_path), clock)
    yield made
    made.firstline.ledger.close()


def raw(house: SmallHouse) -> bytes:
    """Every byte of the database, its log and its shared memory."""
    path = house.firstline.ledger.path
    names = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
    return b"".join(each.read_bytes() for each in names if each.exists())


def found(house: SmallHouse, words: list[str]) -> list[str]:
    there = raw(house)
    return [each for each in words if each.encode() in there or each.encode("utf-16-le") in there]


async def planted(house: SmallHouse) -> tuple[CaseId, list[str]]:
    """Words in every place where an enquirer or an adviser can put some; then the case is closed."""
    await house.say("hello", PLANTED["address"])
    await house.say(f"someone says {PLANTED['typed']} about us", PLANTED["address"])
    case = await house.asks_for_people(PLANTED["address"])
    amira, ben = house.adviser("Amira"), house.adviser("Ben")
    house.claim(case, amira)
    house.answers(case, amira, f"Hello. {PLANTED['reply']}")
    await house.say(f"and also {PLANTED['thread']}", PLANTED["address"])
    _at_the_desk(house, case, amira, ben)
    house.closes(case, amira)
    write = house.firstline.ledger.write_now
    seal = house.firstline.ledger.seal
    write(lambda db: decisions.read_again(db, seal, 1, ben, True, PLANTED["second"], house.clock()))
    write(lambda db: reviews.write(db, seal, case, ben, reviews.Verdict.GOOD, PLANTED["review"], house.clock()))
    code = write(lambda db: house.firstline.turns._returning.new_code(db, ConversationId(1), house.clock()))
    reference = house.one("SELECT reference FROM cases WHERE id = ?", case)
    return case, [*PLANTED.values(), reference, code]


def _at_the_desk(house: SmallHouse, case: CaseId, amira: AdviserId, ben: AdviserId) -> None:
    write, seal, now = house.firstline.ledger.write_now, house.firstline.ledger.seal, house.clock()
    hours, queue = house.firstline.hours, house.firstline.queue
    write(lambda db: queue.note(db, case, amira, PLANTED["note"], now, PLANTED["browser"]))
    write(lambda db: people.keep(db, seal, case, amira, Contact(PLANTED["name"], "020 7946 0123"), now))
    write(lambda db: people.reveal(db, seal, case, amira, RevealReason.CALL_BACK, PLANTED["reveal"], now))
    write(lambda db: queue.flag(db, 1, "danger", now, 0))
    day = now.date() + timedelta(days=90)
    rules = (Rule("A child is in danger", "refer_today", "Today."),)
    page = Threshold("threshold-nudes", "A picture", (), "Nudes 2024", "v1", True, day, False, rules)
    made = decisions.Made(
        page, "england", (Answer.YES,), Verdict("refer_today", rules[0].name), PLANTED["rationale"], "mark-d"
    )
    write(lambda db: decisions.decide(db, seal, case, amira, made, now))
    tasks = Tasks(seal)
    new = NewTask(case, TaskKind.FOLLOW_UP, now + timedelta(hours=1), PLANTED["task"], amira, client_id="task-1")
    done = write(lambda db: tasks.add(db, new, amira, now))
    write(lambda db: tasks.done(db, done, 0, amira, now))
    takedowns = Takedowns(seal, hours)
    post = NewTakedown(case, "tiktok", What.POST, "down-1", f"https://example.org/{PLANTED['link']}")
    step = NewStep(Stage.REPORTED, Who.ENQUIRER, reference=PLANTED["report"], ask_them=False)
    write(lambda db: takedowns.add(db, post, step, amira, now))
    for open_ in tasks.of_case(house.firstline.ledger.reader(), case):
        if open_.state is TaskState.OPEN:
            write(lambda db, open_=open_: tasks.done(db, open_.id, open_.version, amira, now))  # type: ignore[misc]
    until = (now + timedelta(days=20)).date()
    hold = write(lambda db: holds.place(db, seal, case, ben, HoldReason.POLICE, PLANTED["hold"], until, now))
    write(lambda db: holds.release(db, hold, ben, now))


async def neighbours(house: SmallHouse) -> None:
    """Conversations with cases that stay, before and after in every page of the file."""
    adviser = house.adviser("Cai")
    for number in range(6):
        case = await house.asks_for_people(f"other-{number}")
        house.claim(case, adviser)
        house.answers(case, adviser, "We have read it. " * 20)
        note(house, case, adviser, "to be kept " * 30)


def note(house: SmallHouse, case: CaseId, adviser: AdviserId, text: str) -> None:
    house.firstline.ledger.write_now(lambda db: house.firstline.queue.note(db, case, adviser, text, house.clock()))


def facts(house: SmallHouse) -> dict[str, list[tuple[object, ...]]]:
    db = house.firstline.ledger.reader()
    found = {table: [tuple(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY 1")] for table in FACTS}
    columns = [row[1] for row in db.execute("PRAGMA table_info(takedown_facts)") if row[1] != "takedown"]
    query = f"SELECT {', '.join(columns)} FROM takedown_facts ORDER BY id"
    return found | {"takedown_facts": [tuple(row) for row in db.execute(query)]}


def whole_report(house: SmallHouse) -> object:
    now = house.clock()
    days = Days((now - timedelta(days=200)).date(), (now + timedelta(days=1)).date())
    local = house.firstline.hours.local
    made = report(house.firstline.ledger.reader(), days, None, service="Test", local=local, now=now)
    return replace(made, made_at=now)


async def a_month_later(house: SmallHouse) -> None:
    """What upkeep and the nights do by themselves, in the order of time."""
    house.clock.passes(days=1, hours=1)
    await house.firstline.upkeep.forget()
    await house.firstline.upkeep.count_contacts()
    house.clock.passes(days=14)
    await house.firstline.upkeep.end_abandoned()
    house.clock.passes(days=16)
    await house.firstline.upkeep.forget()
    await house.firstline.upkeep.forget_repeats()


# --- gone from the file ----------------------------------------------------------------------------------------------


async def test_after_its_time_nothing_planted_is_left_in_the_raw_files(at_home: SmallHouse, is_sealed: bool) -> None:
    case, words = await planted(at_home)
    await neighbours(at_home)
    reference, there = words[-2], found(at_home, words)
    if is_sealed:
        assert there == [PLANTED["browser"], reference]
    else:
        assert set(words) - set(there) == {words[-1]}, "the return code was never kept"
    await a_month_later(at_home)
    before, told = facts(at_home), whole_report(at_home)
    done = await at_home.firstline.night.work()
    assert (done.cases, done.left) == (1, set())
    assert await at_home.firstline.night.leave_nothing()
    assert found(at_home, words) == []
    assert (facts(at_home), whole_report(at_home)) == (before, told)
    assert chain.verify(at_home.firstline.ledger.reader(), at_home.firstline.ledger.seal).is_whole
    assert not at_home.one("SELECT count(*) FROM cases WHERE id = ?", case)
    there_is = retention.by_reference(
        at_home.firstline.ledger.reader(), at_home.firstline.ledger.seal, reference, Keep(), at_home.clock()
    )
    assert there_is == Found(reference, Standing.FORGOTTEN, forgotten_on=at_home.clock().date())


async def test_asked_for_everything_goes_at_once_address_and_answers_too(at_home: SmallHouse) -> None:
    case, words = await planted(at_home)
    await neighbours(at_home)
    before = facts(at_home)["case_facts"]
    ledger, now = at_home.firstline.ledger, at_home.clock()
    request = Request(Way.CHAT, Asker.ENQUIRER, Reason.WITHDRAWN)
    door = at_home.firstline.forgetting
    assert ledger.write_now(lambda db: erasing.ask(db, ledger.seal, door, case, request, now.date(), now))
    assert ledger.rewrite()
    assert found(at_home, words) == []
    assert facts(at_home)["case_facts"] == before
    assert await at_home.say("hello", PLANTED["address"]), "who comes back begins anew"
    assert at_home.one("SELECT count(*) FROM event WHERE kind IN ('erasure.asked', 'erasure.done')") == 2


@pytest.mark.parametrize("is_sealed", [False], indirect=True)
async def test_the_search_finds_what_is_not_overwritten(at_home: SmallHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the same deletes, with neither `secure_delete` nor an emptied log nor a new file."""
    case, words = await planted(at_home)
    await neighbours(at_home)
    monkeypatch.setattr(erasing, "overwriting", lambda conn: contextlib.nullcontext())
    at_home.firstline.ledger._writer.execute("PRAGMA secure_delete = OFF")
    ledger, now = at_home.firstline.ledger, at_home.clock()
    request = Request(Way.CHAT)
    assert ledger.write_now(lambda db: erasing.ask(db, ledger.seal, None, case, request, now.date(), now))
    assert not at_home.one("SELECT count(*) FROM cases WHERE id = ?", case)
    there = set(found(at_home, words))
    assert {PLANTED[way] for way in ("note", "rationale", "link", "task", "hold", "reply")} <= there


@pytest.mark.parametrize("rewrites", [True, False])
def test_stale_copies_in_the_gaps_of_pages_go_only_when_the_file_is_rewritten(tmp_path: Path, rewrites: bool) -> None:
    """What `secure_delete` and an emptied log leave: copies of rows that SQLite moved when it split a page."""
    ledger, chance = Ledger(tmp_path / "x.db", Seal(b"k" * 32)), random.Random(4)
    places = [(case, seq) for case in range(900) for seq in range(3)]
    chance.shuffle(places)

    def fill(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE note (c INTEGER, seq INTEGER, body TEXT, PRIMARY KEY (c, seq)) WITHOUT ROWID")
        for case, seq in places:
            db.execute(
                "INSERT INTO note VALUES (?, ?, ?)", [case, seq, f"PLANT{case % 7}|" * chance.choice((3, 10, 40))]
            )

    def clear(db: sqlite3.Connection) -> None:
        with erasing.overwriting(db):
            db.execute("DELETE FROM note WHERE c % 7 = 0")

    ledger.write_now(fill)
    ledger.write_now(clear)
    assert ledger.rewrite() if rewrites else ledger.empty_log()
    assert (b"PLANT0" in ledger.path.read_bytes()) is not rewrites
    ledger.close()


# --- every column is thought of --------------------------------------------------------------------------------------


def test_every_table_is_in_a_kind_or_said_to_stay(house: SmallHouse) -> None:
    db = house.firstline.ledger.reader()
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    stays = {table for listed in (*retention.STAYS.values(), *bots.STAYS.values()) for table in listed.split()}
    goes = {table for kind in (*retention.KINDS, *bots.KINDS) for table in kind.rows}
    assert goes | stays == {table for table in tables if not table.startswith("sqlite_")}
    assert goes & stays == set()


def test_every_sealed_column_is_in_a_forgetting_kind(house: SmallHouse) -> None:
    """But for the marks that the audit trail, the key and an adviser's own account are known by."""
    db = house.firstline.ledger.reader()
    kinds = (*retention.KINDS, *bots.KINDS)
    goes = {table for kind in kinds for table in kind.rows}
    emptied = {column for kind in kinds for column in kind.columns}
    sealed = {
        f"{table}.{row[1]}"
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for row in db.execute(f'PRAGMA table_info("{table}")')
        if row[2] == "BLOB" and table not in goes
    }
    known = {"event_chain.mark", "event_head.mark", "seal_mark.mark", "adviser_handle.mark", "library_files.files"}
    assert sealed - emptied == known
    assert emptied <= {
        f"{t}.{r[1]}" for t in {c.split(".")[0] for c in emptied} for r in db.execute(f"PRAGMA table_info({t})")
    }


# --- what stands in the way ------------------------------------------------------------------------------------------


async def test_an_open_case_waits_and_a_held_one_until_it_is_released(house: SmallHouse) -> None:
    case, lead = await house.asks_for_people(), house.adviser()
    ledger, night = house.firstline.ledger, house.firstline.night
    write, seal, now = ledger.write_now, ledger.seal, house.clock

    def ask() -> bool:
        request = Request(Way.DESK, lead=lead)
        return write(lambda db: erasing.ask(db, seal, None, case, request, now().date(), now()))

    assert not ask()
    house.claim(case, lead)
    house.answers(case, lead, "Hello")
    until = now().date() + timedelta(days=30)
    hold = write(lambda db: holds.place(db, seal, case, lead, HoldReason.COURT, "", until, now()))
    house.closes(case, lead)
    assert (await night.work()).cases == 0
    house.clock.passes(days=40)
    (found,) = retention.of_conversation(ledger.reader(), 1, Keep(), now())
    assert (found.standing, found.held_for, found.held_until, found.waits) == (Standing.HELD, "court", until, True)
    assert not found.goes
    assert (await night.work()).cases == 0
    assert retention.passed_over(ledger.reader(), Keep(), now())[Standing.HELD] == 1
    write(lambda db: holds.release(db, hold, lead, now()))
    assert (await night.work()).cases == 1
    assert house.one("SELECT count(*) FROM erasure_request WHERE done_at IS NOT NULL") == 1
    assert house.one("SELECT why FROM forgotten") == "asked"


async def test_a_case_with_work_left_waits_for_it_but_not_for_ever(house: SmallHouse) -> None:
    case, adviser = await house.asks_for_people(), house.adviser()
    house.claim(case, adviser)
    house.answers(case, adviser, "Hello")
    ledger, tasks = house.firstline.ledger, Tasks(house.firstline.ledger.seal)
    new = NewTask(case, TaskKind.FOLLOW_UP, house.clock() + timedelta(days=50), "", None, client_id="t")
    ledger.write_now(lambda db: tasks.add(db, new, adviser, house.clock()))
    house.closes(case, adviser)
    house.clock.passes(days=31)
    assert retention.due(ledger.reader(), Keep(), house.clock(), 9) == ()
    house.clock.passes(days=30)
    assert (await house.firstline.night.work()).cases == 1
    assert house.one("SELECT count(*) FROM event WHERE kind = 'task.dropped'") == 1


async def test_a_link_to_a_case_that_is_still_open_goes_with_the_one_that_goes(house: SmallHouse) -> None:
    first, adviser = await house.asks_for_people("ann"), house.adviser()
    second = await house.asks_for_people("bob")
    write, now = house.firstline.ledger.write_now, house.clock
    write(lambda db: people.judge(db, first, second, adviser, people.Verdict.CONFIRMED, now()))
    house.claim(first, adviser)
    house.closes(first, adviser)
    house.clock.passes(days=31)
    assert (await house.firstline.night.work()).cases == 1
    assert house.counts("case_link", "cases") == (0, 1)
    with pytest.raises(sqlite3.IntegrityError, match="queue_item_is_kept"):
        write(lambda db: db.execute("DELETE FROM queue_item"))


async def test_what_a_live_conversation_still_shows_has_no_gaps(house: SmallHouse) -> None:
    """The enquirer goes on talking for longer than cases are kept: what was said with the adviser is shown no more."""
    case, adviser = await house.asks_for_people(), house.adviser()
    house.claim(case, adviser)
    house.answers(case, adviser, "Words of an adviser")
    house.gives_back(case, adviser)
    for _ in range(5):
        house.clock.passes(days=7)
        await house.say("hello")
        await house.firstline.upkeep.end_abandoned()
    assert (await house.firstline.night.work()).cases == 1
    history = await house.firstline.rooms.history("rest", "ann")  # type: ignore[arg-type]
    assert [line for line in history if not line.rendered.text.strip()] == []
    assert "Words of an adviser" not in [line.rendered.text for line in history]
    assert await house.say("hello")


# --- at night --------------------------------------------------------------------------------------------------------


async def test_one_case_that_cannot_be_forgotten_keeps_back_no_other(
    house: SmallHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    adviser = house.adviser()
    cases = [await house.asks_for_people(f"who-{number}") for number in range(4)]
    for case in cases:
        house.claim(case, adviser)
        house.answers(case, adviser, "Hello")
        house.closes(case, adviser)
    house.clock.passes(days=31)
    forget = erasing.forget

    def sometimes(conn: sqlite3.Connection, seal: Seal, door: object, case: CaseId, *rest: object) -> None:
        forget(conn, seal, door, case, *rest)  # type: ignore[arg-type]
        if case == cases[1]:
            raise sqlite3.IntegrityError("something nobody thought of")

    monkeypatch.setattr("bot.night.forget", sometimes)
    done = await house.firstline.night.work()
    assert (done.cases, done.left) == (3, {cases[1]})
    assert house.counts("cases", "queue_item", "message") == (1, 1, 1)
    assert house.firstline.ledger.reader().execute("PRAGMA foreign_key_check").fetchall() == []


async def test_it_is_done_once_a_night_and_made_up_for_after_a_stop(ready: Ready, tmp_path: Path) -> None:
    clock = Clock()
    settings = ready.copied_to(tmp_path, forget_at_hour=3, timezone="UTC")
    house = opened_house(settings, clock)
    case, adviser = await house.asks_for_people(), house.adviser()
    house.claim(case, adviser)
    house.closes(case, adviser)
    night = house.firstline.night
    assert night.is_due()
    await night.work()
    assert not night.is_due(), "there was nothing, and it was looked at"
    clock.passes(days=35, hours=5)
    assert night.is_due()
    assert (await night.work()).cases == 1
    assert not night.is_due()
    house.firstline.ledger.close()
    again = opened_house(Settings(**settings.model_dump()), clock)
    assert not again.firstline.night.is_due(), "the night's work is remembered over a restart"
    clock.at = clock.at.replace(hour=2, minute=59) + timedelta(days=1)
    assert not again.firstline.night.is_due()
    clock.passes(minutes=1)
    assert again.firstline.night.is_due()
    again.firstline.ledger.close()


async def test_rewriting_the_file_gives_way_to_a_turn(house: SmallHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that comes in the middle is taken, and the file is as it was; the next quiet moment finishes it."""
    ledger = house.firstline.ledger
    ledger.write_now(
        lambda db: db.execute(
            "CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
            " FROM n LIMIT 40000) SELECT i, hex(randomblob(400)) AS x FROM n"
        )
    )
    rewriting = asyncio.create_task(asyncio.to_thread(ledger.rewrite))
    async with asyncio.timeout(5):
        while ledger._rewriting is None:  # noqa: ASYNC110 - another thread begins it
            await asyncio.sleep(0)
    assert await house.say("hello")
    assert not await rewriting
    assert await asyncio.to_thread(ledger.rewrite)
    assert house.one("PRAGMA integrity_check") == "ok"


# --- any course of things --------------------------------------------------------------------------------------------

KEEP = keep_of(Settings())
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["open", "close", "hold", "release", "ask", "wait", "night"]),
        st.integers(0, 5),
        st.integers(1, 40),
    ),
    max_size=25,
)


class Course:
    """A desk, and beside it what is known of its cases: ended when, held, asked for, gone."""

    def __init__(self, folder: Path) -> None:
        self.clock = DeskClock()
        self.desk = desk_in(folder, self.clock)
        self.lead = self.desk.adviser("Lena", Role.LEAD, 20)
        self.write, self.seal = self.desk.ledger.write_now, self.desk.ledger.seal
        self.cases: list[CaseId] = []
        self.ended: dict[CaseId, datetime] = {}
        self.held: dict[CaseId, int] = {}
        self.asked: set[CaseId] = set()
        self.gone: set[CaseId] = set()

    def do(self, act: str, which: int, days: int) -> None:
        there = [case for case in self.cases if case not in self.gone]
        if act == "open":
            self.cases.append(self.desk.case())
        elif act == "wait":
            self.clock.pass_(timedelta(days=days))
        elif act == "night":
            self.night()
        elif there:
            getattr(self, act)(there[which % len(there)], days)

    def night(self) -> None:
        due = set(retention.due(self.desk.ledger.reader(), KEEP, self.clock(), 99))
        over = {case for case, at in self.ended.items() if at + KEEP.cases <= self.clock()} | self.asked
        assert due == (over & set(self.ended)) - set(self.held) - self.gone
        for case in due:
            self.forget(case)
        self.gone |= due
        left = {row[0] for row in self.desk.ledger.reader().execute("SELECT id FROM cases")}
        assert left == set(self.cases) - self.gone

    def forget(self, case: CaseId) -> None:
        self.write(lambda db: erasing.forget(db, self.seal, None, case, self.clock().date(), self.clock()))

    def close(self, case: CaseId, _: int) -> None:
        if case not in self.ended:
            self.desk.claim(case, self.lead)
            queue = self.desk.queue
            self.write(lambda db: queue.wrap_up(db, case, self.lead, self.clock()))
            self.write(lambda db: queue.close(db, case, self.lead, "scams", "advised", self.clock()))
            self.ended[case] = self.clock()

    def hold(self, case: CaseId, days: int) -> None:
        until = (self.clock() + timedelta(days=days)).date()
        if case in self.held:
            with pytest.raises(Refused):
                self.place(case, until)
        else:
            self.held[case] = self.place(case, until)

    def place(self, case: CaseId, until: date) -> int:
        why = HoldReason.OTHER
        return self.write(lambda db: holds.place(db, self.seal, case, self.lead, why, "", until, self.clock()))

    def release(self, case: CaseId, _: int) -> None:
        if case in self.held:
            hold = self.held.pop(case)
            self.write(lambda db: holds.release(db, hold, self.lead, self.clock()))

    def ask(self, case: CaseId, _: int) -> None:
        """Asked twice is asked once."""
        request, today = Request(Way.CHAT), self.clock().date()
        went = self.write(lambda db: erasing.ask(db, self.seal, None, case, request, today, self.clock()))
        assert went is (case in self.ended and case not in self.held)
        self.asked |= {case}
        self.gone |= {case} if went else set()


@hypothesis.settings(max_examples=25, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(acts=ACTS)
def test_only_what_is_due_goes_whatever_happens(
    acts: list[tuple[str, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    course = Course(tmp_path_factory.mktemp("course"))
    for act, which, days in acts:
        course.do(act, which, days)
    db = course.desk.ledger.reader()
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("case_facts", "forgotten")]
    assert counts == [len(course.ended), len(course.gone)]
    assert chain.verify(db, course.seal).is_whole
    course.desk.ledger.close()
