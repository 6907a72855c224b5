"""A file appears whole or not at all: written beside its place, put on disk, then given its name."""

import os
import secrets
from pathlib import Path


def save(target: Path, body: bytes) -> None:
    """What was there before is replaced in one step, and stays as it was when anything fails. Raises: OSError."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    _keep(target.parent)


def _keep(folder: Path) -> None:
    """The new name is on disk too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
