"""Commands that serve: the service, a demonstration, a chat in the terminal, the custom actions."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.frame import Folder, app, settings_of
from bot.config import read_settings


@app.command()
def serve() -> None:
    """Serves the chat, the desk and the API until stopped. Settings: FIRSTLINE_* (see docs/running.md)."""
    from bot.serving import serve_until_stopped

    asyncio.run(serve_until_stopped(read_settings()))


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="The port on this computer.")] = 8080,
    history: Annotated[bool, typer.Option("--history", help="Two years of invented facts, for reports.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="With --history: only write them into this new folder; serve nothing.")
    ] = None,
) -> None:
    """Serves a demonstration: temporary data, a demo adviser, this computer only. Nothing is kept."""
    if data and not history:
        raise typer.BadParameter("--data goes with --history")
    if data:
        from bot.demo_kept import keep_history

        typer.echo(keep_history(data))
    else:
        from bot.demo import demonstrate

        asyncio.run(demonstrate(port, history=history))


@app.command()
def chat(
    flow: Annotated[str | None, typer.Option(help="Begin with this flow's concern.")] = None,
    folder: Folder = None,
) -> None:
    """Talks to the bot in this terminal. Nothing is kept."""
    from bot.talking import talk

    asyncio.run(talk(settings_of(folder), flow))


@app.command()
def actions(port: Annotated[int, typer.Option(help="Loopback only.")] = 5055) -> None:
    """Serves the custom actions with rasa-sdk's own server, on this computer only."""
    from bot.actions.serving import serve_actions

    serve_actions(port)
