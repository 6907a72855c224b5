"""Every conversation test of the shipped flows."""

from pathlib import Path

from bot.conversation_tests import run_tests

ROOT = Path(__file__).parent.parent


def test_every_conversation_goes_as_its_script_says() -> None:
    result = run_tests(ROOT, [ROOT / "flows" / "tests"])
    assert not result.failed, result.as_text()
    assert result.passed
