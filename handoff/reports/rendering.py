"""A report becomes HTML: one file that stands alone and prints, or a part of a page of the desk."""

import hashlib
from base64 import b64encode
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from handoff.periods import Days
from handoff.reports import saying
from handoff.reports.charts import MIDDLE, NARROW, WIDE, chart_of
from handoff.reports.figure import figure_of
from handoff.reports.model import ChartKind, Report, Row, Section

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
"""The style of a report: inside a file that stands alone, a file of its own at the desk."""
MANY_COLUMNS: Final = 8
FEW_ROWS: Final = 12
"""A table with no more of them goes on one page of paper."""
KINDS: Final = {12: "Annual report", 3: "Quarterly report", 1: "Monthly report"}
"""By how many whole months a report is about."""


def html(report: Report) -> str:
    """A file that stands alone: its style inside, nothing fetched, nothing run (its own policy forbids it)."""
    return _whole("report.html", report, _style("report.css") + _running(report))


def body(report: Report, top: int = 2) -> Markup:
    """The report as part of a page: classes and attributes only. Its title is a heading of level `top`."""
    return Markup(_environment().get_template("_report.html").render(_values(report), top=top))  # noqa: S704  autoescaped


def figure_html(report: Report) -> str:
    """The figure of the year on a square page that stands alone."""
    return _whole("figure.html", report, _style("figure.css"), picture=Markup(figure_of(report)))  # noqa: S704


def kind_of(days: Days) -> str:
    """What a report on these days is called."""
    return KINDS.get(len(days.months()), "Report") if days.is_of_whole_months else "Report"


def standing(report: Report) -> str:
    """Whether it may leave the house; on every page."""
    return "For use inside" if report.release is None else f"Passed on as number {report.release}"


# --- within ----------------------------------------------------------------------------------------------------------


def _whole(template: str, report: Report, style: str, **more: object) -> str:
    mark = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    values = {"style": Markup(style), "style_mark": mark, "top": 1, **more}  # noqa: S704  our own file, see _quoted
    return _environment().get_template(template).render(_values(report), **values)


def _values(report: Report) -> dict[str, object]:
    return {
        "report": report,
        "kind": kind_of(report.days),
        "standing": standing(report),
        "chapters": _chapters(report.sections),
    }


def _chapters(sections: tuple[Section, ...]) -> list[tuple[str, list[Section]]]:
    """Each chapter with its sections, both in the order in which they come first."""
    found: dict[str, list[Section]] = {}
    for section in sections:
        found.setdefault(section.chapter, []).append(section)
    return list(found.items())


def _running(report: Report) -> str:
    """What stands on every page but the first, on paper."""
    head = _quoted(f"{report.service} · {saying.days(report.days)}")
    invented = " · Demonstration: every number is invented" if saying.INVENTED in report.notes else ""
    foot = f"@bottom-left {{ content: {_quoted(standing(report) + invented)} }}"
    return f"@page {{ @top-left {{ content: {head} }} {foot} }}\n@page inside {{ {foot} }}\n"


def _quoted(text: str) -> str:
    """A string of CSS that ends neither itself nor the style around it. An escape takes the space after it with it (CSS
    Syntax 3, 4.3.7), so each has one of its own."""
    return '"' + "".join(each if each.isalnum() or each in " ·,.-’" else f"\\{ord(each):06x} " for each in text) + '"'


def _pictures(section: Section) -> list[tuple[str, Markup]]:
    """The chart for each width of a screen. A grid is not made narrow: it is moved under the finger."""
    chart = section.chart
    if chart is None:
        return []
    widths = {"all": WIDE} if chart.kind is ChartKind.GRID else {"wide": WIDE, "middle": MIDDLE, "narrow": NARROW}
    return [
        (name, Markup(chart_of(section.table, chart, section.reading, width)))  # noqa: S704  charts escape words
        for name, width in widths.items()
    ]


@cache
def _style(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {"pictures": _pictures, "many": MANY_COLUMNS, "few": FEW_ROWS, "not_told": saying.NOT_TOLD}
    environment.globals["invented"] = saying.INVENTED
    environment.filters |= {
        "said": saying.said,
        "day": saying.day,
        "days": saying.days,
        "coverage": _coverage,
        "in_groups": _in_groups,
    }
    return environment


def _in_groups(rows: tuple[Row, ...]) -> list[tuple[str, list[Row]]]:
    """The rows with the name of each stretch that shares a group; the same name may come again."""
    return [(name, list(found)) for name, found in groupby(rows, key=lambda row: row.group)]


def _coverage(section: Section) -> str:
    return saying.coverage(section.table.basis.n, section.table.basis.of)
