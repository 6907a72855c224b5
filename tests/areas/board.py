"""The queue board."""

from handoff.domain import Role
from tests.areas import HOLD

WHO_MAY = {
    ("GET", "board"): HOLD,
    ("GET", "peek"): HOLD,
    ("GET", "go"): set(Role),
    ("POST", "next"): HOLD,
    ("POST", "claim"): HOLD,
    ("POST", "presence"): HOLD,
}
REFUSED = [
    ("known_lane", (), "UPDATE queue_item SET lane = 'fast'"),
]
