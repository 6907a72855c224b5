"""Starts Firstline, takes one turn, ends: what `start_ms` measures from outside."""

import asyncio

from bot.app import assemble, clock
from bot.channels.contract import WEB
from bot.config import read_settings
from bot.domain import Address, Opened, Turn


async def answer() -> None:
    firstline = assemble(read_settings())
    handled = await firstline.turns.handle(Turn(WEB, Address("first"), str(clock().timestamp()), Opened(clock())))
    assert handled.replies
    firstline.ledger.close()


if __name__ == "__main__":
    asyncio.run(answer())
