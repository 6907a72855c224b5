"""What every test stands on: no settings from outside, no network but this computer, a clock, and a small house."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.config import Settings
from tests.small_house import Clock, Ready, SmallHouse, opened_house, ready_in, small_library, write_library

LOOPBACK = frozenset({"localhost", "::1", "::", "0.0.0.0", ""})
ASKED_OF_THE_NETWORK = frozenset({"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"})


class NetworkUsed(RuntimeError):
    """A test reached for the internet."""


def is_here(host: object) -> bool:
    """Whether an address is on this computer. A path (a unix socket) and None (any interface) are."""
    if isinstance(host, bytes):
        host = host.decode()
    return not isinstance(host, str) or host in LOOPBACK or host.startswith("127.")


def _watch(event: str, given: tuple[Any, ...]) -> None:
    if event not in ASKED_OF_THE_NETWORK:
        return
    place = given[0] if event.startswith("socket.get") else given[1]
    host = place[0] if isinstance(place, tuple) else None if event in ("socket.connect", "socket.sendto") else place
    if not is_here(host):
        raise NetworkUsed(f"{event}: tests stay on this computer")


def pytest_configure() -> None:
    for name in [name for name in os.environ if name.startswith("FIRSTLINE_")]:
        del os.environ[name]
    sys.addaudithook(_watch)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def library_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(tmp_path_factory.mktemp("library"), small_library())


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory, library_folder: Path) -> Ready:
    return ready_in(tmp_path_factory.mktemp("ready"), library_folder)


@pytest.fixture
def settings(tmp_path: Path, ready: Ready) -> Settings:
    return ready.copied_to(tmp_path)


@pytest.fixture
def house(settings: Settings, clock: Clock) -> Iterator[SmallHouse]:
    """Assembled, nothing running by itself: a test moves each part."""
    made = opened_house(settings, clock)
    yield made
    made.firstline.ledger.close()
