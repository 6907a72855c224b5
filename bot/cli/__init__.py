"""The `firstline` command. Exit codes: 0 done, 1 something is wrong with what was given, 2 wrong usage."""
# ruff: noqa: I001 - importing registers, and the order of these lines is the order of the commands

import sys
from collections.abc import Sequence
from typing import NoReturn

from bot.cli.frame import app
from bot.cli import serving as serving
from bot.cli import library as library
from bot.cli import advisers as advisers
from bot.cli import data as data
from bot.errors import FirstlineError
from handoff.errors import HandoffError

__all__ = ["app", "main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command (None: as it was typed); a known failure is one plain line on stderr and exit code 1."""
    try:
        app(args=arguments)
    except (FirstlineError, HandoffError) as error:
        _fail(str(error))
    except OSError as error:  # a folder or file that cannot be read or written
        _fail(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))


def _fail(message: str) -> NoReturn:
    print(f"firstline: {message}", file=sys.stderr)
    raise SystemExit(1) from None
