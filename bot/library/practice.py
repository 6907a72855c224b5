"""`content/practice/<id>.yml`: practice scripts for advisers, read and checked with the rest of the library."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.library.form import Form, items_of, table_of
from bot.library.loading import Loading, Names
from bot.library.marked import Table, read
from bot.library.model import MAX_TIER, Where
from bot.library.taxonomy import CONCERNS, NATIONS

FOLDER = "content/practice/"
LANES = ("live", "messages")
MAX_MINUTES = 60
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")


@dataclass(frozen=True, slots=True)
class PracticeAnswer:
    question: str
    answer: str
    dont_know: bool = False


@dataclass(frozen=True, slots=True)
class PracticeScript:
    """`advice` are pages the bot has shown; `replies[0]` answers the adviser's first message; `good` is shown at the
    end, one point each."""

    id: str
    title: str
    about: str
    minutes: int
    tier: int
    concern: str
    role: str
    nation: str
    platform: str | None
    lane: str
    words: tuple[str, ...]
    answers: tuple[PracticeAnswer, ...]
    advice: tuple[str, ...]
    replies: tuple[str, ...]
    good: tuple[str, ...]


def is_practice(file: str) -> bool:
    return file.startswith(FOLDER) and file.endswith(".yml")


def read_practice(file: str, text: str, loading: Loading) -> PracticeScript | None:
    """The script; None when it is nothing of the kind. What is wrong is complained about; do not use it then."""
    complaints = loading.complaints
    before = complaints.errors
    table = read(file, text, complaints)
    if not isinstance(table, Table):
        if complaints.errors == before:
            complaints.error(Where(file, 1), "wrong-kind", "a practice script is a map", "begin with title:, about:")
        return None
    name = PurePosixPath(file).stem
    if not _ID.fullmatch(name):
        complaints.error(Where(file, 1), "page-id", f"'{name}' is no name for a script", "use a-z, 0-9 and -")
    return _script(name, Form(table, "a practice script", complaints), loading)


def _script(name: str, form: Form, loading: Loading) -> PracticeScript:
    script = PracticeScript(
        id=name,
        title=form.text("title", required=True) or "",
        about=form.text("about", required=True) or "",
        minutes=form.whole_number("minutes", 1, MAX_MINUTES) or 10,
        tier=_tier(form),
        concern=form.choice("concern", CONCERNS, required=True) or "",
        role=_code(form, "role", required=True) or "",
        nation=form.choice("nation", NATIONS, required=True) or "",
        platform=_code(form, "platform"),
        lane=form.choice("lane", LANES) or LANES[0],
        words=_texts(form, "words"),
        answers=tuple(_answers(form)),
        advice=tuple(_pages(form, loading)),
        replies=_texts(form, "replies"),
        good=_texts(form, "good"),
    )
    form.close()
    return script


def _tier(form: Form) -> int:
    tier = form.whole_number("tier", 0, MAX_TIER)
    if tier is None and form.table.get("tier") is None:
        form.complaints.error(form.where, "missing-key", "a practice script needs 'tier'")
    return tier or 0


def _code(form: Form, key: str, *, required: bool = False) -> str | None:
    scalar = form.scalar(key, required=required)
    if scalar and not _CODE.fullmatch(scalar.text):
        message = f"'{scalar.text[:60]}' is not a code"
        form.complaints.error(scalar.where, "bad-value", message, "use a-z, 0-9 and _, as safeguarding_lead")
    return scalar.text if scalar else None


def _texts(form: Form, key: str) -> tuple[str, ...]:
    return tuple(scalar.text.strip() for scalar in form.scalars(key, required=True, empty=False))


def _answers(form: Form) -> Iterator[PracticeAnswer]:
    for each in _tables(form, "answers", "an answer"):
        question, answer = each.text("question", required=True), each.text("answer", required=True)
        yield PracticeAnswer(question or "", answer or "", each.flag("dont_know"))
        each.close()


def _pages(form: Form, loading: Loading) -> Iterator[str]:
    for scalar in form.scalars("advice"):
        loading.refer(Names.PAGE, scalar, "practice")
        yield scalar.text


def _tables(form: Form, key: str, what: str) -> Iterator[Form]:
    value = form.value(key)
    for item in items_of(value, f"'{key}'", form.complaints) if value else ():
        table = table_of(item, what, form.complaints)
        if table:
            yield Form(table, what, form.complaints)
