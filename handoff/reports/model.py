"""A report as values: sections with a table, perhaps a chart, and a sentence. No format is decided here."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from handoff.periods import Compare, Days

ENOUGH: Final = 5
"""Fewer cases than this are not shown: a small number may point at somebody."""
SCHEMA: Final = 1
"""Of the JSON a report is written as (docs/report.md). Counts up when a field changes its meaning or goes."""


class Hidden(StrEnum):
    """Stands where a number is, and is not told."""

    SMALL = "small"
    """It is small, or would give a small one away."""


HIDDEN: Final = Hidden.SMALL
Value = int | float | Hidden | None
"""`None`: there is nothing to tell (no case at all, or too few answered the question)."""


class Unit(StrEnum):
    """What a column's values are."""

    COUNT = "count"
    PERCENT = "percent"
    """0 to 100, one decimal."""
    CHANGE = "change"
    """Percent more or less than in the compared period."""
    SECONDS = "seconds"
    HOURS = "hours"
    RATIO = "ratio"
    """How many times as many as expected."""


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    label: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Row:
    """`values` in the order of the columns; `group` begins a part of the table where it changes ("" for one part)."""

    code: str
    label: str
    values: tuple[Value, ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a table stands on, printed with it. `n` of `of` could be told: the coverage is their quotient."""

    counts: str
    """What is counted: cases, contacts, takedowns."""
    n: Value
    of: Value
    taxonomy: int | None = None
    """The version of the categories it is told in, where it is told in categories."""


@dataclass(frozen=True, slots=True)
class Table:
    id: str
    title: str
    rows_are: str
    """What the first column is: Concern, Month."""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    basis: Basis
    total: Row | None = None
    notes: tuple[str, ...] = ()
    """What must be known to read it rightly: that shares overlap, what a route does to a platform's figure."""


class ChartKind(StrEnum):
    BARS = "bars"
    """One bar for each row."""
    COLUMNS = "columns"
    """One column for each row, in order of time."""
    GRID = "grid"
    """Rows by columns, the darker the more; the number stands in it."""


@dataclass(frozen=True, slots=True)
class Shade:
    """A stretch of time behind a chart over time: a school term. Both days are in it."""

    label: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Chart:
    """Drawn from the table beside it and from nothing else; `columns` are keys of its columns."""

    kind: ChartKind
    columns: tuple[str, ...]
    shades: tuple[Shade, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """`reading` says in one plain sentence what the table shows; `chapter` is the part of the report it stands in."""

    id: str
    chapter: str
    title: str
    reading: str
    table: Table
    chart: Chart | None = None


@dataclass(frozen=True, slots=True)
class Headline:
    """The figure of the year: one number, what it counts, and a few sentences for sharing."""

    figure: str
    says: str
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    service: str
    days: Days
    compare: Compare | None
    compared: Days | None
    made_at: datetime
    headline: Headline
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    """About the whole: what is counted, what is hidden, what is still open."""
    hidden: int = 0
    """How many numbers are not told."""
    release: int | None = None
    """The number under which it was passed on; None for one that is for use inside."""
