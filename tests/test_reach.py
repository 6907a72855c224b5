"""Reply windows and advisers' accounts on messengers: what is kept, what is refused, what nobody can read."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.app import open_ledger
from bot.cli import main
from bot.config import Settings
from handoff import advisers
from handoff.desk import Desk
from handoff.domain import AdviserId, Role
from handoff.handles import HandleTaken, adviser_of, link
from handoff.reach import note_window, window_of
from tests.demo_desk import HASH, MONDAY, Clock, DemoDesk, desk_in

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


# --- the window ------------------------------------------------------------------------------------------------------


def noted(desk: DemoDesk, closes_at: datetime, shut: bool = False, conversation: int = 1) -> datetime | None:
    desk.ledger.write_now(lambda conn: note_window(conn, conversation, closes_at, shut=shut))
    return window_of(desk.ledger.reader(), conversation)


def test_a_channel_without_a_window_has_none(desk: DemoDesk) -> None:
    case_id = desk.case()
    assert window_of(desk.ledger.reader(), 1) is None
    assert Desk(desk.ledger.seal).case(desk.ledger.reader(), case_id, desk.now()).row.reply_until is None


def test_words_that_come_late_do_not_shorten_the_window(desk: DemoDesk, clock: Clock) -> None:
    assert noted(desk, clock() + 24 * HOUR) == clock() + 24 * HOUR
    assert noted(desk, clock() + 3 * HOUR) == clock() + 24 * HOUR
    assert noted(desk, clock() + 25 * HOUR) == clock() + 25 * HOUR
    assert window_of(desk.ledger.reader(), 2) is None


def test_the_provider_may_shut_it_and_new_words_open_it_again(desk: DemoDesk, clock: Clock) -> None:
    noted(desk, clock() + 24 * HOUR)
    assert noted(desk, clock(), shut=True) == clock()
    assert noted(desk, clock() + HOUR) == clock() + HOUR


def test_the_board_shows_the_window_until_nobody_can_be_answered(desk: DemoDesk, clock: Clock) -> None:
    case_id, other = desk.case(), desk.case()
    noted(desk, clock() + HOUR)
    seen = Desk(desk.ledger.seal)
    waiting = {row.id: row.reply_until for row in seen.board(desk.ledger.reader(), clock())}
    assert waiting == {case_id: clock() + HOUR, other: None}
    desk.ledger.write_now(lambda conn: desk.queue.abandon(conn, 1, clock()))
    assert seen.case(desk.ledger.reader(), case_id, clock()).row.reply_until is None


# --- accounts --------------------------------------------------------------------------------------------------------


def linked(desk: DemoDesk, email: str, handle: str | None) -> None:
    desk.ledger.write_now(lambda conn: link(conn, desk.ledger.seal, email, "telegram", handle, desk.now()))


def whose(desk: DemoDesk, handle: str, channel: str = "telegram") -> AdviserId | None:
    return adviser_of(desk.ledger.reader(), desk.ledger.seal, channel, handle)


def test_an_account_leads_to_its_adviser_on_its_own_channel_only(desk: DemoDesk, amira: AdviserId) -> None:
    linked(desk, " AMIRA@example.org ", "4711")
    assert whose(desk, "4711") == amira
    assert whose(desk, "4712") is None
    assert whose(desk, "4711", "signal") is None


def test_a_new_account_takes_the_place_of_the_old_one(desk: DemoDesk, amira: AdviserId) -> None:
    for handle in ("4711", "4711", "4712"):
        linked(desk, "amira@example.org", handle)
    assert (whose(desk, "4711"), whose(desk, "4712")) == (None, amira)


def test_linking_nothing_takes_the_account_away(desk: DemoDesk, amira: AdviserId) -> None:
    linked(desk, "amira@example.org", "4711")
    linked(desk, "amira@example.org", None)
    assert whose(desk, "4711") is None
    linked(desk, "amira@example.org", None)


def test_an_account_of_another_adviser_is_not_taken_from_them(desk: DemoDesk, amira: AdviserId) -> None:
    ben = desk.adviser("Ben Okafor")
    linked(desk, "amira@example.org", "4711")
    with pytest.raises(HandleTaken):
        linked(desk, "ben@example.org", "4711")
    assert whose(desk, "4711") == amira
    desk.ledger.write_now(lambda conn: advisers.disable(conn, amira, desk.now()))
    linked(desk, "ben@example.org", "4711")  # the control: one who left keeps nobody from it
    assert whose(desk, "4711") == ben


def test_nobody_is_linked_whom_nobody_knows(desk: DemoDesk) -> None:
    with pytest.raises(advisers.NoSuchAdviser, match="e-mail"):
        linked(desk, "nobody@example.org", "4711")
    assert desk.ledger.reader().execute("SELECT count(*) FROM adviser_handle").fetchone()[0] == 0


def test_the_database_does_not_tell_the_account(desk: DemoDesk, amira: AdviserId, tmp_path: Path) -> None:
    linked(desk, "amira@example.org", "4711471147")
    desk.ledger.reader().execute("PRAGMA wal_checkpoint(FULL)")
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("desk.db*"))
    assert b"amira@example.org" in raw  # the control: this search finds what is there
    assert b"4711471147" not in raw
    kinds = [row[0] for row in desk.ledger.reader().execute("SELECT kind FROM event ORDER BY seq DESC LIMIT 1")]
    assert kinds == ["adviser.linked"]


# --- the command -----------------------------------------------------------------------------------------------------


def typed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str]:
    """The exit code of `firstline adviser link …` and what it printed, complaints included."""
    capsys.readouterr()
    code: object = 0
    try:
        main(["adviser", "link", *arguments])
    except SystemExit as left:
        code = left.code
    out, err = capsys.readouterr()
    return code, out + err


def test_the_command_links_and_takes_away_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIRSTLINE_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    settings = Settings(data_dir=tmp_path)

    def holder() -> AdviserId | None:
        with closing(open_ledger(settings)) as ledger:
            return adviser_of(ledger.reader(), ledger.seal, "telegram", "4711")

    with closing(open_ledger(settings)) as ledger:
        sam = ledger.write_now(
            lambda conn: advisers.add(conn, "Sam Jones", "sam@example.org", HASH, Role.ADVISER, MONDAY)
        )
    assert typed(capsys, "sam@example.org", "--telegram", "4711") == (0, "Sam Jones can accept cases in Telegram.\n")
    assert holder() == sam
    assert typed(capsys, "sam@example.org", "--remove") == (0, "Sam Jones cannot accept cases in Telegram any more.\n")
    assert holder() is None
    unknown = typed(capsys, "nobody@example.org", "--telegram", "4711")
    assert unknown[0] == 1
    assert unknown[1].startswith("firstline: There is no adviser with that e-mail address.")
    for wrong in ([], ["--telegram", "4711", "--remove"], ["--telegram", "0"], ["--telegram", "@sam"]):
        assert typed(capsys, "sam@example.org", *wrong)[0] == 2
