"""A report as one CSV file: a line for each number, with all that is needed to read that line alone."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from handoff.reports.model import Column, Hidden, Report, Row, Section, Value

COLUMNS: Final = (
    *("first", "last", "release", "section", "table", "group", "row", "row_label", "column", "column_label"),
    *("unit", "value", "hidden", "counts", "n", "of", "taxonomy"),
)
TOTAL: Final = "total"
"""What `row` says for the total of a table."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula (OWASP, "CSV Injection")."""


def as_csv(report: Report) -> str:
    """Lines end as RFC 4180 says. An empty `value` is not told where `hidden` is 1; else there was no data."""
    body = io.StringIO()
    writer = csv.writer(body)
    writer.writerow(COLUMNS)
    for section in report.sections:
        writer.writerows(_lines(report, section))
    return body.getvalue()


def safe(text: str) -> str:
    """Words that a spreadsheet shows, and does not work out: an apostrophe stands before a formula's sign."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _lines(report: Report, section: Section) -> Iterator[tuple[object, ...]]:
    table = section.table
    for row in table.rows:
        yield from _line(report, section, row, row.code)
    if table.total:
        yield from _line(report, section, table.total, TOTAL)


def _line(report: Report, section: Section, row: Row, code: str) -> Iterator[tuple[object, ...]]:
    period = (report.days.first.isoformat(), report.days.last.isoformat(), _number(report.release))
    named = (*map(safe, (section.id, section.table.id, row.group, code, row.label)),)
    basis = section.table.basis
    for column, value in zip(section.table.columns, row.values, strict=True):
        stands = (safe(basis.counts), _number(basis.n), _number(basis.of), _number(basis.taxonomy))
        yield (*period, *named, *_told(column, value), *stands)


def _told(column: Column, value: Value) -> tuple[object, ...]:
    hidden = 1 if isinstance(value, Hidden) else 0
    return safe(column.key), safe(column.label), column.unit.value, _number(value), hidden


def _number(value: Value) -> str:
    return "" if value is None or isinstance(value, Hidden) else repr(value)
