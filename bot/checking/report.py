"""`firstline check`: everything wrong with a library, and a table of its flows."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from bot.checking.proofs import Proofs
from bot.checking.reading_age import words_of
from bot.checking.translations import check_translations
from bot.checking.words import WordChecks
from bot.engine.path_counts import Graph, alone, together
from bot.engine.paths import ROOT, State, Ways, walk_every_path
from bot.library.complaints import Complaint, Complaints
from bot.library.load import load
from bot.library.model import Library
from bot.library.versions import read_files


@dataclass(frozen=True, slots=True)
class FlowRow:
    """`paths`: ways from the flow's beginning to its end; `answers_to_advice`: the longest way to the first advice."""

    flow: str
    name: str
    steps: int
    paths: int
    answers_to_advice: int | None
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class PageRow:
    """How hard a page is to read: the age in years, its words, and those of its longest sentence."""

    page: str
    kind: str
    reading_age: float
    words: int
    longest_sentence: int


@dataclass(frozen=True, slots=True)
class Report:
    """`paths`: ways from the greeting through every flow; `answers_to_advice`: the longest to the first advice."""

    complaints: tuple[Complaint, ...]
    flows: tuple[FlowRow, ...] = ()
    pages: tuple[PageRow, ...] = ()
    paths: int = 0
    answers_to_advice: int | None = None

    @property
    def has_errors(self) -> bool:
        return any(complaint.severity == "error" for complaint in self.complaints)

    def as_json(self) -> str:
        summary = {"paths": self.paths, "answers_to_advice": self.answers_to_advice, **self._counts()}
        complaints = [asdict(complaint) for complaint in self.complaints]
        rows = {"flows": [asdict(row) for row in self.flows], "pages": [asdict(row) for row in self.pages]}
        return json.dumps({"complaints": complaints, **rows, "summary": summary})

    def as_text(self) -> str:
        said = [f"{each.severity} {each}" for each in self.complaints]
        table = [*_table(self.flows), *_page_table(self.pages)]
        counts = self._counts()
        walked = f"{len(self.flows)} flows, {self.paths:,} paths walked. " if self.flows else ""
        longest = (
            "" if self.answers_to_advice is None else f"First advice after {self.answers_to_advice} answers at most. "
        )
        summary = f"{walked}{longest}{counts['errors']} errors, {counts['warnings']} warnings."
        return "\n".join([*said, *([""] if said and table else []), *table, summary])

    def _counts(self) -> dict[str, int]:
        errors = sum(complaint.severity == "error" for complaint in self.complaints)
        return {"errors": errors, "warnings": len(self.complaints) - errors}


def report_on(folder: Path, *, translations: bool = False, today: date | None = None) -> Report:
    """Loads, checks every word and walks every path. `today` decides which reviews are late; None: the date now."""
    today = today or datetime.now(UTC).date()
    result = load(folder)
    complaints = Complaints(list(result.complaints))
    if result.library is None:
        return Report(complaints.sorted())
    library = result.library
    sources = {name: data.decode("utf-8-sig").replace("\r\n", "\n") for name, data in read_files(folder).items()}
    words = WordChecks(library, complaints, sources, today)
    words.check()
    if translations:
        check_translations(library, complaints)
    ways = walk_every_path(library)
    Proofs(library, ways, complaints, today).check()
    graph = together(ways)
    roots = ways.entries.get(ROOT, [])
    longest = graph.most_answers_before_advice()
    answers = longest[roots[0]] if roots else None
    return Report(complaints.sorted(), _rows(library, ways, graph), _page_rows(words), graph.paths(roots), answers)


def _rows(library: Library, ways: Ways, graph: Graph) -> tuple[FlowRow, ...]:
    from_greeting = graph.most_answers_before_advice()
    rows = []
    for flow in library.flows.values():
        own = alone(ways, flow.id)
        entries = _entries(ways, graph, flow.id)
        is_known = all(entry in from_greeting for entry in entries)
        longest = from_greeting if is_known else together(ways, entries).most_answers_before_advice()
        known = [longest[entry] for entry in entries]
        answers = max((each for each in known if each is not None), default=None)
        row = FlowRow(
            flow.id, flow.name, len(flow.steps), own.paths(entries), answers, flow.where.file, flow.where.line
        )
        rows.append(row)
    return tuple(sorted(rows, key=lambda row: (row.flow.startswith("pattern_"), row.file, row.line)))


def _page_rows(words: WordChecks) -> tuple[PageRow, ...]:
    """The hardest to read first."""
    rows = []
    for page in words.english_pages():
        reading = words.page_reading(page)
        longest = max((len(words_of(sentence)) for sentence in reading.sentences), default=0)
        rows.append(PageRow(page.id, page.kind, round(reading.age, 1), reading.words, longest))
    return tuple(sorted(rows, key=lambda row: (-row.reading_age, row.page)))


def _entries(ways: Ways, graph: Graph, flow: str) -> list[State]:
    """With what slots the flow is entered on ways from the greeting; for what begins elsewhere, the first found."""
    entries = ways.entries.get(flow, [])
    return [entry for entry in entries if entry in graph.edges] or entries[:1]


def _table(rows: tuple[FlowRow, ...]) -> list[str]:
    if not rows:
        return []
    width = max(len(row.flow) for row in rows)
    lines = [f"{'flow':<{width}} {'steps':>6} {'paths':>14} {'answers to first advice':>24}"]
    for row in rows:
        answers = "-" if row.answers_to_advice is None else str(row.answers_to_advice)
        lines.append(f"{row.flow:<{width}} {row.steps:>6} {row.paths:>14,} {answers:>24}")
    return lines


def _page_table(rows: tuple[PageRow, ...]) -> list[str]:
    if not rows:
        return []
    width = max(len(row.page) for row in rows)
    lines = ["", f"{'page':<{width}} {'kind':<10} {'reading age':>11} {'words':>6} {'longest sentence':>17}"]
    for row in rows:
        figures = f"{row.reading_age:>11} {row.words:>6} {row.longest_sentence:>17}"
        lines.append(f"{row.page:<{width}} {row.kind:<10} {figures}")
    return [*lines, ""]
