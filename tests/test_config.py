"""Settings: read from FIRSTLINE_*, checked before anything starts, and secrets that do not show."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.config import Settings, read_settings, shipped_library
from bot.errors import SettingsError

ROOT = Path(__file__).parent.parent
SECRETS = ("key", "telegram_token", "whatsapp_token", "whatsapp_app_secret", "whatsapp_verify_token")

WHATSAPP = tuple(f"FIRSTLINE_WHATSAPP_{name}" for name in ("TOKEN", "PHONE_ID", "APP_SECRET", "VERIFY_TOKEN"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_anything_set_the_service_is_for_this_computer_and_closed() -> None:
    settings = read_settings()
    assert (settings.host, settings.port, settings.data_dir) == ("127.0.0.1", 8080, Path("data"))
    assert not settings.opening.is_open(datetime(2026, 7, 6, 12, tzinfo=UTC))
    assert settings.library_folder == shipped_library() == ROOT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FIRSTLINE_PORT", "http"),
        ("FIRSTLINE_PORT", "70000"),
        ("FIRSTLINE_OPENING_HOURS", "always"),
        ("FIRSTLINE_OPENING_HOURS", "mon-fri 16:00-10:00"),
        ("FIRSTLINE_HOLIDAYS_NATION", "france"),
        ("FIRSTLINE_TELEGRAM_MODE", "guess"),
        ("FIRSTLINE_IDLE_HOURS_UNTIL_WORDS_GO", "0"),
        ("FIRSTLINE_TIMEZONE", "Mars/Base"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        read_settings()


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_PORT", "http")
    monkeypatch.setenv("FIRSTLINE_OPENING_HOURS", "always")
    with pytest.raises(SettingsError, match=r"FIRSTLINE_PORT.*FIRSTLINE_OPENING_HOURS"):
        read_settings()


def test_settings_may_be_in_a_file_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("FIRSTLINE_PORT=9001\nFIRSTLINE_HOST=127.0.0.9\nOTHER=1\n")
    monkeypatch.setenv("FIRSTLINE_PORT", "9002")
    settings = read_settings()
    assert (settings.host, settings.port) == ("127.0.0.9", 9002)


@pytest.mark.parametrize("missing", WHATSAPP[1:])
def test_whatsapp_is_set_up_whole_or_not_at_all(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in WHATSAPP:
        monkeypatch.setenv(setting, "12345")
    read_settings()
    monkeypatch.delenv(missing)
    with pytest.raises(SettingsError, match=missing):
        read_settings()
    monkeypatch.delenv(WHATSAPP[0])
    read_settings()


def test_telegram_by_webhook_needs_an_address_to_post_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_TELEGRAM_TOKEN", "1:a")
    read_settings()
    monkeypatch.setenv("FIRSTLINE_TELEGRAM_MODE", "webhook")
    with pytest.raises(SettingsError, match="FIRSTLINE_PUBLIC_URL"):
        read_settings()
    monkeypatch.setenv("FIRSTLINE_PUBLIC_URL", "https://help.example.org")
    read_settings()


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_does_not_show(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in WHATSAPP:  # which is set up whole or not at all
        monkeypatch.setenv(setting, "12345")
    monkeypatch.setenv(f"FIRSTLINE_{name.upper()}", "open-sesame")
    settings = read_settings()
    assert getattr(settings, name).get_secret_value() == "open-sesame"
    for shown in (repr(settings), str(settings), repr(settings.model_dump()), settings.model_dump_json()):
        assert "sesame" not in shown


def test_every_setting_that_sounds_secret_is_tried_above() -> None:
    sounding = {name for name in Settings.model_fields if name.endswith(("key", "token", "secret"))}
    assert sounding == set(SECRETS)


def test_a_secret_of_the_wrong_kind_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(key=["open-sesame"])
    assert "FIRSTLINE_KEY" in str(refused.value)
    assert "sesame" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_every_setting_is_in_the_docs() -> None:
    page = (ROOT / "docs" / "running.md").read_text()
    assert [name for name in Settings.model_fields if f"`FIRSTLINE_{name.upper()}`" not in page] == []
