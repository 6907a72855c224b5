"""Accounts, opening hours, privacy."""

from handoff.domain import Role

LEADS = {Role.LEAD}
A_LEAD = "UPDATE adviser SET role = 'lead' WHERE id = 1"
HOURS = "INSERT INTO hours_version (week, nation, closed, adviser, at) VALUES ('mon 09:00-17:00', NULL, '', 1, 0)"
WHO_MAY = {
    ("GET", "people"): LEADS,
    ("POST", "add_person"): LEADS,
    ("GET", "person"): LEADS,
    ("POST", "person_role"): LEADS,
    ("POST", "person_capacity"): LEADS,
    ("POST", "person_disable"): LEADS,
    ("POST", "person_enable"): LEADS,
    ("POST", "person_sessions"): LEADS,
    ("POST", "person_password"): LEADS,
    ("POST", "person_give_back"): LEADS,
    ("GET", "password"): set(Role),
    ("POST", "change_password"): set(Role),
    ("POST", "own_sessions"): set(Role),
    ("GET", "hours"): LEADS,
    ("POST", "change_hours"): LEADS,
    ("GET", "retention"): set(Role),
    ("GET", "privacy"): set(Role),
}
REFUSED = [
    ("a_lead_remains", (A_LEAD,), "UPDATE adviser SET role = 'senior' WHERE id = 1"),
    ("a_lead_remains", (A_LEAD,), "UPDATE adviser SET disabled_at = 5 WHERE id = 1"),
    ("week_is_hours", (A_LEAD,), HOURS.replace("mon 09", "Mon <b>09")),
    ("hours_of_a_nation", (A_LEAD,), HOURS.replace("NULL", "'france'")),
    ("closed_is_days", (A_LEAD,), HOURS.replace("''", "'Christmas!'")),
    ("hours_by_a_lead", (), HOURS),
    ("hours_by_a_lead", (), HOURS.replace(", 1, 0", ", 4, 0")),
    ("hours_are_next", (A_LEAD, HOURS), "INSERT OR REPLACE INTO hours_version VALUES (1, '', NULL, '', 1, 0)"),
    ("hours_are_kept", (A_LEAD, HOURS), "UPDATE hours_version SET week = ''"),
    ("hours_stay", (A_LEAD, HOURS), "DELETE FROM hours_version"),
]
