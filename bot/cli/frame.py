"""What every command is hung on, and what several of them share."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bot.config import Settings, read_settings

app = typer.Typer(
    name="firstline",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="First-line online-safety support for people who work with children.",
)
adviser_app = typer.Typer(no_args_is_help=True, help="The people who work the queue.")
export_app = typer.Typer(no_args_is_help=True, help="Hand flows, or facts, to other software.")
app.add_typer(adviser_app, name="adviser")
app.add_typer(export_app, name="export")

Json = Annotated[bool, typer.Option("--json", help="Print data instead of words.")]
Folder = Annotated[
    Path | None, typer.Option("--library", exists=True, file_okay=False, help="The folder with flows/ and content/.")
]


def settings_of(folder: Path | None) -> Settings:
    """With another library's folder, where one is given. Raises: SettingsError."""
    return read_settings(library_dir=folder) if folder else read_settings()


def show(as_json: bool, data: object, words: str) -> None:
    """Prints the one or the other."""
    typer.echo(json.dumps(data) if as_json else words)
