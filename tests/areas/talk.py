"""The conversation."""

from handoff.domain import Role
from tests.areas import HOLD, SENIORS
from tests.schema_steps import ACTIVE

WHO_MAY = {
    ("GET", "case"): HOLD,
    ("POST", "say"): HOLD,
    ("POST", "again"): HOLD,
    ("POST", "note"): HOLD,
    ("POST", "typing"): HOLD,
    ("POST", "pause"): HOLD,
    ("POST", "resume"): HOLD,
    ("POST", "release"): HOLD,
    ("POST", "transfer"): HOLD,
    ("POST", "accept"): HOLD,
    ("POST", "decline"): HOLD,
    ("GET", "content"): HOLD,
    ("GET", "insert"): HOLD,
    ("POST", "insert"): HOLD,
    ("GET", "told"): {*SENIORS, Role.EDITOR},
}
CARRIED = "INSERT INTO insertion VALUES (1, 1, 'report-fake-account', 'v1', '2027-05-22', 0, 5)"
REFUSED = [
    ("insertion_in_an_advisers_message", (), CARRIED),
    ("insertion_in_an_advisers_message", ACTIVE, CARRIED.replace("1, 1,", "1, 2,")),
    ("insertion_in_an_advisers_message", (*ACTIVE, CARRIED), CARRIED.replace("INSERT", "INSERT OR REPLACE")),
    ("insertion_is_kept", (*ACTIVE, CARRIED), "UPDATE insertion SET library = 'v2'"),
    ("insertion_stays", (*ACTIVE, CARRIED), "DELETE FROM insertion"),
    ("page_is_an_id", ACTIVE, CARRIED.replace("report-fake-account", "Mr Smith")),
    ("library_is_a_version", ACTIVE, CARRIED.replace("'v1'", "''")),
    ("review_by_is_a_day", ACTIVE, CARRIED.replace("2027-05-22", "soon")),
    ("overdue_is_yes_or_no", ACTIVE, CARRIED.replace("0, 5", "2, 5")),
]
