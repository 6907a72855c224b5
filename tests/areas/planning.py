"""Planning and school terms."""
# ruff: noqa: E501 - one statement a line reads better in a table

from handoff.domain import Role

LEADS = {Role.LEAD}
A_LEAD = "UPDATE adviser SET role = 'lead' WHERE id = 1"
TERM = "INSERT INTO school_term (name, nation, first, last, source, added_by, added_at) VALUES ('Autumn', 'wales', '2026-09-01', '2026-12-18', 'made up', 1, 0)"
REMOVED = "UPDATE school_term SET removed_by = 1, removed_at = 5"
WHO_MAY = {
    ("GET", "planning"): LEADS,
    ("POST", "add_term"): LEADS,
    ("POST", "remove_term"): LEADS,
}
REFUSED = [
    ("school_term_has_a_name", (A_LEAD,), TERM.replace("'Autumn'", "' '")),
    ("school_term_of_a_nation", (A_LEAD,), TERM.replace("'wales'", "'france'")),
    ("school_term_first_is_a_day", (A_LEAD,), TERM.replace("'2026-09-01'", "'2026-9-1'")),
    ("school_term_last_is_a_day", (A_LEAD,), TERM.replace("'2026-12-18'", "'2026-12-32'")),
    ("school_term_says_where_from", (A_LEAD,), TERM.replace("'made up'", "''")),
    ("school_term_ends_after_it_begins", (A_LEAD,), TERM.replace("'2026-12-18'", "'2026-08-31'")),
    ("school_term_is_no_year", (A_LEAD,), TERM.replace("'2026-12-18'", "'2027-08-31'")),
    ("school_term_by_a_lead", (), TERM),
    ("school_term_by_a_lead", (), TERM.replace("1, 0)", "4, 0)")),
    ("school_term_is_new", (A_LEAD, TERM), TERM.replace("'Autumn'", "'Again'")),
    ("school_term_is_new", (A_LEAD, TERM), "INSERT OR REPLACE INTO school_term (id, name, first, last, source, added_by, added_at) VALUES (1, 'x', '2026-09-01', '2026-09-02', 'y', 1, 0)"),
    ("school_term_is_new", (A_LEAD,), TERM.replace("added_at)", "added_at, removed_by, removed_at)").replace("1, 0)", "1, 0, 1, 0)")),
    ("school_term_removed_by_somebody", (A_LEAD, TERM, "DROP TRIGGER school_term_removed"), "UPDATE school_term SET removed_by = 1"),
    ("school_term_removed_by_a_lead", (A_LEAD, TERM), "UPDATE school_term SET removed_by = 2, removed_at = 5"),
    ("school_term_is_only_removed", (A_LEAD, TERM), REMOVED + ", last = '2026-12-19'"),
    ("school_term_is_only_removed", (A_LEAD, TERM, REMOVED), REMOVED),
    ("school_term_stays", (A_LEAD, TERM, REMOVED), "DELETE FROM school_term"),
]  # fmt: skip
