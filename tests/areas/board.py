"""The queue board."""

from tests.areas import HOLD

WHO_MAY = {
    ("GET", "board"): HOLD,
    ("POST", "next"): HOLD,
    ("POST", "claim"): HOLD,
    ("POST", "presence"): HOLD,
}
REFUSED = [
    ("known_lane", (), "UPDATE queue_item SET lane = 'fast'"),
]
