"""What became of what was reported to platforms."""

from typing import Final

from handoff.reports import saying, wording
from handoff.reports.arithmetic import number, percent, total
from handoff.reports.chapters.where import ROUTE
from handoff.reports.counting import Lengths
from handoff.reports.measures import together
from handoff.reports.model import Basis, Column, Row, Section, Table, Unit, Value
from handoff.reports.telling import Asked, Telling, answers, by_one, middle_and_most, ranked

CHAPTER: Final = "Reports to platforms"
RESULTS: Final = {
    "within_72": "Gone within 72 hours",
    "later": "Gone later",
    "still_there": "Still there, wholly or partly",
    "with_platform": "With the platform",
    "not_known": "Withdrawn, or not known",
}
SEEN: Final = "The time ends when somebody saw that it was gone, which may be some time after it went."
FOLLOWED: Final = "Only what was reported and then followed up by the service is counted here."
KINDS: Final = {
    "post": "Post", "account": "Account", "video": "Video", "comment": "Comment", "image": "Image", "group": "Group",
    "other": "Something else",
}  # fmt: skip
COLUMNS: Final = (
    *(Column(code, label, Unit.COUNT) for code, label in RESULTS.items()),
    Column("gone", "Gone, in all", Unit.PERCENT),
    Column("middle", "Half were gone within", Unit.HOURS),
)


def sections(telling: Telling) -> tuple[Section, ...]:
    return (_removed(telling), _things(telling), _by_us(telling))


def _removed(telling: Telling) -> Section:
    label = wording.label("platforms")
    found = [
        (code, telling.n("takedowns", ("platform",), code), None) for code in telling.codes("takedowns", "platform")
    ]
    labels = {code: label(code) for code, _, _ in found}
    rows = tuple(_platform(telling, code, labels[code], n) for code, n, _ in ranked(found, labels) if n != 0)
    whole = telling.n("takedowns")
    every = [telling.n("takedowns", ("result",), code) for code in RESULTS]
    all_rows = Row("total", "All platforms", (whole, *_values(every, whole, together(telling.now.removals.values()))))
    table = Table("takedowns", "Reports to platforms, and what became of them", "Platform",
                  (Column("n", "Reported", Unit.COUNT), *COLUMNS), rows, Basis("reports to platforms", whole, whole),
                  all_rows, (ROUTE, SEEN, FOLLOWED))  # fmt: skip
    return Section("takedowns", CHAPTER, "What was removed", _reading(whole, all_rows), table)


def _platform(telling: Telling, code: str, label: str, n: Value) -> Row:
    parts = [telling.n("takedowns", ("platform", "result"), code, each) for each in RESULTS]
    return Row(code, label, (n, *_values(parts, n, telling.now.removals.get(code, ()))))


def _values(parts: list[Value], whole: Value, hours: Lengths) -> tuple[Value, ...]:
    gone = total(*parts[:2])
    return (*parts, percent(gone, whole), middle_and_most(gone, hours)[0])


def _reading(whole: Value, row: Row) -> str:
    if nothing := wording.none_of(whole, "takedowns"):
        return nothing
    n, soon, gone = number(whole) or 0, number(row.values[1]), row.values[-2]
    begin = f"Of {wording.many(n, 'takedowns')},"
    if not isinstance(gone, int | float):
        return f"{begin} it cannot be told how many were removed: {wording.TOO_SMALL[0].lower()}{wording.TOO_SMALL[1:]}"
    within = f", {soon:,} of them within 72 hours" if soon is not None else ""
    return f"{begin} {saying.said(gone, Unit.PERCENT)} were removed{within}."


def _things(telling: Telling) -> Section:
    asked = Asked(
        "takedowns", "what", "things", "Reports to platforms by what was reported", "Thing", KINDS.__getitem__
    )
    table = by_one(telling, asked)
    return Section(
        "things", CHAPTER, "What was reported", wording.leading(table, "takedowns", "thing", telling.before), table
    )


def _by_us(telling: Telling) -> Section:
    labels = {"yes": "The service asked the platform as well", "no": "Reported by the enquirer alone"}
    title = "Reports to platforms by who asked"
    asked = Asked("takedowns", "on_behalf", "on-behalf", title, "Who asked", labels.__getitem__, ("no", "yes"))
    said = {"yes": "were put to the platform by the service as well"}
    reading = answers(telling, asked, "reports to platforms", said)
    return Section("on-behalf", CHAPTER, "Asked on their behalf", reading, by_one(telling, asked))
