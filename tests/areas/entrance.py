"""The way in and out."""

from handoff.domain import Role
from tests.areas import EVERYBODY, HOLD

WHO_MAY = {
    ("GET", "log_in"): EVERYBODY,
    ("POST", "log_in"): EVERYBODY,
    ("POST", "log_out"): set(Role),
    ("GET", "account"): set(Role),
    ("POST", "heartbeat"): HOLD,
    ("GET", "pulse"): HOLD,
    ("GET", "events"): HOLD,
    ("GET", "static"): EVERYBODY,
}
