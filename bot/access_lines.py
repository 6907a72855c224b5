"""`firstline export person`: everything that is held about one enquirer, as files for whoever answers them."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bot.app import Firstline, assemble
from bot.config import Settings
from bot.doors.access import AccessDoor
from bot.errors import FirstlineError
from bot.forgetting import keep_of
from handoff import retention
from handoff.erasing import Asker, Way
from handoff.finding import reference_part
from handoff.reports.saving import save
from handoff.retention import Found
from handoff.subject_access import as_json, held, note_request
from handoff.subject_page import as_html

JSON, HTML = "held.json", "held.html"


class NothingHeld(FirstlineError):
    """It leads to nothing; nothing was written."""


class FolderInUse(FirstlineError):
    """There are files in that folder already. Name a new one. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was written: the same as data and as words."""

    data: Mapping[str, object]
    words: str


def export_person(settings: Settings, reference: str | None, code: str | None, asker: str, out: Path) -> Told:
    """Writes the request down, then two files into the new or empty folder `out`, each whole or not at all.

    Raises: NothingHeld; FolderInUse; OSError.
    """
    if out.is_dir() and any(out.iterdir()):
        raise FolderInUse
    firstline = assemble(settings)
    with closing(firstline.ledger):
        cases, conversation = _found(firstline, settings, reference, code)
        ledger, now = firstline.ledger, firstline.now()
        for case_id in [case.case_id for case in cases] or [None]:
            ledger.write_now(
                lambda db, case_id=case_id: note_request(db, case_id, Way.COMMAND, Asker(asker), None, now)  # type: ignore[misc]
            )
        door = AccessDoor(ledger, firstline.shelf, firstline.queue, firstline.now)
        everything = held(ledger.reader(), ledger.seal, door, cases, conversation, now)
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        out.chmod(0o700)
        for name, text in ((JSON, as_json(everything)), (HTML, as_html(everything))):
            save(out / name, text.encode())
    return _told(cases, out, is_empty=everything.is_empty)


# --- within ----------------------------------------------------------------------------------------------------------


def _found(
    firstline: Firstline, settings: Settings, reference: str | None, code: str | None
) -> tuple[tuple[Found, ...], int | None]:
    """Every case of the conversation, and the conversation itself. Raises: NothingHeld."""
    db, keep, now = firstline.ledger.reader(), keep_of(settings), firstline.now()
    if code is not None:
        conversation = firstline.forgetting.by_code(db, code.strip().upper(), now)
        if conversation is None:
            raise NothingHeld("That return code leads to nothing: it is wrong, too old, or was forgotten.")
        return retention.of_conversation(db, conversation, keep, now), conversation
    part = reference_part(reference or "")
    found = retention.by_reference(db, firstline.ledger.seal, part, keep, now) if part.startswith("FL-") else None
    if found is None:
        raise NothingHeld(f"No case has the reference {reference}, and none that was forgotten lately had it.")
    if found.conversation is None:
        return (found,), None
    return retention.of_conversation(db, found.conversation, keep, now), found.conversation


def _told(cases: tuple[Found, ...], out: Path, *, is_empty: bool) -> Told:
    gone = [f"{case.reference} was forgotten on {case.forgotten_on:%-d %B %Y}." for case in cases if case.forgotten_on]
    lines = [
        *gone,
        f"Wrote {JSON} and {HTML} to {out}, which only this account can open.",
        "Nothing is held any more; the files say what remains."
        if is_empty
        else "Not ready to be handed over: a person must read the marked parts first, because they may name others.",
    ]
    data = {"cases": [case.reference for case in cases], "empty": is_empty, "files": [JSON, HTML]}
    return Told(data, "\n".join(lines))
