"""What each area of the desk promises, gathered: who may use its routes, and what the database refuses it.

One module for each area, with `WHO_MAY` and, where it brought tables, `REFUSED` (see test_handoff_schema.py).
"""

from importlib import import_module
from pathlib import Path

from handoff.domain import Role

HOLD = {Role.ADVISER, Role.SENIOR, Role.LEAD}
SENIORS = {Role.SENIOR, Role.LEAD}
EVERYBODY = {*Role, None}
"""None stands for somebody who is not logged in."""
MODULES = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def gathered_who_may() -> dict[tuple[str, str], set[Role | None]]:
    """(method, route name) -> roles. Written out on purpose: a route added or opened must be added or opened here."""
    return {key: roles for module in _all("WHO_MAY") for key, roles in module.items()}


def gathered_refused() -> list[tuple[str, tuple[str, ...], str]]:
    """(guard, statements before, the statement that is refused)."""
    return [case for module in _all("REFUSED") for case in module]


def _all(name: str) -> list:
    return [
        getattr(import_module(f"tests.areas.{module}"), name)
        for module in MODULES
        if hasattr(import_module(f"tests.areas.{module}"), name)
    ]
