"""The audit trail and its chain."""

from handoff.domain import Role

READERS = {Role.LEAD, Role.AUDITOR}
WHO_MAY = {
    ("GET", "audit"): READERS,
    ("GET", "audit_csv"): READERS,
    ("POST", "verify"): READERS,
    ("GET", "reveals"): READERS,
}
REFUSED = [
    ("chain_goes_on", (), "INSERT INTO event_chain VALUES (9, zeroblob(16))"),
    ("chain_goes_on", (), "INSERT OR REPLACE INTO event_chain VALUES (1, zeroblob(16))"),
    ("chain_is_kept", (), "UPDATE event_chain SET mark = zeroblob(16)"),
    ("chain_stays", (), "DELETE FROM event_chain"),
    ("head_goes_forward", (), "UPDATE event_head SET mark = zeroblob(16)"),
    ("head_is_the_only_one", (), "INSERT OR REPLACE INTO event_head VALUES (1, 9, zeroblob(16))"),
    ("head_stays", (), "DELETE FROM event_head"),
    ("mark_is_a_mark", ("DROP TRIGGER chain_goes_on",), "INSERT INTO event_chain VALUES (9, x'00')"),
    ("one_head", ("DROP TRIGGER head_is_the_only_one",), "INSERT INTO event_head VALUES (2, 0, zeroblob(16))"),
    ("head_is_a_mark", (), "UPDATE event_head SET seq = 9, mark = x'00'"),
]
