"""Content gaps."""
# ruff: noqa: E501 - one statement a line reads better in a table

from handoff.domain import Role
from tests.areas import HOLD

READ = {Role.EDITOR, Role.SENIOR, Role.LEAD}
WHO_MAY = {
    ("GET", "gap"): HOLD,
    ("POST", "report_gap"): HOLD,
    ("GET", "gaps"): READ,
    ("POST", "take_up_gap"): READ,
    ("POST", "finish_gap"): READ,
}
GAP = "INSERT INTO content_gap (kind, page, concern, adviser, body, client_id, at) VALUES ('wrong', 'keep-evidence', 'nudes', 1, x'00', 'a', 0)"
TAKEN = (GAP, "UPDATE content_gap SET state = 'taken_up', editor = 3, answered_at = 1")
DONE = (GAP, "UPDATE content_gap SET state = 'done', editor = 3, answer = x'00', answered_at = 1")
REFUSED = [
    ("known_gap", (), GAP.replace("'wrong'", "'silly'")),
    ("gap_names_a_page", (), GAP.replace("keep-evidence", "Mr Smith")),
    ("gap_in_codes", (), GAP.replace("'nudes'", "'Mr Smith'")),
    ("gap_client_id_is_short", (), GAP.replace("'a', 0", "hex(zeroblob(40)), 0")),
    ("gap_begins_open", (GAP,), GAP.replace("'wrong'", "'old'").replace("INSERT", "INSERT OR REPLACE")),
    (
        "gap_begins_open",
        (),
        GAP.replace("client_id, at)", "client_id, at, state)").replace("'a', 0)", "'a', 0, 'done')"),
    ),
    ("gap_goes_forward", (GAP,), "UPDATE content_gap SET body = x'01'"),
    ("gap_goes_forward", TAKEN, "UPDATE content_gap SET state = 'open', editor = NULL"),
    ("gap_goes_forward", DONE, "UPDATE content_gap SET answer = x'01'"),
    ("known_gap_state", (GAP, "DROP TRIGGER gap_goes_forward"), "UPDATE content_gap SET state = 'lost', editor = 3"),
    ("gap_is_somebodys", (GAP,), "UPDATE content_gap SET state = 'taken_up', answered_at = 1"),
    ("gap_is_answered", TAKEN, "UPDATE content_gap SET state = 'done'"),
    ("gap_is_kept_until_done", TAKEN, "DELETE FROM content_gap"),
]
