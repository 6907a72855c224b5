"""`content/<kind>/<id>.md`: front matter and sections as Pages and Terms."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath

from bot.library.complaints import did_you_mean, one_of
from bot.library.form import Form, items_of, table_of
from bot.library.loading import LANGUAGES, Loading
from bot.library.marked import Scalar, Table, read
from bot.library.model import Page, PageStatus, Section, Source, Term, Where
from bot.library.taxonomy import CONCERNS, HEADINGS, KIND_OF_FOLDER, NATIONS, OUTCOMES
from bot.library.texts import check_text

PAGE_ID = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_FENCE = re.compile(r"^(?:```|~~~)")
_HEADING = re.compile(r"^(#{1,2})[ \t]+(.*?)[ \t]*#*$")
_DETAILS: Mapping[str, tuple[str, ...]] = {
    "service": ("phone", "hours", "url", "who_for", "email", "name"),
    "platform": ("min_age", "help_url"),
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "guidance": ("concerns", "nations", "outcome"),
    "platform": ("min_age", "help_url"),
    "service": ("who_for",),
    "law": ("nations",),
    "threshold": ("concerns", "nations", "framework", "routes"),
}
NO_DATE = date.min


@dataclass(slots=True)
class ContentReader:
    """Reads every page; a page `x.cy.md` is kept under the key `x.cy`."""

    loading: Loading
    pages: dict[str, Page] = field(default_factory=dict)
    terms: dict[str, Term] = field(default_factory=dict)

    def read(self, file: str, text: str) -> None:
        complaints = self.loading.complaints
        parts = PurePosixPath(file).parts
        kind = KIND_OF_FOLDER.get(parts[1]) if len(parts) == 3 else None
        if kind is None:
            fix = one_of(f"content/{folder}/" for folder in KIND_OF_FOLDER)
            complaints.error(Where(file, 1), "page-kind", "a page in a folder that has no kind", fix)
            return
        key = parts[2].removesuffix(".md")
        front, body_line = _front_matter(text)
        table = read(file, front, complaints) if front is not None else None
        if front is None or not isinstance(table, Table):
            message = "the page does not begin with front matter"
            complaints.error(Where(file, 1), "front-matter", message, "begin with --- lines round id:, kind:, title:")
            return
        page = _PageReader(file, key, kind, Form(table, "the front matter", complaints), self.loading)
        if kind == "term":
            self.terms[key] = page.term()
        elif key in self.pages:
            message = f"page '{key}' is here twice (first in {self.pages[key].where.file})"
            complaints.error(page.where, "duplicate-page", message, "choose another id")
        else:
            self.pages[key] = page.page(text, body_line)

    def check_translations(self) -> None:
        """Every `x.cy` has its `x`, with as many headings."""
        for key, page in self.pages.items():
            original_id, dot, _ = key.rpartition(".")
            original = self.pages.get(original_id)
            if dot and original is None:
                english = [known for known in self.pages if "." not in known]
                fix = did_you_mean(original_id, english, "write the English page first")
                message = f"a translation of '{original_id}', which does not exist"
                self.loading.complaints.error(page.where, "no-original", message, fix)
            elif dot and original and len(original.sections) != len(page.sections):
                message = f"{len(page.sections)} headings, but {len(original.sections)} in English"
                self.loading.complaints.error(page.where, "heading", message, "keep the headings in the same order")


def _front_matter(text: str) -> tuple[str | None, int]:
    """(the front matter, its lines numbered as in the file; the 1-based line the body begins at)."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return None, 1
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == "---":
            return "\n".join(["", *lines[1:number]]), number + 2
    return None, 1


