"""Weeks in which there was more of something than usual. Only about how many times as many is told, never how many."""

from datetime import timedelta
from typing import Final

from handoff.reports import saying, wording
from handoff.reports.counts import UNSAID
from handoff.reports.model import HIDDEN, Basis, Column, Row, Section, Table, Unit
from handoff.reports.surges import RECENT, WEEKS, Look, Surge, What
from handoff.reports.telling import Telling

CHAPTER: Final = "How the service did"
SHOWN: Final = 10
STEPS: Final = (10.0, 5.0, 3.0, 2.0, 1.5, 1.2, 1.0)
"""What is told of how many times as many: exactly, it would be a quotient of two small numbers, and tell both."""
NOTES: Final = (
    f"A week is held against the {WEEKS} before it; a surge is one that chance would hardly bring about, and never of "
    "fewer than five cases. The largest are shown. One that lasts is told once, in its first week.",
    "How many times as many is told in steps: 1, 1.2, 1.5, 2, 3, 5, 10; 10 also where there had been none.",
    "A surge of which a number is hidden elsewhere in this report is left out.",
)


def sections(telling: Telling, look: Look) -> tuple[Section, ...]:
    told = [surge for surge in look.surges if _may_be_told(telling, surge.what)]
    largest = sorted(told, key=lambda surge: (-_at_least(surge), surge.last, surge.what))[:SHOWN]
    rows = tuple(_row(telling, surge) for surge in sorted(largest, key=lambda surge: (surge.last, surge.what)))
    columns = (Column("ratio", "As many as expected, at least", Unit.RATIO),)
    n = telling.n("cases")
    table = Table("surges", "Weeks with far more of something than usual", "What, where and when", columns, rows,
                  Basis("cases", n, n, telling.carried.version), notes=NOTES)  # fmt: skip
    return (Section("surges", CHAPTER, "Surges", _reading(rows, look), table),)


def _may_be_told(telling: Telling, what: What) -> bool:
    """A surge is five cases or more: where a number is hidden, that would already say something of it."""
    return HIDDEN not in (
        telling.n("cases", ("concern", "platform"), what.concern, what.platform),
        telling.n("cases", ("nation",), what.nation),
    )


def _at_least(surge: Surge) -> float:
    return next((step for step in STEPS if surge.ratio is None or surge.ratio >= step), STEPS[-1])


def _row(telling: Telling, surge: Surge) -> Row:
    what, begins = surge.what, surge.last - timedelta(days=RECENT - 1)
    concern = "No concern known" if what.concern == UNSAID else wording.concern(telling.carried)(what.concern)
    platform = "" if what.platform == UNSAID else f" on {wording.label('platforms')(what.platform)}"
    nation = "" if what.nation == UNSAID else f", {wording.label('nations')(what.nation)}"
    label = f"{concern}{platform}{nation}, week from {saying.day(begins)}"
    return Row(f"{what.concern}.{what.platform}.{what.nation}.{surge.last}", label, (_at_least(surge),))


def _reading(rows: tuple[Row, ...], look: Look) -> str:
    if not look.is_enough:
        return f"There is not enough history to say what was unusual: {WEEKS} weeks before a whole week of the period."
    if not rows:
        return "In no week was there far more of anything than usual, as far as that can be told."
    told = [(float(value), row.label) for row in rows if isinstance(value := row.values[0], int | float)]
    most = max(ratio for ratio, _ in told)
    first = [label for ratio, label in told if ratio == most]
    of_it = f"at least {saying.said(most, Unit.RATIO).removesuffix(' ×')} times what was expected"
    if first[1:]:
        return f"Of the {len(rows)} that can be told, {len(first)} were {of_it}: “{first[0]}”, for one."
    return f"The steepest was “{first[0]}”: {of_it}."
