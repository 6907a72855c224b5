"""The rules about who may import whom hold, and each is seen to fail when it is broken."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINT = Path(sys.executable).with_name("lint-imports")
BREACHES = {
    "The bot may use the queue, never the reverse": ("handoff/queue.py", "import bot.domain"),
    "What decides about a conversation knows nothing of the queue": ("bot/engine/walk.py", "import handoff.domain"),
    "Only named parts of the bot use the queue": ("bot/checking/report.py", "import handoff.queue"),
    "Settings and actions know of the queue's opening hours only": ("bot/actions/runner.py", "import handoff.desk"),
    "One direction inside the bot": ("bot/store.py", "import bot.turns"),
    "Pure parts import no input, no output and no third party": ("bot/engine/steps.py", "import random"),
    "rasa_sdk only in bot.actions": ("bot/turns.py", "import rasa_sdk"),
    "Web frameworks only at the web's doors": ("bot/house.py", "import aiohttp"),
    "aiosmtplib only in bot.mail": ("bot/house.py", "import aiosmtplib"),
    "telegram only in bot.channels.telegram": ("bot/channels/terminal.py", "import telegram"),
}
"""Contract -> (file, an import that breaks it)."""


def broken(folder: Path) -> set[str]:
    """The contracts import-linter finds broken in a checkout."""
    options = [LINT, "--no-cache", "--config", folder / "pyproject.toml"]
    told = subprocess.run(options, cwd=folder, capture_output=True, text=True, timeout=60)
    lines = told.stdout.splitlines()
    assert f"Contracts: {len(BREACHES)} kept, 0 broken." in lines or told.returncode == 1, told.stdout + told.stderr
    return {line.partition(" BROKEN")[0] for line in lines if " BROKEN" in line}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code alone, to be broken."""
    folder = tmp_path_factory.mktemp("checkout")
    for package in ("bot", "handoff"):
        only_code = shutil.ignore_patterns("__pycache__", "static", "templates", "*.html")
        shutil.copytree(ROOT / package, folder / package, ignore=only_code)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_contracts_hold(copied: Path) -> None:
    assert broken(copied) == set()


@pytest.mark.parametrize("contract", BREACHES)
def test_a_forbidden_import_breaks_its_contract(contract: str, copied: Path) -> None:
    file, forbidden = BREACHES[contract]
    source = (copied / file).read_text()
    try:
        (copied / file).write_text(f"{source}\n\n{forbidden}\n")
        assert contract in broken(copied)
    finally:
        (copied / file).write_text(source)


def test_a_module_without_a_place_in_the_order_is_noticed(copied: Path) -> None:
    new = copied / "bot" / "somewhere.py"
    try:
        new.write_text("")
        assert "One direction inside the bot" in broken(copied)
    finally:
        new.unlink()


def test_the_app_starts_without_the_action_framework() -> None:
    """rasa-sdk takes half a second and most turns need none of it; its server is never part of the bot's process."""
    code = """
import sys
import bot.app, bot.server, bot.cli
print(sorted({"rasa_sdk", "sanic"} & set(sys.modules)))
import bot.actions.actions
print(sorted({"rasa_sdk"} & set(sys.modules)))
"""
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.stdout.splitlines() == ["[]", "['rasa_sdk']"], told.stderr
