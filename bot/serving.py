"""Runs the server until it is told to stop; then nothing is left half done."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bot.app import Firstline, assemble
from bot.config import Settings
from bot.logs import quiet_logs
from bot.server import application

log = structlog.get_logger()

GOODBYE_S = 5.0
"""How long open event streams are given to close."""


async def serve_until_stopped(
    settings: Settings, ready: Callable[[Firstline, int], Awaitable[None]] | None = None
) -> None:
    """`ready` is called with the port once requests are answered. SIGINT and SIGTERM stop it."""
    quiet_logs()
    firstline = assemble(settings)
    async with firstline.running():
        runner = web.AppRunner(application(firstline), access_log=None, shutdown_timeout=GOODBYE_S)
        await runner.setup()
        site = web.TCPSite(runner, settings.host, settings.port)
        await site.start()
        port = runner.addresses[0][1]
        log.info("serving", host=settings.host, port=port)
        if ready:
            await ready(firstline, port)
        await _stopped()
        await runner.cleanup()


async def _stopped() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
