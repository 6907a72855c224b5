"""What was needed: whether to escalate, tools nobody told them of, where they were sent, and what the law reaches."""

from typing import Final

from handoff.reports import wording
from handoff.reports.arithmetic import number, percent
from handoff.reports.counts import UNSAID
from handoff.reports.model import Basis, Chart, ChartKind, Column, Row, Section, Table, Unit, Value
from handoff.reports.telling import SHARE, Asked, Telling, answers, by_one, ranked

CHAPTER: Final = "What was needed"
NOT_NOTED: Final = "Not noted"
NOT_KNOWN: Final = "Not known"
ESCALATIONS: Final = {
    "needed": "Had to be escalated",
    "clarified": "They asked, and it need not be",
    "not_a_question": "Not a question",
}
KNEW: Final = {"yes": "Knew of it", "no": "Did not know of it"}
SCOPES: Final = {"in_scope": "In scope", "out_of_scope": "Out of scope", "not_sure": "Not sure"}
TRAINING: Final = "training"
JUDGED: Final = (
    "This is what the adviser judged when closing the case. It is not legal advice and decides nothing in law."
)


def sections(telling: Telling) -> tuple[Section, ...]:
    return (
        _escalation(telling),
        _escalation_by_concern(telling),
        _knowledge(telling),
        _signposts(telling),
        _scope(telling),
        _ended(telling),
        _went(telling),
    )


def _escalation(telling: Telling) -> Section:
    note = "Escalated: to the police, children’s services or whoever else must be told. Noted by the adviser."
    asked = Asked("cases", "escalation", "escalation", "Cases by whether they had to be escalated", "Answer",
                  ESCALATIONS.__getitem__, tuple(ESCALATIONS), NOT_NOTED, notes=(note,))  # fmt: skip
    said = {"needed": "had to be escalated", "clarified": "only needed to know that it need not be"}
    reading = answers(telling, asked, "cases in which this was noted", said)
    return Section(
        "escalation", CHAPTER, "Whether to escalate", reading, by_one(telling, asked), Chart(ChartKind.BARS, ("n",))
    )


def _escalation_by_concern(telling: Telling) -> Section:
    name = wording.concern(telling.carried)
    split = ("concern", "escalation")
    found = [(code, telling.n("cases", ("concern",), code), None) for code in telling.codes("cases", "concern")]
    labels = {code: name(code) for code, _, _ in found} | {UNSAID: NOT_KNOWN}
    order = (*ESCALATIONS, UNSAID)
    unsaid = (UNSAID, telling.n("cases", ("concern",), UNSAID), None)
    rows = tuple(
        Row(code, labels[code], tuple(telling.n("cases", split, code, each) for each in order))
        for code, n, _ in (*ranked(found, labels), unsaid)
        if n != 0
    )
    columns = tuple(Column(code, ESCALATIONS.get(code, NOT_NOTED), Unit.COUNT) for code in order)
    n, of = telling.told("cases", "escalation")
    table = Table("escalation-concern", "Cases by main concern and whether they had to be escalated", "Main concern",
                  columns, rows, Basis("cases", n, of, telling.carried.version))  # fmt: skip
    told = [(n, row.label) for row in rows if row.code != UNSAID and (n := number(row.values[0]))]
    reading = "No concern can be told of which cases had to be escalated."
    if told:
        most, label = max(told, key=lambda each: each[0])
        reading = (
            f"Of the numbers that can be told, “{label}” had to be escalated most often: {wording.many(most, 'cases')}."
        )
    return Section("escalation-concern", CHAPTER, "Escalation by concern", reading, table)


def _knowledge(telling: Telling) -> Section:
    notes = (
        "Noted by the adviser where it came up: whether they knew of the platform’s tools to block, report or remove.",
        "Contacts were asked by the bot; that is another table.",
    )
    asked = Asked("cases", "knew_tools", "knew-tools", "Cases by knowledge of the tool", "Knowledge", KNEW.__getitem__,
                  tuple(KNEW), NOT_NOTED, notes=notes)  # fmt: skip
    said = {"no": "did not know of the tool that would have helped"}
    reading = answers(telling, asked, "cases in which this was noted", said)
    return Section(
        "knew-tools",
        CHAPTER,
        "Tools to block and report",
        reading,
        by_one(telling, asked),
        Chart(ChartKind.BARS, ("n",)),
    )


def _signposts(telling: Telling) -> Section:
    label = wording.label("signposts")
    found = [(code, telling.yes("cases", "signpost", code), None) for code in telling.named("cases", "signpost")]
    labels = {code: label(code) for code, _, _ in found}
    whole = telling.n("cases")
    rows = tuple(Row(code, labels[code], (n, percent(n, whole))) for code, n, _ in ranked(found, labels) if n != 0)
    columns = (Column("n", "Cases", Unit.COUNT), SHARE)
    notes = ("An enquirer may be sent to several services: these shares overlap.",)
    table = Table("signposts", "Cases by where they were sent", "Service", columns, rows, Basis("cases", whole, whole),
                  notes=notes)  # fmt: skip
    chart = Chart(ChartKind.BARS, ("n",))
    return Section("signposts", CHAPTER, "Training and other services", _sent(rows, whole), table, chart)


def _sent(rows: tuple[Row, ...], whole: Value) -> str:
    """Where most were sent, and to how many training was suggested."""
    told = {row.code: (row.label, n) for row in rows if (n := number(row.values[0]))}
    if not told:
        return wording.none_of(whole, "cases") or (wording.TOO_SMALL if rows else "Nobody was sent to another service.")
    label, n = next(iter(told.values()))
    most = f"Most often they were sent to “{label}”: {wording.many(n, 'cases')}{wording.share(percent(n, whole))}."
    if TRAINING not in told or told[TRAINING] == (label, n):
        return most
    return f"{most} Training was suggested in {wording.many(told[TRAINING][1], 'cases')}."


def _scope(telling: Telling) -> Section:
    title = "Cases by scope of the Online Safety Act 2023"
    asked = Asked("cases", "scope", "scope", title, "Scope", SCOPES.__getitem__, tuple(SCOPES), NOT_NOTED,
                  notes=(JUDGED,))  # fmt: skip
    said = {
        "in_scope": "were about content that the Act’s duties would reach",
        "out_of_scope": "about content that they would not",
    }
    reading = answers(telling, asked, "cases in which advisers judged this", said)
    return Section(
        "scope", CHAPTER, "The Online Safety Act", reading, by_one(telling, asked), Chart(ChartKind.BARS, ("n",))
    )


def _ended(telling: Telling) -> Section:
    label = wording.label("outcomes")
    own = {"left": "They left before it was closed", "given_back": "The bot went on with them"}
    asked = Asked("cases", "outcome", "outcome", "Cases by how they ended", "End",
                  lambda code: own.get(code) or label(code))  # fmt: skip
    table = by_one(telling, asked)
    return Section("outcome", CHAPTER, "How it ended", wording.leading(table, "cases", "end", telling.before), table)


def _went(telling: Telling) -> Section:
    asked = Asked("cases", "route", "route", "Cases by where they went on", "Went on to", wording.label("routes"),
                  unsaid=NOT_NOTED)  # fmt: skip
    table = by_one(telling, asked)
    return Section("route", CHAPTER, "Where it went", wording.leading(table, "cases", "way on", telling.before), table)
