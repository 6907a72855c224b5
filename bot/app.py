"""The one place where parts are joined, and the only reader of the clock."""

import asyncio
import contextlib
import gc
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import SecretStr

from bot.actions.runner import ActionRunner
from bot.alerts import Alerts
from bot.bell import Bell
from bot.channels.contract import PULLED, WINDOWS, Pushing
from bot.config import Settings
from bot.courier import Courier
from bot.domain import ActionDone, ActionWanted, ChannelName, Conversation
from bot.errors import AnotherPoller, NoDatabase
from bot.exporting import NightlyExport
from bot.farewell import Farewell
from bot.forgetting import Forgetting, keep_of
from bot.house import Rooms
from bot.ladder import Group, Ladder, Letters, Teller
from bot.library.versions import read_files
from bot.mail import Post
from bot.migrations import migrations as bot_migrations
from bot.night import Night
from bot.receipts import Receipts
from bot.relay import Relay
from bot.reminders import Reminders
from bot.reply_window import ReplyWindow
from bot.shelf import Kept, Shelf
from bot.speech import Speech
from bot.triage.concern import ranker_of
from bot.turns import Turns
from bot.upkeep import Upkeep
from handoff.domain import Rules
from handoff.errors import LedgerError
from handoff.ledger import Ledger
from handoff.migrations import migrations as handoff_migrations
from handoff.notifications import Rung
from handoff.queue import Queue
from handoff.seal import Seal, key_from_text, key_in
from handoff.timetable import Timetable
from handoff.typing import Typing
from handoff.waits import Waits

if TYPE_CHECKING:
    from bot.channels.rest import CallbackChannel
    from bot.channels.telegram.channel import TelegramChannel
    from bot.channels.whatsapp.channel import WhatsAppChannel

log = structlog.get_logger()

FIRST_NOTE = "as installed"
HOUSE_DOWN = (LedgerError, sqlite3.OperationalError, OSError)
"""Nothing can be kept at the moment: what came in is asked for again for as long as it takes."""
Now = Callable[[], datetime]


def clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Firstline:
    """Everything joined, not yet running."""

    settings: Settings
    now: Now
    ledger: Ledger
    shelf: Shelf
    hours: Timetable
    queue: Queue
    turns: Turns
    bell: Bell
    relay: Relay
    reminders: Reminders
    courier: Courier
    rooms: Rooms
    upkeep: Upkeep
    exporting: NightlyExport
    actions: ActionRunner
    channels: "Channels"
    alerts: Alerts | None
    ladder: Ladder
    typing: Typing
    forgetting: Forgetting
    night: Night
    farewell: Farewell

    def warm(self) -> None:
        """Builds what the first enquirer would otherwise wait for: triage's index, and rasa-sdk."""
        ranker_of(self.shelf.live().library)
        self.actions.warm()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The courier, relay, bell and upkeep work while the block runs; then everything is closed in order."""
        settle_memory()
        self.ledger.on_commit(self.relay.wake)
        self.ledger.on_commit(self.reminders.wake)
        self.ledger.on_commit(self.courier.wake)
        tasks = [asyncio.create_task(kept_up(part)) for part in self._parts()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for channel in self.channels.pushing.values():
                await channel.close()
            self.ledger.close()

    def _parts(self) -> list[Callable[[], Awaitable[None]]]:
        parts: list[Callable[[], Awaitable[None]]] = [
            self.bell.run,
            self.relay.run,
            self.reminders.run,
            self.courier.run,
            self.upkeep.run,
            self.night.run,
            self.farewell.run,
            self.exporting.run,
            self.ladder.run,
        ]
        if self.alerts:
            self.ledger.on_commit(self.alerts.wake)
            parts.append(self.alerts.run)
        return parts

    async def listen(self) -> None:
        """What channels do beside answering requests: Telegram sets itself up and fetches. Ends at once where there is
        nothing of the kind.

        Raises: AnotherPoller.
        """
        if self.channels.telegram:
            await kept_up(self.channels.telegram.run)


def settle_memory() -> None:
    """What was loaded stays: the collector need not look through the library again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def kept_up(part: Callable[[], Awaitable[None]]) -> None:
    """A part that fails is logged by kind and begun again: nothing may stop the courier for good."""
    while True:
        try:
            await part()
            return
        except AnotherPoller:
            raise
        except Exception as error:
            log.error("part.failed", part=getattr(part, "__qualname__", ""), error=type(error).__name__)
            await asyncio.sleep(1)


def refuse_no_database(settings: Settings) -> None:
    """For what reads a database that must be there: a folder that was mistyped is not made. Raises: NoDatabase."""
    if not settings.database.exists():
        raise NoDatabase(f"There is no database at {settings.database}. Is FIRSTLINE_DATA_DIR right?")


