"""The one SQLite file and its one writer: grouped, durable writes. Nothing is answered before it is on disk."""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database, Migrations

from handoff.chain import teach
from handoff.errors import DatabaseFromTheFuture, DiskFull, KeyMissing, LedgerError
from handoff.seal import Seal

GROUP_LIMIT = 512
"""Most writes that share one commit."""
BUSY_TIMEOUT_MS = 10_000
"""How long a write waits for another process (a report, a backup) to finish its own."""
SLOW_COMMIT_S = 0.01
"""A disk slower than this to commit is waited for on a thread, so that the loop stays free."""
CHECKPOINT_COMMITS = 400
CHECKPOINT_WORKS = 2_000
"""After so many commits, or works, the write-ahead log is folded into the database on another connection. Overwriting
a log that was folded in is a third cheaper than growing it, so it is kept short; and no turn waits for the folding."""

LOG_WAIT_S = 0.05
"""How long emptying the log waits for those who read or write; it is tried again later."""
REWRITE_S = 30.0

CLOSED = "The service is stopping. Nothing was changed."
UNDO_WORK = ("ROLLBACK TO work", "RELEASE work")

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


@dataclass(slots=True)
class _Waiting:
    work: Work[Any]
    future: "asyncio.Future[Any]"


class Ledger:
    """Opens the database (WAL, synchronous=FULL), migrates it, and owns the only connection that writes.

    `write` groups what is ready at the same moment into one transaction, each work in its own savepoint, and
    returns only after the commit is on disk. One failing work undoes itself and nobody else's.
    """

    def __init__(self, path: Path, seal: Seal, migrations: Sequence[Migrations] = ()) -> None:
        self.path = path
        self.seal = seal
        self.commits = 0
        self._pending: list[_Waiting] = []
        self._scheduled = False
        self._busy = False
        self._closed = False
        self._commit_s = 0.0
        self._waits = True
        self._callbacks: list[Callable[[], None]] = []
        self._local = threading.local()
        self._lock = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._checkpointing = False
        self._log_is_folded_in = False
        self._commits_in_log = 0
        self._works_in_log = 0
        self._rewriting: sqlite3.Connection | None = None
        self._writer = _open(path, query_only=False)
        try:
            _refuse_the_future(self._writer, migrations)
            _check_seal(self._writer, seal)
            teach(self._writer, seal)
            for each in migrations:
                each.apply(Database(self._writer))
        except sqlite3.DatabaseError as error:
            self._writer.close()
            raise LedgerError(f"{path.name} is damaged ({error}). Restore a backup. Nothing was changed.") from error

    # --- writing -----------------------------------------------------------------------------------------------------

    async def write(self, work: Work[T]) -> T:
        """Raises: whatever `work` raised (its changes are undone); DiskFull; LedgerError."""
        if self._closed:
            raise LedgerError(CLOSED)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._pending.append(_Waiting(work, future))
        if not self._scheduled and not self._busy:
            self._scheduled = True
            loop.call_soon(self._flush, loop)
        return await future

    def write_now(self, work: Work[T]) -> T:
        """The same for a caller without a loop (command line, tests): one work, one commit."""
        done, value = self._group([work], wait=True)[0]
        self._committed()
        if not done:
            raise value
        result: T = value
        return result

    def on_commit(self, callback: Callable[[], None]) -> None:
        """`callback` is called on the loop after every commit; it must be quick and must not raise."""
        self._callbacks.append(callback)

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        if self._busy or self._closed or not self._pending:
            return
        if (rewriting := self._rewriting) is not None:
            with contextlib.suppress(sqlite3.ProgrammingError):  # it has just ended
                rewriting.interrupt()
        group, self._pending = self._pending[:GROUP_LIMIT], self._pending[GROUP_LIMIT:]
        works = [waiting.work for waiting in group]
        if self._commit_s < SLOW_COMMIT_S:
            try:
                self._resolve(group, self._group(works, wait=False))
            except _AnotherProcessWrites:
                self._flush_on_thread(loop, group, works)
        else:
            self._flush_on_thread(loop, group, works)
        if self._pending and not self._scheduled and not self._busy:
            self._scheduled = True
            loop.call_soon(self._flush, loop)

    def _flush_on_thread(self, loop: asyncio.AbstractEventLoop, group: list[_Waiting], works: list[Work[Any]]) -> None:
        self._busy = True

        def finished(results: "asyncio.Future[list[tuple[bool, Any]]]") -> None:
            self._busy = False
            failure = results.exception()
            self._resolve(group, [(False, failure)] * len(group) if failure else results.result())
            self._flush(loop)

        loop.run_in_executor(self._thread, lambda: self._group(works, wait=True)).add_done_callback(finished)

    def _group(self, works: Sequence[Work[Any]], *, wait: bool) -> list[tuple[bool, Any]]:
        """Runs the works in one transaction; (True, value) or (False, exception) for each."""
        with self._lock:
            connection = self._writer
            try:
                self._wait_for_others(connection, wait=wait)
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                if not wait and "locked" in str(error):
                    raise _AnotherProcessWrites from None
                return [(False, _translated(error))] * len(works)
            results = [_attempt(connection, work, alone=len(works) == 1) for work in works]
            return self._commit(connection, results)

    def _wait_for_others(self, connection: sqlite3.Connection, *, wait: bool) -> None:
        if wait is not self._waits:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS if wait else 0}")
            self._waits = wait

    def _commit(self, connection: sqlite3.Connection, results: list[tuple[bool, Any]]) -> list[tuple[bool, Any]]:
        if not connection.in_transaction:  # SQLite gave the whole transaction up (disk full, I/O error)
            failure = next((value for done, value in results if not done), LedgerError("The write was given up."))
            return [(False, _translated(failure))] * len(results)
        started = time.perf_counter()
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return [(False, _translated(error))] * len(results)
        self._commit_s += 0.1 * (time.perf_counter() - started - self._commit_s)
        self.commits += 1
        self._commits_in_log += 1
        self._works_in_log += len(results)
        return results

    def _resolve(self, group: list[_Waiting], results: list[tuple[bool, Any]]) -> None:
        for waiting, (done, value) in zip(group, results, strict=True):
            if waiting.future.cancelled():
                continue
            if done:
                waiting.future.set_result(value)
            else:
                waiting.future.set_exception(value)
        self._committed()

    def _committed(self) -> None:
        for callback in self._callbacks:
            callback()
        if self._log_is_folded_in:
            self._begin_the_log_again()
        elif not self._checkpointing and self._log_is_long():
            self._checkpointing = True
            threading.Thread(target=self._checkpoint, name="ledger-checkpoint", daemon=True).start()

    def _log_is_long(self) -> bool:
        return self._commits_in_log >= CHECKPOINT_COMMITS or self._works_in_log >= CHECKPOINT_WORKS

    def _checkpoint(self) -> None:
        """Folds the log in from a connection of its own: no turn waits for the bulk of it."""
        try:
            connection = sqlite3.connect(self.path, isolation_level=None)
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            connection.close()
            self._log_is_folded_in = True
        except sqlite3.Error:  # tried again when the log has grown as much once more
            self._commits_in_log = self._works_in_log = 0
        finally:
            self._checkpointing = False

    def _begin_the_log_again(self) -> None:
        """The few commits made meanwhile are folded in by the writer itself: only then does SQLite write over the log
        instead of growing it."""
        self._log_is_folded_in = False
        self._commits_in_log = self._works_in_log = 0
        with self._lock, contextlib.suppress(sqlite3.Error):  # a log that could not be folded in only grows
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)")

    # --- leaving nothing behind --------------------------------------------------------------------------------------

    def empty_log(self) -> bool:
        """Folds the log in and cuts it to nothing: what was erased from the database is then in neither. The bulk is
        folded in while others write; they wait for the rest. False: somebody still reads what was there before.

        For a thread, not the loop.
        """
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=LOG_WAIT_S)
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            was_busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            return not was_busy
        except sqlite3.OperationalError:  # another process writes
            return False
        finally:
            connection.close()

    def rewrite(self, patience_s: float = REWRITE_S) -> bool:
        """Writes the whole file anew: stale copies in the gaps and free pages of its b-trees, which `secure_delete`
        does not reach, are gone, and it is as short as it can be. Nothing else can be written meanwhile, so it gives
        way to the first write that comes, and after `patience_s`: False, and nothing was changed.

        For a thread, not the loop. Needs as much room on disk again, twice. Raises: DiskFull.
        """
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=LOG_WAIT_S, check_same_thread=False)
        until = time.monotonic() + patience_s
        connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
        self._rewriting = connection
        try:
            connection.execute("VACUUM")
        except sqlite3.OperationalError as error:
            if isinstance(_translated(error), DiskFull):
                raise DiskFull from None
            return False
        finally:
            self._rewriting = None
            connection.close()
        return self.empty_log()

    # --- reading -----------------------------------------------------------------------------------------------------

    def reader(self) -> sqlite3.Connection:
        """This thread's own connection, which cannot write; rows come as sqlite3.Row."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _open(self.path, query_only=True)
            connection.row_factory = sqlite3.Row
            self._local.connection = connection
            self._readers.append(connection)
        return connection

    def close(self) -> None:
        """Waits for a group under way, refuses what still waits, folds the log in and closes every connection."""
        self._closed = True
        for waiting in self._pending:
            if not waiting.future.done():
                waiting.future.set_exception(LedgerError(CLOSED))
        self._pending.clear()
        self._thread.shutdown(wait=True)
        for connection in self._readers:
            connection.close()
        self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.close()


class _AnotherProcessWrites(Exception):
    """Another process holds the write lock; the group waits for it on the thread."""


def _attempt(connection: sqlite3.Connection, work: Work[Any], *, alone: bool) -> tuple[bool, Any]:
    """One work in its own savepoint; alone in its group, the transaction itself serves."""
    if not connection.in_transaction:
        return False, LedgerError("The write was given up because another in its group failed.")
    begin, release, undo = ("", "", ("ROLLBACK",)) if alone else ("SAVEPOINT work", "RELEASE work", UNDO_WORK)
    try:
        if begin:
            connection.execute(begin)
        value = work(connection)
        if release:
            connection.execute(release)
    except Exception as error:  # every failure is handed to its caller, none is swallowed
        _undo(connection, undo)
        return False, _translated(error)
    return True, value


def _undo(connection: sqlite3.Connection, statements: Sequence[str]) -> None:
    """Undoes one work; where that cannot be done (a work ended the transaction itself), the whole group is given up."""
    try:
        for statement in statements if connection.in_transaction else ():
            connection.execute(statement)
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _translated(error: Exception) -> Exception:
    if isinstance(error, sqlite3.OperationalError) and "disk is full" in str(error):
        return DiskFull()
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return LedgerError("Another process has been writing for too long. Nothing was changed.")
    if type(error) is sqlite3.DatabaseError:  # its kin are faults of one work; it alone is the file's
        return LedgerError("The database is damaged. Restore a backup. Nothing was changed.")
    return error


def _open(path: Path, *, query_only: bool) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = FAST")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute(f"PRAGMA query_only = {'ON' if query_only else 'OFF'}")
    except sqlite3.DatabaseError as error:
        raise LedgerError(f"{path.name} cannot be opened as a database ({error}). Nothing was changed.") from error
    return connection


def _refuse_the_future(connection: sqlite3.Connection, migrations: Sequence[Migrations]) -> None:
    """Raises: DatabaseFromTheFuture when the file has migrations this version has never heard of."""
    empty = Database(memory=True)
    known = {(each.name, migration.name) for each in migrations for migration in each.pending(empty)}
    unknown = _applied(connection) - known
    if unknown:
        names = ", ".join(sorted(name for _, name in unknown))
        raise DatabaseFromTheFuture(f"{DatabaseFromTheFuture.__doc__} It has the migrations: {names}.")


def _applied(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    try:
        rows = connection.execute("SELECT migration_set, name FROM _sqlite_migrations").fetchall()
    except sqlite3.OperationalError:
        return set()
    return {(row[0], row[1]) for row in rows}


def _check_seal(connection: sqlite3.Connection, seal: Seal) -> None:
    """The first opening leaves a mark that only the same key can make again."""
    connection.execute("CREATE TABLE IF NOT EXISTS seal_mark (mark BLOB NOT NULL) STRICT")
    row = connection.execute("SELECT mark FROM seal_mark").fetchone()
    if row is None:
        connection.execute("INSERT INTO seal_mark VALUES (?)", [seal.mark("firstline")])
    elif row[0] != seal.mark("firstline"):
        raise KeyMissing("This key is not the one the database was sealed with. Nothing was changed.")
