"""The clarifier and its second reader."""
# ruff: noqa: E501 - one statement a line reads better in a table

from tests.areas import HOLD
from tests.schema_steps import ACTIVE

WHO_MAY = {
    ("GET", "threshold"): HOLD,
    ("GET", "threshold_ask"): HOLD,
    ("POST", "decide"): HOLD,
    ("GET", "second_readings"): HOLD,
    ("GET", "second_reading"): HOLD,
    ("POST", "read_again"): HOLD,
}
DECISION = """INSERT INTO decision ("case", adviser, page, route, nation, library, tier, second_wanted, body, client_id, at)
    VALUES (1, 1, 'threshold-nudes', 'refer_today', 'england', 'v1', 1, 1, x'00', 'a', 0)"""
DECIDED = (*ACTIVE, DECISION)
READ = "INSERT INTO second_reading VALUES (1, 2, 1, x'00', 0)"
REFUSED = [
    ("decision_is_new", DECIDED, DECISION.replace("'refer_today'", "'handle'").replace("INSERT", "INSERT OR REPLACE")),
    ("decision_only_by_the_holder", (), DECISION),
    ("decision_only_by_the_holder", ACTIVE, DECISION.replace("(1, 1,", "(1, 2,")),
    ("decision_is_kept", DECIDED, "UPDATE decision SET body = x'01'"),
    ("decision_is_kept_while_open", DECIDED, "DELETE FROM decision"),
    ("decision_names_a_page", ACTIVE, DECISION.replace("threshold-nudes", "Mr Smith")),
    ("known_route", ACTIVE, DECISION.replace("refer_today", "ignore")),
    ("decision_in_a_nation", ACTIVE, DECISION.replace("england", "france")),
    ("decision_at_a_tier", ACTIVE, DECISION.replace("'v1', 1, 1", "'v1', 9, 1")),
    ("second_wanted_is_yes_or_no", ACTIVE, DECISION.replace("'v1', 1, 1", "'v1', 1, 2")),
    ("decision_client_id_is_short", ACTIVE, DECISION.replace("'a', 0", "hex(zeroblob(40)), 0")),
    ("second_reading_once", (*DECIDED, READ), READ.replace("2, 1,", "2, 0,").replace("INSERT", "INSERT OR REPLACE")),
    ("second_reading_by_another", DECIDED, READ.replace("(1, 2,", "(1, 1,")),
    ("second_reading_by_another", DECIDED, READ.replace("(1, 2,", "(1, 3,")),
    ("second_reading_by_another", DECIDED, READ.replace("(1, 2,", "(1, 4,")),
    ("second_reading_by_another", (*ACTIVE, DECISION.replace("'v1', 1, 1", "'v1', 1, 0")), READ),
    ("second_reading_is_kept", (*DECIDED, READ), "UPDATE second_reading SET agrees = 0"),
    ("second_reading_is_kept_while_open", (*DECIDED, READ), "DELETE FROM second_reading"),
    ("agrees_is_yes_or_no", DECIDED, READ.replace("2, 1,", "2, 2,")),
]
