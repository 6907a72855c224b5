"""Logs hold ids, counts and kinds: never words, names, addresses or slot values."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset(
    {"event", "level", "timestamp", "error", "kind", "part", "route", "host", "port", "channel", "seq", "reason"}
    | {"action", "flow", "step", "state", "version", "number", "count"}
)
"""The only keys a log line may have. Any other is dropped, whatever it holds."""
LEFT_OUT = "(left out)"
OURS = "handoff."
"""The queue logs with the standard library, and promises kinds and places of errors only."""

_CODE = re.compile(r"[\w.:/<>{}()|+*\\^$-]{0,100}", re.ASCII)


def only_allowed(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: _coded(value) for key, value in line.items() if key in ALLOWED}


def _coded(value: Any) -> Any:
    """Numbers and codes stay; what reads like words, or is more than one thing, is left out."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return value if isinstance(value, str) and _CODE.fullmatch(value) else LEFT_OUT


class WhoOnly(logging.Handler):
    """A library's own log lines can hold what an enquirer sent (aiohttp repeats a request it cannot read): only who
    spoke and the kind of error are kept."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(OURS):
            sys.stderr.write(record.getMessage() + "\n")
            return
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        structlog.get_logger().log(record.levelno, "library.log", part=record.name, error=kind)


def quiet_logs() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    root = logging.getLogger()
    if not any(isinstance(each, WhoOnly) for each in root.handlers):
        root.addHandler(WhoOnly())
    for noisy in ("rasa_sdk", "aiohttp.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
