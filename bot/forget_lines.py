"""`firstline forget`: what would go, what goes now, and what somebody asked to have forgotten."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from bot.app import Firstline, assemble
from bot.config import Settings
from bot.errors import FirstlineError
from bot.forgetting import keep_of
from bot.night import Done
from handoff import retention
from handoff.erasing import Asker, Reason, Request, Way, ask
from handoff.finding import reference_part
from handoff.retention import REMAINS, Found, Standing

PATIENCE_S: Final = 2.0
"""So long a running service waits for us at most while the file is rewritten; then it does that itself, at night."""
NOT_YET: Final = "Old copies inside the file go when the service rewrites it, in the coming night."
REMAINING: Final = (
    "What remains: codes, days and counts in the facts; what happened and when in the audit trail; "
    "a keyed mark of the reference; and backups made before, for as long as you keep them."
)

KINDS: Final[Mapping[str, str]] = {
    "typed": "conversations that have been idle: their typed words",
    "conversation": "ended conversations: answers, replies, the address",
    "repeats": "marks of messages, kept to know a provider's repeats",
    "codes": "return codes that are too old",
    "case": "ended cases, whole",
    "notices": "settled notices",
    "attempts": "failed log-ins",
    "addresses": "marks of where advisers logged in from",
    "sessions": "log-ins that ran out",
    "gaps": "answered reports about the content",
    "care": "how heavy cases were",
    "marks": "marks of references forgotten long ago",
}
PASSED_OVER: Final[Mapping[str, str]] = {
    "held": "cases past their time stay: a lead holds them",
    "work_left": "cases past their time stay: a task is still open",
}


class NothingForgotten(FirstlineError):
    """It cannot be forgotten; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was or would be done: the same as data and as words."""

    data: Mapping[str, object]
    words: str


def preview(settings: Settings) -> Told:
    """What would be forgotten if it were done at this moment."""
    firstline = assemble(settings)
    with closing(firstline.ledger):
        keep, now, db = keep_of(settings), firstline.now(), firstline.ledger.reader()
        goes = {**firstline.forgetting.preview(db, now), **retention.preview(db, keep, now)}
        stays = {str(why): count for why, count in retention.passed_over(db, keep, now).items()}
    lines = [f"{count:>8}  {KINDS[kind]}" for kind, count in goes.items()]
    lines += [f"{count:>8}  {PASSED_OVER[why]}" for why, count in stays.items() if count]
    return Told({"at": now.isoformat(), "goes": goes, "passed_over": stays}, "\n".join(lines))


def now(settings: Settings) -> Told:
    """What is due goes at once: typed words, ended conversations, ended cases, and the rest."""
    firstline = assemble(settings)
    with closing(firstline.ledger):
        words, done = asyncio.run(_work(firstline))
        was_rewritten = asyncio.run(firstline.night.leave_nothing(PATIENCE_S))
    said = f"The words of {words} conversations and {done.cases} cases were forgotten."
    left = f" {len(done.left)} cases could not be forgotten: see the log." if done.left else ""
    counts = {"conversations": words, "cases": done.cases, "others": done.others, "left": len(done.left)}
    return Told(counts | {"rewritten": was_rewritten}, said + left + ("" if was_rewritten else f" {NOT_YET}"))


def by_reference(settings: Settings, text: str, asker: str, reason: str) -> Told:
    """Raises: NothingForgotten when it is open, or nothing is known of it."""
    firstline = assemble(settings)
    with closing(firstline.ledger):
        reference = reference_part(text)
        found = _known(firstline, reference, settings) if reference.startswith("FL-") else None
        if found is None:
            raise NothingForgotten(f"No case has the reference {text}, and none that was forgotten lately had it.")
        return _asked(firstline, [found], None, Request(Way.COMMAND, Asker(asker), Reason(reason)))


def by_code(settings: Settings, code: str, asker: str, reason: str) -> Told:
    """Raises: NothingForgotten when one of its cases is open, or the code leads nowhere."""
    firstline = assemble(settings)
    with closing(firstline.ledger):
        db, now = firstline.ledger.reader(), firstline.now()
        conversation = firstline.forgetting.by_code(db, code.strip().upper(), now)
        if conversation is None:
            raise NothingForgotten("That return code leads to nothing: it is wrong, too old, or was forgotten.")
        cases = retention.of_conversation(db, conversation, keep_of(settings), now)
        return _asked(firstline, cases, conversation, Request(Way.COMMAND, Asker(asker), Reason(reason)))


# --- within ----------------------------------------------------------------------------------------------------------


async def _work(firstline: Firstline) -> tuple[int, Done]:
    words = await firstline.upkeep.forget()
    return words, await firstline.night.work()


def _known(firstline: Firstline, reference: str, settings: Settings) -> Found | None:
    db, seal = firstline.ledger.reader(), firstline.ledger.seal
    return retention.by_reference(db, seal, reference, keep_of(settings), firstline.now())


def _asked(firstline: Firstline, cases: Sequence[Found], conversation: int | None, request: Request) -> Told:
    for each in cases:
        if each.standing is Standing.OPEN:
            raise NothingForgotten(f"{each.reference} is open. Close it at the desk first.")
    done = firstline.ledger.write_now(lambda db: _do(db, firstline, cases, conversation, request))
    was_rewritten = firstline.ledger.rewrite(PATIENCE_S)
    lines = [_line(each, done) for each in cases]
    lines += ["The conversation was forgotten."] if conversation is not None else []
    lines += [REMAINING] if done or conversation is not None else []
    lines += [] if was_rewritten else [NOT_YET]
    waiting = sum(each.standing is Standing.HELD for each in cases)
    data = {"forgotten": len(done), "waiting": waiting, "remains": list(REMAINS), "rewritten": was_rewritten}
    return Told(data, "\n".join(lines))


def _do(
    db: sqlite3.Connection, firstline: Firstline, cases: Sequence[Found], conversation: int | None, request: Request
) -> frozenset[str]:
    """The references of the cases that were forgotten."""
    seal, door, now = firstline.ledger.seal, firstline.forgetting, firstline.now()
    today = firstline.hours.local(now).date()
    done = {
        each.reference
        for each in cases
        if each.case_id is not None and ask(db, seal, door, each.case_id, request, today, now)
    }
    if conversation is not None:
        door.conversation(db, conversation, now)
    return frozenset(done)


def _line(found: Found, done: frozenset[str]) -> str:
    if found.reference in done:
        return f"{found.reference} was forgotten."
    if found.forgotten_on is not None:
        return f"{found.reference} was forgotten on {found.forgotten_on:%-d %B %Y}."
    return (
        f"{found.reference} is held ({found.held_for}) until a lead releases it; the hold is looked at again by "
        f"{found.held_until:%-d %B %Y}. The request is kept, and is done in the night after that."
    )
