"""Accounts, opening hours, what is kept how long, the privacy statement."""

from handoff.console import accounts, opening, own_account, statement
from handoff.console.area import Area, Place
from handoff.domain import Role

AREA = Area(
    routes=(*accounts.ROUTES, *own_account.ROUTES, *opening.ROUTES, *statement.ROUTES),
    places=(
        Place("people", "People", accounts.LEADS),
        Place("hours", "Opening hours", accounts.LEADS),
        Place("privacy", "Privacy", frozenset(Role)),
    ),
    tells=("hours",),
)
