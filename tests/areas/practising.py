"""Practice."""
# ruff: noqa: E501 - one statement a line reads better in a table

from tests.areas import HOLD
from tests.schema_steps import CLAIM

WHO_MAY = {
    ("GET", "practice"): HOLD,
    ("POST", "start_practice"): HOLD,
    ("POST", "take_up_practice"): HOLD,
    ("GET", "practice_end"): HOLD,
}
CASE = (
    """INSERT INTO cases (reference, conversation, reason, channel, language, library, opened_at, opened_on, opened_hour)
        VALUES ('FL-2222-22', -1, 'practice', 'web', 'en', 'v1', 0, '2026-03-02', 9)""",
    "INSERT INTO voice VALUES (-1, 'bot', 0)",
    """INSERT INTO queue_item ("case", conversation, tier, due_at, state, moved_at) VALUES (2, -1, 2, 9, 'waiting', 0)""",
)
PRACTICE = "INSERT INTO practice VALUES (2, 1, 'reputation', 3, x'00', 0)"
BEGUN = (*CASE, PRACTICE)
MINE = CLAIM.replace('"case" = 1', '"case" = 2')
REFUSED = [
    ("practice_names_a_script", CASE, PRACTICE.replace("reputation", "Mr Smith")),
    ("practice_is_practice", (), PRACTICE.replace("(2, 1,", "(1, 1,")),
    ("practice_is_practice", BEGUN, PRACTICE.replace("(2, 1,", "(2, 2,").replace("INSERT", "INSERT OR REPLACE")),
    ("practice_is_kept", BEGUN, "UPDATE practice SET adviser = 2"),
    ("practice_is_kept_while_open", BEGUN, "DELETE FROM practice"),
    ("practice_is_its_beginners", BEGUN, MINE.replace("holder = 1", "holder = 2")),
    ("practice_is_its_beginners", CASE, MINE),
    (
        "practice_is_its_beginners",
        (
            *BEGUN,
            MINE,
            """UPDATE queue_item SET state = 'active', move = 'answered', version = version + 1 WHERE "case" = 2""",
        ),
        """UPDATE queue_item SET state = 'offered', move = 'offered', offered_to = 2, offer_until = 9, version = version + 1 WHERE "case" = 2""",
    ),
]
