"""Reports that were passed on. A report's cells are written before the row that seals them."""

_CELL = (
    "INSERT INTO released_cell VALUES ({release}, 'cases', 'concern', '{code}', '2021-11-01', '2022-11-01', {value})"
)
_SPLIT = "INSERT INTO released_split VALUES ({release}, '{kind}', 'concern', '2021-11-01', '2022-11-01')"
_DAYS = {"first": "'2021-11-01'", "end": "'2022-11-01'", "compared_first": "NULL", "compared_end": "NULL"}


def _cell(release: int = 1, code: str = "hate", value: str = "7") -> str:
    return _CELL.format(release=release, code=code, value=value)


def _split(release: int = 1, kind: str = "cases") -> str:
    return _SPLIT.format(release=release, kind=kind)


def _seal(number: int = 1, **days: str) -> str:
    return f"INSERT INTO released VALUES ({number}, {', '.join({**_DAYS, **days}.values())}, 1, 9)"


_OUT = (_split(), _cell(), _seal())
REFUSED = [
    ("released_from_a_day", (), _seal(first="'2021-13-01'")),
    ("released_to_a_later_day", (), _seal(end="'2021-11-01'")),
    ("released_compared_from_a_day", (), _seal(compared_first="'year'", compared_end="'2021-11-01'")),
    ("released_compared_is_before", (), _seal(compared_first="'2020-11-01'", compared_end="'2021-11-02'")),
    ("released_compared_has_both", (), _seal(compared_first="'2020-11-01'")),
    ("released_split_in_codes", (), _split(kind="Mr Smith")),
    ("released_in_codes", (), _cell(code="Mr Smith")),
    ("released_nothing_small", (), _cell(value="4")),
    ("released_split_before_its_report", _OUT, _split()),
    ("released_split_before_its_report", (), _split(release=2)),
    ("released_split_is_kept", _OUT, "UPDATE released_split SET kind = 'contacts'"),
    ("released_split_stays", _OUT, "DELETE FROM released_split"),
    ("released_cell_before_its_report", _OUT, _cell(code="nudes")),
    ("released_cell_before_its_report", (), _cell(release=2)),
    ("released_cell_once", (_cell(),), _cell(value="8").replace("INSERT", "INSERT OR REPLACE")),
    ("released_cell_is_kept", _OUT, "UPDATE released_cell SET value = 8"),
    ("released_cell_stays", _OUT, "DELETE FROM released_cell"),
    ("released_is_next", (), _seal(2)),
    ("released_is_next", _OUT, _seal(1).replace("INSERT", "INSERT OR REPLACE")),
    ("released_is_kept", _OUT, "UPDATE released SET at = 10"),
    ("released_stays", _OUT, "DELETE FROM released"),
]
