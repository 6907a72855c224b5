"""`responses:` of a file as Responses: variations, buttons and what the buttons set."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain import SlotValue
from bot.library.complaints import did_you_mean
from bot.library.form import Form, items_of, table_of
from bot.library.load_slots import NULLS
from bot.library.loading import LANGUAGES, Loading, Names
from bot.library.marked import Entry, Listing, Marked, Scalar, Table
from bot.library.model import Button, Response, Variation
from bot.library.texts import check_text

_RESPONSE_ID = re.compile(r"utter_[A-Za-z0-9_-]+")
_SET_SLOTS = re.compile(r"/SetSlots\((.*)\)", re.DOTALL)
_INTENT = re.compile(r"/([A-Za-z_][A-Za-z0-9_-]*)")
MAX_SLOTS_IN_PAYLOAD = 10
CHANNELS = ("telegram", "whatsapp", "web", "rest", "terminal")
_IGNORED = ("button_type", "allow_interruptions", "custom")
_REFUSED = {
    "image": "Firstline shows no images: describe it in words",
    "attachment": "Firstline sends no files: link to the page",
    "elements": "use buttons",
    "quick_replies": "use buttons",
}


@dataclass(slots=True)
class ResponseReader:
    """Reads every response of every file."""

    loading: Loading
    responses: dict[str, Response] = field(default_factory=dict)

    def read(self, value: Marked) -> None:
        """Adds every response of one `responses:` map."""
        complaints = self.loading.complaints
        for entry in table_of(value, "responses:", complaints) or ():
            first = self.responses.get(entry.key)
            if not _RESPONSE_ID.fullmatch(entry.key):
                message = f"'{entry.key}' cannot be a response's id"
                complaints.error(entry.where, "response-id", message, "begin it with utter_, use letters, digits and _")
            elif first:
                message = f"response '{entry.key}' is here twice (first in {first.where})"
                complaints.error(entry.where, "duplicate-response", message, "keep one of them")
            else:
                self.responses[entry.key] = self.response(entry)

    def response(self, entry: Entry) -> Response:
        complaints = self.loading.complaints
        tables = [
            table_of(item, "a variation", complaints)
            for item in items_of(entry.value, f"response '{entry.key}'", complaints)
        ]
        variations = tuple(_Variation(entry.key, table, self.loading).read() for table in tables if table)
        self.check_order(variations)
        return Response(entry.key, variations, entry.where)

    def check_order(self, variations: tuple[Variation, ...]) -> None:
        """The first that fits is said: what stands after one that always fits never is."""
        complaints = self.loading.complaints
        said_always: set[str | None] = set()
        for variation in variations:
            if said_always & {None, variation.channel}:
                message = "this variation is never said: one above it always fits"
                complaints.error(variation.where, "never-said", message, "move it up, or remove it")
            if variation.condition is None:
                said_always.add(variation.channel)
        if variations and None not in said_always:
            message = "no variation fits when every condition is false"
            complaints.warning(variations[-1].where, "no-default", message, "add a last one without condition")


class _Variation:
    def __init__(self, response: str, table: Table, loading: Loading) -> None:
        self.response = response
        self.loading = loading
        self.complaints = loading.complaints
        self.form = Form(table, "a variation", loading.complaints)

    def read(self) -> Variation:
        form = self.form
        page, section, page_by, sources = self.extensions()
        text = self.own_text(page)
        texts = {"en": self.text(text)} if text else {}
        condition = form.value("condition")
        if isinstance(condition, Listing):
            fix = 'write condition: slots.x is "value"'
            self.complaints.error(condition.where, "refused", "conditions as lists are not read", fix)
        scalar = form.scalar("condition") if isinstance(condition, Scalar) else None
        variation = Variation(
            text={**texts, **self.translations()},
            where=form.where,
            buttons=self.buttons(),
            condition=self.loading.condition(scalar, context=True),
            channel=form.choice("channel", CHANNELS),
            id=form.text("id"),
            page=page,
            section=section,
            page_by=page_by,
            sources=sources,
        )
        if scalar and "context." in scalar.text:
            self.loading.context_uses.append((self.response, scalar.where))
        form.close(ignored=_IGNORED, refused=_REFUSED)
        return variation

    def own_text(self, page: str | None) -> Scalar | None:
        """The text; it may be empty when a page is shown instead."""
        value = self.form.value("text", required=page is None)
        if page and isinstance(value, Scalar) and not value.text:
            return None
        return self.form.scalar("text")

    def text(self, scalar: Scalar) -> str:
        check_text(scalar, self.response, self.loading)
        return scalar.text

    def translations(self) -> Mapping[str, str]:
        translation = self.form.form("translation", "'translation'")
        if translation is None:
            return {}
        scalars = {
            entry.key: translation.scalar(entry.key)
            for entry in translation.table
            if translation.language(entry.key, entry.where, LANGUAGES)
        }
        return {language: self.text(scalar) for language, scalar in scalars.items() if scalar}

    def extensions(self) -> tuple[str | None, str | None, str | None, tuple[str, ...]]:
        """(page, section, page_by, sources) of `metadata: {firstline: …}`."""
        metadata = table_of(self.form.value("metadata"), "'metadata'", self.complaints)
        if metadata is None:
            return None, None, None, ()
        if "template" in metadata:
            where = metadata.entries["template"].where
            self.complaints.error(where, "jinja", "templates are not run", "use {slot} and condition")
        table = table_of(metadata.get("firstline"), "'firstline'", self.complaints)
        if table is None:
            return None, None, None, ()
        firstline = Form(table, "firstline", self.complaints)
        page, section = firstline.scalar("page"), firstline.scalar("section")
        sources = tuple(scalar.text for scalar in firstline.scalars("sources"))
        by = firstline.scalar("page_by")
        firstline.close()
        if page:
            self.loading.refer(Names.PAGE, page, self.response, section)
        elif section:
            self.complaints.error(section.where, "no-page", "a section without its page", "add page: <id>")
        if by:
            self.check_page_by(by, page)
        return page.text if page else None, section.text if section else None, by.text if by else None, sources

    def check_page_by(self, by: Scalar, page: Scalar | None) -> None:
        slot = self.loading.slots.get(by.text)
        if slot is None or not slot.values:
            closed = [name for name, each in self.loading.slots.items() if each.values]
            fix = did_you_mean(by.text, closed, "name a categorical slot")
            self.complaints.error(by.where, "no-slot", f"no categorical slot '{by.text}'", fix)
        if page is None:
            self.complaints.error(by.where, "no-page", "page_by without the page to fall back on", "add page: <id>")

    # --- buttons -----------------------------------------------------------------------------------------------------

    def buttons(self) -> tuple[Button, ...]:
        read = []
        for item in items_of(self.form.value("buttons"), "'buttons'", self.complaints):
            table = table_of(item, "a button", self.complaints)
            button = self.button(Form(table, "a button", self.complaints)) if table else None
            read.extend([button] if button else [])
        return tuple(read)

    def button(self, form: Form) -> Button | None:
        title = form.scalar("title", required=True)
        titles = {"en": self.text(title)} if title else {}
        payload = form.scalar("payload", required=True)
        parsed = self.payload(payload) if payload else None
        translation = form.form("translation", "'translation'")
        for entry in translation.table if translation else ():
            if translation and translation.language(entry.key, entry.where, LANGUAGES):
                titles |= self.translated_title(translation, entry.key)
        form.close(ignored=("type",))
        return Button(titles, parsed[0], parsed[1], form.where) if parsed else None

    def translated_title(self, translation: Form, language: str) -> Mapping[str, str]:
        form = translation.form(language, f"'{language}'")
        title = form.scalar("title", required=True) if form else None
        if form:
            form.close(refused={"payload": "a button does the same in every language: translate the title only"})
        return {language: self.text(title)} if title else {}

    def payload(self, payload: Scalar) -> tuple[tuple[tuple[str, SlotValue], ...], str | None] | None:
        """(slots it sets, intent); None after a complaint."""
        if sets := _SET_SLOTS.fullmatch(payload.text):
            return self.slots_set(payload, sets.group(1)), None
        if intent := _INTENT.fullmatch(payload.text):
            self.loading.refer(
                Names.INTENT, Scalar(intent.group(1), payload.where, payload.style, payload.source), self.response
            )
            return (), intent.group(1)
        message = f"the payload '{payload.text[:60]}' is not understood"
        self.complaints.error(payload.where, "payload", message, "write /SetSlots(slot=value) or /intent")
        return None

    def slots_set(self, payload: Scalar, inside: str) -> tuple[tuple[str, SlotValue], ...]:
        sets: dict[str, SlotValue] = {}
        for pair in inside.split(",")[: MAX_SLOTS_IN_PAYLOAD + 1]:
            name, equals, text = (part.strip() for part in pair.partition("="))
            place = payload.at(payload.text.index(pair) + len(pair) - len(pair.lstrip()))
            if not (name and equals and text) or set(text) & set("()=") or name in sets:
                message = f"the payload part '{pair.strip()[:60]}' is not understood"
                self.complaints.error(place, "payload", message, "write /SetSlots(slot=value)")
                continue
            slot = self.loading.slots.get(name)
            if slot is None:
                fix = did_you_mean(name, self.loading.slots, "declare it under slots:")
                self.complaints.error(place, "no-slot", f"no slot '{name}'", fix)
                continue
            good, value = (True, None) if text.lower() in NULLS else self.loading.value(slot, text, place)
            if good:
                sets[name] = value
        if len(sets) > MAX_SLOTS_IN_PAYLOAD:
            message = f"a payload sets at most {MAX_SLOTS_IN_PAYLOAD} slots"
            self.complaints.error(payload.where, "payload", message)
        return tuple(sets.items())