class _PageReader:
    """Reads one page's front matter and sections."""

    def __init__(self, file: str, key: str, kind: str, form: Form, loading: Loading) -> None:
        self.file = file
        self.key = key
        self.kind = kind
        self.form = form
        self.loading = loading
        self.complaints = loading.complaints
        self.where = Where(file, 1)
        self.headings: dict[str, Where] = {}
        self.name, _, language = key.partition(".")
        self.language = language or "en"
        if self.language not in LANGUAGES:
            self.complaints.error(
                self.where, "language", f"the language '{language}' is not declared", one_of(LANGUAGES)
            )

    def page(self, text: str, body_line: int) -> Page:
        self.head()
        form = self.form
        required = _REQUIRED.get(self.kind, ())
        status, sources, verify = self.evidence()
        page = Page(
            id=self.name,
            kind=self.kind,
            title=form.text("title", required=True) or "",
            sections=tuple(self.sections(text, body_line)),
            sources=sources,
            status=status,
            review_by=form.day("review_by", required=True) or NO_DATE,
            owner=form.text("owner", required=True) or "",
            where=self.where,
            concerns=form.choices("concerns", CONCERNS, required="concerns" in required),
            nations=form.choices("nations", NATIONS, required="nations" in required),
            outcome=form.choice("outcome", OUTCOMES, required="outcome" in required),
            verify=verify,
            details=self.details(required),
            language=self.language,
            framework=form.text("framework", required="framework" in required) if self.is_threshold else None,
            routes=self.routes() if self.is_threshold else {},
        )
        form.close()
        self.check_headings(page)
        return page

    def term(self) -> Term:
        self.head()
        form = self.form
        status, sources, verify = self.evidence()
        form.text("title", required=True)
        review_by = form.day("review_by", required=True) or NO_DATE
        owner = form.text("owner", required=True) or ""
        default = form.text("default", required=True) or ""
        by_nation = {nation: form.text(nation, required=True) or default for nation in NATIONS}
        form.close()
        return Term(self.name, default, by_nation, self.where, sources, status, review_by, owner, verify)

    def head(self) -> None:
        """The id is the file's name, the kind is the folder's."""
        named = self.form.scalar("id", required=True)
        if (named and named.text != self.name) or not PAGE_ID.fullmatch(self.name):
            message = f"the id is not the file's name '{self.name}'"
            fix = f"write id: {self.name}; small letters, digits and - only"
            self.complaints.error(named.where if named else self.where, "page-id", message, fix)
        kind = self.form.scalar("kind", required=True)
        if kind and kind.text != self.kind:
            message = f"kind '{kind.text}' in a folder for '{self.kind}'"
            self.complaints.error(kind.where, "page-kind", message, f"write kind: {self.kind}, or move the file")

    def details(self, required: tuple[str, ...]) -> Mapping[str, str]:
        keys = _DETAILS.get(self.kind, ())
        details = {key: self.form.scalar(key, required=key in required) for key in keys}
        for scalar in filter(None, details.values()):
            check_text(scalar, "", self.loading)
        return {key: scalar.text for key, scalar in details.items() if scalar}

    @property
    def is_threshold(self) -> bool:
        return self.kind == "threshold"

    def routes(self) -> Mapping[str, str]:
        """Each rule, which is a heading of the page, with the outcome it leads to."""
        table = table_of(self.form.value("routes", required=True), "'routes'", self.complaints)
        routes = Form(table, "'routes'", self.complaints) if table else None
        chosen = {entry.key: routes.choice(entry.key, OUTCOMES) for entry in table or () if routes}
        return {rule: outcome for rule, outcome in chosen.items() if outcome}

    # --- what it rests on --------------------------------------------------------------------------------------------

    def evidence(self) -> tuple[PageStatus, tuple[Source, ...], tuple[str, ...]]:
        """An unverified page names its open points; a verified one has sources, each with the day it was checked."""
        form = self.form
        chosen = form.choice("status", [status.value for status in PageStatus], required=True)
        status = PageStatus(chosen) if chosen else PageStatus.UNVERIFIED
        verify = tuple(scalar.text for scalar in form.scalars("verify"))
        sources = tuple(self.sources())
        if chosen == PageStatus.UNVERIFIED and not verify:
            message = "an unverified page says what is still to be checked"
            self.complaints.error(form.place("status"), "verify", message, "add verify: [what to check]")
        if chosen == PageStatus.VERIFIED and not sources:
            message = "a verified page without a source"
            self.complaints.error(form.place("status"), "checked-on", message, "add sources, or status: unverified")
        for source, where in self.unchecked(sources) if chosen == PageStatus.VERIFIED else ():
            message = f"nobody has checked the source '{source.title}'"
            self.complaints.error(where, "checked-on", message, "add checked_on, or status: unverified")
        return status, sources, verify

    def unchecked(self, sources: tuple[Source, ...]) -> Iterator[tuple[Source, Where]]:
        return ((source, self.form.place("sources")) for source in sources if source.checked_on is None)

    def sources(self) -> Iterator[Source]:
        value = self.form.value("sources", required=True)
        if isinstance(value, Scalar) or not getattr(value, "items", True):
            if isinstance(value, Scalar):
                items_of(value, "'sources'", self.complaints)
            return
        for item in items_of(value, "'sources'", self.complaints):
            table = table_of(item, "a source", self.complaints)
            if table:
                form = Form(table, "a source", self.complaints)
                url, title, checked = self.url(form), form.text("title", required=True), form.day("checked_on")
                form.close()
                yield Source(url, title or "", checked)

    def url(self, form: Form) -> str:
        scalar = form.scalar("url", required=True)
        if scalar and not re.match(r"https?://[^\s/]+", scalar.text):
            message = f"'{scalar.text[:80]}' is not a web address"
            self.complaints.error(scalar.where, "bad-value", message, "begin with https://")
        return scalar.text if scalar else ""

    # --- the words ---------------------------------------------------------------------------------------------------

    def sections(self, text: str, body_line: int) -> Iterator[Section]:
        heading, lines, line, fenced = "", list[str](), body_line, False
        for number, written in enumerate(text.split("\n")[body_line - 1 :], body_line):
            fenced ^= bool(_FENCE.match(written))
            found = None if fenced else _HEADING.match(written)
            if not found:
                lines.append(written)
                continue
            yield from self.section(heading, lines, line)
            heading, lines, line = found.group(2), [], number
            if found.group(1) == "#" or not heading:
                where = Where(self.file, number)
                self.complaints.error(where, "heading", "a heading of the first level", "write ## and the words")
        yield from self.section(heading, lines, line)

    def section(self, heading: str, lines: list[str], line: int) -> Iterator[Section]:
        markdown = "\n".join(lines).strip("\n").rstrip()
        if heading and not markdown.strip():
            self.complaints.error(Where(self.file, line), "no-text", f"'{heading}' has no words", "write some")
        if not heading and not markdown.strip():
            return
        first = line + (1 if heading else 0)
        source = "\n" * (first - 1) + "\n".join(lines)
        words = Scalar("\n".join(lines), Where(self.file, first), "", source)
        if "${" in words.text:
            place = words.at(words.text.index("${"))
            self.complaints.error(place, "environment", "${...} is not filled in", "use {service.x}")
        else:
            check_text(words, "", self.loading)
        self.headings.setdefault(heading, Where(self.file, line))
        yield Section(heading, markdown)

    def check_headings(self, page: Page) -> None:
        if not page.sections:
            self.complaints.error(self.where, "no-text", "the page has no words", "write some under the front matter")
            return
        fixed = HEADINGS.get(self.kind)
        if fixed is None or self.language != "en":
            return
        written = [section.heading for section in page.sections]
        for heading in written:
            if heading not in fixed:
                name = heading or "text before the first heading"
                fix = did_you_mean(heading, fixed, one_of(fixed))
                message = f"a {self.kind} page has no heading '{name}'"
                self.complaints.error(self.headings[heading], "heading", message, fix)
        for heading in fixed:
            if heading not in written:
                self.complaints.error(self.where, "heading", f"the heading '{heading}' is missing", f"add ## {heading}")
        known = [heading for heading in written if heading in fixed]
        if known != sorted(known, key=fixed.index) or len(known) != len(set(known)):
            self.complaints.error(self.where, "heading", "the headings are out of order or twice", one_of(fixed))
