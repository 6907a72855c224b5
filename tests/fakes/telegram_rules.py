"""What Telegram takes and what it refuses, as pure functions: its HTML, texts, keyboards, commands, pace.

Source: https://core.telegram.org/bots/api and the words its server answers with, as of 2026. Where Telegram publishes
no number (8 buttons in a row, 10 kB of keyboard), the stricter of those that users report stands here.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

TEXT = 4096
ENTITIES = 100
CALLBACK_DATA_BYTES = 64
BUTTONS_IN_A_ROW = 8
BUTTONS = 100
KEYBOARD_BYTES = 10_000
NOTICE = 200
COMMANDS = 100
TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler", "span": "spoiler",
    "a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote", "tg-emoji": "custom_emoji",
}  # fmt: skip
ACTIONS = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip
BUTTON_KINDS = frozenset({
    "url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay",
})  # fmt: skip
PREFIX = {400: "Bad Request: ", 403: "Forbidden: ", 409: "Conflict: ", 429: "Too Many Requests: "}
CHARACTER = re.compile(r"&(?:#(\d+);?|#x([0-9a-fA-F]+);?|(lt|gt|amp|quot)(?![a-zA-Z]);?)")
ATTRIBUTE = re.compile(r"""\s*([^\s=>/"']+)\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+)""")
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


class Refused(Exception):
    """Telegram answers that it will not."""

    def __init__(self, status: int, words: str, **parameters: int) -> None:
        self.status = status
        self.description = PREFIX.get(status, "") + words
        self.parameters = parameters
        super().__init__(self.description)


def bad(words: str) -> Refused:
    return Refused(400, words)


def too_many(retry_after: int) -> Refused:
    return Refused(429, f"retry after {retry_after}", retry_after=retry_after)


def units(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text as people see it, and what stands where in it."""

    text: str
    entities: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str
    offset: int
    characters: int
    attributes: dict[str, str]


class _Html:
    """One pass over a text in Telegram's HTML."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.at = 0
        self.text = ""
        self.open: list[_Tag] = []
        self.entities: list[Json] = []

    def parse(self) -> Formatted:
        while self.at < len(self.html):
            if self.html[self.at] == "<":
                self._end_tag() if self.html.startswith("</", self.at) else self._start_tag()
            else:
                self._character()
        if self.open:
            raise bad(f"can't parse entities: Can't find end tag corresponding to start tag \"{self.open[-1].name}\"")
        return Formatted(self.text, tuple(sorted(self.entities, key=lambda one: (one["offset"], -one["length"]))))

    def _character(self) -> None:
        found = CHARACTER.match(self.html, self.at)
        if found is None:
            self.text += self.html[self.at]
            self.at += 1
            return
        decimal, hexadecimal, name = found.groups()
        self.text += NAMED[name] if name else chr(int(decimal) if decimal else int(hexadecimal, 16))
        self.at = found.end()

    def _fail(self, words: str, at: int) -> Refused:
        return bad(f"can't parse entities: {words} at byte offset {len(self.html[:at].encode())}")

    def _start_tag(self) -> None:
        begun = self.at
        found = re.compile(r"<([^\s>]*)").match(self.html, self.at)
        assert found
        name = found[1].lower()
        self.at = found.end()
        if name not in TAGS:
            raise self._fail(f'Unsupported start tag "{name}"', begun)
        attributes = self._attributes(name, begun)
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise self._fail('Tag "span" must have class "tg-spoiler"', begun)
        self.open.append(_Tag(name, units(self.text), len(self.text), attributes))

    def _attributes(self, name: str, begun: int) -> dict[str, str]:
        attributes: dict[str, str] = {}
        while True:
            rest = self.html[self.at :].lstrip()
            self.at = len(self.html) - len(rest)
            if not rest:
                raise self._fail("Unclosed start tag", begun)
            if rest[0] == ">":
                self.at += 1
                return attributes
            if name == "blockquote" and re.match(r"expandable[\s>]", rest):
                self.at += len("expandable")
                attributes["expandable"] = "1"
                continue
            found = ATTRIBUTE.match(self.html, self.at)
            if found is None:
                raise self._fail(f'Expected equal sign in declaration of an attribute of the tag "{name}"', begun)
            attributes[found[1].lower()] = _Html(found[2].strip("\"'").replace("<", "&lt;")).parse().text
            self.at = found.end()

    def _end_tag(self) -> None:
        begun = self.at
        found = re.compile(r"</([^\s>]*)\s*>").match(self.html, self.at)
        if not self.open:
            raise self._fail("Unexpected end tag", begun)
        if found is None:
            raise self._fail("Unclosed end tag", begun)
        tag = self.open.pop()
        if found[1] and found[1].lower() != tag.name:
            raise self._fail(f'Unmatched end tag, expected "</{tag.name}>", found "</{found[1].lower()}>"', begun)
        self.at = found.end()
        self._keep(tag)

    def _keep(self, tag: _Tag) -> None:
        inside = self.text[tag.characters :]
        entity: Json = {"type": TAGS[tag.name], "offset": tag.offset, "length": units(inside)}
        if tag.name == "a":
            entity["url"] = tag.attributes.get("href") or inside
            if not is_link(entity["url"]):
                return
        if "expandable" in tag.attributes:
            entity["type"] = "expandable_blockquote"
        if inside:
            self.entities.append(entity)


def is_link(url: object) -> bool:
    """Whether Telegram makes a link of it. In a text anything else is shown without a link, in a button refused."""
    return isinstance(url, str) and bool(re.fullmatch(r"(https?://[^\s/]+\S*|tg://\S+)", url))


def formatted(text: str, parse_mode: str, entities: list[Json] | None = None) -> Formatted:
    """What becomes of a text that a bot sends. Raises: Refused."""
    if not text:
        raise bad("message text is empty")
    if parse_mode and parse_mode.lower() != "html":
        raise bad("unsupported parse_mode")  # Markdown is real, but this server knows HTML only
    made = _Html(text).parse() if parse_mode else Formatted(text, tuple(entities or ()))
    trimmed = _trimmed(made)
    if not trimmed.text:
        raise bad("text must be non-empty")
    if units(trimmed.text) > TEXT:
        raise bad("message is too long")
    return Formatted(trimmed.text, trimmed.entities[:ENTITIES])


def _trimmed(made: Formatted) -> Formatted:
    text = made.text.strip()
    if text == made.text:
        return made
    before, end = units(made.text) - units(made.text.lstrip()), units(text)
    kept = []
    for entity in made.entities:
        start = max(entity["offset"] - before, 0)
        length = min(entity["offset"] + entity["length"] - before, end) - start
        if length > 0:
            kept.append({**entity, "offset": start, "length": length})
    return Formatted(text, tuple(kept))


def keyboard(markup: object, only_inline: bool = False) -> list[list[Json]]:
    """The rows of an inline keyboard; none for another kind of markup or none at all. Raises: Refused."""
    if markup is None:
        return []
    if not isinstance(markup, dict):
        raise bad("object expected as reply markup")
    if "inline_keyboard" not in markup:
        if only_inline:
            raise bad("inline keyboard expected")
        return []
    rows = markup["inline_keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad('field "inline_keyboard" must be of type Array of Array')
    for button in (button for row in rows for button in row):
        _check_button(button)
    if sum(map(len, rows)) > BUTTONS or any(len(row) > BUTTONS_IN_A_ROW for row in rows):
        raise bad("reply markup is too long")
    if len(json.dumps(rows, ensure_ascii=False).encode()) > KEYBOARD_BYTES:
        raise bad("reply markup is too long")
    return [row for row in rows if row]


def _check_button(button: object) -> None:
    broken = "can't parse inline keyboard button: "
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise bad(broken + 'Field "text" must be of type String')
    if not button["text"].strip():
        raise bad(broken + "Button text must be non-empty")
    kinds = [kind for kind in BUTTON_KINDS if button.get(kind) not in (None, "")]
    if not kinds:
        raise bad(broken + "Text buttons are unallowed in the inline keyboard")
    if len(kinds) > 1:
        raise bad(broken + "exactly one of the optional fields must be used")
    if kinds == ["callback_data"] and len(str(button["callback_data"]).encode()) > CALLBACK_DATA_BYTES:
        raise bad("BUTTON_DATA_INVALID")
    if kinds == ["url"] and not is_link(button["url"]):
        raise bad(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
    if button.get("style", "primary") not in ("primary", "success", "danger"):
        raise bad("BUTTON_STYLE_INVALID")


def commands(given: object) -> list[Json]:
    """Raises: Refused."""
    if not isinstance(given, list):
        raise bad("can't parse commands list")
    if len(given) > COMMANDS:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for one in given:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(one.get("command"))):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= units(str(one.get("description") or "")) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    return [{"command": one["command"], "description": one["description"]} for one in given]


def language(code: str) -> str:
    if code and not re.fullmatch(r"[a-z]{2}", code):
        raise bad("invalid language code specified")
    return code


def secret(token: str) -> str:
    if token and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", token):
        raise bad("secret token contains unallowed characters")
    return token


def webhook(url: str) -> str:
    """Telegram wants HTTPS on 443, 80, 88 or 8443; on this computer a test may use what it has."""
    if not re.match(r"https://|http://(127\.0\.0\.1|localhost|\[::1\])[:/]", url):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    return url


class Bucket:
    """So many a second, and `burst` at once."""

    def __init__(self, per_s: float, burst: float) -> None:
        self.per_s, self.burst, self.left, self.seen = per_s, burst, burst, 0.0

    def wait(self, now: float) -> float:
        """Seconds until one more may pass; 0 when it may now."""
        self.left = min(self.burst, self.left + (now - self.seen) * self.per_s)
        self.seen = now
        return 0.0 if self.left >= 1 else (1 - self.left) / self.per_s

    def take(self) -> None:
        self.left -= 1
