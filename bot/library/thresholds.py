"""Threshold pages: every rule has its route, its framework, its words, and a step that decides by it."""

from collections.abc import Iterator, Mapping

from bot.library.complaints import Complaints, did_you_mean
from bot.library.model import ActionStep, Flow, Library, Page, Response, Variation

THRESHOLD = "threshold"


def check_thresholds(library: Library, complaints: Complaints) -> None:
    """What a record of advice will say of a decision must be complete, and be the only thing it can say."""
    pages = {page.id: page for key, page in library.pages.items() if page.kind == THRESHOLD and key == page.id}
    for page in pages.values():
        _check_page(library, page, complaints)
    for response in library.responses.values():
        if any(variation.page in pages for variation in response.variations):
            _check_response(response, complaints)
    for flow in library.flows.values():
        _check_whole(flow, pages, complaints)
    decided = {(shown.page, shown.section) for shown in _decided(library)}
    for page in pages.values():
        for rule in page.routes:
            if (page.id, rule) not in decided:
                message = f"no step decides by the rule '{rule}'"
                complaints.warning(page.where, "unused-rule", message, "show it in a flow, or remove it")


def decision_of(library: Library, response_id: str) -> Variation | None:
    """The variation of this response that shows a rule of a threshold page; None where it shows none."""
    response = library.responses.get(response_id)
    shown = response.variations[0] if response and response.variations else None
    page = library.pages.get(shown.page) if shown and shown.page else None
    return shown if page and page.kind == THRESHOLD else None


def _check_page(library: Library, page: Page, complaints: Complaints) -> None:
    headings = [section.heading for section in page.sections]
    for heading in headings:
        if heading not in page.routes:
            fix = did_you_mean(heading, page.routes, "add it under routes:")
            complaints.error(page.where, "no-route", f"the rule '{heading}' has no route", fix)
    for rule in page.routes:
        if rule not in headings:
            fix = did_you_mean(rule, headings, f"add ## {rule}")
            complaints.error(page.where, "heading", f"the rule '{rule}' has no words", fix)
    if page.framework and page.framework not in library.terms:
        fix = did_you_mean(page.framework, library.terms, f"write content/terms/{page.framework}.md")
        complaints.error(page.where, "no-term", f"no term '{page.framework}' that names the framework", fix)


def _check_response(response: Response, complaints: Complaints) -> None:
    shown = response.variations[0]
    if len(response.variations) != 1 or shown.condition or shown.page_by or not shown.section:
        message = f"'{response.id}' shows a threshold page, but not exactly one rule of it"
        fix = "keep one variation, with page: and section:, without condition and page_by"
        complaints.error(response.where, "one-rule", message, fix)


def _check_whole(flow: Flow, pages: Mapping[str, Page], complaints: Complaints) -> None:
    whole = {page.response_id for page in pages.values()}
    for step in flow.steps.values():
        if isinstance(step, ActionStep) and step.action in whole:
            message = f"'{step.action}' shows every rule of a threshold page, so none is decided by"
            complaints.error(step.where, "one-rule", message, "say a response with page: and section:")


def _decided(library: Library) -> Iterator[Variation]:
    for flow in library.flows.values():
        for step in flow.steps.values():
            shown = decision_of(library, step.action) if isinstance(step, ActionStep) else None
            if shown:
                yield shown
