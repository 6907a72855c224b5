"""No test needs the internet: reaching for it fails, on this computer everything is open."""

import socket

import pytest

OUTSIDE = "192.0.2.1"  # TEST-NET-1: belongs to nobody (RFC 5737)


def test_the_internet_is_out_of_reach() -> None:
    """Negative control of the whole suite: what no test may do is refused before a packet leaves."""
    with socket.socket() as outside, pytest.raises(RuntimeError, match="stay on this computer"):
        outside.connect((OUTSIDE, 80))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside, pytest.raises(RuntimeError, match="stay"):
        outside.sendto(b"x", (OUTSIDE, 53))
    with pytest.raises(RuntimeError, match="stay on this computer"):
        socket.getaddrinfo("example.org", 443)


def test_this_computer_is_in_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
    assert socket.getaddrinfo("localhost", 80)


def test_nothing_from_the_environment_sets_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    assert [name for name in os.environ if name.startswith("FIRSTLINE_")] == []
