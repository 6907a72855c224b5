"""Writes a library as a Rasa assistant's files: a domain, flows, patterns and end-to-end tests.

What Rasa has no word for is put in words it has: pages become responses, nation terms become variations, "Don't know"
becomes a button, and patterns that are only ours become flows named `firstline_…`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml.main import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from bot.domain import Nation, SlotValue
from bot.errors import FirstlineError, LibraryInvalid
from bot.library.actions import BUILTIN_ACTIONS, CUSTOM_ACTIONS
from bot.library.complaints import Complaints
from bot.library.conditions import parse
from bot.library.load import load
from bot.library.marked import Listing, Marked, Scalar, Table, read, text_of
from bot.library.model import Button, CollectStep, Library, Page, PageStatus, Response, Slot, Variation
from bot.library.versions import read_files

VERSION = "3.1"
RASAS_PATTERNS = frozenset(
    {
        "pattern_cancel_flow",
        "pattern_cannot_handle",
        "pattern_chitchat",
        "pattern_clarification",
        "pattern_code_change",
        "pattern_collect_information",
        "pattern_completed",
        "pattern_continue_interrupted",
        "pattern_correction",
        "pattern_customer_satisfaction",
        "pattern_external_agent_processing",
        "pattern_human_handoff",
        "pattern_internal_error",
        "pattern_repeat_bot_messages",
        "pattern_restart",
        "pattern_search",
        "pattern_session_end",
        "pattern_session_start",
        "pattern_skip_question",
        "pattern_user_silence",
        "pattern_validate_slot",
    }
)
"""Patterns Rasa ships, which a flow of the same id replaces."""
OURS = "firstline_"
_PLACEHOLDER = re.compile(r"\{((?:term|service)\.[\w.-]+)\}")
_DETAIL = re.compile(r"\{([a-z_]+)\}")
_UNQUOTED = re.compile(r"[A-Za-z][\w ]*")
_TELLING = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null", "none", "nan", "inf"})


class TargetNotEmptyError(FirstlineError):
    """The folder to write to has something in it."""


def export(folder: Path, target: Path) -> list[Path]:
    """The files written, in order. Raises: LibraryInvalid, TargetNotEmptyError; then nothing was written."""
    result = load(folder)
    if result.library is None:
        raise LibraryInvalid("\n".join(str(complaint) for complaint in result.errors))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TargetNotEmptyError(f"{target} is not empty. Choose a new folder.")
    documents = {"domain.yml": _domain(result.library), **_flow_files(folder)}
    written = [_write(target / name, document) for name, document in documents.items()]
    return written + _copied_tests(folder, target)


def _write(path: Path, document: Mapping[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    yaml = YAML(pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 1_000
    yaml.representer.ignore_aliases = lambda _data: True
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(_quoted(document), file)
    return path


def _quoted(data: Any) -> Any:
    """Words that some reader of YAML takes for something else stand in quotes; texts of several lines as they are."""
    match data:
        case Mapping():
            return {_quoted(key): _quoted(value) for key, value in data.items()}
        case list() | tuple():
            return [_quoted(value) for value in data]
        case str() if "\n" in data and not any(line.endswith(" ") for line in data.split("\n")):
            return LiteralScalarString(data)
        case str() if not _UNQUOTED.fullmatch(data) or data.lower() in _TELLING:
            return DoubleQuotedScalarString(data)
        case _:
            return data


def _copied_tests(folder: Path, target: Path) -> list[Path]:
    written = []
    for test in sorted((folder / "flows" / "tests").rglob("*.yml")):
        copy = target / "e2e_tests" / test.relative_to(folder / "flows" / "tests")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(test.read_bytes())
        written.append(copy)
    return written


# --- the domain ------------------------------------------------------------------------------------------------------


def _domain(library: Library) -> dict[str, Any]:
    steps = [step for flow in library.flows.values() for step in flow.steps.values()]
    asking = {step.utter: step for step in steps if isinstance(step, CollectStep)}
    responses = {
        response.id: list(_variations(library, response, asking.get(response.id)))
        for response in library.responses.values()
    }
    pages = {page.response_id: page for page in library.pages.values() if page.language == "en"}
    return {
        "version": VERSION,
        "slots": {slot.name: _slot(slot) for slot in library.slots.values()},
        "responses": {**responses, **{name: list(_page(library, page)) for name, page in pages.items()}},
        "actions": sorted(BUILTIN_ACTIONS | CUSTOM_ACTIONS),
    }


def _slot(slot: Slot) -> dict[str, Any]:
    limits = {"min_value": slot.min_value, "max_value": slot.max_value, "initial_value": slot.initial_value}
    values = {"values": list(slot.values)} if slot.values else {}
    known = {key: value for key, value in limits.items() if value is not None}
    return {"type": slot.type.value, **values, **known, "mappings": [{"type": "controlled"}]}


def _variations(library: Library, response: Response, step: CollectStep | None) -> Iterator[dict[str, Any]]:
    for variation in (each for written in response.variations for each in _by_page(library, written)):
        page = library.pages.get(variation.page) if variation.page else None
        texts = dict(variation.text)
        if page:
            shown = _page_text(library, page, variation.section)
            texts = {language: f"{text}\n\n{shown}" for language, text in texts.items()} or {"en": shown}
        buttons = [_button(button) for button in variation.buttons]
        if step and step.dont_know and buttons:
            buttons.append(_dont_know(library, step))
        yield from _by_nation(library, variation, texts, buttons)


def _by_page(library: Library, variation: Variation) -> Iterator[Variation]:
    """One that goes by a slot as one for each page it may show, and itself for all other values.

    Rasa says any one of those whose conditions hold, and one without only where none does.
    """
    pages = library.pages_by(variation)
    own = f"({variation.condition.source}) and " if variation.condition else ""
    for value, page in pages.items():
        condition = parse(f'{own}slots.{variation.page_by} is "{value}"', variation.where)
        yield replace(variation, page=page, page_by=None, condition=condition)
    if pages and own:
        values = " ".join(f'"{value}"' for value in pages)
        others = parse(f"{own}not ({{{values}}} contains slots.{variation.page_by})", variation.where)
        yield replace(variation, page_by=None, condition=others)
    else:
        yield variation


def _page(library: Library, page: Page) -> Iterator[dict[str, Any]]:
    texts = {"en": _page_text(library, page, None)}
    translated = {key: value for key, value in library.pages.items() if key.startswith(f"{page.id}.")}
    texts |= {other.language: _page_text(library, other, None) for other in translated.values()}
    yield from _by_nation(library, None, texts, [])


def _by_nation(
    library: Library, variation: Variation | None, texts: Mapping[str, str], buttons: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """One variation, or where a term changes by nation one for each nation and one for before it is known."""
    has_terms = any("{term." in text for text in texts.values())
    own = variation.condition.source if variation and variation.condition else None
    for nation in (*Nation, None) if has_terms else (None,):
        about = f'slots.nation is "{nation.value}"' if nation else None
        conditions = [condition for condition in (about, own) if condition]
        entry: dict[str, Any] = {"text": _filled(library, texts.get("en", ""), nation)}
        others = {key: _filled(library, text, nation) for key, text in texts.items() if key != "en"}
        entry |= {"translation": others} if others else {}
        entry |= {"buttons": buttons} if buttons else {}
        entry |= {"condition": _all(conditions)} if conditions else {}
        entry |= {"channel": variation.channel} if variation and variation.channel else {}
        entry |= {"metadata": {"firstline": {"page": variation.page}}} if variation and variation.page else {}
        yield entry


def _all(conditions: list[str]) -> str:
    return conditions[0] if len(conditions) == 1 else " and ".join(f"({condition})" for condition in conditions)


def _button(button: Button) -> dict[str, Any]:
    payload = f"/{button.intent}" if button.intent else _payload(button.sets)
    others = {language: {"title": title} for language, title in button.title.items() if language != "en"}
    return {"title": button.title["en"], "payload": payload, **({"translation": others} if others else {})}


def _dont_know(library: Library, step: CollectStep) -> dict[str, Any]:
    response = library.responses.get("utter_dont_know")
    titles = response.variations[0].text if response else {}
    others = {language: {"title": title} for language, title in titles.items() if language != "en"}
    button = {"title": titles.get("en", "?"), "payload": _payload(((step.slot, step.dont_know_value),))}
    return {**button, **({"translation": others} if others else {})}


def _payload(sets: Iterable[tuple[str, SlotValue]]) -> str:
    return f"/SetSlots({', '.join(f'{name}={_word(value)}' for name, value in sets)})"


def _word(value: SlotValue) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


# --- words -----------------------------------------------------------------------------------------------------------


def _filled(library: Library, text: str, nation: Nation | None) -> str:
    """Terms and the service's own details in place of their placeholders; slots are filled by Rasa."""

    def value(found: re.Match[str]) -> str:
        scope, _, name = found.group(1).partition(".")
        if scope == "service":
            return library.service.get(name, "")
        term = library.terms.get(name)
        return (term.by_nation.get(nation, term.default) if nation else term.default) if term else ""

    return _PLACEHOLDER.sub(value, text)


