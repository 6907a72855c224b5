"""Libraries for tests of the checker: the small helpline in a folder, with something broken or nothing."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from shutil import copytree

from bot.checking.report import Report, report_on
from tests.builders import FLOWS, PATTERNS, files

TODAY = date(2026, 6, 20)
WORDS = Path(__file__).parent.parent / "content" / "words"
CARRY_ON = """
  pattern_cannot_handle:
    description: Cannot make it out.
    steps:
      - action: utter_offer_person
"""


def written(folder: Path, library_files: Mapping[str, bytes]) -> Path:
    for name, data in library_files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    copytree(WORDS, folder / "content" / "words", dirs_exist_ok=True)
    return folder


def report(folder: Path, extra: str = "", *, flows: str = FLOWS, patterns: str = PATTERNS, **options: bool) -> Report:
    """What is said about the small helpline with these changes."""
    return report_on(written(folder, files(extra, flows=flows, patterns=patterns)), today=TODAY, **options)


def codes(told: Report) -> set[str]:
    return {complaint.code for complaint in told.complaints}


def of_code(told: Report, code: str) -> list[str]:
    return [str(complaint) for complaint in told.complaints if complaint.code == code]
