"""Accounts, opening hours, what is kept how long, the privacy statement."""

from handoff.console import accounts, opening, own_account, statement
from handoff.console.area import Area, Group, Place
from handoff.domain import Role

AREA = Area(
    routes=(*accounts.ROUTES, *own_account.ROUTES, *opening.ROUTES, *statement.ROUTES),
    places=(
        Place("people", "People", accounts.LEADS, Group.SERVICE),
        Place("hours", "Opening hours", accounts.LEADS, Group.SERVICE),
        Place("privacy", "Privacy", frozenset(Role), Group.SERVICE),
    ),
    tells=("hours",),
)
