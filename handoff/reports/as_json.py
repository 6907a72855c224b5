"""A report as JSON, in the shape that docs/report.md and docs/report.schema.json describe."""

import json
from collections.abc import Mapping

from handoff.periods import Days
from handoff.reports.model import SCHEMA, Basis, Chart, Hidden, Report, Row, Section, Table, Value


def as_json(report: Report) -> str:
    """Indented, so that two reports can be held against each other line by line; ends with a newline."""
    return json.dumps(as_data(report), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def as_data(report: Report) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "service": report.service,
        "period": _days(report.days),
        "compare": report.compare.value if report.compare else None,
        "compared": _days(report.compared) if report.compared else None,
        "made_at": report.made_at.isoformat(),
        "release": report.release,
        "hidden": report.hidden,
        "headline": {
            "figure": report.headline.figure,
            "says": report.headline.says,
            "beside": list(report.headline.beside),
        },
        "sections": [_section(each) for each in report.sections],
        "notes": list(report.notes),
    }


def _days(days: Days) -> dict[str, object]:
    return {"first": days.first.isoformat(), "last": days.last.isoformat()}


def _section(section: Section) -> dict[str, object]:
    return {
        "id": section.id,
        "chapter": section.chapter,
        "title": section.title,
        "reading": section.reading,
        "table": _table(section.table),
        "chart": _chart(section.chart) if section.chart else None,
    }


def _table(table: Table) -> dict[str, object]:
    return {
        "id": table.id,
        "title": table.title,
        "rows_are": table.rows_are,
        "columns": [{"key": each.key, "label": each.label, "unit": each.unit.value} for each in table.columns],
        "rows": [_row(table, each) for each in table.rows],
        "total": _row(table, table.total) if table.total else None,
        "basis": _basis(table.basis),
        "notes": list(table.notes),
    }


def _row(table: Table, row: Row) -> dict[str, object]:
    """What is not told is null among the values, and named in `hidden`; a null that is not named had no data."""
    values: Mapping[str, Value] = {column.key: value for column, value in zip(table.columns, row.values, strict=True)}
    return {
        "code": row.code,
        "label": row.label,
        "group": row.group,
        "values": {key: _number(value) for key, value in values.items()},
        "hidden": _hidden(values),
    }


def _basis(basis: Basis) -> dict[str, object]:
    stands: Mapping[str, Value] = {"n": basis.n, "of": basis.of}
    numbers = {key: _number(value) for key, value in stands.items()}
    return {"counts": basis.counts, **numbers, "hidden": _hidden(stands), "taxonomy": basis.taxonomy}


def _chart(chart: Chart) -> dict[str, object]:
    return {
        "kind": chart.kind.value,
        "columns": list(chart.columns),
        "shades": [
            {"label": each.label, "first": each.first.isoformat(), "last": each.last.isoformat()}
            for each in chart.shades
        ],
    }


def _hidden(values: Mapping[str, Value]) -> list[str]:
    return [key for key, value in values.items() if isinstance(value, Hidden)]


def _number(value: Value) -> int | float | None:
    return None if isinstance(value, Hidden) else value
