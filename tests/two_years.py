"""A database with the two invented years of `firstline demo --history`, for tests that read it and do not write."""

from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import demo_facts
from bot.app import open_ledger
from bot.config import read_settings
from bot.demo_history import SEED
from handoff import advisers
from handoff.domain import Role

HASH = "$argon2id$nobody logs in here"
MADE_AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def two_years_in(folder: Path, seed: int = SEED) -> Path:
    """Returns the database; made once for each seed, and copied from then on."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in _made(seed):
        (folder / name).write_bytes(body)
    return folder / "firstline.db"


@cache
def _made(seed: int) -> tuple[tuple[str, bytes], ...]:
    with TemporaryDirectory() as made:
        make(Path(made), seed)
        return tuple((file.name, file.read_bytes()) for file in Path(made).iterdir())


def make(folder: Path, seed: int = SEED) -> Path:
    settings = read_settings(data_dir=folder, key=None)
    with closing(open_ledger(settings)) as ledger:
        lead = ledger.write_now(lambda conn: advisers.add(conn, "Alex Demo", "a@example.org", HASH, Role.LEAD, MADE_AT))
        ledger.write_now(lambda conn: demo_facts.fill(conn, lead, HASH, MADE_AT, seed))
    return settings.database
