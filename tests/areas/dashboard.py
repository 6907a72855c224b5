"""The lead's dashboard."""

from handoff.domain import Role
from tests.areas import SENIORS

LOOKERS = {*SENIORS, Role.AUDITOR}
WHO_MAY = {
    ("GET", "now"): LOOKERS,
    ("GET", "now_flow"): LOOKERS,
    ("POST", "pass_on_gap"): SENIORS,
}
