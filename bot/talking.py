"""`firstline chat`: the whole walk in one terminal, with data that is thrown away."""

import sys
import tempfile
from pathlib import Path

from rich.console import Console

from bot.app import assemble
from bot.channels.terminal import TerminalChannel, typed_lines
from bot.config import Settings
from bot.logs import quiet_logs


async def talk(settings: Settings, flow: str | None) -> None:
    quiet_logs()
    with tempfile.TemporaryDirectory(prefix="firstline-chat-") as folder:
        firstline = assemble(settings.model_copy(update={"data_dir": Path(folder), "key": None}))
        async with firstline.running():
            lines = typed_lines("> " if sys.stdin.isatty() else "")
            channel = TerminalChannel(firstline.rooms, firstline.now, Console(width=88, highlight=False))
            await channel.talk(lambda: next(lines, None), flow)
