"""Logs: ids, counts and kinds come out; words do not, whoever wrote the line."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from bot.logs import ALLOWED, LEFT_OUT, WhoOnly, quiet_logs
from tests.small_house import SmallHouse

WORDS = "Jane Smith said the head's number is 07700 900123"
Lines = Callable[[], list[str]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """What was logged so far, as it came out; the test's own setting of logs is taken back."""
    told: list[str] = []

    def so_far() -> list[str]:
        told.extend(capsys.readouterr().err.splitlines())
        return told

    quiet_logs()
    yield so_far
    loud_again()


def loud_again() -> None:
    """Logs as they are without `quiet_logs`."""
    structlog.reset_defaults()
    root = logging.getLogger()
    for ours in [each for each in root.handlers if isinstance(each, WhoOnly)]:
        root.removeHandler(ours)


def test_a_line_keeps_its_allowed_keys_and_no_other(lines: Lines) -> None:
    structlog.get_logger().info("turn.failed", error="KeyError", seq=7, text="hello", address="tg:1", slots={"a": 1})
    (line,) = map(json.loads, lines())
    assert line == {
        "event": "turn.failed",
        "level": "info",
        "error": "KeyError",
        "seq": 7,
        "timestamp": line["timestamp"],
    }


@pytest.mark.parametrize("key", sorted({*ALLOWED, "text", "exc_info", "stack_info"} - {"event"}))
def test_words_given_to_any_key_do_not_come_out(key: str, lines: Lines) -> None:
    structlog.get_logger().error("something", **{key: WORDS})
    structlog.get_logger().error("something", **{key: [WORDS]})
    assert len(lines()) == 2
    assert "Jane" not in "".join(lines())


def test_words_given_as_the_event_do_not_come_out(lines: Lines) -> None:
    structlog.get_logger().error(WORDS)
    assert json.loads(lines()[0])["event"] == LEFT_OUT


@pytest.mark.parametrize(
    "route", ["/api/chat", "/desk/case/{id}", r"/desk/case/{id:\d+}", "ConnectionResetError", "2026-07-06T12:00:00Z"]
)
def test_codes_and_routes_come_out(route: str, lines: Lines) -> None:
    structlog.get_logger().error("something", route=route)
    assert json.loads(lines()[0])["route"] == route


def test_an_exception_is_logged_without_its_words(lines: Lines) -> None:
    try:
        raise ValueError(WORDS)
    except ValueError:
        structlog.get_logger().exception("something")
        structlog.get_logger().error("something", exc_info=True)
    assert len(lines()) == 2
    assert "Jane" not in "".join(lines())
    assert "Traceback" not in "".join(lines())


def test_a_library_s_own_lines_are_reduced_to_who_and_what_kind(lines: Lines) -> None:
    try:
        raise ValueError(WORDS)
    except ValueError:
        logging.getLogger("aiohttp.server").exception("Error handling request from %s: %s", "10.0.0.7", WORDS)
    logging.getLogger("sqlite_utils").warning(WORDS)
    first, second = map(json.loads, lines())
    assert (first["part"], first["error"], first["level"]) == ("aiohttp.server", "ValueError", "error")
    assert (second["part"], second["error"]) == ("sqlite_utils", None)
    assert "Jane" not in "".join(lines())
    assert "10.0.0.7" not in "".join(lines())


def test_without_quiet_logs_the_words_would_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().error("something", text=WORDS)
    assert "Jane" in "".join(capsys.readouterr())


def test_logs_set_twice_say_everything_once(lines: Lines) -> None:
    quiet_logs()
    logging.getLogger("aiohttp.server").error("bad")
    assert len(lines()) == 1


async def test_a_turn_with_names_in_it_leaves_none_in_the_log(house: SmallHouse, lines: Lines) -> None:
    await house.say("hello")
    await house.say(WORDS)
    assert "Jane" not in "".join(lines())
