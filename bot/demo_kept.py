"""Two years of invented facts in a folder of one's own: `firstline demo --history --data DIR`, without a server."""

import secrets
from contextlib import closing
from pathlib import Path
from shlex import quote
from sqlite3 import Connection

from bot import demo_facts
from bot.app import clock, open_ledger
from bot.config import Settings, read_settings
from bot.demo_history import AFTER
from bot.errors import FirstlineError
from handoff import advisers
from handoff.domain import AdviserId, Role

DEMO_NAME = "Alex Demo"
DEMO_EMAIL = "adviser@example.org"


class NotEmpty(FirstlineError):
    """There is something in that folder. Name a new one."""


def keep_history(folder: Path) -> str:
    """Writes the facts, and who worked then, into a new database. Returns what to tell. Raises: NotEmpty."""
    if folder.exists() and any(folder.iterdir()):
        raise NotEmpty
    settings, password = read_settings(data_dir=folder.resolve(), key=None), secrets.token_urlsafe(9)
    hashed = advisers.hash_password(password)

    def work(conn: Connection) -> None:
        demo_facts.fill(conn, add_lead(conn, hashed), hashed, clock())

    with closing(open_ledger(settings)) as ledger:
        ledger.write_now(work)
    return (
        f"Two years of invented facts are in {folder}. Their report:\n\n{report_command(settings)}\n\n"
        f"To look at them at the desk, serve that folder and log in as {DEMO_EMAIL} with {password}"
    )


def add_lead(conn: Connection, password_hash: str) -> AdviserId:
    return advisers.add(conn, DEMO_NAME, DEMO_EMAIL, password_hash, Role.LEAD, clock())


def report_command(settings: Settings) -> str:
    """What prints the report of the second year. The folder's own key counts there, whatever else is set."""
    days, other_key = AFTER.days, "FIRSTLINE_KEY= " if read_settings().key else ""
    where = f"  {other_key}FIRSTLINE_DATA_DIR={quote(str(settings.data_dir))}"
    return f"{where} firstline report --from {days.first} --to {days.end} --compare year"
