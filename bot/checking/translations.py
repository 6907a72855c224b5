"""What is not translated yet: it is said in English meanwhile."""

from collections.abc import Iterator

from bot.library.complaints import Complaints
from bot.library.model import CollectStep, Flow, Library, Variation, Where

FIX = "translate it, and have a speaker review it"


def check_translations(library: Library, complaints: Complaints) -> None:
    for language in library.languages[1:]:
        for where, what in _missing(library, language):
            complaints.warning(where, "no-translation", f"no {language} for {what}", FIX)


def _missing(library: Library, language: str) -> Iterator[tuple[Where, str]]:
    for response in library.responses.values():
        for variation in response.variations:
            if variation.text.get("en") and language not in variation.text:
                yield variation.where, f"'{response.id}'"
            yield from _buttons(variation, language)
    for flow in library.flows.values():
        yield from _flow(flow, language)
    for key, page in library.pages.items():
        if page.language == "en" and f"{key}.{language}" not in library.pages:
            yield page.where, f"page '{page.id}'"


def _buttons(variation: Variation, language: str) -> Iterator[tuple[Where, str]]:
    for button in variation.buttons:
        if language not in button.title:
            yield button.where, f"the label '{button.title.get('en', '')}'"


def _flow(flow: Flow, language: str) -> Iterator[tuple[Where, str]]:
    if not flow.is_pattern and language not in flow.names:
        yield flow.where, f"the name of flow '{flow.id}'"
    for step in flow.steps.values():
        if isinstance(step, CollectStep) and step.why and language not in step.why:
            yield step.where, f"why '{step.id}' is asked"
