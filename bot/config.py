"""Settings: FIRSTLINE_* from the environment or .env, validated before anything starts."""

import re
from pathlib import Path
from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingsError
from handoff.hours import OpeningHours, week_from


class Settings(BaseSettings):
    """Every setting, with its default. Secrets do not show in a repr."""

    model_config = SettingsConfigDict(env_prefix="FIRSTLINE_", env_file=".env", extra="ignore")

    data_dir: Path = Path("data")
    """Holds the database firstline.db and, unless KEY is set, the key file firstline.key."""
    library_dir: Path | None = None
    """Holds flows/ and content/; None: the ones this installation came with."""
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    public_url: str = ""
    proxies: int = Field(0, ge=0, le=5)
    """How many reverse proxies stand in front: so many hops of X-Forwarded-For are believed. 0: none."""
    key: SecretStr | None = None
    """32 bytes in base64; None: read from, or made in, DATA_DIR/firstline.key."""
    telegram_token: SecretStr | None = None
    telegram_api: str = "https://api.telegram.org"
    telegram_mode: Literal["polling", "webhook"] = "polling"
    """polling: we fetch updates. webhook: Telegram posts them to PUBLIC_URL."""
    telegram_advisers: int | None = None
    """Chat id of the group where advisers are told that a case waits; None: nobody is told there."""
    whatsapp_token: SecretStr | None = None
    whatsapp_phone_id: str = ""
    whatsapp_app_secret: SecretStr | None = None
    whatsapp_verify_token: SecretStr | None = None
    whatsapp_api: str = "https://graph.facebook.com"
    whatsapp_api_version: str = Field("v26.0", pattern=r"^v\d{1,3}\.\d{1,2}$")
    whatsapp_template: str = ""
    """Name of the approved template that says an answer waits; empty: answers are held until the enquirer writes."""
    whatsapp_template_language: str = "en_GB"
    alert_emails: str = ""
    """Who gets an e-mail when nobody acknowledges at the desk, with commas between; empty: nobody."""
    smtp_host: str = ""
    smtp_port: int = Field(587, ge=1, le=65535)
    """465: TLS from the first byte; any other: STARTTLS unless that is switched off."""
    smtp_user: str = ""
    smtp_password: SecretStr | None = None
    smtp_from: str = ""
    smtp_starttls: bool = True
    callback_url: str = ""
    """Where the callback channel posts replies; empty: the channel is off."""
    embed_origins: str = ""
    """Origins (comma-separated) whose pages may carry the chat widget; empty: any."""
    opening_hours: str = ""
    """When advisers are there: "mon-fri 10:00-16:00; sat 10:00-12:00". Empty: never."""
    timezone: str = "Europe/London"
    holidays_nation: Literal["", "england", "wales", "scotland", "northern_ireland"] = "england"
    """Whose bank holidays close the service; empty: none."""
    export_dir: Path | None = None
    """Where the facts go every night, as CSV and as SQLite; None: nowhere."""
    idle_hours_until_words_go: int = Field(24, ge=1)
    """Typed words are forgotten when a conversation has been idle for so long."""
    keep_cases_days: int = Field(30, ge=1, le=3650)
    """An ended case is forgotten after so long, words and codes: what was passed on, a short fixed period."""
    keep_notices_days: int = Field(30, ge=1, le=3650)
    """What advisers were told of goes so long after it was settled."""
    keep_gaps_days: int = Field(365, ge=1, le=3650)
    """What advisers missed in the content goes so long after an editor answered it."""
    keep_care_days: int = Field(365, ge=1, le=3650)
    """How heavy an adviser found a case."""
    keep_marks_days: int = Field(365, ge=1, le=3650)
    """So long somebody with the reference of a forgotten case is told when it was forgotten."""
    forget_at_hour: int = Field(3, ge=0, le=23)
    """From this hour of the service's own clock on, what is due is forgotten."""

    @property
    def opening(self) -> OpeningHours:
        return OpeningHours(self.timezone, week_from(self.opening_hours), self.holidays_nation or None)

    @property
    def alert_addresses(self) -> tuple[str, ...]:
        return tuple(filter(None, (each.strip() for each in self.alert_emails.split(","))))

    @field_validator("alert_emails")
    @classmethod
    def _addresses(cls, text: str) -> str:
        for address in filter(None, (each.strip() for each in text.split(","))):
            if not re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", address):
                raise ValueError(f"{address!r} is not an e-mail address")
        return text

    @field_validator("opening_hours")
    @classmethod
    def _readable(cls, text: str) -> str:
        week_from(text)
        return text

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"there is no time zone {name!r}")
        return name

    @field_validator(
        "library_dir",
        "export_dir",
        "key",
        "telegram_token",
        "telegram_advisers",
        "whatsapp_token",
        "whatsapp_app_secret",
        "whatsapp_verify_token",
        "smtp_password",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("library_dir")
    @classmethod
    def _there(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError(f"there is no folder {folder}")
        return folder

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        """A channel that is half set up would lose what it cannot answer."""
        if self.telegram_token and self.telegram_mode == "webhook" and not self.public_url:
            raise ValueError("FIRSTLINE_PUBLIC_URL is missing: in webhook mode Telegram must know where to post")
        needed = ("phone_id", "app_secret", "verify_token")
        missing = [f"FIRSTLINE_WHATSAPP_{name.upper()}" for name in needed if not getattr(self, f"whatsapp_{name}")]
        if self.whatsapp_token and missing:
            raise ValueError(f"FIRSTLINE_WHATSAPP_TOKEN is set, and {' and '.join(missing)} is missing")
        missing = [f"FIRSTLINE_SMTP_{name}" for name in ("HOST", "FROM") if not getattr(self, f"smtp_{name.lower()}")]
        if self.alert_addresses and missing:
            raise ValueError(f"FIRSTLINE_ALERT_EMAILS is set, and {' and '.join(missing)} is missing")
        return self

    @property
    def database(self) -> Path:
        return self.data_dir / "firstline.db"

    @property
    def key_file(self) -> Path:
        return self.data_dir / "firstline.key"

    @property
    def library_folder(self) -> Path:
        return self.library_dir or shipped_library()


def shipped_library() -> Path:
    """The folder with flows/ and content/ beside the code, or the copy inside an installed wheel."""
    inside = Path(__file__).parent / "_data"
    return inside if inside.is_dir() else Path(__file__).parent.parent


def read_settings(**overrides: object) -> Settings:
    """Raises: SettingsError naming each wrong setting by its environment name."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = [": ".join(filter(None, [_name(each["loc"]), each["msg"]])) for each in error.errors()]
        raise SettingsError("Settings cannot be used. " + "; ".join(wrong)) from None


def _name(place: tuple[int | str, ...]) -> str:
    return f"FIRSTLINE_{'_'.join(map(str, place)).upper()}" if place else ""
