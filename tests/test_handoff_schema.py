"""What the database itself refuses, said in raw SQL: no code of ours stands between."""
# ruff: noqa: E501 - one statement a line reads better in a table

import re
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest
from sqlite_utils import Database

from handoff import moves
from handoff.chain import teach
from handoff.domain import ENDED, HELD, MOVES, AdviserId, Move, NewCase, State
from handoff.hours import OpeningHours
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.seal import Seal
from tests.areas import gathered_refused
from tests.schema_steps import ACTIVE, CLAIM, CLOSE, DONE, LEFT, OFFERED, SECOND, WRAPPED, says

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ALICE, BOB = AdviserId(1), AdviserId(2)
SEAL = Seal(b"k" * 32)
QUEUE = Queue(SEAL, OpeningHours())


def migrated(path: Path | str = ":memory:") -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    teach(connection, SEAL)
    migrations.apply(Database(connection))
    return connection


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    """Case 1 waits in conversation 1; Alice has one place, Bob two, Ed is an editor, Dee's account is disabled."""
    connection = migrated()
    people = [
        ("Alice", "adviser", 1, None),
        ("Bob", "adviser", 2, None),
        ("Ed", "editor", 3, None),
        ("Dee", "lead", 3, 1),
    ]
    for name, role, capacity, disabled in people:
        connection.execute(
            "INSERT INTO adviser (name, email, password, role, capacity, added_at, disabled_at)"
            " VALUES (?, ?, '$argon2id$x', ?, ?, 0, ?)",
            [name, name, role, capacity, disabled],
        )
    QUEUE.open_case(connection, NewCase(1, 2, "asked", "web", "v1"), NOW)
    yield connection
    connection.close()


