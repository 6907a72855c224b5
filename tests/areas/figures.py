"""Live figures."""

from handoff.domain import Role

LOOKERS = {Role.SENIOR, Role.LEAD, Role.AUDITOR}
WHO_MAY = {
    ("GET", "figures"): LOOKERS,
    ("GET", "facts"): LOOKERS,
}
