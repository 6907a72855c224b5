"""Libraries for tests of the checker: the small helpline in a folder, with something broken or nothing."""

import json
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML

from bot.checking.report import Report, report_on
from tests.builders import FLOWS, PATTERNS, files

TODAY = date(2026, 6, 20)
NO_WORDS = {f"content/words/{name}.yml": b"{}\n" for name in ("danger", "child", "names", "platforms", "spellings")}
"""Lists of what triage listens for, empty: quickly read."""
QUICK = ("flows/patterns.yml", "flows/flows.yml")


@lru_cache(maxsize=16)
def quickly_read(patterns: bytes) -> bytes:
    """The same file as JSON, which the C parser of YAML never refuses."""
    return json.dumps(YAML(typ="base", pure=True).load(patterns.decode())).encode()


def written(folder: Path, library_files: Mapping[str, bytes]) -> Path:
    quick = {name: quickly_read(data) for name, data in library_files.items() if name in QUICK}
    for name, data in {**NO_WORDS, **library_files, **quick}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder


def report(folder: Path, extra: str = "", *, flows: str = FLOWS, patterns: str = PATTERNS, **options: bool) -> Report:
    """What is said about the small helpline with these changes."""
    return report_on(written(folder, files(extra, flows=flows, patterns=patterns)), today=TODAY, **options)


def codes(told: Report) -> set[str]:
    return {complaint.code for complaint in told.complaints}


def of_code(told: Report, code: str) -> list[str]:
    return [str(complaint) for complaint in told.complaints if complaint.code == code]
