"""The list of what cases are about: its versions, what became of retired terms, and how a lead makes a new version."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from aiohttp import web

from handoff import taxonomy
from handoff.console.area import Area, Group, Place, Route
from handoff.console.asking import number_of, see
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.render import page
from handoff.desk import last_event
from handoff.domain import Role
from handoff.taxonomy import NewerVersion, Problem, Term, Version

KEEP: Final = "keep"
NOTHING: Final = "nothing"
NEW_ROWS: Final = 3
LOOKERS: Final = frozenset({Role.LEAD, Role.EDITOR, Role.AUDITOR})
LEADS: Final = frozenset({Role.LEAD})


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the form: what a term is to be called, and what becomes of it."""

    code: str
    label: str
    fate: str
    """`keep`, `nothing`, or the code it is counted as from now on."""

    @property
    def term(self) -> Term:
        kept_as = {KEEP: self.code, NOTHING: None}
        return Term(self.code, self.label, kept_as.get(self.fate, self.fate))


async def versions(request: web.Request) -> web.Response:
    reader = parts_of(request).ledger.reader()
    every = taxonomy.versions(reader)
    living = taxonomy.living(reader)
    retired = [(term, version.number) for version in every for term in version.retired]
    return page(
        request,
        "taxonomy.html",
        seq=last_event(reader),
        newest=every[0],
        history=[(after, taxonomy.changes(before, after)) for after, before in pairwise(every)],
        first=every[-1],
        living=living,
        crosswalk=[(term, number, taxonomy.as_of_now(reader, term.code)) for term, number in retired],
        may_make=session_of(request).adviser.role in LEADS,
    )


async def new_version(request: web.Request) -> web.Response:
    newest = taxonomy.newest(parts_of(request).ledger.reader())
    return _form(request, newest, [Line(term.code, term.label, KEEP) for term in newest.living])


async def make_version(request: web.Request) -> web.Response:
    """The whole new list at once; what is wrong with it comes back with everything that was written."""
    form = await form_of(request)
    parts, me, now = parts_of(request), session_of(request).adviser, parts_of(request).now()
    base, reader = number_of(form, "base"), parts.ledger.reader()
    newest = taxonomy.newest(reader)
    is_newer = base != newest.number
    lines = [_line(form, term, KEEP if is_newer else "") for term in newest.living]
    added = _added(form)
    why, masked = parts.mask(form.get("why", "").replace("\r\n", "\n"))
    terms = [line.term for line in (*lines, *added)]
    if is_newer:
        return _form(request, newest, lines, added, why, status=409, is_newer=True)
    wrong = taxonomy.problems(newest, taxonomy.used(reader), terms, why)
    if wrong or masked:
        return _form(request, newest, lines, added, why, status=422, wrong=wrong, masked=masked)
    try:
        await parts.ledger.write(lambda conn: taxonomy.make(conn, base, terms, why, me.id, now))
    except NewerVersion:
        return _form(request, taxonomy.newest(reader), lines, added, why, status=409, is_newer=True)
    return see(request, "taxonomy")


def _line(form: Mapping[str, str], term: Term, unsaid: str) -> Line:
    return Line(term.code, form.get(f"label.{term.code}", term.label), form.get(f"fate.{term.code}", unsaid))


def _added(form: Mapping[str, str]) -> list[Line]:
    rows = [
        Line(form.get(f"new_code.{row}", "").strip(), form.get(f"new_label.{row}", ""), KEEP)
        for row in range(1, NEW_ROWS + 1)
    ]
    return [line for line in rows if line.code or line.label.strip()]


def _form(
    request: web.Request,
    newest: Version,
    lines: list[Line],
    added: list[Line] | None = None,
    why: str = "",
    *,
    status: int = 200,
    wrong: tuple[Problem, ...] = (),
    masked: tuple[str, ...] = (),
    is_newer: bool = False,
) -> web.Response:
    rows = [*(added or []), *(Line("", "", KEEP) for _ in range(NEW_ROWS))][:NEW_ROWS]
    return page(
        request,
        "taxonomy_new.html",
        status,
        seq=last_event(parts_of(request).ledger.reader()),
        newest=newest,
        lines=lines,
        added=rows,
        why=why,
        wrong=wrong,
        masked=masked,
        is_newer=is_newer,
        most=taxonomy.MAX_WHY_CHARACTERS,
        longest=taxonomy.MAX_LABEL_CHARACTERS,
    )


AREA = Area(
    routes=(
        Route("GET", "/taxonomy", "taxonomy", versions, LOOKERS),
        Route("GET", "/taxonomy/new", "taxonomy_new", new_version, LEADS),
        Route("POST", "/taxonomy/new", "taxonomy_new", make_version, LEADS),
    ),
    places=(Place("taxonomy", "Categories", LOOKERS, Group.SERVICE),),
    tells=("taxonomy",),
)
