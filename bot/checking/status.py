"""The state of every page in one document: sources, checked dates, open points, owner, next review."""

from collections import Counter
from collections.abc import Iterator

from bot.library.model import Library, Page, PageStatus, Source, Term
from bot.library.taxonomy import KIND_OF_FOLDER

HEAD = """# Content status

Written by `firstline check --status`; do not edit.

**verified**: a person opened every source and found it so, on the day given. **unverified**: the open points say what
nobody has checked yet; the bot says "check the official page" under it. A source's date is the day it was looked at;
where nobody opened the live page, it is the day the fact sheet gives it.
"""


def as_markdown(library: Library) -> str:
    """Every page and term, by kind and id. The same library gives the same text."""
    return "\n".join([HEAD, *_summary(library), *_kinds(library)])


def _summary(library: Library) -> Iterator[str]:
    pages, terms = library.pages.values(), library.terms.values()
    open_points = Counter(dict.fromkeys(KIND_OF_FOLDER.values(), 0))
    counts = Counter((page.kind, page.status) for page in pages)
    counts.update(("term", term.status) for term in terms)
    for page in pages:
        open_points[page.kind] += len(page.verify)
    open_points["term"] += sum(len(term.verify) for term in terms)
    yield "| kind | verified | unverified | open points |\n| --- | ---: | ---: | ---: |"
    for kind, points in open_points.items():
        both = (counts[kind, PageStatus.VERIFIED], counts[kind, PageStatus.UNVERIFIED])
        if any(both):
            yield f"| {kind} | {both[0]} | {both[1]} | {points} |"
    yield ""


def _kinds(library: Library) -> Iterator[str]:
    for kind in KIND_OF_FOLDER.values():
        pages = sorted((page for page in library.pages.values() if page.kind == kind), key=lambda page: page.where.file)
        terms = sorted(library.terms.values(), key=lambda term: term.id) if kind == "term" else []
        if pages or terms:
            yield f"## {kind.capitalize()}\n"
        for page in pages:
            yield from _entry(page, page.title, page.language)
        for term in terms:
            yield from _entry(term, term.default, "en")


def _entry(page: Page | Term, title: str, language: str) -> Iterator[str]:
    name = page.id if language == "en" else f"{page.id}.{language}"
    yield f"### {title}\n"
    yield f"`{name}` · {page.status.value} · owner {page.owner} · next review {page.review_by}\n"
    yield from (f"* Source: {_source(source)}" for source in page.sources)
    if not page.sources:
        yield "* Source: none"
    yield from (f"* Open: {point}" for point in page.verify)
    yield ""


def _source(source: Source) -> str:
    return f"[{source.title}]({source.url}), {source.checked_on or 'never looked at'}"
