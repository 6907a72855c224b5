"""A report as a file: which formats there are, what each is called, its bytes."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from handoff import pdf
from handoff.errors import HandoffError
from handoff.reports.as_csv import as_csv
from handoff.reports.as_json import as_json
from handoff.reports.as_text import as_text
from handoff.reports.figure import figure_of
from handoff.reports.model import Report
from handoff.reports.rendering import figure_html, html


class PdfMissing(HandoffError):
    """A PDF needs WeasyPrint and Pango. Install firstline[pdf], and Debian's libpango-1.0-0 libpangoft2-1.0-0."""


class Format(StrEnum):
    """What a report is written as."""

    HTML = "html"
    PDF = "pdf"
    CSV = "csv"
    JSON = "json"
    TEXT = "text"
    SVG = "svg"


KINDS: Final[Mapping[Format, str]] = {
    Format.HTML: "text/html",
    Format.PDF: "application/pdf",
    Format.CSV: "text/csv",
    Format.JSON: "application/json",
    Format.TEXT: "text/plain",
    Format.SVG: "image/svg+xml",
}
ENDS: Final = {Format.TEXT: "txt"}
"""How the name of a file ends, where it is not as the format is called."""
_REPORT: Final[Mapping[Format, Callable[[Report], str]]] = {
    Format.HTML: html,
    Format.CSV: as_csv,
    Format.JSON: as_json,
    Format.TEXT: as_text,
}
_FIGURE: Final[Mapping[Format, Callable[[Report], str]]] = {Format.HTML: figure_html, Format.SVG: figure_of}
OF_REPORT: Final = (*_REPORT, Format.PDF)
OF_FIGURE: Final = (*_FIGURE, Format.PDF)


def written(report: Report, as_: Format, *, figure: bool = False) -> bytes:
    """The whole file. A PDF takes seconds: call it on a thread. Raises: PdfMissing; KeyError for another format."""
    made = _FIGURE if figure else _REPORT
    if as_ is Format.PDF:
        if not pdf.is_installed():
            raise PdfMissing
        return pdf.made(made[Format.HTML](report))
    return made[as_](report).encode()


def name_of(report: Report, as_: Format, *, figure: bool = False) -> str:
    """ "report-2021-11-01-to-2022-10-31.pdf"; one that was passed on bears its number."""
    kind = "figure" if figure else "report"
    number = "" if report.release is None else f"-{report.release}"
    return f"{kind}{number}-{report.days.first}-to-{report.days.last}.{ENDS.get(as_, as_)}"