REFUSED: list[tuple[str, tuple[str, ...], str]] = [
    # the queue
    ("queue_item_moves", (), CLAIM.replace("'claimed', holder", "'active', holder")),
    ("queue_item_moves", (), CLAIM.replace("version = version + 1", "version = version")),
    ("queue_item_moves", (), CLAIM.replace("move = 'claimed'", "move = 'lapsed'")),
    ("queue_item_one_holder", (CLAIM,), CLAIM.replace("holder = 1", "holder = 2")),
    ("queue_item_one_holder", ACTIVE, "UPDATE queue_item SET holder = 2, version = version + 1"),
    ("queue_item_one_holder", OFFERED, "UPDATE queue_item SET holder = 2, offered_to = NULL, offer_until = NULL,"
        " state = 'active', move = 'declined', version = version + 1"),
    ("queue_item_may_hold", (), CLAIM.replace("holder = 1", "holder = 3")),
    ("queue_item_may_hold", (), CLAIM.replace("holder = 1", "holder = 4")),
    ("queue_item_may_hold", ACTIVE, OFFERED[-1].replace("offered_to = 2", "offered_to = 3")),
    ("queue_item_capacity", (*SECOND, CLAIM), CLAIM.replace('"case" = 1', '"case" = 2')),
    ("queue_item_lapses_late", (CLAIM,), "UPDATE queue_item SET state = 'waiting', holder = NULL, lease_until = NULL,"
        " move = 'lapsed', moved_at = 8, version = version + 1"),
    ("queue_item_lapses_late", OFFERED, "UPDATE queue_item SET state = 'active', offered_to = NULL, offer_until = NULL,"
        " move = 'offer_lapsed', moved_at = 8, version = version + 1"),
    ("queue_item_keeps_its_place", (), "UPDATE queue_item SET due_at = due_at + 1"),
    ("queue_item_keeps_its_place", (), "UPDATE queue_item SET tier = 3"),
    ("queue_item_keeps_its_place", SECOND, "UPDATE queue_item SET conversation = 2 WHERE \"case\" = 1"),
    ("queue_item_left_is_left", LEFT, "UPDATE queue_item SET left_at = NULL"),
    ("queue_item_left_is_left", LEFT, "UPDATE queue_item SET state = 'active', move = 'reopened', version = version + 1"),
    ("queue_item_ended_is_ended", DONE, "UPDATE queue_item SET outcome = 'better'"),
    ("queue_item_is_kept", (), "DELETE FROM queue_item"),
    ("queue_item_begins_waiting", (), SECOND[2].replace("2, 2, 2", "1, 1, 2")),
    ("queue_item_begins_waiting", (), SECOND[2].replace("INSERT", "INSERT OR REPLACE").replace("2, 2, 2", "1, 1, 2")),
    ("queue_item_begins_waiting", SECOND[:2], SECOND[2].replace("'waiting'", "'claimed'")),
    ("queue_item_begins_waiting", SECOND[:2], SECOND[2].replace("2, 2, 2", "2, 1, 2")),
    ("held_has_a_holder", (), CLAIM.replace("holder = 1, lease_until = 9,", "")),
    ("held_has_a_lease", (), CLAIM.replace("lease_until = 9,", "")),
    ("offered_to_someone", ACTIVE, OFFERED[-1].replace("offered_to = 2, offer_until = 9,", "")),
    ("offered_until", ACTIVE, OFFERED[-1].replace("offer_until = 9,", "")),
    ("offered_to_another", ACTIVE, OFFERED[-1].replace("offered_to = 2", "offered_to = 1")),
    ("scheduled_wakes", (), "UPDATE queue_item SET state = 'scheduled', move = 'scheduled', version = version + 1"),
    ("done_says_what", WRAPPED, CLOSE.replace("issue = 'x',", "")),
    ("done_says_what", WRAPPED, CLOSE.replace("outcome = 'y',", "")),
    ("ended_is_forgotten", WRAPPED, CLOSE.replace("forget_at = 1,", "")),
    ("closed_in_codes", WRAPPED, CLOSE.replace("'x'", "'Mr Smith'")),
    ("known_tier", (), "UPDATE queue_item SET tier = -1"),
    ("known_queue_state", ("DROP TRIGGER queue_item_moves",), "UPDATE queue_item SET state = 'lost', holder = NULL, move = 'x', version = version + 1"),
    # cases
    ("cases_are_kept", (), "UPDATE cases SET reason = 'other_reason'"),
    ("cases_are_kept", (), "UPDATE cases SET pack = x'01'"),
    ("reference_once", (), SECOND[0].replace("'FL-2222-22'", "(SELECT reference FROM cases)")),
    ("reference_shape", (), SECOND[0].replace("FL-2222-22", "FL-OOPS-22")),
    ("known_nation", (), SECOND[0].replace("reference,", "reference, nation,").replace("'FL-2222-22',", "'FL-2222-22', 'x',")),
    ("coded_not_worded", (), SECOND[0].replace("'asked'", "'Mr Smith'")),
    ("opened_on_is_a_day", (), SECOND[0].replace("2026-03-02", "2026-03-99")),
    ("opened_hour_of_day", (), SECOND[0].replace(", 9)", ", 24)")),
    # the voice
    ("voice_begins_with_the_bot", (), "INSERT INTO voice VALUES (9, 'adviser', 0)"),
    ("voice_begins_with_the_bot", ACTIVE, "INSERT OR REPLACE INTO voice VALUES (1, 'bot', 0)"),
    ("voice_takes_a_new_epoch", ACTIVE, "UPDATE voice SET epoch = epoch + 2"),
    ("voice_takes_a_new_epoch", (), "UPDATE voice SET epoch = epoch - 1"),
    ("voice_follows_the_holder", (), "UPDATE voice SET speaker = 'adviser', epoch = epoch + 1"),
    ("voice_follows_the_holder", ACTIVE, "UPDATE voice SET speaker = 'bot', epoch = epoch + 1"),
    ("known_speaker", ("DROP TRIGGER voice_begins_with_the_bot",), "INSERT INTO voice VALUES (9, 'nobody', 0)"),
    # the thread
    ("message_is_new", ACTIVE, says(seq=1, client="'b'")),
    ("message_is_new", ACTIVE, says(seq=3, client="'b'")),
    ("message_is_new", ACTIVE, says(seq=2)),
    ("message_is_new", ACTIVE, says(seq=2, client="'b'").replace('("case"', '(id, "case"').replace("(1, 2", "(1, 1, 2")
        .replace("INSERT", "INSERT OR REPLACE")),
    ("message_only_while_open", DONE, says(seq=2, author="system", adviser="NULL", client="NULL")),
    ("message_only_while_open", LEFT, says(seq=2, author="enquirer", adviser="NULL", client="NULL")),
    ("message_only_from_the_holder", (), says()),
    ("message_only_from_the_holder", (CLAIM,), says()),
    ("message_only_from_the_holder", ACTIVE, says(seq=2, adviser="2", client="'b'")),
    ("message_only_from_the_holder", ACTIVE, says(seq=2, client="'b'", epoch=0)),
    ("message_only_from_the_holder", WRAPPED, says(seq=2, client="'b'")),
    ("message_is_kept", ACTIVE, "UPDATE message SET body = x'01'"),
    ("message_is_kept_while_open", ACTIVE, "DELETE FROM message"),
    ("known_author", (), says(author="nobody", adviser="NULL", client="NULL")),
    ("adviser_is_named", (), says(author="enquirer")),
    ("adviser_has_a_client_id", (), says(author="enquirer", adviser="NULL")),
    ("client_id_is_short", ACTIVE, says(seq=2, client="hex(zeroblob(40))")),
    ("delivery_begins_queued", (says(author="enquirer", adviser="NULL", client="NULL"),),
        "INSERT INTO delivery VALUES (1, 'queued', NULL, 0)"),
    ("delivery_begins_queued", ACTIVE, "INSERT OR REPLACE INTO delivery VALUES (1, 'queued', NULL, 0)"),
    ("delivery_goes_forward", (*ACTIVE, "UPDATE delivery SET state = 'sent'"), "UPDATE delivery SET state = 'queued'"),
    ("delivery_goes_forward", (*ACTIVE, "UPDATE delivery SET state = 'unknown'"), "UPDATE delivery SET state = 'queued'"),
    ("known_delivery", (*ACTIVE, "DROP TRIGGER delivery_goes_forward"), "UPDATE delivery SET state = 'lost'"),
    ("reason_is_short", ACTIVE, "UPDATE delivery SET state = 'failed', reason = hex(zeroblob(101))"),
    ("note_is_new", (), "INSERT INTO note ([case], seq, adviser, body, at, client_id) VALUES (1, 2, 1, x'00', 0, NULL)"),
    ("note_is_new", ("INSERT INTO note ([case], seq, adviser, body, at, client_id) VALUES (1, 1, 1, x'00', 0, 'a')",),
        "INSERT OR REPLACE INTO note ([case], seq, adviser, body, at, client_id) VALUES (1, 1, 1, x'01', 0, NULL)"),
    ("note_said_once", ("INSERT INTO note ([case], seq, adviser, body, at, client_id) VALUES (1, 1, 1, x'00', 0, 'a')",),
        "INSERT OR REPLACE INTO note ([case], seq, adviser, body, at, client_id) VALUES (1, 2, 1, x'01', 0, 'a')"),
    ("note_client_id_is_short", (), "INSERT INTO note ([case], seq, adviser, body, at, client_id) VALUES (1, 1, 1, x'00', 0, hex(zeroblob(40)))"),
    ("note_is_kept", ("INSERT INTO note ([case], seq, adviser, body, at, client_id) VALUES (1, 1, 1, x'00', 0, 'a')",), "UPDATE note SET body = x'01'"),
    ("note_is_kept_while_open", ("INSERT INTO note ([case], seq, adviser, body, at, client_id) VALUES (1, 1, 1, x'00', 0, 'a')",), "DELETE FROM note"),
    # the trail
    ("event_is_next", (), "INSERT OR REPLACE INTO event VALUES (1, 'case.closed', 1, 1, 0)"),
    ("event_is_kept", (), "UPDATE event SET at = 0"),
    ("event_stays", (), "DELETE FROM event"),
    ("kind_is_a_code", (), "INSERT INTO event (kind, at) VALUES ('Mr Smith called', 0)"),
    ("fact_is_new", DONE, "INSERT OR REPLACE INTO case_facts SELECT * FROM case_facts"),
    ("fact_is_kept", DONE, "UPDATE case_facts SET tier = 0"),
    ("fact_stays", DONE, "DELETE FROM case_facts"),
    # people
    ("password_is_hashed", (), "UPDATE adviser SET password = 'secret'"),
    ("known_role", (), "UPDATE adviser SET role = 'root'"),
    ("capacity_in_reason", (), "UPDATE adviser SET capacity = 99"),
    ("available_is_yes_or_no", (), "UPDATE adviser SET available = 2"),
    ("adviser_has_a_name", (), "UPDATE adviser SET name = ' '"),
    ("token_is_hashed", (), "INSERT INTO adviser_session VALUES (x'00', 1, 'c', 0, 1, 2)"),
    ("idle_within_the_end", (), "INSERT INTO adviser_session VALUES (zeroblob(32), 1, 'c', 0, 3, 2)"),
    ("name_is_a_hash", (), "INSERT INTO login_attempt VALUES (1, x'00', zeroblob(16), 0)"),
    ("known_address_is_a_hash", (), "INSERT INTO known_address VALUES (1, x'00', 0)"),
    ("address_is_a_hash", (), "INSERT INTO login_attempt VALUES (1, zeroblob(16), x'00', 0)"),
    ("handle_is_a_hash", (), "INSERT INTO adviser_handle VALUES (x'00', 1, 'telegram', 0)"),
    ("one_handle_on_a_channel", ("INSERT INTO adviser_handle VALUES (zeroblob(16), 1, 'telegram', 0)",),
        "INSERT INTO adviser_handle VALUES (randomblob(16), 1, 'telegram', 0)"),
]  # fmt: skip
BY_COLUMN = {
    "told_of_once": "notification.dedupe_key",
    "reference_once": "cases.reference",
    "one_handle_on_a_channel": r"adviser_handle\.adviser",
}
"""SQLite names a broken UNIQUE by its columns."""
REFUSED += gathered_refused()

