"""The list of what cases are about. A version's terms are written before the row that seals them."""

from handoff.domain import Role

WHO_MAY = {
    ("GET", "taxonomy"): {Role.LEAD, Role.EDITOR, Role.AUDITOR},
    ("GET", "taxonomy_new"): {Role.LEAD},
    ("POST", "taxonomy_new"): {Role.LEAD},
}

_TERM = "INSERT INTO taxonomy_term VALUES ({version}, '{code}', '{label}', {maps_to}, 1)"
_SEAL = "INSERT INTO taxonomy VALUES ({version}, 0, {by}, '{why}')"


def _term(version: int = 2, code: str = "fresh", label: str = "Fresh", maps_to: str = "'fresh'") -> str:
    return _TERM.format(version=version, code=code, label=label, maps_to=maps_to)


def _seal(version: int = 2, by: str = "1", why: str = "because") -> str:
    return _SEAL.format(version=version, by=by, why=why)


_ALL = ("INSERT INTO taxonomy_term SELECT 2, code, label, maps_to, place FROM taxonomy_term",)
REFUSED = [
    ("term_is_a_code", (), _term(code="Mr Smith", maps_to="NULL")),
    ("term_has_a_label", (), _term(label=" ")),
    ("term_before_its_version", (), _term(version=1)),
    ("term_before_its_version", (), _term(version=3)),
    ("term_is_new", _ALL, _term(code="hate", maps_to="NULL").replace("INSERT", "INSERT OR REPLACE")),
    ("term_maps_to_a_living_one", (), _term(maps_to="'nowhere'")),
    ("term_maps_to_a_living_one", (_term(code="gone", maps_to="NULL"),), _term(maps_to="'gone'")),
    ("term_is_kept", (), "UPDATE taxonomy_term SET label = 'Other' WHERE code = 'hate'"),
    ("term_stays", (), "DELETE FROM taxonomy_term"),
    ("taxonomy_says_why", _ALL, _seal(why=" ")),
    ("taxonomy_is_the_next", (), _seal(version=3)),
    ("taxonomy_is_the_next", _ALL, _seal(by="NULL")),
    ("taxonomy_is_the_next", (), _seal(version=1).replace("INSERT", "INSERT OR REPLACE")),
    ("taxonomy_leaves_no_code_behind", (), _seal()),
    ("taxonomy_leaves_no_code_behind", (_term(),), _seal()),
    ("taxonomy_is_kept", (), "UPDATE taxonomy SET why = 'other'"),
    ("taxonomy_stays", (), "DELETE FROM taxonomy"),
]
