"""`firstline serve` in a process of its own whose clock the test moves, and which looks around more often."""

import mmap
import struct
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

CLOCK = "clock"
"""The file with the time, in the folder of the service."""
COMMAND = ("-c", "from tests.browser.clocked import main; main()")
OF_GLASS = ("-c", "from tests.browser.clocked import main_of_glass; main_of_glass()")
"""A service whose files hide nothing, and which leaves nothing in them as soon as it may."""
OFTEN_S = 0.2


class SharedClock:
    """The time, as the test says, for every process that opens the same file: eight bytes, seconds since 1970."""

    def __init__(self, file: Path, begins: datetime | None = None) -> None:
        if begins is not None:
            file.write_bytes(struct.pack("d", begins.timestamp()))
        with file.open("r+b") as opened:
            self._seconds = mmap.mmap(opened.fileno(), 8)

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(struct.unpack_from("d", self._seconds)[0], UTC)

    def passes(self, **passed: float) -> None:
        struct.pack_into("d", self._seconds, 0, (self() + timedelta(**passed)).timestamp())

    def close(self) -> None:
        self._seconds.close()


def main() -> None:
    """As `firstline` does, but by the shared clock."""
    from bot import cli, courier, ladder, reminders, serving, upkeep
    from bot.channels.telegram import channel
    from handoff.console import practising

    serving.assemble = partial(serving.assemble, now=SharedClock(Path(CLOCK)))  # type: ignore[assignment]
    courier.LOOK_AGAIN_S = ladder.LOOK_EVERY_S = ladder.SWEEP_EVERY_S = OFTEN_S
    reminders.LOOK_AGAIN_S = upkeep.LAPSE_EVERY_S = practising.LOOK_EVERY_S = OFTEN_S
    channel.SPACING_S = 0.02
    cli.main()


def main_of_glass() -> None:
    """As `main`, with a seal anybody sees through, and looking more often whether to rewrite the file."""
    from bot import app, night
    from tests.glass import Glass

    app.Seal = Glass  # type: ignore[misc]
    night.LOOK_EVERY_S = OFTEN_S  # type: ignore[misc]
    main()
