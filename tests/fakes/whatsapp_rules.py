"""What Meta's Cloud API takes: every rule of the send endpoint, refused with Meta's own code. Pure.

Source: developers.facebook.com/documentation/business-messaging/whatsapp (messages, error codes), as of November 2026.
Characters are counted as Python counts them.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

WRONG_SHAPE = 100
BAD_VALUE = 131009
NO_TEMPLATE = 132001
TEMPLATE_PARAMETERS = 132000

TITLES = {
    100: "Invalid parameter",
    190: "Invalid OAuth access token - Cannot parse access token",
    130429: "Rate limit hit",
    131000: "Something went wrong",
    131009: "Parameter value is not valid",
    131016: "Service unavailable",
    131026: "Message undeliverable",
    131047: "Re-engagement message",
    131051: "Message type unknown",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
}
STATUSES = {190: 401, 130429: 429, 131000: 500, 131016: 503, 132001: 404}
"""HTTP statuses; every other code comes with 400."""

NUMBER = re.compile(r"\+?[0-9]{7,15}")
USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
TOP = frozenset(
    ("messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data")
)


class Refused(Exception):
    """Meta answers with an error."""

    def __init__(self, code: int, details: str, status: int | None = None) -> None:
        super().__init__(f"{code}: {details}")
        self.code = code
        self.details = details
        self.status = status or STATUSES.get(code, 400)

    def body(self, trace: str) -> Json:
        return {
            "error": {
                "message": f"(#{self.code}) {title_of(self.code)}",
                "type": "OAuthException",
                "code": self.code,
                "error_data": {"messaging_product": "whatsapp", "details": self.details},
                "fbtrace_id": trace,
            }
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """A reply button or a row of a list."""

    id: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """An approved template: its words, with `{{1}}` where a parameter goes, and its quick-reply buttons."""

    body: str = "You have an answer. Reply OPEN."
    buttons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What the recipient sees of a message."""

    kind: str
    """'text', 'button', 'list' or 'template'."""
    text: str
    buttons: tuple[Choice, ...] = ()
    rows: tuple[Choice, ...] = ()
    label: str = ""
    """The button that opens a list; the name of a template."""
    header: str = ""
    footer: str = ""


Templates = Mapping[tuple[str, str], Template]


def title_of(code: int) -> str:
    return TITLES.get(code, "Unknown error")


def shown(body: Json, templates: Templates, known: Collection[str]) -> Shown:
    """What a send means. `known` are the ids of messages that may be answered. Raises: Refused."""
    kind = _envelope(body)
    _fields(body, TOP | {kind}, kind, "message")
    if "context" in body:
        _fields(_object(body, "context"), {"message_id"}, "message_id", "context")
        if body["context"]["message_id"] not in known:
            raise Refused(BAD_VALUE, "context.message_id: no such message")
    if "biz_opaque_callback_data" in body:
        _text(body, "biz_opaque_callback_data", 512)
    content = _object(body, kind)
    if kind == "template":
        return _template(content, templates)
    return _plain(content) if kind == "text" else _interactive(content)


def recipient_of(body: Json) -> tuple[str, str]:
    """('number' or 'user', who): the number goes before the user id when both are given. Raises: Refused."""
    for key, name, shape in (("to", "number", NUMBER), ("recipient", "user", USER_ID)):
        if key in body:
            value = body[key]
            if not isinstance(value, str):
                raise Refused(WRONG_SHAPE, f"{key}: expected a string")
            if not shape.fullmatch(value):
                raise Refused(BAD_VALUE, f"{key}: not a {name}")
            return name, value.removeprefix("+")
    raise Refused(WRONG_SHAPE, "The parameter to is required.")


def receipt_of(body: Json) -> tuple[str, bool]:
    """The message that was read, and whether we show that we are typing. Raises: Refused."""
    _fields(body, {"messaging_product", "status", "message_id", "typing_indicator"}, "message_id", "receipt")
    _product(body)
    if body["status"] != "read":
        raise Refused(BAD_VALUE, "status: only 'read'")
    if "typing_indicator" in body:
        indicator = _object(body, "typing_indicator")
        _fields(indicator, {"type"}, "type", "typing_indicator")
        if indicator["type"] != "text":
            raise Refused(BAD_VALUE, "typing_indicator.type: only 'text'")
    return _text(body, "message_id", 512), "typing_indicator" in body


def _envelope(body: Json) -> str:
    _product(body)
    if body.get("recipient_type", "individual") != "individual":
        raise Refused(BAD_VALUE, "recipient_type: only 'individual'")
    kind = body.get("type", "text")
    if kind not in ("text", "interactive", "template"):
        raise Refused(WRONG_SHAPE, "type: not one this server takes")
    return str(kind)


def _product(body: Json) -> None:
    if body.get("messaging_product") != "whatsapp":
        raise Refused(WRONG_SHAPE, "The parameter messaging_product is required.")


def _plain(content: Json) -> Shown:
    _fields(content, {"body", "preview_url"}, "body", "text")
    if not isinstance(content.get("preview_url", False), bool):
        raise Refused(WRONG_SHAPE, "text.preview_url: expected a boolean")
    return Shown("text", _text(content, "body", 4096))


