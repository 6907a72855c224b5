"""A report in plain words and tables of letters: for a terminal, and for a first look over a line to the server."""

from collections.abc import Iterator

from handoff.reports import saying
from handoff.reports.model import Report, Row, Section, Table, Unit


def as_text(report: Report) -> str:
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.service}: {saying.days(report.days)}"
    yield "For use inside" if report.release is None else f"Passed on as number {report.release}"
    if report.compared:
        yield f"Compared with {saying.days(report.compared)}"
    yield ""
    yield f"{report.headline.figure} {report.headline.says}"
    yield from (f"  {each}" for each in report.headline.beside)
    chapter = ""
    for section in report.sections:
        if section.chapter != chapter:
            chapter = section.chapter
            yield from ("", chapter.upper())
        yield from _section(section)
    yield from (
        "",
        f"{saying.NOT_TOLD} not told: fewer than 5, or a number that would give such a one away.",
        *report.notes,
    )


def _section(section: Section) -> Iterator[str]:
    basis = section.table.basis
    yield from ("", section.title, section.reading, "")
    yield from _table(section.table)
    told = " of ".join(saying.said(each, Unit.COUNT) for each in (basis.n, basis.of))
    version = f", categories version {basis.taxonomy}" if basis.taxonomy is not None else ""
    yield f"  n = {told} {basis.counts}{version}"
    yield from (f"  {note}" for note in section.table.notes)


def _table(table: Table) -> Iterator[str]:
    rows = [*table.rows, *([table.total] if table.total else [])]
    cells = [[table.rows_are, *(column.label for column in table.columns)], *(_cells(table, row) for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))]
    for line in cells:
        first, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        yield "  " + "  ".join((first.strip().ljust(widths[0]), *others)).rstrip()


def _cells(table: Table, row: Row) -> list[str]:
    said = (saying.said(value, column.unit) for column, value in zip(table.columns, row.values, strict=True))
    return [row.label, *said]
