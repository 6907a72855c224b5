"""The one list of the queue's migrations, and how the statements of each are run."""

import sqlite3

from sqlite_utils import Database, Migrations

migrations = Migrations("handoff")


def run(db: Database, script: str) -> None:
    """Statement by statement: executescript would commit the migration's own transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if statement.strip() and sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
