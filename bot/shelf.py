"""The published libraries: one is live for new conversations, every other stays for those that began with it."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain import LibraryVersion
from bot.errors import LibraryInvalid, UnknownVersion
from bot.library.load import load_files
from bot.library.loading import Loading
from bot.library.model import Library
from bot.library.practice import PracticeScript, is_practice, read_practice
from bot.library.versions import pack, unpack
from bot.triage.gate import GateKeeper
from bot.triage.words import Words, words_in
from handoff.ledger import Ledger
from handoff.moments import from_ms, to_ms


@dataclass(frozen=True, slots=True)
class Published:
    number: int
    version: LibraryVersion
    published_at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Kept:
    """One library with its word lists, as loaded."""

    library: Library
    keeper: GateKeeper
    words: Words
    interface: Mapping[str, bytes]
    """content/interface/*.json: the front end's own words, by language."""
    practice: tuple[PracticeScript, ...] = ()

    def strings(self, language: str) -> Mapping[str, str]:
        """The front end's words in a language; what is not translated falls back to English."""
        return {**_strings(self.interface.get("en", b"{}")), **_strings(self.interface.get(language, b"{}"))}


class Shelf:
    """Loads each published version once, when it is first needed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: dict[LibraryVersion, Kept] = {}

    def live(self) -> Kept:
        """Raises: UnknownVersion when nothing was published yet."""
        row = self._ledger.reader().execute(_LIVE).fetchone()
        if row is None:
            raise UnknownVersion("No library is published. Run: firstline publish")
        return self.pinned(LibraryVersion(row[0]))

    def pinned(self, version: LibraryVersion) -> Kept:
        """Raises: UnknownVersion."""
        kept = self._kept.get(version)
        if kept is None:
            kept = self._kept[version] = self._load(version)
        return kept

    def _load(self, version: LibraryVersion) -> Kept:
        row = self._ledger.reader().execute("SELECT files FROM library_files WHERE version = ?", [version]).fetchone()
        if row is None:
            raise UnknownVersion(f"No library version {version} was published.")
        return opened(unpack(row[0]))

    def versions(self) -> list[Published]:
        """Newest first; the first is live."""
        rows = self._ledger.reader().execute(_VERSIONS)
        return [Published(row[0], LibraryVersion(row[1]), from_ms(row[2]), row[3]) for row in rows]

    def publish(self, files: Mapping[str, bytes], note: str, now: datetime) -> Published:
        """Makes these files live for new conversations. The caller has checked them. What is live already stays as it
        was published.

        Raises: LibraryInvalid when they do not load; the live library stays as it is.
        """
        kept = opened(files)
        if "en" not in kept.interface:
            raise LibraryInvalid("content/interface/en.json is missing: the front end has no words. Put it back.")
        version = kept.library.version
        self._kept[version] = kept
        live = self.versions()[:1]
        if live and live[0].version == version:
            return live[0]
        return self._ledger.write_now(lambda db: _publish(db, version, pack(files), note, now))

    def roll_back(self, version: str, note: str, now: datetime) -> Published:
        """Makes an earlier version live again; running conversations stay where they are.

        Raises: UnknownVersion.
        """
        known = self.pinned(LibraryVersion(version)).library.version
        return self._ledger.write_now(lambda db: _make_live(db, known, note, now))


def opened(files: Mapping[str, bytes]) -> Kept:
    """Raises: LibraryInvalid with every complaint."""
    library = load_files(files).good()
    interface = {name.split("/")[-1].removesuffix(".json"): data for name, data in files.items() if _is_interface(name)}
    words = words_in(files)
    return Kept(library, GateKeeper(words), words, interface, tuple(_practice(files)))


def _practice(files: Mapping[str, bytes]) -> Iterator[PracticeScript]:
    """What was read with the library and found good is read again, for whoever practises."""
    for name, data in sorted(files.items()):
        script = read_practice(name, data.decode(), Loading()) if is_practice(name) else None
        if script:
            yield script


def _strings(data: bytes) -> dict[str, str]:
    return {key: text for key, text in json.loads(data).items() if isinstance(text, str) and text}


def _is_interface(name: str) -> bool:
    return name.startswith("content/interface/") and name.endswith(".json")


def _publish(db: sqlite3.Connection, version: LibraryVersion, files: bytes, note: str, now: datetime) -> Published:
    db.execute("INSERT OR IGNORE INTO library_files VALUES (?, ?)", [version, files])
    return _make_live(db, version, note, now)


def _make_live(db: sqlite3.Connection, version: LibraryVersion, note: str, now: datetime) -> Published:
    cursor = db.execute(_MAKE_LIVE, [version, to_ms(now), note])
    return Published(cursor.lastrowid or 0, version, now, note)


_LIVE = "SELECT version FROM library_version ORDER BY number DESC LIMIT 1"
_VERSIONS = "SELECT number, version, published_at, note FROM library_version ORDER BY number DESC"
_MAKE_LIVE = "INSERT INTO library_version (version, published_at, note) VALUES (?, ?, ?)"
