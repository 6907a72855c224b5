"""Files of flows and content as one Library, or every complaint about them in one go."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from bot.domain import LibraryVersion
from bot.errors import LibraryInvalid
from bot.library.complaints import Complaint, Complaints, did_you_mean
from bot.library.content import ContentReader
from bot.library.form import Form, items_of
from bot.library.load_flows import FlowReader
from bot.library.load_responses import ResponseReader
from bot.library.load_slots import read_slots
from bot.library.loading import LANGUAGES, Loading, Names
from bot.library.marked import Scalar, Table, read, text_of
from bot.library.model import Flow, Library, Page, Where
from bot.library.practice import is_practice, read_practice
from bot.library.references import Lookup, says
from bot.library.texts import Fillers
from bot.library.thresholds import check_thresholds
from bot.library.uncollected import uncollected
from bot.library.versions import read_files

__all__ = ["Complaint", "LoadResult", "load", "load_files", "version_of"]

OUR_SERVICE = "our-service"
_IGNORED = ("entities", "session_config", "config", "nlu")
_REFUSED = {
    "forms": "write a flow with collect steps",
    "stories": "write flows",
    "rules": "write flows",
    "skills": "write flows",
    "agents": "write flows",
}


UNREADABLE = "not-yaml"


@dataclass(frozen=True, slots=True)
class LoadResult:
    """`library` is None when any complaint is an error."""

    library: Library | None
    complaints: tuple[Complaint, ...]

    @property
    def errors(self) -> tuple[Complaint, ...]:
        return tuple(complaint for complaint in self.complaints if complaint.severity == "error")

    def good(self) -> Library:
        """The library. Raises: LibraryInvalid with every complaint, where there is none."""
        if self.library is None:
            raise LibraryInvalid("\n".join(str(each) for each in self.complaints))
        return self.library


def load(folder: Path) -> LoadResult:
    """The library in `folder`, which holds flows/ and content/."""
    try:
        files = read_files(folder)
    except LibraryInvalid as error:
        return LoadResult(None, (Complaint(folder.name, 1, 1, "too-large", str(error)),))
    misnamed = [
        path.relative_to(folder).as_posix()
        for top, pattern in (("flows", "*.yaml"), ("content", "*.markdown"))
        for path in (folder / top).rglob(pattern)
    ]
    return load_files({**dict.fromkeys(misnamed, b""), **files} if misnamed else files)


@uncollected()
def load_files(files: Mapping[str, bytes]) -> LoadResult:
    """The library made of these files (path with / -> bytes). Never raises for what the files hold."""
    loading = Loading()
    complaints = loading.complaints
    texts = {file: text_of(file, data, complaints) for file, data in sorted(files.items()) if _is_editors(file)}
    documents = {}
    content = ContentReader(loading)
    for file, text in texts.items():
        if text is None:
            continue
        if file.startswith("flows/") and file.endswith(".yml"):
            documents[file] = read(file, text, complaints)
        elif file.startswith("content/") and file.endswith(".md"):
            content.read(file, text)
        elif is_practice(file):
            read_practice(file, text, loading)
        elif not file.endswith(".yml"):
            fix = "flows end in .yml, pages in .md"
            complaints.error(Where(file, 1), "file-name", "this file would never be read", fix)
    content.check_translations()
    flows, responses = _read_documents(documents, loading)
    library = _joined(flows, responses, content, version_of(files))
    _check(library, loading)
    found = _causes(complaints.sorted())
    is_good = all(complaint.severity != "error" for complaint in found)
    return LoadResult(library if is_good else None, found)


@uncollected()
def load_flows(files: Mapping[str, bytes]) -> LoadResult:
    """Only the flows, for what asks nothing of pages: half the work. What flows name is not looked up."""
    own = {file: data for file, data in files.items() if file.startswith("flows/") and file.endswith(".yml")}
    loading = Loading()
    complaints = loading.complaints
    texts = {file: text_of(file, data, complaints) for file, data in sorted(own.items()) if _is_editors(file)}
    documents = {file: read(file, text, complaints) for file, text in texts.items() if text is not None}
    flows, responses = _read_documents(documents, loading)
    library = _joined(flows, responses, ContentReader(loading), version_of(files))
    found = _causes(complaints.sorted())
    return LoadResult(library if all(each.severity != "error" for each in found) else None, found)


def _causes(found: tuple[Complaint, ...]) -> tuple[Complaint, ...]:
    """Where a file cannot be read at all, what others miss in it is only a consequence: the cause is said."""
    unread = tuple(complaint for complaint in found if complaint.code == UNREADABLE)
    return unread or found


def version_of(files: Mapping[str, bytes]) -> LibraryVersion:
    """The first 12 hexadecimal digits of the SHA-256 over every file's name and bytes, in the order of names."""
    digest = hashlib.sha256()
    for file, data in sorted(files.items()):
        digest.update(b"%d:%s%d:" % (len(file.encode()), file.encode(), len(data)))
        digest.update(data)
    return LibraryVersion(digest.hexdigest()[:12])