def _interactive(content: Json) -> Shown:
    kind = content.get("type")
    if kind not in ("button", "list"):
        raise Refused(WRONG_SHAPE, "interactive.type: not one this server takes")
    _fields(content, {"type", "header", "body", "footer", "action"}, "action", "interactive")
    body = _object(content, "body")
    _fields(body, {"text"}, "text", "interactive.body")
    footer = _object(content, "footer") if "footer" in content else {}
    _fields(footer or {"text": ""}, {"text"}, "text", "interactive.footer")
    text, header, footed = (
        _text(body, "text", 1024),
        _header(content) if "header" in content else "",
        _text(footer, "text", 60) if footer else "",
    )
    action = _object(content, "action")
    if kind == "button":
        return Shown("button", text, buttons=_buttons(action), header=header, footer=footed)
    _fields(action, {"button", "sections"}, "sections", "interactive.action")
    return Shown("list", text, rows=_rows(action), label=_text(action, "button", 20), header=header, footer=footed)


def _header(content: Json) -> str:
    header = _object(content, "header")
    _fields(header, {"type", "text"}, "type", "interactive.header")
    if header["type"] != "text":
        raise Refused(WRONG_SHAPE, "interactive.header.type: not one this server takes")
    return _text(header, "text", 60)


def _buttons(action: Json) -> tuple[Choice, ...]:
    _fields(action, {"buttons"}, "buttons", "interactive.action")
    made = [_button(button) for button in _many(action, "buttons", 3)]
    _unique([choice.id for choice in made], "button.reply.id")
    _unique([choice.title for choice in made], "button.reply.title")
    return tuple(made)


def _button(button: Json) -> Choice:
    _fields(button, {"type", "reply"}, "reply", "button")
    if button.get("type") != "reply":
        raise Refused(WRONG_SHAPE, "button.type: only 'reply'")
    reply = _object(button, "reply")
    _fields(reply, {"id", "title"}, "id", "button.reply")
    return Choice(_text(reply, "id", 256), _text(reply, "title", 20))


def _rows(action: Json) -> tuple[Choice, ...]:
    sections = _many(action, "sections", 10)
    made = [choice for section in sections for choice in _section(section, titled=len(sections) > 1)]
    if len(made) > 10:
        raise Refused(BAD_VALUE, "sections: 1 to 10 rows in all")
    _unique([choice.id for choice in made], "row.id")
    return tuple(made)


def _section(section: Json, titled: bool) -> list[Choice]:
    _fields(section, {"title", "rows"}, "rows", "section")
    if titled or "title" in section:
        _text(section, "title", 24)
    return [_row(row) for row in _many(section, "rows", 10)]


def _row(row: Json) -> Choice:
    _fields(row, {"id", "title", "description"}, "id", "row")
    described = _text(row, "description", 72) if "description" in row else ""
    return Choice(_text(row, "id", 200), _text(row, "title", 24), described)


def _template(content: Json, templates: Templates) -> Shown:
    _fields(content, {"name", "language", "components"}, "name", "template")
    language = _object(content, "language")
    _fields(language, {"code", "policy"}, "code", "template.language")
    name = _text(content, "name", 512)
    template = templates.get((name, _text(language, "code", 20)))
    if template is None:
        raise Refused(NO_TEMPLATE, "template name does not exist in that language")
    text = _filled(template.body, _parameters(content))
    return Shown("template", text, tuple(Choice(title, title) for title in template.buttons), label=name)


def _parameters(content: Json) -> list[str]:
    filled: list[str] = []
    for component in _many(content, "components", 10) if "components" in content else ():
        _fields(component, {"type", "parameters", "sub_type", "index"}, "type", "component")
        if component["type"] == "body":
            filled += [_text(each, "text", 1024) for each in _many(component, "parameters", 100)]
    return filled


def _filled(body: str, parameters: list[str]) -> str:
    if len(set(re.findall(r"\{\{\d+\}\}", body))) != len(parameters):
        raise Refused(TEMPLATE_PARAMETERS, "body: number of parameters differs")
    for index, parameter in enumerate(parameters, start=1):
        body = body.replace(f"{{{{{index}}}}}", parameter)
    return body


def _fields(given: Json, allowed: Collection[str], needed: str, where: str) -> None:
    if unknown := sorted(set(given) - set(allowed)):
        raise Refused(WRONG_SHAPE, f"Unexpected key {unknown[0]!r} on {where}")
    if needed not in given:
        raise Refused(WRONG_SHAPE, f"The parameter {where}.{needed} is required.")


def _object(given: Json, key: str) -> Json:
    value = given.get(key)
    if not isinstance(value, dict):
        raise Refused(WRONG_SHAPE, f"{key}: expected an object")
    return value


def _many(given: Json, key: str, most: int) -> list[Json]:
    value = given.get(key)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Refused(WRONG_SHAPE, f"{key}: expected an array of objects")
    if not 1 <= len(value) <= most:
        raise Refused(BAD_VALUE, f"{key}: 1 to {most}")
    return value


def _text(given: Json, key: str, most: int) -> str:
    value = given.get(key)
    if not isinstance(value, str):
        raise Refused(WRONG_SHAPE, f"{key}: expected a string")
    if not value.strip() or len(value) > most:
        raise Refused(BAD_VALUE, f"{key}: 1 to {most} characters")
    return value


def _unique(values: list[str], where: str) -> None:
    if len(set(values)) != len(values):
        raise Refused(BAD_VALUE, f"{where}: must differ")