def open_ledger(settings: Settings) -> Ledger:
    """Opens the database and its key; makes both on the very first start.

    Raises: KeyMissing, DatabaseFromTheFuture, LedgerError. Nothing is overwritten.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if settings.key:
        key = key_from_text(settings.key.get_secret_value())
    else:
        key = key_in(settings.key_file, may_make=not settings.database.exists())
    seal = Seal(key)
    if not settings.database.exists():
        settings.database.touch(mode=0o600)  # the files SQLite makes beside it take the same mode
    return Ledger(settings.database, seal, [handoff_migrations, bot_migrations])


def assemble(settings: Settings, now: Now = clock) -> Firstline:
    """Raises: LedgerError and kin; LibraryInvalid when nothing was published yet and the folder has errors."""
    ledger = open_ledger(settings)
    shelf = Shelf(ledger)
    if not shelf.versions():
        shelf.publish(read_files(settings.library_folder), FIRST_NOTE, now())
    hours = Timetable(ledger, settings.opening)
    keep = keep_of(settings)
    queue = Queue(ledger.seal, hours, Rules(keep=keep.cases))
    actions = ActionRunner(hours)
    window = ReplyWindow(WINDOWS)
    turns = Turns(ledger, shelf, queue, partial(_run_action, actions), PULLED, window, Waits(hours), hours)
    bell = Bell(ledger)
    typing = Typing()
    rooms = Rooms(ledger, shelf, turns, queue, bell, Receipts(ledger.seal, queue, window), now, typing)
    channels = _channels(settings, rooms, now, ledger.seal)
    courier = Courier(ledger, channels.pushing, Speech(shelf, queue), queue, window, now)
    relay = Relay(ledger, turns)
    reminders = Reminders(ledger, turns, queue, hours, now)
    upkeep = Upkeep(ledger, shelf, queue, hours, now, settings.idle_hours_until_words_go)
    forgetting = Forgetting(ledger.seal, queue, timedelta(hours=settings.idle_hours_until_words_go), hours.local)
    night = Night(ledger, forgetting, keep, settings.forget_at_hour, hours.local, now)
    alerts = _alerts(settings, ledger, queue, now, channels)
    return Firstline(
        settings,
        now,
        ledger,
        shelf,
        hours,
        queue,
        turns,
        bell,
        relay,
        reminders,
        courier,
        rooms,
        upkeep,
        NightlyExport(settings.database, settings.export_dir, hours.local, now),
        actions,
        channels,
        alerts,
        _ladder(settings, ledger, now, channels),
        typing,
        forgetting,
        night,
        Farewell(ledger, forgetting, hours.local, now),
    )


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels that push, each only where it is set up."""

    callback: "CallbackChannel | None" = None
    telegram: "TelegramChannel | None" = None
    whatsapp: "WhatsAppChannel | None" = None

    @property
    def pushing(self) -> dict[ChannelName, Pushing[Any]]:
        found: list[Pushing[Any] | None] = [self.callback, self.telegram, self.whatsapp]
        return {channel.name: channel for channel in found if channel}


def _channels(settings: Settings, rooms: Rooms, now: Now, seal: Seal) -> Channels:
    """Their libraries are loaded only where they are used: `firstline chat` and the first answer need none."""
    callback = telegram = whatsapp = None
    if settings.callback_url:
        from bot.channels.rest import CallbackChannel

        callback = CallbackChannel(settings.callback_url, rooms, now)
    if settings.telegram_token:
        from bot.channels.telegram.channel import TelegramChannel

        telegram = TelegramChannel(
            settings.telegram_token.get_secret_value(),
            settings.telegram_api,
            settings.telegram_mode,
            settings.public_url,
            seal.mark("telegram webhook").hex(),
            rooms,
            now,
            settings.telegram_advisers,
            house_down=HOUSE_DOWN,
        )
    if settings.whatsapp_token:
        from bot.channels.whatsapp.channel import WhatsAppChannel

        whatsapp = WhatsAppChannel(
            settings.whatsapp_token.get_secret_value(),
            settings.whatsapp_phone_id,
            _secret(settings.whatsapp_app_secret),
            _secret(settings.whatsapp_verify_token),
            settings.whatsapp_api,
            settings.whatsapp_api_version,
            settings.whatsapp_template,
            settings.whatsapp_template_language,
            rooms,
            now,
            house_down=HOUSE_DOWN,
        )
    return Channels(callback, telegram, whatsapp)


def _secret(setting: SecretStr | None) -> str:
    return setting.get_secret_value() if setting else ""


def _alerts(settings: Settings, ledger: Ledger, queue: Queue, now: Now, channels: Channels) -> Alerts | None:
    """Advisers are told in a Telegram group that a case waits, where one is set."""
    if channels.telegram is None or settings.telegram_advisers is None:
        return None
    alerts = Alerts(ledger, queue, now, channels.telegram, public_url=settings.public_url)
    channels.telegram.accept = alerts.accept
    return alerts


def _ladder(settings: Settings, ledger: Ledger, now: Now, channels: Channels) -> Ladder:
    """What nobody acknowledges goes on to the advisers' group and to e-mail, where those are set."""
    tellers: dict[Rung, Teller] = {}
    if channels.telegram is not None and settings.telegram_advisers is not None:
        tellers[Rung.TELEGRAM] = Group(channels.telegram)
    if settings.alert_addresses:
        post = Post(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_from,
            settings.alert_addresses,
            settings.smtp_user,
            _secret(settings.smtp_password),
            settings.smtp_starttls,
        )
        tellers[Rung.EMAIL] = Letters(post)
    return Ladder(ledger, now, tellers, settings.public_url)


async def _run_action(
    actions: ActionRunner, wanted: ActionWanted, kept: Kept, conversation: Conversation, now: datetime
) -> ActionDone:
    return await actions.run(wanted, kept.library, kept.strings(conversation.language), conversation, now)