def _is_editors(file: str) -> bool:
    """Conversation tests, what triage listens for and the interface's own words are read elsewhere."""
    is_elsewhere = file.startswith(("flows/tests/", "content/words/", "content/interface/"))
    return not is_elsewhere and not file.endswith(".json")


def _read_documents(documents: Mapping[str, object], loading: Loading) -> tuple[FlowReader, ResponseReader]:
    """Slots of every file first, then flows and responses, which use them."""
    flows, responses = FlowReader(loading), ResponseReader(loading)
    forms = []
    for file, document in documents.items():
        if isinstance(document, Table):
            forms.append(Form(document, "a flow file", loading.complaints))
        elif document is not None:
            message = "a flow file is a map with flows:, slots:, responses:"
            loading.complaints.error(Where(file, 1), "wrong-kind", message)
    for form in forms:
        if slots := form.value("slots"):
            read_slots(slots, loading)
    for form in forms:
        if value := form.value("flows"):
            flows.read(value)
        if value := form.value("responses"):
            responses.read(value)
        _read_lists(form, loading)
        form.close(ignored=_IGNORED, refused=_REFUSED)
    return flows, responses


def _read_lists(form: Form, loading: Loading) -> None:
    """`version:` is text; `actions:` name what exists; `intents:` are Rasa's business."""
    form.text("version")
    form.value("intents")
    for item in items_of(form.value("actions"), "'actions'", loading.complaints):
        if isinstance(item, Scalar):
            loading.refer(Names.ACTION, item, "actions")
        elif isinstance(item, Table):
            for entry in item:
                loading.refer(Names.ACTION, Scalar(entry.key, entry.where), "actions")


def _joined(flows: FlowReader, responses: ResponseReader, content: ContentReader, version: LibraryVersion) -> Library:
    pages = content.pages
    service = pages.get(OUR_SERVICE)
    return Library(
        version=version,
        flows=MappingProxyType({flow.id: _with_called_slots(flow, flows.flows) for flow in flows.flows.values()}),
        slots=MappingProxyType(dict(flows.loading.slots)),
        responses=MappingProxyType(responses.responses),
        pages=MappingProxyType(pages),
        terms=MappingProxyType(content.terms),
        languages=LANGUAGES,
        service=MappingProxyType({"name": service.title, **service.details} if service else {}),
        by_intent=MappingProxyType(flows.intents),
        page_of_response=MappingProxyType({page.response_id: page.id for key, page in pages.items() if key == page.id}),
    )


def _with_called_slots(flow: Flow, flows: Mapping[str, Flow]) -> Flow:
    """What a called flow fills is reset when its caller ends, unless one of the two keeps it."""
    own, seen, waiting = set(flow.own_slots), {flow.id}, list(flow.calls)
    while waiting:
        called = waiting.pop()
        if called in flows and called not in seen:
            seen.add(called)
            own |= flows[called].own_slots
            waiting.extend(flows[called].calls)
    return replace(flow, own_slots=frozenset(own) - flow.persisted_slots)


def _check(library: Library, loading: Loading) -> None:
    complaints: Complaints = loading.complaints
    for response_id in library.page_of_response.keys() & library.responses.keys():
        message = f"'{response_id}' is the page '{library.page_of_response[response_id]}' already"
        complaints.error(library.responses[response_id].where, "duplicate-response", message, "choose another id")
    lookup = Lookup(
        library.flows, library.responses, library.pages, library.page_of_response, library.by_intent, complaints
    )
    lookup.check(loading)
    _check_service(library.pages, loading)
    check_thresholds(library, complaints)
    _check_pages_by(library, complaints)
    said = {name for flow in library.flows.values() for name in says(flow)}
    terms = [term for term in library.terms if "." not in term]
    Fillers(library.slots, terms, library.service, said).check(loading)


def _check_pages_by(library: Library, complaints: Complaints) -> None:
    """The heading that is shown stands on every page that may be."""
    for response in library.responses.values():
        for variation in response.variations:
            for page_id in library.pages_by(variation).values():
                headings = [section.heading for section in library.pages[page_id].sections]
                if variation.section and variation.section not in headings:
                    message = f"page '{page_id}' has no heading '{variation.section}'"
                    complaints.error(variation.where, "no-section", message, did_you_mean(variation.section, headings))


def _check_service(pages: Mapping[str, Page], loading: Loading) -> None:
    asked = any(name.startswith("service.") for name, *_ in loading.placeholders)
    if asked and OUR_SERVICE not in pages:
        where = Where(f"content/services/{OUR_SERVICE}.md", 1)
        message = "no page about this service, whose name and contacts are used"
        loading.complaints.error(where, "no-service", message, "write it")
