"""Closing a case."""

from tests.areas import HOLD

WHO_MAY = {
    ("GET", "wrap_up"): HOLD,
    ("POST", "wrap_up"): HOLD,
    ("POST", "close"): HOLD,
}