NOT_IN_THE_TABLE = {
    "period_is_a_day": "case_facts has no way in but the trigger, which copies cases.opened_on",
    "adviser_email_once": "test_advisers.test_an_email_belongs_to_one_account",
    "message_seq_once": "message_is_new refuses first",
    "message_client_id_once": "message_is_new refuses first",
    "task_seq_once": "task_is_new refuses first",
    "takedown_seq_once": "takedown_is_new refuses first",
    "takedown_client_id_once": "takedown_is_new refuses first",
}


@pytest.mark.parametrize(
    ("guard", "before", "attempt"), REFUSED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_database_itself_refuses(
    conn: sqlite3.Connection, guard: str, before: tuple[str, ...], attempt: str
) -> None:
    for statement in before:
        assert conn.execute(statement).rowcount != 0
    dump = list(conn.iterdump())
    with pytest.raises(sqlite3.IntegrityError, match=BY_COLUMN.get(guard, guard)):
        conn.execute(attempt)
    assert list(conn.iterdump()) == dump


def test_what_is_refused_above_is_refused_by_its_guard_alone(conn: sqlite3.Connection) -> None:
    """The negative control: without the trigger, most of those statements would do their damage."""
    triggers = {name for name, _, _ in REFUSED} & {row[0] for row in conn.execute("SELECT name FROM sqlite_master")}
    went_through = 0
    for guard, before, attempt in REFUSED:
        if guard not in triggers:
            continue
        conn.execute("SAVEPOINT trial")
        for statement in before:
            conn.execute(statement)
        conn.execute(f"DROP TRIGGER {guard}")
        with suppress(sqlite3.IntegrityError):
            conn.execute(attempt)
            went_through += 1
        conn.execute("ROLLBACK TO trial")
        conn.execute("RELEASE trial")
    assert went_through >= 30


def test_every_guard_of_the_schema_is_tried(conn: sqlite3.Connection) -> None:
    schema = "\n".join(row[0] for row in conn.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
    guards = set(re.findall(r"RAISE\(ABORT, '(\w+)'\)", schema)) | set(re.findall(r"CONSTRAINT (\w+)", schema))
    assert guards - {name for name, _, _ in REFUSED} == set(NOT_IN_THE_TABLE)


def test_a_conversation_has_one_live_case_at_most(conn: sqlite3.Connection) -> None:
    """I1, by the unique index even where the trigger is missing."""
    conn.execute("DROP TRIGGER queue_item_begins_waiting")
    conn.execute(SECOND[0].replace("22', 2,", "22', 1,"))
    with pytest.raises(sqlite3.IntegrityError, match=r"queue_item\.conversation"):
        conn.execute(SECOND[2].replace("2, 2, 2", "2, 1, 2"))


@pytest.mark.parametrize(("table", "statement"), [
    ("queue_item", SECOND[2]),
    ("note", "INSERT INTO note ([case], seq, adviser, body, at, client_id) VALUES (9, 1, 1, x'00', 0, NULL)"),
    ("known_address", "INSERT INTO known_address VALUES (9, zeroblob(16), 0)"),
    ("adviser_handle", "INSERT INTO adviser_handle VALUES (zeroblob(16), 9, 'telegram', 0)"),
    ("adviser_session", "INSERT INTO adviser_session VALUES (zeroblob(32), 9, 'c', 0, 1, 2)"),
])  # fmt: skip
def test_nothing_hangs_in_the_air(conn: sqlite3.Connection, table: str, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        conn.execute(statement)
    assert conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == (1 if table == "queue_item" else 0)


def test_the_moves_of_the_code_are_the_moves_of_the_database(conn: sqlite3.Connection) -> None:
    """Every triple of (from, to, by) is tried on the trigger alone; 22 pairs of states are legal (DESK section 6)."""
    sql = conn.execute("SELECT sql FROM sqlite_master WHERE name = 'queue_item_moves'").fetchone()[0]
    written = {tuple(re.split("[>:]", triple)) for triple in re.findall(r"'(\w+>\w+:\w+)'", sql)}
    assert written == {(old.value, new.value, by.value) for old, new, by in MOVES}
    assert len({(old, new) for old, new, _ in MOVES}) == 22
    assert all(old not in ENDED for old, _, _ in MOVES)
    trial = sqlite3.connect(":memory:", isolation_level=None)
    trial.execute("CREATE TABLE queue_item (state, holder, version, move)")
    trial.execute(sql)
    for old, new, by in product(State, State, Move):
        trial.execute("DELETE FROM queue_item")
        trial.execute("INSERT INTO queue_item VALUES (?, ?, 0, NULL)", [old, 1 if old in HELD else None])
        change = "UPDATE queue_item SET state = ?, holder = ?, move = ?, version = 1"
        try:
            trial.execute(change, [new, 1 if new in HELD else None, by])
            accepted = True
        except sqlite3.IntegrityError:
            accepted = False
        assert accepted is ((old, new, by) in MOVES or (old is new and (old in HELD) is (new in HELD))), (old, new, by)


def test_a_note_has_no_path_to_anything_that_is_sent(conn: sqlite3.Connection) -> None:
    """I12: no trigger on notes writes anywhere but the event trail, and nothing refers to a note."""
    rows = conn.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    on_notes = [sql for kind, _, table, sql in rows if kind == "trigger" and table == "note"]
    assert {target for sql in on_notes for target in re.findall(r"INSERT INTO (\w+)", sql)} == {"event"}
    assert not any("body" in sql for sql in on_notes)
    assert not [name for _, name, table, sql in rows if table != "note" and re.search(r"\bnote\b(?!\.)", sql)]


def test_no_table_has_room_for_media(conn: sqlite3.Connection) -> None:
    """I13: every BLOB is a hash or sealed words."""
    tables = [row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    blobs = {
        f"{table}.{column[1]}"
        for table in tables
        for column in conn.execute(f"PRAGMA table_info({table})")
        if column[2] == "BLOB"
    }
    assert blobs == {
        "adviser_handle.mark",
        "adviser_session.token_hash",
        "cases.pack",
        "contact.body",
        "content_gap.answer",
        "content_gap.body",
        "decision.body",
        "event_chain.mark",
        "event_head.mark",
        "forgotten.mark",
        "identity_reveal.words",
        "known_address.address_mark",
        "legal_hold.words",
        "login_attempt.address_mark",
        "login_attempt.name_mark",
        "message.body",
        "note.body",
        "practice.body",
        "review.body",
        "second_reading.body",
        "takedown.link",
        "takedown_step.reference",
        "task.words",
    }


def test_every_table_is_strict(conn: sqlite3.Connection) -> None:
    rows = conn.execute("PRAGMA table_list").fetchall()
    loose = {
        row[1] for row in rows if row[2] == "table" and not row[5] and not row[1].startswith(("sqlite_", "_sqlite"))
    }
    assert loose == set()


def test_late_words_of_the_bot_can_be_refused_by_the_epoch(conn: sqlite3.Connection) -> None:
    """What the bot's outbox does: what was thought before a claim carries the old epoch."""
    conn.execute("CREATE TABLE bot_words (conversation INTEGER, epoch INTEGER)")
    conn.execute("""CREATE TRIGGER one_voice BEFORE INSERT ON bot_words WHEN EXISTS (SELECT 1 FROM voice
        WHERE conversation = NEW.conversation AND (speaker <> 'bot' OR epoch <> NEW.epoch))
        BEGIN SELECT RAISE(ABORT, 'late'); END""")
    thought_in = QUEUE.voice(conn, 1).epoch
    conn.execute("INSERT INTO bot_words VALUES (1, ?)", [thought_in])
    for statement in DONE:
        conn.execute(statement)
        if statement in (CLAIM, CLOSE):
            with pytest.raises(sqlite3.IntegrityError, match="late"):
                conn.execute("INSERT INTO bot_words VALUES (1, ?)", [thought_in])
    conn.execute("INSERT INTO bot_words VALUES (1, ?)", [QUEUE.voice(conn, 1).epoch])


def test_a_migrated_database_equals_a_fresh_one(tmp_path: Path) -> None:
    fresh = schema_of(migrated())
    path = tmp_path / "old.db"
    for migration in migrations.pending(Database(memory=True))[1:]:
        connection = sqlite3.connect(path, isolation_level=None)
        teach(connection, SEAL)
        migrations.apply(Database(connection), stop_before=migration.name)
        connection.close()
    assert schema_of(migrated(path)) == fresh
    assert schema_of(migrated(path)) == fresh


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "half.db", isolation_level=None)
    connection.execute("CREATE TABLE event (x)")
    with pytest.raises(sqlite3.OperationalError):
        migrations.apply(Database(connection))
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "cases" not in tables


def test_the_next_case_is_found_by_the_index(conn: sqlite3.Connection) -> None:
    plan = " ".join(
        str(row) for row in conn.execute("EXPLAIN QUERY PLAN " + moves.CLAIM_NEXT, {"by": 1, "now": 1, "lease": 1})
    )
    assert "queue_order" in plan
    assert "TEMP B-TREE" not in plan


def schema_of(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
