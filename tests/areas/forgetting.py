"""Forgetting: legal holds, requests, what remains."""
# ruff: noqa: E501 - one statement a line reads better in a table

from handoff.domain import Role
from tests.areas.tasks import REPORTED
from tests.schema_steps import DONE

WHO_MAY = {
    ("GET", "forgetting"): {Role.LEAD, Role.AUDITOR},
    ("GET", "forgetting_case"): {Role.LEAD},
    ("POST", "erase"): {Role.LEAD},
    ("POST", "access"): {Role.LEAD},
    ("POST", "hold"): {Role.LEAD},
    ("POST", "review_hold"): {Role.LEAD},
    ("POST", "release_hold"): {Role.LEAD},
}

LEAD = "INSERT INTO adviser (name, email, password, role, capacity, added_at) VALUES ('Lea', 'lea', '$argon2id$x', 'lead', 3, 0)"
"""Adviser 5."""
HOLD = """INSERT INTO legal_hold ("case", reason, words, review_by, placed_by, placed_at) VALUES (1, 'police', x'00', '2026-05-01', 5, 0)"""
RELEASE = "UPDATE legal_hold SET released_by = 5, released_at = 1"
ASK = """INSERT INTO erasure_request ("case", way, asker, reason, at) VALUES (1, 'chat', 'enquirer', 'withdrawn', 0)"""
ACCESS = "INSERT INTO access_request (way, asker, at) VALUES ('command', 'enquirer', 0)"
MARK = "INSERT INTO forgotten VALUES (zeroblob(16), '2026-03-02', 'time')"
RUN = "INSERT INTO forgetting_run (id, day, began_at, ended_at, cases, others) VALUES (1, '2026-03-02', 1, 2, 3, 4)"
GONE = (ASK, "DROP TRIGGER request_done_with_the_case")
HELD = (LEAD, HOLD)
REFUSED = [
    ("known_hold_reason", (LEAD,), HOLD.replace("police", "Mr Smith")),
    ("hold_review_by_is_a_day", (LEAD,), HOLD.replace("2026-05-01", "soon")),
    ("hold_reviewed_by_somebody", HELD, "UPDATE legal_hold SET reviewed_by = 5"),
    ("hold_released_by_somebody", HELD, "UPDATE legal_hold SET released_by = 5"),
    ("hold_is_new", HELD, HOLD),
    ("hold_is_new", (LEAD,), HOLD.replace("(1,", "(9,")),
    (
        "hold_is_new",
        HELD,
        HOLD.replace("INSERT", "INSERT OR REPLACE").replace('("case"', '(id, "case"').replace("(1,", "(1, 1,"),
    ),
    ("hold_by_a_lead", (LEAD,), HOLD.replace("5, 0)", "1, 0)")),
    ("hold_by_a_lead", (LEAD,), HOLD.replace("5, 0)", "4, 0)")),
    ("hold_is_kept", HELD, "UPDATE legal_hold SET reason = 'court'"),
    ("hold_is_kept", HELD, "UPDATE legal_hold SET words = NULL"),
    ("hold_is_kept", HELD, "UPDATE legal_hold SET words = x'01'"),
    ("hold_is_kept", HELD, "UPDATE legal_hold SET review_by = '2027-05-01'"),
    (
        "hold_is_kept",
        (*HELD, RELEASE),
        "UPDATE legal_hold SET reviewed_by = 5, reviewed_at = 2, review_by = '2026-06-01'",
    ),
    ("hold_changed_by_a_lead", HELD, "UPDATE legal_hold SET released_by = 1, released_at = 1"),
    (
        "hold_changed_by_a_lead",
        HELD,
        "UPDATE legal_hold SET reviewed_by = 4, reviewed_at = 1, review_by = '2026-06-01'",
    ),
    ("hold_stays", HELD, "DELETE FROM legal_hold"),
    ("held_case_is_kept", (LEAD, *DONE, HOLD), "DELETE FROM cases"),
    ("held_pack_is_kept", HELD, "UPDATE cases SET pack = NULL"),
    ("held_message_is_kept", (LEAD, *DONE, HOLD), "DELETE FROM message"),
    ("known_access_way", (), ACCESS.replace("'command'", "'chat'")),
    ("known_access_asker", (), ACCESS.replace("enquirer", "Mr Smith")),
    ("access_at_the_desk_is_somebodys", (), ACCESS.replace("'command'", "'desk'")),
    (
        "access_is_new",
        (ACCESS,),
        ACCESS.replace("INSERT", "INSERT OR REPLACE").replace("(way", "(id, way").replace("('", "(1, '"),
    ),
    (
        "access_by_a_lead",
        (),
        ACCESS.replace("'command'", "'desk'").replace("asker, at", "asker, adviser, at").replace("0)", "1, 0)"),
    ),
    ("access_is_kept", (ACCESS,), "UPDATE access_request SET asker = 'service'"),
    ("access_stays", (ACCESS,), "DELETE FROM access_request"),
    ("known_request_way", (), ASK.replace("'chat'", "'post'")),
    ("known_asker", (), ASK.replace("enquirer", "Mr Smith")),
    ("known_request_reason", (), ASK.replace("withdrawn", "rude")),
    ("request_at_the_desk_is_somebodys", (), ASK.replace("'chat'", "'desk'")),
    (
        "request_at_the_desk_by_a_lead",
        (),
        ASK.replace("reason, at", "reason, adviser, at")
        .replace("withdrawn',", "withdrawn', 1,")
        .replace("'chat'", "'desk'"),
    ),
    ("request_done_after_it_was_made", GONE, "UPDATE erasure_request SET done_at = -1"),
    ("request_is_new", (ASK,), ASK),
    ("request_is_new", (), ASK.replace("(1,", "(9,")),
    ("request_is_only_done", GONE, "UPDATE erasure_request SET reason = 'mistake', done_at = 1"),
    (
        "request_is_only_done",
        (*GONE, "UPDATE erasure_request SET done_at = 1"),
        "UPDATE erasure_request SET done_at = 2",
    ),
    ("request_done_with_the_case", (ASK,), "UPDATE erasure_request SET done_at = 1"),
    ("request_stays", (ASK,), "DELETE FROM erasure_request"),
    ("forgotten_is_a_hash", (), MARK.replace("16", "8")),
    ("forgotten_on_a_day", (), MARK.replace("2026-03-02", "soon")),
    ("known_forgetting", (), MARK.replace("'time'", "'whim'")),
    ("forgotten_is_kept", (MARK,), "UPDATE forgotten SET day = '2026-03-01'"),
    ("run_is_of_a_day", (), RUN.replace("2026-03-02", "soon")),
    ("run_ends_after_it_began", (), RUN.replace("1, 2, 3", "3, 2, 3")),
    ("rewritten_after_the_run", (RUN,), "UPDATE forgetting_run SET rewritten_at = 1"),
    ("run_is_next", (RUN,), RUN.replace("(1,", "(2,").replace("03-02", "03-01")),
    ("run_is_next", (RUN,), RUN.replace("INSERT", "INSERT OR REPLACE")),
    ("run_is_kept", (RUN,), "UPDATE forgetting_run SET cases = 9"),
    ("run_is_kept", (RUN, "UPDATE forgetting_run SET rewritten_at = 3"), "UPDATE forgetting_run SET rewritten_at = 4"),
    ("takedown_stays", REPORTED, "DELETE FROM takedown"),
]
