"""`firstline report`: a period becomes a report, and the report a file, or what standard output is given."""

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.app import open_ledger, refuse_no_database
from bot.config import Settings
from bot.errors import FirstlineError, UnknownVersion
from bot.shelf import Shelf
from handoff import pdf
from handoff.ledger import Ledger
from handoff.reports import asked, making
from handoff.reports.files import ENDS, Format, PdfMissing, written
from handoff.reports.making import Order
from handoff.reports.model import Report
from handoff.reports.saving import save

NAMELESS = "Firstline"
"""What a service is called that has published nothing about itself."""

ENDINGS = {f".{ENDS.get(each, each)}": each for each in Format} | {".htm": Format.HTML}


class ReportRefused(FirstlineError):
    """The report cannot be made; nothing was written."""


@dataclass(frozen=True, slots=True)
class Asked:
    """As it was typed. `out` None: standard output."""

    first: str
    end: str
    compare: str
    as_: Format
    figure: bool = False
    pass_on: bool = False
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """`body` for standard output, None when it is in the file; `words` to be said."""

    body: bytes | None
    words: str


def format_for(named: str, out: Path | None, *, figure: bool, on_terminal: bool) -> str:
    """What to write it as where nobody said so (`named` is empty): as the file's name ends; without a file, words on a
    terminal and HTML for another program. An ending that is no format's is returned as it is."""
    if named:
        return named
    if out is not None and out.suffix:
        return ENDINGS.get(out.suffix.lower(), out.suffix)
    return Format.TEXT if on_terminal and out is None and not figure else Format.HTML


def report_on(settings: Settings, wanted: Asked, now: Callable[[], datetime]) -> Done:
    """What cannot work is refused before anything is counted, or remembered as passed on.

    Raises: ReportRefused, NoDatabase, WrongPeriod, PdfMissing, LedgerError; OSError when the file cannot be written.
    """
    local = settings.opening.local
    days = asked.between(wanted.first, wanted.end, local(now()).date())
    compare = asked.compare_from(wanted.compare)
    _refuse(settings, wanted)
    with closing(open_ledger(settings)) as ledger:
        order = Order(days, compare, _service(ledger), local)
        made = _passed_on(ledger, order, now()) if wanted.pass_on else making.made(ledger, order, now())
    body = written(made, wanted.as_, figure=wanted.figure)
    if wanted.out is None:
        return Done(body, "")
    save(wanted.out, body)
    return Done(None, _said(made, wanted.out))


def _passed_on(ledger: Ledger, order: Order, now: datetime) -> Report:
    built = making.to_pass_on(ledger, order, now)
    return ledger.write_now(lambda conn: making.remember(conn, built, None, now))


def _refuse(settings: Settings, wanted: Asked) -> None:
    if wanted.as_ is Format.PDF and not pdf.is_installed():
        raise PdfMissing
    refuse_no_database(settings)
    out = wanted.out
    if out is None:
        return
    if out.is_dir():
        raise ReportRefused(f"{out} is a folder. Name a file.")
    if out.exists() and out.samefile(settings.database):
        raise ReportRefused(f"{out} is the database. Name another file.")
    if not out.parent.is_dir():
        raise ReportRefused(f"There is no folder {out.parent}. Make it first.")
    if not os.access(out.parent, os.W_OK):
        raise ReportRefused(f"Nothing can be written in {out.parent}.")


def _service(ledger: Ledger) -> str:
    """The service's own name, as its live library says."""
    try:
        return Shelf(ledger).live().library.service.get("name") or NAMELESS
    except UnknownVersion:
        return NAMELESS


def _said(made: Report, out: Path) -> str:
    standing = "For use inside." if made.release is None else f"Passed on as number {made.release}."
    numbers = "number is" if made.hidden == 1 else "numbers are"
    return f"Wrote {out}. {standing} {made.hidden} {numbers} not told."
