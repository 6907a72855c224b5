"""The data views as files, every night, where a folder is set."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog

from handoff import exports
from handoff.errors import HandoffError

log = structlog.get_logger()

LOOK_EVERY_S = 600
NIGHT_HOUR = 3
"""From this hour of the service's own day on; a service that did not run then catches up when it starts."""


class NightlyExport:
    """`folder` None: never. When it was last done, the folder itself knows."""

    def __init__(
        self,
        database: Path,
        folder: Path | None,
        local: Callable[[datetime], datetime],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._folder = folder
        self._local = local
        self._now = now

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.run_when_due()
            await asyncio.sleep(LOOK_EVERY_S)

    async def run_when_due(self) -> None:
        """Once a day, on a thread. What fails is logged, and tried again at the next look."""
        if self._folder is None or not self._is_due(self._folder):
            return
        try:
            await asyncio.to_thread(exports.write, self._database, self._folder, self._now())
        except (HandoffError, OSError, sqlite3.Error) as error:
            log.error("export.failed", error=type(error).__name__)

    def _is_due(self, folder: Path) -> bool:
        here, last = self._local(self._now()), exports.last_export(folder)
        return here.hour >= NIGHT_HOUR and (last is None or self._local(last).date() < here.date())