def _page_text(library: Library, page: Page, section: str | None) -> str:
    chosen = [each for each in page.sections if section in (None, each.heading)]
    parts = [f"**{page.title}**"] if section is None else []
    for each in chosen:
        parts += [f"**{each.heading}**"] if each.heading else []
        parts.append(_DETAIL.sub(lambda found: page.details.get(found[1], found[0]), each.markdown))
    return "\n\n".join([*parts, *_sources(library, page)])


def _sources(library: Library, page: Page) -> Iterator[str]:
    """Each source with the day it was checked; for what nobody checked, where to look."""
    is_verified = page.status is PageStatus.VERIFIED and page.checked_on is not None
    response = library.responses.get("utter_page_source" if is_verified else "utter_page_unverified")
    text = response.variations[0].text.get("en", "{url}") if response else "{url}"
    for source in page.sources if is_verified else page.sources[:1]:
        known = {"title": source.title, "url": source.url, "date": str(source.checked_on or "")}
        yield _DETAIL.sub(lambda found, known=known: known.get(found[1], found[0]), text)  # type: ignore[misc]


# --- flows -----------------------------------------------------------------------------------------------------------


def _flow_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Each file's flows under the same name; those that replace Rasa's patterns apart."""
    files: dict[str, dict[str, Any]] = {}
    patterns: dict[str, Any] = {}
    for file, data in read_files(folder).items():
        if not (file.startswith("flows/") and file.endswith(".yml")):
            continue
        flows = _flows(file, data)
        patterns |= {key: flow for key, flow in flows.items() if key in RASAS_PATTERNS}
        own = {_renamed(key): flow for key, flow in flows.items() if key not in RASAS_PATTERNS}
        if own:
            files[f"data/{file}"] = {"version": VERSION, "flows": own}
    if patterns:
        files["data/patterns/patterns.yml"] = {"version": VERSION, "flows": patterns}
    return files


def _flows(file: str, data: bytes) -> dict[str, Any]:
    complaints = Complaints()
    document = read(file, text_of(file, data, complaints) or "", complaints)
    flows = document.get("flows") if isinstance(document, Table) else None
    plain = _plain(flows) if flows else {}
    return {key: _linked_anew(flow) for key, flow in plain.items()}


def _renamed(flow: str) -> str:
    is_ours = flow.startswith("pattern_") and flow not in RASAS_PATTERNS
    return f"{OURS}{flow.removeprefix('pattern_')}" if is_ours else flow


def _linked_anew(data: Any) -> Any:
    """Links and calls to patterns of ours under their new names, wherever they stand."""
    match data:
        case Mapping():
            return {
                key: _renamed(value) if key in ("link", "call") and isinstance(value, str) else _linked_anew(value)
                for key, value in data.items()
            }
        case list():
            return [_linked_anew(value) for value in data]
        case _:
            return data


def _plain(marked: Marked) -> Any:
    match marked:
        case Table():
            return {entry.key: _plain(entry.value) for entry in marked}
        case Listing(items=items):
            return [_plain(item) for item in items]
        case Scalar():
            return _typed(marked)


def _typed(scalar: Scalar) -> Any:
    """true, false, null and whole numbers as such; everything else is words."""
    if scalar.is_null:
        return None
    if scalar.style:
        return scalar.text
    if scalar.text.lower() in ("true", "false"):
        return scalar.text.lower() == "true"
    return int(scalar.text) if re.fullmatch(r"-?\d{1,9}", scalar.text) else scalar.text
