"""Agreed call-backs."""

from tests.areas import HOLD

WHO_MAY = {
    ("GET", "call_back"): HOLD,
    ("POST", "agree_call_back"): HOLD,
}
