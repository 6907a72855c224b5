"""A report that was kept as JSON becomes the same report again: what was passed on is fetched a second time."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from handoff.errors import HandoffError
from handoff.periods import Compare, Days
from handoff.reports.model import (
    HIDDEN,
    SCHEMA,
    Basis,
    Chart,
    ChartKind,
    Column,
    Headline,
    Report,
    Row,
    Section,
    Shade,
    Table,
    Unit,
    Value,
)


class OtherSchema(HandoffError):
    """The report was written in another version of its format than this Firstline reads."""


def report_from(text: str) -> Report:
    """What `as_json` made of a report. Raises: OtherSchema."""
    data = json.loads(text)
    if data["schema"] != SCHEMA:
        raise OtherSchema
    return Report(
        service=data["service"],
        days=_days(data["period"]),
        compare=Compare(data["compare"]) if data["compare"] else None,
        compared=_days(data["compared"]) if data["compared"] else None,
        made_at=datetime.fromisoformat(data["made_at"]),
        headline=_headline(data["headline"]),
        sections=tuple(_section(each) for each in data["sections"]),
        notes=tuple(data["notes"]),
        hidden=data["hidden"],
        release=data["release"],
    )


def _days(data: Mapping[str, str]) -> Days:
    return Days(date.fromisoformat(data["first"]), date.fromisoformat(data["last"]) + timedelta(days=1))


def _headline(data: Mapping[str, Any]) -> Headline:
    return Headline(data["figure"], data["says"], tuple(data["beside"]))


def _section(data: Mapping[str, Any]) -> Section:
    chart = _chart(data["chart"]) if data["chart"] else None
    return Section(data["id"], data["chapter"], data["title"], data["reading"], _table(data["table"]), chart)


def _table(data: Mapping[str, Any]) -> Table:
    columns = tuple(Column(each["key"], each["label"], Unit(each["unit"])) for each in data["columns"])
    return Table(
        data["id"],
        data["title"],
        data["rows_are"],
        columns,
        tuple(_row(each, columns) for each in data["rows"]),
        _basis(data["basis"]),
        _row(data["total"], columns) if data["total"] else None,
        tuple(data["notes"]),
    )


def _row(data: Mapping[str, Any], columns: Sequence[Column]) -> Row:
    values = tuple(_value(data["values"], data["hidden"], each.key) for each in columns)
    return Row(data["code"], data["label"], values, data["group"])


def _basis(data: Mapping[str, Any]) -> Basis:
    n, of = (_value(data, data["hidden"], name) for name in ("n", "of"))
    return Basis(data["counts"], n, of, data["taxonomy"])


def _value(values: Mapping[str, Any], hidden: Sequence[str], key: str) -> Value:
    found: Value = HIDDEN if key in hidden else values[key]
    return found


def _chart(data: Mapping[str, Any]) -> Chart:
    shades = tuple(
        Shade(each["label"], date.fromisoformat(each["first"]), date.fromisoformat(each["last"]))
        for each in data["shades"]
    )
    return Chart(ChartKind(data["kind"]), tuple(data["columns"]), shades)
