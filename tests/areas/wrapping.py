"""Closing a case."""

from tests.areas import HOLD
from tests.schema_steps import ACTIVE, CLOSE, WRAPPED

WHO_MAY = {
    ("GET", "wrap_up"): HOLD,
    ("POST", "wrap_up"): HOLD,
    ("POST", "close"): HOLD,
}

_TERM = "INSERT INTO case_term VALUES (1, {term}, {primary}, {taxonomy})"


def _term(term: str = "'hate'", primary: int = 1, taxonomy: int = 1) -> str:
    return _TERM.format(term=term, primary=primary, taxonomy=taxonomy)


def closing(**more: object) -> str:
    values = {"case": 1, "adviser": 1, "signposts": "'[]'", "follow_up": 0, "feedback": 0, "at": 0, **more}
    columns = ", ".join(f'"{name}"' for name in values)
    return f"INSERT INTO closing ({columns}) VALUES ({', '.join(map(str, values.values()))})"


_SAID = (*WRAPPED, _term(), closing())
_ENDED = (*_SAID, CLOSE.replace("'x'", "'hate'"))
REFUSED = [
    ("primary_is_yes_or_no", WRAPPED, _term(primary=2)),
    ("case_term_in_wrap_up", ACTIVE, _term()),
    ("case_term_in_wrap_up", _ENDED, _term("'threats'", 0)),
    ("case_term_in_wrap_up", _SAID, _term("'threats'")),
    ("case_term_in_wrap_up", _SAID, _term(primary=0).replace("INSERT", "INSERT OR REPLACE")),
    ("case_term_lives", WRAPPED, _term("'never_heard_of'")),
    ("case_term_lives", WRAPPED, _term(taxonomy=2)),
    ("case_term_is_kept", _ENDED, "UPDATE case_term SET term = 'threats'"),
    ("case_term_stays_with_its_case", _ENDED, "DELETE FROM case_term"),
    ("closing_knows_the_nation", WRAPPED, closing(nation="'narnia'")),
    ("known_escalation", WRAPPED, closing(escalation="'perhaps'")),
    ("known_knowledge", WRAPPED, closing(knew_tools="'perhaps'")),
    ("urls_in_reason", WRAPPED, closing(urls=-1)),
    ("urls_in_reason", WRAPPED, closing(urls=1001)),
    ("signposts_are_codes", WRAPPED, closing(signposts="'[\"Mr Smith\"]'")),
    ("signposts_are_codes", WRAPPED, closing(signposts="'posh'")),
    ("follow_up_is_yes_or_no", WRAPPED, closing(follow_up=2)),
    ("feedback_is_yes_or_no", WRAPPED, closing(feedback=2)),
    ("closing_in_codes", WRAPPED, closing(setting="'Mr Smith'")),
    ("closing_in_wrap_up", ACTIVE, closing()),
    ("closing_in_wrap_up", WRAPPED, closing(adviser=2)),
    ("closing_in_wrap_up", _SAID, closing(urls=3).replace("INSERT", "INSERT OR REPLACE")),
    ("closing_is_kept", _ENDED, "UPDATE closing SET urls = 3"),
    ("closing_stays_with_its_case", _ENDED, "DELETE FROM closing"),
    ("queue_item_closed_as_its_term", _SAID, CLOSE),
    ("queue_item_closed_as_its_term", (*WRAPPED, _term(primary=0)), CLOSE.replace("'x'", "'hate'")),
]
