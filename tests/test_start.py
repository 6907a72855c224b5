"""`firstline serve` that cannot start says why in one line, ends with 1, and has changed nothing."""

import base64
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.app import assemble, open_ledger
from bot.cli import main
from bot.config import Settings, read_settings
from bot.serving import CannotListen, _alone
from tests.small_house import Clock
from tests.test_logs import loud_again

ROOT = Path(__file__).parent.parent
NOBODY = 65534

Spoil = Callable[[Settings], None]


@pytest.fixture
def served(settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A service that has run before, and the settings to start it again."""
    assemble(settings, clock).ledger.close()
    monkeypatch.setenv("FIRSTLINE_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("FIRSTLINE_LIBRARY_DIR", str(settings.library_dir))
    monkeypatch.setenv("FIRSTLINE_PORT", "0")
    monkeypatch.chdir(settings.data_dir)
    yield settings
    loud_again()


def on_disk(settings: Settings) -> dict[str, bytes]:
    """What is kept; the log beside an open database may be there, with nothing in it."""
    beside = {settings.database.name + end for end in ("-wal", "-shm")}
    return {each.name: each.read_bytes() for each in settings.data_dir.iterdir() if each.name not in beside}


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """What `firstline serve` said when it did not start."""
    with pytest.raises(SystemExit) as ended:
        main(["serve"])
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert said.err.startswith("firstline: ")
    return said.err


def no_key(settings: Settings) -> None:
    settings.key_file.unlink()


def another_key(settings: Settings) -> None:
    settings.key_file.write_bytes(base64.b64encode(bytes(32)))


def short_key(settings: Settings) -> None:
    settings.key_file.write_bytes(base64.b64encode(bytes(16)))


def spoilt_key(settings: Settings) -> None:
    settings.key_file.write_text("not base64!")


def from_the_future(settings: Settings) -> None:
    with closing(open_ledger(settings)) as ledger:
        ledger.write_now(
            lambda db: db.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('bot', 'm999_later', '')"
            )
        )


def no_database(settings: Settings) -> None:
    settings.database.write_text("Dear diary, this is no database. " * 200)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (no_key, "firstline.key is missing"),
        (another_key, "not the one the database was sealed with"),
        (short_key, "must be 32 bytes"),
        (spoilt_key, "not base64"),
        (from_the_future, "m999_later"),
        (no_database, "cannot be opened as a database"),
    ],
)
def test_what_cannot_be_opened_is_told_and_left_as_it_is(
    spoil: Spoil, said: str, served: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(served)
    before = on_disk(served)
    assert said in refusal(capsys)
    assert on_disk(served) == before


def test_a_wrong_setting_starts_nothing(
    served: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = on_disk(served)
    monkeypatch.setenv("FIRSTLINE_OPENING_HOURS", "always")
    assert "FIRSTLINE_OPENING_HOURS" in refusal(capsys)
    assert on_disk(served) == before


def test_an_address_that_is_none_is_told(
    served: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTLINE_HOST", "192.0.2.1")  # for documentation, RFC 5737: nobody has it
    with pytest.raises(SystemExit):
        main(["serve"])
    told = capsys.readouterr().err
    assert "firstline: Cannot listen on 192.0.2.1, port 0" in told
    assert "Traceback" not in told


def test_a_data_folder_that_is_a_file_is_told(
    served: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTLINE_DATA_DIR", str(served.key_file))
    before = on_disk(served)
    assert "firstline.key" in refusal(capsys)
    assert on_disk(served) == before


# --- a folder that cannot be written to ------------------------------------------------------------------------------


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Also for root, to whom modes mean nothing: then this process is somebody else for a while."""
    modes = {each: each.stat().st_mode for each in (folder, *folder.iterdir())}
    is_root = os.geteuid() == 0
    above = [each for each in folder.parents if is_root and not each.stat().st_mode & 0o001]
    shut = {each: each.stat().st_mode for each in above}
    try:
        for each in above:
            each.chmod(shut[each] | 0o001)
        for each, mode in modes.items():
            each.chmod(0o555 if each == folder else mode & 0o444 | 0o444)
        if is_root:
            os.seteuid(NOBODY)
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for each, mode in (*modes.items(), *shut.items()):
            each.chmod(mode)


def test_a_folder_that_cannot_be_written_to_is_told(served: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    before = on_disk(served)
    with read_only(served.data_dir):
        told = refusal(capsys)
    assert "readonly" in told or "Permission denied" in told or "unable to open" in told
    assert on_disk(served) == before


def test_an_empty_folder_that_cannot_be_written_to_gets_no_key(
    served: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = served.data_dir / "empty"
    empty.mkdir()
    monkeypatch.setenv("FIRSTLINE_DATA_DIR", str(empty))
    with read_only(empty):
        assert "Permission denied" in refusal(capsys)
    assert list(empty.iterdir()) == []


# --- the real thing --------------------------------------------------------------------------------------------------


def test_the_process_itself_ends_with_one_line(served: Settings) -> None:
    no_key(served)
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "serve"],
        cwd=served.data_dir, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert "Restore the key from your backup" in ran.stderr


def test_two_servers_do_not_serve_one_database(tmp_path: Path) -> None:
    settings = read_settings(data_dir=tmp_path)
    with _alone(settings), pytest.raises(CannotListen, match="Another Firstline"), _alone(settings):
        pass
    with _alone(settings):
        assert list(tmp_path.iterdir()) == [], "nothing is left behind"
