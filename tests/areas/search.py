"""Search."""

from tests.areas import HOLD

WHO_MAY = {("GET", "search"): HOLD}
