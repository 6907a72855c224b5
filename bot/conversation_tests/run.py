"""Runs test files and says which conversations failed, where, and what happened instead."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.conversation_tests.coverage import Coverage, coverage_of
from bot.conversation_tests.heard import described, unmet
from bot.conversation_tests.playing import CannotPlayError, Walked, player
from bot.conversation_tests.reading import Fixture, TestFile
from bot.conversation_tests.script import Script
from bot.errors import LibraryInvalid
from bot.library.complaints import Complaint, Complaints
from bot.library.marked import text_of
from bot.library.model import Where
from bot.library.versions import read_files
from bot.shelf import Kept, opened

CONFTEST = "conftest.yml"


@dataclass(frozen=True, slots=True)
class Failure:
    """`test` is "" when the file itself is wrong."""

    test: str
    where: Where
    expected: str
    happened: tuple[str, ...]

    def __str__(self) -> str:
        name = f"{self.test}: " if self.test else ""
        lines = "".join(f"\n    {line}" for line in self.happened)
        return f"{self.where}: {name}{self.expected}{lines}"


@dataclass(frozen=True, slots=True)
class Result:
    passed: int
    failures: tuple[Failure, ...]
    coverage: Coverage

    @property
    def failed(self) -> bool:
        return bool(self.failures)

    def as_json(self) -> str:
        failures = [
            {
                "test": failure.test,
                "file": failure.where.file,
                "line": failure.where.line,
                "column": failure.where.column,
                "expected": failure.expected,
                "happened": list(failure.happened),
            }
            for failure in self.failures
        ]
        failed = len({(failure.where.file, failure.test) for failure in self.failures})
        counts = {"passed": self.passed, "failed": failed}
        return json.dumps({**counts, "failures": failures, "coverage": self.coverage.as_data()}, indent=1)

    def as_text(self, *, coverage: bool = False) -> str:
        failed = len({(failure.where.file, failure.test) for failure in self.failures})
        lines = [str(failure) for failure in self.failures]
        lines += list(self.coverage.lines()) if coverage else []
        lines.append(f"{self.passed} passed, {failed} failed. {self.coverage.summary}")
        return "\n".join(lines)


def run_tests(folder: Path, paths: Iterable[Path]) -> Result:
    """Plays every test in these files and folders (`file.yml::name` plays one) with the library in `folder`.

    Raises: LibraryInvalid when the library has errors, or a path is not there.
    """
    kept = opened(read_files(folder))
    failures: list[Failure] = []
    walked: Walked = set()
    passed = 0
    for path, wanted in _files(paths):
        scripts, complaints = _read(kept, path, folder)
        failures += [_of_complaint(complaint) for complaint in complaints]
        chosen = [script for script in scripts if wanted in ("", script.name)]
        for script in chosen if not complaints else []:
            failed = play(kept, script, walked)
            failures += failed
            passed += not failed
    return Result(passed, tuple(failures), coverage_of(kept.library, walked))


def play(kept: Kept, script: Script, walked: Walked) -> list[Failure]:
    """What failed in the first step that failed; what follows it says nothing new."""
    playing = player(kept, script, walked)
    for step in script.steps:
        try:
            heard = playing.play(step)
        except CannotPlayError as cannot:
            return [Failure(script.name, step.where, str(cannot), ())]
        failures = [
            Failure(script.name, expected.where, f"expected {described(expected)}", heard.lines())
            for expected in unmet(step.expects, heard, ordered=step.ordered)
        ]
        if heard.trouble and not _is_stubbed_to_fail(script):
            failures.append(Failure(script.name, step.where, "something went wrong in the flow", heard.lines()))
        if failures:
            return failures
    return []


def _is_stubbed_to_fail(script: Script) -> bool:
    return any(stub.failed for stub in script.stubs.values())


def _files(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """(test file, name of the one test wanted or "")."""
    for path in paths:
        name, _, wanted = str(path).partition("::")
        file = Path(name)
        if file.is_dir():
            yield from ((each, "") for each in sorted(file.rglob("*.yml")) if each.name != CONFTEST)
        elif file.is_file():
            yield file, wanted
        else:
            raise LibraryInvalid(f"{name}: no such test file or folder.")


def _read(kept: Kept, path: Path, folder: Path) -> tuple[tuple[Script, ...], tuple[Complaint, ...]]:
    complaints = Complaints()
    fixtures: dict[str, Fixture] = {}
    for above in reversed(path.resolve().parents):
        shared = above / CONFTEST
        if shared.is_file() and shared != path and above.is_relative_to(_top(path, folder)):
            reader = TestFile(kept.library, complaints)
            reader.read(_name(shared, folder), text_of(_name(shared, folder), shared.read_bytes(), complaints) or "")
            fixtures |= reader.fixtures
    reader = TestFile(kept.library, complaints, fixtures)
    name = _name(path, folder)
    text = text_of(name, path.read_bytes(), complaints)
    scripts = reader.read(name, text) if text else ()
    return scripts, complaints.sorted()


def _top(path: Path, folder: Path) -> Path:
    """How far up shared fixtures are looked for: the library's folder, else beside the file only."""
    inside = path.resolve().is_relative_to(folder.resolve())
    return folder.resolve() if inside else path.resolve().parent


def _name(path: Path, folder: Path) -> str:
    resolved = path.resolve()
    return resolved.relative_to(folder.resolve()).as_posix() if resolved.is_relative_to(folder.resolve()) else str(path)


def _of_complaint(complaint: Complaint) -> Failure:
    where = Where(complaint.file, complaint.line, complaint.column)
    return Failure("", where, complaint.message, (complaint.fix,) if complaint.fix else ())


__all__ = ["Failure", "Result", "run_tests"]
