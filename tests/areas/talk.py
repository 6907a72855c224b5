"""The conversation."""

from tests.areas import HOLD, SENIORS

WHO_MAY = {
    ("GET", "case"): HOLD,
    ("POST", "take_over"): SENIORS,
    ("POST", "say"): HOLD,
    ("POST", "again"): HOLD,
    ("POST", "note"): HOLD,
    ("POST", "pause"): HOLD,
    ("POST", "resume"): HOLD,
    ("POST", "release"): HOLD,
}
