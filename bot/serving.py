"""Runs the server until it is told to stop; then nothing is left half done."""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Awaitable, Callable, Iterator

import structlog
from aiohttp import web

from bot.app import Firstline, assemble
from bot.config import Settings
from bot.errors import FirstlineError
from bot.logs import quiet_logs
from bot.server import application

log = structlog.get_logger()

GOODBYE_S = 2.0
"""How long requests under way are given to end. Open event streams never do: aiohttp waits for them twice so long."""


class CannotListen(FirstlineError):
    """The address or port cannot be used."""


async def serve_until_stopped(
    settings: Settings, ready: Callable[[Firstline, int], Awaitable[None]] | None = None
) -> None:
    """`ready` is called with the port once requests are answered. SIGINT and SIGTERM stop it.

    Raises: CannotListen; AnotherPoller; what `assemble` raises.
    """
    quiet_logs()
    stop = _stop_asked()
    with _alone(settings):
        await _serve(assemble(settings), settings, stop, ready)


async def _serve(
    firstline: Firstline,
    settings: Settings,
    stop: asyncio.Event,
    ready: Callable[[Firstline, int], Awaitable[None]] | None,
) -> None:
    async with firstline.running():
        runner = web.AppRunner(application(firstline), access_log=None, shutdown_timeout=GOODBYE_S)
        await runner.setup()
        try:
            port = await _listen(runner, settings)
            log.info("serving", host=settings.host, port=port)
            await asyncio.to_thread(firstline.warm)
            if ready:
                await ready(firstline, port)
            await _until(stop, firstline.listen)
        finally:
            await runner.cleanup()


async def _until(stop: asyncio.Event, listen: Callable[[], Awaitable[None]]) -> None:
    """Listens until asked to stop; `listen` may have nothing to do and end before.

    Raises: what `listen` raises.
    """
    listening, stopping = asyncio.ensure_future(listen()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({listening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            await listening
            await stopping
    finally:
        for task in (listening, stopping):
            task.cancel()
        await asyncio.gather(listening, stopping, return_exceptions=True)


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One server for one database: two couriers would each deliver, and each settle what the other has in hand.

    Raises: CannotListen.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = os.open(settings.data_dir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotListen(f"Another Firstline serves {settings.data_dir}. Stop it first.") from None
    else:
        yield
    finally:
        os.close(folder)


async def _listen(runner: web.AppRunner, settings: Settings) -> int:
    """The port, also where the system chose it. Raises: CannotListen."""
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        why = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else "there is no such address"
        raise CannotListen(
            f"Cannot listen on {settings.host}, port {settings.port}: {why}. "
            "Stop what uses it, or choose another with FIRSTLINE_HOST and FIRSTLINE_PORT (--port for the demo)."
        ) from None
    port: int = runner.addresses[0][1]
    return port


def _stop_asked() -> asyncio.Event:
    """Listens from the very beginning, so that whoever stops a service that is still starting also leaves nothing."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
