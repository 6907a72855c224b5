"""The terminal channel: reads lines, shows what comes back; choices are numbered, and a number answers."""

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime

from rich.console import Console
from rich.markdown import Markdown

from bot.channels.contract import TERMINAL, House, Line
from bot.channels.markup import to_text
from bot.domain import Address, Opened, Said, Turn

ReadLine = Callable[[], str | None]
"""The next line typed, or None when there is no more."""


class TerminalChannel:
    def __init__(self, house: House, now: Callable[[], datetime], console: Console) -> None:
        self._house = house
        self._now = now
        self._console = console
        self._address = Address(secrets.token_urlsafe(16))

    async def talk(self, read_line: ReadLine, flow: str | None = None) -> None:
        """Until the conversation ends or there is nothing more to read."""
        await self._say(Opened(self._now(), flow))
        while not self._house.state(TERMINAL, self._address).ended:
            line = read_line()
            if line is None:
                return
            await self._say(Said(line, self._now()))

    async def _say(self, heard: Opened | Said) -> None:
        turn = Turn(TERMINAL, self._address, secrets.token_hex(8), heard)
        for line in (await self._house.answer(turn)).lines:
            self._show(line)

    def _show(self, line: Line) -> None:
        words = line.rendered.text
        pretty = self._console.is_terminal and not line.rendered.plain
        self._console.print(Markdown(words) if pretty else _plain(line), markup=False)
        for number, (_, title) in enumerate(line.rendered.choices, start=1):
            self._console.print(f"  {number}. {title}", markup=False)
        self._console.print()


def _plain(line: Line) -> str:
    return line.rendered.text if line.rendered.plain else to_text(line.rendered.text)


def typed_lines(ask: str = "> ") -> Iterator[str]:
    """Lines typed by a person, or piped in, until the end of input."""
    while True:
        try:
            yield input(ask)
        except EOFError:
            return
