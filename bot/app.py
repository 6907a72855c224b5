"""The one place where parts are joined, and the only reader of the clock."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot.actions.runner import ActionRunner
from bot.bell import Bell
from bot.channels.contract import PULLED, Pushing
from bot.config import Settings
from bot.courier import Courier
from bot.domain import ActionDone, ActionWanted, ChannelName, Conversation
from bot.house import Rooms
from bot.library.versions import read_files
from bot.migrations import migrations as bot_migrations
from bot.relay import Relay
from bot.shelf import Kept, Shelf
from bot.speech import Speech
from bot.triage.concern import ranker_of
from bot.turns import Turns
from bot.upkeep import Upkeep
from handoff.hours import OpeningHours
from handoff.ledger import Ledger
from handoff.migrations import migrations as handoff_migrations
from handoff.queue import Queue
from handoff.seal import Seal, key_from_text, key_in

if TYPE_CHECKING:
    from bot.channels.rest import CallbackChannel

log = structlog.get_logger()

FIRST_NOTE = "as installed"
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
    hours: OpeningHours
    queue: Queue
    turns: Turns
    bell: Bell
    relay: Relay
    courier: Courier
    rooms: Rooms
    upkeep: Upkeep
    actions: ActionRunner
    callback: "CallbackChannel | None"

    def warm(self) -> None:
        """Builds what the first enquirer would otherwise wait for: triage's index, and rasa-sdk."""
        ranker_of(self.shelf.live().library)
        self.actions.warm()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The courier, relay, bell and upkeep work while the block runs; then everything is closed in order."""
        settle_memory()
        self.ledger.on_commit(self.relay.wake)
        self.ledger.on_commit(self.courier.wake)
        parts = (self.bell.run, self.relay.run, self.courier.run, self.upkeep.run)
        tasks = [asyncio.create_task(kept_up(part)) for part in parts]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self.callback:
                await self.callback.close()
            self.ledger.close()


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
        except Exception as error:
            log.error("part.failed", part=getattr(part, "__qualname__", ""), error=type(error).__name__)
            await asyncio.sleep(1)


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
    hours = settings.opening
    queue = Queue(ledger.seal, hours)
    actions = ActionRunner(hours)
    turns = Turns(ledger, shelf, queue, partial(_run_action, actions), PULLED)
    bell = Bell(ledger)
    rooms = Rooms(ledger, shelf, turns, queue, bell, now)
    callback = _callback(settings, rooms, now)
    pushing: dict[ChannelName, Pushing] = {callback.name: callback} if callback else {}
    courier = Courier(ledger, pushing, Speech(shelf, queue), queue, now)
    relay = Relay(ledger, turns)
    upkeep = Upkeep(ledger, shelf, queue, now, settings.idle_hours_until_words_go)
    return Firstline(
        settings, now, ledger, shelf, hours, queue, turns, bell, relay, courier, rooms, upkeep, actions, callback
    )


def _callback(settings: Settings, rooms: Rooms, now: Now) -> "CallbackChannel | None":
    """Its web library is loaded only where it is used: `firstline chat` and the first answer need none."""
    if not settings.callback_url:
        return None
    from bot.channels.rest import CallbackChannel

    return CallbackChannel(settings.callback_url, rooms, now)


async def _run_action(
    actions: ActionRunner, wanted: ActionWanted, kept: Kept, conversation: Conversation, now: datetime
) -> ActionDone:
    return await actions.run(wanted, kept.library, kept.strings(conversation.language), conversation, now)
