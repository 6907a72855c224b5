"""Care for advisers: private to each, and to the leads."""

from handoff.domain import Role
from tests.areas import HOLD

WHO_MAY = {
    ("GET", "care"): HOLD,
    ("POST", "care_ask"): HOLD,
    ("POST", "care_talked"): {Role.LEAD},
}

_SAYS = 'INSERT INTO debrief ("case", adviser, weight, wants_talk, at) VALUES (NULL, 1, {weight}, {talk}, 0)'
_ASKED = (_SAYS.format(weight="NULL", talk=1),)
_TALKED = (*_ASKED, "UPDATE debrief SET talked_at = 1, talked_with = 2")
REFUSED = [
    ("weight_in_five", (), _SAYS.format(weight=6, talk=0)),
    ("wants_talk_is_yes_or_no", (), _SAYS.format(weight=3, talk=2)),
    ("debrief_says_something", (), _SAYS.format(weight="NULL", talk=0)),
    ("talked_at_with_somebody", _ASKED, "UPDATE debrief SET talked_at = 1"),
    ("talked_with_another", _ASKED, "UPDATE debrief SET talked_at = 1, talked_with = 1"),
    ("debrief_is_new", _ASKED, "INSERT OR REPLACE INTO debrief VALUES (1, NULL, 2, 5, 0, 0, NULL, NULL)"),
    ("debrief_is_new", (), "INSERT INTO debrief VALUES (1, NULL, 2, 5, 1, 0, 1, 1)"),
    ("debrief_is_kept", _ASKED, "UPDATE debrief SET weight = 1"),
    ("debrief_is_kept", _TALKED, "UPDATE debrief SET talked_at = 2"),
    ("debrief_is_kept", (_SAYS.format(weight=3, talk=0),), "UPDATE debrief SET talked_at = 1, talked_with = 2"),
    ("debrief_is_kept_while_asked", _ASKED, "DELETE FROM debrief"),
]
