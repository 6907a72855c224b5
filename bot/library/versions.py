"""A library's files as one value: read from a folder, packed to be kept, unpacked to be loaded again."""

import zlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bot.errors import LibraryInvalid

KEPT = ((".yml", "flows"), (".yml", "content"), (".md", "content"), (".json", "content"))
"""Which files, under which folders, are the library."""
MAX_FILE_BYTES = 1_000_000


def read_files(folder: Path) -> dict[str, bytes]:
    """Path relative to `folder` (with /) -> bytes, sorted; conversation tests are not part of a library."""
    found: dict[str, bytes] = {}
    for suffix, top in KEPT:
        for path in (folder / top).rglob(f"*{suffix}"):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not name.startswith("flows/tests/"):
                found[name] = _read(path, name)
    return dict(sorted(found.items()))


def _read(path: Path, name: str) -> bytes:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise LibraryInvalid(f"{name} is larger than {MAX_FILE_BYTES:,} bytes. Split it into smaller files.")
    return path.read_bytes()


def pack(files: Mapping[str, bytes]) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(dict(files)), 9)


def unpack(packed: bytes) -> dict[str, bytes]:
    return msgspec.msgpack.decode(zlib.decompress(packed), type=dict[str, bytes])
