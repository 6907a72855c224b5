"""The baselines: SQLite with the rows a turn writes, a commit a turn; and 200 turns a commit with a bare engine."""

import os
import sqlite3
import time
from pathlib import Path

import msgspec

from bench.script import FIRST, step
from bot.domain import Opened, Said
from bot.engine import begin
from bot.library.model import Library

STATE_BYTES, REPLY_BYTES = 1_200, 90
GROUP = 200


def _database(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE state (id INTEGER PRIMARY KEY, version INTEGER, body BLOB) STRICT")
    db.execute("CREATE TABLE turn (id INTEGER PRIMARY KEY, external BLOB UNIQUE, at INTEGER, words BLOB) STRICT")
    db.execute("CREATE TABLE reply (id INTEGER PRIMARY KEY, turn INTEGER, body BLOB) STRICT")
    db.executemany("INSERT INTO state VALUES (?, 0, zeroblob(1200))", [[n] for n in range(GROUP)])
    return db


def _write(db: sqlite3.Connection, number: int, state: bytes) -> None:
    external, reply = os.urandom(16), os.urandom(REPLY_BYTES)
    turn = db.execute("INSERT INTO turn (external, at, words) VALUES (?, ?, ?)", [external, number, reply]).lastrowid
    db.execute("UPDATE state SET version = version + 1, body = ? WHERE id = ?", [state, number % GROUP])
    db.execute("INSERT INTO reply (turn, body) VALUES (?, ?)", [turn, reply])


def commits_per_s(folder: Path, turns: int) -> float:
    """One turn's rows in each commit, nothing else done."""
    db = _database(folder / "raw.db")
    state = os.urandom(STATE_BYTES)
    started = time.perf_counter()
    for number in range(turns):
        db.execute("BEGIN IMMEDIATE")
        _write(db, number, state)
        db.execute("COMMIT")
    rate = turns / (time.perf_counter() - started)
    db.close()
    return rate


def grouped_per_s(folder: Path, library: Library, typed: list[str], rounds: int) -> float:
    """200 conversations, the bare engine and a packed state, 200 turns in each commit; no seal, no guard, no loop."""
    db = _database(folder / "grouped.db")
    encode = msgspec.msgpack.Encoder().encode
    opened = step(library, begin(library), Opened(FIRST)).conversation
    started, turns = time.perf_counter(), 0
    for _ in range(rounds):
        conversations = [opened] * GROUP
        for words in typed:
            db.execute("BEGIN IMMEDIATE")
            for number, conversation in enumerate(conversations):
                conversations[number] = step(library, conversation, Said(words, FIRST)).conversation
                _write(db, number, encode(conversations[number]))
            db.execute("COMMIT")
            turns += GROUP
    rate = turns / (time.perf_counter() - started)
    db.close()
    return rate
