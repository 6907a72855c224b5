"""How the service is set up, for the desk's privacy statement: what is switched on, and how long words stay."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from bot import receipts, store
from bot.channels.contract import CALLBACK, REST, TELEGRAM, WEB, WHATSAPP
from bot.config import Settings
from bot.domain import IDLE_DAYS_UNTIL_END
from bot.shelf import Shelf
from handoff.doors import HouseFacts, Provider

MAIL = "mail"
"""No channel: advisers are told by e-mail that something waits."""


class HouseDoor:
    """Implements handoff.doors.House."""

    def __init__(self, settings: Settings, shelf: Shelf, stuck: Callable[[], Mapping[str, int]]) -> None:
        self._settings = settings
        self._shelf = shelf
        self._stuck = stuck

    def stuck(self) -> Mapping[str, int]:
        return self._stuck()

    def facts(self) -> HouseFacts:
        settings, providers = self._settings, self._providers()
        service = self._shelf.live().library.service
        return HouseFacts(
            service=service.get("name", ""),
            contact=service.get("email", ""),
            channels=(WEB, REST, *(each.channel for each in providers if each.channel != MAIL)),
            providers=providers,
            advisers_group=bool(settings.telegram_token and settings.telegram_advisers is not None),
            words_idle=timedelta(hours=settings.idle_hours_until_words_go),
            conversation_idle=timedelta(days=IDLE_DAYS_UNTIL_END),
            repeats=max(store.REPEATED_FOR, receipts.KEPT),
            is_https=settings.public_url.startswith("https://"),
        )

    def _providers(self) -> tuple[Provider, ...]:
        """Who else sees what is written, each only where it is set up."""
        settings = self._settings
        found = (
            (TELEGRAM, settings.telegram_token, settings.telegram_api),
            (WHATSAPP, settings.whatsapp_token, settings.whatsapp_api),
            (CALLBACK, settings.callback_url, settings.callback_url),
            (MAIL, settings.alert_emails, f"//{settings.smtp_host}"),
        )
        return tuple(Provider(channel, urlsplit(address).hostname or "") for channel, is_on, address in found if is_on)
