"""One map of an editor's file, read key by key; what was not asked for is complained about at the end."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from bot.library.complaints import Complaints, did_you_mean, one_of
from bot.library.marked import Listing, Marked, Scalar, Table
from bot.library.model import Where

_TRUE, _FALSE = frozenset({"true", "True", "TRUE"}), frozenset({"false", "False", "FALSE"})


def table_of(value: Marked | None, what: str, complaints: Complaints) -> Table | None:
    """The value as a map; None, after a complaint, when it is something else (an empty value is None too)."""
    if isinstance(value, Table):
        return value
    if value is not None:
        complaints.error(value.where, "wrong-kind", f"{what} must be a map of keys and values")
    return None


def items_of(value: Marked | None, what: str, complaints: Complaints) -> tuple[Marked, ...]:
    """The value as a list; empty, after a complaint, when it is something else or has nothing in it."""
    if isinstance(value, Listing) and value.items:
        return value.items
    if isinstance(value, Listing) or (isinstance(value, Scalar) and value.is_null):
        complaints.error(value.where, "empty", f"{what} has nothing in it")
    elif value is not None:
        complaints.error(value.where, "wrong-kind", f"{what} must be a list (lines that begin with '- ')")
    return ()


class Form:
    """Reads keys of one map. A key that is missing or, after a complaint, wrong is None (or nothing)."""

    def __init__(self, table: Table, what: str, complaints: Complaints) -> None:
        self.table = table
        self.what = what
        self.complaints = complaints
        self.asked: set[str] = set()

    @property
    def where(self) -> Where:
        return self.table.where

    def place(self, key: str) -> Where:
        """Where the key's value stands; the map's place when the key is missing."""
        value = self.table.get(key)
        return value.where if value else self.where

    def value(self, key: str, *, required: bool = False) -> Marked | None:
        self.asked.add(key)
        value = self.table.get(key)
        if value is None and required:
            self.complaints.error(self.where, "missing-key", f"{self.what} needs '{key}'")
        return value

    def scalar(self, key: str, *, required: bool = False) -> Scalar | None:
        """A word or text that is not empty."""
        value = self.value(key, required=required)
        if value is None or (isinstance(value, Scalar) and value.text.strip() and not value.is_null):
            return value
        if isinstance(value, Scalar):
            self.complaints.error(value.where, "empty", f"'{key}' is empty")
        else:
            self.complaints.error(value.where, "wrong-kind", f"'{key}' must be a text", _braces(value))
        return None

    def text(self, key: str, *, required: bool = False) -> str | None:
        scalar = self.scalar(key, required=required)
        return scalar.text if scalar else None

    def choice(self, key: str, choices: Collection[str], *, required: bool = False) -> str | None:
        scalar = self.scalar(key, required=required)
        return self.chosen(scalar, choices) if scalar else None

    def chosen(self, scalar: Scalar, choices: Collection[str]) -> str | None:
        if scalar.text in choices:
            return scalar.text
        fix = did_you_mean(scalar.text, choices, one_of(choices))
        self.complaints.error(scalar.where, "not-a-choice", f"'{scalar.text}' is not known here", fix)
        return None

    def flag(self, key: str, default: bool = False) -> bool:
        scalar = self.scalar(key)
        if scalar is None or scalar.text in _TRUE:
            return default if scalar is None else True
        if scalar.text not in _FALSE:
            self.complaints.error(scalar.where, "bad-value", f"'{key}' is true or false, not '{scalar.text}'")
        return False

    def whole_number(self, key: str, least: int, most: int) -> int | None:
        scalar = self.scalar(key)
        if scalar is None:
            return None
        if (
            scalar.text.isascii()
            and scalar.text.isdigit()
            and len(scalar.text) < 8
            and least <= int(scalar.text) <= most
        ):
            return int(scalar.text)
        message = f"'{key}' is a whole number from {least} to {most}, not '{scalar.text}'"
        self.complaints.error(scalar.where, "bad-value", message)
        return None

    def day(self, key: str, *, required: bool = False) -> date | None:
        scalar = self.scalar(key, required=required)
        if scalar is None:
            return None
        try:
            return date.fromisoformat(scalar.text)
        except ValueError:
            fix = "write year-month-day, as 2027-01-31"
            self.complaints.error(scalar.where, "bad-value", f"'{scalar.text}' is not a date", fix)
            return None

    def scalars(self, key: str, *, required: bool = False, empty: bool = True) -> tuple[Scalar, ...]:
        """A list of words or texts; `empty`: whether `[]` is fine."""
        value = self.value(key, required=required)
        if isinstance(value, Listing) and not value.items and empty:
            return ()
        return tuple(self.words(items_of(value, f"'{key}'", self.complaints), key))

    def words(self, items: tuple[Marked, ...], key: str) -> Iterator[Scalar]:
        for item in items:
            if isinstance(item, Scalar) and item.text.strip():
                yield item
            else:
                self.complaints.error(item.where, "wrong-kind", f"'{key}' holds words only", _braces(item))

    def choices(self, key: str, choices: Collection[str], *, required: bool = False) -> tuple[str, ...]:
        read = [self.chosen(scalar, choices) for scalar in self.scalars(key, required=required)]
        return tuple(choice for choice in read if choice)

    def form(self, key: str, what: str) -> "Form | None":
        table = table_of(self.value(key), f"'{key}'", self.complaints)
        return Form(table, what, self.complaints) if table else None

    def by_language(self, key: str, languages: Collection[str]) -> Mapping[str, str]:
        """A text (English), or a map of language to text."""
        value = self.value(key)
        if not isinstance(value, Table):
            text = self.text(key)
            return {"en": text} if text else {}
        form = Form(value, f"'{key}'", self.complaints)
        texts = {entry.key: form.text(entry.key) for entry in value if form.language(entry.key, entry.where, languages)}
        return {language: text for language, text in texts.items() if text}

    def language(self, language: str, where: Where, languages: Collection[str]) -> bool:
        self.asked.add(language)
        if language not in languages:
            message = f"the language '{language}' is not declared"
            self.complaints.error(where, "language", message, one_of(languages))
        return language in languages

    def close(self, *, ignored: Collection[str] = (), refused: Mapping[str, str] | None = None) -> None:
        """Complain of every key nobody asked for; `refused` says what to write instead."""
        for entry in self.table:
            if entry.key in self.asked:
                continue
            if entry.key in ignored:
                self.complaints.warning(entry.where, "ignored-key", f"'{entry.key}' has no effect in Firstline")
            elif refused and entry.key in refused:
                message = f"Firstline has no '{entry.key}'"
                self.complaints.error(entry.where, "refused", message, refused[entry.key])
            else:
                fix = did_you_mean(entry.key, self.asked, one_of(sorted(self.asked)))
                self.complaints.error(entry.where, "unknown-key", f"{self.what} has no key '{entry.key}'", fix)


def _braces(value: Marked) -> str:
    return "put text that begins with { or [ in quotes" if not isinstance(value, Scalar) else ""
