"""The tables of the queue and the desk, in the order in which they came. An old migration is never edited.

Every trigger that refuses raises its own name. Times are unix milliseconds (UTC). Columns of type BLOB hold sealed
words or keyed hashes; every other TEXT column holds a code or an adviser's own account.
"""
# ruff: noqa: I001 - importing registers, and the order of these lines is the order of the tables

from handoff.migrations import queue as queue
from handoff.migrations import lanes as lanes
from handoff.migrations import chain as chain
from handoff.migrations import hours as hours
from handoff.migrations import accounts as accounts
from handoff.migrations import closing as closing
from handoff.migrations import insertions as insertions
from handoff.migrations import decisions as decisions
from handoff.migrations import practice as practice
from handoff.migrations import takedowns as takedowns
from handoff.migrations import people as people
from handoff.migrations import watching as watching
from handoff.migrations import notifications as notifications
from handoff.migrations import contacts as contacts
from handoff.migrations import facts as facts
from handoff.migrations import releases as releases
from handoff.migrations import kept_reports as kept_reports
from handoff.migrations import terms as terms
from handoff.migrations import retention as retention
from handoff.migrations import views as views
from handoff.migrations import access as access
from handoff.migrations.register import migrations

__all__ = ["migrations"]
